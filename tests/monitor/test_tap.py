# SPDX-License-Identifier: MIT
"""A tap shows the messages of a channel and takes none of them."""
import json

from monitor import MonitorTest, main
from wire import KIB, MIB, frame

QUEUE, TOPIC = b"/queue/jobs", b"/topic/news"


def tap(channel):
    return b"tap." + channel


class Tapping(MonitorTest):
    def tapping(self, sluiced, *topics, **options):
        feed = self.feed(sluiced, *topics, **options)
        for topic in topics:
            name = topic.decode().replace("\\", "\\\\")
            self.assertTrue([line for line in sluiced.log("event=tap_opened")
                             if line.fields["topic"] == name], name)
        return feed

    def shown(self, feed, topic):
        """The next message of this tap: (document, body or None)."""
        while True:
            parts = feed.recv()
            if parts[0] == topic:
                return (json.loads(parts[1]),
                        parts[2] if len(parts) > 2 else None)

    def bodies(self, feed, topic, count):
        got = []
        for n in range(1, count + 1):
            document, body = self.shown(feed, topic)
            self.assertEqual(set(document),
                             {"timestamp", "seq", "missed", "size"})
            self.assertEqual(document["size"], len(body))
            self.assertEqual(document["seq"], n)
            self.assertEqual(document["missed"], 0)
            got.append(body)
        return got


class Tap(Tapping):
    def test_a_queue_is_seen_and_not_consumed(self):
        """The worker gets all of them as well."""
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(QUEUE))
        messages = [b"%d" % i for i in range(100)]
        self.publisher(sluiced).publish(QUEUE, *messages)
        self.assertEqual(self.bodies(feed, tap(QUEUE), 100), messages)
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_many(100), messages)

    def test_a_topic_with_subscribers(self):
        """Each message once, however many there are."""
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(TOPIC))
        listeners = [self.subscriber(sluiced, TOPIC) for _ in range(3)]
        self.publisher(sluiced).publish(TOPIC, b"a", b"b")
        for listener in listeners:
            self.assertEqual(listener.recv_many(2), [b"a", b"b"])
        self.assertEqual(self.bodies(feed, tap(TOPIC), 2), [b"a", b"b"])

    def test_a_topic_that_nobody_subscribes_to(self):
        """One can see whether anything is published to it at all."""
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(TOPIC))
        self.publisher(sluiced).publish(TOPIC, b"a", b"b")
        self.assertEqual(self.bodies(feed, tap(TOPIC), 2), [b"a", b"b"])
        sluiced.wait_stats(dropped_no_subscriber=2)

    def test_any_bytes(self):
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(TOPIC))
        messages = [b"", b"\0", bytes(range(256)), b"\xff" * 1000]
        self.publisher(sluiced).publish(TOPIC, *messages)
        self.assertEqual(self.bodies(feed, tap(TOPIC), 4), messages)

    def test_large_messages(self):
        """Those that have a block of their own, too."""
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(QUEUE))
        sender = self.publisher(sluiced)
        for size in (4 * KIB, 20 * KIB, 70 * KIB, 3 * MIB):
            body = bytes(size - 1) + b"x"
            sender.publish(QUEUE, body)
            document, shown = self.shown(feed, tap(QUEUE))
            self.assertEqual(document["size"], size)
            self.assertEqual(shown, body)

    def test_the_topic_is_the_whole_name(self):
        """A prefix of a name is another name."""
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(b"/topic/a"))
        self.publisher(sluiced).publish(b"/topic/ab", b"not this").publish(
            b"/topic/a", b"this")
        self.assertEqual(self.bodies(feed, tap(b"/topic/a"), 1), [b"this"])

    def test_names_are_encoded_as_in_documents(self):
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(b"/topic/%FF%25"))
        self.publisher(sluiced).publish(b"/topic/\xff%", b"x")
        self.assertEqual(self.bodies(feed, tap(b"/topic/%FF%25"), 1), [b"x"])

    def test_what_cannot_be_tapped(self):
        """Nothing is routed there, or it is no name."""
        sluiced = self.watched()
        topics = [tap(name) for name in (b"/null", b"/sys/x", b"%", b"a\xff",
                                         b"x" * 256, b"%41")]
        self.feed(sluiced, *topics)
        self.assertEqual(len(sluiced.log("event=tap_refused")), len(topics))
        self.assertEqual(sluiced.stats()["channels"], 0)

    def test_there_is_a_bound_on_taps(self):
        sluiced = self.watched()
        self.feed(sluiced, *[tap(b"/topic/%d" % i) for i in range(65)])
        self.assertEqual(len(sluiced.log("event=tap_refused")), 1)
        self.assertEqual(sluiced.stats()["channels"], 64)

    def test_a_tap_ends_with_its_watcher(self):
        """And the channel that only it kept goes with it."""
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(TOPIC))
        self.assertEqual(sluiced.stats()["channels"], 1)
        feed.close()
        line = sluiced.wait_for_log("event=tap_closed")
        self.assertEqual(line.fields["topic"], "tap./topic/news")
        sluiced.wait_stats(channels=0)
        self.assert_serves(sluiced, TOPIC)

    def test_stopping_while_tapped(self):
        sluiced = self.watched()
        self.tapping(sluiced, tap(QUEUE), tap(TOPIC))
        sender = self.publisher(sluiced).publish(QUEUE, b"left behind")
        sluiced.sync(sender)
        self.assertEqual(sluiced.stop().counters["dropped_stopping"], 1)


