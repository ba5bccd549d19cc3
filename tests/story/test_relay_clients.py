"""Clients do their ordinary work through the relay, and cannot tell."""
import hashlib
import socket
import subprocess
import threading
import time

import psycopg
import pytest

from lib import mariadb, postgres
from lib.clients import Hikari, PsycopgPool
from lib.daemon import wait_past
from lib.machine import eventually
from lib.relay import Relay
from lib.scene import on_both, on_mariadb

pytestmark = pytest.mark.root

MIB = 1 << 20


def run(scene, *command, **options):
    done = subprocess.run([*scene.host.wrap, *map(str, command)], timeout=300, check=False,
                          **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE,
                             "stderr": subprocess.PIPE, **options})
    assert done.returncode == 0, done.stderr
    return done.stdout


def both_ways(scene):
    """(address, port) of the database itself, and of the relay."""
    relay = scene.relay()
    return (scene.regions.eu.address, scene.pair.PORT), (relay.address, relay.port)


def psql(scene, where, *arguments, tls=False, **options):
    return run(scene, postgres.program("psql"), "-X", "-A", "-t", "-d", scene.pair.text(*where, tls),
               "-v", "ON_ERROR_STOP=1", *arguments, **options)


def mariadb_client(scene, where, *arguments):
    return run(scene, mariadb.program("mariadb"), "--no-defaults", "-h", where[0], "-P", where[1],
               "-u", "app", *arguments, "shop")


QUERIES = [
    "SELECT 1, NULL, true, 'ä€', 1.5::numeric, '{1,2}'::int[]",
    "SELECT n, md5(n::text) FROM generate_series(1, 100000) n",
    "SELECT repeat('x', 5000000)",
]


@pytest.mark.parametrize("tls", [False, True], ids=["plain", "tls"])
def test_psql_gets_the_same_from_the_relay(scene, tls):
    if tls:
        scene.pair.reset(tls=True)
    direct, relayed = both_ways(scene)
    for query in QUERIES:
        results = [psql(scene, where, "-c", query, tls=tls) for where in (direct, relayed)]
        assert results[0] == results[1] and results[0]


@on_mariadb
@pytest.mark.parametrize("options", [(), ("--ssl", "--compress")], ids=["plain", "tls"])
def test_the_mariadb_client_gets_the_same_from_the_relay(scene, options):
    direct, relayed = both_ways(scene)
    for query in ("SELECT 1, NULL, 'ä€', 1.5", "SELECT seq, md5(seq) FROM seq_1_to_100000",
                  "SELECT repeat('x', 5000000)"):
        results = [mariadb_client(scene, where, *options, "-e", query)
                   for where in (direct, relayed)]
        assert results[0] == results[1] and results[0]


@on_both
def test_a_driver_does_all_of_its_ordinary_work(scene):
    relay = scene.relay()
    with scene.host.inside():
        connection = scene.pair.connect(relay.address, relay.port)
    big = "x" * (8 * MIB)
    with connection, connection.cursor() as cursor:
        cursor.executemany("INSERT INTO writes VALUES (%s, %s)", [(n, "many") for n in range(500)])
        cursor.execute("INSERT INTO writes VALUES (500, %s)", (big,))
        connection.commit()
        cursor.execute("INSERT INTO writes VALUES (501, 'not to stay')")
        connection.rollback()
        with pytest.raises(scene.pair.ERRORS):
            cursor.execute("INSERT INTO writes VALUES (1, 'twice')")
        connection.rollback()
        cursor.execute("SELECT who FROM writes WHERE id = 500")
        assert cursor.fetchone()[0] == big
    assert scene.pair.eu.ids() == set(range(501))


@pytest.mark.parametrize("client", [PsycopgPool, Hikari])
def test_a_pool_with_its_defaults_works_without_an_error(scene, client, tmp_path):
    client = client(scene.relay(), scene.host, tmp_path)
    client.start()
    try:
        eventually(lambda: len(client.workers) == 4 and
                   all(len(done) > 50 for done in client.workers.values()), "all work")
    finally:
        client.stop()
    assert not client.failed
    assert {ack.id for done in client.workers.values() for ack in done} <= scene.pair.eu.ids()


@pytest.mark.parametrize("options", [(), ("-C",), ("-M", "prepared")],
                         ids=["eight clients", "a connection a transaction", "prepared"])
def test_pgbench_counts_what_the_database_counts(scene, options):
    relay = scene.relay()
    where = scene.pair.text(relay.address, relay.port)
    pgbench = postgres.program("pgbench")
    run(scene, pgbench, "-i", "-q", where)
    out = run(scene, pgbench, "-n", "-c", 8, "-t", 25, *options, where).decode()
    assert "number of transactions actually processed: 200/200" in out
    assert scene.pair.eu.value("SELECT count(*) FROM pgbench_history") == 200


@pytest.mark.parametrize("size", [20 * MIB, pytest.param(200 * MIB, marks=pytest.mark.slow)],
                         ids=["20 MiB", "200 MiB"])
