# SPDX-License-Identifier: MIT
"""SIGHUP: the options of the file hold from then on, no client is dropped, and a
file with mistakes changes nothing at all."""
import os
import pathlib
import resource
import signal
import tempfile
import threading

from test_files import WRONG
from wire import Background, WireTest, main

QUEUE, TOPIC = b"/queue/jobs", b"/topic/news"
DROPS = ("dropped_no_subscriber", "dropped_slow", "dropped_newest",
         "dropped_oldest", "dropped_memory", "dropped_gone",
         "dropped_no_memory", "returned")
UNDER_LOAD = 50
POWERLESS = ("setpriv", "--bounding-set=-dac_override,-dac_read_search")


class ReloadTest(WireTest):
    """Each test has a file and a broker that runs with it."""

    def start(self, text, *args, listen=("127.0.0.1:0",), **kwargs):
        """`{dir}` in the text is a directory that lives as long as it."""
        folder = tempfile.TemporaryDirectory(prefix="sluice-config-")
        self.addCleanup(folder.cleanup)
        self.dir = folder.name
        self.path = pathlib.Path(self.dir) / "sluice.conf"
        self.write(text)
        self.sluiced = self.broker("-c", str(self.path), *args, listen=listen,
                                   **kwargs)
        return self.sluiced

    def write(self, text):
        text = text.replace("{dir}", self.dir)
        self.path.write_bytes(text.encode("utf-8"))

    def hup(self, event="reloaded"):
        """Its line about the reload."""
        since = self.sluiced.mark()
        self.sluiced.signal(signal.SIGHUP)
        return self.sluiced.wait_for_log(f"event={event} ?", since)

    def reload(self, text):
        """What has changed: each option, with its old and its new value."""
        self.write(text)
        since = self.sluiced.mark()
        self.hup()
        lines = self.sluiced.log("event=reload_changed", since)
        return {line.fields["option"]: (line.fields["old"], line.fields["new"])
                for line in lines}

    def refuse(self, text):
        """The mistakes that it logs, and why nothing has changed."""
        self.write(text)
        since = self.sluiced.mark()
        failed = self.hup("reload_failed")
        self.assertEqual(failed.level, "error")
        self.assertEqual(self.sluiced.log("event=reloaded", since), [])
        return self.sluiced.log("event=reload_mistake", since), failed

    def held(self, channel, count):
        """How many of `count` messages a new subscriber of it gets."""
        sender = self.publisher(self.sluiced)
        sender.publish(channel, *(b"%d" % i for i in range(count)))
        self.sluiced.sync(sender)
        reader = self.subscriber(self.sluiced, channel)
        self.sluiced.sync(reader)
        reader.publish(channel, b"end")
        got = 0
        while reader.recv() != b"end":
            got += 1
        reader.close()
        return got


