#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Runs a fixed table of loads against sluiced and the brokers beside it, in
turns, and prints medians and ratios.

scripts/bench is what to type; it builds what this needs.
"""
import argparse
import json
import os
import pathlib
import resource
import statistics
import subprocess
import sys
import time

import brokers
import document
import idle
import machine
import plots
import quiet
import readme

ROOT = pathlib.Path(__file__).resolve().parents[2]
WITHOUT_BOOK = ("the book",)
TRIES = 2  # of a run that other programs disturb

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


class Bench:
    def __init__(self, args, places, started):
        self.runs = args.runs
        self.seconds = 0.3 if args.quick else 1
        self.places, self.started = places, started
        self.patience = quiet.Patience(args.patience)
        self.measured, self.disturbed = 0, 0

    def load(self, broker, words):
        """One run, if possible an undisturbed one."""
        for _ in range(TRIES):
            self.patience.wait_for_quiet()
            watch = quiet.Watch(broker.pid)
            found = self.load_once(broker, words)
            is_disturbed = watch.is_disturbed()
            if found is None or not is_disturbed:
                break
        self.measured += 1
        self.disturbed += is_disturbed
        return found

    def load_once(self, broker, words):
        """None, with a message, when the broker failed."""
        command = [f"{self.places['tools']}/bench_load",
                   "--dialect", broker.kind.dialect,
                   "--port", str(broker.port),
                   "--duration", f"{self.seconds * 1000:.0f}ms", *words]
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False, timeout=300)
        if done.returncode:
            print(f"  {broker.name}, {' '.join(words)}: {done.stderr.strip()}",
                  file=sys.stderr)
            return None
        return json.loads(done.stdout)

    def medians(self, words, left_out, keys):
        """Broker -> key -> median of its runs, which were made in turns."""
        found = {}
        for _ in range(self.runs):
            for broker in self.started:
                if broker.name in left_out or not broker.can(words.split()):
                    continue
                result = self.load(broker, words.split())
                if result:
                    found.setdefault(broker.name, []).append(result)
        return {name: {key: statistics.median(r[key] for r in results)
                       for key in keys}
                for name, results in found.items()
                if len(results) == self.runs}


def ratio(values, is_more_better):
    """sluice beside the best peer: above 1 it is better; None without one."""
    peers = {name: value for name, value in values.items()
             if name not in ("sluice", "relay")}
    if "sluice" not in values or not peers:
        return None
    best = (max if is_more_better else min)(peers, key=peers.get)
    better = values["sluice"] / peers[best]
    return [better if is_more_better else 1 / better, best]


def of_ceiling(values):
    if "sluice" not in values or "relay" not in values:
        return None
    return values["sluice"] / values["relay"]


def row(name, unit, values, is_more_better):
    found = {"name": name, "unit": unit, "values": values,
             "ratio": ratio(values, is_more_better),
             "of_ceiling": of_ceiling(values) if is_more_better else None}
    print(f"{name:32}", "  ".join(f"{broker} {value:,.0f}"
                                  for broker, value in values.items()),
          f"| {found['ratio'][0]:.2f} x {found['ratio'][1]}"
          if found["ratio"] else "", flush=True)
    return found


def throughput_rows(bench):
    for name, words, left_out in THROUGHPUT:
        medians = bench.medians(words, left_out, ["rate"])
        yield row(name, "messages/s",
                  {name: m["rate"] for name, m in medians.items()}, True)


def latency_rows(bench):
    for name, words, left_out in LATENCY:
        medians = bench.medians(words, left_out, ["p50", "p99"])
        for key in ("p50", "p99"):
            yield row(f"latency {name}, {key}", "µs",
                      {name: m[key] for name, m in medians.items()}, False)


def idle_row(bench):
    values = {}
    for broker in bench.started:
        each = idle.bytes_each(broker)
        if each is not None:
            values[broker.name] = each
    return row("an idle connection", "bytes", values, False)


def curves(bench):
    keys = {"subscribers": ["rate"], "size": ["mb"], "latency": ["p50", "p99"]}
    found = {}
    for name, points in CURVES.items():
        found[name] = [[x, bench.medians(words, left_out, keys[name])]
                       for x, words, left_out in points]
        print(f"curve: {name}", flush=True)
    return found


def arguments():
    parser = argparse.ArgumentParser(
        prog="scripts/bench", description="Measures sluiced beside its peers.")
    parser.add_argument("--install", action="store_true",
                        help="fetch the peers and gnuplot with apt first")
    parser.add_argument("--quick", action="store_true",
                        help="runs of 0.3 s instead of 1 s")
    parser.add_argument("--runs", type=int, default=3, metavar="N",
                        help="medians of N runs (default 3)")
    parser.add_argument("--patience", type=float, default=60, metavar="S",
                        help="spend up to S seconds on waiting for moments"
                             " without other programs (default 60)")
    parser.add_argument("--write", action="store_true",
                        help="write docs/performance.md, its plots, and README's"
                             " table")
    args = parser.parse_args()
    if args.runs < 1:
        parser.error("--runs takes a number from 1 on")
    if args.write and not plots.is_possible():
        parser.error("--write needs gnuplot; --install fetches it")
    return args


def main():
    args = arguments()
    build = pathlib.Path(os.environ.get("SLUICE_BUILD", ROOT / "build"))
    places = {"bin": build / "bin", "tools": build / "tests/bench"}
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    found = {"machine": machine.describe(places), "runs": args.runs,
             "seconds": 0.3 if args.quick else 1,
             "date": time.strftime("%Y-%m-%d", time.gmtime())}
    with brokers.running(places) as started:
        bench = Bench(args, places, started)
        # First, because memory that a load has used may be used again.
        idle_found = idle_row(bench)
        found["rows"] = [*throughput_rows(bench), *latency_rows(bench),
                         idle_found]
        if args.write:
            found["curves"] = curves(bench)
    found["disturbed"] = bench.disturbed / bench.measured
    print(f"other programs disturbed {found['disturbed']:.0%} of the runs")
    if args.write:
        plots.write(found["curves"], ROOT / "docs/performance")
        document.write(found, ROOT / "docs/performance.md")
        readme.write(ROOT)


if __name__ == "__main__":
    main()
