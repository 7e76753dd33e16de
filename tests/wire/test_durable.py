# SPDX-License-Identifier: MIT
"""Durable queues, as clients of version 1 see them: what a goodbye confirmed
is there after the broker was killed, in order, until somebody has taken it.

SLUICE_BACKLOG_MB=2000 makes the long backlog longer."""
import os
import tempfile

from daemon import Broker
from wire import KIB, MIB, WireTest, main, numbered

QUEUE = b"/queue/jobs"
BACKLOG_MB = int(os.environ.get("SLUICE_BACKLOG_MB", "100"))


class Durable(WireTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def options(self, *args):
        return ("--journal", self.folder, "--journal-free", "0", "--channel",
                "/queue/jobs durable=yes limit=10g", *args)

    def start(self, *args):
        return self.broker(*self.options(*args))

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


if __name__ == "__main__":
    main()
