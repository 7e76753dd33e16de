# SPDX-License-Identifier: MIT
"""What clients of version 2 do, as /stats shows it: each counter rises by
exactly what happened, and each column says what is now."""
import json
import time

from monitor import DEADLINE, MonitorTest, main, request
from wire import KIB, frame

JOBS, NEWS = b"/queue/jobs", b"/topic/news"


def unit(text, body=b""):
    return frame(text) + frame(body)


class Watched(MonitorTest):
    def setUp(self):
        super().setUp()
        self.sluiced = self.watched()

    def open(self, options=b"", **kwargs):
        client = self.connect(self.sluiced, **kwargs)
        client.send(unit(b"\0SLUICE/2" + options))
        self.assertTrue(client.recv().startswith(b"INFO "))
        client.recv()
        return client

    def ask(self, client, text, body=b""):
        """The head of the next unit, after this one was sent."""
        client.send(unit(text, body))
        return client.recv_many(2)[0]

    def worker(self, pattern=JOBS, options=b" credit=10"):
        client = self.open()
        self.assertEqual(
            self.ask(client, b"SUB " + pattern + b" ack=yes rid=s" + options),
            b"OK rid=s")
        return client

    def publish(self, channel, *bodies):
        publisher = self.open()
        for body in bodies:
            self.ask(publisher, b"PUB " + channel + b" rid=p", body)
        return publisher

    def documents(self):
        status, _, body = request(self.sluiced.http, "/stats")
        self.assertEqual(status, 200)
        return json.loads(body)

    def until(self, wanted):
        """The first documents that are as wanted; they are made at intervals,
        for all that ask."""
        until = time.monotonic() + DEADLINE
        while not wanted(found := self.documents()):
            self.assertLess(time.monotonic(), until, found)
        return found

    def assert_counts(self, **wanted):
        """They become that, and have not become more since."""
        self.until(lambda found: wanted.items() <=
                   found["stats"]["counters"].items())
        stats = self.sluiced.stats()
        self.assertEqual({name: stats[name] for name in wanted}, wanted)

    def channel(self, **wanted):
        """Some channel is, or becomes, like that."""
        self.until(lambda found: any(
            wanted.items() <= row.items()
            for row in found["channels"]["channels"]))

    def client(self, **wanted):
        self.until(lambda found: any(
            wanted.items() <= row.items()
            for row in found["clients"]["clients"]))


class Counters(Watched):
    def test_each_acknowledgement_counts_once(self):
        worker = self.worker()
        self.publish(JOBS, b"a", b"b", b"c")
        for number in 1, 2, 3:
            head = worker.recv_many(2)[0].split(b" ")
            self.assertEqual(head[:3], [b"MSG", JOBS, b"%d" % number])
        self.assertEqual(self.ask(worker, b"ACK /queue/jobs 1 rid=1"),
                         b"OK rid=1")
        self.assertEqual(self.ask(worker, b"ACK /queue/jobs 1 rid=2"),
                         b"ERR gone rid=2")
        self.assert_counts(acked=1, held_messages=2, redelivered=0)
        self.assertEqual(self.ask(worker, b"ACK /queue/jobs 3 rid=3"),
                         b"OK rid=3")
        self.assert_counts(acked=2, held_messages=1, redelivered=0)

    def test_a_message_that_comes_back_counts_as_redelivered(self):
        worker = self.worker()
        self.publish(JOBS, b"a", b"b")
        worker.recv_many(4)
        worker.send(unit(b"NAK /queue/jobs 1 delay=0s"))
        self.assertTrue(worker.recv_many(2)[0].endswith(b" try=2"))
        self.assert_counts(redelivered=1, held_messages=2, expired=0)
        worker.close()
        self.assert_counts(redelivered=3, held_messages=0, returned=3,
                           queued_messages=2)

    def test_a_wait_that_runs_out_counts_as_expired(self):
        """Each try but the last one, however late this test is."""
        worker = self.worker(options=b" wait=100ms")
        self.publish(JOBS, b"a")
        tries, head = 1, worker.recv_many(2)[0]
        while head != b"OK rid=1":
            if head.startswith(b"MSG"):
                tries = int((head + b" try=1").split(b"try=")[1].split()[0])
                if tries > 1:
                    worker.send(unit(b"ACK /queue/jobs 1 rid=1"))
            head = worker.recv_many(2)[0]
        self.assert_counts(expired=tries - 1, redelivered=tries - 1, acked=1,
                           held_messages=0)

    def test_a_message_with_a_delay_is_still_held(self):
        worker = self.worker()
        self.publish(JOBS, b"a")
        worker.recv_many(2)
        self.assertEqual(self.ask(worker, b"NAK /queue/jobs 1 delay=1h rid=1"),
                         b"OK rid=1")
        self.assert_counts(held_messages=1, redelivered=0, queued_messages=0)

    def test_requests_count_by_what_became_of_them(self):
        requester, service = self.open(), self.open()
        self.assertEqual(self.ask(requester, b"REQ /svc/a rid=1", b"?"),
                         b"ERR no-responder rid=1")
        self.ask(service, b"SUB /svc/a rid=s")
        requester.send(unit(b"REQ /svc/a rid=2", b"?"))
        address = service.recv_many(2)[0].rpartition(b"reply=")[2]
        self.assertEqual(self.ask(service, b"PUB " + address + b" rid=r",
                                  b"!"), b"OK rid=r")
        self.assertEqual(requester.recv_many(2), [b"REP rid=2", b"!"])
        self.assertEqual(
            self.ask(requester, b"REQ /svc/a rid=3 timeout=10ms", b"?"),
            b"ERR timeout rid=3")
        self.assert_counts(requests=2, requests_no_responder=1,
                           requests_timed_out=1, unit_errors=0)

    def test_a_refused_unit_counts_as_an_error(self):
        client = self.open()
        self.assertEqual(self.ask(client, b"UNSUB /topic/news rid=1"),
                         b"ERR gone rid=1")
        self.assertTrue(self.ask(client, b"NONSENSE").startswith(
            b"ERR bad-verb"))
        self.ask(client, b"SUB /topic/news rid=2")
        self.assert_counts(unit_errors=2)


