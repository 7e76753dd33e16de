# SPDX-License-Identifier: MIT
"""A disk that is full: publishers wait, what was confirmed is delivered and
acknowledged until nothing is left, and then there is room again, without a
restart, as often as it happens. In every other round another process takes what
is left on the disk, to the last byte.

SLUICE_ROUNDS=20 fills it more often.
"""
import contextlib
import os
import tempfile
import time

from durable import (DEADLINE, QUEUE, Consumer, DurableTest, Producer, drain,
                     loop_mount, main, mount, publish_and_say_goodbye, setting)
from ledger import body_of
from unit_client import OPENING, UnitClient, option

ROUNDS = setting("SLUICE_ROUNDS", 4)
SMALL = ("--journal-segment", "1m", "--journal-limit", "1g",
         "--journal-free", "0")
SIZES = (3000, 60, 200000)  # of messages, round by round
LEAST = 20  # messages of a round that are confirmed before it is full


def fill_rest(folder):
    """Another process takes what is left, to the last byte."""
    with contextlib.suppress(OSError), \
            open(f"{folder}/other", "wb", buffering=0) as file:
        for size in (1 << 20, 4096, 1):
            with contextlib.suppress(OSError):
                while file.write(b"x" * size):
                    pass


def drain_full(ledger, broker):
    """Takes and acknowledges everything while nothing can be published."""
    consumer = Consumer(ledger, broker.address, credit=1000)
    broker.wait_stats(queued_messages=0, held_messages=0)
    consumer.stop()
    broker.wait_stats(journal_state=0)


class Asker(UnitClient):
    """Publishes in version 2, so many messages at a time, and asks of each that
    it is on disk."""

    def __init__(self, ledger, address, number):
        super().__init__(address)
        self.ledger, self.number, self.count = ledger, number, 0
        self.ask(OPENING[0])

    def publish(self, size, window):
        """What became of them, in order."""
        keys = [(self.number, self.count + i) for i in range(window)]
        self.count += window
        self.ledger.attempt(keys)
        for key in keys:
            self.say(b"PUB %s confirm=sync rid=%d" % (QUEUE, key[1]),
                     body_of(*key, size))
        return [self.answer(key) for key in keys]

    def answer(self, key):
        head = self.hear()[0]
        assert option(head, b"rid") == b"%d" % key[1], head
        assert head.startswith((b"OK ", b"ERR full ")), head
        is_ok = head.startswith(b"OK ")
        self.ledger.answer([key], "confirmed" if is_ok else "refused")
        return is_ok


class Full(DurableTest):
    def fill(self, broker, size):
        """Publishes until there is no room; the publisher, which waits."""
        mark, before = broker.mark(), self.ledger.confirmed
        producer = Producer(self.ledger, broker.address, size=size,
                            batch=max(8, 300000 // size))
        broker.wait_for_log("event=journal_full", mark, deadline=4 * DEADLINE)
        producer.is_stopped = True
        self.assertGreaterEqual(self.ledger.confirmed - before, LEAST)
        return producer

    def one_round(self, broker, folder, number):
        """How many seconds it took until a message was confirmed, after the
        queue was empty."""
        producer = self.fill(broker, SIZES[number % len(SIZES)])
        mark = broker.mark()
        if number % 2:
            fill_rest(folder)
        consumer = Consumer(self.ledger, broker.address, credit=1000)
        broker.wait_for_log("event=journal_open_again", mark)
        producer.stop()
        consumer.stop()
        drain(self.ledger, broker.address)
        broker.wait_stats(queued_messages=0, held_messages=0)
        begin = time.monotonic()
        self.assertTrue(publish_and_say_goodbye(self.ledger, broker.address,
                                                count=1))
        took = time.monotonic() - begin
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{folder}/other")
        return took

    def answered(self, broker, folder, number):
        """Every message of version 2 is answered before there is space again:
        until it is full those that are on disk, then none."""
        asker = Asker(self.ledger, broker.address, -1 - number)
        size, window = SIZES[number % len(SIZES)], 1 + 15 * (number % 2)
        answers = [asker.publish(size, window)]
        if number % 2:
            fill_rest(folder)
        while all(answers[-1]):
            answers.append(asker.publish(size, window))
        self.assertIn(False, answers[-1])
        asker.close()
        drain_full(self.ledger, broker)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(f"{folder}/other")

    def rounds(self, folder):
        journal = f"{folder}/journal"
        os.mkdir(journal)
        broker = self.started(journal, *SMALL)
        for number in range(ROUNDS // 2):
            self.answered(broker, folder, number)
        worst = max(self.one_round(broker, folder, number)
                    for number in range(ROUNDS))
        drain(self.ledger, broker.address)
        self.assertEqual(broker.stats()["journal_state"], 0)
        self.finish(broker)
        self.checked(journal)
        self.settle(least=ROUNDS * LEAST, rounds=ROUNDS,
                    accepted_after_ms=round(1000 * worst))

    def test_a_full_tmpfs_can_be_drained_and_takes_messages_again(self):
        with mount("-t", "tmpfs", "-o", "size=16m", "tmpfs") as folder:
            self.rounds(folder)

    def test_a_full_ext4_can_be_drained_and_takes_messages_again(self):
        with tempfile.TemporaryDirectory() as work, loop_mount(
                f"{work}/disk", "24m", "mkfs.ext4", "-q", "-F") as folder:
            self.rounds(folder)


if __name__ == "__main__":
    main()
