# SPDX-License-Identifier: MIT
"""Keys: sluice makes them, and with them watches a protected feed."""
import json
import pathlib
import stat
import tempfile
import unittest

from ground import Process, main, run
from people import Broker


class Keys(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-keys-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def make(self, name):
        """The file of the secret key, and that of the public one."""
        done = run("keys", str(self.folder / name))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return tuple(str(self.folder / f"{name}.{end}")
                     for end in ("key", "pub"))

    def feed(self, *public):
        """The endpoint of a broker that these keys' owners may watch."""
        clients = self.folder / "watchers"
        clients.write_text("".join(
            pathlib.Path(file).read_text() for file in public))
        broker = Broker("--monitor-bind", "tcp://0.0.0.0:*",
                        "--monitor-interval", "200ms",
                        "--monitor-key", str(self.folder / "broker.key"),
                        "--monitor-clients", str(clients))
        self.addCleanup(broker.kill)
        endpoint = broker.wait_for_log("event=feeding").fields["endpoint"]
        return broker, endpoint.replace("0.0.0.0", "127.0.0.1")

    def test_a_secret_key_is_for_its_owner_alone(self):
        secret, public = self.make("ann")
        self.assertEqual(stat.S_IMODE(pathlib.Path(secret).stat().st_mode),
                         0o600)
        for file in secret, public:
            key, owner = pathlib.Path(file).read_text().split()
            self.assertEqual((len(key), owner), (40, "ann"))

    def test_a_key_that_is_there_is_not_replaced(self):
        secret, _ = self.make("ann")
        before = pathlib.Path(secret).read_text()
        done = run("keys", str(self.folder / "ann"))
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"exists already", done.stderr)
        self.assertEqual(pathlib.Path(secret).read_text(), before)

    def test_top_and_tap_watch_with_keys(self):
        _, server = self.make("broker")
        secret, public = self.make("ann")
        broker, feed = self.feed(public)
        keys = ("--monitor", feed, "--key", secret, "--server-key", server)
        done = run("top", *keys, "--once", "--json", "--timeout", "60s")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("stats", json.loads(done.stdout))
        tap = Process(self, "tap", *keys, "/queue/a", "--count", "1")
        broker.wait_for_log("event=tap_opened")
        run("send", "/queue/a", "here", server=broker.address)
        self.assertEqual(tap.finish(), (0, b"here\n", ""))

    def test_top_with_a_key_that_may_not_watch_says_so(self):
        _, server = self.make("broker")
        secret, _ = self.make("eve")
        _, public = self.make("ann")
        _, feed = self.feed(public)
        done = run("top", "--monitor", feed, "--key", secret, "--server-key",
                   server, "--once", "--timeout", "1s")
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"--monitor-clients", done.stderr)

    def test_one_key_is_not_enough(self):
        secret, _ = self.make("ann")
        for command in (("top",), ("tap", "/a"), ("monitor",)):
            done = run(*command, "--key", secret)
            self.assertEqual(done.returncode, 2, command)
            self.assertIn(b"--server-key", done.stderr)

    def test_a_file_that_holds_no_key_is_named(self):
        secret, public = self.make("ann")
        wrong = self.folder / "wrong.pub"
        for text, said in (("short\n", "wrong.pub:1: "),
                           ("\n# none\n", "0 keys"),
                           (2 * pathlib.Path(public).read_text(), "2 keys")):
            wrong.write_text(text)
            done = run("top", "--key", secret, "--server-key", str(wrong),
                       "--monitor", "tcp://127.0.0.1:9")
            self.assertEqual(done.returncode, 1)
            self.assertIn(said, done.stderr.decode())


if __name__ == "__main__":
    main()
