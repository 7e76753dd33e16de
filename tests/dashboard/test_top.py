# SPDX-License-Identifier: MIT
"""sluice top: what a broker reports, as text, as JSON, and on a screen that
is read through tmux."""
import json
import shlex
import unittest

from feeds import FakeBroker, channel, client, free_port, user
from ground import SLUICE, Process, Pulse, Terminal, main, run, wait_until

INTERVAL = 0.2


class Top(unittest.TestCase):
    def setUp(self):
        self.broker = FakeBroker(self, interval=INTERVAL)

    def beat(self, number):
        """/queue/jobs is backed up; prices flow at 1,000/s in, 3,000/s out;
        one channel has a name that would clear the screen."""
        self.broker.round(
            [channel("/queue/jobs", kind="queue", depth=12345, paused=2,
                     bytes=1 << 20, limit_bytes=64 << 20, age_ms=90000),
             channel("/topic/prices", subscribers=3,
                     **{"in": 200 * number, "out": 600 * number}),
             channel("\x1b[2Jevil", subscribers=1, bytes=1)],
            [client(41, channel="/topic/prices", out=600 * number),
             client(42, state="paused", waits_for="/queue/jobs",
                    **{"in": 200 * number})],
            messages_in=200 * number, messages_out=600 * number,
            queued_messages=12345, paused_publishers=2,
            dropped_slow=20 * number)

    def report(self):
        self.pulse = Pulse(self, self.beat, INTERVAL)

    def top(self, *args):
        return Process(self, "top", "--monitor", self.broker.endpoint, *args)


