"""AWS Signature Version 4 for S3, by hand: for requests that no SDK would send, and to judge those
that arrive.

    signer = Signer("AKID", "secret", "eu-west-1")
    head, body = signer.request("PUT", "host:9000", "/bucket/key", b"body", {"x-amz-meta-a": "b"})
    signer.judge(message)       # a lib.http.Message: asserts that it is signed by that key
"""
import base64
import dataclasses
import hashlib
import hmac
import time
import urllib.parse
import zlib

EMPTY = hashlib.sha256(b"").hexdigest()
STREAMING = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD"


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def encode(text):
    """Each byte encoded, or not, as S3 would have it."""
    return urllib.parse.quote(urllib.parse.unquote_to_bytes(text), safe="~")


def canonical_path(path):
    return "/".join(encode(segment) for segment in path.split("/"))


def canonical_query(query):
    pairs = [pair.partition("=")[::2] for pair in query.split("&") if pair]
    quoted = sorted(tuple(encode(part) for part in pair) for pair in pairs)
    return "&".join(f"{name}={value}" for name, value in quoted if name != "X-Amz-Signature")


@dataclasses.dataclass
class Signer:
    key: str
    secret: str
    region: str
    now: float = 0  # 0: the time of day

    def time(self):
        return time.strftime("%Y%m%dT%H%M%SZ", time.gmtime(self.now or time.time()))

    def scope(self, stamp):
        return f"{stamp[:8]}/{self.region}/s3/aws4_request"

    def hmac(self, stamp, text):
        key = b"AWS4" + self.secret.encode()
        for part in (stamp[:8], self.region, "s3", "aws4_request", text):
            key = hmac.digest(key, part.encode(), "sha256")
        return key.hex()

    def sign(self, method, target, headers, signed, payload, stamp):
        path, _, query = target.partition("?")
        lines = [f"{name}:{headers[name]}" for name in signed]
        canonical = "\n".join([method, canonical_path(path), canonical_query(query), *lines, "",
                               ";".join(signed), payload])
        return self.hmac(stamp, "\n".join(["AWS4-HMAC-SHA256", stamp, self.scope(stamp),
                                           sha256(canonical.encode())]))

    def headers(self, method, host, target, payload=EMPTY, more=None):
        stamp = self.time()
        headers = {"host": host, "x-amz-content-sha256": payload, "x-amz-date": stamp,
                   **(more or {})}
        signed = sorted(headers)
        signature = self.sign(method, target, headers, signed, payload, stamp)
        headers["authorization"] = (
            f"AWS4-HMAC-SHA256 Credential={self.key}/{self.scope(stamp)}, "
            f"SignedHeaders={';'.join(signed)}, Signature={signature}")
        return headers

    def request(self, method, host, target, body=b"", more=None):
        headers = self.headers(method, host, target, sha256(body), more)
        if body:
            headers["content-length"] = str(len(body))
        return written(method, target, headers) + body

    def presigned(self, method, host, target, expires=60):
        stamp = self.time()
        query = urllib.parse.urlencode({
            "X-Amz-Algorithm": "AWS4-HMAC-SHA256", "X-Amz-Expires": expires, "X-Amz-Date": stamp,
            "X-Amz-Credential": f"{self.key}/{self.scope(stamp)}", "X-Amz-SignedHeaders": "host"})
        target += ("&" if "?" in target else "?") + query
        signature = self.sign(method, target, {"host": host}, ["host"], "UNSIGNED-PAYLOAD", stamp)
        return f"{target}&X-Amz-Signature={signature}"

    def pieces(self, host, target, pieces, trailer=None):
        """A PUT whose body is aws-chunked, every piece signed; `trailer`: (name, value)."""
        payload = STREAMING + ("-TRAILER" if trailer else "")
        more = {"content-encoding": "aws-chunked",
                "x-amz-decoded-content-length": str(sum(map(len, pieces)))}
        if trailer:
            more["x-amz-trailer"] = trailer[0]
        headers = self.headers("PUT", host, target, payload, more)
        body = self.chain(headers["x-amz-date"], headers["authorization"][-64:], pieces, trailer)
        headers["content-length"] = str(len(body))
        return written("PUT", target, headers), body

    def chain(self, stamp, last, pieces, trailer=None):
        """Such a body; `last`: the signature that its first piece's follows from."""
        body, scope = b"", self.scope(stamp)
        for piece in [*pieces, b""]:
            last = self.hmac(stamp, "\n".join(["AWS4-HMAC-SHA256-PAYLOAD", stamp, scope, last, EMPTY,
                                               sha256(piece)]))
            body += f"{len(piece):x};chunk-signature={last}\r\n".encode() + piece
            body += b"\r\n" if piece or not trailer else b""
        if trailer:
            line = f"{trailer[0]}:{trailer[1]}"
            last = self.hmac(stamp, "\n".join(["AWS4-HMAC-SHA256-TRAILER", stamp, scope, last,
                                               sha256(f"{line}\n".encode())]))
            body += f"{line}\r\nx-amz-trailer-signature:{last}\r\n\r\n".encode()
        return body

    def judge(self, message):
        headers = {name.lower(): value for name, value in message.headers}
        claim = dict(part.strip().split("=", 1) for part in
                     headers["authorization"].removeprefix("AWS4-HMAC-SHA256").split(","))
        stamp, signed = headers["x-amz-date"], claim["SignedHeaders"].split(";")
        assert claim["Credential"] == f"{self.key}/{self.scope(stamp)}"
        assert {"host", *(name for name in headers if name.startswith("x-amz-"))} <= {*signed}
        assert claim["Signature"] == self.sign(message.method, message.target, headers, signed,
                                               headers["x-amz-content-sha256"], stamp)


def written(method, target, headers):
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return f"{method} {target} HTTP/1.1\r\n{lines}\r\n".encode()


def crc32(data):
    return base64.b64encode(zlib.crc32(data).to_bytes(4, "big")).decode()
