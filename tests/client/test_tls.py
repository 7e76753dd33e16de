# SPDX-License-Identifier: MIT
"""Commands under TLS: brokers that cannot prove who they are, and what else can
go wrong, at the first connection and at one that comes later. Each is refused,
in words, and nothing is sent."""
import contextlib
import os
import pathlib
import socket
import ssl
import subprocess
import sys
import tempfile
import threading
import unittest
import warnings

from command import DEADLINE, Process, main, run

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "wire"))
import certificates  # noqa: E402  (they live with the wire tests)
from daemon import Broker  # noqa: E402

TOPIC = "/topic/tls"
LONG_AGO = ("20200101000000Z", "20210101000000Z")
FAR_OFF = ("20450101000000Z", "20460101000000Z")


def setUpModule():
    folder = certificates.folder()
    folder.certificate("old", "DNS:localhost", dates=LONG_AGO)
    folder.certificate("early", "DNS:localhost", dates=FAR_OFF)
    folder.certificate("elsewhere", "DNS:broker.example")
    folder.certificate("stranger", "DNS:localhost", ca="other-ca")
    folder.certificate("foreigner", "DNS:device.example", ca="other-ca")
    long = pathlib.Path(folder["long.pem"])
    long.write_text(pathlib.Path(folder["localhost.pem"]).read_text() +
                    100 * pathlib.Path(folder["ca.pem"]).read_text())


def port_of(address):
    return int(address.rsplit(":", 1)[1])


class Relay:
    """A door to servers: connections go to the one it leads to now, and are cut
    when it leads to another. Nothing is behind it: None."""

    def __init__(self, case, port=None):
        self._port, self._cut = port, []
        self._lock = threading.Lock()
        self._door = socket.create_server(("127.0.0.1", 0))
        self.port = self._door.getsockname()[1]
        case.addCleanup(self._close)
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        with contextlib.suppress(OSError):
            while True:
                self._join(self._door.accept()[0])

    def _join(self, client):
        with self._lock:
            self._cut.append(client)
            if self._port is None:
                return  # says nothing
            server = socket.create_connection(("127.0.0.1", self._port))
            self._cut.append(server)
        for ends in ((client, server), (server, client)):
            threading.Thread(target=self._copy, args=ends, daemon=True).start()

    @staticmethod
    def _copy(source, to):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                to.sendall(data)
            to.shutdown(socket.SHUT_WR)

    def lead_to(self, port):
        with self._lock:
            self._port = port
            for sock in self._cut:
                with contextlib.suppress(OSError):
                    sock.shutdown(socket.SHUT_RDWR)
                sock.close()
            self._cut.clear()

    def _close(self):
        self._door.close()
        self.lead_to(None)


def speaks_tls(case, certificate="localhost", versions=(), chain=None):
    """A server that completes handshakes, if it may. Returns its port."""
    folder = certificates.folder()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder[f"{chain or certificate}.pem"],
                            folder[f"{certificate}.key"])
    if versions:
        context.set_ciphers("ALL:@SECLEVEL=0")
        with warnings.catch_warnings():  # that they are old is the point
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version, context.maximum_version = versions
    door = socket.create_server(("127.0.0.1", 0))
    case.addCleanup(door.close)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                sock = door.accept()[0]
                sock.settimeout(DEADLINE)
                with contextlib.suppress(OSError), sock:
                    with context.wrap_socket(sock, server_side=True) as tls:
                        tls.recv(1)

    threading.Thread(target=serve, daemon=True).start()
    return door.getsockname()[1]


def says(case, words):
    """A server that says the same to everybody. Returns its port."""
    door = socket.create_server(("127.0.0.1", 0))
    case.addCleanup(door.close)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                with door.accept()[0] as sock:
                    sock.sendall(words)
                    while sock.recv(1 << 16):
                        pass

    threading.Thread(target=serve, daemon=True).start()
    return door.getsockname()[1]


