# SPDX-License-Identifier: MIT
"""Very many interests and very many channels: each message comes once, and what
does not come is told, whatever the memory. By default there are few of them;
these are load tests, each of some minutes, which print what they found:

    CROWD_CHANNELS=100000 CROWD_INTERESTS=10000 \\
        python3 tests/wire/test_v2_crowds.py Interests
    STALLED_CHANNELS=1000000 STALLED_MEMORY=256m \\
        python3 tests/wire/test_v2_crowds.py Stalled
"""
import os
import select
import time

from unit_client import Peer, UnitsTest, option, unit
from wire import DEADLINE, KIB, MIB, Background, main

CHANNELS = int(os.environ.get("CROWD_CHANNELS", "2000"))
INTERESTS = int(os.environ.get("CROWD_INTERESTS", "200"))
STALLED = int(os.environ.get("STALLED_CHANNELS", "20000"))
MEMORY = os.environ.get("STALLED_MEMORY", "4m")
IS_LOAD = {"CROWD_CHANNELS", "STALLED_CHANNELS"} & set(os.environ)
LONG_S = 1800 if IS_LOAD else DEADLINE

EACH = 100           # channels of a group, which are matched by
FORMS = (b"%s/**", b"%s/*/v/w", b"%s/*/*/w", b"%s/*/v/*", b"%s/*/*/*",
         b"%s/*/**", b"%s/*/v/**", b"%s/*/*/**", b"%s/*/*/w/**",
         b"%s/*/v/w/**")
HOLDS = 1000         # subscriptions of a connection, at most
MATCHED = 16000      # channels of a connection at once, at most


def channel(number):
    return b"/c/%d/%d/v/w" % divmod(number, EACH)


class Listener(Peer):
    """Counts what comes for each channel."""

    def __init__(self, client):
        super().__init__(client)
        self.half, self.answers, self.ends = None, 0, []
        self.messages, self.told = {}, {}

    def ask(self, text):
        self.send(unit(text + b" rid=1"))
        return self

    def heard(self):
        return sum(self.messages.values()) + sum(self.told.values())

    def read(self, most=MIB):
        for text in self.pull(most):
            if self.half is None:
                self.half = text
            else:
                self.take(self.half.split(b" "))
                self.half = None

    def take(self, words):
        if words[0] == b"MSG":
            self.messages[words[1]] = self.messages.get(words[1], 0) + 1
        elif words[0] == b"GAP":
            missed = int(words[3]) - int(words[2]) + 1
            self.told[words[1]] = self.told.get(words[1], 0) + missed
        elif words[0] == b"OK":
            self.answers += 1
        elif words[0] != b"INFO":
            self.ends.append(b" ".join(words))


class CrowdTest(UnitsTest):
    def listener(self, sluiced, **kwargs):
        listener = Listener(self.connect(sluiced, **kwargs))
        listener.send(unit(b"\0SLUICE/2 ping=1h"))
        return listener

    def until(self, is_done, *peers):
        """All of them read all they can."""
        end = time.monotonic() + LONG_S
        while not is_done():
            self.assertLess(time.monotonic(), end, "it does not end")
            open_peers = [p for p in peers if not p.has_ended]
            writing = [p.sock for p in open_peers if p.out]
            select.select([p.sock for p in open_peers], writing, [], 1)
            for peer in open_peers:
                peer.push()
                peer.read()

    def publish(self, sluiced, count, size):
        """A message to each channel; returns their receipts."""
        client, receipts = self.open(sluiced, b" ping=1h"), []
        sending = Background(client.send, b"".join(
            unit(b"PUB %s rid=1" % channel(i), b"x" * size)
            for i in range(count)))
        for _ in range(count):
            text = client.hear(LONG_S)[0]
            while not text.startswith(b"OK "): # HOLD and GO
                text = client.hear(LONG_S)[0]
            receipts.append((int(option(text, b"seq")),
                             int(option(text, b"subs")),
                             int(option(text, b"drop"))))
        sending.join(LONG_S)
        return receipts

    def report(self, sluiced, what, since):
        stats = sluiced.stats()
        print(f"{what}: {time.monotonic() - since:.1f} s, processor"
              f" {sluiced.cpu_seconds():.1f} s, memory at most"
              f" {stats['memory_peak_bytes'] >> 10} KiB, resident"
              f" {sluiced.rss_kb()} KiB", flush=True)
        return stats


