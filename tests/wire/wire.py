# SPDX-License-Identifier: MIT
"""What every wire test starts from: `from wire import *` is one import.

A test asks for brokers and clients, and need not clean up: clients are
closed first, then every broker is stopped and must have lived well, that is,
exit 0 and have written nothing but log lines.
"""
import pathlib
import shutil
import sys
import threading
import unittest

from client import DEADLINE, WITH_TLS, Client, open_socket
from daemon import Broker, is_sanitised, run_sluiced
from frames import (Decoder, frame, head, number_of, numbered,
                    numbered_pairs, pair, pairs)

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from runner import main, skip  # noqa: E402

__all__ = [
    "Background", "Broker", "Client", "DEADLINE", "Decoder", "KIB", "MIB",
    "TLS_EACH_KIB", "TLS_KIB", "WITH_TLS", "WireTest", "frame", "head",
    "is_sanitised", "main", "number_of", "numbered", "numbered_pairs",
    "once_is_enough", "open_socket", "pair", "pairs", "run_sluiced", "skip",
    "without_tls",
]

KIB, MIB = 1 << 10, 1 << 20
TLS_KIB = 4 * KIB if WITH_TLS else 0  # its library, its certificates
TLS_EACH_KIB = 15 if WITH_TLS else 0  # a connection

if WITH_TLS and not shutil.which("openssl"):
    skip("no openssl")


def without_tls(why):
    """A promise that does not hold with TLS, for this reason."""
    return unittest.skipIf(WITH_TLS, f"with TLS {why}")


def once_is_enough():
    """For files that say of each client whether it has TLS."""
    if WITH_TLS:
        skip("with TLS it is as without")


class Background(threading.Thread):
    """A call that runs beside the test; join() returns what it returned and
    raises what it raised."""

    def __init__(self, call, *args):
        super().__init__(daemon=True)
        self._call, self._args = call, args
        self._result, self._error = None, None
        self.start()

    def run(self):
        try:
            self._result = self._call(*self._args)
        except BaseException as error:  # raised by join()
            self._error = error

    def join(self, timeout=DEADLINE):
        super().join(timeout)
        if self.is_alive():
            raise TimeoutError(f"{self._call} is still running")
        if self._error:
            raise self._error
        return self._result


class WireTest(unittest.TestCase):
    longMessage = True

    def broker(self, *args, **kwargs):
        broker = Broker(*args, **kwargs)
        self.addCleanup(self.finish, broker)
        return broker

    def finish(self, broker):
        try:
            status = broker.stop().status
        finally:
            broker.kill()
        self.assertEqual(broker.complaints(), [])
        self.assertEqual(status, 0, "exit status of sluiced")

    def connect(self, broker, **kwargs):
        client = broker.connect(**kwargs)
        self.addCleanup(client.close)
        return client

    def subscriber(self, broker, channel, **kwargs):
        """A client whose subscription the broker has taken note of."""
        client = self.connect(broker, **kwargs).subscribe(channel)
        broker.sync(client)
        return client

    def publisher(self, broker, **kwargs):
        """A client that listens to nothing."""
        return self.connect(broker, **kwargs).subscribe(b"")

    def assert_closed(self, broker, client, reason):
        """The broker ends this connection and its log says why."""
        client.wait_closed()
        line = broker.wait_for_log(rf"event=closed .*reason=({reason})\b")
        self.assertEqual(line.level, "warning", str(line))
        return line

    def assert_serves(self, broker, channel=b"/topic/still/alive"):
        """The broker does its work: one message, from socket to socket."""
        listener = self.subscriber(broker, channel)
        sender = self.publisher(broker).publish(channel, b"hello")
        self.assertEqual(listener.recv(), b"hello")
        listener.close()
        sender.close()

    def assert_memory(self, kib, limit_kib, what="memory grew"):
        """Sanitizers surround each block with as much again, and keep some
        freed ones; they have a leak checker of their own."""
        if is_sanitised():
            limit_kib = 4 * limit_kib + 4 * KIB
        self.assertLess(kib, limit_kib, what)

    def assert_falls_below(self, sluiced, kib):
        """Its resident memory does, as soon as it knows that the clients are
        gone; under sanitizers, which keep it, what is counted of it."""
        def is_below(_):
            return self.kept_kib(sluiced) < kib
        try:
            sluiced.wait_stats(connections=is_below)
        except AssertionError:
            self.assertLess(self.kept_kib(sluiced), kib, "memory is kept")

    def kept_kib(self, sluiced):
        return (sluiced.stats()["memory_bytes"] >> 10 if is_sanitised()
                else sluiced.rss_kb())
