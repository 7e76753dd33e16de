# SPDX-License-Identifier: MIT
"""The control socket: what operators on the broker's machine see and do over
HTTP on a unix socket, and that nobody can over a network."""
import os
import re
import socket
import stat
import unittest

from client import DEADLINE, open_plain
from daemon import run_sluiced
from wire import KIB, MIB, WireTest, main

QUEUE = b"/queue/work"
NEXT = re.compile(r"# after=(\d+)")


def exchange(address, request):
    """Status and body."""
    with open_plain(address) as sock:
        sock.sendall(f"{request} HTTP/1.1\r\nHost: localhost\r\n\r\n".encode())
        received = b""
        while part := sock.recv(1 << 16):
            received += part
    head, _, body = received.partition(b"\r\n\r\n")
    return int(head.split()[1]), body


class ControlTest(WireTest):
    def control_of(self, sluiced, count=1):
        return sluiced.wait_for_log("event=control ", count=count).fields["addr"]

    def get(self, sluiced, target):
        status, body = exchange(self.control_of(sluiced), f"GET {target}")
        self.assertEqual(status, 200, body)
        return body

    def pages(self, sluiced, target):
        """All answers of a list, as lists of rows (name -> text)."""
        after = "0"
        while after:
            lines = self.get(sluiced, f"{target}?after={after}").decode()
            *lines, end = lines.split("\n")
            self.assertEqual(end, "")
            found = NEXT.fullmatch(lines[-1])
            after = found and found.group(1)
            names, *rows = [line.split("\t") for line in
                            (lines[:-1] if found else lines)]
            yield [dict(zip(names, row, strict=True)) for row in rows]

    def rows(self, sluiced, target):
        return [row for page in self.pages(sluiced, target) for row in page]

    def messages(self, sluiced, channel, count=1000):
        """Bodies as far as they are shown, their sizes, and what waits."""
        rest = self.get(sluiced, f"/messages?channel={channel}&n={count}")
        shown, sizes = [], []
        while rest.startswith(b"message "):
            line, _, rest = rest.partition(b"\n")
            _, _age, size, length = line.split()
            shown.append(rest[:int(length)])
            self.assertEqual(rest[int(length):int(length) + 1], b"\n")
            rest = rest[int(length) + 1:]
            sizes.append(int(size))
        word, waiting, held = rest.split()
        self.assertEqual(word, b"waiting")
        return shown, sizes, (int(waiting), int(held))

    def purge(self, sluiced, channel):
        """(messages, bytes, left)"""
        status, body = exchange(self.control_of(sluiced),
                                f"POST /purge?channel={channel}")
        self.assertEqual(status, 200, body)
        names, values = body.decode().splitlines()
        self.assertEqual(names.split("\t"), ["messages", "bytes", "left"])
        return tuple(int(value) for value in values.split("\t"))


