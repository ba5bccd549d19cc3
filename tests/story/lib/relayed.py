"""A pilotlightd that relays to scripted databases on loopback, and what is asked of it."""
import contextlib
import json
import re
import socket
import urllib.request

from lib.daemon import EU, US
from lib.machine import MANY, eventually
from lib.target import PORT, Target, ending

ENDPOINT = "orders-db"


class Relayed:
    """`relay` is of the endpoint, `changes` of the whole configuration."""

    def __init__(self, house, eu, us, upstreams=(), relay=None, wrap=(), **changes):
        self.house = house
        self.daemon = house.daemon(upstreams, wrap=wrap, **changes)
        self.address, self.port = self.daemon.address, PORT
        self.daemon.write_config(endpoints={ENDPOINT: {
            "targets": {EU: str(eu), US: str(us)},
            "relay": {"listen": f"{self.address}:{self.port}", **(relay or {})}}})

    def start(self):
        self.daemon.start()
        return self

    # -- clients ------------------------------------------------------------------------------

    def open(self, address=None, port=None):
        """A client that whoever asked for it closes."""
        return socket.create_connection((address or self.address, port or self.port), MANY)

    def connect(self, address=None, port=None):
        return self.house.keep(self.open(address, port))

    def turn_away(self):
        """Knocks once more: "reset" when there is no room (perhaps before connect returns)."""
        try:
            return ending(self.connect())
        except ConnectionResetError:
            return "reset"

    def held(self, count, words=b""):
        """So many clients that wait for the switch, each with its first words sent."""
        before = self.numbers()["held"]
        clients = []
        for _ in range(count):
            clients.append(self.connect())
            clients[-1].sendall(words)
        eventually(lambda: self.numbers()["held"] == before + count, f"{count} more are held")
        return clients

    # -- moves, step by step as a sidecar drives them -----------------------------------------

    @contextlib.contextmanager
    def transition(self, kind="failover", region=US):
        with self.daemon.control() as driver:
            driver.call("hello", role="sidecar")
            driver.call("begin", region=region, groups=["data"], kind=kind, reason="drill")
            yield driver

    @contextlib.contextmanager
    def fenced(self, **options):
        with self.transition(**options) as driver:
            driver.call("fence", groups=["data"])
            yield driver

    # -- what it says of itself ---------------------------------------------------------------

    def numbers(self):
        with self.daemon.control() as control:
            return control.call("status")["endpoints"][ENDPOINT]["relay"]

    def connections(self):
        listed = json.loads(self.daemon.cli("connections", ENDPOINT, "--json", expect=0).out)
        return listed["connections"]

    def states(self):
        return sorted(each["state"] for each in self.connections())

    def metric(self, name, **labels):
        """The sum of this endpoint's samples of pilotlight_relay_`name` that have these labels."""
        url = f"http://{self.daemon.address}:9353/metrics"
        with urllib.request.urlopen(url, timeout=MANY) as reply:
            text = reply.read().decode()
        wanted = {f'{key}="{value}"' for key, value in {"endpoint": ENDPOINT, **labels}.items()}
        samples = re.findall(rf"^pilotlight_relay_{name}\{{(.*)\}} (\S+)$", text, re.M)
        values = [float(value) for has, value in samples if wanted <= set(has.split(","))]
        assert values, f"no pilotlight_relay_{name} {labels}"
        return sum(values)


class Pair:
    """A target in each region and a relay before them, for stories of the ordinary kind."""

    def __init__(self, house, eu=None, us=None, **options):
        self.eu, self.us = house.keep(Target(eu)), house.keep(Target(us))
        self.relayed = Relayed(house, self.eu, self.us, **options).start()

    def session(self):
        """A client with the session in the home region that is its own."""
        client = self.relayed.connect()
        return client, self.eu.session()
