"""The pilot light, end to end: the home region is a black hole, one command brings the other up."""
import datetime
import json
import time

import pytest
from aws.server import ScriptedAws
from lib.daemon import EU, US, is_sanitized
from lib.machine import eventually
from lib.shop import ORDERS, STANDBY, Shop, compute, databases, step

DATABASE = [
    step("fence", "fence", groups=["data"]),
    step("caught-up", "rds.wait_caught_up", "fence", groups=["data"], instance=STANDBY,
         max_lag="5s"),
    step("promote", "rds.promote_read_replica", "fence", "caught-up", groups=["data"],
         instance=STANDBY, backup_retention_days=7),
    step("resize", "rds.modify", "promote", groups=["data"], instance=STANDBY,
         **{"class": "db.r6g.4xlarge"}, multi_az=True),
    step("replica", "rds.create_read_replica", "resize", groups=["data"], source=STANDBY,
         instance="orders-reader"),
    step("switch", "switch", "resize", groups=["data"]),
]
RECORD = {"name": "www.shop.example", "type": "CNAME", "ttl": 60, "values": ["us.shop.example"]}


def services(deployed):
    return [
        step("scale", "autoscaling.scale", groups=["default"], group="web", min=2, desired=2,
             max=6),
        step("healthy", "elbv2.wait_healthy", "scale", groups=["default"], target_group="web",
             count=2),
        step("deploy", "exec", "scale", groups=["default"], command=[
            "/bin/sh", "-c", f'echo "$PILOTLIGHT_REGION" >> {deployed}']),
        step("switch-services", "switch", "healthy", "deploy", groups=["default"]),
        step("dns", "route53.upsert", "switch-services", groups=["default"], zone="Z1SHOP",
             records=[RECORD]),
    ]


@pytest.fixture
def aws(house):
    return house.keep(ScriptedAws())


def nothing_of_the_lost(aws):
    return [str(call) for call in aws.journal if call.region == EU]


def test_the_database_is_promoted_resized_and_has_a_replica_of_its_own(house, aws):
    standby = databases(aws)
    shop = Shop(house, aws, DATABASE).start()
    aws.lose(EU)
    shop.failover("--group", "data")
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert aws.journal.counts() == {
        "CreateDBInstanceReadReplica": 1, "ModifyDBInstance": 1, "PromoteReadReplica": 1}
    assert standby["DBInstanceClass"] == "db.r6g.4xlarge" and standby["MultiAZ"]
    assert standby["BackupRetentionPeriod"] == 7
    assert standby["ReadReplicaDBInstanceIdentifiers"] == ["orders-reader"]
    assert shop.daemon.active("data") == US
    assert shop.transition()["lag_ms"] == 0
    assert nothing_of_the_lost(aws) == []


def test_services_are_scaled_deployed_and_named_and_buckets_are_switched_at_once(
        house, aws, tmp_path):
    compute(aws)
    deployed = tmp_path / "deployed"
    aws.pace["launching"] = 0.5
    shop = Shop(house, aws, [
        step("fence", "fence", groups=["data"]),
        step("switch", "switch", "fence", groups=["data"]), *services(deployed)]).start()
    aws.lose(EU)
    shop.failover("--no-wait", "--group", "default", "--group", "static")
    eventually(lambda: shop.daemon.active("static") == US, "the buckets are switched")
    assert shop.daemon.active("default") == EU  # its services are not up yet
    shop.daemon.cli("wait", expect=0)
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert shop.daemon.active("default") == US
    assert deployed.read_text() == f"{US}\n"
    assert aws.journal.counts() == {"ChangeResourceRecordSets": 1, "UpdateAutoScalingGroup": 1}
    assert aws.region("us-east-1").route53.records("Z1SHOP") == {
        ("www.shop.example.", "CNAME"): ["us.shop.example"]}
    assert nothing_of_the_lost(aws) == []


