# SPDX-License-Identifier: MIT
"""Power is cut: what the disk holds at that instant is enough to find everything
that was confirmed.

The journal lies in a file system in a file; the file lies on another one that
copies by reference, so a copy is a picture of the disk, without what is only in
the memory of the kernel. SLUICE_CUTS=200 takes more pictures. Where
every flush succeeds and does nothing, messages must be lost, or this test
proves nothing.
"""
import contextlib
import os
import tempfile

from durable import (DEADLINE, Consumer, DurableTest, Ledger, Producer, chance,
                     drain, faults, loop_mount, main, mount, run, setting)

CUTS = setting("SLUICE_CUTS", 20)
SMALL = ("--journal-segment", "1m", "--journal-limit", "256m",
         "--journal-free", "0")
LEAST = 50  # messages that are confirmed between two cuts


class Power(DurableTest):
    @contextlib.contextmanager
    def disk(self):
        """(folder of the journal, a function that takes a picture of its disk
        and mounts it)."""
        with contextlib.ExitStack() as stack:
            work = stack.enter_context(tempfile.TemporaryDirectory())
            outer = stack.enter_context(loop_mount(
                f"{work}/outer", "2g", "mkfs.xfs", "-q", "-m", "reflink=1"))
            disk = f"{outer}/disk"
            inner = stack.enter_context(loop_mount(
                disk, "512m", "mkfs.ext4", "-q", "-F"))
            journal = f"{inner}/journal"
            os.mkdir(journal)
            run("sync", "-f", journal)

            @contextlib.contextmanager
            def picture():
                copy = f"{outer}/picture"
                run("cp", "--reflink=always", disk, copy)
                try:
                    with mount("-o", "loop", copy) as folder:
                        yield f"{folder}/journal"
                finally:
                    os.unlink(copy)

            yield journal, picture

    def losses(self, ledger, journal, confirmed, acknowledged):
        """Opens the picture: which of `confirmed` were not acknowledged and are
        not there."""
        try:
            broker = self.started(journal, *SMALL)
        except AssertionError:  # it does not start: nothing is left
            return confirmed
        found = Ledger()
        found.state = dict(ledger.state)
        drain(found, broker.address)
        self.finish(broker)
        self.assertEqual(found.unexpected, 0)
        return [key for key in confirmed
                if not found.deliveries[key] and key not in acknowledged]

    def cut(self, ledger, picture):
        """One cut; how many confirmed messages it lost. What is confirmed is
        noted before the picture is taken, what is acknowledged behind it."""
        wanted = ledger.confirmed + LEAST + chance.randrange(4 * LEAST)
        self.assertTrue(ledger.wait_confirmed(wanted, DEADLINE))
        with ledger.changed:
            confirmed = [key for key, state in ledger.state.items()
                         if state == "confirmed"]
        with picture() as journal:
            with ledger.changed:
                acknowledged = set(ledger.acknowledged)
            return len(self.losses(ledger, journal, confirmed, acknowledged))

    def cuts(self, count, env=None):
        """How many of them lost something."""
        with self.disk() as (journal, picture):
            broker = self.started(journal, *SMALL, env=env)
            traffic = [Producer(self.ledger, broker.address, batch=b, size=s)
                       for b, s in ((100, 100), (20, 3000))]
            traffic.append(Consumer(self.ledger, broker.address, credit=20000,
                                    lag=10000))
            lost = [self.cut(self.ledger, picture) for _ in range(count)]
            broker.process.kill()
            for one in traffic:
                one.stop()
            broker.kill()
        return lost

    def test_what_was_confirmed_survives_every_cut(self):
        lost = self.cuts(CUTS)
        counts = self.ledger.report(cuts=CUTS, cuts_with_losses=sum(
            n > 0 for n in lost))
        self.assertEqual(sum(lost), 0, "confirmed messages that are lost")
        self.assertGreaterEqual(counts["confirmed"], CUTS * LEAST)

    def test_without_flushing_messages_are_lost(self):
        """The control: the test above sees what it is meant to see."""
        with tempfile.TemporaryDirectory() as folder:
            lost = self.cuts(6, env=faults(folder, does_nothing=True))
        self.ledger.report(cuts_with_losses=sum(n > 0 for n in lost))
        self.assertGreaterEqual(sum(n > 0 for n in lost), 2)


if __name__ == "__main__":
    main()
