"""PostgreSQL and MySQL sessions, both ends by hand, as far as a relay may follow them."""
import struct

from lib.target import receive


class Session:
    """`client` and `server` are the two ends of a relayed connection."""

    def __init__(self, client, server):
        self.client, self.server = client, server

    def to_server(self, data):
        self.client.sendall(data)
        assert receive(self.server, len(data)) == data

    def to_client(self, data):
        self.server.sendall(data)
        assert receive(self.client, len(data)) == data


class PostgresSession(Session):
    def message(self, type_, body):
        return type_ + struct.pack("!I", 4 + len(body)) + body

    def ready(self, status):
        return self.message(b"Z", status)

    def login(self):
        words = b"user\0app\0database\0shop\0\0"
        self.to_server(struct.pack("!II", 8 + len(words), 3 << 16) + words)
        self.to_client(self.message(b"R", struct.pack("!I", 0)) + self.ready(b"I"))
        return self

    def ask(self, words=b"SELECT 1"):
        self.to_server(self.message(b"Q", words + b"\0"))

    def answer(self, in_transaction):
        self.to_client(self.message(b"C", b"DONE\0") + self.ready(b"T" if in_transaction else b"I"))


class MysqlSession(Session):
    CAPABILITIES = 1 | 1 << 9 | 1 << 15  # long password, protocol 4.1, secure connection

    def packet(self, number, body):
        return struct.pack("<I", len(body))[:3] + bytes([number]) + body

    def ok(self, number, in_transaction):
        return self.packet(number, b"\0\0\0" + struct.pack("<HH", 2 | in_transaction, 0))

    def login(self):
        low, high = self.CAPABILITIES & 0xffff, self.CAPABILITIES >> 16
        self.to_client(self.packet(0, b"\x0a8.0.36\0" + struct.pack("<I", 7) + b"saltsalt\0" +
                                   struct.pack("<HBHHB", low, 33, 2, high, 21) + bytes(10) +
                                   b"saltsaltsalt\0"))
        self.to_server(self.packet(1, struct.pack("<IIB", self.CAPABILITIES, 1 << 24, 33) +
                                   bytes(23) + b"app\0\0"))
        self.to_client(self.ok(2, in_transaction=False))
        return self

    def ask(self, words=b"DO 1"):
        self.to_server(self.packet(0, b"\x03" + words))

    def answer(self, in_transaction):
        self.to_client(self.ok(1, in_transaction))
