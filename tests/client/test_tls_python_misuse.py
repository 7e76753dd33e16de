# SPDX-License-Identifier: MIT
"""The Python library against servers that misuse TLS, at its first connection
and at one that comes later. Each is refused, in words. What would be the same
the next time ends the client; what may be a passing fault is tried again."""
import asyncio
import contextlib
import functools
import os
import pathlib
import socket
import ssl
import struct
import subprocess
import sys
import threading
import typing
import unittest
from unittest import mock

import test_tls  # and none of its tests
from command import ROOT, main
from test_tls import DEADLINE, TOPIC, Relay, port_of, says, speaks_tls

sys.path.append(str(ROOT / "client/python"))
import certificates  # noqa: E402  (test_tls has found it)
import sluice  # noqa: E402  (it lies where the line above says)

OPENSSL_CHAIN_MAX = 100 << 10  # bytes; Python cannot set another bound
BOTH = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
OLD = (ssl.TLSVersion.TLSv1, ssl.TLSVersion.TLSv1_1)
SHORT_S = 0.3  # for servers that stall; there is nothing to be late for
ALERT = b"\x15\x03\x01\x00\x02\x02\x46"  # protocol_version, as most say it
HALF = b"\x16\x03\x03\x00\x50\x02"  # the begin of a record, and no more


