# SPDX-License-Identifier: MIT
"""What fails leaves nothing behind: however many handshakes and logins fail,
the broker is as large as before.

TRIES=100000 tries each kind of failure that often."""
import os
import shutil
import ssl
import struct

import certificates
import tls_socket
from test_logins import LoginsTest, PLAIN
from test_tls import first_flight
from unit_client import OPENING, unit
from wire import DEADLINE, KIB, is_sanitised, main, once_is_enough, skip

if not shutil.which("openssl"):
    skip("no openssl")
once_is_enough()

TRIES = int(os.environ.get("TRIES", "1000"))
AT_ONCE = 20
SLOPE_BYTES = 16  # no block is smaller than twice that
ROUNDS = 6


def record(kind, octets):
    return struct.pack(">BHH", kind, 0x303, len(octets)) + octets


def flights():
    """Handshakes that fail, each at another place: all that a client sends."""
    hello = first_flight()
    foreign, older = tls_socket.context(), tls_socket.context()
    foreign.set_alpn_protocols(["h2"])
    older.maximum_version = ssl.TLSVersion.TLSv1_2
    oldest = bytearray(first_flight(older))
    oldest[9:11] = b"\3\1"  # TLS 1.0
    return {
        "cut": hello,
        "garbage": hello + record(23, b"?" * 64),
        "alert": hello + record(21, b"\2\x30"),
        "alpn": first_flight(foreign),
        "version": bytes(oldest),
        "half": hello[:100],
    }


LOGINS = {
    "token": unit(OPENING[0] + b" mech=token", b"wrong"),
    "password": unit(OPENING[0] + PLAIN, b"wrong"),
    "nobody": unit(OPENING[0] + b" user=nobody mech=plain", b"wrong"),
    "signature": unit(OPENING[0] + b" user=nobody mech=ed25519")
    + unit(b"SIG", bytes(64)),
    "left": unit(OPENING[0] + b" user=nobody mech=ed25519"),
}


class Leaks(LoginsTest):
    def setUp(self):
        super().setUp()
        self.broker_under_test = self.start(
            self.thermo(), args=certificates.server_options(),
            listen=("127.0.0.1:0", "unix:{dir}/socket"))

    def try_all(self, octets, count, listener, waits):
        """So many clients, a few at once; `waits`: until they are closed."""
        for at in range(0, count, AT_ONCE):
            crowd = [self.broker_under_test.connect(listener=listener)
                     for _ in range(min(AT_ONCE, count - at))]
            for client in crowd:
                client.send(octets)
            for client in crowd:
                if waits:
                    client.wait_closed()
                client.close()

    def size_kib(self, done):
        """When all is over: nothing is counted any more, no file is open."""
        broker = self.broker_under_test
        stats = broker.wait_stats(connections=0, tls_half_open=0,
                                  logins_waiting=0,
                                  accepted=lambda n: n >= done)
        if self.at_rest is None:
            self.at_rest = stats["memory_bytes"], broker.fd_count()
        broker.wait_stats(memory_bytes=self.at_rest[0])
        self.assertEqual(broker.fd_count(), self.at_rest[1])
        return broker.rss_kb()

    def check(self, kinds, listener, silent=()):
        """The first round makes what is made once. What is forgotten each time
        makes each round grow, and what an allocator keeps does not."""
        tries = TRIES * len(kinds)
        self.at_rest = None
        sizes = []
        for number in range(1, ROUNDS + 1):
            for name, octets in kinds.items():
                self.try_all(octets, TRIES, listener, name not in silent)
            sizes.append(self.size_kib(number * tries))
            slopes = [after - before
                      for before, after in zip(sizes, sizes[1:])]
            if slopes and min(slopes) < tries * SLOPE_BYTES // KIB:
                return self.broker_under_test.stats()
        if not is_sanitised():  # which keeps what is freed
            self.fail(f"it grows with each round, in KiB: {sizes}")
        return self.broker_under_test.stats()

    def test_failed_handshakes(self):
        stats = self.check(flights(), 0, ("cut", "alert", "half"))
        self.assertEqual(stats["tls_handshakes"], 0)
        self.assertGreaterEqual(stats["tls_failed"], 5 * TRIES)

    def test_handshakes_that_do_not_fail(self):
        """With tickets that nobody uses: no session is kept for them."""
        broker, sizes = self.broker_under_test, []
        context = tls_socket.context()
        for number in range(1, ROUNDS + 1):
            for _ in range(TRIES // 2):
                tls_socket.connect(broker.addresses[0], DEADLINE,
                                   made=context).close()
            broker.wait_stats(connections=0, tls_handshakes=number * (
                TRIES // 2))
            sizes.append(broker.rss_kb())
            if is_sanitised() or (number > 1 and sizes[-1] - sizes[-2] <
                                  TRIES // 2 * SLOPE_BYTES // KIB):
                return
        self.fail(f"it grows with each round, in KiB: {sizes}")

    def test_failed_logins(self):
        stats = self.check(LOGINS, 1, ("left",))
        self.assertEqual(stats["logins"], 0)
        self.assertGreaterEqual(stats["logins_failed"], 8 * TRIES)


if __name__ == "__main__":
    main()
