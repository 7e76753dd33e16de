# SPDX-License-Identifier: MIT
"""The broker stops: clients of version 2 are told, may finish what they have,
and the broker's BYE is the last unit that they hear."""
import signal

from unit_client import UnitsTest, option, unit
from wire import main

HOUR = ("--drain-timeout", "60m")  # a test that waits for it fails


class StoppingTest(UnitsTest):
    def begin_stop(self, sluiced, *clients, drain=b"3600s"):
        """Each of the clients hears that the broker stops."""
        sluiced.signal(signal.SIGTERM)
        for client in clients:
            text = client.hear_until(b"INFO")[-1]
            self.assertEqual(option(text, b"drain"), drain)
            self.assertEqual(option(text, b"conn"),
                             option(client.info, b"conn"))

    def assert_bye(self, *clients):
        for client in clients:
            self.assertEqual(client.hear()[0], b"BYE")
            self.assertEqual(client.wait_closed(), "eof")

    def worker(self, sluiced, *jobs):
        """It holds the first of the jobs."""
        worker = self.open(sluiced)
        self.assertEqual(worker.ask(b"SUB /queue/j ack=yes rid=1"), b"OK rid=1")
        sender = self.open(sluiced)
        for job in jobs:
            self.assertTrue(sender.ask(b"PUB /queue/j rid=1", job)
                            .startswith(b"OK"))
        self.assertEqual(worker.hear(), (b"MSG /queue/j 1", jobs[0]))
        return worker, sender


