"""The probe before the release, asked of real databases: a PostgreSQL pair and a MariaDB.

Both let the probe in over TLS alone, with a certificate that nobody vouches for."""
import contextlib
import os
import pathlib
import pwd
import re
import shutil
import socket
import subprocess
import tempfile

import pytest

from lib.daemon import BUILD
from lib.machine import MANY, eventually, fresh_address

USER, PASSWORD = "prober", "not for logs"


def postgres_program(name):
    """The newest one: Debian has each version's in a folder of its own."""
    versions = pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}")
    return max(versions, key=lambda path: int(path.parts[4]))


def free_port(address):
    with socket.create_server((address, 0)) as listener:
        return listener.getsockname()[1]


class Server:
    """A database of our own, run as nobody in particular; its files go with it."""

    def __init__(self):
        self.address = fresh_address()
        self.port = free_port(self.address)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-db-"))
        self.data = self.folder / "data"
        self.process = None
        shutil.chown(self.folder, "nobody")

    def surroundings(self):
        """With temporary tables of its own: MariaDB's would meet others' of the same name."""
        return {"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", "TMPDIR": str(self.folder)}

    def run(self, *command, **options):
        """As nobody: neither database wants to be root."""
        nobody = pwd.getpwnam("nobody")
        result = subprocess.run([*map(str, command)], user=nobody.pw_uid, group=nobody.pw_gid,
                                extra_groups=[], cwd=self.folder, capture_output=True, text=True,
                                env=self.surroundings(), **options)
        assert result.returncode == 0, result.stdout + result.stderr
        return result.stdout.strip()

    def make_certificate(self):
        self.run("openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
                 "ec_paramgen_curve:P-256", "-nodes", "-subj", "/CN=somebody else", "-days", "2",
                 "-keyout", self.folder / "key.pem", "-out", self.folder / "cert.pem")

    def start(self):
        nobody = pwd.getpwnam("nobody")
        with (self.folder / "log").open("ab") as log:
            self.process = subprocess.Popen([*map(str, self.command())], user=nobody.pw_uid,
                                            group=nobody.pw_gid, extra_groups=[],
                                            cwd=self.folder, env=self.surroundings(), stdout=log,
                                            stderr=log)
        eventually(self.answers, f"{self.command()[0]} answers", 60)

    def log(self):
        return (self.folder / "log").read_text(errors="replace")

    def answers(self):
        assert self.process.poll() is None, self.log()
        with contextlib.suppress(AssertionError):
            return self.ask("SELECT 1") == "1"

    def stop(self):
        if self.process:
            self.process.send_signal(self.STOP)
            self.process.wait(60)
        self.process = None

    def close(self):
        self.stop()
        shutil.rmtree(self.folder)


class Postgres(Server):
    STOP = 2  # fast

    def __init__(self, primary=None):
        super().__init__()
        if primary:
            self.run(postgres_program("pg_basebackup"), "-D", self.data, "-R", "-c", "fast",
                     "--no-sync", "-h", primary.folder, "-p", primary.port, "-U", "owner")
        else:
            self.run(postgres_program("initdb"), "-D", self.data, "-A", "trust", "-U", "owner",
                     "--no-sync", "--locale=C")
            (self.data / "pg_hba.conf").write_text(
                f"local all owner trust\nlocal replication owner trust\n"
                f"hostssl all {USER} all scram-sha-256\n")
        self.make_certificate()

    def command(self):
        return [postgres_program("postgres"), "-D", self.data, "-h", self.address, "-p", self.port,
                "-k", self.folder, "-c", "fsync=off", "-c", "shared_buffers=16MB", "-c", "ssl=on",
                "-c", f"ssl_cert_file={self.folder}/cert.pem",
                "-c", f"ssl_key_file={self.folder}/key.pem"]

    def ask(self, sql):
        return self.run(postgres_program("psql"), "-X", "-q", "-A", "-t", "-h", self.folder, "-p",
                        self.port, "-U", "owner", "-d", "postgres", "-c", sql)


class Mariadb(Server):
    STOP = 15

    def __init__(self):
        super().__init__()
        self.run("mariadb-install-db", "--no-defaults", f"--datadir={self.data}",
                 "--auth-root-authentication-method=normal", "--skip-test-db")
        self.make_certificate()

    def command(self):
        return ["mariadbd", "--no-defaults", f"--datadir={self.data}",
                f"--bind-address={self.address}", f"--port={self.port}",
                f"--socket={self.folder}/socket", f"--pid-file={self.folder}/pid",
                "--innodb-buffer-pool-size=16M", "--log-warnings=4",
                f"--ssl-cert={self.folder}/cert.pem", f"--ssl-key={self.folder}/key.pem"]

    def ask(self, sql):
        return self.run("mariadb", "--no-defaults", f"--socket={self.folder}/socket", "-u", "root",
                        "-N", "-B", "-e", sql)


