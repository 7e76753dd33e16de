# SPDX-License-Identifier: MIT
"""README shows the figures of docs/performance.md: all of them, and none that
were not measured."""
import pathlib
import sys

import check

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "bench"))
import readme  # noqa: E402


def find(root, _bin=None):
    if (root / "README.md").read_text() == readme.updated(root):
        return []
    return ["README.md: the table is not that of docs/performance.md; type "
            "python3 tests/bench/readme.py"]


MEASURED = """|  | sluice | NATS | beside the best peer | of the ceiling |
| --- | --: | --: | --: | --: |
| 1 to 1, 100 B, messages/s | 2 M | 1 M | 2.00 x NATS | 1.10 |
| latency, p99, µs | 20 | 10 | 0.50 x NATS |  |

"""
SHOWN = readme.block(MEASURED)
README = "<!-- figures -->\n{}<!-- /figures -->\n"
PLANTS = (
    ("the same", {"docs/performance.md": MEASURED,
                  "README.md": README.format(SHOWN)}, None),
    ("a row left out",
     {"docs/performance.md": MEASURED,
      "README.md": README.format(SHOWN.replace(
          "| latency, p99 | 20 µs | 0.50 x NATS | - |\n", ""))}, "README.md"),
    ("a better figure",
     {"docs/performance.md": MEASURED,
      "README.md": README.format(SHOWN.replace("2 M", "3 M"))}, "README.md"),
)

if __name__ == "__main__":
    check.main(find, PLANTS)
