# SPDX-License-Identifier: MIT
"""The feed: what any ZeroMQ subscriber can watch, and nothing else is made."""
import tempfile

from monitor import MonitorTest, main
from wire import KIB, frame

STATS, CHANNELS, CLIENTS, EVENT = (b"sluice.stats", b"sluice.channels",
                                   b"sluice.clients", b"sluice.event")
USERS = b"sluice.users"
QUEUE, TOPIC = b"/queue/jobs", b"/topic/news"
NUMBERS = {"in", "out", "dropped", "depth", "bytes", "limit_bytes",
           "limit_messages", "age_ms", "recent", "held", "parked_bytes"}
OF_CHANNELS = NUMBERS | {"subscribers", "held_bytes", "paused", "pressed",
                         "workers", "ready", "redelivered", "durable",
                         "disk_bytes", "unacked", "wildcards", "unseen"}
OF_CLIENTS = NUMBERS | {"lanes", "requests"}


def row(document, key, value, rows):
    return next((r for r in document[rows] if r[key] == value), None)


class Documents(MonitorTest):
    def channel(self, feed, name, wanted=lambda row: True):
        def has(document):
            found = row(document, "name", name, "channels")
            return found is not None and wanted(found)
        document = feed.take_until(CHANNELS, has)
        return row(document, "name", name, "channels")

    def test_a_queue_that_is_backed_up(self):
        """How much waits, for how long, and that nobody takes it."""
        sluiced = self.watched()
        feed = self.feed(sluiced, CHANNELS)
        self.publisher(sluiced).flood(QUEUE, 100, KIB)
        found = self.channel(feed, "/queue/jobs", lambda r: r["age_ms"] > 0)
        self.assertEqual(set(found), OF_CHANNELS | {"name", "kind"})
        self.assertEqual(found["kind"], "queue")
        self.assertEqual(found["subscribers"], 0)
        self.assertEqual((found["in"], found["out"]), (100, 0))
        self.assertEqual(found["depth"], 100)
        self.assertEqual(found["bytes"], 100 * (4 + KIB))
        self.assertGreaterEqual(found["held_bytes"], found["bytes"])

    def test_what_a_consumer_was_given_still_waits(self):
        """Until the kernel has it."""
        sluiced = self.watched()
        feed = self.feed(sluiced, CHANNELS, CLIENTS)
        stalled = self.subscriber(sluiced, QUEUE, rcvbuf=4096)
        self.publisher(sluiced).flood(QUEUE, 4000, 4 * KIB)
        found = self.channel(
            feed, "/queue/jobs", lambda r: r["in"] == 4000)
        self.assertEqual(found["subscribers"], 1)
        self.assertGreater(found["depth"], 0)
        self.assertLessEqual(found["depth"] + found["out"], 4001)
        client = feed.take_until(
            CLIENTS, lambda d: any(r["bytes"] for r in d["clients"]))
        own = row(client, "channel", "/queue/jobs", "clients")
        self.assertGreater(own["bytes"], 0)
        stalled.close()

    def test_paused_publishers_are_seen(self):
        sluiced = self.watched("--queue-limit", "64k")
        feed = self.feed(sluiced, CHANNELS, CLIENTS)
        self.publisher(sluiced).flood(QUEUE, 1000, KIB)
        self.channel(feed, "/queue/jobs", lambda r: r["paused"] == 1)
        document = feed.take_until(
            CLIENTS,
            lambda d: any(r["state"] == "paused" for r in d["clients"]))
        self.assertEqual(document["total"], len(document["clients"]))
        paused = row(document, "state", "paused", "clients")
        self.assertEqual((paused["channel"], paused["waits_for"]),
                         (None, "/queue/jobs"))

    def test_limits_are_those_of_the_rules(self):
        """Of a queue what it holds, of a topic what waits for each."""
        config = tempfile.NamedTemporaryFile("w", suffix=".conf")
        self.addCleanup(config.close)
        print("[channel \"/queue/short\"]\nlimit = 64k\nmessages = 100",
              "[channel \"/topic/*\"]\nclient-limit = 32k", sep="\n",
              file=config, flush=True)
        sluiced = self.watched("--config", config.name)
        feed = self.feed(sluiced, CHANNELS, CLIENTS)
        self.subscriber(sluiced, TOPIC)
        self.publisher(sluiced).publish(QUEUE, b"x").publish(
            b"/queue/short", b"x")
        for name, limits in (("/queue/jobs", (64 << 20, 0)),
                             ("/queue/short", (64 * KIB, 100)),
                             ("/topic/news", (32 * KIB, 0))):
            found = self.channel(feed, name)
            self.assertEqual(
                (found["limit_bytes"], found["limit_messages"]), limits)
        worker = self.subscriber(sluiced, QUEUE)
        document = feed.take_until(
            CLIENTS, lambda d: row(d, "channel", "/queue/jobs", "clients"))
        for name, limit in (("/queue/jobs", 64 * KIB),
                            ("/topic/news", 32 * KIB), (None, 0)):
            found = row(document, "channel", name, "clients")
            self.assertEqual(found["limit_bytes"], limit)
        worker.close()

    def test_who_has_to_hold_back_for_memory_is_told(self):
        """Though there is room below the channel's own bound."""
        sluiced = self.watched("--memory", "4m", "--queue-limit", "64m")
        feed = self.feed(sluiced, CHANNELS)
        self.publisher(sluiced).publish(b"/queue/small", b"x")
        self.publisher(sluiced).flood(QUEUE, 3700, KIB)
        self.channel(feed, "/queue/jobs", lambda r: r["pressed"] == 1)
        self.channel(feed, "/queue/small", lambda r: r["pressed"] == 0)

    def test_a_topic_and_its_clients(self):
        sluiced = self.watched()
        feed = self.feed(sluiced, CHANNELS, CLIENTS)
        listener = self.subscriber(sluiced, TOPIC)
        sender = self.publisher(sluiced).publish(TOPIC, *[b"x"] * 10)
        listener.recv_many(10)
        found = self.channel(feed, "/topic/news", lambda r: r["in"] == 10)
        self.assertEqual(found["kind"], "topic")
        self.assertEqual(found["out"], 10)
        document = feed.take_until(
            CLIENTS, lambda d: any(r["in"] == 10 for r in d["clients"]))
        peers = {r["peer"]: r for r in document["clients"]}
        mine = peers["{}:{}".format(*sender.sock.getsockname())]
        his = peers["{}:{}".format(*listener.sock.getsockname())]
        self.assertEqual(set(mine),
                         OF_CLIENTS | {"conn", "peer", "name", "protocol",
                                       "state", "channel", "waits_for",
                                       "tls", "cipher", "user", "way"})
        for key in ("tls", "cipher", "user", "way"):
            self.assertIsNone(mine[key])
        self.assertEqual((mine["in"], mine["channel"]), (10, None))
        self.assertEqual((his["out"], his["channel"]), (10, "/topic/news"))
        self.assertEqual(his["state"], "open")

    def test_recent_is_of_one_interval(self):
        sluiced = self.watched()
        feed = self.feed(sluiced, CHANNELS)
        listener = self.subscriber(sluiced, TOPIC)
        self.publisher(sluiced).publish(TOPIC, b"x")
        listener.recv()
        self.channel(feed, "/topic/news", lambda r: r["recent"] > 0)
        self.channel(feed, "/topic/news", lambda r: r["recent"] == 0)

    def test_names_are_printable(self):
        """Whatever bytes they have, every document is JSON in UTF-8."""
        sluiced = self.watched()
        feed = self.feed(sluiced, CHANNELS, CLIENTS, EVENT)
        name = b"/topic/\xff\n\"\\<img src=x onerror=alert(1)>100%\xc3\xbc"
        self.subscriber(sluiced, name)
        shown = "/topic/%FF%0A\"\\<img src=x onerror=alert(1)>100%25\u00fc"
        self.assertEqual(feed.event("connected")["channel"], shown)
        self.assertEqual(self.channel(feed, shown)["subscribers"], 1)
        feed.take_until(
            CLIENTS, lambda d: row(d, "channel", shown, "clients"))

    def test_the_longest_documents_have_a_bound(self):
        """Readers refuse longer ones."""
        sluiced = self.watched("--queue-limit", "1k")
        feed = self.feed(sluiced, CHANNELS, CLIENTS)
        for i in range(110):
            name = b"%03d" % i + b"\xff" * 240
            self.connect(sluiced).subscribe(b"/topic/" + name).publish(
                b"/queue/" + name, b"x" * KIB, b"x")
        longest = {}
        while not all(len(text) > 80 * KIB for text in
                      (longest.get(CHANNELS, b""), longest.get(CLIENTS, b""))):
            topic, text = feed.recv()
            self.assertLessEqual(len(text), 128 * KIB)
            longest[topic] = text

    def test_a_hundred_rows_and_the_rest(self):
        """The full one is among them, and nothing is lost in the sums."""
        sluiced = self.watched()
        feed = self.feed(sluiced, CHANNELS, CLIENTS)
        for i in range(150):
            self.connect(sluiced).subscribe(b"/topic/%d" % i)
        full = self.publisher(sluiced).publish(QUEUE, b"x")
        sluiced.sync(full)
        sluiced.end_sync()
        document = feed.take_until(
            CHANNELS, lambda d: d["total"] == 151)
        self.assertEqual(len(document["channels"]), 100)
        self.assertEqual(document["channels"][0]["name"], "/queue/jobs")
        self.assertEqual(set(document["rest"]), OF_CHANNELS)
        self.assertEqual(
            document["rest"]["subscribers"]
            + sum(r["subscribers"] for r in document["channels"]), 150)
        document = feed.take_until(CLIENTS, lambda d: d["total"] == 151)
        self.assertEqual(len(document["clients"]), 100)
        self.assertEqual(set(document["rest"]), OF_CLIENTS)


