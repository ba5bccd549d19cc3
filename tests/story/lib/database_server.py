"""What PostgreSQL and MariaDB have in common here: a server process in a region, and a pair of them.

A pair is made once (that takes seconds) and stopped; `reset` puts both servers back to that moment.
"""
import pathlib
import pwd
import shutil
import subprocess
import tempfile

from lib.machine import eventually

NAME = "db.shop.internal"  # in the certificate of both
SETTLED = 60  # seconds that anything which must happen to a database may take


def make_folder(kind):
    """In memory where there is enough of it: a disk that others keep busy is no part of a story."""
    memory = pathlib.Path("/dev/shm")
    there = memory if memory.is_mount() and shutil.disk_usage(memory).free > 4 << 30 else None
    folder = pathlib.Path(tempfile.mkdtemp(prefix=f"pilotlight-{kind}-", dir=there))
    folder.chmod(0o755)
    return folder


class Server:
    """One database server: `folder` has its data, its socket and its log."""

    def __init__(self, place, folder, user):
        self.place, self.folder, self.user = place, folder, user
        self.data, self.pristine = folder / "data", folder / "pristine"
        self.process = None
        folder.mkdir()
        shutil.chown(folder, user, pwd.getpwnam(user).pw_gid)

    def as_user(self, *command):
        """Databases refuse to be root's; none outlives the tests, however these end. Temporary
        tables are apart, since two MariaDB servers may name theirs alike."""
        return [*self.place.wrap, "setpriv", "--reuid", self.user, "--regid",
                str(pwd.getpwnam(self.user).pw_gid), "--init-groups", "--pdeathsig", "KILL",
                "env", f"TMPDIR={self.folder}", *map(str, command)]

    def run(self, *command, **options):
        return subprocess.run(self.as_user(*command), check=True, text=True, cwd=self.folder,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE, timeout=120,
                              **options).stdout

    def launch(self, *command):
        self.process = subprocess.Popen(
            self.as_user(*command), cwd=self.folder, stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"))

    def wait_until_it_answers(self):
        eventually(self._answers, f"the database in {self.place.name} answers", SETTLED)

    def _answers(self):
        assert self.process.poll() is None, self.log()[-2000:]
        try:
            return self.query("SELECT 1")
        except self.ERROR:
            return False

    def stop(self, signal):
        if self.process and self.process.poll() is None:
            self.process.send_signal(signal)
        if self.process:
            self.process.wait(SETTLED)

    def log(self):
        path = self.folder / "log"
        return path.read_text(errors="replace") if path.exists() else ""

    def value(self, sql):
        return self.query(sql)[0][0]

    def ids(self):
        """What applications have written here, as far as it is committed."""
        return {row[0] for row in self.query(f"SELECT id FROM {self.WRITES}")}


class Pair:
    """`eu` begins as the primary, `us` as its replica."""

    def __init__(self, regions):
        self.regions = regions
        self.folder = make_folder(self.KIND)
        self._make_certificate()
        self.eu = self.SERVER(regions.eu, self.folder / "eu")
        self.us = self.SERVER(regions.us, self.folder / "us")
        try:
            self.make()
            for server in self.servers:
                server.data.rename(server.pristine)
        except BaseException:
            self.close()
            raise

    def __str__(self):
        return self.KIND

    @property
    def servers(self):
        return self.eu, self.us

    def _make_certificate(self):
        """Its own authority; each server gets a copy that it alone may read."""
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256",
             "-nodes", "-days", "2", "-subj", f"/CN={NAME}", "-addext",
             f"subjectAltName=DNS:{NAME}", "-keyout", self.folder / "key.pem", "-out",
             self.folder / "cert.pem"], check=True, capture_output=True)

    def give_certificate(self, server):
        for name, mode in (("key.pem", 0o600), ("cert.pem", 0o644)):
            copy = server.folder / name
            shutil.copyfile(self.folder / name, copy)
            shutil.chown(copy, server.user)
            copy.chmod(mode)

    def reset(self, **options):
        """Both as they were made, and replicating."""
        self.stop()
        for server in self.servers:
            shutil.rmtree(server.data, ignore_errors=True)
            subprocess.run(["cp", "-a", server.pristine, server.data], check=True)
            server.start(**options)
        for server in self.servers:
            server.wait_until_it_answers()
        eventually(self.is_replicating, "the replica follows", SETTLED)
        return self

    def sessions(self):
        """Who does what on both, and what for it waits; for a person to read."""
        return "\n".join(f"{server.place.name}: {row}" for server in self.servers
                         for row in server.query(server.SESSIONS))

    def wait_until_caught_up(self):
        """The replica has all that the primary has now."""
        position = self.eu.position()
        eventually(lambda: self.us.has_reached(position), "the replica has caught up", SETTLED)

    def stop(self):
        for server in self.servers:
            server.kill()

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
