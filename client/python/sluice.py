# SPDX-License-Identifier: MIT
"""An asyncio client for the sluice message broker, wire protocol version 2.

    import asyncio, sluice

    async def main():
        async with sluice.connect("127.0.0.1:25000") as broker:
            async with broker.subscribe("/sensors/*/temp") as readings:
                await broker.publish("/sensors/k1/temp", b"21.5")
                async for message in readings:
                    print(message.channel, message.text)

    asyncio.run(main())

One file, standard library only. Channels are any octets; as `str` they are
UTF-8, and octets that are not are kept as os.fsdecode() keeps them, so names
come back as they went. Everything here belongs to one event loop.
"""
from __future__ import annotations

import asyncio
import calendar
import collections
import contextlib
import dataclasses
import hashlib
import hmac
import ipaddress
import itertools
import os
import random
import re
import ssl
import time
from typing import Any, AsyncIterator, Awaitable, Callable, Generic, Iterator
from typing import Mapping, Optional, TypeVar, Union

__version__ = "0.1.0"
__all__ = [
    "Client", "Closed", "Connected", "Disconnected", "Draining", "Failure",
    "Gap", "Gone", "Held", "Message", "Missed", "NoResponder", "NotExecuted",
    "NumbersBroken", "OutcomeUnknown", "Receipt", "Refused", "Released",
    "Reply", "RequestTimeout", "SluiceError", "Subscription", "TooBig",
    "Untrusted", "connect", "exact",
]

DEFAULT_SERVER = "127.0.0.1:25000"
NAME_MAX = 255            # octets of a channel
HEAD_MAX = 4096           # octets of a head
ROUTED_MAX = 3800         # octets of channel and headers together
PAIRS_MAX = 32            # options and headers of a head
CHANNELS_MAX = 16384      # whose numbers are followed
PAUSE_FIRST_S, PAUSE_LAST_S = 0.05, 5.0
OPEN_S = 10.0             # for the broker to answer the opening
ONLY_QUEUES = "ack, credit and wait are for queues, and go together"

Name = Union[str, bytes]
Headers = Mapping[str, Union[str, bytes]]


# Errors.

class SluiceError(Exception):
    """The base class of this module's errors."""


class Refused(SluiceError):
    """The broker refused a call, which had no effect."""

    def __init__(self, code: str, text: str = ""):
        super().__init__(f"{code}: {text}" if text else code)
        self.code, self.text = code, text


class NoResponder(Refused):
    """No subscriber can answer the request."""


class RequestTimeout(Refused, TimeoutError):
    """The request was not answered in time."""


class Gone(Refused):
    """The delivery, request or subscription is not, or no longer, ours."""


class TooBig(Refused):
    """The body exceeds the broker's limit; nothing was sent."""


class Closed(SluiceError):
    """The client is closed, or lost its connection and does not reconnect."""


class NotExecuted(Closed):
    """The broker said goodbye before it answered: the call had no effect."""


class OutcomeUnknown(Closed):
    """The connection broke before the answer: the call may have had its
    effect."""


class Untrusted(Closed):
    """The broker could not prove who it is, or one of the two refuses TLS as
    the other speaks it. It is not tried again."""


REFUSALS = {"no-responder": NoResponder, "timeout": RequestTimeout,
            "gone": Gone, "too-big": TooBig}
# After these the client does not try again.
HOPELESS = {"auth", "bad-head", "bad-option", "denied", "version"}


# Results and events.

@dataclasses.dataclass(frozen=True)
class Receipt:
    """The destination of a message. `seq` is 0 if there was none."""
    seq: int
    subscribers: int = 0    # connections or consumers
    dropped: int = 0        # subscribers that were too slow for it
    waiting: int = 0        # in a queue: its place, 1 is the next
    on_disk: bool = False   # of publish(confirm="sync") to a durable queue


@dataclasses.dataclass(frozen=True)
class Reply:
    body: bytes
    headers: dict[str, str]

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclasses.dataclass
class Gap:
    """Messages `first` to `last` of a channel will not be delivered."""
    channel: str
    first: int
    last: int
    why: str                # "slow", "memory", ...; "client": no room here
    is_new: bool = False

    @property
    def count(self) -> int:
        return self.last - self.first + 1


@dataclasses.dataclass(frozen=True)
class Missed:
    """Without a connection at most `count` messages were missed; None if the
    broker was restarted, because then the number is unknown."""
    channel: str
    count: Optional[int]


@dataclasses.dataclass(frozen=True)
class Connected:
    info: dict[str, str]    # of the broker: limits and so on
    is_same_run: bool       # it was not restarted since the last time


@dataclasses.dataclass(frozen=True)
class Disconnected:
    is_orderly: bool        # the broker said goodbye


@dataclasses.dataclass(frozen=True)
class Draining:
    """The broker is about to stop."""


@dataclasses.dataclass(frozen=True)
class Held:
    """publish() to this channel waits until Released."""
    channel: str


@dataclasses.dataclass(frozen=True)
class Released:
    channel: str


@dataclasses.dataclass(frozen=True)
class NumbersBroken:
    """A hole in the numbers of a topic that the broker did not report, or a
    number twice."""
    channel: str
    expected: int
    got: int


@dataclasses.dataclass(frozen=True)
class Failure:
    """An error that no call waits for, such as the refusal of a publish()
    without confirm."""
    error: Refused


# Names and values as they are written in heads.

def _octets(text: Name) -> bytes:
    if isinstance(text, str):
        return text.encode("utf-8", "surrogateescape")
    if isinstance(text, (bytes, bytearray, memoryview)):
        return bytes(text)
    raise TypeError(f"str or bytes expected, not {type(text).__name__}")


def _text(octets: bytes) -> str:
    return octets.decode("utf-8", "surrogateescape")


def _table(special: bytes) -> list[str]:
    return [chr(o) if 0x20 < o < 0x7f and o not in special else f"%{o:02X}"
            for o in range(256)]


_VALUE, _CHANNEL = _table(b"%"), _table(b"%=*")
_HEADER_NAME = re.compile(r"[A-Z][A-Za-z0-9._-]{0,63}")
_SPELLED = re.compile(rb"%([0-9A-Fa-f]{2})")


def _spell(octets: bytes, table: list[str] = _VALUE) -> str:
    return "".join([table[o] for o in octets])


def _unspell(text: str) -> bytes:
    return _SPELLED.sub(lambda found: bytes.fromhex(found[1].decode()),
                        text.encode("ascii"))


def _spell_channel(name: bytes) -> str:
    if not 0 < len(name) <= NAME_MAX:
        raise ValueError(f"a channel has 1 to {NAME_MAX} octets")
    text = _spell(name, _CHANNEL)
    return "%40" + text[1:] if text.startswith("@") else text


