"""The real programs: pilotlightd with a folder of its own, and pilotlight beside it."""
import collections
import copy
import grp
import json
import os
import pathlib
import pwd
import re
import shutil
import signal
import subprocess
import tempfile
import time

from lib.control import Control
from lib.machine import MANY, PORT, eventually, fresh_address

EU, US = REGIONS = ["eu-west-1", "us-west-2"]

BUILD = pathlib.Path(os.environ.get(
    "PILOTLIGHT_BUILD", pathlib.Path(__file__).resolve().parents[3] / "build")).resolve()

SANITIZERS = {
    # a small quarantine, or freed memory would look like a leak to those who watch the size
    "ASAN_OPTIONS": "exitcode=99:detect_leaks=1:quarantine_size_mb=2:"
                    "detect_stack_use_after_return=1:strict_string_checks=1",
    "UBSAN_OPTIONS": "halt_on_error=1:print_stacktrace=1:exitcode=99",
    "TSAN_OPTIONS": "exitcode=99:halt_on_error=1",
}
SANITIZER_WORDS = re.compile(r"(Address|Leak|Thread|UndefinedBehavior)Sanitizer|runtime error:")

ENDPOINTS = {
    "orders-db": {"type": "database", "group": "data", "names": ["db.shop.internal"],
                  "targets": {EU: "orders-eu.example.net:5432", US: "orders-us.example.net:5432"}},
    "search": {"type": "name", "names": ["search.shop.internal", "*.search.shop.internal"],
               "targets": {EU: "search-eu.example.net", US: "search-us.example.net"}},
    "api": {"type": "name", "names": ["api.shop.internal"],
            "targets": {EU: "192.0.2.10", US: "192.0.2.20"}},
    "six": {"type": "name", "names": ["six.shop.internal"],
            "targets": {EU: "2001:db8::10", US: "2001:db8::20"}},
}

Result = collections.namedtuple("Result", "status out err")


def program(name):
    path = BUILD / "programs" / name
    assert path.exists(), f"{path} is not built; PILOTLIGHT_BUILD names the build"
    return path


def is_sanitized():
    return b"__asan_init" in program("pilotlightd").read_bytes()


def merge(base, changes):
    """`base` with `changes` in it, section by section; None removes a key."""
    result = copy.deepcopy(base)
    for key, value in changes.items():
        if isinstance(value, dict) and isinstance(result.get(key), dict):
            result[key] = merge(result[key], value)
        elif value is None:
            result.pop(key, None)
        else:
            result[key] = copy.deepcopy(value)
    return result


class Daemon:
    def __init__(self, upstreams=(), wrap=(), env=None, **changes):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-"))
        self.folder.chmod(0o755)
        self.address, self.port = fresh_address(), PORT
        self.socket = self.folder / "control.sock"
        self.state_file = self.folder / "state" / "state.json"
        self.config_file = self.folder / "pilotlight.json"
        self.log_file = self.folder / "log"
        self.wrap, self.env = list(wrap), env or {}
        self.process = None
        self.killed = False
        self.config = merge({
            "regions": REGIONS,
            "user": pwd.getpwuid(os.getuid()).pw_name,
            "resolver": {"listen": f"{self.address}:{self.port}",
                         "upstreams": [str(upstream) for upstream in upstreams]},
            "endpoints": ENDPOINTS,
            "control": {"socket": str(self.socket), "operators": grp.getgrgid(0).gr_name},
            "state": {"file": str(self.state_file)},
            "health": {"interval": "1d"},
            "monitoring": {"listen": f"{self.address}:9353"},
        }, changes)
        self.write_config()

    # -- life ---------------------------------------------------------------------------------

    def write_config(self, **changes):
        self.config = merge(self.config, changes)
        self.config_file.write_text(json.dumps(self.config, indent=2))

    def launch(self):
        """Starts it without waiting for anything."""
        self.killed = False
        self.process = subprocess.Popen(
            [*map(str, self.wrap), str(program("pilotlightd")), "-c", str(self.config_file)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.log_file.open("ab"), env={**os.environ, **SANITIZERS, **self.env})
        return self

    def start(self):
        self.launch()
        eventually(self.is_ready, "the control socket answers")
        return self

    def is_ready(self):
        assert self.process.poll() is None, f"pilotlightd ended:\n{self.log()}"
        try:
            with Control(self.socket) as control:
                return control.call("hello")["protocol"] == 1
        except OSError:
            return False

    @property
    def pid(self):
        return self.process.pid

    def terminate(self):
        """A clean end: exit status 0, nothing that a sanitizer complained about."""
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(MANY)
        assert status == 0, f"exit status {status}:\n{self.log()}"

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait(MANY)

    def restart(self):
        self.terminate()
        return self.start()

    def close(self):
        """For fixtures: ends it, and asserts what must hold of every daemon in every story."""
        try:
            if self.process:
                if self.process.poll() is None:
                    self.terminate()
                elif not self.killed:
                    assert self.process.returncode in (0, 2), f"it died:\n{self.log()}"
                assert not SANITIZER_WORDS.search(self.log()), self.log()
        finally:
            if self.process and self.process.poll() is None:
                self.process.kill()
                self.process.wait()
            shutil.rmtree(self.folder, ignore_errors=True)

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_for_log(self, words, seconds=MANY):
        eventually(lambda: words in self.log(), f"{words!r} in the log", seconds)

    # -- commands -----------------------------------------------------------------------------

    def control(self):
        return Control(self.socket)

    def start_cli(self, *arguments, **options):
        return subprocess.Popen(
            [str(program("pilotlight")), "--socket", str(self.socket), *map(str, arguments)],
            text=True, env={**os.environ, **SANITIZERS},
            **{"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE,
               **options})

    def cli(self, *arguments, expect=None, timeout=60, **options):
        """Runs `pilotlight ARGUMENTS`; `expect` is the exit status that it must have."""
        process = self.start_cli(*arguments, **options)
        out, err = process.communicate(timeout=timeout)
        result = Result(process.returncode, out, err)
        assert not SANITIZER_WORDS.search(err), err
        assert expect is None or result.status == expect, result
        return result

    def switch(self, region, *arguments, expect=0):
        return self.cli("failover", region, "--switch-only", "--yes", *arguments, expect=expect)

    def status(self):
        return json.loads(self.cli("status", "--json", expect=0).out)

    def state(self):
        return self.status()["state"]

    def record(self):
        """The record as it is on disk."""
        return json.loads(self.state_file.read_text())

    def active(self, group="default"):
        return self.state()["groups"][group]["active"]


def run_program(name, *arguments, **options):
    done = subprocess.run([str(program(name)), *map(str, arguments)], stdin=subprocess.DEVNULL,
                          capture_output=True, text=True, timeout=60,
                          env={**os.environ, **SANITIZERS}, **options)
    return Result(done.returncode, done.stdout, done.stderr)


def wait_past(moment):
    """Sleeps until `moment` of the monotonic clock: for what must have run out by then."""
    time.sleep(max(0, moment - time.monotonic()))
