#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Plays the session vectors of the wire protocol, version 2, against a broker.

    broker.py --broker build/bin/sluiced [-k WORD] [--whole | --cut] [-j N]
              [--without FILE]

Every vector gets a broker of its own and is played twice: as it is, and with
all input of the broker cut into single octets. The field `about` of the file
explains the steps. The output has a line for each vector that fails, with the
step and what came instead, and "N passed, N failed". The exit status is 1 if
any failed. The vectors that FILE names, a line each, are left out.

The broker is started as PROGRAM --listen 127.0.0.1:PORT, with the options that
a vector needs: max is --max-frame, queue_limit --queue-limit, subs
--max-subscriptions, reqs --max-requests. With journal=1, queues below
/queue/d/ are to be kept on disk; for another broker, SLUICE_JOURNAL has the
words for that, with {folder} for an empty folder.
"""
import argparse
import contextlib
import json
import os
import shlex
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from sessions import sessions
from units import (Failed, connect, fill_in, matches, play_all,
                   play_arguments, show, unit, ways)

VECTORS = Path(__file__).resolve().parent / "vectors.json"
OPTIONS = {"max": "--max-frame", "queue_limit": "--queue-limit",
           "subs": "--max-subscriptions", "reqs": "--max-requests"}
JOURNAL = ("--journal {folder} --journal-free 0"
           " --channel '/queue/d/** durable=yes'")


class Play:
    """One vector, played against a broker at an address."""

    def __init__(self, address, is_cut, until=None):
        self.address, self.is_cut, self.until = address, is_cut, until
        self.connections, self.known = {}, {}

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = connect(self.address, self.until)
        return self.connections[name]

    def close(self):
        for connection in self.connections.values():
            connection.close()

    # what the clients do

    def send(self, step):
        connection = self.connection(step["to"])
        if step.get("shutdown"):
            connection.shut_down()
        elif step.get("reset"):
            connection.reset()
        else:
            connection.send(self.octets_of(step), self.is_cut)

    def octets_of(self, step):
        head = step.get("head", "")
        if "$" not in head:
            return bytes.fromhex(step["hex"])
        return unit(fill_in(head, self.known), bytes.fromhex(step["body_hex"]))

    # what the broker must do

    def holds(self, wanted, head, body):
        body_hex = wanted.get("body_hex")
        return ((body_hex is None or bytes.fromhex(body_hex) == body)
                and matches(wanted["head"], head, self.known))

    def expect_unit(self, connection, step):
        head, body = connection.unit()
        if not self.holds(step, head, body):
            raise Failed(f"{show(head, body)} instead of "
                         f"{step['head']!r} {step.get('body_hex')}")

    def expect_units(self, connection, wanted):
        left = list(wanted)
        while left:
            head, body = connection.unit()
            found = next((w for w in left if self.holds(w, head, body)), None)
            if found is None:
                raise Failed(f"{show(head, body)} instead of one of "
                             f"{[w['head'] for w in left]}")
            left.remove(found)

    def expect_frame(self, connection, expected):
        got = connection.frame()
        if got != expected:
            raise Failed(f"frame {got!r} instead of {expected!r}")

    def expect(self, step):
        connection = self.connection(step["from"])
        if step.get("eof") or step.get("ends"):
            connection.expect_end(is_orderly=bool(step.get("eof")))
        elif "frame_hex" in step:
            self.expect_frame(connection, bytes.fromhex(step["frame_hex"]))
        elif "any_order" in step:
            self.expect_units(connection, step["any_order"])
        else:
            self.expect_unit(connection, step)

    def step(self, step):
        if "sleep_ms" in step:
            time.sleep(step["sleep_ms"] / 1000)
        elif "to" in step:
            self.send(step)
        else:
            self.expect(step)

    def run(self, steps):
        for number, step in enumerate(steps, 1):
            try:
                self.step(step)
            except (Failed, OSError) as error:
                what = str(step.get("head") or step)[:60]
                raise Failed(f"step {number} ({what}): {error}") from None


def words_of(options, folder):
    """The options of the broker's command line."""
    given = {**options}
    journal = given.pop("journal", 0)
    words = [word for name, value in given.items()
             for word in (OPTIONS[name], str(value))]
    if journal:
        words += [word.format(folder=folder) for word in
                  shlex.split(os.environ.get("SLUICE_JOURNAL", JOURNAL))]
    return words


@contextlib.contextmanager
def running(program, options):
    """A broker on a free port: yields its address and a function that says
    whether it has ended."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        address = probe.getsockname()
    folder = tempfile.TemporaryDirectory(prefix="sluice-conformance-")
    process = subprocess.Popen(
        [program, "--listen", f"{address[0]}:{address[1]}",
         *words_of(options, folder.name)],
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        yield address, lambda: process.poll() is not None
        if process.poll() is not None:
            raise Failed(f"the broker ended with {process.returncode}")
    finally:
        process.terminate()
        try:
            process.wait(timeout=10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
        folder.cleanup()


def play(steps, address, is_cut, until=None):
    """Raises Failed when the vector does not hold."""
    game = Play(address, is_cut, until)
    try:
        game.run(steps)
    finally:
        game.close()


def play_with_broker(program, vector, is_cut):
    with running(program, vector.get("options", {})) as (address, has_ended):
        play(vector["steps"], address, is_cut, has_ended)


def vectors(word="", without=()):
    rows = json.loads(VECTORS.read_text())["session"] + sessions()
    strange = set(without) - {row["name"] for row in rows}
    if strange:
        sys.exit(f"there are no vectors {', '.join(sorted(strange))}")
    return [row for row in rows
            if word in row["name"] and row["name"] not in without]


def main():
    parser = argparse.ArgumentParser(
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--broker", required=True, metavar="PROGRAM")
    parser.add_argument("--without", type=Path, metavar="FILE",
                        help="leave out the vectors that it names")
    play_arguments(parser)
    args = parser.parse_args()
    without = args.without.read_text().split() if args.without else ()
    return play_all(((f"{vector['name']}{how} (section {vector['spec']})",
                      play_with_broker, args.broker, vector, is_cut)
                     for vector in vectors(args.k, without)
                     for is_cut, how in ways(args)), args)


if __name__ == "__main__":
    sys.exit(main())
