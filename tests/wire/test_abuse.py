# SPDX-License-Identifier: MIT
"""`--memory 64m` whatever clients do: every mixture of abusers stays below
that and a fixed margin, while a well-behaved topic beside them loses nothing;
the log names the channel held responsible, and afterwards everything returns.

The clients that flood it have no TLS, even if those that are served do.
SLUICE_LONG=1 takes a minute for the full mixture, and chooses the others by
chance; SEED=n repeats those.
"""
import itertools
import os
import random
import time

from crowd import SMALL_BUFFER, Gauge, Pump, for_ever, once
from wire import (KIB, MIB, Background, WireTest, frame, head, main,
                  number_of, numbered_pairs, pair, pairs)

IS_LONG = bool(os.environ.get("SLUICE_LONG"))
CHANCE = random.SystemRandom().randrange(1 << 32) if IS_LONG else 1
SEED = int(os.environ.get("SEED", CHANCE))

LIMIT_KIB, MARGIN_KIB = 64 * KIB, 16 * KIB
LEFT_KIB = 12 * KIB  # the allocator's rest, the pool of spare buffers
# What reads in progress, and the partial messages of clients that have sent
# whole ones before, may take on top of the budget.
READS = 20 * MIB
CHUNK = 128 * KIB
PER_TICK, TICK = 10, 0.01  # the well-behaved: 1,000 messages per second
WELL_BEHAVED = b"/good/topic"
NOBODY = frame(b"")

RULES = [word for rule in ("/abuse/drop-oldest policy=drop-oldest",
                           "/abuse/drop-newest policy=drop-newest",
                           "/abuse/disconnect policy=disconnect",
                           "/abuse/held/* hold=100000")
         for word in ("--channel", rule)]


