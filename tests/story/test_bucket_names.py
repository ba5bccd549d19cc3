"""A bucket's host names, given and derived: whose they are, with and without a gateway."""
import json

import pytest

from lib.ask import addresses, ask, has_soa, rcode
from lib.daemon import EU, US, run_program

REGIONAL = "shop-eu.s3.eu-west-1.amazonaws.com"
DERIVED = [REGIONAL, "shop-us.s3.us-west-2.amazonaws.com", "shop-us.s3.eu-west-1.amazonaws.com",
           "shop-eu.s3-eu-west-1.amazonaws.com", "shop-us.s3.dualstack.us-west-2.amazonaws.com",
           "shop-eu.s3.amazonaws.com"]
HOSTS = ["s3.eu-west-1.amazonaws.com", "s3-us-west-2.amazonaws.com"]


def bucket(eu="shop-eu", us="shop-us", **more):
    return {"type": "bucket", "group": "static", "buckets": {EU: eu, US: us}, **more}


@pytest.fixture
def daemon(house, upstream):
    daemon = house.daemon([upstream], endpoints={
        "assets": bucket(names=["assets.shop.internal"], path_style=True)})
    daemon.write_config(gateway={"listen": f"{daemon.address}:8080"})
    return daemon.start()


def gateway_runs(daemon):
    return "bucket: its names are left to the upstreams" not in daemon.log()


def test_without_a_gateway_they_are_left_to_the_upstreams_with_a_warning(daemon, upstream):
    if gateway_runs(daemon):
        pytest.skip("this version has a gateway")
    upstream.script(REGIONAL, lambda asked: asked.answer(f"{REGIONAL}. 60 A 192.0.2.77"))
    assert addresses(ask(daemon, REGIONAL)) == ["192.0.2.77"]
    assert "endpoint=assets" in daemon.log()


@pytest.mark.parametrize("name", [*DERIVED, *HOSTS, "assets.shop.internal"])
def test_with_one_they_answer_its_address_before_and_after_a_switch(daemon, name):
    if not gateway_runs(daemon):
        pytest.skip("this version has no gateway")
    assert addresses(ask(daemon, name)) == [daemon.address]
    daemon.switch(US)
    assert addresses(ask(daemon, name)) == [daemon.address]
    for type_ in ("AAAA", "TXT", "HTTPS"):
        answer = ask(daemon, name, type_)
        assert (rcode(answer), answer.answer, has_soa(answer)) == ("NOERROR", [], True)


def check(tmp_path, **endpoints):
    path = tmp_path / "pilotlight.json"
    path.write_text(json.dumps({"regions": [EU, US], "endpoints": endpoints}, indent=1))
    return run_program("pilotlightd", "--check", "-c", path)


def test_a_name_that_two_endpoints_claim_is_refused_with_its_line(tmp_path):
    result = check(tmp_path, assets=bucket(), web={
        "type": "name", "names": [REGIONAL], "targets": {EU: "192.0.2.1", US: "192.0.2.2"}})
    assert result.status == 2
    assert result.err.endswith(f'.json:18: endpoints.web.names[0]: "{REGIONAL}" is a name of '
                               'endpoint "assets" already\n')


def test_a_bucket_that_is_used_twice_is_refused_with_its_line(tmp_path):
    result = check(tmp_path, assets=bucket(), twice=bucket(us="more-us"), same=bucket("a-b", "a-b"))
    assert result.status == 2
    lines = result.err.splitlines()
    assert len(lines) == 2
    assert lines[0].endswith(':19: endpoints.twice.buckets.eu-west-1: "shop-eu" is a bucket of '
                             'endpoint "assets" already')
    assert lines[1].endswith(':28: endpoints.same.buckets.us-west-2: "a-b" is the bucket of region '
                             '"eu-west-1" already')
