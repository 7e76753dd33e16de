# SPDX-License-Identifier: MIT
"""sluice monitor: collects from all reporters, keeps their history, notifies
browsers, waits for none of them, and is not fooled."""
import json
import socket
import time
import unittest

import zmq
from collector import ANY, Collector, Events
from feeds import Application, FakeBroker, channel, free_port
from ground import DEADLINE, SLUICE, Process, Pulse, main, run, wait_until

INTERVAL = 0.1
# As client/monitor/ has them.
LISTENING_MAX = 500
CONNECTIONS_MAX = LISTENING_MAX + 64
# What a peer of ZeroMQ says first, without security: https://rfc.zeromq.org/
GREETING = b"\xff" + bytes(8) + b"\x7f\3\0" + b"NULL".ljust(20, b"\0") + bytes(32)


def ready(kind):
    body = b"\5READY\x0bSocket-Type" + len(kind).to_bytes(4, "big") + kind
    return bytes([4, len(body)]) + body


def is_sanitised():
    with open(SLUICE, "rb") as program:
        return b"__asan_init" in program.read()


def read_exactly(file, count):
    got = b""
    while len(got) < count:
        piece = file.read(count - len(got))
        if not piece:
            raise ConnectionError("closed")
        got += piece
    return got


def read_to_end(sock):
    """Returns once the other side has closed."""
    sock.settimeout(DEADLINE)
    try:
        while sock.recv(4096):
            pass
    except ConnectionResetError:
        pass


