"""An application's host that knows S3 by Amazon's own host names alone: HTTPS on port 443, no endpoint.

    host = Host(house, folder)      # a namespace, a name server for amazonaws.com, a CA of Amazon's
    host.versities()                # {region: server} at those names; or host.scripted()
    daemon = host.gateway()         # beside the applications, on its default addresses
    host.trusts_amazon()            # resolv.conf and CA as they are without us
    host.trusts(daemon)             # as an operator leaves them: nothing else changes
    host.run(program, …)            # an application, with its environment's PATH and HOME alone

What an application is given is `host.ca`, the file with the CA of whoever answers it."""
import os
import subprocess

from lib import operations
from lib.certificates import Authority
from lib.daemon import EU, US
from lib.machine import fresh_address
from lib.s3 import S3
from lib.versity import BUCKETS, KEY, QUIET, SECRET, Versity

RESOLVER = "127.0.0.2"  # whom the host asked before us
ZONE = """$ORIGIN amazonaws.com.
$TTL 60
@ SOA ns root 1 3600 600 86400 60
@ NS ns
ns A 127.0.0.2
"""


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
        """(certificate, key) of its S3, at its address too."""
        return self.amazon.leaf(",".join([f"IP:{self.addresses[region]}"] + [
            f"DNS:{name}.amazonaws.com" for name in self.names(region)]))

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
        certificate, key = self.certificate(region)
        server = self.house.keep(Versity(
            region, KEY, SECRET, self.addresses[region], 443,
            ["--cert", certificate, "--key", key, "--virtual-domain", "s3"]))
        operations.client_of(f"https://{server.address}", region, KEY, SECRET,
                             verify=str(self.amazon.certificate)).create_bucket(
            Bucket=self.buckets[region], CreateBucketConfiguration={"LocationConstraint": region})
        return server

    def gateway(self, endpoints=False, **more):
        """Of endpoints that are configured, or of Amazon's names themselves."""
        daemon = self.house.daemon([], wrap=self.space.wrap, env=QUIET, endpoints={"assets": {
            "type": "bucket", "group": "static", "buckets": self.buckets, **more}})
        secret = daemon.folder / "secret"
        secret.write_text(SECRET + "\n")
        daemon.write_config(
            resolver={"listen": "127.0.0.1:53", "upstreams": [RESOLVER]}, proxy={"threads": 1},
            gateway={"ca_dir": str(daemon.folder / "ca"),
                     "upstream_ca": str(self.amazon.certificate),
                     "s3_endpoints": {region: f"https://{address}" for region, address
                                      in self.addresses.items()} if endpoints else {},
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
