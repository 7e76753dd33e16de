# SPDX-License-Identifier: MIT
"""`--memory` and well-behaved clients: large messages wait for room and then
arrive, a queue keeps what it has accepted, small channels do not notice, and
the broker counts the memory that it really holds."""
import itertools
import time

from crowd import SMALL_BUFFER, Pump, for_ever, once
from wire import (KIB, MIB, TLS_KIB, Background, WireTest, frame, head, main,
                  numbered, numbered_pairs, pair, without_tls)

LIMIT = 64 * MIB
TOPIC, QUEUE = b"/topic/large", b"/queue/large"
NOBODY, OPENING = frame(b""), b"\0SLUICE/2"
IDLE_GRANT_S = 0.2  # and a silent client has lost what it was granted
FLOOR = KIB  # counted when nobody is there: an empty table


class MemoryTest(WireTest):
    def limited(self, *args, memory="64m"):
        return self.broker("--memory", memory, *args)

    def earn_patience(self, sluiced, listener):
        """However long it is kept from reading, publishers wait for it."""
        sender = self.publisher(sluiced)
        for number in range(3):
            sender.publish(TOPIC, numbered(number, 4 * MIB))
            self.assertEqual(listener.recv(), numbered(number, 4 * MIB))

    def begin_many(self, pump, count, size=16 * MIB):
        """Connections that send the beginning of a large message."""
        data = frame(b"/topic/half") + head(size) + b"h" * (256 * KIB)
        pump.add(once(NOBODY, data), count)


