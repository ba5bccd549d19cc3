"""From Python values to the wire, as each protocol has it. Values that the model lacks are our own
mistake and raise."""
import base64
import datetime
import email.utils
import json
import xml.sax.saxutils

UTC = datetime.timezone.utc
XML_HEAD = '<?xml version="1.0" encoding="UTF-8"?>\n'

# What S3 calls the roots that no model names.
S3_ROOTS = {"GetBucketVersioning": "VersioningConfiguration", "ListObjectsV2": "ListBucketResult",
            "GetBucketLocation": "LocationConstraint"}


def plain(value):
    """For comparing: without what is empty, times in UTC and whole milliseconds."""
    if isinstance(value, dict):
        values = {key: plain(each) for key, each in value.items()}
        return {key: each for key, each in values.items() if each not in (None, {}, [], "")}
    if isinstance(value, (list, tuple)):
        return [plain(each) for each in value]
    if isinstance(value, datetime.datetime):
        value = value if value.tzinfo else value.replace(tzinfo=UTC)
        return round(value.timestamp(), 3)
    return value


def text_of(shape, value):
    kind = shape.type_name
    if kind == "boolean":
        return "true" if value else "false"
    if kind == "timestamp":
        style = shape.serialization.get("timestampFormat", "iso8601")
        if style == "rfc822":
            return email.utils.format_datetime(value.astimezone(UTC), usegmt=True)
        if style == "unixTimestamp":
            return str(value.timestamp())
        return value.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.") + "%03dZ" % (
            value.microsecond // 1000)
    if kind == "blob":
        return base64.b64encode(value).decode()
    return str(value)


def element(name, shape, value):
    kind = shape.type_name
    if kind == "structure":
        return f"<{name}>{members(shape, value)}</{name}>"
    if kind == "list":
        inner = shape.member.serialization.get("name", "member")
        return f"<{name}>{''.join(element(inner, shape.member, each) for each in value)}</{name}>"
    if kind == "map":
        key = shape.key.serialization.get("name", "key")
        inner = shape.value.serialization.get("name", "value")
        return f"<{name}>" + "".join(
            f"<entry>{element(key, shape.key, one)}{element(inner, shape.value, other)}</entry>"
            for one, other in value.items()) + f"</{name}>"
    return f"<{name}>{xml.sax.saxutils.escape(text_of(shape, value))}</{name}>"


def members(shape, values, left_out=()):
    unknown = set(values) - set(shape.members)
    assert not unknown, f"{shape.name} has no {unknown}"
    parts = []
    for name, member in shape.members.items():
        if values.get(name) is None or name in left_out:
            continue
        wire = member.serialization.get("name", name)
        if member.type_name == "list" and member.serialization.get("flattened"):
            wire = member.member.serialization.get("name", wire)
            parts += [element(wire, member.member, each) for each in values[name]]
        else:
            parts.append(element(wire, member, values[name]))
    return "".join(parts)


def xml_reply(status, request_id, text, **headers):
    return status, {"x-amzn-RequestId": request_id, "Content-Type": "text/xml",
                    **headers}, (XML_HEAD + text).encode()


def write_query(model, operation, values, request_id):
    name, shape = f"{operation.name}Response", operation.output_shape
    inner = members(shape, values) if shape is not None else ""
    wrapper = shape.serialization.get("resultWrapper") if shape is not None else None
    if wrapper:
        inner = f"<{wrapper}>{inner}</{wrapper}>"
    return xml_reply(200, request_id, (
        f'<{name} xmlns="{model.metadata["xmlNamespace"]}">{inner}<ResponseMetadata><RequestId>'
        f"{request_id}</RequestId></ResponseMetadata></{name}>"))


def write_ec2(model, operation, values, request_id):
    name = f"{operation.name}Response"
    inner = members(operation.output_shape, values)
    return xml_reply(200, request_id, (
        f'<{name} xmlns="{model.metadata["xmlNamespace"]}/"><requestId>{request_id}</requestId>'
        f"{inner}</{name}>"))


