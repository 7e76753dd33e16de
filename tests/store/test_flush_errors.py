# SPDX-License-Identifier: MIT
"""A flush of the journal that fails is final: nothing is confirmed any more,
durable queues stand still, the rest of the broker runs on, the exit status is
1, and the next broker finds everything that was confirmed. One that fails while
the journal is opened keeps the broker from starting.

Each of the first SLUICE_FLUSHES fails in turn.
"""
import tempfile

from durable import (Consumer, DurableTest, Producer, drain, faults, main,
                     run_sluiced, setting)

FLUSHES = setting("SLUICE_FLUSHES", 50)
SMALL = ("--journal-segment", "256k", "--journal-limit", "16m",
         "--journal-free", "0", "--max-frame", "1m")
QUIET = ("--feed", "off", "--control", "off")


class FlushErrors(DurableTest):
    def setUp(self):
        super().setUp()
        self.library = self.enterContext(tempfile.TemporaryDirectory())
        self.refused = 0  # starts

    def has_started(self, journal, number):
        """The broker whose n-th flush fails; None: it is one of the start."""
        try:
            return self.started(journal, *SMALL,
                                env=faults(self.library, fails_at=number))
        except AssertionError:
            said = run_sluiced("--listen", "127.0.0.1:0", "--journal",
                               self.journal(), *SMALL, *QUIET,
                               env=faults(self.library, fails_at=number))
            self.assertEqual(said.returncode, 1, said.stderr)
            self.assertIn("Input/output error", said.stderr)
            self.refused += 1
            return None

    def is_alive(self, broker):
        """What is not durable goes on."""
        watcher = self.subscriber(broker, b"/topic/alive")
        self.publisher(broker).publish(b"/topic/alive", b"yes")
        self.assertEqual(watcher.recv(), b"yes")

    def fail(self, broker):
        """Publishes until the flush fails; nothing is confirmed or handed out
        after that, not even by the end."""
        producer = Producer(self.ledger, broker.address, batch=4)
        broker.wait_for_log("event=journal_failed")
        before = self.ledger.confirmed
        late = Producer(self.ledger, broker.address, batch=4)
        consumer = Consumer(self.ledger, broker.address)
        self.is_alive(broker)
        broker.sync()
        self.assertEqual(self.ledger.counts()["delivered"], self.delivered)
        self.assertEqual(broker.stop().status, 1)
        for one in (producer, late, consumer):
            one.stop()
        self.assertEqual(self.ledger.confirmed, before, "confirmed afterwards")

    def fail_at(self, number):
        journal = self.journal()
        self.delivered = self.ledger.counts()["delivered"]
        broker = self.has_started(journal, number)
        if broker:
            self.fail(broker)
        again = self.started(journal, *SMALL)
        drain(self.ledger, again.address)
        self.finish(again)
        self.checked(journal)

    def test_nothing_is_confirmed_after_a_flush_that_failed(self):
        for number in range(1, 1 + FLUSHES):
            with self.subTest(flush=number):
                self.fail_at(number)
        self.settle(least=FLUSHES, starts_refused=self.refused)
        self.assertGreater(self.refused, 0)
        self.assertLess(self.refused, FLUSHES / 2)


if __name__ == "__main__":
    main()
