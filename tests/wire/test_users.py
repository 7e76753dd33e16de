# SPDX-License-Identifier: MIT
"""With a users file, clients are somebody, and may do what its lines allow."""
import contextlib
import hashlib
import os
import pathlib
import resource
import signal
import stat
import tempfile
import threading

from daemon import SYNC_CHANNEL
from unit_client import OPENING, UnitClient, UnitsTest, unit
from wire import Background, Client, main, run_sluiced

WRONG_USAGE = 2
TOKEN = b"sl_canary"
DIGEST = "sha256:" + hashlib.sha256(TOKEN).hexdigest()
SYNC = SYNC_CHANNEL.decode()

LOCAL = """
[user "local"]
network = 127.0.0.0/8
publish = /topic/a
publish = /queue/**
subscribe = /topic/*
subscribe = /queue/**
publish = {sync}
subscribe = {sync}
[user "thermo"]
token = {digest}
publish = /topic/**
subscribe = /topic/**
"""
TOKENS = '[user "thermo"]\ntoken = {digest}\npublish = /topic/**\n'
PUBLIC = '[user "anonymous"]\nsubscribe = /topic/public/**\n' + TOKENS


class UsersTest(UnitsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-users-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "users.conf"

    def write(self, text):
        """The file as it has to be: exchanged at once."""
        fresh = self.folder / "fresh"
        fresh.write_text(text.format(digest=DIGEST, sync=SYNC))
        fresh.chmod(0o600)
        fresh.rename(self.file)

    def broker_for(self, text, *args, **kwargs):
        self.write(text)
        return self.broker("--users", str(self.file), *args, **kwargs)

    def reload(self, broker, text, event="event=rights_loaded"):
        self.write(text)
        mark = broker.mark()
        broker.signal(signal.SIGHUP)
        broker.wait_for_log(event, since=mark)

    def opening(self, broker, options=b"", secret=b""):
        """What the broker answers to it."""
        client = UnitClient(broker.addresses[0])
        self.addCleanup(client.close)
        client.say(OPENING[0] + options, secret)
        return client, client.hear()[0].split(b" ")[0:2]


class VersionOne(UsersTest):
    def test_who_is_nobody_is_closed(self):
        broker = self.broker_for(TOKENS)
        for channel in (b"/topic/a", b"/null", b""):
            client = self.connect(broker)
            client.subscribe(channel)
            self.assert_closed(broker, client, "auth_required")
        broker.wait_stats(closed_auth=3)

    def test_a_network_makes_somebody(self):
        broker = self.broker_for(LOCAL)
        reader = self.subscriber(broker, b"/topic/a")
        self.publisher(broker).publish(b"/topic/a", b"one")
        self.assertEqual(reader.recv(), b"one")

    def test_who_shows_nothing_is_anonymous_if_there_is_such_a_user(self):
        broker = self.broker_for(PUBLIC)
        client = self.open(broker)
        self.assertEqual(client.ask(b"SUB /topic/public/x rid=1"),
                         b"OK rid=1 seq=0")
        other = self.connect(broker)
        other.subscribe(b"/topic/secret")
        self.assert_closed(broker, other, "denied")
        self.assertEqual(client.ask(b"PING x"), b"PONG x")

    def test_a_publish_that_is_not_allowed_closes(self):
        broker = self.broker_for(LOCAL)
        for channel in (b"/topic/b", b"/sys/a", b"/topic/ab"):
            client = self.publisher(broker)
            client.publish(b"/topic/a", b"fine")
            client.publish(channel, b"forbidden")
            self.assert_closed(broker, client, "denied")
        broker.wait_stats(closed_denied=3, messages_in=3)

    def test_a_large_message_needs_the_right_as_well(self):
        broker = self.broker_for(LOCAL)
        client = self.publisher(broker)
        with contextlib.suppress(ConnectionError):  # its end may come first
            client.publish(b"/topic/b", b"x" * 1_000_000)
        self.assert_closed(broker, client, "denied")

    def test_the_sink_is_for_everybody(self):
        broker = self.broker_for(LOCAL)
        client = self.publisher(broker)
        client.publish(b"/null", b"nothing", b"more")
        client.goodbye()

    def test_the_uid_of_a_unix_socket_makes_somebody(self):
        path = self.folder / "socket"
        broker = self.broker_for(
            f'[user "me"]\nuid = {os.getuid()}\nsubscribe = /topic/a\n',
            listen=(f"unix:{path}", "127.0.0.1:0"))
        local = Client(f"unix:{path}")
        self.addCleanup(local.close)
        local.subscribe(b"/topic/b")
        self.assert_closed(broker, local, "denied")
        remote = Client(broker.addresses[1])
        self.addCleanup(remote.close)
        remote.subscribe(b"/topic/a")
        self.assert_closed(broker, remote, "auth_required")


class VersionTwo(UsersTest):
    def test_a_token_makes_somebody(self):
        broker = self.broker_for(TOKENS)
        for options in (b" mech=token", b" user=thermo mech=token"):
            _, answer = self.opening(broker, options, TOKEN)
            self.assertEqual(answer[0], b"INFO")

    def test_who_is_somebody_by_its_connection_may_say_so(self):
        """But not who it is not, and not with a secret."""
        broker = self.broker_for(LOCAL)
        _, answer = self.opening(broker, b" user=local", b"")
        self.assertEqual(answer[0], b"INFO")
        for options, secret in ((b" user=thermo", b""), (b" user=", b""),
                                (b" user=nobody", b""), (b" user=local", b"x")):
            client = UnitClient(broker.addresses[0])
            self.addCleanup(client.close)
            client.say(OPENING[0] + options, secret)
            self.assertEqual((client.hear()[0], client.hear()[0]),
                             (b"ERR auth", b"BYE"), options)

    def test_everything_else_is_refused_in_the_same_words(self):
        broker = self.broker_for(TOKENS)
        heard = set()
        for options, secret in ((b"", b""), (b" mech=token", b""),
                                (b" mech=token", TOKEN + b"x"),
                                (b" user=other mech=token", TOKEN),
                                (b" user=thermo", TOKEN),
                                (b" user=thermo mech=plain", b"guess"),
                                (b" user=nobody mech=plain", b"guess"),
                                (b" mech=nonsense", TOKEN)):
            client = UnitClient(broker.addresses[0])
            self.addCleanup(client.close)
            client.say(OPENING[0] + options, secret)
            heard.add((client.hear(), client.hear()[0]))
            client.wait_closed()
        self.assertEqual(len(heard), 1, heard)
        (error, _), bye = heard.pop()
        self.assertEqual((error, bye), (b"ERR auth", b"BYE"))

    def test_nothing_is_executed_for_nobody(self):
        broker = self.broker_for(LOCAL.replace("127.0.0.0/8", "10.0.0.0/8"))
        client = UnitClient(broker.addresses[0])
        self.addCleanup(client.close)
        client.send(unit(OPENING[0]) + unit(b"PUB /topic/a", b"x") * 100)
        client.wait_closed()
        self.assertEqual(broker.stats()["messages_in"], 0)

    def test_what_is_denied_is_answered_and_the_connection_stays(self):
        broker = self.broker_for(LOCAL)
        client = self.open(broker)
        for text, body, answer in (
                (b"PUB /topic/b rid=1", b"x", b"ERR denied rid=1"),
                (b"REQ /topic/b rid=2", b"x", b"ERR denied rid=2"),
                (b"SUB /topic/** rid=3", b"", b"ERR denied rid=3"),
                (b"SUB ** rid=4", b"", b"ERR denied rid=4"),
                (b"SUB /sys/** rid=5", b"", b"ERR denied rid=5"),
                (b"SUB /queuefoo/* rid=6", b"", b"ERR denied rid=6"),
                (b"SUB /topic/* rid=7", b"", b"OK rid=7"),
                (b"SUB /queue/** rid=8", b"", b"OK rid=8"),
                (b"SUB /null rid=9", b"", b"OK rid=9 seq=0")):
            self.assertEqual(client.ask(text, body), answer)

    def test_a_burst_stops_at_the_first_that_is_denied(self):
        broker = self.broker_for(LOCAL)
        client = self.open(broker)
        client.send(unit(b"PUB /topic/a", b"x") * 50
                    + unit(b"PUB /topic/b", b"y") * 3
                    + unit(b"PUB /topic/a", b"x") * 50)
        self.assertEqual(client.ping(b"x"), [b"ERR denied"] * 3)
        self.assertEqual(broker.stats()["messages_in"], 100)

    def test_a_right_is_not_borrowed_from_who_published_before(self):
        """Sessions share what is remembered of the last channel."""
        broker = self.broker_for(LOCAL)
        reader, _ = self.opening(broker, b" mech=token", TOKEN)
        self.assertEqual(reader.ask(b"SUB /topic/* rid=1"), b"OK rid=1")
        allowed, _ = self.opening(broker, b" mech=token", TOKEN)
        allowed.send(unit(b"PUB /topic/b", b"x") * 10)
        allowed.ping(b"x")
        for _ in range(130):
            client = self.open(broker)
            client.send(unit(b"PUB /topic/b", b"x") * 2)
            self.assertEqual(client.ping(b"x"), [b"ERR denied"] * 2)
            client.close()
            allowed.send(unit(b"PUB /topic/b", b"x"))
        self.assertEqual(allowed.ping(b"y"), [])


class Denied(UsersTest):
    def lines(self, broker):
        return [[line.fields[key] for key in ("user", "what", "name", "missed")]
                for line in broker.log("event=denied")]

    def test_the_first_of_each_channel_is_logged_and_all_are_counted(self):
        broker = self.broker_for(LOCAL)
        client = self.open(broker)
        client.send(b"".join(unit(b"PUB /topic/" + name, b"x") * 50
                             for name in (b"b", b"c", b"d")))
        self.assertEqual(client.ping(b"x"), [b"ERR denied"] * 150)
        broker.wait_stats(denied=150)
        thermo, _ = self.opening(broker, b" mech=token", TOKEN)
        thermo.ask(b"SUB /other/* rid=1")
        for _ in range(2):
            old = self.connect(broker).subscribe(b"/topic/x/y")
            self.assert_closed(broker, old, "denied")
        broker.wait_stats(denied=153)
        lines = self.lines(broker)
        for line in (["local", "PUB", "/topic/b", "0"],
                     ["local", "PUB", "/topic/c", "0"],
                     ["local", "PUB", "/topic/d", "0"],
                     ["thermo", "SUB", "/other/*", "0"]):
            self.assertIn(line, lines)
        self.assertEqual([line[2] for line in lines].count("/topic/x/y"), 2)
        self.assertLess(len(lines), 50)

    def test_who_does_it_again_and_again_does_not_drown_others(self):
        """Of one user at most ten a second are logged."""
        broker = self.broker_for(LOCAL)
        client = self.open(broker)
        client.send(b"".join(unit(b"PUB /topic/x%d" % i, b"x")
                             for i in range(60)))
        self.assertEqual(client.ping(b"x"), [b"ERR denied"] * 60)
        lines = self.lines(broker)
        self.assertLess(len(lines), 60)
        thermo, _ = self.opening(broker, b" mech=token", TOKEN)
        thermo.ask(b"SUB /other/* rid=1")
        broker.wait_for_log("event=denied .*user=thermo .*name=/other/")


class Reloading(UsersTest):
    def test_who_is_gone_is_closed_and_others_notice_nothing(self):
        broker = self.broker_for(LOCAL)
        local = self.subscriber(broker, b"/topic/a")
        thermo, _ = self.opening(broker, b" mech=token", TOKEN)
        self.reload(broker, TOKENS)
        self.assert_closed(broker, local, "rights_revoked")
        self.assertEqual(thermo.ask(b"PING x"), b"PONG x")

    def test_a_subscription_that_is_no_longer_allowed_gets_nothing_more(self):
        broker = self.broker_for(LOCAL)
        one = self.subscriber(broker, b"/topic/a")
        two = self.open(broker)
        self.assertEqual(two.ask(b"SUB /topic/* rid=1"), b"OK rid=1")
        three = self.open(broker)
        self.assertEqual(three.ask(b"SUB /queue/a rid=1"), b"OK rid=1")
        self.reload(broker, LOCAL.replace("subscribe = /topic/*\n", ""))
        self.assert_closed(broker, one, "rights_revoked")
        self.assertEqual(two.hear(), (b"ERR denied",
                                      b"not allowed any more: /topic/*"))
        self.publisher(broker).publish(b"/topic/a", b"forbidden").goodbye()
        self.assertEqual(two.ask(b"PING x"), b"PONG x")
        self.assertEqual(three.ask(b"PING x"), b"PONG x")

    def test_under_load_nothing_forbidden_comes_after_the_event(self):
        """Nor from what waits for a reader that has not taken it yet."""
        broker = self.broker_for(LOCAL, "--client-limit", "64m")
        readers = [self.subscriber(broker, b"/topic/a") for _ in range(50)]
        writer, _ = self.opening(broker, b" mech=token", TOKEN)
        is_over = threading.Event()

        def flood():
            while not is_over.is_set():
                writer.send(unit(b"PUB /topic/a", b"before" * 100) * 100)
                writer.ping(b"x")

        flooding = Background(flood)
        broker.wait_stats(messages_out=lambda n: n > 10_000)
        self.reload(broker, LOCAL.replace("subscribe = /topic/*\n", ""))
        is_over.set()
        flooding.join()
        writer.send(unit(b"PUB /topic/a", b"after"))
        writer.ping(b"y")
        broker.wait_stats(closed_denied=len(readers))
        for reader in readers:
            with contextlib.suppress(ConnectionError):
                while True:
                    try:
                        self.assertNotEqual(reader.recv(), b"after")
                    except EOFError:
                        break

    def test_a_publisher_is_judged_again(self):
        broker = self.broker_for(LOCAL)
        self.subscriber(broker, b"/topic/a")
        before = broker.stats()["messages_in"]
        one, two = self.publisher(broker), self.open(broker)
        one.publish(b"/topic/a", b"x")
        two.say(b"PUB /topic/a", b"x")
        two.ping(b"x")
        broker.wait_stats(messages_in=before + 2)
        self.reload(broker, LOCAL.replace("publish = /topic/a\n", ""))
        one.publish(b"/topic/a", b"x")
        self.assert_closed(broker, one, "denied")
        self.assertEqual(two.ask(b"PUB /topic/a rid=1", b"x"),
                         b"ERR denied rid=1")
        self.assertEqual(broker.stats()["messages_in"], before + 2)

    def test_what_waits_for_room_is_judged_again(self):
        broker = self.broker_for(LOCAL, "--queue-limit", "1000")
        client = self.open(broker)
        client.say(b"PUB /queue/a", b"x" * 900)
        client.say(b"PUB /queue/a rid=2", b"y" * 900)
        client.ping(b"x")
        self.reload(broker, LOCAL.replace("publish = /queue/**\n", ""))
        reader = self.open(broker)
        reader.say(b"SUB /queue/a")
        self.assertEqual(client.hear_until(b"ERR")[-1], b"ERR denied rid=2")

    def test_a_broken_file_changes_nothing(self):
        broker = self.broker_for(LOCAL)
        reader = self.subscriber(broker, b"/topic/a")
        self.reload(broker, LOCAL + "nonsense = 1\n", "event=reload_failed")
        broker.wait_for_log("event=reload_mistake")
        self.file.unlink()
        mark = broker.mark()
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=reload_failed", since=mark)
        self.publisher(broker).publish(b"/topic/a", b"one")
        self.assertEqual(reader.recv(), b"one")


    def test_a_file_that_cannot_be_opened_changes_nothing(self):
        """For want of descriptors: who could see to that would get rid of all
        rules otherwise."""
        broker = self.broker_for(LOCAL)
        reader = self.subscriber(broker, b"/topic/a")
        writer = self.publisher(broker)
        broker.sync(writer)
        pid, kind = broker.process.pid, resource.RLIMIT_NOFILE
        _, most = resource.prlimit(pid, kind)
        resource.prlimit(pid, kind, (3, most))  # what is open stays open
        self.reload(broker, TOKENS, "event=reload_failed")
        writer.publish(b"/topic/a", b"one")
        self.assertEqual(reader.recv(), b"one")
        resource.prlimit(pid, kind, (most, most))
        denied = self.connect(broker).subscribe(b"/topic/x/y")
        self.assert_closed(broker, denied, "denied")
        self.reload(broker, TOKENS)
        self.assert_closed(broker, reader, "rights_revoked")


class Starting(UsersTest):
    def test_a_broken_file_does_not_start_and_all_is_said_at_once(self):
        self.write('[user "a"]\nuid = x\nnonsense = 1\n')
        for args in ((), ("--check",)):
            done = run_sluiced("--users", str(self.file), *args)
            self.assertEqual(done.returncode, WRONG_USAGE)
            for line in (2, 3):
                self.assertIn(f"{self.file}:{line}: ", done.stderr)

    def test_a_file_that_others_may_read_does_not_start(self):
        self.write(LOCAL)
        self.file.chmod(0o644)
        self.assertTrue(self.file.stat().st_mode & stat.S_IROTH)
        done = run_sluiced("--users", str(self.file))
        self.assertEqual(done.returncode, WRONG_USAGE)
        self.assertIn("chmod 640", done.stderr)


class Secrets(UsersTest):
    def test_no_secret_is_in_a_log_or_a_document(self):
        broker = self.broker_for(TOKENS, "--log-level", "debug")
        for secret in (TOKEN, TOKEN + b"x"):
            self.opening(broker, b" mech=token", secret)
        broker.wait_for_log("event=closed.*auth_required")
        lines = "\n".join(str(line) for line in broker.log())
        self.assertNotIn(TOKEN.decode(), lines)
        self.assertNotIn(DIGEST[7:], lines)


if __name__ == "__main__":
    main()
