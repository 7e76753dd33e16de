# SPDX-License-Identifier: MIT
"""Reporters to the dashboard: a broker's feed that the test plays itself,
an application like the book's, and a source of free ports."""
import datetime
import json
import socket

from ground import skip

try:
    import zmq
except ImportError:
    skip("python3-zmq is not installed")


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def now():
    return datetime.datetime.now(datetime.timezone.utc).isoformat()


def channel(name, **values):
    base = {"name": name, "kind": "topic", "subscribers": 0, "in": 0,
            "out": 0, "dropped": 0, "depth": 0, "bytes": 0, "held_bytes": 0,
            "paused": 0, "pressed": 0, "limit_bytes": 0, "limit_messages": 0,
            "age_ms": 0, "held": 0, "parked_bytes": 0, "workers": 0,
            "ready": 0, "redelivered": 0, "durable": 0, "disk_bytes": 0,
            "unacked": 0, "wildcards": 0, "unseen": 0, "recent": 0}
    return base | values


def client(conn, **values):
    base = {"conn": conn, "peer": f"127.0.0.1:{conn}", "name": None,
            "protocol": 1, "state": "open", "tls": None, "cipher": None,
            "user": None, "way": None,
            "channel": None, "waits_for": None, "in": 0, "out": 0,
            "dropped": 0, "depth": 0, "bytes": 0, "limit_bytes": 0,
            "limit_messages": 0, "age_ms": 0, "held": 0, "parked_bytes": 0,
            "lanes": 0, "requests": 0, "recent": 0}
    return base | values


def user(name, **values):
    base = {"name": name, "connections": 1, "connections_limit": 0,
            "memory_bytes": 0, "memory_limit_bytes": 0, "messages_limit": 0,
            "bytes_limit": 0, "denied": 0}
    return base | values


class Application:
    """The book's backend-app: connects, and says four things of itself."""

    def __init__(self, case, endpoint, color, kind=zmq.PUB, is_bound=False):
        self.color = color
        self.context = zmq.Context()
        case.addCleanup(self.close)
        self.socket = self.context.socket(kind)
        (self.socket.bind if is_bound else self.socket.connect)(endpoint)

    def close(self):
        self.socket.close(0)
        self.context.term()

    def report(self, cpu=12.5, mem=80.0, **more):
        self.send(json.dumps({"color": self.color, "timestamp": now(),
                              "cpu": cpu, "mem": mem} | more))

    def send(self, *parts):
        self.socket.send_multipart(
            [part.encode() if isinstance(part, str) else part
             for part in parts])


class FakeBroker:
    """What --monitor-bind of a broker publishes, as the test wants it."""

    def __init__(self, case, name="fake:25000", port=None, interval=0.2):
        self.name, self.interval, self.seq = name, interval, 0
        self.port = port or free_port()
        self.context = zmq.Context()
        case.addCleanup(self.close)
        self.socket = self.context.socket(zmq.XPUB)
        self.socket.bind(self.endpoint)
        self.topics = set()

    @property
    def endpoint(self):
        return f"tcp://127.0.0.1:{self.port}"

    def close(self):
        self.socket.close(0)
        self.context.term()

    def heard(self, topic, deadline_ms=20000):
        """Waits until the collector subscribes to this topic."""
        while topic not in self.topics:
            if not self.socket.poll(deadline_ms):
                raise AssertionError(f"nobody subscribes to {topic}")
            word = self.socket.recv()
            if word[:1] == b"\1":
                self.topics.add(word[1:].decode())

    def publish(self, topic, *parts):
        self.socket.send_multipart(
            [topic.encode(), *(part if isinstance(part, bytes)
                               else json.dumps(part).encode()
                               for part in parts)])

    def head(self):
        return {"broker": self.name, "timestamp": now(),
                "interval": self.interval, "seq": self.seq}

    def round(self, channels=(), clients=(), users=(), **counters):
        """One interval passes: the next of all four documents."""
        self.seq += 1
        self.publish("sluice.stats",
                     self.stats(channels, clients, counters))
        self.publish("sluice.users", self.head() | {
            "total": len(users), "users": list(users), "rest": {}})
        self.publish("sluice.channels", self.head() | {
            "total": len(channels), "channels": list(channels), "rest": {}})
        self.publish("sluice.clients", self.head() | {
            "total": len(clients), "clients": list(clients), "rest": {}})

    def stats(self, channels, clients, counters):
        base = {"connections": len(clients), "channels": len(channels),
                "messages_in": 0, "messages_out": 0, "queued_messages": 0,
                "queued_bytes": 0, "memory_bytes": 0,
                "memory_limit_bytes": 256 << 20, "paused_publishers": 0}
        return self.head() | {
            "color": "#4f9d3a", "cpu": 1.5, "mem": 6.4, "source": "sluice",
            "version": "0.1.0", "pid": 1, "uptime": self.seq * self.interval,
            "stopping": False, "counters": base | counters, "closed": {}}

    def event(self, event, **more):
        self.publish("sluice.event", self.head() | {
            "event": event, "missed": 0, "conn": 1, "peer": "127.0.0.1:1"}
            | more)
