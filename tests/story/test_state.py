"""The record: whole or refused, never guessed (pilotlightd(8))."""
import hashlib
import json
import random
import time

import pytest

from lib.ask import addresses, ask, rcode, reasons
from lib.control import Refused
from lib.daemon import EU, US
from lib.machine import eventually

MANAGED = ["api.shop.internal", "search.shop.internal", "db.shop.internal"]


def is_undecided(daemon, name="api.shop.internal"):
    answer = ask(daemon, name, edns=1232)
    return rcode(answer) == "SERVFAIL" and reasons(answer) == [14] and not answer.answer \
        and not answer.authority


def set_aside(daemon):
    return list(daemon.state_file.parent.glob("state.json.refused-*"))


# -- restarts ------------------------------------------------------------------------------------

def test_without_a_file_a_host_starts_at_home_with_epoch_0(daemon):
    state = daemon.state()
    assert state["epoch"] == 0 and state["transition"] is None
    assert {group: entry["active"] for group, entry in state["groups"].items()} == {
        "data": EU, "default": EU}


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_restart_keeps_the_region(daemon, how):
    daemon.switch(US, "--reason", "drill")
    before = daemon.state()
    if how == "kill":
        daemon.kill()
        daemon.start()
    else:
        daemon.restart()
    assert daemon.state() == before
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.20"]


def test_revision_and_epoch_rise_and_history_tells_who_and_why(daemon):
    first = daemon.state()
    daemon.switch(US, "--reason", "because the region burns")
    second = daemon.state()
    assert second["revision"] > first["revision"] and second["epoch"] > first["epoch"]
    last = json.loads(daemon.cli("history", "--json", expect=0).out)["history"][-1]
    assert last["reason"] == "because the region burns" and last["to"] == US and last["by"]


def test_the_file_is_the_record_with_a_checksum(daemon):
    daemon.switch(US)
    record = daemon.record()
    assert record["format"] == 1 and "checksum" in record
    shown = daemon.state()
    for key in ("revision", "epoch", "groups"):
        assert record[key] == shown[key]


def test_history_keeps_fifty_transitions_and_the_record_stays_small(daemon):
    for i in range(60):
        with daemon.control() as control:
            control.call("failover", region=(US, EU)[i % 2], switch_only=True, groups=["default"],
                         reason=f"{i} " + "x" * 1000, request=f"r{i}")
    history = json.loads(daemon.cli("history", "--json", expect=0).out)["history"]
    assert len(history) == 50 and history[-1]["reason"].startswith("59 ")
    assert daemon.state_file.stat().st_size <= 512 << 10
    daemon.restart()
    assert daemon.active("default") == EU


def test_a_second_daemon_on_the_same_file_does_not_start(house, daemon, upstream):
    second = house.daemon([upstream], state={"file": str(daemon.state_file)})
    second.launch()
    assert second.process.wait(20) != 0
    second.killed = True
    daemon.switch(US)


# -- records that cannot be believed -------------------------------------------------------------

def rewrite(daemon, change):
    """Changes the record as a careless hand would: without its checksum."""
    text = daemon.state_file.read_text()
    changed = change(text)
    assert changed != text
    daemon.state_file.write_bytes(changed if isinstance(changed, bytes) else changed.encode())


def with_checksum(text):
    """The record with a checksum that is right for it, as if this version had written it."""
    body = text[:text.rindex(',"checksum"')]
    digest = hashlib.sha256(body.encode()).hexdigest()
    return f'{body},"checksum":"sha256:{digest}"}}\n'


UNBELIEVABLE = {
    "truncated_by_half": lambda text: text[:len(text) // 2],
    "truncated_by_a_byte": lambda text: text[:-2],
    "empty": lambda text: "",
    "edited": lambda text: text.replace(US, EU),
    "one_bit_flipped": lambda text: text.replace('"epoch":', '"epocH":'),
    "newer_format": lambda text: with_checksum(text.replace('"format":1', '"format":2')),
    "foreign_json": lambda text: '{"hello": "world"}\n',
    "foreign_text": lambda text: "not even JSON\n",
    "binary": lambda text: bytes(range(256)) * 4,
    "two_records": lambda text: text + text,
    "a_byte_behind": lambda text: text + "x",
    "nul_bytes": lambda text: b"\0" * 4096,
    "huge": lambda text: text + " " * (1 << 20),
    "deeply_nested": lambda text: "[" * 100000,
    "no_checksum": lambda text: text[:text.rindex(',"checksum"')] + "}\n",
}


@pytest.mark.parametrize("damage", UNBELIEVABLE)
def test_a_record_that_cannot_be_believed_leaves_the_host_undecided(daemon, damage):
    daemon.switch(US)
    epoch, revision = daemon.state()["epoch"], daemon.state()["revision"]
    daemon.terminate()
    rewrite(daemon, UNBELIEVABLE[damage])
    damaged = daemon.state_file.read_bytes()
    daemon.start()

    for name in MANAGED:
        assert is_undecided(daemon, name)
    assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]
    assert daemon.state_file.read_bytes() == damaged
    assert [copy.read_bytes() for copy in set_aside(daemon)] == [damaged]

    refused = daemon.switch(EU, expect=3)
    assert "undecided" in refused.err + refused.out
    assert daemon.state_file.read_bytes() == damaged and is_undecided(daemon)

    daemon.switch(EU, "--force=undecided")
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
    after = daemon.state()
    if damage in ("truncated_by_a_byte", "edited", "newer_format", "a_byte_behind",
                  "no_checksum", "two_records"):
        assert after["epoch"] > epoch and after["revision"] > revision
    daemon.restart()
    assert daemon.active() == EU and addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]


