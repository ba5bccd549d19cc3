"""The host's own credentials for programs on this host: with them what passes today is known after a
switch, and they are for nobody who cannot read the token's file."""
import json
import os
import stat
import subprocess

import pytest

from lib import versity
from lib.daemon import EU, US
from lib.http import connect
from lib.s3 import S3
from lib.sigv4 import Signer, written

PORT = 8080
HOST_KEY = Signer("AKIDHOST", "the-host's-secret", US)
BOTOCORE = """
import sys, botocore.session
got = botocore.session.get_session().get_credentials().get_frozen_credentials()
print(got.access_key, got.secret_key, got.token or "-")
"""


@pytest.fixture
def stores(house):
    return {EU: house.keep(S3()), US: house.keep(S3())}


@pytest.fixture
def gateway(house, stores):
    daemon = house.daemon(endpoints={"assets": {
        "type": "bucket", "group": "static", "buckets": {EU: "shop-eu", US: "shop-us"}}})
    secret = daemon.folder / "host"
    secret.write_text(HOST_KEY.secret + "\n")
    daemon.write_config(proxy={"threads": 1}, gateway={
        "listen": f"{daemon.address}:{PORT}", "vend_credentials": True,
        "s3_endpoints": {region: store.url for region, store in stores.items()},
        "credentials": {"access_key_id": HOST_KEY.key, "secret_access_key_file": str(secret)}})
    return daemon.start()


def token_file(gateway):
    return gateway.socket.parent / "credentials.token"


def ask(house, gateway, token, method="GET"):
    wire = house.keep(connect(gateway.address, PORT))
    headers = {"host": f"{gateway.address}:{PORT}"}
    wire.send(written(method, "/.pilotlight/credentials",
                      {**headers, **({"authorization": token} if token is not None else {})}))
    return wire.answer()


def test_who_can_read_the_token_gets_the_hosts_key(house, gateway):
    file = token_file(gateway)
    assert stat.S_IMODE(file.stat().st_mode) == 0o640
    answer = ask(house, gateway, file.read_text())
    got = json.loads(answer.body)
    assert (answer.status, got["AccessKeyId"], got["SecretAccessKey"]) == \
        (200, HOST_KEY.key, HOST_KEY.secret)
    assert ask(house, gateway, None).status == 401
    assert ask(house, gateway, "guess").status == 403
    assert ask(house, gateway, file.read_text(), "POST").status == 405
    assert HOST_KEY.secret not in gateway.log() and file.read_text() not in gateway.log()


def test_the_token_stays_over_a_restart_and_goes_with_the_option(house, gateway):
    token = token_file(gateway).read_text()
    gateway.restart()
    assert token_file(gateway).read_text() == token
    gateway.write_config(gateway={"vend_credentials": False})
    gateway.cli("reload", expect=0)
    assert ask(house, gateway, token).status in (400, 403)


def test_botocore_finds_them_and_what_it_signs_is_known(house, gateway, stores):
    python = versity.pythons()["the newest botocore"]  # Debian's takes 127.0.0.1 and localhost alone
    if not os.access(python, os.X_OK):
        pytest.skip(f"{python} is missing (run tests/story/peers {versity.PEERS})")
    found = subprocess.run([python, "-c", BOTOCORE], capture_output=True, text=True, env={
        "PATH": os.environ["PATH"], "HOME": str(gateway.folder),
        "AWS_CONTAINER_CREDENTIALS_FULL_URI":
            f"http://{gateway.address}:{PORT}/.pilotlight/credentials",
        "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE": str(token_file(gateway)),
        "AWS_EC2_METADATA_DISABLED": "true"})
    assert found.stdout.split() == [HOST_KEY.key, HOST_KEY.secret, "-"], found.stderr
    gateway.switch(US, "--group", "static")
    stores[US].objects["/shop-us/key"] = b"abc"
    wire = house.keep(connect(gateway.address, PORT))
    wire.send(HOST_KEY.request("GET", f"{gateway.address}:{PORT}", "/shop-eu/key"))
    assert wire.answer().body == b"abc"
