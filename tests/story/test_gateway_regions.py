"""Two real S3 servers as two regions, each with a bucket of its own name: the same operations through
the gateway give the same results before a switch and after it, under the application's names."""
import json
import os
import pathlib
import subprocess

import pytest

from lib import operations, versity
from lib.daemon import EU, US

pytestmark = pytest.mark.skipif(not versity.find(), reason=versity.MISSING)

KEY, SECRET = "AKIDAPPLICATION", "the/application's+secret"
PROGRAM = pathlib.Path(operations.__file__)
BUCKETS = {EU: "shop-eu", US: "shop-us"}
QUIET = {"AWS_EC2_METADATA_DISABLED": "true"}


@pytest.fixture
def stores(house):
    found = {region: house.keep(versity.Versity(region, KEY, SECRET)) for region in (EU, US)}
    for region, store in found.items():
        operations.client_of(store.url, region, KEY, SECRET).create_bucket(
            Bucket=BUCKETS[region], CreateBucketConfiguration={"LocationConstraint": region})
    return found


@pytest.fixture
def gateway(house, stores):
    daemon = house.daemon(env=QUIET, endpoints={"assets": {
        "type": "bucket", "group": "static", "buckets": BUCKETS}})
    secret = daemon.folder / "secret"
    secret.write_text(SECRET + "\n")
    daemon.write_config(proxy={"threads": 1}, gateway={
        "listen": f"{daemon.address}:8080",
        "s3_endpoints": {region: store.url for region, store in stores.items()},
        "clients": [{"access_key_id": KEY, "secret_access_key_file": str(secret)}]})
    return daemon.start()


def run(python, url, region, bucket, other):
    if not os.access(python, os.X_OK):
        pytest.skip(f"{python} is missing (run tests/story/peers {versity.PEERS})")
    done = subprocess.run([python, "-P", str(PROGRAM), url, region, KEY, SECRET, bucket, other],
                          capture_output=True, text=True, timeout=300, env={**os.environ, **QUIET})
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


@pytest.mark.parametrize("words", versity.pythons())
def test_the_same_operations_give_the_same_results(gateway, stores, words):
    python = versity.pythons()[words]
    url = f"http://{gateway.address}:8080"
    direct = run(python, stores[EU].url, EU, "shop-eu", "shop-eu")
    assert run(python, url, EU, "shop-eu", "shop-us") == direct
    gateway.switch(US, "--group", "static")
    assert run(python, url, EU, "shop-eu", "shop-us") == direct
    there = run(python, url, US, "shop-us", "shop-eu")
    assert there == {**json.loads(json.dumps(direct).replace('"shop-eu"', '"shop-us"')),
                     "location": US}
