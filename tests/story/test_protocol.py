"""How the daemon speaks DNS: codes, sizes, connections, who is answered (pilotlightd(8))."""
import os
import socket
import struct
import time

import dns.edns
import dns.flags
import dns.message
import dns.rdatatype
import pytest

from lib import wire
from lib.ask import SILENCE, Stream, addresses, ask, flag, question, rcode, reasons, udp
from lib.machine import eventually, resident_kib
from lib.upstream import Later


@pytest.fixture(scope="module")
def upstream(module_house):
    return module_house.upstream()


@pytest.fixture(scope="module")
def daemon(module_house, upstream):
    return module_house.daemon([upstream]).start()


@pytest.fixture(autouse=True)
def nothing_scripted(upstream):
    upstream.forget()


def send(daemon, data, tcp=False, timeout=SILENCE):
    """One message by hand; its answer's bytes or None."""
    to = (daemon.address, daemon.port)
    if not tcp:
        return udp(to, data, timeout)
    with Stream(to, timeout) as stream:
        stream.send_message(data)
        try:
            return stream.receive()
        except (TimeoutError, ConnectionResetError):
            return None


# -- codes ---------------------------------------------------------------------------------------

@pytest.mark.parametrize("name", ["www.example.net", "api.shop.internal", "search.shop.internal",
                                  "db.shop.internal"])
def test_any_gives_one_hinfo_as_rfc_8482_says(daemon, upstream, name):
    answer = ask(daemon, name, "ANY")
    assert rcode(answer) == "NOERROR"
    assert len(answer.answer) == 1 and answer.answer[0].rdtype == dns.rdatatype.HINFO
    assert answer.answer[0][0].cpu == b"RFC8482"
    assert upstream.count() == 0


@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_reply_is_never_answered(daemon, tcp):
    assert send(daemon, wire.query("api.shop.internal", flags=wire.QR | wire.RD), tcp) is None


@pytest.mark.parametrize("opcode", [1, 2, 3, 4, 5, 6, 15])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_an_opcode_other_than_query_gives_notimp(daemon, opcode, tcp):
    data = send(daemon, wire.query("api.shop.internal", flags=opcode << 11 | wire.RD), tcp, 5)
    flags = struct.unpack_from("!H", data, 2)[0]
    assert data[:2] == b"\x12\x34" and flags & wire.QR
    assert flags & 15 == 4 and flags >> 11 & 15 == opcode


@pytest.mark.parametrize("count", [0, 2, 3, 65535])
@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_question_count_other_than_one_gives_formerr(daemon, count, tcp):
    data = send(daemon, wire.header(qd=count) + wire.question("api.shop.internal") * min(count, 3),
                tcp, 5)
    assert data[:2] == b"\x12\x34" and data[3] & 15 == 1 and data[2] & 0x80


@pytest.mark.parametrize("version", [1, 2, 255])
def test_an_edns_version_other_than_0_gives_badvers(daemon, version):
    answer = ask(daemon, "api.shop.internal", version=version)
    assert rcode(answer) == "BADVERS" and answer.edns == 0 and not answer.answer


def test_an_opt_is_answered_with_an_opt_and_none_without(daemon):
    for name in ("api.shop.internal", "www.example.net", "nowhere.example.net"):
        assert ask(daemon, name).edns == -1
        answer = ask(daemon, name, edns=4096)
        assert answer.edns == 0 and answer.payload == 1232


def test_do_comes_back_as_it_was_asked(daemon):
    for name in ("api.shop.internal", "www.example.net"):
        assert ask(daemon, name, do=True).ednsflags & dns.flags.DO
        assert not ask(daemon, name, edns=1232).ednsflags & dns.flags.DO


def test_an_unknown_edns_option_is_ignored(daemon):
    option = dns.edns.GenericOption(65001, b"whatever")
    assert addresses(ask(daemon, "api.shop.internal", options=[option])) == ["192.0.2.10"]


