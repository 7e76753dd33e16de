# SPDX-License-Identifier: MIT
"""Commands that wait until a test lets them go on, for --exec."""
import contextlib
import os
import pathlib
import shlex
import signal
import tempfile

from people import SLUICE, WithBroker
from terminal import Terminal

STOPPING = ("sluice: stopping as soon as the command has ended; a second "
            "signal ends it\n")


def kill_group(leader):
    with contextlib.suppress(ProcessLookupError):
        os.killpg(leader, signal.SIGKILL)


class WithGate(WithBroker):
    """A command, `job`, prints its process and waits in `gate`."""

    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.gate = pathlib.Path(folder.name) / "gate"
        os.mkfifo(self.gate)
        self.job = (f"echo $$; read x < {shlex.quote(str(self.gate))}; "
                    "echo $x")

    def begun(self, worker):
        """The process of the command that the worker runs."""
        job = int(worker.line())
        self.addCleanup(kill_group, job)
        return job

    def in_terminal(self, *command):
        terminal = Terminal(self, columns=100)
        terminal.type(shlex.join([SLUICE, *command, "--server",
                                  self.broker.address]))
        terminal.press("Enter")
        return terminal

    def press_control_c(self, terminal, begun):
        """While the command runs, which then goes on."""
        terminal.wait_for(begun)
        terminal.press("C-c")
        terminal.wait_for("stopping as soon as")
        self.gate.write_text("done\n")

    def check_control_c(self, command):
        self.send("/queue/w", "m")
        terminal = self.in_terminal(command, "/queue/w", "--exec", self.job)
        self.press_control_c(terminal, r"^\d+$")
        terminal.wait_for("^done$")
        self.broker.wait_stats(subscribers=0)
