"""Who may do what: peers on the control socket, the daemon's own user, sockets passed to it."""
import grp
import os
import pathlib
import pwd
import shutil
import socket
import stat
import subprocess
import tempfile

import pytest

from lib.ask import addresses, ask
from lib.daemon import EU, SANITIZERS, US, program
from lib.freeze import Frozen
from lib.machine import eventually, status_field, threads

pytestmark = pytest.mark.root

NOBODY = pwd.getpwnam("nobody")
AS_NOBODY = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}", "--clear-groups"]
NET_BIND_SERVICE = 1 << 10


@pytest.fixture
def cli_for_all():
    """A copy of `pilotlight` where anybody may run it."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-cli-"))
    folder.chmod(0o755)
    shutil.copy(program("pilotlight"), folder)
    yield folder / "pilotlight"
    shutil.rmtree(folder)


def run_as(who, cli, daemon, *arguments):
    return subprocess.run([*who, cli, "--socket", daemon.socket, *arguments], text=True,
                          stdin=subprocess.DEVNULL, capture_output=True, timeout=60,
                          env={**os.environ, **SANITIZERS})


def test_another_user_may_read(daemon, cli_for_all):
    for arguments in (["status"], ["history"], ["explain", "db.shop.internal"], ["connections"],
                      ["wait"]):
        result = run_as(AS_NOBODY, cli_for_all, daemon, *arguments)
        assert result.returncode == 0, result


@pytest.mark.parametrize("arguments", [
    ["failover", US, "--switch-only", "--yes"], ["failover", US, "--switch-only", "--force"],
    ["abort"], ["retry"], ["skip", "x"], ["approve", "x"], ["plan", US], ["readopt", EU], ["reload"],
    ["flush"]], ids=" ".join)
def test_another_user_may_not_change(daemon, cli_for_all, arguments):
    before = daemon.state()
    result = run_as(AS_NOBODY, cli_for_all, daemon, *arguments)
    assert result.returncode in (1, 3) and result.stderr
    assert daemon.state() == before


def test_a_member_of_the_operators_group_may_change(house, upstream, cli_for_all):
    group = "daemon"  # every Debian has it
    daemon = house.daemon([upstream], control={"operators": group}).start()
    who = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={NOBODY.pw_gid}",
           f"--groups={grp.getgrnam(group).gr_gid}"]
    assert run_as(who, cli_for_all, daemon, "failover", US, "--switch-only").returncode == 0
    assert daemon.active() == US
    primary = ["setpriv", f"--reuid={NOBODY.pw_uid}", f"--regid={grp.getgrnam(group).gr_gid}",
               "--clear-groups"]
    assert run_as(primary, cli_for_all, daemon, "failover", EU, "--switch-only").returncode == 0


def test_another_user_may_not_play_the_sidecar(daemon):
    script = f"""
import socket, json
s = socket.socket(socket.AF_UNIX); s.connect({str(daemon.socket)!r})
f = s.makefile("rw")
calls = [("hello", {{"role": "sidecar"}}), ("begin", {{"region": "{US}"}})]
for i, (method, params) in enumerate(calls):
    f.write(json.dumps({{"jsonrpc": "2.0", "id": i, "method": method, "params": params}}) + "\\n")
    f.flush()
    print("error" in json.loads(f.readline()))
