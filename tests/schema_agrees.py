#!/usr/bin/python3
"""Holds config/pilotlight.schema.json and the reader together.

usage: schema_agrees.py CONFIG_TOOL CONFIG_FOLDER

Both take every example file; both refuse every snippet of WRONG; and each option of the reader's
tables has the same kind, default, bounds and choices in the schema, and a description.
"""

import copy
import glob
import json
import os
import re
import subprocess
import sys
import tempfile

import jsonschema

GOOD = {
    "regions": ["east", "west"],
    "endpoints": {
        "db": {"type": "database", "names": ["db.test"],
               "targets": {"east": "10.0.0.1:5432", "west": "10.0.0.2:5432"}},
        "files": {"type": "bucket", "buckets": {"east": "files-east", "west": "files-west"}},
    },
    "runbooks": {"west": {"steps": [
        {"id": "fence", "step": "fence"},
        {"id": "switch", "step": "switch", "needs": ["fence"]},
    ]}},
}

# A path into GOOD and what to put there (DELETE: take it away).
DELETE = object()
WRONG = [
    (["colour"], "blue"),
    (["regions"], DELETE),
    (["regions"], ["east"]),
    (["regions"], ["east", "east"]),
    (["regions"], "east"),
    (["regions"], ["east", "we st"]),
    (["endpoints"], DELETE),
    (["endpoints"], []),
    (["application"], ""),
    (["user"], 5),
    (["resolver"], {"listen": "127.0.0.1"}),
    (["resolver"], {"listen": ["127.0.0.1:53", 53]}),
    (["resolver"], {"listen": "localhost:53"}),
    (["resolver"], {"upstreams": "10.0.0.2"}),
    (["resolver"], {"upstreams": ["dns.example"]}),
    (["resolver"], {"upstreams": ["tls://9.9.9.9:853"]}),
    (["resolver"], {"routes": {"corp.example": []}}),
    (["resolver"], {"routes": {"*.corp.example": ["10.0.0.2"]}}),
    (["resolver"], {"allow": ["everybody"]}),
    (["resolver"], {"cache_size": 16}),
    (["resolver"], {"cache_size": "16MB"}),
    (["resolver"], {"max_stale": "1 day"}),
    (["resolver"], {"ttl": "1500ms"}),
    (["resolver"], {"authoritative": "no"}),
    (["resolver"], {"threads": 0}),
    (["resolver"], {"threads": 1.5}),
    (["resolver"], {"thread": 1}),
    (["endpoints", "db", "type"], DELETE),
    (["endpoints", "db", "type"], "datbase"),
    (["endpoints", "db", "names"], DELETE),
    (["endpoints", "db", "names"], []),
    (["endpoints", "db", "names"], ["db.*.test"]),
    (["endpoints", "db", "targets"], DELETE),
    (["endpoints", "db", "targets", "east"], 5432),
    (["endpoints", "db", "targets", "east"], ""),
    (["endpoints", "db", "buckets"], {"east": "files-east", "west": "files-west"}),
    (["endpoints", "db", "path_style"], True),
    (["endpoints", "db", "relay"], {}),
    (["endpoints", "db", "relay"], {"listen": []}),
    (["endpoints", "db", "relay"], {"listen": "127.0.0.54:5432", "on_switch": "drop"}),
    (["endpoints", "db", "relay"], {"listen": "127.0.0.54:5432", "address": "db.test"}),
    (["endpoints", "db", "relay"], {"listen": "127.0.0.54:5432", "hold": {"timeout": 3}}),
    (["endpoints", "db", "relay"], {"listen": "127.0.0.54:5432", "probe": {"user": "x"}}),
    (["endpoints", "db", "relay"], {"listen": "127.0.0.54:5432", "probe": {"type": "oracle"}}),
    (["endpoints", "files", "buckets"], DELETE),
    (["endpoints", "files", "buckets", "east"], "Files"),
    (["endpoints", "files", "targets"], {"east": "10.0.0.1", "west": "10.0.0.2"}),
    (["endpoints", "files", "read_through"], 1),
    (["proxy"], {"threads": -1}),
    (["gateway"], {"listen": [{"tls": True}]}),
    (["gateway"], {"s3_endpoints": {"east": "s3.example"}}),
    (["gateway"], {"s3_endpoints": {"east": {"url": "https://s3.example", "style": "x"}}}),
    (["gateway"], {"clients": [{"access_key_id": "A"}]}),
    (["gateway"], {"credentials": "none"}),
    (["gateway"], {"sign_as": "server"}),
    (["gateway"], {"ca_dir": "ca"}),
    (["control"], {"socket": "control.sock"}),
    (["control"], {"socket": "/" + "x" * 107}),
    (["state"], {"etcd": {"endpoints": ["https://127.0.0.1:2379"]}}),
    (["state"], {"file": None}),
    (["health"], {"interval": "5"}),
    (["health"], {"fall": 0}),
    (["monitoring"], {"listen": 9353}),
    (["log"], {"format": "xml"}),
    (["log"], {"level": "loud"}),
    (["aws"], {"endpoint_url": "localhost:4566"}),
    (["runbooks", "west", "steps"], DELETE),
    (["runbooks", "west", "min_interval"], 60),
    (["runbooks", "west", "steps", 0, "id"], DELETE),
    (["runbooks", "west", "steps", 0, "step"], "fense"),
    (["runbooks", "west", "steps", 0, "command"], ["true"]),
    (["runbooks", "west", "steps", 0, "when"], "always"),
    (["runbooks", "west", "steps", 0, "on_failure"], "retry"),
    (["runbooks", "west", "steps", 0, "groups"], []),
    (["runbooks", "west", "steps", 0, "timeout"], 30),
]

