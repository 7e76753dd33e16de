# SPDX-License-Identifier: MIT
"""Version 2 at the bounds that both versions share: places in reserve, answers
that nobody takes, the policy disconnect."""
import re

from unit_client import UnitsTest, option, unit
from wire import Background, KIB, MIB, main

QUEUE = b"/queue/j"


class Reserve(UnitsTest):
    """All places but one are taken by publishers to a full queue."""
    PLACES = 16

    def full(self):
        sluiced = self.broker("--max-connections", str(self.PLACES),
                              "--queue-limit", "1k")
        for number in range(self.PLACES):
            client = self.open(sluiced)
            client.say(b"PUB " + QUEUE, b"x" * 600)
            if number > 0:
                sluiced.wait_stats(parked_messages=number)
        return sluiced

    def test_a_publisher_in_reserve_has_to_go(self):
        sluiced = self.full()
        late = self.open(sluiced)
        late.say(b"PUB " + QUEUE + b" rid=1", b"in the way")
        self.assertEqual(late.hear()[0], b"BYE")
        sluiced.wait_for_log("event=closed .*reason=no_place")
        stats = sluiced.wait_stats(closed_no_place=1)
        self.assertEqual(stats["messages_in"], self.PLACES)

    def test_a_worker_in_reserve_may_stay_and_publish(self):
        for pattern in (QUEUE, b"/queue/**"):
            with self.subTest(pattern=pattern):
                sluiced = self.full()
                worker = self.open(sluiced)
                worker.say(b"SUB " + pattern + b" ack=yes")
                self.assertEqual(worker.hear()[0], b"MSG /queue/j 1")
                worker.say(b"PUB " + QUEUE, b"in its own way")
                worker.ping(b"z")
                sluiced.wait_stats(parked_messages=self.PLACES)
                for number in range(1, self.PLACES + 1):
                    worker.say(b"ACK /queue/j %d" % number)
                    heads = worker.hear_until(b"MSG")
                    self.assertEqual(heads[-1],
                                     b"MSG /queue/j %d" % (number + 1))


class Answers(UnitsTest):
    def test_p34_a_publisher_that_takes_no_receipts_rests_and_goes_on(self):
        """64 KiB of receipts are kept; none is lost, all in order."""
        sluiced = self.broker()
        client, count = self.open(sluiced, rcvbuf=4 * KIB), 150000
        reader = self.subscriber(sluiced, b"/t")
        sending = Background(client.send, b"".join(
            unit(b"PUB /t rid=%d" % i, b"x") for i in range(count)))
        sluiced.wait_stats(pauses=lambda n: n > 0)
        self.assertLess(sluiced.stats()["memory_bytes"], MIB)
        other = self.open(sluiced)
        self.assertEqual(other.ask(b"PING z"), b"PONG z")
        self.publisher(sluiced).publish(b"/u", b"v1")
        for i in range(count):
            text = client.hear()[0]
            self.assertEqual(option(text, b"rid"), b"%d" % i)
            self.assertEqual(option(text, b"seq"), b"%d" % (i + 1))
        sending.join()
        self.assertEqual(reader.recv_many(count), [b"x"] * count)


class Disconnect(UnitsTest):
    def test_a_reader_too_slow_for_its_policy_hears_why(self):
        """ERR overrun and BYE; the log says so, and it is counted once."""
        sluiced = self.broker("--channel",
                              "/t policy=disconnect client-limit=64k")
        reader = self.open(sluiced, rcvbuf=4 * KIB)
        self.assertEqual(reader.ask(b"SUB /t rid=1"), b"OK rid=1 seq=0")
        writer = self.open(sluiced)
        for i in range(1000):
            text = writer.ask(b"PUB /t rid=%d" % i, b"x" * 16 * KIB)
            if option(text, b"subs") == b"0":
                break
        self.assertEqual(option(text, b"seq"), b"0")
        heads = reader.hear_until(b"BYE")
        self.assertEqual(heads[-2:], [b"ERR overrun", b"BYE"])
        reader.close()
        line = sluiced.wait_for_log("event=closed .*reason=overrun")
        self.assertTrue(re.search(r"conn=\d+", str(line)))
        self.assertEqual(sluiced.stats()["closed_slow"], 1)


if __name__ == "__main__":
    main()
