# SPDX-License-Identifier: MIT
"""The end: what was accepted is delivered, nothing comes twice, nobody
hangs, and the last line adds it up (figure R18)."""
import os
import random
import signal
import socket
import threading

from wire import (DEADLINE, KIB, MIB, WITH_TLS, Background, Client, WireTest,
                  main, number_of, numbered, numbered_pairs)

TOPIC, QUEUE = b"/topic/stop", b"/queue/stop"
STOPS, BATCH = 20, 50
SEED = int(os.environ.get("SEED", "18"))
TCP_CLOSE_WAIT = 8  # tcpi_state


def is_confirmed(client):
    """Whether a goodbye was heard. End of file alone is not enough: it
    could be the broker's end. But then our unread frames would have been
    answered with a reset, and the socket would be gone for good. With TLS an
    end is one that the broker has said."""
    if client.wait_closed() != "eof":
        return False
    if WITH_TLS:
        return True
    state = client.sock.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    return state[0] == TCP_CLOSE_WAIT


class Idle(WireTest):
    def test_sigterm_and_sigint_end_with_0(self):
        """Both are an orderly end, with a summary as the last line."""
        for number in (signal.SIGTERM, signal.SIGINT):
            with self.subTest(signal=number.name):
                sluiced = self.broker()
                sluiced.signal(number)
                report = sluiced.wait()
                self.assertEqual(report.status, 0)
                self.assertTrue(sluiced.log("event=stopping"))
                self.assertIn("event=stopped", str(sluiced.log()[-1]))

    def test_summary_has_the_counters(self):
        """The same numbers as on SIGUSR1."""
        sluiced = self.broker()
        listener = self.subscriber(sluiced, TOPIC)
        self.publisher(sluiced).publish(TOPIC, b"a", b"b")
        listener.recv_many(2)
        sluiced.end_sync()
        stats = sluiced.stats()
        last = sluiced.stop().counters
        self.assertLessEqual(set(stats), set(last))
        self.assertGreaterEqual(last["messages_in"], 2)
        self.assertEqual(last["accepted"], stats["accepted"])
        self.assertEqual(last["connections"], 0)
        self.assertEqual(last["dropped_stopping"], 0)

    def test_idle_clients_are_told_and_do_not_delay(self):
        """Subscribers, publishers, silent ones and half frames: all see
        the end; the drain timeout of an hour is not waited for. It is in
        order for subscribers alone: a publisher could take it for the answer
        to a goodbye."""
        sluiced = self.broker("--drain-timeout", "60m")
        subscribers = [self.subscriber(sluiced, TOPIC),
                       self.subscriber(sluiced, QUEUE)]
        others = [self.publisher(sluiced), self.connect(sluiced),
                  self.publisher(sluiced).send(b"\0\0")]
        sluiced.sync(others[0])
        report = sluiced.stop()
        self.assertEqual(report.status, 0)
        self.assertEqual([c.wait_closed() for c in subscribers], ["eof"] * 2)
        self.assertEqual(others[0].wait_closed(), "reset")
        for client in others[1:]:
            client.wait_closed()

    def test_queue_without_consumers_does_not_delay(self):
        """No client can come any more to take it: it is counted."""
        sluiced = self.broker("--drain-timeout", "60m")
        sender = self.publisher(sluiced).flood(QUEUE, 100, KIB)
        sluiced.sync(sender)
        report = sluiced.stop()
        self.assertEqual(report.status, 0)
        self.assertEqual(report.counters["dropped_stopping"], 100)