# -- sizes ---------------------------------------------------------------------------------------

def big_answers(upstream):
    """big.example.net: an alias, then a TXT set of 3 KB. many: 100 addresses. chain: both."""
    texts = [f'big-txt.example.net. 60 TXT "{i:03}{"x" * 197}"' for i in range(15)]
    upstream.script("big.example.net", lambda asked: asked.answer(
        "big.example.net. 60 CNAME big-txt.example.net.", *texts))
    many = [f"many.example.net. 60 A 192.0.2.{i}" for i in range(100)]
    upstream.script("many.example.net", lambda asked: asked.answer(*many))
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        *[text.replace("many", "search-eu") for text in many]))


SIZES = [(None, 512), (512, 512), (600, 600), (1232, 1232), (4096, 1232), (65535, 1232), (0, 512)]


@pytest.mark.parametrize("name, type_", [("big.example.net", "TXT"), ("many.example.net", "A"),
                                         ("search.shop.internal", "A")])
@pytest.mark.parametrize("size, limit", SIZES)
def test_an_answer_over_udp_is_cut_on_whole_rrsets(daemon, upstream, name, type_, size, limit):
    big_answers(upstream)
    whole = ask(daemon, name, type_, tcp=True)
    assert not flag(whole, "TC") and len(whole.to_wire()) > 1232
    query = question(name, type_)
    if size is not None:
        query.use_edns(0, 0, size)
    data = udp((daemon.address, daemon.port), query.to_wire())
    assert len(data) <= limit
    cut = dns.message.from_wire(data)
    assert flag(cut, "TC") and cut.question == query.question
    assert (cut.edns == 0) == (size is not None)
    sizes = {(rrset.name, rrset.rdtype): len(rrset) for rrset in whole.answer}
    for rrset in cut.answer:
        assert len(rrset) == sizes[rrset.name, rrset.rdtype], "half an RRset"


def test_an_answer_of_64_kb_comes_whole_over_tcp(daemon, upstream):
    texts = [f'huge.example.net. 60 TXT "{i:04}{"x" * 246}"' for i in range(245)]
    upstream.script("huge.example.net", lambda asked: asked.answer(
        *texts) if asked.transport == "tcp" else asked.answer(
        'huge.example.net. 60 TXT "cut"', flags=dns.flags.TC))
    for _ in range(2):
        answer = ask(daemon, "huge.example.net", "TXT", tcp=True)
        assert len(answer.answer[0]) == 245


# -- connections ---------------------------------------------------------------------------------

def test_questions_can_be_pipelined_and_all_are_answered(daemon, upstream):
    upstream.script("slow.example.net", lambda asked: Later(0.5, asked.answer(
        "slow.example.net. 60 A 192.0.2.9")))
    names = ["slow.example.net"] + ["api.shop.internal", "www.example.net"] * 20
    with Stream((daemon.address, daemon.port)) as stream:
        queries = [question(name) for name in names]
        for id_, query in enumerate(queries):
            query.id = id_
        stream.send(b"".join(struct.pack("!H", len(data)) + data
                             for data in (query.to_wire() for query in queries)))
        answers = [dns.message.from_wire(stream.receive()) for _ in names]
    assert sorted(answer.id for answer in answers) == list(range(len(names)))
    for answer in answers:
        assert answer.question == queries[answer.id].question and answer.answer
    assert answers[-1].id == 0, "a slow question held up the ones behind it"


def test_a_connection_can_be_used_again_and_again(daemon):
    with Stream((daemon.address, daemon.port)) as stream:
        for id_ in range(50):
            stream.send_message(wire.query("api.shop.internal", id_=id_))
            assert stream.receive()[:2] == struct.pack("!H", id_)


