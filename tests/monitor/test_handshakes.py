# SPDX-License-Identifier: MIT
"""What becomes of handshakes can be watched: how many failed and why, how many
wait, how long the others took."""
import json
import pathlib
import re
import shutil
import ssl
import time

from monitor import DEADLINE, MonitorTest, main, request
from wire import frame, skip

import certificates
import tls_socket

if not shutil.which("openssl"):
    skip("no openssl")

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
NAME = "sluice_tls_handshake_seconds"
LE = re.compile(NAME + r'_bucket{le="(.+)"}')
FAILED = "sluice_tls_failed_by_reason_total"


class Handshakes(MonitorTest):
    def sealed(self, *args):
        return self.watched(*certificates.server_options(), *args)

    def client(self, broker, **kwargs):
        sock = tls_socket.connect(broker.address, DEADLINE, **kwargs)
        self.addCleanup(sock.close)
        return sock

    def stranger(self, broker):
        """One that wants to speak something else inside TLS."""
        made = tls_socket.context()
        made.set_alpn_protocols(["h2"])
        with self.assertRaises((ssl.SSLError, OSError)):
            tls_socket.connect(broker.address, DEADLINE, made=made)

    def stats(self, broker, wanted):
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            document = json.loads(request(broker.http, "/stats")[2])["stats"]
            if wanted(document):
                return document
        raise TimeoutError(document)

    def metrics(self, broker):
        """{name and labels: value}"""
        text = request(broker.http, "/metrics")[2].decode()
        return {line.rpartition(" ")[0]: float(line.rpartition(" ")[2])
                for line in text.splitlines() if not line.startswith("#")}

    def test_failures_are_counted_by_reason(self):
        broker = self.sealed()
        for _ in range(3):
            self.stranger(broker)
        with self.connect(broker).sock as sock:
            sock.sendall(b"\x16\x03\x01\x00\x05")  # and goes away
        broker.wait_stats(tls_failed=4)
        document = self.stats(broker,
                              lambda d: d["counters"]["tls_failed"] == 4)
        faults = document["tls_faults"]
        self.assertEqual(faults["tls_alpn"], 3)
        self.assertEqual(sum(faults.values()), 4)
        metrics = self.metrics(broker)
        self.assertEqual({f'{FAILED}{{reason="{fault}"}}': float(count)
                          for fault, count in faults.items()},
                         {key: value for key, value in metrics.items()
                          if key.startswith(FAILED)})

    def test_what_took_too_long_has_a_reason_too(self):
        broker = self.sealed("--hello-timeout", "200ms")
        stalled = self.connect(broker)
        stalled.send(b"\x16\x03\x01\x00\x05")
        stalled.wait_closed()
        document = self.stats(broker,
                              lambda d: d["counters"]["tls_failed"] == 1)
        self.assertEqual(document["tls_faults"]["tls_unfinished"], 1)

    def test_a_histogram_tells_how_long_they_took(self):
        broker = self.sealed()
        for _ in range(3):
            self.client(broker)
        self.stranger(broker)
        broker.wait_stats(tls_handshakes=3, tls_failed=1)
        metrics = self.metrics(broker)
        self.assertEqual(metrics[f"{NAME}_count"], 3)
        buckets = [(float(LE.fullmatch(key)[1]), count)
                   for key, count in metrics.items() if LE.fullmatch(key)]
        self.assertEqual(buckets, sorted(buckets))
        counts = [count for _, count in buckets]
        self.assertEqual(counts, sorted(counts))
        self.assertEqual(buckets[-1], (float("inf"), 3))
        self.assertGreater(metrics[f"{NAME}_sum"], 0)

    def test_documents_say_how_long_lately(self):
        broker = self.sealed()
        self.client(broker)
        counters = self.stats(
            broker, lambda d: d["counters"]["tls_handshakes"] == 1)["counters"]
        self.assertGreater(counters["tls_handshake_p50_us"], 0)
        self.assertEqual(counters["tls_handshake_p50_us"],
                         counters["tls_handshake_p99_us"])

    def test_those_that_wait_are_counted(self):
        """Behind as many of the same host as may be under way."""
        broker = self.sealed("--hello-timeout", "20s", "--tls-min", "1.3")
        hello = first_flight()
        silent = [self.connect(broker) for _ in range(40)]
        for client in silent:
            client.send(hello)
        document = self.stats(
            broker, lambda d: d["counters"]["tls_waiting"] > 0)
        self.assertLessEqual(document["counters"]["tls_half_open"], 32)
        for client in silent:
            client.close()
        self.stats(broker, lambda d: d["counters"]["tls_waiting"] == 0)

    def test_each_reason_is_explained(self):
        broker = self.sealed()
        explained = set(re.findall(r"^\| `(tls_\w+)` \|",
                                   (DOCS / "security.md").read_text(), re.M))
        self.assertEqual(set(self.stats(broker, bool)["tls_faults"]),
                         explained)


def first_flight():
    """A ClientHello."""
    out = ssl.MemoryBIO()
    client = tls_socket.context().wrap_bio(ssl.MemoryBIO(), out,
                                           server_hostname="localhost")
    try:
        client.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return out.read()


if __name__ == "__main__":
    main()
