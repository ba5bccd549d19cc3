"""The same list from the other side: an upstream that lies, errs or breaks off.

A bad or foreign reply is discarded and the wait goes on: the good reply that follows it is the
answer. Alone, a bad reply leads to SERVFAIL, and what it said (6.6.6.6) never reaches a client.
"""
import concurrent.futures
import pathlib
import socket
import struct

import dns.flags
import pytest

from lib import wire
from lib.ask import ask, addresses, rcode
from lib.machine import resident_kib
from lib.upstream import CLOSE, Drip, Later, Raw
from lib.wire import (A, AAAA, CNAME, NS, QR, QUESTION_AT, RA, RD, SOA, TC, TXT, header, name, opt,
                      question, record, tsig)

POISON = b"\6\6\6\6"
REPLY = QR | RD | RA
LONG_256 = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3e" + b"a" * 62 + b"\0"


def reply(asked, answers=(), flags=REPLY, id_=None, asks=None, tail=b"", **counts):
    """A reply to `asked` with these records; counts may lie."""
    counts = {"qd": 1, "an": len(answers), **counts}
    asks = asks if asks is not None else asked.wire[12:12 + len(name(asked.name)) + 4]
    return header(asked.message.id if id_ is None else id_, flags, **counts) + asks + \
        b"".join(answers) + tail


def poison(owner=QUESTION_AT, **options):
    return record(owner, A, POISON, **options)


def pointer(offset):
    return bytes([0xC0 | offset >> 8, offset & 255])


def flip_case(data):
    return bytes(byte ^ 32 if chr(byte).isalpha() else byte for byte in data)


CASES = {
    **{f"{size}_bytes": lambda q, size=size: reply(q, [poison()])[:size]
       for size in (0, 1, 2, 3, 11)},
    "a_header_alone": lambda q: reply(q, asks=b"", qd=0),
    "qr_0": lambda q: reply(q, [poison()], flags=RD | RA),
    "opcode_2": lambda q: reply(q, [poison()], flags=REPLY | 2 << 11),
    "no_question": lambda q: reply(q, [poison(q.name)], asks=b"", qd=0),
    "two_questions": lambda q: reply(q, [poison()], asks=question(q.name) * 2, qd=2),
    "wrong_id": lambda q: reply(q, [poison()], id_=q.message.id ^ 1),
    "wrong_name": lambda q: reply(q, [poison()], asks=question("other.example.net")),
    "wrong_type": lambda q: reply(q, [poison()], asks=question(q.name, AAAA)),
    "wrong_class": lambda q: reply(q, [poison()], asks=question(q.name, A, 3)),
    "a_longer_name": lambda q: reply(q, [poison()], asks=question("x." + q.name)),
    "answers_counted_but_missing": lambda q: reply(q, [poison()], an=2),
    "authority_counted_but_missing": lambda q: reply(q, [poison()], ns=1),
    "additional_counted_but_missing": lambda q: reply(q, [poison()], ar=65535),
    "a_pointer_to_itself": lambda q: reply(q, [poison(pointer(12 + len(name(q.name)) + 4))]),
    "a_pointer_forward": lambda q: reply(q, [poison(pointer(12 + len(name(q.name)) + 4 + 10))]),
    "a_pointer_out_of_range": lambda q: reply(q, [poison(pointer(0x3FFF))]),
    "pointers_in_a_circle": lambda q: reply(q, [poison(
        b"\1a" + pointer(12 + len(name(q.name)) + 4))]),
    "half_a_pointer": lambda q: reply(q, [b"\xc0"], an=1),
    **{f"a_label_of_type_{size}": lambda q, size=size: reply(
        q, [poison(bytes([size]) + b"a" * size + b"\0")]) for size in (64, 127, 128, 191)},
    "a_name_of_256_bytes": lambda q: reply(q, [poison(LONG_256)]),
    "a_without_rdata": lambda q: reply(q, [record(QUESTION_AT, A, b"")]),
    "a_of_3_bytes": lambda q: reply(q, [record(QUESTION_AT, A, POISON[:3])]),
    "a_of_8_bytes": lambda q: reply(q, [record(QUESTION_AT, A, POISON * 2)]),
    "rdata_beyond_the_end": lambda q: reply(q, [poison(rdlength=400)]),
    "a_cname_longer_than_its_name": lambda q: reply(
        q, [record(QUESTION_AT, CNAME, name("x.example.net") + b"junk"), poison("x.example.net")]),
    "a_cname_cut_short": lambda q: reply(
        q, [record(QUESTION_AT, CNAME, name("x.example.net")[:-3])]),
    "opt_twice": lambda q: reply(q, [poison()], ar=2, tail=opt() * 2),
    "opt_among_the_answers": lambda q: reply(q, [poison(), opt()]),
    "opt_in_the_authority": lambda q: reply(q, [poison()], ns=1, tail=opt()),
    "opt_that_is_not_the_roots": lambda q: reply(
        q, [poison()], ar=1, tail=opt(owner=name("x.test"))),
    "opt_with_an_option_too_long": lambda q: reply(
        q, [poison()], ar=1, tail=opt(rdata=b"\0\x0f\0\xff12")),
    "tsig_twice": lambda q: reply(q, [poison()], ar=2, tail=tsig() * 2),
    "an_address_for_another_name": lambda q: reply(q, [poison("other.example.net")]),
    "an_answer_of_another_class": lambda q: reply(q, [poison(class_=3)]),
}

