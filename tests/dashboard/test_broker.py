# SPDX-License-Identifier: MIT
"""All of it together: a real broker, watched by tap, top and the collector."""
import json
import select
import unittest

from collector import Collector
from feeds import free_port
from ground import Process, main, run, wait_until
from people import Broker

INTERVAL = "200ms"


class Watched(unittest.TestCase):
    def setUp(self):
        self.feed = "tcp://127.0.0.1:*"  # then the same port again
        self.start_broker()
        line = self.broker.wait_for_log("event=feeding")
        self.feed = line.fields["endpoint"]

    def start_broker(self, *args):
        self.broker = Broker("--monitor-bind", self.feed, "--name", "real",
                             "--monitor-interval", INTERVAL, *args)
        self.addCleanup(self.broker.kill)

    def send(self, channel, *messages):
        done = run("send", channel, *messages, server=self.broker.address)
        self.assertEqual(done.returncode, 0, done.stderr)

    def test_tap_takes_nothing(self):
        tap = Process(self, "tap", "--monitor", self.feed, "/queue/jobs")
        sent = []

        def line():
            sent.append(f"job {len(sent)}")
            self.send("/queue/jobs", sent[-1])
            return self.tapped(tap)
        first = wait_until(line, "the tap hears nothing")
        self.assertIn(first, sent)
        listener = Process(self, "listen", "/queue/jobs", "--count",
                           str(len(sent)), server=self.broker.address)
        status, out, _ = listener.finish()
        self.assertEqual((status, out.decode().splitlines()), (0, sent))

    def test_any_name_can_be_tapped(self):
        for name in (b"/topic/100%", b"/topic/\xff\x80 \x1b"):
            tap = Process(self, "tap", "--monitor", self.feed, name)

            def line():
                self.send(name, "here")
                return self.tapped(tap)
            self.assertEqual(wait_until(line, f"the tap of {name} hears nothing"),
                             "here")
            tap.signal()

    @staticmethod
    def tapped(tap):
        """A line that the tap has printed by now, or None."""
        is_there, _, _ = select.select([tap.popen.stdout], [], [], 0.5)
        return tap.line().decode().strip() if is_there else None

    def test_top_tells_which_channel_is_backed_up(self):
        self.send("/queue/jobs", *["job"] * 50)
        wait_until(lambda: b"/queue/jobs holds 50 messages" in self.top(),
                   lambda: self.top().decode())
        found = json.loads(self.top("--json"))
        self.assertEqual(found["stats"]["broker"], "real")
        self.assertEqual(found["channels"]["channels"][0]["depth"], 50)

    def top(self, *args):
        done = run("top", "--once", "--monitor", self.feed, *args)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout

    def test_the_collector_sees_it_die_and_return(self):
        collector = Collector(self, "--connect", self.feed)
        self.send("/queue/jobs", *["job"] * 50)
        found = collector.wait_reporter(
            "real", lambda it: it["series"]["queued"][-1] == 50
            and it.get("channels", {}).get("total"))
        self.assertTrue(found["broker"])
        self.assertIsNotNone(found["series"]["memory_limit"][-1])
        self.broker.kill()
        collector.wait_reporter("real", lambda it: it["silent"])
        self.start_broker()
        found = collector.wait_reporter("real", lambda it: not it["silent"])
        self.assertIn(50, found["series"]["queued"])

    def test_it_reports_to_the_collector(self):
        collector = Collector(self)
        self.broker.kill()
        self.start_broker("--monitor-connect", collector.collect)
        self.assertTrue(collector.wait_reporter("real")["broker"])

    def test_events_reach_the_collector(self):
        collector = Collector(self, "--connect", self.feed)
        collector.wait_reporter("real")

        def event():
            self.send("/topic/a", "message")
            return [it for it in collector.history()["events"]
                    if it["event"] == "closed" and it["broker"] == "real"]
        wait_until(event, "no event comes")


class Local(unittest.TestCase):
    """A broker without options, on the machine of those who watch it."""

    def start_broker(self, *args, **kwargs):
        broker = Broker("--name", "real", "--monitor-interval", INTERVAL,
                        *args, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def test_top(self):
        broker = self.start_broker()
        done = run("top", "--once", "--json", server=broker.address)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(json.loads(done.stdout)["stats"]["broker"], "real")

    def test_tap(self):
        broker = self.start_broker()
        tap = Process(self, "tap", "/topic/a", server=broker.address)

        def line():
            run("send", "/topic/a", "here", server=broker.address)
            return Watched.tapped(tap)
        self.assertEqual(wait_until(line, "the tap hears nothing"), "here")

    def test_monitor(self):
        broker = self.start_broker()
        collector = Collector(self, "--server", broker.address)
        collector.wait_reporter("real", lambda it: "channels" in it)

    def test_monitor_that_was_there_before(self):
        address = f"127.0.0.1:{free_port()}"
        collector = Collector(self, "--server", address)
        self.start_broker(listen=(address,))
        collector.wait_reporter("real", lambda it: "channels" in it)

    def test_where_there_is_none(self):
        broker = self.start_broker("--feed", "off")
        done = run("top", "--once", "--timeout", "100ms",
                   server=broker.address)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"without --feed off?", done.stderr)
        done = run("tap", "/topic/a", server="192.0.2.1:25000")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"--monitor-bind with --monitor", done.stderr)


if __name__ == "__main__":
    main()
