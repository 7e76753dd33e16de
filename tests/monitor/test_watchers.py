# SPDX-License-Identifier: MIT
"""A misbehaving watcher harms only itself."""
import itertools
import os
import resource
import socket
import struct
import tempfile
import unittest

from monitor import DEADLINE, Feed, MonitorTest, main, zmq
from wire import KIB, MIB, is_sanitised

STATS = b"sluice.stats"
QUEUE, TOPIC = b"/queue/jobs", b"/topic/news"
HELD_MIB = 16  # what large parts under way may hold

# ZMTP 3.0, without security.
GREETING = b"\xff" + bytes(8) + b"\x7f\3\0" + b"NULL".ljust(20, b"\0") + bytes(32)
READY = b"\4\x19\5READY\x0bSocket-Type\0\0\0\3SUB"


class Watchers(MonitorTest):
    def stalled(self, sluiced, *topics):
        """It subscribes, and reads nothing more than it has to."""
        return self.feed(sluiced, *topics, RCVHWM=1, RCVBUF=4096)

    def pump(self, sluiced, channel, count, size):
        """So many messages from a publisher to a subscriber."""
        listener = self.subscriber(sluiced, channel)
        sender = self.publisher(sluiced)
        for start in range(0, count, 100):
            sender.flood(channel, 100, size, start=start)
            self.assertEqual(listener.recv_numbers(100),
                             list(range(start, start + 100)))
        listener.close()
        sender.close()

    def test_a_stalled_one_misses_and_it_is_counted(self):
        """Messages reach their subscribers, and another watcher sees."""
        sluiced = self.watched("--tap-rate", "1000000")
        self.stalled(sluiced, b"tap." + TOPIC)
        healthy = self.feed(sluiced, STATS)
        stats = sluiced.stats()
        while stats["slow_watchers"] == 0:
            self.pump(sluiced, TOPIC, 2000, 2 * KIB)
            stats = sluiced.stats()
        seq = healthy.take(STATS)["seq"]
        self.assertEqual(healthy.take(STATS)["seq"], seq + 1)
        self.assert_serves(sluiced)

    def test_large_messages_for_it_are_bounded(self):
        """In memory: messages that do not fit are missed, and counted."""
        sluiced = self.watched("--tap-rate", "1000000")
        self.stalled(sluiced, b"tap." + TOPIC)
        self.pump(sluiced, TOPIC, 100, 100 * KIB)
        before = sluiced.rss_kb()
        self.pump(sluiced, TOPIC, 1000, 100 * KIB)
        self.assertGreater(sluiced.stats()["tap_missed"], 0)
        self.assert_memory(sluiced.rss_kb() - before, (HELD_MIB + 8) * KIB)

    def test_documents_are_numbered(self):
        """So that a watcher can count what it missed."""
        sluiced = self.watched()
        feed = self.feed(sluiced, STATS)
        first = feed.take(STATS)["seq"]
        seqs = [feed.take(STATS)["seq"] for _ in range(5)]
        self.assertEqual(seqs, list(range(first + 1, first + 6)))

    def test_raw_peers_that_say_nothing(self):
        """Or nothing sensible: others still see."""
        sluiced = self.watched()
        host, port = sluiced.endpoint.removeprefix("tcp://").rsplit(":", 1)
        socks = [socket.create_connection((host, int(port)))
                 for _ in range(50)]
        for sock in socks:
            self.addCleanup(sock.close)
        for sock, data in zip(socks, (b"GET / HTTP/1.1\r\n\r\n",
                                      b"\xff" * 100, b"\0" * 100,
                                      b"\xff\0\0\0\0\0\0\0\x01\x7f\x03")):
            sock.sendall(data)
        self.feed(sluiced, STATS).take(STATS)
        self.assert_serves(sluiced)

    def test_silent_raw_peers_are_let_go(self):
        sluiced = self.watched()
        host, port = sluiced.endpoint.removeprefix("tcp://").rsplit(":", 1)
        with socket.create_connection((host, int(port)), 60) as sock:
            while sock.recv(KIB):
                pass

    def connected(self, sluiced):
        if sluiced.endpoint.startswith("/"):
            sock = socket.socket(socket.AF_UNIX)
            sock.connect(sluiced.endpoint)
        else:
            host, port = sluiced.endpoint.removeprefix("tcp://").rsplit(":", 1)
            sock = socket.create_connection((host, int(port)), DEADLINE)
        self.addCleanup(sock.close)
        return sock

    def raw(self, sluiced):
        """A subscriber by hand, after its handshake."""
        sock = self.connected(sluiced)
        sock.sendall(GREETING + READY)
        heard = b""
        while len(heard) < len(GREETING) or b"READY" not in heard:
            heard += sock.recv(KIB)
        return sock

    def test_what_a_watcher_may_say_is_bounded(self):
        """A subscription of a megabyte ends the connection before it is
        read: libzmq would descend into it, byte by byte."""
        sluiced = self.watched()
        modest = self.raw(sluiced)
        modest.sendall(b"\0" + bytes([1 + len(STATS)]) + b"\1" + STATS)
        self.assertIn(STATS, modest.recv(64 * KIB))
        loud = self.raw(sluiced)
        try:
            loud.sendall(b"\2" + struct.pack(">Q", MIB) + b"\1" + b"x" * MIB)
            while loud.recv(64 * KIB):
                pass
        except (ConnectionResetError, BrokenPipeError):
            pass
        self.assertIn(STATS, modest.recv(64 * KIB))
        self.assert_serves(sluiced)

    def send_until_cut(self, sluiced, *chunks):
        """Sends these in turn to the feed until it ends the connection."""
        before = sluiced.stats()["watchers_cut"]
        endless = self.raw(sluiced)
        endless.settimeout(DEADLINE)
        with self.assertRaises((BrokenPipeError, ConnectionResetError)):
            for chunk in itertools.cycle(chunks):
                endless.sendall(chunk)
        self.assertGreater(sluiced.stats()["watchers_cut"], before)

    def test_a_message_of_endless_parts_is_cut(self):
        """libzmq keeps all parts until the last one has come."""
        sluiced = self.watched()
        healthy = self.feed(sluiced, STATS)
        before = sluiced.rss_kb()
        self.send_until_cut(sluiced, b"\1\xc8" + b"x" * 200)
        self.send_until_cut(sluiced, b"\1\0" * KIB)
        healthy.take(STATS)
        self.assert_memory(sluiced.rss_kb() - before, 8 * KIB)
        self.assert_serves(sluiced)

    def test_endless_subscriptions_are_cut(self):
        """libzmq enters each of them before the broker can see it."""
        sluiced = self.watched()
        healthy = self.feed(sluiced, STATS)
        before = sluiced.rss_kb()
        self.send_until_cut(sluiced, *(b"\0\x65\1" + os.urandom(100)
                                       for _ in range(5000)))
        healthy.take(STATS)
        self.assert_memory(sluiced.rss_kb() - before, 8 * KIB)
        self.assert_serves(sluiced)

    def test_endless_subscriptions_over_a_unix_socket_are_cut(self):
        """The kernel does not count the bytes of these."""
        with tempfile.TemporaryDirectory(prefix="sluice-feed-") as folder:
            path = f"{folder}/feed"
            sluiced = self.broker("--monitor-bind", f"ipc://{path}")
            sluiced.endpoint = path
            self.send_until_cut(sluiced, *(b"\0\x65\1" + os.urandom(100)
                                           for _ in range(5000)))
            self.assert_serves(sluiced)

    @unittest.skipIf(is_sanitised(), "sanitizers multiply resident memory")
    def test_memory_that_libzmq_takes_closes_the_feed_for_a_while(self):
        """Each of these stays within its bounds; together they are too much
        for so small a broker."""
        sluiced = self.watched("--memory", "4m")
        client = self.subscriber(sluiced, TOPIC)
        before = sluiced.rss_kb()
        crowd = [self.raw(sluiced) for _ in range(60)]
        for sock in crowd:
            sock.sendall(b"\1\0" * 7 * KIB)
        closed = sluiced.wait_for_log("event=feed_closed")
        self.assertEqual(closed.level, "error")
        self.assertEqual(sluiced.stats()["feed_closed"], 1)
        for sock in crowd:
            while sock.recv(KIB):
                pass
        self.publisher(sluiced).publish(TOPIC, b"x")
        self.assertEqual(client.recv(), b"x")
        sluiced.wait_for_log("event=feeding", count=2)
        self.feed(sluiced, STATS).take(STATS)
        self.assert_memory(sluiced.rss_kb() - before, 8 * KIB)

    def test_too_many_subscriptions_are_cut(self):
        """Even though they are slow to come, and short."""
        sluiced = self.watched()
        greedy = self.raw(sluiced)
        for i in range(101):
            greedy.sendall(b"\0\6\1%05d" % i)
        self.assertIn("reason=subscriptions",
                      sluiced.wait_for_log("event=watcher_cut").text)
        try:
            while greedy.recv(KIB):
                pass
        except ConnectionResetError:
            pass

    def test_a_watcher_ends_only_its_own_subscriptions(self):
        """libzmq reports the end of a subscription that another one has."""
        sluiced = self.watched()
        healthy = self.feed(sluiced, STATS)
        rude = self.raw(sluiced)
        rude.sendall(2 * (b"\0\x0d\0" + STATS) + b"\0\x10\1sluice.channels")
        while b"sluice.channels" not in rude.recv(64 * KIB):
            pass
        seq = healthy.take(STATS)["seq"]
        self.assertEqual(healthy.take(STATS)["seq"], seq + 1)

    def test_silent_watchers_keep_out_nobody(self):
        """Neither clients, which need descriptors, nor watchers."""
        sluiced = self.watched(limits={resource.RLIMIT_NOFILE: 256})
        client = self.subscriber(sluiced, TOPIC)
        silent = [self.connected(sluiced) for _ in range(300)]
        self.feed(sluiced, STATS).take(STATS)
        self.assertGreater(sluiced.stats()["watchers_refused"], 0)
        self.subscriber(sluiced, TOPIC)
        self.publisher(sluiced).publish(TOPIC, b"x")
        self.assertEqual(client.recv(), b"x")
        for sock in silent:
            sock.close()

    def test_messages_upstream_are_ignored(self):
        """An XSUB may send more than subscriptions."""
        sluiced = self.watched()
        rude = self.context.socket(zmq.XSUB)
        self.addCleanup(rude.close)
        rude.setsockopt(zmq.LINGER, 0)
        rude.connect(sluiced.endpoint)
        for text in (b"", b"\x02hello", b"\x00never subscribed", b"\xff",
                     b"\x01" + STATS):
            rude.send(text)
        self.assertTrue(rude.poll(60000))
        self.assertEqual(rude.recv_multipart()[0], STATS)

    def test_many_watchers(self):
        sluiced = self.watched()
        feeds = [self.feed(sluiced, STATS) for _ in range(50)]
        seqs = {feed.take(STATS)["pid"] for feed in feeds}
        self.assertEqual(seqs, {sluiced.process.pid})

    def test_coming_and_going_leaves_nothing(self):
        """Descriptors and memory are as before."""
        sluiced = self.watched()
        topics = (STATS, b"sluice.event", b"tap." + TOPIC)
        self.feed(sluiced, *topics).close()
        sluiced.wait_stats(channels=0)
        fds, rss = sluiced.fd_count(), sluiced.rss_kb()
        for _ in range(100):
            feed = Feed(self.context, sluiced.endpoint, *topics)
            feed.close()
        sluiced.end_sync()
        sluiced.wait_stats(channels=0)
        self.assertLessEqual(sluiced.fd_count(), fds + 2)
        self.assert_memory(sluiced.rss_kb() - rss, 2 * KIB)


if __name__ == "__main__":
    main()
