# SPDX-License-Identifier: MIT
"""The page, in a real browser: headless Chromium, driven by Selenium."""
import hashlib
import pathlib
import re
import shutil
import sys
import tempfile
import unittest

from collector import Collector
from feeds import Application, FakeBroker, channel, client
from ground import Pulse, main, wait_until

try:
    from selenium import webdriver
    from selenium.common.exceptions import WebDriverException
    from selenium.webdriver.common.by import By
    from selenium.webdriver.common.keys import Keys
except ImportError:
    print("SKIP: python3-selenium is not installed")
    sys.exit(77)
DRIVER = shutil.which("chromedriver")
if not DRIVER or not shutil.which("chromium"):
    print("SKIP: chromium or chromium-driver is not installed")
    sys.exit(77)

INTERVAL = 0.2
FLAGS = """--headless --no-sandbox --disable-gpu --disable-quic --no-first-run
    --disable-background-networking --disable-component-update --disable-sync
    --disable-dev-shm-usage --window-size=1280,1000""".split()
XSS = [
    "<img src=x onerror=boom()>", "<script>boom()</script>",
    "\"><svg onload=boom()>", "'><iframe src=javascript:boom()>",
    "</td><script>boom()</script>", "<!--<img src=x onerror=boom()>",
    "javascript:boom()", "<a href=javascript:boom()>x</a>",
    "{{constructor.constructor('boom()')()}}", "${boom()}",
    "<style>@import 'javascript:boom()'</style>", "<body onload=boom()>",
    "<math><mtext></mtext><img src=x onerror=boom()>",
    "<details open ontoggle=boom()>", "\u2028<script>boom()</script>",
    "&lt;img src=x onerror=boom()&gt;", "]]><script>boom()</script>",
    "<input autofocus onfocus=boom()>", "<video><source onerror=boom()>",
    "<object data=javascript:boom()>", "<base href=http://evil.test/>",
    "<form action=javascript:boom()><input type=submit>", "--><b onclick=x>",
    "<template><script>boom()</script></template>", "%3Cscript%3E",
    "<svg><animate onbegin=boom() attributeName=x>", "__proto__",
    "<link rel=stylesheet href=http://evil.test/x.css>", "constructor",
    "<meta http-equiv=refresh content='0;url=javascript:boom()'>",
    "</script><script>boom()</script>", "</style><script>boom()</script>",
    "<marquee onstart=boom()>", "<img src=`x`onerror=boom()>",
    "<x onpointerenter=boom()>", "\\u003cscript\\u003eboom()",
    "<button formaction=javascript:boom()>", "url(javascript:boom())",
    "red;background:url(http://evil.test)", "<noscript><p title='</noscript>"
    "<img src=x onerror=boom()>'>", "<table background=javascript:boom()>",
]


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
            print(f"SKIP: no browser starts here: {error}")
            sys.exit(77)
        cls.addClassCleanup(cls.browser.quit)

    def setUp(self):
        self.broker = FakeBroker(self, interval=INTERVAL)
        self.collector = Collector(self, "--connect", self.broker.endpoint)

    def leave(self):
        """What breaks when a test is over is not the next one's business."""
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
                     bytes=1 << 20, age_ms=90000)],
            [client(41, channel="/topic/prices"), client(42, state="paused")],
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