class Values(ReloadTest):
    def test_each_change_is_a_line_with_old_and_new_value(self):
        """An option that keeps its value has no line."""
        self.start("[broker]\nmemory = 64m\npatience = 5s\n")
        changes = self.reload("[broker]\nmemory = 65536k\nprefetch = 1k\n"
                              '[channel "/a"]\nhold = 2\n[channel "/b"]\n')
        self.assertEqual(changes, {"prefetch": ("64k", "1k"),
                                   "channel": ("none", "/a hold=2, /b")})

    def test_a_long_value_is_cut_and_the_others_are_there(self):
        """Each has a line of its own, so none crowds out the rest."""
        path = "/tmp/" + "x" * 2000
        sluiced = self.start("[broker]\n")
        self.write(f"[broker]\nmemory = 64m\npatience = 2s\n"
                   f"[monitor]\nname = {path}\nbind = ipc://{path}\n")
        since = sluiced.mark()
        self.hup()
        self.assertEqual(len(sluiced.log("event=reload_changed", since)), 2)
        for line in sluiced.log("event=reload_kept", since):
            self.assertRegex(line.fields["refused"], r"^[a-z:/]+x+\.\.\.$")
            self.assertEqual(len(line.fields["refused"]), 1500)

    def test_values_of_the_command_line_stay(self):
        """It beats the file now as it did then."""
        self.start("[broker]\nmemory = 64m\n", "--prefetch=2k")
        self.assertEqual(
            self.reload("[broker]\nmemory = 64m\nprefetch = 1k\n"), {})

    def test_what_cannot_change_is_named_and_stays(self):
        """The rest of the file holds."""
        sluiced = self.start("[broker]\n[monitor]\nname = one\n")
        changes = self.reload("[broker]\nmemory = 64m\n[monitor]\n"
                              "name = two\ninterval = 2s\n")
        self.assertEqual(changes, {"memory": ("256m", "64m"),
                                   "monitor-interval": ("1s", "2s")})
        kept = sluiced.wait_for_log("event=reload_kept")
        self.assertEqual((kept.level, kept.fields["option"],
                          kept.fields["value"], kept.fields["refused"]),
                         ("warning", "name", "one", "two"))
        since = sluiced.mark()
        self.reload("[broker]\nmemory = 64m\n[monitor]\nname = one\n")
        self.assertEqual(sluiced.log("event=reload_kept", since), [])

    def test_log_level(self):
        """debug, and back."""
        sluiced = self.start("[broker]\nlog-level = info\n")
        self.reload("[broker]\nlog-level = debug\n")
        self.publisher(sluiced)
        sluiced.wait_for_log("debug event=connected")
        self.reload("[broker]\n")
        since = sluiced.mark()
        sluiced.sync(self.publisher(sluiced))
        self.assertEqual(sluiced.log(" debug ", since), [])

    def test_longest_message(self):
        """Of connections that are open already, too."""
        sluiced = self.start("[broker]\nmax-frame = 10\n")
        sender = self.publisher(sluiced)
        reader = self.subscriber(sluiced, TOPIC)
        self.reload("[broker]\nmax-frame = 20\n")
        sender.publish(TOPIC, b"x" * 20)
        self.assertEqual(reader.recv(), b"x" * 20)
        self.reload("[broker]\nmax-frame = 10\n")
        sender.publish(TOPIC, b"x" * 20)
        self.assert_closed(sluiced, sender, "frame_too_long")

    def test_hello_timeout_of_those_who_wait_already(self):
        """It was a day, and is a blink."""
        sluiced = self.start("[broker]\nhello-timeout = 24h\n")
        silent = self.connect(sluiced)
        sluiced.wait_stats(connections=lambda n: n == 1)
        self.reload("[broker]\nhello-timeout = 1ms\nlog-level = debug\n")
        silent.wait_closed()

    def test_memory_and_the_longest_message_it_allows(self):
        """As at the start."""
        sluiced = self.start("[broker]\nmemory = 64m\n")
        self.reload("[broker]\nmemory = 8m\n")
        sluiced.wait_for_log("event=max_frame_lowered .*possible=4194304")
        self.assertEqual(sluiced.stats()["memory_limit_bytes"], 8 << 20)

    def test_most_connections(self):
        """A lower limit closes no connection; a higher one admits those that
        wait."""
        sluiced = self.start("[broker]\nmax-connections = 4\n")
        first = [self.subscriber(sluiced, TOPIC) for _ in range(2)]
        self.reload("[broker]\nmax-connections = 2\n")
        sluiced.wait_for_log("event=accept_paused reason=max_connections")
        late = self.connect(sluiced).subscribe(TOPIC)
        self.reload("[broker]\nmax-connections = 5\n")
        sluiced.wait_for_log("event=accept_resumed")
        sluiced.wait_stats(subscribers=lambda n: n == len(first) + 2)
        first[0].publish(TOPIC, b"to all")
        for client in (*first, late):
            self.assertEqual(client.recv(), b"to all")


