"""`pilotlight ready` of buckets: what S3 and CloudWatch say, by the host's own credentials."""
import collections
import contextlib
import json
import socket
import time

import pytest
from aws.server import ScriptedAws

from lib.certificates import Authority
from lib.daemon import EU, US
from lib.machine import fresh_address
from lib.s3 import S3

PORT = 8080
NOBODY = {"AWS_CONFIG_FILE": "/dev/null", "AWS_SHARED_CREDENTIALS_FILE": "/dev/null",
          "AWS_EC2_METADATA_DISABLED": "true", "HOME": "/nonexistent"}


@pytest.fixture
def aws():
    with contextlib.closing(ScriptedAws()) as aws:
        yield aws
        assert not aws.faults, aws.faults


def start(house, env, upstreams=(), buckets=None, **gateway):
    """A daemon with one bucket endpoint and nothing else; eu-west-1 is active."""
    endpoint = {"type": "bucket", "group": "static", "buckets": {EU: "shop-eu", US: "shop-us"},
                **(buckets or {})}
    gone = dict.fromkeys(["orders-db", "search", "api", "six"])
    daemon = house.daemon(upstreams, env={**NOBODY, **env}, endpoints={"assets": endpoint, **gone})
    daemon.write_config(proxy={"threads": 1},
                        gateway={"listen": f"{daemon.address}:{PORT}", **gateway})
    return daemon.start()


def pair(aws, home=None, back=None, **both):
    """Two buckets that replicate to each other, but for what is said."""
    aws.region(EU).s3.add_bucket("shop-eu", **{"replicates_to": "shop-us", **both, **(home or {})})
    aws.region(US).s3.add_bucket("shop-us", **{"replicates_to": "shop-eu", **both, **(back or {})})


def rows(daemon, region=US, expect=0):
    document = json.loads(daemon.cli("ready", region, "--json", expect=expect).out)
    found = {}
    for row in document["rows"]:
        if row["check"] in ("bucket", "versioning", "replication", "failback"):
            assert row["endpoint"] == "assets" and row["region"] == region, row
            assert row["check"] not in found, "one row a check"
            found[row["check"]] = row
    return found


def verdicts(found):
    return {check: row["status"] for check, row in found.items()}


def metric(aws, region, name, value):
    aws.region(region).cloudwatch.put("AWS/S3", name, {
        "SourceBucket": "shop-eu", "DestinationBucket": "shop-us",
        "RuleId": "to the other region"}, lambda at: value)


def test_two_versioned_buckets_that_replicate_to_each_other_pass(house, aws):
    pair(aws)
    found = rows(start(house, aws.environment))
    assert verdicts(found) == dict.fromkeys(
        ["bucket", "versioning", "replication", "failback"], "pass"), found
    assert "not known" in found["replication"]["words"]
    assert not any(row["advice"] for row in found.values())
    asked = collections.Counter(call.action for call in aws.journal)
    assert asked == {"GetBucketVersioning": 2, "HeadBucket": 2, "GetBucketReplication": 2,
                     "GetMetricData": 2}


def test_what_is_pending_is_told_and_what_is_late_is_a_warning(house, aws):
    pair(aws)
    daemon = start(house, aws.environment)
    metric(aws, EU, "OperationsFailedReplication", 0)
    metric(aws, US, "OperationsPendingReplication", 7)
    metric(aws, US, "ReplicationLatency", 12)
    found = rows(daemon)
    assert found["replication"]["status"] == "pass"
    assert "7 pending, 12 s behind" in found["replication"]["words"]
    metric(aws, US, "ReplicationLatency", 4000)
    daemon.switch(US)
    daemon.switch(EU)  # what was found before is not shown again
    row = rows(daemon)["replication"]
    assert row["status"] == "warn" and "4000 s behind" in row["words"] and row["advice"]
    metric(aws, EU, "OperationsFailedReplication", 1)
    daemon.switch(US)
    daemon.switch(EU)
    row = rows(daemon)["replication"]
    assert row["status"] == "warn" and "failed" in row["words"]


def test_a_standby_bucket_that_is_not_there_fails(house, aws):
    aws.region(EU).s3.add_bucket("shop-eu", replicates_to="shop-us")
    found = rows(start(house, aws.environment), expect=1)
    assert verdicts(found) == {"bucket": "fail", "replication": "pass"}
    assert "shop-us" in found["bucket"]["words"] and found["bucket"]["advice"]


