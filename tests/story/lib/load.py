"""The programs of tests/bench, put to work beside a story: crowds, floods, and steady questions."""
import contextlib
import os
import resource
import subprocess

from lib.ask import question
from lib.daemon import BUILD


def program(name):
    path = BUILD / "tests" / "bench" / name
    assert path.exists(), f"{path} is not built; PILOTLIGHT_BUILD names the build"
    return str(path)


def files_max():
    """How many files this machine lets a process have."""
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]


def with_all_files():
    """A `wrap` for whoever needs that many."""
    return ["prlimit", f"--nofile={files_max()}:{files_max()}"]


def pairs(line):
    """"a=1 b=2" as numbers."""
    return {key: float(value) for key, value in (pair.split("=") for pair in line.split())}


class Load:
    """tests/bench/relay_load: both ends of a crowd. It is ready when this is made."""

    def __init__(self, work, relay, server, *options):
        self.process = subprocess.Popen(
            [*with_all_files(), program("relay_load"), *map(str, options), work, relay, server],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1,
            env={**os.environ, "ASAN_OPTIONS": "detect_leaks=0"})  # it leaves them to its end
        assert self.process.stdout.readline() == "ready\n", "the load does not get ready"

    def begin(self):
        self.process.stdin.write("begin\n")

    def result(self):
        return pairs(self.process.stdout.readline())

    def close(self):
        """Lets go of whatever is still open."""
        with contextlib.suppress(BrokenPipeError):
            self.process.stdin.close()
        self.process.wait(20)
        self.process.stdout.close()


def pace(server, name, seconds, per_second=500):
    """Asks this one thing steadily: percentiles in µs, {"p50", "p99", "max", "lost", …}."""
    done = subprocess.run(
        [program("pace"), "-r", str(per_second), "-t", str(seconds),
         question(name).to_wire().hex(), server.address, str(server.port)],
        check=True, stdout=subprocess.PIPE, text=True, timeout=seconds + 20)
    return pairs(done.stdout)
