# SPDX-License-Identifier: MIT
"""A users file with one mistake starts no broker, and a running one does not
load it: it goes on with the last good one."""
import hashlib

from test_logins import LoginsTest, hash_of
from wire import main, run_sluiced

WRONG_USAGE = 2
TOKEN = "sha256:" + hashlib.sha256(b"sl_x").hexdigest()
USER = '[user "a"]\nuid = 1\n'
# The values that a key of a user must not have.
VALUES = {
    "password": ("", "secret", "*", "!", "$1$abcdefgh$G3/ZPNLYKxzbVXc3pSuwf.",
                 "$5$salt$Gcm6FsVtF/Qa77ZKD.iwsJlCVPY0XSMgLJL0Hnww/c1",
                 "_J9..rasmBYk8r9AiWNc", "$6$"),
    "token": ("", "sl_x", "sha256:", "md5:" + "0" * 32, TOKEN + "0", TOKEN[:-1],
              TOKEN[:-1] + "g"),
    "key": ("", "ed25519:", "ed25519:AAAA", "rsa:AAAA", "curve:short"),
    "certificate": ("", "*.example", "a b"),
    "uid": ("", "root", "-1", "4294967295", "1e3", "0x1"),
    "network": ("", "example.com", "10.0.0.1/8", "10.0.0.0/33", "10.0.0.0/",
                "::/129", "10.0.0"),
    "from": ("", "nowhere", "10.1.1.1/8"),
    "role": ("", "nobody", "a b"),
    "publish": ("", "/a*", "/**/a", "@x", "/a b"),
    "subscribe": ("", "/a*", "/**/a", "@x", "/a b"),
    "monitor": ("", "true", "1", "yes no"),
    "connections": ("", "0", "-1", "many", "1.5"),
    "messages": ("", "5000", "/s", "0/s", "5/m"),
    "bytes": ("", "2m", "2mb/s"),
    "memory": ("", "lots", "-1", "1m/s"),
    "passwords": ("x",), "Publish": ("/a",), "": ("x",),
}
WHOLE = (
    "", "uid = 1\n", '[user "a"\nuid = 1\n', "[user a]\nuid = 1\n",
    '[group "a"]\nuid = 1\n', '[user ""]\nuid = 1\n', '[user "a b"]\nuid = 1\n',
    '[user "a*"]\nuid = 1\n', '[user "' + "a" * 65 + '"]\nuid = 1\n',
    '[user "a"]\n', '[user "anonymous"]\nuid = 1\n', USER + USER,
    USER + '[user "b"]\nuid = 1\n', USER + "junk\n", USER + "publish = /a",
    USER + "token = " + TOKEN + '\n[user "b"]\ntoken = ' + TOKEN + "\n",
    USER + 'role = r\n[role "r"]\nuid = 2\n', USER + "publish = /\0a\n",
    USER + "publish = /a\n" * 65, USER + "# " + "x" * (1 << 17) + "\n",
)


def broken_files():
    """Rows (name, text)."""
    for key, values in VALUES.items():
        for value in values:
            line = f"{key} = {value}\n"
            yield line, USER.replace("uid = 1\n", "") + line \
                if key == "uid" else USER + line
    for text in WHOLE:
        yield repr(text[:60]), text


class Broken(LoginsTest):
    def put(self, text):
        fresh = self.folder / "fresh"
        fresh.write_text(text)
        fresh.chmod(0o600)
        fresh.rename(self.file)

    def test_none_of_them_starts_a_broker_or_is_loaded(self):
        files = dict(broken_files())
        self.assertGreaterEqual(len(files), 60)
        broker = self.start(("local", "network = 127.0.0.0/8",
                             "publish = /sync/**", "subscribe = /sync/**"))
        reader = self.subscriber(broker, b"/topic/a")
        writer = self.publisher(broker)
        for number, (name, text) in enumerate(files.items()):
            with self.subTest(name):
                self.put(text)
                done = run_sluiced("--users", str(self.file), "--listen",
                                   "127.0.0.1:0")
                self.assertEqual(done.returncode, WRONG_USAGE, done.stderr)
                self.assertIn(str(self.file), done.stderr)
                since = broker.mark()
                broker.signal(1)
                broker.wait_for_log("event=reload_failed", since)
                self.assertEqual(broker.log("event=rights_loaded", since), [])
                writer.publish(b"/topic/a", b"%d" % number)
                self.assertEqual(reader.recv(), b"%d" % number)

    def test_files_that_are_no_such_file(self):
        """By their kind, or for what others may do with them."""
        self.users(("local", "network = 127.0.0.0/8"))
        good = str(self.file)
        for mode in (0o604, 0o606, 0o641, 0o644, 0o660, 0o666, 0o777):
            self.file.chmod(mode)
            self.assertEqual(run_sluiced("--users", good).returncode,
                             WRONG_USAGE, oct(mode))
        for other in (str(self.folder), "/dev/null", "/nowhere"):
            self.assertEqual(run_sluiced("--users", other).returncode,
                             WRONG_USAGE, other)

    def test_what_is_not_a_mistake(self):
        """So it was the mistake that they were refused for."""
        self.users(("a", f"password = {hash_of(b'x')}", f"token = {TOKEN}",
                    "certificate = a.example", "uid = 1", "from = 10.0.0.0/8",
                    "network = 10.0.0.0/8", "monitor = yes", "connections = 1",
                    "messages = 5/s", "bytes = 2m/s", "memory = 1m"))
        done = run_sluiced("--users", str(self.file), "--check")
        self.assertEqual(done.returncode, 0, done.stderr)


if __name__ == "__main__":
    main()
