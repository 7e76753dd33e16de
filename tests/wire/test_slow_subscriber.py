# SPDX-License-Identifier: MIT
"""Figure R2, scaled to some seconds: twenty stalled subscribers and a fast
one; memory within the bounds, nothing lost for the fast one."""
import time

from wire import KIB, WITH_TLS, Background, WireTest, main, numbered_pairs

TOPIC = b"/topic/telemetry"
STALLED, LIMIT_KIB = 20, KIB  # --client-limit 1m
SEALED_KIB = 272 if WITH_TLS else 0  # as good as sent, beside the limit
SECONDS, PER_TICK, TICK = 8, 80, 0.01  # 8,000 messages of 1 KiB per second


class SlowConsumerFlood(WireTest):
    def publish(self, sender, total):
        """A steady stream; the pauses are its rate, nothing waits for
        them."""
        begin = time.monotonic()
        for at in range(0, total, PER_TICK):
            sender.send(numbered_pairs(TOPIC, range(at, at + PER_TICK), KIB))
            due = begin + (at + PER_TICK) / PER_TICK * TICK
            time.sleep(max(0, due - time.monotonic()))

    def test_memory_stays_within_the_configured_bounds(self):
        """20 stalled, 1 fast: growth at most the sum of the bounds and
        10 %, the fast one loses 0, what is dropped is counted."""
        sluiced = self.broker("--client-limit", "1m", "--patience", "20ms")
        for _ in range(STALLED):
            self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        fast = self.subscriber(sluiced, TOPIC)
        sluiced.end_sync()
        before_stats = sluiced.wait_stats(connections=STALLED + 1)
        before = sluiced.rss_kb()
        total = int(SECONDS / TICK) * PER_TICK
        sender = self.publisher(sluiced)
        sending = Background(self.publish, sender, total)
        self.assertEqual(fast.recv_numbers(total), list(range(total)))
        sending.join()
        bound = (STALLED + 1) * LIMIT_KIB * 11 // 10
        sealed = (STALLED + 1) * SEALED_KIB
        # As plain text, which others share, and as records.
        self.assert_memory(sluiced.rss_kb() - before, bound + 2 * sealed)
        stats = sluiced.stats()
        self.assertEqual(stats["messages_in"] - before_stats["messages_in"],
                         total)
        dropped, out = stats["dropped_slow"], stats["messages_out"]
        out -= before_stats["messages_out"]
        self.assertGreater(dropped, STALLED * total // 2)
        held = (STALLED + 1) * total - out - dropped
        self.assertGreaterEqual(held, 0)
        self.assertLessEqual(held, bound + sealed)


if __name__ == "__main__":
    main()
