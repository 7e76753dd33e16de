# SPDX-License-Identifier: MIT
"""sluice chat, as two people at terminals see it."""
import contextlib
import signal
import subprocess
import threading
import unittest

import people
from people import DEADLINE, SLUICE, FakeBroker, Process, WithBroker
from terminal import Terminal

ROOM = "/topic/room"
LONG = "typing what is longer than one row of a terminal"


class Chat(WithBroker):
    def terminal(self, *args, **kwargs):
        env = {"SLUICE_SERVER": self.broker.address,
               "USER": "somebody", **kwargs.pop("env", {})}
        return Terminal(self, *args, env=env, **kwargs)

    def chat(self, name="ann", terminal=None):
        terminal = terminal or self.terminal()
        terminal.type(f"clear; stty -g > before; {SLUICE} chat {ROOM}"
                      f" --as {name}; echo exit $?; stty -g > after;"
                      f" cmp before after && echo the same")
        terminal.press("Enter")
        terminal.wait(f"{name}:")
        return terminal

    def check_left(self, terminal, *before, status=0):
        """The shell is back, on a terminal that is as it was."""
        terminal.wait(*before, f"exit {status}", "the same", "$")

    def say(self, text):
        self.send(ROOM, text)

    def leave(self, terminal):
        terminal.press("C-d")
        self.check_left(terminal)


class Typing(Chat):
    def test_two_people_see_the_same(self):
        ann, bob = self.chat("ann"), self.chat("bob")
        ann.wait("* bob came", "ann:")
        bob.wait("* ann is here", "bob:")
        ann.type("hello")
        ann.press("Enter")
        bob.wait("ann: hello", "bob:")
        bob.type("hi")
        bob.press("Enter")
        ann.wait("ann: hello", "bob: hi", "ann:")
        bob.wait("ann: hello", "bob: hi", "bob:")
        self.leave(ann)
        bob.wait("* ann left", "bob:")
        self.leave(bob)

    def test_a_line_of_blanks_is_not_sent(self):
        ann = self.chat()
        for line in ("", " ", " \t "):
            ann.type(line)
            ann.press("Enter")
        ann.type("words")
        ann.press("Enter")
        ann.wait("ann: words", "ann:")
        self.assertNotIn("ann:", ann.screen()[:-2])
        self.leave(ann)

    def test_others_appear_above_the_line_being_typed(self):
        ann = self.chat()
        ann.type("I was about")
        ann.wait("ann: I was about")
        self.say("bob: excuse me")
        ann.wait("bob: excuse me", "ann: I was about")
        ann.type(" to say")
        ann.wait("bob: excuse me", "ann: I was about to say")
        ann.press("Enter")
        ann.wait("bob: excuse me", "ann: I was about to say", "ann:")
        self.leave(ann)

    def test_the_cursor_stays_where_it_was(self):
        ann = self.chat()
        ann.type("one three")
        ann.press(*["Left"] * 5)
        self.say("bob: boo")
        ann.wait("bob: boo", "ann: one three")
        ann.type("two ")
        ann.wait("bob: boo", "ann: one two three")
        self.leave_unsaid(ann)

    def leave_unsaid(self, terminal):
        terminal.press("C-c")
        self.check_left(terminal)

    def test_a_line_of_several_rows(self):
        ann = self.chat()
        rows = [("ann: " + LONG)[:40].rstrip(), ("ann: " + LONG)[40:]]
        ann.type(LONG)
        ann.wait(*rows)
        self.say("bob: boo")
        ann.wait("bob: boo", *rows)
        ann.press("C-a")  # the cursor in the first row
        self.say("bob: again")
        ann.wait("bob: boo", "bob: again", *rows)
        ann.press("Enter")
        ann.wait("bob: boo", "bob: again", *rows, "ann:")
        self.leave(ann)

    def test_a_line_that_fills_the_row(self):
        ann = self.chat()
        for length in (34, 35, 36):
            text = "x" * length
            ann.type(text)
            self.say(f"bob: {length}")
            ann.press("Enter")
            line = f"ann: {text}"
            rows = [row for row in (line[:40], line[40:]) if row]
            ann.wait(f"bob: {length}", *rows, "ann:")
        self.leave(ann)

    def test_wide_characters(self):
        ann = self.chat()
        text = "\u6f22" * 20  # the 18th does not fit into the first row
        ann.type(text)
        rows = ["ann: " + text[:17], text[17:]]
        ann.wait(*rows)
        self.say("bob: boo")
        ann.wait("bob: boo", *rows)
        ann.press("Enter")
        ann.wait("bob: boo", *rows, "ann:")
        self.leave(ann)

    def test_history(self):
        ann = self.chat()
        ann.type("again")
        ann.press("Enter")
        ann.wait("ann: again", "ann:")
        ann.press("Up")
        ann.wait("ann: again", "ann: again")
        ann.press("Enter")
        ann.wait("ann: again", "ann: again", "ann:")
        self.leave(ann)

    def test_a_window_that_changes(self):
        ann = self.chat()
        ann.type(LONG)
        ann.wait(("ann: " + LONG)[40:])
        ann.resize(70, 14)
        ann.wait("ann: " + LONG)
        self.say("bob: boo")
        ann.wait("bob: boo", "ann: " + LONG)
        self.leave_unsaid(ann)

    def test_the_background_and_back(self):
        ann = self.terminal()
        ann.type("set -m")
        ann.press("Enter")
        self.chat(terminal=ann)
        ann.press("C-z")
        ann.wait_for("Stopped")
        ann.type("fg")
        ann.press("Enter")
        ann.wait("ann:")
        ann.type("back")
        ann.press("Enter")
        ann.wait("ann: back", "ann:")
        ann.press("C-d")
        ann.wait_for(r"^\$")


