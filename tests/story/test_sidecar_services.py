"""What brings services up, end to end: machines, tasks, stacks, deployments, commands."""
import contextlib
import itertools
import json
import threading

import pytest
from aws.server import ScriptedAws
from conftest import House
from lib.daemon import US
from lib.machine import MANY
from lib.shop import Shop, step

STEPS = {
    "scale": ("autoscaling.scale", {"group": "web", "min": 2, "desired": 2, "max": 6}),
    "refresh": ("autoscaling.refresh", {"group": "batch"}),
    "start": ("ec2.start", {"tags": {"role": "queue"}}),
    "healthy": ("elbv2.wait_healthy", {"target_group": "web", "count": 2}),
    "tasks": ("ecs.scale", {"cluster": "main", "service": "api", "desired": 3}),
    "create": ("cloudformation.deploy", {
        "stack": "edge", "template_url": "https://s3.us-west-2.amazonaws.com/t/edge.yaml",
        "parameters": {"Size": "large"}}),
    "update": ("cloudformation.deploy", {"stack": "net", "parameters": {"Size": "large"}}),
    "deploy": ("codedeploy.deploy", {
        "application": "shop", "deployment_group": "dr", "revision": "s3://builds/1.zip"}),
    "run": ("ssm.run", {"document": "AWS-RunShellScript", "targets": ["tag:role=queue"],
                        "parameters": {"commands": ["true"]}}),
}
ACTS = {
    "scale": "UpdateAutoScalingGroup", "refresh": "StartInstanceRefresh", "start": "StartInstances",
    "tasks": "UpdateService", "create": "CreateStack", "update": "UpdateStack",
    "deploy": "CreateDeployment", "run": "SendCommand"}
HARMLESS = {"UpdateAutoScalingGroup", "StartInstances", "UpdateService"}


@pytest.fixture
def aws(house):
    return house.keep(ScriptedAws())


def services(aws):
    us = aws.region(US)
    arn = us.elbv2.add_target_group("web")
    us.autoscaling.add_group("web", target_groups=[arn])
    us.autoscaling.add_group("batch", 2, 2, 2)
    for name in ("i-0a", "i-0b"):
        us.ec2.add(name, role="queue")
        us.ssm.add_instance(name, role="queue")
    us.ec2.add("i-0c", role="other")
    us.ec2.add("i-0d", "terminated", role="queue")
    us.ecs.add_service("main", "api")
    us.cloudformation.add_stack("net", Size="small", Vpc="vpc-1")
    us.codedeploy.add_group("shop", "dr")


def all_steps(names=STEPS):
    return [step("fence", "fence", groups=["data"]),
            step("switch", "switch", "fence", groups=["data"]),
            *(step(name, STEPS[name][0],
                   *(["scale"] if name == "healthy" and "scale" in names else []),
                   *(["start"] if name == "run" and "start" in names else []),
                   groups=["default"], **STEPS[name][1]) for name in names),
            step("switch-services", "switch", *names, groups=["default"])]


def shop_of(house, aws, *names, **changes):
    services(aws)
    return Shop(house, aws, all_steps(names or STEPS), **changes).start()


def go(shop, expect=0):
    return shop.failover("--group", "default", expect=expect)


def test_everything_is_brought_up_within_the_rights_that_the_plan_asks_for(house, aws):
    shop = shop_of(house, aws)
    policy = json.loads(shop.daemon.cli("plan", US, "--iam", expect=0).out)
    aws.allow(policy)
    go(shop)
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert aws.journal.counts() == {action: 1 for action in ACTS.values()}
    assert not [call for call in aws.journal if call.code == "AccessDenied"]
    assert aws.faults == []
    assert aws.region(US).ec2.instances["i-0c"]["State"]["Name"] == "stopped"


