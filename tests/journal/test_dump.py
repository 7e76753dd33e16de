# SPDX-License-Identifier: MIT
"""sluice journal dump: messages as `sluice listen` prints them, or the
structure of the files."""
import json

from stores import NAMES, WAITING, JournalTest, body, main, name_of, text


class Dump(JournalTest):
    def test_messages_of_a_channel_come_in_order(self):
        """Those that are acknowledged do not."""
        for i, name in enumerate(NAMES, 1):
            self.assertEqual(self.bodies(text(name)),
                             [body(i, n) for n in WAITING])

    def test_with_acked_all_that_are_there_come(self):
        """Also those below the floor."""
        self.assertEqual(self.bodies("/queue/a", "--acked"),
                         [body(1, n) for n in range(1, 10)])

    def test_count_ends_it(self):
        """Over all channels."""
        self.assertEqual(self.bodies("/queue/a", "--count", "2"),
                         [body(1, n) for n in WAITING[:2]])
        done = self.journal("dump", "--count=7", "--format", "json")
        lines = [json.loads(line) for line in done.text.splitlines()]
        self.assertEqual([line["channel"] for line in lines],
                         ["/queue/a"] * 5 + ["/"] * 2)

    def test_all_channels_are_named_in_front(self):
        """As `sluice listen` names them."""
        lines = self.journal("dump").stdout.splitlines()
        self.assertEqual(len(lines), len(NAMES) * len(WAITING))
        self.assertEqual(lines[0], b"/queue/a " + body(1, 2))

    def test_raw_is_the_bytes_alone(self):
        """Without line ends."""
        done = self.journal("dump", "--raw", "--channel", "/")
        self.assertEqual(done.stdout, b"".join(body(2, n) for n in WAITING))

    def test_raw_and_headers_are_refused_together(self):
        """As by `sluice listen`: nobody could tell headers from a body."""
        for raw in "--raw", "--format=raw":
            done = self.journal("dump", raw, "--headers")
            self.assertEqual((done.returncode, done.text), (2, ""))
            self.assertIn("leave out --headers", done.errors)

    def test_json_has_the_time_of_writing(self):
        """That of the batch."""
        done = self.journal("dump", "--format=json", "--channel=/",
                            "--count=1")
        self.assertTrue(json.loads(done.text)["time"].startswith(
            "2023-11-14T22:13:20.00"), done.text)

    def test_what_is_damaged_is_left_out_and_named(self):
        """On standard error; the exit status says so."""
        self.flip(name_of(3), self.files[name_of(3)].index(b"2:7:"))
        done = self.journal("dump", "--channel", "/")
        self.assertEqual((done.returncode, done.stdout.splitlines()),
                         (1, [body(2, n) for n in (2, 5, 6)]))
        self.assertIn(f"DAMAGED {name_of(3)}", done.errors)

    def test_a_channel_that_is_not_there_is_named(self):
        """Exit 2."""
        done = self.journal("dump", "--channel", "/queue/b")
        self.assertEqual((done.returncode, done.text), (2, ""))
        self.assertIn("/queue/b is not in the journal", done.errors)

    def test_records_show_the_structure(self):
        """Each segment, batch and record."""
        done = self.journal("dump", "--records")
        self.assertEqual((done.returncode, done.errors), (0, ""))
        lines = done.text.splitlines()
        kinds = [line.split()[0] for line in lines]
        self.assertEqual(kinds.count("MESSAGES"), 15)
        self.assertEqual(kinds.count("batch"), 7 + 4 + 7)
        self.assertEqual(kinds.count("sealed"), 3)
        self.assertIn("    MESSAGES offset=", done.text)
        self.assertIn(" count=3 channel=5 first=7\n", done.text)


if __name__ == "__main__":
    main()
