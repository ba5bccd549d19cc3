"""What may be relied on, held against an AWS that leaves out whatever it may."""
import datetime
import json

import pytest

from lib.daemon import EU, US
from lib.lean_aws import ALONE, LeanAws
from lib.machine import eventually
from lib.sidecar import Sidecar, last, status_of, step

IT = "orders-standby"


def tags(**members):
    return "".join(f"<{name}>{value}</{name}>" for name, value in members.items())


class World:
    """A thing that an act changes."""

    def __init__(self, **state):
        self.__dict__.update(state)

    def set(self, **state):
        def act(_):
            self.__dict__.update(state)
            return ""
        return act


def database(world):
    inside = tags(DBInstanceIdentifier=IT, DBInstanceStatus=world.status)
    if world.source:
        inside += tags(ReadReplicaSourceDBInstanceIdentifier=world.source)
    if world.size:
        inside += tags(DBInstanceClass=world.size)
    return f"<DBInstances><DBInstance>{inside}{world.more}</DBInstance></DBInstances>"


def databases(acts, source="", size="", more="", there=True):
    world = World(status="available", source=source, size=size, more=more, there=there)

    def describe(_):
        if world.there:
            return database(world)
        return 404, ("<ErrorResponse><Error><Code>DBInstanceNotFound</Code></Error>"
                     "</ErrorResponse>")
    return {"DescribeDBInstances": describe,
            **{name: world.set(**state) for name, state in acts.items()}}


def promote():
    return databases({"PromoteReadReplica": {"source": ""}}, source="orders")


def modify():
    return databases({"ModifyDBInstance": {"size": "db.r6g.large"}}, size="db.t4g.micro")


def replica():
    return databases({"CreateDBInstanceReadReplica": {"there": True}}, source="orders", there=False)


def stop():
    return databases({"StopDBInstance": {"status": "stopped"}})


def cut_off():
    group = "<VpcSecurityGroups><VpcSecurityGroupMembership><VpcSecurityGroupId>{}" \
            "</VpcSecurityGroupId></VpcSecurityGroupMembership></VpcSecurityGroups>"
    return databases({"ModifyDBInstance": {"more": group.format("sg-none")}},
                     more=group.format("sg-open"))


def cluster(action):
    def scene():
        world = World(writer=EU)
        return {"DescribeGlobalClusters": lambda _: (
            "<GlobalClusters><GlobalClusterMember><GlobalClusterMembers>" + "".join(
                "<GlobalClusterMember>" + tags(
                    DBClusterArn=f"arn:aws:rds:{region}:1:cluster:orders",
                    IsWriter=str(region == world.writer).lower()) + "</GlobalClusterMember>"
                for region in (EU, US)) +
            "</GlobalClusterMembers></GlobalClusterMember></GlobalClusters>"),
            action: world.set(writer=US)}
    return scene


def scale():
    world = World(size=0)
    member = "<member><InstanceId>i-1</InstanceId><LifecycleState>InService</LifecycleState></member>"
    return {"DescribeAutoScalingGroups": lambda _: (
        "<AutoScalingGroups><member>" + tags(
            AutoScalingGroupName="web", MinSize=world.size, DesiredCapacity=world.size,
            MaxSize=world.size) + f"<Instances>{member * world.size}</Instances>"
        "</member></AutoScalingGroups>"), "UpdateAutoScalingGroup": world.set(size=2)}


def refresh():
    world = World(status="")

    def begin(_):
        world.status = "Successful"
        return tags(InstanceRefreshId="r-1")
    return {"DescribeInstanceRefreshes": lambda _: "<InstanceRefreshes>" + (
        f"<member>{tags(InstanceRefreshId='r-1', Status=world.status)}</member>"
        if world.status else "") + "</InstanceRefreshes>", "StartInstanceRefresh": begin}


def start():
    world = World(state="stopped")
    ok = "<status>ok</status>"
    return {"DescribeInstances": lambda _: (
        "<reservationSet><item><instancesSet><item><instanceId>i-1</instanceId><instanceState>"
        f"{tags(name=world.state)}</instanceState></item></instancesSet></item></reservationSet>"),
        "DescribeInstanceStatus": lambda _: (
            "<instanceStatusSet><item><instanceId>i-1</instanceId>"
            f"<systemStatus>{ok}</systemStatus><instanceStatus>{ok}</instanceStatus></item>"
            "</instanceStatusSet>"),
        "StartInstances": world.set(state="running")}


