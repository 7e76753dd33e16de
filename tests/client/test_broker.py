# SPDX-License-Identifier: MIT
"""The commands and the daemon together, as users run them."""
import os
import pathlib
import signal
import subprocess
import sys
import tempfile
import unittest

from command import Process, main, run

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "wire"))
from daemon import Broker  # noqa: E402  (it lives with the wire tests)
from flushes import faults  # noqa: E402


class WithBroker(unittest.TestCase):
    OPTIONS = ()

    def setUp(self):
        self.start(*self.OPTIONS)

    def start(self, *args, **kwargs):
        self.broker = Broker(*args, **kwargs)
        self.addCleanup(self.broker.kill)

    def listen(self, *args, **kwargs):
        """A listener; see await_listeners()."""
        return Process(self, "listen", *args, server=self.broker.address,
                       **kwargs)

    def await_listeners(self, count=1):
        """Subscribing has no answer, but the broker counts."""
        self.broker.wait_stats(subscribers=count)

    def send(self, *args, stdin=b"", status=0):
        done = run("send", *args, server=self.broker.address, stdin=stdin)
        self.assertEqual((done.returncode, done.stdout), (status, b""),
                         done.stderr)
        return done.stderr.decode()


class Topics(WithBroker):
    def test_every_listener_gets_everything(self):
        listeners = [self.listen("/topic/a", "--count", "3")
                     for _ in range(3)]
        self.await_listeners(3)
        self.send("/topic/a", "one", "", "three")
        self.send("/topic/b", "for nobody")
        for listener in listeners:
            self.assertEqual(listener.finish(), (0, b"one\n\nthree\n", ""))

    def test_a_hundred_thousand_lines_in_order(self):
        listener = self.listen("/topic/a", "--count", "100000")
        self.await_listeners()
        lines = b"".join(b"line %d \0\n" % i for i in range(100_000))
        self.send("/topic/a", stdin=lines)
        self.assertEqual(listener.finish(), (0, lines, ""))

    def test_the_longest_message_and_one_byte_more(self):
        longest = b"m" * (16 << 20)
        listener = self.listen("/topic/a", "--raw", "--count", "1")
        self.await_listeners()
        self.send("/topic/a", stdin=longest)
        self.assertEqual(listener.finish(), (0, longest, ""))
        said = self.send("/topic/a", "--max-frame", "1g",
                         stdin=longest + b"m", status=1)
        self.assertRegex(said, r"messages sent: [01]\b")
        self.assertIn("its own --max-frame may be lower", said)
        said = self.send("/topic/a", "--size", "17m", "--max-frame", "20m",
                         status=1)
        self.assertIn("its own --max-frame may be lower", said)

    def test_a_listener_that_allows_less(self):
        listener = self.listen("/topic/a", "--max-frame", "4")
        self.await_listeners()
        self.send("/topic/a", "1234", "12345")
        status, out, err = listener.finish()
        self.assertEqual((status, out), (1, b"1234\n"))
        self.assertIn("--max-frame", err)

    def test_what_nobody_hears_is_still_read(self):
        for channel in ("/null", "/sys", "/sys/x", "/topic/none"):
            self.send(channel, "m")
        self.assertEqual(self.broker.stats()["messages_in"], 4)


class DefaultPort(unittest.TestCase):
    def test_an_address_without_a_port_means_25000_to_both(self):
        pid = os.getpid()  # all of it: other tests run at the same time
        host = f"127.{64 + (pid >> 16 & 63)}.{pid >> 8 & 255}.{pid & 255}"
        broker = Broker(listen=(host,))
        self.addCleanup(broker.kill)
        self.assertEqual(broker.address, f"{host}:25000")
        done = run("ping", "--count", "1", "--server", host)
        self.assertEqual((done.returncode, done.stderr), (0, b""))


class Queues(WithBroker):
    def test_workers_share(self):
        count = 3000
        workers = [self.listen("/queue/work") for _ in range(3)]
        self.await_listeners(3)
        self.send("/queue/work", "--count", str(count))
        self.broker.wait_stats(messages_out=count, queued_messages=0)
        seen = []
        for worker in workers:
            worker.signal(signal.SIGTERM)
            status, out, err = worker.finish()
            self.assertEqual((status, err), (0, ""))
            seen += out.splitlines()
        self.assertEqual(len(seen), count)
        self.assertEqual(len(set(seen)), count)

    def test_a_worker_that_is_interrupted_loses_nothing(self):
        lines = [b"%06d" % i + b"." * 500 for i in range(20_000)]
        self.send("/queue/work", stdin=b"\n".join(lines))
        first = self.listen("/queue/work")
        seen = [first.line().rstrip(b"\n")]
        first.signal()
        status, out, err = first.finish()
        self.assertEqual((status, err), (0, ""))
        seen += out.splitlines()
        left = len(lines) - len(seen)
        if left:
            second = self.listen("/queue/work", "--count", str(left))
            seen += second.finish()[1].splitlines()
        self.assertEqual(seen, lines)


