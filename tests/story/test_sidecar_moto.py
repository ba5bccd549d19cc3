"""The real sidecar before a second judge: moto, an AWS that others wrote, with its checks of signatures
and rights on. Each step is carried out with the keys of a user who may do what `plan --iam` prints.

Where moto is otherwise than AWS the cases say so; what it has not (global clusters, instance refreshes)
or shows at once (what AWS shows late) is the scripted AWS's."""
import datetime
import json

import pytest
from lib.daemon import EU, US
from lib.machine import eventually
from lib.moto import MISSING, Moto, is_missing
from lib.shop import ORDERS, STANDBY, Shop, step

pytestmark = pytest.mark.skipif(is_missing(), reason=MISSING)

ZONE = "shop.example"
REVISION = {"bucket": "code", "key": "shop.zip", "bundle_type": "zip"}
TEMPLATE = {
    "Parameters": {"Size": {"Type": "String", "Default": "small"}},
    "Resources": {"Orders": {"Type": "AWS::SQS::Queue", "Properties": {"QueueName": "orders"}}},
    "Outputs": {"Size": {"Value": {"Ref": "Size"}}}}
TEMPLATE_URL = "https://templates.s3.us-west-2.amazonaws.com/shop.json"


# -- what is there, and what moto shows of it -----------------------------------------------------


def databases(moto):
    orders = moto.client("rds", EU).create_db_instance(
        DBInstanceIdentifier=ORDERS, Engine="postgres", DBInstanceClass="db.r6g.large",
        AllocatedStorage=20, MasterUsername="shop", MasterUserPassword="of the shop",
        BackupRetentionPeriod=7)["DBInstance"]
    moto.client("rds").create_db_instance_read_replica(
        DBInstanceIdentifier=STANDBY, SourceDBInstanceIdentifier=orders["DBInstanceArn"],
        SourceRegion=EU, DBInstanceClass="db.r6g.large")


def database(moto, name=STANDBY, region=US):
    found = moto.client("rds", region).describe_db_instances()["DBInstances"]
    return next((each for each in found if each["DBInstanceIdentifier"] == name), {})


def image(moto):
    return moto.client("ec2").describe_images(Owners=["amazon"])["Images"][0]["ImageId"]


def group(moto, desired=0):
    vpc = moto.client("ec2").describe_vpcs()["Vpcs"][0]["VpcId"]
    targets = moto.client("elbv2").create_target_group(
        Name="web", Protocol="HTTP", Port=80, VpcId=vpc)["TargetGroups"][0]["TargetGroupArn"]
    client = moto.client("autoscaling")
    client.create_launch_configuration(
        LaunchConfigurationName="web", ImageId=image(moto), InstanceType="m5.large")
    client.create_auto_scaling_group(
        AutoScalingGroupName="web", LaunchConfigurationName="web", MinSize=0, MaxSize=4,
        DesiredCapacity=desired, AvailabilityZones=["us-west-2a"], TargetGroupARNs=[targets])


def sizes(moto):
    found = moto.client("autoscaling").describe_auto_scaling_groups()["AutoScalingGroups"][0]
    return (found["MinSize"], found["DesiredCapacity"], found["MaxSize"],
            [each["LifecycleState"] for each in found["Instances"]])


def machines(moto):
    client = moto.client("ec2")
    made = client.run_instances(ImageId=image(moto), MinCount=2, MaxCount=2, TagSpecifications=[
        {"ResourceType": "instance", "Tags": [{"Key": "role", "Value": "queue"}]}])
    client.stop_instances(InstanceIds=[each["InstanceId"] for each in made["Instances"]])


def machine_states(moto):
    found = moto.client("ec2").describe_instances()["Reservations"]
    return [each["State"]["Name"] for it in found for each in it["Instances"]]


def tasks(moto):
    client = moto.client("ecs")
    client.create_cluster(clusterName="main")
    client.register_task_definition(family="api", containerDefinitions=[
        {"name": "api", "image": "api", "memory": 64}])
    client.create_service(cluster="main", serviceName="api", taskDefinition="api", desiredCount=0)