class Collecting(unittest.TestCase):
    def test_an_application_like_the_books_appears(self):
        collector = Collector(self)
        app = Application(self, collector.collect, "tomato")
        Pulse(self, lambda _: app.report(cpu=12.5, mem=80.0), INTERVAL)
        found = collector.wait_reporter("tomato")
        self.assertFalse(found["broker"])
        self.assertIn(12.5, found["series"]["cpu"])
        self.assertIn(80, found["series"]["mem"])
        self.assertEqual(set(found["series"]["in"]), {None})

    def test_one_that_pushes(self):
        collector = Collector(self, "--pull", ANY)
        app = Application(self, collector.endpoints[1], "teal", zmq.PUSH)
        app.report()
        collector.wait_reporter("teal")

    def test_one_that_pushes_from_an_address_of_its_own(self):
        """As the book's poller: it connects a PULL, and the other side binds."""
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        collector = Collector(self, "--pull-from", endpoint)
        app = Application(self, endpoint, "teal", zmq.PUSH, is_bound=True)
        app.report()
        collector.wait_reporter("teal")

    def test_a_broker_with_rates_of_its_own_clock(self):
        broker = FakeBroker(self, interval=INTERVAL)
        collector = Collector(self, "--connect", broker.endpoint)
        Pulse(self, lambda n: broker.round(
            [channel("/topic/a", **{"in": n})], messages_in=100 * n,
            messages_out=300 * n, dropped_slow=10 * n, dropped_gone=10 * n,
            queued_messages=7, loop_lag_p99_us=1500), INTERVAL)
        found = collector.wait_reporter(
            broker.name, lambda it: it["series"]["in"][-1] is not None
            and "channels" in it)
        last = {name: values[-1] for name, values in found["series"].items()}
        self.assertAlmostEqual(last["in"], 1000, delta=1)
        self.assertAlmostEqual(last["out"], 3000, delta=1)
        self.assertAlmostEqual(last["dropped"], 200, delta=1)
        self.assertEqual((last["queued"], last["lag_ms"]), (7, 1.5))
        self.assertEqual(found["channels"]["channels"][0]["name"], "/topic/a")

    def test_a_broker_that_is_heard_twice_is_one(self):
        """It connects to the collector, and the collector to its feed."""
        broker = FakeBroker(self, interval=INTERVAL)
        collector = Collector(self, "--connect", broker.endpoint)
        twin = Application(self, collector.collect, "red")

        def beat(number):
            broker.round(messages_in=100 * number)
            stats = broker.stats([], [], {"messages_in": 100 * number})
            twin.send(json.dumps(stats | {"uptime": stats["uptime"] + 1e-4}))
        Pulse(self, beat, INTERVAL)

        def rates(it):
            return [value for value in it["series"]["in"] if value is not None]
        collector.wait_reporter(broker.name, lambda it: len(rates(it)) >= 3)
        known = collector.history()["reporters"]
        self.assertEqual([it["name"] for it in known], [broker.name])
        for value in rates(known[0]):
            self.assertAlmostEqual(value, 1000, delta=5)

    def test_silence_and_return(self):
        broker = FakeBroker(self, interval=INTERVAL)
        collector = Collector(self, "--connect", broker.endpoint)
        pulse = Pulse(self, lambda _: broker.round(), INTERVAL)
        collector.wait_reporter(broker.name)
        events = Events(collector)
        pulse.stop()
        _, said = events.next("silent")
        self.assertEqual((said["name"], said["silent"]), (broker.name, True))
        self.assertTrue(collector.reporter(broker.name)["silent"])
        Pulse(self, lambda _: broker.round(), INTERVAL)
        self.assertFalse(events.next("report")[1]["silent"])
        self.assertFalse(collector.reporter(broker.name)["silent"])

    def test_events_are_kept_up_to_a_bound(self):
        broker = FakeBroker(self)
        collector = Collector(self, "--connect", broker.endpoint)
        broker.heard("sluice.")
        for number in range(250):
            broker.event("closed", number=number)
        kept = wait_until(
            lambda: [it for it in [collector.history()["events"]]
                     if it and it[-1]["number"] == 249],
            "the last event does not come")[0]
        self.assertEqual([it["number"] for it in kept], list(range(50, 250)))

    def test_at_most_64_reporters(self):
        collector = Collector(self)
        app = Application(self, collector.collect, "red")
        Pulse(self, lambda n: [app.report(name=f"app {i}")
                               for i in range(100)], INTERVAL)
        wait_until(lambda: len(collector.history()["reporters"]) == 64,
                   "they do not come")
        self.assertEqual(len(collector.history()["reporters"]), 64)

    def test_what_is_no_report_is_passed_over(self):
        collector = Collector(self)
        app = Application(self, collector.collect, "red")

        def beat(_):
            for parts in (["{"], ["[]"], [b"\xff\xfe"], [""], ["{}"],
                          ['{"color": 5}'], ['{"source": "sluice"}'],
                          ["sluice.stats", "{}"], ["tap./a", "{}", "text"],
                          ["a", "b", "c", "d", "e"], ["[" * 100000],
                          ['{"color": "' + "x" * 300 + '"}']):
                app.send(*parts)
            app.report(cpu="much", mem=None)
        Pulse(self, beat, INTERVAL)
        collector.wait_reporter("red")
        self.assertEqual(len(collector.history()["reporters"]), 1)

    def test_only_what_the_page_shows_is_kept(self):
        broker = FakeBroker(self)
        collector = Collector(self, "--connect", broker.endpoint)
        events = Events(collector)
        broker.heard("sluice.")
        odd = {"odd": 1, "deep": {"in": 1}, "list": [1], "long": "x" * 2000}
        rows = [channel(f"/topic/{i}") for i in range(120)]
        rows[0] |= odd
        broker.publish("sluice.channels", broker.head() | odd | {
            "total": 120, "channels": [7, *rows]})
        broker.publish("sluice.stats", broker.stats(
            [], [], {"dropped_by_whim": 3} | odd) | odd)
        broker.event("closed", number=7, **odd)
        shown = [events.next("report")[1]["document"] for _ in range(3)]
        found = collector.reporter(broker.name)
        kept = [found["channels"], found["stats"],
                collector.history()["events"][0]]
        self.assertEqual(kept[2].pop("time"), shown[2].pop("time"))
        self.assertEqual(shown, kept)
        listed, stats, event = kept
        self.assertEqual([row["name"] for row in listed["channels"]],
                         [f"/topic/{i}" for i in range(100)])
        self.assertEqual(set(listed["channels"][0]), set(channel("")))
        self.assertEqual((listed["total"], listed.get("odd")), (120, None))
        self.assertEqual(stats["counters"]["dropped_by_whim"], 3)
        self.assertNotIn("deep", stats["counters"])
        self.assertNotIn("closed", stats)
        self.assertEqual((event["number"], event["odd"]), (7, 1))
        self.assertFalse({"deep", "list", "long"} & set(event))

    def test_a_document_above_128_KiB_is_refused(self):
        collector = Collector(self)
        app = Application(self, collector.collect, "red")
        app.report(name="before")
        Pulse(self, lambda _: (
            app.report(name="long", pad="x" * (128 << 10)),
            app.report(name="after")), INTERVAL)
        collector.wait_reporter("after")
        self.assertIsNone(collector.reporter("long"))

    def test_a_document_of_very_many_values_is_refused(self):
        collector = Collector(self)
        app = Application(self, collector.collect, "red")
        Pulse(self, lambda _: (
            app.report(name="many", x=[{}] * 9000),
            app.report(name="text", x='"\\' + "{}," * 9000)), INTERVAL)
        collector.wait_reporter("text")
        self.assertIsNone(collector.reporter("many"))

    def test_documents_of_a_megabyte_take_little_memory(self):
        """Nor those that are just short enough."""
        collector = Collector(self)
        before = collector.memory_kib("VmRSS")
        objects, text = "[" + "{}," * (1 << 15) + "0]", '"' + "x" * 110000 + '"'
        for text in (objects * 10, objects, f"[{'0,' * 4000}{text}]"):
            senders = [Application(self, collector.collect, f"app {i}")
                       for i in range(16)]
            Pulse(self, lambda n, text=text, senders=senders: [
                app.send(topic, f'{{"broker":"{app.color}","seq":{n},"x":{text}}}')
                for app in senders
                for topic in ("sluice.stats", "sluice.channels")], 2)
        wait_until(lambda: len(collector.history()["reporters"]) == 16,
                   "they do not come")
        self.assertLess(collector.memory_kib("VmHWM") - before, 64 << 10)

    def test_a_silent_stranger_keeps_nobody_out(self):
        """libzmq's CVE-2020-15166: a raw connection that says nothing."""
        collector = Collector(self)
        host, port = collector.collect.removeprefix("tcp://").split(":")
        with socket.create_connection((host, int(port))), \
                socket.create_connection((host, int(port))) as rude:
            rude.sendall(b"GET / HTTP/1.1\r\n\r\n")
            app = Application(self, collector.collect, "red")
            Pulse(self, lambda _: app.report(), INTERVAL)
            collector.wait_reporter("red")


