# SPDX-License-Identifier: MIT
"""The examples of docs/protocol.md happen as they are written there."""
import re
import socket
import sys

import broker
import check

PATIENCE_S = 10
BLOCK = re.compile(r"^```wire\n(.*?)^```$", re.M | re.S)
LINE = re.compile(r"(\w) ([<>]) ([0-9a-f ]+|closed)$")


def examples(text):
    """Each block as a list of steps: (connection, direction, bytes); None is
    the end of the connection."""
    for block in BLOCK.findall(text):
        steps = []
        for line in block.splitlines():
            match = LINE.match(line.partition(";")[0].rstrip())
            if match is None:
                raise ValueError(f"not a step: {line}")
            who, direction, what = match.groups()
            steps.append((who, direction, None if what == "closed"
                          else bytes.fromhex(what)))
        yield steps


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


def problem_of_step(connection, direction, expected):
    if direction == ">":
        connection.sendall(expected)
        return None
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
    text = (root / "docs/protocol.md").read_text()
    problems, played = [], 0
    with broker.running(bin_folder) as address:
        for number, steps in enumerate(examples(text), 1):
            problem = play(address, steps)
            played += 1
            if problem:
                problems.append(f"example {number}: {problem}")
    print(f"{played} examples")
    return problems if played else ["docs/protocol.md has no example"]


def find_with_echo(root):
    """The plants need no broker: their peer sends back what it was sent."""
    problems, sent = [], b""
    steps = [step for steps in examples((root / "docs/protocol.md").read_text())
             for step in steps]
    for _, direction, what in steps:
        near, far = socket.socketpair()
        with near, far:
            if direction == ">":
                sent += what
            else:
                far.sendall(sent)
                far.shutdown(socket.SHUT_WR)
                problems.append(problem_of_step(near, direction, what))
    return [problem for problem in problems if problem]


def document(*lines):
    return {"docs/protocol.md": "\n".join(["```wire", *lines, "```", ""])}


PLANTS = (
    ("what was promised", document("A > 00ff", "A < 00 ff ; back"), None),
    ("other bytes", document("A > 00ff", "A < 00fe"), "received"),
    ("bytes instead of the end", document("A > 00ff", "A < closed"),
     "not the end"),
    ("the end instead of bytes", document("A < 00"), "received b''"),
)

if __name__ == "__main__":
    check.main(find_with_echo if "--plants" in sys.argv else find, PLANTS)
