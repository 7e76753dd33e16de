# SPDX-License-Identifier: MIT
"""Nothing is skipped in silence: a file says how many of its tests were and
why, and CI accepts only what tests/skips.txt expects."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path.append(str(TESTS))
from runner import main  # noqa: E402

CASE = """import pathlib, sys, unittest
sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from runner import main, skip

class Case(unittest.TestCase):
    def test_a(self):
        {a}

    def test_b(self):
        {b}

{start}
"""
SKIPPING = "self.skipTest('no moon')"
PROGRAM = "#!/bin/sh\necho 'SKIP: no moon'\nexit {status}\n"


class Runner(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-runner-")
        self.addCleanup(folder.cleanup)
        self.tests = pathlib.Path(folder.name)
        shutil.copy(TESTS / "runner.py", self.tests)
        (self.tests / "night").mkdir()
        self.expect()

    def expect(self, *lines):
        text = "\n".join(["# what is expected", "", *lines, ""])
        (self.tests / "skips.txt").write_text(text)

    def run_tests(self, a="pass", b="pass", start="main()", **env):
        path = self.tests / "night/test_moon.py"
        path.write_text(CASE.format(a=a, b=b, start=start))
        return self.run_command([sys.executable, path], **env)

    def run_program(self, status, ci=""):
        path = self.tests / "moon"
        path.write_text(PROGRAM.format(status=status))
        path.chmod(0o755)
        return self.run_command(
            [sys.executable, self.tests / "runner.py", path], ci=ci)

    def run_command(self, command, ci="", second_try=""):
        env = {**os.environ, "CI": ci, "TESTS_SECOND_TRY": second_try}
        done = subprocess.run(command, capture_output=True, text=True,
                              timeout=60, env=env, check=False)
        return done.returncode, done.stdout.splitlines()

    def test_a_file_without_skips_says_nothing_of_them(self):
        self.assertEqual(self.run_tests(ci="true"), (0, []))

    def test_a_failure_is_a_failure(self):
        self.expect("night/test_moon.py: no moon")
        self.assertEqual(self.run_tests("self.fail()", SKIPPING), (1, []))

    def test_what_passes_at_its_second_try_is_reported_where_that_is_asked_for(
            self):
        fails_once = ("path = pathlib.Path(__file__).with_name('seen'); "
                      "seen = path.exists(); path.touch(); "
                      "self.assertTrue(seen)")
        self.assertEqual(self.run_tests(fails_once, second_try="1"),
                         (0, ["UNSTEADY: Case.test_a"]))
        (self.tests / "night/seen").unlink()
        self.assertEqual(self.run_tests(fails_once), (1, []))

    def test_what_fails_twice_has_failed(self):
        self.assertEqual(self.run_tests("self.fail()", second_try="1"),
                         (1, []))

    def test_two_failures_are_no_accident(self):
        fails_once = ("path = pathlib.Path(__file__).with_name(self.id()); "
                      "seen = path.exists(); path.touch(); "
                      "self.assertTrue(seen)")
        self.assertEqual(
            self.run_tests(fails_once, fails_once, second_try="1"), (1, []))

    def test_some_that_were_skipped_are_the_last_lines(self):
        self.assertEqual(self.run_tests("print('words')", SKIPPING),
                         (0, ["words", "skipped 1 of 2:",
                              "SKIP: Case.test_b: no moon"]))

    def test_a_file_of_which_all_were_skipped_is_skipped(self):
        self.assertEqual(self.run_tests(SKIPPING, SKIPPING)[0], 77)

    def test_ci_fails_on_a_skip_that_is_not_expected(self):
        status, lines = self.run_tests(b=SKIPPING, ci="true")
        self.assertEqual(status, 1)
        self.assertEqual(lines[-1], "FAIL: tests/skips.txt does not expect "
                         "'night/test_moon.py: no moon'")

    def test_ci_accepts_a_skip_that_is_expected(self):
        self.expect("night/test_moon.py: no *")
        self.assertEqual(self.run_tests(b=SKIPPING, ci="true")[0], 0)
        self.assertEqual(self.run_tests(SKIPPING, SKIPPING, ci="true")[0], 77)

    def test_what_is_expected_of_one_file_is_not_of_another(self):
        self.expect("day/test_moon.py: no moon", "night/test_moon.py: no sun")
        self.assertEqual(self.run_tests(b=SKIPPING, ci="true")[0], 1)

    def test_a_whole_file_may_be_skipped(self):
        start = "skip('no moon')"
        self.assertEqual(self.run_tests(start=start),
                         (77, ["SKIP: no moon"]))
        self.assertEqual(self.run_tests(start=start, ci="true")[0], 1)
        self.expect("night/test_moon.py: no moon")
        self.assertEqual(self.run_tests(start=start, ci="true")[0], 77)

    def test_a_program_says_itself_what_it_skips(self):
        self.assertEqual(self.run_program(0),
                         (0, ["SKIP: no moon", "skipped 1: no moon"]))
        self.assertEqual(self.run_program(0, ci="true")[0], 1)
        self.assertEqual(self.run_program(77, ci="true")[0], 1)
        self.expect("moon: no moon")
        self.assertEqual(self.run_program(0, ci="true")[0], 0)
        self.assertEqual(self.run_program(77, ci="true")[0], 77)
        self.assertEqual(self.run_program(3)[0], 1)


if __name__ == "__main__":
    main()
