# SPDX-License-Identifier: MIT
"""The broker reports to a collector as the book's applications do."""
import datetime
import socket
import time

from monitor import DEADLINE, INTERVAL, Broker, MonitorTest, main, zmq
from wire import run_sluiced


class Report(MonitorTest):
    def collector(self, endpoint="tcp://127.0.0.1:*"):
        """As in the book: a SUB that binds and wants everything."""
        sock = self.context.socket(zmq.SUB)
        self.addCleanup(sock.close)
        sock.setsockopt(zmq.LINGER, 0)
        sock.setsockopt_string(zmq.SUBSCRIBE, "")
        sock.bind(endpoint)
        return sock, sock.getsockopt_string(zmq.LAST_ENDPOINT)

    def return_to(self, endpoint):
        """A closed socket gives its port back when libzmq's thread does."""
        end = time.monotonic() + DEADLINE
        while True:
            try:
                return self.collector(endpoint)[0]
            except zmq.ZMQError as error:
                if error.errno != zmq.EADDRINUSE or time.monotonic() > end:
                    raise
            time.sleep(0.01)

    def recv(self, sock):
        self.assertTrue(sock.poll(DEADLINE * 1000), "no report")
        parts = sock.recv_multipart()
        self.assertEqual(len(parts), 1)
        return zmq.utils.jsonapi.loads(parts[0])

    def reporting(self, *endpoints, options=()):
        connects = [word for endpoint in endpoints
                    for word in ("--monitor-connect", endpoint)]
        return self.broker(*connects, "--monitor-interval", INTERVAL, *options)

    def test_the_keys_of_the_book(self):
        """color, timestamp, cpu and mem, with the meaning they have there."""
        sock, endpoint = self.collector()
        try:
            socket.getaddrinfo("localhost", 1)
            endpoint = endpoint.replace("127.0.0.1", "localhost")
        except socket.gaierror:
            pass  # a root without /etc/hosts
        sluiced = self.reporting(endpoint)
        report = self.recv(sock)
        self.assertRegex(report["color"], "^#[0-9a-f]{6}$")
        at = datetime.datetime.fromisoformat(report["timestamp"])
        self.assertEqual(at.utcoffset(), datetime.timedelta(0))
        age = datetime.datetime.now(datetime.timezone.utc) - at
        self.assertLess(abs(age.total_seconds()), DEADLINE)
        self.assertGreaterEqual(report["cpu"], 0)
        self.assertAlmostEqual(report["mem"], sluiced.rss_kb() / 1024,
                               delta=report["mem"] / 2)

    def test_ours_beside_them(self):
        """The broker's identity, and all counters that the log has."""
        sock, endpoint = self.collector()
        sluiced = self.reporting(
            endpoint, options=("--name", "left", "--color", "rebeccapurple"))
        report = self.recv(sock)
        self.assertEqual(report["broker"], "left")
        self.assertEqual(report["color"], "rebeccapurple")
        self.assertEqual(report["source"], "sluice")
        self.assertEqual(report["pid"], sluiced.process.pid)
        self.assertEqual(report["interval"], 0.1)
        self.assertIs(report["stopping"], False)
        self.assertEqual(set(report["counters"]), set(sluiced.stats()))
        self.assertIn("hello_timeout", report["closed"])

    def test_the_numbers_are_those_of_the_broker(self):
        sock, endpoint = self.collector()
        sluiced = self.reporting(endpoint)
        listener = self.subscriber(sluiced, b"/topic/a")
        self.publisher(sluiced).publish(b"/topic/a", b"1", b"2", b"3")
        listener.recv_many(3)
        sluiced.end_sync()
        sluiced.wait_stats(connections=2)
        wanted = sluiced.stats()
        report = self.recv(sock)
        while report["counters"]["connections"] != 2:
            report = self.recv(sock)
        for name in ("messages_in", "messages_out", "accepted", "closed"):
            self.assertEqual(report["counters"][name], wanted[name], name)
        self.assertEqual(sum(report["closed"].values()), wanted["closed"])

    def test_reports_are_numbered(self):
        sock, endpoint = self.collector()
        self.reporting(endpoint)
        first = self.recv(sock)
        for n in range(1, 4):
            report = self.recv(sock)
            self.assertEqual(report["seq"], first["seq"] + n)
            self.assertGreater(report["uptime"], first["uptime"])

    def test_every_collector_gets_them(self):
        one, first = self.collector()
        two, second = self.collector()
        self.reporting(first, second)
        self.assertEqual(self.recv(one)["pid"], self.recv(two)["pid"])

    def test_a_collector_comes_back(self):
        """Reports due while it was away are not sent later."""
        sock, endpoint = self.collector()
        sluiced = self.reporting(endpoint)
        last = self.recv(sock)["seq"]
        sock.close()
        other, elsewhere = self.collector()
        other.close()
        self.assertNotEqual(elsewhere, endpoint)
        sluiced.stats()
        again = self.return_to(endpoint)
        first = self.recv(again)["seq"]
        self.assertGreater(first, last)
        self.assertEqual(self.recv(again)["seq"], first + 1)

    def test_nobody_collects(self):
        """The broker serves and stops as if nothing were wrong."""
        sluiced = self.reporting("tcp://127.0.0.1:1")
        self.assert_serves(sluiced)
        self.assertEqual(sluiced.stop().status, 0)

    def test_the_default_colour_is_of_the_name(self):
        sock, endpoint = self.collector()
        colors = set()
        for name in ("left", "left", "right"):
            sluiced = self.reporting(endpoint, options=("--name", name))
            report = self.recv(sock)
            while report["broker"] != name:
                report = self.recv(sock)
            colors.add((name, report["color"]))
            sluiced.stop()
            while sock.poll(0):
                sock.recv()
        self.assertEqual(len(colors), 2)
        self.assertEqual(len({color for _, color in colors}), 2)


class Mistakes(MonitorTest):
    def test_not_an_endpoint(self):
        done = run_sluiced("--monitor-connect", "localhost:5555")
        self.assertEqual(done.returncode, 2)
        self.assertIn("monitor-connect", done.stderr)

    def test_an_endpoint_that_cannot_be(self):
        for option, endpoint in (("--monitor-connect", "xyz://a"),
                                 ("--monitor-bind", "ipc:///nowhere/feed")):
            done = run_sluiced("--listen", "127.0.0.1:0", option, endpoint)
            self.assertEqual(done.returncode, 1, done.stderr)
            last = done.stderr.splitlines()[-1]
            self.assertTrue(
                last.startswith(f"sluiced: {option}: {endpoint}: "), last)

    def test_an_endpoint_that_is_taken(self):
        first = self.watched()
        done = run_sluiced("--listen", "127.0.0.1:0", "--monitor-bind",
                           first.endpoint)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)

    def test_without_outlets_there_is_no_other_thread(self):
        sluiced = Broker()
        self.addCleanup(self.finish, sluiced)
        status = sluiced._proc("status").read_text()
        self.assertRegex(status, r"Threads:\s+1\n")


if __name__ == "__main__":
    main()