class Sight(Page):
    def test_the_backed_up_channel_is_the_headline(self):
        self.report(self.flow)
        self.open()
        self.wait_text("#headline strong",
                       r"^/queue/jobs holds 12,345 messages: 0 consumers$")
        self.wait_text("#headline span", r"waited 90 s.*2 publishers paused")
        self.wait_text("#link", "^live$")
        self.assert_quiet()

    def see(self, channels, clients=(), **counters):
        self.report(lambda _: self.broker.round(channels, clients, **counters))
        self.open()

    def test_who_makes_publishers_wait_is_the_headline(self):
        """However young what waits: a busy subscriber is slow, too."""
        self.see([channel("/topic/video", subscribers=2, depth=4000, paused=1,
                          bytes=8 << 20, age_ms=400)],
                 [client(7, channel="/topic/video", depth=3990, age_ms=400),
                  client(8, channel="/topic/video", depth=10, age_ms=20),
                  client(9, state="paused")])
        self.wait_text("#headline strong",
                       r"^/topic/video holds 4,000 messages: slow subscriber "
                       r"127\.0\.0\.1:7 \(2 subscribers\)$")
        self.wait_text("#headline span", "1 publisher paused")

    def test_what_is_dropped_for_a_slow_subscriber_is_told(self):
        def beat(number):
            self.broker.round([channel(
                "/topic/video", subscribers=1, depth=9, age_ms=9000,
                dropped=200 * number)])
        self.report(beat)
        self.open()
        self.wait_text("#headline span", "1K/s dropped")

    def test_who_holds_back_for_memory_is_told(self):
        """Below 85 %, too: relief comes later than shortage."""
        self.see([channel("/queue/a", kind="queue", depth=9, bytes=9000,
                          age_ms=9000, paused=1, pressed=1),
                  channel("/queue/b", kind="queue", depth=1, age_ms=9000)],
                 memory_bytes=200 << 20)
        self.wait_text("#headline", "fake:25000 is short of memory: "
                       "200 MiB of 256 MiB/queue/a must hold back")
        self.wait_text("#headline", "/queue/a holds 9 messages: 0 consumers")

    def test_a_channel_published_to_appears_with_its_rate(self):
        self.report(self.flow)
        self.open()
        row = wait_until(
            lambda: (found := self.row("channels", "/topic/prices"))
            and found[5] != "–" and found,
            lambda: str(self.rows("channels")))
        self.assertEqual(row[1:8], ["flows", "0", "0 B", "–", "1K", "3K", "0"])
        self.assertEqual(self.rows("channels")[0][0], "/queue/jobs")
        self.assertEqual(len(self.rows("clients")), 2)

    def test_charts_are_drawn_and_move(self):
        self.open()
        self.wait_text("#link", "^live$")
        empty = self.pixels("in")
        self.report(self.flow)
        drawn = wait_until(
            lambda: (found := self.pixels("in")) != empty and found, "empty")
        self.wait_text(".chart output", r"^[\d.]+K?$")
        wait_until(lambda: self.pixels("in") not in (empty, drawn), "stands")
        self.assert_quiet()

    def test_a_reload_keeps_history(self):
        self.report(self.flow)
        self.collector.wait_reporter(
            self.broker.name, lambda it: len(it["series"]["queued"]) >= 3)
        self.pulse.stop()
        self.open()
        self.wait_text("#headline", "is silent since")
        self.browser.refresh()
        self.wait_text("#headline", "is silent since")
        points = self.browser.execute_script(
            "return Chart.getChart('chart-queued').data.datasets[0].data")
        self.assertGreaterEqual(len(points), 3)
        self.assertEqual({point["y"] for point in points}, {12345})

    def test_a_broker_that_falls_silent_and_returns(self):
        self.report(self.flow)
        self.open()
        self.wait_text("#reporters .chip", "reporting")
        self.pulse.stop()
        self.wait_text("#headline strong",
                       r"^fake:25000 is silent since \d\d:\d\d:\d\d$")
        self.wait_text("#reporters .chip.silent", r"silent since \d\d:")
        self.report(self.flow)
        self.wait_text("#reporters .chip", "reporting")
        self.wait_text("#headline strong", "^/queue/jobs holds")

    def test_a_collector_that_goes_away_and_comes_back(self):
        self.report(self.flow)
        self.open()
        self.wait_text("#link", "^live$")
        self.collector.process.signal()
        self.collector.process.finish()
        self.wait_text("#link", "^reconnecting, last heard")
        Collector(self, "--connect", self.broker.endpoint,
                  http=f"127.0.0.1:{self.collector.port}")
        self.wait_text("#link", "^live$")
        self.wait_text("#headline strong", "^/queue/jobs holds")

    def test_an_application_has_its_lines(self):
        app = Application(self, self.collector.collect, "tomato")
        self.report(lambda _: app.report(cpu=42.0))
        self.open()
        self.wait_text("#reporters .chip", "tomato.*cpu 42 %")
        self.wait_text("#headline strong", "Nothing is backed up")
        self.assert_quiet()


