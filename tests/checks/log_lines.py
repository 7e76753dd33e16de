# SPDX-License-Identifier: MIT
"""The documents list the events, reasons and counters that the code has, and
no others; and what to do about every event that an operator has to look at."""
import re

import check

# A logging call takes its subject, perhaps the level, and the event.
EVENT_CALL = re.compile(
    r'\b(?:\w*log\w*|NOTICE)\([^,;"]+,'
    r'(?:[^,;"]*(?:LOG_|level)[^,;"]*,)?\s*"([a-z_]+)"')
REASON_ROW = re.compile(r'\[REASON_\w+\]\s*=\s*\{\s*"([a-z_]+)"')
COUNTER_ROW = re.compile(r"^\s*X\(([a-z0-9_]+),", re.M)

# What, its pattern in the code, the document, its pattern there.
LISTS = (
    ("event", EVENT_CALL, "docs/operations.md",
     re.compile(r"^\| `event=([a-z_]+)` \|", re.M)),
    ("reason", REASON_ROW, "docs/protocol.md",
     re.compile(r"^\|.*\| `([a-z_]+)` \|$", re.M)),
    ("counter", COUNTER_ROW, "docs/operations.md",
     re.compile(r"^\| `([a-z0-9_]+)` \|", re.M)),
)
# A row of an event that is a warning or an error, and its last cell.
TROUBLE_ROW = re.compile(
    r"^\| `event=([a-z_]+)` \| [^|]*(?:warning|error)[^|]*\|.*\|([^|]*)\|$",
    re.M)


def without_advice(text):
    return [event for event, advice in TROUBLE_ROW.findall(text)
            if not advice.strip()]


def find(root, _bin=None):
    code = "\n".join(
        check.without_comments((root / path).read_text())
        for path in check.sources(root, ("broker",)))
    problems = []
    for what, in_code, document, in_document in LISTS:
        written = set(in_document.findall((root / document).read_text()))
        coded = set(in_code.findall(code))
        if not coded:
            problems.append(f"the code has no {what}")
        problems += [f"{document}: {what} {name} is not in the code"
                     for name in sorted(written - coded)]
        problems += [f"{document}: {what} {name} is missing"
                     for name in sorted(coded - written)]
    problems += [f"docs/operations.md: what to do about event {name}?" for name
                 in without_advice((root / "docs/operations.md").read_text())]
    return problems


CODE = '''log_event(log, LOG_INFO, "begun", LOG_U64("n", 1));
log_fields(log, level, event, LOG_LIST(LOG_U64("no", 1)));
log_end(broker, signo, "no");
row r = { [REASON_EOF] = {"eof", 1} };
#define COUNTERS(X) \\
    X(accepted, COUNTER)
'''
OPERATIONS = "| `event=begun` | x |\n| `accepted` | x |\n"
PROTOCOL = "| x | `eof` |\n"


def tree(code=CODE, operations=OPERATIONS, protocol=PROTOCOL):
    return {"broker/a.c": code, "docs/operations.md": operations,
            "docs/protocol.md": protocol}


PLANTS = (
    ("the same lists", tree(), None),
    ("an event nobody wrote about",
     tree(code=CODE + 'log_always(log, LOG_INFO, "ended", 2);\n'),
     "event ended is missing"),
    ("an event that is gone",
     tree(operations=OPERATIONS + "| `event=gone` | x |\n"),
     "event gone is not in the code"),
    ("a reason that is gone", tree(protocol=PROTOCOL + "| x | `gone` |\n"),
     "reason gone is not in the code"),
    ("a counter nobody wrote about",
     tree(code=CODE + "    X(refused, COUNTER)\n"),
     "counter refused is missing"),
    ("a warning that nobody knows what to do about",
     tree(operations=OPERATIONS.replace("| x |", "| warning | x | |", 1)),
     "what to do about event begun"),
    ("a warning, and what to do about it",
     tree(operations=OPERATIONS.replace("| x |", "| warning | x | y |", 1)),
     None),
    ("code without events", tree(code=""), "the code has no event"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