class Text(Top):
    def test_once(self):
        self.report()
        status, out, err = self.top("--once").finish()
        self.assertEqual((status, err), (0, ""))
        lines = out.decode().splitlines()
        self.assertRegex(lines[0], r"^sluiced 0\.1\.0  fake:25000")
        self.assertIn("in 1.00k/s  out 3.00k/s  dropped 100/s", lines[1])
        self.assertIn("queued 12.3k", lines[2])
        self.assertEqual(lines[3], "/queue/jobs holds 12345 messages, 1.00M "
                         "of 64.0M, for 90.0s: 0 consumers, 2 paused "
                         "publishers")
        rows = [line.split() for line in lines]
        names = [row[-1] for row in rows if row and row[0] in
                 ("queue", "topic")]
        self.assertEqual(names[:2], ["/queue/jobs", r"\x1b[2Jevil"])
        prices = next(row for row in rows if row[-1:] == ["/topic/prices"])
        self.assertEqual(prices[1:5], ["3", "1.00k", "3.00k", "0"])
        jobs = next(row for row in rows if row[-1:] == ["/queue/jobs"])
        self.assertEqual(jobs[9:11], ["1.00M", "64.0M"])
        self.assertIn("waits for /queue/jobs", lines[-1])

    def headline(self, channels, clients=()):
        """The line below the totals."""
        broker = self.broker  # a test may go on with another one
        Pulse(self, lambda _: broker.round(
            channels() if callable(channels) else channels, clients), INTERVAL)
        status, out, _ = self.top("--once").finish()
        self.assertEqual(status, 0)
        return out.decode().splitlines()[3]

    def test_who_makes_publishers_wait_is_named(self):
        """However young what waits."""
        self.assertEqual(self.headline(
            [channel("/topic/video", subscribers=2, depth=4000, paused=1,
                     bytes=8 << 20, age_ms=400, pressed=1)],
            [client(7, channel="/topic/video", depth=3990, age_ms=400),
             client(8, channel="/topic/video", depth=10, age_ms=20)]),
            "/topic/video holds 4000 messages for 400ms: slow subscriber "
            "127.0.0.1:7 (2 subscribers), 1 paused publisher, memory is short")

    def test_what_is_stuck_comes_before_what_is_only_full(self):
        self.assertEqual(self.headline(
            [channel("/topic/flood", subscribers=1, depth=4000,
                     bytes=8 << 20, age_ms=300, out=9),
             channel("/queue/jobs", kind="queue", subscribers=1, depth=1,
                     bytes=10, age_ms=60000)]),
            "/queue/jobs holds 1 message for 60.0s: consumers stuck "
            "(1 consumer)")

    def test_what_is_lost_comes_before_what_is_full(self):
        lost = iter(range(200, 1 << 20, 20))
        self.assertEqual(self.headline(
            lambda: [channel("/queue/jobs", kind="queue", depth=9999,
                             bytes=64 << 20, age_ms=60000),
                     channel("/topic/video", subscribers=2, depth=9, bytes=9,
                             age_ms=9000, dropped=next(lost))],
            [client(7, channel="/topic/video", depth=9, age_ms=9000)]),
            "/topic/video loses 100 messages a second: slow subscriber "
            "127.0.0.1:7 (2 subscribers)")

    def test_workers_with_all_they_may_hold_are_busy_and_not_stuck(self):
        """One that could be given more, and is given nothing, is stuck."""
        def queue(**values):
            return [channel("/queue/jobs", kind="queue", subscribers=2,
                            depth=30, bytes=300, age_ms=60000, **values)]
        self.assertEqual(
            self.headline(queue(workers=2, ready=0, held=8)),
            "/queue/jobs holds 30 messages for 60.0s: workers busy "
            "(2 consumers with 8 messages)")
        for values in (dict(workers=2, ready=1, held=4),
                       dict(workers=1, ready=0, held=4)):
            self.broker = FakeBroker(self, interval=INTERVAL)
            self.assertIn(": consumers stuck (2 consumers with 4 messages)",
                          self.headline(queue(**values)))

    def test_what_workers_have_and_what_is_parked_is_shown(self):
        back = iter(range(0, 1 << 20, 20))
        Pulse(self, lambda _: self.broker.round(
            [channel("/queue/jobs", kind="queue", held=4, parked_bytes=2048,
                     redelivered=next(back))],
            [client(7, name="resizer", channel="/queue/jobs", lanes=3,
                    held=4, protocol=2),
             client(8, name="importer", parked_bytes=2048, protocol=2,
                    waits_for="/queue/jobs")],
            held_messages=4, parked_bytes=2048), INTERVAL)
        status, out, _ = self.top("--once").finish()
        self.assertEqual(status, 0)
        lines = out.decode().splitlines()
        self.assertIn("  held 4  parked 2.00K  ", lines[2])
        queue = next(line for line in lines if line.endswith("/queue/jobs")
                     and line.startswith("queue")).split()
        self.assertEqual(queue[5:8], ["100", "2.00K", "4"])
        self.assertIn("resizer 127.0.0.1:7", out.decode())
        self.assertIn("/queue/jobs and 2 more\n", out.decode())
        self.assertTrue(lines[-1].endswith("waits for /queue/jobs"))

    def journal(self, state):
        """The last of the totals, and the headline."""
        broker = FakeBroker(self, interval=INTERVAL)
        Pulse(self, lambda _: broker.round(
            [channel("/queue/jobs", kind="queue", durable=1, depth=9,
                     disk_bytes=3 << 20, bytes=4 << 20, age_ms=90000)],
            journal_state=state, journal_bytes=5 << 20,
            journal_limit_bytes=8 << 20), INTERVAL)
        status, out, _ = Process(self, "top", "--monitor", broker.endpoint,
                                 "--once").finish()
        self.assertEqual(status, 0)
        lines = out.decode().splitlines()
        self.assertIn("DISK", out.decode())
        return lines[2:4]

    def test_a_journal_that_is_full_or_has_failed_comes_first(self):
        for state, mark, headline in (
                (0, "", "/queue/jobs holds 9 messages"),
                (1, " FULL", "the journal is full: publishers to durable"),
                (2, " FAILED", "the journal has failed: durable queues")):
            totals, said = self.journal(state)
            self.assertIn(f"  journal 5.00M of 8.00M{mark}  paused", totals)
            self.assertTrue(said.startswith(headline), said)

    def test_nothing_is_said_of_what_flows(self):
        self.assertEqual(self.headline(
            [channel("/topic/flood", subscribers=1, depth=4000,
                     bytes=8 << 20, age_ms=300)]), "")

    def test_json_once_is_the_documents(self):
        self.report()
        status, out, _ = self.top("--once", "--json").finish()
        self.assertEqual(status, 0)
        found = json.loads(out)
        self.assertEqual(found["stats"]["broker"], "fake:25000")
        self.assertEqual(found["channels"]["channels"][0]["depth"], 12345)
        self.assertEqual(found["clients"]["total"], 2)

    def test_json_goes_on(self):
        self.report()
        top = self.top("--json")
        first, second = (json.loads(top.line())["stats"]["seq"]
                         for _ in range(2))
        self.assertGreater(second, first)
        top.signal()
        self.assertEqual(top.finish()[0], 0)

    def test_nobody_is_there(self):
        done = run("top", "--once", "--timeout", "100ms", "--monitor",
                   f"tcp://127.0.0.1:{free_port()}")
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"no answer from", done.stderr)

    def test_what_is_no_document_is_passed_over(self):
        def beat(number):
            for parts in ((b"{",), (b"[]",), (b'{"broker": 7}',), (b"",),
                          (b"{}", b"2", b"3", b"4"), (b"\0" * 9,)):
                for topic in ("sluice.stats", "sluice.channels"):
                    self.broker.publish(topic, *parts)
            self.beat(number)
        Pulse(self, beat, INTERVAL)
        self.assertEqual(self.top("--once").finish()[0], 0)

    def test_a_feed_that_never_pauses(self):
        """Reading these takes longer than sending them."""
        top = self.top("--once", "--timeout", "100ms")
        nonsense = b"[" + b"0," * 100_000 + b"0]"
        Pulse(self, lambda _: self.broker.publish("sluice.stats", nonsense), 0)
        status, _, err = top.finish()
        self.assertEqual(status, 1)
        self.assertIn("no answer from", err)

    def test_wrong_usage(self):
        for args, word in ((["there"], b"--server"), ([], b"not a terminal")):
            done = run("top", *args)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(word, done.stderr)


