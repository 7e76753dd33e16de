# SPDX-License-Identifier: MIT
"""sluice listen, against a broker of version 1 that the test plays itself."""
import os
import pty
import re
import signal
import struct
import subprocess
import unittest

from command import FakeBroker, Process, main, refusing_address


class Listening(unittest.TestCase):
    def setUp(self):
        self.broker = FakeBroker(self)

    def listen(self, *args, **kwargs):
        """A listener and its connection, subscribed."""
        process = Process(self, "listen", "/c", *args,
                          server=self.broker.address, **kwargs)
        return process, self.subscribed()

    def subscribed(self):
        connection, channel = self.broker.accept_listener()
        self.assertEqual(channel, b"/c")
        return connection


class Output(Listening):
    def test_one_line_per_message_as_it_comes(self):
        process, connection = self.listen()
        for message in (b"hello", b"", b"a\0b\x1b[1m\xff"):
            connection.send(message)
            self.assertEqual(process.line(), message + b"\n")

    def test_raw(self):
        process, connection = self.listen("--raw", "--count", "3")
        connection.send(b"a\0", b"", b"\nb")
        self.assertEqual(process.finish(), (0, b"a\0\nb", ""))

    def test_count(self):
        process, connection = self.listen("--count", "2")
        connection.send(b"1", b"2", b"3", b"4")
        self.assertEqual(process.finish(), (0, b"1\n2\n", ""))

    def test_messages_cut_anywhere(self):
        process, connection = self.listen("--count", "2")
        for byte in b"\0\0\0\3abc\0\0\0\1d":
            connection.sock.sendall(bytes([byte]))
        self.assertEqual(process.finish()[:2], (0, b"abc\nd\n"))

    def test_a_flood(self):
        process, connection = self.listen("--count", "100000")
        bodies = [b"message %d" % i for i in range(100_000)]
        connection.send(*bodies)
        status, out, err = process.finish()
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out, b"\n".join(bodies) + b"\n")

    def test_the_longest_message_and_one_byte_more(self):
        process, connection = self.listen("--max-frame", "2m")
        longest = os.urandom(2 << 20)
        connection.send(longest)
        connection.sock.sendall(struct.pack(">I", (2 << 20) + 1))
        status, out, err = process.finish()
        self.assertEqual(status, 1)
        self.assertEqual(out, longest + b"\n")
        self.assertRegex(err, r"above the limit of 2097152 .*--max-frame")

    def test_four_gigabytes_promised(self):
        process, connection = self.listen()
        connection.sock.sendall(b"\xff\xff\xff\xff")
        status, out, err = process.finish()
        self.assertEqual((status, out), (1, b""))
        self.assertIn("--max-frame", err)

    def test_a_terminal_is_not_controlled_by_messages(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process, connection = self.listen("--count", "1", stdout=theirs)
        os.close(theirs)
        connection.send(b"\x1b[2Jh\xc3\xa9\n\x9b\0")
        self.assertEqual(process.finish()[0], 0)
        self.assertEqual(os.read(ours, 100),
                         b"\\x1b[2Jh\xc3\xa9\\x0a\\x9b\\x00\r\n")

    def test_a_reader_that_leaves(self):
        """sluice listen ... | head -1"""
        reader, writer = os.pipe()
        process, connection = self.listen(stdout=writer)
        os.close(writer)
        connection.send(b"first")
        self.assertEqual(os.read(reader, 100), b"first\n")
        os.close(reader)
        self.assertEqual(process.finish(), (0, None, ""))

    def test_a_reader_that_leaves_a_flood(self):
        reader, writer = os.pipe()
        process, connection = self.listen(stdout=writer)
        os.close(writer)
        connection.send(*[b"x" * 1000] * 200)
        os.read(reader, 100)
        os.close(reader)
        self.assertEqual(process.finish(), (0, None, ""))

    def test_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            process, connection = self.listen(stdout=full)
            connection.send(b"x")
            status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertIn("No space left", err)


class Stopping(Listening):
    def test_what_is_owed_is_printed(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            process, connection = self.listen()
            connection.send(b"before")
            self.assertEqual(process.line(), b"before\n")
            process.signal(number)
            self.assertEqual(connection.read_frame(), b"")
            connection.send(b"owed", b"more")
            connection.close()
            self.assertEqual(process.finish(), (0, b"owed\nmore\n", ""))

    def test_a_broker_that_does_not_answer(self):
        process, connection = self.listen("--timeout", "50ms")
        process.signal()
        self.assertEqual(connection.read_frame(), b"")
        self.assertEqual(process.finish(), (0, b"", ""))

    def test_a_broker_that_never_pauses(self):
        """A stop signal, or --timeout after it, ends a flood as well."""
        process, connection = self.listen("--timeout", "100ms",
                                          stdout=subprocess.DEVNULL)
        connection.flood(b"zz")
        process.signal()
        self.assertEqual(process.finish(), (0, None, ""))

    def test_in_a_pause_between_attempts(self):
        process = Process(self, "listen", "/c",
                          server=refusing_address(self))
        self.assertIn("trying again", process.complaint())
        process.signal()
        self.assertEqual(process.finish(), (0, b"", ""))


class Reconnecting(Listening):
    def test_a_broker_that_restarts(self):
        process, connection = self.listen()
        connection.send(b"one")
        self.assertEqual(process.line(), b"one\n")
        connection.close()
        self.assertRegex(process.complaint(), "closed.*; trying again")
        connection = self.subscribed()
        connection.send(b"two")
        self.assertEqual(process.line(), b"two\n")
        self.assertIn("connected again", process.complaint())
        connection.reset()
        self.assertRegex(process.complaint(), "broke.*; trying again")
        connection = self.subscribed()
        connection.send(b"three")
        self.assertEqual(process.line(), b"three\n")

    def test_an_outage_is_told_once(self):
        """However many attempts it takes, also when they are accepted and
        dropped, as some proxies do."""
        process, connection = self.listen()
        for _ in range(4):
            connection.close()
            connection = self.subscribed()
        connection.send(b"x")
        self.assertEqual(process.line(), b"x\n")
        process.signal()
        connection.read_frame()
        connection.close()
        err = process.finish()[2].splitlines()
        self.assertEqual(len(err), 2, err)
        self.assertIn("trying again", err[0])
        self.assertIn("connected again", err[1])

    def test_a_message_cut_off_is_not_printed(self):
        process, connection = self.listen("--count", "1")
        connection.sock.sendall(b"\0\0\0\5hel")
        connection.close()
        self.subscribed().send(b"whole")
        self.assertEqual(process.finish()[:2], (0, b"whole\n"))

    def test_quiet(self):
        process, connection = self.listen("--quiet", "--count", "1")
        connection.close()
        self.subscribed().send(b"x")
        self.assertEqual(process.finish(), (0, b"x\n", ""))

    def test_no_broker_at_first(self):
        address = refusing_address(self)
        process = Process(self, "listen", "/c", server=address)
        self.assertRegex(process.complaint(),
                         f"{re.escape(address)}.*refused; trying again")
        self.assertIsNone(process.popen.poll())

    def test_no_reconnect(self):
        process, connection = self.listen("--no-reconnect")
        connection.send(b"x")
        self.assertEqual(process.line(), b"x\n")
        connection.close()
        status, out, err = process.finish()
        self.assertEqual((status, out), (1, b""))
        self.assertIn("the broker closed the connection", err)


if __name__ == "__main__":
    main()
