# SPDX-License-Identifier: MIT
"""sluice journal check: what is there, what is damaged, what is lost."""
import fcntl
import pathlib
import re
import shutil

import format  # this folder's
from stores import (NAMES, SIZE, UUID, WAITING, JournalTest, body, in_order,
                    main, name_of, state, text)

FIXTURE = pathlib.Path(__file__).parent / "version-1"


class Sound(JournalTest):
    def test_channels_are_listed_with_their_messages(self):
        """Number, bytes, first and last; names that are no text are
        escaped."""
        done = self.journal("check")
        self.assertEqual((done.returncode, done.errors), (0, ""))
        self.assertTrue(done.text.endswith("\nsound\n"), done.text)
        rows = {line[55:]: line.split()[:4]
                for line in done.text.splitlines()}
        for name in NAMES:
            messages, size, first, last = rows[text(name)]
            self.assertEqual((messages, first, last), ("5", "2", "9"))
            self.assertEqual(int(size), sum(8 + n % 40 for n in WAITING))

    def test_the_store_of_the_broker_finds_the_same(self):
        """In a journal that format.py has written."""
        self.assertEqual(self.opened(),
                         {name: len(WAITING) for name in NAMES})

    def test_a_trim_ends_what_is_below_it(self):
        """For both readers; no writer makes one yet."""
        one = format.Segment(1, UUID, 1, SIZE, 11)
        state(one, [(1, NAMES[0], 1, 1)])
        one.commit(one.messages(1, 1, [body(1, n) for n in (1, 2, 3, 4)]))
        one.commit(one.record(format.TRIM, b"", to=1, first=3, count=0))
        self.write({"FORMAT": self.files["FORMAT"], name_of(1): one.bytes()})
        self.assertEqual(self.opened(), {NAMES[0]: 2})
        rows = [line.split()[:4] for line in
                self.journal("check").text.splitlines()
                if line.endswith(text(NAMES[0]))]
        self.assertEqual([(row[0], *row[2:]) for row in rows],
                         [("2", "3", "4")])

    def test_segments_are_listed(self):
        """Size, live bytes, index, and which is the newest."""
        done = self.journal("check")
        rows = re.findall(r"^ +(\d+) +(\d+) +\d+  (\w+)\.seg(.*)$", done.text,
                          re.M)
        self.assertEqual([row[0] for row in rows], [str(SIZE)] * 3)
        self.assertTrue(all(int(row[1]) > 0 for row in rows))
        self.assertEqual([row[3] for row in rows],
                         [", sealed"] * 2 + [", sealed, newest"])

    def test_the_fixture_of_version_1_is_sound(self):
        """Its last batch is torn, as a kill leaves it."""
        shutil.copytree(FIXTURE, self.dir, dirs_exist_ok=True)
        (self.dir / name_of(3)).unlink()
        done = self.journal("check")
        self.assertEqual((done.returncode, self.damage(done)), (0, []))
        self.assertIn("0000000000000001.seg, sealed, index\n", done.text)
        self.assertIn("its last batch, of 96 bytes at 488, is not complete: "
                      "the broker ended", done.text)

    def test_one_in_use_is_read_without_a_lock(self):
        """It says whose it is, and that the end may be missing."""
        with open(self.dir / "LOCK", "w", encoding="ascii") as lock:
            lock.write("4711\n")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.journal("check")
        self.assertEqual(done.returncode, 0)
        self.assertIn("used by process 4711", done.text)
        self.assertIn("may be missing", done.text)

    def test_free_files_spares_and_others_do_not_matter(self):
        """Whatever they hold: a crash may undo a file's removal or renaming."""
        (self.dir / "spare-0.seg").write_bytes(b"x" * SIZE)
        (self.dir / "notes").write_bytes(b"")
        three = self.files[name_of(3)]
        four = format.Segment(4, UUID, 40, SIZE, 44)
        four.commit(four.record(format.NUMBERS, format.numbers(0, 9)),
                    four.record(format.SEGMENTS, b"", count=0),
                    flags=format.STATE_BATCH)
        (self.dir / name_of(4)).write_bytes(four.bytes())
        for data in (b"", b"junk" * 99, three[:1000], four.bytes()):
            (self.dir / name_of(2)).write_bytes(data)
            done = self.journal("check")
            self.assertEqual((done.returncode, self.damage(done)), (0, []),
                             done.text)
        self.assertIn("1 other names are in the folder", done.text)

    def test_batches_before_a_seal_of_an_earlier_life_are_not_damaged(self):
        """A file that is used again holds old batches and an old seal."""
        old = in_order()[name_of(1)]
        five = format.Segment(5, UUID, 50, SIZE, 55)
        five.commit(five.record(format.NUMBERS, format.numbers(0, 9)),
                    five.record(format.SEGMENTS, b"", count=0),
                    flags=format.STATE_BATCH)
        self.write({name_of(5): five.data + old[len(five.data):],
                    "FORMAT": self.files["FORMAT"]})
        done = self.journal("check")
        self.assertEqual((done.returncode, self.damage(done)), (0, []))


