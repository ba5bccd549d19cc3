"""Where the relay has a bound: what is beyond it is refused and counted, everybody else goes on."""
import contextlib
import itertools
import random
import re
import resource
import socket
import threading
import time

import pytest

from lib import wire
from lib.ask import addresses, ask
from lib.daemon import EU, US, is_sanitized, wait_past
from lib.load import Load, files_max, pace, with_all_files
from lib.machine import MANY, eventually, fresh_address, resident_kib
from lib.relayed import ENDPOINT, Pair, Relayed
from lib.target import (BlackHole, Target, echo, ending, is_quiet, receive, says)
from lib.upstream import SILENT

HELD_BYTES = 16 << 10
RELEASE = 64  # held connections that are on their way at once
FILES = 300


@pytest.fixture
def pair(house):
    return Pair(house, says("eu"), says("us"))


def holding(house, threads=2, **hold):
    return Pair(house, relay={"hold": hold}, proxy={"threads": threads})


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


def works(client, words=b"are you there"):
    """The target at the other end gives back what it gets."""
    client.sendall(words)
    return receive(client, len(words)) == words


def is_served(client):
    try:
        return works(client)
    except ConnectionError:
        return False


def refused(relayed):
    """{reason: how many}, without those that were none, as soon as status and metrics agree."""
    def agreed():
        counts = relayed.numbers()["refused"]
        same = all(relayed.metric("refused_total", reason=reason) == count
                   for reason, count in counts.items())
        return same and (counts,)
    counts, = eventually(agreed, "status and metrics agree")
    return {reason: count for reason, count in counts.items() if count}


# -- held: how many ------------------------------------------------------------------------------

def test_beyond_max_connections_clients_are_reset_and_counted(house):
    pair = holding(house, max_connections=8)
    relayed = pair.relayed
    with relayed.fenced() as driver:
        held = relayed.held(8, b"hello")
        assert [relayed.turn_away() for _ in range(20)] == ["reset"] * 20
        assert refused(relayed) == {"hold_full": 20}
        assert all(is_quiet(client, 0) for client in held)
        held.pop().close()
        eventually(lambda: relayed.numbers()["held"] == 7, "one has gone")
        held += relayed.held(1, b"hello")
        driver.call("switch", groups=["data"])
        for _ in held:
            receive(pair.us.session(), 5)
    assert relayed.metric("accepted_total") == 29


def test_half_made_connects_that_find_no_room_at_a_fence_are_reset_and_counted(house):
    hole = house.keep(BlackHole())
    relayed = Relayed(house, hole, hole, relay={"hold": {"max_connections": 3}}).start()
    clients = [relayed.connect() for _ in range(5)]
    eventually(lambda: relayed.numbers()["connecting"] == 5, "it dials into the void")
    with relayed.fenced():
        assert relayed.numbers()["held"] == 3 and refused(relayed) == {"hold_full": 2}
        ends = [ending(client, 0.1) for client in clients]
        assert ends.count("reset") == 2 and ends.count(None) == 3


# -- held: how long ------------------------------------------------------------------------------

def test_each_is_held_for_its_own_time(house):
    pair = holding(house, threads=1, timeout="1500ms")
    relayed = pair.relayed
    with relayed.fenced() as driver:
        begins, clients = [], []
        for _ in range(3):
            begins.append(time.monotonic())
            clients.append(relayed.connect())
            time.sleep(0.5)
        for began, client in zip(begins, clients):
            assert ending(client) == "reset"
            assert 1.5 <= time.monotonic() - began < 4
        assert refused(relayed) == {"hold_timeout": 3}
        last = relayed.connect()
        last.sendall(b"hello")
        eventually(lambda: relayed.numbers()["held"] == 1, "the fence stands, and holds")
        driver.call("switch", groups=["data"])
        assert receive(pair.us.session(), 5) == b"hello"


# -- held: how much ------------------------------------------------------------------------------

@pytest.mark.parametrize("pieces", [[HELD_BYTES], [HELD_BYTES - 1, 1], [1000] * 16],
                         ids=["at_once", "and_one", "in_pieces"])
