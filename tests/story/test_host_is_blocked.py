"""MariaDB lets nobody in from a host of which it has counted max_connect_errors (100, here 3).

It counts connections that end before somebody tried to log in, from addresses that are not loopback
and while it resolves names. Nobody may find out on the night when the standby is needed that our own
checks have made it refuse the application."""
import json
import pathlib
import shutil
import signal

import pymysql
import pytest

from lib.daemon import EU, US
from lib.machine import eventually
from lib.relay import Relay

pytestmark = pytest.mark.root

STRICT = ["--max-connect-errors=3", "--skip-name-resolve=OFF", "--performance-schema=ON"]
HEALTH = {"interval": "50ms", "timeout": "500ms", "fall": 3, "rise": 2}
CHECKS = 12  # many more than 3


@pytest.fixture
def strict_pair(regions, mariadb_pair):
    """Both know the application's host by name, as RDS does."""
    folders = [pathlib.Path("/etc/netns") / place.name for place in (regions.eu, regions.us)]
    for folder in folders:
        folder.mkdir(parents=True)
        (folder / "hosts").write_text(f"{regions.host.address} app-1\n")
        (folder / "nsswitch.conf").write_text("hosts: files\n")
    try:
        yield mariadb_pair.reset(options=STRICT)
    finally:
        mariadb_pair.stop()
        for folder in folders:
            shutil.rmtree(folder)


@pytest.fixture
def relay(house, regions, strict_pair):
    """Its probe without a user, so that it looks at the greeting alone."""
    return Relay(house, regions, strict_pair, health=HEALTH, probe={"type": "mysql"})


def checks_seen(server):
    return int(server.query("SHOW GLOBAL STATUS LIKE 'Aborted_connects'")[0][1])


def wait_for_checks(server):
    """Each is an aborted connect, for that is what somebody is who could not log in."""
    enough = checks_seen(server) + CHECKS
    eventually(lambda: checks_seen(server) >= enough, "the target is checked often")


def errors_counted(server, host):
    """What is counted of this host; None if the server does not even know it."""
    rows = server.query("SELECT sum_connect_errors FROM performance_schema.host_cache "
                        f"WHERE ip = '{host.address}'")
    return rows[0][0] if rows else None


def waiting(place):
    """Connections that their client has closed and the server has not looked at."""
    return place.run("ss", "-Htn", "state", "close-wait", "sport", "=", ":3306").stdout.count("\n")


def test_an_application_gets_in_however_often_the_standby_was_checked(regions, strict_pair, relay):
    wait_for_checks(strict_pair.us)
    wait_for_checks(strict_pair.eu)
    for region in (EU, US):
        target = relay.daemon.status()["endpoints"]["orders-db"]["targets"][region]
        assert target["health"] == "up", target
    relay.fail_over()
    with regions.host.inside():
        strict_pair.connect(relay.address, relay.port).close()
    assert [errors_counted(server, regions.host) for server in strict_pair.servers] == [0, 0]


def test_ready_is_not_counted_either(regions, strict_pair, relay):
    rows = json.loads(relay.daemon.cli("ready", US, "--json").out)["rows"]
    statuses = [row["status"] for row in rows if row["check"] == "certificate"]
    assert statuses[0] == "pass", rows  # that it expires soon is a row of its own
    assert [errors_counted(server, regions.host) for server in strict_pair.servers] == [0, 0]


def test_a_server_that_hung_does_not_count_those_who_gave_up(regions, strict_pair, relay):
    wait_for_checks(strict_pair.us)
    server = strict_pair.us
    server.process.send_signal(signal.SIGSTOP)
    try:
        eventually(lambda: waiting(regions.us) > CHECKS, "checks have come and gone")
    finally:
        server.process.send_signal(signal.SIGCONT)
    wait_for_checks(server)
    assert errors_counted(server, regions.host) == 0
    with regions.host.inside():
        pymysql.connect(host=server.place.address, user="app", database="shop").close()
