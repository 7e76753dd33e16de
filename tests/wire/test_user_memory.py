# SPDX-License-Identifier: MIT
"""`memory` of a user: what all its connections hold together is bounded, by
what topics and queues do when the broker is short of memory, and nobody else
notices."""
import hashlib
import os
import pathlib
import tempfile
import threading
import time
import urllib.request

from unit_client import OPENING, UnitClient, UnitsTest, unit
from wire import DEADLINE, KIB, MIB, Background, Client, frame, main, numbered

TOKEN = b"sl_thermo"
LIMIT = "memory = 1m"
EVERYTHING = "publish = **\nsubscribe = **\npublish = /queue/**\n" \
    "subscribe = /queue/**\n"
MANY, LARGE = 200, 100 * KIB  # twenty times what a user may hold


class UserMemoryTest(UnitsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-memory-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def start(self, *sections, args=()):
        """A broker with users: a name and its lines each."""
        file = self.folder / "users.conf"
        file.write_text("".join(
            f'[user "{name}"]\n{EVERYTHING}' + "".join(
                line + "\n" for line in lines)
            for name, *lines in sections))
        file.chmod(0o600)
        return self.broker("--users", str(file), "--client-limit", "64m",
                           "--patience", "200ms", *args,
                           listen=("127.0.0.1:0", f"unix:{self.folder}/socket"))

    def connect_units(self, broker, options=b"", secret=b""):
        client = UnitClient(broker.addresses[0])
        self.addCleanup(client.close)
        return client.say(OPENING[0] + options, secret)

    def opening(self, broker, options=b"", secret=b""):
        client = self.connect_units(broker, options, secret)
        self.assertTrue(client.hear()[0].startswith(b"INFO"))
        return client

    def local(self, broker, channel):
        """Version 1 on the unix socket."""
        client = Client(broker.addresses[1])
        self.addCleanup(client.close)
        return client.subscribe(channel)


THERMO = ("thermo", "token = sha256:" + hashlib.sha256(TOKEN).hexdigest())
SHOWN = (b" mech=token", TOKEN)


class Readers(UserMemoryTest):
    def check(self, broker, user, open_stalled):
        others = broker.stats()["subscribers"]
        reader = self.opening(broker, *SHOWN)
        reader.ask(b"SUB /topic/a rid=1")
        writer = self.opening(broker, *SHOWN)
        for _ in range(2):
            open_stalled()
        broker.wait_stats(subscribers=others + 3)
        flooding = Background(writer.send, b"".join(
            unit(b"PUB /topic/a", numbered(i, LARGE)) for i in range(MANY)))
        for i in range(MANY):
            text, body = reader.hear()
            self.assertTrue(text.startswith(b"MSG /topic/a"), text)
            self.assertEqual(body, numbered(i, LARGE))
        flooding.join()
        broker.wait_for_log(f"event=user_memory user={user} .*limit={MIB}")
        stats = broker.wait_stats(memory_bytes=lambda n: n < 2 * MIB)
        self.assertGreaterEqual(stats["user_memory_excesses"], 1)
        self.assertGreater(stats["dropped_memory"] + stats["dropped_slow"], 0)

    def test_version_1_on_a_unix_socket(self):
        broker = self.start(("slow", f"uid = {os.getuid()}", LIMIT), THERMO)
        self.check(broker, "slow", lambda: self.local(broker, b"/topic/a"))

    def test_anonymous_clients_of_version_2(self):
        broker = self.start(("anonymous", LIMIT), THERMO)
        self.check(broker, "anonymous", lambda: self.opening(broker).say(
            b"SUB /topic/*"))

    def test_a_reader_that_holds_little_loses_nothing(self):
        """Though another one of its user holds too much."""
        broker = self.start(("slow", f"uid = {os.getuid()}", LIMIT), THERMO)
        good = self.local(broker, b"/topic/b")
        broker.wait_stats(subscribers=1)
        self.check(broker, "slow", lambda: self.local(broker, b"/topic/a"))
        writer = self.opening(broker, *SHOWN)
        for i in range(100):
            writer.say(b"PUB /topic/b", b"%d" % i)
            self.assertEqual(good.recv(), b"%d" % i)


class Metrics(UserMemoryTest):
    def metrics(self, broker):
        address = broker.wait_for_log("event=serving_http").fields["addr"]
        request = urllib.request.Request(
            f"http://{address}/metrics",
            headers={"Authorization": "Bearer " + TOKEN.decode()})
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return [line for line in answer.read().decode().splitlines()
                    if line.startswith("sluice_user_") and "{" in line]

    def test_a_hundred_users_are_shown_and_the_others_together(self):
        digests = {f"u{i}": hashlib.sha256(b"u%d" % i).hexdigest()
                   for i in range(103)}
        broker = self.start((*THERMO, "monitor = yes"), *(
            (name, f"token = sha256:{digest}", LIMIT)
            for name, digest in digests.items()), args=(
                "--http", "127.0.0.1:0", "--queue-limit", "1000"))
        client = self.opening(broker, b" mech=token", b"u0")
        for _ in range(2):
            client.say(b"PUB /queue/a", b"x" * 900)
        client.ping(b"x")
        self.opening(broker, b" mech=token", b"u0")
        shown = self.metrics(broker)
        self.assertIn('sluice_user_connections{user="u0"} 2', shown)
        self.assertEqual(
            [line for line in shown if "memory" in line],
            ['sluice_user_memory_bytes{user="u0"} '
             f'{broker.stats()["parked_bytes"]}'])
        for name in list(digests)[1:]:
            self.opening(broker, b" mech=token", name.encode())
        until = time.monotonic() + DEADLINE  # reports are made now and then
        while len(shown) < 101 and time.monotonic() < until:
            shown = [line for line in self.metrics(broker)
                     if "connections" in line]
        self.assertEqual(len(shown), 101)
        self.assertIn('sluice_user_connections{user="%rest"} 3', shown)
        client.close()


class Publishers(UserMemoryTest):
    def test_what_is_parked_counts_and_nothing_of_it_is_lost(self):
        broker = self.start(("anonymous", "memory = 100k"),
                            args=("--queue-limit", "1000", "--hold", "1m"))
        client = self.opening(broker)
        sending = Background(client.send, b"".join(
            unit(b"PUB /queue/a", b"%d " % i + b"x" * KIB)
            for i in range(700)))
        stats = broker.wait_stats(paused_publishers=1)
        self.assertLess(stats["parked_bytes"], 512 * KIB)
        reader = self.opening(broker)
        reader.say(b"SUB /queue/a")
        for i in range(700):
            self.assertEqual(reader.hear()[1].split(b" ")[0], b"%d" % i)
        sending.join()

    def test_long_messages_are_read_one_after_another(self):
        """Of one only, all comes that there is of it."""
        broker = self.start(("anonymous", LIMIT), THERMO)
        reader = self.opening(broker, *SHOWN)
        reader.ask(b"SUB /topic/a rid=1")
        goes_on = threading.Event()

        def send(number):
            message = frame(b"/topic/a") + frame(numbered(number, 4 * MIB))
            client = self.publisher(broker)
            client.send(message[:3 * MIB])
            goes_on.wait()
            client.send(message[3 * MIB:])

        sending = [Background(send, number) for number in range(8)]
        stats = broker.wait_stats(user_pauses=7)
        self.assertLess(stats["memory_bytes"], 12 * MIB)
        goes_on.set()
        heard = sorted(reader.hear()[1] for _ in sending)
        self.assertEqual(heard, [numbered(i, 4 * MIB) for i in range(8)])
        for one in sending:
            one.join()


if __name__ == "__main__":
    main()
