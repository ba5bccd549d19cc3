"""EC2: instances that are stopped, pending, running, and their status checks.

Started ones are `pending` for `pace["starting"]`, and their checks `initializing` for
`pace["checking"]`. Those of a type in `no_capacity` do not start."""
from aws.pace import Thing
from aws.service import Refused, Service, plain_thing

CODES = {"pending": 0, "running": 16, "shutting-down": 32, "terminated": 48, "stopping": 64,
         "stopped": 80}


class Ec2(Service):
    signs_as = "ec2"
    kinds = ("instances",)
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.no_capacity = set()
        self.impaired = set()

    def add(self, name, state="stopped", kind="m6g.large", **tags):
        instance = Thing(InstanceId=name, InstanceType=kind, ImageId="ami-0a1b2c3d4e5f60718",
                         State=state_of(state), Placement={"AvailabilityZone": f"{self.region}a"},
                         Tags=[{"Key": key, "Value": value} for key, value in tags.items()])
        instance.aside["checks"] = "ok" if state == "running" else "not-applicable"
        self.instances[name] = instance
        return instance

    def wanted(self, params):
        for name in params.get("InstanceIds", []):
            if name not in self.instances:
                raise Refused("InvalidInstanceID.NotFound",
                              f"The instance ID '{name}' does not exist", 400)
        return [each for name, each in self.instances.items()
                if name in params.get("InstanceIds", [name])
                and all(self.passes(each, one) for one in params.get("Filters", []))]

    @staticmethod
    def passes(instance, one):
        name, values = one["Name"], one["Values"]
        if name == "instance-state-name":
            return instance["State"]["Name"] in values
        if name.startswith("tag:"):
            return any(tag["Key"] == name[4:] and tag["Value"] in values
                       for tag in instance["Tags"])
        raise Refused("InvalidParameterValue", f"The filter '{name}' is invalid", 400)

    def check_limit(self, params):
        if "MaxResults" in params and "InstanceIds" in params:
            raise Refused("InvalidParameterCombination", "The parameter instancesSet cannot be used"
                          " with the parameter maxResults", 400)

    def describe_instances(self, params):
        self.check_limit(params)
        shown, more = self.page(self.wanted(params), params, 1000, "NextToken", "MaxResults")
        return {"Reservations": [{"ReservationId": f"r-{each['InstanceId'][2:]}",
                                  "Instances": [plain_thing(self.look(each))]} for each in shown],
                **more}

    def describe_instance_status(self, params):
        self.check_limit(params)
        for each in self.instances.values():
            self.look(each)
        wanted = [each for each in self.wanted(params)
                  if params.get("IncludeAllInstances") or each["State"]["Name"] == "running"]
        shown, more = self.page(wanted, params, 1000, "NextToken", "MaxResults")
        return {"InstanceStatuses": [
            {"InstanceId": each["InstanceId"], "InstanceState": each["State"],
             "InstanceStatus": {"Status": each.aside["checks"]},
             "SystemStatus": {"Status": each.aside["checks"]}} for each in shown], **more}

    def start_instances(self, params):
        instances = self.wanted(params)
        for each in instances:
            state = each["State"]["Name"]
            if state not in ("stopped", "running", "pending"):
                raise Refused("IncorrectInstanceState", f"{each['InstanceId']} is {state}", 400)
            if each["InstanceType"] in self.no_capacity:
                raise Refused("InsufficientInstanceCapacity", "We currently do not have sufficient"
                              f" {each['InstanceType']} capacity.", 500)
        changes = []
        for each in instances:
            before = dict(each["State"])
            if before["Name"] == "stopped":
                self.acts(each["InstanceId"])
                self.start(each)
            changes.append({"InstanceId": each["InstanceId"], "PreviousState": before,
                            "CurrentState": dict(each["State"])})
        return {"StartingInstances": changes}

    def start(self, instance):
        instance["State"] = state_of("pending")
        instance.aside["checks"] = "initializing"
        checks = "impaired" if instance["InstanceId"] in self.impaired else "ok"
        instance.then(self.pace["starting"], lambda it: it.update(State=state_of("running")))
        instance.then(self.pace["checking"], lambda it: it.aside.update(checks=checks))

    def resources(self, action, params):
        if action == "StartInstances":
            return [self.arn(f"instance/{name}") for name in params["InstanceIds"]]
        return ["*"]


def state_of(name):
    return {"Code": CODES[name], "Name": name}
