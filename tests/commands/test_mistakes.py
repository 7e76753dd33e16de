# SPDX-License-Identifier: MIT
"""What is probably not meant is answered with a warning, once, and done all the
same: a name may be any bytes."""
import contextlib
import threading
import unittest

import people
from people import Broker, FakeBroker, Process, WithBroker, run


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

    def test_whatever_a_message_has_besides(self):
        for option in ("--need-reader", "--confirm", "--header=Unit=C"):
            done = self.run_to_end("send", option, "/topic/*", "m")
            self.assertIn(b"not a wildcard", done.stderr)

    def test_names_that_discard(self):
        self.check("/null", "/null discards")
        self.check("/sys", "the broker's own")
        self.check("/sys/x", "the broker's own")

    def test_a_listener_is_warned_too(self):
        for channel, words in (("/null", "nothing"),
                               ("/sys/x", "never arrives"),
                               ("queue/x", "slash")):
            listener = self.start("listen", channel)
            self.assertIn(words, listener.complaint())
            listener.signal()
            self.assertEqual(listener.finish(), (0, b"", ""))

    def test_a_wildcard_of_a_listener_is_meant(self):
        listener = self.start("listen", "/topic/*")
        self.broker.wait_stats(connections=1)
        listener.signal()
        self.assertEqual(listener.finish(), (0, b"", ""))


class Servers(unittest.TestCase):
    """Something else answers at the address: it is named."""

    GREETINGS = (
        (b"HTTP/1.1 400 Bad Request\r\n\r\n", "HTTP, as sluiced does at its "
         "--http"),
        (b"\x15\x03\x01\0\2\2\x28", "TLS"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "SSH"),
        (b'INFO {"server_id":"x"}\r\n', "the protocol of NATS"),
        (b"-ERR unknown command\r\n", "the protocol of Redis"),
        (b"\xff\0\0\0\0\0\0\0\1\x7f", "ZeroMQ, as sluiced does at its "
         "--monitor-bind"),
        (b"AMQP\0\0\x09\1", "AMQP"),
        (b"220 mail ESMTP\r\n", "SMTP or FTP"))

    def serve(self, server, greeting):
        """On every connection: some commands make several."""
        with contextlib.suppress(OSError):
            while True:
                server.accept().sock.sendall(greeting)

    def check(self, greeting, protocol, *command):
        server = FakeBroker(self)
        threading.Thread(target=self.serve, args=(server, greeting),
                         daemon=True).start()
        process = Process(self, *command, server=server.address)
        status, _, err = process.finish()
        self.assertEqual(status, 1)
        self.assertIn("the server is not a sluice broker: it speaks "
                      f"{protocol}", err)
        self.assertNotIn("--max-frame", err)

    def test_each_is_named(self):
        for greeting, protocol in self.GREETINGS:
            self.check(greeting, protocol, "listen", "/c")

    def test_by_every_command(self):
        for command in (["send", "/c", "m"], ["send", "--reconnect", "/c"],
                        ["ping", "--count", "1"],
                        ["listen", "/queue/c", "--count", "1"],
                        ["chat", "/topic/c"],
                        ["bench", "--duration", "100ms"]):
            self.check(*self.GREETINGS[0], *command)

    def test_the_port_of_sluiced_itself(self):
        broker = Broker("--http", "127.0.0.1:0")
        self.addCleanup(broker.kill)
        http = broker.wait_for_log("event=serving_http").fields["addr"]
        done = run("listen", "/c", server=http)
        self.assertEqual(done.returncode, 1)
        self.assertIn(b"HTTP, as sluiced does at its --http", done.stderr)


if __name__ == "__main__":
    people.main()