class Place(ControlTest):
    def test_it_is_for_owner_and_group_and_goes_with_the_broker(self):
        sluiced = self.broker("--socket-mode", "0666")
        port = sluiced.address.rpartition(":")[2]
        path = self.control_of(sluiced).removeprefix("unix:")
        self.assertEqual(os.path.basename(path), f"{port}.control")
        self.assertEqual(stat.S_IMODE(os.stat(path).st_mode), 0o660)
        sluiced.stop()
        self.assertFalse(os.path.exists(path))

    def test_a_unix_socket_has_one_beside_it(self):
        sluiced = self.broker(listen=("127.0.0.1:0", "unix:{dir}/s"))
        beside = self.control_of(sluiced, count=2)
        self.assertEqual(beside, f"unix:{sluiced.dir}/s.control")
        self.assertEqual(exchange(beside, "GET /channels")[0], 200)
        self.assertEqual(self.rows(sluiced, "/channels"), [])

    def test_a_path_can_be_named(self):
        sluiced = self.broker("--control", "unix:here")
        self.assertEqual(self.control_of(sluiced), "unix:here")
        self.assertEqual(
            exchange(f"unix:{sluiced.dir}/here", "GET /channels")[0], 200)

    def test_a_named_path_that_cannot_be_used_stops_the_start(self):
        done = run_sluiced("--listen", "127.0.0.1:0", "--control",
                           "unix:/no/such/folder/x")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/no/such/folder/x", done.stderr)

    def test_it_can_be_turned_off(self):
        sluiced = self.broker("--control", "off", "--feed", "off",
                              listen=("unix:{dir}/s",))
        sluiced.sync()
        self.assertEqual(sluiced.log("event=control"), [])
        self.assertEqual(sorted(os.listdir(sluiced.dir)), ["s", "s.lock"])

    def test_a_broker_without_a_place_for_it_runs(self):
        """The path of the listener leaves no room for what is appended."""
        room = 107 - len("lock")
        sluiced = self.broker(listen=("unix:" + "s" * room,))
        line = sluiced.wait_for_log("event=control_unavailable")
        self.assertIn("too long", line.text)

    def test_two_brokers_never_share_one(self):
        first = self.broker()
        port = first.address.rpartition(":")[2]
        second = self.broker(listen=(f"127.0.0.2:{port}",))
        line = second.wait_for_log("event=control_unavailable")
        self.assertIn("in use", line.text)
        second.stop()
        self.assertEqual(self.rows(first, "/channels"), [])


class Lists(ControlTest):
    def test_each_channel_is_a_line(self):
        sluiced = self.broker()
        worker = self.publisher(sluiced)
        worker.publish(QUEUE, b"abc", b"def")
        reader = self.subscriber(sluiced, b"/topic/a b\t%")
        worker.publish(b"/topic/a b\t%", b"x")
        sluiced.sync(worker, reader)
        reader.recv()
        rows = {row["channel"]: row for row in self.rows(sluiced, "/channels")}
        queue, topic = rows["/queue/work"], rows["/topic/a b%09%25"]
        self.assertEqual(
            [queue[name] for name in ("kind", "waiting", "bytes", "readers",
                                      "in", "out", "dropped", "paused")],
            ["queue", "2", "14", "0", "2", "0", "0", "0"])
        self.assertEqual(queue["limit"], str(64 * MIB))
        self.assertEqual(
            [topic[name] for name in ("kind", "waiting", "readers", "in",
                                      "out")], ["topic", "0", "1", "1", "1"])

    def test_many_channels_come_in_pages_each_once(self):
        """While others come and go in between."""
        sluiced = self.broker()
        sender = self.publisher(sluiced)
        names = {f"/queue/{i}" for i in range(3000)}
        for name in sorted(names):
            sender.publish(name.encode(), b"x")
        sluiced.sync(sender)
        seen = []
        for i, page in enumerate(self.pages(sluiced, "/channels")):
            self.assertLess(len(page), 1000)
            seen += [row["channel"] for row in page]
            for j in range(500):
                sender.publish(b"/queue/new/%d/%d" % (i, j), b"x")
            sluiced.sync(sender)
        self.assertEqual(sorted(name for name in seen if name in names),
                         sorted(names))

    def test_each_client_is_a_line(self):
        sluiced = self.broker()
        reader = self.subscriber(sluiced, b"/topic/a")
        sluiced.sync()
        host, port = reader.sock.getsockname()
        rows = {row["address"]: row for row in self.rows(sluiced, "/clients")}
        row = rows[f"{host}:{port}"]
        self.assertEqual([row["channel"], row["in"], row["waits_for"]],
                         ["/topic/a", "1", ""])

    def test_many_clients_come_in_pages_each_once(self):
        sluiced = self.broker()
        readers = [sluiced.connect().subscribe(b"/topic/a")
                   for _ in range(450)]
        for reader in readers:
            self.addCleanup(reader.close)
        sluiced.wait_stats(subscribers=len(readers))
        pages = list(self.pages(sluiced, "/clients"))
        self.assertGreater(len(pages), 1)
        conns = [row["conn"] for page in pages for row in page]
        self.assertEqual(len(set(conns)), len(conns))
        self.assertEqual(len(conns), len(readers))

    def test_a_publisher_that_waits_says_for_which_channel(self):
        sluiced = self.broker("--queue-limit", "1k")
        sender = self.publisher(sluiced)
        sender.publish(QUEUE, bytes(2 * KIB))
        sluiced.wait_stats(queued_messages=1)
        sender.publish(QUEUE, b"x")
        sluiced.wait_stats(paused_publishers=1)
        self.assertEqual([row["waits_for"]
                          for row in self.rows(sluiced, "/clients")
                          if row["waits_for"]], ["/queue/work"])


