"""The steps of RDS and CloudWatch, when not all goes well: by the real sidecar and a scripted AWS."""
import pytest
from aws.server import ScriptedAws
from lib.daemon import EU, US
from lib.machine import eventually
from lib.shop import LAG, ORDERS, STANDBY, Shop, databases, step

FENCE = step("fence", "fence", groups=["data"])
PROMOTE = step("promote", "rds.promote_read_replica", "fence", groups=["data"], instance=STANDBY)
SWITCH = step("switch", "switch", "promote", groups=["data"])
CAUGHT_UP = step("caught-up", "rds.wait_caught_up", "fence", groups=["data"], instance=STANDBY,
                 timeout="3s")
CLUSTERS = {region: f"arn:aws:rds:{region}:123456789012:cluster:shop" for region in (EU, US)}


def resize(classes):
    return step("resize", "rds.modify", "promote", groups=["data"], instance=STANDBY,
                **{"class": classes})


@pytest.fixture
def aws(house):
    return house.keep(ScriptedAws())


def shop_of(house, aws, *steps):
    return Shop(house, aws, [FENCE, *steps]).start()


def failover(shop, *arguments, expect=0):
    shop.failover("--group", "data", *arguments, expect=expect)
    return shop.transition()


def test_classes_that_are_sold_out_now_or_later_give_way_to_the_next(house, aws):
    standby = databases(aws)
    us = aws.region(US).rds
    us.no_capacity.add("db.r6g.8xlarge")
    us.silent_failures.add(STANDBY)
    shop = shop_of(house, aws, PROMOTE, SWITCH,
                   resize(["db.r6g.8xlarge", "db.r6g.4xlarge", "db.r6g.2xlarge"]))
    failover(shop)
    assert standby["DBInstanceClass"] == "db.r6g.2xlarge"
    assert shop.step("resize")["status"] == "done"
    assert aws.faults == []


def test_a_list_that_is_sold_out_stops_with_the_code(house, aws):
    databases(aws)
    aws.region(US).rds.no_capacity.update({"db.r6g.8xlarge", "db.r6g.4xlarge"})
    shop = shop_of(house, aws, PROMOTE, SWITCH, resize(["db.r6g.8xlarge", "db.r6g.4xlarge"]))
    failover(shop, expect=1)
    resized = shop.step("resize")
    assert resized["status"] == "failed" and "no capacity in us-west-2" in resized["detail"]
    assert resized["aws"]["code"] == "InsufficientDBInstanceCapacity"
    assert resized["aws"]["request_id"]


@pytest.mark.parametrize("lag", [None, -1.0, 30.0], ids=["missing", "inactive", "high"])
def test_a_lag_that_is_not_known_to_be_low_stops_before_the_promotion(house, aws, lag):
    databases(aws)
    aws.region(US).cloudwatch.put(*LAG, lambda at: lag)
    shop = shop_of(house, aws, CAUGHT_UP, {**PROMOTE, "needs": ["caught-up"]}, SWITCH)
    failover(shop, expect=1)
    assert "--force=lag" in shop.step("caught-up")["detail"]
    assert aws.journal.counts() == {}


def test_force_goes_on_without_the_lag_and_says_so(house, aws):
    standby = databases(aws)
    aws.region(US).cloudwatch.put(*LAG, lambda at: None)
    shop = shop_of(house, aws, CAUGHT_UP, {**PROMOTE, "needs": ["caught-up"]}, SWITCH)
    transition = failover(shop, "--force=lag")
    assert "--force=lag" in shop.step("caught-up")["detail"]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in standby
    assert transition["lag_ms"] is None


def test_a_backup_is_waited_out(house, aws):
    standby = databases(aws)
    standby["DBInstanceStatus"] = "backing-up"
    standby.then(3, lambda it: it.update(DBInstanceStatus="available"))
    failover(shop_of(house, aws, PROMOTE, SWITCH))
    assert aws.journal.counts() == {"PromoteReadReplica": 1} and aws.faults == []