def flood(channel, size):
    """Without an end, in chunks of a good many messages."""
    return for_ever(NOBODY, pair(channel, b"m" * size) *
                    max(1, CHUNK // (size + len(channel) + 8)))


def each_in_turn(names, messages, is_endless=True):
    """A few messages to each of many channels by one publisher."""
    def chunks():
        yield NOBODY
        one_round = (b"".join(pairs(n, messages) for n in names[at:at + 100])
                     for at in range(0, len(names), 100))
        yield from itertools.cycle(one_round) if is_endless else one_round
    return chunks


ABUSERS = []  # the names of the ways to ask for memory


def abuser(method):
    ABUSERS.append(method.__name__)
    return method


class Good:
    """A well-behaved topic: a steady publisher, and a subscriber that reads.
    A message knows its number; when it was sent is noted here."""

    def __init__(self, test, sluiced, seconds):
        self.total = int(seconds / TICK) * PER_TICK
        self._listener = test.subscriber(sluiced, WELL_BEHAVED)
        self._sender = test.publisher(sluiced)
        self._sent_at = {}
        self._sending = Background(self._send)
        self._receiving = Background(self._receive)

    def _send(self):
        begin = time.monotonic()
        for at in range(0, self.total, PER_TICK):
            self._sent_at[at] = time.monotonic()
            numbers = range(at, at + PER_TICK)
            self._sender.send(numbered_pairs(WELL_BEHAVED, numbers, 100))
            due = begin + (at + PER_TICK) / PER_TICK * TICK
            time.sleep(max(0, due - time.monotonic()))  # its rate

    def _receive(self):
        numbers, times = [], []
        while len(numbers) < self.total:
            numbers.append(number_of(self._listener.recv()))
            if numbers[-1] % PER_TICK == 0:
                sent = self._sent_at[numbers[-1]]
                times.append(time.monotonic() - sent)
        return numbers, sorted(times)

    def join(self):
        """The numbers that arrived; prints how late, which depends on the
        machine and is not judged."""
        numbers, times = self._receiving.join(600)
        self._sending.join(600)
        self._listener.close()
        self._sender.close()
        print(f"p50 {times[len(times) // 2] * 1000:.1f} ms, "
              f"p99 {times[len(times) * 99 // 100] * 1000:.1f} ms, "
              f"max {times[-1] * 1000:.1f} ms")
        return numbers


class AbuseTest(WireTest):
    """Each abuser adds its clients to the pump."""

    def setUp(self):
        self.sluiced = self.broker("--memory", "64m", "--frame-timeout", "3s",
                                   "--drain-timeout", "3s", *RULES)
        self.quiet = []  # connected, and reads nothing
        self.small, self.large = [], []  # what is left in them
        self.addCleanup(self.close_quiet)

    def close_quiet(self):
        while self.quiet:
            self.quiet.pop().close()

    def stall(self, channel, count=1):
        """Subscribers that never read."""
        for _ in range(count):
            client = self.sluiced.connect(rcvbuf=SMALL_BUFFER)
            self.quiet.append(client.subscribe(channel))

    # the abusers

    @abuser
    def stalled_subscribers(self, pump):
        self.stall(b"/abuse/stalled", 50)
        pump.add(flood(b"/abuse/stalled", 1000), 2)

    @abuser
    def queue_without_consumers(self, pump):
        self.large.append(b"/queue/abuse/nobody")
        pump.add(flood(b"/queue/abuse/nobody", 100), 2)

    @abuser
    def messages_of_1_mib(self, pump):
        self.stall(b"/abuse/large", 3)
        pump.add(flood(b"/abuse/large", MIB), 3)

    @abuser
    def half_sent_16_mib(self, pump):
        data = frame(b"/abuse/half") + head(16 * MIB) + b"h" * MIB
        pump.add(once(NOBODY, data), 200, again=True)

    @abuser
    def tiny_queues(self, pump):
        names = [b"/queue/abuse/tiny/%d" % n for n in range(50000)]
        self.small += names
        pump.add(each_in_turn(names, [b"t"], False), again=True)

    @abuser
    def medium_queues(self, pump):
        for who in range(20):
            names = [b"/queue/abuse/%d/%d" % (who, n) for n in range(150)]
            self.small += names
            pump.add(each_in_turn(names, [b"m" * 1000] * 20, False),
                     again=True)

    @abuser
    def many_stalled_topics(self, pump):
        """The kernel takes some hundred KiB for each of them first."""
        names = [b"/abuse/some/%d" % n for n in range(1000)]
        for name in names:
            self.stall(name)
        pump.add(each_in_turn(names, [b"s" * 4000] * 4), 2)
        self.sluiced.wait_stats(pressed=lambda n: n > 0)

    @abuser
    def partial_small_frames(self, pump):
        data = frame(b"/abuse/partial") + head(4000) + b"p" * 3000
        pump.add(once(NOBODY, data), 3000, again=True)

    @abuser
    def partial_frames_of_senders(self, pump):
        """From clients that have sent whole messages before. With the small
        ones above they leave a little of the quarter that partial messages
        may take: where all of it is taken, a client that begins a message
        is closed."""
        data = (pairs(b"/abuse/partial", [b"p" * 100] * 20) +
                frame(b"/abuse/partial") + head(4000) + b"p" * 3900)
        pump.add(once(NOBODY, data), 1000, again=True)

    @abuser
    def partial_large_frames(self, pump):
        data = frame(b"/abuse/partial") + head(MIB) + b"p" * 30000
        pump.add(once(NOBODY, data), 3000, again=True)

    @abuser
    def burst_of_huge_messages(self, pump):
        self.stall(b"/abuse/huge")
        data = pair(b"/abuse/huge", b"h" * (5 * MIB))
        pump.add(for_ever(NOBODY, data), 30)

    @abuser
    def many_publishers(self, pump):
        self.large.append(b"/queue/abuse/many")
        data = pairs(b"/queue/abuse/many", [b"m" * 100] * 120)
        pump.add(once(NOBODY, data), 7000)

    @abuser
    def held_topics(self, pump):
        names = [b"/abuse/held/%d" % n for n in range(40)]
        self.small += names
        for name in names:
            pump.add(flood(name, 500))

    @abuser
    def small_held_topics(self, pump):
        names = [b"/abuse/held/s%d" % n for n in range(3000)]
        self.small += names
        pump.add(each_in_turn(names, [b"h" * 900] * 40), again=True)

    @abuser
    def policies(self, pump):
        for name in (b"drop-oldest", b"drop-newest", b"disconnect"):
            self.stall(b"/abuse/" + name, 10)
            pump.add(flood(b"/abuse/" + name, 2000))

    @abuser
    def large_to_every_policy(self, pump):
        for name in (b"drop-oldest", b"drop-newest", b"disconnect"):
            self.stall(b"/abuse/" + name, 2)
            pump.add(flood(b"/abuse/" + name, 3 * MIB), 2)

    @abuser
    def stalled_consumers(self, pump):
        self.large.append(b"/queue/abuse/stalled")
        self.stall(b"/queue/abuse/stalled", 500)
        pump.add(flood(b"/queue/abuse/stalled", 10), 4)

    @abuser
    def unread_goodbyes(self, pump):
        """Clients that said goodbye are owed what waits for them."""
        first = len(self.quiet)
        for n in range(20):
            self.stall(b"/abuse/bye/%d" % n)
            pump.add(flood(b"/abuse/bye/%d" % n, 5000))
        self.sluiced.wait_stats(memory_bytes=lambda n: n > 20 * MIB)
        for client in self.quiet[first:]:
            client.goodbye()

    # what must hold

    def endure(self, *abusers, seconds):
        """All of them at once, until the well-behaved topic has published
        all its messages."""
        sluiced = self.sluiced
        self.assert_serves(sluiced)
        sluiced.end_sync()
        sluiced.wait_stats(connections=0)
        with Gauge(sluiced) as gauge:
            good = Good(self, sluiced, seconds)
            with Pump(sluiced) as pump:
                for abuse in abusers:
                    abuse(pump)
                numbers = good.join()
            self.assertEqual(numbers, list(range(good.total)))
            self.assert_bounded(gauge)
            self.assert_returns(gauge)

    def assert_bounded(self, gauge):
        stats = self.sluiced.stats()
        print(f"resident {gauge.peak_kb >> 10} MiB at most, counted "
              f"{stats['memory_peak_bytes'] >> 20} MiB at most, pressed "
              f"{stats['pressed']} times")
        self.assertEqual(stats["memory_limit_bytes"], LIMIT_KIB * KIB)
        self.assertLess(stats["memory_peak_bytes"], LIMIT_KIB * KIB + READS)
        self.assertGreater(gauge.samples, 0)
        self.assert_memory(gauge.peak_kb, LIMIT_KIB + MARGIN_KIB)

    def assert_returns(self, gauge):
        """When all have left and the queues are empty nothing is counted
        any more, and the system has it back."""
        sluiced = self.sluiced
        self.close_quiet()
        # What they had sent is read first, or it would be held again.
        sluiced.end_sync()
        sluiced.wait_stats(connections=0)
        self.drain()
        sluiced.end_sync()
        stats = sluiced.wait_stats(connections=0, channels=0,
                                   queued_messages=0, queued_bytes=0)
        self.assertLess(stats["memory_bytes"], 64 * KIB)
        self.assert_falls_below(sluiced, gauge.first_kb + LEFT_KIB)
        self.assert_serves(sluiced)

    def drain(self):
        """A small queue fits into the kernel's buffers: subscribing empties
        it, as with the messages a topic holds, and there are too many for
        handshakes. A large one is read."""
        for at in range(0, len(self.small), 1000):
            workers = [self.sluiced.connect(has_tls=False).subscribe(name)
                       for name in self.small[at:at + 1000]]
            self.sluiced.sync(*workers)
            for worker in workers:
                worker.close()
        workers = [self.connect(self.sluiced).subscribe(name)
                   for name in self.large]
        reading = [Background(worker.recv_until_closed)
                   for worker in workers]
        self.sluiced.wait_stats(queued_messages=0)
        for worker in workers:
            worker.goodbye()
        for one in reading:
            one.join()

    def assert_told(self, event, channel):
        """The log names the channel that was held responsible."""
        lines = self.sluiced.log(rf"event={event} .*channel={channel}")
        self.assertTrue(lines, f"no {event} of {channel}")


class Everything(AbuseTest):
    def test_all_that_was_promised_at_once(self):
        """50 stalled subscribers, a queue without consumers, messages of
        1 MiB and half-sent ones of 16 MiB from 200 connections."""
        self.endure(self.stalled_subscribers, self.queue_without_consumers,
                    self.messages_of_1_mib, self.half_sent_16_mib,
                    seconds=60 if IS_LONG else 12)
        self.assert_told("memory_short", "/queue/abuse/nobody")
        self.assert_told("slow_consumer", "/abuse/stalled")
        self.sluiced.wait_for_log("event=closed .*reason=frame_timeout")


class OneKind(AbuseTest):
    """Each way to ask for memory alone, so that no other one is to blame."""


def one_kind(name):
    """Every abuser alone, as a test of its own."""
    def test(self):
        self.endure(getattr(self, name), seconds=10 if IS_LONG else 1)
    test.__doc__ = getattr(AbuseTest, name).__doc__
    return test


for abuser_name in ABUSERS:
    setattr(OneKind, f"test_{abuser_name}_stay_within_bounds",
            one_kind(abuser_name))


class Mixtures(AbuseTest):
    """Any of them together, by chance."""

    def check(self, seed):
        dice = random.Random(seed)
        chosen = dice.sample(sorted(ABUSERS), dice.randrange(3, 7))
        print(f"SEED={seed}: {', '.join(chosen)}")
        self.endure(*(getattr(self, name) for name in chosen),
                    seconds=15 if IS_LONG else 4)

    def test_one_mixture(self):
        self.check(SEED)

    def test_another_mixture(self):
        self.check(SEED + 1)


if __name__ == "__main__":
    main()
