# SPDX-License-Identifier: MIT
"""The Python library passes the suite, works with sluiced, and keeps its other
promises, for which the test is its broker."""
import asyncio
import contextlib
import os
import re
import subprocess
import sys
import tempfile
import traceback
import unittest
from pathlib import Path
from unittest import mock

from units import Head, frame, unit

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(ROOT / "client/python")]

import languages  # noqa: E402
import logins  # noqa: E402
import sluice  # noqa: E402  it lies where the line above says
from runner import main  # noqa: E402  languages has found it

INFO = ("INFO suite/1 v=2 conn=1 run=a max=1000000 hold=262144 subs=1024"
        " reqs=1024 ping=30s feat=core")
DEADLINE_S = 60


class Peer:
    """One connection, as the broker sees it."""

    def __init__(self, reader, writer):
        self.reader, self.writer = reader, writer

    async def frame(self):
        length = int.from_bytes(await self.reader.readexactly(4), "big")
        return await self.reader.readexactly(length)

    async def unit(self):
        head = (await self.frame()).decode("latin-1")
        return head, await self.frame()

    def send(self, head, body=b""):
        self.writer.write(unit(head, body))

    async def open(self, info=INFO):
        await self.unit()
        self.send(info)
        return self

    async def expect(self, wanted):
        """Checks the next unit, without its rid; returns its rid and body."""
        head, body = await self.unit()
        rid = Head(head).options.get("rid")
        assert head.replace(f" rid={rid}", "") == wanted, (head, wanted)
        return rid, body

    async def answer(self, wanted, extra=""):
        rid, body = await self.expect(wanted)
        self.send(f"OK rid={rid}{extra}")
        return body

    async def take_goodbye(self):
        rid, _ = await self.expect("BYE")
        self.send(f"OK rid={rid}")
        self.send("BYE")

    def close(self):
        self.writer.close()


class Case(unittest.IsolatedAsyncioTestCase):
    async def asyncSetUp(self):
        self.peers, self.events = asyncio.Queue(), []
        self.server = await asyncio.start_server(self.on_peer, "127.0.0.1", 0)
        self.address = "%s:%d" % self.server.sockets[0].getsockname()
        self.all_peers, self.clients, self.tasks = [], [], []

    async def asyncTearDown(self):
        for task in self.tasks:
            task.cancel()
        for peer in self.all_peers:
            peer.close()
        self.server.close()
        for client in self.clients:
            await client.close(timeout=0.1)

    async def on_peer(self, reader, writer):
        peer = Peer(reader, writer)
        self.all_peers.append(peer)
        self.peers.put_nowait(peer)

    def within(self, awaitable):
        return asyncio.wait_for(awaitable, DEADLINE_S)

    def soon(self, awaitable):
        """Runs concurrently with the test."""
        task = asyncio.ensure_future(awaitable)
        self.tasks.append(task)
        return task

    async def connect(self, info=INFO, **settings):
        """A client and its connection as the broker sees it."""
        client = self.soon(sluice.connect(
            self.address, on_event=self.events.append, **settings)._start())
        peer = await (await self.within(self.peers.get())).open(info)
        self.clients.append(await self.within(client))
        return self.clients[-1], peer

    async def subscribe(self, client, peer, pattern, sub, extra="",
                        **settings):
        task = self.soon(client.subscribe(pattern, **settings)._start())
        await self.within(peer.answer(sub, extra))
        return await self.within(task)


class Library(languages.Library):
    language = "python"


