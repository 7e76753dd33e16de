# SPDX-License-Identifier: MIT
"""Small journals, and what a user makes of them with `sluice journal`."""
import os
import pathlib
import shutil
import subprocess
import sys
import tempfile
import unittest

import format  # this folder's

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from runner import main  # noqa: E402, F401

SLUICE = os.environ["SLUICE"]
DEADLINE = 120
NAMES = (b"/queue/a", b"/", b"..", b"/queue/\0nul", b"/queue/" + b"x" * 248)
SIZE = 8192
UUID = bytes(range(100, 116))


def name_of(number):
    return f"{number:016x}.seg"


def state(segment, channels, live=(), above=0):
    """The batch that begins a segment: (number, name, next, floor, done)."""
    segment.commit(
        segment.record(format.NUMBERS, format.numbers(above, 9)),
        segment.record(format.SEGMENTS,
                       b"".join(format.segment_entry(*s) for s in live),
                       count=len(live)),
        *(segment.record(format.CHANNEL, format.channel(*c))
          for c in channels),
        flags=format.STATE_BATCH)


def seal(segment):
    """Without an INDEX: NUMBERS take its place; returns what STATE says of
    it."""
    last, end = segment.batch - 1, len(segment.data)
    segment.commit(segment.record(format.NUMBERS, format.numbers(0, 9)),
                   flags=format.INDEX_BATCH)
    return segment.bytes(end), (segment.number, last, end)


def body(channel, number):
    return b"%d:%d:" % (channel, number) + bytes([number]) * (number % 40)


def in_order(uuid=UUID):
    """Three segments of a broker that was stopped in order. Of each channel
    the messages 1 to 9 were published; 1, 3, 4 and 8 are acknowledged."""
    numbers = range(1, len(NAMES) + 1)
    files = {}
    one = format.Segment(1, uuid, 1, SIZE, 11)
    state(one, [])
    for i in numbers:
        one.commit(one.record(format.CHANNEL,
                              format.channel(i, NAMES[i - 1], 1, 1)),
                   one.messages(i, 1, [body(i, n) for n in (1, 2, 3)]),
                   at_ms=1700000000000 + i)
    files[name_of(1)], first = seal(one)
    two = format.Segment(2, uuid, one.batch, SIZE, 22)
    state(two, [(i, NAMES[i - 1], 4, 1) for i in numbers], [first])
    two.commit(*(two.messages(i, 4, [body(i, n) for n in (4, 5, 6)])
                 for i in numbers))
    two.commit(*(two.record(format.ACKS, format.ranges([(1, 1), (3, 2)]),
                            to=i, count=2) for i in numbers))
    files[name_of(2)], second = seal(two)
    three = format.Segment(3, uuid, two.batch, SIZE, 33)
    state(three, [(i, NAMES[i - 1], 7, 2, [(3, 2)]) for i in numbers],
          [first, second])
    for i in numbers:
        three.commit(three.messages(i, 7, [body(i, n) for n in (7, 8, 9)]),
                     three.record(format.ACKS, format.ranges([(8, 1)]), to=i))
    files[name_of(3)], _ = seal(three)
    files["FORMAT"] = b"sluice journal 1\nuuid %s\n" % uuid.hex().encode()
    return files


WAITING = (2, 5, 6, 7, 9)


def text(name):
    """A channel's name as it is printed."""
    return "".join(chr(c) if 32 <= c < 127 else f"\\x{c:02x}" for c in name)


class JournalTest(unittest.TestCase):
    """Each test has a folder with the files of in_order()."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(self.folder.cleanup)
        self.dir = pathlib.Path(self.folder.name)
        self.files = in_order()
        self.write(self.files)

    def write(self, files):
        for path in self.dir.iterdir():
            if path.is_file():
                path.unlink()
        for name, data in files.items():
            (self.dir / name).write_bytes(data)

    def flip(self, name, offset, how=1):
        data = bytearray((self.dir / name).read_bytes())
        data[offset] ^= how
        (self.dir / name).write_bytes(data)

    def journal(self, action, *args):
        done = subprocess.run([SLUICE, "journal", action, str(self.dir),
                               *args], capture_output=True, timeout=DEADLINE,
                              check=False)
        done.text = done.stdout.decode()
        done.errors = done.stderr.decode()
        return done

    def bodies(self, channel, *args):
        """What is in it: the bodies, as lines."""
        done = self.journal("dump", "--channel", channel, *args)
        return done.stdout.splitlines()

    def opened(self):
        """What the broker's store finds in a copy of it: how many messages
        are in each channel; None when it does not open it."""
        with tempfile.TemporaryDirectory(prefix="sluice-journal-") as copy:
            shutil.copytree(self.dir, copy, dirs_exist_ok=True)
            done = subprocess.run([os.environ["OPENER"], copy],
                                  capture_output=True, timeout=DEADLINE,
                                  check=False)
        rows = [line.split(b" ", 2) for line in done.stdout.splitlines()]
        return (None if done.returncode else
                {name: int(messages) for messages, _, name in rows})

    def lost(self, done):
        """The runs that are said to be lost: (channel, first, last)."""
        lines = [line.split(" ", 3) for line in done.text.splitlines()
                 if line.startswith("LOST ")]
        return [(name, int(first), int(last))
                for _, first, last, name in lines]

    def damage(self, done):
        return [line for line in (done.text + done.errors).splitlines()
                if line.startswith("DAMAGED ")]
