"""Each type of step that calls AWS, carried out by the real sidecar: when its goal holds already, on
the good day, when AWS throttles, refuses, is too slow, or its reply is lost."""
import json

import pytest
from aws.pace import NEVER
from aws.server import ScriptedAws
from lib.daemon import EU, US
from lib.shop import ORDERS, STANDBY, Shop, databases, step

CLUSTERS = [f"arn:aws:rds:{region}:111122223333:cluster:orders" for region in (EU, US)]
WEB = "i-0123456789abcdef0"
REVISION = {"bucket": "code", "key": "shop.zip", "bundle_type": "zip"}
TEMPLATE = "https://templates.s3.amazonaws.com/shop.yaml"


class Case:
    """A type of step: its parameters, a scene where there is something to do, one where all is done
    (None: what is done once is not done for the next transition), which calls look and act."""

    def __init__(self, kind, parameters, scene, done, look, act=None, group="default", **options):
        self.kind, self.parameters, self.group = kind, parameters, group
        self.scene, self.done, self.look, self.act = scene, done, look, act
        self.region = options.get("region", US)
        self.refusal = options.get("refusal", "AccessDenied")

    def steps(self, **options):
        own = step("it", self.kind, *(["fence"] if self.group == "data" else []),
                   groups=[self.group], on_failure="stop", **self.parameters, **options)
        is_needed = ["it"] if self.region != EU else []  # nothing may need the lost region
        switches = [step("switch", "switch", "fence", *(is_needed * (self.group == "data")),
                         groups=["data"])]
        if self.group == "default":
            switches.append(step("switch-it", "switch", *is_needed, groups=["default"]))
        return [step("fence", "fence", groups=["data"]), own, *switches]


def us(aws):
    return aws.region(US)


def promoted(aws):
    databases(aws).pop("ReadReplicaSourceDBInstanceIdentifier")


def alone(**members):
    return lambda aws: us(aws).rds.add_instance(STANDBY, **members)


def replicated(aws):
    alone()(aws)
    us(aws).rds.add_replica("reader", STANDBY)


def cluster(writer):
    return lambda aws: us(aws).rds.add_global_cluster(
        "shop", CLUSTERS[writer], [CLUSTERS[1 - writer]])


def targets(*names, healthy=True):
    def scene(aws):
        arn = us(aws).elbv2.add_target_group("web", healthy=healthy)
        for name in names:
            us(aws).elbv2.register(arn, name)
    return scene


def records(*values):
    def scene(aws):
        zone = aws.region("us-east-1").route53.add_zone("Z1SHOP", "shop.example")
        if values:
            zone.aside["records"]["www.shop.example.", "A"] = {
                "Name": "www.shop.example.", "Type": "A", "TTL": 60,
                "ResourceRecords": [{"Value": value} for value in values]}
    return scene


def bucket(status):
    return lambda aws: us(aws).s3.add_bucket("shop-assets-us", replicates_to="x", rule="all",
                                             status=status)


def metric(value):
    return lambda aws: us(aws).cloudwatch.put("Shop", "Depth", {}, lambda at: value)