class Backlog(WireTest):
    def backlog(self, sluiced, channel, count=8000):
        """A subscriber that has not read what is waiting for it."""
        stalled = self.subscriber(sluiced, channel, rcvbuf=4096)
        sender = self.publisher(sluiced).flood(channel, count, KIB)
        sluiced.sync(sender)
        return stalled

    def test_accepted_messages_are_delivered_once(self):
        """A client that begins to read after the signal gets everything
        it is owed, in order, nothing twice, then the end."""
        for channel in (TOPIC, QUEUE):
            with self.subTest(channel=channel):
                sluiced = self.broker("--drain-timeout", "60s")
                stalled = self.backlog(sluiced, channel)
                sluiced.signal()
                sluiced.wait_for_log("event=stopping")
                self.assertEqual(stalled.wait_closed(), "eof")
                got = [number_of(m) for m in stalled.recv_until_closed()]
                self.assertEqual(got, list(range(8000)))
                self.assertEqual(stalled.unfinished, 0)
                report = sluiced.wait()
                self.assertEqual(report.status, 0)
                self.assertEqual(report.counters["dropped_stopping"], 0)

    def test_stalled_client_delays_for_the_drain_timeout_only(self):
        """Then it is given up; what it was owed is counted; exit 0."""
        for channel in (TOPIC, QUEUE):
            with self.subTest(channel=channel):
                sluiced = self.broker("--drain-timeout", "500ms")
                self.backlog(sluiced, channel)
                report = sluiced.stop(15)
                self.assertEqual(report.status, 0)
                self.assertGreater(report.counters["dropped_stopping"], 0)

    def test_what_a_given_up_client_got_is_a_clean_prefix(self):
        """No frame comes twice at the end, none is skipped."""
        sluiced = self.broker("--drain-timeout", "500ms")
        stalled = self.backlog(sluiced, TOPIC)
        sluiced.stop()
        got = []
        try:
            while True:
                got.append(number_of(stalled.recv()))
        except (EOFError, ConnectionResetError):
            pass
        self.assertEqual(got, list(range(len(got))))

    def test_second_signal_stops_at_once(self):
        """An operator that insists need not wait for the drain timeout."""
        sluiced = self.broker("--drain-timeout", "60m")
        self.backlog(sluiced, TOPIC)
        sluiced.signal()
        sluiced.wait_for_log("event=stopping")
        self.assertIsNone(sluiced.process.poll())
        sluiced.signal()
        self.assertEqual(sluiced.wait(15).status, 0)

    def test_listeners_close_at_once(self):
        """While it drains nobody new gets in, on any listener."""
        sluiced = self.broker("--drain-timeout", "60m",
                              listen=("127.0.0.1:0", "unix:{dir}/sock"))
        stalled = self.backlog(sluiced, TOPIC)
        sluiced.signal()
        sluiced.wait_for_log("event=stopping")
        for address in sluiced.addresses:
            self.wait_refused(address)
        self.assertEqual(len(stalled.recv_until_closed()), 8000)
        self.assertEqual(sluiced.wait().status, 0)

    @staticmethod
    def wait_refused(address):
        """The kernel may still have said yes to one or two: they are
        closed unheard, and then there is nobody to connect to."""
        while True:
            try:
                client = Client(address)
            except OSError:
                return
            with client:
                client.wait_closed()

    def test_publishers_are_not_read_while_it_drains(self):
        """What comes after the signal is not accepted."""
        sluiced = self.broker("--drain-timeout", "60s")
        sender = self.publisher(sluiced)
        stalled = self.backlog(sluiced, TOPIC)
        sluiced.signal()
        sluiced.wait_for_log("event=stopping")
        try:
            sender.publish(TOPIC, b"too late")
        except OSError:
            pass  # told already
        got = stalled.recv_until_closed()
        self.assertNotIn(b"too late", got)
        self.assertEqual(len(got), 8000)

    def test_paused_publishers_do_not_delay(self):
        """A full queue and its waiting publisher are no reason to stay."""
        sluiced = self.broker("--queue-limit", "64k", "--drain-timeout",
                              "60m", "--log-level", "debug")
        sender = self.publisher(sluiced)
        sending = Background(sender.flood, QUEUE, 20000, KIB)
        sluiced.wait_for_log("event=publisher_paused")
        self.assertEqual(sluiced.stop().status, 0)
        with self.assertRaises(OSError):
            sending.join()

    def test_large_message_in_flight_arrives_whole(self):
        """8 MiB half written when the signal comes."""
        sluiced = self.broker("--drain-timeout", "60s")
        listener = self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        message = numbered(5, 8 * MIB)
        sender = self.publisher(sluiced).publish(TOPIC, message)
        sluiced.sync(sender)
        sluiced.signal()
        sluiced.wait_for_log("event=stopping")
        self.assertTrue(listener.recv_until_closed() == [message])


class UnderLoad(WireTest):
    """R18: twenty stops at random times, accepted = a goodbye confirmed."""

    def publish(self, address, channel, base, confirmed, gained):
        """Batches, each on a connection of its own that ends with a
        goodbye, until the broker is no longer there."""
        for start in range(base, base + 1_000_000, BATCH):
            numbers = range(start, start + BATCH)
            try:
                with Client(address) as client:
                    client.subscribe(b"")
                    client.send(numbered_pairs(channel, numbers, 500))
                    client.goodbye()
                    if not is_confirmed(client):
                        return
            except OSError:
                return
            confirmed.extend(numbers)
            gained.release()

    def test_nothing_accepted_is_lost(self):
        """0 accepted-but-lost, 0 duplicated, exit 0, every time."""
        print(f"SEED={SEED}")
        dice, total = random.Random(SEED), 0
        for _ in range(STOPS):
            total += self.stop_after(dice.randrange(1, 60))
        self.assertGreater(total, STOPS * BATCH)

    def stop_after(self, batches):
        """One broker that is stopped while batches come in; how many
        messages it had confirmed."""
        sluiced = self.broker("--drain-timeout", "60s")
        confirmed, gained = {TOPIC: [], QUEUE: []}, threading.Semaphore(0)
        readers = {name: Background(
            self.subscriber(sluiced, name).recv_until_closed)
            for name in confirmed}
        senders = [Background(self.publish, sluiced.address, name,
                              who * 1_000_000, confirmed[name], gained)
                   for name in confirmed for who in range(2)]
        for _ in range(batches):
            self.assertTrue(gained.acquire(timeout=DEADLINE))
        report = sluiced.stop()
        self.assertEqual(report.status, 0)
        for sender in senders:
            sender.join()
        for name, reader in readers.items():
            got = [number_of(m) for m in reader.join()]
            self.assertEqual(set(confirmed[name]) - set(got), set(), name)
            self.assertEqual(len(got), len(set(got)), "delivered twice")
        return sum(map(len, confirmed.values()))


if __name__ == "__main__":
    main()