class LargeMessages(MemoryTest):
    def test_they_wait_and_arrive_whole_and_in_order(self):
        """Forty publishers of 4 MiB messages under 16 MiB, more than is
        granted at once: none is lost, each keeps its order."""
        sluiced = self.limited("--patience", "60s", memory="16m")
        listener = self.subscriber(sluiced, TOPIC)
        self.earn_patience(sluiced, listener)
        senders = [self.publisher(sluiced) for _ in range(40)]
        sending = [Background(sender.flood, TOPIC, 3, 4 * MIB, who * 10)
                   for who, sender in enumerate(senders)]
        got = {}
        for _ in range(3 * len(senders)):
            message = listener.recv()
            who, number = divmod(int.from_bytes(message[:8], "big"), 10)
            self.assertEqual(message, numbered(who * 10 + number, 4 * MIB))
            self.assertEqual(number, got.get(who, -1) + 1)
            got[who] = number
        for one in sending:
            one.join()
        stats = sluiced.stats()
        self.assertGreater(stats["memory_waits"], 0)
        self.assertEqual(stats["closed_no_memory"], 0)
        self.assertLess(stats["memory_peak_bytes"], 16 * MIB + 2 * MIB)

    def test_what_a_waiting_one_sent_before_and_after(self):
        """Small messages around the large one keep their places."""
        sluiced = self.limited(memory="8m")
        listener = self.subscriber(sluiced, TOPIC)
        with Pump(sluiced) as pump:
            self.begin_many(pump, 20, 3 * MIB)
            sluiced.wait_stats(memory_waits=lambda n: n > 10)
            sender = self.publisher(sluiced)
            sending = Background(
                sender.send, numbered_pairs(TOPIC, range(3)) +
                pair(TOPIC, numbered(3, 3 * MIB)) +
                numbered_pairs(TOPIC, range(4, 8)))
            self.assertEqual(listener.recv_numbers(3), [0, 1, 2])
        self.assertEqual(listener.recv(), numbered(3, 3 * MIB))
        self.assertEqual(listener.recv_numbers(4), [4, 5, 6, 7])
        sending.join()

    def test_what_is_discarded_has_none_to_give_back(self):
        """A refused message that stops half-way, while others wait."""
        sluiced = self.limited(memory="8m")
        refused = self.connect(sluiced).send(
            frame(OPENING) + frame(b"")
            + frame(b"PUB /sys/x rid=1") + head(3 * MIB) + b"h" * KIB)
        self.assertTrue(refused.recv_many(4)[2].startswith(b"ERR denied"))
        with Pump(sluiced) as pump:
            self.begin_many(pump, 20, 3 * MIB)
            sluiced.wait_stats(memory_waits=lambda n: n > 10)
            time.sleep(IDLE_GRANT_S)
            refused.send(b"h" * (3 * MIB - KIB) + frame(b"PING x") + frame(b""))
            self.assertEqual(refused.recv_many(2)[0], b"PONG x")

    def test_16_mib_pass_two_hundred_half_sent_ones(self):
        """At the latest when those have timed out."""
        sluiced = self.limited("--frame-timeout", "500ms")
        listener = self.subscriber(sluiced, TOPIC)
        with Pump(sluiced) as pump:
            self.begin_many(pump, 200)
            sluiced.wait_stats(memory_waits=lambda n: n > 150)
            sender = self.publisher(sluiced)
            sending = Background(sender.publish, TOPIC,
                                 numbered(5, 16 * MIB))
            self.assertEqual(listener.recv(120), numbered(5, 16 * MIB))
            sending.join()
        sluiced.wait_for_log("event=closed .*reason=frame_timeout")

    def test_small_messages_pass_two_hundred_half_sent_ones(self):
        """Clients with modest needs do not wait."""
        sluiced = self.limited()
        listener = self.subscriber(sluiced, TOPIC)
        with Pump(sluiced) as pump:
            self.begin_many(pump, 200)
            sluiced.wait_stats(memory_waits=lambda n: n > 150)
            sender = self.publisher(sluiced).flood(TOPIC, 2000, 1000)
            self.assertEqual(listener.recv_numbers(2000), list(range(2000)))
            sluiced.sync(sender)
            self.assertEqual(sluiced.stats()["closed_timeout"], 0)

    def test_those_that_leave_make_room(self):
        """A wait ends when the holders of the memory leave, in any way."""
        sluiced = self.limited("--frame-timeout", "60s")
        listener = self.subscriber(sluiced, TOPIC)
        with Pump(sluiced) as pump:
            self.begin_many(pump, 20)
            sluiced.wait_stats(memory_waits=lambda n: n >= 18)
            sender = self.publisher(sluiced)
            sending = Background(sender.publish, TOPIC,
                                 numbered(6, 16 * MIB))
            sluiced.wait_stats(memory_waits=lambda n: n >= 19)
        self.assertEqual(listener.recv(), numbered(6, 16 * MIB))
        sending.join()

    def test_waiting_one_that_resets_is_forgotten(self):
        """Its descriptor, and the memory granted to it or waited for."""
        sluiced = self.limited("--frame-timeout", "60s")
        sluiced.sync()
        before = sluiced.stats()["memory_bytes"]
        fds = sluiced.fd_count()
        for _ in range(5):
            with Pump(sluiced) as pump:
                self.begin_many(pump, 50)
                sluiced.wait_stats(connections=51)
            sluiced.wait_stats(connections=1, memory_bytes=before)
            self.assertEqual(sluiced.fd_count(), fds)
        self.assert_serves(sluiced)


class NewQueues(MemoryTest):
    def test_a_publisher_that_always_names_a_new_one_waits(self):
        """Also when each read, of 512 bytes when memory is exhausted, ends
        within a message, so that the queue it names is gone again when the
        turn ends."""
        def chunks():
            rest = NOBODY
            for number in itertools.count():
                name = frame(b"/queue/new/%09d" % number)
                data = name + frame(b"x" * (512 - len(name) - 4))
                yield rest + data[:300]
                rest = data[300:]

        sluiced = self.limited(memory="8m")
        with Pump(sluiced) as pump:
            pump.add(chunks)
            sluiced.wait_stats(paused_publishers=1)
            stats = sluiced.stats()
        self.assertGreater(stats["memory_peak_bytes"], 7 * MIB)
        self.assertLess(stats["memory_peak_bytes"], 8 * MIB + 512 * KIB)


