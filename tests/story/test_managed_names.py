"""A managed name answers what the active target would (pilotlightd(8))."""
import socket
import time
import types

import dns.flags
import pytest

from lib.ask import addresses, ask, flag, has_soa, rcode, reasons, records
from lib.daemon import EU, US
from lib.upstream import SILENT


# -- the answer ----------------------------------------------------------------------------------

@pytest.mark.parametrize("tcp", [False, True], ids=["udp", "tcp"])
def test_a_managed_name_answers_its_cname_and_then_the_chain(daemon, tcp):
    answer = ask(daemon, "db.shop.internal", tcp=tcp)
    assert rcode(answer) == "NOERROR"
    assert records(answer.answer) == ["db.shop.internal. CNAME orders-eu.example.net.",
                                      "orders-eu.example.net. A 192.0.2.11"]


def test_after_a_failover_the_chain_is_the_other_regions(daemon):
    ask(daemon, "db.shop.internal")
    daemon.switch(US)
    assert records(ask(daemon, "db.shop.internal").answer) == [
        "db.shop.internal. CNAME orders-us.example.net.", "orders-us.example.net. A 192.0.2.21"]


def test_a_longer_chain_behind_the_target_is_kept_in_order(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 60 CNAME one.example.net.",
        "one.example.net. 60 CNAME two.example.net.", "two.example.net. 60 A 192.0.2.99"))
    assert records(ask(daemon, "search.shop.internal").answer) == [
        "search.shop.internal. CNAME search-eu.example.net.",
        "search-eu.example.net. CNAME one.example.net.",
        "one.example.net. CNAME two.example.net.", "two.example.net. A 192.0.2.99"]


def test_a_chain_that_the_upstream_leaves_half_done_is_not_kept(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 60 CNAME www.example.net."))
    assert addresses(ask(daemon, "search.shop.internal")) in ([], ["192.0.2.80"])
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 60 A 192.0.2.12"))
    assert addresses(ask(daemon, "search.shop.internal")) == ["192.0.2.12"]


def test_a_chain_in_the_wrong_order_leaves_in_the_right_one(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "www.example.net. 60 A 192.0.2.80", "search-eu.example.net. 60 CNAME www.example.net."))
    assert records(ask(daemon, "search.shop.internal").answer) == [
        "search.shop.internal. CNAME search-eu.example.net.",
        "search-eu.example.net. CNAME www.example.net.", "www.example.net. A 192.0.2.80"]


@pytest.mark.parametrize("type_, rdata", [("AAAA", "2001:db8::12"), ("TXT", '"eu"')])
def test_every_type_is_asked_of_the_target(daemon, type_, rdata):
    assert records(ask(daemon, "search.shop.internal", type_).answer) == [
        "search.shop.internal. CNAME search-eu.example.net.",
        f"search-eu.example.net. {type_} {rdata}"]


def test_a_type_that_nobody_knows_is_asked_of_the_target(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        r"search-eu.example.net. 60 TYPE65400 \# 3 010203"))
    assert records(ask(daemon, "search.shop.internal", "TYPE65400").answer) == [
        "search.shop.internal. CNAME search-eu.example.net.",
        r"search-eu.example.net. TYPE65400 \# 3 010203"]


def test_query_type_cname_gives_the_cname_alone(daemon, upstream):
    answer = ask(daemon, "db.shop.internal", "CNAME")
    assert records(answer.answer) == ["db.shop.internal. CNAME orders-eu.example.net."]
    assert upstream.count() == 0


def test_the_owner_name_has_the_clients_own_letter_case(daemon):
    answer = ask(daemon, "dB.ShOp.InTeRnAl")
    assert records(answer.answer)[0] == "dB.ShOp.InTeRnAl. CNAME orders-eu.example.net."
    assert answer.question[0].name.to_text() == "dB.ShOp.InTeRnAl."
    assert records(ask(daemon, "DB.shop.internal").answer)[0].startswith("DB.shop.internal. ")


# -- which endpoint ------------------------------------------------------------------------------

NESTED = {
    "star": {"type": "name", "names": ["*.x.test"], "targets": {EU: "192.0.2.1", US: "192.0.2.2"}},
    "longer": {"type": "name", "names": ["*.b.x.test"],
               "targets": {EU: "192.0.2.3", US: "192.0.2.4"}},
    "exact": {"type": "name", "names": ["a.b.x.test"],
              "targets": {EU: "192.0.2.5", US: "192.0.2.6"}},
}


