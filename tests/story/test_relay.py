"""A connection through the relay: its bytes, its ends, its way to the target (pilotlightd(8))."""
import contextlib
import os
import random
import select
import socket
import threading
import time

import pytest

from lib import wire
from lib.ask import addresses, ask, has_soa, rcode
from lib.daemon import EU, US, is_sanitized, wait_past
from lib.machine import eventually, fresh_address, resident_kib
from lib.relayed import ENDPOINT, Pair, Relayed
from lib.sessions import PostgresSession
from lib.target import (PORT, BlackHole, Target, echo, ending, is_quiet, receive, receive_blocks,
                        says, send_blocks)
from lib.upstream import SILENT, Later

DB = "db.shop.internal"
CHUNK = 64 << 10  # what the relay reads at a time
BULK = (60 if is_sanitized() else 300) * 1000 * 1000 + 7
EU_NAME, US_NAME = "orders-eu.example.net", "orders-us.example.net"


@pytest.fixture
def pair(house):
    return Pair(house)


def aside(call, *arguments):
    """Runs it in a thread; the function that is returned waits for what it gave, or raises."""
    outcome = []

    def run():
        try:
            outcome.append((call(*arguments), None))
        except BaseException as error:  # pylint: disable=broad-except
            outcome.append((None, error))
    thread = threading.Thread(target=run, daemon=True)
    thread.start()

    def wait():
        thread.join(120)
        assert outcome, "it hangs"
        result, error = outcome[0]
        if error:
            raise error
        return result
    return wait


# -- bytes ---------------------------------------------------------------------------------------

def exchange(sender, receiver, data):
    sent = aside(sender.sendall, data)
    assert receive(receiver, len(data)) == data
    sent()


@pytest.mark.parametrize("size", [1, CHUNK - 1, CHUNK, CHUNK + 1, 4 * CHUNK - 1, 4 * CHUNK,
                                  4 * CHUNK + 1, 5 * CHUNK + 1, 64 * CHUNK + 1])
def test_bytes_pass_untouched_in_both_directions(pair, size):
    client, session = pair.session()
    data = random.Random(size).randbytes(size)
    for _ in range(3):
        exchange(client, session, data)
        exchange(session, client, data[::-1])
    assert is_quiet(client, 0.05) and is_quiet(session, 0.05)


def test_a_crowd_of_odd_sizes_arrives_whole(house):
    pair = Pair(house, echo)
    clients = [pair.relayed.connect() for _ in range(50)]
    numbers = random.Random(5)
    for _ in range(10):
        words = [numbers.randbytes(numbers.choice((1, 7, 1000, CHUNK, CHUNK + 1)))
                 for _ in clients]
        for client, data in zip(clients, words):
            client.sendall(data)
        for client, data in zip(clients, words):
            assert receive(client, len(data)) == data


def pipes(daemon):
    """How many descriptors of the daemon are ends of pipes."""
    count, folder = 0, f"/proc/{daemon.pid}/fd"
    for number in os.listdir(folder):
        with contextlib.suppress(FileNotFoundError):
            count += os.readlink(f"{folder}/{number}").startswith("pipe:")
    return count


def carry(client, session, size):
    """So many bytes both ways at once, checksummed at all four ends."""
    sent = [aside(send_blocks, end, seed, size) for seed, end in ((1, client), (2, session))]
    received = [aside(receive_blocks, end, size) for end in (session, client)]
    assert [wait() for wait in sent] == [wait() for wait in received]


def chat(client, session):
    for number in range(20):
        exchange(client, session, b"question %d" % number)
        exchange(session, client, b"answer %d" % number)


def test_chat_becomes_bulk_and_chat_again(pair):
    """Bulk goes through pipes, which nobody sees but in the daemon's descriptors."""
    client, session = pair.session()
    chat(client, session)
    quiet = pipes(pair.relayed.daemon)
    done = aside(carry, client, session, BULK)
    eventually(lambda: pipes(pair.relayed.daemon) > quiet, "a pipe carries it")
    done()
    chat(client, session)
    carry(client, session, 3 * 1000 * 1000)
    chat(client, session)


