# SPDX-License-Identifier: MIT
"""What the linker and the compiler can do against mistakes is on: position
independence, read-only relocations, stack protection, checked functions."""
import os
import re
import unittest

from installed import main, need, run

PROGRAMS = [os.environ["SLUICED"], os.environ["SLUICE"]]


class Hardening(unittest.TestCase):
    def read(self, option):
        for program in PROGRAMS:
            with self.subTest(program=program):
                yield run("readelf", "-W", option, program)

    def test_position_independent(self):
        for text in self.read("-h"):
            self.assertRegex(text, r"Type:\s+DYN")
        for text in self.read("-d"):
            self.assertRegex(text, r"FLAGS_1.*PIE")

    def test_relocations_are_read_only(self):
        for text in self.read("-l"):
            self.assertIn("GNU_RELRO", text)
        for text in self.read("-d"):
            self.assertRegex(text, r"FLAGS.*\bNOW\b")

    def test_stack(self):
        for text in self.read("-l"):
            self.assertRegex(text, r"GNU_STACK.* RW +0x")
        for text in self.read("--dyn-syms"):
            self.assertIn("__stack_chk_fail", text)

    def test_checked_functions(self):
        for text in self.read("--dyn-syms"):
            self.assertRegex(text, r"__\w+_chk\b")

    def test_no_path_to_libraries(self):
        for text in self.read("-d"):
            self.assertFalse(re.search(r"RPATH|RUNPATH", text))


if __name__ == "__main__":
    need("readelf")
    main()
