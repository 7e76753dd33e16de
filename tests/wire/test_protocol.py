# SPDX-License-Identifier: MIT
"""The protocol, row by row: what a client may send, and the result."""
from wire import (DEADLINE, WireTest, frame, head, main, number_of, pair,
                  run_sluiced)

TOPIC, QUEUE = b"/topic/foo", b"/queue/foo"


class Delivery(WireTest):
    def setUp(self):
        self.sluiced = self.broker()

    def test_topic_message_goes_to_every_subscriber(self):
        """Any name that is nothing special is a topic: it fans out."""
        listeners = [self.subscriber(self.sluiced, TOPIC) for _ in range(5)]
        self.publisher(self.sluiced).publish(TOPIC, b"one", b"two")
        for listener in listeners:
            self.assertEqual(listener.recv_many(2), [b"one", b"two"])

    def test_queue_message_goes_to_exactly_one_subscriber(self):
        """A name that begins with /queue shares its messages out."""
        workers = [self.subscriber(self.sluiced, QUEUE) for _ in range(3)]
        sender = self.publisher(self.sluiced).publish(
            QUEUE, *[b"%d" % i for i in range(30)])
        self.sluiced.sync(sender)
        for worker in workers:
            worker.goodbye()
        got = [w.recv_until_closed() for w in workers]
        self.assertEqual([len(messages) for messages in got], [10, 10, 10])
        self.assertEqual(sorted(m for messages in got for m in messages),
                         sorted(b"%d" % i for i in range(30)))

    def test_queue_is_a_bare_prefix(self):
        """/queuefoo and /queue are queues, /queu and x/queue are topics."""
        for name, copies in ((b"/queuefoo", 1), (b"/queue", 1),
                             (b"/queu", 2), (b"x/queue", 2), (b"/Queue", 2)):
            with self.subTest(name=name):
                two = [self.subscriber(self.sluiced, name) for _ in "ab"]
                sender = self.publisher(self.sluiced).publish(name, b"m")
                self.sluiced.sync(sender)
                got = []
                for client in two:
                    got += client.goodbye().recv_until_closed()
                self.assertEqual(got, [b"m"] * copies)

    def test_message_is_delivered_alone(self):
        """A subscriber sees frames of messages, never channel names."""
        listener = self.subscriber(self.sluiced, TOPIC)
        self.publisher(self.sluiced).publish(TOPIC, b"only this").goodbye()
        self.assertEqual(listener.recv(), b"only this")
        self.assertEqual(listener.goodbye().recv_until_closed(), [])
        self.assertEqual(listener.unfinished, 0)

    def test_other_channels_are_not_heard(self):
        """A subscription is one exact name."""
        listener = self.subscriber(self.sluiced, TOPIC)
        self.publisher(self.sluiced).send(
            pair(TOPIC + b"/", b"no") + pair(TOPIC[:-1], b"no") +
            pair(TOPIC.upper(), b"no") + pair(TOPIC, b"yes"))
        self.assertEqual(listener.recv(), b"yes")

    def test_publisher_subscribed_to_its_channel_hears_itself(self):
        """A publisher subscribed to what it publishes gets its messages."""
        client = self.connect(self.sluiced).subscribe(TOPIC)
        client.publish(TOPIC, b"to me", b"too")
        self.assertEqual(client.recv_many(2), [b"to me", b"too"])

    def test_worker_may_feed_its_own_queue(self):
        """The same, for a queue."""
        client = self.connect(self.sluiced).subscribe(QUEUE)
        client.publish(QUEUE, b"to me", b"too")
        self.assertEqual(client.recv_many(2), [b"to me", b"too"])

    def test_empty_message_is_a_message(self):
        """An empty message killed a channel in the book's broker."""
        for name in (TOPIC, QUEUE):
            with self.subTest(channel=name):
                listener = self.subscriber(self.sluiced, name)
                self.publisher(self.sluiced).publish(name, b"", b"after", b"")
                self.assertEqual(listener.recv_many(3), [b"", b"after", b""])

    def test_order_is_kept_for_every_subscriber(self):
        """Messages of one publisher on one channel keep their order."""
        listeners = [self.subscriber(self.sluiced, TOPIC) for _ in range(4)]
        sender = self.publisher(self.sluiced).flood(TOPIC, 20000, 100)
        for listener in listeners:
            self.assertEqual(listener.recv_numbers(20000),
                             list(range(20000)))
        self.sluiced.sync(sender)

    def test_channels_of_one_publisher_are_apart(self):
        """One connection may publish to any number of channels, mixed."""
        names = [b"/topic/%d" % i for i in range(20)]
        listeners = [self.subscriber(self.sluiced, name) for name in names]
        sender = self.publisher(self.sluiced)
        sender.send(b"".join(pair(name, b"%d to " % i + name)
                             for i in range(50) for name in names))
        for name, listener in zip(names, listeners):
            self.assertEqual(listener.recv_many(50),
                             [b"%d to " % i + name for i in range(50)])


