#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays scenarios of the wire protocol, version 2, against a client. The suite
is the broker.

    client.py [-k WORD] [--whole | --cut] [-j N] [-v] -- PROGRAM [ARGUMENT]...

PROGRAM is a program on top of the client library to be tested. It is started
with SLUICE_SERVER=127.0.0.1:PORT, connects to that address, reconnects when it
loses the connection, reads orders from its standard input, one per line, and
prints events, one per line, as they happen. At the end of its input it leaves
in an orderly way and exits with status 0. README.md lists the orders and the
events; scenarios.txt has the scenarios and explains their lines.

Every scenario gets a process of its own and is played twice: as it is, and
with the broker's output cut into single octets. The output has a line for each
that fails, and "N passed, N failed". The exit status is 1 if any failed.
"""
import argparse
import re
import selectors
import socket
import sys
import time
from pathlib import Path
from urllib.parse import unquote_to_bytes

import tables
from program import Program
from units import (PATIENCE_S, Connection, Failed, Head, check_legal, fill_in,
                   matches, play_all, play_arguments, show, unit, ways)

SCENARIOS = Path(__file__).resolve().parent / "scenarios.txt"
OPENING = "\0SLUICE/2"
INFO = {"v": "2", "conn": "17", "run": "9f3a", "max": "16777216",
        "hold": "262144", "subs": "1024", "reqs": "1024", "ping": "30s",
        "feat": "core"}


def body_of(text):
    """The body behind " | " in a line: octets as in a value; "x*1000" is a
    thousand times x."""
    repeated = re.fullmatch(r"(.)\*(\d+)", text)
    if repeated:
        return repeated[1].encode() * int(repeated[2])
    return unquote_to_bytes(text)


def halves(text):
    head, _, body = text.partition(" | ")
    return head, body_of(body)


class Play:
    """One scenario against one process."""

    def __init__(self, command, is_cut):
        self.is_cut, self.known, self.rids = is_cut, {}, set()
        self.connection = None
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.listener.settimeout(PATIENCE_S)
        self.program = Program(command, self.listener.getsockname())

    def stop(self):
        if self.connection:
            self.connection.close()
        self.listener.close()
        return self.program.stop()

    # connections

    def accept(self):
        """The client connects."""
        if self.connection:
            self.connection.close()
        self.rids.clear()
        try:
            self.connection = Connection(self.listener.accept()[0])
        except socket.timeout:
            raise Failed("the client does not connect") from None

    def do_accept(self, _):
        self.accept()
        head, body = self.connection.frame(), self.connection.frame()
        text = head.decode("latin-1")
        first, *rest = text.split(" ")
        known = re.compile(r"(name|ping|user|mech|\?[a-z][a-z0-9-]*)=[!-~]*")
        if first != OPENING or not all(map(known.fullmatch, rest)):
            raise Failed(f"{show(text, body)} instead of the opening")

    def do_open(self, options):
        self.do_accept(None)
        info = dict(INFO, **dict(word.split("=", 1)
                                 for word in options.split()))
        words = [f"{name}={value}" for name, value in info.items()]
        self.send(" ".join(["INFO suite/1", *words]), b"")

    def do_turn_away(self, count):
        """The client connects as often and is thrown out at once: it comes
        again after pauses that grow."""
        times = []
        for _ in range(int(count)):
            self.accept()
            times.append(time.monotonic())
            self.connection.close()
            self.connection = None
        pauses = [b - a for a, b in zip(times, times[1:])]
        if pauses[-1] <= pauses[0]:
            raise Failed(f"the pauses do not grow: {pauses}")

    def do_end(self, _):
        self.connection.close()
        self.connection = None

    def do_reset(self, _):
        self.connection.reset()
        self.connection = None

    def do_eof(self, _):
        self.connection.expect_end(is_orderly=False)
        self.do_end(None)

    # units

    def send(self, head, body):
        head = fill_in(head, self.known)
        self.rids.discard(Head(head).options.get("rid"))  # it is answered
        self.connection.send(unit(head, body), self.is_cut)

    def do_S(self, text):
        self.send(*halves(text))

    def do_raw(self, text):
        """Octets that are no whole unit."""
        self.connection.send(bytes.fromhex(text), self.is_cut)

    def next_unit(self):
        """A client's unit: legal, and its rid not under way already."""
        head, body = self.connection.unit()
        check_legal(head)
        rid = Head(head).options.get("rid")
        if rid and rid in self.rids:
            raise Failed(f"{head!r} has the rid of another unit")
        self.rids.add(rid)
        return head, body

    def do_C(self, *texts):
        """The next units of the client, in any order."""
        left = [halves(text) for text in texts]
        while left:
            head, body = self.next_unit()
            found = next((w for w in left if w[1] == body
                          and matches(w[0], head, self.known)), None)
            if found is None:
                raise Failed(f"{show(head, body)} instead of "
                             f"{' or '.join(show(*w) for w in left)}")
            left.remove(found)

    def do_quiet(self, _):
        """The client has sent nothing else: PONG is what comes next."""
        self.send("PING quiet", b"")
        self.do_C("PONG quiet")

    def do_forget(self, name):
        """What was captured; the next is another."""
        del self.known[name]

    # orders and events

    def do_order(self, line):
        self.program.order(fill_in(line, self.known))

    def do_event(self, *wanted):
        """The next events, in any order."""
        left = list(wanted)
        while left:
            line = self.program.event()
            found = next((w for w in left
                          if matches(w, line, self.known)), None)
            if found is None:
                raise Failed(f"event {line!r} instead of {left}")
            left.remove(found)

    def do_silent(self, _):
        """The client has printed nothing else, though it has seen all that
        the broker sent."""
        self.do_quiet(None)
        self.program.order("echo silent")
        self.do_event("echo silent")

    def do_refuse(self, text):
        """The client refuses an order itself, or the broker does."""
        code, tag = text.split()
        if self.unit_comes_first():
            head, _ = self.next_unit()
            rid = re.search(r" rid=(\S+)", head)
            if not rid:
                raise Failed(f"{head!r} has no rid")
            self.send(f"ERR {code} rid={rid[1]}", b"")
        self.do_event(f"err {code} {tag}")

    def unit_comes_first(self):
        """Whether octets come before an event does."""
        deadline = time.monotonic() + PATIENCE_S
        with selectors.DefaultSelector() as selector:
            selector.register(self.connection.sock, selectors.EVENT_READ)
            while time.monotonic() < deadline:
                if not self.program.events.empty():
                    return False
                if selector.select(0.01):
                    return True
        raise Failed("neither a unit nor an event")

    def do_count(self, text):
        """What was printed up to now: so many messages, so many lost, and
        whether the numbers were found wrong."""
        delivered = lost = 0
        is_wrong = False
        self.do_quiet(None)
        self.program.order("echo counted")
        while (words := self.program.event().split())[0] != "echo":
            delivered += words[0] == "msg"
            if words[0] == "gap":
                lost += int(words[4]) - int(words[3]) + 1
            is_wrong |= words[0] == "wrong"
        got = f"{delivered} delivered, {lost} lost, " + (
            "wrong" if is_wrong else "right")
        if got != text:
            raise Failed(f"{got} instead of {text}")

    def do_exit(self, _):
        """Its input ends: it says goodbye and ends, too."""
        self.program.end_input()
        head, _ = self.next_unit()
        if not matches("BYE", head, self.known):
            raise Failed(f"{head!r} instead of BYE")
        if "rid" in Head(head).options:
            self.send("OK rid=" + Head(head).options["rid"], b"")
        self.send("BYE", b"")
        self.program.expect_exit()

    MARKS = {">": do_order, "<": do_event, "C": do_C, "S": do_S}

    def step(self, mark, texts):
        call = self.MARKS.get(mark) or getattr(type(self), f"do_{mark}")
        call(self, *texts)


