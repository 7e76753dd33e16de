# SPDX-License-Identifier: MIT
"""sluice passwd, may and cert: what is in a users file, and what it allows."""
import hashlib
import os
import pathlib
import pty
import re
import select
import shutil
import stat
import subprocess
import tempfile
import threading
import time
import unittest

import people
from people import DEADLINE, SLUICE, run

HASH = r"\$y\$j9T\$[./0-9A-Za-z]+\$[./0-9A-Za-z]{43}"


class WithFolder(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-users-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "users.conf"

    def write(self, text, mode=0o600):
        self.file.write_text(text)
        self.file.chmod(mode)

    def check(self, status, *args, stdin=b""):
        done = run(*args, "--users", str(self.file), stdin=stdin)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def passwd(self, *args, secret=b"", status=0):
        return self.check(status, "passwd", *args, stdin=secret)


class Passwords(WithFolder):
    def hash_of(self, name):
        section = self.file.read_text().split(f'[user "{name}"]')[1]
        return re.search(r"password = (\S+)", section)[1]

    def test_a_new_file_is_for_its_owner_alone(self):
        self.passwd("thermo", secret=b"secret\n")
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o600)
        self.assertRegex(self.file.read_text(), rf'^\[user "thermo"\]\n'
                         rf'password = {HASH}\n$')

    def test_each_hash_has_its_own_salt(self):
        self.passwd("a", secret=b"secret\n")
        self.passwd("b", secret=b"secret")
        self.assertNotEqual(self.hash_of("a"), self.hash_of("b"))

    def test_a_password_is_replaced_where_it_stands(self):
        self.write('# all\n[user "a"] ; first\nuid = 1\n'
                   '# its password\npassword = $6$salt$' + "x" * 86 + '\n'
                   'publish = /a ; what\n\n# b\n[user "b"]\nuid = 2\n', 0o640)
        before = self.file.read_text().splitlines()
        self.passwd("a", secret=b"other\n")
        after = self.file.read_text().splitlines()
        self.assertRegex(after[4], rf"^password = {HASH}$")
        self.assertEqual(before[:4] + before[5:], after[:4] + after[5:])
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o640)

    def test_the_file_behind_a_link_is_replaced_and_the_link_stays(self):
        self.write('[user "a"]\nuid = 1\n')
        link = self.folder / "link"
        link.symlink_to(self.file)
        done = run("passwd", "--users", str(link), "a", stdin=b"secret\n")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertTrue(link.is_symlink())
        self.assertIn("password", self.file.read_text())

    def test_an_empty_or_endless_password_is_refused(self):
        for secret, word in ((b"", "empty"), (b"\n", "empty"),
                             (b"x" * 600, "longer"), (b"a\0b\n", "NUL")):
            _, err = self.passwd("a", secret=secret, status=1)
            self.assertIn(word, err)
        self.assertEqual(list(self.folder.iterdir()), [])

    def test_a_password_is_never_an_argument(self):
        _, err = self.passwd("a", "secret", status=2)
        self.assertIn("asked for", err)

    def test_names_that_are_none(self):
        for name in ("a b", "a*", "", "x" * 65, "anonymous"):
            self.passwd(name, secret=b"secret\n", status=2)
        self.assertFalse(self.file.exists())

    def test_a_file_with_a_mistake_is_not_touched(self):
        self.write('[user "a"]\nuid = 1\nnonsense = 2\nmonitor = 3\n')
        before = self.file.read_text()
        _, err = self.passwd("a", secret=b"secret\n", status=1)
        self.assertIn(f"{self.file}:3:", err)
        self.assertIn(f"{self.file}:4:", err)
        self.assertEqual(self.file.read_text(), before)
        _, err = self.passwd("--check", status=1)
        self.assertIn(f"{self.file}:4:", err)

    def test_a_file_that_others_may_read_is_refused(self):
        self.write('[user "a"]\nuid = 1\n', 0o644)
        _, err = self.passwd("--check", status=1)
        self.assertIn("chmod 640", err)

    def test_the_cost_is_in_the_hash(self):
        self.passwd("a", "--cost", "1", secret=b"secret\n")
        self.assertIn("$y$j75$", self.file.read_text())
        self.passwd("a", "--cost", "12", secret=b"secret\n", status=2)

    def test_two_at_once_lose_nothing(self):
        names = [f"user-{i}" for i in range(8)]
        threads = [threading.Thread(target=self.passwd, args=(name, "--token"))
                   for name in names]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        out, _ = self.passwd("--check")
        self.assertIn("8 users", out)


