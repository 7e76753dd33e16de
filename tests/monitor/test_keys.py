# SPDX-License-Identifier: MIT
"""A feed that other machines can reach is watched only with keys."""
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

from monitor import MonitorTest, main, zmq
from daemon import SLUICED
from wire import DEADLINE

STATS = b"sluice.stats"


class Keys(MonitorTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="sluice-keys-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.server = self.make("broker")
        self.ann, self.eve = self.make("ann"), self.make("eve")
        self.clients = self.folder / "watchers"
        self.admit(self.ann)

    def make(self, name):
        """A pair of keys, in files as the broker reads them."""
        public, secret = zmq.curve_keypair()
        path = self.folder / name
        path.with_suffix(".key").write_bytes(secret + b" " + name.encode())
        path.with_suffix(".key").chmod(0o600)
        return public, secret

    def admit(self, *pairs):
        self.clients.write_bytes(b"# who may watch\n\n" + b"".join(
            public + b" somebody\n" for public, _ in pairs))

    def options(self):
        """Of a broker that admits the owners of these keys."""
        return ("--monitor-key", str(self.folder / "broker.key"),
                "--monitor-clients", str(self.clients))

    def protected(self):
        sluiced = self.broker("--monitor-bind", "tcp://0.0.0.0:*",
                              "--monitor-interval", "100ms", *self.options())
        endpoint = sluiced.wait_for_log("event=feeding").fields["endpoint"]
        sluiced.endpoint = endpoint.replace("0.0.0.0", "127.0.0.1")
        return sluiced

    def watch(self, sluiced, pair, server=None):
        public, secret = pair
        return self.feed(sluiced, STATS, CURVE_PUBLICKEY=public,
                         CURVE_SECRETKEY=secret,
                         CURVE_SERVERKEY=server or self.server[0])

    def try_to_watch(self, sluiced, **options):
        """A subscriber that is not expected to receive anything."""
        sock = self.context.socket(zmq.SUB)
        self.addCleanup(sock.close)
        for name, value in {"LINGER": 0, **options}.items():
            sock.setsockopt(getattr(zmq, name), value)
        sock.subscribe(b"")
        sock.connect(sluiced.endpoint)
        return sock

    def test_a_known_key_may_watch(self):
        self.watch(self.protected(), self.ann).take(STATS)

    def test_an_unknown_key_may_not(self):
        sluiced = self.protected()
        public, secret = self.eve
        eve = self.try_to_watch(sluiced, CURVE_PUBLICKEY=public,
                                CURVE_SECRETKEY=secret,
                                CURVE_SERVERKEY=self.server[0])
        sluiced.wait_for_log("event=watcher_refused .*reason=key")
        ann = self.watch(sluiced, self.ann)
        for _ in range(3):
            ann.take(STATS)
        self.assertEqual(eve.poll(0), 0)

    def assertRefused(self, sluiced, reason):
        line = sluiced.wait_for_log(f"event=watcher_refused .*reason={reason}")
        self.assertEqual(line.level, "warning")
        self.assertIn("peer", line.fields)
        sluiced.wait_stats(watchers_refused=lambda n: n > 0)

    def test_without_keys_nothing_is_received(self):
        sluiced = self.protected()
        eve = self.try_to_watch(sluiced)
        ann = self.watch(sluiced, self.ann)
        for _ in range(3):
            ann.take(STATS)
        self.assertEqual(eve.poll(0), 0)

    def test_a_greeting_without_keys_is_refused(self):
        """By hand: libzmq may leave before it has said what it speaks."""
        sluiced = self.protected()
        host, port = sluiced.endpoint[len("tcp://"):].rsplit(":", 1)
        with socket.create_connection((host, int(port)), DEADLINE) as sock:
            sock.sendall(b"\xff" + bytes(8) + b"\x7f\3\0"
                         + b"NULL".ljust(20, b"\0") + bytes(32))
            self.assertRefused(sluiced, "mechanism")

    def test_who_takes_us_for_another_broker_receives_nothing(self):
        """Its greeting cannot be opened."""
        sluiced = self.protected()
        eve = self.try_to_watch(sluiced, CURVE_PUBLICKEY=self.ann[0],
                                CURVE_SECRETKEY=self.ann[1],
                                CURVE_SERVERKEY=self.eve[0])
        self.assertRefused(sluiced, "handshake")
        ann = self.watch(sluiced, self.ann)
        for _ in range(3):
            ann.take(STATS)
        self.assertEqual(eve.poll(0), 0)

    def test_a_reload_admits_a_new_key(self):
        """And a file with a mistake changes nothing."""
        sluiced = self.protected()
        self.clients.write_bytes(b"not a key\n")
        sluiced.signal(signal.SIGHUP)
        failed = sluiced.wait_for_log("event=reload_failed")
        self.assertIn("not a key", failed.text)
        self.watch(sluiced, self.ann).take(STATS)
        self.admit(self.ann, self.eve)
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=reloaded")
        self.watch(sluiced, self.eve).take(STATS)

    def refused(self, *options):
        done = subprocess.run([SLUICED, "--listen", "127.0.0.1:0", *options],
                              capture_output=True, check=False, timeout=60)
        return done.returncode, done.stderr.decode()

    def test_an_open_endpoint_is_refused_without_keys(self):
        for endpoint in ("tcp://0.0.0.0:5556", "tcp://*:5556", "tcp://[::]:1",
                         "tcp://10.1.2.3:5556", "tcp://eth0:5556",
                         "tcp://127.0.0.1.example.org:5556"):
            status, said = self.refused("--monitor-bind", endpoint)
            self.assertEqual(status, 2, endpoint)
            self.assertIn(endpoint, said)
            self.assertIn("--monitor-key", said)

    def test_local_endpoints_need_no_keys(self):
        for endpoint in ("tcp://127.0.0.1:*", "tcp://127.1.2.3:5556",
                         "tcp://[::1]:5556", "tcp://localhost:5556",
                         "ipc:///run/feed"):
            self.assertEqual(
                self.refused("--check", "--monitor-bind", endpoint)[0], 0,
                endpoint)

    def test_half_a_protection_is_none(self):
        for i, word in ((0, "--monitor-clients"), (2, "--monitor-key")):
            status, said = self.refused(*self.options()[i:i + 2])
            self.assertEqual(status, 2)
            self.assertIn(f"needs {word}", said)

    def test_a_secret_that_others_may_read_is_refused(self):
        os.chmod(self.folder / "broker.key", 0o644)
        status, said = self.refused("--monitor-bind", "tcp://127.0.0.1:*",
                                    *self.options())
        self.assertEqual(status, 1)
        self.assertIn("chmod 600", said)


class Users(Keys):
    """The same with the keys of the users file."""

    def setUp(self):
        super().setUp()
        self.file = self.folder / "users.conf"
        self.admit(self.ann)

    def section(self, name, pair, *lines):
        return (f'[user "{name}"]\nkey = curve:{pair[0].decode()}\n'
                + "".join(line + "\n" for line in lines))

    def write(self, *sections):
        fresh = self.folder / "fresh"
        fresh.write_text("".join(sections))
        fresh.chmod(0o600)
        fresh.rename(self.folder / "users.conf")

    def admit(self, *pairs):
        self.write(*(self.section(f"user{i}", pair, "monitor = yes")
                     for i, pair in enumerate(pairs)))

    def options(self):
        return ("--monitor-key", str(self.folder / "broker.key"),
                "--users", str(self.folder / "users.conf"))

    def reload(self, sluiced, *sections):
        self.write(*sections)
        since = sluiced.mark()
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=rights_loaded", since)
        return since

    def test_a_reload_admits_a_new_key(self):
        """And a file with a mistake changes nothing."""
        sluiced = self.protected()
        self.write("not a section\n")
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=reload_failed")
        self.watch(sluiced, self.ann).take(STATS)
        self.reload(sluiced, self.section("ann", self.ann, "monitor = yes"),
                    self.section("eve", self.eve, "monitor = yes"))
        self.watch(sluiced, self.eve).take(STATS)

    def test_half_a_protection_is_none(self):
        status, said = self.refused(*self.options()[:2])
        self.assertEqual(status, 2)
        self.assertIn("--users", said)

    def test_a_user_who_may_not_watch(self):
        self.write(self.section("eve", self.eve, "subscribe = /topic/**"))
        sluiced = self.protected()
        public, secret = self.eve
        self.try_to_watch(sluiced, CURVE_PUBLICKEY=public,
                          CURVE_SECRETKEY=secret,
                          CURVE_SERVERKEY=self.server[0])
        sluiced.wait_for_log("event=watcher_refused .*reason=rights")

    def test_where_a_user_may_come_from(self):
        self.write(self.section("eve", self.eve, "monitor = yes",
                                "from = 192.0.2.0/24"))
        sluiced = self.protected()
        public, secret = self.eve
        self.try_to_watch(sluiced, CURVE_PUBLICKEY=public,
                          CURVE_SECRETKEY=secret,
                          CURVE_SERVERKEY=self.server[0])
        sluiced.wait_for_log("event=watcher_refused .*reason=from")

    def test_both_files_admit(self):
        path = self.folder / "watchers"
        path.write_bytes(self.eve[0] + b" eve\n")
        sluiced = self.broker("--monitor-bind", "tcp://127.0.0.1:*",
                              "--monitor-interval", "100ms",
                              "--monitor-clients", str(path), *self.options())
        sluiced.endpoint = sluiced.wait_for_log("event=feeding").fields[
            "endpoint"]
        for pair in (self.ann, self.eve):
            self.watch(sluiced, pair).take(STATS)

    def test_who_loses_the_right_is_disconnected_and_others_are_not(self):
        both = (self.section("ann", self.ann, "monitor = yes"),
                self.section("eve", self.eve, "monitor = yes"))
        self.write(*both)
        sluiced = self.protected()
        ann = self.watch(sluiced, self.ann)
        self.watch(sluiced, self.eve)
        since = self.reload(sluiced, both[0], self.section("eve", self.eve))
        sluiced.wait_for_log("event=watcher_cut .*reason=rights", since)
        sluiced.wait_for_log("event=watcher_refused .*reason=rights", since)
        sluiced.wait_stats(watchers=1)
        since = sluiced.mark()
        for _ in range(3):
            ann.take(STATS)
        self.reload(sluiced, *both)
        self.watch(sluiced, self.eve).take(STATS)
        self.assertEqual(sluiced.log("event=watcher_cut", since), [])

    def test_a_key_that_is_gone_ends_what_it_had(self):
        """Also where a peer never says which key it has."""
        sluiced = self.broker(
            "--monitor-push", "tcp://127.0.0.1:*", "--monitor-interval",
            "100ms", *self.options())
        endpoint = sluiced.wait_for_log("event=feeding").fields["endpoint"]
        puller = self.context.socket(zmq.PULL)
        self.addCleanup(puller.close)
        public, secret = self.ann
        for name, value in (("LINGER", 0), ("CURVE_PUBLICKEY", public),
                            ("CURVE_SECRETKEY", secret),
                            ("CURVE_SERVERKEY", self.server[0])):
            puller.setsockopt(getattr(zmq, name), value)
        puller.connect(endpoint)
        self.assertTrue(puller.poll(60000))
        since = self.reload(sluiced, self.section("eve", self.eve,
                                                  "monitor = yes"))
        sluiced.wait_for_log("event=watcher_cut", since)
        sluiced.wait_for_log("event=watcher_refused .*reason=key", since)

    def tapped(self, sluiced, pair, prefix):
        """Whether a watcher may subscribe to that."""
        feed = self.watch(sluiced, pair)
        since = sluiced.mark()
        feed.socket.subscribe(prefix)
        feed.socket.subscribe(b"sluice.event")
        watchers = sluiced.stats()["watchers"]
        self.assertGreaterEqual(watchers, 0)
        client = self.publisher(sluiced)
        while True:
            cut = sluiced.log("event=watcher_cut", since)
            if cut:
                self.assertEqual(cut[0].fields["reason"], "rights")
                feed.close()
                return False
            client.publish(b"/topic/a", b"x")
            if feed.socket.poll(100):
                parts = feed.recv()
                if parts[0] == b"sluice.event" or parts[0] == prefix:
                    feed.close()
                    return True
            self.publisher(sluiced).close()  # an event

    def test_messages_are_for_those_that_may_subscribe_to_them(self):
        self.write(self.section(
            "ann", self.ann, "monitor = yes", "network = 127.0.0.0/8",
            "publish = /topic/**", "subscribe = /topic/a/**",
            "subscribe = /queue/**", "subscribe = /topic/*"))
        sluiced = self.protected()
        for prefix, may in ((b"tap./topic/a/b", True), (b"tap./queue/x", True),
                            (b"tap./topic/b", False), (b"tap./topic/", False),
                            (b"tap.", False), (b"t", False), (b"", False),
                            (b"tap./que", False), (b"tap.x", False),
                            (b"tap./topic/b/c", False), (b"sluice.", True)):
            self.assertEqual(self.tapped(sluiced, self.ann, prefix), may,
                             prefix)

    def test_who_may_read_all_may_tap_all(self):
        self.write(self.section(
            "ann", self.ann, "monitor = yes", "network = 127.0.0.0/8",
            "publish = /**", "subscribe = /**", "subscribe = /queue/**",
            "subscribe = /sys/**"))
        sluiced = self.protected()
        for prefix in (b"tap./topic/a", b"tap.", b""):
            self.assertTrue(self.tapped(sluiced, self.ann, prefix), prefix)


if __name__ == "__main__":
    main()
