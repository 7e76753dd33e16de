# SPDX-License-Identifier: MIT
"""Writes docs/performance.md from the measurements and nothing else."""
import re
import textwrap

import idle
import instructions as guard
import machine
import quiet

ORDER = ("sluice", "NATS", "Redis", "Mosquitto", "the book", "relay")
HEADS = {"relay": "ceiling"}

TEXT = """# Performance

How sluice stands beside other brokers. All of it was measured in one go, on
one machine, on {date}. Do not quote absolute figures: brokers and load
share the cores, so they vary with the machine. The ratios hold better. To see
how fast a running broker is on your machine, type `sluice bench`; to make this
page again, with its plots, type

    scripts/bench --install --write

- [Processor time](#processor-time)
- [Durable queues](#durable-queues)
- [TLS](#tls)
- [What was measured](#what-was-measured)
- [Instructions per message](#instructions-per-message)

{table}
Messages per second are those *delivered*, to all subscribers together.
"Beside the best peer" is how many times better sluice is, or worse if it is
below 1; "of the ceiling" compares with the relay.

## Processor time

What the broker itself spends on a message that is delivered, in microseconds of
all its threads. It hardly depends on the other programs of the machine, and so
is the steadiest of these figures:

{processor_times}
![Throughput by number of subscribers](performance/subscribers.svg)

![Throughput by message size](performance/size.svg)

![Latency percentiles under rising load](performance/latency.svg)

## Durable queues

<!-- durable -->
{durable}<!-- /durable -->

## TLS

<!-- tls -->
{tls}<!-- /tls -->

## What was measured

Every figure is a median of {runs} runs of {seconds} s each. The brokers take
turns, so that a disturbance of the machine affects all of them; {disturbed} of
the runs were disturbed by other programs that took more than {share} of the
machine. One program, `tests/bench/load/load.c`, speaks the protocol of each
broker and puts the same load on all: a fixed number of messages is under way at
any time, nothing is lost, and what arrives is counted, not parsed. Where a rate
is named, message n is sent at n / rate and its latency counts from then, so that
a stall counts against the broker that stalled, for every message that was due
during it.

- Machine: {processor}, {cores} cores, Linux {kernel}, {system}.
{versions}
- All brokers were on 127.0.0.1 over TCP, kept nothing on disk but in the rows of
  durable queues, had no TLS but in those of TLS, and no passwords: Mosquitto at
  quality of service 0, Redis with PUBLISH and SUBSCRIBE, NATS without JetStream,
  its queue a queue group, unless a row says otherwise.
- The book is `tests/bench/book_broker.py`: the broker of the asyncio case
  study that sluice grew out of, with its bounded queues.
- The ceiling is `tests/bench/load/relay.c`: one thread that copies what it
  reads to every subscriber without looking at it. No broker that reads and
  writes sockets on one thread can be expected to do much better. It can do a
  little better: the relay writes the bytes of one read at a time, while a
  broker may collect those of several.
- An idle connection is subscribed to a channel of its own; its bytes are the
  growth of the broker's resident memory for {idle} of them, without what the
  kernel holds.
- A blank means that the broker cannot do this, or that it was not measured.

In the rows with receipts, confirmed or acknowledged messages, requests, `PING`
and `ACK`, sluice is spoken to in version 2:

- With a receipt for each message, the publisher has at most 4096 messages on
  their way that are not both confirmed and read. In the first of these rows
  NATS confirms nothing; in the second, JetStream keeps the messages in memory
  and answers each, and Redis adds them to a stream. Redis has no reader there,
  which spares it work. In the row of a queue, a worker acknowledges each
  message.
- For request and reply, one client asks, another one replies, and the next
  request follows on the reply.
- The rows of `PING` and `ACK` are the time until the broker answers, beside an
  idle queue and beside a full one: four publishers push into that, and a publish
  of the worker's own is parked.

## Instructions per message

Time depends on the machine and its other load; the number of instructions that
sluiced executes does not. The test `bench.instructions` uses valgrind's
callgrind to count the instructions in user space for each delivered message of
100 bytes, and fails if a count is more than 1.5 % above the one recorded in
`tests/bench/instructions.txt`, or above the ceiling that some rows have:

{instructions}
Of the rows that begin with v2, all clients are of version 2. With receipts, the
publisher wants one for each message; with headers, each message has one; with
acks, each of four workers acknowledges each message.
In the durable rows the publisher wants a receipt for each message when it is on
disk, and the journal's thread is counted as well; nobody reads, or one worker
acknowledges each message. These may be 5 % above the record, because when
acknowledgements are written is a matter of time.
In "v1 to v2" only the reader is of version 2, and in "v2 to v1 and v2" there is
a reader of each.

When a change is worth its cost, or reduces the counts, record the new values
and give the reason in the commit:

    scripts/build && tests/bench/instructions.py --record

The values hold for one compiler, which the record names. With another compiler
the test prints its counts and is skipped.
"""


