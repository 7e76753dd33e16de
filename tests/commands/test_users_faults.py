# SPDX-License-Identifier: MIT
"""sluice passwd on disks that are full or broken, and killed at any point: the
users file is the old one or the new one, whole, and nothing lies beside it."""
import os
import pathlib
import re
import shutil
import stat
import subprocess
import tempfile
import unittest

from people import DEADLINE, SLUICE, main, run

OLD = '# ours\n[user "a"]\npublish = /topic/a\nuid = 1\n'
CALLS = ("write", "fchmod", "fsync", "rename")
TRACE = ("strace", "-qq", "-o", "/dev/null", "-e")
QUICK = ("--cost", "1")
DISK_KIB = 64


def can_inject():
    if not shutil.which("strace"):
        return False
    trial = subprocess.run([*TRACE, "inject=getpid:error=EPERM", "true"],
                           stderr=subprocess.DEVNULL, check=False)
    return trial.returncode == 0


class WithFile(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-faults-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "users.conf"
        self.write(OLD)

    def write(self, text):
        self.file.write_text(text)
        self.file.chmod(0o640)

    def passwd(self, *prefix, args=("a", *QUICK), **kwargs):
        """Sanitizers look for leaks by a tracer of their own."""
        env = os.environ | {"ASAN_OPTIONS": "detect_leaks=0"}
        return subprocess.run(
            [*prefix, SLUICE, "passwd", "--users", str(self.file), *args],
            input=b"secret\n", capture_output=True, timeout=DEADLINE, env=env,
            check=False, **kwargs)

    def assertIsNew(self):
        self.assertRegex(self.file.read_text(), re.escape(OLD).replace(
            r"publish", r"password\ =\ \S+\npublish", 1))

    def assertIsWhole(self):
        """Old or new, as a broker reads it, and as private as before."""
        if self.file.read_text() != OLD:
            self.assertIsNew()
        self.assertEqual(stat.S_IMODE(self.file.stat().st_mode), 0o640)
        done = run("passwd", "--users", str(self.file), "--check")
        self.assertEqual(done.returncode, 0, done.stderr)

    def beside(self):
        return [path for path in self.folder.iterdir() if path != self.file]


@unittest.skipUnless(can_inject(), "strace cannot inject faults here")
class Faults(WithFile):
    def points(self, *calls):
        """Each call that comes, and which of its kind it is."""
        log = self.folder / "calls"
        done = self.passwd("strace", "-qq", "-e", f"trace={','.join(calls)}",
                           "-o", str(log))
        self.assertEqual(done.returncode, 0, done.stderr)
        made = [line.split("(")[0] for line in log.read_text().splitlines()
                if "(" in line]
        log.unlink()
        self.assertEqual(set(made), set(calls))
        self.write(OLD)
        return [(call, made[:i].count(call) + 1)
                for i, call in enumerate(made)]

    def test_whichever_call_fails_the_old_file_stays(self):
        """Or the new one is complete, and nobody is told otherwise."""
        errors = {"write": "ENOSPC", "fchmod": "EPERM", "fsync": "EIO",
                  "rename": "EACCES"}
        points = self.points(*errors)
        for call, number in points:
            inject = f"inject={call}:error={errors[call]}:when={number}"
            done = self.passwd(*TRACE, inject)
            with self.subTest(call=call, number=number):
                self.assertEqual(self.beside(), [])
                if (call, number) == points[-1]:  # of the folder, at the end
                    self.assertIsNew()
                    continue
                self.assertEqual(self.file.read_text(), OLD)
                self.assertEqual(done.returncode, 1)
                self.assertIn(b"sluice: cannot ", done.stderr)
                self.assertIsWhole()

    def test_killed_at_any_point_it_leaves_a_whole_file(self):
        """By the power cut that SIGKILL is for a process. What may lie beside
        it then is for its owner alone, and in nobody's way."""
        for call, number in self.points(*CALLS):
            inject = f"inject={call}:signal=KILL:when={number}"
            self.passwd(*TRACE, inject)
            with self.subTest(call=call, number=number):
                self.assertIsWhole()
                for path in self.beside():
                    mode = stat.S_IMODE(path.stat().st_mode)
                    self.assertEqual(mode & 0o007, 0)
                    path.unlink()
                self.write(OLD)
        self.assertEqual(self.passwd().returncode, 0)
        self.assertIsNew()

    def test_stopped_by_a_signal_it_leaves_nothing_beside_it(self):
        for call, number in self.points(*CALLS):
            for name in ("INT", "TERM", "HUP"):
                inject = f"inject={call}:signal={name}:when={number}"
                self.passwd(*TRACE, inject)
                with self.subTest(call=call, number=number, signal=name):
                    self.assertIsWhole()
                    self.assertEqual(self.beside(), [])
                self.write(OLD)


class FullDisk(WithFile):
    """One of 64 KiB, on which the file fits once and not twice."""

    def setUp(self):
        super().setUp()
        self.disk = self.folder / "disk"
        self.disk.mkdir()
        if not shutil.which("mount"):  # as in small containers
            self.skipTest("nothing can be mounted here")
        mounted = subprocess.run(
            ["mount", "-t", "tmpfs", "-o", f"size={DISK_KIB}k", "tmpfs",
             str(self.disk)], stderr=subprocess.DEVNULL, check=False)
        if mounted.returncode != 0:
            self.skipTest("nothing can be mounted here")
        self.addCleanup(subprocess.run, ["umount", str(self.disk)],
                        check=True)
        self.file = self.disk / "users.conf"
        self.write(OLD + "# some words about it\n" * 2000)

    def test_the_old_file_stays_and_the_command_says_why(self):
        before = self.file.read_bytes()
        self.assertGreater(len(before), DISK_KIB << 9)
        for args in (("a", *QUICK), ("b", "--token"), ("b", *QUICK)):
            done = self.passwd(args=args)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"No space left on device", done.stderr)
            self.assertEqual(self.file.read_bytes(), before)
            self.assertEqual(list(self.disk.iterdir()), [self.file])


class Tokens(WithFile):
    def test_a_token_that_cannot_be_printed_is_a_failure(self):
        """Nobody would know it."""
        with open("/dev/full", "wb") as full:
            done = subprocess.run(
                [SLUICE, "passwd", "--users", str(self.file), "a", "--token"],
                stdout=full, stderr=subprocess.PIPE, timeout=DEADLINE,
                check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"No space left on device", done.stderr)


if __name__ == "__main__":
    main()
