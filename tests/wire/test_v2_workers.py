# SPDX-License-Identifier: MIT
"""Queues whose messages are acknowledged, P19 to P24: what workers hold, give
back, keep for too long or leave behind when they die.

SLUICE_KILLS=1000 makes more of them die, SLUICE_SEED repeats a run.
"""
import os
import random
import time

from wire import KIB, WireTest, frame, main

QUEUE = b"/queue/w"
KILLS = int(os.environ.get("SLUICE_KILLS", "300"))


def unit(text, body=b""):
    return frame(text) + frame(body)


class Link:
    """A connection of version 2. What it holds is in `holds`, number -> how
    often the message was handed out, and what came at all in `came`."""

    def __init__(self, client):
        self.client, self.holds, self.came = client, {}, []
        self.asked = self.seen = 0
        client.send(unit(b"\0SLUICE/2"))
        if not client.recv_many(2)[0].startswith(b"INFO "):
            raise AssertionError("no INFO")

    def hear(self):
        """The words of the next head; a message is noted."""
        text, _ = self.client.recv_many(2)
        words = text.decode().split(" ")
        if words[0] == "MSG":
            number = int(words[2])
            options = dict(w.split("=") for w in words[3:])
            self.holds[number] = int(options.get("try", 1))
            self.came.append(number)
        return words

    def unit(self):
        """The words of the next head that is not of a message."""
        words = self.hear()
        while words[0] == "MSG":
            words = self.hear()
        return words

    def ask(self, text, body=b""):
        """The words of the answer, without its rid."""
        self.asked += 1
        rid = f"rid={self.asked}"
        self.client.send(unit(text + b" " + rid.encode(), body))
        words = self.unit()
        if rid not in words:
            raise AssertionError(f"{words} answers {text}")
        return [w for w in words if w != rid]

    def done(self, text):
        """Asks for something that must succeed."""
        words = self.ask(text)
        if words[0] != "OK":
            raise AssertionError(f"{words} answers {text}")
        return words

    def catch_up(self):
        """Reads all that there is for it now: messages are written when the
        turn ends in which they were handed out, and the second PING comes in
        a later one. Returns what came since it was last asked."""
        for _ in range(2):
            self.client.send(unit(b"PING z"))
            if self.unit() != ["PONG", "z"]:
                raise AssertionError("an answer that nobody asked for")
        new, self.seen = self.came[self.seen:], len(self.came)
        return new

    def next(self):
        """The number of the next message that comes, or has come and was not
        asked for."""
        while self.seen == len(self.came):
            self.hear()
        self.seen += 1
        return self.came[self.seen - 1]

    def settle(self, verb, number, options=b""):
        self.done(b"%s %s %d%s" % (verb, QUEUE, number, options))
        del self.holds[number]

    def ack(self, number):
        self.settle(b"ACK", number)


def say_bye(link):
    link.client.send(unit(b"BYE"))
    link.client.wait_closed()


def unsubscribe(link):
    link.done(b"UNSUB " + QUEUE)


def shut_down(link):
    link.client.half_close().wait_closed()


ENDS = (say_bye, unsubscribe, shut_down, lambda link: link.client.close(),
        lambda link: link.client.reset())


class WorkersTest(WireTest):
    def setUp(self):
        self.sluiced = self.broker()
        self.publisher = self.link()

    def link(self, **kwargs):
        return Link(self.connect(self.sluiced, **kwargs))

    def worker(self, credit, options=b"", **kwargs):
        link = self.link(**kwargs)
        link.done(b"SUB %s ack=yes credit=%d%s" % (QUEUE, credit, options))
        return link

    def publish(self, count):
        """Their numbers."""
        return [self.say(b"job") for _ in range(count)]

    def publish_at_once(self, count):
        """Their numbers, the first ones of the queue, when all are read: the
        broker does not read its clients in the order in which they send."""
        self.publisher.client.send(unit(b"PUB " + QUEUE, b"job") * count)
        self.publisher.catch_up()
        return list(range(1, count + 1))

    def say(self, body):
        """Its number."""
        words = self.publisher.ask(b"PUB " + QUEUE, body)
        return int(words[1].removeprefix("seq="))

    def wait_gone(self, held):
        """The broker has taken note that workers are gone."""
        self.sluiced.wait_stats(held_messages=lambda n: n == held)

    def refused(self, link, text):
        self.assertEqual(link.ask(text), ["ERR", "gone"])


