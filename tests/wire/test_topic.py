# SPDX-License-Identifier: MIT
"""Topics: every subscriber present gets everything, and one that does not
read costs the others next to nothing (policy `wait`)."""
from wire import (KIB, Background, WireTest, main, number_of, numbered,
                  pair)

TOPIC = b"/topic/stream"


class FanOut(WireTest):
    def test_fifty_subscribers_get_everything(self):
        """Each of them, all of it, in order."""
        sluiced = self.broker()
        listeners = [self.connect(sluiced).subscribe(TOPIC)
                     for _ in range(50)]
        sluiced.sync(*listeners)
        sender = self.publisher(sluiced).flood(TOPIC, 1000, 500)
        for listener in listeners:
            self.assertEqual(listener.recv_numbers(1000), list(range(1000)))
        sluiced.sync(sender)

    def test_nobody_there_is_counted(self):
        """A message without a subscriber is dropped, and counted."""
        sluiced = self.broker()
        sender = self.publisher(sluiced).publish(TOPIC, *[b"m"] * 20)
        sender.goodbye().wait_closed()
        stats = sluiced.stats()
        self.assertEqual(stats["dropped_no_subscriber"], 20)
        self.assertEqual(stats["messages_in"], 20)
        self.assertEqual(stats["queued_messages"], 0)

    def test_latecomer_gets_what_comes_after_it(self):
        """Presence counts at the moment of routing."""
        sluiced = self.broker()
        early = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced).publish(TOPIC, b"1")
        sluiced.sync(sender)
        late = self.subscriber(sluiced, TOPIC)
        sender.publish(TOPIC, b"2")
        self.assertEqual(early.recv_many(2), [b"1", b"2"])
        self.assertEqual(late.recv(), b"2")

    def test_counters_add_up(self):
        """In and out, messages and bytes."""
        sluiced = self.broker()
        listeners = [self.subscriber(sluiced, TOPIC) for _ in range(3)]
        sluiced.end_sync()
        before = sluiced.wait_stats(connections=3)
        sender = self.publisher(sluiced).publish(TOPIC, *[b"12345678"] * 100)
        sender.goodbye().wait_closed()
        for listener in listeners:
            listener.recv_many(100)
        after = sluiced.wait_stats(connections=3)
        gain = {key: after[key] - before[key] for key in after}
        self.assertEqual(gain["messages_in"], 100)
        self.assertEqual(gain["messages_out"], 300)
        self.assertEqual(gain["accepted"], 1)
        self.assertGreaterEqual(gain["bytes_in"], 100 * 8)
        self.assertGreaterEqual(gain["bytes_out"], 300 * 8)
        self.assertEqual(after["channels"], 1)
        self.assertEqual(after["dropped_slow"], 0)


