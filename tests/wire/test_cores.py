# SPDX-License-Identifier: MIT
"""Of programs that hold secrets there is no core file, and nobody of the same
user looks into their memory."""
import os
import pathlib
import resource
import signal
import subprocess
import unittest

import certificates
from daemon import Broker
from test_logins import PASSWORD, hash_of
from test_secrets import CURVE_SECRET, SecretsTest
from wire import DEADLINE, is_sanitised, main, skip

SLUICE = os.environ.get("SLUICE")
UNLIMITED = {resource.RLIMIT_CORE: resource.RLIM_INFINITY}
CANARY = b"/topic/c4n4ry-of-the-core"

if is_sanitised():
    skip("sanitizers write no core files")
if resource.getrlimit(resource.RLIMIT_CORE)[1] != resource.RLIM_INFINITY:
    skip("core files are limited here")


def leaves_core(process):
    """Whether the kernel writes one when it aborts."""
    process.send_signal(signal.SIGABRT)
    _, status = os.waitpid(process.pid, 0)
    process.poll()
    assert os.WTERMSIG(status) == signal.SIGABRT, status
    return os.WCOREDUMP(status)


class CoresTest(SecretsTest):
    def broker(self, *args, **kwargs):
        """One that will not end in order."""
        broker = Broker(*args, limits=UNLIMITED, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def setUp(self):
        super().setUp()
        self.file_of("curve", CURVE_SECRET + b"\n")
        self.file_of("password", PASSWORD + b"\n")
        self.users(("thermo", f"password = {hash_of(PASSWORD)}",
                    "network = 127.0.0.0/8", "subscribe = /topic/**"))
        broker = self.broker()
        self.connect(broker).subscribe(CANARY)
        broker.wait_stats(subscribers=1)
        folder = pathlib.Path(broker.dir)
        if not leaves_core(broker.process):
            self.skipTest("core files are not written here")
        found = [path.read_bytes() for path in folder.glob("core*")]
        if found:  # a pattern may put them elsewhere
            self.assertIn(CANARY, found[0])

    def file_of(self, name, content):
        path = self.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return str(path)


class Brokers(CoresTest):
    def test_whichever_secret_a_broker_has(self):
        for args in (("--users", str(self.file)),
                     certificates.server_options(),
                     ("--monitor-bind", "tcp://127.0.0.1:*", "--monitor-key",
                      str(self.folder / "curve"), "--monitor-clients",
                      self.file_of("watchers", b""))):
            with self.subTest(args):
                broker = self.broker(*args)
                self.assertFalse(leaves_core(broker.process))
                self.assertEqual(list(pathlib.Path(broker.dir)
                                      .glob("core*")), [])

    def test_in_the_middle_of_all_that_shows_it_one(self):
        broker = self.start_all()
        self.assertFalse(leaves_core(broker.process))
        self.assertEqual(list(pathlib.Path(broker.dir).glob("core*")), [])

    def test_a_key_that_comes_with_a_reload(self):
        _, cert, _, key = certificates.server_options()
        config = self.folder / "sluice.conf"
        config.write_text("# nothing yet\n")
        broker = self.broker("-c", str(config))
        config.write_text(f"[tls]\ncert = {cert}\nkey = {key}\n")
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=tls_loaded")
        self.assertFalse(leaves_core(broker.process))


@unittest.skipUnless(SLUICE, "without $SLUICE")
class Commands(CoresTest):
    def start_command(self, *args, env=None):
        process = subprocess.Popen(
            [SLUICE, *args], cwd=self.folder, stdin=subprocess.PIPE,
            stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            env=os.environ | (env or {}), preexec_fn=lambda: resource.setrlimit(
                resource.RLIMIT_CORE, (resource.RLIM_INFINITY,) * 2))
        self.addCleanup(process.communicate, timeout=DEADLINE)
        self.addCleanup(process.kill)
        return process

    def test_commands_that_are_given_a_secret(self):
        broker = self.broker("--users", str(self.file),
                                  *certificates.server_options())
        folder = certificates.folder()
        password = str(self.folder / "password")
        for args, env in (
                (("--user", "thermo", "--password-file", password), None),
                (("--user", "thermo"), {"SLUICE_PASSWORD": PASSWORD.decode()}),
                (("--tls-ca", folder["ca.pem"], "--tls-cert",
                  folder["device.pem"], "--tls-key", folder["device.key"]),
                 None)):
            with self.subTest(args):
                since = broker.stats()["subscribers"]
                command = self.start_command(
                    "listen", "/topic/a", "--server",
                    "localhost:" + broker.address.rsplit(":", 1)[1], *args,
                    env=env)
                broker.wait_stats(subscribers=since + 1)
                self.assertFalse(leaves_core(command))
                broker.wait_stats(subscribers=since)

    def test_a_command_without_one(self):
        """It may be looked into when it dies."""
        broker = self.broker()
        command = self.start_command("listen", "/topic/a", "--server",
                                     broker.address)
        broker.wait_stats(subscribers=1)
        self.assertTrue(leaves_core(command))


if __name__ == "__main__":
    main()
