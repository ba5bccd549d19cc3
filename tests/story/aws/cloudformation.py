"""CloudFormation: stacks that are created and updated, or roll back.

`pace["creating stack"]`, `pace["updating stack"]`. A stack in `fails` rolls back. A token that came
already is the same request again."""
from aws.pace import Thing
from aws.service import Refused, Service, plain_thing


class CloudFormation(Service):
    signs_as = "cloudformation"
    kinds = ("stacks", "events", "tokens")
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.fails = set()

    def add_stack(self, name, status="CREATE_COMPLETE", template="", **parameters):
        number = f"51af3dc0-da77-11e4-872e-{len(self.stacks) + 1:012x}"
        stack = Thing(StackId=self.arn(f"stack/{name}/{number}"), StackName=name,
                      StackStatus=status, CreationTime=self.aws.now(), Parameters=pairs(parameters))
        stack.aside["template"] = template
        self.stacks[name] = stack
        self.tell(stack)
        return stack

    def tell(self, stack, why=None, token=None):
        self.events[len(self.events)] = {
            "StackId": stack["StackId"], "EventId": f"event-{len(self.events)}",
            "StackName": stack["StackName"], "LogicalResourceId": stack["StackName"],
            "PhysicalResourceId": stack["StackId"], "ResourceType": "AWS::CloudFormation::Stack",
            "Timestamp": self.aws.now(), "ResourceStatus": stack["StackStatus"],
            **({"ResourceStatusReason": why} if why else {}),
            **({"ClientRequestToken": token} if token else {})}

    def find(self, name):
        for stack in self.stacks.values():
            if name in (stack["StackName"], stack["StackId"]):
                return stack
        raise Refused("ValidationError", f"Stack with id {name} does not exist", 400)

    def describe_stacks(self, params):
        wanted = [self.find(params["StackName"])] if "StackName" in params else list(
            self.stacks.values())
        shown, more = self.page(wanted, params, 100, "NextToken")
        return {"Stacks": [plain_thing(self.look(each)) for each in shown], **more}

    def describe_stack_events(self, params):
        stack = self.look(self.find(params["StackName"]))
        wanted = [each for each in self.events.values()
                  if each["StackId"] == stack["StackId"]][::-1]
        shown, more = self.page(wanted, params, 100, "NextToken")
        return {"StackEvents": shown, **more}

    def again(self, params):
        """What this token did already, or None."""
        token = params.get("ClientRequestToken")
        if token is None or token not in self.tokens:
            return None
        action, stack = self.tokens[token]
        if (action, stack["StackName"]) != (self.call.action, params["StackName"]):
            raise Refused("TokenAlreadyExistsException", f"{token} is another request's", 400)
        return {"StackId": stack["StackId"]}

    def passes(self, stack, pace, under_way, well, back, params):
        """From `under_way` to what becomes of it."""
        token = params.get("ClientRequestToken")
        if token:
            self.tokens[token] = self.call.action, stack
        fails = stack["StackName"] in self.fails
        last, rolled_back = (well, None) if not fails else back

        def becomes(status, why=None):
            def effect(it):
                it.update(StackStatus=status, **({"StackStatusReason": why} if why else {}))
                self.tell(it, why, token)
            return effect
        stack["StackStatus"] = under_way
        self.tell(stack, token=token)
        why = "The following resource(s) failed to create: [Instances]." if fails else None
        stack.then(self.pace[pace], becomes(last, why))
        if rolled_back:
            stack.then(self.pace["rolling back"], becomes(rolled_back))

    def create_stack(self, params):
        again = self.again(params)
        if again:
            return again
        name = params["StackName"]
        if name in self.stacks:
            self.fault(f"{name} is created a second time")
            raise Refused("AlreadyExistsException", f"Stack [{name}] already exists", 400)
        if not params.get("TemplateURL") and not params.get("TemplateBody"):
            raise Refused("ValidationError", "Either Template URL or Template Body must be"
                                             " specified.", 400)
        self.acts(name)
        stack = self.add_stack(name, "CREATE_IN_PROGRESS", params.get("TemplateURL"))
        stack["Parameters"] = given(params, [])
        self.passes(stack, "creating stack", "CREATE_IN_PROGRESS", "CREATE_COMPLETE",
                    ("ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE"), params)
        return {"StackId": stack["StackId"]}

    def update_stack(self, params):
        again = self.again(params)
        if again:
            return again
        stack = self.find(params["StackName"])
        status = stack["StackStatus"]
        if status.endswith("IN_PROGRESS") or status == "ROLLBACK_COMPLETE":
            raise Refused("ValidationError", f"Stack:{stack['StackId']} is in {status} state and"
                                             " can not be updated.", 400)
        parameters = given(params, stack["Parameters"])
        template = params.get("TemplateURL", stack.aside["template"])
        if parameters == stack["Parameters"] and template == stack.aside["template"]:
            raise Refused("ValidationError", "No updates are to be performed.", 400)
        self.acts(params["StackName"])
        if stack["StackName"] not in self.fails:
            stack["Parameters"], stack.aside["template"] = parameters, template
        self.passes(stack, "updating stack", "UPDATE_IN_PROGRESS", "UPDATE_COMPLETE",
                    ("UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"), params)
        return {"StackId": stack["StackId"]}

    def resources(self, action, params):
        return [self.arn(f"stack/{params['StackName']}/*")] if "StackName" in params else ["*"]


def pairs(parameters):
    return [{"ParameterKey": key, "ParameterValue": value} for key, value in parameters.items()]


def given(params, before):
    old = {each["ParameterKey"]: each["ParameterValue"] for each in before}
    return [{"ParameterKey": each["ParameterKey"],
             "ParameterValue": old[each["ParameterKey"]] if each.get("UsePreviousValue")
             else each["ParameterValue"]} for each in params.get("Parameters", [])]
