# SPDX-License-Identifier: MIT
"""Runs a file of tests and answers for those that were skipped.

    runner.main()                runs the tests of the file that was started
    runner.skip(why)             skips that whole file
    runner.py PROGRAM [ARG]...   runs a program that prints "SKIP: why" for each
                                 test that it skips, or exits with 77

The last lines of the output say how many tests were skipped, and why. In CI
($CI is "true") a skip fails unless tests/skips.txt expects it.

With $TESTS_SECOND_TRY, as .ci/run sets it, a test that failed alone in its
file is run once more, by itself: what passes then is reported as UNSTEADY, a
bug to be mended that does not stop others. What fails twice has failed.
"""
import atexit
import fnmatch
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

SKIPPED = 77
TESTS = pathlib.Path(__file__).resolve().parent
EXPECTED = TESTS / "skips.txt"
MARK = "SKIP: "


def isolate():
    """Brokers of this run put their local sockets into a folder of its own,
    where commands that it starts look for them."""
    folder = tempfile.TemporaryDirectory(prefix="sluice-run-")
    atexit.register(folder.cleanup)
    os.environ["XDG_RUNTIME_DIR"] = folder.name


def started_file():
    """As skips.txt calls it: the path below tests/."""
    path = pathlib.Path(sys.modules["__main__"].__file__).resolve()
    return str(path.relative_to(TESTS))


def expected():
    """The lines `FILE: REASON`; an asterisk stands for anything."""
    lines = EXPECTED.read_text().splitlines()
    return [line for line in lines if line and not line.startswith("#")]


def is_expected(name, why):
    return any(fnmatch.fnmatchcase(f"{name}: {why}", line)
               for line in expected())


def status_of_skips(name, reasons, is_whole):
    """Reports them; the exit status of a file that has not failed."""
    strange = []
    if os.environ.get("CI") == "true":
        strange = [why for why in reasons if not is_expected(name, why)]
    for why in strange:
        print(f"FAIL: tests/skips.txt does not expect '{name}: {why}'")
    sys.stdout.flush()
    if strange:
        return 1
    return SKIPPED if is_whole else 0


def report(skipped, total):
    """skipped: rows (test, why)."""
    if skipped:
        print(f"skipped {len(skipped)} of {total}:")
    for test, why in skipped:
        print(f"{MARK}{test}: {why}")


def skip(why):
    print(f"{MARK}{why}")
    sys.exit(status_of_skips(started_file(), [why], True))


def is_unsteady(result):
    """Whether the only test that failed passes by itself."""
    failed = {getattr(test, "test_case", test).id()
              for test, _ in result.failures + result.errors}
    if not os.environ.get("TESTS_SECOND_TRY") or len(failed) != 1:
        return False
    name = failed.pop().removeprefix("__main__.")
    sys.stderr.write(f"\nsecond try: {name}\n")
    try:
        again = unittest.defaultTestLoader.loadTestsFromName(
            name, sys.modules["__main__"])
    except AttributeError:  # the setting up of a class or module
        return False
    second = unittest.TextTestRunner(verbosity=2).run(again)
    if second.testsRun and second.wasSuccessful():
        print(f"UNSTEADY: {name}")
        return True
    return False


def main():
    isolate()
    program = unittest.main(module="__main__", exit=False, verbosity=2)
    result = program.result
    if not result.wasSuccessful() and not is_unsteady(result):
        sys.exit(1)
    report([(test.id().removeprefix("__main__."), why)
            for test, why in result.skipped], result.testsRun)
    sys.exit(status_of_skips(
        started_file(), [why for _, why in result.skipped],
        bool(result.skipped) and len(result.skipped) >= result.testsRun))


def run_program(command):
    """Its exit status, or that of what it skipped."""
    reasons = []
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True,
                          stderr=subprocess.STDOUT) as process:
        for line in process.stdout:
            sys.stdout.write(line)
            if line.startswith(MARK):
                reasons.append(line.removeprefix(MARK).strip())
    if process.returncode not in (0, SKIPPED):
        print(f"status {process.returncode}")
        return 1
    name = pathlib.Path(command[0]).name
    is_whole = process.returncode == SKIPPED
    if reasons and not is_whole:
        print(f"skipped {len(reasons)}: {'; '.join(sorted(set(reasons)))}")
    return status_of_skips(name, reasons or ["no reason"] * is_whole, is_whole)


if __name__ == "__main__":
    isolate()
    sys.exit(run_program(sys.argv[1:]))
