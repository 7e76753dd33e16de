# SPDX-License-Identifier: MIT
"""Each kind of door with each of its words against each kind of client: one
table says what becomes of them, and each of its cells is tried."""
import collections
import contextlib
import fcntl
import hashlib
import itertools
import os
import pathlib
import socket
import tempfile

import certificates
import tls_socket
from frames import Decoder, frame
from unit_client import OPENING, unit
from wire import DEADLINE, WireTest, main

ABOVE = 40  # descriptors of inherited sockets
TOKEN = b"sl_of-the-table"
TOPIC = b"/topic/table"
USERS = f"""[user "thermo"]
token = sha256:{hashlib.sha256(TOKEN).hexdigest()}
publish = /topic/**
subscribe = /topic/**
monitor = yes
"""
TLS, AUTH, YES_NO = ("none", "allowed", "required"), ("none", "required"), \
    ("yes", "no")
IN, OUT = "in", "out"
AT_ONCE = 6  # doors of one broker: bash has uses of its own for more files

Door = collections.namedtuple("Door", "kind tls auth v1")
Visitor = collections.namedtuple("Visitor", "speech is_secured shows_token")

MESSAGES = [Door(*words) for words in itertools.product(
    ("tcp", "unix", "inherited"), TLS, AUTH, YES_NO)]
DOCUMENTS = [Door(*words, None) for words in itertools.product(
    ("tcp", "unix"), TLS, AUTH)]
VISITORS = [Visitor(*kind) for kind in itertools.product(
    ("v1", "v2", "http"), (False, True), (False, True))
    if kind[0] != "v1" or not kind[2]]  # version 1 has no place for a token


def at_messages(door, visitor):
    """What a client hears at a door of messages: the first rule that applies,
    and the order of rules is a promise as well."""
    if visitor.is_secured and door.tls == "none":
        return OUT
    if visitor.speech == "http":
        return OUT
    if not visitor.is_secured and door.tls == "required":
        return {"v1": OUT, "v2": b"ERR auth"}[visitor.speech]
    if visitor.speech == "v1" and door.v1 == "no":
        return OUT
    if door.auth == "required" and not visitor.shows_token:
        return {"v1": OUT, "v2": b"ERR auth"}[visitor.speech]
    return IN


def at_documents(door, visitor):
    if visitor.is_secured and door.tls == "none":
        return OUT
    if visitor.speech != "http":
        return OUT
    if not visitor.is_secured and door.tls == "required":
        return 426
    return 401 if door.auth == "required" and not visitor.shows_token else IN


def words_of(door):
    return "".join(f" {name}={value}" for name, value in zip(
        door._fields[1:], door[1:]) if value)


def place_of(door, number, folder):
    """Where a door is that is not inherited: each at its own address."""
    return (f"unix:{folder}/{number}" if door.kind == "unix"
            else f"127.0.1.{number + 1}:0")


def found(place, opened):
    """Its address, when the port is known."""
    return next(address for address in opened if address == place or
                (place.endswith(":0") and address.startswith(place[:-1])))


