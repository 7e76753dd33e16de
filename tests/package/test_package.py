# SPDX-License-Identifier: MIT
"""The Debian package in a fresh root: it installs, runs as its own user,
passes a message to a client that is not ours, keeps what an administrator has
changed, and is removed without a trace."""
import os
import pathlib
import re
import signal
import socket
import struct
import subprocess
import tempfile
import unittest

from installed import (ROOT, files_below, in_root, main, make_root, need,
                       run, skip)

AS_SERVICE = ("exec setpriv --reuid=sluice --regid=sluice --clear-groups"
              " --no-new-privs --bounding-set=-all"
              " sluiced -c /etc/sluice/sluice.conf --listen 127.0.0.1:0")
# What dpkg, apt and the system keep of everything that ever was.
RECORDS = re.compile(r"^(var/(lib/(dpkg|apt)|cache|log)/|etc/[^/]*-$|proc/|dev/"
                     r"|etc/ld\.so\.cache$|root/|tmp/|run/)")
CONFIG = "etc/sluice/sluice.conf"


def frame(body):
    return struct.pack(">I", len(body)) + body


class Package(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        folder = tempfile.TemporaryDirectory(prefix="sluice-package-")
        cls.addClassCleanup(folder.cleanup)
        cls.dir = pathlib.Path(folder.name)
        cls.root = cls.dir / "root"
        run(ROOT / "scripts/package", cls.dir / "dist")
        make_root(cls.root)
        (cls.deb,) = (cls.dir / "dist").glob("sluice_*.deb")
        (cls.dev,) = (cls.dir / "dist").glob("libsluice-dev_*.deb")
        (cls.lib,) = (cls.dir / "dist").glob("libsluice0_*.deb")
        for deb, name in ((cls.deb, "sluice"), (cls.lib, "libsluice0")):
            (cls.root / f"root/{name}.deb").write_bytes(deb.read_bytes())

    def do(self, script):
        return run(*in_root(self.root, script))

    def snapshot(self):
        files = {name for name in files_below(self.root)
                 if not RECORDS.match(name)}
        return files, (self.root / "etc/passwd").read_text(), \
            (self.root / "etc/group").read_text()

    def test_its_whole_life(self):
        self.do("apt-get -qq update")
        before = self.snapshot()
        self.do("apt-get -qq install -y --no-install-recommends"
                " /root/sluice.deb /root/libsluice0.deb")
        self.check_installed()
        self.check_service()
        self.check_configuration_is_kept()
        self.do("apt-get -qq purge -y --autoremove sluice libsluice0")
        after = self.snapshot()
        self.assertEqual(after[0] - before[0], set())
        self.assertEqual(after[1:], before[1:])

    def check_installed(self):
        self.assertIn("/usr/sbin/nologin", self.do("getent passwd sluice"))
        self.assertIn(f"/{CONFIG}",
                      self.do("dpkg-query -W -f '${Conffiles}' sluice"))
        self.do("sluiced --check -c /etc/sluice/sluice.conf")
        wants = "etc/systemd/system/multi-user.target.wants/sluiced.service"
        self.assertTrue((self.root / wants).is_symlink())
        for page in ("man1/sluice.1", "man5/sluice.conf.5", "man8/sluiced.8"):
            self.assertTrue((self.root / f"usr/share/man/{page}.gz").exists())
        self.assertIn("libsluice.so.0 ", self.do("ldconfig -p"))

    def check_service(self):
        service = subprocess.Popen(in_root(self.root, AS_SERVICE),
                                   stderr=subprocess.PIPE, text=True)
        self.addCleanup(self.end, service)
        for line in service.stderr:
            found = re.search(r"event=listening addr=([\d.]+):(\d+)", line)
            if found:
                break
        else:
            self.fail("it ended before it listened")
        host, port = found.group(1), int(found.group(2))
        self.check_message(host, port)
        self.do(f"SLUICE_SERVER={host}:{port} sluice ping --count 1")
        os.kill(self.daemon_of(service), signal.SIGTERM)
        said = service.communicate(timeout=30)[1]
        self.assertIn("event=stopped", said)
        self.assertEqual(service.returncode, 0, said)

    def check_message(self, host, port):
        with socket.create_connection((host, port), timeout=30) as broker:
            broker.sendall(frame(b"/topic/t") + frame(b"/topic/t")
                           + frame(b"hello"))
            self.assertEqual(broker.makefile("rb").read(9), frame(b"hello"))

    def daemon_of(self, service):
        """The only child of unshare, which forwards no signal."""
        children = pathlib.Path(f"/proc/{service.pid}/task/{service.pid}"
                                "/children").read_text().split()
        return int(children[0]) if children else None

    def end(self, service):
        """Whatever happened, it does not stay."""
        if service.poll() is None and self.daemon_of(service):
            os.kill(self.daemon_of(service), signal.SIGKILL)
        service.communicate(timeout=30)

    def check_configuration_is_kept(self):
        config = self.root / CONFIG
        changed = config.read_text() + "# ours\n"
        config.write_text(changed)
        self.do("dpkg -i /root/sluice.deb")
        self.assertEqual(config.read_text(), changed)
        self.do("apt-get -qq remove -y sluice")
        self.assertEqual(config.read_text(), changed)
        self.assertFalse((self.root / "usr/sbin/sluiced").exists())

    def test_what_developers_get(self):
        names = run("dpkg-deb", "-c", self.dev)
        for name in ("include/sluice.h", "include/sluice_base.h",
                     "include/sluice_units.h", "/libsluice.a", "/libsluice.pc",
                     "/libsluice.so -> libsluice.so.0",
                     "/sluice-config.cmake", "man3/libsluice.3.gz"):
            self.assertIn(name, names)
        self.assertRegex(run("dpkg-deb", "-f", self.dev, "Depends"),
                         r"\blibsluice0 \(= ")

    def test_the_shared_library(self):
        """Whose cache is brought up to date by dpkg, not by scripts."""
        names = run("dpkg-deb", "-c", self.lib)
        self.assertIn("/libsluice.so.0 -> libsluice.so.0.", names)
        run("dpkg-deb", "-e", self.lib, self.dir / "control")
        self.assertEqual(files_below(self.dir / "control"),
                         {"control", "md5sums", "shlibs", "triggers"})
        self.assertRegex((self.dir / "control/shlibs").read_text(),
                         r"^libsluice 0 libsluice0 ")


if __name__ == "__main__":
    need("mmdebstrap", "dpkg-shlibdeps", "cmake")
    if os.getuid() != 0:
        skip("a root of its own needs root")
    main()