def to_json(shape, value):
    kind = shape.type_name
    if kind == "structure":
        unknown = set(value) - set(shape.members)
        assert not unknown, f"{shape.name} has no {unknown}"
        return {shape.members[name].serialization.get("name", name):
                to_json(shape.members[name], each)
                for name, each in value.items() if each is not None}
    if kind == "list":
        return [to_json(shape.member, each) for each in value]
    if kind == "map":
        return {key: to_json(shape.value, each) for key, each in value.items()}
    if kind == "timestamp":
        return round(value.timestamp(), 3)
    return base64.b64encode(value).decode() if kind == "blob" else value


def write_json(model, operation, values, request_id):
    body = to_json(operation.output_shape, values) if operation.output_shape is not None else {}
    return 200, {"x-amzn-RequestId": request_id,
                 "Content-Type": f"application/x-amz-json-{model.metadata['jsonVersion']}"
                 }, json.dumps(body).encode()


def write_rest(model, operation, values, request_id):
    shape = operation.output_shape
    headers = {"x-amz-request-id" if model.name == "s3" else "x-amzn-RequestId": request_id}
    if shape is None or operation.http["method"] == "HEAD":
        return 200, headers, b""
    in_head = {name for name, member in shape.members.items() if "location" in member.serialization}
    for name in in_head & set(values):
        member = shape.members[name]
        headers[member.serialization["name"]] = text_of(member, values[name])
    payload = shape.serialization.get("payload")
    if payload:
        target = shape.members[payload]
        root = target.serialization.get("name", payload)
        inner = members(target, values[payload])
    else:
        root = S3_ROOTS.get(operation.name, f"{operation.name}Response")
        inner = members(shape, values, in_head)
    namespace = "http://s3.amazonaws.com/doc/2006-03-01/" if model.name == "s3" else (
        "https://route53.amazonaws.com/doc/2013-04-01/")
    headers["Content-Type"] = "text/xml"
    body = f'{XML_HEAD}<{root} xmlns="{namespace}">{inner}</{root}>'
    return 200, headers, body.encode()


WRITERS = {"query": write_query, "ec2": write_ec2, "json": write_json, "rest-xml": write_rest}


def _said(code, message):
    escape = xml.sax.saxutils.escape
    return f"<Code>{escape(code)}</Code><Message>{escape(message)}</Message>"


def error_query(model, code, message, request_id, status):
    namespace = model.metadata.get("xmlNamespace", "https://route53.amazonaws.com/doc/2013-04-01/")
    kind = "Sender" if status < 500 else "Receiver"
    return xml_reply(status, request_id, (
        f'<ErrorResponse xmlns="{namespace}"><Error><Type>{kind}</Type>{_said(code, message)}'
        f"</Error><RequestId>{request_id}</RequestId></ErrorResponse>"))


def error_ec2(model, code, message, request_id, status):
    return xml_reply(status, request_id, (
        f"<Response><Errors><Error>{_said(code, message)}</Error></Errors>"
        f"<RequestID>{request_id}</RequestID></Response>"))


def error_json(model, code, message, request_id, status):
    return status, {"x-amzn-RequestId": request_id, "Content-Type": "application/x-amz-json-1.1"
                    }, json.dumps({"__type": code, "message": message}).encode()


def error_rest(model, code, message, request_id, status):
    if model.name != "s3":
        return error_query(model, code, message, request_id, status)
    return xml_reply(status, request_id, (
        f"<Error>{_said(code, message)}<RequestId>{request_id}</RequestId>"
        f"<HostId>c2NyaXB0ZWQ=</HostId></Error>"), **{"x-amz-request-id": request_id})


ERRORS = {"query": error_query, "ec2": error_ec2, "json": error_json, "rest-xml": error_rest}
