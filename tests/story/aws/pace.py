"""How long what AWS does takes: in looks (a whole number: how often somebody sees it) or in seconds
(a float).

    aws.pace["creating"] = 3        # three looks say "creating", the fourth says what comes next
    aws.pace["rebooting"] = 0.3     # for 0.3 s"""
import time

NEVER = 1e9


class Pace(dict):
    """`usual` is what nobody has said more of."""

    usual = 1

    def __missing__(self, stage):
        return self.usual


class Thing(dict):
    """Something of AWS's, in the shape that its description has, and what will become of it."""

    def __init__(self, **members):
        super().__init__(members)
        self.later = []   # [how long, effect, since]
        self.aside = {}   # what no description shows

    def then(self, duration, effect):
        """After all that is to come already, and then `duration`, `effect(self)` happens."""
        self.later.append([duration, effect, None])
        if len(self.later) == 1:
            self._begin()
        return self

    def _begin(self):
        self.later[0][2] = time.monotonic()

    def look(self):
        """Somebody looks: time passes for what is counted in looks."""
        while self.later:
            duration, effect, since = self.later[0]
            if isinstance(duration, int):
                if duration > 0:
                    self.later[0][0] -= 1
                    return self
            elif time.monotonic() - since < duration:
                return self
            self.later.pop(0)
            effect(self)
            if self.later:
                self._begin()
        return self
