# SPDX-License-Identifier: MIT
"""Clients that must not be let in, in both versions of TLS: at their first
connection, when they come again, and with a ticket from before they were
refused. The log names each reason, and what to do about it."""
import datetime
import pathlib
import shutil
import socket
import ssl
import struct
import subprocess
import tempfile
import time

import certificates
import tls_socket
from test_units import unit
from test_tls import OPTIONS, TOPIC, TlsTest, first_flight
from wire import (DEADLINE, KIB, main, once_is_enough, run_sluiced,
                  skip)

if not shutil.which("openssl"):
    skip("no openssl")
once_is_enough()

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
PAST = ("20200101000000Z", "20200102000000Z")
FUTURE = ("20450101000000Z", "20460101000000Z")
SOON_S = 3  # until a certificate ends; doubled when that was too soon
SPOKEN = {f"ECDHE-{key}-{cipher}" for key in ("ECDSA", "RSA") for cipher in (
    "AES128-GCM-SHA256", "AES256-GCM-SHA384", "CHACHA20-POLY1305")}
USERS = """[user "device"]
certificate = {}
subscribe = /topic/tls
publish = /topic/tls
"""


def context(version, certificate=None, **kwargs):
    made = tls_socket.context(certificate=certificate, **kwargs)
    made.minimum_version = made.maximum_version = version
    return made


def stamp(moment):
    return moment.strftime("%Y%m%d%H%M%SZ")


