"""Names that are not managed: forwarded, cached, kept alive when upstreams are not (section 4)."""
import concurrent.futures
import socket
import time

import dns.edns
import dns.flags
import dns.message
import dns.rdataclass
import dns.rdatatype
import pytest

from lib.ask import addresses, ask, flag, has_soa, question, rcode, reasons, records, udp
from lib.daemon import wait_past
from lib.machine import PORT, eventually, fresh_address, resident_kib
from lib.upstream import SILENT, Later

SOA = ["example.net. 60 SOA ns.example.net. root.example.net. 1 3600 600 86400 60"]


# -- forwarding ----------------------------------------------------------------------------------

@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_an_unmanaged_name_is_forwarded_as_it_is(daemon, tcp):
    answer = ask(daemon, "alias.example.net", tcp=tcp)
    assert records(answer.answer) == ["alias.example.net. CNAME www.example.net.",
                                      "www.example.net. A 192.0.2.80"]
    assert flag(answer, "RA") and not flag(answer, "AA")
    assert 290 <= min(rrset.ttl for rrset in answer.answer) <= 300


def test_the_question_goes_upstream_over_udp_first(daemon, upstream):
    ask(daemon, "www.example.net", tcp=True)
    assert upstream.count("www.example.net", transport="udp") == 1
    assert upstream.count(transport="tcp") == 0


def test_each_question_has_a_port_and_an_id_of_its_own(daemon, upstream):
    for i in range(20):
        ask(daemon, f"n{i}.example.net")
    ids = [asked.message.id for asked in upstream.asked]
    assert len(set(ids)) >= 19
    assert sorted(ids) != ids and ids != sorted(ids, reverse=True)


def test_client_subnet_is_not_passed_on(daemon, upstream):
    ask(daemon, "www.example.net", options=[dns.edns.ECSOption("192.0.2.0", 24)])
    assert not [option for asked in upstream.asked for option in asked.message.options
                if option.otype == dns.edns.OptionType.ECS]


@pytest.mark.parametrize("case", ["WwW.eXaMpLe.NeT", "www.example.net"])
def test_the_question_comes_back_in_the_clients_own_case(daemon, case):
    ask(daemon, "www.example.net")
    answer = ask(daemon, case)
    assert answer.question[0].name.to_text() == case + "."
    assert records(answer.answer) == [f"{case}. A 192.0.2.80"]


def test_an_answer_that_was_cut_is_asked_again_over_tcp(daemon, upstream):
    def big(asked):
        if asked.transport == "udp":
            return asked.answer("www.example.net. 60 A 192.0.2.66", flags=dns.flags.TC)
        return asked.answer("www.example.net. 60 A 192.0.2.80")
    upstream.script("www.example.net", big)
    assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]
    assert upstream.count(transport="tcp") == 1


def test_rd_0_of_an_uncached_name_is_refused_and_of_a_cached_one_answered(daemon, upstream):
    assert rcode(ask(daemon, "www.example.net", rd=False)) == "REFUSED"
    assert upstream.count() == 0
    ask(daemon, "www.example.net")
    assert addresses(ask(daemon, "www.example.net", rd=False)) == ["192.0.2.80"]


def test_ad_comes_through_only_to_those_who_asked_for_it(daemon, upstream):
    upstream.script("www.example.net", lambda asked: asked.answer(
        "www.example.net. 60 A 192.0.2.80", flags=dns.flags.AD))
    for _ in range(2):  # forwarded, then cached
        assert not flag(ask(daemon, "www.example.net"), "AD")
        assert flag(ask(daemon, "www.example.net", do=True), "AD")


def test_rrsigs_are_stripped_without_do_and_kept_with_it(daemon, upstream):
    signature = ("www.example.net. 60 RRSIG A 8 3 60 20300101000000 20200101000000 1 "
                 "example.net. AAAA")
    upstream.script("www.example.net", lambda asked: asked.answer(
        "www.example.net. 60 A 192.0.2.80", signature))
    assert types(ask(daemon, "www.example.net")) == ["A"]
    assert types(ask(daemon, "www.example.net", do=True)) == ["A", "RRSIG"]


