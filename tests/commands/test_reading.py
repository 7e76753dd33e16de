# SPDX-License-Identifier: MIT
"""sluice listen in version 2: what it says to the broker, played by the test,
and to the person at the shell; then with the daemon."""
import json
import os
import pathlib
import shlex
import signal
import tempfile
import unittest

import people
from people import DEADLINE, Process, WithBroker
from units_broker import Failed, UnitsBroker

LOST = ("sluice: messages lost on the way: %d (this listener was too slow: %d, "
        "the broker's memory was full: %d, other: %d)\n")


class WithUnits(unittest.TestCase):
    def setUp(self):
        self.broker = UnitsBroker(self)

    def listen(self, *args, subs=None, options=""):
        """A listener that has subscribed to the channels, or `subs`."""
        process = Process(self, "listen", *args, server=self.broker.address)
        self.broker.accept()
        for channel in subs or [a for a in args if a.startswith("/")]:
            self.broker.answer(f"SUB {channel}", options=options)
        return process

    def work(self, *args):
        return self.listen("/queue/w", *args,
                           subs=["/queue/w ack=yes credit=1"])

    def finish(self, process, status=0):
        ended, out, err = process.finish()
        self.assertEqual(ended, status, err)
        return out, err


class Printing(WithUnits):
    def test_the_channel_is_shown_when_there_can_be_several(self):
        for channels in (("/a/*",), ("/a/x", "/b"), ("/a/**", "/c")):
            with self.subTest(channels):
                listener = self.listen(*channels, "--count", "1")
                self.broker.send("MSG /a/x 1 new=1", b"21.5")
                self.assertEqual(self.finish(listener), (b"/a/x 21.5\n", ""))

    def test_the_channel_of_one_is_known(self):
        listener = self.listen("/a/x", "--count", "1")
        self.broker.send("MSG /a/x 1 new=1", b"21.5")
        self.assertEqual(self.finish(listener), (b"21.5\n", ""))

    def test_a_channel_is_one_word_of_a_line(self):
        listener = self.listen("/a/*", "--count", "1")
        self.broker.send("MSG /a/b%20%0Ac%25 1 new=1", b"x")
        self.assertEqual(self.finish(listener)[0], b"/a/b%20%0Ac%25 x\n")

    def test_headers_are_shown_on_request(self):
        for option, line in ((["--headers"], b"Unit=C Note=two%20words 21.5\n"),
                             ([], b"21.5\n")):
            listener = self.listen("/a", *option, "--count", "1")
            self.broker.send("MSG /a 1 new=1 Unit=C Note=two%20words",
                             b"21.5")
            self.assertEqual(self.finish(listener)[0], line)

    def test_json_has_channel_and_headers(self):
        listener = self.listen("/a/*", "--format", "json", "--count", "2")
        self.broker.send("MSG /a/x 1 new=1 Unit=C Raw=%FF", b"21.5")
        self.broker.send("MSG /a/y 1 new=1", b"x")
        first, second = map(json.loads, self.finish(listener)[0].splitlines())
        self.assertEqual(
            (first["channel"], first["message"], first["headers"]),
            ("/a/x", "21.5", {"Unit": "C", "Raw_base64": "/w=="}))
        self.assertEqual((second["channel"], second.get("headers")),
                         ("/a/y", None))

    def test_a_message_that_several_patterns_match_is_printed_once(self):
        listener = self.listen("/a/*", "/a/**", "--count", "2")
        self.broker.send("MSG /a/x 1 new=1", b"one")
        self.broker.send("GAP /a/x 2 4 why=slow")
        self.broker.send("MSG /a/x 5", b"two")
        self.assertEqual(self.finish(listener),
                         (b"/a/x one\n/a/x two\n", LOST % (3, 3, 0, 0)))

    def test_only_stars_are_not_themselves(self):
        listener = self.listen("/a%20 b/%2A", "--count", "1",
                               subs=["/a%2520%20b/%2A"])
        self.broker.send("MSG /a%2520%20b/%2A 1 new=1", b"x")
        self.assertEqual(self.finish(listener)[0], b"x\n")

    def test_a_subscription_that_is_refused_ends_it(self):
        listener = Process(self, "listen", "/a", "/b",
                           server=self.broker.address)
        self.broker.accept()
        self.broker.answer("SUB /a")
        rid = self.broker.expect("SUB /b")
        self.broker.send(f"ERR denied rid={rid}", b"not you")
        _, err = self.finish(listener, status=1)
        self.assertEqual(err, "sluice: the broker refused /b: denied: not "
                              "you\n")

    def test_a_message_above_the_limit(self):
        listener = self.listen("/a", "--max-frame", "4")
        self.broker.send("MSG /a 1 new=1", b"1234")
        self.assertEqual(listener.line(), b"1234\n")
        self.broker.send("MSG /a 2", b"12345")
        _, err = self.finish(listener, status=1)
        self.assertRegex(err, "above the limit of 4 .*--max-frame")