@pytest.mark.parametrize("name", ACTS)
def test_a_reply_that_is_lost_is_looked_for(house, aws, name):
    shop = shop_of(house, aws, *(["start"] if name == "run" else []), name)
    aws.script("drop after", action=ACTS[name])
    go(shop)
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    counts = aws.journal.counts()
    assert counts[ACTS[name]] == 1 or ACTS[name] in HARMLESS, aws.journal
    assert aws.faults == []


@pytest.mark.parametrize("name", ACTS)
def test_what_aws_shows_late_is_not_done_twice(house, aws, name):
    shop = shop_of(house, aws, *(["start"] if name == "run" else []), name)
    aws.script("stale", action=ACTS[name], reads=2)
    go(shop)
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert aws.journal.counts()[ACTS[name]] == 1, aws.journal
    assert aws.faults == []


@pytest.mark.parametrize("name", ACTS)
def test_a_throttle_is_asked_again(house, aws, name):
    shop = shop_of(house, aws, *(["start"] if name == "run" else []), name)
    aws.script("throttle", action=ACTS[name], times=2)
    go(shop)
    assert set(shop.steps().values()) == {"done"}, shop.transition()
    assert aws.faults == []


@pytest.mark.parametrize("name", ACTS)
def test_a_refusal_for_good_says_code_and_request(house, aws, name):
    shop = shop_of(house, aws, *(["start"] if name == "run" else []), name)
    aws.script("error", "AccessDenied", 403, action=ACTS[name], times=None)
    go(shop, expect=1)
    it = shop.step(name)
    assert it["status"] == "failed", shop.transition()
    assert it["aws"]["code"] == "AccessDenied" and it["aws"]["request_id"]


def test_what_fails_is_said(house, aws):
    shop = shop_of(house, aws)
    us = aws.region(US)
    us.cloudformation.fails |= {"net", "edge"}
    us.codedeploy.ends["dr"] = "Failed"
    us.ssm.ends["i-0b"] = "TimedOut"
    us.autoscaling.refresh_ends["batch"] = "RollbackSuccessful"
    go(shop, expect=1)
    words = " ".join(each["detail"] for each in shop.transition()["steps"].values()
                     if each["status"] == "failed")
    assert any(said in words for said in (
        "failed to create: [Instances]", "HEALTH_CONSTRAINTS", "i-0b: TimedOut",
        "RollbackSuccessful")), shop.transition()


def test_a_plan_says_what_would_be_done_and_does_nothing(house, aws):
    shop = shop_of(house, aws)
    plan = json.loads(shop.daemon.cli("plan", US, "--json", expect=None).out)
    status = {each["step"]: each["status"] for each in plan["steps"]}
    assert {name: status[name] for name in STEPS} == {
        **dict.fromkeys(STEPS, "act"), "healthy": "wait"}, plan
    assert aws.journal.counts() == {}


class Killing:
    def __init__(self, house):
        self.aws = house.keep(ScriptedAws())
        self.shop = shop_of(house, self.aws)
        self.killed = threading.Event()

    def kill(self, call):
        self.shop.sidecar.kill()
        self.killed.set()

    def run(self, number, point):
        self.aws.pause(number, point, self.kill)
        command = self.shop.daemon.start_cli("failover", US, "--yes", "--group", "default")
        while command.poll() is None:
            if self.killed.wait(0.01) and self.shop.sidecar.killed:
                self.shop.another_sidecar()
        out, err = command.communicate(timeout=MANY)
        told = f"killed {point} call {number}:\n{self.aws.journal}"
        assert command.returncode == 0, (out, err, told)
        assert set(self.shop.steps().values()) == {"done"}, told
        for action, count in self.aws.journal.counts().items():
            assert count == 1 or action in HARMLESS, (action, count, told)
        assert self.aws.faults == [], told
        return self.killed.is_set()


@pytest.mark.long
@pytest.mark.parametrize("point", ["before", "after", "sent"])
def test_whenever_it_is_killed_nothing_is_done_twice(point):
    for number in itertools.count(1):
        with contextlib.ExitStack() as stack:
            if not Killing(House(stack)).run(number, point):
                break
    assert number > 20
