# SPDX-License-Identifier: MIT
"""More clients than the broker has room for: accepting pauses and resumes,
those inside do not notice, and the loop does not spin (class 12, R7)."""
import contextlib
import resource
import time

from wire import KIB, Client, WireTest, main, numbered, without_tls

TOPIC, QUEUE = b"/topic/crowd", b"/queue/crowd"
FEW = {resource.RLIMIT_NOFILE: 64}


class Crowd(WireTest):
    def crowd(self, sluiced, count):
        """Clients in the order in which they reached the kernel's queue,
        each of which says hello without knowing if anybody listens."""
        return [self.connect(sluiced).subscribe(TOPIC)
                for _ in range(count)]

    @staticmethod
    def hear(client, message):
        """Reads until its own message comes back: it is served."""
        while client.recv() != message:
            pass

    @contextlib.contextmanager
    def served(self, client):
        """Inside it the client is served, and it was not before."""
        client.publish(TOPIC, b"let me in")
        self.assertFalse(client.is_closed_within(0.2))
        self.assertEqual(client.waiting, 0, "served too early")
        yield
        self.assertEqual(client.recv(), b"let me in")


@without_tls("nobody shakes hands before being accepted")
class MaxConnections(Crowd):
    def test_accepting_pauses_and_resumes(self):
        """--max-connections 5, and one in reserve: the seventh waits,
        unharmed, for a place."""
        sluiced = self.broker("--max-connections", "5")
        first = self.crowd(sluiced, 6)
        for number, client in enumerate(first):
            client.publish(TOPIC, b"%d" % number)
            self.hear(client, b"%d" % number)
        seventh = self.connect(sluiced).subscribe(TOPIC)
        sluiced.wait_for_log("event=accept_paused")
        self.assertEqual(sluiced.stats()["connections"], 6)
        with self.served(seventh):
            first[0].close()
        sluiced.wait_for_log("event=accept_resumed")
        self.assertGreaterEqual(sluiced.stats()["accept_pauses"], 1)

    def test_everybody_gets_a_turn(self):
        """Forty clients through three places, one after the other."""
        sluiced = self.broker("--max-connections", "3", "--hello-timeout",
                              "60s")
        clients = self.crowd(sluiced, 40)
        for number, client in enumerate(clients):
            client.publish(TOPIC, b"%d" % number)
            self.hear(client, b"%d" % number)
            client.close()
        stats = sluiced.wait_stats(connections=0)
        self.assertEqual(stats["accepted"], 40)


class FullQueue(Crowd):
    """--max-connections 16, all of them publishers to a full queue. One place
    is in reserve for clients that are new."""
    PLACES, EACH = 16, 64

    def full(self):
        sluiced = self.broker("--max-connections", str(self.PLACES),
                              "--queue-limit", "64k", "--log-level", "debug")
        self.publisher(sluiced).flood(QUEUE, self.EACH, KIB)
        sluiced.wait_stats(queued_messages=self.EACH)
        for who in range(1, self.PLACES):
            self.publisher(sluiced).publish(QUEUE, numbered(who, KIB))
            sluiced.wait_for_log("event=publisher_paused", count=who)
        return sluiced

    def test_a_consumer_can_always_come(self):
        """However many publishers come as well: they are closed, and
        nothing of theirs is accepted."""
        sluiced = self.full()
        before = sluiced.stats()["messages_in"]
        for _ in range(5):
            late = self.publisher(sluiced).publish(QUEUE, b"in the way")
            late.wait_closed()
        stats = sluiced.wait_stats(closed_no_place=5)
        self.assertEqual(stats["messages_in"], before)
        self.assertEqual(stats["connections"], self.PLACES)
        sluiced.wait_for_log("event=closed .*reason=no_place")
        worker = self.connect(sluiced).subscribe(QUEUE)
        got = worker.recv_numbers(self.EACH + self.PLACES - 1)
        self.assertEqual(got[:self.EACH], list(range(self.EACH)))
        self.assertEqual(sorted(got[self.EACH:]),
                         list(range(1, self.PLACES)))
        self.assertEqual(sluiced.stats()["closed"], 5)

    def test_a_consumer_in_reserve_may_publish_there(self):
        """It is not in its own way."""
        sluiced = self.full()
        worker = self.connect(sluiced).subscribe(QUEUE)
        worker.publish(QUEUE, numbered(4711, KIB))
        got = worker.recv_numbers(self.EACH + self.PLACES)
        self.assertIn(4711, got)

    def test_others_in_reserve_are_served(self):
        """A publisher to another channel is in nobody's way."""
        sluiced = self.full()
        client = self.connect(sluiced).subscribe(TOPIC)
        client.publish(TOPIC, b"mine")
        self.assertEqual(client.recv(), b"mine")

    def test_the_log_says_how_many_publishers_wait(self):
        sluiced = self.full()
        self.connect(sluiced)
        sluiced.wait_for_log("event=accept_paused reason=max_connections "
                             "connections=17 paused_publishers=15")


