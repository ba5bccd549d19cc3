"""A real authoritative server: nsd with one zone, in a folder of its own."""
import pathlib
import shutil
import subprocess
import tempfile

from lib.machine import PORT, eventually, fresh_address


class Nsd:
    def __init__(self, zone, text, address=None, port=PORT, wrap=()):
        self.address, self.port, self.wrap = address or fresh_address(), port, list(wrap)
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-nsd-"))
        (self.folder / "zone").write_text(text)
        (self.folder / "nsd.conf").write_text(f"""
server:
    ip-address: {self.address}@{self.port}
    username: ""
    chroot: ""
    zonesdir: "{self.folder}"
    database: ""
    pidfile: "{self.folder}/pid"
    xfrdfile: "{self.folder}/xfrd"
    zonelistfile: "{self.folder}/zones"
    cookie-secret-file: ""
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: {zone}
    zonefile: zone
""")
        program = shutil.which("nsd") or "/usr/sbin/nsd"
        self.process = subprocess.Popen(
            [*self.wrap, program, "-d", "-c", self.folder / "nsd.conf"],
            stdout=subprocess.DEVNULL, stderr=(self.folder / "log").open("ab"))
        self.zone = zone
        eventually(self._answers, "nsd answers")

    def __str__(self):
        return f"{self.address}:{self.port}"

    def _answers(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        probe = [*self.wrap, "dig", "+short", "+tries=1", "+time=1", f"@{self.address}",
                 "-p", str(self.port), self.zone, "SOA"]
        return subprocess.run(probe, capture_output=True, text=True).stdout.strip().endswith("60")

    def close(self):
        self.process.terminate()
        self.process.wait(10)
        shutil.rmtree(self.folder, ignore_errors=True)
