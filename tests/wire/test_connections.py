# SPDX-License-Identifier: MIT
"""More clients than the broker has room for: accepting pauses and resumes,
those inside do not notice, and the loop does not spin (class 12, R7)."""
import contextlib
import resource
import time

from wire import Client, WireTest, main

TOPIC = b"/topic/crowd"
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


class MaxConnections(Crowd):
    def test_accepting_pauses_and_resumes(self):
        """--max-connections 5: the sixth waits, unharmed, for a place."""
        sluiced = self.broker("--max-connections", "5")
        first = self.crowd(sluiced, 5)
        for number, client in enumerate(first):
            client.publish(TOPIC, b"%d" % number)
            self.hear(client, b"%d" % number)
        sixth = self.connect(sluiced).subscribe(TOPIC)
        sluiced.wait_for_log("event=accept_paused")
        self.assertEqual(sluiced.stats()["connections"], 5)
        with self.served(sixth):
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
