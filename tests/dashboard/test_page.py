# SPDX-License-Identifier: MIT
"""The page, in a real browser."""
import pathlib
import re

from page import INTERVAL, MIB, Page  # first: it skips without Selenium
from selenium.webdriver.common.by import By
from selenium.webdriver.common.keys import Keys

from collector import Collector
from feeds import Application, FakeBroker, channel, client, user
from ground import Pulse, main, wait_until

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

    def test_workers_and_what_is_held_back_for_a_queue_are_seen(self):
        self.see([channel("/queue/jobs", kind="queue", subscribers=2,
                          workers=2, ready=0, held=8, redelivered=3, depth=30,
                          bytes=300, age_ms=60000, paused=1,
                          parked_bytes=2048, wildcards=1)],
                 [client(7, name="resizer", protocol=2, held=8, lanes=3,
                         channel="/queue/jobs"),
                  client(8, name="importer", protocol=2, parked_bytes=2048,
                         requests=1, waits_for="/queue/jobs")])
        self.wait_text("#headline strong", r"^/queue/jobs holds 30 messages: "
                       r"workers busy \(2 consumers\)$")
        self.wait_text("#headline span",
                       "workers have 8 messages · 1 publisher paused · 2.0 KiB "
                       "parked")
        self.assertEqual(self.row("channels", "/queue/jobs")[9:14],
                         ["8", "0", "2", "1", "2.0 KiB"])
        held = self.row("clients", "importer (127.0.0.1:8)")
        self.assertEqual(held[3], "/queue/jobs")
        self.assertEqual(held[10:13], ["0", "2.0 KiB", "1"])
        self.assertEqual(self.row("clients", "resizer (127.0.0.1:7)")[2],
                         "/queue/jobs and 2 more")
        self.browser.find_element(By.CSS_SELECTOR, "#headline button").click()
        self.wait_text("#channel dl", r"Consumers2 \(1 by a wildcard\): resizer "
                       r".*Workers2, 0 of them ready"
                       r"Held8 messages: resizer \(127.0.0.1:7\): 8"
                       r"Came back3 messagesPublishers that wait1: importer "
                       r"\(127.0.0.1:8\) \(2.0 KiB parked\)$")
        self.assert_quiet()

    def test_users_and_how_they_speak_are_seen(self):
        self.see([], [client(7), client(8, user="ann", way="token",
                                        tls="TLSv1.3", cipher="TLS_A")])
        self.wait_text("#clients", "127.0.0.1:8")
        self.assertEqual(self.row("clients", "127.0.0.1:8")[13:17],
                         ["ann", "token", "TLSv1.3", "TLS_A"])
        self.assertEqual(self.row("clients", "127.0.0.1:7")[13:17], [""] * 4)
        self.assert_quiet()

    def test_users_have_a_table(self):
        self.report(lambda _: self.broker.round(
            users=[user("ann", connections_limit=10, denied=7)]))
        self.open()
        self.wait_text("#users h2", "^Users 1$")
        self.assertEqual(self.row("users", "ann")[1:8],
                         ["1", "10", "0 B", "–", "–", "–", "7"])
        self.assert_quiet()

    def test_what_no_client_of_version_2_does_takes_no_column(self):
        self.report(self.flow)
        self.open()
        self.wait_names("/queue/jobs", "/topic/prices")
        for table, titles in (("channels", {"Held", "Back/s", "Parked"}),
                              ("clients", {"Held", "Parked", "Requests", "User",
                                           "Way in", "TLS", "Cipher"})):
            shown = self.browser.execute_script(
                "return [...document.querySelectorAll(arguments[0])]"
                ".filter(it => it.offsetParent).map(it => it.textContent)",
                f"#{table} th")
            self.assertGreater(len(shown), 8)
            self.assertFalse(titles & set(shown), shown)

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

    def test_what_is_lost_comes_before_what_is_only_full(self):
        """However many messages wait in a full one: they can still be had."""
        def beat(number):
            self.broker.round(
                [channel("/queue/jobs", kind="queue", depth=99999, paused=9,
                         bytes=64 * MIB, age_ms=9000000),
                 channel("/topic/video", subscribers=1, depth=9, age_ms=9000,
                         dropped=200 * number)],
                [client(7, channel="/topic/video", depth=9, age_ms=9000)])
        self.report(beat)
        self.open()
        self.wait_text("#headline strong",
                       r"^/topic/video loses 1K messages a second: slow "
                       r"subscriber 127\.0\.0\.1:7 \(1 subscriber\)$")
        self.wait_text("#headline .bad + .bad", "^/queue/jobs holds")
        self.assertEqual(self.row("channels", "/topic/video")[1],
                         "loses messages")

    def test_one_loss_alone_is_no_alarm(self):
        """As when a subscriber leaves with messages unsent."""
        self.report(lambda number: self.broker.round(
            [channel("/topic/video", subscribers=1,
                     dropped=12 if number > 6 else 0)]))
        self.open()
        self.wait_text("#headline .warn strong",
                       "^/topic/video lost 12 messages just now")

    def test_a_broker_that_is_not_watched_tells_of_its_loss(self):
        self.report(lambda number: self.broker.publish(
            "sluice.stats", self.stats(number)))
        self.open()
        self.wait_text("#headline .bad strong",
                       "^fake:25000 loses 1K messages a second$")
        wait_until(lambda: self.rows("channels")[0][0].startswith("Unknown"),
                   lambda: str(self.rows("channels")))

    def stats(self, number):
        self.broker.seq += 1
        return self.broker.stats((), (), {
            "dropped_slow": 200 * number, "dropped_no_subscriber": 9 * number})

    def test_limits_and_when_they_will_be_reached(self):
        def beat(number):
            self.broker.round([
                channel("/queue/jobs", kind="queue", subscribers=1, depth=1000,
                        bytes=16 * MIB + number * MIB // 5, age_ms=5000,
                        limit_bytes=64 * MIB,
                        **{"in": 10 * number, "out": number}),
                channel("/topic/video", subscribers=2, depth=10, bytes=MIB,
                        limit_bytes=MIB)])
        self.report(beat)
        self.open()
        self.wait_text("#headline span",
                       r"\d\d of 64 MiB .* full in \d\d s")
        row = self.row("channels", "/queue/jobs")
        self.assertRegex(row[3], r"^\d\d of 64 MiB$")
        self.assertRegex(row[5], r"^\d\d s$")
        filled = self.browser.execute_script(
            "return [...document.querySelectorAll('#channels td.share')]"
            ".map(it => Number(it.style.getPropertyValue('--share')))")
        self.assertTrue(0.2 < filled[0] < 1)
        self.assertEqual(filled[1], 0)  # the limit is each subscriber's

    def test_publishers_say_which_channel_they_wait_for(self):
        """And a client with a name is called by it."""
        self.see([channel("/queue/jobs", kind="queue", depth=1, age_ms=9000,
                          paused=2)],
                 [client(7, state="paused", waits_for="/queue/jobs"),
                  client(8, state="paused", name="importer",
                         waits_for="/queue/jobs"),
                  client(9, state="paused"), client(10)])
        wait_until(lambda: self.row("clients", "127.0.0.1:7"), "no client")
        waits = {row[0]: row[3] for row in self.rows("clients")}
        self.assertEqual(waits, {
            "127.0.0.1:7": "/queue/jobs",
            "importer (127.0.0.1:8)": "/queue/jobs",
            "127.0.0.1:9": "memory", "127.0.0.1:10": "–"})

    def test_a_queue_is_handed_over_while_a_topic_flows(self):
        """The broker cannot know what its consumers have finished."""
        def beat(number):
            self.broker.round([
                channel(name, kind=kind, subscribers=subscribers,
                        **{"in": rate * number, "out": rate * number})
                for name, kind, subscribers, rate in (
                    ("/queue/mail", "queue", 2, 50),
                    ("/queue/rest", "queue", 2, 0),
                    ("/queue/none", "queue", 0, 0),
                    ("/topic/news", "topic", 2, 50))])
        self.report(beat)
        self.open()
        wait_until(lambda: {row[0]: row[1] for row in self.rows("channels")}
                   == {"/queue/mail": "handed over", "/queue/rest": "idle",
                       "/queue/none": "empty", "/topic/news": "flows"},
                   lambda: str(self.rows("channels")))
        self.wait_text("#headline .good span", "only these know")

    def test_no_channels_where_the_feed_is_watched(self):
        self.see([])
        wait_until(lambda: self.rows("channels") == [
            ["No channels: nobody is subscribed, and nothing waits."]],
            lambda: str(self.rows("channels")))

    def test_it_waits_calmly_for_the_first_report(self):
        """No empty charts, no alarm."""
        self.open()
        self.wait_text("#link", "^live$")
        first = self.browser.find_element(By.ID, "first")
        self.assertIn("Waiting for the first report", first.text)
        shown = "return [...document.querySelectorAll('section')].filter(" \
            "it => it.checkVisibility()).map(it => it.id)"
        self.assertEqual(self.browser.execute_script(shown), ["first"])
        self.report(self.flow)
        self.wait_text("#headline strong", "^/queue/jobs holds")
        self.assertNotIn("first", self.browser.execute_script(shown))
        self.assert_quiet()

    def test_lag_is_drawn_against_what_matters(self):
        """Small figures look small; others are marked."""
        lag = {"us": 900}
        self.report(lambda number: self.broker.round(
            loop_lag_p99_us=lag["us"], messages_in=number))
        self.open()
        self.wait_text(".chart:has(#chart-lag_ms) output", r"^0\.9 ms$")
        self.assertGreaterEqual(self.browser.execute_script(
            "return Chart.getChart('chart-lag_ms').scales.y.max"), 100)
        self.assertEqual(self.marked(), [])
        lag["us"] = 130000
        wait_until(lambda: self.marked() == ["Loop lag, p99"],
                   lambda: str(self.marked()))

    def marked(self):
        return self.browser.execute_script(
            "return [...document.querySelectorAll('.chart.bad h3 span')]"
            ".map(it => it.textContent)")

    def test_events_that_repeat_are_one_row_with_units(self):
        self.report(self.flow)
        self.open()
        self.wait_text("#link", "^live$")
        for number in range(6):
            self.broker.event("slow_consumer", conn=7, channel="/topic/video",
                              queued=8395318, action="drop")
            self.broker.event("recovered", conn=7, channel="/topic/video",
                              queued=4 * MIB, dropped=1200 + number)
            self.broker.event("closed", conn=100 + number, reason="eof",
                              peer=f"10.0.0.9:{number}", channel=None,
                              messages_in=0, messages_out=0, dropped=0)
        self.broker.event("paused", conn=9, waits_for="/queue/jobs", gates=2)
        wait_until(lambda: len(self.rows("events")) == 3
                   and self.row_of_event("closed ×6"),
                   lambda: str(self.rows("events")))
        slow = self.row_of_event("slow consumer/recovered ×12")[2]
        for words in ("now recovered", "conn 7", "4.0 MiB unsent",
                      "1,205 messages missed", "first at "):
            self.assertIn(words, slow)
        self.assertRegex(self.row_of_event("closed ×6")[2],
                         r"^from 10\.0\.0\.9 · eof · first at [\d:]+$")
        self.assertEqual(
            self.row_of_event("paused")[2],
            "conn 9 · from 127.0.0.1:1 · waits for room in /queue/jobs "
            "· at 2 channels")

    def row_of_event(self, title):
        return next((row for row in self.rows("events")
                     if row[1:2] == [title]), None)

    def test_who_holds_back_for_memory_is_told(self):
        """Below 85 %, too: relief comes later than shortage."""
        self.see([channel("/queue/a", kind="queue", depth=9, bytes=9000,
                          age_ms=9000, paused=1, pressed=1),
                  channel("/queue/b", kind="queue", depth=1, age_ms=9000)],
                 memory_bytes=200 << 20)
        self.wait_text("#headline", "fake:25000 is short of memory: "
                       "200 of 256 MiB/queue/a must hold back")
        self.wait_text("#headline", "/queue/a holds 9 messages: 0 consumers")

    def test_a_journal_that_has_failed_comes_before_what_is_full(self):
        self.see([channel("/queue/a", kind="queue", durable=1, depth=9,
                          bytes=9000, age_ms=9000)],
                 journal_state=2, journal_bytes=5 << 20,
                 journal_limit_bytes=8 << 20)
        self.wait_text("#headline strong", "the journal of fake:25000 has "
                       "failed: 5.0 of 8.0 MiB")

    def test_messages_that_the_journal_has_lost_are_told(self):
        self.see([channel("/queue/a", kind="queue", durable=1)],
                 journal_damaged_messages=3)
        self.wait_text("#headline strong",
                       "the journal of fake:25000 has lost 3 messages")

    def test_a_channel_published_to_appears_with_its_rate(self):
        self.report(self.flow)
        self.open()
        row = wait_until(
            lambda: (found := self.row("channels", "/topic/prices"))
            and found[6] != "–" and found,
            lambda: str(self.rows("channels")))
        self.assertEqual(row[1:9], ["flows", "0", "0 B", "–", "–", "1K", "3K",
                                    "0"])
        self.assertEqual(self.rows("channels")[0][0], "/queue/jobs")
        self.assertEqual(len(self.rows("clients")), 2)

    def test_charts_are_drawn_and_move(self):
        self.report(self.flow)
        self.open()
        self.wait_text(".chart output", r"^[\d.]+K?$")
        drawn = self.pixels("in")
        wait_until(lambda: self.pixels("in") != drawn, "it stands")
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
        self.wait_text("#headline strong",
                       "^Nothing is backed up, nothing is lost$")
        self.assert_quiet()


