# SPDX-License-Identifier: MIT
"""What a person at a shell gets from sluiced: help, errors that say what
would be right, and exit statuses that scripts can trust."""
import os
import pathlib
import socket
import subprocess
import tempfile

from client import Client
from daemon import SLUICED
from wire import DEADLINE, WireTest, main, run_sluiced

OPTIONS = ("--listen", "--max-frame", "--client-limit", "--patience",
           "--prefetch", "--queue-limit", "--max-connections",
           "--hello-timeout", "--frame-timeout", "--drain-timeout",
           "--log-level", "--help", "--version")
BAD_VALUES = (
    ("--max-frame", "16x"), ("--max-frame", "-1"), ("--max-frame", "2g"),
    ("--max-frame", "4294967296"), ("--max-frame", "9223372036854775808"),
    ("--max-frame", ""), ("--client-limit", "many"),
    ("--client-limit", "99999999999999999999"), ("--prefetch", "-5k"),
    ("--queue-limit", "1e6"), ("--queue-limit", "18446744073709551616"),
    ("--patience", "soon"), ("--patience", "-1s"),
    ("--patience", "99999999999999999999s"), ("--hello-timeout", "5 s"),
    ("--frame-timeout", "5h5"), ("--drain-timeout", "s"),
    ("--max-connections", "x"), ("--max-connections", "-1"),
    ("--max-connections", "4294967297000000000"),
    ("--log-level", "loud"), ("--listen", "25000"),
    ("--listen", "::1"), ("--listen", "127.0.0.1:99999"),
    ("--listen", "127.0.0.1:x"), ("--listen", "unix:"),
)


class Help(WireTest):
    def test_help_names_every_option(self):
        """On standard output, exit 0."""
        done = run_sluiced("--help")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        for option in OPTIONS:
            self.assertIn(option, done.stdout)
        for default in ("127.0.0.1:25000", "16m", "8m", "64k", "64m",
                        "10s", "5s", "1s"):
            self.assertIn(default, done.stdout)

    def test_help_fits_a_terminal(self):
        """80 columns."""
        for line in run_sluiced("--help").stdout.splitlines():
            self.assertLessEqual(len(line), 80, line)

    def test_version_is_one_line(self):
        """Name and number, exit 0."""
        done = run_sluiced("--version")
        self.assertEqual(done.returncode, 0)
        self.assertRegex(done.stdout, r"^sluiced? \d+\.\d+\.\d+\n$")


class UsageErrors(WireTest):
    def assert_usage_error(self, *args, names):
        done = run_sluiced(*args)
        self.assertEqual(done.returncode, 2, (args, done.stderr))
        self.assertEqual(done.stdout, "")
        self.assertLessEqual(len(done.stderr.splitlines()), 2, done.stderr)
        for name in names:
            self.assertIn(name, done.stderr)

    def test_unknown_option_is_named(self):
        """Exit 2, and the option in the sentence."""
        self.assert_usage_error("--frobnicate", names=["--frobnicate"])
        self.assert_usage_error("--max-fram=1m", names=["--max-fram"])
        self.assert_usage_error("-x", names=["-x"])

    def test_argument_without_option_is_named(self):
        """sluiced takes options only."""
        self.assert_usage_error("25000", names=["25000"])

    def test_missing_value_is_named(self):
        """An option at the end of the line that wants a value."""
        for option in OPTIONS[:-2]:
            with self.subTest(option=option):
                self.assert_usage_error(option, names=[option])

    def test_bad_values_are_named(self):
        """Option and value are in the sentence, in both spellings; sizes
        that overflow are bad values, not small ones (class 3)."""
        for option, value in BAD_VALUES:
            with self.subTest(option=option, value=value):
                names = [option, value] if value else [option]
                self.assert_usage_error(option, value, names=names)
                self.assert_usage_error(f"{option}={value}", names=names)

    def test_flags_take_no_value(self):
        """--help=yes is a mistake, not help."""
        self.assert_usage_error("--help=yes", names=["--help takes no value"])
        self.assert_usage_error("--check=1", names=["--check takes no value"])


class Spelling(WireTest):
    def test_both_spellings_and_all_units(self):
        """--name VALUE and --name=VALUE; bytes, k, m, g; ms, s, m,
        seconds; every option with a good value."""
        sluiced = self.broker(
            "--max-frame=1g", "--client-limit", "1048576", "--patience=250ms",
            "--prefetch=64k", "--queue-limit", "1g", "--max-connections=100",
            "--hello-timeout", "2m", "--frame-timeout=10",
            "--drain-timeout=5s", "--log-level=debug")
        self.assert_serves(sluiced)

    def test_log_level_is_obeyed(self):
        """error: not a word while all goes well, except the counters that
        a signal asks for."""
        sluiced = self.broker("--log-level", "debug")
        self.connect(sluiced).subscribe(b"x").goodbye().wait_closed()
        sluiced.wait_for_log("debug event=closed")
        sluiced = self.broker("--log-level", "info")
        self.connect(sluiced).subscribe(b"x").goodbye().wait_closed()
        sluiced.stats()
        self.assertEqual(sluiced.log(" debug "), [])


