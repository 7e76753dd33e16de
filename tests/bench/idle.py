# SPDX-License-Identifier: MIT
"""What an idle connection costs a broker that is subscribed to a channel of
its own: how much its resident memory grows, divided by their number."""
import contextlib
import socket
import struct
import time

CONNECTIONS = 4000
SETTLED_S, PATIENCE_S = 1, 20


def sluice(channel):
    return struct.pack(">I", len(channel)) + channel


def nats(channel):
    return b'CONNECT {"verbose":false}\r\nSUB ' + channel + b" 1\r\n"


def redis(channel):
    return b"SUBSCRIBE " + channel + b"\r\n"


def mqtt(channel):
    connect = b"\x10\x0c\0\4MQTT\4\2\0\0\0\0"
    name = struct.pack(">H", len(channel)) + channel
    return connect + bytes([0x82, 3 + len(name)]) + b"\0\1" + name + b"\0"


HELLOS = {"sluice": sluice, "nats": nats, "redis": redis, "mqtt": mqtt}


def settled_bytes(broker):
    """Its memory, once that has stopped changing."""
    until = time.monotonic() + PATIENCE_S
    found, since = broker.resident_bytes(), time.monotonic()
    while time.monotonic() < min(until, since + SETTLED_S):
        now = broker.resident_bytes()
        if now != found:
            found, since = now, time.monotonic()
        time.sleep(0.05)
    return found


def connected(broker, tls):
    """NATS says something in clear first."""
    sock = socket.create_connection(("127.0.0.1", broker.port))
    if tls and broker.kind.dialect == "nats":
        sock.recv(4096)
    return tls.wrap_socket(sock) if tls else sock


def bytes_each(broker, tls=None):
    """None when it cannot be measured. `tls` is an ssl.SSLContext."""
    hello = HELLOS.get(broker.kind.dialect)
    if hello is None:
        return None
    before = settled_bytes(broker)
    with contextlib.ExitStack() as stack:
        for number in range(CONNECTIONS):
            sock = stack.enter_context(connected(broker, tls))
            sock.sendall(hello(b"/topic/idle%05d" % number))
        return (settled_bytes(broker) - before) / CONNECTIONS
