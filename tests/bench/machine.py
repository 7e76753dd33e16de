# SPDX-License-Identifier: MIT
"""What was measured on, and what was measured."""
import os
import pathlib
import platform
import re
import statistics
import tempfile
import time

import brokers

FLUSHES = 200


def processor():
    found = re.search(r"model name\s*: (.*)",
                      pathlib.Path("/proc/cpuinfo").read_text())
    return found.group(1) if found else platform.machine()


def system():
    text = pathlib.Path("/etc/os-release").read_text()
    return re.search(r'PRETTY_NAME="(.*)"', text).group(1)


def describe(places):
    return {"processor": processor(), "cores": os.cpu_count(),
            "kernel": platform.release().partition("-")[0],
            "system": system(),
            "versions": {kind.name: brokers.version(kind, places)
                         for kind in brokers.KINDS if kind.version
                         and brokers.is_installed(kind, places)}}


def flush_us(folder):
    """How long the disk of the folder takes to flush 4 KiB that were appended:
    the median."""
    times = []
    with tempfile.TemporaryFile(dir=folder) as file:
        for _ in range(FLUSHES):
            os.write(file.fileno(), bytes(4096))
            since = time.monotonic()
            os.fdatasync(file.fileno())
            times.append((time.monotonic() - since) * 1e6)
    return statistics.median(times)
