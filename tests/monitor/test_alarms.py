# SPDX-License-Identifier: MIT
"""The alarms that come with the broker are those of the document, can be
loaded, and ask for metrics that there are."""
import pathlib
import re
import shutil
import subprocess
import unittest

from monitor import MonitorTest, main, request

ROOT = pathlib.Path(__file__).resolve().parents[2]
RULES = ROOT / "packaging/prometheus/sluice.rules.yml"
DOCUMENT = ROOT / "docs/monitoring.md"
EXPRESSION = re.compile(r"^        expr: >-\n          (.+)$", re.M)
METRIC = re.compile(r"\bsluice_\w+")


class Alarms(MonitorTest):
    def rules(self):
        return EXPRESSION.findall(RULES.read_text())

    def test_they_are_those_of_the_document(self):
        text = DOCUMENT.read_text()
        table = text[text.index("### Alarms worth setting"):]
        cells = re.findall(r"^\| (`.+?) \| ", table[:table.index("\nThe lag")],
                           re.M)
        self.assertEqual(self.rules(), [
            " and ".join(re.findall("`(.+?)`", cell)) for cell in cells])

    @unittest.skipUnless(shutil.which("promtool"), "no promtool")
    def test_they_can_be_loaded(self):
        done = subprocess.run(["promtool", "check", "rules", str(RULES)],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""), done.stdout)

    def test_they_ask_for_metrics_that_there_are(self):
        broker = self.watched()
        self.publisher(broker).publish(b"/queue/a", b"x")
        broker.wait_stats(queued_messages=1)
        text = request(broker.http, "/metrics")[2].decode()
        there = set(METRIC.findall(text))
        asked = {name for rule in self.rules() for name in METRIC.findall(rule)}
        self.assertGreater(len(asked), 25)
        self.assertEqual(asked - there, set())


if __name__ == "__main__":
    main()
