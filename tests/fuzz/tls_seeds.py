# SPDX-License-Identifier: MIT
"""Seeds for TLS: first flights of hostile and honest clients, and scripts of
tests/unit/tls_play.c."""
import random
import struct


def piece(data):
    return struct.pack(">H", len(data)) + data


def vector(data, width=2):
    return len(data).to_bytes(width, "big") + data


def extension(kind, data):
    return struct.pack(">H", kind) + vector(data)


def hello(*extensions, ciphers=(0x1301, 0x1302, 0xc02b, 0xc02f), session=b""):
    body = (b"\x03\x03" + bytes(range(32)) + vector(session, 1)
            + vector(b"".join(struct.pack(">H", c) for c in ciphers))
            + b"\x01\x00" + vector(b"".join(extensions)))
    return b"\x01" + vector(body, 3)


def record(data, kind=0x16):
    return bytes([kind, 3, 1]) + vector(data)


GROUPS = extension(10, vector(struct.pack(">HH", 29, 23)))
SIGNATURES = extension(13, vector(struct.pack(">HHH", 0x0403, 0x0804, 0x0401)))
VERSIONS = extension(43, vector(struct.pack(">HH", 0x0304, 0x0303), 1))
SHARE = extension(51, vector(struct.pack(">H", 29) + vector(
    bytes([9] + 31 * [7]))))
NAME = extension(0, vector(b"\0" + vector(b"localhost")))
ALPN = extension(16, vector(vector(b"h2", 1) + vector(b"sluice", 1)))
TICKET = extension(35, bytes(range(160)))
BASE = (GROUPS, SIGNATURES)


def tls_handshake():
    modern = hello(*BASE, VERSIONS, SHARE, NAME, ALPN)
    older = hello(*BASE, NAME, TICKET, extension(0xff01, b"\0"))
    yield "tls13", piece(record(modern))
    yield "tls12", piece(record(older))
    yield "no-share", (piece(record(hello(*BASE, VERSIONS, extension(
        51, vector(b"")))))
                       + piece(record(modern)))
    yield "in-pieces", b"".join(piece(record(modern)[i:i + 7])
                                for i in range(0, len(modern) + 5, 7))
    yield "in-records", piece(b"".join(record(modern[i:i + 40])
                                       for i in range(0, len(modern), 40)))
    yield "then-finished", (piece(record(modern))
                            + piece(record(b"\x01", 0x14)
                                    + record(bytes(64), 0x17)))
    yield "then-keys", (piece(record(older))
                        + piece(record(b"\x10" + vector(vector(
                            b"\x04" + bytes(64), 1), 3))
                                + record(b"\x01", 0x14) + record(bytes(40))))
    yield "alpn-foreign", piece(record(hello(*BASE, VERSIONS, SHARE, extension(
        16, vector(vector(b"h2", 1))))))
    yield "psk", piece(record(hello(
        *BASE, VERSIONS, SHARE, extension(45, b"\x01\x01"),
        extension(41, vector(vector(bytes(100)) + bytes(4))
                  + vector(vector(bytes(32), 1))))))
    yield "alert", piece(record(modern)) + piece(record(b"\x02\x30", 0x15))
    yield "empty-record", piece(record(b""))
    yield "endless", piece(record(b"\x01\xff\xff\xff" + bytes(900))) * 9
    yield "oldest", piece(record(hello(*BASE)).replace(b"\x03\x03", b"\x03\0"))


def tls_records():
    seal, deliver, read, write, room, answer, hostile = 0, 3, 4, 5, 6, 7, 8
    talk = bytes([seal, 40, deliver, read, 80, write, 9, answer])
    yield "talk", b"\0" + talk * 3
    yield "talk-12", b"\1" + talk * 3
    yield "large", bytes([0, seal, 255, seal, 200, deliver] + [read, 255] * 4)
    yield "full", bytes([0, room, 9, write, 255, room, 130, answer, write, 3])
    for what in range(4):
        yield f"hostile-{what}", bytes([0, seal, 30, hostile, what, 8, 1, 5,
                                        deliver, read, 99, read, 99])
    yield "raw", b"\0" + bytes([hostile, 2, 12]) + record(
        b"\x18\0\0\1\0", 0x17)[:12] + bytes([deliver, read, 20])
    chance = random.Random(7)
    for i in range(6):
        yield f"chance-{i}", bytes(chance.randrange(256) for _ in range(300))
