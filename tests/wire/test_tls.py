# SPDX-License-Identifier: MIT
"""TLS on the broker's port: who is let in, who is not and in which words, and
that a client with TLS is like any other."""
import os
import pathlib
import shutil
import socket
import ssl
import tempfile
import threading
import warnings

import certificates
import tls_socket
from wire import (DEADLINE, Background, Client, WireTest, frame, main,
                  once_is_enough, run_sluiced, skip)

if not shutil.which("openssl"):
    skip("no openssl")
once_is_enough()

TOPIC = b"/topic/tls"
OPTIONS = certificates.server_options()
WRONG_USAGE = 2
FAR = "20991231235959Z"


class TlsTest(WireTest):
    def tls_broker(self, *args, **kwargs):
        return self.broker(*OPTIONS, *args, **kwargs)

    def tls_client(self, broker, **kwargs):
        """A Client with TLS."""
        client = Client.__new__(Client)
        plain = Client(broker.address)
        client.__dict__.update(plain.__dict__)
        client.sock = tls_socket.wrap(plain.sock, **kwargs)
        self.addCleanup(client.close)
        return client

    def subscriber_with_tls(self, broker, channel, **kwargs):
        client = self.tls_client(broker, **kwargs).subscribe(channel)
        broker.sync(client)
        return client

    def assertRefused(self, broker, fault, **kwargs):
        """The handshake fails, or what follows it; the log has the word."""
        since = broker.mark()
        with self.assertRaises((ssl.SSLError, OSError, EOFError)) as said:
            client = self.tls_client(broker, **kwargs).subscribe(TOPIC)
            client.recv()
        try:
            line = broker.wait_for_log(f"event=closed .*fault={fault}", since)
        except AssertionError as error:  # what did the client see?
            raise error from said.exception
        self.assertIn("reason=tls", line.text)
        return line