class Hands(Page):
    def setUp(self):
        super().setUp()
        self.report(self.flow)
        self.open()
        self.wait_names("/queue/jobs", "/topic/prices")

    def test_sorting(self):
        heads = self.browser.find_elements(By.CSS_SELECTOR, "#channels th")
        rate = next(head for head in heads if head.text == "In/s")
        rate.find_element(By.TAG_NAME, "button").click()
        self.wait_names("/topic/prices", "/queue/jobs")
        self.assertEqual(rate.get_attribute("aria-sort"), "descending")
        rate.find_element(By.TAG_NAME, "button").send_keys(Keys.ENTER)
        self.wait_names("/queue/jobs", "/topic/prices")
        self.assertEqual(rate.get_attribute("aria-sort"), "ascending")

    def channel_button(self, name):
        return self.browser.find_element(
            By.XPATH, f"//*[@id='channels']//td/button[.='{name}']")

    def shown_channel(self):
        return self.browser.execute_script(
            "const it = document.getElementById('channel');"
            "return it.hidden ? null : it.querySelector('h3').textContent")

    def test_a_channel_has_charts_of_its_own(self):
        self.channel_button("/topic/prices").click()
        self.assertEqual(self.shown_channel(), "/topic/prices")
        wait_until(lambda: len(self.browser.execute_script(
            "return (Chart.getChart('chart-channel-flow')"
            "?.data.datasets[0].data ?? [])"
            ".filter(point => point.y === 1000)")) >= 3, "no points")
        self.wait_text("#channel dl", "Subscribers3: 127.0.0.1:41: 0 B unsent")
        self.channel_button("/queue/jobs").send_keys(Keys.ENTER)
        self.assertEqual(self.shown_channel(), "/queue/jobs")
        self.wait_text("#channel dl", "no consumers.*Limit64 MiB.*Full in"
                       "publishers wait already.*"
                       "Publishers that wait2: 127.0.0.1:42$")
        self.press(Keys.ESCAPE)
        self.assertIsNone(self.shown_channel())
        self.assert_quiet()

    def test_the_headline_leads_to_its_channel(self):
        self.browser.find_element(By.CSS_SELECTOR, "#headline button").click()
        self.assertEqual(self.shown_channel(), "/queue/jobs")
        self.browser.find_element(By.CSS_SELECTOR,
                                  "#channel .bar button").click()
        self.assertIsNone(self.shown_channel())

    def test_a_channel_that_ends_is_said_to_be_gone(self):
        self.channel_button("/topic/prices").click()
        self.pulse.stop()
        self.report(lambda number: self.broker.round(messages_in=number))
        wait_until(lambda: self.browser.execute_script(
            "return !document.querySelector('#channel p').hidden"),
            "it is not said")

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

    def test_a_phone_shows_bytes_and_age(self):
        """Of each table all that is not left out is within the screen."""
        self.browser.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": 390, "height": 800, "deviceScaleFactor": 2,
             "mobile": True})
        self.addCleanup(self.browser.execute_cdp_cmd,
                        "Emulation.clearDeviceMetricsOverride", {})
        seen = wait_until(lambda: self.browser.execute_script("""
            const heads = [...document.querySelectorAll('th')]
                .filter(it => it.checkVisibility());
            return innerWidth === 390 && heads.every(it =>
                it.getBoundingClientRect().right <= innerWidth) &&
                heads.map(it => it.textContent)"""), "it is wider")
        self.assertEqual(seen, [
            "Channel", "Waiting", "Bytes", "Oldest",
            "Client", "Unsent", "Bytes", "Oldest", "Time", "Event", "What"])
        self.assertEqual(self.browser.execute_script(
            "return document.querySelector('#channels td').dataset.note"),
            "no consumers")

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
