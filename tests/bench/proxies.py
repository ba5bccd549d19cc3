"""pilotlightd and those that it is measured beside: each in the foreground, from a configuration of
its own in a temporary folder, on one core, as this user, without logs of connections."""
import json
import pathlib
import resource
import shutil
import socket
import subprocess
import tempfile
import time

from measure import ADDRESS, REGIONS, pinned

PREFIX = ADDRESS.rpartition(".")[0]
PORT = 6432
NGINX_STREAM = "/usr/lib/nginx/modules/ngx_stream_module.so"


def folder_new():
    """On tmpfs where there is one: no disk takes part in what is measured."""
    shm = "/dev/shm" if pathlib.Path("/dev/shm").is_dir() else None
    return pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-bench-", dir=shm))


def connections_max():
    """What HAProxy and nginx are told: two files a connection, and some for themselves."""
    return (resource.getrlimit(resource.RLIMIT_NOFILE)[0] - 400) // 2


class Proxy:
    """Listens on an address of its own and relays to `targets[0]`, which is nobody else's either:
    then no two share ports that are still in TIME_WAIT."""

    program = name = None

    def __init__(self, number):
        self.listen = f"{PREFIX}.{10 + number}:{PORT}"
        self.targets = [f"{PREFIX}.{100 + number}:{PORT}", f"{PREFIX}.{200 + number}:{PORT}"]
        self.target = self.targets[0]
        self.process = self.folder = None

    def missing(self):
        """Why it cannot be measured on this machine, in words, or None."""
        return None if shutil.which(self.program) else f"{self.program} is not installed"

    def command(self):
        raise NotImplementedError

    def start(self, *cores):
        self.folder = folder_new()
        self.log = open(self.folder / "log", "wb")
        self.process = subprocess.Popen(self.command(), stdout=self.log, stderr=self.log,
                                        cwd=self.folder, **pinned(*cores))
        self.wait_until_it_listens()

    def wait_until_it_listens(self):
        host, port = self.listen.split(":")
        deadline = time.monotonic() + 5
        while True:
            try:
                socket.create_connection((host, int(port)), 1).close()
                return
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    self.log.flush()
                    words = (self.folder / "log").read_text()
                    self.stop()
                    raise RuntimeError(f"{self.name} does not listen: {words}") from None
                time.sleep(0.01)

    @property
    def pid(self):
        return self.process.pid

    def stop(self):
        self.process.kill()
        self.process.wait()
        self.log.close()
        shutil.rmtree(self.folder)
        self.process = None


class Haproxy(Proxy):
    program = "haproxy"
    name = "haproxy"
    options = ""

    def command(self):
        (self.folder / "haproxy.cfg").write_text(f"""
global
    nbthread 1
    maxconn {connections_max()}
    maxpipes 64
defaults
    mode tcp
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    {self.options}
listen relay
    bind {self.listen}
    server primary {self.target}
""")
        return ["haproxy", "-f", "haproxy.cfg"]


class HaproxySplice(Haproxy):
    name = "haproxy, forced splice"
    options = "option splice-request\n    option splice-response"


class Nginx(Proxy):
    program = "nginx"
    name = "nginx stream"
    options = ""

    def missing(self):
        if not super().missing() and not pathlib.Path(NGINX_STREAM).exists():
            return "nginx has no stream module"
        return super().missing()

    def command(self):
        (self.folder / "nginx.conf").write_text(f"""
load_module {NGINX_STREAM};
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections {2 * connections_max()}; }}
stream {{
    access_log off;
    {self.options}
    server {{ listen {self.listen}; proxy_pass {self.target}; }}
}}
""")
        return ["nginx", "-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "error.log"]


class NginxLargeBuffers(Nginx):
    name = "nginx stream, 64 KiB buffers"
    options = "proxy_buffer_size 64k;"


class Pilotlight(Proxy):
    program = "pilotlightd"
    name = "pilotlight"
    dns = f"{ADDRESS}:5310"

    def __init__(self, number, build, threads=1):
        super().__init__(number)
        self.build, self.threads = build, threads
        self.region = 0

    def missing(self):
        return None

    def command(self):
        host, _, port = self.dns.rpartition(":")
        (self.folder / "pilotlight.json").write_text(json.dumps({
            "regions": REGIONS,
            "resolver": {"listen": self.dns, "upstreams": [f"{host}:{int(port) + 1}"]},
            "proxy": {"threads": self.threads},
            "health": {"interval": "1d"},
            "endpoints": {
                "orders-db": {"type": "database", "group": "data", "names": ["db.shop.internal"],
                              "targets": dict(zip(REGIONS, self.targets)),
                              "relay": {"listen": [self.listen]}},
                "api": {"type": "name", "names": ["api.shop.internal"],
                        "targets": {"eu-west-1": "192.0.2.10", "us-west-2": "192.0.2.20"}}},
            "control": {"socket": str(self.folder / "control.sock")},
            "state": {"file": str(self.folder / "state.json")},
            "monitoring": {"listen": f"{ADDRESS}:9354"}}))
        return [self.build / "programs/pilotlightd", "-c", self.folder / "pilotlight.json"]

    def start(self, *cores):
        self.region, self.target = 0, self.targets[0]
        super().start(*cores)

    def switch(self):
        """To the other region, as a script does it."""
        self.region = 1 - self.region
        subprocess.run([self.build / "programs/pilotlight", "--socket",
                        self.folder / "control.sock", "failover", REGIONS[self.region],
                        "--switch-only", "--yes"], check=True, stdout=subprocess.DEVNULL)
        self.target = self.targets[self.region]