def healthy():
    target = "<member><TargetHealth><State>healthy</State></TargetHealth></member>"
    return {"DescribeTargetGroups": lambda _: (
        "<TargetGroups><member><TargetGroupArn>arn:web</TargetGroupArn></member></TargetGroups>"),
        "DescribeTargetHealth": lambda _: (
            f"<TargetHealthDescriptions>{target * 2}</TargetHealthDescriptions>")}


def tasks():
    world = World(count=0)

    def update(asked):
        world.count = asked["desiredCount"]
        return {}
    return {"DescribeServices": lambda _: {"services": [
        {"desiredCount": world.count, "runningCount": world.count}]}, "UpdateService": update}


def stack(there):
    def scene():
        world = World(status="CREATE_COMPLETE" if there else None)

        def describe(_):
            if not world.status:
                return 400, ("<ErrorResponse><Error><Code>ValidationError</Code><Message>Stack with "
                             "id shop does not exist</Message></Error></ErrorResponse>")
            return (f"<Stacks><member>{tags(StackName='shop', StackStatus=world.status)}"
                    "</member></Stacks>")
        return {"DescribeStacks": describe, "CreateStack": world.set(status="CREATE_COMPLETE"),
                "UpdateStack": world.set(status="UPDATE_COMPLETE")}
    return scene


def deployment():
    return {"GetDeploymentGroup": lambda _: {"deploymentGroupInfo": {}},
            "CreateDeployment": lambda _: {"deploymentId": "d-1"},
            "BatchGetDeployments": lambda _: {"deploymentsInfo": [
                {"deploymentId": "d-1", "status": "Succeeded"}]}}


def command():
    return {"SendCommand": lambda _: {"Command": {"CommandId": "c-1"}},
            "ListCommands": lambda _: {"Commands": [{"CommandId": "c-1", "Status": "Success"}]},
            "ListCommandInvocations": lambda _: {"CommandInvocations": [
                {"CommandId": "c-1", "InstanceId": "i-1", "Status": "Success"}]}}


def records():
    world = World(value="eu.shop.example")

    def sets(_):
        rows = [("shop.example.", "NS", "ns-1.example."), ("www.shop.example.", "CNAME",
                                                         world.value)]
        return "<ListResourceRecordSetsResponse><ResourceRecordSets>" + "".join(
            "<ResourceRecordSet>" + tags(Name=name, Type=kind, TTL=60) +
            f"<ResourceRecords><ResourceRecord><Value>{value}</Value></ResourceRecord>"
            "</ResourceRecords></ResourceRecordSet>" for name, kind, value in rows) + (
            "</ResourceRecordSets></ListResourceRecordSetsResponse>")

    def change(_):
        world.value = "us.shop.example"
        return ("<ChangeResourceRecordSetsResponse><ChangeInfo><Id>/change/C1</Id>"
                "<Status>PENDING</Status></ChangeInfo></ChangeResourceRecordSetsResponse>")
    return {"ListResourceRecordSets": sets, "ChangeResourceRecordSets": change, "GetChange": (
        lambda _: "<GetChangeResponse><ChangeInfo><Id>/change/C1</Id><Status>INSYNC</Status>"
        "</ChangeInfo></GetChangeResponse>")}


def replication():
    world = World(status="Disabled")
    return {"GetBucketReplication": lambda _: (
        "<ReplicationConfiguration><Role>arn:role</Role><Rule>" + tags(Status=world.status) +
        "<Destination><Bucket>arn:aws:s3:::other</Bucket></Destination></Rule>"
        "</ReplicationConfiguration>"), "PutBucketReplication": world.set(status="Enabled")}


def caught_up():
    """Of each minute the average alone, the newest last."""
    def points(_):
        now = datetime.datetime.now(datetime.timezone.utc)
        return "<Datapoints>" + "".join(
            "<member>" + tags(Timestamp=(now + datetime.timedelta(minutes=minutes)).isoformat(),
                              Average=0.0) + "</member>" for minutes in (1, 2)) + "</Datapoints>"
    return {**databases({}, source="orders"), "GetMetricStatistics": points}


