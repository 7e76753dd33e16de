# SPDX-License-Identifier: MIT
"""One sluiced as a test sees it: a process, its log and its addresses.

The binary is $SLUICED, else build/bin/sluiced. Everything a test waits for
is an event: a log line, a counter that SIGUSR1 reports, the end of the
process.
"""
import collections
import json
import os
import pathlib
import re
import resource
import signal
import subprocess
import tempfile
import threading
import time

from client import DEADLINE, WITH_TLS, Client

if WITH_TLS:
    import certificates

ROOT = pathlib.Path(__file__).resolve().parents[2]
SLUICED = os.environ.get("SLUICED", str(ROOT / "build/bin/sluiced"))

LOG_LINE = re.compile(r"^\S+ (error|warning|info|debug) (event=\S+.*)$")
FIELD = re.compile(r'(\w+)=("[^"]*"|\S*)')
SYNC_CHANNEL = b"/sync/of/the/tests"
CLOSE_WAIT = "08"  # as /proc/net/tcp writes it


class LogLine:
    def __init__(self, text):
        self.text = text
        if text.startswith("{"):
            self._from_json(json.loads(text))
            return
        match = LOG_LINE.match(text)
        self.is_well_formed = match is not None
        self.level = match.group(1) if match else ""
        found = FIELD.findall(match.group(2)) if match else []
        self.fields = {key: value.strip('"') for key, value in found}

    def _from_json(self, record):
        self.is_well_formed = list(record)[:3] == ["time", "level", "event"]
        self.level = record.pop("level", "")
        self.fields = {key: str(value) for key, value in record.items()
                       if key != "time"}

    def counters(self):
        return {k: int(v) for k, v in self.fields.items() if v.isdigit()}

    def __str__(self):
        return self.text


StopReport = collections.namedtuple("StopReport", "status counters")


def environment():
    """Sanitizers must not keep freed memory back: tests measure it."""
    env = dict(os.environ)
    options = env.get("ASAN_OPTIONS", "")
    env["ASAN_OPTIONS"] = f"quarantine_size_mb=1:{options}"
    return env


def run_sluiced(*args, deadline=DEADLINE, env=None, prefix=()):
    """A sluiced that is expected to end by itself; `prefix` is a command in
    front."""
    return subprocess.run([*prefix, SLUICED, *args], capture_output=True, text=True,
                          timeout=deadline, env={**environment(), **(env or {})},
                          check=False)


def is_sanitised():
    with open(SLUICED, "rb") as binary:
        content = binary.read()
    return b"__asan_init" in content or b"__tsan_init" in content


