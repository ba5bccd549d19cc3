"""Writes the corpora of fuzz_query and fuzz_reply: what is valid, and each way to be malformed.

    dns_corpus.py FOLDER     writes FOLDER/query/* and FOLDER/reply/*
"""

import pathlib
import struct
import sys

A, NS, CNAME, SOA, MX, TXT, AAAA, SRV, NAPTR, OPT, RRSIG, HTTPS, TSIG, AXFR, ANY = (
    1, 2, 5, 6, 15, 16, 28, 33, 35, 41, 46, 65, 250, 252, 255)
TYPES = [A, CNAME, SOA, MX, NAPTR, RRSIG, HTTPS, TXT]  # as fuzz_reply.c has them
QUESTION = "search-eu.test"
QUESTION_AT, RECORDS_AT = 12, 12 + 16 + 4


def wire(name):
    labels = [label.encode() for label in name.split(".") if label]
    return b"".join(bytes([len(label)]) + label for label in labels) + b"\0"


def pointer(target):
    return struct.pack("!H", 0xc000 | target)


def record(owner, rtype, data, ttl=60, rclass=1, length=None):
    length = len(data) if length is None else length
    return owner + struct.pack("!HHIH", rtype, rclass, ttl, length) + data


def opt(data=b"", size=1232, extended=0, owner=b"\0"):
    return record(owner, OPT, data, extended, size)


def query(name, rtype=A, flags=0x0100, counts=(1, 0, 0, 0), more=b"", mood=0, rclass=1):
    name = wire(name) if isinstance(name, str) else name
    return (bytes([mood]) + struct.pack("!HH4H", 0x1234, flags, *counts) + name +
            struct.pack("!HH", rtype, rclass) + more)


def reply(*sections, rtype=A, flags=0x8180, counts=None, more=b""):
    sections = list(sections) + [[]] * (3 - len(sections))
    counts = counts or [len(section) for section in sections]
    return (bytes([TYPES.index(rtype)]) + struct.pack("!H3H", flags, *counts) +
            b"".join(b"".join(section) for section in sections) + more)


def queries():
    yield "plain", query("else.test")
    yield "managed", query("DB.shop.internal", more=opt(), counts=(1, 0, 0, 1))
    yield "managed_do", query("db.shop.internal", more=opt(extended=0x8000), counts=(1, 0, 0, 1))
    yield "managed_cname", query("db.shop.internal", CNAME)
    yield "wildcard", query("a.search.internal", mood=1)
    yield "relayed", query("relay.internal", AAAA)
    yield "address", query("fixed.internal", MX)
    yield "mid_chain", query("www.test", mood=8)
    yield "loop", query("loop.test")
    yield "own_target", query("own.test")
    yield "fenced", query("db.shop.internal", mood=16, more=opt(), counts=(1, 0, 0, 1))
    yield "stale", query("else.test", mood=3, more=opt(size=4096), counts=(1, 0, 0, 1))
    yield "past_managed", query("www.test", mood=4)
    yield "negative", query("no.test")
    yield "not_recursive", query("nowhere.test", flags=0)
    yield "localhost", query("localhost")
    yield "any", query("else.test", ANY)
    yield "transfer", query("else.test", AXFR)
    yield "chaos", query("version.bind", TXT, rclass=3)
    yield "root", query("", NS)
    yield "empty", b"\0"
    yield "short", query("a.test")[:12]
    yield "response", query("a.test", flags=0x8180)
    yield "notify", query("a.test", flags=0x2000)
    yield "no_question", query("a.test", counts=(0, 0, 0, 0))
    yield "two_questions", query("a.test", counts=(2, 0, 0, 0), more=wire("b") + b"\0\1\0\1")
    yield "answer_in_query", query(
        "a.test", counts=(1, 1, 0, 0), more=record(pointer(12), A, b"abcd"))
    yield "count_beyond", query("a.test", counts=(1, 0, 0, 9))
    yield "trailing", query("a.test", more=b"x")
    yield "pointer_in_question", query(b"\1a\xc0\x0c")
    yield "label_64", query(b"\x40" + b"a" * 64 + b"\0")
    yield "label_191", query(b"\xbf" + b"a" * 191 + b"\0")
    yield "name_255", query((b"\x3f" + b"a" * 63) * 3 + b"\x3d" + b"a" * 61 + b"\0")
    yield "name_256", query((b"\x3f" + b"a" * 63) * 3 + b"\x3e" + b"a" * 62 + b"\0")
    yield "nul_and_dot", query(b"\3a\0.\0")
    yield "two_opts", query("a.test", more=opt() + opt(), counts=(1, 0, 0, 2))
    yield "opt_owner", query("a.test", more=opt(owner=b"\1x\0"), counts=(1, 0, 0, 1))
    yield "opt_length", query("a.test", more=opt(b"\0\x0a\0\x09ab"), counts=(1, 0, 0, 1))
    yield "opt_cookie", query("a.test", more=opt(b"\0\x0a\0\x02ab"), counts=(1, 0, 0, 1))
    yield "opt_version", query("a.test", more=opt(extended=0x10000), counts=(1, 0, 0, 1))
    yield "tsig", query("a.test", more=record(b"\1k\0", TSIG, b""), counts=(1, 0, 0, 1))
    yield "two_tsigs", query("a.test", more=2 * record(b"\1k\0", TSIG, b""), counts=(1, 0, 0, 2))
    yield "pointer_to_itself", query(
        "a.test", more=record(pointer(24), A, b"abcd"), counts=(1, 0, 0, 1))


