#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many instructions sluiced executes in user space for each message it
delivers, and whether these are more than were recorded in instructions.txt.

    SLUICED=build/bin/sluiced tests/bench/instructions.py [--record]

Instructions, unlike seconds, are the same on a busy machine. To make them
repeat exactly, client and broker go in lockstep over unix sockets: the client
sends one chunk and waits until all its messages have been delivered. A chunk
is what the kernel passes on in one piece, so the broker always finds the whole
chunk and never a part of it. What starting and stopping cost falls out by
running two lengths and dividing the difference.
"""
import contextlib
import os
import pathlib
import re
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import tempfile

HERE = pathlib.Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from runner import skip  # noqa: E402

SLUICED = os.environ.get("SLUICED", str(HERE.parents[1] / "build/bin/sluiced"))
RECORD = HERE / "instructions.txt"
PATIENCE_S = 60
TOLERANCE = 1.05

SIZE = 100
CHUNK = 32 << 10  # the most that a unix socket is sure not to cut
CHUNKS = (25, 100)

# name: channel, publishers, subscribers
SCENES = {
    "1 to 1": (b"/topic/bench", 1, 1),
    "1 to 10": (b"/topic/bench", 1, 10),
    "queue": (b"/queue/bench", 4, 4),
}


def frame(body):
    return struct.pack(">I", len(body)) + body


class Stream:
    """The endless sequence of pairs that one publisher sends, in chunks."""

    def __init__(self, channel):
        self.pair = frame(channel) + frame(b"x" * SIZE)
        self.sent = 0

    def chunk(self):
        start = self.sent % len(self.pair)
        self.sent += CHUNK
        return (self.pair * (CHUNK // len(self.pair) + 2))[start:start + CHUNK]

    def messages(self):
        """Those that are complete."""
        return self.sent // len(self.pair)


class Crowd:
    """The subscribers, and how many bytes they must have received."""

    def __init__(self, is_queue):
        self.is_queue = is_queue
        self.received = {}

    def add(self, sock):
        self.received[sock] = 0

    def total(self):
        return sum(self.received.values())

    def copies(self):
        return 1 if self.is_queue else len(self.received)

    def await_bytes(self, total):
        """Reads until all of them together have received that much."""
        while self.total() < total:
            ready, _, _ = select.select(list(self.received), [], [], PATIENCE_S)
            if not ready:
                raise TimeoutError(f"{self.total()} bytes came, not {total}")
            for sock in ready:
                data = sock.recv(1 << 20)
                if not data:
                    raise ConnectionError("the broker closed a connection")
                self.received[sock] += len(data)


def play(path, scene, chunks):
    """Plays a scene; answers how many of its messages were delivered."""
    channel, publishers, subscribers = scene
    with contextlib.ExitStack() as stack:
        def connect(hello):
            sock = stack.enter_context(socket.socket(socket.AF_UNIX))
            sock.settimeout(PATIENCE_S)
            sock.connect(path)
            sock.sendall(hello)
            return sock

        crowd, expected = Crowd(channel.startswith(b"/queue")), 0
        for _ in range(subscribers):
            # Its own message coming back shows that it is subscribed.
            crowd.add(connect(frame(channel) + frame(channel) + frame(b"")))
            expected += len(frame(b"")) * crowd.copies()
            crowd.await_bytes(expected)
        senders = [(connect(frame(b"/null")), Stream(channel))
                   for _ in range(publishers)]
        delivered = 0
        for turn in range(chunks):
            sock, stream = senders[turn % publishers]
            before = stream.messages()
            if sock.send(stream.chunk()) != CHUNK:
                raise BlockingIOError("a chunk was cut")
            new = (stream.messages() - before) * crowd.copies()
            delivered += new
            expected += new * len(frame(b"x" * SIZE))
            crowd.await_bytes(expected)
        return delivered


def await_listening(log):
    for line in log:
        if "event=listening" in line:
            return
    raise RuntimeError("sluiced ended before it listened")


def count(scene, chunks):
    """Instructions of a whole run of sluiced, and messages delivered."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        path, report = f"{folder}/socket", pathlib.Path(folder, "valgrind")
        process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             f"--log-file={report}", SLUICED, "--listen", f"unix:{path}"],
            stderr=subprocess.PIPE, text=True)
        try:
            await_listening(process.stderr)
            delivered = play(path, scene, chunks)
            process.send_signal(signal.SIGTERM)
            _, said = process.communicate(timeout=PATIENCE_S)
        finally:
            process.kill()
            process.wait()
        if process.returncode:
            raise RuntimeError(f"sluiced: {process.returncode}\n{said}")
        found = re.search(r"Collected : (\d+)", report.read_text())
        return int(found.group(1)), delivered


def per_message(scene):
    (few, some), (many, more) = (count(scene, n) for n in CHUNKS)
    return (many - few) / (more - some)


def compiler():
    """The compiler, as the binary names it."""
    done = subprocess.run(["readelf", "-p", ".comment", SLUICED], text=True,
                          capture_output=True, check=True)
    return re.search(r"\]\s+(.*)", done.stdout).group(1).strip()


def recorded():
    """The values, and the compiler they are for."""
    text = RECORD.read_text()
    made_by = re.search(r"^compiler: (.*)$", text, re.M).group(1)
    rows = re.findall(r"^([^#:\n]+): ([\d.]+)$", text, re.M)
    return {name: float(value) for name, value in rows}, made_by


def record(values):
    head = [line for line in RECORD.read_text().splitlines()
            if line.startswith("#")]
    rows = [f"{name}: {value:.1f}" for name, value in values.items()]
    RECORD.write_text("\n".join([*head, f"compiler: {compiler()}", *rows, ""]))


def compare(values):
    """Prints the table; answers whether nothing got worse."""
    known, made_by = recorded()
    print(f"instructions per delivered message of {SIZE} bytes")
    for name, value in values.items():
        print(f"  {name:8} {value:7.1f}, recorded {known[name]:7.1f}"
              f"  ({value / known[name] - 1:+.1%})")
    if made_by != compiler():
        skip(f"recorded for {made_by}, this is {compiler()}")
    return all(value <= known[name] * TOLERANCE
               for name, value in values.items())


def main():
    if not shutil.which("valgrind"):
        skip("valgrind is not installed")
    values = {name: per_message(scene) for name, scene in SCENES.items()}
    if sys.argv[1:] == ["--record"]:
        record(values)
    if not compare(values):
        print("FAIL: more than 5 % above the record; if that is the price of"
              " something worth it, record again: instructions.py --record")
        sys.exit(1)


if __name__ == "__main__":
    main()
