# SPDX-License-Identifier: MIT
"""Secrets that clients and operators show a broker are nowhere that somebody
else could read them: logs, documents, /proc, nor in its memory once they have
been judged."""
import base64
import hashlib
import os
import pathlib
import re
import socket
import ssl
import unittest

import certificates
import tls_socket
from client import DEADLINE
from test_logins import Key, LoginsTest, hash_of
from unit_client import OPENING, UnitClient, unit
from wire import is_sanitised, main, run_sluiced

PASSWORD, TOKEN = b"c4n4ry-password", b"sl_c4n4ry-token"
WRONG_PASSWORD, WRONG_TOKEN = b"c4n4ry-guess", b"sl_c4n4ry-guess"
CURVE_SECRET = b"c4n4r" * 8  # as good a number as any
SHOWN = (PASSWORD, TOKEN, WRONG_PASSWORD, WRONG_TOKEN)
DOCUMENTS = ("/stats", "/metrics", "/healthz", "/readyz", "/nothing")
LISTS = ("/channels", "/clients", "/messages?channel=/topic/a")
CUT_TOKEN = b"sl_c4n4ry-that-is-cut"
MANY = 20
READABLE = ("cmdline", "environ", "maps", "smaps", "status", "stat", "comm",
            "mountinfo", "limits")
PLAIN, BEARER = b" user=thermo mech=plain", b" mech=token"


def ask(sock, target, *lines):
    """What a request for a document is answered with, all of it."""
    text = "\r\n".join((f"GET {target} HTTP/1.1", "Host: localhost", *lines,
                        "Connection: close", "", ""))
    received = b""
    with sock:
        sock.sendall(text.encode())
        while part := sock.recv(1 << 16):
            received += part
    return received


def basic(password):
    pair = base64.b64encode(b"thermo:" + password).decode()
    return f"Authorization: Basic {pair}"


def bearer(token):
    return f"Authorization: Bearer {token.decode()}"


def lines_of(path):
    """Of a file in PEM: each is a part of the secret."""
    return [line for line in pathlib.Path(path).read_bytes().split(b"\n")
            if line and not line.startswith(b"--")]


class SecretsTest(LoginsTest):
    def start_all(self, *args):
        """A broker with every kind of secret that there is, whose clients have
        shown them in every way, right and wrong, with and without TLS."""
        self.key = Key(self.folder, "robot")
        digest = hashlib.sha256(TOKEN).hexdigest()
        watched = "monitor = yes"
        curve = self.folder / "curve"
        curve.write_bytes(CURVE_SECRET)
        curve.chmod(0o600)
        broker = self.start(
            ("thermo", f"password = {hash_of(PASSWORD)}",
             f"token = sha256:{digest}", watched),
            ("robot", f"key = {self.key.public}"),
            args=("--log-level", "debug", "--http", "127.0.0.1:0",
                  "--monitor-bind", "tcp://127.0.0.1:*", "--monitor-key",
                  str(curve), *certificates.server_options(), *args),
            listen=("unix:{dir}/socket",))
        self.http = broker.wait_for_log("serving_http").fields["addr"]
        self.kept = [hash_of(PASSWORD).encode(), digest.encode(),
                     CURVE_SECRET,
                     *lines_of(certificates.folder()["localhost.key"])]
        for secured in (False, True):
            self.show_all(broker, secured)
        return broker

    def socket_to(self, address, secured):
        if address.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(address[5:])
        else:
            host, port = address.rsplit(":", 1)
            sock = socket.create_connection((host, int(port)))
        sock.settimeout(DEADLINE)
        return tls_socket.wrap(sock) if secured else sock

    def client(self, broker, secured):
        client = UnitClient.__new__(UnitClient)
        plain = UnitClient(broker.address, has_tls=False)
        client.__dict__.update(plain.__dict__)
        if secured:
            client.sock = tls_socket.wrap(plain.sock)
        self.addCleanup(client.close)
        return client

    def show_all(self, broker, secured):
        for options, secret, is_right in (
                (PLAIN, PASSWORD, True), (BEARER, TOKEN, True),
                (PLAIN, WRONG_PASSWORD, False), (BEARER, WRONG_TOKEN, False),
                (b" user=nobody mech=plain", WRONG_PASSWORD, False),
                (b" user=robot mech=plain", PASSWORD, False)):
            for piece in (1 << 10, 1):  # whole, and octet by octet
                client = self.client(broker, secured)
                octets = unit(OPENING[0] + options, secret)
                for at in range(0, len(octets), piece):
                    client.send(octets[at:at + piece])
                head = client.hear()[0]
                self.assertEqual(head.startswith(b"INFO"), is_right, head)
                client.close()
        for line, status in ((basic(PASSWORD), 200), (bearer(TOKEN), 200),
                             (basic(WRONG_PASSWORD), 401),
                             (bearer(WRONG_TOKEN), 401)):
            said = ask(self.socket_to(self.http, secured), "/stats", line)
            self.assertEqual(int(said.split()[1]), status)

    def assertClean(self, where, octets, *secrets):
        for secret in secrets:
            if secret in octets:
                at = octets.index(secret)
                self.fail(f"{secret} is in {where}: ...{octets[at - 80:at]}")


