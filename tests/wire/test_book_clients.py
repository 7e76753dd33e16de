# SPDX-License-Identifier: MIT
"""Programs written for the book work unchanged: asyncio streams, a length
in four big-endian bytes, first frame the channel, then pairs of channel and
message, senders that begin with /null."""
import asyncio
import itertools

from wire import WireTest, main

LENGTH_BYTES = 4


async def read_frame(reader):
    size = int.from_bytes(await reader.readexactly(LENGTH_BYTES), "big")
    return await reader.readexactly(size)


async def write_frame(writer, data):
    writer.write(len(data).to_bytes(LENGTH_BYTES, "big"))
    writer.write(data)
    await writer.drain()


async def connect(broker):
    host, port = broker.address.rsplit(":", 1)
    return await asyncio.open_connection(host, int(port))


async def leave(writer):
    writer.close()
    await writer.wait_closed()


async def listen(broker, channel, count, joined=None):
    """A listener: says what it wants, then reads frames."""
    reader, writer = await connect(broker)
    await write_frame(writer, channel)
    if joined:  # hears itself: the broker has taken note of it
        await write_frame(writer, channel)
        await write_frame(writer, b"joined")
        while await read_frame(reader) != b"joined":
            pass
        joined.set()
    got = []
    while len(got) < count:
        message = await read_frame(reader)
        if message != b"joined":
            got.append(message)
    await leave(writer)
    return got


async def work(broker, channel, taken, count, enough):
    """One of several workers that together take `count` messages."""
    reader, writer = await connect(broker)
    try:
        await write_frame(writer, channel)
        while True:
            taken.append(await read_frame(reader))
            if len(taken) == count:
                enough.set()
    finally:
        writer.close()


async def send(broker, channel, count, first=b"/null", size=0):
    """A sender: subscribes to nothing, then pairs, each by itself."""
    _, writer = await connect(broker)
    await write_frame(writer, first)
    for number in itertools.islice(itertools.count(), count):
        body = b"X" * size or b"Msg %d from sender" % number
        await write_frame(writer, channel)
        await write_frame(writer, body)
    await leave(writer)


class BookClients(WireTest):
    def setUp(self):
        self.sluiced = self.broker()

    def run_pair(self, channel, count, **kwargs):
        async def both():
            joined = asyncio.Event()
            listening = asyncio.create_task(
                listen(self.sluiced, channel, count, joined))
            await asyncio.wait_for(joined.wait(), 60)
            await send(self.sluiced, channel, count, **kwargs)
            return await asyncio.wait_for(listening, 60)
        return asyncio.run(both())

    def test_listener_and_sender_on_a_topic(self):
        """The book's first example."""
        got = self.run_pair(b"/topic/foo", 500)
        self.assertEqual(got, [b"Msg %d from sender" % n
                               for n in range(500)])

    def test_listener_and_sender_on_a_queue(self):
        """The same on a queue."""
        got = self.run_pair(b"/queue/blah", 500)
        self.assertEqual(got, [b"Msg %d from sender" % n
                               for n in range(500)])

    def test_sender_of_large_messages(self):
        """Its --size option: bytes of X."""
        got = self.run_pair(b"/topic/foo", 50, size=100_000)
        self.assertEqual(got, [b"X" * 100_000] * 50)

    def test_sender_that_listens_to_a_topic_of_its_own(self):
        """Any first frame will do."""
        got = self.run_pair(b"/topic/foo", 10, first=b"/topic/other")
        self.assertEqual(len(got), 10)

    def test_book_sender_to_raw_listener(self):
        """One direction."""
        listener = self.subscriber(self.sluiced, b"/topic/foo")
        asyncio.run(send(self.sluiced, b"/topic/foo", 20))
        self.assertEqual(listener.recv_many(20),
                         [b"Msg %d from sender" % n for n in range(20)])

    def test_raw_sender_to_book_listener(self):
        """The other one."""
        self.publisher(self.sluiced).publish(
            b"/queue/foo", *[b"%d" % n for n in range(20)])
        got = asyncio.run(listen(self.sluiced, b"/queue/foo", 20))
        self.assertEqual(got, [b"%d" % n for n in range(20)])

    def test_two_listeners_and_three_workers(self):
        """A topic and a queue at the same time, a sender each."""
        async def scene():
            joined = [asyncio.Event(), asyncio.Event()]
            listening = [asyncio.create_task(
                listen(self.sluiced, b"/topic/t", 60, event))
                for event in joined]
            taken, enough = [], asyncio.Event()
            workers = [asyncio.create_task(
                work(self.sluiced, b"/queue/q", taken, 60, enough))
                for _ in range(3)]
            for event in joined:
                await asyncio.wait_for(event.wait(), 60)
            await asyncio.gather(send(self.sluiced, b"/topic/t", 60),
                                 send(self.sluiced, b"/queue/q", 60))
            await asyncio.wait_for(enough.wait(), 60)
            for worker in workers:
                worker.cancel()
            return await asyncio.gather(*listening), taken
        (first, second), taken = asyncio.run(scene())
        expected = [b"Msg %d from sender" % n for n in range(60)]
        self.assertEqual(first, expected)
        self.assertEqual(second, expected)
        self.assertEqual(sorted(taken), sorted(expected))


if __name__ == "__main__":
    main()
