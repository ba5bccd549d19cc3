"""The scripted AWS itself, asked by botocore's own clients: it behaves as AWS does, plays what is
scripted, and notices what nobody may send."""
import contextlib
import datetime
import socket
import time
import urllib.error
import urllib.request

import botocore.auth
import botocore.awsrequest
import botocore.config
import botocore.credentials
import botocore.session
import pytest
from aws.server import ScriptedAws
from botocore.exceptions import (ClientError, ConnectionClosedError, HTTPClientError,
                                 ReadTimeoutError)
from botocore.parsers import ResponseParserError

EU, US = "eu-west-1", "us-west-2"


class Scene:
    def __init__(self):
        self.aws = ScriptedAws()
        self.us, self.eu = self.aws.region(US), self.aws.region(EU)

    def client(self, service, region=US, **options):
        return botocore.session.Session().create_client(
            service, region_name=region, endpoint_url=self.aws.url,
            **{"aws_access_key_id": self.aws.access_key, "aws_secret_access_key": self.aws.secret,
               **options},
            config=botocore.config.Config(retries={"max_attempts": 0}, read_timeout=1,
                                          parameter_validation=False))

    def faults(self):
        faults, self.aws.faults = self.aws.faults, []
        return faults

    def close(self):
        self.aws.close()


@pytest.fixture
def scene():
    with contextlib.closing(Scene()) as scene:
        yield scene


def code_of(call, *arguments, **params):
    with pytest.raises(ClientError) as caught:
        call(*arguments, **params)
    return caught.value.response["Error"]["Code"]


@pytest.fixture
def databases(scene):
    """orders in eu-west-1, its replica in us-west-2; a client of the latter."""
    orders = scene.eu.rds.add_instance("orders")
    scene.us.rds.add_replica("standby", orders["DBInstanceArn"])
    return scene.client("rds")


def instance(rds, name="standby"):
    return rds.describe_db_instances(DBInstanceIdentifier=name)["DBInstances"][0]


def statuses(rds, looks, name="standby"):
    return [instance(rds, name)["DBInstanceStatus"] for _ in range(looks)]


# -- RDS --------------------------------------------------------------------------------------


def test_a_promotion_stays_available_at_first_and_loses_its_source_last(databases):
    databases.promote_read_replica(DBInstanceIdentifier="standby", BackupRetentionPeriod=3)
    seen = [(each["DBInstanceStatus"], "ReadReplicaSourceDBInstanceIdentifier" in each)
            for each in (instance(databases) for _ in range(5))]
    assert seen == [("available", True), ("modifying", True), ("rebooting", True),
                    ("backing-up", False), ("available", False)]
    assert instance(databases)["BackupRetentionPeriod"] == 3


def test_what_takes_time_takes_as_many_looks_or_seconds_as_was_said(scene, databases):
    scene.aws.pace.update({"settle": 0, "modifying": 3})
    databases.modify_db_instance(DBInstanceIdentifier="standby", MultiAZ=True,
                                 ApplyImmediately=True)
    assert statuses(databases, 4) == ["modifying"] * 3 + ["available"]
    scene.aws.pace["modifying"] = 0.2
    databases.modify_db_instance(DBInstanceIdentifier="standby", MultiAZ=False,
                                 ApplyImmediately=True)
    assert statuses(databases, 5) == ["modifying"] * 5
    time.sleep(0.2)
    assert statuses(databases, 1) == ["available"]


def test_a_second_promotion_is_a_fault(scene, databases):
    databases.promote_read_replica(DBInstanceIdentifier="standby")
    assert code_of(databases.promote_read_replica,
                   DBInstanceIdentifier="standby") == "InvalidDBInstanceState"
    assert len(scene.faults()) == 1
    assert scene.aws.journal.counts() == {"PromoteReadReplica": 1}


def test_a_change_waits_for_the_window_unless_it_is_to_be_at_once(databases):
    databases.modify_db_instance(DBInstanceIdentifier="standby", DBInstanceClass="db.r6g.xlarge")
    for _ in range(4):
        seen = instance(databases)
        assert (seen["DBInstanceClass"], seen["DBInstanceStatus"]) == ("db.r6g.large", "available")
        assert seen["PendingModifiedValues"] == {"DBInstanceClass": "db.r6g.xlarge"}