def test_16_kib_of_a_held_clients_words_are_kept(pair, pieces):
    """With what it says after the switch behind them."""
    words = random.Random(7).randbytes(sum(pieces) + 100000)
    told = words
    with pair.relayed.fenced() as driver:
        client, = pair.relayed.held(1)
        for size in pieces:
            client.sendall(told[:size])
            told = told[size:]
            time.sleep(0.01)
        assert is_quiet(client)
        driver.call("switch", groups=["data"])
        client.sendall(told)
        assert receive(client, 2 + len(words)) == b"us" + words
    assert pair.us.count == 1 and refused(pair.relayed) == {}


@pytest.mark.parametrize("pieces", [[HELD_BYTES + 1], [HELD_BYTES, 1], [1 << 20]],
                         ids=["at_once", "and_one", "a_lot"])
def test_a_held_client_that_says_more_is_reset_and_counted(pair, pieces):
    with pair.relayed.fenced() as driver:
        other, client = pair.relayed.held(2)
        with pytest.raises(ConnectionResetError):  # by one that sends on, or by one that listens
            for size in pieces:
                client.sendall(b"w" * size)
                time.sleep(0.05)
            client.recv(1)
        assert refused(pair.relayed) == {"hold_bytes": 1}
        driver.call("switch", groups=["data"])
        assert receive(other, 2) == b"us" and pair.us.count == 1


# -- held: who goes away -------------------------------------------------------------------------

@pytest.mark.parametrize("leave", [
    socket.socket.close, reset, lambda client: client.shutdown(socket.SHUT_WR)],
    ids=["closes", "resets", "ends_its_side"])
@pytest.mark.parametrize("words", [b"", b"hello"], ids=["silent", "spoken"])
def test_a_held_client_that_goes_away_is_let_go(pair, leave, words):
    relayed = pair.relayed
    with relayed.fenced() as driver:
        clients = relayed.held(10, words)
        for client in clients[:6]:
            leave(client)
        eventually(lambda: relayed.numbers()["held"] == 4, "six have gone")
        assert relayed.states() == ["held"] * 4
        driver.call("switch", groups=["data"])
        assert [receive(client, 2) for client in clients[6:]] == [b"us"] * 4
        assert pair.us.count == 4


# -- the release ---------------------------------------------------------------------------------

def on_their_way(to):
    """Sockets of this machine that wait for the answer to their SYN to `to` (proc(5))."""
    host = socket.inet_aton(to.address)[::-1].hex().upper()
    with open("/proc/net/tcp") as lines:
        return sum(1 for line in lines
                   if (fields := line.split())[2].startswith(host) and fields[3] == "02")


def test_at_most_64_of_those_held_are_on_their_way_at_once(house):
    """To a region that answers nobody yet: whoever is dialled is seen waiting for it. (A look takes
    its time here, so for half a second alone: after two the next are dialled.)"""
    eu, hole = house.keep(Target()), house.keep(BlackHole())
    relayed = Relayed(house, eu, hole, proxy={"threads": 2}).start()
    others = on_their_way(hole)
    with relayed.fenced() as driver:
        clients = relayed.held(200, b"hello")
        driver.call("switch", groups=["data"])
        numbers, looks = relayed.numbers(), []
        until = time.monotonic() + 0.5
        while time.monotonic() < until:
            looks.append(on_their_way(hole) - others)
        hole.open_up(until=time.monotonic() + 1.5)
    assert (numbers["connecting"], numbers["held"]) == (RELEASE, 200 - RELEASE)
    assert set(looks) == {RELEASE}
    eventually(lambda: relayed.numbers()["open"] + refused(relayed).get("unreachable", 0) == 200,
               "everybody has been let go")
    assert len([client for client in clients if is_quiet(client, 0)]) == relayed.numbers()["open"]


