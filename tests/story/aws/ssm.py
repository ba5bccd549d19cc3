"""Systems Manager: commands that are Pending, InProgress, and then what `ends` says of an instance.

The service has no tokens: two commands with the same comment are one that was repeated."""
from aws.pace import Thing
from aws.service import Refused, Service, plain_thing


class Ssm(Service):
    signs_as = "ssm"
    kinds = ("managed", "commands")
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.ends = {}        # instance -> "Failed", "TimedOut", …
        self.documents = {"AWS-RunShellScript"}

    def add_instance(self, name, **tags):
        self.managed[name] = tags

    def chosen(self, params):
        names = list(params.get("InstanceIds", []))
        for name in names:
            if name not in self.managed:
                raise Refused("InvalidInstanceId", f"{name} is not managed", 400)
        for target in params.get("Targets", []):
            key, values = target["Key"], target["Values"]
            if key == "InstanceIds":
                names += [name for name in values if name in self.managed]
            elif key.startswith("tag:"):
                names += [name for name, tags in self.managed.items()
                          if tags.get(key[4:]) in values]
            else:
                raise Refused("InvalidTarget", f"target {key}", 400)
        return names

    def send_command(self, params):
        if params["DocumentName"] not in self.documents:
            raise Refused("InvalidDocument", f"document {params['DocumentName']} is none", 400)
        for each in self.commands.values():
            if params.get("Comment") and each["Comment"] == params["Comment"]:
                self.fault(f"a second command {params['Comment']!r}")
        instances = self.chosen(params)
        self.acts(params["DocumentName"], *instances)
        number = f"92853adf-ba41-4cd6-9a88-{len(self.commands) + 1:012x}"
        command = Thing(CommandId=number, DocumentName=params["DocumentName"], Status="Pending",
                        Comment=params.get("Comment", ""), RequestedDateTime=self.aws.now(),
                        Parameters=params.get("Parameters", {}), TargetCount=len(instances),
                        StatusDetails="Pending", InstanceIds=params.get("InstanceIds", []),
                        Targets=params.get("Targets", []), CompletedCount=0, ErrorCount=0)
        command.aside["instances"] = {name: "Pending" for name in instances}
        command.then(self.pace["command pending"], lambda it: self.goes_on(it, {
            name: "InProgress" for name in instances}))
        command.then(self.pace["running command"], lambda it: self.goes_on(it, {
            name: self.ends.get(name, "Success") for name in instances}))
        self.commands[number] = command
        return {"Command": plain_thing(command)}

    @staticmethod
    def goes_on(command, instances):
        command.aside["instances"] = instances
        states = set(instances.values())
        bad = states - {"Success", "InProgress"}
        status = "InProgress" if "InProgress" in states else "Failed" if bad else "Success"
        errors = sum(state not in ("Success", "InProgress") for state in instances.values())
        command.update(Status=status, StatusDetails=status, ErrorCount=errors,
                       CompletedCount=0 if status == "InProgress" else len(instances))

    def describe_document(self, params):
        name = params["Name"]
        if name not in self.documents:
            raise Refused("InvalidDocument", f"document {name} is none", 400)
        return {"Document": {"Name": name, "Status": "Active", "DocumentType": "Command",
                             "DocumentVersion": "1", "PlatformTypes": ["Linux"]}}

    def list_commands(self, params):
        wanted = [each for each in self.commands.values()
                  if params.get("CommandId") in (None, each["CommandId"])
                  and all(self.passes(each, one) for one in params.get("Filters", []))][::-1]
        shown, more = self.page(wanted, params, 50, "NextToken", "MaxResults")
        return {"Commands": [plain_thing(self.look(each)) for each in shown], **more}

    @staticmethod
    def passes(command, one):
        key, value = one["key"], one["value"]
        if key == "DocumentName":
            return command["DocumentName"] == value
        if key == "Status":
            return command["Status"] == value
        if key == "InvokedAfter":
            return command["RequestedDateTime"].strftime("%Y-%m-%dT%H:%M:%SZ") >= value
        raise Refused("InvalidFilterKey", f"filter {key}", 400)

    def list_command_invocations(self, params):
        number = params.get("CommandId")
        if number not in self.commands:
            raise Refused("InvalidCommandId", f"command {number} is none", 400)
        command = self.look(self.commands[number])
        wanted = [{"CommandId": number, "InstanceId": name, "Status": state,
                   "StatusDetails": state, "DocumentName": command["DocumentName"],
                   "Comment": command["Comment"],
                   "RequestedDateTime": command["RequestedDateTime"]}
                  for name, state in command.aside["instances"].items()]
        shown, more = self.page(wanted, params, 50, "NextToken", "MaxResults")
        return {"CommandInvocations": shown, **more}

    def resources(self, action, params):
        document = params.get("DocumentName", params.get("Name"))
        if action not in ("SendCommand", "DescribeDocument"):
            return ["*"]
        owner = "" if document.startswith("AWS-") else "111122223333"
        arn = f"arn:aws:ssm:{self.region}:{owner}:document/{document}"
        if action == "DescribeDocument":
            return [arn]
        return [arn,
                *(f"arn:aws:ec2:{self.region}:111122223333:instance/{name}"
                  for name in self.chosen(params))]
