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

    def test_every_option_tells_its_key_and_its_variable(self):
        """And what it tells is read there: the place in the file and the
        variable are where --check finds the value."""
        rows = [[cell.strip().strip("`") for cell in row.split(" | ")]
                for row in run_sluiced("--manual").stdout.splitlines()
                if row.startswith("| `--")]
        self.assertGreater(len(rows), 15)
        for option, default, *_, place, variable, _ in rows:
            with self.subTest(option=option):
                section, key = re.fullmatch(r"\[(\w+)\] ([a-z-]+)",
                                            place).groups()
                value = default or "tcp://127.0.0.1:1"
                if key in ("listen", "host"):
                    value = "127.0.0.1:1"
                told = run_sluiced("--check", env={variable: value}).stdout
                told = re.search(rf"^\[{section}\]\n([^\[]*)", told, re.M)
                self.assertIn(f"{key} = {value} ; {variable}", told.group(1))


if __name__ == "__main__":
    main()
