# SPDX-License-Identifier: MIT
"""The brokers that are compared: how each is started, on a free port of
127.0.0.1 and keeping nothing on disk, and what it cannot do."""
import contextlib
import dataclasses
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

HERE = pathlib.Path(__file__).resolve().parent
START_S = 10

MOSQUITTO_CONF = """listener {port} 127.0.0.1
allow_anonymous true
max_queued_messages 0
max_queued_bytes 0
set_tcp_nodelay true
persistence false
log_type error
"""


@dataclasses.dataclass
class Kind:
    name: str  # in tables and plots
    dialect: str  # of bench_load
    command: list  # {port}, {dir}, {bin} and {tools} are filled in
    version: list  # a command; the first number it prints is it
    cannot: tuple = ()  # words of loads that it does not do
    conf: str = ""  # goes to {dir}/conf
    is_special: bool = False  # only for the rows that name it
    before: tuple = ()  # a command before each run, which may fail
    window: int = 1 << 20  # at most so many messages under way


KINDS = (
    Kind("sluice", "sluice",
         ["{bin}/sluiced", "--listen", "127.0.0.1:{port}"],
         ["{bin}/sluiced", "--version"]),
    Kind("relay", "relay", ["{tools}/bench_relay", "{port}"], [],
         cannot=("--queue", "--channels")),
    Kind("NATS", "nats",
         ["nats-server", "-a", "127.0.0.1", "-p", "{port}"],
         ["nats-server", "--version"]),
    Kind("Redis", "redis",
         ["redis-server", "--port", "{port}", "--bind", "127.0.0.1",
          "--save", "", "--appendonly", "no",
          "--client-output-buffer-limit", "pubsub 0 0 0"],
         ["redis-server", "--version"], cannot=("--queue",)),
    Kind("Mosquitto", "mqtt", ["mosquitto", "-c", "{dir}/conf"],
         ["mosquitto", "-h"], cannot=("--queue",), conf=MOSQUITTO_CONF),
    Kind("the book", "sluice",
         [sys.executable, "-B", str(HERE / "book_broker.py"), "{port}"],
         [sys.executable, "--version"]),
)
# The same brokers for some rows: with a queue that is soon full, and with
# what NATS confirms messages by.
SPECIAL = (
    Kind("bounded", "sluice",
         ["{bin}/sluiced", "--listen", "127.0.0.1:{port}",
          "--queue-limit", "1m"], [], is_special=True),
    Kind("JetStream", "nats",
         ["nats-server", "-a", "127.0.0.1", "-p", "{port}", "-js",
          "-sd", "{dir}/store"], [], is_special=True),
)
# Those that keep messages on disk, for the rows of durable queues: the dialects
# are of bench_confirm. beanstalkd flushes for each message, so what is under way
# only has to be waited for.
DURABLE = (
    Kind("sluice", "durable",
         ["{bin}/sluiced", "--listen", "127.0.0.1:{port}", "--journal",
          "{dir}/store", "--channel", "/queue/** durable=yes limit=6g"],
         ["{bin}/sluiced", "--version"],
         before=("{bin}/sluice", "purge", "--server", "127.0.0.1:{port}",
                 "--yes", "/queue/bench000")),
    Kind("JetStream", "nats-file",
         ["nats-server", "-a", "127.0.0.1", "-p", "{port}", "-js",
          "-sd", "{dir}/store"], ["nats-server", "--version"]),
    Kind("Redis", "redis",
         ["redis-server", "--port", "{port}", "--bind", "127.0.0.1",
          "--dir", "{dir}/store", "--save", "", "--appendonly", "yes",
          "--appendfsync", "always"], ["redis-server", "--version"]),
    Kind("beanstalkd", "beanstalkd",
         ["beanstalkd", "-l", "127.0.0.1", "-p", "{port}",
          "-b", "{dir}/store", "-f0"], ["beanstalkd", "-v"], window=64),
)
# With TLS, and sluice without. mosquitto reads its key as another user, sluiced
# none that others may read.
TLS = (
    Kind("sluice", "sluice",
         ["{bin}/sluiced", "--listen", "127.0.0.1:{port}", "--tls-cert",
          "{cert}", "--tls-key", "{key}"], ["{bin}/sluiced", "--version"]),
    Kind("in clear", "sluice",
         ["{bin}/sluiced", "--listen", "127.0.0.1:{port}"], [],
         is_special=True),
    Kind("NATS", "nats",
         ["nats-server", "-a", "127.0.0.1", "-p", "{port}", "--tls",
          "--tlscert", "{cert}", "--tlskey", "{key}"],
         ["nats-server", "--version"]),
    Kind("Redis", "redis",
         ["redis-server", "--port", "0", "--tls-port", "{port}",
          "--tls-cert-file", "{cert}", "--tls-key-file", "{key}",
          "--tls-auth-clients", "no", "--bind", "127.0.0.1", "--save", "",
          "--appendonly", "no", "--client-output-buffer-limit",
          "pubsub 0 0 0"], ["redis-server", "--version"]),
    Kind("Mosquitto", "mqtt", ["mosquitto", "-c", "{dir}/conf"],
         ["mosquitto", "-h"], conf=MOSQUITTO_CONF
         + "certfile {cert}\nkeyfile {open_key}\n"),
)


