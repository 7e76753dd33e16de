# SPDX-License-Identifier: MIT
"""What the broker has handed over when it speaks TLS: records that the kernel
has whole, as it is bytes that the kernel has without TLS. Each test is played
both ways."""
import pathlib
import select
import shutil
import signal
import socket
import ssl
import time

import certificates
import tls_socket
from client import WITH_TLS
from wire import (DEADLINE, KIB, MIB, Background, Client, WireTest, main,
                  number_of, skip)

if not shutil.which("openssl"):
    skip("no openssl")

QUEUE, TOPIC = b"/queue/work", b"/topic/news"
OPTIONS = certificates.server_options()
MESSAGES, SIZE = 6000, KIB
WAYS = (True,) if WITH_TLS else (False, True)


def port_of(address):
    return b"%04X" % address[1]


class OutputTest(WireTest):
    def start(self, *args):
        return self.broker(*OPTIONS, *args)

    def reader(self, broker, has_tls, channel, kind=Client):
        """A subscriber that takes little before it reads."""
        client = kind(broker.address, rcvbuf=4096)
        self.addCleanup(client.close)
        if has_tls and not WITH_TLS:
            client.sock = tls_socket.wrap(client.sock)
        client.raw = client.sock.sock if has_tls else client.sock
        client.subscribe(channel)
        broker.sync(client)
        return client

    def is_under_way(self, client):
        """Whether a kernel has something for the client, or something that
        the client's kernel has not confirmed."""
        ours = port_of(client.raw.getsockname())
        theirs = port_of(client.raw.getpeername())
        wanted = {(theirs, ours), (ours, theirs)}
        for row in pathlib.Path("/proc/net/tcp").read_bytes().splitlines():
            words = row.split()
            ends = tuple(word.rpartition(b":")[2] for word in words[1:3])
            waiting = words[4].split(b":")
            place = 0 if ends == (theirs, ours) else 1
            if ends in wanted and int(waiting[place], 16) > 0:
                return True
        return False

    def take(self, client):
        """What can be read of one segment, decoded."""
        data = client.raw.recv(1 << 18)
        if client.raw is client.sock:
            return client._decoder.feed(data)
        client.sock._in.write(data)
        got = []
        try:
            while True:
                got += client._decoder.feed(client.sock.tls.read(1 << 18))
        except ssl.SSLWantReadError:
            return got

    def take_from_kernel(self, broker, client):
        """All that the kernel has for the client, while the broker sleeps and
        gives it nothing more."""
        got, until = [], time.monotonic() + DEADLINE
        self.addCleanup(broker.signal, signal.SIGCONT)
        broker.signal(signal.SIGSTOP)
        client.raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4 * MIB)
        while self.is_under_way(client):
            self.assertLess(time.monotonic(), until, "the kernel is not empty")
            if select.select([client.raw], [], [], 0.05)[0]:
                got += self.take(client)
        return got

    def numbers_of_stalled(self, broker, reader, channel):
        """Floods it; what has come to it whole, before it leaves."""
        sender = self.publisher(broker)
        sender.flood(channel, MESSAGES, SIZE)
        broker.sync(sender)
        got = self.take_from_kernel(broker, reader)
        reader.reset()
        broker.signal(signal.SIGCONT)
        return [number_of(message) for message in got]


class Queues(OutputTest):
    def play(self, has_tls, options=()):
        broker = self.start(*options)
        first = self.reader(broker, has_tls, QUEUE)
        got = self.numbers_of_stalled(broker, first, QUEUE)
        self.assertEqual(got, list(range(len(got))))
        second = self.subscriber(broker, QUEUE)
        rest = second.recv_numbers(MESSAGES - len(got))
        self.assertEqual(rest, list(range(len(got), MESSAGES)))


    def test_what_a_dead_consumer_has_not_got_whole_goes_to_the_next(self):
        """In order, nothing lost and nothing twice."""
        for has_tls in WAYS:
            with self.subTest(has_tls=has_tls):
                self.play(has_tls)

    def test_whatever_is_handed_out_in_advance(self):
        """More than one write seals."""
        for has_tls in WAYS:
            with self.subTest(has_tls=has_tls):
                self.play(has_tls, ("--prefetch", "2m"))


class Topics(OutputTest):
    def test_a_policy_drops_no_part_of_what_is_begun(self):
        """A reader with TLS that stalls and reads on finds whole messages, in
        order, up to the last."""
        for policy, counter in (("drop-oldest", "dropped_oldest"),
                                ("drop-newest", "dropped_newest"),
                                ("wait", "dropped_slow")):
            for has_tls in WAYS:
                with self.subTest(policy=policy, has_tls=has_tls):
                    self.stall_and_read(policy, counter, has_tls)

    def stall_and_read(self, policy, counter, has_tls):
        broker = self.start("--channel", f"/topic/* policy={policy} "
                            "client-limit=64k patience=100ms")
        reader = self.reader(broker, has_tls, TOPIC)
        sender = self.publisher(broker)
        flooding = Background(sender.flood, TOPIC, MESSAGES, SIZE)
        broker.wait_stats(**{counter: lambda missed: missed > 500})
        flooding.join()
        reading = Background(self.read_to, reader, MESSAGES)
        broker.wait_for_log("event=slow_consumer_recovered")
        sender.flood(TOPIC, 1, SIZE, MESSAGES)
        numbers = reading.join()
        self.assertEqual(numbers, sorted(set(numbers)))

    def read_to(self, reader, last):
        numbers = [number_of(reader.recv())]
        while numbers[-1] != last:
            message = reader.recv()
            self.assertEqual(len(message), SIZE)
            numbers.append(number_of(message))
        return numbers


if __name__ == "__main__":
    main()
