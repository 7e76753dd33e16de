# SPDX-License-Identifier: MIT
"""Noise: random bytes, and random clients that leave in every state. The
broker must outlive them, forget them, and serve the next one (class 6).

SEED=n repeats a run.
"""
import os
import random
import select

from wire import KIB, Background, WireTest, frame, head, main, pair

SEED = int(os.environ.get("SEED", random.SystemRandom().randrange(1 << 32)))
CONNECTIONS, STEPS, CLIENTS = 2000, 40000, 40
NAMES = (b"/topic/a", b"/topic/b", b"/queue/a", b"/queue/b", b"/queue/big",
         b"/null", b"/sys/x", b"")


class RandomBytes(WireTest):
    def noise(self, dice):
        """Random bytes that get further than their first four."""
        data = dice.randbytes(dice.randrange(0, 2 * KIB))
        for _ in range(dice.randrange(4)):
            body = dice.randbytes(dice.choice((0, 1, 5, 255, 256, 3000)))
            data = dice.choice((frame(body) + data,
                                head(dice.getrandbits(32)) + data,
                                pair(dice.choice(NAMES), body) + data))
        return data

    def test_random_bytes_do_no_harm(self):
        """Whatever they mean, the broker goes on and forgets them."""
        print(f"SEED={SEED}")
        dice, sluiced = random.Random(SEED), self.broker()
        for _ in range(CONNECTIONS):
            with sluiced.connect() as client:
                try:
                    client.send(self.noise(dice))
                except OSError:
                    continue  # closed at the first bytes, rightly
        sluiced.wait_stats(connections=0)
        self.assert_serves(sluiced)


class RandomClients(WireTest):
    """Up to 40 clients; each step one of them does something."""

    def setUp(self):
        print(f"SEED={SEED}")
        self.dice = random.Random(SEED)
        self.sluiced = self.broker(
            "--client-limit", "64k", "--queue-limit", "256k", "--patience",
            "50ms", "--prefetch", "8k", "--frame-timeout", "2s",
            "--log-level", "debug", listen=("127.0.0.1:0", "unix:{dir}/s"))
        self.clients, self.workers = [], []

    def arrive(self):
        if len(self.clients) < CLIENTS:
            client = self.connect(self.sluiced,
                                  rcvbuf=self.dice.choice((None, 4096)),
                                  listener=self.dice.randrange(2))
            client.sock.setblocking(False)
            self.clients.append(client)
            self.put(client, frame(self.dice.choice(NAMES)))

    def put(self, client, data):
        """As much of it as the socket takes: cuts come for free."""
        try:
            client.sock.send(data)
        except OSError:
            self.clients.remove(client)
            client.close()

    def leave(self, client):
        self.clients.remove(client)
        self.dice.choice((client.close, client.reset))()

    def messages(self):
        size = self.dice.choice((0, 1, 100, 5 * KIB, 70 * KIB))
        return pair(self.dice.choice(NAMES[:-1]), b"x" * size) * (
            self.dice.randrange(1, 1 + 100 * KIB // (size + 100)))

    def act(self, client):
        deed = self.dice.randrange(12)
        if deed < 5:
            self.put(client, self.messages())
        elif deed < 8:
            if select.select([client.sock], [], [], 0)[0]:
                try:
                    client.sock.recv(1 << self.dice.randrange(20))
                except OSError:
                    self.clients.remove(client)
                    client.close()
        elif deed == 8:
            self.put(client, self.messages()[:self.dice.randrange(9)])
        elif deed == 9:
            self.put(client, frame(b""))
        else:
            self.leave(client)

    def test_random_clients_do_no_harm(self):
        """Subscribed, paused, stalled, half said, half closed: a client
        that leaves, in whatever state, leaves only queued messages."""
        for step in range(STEPS):
            if step % 3 == 0 or not self.clients:
                self.arrive()
            else:
                self.act(self.dice.choice(self.clients))
        for client in list(self.clients):
            self.leave(client)
        # A paused publisher that closed stays until it is read to its end.
        for name in NAMES:
            if name.startswith(b"/queue"):
                self.drain(name)
        workers = len(self.workers)
        self.sluiced.wait_stats(connections=workers, channels=workers,
                                queued_messages=0, queued_bytes=0)
        for worker in self.workers:
            worker.goodbye()
        self.sluiced.wait_stats(connections=0, channels=0)
        self.assert_serves(self.sluiced)

    def drain(self, name):
        """Takes messages for as long as there are any in this queue."""
        worker = self.connect(self.sluiced).subscribe(name)
        Background(worker.recv_until_closed)
        self.workers.append(worker)


if __name__ == "__main__":
    main()
