"""RDS: instances, read replicas, Aurora global databases.

A change is taken at once, but for `pace["settle"]` the instance still looks as before, `available`
included; then it passes through the statuses that the change has, then it is so. A change in
`silent_failures` (an instance's name) ends in `available` without effect, and an event says why."""
import datetime

from aws.pace import Thing
from aws.service import ACCOUNT, Refused, Service, plain_thing

MODIFIABLE = ("DBInstanceClass", "MultiAZ", "BackupRetentionPeriod")


class Rds(Service):
    signs_as = "rds"
    kinds = ("instances", "events", "clusters")
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.no_capacity = set()       # classes
        self.silent_failures = set()   # instances
        self.creation_fails = set()

    # -- for tests ----------------------------------------------------------------------------

    def add_instance(self, name, **members):
        instance = Thing(**{
            "DBInstanceIdentifier": name, "DBInstanceArn": self.arn(f"db:{name}"),
            "DBInstanceClass": "db.r6g.large", "Engine": "postgres", "EngineVersion": "15.4",
            "DBInstanceStatus": "available", "MultiAZ": False, "BackupRetentionPeriod": 7,
            "DbiResourceId": f"db-{name.upper()}", "AvailabilityZone": f"{self.region}a",
            "ReadReplicaDBInstanceIdentifiers": [], "PendingModifiedValues": {}, "StatusInfos": [],
            "VpcSecurityGroups": [{"VpcSecurityGroupId": "sg-0a1b2c3d", "Status": "active"}],
            "Endpoint": {"Address": f"{name}.c1.{self.region}.rds.amazonaws.com", "Port": 5432},
            **members})
        self.instances[name] = instance
        return instance

    def add_replica(self, name, source, **members):
        """`source`: a name in this region, or an ARN."""
        replica = self.add_instance(name, **{
            "ReadReplicaSourceDBInstanceIdentifier": source, "BackupRetentionPeriod": 0,
            "StatusInfos": [replicating()], **members})
        self.replicas_of(source).append(self.name_for(source, replica))
        return replica

    def replicas_of(self, source):
        """The list that the source has of them, wherever it is."""
        name = source.rpartition(":")[2]
        return self.home_of(source).instances[name]["ReadReplicaDBInstanceIdentifiers"]

    def home_of(self, source):
        region = source.split(":")[3] if source.startswith("arn:") else self.region
        return self.aws.region(region).rds if region != self.region else self

    def name_for(self, source, replica):
        """What a source calls its replica: one in another region by its ARN."""
        is_here = self.home_of(source) is self
        return replica["DBInstanceIdentifier" if is_here else "DBInstanceArn"]

    def add_global_cluster(self, name, writer, readers):
        """Clusters by ARN. All regions show the same; an act is for the target's own region."""
        cluster = Thing(
            GlobalClusterIdentifier=name, Status="available", Engine="aurora-postgresql",
            GlobalClusterArn=f"arn:aws:rds::{ACCOUNT}:global-cluster:{name}",
            GlobalClusterMembers=[
                {"DBClusterArn": arn, "IsWriter": arn == writer,
                 "Readers": [] if arn != writer else list(readers)}
                for arn in (writer, *readers)])
        for arn in (writer, *readers):
            self.aws.region(arn.split(":")[3]).rds.clusters[name] = cluster
        return cluster

    def tell(self, source, message, kind="db-instance"):
        self.events[len(self.events)] = {
            "SourceIdentifier": source, "SourceType": kind, "Message": message,
            "Date": self.aws.now(), "EventCategories": ["configuration change"],
            "SourceArn": self.arn(f"db:{source}")}

    # -- reads --------------------------------------------------------------------------------

    def find(self, name, look=False):
        """By name or ARN."""
        short = name.rpartition(":")[2]
        if name.startswith("arn:") and name.split(":")[3] != self.region:
            raise Refused("InvalidParameterValue", f"{name} is not of {self.region}")
        if look and short in self.instances:
            self.look(self.instances[short])  # which may rename it
        if short not in self.instances:
            raise Refused("DBInstanceNotFound", f"DBInstance {short} not found.")
        return self.instances[short]

    def describe_db_instances(self, params):
        if "DBInstanceIdentifier" in params:
            return {"DBInstances": [plain_thing(self.find(params["DBInstanceIdentifier"], True))]}
        for instance in list(self.instances.values()):
            self.look(instance)
        wanted = list(self.instances.values())
        for each in params.get("Filters", []):
            if each["Name"] != "db-instance-id":
                raise Refused("InvalidParameterValue", f"Unrecognized filter name: {each['Name']}")
            names = {value.rpartition(":")[2] for value in each["Values"]}
            wanted = [one for one in wanted if one["DBInstanceIdentifier"] in names]
        shown, more = self.page(wanted, params, 100)
        return {"DBInstances": [plain_thing(each) for each in shown], **more}

    def describe_events(self, params):
        since = params.get("StartTime")
        if since is None:
            since = self.aws.now() - datetime.timedelta(minutes=params.get("Duration", 60))
        source = params.get("SourceIdentifier")
        events = [event for event in self.events.values()
                  if event["Date"] >= since and source in (None, event["SourceIdentifier"])
                  and params.get("SourceType") in (None, event["SourceType"])]
        shown, more = self.page(events, params, 100)
        return {"Events": shown, **more}

    def describe_global_clusters(self, params):
        name = params.get("GlobalClusterIdentifier")
        if name and name not in self.clusters:
            raise Refused("GlobalClusterNotFoundFault", f"Global cluster {name} not found", 404)
        wanted = [self.clusters[name]] if name else list(self.clusters.values())
        shown, more = self.page(wanted, params, 100)
        return {"GlobalClusters": [plain_thing(self.look(each)) for each in shown], **more}

    def describe_orderable_db_instance_options(self, params):
        name = params.get("DBInstanceClass", "db.r6g.large")
        if name in self.no_capacity or not name.startswith("db."):
            return {"OrderableDBInstanceOptions": []}
        return {"OrderableDBInstanceOptions": [{
            "Engine": params["Engine"], "EngineVersion": "15.4", "DBInstanceClass": name,
            "MultiAZCapable": True, "ReadReplicaCapable": True,
            "AvailabilityZones": [{"Name": f"{self.region}a"}, {"Name": f"{self.region}b"}]}]}

    # -- acts ---------------------------------------------------------------------------------

    def ready(self, name, *others):
        instance = self.find(name)
        if instance["DBInstanceStatus"] not in ("available", "storage-optimization", *others):
            raise Refused("InvalidDBInstanceState", f"Instance {name} is in status"
                                                    f" {instance['DBInstanceStatus']}.")
        return instance

    def pass_through(self, instance, *statuses):
        instance.then(self.pace["settle"], becomes(statuses[0]))
        for now, after in zip(statuses, [*statuses[1:], None], strict=True):
            if after:
                instance.then(self.pace[now], becomes(after))
        return statuses[-1]

    def promote_read_replica(self, params):
        name = params["DBInstanceIdentifier"]
        instance = self.find(name)
        if instance.aside.get("promoted"):
            self.fault(f"{name} is promoted a second time")
        self.ready(name)
        if "ReadReplicaSourceDBInstanceIdentifier" not in instance or instance.later:
            raise Refused("InvalidDBInstanceState", f"DB Instance {name} is not a read replica.")
        self.acts(name)
        instance.aside["promoted"] = True
        retention = params.get("BackupRetentionPeriod", 1)
        last = self.pass_through(instance, "modifying", "rebooting")
        instance.then(self.pace[last], lambda it: self.stands_alone(it, retention))
        if retention:
            instance.then(self.pace["backing-up"], becomes("available"))
        return {"DBInstance": plain_thing(instance)}

    def stands_alone(self, instance, retention):
        source = instance.pop("ReadReplicaSourceDBInstanceIdentifier")
        name = instance["DBInstanceIdentifier"]
        self.replicas_of(source).remove(self.name_for(source, instance))
        instance.update(StatusInfos=[], BackupRetentionPeriod=retention,
                        DBInstanceStatus="backing-up" if retention else "available")
        self.tell(name, "Promoted Read Replica instance to a standalone database instance.")

    def modify_db_instance(self, params):
        name = params["DBInstanceIdentifier"]
        instance = self.ready(name)
        changes = {key: params[key] for key in MODIFIABLE
                   if key in params and params[key] != instance.get(key)}
        if changes.get("DBInstanceClass") in self.no_capacity:
            raise Refused("InsufficientDBInstanceCapacity",
                          f"no capacity for {changes['DBInstanceClass']}")
        if not params.get("DBInstanceClass", "db.").startswith("db."):
            raise Refused("InvalidParameterValue", "Invalid DB Instance class")
        new_name = params.get("NewDBInstanceIdentifier")
        if new_name and instance.aside.get("renaming"):
            raise Refused("InvalidDBInstanceState", f"{name} is being renamed already")
        if new_name in self.instances:
            raise Refused("DBInstanceAlreadyExists", f"DB instance {new_name} already exists")
        self.acts(name, *(f"{key}={value}" for key, value in changes.items()))
        if "VpcSecurityGroupIds" in params:
            instance["VpcSecurityGroups"] = [{"VpcSecurityGroupId": each, "Status": "active"}
                                             for each in params["VpcSecurityGroupIds"]]
        if changes:
            self.modify(instance, changes, params.get("ApplyImmediately", False))
        if new_name and params.get("ApplyImmediately"):
            self.rename(instance, new_name)
        return {"DBInstance": plain_thing(instance)}

    def modify(self, instance, changes, now):
        name = instance["DBInstanceIdentifier"]
        if not now:
            instance["PendingModifiedValues"] = changes  # until a window that no test waits for
            return
        fails = name in self.silent_failures
        self.silent_failures.discard(name)
        instance["PendingModifiedValues"] = dict(changes)
        last = self.pass_through(instance, "modifying")

        def finish(it):
            it["PendingModifiedValues"] = {}
            it["DBInstanceStatus"] = "available"
            if fails:
                self.tell(name, "Unable to modify database instance class: capacity is missing.")
            else:
                it.update(changes)
                self.tell(name, "Finished applying modification to DB instance class.")
        instance.then(self.pace[last], finish)

    def rename(self, instance, new_name):
        old_name = instance["DBInstanceIdentifier"]
        instance.aside["renaming"] = True

        def finish(it):
            it.aside["renaming"] = False
            if self.instances.get(old_name) is it:
                del self.instances[old_name]
            it.update(DBInstanceIdentifier=new_name, DBInstanceStatus="available",
                      DBInstanceArn=self.arn(f"db:{new_name}"))
            self.instances[new_name] = it
        last = self.pass_through(instance, "renaming")
        instance.then(self.pace[last], finish)

    def create_db_instance_read_replica(self, params):
        name, source = params["DBInstanceIdentifier"], params.get("SourceDBInstanceIdentifier", "")
        if name in self.instances:
            if self.instances[name].aside.get("created"):
                self.fault(f"{name} is created a second time")
            raise Refused("DBInstanceAlreadyExists", f"DB instance {name} already exists")
        if self.home_of(source).region in self.aws.lost:
            raise Refused("InvalidDBInstanceState", f"the region of {source} does not answer")
        original = self.home_of(source).ready(source.rpartition(":")[2], "backing-up")
        if not original["BackupRetentionPeriod"]:
            raise Refused("InvalidDBInstanceState",
                          f"Automated backups are not enabled for {source}")
        if params.get("DBInstanceClass") in self.no_capacity:
            raise Refused("InsufficientDBInstanceCapacity", "no capacity")
        self.acts(name, source)
        replica = self.add_replica(
            name, source, DBInstanceStatus="creating", StatusInfos=[], Endpoint=None,
            DBInstanceClass=params.get("DBInstanceClass", original["DBInstanceClass"]),
            MultiAZ=params.get("MultiAZ", False))
        replica.aside["created"] = True
        self.finish_creating(replica)
        return {"DBInstance": plain_thing(replica)}

    def finish_creating(self, replica):
        name = replica["DBInstanceIdentifier"]
        if name in self.creation_fails:
            replica.then(self.pace["creating"], becomes("failed"))
            return
        address = {"Address": f"{name}.c1.{self.region}.rds.amazonaws.com", "Port": 5432}
        replica.then(self.pace["creating"], lambda it: it.update(
            DBInstanceStatus="available", Endpoint=address))
        replica.then(self.pace["replicating"], lambda it: it.update(StatusInfos=[replicating()]))

    def stop_db_instance(self, params):
        name = params["DBInstanceIdentifier"]
        instance = self.ready(name)
        if (instance["ReadReplicaDBInstanceIdentifiers"]
                or "ReadReplicaSourceDBInstanceIdentifier" in instance):
            raise Refused("InvalidDBInstanceState", f"{name} has or is a read replica")
        self.acts(name)
        last = self.pass_through(instance, "stopping")
        instance.then(self.pace[last], becomes("stopped"))
        return {"DBInstance": plain_thing(instance)}

    # -- Aurora -------------------------------------------------------------------------------

    def move_writer(self, params, loses):
        name, target = params["GlobalClusterIdentifier"], params["TargetDbClusterIdentifier"]
        cluster = self.clusters.get(name)
        if cluster is None:
            raise Refused("GlobalClusterNotFoundFault", f"Global cluster {name} not found", 404)
        members = {each["DBClusterArn"]: each for each in cluster["GlobalClusterMembers"]}
        if target not in members:
            raise Refused("DBClusterNotFoundFault", f"{target} is no member of {name}", 404)
        if cluster["Status"] != "available" or cluster.later:
            raise Refused("InvalidGlobalClusterStateFault", f"{name} is {cluster['Status']}")
        if members[target]["IsWriter"]:
            self.fault(f"{target} is the writer already")
            raise Refused("InvalidDBClusterStateFault", f"{target} is the writer already")
        old = next(arn for arn, each in members.items() if each["IsWriter"])
        self.acts(name, target)
        status = "failing-over" if loses else "switching-over"
        cluster.update(Status=status, FailoverState={
            "Status": "pending", "FromDbClusterArn": old, "ToDbClusterArn": target,
            "IsDataLossAllowed": loses})
        cluster.then(self.pace["settle"], lambda it: it["FailoverState"].update(
            Status="failing-over"))
        cluster.then(self.pace["failing-over"], lambda it: self.moved(it, target))
        return {"GlobalCluster": plain_thing(cluster)}

    @staticmethod
    def moved(cluster, target):
        arns = [each["DBClusterArn"] for each in cluster["GlobalClusterMembers"]]
        cluster.update(Status="available", GlobalClusterMembers=[
            {"DBClusterArn": arn, "IsWriter": arn == target,
             "Readers": [each for each in arns if each != arn] if arn == target else []}
            for arn in arns])
        cluster.pop("FailoverState")

    def failover_global_cluster(self, params):
        """Without AllowDataLoss AWS makes it a switchover."""
        return self.move_writer(params, loses=params.get("AllowDataLoss", False))

    def switchover_global_cluster(self, params):
        return self.move_writer(params, loses=False)

    # -- rights -------------------------------------------------------------------------------

    def resources(self, action, params):
        def database(name):
            return name if name.startswith("arn:") else self.arn(f"db:{name}")
        name = params.get("DBInstanceIdentifier")
        if action == "DescribeDBInstances":
            return [database(name or "*")]
        if action == "CreateDBInstanceReadReplica":
            return [database(name), database(params["SourceDBInstanceIdentifier"]),
                    self.arn("og:default:postgres-15"), self.arn("pg:default.postgres15"),
                    self.arn("subgrp:default")]
        if action in ("PromoteReadReplica", "ModifyDBInstance", "StopDBInstance"):
            renamed = params.get("NewDBInstanceIdentifier")
            return [database(each) for each in (name, renamed) if each]
        if action == "DescribeEvents":
            return ["*"]
        if "GlobalCluster" in action:
            cluster = params.get("GlobalClusterIdentifier", "*")
            target = params.get("TargetDbClusterIdentifier")
            return [f"arn:aws:rds::{ACCOUNT}:global-cluster:{cluster}", *filter(None, [target])]
        return ["*"]


def replicating():
    return {"StatusType": "read replication", "Normal": True, "Status": "replicating"}


def becomes(status):
    return lambda thing: thing.update(DBInstanceStatus=status)
