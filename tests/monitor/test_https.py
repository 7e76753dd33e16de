# SPDX-License-Identifier: MIT
"""HTTP documents with TLS: the first byte decides, on one port, and what an
address demands is demanded there."""
import contextlib
import json
import pathlib
import re
import shutil
import signal
import socket
import ssl
import subprocess
import tempfile
import threading
import time

from monitor import DEADLINE, MonitorTest, main, request, status_of
from wire import Background, frame, pair, skip

import certificates
import client
import tls_socket

if not shutil.which("openssl"):
    skip("no openssl")

FILES = certificates.server_options()
HANDSHAKE = b"\x16\x03\x01\x00\x05"
CLIENTS_MAX = 32
LONG = 1 << 20  # octets of a document: no kernel takes it at once


def protocols(*names):
    made = tls_socket.context()
    made.set_alpn_protocols(list(names))
    return made


def read_all(sock):
    """To the end, which must be an orderly one."""
    got = b""
    while chunk := sock.recv(1 << 16):
        got += chunk
    return got


def ask(address, path="/healthz", lines=(), **kwargs):
    """(status, body) of one request with TLS."""
    sock = tls_socket.connect(address, DEADLINE, **kwargs)
    try:
        sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", f"Host: {address}",
                                  *lines, "", ""]).encode())
        answer = read_all(sock)
    finally:
        sock.close()
    return status_of(answer), answer.partition(b"\r\n\r\n")[2]


class HttpsTest(MonitorTest):
    def served(self, *args, words="", **kwargs):
        broker = self.broker(*args, "--http", f"127.0.0.1:0{words}", **kwargs)
        broker.http = broker.wait_for_log("event=serving_http").fields["addr"]
        return broker


