# SPDX-License-Identifier: MIT
"""README's "How it compares", out of the table of docs/performance.md, with
every row of it, where sluice is worse as well; and one row of durable queues. By hand, after the words below
were changed: python3 tests/bench/readme.py"""
import pathlib
import re
import textwrap

ROOT = pathlib.Path(__file__).resolve().parents[2]
BLOCK = re.compile(r"(?<=<!-- figures -->\n).*(?=<!-- /figures -->)", re.S)
HEAD = ("sluice", "beside the best peer", "of the ceiling")
TITLES = ("work", "sluice", "beside the best of them", "of the ceiling")
PEERS = ("NATS", "Redis", "Mosquitto")
DURABLE = "1 KiB, 4096 in flight, messages/s"  # of the other table

BEFORE = """
Messages delivered per second over loopback, beside {peers} in the same run on
the same cores, which load and broker share; the ceiling is a loop that
forwards bytes without looking at them. Times and bytes are better when they
are smaller. "2 x" is twice as good as the best of the others; below 1, sluice
does worse.
"""
AFTER = """
[docs/performance.md](docs/performance.md) says how this was measured, and
`scripts/bench --install --write` measures it on your machine; `sluice bench`
shows, in ten seconds, how fast a running broker is.
"""


def fill(text):
    return textwrap.fill(" ".join(text.split()), 79,
                         break_on_hyphens=False) + "\n"


def cells(line):
    return [cell.strip() for cell in line.strip().strip("|").split("|")]


def table(document):
    """Head and rows of the first table."""
    lines = re.search(r"^\|.*?(?=\n\n)", document, re.M | re.S).group()
    head, _, *rows = lines.splitlines()
    return cells(head), [cells(row) for row in rows]


def durable_rows(document):
    """The row of durable queues, as it is in README."""
    found = re.search(r"<!-- durable -->.*<!-- /durable -->", document, re.S)
    if not found:
        return ""
    head, rows = table(found.group())
    return "".join(
        f"| confirmed from disk, {row[0].rpartition(', ')[0]} |"
        f" {row[head.index('sluice')]} |"
        f" {row[head.index('beside the best peer')]},"
        f" {row[head.index('beside the best that flushes')]} | - |\n"
        for row in rows if row[0] == DURABLE)


def readme_row(head, row):
    """The unit belongs to the figure, unless it is the usual one."""
    work, _, unit = row[0].rpartition(", ")
    figure, beside, ceiling = (row[head.index(name)] for name in HEAD)
    if unit != "messages/s":
        figure = f"{figure} {unit}"
    return f"| {work} | {figure} | {beside or '-'} | {ceiling or '-'} |\n"


def block(document):
    """What belongs between the marks in README."""
    head, rows = table(document)
    peers = [name for name in PEERS if name in head]
    before = BEFORE.format(peers=f"{', '.join(peers[:-1])} and {peers[-1]}"
                           if len(peers) > 1 else "".join(peers))
    return (fill(before) + f"\n| {' | '.join(TITLES)} |\n|---|--:|--:|--:|\n"
            + "".join(readme_row(head, row) for row in rows)
            + durable_rows(document)
            + "\n" + fill(AFTER))


def updated(root):
    """README as it should be."""
    document = (root / "docs/performance.md").read_text()
    text = (root / "README.md").read_text()
    return BLOCK.sub(lambda _: block(document), text)


def write(root):
    (root / "README.md").write_text(updated(root))


if __name__ == "__main__":
    write(ROOT)
