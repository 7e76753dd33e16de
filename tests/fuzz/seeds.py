# SPDX-License-Identifier: MIT
"""Writes the seed corpus from what the protocol says: seeds.py [FOLDER]

Each seed is a few rows of the protocol's table, in the form that its target
reads (the comment at the top of TARGET_fuzzer.c). Inputs that were found to
break something lie beside them under their own names and are left alone.
"""
import json
import struct
import sys
from pathlib import Path

import store_seeds
import tls_seeds
import user_seeds


def frame(body):
    return struct.pack(">I", len(body)) + body


def pair(name, message):
    return frame(name) + frame(message)


def claim(length):
    return struct.pack(">I", length)


VECTORS = json.loads((Path(__file__).resolve().parents[1]
                      / "conformance/vectors.json").read_text())


# What a decoder must get right, whatever the sender.
STREAMS = {
    "empty": b"",
    "one": frame(b"water"),
    "many": b"".join(frame(b"m" * n) for n in range(20)),
    "no-body": frame(b"") * 5,
    "head-cut": claim(5)[:3],
    "body-cut": frame(b"water")[:-1],
    "claims-4g": frame(b"a") + claim(0xffffffff) + b"x",
    "claims-2g": claim(0x80000000) + b"x",
    "at-limit": claim(255) + b"n" * 255,
    "above-limit": claim(256) + b"n" * 256,
    "http": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
    "tls": bytes.fromhex("1603010200010001fc0303"),
}


def frame_seeds():
    for name, stream in STREAMS.items():
        for limit in (2, 4):
            yield f"{name}-{limit}", bytes([limit, 7]) + stream


def pieces(stream, size):
    for at in range(0, len(stream), size):
        piece = stream[at:at + size]
        yield bytes([len(piece)]) + piece


def inbox_seeds():
    for name, stream in STREAMS.items():
        for size in (3, 200):
            yield (f"{name}-{size}",
                   b"\x01\x00" + b"".join(pieces(stream, size)))


# The verbs of session_fuzzer.c, in its order.
(TURN, CONNECT, SEND, NAME, READ, PUBLISH, LEAVE, TIME, BEGIN, GO_ON, TAP,
 SCATTER, FAIL, RELOAD, STOP, VIEW) = range(16)
TOPIC, QUEUE, QUEUE_B, NULL, SYS, NOTHING, OLDEST, CUT = range(8)


# Those of version 2, in the order of play_units.c.
UNITS = 16
(OPEN, TEXT, SUB, UNSUB, PUB, REQ, REPLY, SETTLE, CREDIT, PING, BYE, CUT_UNIT,
 HEAR, BOAST, SCATTER_UNITS, SETTLE_ALL) = range(UNITS, 2 * UNITS)
ACK, NAK, NAK_NOW, NAK_LONG, NAK_SOON, TOUCH = range(6)
SPELLED = 5  # of the channels; and of the patterns:
TOPICS, TOPICS_BELOW, ALL, QUEUES, QUEUES_BELOW = range(8, 13)
ACKED, CREDIT_5, CREDIT_MOST, WAIT_100MS, WAIT_1S = range(1, 6)

MEMORIES = NONE, M300K, M25K, M50K, M75K, M100K, M150K, M600K = range(8)
WAIT, DROP_NEWEST, DROP_OLDEST, DISCONNECT = range(4)


def step(verb, client=0, *arguments):
    which = verb & 7 | (verb >> 3 & 1) << 6 | (verb >= UNITS) << 7
    return bytes([which | client << 3, *arguments])


def send(client, stream):
    return b"".join(step(SEND, client) + piece for piece in pieces(stream, 255))


def join(client, channel):
    return step(CONNECT, client) + step(NAME, client, channel) + step(TURN)


def publish(client, channel, size, scale=0, times=1):
    return step(PUBLISH, client, channel | scale << 3 | times - 1 << 5, size)