class Terminals(WithFolder):
    """What somebody types is asked for twice, and not shown."""

    def type(self, *lines):
        outer, inner = pty.openpty()
        self.addCleanup(os.close, outer)
        child = subprocess.Popen(
            [SLUICE, "passwd", "--users", str(self.file), "ann"],
            stdin=inner, stdout=inner, stderr=inner, close_fds=True)
        self.addCleanup(child.wait)
        self.addCleanup(child.kill)
        os.close(inner)
        shown, end = b"", time.monotonic() + DEADLINE
        for line in lines:
            shown += self.read(outer, b": ", end)
            os.write(outer, line)
        shown += self.read(outer, None, end)
        return child.wait(DEADLINE), shown.decode()

    def read(self, fd, until, end):
        """What is shown until then, or until the command has ended."""
        text = b""
        while not (until and text.endswith(until)):
            self.assertLess(time.monotonic(), end, text)
            if select.select([fd], [], [], 1)[0]:
                try:
                    text += os.read(fd, 1000)
                except OSError:  # nobody has the other end any more
                    return text
        return text

    def test_asked_twice_without_echo(self):
        status, shown = self.type(b"canary\n", b"canary\n")
        self.assertEqual(status, 0, shown)
        self.assertNotIn("canary", shown)
        self.assertIn("New password for ann", shown)
        self.assertIn("password = $y$", self.file.read_text())

    def test_two_different_ones_change_nothing(self):
        status, shown = self.type(b"canary\n", b"other\n")
        self.assertEqual(status, 1)
        self.assertIn("two passwords", shown)
        self.assertFalse(self.file.exists())


class Tokens(WithFolder):
    def test_a_token_is_printed_once_and_kept_as_a_digest(self):
        tokens = {self.passwd("a", "--token")[0].strip() for _ in range(2)}
        text = self.file.read_text()
        self.assertEqual(len(tokens), 2)
        for token in tokens:
            self.assertRegex(token, r"^sl_[A-Za-z0-9_-]{43}$")
            digest = hashlib.sha256(token.encode()).hexdigest()
            self.assertIn(f"token = sha256:{digest}\n", text)
            self.assertNotIn(token, text)


class Removal(WithFolder):
    def test_a_user_goes_with_its_lines_and_leaves_the_comments_of_others(self):
        self.write('# first\n[user "a"]\nuid = 1\n; of a\npublish = /a\n\n'
                   '# of b\n[user "b"]\nuid = 2\n')
        self.passwd("a", "--remove")
        self.assertEqual(self.file.read_text(),
                         '# first\n\n# of b\n[user "b"]\nuid = 2\n')

    def test_the_last_user_may_go(self):
        self.write('[user "a"]\nuid = 1\n')
        self.passwd("a", "--remove")
        self.assertIn("0 users", self.passwd("--check")[0])

    def test_who_is_not_there_cannot_go(self):
        self.write('[user "a"]\nuid = 1\n')
        _, err = self.passwd("b", "--remove", status=1)
        self.assertIn("no user 'b'", err)


class May(WithFolder):
    def setUp(self):
        super().setUp()
        self.write('[role "r"]\nsubscribe = /topic\n'
                   '[user "ann"]\nuid = 1\nrole = r\n'
                   'subscribe = /topic/*/**\npublish = /a/*\npublish = **\n')

    def test_yes_and_by_which_line(self):
        out, _ = self.check(0, "may", "ann", "publish", "/a/b")
        self.assertEqual(out, f"yes: {self.file}:7: publish = /a/*\n")
        out, _ = self.check(0, "may", "ann", "subscribe", "/topic/**")
        self.assertEqual(out.splitlines(),
                         [f"yes: {self.file}:6: subscribe = /topic/*/**",
                          f"yes: {self.file}:2: subscribe = /topic"])

    def test_no(self):
        for verb, name, word in (("subscribe", "/a/b", "no subscribe line"),
                                 ("publish", "/queue/a", "/queue/**"),
                                 ("publish", "/sys/a", "broker's own"),
                                 ("subscribe", "/sys/**", "/sys/**")):
            out, err = self.check(1, "may", "ann", verb, name)
            self.assertTrue(out.startswith("no: "), out)
            self.assertIn(word, out)
            self.assertEqual(err, "")

    def test_what_cannot_be_answered_is_neither_yes_nor_no(self):
        for args in (("an", "publish", "/a"), ("ann", "read", "/a"),
                     ("ann", "subscribe", "/a*"), ("ann", "publish"),
                     ("ann", "publish", "")):
            out, err = self.check(2, "may", *args)
            self.assertEqual(out, "")
            self.assertTrue(err)
        self.file.write_text("nonsense\n")
        self.check(2, "may", "ann", "publish", "/a")


