"""What an operator does with a sidecar that a script plays: retry, skip, approve, plan, ready, readopt.

The real one, with AWS behind it, has stories of its own."""
import json
import os
import pty
import select
import urllib.request

import pytest

from lib.daemon import EU, US
from lib.machine import eventually
from lib.played_sidecar import PlayedSidecar, error, result

RUNBOOKS = {US: {"target_rto": "15m", "min_interval": "0s", "steps": [
    {"id": "fence", "step": "fence", "groups": ["data"]},
    {"id": "promote", "step": "rds.promote_read_replica", "instance": "orders-standby",
     "groups": ["data"], "needs": ["fence"]},
    {"id": "switch", "step": "switch", "needs": ["promote"], "groups": ["data"]},
    {"id": "deploy", "step": "exec", "command": ["true"], "groups": ["data"]},
    {"id": "ask", "step": "approve", "message": "go?", "groups": ["data"]}]}}


@pytest.fixture
def daemon(house, upstream):
    return house.daemon([upstream], runbooks=RUNBOOKS).start()


@pytest.fixture
def driver(house, daemon):
    control = house.keep(daemon.control())
    control.call("hello")
    return control


def stopped_at(driver, step, **report):
    driver.call("begin", region=US, groups=["data"], reason="drill", force=["lag"])
    driver.call("fence", groups=["data"])
    driver.call("step", step=step, status="running")
    driver.call("step", step=step, **report)


def step(daemon, name):
    return daemon.state()["transition"]["steps"][name]


def finish(driver):
    driver.call("step", step="promote", status="done", lag_ms=1200)
    driver.call("switch", groups=["data"])
    driver.call("end")


# -- a person's word about a step ----------------------------------------------------------------

def test_retry_goes_on_and_follows_the_transition_to_its_end(daemon, driver):
    stopped_at(driver, "promote", status="failed", detail="no capacity")
    retrying = daemon.start_cli("retry", "promote", "--reason", "quota raised")
    eventually(lambda: step(daemon, "promote")["status"] == "waiting", "the step waits again")
    assert daemon.state()["transition"]["phase"] == "fenced"
    driver.call("step", step="promote", status="running")
    assert step(daemon, "promote")["attempt"] == 2
    finish(driver)
    out, err = retrying.communicate(timeout=20)
    assert retrying.returncode == 0, out + err
    assert "quota raised" in daemon.log()


def test_a_transition_that_stops_again_is_1_at_once(daemon, driver):
    stopped_at(driver, "promote", status="failed")
    retrying = daemon.start_cli("retry")
    eventually(lambda: step(daemon, "promote")["status"] == "waiting", "the step waits again")
    driver.call("step", step="promote", status="running")
    driver.call("step", step="promote", status="failed", detail="again")
    out, err = retrying.communicate(timeout=20)
    assert retrying.returncode == 1 and "again" in out + err and "retry" in err


def test_skip_and_approve_go_on(daemon, driver):
    stopped_at(driver, "deploy", status="failed")
    driver.call("step", step="ask", status="needs_approval")
    assert daemon.cli("skip", "deploy", "--no-wait", expect=0)
    assert daemon.state()["transition"]["phase"] == "stopped"
    result = daemon.cli("retry", expect=3)
    assert "approve" in result.err
    daemon.cli("approve", "ask", "--no-wait", expect=0)
    assert daemon.state()["transition"]["phase"] == "fenced"
    assert step(daemon, "ask")["status"] == "done" and step(daemon, "deploy")["status"] == "skipped"
    daemon.restart()
    assert step(daemon, "ask")["status"] == "done"


@pytest.mark.parametrize("arguments, status", [
    (["retry", "nobody"], 2), (["skip", "nobody"], 2), (["approve", "nobody"], 2), (["skip"], 2),
    (["approve"], 2), (["approve", "promote"], 3), (["approve", "deploy"], 3), (["skip", "switch"], 3),
    (["retry", "fence", "deploy"], 2)], ids=lambda value: str(value))
