"""A pilotlightd on the application's host that relays a pair's connections, and its moves."""
import time

from lib.daemon import EU, US


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