def task_counts(moto):
    found = moto.client("ecs").describe_services(cluster="main", services=["api"])["services"][0]
    return found["desiredCount"], found["runningCount"]


def template(moto):
    client = moto.client("s3")
    client.create_bucket(Bucket="templates", CreateBucketConfiguration={"LocationConstraint": US})
    client.put_object(Bucket="templates", Key="shop.json", Body=json.dumps(TEMPLATE))


def stack(moto):
    moto.client("cloudformation").create_stack(StackName="shop", TemplateBody=json.dumps(TEMPLATE))


def stacks(moto):
    return [(each["StackStatus"], each["Outputs"][0]["OutputValue"])
            for each in moto.client("cloudformation").describe_stacks()["Stacks"]]


def document(moto):
    """AWS has documents of its own in each account; moto has none."""
    machines(moto)
    moto.client("ssm").create_document(Name="bring-up", DocumentType="Command", Content=json.dumps({
        "schemaVersion": "2.2", "description": "", "mainSteps": [
            {"action": "aws:runShellScript", "name": "it", "inputs": {"runCommand": ["true"]}}]}))


def commands(moto):
    found = moto.client("ssm").list_commands()["Commands"]
    return [(each["Parameters"], each["TargetCount"], each["Status"]) for each in found]


def zone(moto):
    """Without checks: for a GET without a checksum of its body moto reckons with a body all the same
    (the headers, or the query), so that it refuses botocore's signatures, too."""
    moto.trust()
    client = moto.client("route53")
    made = client.create_hosted_zone(Name=ZONE, CallerReference="1")["HostedZone"]["Id"]
    client.change_resource_record_sets(HostedZoneId=made, ChangeBatch={"Changes": [
        {"Action": "CREATE", "ResourceRecordSet": {
            "Name": f"www.{ZONE}", "Type": "CNAME", "TTL": 300,
            "ResourceRecords": [{"Value": "eu.shop.example"}]}}]})


def records(moto):
    client = moto.client("route53")
    found = client.list_resource_record_sets(
        HostedZoneId=client.list_hosted_zones()["HostedZones"][0]["Id"])["ResourceRecordSets"]
    return {each["Name"]: (each["TTL"], [value["Value"] for value in each["ResourceRecords"]])
            for each in found if each["Type"] in ("CNAME", "TXT")}


def buckets(moto, status="Disabled"):
    for region, name in ((EU, "shop-assets-eu"), (US, "shop-assets-us")):
        client = moto.client("s3", region)
        client.create_bucket(
            Bucket=name, CreateBucketConfiguration={"LocationConstraint": region})
        client.put_bucket_versioning(
            Bucket=name, VersioningConfiguration={"Status": "Enabled"})
    moto.client("s3").put_bucket_replication(
        Bucket="shop-assets-us", ReplicationConfiguration={
            "Role": "arn:aws:iam::123456789012:role/s3", "Rules": [
                {"ID": "home & back", "Priority": 1, "Filter": {"Prefix": ""}, "Status": status,
                 "DeleteMarkerReplication": {"Status": "Disabled"},
                 "Destination": {"Bucket": "arn:aws:s3:::shop-assets-eu"}}]})


def rules(moto):
    found = moto.client("s3").get_bucket_replication(Bucket="shop-assets-us")
    return [(each["ID"], each["Status"], each["Destination"]["Bucket"])
            for each in found["ReplicationConfiguration"]["Rules"]]


def depth(moto):
    moto.client("cloudwatch").put_metric_data(Namespace="Shop", MetricData=[
        {"MetricName": "Depth", "Value": 3.5,
         "Timestamp": datetime.datetime.now(datetime.timezone.utc)}])


# -- the cases ------------------------------------------------------------------------------------


