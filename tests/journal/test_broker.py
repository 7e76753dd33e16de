# SPDX-License-Identifier: MIT
"""What a broker has written, `sluice journal` reads: while the broker runs,
after it was killed, and after it stopped in order."""
import json
import os
import pathlib
import re
import subprocess
import sys

from stores import DEADLINE, SLUICE, JournalTest, main

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "wire"))
from daemon import Broker  # noqa: E402

RULE = "/queue/jobs durable=yes limit=10g"


class WithBroker(JournalTest):
    def setUp(self):
        super().setUp()
        self.write({})

    def start(self):
        broker = Broker("--journal", str(self.dir), "--journal-limit=16m",
                        "--max-frame=1m", "--channel", RULE)
        self.addCleanup(broker.kill)
        return broker

    def sluice(self, broker, *args):
        """Runs a command to its end; what it prints."""
        done = subprocess.run([SLUICE, *args], capture_output=True, text=True,
                              env={**os.environ,
                                   "SLUICE_SERVER": broker.address},
                              timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout.splitlines()

    def waiting(self):
        """The messages of a sound journal."""
        check = self.journal("check")
        self.assertEqual((check.returncode, self.damage(check)), (0, []),
                         check.text)
        return [line.decode() for line in self.bodies("/queue/jobs")]


class Written(WithBroker):
    def test_headers_are_dumped_before_the_message(self):
        """As `sluice listen --headers` prints them; JSON always has them."""
        broker = self.start()
        self.sluice(broker, "send", "--confirm", "sync", "-H", "Unit=C", "-H",
                    "Note=a b", "/queue/jobs", "x")
        self.sluice(broker, "send", "--confirm", "sync", "/queue/jobs", "y")
        broker.kill()
        shown = self.journal("dump", "--headers", "--channel", "/queue/jobs")
        self.assertEqual(shown.text.splitlines(), ["Unit=C Note=a%20b x", "y"])
        lines = self.journal("dump", "--format", "json").text.splitlines()
        self.assertEqual([json.loads(line).get("headers") for line in lines],
                         [{"Unit": "C", "Note": "a b"}, None])

    def test_what_was_sent_is_there_after_a_kill(self):
        """And is delivered by the next broker, in order."""
        broker = self.start()
        self.sluice(broker, "send", "/queue/jobs", "a", "b", "c")
        self.assertEqual(self.waiting(), ["a", "b", "c"])
        self.assertRegex(self.journal("check").text,
                         rf"used by process {broker.process.pid}\n")
        broker.kill()
        self.assertEqual(self.waiting(), ["a", "b", "c"])
        broker = self.start()
        self.assertEqual(self.sluice(broker, "listen", "--count", "3",
                                     "/queue/jobs"), ["a", "b", "c"])

    def test_after_a_stop_all_is_sealed(self):
        """With what was not taken."""
        broker = self.start()
        self.sluice(broker, "send", "/queue/jobs", *map(str, range(500)))
        broker.stop()
        self.assertEqual(self.waiting(), [str(n) for n in range(500)])
        text = self.journal("check").text
        self.assertTrue(re.search(r"sealed.*, newest", text), text)


if __name__ == "__main__":
    main()
