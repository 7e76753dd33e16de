#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""book_broker.py PORT - a broker as a book on asyncio teaches to write one, to
measure what a tiny amount of Python does beside a tiny amount of C.

It speaks the same protocol and has what the book's second version adds to its
first: a task and a bounded queue for every client, so that a slow one does not
delay the others at once, and a task and a bounded queue for every channel, so
that publishers are blocked before memory runs out. Names that begin with
/queue are served in turns. What it lacks is what sluice is for.
"""
import asyncio
import collections
import contextlib
import sys

CLIENT_MESSAGES = 200
CHANNEL_MESSAGES = 200

subscribers = collections.defaultdict(collections.deque)
channels = {}


async def read_frame(reader):
    length = int.from_bytes(await reader.readexactly(4), "big")
    return await reader.readexactly(length)


async def serve_client(writer, messages):
    """Writes what is put into a client's queue."""
    with contextlib.suppress(ConnectionError):
        while True:
            message = await messages.get()
            writer.write(len(message).to_bytes(4, "big"))
            writer.write(message)
            await writer.drain()


async def serve_channel(name, messages):
    """Hands a channel's messages to its subscribers: all, or one in turn."""
    while True:
        message = await messages.get()
        listeners = subscribers[name]
        if not listeners:
            continue
        if name.startswith(b"/queue"):
            listeners.rotate()
            await listeners[0].put(message)
        else:
            for listener in list(listeners):
                await listener.put(message)


async def publish(tasks, name, message):
    if name not in channels:
        channels[name] = asyncio.Queue(CHANNEL_MESSAGES)
        tasks.add(asyncio.create_task(serve_channel(name, channels[name])))
    await channels[name].put(message)


async def on_client(tasks, reader, writer):
    messages = asyncio.Queue(CLIENT_MESSAGES)
    sender = asyncio.create_task(serve_client(writer, messages))
    subscribed = None
    try:
        subscribed = await read_frame(reader)
        if subscribed != b"/null":
            subscribers[subscribed].append(messages)
        while name := await read_frame(reader):
            await publish(tasks, name, await read_frame(reader))
    except (asyncio.IncompleteReadError, ConnectionError):
        pass
    finally:
        sender.cancel()
        if messages in subscribers[subscribed]:
            subscribers[subscribed].remove(messages)
        writer.close()


async def main(port):
    tasks = set()  # the loop itself keeps only weak references
    server = await asyncio.start_server(
        lambda reader, writer: on_client(tasks, reader, writer),
        "127.0.0.1", port)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1])))
