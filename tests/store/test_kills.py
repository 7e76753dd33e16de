# SPDX-License-Identifier: MIT
"""A broker that is killed, at any moment, loses nothing that it confirmed:
while it takes messages, rolls and compacts its segments, and while it opens the
journal.

SLUICE_KILLS=1000 kills it more often, SLUICE_SEED repeats the moments.
"""
import time

from durable import (DEADLINE, Consumer, DurableTest, Producer, chance, drain,
                     main, publish_and_say_goodbye, setting)

KILLS = setting("SLUICE_KILLS", 60)
SMALL = ("--journal-segment", "1m", "--journal-limit", "64m",
         "--journal-free", "0")
EACH_CONFIRMS = 100  # messages, at the least, before it is killed


class Kills(DurableTest):
    def kill_loaded(self, journal):
        """Producers and a consumer that lags; the kill comes when a number of
        messages by chance is confirmed."""
        broker = self.started(journal, *SMALL)
        traffic = [Producer(self.ledger, broker.address, batch=b, size=s)
                   for b, s in ((100, 100), (20, 3000), (2, 100))]
        traffic.append(Consumer(self.ledger, broker.address, credit=2000,
                                lag=chance.randrange(2000)))
        wanted = self.ledger.confirmed + chance.randrange(1, 2 * EACH_CONFIRMS)
        self.assertTrue(self.ledger.wait_confirmed(wanted, DEADLINE))
        broker.process.kill()
        for one in traffic:
            one.stop()
        broker.kill()

    def kill_opening(self, journal):
        """A kill some milliseconds after the start."""
        process = self.opening(journal)
        time.sleep(chance.uniform(0.001, 0.05))
        process.kill()
        process.wait()

    def test_what_was_confirmed_survives_every_kill(self):
        journal = self.journal()
        for number in range(KILLS):
            self.kill_loaded(journal)
            if number % 3 == 0:
                self.kill_opening(journal)
        broker = self.started(journal, *SMALL)
        publish_and_say_goodbye(self.ledger, broker.address)
        drain(self.ledger, broker.address)
        self.finish(broker)
        self.checked(journal)
        counts = self.settle(least=KILLS * EACH_CONFIRMS // 2, kills=KILLS)
        self.assertEqual(counts["delivered"] - counts["acknowledged"], 0)


if __name__ == "__main__":
    main()