class Outside(SecretsTest):
    def test_no_log_has_one(self):
        broker = self.start_all()
        text = "\n".join(str(line) for line in broker.log()).encode()
        self.assertIn(b"auth_failed", text)
        self.assertClean("the log", text, *SHOWN, *self.kept)

    def test_no_document_has_one(self):
        broker = self.start_all()
        inside = self.client(broker, False)
        inside.say(OPENING[0] + PLAIN, PASSWORD)
        inside.hear_until(b"INFO")
        control = broker.wait_for_log("event=control ").fields["addr"]
        seen = [ask(self.socket_to(self.http, False), target,
                    bearer(TOKEN))
                for target in DOCUMENTS]
        seen += [ask(self.socket_to(control, False), target)
                 for target in LISTS]
        self.assertIn(b"thermo", b"".join(seen))
        self.assertClean("a document", b"".join(seen), *SHOWN, *self.kept)

    def test_proc_has_none(self):
        """That anybody on the machine may read, or its owner."""
        broker = self.start_all()
        seen = b""
        for name in READABLE:
            seen += pathlib.Path(f"/proc/{broker.process.pid}/{name}") \
                .read_bytes()
        self.assertIn(b"--users", seen)
        self.assertClean("/proc", seen, *SHOWN, *self.kept)

    def test_a_secret_in_the_wrong_place_is_not_repeated(self):
        """By the sentence that says that it is in the wrong place: a key for
        a certificate, a users file for the configuration, and so on."""
        self.users(("thermo", f"password = {hash_of(PASSWORD)}"))
        secret = self.folder / "secret"
        secret.write_bytes(PASSWORD + b"\n")
        secret.chmod(0o600)
        key = certificates.folder()["localhost.key"]
        cert = certificates.folder()["localhost.pem"]
        broken = self.folder / "broken.conf"
        broken.write_text('[user "thermo"]\npasswords = ' + hash_of(PASSWORD)
                          + f"\ntoken = {TOKEN.decode()}\n"
                          f"key = {TOKEN.decode()}\n"
                          f"password = {PASSWORD.decode()}\n")
        broken.chmod(0o600)
        kept = (PASSWORD, TOKEN, hash_of(PASSWORD).encode(), *lines_of(key))
        for args in (("--users", str(secret)), ("--users", str(broken)),
                     ("-c", str(self.file)), ("-c", str(secret)),
                     ("-c", key), ("--users", key),
                     ("--tls-cert", key, "--tls-key", key),
                     ("--tls-cert", cert, "--tls-key", str(secret)),
                     ("--tls-cert", cert, "--tls-key", key, "--tls-ca",
                      str(secret)),
                     ("--tls-cert", cert, "--tls-key", key, "--tls-ca",
                      key)):
            with self.subTest(args):
                done = run_sluiced(*args)
                self.assertNotEqual(done.returncode, 0)
                self.assertNotEqual(done.stderr, "")
                self.assertClean("the sentence",
                                 (done.stderr + done.stdout).encode(), *kept)


def can_read_memory():
    return os.geteuid() == 0