def test_a_record_that_is_a_directory_leaves_the_host_undecided_or_down(daemon):
    daemon.terminate()
    daemon.state_file.unlink(missing_ok=True)
    daemon.state_file.mkdir(parents=True)
    daemon.launch()
    try:
        eventually(daemon.is_ready, "ready or ended", 5)
    except AssertionError:
        assert daemon.process.poll() not in (None, 0)
        daemon.killed = True
    else:
        assert is_undecided(daemon)


def test_an_undecided_host_stays_undecided_over_restarts(daemon):
    daemon.switch(US)
    daemon.terminate()
    rewrite(daemon, UNBELIEVABLE["edited"])
    for _ in range(2):
        daemon.start()
        assert is_undecided(daemon)
        daemon.terminate()
    daemon.start()


def test_a_renamed_group_is_undecided_until_it_is_said(daemon):
    daemon.switch(US)
    daemon.terminate()
    daemon.write_config(endpoints={"search": {"group": "renamed"}})
    daemon.start()
    assert is_undecided(daemon, "search.shop.internal")
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.20"]
    daemon.switch(US, "--group", "renamed", "--force=undecided")
    assert addresses(ask(daemon, "search.shop.internal")) == ["192.0.2.22"]


def test_a_region_that_vanished_from_the_configuration_is_undecided(daemon):
    daemon.switch(US)
    daemon.terminate()
    endpoints = json.loads(json.dumps(daemon.config["endpoints"]).replace(US, "eu-north-1"))
    for endpoint in endpoints.values():
        endpoint["targets"][US] = None
    daemon.write_config(regions=[EU, "eu-north-1"], endpoints=endpoints)
    daemon.start()
    for name in MANAGED:
        assert is_undecided(daemon, name)
    daemon.switch("eu-north-1", "--force=undecided")
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.20"]


# -- kill -9 -------------------------------------------------------------------------------------

KILLS = 200  # in each of two stories


def pause(seconds):
    """Precise below a millisecond, where sleep is not."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        pass


@pytest.mark.slow
def test_kill_9_during_a_switch_leaves_what_was_acknowledged_or_the_next(daemon):
    """The command finds out, by its request id, what became of it: its exit status is the truth."""
    started = time.monotonic()
    daemon.switch(US)
    usual = time.monotonic() - started
    side, other = US, EU
    changed = 0
    for _ in range(KILLS):
        command = daemon.start_cli("failover", other, "--switch-only", "--yes", "--timeout", "30s")
        pause(random.uniform(0, 1.3 * usual))
        daemon.kill()
        daemon.start()
        out, err = command.communicate(timeout=60)
        now = daemon.active()
        assert command.returncode in (0, 1, 4), (command.returncode, out, err)
        assert now == (other if command.returncode == 0 else side), (command.returncode, out, err)
        expected = {EU: "192.0.2.10", US: "192.0.2.20"}[now]
        assert addresses(ask(daemon, "api.shop.internal")) == [expected]
        assert daemon.state()["transition"] is None
        if now == other:
            side, other = other, side
            changed += 1
    assert not set_aside(daemon)
    assert 0 < changed < KILLS, "the kills were all too early or all too late"


@pytest.mark.slow
def test_after_kill_9_a_request_can_be_asked_by_its_id(daemon):
    with daemon.control() as control:
        started = time.monotonic()
        control.call("failover", region=US, switch_only=True, groups=["default"], request="first")
        usual = time.monotonic() - started
    side, other = US, EU
    for i in range(KILLS):
        request = f"round-{i}"
        with daemon.control() as control:
            control.send("failover", region=other, switch_only=True, groups=["default"],
                         request=request)
            pause(random.uniform(0, 1.5 * usual))
            daemon.kill()
            try:
                acknowledged = control.receive()["result"]["status"] == 0
            except (ConnectionError, OSError):
                acknowledged = False
        daemon.start()
        with daemon.control() as control:
            try:
                done = control.call("request", request=request)["status"] == 0
            except Refused as refused:
                assert refused.status == 1 and "nothing was changed" in refused.words
                done = False
        assert done or not acknowledged, "an acknowledged change was lost"
        assert daemon.active("default") == (other if done else side)
        if done:
            side, other = other, side


def test_a_request_id_never_acts_twice(daemon):
    with daemon.control() as control:
        first = control.call("failover", region=US, switch_only=True, request="once")
        control.call("failover", region=EU, switch_only=True, request="back")
        again = control.call("failover", region=US, switch_only=True, request="once")
    assert again["status"] == 0 and again["transition"] == first["transition"]
    assert daemon.active() == EU
    daemon.restart()
    with daemon.control() as control:
        control.call("failover", region=US, switch_only=True, request="once")
    assert daemon.active() == EU


def test_an_unknown_request_id_is_said_to_have_changed_nothing(daemon):
    with daemon.control() as control, pytest.raises(Refused) as refused:
        control.call("request", request="never-seen")
    assert refused.value.code == 1001 and "nothing was changed" in refused.value.words
