# SPDX-License-Identifier: MIT
"""accept() that fails for reasons of its own: one bad call must not stop
the loop, nor spin it (class 12). The faults come from strace."""
import shutil
import subprocess
import unittest

from wire import WireTest, main

INJECT = ("strace", "-D", "-f", "-qq", "-o", "/dev/null",
          "-e", "trace=accept4,accept", "-e")
NO_LEAKS = {"ASAN_OPTIONS": "detect_leaks=0", "LSAN_OPTIONS": "",
            "TSAN_OPTIONS": ""}


def can_inject():
    if not shutil.which("strace"):
        return False
    trial = subprocess.run(
        [*INJECT, "inject=accept4:error=ECONNABORTED", "true"],
        stderr=subprocess.DEVNULL, check=False)
    return trial.returncode == 0


@unittest.skipUnless(can_inject(), "strace cannot inject faults here")
class AcceptFaults(WireTest):
    def assert_survives(self, error, when):
        """Clients come, some accept4 calls fail, all clients that the
        kernel holds are served in the end."""
        sluiced = self.broker(
            prefix=(*INJECT, f"inject=accept4:error={error}:when={when}"),
            env=NO_LEAKS)
        clients = [self.connect(sluiced).subscribe(b"/topic/faults")
                   for _ in range(20)]
        for client in clients:
            client.publish(b"/topic/faults", b"served")
            self.assertEqual(client.recv(), b"served")
        self.assertLess(sluiced.mark(), 40, "words about it")

    def test_aborted_connections(self):
        """ECONNABORTED: the peer left first; the next one is taken."""
        self.assert_survives("ECONNABORTED", "2+3")

    def test_interrupted_and_network_errors(self):
        """EINTR, EPROTO, ENETDOWN: Linux passes pending errors on."""
        for error in ("EINTR", "EPROTO", "ENETDOWN", "EPERM"):
            with self.subTest(error=error):
                self.assert_survives(error, "2+4")

    def test_no_descriptors_for_a_moment(self):
        """EMFILE and ENFILE pass: accepting resumes by itself, though
        nobody closed a connection of ours."""
        for error in ("EMFILE", "ENFILE", "ENOBUFS", "ENOMEM"):
            with self.subTest(error=error):
                self.assert_survives(error, "1..3")


if __name__ == "__main__":
    main()