class Guard(unittest.TestCase):
    """libzmq bounds neither the parts of a message nor its peers."""

    def setUp(self):
        self.collector = Collector(self, "--pull", ANY)
        self.app = Application(self, self.collector.collect, "red")

    def peer(self, kind=b"PUB"):
        host, port = self.collector.collect.removeprefix("tcp://").split(":")
        sock = socket.create_connection((host, int(port)), DEADLINE)
        self.addCleanup(sock.close)
        sock.sendall(GREETING + ready(kind))
        answer = sock.makefile("rb", buffering=0)
        read_exactly(answer, 64)
        _, length = read_exactly(answer, 2)  # of its READY
        read_exactly(answer, length)
        return sock

    def assert_rests_and_returns(self, why):
        self.assertIn(why, self.collector.process.complaint())
        Pulse(self, lambda _: self.app.report(), INTERVAL)
        self.collector.wait_reporter("red")

    def test_a_message_of_endless_parts_ends(self):
        sock = self.peer()
        part = b"\3" + (100_000).to_bytes(8, "big") + b"x" * 100_000
        with self.assertRaises(ConnectionError):
            while True:
                sock.sendall(part)
        self.assert_rests_and_returns("too much memory")
        if not is_sanitised():  # which keep what is freed
            self.assertLess(self.collector.memory_kib("VmRSS"), 64 << 10)

    def test_peers_that_say_nothing_are_not_kept(self):
        before = self.collector.fd_count()
        peers = []
        with self.assertRaises(ConnectionError):
            while True:
                peers.append(self.peer())
        self.assert_rests_and_returns("too many connections")
        for sock in peers:
            read_to_end(sock)
        self.assertLess(self.collector.fd_count(), before + 10)


