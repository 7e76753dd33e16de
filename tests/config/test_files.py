# SPDX-License-Identifier: MIT
"""Files with mistakes of every kind: each is refused at the start, with a
sentence that names file, line and key and says what would be right."""
import os
import pathlib
import tempfile

from wire import WireTest, main, run_sluiced

LINE_MAX = 64 << 10

# A file, and for each mistake in it the line and words of its sentence.
WRONG = (
    ("memory = 64m\n", {1: ["memory", "first section", "[broker]"]}),
    ("[brokr]\nmemory = 64m\n", {1: ["[brokr]", "[broker]", "[channel"]}),
    ("[broker]\nmemori = 64m\n", {2: ["'memori'", "memory", "max-frame"]}),
    # The name that it has elsewhere.
    ("[http]\nhttp = 127.0.0.1:1\n", {2: ["'http'", "'listen' in [http]"]}),
    ("[broker]\nhttp-host = x\n", {2: ["'http-host'", "'host' in [http]"]}),
    ("[broker]\nhttp-listen = x\n", {2: ["'listen' in [http]"]}),
    ("[broker]\nmonitor-bind = x\n", {2: ["'bind' in [monitor]"]}),
    ("[http]\ninterval = 1s\n", {2: ["'interval' in [monitor]"]}),
    ("[monitor]\nlisten = x\n",
     {2: ["'listen' in [broker] or 'listen' in [http]"]}),
    ("[broker]\nmemory = 64q\n", {2: ["memory", "'64q'", "64k, 16m"]}),
    ("[broker]\nmemory =\n", {2: ["memory", "''"]}),
    ("[broker]\nmemory = 1k\n", {2: ["memory", "from 4m to 1024g"]}),
    ("[broker]\nmemory = 99999999999999999999\n", {2: ["memory"]}),
    ("[broker]\nmemory = 18446744073709551616\n", {2: ["memory"]}),
    ("[broker]\nmemory = -1\n", {2: ["memory", "'-1'"]}),
    ("[broker]\nmax-frame = 4294967297\n", {2: ["max-frame", "to 1g"]}),
    ("[broker]\nmemory = 64m\nmemory = 65m\n", {3: ["memory", "line 2"]}),
    ("[broker]\nlog-level = loud\n", {2: ["log-level", "warning"]}),
    ("[broker]\nlisten = 25000\n", {2: ["listen", "host:port"]}),
    ("[broker]\nlisten = 127.0.0.1:99999\n", {2: ["listen", "99999"]}),
    ("[broker]\nsocket-mode = 8888\n", {2: ["socket-mode", "octal"]}),
    ("[broker]\nsocket-mode = 4755\n", {2: ["socket-mode", "0777"]}),
    ("[broker]\npatience\n", {2: ["neither [section]", "key = value"]}),
    ("[broker]\npatience ; = 1s\n", {2: ["neither [section]", "key = value"]}),
    ("[broker]\n= 64m\n", {2: ["''"]}),
    ("[broker\nmemory = 64m\n", {1: ["[name]"]}),
    ("[broker] memory = 64m\n", {1: ["[name]"]}),
    ("[]\n", {1: ["[]"]}),
    ("[channel]\nhold = 1\n", {1: ["[channel]", '[channel "PATTERN"]']}),
    ('[channel ""]\n', {1: ["''", "channel name"]}),
    ('[channel "/a]\n', {1: ["[name]"]}),
    ('[channel "/a*b"]\nhold = 1\n', {1: ["'/a*b'", "segment"]}),
    ('[channel "/a"]\nlimits = 1m\n', {2: ["'limits'", "limit, messages"]}),
    ('[channel "/a"]\nlimit = 1\n', {2: ["limit", "from 1k"]}),
    ('[channel "/a"]\nhold = 1\nhold = 2\n', {3: ["'hold'", "twice"]}),
    ('[channel "/a"]\n[channel "/a"]\n', {2: ['"/a"', "line 1"]}),
    ("[broker]\npatience = " + "1" * 5000 + "\n",
     {2: ["patience: '111", "1...1", "1' is not a duration"]}),
    ("[broker]\n#" + "x" * LINE_MAX + "\nmemory = 1\n[monitor]\nname = "
     + "x" * LINE_MAX + "\n", {2: ["longer than 65536"], 3: ["from 4m"],
                              5: ["longer than 65536"]}),
    ("[broker]\nmemory = 64m" + " " * 5000 + "x\n", {2: ["memory: '64m  "]}),
    ("[" + "x" * 5000 + "]\n", {1: ["is not a section"]}),
    ('[channel "' + "x" * 256 + '"]\n', {1: ["channel name"]}),
    ("[broker]\nmemory = 64m", {2: ["complete"]}),
    ("[broker]\nmem", {2: ["complete"]}),
    ("[broker]\n\0memory = 64m\n", {2: ["NUL"]}),
    ("", {0: ["empty"]}),
    ("#" * (32 << 20) + "\n", {0: ["32 MiB"]}),
    ("".join(f"[broker]\nlisten = unix:/{i}\n" for i in range(17)),
     {34: ["listen", "16"]}),
    ("".join(f'[channel "/{i}"]\n' for i in range(65)), {65: ["64"]}),
    # Text meant as a comment behind a value.
    ("[broker]\nmemory = 64m # big\n", {2: ["memory", "with ' ;'"]}),
    ("[broker]\nmemory = 64m;big\n", {2: ["memory", "with ' ;'"]}),
    ('[channel "/a"]\nlimit = 64m # big\n', {2: ["limit", "with ' ;'"]}),
    # Bytes that a terminal would take for a command, or show as a space.
    ("[broker]\nlog-level = \x1b[31mred\n", {2: [r"'\x1b[31mred'"]}),
    ("[broker]\nmemory = 64\xa0m\n", {2: [r"'64\xc2\xa0m'"]}),
    # All of them at once.
    ('[broker]\nmemory = 1\nfoo = 2\n[x]\nbar = 3\n[channel "/q"]\nlimit = x\n'
     "[broker]\nprefetch = 0\nlog-level = shout\n",
     {2: ["memory"], 3: ["'foo'"], 4: ["[x]"], 7: ["limit", "'x'"],
      9: ["prefetch"], 10: ["log-level"]}),
)