def test_a_large_result_within_a_session_that_is_followed_passes_untouched(pair):
    client, session = pair.session()
    postgres = PostgresSession(client, session).login()
    row = random.Random(1).randbytes(20 * 1000 * 1000)
    for _ in range(3):
        postgres.ask()
        exchange(session, client, postgres.message(b"D", row))
        postgres.answer(in_transaction=False)
    with pair.relayed.fenced():  # and it was followed all the way to this border
        assert ending(client, 0.4) == "closed"


# -- ends ----------------------------------------------------------------------------------------

def test_a_client_that_has_said_all_still_hears_the_answer(pair):
    client, session = pair.session()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    assert receive(session, 8) == b"question" and session.recv(1) == b""
    assert is_quiet(client)
    answer = random.Random(1).randbytes(1 << 20)
    exchange(session, client, answer)
    session.close()
    assert client.recv(1) == b""
    eventually(lambda: pair.relayed.numbers()["open"] == 0, "it is over")


def test_a_target_that_has_said_all_still_hears_the_client(pair):
    client, session = pair.session()
    session.sendall(b"greeting")
    session.shutdown(socket.SHUT_WR)
    assert receive(client, 8) == b"greeting" and client.recv(1) == b""
    assert is_quiet(session)
    words = random.Random(2).randbytes(1 << 20)
    exchange(client, session, words)
    client.close()
    assert session.recv(1) == b""
    eventually(lambda: pair.relayed.numbers()["open"] == 0, "it is over")


def test_a_client_that_has_said_all_before_the_target_is_reached_is_heard(house, upstream):
    target = house.keep(Target())
    relayed = named(house, upstream)
    upstream.script(EU_NAME, lambda asked: Later(0.5, asked.answer(f"{EU_NAME} 1 A "
                                                                   f"{target.address}")), "A")
    client = relayed.connect()
    client.sendall(b"question")
    client.shutdown(socket.SHUT_WR)
    session = target.session()
    assert receive(session, 8) == b"question" and session.recv(1) == b""
    exchange(session, client, b"answer")
    session.close()
    assert client.recv(1) == b""


def test_a_client_that_breaks_before_the_target_is_reached_is_let_go(house):
    hole = house.keep(BlackHole())
    relayed = Relayed(house, hole, hole).start()
    clients = [relayed.connect() for _ in range(5)]
    eventually(lambda: relayed.numbers()["connecting"] == 5, "it dials into the void")
    for client in clients:
        reset(client)
    eventually(lambda: relayed.numbers()["connecting"] == 0, "they are let go", 1.5)
    assert relayed.metric("refused_total") == 0


@pytest.mark.parametrize("forward", [True, False], ids=["client", "target"])
def test_the_end_comes_after_the_last_of_many_bytes(pair, forward):
    sender, receiver = pair.session() if forward else reversed(pair.session())
    sender.settimeout(None)

    def send_all():
        crc = send_blocks(sender, 3, 20 * 1000 * 1000 + 1)
        sender.shutdown(socket.SHUT_WR)
        return crc
    crc = aside(send_all)
    time.sleep(0.2)  # it fills what buffers there are before anybody reads
    assert receive_blocks(receiver, 20 * 1000 * 1000 + 1) == crc() and receiver.recv(1) == b""


def reset(connection):
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    connection.close()


@pytest.mark.parametrize("forward", [True, False], ids=["client", "target"])
def test_when_one_side_breaks_the_other_is_reset(pair, forward):
    breaks, other = pair.session() if forward else reversed(pair.session())
    exchange(breaks, other, b"half an ans")
    reset(breaks)
    assert ending(other) == "reset"


# -- back-pressure -------------------------------------------------------------------------------

def fill(sender, data):
    """Sends until nothing has gone for half a second; how much went."""
    sender.setblocking(False)
    sent = 0
    while sent < len(data) and select.select([], [sender], [], 0.5)[1]:
        sent += sender.send(data[sent:sent + (1 << 20)])
    sender.settimeout(20)
    return sent


