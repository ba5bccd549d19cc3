"""EC2 Auto Scaling: groups that grow and shrink one look at a time, activities, instance refreshes.

New instances are `Pending` for `pace["launching"]`, then in service and in the group's target
groups. A group in `no_capacity` launches nothing and its activities fail."""
import itertools

from aws.pace import Thing
from aws.service import Refused, Service, plain_thing


class AutoScaling(Service):
    signs_as = "autoscaling"
    kinds = ("groups", "activities", "refreshes")
    PERMISSIONS = {}

    def __init__(self, aws, region):
        super().__init__(aws, region)
        self.no_capacity = set()
        self.refresh_ends = {}     # group -> "Failed", …
        self.numbers = itertools.count(1)

    def add_group(self, name, minimum=0, desired=0, maximum=10, target_groups=()):
        group = Thing(
            AutoScalingGroupName=name, AutoScalingGroupARN=self.arn(
                f"autoScalingGroup:c0ffee00-0000-4000-8000-000000000000:autoScalingGroupName/"
                f"{name}"),
            MinSize=minimum, MaxSize=maximum, DesiredCapacity=desired, DefaultCooldown=300,
            AvailabilityZones=[f"{self.region}a", f"{self.region}b"], HealthCheckType="ELB",
            LaunchTemplate={"LaunchTemplateId": "lt-0a1b2c3d4e5f60718", "Version": "1",
                            "LaunchTemplateName": name},
            CreatedTime=self.aws.now(), TargetGroupARNs=list(target_groups))
        group.aside["instances"] = {}
        self.groups[name] = group
        for _ in range(desired):
            self.launch(group).look()
        for instance in group.aside["instances"].values():
            instance.later.clear()
            self.begin_service(group, instance)
        return group

    # -- what happens -------------------------------------------------------------------------

    def launch(self, group):
        name = f"i-{next(self.numbers):017x}"
        instance = Thing(InstanceId=name, AvailabilityZone=f"{self.region}a",
                         LifecycleState="Pending", HealthStatus="Healthy",
                         ProtectedFromScaleIn=False)
        instance.then(self.pace["launching"], lambda it: self.begin_service(group, it))
        group.aside["instances"][name] = instance
        return instance

    def begin_service(self, group, instance):
        instance["LifecycleState"] = "InService"
        for arn in group["TargetGroupARNs"]:
            self.aws.region(self.region).elbv2.register(arn, instance["InstanceId"])

    def settle(self, group):
        """As many instances as are desired."""
        name, instances = group["AutoScalingGroupName"], group.aside["instances"]
        while len(instances) < group["DesiredCapacity"] and name not in self.no_capacity:
            self.launch(group)
        while len(instances) > group["DesiredCapacity"]:
            gone, _ = instances.popitem()
            for arn in group["TargetGroupARNs"]:
                self.aws.region(self.region).elbv2.deregister(arn, gone)
        failed = name in self.no_capacity and len(instances) < group["DesiredCapacity"]
        self.activities[len(self.activities)] = {
            "ActivityId": f"activity-{len(self.activities)}", "AutoScalingGroupName": name,
            "Description": "Launching a new EC2 instance", "StartTime": self.aws.now(),
            "Cause": "a change of the desired capacity", "Progress": 100,
            "StatusCode": "Failed" if failed else "Successful",
            **({"StatusMessage": "We currently do not have sufficient m6g.large capacity. Launching"
                                 " EC2 instance failed."} if failed else {})}

    def shown(self, group):
        for instance in list(group.aside["instances"].values()):
            self.look(instance)
        self.look(group)
        return {**plain_thing(group),
                "Instances": [plain_thing(each) for each in group.aside["instances"].values()]}

    def find(self, name):
        if name not in self.groups:
            raise Refused("ValidationError", f"AutoScalingGroup name not found - {name}", 400)
        return self.groups[name]

    # -- calls --------------------------------------------------------------------------------

    def describe_auto_scaling_groups(self, params):
        names = params.get("AutoScalingGroupNames")
        wanted = [group for name, group in self.groups.items() if not names or name in names]
        shown, more = self.page(wanted, params, 50, "NextToken")
        return {"AutoScalingGroups": [self.shown(group) for group in shown], **more}

    def update_auto_scaling_group(self, params):
        group = self.find(params["AutoScalingGroupName"])
        sizes = {key: params.get(key, group[key])
                 for key in ("MinSize", "MaxSize", "DesiredCapacity")}
        if not sizes["MinSize"] <= sizes["DesiredCapacity"] <= sizes["MaxSize"]:
            # as AWS does where the desired capacity was not given
            if "DesiredCapacity" in params or sizes["MinSize"] > sizes["MaxSize"]:
                raise Refused("ValidationError", f"Desired capacity:{sizes['DesiredCapacity']} must"
                              f" be between the specified min size:{sizes['MinSize']} and max"
                              f" size:{sizes['MaxSize']}", 400)
            sizes["DesiredCapacity"] = min(max(sizes["DesiredCapacity"], sizes["MinSize"]),
                                           sizes["MaxSize"])
        self.acts(params["AutoScalingGroupName"], *(f"{key}={sizes[key]}" for key in sizes))
        group.update(sizes)
        group.then(self.pace["settle"], self.settle)
        return {}

    def describe_scaling_activities(self, params):
        name = params.get("AutoScalingGroupName")
        if name in self.groups:
            self.look(self.groups[name])
        wanted = [each for each in self.activities.values()
                  if name in (None, each["AutoScalingGroupName"])][::-1]
        shown, more = self.page(wanted, params, 100, "NextToken")
        return {"Activities": shown, **more}

    def start_instance_refresh(self, params):
        name = params["AutoScalingGroupName"]
        self.find(name)
        for refresh in self.refreshes.values():
            if refresh["AutoScalingGroupName"] == name and refresh["Status"] in (
                    "Pending", "InProgress"):
                self.fault(f"a second refresh of {name} while one is under way")
                raise Refused("InstanceRefreshInProgress", "An Instance Refresh is going on", 400)
        self.acts(name)
        number = f"08b91cf7-8fa6-48af-b6a6-{len(self.refreshes) + 1:012x}"
        refresh = Thing(InstanceRefreshId=number, AutoScalingGroupName=name, Status="Pending",
                        StartTime=self.aws.now(), PercentageComplete=0, InstancesToUpdate=2)
        refresh.then(self.pace["refresh pending"], lambda it: it.update(
            Status="InProgress", PercentageComplete=50))
        refresh.then(self.pace["refreshing"], lambda it: it.update(
            Status=self.refresh_ends.get(name, "Successful"), PercentageComplete=100,
            EndTime=self.aws.now(), InstancesToUpdate=0))
        self.refreshes[number] = refresh
        return {"InstanceRefreshId": number}

    def describe_instance_refreshes(self, params):
        self.find(params["AutoScalingGroupName"])
        wanted = [each for each in self.refreshes.values()
                  if each["AutoScalingGroupName"] == params["AutoScalingGroupName"]
                  and each["InstanceRefreshId"] in params.get("InstanceRefreshIds",
                                                              [each["InstanceRefreshId"]])][::-1]
        shown, more = self.page(wanted, params, 50, "NextToken")
        return {"InstanceRefreshes": [plain_thing(self.look(each)) for each in shown], **more}

    def resources(self, action, params):
        if action.startswith("Describe"):
            return ["*"]
        name = params["AutoScalingGroupName"]
        if name in self.groups:
            return [self.groups[name]["AutoScalingGroupARN"]]
        return [self.arn(f"autoScalingGroup:none:autoScalingGroupName/{name}")]
