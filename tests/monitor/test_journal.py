# SPDX-License-Identifier: MIT
"""What watchers see of durable queues: counters, columns and metrics of the
journal, and the lines of the log that say what became of it."""
import json
import signal
import tempfile
import time

from monitor import DEADLINE, MonitorTest, main, request
from flushes import faults
from wire import KIB, MIB, Broker, frame

JOBS = b"/queue/jobs"
SIZES = {"--journal-segment": "1m", "--journal-limit": "16m",
         "--journal-free": "0", "--max-frame": "512k"}


def unit(text, body=b""):
    return frame(text) + frame(body)


class Journal(MonitorTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        self.folder = folder.name

    def durable(self, *args, **sizes):
        options = SIZES | {"--" + name.replace("_", "-"): value
                           for name, value in sizes.items()}
        words = [word for option in options.items() for word in option]
        return self.watched("--journal", self.folder, "--channel",
                            "/queue/jobs durable=yes limit=1g", *words, *args)

    def publish(self, sluiced, *messages):
        """Returns when they are on disk."""
        self.publisher(sluiced).publish(JOBS, *messages).goodbye().wait_closed()

    def channel(self, sluiced, wanted=lambda row: True, name="/queue/jobs"):
        """As soon as it is as wanted: an answer is for all who ask within a
        while."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            _, _, body = request(sluiced.http, "/stats")
            for row in json.loads(body)["channels"]["channels"]:
                if row["name"] == name and wanted(row):
                    return row
        raise TimeoutError(f"never as wanted: {body}")

    def test_without_a_journal_all_is_zero(self):
        sluiced = self.watched()
        self.assertEqual({value for name, value in sluiced.stats().items()
                          if name.startswith("journal_")}, {0})

    def test_counters_follow_what_is_written(self):
        """Each message is counted once, and shares its flush."""
        sluiced = self.durable()
        before = sluiced.stats()
        self.publish(sluiced, *[b"x" * KIB] * 300)
        stats = sluiced.wait_stats(journal_messages=300,
                                   journal_pending_bytes=0)
        self.assertGreaterEqual(stats["journal_live_bytes"], 300 * KIB)
        self.assertGreaterEqual(
            stats["journal_written_bytes"] - before["journal_written_bytes"],
            300 * KIB)
        flushes = stats["journal_flushes"] - before["journal_flushes"]
        self.assertGreater(flushes, 0)
        self.assertLess(flushes, 100)
        self.assertEqual(stats["journal_state"], 0)
        self.assertEqual(stats["journal_limit_bytes"], 16 * MIB)
        self.assertLessEqual(stats["journal_bytes"], 16 * MIB)
        self.assertGreater(stats["journal_flush_p50_us"], 0)
        self.assertGreaterEqual(stats["journal_flush_p99_us"],
                                stats["journal_flush_p50_us"])

    def test_what_is_done_is_no_longer_live(self):
        sluiced = self.durable()
        self.publish(sluiced, *[b"x" * KIB] * 100)
        self.subscriber(sluiced, JOBS).recv_many(100)
        stats = sluiced.wait_stats(journal_acks=100)
        self.assertEqual(stats["journal_live_bytes"], 0)

    def test_a_reload_changes_the_limit(self):
        config = self.enterContext(tempfile.TemporaryDirectory()) + "/config"

        def write(limit):
            with open(config, "w", encoding="ascii") as file:
                file.write(f"[journal]\nlimit = {limit}\n")
        write("16m")
        sluiced = self.broker("--journal", self.folder, "--journal-segment",
                              "1m", "-c", config)
        write("24m")
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=reloaded$")
        self.assertEqual(sluiced.stats()["journal_limit_bytes"], 24 * MIB)

    def test_columns_say_what_is_on_disk_alone_and_what_is_under_way(self):
        sluiced = self.durable(journal_limit="64m")
        self.publisher(sluiced).publish(b"/queue/other", b"x")
        self.publish(sluiced, *[b"x" * 10 * KIB] * 800)
        row = self.channel(sluiced, lambda row: row["depth"] == 800)
        self.assertEqual(row["durable"], 1)
        self.assertEqual(row["unacked"], 0)
        self.assertGreater(row["disk_bytes"], 4 * MIB)
        self.assertLess(row["disk_bytes"], row["bytes"])
        other = self.channel(sluiced, name="/queue/other")
        self.assertEqual((other["durable"], other["disk_bytes"]), (0, 0))
        worker = self.connect(sluiced)
        worker.send(unit(b"\0SLUICE/2") +
                    unit(b"SUB " + JOBS + b" ack=yes credit=7"))
        worker.recv_many(2 * 8)  # the greeting, and seven messages
        self.channel(sluiced, lambda row: row["unacked"] == row["held"] == 7)

    def test_metrics_have_them_in_seconds_and_bytes(self):
        sluiced = self.durable()
        self.publish(sluiced, b"x" * KIB)
        sluiced.wait_stats(journal_messages=1)
        _, _, body = request(sluiced.http, "/metrics")
        lines = body.decode().splitlines()
        for wanted in ("sluice_journal_state 0",
                       "sluice_journal_messages_total 1",
                       f"sluice_journal_limit_bytes {16 * MIB}",
                       'sluice_channel_durable{channel="/queue/jobs",'
                       'kind="queue"} 1'):
            self.assertIn(wanted, lines)
        name, value = next(line for line in lines if line.startswith(
            "sluice_journal_flush_p99_seconds ")).split()
        self.assertGreater(float(value), 0, name)

    def test_a_full_journal_is_logged_and_counted_until_there_is_room(self):
        sluiced = self.durable(journal_limit="4m")
        sender = self.publisher(sluiced)
        sender.flood(JOBS, 800, 10 * KIB)
        full = sluiced.wait_for_log("event=journal_full")
        self.assertEqual(full.level, "warning")
        self.assertEqual(full.fields["limit"], str(4 * MIB))
        self.assertLessEqual(int(full.fields["bytes"]), 4 * MIB)
        self.assertEqual(sluiced.stats()["journal_state"], 1)
        reader = self.subscriber(sluiced, JOBS)
        self.assertEqual(reader.recv_numbers(800), list(range(800)))
        sluiced.wait_for_log("event=journal_open_again")
        sluiced.wait_stats(journal_state=0, journal_pending_bytes=0)

    def faulty(self, **how):
        """A broker whose flushes are not what they should be."""
        sluiced = Broker("--journal", self.folder, "--channel",
                         "/queue/jobs durable=yes",
                         env=faults(self.enterContext(
                             tempfile.TemporaryDirectory()), **how))
        self.addCleanup(sluiced.kill)
        return sluiced

    def test_a_flush_that_takes_long_is_logged_while_it_does(self):
        sluiced = self.faulty(delay_ms=4000)
        self.publisher(sluiced).publish(JOBS, b"x")
        slow = sluiced.wait_for_log("event=journal_slow")
        self.assertEqual(slow.level, "warning")
        self.assertGreaterEqual(int(slow.fields["flushing_ms"]), 1000)

    def test_a_journal_that_has_failed_says_so(self):
        opened = self.faulty()
        flushes = opened.stats()["journal_flushes"]
        opened.kill()
        sluiced = self.faulty(fails_at=flushes + 8)
        sender = self.publisher(sluiced)
        until = time.monotonic() + DEADLINE
        while (not sluiced.log("event=journal_failed")
               and time.monotonic() < until):
            sender.publish(JOBS, b"x")
            sluiced.sync()
        self.assertEqual(sluiced.log("event=journal_failed")[0].level, "error")
        sluiced.wait_stats(journal_state=2)
        self.assertEqual(sluiced.stop().status, 1)


if __name__ == "__main__":
    main()
