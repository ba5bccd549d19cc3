"""What the stories need of the machine: addresses of their own, deadlines, a look into /proc."""
import itertools
import os
import pathlib
import time

PORT = 5300  # unprivileged; every server has an address of its own instead
MANY = 20  # seconds that anything which must happen may take under sanitizers on a busy machine

_numbers = itertools.count(1)


def fresh_address():
    """An address of 127.0.0.0/8 that no other story of this or a parallel run uses."""
    run, number = os.getpid(), next(_numbers)
    return f"127.{64 + run % 128}.{run // 128 % 16 * 16 + number // 250}.{number % 250 + 1}"


def eventually(check, what, seconds=MANY):
    """Polls until `check` is true (returned) or the time is over (a failure that says `what`)."""
    deadline = time.monotonic() + seconds
    while True:
        result = check()
        if result:
            return result
        assert time.monotonic() < deadline, f"not within {seconds} s: {what}"
        time.sleep(0.01)


def status_field(pid, field):
    """A field of /proc/PID/status as text."""
    for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith(field + ":"):
            return line.split(":", 1)[1].strip()
    raise KeyError(field)


def resident_kib(pid):
    return int(status_field(pid, "VmRSS").split()[0])


def threads(pid):
    """{name: thread id}"""
    return {(task / "comm").read_text().strip(): int(task.name)
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir()}
