"""Runbooks, carried out by the real sidecar: order, kills, failures, people's words."""
import os
import signal
import time

import pytest

from lib.daemon import EU, US, is_sanitized, run_program
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


def test_steps_without_a_need_between_them_run_side_by_side(make, tmp_path):
    """Each waits for the other's file: one after the other neither would end."""
    def meet(mine, other):
        return (f"touch {tmp_path}/{mine}; i=0; while [ ! -e {tmp_path}/{other} ]; do "
                "i=$((i+1)); [ $i -lt 200 ] || exit 9; sleep 0.05; done")
    daemon, _ = make(whole(script("left", text=meet("l", "r"), groups=["data"]),
                           script("right", text=meet("r", "l"), groups=["data"])))
    failover(daemon)
    assert daemon.active("data") == US


def test_a_command_sees_who_it_runs_for(make, tmp_path):
    out = tmp_path / "out"
    text = (f'echo "$PILOTLIGHT_TRANSITION $PILOTLIGHT_STEP $PILOTLIGHT_ATTEMPT '
            f'$PILOTLIGHT_REGION $COLOUR $(ps -o pgid= -p $$) $$" > {out}; cat; echo said >&2')
    daemon, sidecar = make(whole(
        script("work", text=text, groups=["data"], env={"COLOUR": "green"})))
    failover(daemon)
    transition, step, attempt, region, colour, group, pid = words_of(out)
    assert transition == last(daemon)["id"]
    assert (step, attempt, region, colour) == ("work", "1", US, "green")
    assert group == pid
    assert last(daemon)["steps"]["work"]["detail"] == "said"
    assert "line=said" in sidecar.log()


def test_the_last_line_is_seen_while_a_command_runs(make, tmp_path):
    go = tmp_path / "go"
    text = f"echo half done; while [ ! -e {go} ]; do sleep 0.05; done"
    daemon, _ = make(whole(script("work", text=text, groups=["data"])))
    begin(daemon)
    eventually(lambda: running(daemon)["steps"].get("work", {}).get("detail") == "half done",
               "the line is the detail")
    assert status_of(daemon, "work") == "running"
    go.touch()
    daemon.cli("wait", expect=0)


def test_a_command_that_fails_stops_the_failover_where_it_is(make, tmp_path):
    go = tmp_path / "go"
    daemon, _ = make(whole(
        script("work", text=f"echo no such host; [ -e {go} ] || exit 3", groups=["data"])))
    result = failover(daemon, expect=1)
    assert "work" in result.err + result.out
    transition = running(daemon)
    assert transition["phase"] == "stopped" and "status 3: no such host" in transition["error"]
    assert transition["steps"]["work"]["status"] == "failed"
    assert daemon.state()["groups"]["data"]["fenced"] is True
    assert transition["steps"]["switch"]["status"] == "waiting"

    go.touch()
    with daemon.control() as control:  # what an operator's retry does
        control.call("step", step="work", status="waiting")
    daemon.cli("wait", expect=0)
    assert daemon.active("data") == US
    assert last(daemon)["steps"]["work"]["attempt"] == 2


def test_a_failure_that_may_be_is_passed_over(make, tmp_path):
    daemon, _ = make(whole(
        script("work", text="exit 1", groups=["data"], on_failure="continue")))
    failover(daemon)
    assert last(daemon)["steps"]["work"]["status"] == "failed"
    assert daemon.active("data") == US


def test_a_sibling_of_what_failed_may_finish_and_nothing_new_starts(make, tmp_path):
    go = tmp_path / "go"
    daemon, _ = make(whole(
        script("bad", text="exit 1", groups=["data"]),
        script("slow", text=f"while [ ! -e {go} ]; do echo $i; i=$((i+1)); sleep 0.3; done",
               groups=["data"]),
        script("after", "slow", text="exit 0", groups=["data"])))
    failover(daemon, expect=1)
    assert status_of(daemon, "slow") == "running"
    time.sleep(1.5)  # it goes on talking: that must not take the stop back
    assert running(daemon)["phase"] == "stopped"
    go.touch()
    eventually(lambda: status_of(daemon, "slow") == "done", "the sibling is done")
    time.sleep(0.5)
    assert status_of(daemon, "after") == "waiting" and running(daemon)["phase"] == "stopped"


