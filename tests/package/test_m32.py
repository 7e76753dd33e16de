# SPDX-License-Identifier: MIT
"""The wire format, the ground and the core are right where a pointer and a
size have 32 bits: their unit tests, built by the compiler's -m32."""
import concurrent.futures
import os
import pathlib
import re
import subprocess
import tempfile
import unittest

from installed import ROOT, main, run, skip

CC = os.environ["CC"]
# What needs nothing but the C library, ground first.
LAYERS = ("sluice_proto", "sluice_common", "sluice_base", "sluice_core")
FLAGS = ("-m32", "-std=c11", "-O1", "-g", "-D_GNU_SOURCE",
         '-DSLUICE_VERSION="0"',
         f'-DSLUICE_FIXTURES="{ROOT}/tests/journal/version-1"', f"-I{ROOT}", f"-I{ROOT}/tests/package/m32")
# Their numbers hold where pointers have 64 bits: they count the bytes of the
# broker's own bookkeeping.
SIZED = {"queue", "wheel"}
# It reads its vectors with jansson, whose package has 64 bits only.
FOREIGN = {"vectors"}
# Of the layers: a conversion may lose something here only.
WARNINGS = ("-Wall", "-Wextra", "-Wshadow", "-Wconversion", "-Werror")


def words(text):
    return re.sub(r"#.*", "", text).split()


def sources_of(layer):
    """As the build knows them."""
    for name in ("proto", "common", "users", "broker"):
        text = (ROOT / name / "CMakeLists.txt").read_text()
        found = re.search(rf"sluice_layer\({layer}\s+SOURCES(.*?)(DEPENDS|\))",
                          text, re.S)
        if found:
            return [ROOT / name / word for word in words(found.group(1))]
    raise AssertionError(f"no layer {layer}")


def tests_of(layer):
    """(module, sources that help it) of each unit test."""
    text = (ROOT / "tests/unit/CMakeLists.txt").read_text()
    for call in re.findall(rf"sluice_unit_tests\({layer}\s+MODULES(.*?)\)",
                           text, re.S):
        modules, _, helpers = call.partition("WITH")
        for module in set(words(modules)) - SIZED - FOREIGN:
            yield module, words(helpers)


def link_options(module):
    """As the build has them for a test that wraps functions."""
    text = (ROOT / "tests/unit/CMakeLists.txt").read_text()
    return [option for found in re.findall(
                rf"target_link_options\(unit_{module} PRIVATE (.*?)\)", text)
            for option in words(found)]


def has_m32():
    with tempfile.TemporaryDirectory() as folder:
        source = pathlib.Path(folder) / "a.c"
        source.write_text("#include <stdio.h>\nint main(void)\n"
                          '{\n    return puts("32") < 0;\n}\n')
        program = source.with_suffix("")
        built = subprocess.run([CC, "-m32", source, "-o", program],
                               capture_output=True, check=False)
        return built.returncode == 0 and subprocess.run(
            [program], capture_output=True, check=False).returncode == 0


class M32(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-m32-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def compile(self, source):
        made = self.dir / (source.stem + ".o")
        run(CC, *FLAGS, *WARNINGS, "-c", source, "-o", made)
        return made

    def check(self, module, helpers, objects):
        program = self.dir / f"unit_{module}"
        own = [ROOT / f"tests/unit/{name}"
               for name in (f"{module}_test.c", *helpers)]
        run(CC, *FLAGS, *own, *objects, *link_options(module), "-o", program)
        self.assertIn("ok: ", run(program), module)

    def test_unit_tests(self):
        pool = concurrent.futures.ThreadPoolExecutor(os.cpu_count())
        with pool:
            objects = list(pool.map(self.compile, [
                source for layer in LAYERS for source in sources_of(layer)]))
            checks = [pool.submit(self.check, *test, objects)
                      for layer in LAYERS for test in tests_of(layer)]
            self.assertGreater(len(checks), 10)
            for done in checks:
                done.result()


if __name__ == "__main__":
    if not has_m32():
        skip(f"{CC} -m32 builds nothing here; Debian has gcc-multilib")
    main()
