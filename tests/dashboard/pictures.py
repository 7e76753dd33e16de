# SPDX-License-Identifier: MIT
"""pictures.py FOLDER - makes the pictures of the documents, of two real brokers
at work, in about three minutes. SLUICE and SLUICED name the programs.

    SLUICE=build/bin/sluice SLUICED=build/bin/sluiced \\
        python3 tests/dashboard/pictures.py docs/pictures
"""
import html
import math
import pathlib
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import unittest

from collector import Collector
from feeds import Application, free_port
from ground import SLUICE, Pulse, Terminal, wait_until
from people import Broker
from selenium import webdriver

FLOWING_S = 75  # until charts have something to show
FLAGS = """--headless --no-sandbox --disable-gpu --no-first-run
    --disable-dev-shm-usage --hide-scrollbars""".split()
DESK, PHONE = (1440, 1100), (390, 1600)
COLUMNS, ROWS = 104, 16

# How a terminal's text is drawn: the style of each code that `sluice top`
# uses, and which of them others end.
STYLES = {"1": "font-weight:bold", "7": "background:#e6ebe8;color:#10151a",
          "31": "color:#ff7b72", "36": "color:#79c0ff"}
ENDS = {"": set(STYLES), "0": set(STYLES), "22": {"1"}, "27": {"7"},
        "39": {"31", "36"}}
SCREEN = """<body style="margin:0;background:#10151a;color:#e6ebf0">
    <pre style="margin:12px;font:15px/1.3 'DejaVu Sans Mono'">%s</pre>"""


def marked_up(text):
    """A terminal's screen, with its escape sequences, as HTML."""
    parts = re.split(r"\x1b\[([\d;]*)m", text)
    made, styles = [html.escape(parts[0])], {}
    for codes, piece in zip(parts[1::2], parts[2::2]):
        for code in codes.split(";"):
            for ended in ENDS.get(code, ()):
                styles.pop(ended, None)
            if code in STYLES:
                styles[code] = STYLES[code]
        made.append(f'<span style="{";".join(styles.values())}">'
                    f"{html.escape(piece)}</span>")
    return SCREEN % "".join(made)


class Browser:
    def __init__(self, case, folder):
        self.folder = pathlib.Path(folder)
        profile = tempfile.mkdtemp(prefix="sluice-pictures-")
        case.addCleanup(shutil.rmtree, profile, True)
        options = webdriver.ChromeOptions()
        for flag in [*FLAGS, f"--user-data-dir={profile}"]:
            options.add_argument(flag)
        self.driver = webdriver.Chrome(
            service=webdriver.chrome.service.Service(
                shutil.which("chromedriver")), options=options)
        case.addCleanup(self.driver.quit)

    def look(self, width, height, scheme="light", is_mobile=False):
        run = self.driver.execute_cdp_cmd
        run("Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1,
             "mobile": is_mobile})
        run("Emulation.setEmulatedMedia", {"features": [
            {"name": "prefers-color-scheme", "value": scheme}]})
        time.sleep(2)  # charts take their new size and colours

    def take(self, name, element=None):
        path = str(self.folder / name)
        if element:
            self.driver.find_element("css selector", element).screenshot(path)
        else:
            self.driver.save_screenshot(path)
        if shutil.which("pngquant"):  # a third of the bytes
            subprocess.run(["pngquant", "--force", "--ext", ".png", path],
                           check=True)


class Scene:
    """Orders: prices fan out, mail is sent, nobody takes the jobs. Telemetry:
    all is well. And an application that reports itself."""

    def __init__(self, case):
        self.case = case
        self.feed = f"tcp://127.0.0.1:{free_port()}"
        other = f"tcp://127.0.0.1:{free_port()}"
        orders = self.broker(self.feed, "orders", "#b6208f",
                             "--queue-limit", "24m")
        telemetry = self.broker(other, "telemetry", "#b58a1d")
        for channel, broker, listeners, rate in (
                ("/topic/prices", orders, 2, 500), ("/queue/mail", orders, 1, 33),
                ("/queue/jobs", orders, 0, 250),
                ("/topic/temperature", telemetry, 1, 1000)):
            for _ in range(listeners):
                self.start(broker, "listen", channel)
            self.start(broker, "send", channel, "--size", "1k",
                       "--interval", f"{1 / rate:.4f}")
        self.collector = Collector(case, "--connect", self.feed,
                                   "--connect", other)
        tomato = Application(case, self.collector.collect, "tomato")
        Pulse(case, lambda n: tomato.report(30 + 20 * math.sin(n / 5)), 1)

    def broker(self, feed, name, color, *options):
        broker = Broker("--monitor-bind", feed, "--name", name,
                        "--color", color, *options)
        self.case.addCleanup(broker.kill)
        return broker

    def start(self, broker, *args):
        process = subprocess.Popen(
            [SLUICE, args[0], "--server", broker.address, *args[1:]],
            stdout=subprocess.DEVNULL)
        self.case.addCleanup(process.wait)
        self.case.addCleanup(process.kill)


def shoot_top(case, scene, browser):
    terminal = Terminal(case, columns=COLUMNS, rows=ROWS,
                        env={"TERM": "tmux-256color"})
    terminal.type(shlex.join([SLUICE, "top", "--monitor", scene.feed]))
    terminal.press("Enter")
    terminal.wait_for("/queue/jobs holds")
    time.sleep(3)  # rates settle
    screen = "\n".join(terminal.screen("-e"))
    with tempfile.NamedTemporaryFile("w", suffix=".html") as file:
        print(marked_up(screen), file=file, flush=True)
        browser.driver.get(f"file://{file.name}")
        browser.look(960, 24 + round(15 * 1.3 * ROWS))
        browser.take("top.png")


def shoot(case, folder):
    scene = Scene(case)
    browser = Browser(case, folder)
    browser.driver.get(scene.collector.url)
    time.sleep(FLOWING_S)
    browser.look(*DESK)
    browser.take("page.png")
    browser.look(*PHONE, scheme="dark", is_mobile=True)
    browser.take("phone.png")
    browser.look(*DESK)
    wait_until(lambda: "publishers wait already" in browser.driver
               .execute_script("""
        const button = [...document.querySelectorAll('#channels td button')]
            .find(it => it.textContent === '/queue/jobs');
        if (document.getElementById('channel').hidden)
            button?.click();
        return document.querySelector('#channel dl').textContent"""),
               "the queue does not fill")
    time.sleep(10)  # the line goes along its limit
    browser.look(*DESK)
    browser.take("channel.png", "#channel")
    shoot_top(case, scene, browser)


if __name__ == "__main__":
    CASE = unittest.TestCase()
    try:
        shoot(CASE, sys.argv[1])
    finally:
        CASE.doCleanups()
