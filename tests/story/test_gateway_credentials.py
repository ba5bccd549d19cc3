"""The host's own credentials: found as the SDKs find them, rotated, and what is said until then."""
import http.server
import json
import threading
import time

import pytest

from lib.daemon import EU, US
from lib.http import connect
from lib.machine import eventually, fresh_address
from lib.s3 import S3
from lib.sigv4 import Signer

PORT = 8080
LIFE_S = 8  # of the first key: half of it is waited for


class Container:
    """A container's credentials endpoint: the keys it is given, one after the other."""

    def __init__(self):
        self.keys, self.may_answer = [], threading.Event()
        container = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self):
                container.may_answer.wait(20)
                body = json.dumps(container.next_key()).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer((fresh_address(), 9200), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    @property
    def url(self):
        return "http://{}:{}/".format(*self.server.server_address)

    def next_key(self):
        number = len(self.keys) + 1
        key = {"AccessKeyId": f"ASIAHOST{number}", "SecretAccessKey": f"secret/{number}",
               "Token": f"token{number}", "Expiration": time.strftime(
                   "%Y-%m-%dT%H:%M:%SZ",
                   time.gmtime(time.time() + (LIFE_S if number == 1 else 7200)))}
        self.keys.append(key)
        return key

    def close(self):
        self.may_answer.set()
        self.server.shutdown()
        self.server.server_close()


@pytest.fixture
def container(house):
    return house.keep(Container())


@pytest.fixture
def s3(house):
    return house.keep(S3())


@pytest.fixture
def gateway(house, s3, container):
    daemon = house.daemon(
        env={"AWS_CONTAINER_CREDENTIALS_FULL_URI": container.url, "AWS_CONFIG_FILE": "/dev/null",
             "AWS_SHARED_CREDENTIALS_FILE": "/dev/null", "HOME": "/nonexistent"},
        endpoints={"assets": {"type": "bucket", "group": "static",
                              "buckets": {EU: "shop-eu", US: "shop-us"}}})
    daemon.write_config(proxy={"threads": 1}, gateway={
        "listen": f"{daemon.address}:{PORT}", "s3_endpoints": {EU: s3.url, US: s3.url}})
    return daemon.start()


def get(house, gateway, key):
    client = house.keep(connect(gateway.address, PORT))
    signer = Signer(key["AccessKeyId"], key["SecretAccessKey"], EU)
    client.send(signer.request("GET", f"{gateway.address}:{PORT}", "/shop-eu/key",
                               more={"x-amz-security-token": key["Token"]}))
    return client.answer()


def test_a_rotated_key_verifies_until_it_expires(house, gateway, container, s3):
    s3.objects["/shop-eu/key"] = b"abc"
    stranger = {"AccessKeyId": "ASIAWHO", "SecretAccessKey": "x", "Token": "y"}
    waiting = get(house, gateway, stranger)
    assert (waiting.status, waiting["Retry-After"]) == (503, "1")
    container.may_answer.set()
    gateway.wait_for_log("access_key_id=ASIAHOST1")
    first = container.keys[0]
    eventually(lambda: get(house, gateway, first).body == b"abc", "it is known")
    assert s3.requests[-1]["x-amz-security-token"] == "token1"
    assert get(house, gateway, stranger).status == 403
    gateway.wait_for_log("access_key_id=ASIAHOST2")
    assert get(house, gateway, first).body == b"abc"
    second = container.keys[1]
    eventually(lambda: get(house, gateway, second).body == b"abc", "so is the next one")
    eventually(lambda: b"<Code>ExpiredToken</Code>" in get(house, gateway, first).body, "it is over")
    assert get(house, gateway, second).body == b"abc"
    assert not any(key["SecretAccessKey"] in gateway.log() for key in container.keys)
