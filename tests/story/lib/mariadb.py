"""A MariaDB primary and its replica, by GTID."""
import shutil
import signal
import socket

import pymysql

from lib.database_server import NAME, SETTLED, Pair, Server
from lib.machine import eventually

PORT = 3306


def program(name):
    found = shutil.which(name, path="/usr/sbin:/usr/bin:/sbin:/bin")
    assert found, f"MariaDB's {name} is not installed"
    return found


class Mariadb(Server):
    ERROR = pymysql.OperationalError
    WRITES = "shop.writes"
    SESSIONS = "SHOW FULL PROCESSLIST"

    def __init__(self, place, folder):
        super().__init__(place, folder, "mysql")
        self.number = 1 + len(list(folder.parent.glob("*/number")))
        (folder / "number").write_text(str(self.number))
        self.socket = folder / "socket"

    def start(self, options=()):
        """Who begins as the replica is read-only from the start."""
        self.own_connections = 0
        self.launch(
            program("mariadbd"), "--no-defaults", f"--datadir={self.data}",
            f"--socket={self.socket}", f"--pid-file={self.folder / 'pid'}", "--bind-address=*",
            f"--port={PORT}", f"--server-id={self.number}", "--skip-name-resolve",
            f"--ssl-cert={self.folder / 'cert.pem'}", f"--ssl-key={self.folder / 'key.pem'}",
            "--log-bin=binlog", "--log-slave-updates", "--gtid-strict-mode", "--binlog-format=row",
            f"--read-only={int(self.number > 1)}", "--max-connections=400",
            "--innodb-buffer-pool-size=64M", "--innodb-log-file-size=8M",
            "--innodb-flush-log-at-trx-commit=0", "--sync-binlog=0", "--slave-net-timeout=4",
            *options)

    def stop_cleanly(self):
        self.stop(signal.SIGTERM)

    def kill(self):
        self.stop(signal.SIGKILL)

    def query(self, sql):
        admin = pymysql.connect(unix_socket=str(self.socket), user="root", autocommit=True)
        self.own_connections += 1
        with admin, admin.cursor() as cursor:
            cursor.execute(sql)
            return cursor.fetchall()

    def position(self):
        return self.value("SELECT @@gtid_binlog_pos")

    def has_reached(self, position):
        return self.value(f"SELECT MASTER_GTID_WAIT('{position}', 1)") == 0

    def is_writable(self):
        return not self.value("SELECT @@read_only")

    def promote(self):
        self.query("STOP SLAVE")
        self.query("SET GLOBAL read_only = 0")

    def shell(self, sql):
        """A line of shell that prints what the statement gives."""
        return f"mariadb --no-defaults -u root -S {self.socket} -B -N -e \"{sql}\""

    POSITION = "SELECT @@gtid_binlog_pos"
    REACHED = "SELECT MASTER_GTID_WAIT('$at', 1)"
    PROMOTE = "STOP SLAVE; SET GLOBAL read_only = 0"
    YES = "0"

    def sessions_from(self, address):
        return self.value("SELECT count(*) FROM information_schema.processlist "
                          f"WHERE host LIKE '{address}:%'")

    def connections_seen(self, address):
        """Of any address but our own socket: those who came and said nothing are in no table."""
        return int(self.query("SHOW GLOBAL STATUS LIKE 'Connections'")[0][1]) - self.own_connections


class MariadbPair(Pair):
    KIND, SERVER, PORT = "mariadb", Mariadb, PORT
    ERRORS = (pymysql.Error, OSError)

    def make(self):
        for server in self.servers:
            self.give_certificate(server)
            server.run(program("mariadb-install-db"), "--no-defaults", f"--datadir={server.data}",
                       "--auth-root-authentication-method=normal", "--skip-test-db")
            server.start()
            server.wait_until_it_answers()
        for sql in ("CREATE DATABASE shop", "CREATE USER app", "GRANT ALL ON shop.* TO app",
                    "CREATE USER replica", "GRANT REPLICATION SLAVE ON *.* TO replica",
                    "CREATE TABLE shop.writes (id bigint PRIMARY KEY, who longtext NOT NULL)"):
            self.eu.query(sql)
        self.us.query("RESET MASTER")
        self.us.query(f"CHANGE MASTER TO MASTER_HOST = '{self.regions.eu.address}', "
                      f"MASTER_PORT = {PORT}, MASTER_USER = 'replica', MASTER_CONNECT_RETRY = 1, "
                      "MASTER_USE_GTID = slave_pos")
        self.us.query("START SLAVE")
        position = self.eu.position()
        eventually(lambda: self.us.has_reached(position), "the replica has all", SETTLED)
        for server in self.servers:
            server.stop_cleanly()

    def is_replicating(self):
        return self.us.value("SELECT count(*) FROM information_schema.processlist WHERE command "
                             "IN ('Slave_IO', 'Slave_SQL') AND state NOT LIKE 'Connecting%' "
                             "AND state NOT LIKE 'Reconnecting%'") == 2

    def connect(self, address, port, tls=False):
        who = {"user": "app", "database": "shop", "port": port}
        if not tls:
            return pymysql.connect(host=address, **who)
        connection = pymysql.connect(host=NAME, **who, ssl={"ca": self.folder / "cert.pem"},
                                     defer_connect=True)
        stream = socket.create_connection((address, port))  # what `host` is resolved to
        stream.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        connection.connect(stream)
        return connection

    @staticmethod
    def is_alive(connection):
        """As SQLAlchemy's pool_pre_ping and others check a connection before they lend it out."""
        try:
            connection.ping(reconnect=False)
        except (pymysql.Error, OSError):
            return False
        return True
