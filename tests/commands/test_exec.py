# SPDX-License-Identifier: MIT
"""sluice listen --exec: one run per message, one at a time, and what the
command did with it shows."""
import os
import pathlib
import select
import shlex
import signal
import tempfile

import people
from gated import STOPPING, WithGate, kill_group
from people import DEADLINE, FakeBroker, Process, WithBroker


class WithWorkers(WithBroker):
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


class Exec(WithWorkers):
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

    def test_a_message_whose_command_fails_comes_again(self):
        self.send("/queue/w", "a", "b")
        out, err = self.finish(self.work(
            'echo "$(cat) $SLUICE_TRY"; test "$SLUICE_TRY" -gt 1',
            "--count", "4"), status=1)
        self.assertEqual(sorted(out.splitlines()),
                         [b"a 1", b"a 2", b"b 1", b"b 2"])
        self.assertIn("message 1: the command exited with 1", err)
        self.broker.wait_stats(subscribers=0, queued_messages=0)

    def test_a_command_may_ask_for_its_message_later(self):
        self.send("/queue/w", "a", "b")
        out, err = self.finish(self.work('cat; exit 75', "--count", "1"))
        self.assertEqual((out, err), (b"a", ""))
        self.broker.wait_stats(subscribers=0, queued_messages=2)

    def test_a_message_of_a_topic_does_not_come_again(self):
        listener = self.start("listen", "/topic/w", "--exec", "cat; exit 75",
                              "--count", "2")
        self.broker.wait_stats(subscribers=1)
        self.send("/topic/w", "a", "b")
        out, err = self.finish(listener, status=1)
        self.assertEqual(out, b"ab")
        self.assertIn("message 1: the command exited with 75", err)

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

    def test_newline_is_for_commands_that_read_lines(self):
        self.send("/queue/w", "a", "", "b")
        out, _ = self.finish(self.work("while read x; do echo got:$x; done",
                                       "--newline", "--count", "3"))
        self.assertEqual(out, b"got:a\ngot:\ngot:b\n")
        done = self.run_to_end("listen", "/queue/w", "--newline")
        self.assertEqual(done.returncode, 2)

    def test_workers_share_a_queue(self):
        count = 60
        done = self.dir / "done"
        os.mkfifo(done)
        quoted = shlex.quote(str(done))
        workers = [self.work(f"read x; echo $x > {quoted}", "--newline")
                   for _ in range(3)]
        self.broker.wait_stats(subscribers=3)
        # One write for each line: they cannot be mixed up. Both ends are open
        # here, so that no command is the last to close it.
        with open(done, "r+b", buffering=0) as file:
            self.send("/queue/w", *map(str, range(count)))
            seen = [int(file.readline()) for _ in range(count)]
        for worker in workers:
            worker.signal(signal.SIGTERM)
            self.finish(worker)
        self.assertEqual(sorted(seen), list(range(count)))


class Stopping(WithWorkers, WithGate):
    def begin(self, *args):
        """A worker whose command has begun, and the command's process."""
        worker = self.work(self.job, *args)
        return worker, self.begun(worker)

    def test_a_stop_signal_lets_the_command_finish(self):
        for number in (signal.SIGINT, signal.SIGTERM):
            self.send("/queue/w", "m")
            worker, _ = self.begin()
            worker.signal(number)
            self.assertEqual(worker.complaint(), STOPPING)
            self.gate.write_text("done\n")
            self.assertEqual(self.finish(worker), (b"done\n", ""))

    def test_control_c_in_a_terminal_reaches_no_command(self):
        self.check_control_c("listen")

    def test_a_second_signal_ends_the_command(self):
        self.send("/queue/w", "m")
        worker, job = self.begin()
        worker.signal(signal.SIGINT)
        self.assertEqual(worker.complaint(), STOPPING)
        command = os.pidfd_open(job)  # readable when it has ended
        self.addCleanup(os.close, command)
        worker.signal(signal.SIGINT)
        self.finish(worker, status=-signal.SIGINT)
        self.assertTrue(select.select([command], [], [], DEADLINE)[0])

    def test_a_worker_that_stops_was_given_one_message(self):
        """The others stay where they are, in their order."""
        self.send("/queue/w", *map(str, range(500)))
        worker, _ = self.begin()
        worker.signal()
        self.assertEqual(worker.complaint(), STOPPING)
        self.gate.write_text("done\n")
        self.assertEqual(self.finish(worker), (b"done\n", ""))
        self.broker.wait_stats(queued_messages=499)
        rest = self.start("listen", "/queue/w", "--count", "499")
        status, out, err = rest.finish()
        self.assertEqual((status, err), (0, ""))
        self.assertEqual([*map(int, out.split())], [*range(1, 500)])

    def test_what_had_come_from_a_topic_is_counted_and_dropped(self):
        worker = self.start("listen", "/topic/w", "--exec", self.job)
        self.broker.wait_stats(subscribers=1)
        self.send("/topic/w", "a", "b", "c")
        self.addCleanup(kill_group, int(worker.line()))
        worker.signal()
        self.assertEqual(worker.complaint(), STOPPING)
        self.gate.write_text("done\n")
        _, err = self.finish(worker)
        self.assertEqual(err, "sluice: 2 more messages had come, and not been "
                         "used\n")


