# SPDX-License-Identifier: MIT
"""The shared library: it exports the functions of client/sluice.h and nothing
else, needs nothing but libc and OpenSSL, and a program in another language can load it."""
import ctypes
import os
import pathlib
import re
import unittest

from installed import ROOT, broker, main, need, run

SHARED = pathlib.Path(os.environ["LIBSLUICE_SHARED"])
STATIC = os.environ["LIBSLUICE"]
SOONER = 20000  # milliseconds; what takes this long has failed


class Bytes(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("length", ctypes.c_size_t)]

    @classmethod
    def of(cls, text):
        return cls(ctypes.cast(text, ctypes.c_void_p), len(text))

    def value(self):
        return ctypes.string_at(self.data, self.length)


def load():
    """As ctypes finds it, by the name that programs ask for."""
    lib = ctypes.CDLL(str(SHARED.parent / "libsluice.so.0"))
    lib.sluice_new.restype = ctypes.c_void_p
    lib.sluice_version.restype = ctypes.c_char_p
    lib.sluice_error_detail.restype = ctypes.c_char_p
    handle, number = ctypes.c_void_p, ctypes.c_int
    for name, *types in (
            ("connect", handle, ctypes.c_char_p, number),
            ("subscribe", handle, Bytes),
            ("publish", handle, Bytes, Bytes, number),
            ("receive", handle, ctypes.POINTER(Bytes), number),
            ("close", handle, number),
            ("error_detail", handle),
            ("free", handle)):
        getattr(lib, f"sluice_{name}").argtypes = types
    return lib


def functions_of_the_header():
    text = "".join(path.read_text()
                   for path in sorted((ROOT / "client").glob("sluice*.h")))
    code = re.sub(r"/\*.*?\*/", "", text, flags=re.S)
    inline = set(re.findall(r"static inline .*?(sluice_\w+)\(", code))
    return set(re.findall(r"\b(sluice_[a-z_]+)\(", code)) - inline


class Names(unittest.TestCase):
    def test_the_header_is_all_that_is_exported(self):
        symbols = run("nm", "-D", "--defined-only", SHARED)
        names = set(re.findall(r" T (\w+)@@SLUICE_0$", symbols, re.M))
        self.assertEqual(names, functions_of_the_header())
        self.assertEqual(len(symbols.splitlines()), len(names) + 1)

    def test_the_static_one_takes_no_names_of_its_users(self):
        symbols = run("nm", "-g", "--defined-only", STATIC)
        names = set(re.findall(r"^[0-9a-f]+ [A-Z] (\w+)$", symbols, re.M))
        self.assertGreater(names, functions_of_the_header())
        self.assertEqual({n for n in names if not n.startswith("sluice_")},
                         set())

    def test_it_has_a_version_and_needs_only_libc_and_openssl(self):
        dynamic = run("readelf", "-d", SHARED)
        self.assertIn("[libsluice.so.0]", dynamic)
        self.assertEqual(set(re.findall(r"\(NEEDED\).*\[(.*)\]", dynamic)),
                         {"libssl.so.3", "libcrypto.so.3", "libc.so.6"})
        self.assertNotRegex(dynamic, "RPATH|RUNPATH")


class Program(unittest.TestCase):
    """One in Python, with nothing but the library."""

    def setUp(self):
        self.lib = load()
        self.handle = self.lib.sluice_new()
        self.addCleanup(self.lib.sluice_free, self.handle)

    def call(self, name, *args):
        error = getattr(self.lib, f"sluice_{name}")(self.handle, *args)
        self.assertEqual(error, 0, self.lib.sluice_error_detail(self.handle))

    def test_a_message_there_and_back(self):
        with broker(os.environ["SLUICED"]) as address:
            self.call("connect", address.encode(), SOONER)
            self.call("subscribe", Bytes.of(b"/topic/t"))
            self.call("publish", Bytes.of(b"/topic/t"), Bytes.of(b"a\0b"),
                      SOONER)
            got = Bytes()
            self.call("receive", ctypes.byref(got), SOONER)
            self.assertEqual(got.value(), b"a\0b")
            self.call("close", SOONER)

    def test_a_failure_has_a_sentence(self):
        self.assertNotEqual(
            self.lib.sluice_connect(self.handle, b"nonsense", 0), 0)
        self.assertIn(b"nonsense", self.lib.sluice_error_detail(self.handle))

    def test_its_version_is_that_of_the_program(self):
        said = run(os.environ["SLUICE"], "--version")
        self.assertEqual(f"sluice {self.lib.sluice_version().decode()}\n",
                         said)


if __name__ == "__main__":
    need("nm", "readelf")
    main()