class Rules(ReloadTest):
    def test_rules_of_channels_that_exist_change(self):
        """The channel has a member and keeps it."""
        sluiced = self.start('[channel "/h"]\nhold = 2\n')
        self.assertEqual(self.held(b"/h", 5), 2)
        self.reload('[channel "/h"]\nhold = 4\n')
        self.assertEqual(self.held(b"/h", 5), 4)
        self.reload('[channel "/*"]\nhold = 3\n[channel "/h"]\nhold = 4\n')
        self.assertEqual(self.held(b"/h", 5), 3)
        self.assert_serves(sluiced)

    def test_what_is_not_held_any_more_is_freed(self):
        """A rule that is gone leaves no channel behind."""
        sluiced = self.start('[channel "/h"]\nhold = 2\n')
        sender = self.publisher(sluiced).publish(b"/h", b"1", b"2")
        sluiced.sync(sender)
        sluiced.end_sync()
        sluiced.wait_stats(channels=1)
        self.reload("# nothing\n")
        sluiced.wait_stats(channels=0, dropped_no_subscriber=2)

    def test_a_queue_with_more_room_resumes_its_publisher(self):
        """It was paused at the old bound."""
        sluiced = self.start("[broker]\nqueue-limit = 64k\n"
                             "log-level = debug\n")
        sender = self.connect(sluiced).subscribe(b"")
        sending = Background(sender.flood, QUEUE, 8000, 1000)
        sluiced.wait_for_log("event=publisher_paused")
        self.reload("[broker]\nqueue-limit = 64m\nlog-level = debug\n")
        sending.join()
        sluiced.wait_stats(queued_messages=8000, paused_publishers=0)

    def test_a_queue_with_less_room_pauses_its_publisher(self):
        """From the rule that now matches, not only the broker's own."""
        sluiced = self.start("[broker]\nlog-level = debug\n")
        sender = self.publisher(sluiced).flood(QUEUE, 100, 1000)
        sluiced.sync(sender)
        self.reload('[broker]\nlog-level = debug\n'
                    '[channel "/queue/*"]\nmessages = 50\n')
        sender.flood(QUEUE, 1, 1000, start=100)
        sluiced.wait_for_log("event=publisher_paused")
        worker = self.connect(sluiced).subscribe(QUEUE)
        self.assertEqual(worker.recv_numbers(101), list(range(101)))


