# SPDX-License-Identifier: MIT
"""What `confirm=sync` promises: a message with its receipt is there after the
broker was killed, at any time, and what the journal has no room for is refused
and leaves no trace.

SLUICE_KILLS=100 kills more often."""
import os
import random
import signal
import tempfile

from daemon import Broker
from unit_client import OPENING, UnitClient, UnitsTest, option, unit
from wire import KIB, main

QUEUE = b"/queue/jobs"
PUB = b"PUB " + QUEUE + b" confirm=sync rid=%d"
KILLS = int(os.environ.get("SLUICE_KILLS", "6"))
WINDOW = 500


class Receipts(UnitsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def start(self, *args):
        sluiced = Broker("--journal", self.folder, "--journal-free", "0",
                         "--channel", "/queue/jobs durable=yes limit=10g",
                         *args)
        self.addCleanup(sluiced.kill)
        return sluiced

    def confirm(self, client, first, count, body=b"x"):
        """Publishes, and reads the receipts."""
        client.send(b"".join(unit(PUB % n, b"%d %s" % (n, body))
                             for n in range(first, first + count)))
        return [client.hear()[0] for _ in range(count)]

    def take(self, sluiced, count):
        """The bodies of the first messages, which are acknowledged."""
        worker = self.open(sluiced)
        worker.say(b"SUB " + QUEUE + b" ack=yes credit=1000")
        bodies = []
        while len(bodies) < count:
            head, body = worker.hear()
            self.assertTrue(head.startswith(b"MSG "), head)
            bodies.append(body)
            worker.say(b"ACK " + b" ".join(head.split()[1:3]))
        worker.ping(b"done")
        worker.close()
        return bodies

    def test_confirmed_messages_outlive_a_kill(self):
        """Numbers go on where they were."""
        killed = self.start()
        heads = self.confirm(self.open(killed), 0, 100)
        self.assertEqual([int(option(h, b"seq")) for h in heads],
                         list(range(1, 101)))
        self.assertTrue(all(option(h, b"sync") == b"1" for h in heads), heads)
        killed.kill()
        sluiced = self.start()
        self.assertEqual(self.take(sluiced, 100),
                         [b"%d x" % n for n in range(100)])
        head = self.confirm(self.open(sluiced), 100, 1)[0]
        self.assertEqual(option(head, b"seq"), b"101")

    def flood(self, sluiced, first, most):
        """Publishes until the broker is killed after so many receipts. Returns
        the numbers confirmed, and the next one."""
        client = UnitClient(sluiced.addresses[0])
        self.addCleanup(client.close)
        client.say(*OPENING)
        client.hear()
        confirmed, said = [], first
        try:
            while True:
                client.send(b"".join(unit(PUB % n, b"%d" % n)
                                     for n in range(said, said + WINDOW)))
                said += WINDOW
                for _ in range(WINDOW):
                    head = client.hear()[0]
                    self.assertEqual(option(head, b"sync"), b"1", head)
                    confirmed.append(int(option(head, b"rid")))
                    if len(confirmed) == most:
                        sluiced.kill()
        except (OSError, EOFError) as error:
            if sluiced.process.poll() is None:
                raise error
        return confirmed, said

    def test_a_kill_at_any_time_loses_nothing_that_was_confirmed(self):
        """Nor does anything come that was not published, or out of order."""
        chance, confirmed, said = random.Random(), [], 0
        for _ in range(KILLS):
            more, said = self.flood(self.start(), said,
                                    chance.randrange(1, 20 * WINDOW))
            confirmed += more
        sluiced = self.start()
        self.confirm(self.open(sluiced), said, 1)
        delivered = [int(body.split()[0]) for body in self.take(
            sluiced, sluiced.stats()["queued_messages"])]
        lost = set(confirmed) - set(delivered)
        print(f"kills {KILLS} attempted {said + 1} confirmed {len(confirmed)}"
              f" delivered {len(delivered)} lost {len(lost)}")
        self.assertEqual(lost, set())
        self.assertEqual(delivered, sorted(set(delivered)))
        self.assertEqual(delivered[-1], said)
        self.assertGreaterEqual(len(confirmed), KILLS)

    def test_a_stop_in_order_answers_everything_first(self):
        """A message is confirmed and kept, or refused and not kept."""
        sluiced, many = self.start(), 2000
        client = self.open(sluiced)
        client.send(b"".join(unit(PUB % n, b"%d" % n) for n in range(many)))
        heads = [client.hear()[0]]
        sluiced.signal(signal.SIGTERM)
        heads += client.hear_until(b"BYE")
        self.assertEqual(sluiced.wait().status, 0)
        said = {int(option(h, b"rid")): h for h in heads if option(h, b"rid")}
        confirmed = [n for n in said if b"sync=1" in said[n]]
        refused = [n for n in said if said[n].startswith(b"ERR draining")]
        self.assertEqual(sorted(confirmed + refused), sorted(said))
        sluiced = self.start()
        taken = self.take(sluiced, sluiced.stats()["queued_messages"])
        self.assertEqual([int(body) for body in taken], confirmed)

    def test_a_full_journal_refuses_until_there_is_room(self):
        """What it took before is confirmed, and all that it confirmed comes."""
        sluiced = self.start("--journal-limit", "4m", "--journal-segment",
                             "1m", "--max-frame", "512k")
        client, body, many = self.open(sluiced), b"b" * 10 * KIB, 500
        client.send(b"".join(unit(PUB % n, b"%d %s" % (n, body))
                             for n in range(many)))
        sluiced.wait_for_log("event=journal_(full|no_room)")
        late, total, answers, taken = self.open(sluiced), many, {}, []
        while not answers.get(total - 1, b"").startswith(b"ERR full"):
            answers[total] = late.ask(PUB % total, b"%d %s" % (total, body))
            total += 1
        while len(answers) < total:
            taken += self.take(sluiced, sluiced.stats()["queued_messages"])
            answers.update((int(option(head, b"rid")), head)
                           for head in client.ping(b"here")
                           if option(head, b"rid"))
        taken += self.take(sluiced, sluiced.stats()["queued_messages"])
        confirmed = [n for n in range(total) if b"sync=1" in answers[n]]
        refused = [n for n in range(total)
                   if answers[n].startswith(b"ERR full")]
        self.assertEqual(sorted(confirmed + refused), list(range(total)))
        came = [int(b.split()[0]) for b in taken]
        self.assertEqual(sorted(came), confirmed)
        self.assertEqual([n for n in came if n < many],
                         [n for n in confirmed if n < many])
        self.assertGreater(len(confirmed), 10)
        self.assertEqual(sluiced.stats()["journal_refused_messages"],
                         len(refused))
        self.assertEqual(option(late.ask(PUB % 1, b"1"), b"sync"), b"1")


if __name__ == "__main__":
    main()
