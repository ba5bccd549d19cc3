"""What a large runbook costs the sidecar: ten regions' worth of resources in one."""
import pytest
from aws.server import ScriptedAws
from lib.daemon import US, is_sanitized
from lib.machine import status_field
from lib.shop import Shop, step

MOST_KIB = 20 << 10


@pytest.mark.long
@pytest.mark.skipif(is_sanitized(), reason="sanitizers take memory of their own")
def test_five_hundred_steps_side_by_side_fit_in_twenty_megabytes(house):
    aws = house.keep(ScriptedAws())
    region = aws.region(US)
    steps = [step("fence", "fence", groups=["data"])]
    for number in range(249):
        region.rds.add_instance(f"db-{number}")
        region.autoscaling.add_group(f"web-{number}")
        steps.append(step(f"resize-{number}", "rds.modify", "fence", groups=["data"],
                          instance=f"db-{number}", **{"class": "db.r6g.large"}))
        steps.append(step(f"scale-{number}", "autoscaling.scale", "fence", groups=["data"],
                          group=f"web-{number}", min=2, desired=2, max=6))
    steps.append(step("switch", "switch", "fence", groups=["data"]))
    shop = Shop(house, aws, steps).start()
    shop.failover("--timeout", "10m", timeout=620)
    assert set(shop.steps().values()) == {"done"}
    peak_kib = int(status_field(shop.sidecar.pid, "VmHWM").split()[0])
    print(f"{len(steps)} steps, peak {peak_kib} KiB")
    assert peak_kib < MOST_KIB
