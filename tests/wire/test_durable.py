# SPDX-License-Identifier: MIT
"""Durable queues, as clients of version 1 see them: what a goodbye confirmed
is there after the broker was killed, in order, until somebody has taken it.

SLUICE_BACKLOG_MB=2000 makes the long backlog longer."""
import os
import pathlib
import tempfile

from daemon import Broker
from flushes import faults
from unit_client import OPENING, UnitClient
from wire import (KIB, MIB, Background, WireTest, frame, main, numbered,
                  pair, without_tls)

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

    def test_the_largest_message_fits_again_and_again(self):
        """At the lowest limit that the broker starts with."""
        sluiced = self.start("--max-frame", "4m", "--journal-segment", "1m",
                             "--journal-limit", "11m")
        for _ in range(5):
            self.publish(sluiced, b"x" * 4 * MIB)
            self.assertEqual(self.consume(sluiced, 1), [b"x" * 4 * MIB])

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


class Killed(WithJournal):
    """The kernel ends the connections of a broker that is killed. That must not
    look like the answer to a goodbye."""

    def kill(self, waits):
        """How the connection ends of a publisher whose goodbye was read, when
        its message is not on disk yet, if it `waits` for the answer to one."""
        with tempfile.TemporaryDirectory() as library:
            sluiced = Broker(*self.options(),
                             env=faults(library, delay_ms=600_000))
            self.addCleanup(sluiced.kill)
            sender = self.publisher(sluiced)
            sender.publish(QUEUE, b"x")
            if waits:
                sender.goodbye()
            sluiced.wait_stats(messages_in=1)
            if waits:  # a turn later it is read as well
                self.assert_serves(sluiced)
            sluiced.process.kill()
            return sender.wait_closed()

    def test_a_kill_before_the_flush_is_no_confirmation(self):
        self.assertEqual(self.kill(waits=True), "reset")

    def test_a_kill_before_the_goodbye_is_no_confirmation(self):
        """The goodbye may be on its way."""
        self.assertEqual(self.kill(waits=False), "reset")

    def kill_idle(self, *hello):
        """How the connection ends of a client that said no more than that."""
        sluiced = Broker(*self.options())
        self.addCleanup(sluiced.kill)
        client = self.connect(sluiced)
        for name in hello:
            client.subscribe(name)
        self.assert_serves(sluiced)  # the client was accepted, and read
        sluiced.process.kill()
        return client.wait_closed()

    def test_a_kill_before_anything_was_published_is_no_confirmation(self):
        """All of it may be on its way, the goodbye as well."""
        self.assertEqual(self.kill_idle(), "reset")
        self.assertEqual(self.kill_idle(b""), "reset")
        self.assertEqual(self.kill_idle(b"/null"), "reset")

    @without_tls("a kill never looks like an end")
    def test_who_has_subscribed_keeps_what_the_kernel_has_for_it(self):
        self.assertEqual(self.kill_idle(b"/topic/x"), "eof")

    def test_a_hello_that_came_too_late_is_no_confirmation(self):
        """What follows it may be on its way."""
        sluiced = self.broker(*self.options(), "--hello-timeout", "100ms")
        self.assertEqual(self.connect(sluiced).wait_closed(), "reset")
        sluiced.wait_for_log("event=closed .*reason=hello_timeout")


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


