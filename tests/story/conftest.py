"""Fixtures of the stories. Everything they start is stopped, and every daemon must end cleanly."""
import contextlib
import os
import pathlib
import resource
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent))

# Some stories are about a thousand clients; a shell's own limit is often 1024.
HARD = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
resource.setrlimit(resource.RLIMIT_NOFILE, (HARD, HARD))

from lib.daemon import Daemon  # noqa: E402
from lib.namespace import Namespace  # noqa: E402
from lib.nsd import Nsd  # noqa: E402
from lib.scene import mariadb_pair, postgres_pair, regions, scene  # noqa: E402, F401
from lib.upstream import Upstream  # noqa: E402


class House:
    """Makes what a story needs and closes it afterwards, the last one first."""

    def __init__(self, stack):
        self.stack = stack
        self.daemons = []

    def keep(self, thing):
        self.stack.callback(thing.close)
        return thing

    def upstream(self, *arguments, **options):
        return self.keep(Upstream(*arguments, **options))

    def nsd(self, *arguments):
        return self.keep(Nsd(*arguments))

    def namespace(self, resolv_conf="nameserver 127.0.0.1\n"):
        return self.keep(Namespace(resolv_conf))

    def daemon(self, *arguments, **options):
        self.daemons.append(self.keep(Daemon(*arguments, **options)))
        return self.daemons[-1]


@pytest.fixture
def house():
    with contextlib.ExitStack() as stack:
        yield House(stack)


@pytest.fixture(scope="module")
def module_house():
    with contextlib.ExitStack() as stack:
        yield House(stack)


@pytest.fixture
def upstream(house):
    return house.upstream()


@pytest.fixture
def daemon(house, upstream):
    """The shop of lib/daemon.py in front of `upstream`."""
    return house.daemon([upstream]).start()


def pytest_collection_modifyitems(items):
    needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="needs root")
    for item in items:
        if item.get_closest_marker("root"):
            item.add_marker(needs_root)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """A story that failed shows the last words of its daemons."""
    report = (yield).get_result()
    if report.failed:
        for house in (item.funcargs.get("house"), item.funcargs.get("module_house")):
            for daemon in house.daemons if house else ():
                words = "\n".join(daemon.log().splitlines()[-15:])
                report.sections.append((f"log of {daemon.config_file}", words))
