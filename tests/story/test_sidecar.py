"""Runbooks, carried out by the real sidecar: order, kills, failures, people's words."""
import json
import os
import signal
import stat
import time

import pytest

from lib.daemon import EU, US
from lib.machine import eventually
from lib.sidecar import Sidecar, last, runbook, running, script, status_of, step, whole

FAST = {"aws": {"poll_interval": "100ms"}}


@pytest.fixture
def make(house, upstream):
    """A daemon and its sidecar, with a runbook for the other region."""
    def make(section, **changes):
        daemon = house.daemon([upstream], **{**FAST, **section, **changes}).start()
        sidecar = house.keep(Sidecar(daemon)).start()
        eventually(lambda: daemon.status()["sidecar"]["connected"], "the sidecar is there")
        return daemon, sidecar
    return make


def failover(daemon, *arguments, expect=0):
    return daemon.cli("failover", US, "--yes", "--group", "data", *arguments, expect=expect)


def begin(daemon, *arguments):
    return failover(daemon, "--no-wait", *arguments)


def words_of(path):
    return path.read_text().split() if path.exists() else []


def test_a_runbook_is_carried_out_in_the_order_of_its_needs(make, tmp_path):
    out = tmp_path / "out"
    daemon, _ = make(runbook(
        script("third", "second", text=f"echo third >> {out}", groups=["data"]),
        script("second", "first", text=f"echo second >> {out}", groups=["data"]),
        script("first", "fence", text=f"echo first >> {out}", groups=["data"]),
        step("fence", "fence", groups=["data"]),
        step("switch", "switch", "third", "fence", groups=["data"])))
    failover(daemon)
    assert words_of(out) == ["first", "second", "third"]
    assert daemon.active("data") == US and daemon.active("default") == EU
    steps = last(daemon)["steps"]
    assert {each["status"] for each in steps.values()} == {"done"}
    assert all(each["attempt"] == 1 for each in steps.values())