def exact(channel: Name) -> str:
    """The pattern that matches this channel only, whatever characters its
    name has."""
    return _spell_channel(_octets(channel))


def _spell_seconds(seconds: float) -> str:
    return f"{max(0, round(seconds * 1000))}ms"


class _Pattern:
    """A set of channels. Wildcards are "*", one segment, and "**" as the last
    segment, any number of segments."""

    def __init__(self, pattern: Name):
        # Spells octets that a head cannot have; "%XX" is left as it is.
        raw = re.sub(rb"[^!-<>-~]", lambda found: b"%%%02X" % found[0][0],
                     _octets(pattern))
        self.written = raw.decode("ascii")
        self.segments = self.written.split("/")
        self.name = _unspell(self.written)
        self._check()
        self.is_exact = "*" not in self.written
        self.world = _world(self.name)
        self.takes_rest = self.segments[-1] == "**"
        self.parts = [None if segment == "*" else _unspell(segment)
                      for segment in self.segments[:len(self.segments)
                                                   - self.takes_rest]]

    def _check(self) -> None:
        """By the rules of the broker."""
        wild = [s for s in self.segments if "*" in s]
        if (self.written.startswith("@") or "%2F" in self.written.upper()
                or not 0 < len(self.name) <= NAME_MAX
                or re.search("%(?![0-9A-Fa-f]{2})", self.written)
                or any(s not in ("*", "**") for s in wild)
                or "**" in self.segments[:-1]):
            raise Refused("bad-channel", f"{self.written} is not a pattern")

    def matches(self, channel: bytes) -> bool:
        if self.is_exact:
            return channel == self.name
        if _world(channel) != self.world:
            return False
        parts = channel.split(b"/")
        if self.takes_rest:
            parts = parts[:len(self.parts)]
        return len(parts) == len(self.parts) and all(
            mine is None or mine == part
            for mine, part in zip(self.parts, parts))


def _world(name: bytes) -> str:
    """Topics, queues, or the broker's own channels: a pattern matches within
    one of these."""
    if name.startswith(b"/queue"):
        return "queue"
    return "sys" if (name + b"/").startswith(b"/sys/") else "topic"


# Units.

