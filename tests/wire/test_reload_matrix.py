# SPDX-License-Identifier: MIT
"""Whatever changes in the users file or in the words behind an address: clients
that lose something have lost it at `event=rights_loaded`, and those of others,
of every kind, get every message."""
import hashlib
import itertools
import os
import pathlib
import shutil
import signal
import socket
import tempfile
from unittest import mock

import certificates
import tls_socket
from test_logins import Key, hash_of
from test_rights_reload import EVERYTHING, token_of
from unit_client import OPENING, UnitClient, UnitsTest
from wire import DEADLINE, Client, main, skip

if not shutil.which("openssl"):
    skip("no openssl")

TOPIC = b"/topic/a"
EACH = 40  # constant clients of a kind
SOME = 10  # those of a kind that a change concerns
CONSTANT, FICKLE, STRANGER = "127.0.0.1", "127.0.0.2", "127.0.0.3"
# Whether it has TLS, and speaks version 2.
KINDS = tuple(itertools.product((False, True), (False, True)))
VERSION_2 = tuple(kind for kind in KINDS if kind[1])
WITH_TLS = tuple(kind for kind in KINDS if kind[0])
WITHOUT_TLS = tuple(kind for kind in KINDS if not kind[0])
HERE, ELSEWHERE = f"network = {FICKLE}", f"network = {STRANGER}"
READS, WRITES = "subscribe = /topic/a", "publish = /topic/a"


