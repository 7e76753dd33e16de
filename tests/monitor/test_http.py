# SPDX-License-Identifier: MIT
"""HTTP as friends and enemies ask for it (figure R12, classes 29 to 31)."""
import json
import signal
import socket
import time

from monitor import DEADLINE, MonitorTest, main, request, status_of, talk
from wire import KIB, MIB, frame, open_socket, run_sluiced

PATHS = ("/metrics", "/stats", "/healthz", "/readyz")
CLIENTS_MAX = 32

# What two readers could understand in two ways; {} is the host. The list is
# that of the usual tools, in the forms they send.
SMUGGLED = (
    "POST / HTTP/1.1|Host: {}|Content-Length: 6|Transfer-Encoding: chunked||"
    "0||G",
    "POST / HTTP/1.1|Host: {}|Transfer-Encoding: chunked|Content-Length: 4||"
    "5c|GPOST / HTTP/1.1||0||",
    "POST / HTTP/1.1|Host: {}|Content-Length: 3|Content-Length: 30||abc",
    "POST / HTTP/1.1|Host: {}|Content-Length: 3, 30||abc",
    "POST / HTTP/1.1|Host: {}|Transfer-Encoding: xchunked|Content-Length: 3||"
    "abc",
    "POST / HTTP/1.1|Host: {}|Transfer-Encoding : chunked||0||",
    "POST / HTTP/1.1|Host: {}|Transfer-Encoding:\x0bchunked||0||",
    "POST / HTTP/1.1|Host: {}|Transfer-Encoding: chunked|"
    "Transfer-Encoding: x||0||",
    "POST / HTTP/1.1|Host: {}|X: y| Transfer-Encoding: chunked||0||",
    "POST / HTTP/1.1|Host: {}|X: y\nTransfer-Encoding: chunked||0||",
    "POST / HTTP/1.1|Host: {}|Content-Length: +3||abc",
    "POST / HTTP/1.1|Host: {}|Content-Length: -3||abc",
    "POST / HTTP/1.1|Host: {}|Content-Length: 0x3||abc",
    "GET /healthz HTTP/1.1|Host: {}|Content-Length: 40||"
    "GET /stats HTTP/1.1|Host: {}||",
    "GET /healthz HTTP/1.1|Host: {}|Transfer-Encoding: chunked||0||"
    "GET /stats HTTP/1.1|Host: {}||",
    "GET /healthz HTTP/1.1|Host: {}|Host: evil||",
    "GET /healthz HTTP/1.1||",
    "GET /healthz HTTP/1.1|Host: {}\0evil||",
    "GET http://evil/healthz HTTP/1.1|Host: {}||",
    "GET /healthz\tHTTP/1.1|Host: {}||",
)


