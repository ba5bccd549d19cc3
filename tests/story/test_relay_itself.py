"""A target that leads back to the daemon: it is never dialled, and the log says so."""
import socket

import pytest

from lib.daemon import EU, US, run_program
from lib.machine import eventually

PORT = 15432


def lead_back(daemon, home):
    daemon.write_config(
        proxy={"threads": 1}, health={"interval": "50ms", "timeout": "1s", "fall": 1},
        endpoints={"orders-db": {"targets": {EU: f"{home}:{PORT}", US: f"192.0.2.1:{PORT}"},
                                 "relay": {"listen": f"{daemon.address}:{PORT}"}}})
    return daemon


@pytest.fixture
def led_back(house, upstream):
    """Home's target is a name that answers the relay's own address."""
    daemon = house.daemon([upstream])
    upstream.add(f"ourselves.example.net. 60 A {daemon.address}")
    return lead_back(daemon, "ourselves.example.net").start()


def test_a_relay_never_calls_itself(led_back):
    for _ in range(3):
        with socket.create_connection((led_back.address, PORT), timeout=20) as client:
            with pytest.raises(ConnectionResetError):
                client.recv(1)
    warnings = [line for line in led_back.log().splitlines() if "target_is_ourselves" in line]
    assert len(warnings) == 1 and f"{led_back.address}:{PORT}" in warnings[0], warnings


def test_health_does_not_call_the_relay_either(led_back):
    def target():
        return led_back.status()["endpoints"]["orders-db"]["targets"][EU]
    eventually(lambda: target()["health"] == "down", "the target is down")
    assert "leads back to ourselves" in target()["detail"]


def test_an_address_of_our_own_is_an_error_of_the_configuration(house):
    daemon = lead_back(house.daemon(), "127.0.0.1")
    daemon.write_config(endpoints={"orders-db": {"targets": {EU: f"{daemon.address}:{PORT}"}}})
    result = run_program("pilotlightd", "--check", "-c", daemon.config_file)
    assert result.status == 2 and f"endpoints.orders-db.targets.{EU}: " in result.err
