# SPDX-License-Identifier: MIT
"""What clients cost that do nothing: little memory, no processor time, and
nothing at all when they have gone."""
import socket
import unittest

from crowd import descriptor_limit
from wire import KIB, TLS_KIB, WireTest, frame, is_sanitised, main

FEW, MANY, DESCRIPTORS = 5000, 19000, 20000
COST = 700  # bytes of resident memory for each
MORE = 200  # for each subscription more
LEFT = 300  # what may stay of that: the allocator's pages
FLOOR = KIB  # counted when nobody is there: an empty table
OWN = 200  # descriptors that the test itself needs
PER_ADDRESS = 10000  # connections from one address: ports are finite


def unit(text):
    return frame(text) + frame(b"")


class IdleTest(WireTest):
    def setUp(self):
        self.sockets = []
        self.addCleanup(self.close_all)

    def close_all(self):
        while self.sockets:
            self.sockets.pop().close()

    def need_descriptors(self, count):
        if descriptor_limit() < count + OWN:
            self.skipTest(f"the limit on open files is below {count}")

    def idle(self, sluiced, count):
        """Connections that have subscribed to a channel of their own."""
        host, port = sluiced.address.rsplit(":", 1)
        for number in range(len(self.sockets), len(self.sockets) + count):
            sock = socket.socket()
            self.sockets.append(sock)
            sock.bind((f"127.0.0.{2 + number // PER_ADDRESS}", 0))
            sock.connect((host, int(port)))
            sock.sendall(frame(b"/topic/of/client/%d" % number))
        sluiced.wait_stats(subscribers=len(self.sockets))

    def idle_units(self, sluiced, count):
        """The same of version 2, each confirmed."""
        host, port = sluiced.address.rsplit(":", 1)
        for number in range(len(self.sockets), len(self.sockets) + count):
            sock = socket.create_connection((host, int(port)), timeout=60)
            self.sockets.append(sock)
            sock.sendall(unit(b"\0SLUICE/2") +
                         unit(b"SUB /topic/of/client/%d rid=1" % number))
            answer = b""
            while b"OK rid=1 seq=0" not in answer:
                answer += sock.recv(4096)
                self.assertTrue(answer)

    def wake(self, sluiced, every):
        """Some of them get a message each: they are really there."""
        sender = self.publisher(sluiced)
        for number in range(0, len(self.sockets), every):
            sender.publish(b"/topic/of/client/%d" % number, b"wake up")
            self.sockets[number].settimeout(60)
            self.assertEqual(self.sockets[number].recv(64),
                             frame(b"wake up"))
        sender.goodbye().wait_closed()


class Memory(IdleTest):
    def check_cost(self, idle):
        """The first thousand pay for what the process needs once."""
        self.need_descriptors(FEW + 1000)
        sluiced = self.broker()
        idle(sluiced, 1000)
        before = sluiced.rss_kb()
        idle(sluiced, FEW)
        each = (sluiced.rss_kb() - before) * KIB / FEW
        print(f"{each:.0f} bytes each")
        self.assertLess(each, COST)

    @unittest.skipIf(is_sanitised(), "sanitizers multiply resident memory")
    def test_subscribed_connection_costs_less_than_700_bytes(self):
        """With a channel of its own."""
        self.check_cost(self.idle)

    @unittest.skipIf(is_sanitised(), "sanitizers multiply resident memory")
    def test_p40_a_connection_of_version_2_costs_as_little(self):
        """P40: it owns no buffer beyond its subscription."""
        self.check_cost(self.idle_units)

    def test_one_more_subscription_costs_less_than_200_bytes(self):
        """Of a connection of version 2, to channels that exist."""
        sluiced = self.broker()
        count = 1000
        memory = []
        for _ in range(2):
            client = self.connect(sluiced).send(
                unit(b"\0SLUICE/2") + b"".join(
                    unit(b"SUB /topic/%d rid=1" % i) for i in range(count)))
            client.recv_many(2 + 2 * count)
            memory.append(sluiced.stats()["memory_bytes"])
        each = (memory[1] - memory[0]) / count
        print(f"{each:.0f} bytes each")
        self.assertLess(each, MORE)

    def test_what_is_counted_is_what_they_cost(self):
        """Sessions, channels and subscriptions are in memory_bytes."""
        self.need_descriptors(FEW)
        sluiced = self.broker()
        self.idle(sluiced, FEW)
        counted = sluiced.stats()["memory_bytes"]
        self.assertGreater(counted, FEW * 300)
        self.assertLess(counted, FEW * COST)


class Standing(IdleTest):
    def test_19000_stand_on_20000_descriptors(self):
        """All are there, all can be reached; when every other one has
        gone, and then all, their memory is given back."""
        self.need_descriptors(DESCRIPTORS - OWN)
        sluiced = self.broker()
        before, resident = sluiced.fd_count(), sluiced.rss_kb()
        self.idle(sluiced, MANY)
        stats = sluiced.stats()
        self.assertEqual(stats["channels"], MANY)
        self.assertEqual(stats["accept_pauses"], 0)
        print(f"{sluiced.rss_kb()} KiB resident")
        self.assert_memory(sluiced.rss_kb(),
                           MANY * COST // KIB + 8 * KIB + TLS_KIB)
        self.wake(sluiced, 100)
        for sock in self.sockets[::2]:
            sock.close()
        sluiced.wait_stats(connections=MANY // 2, channels=MANY // 2)
        self.close_all()
        sluiced.wait_stats(connections=0, channels=0,
                           memory_bytes=lambda n: n <= FLOOR)
        self.assertEqual(sluiced.fd_count(), before)
        self.assert_falls_below(sluiced, resident + MANY * LEFT // KIB)


class Processor(IdleTest):
    def ticks_while(self, sluiced, wait):
        before = sluiced.cpu_seconds()
        wait()
        return round((sluiced.cpu_seconds() - before) * 100)

    def test_idle_broker_uses_none(self):
        """A thousand are subscribed, and two seconds pass, measured by
        another broker's timeout."""
        sluiced = self.broker()
        self.idle(sluiced, 1000)
        clock = self.broker("--hello-timeout", "2s")
        silent = self.connect(clock)
        self.assertEqual(self.ticks_while(sluiced, silent.wait_closed), 0)

    def test_broker_with_stalled_subscribers_uses_none(self):
        """Waiting for them to read takes no time either."""
        sluiced = self.broker("--patience", "50ms")
        for _ in range(20):
            self.subscriber(sluiced, b"/topic/s", rcvbuf=4096)
        sender = self.publisher(sluiced).flood(b"/topic/s", 30000, KIB)
        sluiced.sync(sender)
        clock = self.broker("--hello-timeout", "2s")
        silent = self.connect(clock)
        self.assertLessEqual(
            self.ticks_while(sluiced, silent.wait_closed), 1)


if __name__ == "__main__":
    main()
