# SPDX-License-Identifier: MIT
"""gcc and clang both build the programs without a warning, and what they
build works: test_compilers.py COMPILER."""
import pathlib
import sys
import tempfile

from installed import ROOT, broker, need, run


def main(compiler):
    need("cmake", compiler)
    with tempfile.TemporaryDirectory(prefix="sluice-compiler-") as folder:
        build = pathlib.Path(folder)
        run("cmake", "-S", ROOT, "-B", build, "-DSLUICE_TESTS=OFF",
            "-DSLUICE_MANUAL=OFF", f"-DCMAKE_C_COMPILER={compiler}",
            "-DSLUICE_WERROR=ON")
        said = run("cmake", "--build", build, "-j", "2")
        assert "warning:" not in said, said
        with broker(build / "bin/sluiced") as address:
            said = run(build / "bin/sluice", "ping", "--count", "1",
                       "--server", address)
            assert "1 received" in said, said


if __name__ == "__main__":
    main(sys.argv[1])
