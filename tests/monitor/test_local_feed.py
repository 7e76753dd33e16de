# SPDX-License-Identifier: MIT
"""The feed at a unix socket, which is there unless it is turned off, and costs
nothing until somebody watches."""
import os
import pathlib
import socket

from monitor import STATS, Feed, MonitorTest, main
from wire import run_sluiced


def threads(broker):
    status = pathlib.Path(f"/proc/{broker.process.pid}/status").read_text()
    return int(status.partition("Threads:")[2].split()[0])


class Local(MonitorTest):
    def local(self, *options, **kwargs):
        return self.broker("--monitor-interval", "100ms", *options, **kwargs)

    def path(self, broker):
        return broker.wait_for_log("event=local_feed").fields["path"]

    def watch(self, path):
        feed = Feed(self.context, f"ipc://{path}", STATS)
        self.addCleanup(feed.close)
        return feed

    def test_it_lies_beside_the_brokers_port(self):
        sluiced = self.local()
        path = self.path(sluiced)
        port = sluiced.address.rsplit(":", 1)[1]
        self.assertTrue(path.endswith(f"/sluice/{port}.feed"), path)
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o660)
        self.assertEqual(self.watch(path).take(STATS)["source"], "sluice")
        sluiced.stop()
        self.assertFalse(os.path.exists(path))
        self.assertFalse(os.path.exists(f"{path}.lock"))

    def test_it_starts_nothing_until_somebody_watches(self):
        sluiced = self.local()
        self.assertEqual(threads(sluiced), 1)
        self.assert_serves(sluiced)
        self.assertEqual(threads(sluiced), 1)
        self.watch(self.path(sluiced))
        self.assertGreater(threads(sluiced), 1)

    def test_several_watch_and_come_again(self):
        sluiced = self.local()
        path = self.path(sluiced)
        first, second = self.watch(path), self.watch(path)
        first.take(STATS)
        second.take(STATS)
        first.close()
        self.watch(path).take(STATS)

    def test_a_look_whether_it_is_there_does_no_harm(self):
        sluiced = self.local()
        path = self.path(sluiced)
        for _ in range(3):
            with socket.socket(socket.AF_UNIX) as sock:
                sock.connect(path)
        self.watch(path).take(STATS)

    def test_a_broker_at_a_unix_socket(self):
        sluiced = self.local(listen=("unix:{dir}/s",))
        self.assertEqual(self.path(sluiced), f"{sluiced.dir}/s.feed")
        self.watch(self.path(sluiced)).take(STATS)

    def test_beside_other_endpoints(self):
        sluiced = self.watched()
        self.feed(sluiced, STATS).take(STATS)
        self.watch(self.path(sluiced)).take(STATS)

    def test_a_path_can_be_named(self):
        sluiced = self.local("--feed", "unix:watch")
        self.assertEqual(self.path(sluiced), "watch")
        self.watch(f"{sluiced.dir}/watch").take(STATS)

    def test_a_path_that_cannot_be_used(self):
        for path, why in (("/no/such/folder/feed", "No such file"),
                          ("/" + "x" * 200, "too long")):
            done = run_sluiced("--listen", "127.0.0.1:0", "--feed",
                               f"unix:{path}")
            self.assertEqual(done.returncode, 1)
            self.assertIn(why, done.stderr)

    def test_it_can_be_turned_off(self):
        sluiced = self.local("--feed", "off", "--control", "off",
                             listen=("unix:{dir}/s",))
        self.assertEqual(sluiced.log("event=local_feed"), [])
        self.assertEqual(sorted(os.listdir(sluiced.dir)), ["s", "s.lock"])

    def test_without_a_folder_the_broker_runs_all_the_same(self):
        room = 107 - len("lock")  # for a path, and not for ".feed"
        sluiced = self.local(listen=("unix:" + "s" * room,))
        line = sluiced.wait_for_log("event=local_feed_unavailable")
        self.assertIn("too long", line.text)
        self.assertIsNone(sluiced.process.poll())


if __name__ == "__main__":
    main()
