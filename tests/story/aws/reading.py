"""From the wire to Python values, and what is wrong with them by botocore's model.

Whatever of a request no member of the model explains is a problem, as are missing, mistyped, too
long, too short and misspelled ones. Readers return action, parameters, problems."""
import base64
import binascii
import datetime
import decimal
import json
import re
import urllib.parse
import xml.etree.ElementTree as ET

import botocore.utils
import botocore.validate

MISSING = object()


class Mistake(Exception):
    """A value that cannot be of its type."""


# -- scalars --------------------------------------------------------------------------------------


def moment(text):
    try:
        value = botocore.utils.parse_timestamp(text)
    except (ValueError, OverflowError) as error:
        raise Mistake(f"{text!r} is no time") from error
    return value if value.tzinfo else value.replace(tzinfo=datetime.timezone.utc)


def scalar(shape, text):
    kind = shape.type_name
    try:
        if kind in ("integer", "long"):
            return int(text) if re.fullmatch(r"-?[0-9]+", text) else _mistake(text, kind)
        if kind in ("float", "double"):
            return float(text)
        if kind == "boolean":
            return {"true": True, "false": False}[text]
        if kind == "blob":
            return base64.b64decode(text, validate=True)
    except (ValueError, KeyError, binascii.Error) as error:
        raise Mistake(f"{text!r} is no {kind}") from error
    return moment(text) if kind == "timestamp" else text


def _mistake(text, kind):
    raise Mistake(f"{text!r} is no {kind}")


# -- forms: query and ec2 -------------------------------------------------------------------------


class Form:
    def __init__(self, body, is_ec2):
        self.fields, self.problems, self.used, self.is_ec2 = {}, [], set(), is_ec2
        for name, value in urllib.parse.parse_qsl(body, keep_blank_values=True,
                                                  strict_parsing=bool(body)):
            if name in self.fields:
                self.problems.append(f"{name} is there twice")
            self.fields[name] = value

    def take(self, name):
        self.used.add(name)
        return self.fields.get(name)

    def has(self, prefix):
        return prefix in self.fields or any(name.startswith(prefix + ".") for name in self.fields)

    def name_of(self, shape, fallback):
        serialization = shape.serialization
        if self.is_ec2 and "queryName" in serialization:
            return serialization["queryName"]
        name = serialization.get("name", fallback)
        return name[0].upper() + name[1:] if self.is_ec2 else name

    def value(self, shape, prefix):
        if not self.has(prefix):
            return MISSING
        if shape.type_name == "structure":
            return self.structure(shape, prefix + ".")
        if shape.type_name == "list":
            return self.list(shape, prefix)
        try:
            return scalar(shape, self.take(prefix) or "")
        except Mistake as mistake:
            self.problems.append(f"{prefix}: {mistake}")
            return MISSING

    def structure(self, shape, prefix):
        values = {name: self.value(member, prefix + self.name_of(member, name))
                  for name, member in shape.members.items()}
        return {name: value for name, value in values.items() if value is not MISSING}

    def list(self, shape, prefix):
        if self.fields.get(prefix) == "":  # query says so of an empty list
            self.take(prefix)
            return []
        if not self.is_ec2:
            if shape.serialization.get("flattened"):
                name = shape.member.serialization.get("name")
                prefix = ".".join([*prefix.split(".")[:-1], name]) if name else prefix
            else:
                prefix += "." + shape.member.serialization.get("name", "member")
        values = []
        while self.has(f"{prefix}.{len(values) + 1}"):
            values.append(self.value(shape.member, f"{prefix}.{len(values) + 1}"))
        return [value for value in values if value is not MISSING]


def read_form(model, request):
    problems = []
    kind = request.headers.get("Content-Type", "").partition(";")[0]
    if request.method != "POST" or kind != "application/x-www-form-urlencoded":
        problems.append(f"{request.method} with {kind!r} is no form")
    form = Form(request.body.decode(), model.protocol == "ec2")
    action, version = form.take("Action"), form.take("Version")
    if version != model.metadata["apiVersion"]:
        problems.append(f"Version is {version!r}, not {model.metadata['apiVersion']}")
    operation = model.operations.get(action)
    shape = operation.input_shape if operation else None
    params = form.structure(shape, "") if shape is not None else {}
    unknown = sorted(set(form.fields) - form.used) if operation else []
    problems += form.problems + [f"{action} has no member {name}" for name in unknown]
    return action, params, problems


# -- JSON -----------------------------------------------------------------------------------------


