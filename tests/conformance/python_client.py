#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The program of the suite on top of the Python library; see README.md."""
import asyncio
import os
import sys
from pathlib import Path

from units import Head, spell, spell_channel

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "client/python"))

import sluice  # noqa: E402  it lies where the line above says


def octets(text):
    return text.encode("utf-8", "surrogateescape")


def say(*words):
    print(*words, flush=True)


def channel_of(name):
    return spell_channel(octets(name))


def tail(item):
    headers = [f"{name}={spell(octets(value))}"
               for name, value in item.headers.items()]
    return [*headers, f"body={spell(item.body)}"]


EVENTS = {
    sluice.Connected: lambda e: ["open", f"run={e.info['run']}"],
    sluice.Disconnected: lambda e: [
        "lost", "why=bye" if e.is_orderly else "why=broken"],
    sluice.Draining: lambda e: ["drain"],
    sluice.Held: lambda e: ["hold", channel_of(e.channel)],
    sluice.Released: lambda e: ["go", channel_of(e.channel)],
    sluice.NumbersBroken: lambda e: ["wrong", channel_of(e.channel)],
    sluice.Failure: lambda e: ["err", e.error.code],
}


def code_of(error):
    if isinstance(error, sluice.Refused):
        return error.code
    return {sluice.NotExecuted: "not-done",
            sluice.OutcomeUnknown: "unknown",
            sluice.Untrusted: "untrusted"}[type(error)]


def login():
    """Who the program is, from the test."""
    return {name: os.environ.get(f"SUITE_{name.upper()}", "")
            for name in ("user", "mech", "secret")}


class Program:
    def __init__(self):
        self.broker, self.subscriptions, self.tasks = None, {}, set()
        self.messages = {}      # the last ones, for ack and reply

    def start(self, coroutine):
        task = asyncio.ensure_future(coroutine)
        self.tasks.add(task)
        task.add_done_callback(self.tasks.discard)

    async def settle(self, tag, call):
        """Prints how a call ends."""
        try:
            result = await call
        except (sluice.Refused, sluice.Closed) as error:
            if tag:
                say("err", code_of(error), f"tag={tag}")
            return
        if isinstance(result, sluice.Reply):
            say("rep", f"tag={tag}", *tail(result))
        elif tag:
            say("ok", f"tag={tag}", *self.receipt(result))

    @staticmethod
    def receipt(result):
        if not isinstance(result, sluice.Receipt):
            return []
        last = ([f"held={result.waiting}"] if result.waiting
                else [f"drop={result.dropped}"])
        return [f"seq={result.seq}", f"subs={result.subscribers}", *last,
                *(["sync=1"] if result.on_disk else [])]

    # what comes

    def show(self, pattern, item):
        channel = channel_of(item.channel)
        if isinstance(item, sluice.Message):
            self.messages[channel, str(item.seq)] = item
            words = [word for word, is_so in (
                ("new=1", item.is_new), (f"try={item.tries}", item.tries > 1),
                ("reply=yes", item.wants_reply)) if is_so]
            say("msg", pattern, channel, item.seq, *words, *tail(item))
        elif isinstance(item, sluice.Gap):
            say("gap", pattern, channel, item.first, item.last,
                *(["new=1"] if item.is_new else []), f"why={item.why}")
        else:
            say("missed", pattern,
                *([] if item.count is None else [item.count]))

    async def read(self, pattern, subscription):
        try:
            async for item in subscription:
                self.show(pattern, item)
        except sluice.SluiceError:
            pass    # the event has said so

    # orders

    async def sub(self, order, tag):
        pattern, options = order.arguments[0], order.options
        settings = {}
        if pattern.startswith("/queue"):
            settings["ack"] = options.get("ack") == "yes"
            if "credit" in options:
                settings["credit"] = int(options["credit"])
        if "wait" in options:
            settings["wait"] = int(options["wait"].rstrip("s"))
        try:
            subscription = await self.broker.subscribe(pattern, gaps=True,
                                                       **settings)
        except sluice.Refused as error:
            say("err", error.code, f"tag={tag}")
            return
        self.subscriptions[pattern] = subscription
        say("ok", f"tag={tag}", *([f"seq={subscription.seq}"]
                                  if subscription.seq is not None else []))
        self.start(self.read(pattern, subscription))

    async def unsub(self, order, tag):
        subscription = self.subscriptions.pop(order.arguments[0])
        await subscription.close()
        say("ok", f"tag={tag}", *([f"seq={subscription.seq}"]
                                  if subscription.seq is not None else []))

    async def credit(self, order, tag):
        pattern, number = order.arguments
        await self.settle(tag, self.subscriptions[pattern].credit(int(number)))

    @staticmethod
    def body_of(order):
        if "size" in order.options:
            return b"x" * int(order.options["size"])
        return sluice._unspell(order.options.get("body", ""))

    @staticmethod
    def headers_of(order):
        return {name: sluice._unspell(value) for name, value in order.headers}

    async def pub(self, order, tag):
        await self.settle(tag, self.broker.publish(
            sluice._unspell(order.arguments[0]), self.body_of(order),
            self.headers_of(order), confirm="sync" if "sync" in order.options
            else tag is not None))

    async def req(self, order, tag):
        timeout = int(order.options.get("timeout", "5s").rstrip("s"))
        await self.settle(tag, self.broker.request(
            sluice._unspell(order.arguments[0]), self.body_of(order),
            self.headers_of(order), timeout=timeout))

    def message(self, order):
        return self.messages[tuple(order.arguments)]

    async def reply(self, order, tag):
        await self.settle(tag, self.message(order).reply(
            self.body_of(order), self.headers_of(order),
            confirm=tag is not None))

    async def ack(self, order, tag):
        await self.settle(tag, self.message(order).ack(
            confirm=tag is not None))

    async def touch(self, order, tag):
        await self.settle(tag, self.message(order).touch(
            confirm=tag is not None))

    async def nak(self, order, tag):
        await self.settle(tag, self.message(order).nak(
            int(order.options.get("delay", "1s").rstrip("s")),
            self.body_of(order).decode(), confirm=tag is not None))

    async def echo(self, order, _):
        """Behind what has happened: what has come is printed by others."""
        while any(s.waiting for s in self.subscriptions.values()):
            await asyncio.sleep(0)
        for _ in range(10):
            await asyncio.sleep(0)
        say("echo", *order.arguments)

    async def obey(self):
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            order = Head(line.rstrip("\n"))
            tag = order.options.pop("tag", None)
            self.start(getattr(self, order.verb)(order, tag))

    async def run(self):
        def on_event(event):
            say(*EVENTS[type(event)](event))
        try:
            self.broker = await sluice.connect(
                name="suite", patient=True, on_event=on_event, **login())
        except sluice.Refused as error:
            say("err", error.code)
            return
        await self.obey()
        await self.broker.close()


if __name__ == "__main__":
    asyncio.run(Program().run())