class Table(WireTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-table-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        users = self.folder / "users.conf"
        users.write_text(USERS)
        users.chmod(0o600)
        self.args = ("--users", str(users), *certificates.server_options())
        self.context = tls_socket.context()

    def inherit(self):
        """A socket, as a service manager would pass it: its number with us,
        and its address."""
        sock = socket.create_server(("127.0.0.1", 0))
        fd = fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, ABOVE)
        self.addCleanup(os.close, fd)
        self.addCleanup(sock.close)
        return fd, f"127.0.0.1:{sock.getsockname()[1]}"

    def connect_to(self, address, is_secured):
        if address.startswith("unix:"):
            sock = socket.socket(socket.AF_UNIX)
            sock.settimeout(DEADLINE)
            sock.connect(address[5:])
        else:
            host, port = address.rsplit(":", 1)
            sock = socket.create_connection((host, int(port)), DEADLINE)
        self.addCleanup(sock.close)
        return tls_socket.wrap(sock, made=self.context) if is_secured else sock

    def visit(self, address, visitor):
        """What becomes of such a client."""
        with contextlib.suppress(OSError):
            with self.connect_to(address, visitor.is_secured) as sock:
                return getattr(self, f"speak_{visitor.speech}")(
                    sock, visitor.shows_token)
        return OUT

    def first_frame(self, sock):
        decoder = Decoder()
        while data := sock.recv(1 << 16):
            for message in decoder.feed(data):
                return message
        return None

    def speak_v1(self, sock, _):
        sock.sendall(frame(TOPIC) + frame(TOPIC) + frame(b"heard"))
        return IN if self.first_frame(sock) == b"heard" else OUT

    def speak_v2(self, sock, shows_token):
        sock.sendall(unit(OPENING[0] + b" mech=token", TOKEN) if shows_token
                     else unit(*OPENING))
        head = self.first_frame(sock)
        if head is None:
            return OUT
        return IN if head.startswith(b"INFO ") else head

    def speak_http(self, sock, shows_token):
        shown = f"Authorization: Bearer {TOKEN.decode()}\r\n" * shows_token
        sock.sendall(f"GET /stats HTTP/1.1\r\nHost: localhost\r\n{shown}"
                     "Connection: close\r\n\r\n".encode())
        answer = b""
        while data := sock.recv(1 << 16):
            answer += data
        if not answer.startswith(b"HTTP/1.1 "):
            return OUT
        status = int(answer.split()[1])
        return IN if status == 200 else status

    def check_all(self, doors, addresses, expected):
        cells = collections.Counter()
        for (door, address), visitor in itertools.product(
                zip(doors, addresses, strict=True), VISITORS):
            with self.subTest(door=door, visitor=visitor):
                wanted = expected(door, visitor)
                self.assertEqual(self.visit(address, visitor), wanted)
                cells[wanted] += 1
        return cells

    def test_doors_of_messages(self):
        cells = sum((self.check_messages(MESSAGES[at:at + AT_ONCE])
                     for at in range(0, len(MESSAGES), AT_ONCE)),
                    collections.Counter())
        self.assertEqual(sum(cells.values()), len(MESSAGES) * len(VISITORS))
        self.assertGreater(min(cells.values()), 20)

    def check_messages(self, doors):
        inherited = [self.inherit() if door.kind == "inherited" else None
                     for door in doors]
        fds = [pair[0] for pair in inherited if pair]
        folder = tempfile.mkdtemp(dir=self.folder)
        places = [pair[1] if pair else place_of(door, i, folder)
                  for i, (door, pair) in enumerate(zip(doors, inherited))]
        moves = " ".join(f"{3 + i}<&{fd} {fd}<&-" for i, fd in enumerate(fds))
        broker = self.broker(
            *self.args, pass_fds=tuple(fds),
            listen=[place + words_of(door)
                    for place, door in zip(places, doors)],
            prefix=("bash", "-c", f"exec {moves}; LISTEN_PID=$$ "
                    f'LISTEN_FDS={len(fds)} exec "$0" "$@"') if fds else ())
        addresses = [found(place, broker.addresses) for place in places]
        return self.check_all(doors, addresses, at_messages)

    def test_doors_of_documents(self):
        places = [place_of(door, i, self.folder)
                  for i, door in enumerate(DOCUMENTS)]
        options = [word for place, door in zip(places, DOCUMENTS)
                   for word in ("--http", place + words_of(door))]
        broker = self.broker(*self.args, *options)
        opened = [broker.wait_for_log("event=serving_http", count=i + 1)
                  .fields["addr"] for i in range(len(DOCUMENTS))]
        addresses = [found(place, opened) for place in places]
        cells = self.check_all(DOCUMENTS, addresses, at_documents)
        self.assertEqual(sum(cells.values()), len(DOCUMENTS) * len(VISITORS))
        self.assertEqual(set(cells), {IN, OUT, 401, 426})


if __name__ == "__main__":
    main()