class Stopping(StoppingTest):
    def test_idle_clients_are_told_and_do_not_delay(self):
        sluiced = self.broker(*HOUR)
        clients = [self.open(sluiced) for _ in range(3)]
        self.assertEqual(clients[0].ask(b"SUB /t rid=1"), b"OK rid=1 seq=0")
        self.assertEqual(clients[1].ask(b"SUB /queue/j ack=yes rid=1"),
                         b"OK rid=1")
        self.begin_stop(sluiced, *clients)
        self.assert_bye(*clients)
        self.assertEqual(sluiced.wait().status, 0)

    def test_a_stopping_broker_begins_nothing_new(self):
        sluiced = self.broker(*HOUR)
        worker, sender = self.worker(sluiced, b"job")
        self.begin_stop(sluiced, worker, sender)
        for text in (b"SUB /t rid=1", b"PUB /t rid=1", b"REQ /queue/j rid=1",
                     b"PUB /queue/j rid=1"):
            self.assertEqual(sender.ask(text), b"ERR draining rid=1")
        self.assertEqual(sender.ask(b"PING z"), b"PONG z")
        self.assertEqual(sender.ask(b"UNSUB /t rid=2"), b"ERR gone rid=2")
        self.assertEqual(worker.ask(b"ACK /queue/j 1 rid=2"), b"OK rid=2")
        self.assert_bye(worker, sender)

    def test_workers_finish_what_was_accepted(self):
        """With one at a time, acknowledged or not at first."""
        sluiced = self.broker(*HOUR)
        worker, sender = self.worker(sluiced, b"one", b"two", b"three")
        self.begin_stop(sluiced, worker, sender)
        worker.say(b"ACK /queue/j 1")
        self.assertEqual(worker.hear(), (b"MSG /queue/j 2", b"two"))
        worker.say(b"NAK /queue/j 2 delay=50ms")
        self.assertEqual(worker.hear(), (b"MSG /queue/j 3", b"three"))
        worker.say(b"ACK /queue/j 3")
        self.assertEqual(worker.hear(), (b"MSG /queue/j 2 try=2", b"two"))
        self.assertEqual(worker.ask(b"ACK /queue/j 2 rid=9"), b"OK rid=9")
        self.assert_bye(worker, sender)
        report = sluiced.wait()
        self.assertEqual(report.counters["dropped_stopping"], 0)
        self.assertEqual(report.counters["acked"], 3)

    def test_replies_still_count(self):
        sluiced = self.broker(*HOUR)
        responder, asker = self.open(sluiced), self.open(sluiced)
        self.assertEqual(responder.ask(b"SUB /svc rid=1"), b"OK rid=1 seq=0")
        asker.say(b"REQ /svc rid=7 timeout=1h", b"?")
        address = option(responder.hear()[0], b"reply")
        self.begin_stop(sluiced, responder, asker)
        self.assertEqual(responder.ask(b"PUB " + address + b" rid=2", b"!"),
                         b"OK rid=2")
        self.assertEqual(asker.hear(), (b"REP rid=7", b"!"))
        self.assert_bye(responder, asker)

    def test_p31_every_request_is_answered_before_bye(self):
        """When the time is over, and nobody has replied."""
        sluiced = self.broker("--drain-timeout", "300ms")
        worker, asker = self.worker(sluiced, b"job")
        self.assertEqual(worker.ask(b"SUB /svc rid=1"), b"OK rid=1 seq=0")
        asker.say(b"REQ /svc rid=7 timeout=1h", b"?")
        self.assertTrue(worker.hear()[0].startswith(b"MSG /svc 1"))
        self.begin_stop(sluiced, worker, asker, drain=b"300ms")
        self.assertEqual(asker.hear()[0], b"ERR gone rid=7")
        self.assert_bye(asker, worker)
        report = sluiced.wait()
        self.assertEqual(report.status, 0)
        self.assertEqual(report.counters["dropped_stopping"], 1)

    def test_p31_what_has_no_answer_before_bye_was_not_executed(self):
        """And what has, was: a consumer gets exactly that."""
        sluiced = self.broker(*HOUR)
        reader = self.subscriber(sluiced, b"/queue/j")
        sender, count = self.open(sluiced), 3000
        units = [unit(b"PUB /queue/j rid=%d" % i, b"%d" % i)
                 for i in range(count)]
        sender.send(b"".join(units[:count // 2]))
        self.assertEqual(reader.recv(), b"0")  # the broker is at it
        sluiced.signal(signal.SIGTERM)
        sender.send(b"".join(units[count // 2:]))
        heads = sender.hear_until(b"BYE")
        done = {option(text, b"rid") for text in heads if text[:2] == b"OK"}
        refused = {option(text, b"rid") for text in heads if text[:3] == b"ERR"}
        self.assertFalse(done & refused)
        got = reader.recv_until_closed()
        self.assertEqual({b"0", *got}, done)
        self.assertEqual(len(got) + 1, len(done))

    def test_what_was_sent_before_the_stop_is_executed(self):
        """Also if the broker reads it only then."""
        sluiced = self.broker(*HOUR)
        client = self.open(sluiced)
        sluiced.signal(signal.SIGSTOP)
        client.send(unit(b"SUB /t rid=1") + unit(b"PUB /t rid=2", b"x"))
        sluiced.signal(signal.SIGTERM)
        sluiced.signal(signal.SIGCONT)
        heads = client.hear_until(b"BYE")
        self.assertIn(b"OK rid=2 seq=1 subs=1 drop=0", heads)
        self.assertIn(b"MSG /t 1 new=1", heads)

    def test_what_is_parked_is_executed_if_its_queue_empties(self):
        sluiced = self.broker("--queue-limit", "1000", *HOUR)
        worker, sender = self.worker(sluiced, b"x" * 600)
        sender.say(b"PUB /queue/j rid=2", b"y" * 600)
        self.assertEqual(sender.hear()[0], b"HOLD /queue/j")
        self.begin_stop(sluiced, worker, sender)
        worker.say(b"ACK /queue/j 1")
        self.assertEqual(worker.hear(), (b"MSG /queue/j 2", b"y" * 600))
        self.assertIn(b"OK rid=2 seq=2 subs=1 held=1",
                      [sender.hear()[0], sender.hear()[0]])
        self.assertEqual(worker.ask(b"ACK /queue/j 2 rid=9"), b"OK rid=9")
        self.assert_bye(worker, sender)

    def test_what_is_parked_forever_is_refused(self):
        sluiced = self.broker("--queue-limit", "1000", *HOUR)
        sender = self.open(sluiced)
        for i in range(3):
            sender.say(b"PUB /queue/j rid=%d" % i, b"x" * 600)
        self.assertEqual(sender.hear_until(b"HOLD")[-1], b"HOLD /queue/j")
        self.begin_stop(sluiced, sender)
        self.assertEqual(sender.hear_until(b"BYE")[:-1],
                         [b"ERR draining rid=1", b"ERR draining rid=2"])
        self.assertEqual(sluiced.wait().counters["dropped_parked"], 2)


if __name__ == "__main__":
    main()
