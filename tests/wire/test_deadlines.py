# SPDX-License-Identifier: MIT
"""Patience with silence: before the first frame, inside a frame, at a
goodbye; and no deadline for clients that may be silent (class 13, figure R8).

Where a test must show that something is not closed, the closing of another
client that began later is its clock.
"""
import signal
import time

from wire import (KIB, Background, WireTest, frame, head, main, pair)

TOPIC = b"/topic/deadlines"
PARTIAL_HELLOS = (b"\0", b"\0\0\0", head(9), frame(TOPIC)[:-1])
HELLO_REASON = "hello_timeout|frame_timeout"


class HelloTimeout(WireTest):
    def test_silent_connection_is_closed(self):
        """--hello-timeout: a silent client is closed, and named."""
        sluiced = self.broker("--hello-timeout", "300ms")
        client = self.connect(sluiced)
        self.assert_closed(sluiced, client, "hello_timeout")

    def test_partial_hello_is_closed(self):
        """A first frame that does not end is as good as none."""
        for data in PARTIAL_HELLOS:
            with self.subTest(data=data):
                sluiced = self.broker("--hello-timeout", "300ms",
                                      "--frame-timeout", "300ms")
                client = self.connect(sluiced).send(data)
                self.assert_closed(sluiced, client, HELLO_REASON)

    def test_it_does_not_come_early(self):
        """A client that needs half of the time is welcome."""
        sluiced = self.broker("--hello-timeout", "4s")
        late = self.connect(sluiced)
        self.assertFalse(late.is_closed_within(1))
        late.subscribe(TOPIC).publish(TOPIC, b"in time")
        self.assertEqual(late.recv(), b"in time")

    def test_who_said_hello_may_be_silent_for_ever(self):
        """Subscribers and publishers wait as long as they like."""
        sluiced = self.broker("--hello-timeout", "300ms",
                              "--frame-timeout", "300ms")
        listener = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced).publish(b"/null", b"")
        for _ in range(3):
            self.connect(sluiced).wait_closed()
        sender.publish(TOPIC, b"m")
        self.assertEqual(listener.recv(), b"m")

    def test_thousand_silent_or_partial_connections(self):
        """All closed in time, while a healthy pair is served, and the
        descriptors come back."""
        sluiced = self.broker("--hello-timeout", "1s")
        self.assert_serves(sluiced)
        before = sluiced.fd_count()
        begin = time.monotonic()
        clients = [self.connect(sluiced) for _ in range(1000)]
        for number, client in enumerate(clients):
            client.send((b"", *PARTIAL_HELLOS)[number % 5])
        self.assert_serves(sluiced)
        for client in clients:
            self.assertIn(client.wait_closed(30), ("eof", "reset"))
        self.assertLess(time.monotonic() - begin, 30)
        sluiced.end_sync()
        sluiced.wait_stats(connections=0)
        self.assertLessEqual(sluiced.fd_count(), before)


