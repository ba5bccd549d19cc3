"""Two real S3 servers as two regions, each with a bucket of its own name: the same operations through
the gateway give the same results before a switch and after it, under the application's names."""
import json
import os
import pathlib
import subprocess

import pytest

from lib import operations, versity
from lib.daemon import EU, US
from lib.http import connect
from lib.sigv4 import Signer, crc32
from lib.versity import BUCKETS, KEY, QUIET, SECRET

pytestmark = pytest.mark.skipif(not versity.find(), reason=versity.MISSING)

PROGRAM = pathlib.Path(operations.__file__)


@pytest.fixture
def stores(house):
    return versity.pair(house)


@pytest.fixture
def gateway(house, stores):
    return versity.gateway(house, stores)


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


def test_a_browsers_upload_arrives_whichever_region_is_active(house, gateway, stores):
    signer = operations.client_of(f"http://{gateway.address}:8080", EU, KEY, SECRET)
    for region in (EU, US):
        gateway.switch(region, "--group", "static")
        post = signer.generate_presigned_post("shop-eu", "up/${filename}", Fields={
            "success_action_status": "201"}, Conditions=[
            {"success_action_status": "201"}, ["content-length-range", 0, 1 << 20]])
        parts = [f'--B\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
                 for name, value in post["fields"].items()]
        body = "".join(parts).encode() + (b'--B\r\nContent-Disposition: form-data; name="file"; '
                                          b'filename="a"\r\n\r\n' + BODY + b"\r\n--B--\r\n")
        wire = house.keep(connect(gateway.address, 8080))
        wire.send((f"POST /shop-eu HTTP/1.1\r\nHost: {gateway.address}:8080\r\n"
                   f"Content-Type: multipart/form-data; boundary=B\r\n"
                   f"Content-Length: {len(body)}\r\n\r\n").encode() + body)
        answer = wire.answer()
        assert answer.status == 201, answer.body
        there = operations.client_of(stores[region].url, region, KEY, SECRET)
        found = there.list_objects_v2(Bucket=BUCKETS[region])["Contents"]
        assert [each["Size"] for each in found] == [len(BODY)]
        assert b"shop-us" not in answer.body


BODY = b"hello " * 30000
PIECES = [BODY[:80000], BODY[80000:]]


@pytest.mark.parametrize("trailer", [None, ("x-amz-checksum-crc32", crc32(BODY))])
def test_a_body_in_signed_pieces_arrives_whole_or_not_at_all(house, gateway, stores, trailer):
    host, path = f"{stores[EU].address}:{stores[EU].port}", "/shop-eu/pieces"
    gateway.switch(US, "--group", "static")
    there = operations.client_of(stores[US].url, US, KEY, SECRET)
    head, body = Signer(KEY, SECRET, EU).pieces(host, path, PIECES, trailer)
    for sent in (body[:-30000] + b"X" + body[-29999:], body[:-200] + b"0" * 200):
        wire = house.keep(connect(gateway.address, 8080))
        wire.send(head + sent)
        assert wire.answer().status in (400, 403)
        assert "Contents" not in there.list_objects_v2(Bucket="shop-us")
    wire = house.keep(connect(gateway.address, 8080))
    wire.send(head + body)
    assert wire.answer().status == 200
    assert there.get_object(Bucket="shop-us", Key="pieces")["Body"].read() == BODY


def test_an_upload_of_the_other_region_is_unknown_after_a_switch(gateway, stores):
    app = operations.client_of(f"http://{gateway.address}:8080", EU, KEY, SECRET)
    begun = app.create_multipart_upload(Bucket="shop-eu", Key="parts")
    gateway.switch(US, "--group", "static")
    with pytest.raises(app.exceptions.NoSuchUpload):
        app.list_parts(Bucket="shop-eu", Key="parts", UploadId=begun["UploadId"])
    gateway.switch(EU, "--group", "static")
    assert app.list_parts(Bucket="shop-eu", Key="parts", UploadId=begun["UploadId"])["Bucket"] == \
        "shop-eu"