class Work(Case):
    async def test_a_message_is_acknowledged_when_the_next_is_asked_for(self):
        client, peer = await self.connect()
        jobs = await self.subscribe(client, peer, "/queue/jobs",
                                    "SUB /queue/jobs ack=yes credit=1")
        peer.send("MSG /queue/jobs 1", b"a")
        first = await self.within(jobs.__anext__())
        self.assertEqual(first.body, b"a")
        self.soon(jobs.__anext__())
        await self.within(peer.expect("ACK /queue/jobs 1"))

    async def test_a_message_is_not_acknowledged_when_the_loop_fails(self):
        client, peer = await self.connect()
        jobs = await self.subscribe(client, peer, "/queue/jobs",
                                    "SUB /queue/jobs ack=yes credit=1")
        peer.send("MSG /queue/jobs 1", b"a")
        with self.assertRaises(ZeroDivisionError):
            async for _ in jobs:
                1 / 0
        self.soon(jobs.close())
        await self.within(peer.answer("UNSUB /queue/jobs"))

    async def test_a_message_settles_itself_at_the_end_of_with(self):
        client, peer = await self.connect()
        jobs = await self.subscribe(client, peer, "/queue/jobs",
                                    "SUB /queue/jobs ack=yes credit=2"
                                    " wait=30000ms",
                                    ack=True, credit=2, wait=30)
        for number in (1, 2, 3):
            peer.send(f"MSG /queue/jobs {number} try=2", b"x")
        async with await self.within(jobs.__anext__()) as job:
            self.assertEqual(job.tries, 2)
        await self.within(peer.expect("ACK /queue/jobs 1"))
        with self.assertRaises(ZeroDivisionError):
            async with await self.within(jobs.__anext__()):
                1 / 0
        _, body = await self.within(
            peer.expect("NAK /queue/jobs 2 delay=1000ms"))
        self.assertEqual(body, b"division by zero")
        async with await self.within(jobs.__anext__()) as job:
            await job.nak(delay=5)    # then nothing more is said
        await self.within(peer.expect("NAK /queue/jobs 3 delay=5000ms"))
        peer.send("PING a")
        await self.within(peer.expect("PONG a"))

    async def test_deliveries_end_with_their_connection(self):
        client, peer = await self.connect()
        jobs = await self.subscribe(client, peer, "/queue/jobs",
                                    "SUB /queue/jobs ack=yes credit=9",
                                    ack=True, credit=9)
        for number in (1, 2):
            peer.send(f"MSG /queue/jobs {number}", b"x")
        first = await self.within(jobs.__anext__())
        peer.close()
        peer = await (await self.within(self.peers.get())).open()
        await self.within(peer.answer("SUB /queue/jobs ack=yes credit=9"))
        peer.send("MSG /queue/jobs 1 try=2", b"again")
        self.assertEqual((await self.within(jobs.__anext__())).body, b"again")
        await first.ack()    # of before: nothing is sent
        with self.assertRaises(sluice.Gone):
            await first.ack(confirm=True)
        peer.send("PING a")
        await self.within(peer.expect("PONG a"))

    async def test_only_queues_can_be_acknowledged(self):
        client, peer = await self.connect()
        for settings in ({"ack": True}, {"wait": 5}, {"credit": 1}):
            with self.assertRaises(ValueError):
                client.subscribe("/t", **settings)
        topic = await self.subscribe(client, peer, "/t", "SUB /t", " seq=0")
        with self.assertRaises(ValueError):
            await topic.credit(5)


class Room(Case):
    async def test_messages_of_a_topic_without_room_are_counted(self):
        client, peer = await self.connect(buffer=3000)
        readings = await self.subscribe(client, peer, "/t", "SUB /t",
                                        " seq=0", gaps=True)
        for number in range(1, 21):
            peer.send(f"MSG /t {number}", b"x" * 744)
        peer.send("PING a")
        await self.within(peer.expect("PONG a"))
        items = [await self.within(readings.__anext__())
                 for _ in range(readings.waiting)]
        self.assertEqual([type(item) for item in items[-2:]],
                         [sluice.Message, sluice.Gap])
        gap = items[-1]
        self.assertEqual((gap.first, gap.last, gap.why),
                         (len(items), 20, "client"))
        self.assertEqual(readings.lost + len(items) - 1, 20)
        peer.send("MSG /t 21", b"x")
        self.assertEqual((await self.within(readings.__anext__())).seq, 21)

    async def test_messages_of_a_queue_without_room_wait_in_the_socket(self):
        client, peer = await self.connect(buffer=3000)
        jobs = await self.subscribe(client, peer, "/queue/jobs",
                                    "SUB /queue/jobs", ack=False)
        for number in range(1, 2001):
            peer.send(f"MSG /queue/jobs {number}", b"x" * 2000)
        for number in range(1, 2001):
            job = await self.within(jobs.__anext__())
            self.assertEqual(job.seq, number)
            # One read from the socket is what may be above.
            self.assertLess(jobs.waiting, 300)
        self.assertEqual(jobs.lost, 0)

    async def test_an_answer_arrives_although_the_buffer_is_full(self):
        client, peer = await self.connect(buffer=3000)
        await self.subscribe(client, peer, "/queue/jobs", "SUB /queue/jobs",
                             ack=False)
        for number in range(1, 2001):
            peer.send(f"MSG /queue/jobs {number}", b"x" * 2000)
        receipt = self.soon(client.publish("/t", b"x", confirm=True))
        await self.within(peer.answer("PUB /t", " seq=7 subs=1 drop=0"))
        self.assertEqual(await self.within(receipt),
                         sluice.Receipt(7, subscribers=1))

    async def test_a_receipt_may_wait_for_the_disk(self):
        client, peer = await self.connect()
        receipt = self.soon(client.publish("/queue/q", b"x", confirm="sync"))
        await self.within(peer.answer("PUB /queue/q confirm=sync",
                                      " seq=7 subs=0 held=1 sync=1"))
        self.assertEqual(await self.within(receipt),
                         sluice.Receipt(7, waiting=1, on_disk=True))
        with self.assertRaises(ValueError):
            await client.publish("/queue/q", confirm="done")


