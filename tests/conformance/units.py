# SPDX-License-Identifier: MIT
"""Units of version 2, without any code of the project itself.

A unit is two frames, a head and a body. An expectation is written as a head,
too: verb, arguments and headers must be equal, headers in order; every option
must be present with that value, and others may be. "*" is any value; "$x" is
captured on first use and must be equal later.
"""
import concurrent.futures
import os
import re
import socket
import struct
import time

PATIENCE_S = float(os.environ.get("SUITE_PATIENCE", "10"))
HEAD_MAX = 4096
READABLE = re.compile(rb"(?!.*%(?![0-9A-Fa-f]{2}))[!-~]+( [!-~]+)*")


class Failed(Exception):
    """What the other side did wrong."""


def frame(data):
    return struct.pack(">I", len(data)) + data


def unit(head, body=b""):
    return frame(head.encode("latin-1")) + frame(body)


def show(head, body):
    more = f"... {len(body)} octets" if len(body) > 60 else ""
    return f"{head!r} {body[:60]!r}{more}"


class Head:
    """A head taken apart; every token is still spelled as it was."""

    def __init__(self, text):
        first, *rest = text.split(" ")
        if first[:1] in ("/", "@"):  # PUB was left out
            first, rest = "PUB", [first, *rest]
        pairs = [token.split("=", 1) for token in rest if "=" in token]
        self.verb = first
        self.arguments = [token for token in rest if "=" not in token]
        self.options = {name: value for name, value in pairs
                        if not name[:1].isupper()}
        self.headers = [(name, value) for name, value in pairs
                        if name[:1].isupper()]


def spell(octets, special=b"%"):
    """Octets as they are written in a head."""
    return "".join(chr(o) if 0x20 < o < 0x7f and o not in special
                   else f"%{o:02X}" for o in octets)


def spell_channel(name):
    """The canonical spelling."""
    text = spell(name, b"%=*")
    return "%40" + text[1:] if text.startswith("@") else text


def normal(text):
    """One word for all spellings of an argument or value, and for all ways to
    write a duration."""
    duration = re.fullmatch(r"(\d{1,9})(ms|s|m|h|d)", text)
    if duration:
        factor = {"ms": 1, "s": 1000, "m": 60000, "h": 3600000, "d": 86400000}
        return f"{int(duration[1]) * factor[duration[2]]}ms"
    return re.sub(r"%..", lambda found: spell(bytes.fromhex(found[0][1:]),
                                              b"%=*@"), text)


def is_same(wanted, found, known):
    if wanted == "*":
        return True
    if wanted.startswith("$"):
        return known.setdefault(wanted, found) == found
    return normal(wanted) == normal(found)


ANSWERS = ("ERR", "OK", "PONG")


def matches(wanted, text, known):
    """Whether a head is the one that was wanted; what it captures is noted in
    `known` if it is. It may have more options, but an answer has no rid that is
    not wanted."""
    trial = dict(known)
    want, have = Head(wanted), Head(text)
    is_equal = (want.verb == have.verb
                and (want.verb not in ANSWERS or "rid" in want.options
                     or "rid" not in have.options)
                and len(want.arguments) == len(have.arguments)
                and all(is_same(w, h, trial)
                        for w, h in zip(want.arguments, have.arguments))
                and all(name in have.options
                        and is_same(value, have.options[name], trial)
                        for name, value in want.options.items())
                and len(want.headers) == len(have.headers)
                and all(w[0] == h[0] and is_same(w[1], h[1], trial)
                        for w, h in zip(want.headers, have.headers)))
    if is_equal:
        known.update(trial)
    return is_equal


# What a client may send: arguments, options, whether headers may follow.
LEGAL = {"ACK": ((2,), "rid", False), "BYE": ((0,), "rid", False),
         "CREDIT": ((2,), "rid", False), "NAK": ((2,), "rid delay", False),
         "PING": ((0, 1), "rid", False), "PONG": ((0, 1), "", False),
         "PUB": ((1,), "rid confirm", True), "REQ": ((1,), "rid timeout", True),
         "SUB": ((1,), "rid ack credit wait", False),
         "TOUCH": ((2,), "rid", False), "UNSUB": ((1,), "rid", False)}
RID = re.compile(r"[A-Za-z0-9._-]{1,32}")


def check_legal(text):
    """Fails unless a client's unit is legal; its channel is not judged."""
    head = Head(text)
    if head.verb not in LEGAL:
        raise Failed(f"{text!r} has a verb that there is not")
    arguments, options, takes_headers = LEGAL[head.verb]
    strange = set(head.options) - set(options.split())
    if (len(head.arguments) not in arguments or strange
            or (head.headers and not takes_headers)
            or not RID.fullmatch(head.options.get("rid", "1"))
            or (head.verb == "REQ" and "rid" not in head.options)):
        raise Failed(f"{text!r} is not legal")


