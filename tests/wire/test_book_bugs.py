# SPDX-License-Identifier: MIT
"""What the book's brokers get wrong, one test for each: they were written
to teach asyncio, sluice to be relied on."""
from wire import (KIB, MIB, Background, WireTest, frame, head, main,
                  number_of, numbered)

TOPIC, QUEUE = b"/topic/book", b"/queue/book"
DEBUG = ("--log-level", "debug")


class BookBugs(WireTest):
    def test_slow_subscriber_does_not_stop_the_publisher(self):
        """Book: writes were awaited one after the other, so that one
        subscriber that does not read stopped all of them."""
        sluiced = self.broker("--client-limit", "256k", "--patience", "2s")
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        healthy = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced)
        sending = Background(sender.flood, TOPIC, 20000, KIB)
        self.assertEqual(healthy.recv_numbers(20000), list(range(20000)))
        sending.join()

    def test_subscriber_reset_leaves_the_publisher_alone(self):
        """Book: the subscriber's ConnectionResetError surfaced in the
        publisher's task and closed the publisher."""
        sluiced = self.broker()
        sender = self.publisher(sluiced)
        for number in range(50):
            victim = self.subscriber(sluiced, TOPIC)
            sender.publish(TOPIC, numbered(number, 100 * KIB))
            victim.reset()
            sender.publish(TOPIC, b"into the void")
        sluiced.sync(sender)
        witness = self.subscriber(sluiced, TOPIC)
        sender.publish(TOPIC, b"still here")
        self.assertEqual(witness.recv(), b"still here")

    def test_outboxes_are_bounded(self):
        """Book: a queue per client without bound."""
        sluiced = self.broker("--client-limit", "1m", "--patience", "1ms")
        self.assert_serves(sluiced)
        before = sluiced.rss_kb()
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced).flood(TOPIC, 60 * KIB, KIB)
        sluiced.sync(sender)
        self.assert_memory(sluiced.rss_kb() - before, 6 * KIB)
        self.assertGreater(sluiced.stats()["dropped_slow"], 40 * KIB)

    def test_reset_worker_takes_no_share(self):
        """Book: a worker that was reset stayed subscribed and swallowed
        every n-th message."""
        sluiced = self.broker()
        victim = self.subscriber(sluiced, QUEUE)
        worker = self.subscriber(sluiced, QUEUE)
        victim.reset()
        self.publisher(sluiced).flood(QUEUE, 100, 100)
        self.assertEqual(worker.recv_numbers(100), list(range(100)))

    def test_empty_message_does_not_kill_the_channel(self):
        """Book, improved: an empty message ended the channel's task,
        forever."""
        sluiced = self.broker()
        for name in (TOPIC, QUEUE):
            listener = self.subscriber(sluiced, name)
            sender = self.publisher(sluiced)
            for _ in range(3):
                sender.publish(name, b"", b"after")
                self.assertEqual(listener.recv_many(2), [b"", b"after"])
            again = self.publisher(sluiced).publish(name, b"later")
            self.assertEqual(listener.recv(), b"later")
            again.close()

    def test_lonely_channel_does_not_block_the_others(self):
        """Book: a publisher waited for a channel without subscribers
        forever, and so did all channels it publishes to."""
        sluiced = self.broker("--queue-limit", "64k", *DEBUG)
        listener = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced)
        sender.publish(b"/topic/nobody", *[b"x" * KIB] * 1000)
        sender.publish(b"/queue/nobody", *[b"x"] * 10)
        sender.publish(TOPIC, b"past both")
        self.assertEqual(listener.recv(), b"past both")
        # Even a full queue blocks only until a worker comes.
        sending = Background(sender.flood, QUEUE, 5000, KIB)
        sluiced.wait_for_log("event=publisher_paused")
        worker = self.connect(sluiced).subscribe(QUEUE)
        worker.recv_many(5000)
        sending.join()
        sender.publish(TOPIC, b"past three")
        self.assertEqual(listener.recv(), b"past three")

    def test_held_messages_survive_the_last_subscriber(self):
        """Book: they were lost with the channel when it left."""
        sluiced = self.broker()
        worker = self.subscriber(sluiced, QUEUE, rcvbuf=4096)
        message = numbered(1, 8 * MIB)
        sender = self.publisher(sluiced).publish(QUEUE, message, b"second")
        sluiced.sync(sender)
        worker.reset()
        sluiced.end_sync()
        sluiced.wait_stats(connections=1)
        heir = self.connect(sluiced).subscribe(QUEUE)
        self.assertTrue(heir.recv_many(2) == [message, b"second"])

    def test_worker_is_chosen_when_the_message_is_there(self):
        """Book: the next worker was chosen in advance, and when it left,
        the message left with it."""
        sluiced = self.broker()
        sender, stayer = self.publisher(sluiced), None
        for number in range(20):
            next_one = self.subscriber(sluiced, QUEUE)
            stayer = stayer or self.subscriber(sluiced, QUEUE)
            next_one.goodbye().wait_closed()
            sender.publish(QUEUE, numbered(number))
            self.assertEqual(number_of(stayer.recv()), number)

    def test_frames_have_a_limit(self):
        """Book: 4 GiB were read into memory if a client announced them."""
        sluiced = self.broker()
        client = self.publisher(sluiced).send(frame(TOPIC) +
                                              head(0xffffffff))
        self.assert_closed(sluiced, client, "frame_too_long")

    def test_channels_are_freed(self):
        """Book: a channel, once named, stayed forever."""
        sluiced = self.broker()
        for number in range(200):
            client = self.subscriber(sluiced, b"/topic/%d" % number)
            client.publish(b"/topic/other/%d" % number, b"x")
            client.close()
        sluiced.end_sync()
        sluiced.wait_stats(channels=0, connections=0)

    def test_stopping_does_not_hang_on_a_stalled_client(self):
        """Book: the end waited for a client that did not read."""
        sluiced = self.broker("--drain-timeout", "300ms", "--patience",
                              "1ms")
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced).flood(TOPIC, 8000, KIB)
        sluiced.sync(sender)
        self.assertEqual(sluiced.stop(15).status, 0)

    def test_no_frame_comes_twice_at_shutdown(self):
        """Book: a write that was cancelled at the end was written again
        from its beginning."""
        sluiced = self.broker("--drain-timeout", "60s", "--client-limit",
                              "64m")
        stalled = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        sender = self.publisher(sluiced).flood(TOPIC, 300, 64 * KIB)
        sluiced.sync(sender)
        sluiced.signal()
        sluiced.wait_for_log("event=stopping")
        got = [number_of(m) for m in stalled.recv_until_closed()]
        self.assertEqual(got, list(range(300)))

    def test_no_socket_stays_in_close_wait(self):
        """Book: a client that left while it was written to left a socket
        that nobody closed."""
        sluiced = self.broker("--log-level", "debug")
        sluiced.sync()
        before = sluiced.fd_count()
        for _ in range(20):
            client = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
            client.publish(TOPIC, *[b"x" * 64 * KIB] * 20)
            client.close()
        sluiced.wait_stats(connections=1)
        self.assertEqual(sluiced.close_waits(), 0)
        self.assertEqual(sluiced.fd_count(), before)

    def test_port_scan_is_no_stack_trace(self):
        """Book: one for each connection that came and went. A counter
        has it, the log does not."""
        sluiced = self.broker()
        self.assert_serves(sluiced)
        mark = sluiced.mark()
        before = sluiced.stats()["closed_silent"]
        for number in range(50):
            scan = sluiced.connect()
            (scan.close, scan.reset)[number % 2]()
        sluiced.wait_stats(closed_silent=before + 50)
        self.assertEqual(sluiced.log("event=(?!stats)", mark), [])

    def test_null_does_not_fill_idle_senders(self):
        """Book: a client that named /null first got what was published
        there, and a sender never reads."""
        sluiced = self.broker()
        idle = [self.subscriber(sluiced, b"/null") for _ in range(5)]
        sluiced.end_sync()
        before = sluiced.wait_stats(connections=5)
        sender = self.publisher(sluiced).flood(b"/null", 20000, KIB)
        sender.goodbye().wait_closed()
        after = sluiced.wait_stats(connections=5)
        self.assertEqual(after["discarded_null"] -
                         before["discarded_null"], 20000)
        self.assertEqual(after["messages_out"], before["messages_out"])
        for client in idle:
            self.assertEqual(client.goodbye().recv_until_closed(), [])


if __name__ == "__main__":
    main()