class Numbers(Case):
    async def test_messages_before_a_subscription_are_not_for_it(self):
        """Earlier messages for another pattern arrive after the answer."""
        client, peer = await self.connect()
        wild = await self.subscribe(client, peer, "/*", "SUB /*", gaps=True)
        one = await self.subscribe(client, peer, "/t", "SUB /t", " seq=7",
                                   gaps=True)
        peer.send("MSG /t 5", b"a")
        peer.send("GAP /t 6 8 why=slow")
        peer.send("MSG /t 9", b"b")
        seen = [(await self.within(one.__anext__())) for _ in range(2)]
        self.assertEqual((seen[0].first, seen[0].last, seen[1].seq), (8, 8, 9))
        seen = [(await self.within(wild.__anext__())) for _ in range(3)]
        self.assertEqual((seen[0].seq, seen[1].first, seen[2].seq), (5, 6, 9))
        self.assertEqual([type(e) for e in self.events], [sluice.Connected])

    async def test_received_and_lost_messages_add_up(self):
        client, peer = await self.connect()
        readings = await self.subscribe(client, peer, "/t", "SUB /t", " seq=4")
        self.assertEqual(readings.seq, 4)
        peer.send("MSG /t 5", b"a")
        peer.send("GAP /t 6 913 why=slow")
        await self.within(readings.__anext__())
        closing = self.soon(readings.close())
        await self.within(peer.answer("UNSUB /t", " seq=913"))
        await self.within(closing)
        self.assertEqual(readings.seq - 4, 1 + readings.lost)

    async def test_numbers_start_again_after_unsubscribing(self):
        client, peer = await self.connect()
        for last in (5, 900):
            wild = await self.subscribe(client, peer, "/*", "SUB /*")
            peer.send(f"MSG /t {last}", b"a")
            await self.within(wild.__anext__())
            closing = self.soon(wild.close())
            await self.within(peer.answer("UNSUB /*"))
            await self.within(closing)
        self.assertEqual([type(e) for e in self.events], [sluice.Connected])


