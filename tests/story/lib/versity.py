"""A real S3 server with its own region: versitygw, which verifies every signature.

It is nobody's Debian package: `tests/story/peers FOLDER` builds it, and PILOTLIGHT_PEERS=FOLDER says
where it is. Without it the stories that need it are skipped."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from lib.http import connect
from lib.machine import eventually, fresh_address

PEERS = pathlib.Path(os.environ.get("PILOTLIGHT_PEERS", "/var/cache/pilotlight-peers"))
MISSING = f"versitygw is missing (run tests/story/peers {PEERS})"
PORT = 7070


def find():
    built = PEERS / "bin" / "versitygw"
    return str(built) if built.exists() else shutil.which("versitygw")


def pythons():
    """{words: an interpreter with botocore}: Debian's, and the newest."""
    new = PEERS / "python" / "bin" / "python3"
    return {"Debian's botocore": "/usr/bin/python3", "the newest botocore": str(new)}


class Versity:
    def __init__(self, region, key, secret):
        self.address, self.port, self.region = fresh_address(), PORT, region
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-s3-"))
        (self.folder / "data").mkdir()
        (self.folder / "meta").mkdir()
        self.process = subprocess.Popen(
            [find(), "--access", key, "--secret", secret, "--region", region, "--quiet",
             "--port", f"{self.address}:{self.port}", "--keep-alive",
             "posix", "--sidecar", str(self.folder / "meta"), str(self.folder / "data")],
            stdin=subprocess.DEVNULL, stdout=(self.folder / "log").open("wb"),
            stderr=subprocess.STDOUT)
        eventually(self.listens, "versitygw listens")

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    def listens(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            connect(self.address, self.port).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.kill()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)
