"""What a relayed byte, transaction and connection cost, beside HAProxy and nginx.

All proxies have the same core, clients and server the other one. They take turns in rounds, and
ours is compared with each of the others within each round: the median of the ratios to the one that
does best (the greatest of the ratios) is held against the bar. Whoever is not installed is left
out, and that is said.
"""
import contextlib
import os
import pathlib
import resource
import statistics
import subprocess
import time

import postgres
from measure import ADDRESS, Row, cpu_seconds, first_in_line, memory_kib, pairs, pinned, query
from proxies import Haproxy, HaproxySplice, Nginx, NginxLargeBuffers, Pilotlight

FILES = 65536
FILES_OF_THE_DAEMON = 1000  # what pilotlightd keeps for the rest of its work, amply
IDLE = 10000
PGBENCH_ROUNDS = 5  # for each of the others
OURS = Pilotlight.name


class Load:
    """relay_load: ready when this is made, does its work in `run`, lets go of its connections at
    the end."""

    program = "relay_load"

    def __init__(self, build, core, proxy, work, *options, door=None, server=None):
        self.process = subprocess.Popen(
            [build / "tests/bench" / self.program, *map(str, options), work, door or proxy.listen,
             server or proxy.target],
            stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, bufsize=1, **pinned(core))
        self.what = f"{work} through {proxy.name}"
        if self.process.stdout.readline() != "ready\n":
            self.process.wait()
            raise RuntimeError(f"no {self.what}")

    def begin(self):
        self.process.stdin.write("begin\n")

    def result(self):
        line = self.process.stdout.readline()
        if not line:
            raise RuntimeError(f"no {self.what}")
        return pairs(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.stdin.close()
        self.process.wait()
        self.process.stdout.close()


def round_of(build, core, proxy, work, options, field, size, scale, load_class=Load):
    """(CPU a unit, units a second, how full the proxy's core was). A unit is `size` of `field`;
    CPU is in 1/`scale` seconds."""
    with load_class(build, core, proxy, work, *options) as load:
        before = cpu_seconds(proxy.pid)
        load.begin()
        result = load.result()
        cpu = cpu_seconds(proxy.pid) - before
    units = result[field] / size
    if result["failed"] or not units:
        raise RuntimeError(f"{load.what} failed: {result}")
    return cpu / units * scale, units / result["seconds"], cpu / result["seconds"]


def in_rounds(proxies, rounds, measure):
    """Name -> a list of what `measure(proxy)` gave, one a round; each round begins with another."""
    results = {proxy.name: [] for proxy in proxies}
    for number in range(rounds):
        first = number % len(proxies)
        for proxy in [*proxies[first:], *proxies[:first]]:
            results[proxy.name].append(measure(proxy))
    return results


def compare(what, bar, results):
    """Prints everybody's medians; yields the row that counts."""
    ours = results[OURS] if OURS in results else None
    ratios = {}
    print(f"\n{what:40}{'CPU':>10}{'per second':>12}{'core':>7}{'ours / it':>11}")
    for name, values in results.items():
        cost, rate, full = (statistics.median(column) for column in zip(*values))
        if ours and name != OURS:
            ratios[name] = statistics.median(a[0] / b[0] for a, b in zip(ours, values))
        ratio = f"{ratios[name]:.2f}" if name in ratios else ""
        print(f"  {name:38}{cost:10.3f}{rate:12.2f}{full:7.0%}{ratio:>11}")
    if ratios:
        worst = max(ratios.values())
        yield Row(f"{what}, ours / best", f"{worst:.2f}", f"{bar:.2f}", worst <= bar)


def bench_costs(build, proxies, core, rounds, seconds):
    transactions = ("transactions", 1, 1e6)
    works = [
        ("bulk, s/GB", 0.9, "bulk", ["-n", 4, "-t", seconds], ("bytes", 1e9, 1)),
        ("ping-pong, µs/transaction", 1.05, "pingpong", ["-n", 64, "-t", seconds], transactions),
        ("connect + round trip + close, µs", 1.05, "connect", ["-n", 16, "-c", 5000],
         transactions)]
    for what, bar, work, options, unit in works:
        yield from compare(what, bar, in_rounds(
            proxies, rounds, lambda proxy: round_of(build, core, proxy, work, options, *unit)))


def bench_pgbench(proxies, core, rounds):
    """In short rounds and many: the core is idle two thirds of the time, and what waking up costs
    changes from second to second."""
    if not postgres.programs():
        print("\npgbench: PostgreSQL is not installed; left out")
        return
    server = postgres.Postgres([proxy.target for proxy in proxies], core)
    try:
        yield from compare("pgbench -S, µs/transaction", 1.0, in_rounds(
            proxies, PGBENCH_ROUNDS * rounds, lambda proxy: postgres.pgbench(proxy, core)))
    finally:
        server.stop()


def bench_idle(build, proxies, cores, count):
    """Each one fresh, so that no memory is left over from work before."""
    print(f"\nidle connections, KiB of RSS each ({count} of them)")
    for proxy in proxies:
        proxy.start(cores[0])
        try:
            before = memory_kib(proxy.pid, "VmRSS")
            with Load(build, cores[1], proxy, "idle", "-n", count):
                each = (memory_kib(proxy.pid, "VmRSS") - before) / count
            print(f"  {proxy.name:38}{each:10.2f}")
            if proxy.name == OURS:
                yield Row("RSS of an idle connection", f"{each:.2f} KiB", "2 KiB", each <= 2)
        finally:
            proxy.stop()


def bench_switch(build, ours, cores, count, runs):
    """From before the command is run until both ends of every connection have seen the end."""
    times = []
    ours.start(*cores)
    try:
        for _ in range(runs):
            with Load(build, cores[1], ours, "idle", "-n", count, "-t", 5) as load:
                load.begin()
                ours.switch()
                result = load.result()
            if result["open"]:
                yield Row(f"open after a switch, of {2 * count} ends", f"{result['open']:.0f}",
                          "0", False)
                return
            times.append(result["last_end"] * 1e3)
    finally:
        ours.stop()
    times.sort()
    print(f"\na switch closes {count} connections within, ms: " +
          " ".join(f"{ms:.0f}" for ms in times))
    median = statistics.median(times)
    yield Row(f"a switch closes {count} connections within", f"{median:.0f} ms", "200 ms",
              median <= 200)


def pace(build, core, seconds):
    """One round of steady DNS questions: the 99th percentile of the answers' time, in µs."""
    with first_in_line():
        host, _, port = Pilotlight.dns.rpartition(":")
        done = subprocess.run(
            [build / "tests/bench/pace", "-t", str(seconds), query("api.shop.internal").hex(),
             host, port], check=True, stdout=subprocess.PIPE, text=True, **pinned(core))
    result = pairs(done.stdout)
    return result["p99"] if not result["lost"] else float("inf")


def bench_dns_beside_flood(build, ours, cores, rounds, seconds):
    ours.start(*cores)
    floods = {"a flood of connects": ours.target,
              "a flood, and the target refuses": f"{ADDRESS}:5399"}
    quiet, loud = [], {flood: [] for flood in floods}
    try:
        for _ in range(rounds):
            quiet.append(pace(build, cores[1], seconds))
            for flood, server in floods.items():
                with Load(build, cores[1], ours, "flood", "-n", 64, "-t", seconds + 0.5,
                          server=server) as load:
                    load.begin()
                    time.sleep(0.2)
                    loud[flood].append(pace(build, cores[1], seconds))
                    load.result()
                time.sleep(0.2)
    finally:
        ours.stop()
    print(f"\nDNS p99, µs: {statistics.median(quiet):.0f}; " + "; ".join(
        f"beside {flood} {statistics.median(values):.0f}" for flood, values in loud.items()))
    for flood, values in loud.items():
        ratio = statistics.median(values) / statistics.median(quiet)
        yield Row(f"DNS p99 beside {flood} / without", f"{ratio:.2f}", "2", ratio <= 2)


@contextlib.contextmanager
def all_started(proxies, core):
    started = []
    try:
        for proxy in proxies:
            proxy.start(core)
            started.append(proxy)
        yield
    finally:
        for proxy in started:
            proxy.stop()


def raise_file_limit():
    """Two a connection, in a proxy as in the load. Returns how many connections that allows."""
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < FILES:
        with contextlib.suppress(ValueError):  # not even root may, in some containers
            resource.setrlimit(resource.RLIMIT_NOFILE, (FILES, FILES))
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    return min(IDLE, (hard - FILES_OF_THE_DAEMON) // 2)


def those_installed(proxies):
    for proxy in proxies:
        if why := proxy.missing():
            print(f"{proxy.name}: {why}; left out")
        else:
            yield proxy


def bench_relay(build, cores, rounds, seconds):
    count = raise_file_limit()
    if count < IDLE:
        print(f"{count} idle connections instead of {IDLE}: no more files may be open here\n")
    ours = Pilotlight(0, build)
    others = [Haproxy(1), HaproxySplice(2), Nginx(3), NginxLargeBuffers(4)]
    proxies = list(those_installed([ours, *others]))
    with all_started(proxies, cores[0]):
        yield from bench_costs(build, proxies, cores[1], rounds, seconds)
        yield from bench_pgbench(proxies, cores[1], rounds)
    yield from bench_idle(build, proxies, cores, count)
    ours = Pilotlight(0, build, threads=0)  # with all cores and as it comes from here on
    yield from bench_switch(build, ours, cores, count, 5)
    yield from bench_dns_beside_flood(build, ours, cores, rounds, seconds)