def test_a_switchover_that_fails_goes_back_by_itself(make):
    daemon, _ = make(whole(script("work", text="exit 1", groups=["data"], reversible=True)))
    result = daemon.cli("switchover", US, "--yes", "--group", "data", "--force=dns-only")
    assert result.status == 1, result
    eventually(lambda: running(daemon) is None, "it has gone back")
    assert last(daemon)["result"] == "aborted"
    group = daemon.state()["groups"]["data"]
    assert group["active"] == EU and group["fenced"] is False


def test_a_step_that_takes_too_long_has_failed(make, tmp_path):
    pid = tmp_path / "pid"
    daemon, _ = make(whole(script(
        "work", text=f"echo $$ > {pid}; echo still at it; sleep 1000", groups=["data"],
        timeout="1s")))
    failover(daemon, expect=1)
    assert "timed out after 1s: still at it" in running(daemon)["error"]
    eventually(lambda: not alive(pid), "the command is gone")


def alive(pid_file):
    try:
        os.kill(int(pid_file.read_text()), 0)
    except (ProcessLookupError, FileNotFoundError):
        return False
    return True


def test_abort_ends_the_command_and_what_it_started(make, tmp_path):
    pid = tmp_path / "pid"
    text = f"sleep 1000 & echo $! > {pid}; wait"
    daemon, _ = make(whole(script("work", text=text, groups=["data"], reversible=True)))
    begin(daemon)
    eventually(lambda: words_of(pid) and alive(pid), "the command runs")
    daemon.cli("abort", expect=0)
    eventually(lambda: not alive(pid), "its child is gone")
    assert daemon.active("data") == EU


def test_a_command_that_does_not_listen_is_killed(make, tmp_path):
    pid = tmp_path / "pid"
    text = f"trap '' TERM; echo $$ > {pid}; while :; do sleep 0.1; done"
    daemon, _ = make(whole(script("work", text=text, groups=["data"], reversible=True)))
    begin(daemon)
    eventually(lambda: words_of(pid), "the command runs")
    daemon.cli("abort", expect=0)
    eventually(lambda: not alive(pid), "it is gone", 10)


def test_approve_waits_for_a_person(make):
    daemon, _ = make(whole(step("ask", "approve", message="is the old region off?",
                                groups=["data"])))
    begin(daemon)
    eventually(lambda: status_of(daemon, "ask") == "needs_approval", "somebody is asked")
    assert "is the old region off?" in running(daemon)["steps"]["ask"]["detail"]
    with daemon.control() as control:  # what an operator's approve does
        control.call("step", step="ask", status="done")
    daemon.cli("wait", expect=0)
    assert daemon.active("data") == US


def test_what_waits_for_a_person_does_so_after_a_kill_too(make):
    daemon, sidecar = make(whole(step("ask", "approve", groups=["data"])))
    begin(daemon)
    eventually(lambda: status_of(daemon, "ask") == "needs_approval", "somebody is asked")
    sidecar.kill()
    sidecar.start()
    with daemon.control() as control:
        control.call("step", step="ask", status="done")
    daemon.cli("wait", expect=0)


def test_a_command_runs_again_after_a_kill(make, tmp_path):
    out, go = tmp_path / "out", tmp_path / "go"
    text = f"echo $PILOTLIGHT_ATTEMPT >> {out}; while [ ! -e {go} ]; do sleep 0.05; done"
    daemon, sidecar = make(whole(script("work", text=text, groups=["data"])))
    begin(daemon)
    eventually(lambda: words_of(out), "the command runs")
    sidecar.kill()
    go.touch()
    sidecar.start()
    daemon.cli("wait", expect=0)
    assert words_of(out) == ["1", "1"]
    assert last(daemon)["steps"]["work"]["attempt"] == 1


