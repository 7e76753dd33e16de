# SPDX-License-Identifier: MIT
"""A queue's bound: its publishers are paused, memory stays bounded, and
nothing that a publisher handed to its kernel is ever lost."""
import collections
import contextlib
import resource
import select

from wire import (KIB, MIB, WITH_TLS, Background, WireTest, main, number_of,
                  numbered_pairs)

QUEUE = b"/queue/bounded"
DEBUG = ("--log-level", "debug")
SHORT = "2s" if WITH_TLS else "300ms"  # a handshake takes part of it


class Paused(WireTest):
    """Each test starts with publishers that a full queue has paused."""

    def pause(self, sluiced, total, size=KIB, start=0, listener=0,
              count=1):
        """A publisher of `total` messages, the count-th that is paused."""
        sender = sluiced.connect(listener=listener)
        self.addCleanup(sender.close)
        sending = Background(sender.subscribe(b"").flood, QUEUE, total,
                             size, start)
        sluiced.wait_for_log("event=publisher_paused", count=count)
        return sender, sending

    def test_backlog_is_bounded_and_nothing_is_lost(self):
        """150 MB pushed at a queue nobody reads: the publisher waits,
        memory is bounded, then all is delivered once and in order."""
        sluiced = self.broker("--queue-limit", "8m", *DEBUG)
        self.assert_serves(sluiced)
        before, size = sluiced.rss_kb(), 10000
        total = 150_000_000 // size
        _, sending = self.pause(sluiced, total, size)
        sluiced.sync()
        stats = sluiced.stats()
        self.assertGreater(stats["queued_bytes"], 7 * MIB)
        self.assertLess(stats["queued_bytes"], 9 * MIB)
        self.assertTrue(sending.is_alive(), "the publisher must wait")
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(total), list(range(total)))
        sending.join()
        self.assert_memory(sluiced.rss_kb() - before, 16 * KIB)
        sluiced.wait_stats(queued_messages=0, queued_bytes=0)

    def test_tiny_messages_are_counted_as_memory_held(self):
        """Empty and tiny messages fill a queue too: bytes are counted as
        the memory really held."""
        sluiced = self.broker("--queue-limit", "1m", *DEBUG)
        self.assert_serves(sluiced)
        before, total = sluiced.rss_kb(), 1_000_000
        _, sending = self.pause(sluiced, total, 8)
        sluiced.sync()
        self.assert_memory(sluiced.rss_kb() - before, 6 * KIB)
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(total), list(range(total)))
        sending.join()

    def test_paused_publishers_are_resumed_in_fair_turns(self):
        """Four publishers through one small queue: when 30 MB have passed
        none of them is far behind."""
        sluiced = self.broker("--queue-limit", "1m", *DEBUG)
        total, each = 20000, 1_000_000
        for i in range(4):
            self.pause(sluiced, total, KIB, i * each, count=i + 1)
        worker = self.connect(sluiced).subscribe(QUEUE)
        last, passed = [-1] * 4, collections.Counter()
        for _ in range(30 * KIB):
            who, number = divmod(worker.recv_numbers(1)[0], each)
            self.assertEqual(number, last[who] + 1)
            last[who] = number
            passed[who] += 1
        self.assertGreater(min(passed.values()), 30 * KIB // 4 // 4, passed)
        rest = worker.recv_numbers(4 * total - 30 * KIB)
        self.assertEqual(len(set(rest)), len(rest))

    def test_paused_publisher_that_resets_is_let_go_at_once(self):
        """Its descriptor goes while the queue is still full."""
        sluiced = self.broker("--queue-limit", "1m", *DEBUG)
        sluiced.sync()
        before = sluiced.fd_count()
        for round_ in range(1, 4):
            sender = self.connect(sluiced).subscribe(b"")
            self.fill_kernel(sluiced, sender, round_)
            sender.reset()
            sluiced.wait_for_log("event=closed .*reason=reset",
                                 count=round_)
            sluiced.wait_stats(connections=1)
            self.assertEqual(sluiced.fd_count(), before)
        self.assertGreater(sluiced.stats()["queued_messages"], 0)
        self.assert_serves(sluiced)

    def test_paused_publisher_that_closes_loses_nothing(self):
        """What its kernel took counts as sent: it says goodbye to nobody,
        and every message still comes when a consumer does."""
        self.assert_close_loses_nothing(0)

    def test_paused_publisher_is_sipped_from(self):
        """One that closed behind a full receive buffer would be given up
        by its kernel after minutes: now and then some is read, the bound
        notwithstanding, but not much, and nothing is lost."""
        sluiced = self.broker("--queue-limit", "1m", *DEBUG)
        _, sending = self.pause(sluiced, 30_000)
        sluiced.sync()
        before = sluiced.stats()["bytes_in"]
        stats = sluiced.wait_stats(bytes_in=lambda n: n > before + 64 * KIB)
        self.assertEqual(stats["paused_publishers"], 1)
        self.assertLess(stats["bytes_in"], before + MIB)
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(30_000), list(range(30_000)))
        sending.join()

    def test_paused_publisher_on_a_unix_socket_loses_nothing(self):
        """There a peer's close looks like a hang-up (EPOLLHUP)."""
        self.assert_close_loses_nothing(1)

    def assert_close_loses_nothing(self, listener):
        sluiced = self.broker("--queue-limit", "64k", "--hello-timeout",
                              SHORT, "--frame-timeout", "300ms", *DEBUG,
                              listen=("127.0.0.1:0", "unix:{dir}/sock"))
        sender = self.connect(sluiced, listener=listener).subscribe(b"")
        taken = self.fill_kernel(sluiced, sender)
        sender.close()
        self.assertGreater(taken, 64)
        cpu = sluiced.cpu_seconds()
        for _ in range(2):  # a while passes: two later clients time out
            with contextlib.suppress(OSError):  # perhaps while it connects
                self.connect(sluiced).wait_closed()
        self.assertLess(sluiced.cpu_seconds() - cpu, 0.3, "it spins")
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(taken), list(range(taken)))
        sluiced.sync(worker)
        sluiced.end_sync()
        sluiced.wait_stats(connections=1)

    @staticmethod
    def fill_kernel(sluiced, sender, count=1):
        """Sends until the broker has paused this publisher, the count-th,
        and the kernel takes no more; how many messages it took whole."""
        taken, left = 0, b""
        sender.sock.setblocking(False)
        while True:
            left = left or numbered_pairs(QUEUE, [taken], KIB)
            try:
                left = left[sender.sock.send(left):]
                taken += not left
            except BlockingIOError:
                if len(sluiced.log("event=publisher_paused")) >= count:
                    return taken - getattr(sender.sock, "is_behind", 0)
                select.select([], [sender.sock], [], 0.1)

    def test_resumed_when_the_queue_has_fallen_to_half(self):
        """Not before: a queue at its bound is no ping-pong."""
        sluiced = self.broker("--queue-limit", "1m", "--prefetch", "16k",
                              *DEBUG)
        _, sending = self.pause(sluiced, 20000)
        self.assertEqual(sluiced.log("event=publisher_resumed"), [])
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(20000), list(range(20000)))
        sending.join()
        resumed = len(sluiced.log("event=publisher_resumed"))
        self.assertGreater(resumed, 0)
        # Each turn moves at least half a queue: 20 MB make 40 of them.
        self.assertLessEqual(sluiced.stats()["pauses"], 60)

    def test_others_do_not_notice(self):
        """A publisher to another channel is not paused, and a consumer of
        another queue is served."""
        sluiced = self.broker("--queue-limit", "64k", *DEBUG)
        self.pause(sluiced, 20000)
        self.assert_serves(sluiced)
        self.assert_serves(sluiced, b"/queue/other")

    def test_paused_publisher_still_receives(self):
        """It is not read; it is still written to."""
        sluiced = self.broker("--queue-limit", "64k", *DEBUG)
        both = self.subscriber(sluiced, b"/topic/in")
        sending = Background(both.flood, QUEUE, 20000, KIB)
        sluiced.wait_for_log("event=publisher_paused")
        self.publisher(sluiced).publish(b"/topic/in", b"for you")
        self.assertEqual(both.recv(), b"for you")
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(20000), list(range(20000)))
        sending.join()

    def test_message_above_the_queue_limit_passes(self):
        """An empty queue takes one message of any legal size."""
        sluiced = self.broker("--queue-limit", "64k", *DEBUG)
        sender = self.publisher(sluiced)
        sending = Background(sender.flood, QUEUE, 8, MIB)
        sluiced.wait_for_log("event=publisher_paused")
        worker = self.connect(sluiced).subscribe(QUEUE)
        got = [number_of(m) for m in worker.recv_many(8)]
        self.assertEqual(got, list(range(8)))
        sending.join()


