# SPDX-License-Identifier: MIT
"""Whichever allocation fails, the daemon does not crash: at its start it ends
with a sentence that says so or goes on; once clients are there, one of them
may lose its connection, and later clients are served."""
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from installed import main, need, run, skip

SOURCE = pathlib.Path(__file__).with_name("fail_malloc.c")
SLUICED = os.environ["SLUICED"]
TOLD = "allocation failed on purpose"
DEADLINE = 30
LAST = 2000  # no more of them are tried; a run without a failure ends it


def frame(body):
    return struct.pack(">I", len(body)) + body


class Daemon:
    """sluiced with the n-th allocation failing."""

    def __init__(self, shim, number, *args, **env):
        self.process = subprocess.Popen(
            [SLUICED, "--listen", f"unix:{shim.parent}/{number}",
             "--listen", "127.0.0.1:0", "--channel", "/topic/held hold=3",
             *args], stderr=subprocess.PIPE, text=True, env={**os.environ, **env, "LD_PRELOAD": str(shim),
                            "FAIL_AT": str(number)})
        self.said, self.port = "", None
        for line in self.process.stderr:
            self.said += line
            if "event=listening addr=127" in line:
                address = line.split("addr=")[1].split()[0]
                self.port = int(address.rsplit(":", 1)[1])
                break

    def connect(self):
        return socket.create_connection(("127.0.0.1", self.port), DEADLINE)

    def end(self):
        """Its exit status; a negative one is the signal that killed it."""
        if self.port and self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        self.said += self.process.communicate(timeout=DEADLINE)[1]
        return self.process.returncode

    def has_failed(self):
        return TOLD in self.said


def talk(daemon):
    """A bit of everything; a client may lose its connection."""
    clients = []
    try:
        for name in (b"/topic/a", b"/queue/b", b"/topic/a"):
            clients.append(daemon.connect())
            clients[-1].sendall(frame(name))
        for body in (b"small", b"x" * 5000, b"y" * 300_000):
            for name in (b"/topic/a", b"/queue/b", b"/queue/nobody"):
                clients[0].sendall(frame(name) + frame(body))
        clients[0].sendall(frame(b""))
        while clients[0].recv(1 << 16):
            pass
    except ConnectionError:
        pass
    finally:
        for client in clients:
            client.close()


def is_served(daemon):
    """False also when a message was dropped without memory, and counted."""
    try:
        with daemon.connect() as client:
            client.settimeout(10)
            client.sendall(frame(b"/topic/z") * 2 + frame(b"hello"))
            return client.makefile("rb").read(9) == frame(b"hello")
    except (ConnectionError, TimeoutError):
        return False


class Faults(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="sluice-malloc-")
        cls.addClassCleanup(folder.cleanup)
        cls.shim = pathlib.Path(folder.name) / "fail_malloc.so"
        run(os.environ["CC"], "-D_GNU_SOURCE", "-shared", "-fPIC", "-O2",
            "-Wall", "-Werror", SOURCE, "-o", cls.shim)

    def until_none_fails(self, check):
        """How many allocations were made to fail."""
        for number in range(1, LAST):
            with self.subTest(number=number):
                if not check(number):
                    return number - 1
        return LAST

    def start(self, number, *args, **env):
        daemon = Daemon(self.shim, number, *args, **env)
        self.addCleanup(daemon.process.kill)
        return daemon

    def check_start(self, number, *args):
        daemon = self.start(number, *args)
        status = daemon.end()
        self.assertIn(status, (0, 1, 2), daemon.said)
        if status:
            said = daemon.said.replace(TOLD, "").strip().splitlines()
            self.assertTrue(said, "it ended without a word")
            self.assertRegex(said[-1], "^sluiced: .*[Mm]emory")
        return daemon.has_failed()

    def check_session(self, number, *args):
        daemon = self.start(number, *args, FAIL_IN_SESSION="1")
        talk(daemon)
        # The failure may hit the first client that asks.
        self.assertTrue(is_served(daemon) or is_served(daemon))
        self.assertEqual(daemon.end(), 0, daemon.said)
        return daemon.has_failed()

    def test_at_start(self):
        self.assertGreater(self.until_none_fails(self.check_start), 20)

    def test_in_the_session(self):
        self.assertGreater(self.until_none_fails(self.check_session), 10)


class Journal(Faults):
    """The same with queues that are durable."""

    def durable(self):
        """Options, with a journal that has two messages."""
        folder = tempfile.TemporaryDirectory(prefix="sluice-malloc-")
        self.addCleanup(folder.cleanup)
        options = ("--journal", folder.name, "--journal-segment", "256k",
                   "--journal-free", "0", "--channel", "/queue/** durable=yes")
        daemon = self.start(0, *options)
        with daemon.connect() as client:
            client.sendall(frame(b"") + (frame(b"/queue/kept") + frame(b"x")) * 2
                           + frame(b""))
            self.assertEqual(client.recv(1), b"")
        self.assertEqual(daemon.end(), 0, daemon.said)
        return options

    def kept(self, options):
        """Both are still there."""
        daemon = self.start(0, *options)
        with daemon.connect() as client:
            client.sendall(frame(b"/queue/kept"))
            self.assertEqual(client.makefile("rb").read(10), frame(b"x") * 2)
        self.assertEqual(daemon.end(), 0, daemon.said)

    def check_start(self, number, *args):
        options = self.durable()
        has_failed = super().check_start(number, *options)
        self.kept(options)
        return has_failed

    def check_session(self, number, *args):
        options = self.durable()
        has_failed = super().check_session(number, *options)
        self.kept(options)
        return has_failed


if __name__ == "__main__":
    need(os.environ["CC"])
    if "GNU" not in run("ldd", "--version") and "GLIBC" not in run(
            "ldd", "--version"):
        skip("the C library is not glibc")
    main()
