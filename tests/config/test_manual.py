# SPDX-License-Identifier: MIT
"""The program writes the reference of options, so it cannot be wrong."""
import pathlib
import re
import shutil
import tempfile

import certificates
from wire import WireTest, main, run_sluiced

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs"


# What an option cannot be given without.
COMPANIONS = {"SLUICE_MONITOR_KEY": {"SLUICE_MONITOR_CLIENTS": "clients"},
              "SLUICE_MONITOR_CLIENTS": {"SLUICE_MONITOR_KEY": "key"},
              "SLUICE_MONITOR_COLLECTOR": {"SLUICE_MONITOR_KEY": "key"}}


def with_files():
    """Files for TLS, which --check reads: variables that go together."""
    made = certificates.folder()
    made.certificate("gone", "DNS:gone")
    made.revoke("gone")
    return {"SLUICE_TLS_CERT": made["localhost.pem"],
            "SLUICE_TLS_KEY": made["localhost.key"],
            "SLUICE_TLS_CA": made["ca.pem"], "SLUICE_TLS_CRL": made["crl.pem"]}


class Reference(WireTest):
    maxDiff = None

    def test_docs_options_md_is_what_the_program_says(self):
        """To write it again: sluiced --manual > docs/options.md"""
        done = run_sluiced("--manual")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        text = (DOCS / "options.md").read_text(encoding="utf-8")
        self.assertEqual(done.stdout, text)

    def test_every_option_names_its_key_and_its_variable(self):
        """The variable is read, and --check prints the value at the key's
        place in the file."""
        self.folder = self.enterContext(tempfile.TemporaryDirectory())
        rows = [[cell.strip().strip("`")
                 for cell in row.replace("| |", "|  |").split(" | ")]
                for row in run_sluiced("--manual").stdout.splitlines()
                if row.startswith("| `--")]
        self.assertGreater(len(rows), 15)
        files = with_files() if shutil.which("openssl") else {}
        for option, default, *_, place, variable, _ in rows:
            with self.subTest(option=option):
                section, key = re.fullmatch(r"\[(\w+)\] ([a-z-]+)",
                                            place).groups()
                value = default or "tcp://127.0.0.1:1"
                if key in ("listen", "host"):
                    value = "127.0.0.1:1"
                if variable == "SLUICE_JOURNAL":
                    value = self.folder
                if variable == "SLUICE_USERS":
                    users = pathlib.Path(self.folder) / "users"
                    users.write_text("# nobody\n", encoding="utf-8")
                    users.chmod(0o600)
                    value = str(users)
                value = files.get(variable, value)
                others = files if variable in files else COMPANIONS.get(
                    variable, {})
                said = run_sluiced("--check", env={
                    **others, variable: value}).stdout
                said = re.search(rf"^\[{section}\]\n([^\[]*)", said, re.M)
                self.assertIn(f"{key} = {value} ; {variable}", said.group(1))


if __name__ == "__main__":
    main()