# A step to append to GOOD's.
WRONG_STEPS = [
    {"step": "exec"},
    {"step": "exec", "command": "true"},
    {"step": "exec", "command": []},
    {"step": "exec", "command": ["true"], "env": {"A": 1}},
    {"step": "rds.wait_caught_up", "instance": "x", "max_lag": 5},
    {"step": "rds.promote_read_replica"},
    {"step": "rds.modify", "instance": "x"},
    {"step": "rds.modify", "instance": "x", "class": 5},
    {"step": "rds.create_read_replica", "instance": "x"},
    {"step": "rds.fence_old_primary", "region": "east"},
    {"step": "rds.failover_global_cluster", "target": "x"},
    {"step": "autoscaling.scale", "group": "x"},
    {"step": "autoscaling.scale", "group": "x", "min": -1},
    {"step": "autoscaling.refresh"},
    {"step": "ec2.start"},
    {"step": "ec2.start", "instances": ["i-1"], "tags": {"a": "b"}},
    {"step": "elbv2.wait_healthy", "target_group": "x", "count": 0},
    {"step": "ecs.scale", "service": "x"},
    {"step": "cloudformation.deploy"},
    {"step": "codedeploy.deploy", "application": "x"},
    {"step": "ssm.run", "document": "x"},
    {"step": "route53.upsert", "zone": "Z", "records": [{"name": "a", "type": "A", "ttl": 1}]},
    {"step": "s3.check_replication"},
    {"step": "cloudwatch.wait", "metric": "A/B"},
    {"step": "cloudwatch.wait", "metric": "A/B", "below": 1, "above": 2},
]


def strip_comments(text):
    """Comments become nothing; strings stay."""
    pattern = r'("(?:\\.|[^"\\])*")|//[^\n]*|/\*.*?\*/'
    return re.sub(pattern, lambda match: match.group(1) or "", text, flags=re.S)


def wrong_files():
    for path, value in WRONG:
        document = copy.deepcopy(GOOD)
        parent = document
        for key in path[:-1]:
            parent = parent[key]
        if value is DELETE:
            del parent[path[-1]]
        else:
            parent[path[-1]] = value
        yield path, document
    for step in WRONG_STEPS:
        document = copy.deepcopy(GOOD)
        document["runbooks"]["west"]["steps"].append({"id": "x", "on_failure": "stop", **step})
        yield [step["step"]], document


