"""The configuration: read whole or not at all, with every error at its line."""
import json
import os
import re
import signal

import pytest

from lib.ask import addresses, ask, rcode
from lib.daemon import EU, US, run_program
from lib.machine import eventually

GOOD = """{
  // a comment
  "regions": ["eu-west-1", "us-west-2"], /* another */
  "endpoints": {
    "search": { "type": "name", "names": ["search.shop.internal"],
                "targets": { "eu-west-1": "192.0.2.1", "us-west-2": "192.0.2.2" } }
  }
}
"""


def check(tmp_path, text):
    path = tmp_path / "pilotlight.json"
    path.write_text(text)
    return run_program("pilotlightd", "--check", "-c", path)


def test_a_good_file_with_comments_and_defaults_passes(tmp_path):
    result = check(tmp_path, GOOD)
    assert result.status == 0, result


def test_every_error_is_reported_with_file_line_and_key(tmp_path):
    result = check(tmp_path, """{
  "regions": ["eu-west-1", "us-west-2"],
  "resolver": {
    "listen": "127.0.0.1",
    "colour": "blue",
    "ttl": 1
  },
  "endpoints": {
    "search": {
      "type": "name",
      "names": ["search.shop.internal"],
      "targets": { "eu-west-1": "192.0.2.1" }
    },
    "other": {
      "type": "name",
      "names": ["search.shop.internal"],
      "targets": { "eu-west-1": "192.0.2.1", "us-west-2": "192.0.2.2", "mars": "192.0.2.3" }
    }
  }
}
""")
    assert result.status == 2
    lines = (result.out + result.err).splitlines()
    found = {}
    for line in lines:
        match = re.search(r"pilotlight\.json:(\d+): ([\w.*-]+)", line)
        if match:
            found.setdefault(int(match[1]), []).append(match[2])
    assert set(found) >= {5, 6, 12, 17}, lines
    assert "resolver.colour" in found[5]
    assert "resolver.ttl" in found[6]
    assert any(key.startswith("endpoints.search.targets") for key in found[12])
    assert any(key.startswith("endpoints.other.targets") for key in found[17])
    assert 'no target for region "us-west-2"' in "\n".join(lines)


@pytest.mark.parametrize("change", [
    ('"regions"', '"regoins"'), ('["eu-west-1", "us-west-2"]', '["eu-west-1"]'),
    ('["eu-west-1", "us-west-2"]', '["eu-west-1", "eu-west-1"]'),
    ('"name"', '"planet"'), ('"192.0.2.1"', '42'), ('"192.0.2.1"', '"not a host!"'),
    ('"192.0.2.1"', '"search.shop.internal:99999"'),
    ('["search.shop.internal"]', '[]'), ('["search.shop.internal"]', '["a..b"]'),
    ('["search.shop.internal"]', '["a.*.b"]'), ('{\n  //', '\n  //'), ('}\n}\n', '}\n'),
    ('}\n}\n', '}\n} trailing\n'), ('"type": "name", ', '"type": "name", "type": "name", '),
    ('  "endpoints"', '  "runbooks": {"mars": {"steps": []}},\n  "endpoints"'),
    ('  "endpoints"', '  "health": {"fall": 0},\n  "endpoints"'),
    ('  "endpoints"', '  "resolver": {"allow": ["127.0.0.0/33"]},\n  "endpoints"'),
    ('  "endpoints"', '  "resolver": {"threads": -1},\n  "endpoints"'),
    ('  "endpoints"', '  "resolver": {"cache_size": "lots"},\n  "endpoints"'),
    ('  "endpoints"', '  "log": {"level": "loud"},\n  "endpoints"'),
], ids=lambda change: re.sub(r"\W+", "_", change[1])[:40])
def test_what_is_wrong_is_refused_with_a_line(tmp_path, change):
    text = GOOD.replace(*change)
    assert text != GOOD
    result = check(tmp_path, text)
    assert result.status == 2
    assert re.search(r"pilotlight\.json:\d+: ", result.out + result.err)


def test_a_target_that_is_another_endpoints_name_is_an_error(tmp_path):
    result = check(tmp_path, GOOD.replace('"search": {', '''"other": {
      "type": "name", "names": ["other.shop.internal"],
      "targets": { "eu-west-1": "search.shop.internal", "us-west-2": "192.0.2.2" } },
    "search": {'''))
    assert result.status == 2 and "endpoints.other.targets" in result.out + result.err


def test_a_missing_file_is_2_and_named(tmp_path):
    result = run_program("pilotlightd", "--check", "-c", tmp_path / "nowhere.json")
    assert result.status == 2 and "nowhere.json" in result.err


def test_a_runbook_that_switches_before_its_fence_is_refused(tmp_path):
    steps = [{"id": "s", "step": "switch", "groups": ["data"]},
             {"id": "f", "step": "fence", "groups": ["data"], "needs": ["s"]}]
    text = json.dumps({"regions": [EU, US], "endpoints": {"db": {
        "type": "database", "group": "data", "names": ["db.x"],
        "targets": {EU: "a.example.net:5432", US: "b.example.net:5432"}}},
        "runbooks": {US: {"steps": steps}}}, indent=1)
    result = check(tmp_path, text)
    assert result.status == 2 and "runbooks.us-west-2" in result.out + result.err