def test_those_whose_connect_fails_make_room_for_the_next(house):
    eu, nobody = house.keep(Target()), f"{fresh_address()}:5432"
    relayed = Relayed(house, eu, nobody, proxy={"threads": 2}).start()
    with relayed.fenced() as driver:
        clients = relayed.held(300)
        driver.call("switch", groups=["data"])
        assert [ending(client) for client in clients] == ["reset"] * 300
    assert refused(relayed) == {"unreachable": 300} and relayed.numbers()["held"] == 0


def test_a_full_house_is_released_whole(house):
    pair = Pair(house, says("eu"), says("us"), proxy={"threads": 2})
    with pair.relayed.fenced() as driver:
        clients = pair.relayed.held(1000)
        began = time.monotonic()
        driver.call("switch", groups=["data"])
        assert [receive(client, 2) for client in clients] == [b"us"] * 1000
        print(f"1000 held ones were served {time.monotonic() - began:.3f} s after the switch")
    assert pair.eu.count == 0 and refused(pair.relayed) == {}


# -- descriptors ---------------------------------------------------------------------------------

def scarce(house, upstream=None, files=FILES, **options):
    """Echoing targets and few descriptors."""
    return Pair(house, echo, echo, wrap=["prlimit", f"--nofile={files}:{files}"],
                upstreams=[upstream] if upstream else [],
                proxy={"threads": 2}, resolver={"threads": 1}, **options)


def fill(relayed):
    """As many clients as are served, and some more, who are not."""
    served = []
    while refused(relayed).get("descriptors", 0) < 20:
        with contextlib.suppress(ConnectionResetError):
            client = relayed.connect()
            served += [client] if is_served(client) else []
    assert FILES // 6 < len(served) <= FILES // 4  # two each, and a half is for the others
    return served


_vain = itertools.count()


def ask_in_vain(daemon, upstream, count):
    """So many questions that nobody will answer."""
    upstream.script("*", SILENT)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        for _ in range(count):
            asker.sendto(wire.query(f"n{next(_vain)}.in.vain.test"), (daemon.address, daemon.port))
    eventually(lambda: upstream.count() >= min(count, 10), "they are upstream")


def test_when_the_descriptors_are_used_up_those_who_have_theirs_go_on(house, upstream):
    pair = scarce(house, upstream)
    relayed, daemon = pair.relayed, pair.relayed.daemon
    served = fill(relayed)
    assert refused(relayed) == {"descriptors": 20}
    assert all(works(client) for client in served)
    for number in range(20):  # to the upstream each time
        upstream.add(f"n{number}.example.net. 60 A 192.0.2.{number + 1}")
        answer = ask(daemon, f"n{number}.example.net", tcp=number % 2 == 0)
        assert addresses(answer) == [f"192.0.2.{number + 1}"]
    assert len(relayed.connections()) == len(served)

    for client in served[:10]:
        client.close()
    eventually(lambda: relayed.numbers()["open"] == len(served) - 10, "ten have gone")
    served = served[10:] + [relayed.connect() for _ in range(10)]
    assert all(works(client) for client in served)
    assert refused(relayed) == {"descriptors": 20}