# Servers differ on these and may: the reply may count or not, but nothing may break.
TOLERATED = {
    "trailing_bytes": lambda q: reply(q, [record(QUESTION_AT, A, b"\xc0\0\2\x50")], tail=b"junk"),
    "another_case": lambda q: reply(q, [record(QUESTION_AT, A, b"\xc0\0\2\x50")],
                                    asks=flip_case(q.wire[12:12 + len(name(q.name))]) +
                                    question("", A)[1:]),
    "a_ttl_with_its_highest_bit": lambda q: reply(
        q, [record(QUESTION_AT, A, b"\xc0\0\2\x50", ttl=0x80000001)]),
    "opt_of_version_1": lambda q: reply(
        q, [record(QUESTION_AT, A, b"\xc0\0\2\x50")], ar=1, tail=opt(version=1)),
    "nul_in_a_name_of_the_authority": lambda q: reply(
        q, [record(QUESTION_AT, A, b"\xc0\0\2\x50")], ns=1,
        tail=record(b"\3a\0b\4c..d\0", NS, name("ns.test"))),
    "an_address_beside_a_cname": lambda q: reply(
        q, [record(QUESTION_AT, CNAME, name("q2.example.net")), poison(),
            record("q2.example.net", A, b"\xc0\0\2\x50")]),
    "two_cnames_of_one_name": lambda q: reply(
        q, [record(QUESTION_AT, CNAME, name("one.example.net")),
            record(QUESTION_AT, CNAME, name("two.example.net")),
            record("one.example.net", A, b"\xc0\0\2\x50")]),
    "class_of_the_opt_0": lambda q: reply(
        q, [record(QUESTION_AT, A, b"\xc0\0\2\x50")], ar=1, tail=opt(size=0)),
}


@pytest.fixture(scope="module")
def upstream(module_house):
    return module_house.upstream()


@pytest.fixture(scope="module")
def daemon(module_house, upstream):
    return module_house.daemon([upstream]).start()


@pytest.fixture(autouse=True)
def nothing_scripted(upstream):
    upstream.forget()


def host(case, kind):
    return f"{kind}-{case.replace('_', '-')}.example.net"


def good(asked):
    return asked.answer(f"{asked.name}. 60 A 192.0.2.80")


def over_tcp(asked, make):
    """Sends the daemon to TCP first."""
    if asked.transport == "udp":
        return asked.answer(flags=dns.flags.TC, rcode="NOERROR", authority=[
            "example.net. 60 SOA ns.example.net. root.example.net. 1 3600 600 86400 60"])
    return make(asked)


def serves(daemon):
    return addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"] and \
        addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]