def certificate(folder):
    """One for this machine, of the kind that is usual: its places."""
    folder.chmod(0o755)
    cert, key = str(folder / "cert.pem"), str(folder / "key.pem")
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
         "ec_paramgen_curve:P-256", "-nodes", "-days", "2", "-subj",
         "/CN=localhost", "-addext",
         "subjectAltName=DNS:localhost,IP:127.0.0.1", "-keyout", key, "-out",
         cert], check=True, capture_output=True)
    open_key = shutil.copy(key, folder / "open-key.pem")
    open_key.chmod(0o644)
    return {"cert": cert, "key": key, "open_key": str(open_key)}


@dataclasses.dataclass
class Broker:
    kind: Kind
    port: int
    pid: int

    @property
    def name(self):
        return self.kind.name

    def prepare(self, places):
        """Whatever it did before is none of the next run's."""
        if self.kind.before:
            subprocess.run(fill(self.kind.before, port=self.port, **places),
                           capture_output=True, check=False)

    def can(self, words):
        return not set(self.kind.cannot) & set(words)

    def processor_us(self):
        """Time of all its threads on a processor, as the scheduler counts it:
        the steadiest figure, because it hardly depends on other programs."""
        times = pathlib.Path(f"/proc/{self.pid}/task").glob("*/schedstat")
        return sum(int(path.read_text().split()[0]) for path in times) / 1000

    def resident_bytes(self):
        status = pathlib.Path(f"/proc/{self.pid}/status").read_text()
        return int(re.search(r"VmRSS:\s+(\d+)", status).group(1)) * 1024


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


def await_port(process, port):
    """For all brokers alike, only connecting shows that they listen."""
    until = time.monotonic() + START_S
    while process.poll() is None and time.monotonic() < until:
        with contextlib.suppress(OSError):
            socket.create_connection(("127.0.0.1", port), 1).close()
            return
        time.sleep(0.02)
    raise RuntimeError(f"{process.args[0]} does not listen")


def stop(process):
    process.terminate()
    try:
        process.wait(10)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def fill(words, **places):
    return [word.format(**places) for word in words]


def slow_words(flush_ms):
    """What lets a broker's flushes take longer; nothing to do so for 0."""
    calls = "fsync,fdatasync"
    return ["strace", "-f", "-qq", "--seccomp-bpf", "-o", "/dev/null", "-e",
            f"trace={calls}", "-e",
            f"inject={calls}:delay_exit={flush_ms * 1000}"] if flush_ms else []


def broker_of(process, flush_ms):
    """The process that listens: strace has it as its child."""
    if not flush_ms:
        return process.pid
    path = pathlib.Path(f"/proc/{process.pid}/task/{process.pid}/children")
    return int(path.read_text().split()[0])


def start(stack, kind, places, disk, flush_ms):
    folder = stack.enter_context(tempfile.TemporaryDirectory(
        prefix="bench-", dir=disk, ignore_cleanup_errors=True))
    pathlib.Path(folder).chmod(0o755)  # mosquitto reads it as another user
    pathlib.Path(folder, "store").mkdir()
    port = free_port()
    pathlib.Path(folder, "conf").write_text(
        kind.conf.format(port=port, **places))
    process = subprocess.Popen(
        slow_words(flush_ms)
        + fill(kind.command, port=port, dir=folder, **places), cwd=folder,
        stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    stack.callback(stop, process)
    await_port(process, port)
    broker = Broker(kind, port, broker_of(process, flush_ms))
    if flush_ms:
        stack.callback(os.kill, broker.pid, signal.SIGTERM)
    return broker


def is_installed(kind, places):
    return shutil.which(fill(kind.command[:1], port="", dir="", **places)[0])


def version(kind, places):
    if not kind.version:
        return None
    done = subprocess.run(fill(kind.version, **places), text=True,
                          capture_output=True, check=False)
    return re.search(r"\d+\.[\d.]*\d", done.stdout + done.stderr).group()


@contextlib.contextmanager
def running(places, kinds, disk=None, flush_ms=0):
    """Those of the kinds that are installed, each with a folder: on that disk,
    or where temporary files are. Their flushes take so much longer."""
    with contextlib.ExitStack() as stack:
        started = []
        for kind in kinds:
            if is_installed(kind, places):
                started.append(start(stack, kind, places, disk, flush_ms))
            else:
                print(f"{kind.name} is not installed and left out",
                      file=sys.stderr)
        yield started
