# SPDX-License-Identifier: MIT
"""A broker of its own for a check, on a free port, stopped at the end."""
import contextlib
import re
import subprocess


@contextlib.contextmanager
def running(bin_folder, *options):
    """Yields (host, port)."""
    process = subprocess.Popen(
        [bin_folder / "sluiced", "--listen", "127.0.0.1:0", *options],
        stderr=subprocess.PIPE, text=True)
    try:
        for line in process.stderr:
            found = re.search(r"event=listening addr=([\d.]+):(\d+)", line)
            if found:
                break
        else:
            raise RuntimeError("sluiced ended before it listened")
        yield found.group(1), int(found.group(2))
    finally:
        process.terminate()
        _, rest = process.communicate(timeout=30)
        if process.returncode:
            raise RuntimeError(f"sluiced: {process.returncode}\n{rest}")
