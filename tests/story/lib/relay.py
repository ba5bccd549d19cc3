"""A pilotlightd on the application's host that relays a pair's connections, and its moves."""
import contextlib
import time

from lib.daemon import EU, US
from lib.sidecar import Sidecar, last, script, whole


def at(address, port):
    return f"[{address}]:{port}" if ":" in address else f"{address}:{port}"


class Relay:
    """`address` and `port` are all that an application knows."""

    def __init__(self, house, regions, pair, ipv6=False, health=None, **relay):
        self.pair, self.port = pair, pair.PORT
        self.daemon = house.daemon(wrap=regions.host.wrap)
        self.address = "::1" if ipv6 else self.daemon.address
        targets = {name: at(place.address6 if ipv6 else place.address, self.port)
                   for name, place in ((EU, regions.eu), (US, regions.us))}
        self.daemon.write_config(health=health or {}, endpoints={"orders-db": {
            "targets": targets, "relay": {"listen": at(self.address, self.port), **relay}}})
        self.daemon.start()

    def fail_over(self):
        """As an operator types it; the moment when the command had returned."""
        self.daemon.switch(US)
        return time.monotonic()

    def runbook(self):
        """The pair's own commands: caught up, promoted."""
        eu, us = self.pair.eu, self.pair.us
        caught_up = (f"at=$({eu.shell(eu.POSITION)}); "
                     f"until [ \"$({us.shell(us.REACHED)})\" = {us.YES} ]; do sleep 0.02; done")
        return whole(script("caught-up", text=caught_up, timeout="30s", reversible=True),
                     script("promote", "fence", "caught-up", text=us.shell(us.PROMOTE),
                            promotes=True, timeout="30s"))

    def switch_over(self):
        """The same by one command and the sidecar; how long catching up and promoting took."""
        self.daemon.write_config(**self.runbook())
        self.daemon.cli("reload", expect=0)
        with contextlib.closing(Sidecar(self.daemon)) as sidecar:
            sidecar.start()
            self.daemon.cli("switchover", US, "--yes", expect=0)
        steps = last(self.daemon)["steps"]
        return (steps["promote"]["ended"]["boot_ms"] -
                steps["caught-up"]["started"]["boot_ms"]) / 1000

    def move(self):
        """A planned move, step by step as a sidecar drives it; how long the promotion took."""
        with self.daemon.control() as sidecar:
            sidecar.call("hello", role="sidecar")
            sidecar.call("begin", region=US, groups=["data"], kind="switchover", reason="drill")
            sidecar.call("fence", groups=["data"])
            self.pair.wait_until_caught_up()
            sidecar.call("step", step="promote", status="running", promotes=True)
            began = time.monotonic()
            self.pair.us.promote()
            took = time.monotonic() - began
            sidecar.call("step", step="promote", status="done")
            sidecar.call("switch", groups=["data"])
            sidecar.call("end")
        return took
