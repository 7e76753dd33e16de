#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The library for Rust passes the suite, works with sluiced, and keeps its other
promises."""
import re
import tempfile
import unittest
from pathlib import Path

import languages
import logins
from runner import main  # languages has found it

FOLDER = languages.ROOT / "client/rust"


class Library(languages.Library):
    language = "rust"

    def test_keeps_its_promises(self):
        languages.run(*languages.build_with_rust(
            languages.workshop(), languages.FOLDER / "rust_promises.rs",
            "--test"))


class Durable(languages.Durable):
    language = "rust"


class Logins(logins.WithoutKeys):
    language = "rust"
    has_tls = False


class Papers(unittest.TestCase):
    """The documents beside the code are true."""

    def test_the_versions_agree(self):
        version = languages.project_version()
        self.assertIn(f'VERSION: &str = "{version}"',
                      (FOLDER / "sluice.rs").read_text(encoding="utf-8"))
        found = re.search(r'^version = "([\d.]+)"$',
                          (FOLDER / "Cargo.toml").read_text(), re.M)
        self.assertEqual(found[1], version)

    def test_the_programs_of_the_readme_compile(self):
        text = (FOLDER / "README.md").read_text(encoding="utf-8")
        programs = re.findall(r"^```rust\n(.*?)^```$", text, re.M | re.S)
        self.assertGreater(len(programs), 0)
        with tempfile.TemporaryDirectory() as name:
            for number, source in enumerate(programs):
                path = Path(name) / f"program{number}.rs"
                path.write_text(source)
                languages.build_with_rust(Path(name), path)


if __name__ == "__main__":
    languages.need("rust")
    main()
