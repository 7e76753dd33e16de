# SPDX-License-Identifier: MIT
"""Known faults of TLS, of libraries and of servers, played by clients that
commit them: each ends that client alone, at once, with a name in the log. The
numbers are those of the CVE list."""
import os
import pathlib
import shutil
import ssl
import struct
import subprocess

import certificates
import tls_socket
from test_tls import TOPIC, TlsTest
from tls_sealer import ALERT, DATA, HANDSHAKE, HEARTBEAT, Misfit, record
from wire import DEADLINE, KIB, frame, main, skip

if not shutil.which("openssl"):
    skip("no openssl")

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
CHANGE_CIPHER = 20
CLIENT_HELLO, SERVER_HELLO, CERTIFICATE = 1, 2, 11
VERIFY, KEY_EXCHANGE, KEY_UPDATE = 15, 16, 24
X25519, P256 = 0x001d, 0x0017
ECDSA_SHA256 = 0x0403
GCM = 0xc02b  # TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256
FALLBACK, NO_RENEGOTIATION = 0x5600, 100
FLOOD = 1000
RECORD_MAX = 1 << 14


def numbers(*values):
    return b"".join(struct.pack(">H", value) for value in values)


def vector(width, content):
    return len(content).to_bytes(width, "big") + content


def extension(kind, content=b""):
    return numbers(kind) + vector(2, content)


GROUPS = extension(10, vector(2, numbers(X25519, P256)))
SIGNATURES = extension(13, vector(2, numbers(ECDSA_SHA256)))
EXTENDED_MASTER = extension(0x17)
SECURE_RENEGOTIATION = extension(0xff01, b"\0")
HEARTBEATS = extension(15, b"\1")
SHARE = bytes([9]) + bytes(31)  # the usual first point of X25519
KEY_SHARE = extension(51, vector(2, numbers(X25519) + vector(2, SHARE)))
ONLY_13 = extension(43, vector(1, numbers(0x0304)))
USUAL = GROUPS + SIGNATURES
USUAL_13 = USUAL + ONLY_13 + KEY_SHARE


def message(kind, content):
    return bytes([kind]) + vector(3, content)


def greeting(extensions=USUAL, ciphers=(GCM,), compression=b"\0",
             version=0x0303):
    """A ClientHello, the message."""
    return message(CLIENT_HELLO, numbers(version) + bytes(32) + vector(1, b"")
                   + vector(2, numbers(*ciphers)) + vector(1, compression)
                   + vector(2, extensions))


def hello(*args, record_version=0x0301, **kwargs):
    return record(HANDSHAKE, greeting(*args, **kwargs), record_version)


def client_certificate(*chain):
    said = message(CERTIFICATE, vector(3, b"".join(
        vector(3, one) for one in chain)))
    return b"".join(record(HANDSHAKE, said[at:at + RECORD_MAX])
                    for at in range(0, len(said), RECORD_MAX))


# Just as much of DER as a certificate needs.


def der(tag, *parts):
    content = b"".join(parts)
    n = len(content)
    if n < 0x80:
        return bytes([tag, n]) + content
    size = n.to_bytes((n.bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(size)]) + size + content