class Screen(Top):
    def setUp(self):
        super().setUp()
        self.terminal = Terminal(self, columns=110, rows=20)
        self.report()
        self.terminal.type(shlex.join(
            [SLUICE, "top", "--monitor", self.broker.endpoint]))
        self.terminal.press("Enter")
        self.terminal.wait_for("/queue/jobs holds 12345 messages")

    def names(self):
        """The first column of the rows."""
        return [line.split()[0] for line in self.terminal.screen()[7:-1]
                if line]

    def wait_names(self, *names):
        wait_until(lambda: self.names() == list(names),
                   lambda: f"wanted: {names}, seen: {self.names()}")

    def test_the_fullest_first_and_other_orders(self):
        evil = r"\x1b[2Jevil"
        self.wait_names("/queue/jobs", evil, "/topic/prices")
        self.terminal.wait_for(r"/topic/prices +topic +3 +1\.00k +3\.00k")
        self.terminal.press("r")
        self.wait_names("/topic/prices", evil, "/queue/jobs")
        self.terminal.press("r", ">", ">", ">")
        self.wait_names("/queue/jobs", "/topic/prices", evil)

    def test_names_and_figures_fit_a_small_screen(self):
        self.terminal.resize(80, 24)
        self.terminal.wait_for(r"^/topic/prices +topic +3 +1\.00k +3\.00k "
                               "+0 +0 +0 +- +- +0$")
        self.terminal.press("Tab")
        self.terminal.wait_for(r"^127\.0\.0\.1:41 +/topic/prices +0 +3\.00k "
                               "+0 +0 +0 +-$")

    def test_what_no_client_of_version_2_does_takes_no_column(self):
        """Until one does."""
        self.terminal.wait_for(r"^CHANNEL +KIND .* DROP/s +DEPTH ")
        self.pulse.stop()
        self.pulse = Pulse(self, lambda _: self.broker.round(
            [channel("/queue/jobs", kind="queue", held=3)]), INTERVAL)
        self.terminal.wait_for(r"^CHANNEL +KIND .* DROP/s +HELD +DEPTH ")

    def test_users_and_tls_have_columns_where_there_are_some(self):
        self.terminal.press("Tab")
        self.terminal.resize(160, 24)
        self.terminal.wait_for(r"^CONN .* AGE *$")
        self.pulse.stop()
        self.pulse = Pulse(self, lambda _: self.broker.round(
            clients=[client(1), client(2, user="ann", way="token",
                                       tls="TLSv1.3", cipher="TLS_A")]),
            INTERVAL)
        self.terminal.wait_for(r"^CONN .* AGE CIPHER +WAY +TLS +USER *$")
        self.terminal.wait_for(r"^1 .* - +- +- +- *$")
        self.terminal.wait_for(r"^2 .* TLS_A +token +TLSv1\.3 ann *$")

    def test_users_are_a_table_where_there_are_some(self):
        self.terminal.press("Tab")
        self.wait_names("41", "42")
        self.terminal.press("Tab")  # there are none
        self.terminal.wait_for("channels: 3 of 3 ")
        self.pulse.stop()
        self.pulse = Pulse(self, lambda _: self.broker.round(
            users=[user("ann", connections=3, connections_limit=10),
                   user("thermo", connections=2, denied=7,
                        memory_bytes=2048, memory_limit_bytes=16 << 20,
                        messages_limit=5000, bytes_limit=2 << 20)]), INTERVAL)
        self.terminal.press("u")
        self.terminal.wait_for(r"^ann +3 +10 +0 +- +- +- +0$")
        self.terminal.wait_for(
            r"^thermo +2 +- +2\.00K +16\.0M +5\.00k +2\.00M +7$")

    def test_filter(self):
        self.terminal.type("/PRICE")
        self.terminal.wait_for("filter: PRICE_")
        self.wait_names("/topic/prices")
        self.terminal.press("Enter")
        self.terminal.wait_for("channels: 1 of 3 with PRICE")
        self.terminal.press("Escape")
        self.terminal.wait_for("channels: 3 of 3 ")

    def test_clients_and_help(self):
        self.terminal.press("Tab")
        self.wait_names("41", "42")
        self.terminal.wait_for(r"^42 .* paused .*waits for /queue/jobs ")
        self.terminal.press("?")
        self.terminal.wait_for("sort by the column")
        self.terminal.press("?")
        self.wait_names("41", "42")

    def test_a_broker_that_falls_silent_and_returns(self):
        port = self.broker.port
        self.pulse.stop()
        self.broker.close()
        self.terminal.wait_for("SILENT for")
        self.broker = FakeBroker(self, port=port, interval=INTERVAL)
        self.report()
        self.terminal.wait_for("/queue/jobs holds 12345 messages")

    def test_it_leaves_the_terminal_as_it_was(self):
        self.terminal.press("q")
        self.terminal.wait_for(r"^\$$")


if __name__ == "__main__":
    main()
