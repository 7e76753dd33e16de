# SPDX-License-Identifier: MIT
"""Programs of others read the documents with TLS and as users: Prometheus as
docs/monitoring.md configures it, and a browser."""
import base64
import hashlib
import json
import pathlib
import re
import shutil
import socket
import subprocess
import tempfile
import time
import unittest
import urllib.parse
import urllib.request

from monitor import DEADLINE, main
from test_guard import PASSWORD, TOKEN, GuardTest
from test_https import FILES

import certificates

DOCUMENT = pathlib.Path(__file__).resolve().parents[2] / "docs/monitoring.md"
BLOCK = re.compile(r"^```yaml\n(scrape_configs:\n.*?)^```$", re.M | re.S)
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync
    --disable-dev-shm-usage""".split()


def free_port():
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        return sock.getsockname()[1]


class Prometheus(GuardTest):
    def setUp(self):
        super().setUp()
        folder = tempfile.TemporaryDirectory(prefix="sluice-prometheus-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)

    def configuration(self, broker, text):
        """The document's, but for its names."""
        token = self.folder / "token"
        token.write_text(TOKEN + "\n")
        for name, ours in (("/etc/prometheus/sluice.token", token),
                           ("/etc/prometheus/sluice-ca.pem",
                            certificates.folder()["ca.pem"]),
                           ("broker.example:25080", broker.http)):
            self.assertEqual(text.count(name), 1, name)
            text = text.replace(name, str(ours))
        path = self.folder / "prometheus.yml"
        path.write_text("global:\n  scrape_interval: 1s\n" + text)
        return path

    def begin(self, path):
        port = free_port()
        process = subprocess.Popen(
            ["prometheus", f"--config.file={path}",
             f"--storage.tsdb.path={self.folder / 'data'}",
             f"--web.listen-address=127.0.0.1:{port}"],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

        def end():
            process.kill()
            process.wait()
        self.addCleanup(end)
        return process, port

    def ask(self, process, port, query):
        """The value of a series, once there is one."""
        url = (f"http://127.0.0.1:{port}/api/v1/query?query="
               + urllib.parse.quote(query))
        until = time.monotonic() + DEADLINE
        plain = urllib.request.build_opener(urllib.request.ProxyHandler({}))
        while time.monotonic() < until:
            self.assertIsNone(process.poll(), "prometheus has ended")
            try:
                with plain.open(url, timeout=DEADLINE) as answer:
                    found = json.load(answer)["data"]["result"]
            except OSError:
                found = []
            if found:
                return found[0]["value"][1]
            time.sleep(.1)
        raise TimeoutError(f"{query} has no value")

    @unittest.skipUnless(shutil.which("prometheus"), "no prometheus")
    def test_as_the_document_configures_it(self):
        text = BLOCK.search(DOCUMENT.read_text(encoding="utf-8")).group(1)
        broker = self.start(self.ann(), args=FILES, words=" tls=required")
        process, port = self.begin(self.configuration(broker, text))
        self.assertEqual(
            self.ask(process, port, 'sluice_info{job="sluice"}'), "1")
        self.assertEqual(self.ask(process, port, 'up{job="sluice"}'), "1")

    @unittest.skipUnless(shutil.which("promtool"), "no promtool")
    def test_promtool_is_content_with_it(self):
        text = BLOCK.search(DOCUMENT.read_text(encoding="utf-8")).group(1)
        broker = self.start(self.ann(), args=FILES)
        done = subprocess.run(
            ["promtool", "check", "config",
             str(self.configuration(broker, text))],
            capture_output=True, text=True, timeout=DEADLINE, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


@unittest.skipUnless(shutil.which("chromium"), "no chromium")
class Browser(GuardTest):
    def show(self, broker, login):
        """What a browser shows of /stats."""
        folder = tempfile.TemporaryDirectory(prefix="sluice-chromium-")
        self.addCleanup(folder.cleanup)
        port = broker.http.rpartition(":")[2]
        key = certificates.openssl(
            "x509", "-in", certificates.folder()["localhost.pem"], "-pubkey",
            "-noout").stdout
        der = certificates.openssl("pkey", "-pubin", "-outform", "DER",
                                   input=key).stdout
        pin = base64.b64encode(hashlib.sha256(der).digest()).decode()
        return subprocess.run(
            ["chromium", *FLAGS, f"--user-data-dir={folder.name}",
             f"--ignore-certificate-errors-spki-list={pin}", "--dump-dom",
             f"https://{login}localhost:{port}/stats"],
            capture_output=True, text=True, timeout=DEADLINE,
            check=False).stdout

    def test_a_user_and_a_password(self):
        broker = self.start(self.ann(), args=FILES, words=" tls=required")
        secret = urllib.parse.quote(PASSWORD)
        shown = self.show(broker, f"ann:{secret}@")
        if not shown:
            self.skipTest("no browser starts here")
        self.assertIn('"channels"', shown)
        self.assertNotIn('"channels"', self.show(broker, ""))


if __name__ == "__main__":
    main()