class Presence(Chat):
    def announce(self, text):
        self.send(f"{ROOM}/presence", text)

    def test_whoever_says_so_is_there(self):
        """Also by hand, with any client."""
        ann = self.chat()
        self.announce("join dan")
        ann.wait("* dan came", "ann:")
        self.announce("here eve 1")
        ann.wait("* dan came", "* eve is here", "ann:")
        self.announce("leave dan")
        ann.wait("* dan came", "* eve is here", "* dan left", "ann:")
        self.leave(ann)

    def test_others_can_follow_it(self):
        follower = self.start("listen", f"{ROOM}/presence")
        self.broker.wait_stats(subscribers=1)
        chat = self.start("chat", ROOM, "--as", "bot", stdin=-1)
        self.assertRegex(follower.line(), rb"^join bot [0-9a-f]{16}\n$")
        self.announce("join dan")
        self.assertEqual(follower.line(), b"join dan\n")
        self.assertRegex(follower.line(), rb"^here bot [0-9a-f]{16}\n$")
        chat.signal(signal.SIGTERM)
        self.assertEqual(chat.finish(), (0, b"", ""))
        self.assertRegex(follower.line(), rb"^leave bot [0-9a-f]{16}\n$")
        follower.signal()

    def test_a_newcomer_whose_name_is_in_use_gives_way(self):
        ann = self.terminal(columns=80)
        ann.type(f"clear; {SLUICE} chat {ROOM} --as ann --timeout 60s;"
                 " echo exit $?")
        ann.press("Enter")
        ann.wait("ann:")
        self.announce("here ann")
        ann.wait("sluice: the name 'ann' is taken here; choose another with"
                 " --as", "exit 1", "$")

    def test_quiet_shows_nobody(self):
        ann = self.terminal()
        ann.type(f"clear; {SLUICE} chat {ROOM} --as ann --quiet")
        ann.press("Enter")
        ann.wait("ann:")
        self.announce("join dan")
        self.say("bob: hi")
        ann.wait("bob: hi", "ann:")
        self.assertNotIn("* dan came", ann.screen())
        ann.press("C-d")
        ann.wait("bob: hi", "$")

    def test_no_message_of_it_controls_the_terminal(self):
        ann = self.chat()
        self.announce("join \x1b[2J")
        self.announce("join a\nb")
        self.announce("join dan")
        ann.wait("* dan came", "ann:")
        self.leave(ann)