CASES = [
    Case("rds.wait_caught_up", {"instance": STANDBY, "max_lag": "2s"}, databases, promoted,
         "GetMetricStatistics", group="data"),
    Case("rds.promote_read_replica", {"instance": STANDBY}, databases, promoted,
         "DescribeDBInstances", "PromoteReadReplica", group="data"),
    Case("rds.modify", {"instance": STANDBY, "class": "db.r6g.4xlarge"}, alone(),
         alone(DBInstanceClass="db.r6g.4xlarge"), "DescribeDBInstances", "ModifyDBInstance"),
    Case("rds.create_read_replica", {"source": STANDBY, "instance": "reader"}, alone(), replicated,
         "DescribeDBInstances", "CreateDBInstanceReadReplica"),
    Case("rds.fence_old_primary", {"instance": ORDERS, "region": EU},
         lambda aws: aws.region(EU).rds.add_instance(ORDERS),
         lambda aws: aws.region(EU).rds.add_instance(ORDERS, DBInstanceStatus="stopped"),
         "DescribeDBInstances", "StopDBInstance", region=EU),
    Case("rds.failover_global_cluster", {"global_cluster": "shop", "target": CLUSTERS[1]},
         cluster(0), cluster(1), "DescribeGlobalClusters", "FailoverGlobalCluster", group="data"),
    Case("rds.switchover_global_cluster", {"global_cluster": "shop", "target": CLUSTERS[1]},
         cluster(0), cluster(1), "DescribeGlobalClusters", "SwitchoverGlobalCluster",
         group="data"),
    Case("autoscaling.scale", {"group": "web", "desired": 2},
         lambda aws: us(aws).autoscaling.add_group("web"),
         lambda aws: us(aws).autoscaling.add_group("web", desired=2),
         "DescribeAutoScalingGroups", "UpdateAutoScalingGroup"),
    Case("autoscaling.refresh", {"group": "web"},
         lambda aws: us(aws).autoscaling.add_group("web", desired=2), None,
         "DescribeInstanceRefreshes", "StartInstanceRefresh"),
    Case("ec2.start", {"instances": [WEB]}, lambda aws: us(aws).ec2.add(WEB),
         lambda aws: us(aws).ec2.add(WEB, "running"), "DescribeInstanceStatus", "StartInstances",
         refusal="UnauthorizedOperation"),
    Case("elbv2.wait_healthy", {"target_group": "web", "count": 2}, targets("i-1", "i-2"),
         targets("i-1", "i-2", "i-3"), "DescribeTargetHealth"),
    Case("ecs.scale", {"cluster": "shop", "service": "checkout", "desired": 3},
         lambda aws: us(aws).ecs.add_service("shop", "checkout"),
         lambda aws: us(aws).ecs.add_service("shop", "checkout", desired=3),
         "DescribeServices", "UpdateService", refusal="AccessDeniedException"),
    Case("cloudformation.deploy", {"stack": "shop", "parameters": {"Size": "2"}},
         lambda aws: us(aws).cloudformation.add_stack("shop", Size="1"),
         lambda aws: us(aws).cloudformation.add_stack("shop", Size="2"),
         "DescribeStacks", "UpdateStack"),
    Case("cloudformation.deploy", {"stack": "shop", "template_url": TEMPLATE},
         lambda aws: None, None, "DescribeStacks", "CreateStack"),
    Case("codedeploy.deploy", {"application": "shop", "deployment_group": "web",
                               "revision": REVISION},
         lambda aws: us(aws).codedeploy.add_group("shop", "web"), None, "BatchGetDeployments",
         "CreateDeployment", refusal="AccessDeniedException"),
    Case("ssm.run", {"document": "AWS-RunShellScript",
                     "targets": [{"key": "tag:role", "values": ["web"]}],
                     "parameters": {"commands": ["true"]}},
         lambda aws: us(aws).ssm.add_instance(WEB, role="web"), None, "ListCommands",
         "SendCommand", refusal="AccessDeniedException"),
    Case("route53.upsert", {"zone": "Z1SHOP", "records": [
        {"name": "www.shop.example", "type": "A", "ttl": 60, "values": ["192.0.2.2"]}]},
         records("192.0.2.1"), records("192.0.2.2"), "ListResourceRecordSets",
         "ChangeResourceRecordSets", region="us-east-1"),
    Case("s3.check_replication", {"bucket": "shop-assets-us", "rule": "all"}, bucket("Enabled"),
         bucket("Enabled"), "GetBucketReplication"),
    Case("s3.put_replication", {"bucket": "shop-assets-us", "rule": "all"}, bucket("Disabled"),
         bucket("Enabled"), "GetBucketReplication", "PutBucketReplication"),
    Case("cloudwatch.wait", {"metric": "Shop/Depth", "below": 5}, metric(3), metric(3),
         "GetMetricStatistics"),
]
every_type = pytest.mark.parametrize(
    "case", CASES, ids=[f"{case.kind}-{case.act or case.look}" for case in CASES])


