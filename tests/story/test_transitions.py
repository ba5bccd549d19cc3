"""Transitions in steps, driven over the socket by a script that plays the sidecar."""
import json
import threading
import time

import pytest

from lib.ask import addresses, ask, question, rcode, reasons, udp
from lib.control import Refused
from lib.daemon import EU, US
from lib.machine import eventually
from lib.upstream import Later

DB = "db.shop.internal"


@pytest.fixture
def sidecar(house, daemon):
    control = house.keep(daemon.control())
    control.call("hello", role="sidecar")
    return control


def is_fenced(daemon):
    answer = ask(daemon, DB, edns=1232)
    return rcode(answer) == "SERVFAIL" and reasons(answer) == [14] and not answer.authority


def phase(daemon):
    transition = daemon.state()["transition"]
    return transition and transition["phase"]


def begin(sidecar, region=US, **params):
    return sidecar.call("begin", region=region, groups=["data"], reason="drill", **params)


def refused(call, *arguments, **params):
    with pytest.raises(Refused) as caught:
        call(*arguments, **params)
    return caught.value


def test_a_transition_runs_from_begin_to_end(daemon, sidecar):
    assert phase(daemon) is None
    outcome = begin(sidecar)
    assert outcome["running"] and phase(daemon) == "preparing"
    assert addresses(ask(daemon, DB)) == ["192.0.2.11"]

    sidecar.call("fence", groups=["data"])
    assert phase(daemon) == "fenced" and is_fenced(daemon)
    assert daemon.state()["groups"]["data"]["fenced"] is True

    sidecar.call("step", step="promote", status="running", promotes=True)
    sidecar.call("step", step="promote", status="done")
    sidecar.call("switch", groups=["data"])
    assert addresses(ask(daemon, DB)) == ["192.0.2.21"]
    assert daemon.state()["groups"]["data"]["fenced"] is False

    sidecar.call("end")
    assert phase(daemon) is None
    last = json.loads(daemon.cli("history", "--json", expect=0).out)["history"][-1]
    assert last["id"] == outcome["transition"] and last["to"] == US
    assert last["steps"]["promote"]["status"] == "done"


def test_a_driver_acts_on_the_transition_that_it_means_alone(daemon, sidecar):
    id = sidecar.call("begin", to=US, groups=["data"])["transition"]
    assert refused(sidecar.call, "fence", transition="another").code == 1003
    assert not is_fenced(daemon)
    for method in ("fence", "switch", "end"):
        sidecar.call(method, transition=id)
    assert phase(daemon) is None and daemon.active("data") == US


def test_the_fence_of_a_dns_only_database_stands_for_a_ttl_and_a_second(daemon, sidecar):
    begin(sidecar)
    fenced_at = time.monotonic()
    sidecar.call("fence")
    sidecar.call("switch")
    assert time.monotonic() - fenced_at >= 2
    assert addresses(ask(daemon, DB)) == ["192.0.2.21"]


def test_a_fence_holds_its_group_and_leaves_the_others_alone(daemon, sidecar):
    ask(daemon, "www.example.net")
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    assert is_fenced(daemon)
    for type_ in ("AAAA", "TXT", "CNAME"):
        assert rcode(ask(daemon, DB, type_)) == "SERVFAIL"
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
    assert addresses(ask(daemon, "search.shop.internal")) == ["192.0.2.12"]
    assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]


def test_plain_names_stay_on_the_old_region_until_the_switch(daemon, sidecar):
    sidecar.call("begin", region=US, reason="drill")
    sidecar.call("fence")
    assert is_fenced(daemon)
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
    sidecar.call("switch")
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.20"]
    assert addresses(ask(daemon, DB)) == ["192.0.2.21"]
    sidecar.call("end")


def test_a_question_pending_when_the_fence_comes_does_not_get_the_old_side(
        daemon, sidecar, upstream):
    upstream.script("orders-eu.example.net", lambda asked: Later(1, asked.answer()))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(ask(daemon, DB)))
    waiting.start()
    eventually(lambda: upstream.count("orders-eu.example.net"), "the question is upstream")
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    waiting.join()
    assert rcode(answers[0]) == "SERVFAIL" and not answers[0].answer


