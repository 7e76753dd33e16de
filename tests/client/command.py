# SPDX-License-Identifier: MIT
"""The program under test, $SLUICE, as a person at a shell runs it, and a
broker that the test plays itself, byte by byte."""
import contextlib
import os
import pathlib
import signal
import socket
import struct
import subprocess
import sys
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
from runner import main, skip  # noqa: E402,F401
SLUICE = os.environ.get("SLUICE", str(ROOT / "build/bin/sluice"))
DEADLINE = 30  # seconds; what takes this long has failed


def environment(server):
    env = {k: v for k, v in os.environ.items() if k != "SLUICE_SERVER"}
    return env | ({"SLUICE_SERVER": server} if server else {})


def run(*args, server=None, stdin=b"", **kwargs):
    """Runs it to its end: status, stdout and stderr as bytes."""
    return subprocess.run([SLUICE, *args], input=stdin, capture_output=True,
                          timeout=DEADLINE, env=environment(server),
                          check=False, **kwargs)


class Process:
    """One that runs while the test goes on. It does not outlive the test."""

    def __init__(self, case, *args, server=None, stdin=subprocess.DEVNULL,
                 stdout=subprocess.PIPE):
        self.popen = subprocess.Popen(
            [SLUICE, *args], stdin=stdin, stdout=stdout,
            stderr=subprocess.PIPE, env=environment(server),
            bufsize=0)  # or communicate() would miss what readline() kept
        case.addCleanup(self._clean_up)

    def _clean_up(self):
        if self.popen.poll() is None:
            self.popen.kill()
        for stream in (self.popen.stdin, self.popen.stdout,
                       self.popen.stderr):
            if stream:
                stream.close()
        self.popen.wait()

    def signal(self, number=signal.SIGINT):
        self.popen.send_signal(number)

    def line(self):
        """The next line of its output."""
        return self.popen.stdout.readline()

    def complaint(self):
        """The next line of its standard error."""
        return self.popen.stderr.readline().decode()

    def finish(self):
        """Its status, the rest of its output and of its complaints."""
        out, err = self.popen.communicate(timeout=DEADLINE)
        return self.popen.returncode, out, err.decode()


def frame(body):
    return struct.pack(">I", len(body)) + body


class Connection:
    """The broker's end of one connection."""

    def __init__(self, sock):
        self.sock = sock
        sock.settimeout(DEADLINE)
        self.file = sock.makefile("rb")

    def read_frame(self):
        """The next frame's body; None at the end of the stream."""
        head = self.file.read(4)
        if not head:
            return None
        return self.file.read(struct.unpack(">I", head)[0])

    def read_messages(self):
        """All (channel, message) up to the goodbye or the end; and whether
        there was a goodbye."""
        messages = []
        while True:
            channel = self.read_frame()
            if not channel:
                return messages, channel == b""
            messages.append((channel, self.read_frame()))

    def send(self, *bodies):
        self.sock.sendall(b"".join(frame(body) for body in bodies))

    def flood(self, body):
        """Sends it again and again, and reads nothing, until the other end is
        gone."""
        def send():
            many = frame(body) * 1000
            with contextlib.suppress(OSError):
                while True:
                    self.sock.sendall(many)

        threading.Thread(target=send, daemon=True).start()

    def close(self):
        self.file.close()
        self.sock.close()

    def reset(self):
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.close()


class FakeBroker:
    """A listening socket; the test answers each connection itself."""

    def __init__(self, case, address=("127.0.0.1", 0), family=socket.AF_INET):
        self.listener = socket.socket(family)
        self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.listener.bind(address)
        self.listener.listen()
        self.listener.settimeout(DEADLINE)
        self.case = case
        case.addCleanup(self.close)

    @property
    def port(self):
        return self.listener.getsockname()[1]

    @property
    def address(self):
        return f"127.0.0.1:{self.port}"

    def accept(self):
        connection = Connection(self.listener.accept()[0])
        self.case.addCleanup(connection.close)
        return connection

    def accept_listener(self):
        """One of version 1, and its channel. Before that a listener tries
        version 2, which this broker does not speak: it closes."""
        while True:
            connection = self.accept()
            channel = connection.read_frame()
            if channel and not channel.startswith(b"\0"):
                return connection, channel
            connection.close()

    def close(self):
        self.listener.close()


def refusing_address(case):
    """Where nobody listens, and nobody can begin to."""
    sock = socket.socket()
    sock.bind(("127.0.0.1", 0))
    case.addCleanup(sock.close)
    return f"127.0.0.1:{sock.getsockname()[1]}"