class Interests(CrowdTest):
    """Every group of channels is of one listener, by patterns that all match
    all of them."""

    def listeners(self, sluiced):
        groups = CHANNELS // EACH
        each = max(1, min(HOLDS // len(FORMS), MATCHED // EACH))
        found = []
        for first in range(0, groups, each):
            listener = self.listener(sluiced)
            found.append(listener)
            for group in range(first, min(groups, first + each)):
                forms = FORMS[:max(1, INTERESTS // groups)]
                for form in forms:
                    listener.ask(b"SUB " + form % (b"/c/%d" % group))
                listener.expected = getattr(listener, "expected", 0)
                listener.expected += len(forms)
        self.until(lambda: all(l.answers == l.expected for l in found), *found)
        return found

    def holders(self, sluiced):
        """All channels exist, because they are read by their own names."""
        found = []
        for first in range(0, CHANNELS, HOLDS):
            holder = self.listener(sluiced)
            found.append(holder)
            holder.expected = min(HOLDS, CHANNELS - first)
            for number in range(first, first + holder.expected):
                holder.ask(b"SUB " + channel(number))
        self.until(lambda: all(h.answers == h.expected for h in found), *found)
        return found

    def check(self, sluiced, listeners, readers_each):
        since = time.monotonic()
        publishing = Background(self.publish, sluiced, CHANNELS,
                                100)
        total = readers_each * CHANNELS
        self.until(lambda: sum(len(l.messages) for l in listeners) >= total,
                   *listeners)
        self.assertEqual({r[1:] for r in publishing.join(LONG_S)},
                         {(readers_each, 0)})
        for listener in listeners:
            self.assertEqual(listener.ends, [])
            self.assertEqual(listener.told, {})
            self.assertEqual(set(listener.messages.values()), {1})
        self.report(sluiced, f"{CHANNELS} messages", since)

    def test_channels_that_come_after_the_interests(self):
        sluiced, since = self.broker(), time.monotonic()
        listeners = self.listeners(sluiced)
        self.report(sluiced, f"{sum(l.expected for l in listeners)} interests",
                    since)
        self.check(sluiced, listeners, 1)

    def test_interests_that_come_after_the_channels(self):
        sluiced, since = self.broker(), time.monotonic()
        holders = self.holders(sluiced)
        self.report(sluiced, f"{CHANNELS} channels", since)
        since = time.monotonic()
        listeners = self.listeners(sluiced)
        self.report(sluiced, f"{sum(l.expected for l in listeners)} interests",
                    since)
        self.check(sluiced, listeners + holders, 2)


class Stalled(CrowdTest):
    """A message to each of very many channels, all of them read by wildcards
    of connections that do not read."""

    def stalled(self, sluiced):
        groups, found = STALLED // EACH, []
        each = min(MATCHED // EACH, max(1, groups // 2))
        for first in range(0, groups, each):
            listener = self.listener(sluiced, rcvbuf=4 * KIB)
            found.append(listener)
            listener.first = first
            listener.expected = min(each, groups - first)
            for group in range(first, first + listener.expected):
                listener.ask(b"SUB /c/%d/**" % group)
        self.until(lambda: all(l.answers == l.expected for l in found), *found)
        return found

    def given(self, listener, receipts):
        """How many messages it has to get, or to be told of."""
        first = listener.first * EACH
        last = first + listener.expected * EACH
        return sum(subs + drop for _, subs, drop in receipts[first:last])

    def test_nothing_is_lost_untold_whatever_the_memory(self):
        """A reader of very many channels that does not read while memory is
        exhausted is told that it gets no more."""
        sluiced = self.broker("--memory", MEMORY, "--patience", "50ms")
        listeners, since = self.stalled(sluiced), time.monotonic()
        receipts = self.publish(sluiced, STALLED, KIB)
        stats = self.report(sluiced, f"{STALLED} messages", since)
        self.assertLess(stats["memory_peak_bytes"],
                        2 * stats["memory_limit_bytes"])

        def is_done(listener):
            return listener.has_ended or listener.heard() >= self.given(
                listener, receipts)
        self.until(lambda: all(map(is_done, listeners)), *listeners)
        overrun = [l for l in listeners if l.has_ended]
        for listener in overrun:  # in vain, if it does not read for long
            self.assertIn(listener.ends, ([], [b"ERR overrun", b"BYE"]))
        sluiced.wait_stats(closed_slow=len(overrun))
        for listener in listeners:
            if not listener.has_ended:
                self.assertEqual(listener.heard(),
                                 self.given(listener, receipts))
        print(f"{sum(l.heard() for l in listeners)} received or told,"
              f" {len(overrun)} of {len(listeners)}"
              f" readers were overrun", flush=True)


if __name__ == "__main__":
    main()
