"""Requests that a proxy in front and the gateway might read in two ways: nginx passes what it takes,
and nothing that hides behind or within a request may reach S3 as one of its own."""
import shutil
import subprocess

import pytest

from lib.daemon import EU, US
from lib.http import Ended, connect
from lib.machine import eventually, fresh_address
from lib.s3 import S3

CHUNKED = "Transfer-Encoding: chunked\r\nx-amz-decoded-content-length: 5\r\n"


def given(host):
    return f"Host: {host}\r\n"


def hidden(host):
    return f"GET /hidden HTTP/1.1\r\n{given(host)}\r\n"


def pairs(host):
    """{what is odd: the rest of a head}"""
    inner = hidden(host)
    within = f"Content-Length: {len(inner)}\r\n"
    return {
        "length and chunked": f"{within}{CHUNKED}\r\n0\r\n\r\n",
        "chunked and length": f"{CHUNKED}Content-Length: 4\r\n\r\n5c\r\n",
        "two lengths": f"Content-Length: 0\r\n{within}\r\n",
        "two lengths, other way": f"{within}Content-Length: 0\r\n\r\n",
        "a listed length": f"Content-Length: 0, {len(inner)}\r\n\r\n",
        "a signed length": f"Content-Length: +{len(inner)}\r\n\r\n",
        "a blank before the colon": f"Content-Length : {len(inner)}\r\n\r\n",
        "a tab before the colon": f"Transfer-Encoding\t: chunked\r\n{within}\r\n",
        "a folded length": f"X: y\r\n Content-Length: {len(inner)}\r\n\r\n",
        "a coding with a tail": f"Transfer-Encoding: chunked, identity\r\n{within}\r\n0\r\n\r\n",
        "a coding that is nearly one": f"Transfer-Encoding: xchunked\r\n{within}\r\n",
        "a coding behind a vertical tab": f"Transfer-Encoding: \x0bchunked\r\n{within}\r\n",
        "a bare CR in a field": f"X: y\rContent-Length: {len(inner)}\r\n\r\n",
        "a bare LF as a line's end": f"X: y\nContent-Length: {len(inner)}\r\n\r\n",
        "NUL in a field": f"X: y\0Content-Length: {len(inner)}\r\n\r\n",
        "an odd chunk size": f"{CHUNKED}\r\n0x0\r\n\r\n",
        "a chunk size with a sign": f"{CHUNKED}\r\n-0\r\n\r\n",
        "a chunk that ends with LF": f"{CHUNKED}\r\n5\r\nhello\n0\r\n\r\n",
        "an extension that hides a line": f"{CHUNKED}\r\n5;x=\n{inner}\r\nhello\r\n0\r\n\r\n",
        "a chunk size beyond 64 bits": f"{CHUNKED}\r\n10000000000000000\r\n\r\n0\r\n\r\n",
        "Connection lists the length": f"Connection: Content-Length\r\n{within}\r\n",
        "Connection lists the coding": f"Connection: Transfer-Encoding\r\n{CHUNKED}\r\n0\r\n\r\n",
        "an upgrade": f"Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\n{within}\r\n",
    }


class Front:
    """nginx, which keeps its connections to the gateway open and shares them among clients."""

    def __init__(self, folder, gateway):
        self.address, self.port = fresh_address(), 8081
        (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u;
    scgi_temp_path s;
    upstream gateway {{ server {gateway}; keepalive 1; }}
    server {{
        listen {self.address}:{self.port};
        location / {{
            proxy_pass http://gateway; proxy_http_version 1.1; proxy_request_buffering off;
            proxy_set_header Host $http_host; proxy_set_header Connection "";
        }}
    }}
}}
""")
        self.process = subprocess.Popen(["nginx", "-p", f"{folder}/", "-c", "nginx.conf", "-e",
                                         "error.log"], stderr=subprocess.DEVNULL)
        eventually(self.listens, "nginx listens")

    def listens(self):
        assert self.process.poll() is None
        try:
            connect(self.address, self.port).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.kill()
        self.process.wait()


@pytest.fixture(scope="module")
def s3(module_house):
    return module_house.keep(S3())


@pytest.fixture(scope="module")
def gateway(module_house, s3):
    daemon = module_house.daemon(endpoints={"assets": {
        "type": "bucket", "group": "static", "buckets": {EU: "shop-eu", US: "shop-us"}}})
    daemon.write_config(resolver={"upstreams": ["127.0.0.1:1"]}, proxy={"threads": 1}, gateway={
        "listen": f"{daemon.address}:8080", "s3_endpoints": {
            region: {"url": s3.url, "style": "virtual"} for region in (EU, US)}})
    return daemon.start()


@pytest.fixture(scope="module")
def front(module_house, gateway, tmp_path_factory):
    if not shutil.which("nginx"):
        pytest.skip("nginx is not installed")
    return module_house.keep(Front(tmp_path_factory.mktemp("nginx"), f"{gateway.address}:8080"))


def answers(wire):
    """Statuses, until the other end has had enough or says no more."""
    wire.socket.settimeout(0.5)
    found = []
    try:
        while True:
            found.append(wire.answer().status)
    except (Ended, TimeoutError):
        return found
    finally:
        wire.close()


@pytest.mark.parametrize("pair", pairs("any"))
def test_nothing_hidden_reaches_s3(front, s3, gateway, pair):
    host = f"shop-eu.{s3.address}:{s3.port}"
    del s3.requests[:]
    for address, port in ((front.address, front.port), (gateway.address, 8080)):
        wire = connect(address, port)
        wire.send(f"PUT /open HTTP/1.1\r\n{given(host)}{pairs(host)[pair]}{hidden(host)}"
                  .encode("latin-1"))
        statuses = answers(wire)
        honest = [request for request in s3.requests if request.target == "/hidden"]
        taken = statuses.count(404)  # one that was answered in the open was a request of its own
        assert len(honest) <= taken, (pair, statuses, [r.first for r in s3.requests])
        del s3.requests[:]
    victim = connect(front.address, front.port)
    victim.send(f"GET /victim HTTP/1.1\r\n{given(host)}\r\n".encode())
    assert victim.answer().status == 404
    victim.close()
    assert [request.target for request in s3.requests] == ["/victim"]
