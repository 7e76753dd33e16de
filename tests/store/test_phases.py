# SPDX-License-Identifier: MIT
"""Signals, kills and clocks in every phase of a broker with a journal: while it
opens it, works, waits for the disk, and stops. What was confirmed is there
afterwards, and comes once.

SLUICE_KILLS=100 kills the opening more often."""
import contextlib
import glob
import os
import pathlib
import signal
import subprocess
import tempfile
import time

from durable import (DEADLINE, QUEUE, SLUICED, DurableTest, chance, drain,
                     faults, main, publish_and_say_goodbye, setting)
from wire import KIB, Background, is_sanitised

KILLS = setting("SLUICE_KILLS", 20)
SMALL = ("--journal-segment", "256k", "--journal-limit", "16m",
         "--journal-free", "0", "--max-frame", "1m")


class PhaseTest(DurableTest):
    def setUp(self):
        super().setUp()
        self.library = self.enterContext(tempfile.TemporaryDirectory())

    def faulty(self, journal, *args, **how):
        return self.started(journal, *SMALL, *args,
                            env=faults(self.library, **how))

    def opening(self, journal, **how):
        """A process that is about to open it; nobody waits for that."""
        process = subprocess.Popen(
            [SLUICED, "--listen", "127.0.0.1:0", "--journal", journal, *SMALL,
             "--channel", "/queue/durable durable=yes", "--control", "off",
             "--feed", "off"],
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
            env=os.environ | faults(self.library, **how))
        self.addCleanup(process.stderr.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def process_of(self, journal):
        """That of the broker which has the journal, or had it."""
        with open(f"{journal}/LOCK", encoding="ascii") as lock:
            return int(lock.read() or 0)

    def filled(self, count=300):
        """A journal of a few segments, whose broker was killed."""
        journal = self.journal()
        broker = self.started(journal, *SMALL)
        for size in (100, 3000):
            publish_and_say_goodbye(self.ledger, broker.address, count=count,
                                    size=size)
        broker.kill()
        return journal

    def settle_all(self, journal):
        """All that was confirmed is there, and nothing comes twice."""
        broker = self.started(journal, *SMALL)
        drain(self.ledger, broker.address)
        self.finish(broker)
        self.checked(journal)
        counts = self.settle(least=1)
        self.assertEqual(counts["duplicated"], 0)


class Opening(PhaseTest):
    def test_a_kill_at_each_flush_of_the_opening_loses_nothing(self):
        """Before the flush; until one comes that opening does not get to."""
        journal = self.filled()
        for number in range(1, 100):
            process = self.opening(journal, kills_at=number)
            line = process.stderr.readline()
            while line and "event=listening" not in line:
                line = process.stderr.readline()
            if line:
                break
            self.assertEqual(process.wait(DEADLINE), -signal.SIGKILL)
        self.assertIn(number, range(3, 100))
        process.kill()
        process.wait()
        self.settle_all(journal)

    def test_a_kill_at_any_time_of_the_opening_loses_nothing(self):
        journal = self.filled()
        for _ in range(KILLS):
            process = self.opening(journal)
            time.sleep(chance.uniform(0.001, 0.05))
            process.kill()
            process.wait()
        self.settle_all(journal)

    def test_a_reload_waits_until_the_broker_has_started(self):
        """As do the counters; neither ends it."""
        journal = self.filled()
        process = self.opening(journal, opening_ms=300)
        while self.process_of(journal) != process.pid:
            self.assertIsNone(process.poll())
        process.send_signal(signal.SIGHUP)
        process.send_signal(signal.SIGUSR1)
        missing = {"event=stats", "event=reloaded"}
        while missing:
            line = process.stderr.readline()
            self.assertNotEqual(line, "", missing)
            missing -= set(line.split())
        process.terminate()
        process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)
        self.settle_all(journal)


class Stopping(PhaseTest):
    def waits_for_signal(self, pid):
        """As it does when its loop has ended."""
        folder = f"/proc/{pid}/fd"
        for name in os.listdir(folder):
            with contextlib.suppress(FileNotFoundError):
                if "signalfd" in os.readlink(f"{folder}/{name}"):
                    return True
        return False

    def test_a_second_signal_ends_the_wait_for_the_disk(self):
        """For a client that has said goodbye: it is reset."""
        journal = self.journal()
        broker = self.faulty(journal, "--drain-timeout", "1h", delay_ms=60000)
        client = self.publisher(broker).publish(QUEUE, b"x")
        ending = Background(client.goodbye().wait_closed)
        broker.wait_stats(journal_pending_bytes=lambda n: n > 0)
        broker.signal()
        broker.wait_for_log("event=stopping")
        broker.signal()
        self.assertEqual(ending.join(), "reset")
        self.assertEqual(broker.wait().status, 0)
        self.assertEqual(len(broker.log("event=journal_left")), 1)

    def test_a_second_signal_ends_the_completion_of_the_journal(self):
        """The clients are gone by then, and nothing waits but the disk."""
        journal = self.journal()
        broker = self.faulty(journal, "--drain-timeout", "1h", delay_ms=60000)
        self.publisher(broker).publish(QUEUE, b"x").close()
        broker.wait_stats(journal_pending_bytes=lambda n: n > 0)
        broker.end_sync()
        broker.signal()
        broker.wait_for_log("event=stopping")
        while not self.waits_for_signal(broker.process.pid):
            self.assertIsNone(broker.process.poll())
        broker.signal()
        self.assertEqual(broker.wait().status, 0)
        self.assertEqual(len(broker.log("event=journal_left")), 1)

    def test_reloads_are_heard_or_refused_in_every_phase(self):
        """While flushes are slow, and while it stops; it lives."""
        journal = self.journal()
        broker = self.faulty(journal, delay_ms=20)
        stop = Background(publish_and_say_goodbye, self.ledger, broker.address,
                          QUEUE, 500)
        for count in range(1, 6):
            broker.signal(signal.SIGHUP)
            broker.wait_for_log("event=reloaded ?", count=count)
        stop.join()
        broker.signal()
        broker.signal(signal.SIGHUP)
        self.assertEqual(broker.wait().status, 0)
        self.settle_all(journal)


class Clocks(PhaseTest):
    def set_clock(self, offset):
        """Writes the file that libfaketime reads again at each call."""
        part = self.clock.with_suffix(".part")
        part.write_text(f"{offset}\n")
        part.rename(self.clock)

    def test_a_clock_that_jumps_by_a_day_loses_nothing(self):
        """Forward and back, while the broker works, and from one to the
        next."""
        libraries = glob.glob("/usr/lib/*/faketime/libfaketimeMT.so.1")
        if not libraries:
            self.skipTest("faketime is not installed")
        if is_sanitised():
            self.skipTest("a sanitizer does not go with a preloaded library")
        self.clock = pathlib.Path(self.library) / "clock"
        journal = self.journal()
        for offset in ("+0d", "+1d", "-1d"):
            self.set_clock(offset)
            broker = self.started(journal, *SMALL, env={
                "LD_PRELOAD": libraries[0],
                "FAKETIME_TIMESTAMP_FILE": str(self.clock),
                "FAKETIME_DONT_FAKE_MONOTONIC": "1", "FAKETIME_NO_CACHE": "1"})
            for again in ("-1d", "+1d", offset):
                publish_and_say_goodbye(self.ledger, broker.address, size=KIB)
                self.set_clock(again)
            broker.kill()
        self.settle_all(journal)


if __name__ == "__main__":
    main()
