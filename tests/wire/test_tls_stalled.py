# SPDX-License-Identifier: MIT
"""A thousand clients that begin with TLS and do not go on take little memory,
for a few seconds."""
import contextlib
import shutil
import socket
import ssl

import tls_socket
from test_tls import TOPIC, TlsTest, first_flight
from wire import DEADLINE, KIB, MIB, frame, main, skip

if not shutil.which("openssl"):
    skip("no openssl")

CLIENTS, HOSTS = 1000, 50
MEMORY_KIB = 16 * KIB
AT_ONCE = 256  # half-open handshakes


class Stalled(TlsTest):
    def come(self, broker, number):
        """From one of many hosts."""
        sock = socket.socket()
        self.addCleanup(sock.close)
        sock.settimeout(DEADLINE)
        sock.bind((f"127.0.1.{1 + number % HOSTS}", 0))
        sock.connect(("127.0.0.1", int(broker.address.rsplit(":", 1)[1])))
        return sock

    def stall(self, broker, *beginnings):
        """Answers the clients, each of which has sent one of these."""
        clients = [self.come(broker, i) for i in range(CLIENTS)]
        for i, sock in enumerate(clients):
            with contextlib.suppress(OSError):  # it has given way already
                sock.sendall(beginnings[i % len(beginnings)])
        return clients

    def assertLittle(self, *beginnings):
        """They are closed by the default of --hello-timeout."""
        broker = self.tls_broker()
        other = self.subscriber(broker, TOPIC)
        broker.end_sync()
        before = most = broker.rss_kb()
        self.stall(broker, *beginnings)
        while True:
            most = max(most, broker.rss_kb())
            stats = broker.stats()
            self.assertLessEqual(stats["tls_half_open"], AT_ONCE)
            if stats["closed"] > CLIENTS:  # and the one of sync()
                break
        self.assert_memory(most - before, MEMORY_KIB)
        self.assertEqual(stats["connections"], 1)
        self.assertEqual((stats["tls_half_open"], stats["tls_connections"]),
                         (0, 0))
        self.assertEqual(stats["tls_failed"], CLIENTS)
        broker.wait_for_log("event=closed .*reason=(hello_timeout|tls)")
        self.publisher(broker).publish(TOPIC, b"still here")
        self.assertEqual(other.recv(), b"still here")

    def test_before_and_in_the_greeting(self):
        hello = first_flight()
        self.assertLittle(hello[:1], hello[:5], hello[:-1])

    def test_after_the_greeting(self):
        """Of either version: the broker has computed its half."""
        made = tls_socket.context()
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        hello = first_flight()
        self.assertLittle(hello, first_flight(made), hello + b"\x14\x03\x03")

    def test_clients_that_go_on_take_more(self):
        """So memory is what is measured."""
        broker = self.tls_broker()
        before = broker.rss_kb()
        made = tls_socket.context()
        for i in range(CLIENTS):
            client = tls_socket.TlsSocket(self.come(broker, i), made=made)
            client.sendall(frame(TOPIC))
        broker.wait_stats(tls_connections=CLIENTS)
        self.assertGreater(broker.rss_kb() - before, 8 * MIB // KIB)


if __name__ == "__main__":
    main()