def test_a_change_may_fail_without_a_word_but_an_event(scene, databases):
    scene.us.rds.silent_failures.add("standby")
    databases.modify_db_instance(DBInstanceIdentifier="standby", ApplyImmediately=True,
                                 DBInstanceClass="db.r6g.xlarge")
    assert statuses(databases, 4)[-1] == "available"
    assert instance(databases)["DBInstanceClass"] == "db.r6g.large"
    events = databases.describe_events(SourceIdentifier="standby", SourceType="db-instance")
    assert "Unable to modify" in events["Events"][0]["Message"]


def test_a_class_without_capacity_is_refused(scene, databases):
    scene.us.rds.no_capacity.add("db.r6g.xlarge")
    assert code_of(databases.modify_db_instance, DBInstanceIdentifier="standby",
                   DBInstanceClass="db.r6g.xlarge",
                   ApplyImmediately=True) == "InsufficientDBInstanceCapacity"


def test_an_instance_that_is_renamed_has_its_new_name_at_the_end(databases):
    databases.modify_db_instance(DBInstanceIdentifier="standby", ApplyImmediately=True,
                                 NewDBInstanceIdentifier="standby-old")
    assert statuses(databases, 2) == ["available", "renaming"]
    assert code_of(instance, databases) == "DBInstanceNotFound"
    assert instance(databases, "standby-old")["DBInstanceArn"].endswith(":db:standby-old")


def test_a_replica_is_made_of_what_has_backups(scene, databases):
    assert code_of(databases.create_db_instance_read_replica, DBInstanceIdentifier="third",
                   SourceDBInstanceIdentifier="standby") == "InvalidDBInstanceState"
    eu = scene.client("rds", EU)
    source = scene.us.rds.add_instance("lone")["DBInstanceArn"]
    eu.create_db_instance_read_replica(DBInstanceIdentifier="third",
                                       SourceDBInstanceIdentifier=source)
    assert statuses(eu, 2, "third") == ["creating", "available"]
    seen = instance(eu, "third")
    assert seen["ReadReplicaSourceDBInstanceIdentifier"] == source
    assert seen["StatusInfos"][0]["Status"] == "replicating"
    assert code_of(eu.create_db_instance_read_replica, DBInstanceIdentifier="third",
                   SourceDBInstanceIdentifier=source) == "DBInstanceAlreadyExists"
    assert len(scene.faults()) == 1


def test_an_instance_with_replicas_is_not_stopped(scene, databases):
    lone = scene.us.rds.add_instance("lone")
    lone["ReadReplicaDBInstanceIdentifiers"].append("another")
    assert code_of(databases.stop_db_instance,
                   DBInstanceIdentifier="lone") == "InvalidDBInstanceState"
    lone["ReadReplicaDBInstanceIdentifiers"].clear()
    databases.stop_db_instance(DBInstanceIdentifier="lone")
    assert statuses(databases, 3, "lone") == ["available", "stopping", "stopped"]


def test_descriptions_come_in_pages(scene, databases):
    scene.aws.page_size = 2
    for number in range(4):
        scene.us.rds.add_instance(f"more-{number}")
    first = databases.describe_db_instances()
    names, marker = [], first["Marker"]
    while marker:
        page = databases.describe_db_instances(Marker=marker)
        names += [each["DBInstanceIdentifier"] for each in page["DBInstances"]]
        marker = page.get("Marker")
    assert len(first["DBInstances"]) == 2 and names == ["more-1", "more-2", "more-3"]


