"""The old primary lives on, or comes back, after the switch: not one write reaches it."""
import functools
import itertools
import socket
import struct
import time

import pytest

from lib.daemon import wait_past
from lib.machine import eventually
from lib.scene import on_both
from lib.writers import FreshWriter, Writer, Writers

pytestmark = pytest.mark.root

applications = pytest.mark.parametrize("application", [Writer, FreshWriter])
LONG_ENOUGH_S = 1.5


def writers(scene, relay, application):
    connect = functools.partial(scene.pair.connect, relay.address, relay.port)
    return Writers(application, scene.pair, scene.host, connect)


class Stillness:
    """Of the old primary, asked from within its region."""

    def __init__(self, scene):
        self.server, self.host = scene.pair.eu, scene.host.address
        self.before = self.look()

    def look(self):
        return {"ids": self.server.ids(), "connections": self.server.connections_seen(self.host)}

    def check(self):
        """Neither a row nor so much as a connection has come."""
        assert self.look() == self.before


@on_both
@applications
def test_not_one_write_reaches_an_old_primary_that_is_still_alive(scene, application):
    relay = scene.relay()
    with writers(scene, relay, application) as crowd:
        eventually(lambda: crowd.all_have_written_since(0), "all write")
        scene.pair.us.promote()
        switched = relay.fail_over()
        # what it had been told before the fence it may still have been doing
        eventually(lambda: scene.pair.eu.sessions_from(scene.host.address) == 0, "it is left alone")
        old = Stillness(scene)
        wait_past(switched + LONG_ENOUGH_S)
        eventually(lambda: crowd.all_have_written_since(switched), "all write on the new side")
        old.check()
    written = {ack.id for ack in crowd.acknowledged if ack.at > switched}
    assert written <= scene.pair.us.ids() and not written & scene.pair.eu.ids()


@on_both
@applications
def test_not_one_write_reaches_an_old_primary_that_returns(scene, application):
    relay = scene.relay()
    with writers(scene, relay, application) as crowd:
        eventually(lambda: crowd.all_have_written_since(0), "all write")
        with scene.lost():
            lost_at = time.monotonic() + 0.2
            wait_past(lost_at + 0.5)  # by now everybody has a write under way
            assert not [ack for ack in crowd.acknowledged if ack.at > lost_at]
            old = Stillness(scene)
            scene.pair.us.promote()
            switched = relay.fail_over()
            eventually(lambda: crowd.all_have_written_since(switched), "all write on the new side")
        found = time.monotonic()
        wait_past(found + LONG_ENOUGH_S)
        eventually(lambda: crowd.all_have_written_since(found), "all still write on the new side")
        old.check()
    written = {ack.id for ack in crowd.acknowledged if ack.at > lost_at}
    assert written <= scene.pair.us.ids() and not written & scene.pair.eu.ids()


def speak_postgres(address, port):
    """A session of which the socket is ours, to say more than any driver does before it listens."""
    stream = socket.create_connection((address, port), timeout=20)
    words = b"user\0app\0database\0postgres\0\0"
    stream.sendall(struct.pack("!II", 8 + len(words), 3 << 16) + words)
    with stream.makefile("rb") as replies:
        while (kind := replies.read(1)) != b"Z":  # ready for a query
            assert kind and kind != b"E", "not let in"
            replies.read(struct.unpack("!I", replies.read(4))[0] - 4)
        replies.read(5)
    return stream


def insertion(id):
    words = f"INSERT INTO writes VALUES ({id}, '{'x' * 500}')".encode() + b"\0"
    return b"Q" + struct.pack("!I", 4 + len(words)) + words


def test_writes_on_their_way_into_the_black_hole_die_with_it(scene):
    """They fill what buffers there are between the client and the lost region. None of it may come
    out again when the region is back."""
    relay = scene.relay()
    with scene.host.inside():
        stream = speak_postgres(relay.address, relay.port)
    ids = itertools.count(1)
    stream.sendall(insertion(next(ids)))
    eventually(lambda: scene.pair.eu.ids() == {1}, "a first one arrives")
    with scene.lost():
        stream.settimeout(0.3)
        with pytest.raises(TimeoutError):
            while True:
                stream.sendall(insertion(next(ids)))
        scene.pair.us.promote()
        relay.fail_over()
        assert scene.pair.eu.ids() == {1}
    wait_past(time.monotonic() + 3)  # time for what the kernel would send once more
    assert scene.pair.eu.ids() == {1}
    stream.close()
