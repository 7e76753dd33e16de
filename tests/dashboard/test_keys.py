# SPDX-License-Identifier: MIT
"""Keys: sluice makes them, and with them watches a protected feed; and brokers
report to a collector that has some."""
import json
import pathlib
import stat
import tempfile
import unittest

from collector import ANY, Collector
from feeds import Application
from ground import Process, Pulse, main, run
from people import Broker
from daemon import run_sluiced  # people has found it


class Folder(unittest.TestCase):
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


class Keys(Folder):
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


class Reports(Folder):
    """What brokers send to a collector on another machine."""

    def setUp(self):
        super().setUp()
        self.secret, self.public = self.make("collector")
        self.reporters = self.folder / "reporters"

    def allow(self, *names):
        fresh = self.folder / "fresh"
        fresh.write_text("# none\n" + "".join(
            (self.folder / f"{name}.pub").read_text() for name in names))
        fresh.replace(self.reporters)

    def collector(self, *args):
        return Collector(self, "--collect-key", self.secret, "--reporters",
                         str(self.reporters), *args)

    def report(self, name, to, collector="collector", prefix="127.0.0.1"):
        broker = Broker(
            "--monitor-connect", to.collect.replace("127.0.0.1", prefix),
            "--monitor-interval", "200ms", "--name", name, "--monitor-key",
            str(self.folder / f"{name}.key"), "--monitor-collector",
            str(self.folder / f"{collector}.pub"))
        self.addCleanup(broker.kill)
        return broker

    def test_brokers_with_a_known_key_report(self):
        for name in ("ann", "bob"):
            self.make(name)
        self.allow("ann", "bob")
        collector = self.collector()
        for name in ("ann", "bob"):
            self.report(name, collector)
            collector.wait_reporter(name)

    def test_nobody_else_does(self):
        """Nor is a collector believed that has another key."""
        for name in ("ann", "eve", "zoe", "other"):
            self.make(name)
        self.allow("ann", "zoe")
        collector = self.collector()
        Pulse(self, Application(self, collector.collect, "red").report)
        plain = Broker("--monitor-connect", collector.collect, "--name",
                       "plain", "--monitor-interval", "200ms")
        self.addCleanup(plain.kill)
        self.report("eve", collector)
        self.report("zoe", collector, collector="other")
        self.report("ann", collector)
        collector.wait_reporter("ann", lambda it: it["stats"]["seq"] > 10)
        self.assertEqual([it["name"] for it in
                          collector.history()["reporters"]], ["ann"])

    def test_a_key_that_is_added_may_report_from_then_on(self):
        self.make("ann")
        self.allow()
        collector = self.collector()
        broker = self.report("ann", collector)
        self.allow("ann")
        # ZeroMQ does not try again for one that was refused.
        broker.stop()
        self.report("ann", collector)
        collector.wait_reporter("ann")

    def test_where_other_machines_can_report_nothing_is_left_undecided(self):
        for option in ("--collect", "--pull"):
            done = run("monitor", "--http", "127.0.0.1:0", "--collect", ANY,
                       option, "tcp://0.0.0.0:*")
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            for words in (b"--collect-key", b"'tcp://0.0.0.0:* auth=none'"):
                self.assertIn(words, done.stderr)
        done = run("monitor", "--collect", f"{ANY} auth=maybe")
        self.assertEqual(done.returncode, 2)
        self.assertIn(b"'auth=maybe'", done.stderr)

    def test_one_that_is_open_says_so_and_takes_reports(self):
        process = Process(self, "monitor", "--http", "127.0.0.1:0",
                          "--collect", "tcp://0.0.0.0:* auth=none")
        self.assertRegex(process.line(), rb"collecting at tcp://0\.0\.0\.0:\d")

    def test_one_option_is_not_enough(self):
        for args in (("--collect-key", self.secret),
                     ("--reporters", self.public)):
            done = run("monitor", *args)
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"both", done.stderr)

    def test_a_broker_says_that_reports_leave_in_clear(self):
        self.make("ann")
        for args, count in (((), 1), (
                ("--monitor-key", str(self.folder / "ann.key"),
                 "--monitor-collector", self.public), 0)):
            broker = Broker("--monitor-connect", "tcp://192.0.2.1:5555", *args)
            self.addCleanup(broker.kill)
            broker.wait_for_log("event=reporting")
            broker.sync()
            self.assertEqual(len(broker.log(
                "event=unprotected reports=tcp://192.0.2.1:5555")), count)

    def test_a_broker_needs_a_key_to_show(self):
        done = run_sluiced("--check", "--monitor-collector", self.public)
        self.assertEqual(done.returncode, 2)
        self.assertIn("--monitor-key", done.stderr)


if __name__ == "__main__":
    main()