class Asker:
    """tests/story/ask_writable.c"""

    def __init__(self, kind, server, *login):
        self.words = ""
        self.process = subprocess.Popen(
            [BUILD / "tests" / "story" / "ask_writable", kind, server.address, str(server.port),
             *map(str, login)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.where = f"{server.address}:{server.port}: "

    def hears(self, pattern):
        """Reads on until a line fits."""
        for line in self.process.stdout:
            self.words += line
            if re.search(pattern, line):
                return line.rstrip("\n").removeprefix(self.where)
        raise AssertionError(f"never said {pattern}: {self.words}{self.process.stderr.read()}")

    def is_done(self):
        self.hears("^done$")
        assert self.process.wait(MANY) == 0
        log = self.process.stderr.read()
        assert PASSWORD not in self.words + log and "Sanitizer" not in log, log
        return True

    def close(self):
        self.process.kill()
        self.process.communicate()


@pytest.fixture
def password(tmp_path):
    path = tmp_path / "password"
    path.write_text(PASSWORD + "\n")
    return path


@pytest.fixture(scope="module")
def primary(module_house):
    server = module_house.keep(Postgres())
    server.start()
    server.ask(f"CREATE ROLE {USER} LOGIN PASSWORD '{PASSWORD}'")
    return server


@pytest.fixture(scope="module")
def mariadb(module_house):
    server = module_house.keep(Mariadb())
    server.start()
    server.ask(f"CREATE USER {USER}@'%' IDENTIFIED BY '{PASSWORD}' REQUIRE SSL")
    return server


pytestmark = pytest.mark.root


def test_a_primary_is_writable(house, primary, password):
    asker = house.keep(Asker("postgres", primary, USER, password))
    assert asker.hears(":") == "writable"
    assert asker.is_done()


def test_a_replica_is_writable_once_it_is_promoted(house, primary, password):
    replica = house.keep(Postgres(primary))
    replica.start()
    asker = house.keep(Asker("postgres", replica, USER, password))
    assert asker.hears(":") == "in recovery"
    replica.ask("SELECT pg_promote()")
    assert asker.is_done()


def test_a_primary_whose_transactions_are_read_only_is_not(house, primary, password):
    primary.ask(f"ALTER ROLE {USER} SET default_transaction_read_only = on")
    asker = house.keep(Asker("postgres", primary, USER, password))
    assert asker.hears(":") == "transactions are read-only"
    primary.ask(f"ALTER ROLE {USER} RESET default_transaction_read_only")
    assert asker.is_done()


def test_a_server_that_comes_up_is_waited_for(house, primary, password):
    server = house.keep(Postgres(primary))
    asker = house.keep(Asker("postgres", server, USER, password))
    assert asker.hears(":").lower().startswith("connection refused")
    server.start()
    server.ask("SELECT pg_promote()")
    assert asker.is_done()


def test_a_wrong_password_says_so_and_is_read_anew(house, primary, password):
    password.write_text("wrong")
    asker = house.keep(Asker("postgres", primary, USER, password))
    assert "password authentication failed" in asker.hears(":")
    password.write_text(PASSWORD)
    assert asker.is_done()


def test_without_a_login_postgres_must_take_sessions(house, primary):
    asker = house.keep(Asker("postgres", primary))
    assert asker.hears(":") == "takes sessions"
    assert asker.is_done()


def test_mariadb_is_writable_when_it_is_not_read_only(house, mariadb, password):
    mariadb.ask("SET GLOBAL read_only = 1")
    asker = house.keep(Asker("mysql", mariadb, USER, password))
    assert asker.hears(":") == "read_only is set"
    mariadb.ask("SET GLOBAL read_only = 0")
    assert asker.is_done()


def test_mariadb_with_a_wrong_password_says_so(house, mariadb, password):
    password.write_text("wrong")
    asker = house.keep(Asker("mysql", mariadb, USER, password))
    assert "Access denied" in asker.hears(":")
    password.write_text(PASSWORD)
    assert asker.is_done()


def test_without_a_login_mariadb_must_take_sessions_and_nobody_leaves_its_handshake(house, mariadb):
    """It bars the host of those who do, once they were max_connect_errors."""
    before = len(mariadb.log())
    asker = house.keep(Asker("mysql", mariadb))
    assert asker.hears(":") == "takes sessions"
    assert asker.is_done()
    eventually(lambda: mariadb.log()[before:].count("Access denied for user 'pilotlight-nobody'") == 2,
               "both logins are refused")
    assert "Aborted connection" not in mariadb.log()[before:]
