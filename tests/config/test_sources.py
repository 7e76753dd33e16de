# SPDX-License-Identifier: MIT
"""The command line beats the environment, which beats the file; --check prints
the values and their sources, in a form that can be read again."""
import os
import pathlib
import subprocess
import tempfile

from daemon import SLUICED, environment
from wire import DEADLINE, WireTest, main


class SourcesTest(WireTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-config-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "sluice.conf"

    def write(self, text):
        self.path.write_text(text, encoding="utf-8")
        return str(self.path)

    def check(self, *args, **env):
        done = subprocess.run(
            [SLUICED, "--check", *args], capture_output=True, text=True,
            timeout=DEADLINE, env={**environment(), **env}, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout.splitlines()


class Precedence(SourcesTest):
    def test_the_strongest_holds_and_is_named(self):
        """File, environment, command line, in all combinations."""
        path = self.write("[broker]\nmemory = 32m\nprefetch = 2k\n"
                          "patience = 3s\n")
        said = self.check("-c", path, "--prefetch=4k", "--patience=7s",
                          SLUICE_PATIENCE="5s", SLUICE_QUEUE_LIMIT="1m")
        for line in (f"memory = 32m ; {path}:2", "prefetch = 4k ; command line",
                     "patience = 7s ; command line",
                     "queue-limit = 1m ; SLUICE_QUEUE_LIMIT",
                     "max-frame = 16m ; default"):
            self.assertIn(line, said)
        said = self.check("--config", path, SLUICE_PATIENCE="5s")
        self.assertIn("patience = 5s ; SLUICE_PATIENCE", said)

    def test_a_list_is_replaced_whole(self):
        """The addresses of a stronger source, not all of them."""
        path = self.write("[broker]\nlisten = unix:/a\nlisten = unix:/b\n")
        self.assertEqual(
            [line for line in self.check("-c", path)
             if line.startswith("listen")],
            [f"listen = unix:/a ; {path}:2", f"listen = unix:/b ; {path}:2"])
        said = self.check("-c", path, SLUICE_LISTEN="unix:/c;unix:/d")
        self.assertIn("listen = unix:/d ; SLUICE_LISTEN", said)
        self.assertNotIn(f"listen = unix:/a ; {path}:2", said)

    def test_rules_of_the_stronger_come_first(self):
        """The first that matches holds."""
        path = self.write('[channel "/x"]\nhold = 1\n')
        said = self.check("-c", path, "--channel", "/x hold=3",
                          SLUICE_CHANNEL="/x hold=2;/y")
        rules = said[[line.startswith("[channel") for line in said].index(True):]
        self.assertEqual(
            [line for line in rules if line.startswith(("[channel", "hold"))],
            ['[channel "/x"] ; command line', "hold = 3",
             '[channel "/x"] ; SLUICE_CHANNEL', "hold = 2",
             '[channel "/y"] ; SLUICE_CHANNEL',
             f'[channel "/x"] ; {path}:1', "hold = 1"])

    def test_the_file_may_be_named_by_the_environment(self):
        """SLUICE_CONFIG; the command line beats it as well."""
        path = self.write("[broker]\nmemory = 33m\n")
        self.assertIn(f"memory = 33m ; {path}:2",
                      self.check(SLUICE_CONFIG=path))
        other = self.path.with_name("other.conf")
        other.write_text("# nothing\n", encoding="utf-8")
        self.assertIn("memory = 256m ; default",
                      self.check("-c", str(other), SLUICE_CONFIG=path))

    def test_a_wrong_value_is_wrong_even_if_it_would_not_hold(self):
        """A mistake in a file is found when it is made."""
        path = self.write("[broker]\nmemory = lots\n")
        done = subprocess.run(
            [SLUICED, "--check", "-c", path, "--memory=8m"],
            capture_output=True, text=True, timeout=DEADLINE,
            env=environment(), check=False)
        self.assertEqual((done.returncode, done.stdout), (2, ""))
        self.assertIn(f"{path}:2: memory: 'lots'", done.stderr)


class Check(SourcesTest):
    def test_what_it_prints_is_a_file_that_says_the_same(self):
        """Values survive, only where they come from is new."""
        first = self.check(
            "--listen", "unix:/s", "--patience", "250ms", "--memory", "100m",
            "--channel", "/t/** policy=drop-oldest messages=7 patience=0",
            "--log-level", "debug", "--socket-mode", "0600")
        path = self.write("\n".join(first) + "\n")
        self.assertEqual(
            [line.partition(" ;")[0] for line in self.check("-c", path)],
            [line.partition(" ;")[0] for line in first])

    def test_it_says_what_will_be_lowered(self):
        """It prints the values it would run with, not those asked for."""
        path = self.write("[broker]\nmemory = 20m\n")
        said = self.check("-c", path)
        self.assertIn("; max-frame is lowered to 10m, half of the memory",
                      said)
        self.write("\n".join(said) + "\n")
        self.assertEqual([line.partition(" ;")[0] for line in said],
                         [line.partition(" ;")[0]
                          for line in self.check("-c", path)])
        self.assertNotIn("lowered", "".join(self.check("--memory=32m")))

    def test_it_names_variables_that_are_not_options(self):
        """A typo; the client's and a container engine's are no mistakes."""
        said = self.check(SLUICE_MEMROY="1g", SLUICE_MEMORY="64m")
        self.assertIn("; SLUICE_MEMROY is not an option of sluiced, "
                      "and is ignored", said)
        self.assertNotIn("SLUICE_MEMORY is", "\n".join(said))
        path = self.write("# nothing\n")
        self.assertNotIn("SLUICE_CONFIG is",
                         "\n".join(self.check(SLUICE_CONFIG=path)))

    def test_it_listens_nowhere(self):
        """It only reads: an address in use is not its business."""
        sluiced = self.broker()
        said = self.check("--listen", sluiced.address)
        self.assertIn(f"listen = {sluiced.address} ; command line", said)


class Effect(SourcesTest):
    def test_a_broker_runs_with_what_the_file_says(self):
        """An address, a bound and a rule, seen from outside."""
        path = self.write('[broker]\nlog-level = debug\nmax-frame = 100\n'
                          '[channel "/kept"]\nhold = 2\n')
        sluiced = self.broker("-c", path)
        sender = self.publisher(sluiced)
        for message in (b"1", b"2", b"3"):
            sender.publish(b"/kept", message)
        sluiced.sync(sender)
        reader = self.subscriber(sluiced, b"/kept")
        self.assertEqual([reader.recv(), reader.recv()], [b"2", b"3"])
        sender.publish(b"/kept", b"x" * 101)
        self.assert_closed(sluiced, sender, "frame_too_long")

    def test_socket_mode_holds(self):
        """Whatever umask it is started with (class 25)."""
        for mode in (0o600, 0o660, 0o777):
            with self.subTest(mode=oct(mode)):
                before = os.umask(0o022)
                self.addCleanup(os.umask, before)
                sluiced = self.broker("--socket-mode", f"{mode:04o}",
                                      listen=("unix:{dir}/sock",))
                os.umask(before)
                sock = pathlib.Path(sluiced.address[5:])
                self.assertEqual(sock.stat().st_mode & 0o777, mode)


if __name__ == "__main__":
    main()