class StartErrors(WireTest):
    def assert_start_error(self, address, names):
        done = run_sluiced("--listen", address)
        self.assertEqual(done.returncode, 1, (address, done.stderr))
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        for name in names:
            self.assertIn(name, done.stderr)

    def test_address_in_use(self):
        """One sentence that names the address, exit 1."""
        sluiced = self.broker()
        self.assert_start_error(sluiced.address, [
            sluiced.address, "in use; is sluiced already running?"])

    def test_second_listener_in_use_is_fatal_too(self):
        """All listeners or none."""
        sluiced = self.broker()
        done = run_sluiced("--listen", "127.0.0.1:0", "--listen",
                           sluiced.address)
        self.assertEqual(done.returncode, 1)
        self.assertIn(sluiced.address, done.stderr)

    def test_unresolvable_and_foreign_addresses(self):
        """A name that does not resolve, an address of another host."""
        for address in ("no-such-host.invalid:1", "192.0.2.1:25000"):
            with self.subTest(address=address):
                self.assert_start_error(f"{address} auth=none tls=none",
                                        [address.split(":")[0]])

    def test_unix_path_that_cannot_be(self):
        """A directory that is not there; a path too long for a socket."""
        for path in ("/no/such/dir/sock", "/tmp/" + "x" * 200):
            with self.subTest(path=path[:30]):
                self.assert_start_error(f"unix:{path}", [])

    def test_plain_file_is_not_replaced(self):
        """Only a stale socket is: whatever else has the name stays."""
        with tempfile.TemporaryDirectory() as where:
            path = pathlib.Path(where) / "precious"
            path.write_text("data", encoding="utf-8")
            self.assert_start_error(f"unix:{path}", [str(path)])
            self.assertEqual(path.read_text(encoding="utf-8"), "data")


class UnixSocket(WireTest):
    def test_stale_socket_file_is_replaced(self):
        """What a killed broker left behind does not stop the next."""
        with tempfile.TemporaryDirectory() as where:
            path = f"{where}/sock"
            with socket.socket(socket.AF_UNIX) as left_behind:
                left_behind.bind(path)
            sluiced = self.broker(listen=(f"unix:{path}",))
            self.assert_serves(sluiced)
            self.assertEqual(sluiced.stop().status, 0)

    def test_live_socket_is_refused(self):
        """A broker that is alive keeps its address: exit 1, one line."""
        sluiced = self.broker(listen=("unix:{dir}/sock",))
        done = run_sluiced("--listen", sluiced.address)
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertIn("in use; is sluiced already running?", done.stderr)
        self.assert_serves(sluiced)

    def start(self, address):
        process = subprocess.Popen([SLUICED, "--listen", address],
                                   stderr=subprocess.PIPE, text=True)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def test_only_one_of_many_gets_a_stale_path(self):
        """Started at the same moment on what a killed one left."""
        with tempfile.TemporaryDirectory() as where:
            address = f"unix:{where}/sock"
            for _ in range(3):
                killed = self.start(address)
                self.assertIn("event=listening", killed.stderr.readline())
                killed.kill()
                killed.wait(DEADLINE)
                started = [self.start(address) for _ in range(4)]
                said = [process.stderr.readline() for process in started]
                winners = [process for process, line in zip(started, said)
                           if "event=listening" in line]
                self.assertEqual(len(winners), 1, said)
                Client(address, has_tls=False).close()
                winners[0].terminate()
                for process in started:
                    self.assertEqual(process.wait(DEADLINE),
                                     0 if process in winners else 1)
                self.assertEqual(os.listdir(where), [])

    def test_socket_file_is_removed_at_the_end(self):
        """Nothing stays behind, neither the socket nor its lock."""
        sluiced = self.broker(listen=("unix:{dir}/sock",))
        path = pathlib.Path(sluiced.address[5:])
        self.assertTrue(path.is_socket())
        sluiced.signal()
        self.assertEqual(sluiced.process.wait(DEADLINE), 0)
        self.assertEqual(list(path.parent.iterdir()), [])

    def test_protocol_is_the_same(self):
        """Topics, queues, goodbye, and peers that have no port."""
        sluiced = self.broker(listen=("unix:{dir}/sock",))
        listener = self.subscriber(sluiced, b"/topic/unix")
        self.publisher(sluiced).publish(b"/topic/unix", b"m").goodbye()
        self.assertEqual(listener.recv(), b"m")
        worker = self.subscriber(sluiced, b"/queue/unix")
        worker.publish(b"/queue/unix", b"w")
        self.assertEqual(worker.recv(), b"w")
        self.assertEqual(worker.goodbye().wait_closed(), "eof")

    def test_ipv6_where_there_is_any(self):
        """[v6]:port."""
        try:
            with socket.socket(socket.AF_INET6) as probe:
                probe.bind(("::1", 0))
        except OSError:
            self.skipTest("no IPv6 loopback here")
        sluiced = self.broker(listen=("[::1]:0",))
        self.assertRegex(sluiced.address, r"^\[::1\]:\d+$")


if __name__ == "__main__":
    main()