def types(answer):
    return [dns.rdatatype.to_text(rrset.rdtype) for rrset in answer.answer]


# -- routes and special names --------------------------------------------------------------------

def test_a_route_sends_a_suffix_elsewhere_and_the_longest_suffix_wins(house, upstream):
    corp = house.upstream("a.corp.example. 60 A 192.0.2.1\ncorp.example. 60 A 192.0.2.2")
    deep = house.upstream("a.deep.corp.example. 60 A 192.0.2.3")
    daemon = house.daemon([upstream], resolver={"routes": {
        "corp.example": [str(corp)], "deep.corp.example": [str(deep)]}}).start()
    assert addresses(ask(daemon, "a.corp.example")) == ["192.0.2.1"]
    assert addresses(ask(daemon, "CORP.example")) == ["192.0.2.2"]
    assert addresses(ask(daemon, "a.deep.corp.example")) == ["192.0.2.3"]
    assert rcode(ask(daemon, "notcorp.example")) == "NXDOMAIN"
    assert (corp.count(), deep.count(), upstream.count()) == (2, 1, 1)


def test_the_target_of_a_managed_name_follows_the_routes(house, upstream):
    corp = house.upstream("search-eu.example.net. 60 A 192.0.2.77")
    daemon = house.daemon([upstream], resolver={"routes": {"example.net": [str(corp)]}}).start()
    assert addresses(ask(daemon, "search.shop.internal")) == ["192.0.2.77"]
    assert upstream.count() == 0


@pytest.mark.parametrize("name, type_, rdata", [
    ("localhost", "A", ["127.0.0.1"]), ("localhost", "AAAA", ["::1"]),
    ("a.localhost", "A", ["127.0.0.1"]), ("LocalHost", "A", ["127.0.0.1"]),
    ("1.0.0.127.in-addr.arpa", "PTR", ["localhost."])])
def test_special_names_are_answered_here(daemon, upstream, name, type_, rdata):
    answer = ask(daemon, name, type_)
    assert rcode(answer) == "NOERROR"
    assert [item.to_text() for rrset in answer.answer for item in rrset] == rdata
    assert upstream.count() == 0


@pytest.mark.parametrize("name, type_", [
    ("invalid", "A"), ("a.invalid", "A"), ("_dns.resolver.arpa", "SVCB"), ("resolver.arpa", "A"),
    ("localhost", "TXT")])
def test_special_names_without_data_say_so_here(daemon, upstream, name, type_):
    answer = ask(daemon, name, type_)
    assert rcode(answer) in ("NXDOMAIN", "NOERROR") and not answer.answer and has_soa(answer)
    assert "invalid" not in name or rcode(answer) == "NXDOMAIN"
    assert upstream.count() == 0


# -- the cache -----------------------------------------------------------------------------------

def test_an_answer_is_cached_and_its_ttl_counts_down(daemon, upstream):
    first = ask(daemon, "www.example.net").answer[0].ttl
    asked = time.monotonic()
    wait_past(asked + 1.1)
    second = ask(daemon, "WWW.example.net").answer[0].ttl
    assert upstream.count("www.example.net") == 1
    assert 1 <= first - second <= 10


def test_what_has_run_out_is_asked_again(daemon, upstream):
    upstream.script("www.example.net", lambda asked: asked.answer(
        "www.example.net. 1 A 192.0.2.80"))
    ask(daemon, "www.example.net")
    time.sleep(1.2)
    ask(daemon, "www.example.net")
    assert upstream.count("www.example.net") == 2


def test_a_ttl_of_0_is_not_cached(daemon, upstream):
    upstream.script("www.example.net", lambda asked: asked.answer(
        "www.example.net. 0 A 192.0.2.80"))
    ask(daemon, "www.example.net")
    ask(daemon, "www.example.net")
    assert upstream.count("www.example.net") == 2


