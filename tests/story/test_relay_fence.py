"""The relay at a fence and at the switch: nothing is left behind, nobody is sent the wrong way."""
import contextlib
import itertools
import threading
import time

import pytest

from lib.daemon import EU, US, is_sanitized, wait_past
from lib.machine import eventually
from lib.relayed import Pair, Relayed
from lib.sessions import MysqlSession, PostgresSession
from lib.target import (BlackHole, Target, ending, has_been_reset, is_quiet, receive, says)
from lib.upstream import Later

BORDER_S = 0.5  # that a session without TLS has to come to the end of its transaction
UNKNOWN = b"\xff no protocol that a relay follows"
SLACK_S = 2 if is_sanitized() else 1


@pytest.fixture
def pair(house):
    return Pair(house)


def say(sender, receiver, words):
    sender.sendall(words)
    assert receive(receiver, len(words)) == words


class Aside:
    """A call to the daemon that takes its time; `ended` is when it came back."""

    def __init__(self, call, *arguments, **options):
        self.began, self.ended = time.monotonic(), None
        self.thread = threading.Thread(target=self._run, args=(call, arguments, options),
                                       daemon=True)
        self.thread.start()

    def _run(self, call, arguments, options):
        call(*arguments, **options)
        self.ended = time.monotonic()

    def wait(self, seconds=20):
        self.thread.join(seconds)
        assert self.ended, "it failed or hangs"
        return self.ended - self.began


# -- the fence -----------------------------------------------------------------------------------

def test_when_a_fence_is_acknowledged_every_connection_is_closed_on_both_sides(pair):
    sessions = [pair.session() for _ in range(50)]
    for client, session in sessions:
        say(client, session, UNKNOWN)
    with pair.relayed.fenced():
        assert all(has_been_reset(session) for _, session in sessions)
        assert [ending(client, 0.1) for client, _ in sessions] == ["closed"] * 50
        assert pair.relayed.metric("closed_by_switch_total") == 50
        assert pair.relayed.metric("connections", state="open") == 0


def test_bytes_that_the_old_target_has_not_taken_never_reach_it(pair):
    client, session = pair.session()
    client.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            client.sendall(b"w" * (1 << 20))
    with pair.relayed.fenced():
        assert has_been_reset(session)
        taken = 0
        with contextlib.suppress(ConnectionResetError):
            while more := session.recv(1 << 20):
                taken += len(more)
        assert taken < 16 << 20  # what its own kernel had
        assert ending(client) in ("closed", "reset")


def test_what_comes_during_a_fence_is_accepted_and_held(pair):
    relayed = pair.relayed
    with relayed.fenced() as driver:
        clients = relayed.held(20, b"hello")
        assert all(is_quiet(client, 0) for client in clients)
        assert relayed.states() == ["held"] * 20
        assert {each["target"] for each in relayed.connections()} == {None}
        assert pair.eu.count == pair.us.count == 0
        driver.call("switch", groups=["data"])
        for _ in clients:
            receive(pair.us.session(), 5)
        assert pair.eu.count == 0
        driver.call("end")


def test_held_words_arrive_in_order_and_before_those_that_come_later(pair):
    with pair.relayed.fenced() as driver:
        client, = pair.relayed.held(1, b"one ")
        for words in (b"two ", b"three " * 1000):
            client.sendall(words)
        time.sleep(0.1)
        driver.call("switch", groups=["data"])
        client.sendall(b"four")
        assert receive(pair.us.session(), 6012) == b"one two " + b"three " * 1000 + b"four"
        say(pair.us.sessions[0], client, b"the answer")


