# SPDX-License-Identifier: MIT
"""A terminal with a person at it: tmux, on a socket of its own."""
import os
import pathlib
import re
import shlex
import shutil
import subprocess
import tempfile
import time
import unittest

from people import DEADLINE

PAUSE = 0.02  # seconds between two looks at the screen


def is_running(pid):
    """A zombie is not: it is its parent's business when it is gone. Who goes
    between opening and reading is no such process (ESRCH)."""
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] != "Z"


class Terminal:
    """Runs one shell of `columns` by `rows`; looks at it until it shows what
    is awaited."""

    def __init__(self, case, columns=40, rows=14, env=None):
        if not shutil.which("tmux"):
            raise unittest.SkipTest("tmux is not installed")
        self.folder = tempfile.mkdtemp(prefix="sluice-tmux-")
        case.addCleanup(self._clean_up)
        variables = {"LC_ALL": "C.UTF-8", "PS1": "$ ", "ENV": "",
                     "HOME": self.folder, **(env or {})}
        settings = [f"{key}={value}" for key, value in variables.items()]
        self._tmux("-f", "/dev/null", "new-session", "-d", "-c", self.folder,
                   "-x", str(columns), "-y", str(rows), shlex.join(
                       ["env", "-u", "NO_COLOR", *settings, "sh"]))
        self.wait("$")

    def _tmux(self, *args):
        env = {k: v for k, v in os.environ.items() if k != "TMUX"}
        return subprocess.run(
            ["tmux", "-S", f"{self.folder}/tmux", *args], env=env, check=True,
            capture_output=True, text=True, timeout=DEADLINE).stdout

    def _clean_up(self):
        """The shell may write its history as it goes."""
        shell = int(self._tmux("display", "-p", "#{pane_pid}"))
        self._tmux("kill-server")
        self._wait(lambda: not is_running(shell), "the shell does not end")
        shutil.rmtree(self.folder)

    def type(self, text):
        self._tmux("send-keys", "-l", text)

    def press(self, *keys):
        self._tmux("send-keys", *keys)

    def resize(self, columns, rows):
        self._tmux("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self, *options):
        """Its lines down to the last that is not empty."""
        text = self._tmux("capture-pane", "-p", *options)
        return [line.rstrip() for line in text.rstrip("\n").split("\n")]

    def wait(self, *lines, options=()):
        """Until these are the last lines that are not empty."""
        def is_there():
            seen = [line for line in self.screen(*options) if line]
            return seen[-len(lines):] == list(lines)
        self._wait(is_there, f"wanted: {lines}")

    def wait_for(self, pattern):
        """Until a line matches; the line."""
        found = []

        def is_there():
            found[:] = [line for line in self.screen()
                        if re.search(pattern, line)]
            return found
        self._wait(is_there, f"no line matches {pattern!r}")
        return found[-1]

    def _wait(self, is_there, complaint):
        until = time.monotonic() + DEADLINE
        while not is_there():
            if time.monotonic() > until:
                raise AssertionError(f"{complaint}\nseen:\n" +
                                     "\n".join(self.screen()))
            time.sleep(PAUSE)