def _frame(data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + data


class _Head:
    """A head taken apart. Values are still spelled."""

    def __init__(self, head: bytes):
        verb, *tokens = head.decode("ascii").split(" ")
        self.verb = verb
        self.arguments = [t for t in tokens if "=" not in t]
        self.options: dict[str, str] = {}
        self.headers: dict[str, str] = {}
        for name, _, value in (t.partition("=") for t in tokens if "=" in t):
            # Of equal names the first counts.
            if name[:1].isupper():
                self.headers.setdefault(name, _text(_unspell(value)))
            else:
                self.options.setdefault(name, value)

    def channel(self) -> bytes:
        return _unspell(self.arguments[0])

    def number(self, option: str) -> int:
        return int(self.options.get(option, 0))


def _words_of(headers: Optional[Headers]) -> list[str]:
    words = []
    for name, value in (headers or {}).items():
        if not _HEADER_NAME.fullmatch(name):
            raise ValueError(f"{name!r} is no name of a header: a capital, "
                             "then up to 63 letters, digits, '-', '.' or '_'")
        words.append(f"{name}={_spell(_octets(value))}")
    return words


def _routed(verb: str, channel: str, headers: Optional[Headers]) -> list[str]:
    """The words of what goes to a channel."""
    words = _words_of(headers)
    if (len(words) >= PAIRS_MAX
            or len(channel) + sum(len(w) + 1 for w in words) > ROUTED_MAX):
        raise ValueError("too many headers, or too long")
    return [verb, channel, *words]


class _Framer:
    """Cuts the octets that arrive into units. A body may be as long as the
    broker's limit; until that is known, as long as a head."""

    def __init__(self) -> None:
        self.buffer, self.head, self.limit = bytearray(), None, HEAD_MAX

    def _frames(self) -> Iterator[bytes]:
        at = 0
        try:
            while len(self.buffer) - at >= 4:
                length = int.from_bytes(self.buffer[at:at + 4], "big")
                if length > (HEAD_MAX if self.head is None else self.limit):
                    raise ValueError(f"a frame of {length} octets")
                if len(self.buffer) - at - 4 < length:
                    break
                start, at = at + 4, at + 4 + length
                yield bytes(self.buffer[start:at])
        finally:
            del self.buffer[:at]

    def feed(self, data: bytes) -> Iterator[tuple[bytes, bytes]]:
        """One unit at a time, because each may change the limit."""
        self.buffer += data
        for frame in self._frames():
            head, self.head = self.head, frame
            if head is not None:
                self.head = None
                yield head, frame


# Messages.

class Message:
    """A message, and what can be done about it."""

    __slots__ = ("channel", "seq", "body", "headers", "tries", "is_new",
                 "wants_reply", "_link", "_address", "_subscription",
                 "_is_settled")

    def __init__(self, subscription: Subscription, link: _Link, head: _Head,
                 body: bytes):
        self.channel = _text(head.channel())
        self.seq = int(head.arguments[1])
        self.body = body
        self.headers = head.headers        # the first of each name
        self.tries = head.number("try") or 1
        self.is_new = "new" in head.options    # the first of its channel
        self._address = head.options.get("reply")
        self.wants_reply = self._address is not None
        self._link, self._subscription = link, subscription
        self._is_settled = False

    def __repr__(self) -> str:
        return f"<Message {self.channel} {self.seq}, {len(self.body)} octets>"

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    def _word(self) -> list[str]:
        return [_spell_channel(_octets(self.channel)), str(self.seq)]

    async def _settle(self, words: list[str], body: bytes,
                      confirm: bool) -> None:
        """A delivery belongs to the connection it came on."""
        if self._link.is_lost:
            if confirm:
                raise Gone("gone", "the connection it came on has ended")
            return
        await self._link.send(words, body, confirm)

    async def ack(self, *, confirm: bool = False) -> None:
        """The message is done. With `confirm`, waits for the broker's answer,
        and raises Gone if the message was no longer ours."""
        self._is_settled = True
        await self._settle(["ACK", *self._word()], b"", confirm)

    async def nak(self, delay: float = 1.0, reason: str = "", *,
                  confirm: bool = False) -> None:
        """Returns the message to its queue, to be delivered again after
        `delay` seconds."""
        self._is_settled = True
        words = ["NAK", *self._word(), f"delay={_spell_seconds(delay)}"]
        await self._settle(words, _octets(reason)[:512], confirm)

    async def touch(self, *, confirm: bool = False) -> None:
        """Restarts the `wait` clock of the delivery."""
        await self._settle(["TOUCH", *self._word()], b"", confirm)

    async def reply(self, body: Union[str, bytes] = b"",
                    headers: Optional[Headers] = None, *,
                    confirm: bool = False) -> None:
        """Replies to a request. The first reply counts."""
        if self._address is None:
            raise ValueError("it is no request")
        await self._settle(_routed("PUB", self._address, headers),
                           _octets(body), confirm)

    async def __aenter__(self) -> Message:
        return self

    async def __aexit__(self, kind: Any, error: Any, trace: Any) -> None:
        """`async with message:` acknowledges the message at the end, and
        returns it to its queue if the block raises."""
        if not self._subscription.acks or self._is_settled:
            return
        if kind is None:
            await self.ack()
        else:
            await self.nak(reason=str(error))


Item = Union[Message, Gap, Missed]
T = TypeVar("T")


class _Opening(Generic[T]):
    """Can be awaited, or used with `async with`."""

    def __init__(self, start: Callable[[], Awaitable[T]]):
        self._start, self._made = start, None

    def __await__(self):
        return self._start().__await__()

    async def __aenter__(self) -> T:
        self._made = await self._start()
        return self._made

    async def __aexit__(self, *_: Any) -> None:
        await self._made.close()


class Subscription:
    """An asynchronous iterator over the messages of a pattern. It survives the
    loss of the connection: the client reconnects and subscribes again.

    lost    the number of messages reported as lost
    seq     for a topic by its exact name: the number of its last message
            when the subscription began, and after close() when it ended.
            The difference is the number of messages received plus `lost`
    """

    def __init__(self, client: Client, pattern: _Pattern,
                 options: dict[str, str], gaps: bool):
        self._client, self._pattern, self._options = client, pattern, options
        self._gaps = gaps
        self._items: collections.deque[Any] = collections.deque()
        self._octets = 0                # of bodies that wait
        self._dropping: dict[str, Gap] = {}   # gaps of our own, still open
        self._error: Optional[BaseException] = None
        self._is_over = False
        self._waiters: collections.deque[asyncio.Future] = collections.deque()
        self._base = 0                  # earlier numbers are not for it
        self._acks_itself = False
        self._latest: Optional[Message] = None   # handed out last
        self.lost = 0
        self.seq: Optional[int] = None

    @property
    def pattern(self) -> str:
        return self._pattern.written

    @property
    def waiting(self) -> int:
        """Messages and gaps that have come and were not taken yet."""
        return len(self._items)

    @property
    def acks(self) -> bool:
        return self._options.get("ack") == "yes"

    @property
    def _is_queue(self) -> bool:
        return self._pattern.world == "queue"

    @property
    def _is_numbered(self) -> bool:
        """Whether its numbers begin with that of the answer to SUB."""
        return self._pattern.is_exact and not self._is_queue

    # its items

    def __aiter__(self) -> AsyncIterator[Any]:
        return self

    async def __anext__(self) -> Any:
        if self._acks_itself and self._latest:
            latest, self._latest = self._latest, None
            if not latest._is_settled:
                await latest.ack()
        while not self._items:
            if self._error:
                raise self._error
            if self._is_over:
                raise StopAsyncIteration
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                if waiter in self._waiters:
                    self._waiters.remove(waiter)
        item = self._items.popleft()
        if isinstance(item, Message):
            self._octets -= len(item.body)
            self._latest = item if self._acks_itself else None
        else:
            self._dropping.pop(item.channel, None)
        self._client._was_read()
        return item

    def _wake(self, count: int = 1) -> None:
        while self._waiters and count > 0:
            waiter = self._waiters.popleft()
            if not waiter.done():
                waiter.set_result(None)
                count -= 1

    def _put(self, item: Item) -> None:
        self._items.append(item)
        self._wake()

    def _put_missed(self, count: Optional[int]) -> None:
        if self._gaps:
            self._put(Missed(_text(self._pattern.name), count))

    def _put_gap(self, gap: Gap) -> None:
        self.lost += gap.count
        if self._gaps:
            self._put(gap)

    @property
    def _is_full(self) -> bool:
        return self._octets + 256 * len(self._items) > self._client._buffer

    def _put_message(self, message: Message) -> None:
        """A message of a topic that finds no room is dropped and reported as
        a gap, as the broker does. A message of a queue is always kept."""
        if self._is_full and not self._is_queue:
            self._drop(message)
            return
        self._dropping.pop(message.channel, None)
        self._octets += len(message.body)
        self._put(message)

    def _drop(self, message: Message) -> None:
        gap = self._dropping.get(message.channel)
        if gap and gap.last + 1 == message.seq:
            gap.last += 1
            self.lost += 1
            return
        gap = Gap(message.channel, message.seq, message.seq, "client",
                  message.is_new)
        if len(self._dropping) < CHANNELS_MAX and self._gaps:
            self._dropping[message.channel] = gap
            self._put_gap(gap)
        else:
            self.lost += 1

    def _forget_deliveries(self) -> None:
        """Deliveries of a lost connection are not ours any more."""
        if self.acks:
            self._items = collections.deque(
                item for item in self._items if not isinstance(item, Message))
            self._octets = 0

    def _end(self, error: Optional[BaseException] = None) -> None:
        self._is_over, self._error = True, error
        self._wake(len(self._waiters))

    # its life

    async def credit(self, messages: int) -> None:
        """Sets how many messages may be unacknowledged; 0 pauses."""
        if not self.acks:
            raise ValueError(ONLY_QUEUES)
        self._options["credit"] = str(messages)
        await self._client._call(["CREDIT", self.pattern, str(messages)])

    async def close(self) -> None:
        """Ends it. Messages that are not acknowledged return to their
        queue."""
        if not self._is_over:
            await self._client._unsubscribe(self)

    async def __aenter__(self) -> Subscription:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()


# One connection.

Answer = tuple[_Head, bytes]
Done = Callable[[Optional[_Head], Optional[Refused]], None]


def _seconds(duration: str) -> float:
    found = re.fullmatch(r"(\d+)(ms|s|m|h|d)", duration)
    factors = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400}
    return int(found[1]) * factors[found[2]] if found else 0.0


# TLS.

def _der(data: bytes, at: int = 0) -> tuple[int, int, int]:
    """An element of DER: its tag, and where its contents begin and end."""
    length, begin = data[at + 1], at + 2
    if length >= 0x80:
        begin += length & 0x7f
        length = int.from_bytes(data[at + 2:begin], "big")
    return data[at], begin, begin + length


def _der_time(data: bytes, at: int) -> float:
    tag, begin, end = _der(data, at)
    text = data[begin:end].decode("ascii")
    if tag == 0x17:    # UTCTime: two digits for the year
        text = ("19" if text[:2] >= "50" else "20") + text
    return calendar.timegm(time.strptime(text, "%Y%m%d%H%M%SZ"))


