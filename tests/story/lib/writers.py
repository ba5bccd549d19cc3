"""Applications that write one row a transaction and remember which were acknowledged.

A failed transaction is one for which the application saw an error: from connecting, from a
statement or from the commit. It does not count when a pool finds, by its own check and before it
lends a connection out, that the connection is gone, and makes another: nobody was told of an error.
(Whether a transaction that failed at its commit is in the database, nobody can know.)
"""
import collections
import itertools
import threading
import time

PAUSE = 0.002  # between two transactions: eight of us leave the machine some air

Acknowledged = collections.namedtuple("Acknowledged", "at id")
Failed = collections.namedtuple("Failed", "at id during error")


class Writer(threading.Thread):
    """Keeps its connection without looking at it, until that fails."""

    def __init__(self, pair, place, connect, ids):
        super().__init__(daemon=True)
        self.pair, self.place, self.connect, self.numbers = pair, place, connect, ids
        self.connection = self.doing = None
        self.acknowledged, self.failed = [], []
        self.stopping = threading.Event()

    def run(self):
        with self.place.inside():
            while not self.stopping.wait(PAUSE):
                self.once(next(self.numbers))
            self.drop()

    def once(self, id):
        try:
            self.transact(id)
        except self.pair.ERRORS as error:
            self.failed.append(Failed(time.monotonic(), id, self.doing, error))
            self.drop()
        else:
            self.acknowledged.append(Acknowledged(time.monotonic(), id))

    def transact(self, id):
        self.doing = "connect"
        connection = self.borrow()
        self.doing = "statement"
        with connection.cursor() as cursor:
            cursor.execute("INSERT INTO writes VALUES (%s, 'writer')", (id,))
        self.doing = "commit"
        connection.commit()

    def borrow(self):
        if not self.connection:
            self.connection = self.connect()
        return self.connection

    def drop(self):
        try:
            if self.connection:
                self.connection.close()
        except self.pair.ERRORS:
            pass  # it was gone already
        self.connection = None


class CheckingWriter(Writer):
    """A pool that checks a connection before it lends it out."""

    def borrow(self):
        if self.connection and not self.pair.is_alive(self.connection):
            self.drop()
        return super().borrow()


class FreshWriter(Writer):
    """A connection a transaction."""

    def transact(self, id):
        super().transact(id)
        self.drop()


class Writers:
    """`with Writers(…) as writers:` eight of a kind write; afterwards they have all stopped."""

    def __init__(self, kind, pair, place, connect, number=8):
        ids = itertools.count(1)
        self.threads = [kind(pair, place, connect, ids) for _ in range(number)]

    def __enter__(self):
        for thread in self.threads:
            thread.start()
        return self

    def __exit__(self, *_):
        for thread in self.threads:
            thread.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a writer hangs"

    @property
    def acknowledged(self):
        return [ack for thread in self.threads for ack in list(thread.acknowledged)]

    @property
    def failed(self):
        return [failure for thread in self.threads for failure in list(thread.failed)]

    @property
    def ids(self):
        return {ack.id for ack in self.acknowledged}

    def all_have_written_since(self, moment, times=10):
        return all(sum(1 for ack in list(thread.acknowledged) if ack.at > moment) >= times
                   for thread in self.threads)

    def longest_stall(self):
        """The longest time in which not one transaction was acknowledged, to whomever."""
        moments = sorted(ack.at for ack in self.acknowledged)
        return max(after - before for before, after in zip(moments, moments[1:]))
