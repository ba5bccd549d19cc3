"""kill -9 of the sidecar at every single call that it makes: the next one goes on where the truth
is, reaches the goal, and repeats nothing that may not be repeated."""
import contextlib
import itertools
import threading

import pytest
from aws.server import ScriptedAws
from conftest import House
from lib.daemon import EU, US
from lib.machine import MANY
from lib.shop import Shop, compute, databases
from test_sidecar_pilot_light import DATABASE, services

# What AWS takes a second time without harm, and what must never come twice.
HARMLESS = {"ChangeResourceRecordSets", "UpdateAutoScalingGroup"}
ONCE = {"PromoteReadReplica", "CreateDBInstanceReadReplica", "ModifyDBInstance"}


class Killing:
    """One run of everything, and one kill in it."""

    def __init__(self, house, deployed, **pace):
        self.aws = house.keep(ScriptedAws())
        databases(self.aws)
        compute(self.aws)
        self.aws.pace.update({"settle": 1, "initial": 1, **pace})
        self.aws.pace.usual = 0
        self.aws.lose(EU)
        self.shop = Shop(house, self.aws, DATABASE + services(deployed)).start()
        self.killed = threading.Event()

    def kill(self, call):
        self.shop.sidecar.kill()
        self.killed.set()

    def run(self, number, point):
        """Whether there was such a call."""
        self.aws.pause(number, point, self.kill)
        command = self.shop.daemon.start_cli("failover", US, "--yes")
        while command.poll() is None:
            if self.killed.wait(0.01) and self.shop.sidecar.killed:
                self.shop.another_sidecar()
        out, err = command.communicate(timeout=MANY)
        assert command.returncode == 0, (out, err, str(self.aws.journal))
        self.check(number, point)
        return self.killed.is_set()

    def check(self, number, point):
        told = f"killed {point} call {number}:\n{self.aws.journal}"
        assert set(self.shop.steps().values()) == {"done"}, told
        groups = self.shop.daemon.record()["groups"]
        assert {each["active"] for each in groups.values()} == {US}, told
        counts = self.aws.journal.counts()
        assert set(counts) == HARMLESS | ONCE, told
        assert all(count == 1 for action, count in counts.items() if action in ONCE), told
        assert self.aws.faults == [], told
        assert not self.aws.journal.of(region=EU), told


@pytest.mark.slow
@pytest.mark.parametrize("point", ["before", "after", "sent"])
def test_whenever_it_is_killed_the_next_one_reaches_the_goal(point, tmp_path):
    for number in itertools.count(1):
        with contextlib.ExitStack() as stack:
            killing = Killing(House(stack), tmp_path / "deployed")
            if not killing.run(number, point):
                break
    assert number > 15  # or it was not the run that it is about
