# SPDX-License-Identifier: MIT
"""Clients of version 2 that mean harm: what they send is refused, costs little
memory and ends in time, and another client notices nothing."""
from crowd import descriptor_limit
from wire import KIB, MIB, WITH_TLS, WireTest, frame, head, main, without_tls

OPENING = b"\0SLUICE/2"
HEAD_MAX = 4096
EACH = 8 * KIB  # what a connection may cost before its first whole unit
CROWD, OWN = 1000, 200  # connections; descriptors of the test itself


def unit(text, body=b""):
    return frame(text) + frame(body)


class AbuseTest(WireTest):
    def open(self, broker):
        client = self.connect(broker).send(unit(OPENING))
        self.assertTrue(client.recv_many(2)[0].startswith(b"INFO "))
        return client

    def ask(self, client, text, body=b""):
        """The head of the answer, which must be the next unit."""
        client.send(unit(text, body))
        return client.recv_many(2)[0]

    def bystander(self, broker):
        """One that subscribes to all that it may, and publishes."""
        client = self.open(broker)
        self.assertEqual(self.ask(client, b"SUB /** rid=s"), b"OK rid=s")
        self.number = 0
        return client

    def check(self, client):
        """It gets what it publishes, and nothing else."""
        self.number += 1
        client.send(unit(b"PUB /own", b"%d" % self.number))
        text, body = client.recv_many(2)
        self.assertRegex(text, rb"^MSG /own %d( new=1)?$" % self.number)
        self.assertEqual(body, b"%d" % self.number)

    def crowd(self, broker, data):
        if descriptor_limit() < CROWD + OWN:
            self.skipTest(f"the limit on open files is below {CROWD + OWN}")
        return [self.connect(broker).send(data) for _ in range(CROWD)]


class Heads(AbuseTest):
    REFUSED = (
        (b"PUB /sys/broker rid=1", b"ERR denied rid=1"),
        (b"PUB /sys rid=1", b"ERR denied rid=1"),
        (b"PUB /%73ys/x rid=1", b"ERR denied rid=1"),
        (b"REQ /sys/x rid=1", b"ERR denied rid=1"),
        (b"PUB /a Sluice-Try=1 rid=1", b"ERR bad-option rid=1"),
        (b"PUB /a SLUICE-x=1 rid=1", b"ERR bad-option rid=1"),
        (b"PUB /a try=2 rid=1", b"ERR bad-option rid=1"),
        (b"PUB /a new=1 rid=1", b"ERR bad-option rid=1"),
        (b"PUB /a reply=@x rid=1", b"ERR bad-option rid=1"),
        (b"PUB /a rid=1 seq=3", b"ERR bad-option rid=1"),
        (b"PUB /a\n rid=1", b"ERR bad-head"),
        (b"PUB /a\r\nPUB /b rid=1", b"ERR bad-head"),
        (b"PUB /a%0 rid=1", b"ERR bad-head"),
        (b"PUB  /a rid=1", b"ERR bad-head"),
        (b"PUB /a=b rid=1", b"ERR bad-head rid=1"),
        (b"PUB a=/b rid=1", b"ERR bad-head rid=1"),
        (b"PUB /a* rid=1", b"ERR bad-channel rid=1"),
        (b"PUB /* rid=1", b"ERR bad-channel rid=1"),
        (b"SUB /a* rid=1", b"ERR bad-channel rid=1"),
        (b"SUB /**/a rid=1", b"ERR bad-channel rid=1"),
        (b"SUB /a%2Fb rid=1", b"ERR bad-channel rid=1"),
        (b"SUB @zzzzzzzzzzzzzzzzzzzzzz rid=1", b"ERR bad-channel rid=1"),
        (b"PUB @zzzzzzzzzzzzzzzzzzzzzz rid=1", b"ERR gone rid=1"),
        (b"ACK /own 1 rid=1", b"ERR gone rid=1"),
        (b"UNSUB /** rid=1", b"ERR gone rid=1"),
    )

    def test_what_only_the_broker_may_write_is_refused(self):
        sluiced = self.broker()
        other = self.bystander(sluiced)
        client = self.open(sluiced)
        for text, answer in self.REFUSED:
            with self.subTest(text=text):
                self.assertEqual(self.ask(client, text), answer)
                self.check(other)

    def test_names_of_any_octets_stay_in_their_place(self):
        """Line ends, signs of the grammar, and what version 1 calls so."""
        sluiced = self.broker()
        reader = self.open(sluiced)
        self.assertEqual(self.ask(reader, b"SUB ** rid=1"), b"OK rid=1")
        old = self.publisher(sluiced)
        for name, spelled in ((b"/a\r\nOK rid=1", b"/a%0D%0AOK%20rid%3D1"),
                              (b"/a*", b"/a%2A"), (b"@a", b"%40a"),
                              (b"/=", b"/%3D"), (b"/%41", b"/%2541"),
                              (b"\x7f\xff /", b"%7F%FF%20/")):
            with self.subTest(name=name):
                old.publish(name, b"x")
                text, _ = reader.recv_many(2)
                self.assertEqual(text.split(b" ")[1], spelled)
                self.assertEqual(len(text.split(b" ")), 4)
                self.assertEqual(
                    self.ask(reader, b"PUB %s L=%%0D%%0A" % spelled, b"y")
                    .split(b" ", 3)[0::3], [b"MSG", b"L=%0D%0A"])


