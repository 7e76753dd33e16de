# SPDX-License-Identifier: MIT
"""sluice tap: copies of a channel's messages, and of no others."""
import json
import unittest

from feeds import FakeBroker, free_port, now
from ground import Process, main, run


def head(size, missed=0):
    return {"timestamp": now(), "size": size, "missed": missed}


class Tap(unittest.TestCase):
    def setUp(self):
        self.broker = FakeBroker(self)

    def start(self, *args, topic="tap./queue/jobs"):
        tap = Process(self, "tap", "--monitor", self.broker.endpoint, *args)
        self.broker.heard(topic)
        return tap

    def send(self, body, channel="/queue/jobs", missed=0):
        self.broker.publish(f"tap.{channel}", head(len(body), missed), body)

    def test_it_prints_what_goes_through_the_channel(self):
        tap = self.start("/queue/jobs", "--count", "2")
        self.send(b"one")
        self.assertEqual(tap.line(), b"one\n")
        self.send(b"two")
        self.assertEqual(tap.finish(), (0, b"two\n", ""))

    def test_a_channel_whose_name_only_begins_so_is_another(self):
        tap = self.start("/queue/jobs", "--count", "1")
        self.send(b"not this", channel="/queue/jobs2")
        self.send(b"this")
        self.assertEqual(tap.finish(), (0, b"this\n", ""))

    def test_json(self):
        tap = self.start("/queue/jobs", "--count", "1", "--format", "json")
        self.send(b"text")
        status, out, _ = tap.finish()
        self.assertEqual(status, 0)
        found = json.loads(out)
        self.assertIn("text", found.values())
        self.assertEqual(found["channel"], "/queue/jobs")

    def test_headers_are_shown_if_asked_for(self):
        """As those of `sluice listen`; JSON has them anyway."""
        shown = {"Unit": "C", "Note": "a b%FF"}
        for options, wanted in (((), b"21.5\n"),
                                (("--headers",), b"Unit=C Note=a%20b%FF 21.5\n")):
            self.broker = FakeBroker(self)
            tap = self.start("/queue/jobs", "--count", "1", *options)
            self.broker.publish("tap./queue/jobs",
                                head(4) | {"headers": shown}, b"21.5")
            self.assertEqual(tap.finish(), (0, wanted, ""))
        self.broker = FakeBroker(self)
        tap = self.start("/queue/jobs", "--count", "1", "--format", "json")
        self.broker.publish("tap./queue/jobs", head(4) | {"headers": shown},
                            b"21.5")
        found = json.loads(tap.finish()[1])
        self.assertEqual(found["headers"]["Unit"], "C")
        self.assertEqual(found["message"], "21.5")

    def test_what_is_no_header_is_not_shown(self):
        """Whatever feed it comes from, the terminal is safe."""
        for odd in ({"\x1b[2J": "x", "Fine": "1"}, {"lower": "x", "Fine": "1"},
                    {"Deep": {"a": 1}, "Fine": "1"},
                    {"Broken": "%4", "Fine": "1"},
                    {"Long": "x" * 5000, "Fine": "1"}):
            self.broker = FakeBroker(self)
            tap = self.start("/queue/jobs", "--count", "1", "--headers")
            self.broker.publish("tap./queue/jobs", head(1) | {"headers": odd},
                                b"x")
            self.assertEqual(tap.finish(), (0, b"Fine=1 x\n", ""))

    def test_a_name_is_asked_for_as_the_feed_writes_it(self):
        """The feed percent-encodes names; as it is, this one would be refused
        by the broker, and the tap would wait forever."""
        for name, text in ((b"/topic/100%", "/topic/100%25"),
                           (b"/topic/\xff\n", "/topic/%FF%0A"),
                           (b"/" + b"%" * 254, "/" + "%25" * 254)):
            tap = self.start(name, "--count", "1", topic=f"tap.{text}")
            self.send(b"here", channel=text)
            self.assertEqual(tap.finish(), (0, b"here\n", ""))

    def test_raw_bytes_stay_what_they_are(self):
        tap = self.start("/queue/jobs", "--count", "1", "--format", "raw")
        self.send(bytes(range(256)))
        self.assertEqual(tap.finish(), (0, bytes(range(256)), ""))

    def test_what_was_left_out_is_told(self):
        tap = self.start("/queue/jobs", "--count", "1")
        self.broker.publish("tap./queue/jobs",
                            {"timestamp": now(), "missed": 1200})
        self.assertIn("1200 messages were left out", tap.complaint())
        self.send(b"next", missed=3)
        status, out, err = tap.finish()
        self.assertEqual((status, out), (0, b"next\n"))
        self.assertIn("3 messages were left out", err)

    def test_a_stop_signal_ends_it(self):
        tap = self.start("/queue/jobs")
        self.send(b"one")
        tap.line()
        tap.signal()
        self.assertEqual(tap.finish(), (0, b"", ""))

    def test_a_broker_that_comes_later_is_heard(self):
        port = free_port()
        tap = Process(self, "tap", "--monitor", f"tcp://127.0.0.1:{port}",
                      "--count", "1", "/queue/jobs")
        self.assertIn("no answer from", tap.complaint())
        self.broker = FakeBroker(self, port=port)
        self.broker.heard("tap./queue/jobs")
        self.send(b"late")
        self.assertEqual(tap.finish(), (0, b"late\n", ""))

    def test_wrong_usage(self):
        for args, word in (([], b"CHANNEL is missing"),
                           (["a", "b"], b"one CHANNEL"),
                           (["a", "--monitor", "nonsense"], b"--monitor"),
                           (["a", "--headers", "--raw"], b"--headers")):
            done = run("tap", *args)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(word, done.stderr)


if __name__ == "__main__":
    main()
