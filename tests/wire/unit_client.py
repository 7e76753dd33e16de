# SPDX-License-Identifier: MIT
"""Clients of version 2 for the wire tests. A unit is two frames, a head and a
body; what comes is read in turn, or by its verb."""
from wire import KIB, Client, WireTest, frame

OPENING = (b"\0SLUICE/2", b"")


def unit(text, body=b""):
    return frame(text) + frame(body)


def option(text, name):
    """The value of an option in a head; None when it is not there."""
    values = [word[len(name) + 1:] for word in text.split(b" ")
              if word.startswith(name + b"=")]
    return values[0] if values else None


class UnitClient(Client):
    """One that says and hears units."""

    def say(self, text, body=b""):
        return self.send(unit(text, body))

    def hear(self, deadline=None):
        """The next unit: its head and its body."""
        return tuple(self.recv_many(2, deadline))

    def hear_until(self, start):
        """Reads up to a head that begins like this: all heads, with it."""
        heads = [self.hear()[0]]
        while not heads[-1].startswith(start):
            heads.append(self.hear()[0])
        return heads

    def ask(self, text, body=b""):
        """Says it, and answers the head of the next unit."""
        return self.say(text, body).hear()[0]

    def ping(self, token):
        """What came before the answer, which proves that everything said so
        far was executed or parked."""
        self.say(b"PING " + token)
        return self.hear_until(b"PONG " + token)[:-1]


class Peer:
    """A connection that never blocks; `step` moves what can be moved."""

    def __init__(self, client):
        self.sock = client.sock
        self.sock.setblocking(False)
        self.out, self.buf = bytearray(), bytearray()
        self.has_ended = False

    def send(self, data):
        self.out += data
        self.push()

    def push(self):
        try:
            while self.out:
                del self.out[:self.sock.send(self.out[:256 * KIB])]
        except BlockingIOError:
            pass

    def pull(self, most):
        """Frames that have come, reading no more than that many octets."""
        try:
            data = self.sock.recv(most)
            self.has_ended |= not data
            self.buf += data
        except BlockingIOError:
            pass
        buf, at, frames = self.buf, 0, []
        while len(buf) - at >= 4:
            stop = at + 4 + int.from_bytes(buf[at:at + 4], "big")
            if stop > len(buf):
                break
            frames.append(bytes(buf[at + 4:stop]))
            at = stop
        del buf[:at]
        return frames


class UnitsTest(WireTest):
    def open(self, broker, options=b"", **kwargs):
        """A client that has its INFO, which it keeps."""
        client = UnitClient(broker.addresses[0], **kwargs)
        self.addCleanup(client.close)
        client.say(OPENING[0] + options)
        client.info, body = client.hear()
        self.assertTrue(client.info.startswith(b"INFO sluice/"), client.info)
        self.assertEqual(body, b"")
        return client
