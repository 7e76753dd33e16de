# SPDX-License-Identifier: MIT
"""sluice work, and sluice listen --exec, with the daemon: no job is lost,
whatever becomes of the workers.

SLUICE_KILLS=50 SLUICE_JOBS=500 makes more of them die."""
import os
import pathlib
import random
import shlex
import signal
import tempfile

import people
from people import WithBroker

KILLS = int(os.environ.get("SLUICE_KILLS", "8"))
JOBS = int(os.environ.get("SLUICE_JOBS", "80"))


class Deaths(WithBroker):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.log = self.folder / "log"

    def work(self, before="", command="work"):
        """A worker that notes each job, and prints a line for it."""
        log = shlex.quote(str(self.log))
        return self.start(command, "/queue/w", "--exec",
                          f"{before} echo $(cat) >> {log}; echo $SLUICE_TRY")

    def publish(self, count):
        self.send("/queue/w", stdin=b"".join(b"%d\n" % i
                                             for i in range(count)))

    def await_acked(self, count):
        self.broker.wait_stats(acked=lambda n: n == count)

    def stop(self, worker):
        worker.signal(signal.SIGTERM)
        status, out, err = worker.finish()
        self.assertEqual(status, 0, err)
        return out

    def noted(self):
        return [int(line) for line in self.log.read_text().split()]

    def survive(self, command):
        """Only what a worker had when it died is done again."""
        chance = random.Random(20250131)
        self.publish(JOBS)
        for _ in range(KILLS):
            worker = self.work(command=command)
            for _ in range(chance.randrange(JOBS // KILLS)):
                self.assertNotEqual(worker.line(), b"")
            worker.signal(signal.SIGKILL)
            worker.finish()
        last = self.work(command=command)
        self.await_acked(JOBS)
        self.stop(last)
        done = self.noted()
        self.assertEqual(set(done), set(range(JOBS)))
        self.assertLessEqual(len(done), JOBS + KILLS)

    def test_p19_no_job_is_lost_though_workers_are_killed(self):
        self.survive("work")

    def test_p19_no_job_is_lost_though_listeners_are_killed(self):
        self.survive("listen")

    def test_p19_a_slow_worker_keeps_only_its_own_job(self):
        count = 20
        gate = self.folder / "gate"
        os.mkfifo(gate)
        slow = self.work(f"echo begun; read x < {shlex.quote(str(gate))};")
        self.publish(count)
        self.assertEqual(slow.line(), b"begun\n")
        quick = self.work()
        self.await_acked(count - 1)
        self.assertEqual(self.stop(quick), b"1\n" * (count - 1))
        gate.write_text("go\n")
        self.await_acked(count)
        self.assertEqual(self.stop(slow), b"1\n")
        self.assertEqual(sorted(self.noted()), list(range(count)))


if __name__ == "__main__":
    people.main()
