# SPDX-License-Identifier: MIT
"""The suite itself: correct brokers and clients pass, incorrect ones fail."""
import concurrent.futures
import copy
import os
import pathlib
import subprocess
import sys
import unittest

import broker
import client
from planted_client import PLANTS
from puppet import Puppet
from units import PATIENCE_S, Failed, check_legal, matches

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1]))
from runner import main  # noqa: E402

FOLDER = str(client.SCENARIOS.parent)

# In which scenario a mistake must be found.
FOUND_BY = {
    "answers_no_ping": "ping",
    "answers_ping_without_its_token": "ping",
    "answers_ping_with_a_rid": "ping",
    "pastes_values": "headers that go",
    "spells_nothing_of_a_channel": "table: escape",
    "has_no_fences": "table: match",
    "dispatches_to_one_only": "wildcards that overlap",
    "dispatches_by_equality": "table: match",
    "keeps_the_last_header": "headers that come",
    "uses_a_rid_twice": "answers in another order",
    "publishes_though_held_back": "held back (9.6",
    "holds_back_everything": "held back (9.6",
    "lets_go_in_another_order": "held back (9.6",
    "subscribes_once_in_its_life": "again: subscriptions",
    "forgets_its_credit": "again: subscriptions",
    "takes_bye_for_a_break": "BYE: what",
    "stays_away": "a break: what",
    "comes_again_at_once": "pauses that grow",
    "notices_no_loss": "an unreported loss",
    "trusts_another_run": "another run",
    "sends_what_is_too_big": "a body above the limit",
    "minds_unknown_verbs": "what is unknown is ignored",
    "writes_before_it_reads": "reads while its writing is stuck",
    "leaves_without_a_word": "goodbye",
    "keeps_what_it_gave_up": "subscription (5, 6)",
    "takes_fragments": "a break inside a unit",
}


def vector(name):
    return copy.deepcopy(broker.vectors(name)[0])


class BrokerSide(unittest.TestCase):
    """Against a broker that plays the other side of each vector."""

    def play(self, row, change=None, is_cut=False):
        steps = copy.deepcopy(row["steps"])
        if change:
            change(steps)
        puppet = Puppet(steps)
        try:
            broker.play(row["steps"], puppet.address, is_cut)
        finally:
            puppet.join()
        self.assertIsNone(puppet.error)

    def test_every_vector_passes_with_its_own_other_side(self):
        rows = broker.vectors()
        self.assertGreaterEqual(len(rows), 69)
        for row in rows:
            for is_cut in (False, True):
                with self.subTest(row["name"], is_cut=is_cut):
                    self.play(row, is_cut=is_cut)

    def assert_found(self, name, change):
        with self.assertRaises(Failed):
            self.play(vector(name), change)

    def test_another_body_is_found(self):
        self.assert_found("topic-overlap-once",
                          lambda steps: steps[-1].update(body_hex="ff"))

    def test_another_number_is_found(self):
        def change(steps):
            steps[-1]["head"] = steps[-1]["head"].replace("seq=0", "seq=7")
        self.assert_found("topic-numbers-and-equation", change)

    def test_a_unit_too_many_is_found(self):
        self.assert_found("bye-with-rid",
                          lambda steps: steps.insert(-2, steps[-2]))

    def test_a_unit_that_is_missing_is_found(self):
        self.assert_found("sub-exists", lambda steps: steps.pop())

    def test_units_in_another_order_are_found(self):
        def change(steps):
            steps[-1], steps[-2] = steps[-2], steps[-1]
        self.assert_found("bye-with-rid", change)

    def test_a_reset_instead_of_an_end_is_found(self):
        def change(steps):
            steps[-1] = {"from": "a", "ends": True}
        self.assert_found("bye-with-rid", change)

    def test_a_head_that_breaks_the_grammar_is_found(self):
        def change(steps):
            steps[-1]["head"] = steps[-1]["head"].replace(" ", "  ", 1)
        self.assert_found("ping-bare", lambda steps: steps[-1].update(
            head="PONG "))
        self.assert_found("topic-overlap-once", change)


class ClientSide(unittest.TestCase):
    """Against the reference client, and against variants with a mistake."""

    def run_suite(self, *words, patience=PATIENCE_S):
        """What client.py says, and whether all held."""
        done = subprocess.run(
            [sys.executable, "-B", f"{FOLDER}/client.py", *words],
            env=dict(os.environ, SUITE_PATIENCE=str(patience)),
            capture_output=True, text=True, check=False)
        self.assertEqual(done.stderr, "")
        return done.stdout, done.returncode == 0

    def test_the_reference_client_holds_everywhere(self):
        output, held = self.run_suite(
            "-j", "4", "--", sys.executable, "-B",
            f"{FOLDER}/reference_client.py")
        self.assertTrue(held, output)
        self.assertIn(f"{2 * len(client.all_scenarios())} passed", output)

    def find(self, mistake):
        """With a short patience, because most mistakes are found by a
        timeout."""
        return self.run_suite(
            "--whole", "-k", FOUND_BY[mistake], "--", sys.executable, "-B",
            f"{FOLDER}/planted_client.py", mistake, patience=3)

    def test_every_mistake_is_found(self):
        self.assertEqual(set(FOUND_BY), set(PLANTS))
        with concurrent.futures.ThreadPoolExecutor(4) as pool:
            for name, (output, held) in zip(FOUND_BY,
                                            pool.map(self.find, FOUND_BY)):
                with self.subTest(name):
                    self.assertFalse(held)
                    self.assertIn(" failed", output)
                    self.assertNotIn("0 failed", output)


class Words(unittest.TestCase):
    def test_heads_are_equal_in_what_was_asked_for(self):
        for wanted, found, expected in (
                ("OK rid=1", "OK rid=1 seq=4", True),
                ("OK rid=1 seq=4", "OK rid=1", False),
                ("OK rid=1", "OK rid=2", False),
                ("MSG /t 1", "MSG /t 1 A=1", False),
                ("MSG /t 1 A=1 B=2", "MSG /t 1 B=2 A=1", False),
                ("MSG /t 1", "MSG /t 1 2", False),
                ("PUB /t", "/t", True),
                ("PUB @a", "@a A=1", False),
                ("SUB /t/*", "SUB /t/%2A", False),
                ("PUB /a%2fb", "PUB /a/b", True),
                ("NAK /q 1 delay=5s", "NAK /q 1 delay=5000ms", True),
                ("INFO * run=*", "INFO a/1 run=x", True),
                ("GAP $c 1 2", "GAP /t 1 2", True)):
            with self.subTest(wanted, found=found):
                self.assertEqual(matches(wanted, found, {}), expected)

    def test_what_is_captured_must_be_the_same_later(self):
        known = {}
        self.assertTrue(matches("REQ /t rid=$r", "REQ /t rid=7", known))
        self.assertFalse(matches("REP rid=$r", "REP rid=8", known))
        self.assertFalse(matches("REQ /u rid=$s", "REQ /t rid=9", known))
        self.assertEqual(known, {"$r": "7"})

    def test_what_no_client_may_send(self):
        for head in ("MSG /t 1", "SUB /t A=1", "SUB /t colour=red", "SUB",
                     "REQ /t", "PONG rid=1", "PUB /t rid=a%20b", "ACK /t",
                     "PUB /t credit=1"):
            with self.subTest(head), self.assertRaises(Failed):
                check_legal(head)


if __name__ == "__main__":
    main()
