# SPDX-License-Identifier: MIT
"""Writes and reads a journal's segments, from docs/journal.md alone.

Slow, and independent of proto/journal: what one of them writes the other
must read. `format.py FOLDER` writes the fixture of version 1.
"""
import struct
import sys
from pathlib import Path

PAGE = 4096
MESSAGES, ACKS, CHANNEL, DROP, TRIM, SEGMENTS, FREE, INDEX, NUMBERS = range(
    1, 10)
STATE_BATCH, INDEX_BATCH, PAGE_BATCH = 1, 2, 4


def _table():
    for octet in range(256):
        for _ in range(8):
            octet = octet >> 1 ^ (0x82f63b78 if octet & 1 else 0)
        yield octet


TABLE = list(_table())


def crc32c(start, data):
    crc = start ^ 0xffffffff
    for octet in data:
        crc = crc >> 8 ^ TABLE[(crc ^ octet) & 255]
    return crc ^ 0xffffffff


def padded(data):
    return data + bytes(-len(data) % 8)


def message(body):
    return struct.pack(">I", len(body)) + body


def ranges(pairs):
    return b"".join(struct.pack("<QII", first, count, 0)
                    for first, count in pairs)


def channel(number, name, upcoming, floor, done=(), kind=1):
    head = struct.pack("<QQIIBBHI", upcoming, floor, number, len(done), kind,
                       0, len(name), 0)
    return head + padded(name) + ranges(done)


def segment_entry(number, last_batch, end):
    return struct.pack("<QQQ", number, last_batch, end)


def numbers(above, next_channel):
    return struct.pack("<QII", above, next_channel, 0)


class Segment:
    """One file, written batch by batch."""

    def __init__(self, number, uuid, first_batch, size, salt):
        self.number, self.size, self.batch = number, size, first_batch
        self.seed = crc32c(0, uuid + struct.pack("<QI", number, salt))
        head = struct.pack("<8sHHIQ16sQQI", b"SLUICEJ\n", 1, 1, 64, number,
                           uuid, first_batch, size, salt)
        self.data = head + struct.pack("<I", crc32c(0, head))

    def record(self, kind, payload, *, to=0, count=1, first=0, flags=0,
               form=0):
        head = struct.pack("<IBBBBIIQI", len(payload), kind, flags, form, 0,
                           to, count, first, crc32c(self.seed, payload))
        return head + struct.pack("<I", crc32c(self.seed, head)), payload

    def messages(self, to, first, bodies, flags=0):
        payload = b"".join(message(body) for body in bodies)
        return self.record(MESSAGES, payload, to=to, count=len(bodies),
                           first=first, flags=flags, form=1)

    def commit(self, *records, flags=0, at_ms=0):
        """Appends a batch and returns the offsets of its records."""
        begin, offsets, body, heads = len(self.data), [], b"", b""
        for head, payload in records:
            offsets.append(begin + 40 + len(body))
            heads += head
            body += head + padded(payload)
        size = 40 + len(body) + 16
        zeros = -(begin + size) % PAGE
        if zeros <= size // 4:
            flags |= PAGE_BATCH
        head = struct.pack("<4sIQQQI", b"JBAT", len(records), size, self.batch,
                           at_ms, flags)
        head += struct.pack("<I", crc32c(self.seed, head))
        trailer = struct.pack("<4sIQ", b"JEND", crc32c(self.seed, heads),
                              self.batch)
        self.data += head + body + trailer
        if flags & PAGE_BATCH:
            self.data += bytes(zeros)
        self.batch += 1
        return offsets

    def bytes(self, index=None):
        """The file; with `index`, the offset of its INDEX batch, sealed."""
        end = b""
        if index is not None:
            end = struct.pack("<8sQQI", b"JSEALED\n", self.number, index, 0)
            end += struct.pack("<I", crc32c(self.seed, end))
        return self.data + bytes(self.size - len(self.data) - len(end)) + end


class Damage(Exception):
    """The bytes are not a sound part of a journal."""


def need(condition, what):
    if not condition:
        raise Damage(what)