def scenarios(text):
    """Yields (name, steps); a step is a mark and the texts behind it, of which
    only those of "C" and "<" can be several: they may come in any order, which
    their lines say by a "*" behind the mark."""
    name, steps = None, []
    for line in text.splitlines():
        if line.startswith("#") or not line.strip():
            continue
        if line.startswith("["):
            if name:
                yield name, steps
            name, steps = line.strip("[]"), []
            continue
        mark, _, rest = line.strip().partition(" ")
        any_order = mark.endswith("*")
        mark = mark.rstrip("*")
        if any_order and steps and steps[-1][0] == mark and steps[-1][2]:
            steps[-1][1].append(rest)
        else:
            steps.append((mark, [rest], any_order))
    if name:
        yield name, steps


def play(steps, command, is_cut):
    """Raises Failed when the scenario does not hold."""
    game = Play(command, is_cut)
    failure = None
    try:
        for number, (mark, texts, _) in enumerate(steps, 1):
            try:
                game.step(mark, texts)
            except (Failed, OSError) as error:
                failure = f"step {number} ({mark} {texts[0]:.60}): {error}"
                break
    finally:
        complaints = game.stop()
    if failure:
        raise Failed(failure + (f"\n{complaints}" if complaints else ""))


def all_scenarios(word=""):
    text = SCENARIOS.read_text() + tables.scenarios()
    return [(name, steps) for name, steps in scenarios(text) if word in name]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    play_arguments(parser)
    parser.add_argument("program", nargs="+", metavar="PROGRAM")
    args = parser.parse_args()
    return play_all(((name + how, play, steps, args.program, is_cut)
                     for name, steps in all_scenarios(args.k)
                     for is_cut, how in ways(args)), args)


if __name__ == "__main__":
    sys.exit(main())