@pytest.mark.parametrize("planned", [False, True])
def test_the_writer_of_a_global_cluster_moves(scene, planned):
    old, new = (f"arn:aws:rds:{region}:111122223333:cluster:orders" for region in (EU, US))
    scene.us.rds.add_global_cluster("shop", old, [new])
    call = {"GlobalClusterIdentifier": "shop", "TargetDbClusterIdentifier": new}
    if planned:  # newer than Debian's botocore
        post(scene, "rds", "Action=SwitchoverGlobalCluster&Version=2014-10-31"
                           "&GlobalClusterIdentifier=shop&TargetDbClusterIdentifier=" + new)
    else:
        scene.client("rds").failover_global_cluster(**call)
    rds = scene.client("rds")
    for _ in range(3):
        cluster = rds.describe_global_clusters(GlobalClusterIdentifier="shop")["GlobalClusters"][0]
    assert [each["DBClusterArn"] for each in cluster["GlobalClusterMembers"]
            if each["IsWriter"]] == [new]
    assert cluster["Status"] == "available" and "FailoverState" not in cluster


def post(scene, service, body, region=US):
    """A form that botocore's client would not send, signed by its signer."""
    request = botocore.awsrequest.AWSRequest(
        "POST", scene.aws.url + "/", data=body.encode(),
        headers={"Content-Type": "application/x-www-form-urlencoded"})
    botocore.auth.SigV4Auth(botocore.credentials.Credentials(
        scene.aws.access_key, scene.aws.secret), service, region).add_auth(request)
    return urllib.request.urlopen(urllib.request.Request(
        scene.aws.url + "/", body.encode(), dict(request.headers)), timeout=10).read()


# -- compute ----------------------------------------------------------------------------------


def test_a_group_launches_what_is_desired_into_its_target_group(scene):
    arn = scene.us.elbv2.add_target_group("web")
    scene.us.autoscaling.add_group("web", target_groups=[arn])
    asg, elb = scene.client("autoscaling"), scene.client("elbv2")
    asg.update_auto_scaling_group(AutoScalingGroupName="web", MinSize=2, MaxSize=4,
                                  DesiredCapacity=2)
    seen = []
    for _ in range(5):
        group = asg.describe_auto_scaling_groups(AutoScalingGroupNames=["web"])
        health = elb.describe_target_health(TargetGroupArn=arn)["TargetHealthDescriptions"]
        group = group["AutoScalingGroups"][0]
        seen.append(({each["LifecycleState"] for each in group["Instances"]},
                     {each["TargetHealth"]["State"] for each in health}))
    assert seen[0] == (set(), set()) and seen[-1] == ({"InService"}, {"healthy"})
    assert ({"Pending"}, set()) in seen and ({"InService"}, {"initial"}) in seen
    assert elb.describe_target_groups(Names=["web"])["TargetGroups"][0]["TargetGroupArn"] == arn


def test_a_desired_capacity_beyond_the_sizes_is_refused(scene):
    scene.us.autoscaling.add_group("web", maximum=3)
    assert code_of(scene.client("autoscaling").update_auto_scaling_group,
                   AutoScalingGroupName="web", DesiredCapacity=4) == "ValidationError"


def test_a_group_without_capacity_says_so_in_its_activities(scene):
    scene.us.autoscaling.add_group("web")
    scene.us.autoscaling.no_capacity.add("web")
    asg = scene.client("autoscaling")
    asg.update_auto_scaling_group(AutoScalingGroupName="web", DesiredCapacity=2)
    for _ in range(3):
        asg.describe_auto_scaling_groups()
    activity = asg.describe_scaling_activities(AutoScalingGroupName="web")["Activities"][0]
    assert activity["StatusCode"] == "Failed" and "sufficient" in activity["StatusMessage"]


def test_one_instance_refresh_at_a_time(scene):
    scene.us.autoscaling.add_group("web", desired=2)
    asg = scene.client("autoscaling")
    asg.start_instance_refresh(AutoScalingGroupName="web")
    assert code_of(asg.start_instance_refresh,
                   AutoScalingGroupName="web") == "InstanceRefreshInProgress"
    assert len(scene.faults()) == 1
    seen = [asg.describe_instance_refreshes(AutoScalingGroupName="web")["InstanceRefreshes"][0]
            ["Status"] for _ in range(3)]
    assert seen == ["Pending", "InProgress", "Successful"]


