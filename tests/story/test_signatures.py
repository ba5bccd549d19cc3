"""Ten thousand S3 requests with odd keys: botocore's own signer and ours agree on every one."""
import hashlib
import random
import subprocess

import pytest

from lib.daemon import BUILD

auth = pytest.importorskip("botocore.auth", reason="botocore (Debian: python3-botocore) is missing")
from botocore.awsrequest import AWSRequest  # noqa: E402
from botocore.credentials import Credentials  # noqa: E402
from botocore.utils import percent_encode, percent_encode_sequence  # noqa: E402

HOW_MANY = 10_000
PRESIGNED = 1_000
REGION = "eu-west-1"
KEY_ID, SECRET = "AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG+bPxRfiCYEXAMPLEKEY"
TOKEN = "AQoDYXdzEPT//////////wEXAMPLEtc764bNrC9SAPBSM22wDOk4x4HIZ8j4FZTwdQWLWsKWHGBuFqwAeMicRXmxfp=="
ODD = [" ", "%2F", "%", "+", "/", "//", ".", "..", "~", "ü", "日本", "😀", "&", "=", "?", "#", ";",
       "a", "Z", "9", "-", "_", "'", "(", ")", "*", "!", "@", ":", ",", "$", "\\", "[", "]", "^", "`",
       "{", "|", "}", '"', "<", ">", "\x7f", "é"]
PARAMETERS = ["acl", "uploads", "uploadId", "partNumber", "prefix", "delimiter", "list-type",
              "continuation-token", "versionId", "response-content-type", "x-id", "a", "A", "a-b"]


class Source:
    """Requests out of a seed."""

    def __init__(self, seed):
        self.random = random.Random(seed)

    def text(self, most):
        return "".join(self.random.choices(ODD, k=self.random.randint(0, most)))

    def query(self):
        names = self.random.sample(PARAMETERS, self.random.randint(0, 4))
        return percent_encode_sequence([(name, self.text(4)) for name in names])

    def time(self):
        return (f"20{self.random.randint(10, 40)}{self.random.randint(1, 12):02}"
                f"{self.random.randint(1, 28):02}T{self.random.randint(0, 23):02}1500Z")

    def headers(self):
        some = {"Content-Type": "text/plain;  charset=utf-8", "Range": "bytes=0-99",
                "x-amz-meta-note": "  many   blanks  ", "X-Amz-Meta-Upper": "As It Is",
                "x-amz-storage-class": "STANDARD", "If-None-Match": '"abc"', "x-amz-acl": "private",
                "x-amz-copy-source": "/bucket/" + percent_encode(self.text(4), "/~"),
                "Content-MD5": "rL0Y20zC+Fzt72VPzMSk2A==", "User-Agent": "not signed"}
        return dict(self.random.sample(sorted(some.items()), self.random.randint(0, 4)))

    def request(self):
        method = self.random.choice(["GET", "PUT", "HEAD", "DELETE", "POST"])
        path = "/" + percent_encode(self.text(12), "/~")
        query = self.query()
        url = f"https://bucket.s3.{REGION}.amazonaws.com{path}" + (f"?{query}" if query else "")
        request = AWSRequest(method=method, url=url, headers=self.headers())
        request.context["timestamp"] = self.time()
        request.headers["Host"] = f"bucket.s3.{REGION}.amazonaws.com"
        return request, path, query


def lines(request, path, query, payload, expires):
    """The request as sign_requests.c reads it."""
    headers = "".join(f"{name}:{value}\n" for name, value in request.headers.items())
    return (f"{request.context['timestamp']}\n{request.method} {path} ?{query}\n"
            f"{payload} {expires}\n{headers}\n")


def sign(text, token=""):
    program = BUILD / "tests" / "story" / "sign_requests"
    ran = subprocess.run([program, KEY_ID, SECRET, token, REGION], input=text.encode(),
                         stdout=subprocess.PIPE, check=True, timeout=60)
    return ran.stdout.decode().splitlines()


def by_header(source, signer):
    request, path, query = source.request()
    payload = source.random.choice([auth.UNSIGNED_PAYLOAD, hashlib.sha256(path.encode()).hexdigest()])
    request.headers["X-Amz-Date"] = request.context["timestamp"]
    request.headers["X-Amz-Content-SHA256"] = payload
    signature = signer.signature(signer.string_to_sign(request, signer.canonical_request(request)), request)
    return lines(request, path, query, payload, 0), f"{signature} {signature}"


def by_query(source, signer, expires):
    request, path, query = source.request()
    described = lines(request, path, query, auth.UNSIGNED_PAYLOAD, expires)
    signer._modify_request_before_signing(request)
    text = signer.string_to_sign(request, signer.canonical_request(request))
    signer._inject_signature_to_request(request, signer.signature(text, request))
    return described, request.url.partition("?")[2]


def test_botocore_signs_odd_keys_as_we_do():
    source = Source(20261123)
    signer = auth.S3SigV4Auth(Credentials(KEY_ID, SECRET), "s3", REGION)
    asked, expected = zip(*(by_header(source, signer) for _ in range(HOW_MANY)))
    answers = sign("".join(asked))
    wrong = [(a, e, got) for a, e, got in zip(asked, expected, answers) if e != got]
    assert len(answers) == HOW_MANY and not wrong, wrong[:1]


@pytest.mark.parametrize("token", ["", TOKEN])
def test_botocore_presigns_odd_keys_as_we_do(token):
    source = Source(4)
    signer = auth.S3SigV4QueryAuth(Credentials(KEY_ID, SECRET, token or None), "s3", REGION, expires=900)
    asked, expected = zip(*(by_query(source, signer, 900) for _ in range(PRESIGNED)))
    answers = sign("".join(asked), token)
    wrong = [(a, e, got) for a, e, got in zip(asked, expected, answers) if e != got]
    assert len(answers) == PRESIGNED and not wrong, wrong[:1]
