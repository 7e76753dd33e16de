# SPDX-License-Identifier: MIT
"""Publishes of version 2 to a channel without room are parked: the connection
goes on, the client is asked to hold, and nothing is lost or out of order."""
from unit_client import UnitsTest, option
from wire import Background, KIB, MIB, main

JOB = b"x" * 600  # two do not fit into a queue of 1000 bytes
FULL = ("--queue-limit", "1000")


class ParkingTest(UnitsTest):
    def full_queue(self, *args):
        """A broker whose /queue/j is nearly full, and a client of it."""
        sluiced = self.broker(*FULL, *args)
        client = self.open(sluiced)
        self.assertEqual(client.ask(b"PUB /queue/j rid=0", JOB),
                         b"OK rid=0 seq=1 subs=0 held=1")
        return sluiced, client

    def worker(self, sluiced, credit=1):
        client = self.open(sluiced)
        self.assertEqual(
            client.ask(b"SUB /queue/j ack=yes credit=%d rid=s" % credit),
            b"OK rid=s")
        return client

    def drain(self, sluiced, count):
        """A consumer of version 1 takes so many bodies from the queue."""
        return self.subscriber(sluiced, b"/queue/j").recv_many(count)


class GoingOn(ParkingTest):
    def test_p28_a_full_queue_stops_no_ack_ping_sub_or_other_channel(self):
        sluiced = self.broker(*FULL)
        worker = self.worker(sluiced)
        worker.say(b"PUB /queue/j", JOB)
        self.assertEqual(worker.hear()[0], b"MSG /queue/j 1")
        worker.say(b"PUB /queue/j rid=2", JOB)  # a result, without room
        self.assertEqual(worker.ask(b"PING a"), b"PONG a")
        self.assertEqual(worker.ask(b"SUB /t rid=3"), b"OK rid=3 seq=0")
        worker.say(b"PUB /t rid=4", b"elsewhere")
        self.assertEqual({worker.hear()[0], worker.hear()[0]},
                         {b"OK rid=4 seq=1 subs=1 drop=0", b"MSG /t 1 new=1"})
        worker.say(b"ACK /queue/j 1 rid=5")
        heads = worker.hear_until(b"MSG /queue/j 2")
        self.assertIn(b"OK rid=5", heads)
        self.assertIn(b"OK rid=2 seq=2 subs=1 held=1", heads)

    def test_p28_results_on_the_connection_of_the_acks_end_a_full_queue(self):
        """A worker publishes more than fits into the queue that it empties."""
        count = 300
        sluiced = self.broker("--queue-limit", "4000")
        worker = self.worker(sluiced, credit=4)
        for i in range(count):
            worker.say(b"PUB /queue/j rid=r%d" % i, b"%d " % i + JOB)
        bodies, receipts = [], []
        while len(bodies) < count or len(receipts) < count:
            text, body = worker.hear()
            if text.startswith(b"MSG"):
                bodies.append(int(body.split(b" ")[0]))
                worker.say(b"ACK /queue/j " + text.split(b" ")[2])
            elif text.startswith(b"OK"):
                receipts.append(option(text, b"rid"))
        self.assertEqual(bodies, list(range(count)))
        self.assertEqual(receipts, [b"r%d" % i for i in range(count)])
        self.assertEqual(sluiced.stats()["parked_bytes"], 0)

    def test_p33_others_do_not_notice_what_one_connection_has_parked(self):
        sluiced, client = self.full_queue()
        client.say(b"PUB /queue/j", JOB)
        self.assertEqual(client.hear()[0], b"HOLD /queue/j")
        other, reader = self.open(sluiced), self.subscriber(sluiced, b"/t")
        self.assertEqual(other.ask(b"PUB /t rid=1", b"v2"),
                         b"OK rid=1 seq=1 subs=1 drop=0")
        self.publisher(sluiced).publish(b"/t", b"v1")
        self.assertEqual(reader.recv_many(2), [b"v2", b"v1"])
        self.assertEqual(other.ask(b"PING z"), b"PONG z")

    def test_p38_pong_comes_when_all_before_it_is_parked(self):
        sluiced, client = self.full_queue()
        for _ in range(10):
            client.say(b"PUB /queue/j", JOB)
        client.ping(b"z")
        self.assertEqual(sluiced.stats()["parked_messages"], 10)

    def test_p13_a_small_message_does_not_overtake_a_large_one(self):
        sluiced, client = self.full_queue()
        client.say(b"PUB /queue/j rid=1", JOB)
        client.say(b"PUB /queue/j rid=2", b"would fit")
        client.say(b"PUB /queue/j rid=3 A=1", b"too")
        client.ping(b"z")
        self.assertEqual(self.drain(sluiced, 4),
                         [JOB, JOB, b"would fit", b"too"])
        heads = client.hear_until(b"OK rid=3")
        self.assertEqual([option(h, b"seq") for h in heads
                          if h.startswith(b"OK")], [b"2", b"3", b"4"])

    def test_parked_publishes_to_a_topic_wait_for_its_busy_reader(self):
        """The policy wait, in version 2: nothing is lost, nobody is slow."""
        sluiced = self.broker("--client-limit", "64k", "--patience", "20s")
        reader = self.open(sluiced, rcvbuf=4 * KIB)
        self.assertEqual(reader.ask(b"SUB /t rid=1"), b"OK rid=1 seq=0")
        client, count = self.open(sluiced), 3000
        sending = Background(
            lambda: [client.say(b"PUB /t", b"%d " % i + bytes(2 * KIB))
                     for i in range(count)])
        sluiced.wait_stats(parked_messages=lambda n: n > 0)
        for i in range(count):
            text, body = reader.hear()
            self.assertTrue(text.startswith(b"MSG /t %d" % (i + 1)), text)
            self.assertEqual(int(body.split(b" ")[0]), i)
        sending.join()
        self.assertEqual(sluiced.stats()["dropped_slow"], 0)