def whole(value):
    return der(2, value.to_bytes(value.bit_length() // 8 + 1, "big"))


ECDSA_WITH_SHA256 = der(0x30, bytes.fromhex("06082a8648ce3d040302"))
EC_PUBLIC_KEY = bytes.fromhex("06072a8648ce3d0201")
PRIME_FIELD = bytes.fromhex("06072a8648ce3d0101")


def certificate_with_curve(prime, a, b, generator):
    """Whose public key is on a curve given by numbers; nobody signed it."""
    size = (prime.bit_length() + 7) // 8
    curve = der(0x30, whole(1), der(0x30, PRIME_FIELD, whole(prime)),
                der(0x30, der(4, a.to_bytes(size, "big")),
                    der(4, b.to_bytes(size, "big"))),
                der(4, generator), whole(prime), whole(1))
    key = der(0x30, der(0x30, EC_PUBLIC_KEY, curve), der(3, b"\0" + generator))
    name = der(0x30, der(0x31, der(0x30, bytes.fromhex("0603550403"),
                                   der(12, b"x"))))
    dates = der(0x30, der(23, b"200101000000Z"), der(23, b"490101000000Z"))
    body = der(0x30, der(0xa0, whole(2)), whole(1), ECDSA_WITH_SHA256, name,
               dates, name, key)
    return der(0x30, body, ECDSA_WITH_SHA256,
               der(3, b"\0" + der(0x30, whole(1), whole(1))))


# p = 697 is 17 times 41; a square root of the generator is looked for.
NOT_PRIME = certificate_with_curve(697, 23, 0, b"\2" + (8).to_bytes(2, "big"))


UPDATE = message(KEY_UPDATE, b"\1")  # the other side is asked for one, too


class FaultsTest(TlsTest):
    def assertOthersGoOn(self, broker):
        self.assert_serves(broker)
        made = tls_socket.context(certificate="device")
        client = self.tls_client(broker, made=made).subscribe(TOPIC)
        client.publish(TOPIC, b"x")
        self.assertEqual(client.recv(), b"x")

    def play(self, broker, *flights):
        """Each is sent when the one before it was answered. The line about
        the end."""
        since = broker.mark()
        client = self.connect(broker)
        try:
            for i, flight in enumerate(flights):
                if i > 0:
                    client.sock.recv(1 << 16)
                client.send(flight)
        except OSError:
            pass  # refused before the end
        client.wait_closed()
        return broker.wait_for_log("event=closed ", since).fields

    def check(self, rows, *args):
        """Rows (name, fault or reason, flights...)."""
        broker = self.tls_broker("--hello-timeout", "20s", *args)
        for name, fault, *flights in rows:
            with self.subTest(name):
                line = self.play(broker, *flights)
                self.assertEqual(line.get("fault", line["reason"]), fault)
        self.assertOthersGoOn(broker)
        return broker

    def misfit(self, broker, version):
        client = self.connect(broker)
        made = Misfit(client.sock, version)
        made.sock.sendall(made.sealer.seal(DATA, frame(b"/null")))
        return made

    def first_answer(self, flight):
        """The ServerHello after it: its compression, and its extensions."""
        broker = self.tls_broker()
        client = self.connect(broker).send(flight)
        octets = b""
        while len(octets) < 5 or len(octets) < 5 + int.from_bytes(
                octets[3:5], "big"):
            octets += client.sock.recv(1 << 16)
        self.assertEqual(octets[5], SERVER_HELLO)
        body = octets[5 + 4:]
        at = 2 + 32
        at += 1 + body[at] + 2
        compression, found = body[at], set()
        end = at + 3 + int.from_bytes(body[at + 1:at + 3], "big")
        at += 3
        while at < end:
            kind, n = struct.unpack(">HH", body[at:at + 4])
            found.add(kind)
            at += 4 + n
        return compression, found


class Greetings(FaultsTest):
    def test_before_a_word_was_said(self):
        self.check((
            # Another first octet than TLS has: a length beyond all bounds.
            ("2016-0800, DROWN: a greeting of SSL 2", "frame_too_long",
             bytes.fromhex("802e0100020015000000100100800200800300800400800500"
                           "80060040070000c0") + bytes(16)),
            ("2009-1386: ChangeCipherSpec first", "frame_too_long",
             record(CHANGE_CIPHER, b"\1") * 2),
            ("2014-0160, Heartbleed, as the first", "frame_too_long",
             record(HEARTBEAT, b"\1\x40\0")),
            ("2014-3566, POODLE: SSL 3", "tls_version",
             hello(version=0x0300, record_version=0x0300)),
            ("BEAST, 2011-3389: TLS 1.0", "tls_version",
             hello(version=0x0301)),
            ("a fallback that was not needed, RFC 7507", "tls_records",
             hello(ciphers=(GCM, FALLBACK))),
            ("a record beyond 2^14 octets", "tls_records",
             b"\x16\x03\x01\xff\xff" + bytes(64)),
            ("another message than a ClientHello", "tls_records",
             record(HANDSHAKE, message(SERVER_HELLO, bytes(40)))),
            ("one that ends before its fields do", "tls_records",
             record(HANDSHAKE, message(CLIENT_HELLO, greeting()[4:60]))),
            ("one with octets behind its fields", "tls_records",
             record(HANDSHAKE, message(CLIENT_HELLO, greeting()[4:] + b"x"))),
            ("the same extension twice", "tls_records", hello(USUAL + GROUPS)),
            ("2020-1967: a list of signatures that nobody knows", "tls_no_shared",
             hello(GROUPS + ONLY_13 + KEY_SHARE
                   + extension(13, vector(2, numbers(0xfefe)))
                   + extension(50, vector(2, numbers(0xfefe))),
                   ciphers=(0x1301,))),
            ("a key share that is no point", "tls_records",
             hello(USUAL + ONLY_13 + extension(51, vector(2, numbers(P256)
                                               + vector(2, bytes(65)))),
                   ciphers=(0x1301,))),
            ("a key share of order one", "tls_records",
             hello(USUAL + ONLY_13 + extension(51, vector(2, numbers(X25519)
                                               + vector(2, bytes(32)))),
                   ciphers=(0x1301,))),
            ("2012-4929, CRIME: compression in TLS 1.3", "tls_records",
             hello(USUAL_13, ciphers=(0x1301,), compression=b"\1\0")),
        ))

    def test_ciphers_that_are_broken(self):
        self.check([(name, "tls_no_shared", hello(ciphers=ciphers))
                    for name, *ciphers in (
                        ("2015-0204, FREAK: RSA for export", 0x0003, 0x0008),
                        ("2015-4000, Logjam: DH for export", 0x0011, 0x0014),
                        ("2023-3446: DH, with as long a prime as one likes",
                         0x0033, 0x009e, 0xccaa),
                        ("2013-2566, 2015-2808: RC4", 0x0005, 0xc007, 0xc011),
                        ("2016-2183, SWEET32: 3DES", 0x000a, 0xc008, 0xc012),
                        ("2013-0169, Lucky 13: CBC", 0xc009, 0xc023, 0xc024),
                        ("2017-13099, ROBOT: keys by RSA", 0x009c, 0x002f),
                        ("2021-32026: neither signed nor secret",
                         0x0000, 0x0002, 0xc006, 0xc018),
                    )])

    def test_what_an_answer_says(self):
        """Of extensions only those that make a session safer."""
        compression, found = self.first_answer(hello(
            USUAL + EXTENDED_MASTER + SECURE_RENEGOTIATION + HEARTBEATS,
            compression=b"\1\0"))
        self.assertEqual(compression, 0)       # 2012-4929
        self.assertNotIn(15, found)            # 2014-0160: no heartbeats
        self.assertIn(0x17, found)             # 2014-1295, triple handshakes
        self.assertIn(0xff01, found)           # 2009-3555

    def test_after_the_answer(self):
        self.check((
            ("2014-0224: ChangeCipherSpec before there is a key",
             "tls_records", hello(), record(CHANGE_CIPHER, b"\1")),
            ("2014-0160, Heartbleed, in a handshake", "tls_records", hello(),
             record(HEARTBEAT, b"\1\x40\0")),
            ("data before there is a key", "tls_records", hello(),
             record(DATA, frame(b"/null"))),
            ("a second greeting", "tls_records", hello(),
             hello(record_version=0x0303)),
            ("2016-8610: a flood of warnings", "tls_records", hello(),
             record(ALERT, b"\1\x5a") * FLOOD),
            ("a flood of empty records", "tls_records", hello(),
             record(HANDSHAKE, b"") * FLOOD),
            ("a certificate that nobody asked for", "tls_records", hello(),
             client_certificate(NOT_PRIME)),
        ))


class Certificates(FaultsTest):
    def test_of_clients_that_the_broker_asks(self):
        ca = certificates.folder()["ca.pem"]
        own, other = (ssl.PEM_cert_to_DER_cert(
            pathlib.Path(certificates.folder()[f"{name}.pem"]).read_text())
            for name in ("ca", "other-ca"))
        stolen = (client_certificate(own)
                  + record(HANDSHAKE, message(KEY_EXCHANGE, vector(1, SHARE)))
                  + record(HANDSHAKE, message(VERIFY, numbers(ECDSA_SHA256)
                                              + vector(2, bytes(70)))))
        self.check((
            ("2022-0778: a curve over what is not a prime", "tls_records",
             hello(), client_certificate(NOT_PRIME)),
            ("2022-0778, at the end of a chain", "tls_client_cert_unknown_ca",
             hello(), client_certificate(other, NOT_PRIME)),
            ("a certificate of nothing", "tls_records", hello(),
             client_certificate(b"")),
            ("octets that are no certificate", "tls_records", hello(),
             client_certificate(os.urandom(KIB))),
            ("one with something behind it", "tls_records", hello(),
             client_certificate(own + b"x")),
            ("a chain that is longer than its message", "tls_records", hello(),
             record(HANDSHAKE, message(CERTIFICATE, b"\0\xff\xff" + own))),
            ("2023-0464, 2022-4203: a chain of a hundred", "tls_too_large",
             hello(), client_certificate(*[own] * 100)),
            ("no certificate", "tls_client_cert_missing", hello(),
             client_certificate()),
            ("one of another, without its key", "tls_records", hello(), stolen),
        ), "--tls-ca", ca)


class Open(FaultsTest):
    """Clients that have shaken hands."""

    def checkOpen(self, version, rows):
        broker = self.tls_broker("--log-level", "debug")
        before = broker.rss_kb()
        for name, faults, *records in rows:
            with self.subTest(name):
                since = broker.mark()
                client = self.misfit(broker, version)
                try:
                    for kind, content in records:
                        client.send(kind, content)
                        if content == UPDATE and version == V13:
                            client.sealer.update()
                    self.drain(client)
                except OSError:
                    pass  # refused before the end
                line = broker.wait_for_log("event=closed ", since).fields
                self.assertIn(line.get("fault", line["reason"]), faults)
        self.assert_memory(broker.rss_kb() - before, 8 * KIB)
        self.assertOthersGoOn(broker)

    def drain(self, client):
        while client.sock.recv(1 << 16):
            pass

    def test_in_1_3(self):
        self.checkOpen(V13, (
            ("a flood of new keys", ["tls_flood"],
             *[(HANDSHAKE, UPDATE)] * FLOOD),
            ("a flood of empty records", ["tls_records"], *[(DATA, b"")] * FLOOD),
            ("2014-0160, Heartbleed", ["tls_records"],
             (HEARTBEAT, b"\1\x40\0")),
            ("a record of no kind", ["tls_records"], (0, b"")),
            ("a record of padding alone", ["tls_records"], (0, bytes(100))),
            ("a message of a handshake that is over", ["tls_records"],
             (HANDSHAKE, greeting(USUAL_13, (0x1301,)))),
            ("a KeyUpdate that says neither yes nor no", ["tls_records"],
             (HANDSHAKE, message(KEY_UPDATE, b"\2"))),
            ("a KeyUpdate in two records", ["tls_records"],
             (HANDSHAKE, UPDATE[:3]), (DATA, b"x")),
            ("a message of a megabyte", ["tls_records", "tls_too_large"],
             (HANDSHAKE, b"\x18\x10\0\0" + bytes(KIB))),
            ("a certificate that nobody asked for", ["tls_records"],
             (HANDSHAKE, message(CERTIFICATE, b"\0" + vector(3, b"")))),
            ("a warning, which 1.3 has none of",
             ["tls_client_refused_us", "tls_renegotiation", "tls_records"],
             (ALERT, bytes([1, NO_RENEGOTIATION]))),
            ("an alert of one octet", ["tls_records"], (ALERT, b"\1")),
            ("a record beyond 2^14 octets", ["tls_records"],
             (DATA, bytes((1 << 14) + 1))),
        ))

    def test_in_1_2(self):
        again = (HANDSHAKE, greeting())
        self.checkOpen(V12, (
            ("2011-1473: handshakes again and again",
             ["tls_renegotiation", "tls_flood"], *[again] * FLOOD),
            ("2021-3449: one without a list of signatures, after one with",
             ["tls_renegotiation", "tls_flood"],
             *[(HANDSHAKE, greeting(GROUPS + extension(50, vector(
                 2, numbers(ECDSA_SHA256)))))] * FLOOD),
            ("2015-0291: one with signatures that nobody knows",
             ["tls_renegotiation", "tls_flood"],
             *[(HANDSHAKE, greeting(GROUPS + extension(13, vector(
                 2, numbers(0xfefe)))))] * FLOOD),
            ("2016-8610: a flood of warnings", ["tls_records", "tls_flood"],
             *[(ALERT, b"\1\x5a")] * FLOOD),
            ("a flood of empty records", ["tls_records"],
             *[(DATA, b"")] * FLOOD),
            ("2014-0160, Heartbleed", ["tls_records"],
             (HEARTBEAT, b"\1\x40\0")),
            ("a KeyUpdate, which 1.2 has not", ["tls_records"],
             (HANDSHAKE, UPDATE)),
            ("2014-0224: ChangeCipherSpec, again", ["tls_records"],
             (CHANGE_CIPHER, b"\1")),
            ("a record beyond 2^14 octets", ["tls_records"],
             (DATA, bytes((1 << 14) + 1))),
        ))

    def test_a_record_is_not_taken_twice(self):
        """Nor one that was meant for another connection."""
        broker = self.tls_broker()
        reader = self.subscriber_with_tls(broker, TOPIC)
        for version in (V12, V13):
            client, other = (self.misfit(broker, version) for _ in range(2))
            octets = client.sealer.seal(DATA, frame(TOPIC) + frame(b"once"))
            client.sock.sendall(octets)
            self.assertEqual(reader.recv(), b"once")
            for sock in (client.sock, other.sock):
                since = broker.mark()
                sock.sendall(octets)
                broker.wait_for_log("event=closed .*fault=tls_records", since)
        self.publisher(broker).publish(TOPIC, b"last")
        self.assertEqual(reader.recv(), b"last")


class Replay(FaultsTest):
    def test_a_ticket_carries_no_data(self):
        """What came before the handshake is complete could be played again:
        none is taken, whatever the client thinks of its ticket."""
        broker = self.tls_broker()
        session = os.path.join(certificates.folder().path, "session.pem")
        early = os.path.join(certificates.folder().path, "early")
        with open(early, "wb") as file:
            file.write(frame(b"/null") + frame(TOPIC) + frame(b"early"))
        reader = self.subscriber_with_tls(broker, TOPIC)
        said = self.client_of_openssl(
            broker, frame(b"/null"), "-sess_out", session)
        said += self.client_of_openssl(
            broker, b"", "-sess_in", session, "-early_data", early)
        self.assertNotIn(b"Early data was accepted", said)
        self.publisher(broker).publish(TOPIC, b"last")
        self.assertEqual(reader.recv(), b"last")

    def client_of_openssl(self, broker, octets, *args):
        own = frame(b"/own") + frame(b"/own") + frame(b"x")
        done = subprocess.run(
            ["openssl", "s_client", "-connect", broker.address, "-CAfile",
             certificates.folder()["ca.pem"], *args],
            input=octets or own, capture_output=True, check=False,
            timeout=DEADLINE)
        return done.stdout + done.stderr


if __name__ == "__main__":
    main()
