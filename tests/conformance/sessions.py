# SPDX-License-Identifier: MIT
"""Reads sessions.txt: session vectors as people write them, made into the steps
of vectors.json. The first lines of the file explain the format."""
import re
from pathlib import Path

from units import frame, unit

SESSIONS = Path(__file__).resolve().parent / "sessions.txt"
TITLE = re.compile(r"\[(\S+) \((.+)\)\](.*)")
LINE = re.compile(r"([a-z])([<>]\*?|[:=]) ?(.*)")
INFO = "INFO * v=2 conn=* run=* max=* hold=* subs=* reqs=* ping=* feat=*"


def octets(text):
    """`abc%00`, or `x*100` for a hundred times x."""
    repeated = re.fullmatch(r"(.+)\*(\d+)", text)
    if repeated:
        return octets(repeated[1]) * int(repeated[2])
    return re.sub(rb"%([0-9A-Fa-f]{2})", lambda m: bytes.fromhex(m[1].decode()),
                  text.encode("latin-1"))


def split(text):
    head, bar, body = text.partition(" | ")
    head = re.sub(r"\{(.)\*(\d+)\}", lambda m: m[1] * int(m[2]), head)
    return head.rstrip(" ") if bar else head, body


def wanted(text):
    head, body = split(text)
    return {"head": head, "body_hex": None if body == "*"
            else octets(body).hex()}


def sent(text):
    head, body = split(text)
    data = octets(body)
    return {"head": head, "body_hex": data.hex(),
            "hex": unit(head, data).hex()}


def opening(name, options):
    head = " ".join(["\0SLUICE/2", *options])
    return [{"to": name, **sent(head)},
            {"from": name, "head": INFO, "body_hex": ""}]


# What else a connection does: `a: word`.
ACTS = {"shutdown": lambda name: {"to": name, "shutdown": True},
        "reset": lambda name: {"to": name, "reset": True},
        "eof": lambda name: {"from": name, "eof": True},
        "ends": lambda name: {"from": name, "ends": True}}


def act(name, text):
    word, _, rest = text.partition(" ")
    if word == "open":
        return opening(name, rest.split())
    if word == "greet":
        return [{"to": name, **sent("\0" + rest)}]
    if word == "hex":
        return [{"to": name, "hex": rest.replace(" ", "")}]
    if word == "frames":
        frames = b"".join(frame(octets(part)) for part in rest.split(" "))
        return [{"to": name, "hex": frames.hex()}]
    if word == "frame":
        return [{"from": name, "frame_hex": octets(rest).hex(),
                 "hex": frame(octets(rest)).hex()}]
    return [ACTS[word](name)]


def steps_of(lines):
    steps = []
    for line in lines:
        if line.startswith("sleep "):
            steps.append({"sleep_ms": int(line.split()[1])})
            continue
        name, kind, text = LINE.fullmatch(line).groups()
        if kind == ">":
            steps.append({"to": name, **sent(text)})
        elif kind == "<":
            steps.append({"from": name, **wanted(text)})
        elif kind == "<*":
            last = steps[-1]
            if last.get("from") != name or "any_order" not in last:
                steps.append({"from": name, "any_order": []})
            steps[-1]["any_order"].append(wanted(text))
        else:
            steps.extend(act(name, text))
    return steps


def sessions():
    """Rows like those of vectors.json."""
    rows, lines = [], []
    for line in SESSIONS.read_text().splitlines():
        title = TITLE.fullmatch(line)
        if title:
            lines = []
            rows.append((title, lines))
        elif line and not line.startswith("#"):
            lines.append(line)
    return [{"name": title[1], "spec": title[2], "steps": steps_of(lines),
             "options": {name: int(value) for name, value in
                         (word.split("=") for word in title[3].split())}}
            for title, lines in rows]
