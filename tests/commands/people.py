# SPDX-License-Identifier: MIT
"""The tests' ground: the command of tests/client and the daemon of
tests/wire, as one case."""
import os
import pathlib
import sys
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "client"), str(TESTS / "wire")]
import command  # noqa: E402
from command import (DEADLINE, SLUICE, FakeBroker,  # noqa: E402,F401
                     Process, environment, refusing_address, run)
from daemon import Broker  # noqa: E402


class WithBroker(unittest.TestCase):
    def setUp(self):
        self.broker = Broker()
        self.addCleanup(self.broker.kill)

    def start(self, *args, **kwargs):
        """A command that talks to this broker."""
        return Process(self, *args, server=self.broker.address, **kwargs)

    def run_to_end(self, *args, stdin=b""):
        return run(*args, server=self.broker.address, stdin=stdin)

    def send(self, *args, stdin=b""):
        done = self.run_to_end("send", *args, stdin=stdin)
        self.assertEqual(done.returncode, 0, done.stderr)


def main():
    if not os.access(os.environ.get("SLUICED", ""), os.X_OK):
        sys.exit("SLUICED must name the daemon")
    command.main()