@without_tls("nobody shakes hands before being accepted")
class OutOfDescriptors(Crowd):
    """64 descriptors, 120 clients."""

    def starve(self):
        sluiced = self.broker("--hello-timeout", "60s", limits=FEW)
        old = self.subscriber(sluiced, TOPIC)
        waiting = self.crowd(sluiced, 120)
        sluiced.wait_for_log("event=accept_paused")
        return sluiced, old, waiting

    def test_the_loop_does_not_spin(self):
        """Two starved seconds cost less than a fifth of a core, and few
        log lines."""
        sluiced, _, _ = self.starve()
        lines, cpu = sluiced.mark(), sluiced.cpu_seconds()
        time.sleep(2)  # the time that is measured
        self.assertLess(sluiced.cpu_seconds() - cpu, 0.4)
        self.assertLessEqual(sluiced.mark() - lines, 10)

    def test_those_inside_are_served(self):
        """Old clients do not notice."""
        sluiced, old, _ = self.starve()
        for number in range(100):
            old.publish(TOPIC, b"%d" % number)
            self.hear(old, b"%d" % number)
        self.assertLessEqual(sluiced.fd_count(), 64)

    def test_those_outside_are_served_after_release(self):
        """Places that become free are taken, to the last in line."""
        sluiced, _, waiting = self.starve()
        for client in waiting:
            client.publish(TOPIC, b"in")
            client.recv()
            client.close()
        sluiced.wait_for_log("event=accept_resumed")
        self.assert_serves(sluiced)

    def test_half_of_them_reset_while_they_wait(self):
        """Dead connections in the kernel's queue are no obstacle."""
        sluiced, old, waiting = self.starve()
        for client in waiting[::2]:
            client.reset()
        for client in waiting[1::2]:
            client.publish(TOPIC, b"in")
            client.recv()
            client.close()
        old.publish(TOPIC, b"old")
        self.hear(old, b"old")

    def test_stops_well_while_starved(self):
        """No descriptor left, and still an orderly end."""
        sluiced, _, waiting = self.starve()
        report = sluiced.stop()
        self.assertEqual(report.status, 0)
        for client in waiting:
            client.wait_closed()


class ManyConnections(Crowd):
    def test_hundreds_at_once_on_every_listener(self):
        """A burst of clients on TCP and on a unix socket: all served."""
        sluiced = self.broker(listen=("127.0.0.1:0", "unix:{dir}/sock",
                                      "127.0.0.1:0"))
        clients = []
        for number in range(600):
            client = Client(sluiced.addresses[number % 3])
            self.addCleanup(client.close)
            clients.append(client.subscribe(TOPIC))
        sluiced.sync(*clients)
        clients[0].publish(TOPIC, b"all of you")
        for client in clients:
            self.assertEqual(client.recv(), b"all of you")


if __name__ == "__main__":
    main()