class Log(Watched):
    def setUp(self):
        MonitorTest.setUp(self)
        self.sluiced = self.watched("--log-level", "debug")

    def test_the_end_of_a_client_says_what_it_got_in_all_its_channels(self):
        """By its name; a worker has missed nothing."""
        worker = self.open(b" name=k%C3%BCche")
        self.ask(worker, b"SUB /queue/jobs ack=yes rid=1")
        self.ask(worker, b"SUB /topic/news rid=2")
        self.publish(JOBS, b"a")
        self.publish(NEWS, b"b", b"c")
        worker.recv_many(6)
        worker.reset()
        line = self.sluiced.wait_for_log("event=closed .*name=")
        self.assertEqual(
            [line.fields[key] for key in ("messages_out", "dropped", "reason")],
            ["3", "0", "reset"])
        self.assertEqual(line.fields["name"], "k\\xc3\\xbcche")


class Gaps(Watched):
    def setUp(self):
        MonitorTest.setUp(self)
        self.sluiced = self.watched(
            "--channel", "/topic/news client-limit=20k policy=drop-newest")

    def test_gaps_count_with_the_messages_that_are_missing(self):
        """As many as the reader is told of, and no more."""
        reader = self.open(rcvbuf=4 * KIB)
        self.ask(reader, b"SUB /topic/news rid=s")
        publisher, count = self.open(), 1500
        for _ in range(count):
            self.ask(publisher, b"PUB /topic/news rid=p", b"x" * 8000)
        reader.send(unit(b"UNSUB /topic/news rid=u"))
        gaps = told = messages = 0
        while not (head := reader.recv_many(2)[0]).startswith(b"OK"):
            words = head.split(b" ")
            messages += words[0] == b"MSG"
            if words[0] == b"GAP":
                gaps += 1
                told += int(words[3]) - int(words[2]) + 1
        self.assertEqual(messages + told, count)
        self.assertGreater(gaps, 0)
        self.assert_counts(gaps_told=gaps, messages_told=told,
                           dropped_newest=told, messages_out=messages)


class Parking(Watched):
    def setUp(self):
        MonitorTest.setUp(self)
        self.sluiced = self.watched("--channel", "/queue/jobs limit=1k")

    def test_what_waits_for_a_full_queue_is_seen_until_it_is_taken(self):
        publisher = self.open(b" name=importer")
        self.ask(publisher, b"PUB /queue/jobs rid=1", b"x" * 900)
        head, bodies = b"PUB /queue/jobs", (b"a" * 500, b"b" * 600)
        for body in bodies:
            publisher.send(unit(head, body))
        parked = sum(len(unit(head, body)) for body in bodies)
        self.assertEqual(publisher.recv_many(2)[0], b"HOLD /queue/jobs")
        self.assert_counts(parked_messages=2, parked_bytes=parked, holds=1)
        self.client(name="importer", state="open", waits_for="/queue/jobs",
                    parked_bytes=parked)
        self.channel(name="/queue/jobs", paused=1, parked_bytes=parked,
                     depth=1)
        worker = self.worker()
        for number in 1, 2, 3:
            worker.recv_many(2)
            worker.send(unit(b"ACK /queue/jobs %d" % number))
        self.assertEqual(publisher.recv_many(2)[0], b"GO /queue/jobs")
        self.assert_counts(parked_messages=2, parked_bytes=0, holds=1, acked=3)
        self.client(name="importer", waits_for=None, parked_bytes=0)
        self.channel(name="/queue/jobs", paused=0, parked_bytes=0)

    def test_two_that_wait_for_a_queue_are_both_named(self):
        self.publish(JOBS, b"x" * 900)
        for name in b"a", b"b":
            self.open(b" name=" + name).send(unit(b"PUB /queue/jobs",
                                                  b"x" * 300))
        for name in "a", "b":
            self.client(name=name, waits_for="/queue/jobs")
        self.channel(name="/queue/jobs", paused=2,
                     parked_bytes=2 * len(unit(b"PUB /queue/jobs",
                                               b"x" * 300)))


