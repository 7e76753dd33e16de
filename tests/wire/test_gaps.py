# SPDX-License-Identifier: MIT
"""The equation of gaps under load: what a reader of version 2 gets and what it
is told that it misses is everything that was published, in order, once.

Readers with overlapping patterns stall and read as it happens; publishers of
both versions write to topics of every policy; a seed decides. With a number of
messages in $GAP_MESSAGES (ten million take some minutes) it is a load test:

    GAP_MESSAGES=10000000 python3 tests/wire/test_gaps.py Load
"""
import collections
import os
import random
import select
import time

from unit_client import Peer, option, unit
from wire import DEADLINE, KIB, MIB, Background, WireTest, frame, main

MESSAGES = int(os.environ.get("GAP_MESSAGES", "40000"))
SEEDS = 1 if "GAP_MESSAGES" in os.environ else 2
BATCH = 60
SIZES = (20, 60, 200, 900, 5000)
RULES = ("/wait/** policy=wait patience=5ms", "/new/** policy=drop-newest",
         "/old/** policy=drop-oldest")
TOPICS = tuple(b"/%s/%s" % (kind, end)
               for kind in (b"wait", b"new", b"old") for end in (b"a", b"b"))
PATTERNS = (b"/**", b"/*/a", b"/old/*", b"/new/*", b"/wait/*") + TOPICS
READERS, WRITERS = 5, 4
APPETITES = (0, 0, 0, 2 * KIB, 20 * KIB, MIB)  # octets in each step


def matches(pattern, topic):
    wanted, have = pattern.split(b"/"), topic.split(b"/")
    if wanted[-1] == b"**":
        wanted, have = wanted[:-1], have[:len(wanted) - 1]
    return len(wanted) == len(have) and all(
        a in (b"*", b) for a, b in zip(wanted, have))


class OldReader(Peer):
    """A reader of version 1, which is told nothing: order is all it has."""

    def __init__(self, test, client, topic):
        super().__init__(client)
        self.test, self.got = test, collections.Counter()
        self.last = {}
        self.send(frame(topic))

    def read(self, most):
        for body in self.pull(most):
            who, number = body.split(b" ", 2)[:2]
            self.test.assertGreater(int(number), self.last.get(who, -1))
            self.last[who] = int(number)
            self.got[who] += 1


class Reader(Peer):
    """A reader of version 2, with a model of its subscriptions."""

    def __init__(self, test, client):
        super().__init__(client)
        self.test = test
        self.half = None     # a head whose body has not come
        self.patterns = {}   # to the state they are in: "new", "on", "off"
        self.begun = {}      # exact patterns: [seq of OK, numbers since]
        self.last = {}       # topic to number
        self.order = {}      # (topic, publisher) to its last message
        self.told = collections.Counter()
        self.got = 0
        self.ends = []       # topics that are not read any more, and where
        self.rids = 0
        self.asked = {}      # rid to (verb, pattern)
        self.send(unit(b"\0SLUICE/2 ping=1h"))

    def ask(self, verb, pattern):
        self.rids += 1
        self.asked[b"%d" % self.rids] = verb, pattern
        self.send(unit(b"%s %s rid=%d" % (verb, pattern, self.rids)))
        self.patterns[pattern] = "new" if verb == b"SUB" else "off"

    def change(self, chance):
        """At most one thing at a time for each pattern."""
        pattern = chance.choice(PATTERNS)
        state = self.patterns.get(pattern)
        if state is None:
            self.ask(b"SUB", pattern)
        elif state == "on":
            self.ask(b"UNSUB", pattern)

    def finish(self):
        for pattern, state in list(self.patterns.items()):
            if state == "on":
                self.ask(b"UNSUB", pattern)

    def read(self, most):
        for text in self.pull(most):
            if self.half is None:
                self.half = text
            else:
                self.take(self.half.split(b" "), text)
                self.half = None

    def take(self, words, body):
        verb = words[0]
        if verb == b"MSG":
            number = int(words[2])
            self.follow(words, number, number)
            who, count = body.split(b" ", 2)[:2]
            key = words[1], who
            self.test.assertGreater(int(count), self.order.get(key, -1), words)
            self.order[key] = int(count)
            self.got += 1
        elif verb == b"GAP":
            why = words[-1].removeprefix(b"why=")
            self.test.assertIn(why, (b"slow", b"memory"))
            first, last = int(words[2]), int(words[3])
            self.test.assertLessEqual(first, last)
            self.follow(words, first, last)
            self.told[why] += last - first + 1
        elif verb == b"OK":
            options = dict(w.split(b"=") for w in words[1:])
            self.answer(*self.asked.pop(options[b"rid"]), options)
        else:
            self.test.assertIn(verb, (b"INFO", ))

    def follow(self, words, first, last):
        """It continues what came before, or is the first of a new topic."""
        topic = words[1]
        self.test.assertTrue(any(matches(p, topic) and s != "new"
                                 for p, s in self.patterns.items()),
                             (words, self.patterns))
        before = self.last.get(topic)
        if before is not None and first != before + 1:
            self.test.assertIn(b"new=1", words, (words, before))
            self.test.assertGreater(first, before, words)
        self.last[topic] = last
        if topic in self.begun:
            self.begun[topic][1] += last - first + 1

    def answer(self, verb, pattern, options):
        if verb == b"SUB":
            self.patterns[pattern] = "on"
            if pattern in TOPICS:
                seq = int(options[b"seq"])
                self.begun[pattern] = [seq, 0]
                if pattern in self.last: # it is read already
                    self.test.assertEqual(seq, self.last[pattern])
                self.last[pattern] = seq
            return
        del self.patterns[pattern]
        if pattern in TOPICS:
            seq, numbers = self.begun.pop(pattern)
            self.test.assertEqual(int(options[b"seq"]) - seq, numbers,
                                  (pattern, options))
        for topic in list(self.last):
            if not any(matches(p, topic) and state != "new"
                       for p, state in self.patterns.items()):
                self.ends.append((topic, self.last.pop(topic)))