def begin(client, channel, size, scale=0, came=0):
    return step(BEGIN, client, channel | scale << 3, size, came)


def reload(policy=WAIT, hold=0, limit=0, prefetch=0, rule=3, more=0):
    return step(RELOAD, 0, policy | hold << 2 | limit << 4 | more,
                rule | prefetch << 2)


SOON, LATER = step(TIME, 0, 4), step(TIME, 0, 48)


def memory_scripts():
    """What happens when memory is short, or fails."""
    two = join(0, NULL) + join(1, NULL)
    yield "evict", M25K, (join(0, TOPIC) + join(1, TOPIC)
                          + begin(0, TOPIC, 99, 1, 200) + step(TURN) + LATER
                          + begin(1, TOPIC, 99, 1, 200) + step(GO_ON, 1, 50)
                          + step(TURN) + LATER + step(GO_ON, 1, 1)
                          + step(TURN) + begin(2, TOPIC, 99, 1, 200)
                          + join(2, NULL) + begin(2, TOPIC, 99, 1, 255)
                          + step(GO_ON, 2, 50) + step(TURN))
    yield "evict-itself", M25K, (join(0, TOPIC) + join(1, TOPIC)
                                 + begin(0, TOPIC, 99, 1, 200) + step(TURN)
                                 + LATER + begin(1, TOPIC, 99, 1, 200)
                                 + step(GO_ON, 1, 50) + step(TURN)
                                 + step(GO_ON, 0, 50) + step(TURN))
    yield "grants", M75K, (two + begin(0, TOPIC, 99, 2, 255)
                           + begin(1, QUEUE, 99, 2, 255) + step(TURN)
                           + SOON * 3 + step(GO_ON, 1, 255) * 2
                           + step(TURN, 3) + step(GO_ON, 0, 255) * 2
                           + step(TURN, 3))
    yield "starved", M50K, (two + publish(0, QUEUE, 99, 2) + step(TURN)
                            + begin(1, QUEUE_B, 70, 2, 255) + step(TURN)
                            + step(LEAVE, 1, 0) + step(TURN))
    yield "pressed", M150K, (reload(limit=2) + join(0, TOPIC)
                             + join(1, NULL) + publish(1, TOPIC, 99, 2, 4)
                             + publish(1, TOPIC, 99, 1, 3) + step(TURN, 7)
                             + SOON + LATER + step(READ, 0, 255) * 9)
    yield "pressed-cut", M150K, (reload(DISCONNECT, limit=2)
                                 + join(0, TOPIC) + join(1, NULL)
                                 + publish(1, TOPIC, 99, 2, 6)
                                 + step(TURN, 7) + LATER)
    yield "pressed-queue", M100K, (reload(limit=2) + two
                                   + publish(0, QUEUE, 99, 2, 4)
                                   + step(TURN, 3) + publish(1, QUEUE, 9)
                                   + step(TURN) + join(2, QUEUE)
                                   + (step(READ, 2, 255) + step(TURN)) * 9)
    yield "pressed-leaver", M100K, (reload(limit=2) + join(0, TOPIC)
                                    + join(1, NULL)
                                    + publish(1, TOPIC, 99, 2, 3)
                                    + step(NAME, 0, NOTHING)
                                    + step(TURN, 3) + LATER)
    yield "scattered", M50K, (join(0, NULL) + step(SCATTER, 0, 255)
                              + step(TURN, 3) + reload(hold=2)
                              + step(SCATTER, 0, 254) + step(TURN, 3)
                              + publish(0, TOPIC, 99, 2) + step(TURN))
    for n in (1, 2, 3, 4, 6, 9):
        yield f"fails-{n}", NONE, (
            join(0, TOPIC) + join(1, QUEUE) + join(2, NULL) + step(FAIL, 0, n)
            + publish(2, QUEUE, 99, 1, 8) + publish(2, TOPIC, 99, 2, 2)
            + begin(2, QUEUE, 99, 3, 255) + step(TURN, 3)
            + step(READ, 0, 255) * 3 + step(LEAVE, 1, 1) + step(TURN))