class Browsers(unittest.TestCase):
    def test_a_history_is_made_once_a_second_for_all(self):
        collector = Collector(self)
        begun, bodies = time.monotonic(), set()
        for _ in range(3):
            socks = [collector.connect() for _ in range(20)]
            for sock in socks:
                sock.sendall(b"GET /history HTTP/1.1\r\nHost: localhost\r\n\r\n")
            bodies |= {b"".join(iter(lambda s=sock: s.recv(4096), b""))
                       for sock in socks}
        self.assertLessEqual(len(bodies), time.monotonic() - begun + 1)
        self.assertGreaterEqual(len(bodies), 2)

    def test_histories_that_are_not_read_do_not_pile_up(self):
        """A history remains in memory until the last browser has it."""
        broker = FakeBroker(self, interval=INTERVAL)
        collector = Collector(self, "--connect", broker.endpoint)
        rows = [channel("/topic/" + "x" * 700) for _ in range(100)]
        brokers = [f"b{i}" for i in range(60)]

        def beat(_):
            for broker.name in brokers:
                broker.publish("sluice.channels", broker.head() | {
                    "channels": rows})
        pulse = Pulse(self, beat, 1)
        wait_until(lambda: len(collector.history()["reporters"]) == 60,
                   "they do not come")
        pulse.stop()
        before = collector.memory_kib("VmRSS")
        for _ in range(8):  # of 5 MB each
            sock = collector.connect()
            sock.sendall(b"GET /history HTTP/1.1\r\nHost: localhost\r\n\r\n")
            sock.recv(1)
            collector.history()
        self.assertLess(collector.memory_kib("VmRSS") - before, 30 << 10)

    def test_one_that_does_not_read_is_skipped(self):
        broker = FakeBroker(self)
        collector = Collector(self, "--connect", broker.endpoint)
        broker.heard("sluice.")
        stalled, reading = collector.connect(), Events(collector)
        stalled.sendall(b"GET /feed HTTP/1.1\r\nHost: localhost\r\n\r\n")
        stalled.recv(1)
        channels = [channel("/topic/" + "x" * 700) for _ in range(100)]
        before = collector.memory_kib("VmRSS")
        for number in range(300):  # 28 MB
            broker.publish("sluice.channels", broker.head() | {
                "seq": number, "channels": channels})
            self.assertEqual(
                reading.next("report")[1]["document"]["seq"], number)
        grown = collector.memory_kib("VmHWM") - before
        self.assertLess(grown, 20 << 10)
        said = b""
        while b"event: missed" not in said:
            said = said[-20:] + stalled.recv(1 << 16)
            broker.event("closed", number=0)

    def test_two_hundred_of_them(self):
        broker = FakeBroker(self, interval=INTERVAL)
        collector = Collector(self, "--connect", broker.endpoint)
        Pulse(self, lambda _: broker.round(), INTERVAL)
        for ear in [Events(collector) for _ in range(200)]:
            self.assertEqual(ear.next("report")[1]["name"], broker.name)

    def test_silent_ones_take_no_seat_from_others(self):
        """Connections are bounded. Of too many, those that have sent nothing
        are closed: not one that listens, nor one that is about to ask."""
        broker = FakeBroker(self)
        collector = Collector(self, "--connect", broker.endpoint)
        broker.heard("sluice.")
        listening, asking = Events(collector), collector.connect()
        asking.sendall(b"GET /style.css HTTP/1.1\r\n")
        before = collector.fd_count()
        silent = [collector.connect() for _ in range(CONNECTIONS_MAX + 20)]
        self.assertEqual(collector.get("/")[0], 200)
        self.assertLessEqual(collector.fd_count(), before + CONNECTIONS_MAX)
        self.assertEqual(silent[0].recv(1), b"")
        asking.sendall(b"Host: localhost\r\n\r\n")
        self.assertRegex(asking.recv(4096), rb"^HTTP/1\.1 200 ")
        broker.event("closed", number=7)
        self.assertEqual(listening.next("report")[1]["document"]["number"], 7)

    def test_too_many_that_listen_are_refused(self):
        collector = Collector(self)
        ears = [Events(collector) for _ in range(LISTENING_MAX)]
        self.assertEqual(collector.get("/feed")[0], 503)
        self.assertEqual(collector.get("/")[0], 200)
        ears.pop().close()
        wait_until(lambda: Events(collector).status == 200,
                   "the seat of one that left stays taken")

    def test_it_stops_while_they_listen(self):
        collector = Collector(self)
        Events(collector)
        collector.process.signal()
        self.assertEqual(collector.process.finish()[0], 0)