class Holding(ParkingTest):
    def test_p29_hold_comes_before_a_connection_stops_being_read(self):
        """And GO when its publishes have been taken."""
        sluiced, client = self.full_queue("--hold", "4k")
        for i in range(20):
            client.say(b"PUB /queue/j rid=%d" % (i + 1), JOB)
        client.say(b"PING late")
        sluiced.wait_stats(pauses=lambda n: n > 0)
        self.assertEqual(client.hear()[0], b"HOLD /queue/j")
        self.assertEqual(self.drain(sluiced, 21), [JOB] * 21)
        heads = client.hear_until(b"GO /queue/j")
        heads += [] if b"PONG late" in heads else client.hear_until(b"PONG")
        receipts = [option(h, b"seq") for h in heads if h.startswith(b"OK")]
        self.assertEqual(receipts, [b"%d" % (i + 2) for i in range(20)])
        self.assertIn(b"PONG late", heads)
        self.assertEqual(sluiced.stats()["holds"],
                         1 + sum(h.startswith(b"HOLD") for h in heads))

    def test_p29_every_hold_is_followed_by_go(self):
        sluiced, client = self.full_queue()
        for name in (b"/queue/j", b"/queue/j", b"/queue/k", b"/queue/k"):
            client.say(b"PUB " + name, JOB)
        self.assertEqual({client.hear()[0], client.hear()[0]},
                         {b"HOLD /queue/j", b"HOLD /queue/k"})
        self.drain(sluiced, 3)
        self.assertEqual(client.hear()[0], b"GO /queue/j")
        self.subscriber(sluiced, b"/queue/k").recv_many(2)
        self.assertEqual(client.hear()[0], b"GO /queue/k")
        self.assertEqual(sluiced.stats()["holds"], 2)

    def test_p29_hold_0_lets_a_full_channel_stop_the_connection(self):
        sluiced, client = self.full_queue("--hold", "0")
        client.say(b"PUB /queue/j", JOB).say(b"PING late")
        self.assertEqual(client.hear()[0], b"HOLD /queue/j")
        sluiced.wait_stats(paused_publishers=1)
        self.drain(sluiced, 2)
        self.assertEqual({client.hear()[0], client.hear()[0]},
                         {b"GO /queue/j", b"PONG late"})

    def test_p30_a_publisher_that_ignores_hold_loses_nothing(self):
        sluiced = self.broker("--queue-limit", "100k", "--hold", "16k")
        client, count = self.open(sluiced), 5000
        sending = Background(
            lambda: [client.say(b"PUB /queue/j", b"%d " % i + JOB)
                     for i in range(count)])
        sluiced.wait_stats(pauses=lambda n: n > 0)
        stats = sluiced.stats()
        self.assertLess(stats["parked_bytes"], 17 * KIB + len(JOB))
        self.assertLess(stats["queued_bytes"], 101 * KIB)
        numbers = [int(body.split(b" ")[0])
                   for body in self.drain(sluiced, count)]
        self.assertEqual(numbers, list(range(count)))
        sending.join()

    def test_p30_messages_of_many_sizes_come_whole_and_in_order(self):
        """Of several publishers, through headers and blocks of their own."""
        sizes = (0, 5, 900, 3000, 20000, 70000)
        sluiced = self.broker("--queue-limit", "30k", "--hold", "50k")
        senders = [self.open(sluiced) for _ in range(3)]

        def send(who):
            for i in range(60):
                head = b"PUB /queue/j" + (b" N=%d" % i if i % 3 else b"")
                senders[who].say(
                    head, b"%d %d " % (who, i) + b"y" * sizes[i % len(sizes)])
        sending = [Background(send, who) for who in range(3)]
        sluiced.wait_stats(parked_messages=lambda n: n > 3)
        got = {0: [], 1: [], 2: []}
        for body in self.drain(sluiced, 180):
            who, i, rest = body.split(b" ")
            self.assertEqual(len(rest), sizes[int(i) % len(sizes)])
            got[int(who)].append(int(i))
        self.assertEqual(list(got.values()), [list(range(60))] * 3)
        for thread in sending:
            thread.join()

    def test_p34_a_body_above_hold_is_parked_once_and_then_nothing_more(self):
        sluiced, client = self.full_queue()
        large = b"z" * MIB
        client.say(b"PUB /queue/j rid=1", large)
        client.say(b"PUB /queue/j rid=2", JOB)
        self.assertEqual(client.hear()[0], b"HOLD /queue/j")
        sluiced.wait_stats(parked_messages=1, paused_publishers=1)
        self.assertEqual(self.drain(sluiced, 3), [JOB, large, JOB])
        self.assertTrue(client.hear_until(b"OK rid=2"))

    def test_a_publisher_that_is_held_back_is_not_taken_for_dead(self):
        """Its PONG cannot be heard while it is not read."""
        sluiced, client = self.full_queue("--ping", "1s", "--hold", "1000")
        for _ in range(4):
            client.say(b"PUB /queue/j", JOB)
        self.assertEqual(client.hear_until(b"PING")[0], b"HOLD /queue/j")
        client.say(b"PONG")
        other = self.open(sluiced)
        for _ in range(3):  # three periods pass
            self.assertEqual(other.hear()[0], b"PING")
            other.say(b"PONG")
        self.assertEqual(self.drain(sluiced, 5), [JOB] * 5)
        self.assertIn(b"GO /queue/j", client.hear_until(b"GO"))


    def test_one_that_is_held_back_and_goes_is_noticed_in_a_period(self):
        """What it holds goes to the next, though its end was not read."""
        for ending in (b" ping=1s", b" ping=0s"):
            sluiced, client = self.full_queue("--ping", "1s", "--hold", "1000")
            worker = self.open(sluiced, ending)
            self.assertEqual(worker.ask(b"SUB /queue/j ack=yes"),
                             b"MSG /queue/j 1")
            for _ in range(4):
                worker.say(b"PUB /queue/j", JOB)
            self.assertEqual(worker.hear()[0], b"HOLD /queue/j")
            sluiced.wait_stats(paused_publishers=1)
            worker.close()
            heir = self.open(sluiced, b" ping=0s")
            self.assertEqual(heir.ask(b"SUB /queue/j"),
                             b"MSG /queue/j 1 try=2")
            sluiced.wait_stats(parked_bytes=0, dropped_parked=2)