class MisuseTest(TlsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-misuse-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.folder = certificates.folder()
        self.lines = {"cert": OPTIONS[1], "key": OPTIONS[3],
                      "ca": self.put("ca.pem", self.folder["ca.pem"])}

    def put(self, name, source):
        """A copy of our own, exchanged at once."""
        fresh = self.dir / "fresh"
        shutil.copy(source, fresh)
        fresh.rename(self.dir / name)
        return str(self.dir / name)

    def configure(self, **lines):
        self.lines |= lines
        path = self.dir / "sluice.conf"
        path.write_text("[tls]\n" + "".join(
            f"{key} = {value}\n" for key, value in self.lines.items()))
        return path

    def start(self, *args, **lines):
        return self.broker("-c", str(self.configure(**lines)), *args)

    def reload(self, broker, event="tls_loaded", **lines):
        self.configure(**lines)
        since = broker.mark()
        broker.signal(1)
        broker.wait_for_log(f"event={event}", since)

    def assertNamed(self, broker, fault, **kwargs):
        line = self.assertRefused(broker, fault, **kwargs)
        self.assertEqual(line.fields["fault"], fault)
        self.assertNotEqual(line.fields["hint"], "")
        return line

    def ticket(self, broker, made):
        """Of a client that was let in, and is let in with it."""
        client = self.subscriber_with_tls(broker, TOPIC, made=made)
        self.publisher(broker).publish(TOPIC, b"the ticket comes before")
        client.recv()
        session = client.sock.tls.session
        again = self.subscriber_with_tls(broker, TOPIC, made=made,
                                         session=session)
        self.assertTrue(again.sock.tls.session_reused)
        return session


class Servers(MisuseTest):
    """Certificates of the broker's own."""

    def test_a_chain_out_of_order_does_not_start(self):
        """Clients would not find from the first to one that they know."""
        chain = self.dir / "chain.pem"
        for names, status in ((("localhost", "ca"), 0),
                              (("localhost", "other-ca"), 2),
                              (("localhost", "ca", "other-ca"), 2)):
            chain.write_text("".join(
                pathlib.Path(self.folder[f"{name}.pem"]).read_text()
                for name in names))
            done = run_sluiced("-c", str(self.configure(cert=chain)), "--check")
            with self.subTest(names):
                self.assertEqual(done.returncode, status, done.stderr)
                self.assertEqual("out of order" in done.stderr, status == 2)

    def test_one_that_is_not_valid_yet_is_told(self):
        self.folder.certificate("tomorrow", "DNS:a.example,DNS:b.example",
                                dates=FUTURE)
        broker = self.start(cert=self.folder["tomorrow.pem"],
                            key=self.folder["tomorrow.key"])
        broker.wait_for_log("warning event=tls_not_begun begins_in_s=[0-9]+")
        loaded = broker.wait_for_log("event=tls_loaded")
        self.assertEqual(loaded.fields["names"], "a.example,b.example")


class Certificates(MisuseTest):
    def test_no_or_a_wrong_certificate_at_the_first_time_and_later(self):
        folder = self.folder
        folder.certificate("old", "DNS:x", dates=PAST)
        folder.certificate("early", "DNS:x", dates=FUTURE)
        folder.certificate("stray", "DNS:x", ca="other-ca")
        folder.certificate("gone", "DNS:x")
        folder.revoke("gone")
        broker = self.start(crl=self.put("crl.pem", folder["crl.pem"]))
        for version in VERSIONS:
            for name, fault in ((None, "tls_client_cert_missing"),
                                ("old", "tls_client_cert_expired"),
                                ("early", "tls_client_cert_not_yet_valid"),
                                ("stray", "tls_client_cert_unknown_ca"),
                                ("gone", "tls_client_cert_revoked")):
                with self.subTest(version=version, certificate=name):
                    made = context(version, name)
                    for _ in range(2):
                        self.assertNamed(broker, fault, made=made)
            self.subscriber_with_tls(broker, TOPIC,
                                     made=context(version, "device"))

    def test_a_list_that_says_nothing_of_a_client_admits_none(self):
        """It is out of date, or of another authority; which, is told."""
        self.folder.revocations("old.pem", dates=PAST)
        self.folder.revocations("other.pem", ca="other-ca")
        for name, fault in (("old", "expired"), ("other", "missing")):
            with self.subTest(name):
                broker = self.tls_broker("--tls-ca", self.lines["ca"],
                                         "--tls-crl",
                                         self.folder[f"{name}.pem"])
                self.assertRefused(
                    broker, f"tls_crl_{fault}",
                    made=tls_socket.context(certificate="device"))

    def test_a_list_that_has_ended_is_said_at_the_start_and_measured(self):
        """By the list that ends first; and no longer when there is a new
        one."""
        self.folder.revocations("good.pem")
        self.folder.revocations("old.pem", dates=PAST)
        both = self.dir / "both.pem"
        both.write_bytes(b"".join(
            pathlib.Path(self.folder[f"{name}.pem"]).read_bytes()
            for name in ("good", "old")))
        broker = self.start(crl=self.put("crl.pem", both))
        line = broker.wait_for_log("event=tls_crl_expired")
        self.assertEqual((line.level, line.fields["file"]),
                         ("error", self.lines["crl"]))
        broker.wait_stats(tls_crls=2, tls_crl_expires_seconds=0)
        self.put("crl.pem", self.folder["good.pem"])
        self.reload(broker)
        broker.wait_stats(tls_crls=1, tls_crl_expires_seconds=lambda s: s > 0)
        self.assertEqual(broker.log("event=tls_crl_expired"), [line])
        self.put("crl.pem", self.folder["old.pem"])
        since = broker.mark()
        self.reload(broker)
        broker.wait_for_log("event=tls_crl_expired", since)

    def test_a_servers_certificate_is_none_of_a_client(self):
        self.folder.certificate("server", "DNS:x", usage="serverAuth")
        self.assertRefused(self.tls_broker("--tls-ca", self.lines["ca"]),
                           "tls_client_cert_purpose",
                           made=tls_socket.context(certificate="server"))

    def test_a_chain_beyond_32_kib(self):
        folder = self.folder
        ca = pathlib.Path(folder["ca.pem"]).read_text()
        one = len(ssl.PEM_cert_to_DER_cert(ca))
        own = pathlib.Path(folder["device.pem"]).read_text()
        for name, size in (("short", 20 * KIB), ("long", 40 * KIB)):
            pathlib.Path(folder[f"{name}.pem"]).write_text(
                own + ca * (size // one))
            shutil.copy(folder["device.key"], folder[f"{name}.key"])
        broker = self.start()
        for version in VERSIONS:
            with self.subTest(version=version):
                self.assertNamed(broker, "tls_too_large",
                                 made=context(version, "long"))
                self.subscriber_with_tls(broker, TOPIC,
                                         made=context(version, "short"))


class Connected(MisuseTest):
    """Clients that were let in, by files that are exchanged."""

    def enterAs(self, broker, certificate):
        """Clients in both versions of TLS, one that has not said anything, and
        one of version 2."""
        made = [context(version, certificate) for version in VERSIONS]
        first = [self.subscriber_with_tls(broker, TOPIC, made=one)
                 for one in made]
        silent = self.tls_client(broker, made=made[1])
        second = self.tls_client(broker, made=made[1])
        second.sock.sendall(unit(b"\0SLUICE/2"))
        self.assertIn(b"INFO", second.sock.recv(KIB))
        return [*first, silent], second

    def assertGone(self, broker, first, second):
        for client in first:
            client.wait_closed()
        rest = b""
        while got := second.sock.recv(KIB):
            rest += got
        self.assertIn(b"ERR auth", rest)
        broker.wait_for_log("event=closed .*reason=rights_revoked",
                            count=len(first) + 1)

    def checkThatOneGoes(self, broker, goes, stays, change):
        clients = self.enterAs(broker, goes)
        kept = self.subscriber_with_tls(broker, TOPIC,
                                        made=context(VERSIONS[1], stays))
        without = self.subscriber_with_tls(broker, TOPIC)
        change()
        self.reload(broker)
        self.assertGone(broker, *clients)
        self.publisher(broker).publish(TOPIC, b"goes on")
        for client in (kept, without):
            self.assertEqual(client.recv(), b"goes on")

    def test_a_certificate_that_is_revoked_ends_its_connections(self):
        for name in ("unrevoked", "revoked"):
            self.folder.certificate(name, "DNS:x")
        self.folder.revocations("before.pem")
        broker = self.start(crl=self.put("crl.pem", self.folder["before.pem"]),
                            clients="optional")

        def change():
            self.folder.revoke("revoked")
            self.put("crl.pem", self.folder["crl.pem"])
        self.checkThatOneGoes(broker, "revoked", "unrevoked", change)

    def test_an_authority_that_is_taken_out_ends_its_connections(self):
        both = self.dir / "both.pem"
        both.write_bytes(b"".join(
            pathlib.Path(self.folder[f"{name}.pem"]).read_bytes()
            for name in ("ca", "other-ca")))
        broker = self.start(ca=self.put("ca.pem", both), clients="optional")
        self.checkThatOneGoes(
            broker, "stray", "device",
            lambda: self.put("ca.pem", self.folder["ca.pem"]))

    def test_certificates_that_are_demanded_end_connections_without(self):
        """Those that showed one stay, and so do those without TLS, which the
        address allows; and nobody goes when they are demanded no longer."""
        broker = self.start(clients="optional")
        clients = self.enterAs(broker, None)
        kept = [self.subscriber_with_tls(broker, TOPIC,
                                         made=context(version, "device"))
                for version in VERSIONS]
        kept.append(self.subscriber(broker, TOPIC))
        self.reload(broker, clients="required")
        self.assertGone(broker, *clients)
        self.reload(broker, clients="optional")
        self.publisher(broker).publish(TOPIC, b"goes on")
        for client in kept:
            self.assertEqual(client.recv(), b"goes on")
        self.assertEqual(len(broker.log("reason=rights_revoked")), 4)

    def test_users_and_revocations_that_change_at_once(self):
        """Each session is judged by both."""
        users, names = self.dir / "users.conf", ("keeps", "loses", "revoked")
        for name in names:
            self.folder.certificate(name, f"DNS:{name}")
        self.folder.revocations("before.pem")

        def write(names):
            fresh = self.dir / "fresh-users"
            fresh.write_text("".join(
                USERS.replace("device", name).format(name) for name in names))
            fresh.chmod(0o600)
            fresh.rename(users)
        write(names)
        broker = self.start("--users", str(users), crl=self.put(
            "crl.pem", self.folder["before.pem"]))
        made = {name: context(VERSIONS[1], name) for name in names}
        clients = {name: [self.tls_client(broker, made=made[name])
                          .subscribe(TOPIC) for _ in range(20)]
                   for name in names}
        broker.wait_stats(subscribers=60)
        self.folder.revoke("revoked")
        self.put("crl.pem", self.folder["crl.pem"])
        write(("keeps", "revoked"))
        self.reload(broker, "rights_loaded")
        for name in ("loses", "revoked"):
            for client in clients[name]:
                client.wait_closed()
        broker.wait_stats(subscribers=20)
        clients["keeps"][0].publish(TOPIC, b"goes on")
        for client in clients["keeps"]:
            self.assertEqual(client.recv(), b"goes on")


class Tickets(MisuseTest):
    """Whoever has one is judged as if there was none."""

    def check(self, change, fault, certificate="device", **lines):
        for version in VERSIONS:
            with self.subTest(version=version):
                broker = self.start(**lines)
                made = context(version, certificate)
                session = self.ticket(broker, made)
                change(broker)
                for _ in range(2):
                    self.assertNamed(broker, fault, made=made, session=session)

    def test_revoked_since(self):
        self.folder.certificate("other", "DNS:x")
        self.folder.revoke("other")
        before = self.folder["before.pem"]
        shutil.copy(self.folder["crl.pem"], before)
        for i, version in enumerate(VERSIONS):  # each has one of its own
            name = f"later-{i}"
            self.folder.certificate(name, "DNS:x")
            broker = self.start(crl=self.put("crl.pem", before))
            made = context(version, name)
            session = self.ticket(broker, made)
            self.folder.revoke(name)
            self.put("crl.pem", self.folder["crl.pem"])
            self.reload(broker)
            self.assertNamed(broker, "tls_client_cert_revoked", made=made,
                             session=session)

    def test_of_an_authority_that_is_trusted_no_more(self):
        def change(broker):
            self.put("ca.pem", self.folder["other-ca.pem"])
            self.reload(broker)
            self.put("ca.pem", self.folder["ca.pem"])  # for the next broker
        self.check(change, "tls_client_cert_unknown_ca")

    def test_certificates_are_demanded_since(self):
        self.check(lambda broker: self.reload(broker, clients="required"),
                   "tls_client_cert_missing", None, clients="optional")

    def test_its_version_is_too_old_since(self):
        broker = self.start(clients="optional")
        made = context(ssl.TLSVersion.TLSv1_2)
        session = self.ticket(broker, made)
        self.reload(broker, min="1.3")
        self.assertNamed(broker, "tls_version", made=made, session=session)

    def test_expired_since(self):
        broker = self.start()
        for version in VERSIONS:
            with self.subTest(version=version):
                made, session, end = self.short_lived(broker, version)
                while time.time() <= end.timestamp():
                    time.sleep(end.timestamp() - time.time() + 0.1)
                self.assertNamed(broker, "tls_client_cert_expired", made=made,
                                 session=session)

    def short_lived(self, broker, version):
        """A ticket by a certificate that ends in a moment."""
        seconds = SOON_S
        while True:
            end = datetime.datetime.now(datetime.timezone.utc).replace(
                microsecond=0) + datetime.timedelta(seconds=seconds)
            name = f"short-{version.name}-{seconds}"
            self.folder.certificate(name, "DNS:x", dates=(PAST[0], stamp(end)))
            made = context(version, name)
            try:
                return made, self.ticket(broker, made), end
            except (OSError, EOFError):  # the machine is busy
                seconds *= 2

    def test_no_user_since(self):
        """Which is no matter of TLS: the connection has a reason of its
        own."""
        users = self.dir / "users.conf"
        for version in VERSIONS:
            with self.subTest(version=version):
                self.write_users(users, "device.example")
                broker = self.start("--users", str(users))
                made = context(version, "device")
                sessions = [self.client_ticket(broker, made)]
                self.write_users(users, "other.example")
                self.reload(broker, "rights_loaded")
                since = broker.mark()
                again = self.tls_client(broker, made=made,
                                        session=sessions[0])
                self.assertTrue(again.sock.tls.session_reused)
                again.subscribe(TOPIC).wait_closed()
                broker.wait_for_log("event=closed .*reason=auth_required",
                                    since)

    def write_users(self, path, name):
        fresh = path.with_name("fresh-users")
        fresh.write_text(USERS.format(name))
        fresh.chmod(0o600)
        fresh.rename(path)

    def client_ticket(self, broker, made):
        """The ticket comes with the first message, which is its own: nobody
        else may publish."""
        client = self.tls_client(broker, made=made).subscribe(TOPIC)
        client.publish(TOPIC, b"to itself").recv()
        return client.sock.tls.session


class Greetings(MisuseTest):
    def test_another_protocol_by_alpn(self):
        broker = self.tls_broker()
        for version in VERSIONS:
            for protocols in (["h2"], ["http/1.1"], ["h2", "http/1.1", "mqtt"]):
                with self.subTest(version=version, protocols=protocols):
                    made = context(version)
                    made.set_alpn_protocols(protocols)
                    self.assertNamed(broker, "tls_alpn", made=made)

    def test_another_handshake_in_a_connection_is_refused(self):
        """`R` is what makes openssl begin one."""
        broker = self.tls_broker()
        done = subprocess.run(
            ["openssl", "s_client", "-tls1_2", "-connect", broker.address,
             "-CAfile", certificates.folder()["ca.pem"]], input=b"R\n",
            capture_output=True, check=False, timeout=DEADLINE)
        self.assertIn(b"no renegotiation", done.stderr + done.stdout)
        broker.wait_for_log("event=closed .*fault=tls_renegotiation")

    def test_a_name_that_is_not_ours_is_no_error(self):
        """The first certificate is shown; the client is the one to judge."""
        broker = self.tls_broker()
        for version in VERSIONS:
            for name in ("elsewhere.example", "x" * 63 + ".example", "a.b.c"):
                made = context(version)
                made.check_hostname = False
                client = self.tls_client(broker, made=made, name=name)
                names = client.sock.tls.getpeercert()["subjectAltName"]
                self.assertIn(("DNS", "localhost"), names)

    def test_a_handshake_message_beyond_16_kib(self):
        """A greeting that is whole and right, but for its size."""
        broker = self.tls_broker()
        for size, fault in ((15 * KIB, None), (17 * KIB, "tls_too_large"),
                            (64 * KIB, "tls_too_large")):
            with self.subTest(size=size):
                since = broker.mark()
                client = self.connect(broker)
                try:
                    client.send(padded(first_flight(), size))
                except OSError:
                    pass  # refused before the end
                if not fault:
                    self.assertEqual(client.sock.recv(3), b"\x16\x03\x03")
                    continue
                client.wait_closed()
                line = broker.wait_for_log("event=closed ", since)
                self.assertEqual(line.fields["fault"], fault)

    def test_of_all_ciphers_these_are_spoken_and_no_others(self):
        """What a scanner would find: forward secrecy, and encryption that
        authenticates, with either kind of key."""
        folder = self.folder
        certificates.openssl("genrsa", "-out", folder["rsa.key"], "2048")
        folder.certificate("rsa", "DNS:rsa.example", key="rsa")
        pathlib.Path(folder["rsa.key"]).chmod(0o600)
        broker = self.tls_broker("--tls-cert", folder["rsa.pem"],
                                 "--tls-key", folder["rsa.key"])
        names = certificates.openssl(
            "ciphers", "-s", "-tls1_2", "ALL:COMPLEMENTOFALL:@SECLEVEL=0",
            ).stdout.decode().strip().split(":")
        self.assertGreater(len(names), len(SPOKEN))
        spoken = set()
        for name in names:
            for server in ("localhost", "rsa.example"):
                made = context(VERSIONS[0])
                try:
                    made.set_ciphers(f"{name}:@SECLEVEL=0")
                    client = self.tls_client(broker, made=made, name=server)
                    spoken.add(client.sock.tls.cipher()[0])
                    client.close()
                except (ssl.SSLError, OSError):
                    pass  # refused, or not known to this client
        self.assertEqual(spoken, SPOKEN)

    def test_old_versions(self):
        broker = self.tls_broker()
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            flight = bytearray(first_flight(context(VERSIONS[0])))
            flight[9:11] = struct.pack(">H", version.value)
            since = broker.mark()
            client = self.connect(broker).send(bytes(flight))
            client.wait_closed()
            line = broker.wait_for_log("event=closed ", since)
            self.assertEqual(line.fields["fault"], "tls_version")


def padded(flight, size):
    """A ClientHello with an extension that nobody knows, in records."""
    body = flight[9:]
    at = 2 + 32
    at += 1 + body[at]
    at += 2 + int.from_bytes(body[at:at + 2], "big")
    at += 1 + body[at]
    extensions = body[at + 2:]
    room = size - at - 2 - len(extensions) - 4
    filler = b"\xfa\xfa" + struct.pack(">H", min(room, 60000))
    extensions += filler + bytes(min(room, 60000))
    message = body[:at] + struct.pack(">H", len(extensions)) + extensions
    message = b"\x01" + len(message).to_bytes(3, "big") + message
    pieces = [message[i:i + 16000] for i in range(0, len(message), 16000)]
    return b"".join(b"\x16\x03\x01" + struct.pack(">H", len(piece)) + piece
                    for piece in pieces)


if __name__ == "__main__":
    main()