def test_both_at_once_within_the_rights_that_the_plan_asks_for(house, aws, tmp_path):
    databases(aws)
    compute(aws)
    shop = Shop(house, aws, DATABASE + services(tmp_path / "deployed")).start()
    policy = json.loads(shop.daemon.cli("plan", US, "--iam", expect=0).out)
    aws.allow(policy)
    aws.lose(EU)
    shop.failover()
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert {shop.daemon.active(group) for group in ("data", "default", "static")} == {US}
    assert not [call for call in aws.journal if call.code == "AccessDenied"]
    assert nothing_of_the_lost(aws) == []


def test_the_first_call_comes_within_a_tenth_of_a_second(house, aws):
    """In a build that nothing slows down; sanitizers are given a second."""
    databases(aws)
    shop = Shop(house, aws, DATABASE).start()
    came = []
    aws.pause(1, "before", lambda call: came.append(time.monotonic()))
    begun = time.monotonic()
    shop.failover("--group", "data")
    assert came[0] - begun < (1.0 if is_sanitized() else 0.1)


@pytest.mark.parametrize("reads", [1, 2, 5, 8])
def test_reads_that_show_what_was_before_an_act_lead_to_no_second_one(house, aws, reads):
    databases(aws)
    aws.script("stale", service="rds", region=US, reads=reads, times=None)
    shop = Shop(house, aws, DATABASE).start()
    aws.lose(EU)
    shop.failover("--group", "data")
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert set(aws.journal.counts().values()) == {1}


def test_a_clock_that_is_ten_minutes_off_is_put_right_by_the_first_reply(house, aws):
    databases(aws)
    aws.clock_ahead = datetime.timedelta(minutes=10)
    steps = [each for each in DATABASE if each["id"] != "caught-up"]
    steps = [{**each, "needs": [need for need in each["needs"] if need != "caught-up"]}
             for each in steps]
    shop = Shop(house, aws, steps).start()
    shop.failover("--group", "data")
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert len([call for call in aws.journal if call.code == "SignatureDoesNotMatch"]) == 1


HOME = [
    step("fence", "fence", groups=["data"]),
    step("promote", "rds.promote_read_replica", "fence", groups=["data"], instance=ORDERS),
    step("switch", "switch", "promote", groups=["data"]),
]


def test_a_plan_and_ready_look_and_change_nothing(house, aws, tmp_path):
    databases(aws)
    compute(aws)
    shop = Shop(house, aws, DATABASE + services(tmp_path / "deployed")).start()
    plan = json.loads(shop.daemon.cli("plan", US, "--json", expect=0).out)
    rows = {each["step"]: each["status"] for each in plan["steps"]}
    assert rows["promote"] == rows["scale"] == rows["dns"] == "act", rows
    ready = json.loads(shop.daemon.cli("ready", US, "--json").out)
    assert any("promote" in each["check"] or "step" in each["check"] for each in ready["rows"])
    assert aws.journal.acts() == []
    assert shop.daemon.state()["transition"] is None


@pytest.mark.slow
def test_a_region_that_returns_gets_a_replica_and_then_takes_everything_home(house, aws):
    databases(aws)
    shop = Shop(house, aws, DATABASE, runbooks={EU: {"steps": HOME, "min_interval": "0s"}}).start()
    aws.lose(EU)
    shop.failover("--group", "data")
    aws.find(EU)
    before = len(aws.journal)
    refused = shop.daemon.cli("failover", EU, "--yes", "--group", "data", expect=3)
    assert "readopt" in refused.err
    shop.daemon.cli("readopt", EU, "--yes", expect=0)
    orders = aws.region(EU).rds.instances[ORDERS]
    assert orders["ReadReplicaSourceDBInstanceIdentifier"] == (
        aws.region(US).rds.instances[STANDBY]["DBInstanceArn"])
    assert len(aws.region(EU).rds.instances) == 2  # the old one is kept, by another name
    counts = [call.action for call in aws.journal[before:] if call.acted]
    assert sorted(counts) == ["CreateDBInstanceReadReplica", "ModifyDBInstance"]
    assert shop.daemon.state()["groups"]["data"]["latched"] == []
    shop.daemon.cli("failover", EU, "--yes", "--group", "data", expect=0)
    assert shop.daemon.active("data") == EU