def read_segment(data):
    """(id, uuid, first batch, seed) of a file's header."""
    magic, _, least, size, number, uuid, first, _, salt, crc = struct.unpack(
        "<8sHHIQ16sQQII", data[:64])
    need(magic == b"SLUICEJ\n" and crc == crc32c(0, data[:60]), "header")
    need(least == 1 and size == 64, "version")
    return number, uuid, first, crc32c(0, uuid + struct.pack("<QI", number,
                                                             salt))


def read_records(seed, data, count):
    heads, at = b"", 0
    for _ in range(count):
        head = data[at:at + 32]
        size, kind, flags, form, zero, to, n, first, crc = struct.unpack(
            "<IBBBBIIQI", head[:28])
        need(head[28:] == struct.pack("<I", crc32c(seed, head[:28])), "record")
        payload = data[at + 32:at + 32 + size]
        need(len(payload) == size and zero == 0, "record's size")
        need(crc == crc32c(seed, payload), "payload")
        at += 32 + len(padded(payload))
        heads += head
        yield kind, flags, form, to, n, first, payload
    need(at == len(data), "batch's size")
    yield crc32c(seed, heads)


def read_batches(data, seed):
    """(number, flags, records) of each whole batch; stops at what is none."""
    at = 64
    while data[at:at + 4] == b"JBAT":
        head = data[at:at + 40]
        _, count, size, number, _, flags, crc = struct.unpack("<4sIQQQII",
                                                              head)
        need(crc == crc32c(seed, head[:36]), "batch")
        end = at + size
        *records, heads = read_records(seed, data[at + 40:end - 16], count)
        need(data[end - 16:end] == struct.pack("<4sIQ", b"JEND", heads,
                                               number), "trailer")
        yield number, flags, records
        at = end + (-end % PAGE if flags & PAGE_BATCH else 0)


UUID = bytes(range(16))


def fixture():
    """Two segments: the first sealed with an index, the second as a broker
    that was killed leaves it, with a torn batch behind the last whole one."""
    old = Segment(1, UUID, 1, 16384, 0x5a17)
    old.commit(old.record(NUMBERS, numbers(0, 1)),
               old.record(SEGMENTS, b"", count=0), flags=STATE_BATCH)
    old.commit(old.record(CHANNEL, channel(1, b"/queue/jobs", 1, 1)),
               at_ms=1700000000000)
    (place,) = old.commit(old.messages(1, 1, [b"a", b"b" * 100, b""]),
                          at_ms=1700000000001)
    big = b"c" * 3000
    (second,) = old.commit(old.messages(1, 4, [big]), at_ms=1700000000002)
    entries = b"".join(
        struct.pack("<QIIIIII", first, 1, count, offset // 8, size, 1, crc)
        for first, count, offset, size, crc in (
            (1, 3, place, 113, crc32c(old.seed, message(b"a")
                                      + message(b"b" * 100) + message(b""))),
            (4, 1, second, 3004, crc32c(old.seed, message(big)))))
    end, index = len(old.data), len(old.data)
    last = old.batch - 1
    old.commit(old.record(INDEX, entries, count=2), flags=INDEX_BATCH)
    new = Segment(2, UUID, old.batch, 16384, 0xc0de)
    new.commit(new.record(NUMBERS, numbers(0, 2)),
               new.record(SEGMENTS, segment_entry(1, last, end)),
               new.record(CHANNEL, channel(1, b"/queue/jobs", 5, 1, [(2, 1)])),
               flags=STATE_BATCH)
    new.commit(new.record(ACKS, ranges([(1, 1), (3, 1)]), to=1, count=2),
               new.messages(1, 5, [b"e", b"f"]), at_ms=1700000000003)
    whole = len(new.data)
    new.commit(new.messages(1, 7, [b"torn"]))
    new.data = new.data[:whole + 86]
    return {"0000000000000001.seg": old.bytes(index),
            "0000000000000002.seg": new.bytes(),
            "FORMAT": b"sluice journal 1\nuuid " + UUID.hex().encode()
                      + b"\n"}


def main(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, data in fixture().items():
        (folder / name).write_bytes(data)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
