"""A crowd that reads and writes objects through the gateway while regions change.

    crowd = Crowd(address, port, clients)
    crowd.switched_to(region, lambda: …)      # the switch; afterwards answers must be that region's
    crowd.stop()
    crowd.acknowledged                        # {key: (body, the region that must have it, or None)}
    crowd.faults, crowd.unanswered            # what is wrong at once; {method: requests cut short}

Every object is written once, under a key of its own, so that a request which is sent twice shows."""
import collections
import hashlib
import random
import threading

from lib.daemon import EU
from lib.http import Ended, connect
from lib.sigv4 import Signer
from lib.versity import KEY, SECRET

SIZES = [8, 5000, 100_000, 1_000_000]
RETRY_LATER = (503,)


def body_of(key, size):
    return (hashlib.sha256(key.encode()).digest() * (size // 32 + 1))[:size]


class Crowd:
    def __init__(self, address, port, clients):
        self.address, self.port = address, port
        self.signer = Signer(KEY, SECRET, EU)
        self.acknowledged, self.sent = {}, set()
        self.statuses, self.unanswered = collections.Counter(), collections.Counter()
        self.faults = []
        self.settled = None  # an object per time between two switches
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(number,), daemon=True)
                        for number in range(clients)]

    def start(self):
        for thread in self.threads:
            thread.start()

    def switched_to(self, region, switch):
        self.settled = None
        switch()
        self.settled = (region, object())

    def stop(self):
        self.stopping.set()
        for thread in self.threads:
            thread.join(60)
            assert not thread.is_alive(), "a client hangs"

    def work(self, number):
        random_of_mine, wire, mine = random.Random(number), None, {}
        for turn in range(1 << 30):
            if self.stopping.is_set():
                break
            wire = wire or connect(self.address, self.port)
            try:
                if mine and random_of_mine.random() < 0.5:
                    answer = self.read(wire, *random_of_mine.choice(list(mine.items())))
                else:
                    key = f"load/{number}-{turn}"
                    size = random_of_mine.choice(SIZES)
                    answer = self.write(wire, key, size)
                    if answer.status == 200:
                        mine[key] = size
            except (Ended, OSError):
                wire = wire.close()
                continue
            if answer["Connection"] == "close":
                wire = wire.close()
        if wire:
            wire.close()

    def ask(self, wire, method, key, body=b""):
        host = f"{self.address}:{self.port}"
        try:
            wire.send(self.signer.request(method, host, f"/shop-eu/{key}", body))
            answer = wire.answer()
        except (Ended, OSError):
            self.unanswered[method] += 1
            raise
        self.statuses[method, answer.status] += 1
        return answer

    def write(self, wire, key, size):
        body, before = body_of(key, size), self.settled
        self.sent.add(key)
        answer = self.ask(wire, "PUT", key, body)
        if answer.status == 200:
            where = before[0] if before and before == self.settled else None
            self.acknowledged[key] = (body, where)
        elif answer.status not in RETRY_LATER:
            self.faults.append(f"PUT {key}: {answer.status} {answer.body}")
        return answer

    def read(self, wire, key, size):
        """The other region does not have it; whoever has it has it whole."""
        before = self.settled
        answer = self.ask(wire, "GET", key)
        where = self.acknowledged[key][1]
        if answer.status == 200 and answer.body != body_of(key, size):
            self.faults.append(f"GET {key}: {len(answer.body)} bytes that are not the object's")
        elif answer.status not in (200, 404, *RETRY_LATER):
            self.faults.append(f"GET {key}: {answer.status} {answer.body}")
        elif where and before and before == self.settled:
            expected = (200,) if where == before[0] else (404,)
            if answer.status not in (*expected, *RETRY_LATER):
                self.faults.append(f"GET {key}: {answer.status} while {before[0]} is active")
        return answer