class MatrixTest(UnitsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-matrix-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.path = f"unix:{self.folder}/socket"
        self.write_users()
        self.listen("127.0.0.1:0")
        made = certificates.folder()
        self.contexts = {name: tls_socket.context(certificate=name)
                         for name in (None, "device")}
        self.running = self.broker(
            "-c", str(self.folder / "sluice.conf"), "--users",
            str(self.folder / "users.conf"), *certificates.server_options(),
            "--tls-ca", made["ca.pem"], "--tls-clients", "optional", listen=2)
        self.address = self.running.addresses[0]
        self.said = []
        self.admin = self.enter((False, True), b" mech=token",
                                token_of("admin"))
        self.constant = {kind: [self.enter(kind, is_reader=True)
                                for _ in range(EACH)] for kind in KINDS}
        self.running.wait_stats(subscribers=len(KINDS) * EACH)

    def write(self, name, text):
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        fresh.chmod(0o600)
        fresh.rename(self.folder / name)

    def write_users(self, *lines, name="fickle"):
        users = {"admin": EVERYTHING, "constant": (
            f"network = {CONSTANT}", READS)}
        if lines:
            users[name] = lines
        users["admin"] += ("token = " + self.token("admin"),)
        self.write("users.conf", '[role "reader"]\n' + READS + "\n" + "".join(
            f'[user "{user}"]\n' + "".join(f"{line}\n" for line in lines)
            for user, lines in users.items()))

    def token(self, name):
        return "sha256:" + hashlib.sha256(token_of(name)).hexdigest()

    def listen(self, first):
        self.write("sluice.conf", f"[broker]\nlisten = {first}\n"
                   f"listen = {self.path}\n")

    def reload(self, event="rights_loaded"):
        since = self.running.mark()
        self.running.signal(signal.SIGHUP)
        self.running.wait_for_log(f"event={event}", since)

    def connect_from(self, source, kind, certificate=None):
        """From there; "unix" is the socket. Nothing is said yet."""
        if source == "unix":
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(DEADLINE)
            sock.connect(self.path[5:])
        else:
            host, port = self.address.rsplit(":", 1)
            sock = socket.create_connection(
                (host, int(port)), timeout=DEADLINE, source_address=(source, 0))
        has_tls, is_unit = kind
        if has_tls:
            sock = tls_socket.wrap(sock, made=self.contexts[certificate])
        with mock.patch("client.open_socket", return_value=sock):
            client = (UnitClient if is_unit else Client)(self.address)
        self.addCleanup(client.close)
        return client

    def enter(self, kind, options=b"", secret=b"", source=CONSTANT,
              certificate=None, is_reader=False, key=None):
        client = self.connect_from(source, kind, certificate)
        if not kind[1]:
            return client.subscribe(TOPIC if is_reader else b"/null")
        client.say(OPENING[0] + options, secret)
        if key:
            client.say(b"SIG", key.sign(b"fickle", client.hear()[1]))
        self.assertEqual(client.hear()[0].split(b" ")[0], b"INFO")
        if is_reader:
            self.assertEqual(client.ask(b"SUB /topic/a rid=1")[:8],
                             b"OK rid=1")
        return client

    def publish(self, word):
        self.said.append(b"%s %d" % (word, len(self.said)))
        self.admin.say(b"PUB " + TOPIC, self.said[-1])
        self.assertEqual(self.admin.ping(b"x"), [])

    def hear_message(self, client):
        if not isinstance(client, UnitClient):
            return client.recv()
        head, body = client.hear()
        self.assertTrue(head.startswith(b"MSG " + TOPIC), head)
        return body

    def assertConstant(self):
        """All that was said, and nothing else."""
        for client in itertools.chain(*self.constant.values()):
            self.assertEqual([self.hear_message(client) for _ in self.said],
                             self.said)
            if isinstance(client, UnitClient):
                self.assertEqual(client.ping(b"end"), [])
        self.said.clear()


class Users(MatrixTest):
    def check(self, fate, before, after, kinds=KINDS, name="fickle", **way):
        """Clients of one user, whose lines change."""
        way = {"source": FICKLE, "is_reader": True} | way
        with self.subTest(before=before, after=after):
            self.write_users(*before, name=name)
            self.reload()
            count = self.running.stats()["subscribers"]
            clients = [self.enter(kind, **way) for kind in kinds * SOME]
            self.running.wait_stats(subscribers=count + len(clients) *
                                    way["is_reader"])
            self.publish(b"allowed")
            for client in clients * way["is_reader"]:
                self.assertEqual(self.hear_message(client), self.said[-1])
            self.write_users(*after, name=name)
            self.reload()
            self.publish(b"forbidden")
            for client in clients:
                fate(client)
                client.close()
            self.running.wait_stats(subscribers=count)
            self.assertConstant()

    def goes(self, client):
        heard = client.recv_until_closed()
        self.assertNotIn(self.said[-1], heard)
        if isinstance(client, UnitClient):
            self.assertEqual((heard[0], heard[2]), (b"ERR auth", b"BYE"))

    def loses_channel(self, client):
        """Of version 2, it is told, and stays."""
        if not isinstance(client, UnitClient):
            self.assertEqual(client.recv_until_closed(), [])
            return
        self.assertEqual(client.hear()[0], b"ERR denied")
        self.assertEqual(client.ping(b"x"), [])

    def stays(self, client):
        self.assertEqual(self.hear_message(client), self.said[-1])

    def may_not_publish(self, client):
        if isinstance(client, UnitClient):
            self.assertEqual(client.ask(b"PUB /topic/a rid=2", b"forbidden"),
                             b"ERR denied rid=2")
        else:
            client.publish(TOPIC, b"forbidden").wait_closed()

    def test_ways_in(self):
        device, gone = ("certificate = device.example",
                        "certificate = other.example")
        self.check(self.goes, (HERE, READS), (ELSEWHERE, READS))
        self.check(self.goes, (HERE, READS), ())
        self.check(self.goes, (HERE, f"from = {FICKLE}", READS),
                   (HERE, f"from = {STRANGER}", READS))
        self.check(self.goes, (device, READS), (gone, READS), WITH_TLS,
                   certificate="device")
        self.check(self.goes, (READS,), (), name="anonymous")

    def test_ways_in_of_unix_sockets(self):
        self.check(self.goes, (f"uid = {os.getuid()}", READS),
                   (f"uid = {os.getuid() + 1}", READS), WITHOUT_TLS,
                   source="unix")

    def test_ways_in_of_version_2(self):
        key, other = (Key(self.folder, name) for name in ("one", "two"))
        for way, before, after, kinds in (
                ({"options": b" mech=token", "secret": token_of("fickle")},
                 f"token = {self.token('fickle')}",
                 f"token = {self.token('other')}", VERSION_2),
                ({"options": b" user=fickle mech=plain", "secret": b"one"},
                 f"password = {hash_of(b'one')}",
                 f"password = {hash_of(b'two')}", VERSION_2),
                ({"options": b" user=fickle mech=ed25519", "key": key},
                 f"key = {key.public}", f"key = {other.public}",
                 ((False, True),))):
            self.check(self.goes, (before, READS), (after, READS), kinds, **way)

    def test_rights(self):
        self.check(self.loses_channel, (HERE, READS), (HERE, WRITES))
        self.check(self.loses_channel, (HERE, READS),
                   (HERE, "subscribe = /topic/b"))
        self.check(self.loses_channel, (HERE, "role = reader"), (HERE,))
        self.check(self.may_not_publish, (HERE, WRITES), (HERE, READS),
                   is_reader=False)

    def test_what_takes_nothing_from_readers(self):
        for before, after in (
                ((HERE, READS), (HERE, "role = reader")),
                ((HERE, READS), (HERE, "subscribe = /topic/**")),
                ((HERE, READS, WRITES), (HERE, READS)),
                ((HERE, READS, "monitor = yes"), (HERE, READS)),
                ((HERE, READS), (HERE, READS, "connections = 1")),
                ((HERE, READS), (HERE, READS, "messages = 1/s")),
                ((HERE, READS), (HERE, READS, "bytes = 1/s")),
                ((HERE, READS), (HERE, READS, "memory = 1k"))):
            self.check(self.stays, before, after)


class Words(MatrixTest):
    """They are for clients that connect from then on."""

    def check(self, words, fate):
        with self.subTest(words=words):
            self.publish(b"before")
            self.listen("127.0.0.1:0 " + words)
            self.reload("demands_changed")
            self.publish(b"after")
            fate()
            self.assertConstant()
            self.listen("127.0.0.1:0")
            self.reload("demands_changed")

    def assertOut(self, kind, source=CONSTANT):
        client = self.connect_from(source, kind)
        if kind[1]:
            client.say(*OPENING)
            self.assertEqual(client.hear()[0][:3], b"ERR")
        else:
            client.subscribe(TOPIC)
        client.wait_closed()

    def test_each_word(self):
        for kind in KINDS:
            self.assertOut(kind, STRANGER)
        for words, kinds in (("tls=required", WITHOUT_TLS),
                             ("v1=no", ((False, False), (True, False)))):
            def fate():
                for kind in KINDS:
                    if kind in kinds:
                        self.assertOut(kind)
                    else:
                        self.enter(kind).close()
            self.check(words, fate)
        self.check("auth=none", lambda: [
            self.enter(kind, source=STRANGER).close() for kind in KINDS])
        self.check("tls=none", lambda: [
            self.enter(kind).close() for kind in WITHOUT_TLS])


if __name__ == "__main__":
    main()
