"""All calls that came, in order, with what became of them."""


class Call:
    def __init__(self, number, service, region, action):
        self.number, self.service, self.region, self.action = number, service, region, action
        self.nth = 0
        self.params, self.body = {}, b""
        self.request_id = None
        self.acted, self.what = False, ()
        self.code = None          # of a refusal
        self.outcome = "under way"  # answered, refused, dropped, never answered …

    def __str__(self):
        told = "".join(f" {word}" for word in self.what)
        return (f"call {self.number}: {self.service} {self.action} in {self.region}"
                f"{' acted' if self.acted else ''}{told}, {self.outcome}"
                f"{' ' + self.code if self.code else ''}")


class Journal(list):
    def of(self, action=None, region=None, service=None):
        return [call for call in self
                if action in (None, call.action) and region in (None, call.region)
                and service in (None, call.service)]

    def acts(self, action=None, region=None):
        """Those that changed something."""
        return [call for call in self.of(action, region) if call.acted]

    def counts(self):
        """How often each action acted."""
        actions = [call.action for call in self.acts()]
        return {action: actions.count(action) for action in sorted(set(actions))}

    def __str__(self):
        return "\n".join(map(str, self))