def test_a_half_closed_connection_still_gets_its_answers(daemon, upstream):
    upstream.script("late.example.net", lambda asked: Later(0.4, asked.answer(
        "late.example.net. 60 A 192.0.2.9")))
    with Stream((daemon.address, daemon.port)) as stream:
        stream.send_message(wire.query("late.example.net", id_=1))
        stream.send_message(wire.query("api.shop.internal", id_=2))
        stream.socket.shutdown(socket.SHUT_WR)
        assert {stream.receive()[:2], stream.receive()[:2]} == {b"\0\1", b"\0\2"}
        assert stream.is_closed_by_server(5)


def test_a_question_that_drips_in_byte_by_byte_is_answered_and_holds_up_nobody(daemon):
    data = wire.query("api.shop.internal")
    with Stream((daemon.address, daemon.port)) as stream:
        for byte in struct.pack("!H", len(data)) + data:
            stream.send(bytes([byte]))
            started = time.monotonic()
            assert addresses(ask(daemon, "api.shop.internal"))
            assert time.monotonic() - started < 0.5
        assert stream.receive()[:2] == b"\x12\x34"


@pytest.mark.slow
def test_an_idle_connection_is_closed(daemon):
    with Stream((daemon.address, daemon.port)) as idle, \
            Stream((daemon.address, daemon.port)) as half_a_question:
        half_a_question.send(b"\0")
        assert idle.is_closed_by_server(35)
        assert half_a_question.is_closed_by_server(35)


def test_a_flood_of_connections_is_capped_and_udp_goes_on(module_house, upstream):
    daemon = module_house.daemon([upstream]).start()
    streams = []
    try:
        for _ in range(900):
            try:
                streams.append(Stream((daemon.address, daemon.port), 1))
            except OSError:
                break
        assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
        assert len(os.listdir(f"/proc/{daemon.pid}/fd")) < 600, "connections are not capped"
    finally:
        for stream in streams:
            stream.close()
    eventually(lambda: answers_over_tcp(daemon), "TCP is served again")


def answers_over_tcp(daemon):
    try:
        return addresses(ask(daemon, "api.shop.internal", tcp=True)) == ["192.0.2.10"]
    except (OSError, AssertionError):
        return False


def test_a_client_that_reads_nothing_costs_little_and_harms_nobody(daemon, upstream):
    big_answers(upstream)
    before = resident_kib(daemon.pid)
    query = question("big.example.net", "TXT").to_wire()
    framed = struct.pack("!H", len(query)) + query
    with Stream((daemon.address, daemon.port), 1) as greedy:
        greedy.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        try:
            for _ in range(200):
                greedy.send(framed * 100)
        except (TimeoutError, ConnectionError):
            pass
        started = time.monotonic()
        assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
        assert time.monotonic() - started < 1
        assert resident_kib(daemon.pid) - before < 16 << 10


# -- who is answered -----------------------------------------------------------------------------

def test_clients_outside_allow_get_no_answer(module_house, upstream):
    daemon = module_house.daemon([upstream], resolver={"allow": ["127.9.0.0/16"]}).start()
    to = (daemon.address, daemon.port)
    data = question("api.shop.internal").to_wire()
    assert udp(to, data, SILENCE, source="127.8.0.1") is None
    assert addresses(ask(daemon, "api.shop.internal", source="127.9.8.7")) == ["192.0.2.10"]
    assert addresses(ask(daemon, "api.shop.internal", tcp=True, source="127.9.8.7"))
    with Stream(to, 3, source="127.8.0.1") as stream:
        try:
            stream.send_message(data)
            assert stream.receive() is None
        except ConnectionError:
            pass


# -- extended errors -----------------------------------------------------------------------------

def test_extended_errors_need_an_opt_to_travel_in(daemon, upstream):
    upstream.script("*", lambda asked: asked.answer(rcode="SERVFAIL"))
    assert ask(daemon, "fails.example.net").edns == -1
    assert set(reasons(ask(daemon, "fails.example.net", edns=1232))) <= {13, 22, 23}