class Life(Case):
    async def test_iteration_ends_when_the_client_is_closed(self):
        client, peer = await self.connect()
        readings = await self.subscribe(client, peer, "/t", "SUB /t", " seq=0")

        async def read():
            return [message async for message in readings]
        reading = self.soon(read())
        closing = self.soon(client.close())
        await self.within(peer.take_goodbye())
        await self.within(closing)
        self.assertEqual(await self.within(reading), [])
        with self.assertRaises(sluice.Closed):
            await client.publish("/t", b"x")

    async def test_without_reconnect_a_loss_ends_everything(self):
        client, peer = await self.connect(reconnect=False)
        readings = await self.subscribe(client, peer, "/t", "SUB /t", " seq=0")
        receipt = self.soon(client.publish("/t", b"x", confirm=True))
        await self.within(peer.expect("PUB /t"))
        peer.close()
        with self.assertRaises(sluice.OutcomeUnknown):
            await self.within(receipt)
        with self.assertRaises(sluice.Closed):
            await self.within(readings.__anext__())

    async def test_publishing_waits_for_the_next_connection(self):
        client, peer = await self.connect()
        peer.close()
        while not isinstance(self.events[-1], sluice.Disconnected):
            await asyncio.sleep(0)
        receipt = self.soon(client.publish("/t", b"x", confirm=True))
        peer = await (await self.within(self.peers.get())).open()
        await self.within(peer.answer("PUB /t", " seq=1 subs=1 drop=0"))
        self.assertEqual((await self.within(receipt)).seq, 1)

    async def test_held_messages_go_to_the_next_connection(self):
        client, peer = await self.connect()
        peer.send("HOLD /t")
        while not isinstance(self.events[-1], sluice.Held):
            await asyncio.sleep(0)
        self.soon(client.publish("/t", b"kept"))
        given_up = self.soon(client.publish("/t", b"given up"))
        self.soon(client.publish("/t", b"kept, too"))
        await asyncio.sleep(0)
        given_up.cancel()
        peer.close()
        peer = await (await self.within(self.peers.get())).open()
        for body in (b"kept", b"kept, too"):
            self.assertEqual(await self.within(peer.expect("PUB /t")),
                             (None, body))

    async def test_a_cancelled_publish_is_not_sent_when_released(self):
        client, peer = await self.connect()
        peer.send("HOLD /t")
        while not isinstance(self.events[-1], sluice.Held):
            await asyncio.sleep(0)
        given_up = self.soon(client.publish("/t", b"given up"))
        self.soon(client.publish("/t", b"kept"))
        await asyncio.sleep(0)
        given_up.cancel()
        peer.send("GO /t")
        self.assertEqual(await self.within(peer.expect("PUB /t")),
                         (None, b"kept"))

    async def test_a_refusal_for_good_ends_everything(self):
        client, peer = await self.connect()
        readings = await self.subscribe(client, peer, "/t", "SUB /t", " seq=0")
        peer.close()
        peer = await self.within(self.peers.get())
        await self.within(peer.unit())
        peer.send("ERR auth", b"no longer")
        peer.send("BYE")
        with self.assertRaises(sluice.Refused) as refused:
            await self.within(readings.__anext__())
        self.assertEqual(refused.exception.code, "auth")
        with self.assertRaises(sluice.Refused):
            await self.within(client.publish("/t"))

    async def test_a_broker_that_is_silent_is_left(self):
        _, peer = await self.connect(INFO.replace("ping=30s", "ping=100ms"))
        await self.within(peer.expect("PING"))
        await self.within(self.peers.get())    # it comes again
        self.assertIn(sluice.Disconnected(is_orderly=False), self.events)

    async def test_a_broker_that_never_answers_is_left(self):
        with mock.patch.object(sluice, "OPEN_S", 0.1):
            with self.assertRaisesRegex(sluice.Closed, "does not answer"):
                await self.within(sluice.connect(self.address)._start())

    async def test_a_broker_that_ends_every_connection_is_not_flooded(self):
        _, peer = await self.connect()
        now = asyncio.get_running_loop().time
        for attempt in range(4):
            ended = now()
            peer.close()
            peer = await (await self.within(self.peers.get())).open()
            self.assertGreaterEqual(now() - ended,
                                    sluice.PAUSE_FIRST_S * 2 ** attempt / 2)

    async def test_a_cancelled_subscription_is_given_back(self):
        client, peer = await self.connect()
        task = self.soon(client.subscribe("/t")._start())
        rid, _ = await self.within(peer.expect("SUB /t"))
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task
        peer.send(f"OK rid={rid} seq=0")
        await self.within(peer.answer("UNSUB /t", " seq=0"))

    async def test_a_broker_of_version_1_is_named_as_such(self):
        trying = self.soon(sluice.connect(self.address)._start())
        (await self.within(self.peers.get())).close()
        with self.assertRaisesRegex(sluice.Closed, "version 2"):
            await self.within(trying)

    async def test_no_broker_at_all_is_an_error_of_the_system(self):
        self.server.close()
        await self.server.wait_closed()
        with self.assertRaises(OSError):
            await self.within(sluice.connect(self.address)._start())

    async def test_garbage_ends_the_connection_and_not_the_program(self):
        _, peer = await self.connect()
        noise = []
        asyncio.get_running_loop().set_exception_handler(
            lambda loop, context: noise.append(context))
        for garbage in (frame(b"\xff\xfe") + frame(b""), b"HTTP/1.1 200 OK",
                        frame(b"MSG /t") + frame(b""),
                        frame(b"MSG /t 1") + b"\xff\xff\xff\xff"):
            peer.writer.write(garbage)
            peer = await (await self.within(self.peers.get())).open()
        self.assertEqual(len(noise), 4)

    async def test_a_limit_that_grows_holds_at_once(self):
        client, peer = await self.connect(INFO.replace("1000000", "100"))
        reader = await self.subscribe(client, peer, "/t", "SUB /t", " seq=0")
        peer.writer.write(unit(INFO) + unit("MSG /t 1", b"x" * 10000))
        message = await self.within(reader.__anext__())
        self.assertEqual(len(message.body), 10000)

    async def test_unix_sockets(self):
        with tempfile.TemporaryDirectory() as folder:
            path = os.path.join(folder, "socket")
            server = await asyncio.start_unix_server(self.on_peer, path)
            self.soon(sluice.connect(f"unix:{path}")._start())
            await (await self.within(self.peers.get())).open()
            server.close()

    async def test_a_late_reply_to_a_cancelled_request_is_ignored(self):
        client, peer = await self.connect()
        request = self.soon(client.request("/svc", timeout=2.5))
        rid, _ = await self.within(peer.expect("REQ /svc timeout=2500ms"))
        request.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await request
        peer.send(f"REP rid={rid}", b"late")
        peer.send("PING a")
        await self.within(peer.expect("PONG a"))