class Names(WireTest):
    def setUp(self):
        self.sluiced = self.broker()

    def assert_carries(self, name):
        listener = self.subscriber(self.sluiced, name)
        self.publisher(self.sluiced).publish(name, b"to " + name)
        self.assertEqual(listener.recv(), b"to " + name)

    def test_names_of_1_and_255_bytes(self):
        """A name is 1 to 255 bytes."""
        for name in (b"x", b"/", b"n" * 255, b"/queue" + b"q" * 249):
            with self.subTest(length=len(name)):
                self.assert_carries(name)

    def test_names_are_arbitrary_bytes(self):
        """Zero bytes, line feeds, quotes, broken UTF-8, every byte."""
        for name in (b"a\0b", b"\n", b" ", b'"', b"\xff\xfe", b"\xc3",
                     b"%s%n", b"../../etc", bytes(range(1, 256)), b"a\0"):
            with self.subTest(name=name):
                self.assert_carries(name)

    def test_names_that_differ_after_a_zero_byte_differ(self):
        """A zero byte does not end a name."""
        listener = self.subscriber(self.sluiced, b"a\0b")
        self.publisher(self.sluiced).publish(b"a\0c", b"no").publish(
            b"a", b"no").publish(b"a\0b", b"yes")
        self.assertEqual(listener.recv(), b"yes")

    def test_first_name_of_256_bytes_closes(self):
        """A longer name closes the connection, the log says why."""
        client = self.connect(self.sluiced).subscribe(b"n" * 256)
        self.assert_closed(self.sluiced, client, "name_too_long")
        self.assert_serves(self.sluiced)

    def test_later_name_of_256_bytes_closes(self):
        """The same in the middle; what came before was processed."""
        listener = self.subscriber(self.sluiced, TOPIC)
        client = self.publisher(self.sluiced).publish(TOPIC, b"before")
        client.send(pair(b"n" * 256, b"lost") + pair(TOPIC, b"not executed"))
        self.assert_closed(self.sluiced, client, "name_too_long")
        self.publisher(self.sluiced).publish(TOPIC, b"after")
        self.assertEqual(listener.recv_many(2), [b"before", b"after"])

    def test_long_name_closes_before_its_body_comes(self):
        """The length alone is enough to know, or the first byte with it: NUL
        would open version 2."""
        for length, first in ((256, b"n"), (4096, b"n"), (4097, b"")):
            with self.subTest(length=length):
                client = self.connect(self.sluiced).send(head(length) + first)
                self.assert_closed(self.sluiced, client, "name_too_long")

    def test_later_name_may_begin_with_a_zero_byte(self):
        """Only the first frame is reserved for version 2."""
        listener = self.subscriber(self.sluiced, TOPIC)
        self.publisher(self.sluiced).publish(b"\0v2", b"dropped").publish(
            TOPIC, b"kept")
        self.assertEqual(listener.recv(), b"kept")


