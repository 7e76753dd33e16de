# SPDX-License-Identifier: MIT
"""The options of durable queues: what cannot work is refused before the broker
starts, with the place where it is said, and a folder is never taken by
accident."""
import fcntl
import os
import pathlib
import signal
import tempfile

from wire import Broker, WireTest, main, run_sluiced

DURABLE = '[channel "/queue/jobs"]\ndurable = yes\n'
FORMAT = b"sluice journal 1\nuuid " + bytes(16).hex().encode() + b"\n"
POWERLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


class JournalTest(WireTest):
    """Each test has a file and a folder."""

    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "sluice.conf"
        self.dir = pathlib.Path(folder.name) / "kept"
        self.dir.mkdir()

    def check(self, text, *args, **kwargs):
        self.path.write_text(text.replace("{dir}", str(self.dir)))
        return run_sluiced("--check", "-c", str(self.path), *args, **kwargs)

    def assert_mistake(self, done, place, *words):
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertTrue(done.stderr.startswith(f"sluiced: {place}: "),
                        done.stderr)
        for word in words:
            self.assertIn(word, done.stderr)

    def assert_good(self, done):
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def assert_refused(self, *words):
        self.assert_mistake(
            self.check("[journal]\ndirectory = {dir}\n"),
            f"{self.path}:2: directory", *words)


class Together(JournalTest):
    def test_durable_needs_a_journal(self):
        """Told at the first rule that asks for it, wherever that is."""
        self.assert_mistake(self.check("[broker]\n" + DURABLE),
                            f"{self.path}:2: channel", "--journal")
        self.assert_mistake(
            run_sluiced("--check", "--channel", "/queue/a durable=yes"),
            "--channel", "--journal")
        environ = {"SLUICE_CHANNEL": "/a;/queue/b durable=yes"}
        self.assert_mistake(run_sluiced("--check", env=os.environ | environ),
                            "SLUICE_CHANNEL", "--journal")
        self.assert_good(self.check('[channel "/queue/a"]\ndurable = no\n'))

    def test_durable_and_the_folder_are_shown(self):
        """With the place they come from."""
        said = self.assert_good(
            self.check("[journal]\ndirectory = {dir}\n" + DURABLE))
        self.assertIn(f"\ndirectory = {self.dir} ; {self.path}:2\n", said)
        self.assertIn("\ndurable = yes\n", said)

    def test_the_limit_has_room_for_four_segments(self):
        """Whichever of the two is given."""
        sizes = "[journal]\nlimit = 4m\nsegment = {}\n"
        self.assert_good(self.check(sizes.format("1m")))
        self.assert_mistake(self.check(sizes.format("1025k")),
                            f"{self.path}:2: limit", "1025k", "4100k")
        self.assert_mistake(run_sluiced("--check", "--journal-limit=1m"),
                            "--journal-limit", "of 1m: 4m at least")
        self.assert_mistake(run_sluiced("--check", "--journal-segment=255k"),
                            "--journal-segment", "256k")

    def test_the_limit_has_room_for_the_largest_message(self):
        """Twice; its publisher would wait forever. Without durable queues
        there is nothing that has to fit."""
        text = ("[broker]\nmax-frame = {}\n[journal]\ndirectory = {{dir}}\n"
                "segment = 1m\nlimit = 11m\n")
        self.assert_good(self.check(text.format("4m") + DURABLE))
        self.assert_good(self.check(text.format("5m")))
        self.assert_mistake(self.check(text.format("5m") + DURABLE),
                            f"{self.path}:6: limit", "of 1m", "--max-frame, 5m",
                            "13m at least")
        self.assert_mistake(
            run_sluiced("--check", f"--journal={self.dir}", "--channel",
                        "/queue/a durable=yes", "--journal-limit=16m"),
            "--journal-limit", "16m: 35m at least")
        self.assert_good(run_sluiced(
            "--check", f"--journal={self.dir}", "--channel",
            "/queue/a durable=yes", "--journal-limit=16m", "--memory=12m"))

    def test_a_limit_above_that_of_the_journal_has_a_comment(self):
        """It is no mistake: the journal is full first."""
        text = "[journal]\ndirectory = {dir}\nlimit = 1g\n" + DURABLE
        note = "\n; the limit of /queue/jobs is never reached: "
        self.assertIn(note,
                      self.assert_good(self.check(text + "limit = 2g\n")))
        self.assertNotIn(note,
                         self.assert_good(self.check(text + "limit = 1g\n")))

    def test_a_rule_for_topics_alone_has_a_comment(self):
        """It is no mistake, and has no effect."""
        for pattern, has_effect in (
                ("/topic/a", False), ("/que", False), ("*", False),
                ("/topic/**", False), ("queue", False), ("/queue", True),
                ("/queuefoo/*", True), ("/**", True), ("**", True),
                ("/*/a", True), ("*/*", True), ("*/queue/x", True)):
            with self.subTest(pattern=pattern):
                said = self.assert_good(self.check(
                    "[journal]\ndirectory = {dir}\n"
                    f'[channel "{pattern}"]\ndurable = yes\n'))
                note = f"\n; durable has no effect on {pattern}: "
                self.assertEqual(note not in said, has_effect, said)


