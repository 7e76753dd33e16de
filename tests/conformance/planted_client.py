#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The reference client with one mistake: planted_client.py MISTAKE"""
import asyncio
import sys

import reference_client
from reference_client import Client
from units import Head

PLANTS = {}


def plant(function):
    PLANTS[function.__name__] = function
    return function


@plant
def answers_no_ping():
    Client.on_ping = lambda self, head, body: None


@plant
def answers_ping_without_its_token():
    Client.on_ping = lambda self, head, body: self.write("PONG")


@plant
def answers_ping_with_a_rid():
    Client.on_ping = lambda self, head, body: self.write(
        " ".join(["PONG", *head.arguments, "rid=7"]))


@plant
def pastes_values():
    reference_client.spell = lambda octets, special=b"": octets.decode(
        "latin-1")


@plant
def spells_nothing_of_a_channel():
    reference_client.spell_channel = lambda name: name.decode("latin-1")


@plant
def has_no_fences():
    reference_client.world = lambda name: (
        b"/queue" if name == b"/queue/jobs" else b"")


@plant
def dispatches_to_one_only():
    plain = Client.readers
    Client.readers = lambda self, channel: plain(self, channel)[:1]


@plant
def dispatches_by_equality():
    reference_client.matches = lambda pattern, channel: pattern == channel


@plant
def keeps_the_last_header():
    plain = Client.tail

    def tail(self, head, body):
        head.headers.reverse()
        return plain(self, head, body)
    Client.tail = tail


@plant
def uses_a_rid_twice():
    plain = Client.__init__

    def init(self):
        plain(self)
        self.ids = iter("11111111111111")
    Client.__init__ = init


@plant
def publishes_though_held_back():
    Client.on_hold = lambda self, head, body: self.say(
        "hold " + head.arguments[0])


@plant
def holds_back_everything():
    plain = Client.publish

    def publish(self, channel, words, body, tag):
        plain(self, next(iter(self.held), channel), words, body, tag)
    Client.publish = publish


@plant
def lets_go_in_another_order():
    plain = Client.on_go

    def on_go(self, head, body):
        for held in self.held.values():
            held.reverse()
        plain(self, head, body)
    Client.on_go = on_go


@plant
def subscribes_once_in_its_life():
    plain = Client.on_info

    def on_info(self, head, body):
        self.subscriptions.clear()
        plain(self, head, body)
    Client.on_info = on_info


@plant
def forgets_its_credit():
    Client.do_credit = lambda self, order, tag: self.call(
        ["CREDIT", *order.arguments], b"", tag)


@plant
def takes_bye_for_a_break():
    plain = Client.lose
    Client.lose = lambda self, why: plain(self, "broken")


@plant
def stays_away():
    async def stay(self):
        await self.connect()
        await asyncio.sleep(1000)
    Client.stay = stay


@plant
def comes_again_at_once():
    sleep = asyncio.sleep
    reference_client.asyncio.sleep = lambda pause: sleep(max(0, 1 - 4 * pause))


@plant
def notices_no_loss():
    Client.follow = lambda self, channel, head, first, last: None


@plant
def trusts_another_run():
    plain = Client.subscribe
    Client.subscribe = (lambda self, pattern, subscription, tag, again=None:
                        plain(self, pattern, subscription, tag,
                              again is not None or None))


@plant
def sends_what_is_too_big():
    plain = Client.on_info

    def on_info(self, head, body):
        plain(self, head, body)
        self.max = 1 << 40
    Client.on_info = on_info


@plant
def minds_unknown_verbs():
    plain = Client.serve

    async def serve(self, reader):
        self.on_tell = lambda head, body: sys.exit(1)
        await plain(self, reader)
    Client.serve = serve


@plant
def writes_before_it_reads():
    plain = Client.write

    def write(self, head, body=b""):
        plain(self, head, body)
        if len(body) > 1000000:
            sock = self.writer.get_extra_info("socket")._sock
            sock.setblocking(True)
            while self.writer.transport.get_write_buffer_size() > 0:
                sock.sendall(b"x" * 100000)
    Client.write = write


@plant
def leaves_without_a_word():
    async def obey(self):
        while await asyncio.get_running_loop().run_in_executor(
                None, sys.stdin.readline):
            pass
        sys.exit(0)
    Client.obey = obey


@plant
def keeps_what_it_gave_up():
    def do_unsub(self, order, tag):
        self.call(["UNSUB", order.arguments[0]], b"", tag)
    Client.do_unsub = do_unsub


@plant
def takes_fragments():
    plain = Client.lose

    def lose(self, why):
        self.on_msg(Head("MSG /t 1"), b"he")
        plain(self, why)
    Client.lose = lose


if __name__ == "__main__":
    PLANTS[sys.argv[1]]()
    asyncio.run(reference_client.main())
