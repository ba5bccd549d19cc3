"""/metrics, /healthz and the log (pilotlightd(8))."""
import json
import re
import socket
import time
import urllib.error
import urllib.request

import pytest

from lib.ask import ask
from lib.daemon import EU, US
from lib.machine import eventually

NAME = r"[a-zA-Z_:][a-zA-Z0-9_:]*"
LABEL = r'[a-zA-Z_][a-zA-Z0-9_]*="(?:[^"\\\n]|\\["\\n])*"'
SAMPLE = re.compile(rf"({NAME})(?:\{{({LABEL}(?:,{LABEL})*)\}})? (-?[0-9.eE+-]+|[+-]Inf|NaN)$")
COMMENT = re.compile(rf"# (?:HELP {NAME} .*|TYPE {NAME} (?:counter|gauge|histogram))$")


def fetch(daemon, path):
    with urllib.request.urlopen(f"http://{daemon.address}:9353{path}", timeout=10) as reply:
        return reply.status, reply.headers, reply.read().decode()


def metrics(daemon):
    """{(name, labels): value}, after every line was held to the format's grammar."""
    status, headers, text = fetch(daemon, "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    assert text.endswith("\n")
    found, typed, closed, family = {}, {}, set(), None
    for line in text.splitlines():
        if line.startswith("#"):
            assert COMMENT.match(line), line
            if line.startswith("# TYPE"):
                _, _, name, type_ = line.split()
                assert name not in typed, f"{name} has two TYPE lines"
                typed[name] = type_
            continue
        match = SAMPLE.match(line)
        assert match, line
        name = match[1]
        of = name if name in typed else re.sub(r"_(bucket|sum|count)$", "", name)
        assert of in typed, f"{name} has no TYPE before it"
        if of != family:
            assert of not in closed, f"{of} is in two places"
            closed.add(family)
            family = of
        if typed[of] == "counter":
            assert name.endswith("_total"), name
        labels = tuple(sorted(re.findall(LABEL, match[2] or "")))
        assert (name, labels) not in found, line
        found[name, labels] = float(match[3])
    return found


def assert_histograms(found):
    """Each one's buckets rise to +Inf, which is its count; _sum stands beside it."""
    series = {}
    for (name, labels), number in found.items():
        if name.endswith("_bucket"):
            bound = [label for label in labels if label.startswith("le=")]
            rest = tuple(label for label in labels if not label.startswith("le="))
            series.setdefault((name[:-len("_bucket")], rest), []).append(
                (float(bound[0][len('le="'):-1]), number))
    assert series
    for (name, labels), buckets in series.items():
        bounds, numbers = zip(*sorted(buckets))
        assert bounds[-1] == float("inf") and list(numbers) == sorted(numbers), name
        assert numbers[-1] == found[f"{name}_count", labels], name
        assert found[f"{name}_sum", labels] >= 0, name


def value(found, name, **labels):
    wanted = {f'{key}="{text}"' for key, text in labels.items()}
    values = [number for (sample, has), number in found.items()
              if sample == name and wanted <= set(has)]
    assert values, f"no {name} {labels}"
    return sum(values)


def test_metrics_follow_a_switch(daemon):
    before = metrics(daemon)
    assert value(before, "pilotlight_epoch") == 0
    assert value(before, "pilotlight_active", group="default", region=EU) == 1
    assert value(before, "pilotlight_active", group="default", region=US) == 0
    daemon.switch(US)
    after = metrics(daemon)
    assert value(after, "pilotlight_epoch") > 0
    assert value(after, "pilotlight_active", group="default", region=EU) == 0
    assert value(after, "pilotlight_active", group="default", region=US) == 1


def test_metrics_show_a_fence_and_its_age(daemon):
    with daemon.control() as control:
        control.call("begin", region=US, groups=["data"])
        control.call("fence")
        time.sleep(1.1)
        found = metrics(daemon)
        assert value(found, "pilotlight_fenced", group="data") == 1
        assert value(found, "pilotlight_fenced", group="default") == 0
        assert value(found, "pilotlight_fence_age_seconds", group="data") >= 1


def test_queries_are_counted_by_transport_rcode_and_source(daemon):
    for _ in range(3):
        ask(daemon, "api.shop.internal")
    ask(daemon, "api.shop.internal", tcp=True)
    ask(daemon, "nowhere.example.net")
    found = metrics(daemon)
    name = "pilotlight_dns_queries_total"
    assert value(found, name, transport="udp", rcode="NOERROR") == 3
    assert value(found, name, transport="tcp", rcode="NOERROR") == 1
    assert value(found, name, transport="udp", rcode="NXDOMAIN") == 1
    assert value(found, name, source="managed") == 4


def test_each_histogram_is_cumulative_and_whole(daemon):
    for _ in range(5):
        ask(daemon, "www.example.net")
    found = metrics(daemon)
    assert_histograms(found)
    assert value(found, "pilotlight_dns_duration_seconds_count") >= 5


def test_upstreams_are_counted(daemon):
    ask(daemon, "www.example.net")
    assert any(name.startswith("pilotlight_upstream_") and number > 0
               for (name, _), number in metrics(daemon).items())


def test_health_of_each_target_is_shown_and_never_acted_on(house, upstream):
    with socket.create_server((upstream.address, 9000)) as listener:
        daemon = house.daemon([upstream], health={"interval": "200ms", "timeout": "200ms",
                                                  "fall": 2, "rise": 2},
                              endpoints={"api": {"targets": {EU: f"{upstream.address}:9001",
                                                             US: f"{upstream.address}:9000"}}})
        daemon.start()
        name, up, down = "pilotlight_endpoint_up", f'region="{US}"', f'region="{EU}"'
        wanted = {(name, ('endpoint="api"', up)): 1, (name, ('endpoint="api"', down)): 0}
        eventually(lambda: wanted.items() <= metrics(daemon).items(), "one up, one down")
        assert "down" in json.dumps(daemon.status()["endpoints"])
        assert daemon.active() == EU and daemon.state()["epoch"] == 0


def test_healthz_says_that_it_is_well(daemon):
    assert fetch(daemon, "/healthz")[0] == 200


def test_the_page_shows_the_active_region(daemon):
    status, headers, text = fetch(daemon, "/")
    assert status == 200 and headers["Content-Type"].startswith("text/html")
    assert EU in text


@pytest.mark.parametrize("path", ["/nowhere", "/metrics/../etc/passwd", "/%00"])
def test_other_paths_are_404(daemon, path):
    with pytest.raises(urllib.error.HTTPError) as error:
        fetch(daemon, path)
    assert error.value.code in (400, 404)


@pytest.mark.parametrize("request_", [b"\0" * 100, b"GET", b"GET / HTTP/9.9\r\n\r\n",
                                      b"POST /metrics HTTP/1.1\r\nContent-Length: 99999999\r\n\r\n",
                                      b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20000,
                                      b"GET /" + b"a" * 100000 + b" HTTP/1.1\r\n\r\n"],
                         ids=["nul", "half", "version", "post", "many_headers", "long_line"])
def test_bad_http_harms_nothing(daemon, request_):
    with socket.create_connection((daemon.address, 9353), 2) as connection:
        try:
            connection.sendall(request_)
            connection.recv(4096)
        except OSError:
            pass
    assert fetch(daemon, "/healthz")[0] == 200


# -- the log -------------------------------------------------------------------------------------

FIELD = r'[a-z_]+=(?:[^\s"=]+|"(?:[^"\\]|\\.)*")'
LINE = re.compile(rf"\d{{4}}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d+Z level=(debug|info|warning|error) "
                  rf"event=[^\s=]+(?: {FIELD})*$")


def exercise(daemon):
    ask(daemon, "www.example.net")
    daemon.switch(US, "--reason", 'a "quoted" = reason\nwith two lines')
    daemon.cli("reload")
    with daemon.control() as control:
        control.send_raw(b"nonsense\n")
        control.receive()


def test_each_log_line_is_key_value(daemon):
    exercise(daemon)
    lines = daemon.log().splitlines()
    assert lines
    for line in lines:
        assert LINE.match(line), line


def test_with_format_json_each_line_is_an_object(house, upstream):
    daemon = house.daemon([upstream], log={"format": "json"}).start()
    exercise(daemon)
    lines = daemon.log().splitlines()
    for line in lines:
        assert {"time", "level", "event"} <= set(json.loads(line))
    assert any('a \\"quoted\\" = reason' in line for line in lines)
