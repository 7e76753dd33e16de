# SPDX-License-Identifier: MIT
"""The program of a client library, as README.md describes it: its process, its
orders and its events."""
import contextlib
import os
import queue
import subprocess
import threading

from units import PATIENCE_S, Failed


class Program:
    def __init__(self, command, address):
        environment = dict(os.environ, SLUICE_SERVER="%s:%d" % address)
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            encoding="latin-1")
        self.events, self.complaints = queue.Queue(), []
        self.threads = [threading.Thread(target=call, daemon=True)
                        for call in (self._read_events, self._read_complaints)]
        for thread in self.threads:
            thread.start()

    def _read_events(self):
        for line in self.process.stdout:
            self.events.put(line.rstrip("\n"))
        self.events.put(None)

    def _read_complaints(self):
        for line in self.process.stderr:
            self.complaints.append(line)

    def order(self, line):
        try:
            self.process.stdin.write(line + "\n")
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Failed("the client has ended") from None

    def event(self, patience=PATIENCE_S):
        """The next line printed."""
        try:
            line = self.events.get(timeout=patience)
        except queue.Empty:
            raise Failed(f"nothing was printed for {patience} s") from None
        if line is None:
            raise Failed("the client has ended")
        return line

    def end_input(self):
        with contextlib.suppress(OSError):
            self.process.stdin.close()

    def expect_exit(self):
        try:
            status = self.process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            raise Failed("the client does not end") from None
        if status != 0:
            raise Failed(f"exit status {status}")

    def stop(self):
        """Ends it however it is; its complaints, if it had any."""
        self.end_input()
        self.process.kill()
        self.process.wait()
        for thread in self.threads:
            thread.join()
        self.process.stdout.close()
        self.process.stderr.close()
        return "".join(self.complaints[-5:])
