# SPDX-License-Identifier: MIT
"""What is probably not meant is answered with a warning, once, and done all the
same: a name may be any bytes."""
import people
from people import WithBroker


class Names(WithBroker):
    def check(self, channel, *words):
        """send warns; its status and standard output are as ever."""
        done = self.run_to_end("send", channel, "m")
        self.assertEqual((done.returncode, done.stdout), (0, b""))
        said = done.stderr.decode()
        if words:
            self.assertEqual(said.count("\n"), 1, said)
            self.assertTrue(said.startswith("sluice: warning: "), said)
        else:
            self.assertEqual(said, "")
        for word in words:
            self.assertIn(word, said)

    def test_what_is_meant_brings_no_warning(self):
        for channel in ("/topic/a", "/queue/a", "/queue", "/topic", "/a",
                        "/prices/eur", "/queuefoo", "/queues/a", "/tops",
                        "/ping/1", "/system", "/topic/a b"):
            self.check(channel)

    def test_a_slash_that_is_missing(self):
        self.check("topic/foo", "'topic/foo'", "'/topic/foo'")
        self.check("foo", "'/foo'")

    def test_a_name_that_is_one_letter_from_a_queue_or_a_topic(self):
        self.check("/queu/jobs", "is a topic", "did you mean '/queue/jobs'?")
        self.check("/Queue/jobs", "did you mean '/queue/jobs'?")
        self.check("/topics", "did you mean '/topic'?")
        self.check("/topc/a/b", "did you mean '/topic/a/b'?")

    def test_a_star(self):
        self.check("/topic/*", "'/topic/*'", "not a wildcard")

    def test_names_that_discard(self):
        self.check("/null", "/null discards")
        self.check("/sys", "the broker's own")
        self.check("/sys/x", "the broker's own")

    def test_a_listener_is_warned_too(self):
        for channel, words in (("/topic/*", "wildcard"), ("/null", "nothing"),
                               ("/sys/x", "never arrives"),
                               ("queue/x", "slash")):
            listener = self.start("listen", channel)
            self.assertIn(words, listener.complaint())
            listener.signal()
            self.assertEqual(listener.finish(), (0, b"", ""))


if __name__ == "__main__":
    people.main()
