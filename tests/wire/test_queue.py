# SPDX-License-Identifier: MIT
"""Queues: each message to one consumer, first in first out, chosen when it
is handed over, and back to the head when that consumer dies with it."""
from wire import (KIB, MIB, WireTest, Background, main, number_of, numbered)

QUEUE = b"/queue/work"


class Sharing(WireTest):
    def setUp(self):
        self.sluiced = self.broker()

    def worker(self, **kwargs):
        return self.subscriber(self.sluiced, QUEUE, **kwargs)

    def test_one_consumer_gets_everything_in_order(self):
        """First in, first out."""
        worker = self.worker()
        sender = self.publisher(self.sluiced).flood(QUEUE, 20000, 100)
        self.assertEqual(worker.recv_numbers(20000), list(range(20000)))
        self.sluiced.sync(sender)

    def test_every_message_exactly_once(self):
        """Two publishers, three consumers: nothing twice, nothing lost,
        and each consumer sees each publisher's messages in order."""
        workers = [self.worker() for _ in range(3)]
        receiving = [Background(w.recv_until_closed) for w in workers]
        senders = [self.publisher(self.sluiced) for _ in range(2)]
        sending = [Background(s.flood, QUEUE, 15000, 200, 100000 * i)
                   for i, s in enumerate(senders)]
        for thread in sending:
            thread.join()
        self.sluiced.sync(*senders)
        self.sluiced.wait_stats(queued_messages=0)
        for worker in workers:
            worker.goodbye()
        shares = [[number_of(m) for m in r.join()] for r in receiving]
        for share in shares:
            for sender in (0, 1):
                mine = [n for n in share if n // 100000 == sender]
                self.assertEqual(mine, sorted(mine))
        self.assertEqual(sorted(n for share in shares for n in share),
                         [*range(15000), *range(100000, 115000)])

    def test_round_robin_in_the_order_of_joining(self):
        """One message at a time reaches the consumers in turn."""
        workers = [self.worker() for _ in range(4)]
        sender = self.publisher(self.sluiced)
        turns = []
        for number in range(12):
            sender.publish(QUEUE, numbered(number))
            self.sluiced.sync(sender)
        for worker in workers:
            turns.append([number_of(m) for m in
                          worker.goodbye().recv_until_closed()])
        first = [share[0] for share in turns]
        self.assertEqual(first, [(first[0] + i) % 4 for i in range(4)])
        self.assertEqual(turns, [[n, n + 4, n + 8] for n in first])

    def test_newcomer_takes_its_place_in_the_order(self):
        """A worker that joins in the middle of a round comes after those
        that were there before, and before the first one's next turn."""
        workers = [self.worker(), self.worker()]
        sender = self.publisher(self.sluiced).publish(QUEUE, numbered(0))
        self.sluiced.sync(sender)
        workers.append(self.worker())
        sender.publish(QUEUE, *[numbered(n) for n in range(1, 7)])
        self.sluiced.sync(sender)
        turns = [[number_of(m) for m in w.goodbye().recv_until_closed()]
                 for w in workers]
        self.assertEqual(turns, [[0, 3, 6], [1, 4], [2, 5]])

    def test_burst_is_shared_evenly(self):
        """Many messages in one segment go round like single ones."""
        workers = [self.worker() for _ in range(3)]
        sender = self.publisher(self.sluiced)
        sender.publish(QUEUE, *[numbered(n) for n in range(300)])
        self.sluiced.sync(sender)
        for worker in workers:
            share = [number_of(m)
                     for m in worker.goodbye().recv_until_closed()]
            self.assertEqual(share,
                             list(range(share[0], 300, 3)))

    def test_consumer_without_room_is_skipped(self):
        """One that does not read gets its prefetch, the others the rest;
        when it reads after all, nothing is missing and nothing is twice."""
        stalled, busy = self.worker(rcvbuf=4096), self.worker()
        total = 20000
        busy_reads = Background(busy.recv_until_closed)
        sender = self.publisher(self.sluiced).flood(QUEUE, total, KIB)
        self.sluiced.sync(sender)
        self.sluiced.wait_stats(queued_messages=0)
        stalled_reads = Background(stalled.recv_until_closed)
        stalled.goodbye()
        late = [number_of(m) for m in stalled_reads.join()]
        busy.goodbye()
        early = [number_of(m) for m in busy_reads.join()]
        self.assertEqual(late, sorted(late))
        self.assertEqual(early, sorted(early))
        self.assertEqual(sorted(late + early), list(range(total)))
        self.assertGreater(len(early), total // 2)


class Holding(WireTest):
    def setUp(self):
        self.sluiced = self.broker()

    def test_message_waits_for_the_first_consumer(self):
        """Without consumers the queue keeps it."""
        sender = self.publisher(self.sluiced).flood(QUEUE, 1000, 100)
        self.sluiced.sync(sender)
        stats = self.sluiced.stats()
        self.assertEqual(stats["queued_messages"], 1000)
        self.assertGreaterEqual(stats["queued_bytes"], 1000 * 100)
        worker = self.connect(self.sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(1000), list(range(1000)))
        stats = self.sluiced.wait_stats(queued_messages=0, queued_bytes=0)

    def test_messages_outlive_their_publisher(self):
        """They belong to the queue, not to a connection."""
        self.publisher(self.sluiced).publish(QUEUE, b"will").goodbye()
        self.sluiced.wait_stats(queued_messages=1, connections=0)
        self.assertEqual(
            self.connect(self.sluiced).subscribe(QUEUE).recv(), b"will")

    def test_held_messages_survive_the_last_consumer(self):
        """They wait for the next one, however the last one left."""
        for leave in ("close", "reset", "goodbye"):
            with self.subTest(leave=leave):
                queue = QUEUE + leave.encode()
                worker = self.subscriber(self.sluiced, queue)
                getattr(worker, leave)()
                self.sluiced.end_sync()
                self.sluiced.wait_stats(connections=0, channels=0)
                sender = self.publisher(self.sluiced).flood(queue, 100, 50)
                self.sluiced.sync(sender)
                sender.close()
                worker = self.connect(self.sluiced).subscribe(queue)
                self.assertEqual(worker.recv_numbers(100), list(range(100)))
                worker.close()

    def test_queues_are_apart(self):
        """A full and abandoned queue is nothing to its neighbour."""
        sender = self.publisher(self.sluiced).flood(QUEUE, 1000, KIB)
        worker = self.subscriber(self.sluiced, QUEUE + b"/other")
        sender.publish(QUEUE + b"/other", b"m")
        self.assertEqual(worker.recv(), b"m")

    def test_choice_is_made_at_the_handing_over(self):
        """A consumer that left neither gets nor takes along what arrives
        later."""
        leaver = self.subscriber(self.sluiced, QUEUE)
        stayer = self.subscriber(self.sluiced, QUEUE)
        self.sluiced.end_sync()
        before = self.sluiced.wait_stats(connections=2)
        leaver.close()
        self.sluiced.wait_stats(connections=before["connections"] - 1)
        self.publisher(self.sluiced).flood(QUEUE, 100, 50)
        self.assertEqual(stayer.recv_numbers(100), list(range(100)))


class DeadConsumers(WireTest):
    def setUp(self):
        self.sluiced = self.broker()

    def leave(self, worker, how):
        getattr(worker, how)()

    def test_partly_written_message_comes_again_whole(self):
        """8 MiB cannot be in the kernel whole: consumer dies with the
        first bytes, the next one gets all of it, and all after it."""
        for how in ("reset", "close"):
            with self.subTest(how=how):
                queue = QUEUE + how.encode()
                victim = self.subscriber(self.sluiced, queue, rcvbuf=4096)
                sender = self.publisher(self.sluiced)
                sent = [numbered(n, 8 * MIB) for n in range(4)]
                sender.publish(queue, *sent)
                self.sluiced.sync(sender)
                victim.sock.recv(100)  # its first bytes were written
                self.leave(victim, how)
                heir = self.connect(self.sluiced).subscribe(queue)
                self.assertEqual(heir.recv_many(4) == sent, True)

    def test_unwritten_messages_return_to_the_head_in_order(self):
        """What a dead consumer had not taken comes first, in order, and
        the rest of the queue after it."""
        victim = self.subscriber(self.sluiced, QUEUE, rcvbuf=4096)
        total = 20000
        sender = self.publisher(self.sluiced).flood(QUEUE, total, KIB)
        self.sluiced.sync(sender)
        victim.reset()
        heir = self.connect(self.sluiced).subscribe(QUEUE)
        first = number_of(heir.recv())
        self.assertGreater(first, 0, "the victim was given something")
        self.assertEqual(heir.recv_numbers(total - first - 1),
                         list(range(first + 1, total)))
        self.sluiced.wait_stats(queued_messages=0)

    def test_survivors_take_over_at_once(self):
        """A stalled consumer dies, a healthy one that waits gets its
        share without a further publish."""
        victim = self.subscriber(self.sluiced, QUEUE, rcvbuf=4096)
        heir = self.subscriber(self.sluiced, QUEUE)
        message = numbered(0, 8 * MIB)
        sender = self.publisher(self.sluiced)
        sender.publish(QUEUE, message)
        self.sluiced.sync(sender)
        victim.sock.recv(100)
        victim.reset()
        self.assertEqual(heir.recv() == message, True)

    def test_chain_of_dying_consumers_loses_nothing_unwritten(self):
        """Ten consumers die one after the other; what each left behind
        still comes in order, with no number twice."""
        total = 30000
        sender = self.publisher(self.sluiced).flood(QUEUE, total, KIB)
        self.sluiced.sync(sender)
        at_least = 0
        for _ in range(10):
            victim = self.connect(self.sluiced, rcvbuf=4096).subscribe(QUEUE)
            first = number_of(victim.recv())
            self.assertGreaterEqual(first, at_least)
            at_least = first + 1
            victim.reset()
        heir = self.connect(self.sluiced).subscribe(QUEUE)
        first = number_of(heir.recv())
        self.assertGreaterEqual(first, at_least)
        self.assertEqual(heir.recv_numbers(total - first - 1),
                         list(range(first + 1, total)))

    def test_orderly_leaver_with_unread_messages(self):
        """The same when the consumer closes instead of dying."""
        victim = self.subscriber(self.sluiced, QUEUE, rcvbuf=4096)
        total = 20000
        sender = self.publisher(self.sluiced).flood(QUEUE, total, KIB)
        self.sluiced.sync(sender)
        victim.half_close()  # FIN alone looks the same as a shutdown
        self.sluiced.wait_stats(connections=2)
        heir = self.connect(self.sluiced).subscribe(QUEUE)
        first = number_of(heir.recv())
        self.assertEqual(heir.recv_numbers(total - first - 1),
                         list(range(first + 1, total)))


if __name__ == "__main__":
    main()
