"""ECS: services that reach their desired count, and their deployments.

A new desired count is reached after `pace["placing"]`. A service in `no_capacity` stays as it
is."""
from aws.pace import Thing
from aws.service import Refused, Service, plain_thing


class Ecs(Service):
    signs_as = "ecs"
    kinds = ("clusters",)
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.no_capacity = set()

    def add_service(self, cluster, name, desired=0, rollout="COMPLETED"):
        service = Thing(
            serviceName=name, serviceArn=self.arn(f"service/{cluster}/{name}"), status="ACTIVE",
            clusterArn=self.arn(f"cluster/{cluster}"), desiredCount=desired, runningCount=desired,
            pendingCount=0, launchType="FARGATE",
            taskDefinition=self.arn(f"task-definition/{name}:1"), events=[],
            deployments=[{"id": "ecs-svc/1234567890123456789", "status": "PRIMARY",
                          "rolloutState": rollout, "desiredCount": desired, "pendingCount": 0,
                          "runningCount": desired, "failedTasks": 0}])
        self.clusters.setdefault(cluster, {})[name] = service
        return service

    def cluster(self, params):
        name = params.get("cluster", "default").rpartition("/")[2]
        if name not in self.clusters:
            raise Refused("ClusterNotFoundException", "Cluster not found.", 400)
        return self.clusters[name]

    def describe_services(self, params):
        cluster = self.cluster(params)
        names = [name.rpartition("/")[2] for name in params["services"]]
        return {"services": [plain_thing(self.look(cluster[name])) for name in names
                             if name in cluster],
                "failures": [{"arn": self.arn(f"service/default/{name}"), "reason": "MISSING"}
                             for name in names if name not in cluster]}

    def update_service(self, params):
        name = params["service"].rpartition("/")[2]
        service = self.cluster(params).get(name)
        if service is None:
            raise Refused("ServiceNotFoundException", "Service not found.", 400)
        desired = params.get("desiredCount", service["desiredCount"])
        self.acts(name, f"desiredCount={desired}")
        counts(service, desiredCount=desired,
               pendingCount=max(desired - service["runningCount"], 0))
        if name not in self.no_capacity:
            service.then(self.pace["placing"], lambda it: counts(
                it, runningCount=it["desiredCount"], pendingCount=0))
        return {"service": plain_thing(service)}

    def resources(self, action, params):
        cluster = params.get("cluster", "default").rpartition("/")[2]
        names = params.get("services") or [params["service"]]
        return [self.arn(f"service/{cluster}/{name.rpartition('/')[2]}") for name in names]


def counts(service, **numbers):
    """The service's and its one deployment's."""
    service.update(numbers)
    service["deployments"][0].update(numbers)