def test_a_half_made_connect_to_the_old_region_is_given_up_at_the_fence(house):
    """The region begins to answer when it is too late: the kernel would have tried again."""
    hole, us = house.keep(BlackHole()), house.keep(Target(says("us")))
    relayed = Relayed(house, hole, us).start()
    clients = [relayed.connect() for _ in range(3)]
    eventually(lambda: relayed.numbers()["connecting"] == 3, "it dials into the void")
    with relayed.fenced() as driver:
        assert relayed.states() == ["held"] * 3
        acknowledged = time.monotonic()
        assert hole.open_up(until=acknowledged + 1.6) == []
        driver.call("switch", groups=["data"])
        assert [receive(client, 2) for client in clients] == [b"us"] * 3


def test_a_client_that_mysql_has_not_greeted_yet_is_greeted_by_the_new_one(house):
    """The server speaks first there: until then any server will do."""
    eu, us = house.keep(Target(port=3306)), house.keep(Target(says("us"), port=3306))
    relayed = Relayed(house, eu, us).start()
    client = relayed.connect()
    eventually(lambda: relayed.states() == ["open"], "it has reached the old one")
    with relayed.fenced() as driver:
        assert relayed.states() == ["held"] and is_quiet(client)
        assert any(has_been_reset(session) for session in eu.sessions)
        driver.call("switch", groups=["data"])
        assert receive(client, 2) == b"us"


def test_an_address_of_the_old_target_that_comes_late_is_of_no_use(house, upstream):
    """It comes while the new target's is waited for."""
    eu, us = house.keep(Target(says("eu"))), house.keep(Target(says("us")))
    names = {"orders-eu.example.net": (eu, 0.8), "orders-us.example.net": (us, 1.6)}
    for name, (target, delay) in names.items():
        upstream.script(name, lambda asked, line=f"{name} 60 A {target.address}", delay=delay:
                        Later(delay, asked.answer(line)), "A")
    relayed = Relayed(house, *(f"{name}:5432" for name in names), [upstream]).start()
    client = relayed.connect()
    eventually(lambda: upstream.count("orders-eu.example.net"), "the old one is asked for")
    relayed.daemon.switch(US)
    assert receive(client, 2) == b"us" and eu.count == 0


def test_an_abort_lets_everybody_go_to_the_old_region(pair):
    relayed = pair.relayed
    with relayed.fenced():
        held = relayed.held(10, b"hello")
        relayed.daemon.cli("abort", expect=0)
        for _ in held:
            receive(pair.eu.session(), 5)
        relayed.connect()
        pair.eu.session()
        assert pair.us.count == 0


def test_an_undecided_host_holds_until_somebody_says_which_region(house):
    pair = Pair(house, says("eu"), says("us"))
    relayed, daemon = pair.relayed, pair.relayed.daemon
    daemon.switch(US)
    daemon.terminate()
    daemon.state_file.write_bytes(daemon.state_file.read_bytes()[:-20])
    daemon.start()
    clients = relayed.held(5)
    assert all(is_quiet(client, 0.1) for client in clients)
    assert relayed.states() == ["held"] * 5
    assert {each["target"] for each in relayed.connections()} == {None}
    daemon.switch(US, "--force=undecided")
    assert [receive(client, 2) for client in clients] == [b"us"] * 5


@pytest.mark.parametrize("how", ["terminate", "kill"])
def test_a_host_that_restarts_in_mid_transition_holds_its_first_client(pair, how):
    relayed, daemon = pair.relayed, pair.relayed.daemon
    with relayed.fenced():
        pass
    getattr(daemon, how)()
    daemon.launch()

    def first():
        with contextlib.suppress(ConnectionRefusedError):
            return relayed.connect()
    clients = [eventually(first, "it listens") for _ in range(5)]
    for client in clients:
        client.sendall(b"hello")
    eventually(daemon.is_ready, "ready")
    eventually(lambda: relayed.numbers()["held"] == 5, "all are held")
    with daemon.control() as driver:
        driver.call("hello", role="sidecar")
        driver.call("switch", groups=["data"])
        for _ in clients:
            receive(pair.us.session(), 5)
    assert pair.eu.count == 0