def test_a_word_about_the_wrong_step_changes_nothing(daemon, driver, arguments, status):
    stopped_at(driver, "promote", status="failed")
    before = daemon.state()
    daemon.cli(*arguments, "--no-wait", expect=status)
    assert daemon.state() == before


@pytest.mark.parametrize("arguments", [["retry"], ["skip", "deploy"], ["approve", "ask"]])
def test_without_a_transition_there_is_nothing_to_say(daemon, arguments):
    daemon.cli(*arguments, expect=3)


def test_a_word_is_said_once_under_its_request_id(daemon, driver):
    stopped_at(driver, "promote", status="failed")
    driver.call("retry", step="promote", request="r-7")
    driver.call("step", step="promote", status="running")
    driver.call("step", step="promote", status="failed")
    driver.call("retry", step="promote", request="r-7")
    assert step(daemon, "promote")["status"] == "failed"
    daemon.restart()
    daemon.cli("wait", "--request", "r-7", "--timeout", "1s", expect=1)  # it was taken; it stopped
    assert step(daemon, "promote")["status"] == "failed"


def test_the_record_keeps_force_lag_and_target(daemon, driver):
    stopped_at(driver, "promote", status="failed")
    running = daemon.state()["transition"]
    assert running["force"] == ["lag"] and running["target_rto_ms"] == 15 * 60 * 1000
    finish(driver)
    past = daemon.state()["history"][-1]
    assert past["lag_ms"] == 1200 and past["steps"]["promote"]["lag_ms"] == 1200
    shown = daemon.cli("history", expect=0).out
    assert "1200ms" in shown or "1.2s" in shown or "1s" in shown
    assert "15m" in shown


# -- plan ----------------------------------------------------------------------------------------

def plan_of(*statuses):
    return result(region=US, steps=[
        {"step": f"step-{i}", "type": "rds.modify", "needs": [f"step-{i - 1}"] if i else [],
         "status": status, "words": f"makes {i} larger"} for i, status in enumerate(statuses)])


def test_a_plan_is_a_table_and_fails_with_a_step(house, daemon):
    sidecar = house.keep(PlayedSidecar(daemon, plan=lambda _: plan_of("done", "act", "wait")))
    shown = daemon.cli("plan", US, expect=0).out
    assert "step-1" in shown and "makes 1 larger" in shown and "1 to do" in shown
    assert sidecar.asked == [("plan", {"region": US, "kind": "failover"})]
    sidecar.answers["plan"] = lambda _: plan_of("act", "fail")
    document = json.loads(daemon.cli("plan", US, "--json", expect=1).out)
    assert document["steps"][1]["status"] == "fail"


def test_a_policy_is_printed_as_it_is(house, daemon):
    policy = {"Version": "2012-10-17", "Statement": [{"Effect": "Allow", "Action": "rds:*"}]}
    house.keep(PlayedSidecar(daemon, policy=lambda _: {"result": policy}))
    assert json.loads(daemon.cli("plan", US, "--iam", expect=0).out) == policy


def test_without_a_sidecar_a_plan_is_refused_with_what_to_do(daemon):
    assert "pilotlight-sidecar" in daemon.cli("plan", US, expect=3).err
    assert "no runbook" in daemon.cli("plan", EU, expect=3).err
    daemon.cli("plan", "mars-north-1", expect=2)
    daemon.cli("plan", expect=2)


def test_what_the_sidecar_refuses_or_garbles_is_said(house, daemon):
    sidecar = house.keep(PlayedSidecar(daemon, plan=lambda _: error(1003, "no credentials")))
    assert "no credentials" in daemon.cli("plan", US, expect=3).err
    sidecar.answers["plan"] = lambda _: result(steps="many")
    assert "makes no sense" in daemon.cli("plan", US, expect=1).err


