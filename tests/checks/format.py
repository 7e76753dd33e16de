# SPDX-License-Identifier: MIT
"""The C files are laid out as .clang-format says."""
import shutil
import subprocess
from pathlib import Path

import check

STYLE = Path(__file__).resolve().parents[2] / ".clang-format"


def find(root, _bin=None):
    tool = shutil.which("clang-format")
    if tool is None:
        check.skip("clang-format is not installed")
    paths = check.sources(root, (*check.PROGRAMS, "tests"))
    command = [tool, f"--style=file:{STYLE}", "--dry-run", "--Werror", *paths]
    done = subprocess.run(command, capture_output=True, text=True, cwd=root)
    return [line for line in done.stderr.splitlines() if "error:" in line]


PLANTS = (
    ("a tidy file", {"proto/a.c": "int a(void)\n{\n    return 1;\n}\n"}, None),
    ("an untidy file", {"proto/a.c": "int a( void ) {\n  return 1; }\n"},
     "proto/a.c:1"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