def test_held_connections_count_among_the_descriptors_too(house):
    pair = scarce(house)
    relayed = pair.relayed
    with relayed.fenced() as driver:
        held = relayed.held(FILES // 6)
        while not refused(relayed):
            with contextlib.suppress(ConnectionResetError):
                held.append(relayed.connect())
        room = relayed.numbers()["held"]
        driver.call("switch", groups=["data"])
        assert sum(is_served(client) for client in held) == room == pair.us.count


def test_a_switch_works_while_the_descriptors_are_used_up(house):
    pair = scarce(house)
    served = fill(pair.relayed)
    for region in (US, EU, US):
        pair.relayed.daemon.switch(region)
    assert {ending(client) for client in served} <= {"closed", "reset"}
    assert all(works(client) for client in [pair.relayed.connect() for _ in served])


def test_a_switch_works_while_everybody_wants_descriptors_at_once(house, upstream):
    """Connections, questions that nobody answers, DNS over TCP."""
    pair = scarce(house, upstream)
    daemon = pair.relayed.daemon
    served = fill(pair.relayed)
    with contextlib.ExitStack() as stack:
        for _ in range(200):
            asker = stack.enter_context(socket.socket())
            asker.setblocking(False)
            asker.connect_ex((daemon.address, daemon.port))
        for number in range(10):  # not of the group that would close those connections
            ask_in_vain(daemon, upstream, 100)
            daemon.switch([US, EU][number % 2], "--group", "default")
            time.sleep(0.2)
    assert all(works(client) for client in served)


def test_when_there_is_none_at_all_clients_wait_and_the_log_says_why(house):
    """The limit falls while it runs, so that accept itself fails."""
    pair = Pair(house, echo, echo, proxy={"threads": 1})
    relayed, daemon = pair.relayed, pair.relayed.daemon
    client = relayed.connect()
    assert works(client)
    before = resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, (10, before[1]))
    waiting = [relayed.connect() for _ in range(5)]
    daemon.wait_for_log("event=accept_failed")
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
    assert works(client) and all(is_quiet(one, 0) for one in waiting)
    time.sleep(0.5)
    resource.prlimit(daemon.pid, resource.RLIMIT_NOFILE, before)
    assert all(works(one) for one in waiting)
    assert relayed.metric("accept_failures_total") > 1
    assert refused(relayed) == {}


# -- others go on --------------------------------------------------------------------------------

def test_a_target_that_refuses_is_nobody_elses_affair(house):
    relayed = Relayed(house, f"{fresh_address()}:5432", f"{fresh_address()}:5432")
    target = house.keep(Target(echo))
    relayed.daemon.write_config(proxy={"threads": 1}, endpoints={"users-db": {
        "type": "database", "group": "data", "names": ["users.shop.internal"],
        "targets": {EU: str(target), US: str(target)},
        "relay": {"listen": f"{relayed.address}:5433"}}})
    relayed.start()
    client = relayed.connect(port=5433)
    for _ in range(100):
        assert relayed.turn_away() == "reset"
        assert works(client)
    assert refused(relayed) == {"unreachable": 100}


def test_clients_that_never_send_and_never_read_are_nobody_elses_affair(house):
    """And what they do not read is kept from being sent, not kept in memory."""
    pair = Pair(house, echo, echo, proxy={"threads": 1})
    relayed, pid = pair.relayed, pair.relayed.daemon.pid
    before = resident_kib(pid)
    silent = [relayed.connect() for _ in range(300)]
    deaf = [relayed.connect() for _ in range(30)]
    for client in deaf:
        client.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            for _ in range(64):
                client.send(bytes(1 << 20))
    client, worst = relayed.connect(), 0
    for _ in range(200):
        began = time.monotonic()
        assert works(client)
        worst = max(worst, time.monotonic() - began)
    assert worst < 5
    assert resident_kib(pid) - before < (64 if is_sanitized() else 10) << 10
    assert relayed.numbers()["open"] == len(silent) + len(deaf) + 1


FLOOD_S = 3
FEW_MS = 10000  # in µs


@contextlib.contextmanager
def flooded(relayed, server):
    """Thousands of connects a second, by clients that leave without a word."""
    load = Load("flood", f"{relayed.address}:5432", server, "-n", 64, "-t", FLOOD_S)
    try:
        load.begin()
        wait_past(time.monotonic() + 0.2)
        yield
        result = load.result()
        rate = result["transactions"] / result["seconds"]
        print(f"{rate:.0f} connects a second")
        assert rate > 1000
    finally:
        load.close()


def how_slow(relayed, old):
    """The longest that others had to wait for a round trip, on an old connection and a new one."""
    worst = 0
    for _ in range(50):
        began = time.monotonic()
        with contextlib.closing(relayed.open(port=5433)) as new:
            assert works(old) and works(new)
        worst = max(worst, time.monotonic() - began)
    return worst


