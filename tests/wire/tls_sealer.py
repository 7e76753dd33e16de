# SPDX-License-Identifier: MIT
"""A client of TLS that may do what no honest one does: it shakes hands by
Python's ssl, and then seals records of its own, of whatever kind."""
import ctypes
import ctypes.util
import hashlib
import hmac
import pathlib
import ssl
import struct
import tempfile

import tls_socket
from client import DEADLINE

ALERT, HANDSHAKE, DATA, HEARTBEAT = 21, 22, 23, 24
TAG, KEY, IV = 16, 16, 12
SET_TAG_LENGTH, GET_TAG = 0x9, 0x10  # of EVP_CIPHER_CTX_ctrl
CRYPTO = ctypes.CDLL(ctypes.util.find_library("crypto") or "libcrypto.so.3")
for _name in ("EVP_CIPHER_CTX_new", "EVP_aes_128_gcm"):
    getattr(CRYPTO, _name).restype = ctypes.c_void_p


def record(kind, content, version=0x0303):
    return struct.pack(">BHH", kind, version, len(content)) + content


def seal(key, nonce, text, extra):
    """AES-128-GCM; the tag follows the text."""
    context = ctypes.c_void_p(CRYPTO.EVP_CIPHER_CTX_new())
    cipher = ctypes.c_void_p(CRYPTO.EVP_aes_128_gcm())
    out = ctypes.create_string_buffer(len(text) + TAG)
    n = ctypes.c_int()
    at_tag = ctypes.byref(out, len(text))
    try:
        done = CRYPTO.EVP_EncryptInit_ex(context, cipher, None, key, nonce) \
            and CRYPTO.EVP_EncryptUpdate(context, None, ctypes.byref(n), extra,
                                         len(extra)) \
            and CRYPTO.EVP_EncryptUpdate(context, out, ctypes.byref(n), text,
                                         len(text)) \
            and CRYPTO.EVP_EncryptFinal_ex(context, at_tag, ctypes.byref(n)) \
            and CRYPTO.EVP_CIPHER_CTX_ctrl(context, GET_TAG, TAG, at_tag)
    finally:
        CRYPTO.EVP_CIPHER_CTX_free(context)
    assert done == 1
    return out.raw


def expand_label(secret, label, n):
    """HKDF-Expand-Label of RFC 8446, 7.1, without a context; at most 32."""
    label = b"tls13 " + label
    info = struct.pack(">HB", n, len(label)) + label + b"\0\1"
    return hmac.digest(secret, info, hashlib.sha256)[:n]


def expand_12(secret, label, n):
    """The PRF of RFC 5246, 5."""
    out, a = b"", label
    while len(out) < n:
        a = hmac.digest(secret, a, hashlib.sha256)
        out += hmac.digest(secret, a + label, hashlib.sha256)
    return out[:n]


class Sealer13:
    def __init__(self, keys, _):
        self._use(keys["CLIENT_TRAFFIC_SECRET_0"][1])

    def _use(self, secret):
        self._secret, self._count = secret, 0
        self._key = expand_label(secret, b"key", KEY)
        self._iv = expand_label(secret, b"iv", IV)

    def update(self):
        """The keys after a KeyUpdate."""
        self._use(expand_label(self._secret, b"traffic upd", 32))

    def seal(self, kind, content):
        text = content + bytes([kind])
        nonce = int.from_bytes(self._iv, "big") ^ self._count
        self._count += 1
        head = struct.pack(">BHH", DATA, 0x0303, len(text) + TAG)
        return head + seal(self._key, nonce.to_bytes(IV, "big"), text, head)


class Sealer12:
    def __init__(self, keys, server_random):
        client_random, master = keys["CLIENT_RANDOM"]
        block = expand_12(master, b"key expansion" + server_random
                          + client_random, 2 * KEY + 2 * 4)
        self._key, self._iv = block[:KEY], block[2 * KEY:2 * KEY + 4]
        self._count = 1  # Finished was the first

    def seal(self, kind, content):
        count = struct.pack(">Q", self._count)
        self._count += 1
        extra = count + struct.pack(">BHH", kind, 0x0303, len(content))
        sealed = seal(self._key, self._iv + count, content, extra)
        return record(kind, count + sealed)


class Misfit:
    """A connection of such a client. `send` seals; what the broker sends is
    not opened."""

    def __init__(self, sock, version=ssl.TLSVersion.TLSv1_3):
        self.sock, self._first = sock, b""
        self.sock.settimeout(DEADLINE)
        with tempfile.NamedTemporaryFile(prefix="sluice-keys-") as log:
            made = tls_socket.context()
            made.minimum_version = made.maximum_version = version
            made.set_ciphers("ECDHE-ECDSA-AES128-GCM-SHA256")
            made.keylog_filename = log.name
            tls_socket.TlsSocket(self, made=made)
            lines = [line.split() for line in pathlib.Path(log.name)
                     .read_text(encoding="ascii").splitlines() if line[0] != "#"]
        keys = {name: [bytes.fromhex(part) for part in parts]
                for name, *parts in lines}
        kind = Sealer13 if version == ssl.TLSVersion.TLSv1_3 else Sealer12
        random_at = 5 + 4 + 2  # in a ServerHello
        self.sealer = kind(keys, self._first[random_at:random_at + 32])

    # as the socket below the handshake

    def sendall(self, data):
        self.sock.sendall(data)

    def gettimeout(self):
        return self.sock.gettimeout()

    def recv(self, most):
        data = self.sock.recv(most)
        self._first = self._first or data
        return data

    # afterwards

    def send(self, kind, content):
        self.sock.sendall(self.sealer.seal(kind, content))
        return self

    def close(self):
        self.sock.close()
