# SPDX-License-Identifier: MIT
"""docs/journal.md is true: its reader reads, and its bytes are those of the
fixture."""
import pathlib
import re
import subprocess
import sys
import unittest

from stores import DEADLINE, main

HERE = pathlib.Path(__file__).resolve().parent
TEXT = (HERE.parents[1] / "docs/journal.md").read_text(encoding="utf-8")
FIXTURE = HERE / "version-1"
LINE = re.compile(r"^    ([0-9a-f]{8})((?:  ?[0-9a-f]{2}){16})$", re.M)


class Document(unittest.TestCase):
    def test_its_reader_prints_every_message(self):
        """Of whole batches, not of the torn one."""
        (code,) = re.findall(r"^```python\n(.*?)^```$", TEXT, re.M | re.S)
        done = subprocess.run([sys.executable, "-c", code, str(FIXTURE)],
                              capture_output=True, text=True,
                              timeout=DEADLINE, check=True)
        bodies = {1: "a", 2: "b" * 100, 3: "", 4: "c" * 3000, 5: "e", 6: "f"}
        self.assertEqual(done.stdout.splitlines(),
                         [f"1 {n} {bodies[n]}" for n in sorted(bodies)])

    def test_its_bytes_are_those_of_the_fixture(self):
        """Each line, at its offset."""
        data = (FIXTURE / "0000000000000001.seg").read_bytes()
        lines = LINE.findall(TEXT)
        self.assertGreater(len(lines), 15)
        for offset, octets in lines:
            at = int(offset, 16)
            self.assertEqual(bytes.fromhex(octets), data[at:at + 16], offset)


if __name__ == "__main__":
    main()