@without_tls("a crowd of handshakes takes longer than it is given here")
class Beginnings(AbuseTest):
    def check_crowd(self, sluiced, other, clients, least):
        """They are there, cost little, and are gone in time."""
        sluiced.wait_stats(connections=lambda n: n >= least)
        self.check(other)
        self.assertLess(sluiced.stats()["memory_bytes"], least * EACH)
        sluiced.wait_stats(connections=lambda n: n < least // 2)
        self.check(other)
        for client in clients:
            client.wait_closed()
        self.check(other)

    def test_openings_that_are_only_a_length_end_in_time(self):
        sluiced = self.broker("--hello-timeout", "3s")
        other = self.bystander(sluiced)
        clients = self.crowd(sluiced, head(len(OPENING)))
        self.check_crowd(sluiced, other, clients, CROWD)

    def test_openings_without_their_secret_end_in_time(self):
        sluiced = self.broker("--hello-timeout", "3s")
        other = self.bystander(sluiced)
        clients = self.crowd(sluiced,
                             frame(OPENING) + head(HEAD_MAX) + b"x" * 4000)
        self.check_crowd(sluiced, other, clients, CROWD)

    def test_long_heads_that_drip_cost_little(self):
        """Each octet comes alone; none of them is ever complete."""
        sluiced = self.broker("--frame-timeout", "3s")
        other = self.bystander(sluiced)
        clients = self.crowd(sluiced, unit(OPENING) + head(HEAD_MAX))
        for i in range(8):
            for client in clients:
                client.send(b"PUB /own"[i:i + 1])
            self.check(other)
        self.check_crowd(sluiced, other, clients, CROWD)

    def test_more_than_an_opening_may_be_ends_at_once(self):
        sluiced = self.broker()
        other = self.bystander(sluiced)
        for data in (frame(OPENING) + head(HEAD_MAX + 1),
                     unit(OPENING) + head(0),
                     unit(OPENING) + head(HEAD_MAX + 1)):
            client = self.connect(sluiced).send(data)
            self.assertIn(b"BYE", client.recv_until_closed())
            self.check(other)


class Bodies(AbuseTest):
    def test_refused_bodies_are_never_kept(self):
        """Half of each is sent, so that all are under way at once."""
        size, some = (2 if WITH_TLS else 16) * MIB, 40
        sluiced = self.broker("--max-frame", "16m")
        other = self.bystander(sluiced)
        clients = [self.open(sluiced) for _ in range(some)]
        for client in clients:
            client.send(frame(b"PUB /sys/a rid=1") + head(size))
            self.assertEqual(client.recv_many(2)[0], b"ERR denied rid=1")
            client.send(b"x" * (size // 16))
        self.check(other)
        self.assertLess(sluiced.stats()["memory_peak_bytes"],
                        some * EACH + MIB)
        for client in clients:
            client.send(b"x" * (size - size // 16))
            self.assertEqual(self.ask(client, b"PING z"), b"PONG z")
        self.check(other)
        self.assertLess(sluiced.stats()["memory_peak_bytes"],
                        some * EACH + MIB)

    def test_a_refused_body_that_does_not_come_ends_in_time(self):
        sluiced = self.broker("--frame-timeout", "1s")
        other = self.bystander(sluiced)
        client = self.open(sluiced)
        client.send(frame(b"PUB /a* rid=1") + head(MIB) + b"x")
        self.assertEqual(client.recv_many(2)[0], b"ERR bad-channel rid=1")
        self.assertEqual(client.recv_until_closed()[::2],
                         [b"ERR proto", b"BYE"])
        self.check(other)

    def test_a_body_beyond_max_ends_before_it_comes(self):
        sluiced = self.broker("--max-frame", "64k")
        other = self.bystander(sluiced)
        client = self.open(sluiced)
        client.send(frame(b"PUB /a rid=7") + head(64 * KIB + 1))
        self.assertEqual(client.recv_until_closed()[::2],
                         [b"ERR too-big rid=7", b"BYE"])
        self.check(other)


class Tables(AbuseTest):
    def test_each_table_of_a_connection_has_its_bound(self):
        """P34: subscriptions and requests."""
        sluiced = self.broker()
        other = self.bystander(sluiced)
        client = self.open(sluiced)
        count = 1024
        client.send(b"".join(unit(b"SUB /t/%d%s rid=%d" % (
            i, b"/*" if i % 2 else b"", i)) for i in range(count)))
        for i in range(count):
            self.assertTrue(client.recv_many(2)[0].startswith(
                b"OK rid=%d" % i))
        for name in (b"/more", b"/more/*"):
            self.assertEqual(self.ask(client, b"SUB %s rid=x" % name),
                             b"ERR limit rid=x")
        self.check(other)
        client.send(b"".join(unit(b"REQ /own rid=%d timeout=1h" % i)
                             for i in range(count)))
        for i in range(count):
            self.assertRegex(other.recv_many(2)[0], rb"^MSG /own \d+ .*reply=@")
        self.number += count
        self.assertEqual(self.ask(client, b"REQ /own rid=x"),
                         b"ERR limit rid=x")
        self.check(other)


if __name__ == "__main__":
    main()