class WithTls(unittest.TestCase):
    def setUp(self):
        self.folder = certificates.folder()
        self.ca = ("--tls-ca", self.folder["ca.pem"])

    def broker(self, *args, name="localhost", **kwargs):
        broker = Broker(*certificates.server_options(name), *args, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def plain_broker(self):
        broker = Broker()
        self.addCleanup(broker.kill)
        return broker

    def client(self, name):
        return ("--tls-cert", self.folder[f"{name}.pem"],
                "--tls-key", self.folder[f"{name}.key"])

    def send(self, port, *options, host="localhost"):
        return run("send", TOPIC, "message", "--server", f"{host}:{port}",
                   *options)

    def assertSent(self, port, *options, **kwargs):
        done = self.send(port, *options, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)


class Good(WithTls):
    def test_messages_go_there_and_back(self):
        broker = self.broker()
        server = f"tls:localhost:{port_of(broker.address)}"
        listener = Process(self, "listen", TOPIC, "--count", "2", *self.ca,
                           server=server)
        broker.wait_stats(subscribers=1)
        for version in ((), ("--confirm",)):
            done = run("send", TOPIC, "message", *version, *self.ca,
                       server=server)
            self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(listener.finish(), (0, b"message\nmessage\n", ""))

    def test_every_command_that_connects_speaks_it(self):
        broker = self.broker()
        server = f"tls:localhost:{port_of(broker.address)}"
        worker = Process(self, "work", "/queue/tls", "--exec", "cat", "--count",
                         "1", *self.ca, server=server)
        replier = Process(self, "reply", "/svc/tls", "--exec", "cat", *self.ca,
                          server=server)
        broker.wait_stats(subscribers=2)
        for command in (("ping", "--count", "1"), ("ping", "--count", "1",
                        "--v2"), ("request", "/svc/tls", "why"),
                        ("send", "/queue/tls", "job")):
            with self.subTest(command):
                done = run(*command, *self.ca, server=server)
                self.assertEqual(done.returncode, 0, done.stderr)
        self.assertEqual(worker.finish()[:2], (0, b"job"))
        replier.signal()
        self.assertEqual(replier.finish()[0], 0)

    def test_a_benchmark_loses_nothing_under_it(self):
        """Records carry many messages, and parts of them."""
        broker = self.broker()
        server = f"tls:localhost:{port_of(broker.address)}"
        for options in (("--size", "50", "--count", "200000"),
                        ("--size", "100k", "--count", "300", "--subs", "3"),
                        ("--v2", "--confirm", "--count", "20000"),
                        ("--v2", "--ack", "--count", "20000", "--channel",
                         "/queue/bench", "--subs", "2")):
            with self.subTest(options):
                done = run("bench", *options, *self.ca, server=server)
                self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_client_that_shows_its_certificate_is_let_in(self):
        broker = self.broker("--tls-ca", self.folder["ca.pem"])
        self.assertSent(port_of(broker.address), *self.ca,
                        *self.client("device"))

    def test_a_name_is_expected_where_the_address_has_none(self):
        broker = self.broker(name="elsewhere")
        self.assertSent(port_of(broker.address), *self.ca, "--tls-name",
                        "broker.example")

    def test_a_pin_needs_neither_authority_nor_name(self):
        broker = self.broker(name="elsewhere")
        self.assertSent(port_of(broker.address), "--tls-pin",
                        self.pin("elsewhere"))

    def test_the_fingerprint_of_the_certificate_is_a_pin(self):
        """As the broker's log has it, and other programs."""
        broker = self.broker(name="elsewhere")
        fingerprint = broker.log("event=tls_loaded")[0].fields["fingerprint"]
        self.assertSent(port_of(broker.address), "--tls-pin", fingerprint)

    def pin(self, name):
        key = certificates.openssl("pkey", "-in", self.folder[f"{name}.key"],
                                   "-pubout", "-outform", "der").stdout
        digest = certificates.openssl("dgst", "-sha256", "-r", input=key).stdout
        return f"sha256:{digest.decode().split()[0]}"

    def test_a_pin_and_an_authority_must_both_be_right(self):
        broker = self.broker(name="stranger")
        done = self.send(port_of(broker.address), "--tls-pin",
                         self.pin("stranger"), *self.ca)
        self.assertIn(b"is not signed by an authority", done.stderr)

    def test_the_environment_says_the_same(self):
        broker = self.broker()
        env = os.environ | {"SLUICE_TLS": "yes",
                            "SLUICE_TLS_CA": self.folder["ca.pem"],
                            "SLUICE_SERVER": "localhost:"
                            f"{port_of(broker.address)}"}
        listener = subprocess.run(
            [os.environ["SLUICE"], "ping", "--count", "1"], env=env,
            capture_output=True, check=False, timeout=DEADLINE)
        self.assertEqual(listener.returncode, 0, listener.stderr)
        self.assertEqual(broker.stats()["tls_handshakes"], 1)

    def test_renewed_files_are_read_for_the_next_connection(self):
        """By a listener that has run since before."""
        folder = self.enterContext(tempfile.TemporaryDirectory())
        for end in ("pem", "key"):
            self.copy("foreigner", folder, end)
        first = self.broker()
        strict = self.broker("--tls-ca", self.folder["ca.pem"])
        relay = Relay(self, port_of(first.address))
        listener = Process(
            self, "listen", TOPIC, *self.ca, "--tls-cert", f"{folder}/own.pem",
            "--tls-key", f"{folder}/own.key", "--count", "1",
            server=f"localhost:{relay.port}")
        first.wait_stats(subscribers=1)
        for end in ("pem", "key"):
            self.copy("device", folder, end)
        relay.lead_to(port_of(strict.address))
        strict.wait_stats(subscribers=1)
        self.assertSent(port_of(strict.address), *self.ca,
                        *self.client("device"))
        self.assertEqual(listener.finish()[:2], (0, b"message\n"))

    def copy(self, name, folder, end):
        fresh = pathlib.Path(folder, f"own.{end}.new")
        fresh.write_bytes(
            pathlib.Path(self.folder[f"{name}.{end}"]).read_bytes())
        fresh.replace(f"{folder}/own.{end}")


class Misuse(WithTls):
    """First a port to connect to and what is said of it; each test connects to
    it with and without a good connection before, in both versions."""

    def assertRefused(self, port, words, *options, secured=True):
        ca = self.ca if secured else ()
        for version in ((), ("--confirm",)):
            with self.subTest("first", version=version):
                done = self.send(port, *ca, *options, *version)
                self.assertEqual(done.returncode, 1, done.stderr)
                self.assertIn(words, done.stderr.decode())
        for command in ("listen", "send"):
            with self.subTest("later", command=command):
                self.assertRefusedLater(command, port, words, *ca, *options)

    def assertRefusedLater(self, command, port, words, *options):
        good = self.broker()
        relay = Relay(self, port_of(good.address))
        args = [] if command == "listen" else ["--reconnect"]
        client = Process(self, command, TOPIC, *args, *options,
                         server=f"localhost:{relay.port}",
                         stdin=subprocess.PIPE)
        good.wait_stats(connections=1)
        if command == "listen":
            good.wait_stats(subscribers=1)
            self.assertSent(port_of(good.address), *options)
            self.assertEqual(client.line(), b"message\n")
        relay.lead_to(port)
        if command == "send":
            client.popen.stdin.write(b"message\n")
            client.popen.stdin.close()
            client.popen.stdin = None
        status, _, complaints = client.finish()
        self.assertEqual(status, 1, complaints)
        self.assertIn(words, complaints)

    def test_an_expired_certificate(self):
        self.assertRefused(port_of(self.broker(name="old").address),
                           "the certificate of localhost has expired, on "
                           "2021-01-01 00:00 UTC: it must be renewed")

    def test_a_certificate_of_the_future(self):
        self.assertRefused(port_of(self.broker(name="early").address),
                           "is not valid yet, but from 2045-01-01 00:00 UTC: "
                           "compare the clocks")

    def test_another_name(self):
        self.assertRefused(port_of(self.broker(name="elsewhere").address),
                           "is not for that name, but for broker.example: ")

    def test_an_authority_that_is_not_trusted(self):
        self.assertRefused(port_of(self.broker(name="stranger").address),
                           "is not signed by an authority that this client "
                           "trusts")

    def test_no_certificate_where_one_is_demanded(self):
        broker = self.broker("--tls-ca", self.folder["ca.pem"])
        self.assertRefused(port_of(broker.address),
                           "the broker wants a certificate of this client")

    def test_a_certificate_that_the_broker_does_not_trust(self):
        broker = self.broker("--tls-ca", self.folder["ca.pem"])
        self.assertRefused(port_of(broker.address),
                           "the broker does not trust the authority that "
                           "signed the certificate of this client",
                           *self.client("foreigner"))

    def test_old_versions_of_tls(self):
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            port = speaks_tls(self, versions=(version, version))
            self.assertRefused(port, "no version of TLS in common")

    def test_a_chain_without_end(self):
        self.assertRefused(speaks_tls(self, chain="long"),
                           "the server's chain of certificates is too long")

    def test_in_clear_to_a_server_that_speaks_tls(self):
        """Which says so in a record of its own, as most do."""
        port = says(self, b"\x15\x03\x01\x00\x02\x02\x46")
        done = run("listen", TOPIC, "--server", f"localhost:{port}",
                   "--no-reconnect")
        self.assertEqual(done.returncode, 1)
        self.assertIn("it speaks TLS; a broker behind it is reached with tls:",
                      done.stderr.decode())


    def test_in_clear_to_a_broker_that_demands_tls(self):
        """Version 1 has no words for it; the broker's log does, and the
        command guesses."""
        broker = self.broker(listen=("127.0.0.1:0 tls=required",))
        for command in (("send", TOPIC, "message", "--confirm"),
                        ("listen", TOPIC, "--no-reconnect"),
                        ("request", TOPIC, "message"),
                        ("send", TOPIC, "message")):
            done = run(*command, server=broker.address)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"it may demand TLS, see --tls", done.stderr)
        done = run("ping", "--count", "1", server=broker.address)
        self.assertEqual(done.returncode, 0)  # it lives
        self.assertIn(b"answers, and refuses", done.stdout)
        broker.wait_for_log("event=closed .*reason=tls_required", count=5)