def test_a_daemon_with_a_bad_file_does_not_start(house):
    daemon = house.daemon()
    daemon.config_file.write_text("{}")
    daemon.launch()
    assert daemon.process.wait(20) == 2
    assert "pilotlight.json:" in daemon.log()


# -- reload --------------------------------------------------------------------------------------

def by_command(daemon):
    return daemon.cli("reload").status


def by_signal(daemon):
    os.kill(daemon.pid, signal.SIGHUP)
    return 0


NEW = {"fresh": {"type": "name", "names": ["fresh.shop.internal"],
                 "targets": {EU: "192.0.2.70", US: "192.0.2.71"}}}


@pytest.mark.parametrize("how", [by_command, by_signal])
def test_reload_takes_a_new_endpoint(daemon, how):
    daemon.write_config(endpoints={**NEW, "six": None})
    assert how(daemon) == 0
    eventually(lambda: addresses(ask(daemon, "fresh.shop.internal")) == ["192.0.2.70"], "taken")
    assert rcode(ask(daemon, "six.shop.internal", "AAAA")) == "NXDOMAIN"


@pytest.mark.parametrize("how", [by_command, by_signal])
def test_a_bad_file_changes_nothing(daemon, how):
    daemon.write_config(endpoints=NEW)
    text = daemon.config_file.read_text()
    daemon.config_file.write_text(text.replace('"resolver"', '"resovler"'))
    assert how(daemon) in (0, 2)
    if how is by_command:
        result = daemon.cli("reload", expect=2)
        assert "resovler" in result.err + result.out
    else:
        daemon.wait_for_log("resovler")
    assert rcode(ask(daemon, "fresh.shop.internal")) == "NXDOMAIN"
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.10"]


def test_reload_is_refused_when_an_active_region_would_vanish(daemon):
    daemon.switch(US)
    endpoints = json.loads(json.dumps(daemon.config["endpoints"]).replace(US, "eu-north-1"))
    for endpoint in endpoints.values():
        endpoint["targets"][US] = None
    daemon.write_config(regions=[EU, "eu-north-1"], endpoints=endpoints)
    daemon.cli("reload", expect=2)
    assert addresses(ask(daemon, "api.shop.internal")) == ["192.0.2.20"]


def test_reload_is_refused_when_an_endpoint_would_change_its_group(daemon):
    daemon.write_config(endpoints={"search": {"group": "elsewhere"}})
    result = daemon.cli("reload", expect=2)
    assert "search" in result.err + result.out
    daemon.cli("failover", US, "--group", "elsewhere", "--switch-only", "--yes", expect=2)


def test_reload_during_a_transition_is_refused(daemon):
    with daemon.control() as control:
        control.call("begin", region=US, groups=["data"])
        daemon.write_config(endpoints=NEW)
        daemon.cli("reload", expect=2)
        assert daemon.cli("abort").status == 0
    daemon.cli("reload", expect=0)


def test_reload_keeps_the_cache_and_the_region(daemon, upstream):
    daemon.switch(US)
    ask(daemon, "www.example.net")
    daemon.write_config(endpoints=NEW)
    daemon.cli("reload", expect=0)
    ask(daemon, "www.example.net")
    assert upstream.count("www.example.net") == 1
    assert addresses(ask(daemon, "fresh.shop.internal")) == ["192.0.2.71"]


def test_many_reloads_under_load_lose_no_answer(daemon):
    for i in range(30):
        daemon.write_config(endpoints={"fresh": {**NEW["fresh"], "targets": {
            EU: f"192.0.2.{100 + i}", US: "192.0.2.71"}}})
        daemon.cli("reload", expect=0)
        assert addresses(ask(daemon, "fresh.shop.internal")) == [f"192.0.2.{100 + i}"]


# -- listeners -----------------------------------------------------------------------------------

def test_a_listener_that_the_file_names_and_cannot_be_bound_is_an_error(house, daemon):
    second = house.daemon(resolver={"listen": f"{daemon.address}:{daemon.port}"})
    second.launch()
    assert second.process.wait(20) not in (0, None)
    second.killed = True
    assert f"{daemon.address}:{daemon.port}" in second.log()


def test_no_listener_at_all_turns_the_resolver_off(house):
    daemon = house.daemon(resolver={"listen": []}).start()
    daemon.switch(US)
    assert daemon.active() == US


@pytest.mark.root
def test_one_default_listener_may_be_missing_but_not_all(house):
    """In a namespace of its own: port 53 of both loopbacks is the default."""
    namespace = house.namespace()
    namespace.run("sysctl", "-qw", "net.ipv6.conf.all.disable_ipv6=1", check=True)
    first = house.daemon(wrap=namespace.wrap, resolver={"listen": None}).start()
    assert "listener_left_out" in first.log() and "[::1]:53" in first.log()
    second = house.daemon(wrap=namespace.wrap, resolver={"listen": None},
                          monitoring={"listen": []}).launch()
    assert second.process.wait(20) == 1
    second.killed = True
    assert "none of the default addresses" in second.log()


def test_reload_changes_how_much_is_logged(daemon):
    daemon.write_config(log={"level": "error"})
    daemon.cli("reload", expect=0)
    lines = daemon.log().count("\n")
    daemon.switch(US)
    daemon.write_config(log={"level": "info"})
    daemon.cli("reload", expect=0)
    daemon.switch(EU)
    assert "region=eu-west-1" in daemon.log() and "region=us-west-2" not in daemon.log()
    assert daemon.log().count("\n") > lines
