"""A PostgreSQL in a temporary folder, and pgbench's read-only transactions."""
import os
import pathlib
import pwd
import re
import shutil
import subprocess
import time

from measure import cpu_seconds, pinned
from proxies import folder_new

TRANSACTIONS = 1000  # of each of eight clients


def programs():
    """The folder of the newest server's programs, or None."""
    found = pathlib.Path("/usr/lib/postgresql").glob("*/bin/initdb")
    newest = max(found, key=lambda path: float(path.parts[-3]), default=None)
    return newest.parent if newest and shutil.which("pgbench") else None


class Postgres:
    """Listens on the addresses given, on their port; trusts everybody who comes over loopback."""

    def __init__(self, addresses, core):
        self.folder = folder_new()
        user = None
        if os.geteuid() == 0:  # PostgreSQL will not run as root
            user = pwd.getpwnam("postgres")
            os.chown(self.folder, user.pw_uid, user.pw_gid)
        hosts = [address.split(":")[0] for address in addresses]
        port = addresses[0].split(":")[1]
        subprocess.run([programs() / "initdb", "-D", self.folder / "data", "-U", "bench",
                        "--auth=trust", "--no-sync"], check=True, stdout=subprocess.DEVNULL,
                       cwd=self.folder, **pinned(core, user=user))
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(
            [programs() / "postgres", "-D", self.folder / "data", "-p", port,
             "-c", "listen_addresses=" + ",".join(hosts), "-c", "unix_socket_directories=",
             "-c", "fsync=off", "-c", "autovacuum=off"],
            stdout=self.log, stderr=self.log, cwd=self.folder, **pinned(core, user=user))
        self.make_tables(hosts[0], port)

    def make_tables(self, host, port):
        command = ["pgbench", "-i", "-q", "-h", host, "-p", port, "-U", "bench", "postgres"]
        deadline = time.monotonic() + 20
        while True:
            done = subprocess.run(command, capture_output=True, text=True)
            if done.returncode == 0:
                return
            if time.monotonic() > deadline:
                raise RuntimeError(f"PostgreSQL does not start: {done.stderr}")
            time.sleep(0.1)

    def stop(self):
        self.process.terminate()  # smart: our clients have gone
        self.process.wait(20)
        self.log.close()
        shutil.rmtree(self.folder)


def pgbench(proxy, core):
    """One round: (the proxy's CPU microseconds a transaction, transactions/s, its core's share)."""
    host, port = proxy.listen.split(":")
    before, started = cpu_seconds(proxy.pid), time.monotonic()
    done = subprocess.run(
        ["pgbench", "-n", "-S", "-c", "8", "-j", "1", "-M", "simple", "-t", str(TRANSACTIONS),
         "-h", host, "-p", port, "-U", "bench", "postgres"],
        check=True, capture_output=True, text=True, **pinned(core))
    cpu, took = cpu_seconds(proxy.pid) - before, time.monotonic() - started
    count = int(re.search(r"actually processed: (\d+)", done.stdout)[1])
    return cpu / count * 1e6, count / took, cpu / took
