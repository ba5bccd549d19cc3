"""What broke the relay once, against the real programs."""
import pytest

from lib.daemon import EU, US
from lib.machine import eventually, fresh_address


def endpoint(daemon, targets, **relay):
    return {"orders-db": {"targets": dict(zip((EU, US), targets)),
                          "relay": {"listen": f"{daemon.address}:5432", **relay}}}


def relay_of(daemon):
    return daemon.status()["endpoints"]["orders-db"]["relay"]


@pytest.mark.parametrize("kind", ["postgres", "mysql"])
def test_a_probe_that_comes_with_a_reload_is_asked_at_the_next_switch(house, kind):
    daemon = house.daemon()
    targets = [f"{fresh_address()}:7001" for _ in range(2)]
    daemon.write_config(endpoints=endpoint(daemon, targets))
    daemon.start()
    password = daemon.folder / "password"
    password.write_text("secret\n")
    daemon.write_config(endpoints=endpoint(daemon, targets, probe={
        "type": kind, "user": "probe", "password_file": str(password), "database": "shop"}))
    daemon.cli("reload", expect=0)
    daemon.switch(US)
    eventually(lambda: targets[1] in relay_of(daemon)["waiting_for"], "the probe's words")
