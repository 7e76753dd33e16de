# SPDX-License-Identifier: MIT
"""The rows of the table, and the points of the plots: which loads are run."""

WITHOUT_BOOK = ("the book",)
# name, words for bench_load, and the brokers left out because they take too
# long
THROUGHPUT = (
    ("1 to 1, 100 B", "--size 100", ()),
    ("1 to 10, 100 B", "--size 100 --subs 10 --window 10000", ()),
    ("1 to 100, 100 B", "--size 100 --subs 100 --window 2000", WITHOUT_BOOK),
    ("16 channels 1 to 1, 100 B",
     "--size 100 --pubs 16 --subs 16 --channels 16", ()),
    ("4 to 4 fan-out, 1 KiB",
     "--size 1024 --pubs 4 --subs 4 --window 4000", ()),
    ("1 to 1, 16 B", "--size 16", ()),
    ("1 to 1, 64 KiB", "--size 65536 --window 100", ()),
    ("queue 4 to 4, 100 B", "--size 100 --pubs 4 --subs 4 --queue", ()),
)
LATENCY = (
    ("1 to 1 at 20,000/s", "--size 100 --rate 20000", ()),
    ("1 to 10 at 5,000/s", "--size 100 --subs 10 --rate 5000", ()),
)
# Plots: a line for each broker through the points of one changing value.
SUBSCRIBERS = (1, 2, 5, 10, 20, 50, 100)
SIZES = (16, 64, 256, 1024, 4096, 16384, 65536)
RATES = (1000, 5000, 20000, 50000, 100000, 200000, 500000, 1000000)
# What a broker is not asked to keep up with.
HOPELESS = {"the book": 20000, "Mosquitto": 100000}


def window_of(size, subscribers):
    """As much on its way as the table's rows allow."""
    return max(50, min(20000, (4 << 20) // size, 200000 // subscribers))


CURVES = {
    "subscribers": [
        (n, f"--size 100 --subs {n} --window {window_of(100, n)}",
         WITHOUT_BOOK if n > 20 else ()) for n in SUBSCRIBERS],
    "size": [(n, f"--size {n} --window {window_of(n, 1)}", ())
             for n in SIZES],
    "latency": [
        (n, f"--size 100 --rate {n}",
         ("relay", *(name for name, rate in HOPELESS.items() if n > rate)))
        for n in RATES],
}

# Every message is answered, in version 2. The programs of each broker, in
# place of bench_load.
CONFIRM = "bench_confirm --size 100"
CONFIRMED = (
    ("1 to 1, 100 B, a receipt for each, NATS without",
     {"sluice": f"{CONFIRM} --broker sluice",
      "NATS": "bench_load --dialect nats --size 100"}),
    ("1 to 1, 100 B, each message confirmed",
     {"sluice": f"{CONFIRM} --broker sluice",
      "JetStream": f"{CONFIRM} --broker nats",
      "Redis": f"{CONFIRM} --broker redis"}),
    ("queue 1 to 1, 100 B, each message acknowledged",
     {"sluice": f"{CONFIRM} --broker work"}),
)
ROUND_TRIPS = (
    ("request and reply, 100 B", ("p50", "p99"),
     {"sluice": "bench_roundtrip --kind request",
      "NATS": "bench_roundtrip --kind nats-request"}),
    ("PING, idle queue", ("p99", ),
     {"bounded": "bench_roundtrip --kind ping"}),
    ("PING, full queue", ("p99", ),
     {"bounded": "bench_roundtrip --kind ping --beside"}),
    ("ACK, idle queue", ("p99", ),
     {"bounded": "bench_roundtrip --kind ack"}),
    ("ACK, full queue", ("p99", ),
     {"bounded": "bench_roundtrip --kind ack --beside"}),
)

# Every message is confirmed as stored: options of bench_confirm, and whether the
# time until then is a row as well.
DURABLE = (
    ("100 B, 4096 in flight", {"size": 100, "window": 4096}, False),
    ("1 KiB, 4096 in flight", {"size": 1024, "window": 4096}, False),
    ("100 B, 64 in flight", {"size": 100, "window": 64}, False),
    ("1 KiB, 64 in flight", {"size": 1024, "window": 64}, False),
    ("100 B, 50 connections, 1 in flight each",
     {"size": 100, "window": 1, "pubs": 50}, True),
)
# The same with readers that acknowledge each message, by broker.
DURABLE_WORK = (
    ("100 B, 4096 in flight, read and acknowledged",
     {"size": 100, "window": 4096},
     {"sluice": "durable-work", "Redis": "redis-work"}),
    ("100 B, 4096 in flight, 4 to 4, read and acknowledged",
     {"size": 100, "window": 4096, "pubs": 4, "readers": 4},
     {"sluice": "durable-work", "Redis": "redis-work"}),
)
# With a disk whose flushes take SLOW_MS more: what sharing them is worth.
SLOW_MS = 2
DURABLE_SLOW = tuple(
    (f"{name}, flushes {SLOW_MS} ms longer", options, has_times)
    for name, options, has_times in DURABLE[1:])
# With TLS: the throughput of those above, and handshakes, with words for
# bench_shake.
TLS = tuple((name, words) for name, words, _ in THROUGHPUT if name in (
    "1 to 1, 100 B", "1 to 10, 100 B", "16 channels 1 to 1, 100 B",
    "1 to 1, 64 KiB"))
HANDSHAKES = (("full handshakes, TLS 1.3", ""),
              ("resumed handshakes, TLS 1.2", "--resume"))
# JetStream confirms what it has not flushed.
DOES_NOT_FLUSH = ("JetStream",)

# In whose columns the brokers are that only some rows have.
NAMES = {"bounded": "sluice", "JetStream": "NATS"}
