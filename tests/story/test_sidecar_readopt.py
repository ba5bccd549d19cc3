"""A region that was lost comes back: a replica of what is primary now is built, the latch lifted."""
import pytest
from aws.server import ScriptedAws
from lib.daemon import EU, US
from lib.shop import ORDERS, STANDBY, Shop, databases, step


pytestmark = pytest.mark.slow  # the command asks again every few seconds


def runbook(instance):
    return [step("fence", "fence", groups=["data"]),
            step("promote", "rds.promote_read_replica", "fence", groups=["data"],
                 instance=instance),
            step("switch", "switch", "promote", groups=["data"])]


@pytest.fixture
def aws(house):
    return house.keep(ScriptedAws())


@pytest.fixture
def shop(house, aws):
    databases(aws)
    shop = Shop(house, aws, [], runbooks={
        EU: {"steps": runbook(ORDERS), "min_interval": "0s"},
        US: {"steps": runbook(STANDBY), "min_interval": "0s"}}).start()
    aws.lose(EU)
    shop.failover("--group", "data")
    return shop


def latched(shop):
    return shop.daemon.record()["groups"]["data"]["latched"]


def test_the_old_primary_is_renamed_and_a_replica_takes_its_place(aws, shop):
    assert latched(shop) == [EU]
    aws.find(EU)
    old = aws.region(EU).rds.instances[ORDERS]
    shop.daemon.cli("readopt", EU, "--yes", expect=0)
    assert old["DBInstanceIdentifier"].startswith(f"{ORDERS}-old-")
    replica = aws.region(EU).rds.instances[ORDERS]
    source = aws.region(US).rds.instances[STANDBY]["DBInstanceArn"]
    assert replica["ReadReplicaSourceDBInstanceIdentifier"] == source
    assert replica["DBInstanceClass"] == old["DBInstanceClass"]
    assert latched(shop) == [] and aws.faults == []


def test_then_a_switchover_goes_home_and_the_other_side_is_readopted_the_same_way(aws, shop):
    aws.find(EU)
    shop.daemon.cli("readopt", EU, "--yes", expect=0)
    shop.daemon.cli("switchover", EU, "--yes", "--group", "data", expect=0)
    assert shop.daemon.active("data") == EU and latched(shop) == [US]
    assert "ReadReplicaSourceDBInstanceIdentifier" not in aws.region(EU).rds.instances[ORDERS]
    shop.daemon.cli("readopt", US, "--yes", expect=0)
    standby = aws.region(US).rds.instances[STANDBY]
    assert standby["ReadReplicaSourceDBInstanceIdentifier"].endswith(f":db:{ORDERS}")
    assert latched(shop) == [] and aws.faults == []


def test_while_the_region_is_silent_the_latch_stays(aws, shop):
    result = shop.daemon.cli("readopt", EU, "--yes", "--timeout", "15s")
    assert result.status != 0 and "does not answer" in result.out + result.err
    assert latched(shop) == [EU]