def test_instances_start_and_then_pass_their_checks(scene):
    scene.us.ec2.add("i-0123456789abcdef0", role="web")
    ec2 = scene.client("ec2")
    found = ec2.describe_instances(Filters=[{"Name": "tag:role", "Values": ["web"]}])
    name = found["Reservations"][0]["Instances"][0]["InstanceId"]
    ec2.start_instances(InstanceIds=[name])
    seen = []
    for _ in range(4):
        told = ec2.describe_instance_status(InstanceIds=[name], IncludeAllInstances=True)
        status = told["InstanceStatuses"][0]
        seen.append((status["InstanceState"]["Name"], status["InstanceStatus"]["Status"]))
    assert seen == [("pending", "initializing"), ("running", "initializing"), ("running", "ok"),
                    ("running", "ok")]
    assert code_of(ec2.start_instances,
                   InstanceIds=["i-00000000000000000"]) == "InvalidInstanceID.NotFound"


def test_a_service_reaches_its_desired_count(scene):
    scene.us.ecs.add_service("shop", "checkout")
    ecs = scene.client("ecs")
    ecs.update_service(cluster="shop", service="checkout", desiredCount=3)
    seen = [ecs.describe_services(cluster="shop", services=["checkout"])["services"][0]
            ["runningCount"] for _ in range(2)]
    assert seen == [0, 3]
    told = ecs.describe_services(cluster="shop", services=["none"])
    assert told["failures"][0]["reason"] == "MISSING"
    assert code_of(ecs.describe_services, cluster="no",
                   services=["x"]) == "ClusterNotFoundException"


def test_a_stack_is_created_updated_and_rolled_back(scene):
    cf = scene.client("cloudformation")
    first = {"StackName": "shop", "TemplateURL": "https://s3.example/t1",
             "Parameters": [{"ParameterKey": "Size", "ParameterValue": "2"}]}
    assert code_of(cf.describe_stacks, StackName="shop") == "ValidationError"
    cf.create_stack(**first, ClientRequestToken="one")
    cf.create_stack(**first, ClientRequestToken="one")  # no fault: the token is the same
    assert [stack_status(cf) for _ in range(2)] == ["CREATE_IN_PROGRESS", "CREATE_COMPLETE"]
    with pytest.raises(ClientError, match="No updates are to be performed"):
        cf.update_stack(**first)
    scene.us.cloudformation.fails.add("shop")
    cf.update_stack(StackName="shop", TemplateURL="https://s3.example/t2", ClientRequestToken="2")
    assert [stack_status(cf) for _ in range(3)] == [
        "UPDATE_IN_PROGRESS", "UPDATE_ROLLBACK_IN_PROGRESS", "UPDATE_ROLLBACK_COMPLETE"]
    events = cf.describe_stack_events(StackName="shop")["StackEvents"]
    assert any("failed" in each.get("ResourceStatusReason", "") for each in events)
    assert scene.aws.journal.counts() == {"CreateStack": 1, "UpdateStack": 1}


def stack_status(cf):
    return cf.describe_stacks(StackName="shop")["Stacks"][0]["StackStatus"]


def test_a_deployment_runs_to_its_end(scene):
    scene.us.codedeploy.add_group("shop", "web")
    cd = scene.client("codedeploy")
    revision = {"revisionType": "S3", "s3Location": {"bucket": "code", "key": "1.zip",
                                                     "bundleType": "zip"}}
    where = {"applicationName": "shop", "deploymentGroupName": "web"}
    number = cd.create_deployment(**where, revision=revision, description="t1")["deploymentId"]
    seen = [cd.get_deployment(deploymentId=number)["deploymentInfo"]["status"] for _ in range(3)]
    assert seen == ["Created", "InProgress", "Succeeded"]
    assert cd.list_deployments(**where)["deployments"] == [number]
    assert cd.batch_get_deployments(deploymentIds=[number])["deploymentsInfo"][0][
        "description"] == "t1"
    cd.create_deployment(**where, revision=revision, description="t1")
    assert len(scene.faults()) == 1
    assert code_of(cd.get_deployment_group, applicationName="shop",
                   deploymentGroupName="no") == "DeploymentGroupDoesNotExistException"


