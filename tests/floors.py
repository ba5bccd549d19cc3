"""Holds the floors of the house: a folder includes downward only, and wings never each other.

    floors.py ROOT          says FILE:LINE of every include that goes where it may not
    floors.py --self-test   shows that it would
"""

import pathlib
import re
import sys

VIEW = {"failover/view.h", "failover/announce.h"}  # what a wing may know of the failover

# Folder -> the folders (or single headers) of ours that it may include. Nobody includes programs/.
MAY_INCLUDE = {
    "base": {"base"},
    "config": {"config", "base"},
    "failover": {"failover", "config", "base"},
    "failover/aws": {"failover/aws", "failover", "config", "base"},
    "resolver": {"resolver", "config", "base"} | VIEW,
    "proxy": {"proxy", "config", "base"} | VIEW,
    "proxy/relay": {"proxy/relay", "proxy", "config", "base"} | VIEW,
    "proxy/gateway": {"proxy/gateway", "proxy", "config", "base"} | VIEW,
    "programs": {"programs", "resolver", "proxy", "proxy/relay", "proxy/gateway", "failover",
                 "failover/aws", "config", "base"},
}
TESTS = "tests"
MAY_INCLUDE_IN_TESTS = set().union(*MAY_INCLUDE.values()) | {
    TESTS, "tests/unit", "tests/fuzz", "tests/bench"}

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def wrong(folder, bracket, header, is_ours):
    """What is wrong with this include in this folder, in words, or None."""
    target = header.rpartition("/")[0]
    allowed = MAY_INCLUDE_IN_TESTS if folder.split("/")[0] == TESTS else MAY_INCLUDE.get(folder)
    if bracket == "<":
        return f"<{header}> is ours: write \"{header}\"" if is_ours else None
    if not is_ours:
        return f"\"{header}\" is not a file of ours, named from the top"
    if allowed is None:
        return f"the folder {folder} has no floor: see README.md and tests/floors.py"
    if target not in allowed and header not in allowed:
        return f"{folder}/ may not include {header}"
    return None


def check(root):
    sources = [path for path in sorted(root.rglob("*.[ch]"))
               if not path.relative_to(root).parts[0].startswith((".", "build"))]
    ours = {str(path.relative_to(root)) for path in sources}
    for path in sources:
        name = path.relative_to(root)
        for number, line in enumerate(path.read_text().splitlines(), 1):
            match = INCLUDE.match(line)
            words = match and wrong(str(name.parent), *match.groups(), match.group(2) in ours)
            if words:
                yield f"{name}:{number}: {words}"


def self_test():
    assert wrong("base", '"', "config/config.h", True)
    assert wrong("config", '"', "failover/state.h", True)
    assert wrong("resolver", '"', "proxy/dial.h", True)
    assert wrong("resolver", '"', "failover/keeper.h", True)
    assert wrong("proxy/relay", '"', "proxy/gateway/gateway.h", True)
    assert wrong("failover", '"', "programs/cli.h", True)
    assert wrong("programs", '"', "tests/unit/unit.h", True)
    assert wrong("attic", '"', "base/log.h", True)
    assert wrong("base", '"', "log.h", False)
    assert wrong("base", "<", "base/log.h", True)
    assert not wrong("resolver", '"', "failover/view.h", True)
    assert not wrong("failover/aws", '"', "failover/state.h", True)
    assert not wrong("programs", '"', "resolver/resolver.h", True)
    assert not wrong("tests/unit", '"', "programs/cli_options.h", True)
    assert not wrong("base", "<", "uv.h", False)


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    faults = list(check(pathlib.Path(sys.argv[1])))
    print(*faults, sep="\n", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