def test_a_sidecar_that_goes_in_the_middle_is_1(house, daemon):
    sidecar = house.keep(PlayedSidecar(daemon, plan=lambda _: None))
    planning = daemon.start_cli("plan", US)
    eventually(lambda: sidecar.asked, "the sidecar is asked")
    sidecar.close()
    _, err = planning.communicate(timeout=20)
    assert planning.returncode == 1 and "lost" in err


# -- ready ---------------------------------------------------------------------------------------

def rows(document, check):
    return [row for row in document["rows"] if row["check"] == check]


def ready(daemon, expect=None):
    return json.loads(daemon.cli("ready", US, "--json", expect=expect).out)


def test_a_runbook_without_a_sidecar_is_not_ready(daemon):
    row, = rows(ready(daemon, expect=1), "sidecar")
    assert row["status"] == "fail" and "no sidecar" in row["words"] and row["advice"]


def test_ready_has_the_sidecars_rows(house, daemon):
    def answer(params):
        assert params == {"region": US}
        return result(rows=[{"check": "replica", "endpoint": None, "region": "elsewhere",
                             "status": "warn", "words": "is 40 s behind", "advice": None}])
    house.keep(PlayedSidecar(daemon, ready=answer))
    document = ready(daemon)
    assert rows(document, "sidecar")[0]["status"] == "pass"
    row, = rows(document, "replica")
    assert row == {"check": "replica", "endpoint": None, "region": US, "status": "warn",
                   "words": "is 40 s behind", "advice": None}


@pytest.mark.parametrize("answer", [
    result(), result(rows={}), result(rows=[1]), error(1001, "no credentials"),
    result(rows=[{"check": "x", "status": "fine", "words": "y"}]),
    result(rows=[{"check": "x", "status": "pass"}])], ids=str)
def test_a_sidecar_that_cannot_tell_is_not_ready(house, daemon, answer):
    house.keep(PlayedSidecar(daemon, ready=lambda _: answer))
    row, = rows(ready(daemon, expect=1), "sidecar")
    assert row["status"] == "fail"


def test_a_drill_is_remembered(house, daemon, driver):
    assert rows(ready(daemon), "drill")[0]["status"] == "warn"
    driver.call("begin", region=US)
    driver.call("switch")
    driver.call("end")
    assert rows(ready(daemon), "drill")[0]["status"] == "pass"


def test_ready_is_looked_at_on_schedule_and_shown_in_metrics(house, upstream):
    runbooks = {US: {**RUNBOOKS[US], "ready_every": "1s"}}
    daemon = house.daemon([upstream], runbooks=runbooks).start()

    def metrics():
        with urllib.request.urlopen(f"http://{daemon.address}:9353/metrics", timeout=10) as page:
            return page.read().decode()

    eventually(lambda: f'pilotlight_ready{{region="{US}"}} 0' in metrics(), "it was looked at")
    assert f'pilotlight_ready_rows{{region="{US}",status="fail"}}' in metrics()
    assert "event=not_ready" in daemon.log()
    said = daemon.log().count("event=not_ready")
    house.keep(PlayedSidecar(daemon, ready=lambda _: result(rows=[])))
    eventually(lambda: daemon.log().count("event=not_ready") + daemon.log().count("event=ready ")
               > said, "a line says that it changed")


def test_a_daemon_that_stops_in_the_middle_of_a_question_ends_cleanly(house, latched):
    sidecar = house.keep(PlayedSidecar(latched, ready=lambda _: None, readopt=lambda _: None,
                                       plan=lambda _: None))
    asking = [latched.start_cli(*words) for words in (
        ["plan", US], ["readopt", EU], ["ready", EU, "--json"])]
    eventually(lambda: len(sidecar.asked) >= 2, "the sidecar is asked")
    latched.terminate()
    for process in asking:
        process.communicate(timeout=60)
        assert process.returncode != 0


