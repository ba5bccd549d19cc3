"""Many clients that read and write while the active region changes, again and again: every object is
whole, every acknowledged write is there, and no request was sent twice."""
import collections
import time

import pytest

from lib import versity
from lib.daemon import EU, US
from lib.s3_load import Crowd
from lib.versity import BUCKETS

pytestmark = pytest.mark.skipif(not versity.find(), reason=versity.MISSING)

CLIENTS = 64
BETWEEN = 0.5  # seconds from one switch to the next


def switches(few, many):
    return [pytest.param(few), pytest.param(many, marks=pytest.mark.long)]


@pytest.mark.parametrize("count", switches(6, 100))
def test_a_crowd_loses_nothing_while_regions_change(house, count):
    stores = versity.pair(house)
    gateway = versity.gateway(house, stores)
    crowd = Crowd(gateway.address, 8080, CLIENTS)
    crowd.start()
    for turn in range(count):
        region = (US, EU)[turn % 2]
        crowd.switched_to(region, lambda: gateway.switch(region, "--group", "static"))
        time.sleep(BETWEEN)
    crowd.stop()
    print(crowd.statuses, len(crowd.faults), len(crowd.acknowledged))
    assert not crowd.faults
    written = {region: stores[region].written() for region in stores}
    for key, (body, region) in crowd.acknowledged.items():
        found = {each: stores[each].stored(BUCKETS[each], key) for each in stores}
        assert [each for each in found.values() if each is not None] == [body]
        assert region is None or found[region] == body
    came = collections.Counter(key for keys in written.values() for key in keys)
    assert max(came.values()) == 1
    assert set(crowd.acknowledged) <= set(came) <= crowd.sent
    assert min(len(keys) for keys in written.values()) > count, "both regions had work"
