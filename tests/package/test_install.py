# SPDX-License-Identifier: MIT
"""cmake --install: prefix and DESTDIR are respected, what is installed works
there, also after the whole tree was moved, and clients find the library."""
import gzip
import os
import pathlib
import re
import tempfile
import unittest

from installed import broker, files_below, main, need, run

BUILD = os.environ["BUILD"]
CLIENT = """
#include <sluice.h>
#include <stdio.h>

int main(int argc, char **argv)
{
    struct sluice *s = sluice_new();
    struct sluice_bytes topic = sluice_text("/topic/t"), got;
    if (argc != 2 || sluice_connect(s, argv[1], 5000) ||
        sluice_subscribe(s, topic) ||
        sluice_publish(s, topic, sluice_text("installed"), 5000) ||
        sluice_receive(s, &got, 5000))
        return 1;
    printf("%.*s", (int)got.length, (const char *)got.data);
    sluice_free(s);
    return 0;
}
"""
CLIENT_PROJECT = """
cmake_minimum_required(VERSION 3.20)
project(client LANGUAGES C)
find_package(sluice 0.1 REQUIRED)
add_executable(client client.c)
target_link_libraries(client sluice::sluice)
add_executable(alone client.c)
target_link_libraries(alone sluice::static)
"""
EXPECTED = {
    "sbin/sluiced", "bin/sluice", "include/sluice.h", "libsluice.a",
    "include/sluice_base.h", "include/sluice_units.h",
    "libsluice.so", "libsluice.so.0", "libsluice.pc", "sluice-config.cmake", "sluice-config-version.cmake",
    "man1/sluice.1.gz", "man3/libsluice.3.gz", "man5/sluice.conf.5.gz",
    "man8/sluiced.8.gz", "completions/sluice", "completions/sluiced",
    "site-functions/_sluice", "sluice/README.md", "sluice/docs/operations.md",
    "sluice/docs/protocol.md",
}


class Install(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-install-")
        self.addCleanup(folder.cleanup)
        self.dir = pathlib.Path(folder.name)

    def install(self):
        """Below DESTDIR with a prefix of its own, then moved elsewhere."""
        stage, tree = self.dir / "stage", self.dir / "tree"
        run("cmake", "--install", BUILD, "--prefix", "/opt/some where",
            env={**os.environ, "DESTDIR": str(stage)})
        self.assertEqual({p.parts[0] for p in
                          map(pathlib.PurePath, files_below(stage))}, {"opt"})
        (stage / "opt/some where").rename(tree)
        return tree

    def test_all_is_there(self):
        found = files_below(self.install())
        for name in EXPECTED:
            self.assertTrue([path for path in found if path.endswith(name)],
                            f"{name} is not among {sorted(found)}")

    def test_it_says_nothing_of_where_it_was_built(self):
        """Or it could not be copied to another machine, or reproduced."""
        tree = self.install()
        for name in files_below(tree):
            content = (tree / name).read_bytes()
            if name.endswith(".gz"):
                content = gzip.decompress(content)
            self.assertFalse(BUILD.encode() in content, name)

    def test_links_of_the_documents_hold(self):
        """Pictures, plots, other documents."""
        seen = 0
        for path in self.install().rglob("*.md"):
            for link in re.findall(r"\]\(([^)#\s]+)", path.read_text()):
                if not link.startswith("http"):
                    self.assertTrue((path.parent / link).is_file(),
                                    f"{path.name}: {link}")
                    seen += 1
        self.assertGreater(seen, 10)

    def test_programs_work(self):
        tree = self.install()
        with broker(tree / "sbin/sluiced") as address:
            said = run(tree / "bin/sluice", "ping", "--count", "2",
                       "--interval", "0", "--server", address)
            self.assertIn("2 received", said)

    def test_the_service_starts_what_was_installed(self):
        """With the configuration that was installed, wherever that is."""
        tree = self.install()
        unit = (tree / "lib/systemd/system/sluiced.service").read_text()
        program = '"/opt/some where/sbin/sluiced"'
        config = '"/opt/some where/etc/sluice/sluice.conf"'
        for line in (f"ExecStart={program} -c {config}",
                     f"ExecReload={program} --check -c {config}"):
            self.assertIn(f"\n{line}\n", unit)
        self.assertNotIn("/usr/", unit)
        conf = (tree / "etc/sluice/sluice.conf").read_text()
        self.assertIn(f"--check -c {config}\n", conf)

    def check_client(self, tree, client, needs="libsluice.so.0"):
        """It works, with the shared library unless it needs none."""
        said = run("readelf", "-d", client)
        self.assertEqual(re.findall(r"\[(libsluice.*)\]", said),
                         [needs] if needs else [])
        where = next(tree.rglob("libsluice.so.0")).parent if needs else ""
        with broker(tree / "sbin/sluiced") as address:
            said = run(client, address,
                       env={**os.environ, "LD_LIBRARY_PATH": str(where)})
            self.assertEqual(said, "installed")

    def test_a_client_by_pkg_config(self):
        need("pkg-config")
        tree = self.install()
        (self.dir / "client.c").write_text(CLIENT)
        folder = next(tree.rglob("libsluice.pc")).parent
        run("sh", "-ec", 'flags=$(pkg-config --cflags --libs libsluice);'
            ' eval "$CC client.c $flags -o client"', cwd=self.dir,
            env={**os.environ, "PKG_CONFIG_PATH": str(folder)})
        self.check_client(tree, self.dir / "client")

    def test_a_client_by_cmake(self):
        tree = self.install()
        (self.dir / "client.c").write_text(CLIENT)
        (self.dir / "CMakeLists.txt").write_text(CLIENT_PROJECT)
        run("cmake", "-S", self.dir, "-B", self.dir / "b",
            f"-DCMAKE_PREFIX_PATH={tree}")
        run("cmake", "--build", self.dir / "b")
        self.check_client(tree, self.dir / "b/client")
        self.check_client(tree, self.dir / "b/alone", needs=None)

    def test_another_version_is_not_taken(self):
        tree = self.install()
        (self.dir / "CMakeLists.txt").write_text(
            CLIENT_PROJECT.replace("sluice 0.1", "sluice 9.0"))
        with self.assertRaisesRegex(AssertionError, "9.0"):
            run("cmake", "-S", self.dir, "-B", self.dir / "b",
                f"-DCMAKE_PREFIX_PATH={tree}")


if __name__ == "__main__":
    need("cmake", "readelf")
    main()