def _parts(certificate: bytes) -> tuple[bytes, float, float]:
    """Its public key, and its dates: RFC 5280, 4.1. The standard library says
    them only of certificates whose authority it knows."""
    at, places = _der(certificate, _der(certificate)[1])[1], []
    if certificate[at] == 0xa0:    # a version, from 2 on
        at = _der(certificate, at)[2]
    for _ in range(6):    # serial, signature, issuer, dates, subject, key
        places.append(at)
        at = _der(certificate, at)[2]
    begin = _der(certificate, places[3])[1]
    end = _der(certificate, begin)[2]
    return (certificate[places[5]:at], _der_time(certificate, begin),
            _der_time(certificate, end))


def _children(data: bytes, begin: int, end: int) -> Iterator[tuple[int, int,
                                                                int]]:
    while begin < end:
        element = _der(data, begin)
        yield element
        begin = element[2]


def _alternatives(certificate: bytes) -> list[tuple[int, bytes]]:
    """The names that it is for, with their kinds: RFC 5280, 4.2.1.6."""
    _, *inner = _der(certificate, _der(certificate)[1])
    lists = [_der(certificate, begin)[1:] for tag, begin, _
             in _children(certificate, *inner) if tag == 0xa3]
    for _, *extension in (one for all in lists
                          for one in _children(certificate, *all)):
        (_, *name), *_, (_, value, _) = _children(certificate, *extension)
        if certificate[slice(*name)] == b"\x55\x1d\x11":
            return [(tag, certificate[begin:end]) for tag, begin, end
                    in _children(certificate, *_der(certificate, value)[1:])]
    return []


def _is_for(certificate: bytes, name: str) -> bool:
    """The standard library compares only names of what it verifies itself."""
    try:
        wanted = {(0x87, ipaddress.ip_address(name).packed)}
    except ValueError:
        host = name.lower().rstrip(".").encode("idna")
        _, dot, above = host.partition(b".")
        wanted = {(0x82, host)} | ({(0x82, b"*." + above)} if dot else set())
    return any((kind, one.lower() if kind == 0x82 else one) in wanted
               for kind, one in _alternatives(certificate))


class _Tls:
    """What connect() was given, or what the environment says."""

    def __init__(self, server: str, context: Union[bool, None, ssl.SSLContext],
                 name: Optional[str], pin: Optional[str]):
        env = os.environ
        self.server = server[4:] if server.startswith("tls:") else server
        self.name = name or env.get("SLUICE_TLS_NAME") or None
        self.pin = pin or env.get("SLUICE_TLS_PIN") or None
        files = [env.get(f"SLUICE_TLS_{k}") or None
                 for k in ("CA", "CERT", "KEY")]
        word = env.get("SLUICE_TLS") or "no"
        if word not in ("yes", "no"):
            raise ValueError(f"$SLUICE_TLS: {word!r} is not yes or no")
        is_asked = (server.startswith("tls:") or self.name or self.pin
                    or any(files) or word == "yes")
        if context is None:
            context = bool(is_asked)
        if self.pin and not re.fullmatch("sha256:[0-9a-fA-F]{64}", self.pin):
            raise ValueError(f"{self.pin} is no pin: sha256: and 64 digits")
        is_given = isinstance(context, ssl.SSLContext)
        self._files = None if is_given or not context else files
        self.context = self._make(*files) if self._files else (
            context if is_given else None)
        if is_given and not self.pin and not context.check_hostname:
            raise ValueError("this context does not verify the broker")
        if self.context and self.server.startswith("unix:"):
            raise ValueError("TLS is not spoken on a unix socket")

    def _make(self, ca: Optional[str], certificate: Optional[str],
              key: Optional[str]) -> ssl.SSLContext:
        context = ssl.create_default_context(cafile=ca)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.options |= ssl.OP_NO_RENEGOTIATION
        context.set_alpn_protocols(["sluice"])
        if certificate:
            context.load_cert_chain(certificate, key)
        if self.pin and not self.name:
            context.check_hostname = False
        if self.pin and not ca:
            context.check_hostname = False
            context.verify_mode = ssl.CERT_NONE    # the pin is what counts
        return context

    def refresh(self) -> None:
        """Reads files that were renewed, for the next connection; bad ones do
        not take the place of good ones."""
        if self._files:
            with contextlib.suppress(OSError):    # also that of ssl
                self.context = self._make(*self._files)

    def check(self, transport: Any) -> None:
        """Before anything is sent."""
        if not self.context or not self.pin:
            return
        shown = transport.get_extra_info("ssl_object").getpeercert(True)
        key, begin, end = _parts(shown)
        pins = ["sha256:" + hashlib.sha256(one).hexdigest()
                for one in (key, shown)]
        if not any(hmac.compare_digest(pin, self.pin.lower()) for pin in pins):
            raise Untrusted("the broker's certificate does not have the pinned"
                            " key")
        if not begin <= time.time() <= end:
            raise Untrusted("the broker's certificate has expired, or is not"
                            " valid yet")
        if (self.name and not self.context.check_hostname
                and not _is_for(shown, self.name)):
            raise Untrusted("the broker's certificate is not for"
                            f" {self.name}")


# Reasons that OpenSSL gives for a handshake that failed, as sentences.
_TLS_SENTENCES = {
    "WRONG_VERSION_NUMBER": "the server does not speak TLS",
    "UNSUPPORTED_PROTOCOL":
        "the server speaks an old version of TLS only; 1.2 is the least",
    "TLSV1_ALERT_PROTOCOL_VERSION":
        "the server and this client have no version of TLS in common",
    "SSLV3_ALERT_HANDSHAKE_FAILURE":
        "the broker refused TLS: it may want a certificate of this client, or"
        " to renegotiate, which is not allowed",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED":
        "the broker wants a certificate of this client, and got none",
    "TLSV1_ALERT_UNKNOWN_CA":
        "the broker does not trust the authority that signed the certificate"
        " of this client",
    "SSLV3_ALERT_CERTIFICATE_EXPIRED":
        "the broker says that the certificate of this client has expired",
    "SSLV3_ALERT_CERTIFICATE_REVOKED":
        "the broker says that the certificate of this client was revoked",
    "SSLV3_ALERT_UNSUPPORTED_CERTIFICATE":
        "the broker refused the certificate of this client: it is not one for"
        " clients",
    "SSLV3_ALERT_BAD_CERTIFICATE":
        "the broker refused the certificate of this client: see its dates",
    "TLSV1_ALERT_NO_APPLICATION_PROTOCOL":
        "the server speaks TLS, but another protocol inside",
    "EXCESSIVE_MESSAGE_SIZE":
        "the server's chain of certificates is too long",
}
_TLS_RECORDS = (b"\x15\x03", b"\x16\x03")    # alerts, and handshakes
_CUT = "the connection was cut: the broker did not say goodbye"
_HANDSHAKE_ENDED = ("the broker ended the handshake of TLS: does it speak"
                    " TLS?")