class Agreement:
    """Walks the reader's tables and the schema in step."""

    def __init__(self, schema):
        self.schema = schema
        self.wrong = []

    def resolve(self, node):
        while "$ref" in node:
            target = self.schema
            for key in node["$ref"].removeprefix("#/").split("/"):
                target = target[key]
            node = {**target, **{key: node[key] for key in node if key != "$ref"}}
        return node

    def say(self, path, words):
        self.wrong.append(f"{path}: {words}")

    def table(self, path, options, node):
        node = self.resolve(node)
        properties = node.get("properties", {})
        if set(properties) != {option["key"] for option in options}:
            self.say(path, f"keys differ: {set(properties) ^ {o['key'] for o in options}}")
        required = {option["key"] for option in options if option["required"]}
        if set(node.get("required", [])) != required:
            self.say(path, f"required keys differ: {node.get('required')} and {required}")
        for option in options:
            at = f"{path}.{option['key']}"
            if "description" not in properties[option["key"]]:
                self.say(at, "no description")
            self.option(at, option, properties[option["key"]])

    def option(self, path, option, node):
        node = self.resolve(node)
        default = option.get("default")
        if node.get("default") != default or (default is None and "default" in node
                                              and not option["nullable"]):
            self.say(path, f"defaults differ: {node.get('default')} and {default}")
        if option["nullable"]:
            if {"type": "null"} not in node.get("anyOf", []):
                self.say(path, "null is not allowed")
            node = {**self.resolve(node["anyOf"][0]), "description": node.get("description", "")}
        check = getattr(self, option["kind"], None)
        if check:
            check(path, option, node)

    def bounds(self, path, option, node, least, most):
        for bound, key in ((option.get("least"), least), (option.get("most"), most)):
            if bound != (str(node[key]) if key in node else None):
                self.say(path, f"{key} differs: {node.get(key)} and {bound}")

    def duration(self, path, option, node):
        if "least" in option and "description" in node and "members" not in option:
            words = f"From {option['least']} to {option['most']}."
            if option["key"] and words not in node["description"]:
                self.say(path, f"the description does not say: {words}")

    size = duration

    def integer(self, path, option, node):
        self.bounds(path, option, node, "minimum", "maximum")

    def choice(self, path, option, node):
        if node.get("enum") != option["choices"]:
            self.say(path, f"choices differ: {node.get('enum')} and {option['choices']}")

    def text(self, path, option, node):
        plain = node.get("type") == "string" and "pattern" not in node
        if plain and node.get("minLength") != int(option.get("least", 1)):
            self.say(path, "the schema and the reader differ about empty strings")

    def boolean(self, path, option, node):
        if node.get("type") != "boolean":
            self.say(path, "not a boolean")

    def object(self, path, option, node):
        if node.get("additionalProperties", node.get("unevaluatedProperties")) is not False:
            self.say(path, "takes unknown keys")
        self.table(path, option["members"], node)

    def list(self, path, option, node):
        self.bounds(path, option, node, "minItems", "maxItems")
        self.option(path + "[]", option["members"][0], node["items"])

    def map(self, path, option, node):
        self.bounds(path, option, node, "minProperties", "maxProperties")
        self.option(path + ".*", option["members"][0], node["additionalProperties"])

    def either(self, path, option, node):
        for one, other in zip(option["members"], node["anyOf"], strict=True):
            self.option(path, one, other)

    def steps(self, steps):
        step = self.schema["$defs"]["step"]
        if step["properties"]["step"]["enum"] != list(steps):
            self.say("steps", "types differ")
        rules = {rule["if"]["properties"]["step"]["const"]: rule["then"] for rule in step["allOf"]}
        for name, options in steps.items():
            self.table(name, options, rules.get(name, {}))


def refuses(tool, document):
    with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
        json.dump(document, file)
        file.flush()
        return subprocess.run([tool, file.name], stdout=subprocess.PIPE).returncode == 1


def main(tool, folder):
    wrong = []
    with open(os.path.join(folder, "pilotlight.schema.json"), encoding="utf-8") as file:
        schema = json.load(file)
    jsonschema.Draft202012Validator.check_schema(schema)
    validator = jsonschema.Draft202012Validator(schema)

    examples = sorted(glob.glob(os.path.join(folder, "examples", "*.json")))
    for path in examples:
        with open(path, encoding="utf-8") as file:
            document = json.loads(strip_comments(file.read()))
        for error in validator.iter_errors(document):
            wrong.append(f"{path}: the schema refuses it: {error.json_path}: {error.message}")
        if subprocess.run([tool, path]).returncode != 0:
            wrong.append(f"{path}: the reader refuses it")
    if not examples or refuses(tool, GOOD) or not validator.is_valid(GOOD):
        wrong.append("what is good is refused, or there are no examples")

    for path, document in wrong_files():
        if not refuses(tool, document):
            wrong.append(f"{path}: the reader takes {document}")
        if validator.is_valid(document):
            wrong.append(f"{path}: the schema takes {document}")

    tables = json.loads(subprocess.check_output([tool, "options"]))
    agreement = Agreement(schema)
    agreement.table("", tables["options"], schema)
    agreement.steps(tables["steps"])
    wrong += agreement.wrong
    print("\n".join(wrong) or f"{len(examples)} examples, {len(WRONG) + len(WRONG_STEPS)} mistakes")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
