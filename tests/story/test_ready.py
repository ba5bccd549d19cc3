"""`pilotlight ready`: is the standby fit to take over."""
import json
import os
import socket
import time

import pytest

from lib.daemon import EU, US
from lib.database import Database, make_certificate
from lib.machine import eventually, fresh_address

NAME = "db.shop.internal"
HEALTH = {"interval": "100ms", "timeout": "2s", "fall": 1, "rise": 1}


@pytest.fixture(scope="module")
def certificates(tmp_path_factory):
    folder = tmp_path_factory.mktemp("certificates")
    return {
        "both": make_certificate(folder, "both", [f"DNS:{NAME}", "DNS:orders.example.net"]),
        "other": make_certificate(folder, "other", ["DNS:elsewhere.example.net"]),
        "below": make_certificate(folder, "below", ["DNS:*.shop.internal"]),
        "soon": make_certificate(folder, "soon", [f"DNS:{NAME}"], days=3),
    }


def start(house, eu, us, upstream=None, **changes):
    """A daemon with one database endpoint and nothing else, once its targets have been looked at."""
    endpoint = {"type": "database", "group": "data", "names": [NAME],
                "targets": {EU: str(eu), US: str(us)}, **changes}
    gone = dict.fromkeys(["search", "api", "six"])
    daemon = house.daemon([upstream] if upstream else [], health=HEALTH,
                          endpoints={"orders-db": endpoint, **gone}).start()
    eventually(lambda: health_of(daemon, US) != "unknown" and health_of(daemon, EU) != "unknown",
               "each target is looked at")
    return daemon


def health_of(daemon, region):
    return daemon.status()["endpoints"]["orders-db"]["targets"][region]["health"]


def ready(daemon, *arguments, expect=0):
    return json.loads(daemon.cli("ready", "--json", *arguments, expect=expect).out)


def rows_of(document, check):
    return [row for row in document["rows"] if row["check"] == check]


def the_row(document, check):
    rows = rows_of(document, check)
    assert len(rows) == 1, document
    return rows[0]


def pair(house, certificates, eu, us, **options):
    return [house.keep(Database(certificates.get(name), **options)) for name in (eu, us)]


@pytest.mark.parametrize("protocol, port", [("postgres", None), ("mysql", None),
                                            ("postgres", 6000), ("mysql", 6000)])
def test_certificates_that_both_carry_the_name_pass(house, certificates, protocol, port):
    eu, us = pair(house, certificates, "both", "below", protocol=protocol, port=port)
    daemon = start(house, eu, us)
    row = the_row(ready(daemon, US), "certificate")
    assert row["status"] == "pass" and NAME in row["words"], row
    assert row["endpoint"] == "orders-db" and row["region"] == US and row["advice"] is None
    assert (eu.asked, us.asked) == (1, 1)


@pytest.mark.parametrize("protocol", ["postgres", "mysql"])
def test_a_name_that_only_the_active_certificate_carries_is_a_warning(house, certificates, protocol):
    daemon = start(house, *pair(house, certificates, "both", "other", protocol=protocol))
    document = ready(daemon, US)
    row = the_row(document, "certificate")
    assert row["status"] == "warn" and document["ready"] is True
    for word in (NAME, EU, US, "clients with verify-full fail after a switch"):
        assert word in row["words"]
    assert row["advice"] == "use verify-ca, or a name that both certificates carry"


def test_a_name_that_the_active_certificate_lacks_does_not_verify_today_either(house, certificates):
    daemon = start(house, *pair(house, certificates, "other", "both"))
    row = the_row(ready(daemon, US), "certificate")
    assert row["status"] == "pass" and "verify-full does not work today either" in row["words"]


def test_databases_without_tls_pass_and_are_said_to_be_plain(house, certificates):
    daemon = start(house, *pair(house, certificates, None, None))
    row = the_row(ready(daemon, US), "certificate")
    assert row["status"] == "pass" and "not offered" in row["words"]


def test_a_standby_without_tls_is_a_warning_where_the_active_one_has_it(house, certificates):
    daemon = start(house, *pair(house, certificates, "both", None, protocol="mysql"))
    row = the_row(ready(daemon, US), "certificate")
    assert row["status"] == "warn" and "no TLS" in row["words"]


def test_a_certificate_that_runs_out_is_a_warning_of_its_own(house, certificates):
    daemon = start(house, *pair(house, certificates, "both", "soon"))
    rows = rows_of(ready(daemon, US), "certificate")
    assert [row["status"] for row in rows] == ["pass", "warn"] and "expires on" in rows[1]["words"]


def test_a_named_target_is_resolved_and_named_to_the_server(house, upstream, certificates):
    eu, us = pair(house, certificates, "both", "both")
    upstream.add(f"orders.example.net. 60 A {us.address}")
    daemon = start(house, eu, "orders.example.net:5432", upstream)
    assert the_row(ready(daemon, US), "certificate")["status"] == "pass"
    assert us.server_names == ["orders.example.net"] and not any(eu.server_names)


