# SPDX-License-Identifier: MIT
"""Requests of version 2: every one is answered once and in time, and one that
nobody waits for any more costs nothing."""
from unit_client import UnitsTest, option, unit
from wire import Background, KIB, main


class RequestsTest(UnitsTest):
    def responder(self, sluiced, channel=b"/svc", options=b""):
        client = self.open(sluiced)
        self.assertTrue(client.ask(b"SUB " + channel + options + b" rid=s")
                        .startswith(b"OK rid=s"))
        return client

    def address(self, responder):
        """Of the request that it gets next."""
        return option(responder.hear_until(b"MSG")[-1], b"reply")


class Replies(RequestsTest):
    def test_p27_the_first_reply_counts_and_the_second_is_gone(self):
        sluiced = self.broker()
        one, two = self.responder(sluiced), self.responder(sluiced)
        asker = self.open(sluiced)
        asker.say(b"REQ /svc rid=1", b"?")
        address = self.address(one)
        self.assertEqual(self.address(two), address)
        self.assertEqual(two.ask(b"PUB " + address + b" rid=1", b"two"),
                         b"OK rid=1")
        for late in (one, two):
            self.assertEqual(late.ask(b"PUB " + address + b" rid=2", b"late"),
                             b"ERR gone rid=2")
            late.say(b"PUB " + address, b"late")  # not even that is said
            self.assertEqual(late.ping(b"z"), [])
        self.assertEqual(asker.hear(), (b"REP rid=1", b"two"))
        self.assertEqual(asker.ping(b"z"), [])

    def test_p27_a_client_may_answer_itself(self):
        sluiced = self.broker()
        client = self.responder(sluiced)
        client.say(b"REQ /svc rid=1", b"?")
        address = self.address(client)
        client.say(b"PUB " + address + b" rid=2 A=b", b"!")
        self.assertEqual({client.hear(), client.hear()},
                         {(b"REP rid=1 A=b", b"!"), (b"OK rid=2", b"")})

    def test_a_reply_to_a_requester_that_has_gone_is_gone(self):
        sluiced = self.broker()
        responder = self.responder(sluiced)
        for leave in ("close", "reset", "half_close"):
            with self.subTest(leave=leave):
                asker = self.open(sluiced)
                asker.say(b"REQ /svc rid=1", b"?")
                address = self.address(responder)
                connections = sluiced.stats()["connections"]
                getattr(asker, leave)()
                if leave == "half_close":
                    self.assertEqual(asker.hear_until(b"BYE"),
                                     [b"ERR gone rid=1", b"BYE"])
                    asker.close()
                sluiced.wait_stats(connections=connections - 1)
                self.assertEqual(
                    responder.ask(b"PUB " + address + b" rid=1", b"late"),
                    b"ERR gone rid=1")

    def test_p25_a_reply_after_the_time_is_gone(self):
        sluiced = self.broker()
        responder, asker = self.responder(sluiced), self.open(sluiced)
        asker.say(b"REQ /svc rid=1 timeout=10ms", b"?")
        address = self.address(responder)
        self.assertEqual(asker.hear()[0], b"ERR timeout rid=1")
        self.assertEqual(responder.ask(b"PUB " + address + b" rid=1", b"late"),
                         b"ERR gone rid=1")
        self.assertEqual(asker.ping(b"z"), [])

    def test_p25_a_request_of_a_dead_worker_goes_to_the_next(self):
        sluiced = self.broker()
        queue, asker = b"/queue/svc", self.open(sluiced)
        dead = self.responder(sluiced, queue, b" ack=yes")
        asker.say(b"REQ /queue/svc rid=1 timeout=60s", b"?")
        address = self.address(dead)
        dead.reset()
        alive = self.responder(sluiced, queue, b" ack=yes")
        text, body = alive.hear()
        self.assertEqual((option(text, b"try"), body), (b"2", b"?"))
        self.assertEqual(option(text, b"reply"), address)
        alive.say(b"PUB " + address, b"!").say(b"ACK /queue/svc 1")
        self.assertEqual(asker.hear(), (b"REP rid=1", b"!"))


