# SPDX-License-Identifier: MIT
"""Every test is run by tests/runner.py, which reports what is skipped, and
tests/skips.txt names only tests that exist."""
import re

import check

RUNNER = "tests/runner.py"
# A test that ends as skipped, or runs its cases, without the runner.
BYPASS = re.compile(r"exit\(77\)|unittest\.main\(|print\(f?[\"']SKIP")
C_SKIP = re.compile(r"\bskip\(\)")
# add_test(NAME ... COMMAND PROGRAM) where it is neither Python nor the runner.
COMMAND = re.compile(r"add_test\(NAME [^)]*?COMMAND\s+(\S+)")
RUNS = ("${SLUICE_RUNNER}", "Python3::Interpreter", "${arg_PYTHON}", "${run}")


def exists(root, name):
    """A file below tests/, a program made of FOLDER/THEME_test.c, a script."""
    folder, _, theme = name.partition("_")
    return any((root / path).is_file() for path in (
        f"tests/{name}", f"tests/{folder}/{theme}_test.c", f"scripts/{name}"))


def problems_of_list(root):
    for number, line in enumerate(
            (root / "tests/skips.txt").read_text().splitlines(), 1):
        if not line or line.startswith("#"):
            continue
        name, colon, reason = line.partition(": ")
        if not colon or not reason:
            yield f"tests/skips.txt:{number}: not FILE: REASON"
        elif not exists(root, name):
            yield f"tests/skips.txt:{number}: there is no {name}"


def find(root, _bin=None):
    problems = list(problems_of_list(root))
    for path in check.sources(root, ("tests",), (".py", ".c", ".txt")):
        text = (root / path).read_text(errors="replace")
        if path.suffix == ".py" and str(path) != RUNNER and (
                path.parts[1] != "checks" and BYPASS.search(text)):
            problems.append(f"{path}: skips, or runs, without {RUNNER}")
        if path.suffix == ".c" and C_SKIP.search(text) and (
                '"SKIP: ' not in text):
            problems.append(f"{path}: skips without a reason")
        if path.name == "CMakeLists.txt":
            problems += [f"{path}: {command} is not run by {RUNNER}"
                         for command in COMMAND.findall(text)
                         if command not in RUNS]
    return problems


def tree(**files):
    names = {"list": "tests/skips.txt", "python": "tests/wire/test_a.py",
             "c": "tests/client/a_test.c", "cmake": "tests/unit/CMakeLists.txt"}
    return {"tests/skips.txt": "# none\n",
            **{names[key]: text for key, text in files.items()}}


PLANTS = (
    ("a tree in order", tree(
        list="wire/test_a.py: no IPv6\nclient_a: only root *\n",
        python="main()\n", c='print_message("SKIP: why\\n"); skip();\n',
        cmake="add_test(NAME a COMMAND ${SLUICE_RUNNER} a)\n"), None),
    ("a line about a test that is gone", tree(list="wire/test_b.py: why\n"),
     "there is no wire/test_b.py"),
    ("a line without a reason", tree(list="wire/test_a.py\n"),
     "not FILE: REASON"),
    ("a file that skips by itself", tree(python="sys.exit(77)\n"),
     "without tests/runner.py"),
    ("a file that runs by itself", tree(python="unittest.main()\n"),
     "without tests/runner.py"),
    ("a C test that does not say why", tree(c="skip();\n"),
     "without a reason"),
    ("a program that nobody listens to",
     tree(cmake="add_test(NAME a\n    COMMAND unit_a)\n"), "unit_a) is not"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