@pytest.fixture
def aws(house):
    return house.keep(ScriptedAws())


@pytest.fixture
def run(house, aws):
    def run(case, scene, expect=0, **options):
        scene(aws)
        shop = Shop(house, aws, case.steps(**options)).start()
        shop.told = shop.failover("--group", case.group, expect=expect)
        return shop
    return run


def acts(aws, case):
    return aws.journal.counts().get(case.act, 0)


# A second one of these changes nothing more.
REPEATABLE = {"ChangeResourceRecordSets", "UpdateAutoScalingGroup", "UpdateService",
              "PutBucketReplication"}


def is_once(aws, case):
    """The act happened, and not again unless that is harmless."""
    count = acts(aws, case)
    return count == bool(case.act) or (case.act in REPEATABLE and count > 0)


@every_type
def test_a_goal_that_holds_needs_no_act(run, aws, case):
    if case.done is None:
        pytest.skip("what is done once is done again for the next transition")
    shop = run(case, case.done)
    assert shop.step("it")["status"] == "done"
    assert aws.journal.acts() == []


@every_type
def test_on_the_good_day_there_is_one_act(run, aws, case):
    shop = run(case, case.scene)
    assert shop.step("it")["status"] == "done", shop.step("it")
    assert aws.journal.counts() == ({case.act: 1} if case.act else {})


@every_type
def test_throttles_are_waited_out(run, aws, case):
    aws.script("throttle", action=case.look, region=case.region, nth=1)
    if case.act:
        aws.script("throttle", action=case.act, nth=1)
    shop = run(case, case.scene)
    assert shop.step("it")["status"] == "done", shop.step("it")
    assert acts(aws, case) == bool(case.act)
    throttled = [call for call in aws.journal if call.outcome == "refused" and "hrottl" in call.code
                 or call.code in ("RequestLimitExceeded", "SlowDown")]
    assert len(throttled) == 1 + bool(case.act)


@every_type
def test_a_refusal_fails_the_step_with_the_code_and_the_request_id(run, aws, case):
    action = case.act or case.look
    aws.script("error", case.refusal, 403, action=action, times=None)
    shop = run(case, case.scene, expect=1)
    failed = shop.step("it")
    refused = [call.request_id for call in aws.journal.of(action)]
    assert failed["status"] == "failed", failed
    assert failed["aws"]["code"] == case.refusal
    assert failed["aws"]["request_id"] in refused
    assert case.refusal in failed["detail"] and failed["aws"]["request_id"] in failed["detail"]
    assert "it" in shop.told.err and case.refusal in shop.told.err
    assert acts(aws, case) == 0


@every_type
def test_what_takes_too_long_fails(run, aws, case):
    if case.act:
        aws.pace.update(settle=1)
        aws.pace.usual = NEVER
        aws.script("stale", action="PutBucketReplication", seconds=NEVER)
    else:
        aws.script("error", "ServiceUnavailable", 503, action=case.look, times=None)
    shop = run(case, case.scene, expect=1, timeout="1s")
    assert shop.step("it")["status"] == "failed"
    assert "timed out after 1s" in shop.step("it")["detail"]
    assert is_once(aws, case)


@every_type
@pytest.mark.parametrize("how", ["drop after", "half a reply", "server error after"])
def test_a_lost_reply_is_made_good_by_a_look(run, aws, case, how):
    aws.script(how, action=case.act or case.look)
    shop = run(case, case.scene)
    assert shop.step("it")["status"] == "done", shop.step("it")
    assert is_once(aws, case)


