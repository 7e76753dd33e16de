# SPDX-License-Identifier: MIT
"""`cmake -B build` makes the programs, also where nothing is installed that
only the tests need, and no warning stops them."""
import json
import os
import pathlib
import tempfile
import unittest

from installed import ROOT, broker, main, need, run

# A pkg-config that has never heard of cmocka.
WITHOUT_CMOCKA = """#!/bin/sh
case "$*" in
*cmocka*) exit 1 ;;
esac
exec pkg-config "$@"
"""


class Build(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-build-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)
        self.build = self.dir / "build"

    def configure(self, *options):
        return run("cmake", "-S", ROOT, "-B", self.build,
                   "-DCMAKE_EXPORT_COMPILE_COMMANDS=ON", *options)

    def configure_without(self, *options):
        """As if neither cmocka nor Python were installed."""
        wrapper = self.dir / "pkg-config"
        wrapper.write_text(WITHOUT_CMOCKA)
        wrapper.chmod(0o755)
        return self.configure(f"-DPKG_CONFIG_EXECUTABLE={wrapper}",
                              "-DCMAKE_DISABLE_FIND_PACKAGE_Python3=ON",
                              *options)

    def test_the_programs_need_nothing_of_the_tests(self):
        said = self.configure_without()
        self.assertIn("-- tests: not built, missing: cmocka and Python 3.10\n",
                      said)
        run("cmake", "--build", self.build, "-j", "2", "--target", "sluiced")
        with broker(self.build / "bin/sluiced"):
            pass  # it starts, and ends in order

    def test_tests_that_were_asked_for_say_what_they_need(self):
        with self.assertRaises(AssertionError) as caught:
            self.configure_without("-DSLUICE_TESTS=ON")
        said = " ".join(str(caught.exception).split())
        self.assertIn("The tests need cmocka and Python 3.10. "
                      "`scripts/setup test` installs that", said)

    def flags(self):
        commands = json.loads(
            (self.build / "compile_commands.json").read_text())
        return {word for command in commands
                for word in command["command"].split()}

    def test_a_warning_stops_only_those_who_ask(self):
        self.configure("-DSLUICE_TESTS=OFF")
        flags = self.flags()
        self.assertIn("-Wall", flags)
        self.assertNotIn("-Werror", flags)
        self.configure("-DSLUICE_TESTS=OFF", "-DSLUICE_WERROR=ON")
        self.assertIn("-Werror", self.flags())

    def test_who_works_on_it_gets_both(self):
        """The presets, and with them scripts/build and scripts/test."""
        run("cmake", "--preset", "release", "-B", self.build, cwd=ROOT)
        self.assertIn("-Werror", self.flags())
        self.assertTrue((self.build / "tests/unit").is_dir())


if __name__ == "__main__":
    need("cmake", "pkg-config")
    os.environ.pop("CMAKE_GENERATOR", None)
    main()
