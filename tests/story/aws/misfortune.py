"""What may go wrong with a call, and with which.

    aws.script("throttle", action="DescribeDBInstances", times=3)
    aws.script("drop after", action="PromoteReadReplica")      # acted; reply lost
    aws.script("delay", 2.0, number=7)                          # the seventh call of all
    aws.script("error", "InvalidDBInstanceState", action="ModifyDBInstance", nth=2)

`nth` counts the calls of one service, region and action from 1, `number` all calls; either may be a
set or a range. `times` is how often the script plays (1; None: always).

before the act   throttle · server error · error CODE[, STATUS] · drop · never answer · delay SECONDS
after the act    server error after · drop after · half a reply · never answer after
besides          stale (reads=N or seconds=T): from this act on, reads show what was before it"""

BEFORE = {"throttle", "server error", "error", "drop", "never answer", "delay"}
AFTER = {"server error after", "drop after", "half a reply", "never answer after"}
KINDS = BEFORE | AFTER | {"stale"}

# What each way of speaking says when it is asked too often.
THROTTLES = {"query": ("Throttling", 400), "ec2": ("RequestLimitExceeded", 503),
             "json": ("ThrottlingException", 400), "rest-xml": ("Throttling", 400),
             "s3": ("SlowDown", 503)}


class Script:
    def __init__(self, kind, *details, action=None, service=None, region=None, nth=None,
                 number=None, times=1, reads=None, seconds=None):
        assert kind in KINDS, kind
        self.kind, self.details, self.times = kind, details, times
        self.action, self.service, self.region = action, service, region
        self.nth, self.number = nth, number
        self.reads, self.seconds = reads, seconds

    def concerns(self, call):
        return (self.times != 0
                and self.action in (None, call.action) and self.service in (None, call.service)
                and self.region in (None, call.region)
                and _is_in(call.nth, self.nth) and _is_in(call.number, self.number))

    def play(self):
        if self.times is not None:
            self.times -= 1
        return self


def _is_in(number, wanted):
    return wanted is None or number == wanted or (
        not isinstance(wanted, int) and number in wanted)
