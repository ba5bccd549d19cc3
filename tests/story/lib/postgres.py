"""A PostgreSQL primary and its streaming replica."""
import pathlib
import signal

import psycopg

from lib.database_server import NAME, Pair, Server

PORT = 5432
SETTINGS = """
listen_addresses = '*'
port = 5432
unix_socket_directories = '..'
ssl_cert_file = '../cert.pem'
ssl_key_file = '../key.pem'
fsync = off
dynamic_shared_memory_type = mmap
max_connections = 400
shared_buffers = 32MB
max_wal_size = 256MB
wal_keep_size = 64MB
wal_retrieve_retry_interval = 100ms
log_connections = on
"""
ACCESS = """
local all all trust
host all all all trust
host replication all all trust
"""


def program(name):
    """The newest that is installed, without Debian's wrappers around it."""
    found = sorted(pathlib.Path("/usr/lib/postgresql").glob(f"*/bin/{name}"),
                   key=lambda path: int(path.parts[4]))
    assert found, f"PostgreSQL's {name} is not installed"
    return found[-1]


class Postgres(Server):
    ERROR = psycopg.OperationalError
    WRITES = "writes"
    SESSIONS = ("SELECT client_addr::text, client_port, state, wait_event_type, wait_event, query "
                "FROM pg_stat_activity")

    def __init__(self, place, folder):
        super().__init__(place, folder, "postgres")

    def start(self, tls=False):
        self.launch(program("postgres"), "-D", self.data, "-c", f"ssl={'on' if tls else 'off'}")

    def stop_cleanly(self):
        self.stop(signal.SIGINT)

    def kill(self):
        self.stop(signal.SIGQUIT)  # children too; nothing is written

    def query(self, sql):
        with psycopg.connect(host=str(self.folder), port=PORT, user="postgres", dbname="postgres",
                             autocommit=True) as admin:
            cursor = admin.execute(sql)
            return cursor.fetchall() if cursor.description else []

    def position(self):
        return self.value("SELECT pg_current_wal_lsn()::text")

    def has_reached(self, position):
        return self.value(f"SELECT pg_last_wal_replay_lsn() >= '{position}'")

    def is_writable(self):
        return not self.value("SELECT pg_is_in_recovery()")

    def promote(self):
        assert self.value("SELECT pg_promote()")

    def shell(self, sql):
        """A line of shell that prints what the statement gives."""
        return f"psql -X -A -t -h {self.folder} -U postgres -d postgres -c \"{sql}\""

    POSITION = "SELECT pg_current_wal_lsn()"
    REACHED = "SELECT pg_last_wal_replay_lsn() >= '$at'"
    PROMOTE = "SELECT pg_promote()"
    YES = "t"

    def sessions_from(self, address):
        return self.value("SELECT count(*) FROM pg_stat_activity "
                          f"WHERE client_addr = '{address}'")

    def connections_seen(self, address):
        """Also of those who came and said nothing."""
        return self.log().count(f"connection received: host={address} ")


class PostgresPair(Pair):
    KIND, SERVER, PORT = "postgres", Postgres, PORT
    ERRORS = (psycopg.Error, OSError)

    def make(self):
        for server in self.servers:
            self.give_certificate(server)
        self.eu.run(program("initdb"), "-D", self.eu.data, "-A", "trust", "-U", "postgres",
                    "-E", "UTF8", "--locale=C", "--no-sync", "--wal-segsize=4")
        with (self.eu.data / "postgresql.conf").open("a") as file:
            file.write(SETTINGS)
        (self.eu.data / "pg_hba.conf").write_text(ACCESS)
        self.eu.start()
        self.eu.wait_until_it_answers()
        for sql in ("CREATE ROLE app LOGIN", "ALTER DATABASE postgres OWNER TO app",
                    "GRANT ALL ON SCHEMA public TO app", "SET ROLE app; "
                    "CREATE TABLE writes (id bigint PRIMARY KEY, who text NOT NULL)"):
            self.eu.query(sql)
        self.us.run(program("pg_basebackup"), "-D", self.us.data, "-R", "-c", "fast", "--no-sync",
                    "-d", f"host={self.regions.eu.address} port={PORT} user=postgres")
        self.us.start()
        self.us.wait_until_it_answers()
        self.us.stop_cleanly()
        self.eu.stop_cleanly()

    def is_replicating(self):
        return self.eu.query("SELECT 1 FROM pg_stat_replication WHERE state = 'streaming'")

    def text(self, address, port, tls=False):
        """libpq's connection string, as an application has it: nothing about timeouts."""
        words = f"port={port} user=app dbname=postgres "
        if tls:
            return words + (f"host={NAME} hostaddr={address} sslmode=verify-full "
                            f"sslrootcert={self.folder / 'cert.pem'}")
        return words + f"host={address} sslmode=disable"

    def connect(self, address, port, tls=False):
        return psycopg.connect(self.text(address, port, tls))

    @staticmethod
    def is_alive(connection):
        """As psycopg_pool (3.2 and newer) checks a connection before it lends it out."""
        try:
            connection.autocommit = True
            connection.execute("SELECT 1")
            connection.autocommit = False
        except psycopg.OperationalError:
            return False
        return True
