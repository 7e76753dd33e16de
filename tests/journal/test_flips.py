# SPDX-License-Identifier: MIT
"""Every byte of a small journal that was stopped in order, changed in two
ways: no message is ever wrong, what is lost is said to be, and every change of
a byte that means something is found."""
import os
import subprocess

from stores import DEADLINE, SIZE, JournalTest, main, name_of

SEAL = 32


class Flips(JournalTest):
    def flips(self):
        """Each change: name, offset, damaged, wrong, missing, and how many
        messages are said to be lost."""
        words = [word for name, data in self.files.items()
                 for word in (name, "0", str(len(data)))]
        done = subprocess.run([os.environ["FLIPPER"], str(self.dir), *words],
                              capture_output=True, text=True,
                              timeout=2 * DEADLINE, check=True)
        for line in done.stdout.splitlines():
            name, offset, _, verdict, _, lost, wrong, missing = line.split()
            yield (name, int(offset), verdict == "damaged", int(wrong),
                   int(missing), int(lost))

    def means_something(self, name, offset):
        """Between the last batch, with its page, and the seal nothing does."""
        if name == "FORMAT" or offset >= SIZE - SEAL:
            return True
        end = len(self.files[name][:SIZE - SEAL].rstrip(b"\0"))
        return offset < end + -end % 8  # a batch ends with its number

    def test_all_are_found_and_none_does_harm(self):
        """The table that the flipper prints."""
        total = found = meant = told = untold = 0
        for name, offset, is_damaged, wrong, missing, lost in self.flips():
            where = f"{name} at {offset}"
            self.assertEqual(wrong, 0, where)
            total += 1
            told += lost
            if missing:
                # The header of the last record of a channel: that something
                # is lost is known, the numbers are not.
                self.assertEqual(name, name_of(3), where)
                self.assertTrue(is_damaged, where)
                untold += 1
            if self.means_something(name, offset):
                meant += 1
                found += is_damaged
                self.assertTrue(is_damaged, where)
            else:
                self.assertFalse(is_damaged, where)
        print(f"{total} changes, {meant} of bytes that mean something, "
              f"{found} of them found; 0 wrong bodies; lost: {told}, "
              f"changes with lost messages that have no number: {untold}")
        self.assertEqual(total, 2 * sum(map(len, self.files.values())))
        self.assertGreater(meant, 5000)


if __name__ == "__main__":
    main()
