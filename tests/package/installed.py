# SPDX-License-Identifier: MIT
"""What the tests of things that are installed somewhere share."""
import contextlib
import pathlib
import re
import shutil
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
DEADLINE = 300  # seconds; what takes this long has failed


def skip(why):
    print(f"SKIP: {why}")
    sys.exit(77)


def need(*tools):
    for tool in tools:
        if not shutil.which(tool):
            skip(f"{tool} is not installed")


def run(*command, **kwargs):
    """Its output; what it said, when it fails."""
    done = subprocess.run([str(word) for word in command], text=True,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=DEADLINE,
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