def test_who_asked_and_left_is_not_missed(house, daemon):
    sidecar = house.keep(PlayedSidecar(daemon, plan=lambda _: None))
    planning = daemon.start_cli("plan", US)
    eventually(lambda: sidecar.asked, "the sidecar is asked")
    planning.kill()
    planning.communicate()
    sidecar.answers["plan"] = lambda _: plan_of("done")
    daemon.cli("plan", US, expect=0)


# -- readopt -------------------------------------------------------------------------------------

@pytest.fixture
def latched(daemon, driver):
    driver.call("begin", region=US, groups=["data"])
    driver.call("fence")
    finish(driver)
    assert daemon.state()["groups"]["data"]["latched"] == [EU]
    return daemon


def row_of(status, words):
    return {"group": "data", "instance": "orders", "status": status, "words": words}


def test_readopt_asks_again_until_done_and_lifts_the_latch(house, latched):
    answers = [result(done=False, rows=[row_of("act", "creates the replica")]),
               result(done=False, rows=[row_of("wait", "is being created")]),
               result(done=True, rows=[row_of("done", "replicates")])]
    sidecar = house.keep(PlayedSidecar(latched, readopt=lambda _: answers.pop(0)))
    out = latched.cli("readopt", EU, expect=0).out
    for words in ("creates the replica", "is being created", "replicates", "lifted the latch"):
        assert words in out
    assert [params["dry_run"] for _, params in sidecar.asked] == [False] * 3
    assert latched.state()["groups"]["data"]["latched"] == []
    assert "command=readopt" in latched.log() and "by=root" in latched.log()
    assert "nothing is latched" in latched.cli("readopt", EU, expect=0).out
    latched.restart()
    latched.switch(EU, "--group", "data")


def test_readopt_that_fails_keeps_the_latch(house, latched):
    house.keep(PlayedSidecar(latched, readopt=lambda _: result(
        done=False, rows=[row_of("fail", "AccessDenied")])))
    assert "AccessDenied" in latched.cli("readopt", EU, expect=1).err
    assert latched.state()["groups"]["data"]["latched"] == [EU]


def test_readopt_in_parts(house, latched):
    sidecar = house.keep(PlayedSidecar(latched, readopt=lambda params: result(
        done=False, rows=[row_of("wait", "is being created")])))
    assert "is being created" in latched.cli("readopt", EU, "--dry-run", expect=0).out
    latched.cli("readopt", EU, "--no-wait", expect=0)
    latched.cli("readopt", EU, "--timeout", "500ms", expect=5)
    assert [params["dry_run"] for _, params in sidecar.asked] == [True, False, False]
    sidecar.close()
    latched.cli("readopt", EU, expect=3)
    assert latched.state()["groups"]["data"]["latched"] == [EU]


def test_readopt_while_a_transition_runs_is_refused(latched, driver):
    driver.call("begin", region=US, groups=["default"])
    latched.cli("readopt", EU, expect=3)
    driver.call("abort")


def answer_prompt(daemon, arguments, line):
    """Runs it on a terminal, answers its question, and returns the exit status."""
    main, other = pty.openpty()
    process = daemon.start_cli(*arguments, stdin=other)
    os.close(other)
    said = b""
    while b"[y/N]" not in said:
        assert select.select([process.stderr], [], [], 20)[0]
        said += os.read(process.stderr.fileno(), 1000)
    os.write(main, line)
    process.communicate(timeout=20)
    os.close(main)
    return process.returncode


def test_readopt_asks_on_a_terminal(house, latched):
    sidecar = house.keep(PlayedSidecar(latched, readopt=lambda _: result(done=True, rows=[])))
    assert answer_prompt(latched, ["readopt", EU], b"n\n") == 3
    assert [params["dry_run"] for _, params in sidecar.asked] == [True]
    assert answer_prompt(latched, ["readopt", EU], b"y\n") == 0
    assert latched.state()["groups"]["data"]["latched"] == []