DURABLE_ORDER = ("sluice", "JetStream", "Redis", "beanstalkd")
DURABLE_BLOCK = re.compile(
    r"(?<=<!-- durable -->\n).*(?=<!-- /durable -->)", re.S)
DURABLE = """Messages that are confirmed as stored, on {date}: publishers have so many on
their way that are not confirmed, and the figures are confirmations per second,
or the time until one. Nobody reads them, but in the rows where one client, or
four, read and acknowledge each, also on disk.

{table}
Processor time per message, in microseconds of all of the broker's threads:

{processor_times}
- sluice (`confirm=sync`), Redis (a stream, `appendfsync always`) and beanstalkd
  (`-f0`) confirm what is on disk. JetStream, with its stream in a file, confirms
  what it has written, and flushes later: a power cut loses what it confirmed
  last. So "beside the best peer" is mostly beside one that does less.
- All brokers kept their files on one disk. A flush of 4 KiB took it
  {flush_us:.0f} µs, the median of {flushes} just before.
- In the rows that say so, `strace` makes each flush take 2 ms more, for all
  brokers: there it counts how many messages share one.
- The figures are medians of {runs} runs of {seconds} s each, in turns. When
  they began, the load average of the machine was {load:.1f}, and {disturbed} of
  the runs were disturbed.
- A byte of a body takes 1.05 bytes on disk with 4096 messages of 100 B in
  flight and 1.005 with those of 1 KiB, as the system counts them; with 64 in
  flight, 1.28 and 1.06. With flushes of 2 ms a flush carried 64 messages of 64
  in flight, 48 of 50 connections with one each, and of 4096 in flight 3960 of
  100 B, 2695 of 1 KiB.
- beanstalkd flushes for each message by itself, and has at most 64 on their way:
  more would only wait longer.
- Publishers, broker and the disk's driver share the cores, so faster brokers
  are held back by the publisher.

To measure these rows alone, on the disk of DIR, type

    scripts/bench --durable --dir DIR

"""

TLS_BLOCK = re.compile(r"(?<=<!-- tls -->\n).*(?=<!-- /tls -->)", re.S)
TLS = """The same loads with TLS 1.3 between all clients and the broker, on {date}:

{table}
Processor time per message, in microseconds of all of the broker's threads:

{processor_times}
- All brokers have the same certificate, with a key of P-256, and ask clients for
  none. The load verifies nothing, and reads and writes with OpenSSL, as sluice,
  Redis and Mosquitto do; NATS has Go's TLS.
- "Of sluice in clear" compares with sluice without TLS, in the same turns.
- For handshakes, 16 clients connect, complete one, and leave, again and again.
  Resumed ones are those of TLS 1.2, whose tickets come with the handshake, so
  that no message is needed between.
- An idle connection is subscribed to a channel of its own. Its bytes are
  the growth of the broker's resident memory for {idle} of them.
- The figures are medians of {runs} runs of {seconds} s each, in turns; {disturbed}
  of the runs were disturbed. Load and broker share the cores, and the load
  encrypts as much as the broker does.

To measure these rows alone, type

    scripts/bench --tls

"""


def significant(value):
    """Three digits, or all those before the point if there are more."""
    return f"{value:.{max(0, 3 - len(str(int(value))))}f}"


def figure(row, name):
    value = row["values"].get(name)
    if value is None:
        return ""
    if row["unit"] != "messages/s":
        return f"{value:,.0f}"
    unit, size = ("M", 1e6) if value >= 1e6 else ("k", 1e3)
    return f"{significant(value / size)} {unit}"


