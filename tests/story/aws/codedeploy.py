"""CodeDeploy: deployments that are Created, InProgress, and then what `ends` says of the group.

The service has no tokens: two deployments with the same description are one that was repeated."""
from aws.pace import Thing
from aws.service import Refused, Service, plain_thing


class CodeDeploy(Service):
    signs_as = "codedeploy"
    kinds = ("groups", "deployments")
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.ends = {}

    def add_group(self, application, group, revision=None):
        self.groups[application, group] = Thing(
            applicationName=application, deploymentGroupName=group,
            deploymentGroupId=f"4f1c1b2a-{len(self.groups):04x}-4000-8000-000000000000",
            deploymentConfigName="CodeDeployDefault.OneAtATime",
            **({"targetRevision": revision} if revision else {}))

    def group(self, params):
        application, name = params["applicationName"], params.get("deploymentGroupName")
        if application not in {each for each, _ in self.groups}:
            raise Refused("ApplicationDoesNotExistException", f"No application {application}", 400)
        if (application, name) not in self.groups:
            raise Refused("DeploymentGroupDoesNotExistException", f"No group {name}", 400)
        return self.groups[application, name]

    def get_deployment_group(self, params):
        return {"deploymentGroupInfo": plain_thing(self.group(params))}

    def list_deployments(self, params):
        if "applicationName" in params:
            self.group(params)
        for each in self.deployments.values():
            self.look(each)
        span = params.get("createTimeRange", {})
        wanted = [each["deploymentId"] for each in self.deployments.values()
                  if params.get("applicationName") in (None, each["applicationName"])
                  and params.get("deploymentGroupName") in (None, each["deploymentGroupName"])
                  and each["status"] in params.get("includeOnlyStatuses", [each["status"]])
                  and span.get("start", each["createTime"]) <= each["createTime"]][::-1]
        shown, more = self.page(wanted, params, 100, "nextToken", "none")
        return {"deployments": shown, **more}

    def find(self, number):
        if number not in self.deployments:
            raise Refused("DeploymentDoesNotExistException", f"No deployment {number}", 400)
        return self.look(self.deployments[number])

    def get_deployment(self, params):
        return {"deploymentInfo": plain_thing(self.find(params["deploymentId"]))}

    def batch_get_deployments(self, params):
        return {"deploymentsInfo": [plain_thing(self.find(each)) for each in params["deploymentIds"]
                                    if each in self.deployments]}

    def create_deployment(self, params):
        group = self.group(params)
        for each in self.deployments.values():
            if each.get("description") and each["description"] == params.get("description"):
                self.fault(f"a second deployment {params['description']!r}")
        revision = params.get("revision") or group.get("targetRevision")
        if not revision:
            raise Refused("RevisionRequiredException", "A revision is needed", 400)
        name = params["deploymentGroupName"]
        self.acts(params["applicationName"], name)
        number = f"d-{len(self.deployments) + 1:09X}"
        deployment = Thing(deploymentId=number, applicationName=params["applicationName"],
                           deploymentGroupName=name, revision=revision, status="Created",
                           createTime=self.aws.now(), creator="user",
                           description=params.get("description", ""))
        end = self.ends.get(name, "Succeeded")
        wrong = {} if end == "Succeeded" else {"errorInformation": {
            "code": "HEALTH_CONSTRAINTS", "message": "too many individual instances failed"}}
        deployment.then(self.pace["deployment created"], lambda it: it.update(status="InProgress"))
        deployment.then(self.pace["deploying"], lambda it: it.update(
            status=end, completeTime=self.aws.now(), **wrong))
        self.deployments[number] = deployment
        return {"deploymentId": number}

    def resources(self, action, params):
        if action in ("CreateDeployment", "ListDeployments", "GetDeploymentGroup"):
            application = params.get("applicationName", "*")
            return [self.arn(f"deploymentgroup:{application}/"
                             f"{params.get('deploymentGroupName', '*')}")]
        names = {(self.deployments[each]["applicationName"],
                  self.deployments[each]["deploymentGroupName"])
                 for each in params.get("deploymentIds", [params.get("deploymentId")])
                 if each in self.deployments}
        return [self.arn(f"deploymentgroup:{application}/{group}") for application, group in names]

    def also(self, action, params):
        if action == "CreateDeployment":
            config = "deploymentconfig:CodeDeployDefault.OneAtATime"
            application = self.arn(f"application:{params['applicationName']}")
            yield "codedeploy:GetDeploymentConfig", self.arn(config), {}
            yield "codedeploy:GetApplicationRevision", application, {}
            yield "codedeploy:RegisterApplicationRevision", application, {}
