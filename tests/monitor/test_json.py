# SPDX-License-Identifier: MIT
"""Programs that take any message to be JSON, such as the poller of the book,
watch a broker as they are."""
import pathlib
import re
import socket
import subprocess
import sys
import tempfile
import time

from monitor import DEADLINE, INTERVAL, MonitorTest, main, zmq
from wire import run_sluiced

MONITORING = pathlib.Path(__file__).resolve().parents[2] / "docs/monitoring.md"
TOPICS = {"sluice.stats", "sluice.channels", "sluice.clients"}
LOCAL = "tcp://127.0.0.1:*"


class Reading(MonitorTest):
    def offering(self, *options, where=LOCAL):
        """A broker that offers both, with the endpoints in `sub` and `pull`."""
        sluiced = self.broker("--monitor-json", where, "--monitor-push", where,
                              "--monitor-interval", INTERVAL, *options)
        for name, event in ("sub", "json"), ("pull", "push"):
            line = sluiced.wait_for_log(f"event=feeding .*as={event}")
            setattr(sluiced, name, line.fields["endpoint"].replace(
                "0.0.0.0", "127.0.0.1"))
        return sluiced

    def reader(self, kind, endpoint, prefix=b"", **options):
        sock = self.context.socket(kind)
        self.addCleanup(sock.close)
        for name, value in {"LINGER": 0, **options}.items():
            sock.setsockopt(getattr(zmq, name), value)
        sock.connect(endpoint)
        if kind == zmq.SUB:
            sock.subscribe(prefix)
        return sock

    def recv(self, sock):
        self.assertTrue(sock.poll(DEADLINE * 1000), "no document")
        document = sock.recv_json()
        self.assertFalse(sock.getsockopt(zmq.RCVMORE))
        return document

    def recv_all(self, sock):
        """One document of each kind."""
        got = {}
        while set(got) != TOPICS:
            document = self.recv(sock)
            got[document["topic"]] = document
        return got


class Json(Reading):
    def assert_tells(self, sluiced, got):
        self.assertEqual(got["sluice.stats"]["pid"], sluiced.process.pid)
        self.assertIn("cpu", got["sluice.stats"])
        self.assertIsInstance(got["sluice.channels"]["channels"], list)
        self.assertIsInstance(got["sluice.clients"]["clients"], list)

    def test_a_subscriber_to_everything_receives_json(self):
        sluiced = self.offering()
        self.assert_tells(sluiced, self.recv_all(
            self.reader(zmq.SUB, sluiced.sub)))

    def test_a_puller_receives_json(self):
        sluiced = self.offering()
        self.assert_tells(sluiced, self.recv_all(
            self.reader(zmq.PULL, sluiced.pull)))

    def test_they_show_what_the_broker_does(self):
        sluiced = self.offering()
        self.subscriber(sluiced, b"/topic/a")
        sock = self.reader(zmq.SUB, sluiced.sub)
        until = time.monotonic() + DEADLINE
        names = []
        while "/topic/a" not in names:
            self.assertLess(time.monotonic(), until, names)
            rows = self.recv_all(sock)["sluice.channels"]["channels"]
            names = [row["name"] for row in rows]

    def test_a_prefix_is_enough_to_choose(self):
        """The topic comes first, so that ZeroMQ can filter by it."""
        sluiced = self.offering()
        sock = self.reader(zmq.SUB, sluiced.sub, b'{"topic":"sluice.clients"')
        for _ in range(3):
            self.assertEqual(self.recv(sock)["topic"], "sluice.clients")

    def test_subscribers_get_all_and_pullers_share(self):
        sluiced = self.offering()
        one, two = (self.reader(zmq.SUB, sluiced.sub) for _ in range(2))
        self.recv_all(one)
        self.recv_all(two)
        left, right = (self.reader(zmq.PULL, sluiced.pull) for _ in range(2))
        sluiced.wait_stats(watchers=4)
        seen = [(d["topic"], d["seq"]) for sock in (left, right)
                for d in (self.recv(sock) for _ in range(6))]
        self.assertEqual(len(set(seen)), len(seen))

    def test_both_are_counted_as_watchers(self):
        sluiced = self.offering()
        readers = [self.reader(zmq.SUB, sluiced.sub),
                   self.reader(zmq.PULL, sluiced.pull)]
        for sock in readers:
            self.recv(sock)
        sluiced.wait_stats(watchers=2)
        readers[0].close()
        sluiced.wait_stats(watchers=1)

    def test_beside_the_feed(self):
        """Which keeps its topics."""
        sluiced = self.watched("--monitor-json", LOCAL)
        line = sluiced.wait_for_log("event=feeding .*as=json")
        feed = self.feed(sluiced, b"sluice.stats")
        self.recv_all(self.reader(zmq.SUB, line.fields["endpoint"]))
        self.assertNotIn("topic", feed.take(b"sluice.stats"))

    def test_nobody_pulls(self):
        """Others receive, nothing is missed, and the broker stops."""
        sluiced = self.offering()
        self.assert_serves(sluiced)
        sock = self.reader(zmq.SUB, sluiced.sub)
        for _ in range(3):
            self.recv_all(sock)
        self.assertEqual(sluiced.stats()["slow_watchers"], 0)
        self.assertEqual(sluiced.stop().status, 0)

    def test_a_puller_that_takes_nothing_costs_documents(self):
        """They are dropped, and counted; clients notice nothing."""
        sluiced = self.offering()
        host, port = sluiced.pull.removeprefix("tcp://").rsplit(":", 1)
        silent = socket.create_connection((host, int(port)), DEADLINE)
        self.addCleanup(silent.close)
        sluiced.wait_stats(slow_watchers=lambda n: n > 0)
        self.assert_serves(sluiced)
        self.recv_all(self.reader(zmq.PULL, sluiced.pull))

    def test_connections_are_bounded(self):
        """Who pulls subscribes to nothing: the oldest ones give way."""
        sluiced = self.offering()
        host, port = sluiced.pull.removeprefix("tcp://").rsplit(":", 1)
        for _ in range(70):
            sock = socket.create_connection((host, int(port)), DEADLINE)
            self.addCleanup(sock.close)
        stats = sluiced.wait_stats(watchers_refused=lambda n: n > 0)
        self.assertLessEqual(stats["watchers"], 64)
        self.assert_serves(sluiced)

    def test_the_program_in_the_manual(self):
        """It runs as it stands there, but for its endpoints."""
        section = MONITORING.read_text().partition("## One part of JSON")[2]
        program = re.search(r"```python\n(.*?)```", section, re.S).group(1)
        sluiced = self.offering()
        for written, real in (("tcp://127.0.0.1:5556", sluiced.sub),
                              ("tcp://127.0.0.1:5557", sluiced.pull)):
            self.assertIn(written, program)
            program = program.replace(written, real)
        process = subprocess.Popen([sys.executable, "-u", "-c", program],
                                   stdout=subprocess.PIPE, text=True)
        try:
            got = set()
            for line in process.stdout:
                got.add(line.split()[0] + " " + line.split()[1])
                if len(got) == 2 * len(TOPICS):
                    break
        finally:
            process.kill()
            process.communicate()
        self.assertEqual(got, {f"{how} {topic}" for topic in TOPICS
                               for how in ("SUB", "PULL")})


