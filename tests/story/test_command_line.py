"""`pilotlight`: what it prints and how it exits (pilotlight(1))."""
import json
import os
import pty
import select
import socket
import threading
import time

import pytest

from lib.ask import ask
from lib.daemon import EU, US, program, run_program
from lib.machine import eventually


def changes_nothing(daemon, *arguments, status):
    before = daemon.state()
    result = daemon.cli(*arguments, expect=status)
    assert daemon.state() == before
    return result


# -- exit 0 --------------------------------------------------------------------------------------

def test_done_is_0(daemon):
    daemon.cli("failover", US, "--switch-only", expect=0)
    assert daemon.active() == US


def test_already_there_is_0_and_changes_nothing(daemon):
    changes_nothing(daemon, "failover", EU, "--switch-only", "--yes", status=0)
    daemon.switch(US)
    changes_nothing(daemon, "failover", US, "--switch-only", "--yes", status=0)


def test_a_dry_run_says_what_it_would_do_and_changes_nothing(daemon):
    result = changes_nothing(daemon, "failover", US, "--switch-only", "--dry-run", status=0)
    assert US in result.out


@pytest.mark.parametrize("arguments", [
    ["failover", US, "--switch-only", "--yes"], ["--yes", "failover", "--switch-only", US],
    ["--switch-only", "--yes", "failover", US], ["failover", "--yes", US, "--switch-only"]],
    ids=" ".join)
def test_options_stand_before_or_after_the_command(daemon, arguments):
    daemon.cli(*arguments, expect=0)
    assert daemon.active() == US


def test_the_socket_comes_from_option_environment_or_configuration(daemon):
    assert run_program("pilotlight", "status", f"--socket={daemon.socket}").status == 0
    assert run_program("pilotlight", "-c", daemon.config_file, "status").status == 0
    os.environ["PILOTLIGHT_SOCKET"] = str(daemon.socket)
    try:
        assert run_program("pilotlight", "status").status == 0
    finally:
        del os.environ["PILOTLIGHT_SOCKET"]


@pytest.mark.parametrize("name", ["pilotlight", "pilotlightd"])
def test_help_and_version_go_to_standard_output(name):
    assert run_program(name, "--version").status == 0
    assert "0." in run_program(name, "--version").out
    result = run_program(name, "--help")
    assert result.status == 0 and "--config" in result.out and not result.err


# -- exit 2 --------------------------------------------------------------------------------------

@pytest.mark.parametrize("arguments", [
    [], ["nonsense"], ["failover"], ["failover", "mars-north-1", "--switch-only", "--yes"],
    ["failover", US, "--group", "nobody", "--switch-only", "--yes"],
    ["failover", US, "--force=everything", "--switch-only", "--yes"],
    ["failover", US, "--nonsense"], ["failover", US, EU, "--switch-only", "--yes"],
    ["wait", "--timeout", "soon"], ["switchover", US, "--switch-only", "--yes"],
    ["connections", "nobody"], ["connections", "orders-db", "search"],
    ["explain"], ["explain", "www.example.net", "NOTYPE"], ["explain", "..", "A"]],
    ids=lambda arguments: "_".join(arguments) or "none")
def test_bad_usage_is_2_and_changes_nothing(daemon, arguments):
    result = changes_nothing(daemon, *arguments, status=2)
    assert result.err


# -- exit 3, 4, 5 --------------------------------------------------------------------------------

def test_no_daemon_is_4(house):
    daemon = house.daemon()
    for arguments in (["status"], ["failover", US, "--switch-only", "--yes"], ["wait"]):
        result = daemon.cli(*arguments, expect=4)
        assert str(daemon.socket) in result.err


def test_a_dead_daemons_socket_is_4_too(daemon):
    daemon.kill()
    daemon.cli("status", expect=4)


def at_a_terminal(daemon, answer, *arguments):
    """Runs the command with a terminal on all three; types `answer` once it asks."""
    pid, terminal = pty.fork()
    if pid == 0:
        os.execv(program("pilotlight"), ["pilotlight", "--socket", str(daemon.socket), *arguments])
    seen, typed, deadline = b"", False, time.monotonic() + 20
    while time.monotonic() < deadline:
        if select.select([terminal], [], [], 0.1)[0]:
            try:
                seen += os.read(terminal, 4096)
            except OSError:  # the other side closed
                break
        if not typed and b"?" in seen:
            os.write(terminal, answer)
            typed = True
    os.close(terminal)
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), seen.decode(errors="replace")


@pytest.mark.parametrize("answer, status, region", [(b"n\n", 3, EU), (b"\n", 3, EU),
                                                    (b"yes\n", 0, US), (b"\x04", 3, EU)],
                         ids=["no", "enter", "yes", "end_of_file"])
def test_at_a_terminal_it_asks_before_it_acts(daemon, answer, status, region):
    got, seen = at_a_terminal(daemon, answer, "failover", US, "--switch-only")
    assert got == status, seen
    assert "this host only" in seen.lower()
    assert daemon.active() == region


def test_where_nothing_would_change_nobody_is_asked(daemon):
    got, seen = at_a_terminal(daemon, b"n\n", "failover", EU, "--switch-only")
    assert got == 0 and "?" not in seen and "already" in seen


