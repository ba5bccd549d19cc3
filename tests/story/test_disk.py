"""A disk that is full or read-only: the command is refused, nothing changes, serving goes on."""
import pathlib
import subprocess

import pytest

from lib.ask import addresses, ask
from lib.daemon import EU, US

pytestmark = pytest.mark.root


@pytest.fixture
def daemon(house, upstream):
    """Its state lies on a tmpfs of 128 KiB that only its own mount namespace sees."""
    daemon = house.daemon([upstream])
    folder = daemon.state_file.parent
    folder.mkdir()
    daemon.wrap = ["unshare", "--mount", "--propagation", "private", "sh", "-c",
                   f'mount -t tmpfs -o size=128k none "{folder}" && exec "$@"', "sh"]
    return daemon.start()


def inside(daemon):
    """The state folder as the daemon sees it."""
    return pathlib.Path(f"/proc/{daemon.pid}/root{daemon.state_file.parent}")


def remount(daemon, how):
    subprocess.run(["nsenter", "-t", str(daemon.pid), "-m", "-r", "mount", "-o", f"remount,{how}",
                    str(daemon.state_file.parent)], check=True)


def fill(daemon):
    with open(inside(daemon) / "filler", "wb", buffering=0) as filler:
        try:
            while True:
                filler.write(b"x" * 4096)
        except OSError:
            pass


def refuse_and_go_on(daemon):
    before = (inside(daemon) / "state.json").read_bytes()
    state = daemon.state()
    result = daemon.switch(EU, expect=None)
    assert result.status in (1, 3) and result.err
    assert daemon.state() == state
    assert (inside(daemon) / "state.json").read_bytes() == before
    for name, address in (("api.shop.internal", "192.0.2.20"), ("db.shop.internal", "192.0.2.21"),
                          ("www.example.net", "192.0.2.80")):
        assert addresses(ask(daemon, name)) == [address]


def test_a_full_disk_refuses_the_command_and_serving_goes_on(daemon):
    daemon.switch(US)
    fill(daemon)
    refuse_and_go_on(daemon)
    (inside(daemon) / "filler").unlink()
    daemon.switch(EU)
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]


def test_a_read_only_disk_refuses_the_command_and_serving_goes_on(daemon):
    daemon.switch(US)
    remount(daemon, "ro")
    refuse_and_go_on(daemon)
    remount(daemon, "rw")
    daemon.switch(EU)
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]


def test_a_failed_write_leaves_no_litter_behind(daemon):
    daemon.switch(US)
    fill(daemon)
    before = sorted(path.name for path in inside(daemon).iterdir())
    for _ in range(3):
        daemon.switch(EU, expect=None)
    assert sorted(path.name for path in inside(daemon).iterdir()) == before


def test_the_status_says_that_the_store_does_not_take_writes(daemon):
    daemon.switch(US)
    fill(daemon)
    daemon.switch(EU, expect=None)
    assert "No space left" in daemon.log() or "no space left" in daemon.log()
