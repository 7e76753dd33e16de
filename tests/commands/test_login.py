# SPDX-License-Identifier: MIT
"""--user and what shows it: a password, a token or a key, from a file, from the
environment or from the terminal, and never from an argument."""
import base64
import hashlib
import os
import pathlib
import pty
import re
import subprocess
import tempfile
import unittest

import people
from people import DEADLINE, SLUICE, Broker, run

import certificates  # people has found it

PASSWORD, TOKEN = b"correct horse", b"sl_battery-staple"
TOPIC, QUEUE = "/topic/a", "/queue/a"


class LoginTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-login-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.key = self.folder / "robot.key"
        certificates.openssl("genpkey", "-algorithm", "ed25519", "-out",
                             self.key)
        public = base64.b64encode(certificates.openssl(
            "pkey", "-in", self.key, "-pubout", "-outform", "DER").stdout)
        rights = "publish = /**\nsubscribe = /**\npublish = /queue/**\n" \
                 "subscribe = /queue/**\n"
        self.users = self.secret("users.conf", (
            f'[user "robot"]\n{rights}key = ed25519:{public.decode()}\n'
            f'token = sha256:{hashlib.sha256(TOKEN).hexdigest()}\n').encode())
        made = run("passwd", "--users", str(self.users), "--cost", "1", "ann",
                   stdin=PASSWORD + b"\n")
        self.assertEqual(made.returncode, 0, made.stderr)
        with self.users.open("a") as file:  # ann's section is the last
            file.write(rights)
        self.password = str(self.secret("password", PASSWORD + b"\n"))
        self.token = str(self.secret("token", TOKEN + b"\n"))
        self.broker = Broker("--users", str(self.users))
        self.addCleanup(self.broker.kill)

    def secret(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return path

    def command(self, *args, **kwargs):
        return run(*args, server=self.broker.address, **kwargs)

    def assertDone(self, *args, **kwargs):
        done = self.command(*args, **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def assertSays(self, status, pattern, *args, **kwargs):
        done = self.command(*args, **kwargs)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertRegex(done.stderr.decode(), pattern)

    def ways(self):
        return (("--user", "ann", "--password-file", self.password),
                ("--token-file", self.token),
                ("--user", "robot", "--token-file", self.token),
                ("--user", "robot", "--key-file", str(self.key)))


class Files(LoginTest):
    def test_each_way_lets_each_command_in(self):
        for way in self.ways():
            self.assertDone("send", *way, QUEUE, "one")
            self.assertEqual(self.assertDone(
                "listen", *way, "--count", "1", QUEUE), b"one\n")
            self.assertDone("ping", *way, "--count", "1", "--quiet")
            self.assertDone("send", *way, QUEUE, "two")
            self.assertDone("work", *way, "--count", "1", "--exec", "cat",
                            QUEUE)
            self.assertSays(1, "replies to requests", "request", *way,
                            TOPIC, "x")

    def test_without_it_nobody_is_let_in(self):
        for command in (("send", TOPIC, "x"), ("send", "--confirm", TOPIC, "x"),
                        ("chat", TOPIC)):
            self.assertEqual(self.command(*command).returncode, 1)

    def test_a_wrong_secret_is_said_in_words(self):
        wrong = str(self.secret("wrong", b"nonsense"))
        for way in (("--user", "ann", "--password-file", wrong),
                    ("--token-file", wrong),
                    ("--user", "nobody", "--password-file", self.password),
                    ("--user", "ann", "--key-file", str(self.key))):
            self.assertSays(1, "auth: not authenticated", "send", *way, TOPIC,
                            "x")

    def test_what_cannot_be_used_is_said_before_anything_is_sent(self):
        open_to_all = self.secret("open", b"secret")
        open_to_all.chmod(0o644)
        for way, word in (
                (("--user", "ann", "--password-file", "/nowhere"),
                 "/nowhere: No such file"),
                (("--token-file", str(open_to_all)), "chmod 600"),
                (("--token-file", str(self.secret("empty", b"\n"))), "empty"),
                (("--token-file", str(self.secret("long", b"x" * 5000))),
                 "too long"),
                (("--password-file", self.password), "--user is missing"),
                (("--key-file", str(self.key)), "--user is missing"),
                (("--user", "ann", "--key-file", self.password),
                 "not a private Ed25519 key"),
                (("--user", "ann", "--token-file", self.token,
                  "--password-file", self.password), "one of them is enough"),
                (("--user", "ann"), "no terminal")):
            self.assertSays(2, re.escape(word), "send", *way, TOPIC, "x",
                            stdin=b"")
        self.assertEqual(self.broker.stats()["accepted"], 0)

    def test_a_secret_is_no_argument(self):
        for option in ("--password", "--token", "--key"):
            self.assertSays(2, "unknown option", "send", option, "secret",
                            TOPIC, "x")


class Renewal(LoginTest):
    """TLS, a user, and a broker that is restarted with another certificate."""

    def start_broker(self, certificate, listen="127.0.0.1:0"):
        self.broker = Broker("--users", str(self.users),
                             *certificates.server_options(certificate),
                             listen=(f"{listen} tls=required",))
        self.addCleanup(self.broker.kill)
        return self.broker.address.split()[0]

    def setUp(self):
        super().setUp()
        certificates.folder().certificate("renewed", "IP:127.0.0.1")
        self.address = self.start_broker("localhost")
        self.server = f"tls:{self.address}"
        self.way = ("--tls-ca", certificates.folder()["ca.pem"],
                    "--user", "ann", "--password-file", self.password)

    def restart(self, readers):
        self.broker.stop()
        self.start_broker("renewed", self.address)
        self.broker.wait_stats(subscribers=readers)

    def start(self, *args):
        process = people.Process(self, *args, *self.way, server=self.server)
        self.broker.wait_stats(subscribers=1)
        return process

    def do(self, *args):
        done = run(*args, *self.way, server=self.server)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def stop(self, process):
        process.signal()
        self.assertEqual(process.finish()[:2], (0, b""))

    def test_workers_come_back_and_go_on(self):
        for command in (("work", QUEUE, "--exec", "cat; echo"),
                        ("listen", QUEUE, "--exec", "cat; echo"),
                        ("listen", QUEUE)):
            with self.subTest(command):
                worker = self.start(*command)
                self.do("send", QUEUE, "before")
                self.assertEqual(worker.line(), b"before\n")
                self.restart(1)
                self.do("send", QUEUE, "after", "--confirm")
                self.assertEqual(worker.line(), b"after\n")
                self.stop(worker)

    def test_requests_are_answered_before_and_after(self):
        replier = self.start("reply", TOPIC, "--exec", "cat")
        self.assertEqual(self.do("request", TOPIC, "one"), b"one\n")
        self.restart(1)
        self.assertEqual(self.do("request", TOPIC, "two"), b"two\n")
        self.stop(replier)

    def test_a_sender_comes_back_and_goes_on(self):
        reader, writer = os.pipe()
        sender = people.Process(
            self, "send", TOPIC, "--confirm", "--reconnect", *self.way,
            server=self.server, stdin=reader)
        self.addCleanup(os.close, writer)
        os.close(reader)
        os.write(writer, b"before\n")
        self.broker.wait_stats(messages_in=1)
        self.restart(0)
        os.write(writer, b"after\n")
        self.broker.wait_stats(messages_in=1)
        sender.signal()
        self.assertEqual(sender.finish()[0], 0)


class Environment(LoginTest):
    def test_each_secret_may_be_there(self):
        for variables in ({"SLUICE_USER": "ann",
                           "SLUICE_PASSWORD": PASSWORD.decode()},
                          {"SLUICE_TOKEN": TOKEN.decode()},
                          {"SLUICE_USER": "robot",
                           "SLUICE_KEY_FILE": str(self.key)},
                          {"SLUICE_TOKEN_FILE": self.token}):
            done = subprocess.run(
                [SLUICE, "send", QUEUE, "x"], capture_output=True,
                timeout=DEADLINE, check=False,
                env={**os.environ, **variables,
                     "SLUICE_SERVER": self.broker.address})
            self.assertEqual(done.returncode, 0, done.stderr)


class Terminal(LoginTest):
    def test_the_password_is_asked_for_and_not_shown(self):
        outer, inner = pty.openpty()
        self.addCleanup(os.close, outer)
        child = subprocess.Popen(
            [SLUICE, "send", "--user", "ann", QUEUE, "x"], stdin=inner,
            stdout=inner, stderr=inner, close_fds=True,
            env={**os.environ, "SLUICE_SERVER": self.broker.address})
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        os.close(inner)
        shown = b""
        while not shown.endswith(b"ann: "):
            shown += os.read(outer, 1)
        os.write(outer, PASSWORD + b"\n")
        try:
            while more := os.read(outer, 100):
                shown += more
        except OSError:  # its end
            pass
        self.assertEqual(child.wait(DEADLINE), 0, shown)
        self.assertNotIn(PASSWORD, shown)


if __name__ == "__main__":
    people.main()
