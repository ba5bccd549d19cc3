"""Fixtures: two regions, a database pair in them, a relay on the application's host."""
import contextlib

import pytest

from lib.mariadb import MariadbPair
from lib.postgres import PostgresPair
from lib.regions import Regions
from lib.relay import Relay


@pytest.fixture(scope="session")
def regions():
    with contextlib.closing(Regions()) as regions:
        yield regions


@pytest.fixture(scope="session")
def postgres_pair(regions):
    with contextlib.closing(PostgresPair(regions)) as pair:
        yield pair


@pytest.fixture(scope="session")
def mariadb_pair(regions):
    with contextlib.closing(MariadbPair(regions)) as pair:
        yield pair


class Scene:
    """What a story has before it: a pair as new, and a relay to it once it is asked for."""

    def __init__(self, house, regions, pair):
        self.house, self.regions, self.pair = house, regions, pair
        self.host = regions.host

    def relay(self, **options):
        return Relay(self.house, self.regions, self.pair, **options)

    @contextlib.contextmanager
    def lost(self):
        """The home region is a black hole."""
        with self.regions.without(self.regions.eu):
            yield


@pytest.fixture
def scene(house, regions, request):
    """Of PostgreSQL, or of what `on_both` says."""
    kind = getattr(request, "param", "postgres")
    pair = request.getfixturevalue(f"{kind}_pair")
    try:
        yield Scene(house, regions, pair.reset())
    finally:
        pair.stop()


on_both = pytest.mark.parametrize("scene", ["postgres", "mariadb"], indirect=True)
on_mariadb = pytest.mark.parametrize("scene", ["mariadb"], indirect=True)
