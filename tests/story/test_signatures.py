"""What botocore signs: ours agrees with it on ten thousand odd requests, and the gateway's judge
believes what a client of it sends."""
import hashlib
import io
import random
import subprocess

import pytest

from lib.daemon import BUILD

auth = pytest.importorskip("botocore.auth", reason="botocore (Debian: python3-botocore) is missing")
import botocore.config  # noqa: E402
import botocore.session  # noqa: E402
from botocore.awsrequest import AWSRequest, AWSResponse  # noqa: E402
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


def run(program, text, token, secret=SECRET):
    ran = subprocess.run([BUILD / "tests" / "story" / program, KEY_ID, secret, token, REGION],
                         input=text.encode(), stdout=subprocess.PIPE, check=True, timeout=60)
    return ran.stdout.decode().splitlines()


def sign(text, token=""):
    return run("sign_requests", text, token)


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


class Answer(io.BytesIO):
    """A reply's body as botocore reads it."""

    def stream(self):
        yield self.read()


class Client:
    """An S3 client of botocore's whose requests go nowhere and are kept."""

    def __init__(self, token, style="virtual"):
        self.sent = []
        session = botocore.session.Session()
        self.s3 = session.create_client(
            "s3", region_name=REGION, aws_access_key_id=KEY_ID, aws_secret_access_key=SECRET,
            aws_session_token=token or None,
            config=botocore.config.Config(signature_version="s3v4", s3={"addressing_style": style}))
        self.s3.meta.events.register("before-send.s3", self.keep)

    def keep(self, request, **_):
        target = request.url.split("/", 3)[3]
        host = request.url.split("/", 3)[2]
        headers = {name: value.decode() if isinstance(value, bytes) else value
                   for name, value in request.headers.items()}
        has_host = "host" in map(str.lower, headers)  # from AWS's own signer, where it is installed
        self.add(f"{request.method} /{target}", headers if has_host else {"Host": host, **headers})
        return AWSResponse(request.url, 200, {}, Answer(b"<Reply/>"))

    def add(self, first, lines):
        self.sent.append(first + "\n" + "".join(f"{k}:{v}\n" for k, v in lines.items()) + "\n")

    def do_everything(self, key):
        at = {"Bucket": "shop-assets", "Key": key}
        s3 = self.s3
        s3.get_object(**at, Range="bytes=0-9")
        s3.put_object(**at, Body=b"data", Metadata={"note": "  two   blanks "}, ACL="private")
        s3.put_object(**at, Body=io.BytesIO(b"stream"))
        s3.upload_part(**at, PartNumber=1, UploadId="a/b+c=", Body=b"part")
        s3.copy_object(**at, CopySource=at)
        s3.delete_object(**at)
        s3.list_objects_v2(Bucket="shop-assets", Prefix=key, Delimiter="/")
        s3.delete_objects(Bucket="shop-assets", Delete={"Objects": [{"Key": "a"}]})
        for method in "get_object", "put_object":
            url = s3.generate_presigned_url(method, Params=at, ExpiresIn=60)
            host, target = url.split("/", 3)[2:]
            self.add(f"{'GET' if method == 'get_object' else 'PUT'} /{target}", {"Host": host})

    def make_form(self, key):
        form = self.s3.generate_presigned_post(
            "shop-assets", key, Fields={"acl": "private"},
            Conditions=[{"acl": "private"}, ["content-length-range", 1, 10]])
        self.add("FORM shop-assets", form["fields"])


@pytest.mark.parametrize("style", ["virtual", "path"])
@pytest.mark.parametrize("token", ["", TOKEN])
def test_the_judge_believes_what_botocore_sends(token, style):
    client = Client(token, style)
    for key in "plain", "a b/c//d", "100%/ü+~", "a%2Fb", "(x)*'!;&=?#":
        client.do_everything(key)
        client.make_form(key)
    verdicts = run("judge_requests", "".join(client.sent), token)
    wrong = [(sent, verdict) for sent, verdict in zip(client.sent, verdicts)
             if not verdict.startswith(f"verified {REGION} ")]
    assert len(verdicts) == len(client.sent) == 55 and not wrong, wrong[:1]


def test_the_judge_believes_nobody_with_another_secret():
    client = Client("")
    client.do_everything("a b")
    client.make_form("a b")
    verdicts = run("judge_requests", "".join(client.sent), "", secret="another")
    assert len(verdicts) == 11
    assert all(verdict.startswith("refused SignatureDoesNotMatch: ") for verdict in verdicts)