class Answers(MonitorTest):
    def test_each_path(self):
        sluiced = self.watched()
        for path in PATHS:
            status, headers, body = request(sluiced.http, path)
            self.assertEqual(status, 200, path)
            self.assertEqual(int(headers["content-length"]), len(body))
            self.assertTrue(body.endswith(b"\n"))
        self.assertEqual(request(sluiced.http, "/readyz?a=b#c")[0], 200)
        for path in ("/", "/Stats", "/stats/", "/../stats", "/%73tats"):
            self.assertEqual(request(sluiced.http, path)[0], 404, path)
        self.assertEqual(sluiced.stats()["http_requests"], 10)

    def test_stats_is_three_documents(self):
        sluiced = self.watched()
        self.subscriber(sluiced, b"/topic/\xff<b>")
        status, headers, body = request(sluiced.http, "/stats")
        self.assertEqual(status, 200)
        self.assertEqual(headers["content-type"], "application/json")
        documents = json.loads(body)
        self.assertEqual(set(documents), {"stats", "channels", "clients", "users"})
        self.assertEqual(set(documents["stats"]["counters"]),
                         set(sluiced.stats()))
        self.assertIn("/topic/%FF<b>", [row["name"] for row in
                                        documents["channels"]["channels"]])
        self.assertEqual(documents["clients"]["total"], 2)

    def test_head(self):
        """The same head and no body."""
        sluiced = self.watched()
        _, wanted, body = request(sluiced.http, "/healthz")
        status, headers, nothing = request(sluiced.http, "/healthz",
                                           method="HEAD")
        self.assertEqual((status, headers, nothing), (200, wanted, b""))
        self.assertEqual(int(headers["content-length"]), len(body))

    def test_other_methods(self):
        sluiced = self.watched()
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "PATCH",
                       "CONNECT", "BREW"):
            status, headers, _ = request(sluiced.http, "/stats",
                                         method=method)
            self.assertEqual(status, 405, method)
            self.assertEqual(headers["allow"], "GET, HEAD")

    def test_readiness_ends_when_it_is_told_to_stop(self):
        """Which is before it has delivered what it owes."""
        sluiced = self.watched("--drain-timeout", "60m")
        stalled = self.subscriber(sluiced, b"/topic/a", rcvbuf=4096)
        self.publisher(sluiced).flood(b"/topic/a", 4000, KIB)
        sluiced.wait_stats(messages_in=lambda n: n >= 4000)
        self.assertEqual(request(sluiced.http, "/readyz")[0], 200)
        sluiced.signal()
        sluiced.wait_for_log("event=stopping")
        status, _, body = request(sluiced.http, "/readyz")
        self.assertEqual((status, body), (503, b"stopping\n"))
        self.assertEqual(request(sluiced.http, "/healthz")[0], 200)
        _, _, body = request(sluiced.http, "/stats")
        self.assertIs(json.loads(body)["stats"]["stopping"], True)
        sluiced.signal(signal.SIGINT)
        self.assertEqual(sluiced.wait().status, 0)
        stalled.close()

    def test_unix_socket(self):
        sluiced = self.broker("--http", "unix:http.sock")
        sluiced.wait_for_log("event=serving_http")
        with open_socket(f"unix:{sluiced.dir}/http.sock") as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            self.assertEqual(status_of(sock.recv(KIB)), 200)

    def test_off_unless_asked_for(self):
        sluiced = self.broker()
        self.assertEqual(sluiced.log("event=serving_http"), [])

    def test_an_address_that_is_taken(self):
        sluiced = self.watched()
        done = run_sluiced("--listen", "127.0.0.1:0", "--http", sluiced.http)
        self.assertEqual(done.returncode, 1)
        self.assertIn("in use", done.stderr)


class Shared(MonitorTest):
    def test_a_document_is_made_for_all_that_ask(self):
        """At most every 250 ms, however often that is asked."""
        sluiced = self.watched()
        for path in ("/stats", "/metrics"):
            begun = time.monotonic()
            # Each has the processor time in it, which never stands still.
            bodies = {request(sluiced.http, path)[2] for _ in range(100)}
            periods = (time.monotonic() - begun) / .25
            self.assertLessEqual(len(bodies), periods + 1, path)

    def test_a_document_is_new_after_a_while(self):
        sluiced = self.watched()
        before = request(sluiced.http, "/stats")[2]
        until = time.monotonic() + DEADLINE
        while request(sluiced.http, "/stats")[2] == before:
            self.assertLess(time.monotonic(), until)

    def test_all_that_wait_for_a_long_one_are_answered(self):
        """It is made in pieces, between which the broker answers others and
        channels come and go."""
        sluiced = self.watched()
        names = [b"/queue/%d" % i for i in range(30000)]
        publisher = self.publisher(sluiced)
        publisher.send(b"".join(frame(n) + frame(b"x") for n in names))
        sluiced.wait_stats(channels=len(names))
        head = f"GET /stats HTTP/1.1\r\nHost: {sluiced.http}\r\n\r\n"
        asking = []
        for _ in range(5):
            asking.append(open_socket(sluiced.http))
            self.addCleanup(asking[-1].close)
            asking[-1].sendall(head.encode())
        self.assertEqual(request(sluiced.http, "/healthz")[0], 200)
        self.connect(sluiced).subscribe(b"/topic/guest").close()
        for sock in asking:
            answer = b"".join(iter(lambda s=sock: s.recv(MIB), b""))
            channels = json.loads(answer.partition(b"\r\n\r\n")[2])["channels"]
            self.assertIn(channels["total"] - len(names), (0, 1))
            self.assertEqual(len(channels["channels"]), 100)
            self.assertEqual(channels["rest"]["in"], len(names) - 100)