class Traffic(TlsTest):
    def test_clients_with_and_without_tls_share_a_channel(self):
        """The first byte decides, on one port."""
        broker = self.tls_broker()
        plain = self.subscriber(broker, TOPIC)
        sealed = self.subscriber_with_tls(broker, TOPIC)
        self.publisher(broker).publish(TOPIC, b"from plain")
        self.tls_client(broker).subscribe(b"/null").publish(
            TOPIC, b"from tls")
        for reader in (plain, sealed):
            self.assertEqual(sorted(reader.recv_many(2)),
                             [b"from plain", b"from tls"])

    def test_1_2_is_spoken_as_well(self):
        """There the broker has the last word of a handshake, and the client
        says nothing before; a resumed one is the other way round."""
        broker = self.tls_broker()
        context = tls_socket.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        session = None
        for _ in range(2):
            client = self.tls_client(broker, made=context, session=session)
            self.assertEqual(client.sock.tls.version(), "TLSv1.2")
            client.subscribe(TOPIC).publish(TOPIC, b"x")
            self.assertEqual(client.recv(), b"x")
            session = client.sock.tls.session
        self.assertEqual(broker.stats()["tls_resumed"], 1)

    def test_the_cipher_is_the_cheapest_that_is_safe(self):
        """Which that is depends on the client's processor, and it says so."""
        broker = self.tls_broker()
        client = self.tls_client(broker)
        self.assertEqual(client.sock.tls.cipher()[0], "TLS_AES_128_GCM_SHA256")
        context = tls_socket.context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        for offered, chosen in (
                ("AES256-GCM-SHA384 AES128-GCM-SHA256", "AES128-GCM-SHA256"),
                ("AES256-GCM-SHA384 CHACHA20-POLY1305", "AES256-GCM-SHA384"),
                ("CHACHA20-POLY1305 AES128-GCM-SHA256", "CHACHA20-POLY1305")):
            names = [f"ECDHE-ECDSA-{name}" for name in offered.split()]
            context.set_ciphers(":".join(names))
            client = self.tls_client(broker, made=context)
            self.assertEqual(client.sock.tls.cipher()[0],
                             f"ECDHE-ECDSA-{chosen}")

    def test_goodbye_gets_all_it_is_owed_and_an_orderly_end(self):
        """What a reader had not read yet comes before close_notify."""
        broker = self.tls_broker("--client-limit", "16m")
        reader = self.subscriber_with_tls(broker, TOPIC)
        sender = self.tls_client(broker).subscribe(b"/null")
        sender.flood(TOPIC, 4000, 1 << 10)
        broker.sync(sender)
        reader.goodbye()
        self.assertEqual(len(reader.recv_until_closed()), 4000)
        self.assertEqual(sender.goodbye().wait_closed(), "eof")

    def test_a_publisher_that_never_reads_ends_in_order(self):
        """A ticket that it has not read would turn its end into a reset, and
        what it sent to a full queue would be lost."""
        broker = self.tls_broker("--queue-limit", "64k")
        queue, context = b"/queue/tls", tls_socket.context()
        client = self.tls_client(broker, made=context).subscribe(b"/null")
        client.publish(queue, b"the broker has read the handshake")
        broker.wait_stats(messages_in=1)
        client.flood(queue, 500, 1 << 10)
        broker.wait_stats(paused_publishers=1)
        client.half_close()
        client.close()
        worker = self.tls_client(broker).subscribe(queue)
        self.assertEqual(len(worker.recv_many(501)), 501)

    def test_bytes_that_come_with_the_handshake_are_not_lost(self):
        """A client may write at once behind its last flight."""
        broker = self.tls_broker()
        reader = self.subscriber(broker, TOPIC)
        for _ in range(10):
            self.tls_client(broker).subscribe(b"/null").flood(TOPIC, 300, 1024)
        self.assertEqual(len(reader.recv_many(3000)), 3000)

    def test_records_may_come_octet_by_octet(self):
        """Wherever the network cuts them."""
        broker = self.tls_broker()
        reader = self.subscriber(broker, TOPIC)
        with socket.create_connection(
                ("127.0.0.1", int(broker.address.rsplit(":", 1)[1]))) as sock:
            sock.settimeout(DEADLINE)
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            client = tls_socket.TlsSocket(Drip(sock))
            client.sendall(frame(b"/null") + frame(TOPIC) + frame(b"drop"))
            self.assertEqual(reader.recv(), b"drop")

    def test_a_cut_is_no_orderly_end(self):
        """An end of file without close_notify is a reset."""
        broker = self.tls_broker("--log-level", "debug")
        client = self.subscriber_with_tls(broker, TOPIC)
        client.sock.sock.shutdown(socket.SHUT_WR)
        line = broker.wait_for_log("event=closed .*fault=tls_cut")
        self.assertEqual(line.fields["reason"], "reset")

    def test_close_notify_is_an_orderly_end(self):
        broker = self.tls_broker("--log-level", "debug")
        client = self.tls_client(broker).subscribe(b"/null")
        client.publish(TOPIC, b"last")
        client.half_close()
        line = broker.wait_for_log("event=closed conn=1 ")
        self.assertEqual(line.fields["reason"], "eof")
        self.assertEqual(line.fields["messages_in"], "1")
        self.assertEqual(client.wait_closed(), "eof")  # it is answered

    def test_garbage_after_the_handshake_ends_that_client_alone(self):
        broker = self.tls_broker()
        other = self.subscriber_with_tls(broker, TOPIC)
        client = self.tls_client(broker).subscribe(TOPIC)
        client.sock.sock.sendall(b"\x17\x03\x03\x00\x20" + b"?" * 32)
        broker.wait_for_log("event=closed .*fault=tls_records")
        self.publisher(broker).publish(TOPIC, b"still here")
        self.assertEqual(other.recv(), b"still here")

    def test_a_record_that_does_not_end_is_not_waited_for(self):
        """A subscriber may be silent, but not in the middle of a record: one
        that trickles has as long as one that stalls."""
        broker = self.tls_broker("--frame-timeout", "1s")
        silent = self.subscriber_with_tls(broker, TOPIC)
        stalled = self.subscriber_with_tls(broker, TOPIC)
        trickling = self.subscriber_with_tls(broker, TOPIC)
        stalled.sock.sock.sendall(b"\x17\x03")
        self.trickle(trickling.sock.sock, b"\x17\x03\x03\x40\x00" + bytes(999))
        broker.wait_for_log("reason=frame_timeout", count=2)
        self.publisher(broker).publish(TOPIC, b"still here")
        self.assertEqual(silent.recv(), b"still here")

    def trickle(self, sock, data):
        """An octet now and then, until the connection is closed."""
        def flow():
            for octet in data:
                sock.sendall(bytes([octet]))
                over.wait(0.1)
        over = threading.Event()
        self.addCleanup(over.set)
        with self.assertRaises(OSError):
            Background(flow).join()

    def test_a_session_is_resumed_with_a_ticket(self):
        broker = self.tls_broker()
        context = tls_socket.context()
        first = self.subscriber_with_tls(broker, TOPIC, made=context)
        self.publisher(broker).publish(TOPIC, b"the ticket comes before")
        first.recv()
        session = first.sock.tls.session
        again = self.tls_client(broker, made=context, session=session)
        self.assertTrue(again.sock.tls.session_reused)
        broker.wait_stats(tls_resumed=1)