class Damaged(JournalTest):
    def assert_damaged(self, *patterns, lost=None):
        done = self.journal("check")
        self.assertEqual(done.returncode, 1, done.text)
        damage = "\n".join(self.damage(done))
        for pattern in patterns:
            self.assertRegex(damage, pattern)
        if lost is not None:
            self.assertEqual(self.lost(done), lost)
        return done

    def test_a_missing_segment_is_named_with_what_it_held(self):
        """All of its messages that were not acknowledged."""
        (self.dir / name_of(2)).unlink()
        self.assert_damaged(f"{name_of(2)}: the segment is missing",
                            lost=[(text(n), 5, 6) for n in NAMES])

    def test_segments_that_changed_their_names_are_read_as_what_they_are(self):
        """Both are named, and nothing is lost."""
        self.write(self.files | {name_of(1): self.files[name_of(2)],
                                 name_of(2): self.files[name_of(1)]})
        self.assert_damaged(f"{name_of(1)}: this is the file {name_of(2)}",
                            f"{name_of(2)}: this is the file {name_of(1)}",
                            lost=[])

    def test_the_newest_that_changed_its_name_is_read(self):
        """Else messages would be given again that are done."""
        self.write(self.files | {name_of(3): self.files[name_of(2)],
                                 name_of(2): self.files[name_of(3)]})
        self.assert_damaged(f"{name_of(3)}: this is", lost=[])

    def test_a_segment_under_a_higher_name_is_damage(self):
        """A copy of one that is there."""
        (self.dir / name_of(7)).write_bytes(self.files[name_of(2)])
        self.assert_damaged(f"{name_of(7)}: this is the file {name_of(2)}",
                            lost=[])

    def test_a_segment_of_another_journal_is_damage(self):
        """In the place of one of its own."""
        other = in_order(bytes(16))
        self.write(self.files | {name_of(1): other[name_of(1)]})
        self.assert_damaged(f"{name_of(1)}: it belongs to another journal",
                            lost=[(text(n), 2, 2) for n in NAMES])

    def test_a_newer_version_is_named(self):
        """Of FORMAT, and of one segment."""
        (self.dir / "FORMAT").write_bytes(b"sluice journal 2\nuuid 00\n")
        self.assert_damaged("FORMAT: it is of version 2")
        data = bytearray(self.files[name_of(1)])
        data[8:12] = bytes([2, 0, 2, 0])
        data[60:64] = format.crc32c(0, data[:60]).to_bytes(4, "little")
        self.write(self.files | {name_of(1): data})
        self.assert_damaged("written by a newer version")

    def test_without_format_it_is_damaged(self):
        """The segments are read all the same."""
        (self.dir / "FORMAT").unlink()
        self.assert_damaged("FORMAT: No such file", lost=[])
        (self.dir / "FORMAT").write_bytes(
            b"sluice journal 1\nuuid %s\n" % (b"a" * 32))
        self.assert_damaged("FORMAT: it has another uuid", lost=[])

    def test_a_file_cut_anywhere_is_damaged(self):
        """At each sector: what is lost is told, what is found is right."""
        for name in (name_of(1), name_of(2), name_of(3)):
            for size in range(0, SIZE, 512):
                with self.subTest(name=name, size=size):
                    self.write(self.files
                               | {name: self.files[name][:size]})
                    self.assert_damaged(re.escape(name))

    def test_damage_at_the_end_is_told_from_a_torn_end(self):
        """By the seal."""
        last = self.files[name_of(3)].rindex(b"JEND", 0, SIZE - 500)
        self.flip(name_of(3), last)
        self.assert_damaged(name_of(3))

    def test_what_lies_behind_damage_is_found(self):
        """Of three batches the second is damaged."""
        at = self.files[name_of(3)].index(b"2:7:")
        self.flip(name_of(3), at)
        self.assert_damaged(r"bytes \d+ to \d+: batches \d+ to \d+: checksum",
                            lost=[("/", 7, 7), ("/", 9, 9)])

    def test_of_a_damaged_batch_the_sound_records_are_found(self):
        """One of five records."""
        at = self.files[name_of(2)].index(b"2:5:")
        self.flip(name_of(2), at)
        self.assert_damaged(name_of(2), lost=[("/", 5, 6)])


class Usage(JournalTest):
    def test_what_is_not_a_journal_is_wrong_usage(self):
        """A folder without one, and none."""
        self.write({"notes": b""})
        done = self.journal("check")
        self.assertEqual((done.returncode, done.text), (2, ""))
        self.assertIn("is not a journal", done.errors)
        self.folder.cleanup()
        done = self.journal("check")
        self.assertEqual(done.returncode, 2)
        self.assertIn("No such file", done.errors)
        self.dir.mkdir()

    def test_words_that_do_not_belong_are_named(self):
        """Other actions, and options of the others."""
        for args, words in ((("look",), "check, dump or repair"),
                            (("check", "more"), "one folder"),
                            (("check", "--raw"), "only dump"),
                            (("check", "--count=1"), "only dump"),
                            (("dump", "--yes"), "only repair"),
                            (("dump", "--count=0"), "--count")):
            done = self.journal(*args)
            self.assertEqual((done.returncode, done.text), (2, ""), args)
            self.assertIn(words, done.errors)


if __name__ == "__main__":
    main()