def from_json(shape, value, path, problems):
    kind = shape.type_name
    if kind == "structure" and isinstance(value, dict):
        names = {member.serialization.get("name", name): (name, member)
                 for name, member in shape.members.items()}
        result = {}
        for key, inner in value.items():
            name, member = names.get(key, (key, None))
            result[name] = from_json(member, inner, f"{path}.{key}", problems) if member else inner
        return result
    if kind == "list" and isinstance(value, list):
        return [from_json(shape.member, each, f"{path}[{number}]", problems)
                for number, each in enumerate(value)]
    if kind == "map" and isinstance(value, dict):
        return {key: from_json(shape.value, each, f"{path}.{key}", problems)
                for key, each in value.items()}
    if kind == "timestamp" and isinstance(value, (int, float)):
        return datetime.datetime.fromtimestamp(value, datetime.timezone.utc)
    return value


def read_json(model, request):
    problems = []
    prefix, _, action = request.headers.get("X-Amz-Target", "").partition(".")
    if request.method != "POST" or prefix != model.metadata["targetPrefix"]:
        problems.append(f"{request.method} with the target {prefix!r}")
    kind = f"application/x-amz-json-{model.metadata['jsonVersion']}"
    if request.headers.get("Content-Type") != kind:
        problems.append(f"Content-Type is {request.headers.get('Content-Type')!r}, not {kind}")
    try:
        value = json.loads(request.body, parse_constant=lambda name: _mistake(name, "number"))
    except (ValueError, Mistake) as error:
        return action, {}, [*problems, f"no JSON: {error}"]
    if not isinstance(value, dict):
        return action, {}, [*problems, "no JSON object"]
    operation = model.operations.get(action)
    if operation and operation.input_shape is not None:
        value = from_json(operation.input_shape, value, action, problems)
    return action, value, problems


# -- REST with XML --------------------------------------------------------------------------------


class Xml:
    """Element order is the model's in Route 53, where it is checked; elsewhere it is free."""

    def __init__(self, namespace, ordered):
        self.namespace, self.ordered, self.problems = namespace, ordered, []

    def tag(self, element):
        namespace, _, name = element.tag[1:].rpartition("}") if element.tag[0] == "{" else (
            "", "", element.tag)
        if namespace != (self.namespace or ""):
            self.problems.append(f"<{name}> is in the namespace {namespace!r}")
        return name

    def value(self, shape, elements):
        element = elements[0]
        if shape.type_name == "list":
            return self.list(shape, elements)
        if len(elements) > 1:
            self.problems.append(f"<{self.tag(element)}> is there {len(elements)} times")
        if shape.type_name == "structure":
            return self.structure(shape, element)
        try:
            return scalar(shape, element.text or "")
        except Mistake as mistake:
            self.problems.append(f"<{self.tag(element)}>: {mistake}")
            return MISSING

    def list(self, shape, elements):
        if not shape.serialization.get("flattened"):
            name = shape.member.serialization.get("name", "member")
            elements, outer = list(elements[0]), self.tag(elements[0])
            self.problems += [f"<{outer}> has <{self.tag(each)}> in it" for each in elements
                              if self.tag(each) != name]
        return [self.value(shape.member, [each]) for each in elements]

    def structure(self, shape, element, left_out=()):
        names = {self.name_of(member, name): name for name, member in shape.members.items()
                 if name not in left_out}
        found, order = {}, []
        for child in element:
            name = names.get(self.tag(child))
            if name is None:
                self.problems.append(f"<{self.tag(element)}> has no <{self.tag(child)}>")
                continue
            order.append(list(shape.members).index(name))
            found.setdefault(name, []).append(child)
        if self.ordered and order != sorted(order):
            self.problems.append(f"<{self.tag(element)}>: {', '.join(found)} are out of order")
        values = {name: self.value(shape.members[name], each) for name, each in found.items()}
        return {name: value for name, value in values.items() if value is not MISSING}

    @staticmethod
    def name_of(member, name):
        if member.type_name == "list" and member.serialization.get("flattened"):
            name = member.member.serialization.get("name", name)
        return member.serialization.get("name", name)


def uri_pattern(uri):
    """A model's "/{Bucket}/{Key+}?list-type=2": pattern of the path, queries that it must have."""
    path, _, query = uri.partition("?")
    parts = re.split(r"(\{[^}]+\})", path.rstrip("/"))
    pattern = "".join(
        f"(?P<{part.strip('{}+')}>{'.+' if part.endswith('+}') else '[^/]+'})"
        if part.startswith("{") else re.escape(part) for part in parts)
    return re.compile(pattern + "/?"), urllib.parse.parse_qsl(query, keep_blank_values=True)