def test_a_bucket_of_another_region_fails(house, aws):
    for name, other in (("shop-eu", "shop-us"), ("shop-us", "shop-eu")):
        aws.region(EU).s3.add_bucket(name, replicates_to=other)
    found = rows(start(house, aws.environment), expect=1)
    assert found["bucket"]["status"] == "fail" and "not in us-west-2" in found["bucket"]["words"]


def test_versioning_must_be_on_on_both_sides(house, aws):
    pair(aws, back={"versioned": False})
    daemon = start(house, aws.environment)
    found = rows(daemon, expect=1)
    assert verdicts(found) == {"bucket": "pass", "versioning": "fail", "replication": "pass"}
    aws.region(US).s3.buckets["shop-us"].aside["versioning"] = "Enabled"
    aws.region(EU).s3.buckets["shop-eu"].aside["versioning"] = "Suspended"
    daemon.switch(US)
    daemon.switch(EU)
    found = rows(daemon, expect=1)
    assert verdicts(found) == {"bucket": "pass", "versioning": "pass", "replication": "fail",
                               "failback": "pass"}
    assert "shop-eu" in found["replication"]["words"]
    assert rows(daemon, EU, expect=1)["versioning"]["status"] == "fail"


@pytest.mark.parametrize("rule, word", [({"replicates_to": None}, "arn:aws:s3:::shop-us"),
                                        ({"replicates_to": "shop-elsewhere"}, "shop-us"),
                                        ({"status": "Disabled"}, "enable it")])
def test_no_enabled_rule_to_the_standby_fails_and_says_what_to_do(house, aws, rule, word):
    pair(aws, home=rule)
    found = rows(start(house, aws.environment), expect=1)
    assert verdicts(found) == {"bucket": "pass", "versioning": "pass", "replication": "fail",
                               "failback": "pass"}
    assert word in found["replication"]["advice"]


@pytest.mark.parametrize("rule", [{"replicates_to": None}, {"status": "Disabled"}])
def test_no_way_back_is_a_warning(house, aws, rule):
    pair(aws, back=rule)
    found = rows(start(house, aws.environment))
    assert found["failback"]["status"] == "warn" and "shop-eu" in found["failback"]["advice"]


def test_after_a_switch_the_rules_are_read_the_other_way(house, aws):
    pair(aws, back={"replicates_to": None})
    daemon = start(house, aws.environment)
    daemon.switch(US)
    found = rows(daemon, EU, expect=1)
    assert found["replication"]["status"] == "fail" and found["failback"]["status"] == "pass"


def test_what_the_credentials_may_not_see_is_a_warning_that_names_the_right(house, aws):
    pair(aws)
    aws.allow({"Version": "2012-10-17", "Statement": []})
    found = rows(start(house, aws.environment))
    assert verdicts(found) == dict.fromkeys(
        ["bucket", "versioning", "replication", "failback"], "warn")
    for check, right in (("bucket", "s3:ListBucket"), ("versioning", "s3:GetBucketVersioning"),
                         ("replication", "s3:GetReplicationConfiguration")):
        assert right in found[check]["advice"]


def test_the_policy_in_contrib_suffices(house, aws, pytestconfig):
    policy = pytestconfig.rootpath.parents[1] / "contrib/iam/gateway.json"
    document = json.loads(policy.read_text().replace("shop-assets-eu-west-1", "shop-eu")
                          .replace("shop-assets-us-west-2", "shop-us"))
    pair(aws)
    aws.allow(document)
    found = rows(start(house, aws.environment))
    assert set(verdicts(found).values()) == {"pass"}
    assert "refuses" not in found["replication"]["words"]


def test_a_lost_active_region_does_not_make_the_standby_unfit(house, aws):
    pair(aws)
    daemon = start(house, aws.environment)
    aws.lose(EU)
    began = time.monotonic()
    found = rows(daemon)
    assert time.monotonic() - began < 10
    assert verdicts(found) == {"bucket": "pass", "versioning": "pass", "replication": "warn",
                               "failback": "pass"}


def test_a_standby_region_that_does_not_answer_fails(house, aws):
    pair(aws)
    daemon = start(house, aws.environment)
    aws.lose(US)
    found = rows(daemon, expect=1)
    assert verdicts(found) == {"bucket": "fail", "replication": "pass"}


def test_a_host_without_credentials_is_told_so_once_an_endpoint(house, aws):
    daemon = start(house, {"AWS_ENDPOINT_URL": aws.url})
    found = rows(daemon)
    assert verdicts(found) == {"bucket": "warn"}
    assert "credentials" in found["bucket"]["words"]
    assert "gateway.credentials" in found["bucket"]["advice"]
    assert not aws.journal


