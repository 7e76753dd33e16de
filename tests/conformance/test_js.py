#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The library for Node passes the suite, works with sluiced, and keeps its
other promises."""
import json
import unittest

import languages
import logins
from runner import main  # languages has found it


class Library(languages.Library):
    language = "js"

    def test_keeps_its_promises(self):
        languages.run("node", "--test", languages.FOLDER / "js_promises.mjs")


class Tls(languages.Tls):
    language = "js"


class Durable(languages.Durable):
    language = "js"


class Logins(logins.Logins):
    language = "js"


class Papers(unittest.TestCase):
    """The documents beside the code are true."""

    def test_the_versions_agree(self):
        folder = languages.ROOT / "client/js"
        package = json.loads((folder / "package.json").read_text())
        version = languages.project_version()
        self.assertEqual(package["version"], version)
        self.assertIn(f'export const version = "{version}"',
                      (folder / "sluice.mjs").read_text(encoding="utf-8"))


if __name__ == "__main__":
    languages.need("js")
    main()
