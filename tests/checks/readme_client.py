# SPDX-License-Identifier: MIT
"""README's Python client, as it stands there, receives what it sends.

Only the port is not the README's: connections to the default address are led
to a broker of our own, so that no other is disturbed or relied on.
"""
import re
import subprocess
import sys

import broker
import check

BLOCK = re.compile(r"^```python\n(.*?)^```$", re.M | re.S)
LINES_MAX = 14
PATIENCE_S = 20
EXPECTED = "b'hello'\n"

REDIRECT = """
import socket, sys
connect = socket.create_connection
def redirect(address, *rest):
    assert address == ("127.0.0.1", 25000), address
    return connect(("127.0.0.1", int(sys.argv[1])), *rest)
socket.create_connection = redirect
exec(sys.stdin.read())
"""


def problem_of_client(code, port):
    done = subprocess.run([sys.executable, "-c", REDIRECT, str(port)],
                          input=code, capture_output=True, text=True,
                          timeout=PATIENCE_S)
    if done.returncode:
        return f"the client fails:\n{done.stderr}"
    if done.stdout != EXPECTED:
        return f"the client prints {done.stdout!r}, not {EXPECTED!r}"
    return None


def clients(root):
    return BLOCK.findall((root / "README.md").read_text())


def problem_of_size(code):
    lines = sum(1 for line in code.splitlines() if line.strip())
    return f"{lines} lines of code" if lines > LINES_MAX else None


def find(root, bin_folder):
    with broker.running(bin_folder) as (_, port):
        problems = [problem for code in clients(root)
                    for problem in (problem_of_client(code, port),
                                    problem_of_size(code)) if problem]
    return problems if clients(root) else ["README.md has no client"]


def find_without_broker(root):
    """The plants connect to nothing."""
    return [problem_of_client(code, 0) for code in clients(root)]


def readme(code):
    return {"README.md": f"```python\n{code}\n```\n"}


PLANTS = (
    ("a client that breaks", readme("raise OSError('no')"), "client fails"),
    ("a client that hears something else", readme("print(b'')"), "prints"),
    ("a client for another address",
     readme("import socket\nsocket.create_connection(('127.0.0.1', 1))"),
     "AssertionError"),
)

if __name__ == "__main__":
    check.main(find_without_broker if "--plants" in sys.argv else find, PLANTS)