def test_a_copy_in_and_out_is_the_same_to_the_byte(scene, size, tmp_path):
    relay = scene.relay()
    where = (relay.address, relay.port)
    lines = b"".join(hashlib.sha256(b"%d" % n).hexdigest().encode() * 15 + b"\n"
                     for n in range(MIB // 961))
    with (tmp_path / "in").open("wb") as file:
        for _ in range(size // len(lines) + 1):
            file.write(lines)
    scene.pair.eu.query("SET ROLE app; CREATE UNLOGGED TABLE load (line text)")
    with (tmp_path / "in").open("rb") as file:
        psql(scene, where, "-c", "COPY load FROM STDIN", stdin=file)
    with (tmp_path / "out").open("wb") as file:
        psql(scene, where, "-c", "COPY load TO STDOUT", stdout=file)
    assert checksum(tmp_path / "out") == checksum(tmp_path / "in")


def checksum(path):
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def test_a_notification_arrives_by_itself(scene):
    relay = scene.relay()
    with scene.host.inside():
        listener, notifier = (scene.pair.connect(relay.address, relay.port) for _ in range(2))
    with listener, notifier:
        listener.autocommit = notifier.autocommit = True
        listener.execute("LISTEN news")
        heard = []
        ear = threading.Thread(target=lambda: heard.append(next(listener.notifies()).payload),
                               daemon=True)
        ear.start()
        notifier.execute("NOTIFY news, 'hello'")
        ear.join(20)
        assert heard == ["hello"]


def test_a_statement_is_cancelled_through_the_relay(scene):
    """A cancel request is a connection of its own, and ends without a reply."""
    relay = scene.relay()
    with scene.host.inside():
        connection = scene.pair.connect(relay.address, relay.port)
        timer = threading.Timer(0.3, connection.cancel)
        timer.start()
        with connection, pytest.raises(psycopg.errors.QueryCanceled):
            connection.execute("SELECT pg_sleep(60)")


def stay_idle(scene, seconds):
    relay = scene.relay()
    with scene.host.inside():
        connection = scene.pair.connect(relay.address, relay.port)
    with connection, connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE mine AS SELECT 1 AS one")
        wait_past(time.monotonic() + seconds)
        cursor.execute("SELECT one FROM mine")  # only this session has it
        assert cursor.fetchone()[0] == 1


@pytest.mark.slow
def test_an_idle_session_stays(scene):
    """For longer than TCP_USER_TIMEOUT, connect timeout and whatever else runs out early."""
    stay_idle(scene, 13)


@pytest.mark.slow
@pytest.mark.long
@on_both
def test_a_session_that_is_idle_for_five_minutes_stays(scene):
    stay_idle(scene, 300)


@on_both
def test_ipv6_on_both_sides_is_as_good(scene):
    relay = scene.relay(ipv6=True)
    with scene.host.inside():
        connection = scene.pair.connect(relay.address, relay.port)
    with connection, connection.cursor() as cursor:
        cursor.execute("INSERT INTO writes VALUES (6, 'six')")
        connection.commit()
    assert scene.pair.eu.connections_seen(scene.host.address6) > 0
    assert scene.pair.eu.ids() == {6}


class Plain:
    """A server of no known protocol, for one connection."""
    PORT = 7000

    def __init__(self, place, serve):
        with place.inside():
            self.listener = socket.create_server((place.address, self.PORT))
        threading.Thread(target=lambda: serve(self.listener.accept()[0]), daemon=True).start()

    def close(self):
        self.listener.close()


def receive_all(stream):
    data = b"".join(iter(lambda: stream.recv(MIB), b""))
    return hashlib.sha256(data).hexdigest().encode()


def connect_plain(house, regions, serve):
    plain = house.keep(Plain(regions.eu, serve))
    relay = Relay(house, regions, plain)
    with regions.host.inside():
        return socket.create_connection((relay.address, relay.port), timeout=60)


MUCH = bytes(range(256)) * (16 * MIB // 256)


def test_a_client_that_has_said_all_still_hears_the_answer(house, regions):
    """As `nc -N` does: an end in one direction is not the end."""
    def serve(stream):
        with stream:
            stream.sendall(receive_all(stream))

    with connect_plain(house, regions, serve) as stream:
        stream.sendall(MUCH)
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(1000) == hashlib.sha256(MUCH).hexdigest().encode()
        assert stream.recv(1000) == b""


def test_a_server_that_has_said_all_still_hears_the_client(house, regions):
    heard = []

    def serve(stream):
        with stream:
            stream.sendall(b"bye")
            stream.shutdown(socket.SHUT_WR)
            heard.append(receive_all(stream))

    with connect_plain(house, regions, serve) as stream:
        assert stream.makefile("rb").read() == b"bye"
        stream.sendall(MUCH)
        stream.shutdown(socket.SHUT_WR)
        eventually(lambda: heard, "the server heard the end")
    assert heard == [hashlib.sha256(MUCH).hexdigest().encode()]


def test_back_pressure_reaches_the_one_who_sends(house, regions):
    """A relay that read on for a server that does not would grow without bound."""
    go_on = threading.Event()

    def serve(stream):
        with stream:
            go_on.wait(60)
            stream.sendall(receive_all(stream))

    digest, sent = hashlib.sha256(), 0
    with connect_plain(house, regions, serve) as stream:
        stream.settimeout(0.5)
        with pytest.raises(TimeoutError):
            while sent < 256 * MIB:
                chunk = MUCH[:stream.send(MUCH[:MIB])]
                digest.update(chunk)
                sent += len(chunk)
        go_on.set()
        stream.settimeout(60)
        stream.shutdown(socket.SHUT_WR)
        assert stream.recv(1000) == digest.hexdigest().encode()