class Traffic(HttpsTest):
    def test_the_first_byte_decides(self):
        """One port; the documents are the same."""
        broker = self.served(*FILES)
        self.assertEqual(request(broker.http, "/healthz")[2], b"ok\n")
        self.assertEqual(ask(broker.http), (200, b"ok\n"))
        status, body = ask(broker.http, "/stats")
        self.assertEqual((status, set(json.loads(body))),
                         (200, {"stats", "channels", "clients", "users"}))
        self.assertIn(b"\nsluice_http_requests_total 3\n",
                      ask(broker.http, "/metrics")[1])

    def test_the_list_of_clients_says_how_they_speak_tls(self):
        broker = self.served(*FILES)
        plain = self.subscriber(broker, b"/topic/a")
        sealed = tls_socket.connect(broker.address, DEADLINE)
        self.addCleanup(sealed.close)
        sealed.sendall(frame(b"/topic/a"))
        spoken = {
            "{}:{}".format(*plain.sock.getsockname()): (None, None),
            "{}:{}".format(*sealed.getsockname()): (
                sealed.tls.version(), sealed.tls.cipher()[0])}
        until, rows = time.monotonic() + DEADLINE, {}
        while not spoken.items() <= rows.items():  # made now and then
            self.assertLess(time.monotonic(), until, rows)
            document = json.loads(ask(broker.http, "/stats")[1])
            rows = {row["peer"]: (row["tls"], row["cipher"])
                    for row in document["clients"]["clients"]}

    def test_octet_by_octet(self):
        broker = self.served(*FILES)
        host, port = broker.http.split(":")
        with socket.create_connection((host, port), DEADLINE) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = tls_socket.TlsSocket(Drip(sock))
            client.sendall(b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(status_of(read_all(client)), 200)

    def test_unix_socket(self):
        broker = self.broker(*FILES, "--http", "unix:http.sock tls=allowed")
        broker.wait_for_log("event=serving_http")
        sock = socket.socket(socket.AF_UNIX)
        sock.settimeout(DEADLINE)
        sock.connect(f"{broker.dir}/http.sock")
        client = tls_socket.wrap(sock)
        self.addCleanup(client.close)
        client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        self.assertEqual(status_of(read_all(client)), 200)

    def test_curl(self):
        if not shutil.which("curl"):
            self.skipTest("no curl")
        broker = self.served(*FILES, words=" tls=required")
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail", "--noproxy", "*",
             "--cacert", certificates.folder()["ca.pem"],
             f"https://{broker.http}/readyz"],
            capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual((done.stdout, done.stderr), ("ready\n", ""))

    def test_a_renewed_certificate_is_served_without_a_restart(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-https-")
        self.addCleanup(folder.cleanup)
        own, made = pathlib.Path(folder.name), certificates.folder()
        for end in ("pem", "key"):
            shutil.copy(made[f"localhost.{end}"], own / f"own.{end}")
        broker = self.served("--tls-cert", str(own / "own.pem"), "--tls-key",
                             str(own / "own.key"))
        made.certificate("renewed", "IP:127.0.0.1")
        for end in ("pem", "key"):
            shutil.copy(made[f"renewed.{end}"], own / f"own.{end}")
        since = broker.mark()
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=tls_loaded", since)
        self.assertEqual(ask(broker.http, name="127.0.0.1")[0], 200)
        with self.assertRaises(ssl.SSLCertVerificationError):
            ask(broker.http, name="localhost")


class Demands(HttpsTest):
    def test_required(self):
        """In plain text the answer says what to do, and nothing else."""
        broker = self.served(*FILES, words=" tls=required")
        for path in ("/healthz", "/stats", "/nothing"):
            status, headers, body = request(broker.http, path)
            self.assertEqual((status, headers["upgrade"]),
                             (426, "TLS/1.2, HTTP/1.1"))
            self.assertIn(b"https://", body)
        self.assertEqual(ask(broker.http)[0], 200)
        self.assertEqual(ask(broker.http, "/nothing")[0], 404)

    def test_none(self):
        broker = self.served(*FILES, words=" tls=none")
        with self.assertRaises(ssl.SSLError):
            ask(broker.http)
        self.assertEqual(request(broker.http, "/healthz")[0], 200)

    def test_without_a_certificate_nobody_speaks_it(self):
        broker = self.served()
        with self.assertRaises(ssl.SSLError):
            ask(broker.http)

    def test_a_stranger_is_refused_with_tls_as_well(self):
        broker = self.served(*FILES)
        sock = tls_socket.connect(broker.http, DEADLINE)
        self.addCleanup(sock.close)
        sock.sendall(b"GET /stats HTTP/1.1\r\nHost: evil.example\r\n\r\n")
        self.assertEqual(status_of(read_all(sock)), 403)

    def test_tls_inside_tls_is_not_a_request(self):
        broker = self.served(*FILES)
        sock = tls_socket.connect(broker.http, DEADLINE)
        self.addCleanup(sock.close)
        sock.sendall(HANDSHAKE)
        self.assertEqual(status_of(read_all(sock)), 400)


class Refused(HttpsTest):
    def assertFault(self, broker, fault, **kwargs):
        since = broker.mark()
        with self.assertRaises((ssl.SSLError, OSError)):
            ask(broker.http, **kwargs)
        line = broker.wait_for_log("event=http_tls_failed", since)
        self.assertEqual(line.fields["fault"], fault)
        return line

    def test_http_by_alpn(self):
        """As browsers ask for it; and nothing else."""
        broker = self.served(*FILES)
        sock = tls_socket.connect(broker.http, DEADLINE,
                                  made=protocols("h2", "http/1.1"))
        self.addCleanup(sock.close)
        self.assertEqual(sock.tls.selected_alpn_protocol(), "http/1.1")
        for names in (["h2"], ["sluice"], ["h2", "sluice"]):
            self.assertFault(broker, "tls_alpn", made=protocols(*names))

    def test_a_browser_at_the_port_of_messages_goes_no_further(self):
        broker = self.served(*FILES)
        since = broker.mark()
        with self.assertRaises((ssl.SSLError, OSError)):
            ask(broker.address, made=protocols("http/1.1"))
        line = broker.wait_for_log("event=closed ", since)
        self.assertEqual(line.fields["fault"], "tls_alpn")

    def test_certificates_of_clients(self):
        made = certificates.folder()
        broker = self.served(*FILES, "--tls-ca", made["ca.pem"])
        self.assertFault(broker, "tls_client_cert_missing")
        status, _ = ask(broker.http, made=tls_socket.context(
            certificate="device"))
        self.assertEqual(status, 200)

    def test_a_client_that_does_not_trust_us_is_named(self):
        broker = self.served(*FILES)
        line = self.assertFault(broker, "tls_client_refused_us",
                                made=tls_socket.context("other-ca"))
        self.assertEqual(line.fields["alert"], "unknown CA")


class LongAnswers(HttpsTest):
    """A document that no kernel takes at once: of a unix socket, whose room
    does not grow."""
    NAME = b"/queue/%04d" + b"\1" * 240

    def long(self):
        """A broker with many channels, and their document."""
        broker = self.served(*FILES, "--http", "unix:http.sock tls=required")
        sender = self.publisher(broker)
        sender.send(b"".join(pair(self.NAME % n, b"x") for n in range(3000)))
        broker.sync(sender)
        until = time.monotonic() + DEADLINE
        while len(ask(broker.http, "/metrics")[1]) < LONG:
            self.assertLess(time.monotonic(), until, "made now and then")
        return broker

    def asking(self, broker, **kwargs):
        sock = tls_socket.wrap(
            client.open_plain(f"unix:{broker.dir}/http.sock"), **kwargs)
        self.addCleanup(sock.close)
        sock.sendall(b"GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        return sock

    def length_of(self, head):
        return int(re.search(rb"Content-Length: (\d+)", head)[1])

    def test_a_slow_reader_gets_all_of_it(self):
        """In pieces that are no record's; and an end in order."""
        broker = self.long()
        sock, got = self.asking(broker), b""
        while part := sock.recv(777):
            got += part
        head, _, body = got.partition(b"\r\n\r\n")
        self.assertEqual(status_of(head), 200)
        self.assertGreater(len(body), LONG)
        self.assertEqual(len(body), self.length_of(head))
        self.assertTrue(body.endswith(b"\n"))

    def test_one_that_reads_nothing_is_cut_off_and_others_are_served(self):
        """In its time, and nothing is left of it; that its answer is not
        whole it learns from TLS as well."""
        broker = self.long()
        before = broker.wait_stats(tls_connections=0)
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            made = tls_socket.context()
            made.minimum_version = made.maximum_version = version
            sock = self.asking(broker, made=made)
            head = sock.recv(1 << 10)
            self.assertEqual(status_of(head), 200)
            self.assertEqual(ask(broker.http), (200, b"ok\n"))
            broker.wait_stats(tls_connections=0,
                              memory_bytes=before["memory_bytes"])
            with self.assertRaises(ConnectionResetError):
                read_all(sock)

    def test_one_that_leaves_in_the_middle_leaves_nothing(self):
        """With a word or without."""
        broker = self.long()
        before = broker.wait_stats(tls_connections=0)
        for leave in (tls_socket.TlsSocket.close, tls_socket.TlsSocket.cut):
            sock = self.asking(broker)
            self.assertEqual(status_of(sock.recv(1 << 10)), 200)
            leave(sock)
            broker.wait_stats(tls_connections=0,
                              memory_bytes=before["memory_bytes"])

    def test_one_request_is_answered_and_the_end_is_in_order(self):
        """Whatever comes behind it: no connection is kept."""
        broker = self.served(*FILES)
        sock = tls_socket.connect(broker.http, DEADLINE)
        self.addCleanup(sock.close)
        sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n"
                     b"Connection: keep-alive\r\n\r\n" * 3)
        answer = read_all(sock)
        self.assertEqual(answer.count(b"HTTP/1.1 200 "), 1)
        self.assertIn(b"\r\nConnection: close\r\n", answer)
        self.assertTrue(answer.endswith(b"\r\n\r\nok\n"))


class Bounds(HttpsTest):
    def test_a_trickle_is_closed_in_time(self):
        """Of octets that belong to a handshake, and never end it."""
        broker = self.served(*FILES)
        host, port = broker.http.split(":")
        with socket.create_connection((host, port), DEADLINE) as sock:
            over = threading.Event()
            flow = Background(self.trickle, sock, over)
            self.assertEqual(ask(broker.http), (200, b"ok\n"))
            self.addCleanup(over.set)
            flow.join()
        broker.wait_stats(tls_connections=0, tls_half_open=0)

    def trickle(self, sock, over):
        hello = first_flight()
        with contextlib.suppress(OSError):
            for octet in hello + bytes(1 << 20):
                sock.sendall(bytes([octet]))
                over.wait(0.05)
            self.fail("it was never closed")

    def test_handshakes_that_stop_do_not_keep_out_one_that_asks(self):
        """The oldest gives way, as of all that have sent no whole head."""
        broker = self.served(*FILES)
        host, port = broker.http.split(":")
        for _ in range(3 * CLIENTS_MAX):
            sock = socket.create_connection((host, port), DEADLINE)
            self.addCleanup(sock.close)
            sock.sendall(HANDSHAKE)
        self.assertEqual(ask(broker.http)[0], 200)
        self.assertEqual(request(broker.http, "/healthz")[0], 200)

    def test_a_handshake_that_stops_is_closed_in_time(self):
        broker = self.served(*FILES)
        host, port = broker.http.split(":")
        with socket.create_connection((host, port), DEADLINE) as sock:
            sock.sendall(HANDSHAKE)
            broker.wait_stats(tls_connections=1)
            try:
                self.assertEqual(sock.recv(1), b"")
            except ConnectionResetError:
                pass
        broker.wait_stats(tls_connections=0, tls_half_open=0)

    def test_memory_is_given_back(self):
        broker = self.served(*FILES)
        before = broker.stats()["memory_bytes"]
        for _ in range(20):
            self.assertEqual(ask(broker.http, "/stats")[0], 200)
        broker.wait_stats(tls_connections=0, memory_bytes=before)

    def test_the_broker_stops_while_clients_are_connected(self):
        broker = self.served(*FILES)
        sock = tls_socket.connect(broker.http, DEADLINE)
        self.addCleanup(sock.close)
        broker.stop()


def first_flight():
    """A ClientHello."""
    out = ssl.MemoryBIO()
    tls = tls_socket.context().wrap_bio(ssl.MemoryBIO(), out,
                                        server_hostname="localhost")
    with contextlib.suppress(ssl.SSLWantReadError):
        tls.do_handshake()
    return out.read()


class Drip:
    """A socket that sends one octet at a time."""

    def __init__(self, sock):
        self._sock = sock

    def sendall(self, data):
        for i in range(len(data)):
            self._sock.sendall(data[i:i + 1])

    def __getattr__(self, name):
        return getattr(self._sock, name)


if __name__ == "__main__":
    main()