RIGHT = (
    "# nothing\n",
    "\n\n ; nothing\n\t\n",
    "[broker]\n",
    "\ufeff[broker]\nmemory=64m\n",
    "[broker]\r\nmemory = 64m\r\n",
    "  [broker]  ; here\n    memory: 64m   ; there\n\tpatience=1s\n",
    "[broker] # here\nlisten = unix:/tmp/a\nlisten = unix:/tmp/b\n",
    '[channel "/a b/]/*"]\nlimit = 1m ; one\n',
    '[channel "' + "x" * 255 + '"]\n',
    "#" + "x" * (LINE_MAX - 1) + "\n",
    "[broker]\nmemory = 64m ;" + "x" * (LINE_MAX - 14) + "\n",
    "[broker]\nmemory" + " " * 5000 + "=" + "\t" * 5000 + "64m\v\f \r\n",
    '[channel "/a"]' + " " * 5000 + "; one\nlimit = 1m ;=: ; two\n",
    "[broker]\nlisten=unix:/a=b:c;d\n",
    '[channel "/a"]\n[broker]\nmemory = 64m\n[channel "/b"]\n[broker]\n',
)


class FilesTest(WireTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-config-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "sluice.conf"

    def check(self, text):
        self.path.write_bytes(text.encode("utf-8"))
        return run_sluiced("--check", "-c", str(self.path))

    def assert_mistakes(self, done, mistakes):
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertEqual(done.stdout, "")
        lines = done.stderr.splitlines()
        self.assertEqual(len(lines), len(mistakes), done.stderr)
        for line, (number, words) in zip(lines, mistakes.items()):
            place = f"sluiced: {self.path}:" + (f"{number}:" if number else "")
            self.assertTrue(line.startswith(place), f"{line} at {place}")
            for word in words:
                self.assertIn(word, line.removeprefix(place))


class Wrong(FilesTest):
    def test_every_mistake_is_reported_at_its_place(self):
        """The table above (class 15)."""
        for text, mistakes in WRONG:
            with self.subTest(text=text[:80]):
                self.assert_mistakes(self.check(text), mistakes)

    def test_a_broker_does_not_start_with_it(self):
        """The same without --check: exit 2, nothing listens."""
        self.path.write_text("[broker]\nmemory = lots\n", encoding="utf-8")
        done = run_sluiced("--listen", "127.0.0.1:0", "-c", str(self.path))
        self.assert_mistakes(done, {2: ["memory", "'lots'"]})

    def test_paths_that_are_not_files(self):
        """Missing, a folder, a pipe without a writer, a device."""
        fifo = self.path.with_name("fifo")
        os.mkfifo(fifo)
        for path in (self.path, self.path.parent, fifo, "/dev/zero"):
            with self.subTest(path=str(path)):
                done = run_sluiced("-c", str(path))
                self.assertEqual(done.returncode, 2)
                self.assertEqual(len(done.stderr.splitlines()), 1)
                self.assertIn(str(path), done.stderr)


class Right(FilesTest):
    def test_forms_that_are_allowed(self):
        """Comments, blanks, line ends, a byte order mark, long patterns."""
        for text in RIGHT:
            with self.subTest(text=text[:80]):
                done = self.check(text)
                self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_what_is_behind_a_blank_and_a_semicolon_is_no_value(self):
        """Any other semicolon, colon and equals sign belongs to it."""
        done = self.check("[monitor]\nname = a=b: c;d#e \t; not this ;\n")
        self.assertIn("\nname = a=b: c;d#e ; ", done.stdout)

    def test_values_of_any_sensible_length_are_read_whole(self):
        """5,000 bytes, and as much as a line has room for."""
        for length in (190, 5000, LINE_MAX - 7):
            name = "".join(chr(97 + i % 26) for i in range(length))
            done = self.check(f"[monitor]\nname = {name}\n")
            self.assertEqual((done.returncode, done.stderr), (0, ""))
            self.assertIn(f"\nname = {name} ; {self.path}:2\n", done.stdout)

    def test_long_patterns_are_not_cut(self):
        """255 bytes are what a channel's name may have."""
        done = self.check('[channel "/' + "y" * 254 + '"]\nhold = 3\n')
        self.assertIn('[channel "/' + "y" * 254 + '"]', done.stdout)
        self.assertIn("hold = 3", done.stdout)


if __name__ == "__main__":
    main()