def test_a_command_runs_on_every_instance_that_is_meant(scene):
    scene.us.ssm.add_instance("i-0123456789abcdef0", role="web")
    scene.us.ssm.add_instance("i-0123456789abcdef1", role="web")
    scene.us.ssm.ends["i-0123456789abcdef1"] = "TimedOut"
    ssm = scene.client("ssm")
    sent = ssm.send_command(DocumentName="AWS-RunShellScript", Comment="t1",
                            Targets=[{"Key": "tag:role", "Values": ["web"]}],
                            Parameters={"commands": ["true"]})
    number = sent["Command"]["CommandId"]
    for _ in range(3):
        told = ssm.list_command_invocations(CommandId=number)["CommandInvocations"]
    assert sorted(each["Status"] for each in told) == ["Success", "TimedOut"]
    assert ssm.list_commands(CommandId=number)["Commands"][0]["Status"] == "Failed"


# -- DNS, buckets, metrics, identity ----------------------------------------------------------


def upsert(name, value="192.0.2.1"):
    return {"Changes": [{"Action": "UPSERT", "ResourceRecordSet": {
        "Name": name, "Type": "A", "TTL": 60, "ResourceRecords": [{"Value": value}]}}]}


def test_a_record_is_changed_and_then_in_sync(scene):
    scene.aws.region("us-east-1").route53.add_zone("Z1", "shop.example")
    r53 = scene.client("route53", "us-east-1")
    change = r53.change_resource_record_sets(
        HostedZoneId="Z1", ChangeBatch=upsert("www.shop.example"))["ChangeInfo"]
    assert [r53.get_change(Id=change["Id"])["ChangeInfo"]["Status"] for _ in range(2)] == [
        "PENDING", "INSYNC"]
    records = r53.list_resource_record_sets(HostedZoneId="Z1")["ResourceRecordSets"]
    assert records[0]["Name"] == "www.shop.example." and records[0]["TTL"] == 60
    assert r53.list_hosted_zones_by_name(DNSName="shop.example")["HostedZones"][0]["Id"] == (
        "/hostedzone/Z1")
    assert code_of(r53.change_resource_record_sets, HostedZoneId="Z1",
                   ChangeBatch=upsert("www.other.example")) == "InvalidChangeBatch"


def test_a_bucket_has_its_replication_and_its_region(scene):
    scene.us.s3.add_bucket("shop-us", replicates_to="shop-eu")
    scene.eu.s3.add_bucket("shop-eu")
    s3 = scene.client("s3")
    s3.head_bucket(Bucket="shop-us")
    assert s3.get_bucket_versioning(Bucket="shop-us")["Status"] == "Enabled"
    told = s3.get_bucket_replication(Bucket="shop-us")["ReplicationConfiguration"]
    assert told["Rules"][0]["Destination"]["Bucket"] == "arn:aws:s3:::shop-eu"
    told["Rules"][0]["Status"] = "Disabled"
    s3.put_bucket_replication(Bucket="shop-us", ReplicationConfiguration=told)
    assert s3.get_bucket_replication(
        Bucket="shop-us")["ReplicationConfiguration"]["Rules"][0]["Status"] == "Disabled"
    assert code_of(scene.client("s3", EU).get_bucket_replication, Bucket="shop-eu") == (
        "ReplicationConfigurationNotFoundError")


def test_a_metric_has_one_datapoint_a_minute(scene):
    scene.us.cloudwatch.put("AWS/RDS", "ReplicaLag", {"DBInstanceIdentifier": "standby"},
                            lambda at: at.minute / 10)
    minute = datetime.datetime.now(datetime.timezone.utc).replace(second=0, microsecond=0)
    five = datetime.timedelta(minutes=5)
    span = {"StartTime": minute - five, "EndTime": minute}
    query = {"Namespace": "AWS/RDS", "MetricName": "ReplicaLag", "Period": 60,
             "Statistics": ["Average"],
             "Dimensions": [{"Name": "DBInstanceIdentifier", "Value": "standby"}]}
    ask = scene.client("cloudwatch").get_metric_statistics
    told = ask(**query, **span)["Datapoints"]
    assert len(told) == 5
    assert all(each["Average"] == each["Timestamp"].minute / 10 for each in told)
    assert not ask(**query, StartTime=minute + five, EndTime=minute + 2 * five)["Datapoints"]
    told = scene.client("cloudwatch").get_metric_data(MetricDataQueries=[{
        "Id": "m1", "MetricStat": {"Period": 60, "Stat": "Average", "Metric": {
            "Namespace": "AWS/RDS", "MetricName": "Else"}}}], **span)["MetricDataResults"]
    assert told[0]["Values"] == []