def test_a_target_that_is_down_fails_and_is_exit_1(house, certificates):
    eu, = [house.keep(Database(certificates["both"]))]
    daemon = start(house, eu, f"{fresh_address()}:5432")
    document = ready(daemon, US, expect=1)
    assert document["ready"] is False
    row = the_row(document, "target")
    assert row["status"] == "fail" and "connection refused" in row["words"]
    assert the_row(document, "certificate")["status"] == "warn"
    out = daemon.cli("ready", US, expect=1).out
    assert "not ready" in out and "connection refused" in out


def test_a_lost_active_region_does_not_make_the_standby_unfit(house, certificates):
    us = house.keep(Database(certificates["both"]))
    daemon = start(house, f"{fresh_address()}:5432", us)
    document = ready(daemon, US)
    assert document["ready"] is True
    assert the_row(document, "target")["status"] == "pass"
    assert the_row(document, "certificate")["status"] == "warn"


def test_a_target_that_says_nothing_is_waited_for_three_seconds(house, certificates):
    silent = socket.create_server((fresh_address(), 5432))
    house.stack.callback(silent.close)
    eu = house.keep(Database(certificates["both"]))
    daemon = start(house, eu, "%s:%u" % silent.getsockname())
    row = the_row(ready(daemon, US), "certificate")
    assert row["status"] == "warn" and "3s" in row["words"]


def test_the_daemon_stops_at_once_while_it_asks(house, certificates):
    silent = socket.create_server((fresh_address(), 5432))
    house.stack.callback(silent.close)
    daemon = start(house, house.keep(Database(certificates["both"])),
                   "%s:%u" % silent.getsockname())
    with daemon.control() as control:
        asked = time.monotonic()
        control.send("ready")
        control.call("hello")  # it has read both
        daemon.terminate()
        assert time.monotonic() - asked < 3  # the look alone would have taken that


def test_the_document_has_stable_keys(house, certificates):
    daemon = start(house, *pair(house, certificates, "both", "both"))
    document = ready(daemon)
    assert set(document) == {"ready", "rows"}
    for row in document["rows"]:
        assert set(row) == {"check", "endpoint", "region", "status", "words", "advice"}
        assert row["status"] in ("pass", "warn", "fail") and row["region"] == US
    assert {row["check"] for row in document["rows"]} == {
        "state", "latch", "target", "drill", "ttl", "certificate"}


def test_an_unknown_region_is_exit_2(daemon):
    assert "mars-north-1" in daemon.cli("ready", "mars-north-1", expect=2).err
    assert daemon.cli("ready", US, EU, expect=2).err


def test_without_a_region_every_standby_is_looked_at(daemon):
    assert {row["region"] for row in ready(daemon)["rows"]} == {US}
    daemon.switch(US, "--group", "data")
    assert {row["region"] for row in ready(daemon)["rows"]} == {EU, US}
    daemon.switch(US)
    assert {row["region"] for row in ready(daemon)["rows"]} == {EU}


def test_a_target_without_a_port_is_a_warning(daemon):
    row = next(row for row in ready(daemon, US)["rows"] if row["endpoint"] == "api")
    assert row["status"] == "warn" and "port" in row["words"]


def test_a_latched_region_fails_and_readopt_is_named(daemon):
    with daemon.control() as control:
        control.call("hello", role="sidecar")
        control.call("begin", region=US)
        control.call("fence", groups=["data"])
        control.call("step", step="promote", status="running", promotes=True)
        control.call("step", step="promote", status="done")
        control.call("switch")
        control.call("end")
    document = ready(daemon, EU, expect=1)
    failed = [row for row in rows_of(document, "latch") if row["status"] == "fail"]
    assert failed and all(row["advice"] == f"pilotlight readopt {EU}" for row in failed)


def test_an_undecided_host_is_not_ready(house):
    daemon = house.daemon()
    daemon.state_file.parent.mkdir()
    daemon.state_file.write_text("{}")
    daemon.start()
    failed = [row for row in rows_of(ready(daemon, expect=1), "state") if row["status"] == "fail"]
    assert failed and all("undecided" in row["words"] for row in failed)
    assert "--force=undecided" in failed[0]["advice"]


def test_many_who_ask_share_one_look(house, certificates):
    eu, us = pair(house, certificates, "both", "both")
    daemon = start(house, eu, us)
    with daemon.control() as control:
        for _ in range(20):
            control.send("ready")
        assert all(control.receive()["result"]["ready"] for _ in range(20))
        assert control.call("ready", region=EU)["ready"] is True  # from the same look
    assert (eu.asked, us.asked) == (1, 1)
    daemon.switch(US)  # then what was seen before is not shown again
    assert the_row(ready(daemon, EU), "certificate")["region"] == EU
    assert (eu.asked, us.asked) == (2, 2)


@pytest.mark.root
def test_anybody_may_ask(daemon):
    nobody = 65534
    daemon.folder.chmod(0o755)
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        os.setgroups([])
        os.setgid(nobody)
        os.setuid(nobody)
        with daemon.control() as control:
            os.write(write, json.dumps(control.call("ready")).encode())
        os._exit(0)
    os.close(write)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert "rows" in json.loads(os.read(read, 65536))
    os.close(read)
