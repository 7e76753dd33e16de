# SPDX-License-Identifier: MIT
"""scripts/dist: the tarball is the same wherever it is made, and builds and
installs where there is no git."""
import os
import pathlib
import tarfile
import tempfile
import unittest

from installed import ROOT, broker, main, need, run, skip


def is_checkout():
    return (ROOT / ".git").exists()


class Dist(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-dist-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def dist(self, name):
        return pathlib.Path(run(ROOT / "scripts/dist",
                                self.dir / name).strip())

    def test_twice_the_same(self):
        one, other = self.dist("one"), self.dist("other")
        self.assertEqual(one.read_bytes(), other.read_bytes())

    def test_it_builds_without_git(self):
        """A git that fails stands for one that is not there."""
        with tarfile.open(self.dist("out")) as tar:
            tar.extractall(self.dir)
        (source,) = self.dir.glob("sluice-*")
        fake = self.dir / "fake"
        fake.mkdir()
        (fake / "git").write_text("#!/bin/sh\nexit 1\n")
        (fake / "git").chmod(0o755)
        env = {**os.environ, "PATH": f"{fake}:{os.environ['PATH']}"}
        build, root = self.dir / "b", self.dir / "root"
        run("cmake", "-S", source, "-B", build, "-DSLUICE_TESTS=OFF", env=env)
        run("cmake", "--build", build, "-j", "2", env=env)
        run("cmake", "--install", build, "--prefix", root, env=env)
        with broker(root / "sbin/sluiced") as address:
            said = run(root / "bin/sluice", "ping", "--count", "1",
                       "--server", address)
            self.assertIn("1 received", said)


if __name__ == "__main__":
    need("git", "cmake", "gzip")
    if not is_checkout():
        skip("this is no checkout of git")
    main()