class Crash(WithBroker):
    """What docs/protocol.md says that a killed consumer of version 1 costs."""

    def lost(self, *options, size, count):
        self.start(*options)
        self.send("/queue/w", "--size", str(size), "--count", str(count))
        consumer = subprocess.Popen(
            [os.environ["CONSUMER"], self.broker.address, "/queue/w"],
            stdout=subprocess.PIPE)
        with consumer:
            self.assertEqual(consumer.stdout.readline(), b"begun\n")
            consumer.kill()
        self.broker.wait_stats(subscribers=0)
        return count - self.broker.stats()["queued_messages"]

    def test_a_killed_consumer_costs_no_more_than_prefetch_and_2_kib(self):
        for size, count in ((1000, 1000), (100, 5000)):
            lost = self.lost(size=size, count=count)
            self.assertGreaterEqual(lost, 1)
            self.assertLessEqual(lost * size, (64 << 10) + 2048 + 2 * size)

    def test_a_killed_consumer_costs_little_with_prefetch_1(self):
        for size, count in ((1000, 300), (100, 500)):
            lost = self.lost("--prefetch", "1", size=size, count=count)
            self.assertGreaterEqual(lost, 1)
            self.assertLessEqual(lost * size, 2048 + 2 * size)


class FullQueue(WithBroker):
    OPTIONS = ("--queue-limit", "256k")

    def test_a_sender_waits_until_there_is_room(self):
        size, count = 64 << 10, 400
        sender = Process(self, "send", "/queue/full", "--size", str(size),
                         "--count", str(count), server=self.broker.address)
        self.broker.wait_stats(pauses=1)
        self.assertIsNone(sender.popen.poll())
        listener = self.listen("/queue/full", "--raw", "--count", str(count))
        status, out, err = listener.finish()
        self.assertEqual((status, len(out), err), (0, size * count, ""))
        self.assertEqual(sender.finish(), (0, b"", ""))

    def test_an_interrupted_sender_says_what_may_be_lost(self):
        sender = Process(self, "send", "/queue/full", "--size", "64k",
                         "--interval", "0", "--timeout", "50ms",
                         server=self.broker.address)
        self.broker.wait_stats(pauses=1)
        sender.signal()
        status, _, err = sender.finish()
        self.assertEqual(status, 1)
        self.assertRegex(err, r"messages sent: \d+")


class Outages(WithBroker):
    def test_a_listener_outlives_a_broker(self):
        listener = self.listen("/topic/a")
        self.await_listeners()
        self.send("/topic/a", "before")
        self.assertEqual(listener.line(), b"before\n")
        address = self.broker.address
        self.broker.stop()
        self.assertIn("trying again", listener.complaint())
        self.start(listen=(address,))
        self.await_listeners()
        self.send("/topic/a", "after")
        self.assertEqual(listener.line(), b"after\n")
        listener.signal()
        self.assertEqual(listener.finish()[:2], (0, b""))

    def test_a_sender_whose_input_is_idle_notices(self):
        sender = Process(self, "send", "/topic/a", stdin=subprocess.PIPE,
                         server=self.broker.address)
        sender.popen.stdin.write(b"one\n")
        sender.popen.stdin.flush()
        self.broker.wait_stats(messages_in=1)
        self.broker.stop()
        self.assertEqual(sender.popen.wait(30), 1)
        self.assertIn("messages sent: 1,", sender.complaint())


class Impatience(WithBroker):
    OPTIONS = ("--hello-timeout", "200ms")

    def test_a_sender_without_input_yet_is_not_thrown_out(self):
        sender = Process(self, "send", "/topic/a", stdin=subprocess.PIPE,
                         server=self.broker.address)
        silent = self.broker.connect()
        self.addCleanup(silent.close)
        self.broker.wait_for_log("reason=hello_timeout")
        sender.popen.stdin.write(b"late\n")
        self.assertEqual(sender.finish(), (0, b"", ""))
        self.assertEqual(self.broker.stats()["messages_in"], 1)


class UnixSocket(WithBroker):
    def setUp(self):
        self.start(listen=("unix:{dir}/s",))

    def test_commands_find_it(self):
        listener = self.listen("/topic/a", "--count", "1")
        self.await_listeners()
        self.send("/topic/a", "hello")
        self.assertEqual(listener.finish(), (0, b"hello\n", ""))


class Disk(WithBroker):
    """A queue that is kept on disk."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        self.options = ("--journal", folder.name, "--journal-free", "0",
                        "--channel", "/queue/jobs durable=yes")
        self.start(*self.options)

    def test_what_was_confirmed_outlives_a_kill(self):
        said = self.send("--confirm", "sync", "/queue/jobs", "a", "b", "c")
        self.assertEqual(said, "".join(f"seq={n} subs=0 held={n} sync=1\n"
                                       for n in (1, 2, 3)))
        self.broker.kill()
        self.start(*self.options)
        listener = self.listen("--count", "3", "/queue/jobs")
        self.assertEqual(listener.finish(), (0, b"a\nb\nc\n", ""))

    def test_what_was_sent_is_on_disk_however_it_was_sent(self):
        """Version 1, or 2 for the sake of a header; not with a receipt for its
        place. No flush ends."""
        with tempfile.TemporaryDirectory() as library:
            self.broker.kill()
            self.start(*self.options, env=faults(library, delay_ms=600_000))
            for option in ((), ("-H", "Unit=C")):
                said = self.send("--timeout", "100ms", *option, "/queue/jobs",
                                 "a", status=1)
                self.assertIn("did not confirm everything in time", said)
            self.send("--confirm", "route", "/queue/jobs", "a")
            self.broker.kill()

    def test_a_queue_in_memory_needs_no_disk(self):
        self.assertEqual(self.send("-H", "Unit=C", "/queue/q", "a"), "")

    def test_a_queue_in_memory_is_a_failure(self):
        said = self.send("--confirm", "sync", "/queue/q", "a", status=1)
        self.assertIn("/queue/q is not durable", said)


if __name__ == "__main__":
    if not os.access(os.environ.get("SLUICED", ""), os.X_OK):
        sys.exit("SLUICED must name the daemon")
    main()
