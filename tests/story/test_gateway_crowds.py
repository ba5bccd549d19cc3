"""Many clients that read and write while the active region changes, again and again: every object is
whole, every acknowledged write is there, and no request was sent twice."""
import collections
import time

import pytest

from lib import versity
from lib.daemon import EU, US
from lib.machine import eventually
from lib.s3_load import Crowd
from lib.versity import BUCKETS

pytestmark = pytest.mark.skipif(not versity.find(), reason=versity.MISSING)

CLIENTS = 64
BETWEEN = 0.5  # seconds from one switch to the next


def switches(few, many):
    return [pytest.param(few), pytest.param(many, marks=pytest.mark.long)]


@pytest.fixture
def stores(house):
    return versity.pair(house)


@pytest.fixture
def gateway(house, stores):
    return versity.gateway(house, stores)


@pytest.fixture
def crowd(gateway):
    crowd = Crowd(gateway.address, 8080, CLIENTS)
    crowd.start()
    yield crowd
    crowd.stop()


def assert_nothing_is_lost(crowd, stores):
    """Every acknowledged write is whole where it was acknowledged, and came once, to one region."""
    assert not crowd.faults
    written = {region: store.written() for region, store in stores.items()}
    for key, (body, region) in crowd.acknowledged.items():
        found = {each: stores[each].stored(BUCKETS[each], key) for each in stores}
        assert [each for each in found.values() if each is not None] == [body]
        assert region is None or found[region] == body
    came = collections.Counter(key for keys in written.values() for key in keys)
    assert max(came.values()) == 1
    assert set(came) <= crowd.sent
    assert min(len(keys) for keys in written.values()) > CLIENTS // 4, "both regions had work"


@pytest.mark.parametrize("count", switches(6, 60))
def test_a_crowd_loses_nothing_while_regions_change(crowd, gateway, stores, count):
    for turn in range(count):
        region = (US, EU)[turn % 2]
        crowd.switched_to(region, lambda: gateway.switch(region, "--group", "static"))
        time.sleep(BETWEEN)
    crowd.stop()
    assert not crowd.unanswered
    eventually(lambda: len(crowd.acknowledged) <= sum(len(each.written()) for each in
                                                     stores.values()), "S3's logs are complete")
    assert_nothing_is_lost(crowd, stores)


def test_a_crowd_goes_on_in_the_other_region_when_its_own_dies(crowd, gateway, stores):
    eventually(lambda: len(crowd.acknowledged) > CLIENTS, "the crowd is at work")
    stores[EU].process.kill()
    eventually(lambda: crowd.statuses["PUT", 503] > CLIENTS, "the region is gone")
    crowd.switched_to(US, lambda: gateway.switch(US, "--group", "static"))
    done = crowd.statuses["PUT", 200]
    eventually(lambda: crowd.statuses["PUT", 200] > done + CLIENTS, "the crowd goes on")
    crowd.stop()
    assert not crowd.unanswered["PUT"]  # a body on its way to the client is cut short
    assert_nothing_is_lost(crowd, stores)
