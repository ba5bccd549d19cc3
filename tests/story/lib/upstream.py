"""A resolver that does as it is told: answers from a small zone, late, wrongly, or not at all.

    upstream.script("slow.example.net", lambda asked: Later(2, asked.answer()))
    upstream.script("gone.example.net", SILENT)

Questions are recorded with their transport, so that a story can count them.
"""
import collections
import contextlib
import socket
import struct
import threading
import time

import dns.exception
import dns.message
import dns.name
import dns.rcode
import dns.rdatatype
import dns.rrset

from lib.machine import PORT, fresh_address

SILENT = None

ZONE = """
    orders-eu.example.net.  300 A     192.0.2.11
    orders-us.example.net.  300 A     192.0.2.21
    search-eu.example.net.  300 A     192.0.2.12
    search-eu.example.net.  300 AAAA  2001:db8::12
    search-eu.example.net.  300 TXT   "eu"
    search-us.example.net.  300 A     192.0.2.22
    search-us.example.net.  300 AAAA  2001:db8::22
    search-us.example.net.  300 TXT   "us"
    www.example.net.        300 A     192.0.2.80
    alias.example.net.      300 CNAME www.example.net.
    into.example.net.       300 CNAME search.shop.internal.
    deep.into.example.net.  300 CNAME into.example.net.
"""

Later = collections.namedtuple("Later", "seconds reply")
Raw = collections.namedtuple("Raw", "data")  # over TCP: bytes without a length before them
Drip = collections.namedtuple("Drip", "data pause")  # over TCP: byte by byte
CLOSE = Raw(None)  # over TCP: end the connection


class Asked:
    """One question that came in."""

    def __init__(self, upstream, wire, transport):
        self.upstream, self.wire, self.transport = upstream, wire, transport
        self.at = time.monotonic()
        self.message = dns.message.from_wire(wire)
        self.name = self.message.question[0].name.to_text().lower().rstrip(".")
        self.type = dns.rdatatype.to_text(self.message.question[0].rdtype)

    def answer(self, *texts, rcode="NOERROR", flags=0, authority=()):
        """A reply; each text is a record, "NAME TTL TYPE RDATA". Without any: from the zone."""
        if not texts and rcode == "NOERROR" and not authority:
            return self.upstream.from_zone(self)
        reply = dns.message.make_response(self.message, recursion_available=True)
        reply.flags |= flags
        reply.set_rcode(dns.rcode.from_text(rcode))
        for section, lines in ((reply.answer, texts), (reply.authority, authority)):
            for owner, rrset in parse(lines):
                found = reply.find_rrset(section, owner, rrset.rdclass, rrset.rdtype, create=True)
                for rdata in rrset:
                    found.add(rdata, rrset.ttl)
        return reply


def parse(lines):
    for line in lines:
        owner, ttl, type_, rdata = line.split(None, 3)
        name = dns.name.from_text(owner)
        yield name, dns.rrset.from_text(name, int(ttl), "IN", type_, rdata)