@pytest.fixture(scope="module")
def nested(module_house):
    return module_house.daemon([module_house.upstream()], endpoints=NESTED).start()


@pytest.mark.parametrize("name, address", [
    ("one.x.test", "192.0.2.1"), ("deep.down.x.test", "192.0.2.1"), ("b.x.test", "192.0.2.1"),
    ("one.b.x.test", "192.0.2.3"), ("two.one.b.x.test", "192.0.2.3"),
    ("a.b.x.test", "192.0.2.5"), ("A.B.X.Test", "192.0.2.5"),
    ("below.a.b.x.test", "192.0.2.3")])
def test_the_exact_name_beats_a_wildcard_and_the_longest_suffix_wins(nested, name, address):
    assert records(ask(nested, name).answer) == [f"{name}. A {address}"]


def test_a_wildcard_does_not_stand_for_its_own_suffix(nested):
    assert rcode(ask(nested, "x.test")) == "NXDOMAIN"


def test_a_name_that_only_ends_in_the_same_letters_is_not_managed(nested):
    assert rcode(ask(nested, "one.yx.test")) == "NXDOMAIN"


def test_a_wildcard_answers_with_the_name_that_was_asked(daemon):
    assert records(ask(daemon, "Any.Search.shop.internal").answer)[0] == \
        "Any.Search.shop.internal. CNAME search-eu.example.net."


# -- targets that are addresses ------------------------------------------------------------------

def test_a_target_that_is_an_ipv4_address_is_answered_as_a_without_any_upstream(daemon, upstream):
    assert records(ask(daemon, "api.shop.internal").answer) == ["api.shop.internal. A 192.0.2.10"]
    daemon.switch(US)
    assert records(ask(daemon, "api.shop.internal").answer) == ["api.shop.internal. A 192.0.2.20"]
    assert upstream.count() == 0


def test_a_target_that_is_an_ipv6_address_is_answered_as_aaaa(daemon):
    assert records(ask(daemon, "six.shop.internal", "AAAA").answer) == [
        "six.shop.internal. AAAA 2001:db8::10"]


@pytest.mark.parametrize("name, type_", [
    ("api.shop.internal", "AAAA"), ("api.shop.internal", "TXT"), ("api.shop.internal", "HTTPS"),
    ("api.shop.internal", "SVCB"), ("api.shop.internal", "CNAME"), ("api.shop.internal", "MX"),
    ("six.shop.internal", "A")])
def test_other_types_of_an_address_are_nodata_with_a_soa(daemon, upstream, name, type_):
    answer = ask(daemon, name, type_)
    assert rcode(answer) == "NOERROR" and not answer.answer and has_soa(answer)
    assert max(rrset.ttl for rrset in answer.authority) <= 1
    assert upstream.count() == 0


# -- names in chains -----------------------------------------------------------------------------

def test_a_managed_name_in_the_middle_of_a_forwarded_chain_is_switched_too(daemon):
    assert records(ask(daemon, "deep.into.example.net").answer) == [
        "deep.into.example.net. CNAME into.example.net.",
        "into.example.net. CNAME search.shop.internal.",
        "search.shop.internal. CNAME search-eu.example.net.",
        "search-eu.example.net. A 192.0.2.12"]
    daemon.switch(US)
    assert records(ask(daemon, "deep.into.example.net").answer)[2:] == [
        "search.shop.internal. CNAME search-us.example.net.",
        "search-us.example.net. A 192.0.2.22"]


def test_what_the_upstream_says_of_a_managed_name_in_a_chain_is_not_believed(daemon, upstream):
    upstream.script("into.example.net", lambda asked: asked.answer(
        "into.example.net. 60 CNAME search.shop.internal.",
        "search.shop.internal. 60 CNAME stale.example.net.",
        "stale.example.net. 60 A 192.0.2.66"))
    assert addresses(ask(daemon, "into.example.net")) == ["192.0.2.12"]


def test_the_tail_behind_a_managed_name_in_a_chain_lives_no_longer_than_the_ttl(daemon):
    answer = ask(daemon, "into.example.net")
    assert [rrset.ttl <= 1 for rrset in answer.answer][-2:] == [True, True]


OWN = {"orders-db": None,
       "orders": {"type": "database", "group": "data",
                  "names": ["orders-eu.example.net", "db.shop.internal"],
                  "targets": {EU: "orders-eu.example.net", US: "orders-us.example.net"}}}


