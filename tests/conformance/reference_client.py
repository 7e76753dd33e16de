#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The shortest client of version 2 that passes the suite.

It uses no library, so that the suite does not share the mistakes of one.
README.md explains its orders and events.
"""
import asyncio
import itertools
import os
import random
import re
import sys

from units import Head, frame, spell, spell_channel

QUEUE, SYS = b"/queue", b"/sys"


def octets(text):
    return re.sub(rb"%(..)", lambda found: bytes.fromhex(found[1].decode()),
                  text.encode())


def world(name):
    if name.startswith(QUEUE):
        return QUEUE
    return SYS if (name + b"/").startswith(SYS + b"/") else b""


def matches(pattern, channel):
    """Both as written in heads."""
    name, segments = octets(channel), pattern.split("/")
    if world(octets(pattern)) != world(name):
        return False
    parts = name.split(b"/")
    if segments[-1] == "**":
        segments.pop()
        parts = parts[:len(segments)]
    return len(segments) == len(parts) and all(
        segment == "*" or octets(segment) == part
        for segment, part in zip(segments, parts))


def is_wild(pattern):
    return "*" in pattern


class Call:
    """A unit whose answer is awaited, and what to do with it."""

    def __init__(self, tag, done=None):
        self.tag, self.done = tag, done


class Subscription:
    def __init__(self, options):
        self.options, self.last = options, {}


class Client:
    def __init__(self):
        self.ids, self.calls, self.subscriptions = itertools.count(1), {}, {}
        self.held, self.replies, self.run, self.max = {}, {}, None, 0
        self.writer, self.is_closing = None, False
        self.ended = asyncio.Event()

    def say(self, line):
        print(line, flush=True)

    # what goes out

    def write(self, head, body=b""):
        self.writer.write(frame(head.encode("latin-1")) + frame(body))

    def call(self, words, body=b"", tag=None, done=None):
        """With a rid if the answer is wanted."""
        if tag is not None or done:
            rid = str(next(self.ids))
            self.calls[rid] = Call(tag, done)
            words = [*words, f"rid={rid}"]
        self.write(" ".join(words), body)

    def publish(self, channel, words, body, tag):
        """At once, or when the broker says GO."""
        if channel in self.held:
            self.held[channel].append((words, body, tag))
        else:
            self.call(["PUB", spell_channel(channel), *words], body, tag)

    # what comes in

    async def serve(self, reader):
        async def read():
            length = int.from_bytes(await reader.readexactly(4), "big")
            return await reader.readexactly(length)
        while True:
            head, body = Head((await read()).decode("ascii")), await read()
            if head.verb == "BYE":
                return
            handle = getattr(self, "on_" + head.verb.lower(), None)
            if handle:
                handle(head, body)

    def on_info(self, head, _):
        options = head.options
        self.max = int(options["max"])
        if "drain" in options:
            self.say("drain drain=" + options["drain"])
        if self.is_open:
            return
        self.is_open, is_same = True, self.run == options["run"]
        self.run = options["run"]
        self.say("open run=" + self.run)
        for pattern, subscription in self.subscriptions.items():
            self.subscribe(pattern, subscription, None, is_same)

    def on_ok(self, head, body):
        call = self.calls.pop(head.options.pop("rid", None), None)
        if not call:
            return
        if call.done:
            call.done(head)
        if call.tag is not None:
            words = [f"{k}={v}" for k, v in head.options.items()]
            self.say(" ".join(["ok", f"tag={call.tag}", *words]))

    def on_rep(self, head, body):
        call = self.calls.pop(head.options["rid"], None)
        if call:
            self.say(" ".join(["rep", f"tag={call.tag}",
                               *self.tail(head, body)]))

    def on_err(self, head, body):
        code = head.arguments[0]
        call = self.calls.pop(head.options.get("rid"), None)
        if call and call.done:
            call.done(None)
        tag = call and call.tag
        self.say(f"err {code}" + (f" tag={tag}" if tag is not None else ""))

    def on_ping(self, head, _):
        self.write(" ".join(["PONG", *head.arguments]))

    def on_hold(self, head, _):
        self.held[octets(head.arguments[0])] = []
        self.say("hold " + head.arguments[0])

    def on_go(self, head, _):
        self.say("go " + head.arguments[0])
        channel = octets(head.arguments[0])
        for words, body, tag in self.held.pop(channel, []):
            self.publish(channel, words, body, tag)

    def tail(self, head, body):
        """Headers, the first of each name, and the body."""
        first = dict(reversed(head.headers))
        names = dict(head.headers)
        return [*(f"{name}={first[name]}" for name in names),
                f"body={spell(body)}"]

    def readers(self, channel):
        return [(pattern, s) for pattern, s in self.subscriptions.items()
                if matches(pattern, channel)]

    def follow(self, channel, head, first, last):
        """Checks that the numbers of a topic continue, or start again."""
        wrong = False
        for _, subscription in self.readers(channel):
            before = subscription.last.get(octets(channel))
            is_next = before is None or first == before + 1 or (
                "new" in head.options and first > before)
            wrong |= not is_next
            subscription.last[octets(channel)] = last
        if wrong and world(octets(channel)) != QUEUE:
            self.say("wrong " + channel)

    def on_msg(self, head, body):
        channel, seq = head.arguments[:2]
        self.follow(channel, head, int(seq), int(seq))
        if "reply" in head.options:
            self.replies[channel, seq] = head.options["reply"]
            head.options["reply"] = "yes"
        words = [f"{k}={head.options[k]}" for k in ("new", "try", "reply")
                 if k in head.options]
        for pattern, _ in self.readers(channel):
            self.say(" ".join(["msg", pattern, channel, seq, *words,
                               *self.tail(head, body)]))

    def on_gap(self, head, _):
        channel, first, last = head.arguments[:3]
        self.follow(channel, head, int(first), int(last))
        for pattern, _ in self.readers(channel):
            words = [f"{k}={head.options[k]}" for k in ("new", "why")
                     if k in head.options]
            self.say(" ".join(["gap", pattern, channel, first, last, *words]))

    # orders

    def subscribe(self, pattern, subscription, tag, is_again=None):
        """is_again: the run is the one of before, or not; None: the first."""
        def done(answer):
            if answer is None:
                self.subscriptions.pop(pattern, None)
                return
            seq = int(answer.options.get("seq", 0))
            if is_wild(pattern) or world(octets(pattern)) == QUEUE:
                subscription.last.clear()
                return
            before = subscription.last.get(octets(pattern))
            if is_again is False:
                self.say(f"missed {pattern}")
            elif is_again and before is not None and seq > before:
                self.say(f"missed {pattern} {seq - before}")
            subscription.last[octets(pattern)] = seq
        words = [f"{k}={v}" for k, v in subscription.options.items()]
        self.subscriptions.setdefault(pattern, subscription)
        self.call(["SUB", pattern, *words], b"", tag, done)

    def do_sub(self, order, tag):
        self.subscribe(order.arguments[0], Subscription(order.options), tag)

    def do_unsub(self, order, tag):
        self.subscriptions.pop(order.arguments[0], None)
        self.call(["UNSUB", order.arguments[0]], b"", tag)

    def do_credit(self, order, tag):
        pattern, number = order.arguments
        self.subscriptions[pattern].options["credit"] = number
        self.call(["CREDIT", pattern, number], b"", tag)

    def body_of(self, order):
        if "size" in order.options:
            return b"x" * int(order.options.pop("size"))
        return octets(order.options.pop("body", ""))

    def words_of(self, order):
        pairs = [*order.options.items(), *order.headers]
        return [f"{name}={spell(octets(value))}" for name, value in pairs]

    def do_pub(self, order, tag):
        body = self.body_of(order)
        if len(body) > self.max:
            self.say(f"err too-big tag={tag}")
            return
        self.publish(octets(order.arguments[0]), self.words_of(order), body,
                     tag)

    def do_req(self, order, tag):
        body = self.body_of(order)
        self.call(["REQ", *order.arguments, *self.words_of(order)], body, tag)

    def do_reply(self, order, tag):
        body, address = self.body_of(order), self.replies[
            tuple(order.arguments)]
        self.call(["PUB", address, *self.words_of(order)], body, tag)

    def do_nak(self, order, tag):
        body = self.body_of(order)
        self.call(["NAK", *order.arguments, *self.words_of(order)], body, tag)

    def do_ack(self, order, tag):
        self.call(["ACK", *order.arguments], b"", tag)

    def do_touch(self, order, tag):
        self.call(["TOUCH", *order.arguments], b"", tag)

    def do_echo(self, order, _):
        self.say("echo " + " ".join(order.arguments))

    async def obey(self):
        loop = asyncio.get_running_loop()
        while line := await loop.run_in_executor(None, sys.stdin.readline):
            order = Head(line.rstrip("\n"))
            tag = order.options.pop("tag", None)
            getattr(self, "do_" + order.verb)(order, tag)
        self.is_closing = True
        self.call(["BYE"], tag=None, done=lambda _: None)
        await self.ended.wait()

    # the connection

    def lose(self, why):
        """What was not answered is unknown after a break, after BYE not
        done."""
        self.say(f"lost why={why}")
        code = {"bye": "not-done", "broken": "unknown"}[why]
        for call in self.calls.values():
            if call.tag is not None:
                self.say(f"err {code} tag={call.tag}")
        self.calls.clear()
        self.held.clear()
        self.replies.clear()

    async def connect(self):
        """One connection, from its opening to its end. Whether it was let
        in."""
        host, port = os.environ["SLUICE_SERVER"].rsplit(":", 1)
        self.is_open, why = False, "bye"
        try:
            reader, self.writer = await asyncio.open_connection(host, port)
            self.write("\0SLUICE/2 name=reference")
            await self.serve(reader)
        except (OSError, EOFError):
            why = "broken"
        if self.writer:
            self.writer.close()
        if self.is_open and not self.is_closing:
            self.lose(why)
        return self.is_open

    async def stay(self):
        pause = 0.02
        while not self.is_closing:
            was_open = await self.connect()
            pause = 0.02 if was_open else min(pause * 2, 1)
            if not self.is_closing:
                await asyncio.sleep(pause * (0.75 + random.random() / 2))
        self.ended.set()


async def main():
    client = Client()
    stay = asyncio.create_task(client.stay())
    await client.obey()
    await stay


if __name__ == "__main__":
    asyncio.run(main())
