"""A call to every service that the sidecar knows: botocore signs it as we do, finds it where its own
models say, and what comes back is understood."""
import hashlib
import http.server
import json
import os
import re
import subprocess
import threading
import urllib.parse

import pytest

from lib.daemon import BUILD

auth = pytest.importorskip("botocore.auth", reason="botocore (Debian: python3-botocore) is missing")
import botocore.session  # noqa: E402
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402

KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp=="
REGION = "us-west-2"

# by what the SDKs call it: our name, and something to ask
QUERIES = {
    "rds": ("rds", "DescribeDBInstances", "DBInstanceIdentifier=orders%2Bstandby%20%C3%A9"),
    "cloudwatch": ("monitoring", "GetMetricStatistics", "Dimensions.member.1.Value=a%2Fb"),
    "autoscaling": ("autoscaling", "DescribeAutoScalingGroups", ""),
    "ec2": ("ec2", "DescribeInstances", "Filter.1.Name=tag%3AName"),
    "elbv2": ("elasticloadbalancing", "DescribeTargetHealth", ""),
    "cloudformation": ("cloudformation", "DescribeStacks", ""),
    "sts": ("sts", "GetCallerIdentity", ""),
    "iam": ("iam", "SimulatePrincipalPolicy", ""),
    "ecs": ("ecs", "DescribeServices", '{"cluster": "caf\u00e9"}'),
    "codedeploy": ("codedeploy", "GetDeployment", '{"deploymentId": "d-1"}'),
    "ssm": ("ssm", "ListCommands", ""),
}
PATHS = [
    ("route53", "GET", "/2013-04-01/hostedzone/Z1/rrset", "name=a.b.&type=A&maxitems=1", ""),
    ("route53", "GET", "/2013-04-01/hostedzone/Z%2B1/rrset", "name=%2Aa%20b", ""),
    ("route53", "POST", "/2013-04-01/hostedzone/Z1/rrset/", "", "<ChangeResourceRecordSetsRequest/>"),
    ("s3", "GET", "/shop-eu", "replication", ""),
    ("s3", "PUT", "/shop-eu", "replication", "<ReplicationConfiguration/>"),
    ("s3", "GET", "/shop-eu", "list-type=2&prefix=a%2Fb%20c&start-after=%C3%A9", ""),
    ("s3", "HEAD", "/shop-eu/a%20b/c%2Bd//e", "", ""),
]


class Aws(http.server.BaseHTTPRequestHandler):
    """Keeps what it is asked, and answers with the server's next reply."""
    protocol_version = "HTTP/1.1"

    def answer(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        self.server.asked.append((self.command, self.path, dict(self.headers), body))
        is_query = "form" in self.headers.get("Content-Type", "")
        usual = (200, b"<Response><Result/></Response>" if is_query else b"")
        status, reply = self.server.replies.pop(0) if self.server.replies else usual
        self.send_response(status)
        self.send_header("Content-Length", str(len(reply)))
        self.send_header("x-amzn-RequestId", "4f-77")
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(reply)

    do_GET = do_POST = do_PUT = do_HEAD = answer

    def log_message(self, *_):
        pass


@pytest.fixture
def aws():
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Aws) as server:
        server.asked, server.replies = [], []
        server.url = f"http://127.0.0.1:{server.server_port}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server
        server.shutdown()


def model_of(name):
    session = botocore.session.get_session()
    return session.get_service_model(name).metadata


def call(variable, url, *arguments, body="", token=TOKEN):
    environment = {name: value for name, value in os.environ.items() if not name.startswith("AWS_")}
    environment |= {variable: url, "AWS_ACCESS_KEY_ID": KEY_ID, "AWS_SECRET_ACCESS_KEY": SECRET,
                    "AWS_CONFIG_FILE": "/nonexistent", "AWS_SHARED_CREDENTIALS_FILE": "/nonexistent"}
    if token:
        environment["AWS_SESSION_TOKEN"] = token
    ran = subprocess.run([BUILD / "tests" / "story" / "call_aws", *arguments], input=body.encode(),
                         capture_output=True, env=environment, timeout=30)
    assert ran.returncode == 0, ran.stderr
    assert SECRET not in ran.stderr.decode() and TOKEN not in ran.stderr.decode()
    assert "Signature" not in ran.stderr.decode()
    return ran.stdout.decode().splitlines()


