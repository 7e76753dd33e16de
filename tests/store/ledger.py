# SPDX-License-Identifier: MIT
"""What became of every message of a run: who published it, whether the broker
confirmed it, how often it was delivered, whether it was acknowledged.

    lost        confirmed, and never delivered: must be 0
    unexpected  delivered, and never attempted, or with other bytes: must be 0
    duplicated  delivered more than once; allowed when a connection or the
                broker ended between delivery and acknowledgement
"""
import collections
import threading
import zlib

COUNTS = ("attempted", "confirmed", "refused", "unknown", "delivered",
          "acknowledged", "lost", "duplicated", "unexpected")


def body_of(producer, sequence, size):
    """A body that says which message it is and whether it is whole."""
    text = b"%d %d " % (producer, sequence)
    text += b"." * max(0, size - len(text) - 9)
    return text + b" %08x" % zlib.crc32(text)


def key_of(body):
    """(producer, sequence); None when the bytes are not those of a body."""
    text, _, checksum = body.rpartition(b" ")
    if checksum != b"%08x" % zlib.crc32(text):
        return None
    producer, sequence, _ = text.split(b" ", 2)
    return int(producer), int(sequence)


class Ledger:
    """Shared by the threads of a run."""

    def __init__(self):
        self.changed = threading.Condition()
        self.state = {}  # key -> attempted, confirmed, refused, unknown
        self.deliveries = collections.Counter()
        self.acknowledged = set()
        self.unexpected = 0
        self.confirmed = 0

    def attempt(self, keys):
        with self.changed:
            for key in keys:
                self.state[key] = "attempted"

    def answer(self, keys, state):
        with self.changed:
            for key in keys:
                self.state[key] = state
            if state == "confirmed":
                self.confirmed += len(keys)
                self.changed.notify_all()

    def deliver(self, body):
        """Its key; None when nobody sent it."""
        key = key_of(body)
        with self.changed:
            if key not in self.state:
                self.unexpected += 1
                return None
            self.deliveries[key] += 1
        return key

    def acknowledge(self, key):
        with self.changed:
            self.acknowledged.add(key)
            self.changed.notify_all()

    def wait_confirmed(self, count, deadline):
        """Whether so many are confirmed in all."""
        with self.changed:
            return self.changed.wait_for(lambda: self.confirmed >= count,
                                         deadline)

    def lost(self):
        return [key for key, state in self.state.items()
                if state == "confirmed" and not self.deliveries[key]]

    def counts(self):
        states = collections.Counter(self.state.values())
        return {
            "attempted": len(self.state),
            "confirmed": self.confirmed,
            "refused": states["refused"],
            "unknown": states["unknown"] + states["attempted"],
            "delivered": len(self.deliveries),
            "acknowledged": len(self.acknowledged),
            "lost": len(self.lost()),
            "duplicated": sum(n - 1 for n in self.deliveries.values()),
            "unexpected": self.unexpected,
        }

    def report(self, **more):
        """Prints all counts, and returns them."""
        counts = {**self.counts(), **more}
        print(", ".join(f"{name} {count}" for name, count in counts.items()),
              flush=True)
        return counts