def _tls_error(error: Optional[BaseException]) -> Optional[Closed]:
    """What would be the same the next time is Untrusted, such as an alert for
    the certificate that the client has, or has not, shown. None if it has
    nothing to do with TLS."""
    if isinstance(error, (ssl.SSLEOFError, ssl.SSLSyscallError)):
        return Closed(_HANDSHAKE_ENDED)
    if isinstance(error, ssl.SSLCertVerificationError):
        return Untrusted("the broker's certificate is not accepted: "
                         f"{error.verify_message}")
    if isinstance(error, ssl.SSLError):
        sentence = _TLS_SENTENCES.get(error.reason, "TLS has failed")
        return Untrusted(f"{sentence} ({error.reason})")
    return None


class _Link(asyncio.Protocol):
    """A connection from its opening to its end. It passes what it receives to
    the client synchronously, in the order of the units."""

    def __init__(self, client: Client, opening: str, secret: bytes):
        loop = asyncio.get_running_loop()
        self._client, self._opening, self._secret = client, opening, secret
        self._framer, self._ids = _Framer(), itertools.count(1)
        self._calls: dict[str, tuple[asyncio.Future, Optional[Done]]] = {}
        self._can_write = asyncio.Event()
        self._can_write.set()
        self._heard, self._timer = loop.time(), None
        self.is_reading, self._said_bye = True, False
        self.info: Optional[dict[str, str]] = None
        self.is_lost = False
        self.ready: asyncio.Future = loop.create_future()
        self.ended: asyncio.Future = loop.create_future()
        # Calls that wait for GO, by channel: the write, and its future.
        self.held: dict[bytes, list[tuple[Callable, asyncio.Future]]] = {}
        self.numbers: dict[bytes, int] = {}   # the last one of each topic

    # what asyncio calls

    def connection_made(self, transport: Any) -> None:
        self._transport = transport
        try:
            self._client._tls.check(transport)
        except Untrusted as error:
            self.ready.set_exception(error)
            transport.abort()
            return
        self._write([self._opening], self._secret)

    def data_received(self, data: bytes) -> None:
        self._heard = asyncio.get_running_loop().time()
        if not self.ready.done() and (
                bytes(self._framer.buffer + data)[:2] in _TLS_RECORDS):
            self.ready.set_exception(Untrusted(
                "the server speaks TLS: a broker behind it is reached with"
                " tls: before the address"))
            self._transport.abort()
            return
        try:
            for head, body in self._framer.feed(data):
                self._take(_Head(head), body)
        except (ValueError, IndexError, KeyError, UnicodeError):
            self._transport.abort()   # the peer is not a broker
            raise
        self.look_at_room()

    def connection_lost(self, error: Optional[Exception]) -> None:
        self.is_lost = True
        if self._timer:
            self._timer.cancel()
        kind = NotExecuted if self._said_bye else OutcomeUnknown
        for answer, done in self._calls.values():
            if not answer.done():
                answer.set_exception(kind(self.end))
                answer.exception()    # the caller may be gone: no warning
        self._calls.clear()
        self._can_write.set()
        for waiting in self.held.values():
            for _, turn in waiting:
                if not turn.done():
                    turn.set_result(None)
        self.held.clear()
        if not self.ready.done():
            self.ready.set_exception(_tls_error(error) or Closed(
                "the broker ended the connection before it answered: does it"
                f" speak version 2{self._unless_tls(', without TLS')}?"))
        self._client._on_lost(self, self._said_bye)
        self.ended.set_result(None)

    @property
    def end(self) -> str:
        """How the connection has ended. A cut may be the work of somebody in
        between; TLS protects the goodbye."""
        return "the connection has ended" if self._said_bye else _CUT

    def _unless_tls(self, words: str) -> str:
        is_safe = self._client._server.startswith("unix:")
        return "" if is_safe or self._client._tls.context else words

    def pause_writing(self) -> None:
        self._can_write.clear()

    def resume_writing(self) -> None:
        self._can_write.set()

    # what goes out

    def _write(self, words: list[str], body: bytes) -> None:
        head = " ".join(words).encode("ascii")
        if len(head) > HEAD_MAX:
            raise ValueError("too much for a head")
        self._transport.write(_frame(head) + len(body).to_bytes(4, "big"))
        if body:
            self._transport.write(body)

    def submit(self, words: list[str], body: bytes = b"",
               confirm: bool = False,
               done: Optional[Done] = None) -> Optional[asyncio.Future]:
        """Writes a unit. With `confirm`, returns a future for the answer;
        `done` is called with the answer before the next unit is read."""
        if self.info and len(body) > int(self.info["max"]):
            raise TooBig("too-big", f"{len(body)} octets exceed the"
                                    f" broker's limit, {self.info['max']}")
        if not confirm:
            self._write(words, body)
            return None
        rid = str(next(self._ids))
        self._write([*words, f"rid={rid}"], body)
        answer = asyncio.get_running_loop().create_future()
        self._calls[rid] = answer, done
        self.look_at_room()
        return answer

    async def room(self) -> None:
        """Until the broker has taken enough of what was written."""
        await self._can_write.wait()

    async def send(self, words: list[str], body: bytes = b"",
                   confirm: bool = False) -> Optional[Answer]:
        await self.room()
        if self.is_lost:
            raise NotExecuted("the connection has ended")
        answer = self.submit(words, body, confirm)
        return await answer if answer else None

    def close(self) -> None:
        self._transport.close()

    def abort(self) -> None:
        self._transport.abort()

    # what comes in

    def _take(self, head: _Head, body: bytes) -> None:
        take = self.VERBS.get(head.verb)
        if take and not self._said_bye:   # unknown verbs are ignored
            take(self, head, body)

    def _on_info(self, head: _Head, _: bytes) -> None:
        self.info = head.options
        # Longer bodies may still be on their way when the limit shrinks.
        self._framer.limit = max(self._framer.limit, head.number("max"))
        if not self.ready.done():
            self.ready.set_result(None)
            self._client._on_open(self)
            self._watch()
        elif "drain" in head.options:
            self._client._tell(Draining())

    def _on_answer(self, head: _Head, body: bytes) -> None:
        answer, done = self._calls.pop(head.options.get("rid", ""),
                                       (None, None))
        if done:
            done(head, None)
        if answer and not answer.done():
            answer.set_result((head, body))

    def _on_err(self, head: _Head, body: bytes) -> None:
        code = head.arguments[0]
        error = REFUSALS.get(code, Refused)(code, body.decode("utf-8",
                                                              "replace"))
        answer, done = self._calls.pop(head.options.get("rid", ""),
                                       (None, None))
        if done:
            done(None, error)
        if answer and not answer.done():
            answer.set_exception(error)
            answer.exception()
        elif not self.ready.done():
            if code == "auth":
                error = Refused(code, error.text + self._unless_tls(
                    ": the broker may demand TLS"))
            self.ready.set_exception(error)
        elif answer is None:
            self._client._tell(Failure(error))

    def _on_msg(self, head: _Head, body: bytes) -> None:
        self._client._on_message(self, head, body)

    def _on_gap(self, head: _Head, _: bytes) -> None:
        self._client._on_gap(self, head)

    def _on_hold(self, head: _Head, _: bytes) -> None:
        self.held.setdefault(head.channel(), [])
        self._client._tell(Held(_text(head.channel())))

    def _on_go(self, head: _Head, _: bytes) -> None:
        """Calls that waited come before later ones, in their order."""
        for go_on, turn in self.held.pop(head.channel(), []):
            if turn.done():
                continue
            try:
                turn.set_result(go_on(self))
            except SluiceError as error:
                turn.set_exception(error)
        self._client._tell(Released(_text(head.channel())))

    def _on_ping(self, head: _Head, _: bytes) -> None:
        self._write(["PONG", *head.arguments[:1]], b"")

    def _on_bye(self, _head: _Head, _: bytes) -> None:
        self._said_bye = True
        self._transport.close()

    VERBS = {"INFO": _on_info, "OK": _on_answer, "REP": _on_answer,
             "PONG": _on_answer, "ERR": _on_err, "MSG": _on_msg,
             "GAP": _on_gap, "HOLD": _on_hold, "GO": _on_go,
             "PING": _on_ping, "BYE": _on_bye}

    # bounds

    def _watch(self) -> None:
        """Leaves a broker that has been silent for two periods."""
        period = _seconds(self.info["ping"]) if self.info else 0
        if period <= 0 or self.is_lost:
            return
        loop = asyncio.get_running_loop()
        silence = loop.time() - self._heard
        if silence >= 2 * period:
            self.abort()
            return
        if silence >= period:
            self.submit(["PING"], confirm=True)
        self._timer = loop.call_later(period / 2, self._watch)

    def look_at_room(self) -> None:
        """Messages of a queue without acknowledgements must not be lost, and
        must not fill the memory: when the buffer is full they wait in the
        socket. But a caller that waits for an answer may be the reader of
        these messages, so reading goes on until it has been answered."""
        must_wait = not self._calls and self._client._has_no_room()
        if must_wait == self.is_reading and not self.is_lost:
            self.is_reading = not must_wait
            if must_wait:
                self._transport.pause_reading()
            else:
                self._transport.resume_reading()


