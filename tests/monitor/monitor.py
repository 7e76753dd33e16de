# SPDX-License-Identifier: MIT
"""What every monitoring test starts from: brokers that are watched, ZeroMQ
subscribers and plain HTTP."""
import json
import pathlib
import socket
import sys
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "wire"))

from wire import DEADLINE, Broker, WireTest, main, skip  # noqa: E402

try:
    import zmq
except ImportError:
    skip("no zmq for this Python")

__all__ = ["DEADLINE", "INTERVAL", "STATS", "Broker", "Feed", "MonitorTest", "main", "request",
           "status_of", "talk", "zmq"]

INTERVAL = "100ms"
STATS = b"sluice.stats"


class Feed:
    """A subscriber whose subscriptions the broker has taken note of."""

    def __init__(self, context, endpoint, *topics, **options):
        self.socket = context.socket(zmq.SUB)
        for name, value in options.items():
            self.socket.setsockopt(getattr(zmq, name), value)
        self.socket.setsockopt(zmq.LINGER, 0)
        self.socket.connect(endpoint)
        self.subscribe(*topics)

    def subscribe(self, *topics):
        """Subscriptions are heard in order, so that what the last one brings
        proves the others."""
        for topic in topics:
            self.socket.subscribe(topic)
        self.socket.subscribe(STATS)
        self.take(STATS)
        if STATS not in topics and b"" not in topics:
            self.socket.unsubscribe(STATS)

    def recv(self):
        """The parts of the next message."""
        if not self.socket.poll(DEADLINE * 1000):
            raise TimeoutError("nothing from the feed")
        return self.socket.recv_multipart()

    def take(self, topic):
        """The next message with this topic: its document."""
        while True:
            parts = self.recv()
            if parts[0] == topic:
                return json.loads(parts[1])

    def take_until(self, topic, wanted):
        """The first of these documents that is as wanted."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            document = self.take(topic)
            if wanted(document):
                return document
        raise TimeoutError(f"{topic} never became as wanted: {document}")

    def event(self, name):
        return self.take_until(b"sluice.event", lambda e: e["event"] == name)

    def close(self):
        self.socket.close()


class MonitorTest(WireTest):
    def setUp(self):
        self.context = zmq.Context()
        self.addCleanup(self.context.term)

    def watched(self, *options, **kwargs):
        """A broker with a feed and HTTP, and a short interval."""
        broker = self.broker(
            "--monitor-bind", "tcp://127.0.0.1:*", "--http", "127.0.0.1:0",
            "--monitor-interval", INTERVAL, *options, **kwargs)
        broker.endpoint = broker.wait_for_log(
            "event=feeding").fields["endpoint"]
        broker.http = broker.wait_for_log("event=serving_http").fields["addr"]
        return broker

    def feed(self, broker, *topics, **options):
        feed = Feed(self.context, broker.endpoint, *topics, **options)
        self.addCleanup(feed.close)
        return feed


def talk(address, data, deadline=DEADLINE):
    """Sends bytes over a connection of their own; all that comes back."""
    host, port = address.rsplit(":", 1)
    with socket.create_connection((host, int(port)), deadline) as sock:
        try:
            sock.sendall(data)
        except (BrokenPipeError, ConnectionResetError):
            pass  # it has heard enough
        got = b""
        try:
            while chunk := sock.recv(1 << 16):
                got += chunk
        except ConnectionResetError:
            pass
        return got


def status_of(answer):
    return int(answer.split(b" ", 2)[1]) if answer else 0


def request(address, path, *lines, method="GET", host=None):
    """(status, headers, body) of one request."""
    head = "\r\n".join([f"{method} {path} HTTP/1.1",
                        f"Host: {host or address}", *lines, "", ""])
    head, _, body = talk(address, head.encode()).partition(b"\r\n\r\n")
    fields = [line.split(": ", 1) for line in head.decode().split("\r\n")[1:]]
    return status_of(head), {k.lower(): v for k, v in fields}, body
