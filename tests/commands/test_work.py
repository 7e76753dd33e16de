# SPDX-License-Identifier: MIT
"""sluice work, reply and request: what each says to the broker, played by the
test, and to the person at the shell."""
import os
import pty
import signal
import subprocess
import tempfile
import unittest

from people import Process, command, run
from units_broker import UnitsBroker

SUB = "SUB /queue/w ack=yes credit=%d"


def temporary_folder(case):
    folder = tempfile.TemporaryDirectory()
    case.addCleanup(folder.cleanup)
    return folder.name


class WithUnits(unittest.TestCase):
    def setUp(self):
        self.broker = UnitsBroker(self)

    def start(self, *args):
        process = Process(self, *args, server=self.broker.address)
        self.broker.accept()
        return process

    def finish(self, process, status=0):
        ended, out, err = process.finish()
        self.assertEqual(ended, status, err)
        return out, err


class Work(WithUnits):
    def work(self, script, *args, sub=SUB % 1):
        process = self.start("work", "/queue/w", "--exec", script, *args)
        self.broker.answer(sub)
        return process

    def test_a_job_that_succeeds_is_acknowledged(self):
        worker = self.work("cat; echo $SLUICE_CHANNEL $SLUICE_SEQ $SLUICE_TRY",
                           "--count", "1")
        self.broker.send("MSG /queue/w 7 try=3", b"job ")
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.expect("ACK /queue/w 7")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(worker), (b"job /queue/w 7 3\n", ""))

    def test_headers_are_in_the_environment(self):
        worker = self.work("echo $SLUICE_H_Unit-$SLUICE_H_X_Note", "--count",
                           "1")
        self.broker.send("MSG /queue/w 1 Unit=C X-Note=two%20words")
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.expect("ACK /queue/w 1")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(worker)[0], b"C-two words\n")

    def test_a_job_that_fails_comes_again_soon_one_that_asks_later(self):
        worker = self.work('exit "$(cat)"', "--delay", "30s", "--count", "3")
        for number, status, answer in (
                (1, b"75", "NAK /queue/w 1 delay=30s"),
                (2, b"3", "NAK /queue/w 2 delay=1s"),
                (3, b"0", "ACK /queue/w 3")):
            self.broker.send(f"MSG /queue/w {number}", status)
            if number == 3:
                self.broker.expect("CREDIT /queue/w 0")
            head, _ = self.broker.connection.unit()
            self.assertEqual(head, answer)
        self.broker.take_goodbye()
        _, err = self.finish(worker, status=1)
        self.assertIn("message 2: the command exited with 3", err)
        self.assertNotIn("message 1", err)

    def test_as_many_jobs_at_a_time_as_asked_for(self):
        """Each waits until the other has begun."""
        script = ('mkdir $(cat); until [ -d a ] && [ -d b ]; do sleep 0.01;'
                  ' done')
        folder = temporary_folder(self)
        worker = self.work(f"cd {folder} && {script}", "--jobs", "2",
                           "--wait", "30s", "--count", "2",
                           sub=SUB % 2 + " wait=30s")
        self.broker.send("MSG /queue/w 1", b"a")
        self.broker.send("MSG /queue/w 2", b"b")
        self.broker.expect("CREDIT /queue/w 1")
        acks = {self.broker.connection.unit()[0]}
        self.broker.expect("CREDIT /queue/w 0")
        acks.add(self.broker.connection.unit()[0])
        self.assertEqual(acks, {"ACK /queue/w 1", "ACK /queue/w 2"})
        self.broker.take_goodbye()
        self.finish(worker)

    def test_a_stop_signal_lets_the_job_finish(self):
        worker = self.work("echo begun; read line; echo $line")
        self.broker.send("MSG /queue/w 1", b"done\n")
        self.assertEqual(worker.line(), b"begun\n")
        worker.signal(signal.SIGTERM)
        heads = {self.broker.connection.unit()[0] for _ in range(2)}
        self.assertIn("ACK /queue/w 1", heads)
        self.broker.take_goodbye()
        self.assertEqual(self.finish(worker)[0], b"done\n")

    def test_it_comes_back_and_leaves_what_is_not_its_own(self):
        folder = temporary_folder(self)
        worker = self.work(f"echo begun; until [ -e {folder}/go ]; do"
                           " sleep 0.01; done", "--jobs", "2", sub=SUB % 2)
        self.broker.send("MSG /queue/w 1")
        self.assertEqual(worker.line(), b"begun\n")
        self.broker.drop()
        self.broker.accept()
        self.broker.answer(SUB % 2)
        self.broker.send("MSG /queue/w 2")
        self.assertEqual(worker.line(), b"begun\n")
        open(f"{folder}/go", "w", encoding="ascii").close()
        self.broker.expect("ACK /queue/w 2")
        self.broker.send("PING last")
        self.broker.expect("PONG last")
        worker.signal()
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.take_goodbye()
        _, err = self.finish(worker)
        self.assertIn("connected again", err)
        self.assertIn("message 1 came on a connection that has ended", err)

    def test_a_connection_lost_during_a_job_is_reported_as_that(self):
        """Not as what its acknowledgement ran into."""
        folder = temporary_folder(self)
        worker = self.work(f"echo begun; until [ -e {folder}/go ]; do"
                           " sleep 0.01; done")
        self.broker.send("MSG /queue/w 1")
        self.assertEqual(worker.line(), b"begun\n")
        self.broker.drop()
        open(f"{folder}/go", "w", encoding="ascii").close()
        self.broker.accept()
        self.broker.answer(SUB % 1)
        worker.signal()
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.take_goodbye()
        _, err = self.finish(worker)
        self.assertRegex(err, "(closed the connection|broke).*; trying again")

    def test_no_broker_at_first(self):
        self.broker = UnitsBroker(self, is_up=False)
        worker = Process(self, "work", "/queue/w", "--exec", "cat", "--count",
                         "1", server=self.broker.address)
        self.assertRegex(worker.complaint(), "refused; trying again")
        self.broker.listener.listen()
        self.broker.accept()
        self.broker.answer(SUB % 1)
        self.broker.send("MSG /queue/w 1", b"job")
        self.broker.expect("CREDIT /queue/w 0")
        self.broker.expect("ACK /queue/w 1")
        self.broker.take_goodbye()
        out, err = self.finish(worker)
        self.assertEqual(out, b"job")
        self.assertIn("connected again", err)

    def test_a_stop_signal_ends_the_attempts_to_connect(self):
        self.broker = UnitsBroker(self, is_up=False)
        worker = Process(self, "work", "/queue/w", "--exec", "cat",
                         server=self.broker.address)
        worker.complaint()
        worker.signal()
        self.assertIn("stopped before", self.finish(worker, status=1)[1])

    def test_without_reconnecting_the_first_attempt_is_the_last(self):
        self.broker = UnitsBroker(self, is_up=False)
        worker = Process(self, "work", "/queue/w", "--exec", "cat",
                         "--no-reconnect", server=self.broker.address)
        self.assertIn("is sluiced running?",
                      self.finish(worker, status=1)[1])

    def test_a_refused_subscription_ends_it(self):
        worker = self.start("work", "/queue/w", "--exec", "true")
        rid = self.broker.expect(SUB % 1)
        self.broker.send(f"ERR denied rid={rid}", b"not you")
        _, err = self.finish(worker, status=1)
        self.assertIn("denied: not you", err)

    def test_wrong_usage(self):
        for args in (("work",), ("work", "/queue/w"),
                     ("work", "/topic/t", "--exec", "true"),
                     ("work", "/queue/w", "--exec", "true", "--jobs", "0"),
                     ("reply", "/svc"), ("request",),
                     ("request", "/svc", "a", "b"),
                     ("request", "/svc", "-H", "unit=C"),
                     ("request", "/svc", "-H", "SLUICE-Try=1")):
            with self.subTest(args):
                self.assertEqual(run(*args).returncode, 2)

    def test_a_broker_of_version_1_is_named_so(self):
        sock = self.broker.listener
        process = Process(self, "work", "/queue/w", "--exec", "true",
                          server=self.broker.address)
        accepted = sock.accept()[0]
        accepted.recv(100)
        accepted.close()
        _, err = self.finish(process, status=1)
        self.assertIn("version 2", err)


