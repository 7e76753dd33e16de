# SPDX-License-Identifier: MIT
"""The protocol of a service manager, without one: a fake notify socket, and
listening sockets passed as descriptors from 3 on."""
import contextlib
import fcntl
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

from daemon import SLUICED, environment
from wire import DEADLINE, Client, WireTest, main

FIRST, ABOVE = 3, 20


class ServiceTest(WireTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-config-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def path(self, name):
        return str(self.dir / name)


class Notify(ServiceTest):
    """Each test has a manager that listens, and a broker under it."""

    def start(self, *args, name=None, **env):
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.settimeout(DEADLINE)
        name = name or self.path("notify")
        self.manager.bind(name.replace("@", "\0"))
        self.sluiced = self.broker(*args, env={"NOTIFY_SOCKET": name, **env})
        return self.sluiced

    def notified(self):
        """One message of the broker, as a dictionary."""
        lines = self.manager.recv(4096).decode("ascii").split("\n")
        return dict(line.split("=", 1) for line in lines)

    def notified_until(self, key):
        """All messages up to one with this key."""
        messages = [self.notified()]
        while key not in messages[-1]:
            messages.append(self.notified())
        return messages

    def test_ready_when_it_can_be_connected_to(self):
        """Not before: a client that waited for READY=1 is served."""
        sock = self.path("sock")
        self.start("--listen", f"unix:{sock}")
        message = self.notified()
        self.assertEqual(message, {"READY": "1", "STATUS": "serving"})
        Client(f"unix:{sock}").close()

    def test_the_abstract_namespace(self):
        """Where systemd had its socket for long."""
        self.start(name=f"@sluice-test-{os.getpid()}")
        self.assertEqual(self.notified()["READY"], "1")

    def test_reloading(self):
        """Begun and ended, whether it worked or not."""
        config = self.dir / "conf"
        config.write_text("[broker]\n", encoding="utf-8")
        self.start("-c", str(config))
        self.notified_until("READY")
        for text, word in (("[broker]\nmemory = 64m\n", "serving"),
                           ("[broker]\nmemory = ?\n", "failed")):
            config.write_text(text, encoding="utf-8")
            self.sluiced.signal(signal.SIGHUP)
            begun = self.notified()
            self.assertEqual(begun["RELOADING"], "1")
            self.assertGreater(int(begun["MONOTONIC_USEC"]), 0)
            ended = self.notified()
            self.assertEqual(ended["READY"], "1")
            self.assertIn(word, ended["STATUS"])

    def test_stopping_asks_for_the_time_it_may_take(self):
        """What --drain-timeout says, and a bit."""
        self.start("--drain-timeout=60s")
        self.sluiced.signal()
        message = self.notified_until("STOPPING")[-1]
        self.assertEqual(message["STOPPING"], "1")
        self.assertGreater(int(message["EXTEND_TIMEOUT_USEC"]), 60_000_000)

    def test_the_watchdog_is_pinged(self):
        """Again and again, idle or not; under load by the same loop."""
        self.start(WATCHDOG_USEC="20000")
        self.notified_until("READY")
        for _ in range(3):
            self.assertEqual(self.notified(), {"WATCHDOG": "1"})
        reader = self.subscriber(self.sluiced, b"/t")
        self.publisher(self.sluiced).flood(b"/t", 1000, 1000)
        reader.recv_numbers(1000)
        self.assertEqual(self.notified(), {"WATCHDOG": "1"})

    def test_a_stuck_loop_sends_no_ping(self):
        """A stopped process has one: only what it had sent arrives."""
        self.start(WATCHDOG_USEC="2000")
        self.notified_until("WATCHDOG")
        self.sluiced.signal(signal.SIGSTOP)
        os.waitid(os.P_PID, self.sluiced.process.pid,
                  os.WSTOPPED | os.WNOWAIT)
        self.manager.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while self.notified():
                pass
        self.manager.settimeout(DEADLINE)
        self.sluiced.signal(signal.SIGCONT)
        self.assertEqual(self.notified(), {"WATCHDOG": "1"})

    def test_the_watchdog_of_another_process(self):
        """WATCHDOG_PID is not ours: there is no ping."""
        self.start(WATCHDOG_USEC="1000", WATCHDOG_PID="1")
        self.assert_serves(self.sluiced)
        self.sluiced.signal()
        self.assertFalse([message for message in self.notified_until("STOPPING")
                          if "WATCHDOG" in message])

    def test_a_manager_that_is_gone_is_no_reason_to_stop(self):
        """The failure is logged at a limited rate, the broker serves."""
        self.start(WATCHDOG_USEC="2000")
        self.notified_until("READY")
        self.manager.close()
        self.sluiced.wait_for_log("event=notify_failed reason=ECONNREFUSED")
        self.assert_serves(self.sluiced)

    def test_an_address_that_cannot_be(self):
        """One sentence, exit 1."""
        for name in ("relative", "/" + "x" * 200, ""):
            done = subprocess.run(
                [SLUICED, "--listen", "127.0.0.1:0"], capture_output=True,
                text=True, timeout=DEADLINE, check=False,
                env={**environment(), "NOTIFY_SOCKET": name})
            self.assertEqual(done.returncode, 1)
            self.assertRegex(done.stderr, "^sluiced: NOTIFY_SOCKET: .*\n$")


class Activation(ServiceTest):
    """Sockets that another process has made."""

    def listening(self, address="127.0.0.1"):
        """A listening socket above the place where it is to be."""
        kind = socket.AF_UNIX if "/" in address else socket.AF_INET
        sock = socket.socket(kind)
        self.addCleanup(sock.close)
        sock.bind(address if "/" in address else (address, 0))
        sock.listen()
        return sock

    def activate(self, socks, *args, pid="$$", listen=None):
        """A shell puts them from 3 on, and names itself, as the broker that
        it then becomes."""
        fds = [fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, ABOVE)
               for sock in socks]
        for fd in fds:
            self.addCleanup(os.close, fd)
        moves = " ".join(f"{FIRST + i}<&{fd} {fd}<&-"
                         for i, fd in enumerate(fds))
        script = (f'exec {moves}; LISTEN_PID={pid} LISTEN_FDS={len(fds)} '
                  'exec "$0" "$@"')
        return self.broker(
            *args, listen=len(fds) if listen is None else listen,
            prefix=("bash", "-c", script), pass_fds=fds)

    def test_they_are_served_instead_of_the_default(self):
        """TCP and unix at once; nothing else is opened."""
        tcp, unix = self.listening(), self.listening(self.path("sock"))
        sluiced = self.activate([tcp, unix])
        host, port = tcp.getsockname()
        self.assertEqual(sluiced.addresses, [f"{host}:{port}",
                                             f"unix:{self.path('sock')}"])
        reader = self.connect(sluiced, listener=1).subscribe(b"/t")
        sluiced.sync(reader)
        self.publisher(sluiced).publish(b"/t", b"through both")
        self.assertEqual(reader.recv(), b"through both")
        sluiced.sync()
        self.assertEqual(len(sluiced.log("event=listening")), 2)

    def test_who_came_before_the_broker_is_served(self):
        """The first client is what starts it."""
        unix = self.listening(self.path("sock"))
        early = Client(f"unix:{self.path('sock')}").subscribe(b"/t")
        self.addCleanup(early.close)
        early.publish(b"/t", b"was here first")
        self.activate([unix])
        self.assertEqual(early.recv(), b"was here first")

    def test_addresses_that_are_given_are_served_as_well(self):
        """One of them is the socket that was passed: it is used once."""
        unix = self.listening(self.path("a"))
        sluiced = self.activate(
            [unix], "--listen", f"unix:{self.path('a')}", "--listen",
            f"unix:{self.path('b')}", listen=2)
        self.assertEqual(sluiced.addresses, [f"unix:{self.path('a')}",
                                             f"unix:{self.path('b')}"])

    def test_they_outlive_the_broker(self):
        """The file stays, and a client that connects in between waits for
        the next broker."""
        unix = self.listening(self.path("sock"))
        self.activate([unix]).stop()
        self.assertTrue((self.dir / "sock").is_socket())
        late = Client(f"unix:{self.path('sock')}").subscribe(b"/t")
        self.addCleanup(late.close)
        late.publish(b"/t", b"between two")
        self.activate([unix])
        self.assertEqual(late.recv(), b"between two")

    def test_they_stay_on_reload(self):
        """Other addresses come and go beside them."""
        config = self.dir / "conf"
        config.write_text("[broker]\n", encoding="utf-8")
        sluiced = self.activate([self.listening()], "-c", str(config))
        for text in (f"[broker]\nlisten = unix:{self.path('b')}\n",
                     "[broker]\n"):
            config.write_text(text, encoding="utf-8")
            since = sluiced.mark()
            sluiced.signal(signal.SIGHUP)
            sluiced.wait_for_log("event=reloaded", since)
        self.assertEqual(len(sluiced.log("event=listening_ended")), 1)
        self.assert_serves(sluiced)

    def test_those_for_another_process_are_left_alone(self):
        """LISTEN_PID is not ours."""
        sluiced = self.activate([self.listening()], "--listen",
                                f"unix:{self.path('own')}", pid="1")
        self.assertEqual(sluiced.addresses, [f"unix:{self.path('own')}"])

    def test_a_descriptor_that_is_no_listening_socket(self):
        """One sentence with its number, exit 1."""
        plain = socket.socket()
        self.addCleanup(plain.close)
        fd = fcntl.fcntl(plain, fcntl.F_DUPFD_CLOEXEC, ABOVE)
        self.addCleanup(os.close, fd)
        script = f'exec 3<&{fd}; LISTEN_PID=$$ LISTEN_FDS=1 exec "$0"'
        done = subprocess.run(
            ["bash", "-c", script, SLUICED], capture_output=True, text=True,
            timeout=DEADLINE, pass_fds=[fd], env=environment(), check=False)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(done.stderr, "sluiced: descriptor 3 is not a "
                                      "listening socket\n")


if __name__ == "__main__":
    main()