def test_fences_and_aborts_in_a_row_neither_lose_nor_repeat_what_was_said(pair):
    """Each client says its number while it is held, and may be released, connected and held again
    more than once before it is heard."""
    relayed, numbers = pair.relayed, iter(range(100))
    for _ in range(10):
        with relayed.fenced() as driver:
            for number in itertools.islice(numbers, 10):
                relayed.connect().sendall(UNKNOWN + b"%02d" % number)
            driver.call("abort")
    with relayed.fenced() as driver:
        driver.call("switch", groups=["data"])
        driver.call("end")
    eventually(lambda: relayed.numbers()["held"] == relayed.numbers()["connecting"] == 0, "calm")
    relayed.daemon.switch(EU)
    heard = []
    for session in pair.eu.sessions + pair.us.sessions:
        with contextlib.suppress(ConnectionResetError):
            while words := session.recv(100):
                heard.append(words)
    assert sorted(heard) == [UNKNOWN + b"%02d" % number for number in range(100)]


# -- the switch ----------------------------------------------------------------------------------

class Knocker:
    """Connects as fast as it goes and asks who is there."""

    def __init__(self, relayed, stopping):
        self.relayed, self.stopping = relayed, stopping
        self.heard = []  # (when it began to connect, when it had the answer, who)
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        while not self.stopping.is_set():
            began = time.monotonic()
            with contextlib.closing(self.relayed.open()) as client:
                try:
                    who = client.recv(2)
                except ConnectionResetError:
                    who = b""
                self.heard.append((began, time.monotonic(), who.decode()))


def test_after_a_switch_has_returned_no_connection_reaches_the_old_target(house):
    pair = Pair(house, says("eu"), says("us"), proxy={"threads": 2})
    stopping, moves = threading.Event(), []
    knockers = [Knocker(pair.relayed, stopping) for _ in range(4)]
    for region in itertools.islice(itertools.cycle((US, EU)), 50):
        asked = time.monotonic()
        pair.relayed.daemon.switch(region)
        moves.append((asked, time.monotonic(), region[:2]))
        wait_past(time.monotonic() + 0.03)
    stopping.set()
    for knocker in knockers:
        knocker.thread.join(20)
    steady = 0
    for begin, end, who in itertools.chain.from_iterable(each.heard for each in knockers):
        last = max((move for move in moves if move[1] <= begin), default=None)
        following = next((move for move in moves if move[1] > begin), None)
        if last and (not following or end < following[0]):
            assert who == last[2], f"{who!r} answers after a switch to {last[2]} has returned"
            steady += 1
    assert steady > 200, "not much was tried"


def test_at_the_moment_when_a_switch_returns_the_old_target_has_nothing_open(house):
    pair = Pair(house, proxy={"threads": 2})
    for region, old in ((US, pair.eu), (EU, pair.us), (US, pair.eu), (EU, pair.us)):
        for _ in range(30):
            pair.relayed.connect()
        sessions = [old.session() for _ in range(30)]
        pair.relayed.daemon.switch(region)
        assert all(has_been_reset(session) for session in sessions)


# -- the end of a transaction --------------------------------------------------------------------

protocols = pytest.mark.parametrize("protocol", [PostgresSession, MysqlSession])


def logged_in(pair, protocol):
    return protocol(*pair.session()).login()


class Borders:
    """Two sessions besides the one that a story is about: an idle one, whose end says that the
    fence has come, and one in a transaction, which is still there until the time is over."""

    def __init__(self, pair, protocol):
        self.idle, self.late = logged_in(pair, protocol), logged_in(pair, protocol)
        self.idle.ask()
        self.idle.answer(in_transaction=False)
        self.late.ask()
        self.late.answer(in_transaction=True)
        self.began = None

    @contextlib.contextmanager
    def fence(self, driver):
        call = Aside(driver.call, "fence", groups=["data"])
        assert ending(self.idle.client) == "closed"
        self.began = call.began
        yield call
        call.wait()
        assert has_been_reset(self.idle.server) and has_been_reset(self.late.server)

    def check_in_time(self):
        """What has just ended did so before its time was over."""
        others_wait = is_quiet(self.late.client, 0)
        assert others_wait or time.monotonic() - self.began > BORDER_S * 0.8


