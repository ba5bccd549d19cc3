"""A planned move while applications write: nothing is lost, and hardly anybody notices.

What counts as a failed transaction, and what does not, stands in lib/writers.py.
"""
import functools
import time

import pytest

from lib.daemon import is_sanitized
from lib.machine import eventually
from lib.relay import Relay
from lib.scene import on_both
from lib.writers import CheckingWriter, FreshWriter, Writer, Writers

pytestmark = pytest.mark.root

STALL_S = 0.6  # beyond the promotion itself

applications = pytest.mark.parametrize("application", [FreshWriter, CheckingWriter])
sessions = pytest.mark.parametrize("application", [CheckingWriter, Writer])


def move_under_load(scene, application, tls=False, by=Relay.move):
    """The writers, after a move in their midst that lost nothing and stalled nobody for long."""
    relay = scene.relay()
    connect = functools.partial(scene.pair.connect, relay.address, relay.port, tls)
    with Writers(application, scene.pair, scene.host, connect) as writers:
        eventually(lambda: writers.all_have_written_since(0), "all write")
        assert not writers.failed, writers.failed
        promotion = by(relay)
        moved = time.monotonic()
        eventually(lambda: writers.all_have_written_since(moved), "all write on the new side")
    lost = writers.ids - scene.pair.us.ids()
    assert not lost, f"{len(lost)} of {len(writers.ids)} acknowledged transactions are lost"
    stall = writers.longest_stall() - promotion
    print(f"stall {stall:.3f} s beyond a promotion of {promotion:.3f} s; "
          f"{len(writers.ids)} transactions, {len(writers.failed)} failed")
    assert is_sanitized() or stall < STALL_S
    return writers


@on_both
@applications
def test_a_planned_move_loses_no_write_and_fails_no_transaction(scene, application):
    writers = move_under_load(scene, application)
    assert not writers.failed, writers.failed


@on_both
@applications
def test_a_switchover_by_the_runbook_loses_no_write_and_fails_no_transaction(scene, application):
    writers = move_under_load(scene, application, by=Relay.switch_over)
    assert not writers.failed, writers.failed


@on_both
@sessions
def test_a_planned_move_fails_at_most_one_transaction_of_a_session_with_tls(scene, application):
    if str(scene.pair) == "postgres":
        scene.pair.reset(tls=True)
    writers = move_under_load(scene, application, tls=True)
    for thread in writers.threads:
        assert len(thread.failed) <= 1, thread.failed
