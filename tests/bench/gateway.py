"""What a request through the gateway costs, beside nginx and HAProxy as HTTP proxies.

As for the relay (relay.py): one core for all proxies, turns in rounds, ratios within each round.
"""
import json

from measure import ADDRESS, REGIONS
from proxies import Haproxy, Nginx, Pilotlight
from relay import Load, all_started, compare, in_rounds, raise_file_limit, round_of, those_installed


class HttpLoad(Load):
    program = "http_load"


class HaproxyHttp(Haproxy):
    name = "haproxy http, forced splice"

    def command(self):
        (self.folder / "haproxy.cfg").write_text(f"""
global
    nbthread 1
    maxconn 2000
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
    server s3 {self.target}
""")
        return ["haproxy", "-f", "haproxy.cfg"]


class NginxHttp(Nginx):
    name = "nginx proxy_pass, 64 KiB buffers"

    def missing(self):
        return super(Nginx, self).missing()

    def command(self):
        (self.folder / "nginx.conf").write_text(f"""
daemon off;
master_process off;
worker_processes 1;
pid nginx.pid;
error_log error.log;
events {{ worker_connections 4000; }}
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
    upstream s3 {{ server {self.target}; keepalive 256; keepalive_requests 1000000000; }}
    server {{ listen {self.listen}; location / {{ proxy_pass http://s3; }} }}
}}
""")
        return ["nginx", "-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "error.log"]


class Gateway(Pilotlight):
    def command(self):
        host, _, port = self.dns.rpartition(":")
        (self.folder / "pilotlight.json").write_text(json.dumps({
            "regions": REGIONS,
            "resolver": {"listen": self.dns, "upstreams": [f"{host}:{int(port) + 1}"]},
            "proxy": {"threads": self.threads},
            "health": {"interval": "1h"},
            "endpoints": {"assets": {"type": "bucket", "buckets": dict(
                zip(REGIONS, ["shop-eu", "shop-us"]))}},
            "gateway": {"listen": self.listen, "s3_endpoints": {
                region: f"http://{target}" for region, target in zip(REGIONS, self.targets)}},
            "control": {"socket": str(self.folder / "control.sock")},
            "state": {"file": str(self.folder / "state.json")},
            "monitoring": {"listen": f"{ADDRESS}:9354"}}))
        return [self.build / "programs/pilotlightd", "-c", self.folder / "pilotlight.json"]


def bench_gateway(build, cores, rounds, seconds):
    raise_file_limit()
    proxies = list(those_installed([Gateway(0, build), HaproxyHttp(1), NginxHttp(2)]))
    requests, gigabytes = ("requests", 1, 1e6), ("bytes", 1e9, 1)
    works = [("GET of 1 KB, µs/request", 1.0, "small", 64, requests),
             ("GET of 8 MB, s/GB", 1.1, "get", 4, gigabytes),
             ("PUT of 8 MB, s/GB", 1.1, "put", 4, gigabytes)]
    with all_started(proxies, cores[0]):
        for what, bar, work, connections, unit in works:
            yield from compare(what, bar, in_rounds(proxies, rounds, lambda proxy: round_of(
                build, cores[1], proxy, work, ["-n", connections, "-t", seconds], *unit,
                load_class=HttpLoad)))