@protocols
def test_a_session_in_a_transaction_is_cut_after_half_a_second(pair, protocol):
    borders = Borders(pair, protocol)
    with pair.relayed.transition() as driver, borders.fence(driver) as call:
        assert not call.ended
        assert ending(borders.late.client) == "closed"
        assert BORDER_S * 0.8 < time.monotonic() - borders.began < BORDER_S + SLACK_S


@protocols
def test_a_session_whose_answer_is_due_is_cut_after_half_a_second(pair, protocol):
    borders, session = Borders(pair, protocol), logged_in(pair, protocol)
    session.ask()
    with pair.relayed.transition() as driver, borders.fence(driver):
        assert ending(session.client) == "closed"
        assert BORDER_S * 0.8 < time.monotonic() - borders.began < BORDER_S + SLACK_S
    assert has_been_reset(session.server)


@protocols
def test_a_transaction_that_ends_in_time_is_acknowledged_to_its_client(pair, protocol):
    borders, session = Borders(pair, protocol), logged_in(pair, protocol)
    session.ask(b"BEGIN")
    session.answer(in_transaction=True)
    with pair.relayed.transition() as driver, borders.fence(driver):
        session.ask(b"COMMIT")
        session.answer(in_transaction=False)  # arrives
        assert ending(session.client) == "closed"
        borders.check_in_time()
    assert has_been_reset(session.server)


@protocols
def test_a_statement_alone_that_ends_in_time_is_acknowledged_to_its_client(pair, protocol):
    borders, session = Borders(pair, protocol), logged_in(pair, protocol)
    session.ask(b"UPDATE")
    with pair.relayed.transition() as driver, borders.fence(driver):
        session.answer(in_transaction=False)
        assert ending(session.client) == "closed"
        borders.check_in_time()
    assert has_been_reset(session.server)


@protocols
def test_a_session_that_has_just_logged_in_gets_its_transaction(pair, protocol):
    """It was opened to be used: that it is idle says nothing yet."""
    with pair.relayed.transition() as driver:
        session = logged_in(pair, protocol)
        fence = Aside(driver.call, "fence", groups=["data"])
        time.sleep(0.02)  # the fence comes while it is idle
        for words in (b"BEGIN", b"COMMIT"):
            session.ask(words)
            session.answer(in_transaction=words == b"BEGIN")
        assert ending(session.client) == "closed"
        fence.wait()


@protocols
def test_a_switch_waits_for_the_end_of_a_transaction_too(pair, protocol):
    borders = Borders(pair, protocol)
    switch = Aside(pair.relayed.daemon.switch, US)
    assert ending(borders.idle.client) == "closed"
    new = pair.relayed.connect()
    new.sendall(b"hello")
    assert is_quiet(new, BORDER_S / 4) and not switch.ended and pair.us.count == 0
    switch.wait()
    assert has_been_reset(borders.late.server) and ending(borders.late.client, 0.1) == "closed"
    assert receive(pair.us.session(), 5) == b"hello"


@protocols
def test_a_session_that_never_rests_is_closed_between_two_of_its_transactions(pair, protocol):
    borders, busy = Borders(pair, protocol), logged_in(pair, protocol)
    acknowledged = []

    def work():
        with contextlib.suppress(OSError, AssertionError):
            while True:
                for in_transaction in (True, True, False):
                    busy.ask()
                    busy.answer(in_transaction)
                acknowledged.append(time.monotonic())
    worker = threading.Thread(target=work, daemon=True)
    worker.start()
    eventually(lambda: acknowledged, "it works")
    with pair.relayed.transition() as driver, borders.fence(driver):
        worker.join(20)
        borders.check_in_time()
    assert acknowledged[-1] > borders.began - 0.1 and has_been_reset(busy.server)


