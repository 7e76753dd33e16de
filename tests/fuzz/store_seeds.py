# SPDX-License-Identifier: MIT
"""Seeds about the store of durable queues: scripts of opening_fuzzer.c and of
store_fuzzer.c."""
import random
import struct


def record(kind, payload=b"", channel=0, count=0, first=0, flags=0):
    return struct.pack(">BBBBHHB", kind, flags, int(kind == 1), channel, count,
                       first, len(payload)) + payload


def batch(*records, flags=0, skipped=0, is_torn=False):
    return bytes([flags, skipped, len(records), is_torn]) + b"".join(records)


def segment(number, first_batch, *batches, seal=None):
    end = b"\0" if seal is None else struct.pack(">BH", 1, seal)
    return (bytes([number, number - 1, first_batch, len(batches)])
            + b"".join(batches) + end)


def opening():
    """Scripts of opening_fuzzer.c: folders that a store could have left."""
    def state(*channels, segments=(), next_id=3):
        rows = b"".join(struct.pack("<QQQ", *row) for row in segments)
        return batch(
            record(9, struct.pack("<QII", 1, next_id, 0), count=1),
            record(6, rows, count=len(segments)), *channels, flags=1)

    def queue(floor=1, following=1, identity=1):
        return record(3, struct.pack(
            "<QQIIBBHI8s", following, floor, identity, 0, 1, 0, 8, 0,
            b"/queue/a"), count=1)

    messages = record(1, b"\0\0\0\1a\0\0\0\0", channel=1, count=2,
                              first=1)
    done = record(2, struct.pack("<QII", 1, 1, 0), channel=1, count=1)
    begun = segment(1, 1, state(), batch(queue(), messages),
                            batch(done))
    yield "nothing", b""
    yield "empty", b"\1\0"
    yield "new", b"\1\1" + segment(1, 1, state())
    end = 0xffffffff  # of ids
    yield "ids-at-their-end", b"\1\1" + segment(1, 1, state(next_id=end))
    yield "last-id", b"\1\1" + segment(1, 1, state(queue(identity=end - 1)))
    yield "id-beyond", b"\1\1" + segment(1, 1, state(queue(identity=end)))
    yield "without-format", b"\0\1" + segment(1, 1, state())
    yield "messages", b"\1\1" + begun
    yield "torn", b"\1\1" + segment(
        1, 1, state(), batch(queue(), messages),
        batch(done, is_torn=True))
    yield "skipped", b"\1\1" + segment(
        1, 1, state(), batch(queue(), messages, skipped=1))
    yield "sealed", b"\1\1" + segment(
        1, 1, state(), batch(queue(), messages), seal=0)
    yield "two", b"\1\2" + begun + segment(
        2, 4, state(queue(2, 3), segments=[(1, 3, 520)]), seal=0)
    yield "missing", b"\1\1" + segment(
        2, 4, state(queue(2, 3), segments=[(1, 3, 520)]))
    yield "foreign-format", b"\2\x14sluice journal 2\nuuid\1" + begun
    yield "freed", b"\1\2" + begun + segment(
        2, 4, state(queue(3, 3), segments=[(1, 3, 520)]),
        batch(record(7, struct.pack("<Q", 1), count=1),
                      record(5, channel=1, first=3),
                      record(4, channel=1)))


def store():
    """Choices of tests/store/storm.c, by chance."""
    chance = random.Random(1)
    for size in (2, 8, 64, 200, 500, 1000):
        for seed in range(3):
            yield f"{size}-{seed}", bytes([seed]) + chance.randbytes(size)