class Cuts(WithTls):
    """Nobody knows whether they are meant: a listener tries again."""

    def test_tls_to_a_broker_in_clear(self):
        done = self.send(port_of(self.plain_broker().address), *self.ca)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"it may not speak TLS", done.stderr)

    def test_a_handshake_that_stalls(self):
        relay = Relay(self)
        for version in ((), ("--confirm",)):
            done = self.send(relay.port, *self.ca, *version, "--timeout",
                             "100ms")
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"in time", done.stderr)

    def test_a_cut_is_no_orderly_end(self):
        """And a listener gets over it, and over servers that say nothing."""
        broker = self.broker()
        relay = Relay(self, port_of(broker.address))
        listener = Process(self, "listen", TOPIC, "--count", "1", *self.ca,
                           server=f"localhost:{relay.port}")
        broker.wait_stats(subscribers=1)
        relay.lead_to(port_of(self.plain_broker().address))
        broker.wait_stats(subscribers=0)
        relay.lead_to(port_of(broker.address))
        broker.wait_stats(subscribers=1)
        self.assertSent(port_of(broker.address), *self.ca)
        status, out, complaints = listener.finish()
        self.assertEqual((status, out), (0, b"message\n"))
        self.assertIn("connected again", complaints)


class Usage(unittest.TestCase):
    def assertMisused(self, words, *options, server="localhost:1"):
        for command in (("send", "/topic/x", "y"), ("listen", "/topic/x"),
                        ("chat", "/topic/x", "--reconnect")):
            done = run(*command, *options, server=server)
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(words, done.stderr.decode())

    def test_files_are_read_before_anything_is_sent(self):
        with socket.create_server(("127.0.0.1", 0)) as door:
            server = f"127.0.0.1:{door.getsockname()[1]}"
            self.assertMisused("/dev/null: no certificate of an authority",
                               "--tls-ca", "/dev/null", server=server)
            self.assertMisused("needs its key", "--tls-cert", "/dev/null",
                               server=server)
            self.assertMisused("is not a pin", "--tls-pin", "sha256:beef",
                               server=server)

    def test_a_unix_socket_needs_none(self):
        with tempfile.TemporaryDirectory() as folder, \
                socket.socket(socket.AF_UNIX) as door:
            door.bind(f"{folder}/s")
            door.listen()
            self.assertMisused("TLS is not spoken on a unix socket", "--tls",
                               server=f"unix:{folder}/s")

    def test_the_environment_says_yes_or_no(self):
        done = subprocess.run([os.environ["SLUICE"], "ping"],
                              env=os.environ | {"SLUICE_TLS": "1"},
                              capture_output=True, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"$SLUICE_TLS: '1' is not yes or no", done.stderr)


if __name__ == "__main__":
    main()