def test_an_instance_that_is_not_there_is_named_with_its_region(house, aws):
    shop = shop_of(house, aws, PROMOTE, SWITCH)
    failover(shop, expect=1)
    promoted = shop.step("promote")
    assert f"no DB instance {STANDBY} in {US}" in promoted["detail"]
    assert promoted["aws"]["code"] == "DBInstanceNotFound"


def test_a_reply_that_is_lost_after_the_act_repeats_nothing(house, aws):
    databases(aws)
    aws.script("drop after", action="PromoteReadReplica")
    aws.script("drop after", action="CreateDBInstanceReadReplica")
    replica = step("replica", "rds.create_read_replica", "promote", groups=["data"],
                   source=STANDBY, instance="orders-reader")
    failover(shop_of(house, aws, PROMOTE, SWITCH, replica))
    assert aws.journal.counts() == {"CreateDBInstanceReadReplica": 1, "PromoteReadReplica": 1}
    assert aws.faults == []


def test_what_is_shown_late_repeats_nothing(house, aws):
    databases(aws)
    for action in ("PromoteReadReplica", "ModifyDBInstance", "CreateDBInstanceReadReplica"):
        aws.script("stale", action=action, reads=2)
    replica = step("replica", "rds.create_read_replica", "resize", groups=["data"],
                   source=STANDBY, instance="orders-reader")
    failover(shop_of(house, aws, PROMOTE, SWITCH, resize("db.r6g.4xlarge"), replica))
    assert aws.journal.counts() == {
        "CreateDBInstanceReadReplica": 1, "ModifyDBInstance": 1, "PromoteReadReplica": 1}
    assert aws.faults == []


def test_the_old_primary_is_stopped_where_its_region_answers(house, aws):
    databases(aws)
    old = aws.region(EU).rds.instances[ORDERS]
    stop = step("stop-old", "rds.fence_old_primary", "promote", groups=["data"], instance=ORDERS,
                region=EU)
    failover(shop_of(house, aws, PROMOTE, SWITCH, stop))
    assert old["DBInstanceStatus"] == "stopped"


def test_an_old_primary_whose_region_is_lost_holds_nothing_up(house, aws):
    databases(aws)
    aws.lose(EU)
    stop = step("stop-old", "rds.fence_old_primary", "fence", groups=["data"], instance=ORDERS,
                region=EU, timeout="4s")
    shop = shop_of(house, aws, PROMOTE, SWITCH, stop)
    failover(shop)
    assert shop.step("stop-old")["status"] in ("unknown", "failed")
    assert shop.daemon.active("data") == US


def test_a_global_cluster_moves_once_and_its_target_writes(house, aws):
    cluster = aws.region(EU).rds.add_global_cluster("shop", CLUSTERS[EU], [CLUSTERS[US]])
    aws.lose(EU)
    move = step("promote", "rds.failover_global_cluster", "fence", groups=["data"],
                global_cluster="shop", target=CLUSTERS[US])
    failover(shop_of(house, aws, move, SWITCH))
    writers = [each["DBClusterArn"] for each in cluster["GlobalClusterMembers"]
               if each["IsWriter"]]
    assert writers == [CLUSTERS[US]] and aws.faults == []
    assert aws.journal.counts() == {"FailoverGlobalCluster": 1}


def test_a_metric_is_waited_for(house, aws):
    databases(aws)
    seen = aws.region(US).cloudwatch
    seen.put("Shop", "Orders", {}, lambda at: None)
    orders = step("orders", "cloudwatch.wait", "switch", groups=["data"], metric="Shop/Orders",
                  above=5)
    shop = shop_of(house, aws, PROMOTE, SWITCH, orders)
    shop.failover("--no-wait", "--group", "data")
    eventually(lambda: "no datapoint" in (shop.step("orders")["detail"] or ""), "it waits")
    seen.put("Shop", "Orders", {}, lambda at: 6)
    shop.daemon.cli("wait", expect=0)
    assert shop.steps()["orders"] == "done"
