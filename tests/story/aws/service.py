"""What every service of a region has: its state, its pace, and ways to refuse."""
import copy

ACCOUNT = "111122223333"


class Refused(Exception):
    """The service says no. Nothing was done."""

    def __init__(self, code, message, status=None):
        super().__init__(f"{code}: {message}")
        self.code, self.message, self.status = code, message, status


class Service:
    """A handler per action (`describe_db_instances`) takes the parameters and gives the reply.

    All state is in `self.state`, things by kind and name, so that a stale read can be shown a copy
    of what was before an act."""

    signs_as = None
    kinds = ()

    def __init__(self, aws, region):
        self.aws, self.region = aws, region
        self.state = {kind: {} for kind in self.kinds}
        self.call = None      # the one that is being answered
        self.is_stale = False

    def __getattr__(self, name):
        state = self.__dict__.get("state", {})
        if name in state:
            return state[name]
        raise AttributeError(name)

    @property
    def pace(self):
        return self.aws.pace

    def look(self, thing):
        """What somebody sees of a thing."""
        return thing if self.is_stale else thing.look()

    def acts(self, *what):
        """An act happens now; the journal counts it."""
        self.call.acted = True
        self.call.what = what

    def fault(self, words):
        """Whoever calls did what it may never do."""
        self.aws.fault(f"{self.call}: {words}")

    def arn(self, rest, region=None):
        region = self.region if region is None else region
        return f"arn:aws:{self.signs_as}:{region}:{ACCOUNT}:{rest}"

    def page(self, things, params, size, token="Marker", limit="MaxRecords"):
        """This page of `things`, and the members of a reply that say so."""
        start = int(params.get(token) or 0)
        size = min(self.aws.page_size or size, params.get(limit) or size)
        shown = things[start:start + size]
        more = {token: str(start + size)} if start + size < len(things) else {}
        return shown, more

    def snapshot(self):
        return copy.deepcopy(self.state)

    def resources(self, action, params):
        """What a policy must allow this action on."""
        return ["*"]

    def also(self, action, params):
        """What else must be allowed: (action, resource, context)."""
        return []


def plain_thing(thing):
    """As a reply has it."""
    return copy.deepcopy(dict(thing))
