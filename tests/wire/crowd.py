# SPDX-License-Identifier: MIT
"""Many clients at once, from one thread each for sending and for looking.

A Pump keeps the sockets of any number of senders full, without waiting for
one of them; a Gauge watches the broker's resident memory at the same time.
"""
import itertools
import resource
import selectors
import socket
import struct
import threading

SMALL_BUFFER = 4096
LOOK_SECONDS = 0.02


class Source:
    """One sender: a first frame, then what `chunks` gives, forever or to
    its end. It connects again when the broker has closed it, if it may."""

    def __init__(self, address, chunks, again=False):
        self._where, self._chunks = address, chunks
        self.again, self.sent, self.closed = again, 0, 0
        self.sock = None

    def open(self):
        self.sock = socket.socket()
        self.sock.connect(self._where)
        self.sock.setblocking(False)
        self._left, self._more = b"", self._chunks()

    def push(self):
        """As much as the kernel takes; False when there is no more."""
        while True:
            if not self._left:
                chunk = next(self._more, None)
                if chunk is None:
                    return False
                self._left = memoryview(chunk)
            try:
                put = self.sock.send(self._left)
            except BlockingIOError:
                return True
            self.sent += put
            self._left = self._left[put:]
            if self._left:
                return True

    def close(self):
        """With a reset: what the kernel still holds goes at once."""
        if self.sock.fileno() < 0:
            return
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             struct.pack("ii", 1, 0))
        self.sock.close()


class Pump(threading.Thread):
    """Context manager: it pumps inside, all is closed behind it."""

    def __init__(self, sluiced):
        super().__init__(daemon=True)
        host, port = sluiced.address.rsplit(":", 1)
        self._where = (host, int(port))
        self._selector = selectors.DefaultSelector()
        self._is_over, self._error = threading.Event(), None
        self.sources = []

    def add(self, chunks, count=1, again=False):
        """`count` senders, each with an iterator of its own."""
        for _ in range(count):
            source = Source(self._where, chunks, again)
            self.sources.append(source)
            self._register(source)
        return self

    def _register(self, source):
        source.open()
        both = selectors.EVENT_READ | selectors.EVENT_WRITE
        self._selector.register(source.sock, both, source)

    def _serve(self, source, events):
        try:
            if events & selectors.EVENT_READ and not source.sock.recv(65536):
                raise ConnectionResetError
            if events & selectors.EVENT_WRITE and not source.push():
                self._selector.modify(source.sock, selectors.EVENT_READ,
                                      source)
        except BlockingIOError:
            pass
        except OSError:
            source.closed += 1
            self._selector.unregister(source.sock)
            source.close()
            if source.again:
                self._register(source)

    def run(self):
        try:
            while not self._is_over.is_set():
                for key, events in self._selector.select(LOOK_SECONDS):
                    self._serve(key.data, events)
        except BaseException as error:  # raised again at the end
            self._error = error

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self.join()
        for source in self.sources:
            source.close()
        self._selector.close()
        if self._error:
            raise self._error


class Gauge(threading.Thread):
    """Looks at the resident memory of a broker for as long as it runs."""

    def __init__(self, sluiced):
        super().__init__(daemon=True)
        self._sluiced, self._is_over = sluiced, threading.Event()
        self.first_kb = self.peak_kb = sluiced.rss_kb()
        self.samples = 0

    def run(self):
        while not self._is_over.wait(LOOK_SECONDS):
            self.peak_kb = max(self.peak_kb, self._sluiced.rss_kb())
            self.samples += 1

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *_):
        self._is_over.set()
        self.join()


def for_ever(first, chunk):
    """What a Source sends: a first frame, then the same again and again."""
    return lambda: itertools.chain([first], itertools.repeat(chunk))


def once(*chunks):
    return lambda: iter(chunks)


def descriptor_limit():
    return resource.getrlimit(resource.RLIMIT_NOFILE)[1]
