"""The clients that applications use, each with its own ideas of how to talk to S3: the same script of
operations, asked of S3 itself and through the gateway, before a switch and after it. They must not
see a difference, nor the other region's names."""
import json
import os
import pathlib
import subprocess

import pytest

from lib import versity
from lib.daemon import EU, US
from lib.operations import MIB, bytes_of, digest
from lib.s3 import S3
from lib.s3_clients import CLIENTS, Client
from lib.sigv4 import Signer
from lib.versity import BUCKETS, KEY, PEERS, QUIET, SECRET

pytestmark = pytest.mark.skipif(not versity.find(), reason=versity.MISSING)

SIZES = [0, 1, 8 * MIB - 1, 8 * MIB, 8 * MIB + 1]
ODD_KEYS = ["a b", "a+b", "a%2Fb", "ü/日本", "a=b&c", "~x", "a//b", "a/../b", "./a", "shop-us"]
OTHER_ETAG = '"00000000000000000000000000000000"'
SHORT = [
    ("put", {"key": "size/8", "size": 8}),
    ("get", {"key": "size/8"}),
    ("list in pages", {}),
]
WHOLE = [
    *((operation, {"key": f"size/{size}", "size": size})
      for size in SIZES for operation in ("put", "get")),
    *((operation, {"key": f"odd/{key}", "size": 8})
      for key in ODD_KEYS for operation in ("put", "get", "head")),
    ("list", {}),
    ("list in pages", {}),
    ("list a folder", {}),
    ("head", {"key": f"size/{8 * MIB}"}),
    ("head", {"key": "not there"}),
    ("get", {"key": "not there"}),
    ("part of it", {"key": f"size/{8 * MIB}"}),
    ("get if changed", {"key": "size/1", "etag": '"cfcd208495d565ef66e7dff9f98764da"'}),
    ("get if changed", {"key": "size/1", "etag": OTHER_ETAG}),
    ("get if it is another", {"key": "size/1"}),
    ("copy", {"key": "size/1", "to": "copied"}),
    ("get", {"key": "copied"}),
    *((operation, {"key": f"parts/{size}", "size": size})
      for size in (8 * MIB + 1, 100 * MIB) for operation in ("upload", "download")),
    ("copy in parts", {"key": f"parts/{100 * MIB}", "to": "parts/copied"}),
    ("download", {"key": "parts/copied"}),
    ("uploads", {}),
    ("where", {}),
    ("check", {}),
    ("presign", {"key": "size/1"}),
    ("delete many", {}),
    ("empty", {}),
    ("list", {}),
]


@pytest.fixture
def stores(house):
    return versity.pair(house)


@pytest.fixture
def gateway(house, stores):
    return versity.gateway(house, stores)


def missing(script, results):
    """What was put under a name that no store minds, and did not come back."""
    back = {(key, digest) for operation, key, status, _, digest in results if status == 0}
    return [values for operation, values in script if operation in ("put", "upload") and "odd" not in
            values["key"] and (values["key"], digest(bytes_of(values["size"]))) not in back]


def same_everywhere(name, script, gateway, stores, folder, regions):
    if Client.is_missing(name):
        pytest.skip(f"{name} is missing (run tests/story/peers {versity.PEERS})")
    direct = Client(name, stores[EU].url, EU, "shop-eu", folder).tell(script)
    assert not missing(script, direct)
    for region in regions:
        gateway.switch(region, "--group", "static")
        through = Client(name, f"http://{gateway.address}:8080", EU, "shop-eu", folder).tell(script)
        differences = [f"{one}\nbecame\n{other}" for one, other in zip(direct, through)
                       if one != other]
        assert not differences, "\n".join(differences)


def quick(*names):
    """All clients; in ordinary runs those alone, for a process a request takes its time."""
    return [pytest.param(name, marks=() if name in names else pytest.mark.long) for name in CLIENTS]


@pytest.mark.parametrize("name", quick("the newest awscli", "rclone", "s3cmd", "s5cmd"))
def test_a_client_sees_no_difference(gateway, stores, tmp_path, name):
    same_everywhere(name, SHORT, gateway, stores, tmp_path, [US])


@pytest.mark.long
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_sees_no_difference_whatever_it_does(gateway, stores, tmp_path, name):
    same_everywhere(name, WHOLE, gateway, stores, tmp_path, [EU, US, EU])


@pytest.mark.parametrize("name", quick("rclone", "s5cmd"))
def test_a_key_reaches_s3_as_the_client_wrote_it(house, tmp_path, name):
    """A real S3 minds neither dots nor "//"; one that keeps files does."""
    if Client.is_missing(name):
        pytest.skip(f"{name} is missing (run tests/story/peers {PEERS})")
    stores = {region: house.keep(S3()) for region in (EU, US)}
    gateway = versity.gateway(house, stores)
    gateway.switch(US, "--group", "static")
    script = [("put", {"key": f"odd/{key}", "size": 8}) for key in ODD_KEYS]
    for url in (stores[EU].url, f"http://{gateway.address}:8080"):
        Client(name, url, EU, "shop-eu", tmp_path).tell(script)
    came = {region: [(each.method, each.target.replace(f"/{BUCKETS[region]}/", "/", 1))
                     for each in store.requests] for region, store in stores.items()}
    assert came[US] == came[EU]
    assert len([method for method, _ in came[US] if method == "PUT"]) >= len(ODD_KEYS)
    for request in stores[US].requests:
        Signer(KEY, SECRET, US).judge(request)


# -- SDKs, each with a program of its own ---------------------------------------------------------

LIB = pathlib.Path(versity.__file__).parent
SDKS = {
    "boto3": (PEERS / "python/lib/python3.11/site-packages/boto3",
              [PEERS / "python/bin/python3", "-P", LIB / "transfers.py"]),
    "@aws-sdk/client-s3": (PEERS / "node/node_modules/@aws-sdk/client-s3",
                           ["/usr/bin/node", LIB / "operations.js"]),
}


def told(command, url, *how):
    done = subprocess.run([*map(str, command), url, EU, KEY, SECRET, *how], capture_output=True,
                          text=True, timeout=300, env={
                              **os.environ, **QUIET, "NODE_PATH": str(PEERS / "node/node_modules")})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def same_for_sdk(name, gateway, stores, regions, *how):
    there, command = SDKS[name]
    if not there.exists():
        pytest.skip(f"{name} is missing (run tests/story/peers {PEERS})")
    direct = told(command, stores[EU].url, "shop-eu", "shop-eu", *how)
    for region in regions:
        gateway.switch(region, "--group", "static")
        url = f"http://{gateway.address}:8080"
        assert told(command, url, "shop-eu", "shop-us", *how) == direct


@pytest.mark.parametrize("name", SDKS)
def test_a_library_sees_no_difference(gateway, stores, name):
    same_for_sdk(name, gateway, stores, [US])


@pytest.mark.long
@pytest.mark.parametrize("name", SDKS)
def test_a_library_sees_no_difference_with_large_objects(gateway, stores, name):
    same_for_sdk(name, gateway, stores, [EU, US, EU], "whole")