class Leaving(ParkingTest):
    def test_bye_is_answered_when_what_was_parked_is_executed(self):
        sluiced, client = self.full_queue("--drain-timeout", "60s")
        client.say(b"PUB /queue/j rid=1", JOB).say(b"BYE rid=2")
        sluiced.wait_stats(parked_messages=1)
        self.assertEqual(self.drain(sluiced, 2), [JOB] * 2)
        self.assertEqual([client.hear()[0] for _ in range(3)],
                         [b"OK rid=1 seq=2 subs=1 held=1", b"OK rid=2", b"BYE"])
        self.assertEqual(client.wait_closed(), "eof")

    def test_p31_what_is_still_parked_after_the_drain_timeout_is_refused(self):
        sluiced, client = self.full_queue("--drain-timeout", "1s")
        client.say(b"PUB /queue/j rid=1", JOB).say(b"PUB /queue/j", JOB)
        client.say(b"REQ /queue/j rid=2", b"?").say(b"BYE rid=3")
        heads = client.hear_until(b"BYE")
        self.assertEqual(heads[-3:], [b"ERR draining rid=1", b"OK rid=3",
                                      b"BYE"])
        self.assertEqual(client.wait_closed(), "eof")
        sluiced.wait_stats(dropped_parked=2, parked_bytes=0)
        self.assertEqual(self.drain(sluiced, 1), [JOB])

    def test_the_end_of_input_executes_what_was_parked(self):
        """Also for a client that has closed, as a sender of a script does."""
        sluiced, client = self.full_queue("--drain-timeout", "60s")
        other = self.open(sluiced)
        client.say(b"PUB /queue/j", b"one").say(b"PUB /queue/j", JOB)
        other.say(b"PUB /queue/j", JOB)
        client.close()
        other.half_close()
        sluiced.wait_stats(messages_in=4)
        bodies = self.drain(sluiced, 4)
        self.assertEqual(sorted(bodies), sorted([JOB, JOB, JOB, b"one"]))
        self.assertEqual(sluiced.stats()["dropped_parked"], 0)

    def test_a_reset_drops_and_counts_what_was_parked(self):
        sluiced, client = self.full_queue()
        client.say(b"PUB /queue/j", JOB).say(b"PUB /queue/k", JOB)
        client.say(b"PUB /queue/k", JOB).ping(b"z")
        client.reset()
        sluiced.wait_stats(dropped_parked=2, parked_bytes=0)
        self.assertEqual(self.drain(sluiced, 1), [JOB])

    def test_a_parked_request_that_times_out_is_not_executed(self):
        sluiced = self.broker(*FULL)
        worker, client = self.worker(sluiced), self.open(sluiced)
        client.say(b"PUB /queue/j", JOB)
        self.assertEqual(worker.hear()[0], b"MSG /queue/j 1")
        client.say(b"REQ /queue/j rid=1 timeout=300ms", JOB)
        heads = client.hear_until(b"ERR timeout rid=1")
        self.assertEqual(heads, [b"HOLD /queue/j", b"ERR timeout rid=1"])
        worker.say(b"ACK /queue/j 1")
        self.assertEqual(client.hear()[0], b"GO /queue/j")
        self.assertEqual(worker.ping(b"z"), [])
        self.assertEqual(sluiced.stats()["parked_bytes"], 0)

    def test_a_parked_request_is_answered_when_it_had_room(self):
        sluiced = self.broker(*FULL)
        worker, client = self.worker(sluiced), self.open(sluiced)
        client.say(b"PUB /queue/j", JOB)
        self.assertEqual(worker.hear()[0], b"MSG /queue/j 1")
        client.say(b"REQ /queue/j rid=1 timeout=60s A=b", JOB)
        self.assertEqual(client.hear()[0], b"HOLD /queue/j")
        worker.say(b"ACK /queue/j 1")
        text, body = worker.hear()
        self.assertEqual((option(text, b"A"), body), (b"b", JOB))
        worker.say(b"PUB " + option(text, b"reply"), b"yes")
        self.assertIn(b"REP rid=1", client.hear_until(b"REP"))

    def test_p26_a_parked_request_whose_worker_has_gone_is_refused(self):
        sluiced = self.broker(*FULL)
        worker, client = self.worker(sluiced), self.open(sluiced)
        client.say(b"PUB /queue/j", JOB)
        self.assertEqual(worker.hear()[0], b"MSG /queue/j 1")
        client.say(b"REQ /queue/j rid=1 timeout=60s", JOB)
        self.assertEqual(client.hear()[0], b"HOLD /queue/j")
        worker.close()
        self.assertEqual(self.drain(sluiced, 1), [JOB])
        self.assertEqual(client.hear_until(b"ERR")[-1],
                         b"ERR no-responder rid=1")


if __name__ == "__main__":
    main()
