# SPDX-License-Identifier: MIT
"""A folder that is not the broker's alone, odd names of channels, the smallest
and the largest of messages: nothing is lost, and nothing else is touched.

SLUICE_LARGE_MB=1024 makes the large message as large as there may be.
"""
import os
import re
import signal
import tempfile

from durable import (DurableTest, faults, main, publish_and_say_goodbye,
                     run_sluiced, setting)
from wire import KIB, MIB, Broker

LARGE_MB = setting("SLUICE_LARGE_MB", 40)
OWN = re.compile(r"LOCK|FORMAT|[0-9a-f]{16}\.seg|spare-[0-5]\.seg")
NAMES = (b"/queue", b"/queue/../../etc/passwd", b"/queue/..", b"/queue//",
         b"/queue/a\0b", b"/queue/\xff\xfe", b"/queue/%2F", b"/queue/\n",
         b"/queue/" + b"x" * 248)
QUIET = ("--feed", "off", "--control", "off")


class BadLuck(DurableTest):
    def start(self, journal, *args, **kwargs):
        broker = Broker("--journal", journal, "--journal-free", "0",
                        "--journal-segment", "1m", "--channel",
                        "** durable=yes limit=4g", *args, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def publish(self, broker, queue, *messages):
        sender = self.publisher(broker).publish(queue, *messages)
        self.assertEqual(sender.goodbye().wait_closed(600), "eof")

    def test_names_of_channels_are_never_names_of_files(self):
        """Whatever bytes they have; they come back after a kill."""
        journal = self.journal()
        broker = self.start(journal)
        for number, name in enumerate(NAMES):
            self.publish(broker, name, b"%d" % number, b"")
        broker.kill()
        for name in os.listdir(journal):
            self.assertRegex(name, OWN)
        self.assertEqual(os.listdir(os.path.dirname(journal)).count("etc"), 0)
        broker = self.start(journal)
        self.assertEqual(broker.stats()["channels"], len(NAMES))
        for number, name in enumerate(NAMES):
            self.assertEqual(self.subscriber(broker, name).recv_many(2),
                             [b"%d" % number, b""])
        self.finish(broker)
        self.checked(journal)

    def test_a_message_may_be_larger_than_many_segments(self):
        journal = self.journal()
        sizes = ("--max-frame", f"{LARGE_MB}m", "--memory",
                 f"{4 * LARGE_MB + 64}m", "--journal-limit", "8g")
        size = LARGE_MB * MIB
        large = (bytes(range(251)) * (size // 251 + 1))[:size]
        broker = self.start(journal, *sizes)
        self.publish(broker, b"/queue/a", b"before", large, b"behind")
        broker.kill()
        broker = self.start(journal, *sizes)
        reader = self.subscriber(broker, b"/queue/a")
        self.assertEqual(reader.recv(600), b"before")
        self.assertTrue(reader.recv(600) == large, "other bytes")
        self.assertEqual(reader.recv(600), b"behind")
        self.finish(broker)
        self.checked(journal)

    def configured(self, path, journal, durable):
        with open(path, "w", encoding="ascii") as file:
            file.write(f"[journal]\ndirectory = {journal}\nfree = 0\n"
                       f'[channel "/queue/a"]\ndurable = {durable}\n')

    def test_a_queue_becomes_durable_by_a_reload_and_ceases_to_be(self):
        """With the messages that it has; it goes on being durable until it is
        empty."""
        journal = self.journal()
        path = os.path.join(self.enterContext(tempfile.TemporaryDirectory()),
                            "sluice.conf")
        self.configured(path, journal, "no")
        broker = Broker("-c", path)
        self.addCleanup(broker.kill)
        self.publish(broker, b"/queue/a", *[b"%d" % n for n in range(100)])
        self.configured(path, journal, "yes")
        broker.signal(signal.SIGHUP)
        broker.wait_stats(journal_messages=100, journal_pending_bytes=0)
        broker.kill()
        broker = Broker("-c", path)
        self.addCleanup(broker.kill)
        self.configured(path, journal, "no")
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=reloaded ?")
        self.publish(broker, b"/queue/a", b"100")
        broker.kill()
        broker = Broker("-c", path)
        self.addCleanup(broker.kill)
        reader = self.subscriber(broker, b"/queue/a")
        self.assertEqual(reader.recv_many(101),
                         [b"%d" % n for n in range(101)])
        reader.close()
        broker.end_sync()
        broker.wait_stats(channels=0)
        written = broker.stats()["journal_messages"]
        self.publish(broker, b"/queue/a", b"not kept")
        self.assertEqual(broker.stats()["journal_messages"], written)
        self.finish(broker)
        self.checked(journal)

    def test_a_consumer_that_resets_within_a_message_has_not_had_it(self):
        """The next one gets all of it, and nothing from before it."""
        journal = self.journal()
        broker = self.start(journal)
        large = bytes(range(251)) * (8 * MIB // 251)
        self.publish(broker, b"/queue/a", b"before", large, b"behind")
        first = self.connect(broker, rcvbuf=64 * KIB).subscribe(b"/queue/a")
        self.assertEqual(first.recv(), b"before")
        while first.unfinished + len(first.sock.recv(KIB)) == 0:
            pass  # until some of the next one has come
        first.reset()
        broker.wait_stats(connections=0, journal_acks=1)
        second = self.connect(broker).subscribe(b"/queue/a")
        self.assertTrue(second.recv() == large, "other bytes")
        self.assertEqual(second.recv(), b"behind")
        self.finish(broker)
        self.checked(journal)

    def test_a_second_broker_on_the_folder_is_refused_while_the_first_lives(
            self):
        """It names the process, and touches nothing; a kill frees the
        folder at once."""
        journal = self.journal()
        first = self.started(journal)
        publish_and_say_goodbye(self.ledger, first.address, count=3)
        said = run_sluiced("--listen", "127.0.0.1:0", "--journal", journal,
                           *QUIET)
        self.assertNotEqual(said.returncode, 0)
        self.assertIn(str(first.process.pid), said.stderr)
        publish_and_say_goodbye(self.ledger, first.address, count=3)
        first.kill()
        second = self.started(journal)
        self.assertEqual(second.stats()["queued_messages"], 6)
        self.finish(second)
        self.checked(journal)

    def test_unknown_names_in_the_folder_are_left_alone(self):
        journal = self.journal()
        self.finish(self.started(journal))
        with open(f"{journal}/notes", "w", encoding="ascii") as file:
            file.write("mine")
        os.mkdir(f"{journal}/folder.seg")
        broker = self.started(journal)
        told = broker.log("event=journal_foreign")
        self.assertEqual([line.fields["files"] for line in told], ["2"])
        publish_and_say_goodbye(self.ledger, broker.address)
        self.finish(broker)
        with open(f"{journal}/notes", encoding="ascii") as file:
            self.assertEqual(file.read(), "mine")
        self.assertTrue(os.path.isdir(f"{journal}/folder.seg"))
        self.checked(journal)

    def test_a_network_file_system_is_warned_of(self):
        with tempfile.TemporaryDirectory() as library:
            broker = self.started(self.journal(),
                                  env=faults(library, is_remote=True))
            self.assertEqual(len(broker.log("event=journal_remote")), 1)
            self.finish(broker)
        self.assertEqual(self.started(self.journal()).log("journal_remote"),
                         [])


if __name__ == "__main__":
    main()