@unittest.skipUnless(shutil.which("openssl"), "needs openssl")
class Certificates(WithFolder):
    def cert(self, *args, status=0):
        done = run("cert", *args, str(self.folder / "tls"))
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def openssl(self, *args):
        done = subprocess.run(["openssl", *args], cwd=self.folder / "tls",
                              capture_output=True, check=False, text=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_both_sides_are_signed_by_one_authority(self):
        self.cert("--name", "broker.example")
        self.cert("--client", "thermo.example")
        for name, purpose in (("broker.example", "sslserver"),
                              ("thermo.example", "sslclient")):
            self.openssl("verify", "-x509_strict", "-CAfile", "ca.pem",
                         "-purpose", purpose, f"{name}.pem")
            text = self.openssl("x509", "-noout", "-text", "-in", f"{name}.pem")
            self.assertIn(f"DNS:{name}", text)
            self.assertIn("prime256v1", text)
        for path in (self.folder / "tls").iterdir():
            self.assertEqual(stat.S_IMODE(path.stat().st_mode), 0o600, path)

    def test_every_line_for_a_client_says_whom_it_trusts(self):
        out, _ = self.cert("--name", "b", "--client", "c")
        lines = [line for line in out.splitlines() if "sluice listen" in line]
        self.assertEqual(len(lines), 3, out)
        for line in lines:
            self.assertTrue("--tls-pin " in line or "--tls-ca " in line, line)

    def test_an_address_is_one(self):
        self.cert("--name", "192.0.2.1")
        self.openssl("verify", "-CAfile", "ca.pem", "-verify_ip", "192.0.2.1",
                     "192.0.2.1.pem")

    def test_the_pin_is_the_digest_of_the_public_key(self):
        out, _ = self.cert("--name", "b")
        self.openssl("x509", "-noout", "-pubkey", "-in", "b.pem", "-out",
                     "b.pub")
        self.openssl("pkey", "-pubin", "-in", "b.pub", "-outform", "der",
                     "-out", "b.der")
        key = (self.folder / "tls/b.der").read_bytes()
        digest = hashlib.sha256(key).hexdigest()
        self.assertIn(f"pin: sha256:{digest}\n", out)

    def test_the_lines_for_clients_work_as_they_are_printed(self):
        out, _ = self.cert("--name", "localhost")
        tls = self.folder / "tls"
        broker = people.Broker("--tls-cert", str(tls / "localhost.pem"),
                               "--tls-key", str(tls / "localhost.key"))
        self.addCleanup(broker.kill)
        port = broker.address.rsplit(":", 1)[1]
        printed = re.findall(r"^  sluice (listen .*) CHANNEL$", out, re.M)
        self.assertEqual(len(printed), 2)
        for line in printed:
            words = line.replace(":25000", f":{port}").split()
            run("send", "/queue/a", "x", server=broker.address)
            done = run(*words, "/queue/a", "--count", "1",
                       server=broker.address)
            self.assertEqual((done.returncode, done.stdout), (0, b"x\n"))

    def test_it_lasts_825_days(self):
        self.cert("--name", "b")
        text = self.openssl("x509", "-noout", "-dates", "-in", "b.pem")
        begin, end = (time.strptime(line.split("=")[1], "%b %d %H:%M:%S %Y GMT")
                      for line in text.splitlines())
        self.assertEqual((time.mktime(end) - time.mktime(begin)) // 3600 // 24,
                         825)

    def test_nothing_is_replaced(self):
        self.cert("--name", "b")
        before = {path.name: path.read_bytes()
                  for path in (self.folder / "tls").iterdir()}
        _, err = self.cert("--name", "b", status=1)
        self.assertIn("exists already", err)
        self.assertEqual(before, {path.name: path.read_bytes()
                                  for path in (self.folder / "tls").iterdir()})

    def test_names_that_could_leave_the_folder_are_refused(self):
        for name in ("../b", ".b", "a/b", "ca", "a*", "", "x" * 65):
            self.cert("--name", name, status=2)
        self.cert(status=2)

    def test_half_an_authority_is_none(self):
        self.cert("--name", "b")
        (self.folder / "tls/ca.key").unlink()
        _, err = self.cert("--name", "c", status=1)
        self.assertIn("not a certificate and its key", err)


if __name__ == "__main__":
    people.main()