def test_a_role_gives_keys_that_are_known_with_their_token_only(scene):
    keys = scene.client("sts").assume_role(RoleArn="arn:aws:iam::111122223333:role/pilotlight",
                                           RoleSessionName="test")["Credentials"]
    own = {"aws_access_key_id": keys["AccessKeyId"],
           "aws_secret_access_key": keys["SecretAccessKey"]}
    scene.client("sts", aws_session_token=keys["SessionToken"], **own).get_caller_identity()
    assert code_of(scene.client("sts", aws_session_token="of another", **own)
                   .get_caller_identity) == "InvalidClientTokenId"


# -- what is noticed --------------------------------------------------------------------------


@pytest.mark.parametrize("form, words", [
    ("Action=DescribeDBInstances&Version=2014-10-31&Wrong=1", "has no member Wrong"),
    ("Action=PromoteReadReplica&Version=2014-10-31", "DBInstanceIdentifier is missing"),
    ("Action=DescribeDBInstances&Version=2014-10-31&MaxRecords=many", "'many' is no integer"),
    ("Action=DescribeDBInstances&Version=2011-01-01", "Version is '2011-01-01'"),
    ("Action=DescribeEvents&Version=2014-10-31&SourceType=house", "'house' is none of"),
    ("Action=Promote&Version=2014-10-31", "has no action 'Promote'"),
])
def test_a_request_that_the_model_does_not_know_is_a_fault(scene, form, words):
    with pytest.raises(urllib.error.HTTPError):
        post(scene, "rds", form)
    assert words in scene.faults()[0]


def test_parameters_of_json_and_xml_are_checked_too(scene):
    scene.us.ecs.add_service("shop", "checkout")
    for call, params in (
            (scene.client("ecs").describe_services, {"cluster": "shop"}),
            (scene.client("ssm").send_command, {"DocumentName": "no/such name!"}),
            (scene.client("ecs").update_service, {"service": "x", "desiredCount": "3"})):
        with pytest.raises((ClientError, AttributeError)):
            call(**params)
        assert scene.faults(), params


def test_a_wrong_signature_is_a_fault_and_an_unknown_key_is_refused(scene):
    wrong = scene.client("rds", aws_secret_access_key="another")
    assert code_of(wrong.describe_db_instances) == "SignatureDoesNotMatch"
    assert len(scene.faults()) == 1
    unknown = scene.client("rds", aws_access_key_id="AKIANOBODY")
    assert code_of(unknown.describe_db_instances) == "InvalidClientTokenId"


@pytest.mark.parametrize("service, code", [
    ("rds", "SignatureDoesNotMatch"), ("ec2", "RequestExpired"),
    ("ecs", "InvalidSignatureException"), ("s3", "RequestTimeTooSkewed")])
def test_a_clock_that_is_far_off_is_refused_with_the_right_date(scene, service, code):
    scene.aws.clock_ahead = datetime.timedelta(minutes=10)
    call = {"rds": "describe_db_instances", "ec2": "describe_instances", "s3": "list_buckets",
            "ecs": "list_services"}[service]
    with pytest.raises(ClientError) as caught:
        getattr(scene.client(service), call)()
    assert caught.value.response["Error"]["Code"] == code
    date = caught.value.response["ResponseMetadata"]["HTTPHeaders"]["date"]
    ahead = (datetime.datetime.strptime(date, "%a, %d %b %Y %H:%M:%S GMT")
             - datetime.datetime.now(datetime.timezone.utc).replace(tzinfo=None))
    assert 590 < ahead.total_seconds() < 610


