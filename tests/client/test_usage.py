# SPDX-License-Identifier: MIT
"""Help, versions and wrong usage: one sentence that names what was wrong and
what would be right, and statuses that scripts can trust."""
import os
import re
import socket
import tempfile
import unittest

from command import main, refusing_address, run


class Help(unittest.TestCase):
    def check_help(self, *args):
        done = run(*args)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def test_help_names_every_command(self):
        text = self.check_help("--help")
        for word in ("sluice send", "sluice listen", "--version"):
            self.assertIn(word, text)
        self.assertEqual(text, self.check_help("help"))

    def test_help_of_a_command_names_its_options_and_defaults(self):
        text = self.check_help("send", "--help")
        for word in ("usage: sluice send", "CHANNEL", "--server ADDR",
                     "127.0.0.1:25000", "$SLUICE_SERVER", "--interval",
                     "--count", "--size"):
            self.assertIn(word, text)
        self.assertEqual(text, self.check_help("help", "send"))
        self.assertIn("--raw", self.check_help("listen", "--help"))

    def test_help_fits_a_terminal(self):
        commands = re.findall(r"(?m)^  sluice (\w+)", self.check_help("help"))
        self.assertIn("bench", commands)
        for args in (["help"], *(["help", c] for c in commands if c != "help")):
            for line in self.check_help(*args).splitlines():
                self.assertLessEqual(len(line), 80, line)
                self.assertEqual(line, line.rstrip(), "ends in a blank")
                self.assertNotIn("(null)", line)

    def test_version(self):
        said = self.check_help("--version")
        self.assertRegex(said, r"^sluice \d+\.\d+")
        for word in ("version", "-v", "-V"):
            self.assertEqual(self.check_help(word), said)


class WrongUsage(unittest.TestCase):
    def check_wrong(self, args, *words, server=None):
        done = run(*args, server=server)
        text = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (2, b""), text)
        self.assertEqual(text.count("\n"), 1, text)
        for word in ("sluice: ", *words):
            self.assertIn(word, text)

    def test_no_command(self):
        done = run()
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(b"usage: sluice COMMAND", done.stderr)

    def test_unknown_command(self):
        self.check_wrong(["sned"], "'sned'", "did you mean 'send'?")
        self.check_wrong(["frobnicate"], "'frobnicate'", "--help")
        self.check_wrong(["help", "lisen"], "'lisen'", "'listen'")

    def test_the_words_of_other_programs_are_known(self):
        for word, command in (("sub", "listen"), ("subscribe", "listen"),
                              ("consume", "listen"), ("pub", "send"),
                              ("publish", "send"), ("push", "send")):
            self.check_wrong([word, "/a"], f"'{word}'",
                             f"did you mean '{command}'?")
            self.check_wrong(["help", word], f"did you mean '{command}'?")

    def test_unknown_option(self):
        self.check_wrong(["send", "/a", "--conut", "3"], "--conut", "--count")
        self.check_wrong(["listen", "/a", "-x"], "-x", "listen --help")

    def test_bad_values(self):
        for option, value, right in (
                ("--count", "many", "whole number"),
                ("--count", "0", "at least 1"),
                ("--count", "99999999999999999999", "whole number"),
                ("--size", "64q", "64k"),
                ("--size", "2g", "from 1 to 1g"),
                ("--interval", "-1", "250ms"),
                ("--timeout", "soon", "5s"),
                ("--max-frame", "0", "from 1 to 1g"),
                ("--max-frame", "4294967296", "from 1 to 1g")):
            self.check_wrong(["send", "/a", option, value],
                             f"{option}: ", value, right)
            self.check_wrong(["send", "/a", f"{option}={value}"],
                             f"{option}: ", value)

    def test_missing_value(self):
        self.check_wrong(["send", "/a", "--count"], "--count needs a value",
                         "whole number")

    def test_flag_with_a_value(self):
        self.check_wrong(["listen", "/a", "--raw=1"], "--raw takes no value")

    def test_channels(self):
        self.check_wrong(["send"], "CHANNEL")
        self.check_wrong(["listen"], "CHANNEL")
        self.check_wrong(["send", ""], "CHANNEL", "1 to 255", "0")
        self.check_wrong(["listen", "n" * 256], "CHANNEL", "256")
        self.check_wrong(["listen", "/a", "n" * 256], "CHANNEL", "256")
        self.check_wrong(["work", "/queue/a", "/queue/b", "--exec", "true"],
                         "one CHANNEL")

    def test_what_prints_nothing_has_no_headers_to_show(self):
        self.check_wrong(["listen", "/a", "--exec", "true", "--headers"],
                         "--headers")
        self.check_wrong(["listen", "/a", "--raw", "--headers"], "--headers")

    def test_messages_from_two_places(self):
        self.check_wrong(["send", "/a", "hello", "--file", "x"], "--file",
                         "MESSAGE")
        self.check_wrong(["send", "/a", "--count", "3", "--file", "x"],
                         "--file", "--count")

    def test_messages_and_a_generator(self):
        self.check_wrong(["send", "/a", "hello", "--count", "3"], "--count",
                         "MESSAGE")

    def test_bad_addresses(self):
        for address in ("25000", "/run/a", "host:", "host:0", "::1:25000", "unix:"):
            self.check_wrong(["send", "/a", "b", "--server", address],
                             "--server", f"'{address}'", "host:port")
        self.check_wrong(["listen", "/a"], "$SLUICE_SERVER", "'not one'",
                         server="not one")

    def test_a_path_too_long_for_a_socket(self):
        self.check_wrong(["send", "/a", "b", "--server", "unix:" + "p" * 200],
                         "--server", "107 bytes")


