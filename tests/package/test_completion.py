# SPDX-License-Identifier: MIT
"""The completions, in the shells they are for: what there is after Tab."""
import os
import pathlib
import shutil
import sys
import unittest

from installed import ROOT, main

sys.path.append(str(ROOT / "tests/commands"))
from terminal import Terminal  # noqa: E402

FOLDER = ROOT / "packaging/completions"
BIN = str(pathlib.Path(os.environ["SLUICE"]).parent)


class Completion:
    def start(self, shell, start, *commands):
        """Nothing is typed before the shell has said that it listens: it may
        throw away what came earlier."""
        if not shutil.which(shell):
            self.skipTest(f"{shell} is not installed")
        self.prompt = f"{shell}$"
        path = f"{BIN}:{os.environ['PATH']}"
        self.terminal = Terminal(self, columns=100, env={"PATH": path})
        self.enter(f"clear; PS1='{self.prompt} ' exec {start}")
        self.terminal.wait(self.prompt)
        for command in commands:
            self.enter(f"{command}; echo done")
            self.terminal.wait("done", self.prompt)
            self.enter("clear; echo clean")
            self.terminal.wait("clean", self.prompt)

    def enter(self, line):
        self.terminal.type(line)
        self.terminal.press("Enter")

    def check(self, typed, completed):
        self.terminal.type(typed)
        self.terminal.press("Tab")
        self.terminal.wait(f"{self.prompt} {completed}")
        self.terminal.press("C-u")
        self.terminal.wait("clean", self.prompt)

    def test_commands(self):
        self.check("sluice li", "sluice listen")
        self.check("sluice help pi", "sluice help ping")
        self.check("sluice --vers", "sluice --version")

    def test_options(self):
        self.check("sluice listen --timeo", "sluice listen --timeout")
        self.check("sluice listen /a --no", "sluice listen /a --no-reconnect")
        self.check("sluice bench --v", "sluice bench --v2")
        self.check("sluiced --drain", "sluiced --drain-timeout")
        self.check("sluice send --serv", "sluice send --server")
        self.check("sluice send --verb", "sluice send --verbose")

    def test_words_of_an_option(self):
        self.check("sluice listen --format j", "sluice listen --format json")
        self.check("sluice tap --format r", "sluice tap --format raw")
        self.check("sluiced --log-level w", "sluiced --log-level warning")
        self.check("sluiced --log-format j", "sluiced --log-format json")
        self.check("sluiced --log-level=w", "sluiced --log-level=warning")

    def test_addresses(self):
        (pathlib.Path(self.terminal.folder) / "my.sock").touch()
        self.terminal.type("sluice send --server")
        self.terminal.press("Tab")  # the option is whole: what it takes
        self.check("lo", "sluice send --server localhost:25000")
        self.check("sluice send --server unix:my",
                   "sluice send --server unix:my.sock")
        self.check("sluiced --listen=unix:my", "sluiced --listen=unix:my.sock")

    def test_channels(self):
        self.check("sluice send /to", "sluice send /topic/")
        self.check("sluice listen --count 1 /q",
                   "sluice listen --count 1 /queue/")

    def test_nothing_is_offered_that_is_wrong(self):
        """A number is not an option."""
        self.terminal.type("sluice listen --count ")
        self.terminal.press("Tab")
        self.terminal.press("Tab")
        self.terminal.type("7")
        self.terminal.wait(f"{self.prompt} sluice listen --count 7")
        self.assertNotIn("--timeout", "\n".join(self.terminal.screen()))

    def test_folders(self):
        folder = pathlib.Path(self.terminal.folder)
        (folder / "kept.txt").touch()
        (folder / "kept").mkdir()
        self.check("sluiced --journal ke", "sluiced --journal kept/")

    def test_files(self):
        (pathlib.Path(self.terminal.folder) / "my.conf").touch()
        self.check("sluiced -c my", "sluiced -c my.conf")
        self.check("sluice send --file my", "sluice send --file my.conf")


class Bash(Completion, unittest.TestCase):
    def setUp(self):
        self.start("bash", "bash --norc", f". {FOLDER}/sluice.bash")


class Zsh(Completion, unittest.TestCase):
    def setUp(self):
        self.start("zsh", "zsh -f", f"fpath=({FOLDER} $fpath)",
                   "autoload -U compinit && compinit -D -u")


if __name__ == "__main__":
    main()
