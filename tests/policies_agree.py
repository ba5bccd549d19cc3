"""contrib/iam holds the least policy of each example runbook, as `pilotlight plan --iam` prints it.

    policies_agree.py TOOL ROOT           says which files differ, are missing or are of no runbook
    policies_agree.py TOOL ROOT --write   writes them anew"""
import json
import pathlib
import subprocess
import sys

BY_HAND = {"gateway.json"}
NOT_FOR_USE = {"full", "steps"}  # examples of options, not of runbooks


def policies(tool, root):
    """File name -> text, of all examples."""
    found = {}
    for example in sorted((root / "config/examples").glob("*.json")):
        if example.stem in NOT_FOR_USE:
            continue
        text = subprocess.run([tool, str(example)], check=True, capture_output=True, text=True)
        for region, policy in json.loads(text.stdout).items():
            found[f"{example.stem}.{region}.json"] = json.dumps(policy, indent=2) + "\n"
    return found


def main(tool, root, write=None):
    folder = pathlib.Path(root) / "contrib/iam"
    wanted = policies(tool, pathlib.Path(root))
    there = {path.name for path in folder.glob("*.json")} - BY_HAND
    assert len(wanted) >= 4, "the examples have hardly any runbook"
    if write == "--write":
        for name in there - set(wanted):
            (folder / name).unlink()
        for name, text in wanted.items():
            (folder / name).write_text(text)
        return 0
    wrong = [f"{name}: is of no runbook" for name in sorted(there - set(wanted))]
    wrong += [f"{name}: {'differs' if name in there else 'is missing'}" for name, text in
              wanted.items() if name not in there or (folder / name).read_text() != text]
    wrong += [f"{name}: no policy" for name in sorted(BY_HAND)
              if json.loads((folder / name).read_text())["Version"] != "2012-10-17"]
    for line in wrong:
        print(f"contrib/iam/{line} (policies_agree.py --write makes them anew)")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