@pytest.mark.parametrize("forward", [True, False], ids=["client", "target"])
def test_a_reader_that_stops_stalls_the_writer_and_costs_no_memory(pair, forward):
    sender, receiver = pair.session() if forward else reversed(pair.session())
    data = memoryview(random.Random(4).randbytes(100 << 20))
    before = resident_kib(pair.relayed.daemon.pid)
    sent = fill(sender, data)
    assert sent < 64 << 20, "nobody felt that nobody reads"
    assert resident_kib(pair.relayed.daemon.pid) - before < (8 if is_sanitized() else 1) << 10
    assert receive(receiver, sent) == data[:sent]
    exchange(sender, receiver, data[sent:])


def test_a_direction_that_is_stalled_does_not_stop_the_other(pair):
    client, session = pair.session()
    data = memoryview(random.Random(4).randbytes(100 << 20))
    sent = fill(client, data)
    chat_back = random.Random(6).randbytes(5 << 20)
    exchange(session, client, chat_back)
    assert receive(session, sent) == data[:sent]


# -- where it listens ----------------------------------------------------------------------------

def free_port(address):
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.create_server((address, 0), family=family) as listener:
        return listener.getsockname()[1]


def test_one_relay_listens_on_several_addresses_of_both_families(house):
    other, port6 = fresh_address(), free_port("::1")
    eu = house.keep(Target(says("eu")))
    relayed = Relayed(house, eu, "192.0.2.1:5432")
    relayed.daemon.write_config(endpoints={ENDPOINT: {"relay": {"listen": [
        f"{relayed.address}:5432", f"{other}:5433", f"[::1]:{port6}"]}}})
    relayed.start()
    for address, port in ((relayed.address, 5432), (other, 5433), ("::1", port6)):
        client = relayed.connect(address, port)
        assert receive(client, 2) == b"eu"
        exchange(client, client, b"and back")
    assert addresses(ask(relayed.daemon, DB)) == sorted([relayed.address, other])
    assert addresses(ask(relayed.daemon, DB, "AAAA")) == ["::1"]
    assert {each["client"].rpartition(":")[0] for each in relayed.connections()} == \
        {"127.0.0.1", "[::1]"}


def test_an_ipv6_target_is_reached_too(house):
    eu = house.keep(Target(says("eu"), "::1", 0))
    relayed = Relayed(house, eu, "192.0.2.1:5432").start()
    assert receive(relayed.connect(), 2) == b"eu"


def test_the_name_of_a_relay_has_its_address_and_nothing_else(pair):
    daemon = pair.relayed.daemon
    for region in (EU, US):
        daemon.switch(region)
        assert addresses(ask(daemon, DB)) == [daemon.address]
        for type_ in ("AAAA", "TXT", "CNAME", "MX"):
            answer = ask(daemon, DB, type_)
            assert rcode(answer) == "NOERROR" and not answer.answer and has_soa(answer)


def test_the_name_of_a_fenced_relay_is_answered_all_the_same(pair):
    with pair.relayed.fenced():
        assert addresses(ask(pair.relayed.daemon, DB)) == [pair.relayed.address]


def test_a_relay_on_a_wildcard_answers_the_address_that_the_file_names(house):
    port, eu = free_port("0.0.0.0"), house.keep(Target(says("eu")))
    relayed = Relayed(house, eu, "192.0.2.1:5432", relay={"listen": f"0.0.0.0:{port}"})
    relayed.daemon.write_config(endpoints={ENDPOINT: {"relay": {"address": relayed.address}}})
    relayed.start()
    assert addresses(ask(relayed.daemon, DB)) == [relayed.address]
    for address in (relayed.address, fresh_address()):
        assert receive(relayed.connect(address, port), 2) == b"eu"


def test_wildcards_of_both_families_stand_side_by_side(house):
    port, eu = free_port("0.0.0.0"), house.keep(Target(says("eu")))
    relayed = Relayed(house, eu, "192.0.2.1:5432", relay={
        "listen": [f"0.0.0.0:{port}", f"[::]:{port}"], "address": "::1"}).start()
    assert addresses(ask(relayed.daemon, DB, "AAAA")) == ["::1"]
    assert not addresses(ask(relayed.daemon, DB))
    for address in ("::1", relayed.address):
        assert receive(relayed.connect(address, port), 2) == b"eu"


