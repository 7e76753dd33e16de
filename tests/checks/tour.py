# SPDX-License-Identifier: MIT
"""The ten stops of the tour in docs/architecture.md exist: each file, and in
it the function."""
import re

import check

STOPS = 10
STOP = re.compile(r"^(\d+)\. `([^`]+)`: `([a-z_0-9]+)`", re.M)


def has_function(text, name):
    """True when it is defined there: its braces are in the first column, or
    it is a small inline one."""
    return re.search(rf"^[_a-z][^\n;]*\b{name}\([^;{{]*\)\s*\{{", text,
                     re.M) is not None


def find(root, _bin=None):
    stops = STOP.findall((root / "docs/architecture.md").read_text())
    problems = []
    numbers = [int(number) for number, _, _ in stops]
    if numbers != list(range(1, STOPS + 1)):
        problems.append(f"the stops are {numbers}, not 1 to {STOPS}")
    for number, name, function in stops:
        path = root / name
        if not path.is_file():
            problems.append(f"stop {number}: there is no {name}")
        elif not has_function(check.without_comments(path.read_text()),
                              function):
            problems.append(f"stop {number}: no {function}() in {name}")
    return problems


def tour(stops=STOPS, name="broker/a.c", function="queue_pop"):
    return "".join(f"{number}. `{name}`: `{function}` takes\n"
                   for number in range(1, stops + 1))


CODE = "static int queue_pop(int a,\n                     int b)\n{\n}\n"


def tree(document, code=CODE):
    return {"broker/a.c": code, "docs/architecture.md": document}


PLANTS = (
    ("ten stops", tree(tour()), None),
    ("nine stops", tree(tour(9)), "not 1 to 10"),
    ("a file that is gone", tree(tour(name="broker/b.c")), "there is no"),
    ("a function that is gone", tree(tour(function="queue_push")),
     "no queue_push() in"),
    ("a function that is only declared",
     tree(tour(), "int queue_pop(int a);\n"), "no queue_pop() in"),
    ("a function that is only called",
     tree(tour(), "int x(void)\n{\n    queue_pop(1);\n}\n"),
     "no queue_pop() in"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
