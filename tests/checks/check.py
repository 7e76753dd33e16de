# SPDX-License-Identifier: MIT
"""What all checks share: finding the sources, and being run by ctest.

    CHECK.py ROOT [BIN]     name every problem in the tree, fail if any
    CHECK.py --plants       prove that the check finds what it is for

A plant is a row (what it shows, files of a little tree, words of the problem
that must be found; None: nothing must be found).
"""
import re
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from runner import skip  # noqa: E402,F401

PROGRAMS = ("broker", "client", "common", "proto", "users")


def sources(root, folders=PROGRAMS, ends=(".c", ".h")):
    """The files below the folders, sorted, as paths relative to the root."""
    found = []
    for folder in folders:
        for path in sorted((root / folder).rglob("*")):
            if path.suffix in ends and path.is_file():
                found.append(path.relative_to(root))
    return found


def documents(root):
    return [path.relative_to(root)
            for path in [root / "README.md", root / "CHANGELOG.md",
                         *sorted(root.glob("docs/*.md"))]
            if path.is_file()]


def without_comments(text):
    """C source with its comments blanked; the line numbers stay."""
    def blank(match):
        found = match.group()
        return found if found[0] == '"' else re.sub(r"[^\n]", " ", found)
    pattern = r'"(?:\\.|[^"\\\n])*"|/\*.*?\*/|//[^\n]*'
    return re.sub(pattern, blank, text, flags=re.DOTALL)


def plant(root, files):
    for name, text in files.items():
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)


def failure_of_plant(find, files, expected):
    """What the check got wrong about a planted tree, or None."""
    with tempfile.TemporaryDirectory() as folder:
        plant(Path(folder), files)
        problems = find(Path(folder))
    if expected is None:
        return f"found {problems}" if problems else None
    if not any(expected in problem for problem in problems):
        return f"found {problems}, not '{expected}'"
    return None


def run_plants(find, plants):
    failed = 0
    for shows, files, expected in plants:
        failure = failure_of_plant(find, files, expected)
        print(f"{'FAIL' if failure else 'ok'}: {shows}"
              + (f": {failure}" if failure else ""))
        failed += failure is not None
    return 1 if failed or not plants else 0


def main(find, plants):
    """Runs the check find(root, bin) or its plants; never returns."""
    if sys.argv[1:] == ["--plants"]:
        sys.exit(run_plants(find, plants))
    places = [Path(place).resolve() for place in sys.argv[1:]]
    problems = find(*places)
    for problem in problems:
        print(problem)
    print(f"{len(problems)} problem(s)")
    sys.exit(1 if problems else 0)