class Case:
    """A type of step; `shows(moto)` is `goal` once it is done, and not before."""

    def __init__(self, kind, parameters, scene, shows=None, goal=None, act=None):
        self.kind, self.parameters, self.scene = kind, parameters, scene
        self.shows, self.goal, self.act = shows, goal, act

    def steps(self, **options):
        own = step("it", self.kind, groups=["default"], on_failure="stop",
                   **{**self.parameters, **options})
        needed = ["it"] if own.get("region", US) == US else []
        return [step("fence", "fence", groups=["data"]), own,
                step("switch", "switch", "fence", groups=["data"]),
                step("switch-it", "switch", *needed, groups=["default"])]


# Nothing that goes into a form has a space: moto checks a form's signature against the form as botocore
# would write it, with "+", and not against the bytes that came.
CASES = [
    Case("rds.modify", {"instance": STANDBY, "class": ["db.r6g.4xlarge"], "multi_az": True},
         databases, lambda moto: (database(moto)["DBInstanceClass"], database(moto)["MultiAZ"]),
         ("db.r6g.4xlarge", True), "rds:ModifyDBInstance"),
    Case("rds.create_read_replica", {"source": ORDERS, "source_region": EU, "instance": "reader"},
         databases, lambda moto: database(moto, "reader").get(
             "ReadReplicaSourceDBInstanceIdentifier", "").split(":")[3::3],
         [EU, ORDERS], "rds:CreateDBInstanceReadReplica"),
    Case("rds.fence_old_primary", {"instance": ORDERS, "region": EU}, databases,
         lambda moto: database(moto, ORDERS, EU)["DBInstanceStatus"], "stopped",
         "rds:StopDBInstance"),
    Case("autoscaling.scale", {"group": "web", "min": 2, "desired": 2, "max": 6}, group, sizes,
         (2, 2, 6, ["InService"] * 2), "autoscaling:UpdateAutoScalingGroup"),
    Case("ec2.start", {"tags": {"role": "queue"}}, machines, machine_states,
         ["running"] * 2, "ec2:StartInstances"),
    Case("elbv2.wait_healthy", {"target_group": "web", "count": 2}, lambda moto: group(moto, 2)),
    Case("ecs.scale", {"cluster": "main", "service": "api", "desired": 3}, tasks, task_counts,
         (3, 3), "ecs:UpdateService"),
    Case("cloudformation.deploy", {
        "stack": "shop", "template_url": TEMPLATE_URL, "parameters": {"Size": "'large'"}},
         template, stacks, [("CREATE_COMPLETE", "'large'")], "cloudformation:CreateStack"),
    Case("cloudformation.deploy", {"stack": "shop", "parameters": {"Size": "x=1&y=~2+3"}},
         stack, stacks, [("UPDATE_COMPLETE", "x=1&y=~2+3")],
         "cloudformation:UpdateStack"),
    Case("ssm.run", {"document": "bring-up", "targets": ["tag:role=queue"],
                     "parameters": {"commands": ["echo 'ä \"ö\" \\'"]}},
         document, commands, [({"commands": ["echo 'ä \"ö\" \\'"]}, 2, "Success")],
         "ssm:SendCommand"),
    Case("route53.upsert", {"zone": ZONE, "records": [
        {"name": f"www.{ZONE}", "type": "CNAME", "ttl": 60, "values": ["us.shop.example"]},
        {"name": f"txt.{ZONE}", "type": "TXT", "ttl": 60, "values": ['"a<b> & \'c\'"']}]},
         zone, records, {f"www.{ZONE}.": (60, ["us.shop.example"]),
                         f"txt.{ZONE}.": (60, ['"a<b> & \'c\'"'])},
         "route53:ChangeResourceRecordSets"),
    Case("s3.put_replication", {"bucket": "shop-assets-us", "rule": "home & back"}, buckets, rules,
         [("home & back", "Enabled", "arn:aws:s3:::shop-assets-eu")],
         "s3:PutReplicationConfiguration"),
    Case("s3.check_replication", {"bucket": "shop-assets-us"},
         lambda moto: buckets(moto, "Enabled")),
    Case("cloudwatch.wait", {"metric": "Shop/Depth", "below": 5}, depth),
]
JUDGED = [case for case in CASES if case.act and case.scene != zone]