class Protection(Reading):
    def test_at_other_endpoints_keys_are_asked_for(self):
        server, ann, eve = (zmq.curve_keypair() for _ in range(3))
        with tempfile.TemporaryDirectory(prefix="sluice-json-") as folder:
            secret = pathlib.Path(folder, "broker.key")
            secret.touch(0o600)
            secret.write_bytes(server[1] + b" broker\n")
            clients = pathlib.Path(folder, "watchers")
            clients.write_bytes(ann[0] + b" ann\n")
            sluiced = self.offering(
                "--monitor-key", str(secret), "--monitor-clients",
                str(clients), where="tcp://0.0.0.0:*")
        for kind, endpoint in ((zmq.SUB, sluiced.sub), (zmq.PULL, sluiced.pull)):
            known, unknown = (
                self.reader(kind, endpoint, CURVE_PUBLICKEY=public,
                            CURVE_SECRETKEY=secret, CURVE_SERVERKEY=server[0])
                for public, secret in (ann, eve))
            sluiced.wait_for_log("event=watcher_refused .*reason=key")
            self.recv_all(known)
            self.assertEqual(unknown.poll(0), 0)

    def test_other_machines_need_keys(self):
        for option in "--monitor-json", "--monitor-push":
            done = run_sluiced("--listen", "127.0.0.1:0", option,
                               "tcp://0.0.0.0:*")
            self.assertEqual(done.returncode, 2, done.stderr)
            self.assertIn(f"{option}: other machines could watch", done.stderr)

    def test_an_endpoint_that_cannot_be(self):
        for option in "--monitor-json", "--monitor-push":
            done = run_sluiced("--listen", "127.0.0.1:0", option,
                               "ipc:///nowhere/feed")
            self.assertEqual(done.returncode, 1, done.stderr)
            self.assertTrue(done.stderr.splitlines()[-1].startswith(
                f"sluiced: {option}: ipc:///nowhere/feed: "), done.stderr)


if __name__ == "__main__":
    main()
