#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""How many instructions sluiced executes in user space for each message it
delivers, and whether these are more than were recorded in instructions.txt.

    SLUICED=build/bin/sluiced tests/bench/instructions.py [--record] [SCENE]...

Instructions, unlike seconds, are the same on a busy machine. To make them
repeat exactly, client and broker go in lockstep over unix sockets: the client
sends one chunk and waits until all its messages have been delivered. A chunk
is what the kernel passes on in one piece, so the broker always finds the whole
chunk and never a part of it. What starting and stopping cost falls out by
running two lengths and dividing the difference.
"""
import contextlib
import math
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
TOLERANCE = 1.015  # counts differ by up to 0.4 % with how reads fall
# With a journal by up to 2 %: acknowledgements go there by the clock.
TOLERANCE_DURABLE = 1.05
# What a row may cost in any case, in instructions: of version 2 one and a half
# times what version 1 takes, with receipts two and a half times, and twice when
# messages of a queue are acknowledged.
CEILINGS = {"v2 1 to 1": 137, "v2 receipts": 228, "v2 queue, acks": 600}

DURABLE = b"/queue/durable"

SIZE = 100
CHUNK = 32 << 10  # the most that a unix socket is sure not to cut
CHUNKS = (25, 100)

def frame(body):
    return struct.pack(">I", len(body)) + body


def unit(head, body=b""):
    return frame(head) + frame(body)


class Client:
    """A connection, and how many messages and answers came on it."""

    def __init__(self, path, stack):
        self.sock = stack.enter_context(socket.socket(socket.AF_UNIX))
        self.sock.settimeout(PATIENCE_S)
        self.sock.connect(path)
        self.rest = b""
        self.messages, self.answers = 0, 0

    def send(self, data):
        if self.sock.send(data) != len(data):
            raise BlockingIOError("a chunk was cut")

    def read(self):
        data = self.sock.recv(1 << 20)
        if not data:
            raise ConnectionError("the broker closed a connection")
        data = self.rest + data
        at = self.take(data)
        self.rest = data[at:]

    def take(self, data):
        """Counts what is complete; answers where that ends."""
        at = 0
        while (end := after_frame(data, at)) is not None:
            self.messages += 1
            at = end
        return at


class Client2(Client):
    """The same for version 2."""

    def __init__(self, path, stack):
        super().__init__(path, stack)
        self.unacknowledged = []
        self.send(unit(b"\0SLUICE/2"))
        self.await_answer()  # INFO

    def await_answer(self):
        answers = self.answers
        while self.answers == answers:
            self.read()

    def take(self, data):
        at = 0
        while ((body := after_frame(data, at)) is not None
               and (end := after_frame(data, body)) is not None):
            words = data[at + 4:body].split(b" ", 3)
            if words[0] == b"MSG":
                self.messages += 1
                self.unacknowledged.append(words[2])
            elif words[0] == b"ERR":
                raise ConnectionError(data[at + 4:end].decode("ascii"))
            else:
                self.answers += 1
            at = end
        return at


def after_frame(data, at):
    """Where the frame at this place ends; None if it has not come wholly."""
    if len(data) < at + 4:
        return None
    end = at + 4 + struct.unpack_from(">I", data, at)[0]
    return end if end <= len(data) else None


class Publisher1(Client):
    """Sends an endless sequence of messages, in chunks."""
    head = b""  # what comes before the channel, and after it
    tail = b""
    answers_each = 0  # for each message

    def __init__(self, path, stack, channel):
        super().__init__(path, stack)
        self.pair = unit(self.head + channel + self.tail, b"x" * SIZE)
        self.sent = 0
        self.begin()

    def begin(self):
        self.send(frame(b"/null"))

    def publish(self):
        """Sends a chunk; answers how many messages it completes."""
        start = self.sent % len(self.pair)
        before = self.sent // len(self.pair)
        self.sent += CHUNK
        self.send((self.pair * (CHUNK // len(self.pair) + 2))
                  [start:start + CHUNK])
        return self.sent // len(self.pair) - before

    def expected(self):
        return self.answers_each * (self.sent // len(self.pair))


class Publisher2(Publisher1, Client2):
    def begin(self):
        self.answers = 0  # INFO does not count


class PublisherConfirmed(Publisher2):
    """Asks for a receipt of each message."""
    tail = b" rid=100000"
    answers_each = 1


class PublisherDurable(PublisherConfirmed):
    """The same, when it is on disk."""
    tail = b" rid=100000 confirm=sync"


class PublisherHeaders(Publisher2):
    """With a header."""
    tail = b" Unit=C"


class Reader1(Client):
    def __init__(self, path, stack, channel):
        super().__init__(path, stack)
        self.send(frame(channel))

    def done(self):
        """The chunk was delivered."""


class Reader2(Client2):
    options = b""

    def __init__(self, path, stack, channel):
        super().__init__(path, stack)
        self.send(unit(b"SUB " + channel + self.options + b" rid=1"))
        self.await_answer()

    def done(self):
        self.unacknowledged.clear()


class Worker(Reader2):
    """Acknowledges what it got, all of a chunk at once; the last one with an
    answer, which shows that the broker has got there."""
    options = b" ack=yes credit=1000"

    def __init__(self, path, stack, channel):
        super().__init__(path, stack, channel)
        self.channel = channel

    def done(self):
        acks = [b"ACK " + self.channel + b" " + number
                for number in self.unacknowledged]
        self.unacknowledged.clear()
        if not acks:
            return
        acks[-1] += b" rid=1"
        self.send(b"".join(unit(ack) for ack in acks))
        self.await_answer()


# name: channel, publishers, subscribers
SCENES = {
    "1 to 1": (b"/topic/bench", 1 * [Publisher1], 1 * [Reader1]),
    "1 to 10": (b"/topic/bench", 1 * [Publisher1], 10 * [Reader1]),
    "queue": (b"/queue/bench", 4 * [Publisher1], 4 * [Reader1]),
    "v2 1 to 1": (b"/topic/bench", 1 * [Publisher2], 1 * [Reader2]),
    "v2 1 to 10": (b"/topic/bench", 1 * [Publisher2], 10 * [Reader2]),
    "v2 receipts": (b"/topic/bench", 1 * [PublisherConfirmed], 1 * [Reader2]),
    "v2 headers": (b"/topic/bench", 1 * [PublisherHeaders], 1 * [Reader2]),
    "v2 queue": (b"/queue/bench", 4 * [Publisher2], 4 * [Reader2]),
    "v2 queue, acks": (b"/queue/bench", 4 * [Publisher2], 4 * [Worker]),
    "durable": (DURABLE, 1 * [PublisherDurable], []),
    "durable, acks": (DURABLE, 1 * [PublisherDurable], 1 * [Worker]),
    "v1 to v2": (b"/topic/bench", 1 * [Publisher1], 1 * [Reader2]),
    "v2 to v1 and v2": (b"/topic/bench", 1 * [Publisher2],
                        [Reader1, Reader2]),
}


def await_total(clients, total, count):
    """Reads until that many of what `count` counts have come to them all."""
    while (now := sum(count(client) for client in clients)) < total:
        ready, _, _ = select.select([c.sock for c in clients], [], [],
                                    PATIENCE_S)
        if not ready:
            raise TimeoutError(f"{now} came, not {total}")
        for client in clients:
            if client.sock in ready:
                client.read()


def play(path, scene, chunks):
    """Plays a scene; answers how many of its messages were delivered, or
    published if nobody reads."""
    channel, publishers, readers = scene
    is_queue = channel.startswith(b"/queue")
    each = min(1, len(readers)) if is_queue else len(readers)
    with contextlib.ExitStack() as stack:
        crowd, expected = [], 0
        for kind in readers:
            crowd.append(kind(path, stack, channel))
            # Its own message shows that it is subscribed.
            crowd[-1].send(unit(channel))
            expected += 1 if is_queue else len(crowd)
            await_total(crowd, expected, lambda c: c.messages)
        for client in crowd:
            client.done()
        senders = [kind(path, stack, channel) for kind in publishers]
        published = 0
        for turn in range(chunks):
            sender = senders[turn % len(senders)]
            some = sender.publish()
            published += some
            expected += some * each
            await_total(crowd, expected, lambda c: c.messages)
            await_total([sender], sender.expected(), lambda c: c.answers)
            for client in crowd:
                client.done()
        return published * max(1, each)


def await_listening(log):
    for line in log:
        if "event=listening" in line:
            return
    raise RuntimeError("sluiced ended before it listened")


def options(scene, folder):
    """Of sluiced: without a durable queue there is no journal."""
    if scene[0] != DURABLE:
        return []
    journal = pathlib.Path(folder, "journal")
    journal.mkdir()
    return ["--journal", str(journal),
            "--channel", f"{DURABLE.decode()} durable=yes"]


def count(scene, chunks):
    """Instructions of a whole run of sluiced, and messages delivered."""
    with tempfile.TemporaryDirectory(prefix="sluice-bench-") as folder:
        path, report = f"{folder}/socket", pathlib.Path(folder, "valgrind")
        process = subprocess.Popen(
            ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
             f"--log-file={report}", SLUICED, "--listen", f"unix:{path}",
             *options(scene, folder)],
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
    """Writes the values; the others stay."""
    head = [line for line in RECORD.read_text().splitlines()
            if line.startswith("#")]
    known, _ = recorded()
    rows = [f"{name}: {values.get(name, known.get(name, 0)):.1f}"
            for name in SCENES]
    RECORD.write_text("\n".join([*head, f"compiler: {compiler()}", *rows, ""]))


def tolerance(name):
    return TOLERANCE_DURABLE if SCENES[name][0] == DURABLE else TOLERANCE


def is_too_much(name, value, known):
    return (value > known * tolerance(name)
            or value > CEILINGS.get(name, math.inf))


def compare(values):
    """Prints the table; answers the names of those that got worse."""
    known, made_by = recorded()
    print(f"instructions per delivered message of {SIZE} bytes")
    for name, value in values.items():
        limit = f", at most {CEILINGS[name]}" if name in CEILINGS else ""
        print(f"  {name:16} {value:7.1f}, recorded {known[name]:7.1f}"
              f"  ({value / known[name] - 1:+.1%}){limit}")
    if made_by != compiler():
        skip(f"recorded for {made_by}, this is {compiler()}")
    return [name for name, value in values.items()
            if is_too_much(name, value, known[name])]


def main():
    if not shutil.which("valgrind"):
        skip("valgrind is not installed")
    is_recording = "--record" in sys.argv[1:]
    names = [word for word in sys.argv[1:] if word in SCENES] or SCENES
    values = {name: per_message(SCENES[name]) for name in names}
    if is_recording:
        record(values)
    worse = compare(values)
    if worse:
        above = ", ".join(f"{name} by {tolerance(name) - 1:.1%}"
                          for name in worse)
        print(f"FAIL: more above the record than allowed ({above}), or above"
              " the ceiling; if that is the price of"
              " something worth it, record again: instructions.py --record")
        sys.exit(1)


if __name__ == "__main__":
    main()