@pytest.mark.parametrize("allow, warned", [(["127.0.0.0/8", "10.0.0.0/8"], True),
                                           (["127.0.0.0/8"], False)])
def test_a_loopback_answer_for_other_hosts_is_warned_about(house, allow, warned):
    relayed = Relayed(house, "192.0.2.1:5432", "192.0.2.2:5432", resolver={"allow": allow}).start()
    warnings = [line for line in relayed.daemon.log().splitlines() if "loopback_answer" in line]
    assert any(ENDPOINT in line for line in warnings) == warned


def test_several_relays_are_several_ways(house):
    targets = {name: house.keep(Target(says(name))) for name in ("orders", "users", "carts")}
    relayed = Relayed(house, targets["orders"], "192.0.2.1:5432")
    relayed.daemon.write_config(endpoints={f"{name}-db": {
        "type": "database", "group": group, "names": [f"{name}.shop.internal"],
        "targets": {EU: str(targets[name]), US: str(targets["orders"])},
        "relay": {"listen": f"{relayed.address}:{port}"}}
        for name, group, port in (("users", "data", 5433), ("carts", "more", 5434))})
    relayed.start()

    def who(port, size):
        return receive(relayed.connect(port=port), size)
    assert (who(5432, 6), who(5433, 5), who(5434, 5)) == (b"orders", b"users", b"carts")
    with relayed.fenced():
        assert is_quiet(relayed.connect(port=5433))
        assert who(5434, 5) == b"carts"
    relayed.daemon.cli("abort", expect=0)
    relayed.daemon.switch(US, "--group", "more")
    assert (who(5432, 6), who(5433, 5), who(5434, 6)) == (b"orders", b"users", b"orders")


# -- the way to the target -----------------------------------------------------------------------

def named(house, upstream, **options):
    """Targets by name, as the shop has them."""
    return Relayed(house, f"{EU_NAME}:{PORT}", f"{US_NAME}:{PORT}", [upstream], **options).start()


def lead(upstream, name, *to, ttl=0):
    """From now on the name has these addresses, in this order (which dnspython would shuffle)."""
    def answer(asked):
        head = wire.header(asked.message.id, wire.QR | wire.RD | wire.RA, an=len(to))
        return head + wire.question(name) + b"".join(
            wire.record(wire.QUESTION_AT, wire.A, socket.inet_aton(address), ttl)
            for address in to)
    upstream.script(name, answer, "A")


def test_each_connection_follows_the_address_that_the_name_has_then(house, upstream):
    first, second = house.keep(Target(says("one"))), house.keep(Target(says("two")))
    relayed = named(house, upstream)
    lead(upstream, EU_NAME, first.address)
    old = relayed.connect()
    assert receive(old, 3) == b"one"
    lead(upstream, EU_NAME, second.address)
    eventually(lambda: receive(relayed.connect(), 3) == b"two", "the new address is used", 4)
    exchange(old, old, b"still here")  # one that is open stays where it is


def test_the_next_address_is_tried_at_once_when_one_refuses(house, upstream):
    target = house.keep(Target(says("eu")))
    relayed = named(house, upstream)
    lead(upstream, EU_NAME, fresh_address(), fresh_address(), fresh_address(), target.address)
    for _ in range(5):
        began = time.monotonic()
        assert receive(relayed.connect(), 2) == b"eu"
        assert time.monotonic() - began < 1.9


def test_the_next_address_is_tried_after_two_seconds_of_silence(house, upstream):
    hole, target = house.keep(BlackHole()), house.keep(Target(says("eu")))
    relayed = named(house, upstream)
    lead(upstream, EU_NAME, hole.address, target.address)
    began = time.monotonic()
    clients = [relayed.connect() for _ in range(3)]
    for client in clients:
        client.sendall(b", patient")
        assert receive(client, 11) == b"eu, patient"
    assert 2 <= time.monotonic() - began < 3.9


