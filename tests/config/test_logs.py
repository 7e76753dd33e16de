# SPDX-License-Identifier: MIT
"""The log in its formats and places: the same events with the same fields in
text and JSON, a file that can be rotated, priorities for the journal."""
import ctypes
import json
import os
import pathlib
import re
import select
import signal
import struct
import subprocess
import tempfile

from daemon import FIELD, SLUICED, environment
from wire import Client, DEADLINE, WireTest, main, run_sluiced

STOPPED = re.compile(r"event\W+stopped")
HOSTILE = b'/a "b" \\c\n\x00\x1b[2J \xff\xc3\xa9 =}{,:'
IN_MODIFY, IN_CLOSE_WRITE, IN_OPEN = 0x02, 0x08, 0x20  # of inotify(7)
PRIORITIES = {"error": 3, "warning": 4, "info": 6, "debug": 7}


class LogsTest(WireTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-config-")
        self.addCleanup(folder.cleanup)
        self.path = pathlib.Path(folder.name) / "sluice.log"

    def lines(self, path=None):
        return (path or self.path).read_text(encoding="ascii").splitlines()

    def run_to_end(self, *args, sessions=(), **env):
        """What a broker that serves these first frames writes to stderr."""
        reading, writing = os.pipe()
        status = os.fstat(writing)
        for name, text in env.items():
            env[name] = text.format(dev=status.st_dev, ino=status.st_ino)
        process = subprocess.Popen(
            [SLUICED, "--listen", "unix:" + str(self.path.with_name("s")),
             *args], stderr=writing, env={**environment(), **env})
        os.close(writing)
        with open(reading, encoding="ascii") as stream:
            said = [stream.readline()]
            for channel in sessions:
                self.serve(channel)
            process.send_signal(signal.SIGTERM)
            said += stream.readlines()
        self.assertEqual(process.wait(DEADLINE), 0)
        return [line.rstrip("\n") for line in said]

    def serve(self, channel):
        client = Client("unix:" + str(self.path.with_name("s")))
        client.subscribe(channel).goodbye().wait_closed()
        client.close()


class Formats(LogsTest):
    def test_json_has_the_fields_of_text(self):
        """Line by line; numbers are numbers, and hostile bytes are escaped
        alike."""
        args = ("--log-level", "debug")
        text = self.run_to_end(*args, sessions=[b"/plain", HOSTILE])
        said = self.run_to_end(*args, "--log-format=json",
                               sessions=[b"/plain", HOSTILE])
        self.assertEqual(len(text), len(said))
        channels = []
        for line, record in zip(text, map(json.loads, said)):
            fields = {key: value.strip('"')
                      for key, value in FIELD.findall(line)}
            self.assertEqual(list(record)[:3], ["time", "level", "event"])
            self.assertRegex(record["time"], r"^\d{4}-\d\d-\d\dT[\d:.]+Z$")
            self.assertEqual(list(record)[2:], list(fields))
            for key, value in list(record.items())[2:]:
                if isinstance(value, str):
                    self.assertEqual(value, fields[key])
                else:
                    self.assertTrue(fields[key].isdigit(), line)
            channels.append(record.get("channel"))
        self.assertIn("/plain", channels)
        self.assertIn(r"/a \x22b\x22 \x5cc\x0a\x00\x1b[2J \xff\xc3\xa9 =}{,:",
                      channels)

    def test_the_format_changes_on_reload(self):
        """The line that reports it has the new format."""
        config = self.path.with_name("conf")
        config.write_text("[broker]\n", encoding="utf-8")
        sluiced = self.broker("-c", str(config))
        config.write_text("[broker]\nlog-format = json\n", encoding="utf-8")
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log('"event":"reload_changed","option":"log-format",'
                             '"old":"text","new":"json"}')
        config.write_text("[broker]\n", encoding="utf-8")
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=reload_changed option=log-format "
                             "old=json new=text$")


