# SPDX-License-Identifier: MIT
"""sluice send, against a broker that the test plays itself."""
import os
import re
import signal
import socket
import subprocess
import tempfile
import threading
import unittest

from command import (DEADLINE, FakeBroker, Process, main, refusing_address,
                     run)

LIMIT = 16 << 20


class Sending(unittest.TestCase):
    def setUp(self):
        self.broker = FakeBroker(self)

    def serve(self, result):
        connection = self.broker.accept()
        result["first"] = connection.read_frame()
        result["messages"], result["goodbye"] = connection.read_messages()
        connection.close()

    def send(self, *args, stdin=b"", status=0):
        """What the broker got from one run of `sluice send /c`."""
        result = {}
        server = threading.Thread(target=self.serve, args=(result,))
        server.start()
        done = run("send", "/c", *args, server=self.broker.address,
                   stdin=stdin)
        server.join(DEADLINE)
        self.assertEqual((done.returncode, done.stdout), (status, b""),
                         done.stderr)
        self.assertEqual(result["first"], b"/null")
        self.assertTrue(result["goodbye"])
        for channel, _ in result["messages"]:
            self.assertEqual(channel, b"/c")
        self.complaint = done.stderr.decode()
        return [message for _, message in result["messages"]]

    def test_arguments(self):
        self.assertEqual(self.send("a", "", "c d", "--", "--raw", "-"),
                         [b"a", b"", b"c d", b"--raw", b"-"])

    def test_lines(self):
        self.assertEqual(
            self.send(stdin=b"one\n\n\0nul\0\n\xff\xfe\r\nlast"),
            [b"one", b"", b"\0nul\0", b"\xff\xfe\r", b"last"])

    def test_no_lines(self):
        self.assertEqual(self.send(stdin=b""), [])

    def test_a_hundred_thousand_lines(self):
        lines = [b"line %d" % i for i in range(100_000)]
        self.assertEqual(self.send(stdin=b"\n".join(lines) + b"\n"), lines)

    def test_the_longest_message(self):
        longest = b"m" * LIMIT
        self.assertEqual(self.send(stdin=longest + b"\nx\n"), [longest, b"x"])

    def test_one_byte_above_the_limit(self):
        sent = self.send(stdin=b"first\n" + b"m" * (LIMIT + 1) + b"\nx\n",
                         status=1)
        self.assertEqual(sent, [b"first"])
        self.assertRegex(self.complaint, r"message 2 .*16777216.*--max-frame")
        sent = self.send("--max-frame", "3", "abc", "abcd", "x", status=1)
        self.assertEqual(sent, [b"abc"])

    def test_generated_text(self):
        sent = self.send("--count", "3")
        sender = re.fullmatch(rb"Msg 0 from ([0-9a-f]{8})", sent[0])[1]
        self.assertEqual(sent, [b"Msg %d from %s" % (i, sender)
                                for i in range(3)])

    def test_generated_bytes(self):
        self.assertEqual(self.send("--size", "5"), [b"XXXXX"])
        self.assertEqual(self.send("--size", "1k", "--count", "2"),
                         [b"X" * 1024] * 2)

    def test_interval(self):
        sent = self.send("--interval", "10ms", "--count", "5", "--size", "1")
        self.assertEqual(sent, [b"X"] * 5)


    def test_all_of_standard_input_is_one_message(self):
        text = b"one\ntwo\n\0" + b"x" * 1_000_000
        self.assertEqual(self.send("-", stdin=text), [text])
        self.assertEqual(self.send("--file", "-", stdin=b""), [b""])

    def test_files_are_messages(self):
        with tempfile.TemporaryDirectory() as folder:
            paths = [os.path.join(folder, name) for name in ("a", "b", "c")]
            bodies = [b"x" * LIMIT, b"", b"line\n"]
            for path, body in zip(paths, bodies):
                with open(path, "wb") as file:
                    file.write(body)
            args = [word for path in paths for word in ("--file", path)]
            self.assertEqual(self.send(*args), bodies)

    def test_a_file_that_cannot_be_one(self):
        with tempfile.NamedTemporaryFile() as file:
            file.write(b"x" * 101)
            file.flush()
            sent = self.send("--max-frame", "100", "--file", file.name,
                             status=1)
            self.assertEqual(sent, [])
            self.assertIn("longer than the 100 bytes", self.complaint)
        self.send("--file", "/no/such/file", status=1)
        self.assertIn("cannot read /no/such/file: No such file",
                      self.complaint)
        self.send("--file", "/", status=1)
        self.assertIn("cannot read /: Is a directory", self.complaint)

    def test_verbose_counts(self):
        for args, said in ((["a", "b", "c"], "sent 3 messages"),
                           (["a"], "sent 1 message")):
            for option in ("-v", "--verbose"):
                self.send(*args, option)
                self.assertEqual(self.complaint, f"sluice: {said}\n")

    def test_nothing_is_said_unasked(self):
        self.send("a")
        self.assertEqual(self.complaint, "")