@pytest.mark.parametrize("how", ["restart", "kill"])
def test_a_host_that_restarts_in_mid_transition_is_fenced_before_its_first_answer(
        daemon, sidecar, how):
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    transition = daemon.state()["transition"]["id"]
    daemon.kill() if how == "kill" else daemon.terminate()
    daemon.launch()
    wire = question(DB, edns=1232).to_wire()
    first = eventually(lambda: udp((daemon.address, daemon.port), wire, 0.05), "a first answer")
    assert first[3] & 15 == 2
    eventually(daemon.is_ready, "ready")
    assert phase(daemon) == "fenced" and daemon.state()["transition"]["id"] == transition
    with daemon.control() as again:
        again.call("hello", role="sidecar")
        again.call("switch", groups=["data"])
        again.call("end")
    assert addresses(ask(daemon, DB)) == ["192.0.2.21"]


def test_abort_goes_back_to_where_it_started(daemon, sidecar):
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    daemon.cli("abort", expect=0)
    assert phase(daemon) is None and daemon.active("data") == EU
    assert daemon.state()["groups"]["data"]["fenced"] is False
    assert addresses(ask(daemon, DB)) == ["192.0.2.11"]
    last = json.loads(daemon.cli("history", "--json", expect=0).out)["history"][-1]
    assert last["result"] == "aborted"


def test_abort_without_a_transition_changes_nothing(daemon):
    revision = daemon.state()["revision"]
    assert daemon.cli("abort").status in (0, 3)
    assert daemon.state()["revision"] == revision


def test_abort_is_refused_once_something_irreversible_was_intended(daemon, sidecar):
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    sidecar.call("step", step="drop", status="running", irreversible=True)
    result = daemon.cli("abort", expect=3)
    assert "irreversible" in result.out + result.err
    assert phase(daemon) == "fenced" and is_fenced(daemon)


def test_a_forced_abort_after_a_promotion_leaves_the_database_fenced(daemon, sidecar):
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    sidecar.call("step", step="promote", status="running", promotes=True)
    daemon.cli("abort", expect=3)
    daemon.cli("abort", "--force=irreversible", expect=0)
    assert phase(daemon) is None and is_fenced(daemon)


def test_a_promotion_latches_the_old_region(daemon, sidecar):
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    sidecar.call("step", step="promote", status="running", promotes=True)
    assert daemon.state()["groups"]["data"]["latched"] == [EU]
    sidecar.call("step", step="promote", status="done")
    sidecar.call("switch", groups=["data"])
    sidecar.call("end")
    result = daemon.switch(EU, "--group", "data", expect=3)
    assert "latch" in result.out + result.err
    daemon.restart()
    daemon.switch(EU, "--group", "data", expect=3)
    assert daemon.active("data") == US
    daemon.switch(EU, "--group", "data", "--force=latch")
    assert addresses(ask(daemon, DB)) == ["192.0.2.11"]


def test_a_failed_step_stops_the_transition_and_wait_says_so(daemon, sidecar):
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    sidecar.call("step", step="promote", status="failed", detail="access denied")
    assert phase(daemon) == "stopped" and is_fenced(daemon)
    daemon.cli("wait", "--timeout", "5s", expect=1)
    shown = daemon.cli("status", expect=0).out
    assert "promote" in shown and "access denied" in shown


def test_a_failed_step_that_may_fail_does_not_stop(daemon, sidecar):
    begin(sidecar)
    sidecar.call("step", step="route53", status="failed", continue_on_failure=True)
    assert phase(daemon) == "preparing"


def test_a_step_that_waits_for_a_person_stops(daemon, sidecar):
    begin(sidecar)
    sidecar.call("step", step="ask", status="needs_approval")
    assert phase(daemon) == "stopped"


