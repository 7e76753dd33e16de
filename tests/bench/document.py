# SPDX-License-Identifier: MIT
"""docs/performance.md, out of what was measured and nothing else."""
import textwrap

import idle
import instructions as guard
import quiet

ORDER = ("sluice", "NATS", "Redis", "Mosquitto", "the book", "relay")
HEADS = {"relay": "ceiling"}

TEXT = """# Performance

How sluice stands beside other brokers. All of it was measured in one go, on
one machine, on {date}. Do not quote absolute figures: brokers and load
share the cores, so they move with the machine. The ratios hold better. To see
what your machine does with a running broker, type `sluice bench`; to make this
page anew, with its plots, type

    scripts/bench --install --write

{table}
Messages per second are those *delivered*, to all subscribers together.
"Beside the best peer" is how many times better sluice is, be that more or
less; "of the ceiling" compares with the relay.

![Throughput by number of subscribers](performance/subscribers.svg)

![Throughput by message size](performance/size.svg)

![Latency percentiles under rising load](performance/latency.svg)

## What was measured

Every figure is a median: runs of {seconds} s, {runs} for each, in turns, so
that what disturbs the machine disturbs all brokers; {disturbed} of the runs
were, by other programs that took more than {share} of it. One program,
`tests/bench/load/`, speaks the protocol of each and makes the same load for
all: a fixed number of messages is on its way at any time, nothing is lost, and
what arrives is counted, not parsed. Where a rate is named, message n is sent
at n / rate and its latency counts from then, so that a stall is charged to
whoever stalls, for every message that was due meanwhile.

- Machine: {processor}, {cores} cores, Linux {kernel}, {system}.
{versions}
- All brokers were on 127.0.0.1 over TCP, kept nothing on disk, and had neither
  TLS nor passwords: Mosquitto at quality of service 0, Redis with PUBLISH
  and SUBSCRIBE, NATS without JetStream, its queue a queue group.
- The book is `tests/bench/book_broker.py`: the broker of the asyncio case
  study that sluice grew out of, with its bounded queues.
- The ceiling is `tests/bench/load/relay.c`: one thread that copies what it
  reads to every subscriber without looking at it. No broker that reads and
  writes sockets on one thread can be expected to do much better. It can do a
  little: a relay writes whatever one read brought, a broker may collect.
- An idle connection is subscribed to a channel of its own; its bytes are the
  growth of the broker's resident memory for {idle} of them, without what the
  kernel holds.
- A blank is something the broker does not do or that was not measured.

## Instructions per message

Time depends on the machine and on what else it does; the number of
instructions that sluiced executes does not. The test `bench.instructions`
counts those in user space for each message of 100 bytes delivered, with
valgrind's callgrind, and fails when one of them is more than 5 % above what is
recorded in `tests/bench/instructions.txt`:

{instructions}
When a change is worth its price, or made things cheaper, record the new values
and say why in the commit:

    scripts/build && tests/bench/instructions.py --record

The values hold for one compiler, which the record names; with another one the
test prints what it counted and is skipped.
"""


def significant(value):
    """With three digits, or as many as it has before the point."""
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
    beside = f"{row['ratio'][0]:.2f} x {row['ratio'][1]}" if row["ratio"] else ""
    ceiling = f"{row['of_ceiling']:.2f}" if row["of_ceiling"] else ""
    return [title(row), *(figure(row, name) for name in names), beside,
            ceiling]


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


def write(found, path):
    known = found["machine"]
    path.write_text(TEXT.format(
        table=table(found), instructions=instructions(), runs=found["runs"],
        seconds=found["seconds"],
        disturbed=f"{found['disturbed']:.0%}", share=f"{quiet.SHARE:.0%}",
        date=found["date"],
        processor=known["processor"], cores=known["cores"],
        kernel=known["kernel"], system=known["system"],
        versions=versions(found), idle=f"{idle.CONNECTIONS:,}"))
