"""An application's host that knows S3 by Amazon's own host names alone: HTTPS on port 443, no endpoint.

    host = Host(house, folder)      # a namespace, a name server for amazonaws.com, a CA of Amazon's
    host.versities()                # {region: server} at those names; or host.scripted()
    daemon = host.gateway()         # beside the applications, on its default addresses
    host.trusts_amazon()            # resolv.conf and CA as they are without us
    host.trusts(daemon)             # as an operator leaves them: nothing else changes
    host.run(program, …, env={…})   # an application, with this environment and PATH alone

What an application is given is `host.ca`, the file with the CA of whoever answers it."""
import os
import pathlib
import shutil
import subprocess
import tempfile

from lib.certificates import Authority
from lib.daemon import EU, US
from lib.http import connect
from lib.machine import eventually, fresh_address
from lib.s3 import S3
from lib.versity import BUCKETS, KEY, QUIET, SECRET, Versity, client

RESOLVER = "127.0.0.2"  # whom the host asked before us
ZONE = """$ORIGIN amazonaws.com.
$TTL 60
@ SOA ns root 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.2
"""


class Front:
    """nginx, which speaks TLS for a server of S3: versitygw's own loses parts of uploads at times."""

    def __init__(self, address, certificate, server):
        self.address = address
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="pilotlight-nginx-"))
        (self.folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid nginx.pid; error_log error.log;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path body; proxy_temp_path proxy; fastcgi_temp_path f; uwsgi_temp_path u;
    scgi_temp_path s;
    server {{
        listen {address}:443 ssl;
        ssl_certificate {certificate[0]}; ssl_certificate_key {certificate[1]};
        client_max_body_size 0;
        location / {{
            proxy_pass {server}; proxy_http_version 1.1; proxy_request_buffering off;
            proxy_buffering off; proxy_set_header Host $http_host;
        }}
    }}
}}
""")
        self.process = subprocess.Popen(
            ["nginx", "-p", f"{self.folder}/", "-c", "nginx.conf", "-e", "error.log"],
            stdin=subprocess.DEVNULL, stderr=(self.folder / "log").open("wb"))
        eventually(self.listens, "nginx listens")

    def listens(self):
        assert self.process.poll() is None, (self.folder / "log").read_text()
        try:
            connect(self.address, 443).close()
            return True
        except OSError:
            return False

    def close(self):
        self.process.terminate()
        self.process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)


class Host:
    def __init__(self, house, folder, buckets=None):
        self.house, self.folder, self.buckets = house, folder, buckets or BUCKETS
        self.space = house.namespace(f"nameserver {RESOLVER}\n")
        self.amazon = Authority(folder)
        self.addresses = {region: fresh_address() for region in (EU, US)}
        records = [f"{name} A {address}\n" for region, address in self.addresses.items()
                   for name in self.names(region)]
        house.nsd("amazonaws.com", ZONE + "".join(records), RESOLVER, 53, self.space.wrap)
        self.trusts_amazon()

    def names(self, region):
        """Of S3 in the region; its bucket is found under the one for all regions too."""
        hosts = [f"s3.{region}", f"s3-{region}", f"s3.dualstack.{region}"]
        return [*hosts, *(f"*.{host}" for host in hosts), f"{self.buckets[region]}.s3"]

    def certificate(self, region):
        """(certificate, key) of its S3."""
        return self.amazon.leaf(",".join(
            f"DNS:{name}.amazonaws.com" for name in self.names(region)))

    def scripted(self):
        with self.space.inside():
            return {region: self.house.keep(S3(self.certificate(region), address, 443))
                    for region, address in self.addresses.items()}

    def versities(self):
        """Each with its bucket."""
        with self.space.inside():
            return {region: self.versity(region) for region in self.addresses}

    def versity(self, region):
        """It takes what stands before ".s3" for the bucket, whatever follows."""
        server = self.house.keep(Versity(region, KEY, SECRET, ["--virtual-domain", "s3"]))
        client(server.url, region).create_bucket(
            Bucket=self.buckets[region], CreateBucketConfiguration={"LocationConstraint": region})
        self.house.keep(Front(self.addresses[region], self.certificate(region), server.url))
        return server

    def gateway(self, endpoints=None, **more):
        """Its `s3_endpoints`, of {region: server}; without, Amazon's names themselves."""
        daemon = self.house.daemon([], wrap=self.space.wrap, env=QUIET, endpoints={"assets": {
            "type": "bucket", "group": "static", "buckets": self.buckets, **more}})
        secret = daemon.folder / "secret"
        secret.write_text(SECRET + "\n")
        daemon.write_config(
            resolver={"listen": "127.0.0.1:53", "upstreams": [RESOLVER]}, proxy={"threads": 1},
            gateway={"ca_dir": str(daemon.folder / "ca"),
                     "upstream_ca": str(self.amazon.certificate),
                     "s3_endpoints": {region: server.url for region, server
                                      in (endpoints or {}).items()},
                     "clients": [{"access_key_id": KEY, "secret_access_key_file": str(secret)}]})
        return daemon.start()

    def trusts_amazon(self):
        self.space.set_resolv_conf(f"nameserver {RESOLVER}\n")
        self.ca = self.amazon.certificate

    def trusts(self, daemon):
        self.space.set_resolv_conf("nameserver 127.0.0.1\n")
        self.ca = self.folder / "pilotlight.crt"
        self.ca.write_text(daemon.cli("ca", expect=0).out)

    def run(self, *command, env, **options):
        return subprocess.run([*self.space.wrap, *map(str, command)], stdin=subprocess.DEVNULL,
                              capture_output=True, timeout=300,
                              env={"PATH": os.environ["PATH"], "LC_ALL": "C.UTF-8", **env}, **options)
