# SPDX-License-Identifier: MIT
"""sluice monitor, as a person at a shell starts it, and its web pages as a
browser or an attacker asks for them."""
import json
import os
import re
import socket
import urllib.request

from ground import DEADLINE, Process, wait_until

ANY = "tcp://127.0.0.1:*"
# Sanitizers must not keep freed memory back: tests measure it.
os.environ.setdefault("ASAN_OPTIONS", "quarantine_size_mb=1")


class Collector:
    def __init__(self, case, *args, http="127.0.0.1:0"):
        self.case = case
        self.process = Process(case, "monitor", "--http", http,
                               "--collect", ANY, *args)
        self.endpoints = []
        while not (found := re.match(r"look at (http://(\S+):(\d+)/)",
                                     line := self.line())):
            self.endpoints.append(line.split()[-1])
        self.url, self.host, self.port = found.groups()

    def line(self):
        line = self.process.line().decode()
        if not line:
            raise AssertionError(self.process.finish())
        return line

    def memory_kib(self, which):
        pid = self.process.popen.pid
        with open(f"/proc/{pid}/status", encoding="ascii") as status:
            return int(next(line for line in status
                            if line.startswith(which)).split()[1])

    def fd_count(self):
        return len(os.listdir(f"/proc/{self.process.popen.pid}/fd"))

    @property
    def collect(self):
        return self.endpoints[0]

    def connect(self):
        sock = socket.create_connection((self.host, int(self.port)))
        self.case.addCleanup(sock.close)
        sock.settimeout(DEADLINE)
        return sock

    def ask(self, request):
        """The status of the answer to these bytes, and all of it."""
        sock = self.connect()
        sock.sendall(request)
        answer = b""
        try:
            while piece := sock.recv(1 << 16):
                answer += piece
        except ConnectionResetError:
            pass  # it did not want to hear the rest
        status = re.match(rb"HTTP/1\.[01] (\d+) ", answer)
        return int(status[1]) if status else None, answer

    def get(self, path="/", *headers, method="GET", host="localhost"):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *headers, "", ""]
        return self.ask("\r\n".join(lines).encode())

    def history(self):
        with urllib.request.urlopen(f"{self.url}history",
                                    timeout=DEADLINE) as answer:
            return json.load(answer)

    def reporter(self, name):
        """What the collector knows of a reporter; None: nothing."""
        found = [it for it in self.history()["reporters"]
                 if it["name"] == name]
        return found[0] if found else None

    def wait_reporter(self, name, is_good=bool):
        def look():
            found = self.reporter(name)
            return found if found and is_good(found) else None
        return wait_until(look, lambda: f"{name}: {self.reporter(name)}")


class Events:
    """A browser's ear at /feed."""

    def __init__(self, collector):
        sock = collector.connect()
        sock.sendall(b"GET /feed HTTP/1.0\r\nHost: localhost\r\n\r\n")
        self.sock, self.file = sock, sock.makefile("rb")
        self.status = int(self.file.readline().split()[1])
        while self.file.readline() not in (b"\r\n", b""):
            pass

    def close(self):
        self.file.close()
        self.sock.close()

    def next(self, *names):
        """The next event of these names: its name and what it says."""
        name = None
        while line := self.file.readline():
            if line.startswith(b"event: "):
                name = line[7:].strip().decode()
            elif line.startswith(b"data: ") and name in names:
                return name, json.loads(line[6:])
        raise AssertionError("the feed ended")
