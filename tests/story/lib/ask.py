"""A DNS client: questions by dnspython, bytes by hand, answers as plain text to compare."""
import socket
import struct

import dns.edns
import dns.flags
import dns.message
import dns.rcode
import dns.rdatatype

SILENCE = 0.4  # seconds without an answer after which we say that there is none


def question(name, type_="A", *, rd=True, cd=False, ad=False, do=False, edns=None, options=(),
             version=0, class_="IN"):
    """A query message; `edns` is the payload size (None: no OPT unless `do` or options)."""
    message = dns.message.make_query(name, type_, class_, use_edns=False)
    message.flags = (dns.flags.RD if rd else 0) | (dns.flags.CD if cd else 0) \
        | (dns.flags.AD if ad else 0)
    if edns is not None or do or options or version:
        message.use_edns(version, dns.flags.DO if do else 0, edns or 1232, options=list(options))
    return message


def udp(to, wire, timeout=5, source=None):
    """Sends one datagram; the next one back, or None."""
    family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
    with socket.socket(family, socket.SOCK_DGRAM) as asker:
        if source:
            asker.bind((source, 0))
        asker.connect(to)
        asker.settimeout(timeout)
        try:
            asker.send(wire)
            return asker.recv(65535)
        except (TimeoutError, ConnectionRefusedError):
            return None


class Stream:
    """A TCP connection to a DNS server."""

    def __init__(self, to, timeout=10, source=None):
        family = socket.AF_INET6 if ":" in to[0] else socket.AF_INET
        self.socket = socket.socket(family)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            self.socket.bind((source, 0))
        self.socket.settimeout(timeout)
        self.socket.connect(to)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def send_message(self, wire):
        self.send(struct.pack("!H", len(wire)) + wire)

    def _receive(self, size):
        data = b""
        while len(data) < size:
            more = self.socket.recv(size - len(data))
            if not more:
                return None
            data += more
        return data

    def receive(self):
        """One message, or None when the server closed."""
        head = self._receive(2)
        return head and self._receive(struct.unpack("!H", head)[0])

    def is_closed_by_server(self, timeout):
        """Whether the server ends the connection (or resets it) within `timeout` seconds."""
        self.socket.settimeout(timeout)
        try:
            return self.socket.recv(1) == b""
        except ConnectionResetError:
            return True
        except TimeoutError:
            return False


def ask(server, name, type_="A", *, tcp=False, timeout=10, source=None, **options):
    """The answer to one question, checked to be one: same id, same question, QR set."""
    query = question(name, type_, **options)
    to = (server.address, server.port)
    if tcp:
        with Stream(to, timeout, source) as stream:
            stream.send_message(query.to_wire())
            wire = stream.receive()
    else:
        wire = udp(to, query.to_wire(), timeout, source)
    assert wire is not None, f"no answer to {name} {type_}"
    answer = dns.message.from_wire(wire)
    assert answer.id == query.id and answer.flags & dns.flags.QR
    assert answer.question == query.question
    return answer


def records(section):
    """["owner. TYPE rdata", …] in the order of the message."""
    return [f"{rrset.name} {dns.rdatatype.to_text(rrset.rdtype)} {rdata.to_text()}"
            for rrset in section for rdata in rrset]


def addresses(answer):
    return sorted(rdata.address for rrset in answer.answer
                  if rrset.rdtype in (dns.rdatatype.A, dns.rdatatype.AAAA) for rdata in rrset)


def rcode(answer):
    return dns.rcode.to_text(answer.rcode())


def reasons(answer):
    """The extended DNS errors: their codes."""
    return [int(option.code) for option in answer.options
            if option.otype == dns.edns.OptionType.EDE]


def has_soa(answer):
    return any(rrset.rdtype == dns.rdatatype.SOA for rrset in answer.authority)


def flag(answer, name):
    return bool(answer.flags & dns.flags.Flag[name])