def session_scripts():
    yield "gathered", (reload(prefetch=2) + join(0, QUEUE_B) + join(1, QUEUE_B)
                       + join(2, NULL) + publish(2, QUEUE_B, 20, 1, 8) * 4
                       + step(TURN) + step(READ, 0, 255) + step(LEAVE, 1, 1)
                       + step(TURN) + step(READ, 0, 255) * 3)
    yield "begun", (join(0, NULL) + step(NAME, 0, QUEUE) + step(TURN)
                    + step(LEAVE, 0, 1))
    yield "sips", (join(0, NULL) + publish(0, QUEUE, 99, 2) + step(TURN)
                   + publish(0, QUEUE, 99, 2, 6) + step(TURN)
                   + (step(TIME, 0, 100) + publish(0, QUEUE_B, 9)) * 5
                   + step(LEAVE, 0, 1) + step(TURN))
    yield "reloaded", (join(0, TOPIC) + join(1, NULL)
                       + publish(1, TOPIC, 99, 2, 2) + step(TURN)
                       + reload(DROP_OLDEST, hold=1)
                       + publish(1, OLDEST, 9, times=8) + step(TURN)
                       + reload(DISCONNECT, limit=1, more=64, rule=0)
                       + publish(1, TOPIC, 99, 1, 2) + step(TURN)
                       + reload(DISCONNECT, limit=1) + step(TURN)
                       + publish(1, TOPIC, 99, 1) + step(TURN))
    yield "tapped", (step(TAP, 0, TOPIC) + join(0, NULL)
                     + publish(0, TOPIC, 9, times=3) + step(TURN)
                     + step(VIEW) + step(TAP, 0, QUEUE) + publish(0, QUEUE, 9, times=3)
                     + step(TURN))
    yield "half-deaf", (join(0, TOPIC) + step(LEAVE, 0, 2)
                        + publish(0, TOPIC, 9) + step(TURN) + step(TURN))
    yield "cut-while-paused", (join(0, TOPIC) + join(1, TOPIC)
                               + publish(1, TOPIC, 99, 2, 3) + step(TURN)
                               + publish(1, TOPIC, 9) + step(LEAVE, 1, 1)
                               + step(TURN))
    for name, stream in STREAMS.items():
        yield f"first-{name}", step(CONNECT) + send(0, stream) + step(TURN)
        yield (f"then-{name}", join(0, TOPIC) + send(0, stream)
               + step(TURN) + step(READ, 0, 255))
    yield "topic", (join(0, TOPIC) + join(1, TOPIC) + join(2, NULL)
                    + publish(2, TOPIC, 9, times=8) + step(TURN)
                    + step(READ, 0, 9) + step(READ, 1, 1))
    yield "queue", (join(0, QUEUE) + join(1, QUEUE) + join(2, NULL)
                    + publish(2, QUEUE, 50, 1, 8) + step(TURN, 3)
                    + step(READ, 0, 1) + step(LEAVE, 0, 1) + step(TURN, 3)
                    + step(READ, 1, 255))
    yield "queue-full", (join(0, NULL) + publish(0, QUEUE, 99, 1, 8) * 3
                         + step(TURN) + publish(0, QUEUE, 9)
                         + step(TURN) + step(LEAVE, 0, 0) + step(TURN)
                         + join(1, QUEUE) + step(READ, 1, 255) * 9)
    yield "queue-full-crowd", (join(0, NULL) + publish(0, QUEUE, 99, 1, 8) * 3
                               + step(TURN) + publish(0, QUEUE, 9)
                               + step(TURN) + step(LEAVE, 0, 0) + step(TURN)
                               + join(1, NULL) + join(2, NULL)
                               + join(3, QUEUE) + step(TURN, 3)
                               + step(READ, 3, 255) * 9)
    yield "queue-full-stop", (join(0, NULL) + publish(0, QUEUE, 99, 1, 8) * 3
                              + step(TURN) + publish(0, QUEUE, 9))
    yield "slow", (join(0, TOPIC) + join(1, NULL)
                   + (publish(1, TOPIC, 99, 2) + step(TURN)) * 4
                   + step(TIME, 0, 50) + publish(1, TOPIC, 99, 1)
                   + step(READ, 0, 255) * 5 + step(TURN))
    for channel in (SYS, OLDEST, CUT):
        yield f"policy-{channel}", (join(0, channel) + join(1, NULL)
                                    + publish(1, channel, 99, 2, 4) * 3
                                    + step(TURN) + step(READ, 0, 255) * 3)
    yield "hold", (join(0, NULL) + publish(0, OLDEST, 9, times=5)
                   + step(TURN) + join(1, OLDEST) + step(READ, 1, 9))
    yield "large", (join(0, TOPIC) + join(1, NULL)
                    + publish(1, TOPIC, 99, 3) + step(TURN, 7)
                    + step(READ, 0, 255) * 9 + step(TURN))
    yield "large-cut", (join(0, TOPIC) + send(0, frame(b"t") + claim(9000)
                                              + b"x" * 200)
                        + step(TURN) + send(0, b"y" * 700) + step(TURN)
                        + step(TIME, 0, 255) * 2)
    yield "goodbye", (join(0, TOPIC) + publish(0, TOPIC, 9, times=3)
                      + step(NAME, 0, NOTHING) + publish(0, TOPIC, 9)
                      + step(TURN) + step(READ, 0, 255) + step(TURN)
                      + step(TIME, 0, 1))
    yield "goodbye-deaf", (join(0, TOPIC) + publish(0, TOPIC, 99, 1, 4)
                           + step(NAME, 0, NOTHING) + step(TURN)
                           + step(TIME, 0, 255))
    yield "name-cut", (step(CONNECT) + send(0, frame(b"/topic/a")[:6])
                       + step(TURN) + step(TIME, 0, 255))
    yield "silence", step(CONNECT) + step(TIME, 0, 255) + step(TIME, 0, 255)
    yield "scan", step(CONNECT) + step(TURN) + step(LEAVE, 0, 1) + step(TURN)
    yield "half-closed", (join(0, TOPIC) + publish(0, TOPIC, 9)
                          + step(LEAVE, 0, 0) + step(TURN))
    yield "version-2", step(CONNECT) + send(0, frame(b"\0SUB")) + step(TURN)
    yield "sys", (join(0, SYS) + publish(0, SYS, 9) + publish(0, NULL, 9)
                  + step(TURN))
    yield "own", (join(0, QUEUE_B) + publish(0, QUEUE_B, 9, times=8)
                  + step(TURN) + step(READ, 0, 9) + step(LEAVE, 0, 1))


