"""How a daemon ends, whatever it is in the middle of."""
import signal
import time

import pytest

from lib.control import Refused
from lib.daemon import EU, US
from lib.machine import eventually

LITERAL = {"orders-db": {"targets": {EU: "192.0.2.11:5432", US: "192.0.2.21:5432"}}}


@pytest.mark.parametrize("pause_ms", [0, 0.5, 1, 2])
def test_a_stop_right_after_a_reload_is_a_clean_end(house, pause_ms):
    for _ in range(3):
        daemon = house.daemon(resolver={"threads": 4}).start()
        daemon.process.send_signal(signal.SIGHUP)
        time.sleep(pause_ms / 1000)
        daemon.terminate()


def test_a_stop_during_switches_is_a_clean_end(house):
    for pause_ms in range(5, 45, 10):
        daemon = house.daemon(resolver={"threads": 2}).start()
        commands = [daemon.start_cli("failover", region, "--switch-only", "--timeout", "1s")
                    for region in (US, EU, US, EU)]
        time.sleep(pause_ms / 1000)
        daemon.terminate()
        for command in commands:
            assert command.wait(20) in (0, 4, 5)


def test_a_stop_does_not_wait_until_a_fence_has_stood(house):
    daemon = house.daemon(resolver={"ttl": "1m"}, endpoints=LITERAL).start()
    with daemon.control() as control:
        control.call("begin", region=US)
        control.call("fence")
        control.send("switch", request="the-switch")
        eventually(lambda: "the-switch" in daemon.log(), "the switch is under way")
        began = time.monotonic()
        daemon.terminate()
        assert time.monotonic() - began < 10
    daemon.start()
    with daemon.control() as control:
        with pytest.raises(Refused, match="nothing was changed"):
            control.call("request", request="the-switch")
        state = control.call("status")["state"]
    assert state["transition"]["phase"] == "fenced"
    assert state["groups"]["data"]["active"] == EU


def test_a_daemon_that_ends_leaves_the_socket_of_the_next_one_alone(house):
    first = house.daemon().start()
    first.socket.unlink()
    second = house.daemon(control={"socket": str(first.socket)})
    second.socket = first.socket
    second.start()
    first.terminate()
    assert second.cli("status").status == 0
    second.terminate()
    assert not second.socket.exists()


@pytest.mark.root
def test_after_the_drop_it_says_what_it_could_not_restart_with(house):
    daemon = house.daemon(user="nobody")
    daemon.config_file.chmod(0o600)
    daemon.start()
    lines = [line for line in daemon.log().splitlines() if "out_of_reach" in line]
    assert [str(path) in line for path, line in
            zip([daemon.config_file, daemon.folder], lines, strict=True)] == [True, True]
    assert daemon.cli("reload").status == 2
