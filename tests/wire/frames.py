# SPDX-License-Identifier: MIT
"""The wire format, from docs/protocol.md alone: it shares no code with the
broker, so that neither can hide a mistake of the other.

    frame = u32 big-endian length | that many bytes
"""
import struct


def frame(body):
    return struct.pack(">I", len(body)) + body


def head(length):
    """The head of a frame; its body is left to the caller."""
    return struct.pack(">I", length)


def pair(channel, message):
    return frame(channel) + frame(message)


def pairs(channel, messages):
    name = frame(channel)
    return b"".join(name + frame(m) for m in messages)


def numbered(number, size=8):
    """A message of `size` bytes (8 or more) that knows its own number."""
    return struct.pack(">Q", number) + b"." * (size - 8)


def number_of(message):
    return struct.unpack_from(">Q", message)[0]


def numbered_pairs(channel, numbers, size=8):
    """What pairs() gives for numbered messages, in a fraction of the time."""
    before = frame(channel) + head(size)
    after = b"." * (size - 8)
    pack = struct.Struct(">Q").pack
    return b"".join([before + pack(n) + after for n in numbers])


class Decoder:
    """Bytes in, whole frame bodies out."""

    def __init__(self):
        self._bytes = bytearray()

    def feed(self, data):
        """The bodies that `data` completed."""
        buf = self._bytes
        buf += data
        bodies, at, end = [], 0, len(buf)
        while end - at >= 4:
            stop = at + 4 + int.from_bytes(buf[at:at + 4], "big")
            if stop > end:
                break
            bodies.append(bytes(buf[at + 4:stop]))
            at = stop
        del buf[:at]
        return bodies

    @property
    def unfinished(self):
        """How many bytes of an incomplete frame are waiting."""
        return len(self._bytes)