def test_a_stopped_transition_gives_way_to_a_forced_switch_only(daemon, sidecar):
    begin(sidecar)
    sidecar.call("fence", groups=["data"])
    sidecar.call("step", step="promote", status="failed")
    daemon.switch(US, "--group", "data", "--force")
    assert addresses(ask(daemon, DB)) == ["192.0.2.21"]


def test_while_a_transition_runs_others_are_refused_and_pointed_to_wait(daemon, sidecar):
    begin(sidecar)
    result = daemon.switch(US, expect=3)
    assert "wait" in result.out + result.err
    assert refused(begin, sidecar).status == 3
    assert daemon.cli("reload").status == 2


def test_wait_returns_when_the_transition_has_ended(daemon, sidecar):
    daemon.cli("wait", expect=0)
    begin(sidecar)
    daemon.cli("wait", "--timeout", "300ms", expect=5)
    waiting = daemon.start_cli("wait", "--timeout", "30s")
    time.sleep(0.3)
    assert waiting.poll() is None
    sidecar.call("fence", groups=["data"])
    sidecar.call("switch", groups=["data"])
    sidecar.call("end")
    waiting.communicate(timeout=20)
    assert waiting.returncode == 0


def test_wait_ends_at_once_when_a_transition_stops(daemon, sidecar):
    begin(sidecar)
    waiting = daemon.start_cli("wait", "--timeout", "30s")
    time.sleep(0.3)
    sidecar.call("step", step="promote", status="failed")
    started = time.monotonic()
    waiting.communicate(timeout=20)
    assert waiting.returncode == 1 and time.monotonic() - started < 5


@pytest.mark.parametrize("method, params", [
    ("fence", {}), ("switch", {}), ("step", {"step": "x", "status": "done"}), ("end", {})])
def test_the_sidecars_methods_need_a_running_transition(daemon, sidecar, method, params):
    revision = daemon.state()["revision"]
    assert refused(sidecar.call, method, **params).status in (2, 3)
    assert daemon.state()["revision"] == revision


def test_a_database_is_not_switched_without_its_fence(daemon, sidecar):
    begin(sidecar)
    try:
        sidecar.call("switch", groups=["data"])
    except Refused as refusal:
        assert refusal.status == 3 and daemon.active("data") == EU
    else:  # it fenced by itself
        assert addresses(ask(daemon, DB)) == ["192.0.2.21"]


def test_a_watcher_sees_the_whole_state_first_and_then_each_change(house, daemon, sidecar):
    watcher = house.keep(daemon.control())
    first = watcher.call("watch")
    assert first["state"]["transition"] is None
    begin(sidecar)
    message = watcher.notification()
    assert message["method"] == "state"
    assert message["params"]["state"]["transition"]["phase"] == "preparing"


def test_a_watcher_that_does_not_read_is_let_go_and_delays_nobody(house, daemon):
    lazy = house.keep(daemon.control())
    lazy.call("watch")
    with daemon.control() as control:
        for i in range(300):
            control.call("failover", region=(US, EU)[i % 2], groups=["default"], switch_only=True,
                         reason="x" * 1000)
    assert daemon.active("default") == EU


RUNBOOKS = {US: {"steps": [
    {"id": "fence", "step": "fence", "groups": ["data"]},
    {"id": "switch", "step": "switch", "needs": ["fence"], "groups": ["data"]}]}}


def test_a_region_with_a_runbook_and_no_sidecar_is_refused_with_what_to_do(house, upstream):
    daemon = house.daemon([upstream], runbooks=RUNBOOKS).start()
    for command in ("failover", "switchover"):
        result = daemon.cli(command, US, "--yes", expect=3)
        assert "sidecar" in result.out + result.err
        assert daemon.state()["epoch"] == 0
    daemon.switch(US)
    assert daemon.active("data") == US


def test_a_switchover_without_a_runbook_is_refused(daemon):
    daemon.cli("switchover", US, "--yes", expect=3)
    assert daemon.active() == EU


def test_a_failover_without_a_runbook_switches_at_once(daemon):
    daemon.cli("failover", US, "--yes", expect=0)
    assert daemon.active("data") == daemon.active("default") == US
