"""Clients that write one row a transaction, each as its kind does, with its defaults.

    client.start()      it writes, for ever
    client.workers      {name: [Acknowledged, …]}: each of them must get on
    client.stop()
"""
import collections
import functools
import itertools
import subprocess
import threading
import time

import psycopg
import psycopg_pool

from lib import mariadb, postgres
from lib.writers import PAUSE, Acknowledged, Writer

JARS = ":".join(f"/usr/share/java/{name}.jar" for name in ("HikariCP", "postgresql", "slf4j-api"))


class Threads:
    """A few threads of this process."""
    NUMBER, IDS = 4, 1

    def __init__(self, relay, place, folder):
        self.relay, self.pair, self.place, self.folder = relay, relay.pair, place, folder
        self.address, self.port = relay.address, relay.port
        self.ids = itertools.count(1, self.IDS)
        self.workers = collections.defaultdict(list)
        self.failed = []
        self.stopping = threading.Event()

    def start(self):
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True)
                        for number in range(self.NUMBER)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        while not self.stopping.wait(PAUSE):
            id = next(self.ids)
            try:
                self.transact(id)
            except (psycopg.Error, OSError, subprocess.CalledProcessError) as error:
                self.failed.append(error)
            else:
                self.workers[number].append(Acknowledged(time.monotonic(), id))

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), f"a client hangs\n{self.what_is_open()}"

    def what_is_open(self):
        """At the databases, in the relay, in the kernel."""
        sockets = self.place.run("ss", "--tcp", "--numeric", "--processes", "--info", "--options")
        return "\n".join([self.pair.sessions(), self.relay.daemon.cli("connections").out,
                          sockets.stdout])


class Sessions(Threads):
    """A connection a thread, kept until it fails: the driver itself."""

    def start(self):
        connect = functools.partial(self.pair.connect, self.address, self.port)
        self.threads = [Writer(self.pair, self.place, connect, self.ids)
                        for _ in range(self.NUMBER)]
        for number, thread in enumerate(self.threads):
            self.workers[number] = thread.acknowledged
            thread.failed = self.failed
            thread.start()

    def stop(self):
        for thread in self.threads:
            thread.stopping.set()
        super().stop()


class PsycopgPool(Threads):
    def start(self):
        with self.place.inside():  # the pool's own threads, too
            self.pool = psycopg_pool.ConnectionPool(self.pair.text(self.address, self.port))
            self.pool.wait()
            super().start()

    def transact(self, id):
        with self.pool.connection() as connection:
            connection.execute("INSERT INTO writes VALUES (%s, 'pool')", (id,))

    def stop(self):
        super().stop()
        self.pool.close()


class Psql(Threads):
    """One run a transaction."""
    NUMBER = 2

    def command(self, id):
        return [postgres.program("psql"), "-X", "-q", "-d",
                self.pair.text(self.address, self.port),
                "-c", f"INSERT INTO writes VALUES ({id}, 'psql')"]

    def transact(self, id):
        subprocess.run([*self.place.wrap, *map(str, self.command(id))], check=True,
                       stdin=subprocess.DEVNULL, capture_output=True)


class MariadbClient(Psql):
    def command(self, id):
        return [mariadb.program("mariadb"), "--no-defaults", "-h", self.address, "-P",
                self.port, "-u", "app", "-e", f"INSERT INTO writes VALUES ({id}, 'mariadb')",
                "shop"]


class Pgbench(Psql):
    """Eight connections a run, a transaction each; it ends at the first error."""
    NUMBER, IDS = 1, 8
    OPTIONS = ()

    def command(self, id):
        script = self.folder / "script"
        script.write_text("INSERT INTO writes VALUES (:first + :client_id, 'pgbench');\n")
        return [postgres.program("pgbench"), "-n", "-c", 8, "-t", 1, "-D", f"first={id}", "-f",
                script, *self.OPTIONS, self.pair.text(self.address, self.port)]


class PgbenchReconnecting(Pgbench):
    OPTIONS = ("-C",)


class Hikari(Threads):
    """HikariCP and pgjdbc; four threads share its ten connections."""

    def start(self):
        subprocess.run(["javac", "-cp", JARS, "-d", self.folder,
                        __file__.replace("clients.py", "Pool.java")], check=True)
        self.process = subprocess.Popen(
            [*self.place.wrap, "java", "-cp", f"{self.folder}:{JARS}", "Pool",
             f"jdbc:postgresql://{self.address}:{self.port}/postgres", "0"],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True)
        self.threads = [threading.Thread(target=self.read, daemon=True)]
        self.threads[0].start()

    def read(self):
        for line in self.process.stdout:
            what, _, rest = line.rstrip().partition(" ")
            if what == "done":
                id, worker = rest.split()
                self.workers[worker].append(Acknowledged(time.monotonic(), int(id)))
            else:
                self.failed.append(rest)

    def stop(self):
        self.process.kill()
        self.process.wait()
        super().stop()


OF_POSTGRES = [Psql, Sessions, PsycopgPool, Pgbench, PgbenchReconnecting, Hikari]
OF_MARIADB = [MariadbClient, Sessions]
