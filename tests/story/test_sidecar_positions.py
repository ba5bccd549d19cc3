"""The gate before a promotion, by what the databases themselves say: AWS cannot be reached at all."""
import contextlib

import pytest

from lib.daemon import US
from lib.scene import on_both
from lib.sidecar import Sidecar, last, script, step, whole

pytestmark = pytest.mark.root

NOBODY = {"endpoint_url": "http://127.0.0.1:9", "poll_interval": "100ms"}
HOLD = {"postgres": "SELECT pg_wal_replay_pause()", "mariadb": "STOP SLAVE SQL_THREAD"}
BEHIND = {"postgres": "bytes behind", "mariadb": "it is at GTID"}
LOGIN = {"postgres": {"type": "postgres", "user": "app"},
         "mariadb": {"type": "mysql", "user": "app", "database": "shop"}}
KEYS = {"AWS_ACCESS_KEY_ID": "AKIDEXAMPLE", "AWS_SECRET_ACCESS_KEY": "secret"}


class Gate:
    """A relay whose runbook waits for the replica, then promotes it."""

    def __init__(self, scene, timeout, login=None):
        self.pair = scene.pair
        self.daemon = scene.relay(probe=login or LOGIN[str(self.pair)]).daemon
        us = self.pair.us
        self.daemon.write_config(aws=NOBODY, **whole(
            step("caught-up", "rds.wait_caught_up", instance="orders-standby", timeout=timeout),
            script("promote", "fence", "caught-up", text=us.shell(us.PROMOTE), promotes=True,
                   timeout="30s")))
        self.daemon.cli("reload", expect=0)

    def write(self, id):
        self.pair.eu.query(f"INSERT INTO {self.pair.eu.WRITES} VALUES ({id}, 'somebody')")

    def move(self, command, expect):
        """What became of the step that waits."""
        with contextlib.closing(Sidecar(self.daemon, self.daemon.wrap, KEYS)) as sidecar:
            sidecar.start()
            self.daemon.cli(command, US, "--yes", expect=expect)
            transition = last(self.daemon) if command == "switchover" else \
                self.daemon.state()["transition"]
            return transition["steps"]["caught-up"], sidecar.log()


@on_both
def test_a_replica_that_has_all_is_promoted_without_a_word_of_aws(scene):
    gate = Gate(scene, "30s")
    gate.write(1)
    caught_up, _ = gate.move("switchover", 0)
    assert caught_up["status"] == "done" and caught_up["lag_ms"] == 0
    assert "has caught up" in caught_up["detail"]
    assert scene.pair.us.is_writable() and scene.pair.us.ids() == {1}


@on_both
def test_a_replica_that_is_held_back_is_not_promoted(scene):
    gate = Gate(scene, "12s")
    scene.pair.us.query(HOLD[str(scene.pair)])
    gate.write(1)
    caught_up, _ = gate.move("switchover", 1)
    assert caught_up["status"] == "failed" and caught_up["lag_ms"] is None
    assert "timed out after 12s" in caught_up["detail"]
    assert BEHIND[str(scene.pair)] in caught_up["detail"]
    assert not scene.pair.us.is_writable()


@on_both
def test_a_primary_that_cannot_be_asked_proves_nothing(scene):
    gate = Gate(scene, "12s")
    with scene.lost():
        caught_up, log = gate.move("failover", 1)
    assert caught_up["status"] == "failed"
    assert "no answer within 5 s" in log
    assert not scene.pair.us.is_writable()


def test_a_login_that_is_refused_proves_nothing(scene):
    gate = Gate(scene, "3s", {"type": "postgres", "user": "nobody-knows-me"})
    caught_up, log = gate.move("switchover", 1)
    assert caught_up["status"] == "failed"
    assert "nobody-knows-me" in log and "does not exist" in log
    assert not scene.pair.us.is_writable()