class Drip:
    """Sends one octet at a time."""

    def __init__(self, sock):
        self.sock = sock

    def sendall(self, data):
        for at in range(len(data)):
            self.sock.sendall(data[at:at + 1])

    def __getattr__(self, name):
        return getattr(self.sock, name)


class Refusals(TlsTest):
    def old_version(self, version):
        context = tls_socket.context()
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", DeprecationWarning)
            context.minimum_version = context.maximum_version = version
        context.set_ciphers("ALL:@SECLEVEL=0")
        return context

    def test_versions_before_1_2_are_refused(self):
        broker = self.tls_broker()
        for version in (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1):
            with self.subTest(version=version):
                line = self.assertRefused(broker, "tls_version",
                                          made=self.old_version(version))
                self.assertIn("1.2", line.fields["hint"])

    def test_1_2_is_refused_where_1_3_is_demanded(self):
        broker = self.tls_broker("--tls-min", "1.3")
        context = self.old_version(ssl.TLSVersion.TLSv1_2)
        self.assertRefused(broker, "tls_version", made=context)

    def test_ciphers_without_forward_secrecy_are_refused(self):
        broker = self.tls_broker()
        context = self.old_version(ssl.TLSVersion.TLSv1_2)
        context.set_ciphers("AES128-GCM-SHA256")
        self.assertRefused(broker, "tls_no_shared", made=context)

    def test_another_protocol_by_alpn_is_refused(self):
        broker = self.tls_broker()
        context = tls_socket.context()
        context.set_alpn_protocols(["h2", "mqtt"])
        self.assertRefused(broker, "tls_alpn", made=context)

    def test_sluice_by_alpn_is_chosen(self):
        broker = self.tls_broker()
        context = tls_socket.context()
        context.set_alpn_protocols(["h2", "sluice"])
        client = self.tls_client(broker, made=context)
        self.assertEqual(client.sock.tls.selected_alpn_protocol(), "sluice")

    def test_a_client_that_does_not_trust_us_is_named(self):
        broker = self.tls_broker()
        context = tls_socket.context(ca="other-ca")
        line = self.assertRefused(broker, "tls_client_refused_us", made=context)
        self.assertIn("unknown", line.fields["alert"])
        self.assertIn("--tls-ca", line.fields["hint"])

    def test_tls_where_it_is_not_spoken_is_named(self):
        broker = self.broker()
        with self.assertRaises((ssl.SSLError, OSError)):
            self.tls_client(broker)
        broker.wait_for_log("reason=foreign_protocol protocol=tls")

    def test_a_silent_handshake_ends_with_the_hello_timeout(self):
        broker = self.tls_broker("--hello-timeout", "200ms")
        silent = self.connect(broker).send(b"\x16\x03\x01\x02\x00\x01\x00")
        silent.wait_closed()
        broker.wait_for_log("reason=hello_timeout")
        broker.wait_stats(tls_half_open=0, tls_failed=1)

    def test_a_client_that_leaves_in_its_handshake_counts_as_failed(self):
        broker = self.tls_broker()
        self.connect(broker).send(first_flight()).close()
        broker.wait_stats(connections=0, tls_half_open=0, tls_failed=1)

    def test_a_first_flight_without_end_is_refused(self):
        """Many records of one handshake message that never ends."""
        broker = self.tls_broker()
        record = b"\x16\x03\x01\x20\x00"
        hello = b"\x01\x00\xff\xff" + b"\x03\x03" + bytes(8186)
        client = self.connect(broker)
        try:
            client.send(record + hello + (record + bytes(8192)) * 8)
        except OSError:
            pass  # refused before the end
        client.wait_closed()
        broker.wait_for_log("event=closed .*fault=tls_")