# The client.

class Client:
    """A connection to a broker, and its successors. Made by connect()."""

    def __init__(self, server: _Tls, opening: str, secret: bytes, *,
                 reconnect: bool, patient: bool, buffer: int,
                 on_event: Optional[Callable[[Any], None]]):
        self._tls, self._server = server, server.server
        self._opening, self._secret = opening, secret
        self._reconnect, self._patient = reconnect, patient
        self._buffer, self._on_event = buffer, on_event
        self._link: Optional[_Link] = None
        self._subscriptions: dict[str, Subscription] = {}
        self._live: dict[str, Subscription] = {}     # those that were answered
        self._unbounded: list[Subscription] = []     # of them, what no bound
                                                     # of the broker's holds
        self._readers: dict[bytes, list[Subscription]] = {}   # by channel
        self._run: Optional[str] = None
        self._waiters: list[asyncio.Future] = []
        self._is_closing = False
        self._error: Optional[SluiceError] = None
        self._task: Optional[asyncio.Task] = None
        self._pause_s = PAUSE_FIRST_S    # before the next connection

    @property
    def info(self) -> dict[str, str]:
        """Limits and other properties of the broker."""
        return dict(self._link.info or {}) if self._link else {}

    # its life

    async def _start(self) -> Client:
        link = await (self._come(True) if self._patient else self._try())
        self._task = asyncio.create_task(self._stay(link))
        return self

    async def _try(self) -> _Link:
        """Once; OSError, Refused or Closed when it fails."""
        loop = asyncio.get_running_loop()

        def make() -> _Link:
            return _Link(self, self._opening, self._secret)
        if self._server.startswith("unix:"):
            _, link = await loop.create_unix_connection(make, self._server[5:])
        else:
            link = await self._dial(loop, make)
        try:
            await asyncio.wait_for(asyncio.shield(link.ready), OPEN_S)
        except BaseException as error:
            link.ready.cancel()
            link.abort()
            if isinstance(error, asyncio.TimeoutError):
                raise Closed("the broker does not answer") from None
            raise
        return link

    async def _dial(self, loop: Any, make: Callable[[], _Link]) -> _Link:
        host, _, port = self._server.rpartition(":")
        host, more = host.strip("[]"), {}
        self._tls.refresh()
        if self._tls.context:
            more = {"ssl": self._tls.context, "ssl_handshake_timeout": OPEN_S,
                    "server_hostname": self._tls.name or host}
        try:
            _, link = await loop.create_connection(make, host, int(port),
                                                   **more)
        except ssl.SSLError as error:
            raise _tls_error(error) from error
        except (ConnectionResetError, BrokenPipeError) as error:
            if not more:
                raise
            raise Closed(_HANDSHAKE_ENDED) from error    # asyncio says nothing
        return link

    async def _come(self, is_first: bool) -> _Link:
        """Until it succeeds, with growing pauses; they are random, so that
        clients do not come back all at once."""
        while True:
            if not is_first:
                await asyncio.sleep(self._pause_s * random.uniform(0.5, 1))
                self._pause_s = min(2 * self._pause_s, PAUSE_LAST_S)
            is_first = False
            try:
                return await self._try()
            except Refused as error:
                if error.code in HOPELESS:
                    raise
            except Untrusted:
                raise
            except (OSError, Closed):
                pass

    async def _stay(self, link: _Link) -> None:
        error: SluiceError = Closed("the connection has ended")
        loop = asyncio.get_running_loop()
        try:
            while True:
                began = loop.time()
                await asyncio.shield(link.ended)
                if self._is_closing or not self._reconnect:
                    error = Closed(link.end)
                    break
                # A broker that accepts and ends connections is not flooded.
                if loop.time() - began > PAUSE_LAST_S:
                    self._pause_s = PAUSE_FIRST_S
                link = await self._come(False)
        except (Refused, Untrusted) as refused:
            error = refused
        finally:
            self._end(None if self._is_closing else error)

    def _end(self, error: Optional[SluiceError]) -> None:
        """error: None when that was wanted."""
        self._is_closing = True
        self._error = error or Closed("the client is closed")
        for subscription in self._subscriptions.values():
            subscription._end(error)
        self._subscriptions.clear()
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    async def close(self, timeout: float = 5.0) -> None:
        """Leaves in an orderly way: all calls before are executed. Messages
        that are not acknowledged return to their queues."""
        was_closing, self._is_closing = self._is_closing, True
        link = self._link
        if link and not link.is_lost and not was_closing:
            try:
                await asyncio.wait_for(self._say_goodbye(link), timeout)
            except (asyncio.TimeoutError, SluiceError):
                pass
            link.abort()
        if self._task:
            if not link or link.is_lost:
                self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @staticmethod
    async def _say_goodbye(link: _Link) -> None:
        await link.send(["BYE"], confirm=True)
        await asyncio.shield(link.ended)

    async def __aenter__(self) -> Client:
        return self

    async def __aexit__(self, *_: Any) -> None:
        await self.close()

    async def _ready(self) -> _Link:
        """The connection, as soon as there is one."""
        while not self._link or self._link.is_lost:
            if self._is_closing:
                raise self._error or Closed("the client is closed")
            waiter = asyncio.get_running_loop().create_future()
            self._waiters.append(waiter)
            try:
                await waiter
            finally:
                self._waiters.remove(waiter)
        if self._is_closing:
            raise self._error or Closed("the client is closed")
        return self._link

    def _tell(self, event: Any) -> None:
        if self._on_event:
            self._on_event(event)

    # called by its links

    def _on_open(self, link: _Link) -> None:
        run = link.info.get("run") if link.info else None
        is_same = run == self._run
        is_first = self._run is None
        self._link, self._run = link, run
        self._tell(Connected(self.info, is_same))
        for subscription in list(self._subscriptions.values()):
            self._subscribe_again(link, subscription, is_same and not is_first)
        for waiter in self._waiters:
            if not waiter.done():
                waiter.set_result(None)

    def _on_lost(self, link: _Link, said_bye: bool) -> None:
        if link is not self._link:
            return    # it was never open
        for subscription in self._live.values():
            subscription._forget_deliveries()
            if subscription._is_numbered:
                subscription._base = link.numbers.get(
                    subscription._pattern.name, subscription._base)
        self._live.clear()
        self._on_live_changed()
        if not self._is_closing:
            self._tell(Disconnected(said_bye))

    def _on_live_changed(self) -> None:
        self._readers.clear()
        self._unbounded = [s for s in self._live.values()
                           if s._is_queue and not s.acks]

    def _readers_of(self, channel: bytes) -> list[Subscription]:
        readers = self._readers.get(channel)
        if readers is None:
            if len(self._readers) >= CHANNELS_MAX:
                self._readers.clear()
            readers = self._readers[channel] = [
                s for s in self._live.values() if s._pattern.matches(channel)]
        return readers

    def _follow(self, link: _Link, channel: bytes, head: _Head, first: int,
                last: int) -> None:
        """Checks that the numbers of a topic continue, or start again."""
        if _world(channel) == "queue":
            return
        before = link.numbers.pop(channel, None)
        link.numbers[channel] = last    # the latest are the last
        if len(link.numbers) > CHANNELS_MAX:
            del link.numbers[next(iter(link.numbers))]
        is_next = before is None or first == before + 1 or (
            "new" in head.options and first > before)
        if not is_next:
            self._tell(NumbersBroken(_text(channel), before + 1, first))

    def _on_message(self, link: _Link, head: _Head, body: bytes) -> None:
        channel, number = head.channel(), int(head.arguments[1])
        readers = self._readers_of(channel)
        if readers:
            self._follow(link, channel, head, number, number)
        for subscription in readers:
            if number > subscription._base:
                subscription._put_message(
                    Message(subscription, link, head, body))

    def _on_gap(self, link: _Link, head: _Head) -> None:
        channel = head.channel()
        first, last = (int(number) for number in head.arguments[1:3])
        readers = self._readers_of(channel)
        if readers:
            self._follow(link, channel, head, first, last)
        for subscription in readers:
            if last > subscription._base:
                subscription._put_gap(Gap(
                    _text(channel), max(first, subscription._base + 1), last,
                    head.options.get("why", "slow"), "new" in head.options))

    def _was_read(self) -> None:
        if self._link and not self._link.is_reading:
            self._link.look_at_room()

    def _has_no_room(self) -> bool:
        return any(s._is_full for s in self._unbounded)

    # publishing

    async def publish(self, channel: Name, body: Union[str, bytes] = b"",
                      headers: Optional[Headers] = None, *,
                      confirm: Union[bool, str] = False
                      ) -> Optional[Receipt]:
        """Hands a message to the broker. Waits while the broker takes no more
        data, while it holds this channel back, and while there is no
        connection. With `confirm` it also waits for the receipt, and raises
        Refused if the broker refuses the message. With confirm="sync" the
        receipt of a durable queue comes when the message is on disk."""
        name, octets = _octets(channel), _octets(body)
        words = _routed("PUB", _spell_channel(name), headers)
        if confirm not in (False, True, "route", "sync"):
            raise ValueError("confirm is True, \"route\" or \"sync\"")
        if confirm == "sync":
            words = [*words, "confirm=sync"]

        def write(link: _Link) -> Any:
            return link, link.submit(words, octets, bool(confirm))
        sent = None
        while sent is None:
            link = await self._ready()
            await link.room()
            if link.is_lost:
                continue
            if name in link.held:
                turn = asyncio.get_running_loop().create_future()
                link.held[name].append((write, turn))
                sent = await turn    # None: the connection was lost
            else:
                sent = write(link)
        if not confirm:
            return None
        head, _ = await sent[1]
        return Receipt(head.number("seq"), head.number("subs"),
                       head.number("drop"), head.number("held"),
                       head.number("sync") == 1)

    async def request(self, channel: Name, body: Union[str, bytes] = b"",
                      headers: Optional[Headers] = None, *,
                      timeout: float = 5.0) -> Reply:
        """Sends a request and returns the first reply. Raises NoResponder if
        there is no subscriber, RequestTimeout if none of them replies."""
        words = _routed("REQ", _spell_channel(_octets(channel)), headers)
        words.append(f"timeout={_spell_seconds(timeout)}")
        head, octets = await self._call(words, _octets(body))
        return Reply(octets, head.headers)

    async def _call(self, words: list[str], body: bytes = b"") -> Answer:
        link = await self._ready()
        answer = await link.send(words, body, confirm=True)
        assert answer
        return answer

    # subscribing

    def subscribe(self, pattern: Name, *, ack: Optional[bool] = None,
                  credit: Optional[int] = None, wait: Optional[float] = None,
                  gaps: bool = False) -> _Opening[Subscription]:
        """`async with broker.subscribe(...) as messages`, or `await`.

        pattern  "*" is one segment, "**" at the end any number of segments,
                 "%XX" one octet; see exact()
        ack      for queues. None: a message is acknowledged when the next
                 one is asked for. True: by message.ack(). False: the broker
                 considers a message done when it has sent it
        credit   how many messages may be unacknowledged; 1
        wait     seconds after which an unacknowledged message is delivered
                 to another worker
        gaps     yield Gap and Missed, too
        """
        meant = _Pattern(pattern)
        options = {}
        if meant.world == "queue" and ack is not False:
            options = {"ack": "yes",
                       "credit": str(1 if credit is None else credit)}
            if wait is not None:
                options["wait"] = _spell_seconds(wait)
        elif ack or credit is not None or wait is not None:
            raise ValueError(ONLY_QUEUES)
        subscription = Subscription(self, meant, options, gaps)
        subscription._acks_itself = bool(options) and ack is None

        async def start() -> Subscription:
            link = await self._ready()
            await link.room()
            if link.is_lost:
                raise NotExecuted("the connection has ended")
            answer = self._submit_sub(link, subscription, None)
            try:
                await answer
            except asyncio.CancelledError:
                await self._unsubscribe(subscription)
                raise
            return subscription
        return _Opening(start)

    def _submit_sub(self, link: _Link, subscription: Subscription,
                    is_same_run: Optional[bool]) -> asyncio.Future:
        """is_same_run: whether the broker runs since the last connection;
        None for a new subscription."""
        def done(head: Optional[_Head], error: Optional[Refused]) -> None:
            if head:
                self._on_subscribed(link, subscription, head, is_same_run)
            elif is_same_run is not None:
                self._subscriptions.pop(subscription.pattern, None)
                subscription._end(error)
                self._tell(Failure(error))
        words = ["SUB", subscription.pattern]
        words += [f"{k}={v}" for k, v in subscription._options.items()]
        answer = link.submit(words, confirm=True, done=done)
        assert answer
        return answer

    def _on_subscribed(self, link: _Link, subscription: Subscription,
                       head: _Head, is_same_run: Optional[bool]) -> None:
        pattern, before = subscription._pattern, subscription._base
        if subscription._is_over:    # given up while it was made
            if not link.is_lost:
                link.submit(["UNSUB", pattern.written], confirm=True)
            return
        if subscription._is_numbered:
            seq = head.number("seq")
            missed = None if not is_same_run else max(0, seq - before)
            if is_same_run is not None and missed != 0:
                subscription._put_missed(missed)
            # Earlier messages may still be on their way for another pattern.
            if not self._readers_of(pattern.name):
                link.numbers[pattern.name] = seq
            subscription._base = subscription.seq = seq
        self._subscriptions[subscription.pattern] = subscription
        self._live[subscription.pattern] = subscription
        self._on_live_changed()

    def _subscribe_again(self, link: _Link, subscription: Subscription,
                         is_same_run: bool) -> None:
        answer = self._submit_sub(link, subscription, is_same_run)
        answer.add_done_callback(lambda future: future.cancelled()
                                 or future.exception())

    async def _unsubscribe(self, subscription: Subscription) -> None:
        """Messages that arrive from now on are not for it. The numbers of
        channels that no other subscription matches are forgotten."""
        subscription._end()
        subscription._forget_deliveries()
        if self._subscriptions.get(subscription.pattern) is not subscription:
            return
        del self._subscriptions[subscription.pattern]
        was_live = self._live.pop(subscription.pattern, None)
        self._on_live_changed()
        link = self._link
        if not was_live or not link or link.is_lost:
            return
        for channel in [c for c in link.numbers
                        if subscription._pattern.matches(c)
                        and not self._readers_of(c)]:
            del link.numbers[channel]
        try:
            answer = await link.send(["UNSUB", subscription.pattern],
                                     confirm=True)
        except (Gone, Closed):
            return
        if answer and subscription._is_numbered:
            subscription.seq = answer[0].number("seq")


