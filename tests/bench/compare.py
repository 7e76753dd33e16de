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
import ssl
import statistics
import subprocess
import sys
import tempfile
import time

import brokers
import document
import idle
import machine
import plots
import quiet
import readme
import rows

ROOT = pathlib.Path(__file__).resolve().parents[2]
TRIES = 2  # of a run that other programs disturb


class Bench:
    def __init__(self, args, places, started):
        self.runs, self.word, self.places = args.runs, args.rows, places
        self.seconds = 0.3 if args.quick else 1
        self.started = started
        self.patience = quiet.Patience(args.patience)
        self.measured, self.disturbed = 0, 0

    def wants(self, name):
        return self.word in name

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
        command = [f"{self.places['tools']}/{words[0]}", *words[1:],
                   "--port", str(broker.port),
                   "--duration", f"{self.seconds * 1000:.0f}ms"]
        broker.prepare(self.places)
        before_us = broker.processor_us()
        done = subprocess.run(command, capture_output=True, text=True,
                              check=False, timeout=300)
        if done.returncode:
            print(f"  {broker.name}, {' '.join(words)}: {done.stderr.strip()}",
                  file=sys.stderr)
            return None
        found = json.loads(done.stdout)
        spent_us = broker.processor_us() - before_us
        return {**found, "cpu": spent_us / max(1, found["delivered"])}

    def medians(self, loads, keys):
        """Broker -> key -> median of its runs, which were made in turns.
        `loads`: the name of a broker -> the words of its load."""
        found = {}
        for _ in range(self.runs):
            for broker in self.started:
                if broker.name not in loads:
                    continue
                result = self.load(broker, loads[broker.name].split())
                if result:
                    found.setdefault(broker.name, []).append(result)
        return {name: {key: statistics.median(r[key] for r in results)
                       for key in keys}
                for name, results in found.items()
                if len(results) == self.runs}

    def loads(self, words, left_out):
        """The same load for all brokers that can do it."""
        return {broker.name: f"bench_load --dialect {broker.kind.dialect} "
                             f"{words}"
                for broker in self.started
                if not broker.kind.is_special and broker.name not in left_out
                and broker.can(words.split())}


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


def processor_us(values):
    return "  ".join(f"{name} {value:.3f}" for name, value in values.items())


def row(name, unit, values, is_more_better):
    found = {"name": name, "unit": unit, "values": values,
             "ratio": ratio(values, is_more_better),
             "of_ceiling": of_ceiling(values) if is_more_better else None}
    print(f"{name:32}", "  ".join(f"{broker} {value:,.0f}"
                                  for broker, value in values.items()),
          f"| {found['ratio'][0]:.2f} x {found['ratio'][1]}"
          if found["ratio"] else "", flush=True)
    return found


def key_of(medians, key):
    """By the names of the table's columns."""
    return {rows.NAMES.get(name, name): found[key]
            for name, found in medians.items()}


def rate_row(bench, name, loads):
    medians = bench.medians(loads, ["rate", "cpu"])
    found = row(name, "messages/s", key_of(medians, "rate"), True)
    found["cpu"] = key_of(medians, "cpu")
    print(f"  processor µs per message: {processor_us(found['cpu'])}",
          flush=True)
    return found


def throughput_rows(bench):
    for name, words, left_out in rows.THROUGHPUT:
        if bench.wants(name):
            yield rate_row(bench, name, bench.loads(words, left_out))
    for name, loads in rows.CONFIRMED:
        if bench.wants(name):
            yield rate_row(bench, name, loads)


def latency_rows(bench):
    for name, words, left_out in rows.LATENCY:
        yield from delay_rows(bench, f"latency {name}", ("p50", "p99"),
                              bench.loads(words, left_out))
    for name, keys, loads in rows.ROUND_TRIPS:
        yield from delay_rows(bench, name, keys, loads)


def delay_rows(bench, name, keys, loads):
    if not bench.wants(name):
        return
    medians = bench.medians(loads, keys)
    for key in keys:
        yield row(f"{name}, {key}", "µs", key_of(medians, key), False)


def idle_rows(bench, tls=None):
    name, values = "an idle connection", {}
    if not bench.wants(name):
        return
    for broker in bench.started:
        each = (None if broker.kind.is_special
                else idle.bytes_each(broker, tls))
        if each is not None:
            values[broker.name] = each
    yield row(name, "bytes", values, False)


