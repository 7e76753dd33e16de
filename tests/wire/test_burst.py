# SPDX-License-Identifier: MIT
"""Units that come many at a time, most of them alike, mean what each of them
means alone: to readers of both versions, in receipts, and where a socket takes
them in parts."""
import random

from test_units import UnitsTest, unit
from wire import Background, KIB, frame, main

SEED = 1
SIZES = (0, 1, 27, 28, 29, 32, 100, 996, 1020, 1021, 5000, 17000)
NAMES = b"/topic/a", b"PUB /topic/a"
OTHERS = b"/topic/%61", b"/topic/b", b"/topic/a Unit=C", b"PUB /topic/a A=1"
RID = b"abcXYZ019-._"


class Script:
    """Units to publish, and what they have to bring."""

    def __init__(self, rng, count, readers, channel=b"/topic/a"):
        self.data, self.receipts, self.messages = [], [], []
        number = 0
        for _ in range(count):
            name = rng.choice(OTHERS if rng.random() < 0.02 else NAMES)
            body = rng.randbytes(rng.choice(SIZES))
            rid = bytes(rng.choices(RID, k=rng.randint(1, 32)))
            tail = b" rid=" + rid if rng.random() < 0.5 else b""
            self.data.append(unit(name + tail, body))
            is_read = b"/topic/b" not in name
            number += is_read
            if tail:
                self.receipts.append(
                    (rid, number if is_read else 0, readers * is_read))
            if is_read:
                headers = [word for word in name.split(b" ") if b"=" in word]
                self.messages.append((number, headers, body))

    def pieces(self, rng):
        """All of it, cut anywhere."""
        data, at = b"".join(self.data), 0
        while at < len(data):
            end = at + rng.choice((1, 100, 4 * KIB, 60 * KIB, 300 * KIB))
            yield data[at:end]
            at = end


