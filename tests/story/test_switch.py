"""When the command returns, nothing answers the old region any more."""
import os
import signal
import socket
import subprocess
import threading
import time

import pytest

from lib.ask import Stream, addresses, ask, question
from lib.daemon import BUILD, EU, US
from lib.freeze import Frozen
from lib.machine import eventually, threads
from lib.upstream import Later

SIDES = {"api.shop.internal": {EU: "192.0.2.10", US: "192.0.2.20"},
         "search.shop.internal": {EU: "192.0.2.12", US: "192.0.2.22"},
         "db.shop.internal": {EU: "192.0.2.11", US: "192.0.2.21"}}


class Hammer:
    """tests/story/hammer.c"""

    def __init__(self, daemon, name, sockets=16):
        program = BUILD / "tests" / "story" / "hammer"
        self.process = subprocess.Popen([program, daemon.address, str(daemon.port), name,
                                         str(sockets)], text=True, bufsize=1,
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE)

    def say(self, line):
        self.process.stdin.write(line + "\n")
        return self.process.stdout.readline().strip()

    def expect(self, address):
        assert self.say(f"expect {address}") == "ok"

    def moving(self):
        assert self.say("moving") == "ok"

    def end(self):
        return {key: int(value) for key, value in
                (pair.split("=") for pair in self.say("end").split())}

    def close(self):
        self.process.kill()
        self.process.communicate()


@pytest.mark.slow
@pytest.mark.parametrize("name", ["api.shop.internal", "search.shop.internal"])
def test_after_each_return_of_200_not_one_old_answer(house, upstream, name):
    daemon = house.daemon([upstream], resolver={"threads": 2}).start()
    hammer = house.keep(Hammer(daemon, name))
    hammer.expect(SIDES[name][EU])
    for i in range(200):
        to = (US, EU)[i % 2]
        hammer.moving()
        daemon.switch(to)
        hammer.expect(SIDES[name][to])
    result = hammer.end()
    assert result["old"] == 0 and result["answers"] > 200 * 16
    assert result["lost"] == 0


def test_a_database_group_switches_as_cleanly(house, upstream):
    daemon = house.daemon([upstream], resolver={"threads": 2}).start()
    hammer = house.keep(Hammer(daemon, "db.shop.internal"))
    hammer.expect(SIDES["db.shop.internal"][EU])
    for to in (US, EU, US):
        hammer.moving()
        daemon.switch(to)
        hammer.expect(SIDES["db.shop.internal"][to])
    assert hammer.end()["old"] == 0


def test_over_one_kept_tcp_connection_too(daemon):
    with Stream((daemon.address, daemon.port)) as stream:
        for i in range(20):
            to = (US, EU)[i % 2]
            daemon.switch(to)
            stream.send_message(question("api.shop.internal").to_wire())
            assert stream.receive()[-4:] == socket.inet_aton(SIDES["api.shop.internal"][to])


def test_questions_that_were_pending_follow_the_switch(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: Later(1, asked.answer()))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(ask(daemon, "search.shop.internal")))
    waiting.start()
    eventually(lambda: upstream.count("search-eu.example.net"), "the question is upstream")
    daemon.switch(US)
    waiting.join()
    assert addresses(answers[0]) == ["192.0.2.22"]


def test_questions_pending_in_mid_chain_follow_the_switch_too(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: Later(1, asked.answer()))
    answers = []
    waiting = threading.Thread(target=lambda: answers.append(ask(daemon, "into.example.net")))
    waiting.start()
    eventually(lambda: upstream.count("search-eu.example.net"), "the question is upstream")
    daemon.switch(US)
    waiting.join()
    assert addresses(answers[0]) == ["192.0.2.22"]


def test_groups_switch_together_and_only_those_that_were_named(daemon):
    daemon.switch(US, "--group", "default")
    assert daemon.active("default") == US and daemon.active("data") == EU
    for name in ("api.shop.internal", "search.shop.internal"):
        assert addresses(ask(daemon, name)) == [SIDES[name][US]]
    assert addresses(ask(daemon, "db.shop.internal")) == ["192.0.2.11"]


def answered_over_udp(daemon, name):
    """Whether any thread answers with this address now: asked from several ports."""
    try:
        return addresses(ask(daemon, name, timeout=0.2))
    except (AssertionError, OSError):
        return None


@pytest.mark.parametrize("frozen", ["dns-0", "dns-1"])
def test_a_loop_that_hangs_makes_the_daemon_restart_onto_the_right_side(house, upstream, frozen):
    daemon = house.daemon([upstream], resolver={"threads": 2}).start()
    daemon.switch(US)
    pid, thread = daemon.pid, threads(daemon.pid)[frozen]
    with Frozen(thread) as hung:
        started = time.monotonic()
        eventually(hung.reap, "the hung thread is gone", 3)
        eventually(lambda: all(answered_over_udp(daemon, "api.shop.internal") == ["192.0.2.20"]
                               for _ in range(16)), "every thread answers again", 3)
        assert time.monotonic() - started < 3
    assert daemon.process.poll() is None and daemon.pid == pid
    assert daemon.active() == US
    daemon.switch(EU)
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]


def test_a_switch_during_a_hang_ends_on_a_side_that_the_command_knows(house, upstream):
    daemon = house.daemon([upstream], resolver={"threads": 2}).start()
    with Frozen(threads(daemon.pid)["dns-1"]) as hung:
        command = daemon.start_cli("failover", US, "--switch-only", "--yes")
        eventually(hung.reap, "the hung thread is gone", 4)
        command.communicate(timeout=30)
    side = US if command.returncode == 0 else EU
    eventually(daemon.is_ready, "it is back")
    for _ in range(16):
        assert addresses(ask(daemon, "api.shop.internal")) == [SIDES["api.shop.internal"][side]]
    assert daemon.active() == side


def test_a_process_that_was_stopped_as_a_whole_is_not_taken_for_a_hang(daemon):
    os.kill(daemon.pid, signal.SIGSTOP)
    time.sleep(3)
    os.kill(daemon.pid, signal.SIGCONT)
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
    time.sleep(1)
    assert "hang" not in daemon.log() and "hung" not in daemon.log()