def named(cases):
    return pytest.mark.parametrize(
        "case", cases, ids=[f"{case.kind}-{case.act or 'looks'}" for case in cases])


@pytest.fixture(scope="module")
def server(module_house):
    return module_house.keep(Moto())


@pytest.fixture
def moto(server):
    return server.reset()


def shop_of(house, moto, steps):
    shop = Shop(house, moto, steps)
    shop.daemon.write_config(aws={"endpoint_url": moto.url})
    return shop.start()


def planned_rights(shop):
    return json.loads(shop.daemon.cli("plan", US, "--iam", expect=0).out)


def all_but(right, policy):
    for statement in policy["Statement"]:
        statement["Action"] = [each for each in statement["Action"] if each != right]
    return {**policy, "Statement": [it for it in policy["Statement"] if it["Action"]]}


@named(CASES)
def test_a_step_reaches_its_goal_by_the_rights_of_its_plan(house, moto, case):
    case.scene(moto)
    assert case.shows is None or case.shows(moto) != case.goal
    shop = shop_of(house, moto, case.steps())
    policy = planned_rights(shop)
    moto.client("iam").create_policy(  # as it was printed: its form is judged, too
        PolicyName="printed", PolicyDocument=json.dumps(policy))
    moto.allow(policy)
    plan = json.loads(shop.daemon.cli("plan", US, "--json", expect=0).out)
    told = next(each for each in plan["steps"] if each["step"] == "it")
    assert told["status"] in (("act",) if case.act else ("wait", "done")), told
    shop.failover("--group", "default")
    assert shop.step("it")["status"] == "done", shop.step("it")
    assert case.shows is None or case.shows(moto) == case.goal


@named(JUDGED)
def test_without_its_right_a_step_is_refused_in_words(house, moto, case):
    case.scene(moto)
    shop = shop_of(house, moto, case.steps())
    moto.allow(all_but(case.act, planned_rights(shop)))
    told = shop.failover("--group", "default", expect=1)
    it = shop.step("it")
    assert it["status"] == "failed", it
    assert it["aws"]["code"] == "AccessDenied", it
    assert "AccessDenied" in told.err and "it" in told.err
    assert case.shows(moto) != case.goal


# Each protocol's; what moto says of a signature that is not right.
WRONG = {"rds.modify": "SignatureDoesNotMatch", "ec2.start": "AuthFailure",
         "ecs.scale": "SignatureDoesNotMatch", "s3.check_replication": "SignatureDoesNotMatch"}


@named([case for case in CASES if case.kind in WRONG])
def test_a_wrong_secret_is_refused_in_words(house, moto, case):
    case.scene(moto)
    key, secret = moto.keys["pilotlight"]
    moto.keys["pilotlight"] = key, secret[::-1]
    shop = shop_of(house, moto, case.steps())
    told = shop.failover("--group", "default", expect=1)
    it = shop.step("it")
    assert it["status"] == "failed" and it["aws"]["code"] == WRONG[case.kind], it
    assert WRONG[case.kind] in told.err
    assert secret not in told.err + shop.sidecar.log() and secret[::-1] not in shop.sidecar.log()


# -- what moto shows in part ----------------------------------------------------------------------


def lags(moto, values):
    """{minutes from now: seconds}"""
    now = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    moto.client("cloudwatch").put_metric_data(Namespace="AWS/RDS", MetricData=[
        {"MetricName": "ReplicaLag", "Value": value, "Unit": "Seconds",
         "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": STANDBY}],
         "Timestamp": now + datetime.timedelta(minutes=minutes)}
        for minutes, value in values.items()])


def of_data(kind, **parameters):
    return [step("fence", "fence", groups=["data"]),
            step("it", kind, "fence", groups=["data"], **parameters),
            step("switch", "switch", "fence", "it", groups=["data"])]