class Burst(UnitsTest):
    def patient_broker(self, *args):
        """It neither drops messages nor asks whether clients are there."""
        return self.broker("--patience", "1h", "--ping", "0", *args)

    def reader(self, sluiced, **kwargs):
        client = self.open(sluiced, **kwargs)
        self.assertTrue(
            self.ask(client, b"SUB /topic/a rid=1").startswith(b"OK rid=1"))
        return client

    def base(self, client):
        """The number before the first message."""
        text, body = client.recv_many(2)
        self.assertEqual(body, b"first")
        self.assertEqual(text.split(b" ")[3:], [b"new=1"], text)
        return int(text.split(b" ")[2])

    def check_message(self, client, base, message):
        number, headers, body = message
        text, got = client.recv_many(2)
        self.assertEqual(text.split(b" "), [
            b"MSG", b"/topic/a", b"%d" % (base + number), *headers])
        self.assertEqual(got, body)

    def check_receipts(self, client, base, receipts):
        for rid, number, readers in receipts:
            number += base if number else 0
            self.assertEqual(
                client.recv_many(2),
                [b"OK rid=%s seq=%d subs=%d drop=0" % (rid, number, readers),
                 b""])

    def play(self, rng, plain, told):
        """A script, for so many readers of version 1 and of version 2."""
        sluiced = self.patient_broker()
        olds = [self.subscriber(sluiced, b"/topic/a") for _ in range(plain)]
        news = [self.reader(sluiced) for _ in range(told)]
        script = Script(rng, 3000, plain + told)
        sender = self.open(sluiced).send(unit(b"/topic/a", b"first"))
        bases = [self.base(client) for client in news]
        calls = [Background(self.send_all, sender, script.pieces(rng)),
                 Background(self.check_receipts, sender, bases[0],
                            script.receipts)]
        calls += [Background(self.read_all, client, bases[0], script.messages)
                  for client in news]
        for client in olds:
            self.assertEqual(client.recv(), b"first")
        calls += [Background(self.read_bodies, client, script.messages)
                  for client in olds]
        for call in calls:
            call.join()

    def send_all(self, client, pieces):
        for piece in pieces:
            client.send(piece)

    def read_all(self, client, base, messages):
        for message in messages:
            self.check_message(client, base, message)

    def read_bodies(self, client, messages):
        for _, _, body in messages:
            self.assertEqual(client.recv(), body)

    def test_readers_of_version_2_get_each_message_once_and_in_order(self):
        self.play(random.Random(SEED), 0, 2)

    def test_readers_of_both_versions_get_the_same(self):
        self.play(random.Random(SEED + 1), 1, 1)

    def test_a_slow_socket_cuts_units_and_answers_stay_between_them(self):
        """Its reader asks all the time, and is answered."""
        sluiced = self.patient_broker()
        reader = self.reader(sluiced, rcvbuf=4 * KIB)
        script = Script(random.Random(SEED + 2), 2000, 1)
        sender = self.open(sluiced).send(unit(b"/topic/a", b"first"))
        base = self.base(reader)
        sending = Background(sender.send, b"".join(script.data))
        taking = Background(self.check_receipts, sender, base, script.receipts)
        asking = Background(
            self.send_all, reader, (unit(b"PING t%d" % i) for i in range(2000)))
        messages, pongs = iter(script.messages), 0
        left = len(script.messages) + 2000
        while left > 0:
            text, body = reader.recv_many(2)
            left -= 1
            if text == b"PONG t%d" % pongs:
                pongs += 1
                continue
            number, headers, want = next(messages)
            self.assertEqual(text.split(b" "), [
                b"MSG", b"/topic/a", b"%d" % (base + number), *headers])
            self.assertEqual(body, want)
        for call in (sending, taking, asking):
            call.join()

    def test_readers_of_version_1_come_and_go(self):
        """Every message before and after has its number, and they get bodies
        that follow one another."""
        sluiced = self.patient_broker()
        reader = self.reader(sluiced)
        sender = self.open(sluiced)
        old = self.publisher(sluiced)
        count, rounds = 500, 8
        for i in range(rounds):
            guest = self.subscriber(sluiced, b"/topic/a")
            sender.send(b"".join(
                unit(b"/topic/a", b"n%d" % (i * count + j))
                for j in range(count)))
            old.publish(b"/topic/a", *(b"old" for _ in range(count)))
            got = [body for body in guest.recv_many(2 * count)
                   if body != b"old"]
            self.assertEqual(got, [b"n%d" % (i * count + j)
                                   for j in range(count)])
            guest.close()
            sender.send(b"".join(
                unit(b"/topic/a", b"x") for _ in range(count)))
        last = None
        for _ in range(rounds * 3 * count):
            number = int(reader.recv_many(2)[0].split(b" ")[2])
            self.assertIn(last, (None, number - 1))
            last = number

    def test_receipts_of_a_queue_count_what_waits(self):
        sluiced = self.patient_broker()
        sender = self.open(sluiced)
        sender.send(b"".join(unit(b"/queue/q rid=%d" % i, b"job")
                             for i in range(1200)))
        base = None
        for i in range(1200):
            words = sender.recv_many(2)[0].split(b" ")
            number = int(words[2].removeprefix(b"seq="))
            self.assertIn(base, (None, number - i))
            base = number - i
            self.assertEqual(words, [b"OK", b"rid=%d" % i, words[2],
                                     b"subs=0", b"held=%d" % (i + 1)])

    def work(self, client, count):
        """Takes so many messages with a slow socket, and asks in between;
        then acknowledges all of them. Returns number and body of each."""
        asking = Background(self.send_all, client,
                            (unit(b"PING t%d" % i) for i in range(count)))
        got, pongs = [], 0
        while len(got) + pongs < 2 * count:
            text, body = client.recv_many(2)
            if text == b"PONG t%d" % pongs:
                pongs += 1
                continue
            words = text.split(b" ")
            self.assertEqual(words[:2] + words[3:], [b"MSG", b"/queue/q"])
            got.append((int(words[2]), body))
        asking.join()
        client.send(b"".join(unit(b"ACK /queue/q %d" % number)
                             for number, _ in got))
        self.assertEqual(self.ask(client, b"PING end"), b"PONG end")
        return got

    def test_workers_with_slow_sockets_share_in_turns_and_acknowledge_all(self):
        sluiced = self.patient_broker("--prefetch", "8m")
        workers = [self.open(sluiced, rcvbuf=4 * KIB) for _ in range(2)]
        for client in workers:
            self.assertEqual(self.ask(
                client, b"SUB /queue/q ack=yes credit=65535 rid=1"),
                b"OK rid=1")
        rng = random.Random(SEED + 3)
        bodies = [rng.randbytes(rng.choice(SIZES)) for _ in range(1000)]
        sender = self.open(sluiced)
        sending = Background(sender.send, b"".join(
            unit(b"/queue/q", body) for body in bodies))
        calls = [Background(self.work, client, 500) for client in workers]
        results = [call.join() for call in calls]
        sending.join()
        numbers = [[number for number, _ in got] for got in results]
        first = min(map(min, numbers))
        self.assertEqual(sorted(sum(numbers, [])),
                         list(range(first, first + 1000)))
        for own, got in zip(numbers, results):  # half of them each, in order
            self.assertEqual(own, sorted(own))
            self.assertEqual([body for _, body in got],
                             [bodies[number - first] for number, _ in got])
        self.assertEqual(
            sluiced.wait_stats(acked=1000)["held_messages"], 0)

    def test_units_that_only_look_alike_are_refused_one_by_one(self):
        sluiced = self.patient_broker()
        self.reader(sluiced)
        sender = self.open(sluiced)
        good = unit(b"/topic/a rid=g", b"x") * 3
        for text, error in ((b"/topic/a rid=", b"bad-option"),
                            (b"/topic/a rid=" + b"r" * 33, b"bad-option"),
                            (b"/topic/a rid=a/b", b"bad-option"),
                            (b"/topic/a rid=a rid=b", b"bad-option"),
                            (b"/topic/a ", b"bad-head"),
                            (b"/topic/a b", b"bad-head"),
                            (b"PUX /topic/a", b"bad-verb")):
            sender.send(good + unit(text, b"x") + good)
            heads = [sender.recv_many(2)[0] for _ in range(7)]
            self.assertTrue(heads[3].startswith(b"ERR " + error),
                            (text, heads[3]))
            for answer in heads[:3] + heads[4:]:
                self.assertTrue(answer.startswith(b"OK rid=g seq="), answer)
        sender.send(good + frame(b""))
        heads = [sender.recv_many(2)[0] for _ in range(5)]
        self.assertEqual(heads[3:], [b"ERR proto", b"BYE"])


if __name__ == "__main__":
    main()