def metric():
    return {"GetMetricStatistics": lambda _: (
        "<Datapoints><member><Timestamp>2026-01-01T00:00:00Z</Timestamp><Average>3</Average>"
        "</member></Datapoints>")}


GLOBAL = {"global_cluster": "shop", "target": f"arn:aws:rds:{US}:1:cluster:orders"}
STACK = {"stack": "shop", "template_url": "https://templates.example/shop.yaml"}
CASES = [
    ("rds.wait_caught_up", {"instance": IT, "max_lag": "1s"}, caught_up, None),
    ("rds.promote_read_replica", {"instance": IT}, promote, "PromoteReadReplica"),
    ("rds.modify", {"instance": IT, "class": "db.r6g.large"}, modify, "ModifyDBInstance"),
    ("rds.create_read_replica", {"instance": IT, "source": "orders"}, replica,
     "CreateDBInstanceReadReplica"),
    ("rds.fence_old_primary", {"instance": IT}, stop, "StopDBInstance"),
    ("rds.fence_old_primary", {"instance": IT, "security_group": "sg-none"}, cut_off,
     "ModifyDBInstance"),
    ("rds.failover_global_cluster", GLOBAL, cluster("FailoverGlobalCluster"),
     "FailoverGlobalCluster"),
    ("rds.switchover_global_cluster", GLOBAL, cluster("SwitchoverGlobalCluster"),
     "SwitchoverGlobalCluster"),
    ("autoscaling.scale", {"group": "web", "min": 2, "desired": 2, "max": 2}, scale,
     "UpdateAutoScalingGroup"),
    ("autoscaling.refresh", {"group": "web"}, refresh, "StartInstanceRefresh"),
    ("ec2.start", {"instances": ["i-1"]}, start, "StartInstances"),
    ("elbv2.wait_healthy", {"target_group": "web", "count": 2}, healthy, None),
    ("ecs.scale", {"service": "web", "desired": 2}, tasks, "UpdateService"),
    ("cloudformation.deploy", STACK, stack(False), "CreateStack"),
    ("cloudformation.deploy", STACK, stack(True), "UpdateStack"),
    ("codedeploy.deploy", {"application": "shop", "deployment_group": "web",
                           "revision": "s3://code/shop.zip"}, deployment, "CreateDeployment"),
    ("ssm.run", {"document": "Warm", "targets": ["i-1"]}, command, "SendCommand"),
    ("route53.upsert", {"zone": "Z1SHOP", "records": [
        {"name": "www.shop.example", "type": "CNAME", "ttl": 60, "values": ["us.shop.example"]}]},
     records, "ChangeResourceRecordSets"),
    ("s3.put_replication", {"bucket": "shop"}, replication, "PutBucketReplication"),
    ("cloudwatch.wait", {"metric": "Shop/Queue", "below": 5}, metric, None),
]


@pytest.fixture
def make(house, upstream):
    """A daemon and its sidecar, whose runbook has one step of its own between fence and switch."""
    def make(aws, *steps, env=None, **changes):
        daemon = house.daemon([upstream], aws={"poll_interval": "50ms", "endpoint_url": aws.url},
                              runbooks={US: {"min_interval": "0s", "steps": [
                                  step("fence", "fence", groups=["data"]), *steps,
                                  step("switch", "switch", "fence", *[
                                      each["id"] for each in steps if each["groups"] == ["data"]],
                                       groups=["data"])]}}, **changes).start()
        sidecar = house.keep(Sidecar(daemon, env={**ALONE, **(env or {})})).start()
        eventually(lambda: daemon.status()["sidecar"]["connected"], "the sidecar is there")
        return daemon, sidecar
    return make


def one(kind, parameters):
    return step("it", kind, "fence", groups=["data"], on_failure="stop", timeout="20s",
                **parameters)


@pytest.mark.parametrize("kind, parameters, scene, act", CASES,
                         ids=[f"{case[0]}-{case[3] or 'waits'}" for case in CASES])