def find_rest(model, request):
    """The operation that explains most of the request line."""
    best = None
    query = dict(request.query)
    for operation in model.operations.values():
        pattern, needed = uri_pattern(operation.http["requestUri"])
        match = pattern.fullmatch(request.path)
        if operation.http["method"] != request.method or not match:
            continue
        if all(query.get(name) == value for name, value in needed):
            if best is None or len(needed) > len(best[2]):
                best = operation, match, needed
    return best


def read_rest(model, request):
    found = find_rest(model, request)
    if not found:
        return f"{request.method} {request.path}", {}, []
    operation, match, needed = found
    shape, problems = operation.input_shape, []
    params, in_head = {}, set()
    query = dict(request.query)
    for name, _ in needed:
        query.pop(name)
    for name, member in (shape.members if shape is not None else {}).items():
        place, wire = member.serialization.get("location"), member.serialization.get("name", name)
        text = {"uri": lambda: urllib.parse.unquote(match[wire]),
                "querystring": lambda: query.pop(wire, None),
                "header": lambda: request.headers.get(wire)}.get(place, lambda: None)()
        if place:
            in_head.add(name)
        if text is not None:
            try:
                params[name] = scalar(member, text)
            except Mistake as mistake:
                problems.append(f"{name}: {mistake}")
    problems += [f"{operation.name} has no query {name}" for name in query]
    if request.body:
        read_xml_body(model, operation, request, params, in_head, problems)
    return operation.name, params, problems


def read_xml_body(model, operation, request, params, in_head, problems):
    try:
        root = ET.fromstring(request.body)
    except ET.ParseError as error:
        problems.append(f"no XML: {error}")
        return
    shape = operation.input_shape
    payload = shape.serialization.get("payload")
    target = shape.members[payload] if payload else shape
    xml = Xml(target.serialization.get("xmlNamespace", {}).get("uri"), model.name == "route53")
    if xml.tag(root) != target.serialization.get("name", payload):
        xml.problems.append(f"<{xml.tag(root)}> where {operation.name} has another root")
    if payload:
        params[payload] = xml.structure(target, root)
    else:
        params.update(xml.structure(target, root, in_head))
    problems += xml.problems


READERS = {"query": read_form, "ec2": read_form, "json": read_json, "rest-xml": read_rest}


# -- what the model says of the values ------------------------------------------------------------

TYPES = {"string": str, "integer": int, "long": int, "float": (int, float), "double": (int, float),
         "boolean": bool, "timestamp": datetime.datetime, "blob": bytes, "list": list,
         "map": dict, "structure": dict}


def check(shape, value, path):
    """Ours (types, enumerations, patterns, lengths), then botocore's own, which knows the rest."""
    problems = list(_check(shape, value, path))
    report = botocore.validate.ParamValidator().validate(value, shape)
    if report.has_errors() and not problems:
        problems.append(f"{path}: {report.generate_report()}")
    return problems


def _check(shape, value, path):
    kind = shape.type_name
    if not isinstance(value, TYPES[kind]) or (kind != "boolean" and isinstance(value, bool)):
        yield f"{path}: {value!r} is no {kind}"
        return
    yield from _check_bounds(shape, value, path)
    if kind == "structure":
        yield from (f"{path}: {name} is missing" for name in shape.required_members
                    if name not in value)
        yield from (f"{path} has no member {name}" for name in value if name not in shape.members)
        for name, inner in value.items():
            if name in shape.members:
                yield from _check(shape.members[name], inner, f"{path}.{name}")
    elif kind == "list":
        for number, inner in enumerate(value):
            yield from _check(shape.member, inner, f"{path}[{number}]")
    elif kind == "map":
        for key, inner in value.items():
            yield from _check(shape.key, key, f"{path} key")
            yield from _check(shape.value, inner, f"{path}.{key}")


def _check_bounds(shape, value, path):
    known, kind = shape.metadata, shape.type_name
    size = value if kind in ("integer", "long", "float", "double") else (
        len(value) if kind in ("string", "list", "map", "blob") else None)
    if size is not None and "min" in known and size < decimal.Decimal(str(known["min"])):
        yield f"{path}: {size} is below {known['min']}"
    if size is not None and "max" in known and size > decimal.Decimal(str(known["max"])):
        yield f"{path}: {size} is above {known['max']}"
    if kind == "string":
        if "enum" in known and value not in known["enum"]:
            yield f"{path}: {value!r} is none of {known['enum']}"
        if "pattern" in known and not matches(known["pattern"], value):
            yield f"{path}: {value!r} does not match {known['pattern']}"


def matches(pattern, value):
    """The models' patterns are Java's; one that Python does not understand matches everything."""
    try:
        return re.search(pattern if pattern[0] == "^" else f"^(?:{pattern})$", value)
    except re.error:
        return True
