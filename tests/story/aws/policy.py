"""An IAM policy document: does it allow this action on these resources?

Statements of an identity policy: Effect, Action or NotAction, Resource or NotResource, and the few
conditions that policies for pilotlight have. Whatever else stands in one is an error: it might mean
less than it looks like."""
import fnmatch
import re

MEMBERS = {"Sid", "Effect", "Action", "NotAction", "Resource", "NotResource", "Condition"}
ARN = re.compile(r"arn:aws(-[a-z-]+)?:[a-z0-9-]*:[a-z0-9*-]*:([0-9]{12}|\*)?:.+|\*")


def listed(value):
    return [value] if isinstance(value, str) else value


def like(pattern, text):
    """`*` and `?` stand for what they always do; brackets for themselves."""
    return fnmatch.fnmatchcase(text, pattern.replace("[", "[[]"))


OPERATORS = {"StringEquals": lambda wanted, value: wanted == value,
             "StringLike": like, "ArnLike": like, "ArnEquals": like}


class Statement:
    def __init__(self, document):
        unknown = set(document) - MEMBERS
        assert not unknown, f"a statement with {unknown}"
        assert document["Effect"] in ("Allow", "Deny"), document
        self.allows = document["Effect"] == "Allow"
        self.actions = listed(document.get("Action", document.get("NotAction")))
        self.but_actions = "NotAction" in document
        self.resources = listed(document.get("Resource", document.get("NotResource")))
        self.but_resources = "NotResource" in document
        self.conditions = document.get("Condition", {})
        for action in self.actions:
            assert re.fullmatch(r"[a-z0-9-]+:[A-Za-z0-9*?]+|\*", action), f"action {action!r}"
        for resource in self.resources:
            assert ARN.fullmatch(resource), f"resource {resource!r}"

    def speaks_of(self, action, resource, context):
        named = any(like(each.lower(), action.lower()) for each in self.actions)
        on = any(like(each, resource) for each in self.resources)
        return (named != self.but_actions and on != self.but_resources
                and all(self.holds(operator, keys, context)
                        for operator, keys in self.conditions.items()))

    @staticmethod
    def holds(operator, keys, context):
        lenient = operator.endswith("IfExists")
        test = OPERATORS[operator.removesuffix("IfExists")]
        return all(lenient and key not in context
                   or any(test(each, context.get(key, "")) for each in listed(wanted))
                   for key, wanted in keys.items())


class Policy:
    def __init__(self, document):
        assert document["Version"] == "2012-10-17", document
        statements = document["Statement"]
        self.statements = [Statement(each) for each in
                           (statements if isinstance(statements, list) else [statements])]

    def allows(self, action, resource, context):
        effects = {each.allows for each in self.statements
                   if each.speaks_of(action, resource, context)}
        return effects == {True}