@every_type
def test_the_rights_that_the_plan_asks_for_are_enough(house, aws, case):
    """IAM mode: whatever `plan --iam` does not list is refused."""
    case.scene(aws)
    shop = Shop(house, aws, case.steps()).start()
    aws.allow(json.loads(shop.daemon.cli("plan", US, "--iam", expect=0).out))
    shop.failover("--group", case.group)
    assert shop.step("it")["status"] == "done", shop.step("it")
    assert [str(call) for call in aws.journal if call.code] == [
        str(call) for call in aws.journal if call.code in NOT_THERE]


# What looks hear of something that is to be made.
NOT_THERE = {"DBInstanceNotFound", "ValidationError"}


# -- what only some types do ------------------------------------------------------------------


def case_of(act):
    return next(case for case in CASES if case.act == act)


def test_a_class_without_capacity_gives_way_to_the_next_one(run, aws):
    case = case_of("ModifyDBInstance")
    case = Case(case.kind, {"instance": STANDBY, "class": ["db.r6g.4xlarge", "db.r5.4xlarge"]},
                case.scene, None, case.look, case.act)
    us(aws).rds.no_capacity.add("db.r6g.4xlarge")
    run(case, case.scene)
    assert us(aws).rds.instances[STANDBY]["DBInstanceClass"] == "db.r5.4xlarge"
    assert acts(aws, case) == 1


def test_a_change_that_fails_without_a_word_gives_way_to_the_next_one(run, aws):
    case = case_of("ModifyDBInstance")
    case = Case(case.kind, {"instance": STANDBY, "class": ["db.r6g.4xlarge", "db.r5.4xlarge"]},
                case.scene, None, case.look, case.act)
    us(aws).rds.silent_failures.add(STANDBY)
    run(case, case.scene)
    assert us(aws).rds.instances[STANDBY]["DBInstanceClass"] == "db.r5.4xlarge"
    assert acts(aws, case) == 2


def test_a_replica_that_cannot_be_made_fails_the_step(run, aws):
    us(aws).rds.creation_fails.add("reader")
    case = case_of("CreateDBInstanceReadReplica")
    shop = run(case, case.scene, expect=1)
    assert "failed" in shop.step("it")["detail"]


def test_a_group_without_capacity_says_why_it_does_not_grow(run, aws):
    us(aws).autoscaling.no_capacity.add("web")
    case = case_of("UpdateAutoScalingGroup")
    shop = run(case, case.scene, expect=1, timeout="1s")
    assert "sufficient m6g.large capacity" in shop.step("it")["detail"]


def test_a_stack_that_rolls_back_fails_with_its_reason(run, aws):
    us(aws).cloudformation.fails.add("shop")
    case = case_of("UpdateStack")
    shop = run(case, case.scene, expect=1)
    assert "failed to create: [Instances]" in shop.step("it")["detail"]


@pytest.mark.parametrize("act, service, name", [
    ("CreateDeployment", "codedeploy", "web"), ("SendCommand", "ssm", WEB),
    ("StartInstanceRefresh", "autoscaling", "web")])
def test_what_ends_badly_fails_the_step_and_is_not_begun_again(run, aws, act, service, name):
    services = us(aws)
    {"codedeploy": lambda: services.codedeploy.ends.update({name: "Failed"}),
     "ssm": lambda: services.ssm.ends.update({name: "TimedOut"}),
     "autoscaling": lambda: services.autoscaling.refresh_ends.update({name: "Failed"})}[service]()
    case = case_of(act)
    shop = run(case, case.scene, expect=1)
    assert shop.step("it")["status"] == "failed", shop.step("it")
    assert acts(aws, case) == 1


@pytest.mark.slow
def test_a_lost_region_leaves_the_old_primary_unknown_and_is_passed_over(house, aws):
    """After the half minute that a step in another region has."""
    case = case_of("StopDBInstance")
    case.scene(aws)
    aws.lose(EU)
    steps = [{**each, "on_failure": "continue"} if each["id"] == "it" else each
             for each in case.steps()]
    shop = Shop(house, aws, steps).start()
    told = shop.failover("--group", "default")
    assert shop.step("it")["status"] == "unknown", shop.step("it")
    assert "steps that failed: it (" in told.out
