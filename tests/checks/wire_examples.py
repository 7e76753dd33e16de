# SPDX-License-Identifier: MIT
"""The examples of the protocol's documents happen as they are written there,
each with a broker of its own: bytes in blocks of "wire", units of version 2 in
blocks of "units", as "head | body". There "…" stands for what differs from run
to run, and "@…" in what is sent for the reply address that came last.
"""
import re
import socket
import sys

import broker
import check

DOCUMENTS = ("docs/protocol.md", "docs/protocol-2.md")
PATIENCE_S = 10
LENGTH = 4
BLOCK = re.compile(r"^```(wire|units)\n(.*?)^```$", re.M | re.S)
LINE = {"wire": re.compile(r"(\w) ([<>]) ([0-9a-f ]+|closed)$"),
        "units": re.compile(r"(\w) ([<>]) (\S.*)$")}
ADDRESS = re.compile(r" reply=(@\S+)")


class Unit:
    """A unit of version 2, as a document shows it."""

    last_address = "@none"

    def __init__(self, text):
        self.text = text

    def encode(self):
        text = self.text.replace("@…", Unit.last_address)
        head, _, body = text.replace("\\0", "\0").partition(" | ")
        return b"".join(len(part).to_bytes(LENGTH, "big") + part
                        for part in (head.encode(), body.encode()))

    def is_like(self, text):
        return re.fullmatch(".*".join(map(re.escape, self.text.split("…"))),
                            text) is not None


def step_of(kind, line):
    match = LINE[kind].match(line.partition(" ;")[0].rstrip())
    if match is None:
        raise ValueError(f"not a step: {line}")
    who, direction, what = match.groups()
    if what == "closed":
        return who, direction, None
    return who, direction, (bytes.fromhex(what) if kind == "wire"
                            else Unit(what))


def examples(text):
    """Each block as a list of steps: (connection, direction, bytes or Unit);
    None is the end of the connection."""
    for kind, block in BLOCK.findall(text):
        yield [step_of(kind, line) for line in block.splitlines()]


def receive(connection, length):
    """That many bytes, or fewer when the connection ends or says no more."""
    data = b""
    try:
        while len(data) < length:
            part = connection.recv(length - len(data))
            if not part:
                break
            data += part
    except TimeoutError:
        return data + b" and then silence"
    except ConnectionResetError:
        pass
    return data


def problem_of_unit(connection, expected):
    frames = []
    for _ in ("head", "body"):
        length = receive(connection, LENGTH)
        if len(length) != LENGTH:
            return f"received {length}, not {expected.text}"
        frames.append(receive(connection, int.from_bytes(length, "big")))
    text = b" | ".join(filter(None, frames)).decode("ascii", "replace")
    for address in ADDRESS.findall(text):
        Unit.last_address = address
    return None if expected.is_like(text) \
        else f"received {text}, not {expected.text}"


def problem_of_step(connection, direction, expected):
    if direction == ">":
        connection.sendall(expected.encode() if isinstance(expected, Unit)
                           else expected)
        return None
    if isinstance(expected, Unit):
        return problem_of_unit(connection, expected)
    got = receive(connection, 1 if expected is None else len(expected))
    if got != (expected or b""):
        return f"received {got}, not {expected or 'the end'}"
    return None


def play(address, steps):
    connections = {}
    try:
        for number, (who, direction, what) in enumerate(steps, 1):
            if who not in connections:
                connections[who] = socket.create_connection(address)
                connections[who].settimeout(PATIENCE_S)
            problem = problem_of_step(connections[who], direction, what)
            if problem:
                return f"step {number}, {who}: {problem}"
    finally:
        for connection in connections.values():
            connection.close()
    return None


def find(root, bin_folder):
    problems = []
    for document in DOCUMENTS:
        played = 0
        for steps in examples((root / document).read_text()):
            with broker.running(bin_folder) as address:
                problem = play(address, steps)
            played += 1
            if problem:
                problems.append(f"{document}: example {played}: {problem}")
        print(f"{document}: {played} examples")
        if not played:
            problems.append(f"{document} has no example")
    return problems


def find_with_echo(root):
    """The plants need no broker: their peer sends back what it was sent."""
    problems, sent = [], b""
    steps = [step for steps in examples((root / "docs/protocol.md").read_text())
             for step in steps]
    for _, direction, what in steps:
        near, far = socket.socketpair()
        with near, far:
            if direction == ">":
                sent += what.encode() if isinstance(what, Unit) else what
            else:
                far.sendall(sent)
                far.shutdown(socket.SHUT_WR)
                problems.append(problem_of_step(near, direction, what))
    return [problem for problem in problems if problem]


def document(*lines, kind="wire"):
    return {"docs/protocol.md": "\n".join([f"```{kind}", *lines, "```", ""])}


PLANTS = (
    ("what was promised", document("A > 00ff", "A < 00 ff ; back"), None),
    ("other bytes", document("A > 00ff", "A < 00fe"), "received"),
    ("bytes instead of the end", document("A > 00ff", "A < closed"),
     "not the end"),
    ("the end instead of bytes", document("A < 00"), "received b''"),
    ("the unit that was promised", document(
        "A > PUB /a x=1 | hi ; there", "A < PUB … x=1 | hi", kind="units"),
     None),
    ("another head", document("A > PUB /a | hi", "A < PUB /b | hi",
                              kind="units"), "not PUB /b"),
    ("another body", document("A > PUB /a | hi", "A < PUB /a", kind="units"),
     "received PUB /a | hi"),
    ("the end instead of a unit", document("A < OK", kind="units"),
     "received b''"),
)

if __name__ == "__main__":
    check.main(find_with_echo if "--plants" in sys.argv else find, PLANTS)