def test_a_target_that_is_its_own_endpoints_name_is_resolved_upstream(house, upstream):
    daemon = house.daemon([upstream], endpoints=OWN).start()
    assert records(ask(daemon, "orders-eu.example.net").answer) == [
        "orders-eu.example.net. A 192.0.2.11"]
    assert records(ask(daemon, "db.shop.internal").answer) == [
        "db.shop.internal. CNAME orders-eu.example.net.", "orders-eu.example.net. A 192.0.2.11"]
    daemon.switch(US)
    assert records(ask(daemon, "orders-eu.example.net").answer) == [
        "orders-eu.example.net. CNAME orders-us.example.net.",
        "orders-us.example.net. A 192.0.2.21"]


def test_a_target_that_leads_back_to_the_managed_name_is_a_servfail(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 60 CNAME search.shop.internal."))
    assert rcode(ask(daemon, "search.shop.internal")) == "SERVFAIL"
    assert upstream.count() <= 12


def test_two_managed_names_that_lead_to_each_other_are_a_servfail(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 60 CNAME db.shop.internal."))
    upstream.script("orders-eu.example.net", lambda asked: asked.answer(
        "orders-eu.example.net. 60 CNAME search.shop.internal."))
    assert rcode(ask(daemon, "search.shop.internal")) == "SERVFAIL"
    assert upstream.count() <= 12


@pytest.mark.parametrize("name", ["search.shop.internal", "search-eu.example.net"])
def test_a_chain_beyond_all_measure_is_a_servfail(daemon, upstream, name):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 60 CNAME h0.example.net.",
        *[f"h{i}.example.net. 60 CNAME h{i + 1}.example.net." for i in range(30)],
        "h30.example.net. 60 A 192.0.2.66"))
    assert rcode(ask(daemon, name)) == "SERVFAIL"


def test_an_upstream_that_always_knows_one_more_alias_is_not_followed_for_ever(daemon, upstream):
    def next_hop(asked):
        number = int(asked.name[1:].split(".")[0]) if asked.name[0] == "h" else 0
        return asked.answer(f"{asked.name}. 60 CNAME h{number + 1}.example.net.")
    upstream.script("*", next_hop)
    assert not addresses(ask(daemon, "search.shop.internal"))
    assert upstream.count() <= 12


# -- codes, flags, lives -------------------------------------------------------------------------

@pytest.mark.parametrize("code", ["NXDOMAIN", "SERVFAIL"])
def test_the_rcode_is_that_of_the_last_hop(daemon, upstream, code):
    soa = ["example.net. 60 SOA ns.example.net. root.example.net. 1 3600 600 86400 60"]
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        rcode=code, authority=soa if code == "NXDOMAIN" else []))
    answer = ask(daemon, "search.shop.internal")
    assert rcode(answer) == code
    if code == "NXDOMAIN":
        assert records(answer.answer) == ["search.shop.internal. CNAME search-eu.example.net."]
        assert has_soa(answer)


def test_nodata_of_the_target_keeps_the_cname_and_a_soa(daemon):
    answer = ask(daemon, "db.shop.internal", "AAAA")
    assert rcode(answer) == "NOERROR" and has_soa(answer)
    assert records(answer.answer) == ["db.shop.internal. CNAME orders-eu.example.net."]


@pytest.mark.parametrize("name", ["api.shop.internal", "search.shop.internal"])
def test_ra_is_set_rd_and_cd_are_copied_and_aa_is_not_set(daemon, name):
    ask(daemon, name)
    for rd, cd in [(True, False), (True, True), (False, False)]:
        answer = ask(daemon, name, rd=rd, cd=cd)
        assert flag(answer, "RA") and not flag(answer, "AA")
        assert (flag(answer, "RD"), flag(answer, "CD")) == (rd, cd)


def test_authoritative_sets_aa_on_managed_answers_alone(house, upstream):
    daemon = house.daemon([upstream], resolver={"authoritative": True}).start()
    assert flag(ask(daemon, "api.shop.internal"), "AA")
    assert flag(ask(daemon, "search.shop.internal"), "AA")
    assert not flag(ask(daemon, "www.example.net"), "AA")


