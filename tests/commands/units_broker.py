# SPDX-License-Identifier: MIT
"""A broker of version 2 that the test plays itself, unit by unit."""
import pathlib
import socket
import sys

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS / "conformance"))
from units import (Connection, Failed, Head, check_legal,  # noqa: E402,F401
                   unit)

INFO = ("INFO test/1 v=2 conn=1 run=a max=1000000 hold=262144 subs=1024"
        " reqs=1024 ping=0s feat=core")
DEADLINE = 60


class UnitsBroker:
    """Serves one connection after another."""

    def __init__(self, case, is_up=True, path=None):
        """On a unix socket, if there is a path."""
        self.case = case
        self.listener = socket.socket(
            socket.AF_UNIX if path else socket.AF_INET)
        self.listener.bind(path or ("127.0.0.1", 0))
        self.listener.settimeout(DEADLINE)
        if is_up:
            self.listener.listen()
        case.addCleanup(self.listener.close)
        self.address = (f"unix:{path}" if path else
                        "%s:%d" % self.listener.getsockname())
        self.connection = None

    def accept(self):
        """A client connects and opens version 2."""
        sock = self.listener.accept()[0]
        self.case.addCleanup(sock.close)
        self.connection = Connection(sock)
        self.case.assertTrue(
            self.connection.frame().startswith(b"\0SLUICE/2"))
        self.connection.frame()
        self.send(INFO)

    def send(self, head, body=b""):
        self.connection.send(unit(head, body))

    def expect(self, wanted, body=b""):
        """The next unit, which is this one but for its rid; the rid."""
        head, got = self.connection.unit()
        check_legal(head)
        rid = Head(head).options.get("rid")
        self.case.assertEqual((head.replace(f" rid={rid}", ""), got),
                              (wanted, body))
        return rid

    def answer(self, wanted, body=b"", options=""):
        rid = self.expect(wanted, body)
        self.send(f"OK rid={rid}{options}")

    def take_goodbye(self):
        self.expect("BYE")
        self.send("BYE")

    def drop(self):
        """The connection breaks."""
        self.connection.close()
