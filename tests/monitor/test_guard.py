# SPDX-License-Identifier: MIT
"""Who may read documents over HTTP: users with `monitor = yes`, whoever they
are by. Everybody else is asked or refused, in words, and slows down nobody
else."""
import base64
import ctypes
import hashlib
import os
import pathlib
import signal
import socket
import struct
import subprocess
import tempfile
import threading

from monitor import DEADLINE, MonitorTest, main, request, status_of
from test_https import FILES, ask, read_all

import certificates
import tls_socket
from unit_client import OPENING, UnitClient

CRYPT = ctypes.CDLL("libcrypt.so.1")
CRYPT.crypt.restype = ctypes.c_char_p
PASSWORD, TOKEN = "correct: horse", "sl_0123456789-_abc"
QUICK, SLOW = "$6$rounds=1000$", "$6$rounds=4000$"
SLOWEST = "$6$rounds=400000$"
AT_ONCE = 10  # failures of one source that are nothing special
PENDING_MAX = 8  # of one source, that wait
GUARDED = ("/stats", "/metrics")
FOR_ALL = ("/healthz", "/readyz")


def hash_of(password, method=QUICK):
    return CRYPT.crypt(password.encode(), method.encode() + b"saltsalt").decode()


def basic(user, password):
    pair = base64.b64encode(f"{user}:{password}".encode()).decode()
    return f"Authorization: Basic {pair}"


def bearer(token):
    return f"Authorization: Bearer {token}"


def digest_of(token):
    return "sha256:" + hashlib.sha256(token.encode()).hexdigest()


class GuardTest(MonitorTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="sluice-guard-")
        self.addCleanup(folder.cleanup)
        self.file = pathlib.Path(folder.name) / "users.conf"

    def users(self, *sections):
        """Written at once; each is a name and its lines."""
        fresh = self.file.with_name("fresh")
        fresh.write_text("".join(
            f'[user "{name}"]\n' + "".join(line + "\n" for line in lines)
            for name, *lines in sections))
        fresh.chmod(0o600)
        fresh.rename(self.file)

    def ann(self, *lines, method=QUICK):
        return ("ann", f"password = {hash_of(PASSWORD, method)}",
                f"token = {digest_of(TOKEN)}", *(lines or ["monitor = yes"]))

    def start(self, *sections, args=(), words="", address="127.0.0.1:0"):
        self.users(*sections)
        broker = self.broker("--users", str(self.file), "--http",
                             f"{address}{words}", "--log-level", "debug", *args)
        broker.http = broker.wait_for_log("event=serving_http").fields["addr"]
        return broker

    def reload(self, broker, *sections):
        self.users(*sections)
        since = broker.mark()
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=rights_loaded", since)

    def ask_at_once(self, broker, line, n):
        """So many requests; their sockets."""
        host, port = broker.http.rsplit(":", 1)
        socks = [socket.create_connection((host, int(port)), DEADLINE)
                 for _ in range(n)]
        for sock in socks:
            self.addCleanup(sock.close)
            sock.sendall("\r\n".join(["GET /stats HTTP/1.1",
                                      "Host: localhost", line, "",
                                      ""]).encode())
        return socks

    def status(self, broker, *lines, path="/stats", **kwargs):
        return request(broker.http, path, *lines, **kwargs)[0]


