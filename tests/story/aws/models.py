"""botocore's service models: what AWS's services understand, and how it goes over the wire.

On the good day `Model.read` makes Python values of an HTTP request and `Model.write` makes an HTTP
reply of Python values. A request that botocore's model does not allow is `Wrong`, with all that is
wrong; a reply that botocore's own parser reads differently than it was meant is our own mistake."""
import functools
import re

import botocore.loaders
import botocore.model
import botocore.parsers

from aws import newer, reading, writing

# Signing name -> botocore's name, and the protocol that we speak; a newer botocore has several.
SERVICES = {
    "rds": ("rds", "query"), "monitoring": ("cloudwatch", "query"),
    "autoscaling": ("autoscaling", "query"), "ec2": ("ec2", "ec2"),
    "elasticloadbalancing": ("elbv2", "query"), "ecs": ("ecs", "json"),
    "cloudformation": ("cloudformation", "query"), "codedeploy": ("codedeploy", "json"),
    "ssm": ("ssm", "json"), "route53": ("route53", "rest-xml"), "s3": ("s3", "rest-xml"),
    "sts": ("sts", "query"), "iam": ("iam", "query"),
}


class Wrong(Exception):
    """A request that the service's model does not allow."""

    def __init__(self, *problems):
        super().__init__("; ".join(problems))
        self.problems = problems


class Model:
    def __init__(self, name, protocol):
        description = botocore.loaders.Loader().load_service_model(name, "service-2")
        newer.add_to(name, description)
        self.name, self.protocol = name, protocol
        self.service = botocore.model.ServiceModel(description, name)
        self.metadata = description["metadata"]
        self.parser = botocore.parsers.create_parser(protocol)

    @functools.cached_property
    def operations(self):
        return {name: self.service.operation_model(name) for name in self.service.operation_names}

    @functools.cached_property
    def error_shapes(self):
        shapes = self.service.error_shapes
        return {shape.metadata.get("error", {}).get("code", shape.name): shape for shape in shapes}

    def read(self, request):
        """The action and its parameters; raises Wrong."""
        action, params, problems = reading.READERS[self.protocol](self, request)
        if action not in self.operations:
            raise Wrong(f"{self.name} has no action {action!r}", *problems)
        shape = self.operations[action].input_shape
        if shape is not None:
            problems += reading.check(shape, params, action)
        return action, params, problems

    def write(self, action, values, request_id):
        """Status, headers and body of a reply; asserts that botocore reads it as it was meant."""
        operation = self.operations[action]
        reply = writing.WRITERS[self.protocol](self, operation, values, request_id)
        status, headers, body = reply
        if operation.output_shape is not None:
            seen = self.parser.parse(
                {"status_code": status, "headers": headers, "body": body}, operation.output_shape)
            seen.pop("ResponseMetadata", None)
            seen, meant = writing.plain(seen), writing.plain(values)
            assert seen == meant, f"{action} would be read as {seen}, not {meant}"
        return reply

    def write_error(self, code, message, request_id, status=None):
        shape = self.error_shapes.get(code)
        if status is None:
            told = shape.metadata.get("error", {}).get("httpStatusCode") if shape else None
            status = told or 400
        reply = writing.ERRORS[self.protocol](self, code, message, request_id, status)
        seen = self.parser.parse(
            {"status_code": status, "headers": reply[1], "body": reply[2]}, None)
        assert seen["Error"]["Code"] == code, f"{code} would be read as {seen}"
        return reply


@functools.cache
def model_of(signing_name):
    return Model(*SERVICES[signing_name])


def snake(name):
    """DescribeDBInstances -> describe_db_instances"""
    name = re.sub(r"([a-z0-9])([A-Z])", r"\1_\2", name)
    return re.sub(r"([A-Z]+)([A-Z][a-z])", r"\1_\2", name).lower()
