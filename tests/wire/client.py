# SPDX-License-Identifier: MIT
"""One connection to a broker, over TCP or a unix socket.

Blocking, with a deadline on every call: a test that would hang fails. Safe
for one reader and one writer thread at a time.
"""
import collections
import os
import socket
import struct
import time

from frames import Decoder, frame, numbered_pairs, number_of, pairs
from tls_socket import wrap

DEADLINE = 60  # seconds; generous, because sanitizers and busy machines are
CHUNK = 1 << 18
WITH_TLS = "WIRE_TLS" in os.environ  # clients of these tests have it


def open_plain(address, rcvbuf=None, deadline=DEADLINE):
    """A connected socket; `address` is host:port, [v6]:port or unix:PATH."""
    if address.startswith("unix:"):
        sock, where = socket.socket(socket.AF_UNIX), address[5:]
    else:
        host, port = address.rsplit(":", 1)
        family = socket.AF_INET6 if host[0] == "[" else socket.AF_INET
        sock, where = socket.socket(family), (host.strip("[]"), int(port))
    if rcvbuf:  # before connecting, or the window is already promised
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, rcvbuf)
    sock.settimeout(deadline)
    try:
        sock.connect(where)
    except OSError:
        sock.close()
        raise
    return sock


def open_socket(*args, has_tls=WITH_TLS, **kwargs):
    """The same, with TLS if all clients have it."""
    sock = open_plain(*args, **kwargs)
    return wrap(sock) if has_tls else sock


class Client:
    def __init__(self, address, rcvbuf=None, deadline=DEADLINE,
                 has_tls=WITH_TLS):
        self.sock = open_socket(address, rcvbuf, deadline, has_tls=has_tls)
        self.deadline = deadline
        self._decoder = Decoder()
        self._messages = collections.deque()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    # sending

    def send(self, data):
        """Raw bytes, all of them."""
        self.sock.sendall(data)
        return self

    def subscribe(self, channel):
        """The first frame. The broker does not answer it: see sync()."""
        return self.send(frame(channel))

    def publish(self, channel, *messages):
        return self.send(pairs(channel, messages))

    def flood(self, channel, count, size, start=0):
        """`count` numbered messages in segments of about 256 KiB."""
        step = max(1, CHUNK // size)
        for at in range(start, start + count, step):
            numbers = range(at, min(at + step, start + count))
            self.send(numbered_pairs(channel, numbers, size))
        return self

    def goodbye(self):
        """An empty channel name: flush what I am owed, then close."""
        return self.send(frame(b""))

    # receiving

    def recv(self, deadline=None):
        """The next message; EOFError when the broker closed instead."""
        until = time.monotonic() + (deadline or self.deadline)
        while not self._messages:
            if not self._read(until):
                raise EOFError("closed by the broker")
        return self._messages.popleft()

    def recv_many(self, count, deadline=None):
        return [self.recv(deadline) for _ in range(count)]

    def recv_numbers(self, count, deadline=None):
        return [number_of(self.recv(deadline)) for _ in range(count)]

    def recv_until_closed(self, deadline=None):
        """All messages up to the end of the connection, by FIN or RST."""
        self.wait_closed(deadline)
        messages = list(self._messages)
        self._messages.clear()
        return messages

    def wait_closed(self, deadline=None):
        """How the broker ended the connection: "eof" or "reset"."""
        until = time.monotonic() + (deadline or self.deadline)
        try:
            while self._read(until):
                pass
        except (ConnectionResetError, BrokenPipeError):
            return "reset"
        return "eof"

    def is_closed_within(self, seconds):
        try:
            self.wait_closed(seconds)
        except TimeoutError:
            return False
        return True

    @property
    def waiting(self):
        """How many messages are read from the socket and not taken."""
        return len(self._messages)

    @property
    def unfinished(self):
        """Bytes of a message that has not arrived whole."""
        return self._decoder.unfinished

    def _read(self, until):
        left = until - time.monotonic()
        if left <= 0:
            raise TimeoutError("nothing more from the broker")
        self.sock.settimeout(left)
        try:
            data = self.sock.recv(CHUNK)
        finally:
            self.sock.settimeout(self.deadline)
        self._messages.extend(self._decoder.feed(data))
        return bool(data)

    # leaving

    def half_close(self):
        self.sock.shutdown(socket.SHUT_WR)
        return self

    def close(self):
        self.sock.close()

    def reset(self):
        """Leaves with RST, like a process that was killed or a NAT box."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        getattr(self.sock, "cut", self.sock.close)()