class Ways(GuardTest):
    def test_a_password_or_a_token_of_one_who_may_watch(self):
        broker = self.start(self.ann())
        for path in GUARDED:
            for line in (basic("ann", PASSWORD), bearer(TOKEN),
                         basic("ann", PASSWORD).replace("Basic", "bASIC"),
                         bearer(TOKEN).replace("Authorization", "authoriZation")):
                self.assertEqual(self.status(broker, line, path=path), 200, line)
        stats = broker.stats()
        self.assertEqual((stats["logins"], stats["logins_failed"],
                          stats["http_refused"]), (8, 0, 0))

    def test_whoever_shows_nothing_is_asked(self):
        """By both schemes, as browsers and programs understand it."""
        broker = self.start(self.ann())
        for path in GUARDED:
            status, headers, body = request(broker.http, path)
            self.assertEqual(status, 401)
            self.assertIn("www-authenticate", headers)
            self.assertNotIn(b"{", body)
        raw = b""
        with socket.create_connection(broker.http.split(":"), DEADLINE) as sock:
            sock.sendall(b"GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
            raw = read_all(sock)
        self.assertIn(b'\r\nWWW-Authenticate: Basic realm="sluice"', raw)
        self.assertIn(b'\r\nWWW-Authenticate: Bearer realm="sluice"', raw)

    def test_health_needs_nobody(self):
        """It says nothing of what goes on, and its readers have no secrets."""
        broker = self.start(self.ann())
        for path in FOR_ALL:
            self.assertEqual(self.status(broker, path=path), 200)
            self.assertEqual(self.status(broker, bearer("wrong"), path=path),
                             200)

    def test_what_is_wrong_is_refused_alike(self):
        broker = self.start(self.ann(), ("bob", "uid = 4711"))
        wrong = (basic("ann", "Correct: horse"), basic("ann", ""),
                 basic("nobody", PASSWORD), basic("", PASSWORD),
                 basic("bob", ""), bearer(TOKEN + "x"),
                 "Authorization: Basic !", "Authorization: Digest x")
        answers = [request(broker.http, "/stats", line) for line in wrong]
        self.assertEqual(answers, [answers[0]] * len(wrong))
        self.assertEqual(answers[0][0], 401)
        stats = broker.stats()
        self.assertEqual((stats["logins_failed"], stats["http_refused"]),
                         (len(wrong), len(wrong)))
        line = broker.wait_for_log("event=auth_failed .*user=ann")
        self.assertEqual((line.level, line.fields["mech"]), ("warning", "plain"))

    def test_who_may_not_watch_is_told_what_it_takes(self):
        broker = self.start(self.ann("publish = /topic/a"))
        for line in (basic("ann", PASSWORD), bearer(TOKEN)):
            status, _, body = request(broker.http, "/stats", line)
            self.assertEqual(status, 403)
            self.assertIn(b"monitor = yes", body)
        line = broker.wait_for_log("event=http_denied")
        self.assertEqual(line.fields["user"], "ann")

    def test_a_role_may_give_it(self):
        self.users()
        self.file.write_text(
            '[role "ops"]\nmonitor = yes\n[user "ann"]\nrole = ops\n'
            f"token = {digest_of(TOKEN)}\n")
        broker = self.broker("--users", str(self.file), "--http", "127.0.0.1:0")
        broker.http = broker.wait_for_log("event=serving_http").fields["addr"]
        self.assertEqual(self.status(broker, bearer(TOKEN)), 200)

    def test_a_network(self):
        broker = self.start(("here", "network = 127.0.0.0/8", "monitor = yes"))
        self.assertEqual(self.status(broker), 200)
        self.reload(broker, ("here", "network = 127.0.0.0/8"))
        self.assertEqual(self.status(broker), 403)
        self.reload(broker, ("there", "network = 192.0.2.1", "monitor = yes"))
        self.assertEqual(self.status(broker), 401)

    def test_where_a_user_may_come_from(self):
        broker = self.start(self.ann("monitor = yes", "from = 192.0.2.0/24"))
        self.assertEqual(self.status(broker, bearer(TOKEN)), 401)

    def test_anonymous(self):
        """Who is nobody is asked rather than refused."""
        broker = self.start(("anonymous", "monitor = yes"), self.ann())
        self.assertEqual(self.status(broker), 200)
        self.reload(broker, ("anonymous", "subscribe = /topic/a"), self.ann())
        self.assertEqual(self.status(broker), 401)
        self.assertEqual(self.status(broker, bearer(TOKEN)), 200)

    def test_uid_of_a_unix_socket(self):
        broker = self.start(("me", f"uid = {os.getuid()}", "monitor = yes"),
                            address="unix:http.sock")

        def get():
            sock = socket.socket(socket.AF_UNIX)
            self.addCleanup(sock.close)
            sock.settimeout(DEADLINE)
            sock.connect(f"{broker.dir}/http.sock")
            sock.sendall(b"GET /stats HTTP/1.1\r\nHost: localhost\r\n\r\n")
            return status_of(read_all(sock))
        self.assertEqual(get(), 200)
        self.reload(broker, ("me", f"uid = {os.getuid() + 1}", "monitor = yes"))
        self.assertEqual(get(), 401)

    def test_certificate(self):
        made = certificates.folder()
        context = tls_socket.context(certificate="device")
        broker = self.start(
            ("dev", "certificate = device.example", "monitor = yes"),
            self.ann(), args=(*FILES, "--tls-ca", made["ca.pem"],
                              "--tls-clients", "optional"))
        self.assertEqual(ask(broker.http, "/stats", made=context)[0], 200)
        self.assertEqual(ask(broker.http, "/stats")[0], 401)
        # A certificate of one user is not mixed with a token of another.
        self.assertEqual(ask(broker.http, "/stats", [bearer(TOKEN)],
                             made=context)[0], 401)
        self.assertEqual(ask(broker.http, "/stats", [bearer(TOKEN)])[0], 200)

    def test_nobody_is_asked_where_it_says_so(self):
        broker = self.start(self.ann(), words=" auth=none")
        self.assertEqual(self.status(broker), 200)

    def test_without_users_nobody_is_asked(self):
        broker = self.broker("--http", "127.0.0.1:0")
        broker.http = broker.wait_for_log("event=serving_http").fields["addr"]
        self.assertEqual(self.status(broker), 200)
        self.assertEqual(self.status(broker, basic("a", "b")), 200)

    def test_two_headers_are_none(self):
        broker = self.start(self.ann())
        self.assertEqual(self.status(broker, bearer("x"), bearer(TOKEN)), 400)

    def test_a_secret_in_the_address_is_not_looked_at(self):
        broker = self.start(self.ann())
        self.assertEqual(
            self.status(broker, path=f"/stats?access_token={TOKEN}"), 401)


class Passwords(GuardTest):
    def test_one_that_was_right_is_not_compared_again(self):
        """Until the file is read again."""
        broker = self.start(self.ann())
        for _ in range(3):
            self.assertEqual(self.status(broker, basic("ann", PASSWORD)), 200)
        self.assertEqual(broker.stats()["passwords_compared"], 1)
        self.reload(broker, self.ann())
        self.assertEqual(self.status(broker, basic("ann", PASSWORD)), 200)
        self.assertEqual(broker.stats()["passwords_compared"], 2)

    def test_others_are_answered_while_some_are_compared(self):
        broker = self.start(self.ann(method=SLOW))
        asked = self.ask_at_once(broker, basic("ann", PASSWORD), PENDING_MAX)
        self.assertEqual(self.status(broker, bearer(TOKEN)), 200)
        self.assertEqual(self.status(broker, path="/healthz"), 200)
        for sock in asked:
            self.assertEqual(status_of(read_all(sock)), 200)

    def test_clients_that_leave_meanwhile_leave_nothing(self):
        broker = self.start(self.ann(method=SLOW))
        for _ in range(5):
            for sock in self.ask_at_once(broker, basic("ann", PASSWORD),
                                         PENDING_MAX):
                sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                                struct.pack("ii", 1, 0))
                sock.close()
        self.assertEqual(self.status(broker, bearer(TOKEN)), 200)
        broker.stop()

    def test_rights_that_change_meanwhile_count(self):
        """The answer is that of the users when it is given."""
        broker = self.start(self.ann(method=SLOW))
        for attempt in range(1, 51):
            asked = self.ask_at_once(broker, basic("ann", PASSWORD),
                                     PENDING_MAX)
            broker.wait_stats(http_requests=PENDING_MAX * attempt)
            self.reload(broker, self.ann("publish = /topic/a", method=SLOW))
            heard = {status_of(read_all(sock)) for sock in asked}
            self.assertLessEqual(heard, {200, 403})
            if 403 in heard:
                return
            self.reload(broker, self.ann(method=SLOW))
        self.fail("the passwords were always compared first")

    def test_a_comparison_outlives_a_change_of_others(self):
        """A file that changes all the time keeps nobody out."""
        ann = self.ann(method=SLOWEST)
        broker = self.start(ann)
        asked, = self.ask_at_once(broker, basic("ann", PASSWORD), 1)
        broker.wait_stats(passwords_compared=1)
        for uid in range(3):
            self.reload(broker, ann, ("other", f"uid = {uid}"))
        self.assertEqual(status_of(read_all(asked)), 200)
        self.assertEqual(broker.stats()["passwords_compared"], 1)

    def test_a_password_is_compared_with_the_file_of_now(self):
        """Though the comparison began with another one."""
        broker = self.start(self.ann(method=SLOWEST))
        other = f"password = {hash_of('another')}"
        for _ in range(50):
            before = broker.stats()["passwords_compared"]
            asked, = self.ask_at_once(broker, basic("ann", PASSWORD), 1)
            broker.wait_stats(passwords_compared=lambda n: n > before)
            self.reload(broker, ("ann", other, "monitor = yes"))
            heard = status_of(read_all(asked))
            self.assertIn(heard, (200, 401))
            if heard == 401:
                return
            self.reload(broker, self.ann(method=SLOWEST))
        self.fail("the password was always compared first")