class Strangers(MonitorTest):
    def test_unknown_hosts(self):
        """A page that makes its own name point here is not answered."""
        sluiced = self.watched("--http-host", "broker.lan")
        port = sluiced.http.rsplit(":", 1)[1]
        for host in ("localhost", "127.0.0.1", "[::1]", "broker.lan"):
            for name in (host, f"{host}:{port}"):
                self.assertEqual(
                    request(sluiced.http, "/stats", host=name)[0], 200, name)
        for host in ("rebind.test", f"rebind.test:{port}", "localhost.evil",
                     "127.0.0.1.evil", "broker.lan.evil", "a@localhost"):
            status, _, body = request(sluiced.http, "/stats", host=host)
            self.assertEqual((status, body), (403, b"Forbidden\n"), host)

    def test_other_origins_may_read_nothing(self):
        """No answer permits a page from elsewhere to read it."""
        sluiced = self.watched()
        for path in PATHS + ("/nowhere",):
            _, plain, _ = request(sluiced.http, path)
            status, headers, _ = request(
                sluiced.http, path, "Origin: http://evil.test",
                "Sec-Fetch-Site: cross-site")
            self.assertNotIn("access-control", " ".join(headers))
            self.assertEqual(set(headers), set(plain))
            self.assertEqual(headers["x-content-type-options"], "nosniff")
            self.assertEqual(headers["x-frame-options"], "DENY")
            self.assertIn("default-src 'none'",
                          headers["content-security-policy"])
            self.assertEqual(headers["connection"], "close")

    def test_nothing_of_a_request_comes_back(self):
        """So there is nothing to inject."""
        sluiced = self.watched()
        text = "<script>alert(1)</script>"
        for answer in (
                talk(sluiced.http, f"GET /{text} HTTP/1.1\r\n"
                     f"Host: {sluiced.http}\r\nX: {text}\r\n\r\n".encode()),
                talk(sluiced.http,
                     f"{text} / HTTP/1.1\r\nHost: {text}\r\n\r\n".encode())):
            self.assertGreaterEqual(status_of(answer), 400)
            self.assertNotIn(b"script", answer)

    def test_smuggling(self):
        """One answer, 400, whatever comes behind."""
        sluiced = self.watched()
        for text in SMUGGLED:
            data = text.replace("{}", sluiced.http).replace("|", "\r\n")
            answer = talk(sluiced.http, data.encode())
            self.assertEqual(status_of(answer), 400, text)
            self.assertEqual(answer.count(b"HTTP/1.1 "), 1, text)

    def test_only_the_first_of_many(self):
        """What is pipelined behind a request is not read."""
        sluiced = self.watched()
        one = f"GET /healthz HTTP/1.1\r\nHost: {sluiced.http}\r\n\r\n"
        answer = talk(sluiced.http, one.encode() * 3)
        self.assertEqual(status_of(answer), 200)
        self.assertEqual(answer.count(b"HTTP/1.1 "), 1)

    def test_a_head_of_a_megabyte(self):
        sluiced = self.watched()
        head = f"GET / HTTP/1.1\r\nHost: {sluiced.http}\r\n".encode()
        for rest in (b"X: " + b"y" * MIB + b"\r\n\r\n",
                     b"X: y\r\n" * (MIB // 6) + b"\r\n"):
            before = sluiced.rss_kb()
            self.assertEqual(status_of(talk(sluiced.http, head + rest)), 431)
            self.assert_memory(sluiced.rss_kb() - before, 512)

    def test_other_protocols(self):
        sluiced = self.watched()
        for greeting in (b"\x16\x03\x01\x02\x00\x01\x00", b"\0\0\0\x05hello",
                         b"\xff\0\0\0\0\0\0\0\x01\x7f"):
            self.assertEqual(status_of(talk(sluiced.http, greeting)), 400)
        self.assertEqual(request(sluiced.http, "/healthz")[0], 200)

    def test_http_on_the_port_of_messages(self):
        """It is recognised and closed, and no document leaves there."""
        sluiced = self.watched()
        answer = talk(sluiced.address, b"GET /stats HTTP/1.1\r\n\r\n")
        self.assertEqual(answer, b"")
        sluiced.wait_for_log("reason=foreign_protocol")


class Crowds(MonitorTest):
    def silent(self, sluiced, count, data=b""):
        socks = []
        for _ in range(count):
            sock = open_socket(sluiced.http)
            self.addCleanup(sock.close)
            sock.sendall(data)
            socks.append(sock)
        return socks

    def test_silent_ones_do_not_starve_others(self):
        """More than there is room for; the oldest of them have to go."""
        sluiced = self.watched()
        socks = self.silent(sluiced, 2 * CLIENTS_MAX)
        self.assertEqual(request(sluiced.http, "/metrics")[0], 200)
        for sock in socks[:CLIENTS_MAX]:
            self.assertEqual(sock.recv(1), b"")
        self.assert_serves(sluiced)

    def test_a_slow_scraper_is_answered_among_silent_ones(self):
        """Its request comes in two packets; more connect in between than
        there is room for, and say nothing."""
        sluiced = self.watched()
        (scraper,) = self.silent(sluiced, 1, b"GET /healthz HTTP/1.1\r\n")
        for _ in range(3):
            self.silent(sluiced, CLIENTS_MAX)
            self.assertEqual(request(sluiced.http, "/healthz")[0], 200)
        scraper.sendall(b"Host: localhost\r\n\r\n")
        self.assertEqual(status_of(scraper.recv(KIB)), 200)

    def test_a_request_that_waits_unread_is_read_before_it_has_to_go(self):
        """They are accepted in one turn: nobody is read before the last."""
        sluiced = self.watched()
        sluiced.signal(signal.SIGSTOP)
        head = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
        (scraper,) = self.silent(sluiced, 1, head)
        self.silent(sluiced, 3 * CLIENTS_MAX)
        sluiced.signal(signal.SIGCONT)
        self.assertEqual(status_of(scraper.recv(KIB)), 200)

    def test_a_half_request_gives_way_to_a_whole_one(self):
        """However many ask, those that do not get to the end have to go."""
        sluiced = self.watched()
        half = self.silent(sluiced, CLIENTS_MAX, b"GET / HTTP/1.1\r\n")
        for _ in range(CLIENTS_MAX):
            self.assertEqual(request(sluiced.http, "/stats")[0], 200)
        self.assertEqual(half[0].recv(1), b"")

    def wait_descriptors(self, sluiced, count):
        """Until there are no more than these."""
        until = time.monotonic() + DEADLINE
        while sluiced.fd_count() > count:
            self.assertLess(time.monotonic(), until, "descriptors are left")
            sluiced.stats()

    def test_slow_ones_have_an_end(self):
        """However they drip: silent, half a head, or an answer not read."""
        sluiced = self.watched()
        fds = sluiced.fd_count()
        half = f"GET /stats HTTP/1.1\r\nHost: {sluiced.http}".encode()
        socks = (self.silent(sluiced, 3) + self.silent(sluiced, 3, half)
                 + self.silent(sluiced, 3, half + b"\r\n\r\n"))
        for sock in socks[:6]:
            self.assertEqual(sock.recv(KIB), b"")
        for sock in socks[6:]:
            while sock.recv(1 << 16):
                pass
        self.wait_descriptors(sluiced, fds)

    def test_one_that_drips_for_ever(self):
        """Every byte is progress, and still there is a limit."""
        sluiced = self.watched()
        (sock,) = self.silent(sluiced, 1, b"GET / HTTP/1.1\r\n")
        sock.settimeout(0.05)
        closed = False
        for _ in range(20 * DEADLINE):
            try:
                sock.sendall(b"X")
                closed = sock.recv(1) == b""
            except socket.timeout:
                continue
            except OSError:
                closed = True
            if closed:
                break
        self.assertTrue(closed)

    def test_half_closed_clients_are_answered(self):
        """As `printf | nc` does."""
        sluiced = self.watched()
        with open_socket(sluiced.http) as sock:
            sock.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
            sock.shutdown(socket.SHUT_WR)
            self.assertEqual(status_of(sock.recv(KIB)), 200)

    def test_many_requests_leave_nothing_behind(self):
        sluiced = self.watched()
        request(sluiced.http, "/stats")
        fds, rss = sluiced.fd_count(), sluiced.rss_kb()
        for _ in range(300):
            self.assertEqual(request(sluiced.http, "/stats")[0], 200)
        self.wait_descriptors(sluiced, fds)
        self.assert_memory(sluiced.rss_kb() - rss, 1 * KIB)


if __name__ == "__main__":
    main()