def test_ad_is_never_set_on_what_was_synthesised(daemon, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 60 A 192.0.2.12", flags=dns.flags.AD))
    for options in ({"ad": True}, {"do": True}, {}):
        for name in ("search.shop.internal", "api.shop.internal", "into.example.net"):
            assert not flag(ask(daemon, name, **options), "AD")


def test_a_managed_address_is_answered_without_rd(daemon):
    assert addresses(ask(daemon, "api.shop.internal", rd=False)) == ["192.0.2.10"]


def test_the_ttl_is_the_configured_one_and_the_tail_has_no_more(daemon):
    assert [rrset.ttl for rrset in ask(daemon, "search.shop.internal").answer] == [1, 1]
    assert [rrset.ttl for rrset in ask(daemon, "api.shop.internal").answer] == [1]


def test_the_ttl_can_be_chosen_and_a_shorter_tail_stays_shorter(house, upstream):
    upstream.script("search-eu.example.net", lambda asked: asked.answer(
        "search-eu.example.net. 5 A 192.0.2.12"))
    daemon = house.daemon([upstream], resolver={"ttl": "30s"}).start()
    assert [rrset.ttl for rrset in ask(daemon, "search.shop.internal").answer] == [30, 5]


def test_a_flip_invalidates_nothing_else_in_the_cache(daemon, upstream):
    ask(daemon, "www.example.net")
    ask(daemon, "search.shop.internal")
    daemon.switch(US)
    ask(daemon, "search.shop.internal")
    daemon.switch(EU)
    ask(daemon, "search.shop.internal")
    ask(daemon, "www.example.net")
    assert upstream.count("www.example.net") == 1
    assert upstream.count("search-eu.example.net") == 1


def test_with_do_a_managed_answer_says_that_it_is_forged(daemon):
    assert reasons(ask(daemon, "api.shop.internal", do=True)) == [4]
    assert 4 in reasons(ask(daemon, "search.shop.internal", do=True))
    assert reasons(ask(daemon, "api.shop.internal", edns=1232)) == []


def test_stale_data_of_the_target_stands_behind_the_current_cname(house, upstream):
    for name, address in (("search-eu", "192.0.2.12"), ("search-us", "192.0.2.22")):
        upstream.script(f"{name}.example.net", lambda asked, name=name, address=address:
                        asked.answer(f"{name}.example.net. 1 A {address}"))
    daemon = house.daemon([upstream]).start()
    ask(daemon, "search.shop.internal")
    daemon.switch(US)
    ask(daemon, "search.shop.internal")
    time.sleep(1.2)  # both have run out
    upstream.script("search-eu.example.net", SILENT)
    upstream.script("search-us.example.net", SILENT)
    answer = ask(daemon, "search.shop.internal", edns=1232)
    assert records(answer.answer) == ["search.shop.internal. CNAME search-us.example.net.",
                                      "search-us.example.net. A 192.0.2.22"]
    assert 3 in reasons(answer)


# -- relays --------------------------------------------------------------------------------------

def test_a_relays_name_answers_its_address_and_nodata_for_the_rest(house, upstream):
    daemon = house.daemon([upstream], endpoints={"orders-db": {
        "relay": {"listen": ["127.0.0.54:15432"]}}}).start()
    assert records(ask(daemon, "db.shop.internal").answer) == ["db.shop.internal. A 127.0.0.54"]
    for type_ in ("AAAA", "HTTPS", "SVCB", "TXT"):
        answer = ask(daemon, "db.shop.internal", type_)
        assert rcode(answer) == "NOERROR" and not answer.answer and has_soa(answer)
    daemon.switch(US)
    assert records(ask(daemon, "db.shop.internal").answer) == ["db.shop.internal. A 127.0.0.54"]
    assert upstream.count() == 0


# -- several threads and both families -----------------------------------------------------------

def test_two_threads_answer_alike(house, upstream):
    daemon = house.daemon([upstream], resolver={"threads": 2}).start()
    for _ in range(32):  # each from a port of its own, so that the kernel spreads them
        assert addresses(ask(daemon, "search.shop.internal")) == ["192.0.2.12"]
    daemon.switch(US)
    for _ in range(32):
        assert addresses(ask(daemon, "search.shop.internal")) == ["192.0.2.22"]


def test_an_ipv6_listener_answers_over_udp_and_tcp(house, upstream):
    with socket.create_server(("::1", 0), family=socket.AF_INET6) as probe:
        port = probe.getsockname()[1]
    daemon = house.daemon([upstream])
    daemon.write_config(resolver={"listen": [f"{daemon.address}:{daemon.port}", f"[::1]:{port}"]})
    daemon.start()
    there = types.SimpleNamespace(address="::1", port=port)
    assert addresses(ask(there, "api.shop.internal")) == ["192.0.2.10"]
    assert addresses(ask(there, "api.shop.internal", tcp=True)) == ["192.0.2.10"]