def test_what_aws_may_leave_out_is_not_asked_for(house, make, kind, parameters, scene, act):
    aws = house.keep(LeanAws(**scene()))
    daemon, _ = make(aws, one(kind, parameters))
    daemon.cli("failover", US, "--yes", "--group", "data", "--timeout", "40s", expect=0)
    it = last(daemon)["steps"]["it"]
    assert it["status"] == "done" and it["attempt"] == 1 and it["started"] and it["ended"], it
    assert act is None or aws.count(act) == 1, aws.calls
    assert daemon.active("data") == US


def script(name, *needs, text="true", **more):
    return step(name, "exec", *(needs or ["fence"]), groups=["data"],
                command=["/bin/sh", "-c", text], **more)


@pytest.fixture
def alone(house, make):
    """Runbooks without a word to AWS."""
    aws = house.keep(LeanAws())
    return lambda *steps, **changes: make(aws, *steps, **changes)


def statuses(daemon):
    return {name: each["status"] for name, each in daemon.state()["transition"]["steps"].items()}


def test_every_step_that_is_to_come_stands_in_the_record_as_waiting(alone):
    daemon, _ = alone(script("ask", text="exit 3"), script("after", "ask"),
                      script("planned", when="switchover"))
    daemon.cli("failover", US, "--yes", "--group", "data", "--timeout", "30s", expect=1)
    assert statuses(daemon) == {
        "fence": "done", "ask": "failed", "after": "waiting", "switch": "waiting"}
    after = daemon.state()["transition"]["steps"]["after"]
    assert (after["attempt"], after["started"], after["ended"]) == (0, None, None)
    assert "2 of 4" in daemon.cli("status", expect=0).out
    daemon.cli("abort", "--force=irreversible", expect=0)


def test_ready_knows_at_once_that_a_sidecar_came_or_went(alone):
    daemon, sidecar = alone(script("work"))

    def failed():
        rows = json.loads(daemon.cli("ready", US, "--json").out)["rows"]
        return [row["check"] for row in rows if row["status"] == "fail"]
    assert failed() == []
    sidecar.terminate()
    eventually(lambda: not daemon.status()["sidecar"]["connected"], "the sidecar is gone")
    assert failed() == ["sidecar"]
    sidecar.start()
    assert failed() == []


def test_without_a_sidecar_a_move_is_refused_and_says_what_to_start(alone):
    daemon, sidecar = alone(script("work"))
    sidecar.terminate()
    eventually(lambda: not daemon.status()["sidecar"]["connected"], "the sidecar is gone")
    for command in ("failover", "switchover", "plan"):
        assert "pilotlight-sidecar" in daemon.cli(command, US, expect=3).err
    assert daemon.state()["transition"] is None


def test_a_sidecar_may_be_there_before_its_daemon(house, upstream):
    daemon = house.daemon([upstream], aws={"poll_interval": "50ms"}, runbooks={US: {"steps": [
        step("fence", "fence", groups=["data"]), step("switch", "switch", "fence",
                                                      groups=["data"])]}})
    house.keep(Sidecar(daemon, env=ALONE)).launch()
    daemon.start()
    eventually(lambda: daemon.status()["sidecar"]["connected"], "the sidecar is there")
    daemon.cli("failover", US, "--yes", "--group", "data", expect=0)
    assert daemon.active("data") == US


def test_the_work_goes_on_after_a_timeout_and_wait_tells_its_end(alone, tmp_path):
    go = tmp_path / "go"
    daemon, sidecar = alone(script("work", text=f"while [ ! -e {go} ]; do sleep 0.05; done"))
    began = daemon.cli("failover", US, "--yes", "--group", "data", "--timeout", "500ms", "--json",
                       expect=5)
    assert "wait" in began.out + began.err and status_of(daemon, "work") == "running"
    assert daemon.cli("failover", EU, "--yes", expect=3).err.count("pilotlight wait")
    daemon.cli("wait", "--timeout", "200ms", expect=5)
    sidecar.kill()
    daemon.kill()
    go.touch()
    daemon.start()
    sidecar.start()
    daemon.cli("wait", expect=0)
    daemon.cli("wait", expect=0)
    assert last(daemon)["result"] == "done" and daemon.active("data") == US