class NoRoom(RequestsTest):
    """The requester has more than 64 KiB of answers that it does not take."""
    PINGS, TOKEN = 150000, b"token-%054d"  # more than any socket takes

    def stalled(self, sluiced, *rids):
        """A client that has asked, and then reads nothing; the addresses, and
        a thread that still sends."""
        responder = self.responder(sluiced)
        asker = self.open(sluiced, rcvbuf=4 * KIB)
        for rid in rids:
            asker.say(b"REQ /svc timeout=1h rid=" + rid, b"?")
        addresses = [self.address(responder) for _ in rids]
        sending = Background(asker.send, b"".join(
            unit(b"PING " + self.TOKEN % i) for i in range(self.PINGS)))
        self.wait_stalled(sluiced)
        return responder, asker, addresses, sending

    def wait_stalled(self, sluiced):
        """Returns when turns pass in which the broker writes nothing."""
        turns, bytes_out = 0, -1
        while turns < 20:
            stats = sluiced.wait_stats(paused_publishers=1)
            turns = turns + 1 if stats["bytes_out"] == bytes_out else 0
            bytes_out = stats["bytes_out"]

    def read(self, asker, sending):
        """All that it was owed, but for the pongs."""
        last = b"PONG " + self.TOKEN % (self.PINGS - 1)
        heads = asker.hear_until(last)
        sending.join()
        heads += asker.ping(b"z")
        return [text for text in heads if not text.startswith(b"PONG")]

    def test_a_reply_waits_until_the_requester_takes_its_answers(self):
        sluiced = self.broker("--patience", "1h")
        responder, asker, (one, two), sending = self.stalled(sluiced, b"1",
                                                             b"2")
        responder.say(b"PUB " + one + b" rid=1", b"small")
        responder.say(b"PUB " + two + b" rid=2 A=b", b"x" * 100 * KIB)
        self.assertEqual(responder.ping(b"z"), [])  # nor is it held up
        self.assertGreater(sluiced.stats()["parked_bytes"], 100 * KIB)
        self.assertEqual(responder.ask(b"PUB " + one + b" rid=3"),
                         b"ERR gone rid=3")
        self.assertEqual(self.read(asker, sending),
                         [b"REP rid=1", b"REP rid=2 A=b"])
        self.assertEqual([responder.hear()[0], responder.hear()[0]],
                         [b"OK rid=1", b"OK rid=2"])
        self.assertEqual(sluiced.stats()["parked_bytes"], 0)

    def test_after_patience_both_sides_are_told_slow(self):
        sluiced = self.broker("--patience", "200ms")
        responder, asker, (one,), sending = self.stalled(sluiced, b"1")
        self.assertEqual(responder.ask(b"PUB " + one + b" rid=1", b"!"),
                         b"ERR slow rid=1")
        self.assertEqual(sluiced.stats()["parked_bytes"], 0)
        self.assertEqual(self.read(asker, sending), [b"ERR slow rid=1"])
        self.assertEqual(responder.ask(b"PUB " + one + b" rid=2"),
                         b"ERR gone rid=2")

    def test_a_reply_whose_requester_goes_meanwhile_is_gone(self):
        sluiced = self.broker("--patience", "1h")
        responder, asker, (one,), sending = self.stalled(sluiced, b"1")
        responder.say(b"PUB " + one + b" rid=1", b"!")
        self.assertEqual(responder.ping(b"z"), [])
        asker.half_close()  # a socket that a thread uses is not closed
        self.assertRaises(OSError, sending.join)
        asker.reset()
        self.assertEqual(responder.hear()[0], b"ERR gone rid=1")
        self.assertEqual(sluiced.stats()["parked_bytes"], 0)

    def test_a_replier_that_says_goodbye_has_replied(self):
        sluiced = self.broker("--patience", "1h")
        responder, asker, (one,), sending = self.stalled(sluiced, b"1")
        responder.say(b"PUB " + one + b" rid=1", b"!").say(b"BYE rid=2")
        self.assertEqual([responder.hear()[0] for _ in range(3)],
                         [b"OK rid=1", b"OK rid=2", b"BYE"])
        self.assertEqual(self.read(asker, sending), [b"REP rid=1"])

    def test_another_may_reply_when_the_replier_has_gone(self):
        sluiced = self.broker("--patience", "1h")
        responder, asker, (one,), sending = self.stalled(sluiced, b"1")
        responder.say(b"PUB " + one, b"lost").ping(b"z")
        responder.reset()
        sluiced.wait_stats(parked_bytes=0)
        other = self.open(sluiced)
        other.say(b"PUB " + one + b" rid=1", b"found").ping(b"z")
        self.assertEqual(self.read(asker, sending), [b"REP rid=1"])
        self.assertEqual(other.hear()[0], b"OK rid=1")


