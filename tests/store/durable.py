# SPDX-License-Identifier: MIT
"""What tests of durable queues on a real disk start from: brokers with a
journal that outlives them, and the ledger of all their messages."""
import contextlib
import os
import random
import subprocess
import tempfile
import unittest

from ledger import Ledger
from traffic import (DEADLINE, QUEUE, Consumer, Producer, drain,
                     publish_and_say_goodbye)
from daemon import SLUICED  # noqa: E402  # traffic says where it is
from flushes import faults  # noqa: E402
from wire import Broker, WireTest, main, run_sluiced  # noqa: E402

__all__ = [
    "DEADLINE", "DurableTest", "QUEUE", "SLUICED", "Consumer", "Ledger",
    "Producer", "chance", "drain", "faults", "loop_mount", "main", "mount",
    "publish_and_say_goodbye", "run", "run_sluiced", "setting"]

chance = random.Random(int(os.environ.get("SLUICE_SEED", "20261122")))


def setting(name, otherwise):
    return int(os.environ.get(name, otherwise))


class DurableTest(WireTest):
    def setUp(self):
        self.ledger = Ledger()

    def journal(self):
        """A folder for a journal, which ends with the test."""
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        return folder.name

    def started(self, journal, *args, **kwargs):
        """A broker with this journal, which the test ends itself."""
        broker = Broker("--journal", journal, "--channel",
                        "/queue/durable durable=yes limit=1g", *args, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def opening(self, journal):
        """A process that is about to open it; nobody waits for that."""
        return subprocess.Popen(
            [SLUICED, "--listen", "127.0.0.1:0", "--journal", journal],
            stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def checked(self, journal):
        """Reads every byte of it with `sluice journal check`."""
        sluice = os.path.join(os.path.dirname(SLUICED), "sluice")
        said = subprocess.run([sluice, "journal", "check", journal], check=False,
                              capture_output=True, text=True, timeout=DEADLINE)
        self.assertEqual(said.returncode, 0, said.stdout + said.stderr)

    def settle(self, least, **more):
        """Nothing is lost and nothing wrong came; and enough was confirmed for
        that to mean something."""
        counts = self.ledger.report(**more)
        self.assertEqual(counts["lost"], 0, self.ledger.lost()[:5])
        self.assertEqual(counts["unexpected"], 0)
        self.assertGreaterEqual(counts["confirmed"], least,
                                "confirmed too little to prove anything")
        return counts


def run(*command):
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL,
                   stderr=subprocess.PIPE, timeout=DEADLINE)


@contextlib.contextmanager
def mount(*what):
    """A folder where something is mounted; skips the test where that is not
    allowed."""
    with tempfile.TemporaryDirectory(prefix="sluice-mount-") as folder:
        try:
            run("mount", *what, folder)
        except (OSError, subprocess.CalledProcessError):
            raise unittest.SkipTest("nothing can be mounted here") from None
        try:
            yield folder
        finally:
            subprocess.run(["umount", "-l", folder], check=False,
                           timeout=DEADLINE)


@contextlib.contextmanager
def loop_mount(image, size, *make):
    """A file system that mkfs, `make`, makes in a file of `size`."""
    run("truncate", "-s", size, image)
    try:
        run(*make, image)
    except OSError:
        raise unittest.SkipTest(f"{make[0]} is not installed") from None
    with mount("-o", "loop", image) as folder:
        yield folder