def test_a_session_inside_tls_is_closed_at_once(pair):
    borders = Borders(pair, PostgresSession)
    client, session = pair.session()
    say(client, session, b"\0\0\0\x08\x04\xd2\x16\x2f")  # SSLRequest
    say(session, client, b"S")
    say(client, session, b"\x16\x03\x01\x00\x05hello")
    with pair.relayed.transition() as driver, borders.fence(driver):
        assert ending(client) == "closed"
        borders.check_in_time()
    assert has_been_reset(session)


# -- drains --------------------------------------------------------------------------------------

def drained(house, seconds):
    return Pair(house, relay={"on_switch": f"drain {seconds}s"})


def test_a_planned_move_gives_open_connections_their_time(house):
    pair = drained(house, 30)
    client, session = pair.session()
    say(client, session, UNKNOWN)
    with pair.relayed.transition(kind="switchover") as driver:
        fence = Aside(driver.call, "fence", groups=["data"])
        eventually(lambda: pair.relayed.numbers()["behind"] == 1, "it drains")
        held, = pair.relayed.held(1, b"hello")
        assert pair.relayed.metric("connections", state="behind") == 1
        say(client, session, b"more")
        say(session, client, b"and more")
        assert not fence.ended and is_quiet(held, 0.2)
        client.close()
        assert session.recv(1) == b""
        session.close()
        assert fence.wait() < 10
        driver.call("switch", groups=["data"])
        assert receive(pair.us.session(), 5) == b"hello"
        assert pair.eu.count == 1
        assert pair.relayed.metric("closed_by_switch_total") == 0


def test_a_drain_that_is_over_cuts_those_who_are_left(house):
    pair = drained(house, 1)
    client, session = pair.session()
    say(client, session, UNKNOWN)
    with pair.relayed.transition(kind="switchover") as driver:
        fence = Aside(driver.call, "fence", groups=["data"])
        assert is_quiet(client, 0.9)
        assert ending(client, 5) == "closed"
        assert 0.95 < fence.wait() < 1 + 2 * SLACK_S and has_been_reset(session)
        assert pair.relayed.metric("closed_by_switch_total") == 1


@protocols
def test_in_a_drain_a_session_is_closed_at_the_end_of_its_transaction(house, protocol):
    pair = drained(house, 30)
    session = logged_in(pair, protocol)
    session.ask()
    session.answer(in_transaction=True)
    with pair.relayed.transition(kind="switchover") as driver:
        fence = Aside(driver.call, "fence", groups=["data"])
        assert is_quiet(session.client, 0.7) and not fence.ended
        assert pair.relayed.states() == ["closing"]
        session.ask()
        session.answer(in_transaction=False)
        assert ending(session.client, 5) == "closed"
        assert fence.wait() < 5


def test_a_failover_does_not_wait_for_a_drain(house):
    pair = drained(house, 30)
    client, session = pair.session()
    say(client, session, UNKNOWN)
    with pair.relayed.fenced(kind="failover"):
        assert has_been_reset(session) and ending(client, 0.1) == "closed"


def test_a_drain_that_is_aborted_leaves_its_connections_where_they_are(house):
    pair = drained(house, 30)
    client, session = pair.session()
    say(client, session, UNKNOWN)
    with pair.relayed.transition(kind="switchover") as driver:
        fence = driver.send("fence", groups=["data"])
        eventually(lambda: pair.relayed.numbers()["behind"] == 1, "it drains")
        held, = pair.relayed.held(1, b"hello")
        pair.relayed.daemon.cli("abort", expect=0)
        assert driver.receive()["id"] == fence
    assert receive(pair.eu.session(), 5) == b"hello"
    say(client, session, b"still here")
    say(session, client, b"so am I")
    assert pair.relayed.numbers()["behind"] == 0 and pair.us.count == 0