def open_units(client, options=0):
    return step(OPEN, client, options) + step(TURN)


def text(client, head, size=0):
    return step(TEXT, client, len(head)) + head + bytes([size])


def sub(client, pattern, options=0):
    return step(SUB, client, pattern | options << 4) + step(TURN)


def pub(client, channel, size, scale=0, times=1, form=0):
    return step(PUB, client, channel | form << 3 | times - 1 << 5,
                size | scale << 6)


def hear(client, times=0):
    return step(HEAR, client, times)


def settle(client, how, before=0, is_silent=False):
    return step(SETTLE, client, how | before << 3 | is_silent << 6)


def unit_scripts():
    """What only version 2 has; each bound is reached."""
    two = open_units(0) + open_units(1)
    full = two + pub(0, QUEUE, 60, 1, 4) + step(TURN)
    parked = full + pub(0, QUEUE, 60, 1) + step(TURN) + SOON
    took = (sub(1, QUEUE, CREDIT_MOST)
            + (hear(1, 3) + step(SETTLE_ALL, 1)) * 4 + hear(0))
    left = step(LEAVE, 1, 1) + open_units(1)
    yield "hold-go-hold", parked + took + (left + parked[len(two):] + took) * 2
    yield "held-back", parked + pub(0, QUEUE, 60, 2, 8) + step(TURN) + took
    yield "parked-leaves", parked + step(BYE, 0) + step(TURN) + LATER * 3
    yield "parked-breaks", parked + step(LEAVE, 0, 1) + step(TURN) + took
    yield "parked-request", (parked + sub(1, QUEUE) + step(REQ, 0, QUEUE, 60)
                             + step(TURN) + hear(1) + LATER)
    yield "rests", (open_units(0) + (step(PING, 0, 255) + step(TURN)) * 3
                    + hear(0, 9) + step(PING, 0, 9) + step(TURN) + hear(0, 9))
    yield "rests-leaves", (open_units(0) + (step(PING, 0, 255) + step(TURN)) * 3
                           + step(BYE, 0) + hear(0, 9) + LATER * 2)
    asked = (two + sub(1, TOPIC) + step(REQ, 0, TOPIC, 9) + step(TURN)
             + hear(1))
    yield "replied", asked + step(REPLY, 1, 9) * 2 + step(TURN) + hear(0)
    yield "reply-waits", (asked + (step(PING, 0, 255) + step(TURN)) * 3
                          + step(REPLY, 1, 60 | 2 << 6) + step(TURN)
                          + hear(0, 9) + step(TURN))
    yield "reply-is-slow", (asked + (step(PING, 0, 255) + step(TURN)) * 3
                            + step(REPLY, 1, 60) + step(TURN) + LATER
                            + hear(0, 9))
    yield "replier-leaves", (asked + (step(PING, 0, 255) + step(TURN)) * 3
                             + step(REPLY, 1, 60) + step(BYE, 1) + step(TURN)
                             + hear(0, 9))
    yield "asks-all", two + sub(1, QUEUE) + step(REQ, 0, QUEUE, 9) * 8 + LATER
    for how in range(6):
        yield f"settle-{how}", (two + sub(1, QUEUE, WAIT_1S)
                                + pub(0, QUEUE, 9, times=8) + step(TURN)
                                + hear(1) + settle(1, how) + settle(1, how, 3)
                                + step(TURN) + LATER + hear(1) + SOON)
    yield "credit", (two + sub(1, QUEUES, CREDIT_5)
                     + pub(0, QUEUE_B, 9, times=8) + step(TURN)
                     + step(CREDIT, 1, QUEUES) + hear(1) + step(SETTLE_ALL, 1)
                     + step(CREDIT, 1, QUEUES | 3 << 4) + step(TURN) + hear(1))
    yield "worker-breaks", (two + sub(1, QUEUE, CREDIT_MOST)
                            + pub(0, QUEUE, 9, times=8) + step(TURN)
                            + step(LEAVE, 1, 1) + sub(0, QUEUES, WAIT_100MS)
                            + hear(0) + LATER * 2)
    yield "wildcards", (two + sub(0, TOPICS) + sub(0, TOPICS_BELOW)
                        + sub(0, ALL) + sub(1, QUEUES_BELOW, ACKED)
                        + step(SCATTER_UNITS, 1, 40)
                        + step(SCATTER_UNITS, 1, 41) + step(TURN, 3) + hear(0)
                        + step(UNSUB, 0, ALL) + step(UNSUB, 0, TOPICS_BELOW)
                        + pub(1, OLDEST, 9) + step(TURN) + hear(0)
                        + step(TIME, 0, 255) * 3)
    yield "gaps", (reload(DROP_OLDEST) + two + sub(0, TOPIC) + sub(0, ALL)
                   + pub(1, TOPIC, 60, 1, 8) * 3 + step(TURN) + hear(0)
                   + step(UNSUB, 0, TOPIC) + pub(1, TOPIC, 9) + step(TURN))
    yield "overrun", (two + sub(0, CUT) + pub(1, CUT, 60, 1, 8) * 3
                      + step(TURN) + hear(0))
    yield "unsub-late", (two + sub(0, TOPIC) + pub(1, TOPIC, 60, 1, 3)
                         + step(TURN) + step(UNSUB, 0, TOPIC) + step(TURN)
                         + step(BYE, 0) + hear(0, 3))
    for form in range(4):
        yield f"form-{form}", (two + sub(0, OLDEST) + join(2, OLDEST)
                               + pub(1, SPELLED, 9, form=form)
                               + pub(1, OLDEST, 60, 2, form=form)
                               + step(TURN, 3) + hear(0) + step(READ, 2, 255))
    yield "both", (two + sub(0, QUEUE, ACKED) + join(2, QUEUE)
                   + publish(2, QUEUE, 9, times=8) + pub(1, QUEUE, 9, times=8)
                   + step(TURN) + hear(0) + settle(0, NAK_NOW)
                   + step(READ, 2, 255) + step(TURN) + hear(0))
    for what in range(16):
        yield f"boast-{what}", (open_units(0) + step(BOAST, 0, what)
                                + step(GO_ON, 0, 255) + step(TURN) + hear(0))
    yield "cut", (open_units(0) + step(CUT_UNIT, 0, QUEUE, 9, 9) + step(TURN)
                  + step(TIME, 0, 255) * 2 + hear(0))
    yield "cut-large", (open_units(0)
                        + step(CUT_UNIT, 0, QUEUE | 128, 60 | 2 << 6, 99)
                        + step(TURN) + step(LEAVE, 0, 1))
    yield "idle", open_units(0, 1) + step(TIME, 0, 50) * 3 + hear(0)
    for option in range(8):
        yield f"options-{option}", open_units(0, option) + hear(0)