class Hands(Page):
    def setUp(self):
        super().setUp()
        self.report(self.flow)
        self.open()
        self.wait_names("/queue/jobs", "/topic/prices")

    def test_sorting(self):
        heads = self.browser.find_elements(By.CSS_SELECTOR, "#channels th")
        heads[5].find_element(By.TAG_NAME, "button").click()  # In/s
        self.wait_names("/topic/prices", "/queue/jobs")
        self.assertEqual(heads[5].get_attribute("aria-sort"), "descending")
        heads[5].find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
        self.wait_names("/queue/jobs", "/topic/prices")
        self.assertEqual(heads[5].get_attribute("aria-sort"), "ascending")

    def test_filtering_by_keyboard(self):
        self.press("/")
        self.browser.switch_to.active_element.send_keys("PRICE")
        self.wait_names("/topic/prices")
        self.browser.switch_to.active_element.send_keys("?nothing")
        self.wait_names("Nothing contains what the filter says.")
        self.browser.switch_to.active_element.send_keys(Keys.ESCAPE)
        self.wait_names("/queue/jobs", "/topic/prices")

    def test_the_time_shown(self):
        self.press("3")
        self.wait_text("#ranges [aria-pressed=true]", "30 min")

    def test_hiding_a_reporter(self):
        self.browser.find_element(By.CSS_SELECTOR, ".chip").click()
        wait_until(lambda: self.rows("clients") == [["No clients."]],
                   "they stay")
        self.browser.find_element(By.CSS_SELECTOR, ".chip").click()
        self.wait_names("/queue/jobs", "/topic/prices")

    def test_a_phone_need_not_scroll_sideways(self):
        for width in (360, 390, 768):
            self.browser.execute_cdp_cmd(
                "Emulation.setDeviceMetricsOverride",
                {"width": width, "height": 800, "deviceScaleFactor": 2,
                 "mobile": True})
            self.addCleanup(self.browser.execute_cdp_cmd,
                            "Emulation.clearDeviceMetricsOverride", {})
            wait_until(lambda: self.browser.execute_script(
                "return document.documentElement.scrollWidth "
                "<= window.innerWidth && innerWidth === arguments[0]", width),
                f"it is wider than {width}")

    def test_dark_and_light(self):
        seen = set()
        for scheme in ("dark", "light"):
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme",
                              "value": scheme}]})
            seen.add(self.browser.execute_script(
                "return getComputedStyle(document.body).backgroundColor"))
        self.assertEqual(len(seen), 2)


    def test_colours_can_be_seen_in_dark_and_light(self):
        """Reporters do not know what they are drawn on."""
        colours = {"blue": (0, 0, 255), "white": (255, 255, 255)}
        apps = [Application(self, self.collector.collect, text)
                for text in colours]
        Pulse(self, lambda _: [app.report() for app in apps], INTERVAL)

        def drawn(name):
            seen = self.browser.execute_script(
                "return [...document.querySelectorAll('.chip')].find(it =>"
                "it.children[1].textContent === arguments[0])"
                "?.children[0].style.backgroundColor", name)
            return seen and tuple(map(int, re.findall(r"\d+", seen)))
        for scheme, kept, changed in (("light", "blue", "white"),
                                      ("dark", "white", "blue")):
            self.browser.execute_cdp_cmd("Emulation.setEmulatedMedia", {
                "features": [{"name": "prefers-color-scheme",
                              "value": scheme}]})
            wait_until(lambda: drawn(kept) == colours[kept],
                       lambda: f"{scheme}: {kept} is {drawn(kept)}")
            wait_until(lambda: drawn(changed) != colours[changed],
                       lambda: f"{scheme}: {changed} stays")


class Hostile(Page):
    def test_names_stay_text(self):
        """Wherever a name can appear: 0 scripts run, 0 elements are made."""
        def beat(number):
            self.broker.round(
                [channel(text, depth=1, age_ms=5000, kind=text,
                         **{"in": number}) for text in XSS],
                [client(text, peer=text, state=text, channel=text)
                 for text in XSS])
            for text in XSS:
                self.broker.event(text, peer=text, reason=text, **{text: text})
        self.report(beat)
        self.open()
        self.browser.execute_script(
            "window.ran = 0; window.boom = () => window.ran++;")
        for table in ("channels", "clients", "events"):
            wait_until(lambda t=table: len(self.rows(t)) >= len(XSS),
                       lambda t=table: str(self.rows(t)))
        names = {row[0] for row in self.rows("channels")}
        self.assertEqual(names, set(XSS))
        self.assertEqual(self.browser.execute_script("return window.ran"), 0)
        self.assertEqual(self.browser.execute_script(
            "return document.querySelectorAll('main :is(img, script, iframe,"
            " svg, a, object, form, style, link, meta, base)').length"), 0)
        self.assert_quiet()

    def test_names_and_colours_of_reporters_stay_text(self):
        apps = [Application(self, self.collector.collect, text)
                for text in XSS[:10]]
        self.report(lambda _: [app.report(name=app.color) for app in apps])
        self.broker.name = XSS[10]
        Pulse(self, self.flow, INTERVAL)
        self.open()
        wait_until(lambda: len(self.browser.find_elements(
            By.CSS_SELECTOR, ".chip")) == 11, "they do not come")
        names = set(self.browser.execute_script(
            "return [...document.querySelectorAll('.chip b')]"
            ".map(it => it.textContent)"))
        self.assertEqual(names, set(XSS[:11]))
        self.assert_quiet()

    def test_scripts_of_the_page_itself_are_all_from_its_server(self):
        self.open()
        refused = self.browser.execute_script("""
            window.ran = false;
            const script = document.createElement('script');
            script.textContent = 'window.ran = true';
            document.body.append(script);
            return window.ran;""")
        self.assertFalse(refused)
        self.assertEqual(
            [name for name in re.findall(
                r"(?:src|href)=\"([^\"#]+)\"", pathlib.Path(
                    __file__).resolve().parents[2].joinpath(
                        "client/monitor/page/index.html").read_text())
             if "//" in name], [])

    def test_a_name_that_is_made_to_point_here_is_refused(self):
        self.open(host="rebind.test")
        self.assertIn("Misdirected Request", self.browser.page_source)


if __name__ == "__main__":
    main()
