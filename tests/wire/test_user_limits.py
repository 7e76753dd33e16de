# SPDX-License-Identifier: MIT
"""What a user may is shared by its clients: two of them are slowed down
together, lose nothing, and clients of another user notice nothing."""
import hashlib

from test_user_memory import SHOWN, THERMO, UserMemoryTest
from unit_client import unit
from wire import KIB, Background, main

TOKEN = b"sl_slow"
SLOW = ("slow", "token = sha256:" + hashlib.sha256(TOKEN).hexdigest())
AS_SLOW = (b" mech=token", TOKEN)


class Shared(UserMemoryTest):
    def check_other(self, broker, channel):
        """It is never asked to hold, and gets all that it publishes."""
        other = self.opening(broker, *SHOWN)
        self.assertTrue(other.ask(b"SUB " + channel + b" rid=1")
                        .startswith(b"OK"))
        other.send(b"".join(unit(b"PUB " + channel, b"%d" % i)
                            for i in range(500)))
        for i in range(500):
            head, body = other.hear()
            self.assertEqual((head.split(b" ")[0], body), (b"MSG", b"%d" % i))

    def check_all(self, reader, count):
        """Of both clients, each in its order."""
        heard = [[], []]
        while sum(map(len, heard)) < 2 * count:
            head, body = reader.hear()
            if head.startswith(b"MSG"):
                client, number = body.split(b" ")[:2]
                heard[int(client)].append(int(number))
        self.assertEqual(heard, [list(range(count))] * 2)

    def send_both(self, broker, channel, count, size):
        both = [self.opening(broker, *AS_SLOW) for _ in range(2)]
        return both, [Background(client.send, b"".join(
            unit(b"PUB " + channel, b"%d %d " % (n, i) + b"x" * size)
            for i in range(count))) for n, client in enumerate(both)]

    def check_rate(self, limit, count, size):
        broker = self.start((*SLOW, limit), THERMO)
        reader = self.opening(broker, *SHOWN)
        reader.ask(b"SUB /topic/x rid=1")
        both, sending = self.send_both(broker, b"/topic/x", count, size)
        broker.wait_stats(holds=2)
        self.check_other(broker, b"/topic/y")
        self.check_all(reader, count)
        for one, client in zip(sending, both):
            one.join()
            self.assertEqual([client.hear()[0] for _ in range(2)],
                             [b"HOLD /topic/x", b"GO /topic/x"])

    def test_messages(self):
        self.check_rate("messages = 20/s", 50, 0)

    def test_bytes(self):
        self.check_rate("bytes = 20k/s", 5, 10000)

    def test_connections(self):
        """One that is beyond them is closed, and in when another has left."""
        broker = self.start((*SLOW, "connections = 2"), THERMO)
        first, second = [self.opening(broker, *AS_SLOW) for _ in range(2)]
        late = self.connect_units(broker, *AS_SLOW)
        self.assertEqual([late.hear()[0], late.hear()[0]],
                         [b"ERR busy", b"BYE"])
        broker.wait_for_log("event=closed .*reason=user_connections")
        for _ in range(3):
            self.check_other(broker, b"/topic/y")
        first.close()
        broker.wait_stats(connections=lambda n: n == 4)
        self.opening(broker, *AS_SLOW)
        self.assertEqual(second.ask(b"PING x"), b"PONG x")

    def test_memory_at_a_full_durable_queue(self):
        """What is parked for it is bounded, and then all on disk."""
        count, journal = 200, self.folder / "journal"
        journal.mkdir()
        broker = self.start(
            (*SLOW, "memory = 100k"), THERMO, args=(
                "--journal", str(journal), "--journal-free",
                "0", "--hold", "1m", "--channel",
                "/queue/full durable=yes limit=1k", "--channel",
                "/queue/free durable=yes"))
        _, sending = self.send_both(broker, b"/queue/full", count, KIB)
        stats = broker.wait_stats(user_memory_excesses=lambda n: n > 0,
                                  paused_publishers=2)
        self.assertLess(stats["parked_bytes"], 512 * KIB)
        self.check_other(broker, b"/queue/free")
        reader = self.opening(broker, *SHOWN)
        reader.say(b"SUB /queue/full")
        self.check_all(reader, count)
        for one in sending:
            one.join()
        broker.wait_stats(queued_messages=0, parked_bytes=0)


if __name__ == "__main__":
    main()
