# SPDX-License-Identifier: MIT
"""Replays a corpus, then tries new inputs: run.py PROGRAM CORPUS [PLANT]

With the name of a fault that is planted in the program, replaying has to find
it, and that is all. New inputs are tried for $FUZZ_SECONDS (20) and kept
nowhere, except the one that makes the program fail: where that is, is said at
the end. To repeat it, give the program its path; when it is understood, add it
to the corpus. A dictionary of words lies beside this file, if a target has one.

With $TESTS_SEED new inputs are the same ones each time. With $TESTS_SECOND_TRY
one that makes the program fail has to do so again, as tests have in runner.py.
"""
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.append(str(HERE.parent))
from runner import skip  # noqa: E402

ABORTED = 77  # libFuzzer's status when the program did


def run(program, *arguments, **options):
    print("+", Path(program).name, *arguments, flush=True)
    return subprocess.run([program, *arguments], check=False,
                          stdin=subprocess.DEVNULL, **options).returncode


def seeds_of(corpus):
    seeds = sorted(str(path) for path in corpus.iterdir())
    if not seeds:
        sys.exit(f"{corpus} is empty")
    return seeds


def find_planted(program, corpus, plant):
    """True when an invariant of the program has failed."""
    planted = dict(os.environ, FUZZ_PLANT=plant)
    status = run(program, *seeds_of(corpus), env=planted)
    print(f"{plant}: status {status}")
    return status == ABORTED


def words(target):
    dictionary = HERE / f"{target}.dict"
    return [f"-dict={dictionary}"] if dictionary.exists() else []


def seed():
    """$TESTS_SEED, which CI sets, so that what has not changed does not fail."""
    given = os.environ.get("TESTS_SEED")
    return [f"-seed={given}"] if given else []


def explore(program, corpus, seconds):
    scratch = Path(tempfile.mkdtemp(prefix="sluice-fuzz-"))
    (scratch / "new").mkdir()
    status = run(program, f"-max_total_time={seconds}", "-timeout=25",
                 "-print_final_stats=1", "-verbosity=0", *seed(),
                 *words(corpus.name),
                 f"-artifact_prefix={scratch}/", str(scratch / "new"),
                 str(corpus))
    if status == 0:
        shutil.rmtree(scratch)
    failed = list(scratch.glob("*-*"))
    for path in failed:
        print(f"the input that failed: {path}")
    if (failed and os.environ.get("TESTS_SECOND_TRY")
            and all(run(program, str(path)) == 0 for path in failed)):
        print("UNSTEADY: it has not failed again")
        return 0
    return status


def main(program, corpus, plant=None):
    if not os.path.exists(program):
        skip("needs clang and its libFuzzer (libclang-rt-dev)")
    corpus = Path(corpus)
    if plant:
        return 0 if find_planted(program, corpus, plant) else 1
    seconds = int(os.environ.get("FUZZ_SECONDS", "20"))
    return 1 if (run(program, *seeds_of(corpus))
                 or explore(program, corpus, seconds)) else 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))
