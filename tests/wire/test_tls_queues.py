# SPDX-License-Identifier: MIT
"""A consumer stops reading in the middle of a record of TLS, and then it or the
broker ends: its messages come again unless it got them whole. It is the same
without TLS, with what the kernel has instead of records, and is played both
ways."""
import select
import shutil
import signal
import tempfile

import certificates
from daemon import Broker
from test_tls_output import MESSAGES, SIZE, WAYS, OutputTest
from unit_client import OPENING, UnitClient, option
from wire import DEADLINE, Client, frame, main, number_of, skip

if not shutil.which("openssl"):
    skip("no openssl")

QUEUE = b"/queue/jobs"
ALL = list(range(MESSAGES))
HELD = b" ack=yes credit=%d" % (2 * MESSAGES)


class Dying(OutputTest):
    def each_way(self, play, *args):
        for has_tls in WAYS:
            with self.subTest(has_tls=has_tls):
                play(has_tls, *args)

    def consumer(self, broker, has_tls, words=b"", **kwargs):
        client = UnitClient(broker.address, has_tls=has_tls, **kwargs)
        self.addCleanup(client.close)
        client.raw = client.sock.sock if has_tls else client.sock
        client.say(*OPENING)
        client.hear()
        head = client.ask(b"SUB %s rid=1%s" % (QUEUE, words))
        self.assertTrue(head.startswith(b"OK rid=1"), head)
        return client

    def stalled(self, broker, has_tls, words=b""):
        """One that has been sent what its kernel takes."""
        client = self.consumer(broker, has_tls, words, rcvbuf=4096)
        sender = self.publisher(broker).flood(QUEUE, MESSAGES, SIZE)
        broker.sync(sender)
        self.assertTrue(select.select([client.raw], [], [], DEADLINE)[0])
        return client

    def units(self, frames):
        """[(number, tries)] of the messages that are whole."""
        self.assertTrue(all(head.startswith(b"MSG " + QUEUE)
                            for head in frames[::2]))
        return [(number_of(body), int(option(head, b"try") or 1))
                for head, body in zip(frames[::2], frames[1::2])]

    def got_by(self, broker, client):
        """All that it has got; the broker sleeps."""
        got = self.units(self.take_from_kernel(broker, client))
        self.assertEqual(got, [(n, 1) for n in range(len(got))])
        self.assertGreater(len(got), 0)
        return len(got)

    def assert_rest(self, broker, has_tls, words, wanted):
        heir = self.consumer(broker, has_tls, words)
        rest = [part for _ in wanted for part in heir.hear()]
        self.assertEqual(self.units(rest), wanted)
        self.assertEqual(heir.ping(b"done"), [])

    def play_death(self, has_tls, words):
        """Answers how many messages it got whole."""
        broker = self.start()
        client = self.stalled(broker, has_tls, words)
        got = self.got_by(broker, client)
        client.reset()
        broker.signal(signal.SIGCONT)
        tries = 2 if words else 1
        again = [(n, tries) for n in ALL[:got]] if words else []
        self.assert_rest(broker, has_tls, words,
                         again + [(n, 1) for n in ALL[got:]])

    def test_what_it_did_not_get_whole_goes_to_the_next(self):
        """In order, nothing lost and nothing twice."""
        self.each_way(self.play_death, b"")

    def test_what_it_held_comes_again_and_says_so(self):
        """Only what it got whole counts as a try."""
        self.each_way(self.play_death, HELD)


class Journal(Dying):
    """The same of a durable queue; and the broker ends."""

    def start(self, *args):
        self.folder = self.enterContext(
            tempfile.TemporaryDirectory(prefix="sluice-journal-"))
        return self.start_again(*args)

    def start_again(self, *args):
        broker = Broker(
            *certificates.server_options(), "--journal", self.folder,
            "--journal-free", "0", "--channel",
            f"{QUEUE.decode()} durable=yes", "--log-level", "debug", *args)
        self.addCleanup(broker.kill)
        return broker

    def confirm(self, broker, has_tls):
        """What was settled before is on disk. A message more, the last one."""
        sender = UnitClient(broker.address, has_tls=has_tls)
        self.addCleanup(sender.close)
        sender.say(*OPENING)
        sender.hear()
        head = sender.ask(b"PUB %s confirm=sync rid=1" % QUEUE,
                          MESSAGES.to_bytes(8, "big"))
        self.assertEqual(option(head, b"sync"), b"1", head)

    def play_kill(self, has_tls):
        broker, done = self.start(), 20
        client = self.stalled(broker, has_tls, HELD)
        for n in range(done):
            head, body = client.hear()
            self.assertEqual(number_of(body), n)
            client.say(b"ACK " + b" ".join(head.split()[1:3]))
        broker.wait_stats(acked=done)
        self.confirm(broker, has_tls)
        broker.kill()
        self.assert_rest(self.start_again(), has_tls, HELD,
                         [(n, 1) for n in range(done, MESSAGES + 1)])

    def test_after_a_kill_all_comes_that_was_not_acknowledged(self):
        self.each_way(self.play_kill)

    def play_end(self, has_tls):
        broker = self.start()
        client = Client(broker.address, has_tls=has_tls)
        self.addCleanup(client.close)
        client.send(frame(QUEUE))
        sender = self.publisher(broker).flood(QUEUE, 40, 8)
        broker.sync(client, sender)
        self.assertEqual(client.recv_numbers(40), ALL[:40])
        since = broker.mark()
        client.close()
        broker.wait_for_log(r"event=closed .*reason=eof.*messages_out=\d\d",
                            since)
        self.assertEqual(broker.stats()["queued_messages"], 0)

    def test_nothing_comes_again_after_an_end_in_order(self):
        """To which TLS adds a word, which is no message."""
        self.each_way(self.play_end)

    def play_stop(self, has_tls):
        broker = self.start("--drain-timeout", "200ms")
        client = Client(broker.address, rcvbuf=4096, has_tls=has_tls)
        self.addCleanup(client.close)
        client.send(frame(QUEUE))
        broker.sync(client)
        sender = self.publisher(broker).flood(QUEUE, MESSAGES, SIZE)
        broker.sync(sender)
        self.assertEqual(broker.stop().status, 0)
        got = [number_of(body) for body in client.recv_until_closed()]
        self.assertEqual(got, ALL[:len(got)])
        heir = self.consumer(self.start_again(), has_tls)
        rest = [number_of(heir.hear()[1])]
        while rest[-1] != ALL[-1]:
            rest.append(number_of(heir.hear()[1]))
        self.assertEqual(rest, ALL[rest[0]:])
        self.assertLessEqual(rest[0], len(got))

    def test_after_a_stop_all_comes_that_it_had_not_got(self):
        """The consumer is of version 1, and was given up."""
        self.each_way(self.play_stop)


if __name__ == "__main__":
    main()