def test_when_no_address_takes_it_the_client_is_reset(house, upstream):
    hole = house.keep(BlackHole())
    relayed = named(house, upstream)
    lead(upstream, EU_NAME, fresh_address(), fresh_address())
    began = time.monotonic()
    assert relayed.turn_away() == "reset" and time.monotonic() - began < 1.9
    lead(upstream, EU_NAME, hole.address, fresh_address())
    began = time.monotonic()
    assert eventually(lambda: relayed.turn_away() == "reset" and
                      time.monotonic() - began > 1.9, "two seconds, then a reset", 8)
    assert relayed.metric("refused_total", reason="unreachable") == relayed.numbers()["accepted"]


def test_a_name_without_an_address_is_asked_for_5_seconds(house, upstream):
    relayed = named(house, upstream)
    upstream.script(EU_NAME, lambda asked: asked.answer(rcode="SERVFAIL"))
    began = time.monotonic()
    patient = relayed.connect()
    patient.sendall(b"words")
    assert ending(patient, 10) == "reset"
    assert 4.9 < time.monotonic() - began < 6.5
    assert relayed.metric("refused_total", reason="unresolved") == 1


def test_a_name_that_gets_its_address_within_5_seconds_is_reached(house, upstream):
    target = house.keep(Target(says("eu")))
    relayed = named(house, upstream)
    upstream.script(EU_NAME, lambda asked: asked.answer(rcode="SERVFAIL"))
    client = relayed.connect()
    client.sendall(b", patient")
    time.sleep(1)
    assert relayed.states() == ["connecting"]
    upstream.forget()
    lead(upstream, EU_NAME, target.address)
    assert receive(client, 11) == b"eu, patient"


@pytest.mark.parametrize("failing", [lambda asked: asked.answer(rcode="SERVFAIL"), SILENT],
                         ids=["servfail", "silence"])
def test_a_stale_address_is_better_than_none(house, upstream, failing):
    target = house.keep(Target(says("eu")))
    relayed = named(house, upstream)
    lead(upstream, EU_NAME, target.address, ttl=1)
    assert receive(relayed.connect(), 2) == b"eu"
    answered = time.monotonic()
    upstream.script(EU_NAME, failing, "A")
    wait_past(answered + 1.5)
    asked = upstream.count(EU_NAME)
    assert receive(relayed.connect(), 2) == b"eu"
    assert upstream.count(EU_NAME) > asked


def test_a_target_that_is_the_relay_itself_is_no_loop(house, upstream):
    relayed = named(house, upstream)
    lead(upstream, EU_NAME, relayed.address)
    assert relayed.turn_away() == "reset"
    assert relayed.numbers()["accepted"] == 1


# -- reload --------------------------------------------------------------------------------------

def test_after_a_reload_connections_go_to_the_target_that_the_file_names_now(pair, house):
    client, session = pair.session()
    relayed, other = pair.relayed, house.keep(Target(says("other")))
    relayed.daemon.write_config(endpoints={ENDPOINT: {"targets": {EU: str(other)}}})
    chat(client, session)
    relayed.daemon.cli("reload", expect=0)
    assert receive(relayed.connect(), 5) == b"other"
    assert pair.eu.count == 1


def test_a_reload_that_is_about_something_else_leaves_connections_alone(pair):
    client, session = pair.session()
    pair.relayed.daemon.write_config(endpoints={"api": {"targets": {EU: "192.0.2.99"}}})
    pair.relayed.daemon.cli("reload", expect=0)
    assert addresses(ask(pair.relayed.daemon, "api.shop.internal")) == ["192.0.2.99"]
    chat(client, session)


@pytest.mark.parametrize("listen", ["{}:5999", ["{}:5432", "{}:5999"], None])
def test_a_reload_cannot_move_a_relay(pair, listen):
    client, session = pair.session()
    relayed = pair.relayed
    changed = [text.format(relayed.address) for text in listen] if isinstance(listen, list) \
        else listen and listen.format(relayed.address)
    relayed.daemon.write_config(endpoints={ENDPOINT: {
        "relay": {"listen": changed} if listen else None}})
    result = relayed.daemon.cli("reload", expect=2)
    assert "relay" in result.err + result.out
    chat(client, session)
    relayed.connect()
    pair.eu.session()
