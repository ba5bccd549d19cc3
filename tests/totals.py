"""Counts the cases in the JUnit reports that meson and pytest leave: prints PASSED FAILED SKIPPED.

    totals.py REPORT...
"""

import sys
import xml.etree.ElementTree


def count(report):
    """(passed, failed, skipped); a report that cannot be read is one failure."""
    try:
        cases = list(xml.etree.ElementTree.parse(report).iter("testcase"))
    except (OSError, xml.etree.ElementTree.ParseError) as error:
        print(f"{report}: {error}", file=sys.stderr)
        return 0, 1, 0
    kinds = [{child.tag for child in case} for case in cases]
    failed = sum(bool(kind & {"failure", "error"}) for kind in kinds)
    skipped = sum("skipped" in kind for kind in kinds)
    return len(cases) - failed - skipped, failed, skipped


if __name__ == "__main__":
    print(*(sum(column) for column in zip((0, 0, 0), *map(count, sys.argv[1:]))))
