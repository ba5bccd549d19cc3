"""The main job as an application sees it: getent through a real resolv.conf, a real nsd behind."""
import time

import pytest

from lib.ask import addresses, ask, rcode, records
from lib.daemon import US
from lib.machine import eventually

pytestmark = pytest.mark.root

ZONE = """$ORIGIN example.net.
$TTL 300
@ SOA ns.example.net. root.example.net. 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.1
orders-eu A 192.0.2.11
orders-us CNAME writer-us
writer-us A 192.0.2.21
search-eu A 192.0.2.12
search-eu AAAA 2001:db8::12
search-us A 192.0.2.22
www A 192.0.2.80
into CNAME search.shop.internal.
many TXT "x"
"""


@pytest.fixture
def nsd(house):
    return house.nsd("example.net", ZONE)


def test_a_real_authoritative_server_behind_it(house, nsd):
    daemon = house.daemon([nsd]).start()
    assert records(ask(daemon, "db.shop.internal").answer) == [
        "db.shop.internal. CNAME orders-eu.example.net.", "orders-eu.example.net. A 192.0.2.11"]
    daemon.switch(US)
    assert records(ask(daemon, "db.shop.internal").answer) == [
        "db.shop.internal. CNAME orders-us.example.net.",
        "orders-us.example.net. CNAME writer-us.example.net.",
        "writer-us.example.net. A 192.0.2.21"]
    assert addresses(ask(daemon, "into.example.net")) == ["192.0.2.22"]
    assert rcode(ask(daemon, "nowhere.example.net")) == "NXDOMAIN"
    nsd.close()
    assert addresses(ask(daemon, "db.shop.internal")) == ["192.0.2.21"]


class Host:
    """A namespace whose resolv.conf names the daemon on 127.0.0.1:53, as an app host's does."""

    def __init__(self, house, servers="nameserver 127.0.0.1\n", **changes):
        self.space = house.namespace(servers)
        house.nsd("example.net", ZONE, "127.0.0.2", 53, self.space.wrap)
        self.daemon = house.daemon([], wrap=self.space.wrap, **{**{
            "resolver": {"listen": "127.0.0.1:53", "upstreams": ["127.0.0.2:53"]},
            "monitoring": {"listen": "127.0.0.1:9353"}}, **changes})

    def getent(self, name, database="ahostsv4"):
        return sorted({line.split()[0] for line in
                       self.space.run("getent", database, name).stdout.splitlines()})


def test_an_application_follows_the_switch_without_a_change(house):
    host = Host(house)
    host.daemon.start()
    assert host.getent("db.shop.internal") == ["192.0.2.11"]
    assert host.getent("api.shop.internal") == ["192.0.2.10"]
    assert host.getent("any.search.shop.internal", "ahosts") == ["192.0.2.12", "2001:db8::12"]
    assert host.getent("six.shop.internal", "ahostsv6") == ["2001:db8::10"]
    host.daemon.switch(US)
    assert host.getent("db.shop.internal") == ["192.0.2.21"]
    assert host.getent("api.shop.internal") == ["192.0.2.20"]
    assert host.getent("www.example.net") == ["192.0.2.80"]
    assert host.getent("nowhere.example.net") == []


def test_dig_sees_a_proper_message(host_with_daemon):
    out = host_with_daemon.space.run("dig", "+dnssec", "db.shop.internal").stdout
    assert "status: NOERROR" in out and "flags: qr rd ra;" in out
    assert "EDE: 4" in out and "WARNING" not in out and "malformed" not in out.lower()


@pytest.fixture
def host_with_daemon(house):
    host = Host(house)
    host.daemon.start()
    return host


def test_upstreams_come_from_resolv_conf_with_ourselves_left_out(house):
    host = Host(house, servers="nameserver 127.0.0.1\nnameserver 127.0.0.2\n",
                resolver={"listen": "127.0.0.1:53", "upstreams": None})
    host.daemon.start()
    assert host.space.run("dig", "+short", "@127.0.0.1", "www.example.net").stdout.split() == [
        "192.0.2.80"]


def test_resolv_conf_is_read_again_when_it_changes(house):
    host = Host(house, servers="nameserver 127.0.0.9\n",
                resolver={"listen": "127.0.0.1:53", "upstreams": None})
    host.daemon.start()
    asked = ["dig", "+short", "+time=2", "+tries=1", "@127.0.0.1", "www.example.net"]
    assert host.space.run(*asked).stdout.strip() != "192.0.2.80"
    host.space.set_resolv_conf("nameserver 127.0.0.2\n")
    eventually(lambda: host.space.run(*asked).stdout.strip() == "192.0.2.80", "the new upstream")


def test_without_any_upstream_it_starts_and_says_servfail_at_once(house):
    host = Host(house, servers="nameserver 127.0.0.1\n",
                resolver={"listen": "127.0.0.1:53", "upstreams": None})
    host.daemon.start()
    started = time.monotonic()
    out = host.space.run("dig", "@127.0.0.1", "www.example.net").stdout
    assert "status: SERVFAIL" in out and ("EDE: 22" in out or "EDE: 23" in out)
    assert time.monotonic() - started < 2
    assert host.getent("api.shop.internal") == ["192.0.2.10"]
