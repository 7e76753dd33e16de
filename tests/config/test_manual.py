# SPDX-License-Identifier: MIT
"""The reference of options is written by the program, so it cannot lie."""
import pathlib
import re

from wire import WireTest, main, run_sluiced

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"
ROW = re.compile(r"^\| `--([a-z-]+)` \|", re.M)


class Reference(WireTest):
    maxDiff = None

    def test_docs_options_md_is_what_the_program_says(self):
        """To write it anew: sluiced --manual > docs/options.md"""
        done = run_sluiced("--manual")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        text = (DOCS / "options.md").read_text(encoding="utf-8")
        self.assertEqual(done.stdout, text)

    def test_help_and_reference_have_the_same_options(self):
        """One table."""
        flags = re.findall(r"^  --([a-z-]+) [A-Z]", run_sluiced("--help").stdout,
                           re.M)
        self.assertEqual(ROW.findall(run_sluiced("--manual").stdout),
                         [flag for flag in flags if flag != "channel"])


if __name__ == "__main__":
    main()
