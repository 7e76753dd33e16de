# SPDX-License-Identifier: MIT
"""sluice journal repair: a damaged journal becomes one that is sound, what can
be read stays, what is lost is told, and nothing is thrown away."""
import fcntl

import format  # this folder's
from stores import (NAMES, SIZE, WAITING, JournalTest, body, in_order, main,
                    name_of, text)


class Repair(JournalTest):
    def contents(self):
        return {path.relative_to(self.dir): path.read_bytes()
                for path in self.dir.rglob("*") if path.is_file()}

    def assert_repaired(self, status, lost):
        """Sound afterwards, and no message is there but those that are not
        lost."""
        done = self.journal("repair", "--yes")
        self.assertEqual(done.returncode, status, done.errors)
        self.assertEqual(self.lost(done), lost)
        check = self.journal("check")
        self.assertEqual((check.returncode, self.damage(check)), (0, []),
                         check.text)
        self.assertEqual(self.lost(check), [])
        opened = self.opened()
        self.assertIsNotNone(opened, "the store does not open it")
        for i, name in enumerate(NAMES, 1):
            gone = {n for other, first, last in lost if other == text(name)
                    for n in range(first, last + 1)}
            left = [body(i, n) for n in WAITING if n not in gone]
            self.assertEqual(self.bodies(text(name)), left)
            self.assertEqual(opened[name], len(left))
        return done

    def test_a_sound_journal_is_left_alone(self):
        """Nothing is written, but the lock."""
        before = self.contents()
        done = self.journal("repair", "--yes")
        self.assertEqual((done.returncode, done.text), (0, ""))
        after = self.contents()
        self.assertEqual({name for name in after if name not in before},
                         {type(next(iter(before)))("LOCK")})
        self.assertEqual(before, {name: after[name] for name in before})

    def test_without_yes_it_only_says_what_is_damaged(self):
        """Exit 2."""
        self.flip(name_of(1), 200)
        before = self.contents()
        done = self.journal("repair")
        self.assertEqual(done.returncode, 2)
        self.assertIn("--yes", done.errors)
        self.assertEqual(len(self.damage(done)), 1)
        after = self.contents()
        self.assertEqual(before, {name: after[name] for name in before})

    def test_not_while_a_broker_uses_it(self):
        """Its process is named."""
        self.flip(name_of(1), 200)
        with open(self.dir / "LOCK", "w", encoding="ascii") as lock:
            lock.write("4711\n")
            lock.flush()
            fcntl.flock(lock, fcntl.LOCK_EX)
            done = self.journal("repair", "--yes")
        self.assertNotIn(done.returncode, (0, 3))
        self.assertIn("pid 4711", done.errors)

    def test_not_what_a_newer_version_wrote(self):
        """Nothing is touched."""
        (self.dir / "FORMAT").write_bytes(b"sluice journal 2\nuuid 00\n")
        before = self.contents()
        done = self.journal("repair", "--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn("newer version", done.errors)
        after = self.contents()
        self.assertEqual(before, {name: after[name] for name in before})

    def test_a_damaged_message_is_given_up_and_its_file_kept(self):
        """The others of its record go with it."""
        self.flip(name_of(2), self.files[name_of(2)].index(b"2:5:"))
        bad = (self.dir / name_of(2)).read_bytes()
        self.assert_repaired(3, [("/", 5, 6)])
        self.assertEqual((self.dir / "damaged" / name_of(2)).read_bytes(),
                         bad)
        self.assertFalse((self.dir / name_of(2)).exists())

    def test_a_missing_segment_is_given_up(self):
        """The numbers it held are not used again."""
        (self.dir / name_of(2)).unlink()
        self.assert_repaired(3, [(text(n), 5, 6) for n in NAMES])

    def test_the_state_of_the_newest_is_put_together_again(self):
        """From the segment before, and what can be read of it."""
        self.flip(name_of(3), 100)
        self.assert_repaired(0, [])

    def test_numbers_that_may_be_used_are_left_out(self):
        """The damage is where the newest messages are; its header, too."""
        at = self.files[name_of(3)].index(b"2:7:")
        self.flip(name_of(3), at)
        self.flip(name_of(3), at - 20)
        done = self.journal("repair", "--yes")
        self.assertEqual(done.returncode, 3, done.errors)
        self.assertEqual(self.lost(done), [("/", 7, 7)])
        data = (self.dir / name_of(4)).read_bytes()
        (_, _, records), *_ = format.read_batches(
            data, format.read_segment(data)[3])
        for kind, *_, payload in records:
            if kind == format.CHANNEL:
                self.assertGreater(int.from_bytes(payload[:8], "little"),
                                   1 << 20)

    def test_segments_that_changed_their_names_are_put_right(self):
        """Nothing is lost."""
        self.write(self.files | {name_of(1): self.files[name_of(3)],
                                 name_of(3): self.files[name_of(1)]})
        self.assert_repaired(0, [])

    def test_foreign_segments_are_moved_away(self):
        """With what they stood in the place of given up."""
        other = in_order(bytes(16))
        self.write(self.files | {name_of(1): other[name_of(1)]})
        self.assert_repaired(3, [(text(n), 2, 2) for n in NAMES])
        self.assertTrue((self.dir / "damaged" / name_of(1)).exists())

    def test_what_nobody_can_count_is_called_a_loss_too(self):
        """No segment is left, or all that is left is what none has said."""
        for files in ((), (name_of(3),), (name_of(2), name_of(3))):
            with self.subTest(files=files):
                self.write({"FORMAT": self.files["FORMAT"],
                            **{name: b"" for name in files}})
                check = self.journal("check")
                self.assertEqual(check.returncode, 1)
                self.assertIn("lost: 0, and perhaps more", check.text)
                done = self.journal("repair", "--yes")
                self.assertEqual(done.returncode, 3, done.errors)
                self.assertIn("lost: 0, and perhaps more", done.errors)
                self.assertEqual(self.journal("check").returncode, 0)

    def test_format_is_written_again(self):
        """With the uuid that the segments have."""
        (self.dir / "FORMAT").write_bytes(b"sluice jou")
        self.assert_repaired(0, [])
        self.assertEqual((self.dir / "FORMAT").read_bytes(),
                         self.files["FORMAT"])
        self.assertEqual((self.dir / "damaged/FORMAT").read_bytes(),
                         b"sluice jou")

    def test_twice_damaged_is_twice_repaired(self):
        """What was moved away before stays."""
        self.flip(name_of(2), self.files[name_of(2)].index(b"2:5:"))
        self.assert_repaired(3, [("/", 5, 6)])
        new = name_of(4)
        data = (self.dir / new).read_bytes()
        self.flip(new, data.index(b"1:5:"))
        done = self.journal("repair", "--yes")
        self.assertEqual((done.returncode, self.lost(done)),
                         (3, [("/queue/a", 5, 6)]))
        self.assertEqual(sorted(path.name for path
                                in (self.dir / "damaged").iterdir()),
                         [name_of(2), new])

    def test_what_is_left_of_a_repair_that_was_killed_does_not_matter(self):
        """It begins anew."""
        (self.dir / "repair.new").write_bytes(b"x" * SIZE)
        self.flip(name_of(3), 100)
        self.assert_repaired(0, [])
        self.assertFalse((self.dir / "repair.new").exists())


if __name__ == "__main__":
    main()