class Columns(Watched):
    def test_a_client_has_its_version_and_its_name(self):
        self.open(b" name=k%C3%BCche%201")
        self.client(protocol=2, name="küche 1", state="open", channel=None)
        self.subscriber(self.sluiced, NEWS)
        self.client(protocol=1, name=None, channel="/topic/news", lanes=1)

    def test_a_name_goes_with_its_client(self):
        client = self.open(b" name=thermo")
        self.client(name="thermo")
        client.close()
        self.until(lambda found: not found["clients"]["clients"])
        self.sluiced.wait_stats(memory_bytes=lambda n: n < KIB)

    def test_a_client_shows_what_it_reads_in_all_its_channels(self):
        reader = self.open()
        for i in range(3):
            self.ask(reader, b"SUB /topic/%d rid=s" % i)
        for i in range(3):
            self.publish(b"/topic/%d" % i, b"x", b"y")
        reader.recv_many(12)
        self.client(lanes=3, out=6, channel="/topic/0", dropped=0)
        self.assertTrue(self.ask(reader, b"UNSUB /topic/1 rid=u").startswith(
            b"OK"))
        self.client(lanes=2, out=6)

    def test_a_worker_and_its_queue_show_what_is_held(self):
        worker = self.worker(options=b" credit=2")
        self.publish(JOBS, b"a", b"b", b"c")
        worker.recv_many(4)
        self.channel(name="/queue/jobs", workers=1, ready=0, held=2, depth=1,
                     redelivered=0)
        self.client(channel="/queue/jobs", held=2, lanes=1)
        worker.send(unit(b"NAK /queue/jobs 1 delay=1h"))
        worker.recv_many(2)
        self.channel(name="/queue/jobs", workers=1, ready=0, held=3, depth=0)
        self.client(held=2)
        worker.close()
        self.channel(name="/queue/jobs", workers=0, held=1, depth=2,
                     redelivered=2)

    def test_what_a_worker_of_many_queues_holds_counts_once(self):
        worker = self.worker(b"/queue/**", b" credit=3")
        self.publish(b"/queue/a", b"x")
        self.publish(b"/queue/b", b"x", b"y")
        worker.recv_many(6)
        self.client(held=3, lanes=2)
        self.channel(name="/queue/b", held=2, workers=1, ready=0, wildcards=1)

    def test_a_channel_shows_its_readers_by_wildcard(self):
        exact, wild = self.open(), self.open()
        self.ask(exact, b"SUB /topic/news rid=s")
        self.ask(wild, b"SUB /topic/* rid=s")
        self.channel(name="/topic/news", subscribers=2, wildcards=1,
                     workers=0)

    def test_a_client_shows_its_open_requests(self):
        service, requester = self.open(), self.open()
        self.ask(service, b"SUB /svc/a rid=s")
        for i in range(2):
            requester.send(unit(b"REQ /svc/a rid=%d timeout=1h" % i))
        self.client(requests=2, protocol=2)
        address = service.recv_many(2)[0].rpartition(b"reply=")[2]
        self.ask(service, b"PUB " + address + b" rid=r")
        requester.recv_many(2)
        self.client(requests=1)

    def test_metrics_have_the_new_numbers_of_channels(self):
        worker = self.worker()
        self.publish(JOBS, b"a")
        worker.recv_many(2)
        self.channel(name="/queue/jobs", held=1)
        _, _, body = request(self.sluiced.http, "/metrics")
        labels = '{channel="/queue/jobs",kind="queue"}'
        for name, value in (("held_messages", 1), ("workers", 1),
                            ("ready_workers", 1), ("redelivered_total", 0),
                            ("wildcard_subscribers", 0), ("parked_bytes", 0)):
            self.assertIn(f"\nsluice_channel_{name}{labels} {value}\n",
                          body.decode())


if __name__ == "__main__":
    main()