def refuse(status, code):
    body = f"<Error><Code>{code}</Code></Error>".encode()

    def play(wire, request):
        S3.read_body(wire, request)
        S3.reply(wire, 200 if request.method == "HEAD" else status, body,
                 head_only=request.method == "HEAD")
    return play


@pytest.fixture
def key(tmp_path):
    secret = tmp_path / "secret"
    secret.write_text("the store's secret")
    return {"access_key_id": "AKIDOFTHESTORE", "secret_access_key_file": str(secret)}


@pytest.mark.parametrize("status, code", [(501, "NotImplemented"), (405, "MethodNotAllowed")])
def test_a_store_that_has_no_replication_cannot_tell(house, key, status, code):
    stores = {region: house.keep(S3()) for region in (EU, US)}
    for store in stores.values():
        store.script("/shop-eu", refuse(status, code))
        store.script("/shop-us", refuse(status, code))
    daemon = start(house, {}, credentials=key,
                   s3_endpoints={region: store.url for region, store in stores.items()})
    found = rows(daemon)
    assert verdicts(found) == {"bucket": "pass", "versioning": "warn", "replication": "warn",
                               "failback": "warn"}
    assert all("cannot tell" in found[check]["words"] for check in ("versioning", "replication"))
    for region, store in stores.items():
        assert {request.target.partition("?")[0] for request in store.requests} == {
            "/shop-eu" if region == EU else "/shop-us"}
        assert all("AKIDOFTHESTORE/" in request["Authorization"]
                   and f"/{region}/s3/" in request["Authorization"] for request in store.requests)


@pytest.mark.root
def test_s3_is_not_asked_of_ourselves_where_its_host_is_a_managed_name(
        house, upstream, key, tmp_path):
    hosts = [f"s3.{region}.amazonaws.com" for region in (EU, US)]
    authority = Authority(tmp_path)
    store = house.keep(S3(certificate=authority.leaf(",".join(f"DNS:{host}" for host in hosts)),
                          address=fresh_address(), port=443))
    for host in hosts:
        upstream.add(f"{host}. 60 A {store.address}")
    for path in ("/shop-eu", "/shop-us"):
        store.script(path, refuse(501, "NotImplemented"))
    daemon = start(house, {}, [upstream], {"path_style": True}, credentials=key,
                   upstream_ca=str(authority.certificate))
    assert rows(daemon)["bucket"]["status"] == "pass"
    assert {request["Host"] for request in store.requests} == set(hosts)


def test_s3_whose_managed_host_has_no_address_is_said_so(house, upstream, key):
    daemon = start(house, {}, [upstream], {"path_style": True}, credentials=key)
    row = rows(daemon, expect=1)["bucket"]
    assert row["status"] == "fail" and f"s3.{US}.amazonaws.com has no address" in row["words"]


def test_a_store_may_want_the_bucket_in_its_host(house, upstream, key):
    store = house.keep(S3())
    for region, bucket in ((EU, "shop-eu"), (US, "shop-us")):
        upstream.add(f"{bucket}.store.example. 60 A {store.address}")
    store.script("/", refuse(501, "NotImplemented"))
    daemon = start(house, {}, [upstream], credentials=key, s3_endpoints={
        region: {"url": f"http://store.example:{store.port}", "style": "virtual"}
        for region in (EU, US)})
    assert rows(daemon)["bucket"]["status"] == "pass"
    assert {request["Host"] for request in store.requests} == {
        f"shop-eu.store.example:{store.port}", f"shop-us.store.example:{store.port}"}


def test_the_daemon_stops_while_s3s_host_is_looked_up(house, key):
    silent = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    silent.bind((fresh_address(), 5300))
    house.stack.callback(silent.close)
    daemon = start(house, {}, ["%s:%u" % silent.getsockname()], credentials=key)
    with daemon.control() as control:
        control.send("ready")
        control.call("hello")
        silent.settimeout(10)
        assert b"amazonaws" in silent.recv(512)
        daemon.terminate()


def test_the_daemon_stops_at_once_while_it_asks(house, aws):
    pair(aws)
    daemon = start(house, aws.environment)
    aws.lose(EU)
    with daemon.control() as control:
        asked = time.monotonic()
        control.send("ready")
        control.call("hello")
        daemon.terminate()
        assert time.monotonic() - asked < 3