def test_once_is_never_twice(make, tmp_path):
    out, go = tmp_path / "out", tmp_path / "go"
    text = f"echo $PILOTLIGHT_ATTEMPT >> {out}; while [ ! -e {go} ]; do sleep 0.05; done"
    daemon, sidecar = make(whole(script("work", text=text, groups=["data"], once=True)))
    begin(daemon)
    eventually(lambda: words_of(out), "the command runs")
    sidecar.kill()
    go.touch()
    sidecar.start()
    daemon.cli("wait", expect=1)
    assert status_of(daemon, "work") == "unknown"
    eventually(lambda: "pilotlight skip work" in (running(daemon)["error"] or ""), "it says why")
    assert words_of(out) == ["1"]
    with daemon.control() as control:
        control.call("step", step="work", status="waiting")
    daemon.cli("wait", expect=0)
    assert words_of(out) == ["1", "2"]


def test_a_sidecar_that_is_told_to_stop_ends_its_commands(make, tmp_path):
    pid = tmp_path / "pid"
    daemon, sidecar = make(whole(script(
        "work", text=f"echo $$ > {pid}; sleep 1000", groups=["data"])))
    begin(daemon)
    eventually(lambda: words_of(pid), "the command runs")
    sidecar.terminate()
    assert not alive(pid)
    assert status_of(daemon, "work") == "running"


def test_the_daemon_may_go_and_come_back(make, tmp_path):
    out, go = tmp_path / "out", tmp_path / "go"
    text = f"echo once >> {out}; while [ ! -e {go} ]; do sleep 0.05; done"
    daemon, sidecar = make(whole(script("work", text=text, groups=["data"])))
    begin(daemon)
    eventually(lambda: words_of(out), "the command runs")
    daemon.kill()
    go.touch()
    sidecar.wait_for_log("not_connected")
    daemon.start()
    daemon.cli("wait", expect=0)
    assert words_of(out) == ["once"] and daemon.active("data") == US


def test_a_second_sidecar_waits_and_takes_over(make, house, tmp_path):
    out, go = tmp_path / "out", tmp_path / "go"
    text = f"echo run >> {out}; while [ ! -e {go} ]; do sleep 0.05; done"
    daemon, first = make(whole(script("work", text=text, groups=["data"])))
    second = house.keep(Sidecar(daemon)).launch()
    second.wait_for_log("another sidecar is connected")
    begin(daemon)
    eventually(lambda: words_of(out), "the command runs")
    assert words_of(out) == ["run"]
    first.kill()
    go.touch()
    daemon.cli("wait", expect=0)
    assert words_of(out) == ["run", "run"]
    assert second.log().count("another sidecar is connected") == 1


def test_who_lost_its_place_does_not_go_on_beside_the_other(make, house, tmp_path):
    """It stood still while the daemon came back and another sidecar took over."""
    out = tmp_path / "out"
    daemon, first = make(whole(script(
        "work", text=f"echo $$ >> {out}; while :; do sleep 0.05; done", groups=["data"])))
    begin(daemon)
    eventually(lambda: words_of(out), "the command runs")
    first.process.send_signal(signal.SIGSTOP)
    daemon.kill()
    daemon.start()
    house.keep(Sidecar(daemon)).start()
    eventually(lambda: len(words_of(out)) == 2, "the other one runs it")
    first.process.send_signal(signal.SIGCONT)
    ours, theirs = tmp_path / "ours", tmp_path / "theirs"
    ours.write_text(words_of(out)[0])
    theirs.write_text(words_of(out)[1])
    eventually(lambda: not alive(ours), "what the first began is ended")
    assert alive(theirs)


def test_only_steps_of_the_selected_groups_run(make, tmp_path):
    out = tmp_path / "out"
    daemon, _ = make(runbook(
        step("fence", "fence", groups=["data"]),
        script("data", "fence", text=f"echo data >> {out}", groups=["data"]),
        script("web", text=f"echo web >> {out}", groups=["default"]),
        step("switch", "switch", "data", groups=["data"]),
        step("switch-web", "switch", "web", groups=["default"])))
    failover(daemon)
    assert words_of(out) == ["data"]
    assert daemon.active("data") == US and daemon.active("default") == EU