class GonePublishers(WireTest):
    """Publishers come to a full queue, send, and close: what they sent keeps
    their connections, and these are all that there may be."""
    EACH, MANY = 64, 12

    def crowd(self, *args):
        """The broker, with one publisher that has filled the queue and the
        connections of others that are gone."""
        sluiced = self.broker("--queue-limit", "64k", *args, *DEBUG,
                              listen=("127.0.0.1:0", "unix:{dir}/sock"))
        self.publisher(sluiced).flood(QUEUE, self.EACH, KIB)
        sluiced.wait_stats(queued_messages=self.EACH)
        for who in range(1, self.MANY):
            sender = self.connect(sluiced, listener=who % 2).subscribe(b"")
            sender.flood(QUEUE, self.EACH, KIB, who * self.EACH)
            sluiced.wait_for_log("event=publisher_paused", count=who)
            sender.close()
        return sluiced

    def assert_gets_everything(self, worker):
        """Every message once, each publisher's in order."""
        got = worker.recv_numbers(self.MANY * self.EACH)
        for who in range(self.MANY):
            first = who * self.EACH
            theirs = [n for n in got if n // self.EACH == who]
            self.assertEqual(theirs, list(range(first, first + self.EACH)))

    def test_gone_publishers_do_not_keep_consumers_out(self):
        """They have all of --max-connections, and a silent client has the
        reserve: the oldest of them is read past the queue's bound, and its
        place is the consumer's."""
        sluiced = self.crowd("--max-connections", str(self.MANY))
        self.publisher(sluiced)
        sluiced.wait_for_log("event=accept_paused")
        self.assert_gets_everything(self.connect(sluiced).subscribe(QUEUE))
        sluiced.wait_for_log("event=accept_resumed")

    def test_gone_publishers_do_not_keep_consumers_out_of_descriptors(self):
        """They have all the descriptors, fewer than the broker expected."""
        sluiced = self.crowd()
        few = sluiced.fd_count()
        resource.prlimit(sluiced.process.pid, resource.RLIMIT_NOFILE,
                         (few, few))
        self.assert_gets_everything(self.connect(sluiced).subscribe(QUEUE))
        sluiced.wait_for_log("event=accept_failed .*reason=EMFILE")

    def test_gone_publishers_wait_while_others_can_connect(self):
        """As long as there is a place the queue keeps its bound."""
        sluiced = self.crowd("--max-connections", str(self.MANY + 1))
        self.assertEqual(sluiced.stats()["paused_publishers"], self.MANY - 1)
        self.assert_gets_everything(self.connect(sluiced).subscribe(QUEUE))


if __name__ == "__main__":
    main()
