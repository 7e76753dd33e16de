# SPDX-License-Identifier: MIT
"""The commands that sluice work and sluice reply run, with the daemon: what a
stop signal does to them."""
import os
import select
import signal

import people
from gated import STOPPING, WithGate
from people import DEADLINE


class Stopping(WithGate):
    def test_control_c_in_a_terminal_reaches_no_job(self):
        self.check_control_c("work")

    def test_control_c_in_a_terminal_reaches_no_reply(self):
        terminal = self.in_terminal("reply", "/svc", "--exec",
                                    f"echo begun >&2; {self.job}")
        self.broker.wait_stats(subscribers=1)
        request = self.start("request", "/svc", "x")
        self.press_control_c(terminal, "^begun$")
        status, out, err = request.finish()
        self.assertEqual((status, out.split()[1:]), (0, [b"done"]), err)

    def test_a_second_signal_ends_all_jobs(self):
        self.send("/queue/w", "m", "n")
        worker = self.start("work", "/queue/w", "--jobs", "2", "--exec",
                            self.job)
        jobs = [os.pidfd_open(self.begun(worker)) for _ in range(2)]
        for job in jobs:
            self.addCleanup(os.close, job)
        worker.signal()
        self.assertEqual(
            worker.complaint(), "sluice: stopping as soon as the commands have "
            "ended; a second signal ends them\n")
        worker.signal()
        self.assertEqual(worker.finish()[0], -signal.SIGINT)
        for job in jobs:  # readable when it has ended
            self.assertTrue(select.select([job], [], [], DEADLINE)[0])
        self.broker.wait_stats(queued_messages=2)

    def test_a_stop_signal_is_answered_while_a_job_runs(self):
        self.send("/queue/w", "m")
        worker = self.start("work", "/queue/w", "--exec", self.job)
        self.begun(worker)
        worker.signal(signal.SIGTERM)
        self.assertEqual(worker.complaint(), STOPPING)
        self.gate.write_text("done\n")
        self.assertEqual(worker.finish(), (0, b"done\n", ""))
        self.broker.wait_stats(queued_messages=0)

    def test_a_job_that_a_signal_ends_is_reported_so(self):
        self.send("/queue/w", "m")
        worker = self.start("work", "/queue/w", "--count", "1", "--exec",
                            "kill -9 $$")
        status, _, err = worker.finish()
        self.assertEqual((status, err), (1, "sluice: --exec: message 1: "
                                         "signal 9 ended the command\n"))


if __name__ == "__main__":
    people.main()
