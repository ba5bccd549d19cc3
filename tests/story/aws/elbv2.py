"""Elastic Load Balancing v2: target groups, and the health of what is in them.

A new target is `initial` for `pace["initial"]`, then what `healthy` says of the group."""
from aws.pace import Thing
from aws.service import Refused, Service, plain_thing


class Elbv2(Service):
    signs_as = "elasticloadbalancing"
    kinds = ("groups",)
    PERMISSIONS = {}

    def add_target_group(self, name, targets=(), healthy=True):
        arn = self.arn(f"targetgroup/{name}/73e2d6bc24d8a067")
        group = Thing(TargetGroupName=name, TargetGroupArn=arn, Protocol="HTTP", Port=80,
                      VpcId="vpc-0a1b2c3d", HealthCheckEnabled=True, TargetType="instance",
                      HealthCheckProtocol="HTTP", HealthCheckPath="/", UnhealthyThresholdCount=2,
                      HealthyThresholdCount=5, HealthCheckIntervalSeconds=30,
                      LoadBalancerArns=[self.arn("loadbalancer/app/shop/50dc6c495c0c9188")])
        group.aside.update(targets={}, healthy=healthy)
        self.groups[arn] = group
        for target in targets:
            self.register(arn, target).update(state="healthy")
        return arn

    def register(self, arn, instance):
        group = self.groups[arn]
        target = Thing(id=instance, state="initial")
        target.then(self.pace["initial"], lambda it: it.update(
            state="healthy" if group.aside["healthy"] else "unhealthy"))
        group.aside["targets"][instance] = target
        return target

    def deregister(self, arn, instance):
        self.groups[arn].aside["targets"].pop(instance, None)

    def describe_target_groups(self, params):
        wanted = list(self.groups.values())
        for key, member in (("Names", "TargetGroupName"), ("TargetGroupArns", "TargetGroupArn")):
            if key in params:
                wanted = [each for each in wanted if each[member] in params[key]]
                if len(wanted) < len(params[key]):
                    raise Refused("TargetGroupNotFound",
                                  "One or more target groups not found", 400)
        shown, more = self.page(wanted, params, 400, "Marker", "PageSize")
        return {"TargetGroups": [plain_thing(each) for each in shown],
                **({"NextMarker": more["Marker"]} if more else {})}

    def describe_target_health(self, params):
        group = self.groups.get(params["TargetGroupArn"])
        if group is None:
            raise Refused("TargetGroupNotFound", "One or more target groups not found", 400)
        shown = {each["Id"] for each in params.get("Targets", [])}
        return {"TargetHealthDescriptions": [
            self.health(self.look(target)) for target in group.aside["targets"].values()
            if not shown or target["id"] in shown]}

    @staticmethod
    def health(target):
        why = {"initial": {"Reason": "Elb.RegistrationInProgress",
                           "Description": "Target registration is in progress"},
               "unhealthy": {"Reason": "Target.FailedHealthChecks",
                             "Description": "Health checks failed"}}.get(target["state"], {})
        return {"Target": {"Id": target["id"], "Port": 80}, "HealthCheckPort": "80",
                "TargetHealth": {"State": target["state"], **why}}
