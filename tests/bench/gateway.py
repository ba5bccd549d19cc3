"""What a request through the gateway costs, beside nginx and HAProxy as HTTP proxies.

As for the relay (relay.py): one core for all proxies, turns in rounds, ratios within each round.
Clients come in the clear or over TLS, S3 is spoken to in the clear by all. TLS is of one kind for
all (wire.c), with a P-256 certificate. What all are sent is signed once, at the load's start.
"""
import collections
import functools
import json
import pathlib
import sys

from measure import ADDRESS, REGIONS, Row, Upstream, memory_kib
from proxies import PORT, Haproxy, Nginx, Pilotlight, connections_max
from relay import (OURS, Load, all_started, compare, in_rounds, raise_file_limit, round_of,
                   those_installed)

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent.parent / "story"))
from lib.certificates import Authority  # noqa: E402
from lib.sigv4 import Signer  # noqa: E402

TLS_PORT = 7443
S3 = "s3.bench.internal"  # as the clients know the first region's
BUCKETS = ["shop-eu", "shop-us"]
KEY, SECRET = "AKIDBENCH", "not so secret"
HELD = 4096       # connections, as many as the gateway takes when nobody says more
IN_FLIGHT = 256   # requests at once
IN_FLIGHT_KB = 100

REQUESTS, GIGABYTES = ("requests", 1, 1e6), ("bytes", 1e9, 1)
Work = collections.namedtuple("Work", "what bar kind connections unit is_tls")
PASSING = [
    Work("GET of 1 KB, µs/request", 1.0, "small", 64, REQUESTS, False),
    Work("GET of 1 KB over TLS, µs/request", 1.0, "small", 64, REQUESTS, True),
    Work("GET of 8 MB, s/GB", 1.1, "get", 4, GIGABYTES, False),
    Work("GET of 8 MB over TLS, s/GB", 1.1, "get", 4, GIGABYTES, True),
    Work("PUT of 8 MB, s/GB", 1.1, "put", 4, GIGABYTES, False),
    Work("PUT of 8 MB over TLS, s/GB", 1.1, "put", 4, GIGABYTES, True),
    Work("TLS connect + GET + close, µs", 1.0, "connect", 16, REQUESTS, True)]
SIGNED_ANEW = Work("GET of 1 KB, signed anew, µs/request", 1.25, "small", 64, REQUESTS, False)


def door(proxy, is_tls):
    return proxy.listen.replace(f":{PORT}", f":{TLS_PORT}") if is_tls else proxy.listen


def head(kind):
    """Of a request for the first region's bucket, as its key's owner signs it."""
    method = "PUT" if kind == "put" else "GET"
    target = f"/{BUCKETS[0]}/key"
    fields = Signer(KEY, SECRET, REGIONS[0]).headers(method, f"{S3}:{PORT}", target,
                                                     "UNSIGNED-PAYLOAD")
    if method == "PUT":
        fields["content-length"] = str(8 << 20)
    return "\r\n".join([f"{method} {target} HTTP/1.1",
                        *(f"{name}: {value}" for name, value in fields.items())])


class HttpLoad(Load):
    """http_load; what reaches S3 has to name the bucket of the region that the proxy sends it to."""

    program = "http_load"

    def __init__(self, build, core, proxy, work, *options, is_tls=False):
        bucket = BUCKETS[proxy.targets.index(proxy.target)]
        options += ("-h", head(work), "-e", f" /{bucket}/key ")
        options += ("-s", S3) if is_tls else ()
        super().__init__(build, core, proxy, work, *options, door=door(proxy, is_tls))


class HaproxyHttp(Haproxy):
    name = "haproxy http, forced splice"

    def command(self):
        certificate, key = Authority(self.folder).self_signed(f"DNS:{S3}")
        (self.folder / "both.pem").write_text(certificate.read_text() + key.read_text())
        (self.folder / "haproxy.cfg").write_text(f"""
global
    nbthread 1
    maxconn {connections_max()}
    maxpipes 64
defaults
    mode http
    timeout connect 5s
    timeout client 1h
    timeout server 1h
    option splice-request
    option splice-response
    http-reuse always
listen gateway
    bind {self.listen}
    bind {door(self, True)} ssl crt both.pem alpn http/1.1
    server s3 {self.target}
""")
        return ["haproxy", "-f", "haproxy.cfg"]


