# SPDX-License-Identifier: MIT
"""The files for a service: systemd finds the units good and well shut in, and
the sample configuration shows the defaults."""
import pathlib
import re
import shutil
import subprocess
import tempfile

from daemon import SLUICED
from wire import WireTest, main, run_sluiced

UNITS = pathlib.Path(__file__).resolve().parents[2] / "packaging/systemd"
EXPOSURE_MAX = 15  # tenths
KEY = re.compile(r"^#([a-z-]+ = .*)$", re.M)


def analyze(*args):
    tool = shutil.which("systemd-analyze")
    if tool is None:
        raise LookupError("systemd-analyze is not installed")
    return subprocess.run([tool, *args], capture_output=True, text=True,
                          timeout=60, check=False)


class Units(WireTest):
    def analyze(self, *args):
        try:
            return analyze(*args)
        except LookupError as missing:
            return self.skipTest(str(missing))

    def test_the_service_is_well_shut_in(self):
        """An exposure of 1.5 at most."""
        done = self.analyze("security", "--offline=yes",
                            f"--threshold={EXPOSURE_MAX}",
                            str(UNITS / "sluiced.service"))
        print(done.stdout.strip().splitlines()[-1])
        self.assertEqual(done.returncode, 0, done.stdout)

    def test_the_units_are_understood(self):
        """Every line; with the program that is installed where they say."""
        with tempfile.TemporaryDirectory() as folder:
            for unit in UNITS.glob("sluiced.*"):
                text = unit.read_text(encoding="utf-8")
                text = text.replace("/usr/sbin/sluiced", SLUICED)
                text = re.sub(r"^Documentation=.*$", "", text, flags=re.M)
                (pathlib.Path(folder) / unit.name).write_text(text)
            for unit in ("sluiced.service", "sluiced.socket"):
                done = self.analyze("verify", "--man=no", f"{folder}/{unit}")
                self.assertEqual(done.stderr, "")
                self.assertEqual(done.returncode, 0)

    def test_it_is_started_until_it_runs(self):
        """An address that comes up late must not end it for good, as five
        starts in ten seconds otherwise would."""
        text = (UNITS / "sluiced.service").read_text(encoding="utf-8")
        unit, service = text.split("[Service]")
        self.assertIn("\nRestart=on-failure\n", service)
        self.assertIn("\nStartLimitIntervalSec=0\n", unit)
        self.assertIn("\nAfter=network-online.target\n", unit)

    def test_the_socket_is_at_the_default_address(self):
        """Started either way, the broker is at the same address."""
        text = (UNITS / "sluiced.socket").read_text(encoding="utf-8")
        address = re.search(r"^ListenStream=(.*)$", text, re.M)[1]
        self.assertIn(f"listen = {address} ; default",
                      run_sluiced("--check").stdout)


class Sample(WireTest):
    def values(self, text):
        with tempfile.NamedTemporaryFile("w", suffix=".conf") as file:
            file.write(text)
            file.flush()
            done = run_sluiced("--check", "-c", file.name)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return [line.partition(" ;")[0] for line in done.stdout.splitlines()]

    def test_it_changes_nothing_and_shows_the_defaults(self):
        """It sets nothing; every default is in a commented line."""
        sample = (UNITS / "sluice.conf").read_text(encoding="utf-8")
        plain = self.values("# nothing\n")
        self.assertEqual(self.values(sample), plain)
        shown = set(KEY.findall(sample.partition("#[channel")[0]))
        defaults = {line for line in plain if " = " in line}
        self.assertEqual(defaults - shown, set())
        keys = {line.lstrip("; ").partition(" =")[0] for line in plain
                if " =" in line}
        self.assertEqual(keys, {line.partition(" =")[0] for line in shown})

    def test_all_of_it_can_be_used(self):
        """Without the comment signs it is a file."""
        sample = (UNITS / "sluice.conf").read_text(encoding="utf-8")
        used = re.sub(r"^#(\[|[a-z-]+ = )", r"\1", sample, flags=re.M)
        used = re.sub(r"^[a-z]+ = /etc/sluice/.*(pem|example.key)\n", "", used,
                      flags=re.M)  # --check reads certificates
        with tempfile.TemporaryDirectory() as folder, \
                tempfile.TemporaryDirectory() as other:
            users = pathlib.Path(other) / "users.conf"
            users.write_text("# nobody\n", encoding="utf-8")
            users.chmod(0o600)
            said = self.values(used.replace("/var/lib/sluice", folder)
                               .replace("/etc/sluice/users.conf", str(users)))
        self.assertIn("listen = unix:/run/sluice/sluice.sock", said)
        self.assertIn('[channel "/queue/jobs"]', said)


if __name__ == "__main__":
    main()
