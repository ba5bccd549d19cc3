"""A real S3 server with its own region: versitygw, which verifies every signature.

It is nobody's Debian package: `tests/story/peers FOLDER` builds it, and PILOTLIGHT_PEERS=FOLDER says
where it is. Without it the stories that need it are skipped."""
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from lib import operations
from lib.daemon import EU, US
from lib.http import connect
from lib.machine import eventually, fresh_address

PEERS = pathlib.Path(os.environ.get("PILOTLIGHT_PEERS", "/var/cache/pilotlight-peers"))
MISSING = f"versitygw is missing (run tests/story/peers {PEERS})"
PORT = 7070
KEY, SECRET = "AKIDAPPLICATION", "the/application's+secret"
BUCKETS = {EU: "shop-eu", US: "shop-us"}
QUIET = {"AWS_EC2_METADATA_DISABLED": "true"}


def find():
    built = PEERS / "bin" / "versitygw"
    return str(built) if built.exists() else shutil.which("versitygw")


def pythons():
    """{words: an interpreter with botocore}: Debian's, and the newest."""
    new = PEERS / "python" / "bin" / "python3"
    return {"Debian's botocore": "/usr/bin/python3", "the newest botocore": str(new)}


class Versity:
    def __init__(self, region, key, secret, options=()):
        self.address, self.port, self.region = fresh_address(), PORT, region
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-s3-"))
        (self.folder / "data").mkdir()
        (self.folder / "meta").mkdir()
        self.process = subprocess.Popen(
            [find(), "--access", key, "--secret", secret, "--region", region, "--quiet",
             "--port", f"{self.address}:{self.port}", "--keep-alive", *options,
             "--access-log", str(self.folder / "access"),
             "posix", "--sidecar", str(self.folder / "meta"), str(self.folder / "data")],
            stdin=subprocess.DEVNULL, stdout=(self.folder / "log").open("wb"),
            stderr=subprocess.STDOUT)
        eventually(self.listens, "versitygw listens")

    @property
    def url(self):
        return f"http://{self.address}:{self.port}"

    def written(self):
        """The keys of the PUTs that came, as often as they came, whatever became of them."""
        return re.findall(r" s3_PutObject (\S+) ", (self.folder / "access").read_text())

    def stored(self, bucket, key):
        path = self.folder / "data" / bucket / key
        return path.read_bytes() if path.exists() else None

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


def client(server, region, **options):
    return operations.client_of(server, region, KEY, SECRET, **options)


def pair(house):
    """{region: server}, each with its bucket."""
    stores = {region: house.keep(Versity(region, KEY, SECRET)) for region in (EU, US)}
    for region, store in stores.items():
        client(store.url, region).create_bucket(
            Bucket=BUCKETS[region], CreateBucketConfiguration={"LocationConstraint": region})
    return stores


def gateway(house, stores):
    """A daemon that serves them on port 8080; `stores` may be scripted ones, too."""
    daemon = house.daemon(env=QUIET, endpoints={"assets": {
        "type": "bucket", "group": "static", "buckets": BUCKETS}})
    secret = daemon.folder / "secret"
    secret.write_text(SECRET + "\n")
    daemon.write_config(proxy={"threads": 1}, gateway={
        "listen": f"{daemon.address}:8080",
        "s3_endpoints": {region: store.url for region, store in stores.items()},
        "clients": [{"access_key_id": KEY, "secret_access_key_file": str(secret)}]})
    return daemon.start()
