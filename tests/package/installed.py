# SPDX-License-Identifier: MIT
"""What the tests of things that are installed somewhere share."""
import contextlib
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "tests"))
from runner import main, skip  # noqa: E402,F401

DEADLINE = 300  # seconds; what takes this long has failed

# Mounts of its own, which go with it.
IN_ROOT = """
mount -t proc proc "$0/proc"
mount --rbind /dev "$0/dev"
exec chroot "$0" /usr/bin/env -i HOME=/root LC_ALL=C.UTF-8 \\
    DEBIAN_FRONTEND=noninteractive PATH=/usr/sbin:/usr/bin:/sbin:/bin \\
    bash -ec "$1"
"""


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            skip(f"{tool} is not installed")


def run(*command, deadline=DEADLINE, **kwargs):
    """Its output; what it said, when it fails."""
    done = subprocess.run([str(word) for word in command], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=deadline,
                          check=False, **kwargs)
    if done.returncode:
        raise AssertionError(f"{' '.join(map(str, command))}: status "
                             f"{done.returncode}\n{done.stdout}")
    return done.stdout


@contextlib.contextmanager
def broker(sluiced):
    """That program on a free port; its address. It must end in order."""
    process = subprocess.Popen([sluiced, "--listen", "127.0.0.1:0"],
                               stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            found = re.search(r"event=listening addr=(\S+)", line)
            if found:
                break
        else:
            raise AssertionError("it ended before it listened")
        yield found.group(1)
        process.terminate()
        said = process.communicate(timeout=30)[1]
        assert process.returncode == 0, said
    finally:
        if process.poll() is None:
            process.kill()
        process.communicate()


def files_below(folder):
    return {str(path.relative_to(folder)) for path in folder.rglob("*")
            if not path.is_dir()}


def in_root(root, script):
    return ["unshare", "--mount", "--pid", "--ipc", "--uts", "--fork",
            "--kill-child", "bash", "-ec", IN_ROOT, str(root), script]


def make_root(root):
    """A bare Debian; no mirror, no test."""
    done = subprocess.run(
        ["mmdebstrap", "--quiet", "--mode=root", "--variant=apt",
         '--aptopt=Acquire::Check-Valid-Until "false"', "bookworm", root],
        capture_output=True, text=True, timeout=300, check=False)
    if done.returncode:
        skip(f"mmdebstrap makes no root: {done.stderr[-200:]}")