class Reconnecting(Chat):
    def test_it_comes_back_with_the_broker(self):
        address = self.broker.address
        ann = self.terminal(columns=80)
        ann.type(f"clear; {SLUICE} chat {ROOM} --as ann --reconnect")
        ann.press("Enter")
        ann.wait("ann:")
        self.broker.stop()
        ann.wait_for("trying again until it succeeds")
        self.broker = people.Broker(listen=(address,))
        self.addCleanup(self.broker.kill)
        ann.wait_for("connected again")
        ann.type("here I am")
        ann.press("Enter")
        ann.wait("ann: here I am", "ann:")
        ann.press("C-d")
        ann.wait_for(r"^\$")

    def test_a_stop_signal_ends_it_while_it_waits(self):
        self.broker.stop()
        chat = self.start("chat", ROOM, "--as", "bot", "--reconnect", stdin=-1)
        self.assertIn(b"trying again", chat.popen.stderr.readline())
        chat.signal(signal.SIGTERM)
        self.assertEqual(chat.finish()[:2], (0, b""))


class Terminals(Chat):
    def test_no_message_controls_the_terminal(self):
        ann = self.chat(terminal=self.terminal(columns=80))
        self.say("eve: \x1b[2J\x1b]0;title\x07 \u009b2J\r\nann: I resign")
        ann.wait(r"eve: \x1b[2J\x1b]0;title\x07 \xc2\x9b2J\x0d\x0aann:"
                 " I resign", "ann:")
        self.leave(ann)

    def test_names_have_colours(self):
        ann = self.chat()
        self.say("bob: hi")
        ann.wait("bob: hi", "ann:")
        self.assertIn("\x1b[33mbob\x1b[39m: hi", ann.screen("-e"))
        self.leave(ann)

    def test_unless_they_are_not_wanted(self):
        ann = self.chat(terminal=self.terminal(env={"NO_COLOR": "1"}))
        self.say("bob: hi")
        ann.wait("bob: hi", "ann:")
        self.assertIn("bob: hi", ann.screen("-e"))
        self.leave(ann)

    def test_a_stop_signal_leaves_it_as_it_was(self):
        ann = self.chat()
        ann.type("half a sen")
        ann.wait("ann: half a sen")
        ann.press("C-c")
        self.check_left(ann)

    def test_a_broker_that_goes_away_leaves_it_as_it_was(self):
        ann = self.chat()
        ann.type("half a sen")
        ann.wait("ann: half a sen")
        self.broker.stop()
        self.check_left(ann, "sluice: the broker closed the connection",
                        status=1)


class WithoutTerminal(Chat):
    def test_lines_from_a_pipe(self):
        done = self.run_to_end("chat", ROOM, "--as", "bot",
                               stdin=b"one\n\ntwo \xc3\xa4\nthree")
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        self.assertEqual(done.stdout.decode(),
                         "bot: one\nbot: two \u00e4\nbot: three\n")

    def test_a_stop_signal(self):
        chat = self.start("chat", ROOM, "--as", "bot", stdin=-1)
        chat.popen.stdin.write(b"one\n")
        self.assertEqual(chat.line(), b"bot: one\n")
        chat.signal(signal.SIGTERM)
        self.assertEqual(chat.finish(), (0, b"", ""))

    def test_wrong_usage(self):
        for args, words in (([], "CHANNEL is missing"),
                            (["/queue/q"], "must be a topic"),
                            (["/null"], "must be a topic"),
                            (["/sys/x"], "must be a topic"),
                            (["/a", "hello"], "type what you want"),
                            (["/a", "--as", "two words"], "--as takes"),
                            (["/a", "--as", ""], "--as takes"),
                            (["/a", "--as", "x" * 33], "--as takes")):
            done = self.run_to_end("chat", *args)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(words, done.stderr.decode())


class Flood(unittest.TestCase):
    def serve(self, broker):
        with contextlib.suppress(OSError):
            while True:
                broker.accept().flood(b"x: y")

    def test_a_stop_signal_ends_a_chat_that_never_pauses(self):
        broker = FakeBroker(self)
        threading.Thread(target=self.serve, args=(broker,),
                         daemon=True).start()
        chat = Process(self, "chat", "/topic/c", "--timeout", "200ms",
                       server=broker.address, stdin=subprocess.PIPE)
        self.assertIn(b"x: y", chat.line())
        reader = threading.Thread(target=chat.popen.stdout.read)
        reader.start()
        chat.signal()
        self.assertIsNotNone(chat.popen.wait(DEADLINE))
        reader.join()


if __name__ == "__main__":
    people.main()