class ReservedNames(WireTest):
    def setUp(self):
        self.sluiced = self.broker()

    def test_null_is_a_sink(self):
        """/null has no subscriber, ever; what goes there is counted."""
        listeners = [self.subscriber(self.sluiced, b"/null") for _ in "ab"]
        sender = self.publisher(self.sluiced).publish(b"/null", *[b"x"] * 9)
        self.sluiced.sync(sender)
        self.assertEqual(self.sluiced.stats()["discarded_null"], 9)
        for listener in listeners:
            self.assertEqual(listener.goodbye().recv_until_closed(), [])

    def test_null_is_no_channel(self):
        """Subscribing to /null creates nothing."""
        client = self.connect(self.sluiced).subscribe(b"/null")
        self.sluiced.sync(client)
        self.sluiced.end_sync()
        self.sluiced.wait_stats(connections=1, channels=0)

    def test_sender_may_begin_with_null(self):
        """The book's senders use /null as their first frame."""
        listener = self.subscriber(self.sluiced, TOPIC)
        self.connect(self.sluiced).subscribe(b"/null").publish(TOPIC, b"m")
        self.assertEqual(listener.recv(), b"m")

    def test_sys_cannot_be_published_to(self):
        """/sys and what is under it belong to the broker: counted."""
        listeners = [self.subscriber(self.sluiced, name)
                     for name in (b"/sys", b"/sys/a/b")]
        sender = self.publisher(self.sluiced).publish(b"/sys", b"x", b"y")
        sender.publish(b"/sys/a/b", b"z").publish(b"/sys/", b"z")
        self.sluiced.sync(sender)
        self.assertEqual(self.sluiced.stats()["discarded_sys"], 4)
        for listener in listeners:
            self.assertEqual(listener.goodbye().recv_until_closed(), [])

    def test_reserved_names_are_not_prefixes_of_others(self):
        """/nullable and /system are topics like any other."""
        for name in (b"/nullable", b"/null/x", b"/system", b"/sysfoo"):
            with self.subTest(name=name):
                listener = self.subscriber(self.sluiced, name)
                self.publisher(self.sluiced).publish(name, b"m")
                self.assertEqual(listener.recv(), b"m")

    def test_zero_byte_in_front_is_reserved_for_version_2(self):
        """A first frame that begins with NUL closes, the log says why."""
        for name in (b"\0", b"\0sluice/2", b"\0" * 255):
            with self.subTest(name=name):
                sluiced = self.broker()
                client = self.connect(sluiced).subscribe(name)
                self.assert_closed(sluiced, client, "version_reserved")


class Hello(WireTest):
    def setUp(self):
        self.sluiced = self.broker("--log-level", "debug")

    def test_empty_first_frame_is_a_publisher(self):
        """It listens to nothing, and is no goodbye."""
        listener = self.subscriber(self.sluiced, TOPIC)
        client = self.connect(self.sluiced).subscribe(b"")
        client.publish(TOPIC, b"m")
        self.assertEqual(listener.recv(), b"m")
        self.sluiced.sync(client)

    def test_goodbye_closes(self):
        """An empty name later ends the connection, in good order."""
        client = self.publisher(self.sluiced).publish(TOPIC, b"m").goodbye()
        self.assertEqual(client.wait_closed(), "eof")
        line = self.sluiced.wait_for_log("event=closed .*reason=goodbye")
        self.assertEqual(line.level, "debug")

    def test_goodbye_flushes_everything_owed(self):
        """All that it was given before the goodbye arrives, then the
        end. What a queue had not handed over stays in the queue."""
        for name, count in ((TOPIC, 2000), (QUEUE, 50)):
            with self.subTest(channel=name):
                client = self.connect(self.sluiced).subscribe(name)
                client.flood(name, count, 1000)
                self.sluiced.sync(client)
                client.goodbye()
                self.assertEqual(len(client.recv_until_closed()), count)
                self.assertEqual(client.unfinished, 0)

    def test_goodbye_in_the_same_breath_loses_nothing(self):
        """A worker that feeds a queue and says goodbye at once: each
        message is either its own or waits for the next worker."""
        client = self.connect(self.sluiced).subscribe(QUEUE)
        client.flood(QUEUE, 2000, 1000).goodbye()
        mine = [number_of(m) for m in client.recv_until_closed()]
        heir = self.connect(self.sluiced).subscribe(QUEUE)
        rest = heir.recv_numbers(2000 - len(mine))
        self.assertEqual(mine + rest, list(range(2000)))

    def test_what_follows_a_goodbye_is_not_executed(self):
        """The goodbye is the last word."""
        listener = self.subscriber(self.sluiced, TOPIC)
        client = self.publisher(self.sluiced)
        client.send(pair(TOPIC, b"1") + frame(b"") + pair(TOPIC, b"2"))
        client.wait_closed()
        self.publisher(self.sluiced).publish(TOPIC, b"3")
        self.assertEqual(listener.recv_many(2), [b"1", b"3"])

    def test_who_said_goodbye_gets_nothing_new(self):
        """A worker that leaves takes no further share of a queue."""
        leaver = self.subscriber(self.sluiced, QUEUE).goodbye()
        leaver.wait_closed()
        stayer = self.subscriber(self.sluiced, QUEUE)
        self.publisher(self.sluiced).publish(QUEUE, *[b"m"] * 10)
        self.assertEqual(stayer.recv_many(10), [b"m"] * 10)


