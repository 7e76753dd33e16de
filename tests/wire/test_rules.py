# SPDX-License-Identifier: MIT
"""--channel rules: what is wrong with one is said at start, in a sentence
that names it; what is right holds for the names that it matches."""
from wire import WireTest, main, numbered, numbered_pairs, run_sluiced

WRONG_USAGE = 2
RULES_MAX = 64

# rule, what the sentence must name
BAD_PATTERNS = (
    ("", "''"),
    ("   ", "''"),
    ("/topic/a*", "'/topic/a*'"),
    ("/topic/*a", "'/topic/*a'"),
    ("/topic/***", "'/topic/***'"),
    ("/**/last", "'/**/last'"),
    ("** policy=wait /x", "'/x'"),
    ("/" + "n" * 255, "nnn"),
)

BAD_OPTIONS = (
    ("/t colour=red", "'colour'"),
    ("/t Limit=64k", "'Limit'"),
    ("/t limit", "'limit'"),
    ("/t limit=64k hold", "'hold'"),
    ("/t =4", "''"),
    ("/t policy=wait max-frame=1m", "'max-frame'"),
)

BAD_VALUES = (
    ("/t limit=", "limit"),
    ("/t limit=lots", "'lots'"),
    ("/t limit=64kk", "'64kk'"),
    ("/t limit=1", "limit"),
    ("/t limit=99999999999999999999", "limit"),
    ("/t client-limit=0", "client-limit"),
    ("/t messages=0", "messages"),
    ("/t messages=ten", "'ten'"),
    ("/t messages=10k", "'10k'"),
    ("/t messages=4294967296", "messages"),
    ("/t hold=-1", "'-1'"),
    ("/t hold=4294967296", "hold"),
    ("/t patience=soon", "'soon'"),
    ("/t patience=25h", "patience"),
    ("/t policy=", "policy"),
    ("/t policy=drop", "'drop'"),
    ("/t policy=WAIT", "'WAIT'"),
)


class Refused(WireTest):
    def assert_refused(self, args, named):
        """Status 2, nothing on stdout, one sentence with the name in it."""
        done = run_sluiced("--listen", "127.0.0.1:0", *args)
        self.assertEqual(done.returncode, WRONG_USAGE, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(done.stderr.count("\n"), 1, done.stderr)
        self.assertTrue(done.stderr.startswith("sluiced: "), done.stderr)
        self.assertIn("--channel", done.stderr)
        self.assertIn(named, done.stderr)

    def assert_all_refused(self, cases):
        for rule, named in cases:
            with self.subTest(rule=rule):
                self.assert_refused(("--channel", rule), named)

    def test_bad_patterns(self):
        """A star stands for a whole segment; two, only at the end."""
        self.assert_all_refused(BAD_PATTERNS)

    def test_bad_options(self):
        """Unknown ones, and words without an equals sign."""
        self.assert_all_refused(BAD_OPTIONS)

    def test_bad_values(self):
        """No number, none with this unit, out of range, no such policy."""
        self.assert_all_refused(BAD_VALUES)

    def test_value_is_missing(self):
        """`--channel` as the last word."""
        self.assert_refused(("--channel",), "value")

    def test_the_wrong_one_of_many_is_named(self):
        """Good rules around it do not hide it."""
        self.assert_refused(("--channel", "/a hold=1", "--channel",
                             "/b hold=x", "--channel", "/c hold=1"), "'x'")

    def test_too_many_rules(self):
        """64 are taken, the 65th is named."""
        rules = [word for n in range(RULES_MAX)
                 for word in ("--channel", f"/topic/{n} hold={n % 4}")]
        self.assert_serves(self.broker(*rules))
        self.assert_refused((*rules, "--channel", "/one/more hold=1"),
                            "'/one/more hold=1'")


class Taken(WireTest):
    """The number of messages a topic holds shows which rule it has."""

    def rules(self, *rules):
        args = [word for rule in rules for word in ("--channel", rule)]
        self.sluiced = self.broker(*args)
        self.sender = self.publisher(self.sluiced)

    def held(self, name):
        """How many of ten messages are kept for the first subscriber."""
        self.sender.send(numbered_pairs(name, range(10)))
        self.sluiced.sync(self.sender)
        listener = self.subscriber(self.sluiced, name)
        self.sender.publish(name, numbered(99))
        numbers = [listener.recv_numbers(1)[0]]
        while numbers[-1] != 99:
            numbers += listener.recv_numbers(1)
        listener.close()
        self.assertEqual(numbers, [*range(11 - len(numbers), 10), 99], name)
        return len(numbers) - 1

    def assert_held(self, wanted):
        for name, count in wanted.items():
            self.assertEqual(self.held(name.encode()), count, name)

    def test_first_match_wins(self):
        """In the order in which they were given, not the closest."""
        self.rules("/t/a hold=3", "/t/* hold=2", "/t/b hold=7",
                   "/t/** hold=1", "/other hold=5", "** hold=4")
        self.assert_held({"/t/a": 3, "/t/b": 2, "/t/c/d": 1, "/other": 5,
                            "/t": 4, "anything": 4})

    def test_one_star_is_one_segment(self):
        """Any one, also an empty one, but exactly one."""
        self.rules("/t/*/x hold=2", "*/lone hold=3")
        self.assert_held({"/t/a/x": 2, "/t//x": 2, "/t/a/b/x": 0,
                            "/t/x": 0, "/t/a/x/": 0, "/t/a/xx": 0,
                            "here/lone": 3, "/lone": 3, "a/here/lone": 0})

    def test_two_stars_are_the_rest(self):
        """One segment, many, or an empty one; not the name without it."""
        self.rules("/t/** hold=2")
        self.assert_held({"/t/a": 2, "/t/a/b/c/d/e/f": 2, "/t/": 2,
                            "/t": 0, "/tt/a": 0})

    def test_bytes_of_a_name_are_compared_as_they_are(self):
        """Letters of the same name, a star in a name, any bytes."""
        self.rules("/t/a hold=2", "/bin/* hold=3")
        self.assert_held({"/t/A": 0, "/t/*": 0})
        self.assertEqual(self.held(b"/bin/\x01\xff\0 *"), 3)

    def test_what_a_rule_does_not_say_is_as_for_all(self):
        """A rule without `hold` ends the search, and holds nothing."""
        self.rules("/t/quiet policy=drop-oldest", "/t/* hold=2")
        self.assert_held({"/t/quiet": 0, "/t/other": 2})

    def test_pattern_alone_and_wide_spaces(self):
        """A rule may say nothing; blanks between its words are free."""
        self.rules("/t/plain", "  /t/wide \t hold=2   messages=5  ")
        self.assert_held({"/t/plain": 0, "/t/wide": 2})


if __name__ == "__main__":
    main()