"""
    done = subprocess.run([*AS_NOBODY, "/usr/bin/python3", "-c", script], capture_output=True,
                          text=True, timeout=60)
    assert done.stdout.split() == ["True", "True"], done
    assert daemon.state()["transition"] is None


def test_every_change_is_logged_with_uid_and_reason(daemon):
    daemon.switch(US, "--reason", "a drill on Monday")
    line = next(line for line in daemon.log().splitlines() if "a drill on Monday" in line)
    assert "uid=0" in line or "uid 0" in line


# -- dropping privileges -------------------------------------------------------------------------

@pytest.fixture
def dropped(house, upstream):
    """Started as root with "user": "nobody", on port 53 of a network namespace of its own."""
    space = house.namespace()
    daemon = house.daemon([upstream], user="nobody", wrap=space.wrap,
                          resolver={"listen": "127.0.0.1:53"},
                          monitoring={"listen": "127.0.0.1:9353"})
    daemon.state_file.parent.mkdir()
    for folder in (daemon.folder, daemon.state_file.parent):
        os.chown(folder, NOBODY.pw_uid, NOBODY.pw_gid)
    daemon.space = space
    return daemon.start()


def test_started_as_root_it_becomes_its_user_and_keeps_one_capability(dropped):
    assert status_field(dropped.pid, "Uid").split() == [str(NOBODY.pw_uid)] * 4
    assert status_field(dropped.pid, "Gid").split() == [str(NOBODY.pw_gid)] * 4
    assert status_field(dropped.pid, "Groups").split() in ([], [str(NOBODY.pw_gid)])
    for task in threads(dropped.pid).values():
        for field in ("CapEff", "CapPrm"):
            assert int(status_field(f"{dropped.pid}/task/{task}", field), 16) == NET_BIND_SERVICE


def test_after_the_drop_it_serves_port_53_and_keeps_its_state(dropped):
    asked = dropped.space.run("dig", "+short", "+tries=1", "@127.0.0.1", "api.shop.internal")
    assert asked.stdout.split() == ["192.0.2.10"]
    dropped.switch(US)
    asked = dropped.space.run("dig", "+short", "+tcp", "@127.0.0.1", "api.shop.internal")
    assert asked.stdout.split() == ["192.0.2.20"]
    assert dropped.state_file.stat().st_uid == NOBODY.pw_uid


def test_after_the_drop_a_hang_still_ends_in_a_restart_on_the_same_port(dropped):
    dropped.switch(US)
    with Frozen(threads(dropped.pid)["dns-0"]) as hung:
        eventually(hung.reap, "the hung thread is gone", 4)
    eventually(dropped.is_ready, "it is back")
    asked = dropped.space.run("dig", "+short", "@127.0.0.1", "api.shop.internal")
    assert asked.stdout.split() == ["192.0.2.20"]
    assert status_field(dropped.pid, "Uid").split() == [str(NOBODY.pw_uid)] * 4


def test_a_user_that_does_not_exist_is_an_error_when_the_file_names_it(house):
    daemon = house.daemon(user="nobody-of-that-name")
    daemon.launch()
    assert daemon.process.wait(20) not in (0, None)
    daemon.killed = True
    assert "nobody-of-that-name" in daemon.log()


def test_the_state_is_not_for_everybody_to_write(daemon):
    daemon.switch(US)
    assert not daemon.state_file.stat().st_mode & (stat.S_IWGRP | stat.S_IWOTH)
    assert not daemon.state_file.parent.stat().st_mode & stat.S_IWOTH


# -- socket activation ---------------------------------------------------------------------------

ACTIVATOR = """
import os, socket, sys
address, port = sys.argv[1], int(sys.argv[2])
udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
udp.bind((address, port))
tcp = socket.create_server((address, port))
os.dup2(os.dup(udp.fileno()), 13); os.dup2(os.dup(tcp.fileno()), 14)
os.dup2(13, 3); os.dup2(14, 4)
for fd in (3, 4): os.set_inheritable(fd, True)
os.closerange(5, 64)
os.environ.update(LISTEN_FDS="2", LISTEN_PID=str(os.getpid()))
os.execv(sys.argv[3], sys.argv[3:])
"""


def test_sockets_that_the_service_manager_passes_are_used(house, upstream):
    daemon = house.daemon([upstream])
    daemon.wrap = ["/usr/bin/python3", "-c", ACTIVATOR, daemon.address, str(daemon.port)]
    daemon.start()  # binding them itself would fail: the ports are taken
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]
    assert addresses(ask(daemon, "api.shop.internal", tcp=True)) == ["192.0.2.10"]
    daemon.switch(US)
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.20"]