def vector_steps(row):
    """A vector of tests/conformance; what is too long for a seed, it has not.
    """
    numbers, script = {}, b""
    for one in row["steps"]:
        if "sleep_ms" in one:
            script += step(TIME, 0, min(255, one["sleep_ms"] // 25 + 1))
            continue
        name = one.get("to", one.get("from"))
        is_new = name not in numbers
        client = numbers.setdefault(name, len(numbers))
        if "from" in one:
            script += step(TURN) + hear(client)
        elif "head" in one and is_new and one["head"] == "\0SLUICE/2":
            script += open_units(client)
        elif "hex" in one or "head" in one:
            script += step(CONNECT, client) if is_new else b""
            script += vector_unit(client, one)
        else:
            script += step(LEAVE, client, 0 if "shutdown" in one else 1)
    return script


def vector_unit(client, one):
    head = one.get("head", "").encode("latin-1")
    body = len(one.get("body_hex", "")) // 2
    if 0 < len(head) < 256 and body < 64 and head[:1] != b"\0":
        return text(client, head, body)
    return send(client, bytes.fromhex(one.get("hex", "")[:4000]))


def vector_rows():
    conformance = Path(__file__).resolve().parents[1] / "conformance"
    sys.path.insert(0, str(conformance))
    from sessions import sessions  # pylint: disable=import-outside-toplevel
    return VECTORS["session"] + sessions()


def session_seeds():
    for name, script in unit_scripts():
        yield f"units-{name}", bytes([NONE]) + script
        yield f"units-{name}-stop", bytes([NONE]) + script + step(STOP)
        yield f"units-{name}-short", bytes([M25K]) + script
    for n in (1, 2, 3, 4, 6, 9, 13):
        yield f"units-fails-{n}", bytes([NONE]) + (
            open_units(0) + open_units(1) + step(FAIL, 0, n)
            + sub(0, ALL) + sub(1, QUEUES, CREDIT_5) + pub(0, QUEUE, 60, 1, 8)
            + pub(1, TOPIC, 60, 2, 2) + step(REQ, 0, QUEUE, 9)
            + step(TURN, 3) + hear(0) + hear(1) + step(BYE, 1) + step(TURN))
    for row in vector_rows():
        yield f"vector-{row['name']}", bytes([NONE]) + vector_steps(row)
    for name, script in session_scripts():
        yield name, bytes([NONE]) + script
        yield f"{name}-stop", bytes([NONE]) + script + step(STOP)
        yield f"{name}-short", bytes([M25K]) + script
    for name, memory, script in memory_scripts():
        yield name, bytes([memory]) + script
        yield f"{name}-stop", bytes([memory]) + script + step(STOP)


CONFIGS = {
    "all": """# comment
[broker]
listen = 127.0.0.1:25000
listen = unix:/run/s ; comment
socket-mode = 0600
memory = 64m
max-frame: 1m
patience = 250ms
max-connections = 7
log-level = debug
log-format = json
log-file = /tmp/log

[monitor]
connect = tcp://127.0.0.1:5555
interval = 0.5
name = one

[http]
listen = [::1]:80
host = example.org

[channel "/queue/*"]
limit = 1m
messages = 3

[channel "/t/**"]
policy = drop-oldest
client-limit = 1m
patience = 1s
hold = 2
""",
    "crlf": "\ufeff[broker]\r\n  memory = 5m\r\n",
    "wrong": "x = 1\n[broker]\nmemory = ?\nmemory = 5m\n= 2\nfoo\n[a]\nb = 1\n"
             "[\n[channel \"/a*\"]\nhold = 1\n[channel \"/a\"]\nhold = x\n",
    "cut": "[broker]\nmemory = 5",
    "nul": "[broker]\n\0memory = 5m\n",
    "long": "[channel \"" + "x" * 255 + "\"]\n[broker]\nlog-file = "
            + "y" * 180 + "\n",
}


def config_seeds():
    for name, text in CONFIGS.items():
        yield name, text.encode("utf-8")


REQUESTS = {
    "get": "GET /stats?a=b HTTP/1.1|Host: localhost:80|Accept: */*||",
    "head": "HEAD / HTTP/1.0|Host: [::1]:80|X:\ty ||",
    "post": "POST / HTTP/1.1|Host: a.b|Content-Length: 5||hello",
    "both": "POST / HTTP/1.1|Host: a|Content-Length: 6|"
            "Transfer-Encoding: chunked||0||G",
    "folded": "GET / HTTP/1.1|Host: a|X: y| Transfer-Encoding: chunked||",
    "space": "GET / HTTP/1.1|Host: a|Transfer-Encoding : chunked||",
    "twice": "GET / HTTP/1.1|Host: a|Host: 1.2.3.4||",
    "absolute": "GET http://a/ HTTP/1.1|Host: a||",
    "basic": "GET / HTTP/1.1|Host: a|Authorization: Basic YTpi||",
    "bearer": "GET / HTTP/1.1|Host: a|Authorization: Bearer a.b=||",
    "version": "GET / HTTP/2.0|Host: a||",
    "nobody": "GET / HTTP/1.1||",
    "nothing": "||",
    "cut": "GET / HTTP/1.1|Host: a|",
}


def http_head_seeds():
    for name, text in REQUESTS.items():
        yield name, b"\3" + text.replace("|", "\r\n").encode()


EXCHANGES = {"made": "GET /made", "fixed": "GET /fixed", "feed": "GET /feed",
             "head": "HEAD /made", "nothing": "GET /", "post": "POST /made"}


def http_connection_seeds():
    """A request in pieces of nine bytes, then sending and adding."""
    for name, line in EXCHANGES.items():
        request = (line + " HTTP/1.1\r\nHost: localhost\r\n").encode()
        rest = -(len(request) + 6) % 9
        request += b"X:" + b"x" * rest + b"\r\n\r\n"
        pieces = [request[i:i + 9] for i in range(0, len(request), 9)]
        received = b"".join(b"\4" + piece for piece in pieces)
        yield name, received + b"\x0e\xfe" + b"\x0f\xff\xfe" * 4


def head_seeds():
    for number, row in enumerate(VECTORS["heads"]):
        yield f"vector-{number}", bytes.fromhex(row["hex"])
    for row in VECTORS["session"]:
        if row["name"].startswith(("head-", "option-", "queue-ack", "gap-")):
            text = row["steps"][2].get("head", "")
            yield row["name"], text.encode("latin-1")[:300]
    yield "opening", b"\0SLUICE/2 name=thermo ping=30s ?x=y"
    yield "version", b"\0SLUICE/3"
    yield "33-pairs", b"/t" + b" ?x=1" * 33


def spelling_seeds():
    for number, row in enumerate(VECTORS["escape"]):
        yield f"channel-{number}", bytes.fromhex(row["raw_hex"])
    patterns = sorted({row["pattern"] for row in VECTORS["match"]})
    for number, text in enumerate(patterns):
        yield f"pattern-{number}", text.encode()
    yield "spelled", b"/%71ueue/%2A/*"
    yield "longest", b"/" * 254 + b"*"


def interest_step(what, text):
    return bytes([what, len(text)]) + text


def interests_seeds():
    rows = [row for row in VECTORS["match"] if "error" not in row]
    patterns = sorted({row["pattern"] for row in rows})
    script = b"".join(interest_step(number, text.encode())
                      for number, text in enumerate(patterns))
    asked = b"".join(interest_step(128, bytes.fromhex(row["channel_hex"]))
                     for row in rows)
    yield "vectors", script + asked
    yield "leaving", script + script + asked + script[:60] + asked
    yield "equal", b"".join(interest_step(number, b"/%2A/*")
                            for number in range(20)) + asked
    yield "slashes", (interest_step(0, b"/" * 254 + b"*")
                      + interest_step(1, b"*" + b"/*" * 127)
                      + interest_step(2, b"**")
                      + interest_step(128, b"/" * 254)
                      + interest_step(128, b"/" * 255))


def journal_seeds():
    """A record of each type, its payload from the fixture of version 1."""
    sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "journal"))
    import format as journal  # pylint: disable=import-outside-toplevel
    for name, data in journal.fixture().items():
        yield name, data[:500]
        if not name.endswith(".seg"):
            continue
        *_, seed = journal.read_segment(data)
        found = journal.read_batches(data, seed)
        for number, _, records in (next(found) for _ in range(2)):
            for kind, flags, form, _, count, _, payload in records:
                yield (f"{number}-{kind}",
                       struct.pack(">BBBIH", kind, flags, form, count, number)
                       + payload)


TARGETS = {"config": config_seeds, "frame": frame_seeds,
           "head": head_seeds, "http_connection": http_connection_seeds,
           "http_head": http_head_seeds,
           "inbox": inbox_seeds, "interests": interests_seeds,
           "journal": journal_seeds, "opening": store_seeds.opening,
           "rights": user_seeds.rights, "session": session_seeds,
           "spelling": spelling_seeds, "store": store_seeds.store,
           "tls_handshake": tls_seeds.tls_handshake,
           "tls_records": tls_seeds.tls_records,
           "users_file": user_seeds.users_file}


def main(folder):
    for target, seeds in TARGETS.items():
        place = folder / target
        place.mkdir(parents=True, exist_ok=True)
        for name, seed in seeds():
            (place / name).write_bytes(seed)


if __name__ == "__main__":
    main(Path(sys.argv[1]) if sys.argv[1:]
         else Path(__file__).resolve().parent / "corpus")
