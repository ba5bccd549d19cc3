"""The malformed list of RFC 9267 and its kin, sent by a client over UDP and TCP.

Each case says what may come back: a code, or None for silence. Whatever it is, the daemon serves
correctly right afterwards and the case cost it no memory.
"""
import struct

import dns.message
import pytest

from lib import wire
from lib.ask import SILENCE, Stream, addresses, ask, udp
from lib.machine import resident_kib
from lib.wire import (A, CNAME, NS, OPT, QR, QUESTION_AT, RD, TC, TXT, header, name, opt, query,
                      question, record, tsig)

NOERROR, FORMERR, SERVFAIL, NXDOMAIN, NOTIMP, REFUSED, BADVERS = 0, 1, 2, 3, 4, 5, 16
BAD = {FORMERR, None}  # refused, or not worth a word
HARMLESS = {NOERROR, FORMERR, NXDOMAIN, None}  # servers differ and both are right
MANAGED = "api.shop.internal"

LONG_255 = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3d" + b"a" * 61 + b"\0"
LONG_256 = b"".join(b"\x3f" + b"a" * 63 for _ in range(3)) + b"\x3e" + b"a" * 62 + b"\0"


def raw(owner, **counts):
    return query(owner, **counts)


def pointer(offset):
    return struct.pack("!H", 0xC000 | offset)


CASES = {
    **{f"{size}_bytes": (header()[:size], {None}) for size in range(1, 12)},
    "a_header_alone": (header(), BAD),
    "a_header_without_questions": (header(qd=0), {FORMERR}),
    "qr_1": (query(MANAGED, flags=QR | RD), {None}),
    "opcode_2": (query(MANAGED, flags=2 << 11), {NOTIMP}),
    "two_questions": (header(qd=2) + question(MANAGED) * 2, {FORMERR}),
    "an_answer_in_the_query": (query(MANAGED, an=1, tail=record(MANAGED, A, b"\6\6\6\6")),
                               HARMLESS),
    "an_authority_in_the_query": (query(MANAGED, ns=1, tail=record(MANAGED, NS, name("x.test"))),
                                  HARMLESS),
    "answers_counted_but_missing": (query(MANAGED, an=7), BAD),
    "authority_counted_but_missing": (query(MANAGED, ns=65535), BAD),
    "additional_counted_but_missing": (query(MANAGED, ar=1), BAD),
    "trailing_bytes": (query(MANAGED, tail=b"trailing"), HARMLESS),
    "a_name_without_end": (header() + name(MANAGED)[:-1], BAD),
    "a_question_without_type": (header() + name(MANAGED), BAD),
    "a_question_without_class": (header() + name(MANAGED) + b"\0\1", BAD),
    "a_pointer_to_itself": (raw(pointer(12)), BAD),
    "a_pointer_forward": (raw(pointer(20) + b"\0\0\0\0\0\0"), BAD),
    "pointers_in_a_circle": (raw(b"\1a" + pointer(16) + pointer(12)), BAD),
    "a_label_and_a_pointer_to_it": (raw(b"\1a" + pointer(12)), BAD),
    "a_pointer_into_the_header": (raw(pointer(0)), BAD | {NXDOMAIN, SERVFAIL}),
    "a_pointer_out_of_range": (raw(pointer(0x3FFF)), BAD),
    "half_a_pointer": (header() + b"\xc0", BAD),
    **{f"a_label_of_type_{size}": (raw(bytes([size]) + b"a" * size + b"\0"), BAD)
       for size in (64, 65, 127, 128, 191)},
    "a_label_beyond_the_end": (header() + b"\x3fabc", BAD),
    "a_name_of_255_bytes": (raw(LONG_255), {NXDOMAIN}),
    "a_name_of_256_bytes": (raw(LONG_256), BAD),
    "a_name_of_65000_bytes": (header() + b"\1a" * 600 + b"\0\0\1\0\1", BAD),
    "nul_in_a_label": (raw(b"\3a\0b\4shop\10internal\0"), {NXDOMAIN}),
    "a_dot_in_a_label": (raw(b"\10api.shop\10internal\0"), {NXDOMAIN}),
    "an_rdlength_beyond_the_end": (query(MANAGED, an=1, tail=record(MANAGED, A, b"\6\6\6\6",
                                                                    rdlength=400)), BAD),
    "an_rdlength_of_0": (query(MANAGED, an=1, tail=record(MANAGED, A, b"")), HARMLESS),
    "an_rdlength_too_short": (query(MANAGED, an=1, tail=record(MANAGED, A, b"\6\6\6\6",
                                                               rdlength=2)), HARMLESS),
    "opt_twice": (query(MANAGED, ar=2, tail=opt() * 2), {FORMERR}),
    "opt_among_the_answers": (query(MANAGED, an=1, tail=opt()), HARMLESS),
    "opt_in_the_authority": (query(MANAGED, ns=1, tail=opt()), HARMLESS),
    "opt_that_is_not_the_roots": (query(MANAGED, ar=1, tail=opt(owner=name("x.test"))), {FORMERR}),
    "opt_with_an_option_too_long": (query(MANAGED, ar=1, tail=opt(rdata=b"\0\x0a\0\xff1234")),
                                    {FORMERR}),
    "opt_with_half_an_option": (query(MANAGED, ar=1, tail=opt(rdata=b"\0\x0a\0")), {FORMERR}),
    "opt_beyond_the_end": (query(MANAGED, ar=1, tail=opt(rdlength=500)), BAD),
    "opt_of_version_1": (query(MANAGED, ar=1, tail=opt(version=1)), {BADVERS}),
    "tsig_twice": (query(MANAGED, ar=2, tail=tsig() * 2), HARMLESS),
    "a_ttl_with_its_highest_bit": (query(MANAGED, an=1, tail=record(
        MANAGED, A, b"\6\6\6\6", ttl=0xFFFFFFFF)), HARMLESS),
    "tc_in_a_query": (query(MANAGED, flags=RD | TC), HARMLESS),
    "class_0": (query(MANAGED, class_=0), None),
    "class_any": (query(MANAGED, class_=255), None),
    "class_chaos": (query("version.bind", type_=TXT, class_=3), None),
    "type_0": (query("www.example.net", type_=0), None),
    "type_opt_as_a_question": (query("www.example.net", type_=OPT), None),
    "type_tsig_as_a_question": (query("www.example.net", type_=250), None),
    "type_axfr": (query("www.example.net", type_=252), None),
    "type_ixfr": (query("www.example.net", type_=251), None),
    "the_root": (query("."), HARMLESS | {SERVFAIL}),
}