class Reply(WithUnits):
    def test_what_the_command_prints_is_the_reply(self):
        replier = self.start("reply", "/svc", "--exec", "tr a-z A-Z", "--count",
                             "2")
        self.broker.answer("SUB /svc", options=" seq=0")
        self.broker.send("MSG /svc 1 new=1 reply=@a.b", b"noon")
        self.broker.expect("PUB @a.b", b"NOON")
        self.broker.send("MSG /svc 2", b"no request")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(replier), (b"", ""))

    def test_of_a_queue_it_acknowledges_what_it_answered(self):
        replier = self.start("reply", "/queue/svc", "--exec",
                             'test "$(cat)" = good && echo yes', "--count", "2")
        self.broker.answer("SUB /queue/svc ack=yes credit=1")
        self.broker.send("MSG /queue/svc 1 reply=@a", b"bad")
        self.broker.expect("NAK /queue/svc 1 delay=1s", b"failed")
        self.broker.send("MSG /queue/svc 2 reply=@b", b"good")
        self.broker.expect("CREDIT /queue/svc 0")
        self.broker.expect("PUB @b", b"yes\n")
        self.broker.expect("ACK /queue/svc 2")
        self.broker.take_goodbye()
        self.finish(replier, status=1)


class Request(WithUnits):
    def request(self, *args):
        process = self.start("request", "/svc", *args)
        return process

    def test_prints_the_reply(self):
        process = self.request("noon", "--timeout", "2s", "-H", "Note=a b")
        rid = self.broker.expect("REQ /svc Note=a%20b timeout=2s", b"noon")
        self.broker.send(f"REP rid={rid}", b"it is")
        self.assertEqual(self.finish(process), (b"it is\n", ""))

    def test_a_reply_of_lines_stays_as_it_is(self):
        process = self.request()
        rid = self.broker.expect("REQ /svc timeout=5s")
        self.broker.send(f"REP rid={rid}", b"one\ntwo\n")
        self.assertEqual(self.finish(process), (b"one\ntwo\n", ""))

    def test_a_terminal_is_not_controlled_by_a_reply(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        process = Process(self, "request", "/svc", stdout=theirs,
                          server=self.broker.address)
        os.close(theirs)
        self.broker.accept()
        rid = self.broker.expect("REQ /svc timeout=5s")
        self.broker.send(f"REP rid={rid}", b"one\n\x1b[2Jtwo\n")
        self.finish(process)
        self.assertEqual(os.read(ours, 100), b"one\r\n\\x1b[2Jtwo\r\n")

    def test_a_dash_is_all_of_standard_input_however_slowly_it_comes(self):
        process = Process(self, "request", "/svc", "-", stdin=subprocess.PIPE,
                          server=self.broker.address)
        for part in (b"one\n", b"two\0", b""):
            process.popen.stdin.write(part)
            process.popen.stdin.flush()
        process.popen.stdin.close()
        process.popen.stdin = None
        self.broker.accept()
        rid = self.broker.expect("REQ /svc timeout=5s", b"one\ntwo\0")
        self.broker.send(f"REP rid={rid}", b"yes")
        self.assertEqual(self.finish(process), (b"yes\n", ""))

    def test_standard_input_that_cannot_be_read(self):
        folder = os.open("/", os.O_RDONLY)
        self.addCleanup(os.close, folder)
        process = Process(self, "request", "/svc", "-", stdin=folder,
                          server=self.broker.address)
        self.assertIn("cannot read standard input: Is a directory",
                      self.finish(process, status=1)[1])

    def test_without_a_reply_it_says_why(self):
        for code, words in (("no-responder", "replies to requests"),
                            ("timeout", "in time"),
                            ("denied", "refused: denied")):
            with self.subTest(code):
                process = self.request()
                rid = self.broker.expect("REQ /svc timeout=5s")
                self.broker.send(f"ERR {code} rid={rid}", b"x")
                out, err = self.finish(process, status=1)
                self.assertEqual(out, b"")
                self.assertIn(words, err)
                self.assertEqual(err.count("\n"), 1)

    def test_a_connection_that_ends(self):
        process = self.request("x")
        self.broker.expect("REQ /svc timeout=5s", b"x")
        self.broker.drop()
        _, err = self.finish(process, status=1)
        self.assertIn("ended before the reply", err)


class Send(WithUnits):
    """What version 1 cannot say."""

    def test_a_receipt_for_each_message(self):
        sender = self.start("send", "--confirm", "/topic/a", "one", "two")
        self.broker.answer("PUB /topic/a", b"one", " seq=7 subs=2 drop=1")
        self.broker.answer("PUB /topic/a", b"two", " seq=0 subs=0 drop=0")
        self.broker.take_goodbye()
        _, err = self.finish(sender)
        self.assertEqual(err, "seq=7 subs=2 drop=1\nseq=0 subs=0 drop=0\n")

    def test_the_place_in_a_queue(self):
        sender = self.start("send", "--confirm", "/queue/q", "one")
        self.broker.answer("PUB /queue/q", b"one", " seq=7 subs=0 held=3")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(sender)[1], "seq=7 subs=0 held=3\n")

    def test_headers_go_along(self):
        sender = self.start("send", "-H", "Unit=C", "--header",
                            "Note=two words", "/topic/a", "21.5")
        self.broker.answer("PUB /topic/a Unit=C Note=two%20words", b"21.5",
                           " seq=0 subs=0 drop=0")
        self.broker.take_goodbye()
        self.assertEqual(self.finish(sender), (b"", ""))

    def test_a_receipt_from_the_disk(self):
        """A queue that is not durable is a failure, and so is a full disk."""
        sender = self.start("send", "--confirm", "sync", "/queue/q", "one",
                            "two", "three")
        self.broker.answer("PUB /queue/q confirm=sync", b"one",
                           " seq=7 subs=0 held=3 sync=1")
        self.broker.answer("PUB /queue/q confirm=sync", b"two",
                           " seq=8 subs=0 held=4")
        rid = self.broker.expect("PUB /queue/q confirm=sync", b"three")
        self.broker.send(f"ERR full rid={rid}", b"the disk is full")
        self.broker.take_goodbye()
        _, err = self.finish(sender, status=1)
        self.assertEqual(err, "seq=7 subs=0 held=3 sync=1\n"
                         "seq=8 subs=0 held=4\n"
                         "sluice: message 2: /queue/q is not durable\n"
                         "sluice: message 3: full: the disk is full\n")

    def test_a_broker_that_does_not_confirm_from_the_disk(self):
        """It is said in words."""
        sender = self.start("send", "--confirm=sync", "/queue/q", "one")
        rid = self.broker.expect("PUB /queue/q confirm=sync", b"one")
        self.broker.send(f"ERR bad-option rid={rid}", b"confirm")
        self.broker.take_goodbye()
        _, err = self.finish(sender, status=1)
        self.assertIn("message 1: the broker does not confirm what is on disk", err)

    def test_a_message_without_a_reader(self):
        sender = self.start("send", "--need-reader", "/topic/a", "1", "2")
        self.broker.answer("PUB /topic/a", b"1", " seq=1 subs=1 drop=0")
        self.broker.answer("PUB /topic/a", b"2", " seq=0 subs=0 drop=0")
        self.broker.take_goodbye()
        _, err = self.finish(sender, status=1)
        self.assertEqual(err, "sluice: message 2: no reader on /topic/a\n")

    def test_a_message_that_is_refused(self):
        sender = self.start("send", "--confirm", "/sys/a", "1")
        rid = self.broker.expect("PUB /sys/a", b"1")
        self.broker.send(f"ERR denied rid={rid}", b"the broker's own")
        self.broker.take_goodbye()
        _, err = self.finish(sender, status=1)
        self.assertIn("message 1: denied: the broker's own", err)

    def test_no_broker_at_first(self):
        self.broker = UnitsBroker(self, is_up=False)
        sender = Process(self, "send", "--confirm", "--reconnect", "/topic/a",
                         "1", server=self.broker.address)
        self.assertRegex(sender.complaint(), "refused; trying again")
        self.broker.listener.listen()
        self.broker.accept()
        self.broker.answer("PUB /topic/a", b"1", " seq=1 subs=1 drop=0")
        self.broker.take_goodbye()
        self.assertEqual(
            self.finish(sender)[1],
            f"sluice: connected again to {self.broker.address}\n"
            "seq=1 subs=1 drop=0\n")

    def test_it_goes_on_after_a_lost_connection(self):
        sender = Process(self, "send", "--confirm", "--reconnect", "/topic/a",
                         server=self.broker.address, stdin=subprocess.PIPE)
        self.broker.accept()
        self.broker.drop()
        self.assertRegex(sender.complaint(),
                         "(closed the connection|broke).*; trying again")
        self.broker.accept()
        sender.popen.stdin.write(b"1\n")
        sender.popen.stdin.close()
        sender.popen.stdin = None
        self.broker.answer("PUB /topic/a", b"1", " seq=1 subs=1 drop=0")
        self.broker.take_goodbye()
        self.assertIn("connected again", self.finish(sender)[1])

    def test_a_connection_that_breaks_before_the_receipt(self):
        sender = self.start("send", "--confirm", "/topic/a", "1")
        self.broker.expect("PUB /topic/a", b"1")
        self.broker.drop()
        _, err = self.finish(sender, status=1)
        self.assertIn("message 1: perhaps lost", err)

    def test_more_messages_than_may_wait_for_receipts(self):
        count = 2500
        sender = self.start("send", "--confirm", "/topic/a", "--count",
                            str(count), "--size", "10")
        for number in range(1, count + 1):
            self.broker.answer("PUB /topic/a", b"X" * 10,
                               f" seq={number} subs=1 drop=0")
        self.broker.take_goodbye()
        _, err = self.finish(sender)
        self.assertEqual(err.splitlines()[-1], f"seq={count} subs=1 drop=0")
        self.assertEqual(err.count("\n"), count)


if __name__ == "__main__":
    command.main()
