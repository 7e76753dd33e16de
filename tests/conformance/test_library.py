# SPDX-License-Identifier: MIT
"""libsluice passes the suite."""
import os
import subprocess
import sys
import unittest
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.append(str(FOLDER.parent))
from runner import main  # noqa: E402


class Suite(unittest.TestCase):
    def test_holds_in_every_scenario(self):
        done = subprocess.run(
            [sys.executable, "-B", FOLDER / "client.py", "-j", "3", "--",
             os.environ["LIBRARY_CLIENT"]],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


if __name__ == "__main__":
    main()