class ClientCertificates(TlsTest):
    def setUp(self):
        self.folder = certificates.folder()
        self.ca = ("--tls-ca", self.folder["ca.pem"])

    def test_a_client_of_our_ca_is_let_in(self):
        broker = self.tls_broker(*self.ca)
        context = tls_socket.context(certificate="device")
        client = self.subscriber_with_tls(broker, TOPIC, made=context)
        client.publish(TOPIC, b"me")
        self.assertEqual(client.recv(), b"me")

    def test_a_client_without_certificate_is_refused(self):
        self.assertRefused(self.tls_broker(*self.ca),
                           "tls_client_cert_missing")

    def test_an_optional_certificate_may_be_missing_but_not_wrong(self):
        self.folder.certificate("stray", "DNS:x", ca="other-ca")
        broker = self.tls_broker(*self.ca, "--tls-clients", "optional")
        self.subscriber_with_tls(broker, TOPIC)
        self.assertRefused(broker, "tls_client_cert_unknown_ca",
                           made=tls_socket.context(certificate="stray"))

    def test_certificates_out_of_their_time_are_refused(self):
        self.folder.certificate("old", "DNS:x",
                                dates=("20200101000000Z", "20200102000000Z"))
        self.folder.certificate("early", "DNS:x",
                                dates=("20981231235959Z", FAR))
        broker = self.tls_broker(*self.ca)
        for name, fault in (("old", "tls_client_cert_expired"),
                            ("early", "tls_client_cert_not_yet_valid")):
            with self.subTest(name):
                self.assertRefused(broker, fault,
                                   made=tls_socket.context(certificate=name))

    def test_a_revoked_certificate_is_refused(self):
        self.folder.certificate("gone", "DNS:gone")
        self.folder.revoke("gone")
        broker = self.tls_broker(*self.ca, "--tls-crl",
                                 self.folder["crl.pem"])
        self.assertRefused(broker, "tls_client_cert_revoked",
                           made=tls_socket.context(certificate="gone"))
        self.subscriber_with_tls(broker, TOPIC,
                                 made=tls_socket.context(certificate="device"))

    def test_a_certificate_says_who_its_client_is(self):
        """By its DNS name, in the users file."""
        folder = self.enterContext(tempfile_folder())
        users = pathlib.Path(folder) / "users.conf"
        users.write_text('[user "device"]\ncertificate = device.example\n'
                         "publish = /topic/tls\nsubscribe = /topic/tls\n")
        users.chmod(0o600)
        broker = self.tls_broker(*self.ca, "--tls-clients", "optional",
                                 "--users", str(users))
        context = tls_socket.context(certificate="device")
        client = self.tls_client(broker, made=context).subscribe(TOPIC)
        client.publish(TOPIC, b"it is me")
        self.assertEqual(client.recv(), b"it is me")
        stranger = self.tls_client(broker).subscribe(TOPIC)
        stranger.wait_closed()
        broker.wait_for_log("reason=auth_required")


