# SPDX-License-Identifier: MIT
"""sluice ping: 0 when every message came back, 1 when one did not, and the
statistics as ping prints them."""
import re
import signal
import unittest

import people
from people import FakeBroker, Process, WithBroker, refusing_address, run

REPLY = r"(\d+) bytes from (\S+): seq=(\d+) time=(\d+\.\d{3}) ms"
RTT = (r"rtt min/avg/max/mdev = "
       r"(\d+\.\d{3})/(\d+\.\d{3})/(\d+\.\d{3})/(\d+\.\d{3}) ms")


class Healthy(WithBroker):
    def ping(self, *args):
        done = self.run_to_end("ping", *args)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def test_it_prints_what_ping_prints(self):
        lines = self.ping("--count", "3", "--interval", "0").splitlines()
        replies = [re.fullmatch(REPLY, line).groups() for line in lines[:3]]
        for number, (size, server, seq, _) in enumerate(replies, 1):
            self.assertEqual((size, server, seq),
                             ("56", self.broker.address, str(number)))
        self.assertEqual(lines[3],
                         f"--- {self.broker.address} ping statistics ---")
        self.assertRegex(lines[4], r"^3 messages transmitted, 3 received, "
                                   r"0% message loss, time \d+ms$")
        times = [float(time) for *_, time in replies]
        least, mean, most, _ = map(float, re.fullmatch(RTT, lines[5]).groups())
        self.assertEqual((least, most), (min(times), max(times)))
        self.assertAlmostEqual(mean, sum(times) / 3, delta=0.002)

    def test_in_version_2(self):
        text = self.ping("--v2", "--count", "3", "--interval", "0")
        self.assertIn("3 messages transmitted, 3 received, 0% message loss",
                      text)

    def test_quiet_is_the_statistics_alone(self):
        lines = self.ping("--count", "2", "--interval", "0", "--quiet")
        self.assertEqual(len(lines.splitlines()), 3, lines)

    def test_any_size(self):
        for size in ("8", "1m"):
            text = self.ping("--count", "2", "--interval", "0",
                             "--size", size)
            self.assertIn(" 0% message loss", text)

    def test_two_of_them_do_not_hear_each_other(self):
        count = 200
        pings = [self.start("ping", "--count", str(count), "--interval", "0",
                            "--quiet") for _ in range(2)]
        for ping in pings:
            status, out, _ = ping.finish()
            self.assertEqual(status, 0)
            self.assertIn(b"200 messages transmitted, 200 received", out)
        self.assertEqual(self.broker.stats()["messages_out"], 2 * count)

    def test_a_stop_signal_ends_it_with_the_statistics(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            ping = self.start("ping")
            self.assertRegex(ping.line().decode(), REPLY)
            ping.signal(number)
            status, out, err = ping.finish()
            self.assertEqual((status, err), (0, ""))
            self.assertIn(b"1 messages transmitted, 1 received", out)

    def test_a_broker_that_goes_away(self):
        ping = self.start("ping")
        ping.line()
        self.broker.stop()
        status, out, err = ping.finish()
        self.assertEqual(status, 1)
        self.assertIn("the broker closed the connection", err)
        self.assertIn(b"ping statistics", out)

    def test_a_broker_of_version_2_that_goes_away(self):
        ping = self.start("ping", "--v2")
        ping.line()
        self.broker.stop()
        status, out, err = ping.finish()
        self.assertEqual(status, 1)
        self.assertIn("the broker said goodbye", err)
        self.assertIn(b"ping statistics", out)


class Ill(unittest.TestCase):
    def test_nobody_is_there(self):
        done = run("ping", "--count", "1", server=refusing_address(self))
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"is sluiced running?", done.stderr)

    def test_a_broker_that_is_stuck(self):
        """It takes connections and bytes, and answers nothing."""
        broker = FakeBroker(self)
        ping = Process(self, "ping", "--count", "1", "--timeout", "50ms",
                       server=broker.address)
        topic = broker.accept().read_frame()
        self.assertRegex(topic, rb"^/ping/[0-9a-f]{32}$")
        status, out, err = ping.finish()
        self.assertEqual(status, 1)
        self.assertIn("no answer to seq=1 in 50 ms", err)
        self.assertIn(b"100% message loss", out)

    def test_a_flood_of_other_messages_is_no_answer(self):
        broker = FakeBroker(self)
        ping = Process(self, "ping", "--count", "1", "--timeout", "100ms",
                       server=broker.address)
        broker.accept().flood(b"zz")
        status, _, err = ping.finish()
        self.assertEqual(status, 1)
        self.assertIn("no answer to seq=1 in 100 ms", err)

    def test_an_answer_that_comes_too_late_is_lost(self):
        broker = FakeBroker(self)
        ping = Process(self, "ping", "--count", "2", "--interval", "0",
                       "--timeout", "300ms", server=broker.address)
        connection = broker.accept()
        connection.read_frame()
        connection.read_frame()
        first = connection.read_frame()
        self.assertIn("no answer to seq=1", ping.complaint())
        connection.read_frame()
        connection.send(first, connection.read_frame())
        status, out, _ = ping.finish()
        self.assertEqual(status, 1)
        self.assertIn(b"2 messages transmitted, 1 received, 50% message loss",
                      out)

    def test_wrong_usage(self):
        for args, word in ((["there"], b"--server"),
                           (["--size", "7"], b"from 8 to 16m"),
                           (["--count", "0"], b"--count")):
            done = run("ping", *args)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    people.main()