class FrameTimeout(WireTest):
    def setUp(self):
        self.sluiced = self.broker("--frame-timeout", "400ms",
                                   "--queue-limit", "64k",
                                   "--log-level", "debug")

    def clock(self):
        """Returns when a frame that began now has been timed out."""
        later = self.publisher(self.sluiced).send(b"\0\0")
        later.wait_closed()

    def test_frame_without_progress_is_closed(self):
        """A head, a part of a head, a part of a body, in every place."""
        for data in (b"\0", frame(TOPIC)[:-1], frame(TOPIC),
                     frame(TOPIC) + b"\0\0",
                     pair(TOPIC, b"cut")[:-1], frame(TOPIC) + head(KIB)):
            with self.subTest(data=data):
                mark = self.sluiced.mark()
                client = self.publisher(self.sluiced).send(data)
                client.wait_closed()
                line = self.sluiced.wait_for_log(
                    "event=closed .*reason=frame_timeout", mark)
                self.assertEqual(line.level, "warning")

    def test_between_pairs_time_does_not_count(self):
        """A whole message is not the beginning of the next one."""
        listener = self.subscriber(self.sluiced, TOPIC)
        client = self.publisher(self.sluiced).publish(TOPIC, b"first")
        self.clock()
        self.clock()
        client.publish(TOPIC, b"second")
        self.assertEqual(listener.recv(), b"first")
        self.assertEqual(listener.recv(), b"second")

    def test_progress_counts(self):
        """A trickle lasts longer than the timeout and is served: what is
        closed is a frame without progress."""
        sluiced = self.broker("--frame-timeout", "2s")
        listener = self.subscriber(sluiced, TOPIC)
        client = self.publisher(sluiced)
        data = pair(TOPIC, b"drop by drop, but it comes")
        client.send(data[:10])
        for at in range(10, len(data) - 1):
            self.assertFalse(client.is_closed_within(0.1))
            client.send(data[at:at + 1])
        client.send(data[-1:])
        self.assertEqual(listener.recv(), b"drop by drop, but it comes")

    def test_paused_publisher_is_not_timed_out(self):
        """It is the broker that does not read: its half frame waits."""
        queue = b"/queue/full"
        sender = self.publisher(self.sluiced)
        sending = Background(sender.flood, queue, 20000, KIB)
        self.sluiced.wait_for_log("event=publisher_paused")
        self.clock()
        self.clock()
        worker = self.connect(self.sluiced).subscribe(queue)
        self.assertEqual(worker.recv_numbers(20000), list(range(20000)))
        sending.join()
        self.sluiced.sync(sender)

    def test_subscriber_of_large_messages_is_not_timed_out(self):
        """The limit is for what a client sends, not for what it gets."""
        listener = self.subscriber(self.sluiced, TOPIC, rcvbuf=4096)
        self.publisher(self.sluiced).publish(TOPIC, b"x" * (6 << 20))
        self.clock()
        self.clock()
        self.assertEqual(len(listener.recv()), 6 << 20)


class Frozen(WireTest):
    """The broker stands still for longer than the timeouts, as in a machine
    that is paused; its kernel goes on receiving."""

    def freeze_beyond(self, sluiced):
        """Stops it; returns when its timeouts have passed."""
        sluiced.signal(signal.SIGSTOP)
        clock = self.broker("--hello-timeout", "1500ms")
        self.connect(clock).wait_closed()

    def test_what_came_in_time_is_read_before_it_is_judged(self):
        """Ten clients have sent the rest in time, and none is closed."""
        sluiced = self.broker("--hello-timeout", "300ms",
                              "--frame-timeout", "300ms")
        listener = self.subscriber(sluiced, TOPIC)
        late = [self.connect(sluiced) for _ in range(5)]
        half = [self.publisher(sluiced).publish(b"/null", b"")
                .send(pair(TOPIC, b"half")[:-2]) for _ in range(5)]
        sluiced.sync()
        sluiced.signal(signal.SIGSTOP)
        for client in late:
            client.subscribe(b"/null").publish(TOPIC, b"late")
        for client in half:
            client.send(b"lf")
        self.freeze_beyond(sluiced)
        sluiced.signal(signal.SIGCONT)
        heard = sorted(listener.recv() for _ in range(10))
        self.assertEqual(heard, [b"half"] * 5 + [b"late"] * 5)
        self.assertEqual(sluiced.stats()["closed_timeout"], 0)


class LeaveTimeout(WireTest):
    def test_goodbye_of_a_stalled_client_ends(self):
        """A client that says goodbye and does not take what it is owed is
        closed in the end; its descriptor is freed."""
        sluiced = self.broker("--frame-timeout", "500ms", "--drain-timeout",
                              "500ms", "--patience", "100ms")
        client = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced)
        sender.flood(TOPIC, 8000, KIB)
        sluiced.sync(sender)
        client.goodbye()
        sluiced.wait_for_log("event=closed .*reason=leave_timeout")
        sluiced.end_sync()
        sluiced.wait_stats(connections=1)


if __name__ == "__main__":
    main()