class Stalled(WireTest):
    def read_past(self, listener, start, count):
        """All numbers until `count` from `start` on are among them."""
        numbers, late = [], 0
        while late < count:
            numbers.append(number_of(listener.recv()))
            late += numbers[-1] >= start
        return numbers

    def test_flood_loses_only_for_the_stalled(self):
        """A publisher floods, one subscriber sleeps: the healthy one
        loses nothing, the sleeper is dropped from, counted and named."""
        sluiced = self.broker("--client-limit", "256k", "--patience", "2s")
        stalled = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        healthy = self.subscriber(sluiced, TOPIC)
        total = 40000
        sender = self.publisher(sluiced)
        sending = Background(sender.flood, TOPIC, total, KIB)
        self.assertEqual(healthy.recv_numbers(total), list(range(total)))
        sending.join()
        line = sluiced.wait_for_log("event=slow_consumer")
        port = stalled.sock.getsockname()[1]
        self.assertEqual(line.fields["peer"], f"127.0.0.1:{port}")
        self.assertEqual(line.fields["action"], "drop")
        self.assertEqual(line.fields["channel"], "/topic/stream")
        self.assertEqual(len(sluiced.log("event=slow_consumer")), 1)
        stats = sluiced.stats()
        self.assertGreater(stats["dropped_slow"], total // 2)
        self.assertLess(stats["dropped_slow"], total)
        self.assertEqual(stats["queued_messages"], 0)

    def test_many_floods_past_a_stalled_reader(self):
        """Three publishers at once, two healthy subscribers: they lose
        nothing, and every publisher finishes."""
        sluiced = self.broker("--client-limit", "256k", "--patience", "2s")
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        healthy = [self.subscriber(sluiced, TOPIC) for _ in "ab"]
        senders = [self.publisher(sluiced) for _ in range(3)]
        sending = [Background(s.flood, TOPIC, 8000, KIB) for s in senders]
        reading = [Background(h.recv_numbers, 24000) for h in healthy]
        for numbers in [thread.join() for thread in reading]:
            self.assertEqual(sorted(numbers),
                             sorted(list(range(8000)) * 3))
        for thread in sending:
            thread.join()
        self.assertGreater(sluiced.stats()["dropped_slow"], 0)

    def test_moderate_stream_past_a_stalled_reader_is_never_paused(self):
        """Its outbox is old long before it is full: nobody waits."""
        sluiced = self.broker("--client-limit", "256k", "--patience", "1ms")
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        healthy = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced)
        for number in range(10000):
            sender.publish(TOPIC, numbered(number, KIB))
            self.assertEqual(number_of(healthy.recv()), number)
        stats = sluiced.stats()
        self.assertGreater(stats["dropped_slow"], 0)
        self.assertEqual(stats["pauses"], 0)

    def test_stalled_one_catches_up_and_is_served_again(self):
        """When its backlog has halved it gets new messages; whole frames
        only, in order, with one gap where it slept."""
        sluiced = self.broker("--client-limit", "256k", "--patience",
                              "100ms")
        sleeper = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced).flood(TOPIC, 20000, KIB)
        sluiced.sync(sender)
        self.assertGreater(sluiced.stats()["dropped_slow"], 0)
        reading = Background(self.read_past, sleeper, 20000, 100)
        number = 20000
        while reading.is_alive():
            sender.publish(TOPIC, numbered(number))
            sluiced.sync(sender)
            number += 1
        numbers = reading.join()
        gaps = [b for a, b in zip(numbers, numbers[1:]) if b != a + 1]
        self.assertEqual(len(gaps), 1, f"one gap, not {gaps[:10]}")
        kept = numbers.index(gaps[0])
        self.assertEqual(numbers[:kept], list(range(kept)))

    def test_dropping_never_cuts_a_frame(self):
        """Frames of all sizes to one that reads by fits and starts: each
        that arrives is one that was sent."""
        sluiced = self.broker("--client-limit", "64k", "--patience", "1ms")
        sleeper = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced)
        sizes = [8 + (n * 7919) % 30000 for n in range(4000)]
        last = len(sizes)
        reading = None
        for number, size in enumerate(sizes):
            sender.publish(TOPIC, numbered(number, size))
            if number == last // 2:
                sluiced.sync(sender)
                reading = Background(self.read_intact, sleeper, sizes)
        while reading.is_alive():
            sender.publish(TOPIC, b"the last word")
            sluiced.sync(sender)
        seen = reading.join()
        self.assertGreater(len(seen), 10)
        self.assertLess(len(seen), last)

    def read_intact(self, listener, sizes):
        seen = [-1]
        while (message := listener.recv()) != b"the last word":
            number = number_of(message)
            self.assertEqual(message, numbered(number, sizes[number]))
            self.assertGreater(number, seen[-1])
            seen.append(number)
        return seen[1:]

    def test_stalled_one_that_leaves_frees_the_publisher(self):
        """Its publisher goes on at once when it resets: patience is an
        hour here, and the test is over long before."""
        sluiced = self.broker("--client-limit", "64k", "--patience", "60m",
                              "--log-level", "debug")
        stalled = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        healthy = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced)
        sending = Background(sender.flood, TOPIC, 20000, KIB)
        reading = Background(healthy.recv_numbers, 20000)
        sluiced.wait_for_log("event=publisher_paused")
        stalled.reset()
        self.assertEqual(reading.join(), list(range(20000)))
        sending.join()

    def test_stalled_only_subscriber_ends_after_patience(self):
        """The publisher waits at most one patience, then never again."""
        sluiced = self.broker("--client-limit", "64k", "--patience",
                              "300ms")
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced).flood(TOPIC, 30000, KIB)
        sluiced.sync(sender)
        self.assertGreater(sluiced.stats()["dropped_slow"], 0)

    def test_stalled_newcomer_is_not_waited_for_as_long_as_patience(self):
        """One that reads nothing from the start has not earned the hour
        that patience is here: the publisher soon goes on."""
        sluiced = self.broker("--client-limit", "16m", "--patience", "60m")
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced).flood(TOPIC, 30000, KIB)
        sluiced.sync(sender)
        self.assertEqual(sluiced.stats()["slow_subscribers"], 1)


class Healthy(WireTest):
    def test_healthy_subscribers_never_lose(self):
        """However fast three publishers flood, and however small the
        outbox: a subscriber that reads gets everything, in each
        publisher's order."""
        sluiced = self.broker("--client-limit", "256k", "--patience", "30s")
        listeners = [self.subscriber(sluiced, TOPIC) for _ in range(2)]
        each, base = 15000, 1 << 32
        senders = [self.publisher(sluiced) for _ in range(3)]
        sending = [Background(s.flood, TOPIC, each, KIB, base * i)
                   for i, s in enumerate(senders)]
        reading = [Background(client.recv_numbers, 3 * each)
                   for client in listeners]
        for numbers in [thread.join(120) for thread in reading]:
            for i in range(3):
                self.assertEqual([n % base for n in numbers
                                  if n // base == i], list(range(each)))
        for thread in sending:
            thread.join()
        self.assertEqual(sluiced.stats()["dropped_slow"], 0)

    def test_slow_but_steady_reader_sets_the_pace(self):
        """One reads in small sips: the flow settles at its pace, and it
        loses nothing either."""
        sluiced = self.broker("--client-limit", "128k", "--patience", "30s")
        sipper = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced)
        sending = Background(sender.flood, TOPIC, 10000, KIB)
        self.assertEqual(sipper.recv_numbers(10000), list(range(10000)))
        sending.join()
        self.assertEqual(sluiced.stats()["dropped_slow"], 0)

    def test_paused_for_one_topic_is_resumed(self):
        """Pauses that end leave nothing behind: the same publisher works
        on, and the counters balance."""
        sluiced = self.broker("--client-limit", "64k", "--patience", "30s",
                              "--log-level", "debug")
        listener = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced)
        sending = Background(sender.flood, TOPIC, 20000, KIB)
        sluiced.wait_for_log("event=publisher_paused")
        self.assertEqual(listener.recv_numbers(20000), list(range(20000)))
        sending.join()
        sender.send(pair(TOPIC, b"after"))
        self.assertEqual(listener.recv(), b"after")


if __name__ == "__main__":
    main()