class Listeners(ReloadTest):
    def test_they_appear_and_disappear(self):
        """A client that came through one that is closed stays connected."""
        sluiced = self.start("[broker]\nlisten = unix:{dir}/a\n", listen=1)
        reader = self.subscriber(sluiced, TOPIC)
        changes = self.reload("[broker]\nlisten = unix:{dir}/b\n"
                              "listen = 127.0.0.1:0\n")
        self.assertEqual(changes, {
            "listen": (f"unix:{self.dir}/a",
                       f"unix:{self.dir}/b, 127.0.0.1:0")})
        sluiced.wait_for_log("event=listening_ended addr=unix:.*/a$")
        self.assertFalse((pathlib.Path(self.dir) / "a").exists())
        tcp = sluiced.wait_for_log(r"event=listening addr=127\.")
        sluiced.end_sync()
        for address in (f"unix:{self.dir}/b", tcp.fields["addr"]):
            sluiced.addresses = [address]
            self.publisher(sluiced).publish(TOPIC, address.encode())
            self.assertEqual(reader.recv(), address.encode())

    def test_one_that_stays_is_not_opened_again(self):
        """The free port that was taken is kept."""
        sluiced = self.start("[broker]\nlisten = 127.0.0.1:0\n", listen=1)
        self.reload("[broker]\nmemory = 64m\nlisten = 127.0.0.1:0\n")
        self.assert_serves(sluiced)
        self.assertEqual(len(sluiced.log("event=listening ")), 1)

    def test_an_address_that_is_spelt_otherwise_stays_open(self):
        """Without the port it means the same port."""
        pid = os.getpid()
        host = f"127.{pid >> 16 & 255}.{pid >> 8 & 255}.{pid & 255 or 1}"
        sluiced = self.start(f"[broker]\nlisten = {host}:25000\n", listen=1)
        client = self.subscriber(sluiced, TOPIC)
        self.reload(f"[broker]\nlisten = {host}\n")
        self.assertEqual(len(sluiced.log("event=listening")), 1)
        client.publish(TOPIC, b"still there")
        self.assertEqual(client.recv(), b"still there")

    def test_all_of_them_or_nothing(self):
        """The whole file is refused if one address cannot be opened."""
        sluiced = self.start("[broker]\nlisten = unix:{dir}/a\n", listen=1)
        mistakes, failed = self.refuse(
            "[broker]\nmemory = 64m\nlisten = unix:{dir}/b\n"
            "listen = 192.0.2.1:1 auth=none tls=none\n")
        self.assertEqual(mistakes, [])
        self.assertIn("192.0.2.1:1", failed.fields["why"])
        self.assertFalse((pathlib.Path(self.dir) / "b").exists())
        self.assertEqual(sluiced.stats()["memory_limit_bytes"], 256 << 20)
        self.assert_serves(sluiced)

    def test_the_mode_of_a_new_socket(self):
        """The new one, whatever the umask (class 25)."""
        self.start("[broker]\nlisten = unix:{dir}/a\n", listen=1)
        self.reload("[broker]\nlisten = unix:{dir}/a\nlisten = unix:{dir}/b\n"
                    "socket-mode = 0600\n")
        self.sluiced.wait_for_log("event=listening addr=unix:.*/b$")
        modes = [(pathlib.Path(self.dir) / name).stat().st_mode & 0o777
                 for name in "ab"]
        self.assertEqual(modes, [0o660, 0o600])


class Refused(ReloadTest):
    """Old settings stay: the rule still holds what it held (class 16)."""

    def start_guarded(self, *args, **kwargs):
        return self.start('[channel "/guard"]\nhold = 3\n', *args, **kwargs)

    def assert_guarded(self):
        self.assertEqual(self.held(b"/guard", 5), 3)

    def test_every_kind_of_mistake(self):
        """The table of test_files, each mistake reported at its place."""
        self.start('[broker]\nlisten = 127.0.0.1:0\n'
                   '[channel "/guard"]\nhold = 3\n', listen=1)
        for text, mistakes in WRONG:
            with self.subTest(text=text[:80]):
                logged, failed = self.refuse(text)
                self.assertEqual(failed.fields["why"], "mistakes")
                self.assertEqual(len(logged), len(mistakes))
                for line, (number, words) in zip(logged, mistakes.items()):
                    self.assertIn(f"{self.path}:{number or ''}", line.text)
                    self.assertIn(words[0].strip("'\""), line.text)
        self.assert_guarded()

    def test_a_file_that_is_gone_or_no_file(self):
        """Removed; then a folder; then a pipe without a writer."""
        self.start_guarded()
        self.path.unlink()
        self.hup("reload_failed")
        self.path.mkdir()
        self.hup("reload_failed")
        self.path.rmdir()
        os.mkfifo(self.path)
        self.hup("reload_failed")
        self.assert_guarded()

    def test_an_unreadable_file(self):
        """Readable by no user; not even by root, without its capabilities."""
        self.start_guarded(prefix=POWERLESS if os.geteuid() == 0 else ())
        self.path.chmod(0)
        since = self.sluiced.mark()
        self.hup("reload_failed")
        self.sluiced.wait_for_log("reload_mistake.*Permission denied", since)
        self.assert_guarded()

    def test_a_half_written_file(self):
        """Cut at every byte: refused, or what was whole of it."""
        self.start_guarded()
        whole = '[broker]\nprefetch = 1k\n[channel "/guard"]\nhold = 3\n'
        for end in range(len(whole)):
            if not whole[:end].endswith("\n"):
                self.refuse(whole[:end])
        self.assert_guarded()
        self.reload(whole)
        self.assert_guarded()

    def test_no_descriptor_is_left(self):
        """As when clients have taken all of them; then there are some."""
        sluiced = self.start_guarded()
        pid, limit = sluiced.process.pid, resource.RLIMIT_NOFILE
        before = resource.prlimit(pid, limit)
        resource.prlimit(pid, limit, (sluiced.fd_count(), before[1]))
        logged, _ = self.refuse("# nothing is held\n")
        self.assertIn("Too many open files", logged[0].text)
        resource.prlimit(pid, limit, before)
        self.assert_guarded()
        self.hup()
        self.assertEqual(self.held(b"/guard", 5), 0)

    def test_while_stopping(self):
        """Too late."""
        sluiced = self.start("[broker]\ndrain-timeout = 24h\n")
        self.subscriber(sluiced, TOPIC, rcvbuf=4096)
        self.publisher(sluiced).flood(TOPIC, 4000, 1000)
        sluiced.wait_stats(messages_in=lambda n: n >= 4000)
        sluiced.signal()
        sluiced.wait_for_log("event=stopping")
        self.assertEqual(self.hup("reload_failed").fields["why"], "stopping")
        sluiced.signal()
        self.assertEqual(sluiced.wait().status, 0)


