"""The gateway's promise, as clients see it: applications change nothing. They have a region, keys and a
bucket, and dial Amazon's own host names over HTTPS; only the host's resolv.conf and its CA are ours.
The same script of operations, asked of S3 itself and through the gateway, before a switch and after
it, must not see a difference."""
import json
import pathlib
import shutil

import botocore.session
import pytest

from lib import operations, versity
from lib.amazon import Host
from lib.daemon import EU, US
from lib.s3_clients import CLIENTS, Client, Unchanged
from lib.sigv4 import Signer
from lib.versity import KEY, PEERS, QUIET, SECRET
from test_gateway_clients import SDKS, SHORT, WHOLE, missing, quick

pytestmark = pytest.mark.root

needs_versity = pytest.mark.skipif(not versity.find() or not shutil.which("nginx"),
                                   reason=f"{versity.MISSING}, or nginx")
PROGRAM = pathlib.Path(operations.__file__)


@pytest.fixture
def host(house, tmp_path):
    return Host(house, tmp_path)


def told(host, command, style, *how):
    """A program in a library's language; its links are opened by Python or Node themselves."""
    done = host.run(*command, style, EU, KEY, SECRET, *how, env={
        **QUIET, "AWS_CA_BUNDLE": str(host.ca), "SSL_CERT_FILE": str(host.ca),
        "NODE_EXTRA_CA_CERTS": str(host.ca), "NODE_PATH": str(PEERS / "node/node_modules")})
    assert done.returncode == 0, done.stderr.decode()
    return json.loads(done.stdout)


def switched(gateway, stores, regions):
    """Each region in turn, active. When the home region is not needed again, it is lost."""
    for region in regions:
        if US == region == regions[-1]:
            stores[EU].close()
        gateway.switch(region, "--group", "static")
        yield region


def same_for(host, stores, gateway, regions, command, style, *how):
    app, other = host.buckets[EU], host.buckets[US]
    direct = told(host, command, style, app, app, *how)
    host.trusts(gateway)
    for _ in switched(gateway, stores, regions):
        assert told(host, command, style, app, other, *how) == direct


# -- with what every machine has: Debian's botocore and a scripted S3 -------------------------------

DEBIANS = ["/usr/bin/python3", "-P", PROGRAM]


@pytest.mark.parametrize("bucket, style, path_style, there", [
    ("shop-{}", "auto", False, "shop-us.s3.us-west-2"),
    ("shop-{}", "dualstack", False, "shop-us.s3.dualstack.us-west-2"),
    ("shop-{}", "path", True, "shop-us.s3.us-west-2"),
    ("shop.{}", "auto", True, "s3.us-west-2"),  # no wildcard is good for two labels
])
def test_an_application_changes_nothing(house, tmp_path, bucket, style, path_style, there):
    host = Host(house, tmp_path, {EU: bucket.format("eu"), US: bucket.format("us")})
    stores = host.scripted()
    gateway = host.gateway(path_style=path_style)
    same_for(host, stores, gateway, [EU, US], DEBIANS, style, "put and get", "errors", "presigned")
    heads = {region: [(request["Host"], request.method, request.target.partition("?")[0])
                      for request in store.requests] for region, store in stores.items()}
    direct, before = heads[EU][:len(heads[US])], heads[EU][len(heads[US]):]
    assert before == direct
    assert {head[0] for head in heads[US]} == {f"{there}.amazonaws.com"}
    for request in stores[US].requests:
        Signer(KEY, SECRET, US).judge(request)


def test_a_link_signed_in_the_old_way_is_told_of_before_it_matters(house, tmp_path):
    """Version 2: what botocore does by itself for the oldest regions, and we do not verify."""
    host = Host(house, tmp_path)
    host.scripted()[EU].objects["/key"] = b"found"
    gateway = host.gateway()
    host.trusts(gateway)
    link = botocore.session.Session().create_client(
        "s3", region_name=EU, aws_access_key_id=KEY, aws_secret_access_key=SECRET,
    ).generate_presigned_url("get_object", Params={"Bucket": "shop-eu", "Key": "key"})
    assert link.startswith("https://shop-eu.s3.amazonaws.com/key?AWSAccessKeyId=")

    def get():
        return host.run("curl", "-sS", "--cacert", host.ca, link, env={}).stdout

    assert get() == b"found"
    rows = json.loads(gateway.cli("ready", "--json", expect=1).out)["rows"]
    key, = [row for row in rows if row["check"] == "key"]
    assert key["status"] == "fail"
    assert "version 2" in key["words"] and "version 4" in key["advice"]
    gateway.switch(US, "--group", "static")
    assert b"Please use AWS4-HMAC-SHA256" in get()


# -- with real clients, and a real S3 ---------------------------------------------------------------

WAYS = pytest.mark.parametrize("endpoints", [False, True], ids=["Amazon's names", "s3_endpoints"])


def same_everywhere(host, name, script, regions, endpoints, folder):
    if Client.is_missing(name):
        pytest.skip(f"{name} is missing (run tests/story/peers {PEERS})")
    stores = host.versities()
    gateway = host.gateway(endpoints and stores, path_style=True)
    direct = Unchanged(name, host, EU, "shop-eu", folder).tell(script)
    assert not missing(script, direct)
    host.trusts(gateway)
    for _ in switched(gateway, stores, regions):
        through = Unchanged(name, host, EU, "shop-eu", folder).tell(script)
        differences = [f"{one}\nbecame\n{other}" for one, other in zip(direct, through)
                       if one != other]
        assert not differences, "\n".join(differences)


@needs_versity
@WAYS
@pytest.mark.parametrize("name", quick("the newest awscli", "rclone", "s3cmd", "s5cmd"))
def test_a_client_changes_nothing(host, tmp_path, name, endpoints):
    same_everywhere(host, name, SHORT, [EU, US], endpoints, tmp_path)


@needs_versity
@pytest.mark.long
@WAYS
@pytest.mark.parametrize("name", CLIENTS)
def test_a_client_changes_nothing_whatever_it_does(host, tmp_path, name, endpoints):
    same_everywhere(host, name, WHOLE, [EU, US, EU], endpoints, tmp_path)


LIBRARIES = {
    **{words: (pathlib.Path(python), [python, "-P", PROGRAM])
       for words, python in versity.pythons().items()},
    **SDKS,
}


def same_for_library(host, name, style, regions, endpoints, *how):
    there, command = LIBRARIES[name]
    if not there.exists():
        pytest.skip(f"{name} is missing (run tests/story/peers {PEERS})")
    stores = host.versities()
    gateway = host.gateway(endpoints and stores, path_style=True)
    same_for(host, stores, gateway, regions, command, style, *how)


@needs_versity
@pytest.mark.parametrize("style, endpoints", [
    ("auto", False), ("path", True), pytest.param("auto", True, marks=pytest.mark.long),
    pytest.param("path", False, marks=pytest.mark.long)])
@pytest.mark.parametrize("name", LIBRARIES)
def test_a_library_changes_nothing(host, name, style, endpoints):
    same_for_library(host, name, style, [EU, US], endpoints)


@needs_versity
@pytest.mark.long
@WAYS
@pytest.mark.parametrize("name", SDKS)
def test_a_library_changes_nothing_with_large_objects(host, name, endpoints):
    same_for_library(host, name, "auto", [EU, US, EU], endpoints, "whole")