@pytest.mark.parametrize("target", ["takes_them", "refuses", "fenced"])
def test_beside_a_flood_of_connects_others_are_served_and_dns_is_as_quick(house, target):
    """The bench holds a tighter bound on a machine that has nothing else to do; a slow answer here
    may be somebody else's doing, so one round of five in which all is well is enough."""
    quiet_one, server = house.keep(Target(echo)), f"{fresh_address()}:5432"
    relayed = Relayed(house, server, server)
    relayed.daemon.write_config(endpoints={"users-db": {
        "type": "database", "group": "more", "names": ["users.shop.internal"],
        "targets": {EU: str(quiet_one), US: str(quiet_one)},
        "relay": {"listen": f"{relayed.address}:5433"}}})
    relayed.start()
    if target == "fenced":
        with relayed.fenced():
            pass
    old, is_quick = relayed.connect(port=5433), False
    for _ in range(5):
        quiet = pace(relayed.daemon, "api.shop.internal", 1)
        with flooded(relayed, f"{fresh_address()}:5432" if target == "refuses" else server):
            loud = pace(relayed.daemon, "api.shop.internal", 1)
            worst = how_slow(relayed, old)
        print(f"DNS p99 {quiet['p99']:.0f} -> {loud['p99']:.0f} µs, {loud['lost']:.0f} lost; "
              f"others served within {worst * 1000:.1f} ms")
        assert loud["lost"] == quiet["lost"] == 0 and worst < 5
        is_quick = is_sanitized() or loud["p99"] < max(4 * quiet["p99"], FEW_MS)
        if is_quick:
            break
    assert is_quick
    eventually(lambda: relayed.numbers()["open"] == relayed.numbers()["held"] == 0, "it is over")


# -- crowds --------------------------------------------------------------------------------------