class Files(TlsTest):
    def assertDoesNotStart(self, sentence, *args):
        for extra in ((), ("--check",)):
            ended = run_sluiced("--listen", "127.0.0.1:0", *args, *extra)
            self.assertEqual(ended.returncode, WRONG_USAGE)
            self.assertIn(sentence, ended.stderr)
            self.assertEqual(ended.stderr.count("\n"), 1, ended.stderr)

    def file(self, text, mode=0o600):
        path = pathlib.Path(self.dir) / "file.pem"
        path.write_bytes(text)
        path.chmod(mode)
        return str(path)

    def pipe(self):
        """One that nobody writes to: opening it would wait for ever."""
        path = pathlib.Path(self.dir) / "pipe"
        path.unlink(missing_ok=True)
        os.mkfifo(path, 0o600)
        return str(path)

    def setUp(self):
        self.dir = self.enterContext(tempfile_folder())
        self.folder = certificates.folder()

    def test_mistakes_in_files_are_told_in_one_sentence(self):
        cert, key = OPTIONS[1], OPTIONS[3]
        with open(key, "rb") as file:
            key_bytes = file.read()
        rows = (
            ("no chain of certificates", "--tls-cert", self.file(b""),
             "--tls-key", key),
            ("chmod 600", "--tls-cert", cert, "--tls-key",
             self.file(key_bytes, 0o644)),
            ("No such file", "--tls-cert", "/nowhere/x", "--tls-key", key),
            ("fits the certificate", "--tls-cert", cert, "--tls-key",
             self.folder["device.key"]),
            ("not a file", "--tls-cert", cert, "--tls-key", "/dev/zero"),
            ("not a file", "--tls-cert", self.pipe(), "--tls-key", key),
            ("not a file", *OPTIONS, "--tls-ca", self.pipe()),
            ("not a file", *OPTIONS, "--tls-ca", self.folder["ca.pem"],
             "--tls-crl", self.pipe()),
        )
        for sentence, *args in rows:
            with self.subTest(sentence):
                self.assertDoesNotStart(sentence, *args)

    def test_an_empty_ca_file_does_not_start(self):
        self.assertDoesNotStart("no certificate of a CA", *OPTIONS, "--tls-ca",
                                self.file(b""))

    def test_options_that_need_others_say_so(self):
        self.assertDoesNotStart("each certificate needs its key", *OPTIONS[:2])
        self.assertDoesNotStart("--tls-ca needs --tls-cert", "--tls-ca",
                                self.folder["ca.pem"])
        self.assertDoesNotStart("--tls-crl needs --tls-ca", *OPTIONS,
                                "--tls-crl", self.folder["ca.pem"])

    def copy(self, name):
        for end in ("pem", "key"):
            target = pathlib.Path(self.dir) / f"server.{end}"
            fresh = target.with_suffix(".new")
            shutil.copy(self.folder[f"{name}.{end}"], fresh)
            fresh.replace(target)
        return ("--tls-cert", f"{self.dir}/server.pem", "--tls-key",
                f"{self.dir}/server.key")

    def serial(self, broker):
        client = self.tls_client(broker)
        return client.sock.tls.getpeercert()["serialNumber"]

    def test_new_files_are_used_without_a_signal_and_nobody_notices(self):
        self.folder.certificate("second", "DNS:localhost")
        broker = self.broker(*self.copy("localhost"))
        reader = self.subscriber_with_tls(broker, TOPIC)
        before = self.serial(broker)
        self.copy("second")
        broker.wait_for_log("event=tls_loaded", count=2)
        self.assertNotEqual(self.serial(broker), before)
        self.publisher(broker).publish(TOPIC, b"still here")
        self.assertEqual(reader.recv(), b"still here")

    def test_a_hundred_renewals_under_load_lose_nothing(self):
        """Neither a connection nor a message."""
        renewals, each = 100, 200
        self.folder.certificate("second", "DNS:localhost")
        broker = self.broker(*self.copy("localhost"))
        reader = self.subscriber_with_tls(broker, TOPIC)
        sender = self.tls_client(broker).subscribe(b"/null")
        serials = set()
        for i in range(renewals):
            self.copy(("second", "localhost")[i % 2])
            since = broker.mark()
            broker.signal(1)
            sender.flood(TOPIC, each, 100)
            broker.wait_for_log("event=tls_loaded", since)
            if i % 10 < 2:
                serials.add(self.serial(broker))
        self.assertEqual(len(reader.recv_many(renewals * each)),
                         renewals * each)
        self.assertEqual(len(serials), 2)
        self.assertEqual(broker.stats()["closed_reset"], 0)

    def test_bad_files_are_not_loaded_and_the_old_go_on(self):
        broker = self.broker(*self.copy("localhost"))
        before = self.serial(broker)
        (pathlib.Path(self.dir) / "server.pem").write_bytes(b"cut off")
        broker.wait_for_log("event=tls_kept")
        self.assertEqual(self.serial(broker), before)
        since = broker.mark()
        broker.signal(1)
        broker.wait_for_log("event=reload_failed", since)
        broker.wait_for_log("event=tls_kept", since)
        self.assertEqual(self.serial(broker), before)

    def test_the_certificate_is_chosen_by_the_name_asked_for(self):
        self.folder.certificate("wild", "DNS:*.wild.example")
        broker = self.tls_broker("--tls-cert", self.folder["wild.pem"],
                                 "--tls-key", self.folder["wild.key"])
        names = {}
        for name in ("localhost", "a.wild.example"):
            client = self.tls_client(broker, name=name)
            names[name] = client.sock.tls.getpeercert()["subjectAltName"]
        self.assertIn(("DNS", "localhost"), names["localhost"])
        self.assertIn(("DNS", "*.wild.example"), names["a.wild.example"])


