# SPDX-License-Identifier: MIT
"""Who may see the page of sluice monitor: where other machines can connect, it
has TLS and a login, or says aloud that it has not."""
import base64
import contextlib
import hashlib
import os
import pathlib
import re
import shutil
import socket
import ssl
import tempfile
import unittest

from collector import ANY
from ground import DEADLINE, Process, main, run, wait_until
import people  # noqa: F401  its folders
import certificates

PASSWORD, TOKEN, MUTE = "correct horse", "sl_battery-staple", "sl_mute"


def basic(user, secret):
    shown = base64.b64encode(f"{user}:{secret}".encode()).decode()
    return f"Authorization: Basic {shown}"


def bearer(token):
    return f"Authorization: Bearer {token}"


def digest(token):
    return hashlib.sha256(token.encode()).hexdigest()


class Doors(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-doors-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.users = self.folder / "users.conf"
        self.write_users()

    def write_users(self, robot="yes"):
        fresh = self.folder / "fresh.conf"
        fresh.write_text(
            f'[user "robot"]\ntoken = sha256:{digest(TOKEN)}\n'
            f'monitor = {robot}\n'
            f'[user "mute"]\ntoken = sha256:{digest(MUTE)}\n')
        fresh.chmod(0o600)
        made = run("passwd", "--users", str(fresh), "--cost", "1", "ann",
                   stdin=PASSWORD.encode() + b"\n")
        self.assertEqual(made.returncode, 0, made.stderr)
        with fresh.open("a", encoding="ascii") as file:
            file.write("monitor = yes\n")  # ann's section is the last
        os.replace(fresh, self.users)

    def with_users(self):
        return ("--http-users", str(self.users))

    def with_tls(self, name="localhost"):
        folder = certificates.folder()
        return ("--http-cert", folder[f"{name}.pem"],
                "--http-key", folder[f"{name}.key"])

    def monitor(self, http, *args):
        return run("monitor", "--http", http, "--collect", ANY, *args)


class Decided(Doors):
    def test_nothing_is_left_undecided_where_other_machines_can_connect(self):
        for args, asked, left in (
                ((), ("--http-cert", "--http-users"),
                 "'0.0.0.0:0 tls=none auth=none'"),
                (self.with_tls(), ("--http-users",), "'0.0.0.0:0 auth=none'"),
                (self.with_users(), ("--http-cert",), "'0.0.0.0:0 tls=none'")):
            done = self.monitor("0.0.0.0:0", *args)
            said = done.stderr.decode()
            self.assertEqual((done.returncode, done.stdout), (2, b""), said)
            self.assertIn(left, said)
            for option in ("--http-cert", "--http-users"):
                self.assertEqual(option in said, option in asked, said)

    def test_words_that_say_so_leave_it_open(self):
        process = Process(self, "monitor", "--http",
                          "0.0.0.0:0 tls=none auth=none", "--collect", ANY)
        while not (line := process.line()).startswith(b"look at"):
            self.assertTrue(line, process.finish)
        self.assertRegex(line, rb"http://0\.0\.0\.0:\d+/")

    def test_words_that_are_none_and_what_is_missing_is_named(self):
        for http, args, words in (
                ("127.0.0.1:0 tls=maybe", (), "'tls=maybe'"),
                ("127.0.0.1:0 auth=none auth=none", (), "once each"),
                ("127.0.0.1:0 tls=required", (), "--http-cert"),
                ("127.0.0.1:0 auth=required", (), "--http-users"),
                ("127.0.0.1:0", ("--http-cert", "x"), "--http-key"),
                ("127.0.0.1:0", ("--http-cert", "/no", "--http-key", "/no"),
                 "/no: no certificate"),
                ("127.0.0.1:0", (*self.with_tls()[:2], "--http-key",
                                 certificates.folder()["ca.key"]),
                 "ca.key: no key in PEM that fits"),
                ("127.0.0.1:0", ("--http-users", "/no"), "/no")):
            done = self.monitor(http, *args)
            self.assertEqual((done.returncode, done.stdout), (2, b""), http)
            self.assertIn(words, done.stderr.decode())


class Page(Doors):
    """Over TLS, to users."""

    def open_page(self, *args):
        self.process = Process(self, "monitor", "--http", "127.0.0.1:0",
                               "--collect", ANY, *args)
        while not (found := re.match(rb"look at (https?)://(\S+):(\d+)/",
                                     line := self.process.line())):
            self.assertTrue(line, self.process.finish)
        self.assertEqual(found[1], b"https")
        self.address = (found[2].decode(), int(found[3]))

    def connect(self, **settings):
        context = ssl.create_default_context(
            cafile=certificates.folder()["ca.pem"])
        for name, value in settings.items():
            setattr(context, name, value)
        plain = socket.create_connection(self.address, DEADLINE)
        self.addCleanup(plain.close)
        sock = context.wrap_socket(plain, server_hostname="localhost")
        self.addCleanup(sock.close)
        return sock

    def ask(self, path, *headers):
        """The status and the body of the answer."""
        return self.answer(self.begin(self.connect(), path, *headers))

    def guess(self, count):
        """The answers to wrong passwords that come at once."""
        ready = [self.connect() for _ in range(count)]
        asked = [self.begin(sock, "/", basic("ann", "guess"))
                 for sock in ready]
        return [self.answer(sock)[0] for sock in asked]

    def begin(self, sock, path, *headers):
        sock.sendall("\r\n".join([f"GET {path} HTTP/1.1", "Host: localhost",
                                  *headers, "", ""]).encode())
        return sock

    def answer(self, sock):
        answer = b""
        while piece := sock.recv(1 << 16):  # raises without an orderly end
            answer += piece
        head, _, body = answer.partition(b"\r\n\r\n")
        return int(head.split()[1]), body


class Secured(Page):
    def setUp(self):
        super().setUp()
        self.open_page(*self.with_tls(), *self.with_users())

    def test_users_that_may_watch_see_all_of_it(self):
        for shown in (bearer(TOKEN), basic("robot", TOKEN),
                      basic("ann", PASSWORD)):
            status, page = self.ask("/", shown)
            self.assertEqual(status, 200)
            self.assertIn(b"<html", page)
            self.assertEqual(self.ask("/history", shown)[0], 200)
        # many records
        self.assertGreater(len(self.ask("/chart.js", shown)[1]), 100000)

    def test_nobody_else_sees_any_of_it(self):
        for path in ("/", "/history", "/feed", "/app.js"):
            for shown in ((), (bearer("wrong"),), (bearer(PASSWORD),),
                          ("Authorization: Nonsense",)):
                self.assertEqual(self.ask(path, *shown)[0], 401, (path, shown))
        for shown in (basic("", TOKEN), basic("ann", TOKEN),
                      basic("nobody", PASSWORD)):
            self.assertEqual(self.ask("/", shown)[0], 401, shown)
        status, body = self.ask("/", bearer(MUTE))
        self.assertEqual(status, 403)
        self.assertIn(b"monitor = yes", body)

    def test_guesses_are_slowed_and_delay_nobody_who_is_known(self):
        known = basic("ann", PASSWORD)
        self.assertEqual(self.ask("/", known)[0], 200)
        wait_until(lambda: 503 in self.guess(20), "guesses are not slowed")
        for shown in (known, bearer(TOKEN), basic("robot", TOKEN)):
            self.assertEqual(self.ask("/", shown)[0], 200)
        # Nobody is locked out for good.
        wait_until(lambda: self.ask("/", basic("ann", "guess"))[0] == 401,
                   "guesses are locked out")

    def listen(self, shown):
        sock = self.connect()
        sock.sendall(f"GET /feed HTTP/1.1\r\nHost: localhost\r\n{shown}"
                     "\r\n\r\n".encode())
        file = sock.makefile("rb")
        self.addCleanup(file.close)
        self.assertIn(b"200", file.readline())
        return file

    def test_who_lost_the_right_is_disconnected(self):
        file = self.listen(bearer(TOKEN))
        self.write_users(robot="no")
        with self.assertRaises((ssl.SSLEOFError, ConnectionResetError,
                                EOFError)):
            while file.readline():
                pass
            raise EOFError
        self.assertEqual(self.ask("/", bearer(TOKEN))[0], 403)

    def test_a_users_file_with_a_mistake_changes_nothing(self):
        broken = self.folder / "broken"
        broken.write_text("nonsense\n")
        broken.chmod(0o600)
        os.replace(broken, self.users)
        self.assertIn("users.conf:1", self.process.complaint())
        self.assertEqual(self.ask("/", bearer(TOKEN))[0], 200)

    def test_the_origin_of_the_page_itself_is_its_own(self):
        for origin, status in (("https://localhost", 200),
                               ("https://evil.example", 403)):
            self.assertEqual(self.ask("/", bearer(TOKEN),
                                      f"Origin: {origin}")[0], status)

    def test_only_tls_is_spoken_and_only_what_is_good_of_it(self):
        with socket.create_connection(self.address, DEADLINE) as plain:
            plain.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n")
            with contextlib.suppress(ConnectionResetError):
                self.assertNotIn(b"HTTP/1", plain.recv(1000))
        with self.assertRaises(ssl.SSLError):
            self.connect(maximum_version=ssl.TLSVersion.TLSv1_1,
                         minimum_version=ssl.TLSVersion.TLSv1_1)
        self.assertEqual(self.ask("/", bearer(TOKEN))[0], 200)

    def test_who_names_protocols_must_know_http(self):
        for protocols, is_good in ((["http/1.1", "h2"], True), (["h2"], False)):
            context = ssl.create_default_context(
                cafile=certificates.folder()["ca.pem"])
            context.set_alpn_protocols(protocols)
            with socket.create_connection(self.address, DEADLINE) as plain:
                if is_good:
                    with context.wrap_socket(
                            plain, server_hostname="localhost") as sock:
                        self.assertEqual(sock.selected_alpn_protocol(),
                                         "http/1.1")
                else:
                    with self.assertRaises(ssl.SSLError):
                        context.wrap_socket(plain,
                                            server_hostname="localhost")

    def test_one_that_says_nothing_delays_nobody(self):
        silent = [socket.create_connection(self.address, DEADLINE)
                  for _ in range(100)]
        for sock in silent:
            self.addCleanup(sock.close)
            sock.sendall(b"\x16\x03\x01")
        self.assertEqual(self.ask("/", bearer(TOKEN))[0], 200)


class Renewed(Page):
    def setUp(self):
        super().setUp()
        for end in ("pem", "key"):
            shutil.copy(certificates.folder()[f"localhost.{end}"],
                        self.folder / f"page.{end}")
        self.open_page("--http-cert", str(self.folder / "page.pem"),
                       "--http-key", str(self.folder / "page.key"),
                       *self.with_users())

    def test_the_next_connection_is_shown_the_new_certificate(self):
        certificates.folder().certificate("again", "DNS:localhost")
        before = self.connect().getpeercert()["serialNumber"]
        for end in ("pem", "key"):  # in between they do not fit each other
            os.replace(shutil.copy(certificates.folder()[f"again.{end}"],
                                   self.folder / "next"),
                       self.folder / f"page.{end}")
            self.connect()
        self.assertNotEqual(self.connect().getpeercert()["serialNumber"],
                            before)


if __name__ == "__main__":
    main()
