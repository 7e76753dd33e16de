# SPDX-License-Identifier: MIT
"""Version 2 beyond the vectors: bounds, gaps at size, and units at random. A
unit is two frames, a head and a body."""
import random

from wire import Background, KIB, MIB, WireTest, frame, head, main

OPENING = (b"\0SLUICE/2", b"")
CHANNELS = (b"/t", b"/u", b"/queue/j", b"/queue/k", b"/null", b"%40x", b"/**",
            b"/queue/*")


def unit(text, body=b""):
    return frame(text) + frame(body)


class UnitsTest(WireTest):
    def open(self, broker, **kwargs):
        """A client that has its INFO; it reads heads and bodies in turn."""
        client = self.connect(broker, **kwargs).send(unit(*OPENING))
        self.assertTrue(client.recv().startswith(b"INFO sluice/"))
        self.assertEqual(client.recv(), b"")
        return client

    def ask(self, client, text, body=b""):
        """The head of the answer, which must be the next unit."""
        client.send(unit(text, body))
        return client.recv_many(2)[0]


class Bounds(UnitsTest):
    def test_a_client_that_takes_no_answers_rests_and_goes_on(self):
        """64 KiB of answers are kept; each comes when they are taken."""
        sluiced = self.broker()
        client = self.open(sluiced, rcvbuf=4 * KIB)
        count = 200000
        sending = Background(
            client.send, b"".join(unit(b"PING %d" % i) for i in range(count)))
        sluiced.wait_stats(pauses=lambda n: n > 0)
        self.assertLess(sluiced.stats()["memory_bytes"], MIB)
        self.assertEqual(self.ask(self.open(sluiced), b"PING z"), b"PONG z")
        for i in range(count):
            self.assertEqual(client.recv_many(2), [b"PONG %d" % i, b""])
        sending.join()

    def test_a_refused_body_is_not_kept(self):
        sluiced = self.broker()
        client = self.open(sluiced)
        client.send(frame(b"SUB /t rid=1") + head(8 * MIB))
        self.assertEqual(client.recv(), b"ERR bad-body rid=1")
        client.recv()
        client.send(b"x" * (8 * MIB))
        self.assertEqual(self.ask(client, b"PING z"), b"PONG z")
        self.assertLess(sluiced.stats()["memory_peak_bytes"], MIB)


class Gaps(UnitsTest):
    def numbers(self, client, last):
        """Reads up to the answer of UNSUB: how many messages came, and how
        many were told of; each must continue the one before."""
        messages = told = 0
        while True:
            text, _ = client.recv_many(2)
            words = text.split(b" ")
            if words[0] == b"OK":
                return messages, told, int(words[2].removeprefix(b"seq="))
            first = int(words[2])
            self.assertEqual(first, last + 1, text)
            last = int(words[3]) if words[0] == b"GAP" else first
            messages += words[0] == b"MSG"
            told += last - first + 1 if words[0] == b"GAP" else 0

    def play(self, policy):
        """A reader that does not read while most of it is published."""
        count = 1500
        sluiced = self.broker("--channel", f"/t client-limit=50k {policy}")
        reader = self.open(sluiced, rcvbuf=4 * KIB)
        self.assertEqual(self.ask(reader, b"SUB /t rid=1"), b"OK rid=1 seq=0")
        writer = self.open(sluiced)
        for i in range(count):
            receipt = self.ask(writer, b"PUB /t rid=%d N=%d" % (i, i),
                               b"x" * 12000)
            self.assertIn(b" seq=%d " % (i + 1), receipt)
        reader.send(unit(b"UNSUB /t rid=2"))
        messages, told, seq = self.numbers(reader, 0)
        self.assertEqual(seq, count)
        self.assertEqual(messages + told, count)
        self.assertGreater(messages, 0)
        self.assertGreater(told, 0)

    def test_p16_what_a_stalled_reader_misses_is_told_exactly(self):
        """P16: messages and gaps together are all that was published."""
        for policy in ("policy=drop-newest", "policy=drop-oldest",
                       "policy=wait patience=1ms"):
            with self.subTest(policy=policy):
                self.play(policy)


class Anything(UnitsTest):
    """Seeded, so that a failure can be repeated."""

    def any_unit(self, chance):
        name = chance.choice(CHANNELS)
        rid = chance.choice((b"", b" rid=%d" % chance.randrange(99)))
        ack = chance.choice((b"", b" ack=yes credit=%d" %
                             chance.randrange(1, 9)))
        number = chance.randrange(60)
        return chance.choice((
            unit(b"SUB " + name + rid + ack), unit(b"UNSUB " + name + rid),
            unit(b"PUB " + name + rid, b"x" * chance.choice((0, 9, 2000))),
            unit(b"PUB " + name + b" A=1 B=" + rid, b"x" * 20000),
            unit(b"REQ " + name + b" rid=%d timeout=9ms" % number, b"?"),
            unit(b"ACK " + name + b" %d" % number + rid),
            unit(b"NAK " + name + b" %d delay=0s" % number + rid),
            unit(b"CREDIT " + name + b" %d" % number), unit(b"PING" + rid),
            unit(chance.randbytes(chance.randrange(1, 30)), b"z" * 9000)))

    def test_others_are_served_whatever_a_client_sends(self):
        sluiced = self.broker("--client-limit", "20k", "--queue-limit", "20k",
                              "--patience", "1ms")
        for seed in range(40):
            chance = random.Random(seed)
            client = self.open(sluiced, rcvbuf=4 * KIB)
            data = b"".join(self.any_unit(chance) for _ in range(100))
            end = chance.choice((client.half_close, client.reset,
                                 client.close))
            cut = chance.randrange(len(data))
            sending = Background(client.send, data[:cut])
            chance.choice((lambda: None, client.recv))()
            try:
                sending.join(0.05)
            except (OSError, TimeoutError):
                pass
            end()
        self.assertEqual(self.ask(self.open(sluiced), b"PING z"), b"PONG z")
        self.assert_serves(sluiced)


if __name__ == "__main__":
    main()
