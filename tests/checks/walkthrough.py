# SPDX-License-Identifier: MIT
"""What documents type at terminals happens as it is shown.

A block of "```console NAME" is what the terminal of that name shows:

    $ COMMAND   is typed; what was typed there before has ended by then
    ^C          interrupts it
    anything else is what it prints, in this order, and all that it prints

"…" stands for what differs from run to run, and alone in a line for any number
of lines. What sluiced prints is not compared. Each command must end with
status 0; at the end of the document those that run forever, listeners, workers
and the broker, are interrupted. Only addresses are not the document's: the
broker and its watchers get free ports.
"""
import os
import queue
import re
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import check

DOCUMENTS = ("docs/quickstart.md", "README.md", "docs/security.md")
DEADLINE_S = 30
BLOCK = re.compile(r"^```console ?([\w-]*)\n(.*?)^```$", re.M | re.S)
PORT = re.compile(r"127\.0\.0\.1:(\d+)")
READS = re.compile(r"sluice (?:listen|work|reply) (?:--\S+ )*(/\S+)")
SUBSCRIBERS = 5  # the field of "sluice ls"


class Problem(Exception):
    """The document and the programs disagree."""


def blocks(text):
    """(terminal, lines) of each block."""
    return [(name, body.splitlines()) for name, body in BLOCK.findall(text)]


def is_like(shown, printed):
    parts = map(re.escape, shown.split("…"))
    return re.fullmatch(".*".join(parts), printed) is not None


class Ports:
    """Free ports for those of the document, the same one for each."""

    def __init__(self):
        self.free = {}

    def take(self, port):
        if port not in self.free:
            with socket.socket() as sock:
                sock.bind(("127.0.0.1", 0))
                self.free[port] = str(sock.getsockname()[1])
        return self.free[port]

    def replace(self, text):
        return PORT.sub(lambda found: f"127.0.0.1:{self.take(found[1])}", text)

    def restore(self, text):
        for port, free in self.free.items():
            text = text.replace(f"127.0.0.1:{free}", f"127.0.0.1:{port}")
        return text


class Command:
    """One that was typed: what it prints is read beside it."""

    def __init__(self, text, environment, folder, restore):
        self.text, self.restore = text, restore
        self.is_broker = text.startswith("sluiced")
        self.goes_on = self.is_broker or READS.match(text) is not None
        self.lines, self.seen = queue.Queue(), []
        self.skips = False  # until the next line that is shown
        self.process = subprocess.Popen(
            ["bash", "-c", text], env=environment, cwd=folder, text=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True)
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        for line in self.process.stdout:
            line = self.restore(line.rstrip("\n"))
            self.seen.append(line)
            self.lines.put(line)
        self.lines.put(None)

    def next(self, shown):
        try:
            printed = self.lines.get(timeout=DEADLINE_S)
        except queue.Empty:
            raise Problem(f"{self.text}: nothing is printed, not "
                          f"'{shown}'") from None
        if printed is None:
            raise Problem(f"{self.text}: ends without '{shown}'")
        return printed

    def expect(self, shown):
        if shown == "…":
            self.skips = True
            return
        printed = self.next(shown)
        while self.skips and not is_like(shown, printed):
            printed = self.next(shown)
        self.skips = False
        if not is_like(shown, printed):
            raise Problem(f"{self.text}: prints '{printed}', not '{shown}'")

    def interrupt(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGINT)

    def finish(self):
        try:
            status = self.process.wait(DEADLINE_S)
        except subprocess.TimeoutExpired:
            raise Problem(f"{self.text}: does not end") from None
        self.reader.join()
        if status:
            raise Problem(f"{self.text}: status {status}: {self.seen}")
        more = None if self.is_broker or self.skips else self.lines.get()
        if more is not None:
            raise Problem(f"{self.text}: prints '{more}', too")

    def kill(self):
        if self.process.poll() is None:
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        self.reader.join()
        self.process.stdout.close()


