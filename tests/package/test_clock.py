# SPDX-License-Identifier: MIT
"""The wall clock jumps a day forwards and two days back while messages flow:
none is lost, no client is closed, no timeout is early; only the log's times
follow, and what is said of certificates."""
import datetime
import glob
import pathlib
import sys
import tempfile
import unittest

from installed import ROOT, main, skip

sys.path.append(str(ROOT / "tests/wire"))
import certificates  # noqa: E402
from daemon import Broker, is_sanitised  # noqa: E402

LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
MESSAGES = 200


class Clock(unittest.TestCase):
    def broker(self, *args):
        """It goes by a wall clock that the test sets."""
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "clock"
        self.set_clock("+0d")
        broker = Broker(*args, env={"LD_PRELOAD": LIBRARIES[0],
                                    "FAKETIME_TIMESTAMP_FILE": str(self.file),
                                    "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                                    "FAKETIME_NO_CACHE": "1",
                                    "NO_FAKE_STAT": "1"})
        self.addCleanup(broker.kill)
        return broker

    def set_clock(self, offset):
        """Writes the file that libfaketime reads again at each call."""
        part = self.file.with_suffix(".part")
        part.write_text(f"{offset}\n")
        part.rename(self.file)


class Jumps(Clock):
    def flow(self, publisher, subscriber):
        for number in range(MESSAGES):
            publisher.publish(b"/topic/t", b"%d" % number)
        for number in range(MESSAGES):
            self.assertEqual(subscriber.recv(), b"%d" % number)

    def day_of_log(self, broker):
        since = broker.mark()
        broker.stats()
        return broker.log("event=stats", since)[0].text[:10]

    def test_a_day_forwards_and_back(self):
        broker = self.broker()
        subscriber = broker.connect().subscribe(b"/topic/t")
        publisher = broker.connect().subscribe(b"/null")
        broker.sync(subscriber)
        days = [self.day_of_log(broker)]
        for offset in ("+1d", "-1d", "+0d"):
            self.set_clock(offset)
            self.flow(publisher, subscriber)
            days.append(self.day_of_log(broker))
        self.assertEqual(len(set(days)), 3, days)  # the clock did jump
        stats = broker.stats()
        self.assertEqual((stats["closed"], stats["closed_timeout"],
                          stats["dropped_slow"]), (0, 0, 0))
        publisher.close()
        subscriber.close()
        self.assertEqual(broker.stop().status, 0)


class Certificates(Clock):
    """Their end is announced, and said to have come, by the wall clock."""

    def jump(self, broker, offset, pattern):
        since = broker.mark()
        self.set_clock(offset)
        return broker.wait_for_log(pattern, since).fields

    def test_they_end_in_30_7_and_1_days_and_then_have_ended(self):
        end = datetime.datetime.now() + datetime.timedelta(days=100)
        certificates.folder().certificate(
            "ends", "DNS:localhost", dates=("20200101000000Z",
                                            end.strftime("%Y%m%d%H%M%SZ")))
        broker = self.broker(*certificates.server_options("ends"))
        stats = broker.stats()
        self.assertEqual(stats["tls_certificates"], 1)
        days = stats["tls_certificate_expires_seconds"] / 86400
        self.assertTrue(99 < days <= 101, days)
        for offset, left in ("+92.9d", "7"), ("+93.1d", "6"), ("+99.5d", "0"):
            line = self.jump(broker, offset, "event=tls_ends_soon")
            self.assertEqual(line["days_left"], left)
            self.assertTrue(line["file"].endswith("/ends.pem"), line)
        self.jump(broker, "+102d", " error event=tls_expired file=.*/ends.pem")
        broker.wait_stats(tls_certificate_expires_seconds=0)
        self.jump(broker, "+102.1d", " error event=tls_expired")
        self.assertEqual(len(broker.log("event=tls_e")), 5)


if __name__ == "__main__":
    if not LIBRARIES:
        skip("faketime is not installed")
    if is_sanitised():
        skip("a sanitizer does not go with a preloaded library")
    main()