def durable_words(dialect, options, window):
    """Of bench_confirm, with at most that window."""
    values = {**options, "window": min(options["window"], window)}
    words = (f"--{name} {value}" for name, value in values.items())
    return f"bench_confirm --broker {dialect} {' '.join(words)}"


def durable_loads(bench, table):
    """name, the words for each broker, whether times are rows as well"""
    kinds = [broker.kind for broker in bench.started]
    for name, options, has_times in table:
        yield name, {kind.name: durable_words(kind.dialect, options,
                                              kind.window)
                     for kind in kinds}, has_times


def durable_work_loads(bench):
    """The same."""
    kinds = [broker.kind for broker in bench.started]
    for name, options, dialects in rows.DURABLE_WORK:
        yield name, {kind.name: durable_words(dialects[kind.name], options,
                                              kind.window)
                     for kind in kinds if kind.name in dialects}, False


def durable_row(name, unit, medians, key, is_more_better):
    """With how sluice stands beside those that flush as it does."""
    values = {broker: found[key] for broker, found in medians.items()}
    found = row(name, unit, values, is_more_better)
    found["flushing"] = ratio(
        {broker: value for broker, value in values.items()
         if broker not in rows.DOES_NOT_FLUSH}, is_more_better)
    return found


def durable_rows(bench, all_loads):
    keys = ["rate", "cpu", "p50", "p99"]
    for name, loads, has_times in all_loads:
        if not bench.wants(name):
            continue
        medians = bench.medians(loads, keys)
        found = durable_row(name, "messages/s", medians, "rate", True)
        found["cpu"] = {broker: one["cpu"] for broker, one in medians.items()}
        print(f"  processor µs per message: {processor_us(found['cpu'])}",
              flush=True)
        yield found
        for key in ("p50", "p99") if has_times else ():
            yield durable_row(f"{name}, {key}", "µs", medians, key, False)


def durable(args, places):
    """What docs/performance.md says of durable queues."""
    load = os.getloadavg()[0]
    with brokers.running(places, brokers.DURABLE, args.dir) as started:
        bench = Bench(args, places, started)
        flush_us = machine.flush_us(args.dir)
        print(f"a flush of the disk takes {flush_us:.0f} µs", flush=True)
        found = [*durable_rows(bench, durable_loads(bench, rows.DURABLE)),
                 *durable_rows(bench, durable_work_loads(bench))]
    with brokers.running(places, brokers.DURABLE, args.dir,
                         rows.SLOW_MS) as started:
        bench.started = started
        found += durable_rows(bench, durable_loads(bench, rows.DURABLE_SLOW))
    return {"rows": found, "runs": args.runs, "seconds": bench.seconds,
            "load": load, "flush_us": flush_us,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "disturbed": bench.disturbed / max(1, bench.measured)}


def tls_rate_row(bench, name, words):
    """With what is left of the rate of sluice in clear."""
    loads = {broker.name: f"bench_load --dialect {broker.kind.dialect}"
                          f"{'' if broker.kind.is_special else ' --tls'}"
                          f" {words}"
             for broker in bench.started}
    medians = bench.medians(loads, ["rate", "cpu"])
    clear = medians.pop("in clear", None)
    found = row(name, "messages/s", key_of(medians, "rate"), True)
    found["cpu"] = key_of(medians, "cpu")
    if clear and "sluice" in medians:
        found["of_clear"] = medians["sluice"]["rate"] / clear["rate"]
        print(f"  of the rate in clear: {found['of_clear']:.2f}")
    print(f"  processor µs per message: {processor_us(found['cpu'])}",
          flush=True)
    return found


def handshake_rows(bench, name, words):
    loads = {broker.name: f"bench_shake {words}"
                          f"{' --late' if broker.kind.dialect == 'nats' else ''}"
             for broker in bench.started if not broker.kind.is_special}
    medians = bench.medians(loads, ["rate", "cpu"])
    yield row(name, "per second", key_of(medians, "rate"), True)
    yield row(f"{name}, processor time", "µs", key_of(medians, "cpu"), False)


def tls_rows(bench):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE  # what is measured is the broker
    # First, because memory that a load has used may be used again.
    yield from idle_rows(bench, context)
    for name, words in rows.TLS:
        if bench.wants(name):
            yield tls_rate_row(bench, name, words)
    for name, words in rows.HANDSHAKES:
        if bench.wants(name):
            yield from handshake_rows(bench, name, words)