class Room:
    """All terminals of a document."""

    def __init__(self, bin_folder, folder):
        self.ports, self.folder = Ports(), folder
        self.terminals, self.commands = {}, []
        address = f"127.0.0.1:{self.ports.take('25000')}"
        path = os.pathsep.join(filter(None, [bin_folder and str(bin_folder),
                                             os.environ["PATH"]]))
        self.environment = os.environ | {
            "PATH": path, "HOME": str(folder), "XDG_RUNTIME_DIR": str(folder),
            "SLUICE_LISTEN": address, "SLUICE_SERVER": address,
            "SLUICE_LOG_LEVEL": "debug"}

    def play(self, name, lines):
        for line in lines:
            if line.startswith("$ "):
                self.type(name, line[2:])
            elif name not in self.terminals:
                raise Problem(f"terminal '{name}' shows what nobody typed")
            elif line == "^C":
                self.terminals[name].interrupt()
            else:
                self.terminals[name].expect(line)

    def type(self, name, text):
        if name in self.terminals:
            self.terminals[name].finish()
        known = self.subscribed(text)
        command = Command(self.ports.replace(text), self.environment,
                          self.folder, self.ports.restore)
        self.terminals[name] = command
        self.commands.append(command)
        self.await_ready(command, text, known)

    def log(self, *words):
        return [line for command in self.commands if command.is_broker
                for line in command.seen if all(w in line for w in words)]

    def readers(self, channel):
        """How many are subscribed to it; the log does not say that of
        version 2."""
        done = subprocess.run(["sluice", "ls", channel], text=True,
                              env=self.environment, stdout=subprocess.PIPE,
                              check=True, timeout=DEADLINE_S)
        return sum(int(line.split("\t")[SUBSCRIBERS])
                   for line in done.stdout.splitlines())

    def subscribed(self, text):
        reads = READS.match(text)
        return self.readers(reads[1]) if reads else 0

    def await_ready(self, command, text, known):
        """A reader types slowly: by then the broker listens, and
        subscribers are subscribed."""
        until = time.monotonic() + DEADLINE_S
        while time.monotonic() < until and command.process.poll() is None:
            if not command.goes_on:
                return
            if (any("event=listening" in line for line in command.seen)
                    if command.is_broker
                    else self.subscribed(text) != known):
                return
            time.sleep(0.02)

    def leave(self):
        """The last that was started is the first to end."""
        for command in reversed(self.terminals.values()):
            if command.goes_on:
                command.interrupt()
            command.finish()

    def clear(self):
        for command in self.commands:
            command.kill()


def problem_of(text, bin_folder):
    with tempfile.TemporaryDirectory(prefix="sluice-walk-") as folder:
        room = Room(bin_folder, Path(folder))
        try:
            for name, lines in blocks(text):
                room.play(name, lines)
            room.leave()
        except Problem as problem:
            return str(problem)
        finally:
            room.clear()
    return None


def find(root, bin_folder=None):
    problems = []
    for document in DOCUMENTS:
        if not (root / document).is_file():  # as in most plants
            continue
        text = (root / document).read_text()
        if not blocks(text):
            problems.append(f"{document} types nothing")
        elif problem := problem_of(text, bin_folder):
            problems.append(f"{document}: {problem}")
    return problems


def walk(*lines, name=""):
    return "\n".join([f"```console {name}".rstrip(), *lines, "```", ""])


def document(*walks):
    return {DOCUMENTS[0]: "\n".join(walks)}


PLANTS = (
    ("what was shown", document(walk("$ echo a; echo b", "a", "b")), None),
    ("what differs each time", document(walk("$ date", "…:…:…")), None),
    ("lines that are left out", document(walk(
        "$ seq 9", "…", "3", "4", "…", "$ seq 3", "…", "3")), None),
    ("a line that is not among them", document(walk("$ seq 9", "…", "x")),
     "ends without 'x'"),
    ("something else", document(walk("$ echo a", "b")), "prints 'a', not 'b'"),
    ("more than was shown", document(walk("$ echo a", "$ true")),
     "prints 'a', too"),
    ("less than was shown", document(walk("$ echo a", "a", "b")),
     "ends without 'b'"),
    ("a command that fails", document(walk("$ false")), "status 1"),
    ("a command that is not there", document(walk("$ no-such-command")),
     "status 127"),
    ("two terminals, one of which is interrupted", document(
        walk("$ trap 'exit 0' INT; echo ready; while :; do sleep 0.1; done",
             "ready", name="other"),
        walk("$ echo a", "a"), walk("^C", "$ echo b", "b", name="other")),
     None),
    ("a terminal that shows what nobody typed", document(walk("a", name="b")),
     "nobody typed"),
    ("a document without commands", {DOCUMENTS[0]: "# Nothing\n"},
     "types nothing"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
