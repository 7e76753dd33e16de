# SPDX-License-Identifier: MIT
"""Segments mean nothing: frames cut anywhere, or many in one segment, have
the same result."""
import socket

from wire import (KIB, MIB, WireTest, frame, head, main, number_of, numbered,
                  pair)

TOPIC = b"/topic/cut"


def conversation():
    """A small client's whole life, with every kind of frame in it."""
    return (frame(b"/null") + pair(TOPIC, b"first") + pair(TOPIC, b"") +
            pair(b"/null", b"gone") + pair(b"/sys/x", b"gone") +
            pair(b"n" * 255, b"unheard") + pair(TOPIC, b"x" * 40) +
            frame(b""))


EXPECTED = [b"first", b"", b"x" * 40]


class Cuts(WireTest):
    def setUp(self):
        self.sluiced = self.broker()
        self.listener = self.subscriber(self.sluiced, TOPIC)

    def speak(self, *segments):
        """Sends the segments apart: each is read before the next comes."""
        client = self.connect(self.sluiced)
        client.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for segment in segments[:-1]:
            client.send(segment)
            self.sluiced.sync()
        client.send(segments[-1])
        self.assertEqual(client.wait_closed(), "eof")
        self.assertEqual(self.listener.recv_many(3), EXPECTED)

    def test_whole_conversation_in_one_segment(self):
        """Many frames in one segment."""
        self.speak(conversation())

    def test_cut_at_every_byte(self):
        """Two segments, for every place they can be cut at."""
        data = conversation()
        for at in range(1, len(data)):
            with self.subTest(cut=at):
                self.speak(data[:at], data[at:])

    def test_byte_by_byte(self):
        """As many segments as bytes."""
        data = conversation()
        self.speak(*[data[i:i + 1] for i in range(len(data))])

    def test_truncated_at_every_byte(self):
        """A client that ends anywhere leaves no trace (class 5)."""
        self.check_no_trace(lambda client: client.close())

    def test_reset_at_every_byte(self):
        """The same with a reset."""
        self.check_no_trace(lambda client: client.reset())

    def check_no_trace(self, leave):
        data = conversation()[:-4]
        self.sluiced.end_sync()
        accepted = self.sluiced.wait_stats(connections=1)["accepted"]
        for end in range(len(data)):
            leave(self.connect(self.sluiced).send(data[:end]))
        self.sluiced.wait_stats(accepted=accepted + len(data),
                                connections=1, channels=1)
        self.assert_serves(self.sluiced)


class States(WireTest):
    """Every kind of frame in every state, once and twice (class 7)."""

    BEFORE = {
        "fresh": b"",
        "publisher": frame(b""),
        "subscriber": frame(TOPIC),
        "worker": frame(b"/queue/cut"),
        "named": frame(b"") + frame(TOPIC),
        "used": frame(TOPIC) + pair(TOPIC, b"m") * 3,
        "inside a head": frame(b"") + b"\0",
        "inside a name": frame(b"") + head(9) + b"/top",
        "inside a message": frame(b"") + frame(TOPIC) + head(99) + b"x",
        "leaving": frame(TOPIC) + pair(TOPIC, b"m") + frame(b""),
    }
    THEN = (b"", frame(b""), frame(TOPIC), frame(b"/queue/cut"),
            frame(b"/null"), frame(b"/sys"), frame(b"\0"), frame(b"n" * 255),
            frame(b"n" * 256), frame(b"x" * 70000), head(0xffffffff),
            b"GET / HTTP/1.1\r\n\r\n", b"\xff")

    def test_every_frame_in_every_state(self):
        """Whatever is legal or not, each client ends alone."""
        sluiced = self.broker()
        for before in self.BEFORE.values():
            for then in self.THEN:
                for times in (1, 2):
                    client = self.connect(sluiced)
                    self.say(client, before)
                    sluiced.sync()
                    self.say(client, then * times)
                    client.close()
            self.assert_serves(sluiced)
        worker = self.connect(sluiced).subscribe(b"/queue/cut")
        sluiced.wait_stats(queued_messages=0)
        worker.close()
        sluiced.end_sync()
        sluiced.wait_stats(connections=0, channels=0)

    @staticmethod
    def say(client, data):
        try:
            client.send(data)
        except OSError:
            pass  # closed in the middle of it, rightly


class Sizes(WireTest):
    def test_every_size_around_the_buffers_arrives_intact(self):
        """Bodies near 64 KiB, 256 KiB and powers of two, back to back."""
        sluiced = self.broker()
        listener = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced)
        sizes = [8, 9, 4 * KIB]
        for base in (16 * KIB, 64 * KIB, 128 * KIB, 256 * KIB, MIB):
            sizes += [base + d for d in (-9, -8, -5, -4, -3, -1, 0, 1, 4)]
        for number, size in enumerate(sizes):
            sender.publish(TOPIC, numbered(number, size))
            self.assertEqual(listener.recv(), numbered(number, size))

    def test_small_and_large_messages_keep_their_order(self):
        """Large bodies take another way through memory, not past others."""
        sluiced = self.broker()
        listeners = [self.subscriber(sluiced, TOPIC) for _ in "ab"]
        sizes = [8, 100, 70 * KIB, 8, 65536, 9, 300 * KIB, 12, 13] * 20
        messages = [numbered(i, size) for i, size in enumerate(sizes)]
        sender = self.publisher(sluiced)
        for at in range(0, len(messages), 9):
            sender.publish(TOPIC, *messages[at:at + 9])
            for listener in listeners:
                got = listener.recv_many(9)
                self.assertEqual([number_of(m) for m in got],
                                 list(range(at, at + 9)))
                self.assertEqual(got, messages[at:at + 9])


if __name__ == "__main__":
    main()
