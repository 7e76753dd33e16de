# SPDX-License-Identifier: MIT
"""The wall clock jumps a day forwards and two days back while messages flow:
none is lost, no client is closed, no timeout is early; only the log's times
follow."""
import glob
import pathlib
import sys
import tempfile
import unittest

from installed import ROOT, main, skip

sys.path.append(str(ROOT / "tests/wire"))
from daemon import Broker, is_sanitised  # noqa: E402

LIBRARIES = glob.glob("/usr/lib/*/faketime/libfaketime.so.1")
MESSAGES = 200


class Jumps(unittest.TestCase):
    def set_clock(self, offset):
        """Writes the file that libfaketime reads again at each call."""
        part = self.file.with_suffix(".part")
        part.write_text(f"{offset}\n")
        part.rename(self.file)

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
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "clock"
        self.set_clock("+0d")
        broker = Broker(env={"LD_PRELOAD": LIBRARIES[0],
                             "FAKETIME_TIMESTAMP_FILE": str(self.file),
                             "FAKETIME_DONT_FAKE_MONOTONIC": "1",
                             "FAKETIME_NO_CACHE": "1"})
        self.addCleanup(broker.kill)
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


if __name__ == "__main__":
    if not LIBRARIES:
        skip("faketime is not installed")
    if is_sanitised():
        skip("a sanitizer does not go with a preloaded library")
    main()
