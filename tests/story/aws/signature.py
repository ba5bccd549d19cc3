"""Is a request signed by one of the known keys, for now? botocore's own signer is the judge."""
import datetime
import hashlib
import re

import botocore.auth
import botocore.awsrequest
import botocore.credentials

SKEW = datetime.timedelta(minutes=5)
STAMP = "%Y%m%dT%H%M%SZ"
HEADER = re.compile(
    r"AWS4-HMAC-SHA256 Credential=(?P<key>[^/, ]+)/(?P<date>[0-9]{8})/(?P<region>[a-z0-9-]+)/"
    r"(?P<service>[a-z0-9-]+)/aws4_request, *SignedHeaders=(?P<names>[a-z0-9;-]+), *"
    r"Signature=(?P<signature>[0-9a-f]{64})")

# What each way of speaking calls the same trouble: missing, unknown key, wrong, out of time.
CODES = {"query": ("MissingAuthenticationToken", "InvalidClientTokenId", "SignatureDoesNotMatch",
                   "SignatureDoesNotMatch"),
         "ec2": ("AuthFailure", "AuthFailure", "AuthFailure", "RequestExpired"),
         "json": ("MissingAuthenticationTokenException", "UnrecognizedClientException",
                  "InvalidSignatureException", "InvalidSignatureException"),
         "rest-xml": ("MissingAuthenticationToken", "InvalidClientTokenId",
                      "SignatureDoesNotMatch", "SignatureDoesNotMatch"),
         "s3": ("AccessDenied", "InvalidAccessKeyId", "SignatureDoesNotMatch",
                "RequestTimeTooSkewed")}
MISSING, UNKNOWN, WRONG, SKEWED = range(4)


class Refusal(Exception):
    def __init__(self, why, words):
        super().__init__(words)
        self.why, self.words = why, words


class Key:
    def __init__(self, secret, token=None, principal="user/pilotlight", expires=None):
        self.secret, self.token, self.principal, self.expires = secret, token, principal, expires


def scope(request):
    """The Authorization header's parts, or None."""
    return HEADER.fullmatch(request.headers.get("Authorization", ""))


def expected(request, match, access_key, key, stamp):
    names = match["names"].split(";")
    aws_request = botocore.awsrequest.AWSRequest(
        method=request.method, url=f"http://{request.headers.get('Host')}{request.target}",
        data=request.body, headers={name: request.headers.get(name, "") for name in names})
    aws_request.context["timestamp"] = stamp
    is_s3 = match["service"] == "s3"
    signer = (botocore.auth.S3SigV4Auth if is_s3 else botocore.auth.SigV4Auth)(
        botocore.credentials.Credentials(access_key, key.secret), match["service"],
        match["region"])
    canonical = signer.canonical_request(aws_request)
    return signer.signature(signer.string_to_sign(aws_request, canonical), aws_request)


def check(request, keys, now):
    """The key that signed it; raises Refusal."""
    match = scope(request)
    if not match:
        raise Refusal(MISSING, "no AWS4-HMAC-SHA256 Authorization")
    key = keys.get(match["key"])
    if key is None or key.token != request.headers.get("X-Amz-Security-Token"):
        raise Refusal(UNKNOWN, "The security token included in the request is invalid.")
    if key.expires and key.expires < now:
        raise Refusal(UNKNOWN, "The security token included in the request is expired")
    stamp = request.headers.get("X-Amz-Date", "")
    names = set(match["names"].split(";"))
    if not {"host", "x-amz-date"} <= names or (key.token and "x-amz-security-token" not in names):
        raise Refusal(WRONG, f"the signature covers only {sorted(names)}")
    if match["names"] != ";".join(sorted(names)) or stamp[:8] != match["date"]:
        raise Refusal(WRONG, "SignedHeaders are not in order, or X-Amz-Date is of another day")
    body_hash = request.headers.get("X-Amz-Content-SHA256")
    if body_hash and body_hash != hashlib.sha256(request.body).hexdigest():
        raise Refusal(WRONG, "X-Amz-Content-SHA256 is not the body's")
    if match["service"] == "s3" and (not body_hash or "x-amz-content-sha256" not in names):
        raise Refusal(WRONG, "S3 needs a signed X-Amz-Content-SHA256")
    if expected(request, match, match["key"], key, stamp) != match["signature"]:
        raise Refusal(WRONG, "The request signature we calculated does not match the signature you"
                             " provided.")
    signed_at = datetime.datetime.strptime(stamp, STAMP).replace(tzinfo=datetime.timezone.utc)
    if abs(now - signed_at) > SKEW:
        raise Refusal(SKEWED, f"Signature expired: {stamp} is now earlier than "
                              f"{(now - SKEW).strftime(STAMP)} ({now.strftime(STAMP)} - 5 min.)")
    return key