class Secrets(Case):
    async def test_a_secret_is_in_no_representation(self):
        client, _ = await self.connect(secret="sl_canary")
        self.assertNotIn("canary", repr([client, client._link, client._tls]))

    async def test_a_secret_is_in_no_exception(self):
        client = self.soon(sluice.connect(self.address, user="ann",
                                          secret="sl_canary")._start())
        peer = await self.within(self.peers.get())
        _, body = await peer.unit()
        self.assertEqual(body, b"sl_canary")
        peer.send("ERR auth", b"not authenticated")
        with self.assertRaises(sluice.Refused) as refused:
            await self.within(client)
        shown = "".join(traceback.format_exception(refused.exception))
        self.assertNotIn("canary", shown)


class Names(Case):
    async def test_any_octets_come_back_as_they_went(self):
        client, peer = await self.connect()
        names = [b"/a b", "/grün", b"/\xff\x00", "@home", b"a=b*c%"]
        for name in names:
            pattern = sluice.exact(name)
            reader = await self.subscribe(client, peer, pattern,
                                          f"SUB {pattern}", " seq=0")
            peer.send(f"MSG {pattern} 1 new=1", b"x")
            message = await self.within(reader.__anext__())
            again = self.soon(client.publish(message.channel, b"y"))
            self.assertEqual((await self.within(peer.expect(
                f"PUB {pattern}")))[1], b"y")
            await again
            if isinstance(name, str):
                self.assertEqual(message.channel, name)

    async def test_malformed_patterns_are_refused_locally(self):
        client, _ = await self.connect()
        for pattern in ("/a*", "/**/a", "@x", "", "/%2F", "/%4", "x" * 256):
            with self.assertRaises(sluice.Refused) as refused:
                client.subscribe(pattern)
            self.assertEqual(refused.exception.code, "bad-channel")

    async def test_malformed_names_and_headers_are_value_errors(self):
        client, _ = await self.connect()
        for channel, headers in (("", {}), ("x" * 256, {}), ("/t", {"a": "x"}),
                                 ("/t", {"A B": "x"}),
                                 ("/t", {"A": "x" * 3800}),
                                 ("/t", {f"A{n}": "x" for n in range(33)})):
            with self.assertRaises(ValueError):
                await self.within(client.publish(channel, b"", headers))

    async def test_a_body_is_text_or_octets(self):
        client, _ = await self.connect()
        with self.assertRaisesRegex(TypeError, "str or bytes.* not int"):
            await self.within(client.publish("/t", 5))


class Tls(languages.Tls):
    language = "python"


class Durable(languages.Durable):
    language = "python"


class Logins(logins.WithoutKeys):
    language = "python"


class Papers(unittest.TestCase):
    """The documents beside the code are true."""

    def text(self, name):
        return (ROOT / name).read_text(encoding="utf-8")

    def test_the_versions_agree(self):
        project = re.search(r"project\(sluice VERSION ([\d.]+)",
                            self.text("CMakeLists.txt"))
        packaged = re.search(r'^version = "([\d.]+)"$',
                             self.text("client/python/pyproject.toml"), re.M)
        self.assertEqual(packaged[1], project[1])
        self.assertEqual(sluice.__version__, project[1])

    def test_everything_public_is_in_the_readme(self):
        readme = self.text("client/python/README.md")
        for name in sluice.__all__:
            self.assertIn(name, readme)


class Example(Case):
    async def echo(self, peer):
        """As much of a broker as the example needs."""
        while True:
            head, body = await peer.unit()
            words = Head(head)
            rid = words.options.get("rid")
            if words.verb == "PUB":
                peer.send(f"MSG {words.arguments[0]} 1 new=1", body)
            elif rid:
                peer.send(f"OK rid={rid} seq=0")
            if words.verb == "BYE":
                peer.send("BYE")
                return

    async def test_the_examples_of_the_readme_run(self):
        readme = (ROOT / "client/python/README.md").read_text("utf-8")
        code = re.search(r"```python\n(.*?)```", readme, re.S)[1]
        program = await asyncio.create_subprocess_exec(
            sys.executable, "-B", "-c", code,
            env=dict(os.environ, SLUICE_SERVER=self.address,
                     PYTHONPATH=str(ROOT / "client/python")),
            stdout=subprocess.PIPE)
        peer = await (await self.within(self.peers.get())).open()
        await self.within(self.echo(peer))
        output, _ = await self.within(program.communicate())
        self.assertEqual(program.returncode, 0)
        self.assertEqual(output.decode(), "/sensors/k1/temp 21.5\n")


if __name__ == "__main__":
    main()