def title(row):
    if row["unit"] == "messages/s":
        return f"{row['name']}, messages/s"
    return f"{row['name']}, {row['unit']}"


def table_row(row, names):
    ceiling = f"{row['of_ceiling']:.2f}" if row["of_ceiling"] else ""
    return [title(row), *(figure(row, name) for name in names),
            beside(row["ratio"]), ceiling]


def markdown(rows):
    head, *body = rows
    rule = ["---"] + ["--:"] * (len(head) - 1)
    return "".join(f"| {' | '.join(cells)} |\n"
                   for cells in (head, rule, *body))


def table(found):
    names = [name for name in ORDER
             if any(name in row["values"] for row in found["rows"])]
    head = ["", *(HEADS.get(name, name) for name in names),
            "beside the best peer", "of the ceiling"]
    return markdown([head, *(table_row(row, names) for row in found["rows"])])


def beside(found):
    return f"{found[0]:.2f} x {found[1]}" if found else ""


def durable_table(found):
    names = [name for name in DURABLE_ORDER
             if any(name in row["values"] for row in found["rows"])]
    head = ["", *names, "beside the best peer", "beside the best that flushes"]
    return markdown([head, *([title(row), *(figure(row, n) for n in names),
                              beside(row["ratio"]), beside(row["flushing"])]
                             for row in found["rows"])])


def durable(found):
    return DURABLE.format(
        **{**found, "table": durable_table(found),
           "processor_times": processor_times(found, DURABLE_ORDER),
           "disturbed": f"{found['disturbed']:.0%}",
           "flushes": machine.FLUSHES})


def tls_table(found):
    names = [name for name in ORDER
             if any(name in row["values"] for row in found["rows"])]
    head = ["", *names, "beside the best peer", "of sluice in clear"]
    return markdown([head, *([title(row), *(figure(row, n) for n in names),
                              beside(row["ratio"]),
                              f"{row['of_clear']:.2f}" if "of_clear" in row
                              else ""] for row in found["rows"])])


def tls(found):
    return TLS.format(
        **{**found, "table": tls_table(found),
           "processor_times": processor_times(found),
           "disturbed": f"{found['disturbed']:.0%}",
           "idle": f"{idle.CONNECTIONS:,}"})


def processor_times(found, order=ORDER):
    rows = [row for row in found["rows"] if "cpu" in row]
    names = [name for name in order
             if any(name in row["cpu"] for row in rows)]
    head = ["", *(HEADS.get(name, name) for name in names)]
    return markdown([head, *([row["name"],
                              *(f"{row['cpu'][name]:.3f}"
                                if name in row["cpu"] else ""
                                for name in names)] for row in rows)])


def versions(found):
    known = found["machine"]["versions"]
    names = (f"{'Python' if name == 'the book' else name} {number}"
             for name, number in known.items())
    return textwrap.fill(f"- Versions: {', '.join(names)}.", 79,
                         subsequent_indent="  ")


def instructions():
    values, made_by = guard.recorded()
    rows = [["", "instructions"],
            *([name, f"{value:.1f}"] for name, value in values.items())]
    return markdown(rows) + f"\n(compiled by {made_by})\n"


def write_durable(found, path):
    """Only that part of the page."""
    path.write_text(DURABLE_BLOCK.sub(lambda _: durable(found),
                                      path.read_text()))


def write_tls(found, path):
    """The same."""
    path.write_text(TLS_BLOCK.sub(lambda _: tls(found), path.read_text()))


def write(found, found_durable, found_tls, path):
    known = found["machine"]
    path.write_text(TEXT.format(
        table=table(found), processor_times=processor_times(found),
        durable=durable(found_durable), tls=tls(found_tls),
        instructions=instructions(),
        runs=found["runs"],
        seconds=found["seconds"],
        disturbed=f"{found['disturbed']:.0%}", share=f"{quiet.SHARE:.0%}",
        date=found["date"],
        processor=known["processor"], cores=known["cores"],
        kernel=known["kernel"], system=known["system"],
        versions=versions(found), idle=f"{idle.CONNECTIONS:,}"))
