# SPDX-License-Identifier: MIT
"""What the tests of the libraries share about users: each way to show who a
client is, in clear and under TLS, right and wrong; what it may not; and that no
secret is printed."""
import base64
import hashlib
import os
import subprocess
import tempfile
import unittest
from pathlib import Path
from unittest import mock

import languages
from languages import DEADLINE_S, Conversation

import certificates  # languages has found both
from daemon import Broker

SLUICE = os.environ.get("SLUICE", str(languages.ROOT / "build/bin/sluice"))
PASSWORD, TOKEN = "correct horse 5a3f", "sl_battery-staple-77c1"
RIGHTS = "publish = /t/**\nsubscribe = /t/**\n"


def secret_file(path, text):
    path.write_text(text)
    path.chmod(0o600)
    return path


def users_file(folder, token=TOKEN):
    """The users robot, by key and token, and ann, by password; the key."""
    key = folder / "robot.key"
    if not key.exists():
        certificates.openssl("genpkey", "-algorithm", "ed25519", "-out", key)
    public = base64.b64encode(certificates.openssl(
        "pkey", "-in", key, "-pubout", "-outform", "DER").stdout)
    users = secret_file(folder / "users.conf", (
        f'[user "robot"]\n{RIGHTS}key = ed25519:{public.decode()}\n'
        f"token = sha256:{hashlib.sha256(token.encode()).hexdigest()}\n"))
    subprocess.run([SLUICE, "passwd", "--users", users, "--cost", "1", "ann"],
                   input=PASSWORD.encode() + b"\n", check=True,
                   capture_output=True, timeout=DEADLINE_S)
    with users.open("a") as file:    # ann's section is the last
        file.write(RIGHTS)
    return users, key.read_text()


class Logins(unittest.TestCase):
    """To be inherited, with the name of a language."""
    language = None
    signs = True    # whether the language can use a key
    has_tls = True

    @classmethod
    def setUpClass(cls):
        if cls.language is None:
            raise unittest.SkipTest("it is a base class")
        cls.command = languages.command(cls.language)

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-login-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)
        self.users, self.key = users_file(self.folder)

    def broker(self, *args, **kwargs):
        broker = Broker("--users", str(self.users), *args, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def talk(self, address, user="", mech="", secret=""):
        given = {"SUITE_USER": user, "SUITE_MECH": mech,
                 "SUITE_SECRET": secret,
                 "SLUICE_TLS_CA": certificates.folder()["ca.pem"]
                 if address.startswith("tls:") else ""}
        with mock.patch.dict(os.environ, given):
            talk = Conversation(self.command, address)
        self.addCleanup(self.stop_silent, talk, secret)
        return talk

    def stop_silent(self, talk, secret):
        """The end of a program, which has printed no secret."""
        talk.program.stop()
        said = "".join([*talk.program.complaints,
                        *[e for e in talk.program.events.queue if e]])
        for line in secret.splitlines():
            self.assertNotIn(line, said)

    def ways(self):
        password = {"user": "ann", "secret": PASSWORD}
        ways = [password, {**password, "mech": "plain"}, {"secret": TOKEN},
                {"user": "robot", "mech": "token", "secret": TOKEN}]
        key = {"user": "robot", "mech": "ed25519", "secret": self.key}
        return [*ways, key] if self.signs else ways

    def doors(self):
        """A broker in clear, and one under TLS, if the language speaks it."""
        yield (clear := self.broker()), clear.address
        if self.has_tls:
            broker = self.broker(*certificates.server_options())
            port = broker.address.rsplit(":", 1)[1]
            yield broker, f"tls:localhost:{port}"

    def test_each_way_to_show_who_a_client_is_lets_it_in(self):
        for broker, address in self.doors():
            for way in self.ways():
                with self.subTest(address=address, **way):
                    talk = self.talk(address, **way)
                    talk.expect("open run=*")
                    talk.do("sub /t/a tag=1", "ok tag=1 seq=*")
                    talk.leave()
            broker.stop()

    def test_who_is_refused_is_told_so_and_does_not_come_again(self):
        other = "sl_not-the-token-99e0"
        certificates.openssl("genpkey", "-algorithm", "ed25519", "-out",
                             self.folder / "other.key")
        wrong = [{}, {"user": "ann", "secret": other}, {"secret": other},
                 {"user": "nobody", "secret": PASSWORD},
                 {"user": "ann", "mech": "token", "secret": TOKEN}]
        if self.signs:
            key = (self.folder / "other.key").read_text()
            wrong.append({"user": "robot", "mech": "ed25519", "secret": key})
        for broker, address in self.doors():
            for count, way in enumerate(wrong, 1):
                with self.subTest(address=address, **way):
                    talk = self.talk(address, **way)
                    talk.expect("err auth")
                    talk.program.expect_exit()
                    self.assertEqual(broker.stats()["accepted"], count)
            broker.stop()

    def test_what_a_user_may_not_is_denied_and_the_rest_goes_on(self):
        talk = self.talk(self.broker().address, secret=TOKEN)
        talk.expect("open run=*")
        talk.do("sub /other tag=1", "err denied tag=1")
        talk.do("pub /other tag=2 body=x", "err denied tag=2")
        talk.do("pub /other body=x", "err denied")
        talk.do("sub /t/a tag=3", "ok tag=3 seq=*")
        talk.do("pub /t/a tag=4 body=x", "ok tag=4 seq=1 subs=1 drop=0",
                "msg /t/a /t/a 1 new=1 body=x")
        talk.leave()

    def test_a_secret_that_is_not_taken_any_more_ends_the_client(self):
        """When it comes back after a restart. Its calls fail: it does not try
        again."""
        broker = self.broker()
        talk = self.talk(broker.address, secret=TOKEN)
        talk.expect("open run=*")
        talk.do("sub /t/a tag=1", "ok tag=1 seq=*")
        broker.stop()
        users_file(self.folder, token="sl_the-next-token-4d1b")
        broker = self.broker(listen=(broker.address,))
        talk.expect("lost why=*")
        talk.do("pub /t/a tag=2 body=x", "err auth tag=2")
        self.assertEqual(broker.stats()["accepted"], 1)
        talk.leave()

    def test_a_secret_that_cannot_be_used_is_said_before_it_is_sent(self):
        broker = self.broker()
        useless = [{"user": "ann", "mech": "plain"},
                   {"mech": "plain", "secret": PASSWORD},
                   {"mech": "sha1", "user": "ann", "secret": PASSWORD}]
        if self.signs:
            useless += [{"mech": "ed25519", "secret": self.key},
                        {"mech": "ed25519", "user": "robot", "secret": TOKEN}]
        for way in useless:
            with self.subTest(**way):
                talk = self.talk(broker.address, **way)
                self.assertNotEqual(talk.program.process.wait(DEADLINE_S), 0)
        self.assertEqual(broker.stats()["accepted"], 0)


class WithoutKeys(Logins):
    """To be inherited, where the standard library cannot sign."""
    signs = False

    def test_a_key_that_cannot_be_used_names_what_can(self):
        talk = self.talk("127.0.0.1:9", "robot", "ed25519", self.key)
        self.assertNotEqual(talk.program.process.wait(DEADLINE_S), 0)
        self.assertRegex(talk.program.stop(), "Ed25519: use a token")