class Losses(WithUnits):
    def test_a_gap_is_reported_as_it_comes(self):
        listener = self.listen("/a", "--gaps")
        self.broker.send("GAP /a 900 913 new=1 why=slow")
        self.assertEqual(listener.complaint(), "gap 900..913 slow\n")
        self.broker.send("GAP /a 914 914 why=memory")
        self.assertEqual(listener.complaint(), "gap 914..914 memory\n")
        self.broker.send("GAP /a 915 916 why=ttl")
        self.assertEqual(listener.complaint(), "gap 915..916 ttl\n")
        listener.signal()
        self.broker.take_goodbye()
        self.assertEqual(self.finish(listener)[1], LOST % (17, 14, 1, 2))

    def test_with_the_channel_when_there_can_be_several(self):
        listener = self.listen("/a/*", "--gaps")
        self.broker.send("GAP /a/x 1 2 new=1 why=slow")
        self.assertEqual(listener.complaint(), "gap /a/x 1..2 slow\n")

    def test_the_sum_is_reported_in_any_case(self):
        listener = self.listen("/a", "--count", "1", "--quiet")
        self.broker.send("GAP /a 900 913 new=1 why=slow")
        self.broker.send("MSG /a 914", b"x")
        self.assertEqual(self.finish(listener), (b"x\n", LOST % (14, 14, 0, 0)))

    def test_after_an_outage_it_says_what_was_missed(self):
        listener = self.listen("/a", options=" seq=7")
        self.broker.send("MSG /a 8", b"x")
        self.assertEqual(listener.line(), b"x\n")
        self.broker.drop()
        self.assertIn("trying again", listener.complaint())
        self.broker.accept()
        self.broker.answer("SUB /a", options=" seq=12")
        self.assertEqual(listener.complaint(), "sluice: up to 4 messages to /a "
                         "came while the connection was lost\n")
        self.broker.send("MSG /a 13", b"y")
        self.assertEqual(listener.line(), b"y\n")
        self.assertIn("connected again", listener.complaint())

    def test_of_wildcards_it_says_that_some_may_be(self):
        listener = self.listen("/a/*")
        self.broker.send("MSG /a/x 1 new=1", b"x")
        self.assertEqual(listener.line(), b"/a/x x\n")
        self.broker.drop()
        self.assertIn("trying again", listener.complaint())
        self.broker.accept()
        self.broker.answer("SUB /a/*")
        self.assertIn("to /a/* may have been missed", listener.complaint())


