# SPDX-License-Identifier: MIT
"""Documents say which user a client is, and by what; and how much each user
has, holds and was denied."""
import json
import os
import socket
import time

from monitor import DEADLINE, main, request
from test_guard import PASSWORD, TOKEN, GuardTest, bearer
from wire import Client, frame

import certificates
import tls_socket
from unit_client import OPENING, UnitClient


class Ways(GuardTest):
    def clients(self, broker, count):
        """{(user, way)} of all clients, when there are so many."""
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            body = request(broker.http, "/stats", bearer(TOKEN))[2]
            rows = json.loads(body)["clients"]["clients"]
            if len(rows) == count and all(row["user"] for row in rows):
                return {(row["user"], row["way"]) for row in rows}
        raise TimeoutError(rows)

    def opened(self, broker, options, secret):
        client = UnitClient(broker.addresses[0])
        self.addCleanup(client.close)
        client.say(OPENING[0] + options, secret)
        client.hear()

    def test_a_client_is_shown_as_the_user_that_it_is(self):
        everything = "subscribe = /**"
        self.users(self.ann("monitor = yes", everything),
                   ("machine", "certificate = device.example", everything),
                   ("me", f"uid = {os.getuid()}", everything),
                   ("anonymous", everything))
        path = self.file.with_name("here.sock")
        broker = self.broker(
            "--users", str(self.file), "--http", "127.0.0.1:0",
            *certificates.server_options(), "--tls-clients", "optional",
            "--tls-ca", certificates.folder()["ca.pem"],
            listen=("127.0.0.1:0", f"unix:{path}"))
        broker.http = broker.wait_for_log("event=serving_http").fields["addr"]
        self.opened(broker, b" mech=token", TOKEN.encode())
        self.opened(broker, b" mech=plain user=ann", PASSWORD.encode())
        for address in broker.addresses:
            client = Client(address).subscribe(b"/topic/a")
            self.addCleanup(client.close)
        machine = tls_socket.connect(
            broker.address, DEADLINE,
            made=tls_socket.context(certificate="device"))
        self.addCleanup(machine.close)
        machine.sendall(frame(b"/topic/a"))
        self.assertEqual(self.clients(broker, 5), {
            ("ann", "token"), ("ann", "password"), ("me", "uid"),
            ("machine", "certificate"), ("anonymous", "anonymous")})


class Users(GuardTest):
    RIGHTS = ("publish = /topic/a", "subscribe = /topic/a")

    def document(self, broker, wanted):
        until = time.monotonic() + DEADLINE
        while time.monotonic() < until:
            body = request(broker.http, "/stats", bearer(TOKEN))[2]
            document = json.loads(body)["users"]
            if wanted({row["name"]: row for row in document["users"]}):
                return document
        raise TimeoutError(document)

    def metrics(self, broker):
        text = request(broker.http, "/metrics", bearer(TOKEN))[2].decode()
        return dict(line.rsplit(" ", 1) for line in text.splitlines()
                    if line.startswith("sluice_user_"))

    def test_what_each_has_and_may_have(self):
        broker = self.start(
            self.ann(), ("local", "network = 127.0.0.0/8", *self.RIGHTS,
                         "connections = 9", "memory = 1m", "messages = 50/s",
                         "bytes = 2m/s"))
        kept = [self.connect(broker).subscribe(b"/topic/a") for _ in range(2)]
        self.connect(broker).subscribe(b"/topic/b").wait_closed()
        document = self.document(broker, lambda rows: "local" in rows and
                                 rows["local"]["connections"] == 2)
        self.assertEqual(document["users"], [{
            "name": "local", "connections": 2, "connections_limit": 9,
            "memory_bytes": 0, "memory_limit_bytes": 1 << 20,
            "messages_limit": 50, "bytes_limit": 2 << 20, "denied": 1}])
        self.assertEqual((document["total"], document["rest"]), (
            1, {"connections": 0, "memory_bytes": 0, "denied": 0}))
        metrics = self.metrics(broker)
        self.assertEqual(metrics['sluice_user_connections{user="local"}'], "2")
        self.assertEqual(metrics['sluice_user_denied_total{user="local"}'], "1")
        self.assertEqual(len(kept), 2)

    def test_who_was_denied_is_listed_though_it_has_gone(self):
        """And keeps its count when the file changes."""
        everybody = ("local", "network = 127.0.0.0/8", *self.RIGHTS)
        broker = self.start(self.ann(), everybody)
        for _ in range(3):
            self.connect(broker).subscribe(b"/topic/b").wait_closed()
        wanted = {"connections": 0, "denied": 3}
        self.document(broker, lambda rows: "local" in rows and
                      wanted.items() <= rows["local"].items())
        self.reload(broker, self.ann(), everybody,
                    ("zoe", "network = 10.0.0.0/8"),
                    ("bob", "uid = 12345"))
        self.document(broker, lambda rows: list(rows) == ["local"] and
                      wanted.items() <= rows["local"].items())
        self.reload(broker, self.ann())
        self.assertEqual(
            self.document(broker, lambda rows: not rows)["total"], 0)

    def test_at_most_a_hundred_are_listed(self):
        """The rest is summed."""
        broker = self.start(self.ann(), *(
            (f"u{i}", f"network = 127.0.1.{i}/32", *self.RIGHTS)
            for i in range(1, 121)))
        port = int(broker.address.rsplit(":", 1)[1])
        for i in range(1, 121):
            sock = socket.create_connection(("127.0.0.1", port), DEADLINE,
                                            (f"127.0.1.{i}", 0))
            self.addCleanup(sock.close)
            sock.sendall(frame(b"/topic/a"))
        broker.wait_stats(subscribers=120)
        document = self.document(broker, lambda rows: len(rows) == 100)
        self.assertEqual((document["total"], document["rest"]["connections"]),
                         (120, 20))
        self.assertEqual(
            self.metrics(broker)['sluice_user_connections{user="%rest"}'], "20")

    def test_without_a_users_file_there_are_none(self):
        broker = self.watched()
        document = json.loads(request(broker.http, "/stats")[2])["users"]
        self.assertEqual((document["users"], document["total"]), ([], 0))

    def test_the_feed_has_them(self):
        broker = self.watched()
        document = self.feed(broker, b"sluice.users").take(b"sluice.users")
        self.assertEqual(document["users"], [])


if __name__ == "__main__":
    main()
