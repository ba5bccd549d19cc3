"""A shop of two regions in a scripted AWS: a daemon in the surviving one, its runbook, its sidecar.

    shop = Shop(house, aws, steps)
    shop.failover()
    shop.steps()              # {"promote": "done", …}
    aws.journal.counts()      # {"PromoteReadReplica": 1, …}"""
import os

from lib.daemon import EU, US
from lib.sidecar import Sidecar

ORDERS, STANDBY = "orders", "orders-standby"
LAG = "AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": STANDBY}

# Nothing of the machine's own AWS: not its files, not its instance metadata.
ALONE = {"AWS_EC2_METADATA_DISABLED": "true", "AWS_CONFIG_FILE": os.devnull,
         "AWS_SHARED_CREDENTIALS_FILE": os.devnull}


def step(name, kind, *needs, **parameters):
    return {"id": name, "step": kind, "needs": list(needs), **parameters}


class Shop:
    def __init__(self, house, aws, steps, poll="20ms", **changes):
        self.house, self.aws = house, aws
        self.daemon = house.daemon(env=ALONE)
        address = self.daemon.address
        secret = self.daemon.folder / "secret"
        secret.write_text("of the gateway\n")
        self.daemon.write_config(
            endpoints={
                "orders-db": {"relay": {"listen": f"{address}:5432"},
                              "targets": {EU: "127.0.0.1:9", US: "127.0.0.1:9"}},
                "assets": {"type": "bucket", "group": "static",
                           "buckets": {EU: "shop-assets-eu", US: "shop-assets-us"}}},
            gateway={"listen": f"{address}:8080", "credentials": {
                "access_key_id": "AKIAGATEWAY", "secret_access_key_file": str(secret)}},
            proxy={"threads": 1}, aws={"poll_interval": poll},
            runbooks={US: {"steps": steps, "min_interval": "0s"}})
        self.daemon.write_config(**changes)
        self.sidecar = None

    def start(self):
        self.daemon.start()
        self.sidecar = self.another_sidecar()
        return self

    def another_sidecar(self, **environment):
        self.sidecar = self.house.keep(Sidecar(self.daemon, env={
            **ALONE, **self.aws.environment, **environment})).start()
        return self.sidecar

    def failover(self, *arguments, expect=0, **options):
        return self.daemon.cli("failover", US, "--yes", *arguments, expect=expect, **options)

    def transition(self):
        """The one that runs, or the last one that did."""
        record = self.daemon.record()
        return record["transition"] or record["history"][-1]

    def step(self, name):
        return self.transition()["steps"].get(name, {"status": "waiting", "detail": ""})

    def steps(self):
        return {name: each["status"] for name, each in self.transition()["steps"].items()}


def databases(aws):
    """orders in the home region, and its replica, without lag, in the other."""
    orders = aws.region(EU).rds.add_instance(ORDERS)
    standby = aws.region(US).rds.add_replica(STANDBY, orders["DBInstanceArn"])
    cloudwatch = aws.region(US).cloudwatch
    cloudwatch.put(*LAG, lambda at: 0.0)
    cloudwatch.minute, cloudwatch.ahead = 1, 30
    return standby


def compute(aws):
    """A scale group of none, its target group, a zone and the buckets; the target group's ARN."""
    us = aws.region(US)
    arn = us.elbv2.add_target_group("web")
    us.autoscaling.add_group("web", target_groups=[arn])
    aws.region("us-east-1").route53.add_zone("Z1SHOP", "shop.example")
    us.s3.add_bucket("shop-assets-us", replicates_to="shop-assets-eu")
    aws.region(EU).s3.add_bucket("shop-assets-eu")
    return arn