class TooMany(WithJournal):
    """As many durable queues as the journal has room for, whose segments are
    the smallest: one more is refused, with the reason, and those that are
    there go on."""
    LONG = b"/queue/" + b"x" * 200 + b"%03d"
    MOST = 64 * KIB // (32 + 216)  # in a quarter of a segment

    def many(self):
        """A broker that has all that there can be, and the next name."""
        sluiced = self.broker("--journal", self.folder, "--journal-free", "0",
                              "--journal-segment", "256k", "--channel",
                              "/queue/** durable=yes")
        sender = self.publisher(sluiced)
        for n in range(self.MOST):
            sender.publish(self.LONG % n, b"x")
        self.assertEqual(sender.goodbye().wait_closed(), "eof")
        return sluiced, self.LONG % self.MOST

    def test_publishers_and_readers_of_version_1_are_reset(self):
        sluiced, name = self.many()
        sender = self.publisher(sluiced)
        sender.send(pair(self.LONG % 0, b"y") + pair(name, b"x") + frame(b""))
        self.assert_closed(sluiced, sender, "journal_channels")
        reader = self.connect(sluiced).subscribe(name)
        self.assertEqual(reader.wait_closed(), "reset")
        stats = sluiced.wait_stats(closed_journal=2)
        self.assertEqual(stats["journal_refused_channels"], 2)
        sluiced.wait_for_log("event=journal_channels refused=.*")
        reader = self.subscriber(sluiced, self.LONG % 0)
        self.assertEqual(reader.recv_many(2), [b"x", b"y"])

    def test_version_2_is_answered_and_goes_on(self):
        """The message leaves no trace; and one queue less is one more."""
        sluiced, name = self.many()
        client = UnitClient(sluiced.addresses[0])
        self.addCleanup(client.close)
        client.say(*OPENING)
        client.hear()
        for head in (b"PUB %s rid=1", b"PUB %s confirm=sync rid=1",
                     b"SUB %s rid=1"):
            self.assertEqual(client.ask(head % name), b"ERR limit rid=1")
        head = client.ask(b"PUB %s confirm=sync rid=2" % (self.LONG % 1), b"y")
        self.assertIn(b"sync=1", head)
        reader = self.subscriber(sluiced, self.LONG % 2)
        self.assertEqual(reader.recv(), b"x")
        reader.close()
        sluiced.end_sync()
        sluiced.wait_stats(channels=self.MOST - 1)
        self.assertIn(b"sync=1",
                      client.ask(b"PUB %s confirm=sync rid=3" % name, b"z"))


class Damaged(WithJournal):
    """A byte of the journal changed while the broker was down."""

    def flip(self, body):
        """The first one of a message's body, wherever it is kept."""
        for path in pathlib.Path(self.folder).glob("*.seg"):
            data = bytearray(path.read_bytes())
            at = data.find(body)
            if at >= 0:
                data[at] ^= 1
                path.write_bytes(data)
                return
        self.fail("it is not on disk")

    def publisher_of_units(self, sluiced):
        client = UnitClient(sluiced.addresses[0])
        self.addCleanup(client.close)
        client.say(*OPENING)
        client.hear()
        return client

    def test_consumers_are_told_which_messages_are_lost(self):
        """By their numbers; the others come, and the counters know."""
        sluiced = self.start()
        client = self.publisher_of_units(sluiced)
        for n in range(1, 8):  # each in a record of its own
            body = b"%d." % n + bytes([n]) * 8 * KIB
            client.ask(b"PUB %s confirm=sync rid=%d" % (QUEUE, n), body)
        client.close()
        self.assertEqual(sluiced.stop().status, 0)
        self.assertEqual(self.start().stop().status, 0)  # in an older segment
        for n in (3, 4, 6):
            self.flip(b"%d." % n + bytes([n]) * 8 * KIB)
        sluiced = self.start()
        reader = self.publisher_of_units(sluiced)
        reader.ask(b"SUB %s rid=1" % QUEUE)
        stats = sluiced.wait_stats(queued_messages=0,
                                   journal_damaged_messages=3)
        said = reader.ping(b"end")
        self.assertEqual([head for head in said if head.startswith(b"GAP")],
                         [b"GAP %s %d %d why=damaged" % (QUEUE, first, last)
                          for first, last in ((3, 4), (6, 6))])
        self.assertEqual([head for head in said if head.startswith(b"MSG")],
                         [b"MSG %s %d" % (QUEUE, n) for n in (1, 2, 5, 7)])
        self.assertEqual((stats["gaps_told"], stats["messages_told"]), (2, 3))
        self.assertEqual(sum(int(line.fields["messages"]) for line in
                             sluiced.log("event=journal_damaged")), 3)


if __name__ == "__main__":
    main()
