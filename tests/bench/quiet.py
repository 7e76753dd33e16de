# SPDX-License-Identifier: MIT
"""Other programs on the machine: waits for moments without them, and reports
which measurements they disturbed."""
import os
import pathlib
import resource
import time

SAMPLE_S = 0.1
SHARE = 0.15  # of all cores; what others take above it disturbs
TICKS = os.sysconf("SC_CLK_TCK")


def busy_s():
    """Processor seconds that all used since the machine was started."""
    fields = pathlib.Path("/proc/stat").read_text().split("\n", 1)[0].split()
    user, nice, system, _idle, _wait, irq, softirq = map(int, fields[1:8])
    return (user + nice + system + irq + softirq) / TICKS


def process_s(pid):
    """What one process used of that."""
    stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    user, system = stat.rpartition(")")[2].split()[11:13]
    return (int(user) + int(system)) / TICKS


def children_s():
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


class Watch:
    """How much others use while a child of ours works with one process."""

    def __init__(self, pid):
        self.pid = pid
        self.since, self.before = time.monotonic(), self._others_s()

    def _others_s(self):
        return busy_s() - process_s(self.pid) - children_s()

    def is_disturbed(self):
        gone_s = (time.monotonic() - self.since) * os.cpu_count()
        return self._others_s() - self.before > SHARE * gone_s


class Patience:
    """So many seconds of waiting, to be spent all in all."""

    def __init__(self, seconds):
        self.left_s = seconds

    def wait_for_quiet(self):
        while self.left_s > 0:
            before = busy_s()
            time.sleep(SAMPLE_S)
            if busy_s() - before <= SHARE * SAMPLE_S * os.cpu_count():
                return
            self.left_s -= SAMPLE_S
