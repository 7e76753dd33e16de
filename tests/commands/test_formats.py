# SPDX-License-Identifier: MIT
"""sluice listen --format and --timestamps, with bytes of every kind."""
import base64
import datetime
import json
import os
import pty

import people
from people import WithBroker

TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z"
MESSAGES = [b"", b"plain", b'"quoted" \\ and \t\r\n', "\u00e4\u20ac\U0001f600"
            .encode(), b"\0\1\x1f\x7f", b"\xff", b"ab\xc3", b"\xc2\x9b2J",
            "\u202e\U000e007f".encode(),
            bytes(range(256)), b"x" * 100_000, os.urandom(100_001)]


class Formats(WithBroker):
    def listen(self, *args, messages=MESSAGES, channel="/queue/f", **kwargs):
        client = self.broker.connect().subscribe(b"/null")
        for message in messages:
            client.publish(channel.encode("utf-8", "surrogateescape"), message)
        self.broker.sync(client)
        client.close()
        listener = self.start("listen", channel, "--count",
                              str(len(messages)), *args, **kwargs)
        status, out, err = listener.finish()
        self.assertEqual((status, err), (0, ""))
        return out

    def bytes_of(self, entry, name):
        if name in entry:
            return entry[name].encode()
        return base64.b64decode(entry[f"{name}_base64"], validate=True)

    def test_json_is_what_was_sent(self):
        lines = self.listen("--format", "json").splitlines()
        entries = [json.loads(line) for line in lines]
        self.assertEqual([self.bytes_of(entry, "message")
                          for entry in entries], MESSAGES)
        for entry in entries:
            self.assertEqual(entry["channel"], "/queue/f")
            self.assertRegex(entry["time"], TIME)

    def test_json_is_text_where_it_can_be(self):
        for message in MESSAGES[:5]:
            entry = json.loads(self.listen("--format", "json",
                                           messages=[message]))
            self.assertEqual(entry["message"], message.decode())

    def test_json_of_a_channel_that_is_no_text(self):
        channel = os.fsdecode(b"/queue/\xff")
        entry = json.loads(self.listen("--format", "json", messages=[b"m"],
                                       channel=channel))
        self.assertEqual(self.bytes_of(entry, "channel"), b"/queue/\xff")

    def test_json_does_not_control_a_terminal(self):
        """Not even with the eight-bit controls that JSON would allow."""
        for message in MESSAGES:
            line = self.listen("--format", "json", messages=[message])
            for character in line.rstrip(b"\n").decode():
                self.assertTrue(character.isprintable(), repr(character))

    def test_timestamps_are_the_time(self):
        before = datetime.datetime.now(datetime.timezone.utc)
        line = self.listen("--timestamps", messages=[b"a b"]).decode()
        self.assertRegex(line, f"^{TIME} a b\n$")
        time = datetime.datetime.fromisoformat(
            line.split()[0].replace("Z", "+00:00"))
        self.assertLessEqual(before, time)

    def test_text_is_the_default(self):
        self.assertEqual(self.listen("--format", "text", messages=[b"a"]),
                         self.listen(messages=[b"a"]))

    def test_raw_has_two_spellings(self):
        for args in (["--raw"], ["--format", "raw"],
                     ["--raw", "--format", "raw"]):
            self.assertEqual(self.listen(*args, messages=[b"a", b"b\n"]),
                             b"ab\n")

    def test_text_on_a_terminal_is_escaped_behind_the_time(self):
        ours, theirs = pty.openpty()
        self.addCleanup(os.close, ours)
        self.listen("--timestamps", messages=[b"\x1b[2J"], stdout=theirs)
        os.close(theirs)
        self.assertRegex(os.read(ours, 200).decode(),
                         rf"^{TIME} \\x1b\[2J\r\n$")

    def test_contradictions(self):
        self.check_wrong("listen", ["--exec", "true", "--raw"], "--exec")

    def test_listen_and_tap_spell_alike(self):
        for args, words in ((["--format", "yaml"],
                             "not one of text|json|raw"),
                            (["--raw", "--format", "json"], "--raw"),
                            (["--raw", "--timestamps"], "--raw"),
                            (["--format", "raw", "--timestamps"], "--raw")):
            for command in ("listen", "tap"):
                self.check_wrong(command, args, words)

    def check_wrong(self, command, args, words):
        done = self.run_to_end(command, "/a", *args)
        self.assertEqual((done.returncode, done.stdout), (2, b""))
        self.assertIn(words, done.stderr.decode())


if __name__ == "__main__":
    people.main()