class Folder(JournalTest):
    def test_empty_and_its_own_are_taken(self):
        """Also a new file system, and what an unfinished start leaves."""
        self.assert_good(self.check("[journal]\ndirectory = {dir}\n"))
        (self.dir / "lost+found").mkdir()
        for name in ("LOCK", "0000000000000001.seg", "spare-0.seg",
                     "FORMAT.new"):
            (self.dir / name).touch()
            self.assert_good(self.check("[journal]\ndirectory = {dir}\n"))
        (self.dir / "FORMAT").write_bytes(FORMAT)
        (self.dir / "other.txt").touch()
        self.assert_good(self.check("[journal]\ndirectory = {dir}\n"))
        self.assertEqual(len(list(self.dir.iterdir())), 7)

    def test_others_are_not(self):
        """Missing; a file; a folder with another file in it."""
        for name in ("notes.txt", "0000000000000002.seg", "spare-6.seg",
                     "x\x1b"):
            with self.subTest(name=name):
                (self.dir / name).touch()
                self.assert_refused("not a journal", name[0])
                (self.dir / name).unlink()
        self.dir.rmdir()
        self.assert_refused("No such file")
        self.dir.touch()
        self.assert_refused("Not a directory")

    def test_a_journal_of_a_newer_version_is_not(self):
        """Both versions are named."""
        (self.dir / "FORMAT").write_bytes(b"sluice journal 2\nuuid x\n")
        self.assert_refused("version 2", "reads version 1")

    def test_a_format_that_is_not_one_is_not(self):
        """Cut anywhere, or another file of that name."""
        for text in (b"", FORMAT[:-1], FORMAT + b"\n", b"other format"):
            (self.dir / "FORMAT").write_bytes(text)
            self.assert_refused(f"{self.dir}/FORMAT: ")

    def test_one_that_cannot_be_written_is_not(self):
        """By whoever starts the broker."""
        self.dir.chmod(0o500)
        self.assert_mistake(
            self.check("[journal]\ndirectory = {dir}\n", prefix=POWERLESS),
            f"{self.path}:2: directory", "cannot write")

    def test_one_that_another_broker_uses_is_not(self):
        """Its process is named, or how to find it, and what to do about it;
        nothing is locked afterwards."""
        with open(self.dir / "LOCK", "w", encoding="ascii") as lock:
            lock.write("4711\n")
            lock.flush()
            self.assert_good(self.check("[journal]\ndirectory = {dir}\n"))
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            advice = "stop it first, or give this one a folder of its own"
            self.assert_refused("another broker", "(pid 4711)", advice)
            lock.truncate(0)
            self.assert_refused(f"'fuser -v {self.dir}/LOCK' names it", advice)

    def test_a_start_that_fails_behind_the_journal_ends(self):
        """An address in use is found when the journal's thread runs."""
        other = self.broker()
        done = run_sluiced("--listen", other.addresses[0], "--journal",
                           str(self.dir))
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("Address already in use", done.stderr)
        self.assertTrue((self.dir / "FORMAT").exists())

    def test_the_options_of_a_broker_that_runs_are_good(self):
        """A reload is checked first, by the words that the broker was started
        with; a second broker with these is refused all the same."""
        self.check("[journal]\ndirectory = {dir}\n[broker]\n"
                   "listen = 127.0.0.1:0\ncontrol = off\n")
        broker = Broker("-c", str(self.path), "--memory=64m")
        self.addCleanup(broker.kill)
        words = [word for word in broker.process.args[1:]]
        self.assert_good(run_sluiced("--check", *words))
        self.assert_mistake(run_sluiced(*words), f"{self.path}:2: directory",
                            f"pid {broker.process.pid}")
        for other in ([*words, "--memory=65m"], words[:-1]):
            self.assert_mistake(run_sluiced("--check", *other),
                                f"{self.path}:2: directory",
                                f"pid {broker.process.pid}")

    def test_a_broker_does_not_start_with_it(self):
        """Nothing listens, and nothing is made."""
        done = run_sluiced("--listen=127.0.0.1:0", "--journal",
                           str(self.dir / "none"))
        self.assert_mistake(done, "--journal", "No such file")
        self.assertEqual(run_sluiced("--journal=/none", "--help").returncode,
                         0)


class Reload(JournalTest):
    def test_folder_and_segments_stay_and_limits_change(self):
        """What cannot change is named."""
        self.check("[journal]\nlimit = 64m\n")
        sluiced = self.broker("-c", str(self.path))
        self.check("[journal]\nlimit = 80m\nfree = 1m\n"
                   "directory = {dir}\nsegment = 2m\n")
        since = sluiced.mark()
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=reloaded ?", since)
        for event, names in (("changed", ["journal-limit", "journal-free"]),
                             ("kept", ["journal", "journal-segment"])):
            lines = sluiced.log(f"event=reload_{event}", since)
            self.assertEqual([line.fields["option"] for line in lines], names)

    def test_no_queue_is_durable_before_there_is_a_journal(self):
        """It comes at the next start only."""
        self.check("[broker]\n")
        sluiced = self.broker("-c", str(self.path))
        self.check("[journal]\ndirectory = {dir}\n"
                   '[channel "/queue/a"]\ndurable = yes\n')
        since = sluiced.mark()
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=reload_failed", since)
        kept, = sluiced.log("event=reload_kept", since)
        self.assertEqual(kept.fields["option"], "journal")
        mistake, = sluiced.log("event=reload_mistake", since)
        self.assertIn("durable=yes needs --journal", mistake.fields["what"])


if __name__ == "__main__":
    main()