def test_a_ttl_with_its_highest_bit_set_counts_as_0(daemon, upstream):
    def negative(asked):
        wire = bytearray(asked.answer("www.example.net. 1 A 192.0.2.80").to_wire())
        at = wire.rindex(b"\x00\x00\x00\x01\x00\x04")
        wire[at:at + 4] = b"\xff\xff\xff\xff"
        return bytes(wire)
    upstream.script("www.example.net", negative)
    for _ in range(2):
        answer = ask(daemon, "www.example.net")
        assert rcode(answer) == "SERVFAIL" or answer.answer[0].ttl == 0


def test_the_cache_tells_type_do_and_cd_apart(daemon, upstream):
    for _ in range(2):
        ask(daemon, "www.example.net", "A")
        ask(daemon, "www.example.net", "AAAA")
        ask(daemon, "www.example.net", "A", do=True)
        ask(daemon, "www.example.net", "A", cd=True)
        ask(daemon, "www.example.net", "A", do=True, cd=True)
    assert upstream.count("www.example.net") == 5


def test_the_cache_tells_classes_apart(daemon, upstream):
    ask(daemon, "www.example.net")
    answer = ask(daemon, "www.example.net", "A", class_="CH")
    assert not [rrset for rrset in answer.answer if rrset.rdclass == dns.rdataclass.IN]


@pytest.mark.parametrize("name, code", [("nowhere.example.net", "NXDOMAIN"),
                                        ("orders-eu.example.net", "NOERROR")])
def test_negative_answers_are_cached_with_their_soa(daemon, upstream, name, code):
    for _ in range(2):
        answer = ask(daemon, name, "AAAA")
        assert rcode(answer) == code and has_soa(answer) and not answer.answer
    assert upstream.count(name) == 1


def test_a_negative_answer_lives_as_long_as_its_soa_says(daemon, upstream):
    upstream.script("gone.example.net", lambda asked: asked.answer(rcode="NXDOMAIN", authority=[
        "example.net. 3600 SOA ns.example.net. root.example.net. 1 3600 600 86400 1"]))
    ask(daemon, "gone.example.net")
    time.sleep(1.2)
    ask(daemon, "gone.example.net")
    assert upstream.count("gone.example.net") == 2


def test_nodata_without_a_soa_is_not_cached(daemon, upstream):
    def bare(asked):
        reply = dns.message.make_response(asked.message, recursion_available=True)
        return reply
    upstream.script("bare.example.net", bare)
    ask(daemon, "bare.example.net")
    ask(daemon, "bare.example.net")
    assert upstream.count("bare.example.net") == 2


def test_a_failure_is_cached_for_a_moment(daemon, upstream):
    upstream.script("broken.example.net", lambda asked: asked.answer(rcode="SERVFAIL"))
    assert rcode(ask(daemon, "broken.example.net")) == "SERVFAIL"
    tried = upstream.count("broken.example.net")
    assert 1 <= tried <= 3
    assert rcode(ask(daemon, "broken.example.net")) == "SERVFAIL"
    assert upstream.count("broken.example.net") == tried


def test_a_failure_is_forgotten_within_five_seconds(daemon, upstream):
    upstream.script("broken.example.net", lambda asked: asked.answer(rcode="SERVFAIL"))
    ask(daemon, "broken.example.net")
    failed = time.monotonic()
    upstream.script("broken.example.net", lambda asked: asked.answer(
        "broken.example.net. 60 A 192.0.2.7"))
    eventually(lambda: rcode(ask(daemon, "broken.example.net")) == "NOERROR", "asked again", 6)
    assert time.monotonic() - failed < 5.5


def test_nothing_from_authority_or_additional_is_cached(daemon, upstream):
    def generous(asked):
        reply = asked.answer("one.example.net. 60 A 192.0.2.1",
                             authority=["example.net. 60 NS www.example.net."])
        extra = asked.answer("www.example.net. 60 A 192.0.2.66")
        reply.additional += extra.answer
        return reply
    upstream.script("one.example.net", generous)
    ask(daemon, "one.example.net")
    assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]
    assert upstream.count("www.example.net") == 1


