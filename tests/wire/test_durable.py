# SPDX-License-Identifier: MIT
"""Durable queues, as clients of version 1 see them: what a goodbye confirmed
is there after the broker was killed, in order, until somebody has taken it.

SLUICE_BACKLOG_MB=2000 makes the long backlog longer."""
import os
import tempfile

from daemon import Broker
from flushes import faults
from wire import (KIB, MIB, Background, WireTest, frame, main, numbered,
                  pair)

QUEUE = b"/queue/jobs"
BACKLOG_MB = int(os.environ.get("SLUICE_BACKLOG_MB", "100"))


class WithJournal(WireTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def options(self, *args):
        return ("--journal", self.folder, "--journal-free", "0", "--channel",
                "/queue/jobs durable=yes limit=10g", *args)

    def start(self, *args):
        return self.broker(*self.options(*args))


class Durable(WithJournal):

    def publish(self, sluiced, *messages):
        """Returns when the broker has said that they are on disk."""
        sender = self.publisher(sluiced)
        sender.publish(QUEUE, *messages)
        sender.goodbye().wait_closed()

    def consume(self, sluiced, count):
        consumer = self.subscriber(sluiced, QUEUE)
        messages = consumer.recv_many(count)
        consumer.close()
        return messages

    def test_what_a_goodbye_confirmed_outlives_a_kill(self):
        """The sender is that of the book, and says goodbye."""
        killed = Broker(*self.options())
        self.addCleanup(killed.kill)
        self.publish(killed, b"a", b"", b"c" * 100 * KIB)
        killed.kill()
        sluiced = self.start()
        self.assertEqual(self.consume(sluiced, 3),
                         [b"a", b"", b"c" * 100 * KIB])

    def test_what_was_taken_does_not_come_again(self):
        """The kernel of the consumer has confirmed it, and the broker stops
        in order."""
        sluiced = self.start()
        self.publish(sluiced, *[numbered(n) for n in range(40)])
        self.consume(sluiced, 40)
        self.publish(sluiced, numbered(40))
        self.assertEqual(sluiced.stop().status, 0)
        sluiced = self.start()
        self.assertEqual(self.consume(sluiced, 1), [numbered(40)])

    def test_stopping_keeps_what_nobody_took(self):
        """It is not delivered first, and not counted as dropped."""
        sluiced = self.start()
        self.publish(sluiced, *[numbered(n) for n in range(1000)])
        report = sluiced.stop()
        self.assertEqual(report.status, 0)
        self.assertEqual(report.counters["dropped_stopping"], 0)
        sluiced = self.start()
        self.assertEqual(self.consume(sluiced, 1000),
                         [numbered(n) for n in range(1000)])

    def test_a_backlog_may_be_larger_than_memory(self):
        """It is kept in order, whatever --memory says."""
        sluiced = self.start("--memory", "64m")
        count = BACKLOG_MB * MIB // (10 * KIB)
        sender = self.publisher(sluiced).flood(QUEUE, count, 10 * KIB)
        sender.goodbye().wait_closed(600)
        self.assert_memory(sluiced.rss_kb(), 110 * 1024)
        consumer = self.subscriber(sluiced, QUEUE)
        self.assertEqual(consumer.recv_numbers(count, 600),
                         list(range(count)))
        self.assert_memory(sluiced.rss_kb(), 110 * 1024)


class Failed(WithJournal):
    """A flush has failed: what is published to durable queues will not be on
    disk, and a client of version 1 learns that by a reset."""

    def fail(self, library, flood):
        """A broker whose journal fails while `flood` publishes to it."""
        env = faults(library)
        first = Broker(*self.options(), env=env)
        self.addCleanup(first.kill)
        flushes = first.stats()["journal_flushes"]
        first.kill()
        sluiced = Broker(*self.options(), env=env | {
            "FLUSH_FAILS_AT": str(flushes + 8)})
        self.addCleanup(sluiced.kill)
        running = Background(flood, self.publisher(sluiced))
        sluiced.wait_for_log("event=journal_failed")
        return sluiced, running

    def end_of(self, client, data):
        """How the connection ends, by the time that all was sent or after."""
        try:
            return client.send(data).wait_closed()
        except (ConnectionResetError, BrokenPipeError):
            return "reset"

    def flood(self, client):
        """Goes on until the connection ends. How it does."""
        how = None
        while not how:
            try:
                client.publish(QUEUE, b"x" * 10 * KIB)
            except (ConnectionResetError, BrokenPipeError):
                how = "reset"
        return how

    def test_publishers_are_reset_and_all_others_served(self):
        """The one that waits at the gate; those that come later, if they say
        goodbye or not, once with a message that has a block of its own."""
        with tempfile.TemporaryDirectory() as library:
            sluiced, running = self.fail(library, self.flood)
            self.assertEqual(running.join(), "reset")
            for size in (0, 10, 200 * KIB):
                for last in (b"", frame(b"")):
                    late = self.publisher(sluiced)
                    sluiced.sync(late)
                    self.assertEqual(self.end_of(
                        late, pair(QUEUE, b"x" * size) + last), "reset")
            line = sluiced.log("event=closed .*reason=journal_failed")[0]
            self.assertEqual(line.level, "warning")
            stats = sluiced.wait_stats(closed_journal=7)
            self.assertEqual(stats["paused_publishers"], 0)
            self.assert_serves(sluiced)
            self.assertEqual(sluiced.stop().status, 1)

    def test_one_that_waits_elsewhere_is_not_reset(self):
        """At the gate of a queue in memory, after durable ones have failed;
        it is when it publishes to one of them again."""
        with tempfile.TemporaryDirectory() as library:
            sluiced, running = self.fail(library, self.flood)
            running.join()
            plain = self.publisher(sluiced)
            sending = Background(plain.flood, b"/queue/plain", 1000, 100 * KIB)
            sluiced.wait_stats(paused_publishers=1)
            reader = self.subscriber(sluiced, b"/queue/plain")
            self.assertEqual(reader.recv_numbers(1000), list(range(1000)))
            sending.join().publish(QUEUE, b"x")
            self.assertEqual(plain.wait_closed(), "reset")
            reader.close()
            self.assertEqual(sluiced.stop().status, 1)


if __name__ == "__main__":
    main()