class Failures(GuardTest):
    def test_a_source_that_fails_is_slowed_and_others_are_not(self):
        broker = self.start(self.ann(), address="0.0.0.0:0",
                            words=" tls=none")
        port = broker.http.rpartition(":")[2]
        broker.http = f"127.0.0.1:{port}"
        pending = [threading.Thread(target=self.status,
                                    args=(broker, bearer("wrong")))
                   for _ in range(AT_ONCE + PENDING_MAX + 6)]
        for thread in pending:
            thread.start()
        broker.wait_stats(logins_failed=lambda n: n >= AT_ONCE)
        with socket.create_connection(
                ("127.0.0.1", int(port)), DEADLINE,
                source_address=("127.0.0.2", 0)) as other:
            other.sendall("\r\n".join([
                "GET /stats HTTP/1.1", "Host: localhost", bearer(TOKEN), "",
                ""]).encode())
            self.assertEqual(status_of(read_all(other)), 200)
        for thread in pending:
            thread.join()
        stats = broker.stats()
        self.assertGreater(stats["http_refused"], stats["logins_failed"])

    def test_who_shows_nothing_is_not_slowed(self):
        """Their answers cost nothing: 401 again and again."""
        broker = self.start(self.ann())
        for _ in range(3 * AT_ONCE):
            self.assertEqual(self.status(broker), 401)
        self.assertEqual(self.status(broker, bearer(TOKEN)), 200)
        self.assertEqual(broker.stats()["logins_failed"], 0)

    def test_failures_count_wherever_they_happen(self):
        """At the port of messages and here alike, for one source."""
        broker = self.start(self.ann(), args=("--hello-timeout", "60s"))
        others = [UnitClient(broker.address) for _ in range(AT_ONCE + 8)]
        for client in others:
            self.addCleanup(client.close)
            client.say(OPENING[0] + b" mech=token", b"wrong")
        broker.wait_stats(logins_failed=lambda n: n >= AT_ONCE)
        asked = self.ask_at_once(broker, bearer("wrong"), PENDING_MAX + 4)
        self.assertIn(503, {status_of(read_all(sock)) for sock in asked})


