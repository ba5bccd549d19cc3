"""Holds the habits of the house that no compiler knows: READMEs, sizes, blanks, forgotten files.

    house.py ROOT          says FILE:LINE of everything that breaks a habit
    house.py --self-test   shows that it would
"""

import pathlib
import re
import sys
import tempfile

README_LINES = 25
FILE_LINES = 450
TEXT = {".c", ".h", ".py", ".sh", ".md", ".json", ".build", ".txt", ".service", ".socket", ".conf",
        ".1", ".5", ".7", ".8", ""}
NOT_OURS_TO_FORMAT = {"corpus", "vectors"}  # inputs of tests, wanted as they are


def files(root):
    for path in sorted(root.rglob("*")):
        parts = path.relative_to(root).parts
        hidden = any(part.startswith(".") and part != ".ci" for part in parts)
        if path.is_file() and not hidden and not parts[0].startswith("build"):
            yield path


def is_text(path, root):
    return path.suffix in TEXT and not NOT_OURS_TO_FORMAT & set(path.relative_to(root).parts)


def check_readmes(root, paths):
    """Every room of the plan has one: the top folders, and those below that hold C, tests aside."""
    folders = {path.parent for path in paths if path.suffix in {".c", ".h"}}
    folders = {folder for folder in folders if folder.relative_to(root).parts[0] != "tests"}
    folders |= {root / path.relative_to(root).parts[0] for path in paths if path.parent != root}
    for folder in sorted(folders - {root / ".ci"}):
        readme = folder / "README.md"
        name = readme.relative_to(root)
        if not readme.exists():
            yield f"{name}:1: missing"
        elif len(readme.read_text().splitlines()) > README_LINES:
            yield f"{name}:{README_LINES + 1}: longer than {README_LINES} lines"


def check_lines(root, path):
    name = path.relative_to(root)
    lines = path.read_bytes().decode("utf-8", "replace").split("\n")
    if path.suffix in {".c", ".h"} and len(lines) > FILE_LINES:
        yield f"{name}:{FILE_LINES}: a file of {len(lines)} lines"
    for number, line in enumerate(lines, 1):
        if "\t" in line:
            yield f"{name}:{number}: a tab"
        if line != line.rstrip():
            yield f"{name}:{number}: blanks at the end"
    if lines[-1] and path.stat().st_size:
        yield f"{name}:{len(lines)}: no newline at the end"


def check_listed(root, path):
    """A source that its folder's meson.build does not list is neither built nor tested."""
    build = path.parent / "meson.build"
    text = re.sub(r"#.*", "", build.read_text()) if build.exists() else ""
    listed = re.findall(r"'([^']+)'", text)
    short = re.sub(r"^(test|fuzz)_", "", path.stem)
    if not {path.name, path.stem, short} & set(listed):
        yield f"{path.relative_to(root)}:1: not in {build.relative_to(root)}"


def check(root):
    paths = list(files(root))
    yield from check_readmes(root, paths)
    for path in paths:
        if is_text(path, root):
            yield from check_lines(root, path)
        if path.suffix == ".c":
            yield from check_listed(root, path)


def self_test():
    with tempfile.TemporaryDirectory() as name:
        room = pathlib.Path(name) / "room"
        room.mkdir()
        (room / "meson.build").write_text("library('room', 'long.c')\n")
        (room / "long.c").write_text("int x;\n" * FILE_LINES)
        (room / "lost.c").write_text("int\ty; \nint z;")
        (room / "README.md").write_text("word\n" * (README_LINES + 1))
        assert list(check(pathlib.Path(name))) == [
            "room/README.md:26: longer than 25 lines",
            "room/long.c:450: a file of 451 lines",
            "room/lost.c:1: a tab",
            "room/lost.c:1: blanks at the end",
            "room/lost.c:2: no newline at the end",
            "room/lost.c:1: not in room/meson.build",
        ]
        (room / "README.md").unlink()
        assert "room/README.md:1: missing" in check(pathlib.Path(name))


def main():
    if sys.argv[1:] == ["--self-test"]:
        return self_test()
    faults = list(check(pathlib.Path(sys.argv[1])))
    print(*faults, sep="\n", file=sys.stderr)
    return 1 if faults else 0


if __name__ == "__main__":
    sys.exit(main())