@pytest.fixture(scope="module")
def daemon(module_house):
    return module_house.daemon([module_house.upstream()]).start()


def code_of(answer):
    """The RCODE, extended by the OPT's part where there is one."""
    if answer[4:6] != b"\0\1":  # without its question
        return answer[3] & 15
    return int(dns.message.from_wire(answer).rcode())


def judge(answer, data, allowed):
    """Any answer repeats the id and has QR; and it is one of those that may be."""
    if answer is None:
        assert allowed is None or None in allowed, "silence"
        return
    assert answer[:2] == data[:2] and answer[2] & 0x80
    assert b"\6\6\6\6" not in answer
    assert allowed is None or code_of(answer) in allowed, f"code {code_of(answer)}"


def serves(daemon):
    return addresses(ask(daemon, MANAGED)) == ["192.0.2.10"] and \
        addresses(ask(daemon, "www.example.net", tcp=True)) == ["192.0.2.80"]


@pytest.mark.parametrize("case", CASES)
def test_over_udp(daemon, case):
    data, allowed = CASES[case]
    waits = SILENCE if allowed is not None and None in allowed else 5
    judge(udp((daemon.address, daemon.port), data, waits), data, allowed)
    assert serves(daemon)


@pytest.mark.parametrize("case", CASES)
def test_over_tcp(daemon, case):
    data, allowed = CASES[case]
    waits = SILENCE if allowed is not None and None in allowed else 5
    with Stream((daemon.address, daemon.port), waits) as stream:
        stream.send_message(data)
        try:
            answer = stream.receive()
        except (TimeoutError, ConnectionResetError):
            answer = None
        judge(answer, data, allowed)
    assert serves(daemon)


def test_an_empty_datagram_is_not_answered(daemon):
    assert udp((daemon.address, daemon.port), b"", SILENCE) is None
    assert serves(daemon)


FRAMES = {
    "length_0": b"\0\0",
    "length_0_many_times": b"\0\0" * 5000,
    "length_1": b"\0\1x",
    "length_11": b"\0\x0b" + b"x" * 11,
    "length_65535_of_zeroes": b"\xff\xff" + b"\0" * 65535,
    "length_65535_of_ones": b"\xff\xff" + b"\xff" * 65535,
    "length_65535_then_nothing": b"\xff\xff",
    "length_65535_then_half": b"\xff\xff" + query(MANAGED) + b"x" * 30000,
    "half_a_length": b"\0",
    "close_mid_message": b"\0\x40" + query(MANAGED)[:20],
    "http": b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
    "tls": bytes.fromhex("1603010200010001fc0303") + b"\xaa" * 200,
}


@pytest.mark.parametrize("half_close", [False, True], ids=["", "half_closed"])
@pytest.mark.parametrize("frame", FRAMES)
def test_tcp_frames(daemon, frame, half_close):
    with Stream((daemon.address, daemon.port), SILENCE) as stream:
        try:
            stream.send(FRAMES[frame])
            if half_close:
                stream.socket.shutdown(1)
            stream.receive()
        except (TimeoutError, OSError):
            pass
    assert serves(daemon)


def hostile_64k():
    """Well-formed enough to be read to its end, dear to those who build objects of it."""
    empty_strings = record(QUESTION_AT, TXT, b"\0" * 60000)
    pointers = record(QUESTION_AT, CNAME, QUESTION_AT) * 4000
    return {
        "a_txt_of_empty_strings": query(MANAGED, an=1, tail=empty_strings),
        "thousands_of_records": query(MANAGED, ar=4000, tail=pointers),
        "thousands_of_opts": query(MANAGED, ar=5000, tail=opt() * 5000),
        "an_opt_of_thousands_of_options": query(MANAGED, ar=1, tail=opt(
            rdata=b"\xfd\xe9\0\0" * 15000)),
        "thousands_of_tsigs": query(MANAGED, ar=1000, tail=tsig() * 1000),
        "thousands_of_questions": header(qd=10000) + question("a") * 8000,
    }


@pytest.mark.parametrize("case", hostile_64k())
def test_a_hostile_64_kb_query_costs_less_than_a_megabyte(daemon, case):
    data = hostile_64k()[case]
    assert 30000 < len(data) < 65536

    def send_once():
        with Stream((daemon.address, daemon.port), 5) as stream:
            stream.send_message(data)
            try:
                stream.receive()
            except (TimeoutError, ConnectionResetError):
                pass

    send_once()  # what the first message of its kind brings in once and for all
    before = resident_kib(daemon.pid)
    send_once()
    assert resident_kib(daemon.pid) - before < 1024
    for _ in range(20):
        send_once()
    assert resident_kib(daemon.pid) - before < 4096  # allocator slack of a sanitizer, not a leak
    assert serves(daemon)