@pytest.mark.parametrize("case", CASES)
def test_over_udp_a_bad_reply_is_discarded_and_the_wait_goes_on(daemon, upstream, case):
    upstream.script(host(case, "then"), lambda asked: [CASES[case](asked), Later(0.1, good(asked))])
    answer = ask(daemon, host(case, "then"))
    assert addresses(answer) == ["192.0.2.80"], case
    assert serves(daemon)


@pytest.fixture(scope="module")
def alone(module_house):
    """The answers to all cases where nothing better follows, asked at once: each takes seconds."""
    upstream = module_house.upstream()
    daemon = module_house.daemon([upstream]).start()
    for case in CASES:
        upstream.script(host(case, "alone"), CASES[case])
    with concurrent.futures.ThreadPoolExecutor(len(CASES)) as pool:
        answers = pool.map(lambda case: ask(daemon, host(case, "alone")), CASES)
        answers = dict(zip(CASES, answers))
    assert serves(daemon)
    assert all(upstream.count(host(case, "alone")) for case in CASES)
    return answers


@pytest.mark.parametrize("case", CASES)
def test_over_udp_a_bad_reply_alone_is_never_the_answer(alone, case):
    assert rcode(alone[case]) == "SERVFAIL" and not alone[case].answer


@pytest.mark.parametrize("case", [case for case in CASES if case != "0_bytes"])
def test_over_tcp_a_bad_reply_never_reaches_a_client(daemon, upstream, case):
    upstream.script(host(case, "tcp"), lambda asked: over_tcp(asked, lambda asked: [
        CASES[case](asked), Later(0.1, good(asked))]))
    answer = ask(daemon, host(case, "tcp"))
    assert addresses(answer) == ["192.0.2.80"] or rcode(answer) == "SERVFAIL"
    assert serves(daemon)


@pytest.mark.parametrize("case", CASES)
def test_a_bad_reply_about_a_target_is_never_the_answer_to_a_managed_name(
        daemon, upstream, case):
    daemon.cli("flush", expect=0)
    upstream.script("search-eu.example.net", lambda asked: [
        CASES[case](asked), Later(0.1, good(asked))])
    assert addresses(ask(daemon, "search.shop.internal")) == ["192.0.2.80"]
    assert serves(daemon)


@pytest.mark.parametrize("case", TOLERATED)
def test_an_odd_reply_breaks_nothing(daemon, upstream, case):
    upstream.script(host(case, "odd"), lambda asked: [
        TOLERATED[case](asked), Later(0.1, good(asked))])
    answer = ask(daemon, host(case, "odd"))
    assert addresses(answer) == ["192.0.2.80"]
    assert serves(daemon)


def test_answers_of_a_cut_reply_are_not_used(daemon, upstream):
    upstream.script("cut.example.net", lambda asked: reply(
        asked, [poison()], flags=REPLY | TC) if asked.transport == "udp" else good(asked))
    assert addresses(ask(daemon, "cut.example.net")) == ["192.0.2.80"]


@pytest.mark.parametrize("names", [["loop1"], ["loop1", "loop2"], ["loop1", "loop2", "loop3"]],
                         ids=["itself", "two", "three"])
def test_cnames_in_a_circle_are_a_servfail(daemon, upstream, names):
    turns = dict(zip(names, names[1:] + names[:1]))
    upstream.script("loop1.example.net", lambda asked: reply(asked, [
        record(f"{one}.example.net", CNAME, name(f"{next_}.example.net"))
        for one, next_ in turns.items()]))
    assert rcode(ask(daemon, "loop1.example.net")) == "SERVFAIL"
    assert serves(daemon)
    daemon.cli("flush", expect=0)


def test_a_reply_from_another_address_is_not_heard(daemon, upstream):
    """Sent to the very port that asked, with the right id and question."""
    stranger = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    ports = []

    def from_elsewhere(asked):
        for port in open_udp_ports(daemon.pid, upstream):
            ports.append(port)
            stranger.sendto(reply(asked, [poison()]), port)
        return Later(0.2, good(asked))

    upstream.script("foreign.example.net", from_elsewhere)
    assert addresses(ask(daemon, "foreign.example.net")) == ["192.0.2.80"]
    assert ports, "the daemon's socket was not found"
    stranger.close()