def test_the_cache_keeps_to_its_size(house, upstream):
    big = " ".join(f'"{"x" * 200}"' for _ in range(4))
    upstream.script("*", lambda asked: asked.answer(f"{asked.name}. 300 TXT {big}"))
    daemon = house.daemon([upstream], resolver={"cache_size": "1MiB"}).start()
    for i in range(300):
        ask(daemon, f"warm{i}.example.net", "TXT", edns=1232)
    before = resident_kib(daemon.pid)
    for i in range(3000):
        ask(daemon, f"n{i}.example.net", "TXT", edns=1232)
    assert resident_kib(daemon.pid) - before < 12 << 10  # sanitizers' quarantine included
    ask(daemon, "n2999.example.net", "TXT", edns=1232)
    assert upstream.count("n2999.example.net") == 1
    ask(daemon, "n0.example.net", "TXT", edns=1232)
    assert upstream.count("n0.example.net") == 2


def test_flush_drops_one_name_or_everything(daemon, upstream):
    for name in ("www.example.net", "orders-eu.example.net"):
        ask(daemon, name)
    daemon.cli("flush", "www.example.net", expect=0)
    for name in ("www.example.net", "orders-eu.example.net"):
        ask(daemon, name)
    assert (upstream.count("www.example.net"), upstream.count("orders-eu.example.net")) == (2, 1)
    daemon.cli("flush", expect=0)
    ask(daemon, "orders-eu.example.net")
    assert upstream.count("orders-eu.example.net") == 2


# -- when upstreams fail -------------------------------------------------------------------------

def let_it_run_out(daemon, upstream, **options):
    upstream.script("www.example.net", lambda asked: asked.answer(
        "www.example.net. 1 A 192.0.2.80"))
    ask(daemon, "www.example.net", **options)
    time.sleep(1.2)


@pytest.mark.parametrize("failure", [SILENT, lambda asked: asked.answer(rcode="SERVFAIL"),
                                     b"garbage"], ids=["silent", "servfail", "garbage"])
def test_stale_data_is_served_when_the_upstream_fails(daemon, upstream, failure):
    let_it_run_out(daemon, upstream)
    upstream.script("www.example.net", failure)
    started = time.monotonic()
    answer = ask(daemon, "www.example.net", edns=1232)
    assert time.monotonic() - started < 3
    assert addresses(answer) == ["192.0.2.80"] and reasons(answer) == [3]
    assert answer.answer[0].ttl <= 30


def test_stale_data_gives_way_once_the_upstream_is_back(daemon, upstream):
    let_it_run_out(daemon, upstream)
    upstream.script("www.example.net", lambda asked: asked.answer(rcode="SERVFAIL"))
    assert reasons(ask(daemon, "www.example.net", edns=1232)) == [3]
    upstream.script("www.example.net", lambda asked: asked.answer(
        "www.example.net. 60 A 192.0.2.81"))
    eventually(lambda: addresses(ask(daemon, "www.example.net")) == ["192.0.2.81"],
               "fresh data", 40)


def test_nxdomain_from_upstream_is_believed_over_stale_data(daemon, upstream):
    let_it_run_out(daemon, upstream)
    upstream.script("www.example.net", lambda asked: asked.answer(
        rcode="NXDOMAIN", authority=SOA))
    assert rcode(ask(daemon, "www.example.net")) == "NXDOMAIN"


def test_max_stale_0_turns_stale_data_off(house, upstream):
    daemon = house.daemon([upstream], resolver={"max_stale": "0s"}).start()
    let_it_run_out(daemon, upstream)
    upstream.script("www.example.net", lambda asked: asked.answer(rcode="SERVFAIL"))
    answer = ask(daemon, "www.example.net", edns=1232)
    assert rcode(answer) == "SERVFAIL" and 3 not in reasons(answer)


def test_an_upstream_that_is_not_there_is_a_quick_servfail_that_says_so(house):
    daemon = house.daemon([f"{fresh_address()}:{PORT}"]).start()
    started = time.monotonic()
    answer = ask(daemon, "www.example.net", edns=1232)
    assert rcode(answer) == "SERVFAIL" and set(reasons(answer)) & {22, 23}
    assert not answer.answer and not has_soa(answer)
    assert time.monotonic() - started < 2


