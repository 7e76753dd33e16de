# SPDX-License-Identifier: MIT
"""Somebody in between who drops the rest of a connection, wherever that begins,
never makes it look like an end that one side meant: neither to the broker nor
to its client."""
import contextlib
import shutil
import socket
import ssl
import threading

import certificates
import tls_socket
from test_tls import TOPIC, TlsTest
from wire import DEADLINE, frame, main, once_is_enough, skip

if not shutil.which("openssl"):
    skip("no openssl")
once_is_enough()

VERSIONS = (ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3)
STEP = 7  # every seventh octet, and those around the ends of records
AROUND = 2
RECORD_HEAD = 5


class Cutter:
    """Between one client and the broker: passes on so many octets of one
    direction, drops the rest, and then ends both connections by FIN."""

    def __init__(self, address, up=None, down=None):
        host, port = address.rsplit(":", 1)
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self._door.getsockname()[1]
        self._server = (host, int(port))
        self.left = {"up": up, "down": down}  # None: all
        self.passed = {"up": b"", "down": b""}
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        with self._door.accept()[0] as client, \
                socket.create_connection(self._server) as server:
            ends = {"up": (client, server), "down": (server, client)}
            threads = [threading.Thread(target=self._copy, args=(way, *ends[way]),
                                        daemon=True) for way in ends]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

    def _copy(self, way, source, to):
        with contextlib.suppress(OSError):
            while data := source.recv(1 << 16):
                left = self.left[way]
                if left is not None:
                    data, rest = data[:left], data[left:]
                    self.left[way] -= len(data)
                    to.sendall(data)
                    self.passed[way] += data
                    if self.left[way] == 0:
                        break
                    continue
                to.sendall(data)
                self.passed[way] += data
        for sock in (to, source):
            with contextlib.suppress(OSError):
                sock.shutdown(socket.SHUT_RDWR if self.left[way] == 0
                              else socket.SHUT_WR)

    def join(self):
        self._thread.join(DEADLINE)
        self._door.close()


def offsets(octets):
    """Where to cut: nothing is passed on whole."""
    edges, at = set(), 0
    while at < len(octets):
        edges.update(range(at - AROUND, at + RECORD_HEAD + AROUND))
        at += RECORD_HEAD + int.from_bytes(octets[at + 3:at + 5], "big")
    edges.update(range(0, len(octets), STEP))
    edges.update(range(len(octets) - 2 * RECORD_HEAD, len(octets)))
    return sorted(edge for edge in edges if 0 < edge < len(octets))


class Cuts(TlsTest):
    @classmethod
    def setUpClass(cls):
        """Signatures of this key are all as long as each other, so that two
        sessions are cut at the same place by the same number."""
        folder = certificates.folder()
        certificates.openssl("genpkey", "-algorithm", "ed25519", "-out",
                             folder["steady.key"])
        folder.certificate("steady", "DNS:localhost", key="steady")

    def session(self, broker, version, **cut):
        """A client that says goodbye: what it has received, the way it ended,
        and what was passed on."""
        context = tls_socket.context()
        context.minimum_version = context.maximum_version = version
        cutter = Cutter(broker.address, **cut)
        host, port = cutter.address.rsplit(":", 1)
        end, received = "cut", b""
        with socket.create_connection((host, int(port))) as sock:
            sock.settimeout(DEADLINE)
            with contextlib.suppress(OSError):
                client = tls_socket.TlsSocket(sock, made=context)
                client.sendall(frame(TOPIC))
                client.sendall(frame(TOPIC) + frame(b"message"))
                client.sendall(frame(b""))
                while part := client.recv(1 << 16):
                    received += part
                end = "orderly"
        cutter.join()
        return received, end, cutter.passed

    def check(self, way):
        """Answers how often the broker has seen each kind of end."""
        broker = self.broker(*certificates.server_options("steady"))
        cuts = 0
        for version in VERSIONS:
            received, end, passed = self.session(broker, version)
            self.assertEqual((received, end), (frame(b"message"), "orderly"))
            for octets in offsets(passed[way]):
                cuts += 1
                with self.subTest(version=version, octets=octets):
                    received, end, _ = self.session(broker, version,
                                                    **{way: octets})
                    self.assertIn(received, (b"", frame(b"message")))
                    self.assertEqual(end, "cut")
        self.assertGreater(cuts, 150)
        stats = broker.wait_stats(connections=0, accepted=cuts + 2)
        return cuts, stats


class FromTheBroker(Cuts):
    def test_the_client_notices(self):
        self.check("down")


class FromTheClient(Cuts):
    def test_the_broker_notices(self):
        """Both before the first frame and after it."""
        cuts, stats = self.check("up")
        self.assertGreater(stats["closed_silent"], cuts // 2)
        self.assertGreater(stats["closed_reset"], cuts // 10)
        self.assertEqual(stats["closed_silent"] + stats["closed_reset"], cuts)
        self.assertEqual(stats["closed"], cuts + 2)


if __name__ == "__main__":
    main()
