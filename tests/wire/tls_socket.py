# SPDX-License-Identifier: MIT
"""A socket with TLS that behaves as a plain one does: one thread may read while
another writes, it may be one that never blocks, and closing it is an orderly
end, as a FIN is without TLS. cut() leaves that out."""
import contextlib
import functools
import socket
import ssl
import threading

import certificates

CHUNK = 1 << 18
# An end that nobody has said is one for some versions of Python.
IGNORE_UNEXPECTED_EOF = getattr(ssl, "OP_IGNORE_UNEXPECTED_EOF", 1 << 7)


def context(ca="ca", certificate=None):
    made = ssl.create_default_context(cafile=certificates.folder()[f"{ca}.pem"])
    made.options &= ~IGNORE_UNEXPECTED_EOF
    if certificate:
        made.load_cert_chain(certificates.folder()[f"{certificate}.pem"],
                             certificates.folder()[f"{certificate}.key"])
    return made


def is_cut(error):
    """Versions of Python differ in its class, and so do later reads."""
    return (isinstance(error, ssl.SSLEOFError) or
            error.reason == "UNEXPECTED_EOF_WHILE_READING")


@functools.cache
def usual_context():
    """Not to be changed by a test: all share it."""
    return context()


class TlsSocket:
    def __init__(self, sock, made=None, name="localhost", session=None):
        self.sock, self._lock = sock, threading.Lock()
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._unsent = b""  # of one that never blocks
        self.tls = (made or usual_context()).wrap_bio(
            self._in, self._out, server_hostname=name, session=session)
        self._sending = threading.Lock()
        while not self._try(self.tls.do_handshake)[0]:
            self._fill()

    def _try(self, call, *args):
        """Whether the call had all it needs, and what it returned."""
        with self._sending:
            try:
                with self._lock:
                    done, result = True, call(*args)
            except ssl.SSLWantReadError:
                done, result = False, None
            except ssl.SSLError as error:
                if is_cut(error):
                    raise ConnectionResetError("no end of TLS") from error
                self._flush()
                raise
            self._flush()
        return done, result

    def _flush(self):
        """Whether the socket has taken all; what it has not goes first the
        next time."""
        data, self._unsent = self._unsent + self._out.read(), b""
        if self.sock.gettimeout() != 0:
            self.sock.sendall(data)
            return True
        try:
            while data:
                data = data[self.sock.send(data):]
        except BlockingIOError:
            self._unsent = data
        return not data

    def _fill(self):
        data = self.sock.recv(CHUNK)
        with self._lock:
            self._in.write(data) if data else self._in.write_eof()
        return bool(data)

    def sendall(self, data):
        data = memoryview(data)
        for at in range(0, len(data), CHUNK):
            self._try(self.tls.write, data[at:at + CHUNK])

    send_some = sendall

    def send(self, data):
        with self._sending:
            if not self._flush():
                raise BlockingIOError
        self.sendall(data)
        return len(data)

    @property
    def is_behind(self):
        """Whether the socket has yet to take some of what send() took."""
        return bool(self._unsent)

    def recv(self, most):
        if self._unsent:
            with self._sending:
                self._flush()
        while True:
            try:
                with self._lock:
                    return self.tls.read(most)
            except ssl.SSLWantReadError:
                self._fill()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLError as error:
                if not is_cut(error):
                    raise
                raise ConnectionResetError("no end of TLS") from error

    def shutdown(self, how):
        """Says that nothing more comes, unless somebody is sending, and reads
        on."""
        if self._sending.acquire(blocking=False):
            with contextlib.suppress(OSError):
                self._say_end()
            self._sending.release()
        self.sock.shutdown(how)

    def _say_end(self):
        with self._lock, contextlib.suppress(ssl.SSLError):
            self.tls.unwrap()
        self._flush()

    def __getattr__(self, name):  # settimeout, setsockopt, fileno, ...
        return getattr(self.sock, name)

    def close(self):
        """Says so, unless somebody is sending or there is no room."""
        if self.sock.fileno() >= 0 and self._sending.acquire(blocking=False):
            with contextlib.suppress(OSError):
                self.sock.setblocking(False)
                self._say_end()
            self._sending.release()
        self.sock.close()

    def cut(self):
        """Closes the socket without a word."""
        self.sock.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def wrap(sock, **kwargs):
    try:
        return TlsSocket(sock, **kwargs)
    except BaseException:
        sock.close()
        raise


def connect(address, deadline, **kwargs):
    host, port = address.rsplit(":", 1)
    sock = socket.create_connection((host, int(port)), timeout=deadline)
    return wrap(sock, **kwargs)
