#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""On a unix socket there is no reset: `sluice send` speaks version 2 there, so
that it learns of refusals and of a broker that was killed, and otherwise does
what it does in version 1."""
import contextlib
import os
import select
import subprocess
import tempfile
import unittest

import people
from people import Broker, Process, run
from units_broker import Failed, UnitsBroker


class Assured(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-assured-")
        self.addCleanup(folder.cleanup)
        self.broker = UnitsBroker(self, path=os.path.join(folder.name, "s"))

    def start(self, *args, **kwargs):
        process = Process(self, "send", *args, server=self.broker.address,
                          **kwargs)
        self.broker.accept()
        return process

    def finish(self, process, status=0):
        found, out, err = process.finish()
        self.assertEqual((found, out), (status, b""), err)
        return err

    def answer(self, channel, body):
        self.broker.answer(f"PUB {channel}", body, " seq=1 subs=1 drop=0")

    def refuse(self, channel, body, code):
        rid = self.broker.expect(f"PUB {channel}", body)
        self.broker.send(f"ERR {code} rid={rid}", b"for a reason")

    def say(self, process, *lines, is_last=False):
        for line in lines:
            process.popen.stdin.write(line + b"\n")
        process.popen.stdin.flush()
        if is_last:
            process.popen.stdin.close()
            process.popen.stdin = None

    def test_the_last_message_has_a_receipt(self):
        process = self.start("/topic/a", "1", "2", "3")
        for body in (b"1", b"2"):
            self.assertIsNone(self.broker.expect("PUB /topic/a", body))
        self.answer("/topic/a", b"3")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(process), "")

    def test_so_has_each_before_a_pause(self):
        process = self.start("/topic/a", stdin=subprocess.PIPE)
        self.say(process, b"1")
        self.answer("/topic/a", b"1")
        self.say(process, b"2", is_last=True)
        self.answer("/topic/a", b"2")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(process), "")

    def test_nothing_at_all_is_sent_in_order(self):
        process = self.start("/topic/a", stdin=subprocess.PIPE)
        self.say(process, is_last=True)
        self.broker.take_goodbye()
        self.assertEqual(self.finish(process), "")

    def test_a_refusal_is_reported(self):
        process = self.start("/topic/a", "1")
        self.refuse("/topic/a", b"1", "denied")
        self.broker.take_goodbye()
        self.assertIn("the broker refuses a message to /topic/a: denied: for a "
                      "reason; messages sent: 1", self.finish(process, 1))

    def test_a_refusal_of_a_message_without_a_receipt_ends_it(self):
        process = self.start("/topic/a", "1", "2")
        self.broker.expect("PUB /topic/a", b"1")
        self.broker.send("ERR denied", b"for a reason")
        rid = self.broker.expect("PUB /topic/a", b"2")
        self.broker.send(f"OK rid={rid} seq=1 subs=1 drop=0")
        self.broker.take_goodbye()
        self.assertIn("refuses a message", self.finish(process, 1))

    def test_a_broker_that_is_killed_has_not_said_goodbye(self):
        for is_answered in (False, True):
            process = self.start("/topic/a", "1")
            if is_answered:
                self.answer("/topic/a", b"1")
                self.broker.expect("BYE")
            else:
                self.broker.expect("PUB /topic/a", b"1")
            self.broker.drop()
            said = self.finish(process, 1)
            self.assertIn("messages sent: 1", said)
            self.assertEqual("may be lost" in said, not is_answered)

    def test_a_full_disk_is_waited_for(self):
        process = self.start("/queue/a", "1", "--timeout", "1h")
        while not select.select([process.popen.stderr], [], [], 0)[0]:
            self.refuse("/queue/a", b"1", "full")
        self.assertEqual(process.complaint(), "sluice: waiting: the broker's "
                         "disk is full (queue full?)\n")
        self.answer("/queue/a", b"1")
        self.broker.take_goodbye()
        self.finish(process)

    def test_the_wait_for_a_full_disk_is_limited_at_the_end(self):
        process = self.start("/queue/a", "1", "--timeout", "2s")
        with contextlib.suppress(Failed):  # until it has gone
            while True:
                self.refuse("/queue/a", b"1", "full")
        self.assertIn("did not confirm everything in time",
                      self.finish(process, 1))

    def test_a_channel_that_is_held_back_is_waited_for(self):
        process = self.start("/queue/a", stdin=subprocess.PIPE)
        self.broker.send("HOLD /queue/a")
        self.broker.send("PING read")
        self.broker.expect("PONG read")
        self.say(process, b"1", is_last=True)
        self.assertEqual(process.complaint(), "sluice: waiting: the broker "
                         "takes no more (queue full?)\n")
        self.broker.send("GO /queue/a")
        self.answer("/queue/a", b"1")
        self.broker.take_goodbye()
        self.finish(process)

    def test_the_last_receipt_is_waited_for_for_so_long(self):
        process = self.start("/queue/a", "1", "--timeout", "2s")
        self.broker.expect("PUB /queue/a", b"1")
        self.assertIn("did not confirm everything in time; messages sent: 1, "
                      "the last of them may be lost", self.finish(process, 1))

    def test_what_the_broker_does_not_take_ends_it_in_order(self):
        process = self.start("/topic/a", stdin=subprocess.PIPE)
        self.say(process, b"1")
        self.answer("/topic/a", b"1")
        self.say(process, b"x" * 1000001, is_last=True)
        self.broker.take_goodbye()
        self.assertIn("message 2 is longer than the 1000000 bytes",
                      self.finish(process, 1))

    def test_it_goes_on_with_the_next_message(self):
        process = self.start("/topic/a", "--reconnect", stdin=subprocess.PIPE)
        self.say(process, b"1")
        self.broker.expect("PUB /topic/a", b"1")
        self.broker.drop()
        self.broker.accept()
        self.say(process, b"2", is_last=True)
        self.answer("/topic/a", b"2")
        self.broker.take_goodbye()
        said = self.finish(process, 1)
        self.assertIn("connected again", said)
        self.assertIn("messages sent: 2, some of them may be lost", said)

    def test_what_a_stopping_broker_refuses_goes_to_the_next(self):
        process = self.start("/topic/a", "1", "--reconnect")
        self.refuse("/topic/a", b"1", "draining")
        self.broker.send("BYE")
        self.broker.drop()
        self.broker.accept()
        self.answer("/topic/a", b"1")
        self.broker.take_goodbye()
        self.assertIn("connected again", self.finish(process))

    def test_a_stop_signal_ends_it_in_order(self):
        process = self.start("/topic/a", stdin=subprocess.PIPE)
        self.say(process, b"1")
        self.answer("/topic/a", b"1")
        process.signal()
        self.broker.take_goodbye()
        self.assertEqual(self.finish(process), "")


class WithSluiced(unittest.TestCase):
    """The same, with the broker itself."""
    COUNT = 20000

    def start(self, *options):
        self.broker = Broker(*options, listen=("unix:{dir}/s",))
        self.addCleanup(self.broker.kill)
        process = Process(self, "send", "/queue/a", "--count", str(self.COUNT),
                          "--size", "1k", "--timeout", "1h",
                          server=self.broker.address)
        self.assertRegex(process.complaint(), "waiting: the broker.*queue full")
        return process

    def check_loses_nothing(self, process):
        done = run("listen", "/queue/a", "--count", str(self.COUNT),
                   server=self.broker.address)
        self.assertEqual((done.returncode, done.stdout.count(b"\n")),
                         (0, self.COUNT), done.stderr)
        self.assertEqual(process.finish(), (0, b"", ""))

    def test_a_full_queue_delays_and_loses_nothing(self):
        self.check_loses_nothing(self.start("--queue-limit", "1m"))

    def test_a_full_journal_delays_and_loses_nothing(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-assured-")
        self.addCleanup(folder.cleanup)
        process = self.start(
            "--journal", folder.name, "--journal-limit", "8m", "--max-frame",
            "1m", "--journal-segment", "1m", "--channel",
            "/queue/** durable=yes limit=1g")
        self.broker.wait_for_log("event=journal_full")
        self.check_loses_nothing(process)

    def test_a_broker_that_is_killed_is_a_failure(self):
        process = self.start("--queue-limit", "1m")
        self.broker.kill()
        status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertRegex(err, r"messages sent: \d+, the last of them may be lost")


if __name__ == "__main__":
    people.main()