def _mech_of(user: str, secret: Union[str, bytes], mech: str) -> str:
    if mech == "ed25519":
        raise ValueError("Python's standard library cannot sign with Ed25519:"
                         " use a token, a password, or a certificate of the"
                         " client (tls=)")
    if mech not in ("", "plain", "token"):
        raise ValueError(f"mech is \"plain\" or \"token\", not {mech!r}")
    if mech and not secret:
        raise ValueError(f"mech={mech!r} needs a secret")
    if mech == "plain" and not user:
        raise ValueError("a password needs its user")
    return mech or (("plain" if user else "token") if secret else "")


def connect(server: Optional[str] = None, *, name: str = "",
            ping: Optional[float] = None, user: str = "",
            secret: Union[str, bytes] = b"", mech: str = "",
            tls: Union[None, bool, ssl.SSLContext] = None,
            tls_name: Optional[str] = None, tls_pin: Optional[str] = None,
            reconnect: bool = True,
            patient: bool = False, buffer: int = 64 << 20,
            on_event: Optional[Callable[[Any], None]] = None
            ) -> _Opening[Client]:
    """`async with sluice.connect() as broker`, or `await`.

    server     "host:port", "[v6]:port" or "unix:PATH", or "tls:host:port";
               else $SLUICE_SERVER, else 127.0.0.1:25000
    tls        True, or an ssl.SSLContext; None: if the server begins with
               "tls:", or $SLUICE_TLS is "yes". Without a context the files are
               those of $SLUICE_TLS_CA, _CERT and _KEY
    tls_name   what the broker must prove to be, if not its host
    tls_pin    "sha256:..." of the broker's public key or certificate: its name
               and who has signed it count only if tls_name or $SLUICE_TLS_CA is
               given
    name       shown in the broker's monitoring
    user       who this is: with its password as `secret`
    secret     a password; or a token, which says by itself who this is
    mech       what the secret is: "plain", a password, or "token"; else a
               password beside a user, and a token without one
    ping       keepalive period in seconds; 0 turns it off
    reconnect  reconnect when the connection is lost, and subscribe again
    patient    retry the first connection, too, instead of raising an error
    buffer     octets of messages that may wait in each subscription
    on_event   called with Connected, Disconnected, Draining, Held, Released,
               NumbersBroken and Failure as they happen; it must not raise
    """
    options = {"name": name, "user": user,
               "mech": _mech_of(user, secret, mech)}
    words = ["\0SLUICE/2", *(f"{k}={_spell(_octets(v))}"
                             for k, v in options.items() if v)]
    if ping is not None:
        words.append(f"ping={_spell_seconds(ping)}")
    if server is None:
        server = os.environ.get("SLUICE_SERVER") or DEFAULT_SERVER
    target = _Tls(server, tls, tls_name, tls_pin)
    client = Client(target, " ".join(words), _octets(secret),
                    reconnect=reconnect, patient=patient, buffer=buffer,
                    on_event=on_event)
    return _Opening(client._start)
