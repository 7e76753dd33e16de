# SPDX-License-Identifier: MIT
"""README's "Installing it", word for word, by root on a machine that has
nothing yet."""
import os
import pathlib
import re
import tarfile
import tempfile

from installed import ROOT, in_root, make_root, need, run, skip

DEADLINE = 1200  # seconds; all is downloaded and compiled
BLOCK = re.compile(r"^## Installing it\n\n((?:    .*\n)+)", re.M)


def steps():
    found = BLOCK.search((ROOT / "README.md").read_text())
    assert found, "README does not say how to install it"
    return found.group(1)


def main():
    with tempfile.TemporaryDirectory(prefix="sluice-fresh-") as folder:
        root = pathlib.Path(folder) / "root"
        tarball = run(ROOT / "scripts/dist", folder).strip()
        make_root(root)
        with tarfile.open(tarball) as tar:
            tar.extractall(root / "srv")
        said = run(*in_root(root, f"cd /srv/sluice-*\n{steps()}"),
                   deadline=DEADLINE)
        assert "tests: not built, missing: cmocka and Python 3.10\n" in said
        for program in ("sbin/sluiced", "bin/sluice"):
            said = run(*in_root(root, f"/usr/local/{program} --version"))
            assert re.fullmatch(r"sluiced? \d+\.\d+\.\d+\n", said), said
        assert (root / "usr/local/share/man/man1/sluice.1.gz").exists()


if __name__ == "__main__":
    need("mmdebstrap", "git", "gzip")
    if os.getuid() != 0:
        skip("a root of its own needs root")
    if not (ROOT / ".git").exists():
        skip("this is no checkout of git")
    main()
