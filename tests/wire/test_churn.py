# SPDX-License-Identifier: MIT
"""Coming and going: descriptors and memory return to where they were."""
import contextlib

from wire import (KIB, TLS_KIB, WITH_TLS, WireTest, frame, head, main,
                  pair)

TOPIC = b"/topic/churn"
FEWER = 10 if WITH_TLS else 1  # each of them is a handshake

# Every way to be closed by the broker, or to leave in the middle.
MALFORMED = {
    "first frame too long": head(0xffffffff),
    "first name too long": frame(b"n" * 256),
    "later name too long": frame(TOPIC) + frame(b"n" * 256),
    "message too long": frame(TOPIC) + frame(TOPIC) + head(0x80000000),
    "reserved version": frame(b"\0v2"),
    "another protocol": b"GET / HTTP/1.1\r\n\r\n",
    "partial head": frame(TOPIC) + b"\0\0",
    "partial name": frame(b"/queue/churn") + frame(TOPIC)[:-1],
    "partial message": frame(TOPIC) + pair(TOPIC, b"x" * KIB)[:-1],
    "name alone": frame(TOPIC) + frame(b"/topic/lonely"),
    "nothing": b"",
}


class Churn(WireTest):
    def assert_all_gone(self, sluiced, fds):
        sluiced.end_sync()
        stats = sluiced.wait_stats(connections=0, channels=0)
        self.assertEqual(sluiced.fd_count(), fds)
        self.assertEqual(sluiced.close_waits(), 0)
        return stats

    def come_and_go(self, sluiced, start):
        """250 at a time: a subscriber to a channel of its own, a worker,
        a publisher; they leave in five ways."""
        clients = []
        for number in range(start, start + 250):
            name = (b"/topic/%d", b"/queue/%d")[number % 2] % number
            client = sluiced.connect().subscribe(name)
            client.publish(name, b"x" * (number % 50))
            client.publish(b"/topic/nobody/%d" % number, b"x" * KIB)
            clients.append(client)
        for number, client in enumerate(clients):
            client.recv()
            leave = ("close", "reset", "goodbye", "half_close",
                     "close")[number % 5]
            getattr(client, leave)()
            if leave in ("goodbye", "half_close"):
                client.wait_closed()
                client.close()

    def test_thousand_connections_leave_nothing(self):
        """Four times 250, then all again: no descriptor, no channel, no
        memory more than before."""
        sluiced = self.broker()
        fds = sluiced.fd_count()
        for start in range(0, 1000, 250):
            self.come_and_go(sluiced, start)
        self.assert_all_gone(sluiced, fds)
        before = sluiced.rss_kb()
        for start in range(1000, 3000, 250):
            self.come_and_go(sluiced, start)
        stats = self.assert_all_gone(sluiced, fds)
        self.assertEqual(stats["accepted"], 3000)
        self.assert_memory(sluiced.rss_kb() - before, 512 + TLS_KIB)

    def test_channels_cost_nothing_afterwards(self):
        """100,000 names used once: a channel exists while it is needed."""
        sluiced = self.broker()
        fds = sluiced.fd_count()
        sender = self.publisher(sluiced)
        names = [b"/topic/once/%d" % n for n in range(100_000)]
        sender.send(b"".join(pair(name, b"m") for name in names[:20000]))
        sluiced.sync(sender)
        before = sluiced.rss_kb()
        for at in range(20000, len(names), 1000):
            sender.send(b"".join(pair(n, b"m") for n in names[at:at + 1000]))
        sluiced.sync(sender)
        self.assert_memory(sluiced.rss_kb() - before, 512)
        sender.close()
        self.assert_all_gone(sluiced, fds)

    def test_emptied_queues_are_gone(self):
        """A queue that held messages costs nothing when they are taken."""
        sluiced = self.broker()
        fds = sluiced.fd_count()
        sender = self.publisher(sluiced)
        for number in range(500):
            sender.publish(b"/queue/%d" % number, b"m" * KIB)
        sluiced.sync(sender)
        self.assertGreaterEqual(sluiced.stats()["channels"], 500)
        for number in range(500):
            with sluiced.connect() as worker:
                worker.subscribe(b"/queue/%d" % number)
                self.assertEqual(worker.recv(), b"m" * KIB)
        sender.close()
        stats = self.assert_all_gone(sluiced, fds)
        self.assertEqual(stats["queued_messages"], 0)


class Malformed(WireTest):
    def repeat(self, sluiced, data, count):
        """Clients that send `data` and leave, or are made to."""
        for number in range(count):
            with sluiced.connect() as client:
                with contextlib.suppress(OSError):  # it has heard enough
                    client.send(data).half_close()
                client.wait_closed()
                if number % 2:
                    client.reset()

    def test_ten_thousand_of_each_leave_no_memory(self):
        """The slope is zero for every malformed beginning (class 9)."""
        sluiced = self.broker()
        fds = sluiced.fd_count()
        for what, data in MALFORMED.items():
            with self.subTest(what):
                self.repeat(sluiced, data, 2000 // FEWER)
                before = sluiced.rss_kb()
                self.repeat(sluiced, data, 8000 // FEWER)
                self.assert_memory(sluiced.rss_kb() - before, 256)
        sluiced.wait_stats(connections=0, channels=0)
        self.assertEqual(sluiced.fd_count(), fds)
        self.assert_serves(sluiced)

    def test_the_log_is_not_flooded(self):
        """Repeated events are counted, not repeated."""
        sluiced = self.broker()
        self.repeat(sluiced, MALFORMED["first name too long"], 2000)
        self.assertLess(sluiced.mark(), 500)


if __name__ == "__main__":
    main()