class Count(WithBroker):
    def test_count_takes_as_many_and_not_one_more(self):
        self.send("/queue/w", *map(str, range(10)))
        first = self.start("listen", "/queue/w", "--count", "1")
        self.assertEqual(first.finish(), (0, b"0\n", ""))
        self.broker.wait_stats(queued_messages=9, redelivered=0)
        second = self.start("listen", "/queue/w", "--count", "8")
        status, out, err = second.finish()
        self.assertEqual((status, err), (0, ""))
        self.assertEqual(out.split(), [b"%d" % i for i in range(1, 9)])
        self.broker.wait_stats(queued_messages=1, redelivered=0, acked=9)

    def test_a_reader_that_has_enough_leaves_the_rest(self):
        """sluice listen /queue/w | head -1: what was written is gone, and no
        more."""
        self.send("/queue/w", "--size", "4k", "--count", "300")
        reader, writer = os.pipe()
        listener = self.start("listen", "/queue/w", stdout=writer)
        os.close(writer)
        os.read(reader, 100)
        os.close(reader)
        self.assertEqual(listener.finish()[0], 0)
        left = self.broker.stats()["queued_messages"]
        self.assertGreater(left, 300 - 64 // 4 - 2)


class OldBroker(WithWorkers):
    """A broker that speaks version 1 only, as the test plays it."""

    def setUp(self):
        super().setUp()
        self.old = FakeBroker(self)

    def worker(self, *args):
        """A listener to a queue, and its connection."""
        process = Process(self, "listen", "/queue/w", *args,
                          server=self.old.address)
        connection, channel = self.old.accept_listener()
        self.assertEqual(channel, b"/queue/w")
        return process, connection

    def test_a_command_runs_for_each_message(self):
        worker, connection = self.worker(
            "--exec", "cat; echo $SLUICE_CHANNEL $SLUICE_SEQ", "--count", "2")
        connection.send(b"a", b"b")
        self.assertEqual(connection.read_frame(), b"")
        connection.close()
        self.assertEqual(self.finish(worker), (b"a/queue/w\nb/queue/w\n", ""))

    def test_a_command_that_fails_is_told_and_the_next_one_runs(self):
        worker, connection = self.worker("--exec", 'test "$(cat)" != a',
                                         "--count", "2")
        connection.send(b"a", b"b")
        self.assertEqual(connection.read_frame(), b"")
        connection.close()
        _, err = self.finish(worker, status=1)
        self.assertEqual(err, "sluice: --exec: message 1: the command exited "
                              "with 1\n")

    def test_what_a_worker_was_given_is_handed_back(self):
        gate = self.dir / "gate"
        os.mkfifo(gate)
        worker, connection = self.worker(
            "--exec", f"echo $$; read x < {shlex.quote(str(gate))}")
        connection.send(b"a", b"b", b"c")
        self.addCleanup(kill_group, int(worker.line()))
        worker.signal()
        self.assertIn("stopping as soon as", worker.complaint())
        gate.write_text("done\n")
        self.assertEqual(connection.read_frame(), b"")
        back = self.old.accept()
        connection.close()
        self.assertEqual(back.read_frame(), b"/null")
        self.assertEqual(back.read_messages(), (
            [(b"/queue/w", b"b"), (b"/queue/w", b"c")], True))
        back.close()
        _, err = self.finish(worker)
        self.assertEqual(err, "sluice: 2 more messages had been given to "
                         "this listener: handed back, to the end of the "
                         "queue\n")

    def test_what_cannot_be_handed_back_may_be_lost(self):
        listener, connection = self.worker("--count", "1")
        connection.send(b"a", b"b", b"c")
        self.assertEqual(connection.read_frame(), b"")
        self.old.accept().reset()
        connection.close()
        status, out, err = listener.finish()
        self.assertEqual((status, out), (1, b"a\n"))
        self.assertRegex(err, "^sluice: at least 2 more messages had been given "
                         "to this listener and may be lost: ")

    def test_what_may_still_have_come_is_not_passed_over(self):
        """The broker does not answer the goodbye."""
        listener, connection = self.worker("--count", "1", "--timeout",
                                           "1s")
        connection.send(b"a")
        status, out, err = listener.finish()
        self.assertEqual((status, out), (1, b"a\n"))
        self.assertEqual(err, "sluice: messages that were on their way to "
                         "this listener may be lost: the time is up, see "
                         "--timeout\n")

    def test_it_has_no_wildcards(self):
        for channels in (("/a/*",), ("/a", "/b")):
            listener = Process(self, "listen", *channels,
                               server=self.old.address)
            self.old.accept().close()
            _, err = self.finish(listener, status=1)
            self.assertIn("version 2", err)
            self.assertIn("needs a newer sluiced", err)


class Crash(WithWorkers):
    def test_a_worker_that_is_killed_loses_nothing(self):
        self.send("/queue/w", *map(str, range(100)))
        worker = self.work("echo $$; exec sleep 1000")
        self.addCleanup(kill_group, int(worker.line()))
        worker.signal(signal.SIGKILL)
        worker.popen.wait(DEADLINE)
        self.broker.wait_stats(subscribers=0, queued_messages=100)
        rest = self.work("cat; echo", "--count", "100")
        out, err = self.finish(rest)
        self.assertEqual(([*map(int, out.split())], err),
                         ([*range(100)], ""))

    def test_a_worker_that_is_killed_again_and_again_does_each_job(self):
        """Perhaps twice: a job whose worker is killed before it could say that
        the job is done."""
        count = 60
        done = self.dir / "done"
        self.send("/queue/w", *map(str, range(count)))
        # One write for each line: the job of a killed worker goes on.
        command = f'x=$(cat); echo "$x" >> {shlex.quote(str(done))}; echo'
        for _ in range(10):
            worker = self.work(command)
            for _ in range(3):
                worker.line()
            worker.signal(signal.SIGKILL)
            worker.popen.wait(DEADLINE)
        self.broker.wait_stats(subscribers=0)
        worker = self.work(command)
        self.broker.wait_stats(queued_messages=0)
        worker.signal(signal.SIGTERM)
        self.finish(worker)
        self.assertEqual(set(map(int, done.read_text().split())),
                         set(range(count)))


if __name__ == "__main__":
    people.main()
