# SPDX-License-Identifier: MIT
"""What the usual scanners of TLS find: nothing that is worse than a remark."""
import json
import pathlib
import re
import shutil
import subprocess
import tempfile
import xml.etree.ElementTree as tree

import certificates
from test_tls import TlsTest
from wire import main

SCAN_S = 540
# Not of the broker: its certificate is a test's, with an authority of its own.
OF_THE_CERTIFICATE = re.compile(
    "cert|chain|trust|OCSP|DNS_CAArecord|overall_grade|grade_cap|final_score"
    "|expiration|validity|scanTime|service|^engine_problem$|clientProblem")
GOOD = {"OK", "INFO", "WARN", "DEBUG"}  # WARN: it cannot try that here


class Scanned(TlsTest):
    def test_by_sslscan(self):
        program = shutil.which("sslscan")
        if not program:
            self.skipTest("sslscan is not installed")
        broker = self.tls_broker()
        done = subprocess.run(
            [program, "--no-colour", "--xml=-", "--sni-name=localhost",
             broker.address], capture_output=True, text=True, check=True,
            timeout=SCAN_S)
        found = tree.fromstring(done.stdout).find("ssltest")
        spoken = {f"{one.get('type')} {one.get('version')}"
                  for one in found.findall("protocol")
                  if one.get("enabled") == "1"}
        self.assertEqual(spoken, {"tls 1.2", "tls 1.3"})
        ciphers = [one.get("cipher") for one in found.findall("cipher")]
        self.assertEqual(len(ciphers), 6, ciphers)
        for name in ciphers:
            self.assertRegex(name, "GCM|CHACHA20")
            self.assertRegex(name, "^(TLS_|ECDHE-)")
        self.assertEqual({one.get("vulnerable")
                          for one in found.findall("heartbleed")}, {"0"})
        self.assertEqual(found.find("renegotiation").get("supported"), "0")
        for kind, right in (("compression", "0"), ("fallback", "1")):
            for one in found.findall(kind):  # it may not look for it
                self.assertEqual(one.get("supported"), right, kind)
        self.assert_serves(broker)

    def test_by_testssl(self):
        program = shutil.which("testssl") or shutil.which("testssl.sh")
        if not program:
            self.skipTest("testssl.sh is not installed")
        broker = self.tls_broker()
        folder = self.enterContext(tempfile.TemporaryDirectory())
        report = pathlib.Path(folder) / "report.json"
        subprocess.run(
            [program, "--quiet", "--warnings", "batch", "--fast", "--ip", "one",
             "--openssl", shutil.which("openssl"), "--add-ca",
             certificates.folder()["ca.pem"], "-p", "-s", "-f", "-U",
             "--jsonfile", str(report), broker.address], cwd=folder,
            capture_output=True, check=False, timeout=SCAN_S)
        rows = json.loads(report.read_text(encoding="utf-8"))
        self.assertGreater(len(rows), 20)
        bad = [row for row in rows if row["severity"] not in GOOD
               and not OF_THE_CERTIFICATE.search(row["id"])]
        self.assertEqual(bad, [])
        self.assert_serves(broker)


if __name__ == "__main__":
    main()