class Files(LogsTest):
    def start(self, count=1, args=()):
        """The count-th broker that logs there."""
        sluiced = self.broker("--log-file", str(self.path),
                              "--listen", "unix:" + str(self.path) + ".sock",
                              *args, listen=0)
        self.wait_for(self.path, "event=listening", count)
        return sluiced

    def wait_for(self, path, words, count=1):
        """The count-th line of the file that has them."""
        with subprocess.Popen(
                ["tail", "-n", "+1", "-F", "-s", "0.02", str(path)],
                stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
                text=True) as tail:
            try:
                for line in tail.stdout:
                    count -= words in line
                    if count == 0:
                        return line
            finally:
                tail.kill()
        return self.fail(f"{words} not in {path}")

    def test_only_its_owner_may_read_it(self):
        """Whatever the umask (class 25)."""
        before = os.umask(0)
        self.addCleanup(os.umask, before)
        self.start()
        self.assertEqual(self.path.stat().st_mode & 0o777, 0o600)

    def test_it_is_appended_to_and_stderr_is_silent(self):
        """The next broker goes on where this one ended."""
        for times in (1, 2):
            sluiced = self.start(times)
            self.assertEqual(sluiced.stop().status, 0)
            self.assertEqual(sluiced.log(), [])
            stopped = [line for line in self.lines() if STOPPED.search(line)]
            self.assertEqual(len(stopped), times)

    def test_it_is_opened_again_after_it_was_renamed(self):
        """As logrotate does; not a line is lost or doubled."""
        sluiced = self.start()
        old = self.path.with_suffix(".1")
        self.path.rename(old)
        sluiced.signal(signal.SIGUSR1)
        self.wait_for(old, "event=stats")
        sluiced.signal(signal.SIGHUP)
        self.wait_for(self.path, "event=reloaded")
        self.assertNotIn("reloaded", old.read_text(encoding="ascii"))
        sluiced.stop()
        self.assertRegex(self.lines()[-1], STOPPED)

    def events(self, stop):
        """What inotify(7) reports of the file, until `stop` is in it."""
        libc = ctypes.CDLL(None, use_errno=True)
        watch = os.fdopen(libc.inotify_init1(os.O_CLOEXEC), "rb", 0)
        with watch, open(self.path, encoding="ascii") as log:
            log.seek(0, os.SEEK_END)
            libc.inotify_add_watch(watch.fileno(), bytes(self.path),
                                   IN_MODIFY | IN_CLOSE_WRITE | IN_OPEN)
            yield 0
            said = ""
            while stop not in said:
                self.assertTrue(select.select([watch], [], [], DEADLINE)[0])
                yield from (mask for _, mask, _, _ in
                            struct.iter_unpack("iIII", watch.read(4096)))
                said += log.read()

    def test_a_reload_opens_it_once(self):
        """Once for rotation and for the options that are the same."""
        sluiced = self.start()
        events = self.events("event=reloaded")
        next(events)
        sluiced.signal(signal.SIGHUP)
        self.assertEqual(list(events).count(IN_OPEN), 1)

    def test_another_file_and_the_old_one_are_opened_once(self):
        """The lines about the reload itself are in the new file."""
        config = self.path.with_name("conf")
        config.write_text(f"[broker]\nlog-file = {self.path}\n")
        old, self.path = self.path, self.path.with_name("other")
        sluiced = self.broker("-c", str(config), listen=0)
        self.wait_for(old, "event=listening")
        self.path.touch()
        config.write_text(f"[broker]\nlog-file = {self.path}\n")
        events = self.events("event=reloaded")
        next(events)
        sluiced.signal(signal.SIGHUP)
        self.assertEqual(list(events).count(IN_OPEN), 1)
        self.assertIn(f"option=log-file old={old} new={self.path}",
                      self.lines()[0])
        self.assertNotIn("reload", old.read_text(encoding="ascii"))

    def test_it_is_opened_again_though_the_options_have_a_mistake(self):
        """Rotation goes on, and the new file has the mistake."""
        config = self.path.with_name("conf")
        config.write_text("[broker]\n", encoding="utf-8")
        sluiced = self.start(args=("-c", str(config)))
        old = self.path.with_suffix(".1")
        self.path.rename(old)
        config.write_text("[broker]\nmemory = lots\n", encoding="utf-8")
        sluiced.signal(signal.SIGHUP)
        self.wait_for(self.path, "event=reload_failed")
        self.assertIn("event=reload_mistake", self.lines()[0])
        self.assertNotIn("reload", old.read_text(encoding="ascii"))

    def test_a_place_that_cannot_be_is_refused_and_the_old_one_kept(self):
        """Its folder is gone."""
        place = self.path.with_name("place")
        place.mkdir()
        self.path = place / "sluice.log"
        sluiced = self.start()
        moved = place.rename(place.with_name("moved"))
        sluiced.signal(signal.SIGHUP)
        line = self.wait_for(moved / "sluice.log", "event=reload_failed")
        self.assertIn("cannot log to", line)
        moved.rename(place)

    def test_no_start_without_it(self):
        """Exit 1, one sentence with the path."""
        done = run_sluiced("--listen", "127.0.0.1:0", "--log-file",
                           "/no/such/folder/log")
        self.assertEqual(done.returncode, 1)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        self.assertIn("/no/such/folder/log", done.stderr)

    def test_a_full_disk_stops_nothing(self):
        """Lines are lost and counted; the broker serves."""
        config = self.path.with_name("conf")
        config.write_text("[broker]\n", encoding="utf-8")
        sluiced = self.broker("-c", str(config))
        config.write_text("[broker]\nlog-file = /dev/full\n",
                          encoding="utf-8")
        sluiced.signal(signal.SIGHUP)
        self.assert_serves(sluiced)
        config.write_text("[broker]\n", encoding="utf-8")
        sluiced.signal(signal.SIGHUP)
        sluiced.wait_for_log("event=reload_changed option=log-file "
                             "old=/dev/full new=none")
        self.assertGreater(sluiced.stats()["log_lost"], 0)


class Journal(LogsTest):
    def test_priorities_are_in_front_when_stderr_is_the_journal(self):
        """JOURNAL_STREAM names its device and inode."""
        said = self.run_to_end("--log-level=debug", sessions=[b"/x"],
                               JOURNAL_STREAM="{dev}:{ino}")
        for line in said:
            found = re.match(r"^<(\d)>\S+Z (\w+) event=", line)
            self.assertIsNotNone(found, line)
            self.assertEqual(int(found[1]), PRIORITIES[found[2]])
        self.assertIn("<7>", "".join(said))

    def test_not_when_stderr_is_something_else(self):
        """It was redirected since; or the variable makes no sense."""
        for stream in ("{dev}:1", "1:{ino}", "x", ""):
            for line in self.run_to_end(JOURNAL_STREAM=stream):
                self.assertRegex(line, r"^\d{4}-")


if __name__ == "__main__":
    main()