class Hostile(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.collector = Collector(cls)

    @classmethod
    def addCleanup(cls, *args):  # of the one collector of the class
        cls.addClassCleanup(*args)

    def status(self, *args, **kwargs):
        return self.collector.get(*args, **kwargs)[0]

    def test_headers_of_every_answer(self):
        for path in ("/", "/app.js", "/history", "/nowhere"):
            head = self.collector.get(path)[1].partition(b"\r\n\r\n")[0]
            head = head.decode().lower()
            for header in ("content-security-policy: default-src 'none'",
                           "x-frame-options: deny", "connection: close",
                           "x-content-type-options: nosniff",
                           "cross-origin-resource-policy: same-origin"):
                self.assertIn(header, head)
            for word in ("unsafe", "access-control", "*"):
                self.assertNotIn(word, head)

    def test_what_there_is(self):
        for path in ("/", "/?a=b", "/app.js", "/chart.js", "/style.css",
                     "/history"):
            self.assertEqual(self.status(path), 200, path)
            status, answer = self.collector.get(path, method="HEAD")
            self.assertEqual(status, 200, path)
            self.assertTrue(answer.endswith(b"\r\n\r\n"), path)
        for path in ("/x", "/../etc/passwd", "/%2e%2e/etc/passwd", "//"):
            self.assertIn(self.status(path), (400, 404), path)

    def test_unknown_hosts_are_refused(self):
        port = self.collector.port
        for host in ("localhost", f"localhost:{port}", "127.0.0.1",
                     f"127.0.0.1:{port}", "[::1]"):
            self.assertEqual(self.status(host=host), 200, host)
        for host in ("rebind.test", f"rebind.test:{port}", "localhost.evil",
                     "127.0.0.1.evil", "[::1].evil", "", "localhost:x"):
            self.assertIn(self.status(host=host), (400, 421), host)

    def test_a_host_that_is_told_of_is_known(self):
        collector = Collector(self, "--http-host", "watch.example")
        self.assertEqual(collector.get(host="watch.example")[0], 200)
        self.assertEqual(collector.get(host="other.example")[0], 421)

    def test_foreign_origins_change_nothing(self):
        for path in ("/", "/history", "/feed"):
            for origin in ("http://evil.test", "null", "http://localhost:1",
                           "https://localhost"):
                self.assertEqual(self.status(path, f"Origin: {origin}"), 403)
        self.assertEqual(self.status("/", "Origin: http://localhost"), 200)
        self.assertEqual(self.status("/", "Origin: http://localhost\r\n"
                                     "Origin: http://evil.test"), 400)

    def test_other_methods_are_refused(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH",
                       "CONNECT", "BREW", "get"):
            self.assertIn(self.status(method=method), (400, 405, 501), method)
        post = b"POST / HTTP/1.1\r\nHost: localhost\r\nContent-Length: 3"
        self.assertEqual(self.collector.ask(post + b"\r\n\r\na=b")[0], 405)

    def test_smuggling_is_answered_with_400_and_a_close(self):
        head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
        post = head.replace(b"GET", b"POST")
        second = b"GET /history HTTP/1.1\r\nHost: localhost\r\n\r\n"
        for request in (
                post + b"Content-Length: 4\r\nTransfer-Encoding: chunked"
                b"\r\n\r\n0\r\n\r\n" + second,
                post + b"Transfer-Encoding: xchunked\r\n\r\n" + second,
                post + b"Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n",
                post + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: "
                b"identity\r\n\r\n0\r\n\r\n" + second,
                head + b"Content-Length: 5\r\nContent-Length: 6\r\n\r\n"
                b"hello" + second,
                head + b"Content-Length : 0\r\n\r\n" + second,
                head + b"Content-Length: +0\r\n\r\n" + second,
                post + b"Content-Length: +3\r\n\r\nabc" + second,
                head + b"Content-Length: 5\r\n\r\nhello" + second,
                head + b"Host: evil.test\r\n\r\n" + second,
                head + b"A: b\r\n\tContent-Length: 5\r\n\r\n" + second,
                head + b"A: b\nContent-Length: 5\r\n\r\n" + second,
                head + b"A: b\rContent-Length: 5\r\n\r\n" + second,
                head + b"A: b\0c\r\n\r\n" + second,
                head + b"no colon\r\n\r\n" + second,
                head.replace(b"\r\n", b"\n") + b"\n" + second,
                b" " + head + b"\r\n" + second,
                b"GET / HTTP/1.1\r\n\r\n" + second,
                b"GET http://localhost/ HTTP/1.1\r\nHost: localhost\r\n\r\n",
                b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03\r\n\r\n"):
            status, answer = self.collector.ask(request)
            self.assertEqual(status, 400, request)
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, request)

    def test_smuggling_in_pieces_is_no_better(self):
        """A head read already does not excuse what follows it."""
        head = b"GET / HTTP/1.1\r\nHost: localhost\r\n"
        for rest in (b"A: b\nContent-Length: 5\r\n\r\nhello",
                     b" Content-Length: 5\r\n\r\n", b"A: b\0c\r\n\r\n"):
            sock = self.collector.connect()
            sock.sendall(head)
            # A later client was served: the head has been read.
            self.assertEqual(self.status(), 200)
            sock.sendall(rest)
            self.assertRegex(sock.recv(4096), rb"^HTTP/1\.1 400 ")

    def test_a_request_that_trickles_is_not_waited_for(self):
        """However steadily."""
        sock = self.collector.connect()
        sock.sendall(b"GET / HTTP/1.1\r\nHost: localhost\r\nX: ")
        sock.settimeout(0.2)  # between letters
        answer, end = None, time.monotonic() + DEADLINE
        while answer is None and time.monotonic() < end:
            try:
                sock.sendall(b"a")
                answer = sock.recv(4096)
            except TimeoutError:
                pass
            except ConnectionError:
                answer = b""
        self.assertEqual(answer, b"")

    def test_one_request_per_connection(self):
        request = b"GET /style.css HTTP/1.1\r\nHost: localhost\r\n\r\n"
        status, answer = self.collector.ask(request * 3)
        self.assertEqual((status, answer.count(b"HTTP/1.1 ")), (200, 1))

    def test_a_megabyte_of_headers_is_refused(self):
        for headers in (b"X: " + b"a" * (1 << 20),
                        b"\r\n".join(b"X%d: y" % i for i in range(100_000))):
            status, _ = self.collector.ask(
                b"GET / HTTP/1.1\r\nHost: localhost\r\n" + headers
                + b"\r\n\r\n")
            self.assertIn(status, (None, 400, 413, 431))
        self.assertEqual(self.status(), 200)

    def test_slow_ones_hold_nobody_up(self):
        for _ in range(50):
            self.collector.connect().sendall(b"GET / HT")
        self.assertEqual(self.status(), 200)


class Usage(unittest.TestCase):
    def test_wrong_usage(self):
        for args, word in (
                (["there"], b"--connect"),
                (["--http", "unix:web"], b"--http takes"),
                (["--http", "8088"], b"--http takes"),
                (["--http", "no.such.host.invalid"], b"cannot find"),
                (["--collect", "nonsense"], b"cannot use nonsense"),
                (["--connect", "a"] * 33, b"at most 32")):
            done = run("monitor", *args)
            self.assertIn(done.returncode, (1, 2))
            self.assertIn(word, done.stderr)

    def test_an_address_that_is_taken(self):
        collector = Collector(self)
        for args in (("--http", f"127.0.0.1:{collector.port}"),
                     ("--http", f"127.0.0.1:{free_port()}",
                      "--collect", collector.collect)):
            status, _, err = Process(self, "monitor", *args).finish()
            self.assertEqual(status, 1)
            self.assertIn("ddress", err)


if __name__ == "__main__":
    main()