class Headers(Tapping):
    def open(self, sluiced):
        client = self.connect(sluiced).send(frame(b"\0SLUICE/2") + frame(b""))
        client.recv_many(2)
        return client

    def ask(self, client, head, body=b""):
        client.send(frame(head) + frame(body))
        return client.recv_many(2)[0]

    def test_headers_are_in_the_document_and_not_in_the_body(self):
        sluiced = self.watched()
        for channel in TOPIC, QUEUE:
            feed = self.tapping(sluiced, tap(channel))
            publisher = self.open(sluiced)
            for size in (4, 20 * KIB, 70 * KIB):
                body = b"x" * size
                self.ask(publisher, b"PUB " + channel + b" rid=1 Unit=C "
                         b"Note=a%20b%FF%25 Unit=F Empty=", body)
                document, shown = self.shown(feed, tap(channel))
                self.assertEqual(document["headers"], {
                    "Unit": "C", "Note": "a b%FF%25", "Empty": ""})
                self.assertEqual(document["size"], size)
                self.assertEqual(shown, body)
                self.ask(publisher, b"PUB " + channel + b" rid=2", body)
                document, shown = self.shown(feed, tap(channel))
                self.assertNotIn("headers", document)
                self.assertEqual(shown, body)

    def test_the_longest_headers_there_can_be(self):
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(TOPIC))
        publisher = self.open(sluiced)
        value = b"%25" * ((3800 - len(TOPIC) - len(b" A=")) // 3)
        self.ask(publisher, b"PUB /topic/news rid=1 A=" + value, b"x")
        document, shown = self.shown(feed, tap(TOPIC))
        self.assertEqual(document["headers"]["A"], value.decode())
        self.assertEqual(shown, b"x")

    def test_a_request_is_marked_and_its_address_is_not_shown(self):
        """Whoever knew the address could answer."""
        sluiced = self.watched()
        feed = self.tapping(sluiced, tap(b"/svc/a"))
        service, requester = self.open(sluiced), self.open(sluiced)
        self.ask(service, b"SUB /svc/a rid=1")
        requester.send(frame(b"REQ /svc/a rid=1 Lang=de") + frame(b"?"))
        address = service.recv_many(2)[0].partition(b"reply=@")[2].split()[0]
        document, shown = self.shown(feed, tap(b"/svc/a"))
        self.assertIs(document["request"], True)
        self.assertEqual(document["headers"], {"Lang": "de"})
        self.assertNotIn(address.decode(), json.dumps(document))
        self.assertEqual(shown, b"?")

    def test_a_topic_that_only_version_2_uses_is_shown_as_any_other(self):
        """Also when it is tapped while messages flow."""
        sluiced = self.watched()
        reader, publisher = self.open(sluiced), self.open(sluiced)
        self.ask(reader, b"SUB /topic/news rid=1")
        for i in range(3):
            self.ask(publisher, b"PUB /topic/news rid=1", b"before %d" % i)
        feed = self.tapping(sluiced, tap(TOPIC))
        wanted = [b"%d" % i for i in range(50)]
        publisher.send(b"".join(frame(b"PUB /topic/news") + frame(body)
                                for body in wanted))
        self.assertEqual(self.bodies(feed, tap(TOPIC), 50), wanted)
        got = reader.recv_many(2 * 53)
        self.assertEqual(got[7::2], wanted)
        self.assertEqual(got[-2], b"MSG /topic/news 53")


class Rate(MonitorTest):
    def count(self, feed, topic, wanted):
        shown = missed = 0
        while shown + missed < wanted:
            parts = feed.recv()
            if parts[0] == topic:
                shown += len(parts) > 2
                missed += json.loads(parts[1])["missed"]
        self.assertEqual(shown + missed, wanted)
        return shown, missed

    def test_what_is_left_out_is_told(self):
        """Even when nothing comes afterwards."""
        sluiced = self.watched("--tap-rate", "10")
        feed = self.feed(sluiced, tap(TOPIC))
        self.publisher(sluiced).flood(TOPIC, 1000, 100)
        shown, missed = self.count(feed, tap(TOPIC), 1000)
        self.assertGreaterEqual(shown, 10)
        self.assertEqual(sluiced.stats()["tap_missed"], missed)

    def test_every_tap_has_its_own(self):
        sluiced = self.watched("--tap-rate", "10")
        feed = self.feed(sluiced, tap(TOPIC), tap(QUEUE))
        self.publisher(sluiced).flood(TOPIC, 1000, 100)
        self.count(feed, tap(TOPIC), 1000)
        self.publisher(sluiced).publish(QUEUE, *[b"x"] * 10)
        self.assertEqual(self.count(feed, tap(QUEUE), 10), (10, 0))

    def test_nothing_is_lost_below_it(self):
        sluiced = self.watched("--tap-rate", "100000")
        feed = self.feed(sluiced, tap(TOPIC), RCVHWM=0)
        sender = self.publisher(sluiced)
        for start in range(0, 5000, 500):
            sender.flood(TOPIC, 500, 100, start=start)
            self.assertEqual(self.count(feed, tap(TOPIC), 500), (500, 0))


if __name__ == "__main__":
    main()