class Crowds(TlsTest):
    def test_silent_handshakes_do_not_shut_out_another_host(self):
        """Three hundred from one address wait; one from another is let in."""
        broker = self.tls_broker("--hello-timeout", "60s")
        hello = first_flight()
        for _ in range(300):
            self.connect(broker).send(hello)
        self.assertLessEqual(broker.stats()["tls_half_open"], 32)
        sock = socket.socket()
        sock.bind(("127.0.0.77", 0))
        sock.settimeout(DEADLINE)
        sock.connect(("127.0.0.1", int(broker.address.rsplit(":", 1)[1])))
        client = tls_socket.wrap(sock)
        self.addCleanup(client.close)
        self.assertEqual(client.tls.version(), "TLSv1.3")

    def test_a_client_that_was_silent_long_gives_way(self):
        """Of a host that has taken all its places."""
        broker = self.tls_broker("--hello-timeout", "60s")
        hello = first_flight()
        for _ in range(64):
            self.connect(broker).send(hello)
        self.tls_client(broker)
        broker.wait_for_log("event=closed .*fault=tls_crowded")

    def half_greetings(self, broker, count, bytes_each):
        """Clients whose ClientHello does not end, all from one host."""
        head = b"\x16\x03\x01\x40\x00" + b"\x01\x00\x3f\xfc"
        half = (head + bytes(1 << 14))[:bytes_each]
        return [self.connect(broker).send(half) for _ in range(count)]

    def test_half_a_greeting_takes_no_place(self):
        """Nor do many: whoever greets whole is answered at once."""
        broker = self.tls_broker("--hello-timeout", "60s")
        self.half_greetings(broker, 300, 200)
        self.tls_client(broker)
        broker.wait_stats(tls_handshakes=1, tls_half_open=0,
                          tls_connections=301, tls_failed=0)

    def test_half_greetings_together_are_bounded(self):
        """Beyond 4 MiB the one that began first gives way."""
        broker = self.tls_broker("--hello-timeout", "60s")
        first, *_ = self.half_greetings(broker, 300, 1 << 14)
        first.wait_closed()
        broker.wait_for_log("event=closed conn=1 .*fault=tls_crowded")
        broker.wait_stats(connections=256)
        self.tls_client(broker)

    def test_a_trickle_does_not_keep_a_place(self):
        """Nor does it cost a step each time: what brings a handshake on is a
        whole record, and the time since the answer counts."""
        broker = self.tls_broker("--hello-timeout", "60s")
        hello, over = first_flight(), threading.Event()
        socks = [self.connect(broker).send(hello) for _ in range(64)]

        def trickle():
            while not over.wait(0.1):
                for sock in socks:
                    try:
                        sock.send(b"\x14\x03\x03\x00\x01\x01")
                    except OSError:
                        pass  # it was found out

        flow = Background(trickle)
        try:
            self.tls_client(broker)
        finally:
            over.set()
            flow.join()
        broker.wait_for_log("event=closed .*fault=tls_crowded")

    def test_many_clients_come_at_once(self):
        broker = self.tls_broker()
        context = tls_socket.context()
        coming = [Background(lambda: self.tls_client(broker, made=context)
                             .subscribe(TOPIC)) for _ in range(100)]
        clients = [one.join() for one in coming]
        broker.sync(*clients)
        self.publisher(broker).publish(TOPIC, b"all")
        self.assertEqual([c.recv() for c in clients], [b"all"] * 100)
        self.assertEqual(broker.stats()["tls_half_open"], 0)


def first_flight(made=None):
    """A ClientHello, and nothing behind it."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    tls = (made or tls_socket.context()).wrap_bio(
        incoming, outgoing, server_hostname="localhost")
    try:
        tls.do_handshake()
    except ssl.SSLWantReadError:
        pass
    return outgoing.read()


def tempfile_folder():
    return tempfile.TemporaryDirectory(prefix="sluice-tls-files-")


if __name__ == "__main__":
    main()