def secured(args, places):
    """What docs/performance.md says of TLS."""
    with tempfile.TemporaryDirectory(prefix="bench-tls-") as folder:
        places = {**places, **brokers.certificate(pathlib.Path(folder))}
        with brokers.running(places, brokers.TLS) as started:
            bench = Bench(args, places, started)
            found = sorted(tls_rows(bench), key=lambda it: it["unit"] == "bytes")
    return {"rows": found, "runs": args.runs,
            "seconds": bench.seconds,
            "date": time.strftime("%Y-%m-%d", time.gmtime()),
            "disturbed": bench.disturbed / max(1, bench.measured)}


def curves(bench):
    keys = {"subscribers": ["rate"], "size": ["mb"], "latency": ["p50", "p99"]}
    found = {}
    for name, points in rows.CURVES.items():
        found[name] = [[x, bench.medians(bench.loads(words, left_out),
                                         keys[name])]
                       for x, words, left_out in points]
        print(f"curve: {name}", flush=True)
    return found


def build_folder():
    return os.environ.get("SLUICE_BUILD", str(ROOT / "build"))


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
    parser.add_argument("--rows", default="", metavar="WORD",
                        help="only the rows that have this in their names")
    parser.add_argument("--durable", action="store_true",
                        help="only the rows of durable queues; with --write,"
                             " only their part of docs/performance.md")
    parser.add_argument("--tls", action="store_true",
                        help="only the rows with TLS; with --write, only their"
                             " part of docs/performance.md")
    parser.add_argument("--dir", metavar="DIR", default=build_folder(),
                        help="where the brokers keep durable queues (default"
                             " %(default)s): on a disk, not in memory")
    parser.add_argument("--keep-plots", action="store_true",
                        help="with --write: leave the plots as they are, which"
                             " saves half of the time")
    parser.add_argument("--write", action="store_true",
                        help="write docs/performance.md, its plots, and README's"
                             " table")
    args = parser.parse_args()
    if args.runs < 1:
        parser.error("--runs takes a number from 1 on")
    if args.write and args.rows:
        parser.error("--write needs all rows")
    if args.durable and args.tls:
        parser.error("--durable and --tls are two runs")
    if (args.write and not args.keep_plots and not args.durable
            and not args.tls and not plots.is_possible()):
        parser.error("--write needs gnuplot; --install fetches it")
    return args


def measure(args, places):
    """Everything but durable queues and TLS."""
    found = {"machine": machine.describe(places), "runs": args.runs,
             "seconds": 0.3 if args.quick else 1,
             "date": time.strftime("%Y-%m-%d", time.gmtime())}
    kinds = brokers.KINDS + brokers.SPECIAL
    with brokers.running(places, kinds) as started:
        bench = Bench(args, places, started)
        # First, because memory that a load has used may be used again.
        idle_found = [*idle_rows(bench)]
        found["rows"] = [*throughput_rows(bench), *latency_rows(bench),
                         *idle_found]
        if args.write and not args.keep_plots:
            found["curves"] = curves(bench)
    found["disturbed"] = bench.disturbed / max(1, bench.measured)
    return found


def write(args, found, found_durable, found_tls):
    page = ROOT / "docs/performance.md"
    if args.durable:
        document.write_durable(found_durable, page)
    elif args.tls:
        document.write_tls(found_tls, page)
    else:
        if not args.keep_plots:
            plots.write(found["curves"], ROOT / "docs/performance")
        document.write(found, found_durable, found_tls, page)
    readme.write(ROOT)


def main():
    args = arguments()
    build = pathlib.Path(build_folder())
    places = {"bin": build / "bin", "tools": build / "tests/bench"}
    limit = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(resource.RLIMIT_NOFILE, (limit, limit))
    found = None if args.durable or args.tls else measure(args, places)
    found_durable = None if args.tls else durable(args, places)
    found_tls = None if args.durable else secured(args, places)
    for some in (found, found_durable, found_tls):
        if some:
            print(f"other programs disturbed {some['disturbed']:.0%} of the"
                  " runs")
    if args.write:
        write(args, found, found_durable, found_tls)


if __name__ == "__main__":
    main()
