# SPDX-License-Identifier: MIT
"""Another users file: after `event=rights_loaded` nothing is delivered that it
forbids, whatever waits where, and nobody else notices."""
import hashlib
import pathlib
import selectors
import signal
import tempfile
import threading

from frames import frame
from unit_client import OPENING, UnitClient, UnitsTest, unit
from wire import KIB, MIB, Client, main

EVERYTHING = ("publish = **", "publish = /queue/**", "subscribe = **",
              "subscribe = /queue/**")


def token_of(name):
    return b"sl_" + name.encode()


class ReloadTest(UnitsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-reload-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "users.conf"

    def write(self, **users):
        """Each has a token, and these lines; "local" is version 1 as well."""
        fresh = self.folder / "fresh"
        text = ""
        for name, lines in users.items():
            digest = hashlib.sha256(token_of(name)).hexdigest()
            text += f'[user "{name}"]\ntoken = sha256:{digest}\n'
            if name == "local":
                text += "network = 127.0.0.0/8\n"
            text += "".join(f"{line}\n" for line in lines)
        fresh.write_text(text)
        fresh.chmod(0o600)
        fresh.rename(self.file)

    def start(self, *args, **users):
        self.write(admin=EVERYTHING, **users)
        return self.broker("--users", str(self.file), *args)

    def reload(self, broker, **users):
        self.write(admin=EVERYTHING, **users)
        since = broker.mark()
        broker.signal(signal.SIGHUP)
        return broker.wait_for_log("event=rights_loaded", since).fields

    def enter(self, broker, name, **kwargs):
        client = UnitClient(broker.addresses[0], **kwargs)
        self.addCleanup(client.close)
        client.say(OPENING[0] + b" mech=token", token_of(name))
        self.assertTrue(client.hear()[0].startswith(b"INFO"))
        return client


class Subscriptions(ReloadTest):
    def test_only_what_is_forbidden_ends(self):
        broker = self.start(one=EVERYTHING)
        reader, admin = self.enter(broker, "one"), self.enter(broker, "admin")
        for i, pattern in enumerate((b"/topic/a", b"/topic/b", b"/topic/*",
                                     b"/other/**", b"/%2A")):
            self.assertTrue(reader.ask(b"SUB %s rid=%d" % (pattern, i))
                            .startswith(b"OK"))
        self.reload(broker, one=("subscribe = /topic/a", "subscribe = /other/**"))
        told = [reader.hear() for _ in range(3)]
        self.assertEqual({text for text, _ in told}, {b"ERR denied"})
        self.assertEqual({body.rsplit(b" ", 1)[1] for _, body in told},
                         {b"/topic/b", b"/topic/*", b"/%2A"})
        for channel in (b"/topic/a", b"/topic/b", b"/topic/c", b"/other/x/y",
                        b"/%2A"):
            admin.say(b"PUB " + channel, b"x")
        admin.ping(b"x")
        heard = [text.split(b" ")[1] for text in reader.ping(b"x")]
        self.assertEqual(heard, [b"/topic/a", b"/other/x/y"])
        self.assertEqual(reader.ask(b"SUB /topic/b rid=7"),
                         b"ERR denied rid=7")

    def test_what_waits_for_a_reader_is_not_delivered(self):
        """Nor the rest of the message that it is in the middle of."""
        broker = self.start("--client-limit", "64m",
                            local=("subscribe = /topic/a", "subscribe = /sync"),
                            one=EVERYTHING)
        readers = [Client(broker.addresses[0], rcvbuf=4 * KIB).subscribe(
            b"/topic/a"), self.enter(broker, "one", rcvbuf=4 * KIB)]
        self.addCleanup(readers[0].close)
        readers[1].ask(b"SUB /topic/a rid=1")
        broker.wait_stats(subscribers=2)
        admin = self.enter(broker, "admin")
        for _ in range(4):
            admin.say(b"PUB /topic/a", b"x" * 8 * MIB)
        admin.ping(b"x")
        fields = self.reload(broker, local=("subscribe = /topic/b",),
                             one=("subscribe = /topic/b",))
        self.assertEqual(fields["sessions_closed"], "2")
        self.assertEqual(fields["user_changed"], "2")
        for reader in readers:  # of version 2, a head may have come
            whole = [len(text) for text in reader.recv_until_closed()]
            self.assertLess(sum(whole), KIB)

    def test_who_is_nobody_any_more_is_told(self):
        broker = self.start(local=EVERYTHING, one=EVERYTHING)
        old = self.subscriber(broker, b"/topic/a")
        new, idle = self.enter(broker, "one"), self.enter(broker, "one")
        new.ask(b"SUB /topic/** rid=1")
        fields = self.reload(broker, two=())
        self.assertEqual([fields[name] for name in (
            "users", "user_added", "user_removed", "user_changed")],
            ["2", "1", "2", "0"])
        for client in (new, idle):
            self.assertEqual([client.hear()[0], client.hear()[0]],
                             [b"ERR auth", b"BYE"])
            client.wait_closed()
        self.assert_closed(broker, old, "rights_revoked")
        broker.wait_for_log("event=closed .*rights_revoked", count=3)

    def test_a_queue_gets_back_what_a_worker_holds(self):
        broker = self.start(one=EVERYTHING, two=EVERYTHING)
        worker, admin = self.enter(broker, "one"), self.enter(broker, "admin")
        worker.ask(b"SUB /queue/** ack=yes credit=5 rid=1")
        admin.say(b"PUB /queue/a", b"work")
        text, _ = worker.hear()
        number = text.split(b" ")[2]
        self.reload(broker, one=("subscribe = /queue/b",), two=EVERYTHING)
        self.assertEqual(worker.hear()[0], b"ERR denied")
        self.assertTrue(worker.ask(b"ACK /queue/a %s rid=2" % number)
                        .startswith(b"ERR gone"))
        other = self.enter(broker, "two")
        other.say(b"SUB /queue/a")
        self.assertEqual(other.hear()[1], b"work")

    def test_a_subscription_that_is_ending(self):
        """UNSUB is answered when all is written that came before it."""
        broker = self.start("--client-limit", "64m", one=EVERYTHING)
        reader = self.enter(broker, "one", rcvbuf=4 * KIB)
        reader.ask(b"SUB /topic/a rid=1")
        admin = self.enter(broker, "admin")
        admin.say(b"PUB /topic/a", b"x" * 8 * MIB)
        admin.ping(b"x")
        reader.say(b"UNSUB /topic/a rid=2")
        broker.wait_stats(paused_publishers=1)
        self.reload(broker, one=("subscribe = /topic/b",))
        whole = [len(text) for text in reader.recv_until_closed()]
        self.assertLess(sum(whole), KIB)

    def test_a_message_that_has_come_in_part(self):
        broker = self.start(local=("publish = **",), one=("publish = **",))
        old, new = self.publisher(broker), self.enter(broker, "one")
        body = b"x" * MIB
        old.send(frame(b"/topic/a") + frame(body)[:MIB // 2])
        new.send(unit(b"PUB /topic/a rid=1", body)[:MIB // 2])
        broker.wait_stats(bytes_in=lambda n: n >= MIB)
        self.reload(broker, local=("publish = /b",), one=("publish = /b",))
        old.send(frame(body)[MIB // 2:])
        new.send(unit(b"PUB /topic/a rid=1", body)[MIB // 2:])
        self.assertEqual(new.hear()[0], b"ERR denied rid=1")
        self.assert_closed(broker, old, "denied")
        self.assertEqual(broker.stats()["messages_in"], 0)


class Crowd:
    """Readers on one thread: what comes is kept as it is."""

    def __init__(self, clients):
        self.heard = {client: bytearray() for client in clients}
        self.ended = []
        self.clients = selectors.DefaultSelector()
        self.is_over = threading.Event()
        for client in clients:
            client.sock.setblocking(False)
            self.clients.register(client.sock, selectors.EVENT_READ, client)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.is_over.is_set():
            for key, _ in self.clients.select(0.05):
                data = key.fileobj.recv(256 * KIB)
                self.heard[key.data] += data
                if not data:
                    self.ended.append(key.data)
                    self.clients.unregister(key.fileobj)

    def end(self):
        self.is_over.set()
        self.thread.join()
        self.clients.close()


class UnderLoad(ReloadTest):
    def test_a_thousand_readers_and_fifty_files(self):
        """Of version 2, `one` may and may not in turn; readers of version 1
        get every message, and are not closed."""
        with_one = {"local": EVERYTHING, "one": EVERYTHING}
        without = {"local": EVERYTHING, "one": ("subscribe = /b",)}
        broker = self.start(**with_one)
        constant = [self.connect(broker).subscribe(b"/b") for _ in range(600)]
        fickle = [self.enter(broker, "one") for _ in range(400)]
        admin = self.enter(broker, "admin")
        crowd = Crowd(constant + fickle)
        self.addCleanup(crowd.end)
        bodies = []

        def publish(word, number):
            bodies.append(b"<%s %d>" % (word, number))
            for channel in (b"/a", b"/b"):
                admin.say(b"PUB " + channel, bodies[-1])
            admin.ping(b"x")

        for i in range(25):
            for client in fickle:
                client.sock.setblocking(True)
                client.say(b"SUB /a")
                client.sock.setblocking(False)
            broker.wait_stats(subscribers=len(constant) + len(fickle))
            publish(b"allowed", i)
            fields = self.reload(broker, **without)
            publish(b"forbidden", i)
            self.assertEqual(fields["sessions_closed"], "0")
            self.reload(broker, **with_one)
        whole = b"".join(frame(body) for body in bodies)
        broker.wait_stats(messages_out=lambda n: n >= len(constant) * 50
                          + len(fickle) * 25)
        crowd.end()
        for client in constant:
            client.sock.setblocking(True)
            while len(crowd.heard[client]) < len(whole):
                crowd.heard[client] += client.sock.recv(MIB)
            self.assertEqual(crowd.heard[client], whole)
        for client in fickle:
            client.sock.setblocking(True)
            client.say(b"PING end")
            while not crowd.heard[client].endswith(unit(b"PONG end")):
                crowd.heard[client] += client.sock.recv(MIB)
            self.assertNotIn(b"<forbidden", crowd.heard[client])
            self.assertEqual(crowd.heard[client].count(b"<allowed"), 25)
            self.assertEqual(crowd.heard[client].count(b"ERR denied"), 25)
        self.assertEqual(crowd.ended, [])


if __name__ == "__main__":
    main()