def open_udp_ports(pid, upstream):
    """The local ends of the daemon's UDP sockets that are connected to the upstream."""
    wanted = struct.pack("<I", struct.unpack(">I", socket.inet_aton(upstream.address))[0]).hex()
    for line in pathlib.Path(f"/proc/{pid}/net/udp").read_text().splitlines()[1:]:
        local, remote = line.split()[1:3]
        if remote.upper() == f"{wanted.upper()}:{upstream.port:04X}":
            address, port = local.split(":")
            yield (socket.inet_ntoa(struct.pack("<I", int(address, 16))), int(port, 16))


STREAMS = {
    "close_at_once": lambda q: CLOSE,
    "length_0": lambda q: Raw(b"\0\0"),
    "length_1": lambda q: Raw(b"\0\1x"),
    "length_65535_then_close": lambda q: [Raw(b"\xff\xff"), CLOSE],
    "length_65535_then_half": lambda q: [Raw(b"\xff\xff" + b"\0" * 30000), CLOSE],
    "close_mid_message": lambda q: [Raw(b"\0\x60" + good(q).to_wire()[:20]), CLOSE],
    "garbage": lambda q: Raw(b"\x16\x03\x01" + b"\xaa" * 5000),
}


@pytest.mark.parametrize("case", STREAMS)
def test_a_broken_stream_from_upstream_is_a_servfail(daemon, upstream, case):
    upstream.script("*", lambda asked: over_tcp(asked, STREAMS[case]))
    assert rcode(ask(daemon, host(case, "stream"))) == "SERVFAIL"
    upstream.forget()
    assert serves(daemon)
    upstream.script("*", lambda asked: over_tcp(asked, good))
    assert addresses(ask(daemon, host(case, "next"))) == ["192.0.2.80"], "it was used again"


def test_a_reply_that_drips_over_tcp_is_put_together(house, upstream):
    daemon = house.daemon([upstream]).start()
    upstream.script("drip.example.net", lambda asked: over_tcp(
        asked, lambda asked: Drip(good(asked).to_wire(), 0.01)))
    assert addresses(ask(daemon, "drip.example.net")) == ["192.0.2.80"]


def hostile_64k():
    """Replies of nearly 64 KB over TCP that are dear to those who build objects of them."""
    long_name = b"".join(b"\x3f" + bytes([97 + i]) * 63 for i in range(3)) + b"\0"
    return {
        "a_txt_of_empty_strings": lambda q: reply(q, [record(QUESTION_AT, TXT, b"\0" * 60000)]),
        "thousands_of_addresses": lambda q: reply(
            q, [record(QUESTION_AT, A, b"\xc0\0\2\x50")] * 3900),
        "thousands_of_cnames": lambda q: reply(q, [
            record(name(f"n{i}.example.net"), CNAME, name(f"n{i + 1}.example.net"))
            for i in range(1300)]),
        "thousands_of_long_names": lambda q: reply(q, [], ns=290, tail=record(
            long_name, NS, b"\1a\0") * 290),
        "an_opt_of_thousands_of_options": lambda q: reply(
            q, [], ar=1, tail=opt(rdata=b"\xfd\xe9\0\0" * 15000)),
        "thousands_of_tsigs": lambda q: reply(q, [], ar=900, tail=tsig() * 900),
    }


@pytest.mark.parametrize("case", hostile_64k())
def test_a_hostile_64_kb_reply_costs_less_than_a_megabyte(daemon, upstream, case):
    make = hostile_64k()[case]
    upstream.script("*", lambda asked: over_tcp(asked, make))
    # buffers that are kept, the cached copy of 64 KB, the allocator's arenas
    with concurrent.futures.ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda i: ask(daemon, f"warm{i}.example.net", "TXT", tcp=True), range(3)))
    before = resident_kib(daemon.pid)
    ask(daemon, "hostile.example.net", "TXT", tcp=True)
    assert resident_kib(daemon.pid) - before < 1024
    daemon.cli("flush", expect=0)
    upstream.forget()
    assert serves(daemon)
