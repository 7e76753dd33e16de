#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The library for Go passes the suite, works with sluiced, and keeps its other
promises."""
import unittest

import languages
import logins
from runner import main  # languages has found it


class Library(languages.Library):
    language = "go"

    def test_keeps_its_promises(self):
        languages.run("go", "test", ".", cwd=languages.FOLDER / "go_client",
                      env=languages.go_environment(languages.workshop()))


class Tls(languages.Tls):
    language = "go"


class Durable(languages.Durable):
    language = "go"


class Logins(logins.Logins):
    language = "go"


class Papers(unittest.TestCase):
    """The documents beside the code are true."""

    def test_the_versions_agree(self):
        text = (languages.ROOT / "client/go/sluice.go").read_text("utf-8")
        self.assertIn(f'const Version = "{languages.project_version()}"', text)


if __name__ == "__main__":
    languages.need("go")
    main()
