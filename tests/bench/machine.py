# SPDX-License-Identifier: MIT
"""What was measured on, and what was measured."""
import os
import pathlib
import platform
import re

import brokers


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
