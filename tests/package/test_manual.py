# SPDX-License-Identifier: MIT
"""The manual pages: mandoc finds no fault in them, and they describe exactly
the options, keys, signals and functions that exist."""
import os
import pathlib
import re
import shutil
import subprocess
import unittest

from installed import ROOT, main

PAGES = pathlib.Path(os.environ["MANUAL"])
NAMES = ("sluice.1", "libsluice.3", "sluice.conf.5", "sluiced.8")


def output(*command):
    return subprocess.run(command, capture_output=True, text=True, timeout=30,
                          check=True).stdout


def page(name):
    return (PAGES / name).read_text()


def listed_options(text):
    """Every `.It Fl -name`; an item may name several."""
    return {option for item in re.findall(r"^\.It (Fl .*)$", text, re.M)
            for option in re.findall(r"Fl (-[a-z0-9-]+)", item)}


def helped_options(text):
    return {option[1:] for option in
            re.findall(r"^ +(?:-\w, )?(--[a-z0-9-]+)", text, re.M)}


class Layout(unittest.TestCase):
    @unittest.skipUnless(shutil.which("mandoc"), "mandoc is not installed")
    def test_mandoc_finds_nothing(self):
        for name in NAMES:
            done = subprocess.run(["mandoc", "-T", "lint", name], cwd=PAGES,
                                  capture_output=True, text=True, timeout=30,
                                  check=False)
            self.assertEqual((done.returncode, done.stdout), (0, ""), name)

    def test_nothing_is_left_of_the_template(self):
        for name in NAMES:
            self.assertNotRegex(page(name), r"(?m)^@|[`]")
            self.assertEqual(page(name).count("\n.Bl"),
                             page(name).count("\n.El"), name)


class Contents(unittest.TestCase):
    def test_options_of_the_daemon(self):
        options = helped_options(output(os.environ["SLUICED"], "--help"))
        self.assertGreater(len(options), 15)
        self.assertEqual(listed_options(page("sluiced.8")), options)

    def test_keys_of_the_file(self):
        checked = output(os.environ["SLUICED"], "--check")
        keys = set(re.findall(r"^;? ?([a-z-]+) =", checked, re.M))
        listed = set(re.findall(r"^\.It Ic ([a-z-]+) =", page("sluice.conf.5"),
                                re.M))
        self.assertGreater(len(keys), 10)
        self.assertEqual(listed, keys)

    def test_other_ways_to_say_it(self):
        """An option names its variable and key, a key its option."""
        rows = re.findall(r"^\| `-(-[a-z-]+)` .*? \| `(\[\w+\] [a-z-]+)` \| "
                          r"`(\w+)` \|", output(os.environ["SLUICED"],
                                              "--manual"), re.M)
        self.assertGreater(len(rows), 15)
        options = page("sluiced.8").split("\n.It ")
        keys = page("sluice.conf.5").split("\n.It ")
        for option, place, variable in rows:
            item = next(i for i in options if i.startswith(f"Fl {option} "))
            self.assertIn(f".Ev {variable}\n", item)
            self.assertIn(f".Ql {place} .", item)
            key = place.split()[1]
            self.assertTrue([i for i in keys if i.startswith(f"Ic {key} =")
                             and f".Fl {option}\n" in i
                             and f".Ev {variable} ." in i], option)

    def test_signals(self):
        signals = set(re.findall(r"SIG[A-Z0-9]+",
                                 output(os.environ["SLUICED"], "--help")))
        self.assertEqual(set(re.findall(r"Dv (SIG\w+)", page("sluiced.8"))),
                         signals)

    def test_a_section_for_each_command(self):
        text = page("sluice.1")
        sections = dict(re.findall(r"^\.Ss (\w+)\n(.*?)(?=^\.S[hs] )", text,
                                   re.M | re.S))
        commands = set(re.findall(r"^  sluice (\w+)",
                                  output(os.environ["SLUICE"], "--help"),
                                  re.M)) - {"help"}
        self.assertEqual(set(sections), commands)
        for command in commands:
            said = output(os.environ["SLUICE"], command, "--help")
            self.assertEqual(listed_options(sections[command]),
                             helped_options(said), command)

    def test_functions_and_errors_of_the_library(self):
        header = "".join(path.read_text() for path in sorted(
            (ROOT / "client").glob("sluice*.h")))
        code = re.sub(r"/\*.*?\*/", "", header, flags=re.S)
        functions = set(re.findall(r"\b(sluice_[a-z_]+)\(", code))
        text = page("libsluice.3")
        self.assertEqual(set(re.findall(r"^\.F[no] (sluice_\w+)", text, re.M)),
                         functions)
        self.assertEqual(set(re.findall(r"^\.Nm (sluice_\w+)", text, re.M)),
                         functions)
        listed = set()
        for name in ("sluice_error", "sluice_event_kind"):
            enum = re.search(rf"enum {name} \{{(.*?)\}}", code, re.S).group(1)
            listed |= set(re.findall(r"SLUICE_[A-Z_]+", enum))
        self.assertEqual(listed - {"SLUICE_OK"},
                         set(re.findall(r"^\.It Dv (SLUICE_\w+)", text, re.M)))


if __name__ == "__main__":
    main()