class Writer(Peer):
    """A publisher; of version 2, every message has a receipt."""

    def __init__(self, test, client, name, is_new):
        super().__init__(client)
        self.test, self.name, self.is_new = test, name, is_new
        self.topics = TOPICS if is_new else TOPICS[::2]
        self.count = self.receipts = 0
        self.last = {}  # topic to the number of its last receipt
        self.numbers = collections.Counter() # topic to how many were numbered
        self.send(unit(b"\0SLUICE/2 ping=1h") if is_new else frame(b""))

    def write(self, chance):
        """Returns how many messages that were."""
        topic = chance.choice(self.topics)
        data = []
        for _ in range(chance.randrange(1, BATCH)):
            body = (b"%s %d " % (self.name, self.count)).ljust(
                chance.choice(SIZES), b"x")
            name = topic
            if self.is_new:
                name = b"PUB %s rid=%d.%d" % (topic, TOPICS.index(topic),
                                              self.count)
            data.append(frame(name) + frame(body))
            self.count += 1
        self.send(b"".join(data))
        return len(data)

    def read(self, most=256 * KIB):
        for text in self.pull(most):
            if not text.startswith(b"OK "):
                continue
            words = dict(w.split(b"=") for w in text.split(b" ")[1:])
            topic = TOPICS[int(words[b"rid"].split(b".")[0])]
            number = int(words[b"seq"])
            self.test.assertGreater(number, self.last.get(topic, 0), text)
            self.last[topic] = number
            self.numbers[topic] += 1
            self.receipts += 1

    def is_answered(self):
        if self.is_new:
            return not self.out and self.receipts == self.count
        return self.has_ended


