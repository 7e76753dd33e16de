# SPDX-License-Identifier: MIT
"""/metrics is what Prometheus wants, with bounded labels."""
import re
import shutil
import subprocess
import unittest

from monitor import MonitorTest, main, request

SAMPLE = re.compile(r"^([a-z0-9_]+)(?:\{(.*)\})? (\S+)$")
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')


class Metrics(MonitorTest):
    def text(self, sluiced):
        status, headers, body = request(sluiced.http, "/metrics")
        self.assertEqual(status, 200)
        self.assertEqual(headers["content-type"],
                         "text/plain; version=0.0.4; charset=utf-8")
        return body.decode()

    def samples(self, sluiced):
        """{name: [(labels, value)]}"""
        found = {}
        for line in self.text(sluiced).splitlines():
            if not line.startswith("#"):
                name, labels, value = SAMPLE.match(line).groups()
                found.setdefault(name, []).append(
                    (dict(LABEL.findall(labels or "")), float(value)))
        return found

    def crowd(self, sluiced, count):
        for i in range(count):
            client = self.connect(sluiced).subscribe(b"/topic/%d" % i)
        sluiced.sync(client)
        sluiced.end_sync()
        sluiced.wait_stats(channels=count)

    @unittest.skipUnless(shutil.which("promtool"), "no promtool")
    def test_promtool_is_content(self):
        """With odd names, and more channels than are listed."""
        sluiced = self.watched("--name", 'a "name" \\ with everything')
        self.crowd(sluiced, 120)
        for name in (b'/topic/"quoted"', b"/topic/back\\slash",
                     b"/topic/new\nline", b"/topic/\xff\xfe", b"%rest",
                     b"/queue/{a=\"b\"} 1"):
            self.publisher(sluiced).publish(name, b"x")
            self.subscriber(sluiced, name)
        done = subprocess.run(["promtool", "check", "metrics"],
                              input=self.text(sluiced), text=True,
                              capture_output=True, timeout=60)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, "", ""))

    def test_every_counter_is_there(self):
        sluiced = self.watched()
        stats = sluiced.stats()
        found = self.samples(sluiced)
        for name in stats:
            base = "sluice_" + (name[:-3] + "_seconds"
                                if name.endswith("_us") else name)
            self.assertTrue({base, base + "_total"} & set(found), name)
        self.assertEqual(found["sluice_info"][0][1], 1)

    def test_values_are_those_of_the_broker(self):
        sluiced = self.watched()
        listener = self.subscriber(sluiced, b"/topic/a")
        self.publisher(sluiced).publish(b"/topic/a", *[b"x"] * 7)
        listener.recv_many(7)
        sluiced.end_sync()
        sluiced.wait_stats(connections=2)
        found, stats = self.samples(sluiced), sluiced.stats()
        for name in ("messages_in", "messages_out", "accepted", "bytes_in"):
            self.assertEqual(found[f"sluice_{name}_total"][0][1], stats[name])
        self.assertEqual(found["sluice_connections"][0][1], 2)
        labels, value = found["sluice_channel_messages_in_total"][0]
        self.assertEqual(labels, {"channel": "/topic/a", "kind": "topic"})
        self.assertEqual(value, 7)
        closed = sum(v for _, v in found["sluice_closed_by_reason_total"])
        self.assertEqual(closed, stats["closed"])

    def test_at_most_a_hundred_channels(self):
        """The others are one sample, and together they are all."""
        sluiced = self.watched()
        self.crowd(sluiced, 150)
        samples = self.samples(sluiced)["sluice_channel_subscribers"]
        self.assertEqual(len(samples), 101)
        self.assertEqual(sum(value for _, value in samples), 150)
        rest = [value for labels, value in samples
                if labels == {"channel": "%rest", "kind": "rest"}]
        self.assertEqual(rest, [50])

    def test_no_rest_without_need(self):
        sluiced = self.watched()
        self.crowd(sluiced, 3)
        samples = self.samples(sluiced)["sluice_channel_subscribers"]
        self.assertEqual({labels["channel"] for labels, _ in samples},
                         {"/topic/0", "/topic/1", "/topic/2"})

    def test_times_are_seconds(self):
        sluiced = self.watched()
        self.publisher(sluiced).publish(b"/queue/a", b"x")
        found = self.samples(sluiced)
        while not found.get("sluice_channel_oldest_seconds",
                            [({}, 0)])[0][1]:
            found = self.samples(sluiced)
        self.assertLess(found["sluice_channel_oldest_seconds"][0][1], 60)
        cpu = found["sluice_cpu_seconds_total"][0][1]
        self.assertLess(abs(cpu - sluiced.cpu_seconds()), 30)


if __name__ == "__main__":
    main()
