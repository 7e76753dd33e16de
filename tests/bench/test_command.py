# SPDX-License-Identifier: MIT
"""`sluice bench` counts what really happened, says so in both forms, and
notices when something is lost, doubled or swapped: a meddler between it and a
real broker sees to that. $SLUICE and $SLUICED are the binaries."""
import contextlib
import json
import os
import pathlib
import pty
import re
import select
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
from runner import main  # noqa: E402

SLUICE = os.environ.get("SLUICE", str(ROOT / "build/bin/sluice"))
SLUICED = os.environ.get("SLUICED", str(ROOT / "build/bin/sluiced"))
DEADLINE = 60


def run(*args, **kwargs):
    return subprocess.run([SLUICE, "bench", *args], capture_output=True,
                          text=True, timeout=DEADLINE, check=False, **kwargs)


class Broker:
    def __init__(self, case):
        self.process = subprocess.Popen(
            [SLUICED, "--listen", "127.0.0.1:0"], stderr=subprocess.PIPE,
            text=True)
        case.addCleanup(self.stop)
        for line in self.process.stderr:
            found = re.search(r"event=listening addr=(\S+)", line)
            if found:
                self.address = found.group(1)
                return
        raise AssertionError("sluiced ended before it listened")

    def stop(self):
        """Its counters, as it last reported them."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        _, said = self.process.communicate(timeout=DEADLINE)
        return dict(re.findall(r"(\w+)=(\d+)", said))

    def bench(self, *args):
        return run("--server", self.address, *args)

    def measure(self, *args):
        done = self.bench("--json", *args)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)


class Meddler:
    """Forwards connections to a broker, and gives what the broker delivers to
    `meddle`, a function from the list of all message bodies seen so far and
    the new one to the bodies that are passed on."""

    def __init__(self, case, broker, meddle):
        self.target = broker.address.rsplit(":", 1)
        self.meddle = meddle
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        self.open = [self.listener]
        case.addCleanup(self.close)
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        with contextlib.suppress(OSError):
            while True:
                near, _ = self.listener.accept()
                far = socket.create_connection(self.target)
                self.open += [near, far]
                for call in (self.forward, self.deliver):
                    threading.Thread(target=call, args=(near, far),
                                     daemon=True).start()

    @staticmethod
    def forward(near, far):
        with contextlib.suppress(OSError):
            while data := near.recv(1 << 16):
                far.sendall(data)
            far.shutdown(socket.SHUT_WR)

    def deliver(self, near, far):
        seen = []
        with contextlib.suppress(OSError), far.makefile("rb") as file:
            while head := file.read(4):
                body = file.read(struct.unpack(">I", head)[0])
                near.sendall(b"".join(struct.pack(">I", len(out)) + out
                                      for out in self.meddle(seen, body)))
                seen.append(body)
            near.shutdown(socket.SHUT_WR)

    def close(self):
        for sock in self.open:
            sock.close()


def is_probe(body):
    return body[4:8] == b"\xff" * 4


def drop_the_tenth(seen, body):
    return [] if sum(map(is_counted, seen)) == 10 and is_counted(body) \
        else [body]


def drop_every_other(seen, body):
    return [] if len(body) == 50 << 10 and len(seen) % 2 else [body]


def double_the_tenth(seen, body):
    is_it = sum(map(is_counted, seen)) == 10 and is_counted(body)
    return [body, body] if is_it else [body]


def swap_the_tenth(seen, body):
    """The tenth comes after the eleventh."""
    counted = sum(map(is_counted, seen))
    if not is_counted(body) or counted not in (10, 11):
        return [body]
    return [] if counted == 10 else [body, seen[-1]]


def is_counted(body):
    return len(body) == 50 and not is_probe(body)


class Counts(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(self)

    def check(self, found, published, delivered):
        self.assertEqual(found["published"]["messages"], published)
        self.assertEqual(found["delivered"]["messages"], delivered)
        self.assertEqual(found["expected"], delivered)
        for key in ("lost", "duplicates", "out_of_order", "of_others"):
            self.assertEqual(found[key], 0, key)

    def test_a_topic_goes_to_every_subscriber(self):
        found = self.broker.measure("--count", "10001", "--pubs", "3",
                                    "--subs", "4")
        self.check(found, 10001, 40004)
        self.assertEqual(found["kind"], "topic")

    def test_a_message_of_a_queue_goes_to_one_consumer(self):
        found = self.broker.measure("--count", "20000", "--pubs", "3",
                                    "--subs", "4", "--channel", "/queue/b")
        self.check(found, 20000, 20000)
        self.assertEqual(found["kind"], "queue")

    def test_the_broker_has_counted_the_same(self):
        self.broker.measure("--count", "5000", "--subs", "2")
        counters = self.broker.stop()
        probes = int(counters["messages_in"]) - 5000
        self.assertGreaterEqual(probes, 2)
        self.assertEqual(int(counters["connections"]), 0)
        self.assertGreaterEqual(int(counters["messages_out"]), 10000)

    def test_every_size(self):
        for size in ("0", "1", "23", "24", "25", "65536", "3m"):
            found = self.broker.measure("--count", "20", "--size", size,
                                        "--subs", "2", "--pubs", "2")
            self.check(found, 20, 40)
            self.assertEqual(found["latency_us"] is None,
                             size in ("0", "1", "23"), size)

    def test_more_publishers_than_messages(self):
        found = self.broker.measure("--count", "3", "--pubs", "8")
        self.check(found, 3, 3)

    def test_what_an_earlier_run_left_in_a_queue_is_not_counted(self):
        host, port = self.broker.address.rsplit(":", 1)
        with socket.create_connection((host, port)) as sock:
            channel = struct.pack(">I", 8) + b"/queue/b"
            body = struct.pack(">I", 100) + b"x" * 100
            sock.sendall(struct.pack(">I", 0) + (channel + body) * 7
                         + struct.pack(">I", 0))
            sock.settimeout(DEADLINE)
            self.assertEqual(sock.recv(1), b"")
        found = self.broker.measure("--count", "10", "--channel", "/queue/b")
        self.assertEqual(found["of_others"], 7)
        self.assertEqual((found["delivered"]["messages"], found["lost"]),
                         (10, 0))


class Units(Counts):
    """The same in version 2."""

    def setUp(self):
        super().setUp()
        measure = self.broker.measure
        self.broker.measure = lambda *args: measure("--v2", *args)

    def test_each_message_has_a_receipt(self):
        found = self.broker.measure("--count", "10001", "--pubs", "3",
                                    "--subs", "2", "--confirm")
        self.check(found, 10001, 20002)
        self.assertEqual((found["version"], found["receipts"]), (2, True))

    def test_each_message_of_a_queue_is_acknowledged(self):
        for _ in range(2):  # nothing is left for the second
            found = self.broker.measure(
                "--count", "20000", "--pubs", "2", "--subs", "3", "--ack",
                "--confirm", "--channel", "/queue/b")
            self.check(found, 20000, 20000)
            self.assertTrue(found["acknowledgements"])
        counters = self.broker.stop()
        self.assertGreaterEqual(int(counters["acked"]), 40000)
        self.assertEqual(int(counters["redelivered"]), 0)

    def test_names_that_heads_must_spell(self):
        for channel in ("/queue/a b%*=", "/topic/\u00e4", "@x"):
            found = self.broker.measure(
                "--count", "100", "--channel", channel,
                *(["--ack"] if channel.startswith("/queue") else []))
            self.check(found, 100, 100)


class Schedule(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(self)

    def test_duration_ends_it(self):
        found = self.broker.measure("--duration", "200ms")
        self.assertGreater(found["published"]["messages"], 0)
        self.assertEqual(found["lost"], 0)

    def test_rate_and_duration_make_a_count(self):
        """Nothing is sent before it is due, so not more than this."""
        found = self.broker.measure("--rate", "1000", "--duration", "300ms",
                                    "--pubs", "3")
        self.assertLessEqual(found["published"]["messages"], 300)
        self.assertGreater(found["published"]["messages"], 0)
        self.assertEqual((found["latency_from"], found["rate"]),
                         ("due", 1000))

    def test_a_stall_of_the_broker_is_charged(self):
        """A message that became due while the broker stood still waited for
        all of that time, however late it was written."""
        stall_s = 0.3
        process = self.start("--rate", "1000", "--duration", "1h")
        delivered = wait_for_messages(self.broker, 100)
        self.broker.process.send_signal(signal.SIGSTOP)
        try:
            time.sleep(stall_s)
        finally:
            self.broker.process.send_signal(signal.SIGCONT)
        # In order, so these are behind those that became due during the stall.
        wait_for_messages(self.broker, delivered + 1000 * stall_s + 100)
        found = self.interrupt(process)
        self.assertGreaterEqual(found["latency_us"]["max"], stall_s * 0.9e6)

    def test_an_interrupt_ends_it_in_order(self):
        process = self.start("--duration", "1h")
        wait_for_messages(self.broker, 1000)
        found = self.interrupt(process)
        self.assertGreaterEqual(found["delivered"]["messages"], 900)
        self.assertEqual(found["lost"], 0)

    def start(self, *args):
        process = subprocess.Popen(
            [SLUICE, "bench", "--server", self.broker.address, "--json",
             *args], stdout=subprocess.PIPE)
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def interrupt(self, process):
        process.send_signal(signal.SIGINT)
        output, _ = process.communicate(timeout=DEADLINE)
        self.assertEqual(process.returncode, 0)
        return json.loads(output)


def wait_for_messages(broker, wanted):
    """Asks the broker until it has delivered that many; answers how many."""
    delivered = 0
    while delivered < wanted:
        broker.process.send_signal(signal.SIGUSR1)
        line = broker.process.stderr.readline()
        if not line:
            raise AssertionError("sluiced ended")
        found = re.search(r"event=stats.* messages_out=(\d+)", line)
        delivered = int(found.group(1)) if found else delivered
    return delivered


class Meddling(unittest.TestCase):
    def check(self, meddle, **wanted):
        meddler = Meddler(self, Broker(self), meddle)
        done = run("--server", meddler.address, "--json", "--count", "50",
                   "--size", "50")
        found = json.loads(done.stdout)
        self.assertEqual({key: found[key] for key in wanted}, wanted)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        return done.stderr

    def test_a_lost_message(self):
        said = self.check(drop_the_tenth, lost=1, duplicates=0,
                          out_of_order=0)
        self.assertIn("of 50 deliveries 1 were lost", said)

    def test_more_lost_messages_than_are_on_their_way(self):
        """The window does not fill up with them."""
        meddler = Meddler(self, Broker(self), drop_every_other)
        done = run("--server", meddler.address, "--json", "--size", "50k",
                   "--count", "400")
        found = json.loads(done.stdout)
        self.assertEqual((done.returncode, found["lost"]), (1, 200))

    def test_a_message_that_comes_twice(self):
        said = self.check(double_the_tenth, lost=0, duplicates=1,
                          out_of_order=0)
        self.assertIn("1 came twice", said)

    def test_messages_that_change_places(self):
        said = self.check(swap_the_tenth, lost=0, duplicates=0,
                          out_of_order=1)
        self.assertIn("1 out of order", said)

    def test_without_meddling(self):
        meddler = Meddler(self, Broker(self), lambda seen, body: [body])
        done = run("--server", meddler.address, "--count", "50")
        self.assertEqual((done.returncode, done.stderr), (0, ""))


class Forms(unittest.TestCase):
    def setUp(self):
        self.broker = Broker(self)

    def test_json_is_one_object_on_one_line(self):
        done = self.broker.bench("--json", "--count", "100")
        self.assertEqual((done.stdout.count("\n"), done.stderr), (1, ""))
        found = json.loads(done.stdout)
        self.assertEqual(
            sorted(found),
            ["acknowledgements", "channel", "cpu", "delivered", "duplicates",
             "expected", "kind", "latency_from", "latency_us", "lost",
             "of_others", "out_of_order", "published", "publishers", "rate",
             "receipts", "server", "size", "subscribers", "version"])
        self.assertEqual(sorted(found["delivered"]),
                         ["mb_per_s", "messages", "messages_per_s", "seconds"])
        latencies = [found["latency_us"][key] for key in (
            "p50", "p90", "p99", "p99.9", "p99.99", "max")]
        self.assertEqual(latencies, sorted(latencies))
        self.assertGreater(latencies[0], 0)

    def test_json_escapes_names(self):
        name = '/topic/"quoted\\"'
        found = self.broker.measure("--count", "1", "--channel", name)
        self.assertEqual(found["channel"], name)

    def test_the_table(self):
        done = self.broker.bench("--count", "12345", "--subs", "2")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for words in ("1 publisher, 2 subscribers", "12,345",
                      "24,690", "lost 0", "p99.99"):
            self.assertIn(words, done.stdout)
        for line in done.stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_a_bar_on_a_terminal_only(self):
        leader, follower = pty.openpty()
        process = subprocess.Popen(
            [SLUICE, "bench", "--server", self.broker.address, "--json",
             "--duration", "500ms"], stdout=subprocess.PIPE, stderr=follower)
        os.close(follower)
        output, _ = process.communicate(timeout=DEADLINE)
        shown = b""
        with contextlib.suppress(OSError):
            while select.select([leader], [], [], 0)[0]:
                shown += os.read(leader, 4096)
        os.close(leader)
        json.loads(output)
        self.assertRegex(shown, rb"\[#*\.*\] +\d+ %")
        self.assertTrue(shown.endswith(b"\r\x1b[K"), shown[-20:])


class Usage(unittest.TestCase):
    def check_wrong(self, args, *words):
        done = run(*args)
        self.assertEqual((done.returncode, done.stdout), (2, ""), args)
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def test_bad_values(self):
        for option, value, right in (("--pubs", "0", "1 to 1000"),
                                     ("--subs", "1001", "1 to 1000"),
                                     ("--size", "x", "64k"),
                                     ("--count", "0", "from 1 to"),
                                     ("--rate", "-5", "whole number"),
                                     ("--duration", "0", "from 1ms to 24h"),
                                     ("--channel", "", "1 to 255"),
                                     ("--channel", "n" * 256, "1 to 255"),
                                     ("--channel", "/null", "/topic/bench"),
                                     ("--channel", "/sys/x", "/topic/bench"),
                                     ("--server", "host:", "host:port")):
            self.check_wrong([option, value], right, option, value)

    def test_arguments(self):
        self.check_wrong(["/topic/a"], "--channel")
        self.check_wrong(["--confirm"], "add --v2")
        self.check_wrong(["--v2", "--ack"], "--channel /queue/bench")

    def test_help_has_an_example_and_fits_a_terminal(self):
        text = run("--help").stdout
        self.assertIn("  sluice bench --rate", text)
        for line in text.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_no_broker(self):
        with socket.socket() as sock:
            sock.bind(("127.0.0.1", 0))
            done = run("--server", "127.0.0.1:%d" % sock.getsockname()[1])
        self.assertEqual(done.returncode, 1)
        self.assertIn("is sluiced running?", done.stderr)

    def test_a_broker_of_version_1(self):
        """It closes a connection that begins with version 2."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            def close_all():
                with contextlib.suppress(OSError):
                    while True:
                        server.accept()[0].close()
            threading.Thread(target=close_all, daemon=True).start()
            done = run("--v2", "--server",
                       "127.0.0.1:%d" % server.getsockname()[1])
        self.assertEqual(done.returncode, 1)
        self.assertIn("leave out --v2", done.stderr)

    def test_a_refusal_of_version_2_is_shown(self):
        broker = Broker(self)
        done = broker.bench("--v2", "--size", "17m", "--count", "1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("too-big", done.stderr)

    def test_a_message_the_broker_refuses(self):
        broker = Broker(self)
        done = broker.bench("--size", "17m", "--count", "1")
        self.assertEqual((done.returncode, done.stdout), (1, ""))
        self.assertIn("log says why", done.stderr)


if __name__ == "__main__":
    main()