class Ends(WireTest):
    def setUp(self):
        self.sluiced = self.broker("--log-level", "debug")

    def test_end_of_file_processes_complete_frames(self):
        """What a client sent before it left counts, an incomplete rest
        does not, and nobody else notices."""
        listener = self.subscriber(self.sluiced, TOPIC)
        for rest in (b"", b"\0\0", frame(TOPIC), pair(TOPIC, b"cut")[:-1]):
            client = self.connect(self.sluiced).subscribe(b"")
            client.publish(TOPIC, b"whole").send(rest).close()
            self.assertEqual(listener.recv(), b"whole")
        lines = [self.sluiced.wait_for_log("event=closed .*reason=eof",
                                           count=n) for n in (1, 2, 3, 4)]
        self.assertEqual({line.level for line in lines}, {"debug"})
        self.sluiced.sync(listener)

    def test_reset_is_told_from_end_of_file(self):
        """reason=reset for a reset, at debug level, and nobody notices."""
        listener = self.subscriber(self.sluiced, TOPIC)
        client = self.publisher(self.sluiced).publish(TOPIC, b"m")
        self.sluiced.sync(client)
        client.reset()
        line = self.sluiced.wait_for_log("event=closed .*reason=reset")
        self.assertEqual(line.level, "debug")
        self.assertEqual(listener.recv(), b"m")
        self.assert_serves(self.sluiced, TOPIC)

    def test_half_closed_publisher_loses_nothing(self):
        """As `printf | nc` does: the end is seen after the frames."""
        listener = self.subscriber(self.sluiced, TOPIC)
        client = self.publisher(self.sluiced).publish(TOPIC, b"a", b"b")
        client.half_close()
        self.assertEqual(client.wait_closed(), "eof")
        self.assertEqual(listener.recv_many(2), [b"a", b"b"])

    def test_closed_line_says_who(self):
        """conn, peer and channel of the client that misbehaved."""
        client = self.subscriber(self.sluiced, TOPIC)
        port = client.sock.getsockname()[1]
        client.subscribe(b"n" * 256)
        line = self.assert_closed(self.sluiced, client, "name_too_long")
        self.assertEqual(line.fields["peer"], f"127.0.0.1:{port}")
        self.assertEqual(line.fields["channel"], "/topic/foo")
        self.assertTrue(line.fields["conn"].isdigit(), str(line))

    def test_names_cannot_forge_log_lines(self):
        """What peers send is escaped: one line stays one line."""
        name = b'x\n1 warning event=forged a="b" \x1b[31m\xff'
        client = self.subscriber(self.sluiced, name).subscribe(b"n" * 256)
        line = self.assert_closed(self.sluiced, client, "name_too_long")
        self.assertIn(r"\x0a", line.text)
        self.assertIn(r"\x1b", line.text)
        self.assertIn(r"\xff", line.text)
        self.assertEqual(self.sluiced.log(r"^\S+ \S+ event=forged"), [])


class Greetings(WireTest):
    GREETINGS = (
        ("http", b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"),
        ("http", b"POST /publish HTTP/1.1\r\n\r\n"),
        ("tls", bytes.fromhex("16030100c8010000c40303")),
        ("ssh", b"SSH-2.0-OpenSSH_9.2\r\n"),
    )

    def test_other_protocols_are_named_in_one_line(self):
        """A lost client is closed at once, with one line that names its
        protocol (class 30)."""
        for protocol, greeting in self.GREETINGS:
            with self.subTest(greeting=greeting[:4]):
                sluiced = self.broker()
                client = self.connect(sluiced).send(greeting)
                line = self.assert_closed(sluiced, client,
                                          "foreign_protocol")
                self.assertEqual(line.fields["protocol"], protocol)
                sluiced.wait_stats(connections=0)
                self.assertEqual(len(sluiced.log(" (warning|error) ")), 1)

    def test_greeting_needs_only_four_bytes(self):
        """Nothing waits for the rest of a greeting."""
        client = self.connect(self.broker()).send(b"SSH-")
        self.assertIn(client.wait_closed(), ("eof", "reset"))

    def test_greeting_later_is_only_a_long_frame(self):
        """In the middle of a conversation it is no greeting."""
        sluiced = self.broker()
        client = self.subscriber(sluiced, TOPIC).send(b"GET / HTTP/1.1\r\n")
        self.assert_closed(sluiced, client, "frame_too_long|name_too_long")


class DefaultAddress(WireTest):
    def test_default_address_is_documented(self):
        """127.0.0.1:25000, the book's, says --help."""
        self.assertIn("127.0.0.1:25000",
                      run_sluiced("--help", deadline=DEADLINE).stdout)


if __name__ == "__main__":
    main()