class Ended(RequestsTest):
    """A worker with credit 1 holds one job, so that requests wait."""

    def busy_worker(self, sluiced):
        worker = self.responder(sluiced, b"/queue/svc", b" ack=yes")
        worker.say(b"PUB /queue/svc", b"job")
        self.assertEqual(worker.hear()[0], b"MSG /queue/svc 1")
        return worker

    def test_a_request_whose_time_is_over_is_not_delivered(self):
        sluiced = self.broker()
        worker, asker = self.busy_worker(sluiced), self.open(sluiced)
        for i in range(5):
            asker.say(b"REQ /queue/svc rid=%d timeout=20ms" % i, b"?")
        for _ in range(5):
            self.assertTrue(asker.hear()[0].startswith(b"ERR timeout"))
        asker.say(b"REQ /queue/svc rid=9 timeout=60s", b"alive")
        asker.ping(b"z")
        worker.say(b"ACK /queue/svc 1")
        text, body = worker.hear()
        self.assertEqual(body, b"alive")
        self.assertEqual(sluiced.stats()["dropped_requests"], 5)
        worker.say(b"PUB " + option(text, b"reply"), b"!")
        self.assertEqual(asker.hear(), (b"REP rid=9", b"!"))

    def test_a_request_of_a_client_that_has_gone_is_not_delivered(self):
        sluiced = self.broker()
        worker, asker = self.busy_worker(sluiced), self.open(sluiced)
        asker.say(b"REQ /queue/svc rid=1 timeout=1h", b"?").ping(b"z")
        asker.close()
        sluiced.wait_stats(connections=1)
        worker.say(b"ACK /queue/svc 1")
        self.assertEqual(worker.ping(b"z"), [])
        sluiced.wait_stats(dropped_requests=1, queued_messages=0)

    def test_one_that_came_back_is_not_delivered_again(self):
        sluiced = self.broker()
        worker, asker = self.responder(sluiced, b"/queue/svc",
                                       b" ack=yes"), self.open(sluiced)
        asker.say(b"REQ /queue/svc rid=1 timeout=50ms", b"?")
        self.assertTrue(self.address(worker))
        self.assertEqual(asker.hear()[0], b"ERR timeout rid=1")
        worker.say(b"NAK /queue/svc 1 delay=0s")
        self.assertEqual(worker.ping(b"z"), [])
        sluiced.wait_stats(dropped_requests=1, queued_messages=0)

    def test_dead_requests_do_not_keep_a_queue_full(self):
        """Nobody takes anything: the worker's window is shut."""
        sluiced = self.broker("--queue-limit", "1000")
        worker, asker = self.busy_worker(sluiced), self.open(sluiced)
        asker.say(b"REQ /queue/svc rid=1 timeout=300ms", b"x" * 900)
        asker.ping(b"z")
        other = self.open(sluiced)
        other.say(b"PUB /queue/svc rid=2", b"y" * 500)
        self.assertEqual(asker.hear()[0], b"ERR timeout rid=1")
        self.assertEqual(other.hear_until(b"OK")[-1],
                         b"OK rid=2 seq=3 subs=1 held=1")
        self.assertEqual(worker.ping(b"z"), [])
        self.assertEqual(sluiced.stats()["dropped_requests"], 1)


if __name__ == "__main__":
    main()
