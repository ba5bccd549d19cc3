"""Two regions and an application host, with a router between them that can swallow a region.

    host ──┐
           ├── router ── eu
           └────────  ── us

Each is a network namespace. A region that is lost is lost as an operator sees it: the router drops
what goes there and what comes from there, without a word. No reset, no ICMP error, no link that is
down, no neighbour that does not answer.
"""
import contextlib
import itertools
import os
import subprocess

from lib.namespace import inside

_numbers = itertools.count(1)


class Place:
    """One namespace. Commands run in it by `wrap`, this thread within `inside`."""

    def __init__(self, what):
        self.name = f"pilotlight-{os.getpid()}-{what}-{next(_numbers)}"
        self.wrap = ["ip", "netns", "exec", self.name]
        self.address = self.address6 = None
        ip("netns", "add", self.name)
        self.ip("link", "set", "lo", "up")
        self.run("sysctl", "-q", "-w", "net.ipv6.conf.default.accept_dad=0")  # ready at once

    def ip(self, *words):
        ip("-n", self.name, *words)

    def run(self, *command, **options):
        return subprocess.run([*self.wrap, *map(str, command)], check=True, text=True, timeout=60,
                              stdout=subprocess.PIPE, **options)

    def inside(self):
        return inside(self.name)

    def close(self):
        subprocess.run(["ip", "netns", "delete", self.name], check=False)


class Regions:
    def __init__(self):
        self.places = []
        self.router = self._place("router")
        self.router.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1",
                        "net.ipv6.conf.all.forwarding=1")
        self.host, self.eu, self.us = (
            self._connect(name, number) for number, name in enumerate(["host", "eu", "us"]))

    def _place(self, what):
        self.places.append(Place(what))
        return self.places[-1]

    def _connect(self, name, number):
        """198.18.0.0/15 is for benchmarks (RFC 2544): nobody's network."""
        place = self._place(name)
        self.router.ip("link", "add", name, "type", "veth", "peer", "name", "wan", "netns",
                       place.name)
        net, net6 = f"198.18.{number}", f"2001:db8:{number + 1}:"
        for there, link, last in ((self.router, name, 1), (place, "wan", 2)):
            there.ip("address", "add", f"{net}.{last}/24", "dev", link)
            there.ip("address", "add", f"{net6}:{last}/64", "dev", link)
            there.ip("link", "set", link, "up")
        place.ip("route", "add", "default", "via", f"{net}.1")
        place.ip("-6", "route", "add", "default", "via", f"{net6}:1")
        place.address, place.address6, place.link = f"{net}.2", f"{net6}:2", name
        return place

    def _rules(self, verb, region):
        for family, address in (("-4", region.address), ("-6", region.address6)):
            self.router.ip(family, "rule", verb, "blackhole", "iif", region.link)
            self.router.ip(family, "rule", verb, "blackhole", "to", address)

    def lose(self, region):
        """Nothing reaches the region any more, and nothing comes from it."""
        self._rules("add", region)

    def find(self, region):
        """It is back, as it was."""
        self._rules("delete", region)

    @contextlib.contextmanager
    def without(self, region):
        self.lose(region)
        try:
            yield
        finally:
            self.find(region)

    def close(self):
        for place in reversed(self.places):
            place.close()


def ip(*words):
    subprocess.run(["ip", *words], check=True, timeout=60)