def test_a_silent_upstream_is_a_servfail_before_the_stub_gives_up(daemon, upstream):
    upstream.script("*", SILENT)
    started = time.monotonic()
    answer = ask(daemon, "www.example.net", edns=1232)
    assert rcode(answer) == "SERVFAIL" and set(reasons(answer)) & {22, 23}
    assert time.monotonic() - started < 5
    assert upstream.count("www.example.net") <= 3


def test_managed_addresses_answer_without_any_upstream(house):
    daemon = house.daemon([f"{fresh_address()}:{PORT}"]).start()
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]


def test_a_dead_upstream_is_passed_over_for_a_living_one(house, upstream):
    daemon = house.daemon([f"{fresh_address()}:{PORT}", upstream]).start()
    for i in range(8):
        started = time.monotonic()
        assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]
        assert time.monotonic() - started < 3
        daemon.cli("flush")


def test_a_silent_upstream_is_passed_over_for_a_living_one(house, upstream):
    silent = house.upstream()
    silent.script("*", SILENT)
    daemon = house.daemon([silent, upstream]).start()
    started = time.monotonic()
    assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]
    assert time.monotonic() - started < 3


def test_one_upstreams_servfail_is_not_the_last_word(house, upstream):
    broken = house.upstream()
    broken.script("*", lambda asked: asked.answer(rcode="SERVFAIL"))
    daemon = house.daemon([broken, upstream]).start()
    for i in range(4):
        assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]
        daemon.cli("flush")


# -- questions in flight -------------------------------------------------------------------------

def test_identical_questions_in_flight_are_asked_once(daemon, upstream):
    upstream.script("www.example.net", lambda asked: Later(0.7, asked.answer(
        "www.example.net. 60 A 192.0.2.80")))
    with concurrent.futures.ThreadPoolExecutor(50) as pool:
        answers = list(pool.map(
            lambda i: ask(daemon, "www.example.net" if i % 2 else "WWW.Example.NET"), range(50)))
    assert all(addresses(answer) == ["192.0.2.80"] for answer in answers)
    assert upstream.count("www.example.net") == 1


def test_questions_in_flight_that_differ_in_do_or_cd_are_not_mixed(daemon, upstream):
    upstream.script("www.example.net", lambda asked: Later(0.5, asked.answer(
        "www.example.net. 60 A 192.0.2.80")))
    kinds = [{}, {"do": True}, {"cd": True}, {"do": True, "cd": True}]
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(lambda i: ask(daemon, "www.example.net", **kinds[i % 4]),
                                range(16)))
    assert upstream.count("www.example.net") == 4
    assert [flag(answer, "CD") for answer in answers[:4]] == [False, False, True, True]


def test_one_client_question_costs_few_upstream_questions(house):
    upstreams = [house.upstream() for _ in range(6)]
    for upstream in upstreams:
        upstream.script("*", lambda asked: asked.answer(rcode="SERVFAIL"))
    daemon = house.daemon(upstreams).start()
    assert rcode(ask(daemon, "www.example.net")) == "SERVFAIL"
    assert sum(upstream.count() for upstream in upstreams) <= 3


def test_2000_questions_to_a_silent_upstream_do_not_delay_other_answers(daemon, upstream):
    ask(daemon, "www.example.net")
    upstream.script("*", SILENT)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as asker:
        asker.connect((daemon.address, daemon.port))
        for i in range(2000):
            asker.send(question(f"silent{i}.example.net").to_wire())
            if i % 50 == 49:
                assert addresses(ask(daemon, "www.example.net")) == ["192.0.2.80"]
        eventually(lambda: upstream.count() >= 1000, "most of them are outstanding")
        slowest = 0
        for i in range(50):
            for name in ("www.example.net", "api.shop.internal"):
                started = time.monotonic()
                assert addresses(ask(daemon, name))
                slowest = max(slowest, time.monotonic() - started)
    assert slowest < 0.25
