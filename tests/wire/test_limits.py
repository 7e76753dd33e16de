# SPDX-License-Identifier: MIT
"""The frame limit: nothing above it is read, nothing below it is refused,
and no length field reserves memory (classes 1, 3, 4; figure R9)."""
import resource

from wire import (KIB, MIB, TLS_EACH_KIB, WireTest, frame, head, main,
                  numbered, pair, pairs)

TOPIC = b"/topic/limits"
MAX = 16 * MIB
HOSTILE = (MAX + 1, 0x7fffffff, 0x80000000, 0xffffffff)
SMALL_STACK = {resource.RLIMIT_STACK: 256 * KIB}
TOO_LONG = "frame_too_long|name_too_long"


class FrameLimit(WireTest):
    def test_message_of_exactly_the_limit_passes(self):
        """--max-frame is the greatest allowed length."""
        for option, size in (("1000", 1000), ("64k", 64 * KIB),
                             ("2m", 2 * MIB)):
            with self.subTest(limit=option):
                sluiced = self.broker("--max-frame", option)
                listener = self.subscriber(sluiced, TOPIC)
                self.publisher(sluiced).publish(TOPIC, numbered(7, size))
                self.assertEqual(listener.recv(), numbered(7, size))

    def test_message_one_byte_above_the_limit_closes(self):
        """One more is too much, whatever the limit."""
        for option, size in (("1000", 1000), ("64k", 64 * KIB)):
            with self.subTest(limit=option):
                sluiced = self.broker("--max-frame", option)
                client = self.publisher(sluiced)
                client.send(frame(TOPIC) + head(size + 1))
                self.assert_closed(sluiced, client, "frame_too_long")

    def test_default_limit_is_16_mib(self):
        """16 MiB pass, 16 MiB and a byte do not."""
        sluiced = self.broker()
        listener = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced).publish(TOPIC, numbered(1, MAX))
        self.assertEqual(listener.recv(), numbered(1, MAX))
        sender.send(frame(TOPIC) + head(MAX + 1))
        self.assert_closed(sluiced, sender, "frame_too_long")

    def test_hostile_lengths_close_in_every_position(self):
        """0x7fffffff, 0x80000000 and 0xffffffff as the first name, as a
        later name, as a message: closed before a byte of the body."""
        before = ((b"", TOO_LONG), (frame(TOPIC), TOO_LONG),
                  (frame(TOPIC) + frame(TOPIC), "frame_too_long"),
                  (frame(b"") + pair(TOPIC, b"m") + frame(TOPIC),
                   "frame_too_long"))
        for length in HOSTILE:
            for start, reason in before:
                with self.subTest(length=hex(length), after=start):
                    sluiced = self.broker()
                    client = self.connect(sluiced).send(start + head(length))
                    self.assert_closed(sluiced, client, reason)

    def test_body_of_a_refused_frame_is_not_executed(self):
        """Valid frames inside an oversized one stay bytes (class 4)."""
        sluiced = self.broker("--max-frame", "1000")
        listener = self.subscriber(sluiced, TOPIC)
        body = pairs(TOPIC, [b"smuggled"] * 200)
        self.connect(sluiced).send(frame(b"") + frame(TOPIC) +
                                   frame(body)).wait_closed()
        self.connect(sluiced).send(frame(b"") + frame(body)).wait_closed()
        self.connect(sluiced).send(frame(body)).wait_closed()
        self.publisher(sluiced).publish(TOPIC, b"honest")
        self.assertEqual(listener.recv(), b"honest")

    def test_frames_before_a_refused_one_count(self):
        """The offender's earlier messages were complete."""
        sluiced = self.broker()
        listener = self.subscriber(sluiced, TOPIC)
        self.connect(sluiced).send(
            frame(b"") + pair(TOPIC, b"a") + pair(TOPIC, b"b") +
            frame(TOPIC) + head(0xffffffff)).wait_closed()
        self.assertEqual(listener.recv_many(2), [b"a", b"b"])

    def test_offender_alone_is_closed(self):
        """Its neighbours on the same channel do not notice."""
        sluiced = self.broker()
        neighbours = [self.subscriber(sluiced, TOPIC) for _ in range(3)]
        offender = self.subscriber(sluiced, TOPIC).send(head(0x7fffffff))
        offender.wait_closed()
        neighbours[0].publish(TOPIC, b"still here")
        for neighbour in neighbours:
            self.assertEqual(neighbour.recv(), b"still here")

    def test_large_limit_is_possible(self):
        """Up to 1 GiB: a 40 MiB message passes under --max-frame 64m."""
        sluiced = self.broker("--max-frame", "64m", "--client-limit", "64m")
        listener = self.subscriber(sluiced, TOPIC)
        self.publisher(sluiced).publish(TOPIC, numbered(1, 40 * MIB))
        self.assertEqual(listener.recv(), numbered(1, 40 * MIB))

    def test_message_above_the_client_limit_passes(self):
        """An empty outbox takes one message of any legal size: a limit on
        the backlog is not a limit on the frame."""
        sluiced = self.broker("--client-limit", "64k")
        listener = self.subscriber(sluiced, TOPIC)
        self.publisher(sluiced).publish(TOPIC, numbered(1, 2 * MIB))
        self.assertEqual(listener.recv(), numbered(1, 2 * MIB))


class Memory(WireTest):
    """1,000 connections that promise more than they send (class 1)."""

    def assert_costs_little(self, data, kib_each):
        sluiced = self.broker("--frame-timeout", "60s")
        self.assert_serves(sluiced)
        before = sluiced.rss_kb()
        clients = [self.connect(sluiced).send(data) for _ in range(1000)]
        accepted = sluiced.wait_stats(accepted=lambda n: n >= 1002)
        self.assert_serves(sluiced)
        self.assert_memory(sluiced.rss_kb() - before,
                           1000 * (kib_each + TLS_EACH_KIB))
        return sluiced, clients, accepted

    def test_illegal_lengths_allocate_nothing(self):
        """4 GiB promised, all closed, far less than 64 KiB each."""
        for length in HOSTILE:
            with self.subTest(length=hex(length)):
                sluiced, clients, _ = self.assert_costs_little(
                    frame(b"") + frame(TOPIC) + head(length), 2)
                for client in clients:
                    client.wait_closed()
                sluiced.end_sync()
                sluiced.wait_stats(connections=0)

    def test_legal_lengths_allocate_nothing_in_advance(self):
        """16 GiB promised legally: only what arrives is kept."""
        data = frame(b"") + frame(TOPIC) + head(MAX)
        self.assert_costs_little(data, 2)

    def test_partial_bodies_cost_what_arrived(self):
        """A hundred bytes of 16 MiB are not 16 MiB."""
        data = frame(b"") + frame(TOPIC) + head(MAX) + b"x" * 100
        self.assert_costs_little(data, 2)

    def test_long_name_of_separators(self):
        """64 KiB of separators or wildcards as a name are refused like
        any long name, on a stack of 256 KiB (class 10)."""
        sluiced = self.broker(limits=SMALL_STACK)
        for byte in (b"/", b"*", b"#", b".", b"\0"):
            name = frame(b"/" + byte * (64 * KIB - 1))
            for start in (b"", frame(b"")):
                client = self.connect(sluiced).send(start + name[:60000])
                self.assertIn(client.wait_closed(), ("eof", "reset"))
        self.assert_serves(sluiced, b"/" * 255)


if __name__ == "__main__":
    main()