class FullQueue(MemoryTest):
    """A queue without consumers that has taken all the memory it may."""

    def fill(self, sluiced, pump, size=KIB):
        pump.add(for_ever(NOBODY, pair(QUEUE, b"q" * size) * 64))
        return sluiced.wait_for_log(r"event=memory_short .*/queue/large")

    def test_it_is_told_and_others_go_on(self):
        """The log names it; a topic and a small queue have room."""
        sluiced = self.limited("--queue-limit", "1g")
        listener = self.subscriber(sluiced, TOPIC)
        with Pump(sluiced) as pump:
            line = self.fill(sluiced, pump)
            self.assertEqual(line.level, "warning")
            self.assertGreater(int(line.fields["held"]), LIMIT // 2)
            self.assertEqual(int(line.fields["limit"]), LIMIT)
            sender = self.publisher(sluiced).flood(TOPIC, 20000, 100)
            self.assertEqual(listener.recv_numbers(20000),
                             list(range(20000)))
            self.assert_serves(sluiced, b"/queue/small")
            sluiced.sync(sender)
            stats = sluiced.stats()
        self.assertEqual(stats["pressed"], 1)
        self.assertEqual(stats["dropped_memory"], 0)
        self.assertLess(stats["memory_peak_bytes"], LIMIT + MIB)

    def test_what_it_accepted_it_keeps(self):
        """All that was read comes, once and in order, when a consumer
        does; then its publisher goes on."""
        sluiced = self.limited("--queue-limit", "1g", memory="16m")
        total = 40000
        sending = Background(self.publisher(sluiced).flood, QUEUE, total,
                             KIB)
        sluiced.wait_for_log(r"event=memory_short .*/queue/large")
        self.assertTrue(sending.is_alive(), "it must wait")
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(total), list(range(total)))
        sending.join()
        self.assertEqual(sluiced.stats()["paused_publishers"], 0)

    def test_large_messages_to_it_arrive_when_it_is_read(self):
        """Those that wait for memory as well: no grant, no deadlock."""
        sluiced = self.limited("--queue-limit", "1g", memory="16m")
        senders = [self.publisher(sluiced) for _ in range(8)]
        sending = [Background(sender.flood, QUEUE, 4, 2 * MIB, who * 10)
                   for who, sender in enumerate(senders)]
        sluiced.wait_for_log(r"event=memory_short .*/queue/large")
        worker = self.connect(sluiced).subscribe(QUEUE)
        numbers = worker.recv_numbers(4 * len(senders))
        for who in range(len(senders)):
            self.assertEqual([n % 10 for n in numbers if n // 10 == who],
                             list(range(4)))
        for one in sending:
            one.join()

    def test_16_mib_to_a_topic_while_it_is_full(self):
        """A full queue does not keep half of the budget forever: the
        message passes once the queue is read."""
        sluiced = self.limited("--queue-limit", "1g")
        listener = self.subscriber(sluiced, TOPIC)
        with Pump(sluiced) as pump:
            self.fill(sluiced, pump)
            sending = Background(self.publisher(sluiced).publish, TOPIC,
                                 numbered(8, 16 * MIB))
            sluiced.wait_stats(memory_waits=lambda n: n > 0)
        worker = self.connect(sluiced).subscribe(QUEUE)
        reading = Background(worker.recv_until_closed)
        self.assertEqual(listener.recv(), numbered(8, 16 * MIB))
        sending.join()
        sluiced.wait_stats(queued_messages=0)
        worker.goodbye()
        reading.join()


class Shedding(MemoryTest):
    def test_slow_backlogs_are_shed_and_counted(self):
        """Twenty topics whose stalled subscribers may hold 8 MiB each do
        not come to 160: the largest give back, by name."""
        sluiced = self.limited("--patience", "50ms", memory="32m")
        names = [b"/topic/stalled/%d" % n for n in range(20)]
        stalled = [self.subscriber(sluiced, name, rcvbuf=SMALL_BUFFER)
                   for name in names]
        with Pump(sluiced) as pump:
            for name in names:
                pump.add(for_ever(NOBODY, pair(name, b"m" * 1000) * 100))
            line = sluiced.wait_for_log("event=memory_short")
            self.assertIn(line.fields["channel"].encode(), names)
            sluiced.wait_stats(dropped_memory=lambda n: n > 1000)
            self.assert_serves(sluiced)
        stats = sluiced.stats()
        self.assertLess(stats["memory_peak_bytes"], 36 * MIB)
        self.assertEqual(stats["closed_slow"], 0)
        for client in stalled:
            client.close()
        sluiced.end_sync()
        sluiced.wait_stats(connections=0, memory_bytes=lambda n: n <= FLOOR)

    def test_shed_subscriber_gets_whole_frames_and_goes_on(self):
        """What was on its way comes whole, and later messages after it."""
        sluiced = self.limited("--client-limit", "1g", "--patience", "50ms",
                               memory="16m")
        slow = self.subscriber(sluiced, TOPIC, rcvbuf=SMALL_BUFFER)
        sender = self.publisher(sluiced)
        numbers = range(30000)
        sender.send(numbered_pairs(TOPIC, numbers, KIB))
        sluiced.sync(sender)
        self.assertGreater(sluiced.stats()["dropped_memory"], 0)
        got, last = [], 1 << 40
        reading = Background(self.read_past, slow, last)
        sluiced.wait_for_log("event=slow_consumer_recovered")
        sender.send(numbered_pairs(TOPIC, [last], KIB))
        got = reading.join()
        self.assertEqual(got, sorted(set(got)))
        self.assertLess(len(got), len(numbers))

    def read_past(self, listener, last):
        numbers = []
        while not numbers or numbers[-1] != last:
            message = listener.recv()
            numbers.append(int.from_bytes(message[:8], "big"))
            self.assertEqual(message, numbered(numbers[-1], KIB))
        return numbers

    def test_policy_disconnect_disconnects(self):
        """Memory that is short ends it earlier than its own bound."""
        sluiced = self.limited(
            "--channel", "/topic/** policy=disconnect client-limit=1g",
            memory="16m")
        slow = self.subscriber(sluiced, TOPIC, rcvbuf=SMALL_BUFFER)
        with Pump(sluiced) as pump:
            pump.add(for_ever(NOBODY, pair(TOPIC, b"m" * 1000) * 100))
            sluiced.wait_for_log("event=closed .*reason=slow_consumer")
        slow.wait_closed()
        self.assertEqual(sluiced.stats()["closed_slow"], 1)


@without_tls("a connection takes 14 KiB of --memory, whatever it sends")
class HalfSent(MemoryTest):
    """Messages that were begun, more than may be kept. `--memory 4m`: those
    that have sent nothing whole may take 512 KiB."""

    def begin(self, sluiced, count, first=b""):
        """Clients that send most of a small message, and no more."""
        data = NOBODY + first + pair(b"/topic/half", b"h" * 4000)[:-80]
        return [self.connect(sluiced).send(data) for _ in range(count)]

    def assert_they_go_on(self, sluiced, senders):
        """Each message comes in two parts, the second when the first has
        been dealt with."""
        listener = self.subscriber(sluiced, TOPIC)
        for number in range(10):
            for who, sender in enumerate(senders):
                data = pair(TOPIC, numbered(number * 100 + who, 3000))
                sender.send(data[:1500])
                sluiced.sync()
                sender.send(data[1500:])
                self.assertEqual(listener.recv(),
                                 numbered(number * 100 + who, 3000))

    def check(self, first=b""):
        sluiced = self.limited("--frame-timeout", "60s", memory="4m")
        senders = [self.publisher(sluiced) for _ in range(5)]
        sluiced.sync(*senders)
        others = self.begin(sluiced, 400, first)
        sluiced.wait_stats(beginnings_left=lambda n: n > 100)
        newcomers = [self.publisher(sluiced) for _ in range(5)]
        self.assert_they_go_on(sluiced, senders + newcomers)
        stats = sluiced.stats()
        self.assertEqual(stats["closed"], 0)
        self.assertLess(stats["memory_peak_bytes"], 4 * MIB)
        return sluiced, others

    def test_they_close_nobody_and_are_not_closed(self):
        """400 clients with half a message: neither publishers that were
        there nor those that come later notice, and when the rest is sent
        after all, nothing is lost."""
        sluiced, others = self.check()
        listener = self.subscriber(sluiced, b"/topic/half")
        for client in others:
            client.send(b"r" * 80)
        for _ in others:
            self.assertEqual(listener.recv(), b"h" * 3920 + b"r" * 80)
        sluiced.end_sync()

    def test_one_whole_message_first_is_no_merit(self):
        """What counts is whether as much was sent in whole messages."""
        self.check(pair(b"/null", b"x"))

    def test_they_do_not_exceed_a_memory_that_is_full(self):
        """A full queue, and 1,000 publishers that have sent whole messages
        and then begin one."""
        sluiced = self.limited("--queue-limit", "1g", "--frame-timeout",
                               "60s", memory="4m")
        first = b"".join([pair(b"/null", b"x" * 4000)] * 2)
        others = [self.connect(sluiced).send(NOBODY + first)
                  for _ in range(1000)]
        with Pump(sluiced) as pump:
            pump.add(for_ever(NOBODY, pair(b"/queue/full", b"x" * KIB) * 64))
            sluiced.wait_for_log("event=memory_short .*/queue/full")
            sluiced.wait_stats(paused_publishers=1)
            for client in others:
                client.send(pair(b"/topic/half", b"h" * 4000)[:-80])
            sluiced.sync(self.publisher(sluiced))
            stats = sluiced.wait_stats(beginnings_left=lambda n: n > 100)
        self.assertEqual(stats["closed"], 0)
        self.assertLessEqual(stats["memory_peak_bytes"], 4 * MIB)


class Counted(MemoryTest):
    @without_tls("each has what was sealed for it")
    def test_a_message_for_a_hundred_is_counted_once(self):
        """They share it."""
        sluiced = self.limited()
        for _ in range(100):
            self.subscriber(sluiced, TOPIC, rcvbuf=SMALL_BUFFER)
        before = sluiced.stats()["memory_bytes"]
        sender = self.publisher(sluiced).publish(TOPIC, b"m" * (8 * MIB))
        sluiced.sync(sender)
        held = sluiced.stats()["memory_bytes"] - before
        self.assertGreaterEqual(held, 8 * MIB)
        self.assertLess(held, 9 * MIB)

    def test_small_messages_are_counted_as_what_they_pin(self):
        """One byte in each of 5,000 queues: not five thousand bytes, and
        not five thousand blocks either."""
        sluiced = self.limited()
        sender = self.publisher(sluiced)
        for at in range(0, 5000, 100):
            sender.send(b"".join(pair(b"/queue/one/%d" % n, b"x")
                                 for n in range(at, at + 100)))
            sluiced.sync(sender)
        stats = sluiced.stats()
        self.assertEqual(stats["queued_messages"], 5000)
        self.assertGreater(stats["memory_bytes"], 5000 * 300)
        self.assertLess(stats["memory_bytes"], 5000 * KIB)
        self.assert_memory(sluiced.rss_kb(), 16 * KIB + TLS_KIB)

    def test_nothing_is_counted_when_nobody_is_there(self):
        """After clients of every kind."""
        sluiced = self.limited("--channel", "/topic/held hold=3")
        clients = [self.subscriber(sluiced, b"/topic/%d" % n)
                   for n in range(150)]
        for one, two, three in zip(*[iter(clients)] * 3):
            one.send(pair(b"/queue/q", b"x" * 5000) + head(3) + b"/")
            two.publish(b"/topic/held", b"h" * 9000)
            three.send(frame(TOPIC) + head(MIB) + b"x")
        for name, count in ((b"/queue/q", 50), (b"/topic/held", 3)):
            client = self.subscriber(sluiced, name)
            client.recv_many(count)
            clients.append(client)
        for client in clients:
            client.close()
        sluiced.end_sync()
        sluiced.wait_stats(connections=0, channels=0,
                           memory_bytes=lambda n: n <= FLOOR)


if __name__ == "__main__":
    main()