class UnderLoad(ReloadTest):
    def publish(self, channel, count):
        """Until it is enough; returns how many were sent."""
        sender = self.connect(self.sluiced).subscribe(b"")
        while not self.enough.is_set():
            sender.flood(channel, 500, 100, start=count)
            count += 500
        sender.publish(channel, b"that is all")
        return count

    def consume(self, client):
        """The numbers up to the end."""
        got = []
        while True:
            message = client.recv()
            if message == b"that is all":
                return got
            got.append(int.from_bytes(message[:8], "big"))

    def test_nothing_is_lost_and_nobody_dropped(self):
        """Fifty reloads of two files that differ in everything, under full
        load of a topic and a queue (R19)."""
        files = ('[broker]\nprefetch = 1k\nlisten = unix:{dir}/b\n'
                 'queue-limit = 64k\nlog-level = error\npatience = 20s\n',
                 '[broker]\nprefetch = 1m\nlisten = unix:{dir}/b\n'
                 'listen = unix:{dir}/c\nmemory = 128m\npatience = 30s\n'
                 '[channel "/topic/*"]\nclient-limit = 1m\n'
                 '[channel "/queue/**"]\nmessages = 1000\n')
        sluiced = self.start(files[1], listen=1)
        self.enough = threading.Event()
        reading = [Background(self.consume, self.subscriber(sluiced, channel))
                   for channel in (TOPIC, QUEUE)]
        idle = [self.subscriber(sluiced, b"/idle/%d" % i) for i in range(50)]
        sending = [Background(self.publish, channel, 0)
                   for channel in (TOPIC, QUEUE)]
        for i in range(UNDER_LOAD):
            self.reload(files[i % 2])
        self.enough.set()
        for sent, got in zip(sending, reading):
            total = sent.join()
            self.assertEqual(got.join(), list(range(total)))
            self.assertGreater(total, 10 * UNDER_LOAD)
        stats = sluiced.stats()
        self.assertEqual({name: stats[name] for name in DROPS},
                         dict.fromkeys(DROPS, 0))
        self.assertEqual(stats["closed_timeout"] + stats["closed_protocol"]
                         + stats["closed_slow"], 0)
        for i, client in enumerate(idle):
            client.publish(b"/idle/%d" % i, b"here")
            self.assertEqual(client.recv(), b"here")


if __name__ == "__main__":
    main()