class Addresses(unittest.TestCase):
    def check_sends(self, broker, address, speaks=()):
        process = Process(self, "send", "/c", "m", "--server", address)
        for first in speaks:
            connection = broker.accept()
            self.assertTrue(connection.read_frame().startswith(first))
            connection.close()
        connection = broker.accept()
        connection.read_frame()
        self.assertEqual(connection.read_messages(), ([(b"/c", b"m")], True))
        connection.close()
        self.assertEqual(process.finish(), (0, b"", ""))

    def test_unix(self):
        """Version 2 is tried first there, and this broker does not know it."""
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "s")
            broker = FakeBroker(self, path, socket.AF_UNIX)
            self.check_sends(broker, f"unix:{path}", [b"\0SLUICE/2"])

    def test_ipv6(self):
        try:
            broker = FakeBroker(self, ("::1", 0), socket.AF_INET6)
        except OSError:
            self.skipTest("no IPv6 here")
        self.check_sends(broker, f"[::1]:{broker.port}")

    def test_a_name(self):
        try:
            socket.getaddrinfo("localhost", 1)
        except socket.gaierror:
            self.skipTest("localhost has no address here")
        broker = FakeBroker(self)
        self.check_sends(broker, f"localhost:{broker.port}")


class BadBrokers(unittest.TestCase):
    def setUp(self):
        self.broker = FakeBroker(self)

    def start(self, *args):
        return Process(self, "send", "/c", *args, server=self.broker.address,
                       stdin=subprocess.PIPE)

    def check_lost(self, process, sent):
        status, out, err = process.finish()
        self.assertEqual((status, out), (1, b""), err)
        self.assertRegex(err, rf"messages sent: {sent}\b")

    def test_gone_while_input_is_idle(self):
        process = self.start()
        connection = self.broker.accept()
        process.popen.stdin.write(b"one\ntwo\n")
        process.popen.stdin.flush()
        connection.read_frame()
        self.assertEqual([connection.read_frame() for _ in range(4)],
                         [b"/c", b"one", b"/c", b"two"])
        connection.close()
        self.check_lost(process, 2)

    def test_reset_while_input_is_idle(self):
        process = self.start()
        connection = self.broker.accept()
        self.assertEqual(connection.read_frame(), b"/null")
        connection.reset()
        self.check_lost(process, 0)

    def test_half_closed_while_input_is_idle(self):
        process = self.start()
        connection = self.broker.accept()
        self.assertEqual(connection.read_frame(), b"/null")
        connection.sock.shutdown(socket.SHUT_WR)
        self.check_lost(process, 0)

    def test_gone_in_the_middle_of_a_flood(self):
        process = self.start("--interval", "0", "--size", "1k")
        connection = self.broker.accept()
        for _ in range(1000):
            connection.read_frame()
        connection.reset()
        self.check_lost(process, r"\d{3,}")

    def test_gone_before_the_goodbye_was_answered(self):
        process = self.start("m")
        connection = self.broker.accept()
        while connection.read_frame():
            pass
        connection.reset()
        self.check_lost(process, 1)

    def test_a_message_that_is_none(self):
        """Bytes that a publisher is not owed do not confuse it."""
        process = self.start("m")
        connection = self.broker.accept()
        connection.sock.sendall(b"\xff\xff\xff\xff")
        self.assertEqual(process.finish()[0], 1)


class Waiting(unittest.TestCase):
    """A queue that is full looks like a broker that does not read."""

    def setUp(self):
        self.broker = FakeBroker(self)

    def start(self, *args, channel="/queue/c"):
        process = Process(self, "send", channel, *args,
                          server=self.broker.address)
        connection = self.broker.accept()
        connection.read_frame()
        return process, connection

    def test_the_goodbye_is_limited(self):
        """Also against a broker that has read everything and never closes, or
        never pauses."""
        for misbehave in (lambda c: None, lambda c: c.flood(b"zz")):
            process, connection = self.start("m", "--timeout", "100ms")
            misbehave(connection)
            status, _, err = process.finish()
            self.assertEqual(status, 1)
            self.assertIn("did not confirm everything in time; messages "
                          "sent: 1, the last of them may be lost", err)

    def test_what_it_waits_for_is_reported(self):
        process, connection = self.start("m", "--timeout", "1h")
        self.assertEqual(process.complaint(), "sluice: waiting: the broker "
                         "has not read everything (queue full?)\n")
        connection.read_messages()
        connection.close()
        self.assertEqual(process.finish(), (0, b"", ""))

    def test_the_wait_for_room_is_reported_and_has_no_limit(self):
        process, connection = self.start(
            "--size", "1m", "--count", "20", "--timeout", "200ms",
            channel="/topic/c")
        self.assertEqual(process.complaint(), "sluice: waiting: the broker "
                         "takes no more (slow subscriber?)\n")
        messages, has_goodbye = connection.read_messages()
        self.assertEqual((len(messages), has_goodbye), (20, True))


