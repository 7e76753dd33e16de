# SPDX-License-Identifier: MIT
"""A socket with TLS that behaves as a plain one does: one thread may read while
another writes, its end is an orderly one, and closing it is not."""
import socket
import ssl
import threading

import certificates

CHUNK = 1 << 18


def context(ca="ca", certificate=None):
    made = ssl.create_default_context(cafile=certificates.folder()[f"{ca}.pem"])
    if certificate:
        made.load_cert_chain(certificates.folder()[f"{certificate}.pem"],
                             certificates.folder()[f"{certificate}.key"])
    return made


class TlsSocket:
    def __init__(self, sock, made=None, name="localhost", session=None):
        self.sock, self._lock = sock, threading.Lock()
        self._in, self._out = ssl.MemoryBIO(), ssl.MemoryBIO()
        self.tls = (made or context()).wrap_bio(
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
            except ssl.SSLError:
                self._flush()
                raise
            self._flush()
        return done, result

    def _flush(self):
        data = self._out.read()
        if data:
            self.sock.sendall(data)

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
        self.sendall(data)
        return len(data)

    def recv(self, most):
        while True:
            try:
                with self._lock:
                    return self.tls.read(most)
            except ssl.SSLWantReadError:
                self._fill()
            except ssl.SSLZeroReturnError:
                return b""
            except ssl.SSLEOFError as error:
                raise ConnectionResetError("no end of TLS") from error

    def shutdown(self, how):
        """Says that nothing more comes, and reads on."""
        self._try(self._say_end)
        self.sock.shutdown(how)

    def _say_end(self):
        try:
            self.tls.unwrap()
        except (ssl.SSLWantReadError, ssl.SSLError):
            pass

    def __getattr__(self, name):  # settimeout, setsockopt, fileno, ...
        return getattr(self.sock, name)

    def close(self):
        self.sock.close()


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