class Subscriptions(MonitorTest):
    def test_only_what_is_wanted_is_sent(self):
        sluiced = self.watched()
        feed = self.feed(sluiced, CLIENTS)
        while feed.recv()[0] != CLIENTS:  # stats of the beginning
            pass
        self.assertEqual([feed.recv()[0] for _ in range(5)], [CLIENTS] * 5)

    def test_nothing_is_made_that_nobody_wants(self):
        """Making these documents walks over the channels, and `recent` then
        starts again from zero: so `recent` shows whether it was done."""
        sluiced = self.watched()
        feed = self.feed(sluiced, STATS)
        listener = self.subscriber(sluiced, TOPIC)
        self.publisher(sluiced).publish(TOPIC, b"x")
        listener.recv()
        for _ in range(5):
            feed.take(STATS)
        feed.socket.subscribe(CHANNELS)
        found = row(feed.take(CHANNELS), "name", "/topic/news", "channels")
        self.assertEqual(found["recent"], 2)

    def test_a_prefix_is_enough(self):
        sluiced = self.watched()
        feed = self.feed(sluiced, b"sluice.c")
        topics = {feed.recv()[0] for _ in range(10)} - {STATS}
        self.assertEqual(topics, {CHANNELS, CLIENTS})

    def test_everything(self):
        sluiced = self.watched()
        feed = self.feed(sluiced, b"")
        self.connect(sluiced).subscribe(TOPIC)
        topics = {feed.recv()[0] for _ in range(12)}
        self.assertEqual(topics, {STATS, USERS, CHANNELS, CLIENTS, EVENT})

    def test_two_watchers_and_one_leaves(self):
        sluiced = self.watched()
        first = self.feed(sluiced, CHANNELS)
        second = self.feed(sluiced, CHANNELS)
        first.close()
        second.take(CHANNELS)
        seq = second.take(CHANNELS)["seq"]
        self.assertEqual(second.take(CHANNELS)["seq"], seq + 1)

    def test_two_endpoints(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-feed-")
        self.addCleanup(folder.cleanup)
        sluiced = self.watched("--monitor-bind", f"ipc://{folder.name}/feed")
        other = sluiced.wait_for_log("event=feeding endpoint=ipc")
        sluiced.endpoint = other.fields["endpoint"]
        self.feed(sluiced, STATS).take(STATS)


class Events(MonitorTest):
    def test_coming_and_going(self):
        sluiced = self.watched("--max-frame", "1k")
        feed = self.feed(sluiced, EVENT)
        client = self.connect(sluiced).subscribe(TOPIC)
        event = feed.event("connected")
        self.assertEqual(event["peer"],
                         "{}:{}".format(*client.sock.getsockname()))
        self.assertEqual(event["channel"], "/topic/news")
        client.send(frame(TOPIC) + b"\xff\xff\xff\xff")
        closed = feed.event("closed")
        self.assertEqual(closed["conn"], event["conn"])
        self.assertEqual(closed["reason"], "frame_too_long")
        self.assertEqual(closed["seq"], event["seq"] + 1)
        self.assertEqual(closed["missed"], 0)

    def test_an_orderly_end_is_an_event_too(self):
        """Even though the log omits it at its usual level."""
        sluiced = self.watched()
        feed = self.feed(sluiced, EVENT)
        self.connect(sluiced).subscribe(TOPIC).close()
        self.assertEqual(feed.event("closed")["reason"], "eof")
        self.assertEqual(sluiced.log("event=closed"), [])

    def test_paused_and_resumed(self):
        sluiced = self.watched("--queue-limit", "64k")
        feed = self.feed(sluiced, EVENT)
        self.publisher(sluiced).flood(QUEUE, 1000, KIB)
        paused = feed.event("paused")
        conn = paused["conn"]
        self.assertEqual((paused["waits_for"], paused["gates"]),
                         ("/queue/jobs", 1))
        worker = self.connect(sluiced).subscribe(QUEUE)
        worker.recv_many(1000)
        self.assertEqual(feed.event("resumed")["conn"], conn)

    def test_a_slow_consumer(self):
        sluiced = self.watched("--client-limit", "64k", "--patience", "0")
        feed = self.feed(sluiced, EVENT)
        stalled = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        self.publisher(sluiced).flood(TOPIC, 20000, KIB)
        event = feed.event("slow_consumer")
        self.assertEqual(event["channel"], "/topic/news")
        self.assertGreater(event["queued"], 0)
        stalled.close()

    def test_memory_is_short(self):
        sluiced = self.watched("--memory", "4m", "--queue-limit", "64m")
        feed = self.feed(sluiced, EVENT)
        self.publisher(sluiced).flood(QUEUE, 3700, KIB)
        event = feed.event("shed")
        self.assertEqual(event["channel"], "/queue/jobs")
        self.assertGreater(event["held"], 0)

    def test_stopping(self):
        """The last words leave before the process does."""
        sluiced = self.watched()
        feed = self.feed(sluiced, EVENT)
        sluiced.signal()
        self.assertEqual(feed.event("stopping")["signal"], "TERM")

    def test_a_flood_of_events_is_cut_and_told(self):
        sluiced = self.watched()
        feed = self.feed(sluiced, EVENT)
        for _ in range(150):
            self.connect(sluiced).subscribe(TOPIC)
        sluiced.wait_stats(subscribers=150)
        sluiced.end_sync()
        seen = missed = 0
        while seen + missed < 150:
            event = feed.event("connected")
            seen += "conn" in event
            missed += event["missed"]
        self.assertEqual(seen + missed, 150)
        self.assertEqual(missed, sluiced.stats()["events_missed"])


if __name__ == "__main__":
    main()