def test_what_is_not_for_the_occasion_is_left_out(make, tmp_path):
    out = tmp_path / "out"
    daemon, _ = make(whole(
        script("planned", text=f"echo planned >> {out}", groups=["data"], when="switchover"),
        script("lost", text=f"echo lost >> {out}", groups=["data"], when="failover")))
    failover(daemon)
    assert words_of(out) == ["lost"]


def test_a_configuration_that_others_may_write_is_refused(make, house, upstream):
    daemon = house.daemon([upstream], **whole(script("work", text="true", groups=["data"]))).start()
    sidecar = house.keep(Sidecar(daemon))
    daemon.config_file.chmod(0o664)
    sidecar.launch()
    assert sidecar.process.wait(20) == 2
    assert "may be written by others" in sidecar.log() and "chmod go-w" in sidecar.log()
    daemon.config_file.chmod(0o644)
    os.chown(daemon.config_file, 1234, -1)
    sidecar.launch()
    assert sidecar.process.wait(20) == 2
    assert "belongs to uid 1234" in sidecar.log()


def test_a_link_that_others_may_lead_elsewhere_is_refused(house, upstream, tmp_path):
    daemon = house.daemon([upstream], **whole())
    daemon.write_config(**whole())
    (tmp_path / "open").mkdir()
    link = tmp_path / "open" / "pilotlight.json"
    link.symlink_to(daemon.config_file)
    (tmp_path / "open").chmod(0o777)
    refused = run_program("pilotlight-sidecar", "-c", link)
    assert refused.status == 2 and f"{tmp_path}/open may be written by others" in refused.err


def test_a_changed_configuration_is_taken_between_transitions(make, tmp_path):
    out = tmp_path / "out"
    daemon, sidecar = make(whole(script("work", text=f"echo old >> {out}", groups=["data"])))
    daemon.write_config(**whole(script("work", text=f"echo new >> {out}", groups=["data"])))
    daemon.cli("reload", expect=0)
    sidecar.wait_for_log("reloaded")
    failover(daemon)
    assert words_of(out) == ["new"]


def test_a_failover_begins_to_act_within_a_tenth_of_a_second(make, tmp_path):
    out = tmp_path / "out"
    daemon, _ = make(whole(script("work", text=f"date +%s.%N > {out}", groups=["data"])))
    began = time.time()
    failover(daemon)
    assert float(words_of(out)[0]) - began < (2 if is_sanitized() else 0.2)  # a shell among it


def test_a_kill_after_every_change_of_the_record_loses_nothing(make, tmp_path):
    out = tmp_path / "out"
    daemon, sidecar = make(whole(
        script("first", text=f"echo first >> {out}", groups=["data"]),
        script("second", "first", text=f"sleep 0.3; echo second >> {out}", groups=["data"]),
        step("third", "approve", "second", groups=["data"])))
    revisions = set()
    with daemon.control() as watcher:
        watcher.call("watch")
        begin(daemon)
        while True:
            state = watcher.notification()["params"]["state"]
            transition = state["transition"]
            if not transition:
                break
            if transition["steps"].get("third", {}).get("status") == "needs_approval":
                with daemon.control() as control:
                    control.call("step", step="third", status="done")
            if state["revision"] not in revisions:
                revisions.add(state["revision"])
                sidecar.kill()
                sidecar.launch()
    assert len(revisions) > 8
    assert last(daemon)["result"] == "done" and daemon.active("data") == US
    assert set(words_of(out)) == {"first", "second"}


def test_check_says_what_is_wrong_and_needs_no_daemon(house, upstream):
    daemon = house.daemon([upstream], **whole(script("work", text="true", groups=["data"])))
    good = run_program("pilotlight-sidecar", "-c", daemon.config_file, "--check")
    assert good.status == 0 and "good" in good.out
    daemon.write_config(**runbook(step("work", "exech")))
    bad = run_program("pilotlight-sidecar", "-c", daemon.config_file, "--check")
    assert bad.status == 2 and 'unknown step "exech", did you mean "exec"?' in bad.err
    assert run_program("pilotlight-sidecar", "--version").out.startswith("pilotlight-sidecar ")
    assert "usage:" in run_program("pilotlight-sidecar", "--help").out
    assert run_program("pilotlight-sidecar", "--nonsense").status == 2
