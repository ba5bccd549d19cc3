"""The home region is gone without a word: packets go nowhere, nothing comes back.

Clients with their drivers' default timeouts would hang for minutes. With a relay they work as soon
as the operator has switched.
"""
import contextlib
import time

import pytest

from lib.clients import OF_MARIADB, OF_POSTGRES
from lib.daemon import is_sanitized, wait_past
from lib.machine import eventually

pytestmark = pytest.mark.root

WITHIN_S = 0.3  # of the switch
SILENCE_S = 1.0  # in which everybody gets stuck

clients = pytest.mark.parametrize(
    ("scene", "client"),
    [("postgres", kind) for kind in OF_POSTGRES] + [("mariadb", kind) for kind in OF_MARIADB],
    indirect=["scene"], ids=lambda value: value if isinstance(value, str) else value.__name__)


@contextlib.contextmanager
def writing(client):
    client.start()
    try:
        eventually(lambda: len(client.workers) >= client.NUMBER and
                   all(len(done) > 3 for done in list(client.workers.values())), "all write")
        yield client
    finally:
        client.stop()


def first_since(moment, done):
    return next((ack for ack in list(done) if ack.at > moment), None)


def stay_stuck(client, seconds):
    """Nobody gets an answer any more; the one that was on its way may still arrive."""
    lost_at = time.monotonic() + 0.2
    wait_past(lost_at + seconds)
    for done in list(client.workers.values()):
        assert not first_since(lost_at, done), "the region still answers"


def check_all_get_on(client, began, switched, pair):
    firsts = {worker: eventually(lambda done=done: first_since(began, done), f"{worker} works")
              for worker, done in client.workers.items()}
    slowest = max(ack.at for ack in firsts.values()) - switched
    print(f"the last of {len(firsts)} works {slowest:+.3f} s after the switch")
    assert is_sanitized() or slowest < WITHIN_S
    assert {ack.id for ack in firsts.values()} <= pair.us.ids()


@clients
def test_after_a_black_hole_a_client_works_at_once_when_the_operator_switches(
        scene, client, tmp_path):
    relay = scene.relay()
    with writing(client(relay, scene.host, tmp_path)) as client, scene.lost():
        stay_stuck(client, SILENCE_S)
        scene.pair.us.promote()
        began = time.monotonic()
        switched = relay.fail_over()
        check_all_get_on(client, began, switched, scene.pair)


@pytest.mark.slow
@pytest.mark.long
@clients
def test_after_half_a_minute_in_a_black_hole_a_client_works_when_the_operator_switches(
        scene, client, tmp_path):
    """By then connects and the relay's own timers have run out more than once. A client that waits
    between its attempts to connect (HikariCP up to ten seconds) works after its next one."""
    relay = scene.relay()
    with writing(client(relay, scene.host, tmp_path)) as client, scene.lost():
        stay_stuck(client, 30)
        scene.pair.us.promote()
        began = time.monotonic()
        relay.fail_over()
        check_all_get_on(client, began, began + 12, scene.pair)