class Upstream:
    def __init__(self, zone=ZONE, address=None, port=PORT):
        self.address, self.port = address or fresh_address(), port
        self.lock = threading.Lock()
        self.asked = []
        self.rules = {}
        self.zone = {}
        self.add(zone)
        self.stopping = threading.Event()
        self.udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.udp.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 << 20)
        self.udp.bind((self.address, self.port))
        self.tcp = socket.create_server((self.address, self.port), backlog=128)
        for target in (self._serve_udp, self._serve_tcp):
            threading.Thread(target=target, daemon=True).start()

    def __str__(self):
        return f"{self.address}:{self.port}"

    def close(self):
        self.stopping.set()
        with contextlib.suppress(OSError):
            self.tcp.shutdown(socket.SHUT_RDWR)
        self.tcp.close()
        self.udp.close()

    # -- what to answer -----------------------------------------------------------------------

    def add(self, zone):
        for name, rrset in parse(line for line in zone.splitlines() if line.strip()):
            key = (name.to_text().lower(), rrset.rdtype)
            self.zone.setdefault(key, []).append(rrset)

    def script(self, name, reply, type_=None):
        """`reply`: a message, bytes, a list of them, SILENT, Later, CLOSE, or a function of Asked.
        "*" stands for every name."""
        self.rules[(name.lower(), type_)] = reply

    def forget(self):
        """No rules, nothing asked."""
        with self.lock:
            self.asked.clear()
        self.rules.clear()

    def count(self, name=None, type_=None, transport=None):
        with self.lock:
            return sum(1 for asked in self.asked
                       if (name is None or asked.name == name.lower())
                       and (type_ is None or asked.type == type_)
                       and (transport is None or asked.transport == transport))

    def from_zone(self, asked):
        reply = dns.message.make_response(asked.message, recursion_available=True)
        name, type_ = asked.message.question[0].name, asked.message.question[0].rdtype
        for _ in range(16):
            key = name.to_text().lower()
            found = self.zone.get((key, type_), [])
            alias = self.zone.get((key, dns.rdatatype.CNAME), [])
            for rrset in found or alias:
                kept = reply.find_rrset(reply.answer, rrset.name, rrset.rdclass, rrset.rdtype,
                                        create=True)
                for rdata in rrset:
                    kept.add(rdata, rrset.ttl)
            if found or not alias:
                break
            name = alias[0][0].target
        if not found:
            if not any(key == name.to_text().lower() for key, _ in self.zone):
                reply.set_rcode(dns.rcode.NXDOMAIN)
            for owner, soa in parse(["example.net. 60 SOA ns.example.net. root.example.net. "
                                     "1 3600 600 86400 60"]):
                reply.authority.append(soa)
        return reply

    def _decide(self, asked):
        for key in ((asked.name, asked.type), (asked.name, None), ("*", None)):
            if key in self.rules:
                rule = self.rules[key]
                return rule(asked) if callable(rule) else rule
        return self.from_zone(asked)

    # -- the sockets --------------------------------------------------------------------------

    def _receive(self, wire, transport):
        try:
            asked = Asked(self, wire, transport)
        except (dns.exception.DNSException, IndexError):
            return None
        with self.lock:
            self.asked.append(asked)
        return asked

    def _deliver(self, reply, send):
        if reply is SILENT:
            return
        if isinstance(reply, Later):
            timer = threading.Timer(reply.seconds, self._deliver, (reply.reply, send))
            timer.daemon = True
            timer.start()
        elif isinstance(reply, list):
            for one in reply:
                self._deliver(one, send)
        else:
            if isinstance(reply, dns.message.Message):
                reply = reply.to_wire(max_size=65535)
            with contextlib.suppress(OSError):
                send(reply)

    def _serve_udp(self):
        while not self.stopping.is_set():
            try:
                wire, peer = self.udp.recvfrom(65535)
            except OSError:
                return
            asked = self._receive(wire, "udp")
            if asked:
                self._deliver(self._decide(asked), lambda data, to=peer: self.udp.sendto(data, to))

    def _serve_tcp(self):
        while not self.stopping.is_set():
            try:
                connection, _ = self.tcp.accept()
            except OSError:
                return
            threading.Thread(target=self._serve_connection, args=(connection,),
                             daemon=True).start()

    def _serve_connection(self, connection):
        with contextlib.suppress(OSError):
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with connection, connection.makefile("rb") as stream:
                while head := stream.read(2):
                    asked = self._receive(stream.read(struct.unpack("!H", head)[0]), "tcp")
                    if asked:
                        self._deliver(self._decide(asked), lambda reply: put(connection, reply))


def put(connection, reply):
    """One reply onto a stream."""
    if reply == CLOSE:
        connection.shutdown(socket.SHUT_RDWR)
    elif isinstance(reply, Raw):
        connection.sendall(reply.data)
    elif isinstance(reply, Drip):
        for byte in struct.pack("!H", len(reply.data)) + reply.data:
            connection.sendall(bytes([byte]))
            time.sleep(reply.pause)
    else:
        connection.sendall(struct.pack("!H", len(reply)) + reply)
