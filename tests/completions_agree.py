#!/usr/bin/env python3
"""The completions and the manual page know every command and every option that `pilotlight help` does,
and no other option.

usage: completions_agree.py PILOTLIGHT SOURCE_FOLDER"""
import re
import subprocess
import sys
from pathlib import Path


def help_of(program, *command):
    return subprocess.run([program, "help", *command], check=True, capture_output=True,
                          text=True).stdout


def option_names(text):
    return set(re.findall(r"^  (?:-\w, )?--([a-z-]+)", text, re.MULTILINE))


def main(program, source):
    text = help_of(program)
    commands = re.findall(r"^  ([a-z]+)", text.split("Commands:")[1].split("Options")[0],
                          re.MULTILINE)
    options = option_names(text)
    for command in commands:
        options |= option_names(help_of(program, command))
    assert len(commands) > 5 and len(options) > 10, "the help text does not look as it used to"

    folder = Path(source) / "contrib/completions"
    patterns = {  # how each file writes an option
        folder / "pilotlight.bash": r"--([a-z][a-z-]*)",
        folder / "_pilotlight": r"--([a-z][a-z-]*)",
        folder / "pilotlight.fish": r"^complete .*? -l ([a-z-]+)",
        Path(source) / "docs/pilotlight.1": r"^\.It .*Fl -([a-z][a-z-]*)",
    }
    wrong = []
    for file, pattern in patterns.items():
        lines = [line for line in file.read_text().splitlines() if not line.startswith("#")]
        known = set(re.findall(pattern, "\n".join(lines), re.MULTILINE))
        for option in sorted(options - known):
            wrong.append(f"{file.name}: --{option} is missing")
        for option in sorted(known - options):
            wrong.append(f"{file.name}: there is no --{option}")
        for command in commands:
            if not any(re.search(rf"\b{command}\b", line) for line in lines):
                wrong.append(f"{file.name}: the command {command} is missing")
    print("\n".join(wrong) or f"{len(commands)} commands and {len(options)} options agree")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