class Returns(WorkersTest):
    def test_p20_what_is_held_comes_back_in_order_however_a_worker_ends(self):
        for end in ENDS:
            with self.subTest(end):
                first = self.worker(5)
                numbers = self.publish(6)
                self.assertEqual(first.catch_up(), numbers[:5])
                first.ack(numbers[1])
                self.assertEqual(first.catch_up(), numbers[5:])
                end(first)
                self.wait_gone(0)
                newer = self.publish(1)
                second = self.worker(9)
                left = numbers[:1] + numbers[2:]
                self.assertEqual(second.catch_up(), left + newer)
                self.assertEqual(list(second.holds.values()), [2] * 5 + [1])
                for number in left + newer:
                    second.ack(number)
                say_bye(second)

    def test_p20_those_of_a_run_fare_each_on_its_own(self):
        """They were handed out at once, and are acknowledged, given back and
        left behind one by one."""
        first, second = self.worker(64), self.worker(64)
        numbers = self.publish_at_once(64)
        mine = first.catch_up()
        self.assertEqual(sorted(mine + second.catch_up()), numbers)
        self.assertEqual(len(mine), 32)
        for number in mine[1::3]:
            first.ack(number)
        for number in mine[2::3]:
            first.settle(b"NAK", number, b" delay=0ms")
        back = sorted(mine[2::3])
        self.assertEqual(sorted(first.catch_up() + second.catch_up()), back)
        second.done(b"CREDIT %s 0" % QUEUE)
        say_bye(first)
        say_bye(second)
        self.wait_gone(0)
        third = self.worker(64)
        self.assertEqual(third.catch_up(),
                         sorted(set(numbers) - set(mine[1::3])))
        self.assertEqual({third.holds[number] for number in back}, {3})
        self.assertEqual({tries for number, tries in third.holds.items()
                          if number not in back}, {2})

    def test_p20_what_was_not_sent_is_no_try(self):
        stalled = self.worker(9, rcvbuf=4 * KIB)
        numbers = [self.say(b"x" * 900000) for _ in range(3)]
        stalled.client.reset()
        self.wait_gone(0)
        other = self.worker(9)
        self.assertEqual([other.next() for _ in numbers], numbers)
        self.assertEqual(set(other.holds.values()), {1})

    def test_p20_a_message_given_back_comes_before_all_newer_ones(self):
        worker = self.worker(3)
        numbers = self.publish(9)
        worker.catch_up()
        worker.done(b"CREDIT %s 0" % QUEUE)
        for i in (1, 2, 0):
            worker.settle(b"NAK", numbers[i], b" delay=0s")
        worker.done(b"CREDIT %s 5" % QUEUE)
        self.assertEqual(worker.catch_up(), numbers[:5])

    def test_p20_try_counts_on(self):
        """It stays at 256, which is what a message has room to count."""
        worker = self.worker(1)
        number, = self.publish(1)
        for tries in range(1, 301):
            self.assertEqual(worker.next(), number)
            self.assertEqual(worker.holds[number], min(tries, 256))
            worker.client.send(unit(b"NAK %s %d delay=0s" % (QUEUE, number)))

    def test_p19_each_message_is_acknowledged_once_though_workers_die(self):
        """In each round a few workers take messages, acknowledge or give back
        some of them, and die, one after another and in any way. All is known
        of what each of them read, so all the numbers are exact."""
        seed = int(os.environ.get("SLUICE_SEED", "20250131"))
        chance, kills = random.Random(seed), 0
        open_numbers, tries = set(), {}

        def take(worker):
            for number in worker.catch_up():
                self.assertIn(number, open_numbers, "it was acknowledged")
                holders = [w for w in workers if number in w.holds]
                self.assertEqual(holders, [worker], "two hold it")
                tries[number] = tries.get(number, 0) + 1
                self.assertEqual(worker.holds[number], tries[number])
            self.assertLessEqual(len(worker.holds), worker.credit)

        while kills < KILLS:
            open_numbers.update(self.publish(chance.randrange(12)))
            workers = []
            for _ in range(chance.randrange(1, 5)):
                credit = chance.choice((1, 2, 5, 20))
                worker = self.worker(credit)
                worker.credit = credit
                workers.append(worker)
                take(worker)
                if len(workers) == 1:  # the lowest numbers, in order
                    self.assertEqual(worker.came,
                                     sorted(open_numbers)[:credit])
            for worker in list(workers):
                for number in chance.sample(sorted(worker.holds),
                                            len(worker.holds) // 2):
                    if chance.randrange(3):
                        worker.ack(number)
                        open_numbers.remove(number)
                    else:
                        worker.settle(b"NAK", number, b" delay=0s")
                for each in workers:
                    take(each)
                workers.remove(worker)
                held = sum(len(w.holds) for w in workers)
                chance.choice(ENDS)(worker)
                kills += 1
                if not workers:
                    self.wait_gone(held)
        last = self.worker(65535)
        self.assertEqual(last.catch_up(), sorted(open_numbers))
        for number in sorted(open_numbers):
            self.assertEqual(last.holds[number], tries.get(number, 0) + 1)
            last.ack(number)
        self.assertEqual(self.sluiced.stats()["held_messages"], 0)


class Credit(WorkersTest):
    def test_p21_no_more_than_the_credit_is_held(self):
        worker = self.worker(3)
        numbers = self.publish(10)
        self.assertEqual(worker.catch_up(), numbers[:3])
        worker.done(b"CREDIT %s 5" % QUEUE)
        self.assertEqual(worker.catch_up(), numbers[3:5])
        worker.done(b"CREDIT %s 2" % QUEUE)  # takes nothing back
        for number in numbers[:3]:
            worker.ack(number)
            self.assertEqual(worker.catch_up(), [])
        worker.ack(numbers[3])
        self.assertEqual(worker.catch_up(), [numbers[5]])
        worker.done(b"CREDIT %s 0" % QUEUE)
        worker.ack(numbers[4])
        worker.ack(numbers[5])
        self.assertEqual(worker.catch_up(), [])

    def test_p19_one_that_takes_all_and_acknowledges_nothing(self):
        """With the largest credit: others get their share, and after it all
        that it had."""
        hoarder = self.worker(65535)
        worker = self.worker(10)
        numbers, done = self.publish(400), []
        while worker.catch_up() or worker.holds:
            for number in sorted(worker.holds):
                worker.ack(number)
                done.append(number)
        hoarder.catch_up()
        self.assertEqual(sorted(done + list(hoarder.holds)), numbers)
        self.assertGreaterEqual(len(done), 10)
        left = sorted(hoarder.holds)
        hoarder.client.reset()
        again = []
        while len(again) < len(left):
            again.append(worker.next())
            self.assertEqual(worker.holds[again[-1]], 2)
            worker.ack(again[-1])
        self.assertEqual(again, left)

    def test_p33_one_that_gives_all_back_at_once_stops_nobody(self):
        """Each of its units is answered by one delivery at most."""
        spinner = self.worker(100)
        numbers = self.publish(100)
        other = self.link()
        other.done(b"SUB /queue/other ack=yes credit=1")
        spinner.catch_up()
        for turn in range(20):
            spinner.client.send(b"".join(
                unit(b"NAK %s %d delay=0s" % (QUEUE, n)) for n in numbers))
            self.publisher.done(b"PUB /queue/other")
            number = other.next()
            other.done(b"ACK /queue/other %d" % number)
            self.assertEqual(sorted(spinner.catch_up()), numbers)
            self.assertEqual(set(spinner.holds.values()), {turn + 2})


class Identity(WorkersTest):
    def test_p22_what_is_not_held_cannot_be_settled(self):
        first, second = self.worker(1), self.link()
        number, = self.publish(1)
        first.catch_up()
        for verb in (b"ACK", b"NAK", b"TOUCH"):
            self.refused(second, b"%s %s %d" % (verb, QUEUE, number))
            self.refused(first, b"%s %s %d" % (verb, QUEUE, number + 1))
            self.refused(first, b"%s /queue/none %d" % (verb, number))
        self.assertEqual(self.sluiced.stats()["held_messages"], 1)
        first.ack(number)
        for verb in (b"ACK", b"NAK", b"TOUCH"):
            self.refused(first, b"%s %s %d" % (verb, QUEUE, number))

    def test_p22_acknowledgements_one_behind_another_are_judged_each(self):
        """Across a power of ten, and with two among them that are not held."""
        worker = self.worker(200)
        numbers = self.publish_at_once(120)
        for _ in numbers:
            worker.next()
        worker.ack(numbers[50])
        rows = [*numbers[:99], numbers[7], *numbers[99:]]
        worker.client.send(b"".join(unit(b"ACK %s %d" % (QUEUE, number))
                                    for number in rows))
        worker.catch_up()
        self.wait_gone(0)
        self.assertEqual(self.sluiced.stats()["acked"], 120)

    def test_p22_a_stale_acknowledgement_harms_nobody(self):
        first = self.worker(1)
        number, = self.publish(1)
        first.catch_up()
        first.done(b"UNSUB " + QUEUE)
        self.refused(first, b"ACK %s %d" % (QUEUE, number))
        second = self.worker(1)
        self.assertEqual(second.catch_up(), [number])
        self.refused(first, b"ACK %s %d" % (QUEUE, number))
        second.ack(number)

    def test_p22_a_late_acknowledgement_counts_for_nothing(self):
        """Its time was over, though nobody else has it yet."""
        worker = self.worker(1, b" wait=100ms")
        number, = self.publish(1)
        worker.next()
        worker.done(b"CREDIT %s 0" % QUEUE)
        self.wait_gone(0)
        self.refused(worker, b"ACK %s %d" % (QUEUE, number))
        worker.done(b"CREDIT %s 1" % QUEUE)
        self.assertEqual(worker.next(), number)
        worker.done(b"ACK %s %d" % (QUEUE, number))


class Time(WorkersTest):
    """That it is not too early; how late it may be, unit tests say, whose time
    no busy machine changes."""

    def test_p23_its_time_is_over_no_earlier_than_it_asked_for(self):
        begin = time.monotonic()
        worker = self.worker(1, b" wait=300ms")
        number, = self.publish(1)
        self.assertEqual([worker.next(), worker.next()], [number] * 2)
        self.assertEqual(worker.holds[number], 2)
        self.assertGreaterEqual(time.monotonic() - begin, 0.3)
        begin = time.monotonic()
        if worker.ask(b"TOUCH %s %d" % (QUEUE, number)) == ["OK"]:
            self.assertEqual(worker.next(), number)
            self.assertGreaterEqual(time.monotonic() - begin, 0.3)

    def test_p24_what_was_given_back_does_not_come_before_its_delay(self):
        worker = self.worker(1)
        number, = self.publish(1)
        self.assertEqual(worker.next(), number)
        for delay, seconds in ((b" delay=200ms", 0.2), (b"", 1)):
            begin = time.monotonic()
            worker.settle(b"NAK", number, delay)
            self.assertEqual(worker.next(), number)
            self.assertGreaterEqual(time.monotonic() - begin, seconds)

    def test_p20_what_is_delayed_outlives_its_worker(self):
        worker = self.worker(1)
        number, = self.publish(1)
        worker.catch_up()
        worker.settle(b"NAK", number, b" delay=200ms")
        worker.client.reset()
        other = self.worker(1)
        self.assertEqual(other.next(), number)
        self.assertEqual(other.holds[number], 2)


class Numbers(WorkersTest):
    def test_p15_a_queue_that_only_version_1_used_gives_no_number_twice(self):
        """What its consumer had not taken comes back below all newer ones."""
        plain = self.subscriber(self.sluiced, QUEUE, rcvbuf=4 * KIB)
        self.connect(self.sluiced).subscribe(b"").flood(QUEUE, 6, 900000)
        self.sluiced.wait_stats(messages_in=lambda n: n >= 6)
        worker = self.worker(9)
        receipt = self.say(b"last")
        plain.reset()
        seen = []
        while receipt not in seen:
            seen.append(worker.next())
            worker.client.send(unit(b"ACK %s %d" % (QUEUE, seen[-1])))
        self.assertEqual(len(seen), len(set(seen)))

    def test_p14_a_receipt_is_the_number_of_its_message(self):
        """Though a consumer of version 1 was there before, and left some."""
        plain = self.subscriber(self.sluiced, QUEUE, rcvbuf=4 * KIB)
        numbers = [self.say(b"x" * 900000) for _ in range(5)]
        plain.reset()
        self.sluiced.wait_stats(connections=lambda n: n == 2)
        worker = self.worker(9)
        first = worker.next()
        self.assertIn(first, numbers)
        for number in numbers[numbers.index(first) + 1:]:
            self.assertEqual(worker.next(), number)


if __name__ == "__main__":
    main()
