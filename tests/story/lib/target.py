"""A scripted database: it takes connections and does with them what a story says.

    target = house.keep(Target())              the story speaks: target.session() is the next socket
    target = house.keep(Target(says("eu")))    every session is served by a thread of its own
"""
import contextlib
import itertools
import random
import select
import socket
import struct
import threading
import time
import zlib

from lib.machine import MANY, eventually, fresh_address

PORT = 5432
TCP_CLOSE = 7  # the state of a socket that was reset (include/net/tcp_states.h)


def says(name):
    """Tells who it is, and then gives back what it gets."""
    def serve(session):
        session.sendall(name.encode())
        echo(session)
    return serve


def echo(session):
    while data := session.recv(1 << 16):
        session.sendall(data)


class Target:
    def __init__(self, serve=None, address=None, port=PORT, backlog=4096):
        self.address = address or fresh_address()
        family = socket.AF_INET6 if ":" in self.address else socket.AF_INET
        self.listener = socket.create_server((self.address, port), family=family, backlog=backlog)
        self.port = self.listener.getsockname()[1]
        self.serve = serve
        self.sessions = []  # all that ever came
        self.given = 0
        threading.Thread(target=self._accept, daemon=True).start()

    def __str__(self):
        return f"[{self.address}]:{self.port}" if ":" in self.address \
            else f"{self.address}:{self.port}"

    def _accept(self):
        while True:
            try:
                session, _ = self.listener.accept()
            except OSError:
                return
            session.settimeout(MANY)
            self.sessions.append(session)
            if self.serve:
                threading.Thread(target=self._serve, args=(session,), daemon=True).start()

    def _serve(self, session):
        with contextlib.suppress(OSError), session:
            self.serve(session)

    @property
    def count(self):
        return len(self.sessions)

    def session(self, seconds=MANY):
        """The next one that nobody has asked for yet."""
        eventually(lambda: self.count > self.given, f"a session reaches {self}", seconds)
        self.given += 1
        return self.sessions[self.given - 1]

    def close(self):
        with contextlib.suppress(OSError):
            self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        for session in self.sessions:
            session.close()


class BlackHole:
    """A listener whose queue is full: the kernel drops every SYN, as a region that is lost does."""

    def __init__(self, address=None, port=PORT):
        self.address = address or fresh_address()
        self.listener = socket.create_server((self.address, port), backlog=1)
        self.queue = [socket.socket() for _ in range(4)]
        for one in self.queue:
            one.setblocking(False)
            one.connect_ex((self.address, port))

    def __str__(self):
        return f"{self.address}:{self.listener.getsockname()[1]}"

    def open_up(self, until):
        """Takes what knocks until then; the clients that were not ours."""
        ours, strangers = {one.getsockname() for one in self.queue}, []
        self.listener.listen(4096)
        while (left := until - time.monotonic()) > 0:
            self.listener.settimeout(left)
            with contextlib.suppress(TimeoutError):
                connection, client = self.listener.accept()
                self.queue.append(connection)
                strangers += [client] if client not in ours else []
        return strangers

    def close(self):
        for one in [*self.queue, self.listener]:
            one.close()


# -- what became of a connection -----------------------------------------------------------------

def ending(connection, seconds=MANY):
    """How it ends within `seconds`: "closed", "reset", or None when it does not; drains it."""
    connection.settimeout(seconds)
    try:
        while connection.recv(1 << 16):
            pass
        return "closed"
    except ConnectionResetError:
        return "reset"
    except TimeoutError:
        return None


def is_quiet(connection, seconds=0.2):
    """Neither a byte nor an end comes."""
    return not select.select([connection], [], [], seconds)[0]


def has_been_reset(connection):
    """Whether it was reset by now: no waiting, whatever is still unread."""
    return connection.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)[0] == TCP_CLOSE


def receive(connection, size):
    data = bytearray()
    while len(data) < size:
        more = connection.recv(min(size - len(data), 1 << 20))
        assert more, f"the end after {len(data)} of {size} bytes"
        data += more
    return bytes(data)


# -- bytes by the hundred million ----------------------------------------------------------------

def blocks(seed, size, block=1 << 20):
    """`size` bytes of which no two pieces are alike, cheaply: a random block with a number."""
    body = bytearray(random.Random(seed).randbytes(min(block, size)))
    for number in itertools.count():
        if size <= 0:
            return
        body[:8] = struct.pack("!Q", number)
        yield memoryview(body)[:min(size, len(body))]
        size -= len(body)


def send_blocks(connection, seed, size):
    """Returns the checksum of what was sent."""
    crc = 0
    for block in blocks(seed, size):
        connection.sendall(block)
        crc = zlib.crc32(block, crc)
    return crc


def receive_blocks(connection, size):
    crc, room = 0, memoryview(bytearray(1 << 20))
    while size > 0:
        got = connection.recv_into(room[:min(size, len(room))])
        assert got, f"the end {size} bytes early"
        crc = zlib.crc32(room[:got], crc)
        size -= got
    return crc
