# SPDX-License-Identifier: MIT
"""A feed that other machines can reach is watched only with keys."""
import os
import pathlib
import signal
import subprocess
import tempfile

from monitor import MonitorTest, main, zmq
from daemon import SLUICED

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

    def test_without_keys_nothing_is_received(self):
        sluiced = self.protected()
        eve = self.try_to_watch(sluiced)
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


if __name__ == "__main__":
    main()