class Broker:
    """`limits` are resource limits ({RLIMIT_NOFILE: 64}), `prefix` is a
    command in front, {dir} in an address is a directory of its own. `listen`
    is a list of addresses, or their number when they come from elsewhere."""

    def __init__(self, *args, listen=("127.0.0.1:0",), limits=None,
                 prefix=(), env=None, pass_fds=()):
        self._dir = tempfile.TemporaryDirectory(prefix="sluice-wire-")
        self._log, self._changed = [], threading.Condition()
        self._watcher, self._tokens = None, 0
        self.dir = self._dir.name
        count = listen if isinstance(listen, int) else len(listen)
        listens = [word for addr in ([] if listen == count else listen)
                   for word in ("--listen", addr.format(dir=self.dir))]
        if WITH_TLS:
            args = (*certificates.server_options(), *args)
        self.process = subprocess.Popen(
            [*prefix, SLUICED, *listens, *args], cwd=self._dir.name,
            stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
            env={**environment(), **(env or {})}, pass_fds=pass_fds,
            preexec_fn=lambda: set_limits(limits or {}))
        self._reader = threading.Thread(target=self._collect, daemon=True)
        self._reader.start()
        try:
            self.addresses = [self.wait_for_log("event=listening", count=i)
                              .fields["addr"]
                              for i in range(1, count + 1)]
        except BaseException:
            self.kill()
            raise
        self.address = self.addresses[0] if self.addresses else None

    # its log

    def _collect(self):
        for line in self.process.stderr:
            text = line.decode("utf-8", "backslashreplace").rstrip("\n")
            with self._changed:
                self._log.append(LogLine(text))
                self._changed.notify_all()
        self.process.stderr.close()
        with self._changed:
            self._log.append(None)  # the end
            self._changed.notify_all()

    def log(self, pattern="", since=0):
        """The lines so far that match, from line number `since` on."""
        with self._changed:
            lines = [line for line in self._log[since:] if line]
        return [line for line in lines if re.search(pattern, line.text)]

    def mark(self):
        """A position in the log, for `since`."""
        with self._changed:
            return len(self._log)

    def wait_for_log(self, pattern, since=0, count=1, deadline=DEADLINE):
        """The count-th matching line, as soon as it is there."""
        until = time.monotonic() + deadline
        with self._changed:
            while True:
                lines = [line for line in self._log[since:]
                         if line and re.search(pattern, line.text)]
                if len(lines) >= count:
                    return lines[count - 1]
                left = until - time.monotonic()
                if left <= 0 or (self._log and self._log[-1] is None):
                    raise AssertionError(self._missing(pattern))
                self._changed.wait(left)

    def _missing(self, pattern):
        tail = "\n".join(f"  {line}" for line in self._log[-25:] if line)
        return f"no log line matches {pattern!r}; the last ones:\n{tail}"

    # its numbers

    def stats(self):
        """All counters, now."""
        since = self.mark()
        self.process.send_signal(signal.SIGUSR1)
        return self.wait_for_log("event=stats", since).counters()

    def wait_stats(self, deadline=DEADLINE, **wanted):
        """Asks until every named counter has the value, or satisfies the
        function, that is wanted; answers all counters."""
        until = time.monotonic() + deadline
        while True:
            stats = self.stats()
            if all(want(stats[name]) if callable(want)
                   else stats[name] == want for name, want in wanted.items()):
                return stats
            if time.monotonic() > until:
                raise AssertionError(f"wanted {wanted}, still {stats}")
            with self._changed:
                self._changed.wait(0.02)

    def _proc(self, name):
        return pathlib.Path(f"/proc/{self.process.pid}/{name}")

    def rss_kb(self):
        status = self._proc("status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1))

    def fd_count(self):
        return len(list(self._proc("fd").iterdir()))

    def cpu_seconds(self):
        fields = self._proc("stat").read_text().rsplit(")", 1)[1].split()
        ticks = int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def close_waits(self):
        """Its sockets that the peer closed and it did not."""
        port = f":{int(self.address.rsplit(':', 1)[1]):04X}"
        rows = [row.split() for row in
                pathlib.Path("/proc/net/tcp").read_text().splitlines()]
        return sum(1 for row in rows
                   if row[1].endswith(port) and row[3] == CLOSE_WAIT)

    # its clients

    def connect(self, listener=0, **kwargs):
        return Client(self.addresses[listener], **kwargs)

    def sync(self, *clients):
        """Returns when the broker has processed all that these clients sent.
        The frames of a connection are processed in order, so a message at
        their end that reaches a channel of ours proves the rest. Without
        clients it is one turn of the broker's loop."""
        if not self._watcher:
            self._watcher = self.connect().subscribe(SYNC_CHANNEL)
            self.sync()
        for client in clients or [self._watcher]:
            self._tokens += 1
            token = b"%d" % self._tokens
            client.publish(SYNC_CHANNEL, token)
            while self._watcher.recv() != token:
                pass

    def end_sync(self):
        """Takes sync()'s own connection out of the counters."""
        if self._watcher:
            self._watcher.close()
            self._watcher = None

    # its end

    def signal(self, number=signal.SIGTERM):
        self.process.send_signal(number)

    def wait(self, deadline=DEADLINE):
        """Its exit status and the counters of its last words."""
        try:
            status = self.process.wait(deadline)
        finally:
            self.kill()
        said = self.log("event=stopped")
        return StopReport(status, said[-1].counters() if said else {})

    def stop(self, deadline=DEADLINE):
        """SIGTERM, unless it had one, and the whole way to the end."""
        self.end_sync()
        is_stopping = bool(self.log("event=stopping"))
        if self.process.poll() is None and not is_stopping:
            self.signal()  # a second one would cut the first short
        return self.wait(deadline)

    def kill(self):
        """Kills what is left of it, whatever happened."""
        self.end_sync()
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join()
        self._dir.cleanup()

    def complaints(self):
        """Lines that are not log lines: sanitizers, assertions, traces."""
        return [str(line) for line in self.log() if not line.is_well_formed]


def set_limits(limits):
    for what, limit in limits.items():
        resource.setrlimit(what, (limit, limit))