def test_a_promotion_is_accepted_and_waited_for(house, moto):
    """moto does all of it, and yet goes on naming the source, for good; AWS forgets it."""
    databases(moto)
    lags(moto, {-2: 4.0, -1: 3.0})
    shop = shop_of(house, moto, of_data(
        "rds.promote_read_replica", instance=STANDBY, backup_retention_days=5, timeout="3s"))
    moto.allow(planned_rights(shop))
    shop.failover("--group", "data", expect=1)
    it = shop.step("it")
    assert it["status"] == "failed" and "timed out after 3s" in it["detail"], it
    assert "is being promoted" in it["detail"]
    assert database(moto)["BackupRetentionPeriod"] == 5
    assert shop.transition()["lag_ms"] == 3000


@pytest.mark.slow
def test_a_lag_is_low_when_two_minutes_after_the_fence_say_so(house, moto):
    databases(moto)
    lags(moto, {**dict.fromkeys(range(-5, 1), 30.0), **dict.fromkeys(range(1, 6), 1.0)})
    shop = shop_of(house, moto, of_data(
        "rds.wait_caught_up", instance=STANDBY, max_lag="2s", timeout="3m"))
    moto.allow(planned_rights(shop))
    shop.failover("--no-wait", "--group", "data")
    eventually(lambda: "behind" in (shop.step("it")["detail"] or ""), "it waits")
    shop.daemon.cli("wait", expect=0, timeout=200)
    assert "1 s and 1 s behind" in shop.step("it")["detail"], shop.step("it")


def test_a_deployment_is_begun_once_and_followed(house, moto):
    """moto's deployments are "Created" and no more."""
    client = moto.client("codedeploy")
    client.create_application(applicationName="shop", computePlatform="Server")
    client.create_deployment_group(
        applicationName="shop", deploymentGroupName="web",
        serviceRoleArn="arn:aws:iam::123456789012:role/deploys")
    shop = shop_of(house, moto, of_data(
        "codedeploy.deploy", application="shop", deployment_group="web", revision=REVISION,
        timeout="3s"))
    moto.allow(planned_rights(shop))
    shop.failover("--group", "data", expect=1)
    assert "Created" in shop.step("it")["detail"], shop.step("it")
    made = client.list_deployments(
        applicationName="shop", deploymentGroupName="web")["deployments"]
    assert len(made) == 1
    revision = client.get_deployment(deploymentId=made[0])["deploymentInfo"]["revision"]
    assert revision["s3Location"] == {"bucket": "code", "key": "shop.zip", "bundleType": "zip"}


def test_ready_says_who_we_are_and_what_is_there(house, moto):
    """Whether a class is offered is not asked: moto lists those of Aurora alone."""
    databases(moto)
    group(moto)
    steps = [step("fence", "fence", groups=["data"]),
             step("promote", "rds.promote_read_replica", "fence", groups=["data"],
                  instance=STANDBY),
             step("switch", "switch", "promote", groups=["data"]),
             step("scale", "autoscaling.scale", groups=["default"], group="web", desired=2),
             step("gone", "ecs.scale", groups=["default"], service="gone", desired=2)]
    shop = shop_of(house, moto, steps)
    moto.allow(planned_rights(shop))
    rows = json.loads(shop.daemon.cli("ready", US, "--json", expect=1).out)["rows"]
    told = {(each["check"], each["status"], each["words"].partition(":")[0]) for each in rows}
    assert {("credentials", "pass", "we are arn"),
            ("permission", "warn", "permissions were not checked"),
            ("step", "pass", "promote (rds.promote_read_replica)"),
            ("step", "pass", "scale (autoscaling.scale)"),
            ("step", "fail", "gone (ecs.scale)")} <= told, rows
    words = " ".join(each["words"] for each in rows)
    assert "we are arn:aws:iam::123456789012:user/pilotlight" in words
    assert "ClusterNotFoundException" in words
