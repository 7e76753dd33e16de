# SPDX-License-Identifier: MIT
"""Nothing is left for later in the code: missing work is an issue."""
import re

import check

# Written in halves, so that this file does not speak of itself.
LATER = ("TO" "DO", "FIX" "ME", "XX" "X", "HA" "CK")
PATTERN = re.compile(r"\b(" + "|".join(LATER) + r")\b")

FOLDERS = (*check.PROGRAMS, "tests", "scripts", "cmake")
ENDS = (".c", ".h", ".py", ".sh", ".cmake", ".txt", "")


def find(root, _bin=None):
    problems = []
    for path in check.sources(root, FOLDERS, ENDS):
        if "corpus" in path.parts:
            continue
        text = (root / path).read_text(errors="replace")
        for number, line in enumerate(text.splitlines(), 1):
            if PATTERN.search(line):
                problems.append(f"{path}:{number}: {line.strip()}")
    return problems


PLANTS = (
    ("code that is done", {"proto/a.c": "/* a to-do list of messages */\n"},
     None),
    *((f"{word} in code", {"proto/a.c": f"int a; /* {word}: later */\n"},
       "proto/a.c:1") for word in LATER),
    ("a script that is not done", {"scripts/run": f"# {LATER[0]}\n"},
     "scripts/run:1"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
