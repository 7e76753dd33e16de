# SPDX-License-Identifier: MIT
"""Every header compiles alone: it includes what it needs."""
import os
import subprocess

import check

FLAGS = ("-std=c11 -fsyntax-only -D_GNU_SOURCE -Wall -Wextra -Wstrict-prototypes"
         " -Werror -x c").split()


def find(root, _bin=None):
    problems = []
    for path in check.sources(root, ends=(".h",)):
        command = [os.environ.get("CC", "cc"), *FLAGS, "-I", root, root / path]
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            problems.append(f"{path} does not compile alone:\n{done.stderr}")
    return problems


PLANTS = (
    ("a header with all it needs",
     {"proto/a.h": "#include <stddef.h>\nsize_t a(void);\n",
      "proto/b.h": '#include "proto/a.h"\nenum { B = sizeof(size_t) };\n'},
     None),
    ("a header that relies on its includer",
     {"proto/a.h": "size_t a(void);\n"}, "proto/a.h does not compile alone"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