def test_yes_skips_the_question(daemon):
    got, seen = at_a_terminal(daemon, b"n\n", "failover", US, "--switch-only", "--yes")
    assert got == 0 and daemon.active() == US


# -- what it prints ------------------------------------------------------------------------------

def test_status_shows_groups_regions_and_endpoints(daemon):
    daemon.switch(US, "--group", "data", "--reason", "drill")
    out = daemon.cli("status", expect=0).out
    for word in ("data", "default", EU, US, "orders-db", "search"):
        assert word in out


def test_status_as_json_has_the_record_verbatim(daemon):
    daemon.switch(US)
    status = daemon.status()
    assert set(status) >= {"state", "sidecar", "endpoints", "hosts"}
    assert status["sidecar"]["connected"] is False
    record = daemon.record()
    record.pop("checksum")
    shown = status["state"]
    assert {key: shown[key] for key in record if key != "history"} == \
        {key: record[key] for key in record if key != "history"}


def test_status_watch_prints_each_change(daemon):
    shown = daemon.folder / "shown"
    with shown.open("wb") as out:
        watching = daemon.start_cli("status", "--watch", stdout=out)
    eventually(lambda: EU in shown.read_text(), "the first status")
    before = len(shown.read_text())
    daemon.switch(US)
    eventually(lambda: US in shown.read_text()[before:], "the change")
    watching.terminate()
    watching.communicate(timeout=20)


@pytest.mark.parametrize("command", ["status", "history", "connections", "explain www.example.net",
                                     "wait", "flush", f"failover {US} --switch-only --yes", "reload"])
def test_json_is_one_document(daemon, command):
    json.loads(daemon.cli(*command.split(), "--json", expect=0).out)


def test_connections_are_none_where_nothing_is_relayed(daemon):
    assert daemon.cli("connections", expect=0).out == "no relayed connections\n"
    out = daemon.cli("connections", "orders-db", "--json", expect=0).out
    assert json.loads(out) == {"connections": [], "omitted": 0}


def test_an_unknown_endpoint_is_answered_with_those_that_have_relays(house, upstream):
    daemon = house.daemon([upstream], endpoints={"orders-db": {
        "relay": {"listen": ["127.0.0.54:15433"]}}}).start()
    assert "orders-db" in daemon.cli("connections", "order-db", expect=2).err


@pytest.mark.parametrize("letters", [63, 79])
def test_an_unknown_name_is_exit_2_wherever_it_is_cut(daemon, letters):
    name = "r" * letters + "ééé"
    assert "unknown region" in daemon.cli("failover", name, "--yes", expect=2).err
    assert "unknown group" in daemon.cli("failover", US, "--group", name, "--yes", expect=2).err
    daemon.cli("failover", US, f"--force={name}", "--yes", expect=2)
    daemon.cli("ready", name, expect=2)


def test_history_tells_each_move(daemon):
    daemon.switch(US, "--reason", "first drill")
    daemon.switch(EU, "--reason", "and back")
    out = daemon.cli("history", expect=0).out
    assert "first drill" in out and "and back" in out


@pytest.mark.parametrize("name, words", [
    ("db.shop.internal", ["orders-db", "orders-eu.example.net"]),
    ("deep.search.shop.internal", ["search", "search-eu.example.net"]),
    ("api.shop.internal", ["api", "192.0.2.10"])])
def test_explain_names_the_endpoint_behind_a_managed_name(daemon, name, words):
    out = daemon.cli("explain", name, expect=0).out
    for word in words:
        assert word in out


def test_explain_tells_forwarded_from_cached(daemon, upstream):
    out = daemon.cli("explain", "www.example.net", expect=0).out
    assert str(upstream) in out and upstream.count() == 0
    ask(daemon, "www.example.net")
    assert "cache" in daemon.cli("explain", "www.example.net", expect=0).out


# -- the gateway's CA ------------------------------------------------------------------------------

def test_without_a_gateway_there_is_no_ca(daemon):
    result = changes_nothing(daemon, "ca", status=1)
    assert "no gateway" in result.err and result.out == ""
    assert json.loads(daemon.cli("ca", "--json", expect=1).out)["status"] == 1


def test_the_ca_is_printed_as_it_is(tmp_path):
    """By a daemon that the test plays: as PEM for a file, as a member for a program."""
    pem = "-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n"
    path = str(tmp_path / "control.sock")
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(path)
        listener.listen()
        listener.settimeout(10)

        def answer():
            connection = listener.accept()[0]
            with connection, connection.makefile("rw") as lines:
                for line in lines:
                    reply = {"jsonrpc": "2.0", "id": json.loads(line)["id"], "result": {"ca": pem}}
                    lines.write(json.dumps(reply) + "\n")
                    lines.flush()

        def ask_for_it(*options):
            server = threading.Thread(target=answer)
            server.start()
            result = run_program("pilotlight", "ca", f"--socket={path}", *options)
            server.join(10)
            assert result.status == 0
            return result.out

        assert ask_for_it() == pem
        assert json.loads(ask_for_it("--json")) == {"ca": pem}