class NginxHttp(Nginx):
    name = "nginx proxy_pass, 64 KiB buffers"

    def missing(self):
        return super(Nginx, self).missing()

    def command(self):
        certificate, key = Authority(self.folder).self_signed(f"DNS:{S3}")
        (self.folder / "nginx.conf").write_text(f"""
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections {2 * connections_max()}; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    client_max_body_size 0;
    proxy_buffer_size 64k;
    proxy_buffers 8 64k;
    proxy_busy_buffers_size 128k;
    proxy_max_temp_file_size 0;
    proxy_request_buffering off;
    client_body_buffer_size 64k;
    proxy_http_version 1.1;
    proxy_set_header Connection "";
    proxy_set_header Host $http_host;
    ssl_protocols TLSv1.3;
    ssl_certificate {certificate};
    ssl_certificate_key {key};
    upstream s3 {{ server {self.target}; keepalive 256; keepalive_requests 1000000000; }}
    server {{
        listen {self.listen};
        listen {door(self, True)} ssl;
        location / {{ proxy_pass http://s3; }}
    }}
}}
""")
        return ["nginx", "-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "error.log"]


class Gateway(Pilotlight):
    def command(self):
        host, _, port = self.dns.rpartition(":")
        (self.folder / "secret").write_text(SECRET)
        (self.folder / "pilotlight.json").write_text(json.dumps({
            "regions": REGIONS,
            "resolver": {"listen": self.dns, "upstreams": [f"{host}:{int(port) + 1}"]},
            "proxy": {"threads": self.threads},
            "health": {"interval": "1h"},
            "endpoints": {"assets": {"type": "bucket", "names": [S3],
                                     "buckets": dict(zip(REGIONS, BUCKETS))}},
            "gateway": {
                "listen": [self.listen, {"address": door(self, True), "tls": True}],
                "ca_dir": str(self.folder / "ca"),
                "clients": [{"access_key_id": KEY,
                             "secret_access_key_file": str(self.folder / "secret")}],
                "s3_endpoints": dict(zip(REGIONS, [f"http://{S3}:{PORT}",
                                                   f"http://{self.targets[1]}"]))},
            "control": {"socket": str(self.folder / "control.sock")},
            "state": {"file": str(self.folder / "state.json")},
            "monitoring": {"listen": f"{ADDRESS}:9354"}}))
        return [self.build / "programs/pilotlightd", "-c", self.folder / "pilotlight.json"]


def bench_work(build, core, proxies, rounds, seconds, work):
    yield from compare(work.what, work.bar, in_rounds(proxies, rounds, lambda proxy: round_of(
        build, core, proxy, work.kind, ["-n", work.connections, "-t", seconds], *work.unit,
        load_class=functools.partial(HttpLoad, is_tls=work.is_tls))))


def finish(load, count):
    """All that was asked has to be answered."""
    load.begin()
    result = load.result()
    if result["failed"] or result["requests"] < count:
        raise RuntimeError(f"{load.what} failed: {result}")


def bench_in_flight(build, ours, cores):
    """Bodies that nobody reads: what a request holds then, with both of its connections."""
    for kind in "get", "put":
        for is_tls in False, True:
            ours.start(cores[0])
            try:
                with HttpLoad(build, cores[1], ours, kind, "-n", 1, is_tls=is_tls):
                    pass  # what the first one takes, libraries above all, is taken once
                before = memory_kib(ours.pid, "VmRSS")
                with HttpLoad(build, cores[1], ours, kind, "-w", "-n", IN_FLIGHT,
                              is_tls=is_tls) as load:
                    each = (memory_kib(ours.pid, "VmRSS") - before) * 1.024 / IN_FLIGHT
                    finish(load, IN_FLIGHT)
            finally:
                ours.stop()
            yield Row(f"RSS of a stalled {kind.upper()} of 8 MB" + (", TLS" if is_tls else ""),
                      f"{each:.1f} KB", f"{IN_FLIGHT_KB} KB", each < IN_FLIGHT_KB)


def bench_held(build, proxies, cores, is_tls):
    """Each one fresh; all are asked again at the end."""
    over = " over TLS" if is_tls else ""
    print(f"\nidle connections{over}, KiB of RSS each ({HELD} of them)")
    for proxy in proxies:
        proxy.start(cores[0])
        try:
            before = memory_kib(proxy.pid, "VmRSS")
            with HttpLoad(build, cores[1], proxy, "small", "-n", HELD, "-t", 0,
                          is_tls=is_tls) as load:
                each = (memory_kib(proxy.pid, "VmRSS") - before) / HELD
                finish(load, HELD)
        finally:
            proxy.stop()
        print(f"  {proxy.name:38}{each:10.2f}")
        if proxy.name == OURS:
            yield Row(f"RSS of one of {HELD} clients{over}, all served", f"{each:.2f} KiB", "", True)


def bench_gateway(build, cores, rounds, seconds):
    raise_file_limit()
    ours = Gateway(0, build)
    host, _, port = ours.dns.rpartition(":")
    Upstream(int(port) + 1, ours.target.split(":")[0]).start()
    proxies = list(those_installed([ours, HaproxyHttp(1), NginxHttp(2)]))
    with all_started(proxies, cores[0]):
        for work in PASSING:
            yield from bench_work(build, cores[1], proxies, rounds, seconds, work)
        ours.switch()
        yield from bench_work(build, cores[1], proxies, rounds, seconds, SIGNED_ANEW)
    yield from bench_in_flight(build, ours, cores)
    for is_tls in False, True:
        yield from bench_held(build, proxies, cores, is_tls)
