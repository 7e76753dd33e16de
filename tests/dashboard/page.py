# SPDX-License-Identifier: MIT
"""What every test of the page starts from: a collector with one broker, and a
headless Chromium driven by Selenium."""
import hashlib
import re
import shutil
import tempfile
import unittest

from collector import Collector
from feeds import FakeBroker, channel, client
from ground import Pulse, skip, wait_until

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
except ImportError:
    skip("python3-selenium is not installed")
DRIVER = shutil.which("chromedriver")
if not DRIVER or not shutil.which("chromium"):
    skip("chromium or chromium-driver is not installed")

INTERVAL = 0.2
MIB = 1 << 20
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync
    --disable-dev-shm-usage --window-size=1280,1000""".split()


class Page(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.mkdtemp(prefix="sluice-chromium-")
        cls.addClassCleanup(shutil.rmtree, cls.folder, True)
        options = webdriver.ChromeOptions()
        for flag in [*FLAGS, f"--user-data-dir={cls.folder}",
                     "--host-resolver-rules=MAP rebind.test 127.0.0.1"]:
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = webdriver.chrome.service.Service(DRIVER)
        try:
            cls.browser = webdriver.Chrome(service=service, options=options)
        except WebDriverException as error:
            skip(f"no browser starts here: {error}")
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        self.broker = FakeBroker(self, interval=INTERVAL)
        self.collector = Collector(self, "--connect", self.broker.endpoint)

    def leave(self):
        """Errors after the end of a test must not fail the next one."""
        self.browser.get("about:blank")
        self.browser.get_log("browser")

    def open(self, host="127.0.0.1"):
        self.addCleanup(self.leave)
        self.browser.get(self.collector.url.replace("127.0.0.1", host))

    def report(self, beat):
        self.pulse = Pulse(self, beat, INTERVAL)

    def flow(self, number):
        self.broker.round(
            [channel("/topic/prices", subscribers=3,
                     **{"in": 200 * number, "out": 600 * number}),
             channel("/queue/jobs", kind="queue", depth=12345, paused=2,
                     bytes=MIB, age_ms=90000, limit_bytes=64 * MIB)],
            [client(41, channel="/topic/prices"),
             client(42, state="paused", waits_for="/queue/jobs")],
            messages_in=200 * number + (number % 5) * 20,
            messages_out=600 * number, queued_messages=12345)

    def text(self, selector):
        """Read in one step: the page changes under our hands."""
        return self.browser.execute_script(
            "return document.querySelector(arguments[0])?.textContent ?? ''",
            selector)

    def rows(self, table):
        return self.browser.execute_script(
            "return [...document.querySelectorAll(arguments[0])].map("
            "row => [...row.cells].map(cell => cell.textContent))",
            f"#{table} tbody tr")

    def row(self, table, name):
        return next((row for row in self.rows(table) if row[0] == name), None)

    def wait_text(self, selector, pattern):
        return wait_until(lambda: re.search(pattern, self.text(selector)),
                          lambda: f"{selector}: {self.text(selector)!r}")

    def wait_names(self, *names):
        wait_until(lambda: [row[0] for row in self.rows("channels")]
                   == list(names), lambda: str(self.rows("channels")))

    def press(self, keys):
        self.browser.find_element(By.TAG_NAME, "body").send_keys(keys)

    def pixels(self, series):
        picture = self.browser.execute_script(
            "return document.getElementById(arguments[0]).toDataURL()",
            f"chart-{series}")
        return hashlib.sha256(picture.encode()).hexdigest()

    def assert_quiet(self):
        """Nothing failed to load, no script was refused, none failed."""
        self.assertEqual(self.browser.get_log("browser"), [])
