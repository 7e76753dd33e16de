# SPDX-License-Identifier: MIT
"""The tests' ground: the command of tests/client and the terminal of
tests/commands, and waiting for a condition."""
import pathlib
import sys
import threading
import time

TESTS = pathlib.Path(__file__).resolve().parents[1]
sys.path += [str(TESTS / "client"), str(TESTS / "commands")]
from command import (DEADLINE, SLUICE, Process,  # noqa: E402,F401
                     main, run, skip)
from terminal import Terminal  # noqa: E402,F401

PAUSE = 0.05  # seconds between two looks


def wait_until(look, complaint):
    """The first value of look() that is true."""
    until = time.monotonic() + DEADLINE
    while not (found := look()):
        if time.monotonic() > until:
            raise AssertionError(complaint() if callable(complaint)
                                 else complaint)
        time.sleep(PAUSE)
    return found


class Pulse:
    """Does something again and again beside the test, until it is over."""

    def __init__(self, case, beat, interval=0.2):
        self._over = threading.Event()
        self._thread = threading.Thread(
            target=self._run, args=(beat, interval), daemon=True)
        case.addCleanup(self.stop)
        self._thread.start()

    def _run(self, beat, interval):
        number = 0
        while not self._over.wait(interval):
            number += 1
            beat(number)

    def stop(self):
        self._over.set()
        self._thread.join()