class NoBroker(unittest.TestCase):
    def check_failed(self, args, *words):
        done = run(*args)
        text = done.stderr.decode()
        self.assertEqual((done.returncode, done.stdout), (1, b""), text)
        self.assertEqual(text.count("\n"), 1, text)
        for word in words:
            self.assertIn(word, text)

    def test_refused(self):
        address = refusing_address(self)
        words = (f"cannot connect to {address}", "refused",
                 "is sluiced running?", "--server")
        self.check_failed(["send", "/a", "b", "--server", address], *words)
        self.check_failed(["listen", "/a", "--no-reconnect", "--server",
                           address], *words)

    def test_unresolvable(self):
        for args in (["send", "/a", "b"], ["listen", "/a"]):
            self.check_failed([*args, "--server", "no.such.host.invalid:1"],
                              "no.such.host.invalid", "--server")

    def test_no_such_socket(self):
        self.check_failed(["send", "/a", "b", "--server", "unix:/no/such"],
                          "unix:/no/such", "No such file")

    @unittest.skipUnless(os.getuid() == 0, "only root can be another user")
    def test_a_socket_for_others(self):
        """Nothing that a new broker, or patience, could help."""
        with tempfile.TemporaryDirectory() as folder, \
                socket.socket(socket.AF_UNIX) as listening:
            path = f"{folder}/socket"
            listening.bind(path)
            listening.listen()
            os.chmod(path, 0o660)
            os.chmod(folder, 0o755)
            for args in (["send", "/a", "b"], ["listen", "/a"],
                         ["send", "--reconnect", "/a", "b"],
                         ["listen", "/queue/a", "--exec", "true"], ["ping"],
                         ["bench"], ["chat", "/a"]):
                done = run(*args, server=f"unix:{path}", user=65534,
                           group=65534, extra_groups=[])
                self.assertEqual(
                    (done.returncode, done.stderr.decode()),
                    (1, f"sluice: cannot connect to unix:{path}: Permission "
                     f"denied: you are not in group 'root' of {path}\n"))
            done = run("top", "--once", "--timeout", "100ms", "--monitor",
                       f"ipc://{path}", user=65534, group=65534,
                       extra_groups=[])
            self.assertEqual(done.returncode, 1)
            self.assertIn(f"you are not in group 'root' of {path}",
                          done.stderr.decode())


if __name__ == "__main__":
    main()