def replies():
    here = pointer(QUESTION_AT)
    address = record(here, A, b"\xc0\0\2\1")
    numbers = struct.pack("!5I", 1, 2, 3, 4, 60)
    soa = record(pointer(QUESTION_AT + 10), SOA, here + here + numbers)
    ede = opt(b"\0\x0f\0\2\0\3")
    yield "address", reply([address], [], [opt()])
    yield "authority", reply([address], [record(here, NS, wire("ns.test"))], [address, ede])
    yield "alias", reply([record(here, CNAME, b"\3www" + pointer(QUESTION_AT + 10)),
                          record(pointer(RECORDS_AT + 12), A, b"abcd")])
    yield "alias_to_managed", reply([record(here, CNAME, wire("db.shop.internal")),
                                     record(wire("db.shop.internal"), A, b"abcd")])
    yield "alias_alone", reply([record(here, CNAME, wire("www.test"))])
    yield "alias_asked", reply([record(here, CNAME, wire("www.test"))], rtype=CNAME)
    yield "alias_loop", reply([record(here, CNAME, here)])
    chain = [record(wire(f"n{i}") if i else here, CNAME, wire(f"n{i + 1}")) for i in range(12)]
    yield "alias_chain_11", reply(chain[:11] + [record(wire("n11"), A, b"abcd")])
    yield "alias_chain_12", reply(chain)
    yield "no_name", reply([], [soa], flags=0x8183)
    yield "no_data", reply([], [soa], rtype=MX)
    yield "no_data_no_soa", reply()
    yield "soa", reply([record(here, SOA, b"\2ns" + here + b"\4root" + here + numbers)], rtype=SOA)
    yield "mail", reply([record(here, MX, b"\0\5\4mail" + here),
                         record(here, MX, b"\0\6" + pointer(RECORDS_AT + 14))], rtype=MX)
    yield "naptr", reply([record(here, NAPTR, b"\0\1\0\1\1S\3SIP\0" + wire("_sip._udp.test"))],
                         [], [record(pointer(RECORDS_AT + 23), SRV, b"\0\0\0\0\0\0" + here)],
                         rtype=NAPTR)
    yield "signature", reply([record(here, RRSIG, b"\0" * 18 + wire("test") + b"sig")],
                             rtype=RRSIG)
    yield "https", reply([record(here, HTTPS, b"\0\1\0\0\1\0\3\2h2")], rtype=HTTPS)
    yield "text", reply([record(here, TXT, b"\3abc\0")], rtype=TXT)
    yield "many", reply([record(here, A, struct.pack("!I", i)) for i in range(120)])
    yield "servfail", reply(flags=0x8182)
    yield "badvers", reply([], [], [opt(extended=0x1000000)])
    yield "truncated", reply([address], flags=0x8380)
    yield "not_a_reply", reply([address], flags=0x0180)
    yield "opcode", reply([address], flags=0xa180)
    yield "count_beyond", reply([address], counts=[2, 0, 0])
    yield "trailing", reply([address], more=b"x")
    for name, target in {"itself": RECORDS_AT, "forward": RECORDS_AT + 16, "header": 4,
                         "inside_label": QUESTION_AT + 1, "type": RECORDS_AT - 3}.items():
        yield f"pointer_{name}", reply([record(pointer(target), A, b"abcd"), address])
    yield "pointer_ttl", reply([record(here, A, b"abcd", 0),
                                record(pointer(RECORDS_AT + 6), A, b"abcd")])
    yield "pointer_chain", reply([address, record(pointer(RECORDS_AT), A, b"abcd")])
    yield "pointer_cut", reply(more=b"\xc0", counts=[1, 0, 0])
    yield "label_64", reply([record(b"\x40" + b"a" * 64 + here, A, b"abcd")])
    yield "label_128", reply([record(b"\x80" + b"a" * 128 + here, A, b"abcd")])
    yield "name_255", reply([record(b"\1a" * 119 + b"\0" + b"", A, b"abcd"),
                             record(b"\1a" * 119 + here, A, b"abcd")])
    yield "name_256", reply([record(b"\1a" * 120 + here, A, b"abcd")])
    yield "length_0", reply([record(here, A, b"")])
    yield "length_8", reply([record(here, A, b"abcdefgh")])
    yield "length_beyond", reply([record(here, A, b"abcd", length=99)])
    yield "name_beyond_data", reply([record(here, CNAME, b"\3abc"), address])
    yield "ttl_top_bit", reply([record(here, A, b"abcd", 0xffffffff)])
    yield "class", reply([record(here, A, b"abcd", rclass=3)])
    yield "two_opts", reply([address], [], [opt(), opt()])
    yield "opt_in_answer", reply([opt()])
    yield "opt_owner", reply([], [], [opt(owner=here)])
    yield "opt_length", reply([], [], [opt(b"\0\x0f\0\x09\0\3")])
    yield "opt_first", reply([address], [], [opt(), address])
    yield "tsig", reply([address], [], [record(b"\1k\0", TSIG, b"")])


def main():
    folder = pathlib.Path(sys.argv[1])
    for entry, inputs in ("query", queries()), ("reply", replies()):
        (folder / entry).mkdir(parents=True, exist_ok=True)
        for name, data in inputs:
            (folder / entry / name).write_bytes(data)


if __name__ == "__main__":
    sys.exit(main())