def assert_signed(asked, url, service, region, token=TOKEN):
    """By botocore, of the headers that were signed."""
    method, path, headers, body = asked
    names = {name.lower(): value for name, value in headers.items()}
    given = re.fullmatch(r"AWS4-HMAC-SHA256 Credential=(\S+), SignedHeaders=(\S+), Signature=(\w+)",
                         names["authorization"])
    scope, signed, signature = given.groups()
    assert scope == f"{KEY_ID}/{names['x-amz-date'][:8]}/{region}/{service}/aws4_request"
    assert names.get("x-amz-security-token") == (token or None)
    never = {"authorization", "content-length", "user-agent", "accept"}
    assert set(signed.split(";")) == set(names) - never
    kind = auth.S3SigV4Auth if service == "s3" else auth.SigV4Auth
    signer = kind(Credentials(KEY_ID, SECRET), service, region)
    request = AWSRequest(method=method, url=url + path, data=body,
                         headers={name: names[name] for name in signed.split(";")})
    request.context["timestamp"] = names["x-amz-date"]
    if service == "s3":
        assert names["x-amz-content-sha256"] == hashlib.sha256(body).hexdigest()
    canonical = signer.canonical_request(request)
    assert signer.signature(signer.string_to_sign(request, canonical), request) == signature, canonical


def variable_of(model):
    return "AWS_ENDPOINT_URL_" + model["serviceId"].upper().replace(" ", "_")


@pytest.mark.parametrize("name", QUERIES)
@pytest.mark.parametrize("prefix", ["", "/a/prefix"])
def test_a_query_or_json_call_is_as_the_model_has_it(aws, name, prefix):
    ours, action, body = QUERIES[name]
    model = model_of(name)
    said = call(variable_of(model), aws.url + prefix, ours, REGION, action, body=body)
    assert said[0] == "answered - 4f-77"
    region = "us-east-1" if name == "iam" else REGION
    (asked,) = aws.asked
    assert_signed(asked, aws.url, model.get("signingName", model["endpointPrefix"]), region)
    method, path, headers, sent = asked
    assert ours == model["endpointPrefix"] and (method, path) == ("POST", prefix + "/")
    if model["protocol"] == "json":
        assert headers["X-Amz-Target"] == f"{model['targetPrefix']}.{action}"
        assert headers["Content-Type"] == f"application/x-amz-json-{model['jsonVersion']}"
        assert json.loads(sent) == json.loads(body or "{}")
    else:
        form = urllib.parse.parse_qs(sent.decode(), strict_parsing=True)
        assert form["Action"] == [action] and form["Version"] == [model["apiVersion"]]
        assert not body or urllib.parse.parse_qs(body).items() <= form.items()


@pytest.mark.parametrize("service,method,path,query,body", PATHS)
@pytest.mark.parametrize("prefix", ["", "/a/prefix"])
def test_a_rest_call_is_signed_as_it_is_sent(aws, service, method, path, query, body, prefix):
    model = model_of(service)
    said = call(variable_of(model), aws.url + prefix, service, REGION, "Rest", method, path, query,
                body=body)
    assert said[0] == "answered - 4f-77"
    (asked,) = aws.asked
    assert asked[0] == method and asked[3] == body.encode()
    assert asked[1] == prefix + path + (f"?{query}" if query else "")
    assert_signed(asked, aws.url, service, "us-east-1" if service == "route53" else REGION)


def test_a_key_that_lasts_has_no_token(aws):
    call("AWS_ENDPOINT_URL", aws.url, "rds", REGION, "DescribeDBInstances", token="")
    (asked,) = aws.asked
    assert_signed(asked, aws.url, "rds", REGION, token="")


def test_what_comes_back_is_understood(aws):
    aws.replies = [
        (503, b"<Response><Errors><Error><Code>RequestLimitExceeded</Code></Error></Errors></Response>"),
        (200, b"<DescribeInstancesResponse><reservationSet><item><a>1</a></item></reservationSet>"
              b"</DescribeInstancesResponse>"),
        (400, b'{"__type": "a.b#ClusterNotFoundException", "message": "Cluster not found."}')]
    said = call("AWS_ENDPOINT_URL", aws.url, "ec2", REGION, "DescribeInstances")
    assert json.loads(said[1]) == {"reservationSet": {"item": {"a": "1"}}}
    assert len(aws.asked) == 2
    said = call("AWS_ENDPOINT_URL", aws.url, "ecs", REGION, "DescribeServices")
    assert said == ["refused ClusterNotFoundException 4f-77",
                    "ecs DescribeServices in us-west-2: ClusterNotFoundException: Cluster not found. "
                    "(request 4f-77)"]