class Acknowledging(WithUnits):
    def test_what_is_printed_is_acknowledged_and_not_one_more_is_taken(self):
        listener = self.work("--count", "2")
        self.broker.send("MSG /queue/w 7", b"a")
        self.broker.expect("ACK /queue/w 7")
        self.assertEqual(listener.line(), b"a\n")
        self.broker.send("MSG /queue/w 8 try=2", b"b")
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.expect("ACK /queue/w 8")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(listener), (b"b\n", ""))

    def test_what_cannot_be_printed_is_not_acknowledged(self):
        with open("/dev/full", "wb") as full:
            process = Process(self, "listen", "/queue/w", stdout=full,
                              server=self.broker.address)
            self.broker.accept()
            self.broker.answer("SUB /queue/w ack=yes credit=1")
            self.broker.send("MSG /queue/w 7", b"a")
            status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertIn("No space left", err)
        with self.assertRaisesRegex(Failed, "ended"):
            self.broker.connection.unit()

    def test_a_stop_signal_takes_no_more_of_a_queue_and_all_of_a_topic(self):
        listener = self.listen("/a", "/queue/w", subs=[
            "/a", "/queue/w ack=yes credit=1"])
        listener.signal()
        self.broker.expect("BYE")
        self.broker.send("MSG /queue/w 7", b"not mine")
        self.broker.send("MSG /a 1 new=1", b"due")
        self.broker.send("BYE")
        self.assertEqual(self.finish(listener), (b"/a due\n", ""))

    def test_a_message_comes_again_when_its_command_fails(self):
        worker = self.work("--exec", "exit 3", "--count", "1")
        self.broker.send("MSG /queue/w 7", b"a")
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.expect("NAK /queue/w 7 delay=1s", b"failed")
        self.broker.take_goodbye()
        _, err = self.finish(worker, status=1)
        self.assertIn("message 7: the command exited with 3", err)

    def test_the_broker_is_answered_while_a_command_runs(self):
        """It would take the listener for dead, and give the message away."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        gate = pathlib.Path(folder.name) / "gate"
        os.mkfifo(gate)
        worker = self.work("--exec", f"cat {shlex.quote(str(gate))}",
                           "--count", "1")
        self.broker.send("MSG /queue/w 7")
        self.broker.send("PING there")
        self.broker.expect("PONG there")
        gate.write_text("done\n")
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.expect("ACK /queue/w 7")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(worker), (b"done\n", ""))

    def test_headers_are_in_the_environment_of_a_command(self):
        worker = self.listen("/a", "--exec", "echo $SLUICE_H_Unit",
                             "--count", "1")
        self.broker.send("MSG /a 1 new=1 Unit=C")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(worker), (b"C\n", ""))


class WithDaemon(WithBroker):
    def test_what_is_not_a_pattern(self):
        for command in (["listen", "/a*"], ["listen", "/a", "/a/**/b"],
                        ["listen", "/a*", "--exec", "true"],
                        ["work", "/queue/a*", "--exec", "true"]):
            done = self.run_to_end(*command)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(b"is not a pattern", done.stderr)

    def test_wildcards_and_several_channels(self):
        listener = self.start("listen", "/sensors/*/temp", "/alarms/**",
                              "/last", "--count", "3")
        self.broker.wait_stats(subscribers=1)
        for channel in ("/sensors/k1/temp", "/sensors/k1/wind", "/alarms",
                        "/alarms/a/b", "/sensors/temp"):
            done = self.run_to_end("send", "--confirm", channel, "m")
            self.assertEqual(done.returncode, 0)
        self.assertEqual(listener.finish(), (
            0, b"/sensors/k1/temp m\n/alarms m\n/alarms/a/b m\n", ""))

    def test_a_channel_that_is_named_twice_is_read_once(self):
        self.send("/queue/w", "job", "last")
        for command, output in (
                (("listen", "/queue/w", "/queue/w"), b"job\n"),
                (("listen", "/queue/w", "/queue/w", "--exec", "cat"),
                 b"last")):
            done = self.run_to_end(*command, "--count", "1")
            self.assertEqual((done.returncode, done.stdout, done.stderr),
                             (0, output, b""))

    def test_headers_from_send_to_listen(self):
        listener = self.start("listen", "/queue/a", "--headers", "--count", "1")
        done = self.run_to_end("send", "-H", "Unit=C", "-H", "Note=two words",
                               "/queue/a", "21.5")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(listener.finish(),
                         (0, b"Unit=C Note=two%20words 21.5\n", ""))

    def test_workers_share_as_they_finish(self):
        """One is busy with its first job until the others are done."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        gate = pathlib.Path(folder.name) / "gate"
        os.mkfifo(gate)
        slow = self.start("listen", "/queue/w", "--exec",
                          f"cat; echo; read x < {shlex.quote(str(gate))}")
        self.send("/queue/w", "first")
        self.assertEqual(slow.line(), b"first\n")
        fast = self.start("listen", "/queue/w", "--exec", "cat; echo")
        self.send("/queue/w", *map(str, range(20)))
        self.assertEqual([int(fast.line()) for _ in range(20)], [*range(20)])
        gate.write_text("done\n")
        self.broker.wait_stats(acked=21)
        for worker in (slow, fast):
            worker.signal(signal.SIGTERM)
            self.assertEqual(worker.finish(), (0, b"", ""))

    def test_what_is_printed_or_not_is_known_when_it_is_killed(self):
        """Printed and not acknowledged is printed again; nothing is lost."""
        count = 2000
        self.send("/queue/w", *map(str, range(count)))
        seen = set()
        for _ in range(5):
            listener = self.start("listen", "/queue/w")
            for _ in range(100):
                seen.add(int(listener.line()))
            listener.signal(signal.SIGKILL)
            rest, _ = listener.popen.communicate(timeout=DEADLINE)
            seen.update(map(int, rest.split()))
        self.broker.wait_stats(subscribers=0)
        left = self.broker.stats()["queued_messages"]
        if left:
            rest = self.start("listen", "/queue/w", "--count", str(left))
            seen.update(map(int, rest.finish()[1].split()))
        self.assertEqual(seen, set(range(count)))


if __name__ == "__main__":
    people.main()