class Load(WireTest):
    def make(self, seed, *options):
        self.chance = random.Random(seed)
        sluiced = self.broker(*[w for r in RULES for w in ("--channel", r)],
                              *options)
        # These keep the topics, and read as they like.
        self.old = [OldReader(self, self.connect(sluiced, rcvbuf=16 * KIB), t)
                    for t in TOPICS]
        sluiced.wait_stats(subscribers=len(TOPICS))
        self.readers = [Reader(self, self.connect(sluiced, rcvbuf=16 * KIB))
                        for _ in range(READERS)]
        self.writers = [Writer(self, self.connect(sluiced), b"w%d" % i, i > 0)
                        for i in range(WRITERS)]
        self.appetite = {reader: 0 for reader in self.old + self.readers}
        return sluiced

    def step(self):
        chance = self.chance
        for writer in self.writers:
            writer.push()
            writer.read()
        for reader in self.appetite:
            if chance.random() < 0.03:
                self.appetite[reader] = chance.choice(APPETITES)
            if self.appetite[reader]:
                reader.read(self.appetite[reader])
        if chance.random() < 0.1:
            chance.choice(self.readers).change(chance)

    def until(self, is_done):
        """All read all they can."""
        end = time.monotonic() + DEADLINE
        self.appetite = {reader: MIB for reader in self.appetite}
        everybody = self.readers + self.old + self.writers
        while not is_done():
            self.assertLess(time.monotonic(), end, "it does not end")
            select.select([p.sock for p in everybody if not p.has_ended], [],
                          [], 0.01)
            for peer in everybody:
                if not peer.has_ended:
                    peer.push()
                    peer.read(MIB)

    def publish_last(self, sluiced):
        """The number of a last message to each topic."""
        client = self.connect(sluiced).send(unit(b"\0SLUICE/2"))
        client.recv_many(2)
        final = {}
        for topic in TOPICS:
            client.send(unit(b"PUB %s rid=1" % topic, b"last 0 "))
            text = client.recv_many(2)[0]
            while not text.startswith(b"OK "):  # HOLD and GO, if it waits
                text = client.recv_many(2)[0]
            final[topic] = int(option(text, b"seq"))
        return final

    def check_end(self, final):
        for topic in TOPICS[1::2]:  # those of version 2 alone: P18
            receipts = sum(w.numbers[topic] for w in self.writers)
            self.assertEqual(receipts + 1, final[topic], topic)
        for reader in self.readers:
            for topic, number in reader.ends:
                self.assertEqual(number, final[topic], topic)

    def play(self, seed, messages, *options):
        sluiced = self.make(seed, *options)
        count = 0
        while count < messages:
            writer = self.chance.choice(self.writers)
            if len(writer.out) < 256 * KIB:
                count += writer.write(self.chance)
            self.step()
        for writer in self.writers:
            if not writer.is_new:
                writer.send(frame(b""))
        self.until(lambda: all(w.is_answered() for w in self.writers))
        final = Background(self.publish_last, sluiced)
        self.until(lambda: not final.is_alive())
        self.until(lambda: not any(r.asked for r in self.readers))
        for reader in self.readers:
            reader.ends.clear()
            reader.finish()
        self.until(lambda: not any(r.patterns for r in self.readers))
        self.check_end(final.join())
        told = sum((r.told for r in self.readers), collections.Counter())
        got = sum(r.got for r in self.readers)
        print(f"{count} published, {got} received, told {dict(told)}")
        self.assertGreater(got, 0)
        return told

    def test_p10_to_p18_all_that_is_not_received_is_told(self):
        for seed in range(SEEDS):
            with self.subTest(seed=seed):
                told = self.play(seed, MESSAGES, "--client-limit", "40k")
                self.assertGreater(told[b"slow"], 0)

    def test_p16_what_is_lost_to_a_lack_of_memory_is_told(self):
        told = self.play(7, MESSAGES, "--client-limit", "4m", "--memory", "4m",
                         "--patience", "60s")
        self.assertGreater(told[b"memory"], 0)


class Policies(WireTest):
    def test_a_client_that_is_disconnected_knows_where_it_stopped(self):
        """The policy `disconnect`: messages without a gap, then the reason."""
        sluiced = self.broker("--channel",
                              "/cut policy=disconnect client-limit=20k")
        reader = self.connect(sluiced, rcvbuf=4 * KIB)
        reader.send(unit(b"\0SLUICE/2") + unit(b"SUB /cut rid=1"))
        self.assertEqual(reader.recv_many(4)[2], b"OK rid=1 seq=0")
        writer = self.connect(sluiced).subscribe(b"")
        writer.flood(b"/cut", 2000, 4000)
        sluiced.wait_for_log("event=slow_consumer")
        frames = reader.recv_until_closed()
        number = 0
        for text, body in zip(frames[::2], frames[1::2]):
            if not text.startswith(b"MSG "):
                break
            number += 1
            self.assertEqual(int(text.split(b" ")[2]), number)
            self.assertEqual(int.from_bytes(body[:8], "big"), number - 1)
        self.assertGreater(number, 0)
        self.assertEqual(frames[2 * number], b"ERR overrun")
        self.assertEqual(frames[2 * number + 2:], [b"BYE", b""])


if __name__ == "__main__":
    main()