@unittest.skipUnless(can_read_memory(), "only root can read its memory")
class Inside(SecretsTest):
    """What has been judged is wiped: no later fault of the broker can show
    it."""

    def setUp(self):
        if is_sanitised():
            self.skipTest("sanitizers keep what is freed")
        super().setUp()

    def memory_of(self, broker):
        """All that it may write to."""
        pid = broker.process.pid
        found = []
        with open(f"/proc/{pid}/maps", encoding="utf-8") as maps, \
                open(f"/proc/{pid}/mem", "rb", 0) as memory:
            for line in maps:
                match = re.match(r"([0-9a-f]+)-([0-9a-f]+) rw", line)
                if not match or line.endswith(("[vvar]\n", "[vdso]\n")):
                    continue
                begin, end = (int(part, 16) for part in match.groups())
                memory.seek(begin)
                try:
                    found.append(memory.read(end - begin))
                except OSError:
                    continue  # gone
        return b"\n".join(found)

    def test_what_clients_have_shown_is_in_no_memory(self):
        broker = self.start_all()
        broker.wait_stats(logins_waiting=0, connections=0)
        memory = self.memory_of(broker)
        self.assertIn(hash_of(PASSWORD).encode(), memory)  # it can be found
        self.assertNothingShownIs(memory)

    def assertNothingShownIs(self, memory):
        encoded = [base64.b64encode(b"thermo:" + word)[4:-4]
                   for word in (PASSWORD, WRONG_PASSWORD)]
        self.assertClean("memory", memory, *SHOWN, *encoded)

    def test_what_many_have_shown_at_once_is_in_none(self):
        """No buffer is used again by one that comes after it."""
        broker = self.start_all()
        made = tls_socket.context()
        requests, logins = [], []
        for _ in range(MANY):
            request = self.socket_to(self.http, False)
            requests.append(tls_socket.wrap(request, made=made))
            requests[-1].sendall(
                b"GET /stats HTTP/1.1\r\nHost: localhost\r\n"
                + bearer(TOKEN).encode() + b"\r\n\r\n")
            logins.append(self.client(broker, True))
            logins[-1].say(OPENING[0] + BEARER, TOKEN)
        for request, client in zip(requests, logins):
            self.assertIn(b" 200 OK", request.recv(64))
            self.assertTrue(client.hear()[0].startswith(b"INFO"))
        for each in (*requests, *logins):
            each.close()
        broker.wait_stats(connections=0)
        self.assertNothingShownIs(self.memory_of(broker))

    def test_what_came_in_part_is_in_none(self):
        """Of clients that leave before their opening is whole."""
        broker = self.start_all()
        part = unit(OPENING[0] + BEARER, CUT_TOKEN + b"!")[:-1]
        for secured in (False, True):
            for cut in (len(part), len(part) - 2):
                client = self.client(broker, secured)
                client.send(part[:cut])
                client.send(part[cut:])
                broker.wait_stats(bytes_in=lambda n: n > 0, connections=1)
                client.close()
                broker.wait_stats(connections=0)
        self.assertClean("memory", self.memory_of(broker), CUT_TOKEN)

    def test_the_keys_of_a_connection_are_nowhere_else(self):
        """As its client knows them. OpenSSL 3.0 wipes those of TLS 1.2 when a
        connection ends; those of 1.3 stay in what it frees, so that only the
        ban on core files protects them."""
        broker = self.start_all()
        for version in (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3):
            made = tls_socket.context()
            made.minimum_version = made.maximum_version = version
            made.keylog_filename = str(self.folder / version.name)
            sock = tls_socket.wrap(self.socket_to(broker.address, False),
                                   made=made)
            sock.sendall(unit(OPENING[0] + BEARER, TOKEN))
            self.assertIn(b"INFO", sock.recv(1 << 10))
            keys = [bytes.fromhex(line.split()[2]) for line in
                    (self.folder / version.name).read_text().splitlines()
                    if not line.startswith("#")]
            memory = self.memory_of(broker)
            self.assertTrue([key for key in keys if key in memory])
            sock.close()
            broker.wait_stats(connections=0)
            text = "\n".join(str(line) for line in broker.log()).encode()
            self.assertClean("the log", text,
                             *(key.hex().encode() for key in keys))
            if version == ssl.TLSVersion.TLSv1_2:
                self.assertClean("memory", self.memory_of(broker), *keys)


if __name__ == "__main__":
    main()