def fill_in(text, known):
    """What was captured, in the places of its names."""
    return re.sub(r"\$\w+", lambda found: known[found[0]], text)


class Connection:
    """One socket, with a deadline on everything that is waited for."""

    def __init__(self, sock):
        if sock.family != socket.AF_UNIX:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        sock.settimeout(PATIENCE_S)
        self.sock = sock
        self.rest = b""

    def send(self, data, is_cut=False):
        """In one piece, or octet by octet as far as that ends one day."""
        step = 1 if is_cut and len(data) <= 20000 else max(1, len(data))
        try:
            for at in range(0, len(data), step):
                self.sock.sendall(data[at:at + step])
        except (BrokenPipeError, ConnectionResetError):
            pass  # the next step sees how it ended

    def _receive(self):
        try:
            return self.sock.recv(65536)
        except socket.timeout:
            so_far = f", only {self.rest[:80]!r}" if self.rest else ""
            raise Failed(f"nothing came for {PATIENCE_S} s{so_far}") from None
        except ConnectionResetError:
            raise Failed("the connection was reset") from None

    def _need(self, count):
        while len(self.rest) < count:
            more = self._receive()
            if not more:
                after = f" after {self.rest[:80]!r}" if self.rest else ""
                raise Failed(f"the connection ended{after}")
            self.rest += more

    def octets(self, count):
        self._need(count)
        taken, self.rest = self.rest[:count], self.rest[count:]
        return taken

    def frame(self):
        length = struct.unpack(">I", self.octets(4))[0]
        if length > 64 << 20:
            raise Failed(f"a frame of {length} octets")
        return self.octets(length)

    def unit(self):
        """(head as text, body). The head must obey the grammar."""
        head = self.frame()
        if len(head) > HEAD_MAX or not READABLE.fullmatch(head):
            raise Failed(f"a head that breaks the grammar: {head[:80]!r}")
        return head.decode("ascii"), self.frame()

    def expect_end(self, is_orderly):
        """No octet more, and then the end; a reset only if it need not be
        orderly."""
        try:
            more = self.rest or self.sock.recv(100)
        except socket.timeout:
            raise Failed("the connection stays") from None
        except ConnectionResetError:
            if is_orderly:
                raise Failed("reset instead of an orderly end") from None
            return
        if more:
            raise Failed(f"more came instead of the end: {more[:80]!r}")

    def shut_down(self):
        self.sock.shutdown(socket.SHUT_WR)

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()

    def close(self):
        self.sock.close()


def connect(address, until=None):
    """A Connection, as soon as the address accepts one; waits until
    `until()`."""
    while True:
        try:
            return Connection(socket.create_connection(address, PATIENCE_S))
        except ConnectionRefusedError:
            if until is None or until():
                raise
            time.sleep(0.02)


def verdict(case):
    """Why a case (title, call, arguments) fails; None if it holds."""
    _, call, *arguments = case
    try:
        call(*arguments)
    except Failed as error:
        return str(error)
    return None


def play_all(cases, args):
    """Plays them; a line for each that fails. The exit status of a program
    that does only that."""
    cases = list(cases)
    passed = 0
    with concurrent.futures.ThreadPoolExecutor(args.j) as pool:
        for case, failure in zip(cases, pool.map(verdict, cases)):
            passed += failure is None
            if failure is not None:
                print(f"FAILED  {case[0]}: {failure}", flush=True)
            elif args.v:
                print(f"held    {case[0]}", flush=True)
    print(f"{passed} passed, {len(cases) - passed} failed")
    return 0 if cases and passed == len(cases) else 1


def play_arguments(parser):
    """The options of both programs of the suite."""
    parser.add_argument("-k", default="", metavar="WORD",
                        help="only those with this in their name")
    parser.add_argument("--whole", action="store_true",
                        help="nothing cut into octets")
    parser.add_argument("--cut", action="store_true",
                        help="only cut into octets")
    parser.add_argument("-j", type=int, default=1, metavar="N",
                        help="so many at once")
    parser.add_argument("-v", action="store_true", help="name those that hold")


def ways(args):
    """(is_cut, what to say of it)"""
    return [(is_cut, ", octet by octet" if is_cut else "")
            for is_cut in (False, True)
            if not (is_cut and args.whole) and not (args.cut and not is_cut)]
