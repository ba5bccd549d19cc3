"""The real pilotlight-sidecar beside a daemon, and runbooks for it."""
import json
import os
import signal
import subprocess

from lib.daemon import SANITIZER_WORDS, SANITIZERS, US, program
from lib.machine import MANY, eventually


class Sidecar:
    def __init__(self, daemon, wrap=(), env=None):
        self.daemon, self.wrap, self.env = daemon, list(wrap), env or {}
        self.log_file = daemon.folder / f"sidecar-{id(self)}.log"
        self.process = None
        self.killed = False

    def launch(self):
        self.killed = False
        self.process = subprocess.Popen(
            [*map(str, self.wrap), str(program("pilotlight-sidecar")),
             "-c", str(self.daemon.config_file)],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            stderr=self.log_file.open("ab"), env={**os.environ, **SANITIZERS, **self.env})
        return self

    def start(self):
        connections = self.log().count("event=connected")
        self.launch()
        eventually(lambda: self.log().count("event=connected") > connections,
                   "the sidecar is connected")
        return self

    @property
    def pid(self):
        return self.process.pid

    def kill(self):
        self.killed = True
        self.process.kill()
        self.process.wait(MANY)

    def terminate(self):
        self.process.send_signal(signal.SIGTERM)
        status = self.process.wait(MANY)
        assert status == 0, f"exit status {status}:\n{self.log()}"

    def close(self):
        """For fixtures: ends it cleanly; no sanitizer may have complained."""
        if self.process and self.process.poll() is None:
            self.terminate()
        elif self.process and not self.killed:
            assert self.process.returncode in (0, 2), f"it died:\n{self.log()}"
        assert not SANITIZER_WORDS.search(self.log()), self.log()

    def log(self):
        return self.log_file.read_text(errors="replace") if self.log_file.exists() else ""

    def wait_for_log(self, words, seconds=MANY):
        eventually(lambda: words in self.log(), f"{words!r} in the sidecar's log", seconds)


def step(id, type, *needs, **more):
    return {"id": id, "step": type, "needs": list(needs), **more}


def script(id, *needs, text, **more):
    """A step that runs a line of shell."""
    return step(id, "exec", *needs, command=["/bin/sh", "-c", text], **more)


def runbook(*steps, region=US, **more):
    """The configuration's section."""
    return {"runbooks": {region: {"steps": list(steps), **more}}}


def whole(*between, groups=("data",), region=US, **more):
    """fence, then `between` side by side, then switch; of the database's group."""
    ids = [each["id"] for each in between]
    for each in between:
        each["needs"] = each["needs"] or ["fence"]
    return runbook(step("fence", "fence", groups=list(groups)), *between,
                   step("switch", "switch", "fence", *ids, groups=list(groups)),
                   region=region, **more)


def last(daemon):
    """The transition that ended last."""
    return json.loads(daemon.cli("history", "--json", expect=0).out)["history"][-1]


def running(daemon):
    return daemon.state()["transition"]


def status_of(daemon, id):
    """The status of a step in the transition that runs."""
    transition = running(daemon)
    return transition and transition["steps"].get(id, {}).get("status")
