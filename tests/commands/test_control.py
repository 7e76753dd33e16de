# SPDX-License-Identifier: MIT
"""sluice ls, peek and purge: what a broker on this machine holds, without any
preparation; and errors that say what to do."""
import json
import os
import pathlib
import tempfile
import unittest

import people
from people import Broker, WithBroker, run
from wire import frame
from terminal import Terminal

import certificates  # people has found it
import tls_socket

QUEUE = "/queue/jobs"


class Control(WithBroker):
    def ask(self, *args, status=0):
        done = self.run_to_end(*args)
        self.assertEqual(done.returncode, status, done.stderr)
        return done.stdout.decode(), done.stderr.decode()

    def fields(self, *args):
        text, _ = self.ask("ls", *args)
        return [line.split("\t") for line in text.splitlines()]

    def hold(self, channel, *messages):
        """They wait in it when this returns."""
        before = self.broker.stats()["queued_messages"]
        self.send(channel, *messages)
        self.broker.wait_stats(queued_messages=before + len(messages))


class Ls(Control):
    def test_a_pipe_gets_fields_and_no_heading(self):
        self.hold("/queue/b", "one", "two")
        self.hold("/queue/a\tb", "x")
        rows = self.fields()
        self.assertEqual([row[0] for row in rows], ["/queue/a%09b", "/queue/b"])
        self.assertEqual(rows[1][:9], ["/queue/b", "queue", "2", "14",
                                       str(64 << 20), "0", "2", "0", "0"])

    def test_a_pattern_selects(self):
        for name in ("/queue/a", "/queue/b/c", "/other"):
            self.hold(f"/queue{name}", "x")
        self.assertEqual([row[0] for row in self.fields("/queue/queue/*")],
                         ["/queue/queue/a"])
        self.assertEqual([row[0] for row in self.fields("/queue/queue/**")],
                         ["/queue/queue/a", "/queue/queue/b/c"])
        self.assertEqual(self.fields("/topic/none"), [])

    def test_json_is_an_object_for_each_line(self):
        self.hold('/queue/"quoted"', "one")
        text, _ = self.ask("ls", "--json")
        row = json.loads(text)
        self.assertEqual((row["channel"], row["kind"], row["waiting"]),
                         ('/queue/"quoted"', "queue", 1))

    def test_clients_are_listed(self):
        listener = self.broker.connect().subscribe(b"/topic/a")
        self.addCleanup(listener.close)
        self.broker.wait_stats(subscribers=1)
        (row,) = self.fields("--clients", "/topic/*")
        self.assertEqual(row[3], "/topic/a")
        self.assertEqual(self.fields("--clients", "/topic"), [])

    def test_more_than_a_page_is_sorted_as_a_whole(self):
        names = [f"/queue/{i:04}" for i in range(2000)]
        publisher = self.broker.connect().subscribe(b"")
        self.addCleanup(publisher.close)
        for name in reversed(names):
            publisher.publish(name.encode(), b"x")
        self.broker.wait_stats(queued_messages=len(names))
        self.assertEqual([row[0] for row in self.fields()], names)

    def test_no_more_are_listed_than_asked_for(self):
        """And it is said how many there are."""
        for name in "abcde":
            self.hold(f"/queue/{name}", "x")
        for options in (), ("--json",):
            text, errors = self.ask("ls", "-n", "2", *options)
            self.assertEqual(len(text.splitlines()), 2)
            self.assertIn("/queue/a", text)
            self.assertIn("and 3 more; ", errors)
        self.assertEqual(self.ask("ls", "--count", "5")[1], "")

    def test_a_terminal_is_not_flooded(self):
        publisher = self.broker.connect().subscribe(b"")
        self.addCleanup(publisher.close)
        for i in range(1200):
            publisher.publish(b"/queue/%04d" % i, b"x")
        self.broker.wait_stats(queued_messages=1200)
        terminal = Terminal(self, columns=100, env={
            "SLUICE_SERVER": self.broker.address,
            "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]})
        terminal.type(f"clear; {people.SLUICE} ls")
        terminal.press("Enter")
        terminal.wait_for("and 200 more; --count N lists up to N$")
        terminal.wait_for("^/queue/0999 ")

    def test_workers_and_what_they_hold_are_listed(self):
        self.hold(QUEUE, "x")
        worker = self.broker.connect()
        self.addCleanup(worker.close)
        for head in b"\0SLUICE/2 name=resizer", b"SUB /queue/jobs ack=yes":
            worker.send(frame(head) + frame(b""))
        worker.recv_many(4)
        (row,) = self.fields()
        self.assertEqual(row[:3] + row[11:],
                         [QUEUE, "queue", "0", "1", "1", "0", "0", "0", "0", "1"])
        (row,) = self.fields("--clients")
        self.assertEqual(row[3], QUEUE)
        self.assertEqual(row[9:16], ["", "2", "resizer", "1", "1", "0", "0"])
        self.assertEqual(row[16:], [""] * 4)  # nobody is asked, and no TLS

    def test_users_and_how_they_speak_are_listed(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-ls-")
        self.addCleanup(folder.cleanup)
        users = pathlib.Path(folder.name) / "users.conf"
        users.write_text('[user "plant"]\nnetwork = 127.0.0.0/8\n'
                         "subscribe = /topic/**\n")
        users.chmod(0o600)
        self.broker = Broker("--users", str(users),
                             *certificates.server_options())
        self.addCleanup(self.broker.kill)
        client = tls_socket.connect(self.broker.address, people.DEADLINE)
        self.addCleanup(client.close)
        client.sendall(frame(b"/topic/a"))
        self.broker.wait_stats(subscribers=1)
        text, _ = self.ask("ls", "--clients", "--json")
        row = json.loads(text)
        self.assertEqual(
            [row[name] for name in ("user", "way", "tls", "cipher")],
            ["plant", "network", client.tls.version(), client.tls.cipher()[0]])

    def test_a_terminal_gets_a_table(self):
        self.hold(QUEUE, "x" * 2000)
        terminal = Terminal(self, columns=100, env={
            "SLUICE_SERVER": self.broker.address,
            "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]})
        terminal.type(f"clear; {people.SLUICE} ls")
        terminal.press("Enter")
        heading = terminal.wait_for("^channel ")
        row = terminal.wait_for(f"^{QUEUE} ")
        self.assertEqual(heading.split()[:6], ["channel", "kind", "waiting",
                                               "bytes", "limit", "readers"])
        self.assertEqual(row.split()[:6],
                         [QUEUE, "queue", "1", "1.96K", "64.0M", "0"])
        for word in ("kind", "age"):
            self.assertLessEqual(heading.index(word), len(row))
        for rare in ("held", "workers", "parked", "unseen"):
            self.assertNotIn(rare, heading)


class Peek(Control):
    def test_the_oldest_are_printed_and_stay(self):
        self.hold(QUEUE, *[f"message {i}" for i in range(12)])
        for _ in range(2):
            text, errors = self.ask("peek", QUEUE, "-n", "3")
            self.assertEqual((text, errors),
                             ("message 0\nmessage 1\nmessage 2\n", ""))
        self.assertEqual(len(self.ask("peek", QUEUE)[0].splitlines()), 10)
        self.assertEqual(self.broker.stats()["queued_messages"], 12)

    def test_raw_is_the_bytes_alone(self):
        body = bytes(range(256)) * 3 + b"\nmessage 1 2 3\nwaiting 4 5\n"
        self.run_to_end("send", QUEUE, "-", stdin=body)
        self.broker.wait_stats(queued_messages=1)
        done = self.run_to_end("peek", QUEUE, "--raw")
        self.assertEqual((done.stdout, done.stderr), (body, b""))

    def test_json_has_the_time_when_it_came(self):
        self.hold(QUEUE, "one")
        first = json.loads(self.ask("peek", QUEUE, "--format", "json")[0])
        self.assertEqual((first["channel"], first["message"]), (QUEUE, "one"))
        self.assertRegex(first["time"], r"^\d{4}-\d\d-\d\dT.*Z$")

    def test_an_empty_queue_is_no_error(self):
        self.assertEqual(self.ask("peek", "/queue/none"),
                         ("", "sluice: nothing waits in /queue/none\n"))

    def test_names_are_any_bytes(self):
        for name in ("/queue/a b&n=1", "/queue/100%", "/queue/\u00e4", "/queue"):
            self.hold(name, name)
            self.assertEqual(self.ask("peek", name)[0], name + "\n")

    def test_a_message_that_is_too_long_is_cut_and_said_to_be(self):
        body = b"a" * (2 << 20)
        self.run_to_end("send", QUEUE, "-", stdin=body)
        self.broker.wait_stats(queued_messages=1)
        text, errors = self.ask("peek", QUEUE)
        self.assertEqual(text, "a" * (1 << 19) + "\n")
        self.assertIn("only its beginning", errors)


class Purge(Control):
    def test_what_waits_is_dropped(self):
        self.hold(QUEUE, "one", "two")
        self.hold("/queue/other", "three")
        text, errors = self.ask("purge", QUEUE, "--yes")
        self.assertEqual((text, errors), ("2 messages dropped\n", ""))
        self.broker.wait_stats(queued_messages=1, purged=2)
        line = self.broker.wait_for_log("event=purged")
        self.assertEqual(line.fields["user"], str(os.geteuid()))

    def test_more_than_one_request_drops_is_dropped(self):
        publisher = self.broker.connect().subscribe(b"")
        self.addCleanup(publisher.close)
        publisher.publish(QUEUE.encode(), *[bytes(1 << 20)] * 40)
        self.broker.wait_stats(queued_messages=40)
        self.assertEqual(self.ask("purge", QUEUE, "--yes")[0],
                         "40 messages dropped\n")
        self.assertGreater(len(self.broker.log("event=purged")), 1)
        self.assertEqual(self.broker.stats()["queued_messages"], 0)

    def test_without_a_terminal_it_has_to_be_sure(self):
        self.hold(QUEUE, "one")
        _, errors = self.ask("purge", QUEUE, status=2)
        self.assertIn("--yes", errors)
        self.assertEqual(self.broker.stats()["queued_messages"], 1)

    def test_on_a_terminal_it_asks(self):
        self.hold(QUEUE, "one", "two")
        terminal = Terminal(self, columns=80, env={
            "SLUICE_SERVER": self.broker.address,
            "XDG_RUNTIME_DIR": os.environ["XDG_RUNTIME_DIR"]})
        question = f"Drop the 2 messages that wait in {QUEUE}? [y/N]"
        for answer, said in (("n", "sluice: nothing was dropped"),
                             ("y", "2 messages dropped")):
            terminal.type(f"clear; {people.SLUICE} purge {QUEUE}")
            terminal.press("Enter")
            terminal.wait(question)
            terminal.type(answer)
            terminal.press("Enter")
            terminal.wait(f"{question} {answer}", said, "$")
        self.assertEqual(self.broker.stats()["queued_messages"], 0)


class Places(unittest.TestCase):
    def broker(self, *args, **kwargs):
        broker = Broker(*args, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def check_fails(self, *args, status=1, words, server=None):
        done = run("ls", *args, server=server)
        self.assertEqual((done.returncode, done.stdout), (status, b""))
        for word in words:
            self.assertIn(word, done.stderr.decode())

    def test_a_broker_on_a_unix_socket_is_found(self):
        broker = self.broker(listen=("unix:{dir}/s",))
        self.assertEqual(run("ls", server=broker.address).returncode, 0)

    def test_the_control_socket_can_be_named(self):
        broker = self.broker("--control", "unix:here")
        self.assertEqual(
            run("ls", "--control", f"unix:{broker.dir}/here").returncode, 0)

    def test_a_broker_without_one_is_an_error_that_says_what_to_do(self):
        broker = self.broker("--control", "off")
        port = broker.address.rpartition(":")[2]
        self.check_fails(words=[f"{port}.control", "--control"],
                         server=broker.address)

    def test_a_broker_elsewhere_is_wrong_usage(self):
        self.check_fails(status=2, server="192.0.2.1",
                         words=["192.0.2.1", "own machine"])
        self.check_fails("--control", "/run/x", status=2,
                         words=["unix:PATH"])

    def test_a_foreign_socket_is_named(self):
        broker = self.broker(listen=("unix:{dir}/s",))
        self.check_fails("--control", broker.address,
                         words=[broker.address[5:]])

    def test_another_user_is_told_the_group(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can be another user")
        broker = self.broker(listen=("unix:{dir}/s",))
        os.chmod(broker.dir, 0o755)
        done = run("ls", server=broker.address, user=54321, group=54321,
                   extra_groups=[])
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"no permission to use {broker.dir}/s.control",
                      done.stderr.decode())
        self.assertIn("group", done.stderr.decode())

    def test_a_broker_that_was_killed_is_not_found(self):
        with tempfile.TemporaryDirectory() as folder:
            broker = self.broker(listen=(f"unix:{folder}/s",))
            broker.process.kill()
            broker.process.wait()
            self.assertTrue(os.path.exists(f"{folder}/s.control"))
            self.check_fails(words=["nothing listens on"],
                             server=broker.address)


if __name__ == "__main__":
    people.main()
