# SPDX-License-Identifier: MIT
"""sluice listen --exec: one run per message, one at a time, and what the
command did with it shows."""
import os
import pathlib
import shlex
import signal
import tempfile

import people
from people import WithBroker


class Exec(WithBroker):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def work(self, command, *args):
        return self.start("listen", "/queue/w", "--exec", command, *args)

    def finish(self, worker, status=0):
        ended, out, err = worker.finish()
        self.assertEqual(ended, status, err)
        return out, err

    def test_each_message_is_a_standard_input(self):
        messages = [b"one", b"", b"two\nlines\n", b"\0\xff", b"x" * 300_000]
        client = self.broker.connect().subscribe(b"/null")
        for message in messages:
            client.publish(b"/queue/w", message)
        self.broker.sync(client)
        client.close()
        folder = shlex.quote(str(self.dir))
        self.finish(self.work(f"cat > {folder}/$(ls {folder} | wc -l)",
                              "--count", str(len(messages))))
        self.assertEqual([(self.dir / str(i)).read_bytes()
                          for i in range(len(messages))], messages)

    def test_the_channel_is_in_the_environment(self):
        self.send("/queue/w", "m")
        out, _ = self.finish(self.work("echo $SLUICE_CHANNEL", "--count", "1"))
        self.assertEqual(out, b"/queue/w\n")

    def test_one_at_a_time_and_in_order(self):
        """Each run finds that no other is under way."""
        self.send("/queue/w", *map(str, range(30)))
        lock = shlex.quote(str(self.dir / "lock"))
        out, err = self.finish(self.work(
            f"mkdir {lock} && cat && echo && rmdir {lock}", "--count", "30"))
        self.assertEqual((out.split(), err),
                         ([b"%d" % i for i in range(30)], ""))

    def test_a_command_that_reads_nothing(self):
        self.send("/queue/w", "--size", "4m", "--count", "3")
        self.finish(self.work("true", "--count", "3"))

    def test_a_command_that_fails_is_told_and_the_next_one_runs(self):
        self.send("/queue/w", "a", "b", "c")
        out, err = self.finish(self.work(
            'read m; echo "$m"; test "$m" != b', "--count", "3"), status=1)
        self.assertEqual(out.split(), [b"a", b"b", b"c"])
        self.assertEqual(err, "sluice: --exec: message 2: the command exited "
                              "with 1\n")

    def test_a_command_that_is_killed_is_told(self):
        self.send("/queue/w", "m")
        _, err = self.finish(self.work("kill -9 $$", "--count", "1"), status=1)
        self.assertIn("signal 9 ended the command", err)

    def test_a_command_that_is_not_there(self):
        self.send("/queue/w", "m")
        _, err = self.finish(self.work("/no/such/command", "--count", "1"),
                             status=1)
        self.assertIn("the command exited with 127", err)

    def test_pipes_of_a_command_break_as_usual(self):
        """The client ignores SIGPIPE; its commands must not."""
        self.send("/queue/w", "m")
        out, err = self.finish(self.work(
            "(yes; echo $? >&2) | head -1", "--count", "1"))
        self.assertEqual((out, err), (b"y\n", "141\n"))

    def test_a_command_inherits_no_descriptors(self):
        self.send("/queue/w", "m")
        out, _ = self.finish(self.work("ls /proc/self/fd", "--count", "1"))
        self.assertEqual(out.split(), [b"0", b"1", b"2", b"3"])  # 3: ls's own

    def test_a_stop_signal_lets_the_command_finish(self):
        fifo = self.dir / "fifo"
        os.mkfifo(fifo)
        self.send("/queue/w", "m")
        quoted = shlex.quote(str(fifo))
        worker = self.work(f"echo begun; read x < {quoted}; echo $x")
        self.assertEqual(worker.line(), b"begun\n")
        worker.signal(signal.SIGTERM)
        fifo.write_text("done\n")
        self.assertEqual(self.finish(worker), (b"done\n", ""))

    def test_workers_share_a_queue(self):
        count = 60
        log = shlex.quote(str(self.dir / "log"))
        workers = [self.work(f"read x; echo $x >> {log}")
                   for _ in range(3)]
        self.broker.wait_stats(subscribers=3)
        self.send("/queue/w", *map(str, range(count)))
        self.broker.wait_stats(messages_out=count, queued_messages=0)
        for worker in workers:
            worker.signal(signal.SIGTERM)
            self.finish(worker)
        # One write for each line: they cannot be mixed up.
        seen = (self.dir / "log").read_text().split()
        self.assertEqual(sorted(map(int, seen)), list(range(count)))


if __name__ == "__main__":
    people.main()