def setUpModule():
    test_tls.setUpModule()
    folder = certificates.folder()
    authority = pathlib.Path(folder["ca.pem"]).read_text()
    size = len(ssl.PEM_cert_to_DER_cert(authority))
    pathlib.Path(folder["huge.pem"]).write_text(
        pathlib.Path(folder["localhost.pem"]).read_text()
        + (OPENSSL_CHAIN_MAX // size + 1) * authority)


# Servers. Each takes the test and returns a port.

def shows(name):
    """A broker with that certificate."""
    return lambda case: port_of(case.broker(name=name).address)


def in_clear(case):
    return port_of(case.plain_broker().address)


def broker_of_clients(case):
    """It demands their certificates."""
    return port_of(case.broker("--tls-ca", case.folder["ca.pem"]).address)


def demands_tls(case):
    return port_of(case.broker(
        listen=("127.0.0.1:0 tls=required",)).address.split()[0])


def speaks(**kwargs):
    return lambda case: speaks_tls(case, **kwargs)


def utters(words):
    return lambda case: says(case, words)


def insists_on_1_0(case):
    """A server hello of that version, whatever the client can."""
    hello = b"\x03\x01" + bytes(32) + b"\x00" + b"\xc0\x09" + b"\x00"
    message = b"\x02" + len(hello).to_bytes(3, "big") + hello
    return says(case, b"\x16\x03\x01" + struct.pack(">H", len(message))
                + message)


def treats(case, treat):
    """A server that does this with each connection."""
    door = socket.create_server(("127.0.0.1", 0))
    case.addCleanup(door.close)

    def serve():
        with contextlib.suppress(OSError):
            while True:
                sock = door.accept()[0]
                sock.settimeout(DEADLINE)
                with sock, contextlib.suppress(OSError):
                    treat(sock)

    threading.Thread(target=serve, daemon=True).start()
    return door.getsockname()[1]


def hangs_up(case):
    """When it has seen how the client begins."""
    return treats(case, lambda sock: sock.recv(1 << 16))


def stalls(words):
    def treat(sock):
        sock.sendall(words)
        while sock.recv(1 << 16):
            pass
    return lambda case: treats(case, treat)


def renegotiates(case):
    """As soon as a handshake is complete."""
    server = subprocess.Popen(
        ["openssl", "s_server", "-accept", "127.0.0.1:0", "-tls1_2", "-cert",
         case.folder["localhost.pem"], "-key", case.folder["localhost.key"]],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, bufsize=0)
    port = None
    while port is None:
        line = server.stdout.readline()
        case.assertTrue(line, "s_server has ended")
        if line.startswith(b"ACCEPT"):
            port = port_of(line.decode().strip())

    def drive():
        for line in server.stdout:
            if line.startswith(b"CIPHER is"):
                server.stdin.write(b"r\n")

    driver = threading.Thread(target=drive, daemon=True)
    driver.start()

    def end():
        server.kill()
        server.wait()
        driver.join()
        server.stdin.close()
        server.stdout.close()
    case.addCleanup(end)
    return port


# The table.

GOOD = shows("localhost")


class Row(typing.NamedTuple):
    name: str
    server: typing.Callable
    words: str                   # that name the case
    error: type = sluice.Untrusted
    certificate: str = ""        # that the client shows
    versions: tuple = (None,)    # of TLS; None: as the library chooses
    is_secured: bool = True      # whether the client asks for TLS


FINAL = (
    Row("an expired certificate", shows("old"),
        "certificate has expired", versions=BOTH),
    Row("a certificate of the future", shows("early"),
        "certificate is not yet valid", versions=BOTH),
    Row("another name", shows("elsewhere"),
        "certificate is not valid for 'localhost'", versions=BOTH),
    Row("an authority that is not trusted", shows("stranger"),
        "unable to get local issuer certificate", versions=BOTH),
    Row("no certificate where one is demanded", broker_of_clients,
        "wants? a certificate of this client", versions=BOTH),
    Row("a certificate that the broker does not trust", broker_of_clients,
        "does not trust the authority that signed the certificate of this "
        "client", certificate="foreigner", versions=BOTH),
    Row("a certificate of the client that has expired", broker_of_clients,
        "certificate of this client has expired", certificate="old",
        versions=BOTH),
    Row("a certificate of the client from the future", broker_of_clients,
        "refused the certificate of this client: see its dates",
        certificate="early", versions=BOTH),
    *(Row(f"a server of {version.name}", speaks(versions=(version, version)),
          "no version of TLS in common") for version in OLD),
    Row("a server that insists on TLS 1.0", insists_on_1_0,
        "speaks an old version of TLS only"),
    Row("a chain without end", speaks(chain="huge"),
        "chain of certificates is too long"),
    Row("renegotiation", renegotiates, "renegotiate, which is not allowed"),
    Row("a server that answers in clear", utters(b"HTTP/1.1 400 No\r\n\r\n"),
        "does not speak TLS"),
    Row("in clear to a server of TLS", utters(ALERT), "the server speaks TLS",
        is_secured=False),
    Row("in clear to a broker that demands TLS", demands_tls,
        "auth: .* may demand TLS", sluice.Refused, is_secured=False),
)
PASSING = (
    Row("a broker in clear", in_clear, "does it speak TLS", sluice.Closed),
    Row("a cut in the handshake", hangs_up, "ended the handshake of TLS",
        sluice.Closed),
    Row("a cut after the handshake", speaks(),
        "ended the connection before it answered", sluice.Closed,
        versions=BOTH),
    Row("in clear to a server that hangs up", hangs_up, "without TLS",
        sluice.Closed, is_secured=False),
)
STALLED = (
    Row("a handshake that does not begin", stalls(b""),
        "handshake is taking longer", ConnectionAbortedError),
    Row("a handshake that stops", stalls(HALF), "handshake is taking longer",
        ConnectionAbortedError),
)


def within(awaitable):
    return asyncio.wait_for(awaitable, DEADLINE)


def hurried():
    return mock.patch.object(sluice, "OPEN_S", SHORT_S)


class Attempts:
    """What becomes of each attempt of a client to connect again."""

    def __init__(self, client):
        self._ends, self._attempt = asyncio.Queue(), client._try
        client._try = self._watched

    async def _watched(self):
        try:
            link = await self._attempt()
        except (OSError, sluice.SluiceError) as error:
            self._ends.put_nowait(error)
            raise
        self._ends.put_nowait(None)
        return link

    async def failure(self):
        return await within(self._ends.get())

    async def success(self):
        async def wait():
            while await self._ends.get():
                pass
        await within(wait())


class WithLibrary(test_tls.WithTls, unittest.IsolatedAsyncioTestCase):
    def setUp(self):
        super().setUp()
        self.ports = {}

    def port(self, server):
        """Of that server, which is started once for a test."""
        if server not in self.ports:
            self.ports[server] = server(self)
        return self.ports[server]

    def opening(self, port, row, version=None, **kwargs):
        """Without a version the files come from the environment, and the
        library makes its own context; else it gets one."""
        files = {"CA": self.folder["ca.pem"]} if row.is_secured else {}
        if row.certificate:
            files |= {"CERT": self.folder[f"{row.certificate}.pem"],
                      "KEY": self.folder[f"{row.certificate}.key"]}
        if not version:
            with mock.patch.dict(os.environ, {
                    f"SLUICE_TLS_{name}": file
                    for name, file in files.items()}):
                return sluice.connect(f"localhost:{port}", **kwargs)
        made = ssl.create_default_context(cafile=files["CA"])
        made.minimum_version = made.maximum_version = version
        if row.certificate:
            made.load_cert_chain(files["CERT"], files["KEY"])
        return sluice.connect(f"localhost:{port}", tls=made, **kwargs)

    async def open(self, *args, **kwargs):
        client = await within(self.opening(*args, **kwargs)._start())
        self.addAsyncCleanup(client.close, timeout=0)
        return client

    async def open_through_relay(self, row, version):
        """A client that works, its subscription and events, and what is
        between it and its broker."""
        good = self.port(GOOD if row.is_secured else in_clear)
        relay, events = Relay(self, good), []
        client = await self.open(relay.port, row, version,
                                 on_event=events.append)
        messages = await within(client.subscribe(TOPIC)._start())
        await self.assertWorks(client, messages)
        return client, messages, events, relay, good

    async def assertWorks(self, client, messages):
        await within(client.publish(TOPIC, b"message", confirm=True))
        self.assertEqual((await within(messages.__anext__())).body, b"message")

    def assertNames(self, row, error):
        self.assertIs(type(error), row.error, error)
        self.assertRegex(str(error), row.words)

    async def assertRaisesAs(self, row, awaitable):
        with self.assertRaises(row.error) as raised:
            await within(awaitable)
        self.assertNames(row, raised.exception)

    async def each(self, rows, check):
        for row in rows:
            for version in row.versions:
                with self.subTest(row.name, version=version):
                    await check(row, version)

    async def refused_first(self, row, version):
        opening = self.opening(self.port(row.server), row, version)
        await self.assertRaisesAs(row, opening._start())


class First(WithLibrary):
    async def test_each_is_refused_in_words(self):
        await self.each(FINAL + PASSING, self.refused_first)

    async def test_a_stalled_handshake_is_left(self):
        with hurried():
            await self.each(STALLED, self.refused_first)

    async def test_a_file_without_authorities_is_refused(self):
        for content in ("", "no certificate"):
            file = pathlib.Path(self.folder["empty.pem"])
            file.write_text(content)
            with mock.patch.dict(os.environ, {"SLUICE_TLS_CA": str(file)}), \
                    self.assertRaisesRegex(ssl.SSLError, "no certificate"):
                sluice.connect("localhost:1")


class Later(WithLibrary):
    async def test_what_cannot_heal_ends_the_client_in_words(self):
        """Every call says why, also those that wait."""
        await self.each(FINAL, self.ended_later)

    async def ended_later(self, row, version):
        client, messages, events, relay, _ = \
            await self.open_through_relay(row, version)
        relay.lead_to(self.port(row.server))
        await self.assertRaisesAs(row, messages.__anext__())
        await self.assertRaisesAs(row, client.publish(TOPIC, confirm=True))
        self.assertEqual([type(event) for event in events],
                         [sluice.Connected, sluice.Disconnected])
        self.assertFalse(events[1].is_orderly)

    async def test_what_may_pass_is_tried_again(self):
        await self.each(PASSING, self.survived_later)

    async def test_a_stalled_handshake_is_tried_again(self):
        await self.each(STALLED, functools.partial(self.survived_later,
                                                   hurry=hurried))

    async def survived_later(self, row, version,
                             hurry=contextlib.nullcontext):
        client, messages, events, relay, good = \
            await self.open_through_relay(row, version)
        attempts = Attempts(client)
        with hurry():
            relay.lead_to(self.port(row.server))
            for _ in range(2):
                self.assertNames(row, await attempts.failure())
        relay.lead_to(good)
        await attempts.success()
        await self.assertWorks(client, messages)
        self.assertEqual([type(event) for event in events],
                         [sluice.Connected, sluice.Disconnected,
                          sluice.Connected])
        self.assertFalse(events[1].is_orderly)

    async def test_an_empty_file_does_not_replace_good_authorities(self):
        file = pathlib.Path(self.folder["current.pem"])
        file.write_bytes(pathlib.Path(self.folder["ca.pem"]).read_bytes())
        good = self.broker()
        relay = Relay(self, port_of(good.address))
        with mock.patch.dict(os.environ, {"SLUICE_TLS_CA": str(file)}):
            opening = sluice.connect(f"localhost:{relay.port}")
        client = await within(opening._start())
        self.addAsyncCleanup(client.close, timeout=0)
        messages = await within(client.subscribe(TOPIC)._start())
        attempts = Attempts(client)
        file.write_text("")
        relay.lead_to(port_of(good.address))
        await attempts.success()
        await self.assertWorks(client, messages)
        relay.lead_to(port_of(self.broker(name="stranger").address))
        with self.assertRaisesRegex(sluice.Untrusted, "local issuer"):
            await within(messages.__anext__())


class Cuts(WithLibrary):
    """Of a connection that was open, in both versions of TLS."""
    ROW = Row("a cut", None, "the connection was cut", versions=BOTH)

    async def pending(self, port, version, **kwargs):
        """A client that waits for a reply, and for messages."""
        events = []
        client = await self.open(port, self.ROW, version,
                                 on_event=events.append, **kwargs)
        messages = await within(client.subscribe(TOPIC)._start())
        request = asyncio.ensure_future(client.request(
            TOPIC, timeout=2 * DEADLINE))
        await within(messages.__anext__())
        return messages, request, events

    async def test_a_cut_is_no_orderly_end(self):
        await self.each([self.ROW], self.cut)

    async def cut(self, row, version):
        relay = Relay(self, port_of(self.broker().address))
        messages, request, events = await self.pending(
            relay.port, version, reconnect=False)
        relay.lead_to(None)
        await self.assertRaisesAs(row._replace(error=sluice.OutcomeUnknown),
                                  request)
        await self.assertRaisesAs(row._replace(error=sluice.Closed),
                                  messages.__anext__())
        self.assertEqual(events[1:], [sluice.Disconnected(is_orderly=False)])

    async def test_a_goodbye_is_one(self):
        await self.each([self.ROW], self.goodbye)

    async def goodbye(self, row, version):
        broker = self.broker()
        messages, request, events = await self.pending(
            port_of(broker.address), version, reconnect=False)
        broker.signal()
        with self.assertRaises(sluice.SluiceError) as raised:
            await within(request)
        self.assertNotRegex(str(raised.exception), row.words)
        with self.assertRaisesRegex(sluice.Closed, "has ended"):
            await within(messages.__anext__())
        self.assertEqual(events[-1], sluice.Disconnected(is_orderly=True))


if __name__ == "__main__":
    main()
