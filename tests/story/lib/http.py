"""HTTP/1.1 byte by byte, for both ends of a gateway: what no library would write, and how it reads.

    client.send(b"GET / HTTP/1.1\\r\\nHost: …\\r\\n\\r\\n")
    answer = client.answer()        # .status .reason .headers .body .raw_head
"""
import dataclasses
import socket

from lib.machine import MANY


@dataclasses.dataclass
class Message:
    first: str  # the request line or the status line
    headers: list
    raw_head: bytes
    body: bytes = b""

    def __getitem__(self, name):
        """The field's value; of several the first; None without."""
        return next((value for key, value in self.headers if key.lower() == name.lower()), None)

    @property
    def status(self):
        return int(self.first.split()[1])

    @property
    def method(self):
        return self.first.split()[0]

    @property
    def target(self):
        return self.first.split()[1]


class Ended(Exception):
    """The other end closed the connection, or reset it, within a message or before one."""


class Wire:
    """One connection."""

    def __init__(self, connection):
        self.socket = connection
        self.socket.settimeout(MANY)
        self.rest = b""

    def close(self):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def more(self, size=65536):
        try:
            data = self.socket.recv(size)
        except ConnectionError as error:
            raise Ended from error
        if not data:
            raise Ended
        return data

    def until(self, mark):
        while mark not in self.rest:
            self.rest += self.more()
        data, self.rest = self.rest.split(mark, 1)
        return data

    def exactly(self, size):
        parts = [self.rest[:size]]
        self.rest = self.rest[size:]
        left = size - len(parts[0])
        while left:
            parts.append(self.more(min(left, 1 << 20)))
            left -= len(parts[-1])
        return b"".join(parts)

    def head(self):
        raw = self.until(b"\r\n\r\n")
        first, *lines = raw.decode("latin-1").split("\r\n")
        headers = [(name, value.strip()) for name, _, value in
                   (line.partition(":") for line in lines)]
        return Message(first, headers, raw)

    def chunks(self):
        body = b""
        while size := int(self.until(b"\r\n"), 16):
            body += self.exactly(size)
            assert self.exactly(2) == b"\r\n"
        assert self.until(b"\r\n") == b""
        return body

    def to_the_end(self):
        body, self.rest = self.rest, b""
        while True:
            try:
                body += self.more()
            except Ended:
                return body

    def answer(self, to="GET"):
        """A response with its body; 1xx ones are answers of their own."""
        message = self.head()
        if to == "HEAD" or message.status in (204, 304) or message.status < 200:
            return message
        if message["Transfer-Encoding"] == "chunked":
            message.body = self.chunks()
        elif message["Content-Length"] is not None:
            message.body = self.exactly(int(message["Content-Length"]))
        else:
            message.body = self.to_the_end()
        return message

    def is_closed(self):
        """Closed within the time that is granted to everything, without another byte."""
        try:
            self.rest += self.more()
        except Ended:
            return True
        return False


def connect(address, port, **options):
    return Wire(socket.create_connection((address, port), timeout=MANY, **options))