class Reconnecting(unittest.TestCase):
    def setUp(self):
        self.broker = FakeBroker(self)

    def accept(self):
        connection = self.broker.accept()
        self.assertEqual(connection.read_frame(), b"/null")
        return connection

    def start(self, *args):
        return Process(self, "send", "/c", "--reconnect", *args,
                       server=self.broker.address, stdin=subprocess.PIPE)

    def test_it_goes_on_with_the_next_message(self):
        """What was on its way is not certain, so the status is 1."""
        process = self.start()
        connection = self.accept()
        process.popen.stdin.write(b"one\n")
        self.assertEqual([connection.read_frame() for _ in range(2)],
                         [b"/c", b"one"])
        connection.reset()
        self.assertRegex(process.complaint(),
                         "broke.*; messages sent: 1, the last of them may be "
                         "lost; trying again until it succeeds")
        connection = self.accept()
        process.popen.stdin.write(b"two\n")
        process.popen.stdin.close()
        process.popen.stdin = None
        self.assertEqual(connection.read_messages(), ([(b"/c", b"two")], True))
        connection.close()
        status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertIn("connected again", err)
        self.assertIn("messages sent: 2, some of them may be lost", err)

    def test_a_connection_lost_before_the_first_message_costs_nothing(self):
        process = self.start()
        self.accept().reset()
        self.assertIn("messages sent: 0; trying again", process.complaint())
        connection = self.accept()
        process.popen.stdin.write(b"one\n")
        process.popen.stdin.close()
        process.popen.stdin = None
        self.assertEqual(connection.read_messages(), ([(b"/c", b"one")], True))
        connection.close()
        status, _, err = process.finish()
        self.assertEqual(status, 0, err)

    def test_no_broker_at_first(self):
        address = refusing_address(self)
        process = Process(self, "send", "/c", "m", "--reconnect",
                          server=address)
        self.assertRegex(process.complaint(), "refused; trying again")
        process.signal()
        status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertIn("refused", err)

    def test_a_lost_goodbye_is_final(self):
        """Another connection could not make it certain."""
        process = self.start("m")
        connection = self.accept()
        while connection.read_frame():
            pass
        connection.reset()
        status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertRegex(err, "broke.*messages sent: 1, the last")


class Stopping(unittest.TestCase):
    def setUp(self):
        self.broker = FakeBroker(self)

    def check_stop(self, number):
        process = Process(self, "send", "/c", "--interval", "1ms",
                          server=self.broker.address)
        connection = self.broker.accept()
        connection.read_frame()
        self.assertEqual(connection.read_frame(), b"/c")
        connection.read_frame()
        process.signal(number)
        messages, has_goodbye = connection.read_messages()
        self.assertTrue(has_goodbye, messages[-1:])
        connection.close()
        self.assertEqual(process.finish(), (0, b"", ""))

    def test_interrupted(self):
        self.check_stop(signal.SIGINT)

    def test_terminated(self):
        self.check_stop(signal.SIGTERM)

    def test_interrupted_while_the_broker_reads_nothing(self):
        """It gives up after --timeout and says what may be lost."""
        process = Process(self, "send", "/c", "--interval", "0", "--size",
                          "64k", "--timeout", "50ms",
                          server=self.broker.address)
        connection = self.broker.accept()
        connection.read_frame()
        process.signal()
        status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertRegex(err, r"in time; messages sent: \d+")

    def test_the_second_signal_is_final(self):
        process = Process(self, "send", "/c", "m", "--timeout", "1h",
                          server=self.broker.address)
        connection = self.broker.accept()
        while connection.read_frame():
            pass
        process.signal(signal.SIGTERM)
        self.wait_until_caught(process, signal.SIGTERM)
        process.signal(signal.SIGTERM)
        self.assertEqual(process.finish()[0], -signal.SIGTERM)

    def wait_until_caught(self, process, number):
        """A handler runs once: then the signal is no longer caught."""
        bit = 1 << (number - 1)
        for _ in range(1_000_000):
            with open(f"/proc/{process.popen.pid}/status") as status:
                caught = re.search(r"SigCgt:\s*(\w+)", status.read())[1]
            if not int(caught, 16) & bit:
                return
        self.fail("the signal was never handled")


if __name__ == "__main__":
    main()