def test_a_policy_allows_what_it_says_and_nothing_else(scene, databases):
    scene.aws.allow({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Action": ["rds:Describe*", "rds:PromoteReadReplica"],
         "Resource": "arn:aws:rds:us-west-2:*:db:standby"}]})
    instance(databases)
    assert code_of(databases.describe_db_instances) == "AccessDenied"  # of all
    assert code_of(databases.stop_db_instance, DBInstanceIdentifier="standby") == "AccessDenied"
    assert code_of(scene.client("ec2").describe_instances) == "UnauthorizedOperation"
    told = scene.client("iam", "us-east-1")
    assert code_of(told.simulate_principal_policy, ActionNames=["rds:StopDBInstance"],
                   PolicySourceArn="arn:aws:iam::111122223333:user/pilotlight") == "AccessDenied"
    databases.promote_read_replica(DBInstanceIdentifier="standby")


# -- what is scripted -------------------------------------------------------------------------


def test_scripts_play_for_the_call_that_is_meant(scene, databases):
    scene.aws.script("throttle", action="DescribeDBInstances", nth=2)
    scene.aws.script("error", "InvalidDBInstanceState", number=4)
    instance(databases)
    assert code_of(databases.describe_db_instances) == "Throttling"
    instance(databases)
    assert code_of(databases.describe_db_instances) == "InvalidDBInstanceState"
    instance(databases)
    scene.aws.script("throttle", service="ec2", times=None)
    assert code_of(scene.client("ec2").describe_instances) == "RequestLimitExceeded"


@pytest.mark.parametrize("script, acts", [
    ("drop", 0), ("drop after", 1), ("half a reply", 1), ("never answer", 0),
    ("never answer after", 1)])
def test_replies_are_lost_before_the_act_or_after_it(scene, databases, script, acts):
    scene.aws.script(script, action="PromoteReadReplica")
    with pytest.raises((ConnectionClosedError, HTTPClientError, ResponseParserError)):
        databases.promote_read_replica(DBInstanceIdentifier="standby")
    assert len(scene.aws.journal.acts()) == acts
    assert instance(databases)


@pytest.mark.parametrize("script, acts", [("server error", 0), ("server error after", 1)])
def test_a_server_error_may_come_before_the_act_or_after_it(scene, databases, script, acts):
    scene.aws.script(script, action="PromoteReadReplica")
    assert code_of(databases.promote_read_replica, DBInstanceIdentifier="standby") in (
        "InternalFailure", "503", "500")
    assert len(scene.aws.journal.acts()) == acts


def test_reads_after_an_act_may_be_stale(scene, databases):
    scene.aws.pace.update({"settle": 0, "modifying": 0})
    scene.aws.script("stale", action="ModifyDBInstance", reads=2)
    databases.modify_db_instance(DBInstanceIdentifier="standby", MultiAZ=True,
                                 ApplyImmediately=True)
    assert [instance(databases)["MultiAZ"] for _ in range(3)] == [False, False, True]


def test_a_lost_region_never_answers_and_others_do(scene, databases):
    scene.aws.lose(EU)
    with pytest.raises(ReadTimeoutError):
        scene.client("rds", EU).describe_db_instances()
    assert instance(databases)
    assert [call.outcome for call in scene.aws.journal.of(region=EU)] == ["never answered"]
    scene.aws.find(EU)
    assert instance(scene.client("rds", EU), "orders")


@pytest.mark.parametrize("point, acts", [("before", 0), ("after", 1), ("sent", 1)])
def test_a_call_waits_at_a_point_for_what_a_test_does(scene, databases, point, acts):
    seen = []
    scene.aws.pause(1, point, lambda call: seen.append(len(scene.aws.journal.acts())))
    databases.promote_read_replica(DBInstanceIdentifier="standby")
    deadline = time.monotonic() + 5
    while not seen and time.monotonic() < deadline:
        time.sleep(0.01)
    assert seen == [acts]


def test_what_no_signature_says_is_for_nobody(scene):
    host, port = scene.aws.url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=5) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        assert connection.recv(100).startswith(b"HTTP/1.1 403")
    assert "for no service" in scene.faults()[0]
