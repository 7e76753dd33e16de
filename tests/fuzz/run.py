# SPDX-License-Identifier: MIT
"""Replays a corpus, then tries new inputs: run.py PROGRAM CORPUS

New inputs are tried for $FUZZ_SECONDS (20) and kept nowhere, except the one
that makes the program fail: where that is, is said at the end. To repeat it,
give the program its path; when it is understood, add it to the corpus.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).resolve().parents[1]))
from runner import skip  # noqa: E402


def run(program, *arguments):
    print("+", Path(program).name, *arguments, flush=True)
    return subprocess.run([program, *arguments], check=False,
                          stdin=subprocess.DEVNULL).returncode


def replay(program, corpus):
    seeds = sorted(str(path) for path in corpus.iterdir())
    if not seeds:
        print(f"{corpus} is empty")
        return 1
    return run(program, *seeds)


def explore(program, corpus, seconds):
    scratch = Path(tempfile.mkdtemp(prefix="sluice-fuzz-"))
    (scratch / "new").mkdir()
    status = run(program, f"-max_total_time={seconds}", "-timeout=25",
                 "-print_final_stats=1", "-verbosity=0",
                 f"-artifact_prefix={scratch}/", str(scratch / "new"),
                 str(corpus))
    if status == 0:
        shutil.rmtree(scratch)
    for path in scratch.glob("*-*"):
        print(f"the input that failed: {path}")
    return status


def main(program, corpus):
    if not os.path.exists(program):
        skip("needs clang and its libFuzzer (libclang-rt-dev)")
    seconds = int(os.environ.get("FUZZ_SECONDS", "20"))
    return 1 if (replay(program, Path(corpus))
                 or explore(program, Path(corpus), seconds)) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