class Messages(ControlTest):
    def test_messages_are_shown_and_not_taken(self):
        sluiced = self.broker()
        sender = self.publisher(sluiced)
        bodies = [b"one", b"", b"with\nlines\n", bytes(range(256))]
        sender.publish(QUEUE, *bodies)
        sluiced.sync(sender)
        shown, sizes, waiting = self.messages(sluiced, "/queue/work")
        self.assertEqual(shown, bodies)
        self.assertEqual(sizes, [len(body) for body in bodies])
        self.assertEqual(waiting, (4, sum(4 + len(body) for body in bodies)))
        self.assertEqual(self.messages(sluiced, "/queue/work", 2)[0],
                         bodies[:2])
        worker = self.subscriber(sluiced, QUEUE)
        self.assertEqual([worker.recv() for _ in bodies], bodies)
        line = sluiced.wait_for_log("event=peeked")
        self.assertEqual(line.fields["user"], str(os.geteuid()))
        self.assertEqual(line.fields["messages"], "4")

    def test_an_answer_is_bounded(self):
        """A long message is cut; those behind it wait for another time."""
        sluiced = self.broker()
        sender = self.publisher(sluiced)
        sender.publish(QUEUE, b"a" * (3 * MIB), b"b")
        sender.publish(b"/queue/many", *[b"c" * 150 * KIB] * 5)
        sluiced.sync(sender)
        shown, sizes, (waiting, _) = self.messages(sluiced, "/queue/work")
        self.assertEqual((shown, sizes, waiting),
                         ([b"a" * (MIB // 2)], [3 * MIB], 2))
        shown, sizes, (waiting, _) = self.messages(sluiced, "/queue/many")
        self.assertEqual((len(shown), waiting), (3, 5))

    def test_a_channel_that_is_not_there_holds_nothing(self):
        sluiced = self.broker()
        self.assertEqual(self.messages(sluiced, "/queue/none"),
                         ([], [], (0, 0)))
        self.assertEqual(self.purge(sluiced, "/queue/none"), (0, 0, 0))
        self.assertEqual(self.rows(sluiced, "/channels"), [])

    def test_purged_messages_are_gone_and_counted(self):
        sluiced = self.broker()
        sender = self.publisher(sluiced)
        sender.publish(QUEUE, b"one", b"two")
        sluiced.sync(sender)
        self.assertEqual(self.purge(sluiced, "/queue/work"), (2, 14, 0))
        line = sluiced.wait_for_log("event=purged")
        self.assertEqual([line.fields[name] for name in
                          ("user", "channel", "messages", "bytes", "left")],
                         [str(os.geteuid()), "/queue/work", "2", "14", "0"])
        worker = self.subscriber(sluiced, QUEUE)
        sender.publish(QUEUE, b"three")
        self.assertEqual(worker.recv(), b"three")
        stats = sluiced.wait_stats(purged=2, queued_messages=0)
        self.assertEqual(stats["dropped_stopping"], 0)

    def test_purging_a_full_queue_lets_its_publishers_go_on(self):
        sluiced = self.broker("--queue-limit", "1k")
        sender = self.publisher(sluiced)
        sender.publish(QUEUE, bytes(2 * KIB))
        sluiced.wait_stats(queued_messages=1)
        sender.publish(QUEUE, b"behind it")
        sluiced.wait_stats(paused_publishers=1)
        self.purge(sluiced, "/queue/work")
        sluiced.wait_stats(paused_publishers=0, queued_messages=1)
        self.assertEqual(self.messages(sluiced, "/queue/work")[0],
                         [b"behind it"])

    def test_purging_gives_memory_back(self):
        sluiced = self.broker("--memory", "32m")
        sender = self.publisher(sluiced)
        sender.publish(QUEUE, *[bytes(MIB)] * 8)
        sluiced.sync(sender)
        self.assertGreater(sluiced.stats()["memory_bytes"], 8 * MIB)
        requests = 1
        while self.purge(sluiced, "/queue/work")[2] > 0:
            requests += 1
        self.assertGreater(requests, 1)
        sluiced.wait_stats(memory_bytes=lambda held: held < MIB)

    def test_what_a_topic_keeps_is_shown_and_purged(self):
        sluiced = self.broker("--channel", "/topic/** hold=2")
        sender = self.publisher(sluiced)
        sender.publish(b"/topic/a", b"one", b"two", b"three")
        sluiced.sync(sender)
        self.assertEqual(self.messages(sluiced, "/topic/a")[0],
                         [b"two", b"three"])
        self.assertEqual(self.purge(sluiced, "/topic/a")[0], 2)


class Refusals(ControlTest):
    def test_what_is_asked_wrongly_is_refused_with_a_sentence(self):
        control = self.control_of(self.broker())
        for status, request, word in (
                (400, "GET /channels?after=x", b"after"),
                (400, "GET /clients?after=-1", b"after"),
                (400, "GET /messages", b"channel"),
                (400, "GET /messages?channel=", b"channel"),
                (400, f"GET /messages?channel={'a' * 256}", b"channel"),
                (400, "GET /messages?channel=a&n=0", b"'n'"),
                (400, "GET /messages?channel=a&n=1001", b"'n'"),
                (400, "POST /purge", b"channel"),
                (404, "GET /stats", b"Not Found"),
                (405, "GET /purge?channel=a", b"Not Allowed"),
                (405, "POST /channels", b"Not Allowed")):
            with self.subTest(request=request):
                got, body = exchange(control, request)
                self.assertEqual(got, status)
                self.assertIn(word, body)

    def test_the_brokers_port_and_its_http_do_not_answer_it(self):
        sluiced = self.broker("--http", "127.0.0.1:0")
        http = sluiced.wait_for_log("event=serving_http").fields["addr"]
        self.assertEqual(exchange(http, "GET /stats")[0], 200)
        for request in ("GET /channels", "GET /clients",
                        "GET /messages?channel=a"):
            self.assertEqual(exchange(http, request)[0], 404)
        self.assertEqual(exchange(http, "POST /purge?channel=a")[0], 405)
        with open_plain(sluiced.address) as sock:
            sock.sendall(b"GET /channels HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(sock.recv(100), b"")

    def test_silent_connections_do_not_keep_others_out(self):
        sluiced = self.broker()
        control = self.control_of(sluiced)
        silent = [open_plain(control) for _ in range(20)]
        for sock in silent:
            self.addCleanup(sock.close)
        self.assertEqual(self.rows(sluiced, "/channels"), [])

    def test_another_user_needs_the_group(self):
        if os.geteuid() != 0:
            raise unittest.SkipTest("only root can be another user")
        sluiced = self.broker(listen=("unix:{dir}/s",))
        path = self.control_of(sluiced).removeprefix("unix:")
        os.chmod(sluiced.dir, 0o755)
        pid = os.fork()
        if pid == 0:
            os.setgroups([])
            os.setgid(54321)
            os.setuid(54321)
            with socket.socket(socket.AF_UNIX) as sock:
                try:
                    sock.connect(path)
                except PermissionError:
                    os._exit(0)
            os._exit(1)
        self.assertEqual(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), 0)


if __name__ == "__main__":
    main()