def crowd_size():
    """10,000, or as many as the machine has descriptors for."""
    return min(10000, (files_max() - 1000) // 2)


def test_ten_thousand_connections_are_closed_by_one_switch(house):
    count, server = crowd_size(), f"{fresh_address()}:5432"
    us = house.keep(Target(says("us")))
    relayed = Relayed(house, server, us, wrap=with_all_files()).start()
    load = house.keep(Load("idle", f"{relayed.address}:5432", server, "-n", count, "-t", 10))
    assert relayed.metric("connections", state="open") == count
    load.begin()
    relayed.daemon.switch(US)
    result = load.result()
    print(f"both ends of {count} connections had seen the end {result['last_end'] * 1000:.0f} ms "
          "after the command was typed")
    assert result["open"] == 0 and result["last_end"] < 5
    assert relayed.metric("closed_by_switch_total") == count
    assert relayed.numbers()["open"] == 0 and receive(relayed.connect(), 2) == b"us"


def test_after_a_crowd_memory_is_nearly_as_before(house):
    count, server = 2000, f"{fresh_address()}:5432"
    relayed = Relayed(house, server, server, wrap=with_all_files()).start()
    pid, listen = relayed.daemon.pid, f"{relayed.address}:5432"
    idle, after = resident_kib(pid), []
    for _ in range(3):
        load = Load("pingpong", listen, server, "-n", count, "-t", 0.3)
        load.begin()
        load.result()
        load.close()
        eventually(lambda: relayed.numbers()["open"] == 0, "all have gone")
        after.append(resident_kib(pid))
    print(f"{idle} KiB idle, then after each crowd {after}")
    assert after[0] - idle < (48 if is_sanitized() else 6) << 10
    assert is_sanitized() or after[2] - after[0] < 1024


def test_a_full_hold_costs_what_it_holds_and_the_next_one_nothing_more(pair):
    pid = pair.relayed.daemon.pid
    idle, full = resident_kib(pid), []
    for region in (US, EU, US):
        with pair.relayed.fenced(region=region) as driver:
            clients = pair.relayed.held(500, bytes(HELD_BYTES))
            full.append(resident_kib(pid))
            driver.call("switch", groups=["data"])
            driver.call("end")
        for client in clients:
            client.close()
        eventually(lambda: pair.relayed.numbers()["open"] == 0, "all have gone")
    print(f"{idle} KiB idle, {full} with 500 held, then {resident_kib(pid)}")
    assert is_sanitized() or full[0] - idle < 500 * (HELD_BYTES >> 10) * 1.5 + 1024
    assert is_sanitized() or full[2] - full[0] < 1024


# -- what it says of itself ----------------------------------------------------------------------

def test_connections_lists_each_with_its_ends_its_state_and_its_bytes(pair):
    relayed = pair.relayed
    open_one = relayed.connect()
    assert receive(open_one, 2) == b"eu" and works(open_one, b"x" * 1000)
    time.sleep(0.3)
    listed, = relayed.connections()
    client = ":".join(map(str, open_one.getsockname()))
    assert 300 <= listed.pop("since_ms") < MANY * 1000
    assert listed == {"endpoint": ENDPOINT, "state": "open", "client": client,
                      "target": str(pair.eu), "region": EU,
                      "bytes_to_target": 1000, "bytes_to_client": 1002}
    shown = relayed.daemon.cli("connections", expect=0).out
    assert client in shown and "open" in shown and ENDPOINT in shown
    with relayed.fenced():
        held, = relayed.held(1, b"hello")
        listed, = relayed.connections()
        assert (listed["state"], listed["target"], listed["region"]) == ("held", None, None)
        assert listed["bytes_to_target"] == 5
        assert listed["client"] == ":".join(map(str, held.getsockname()))


def test_connections_of_an_endpoint_that_there_is_not_is_bad_usage(pair):
    result = pair.relayed.daemon.cli("connections", "no-such-db", expect=2)
    assert ENDPOINT in result.err


def test_a_long_list_says_how_many_it_leaves_out(pair):
    clients = [pair.relayed.connect() for _ in range(20)]
    assert [receive(client, 2) for client in clients] == [b"eu"] * 20
    with pair.relayed.daemon.control() as control:
        listed = control.call("connections", limit=7)
    assert len(listed["connections"]) == 7 and listed["omitted"] == 13


def test_status_and_metrics_agree_with_what_was_done(pair):
    relayed, numbers = pair.relayed, random.Random(11)
    sent = 0
    for _ in range(20):
        size = numbers.randrange(1, 300000)
        with contextlib.closing(relayed.open()) as client:
            assert receive(client, 2) == b"eu"
            sender = threading.Thread(target=client.sendall, args=(bytes(size),))
            sender.start()
            receive(client, size)
            sender.join()
        sent += size
    stays = relayed.connect()
    assert receive(stays, 2) == b"eu"
    eventually(lambda: relayed.numbers()["open"] == 1, "the others have gone")
    with relayed.fenced() as driver:
        client, = relayed.held(1, b"hello")
        status = relayed.numbers()
        for state, count in {"open": 0, "connecting": 0, "held": 1, "behind": 0}.items():
            assert status[state] == relayed.metric("connections", state=state) == count
        driver.call("switch", groups=["data"])
        assert receive(client, 7) == b"ushello"
    status = relayed.numbers()
    assert status["accepted"] == relayed.metric("accepted_total") == 22
    assert status["closed_by_switch"] == relayed.metric("closed_by_switch_total") == 1
    assert status["bytes_to_target"] == sent + 5 == \
        relayed.metric("bytes_total", direction="to_target")
    assert status["bytes_to_client"] == sent + 21 * 2 + 7 == \
        relayed.metric("bytes_total", direction="to_client")
    assert status["connect_us"]["count"] == 22 == \
        relayed.metric("connect_duration_seconds_count")
    assert refused(relayed) == {} and status["listen"] == [f"{relayed.address}:5432"]


def test_explain_shows_the_relay_and_its_numbers(pair):
    client = pair.relayed.connect()
    assert receive(client, 2) == b"eu"
    shown = pair.relayed.daemon.cli("explain", "db.shop.internal", "--json", expect=0).out
    assert re.search(r'"relay":\s*{', shown) and re.search(r'"open":\s*1\b', shown)