class WithTls(GuardTest):
    def test_with_a_password_inside(self):
        broker = self.start(self.ann(), args=FILES, words=" tls=required")
        self.assertEqual(
            ask(broker.http, "/stats", [basic("ann", PASSWORD)])[0], 200)
        self.assertEqual(ask(broker.http, "/stats", [bearer("x")])[0], 401)

    def test_a_secret_in_plain_text_from_another_machine(self):
        """Is refused where TLS is possible, whether it is right or not, and
        the answer says how to ask."""
        ours = outer_address()
        if not ours:
            self.skipTest("no address but the loopback's")
        broker = self.start(self.ann(), args=FILES, address="0.0.0.0:0",
                            words=" tls=allowed")
        port = broker.http.rpartition(":")[2]
        for token in (TOKEN, "wrong"):
            status, _, body = request(f"{ours}:{port}", "/stats", bearer(token))
            self.assertEqual(status, 426)
            self.assertIn(b"https://", body)
        self.assertEqual(broker.stats()["logins_failed"], 0)

    def test_curl_and_its_ways(self):
        broker = self.start(self.ann(), args=FILES, words=" tls=required")

        def curl(*args):
            return subprocess.run(
                ["curl", "--silent", "--noproxy", "*", "--cacert",
                 certificates.folder()["ca.pem"], "--write-out",
                 "%{http_code}", "--output", "/dev/null", *args,
                 f"https://{broker.http}/metrics"], text=True,
                capture_output=True, timeout=DEADLINE, check=False).stdout
        try:
            self.assertEqual(curl("--user", f"ann:{PASSWORD}"), "200")
        except FileNotFoundError:
            self.skipTest("no curl")
        self.assertEqual(curl("--oauth2-bearer", TOKEN), "200")
        self.assertEqual(curl("--anyauth", "--user", f"ann:{PASSWORD}"), "200")
        self.assertEqual(curl(), "401")

    def test_no_log_has_a_secret_in_it(self):
        broker = self.start(self.ann(), args=FILES)
        secrets = ("c4n4ry-password", "c4n4ry-token")
        self.status(broker, basic("ann", secrets[0]))
        self.status(broker, bearer(secrets[1]))
        broker.wait_stats(logins_failed=2)
        log = "\n".join(line.text for line in broker.log())
        for secret in secrets:
            self.assertNotIn(secret, log)


def outer_address():
    """One of this machine's own that is not the loopback's; no packet is
    sent."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        try:
            sock.connect(("192.0.2.1", 9))
        except OSError:
            return None
        return sock.getsockname()[0]


if __name__ == "__main__":
    main()
