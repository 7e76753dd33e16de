# SPDX-License-Identifier: MIT
"""Words behind an address say what is demanded there, and where other machines
can connect nothing is open by default."""
import fcntl
import hashlib
import os
import pathlib
import signal
import socket
import subprocess
import tempfile

import certificates
import tls_socket
from daemon import SLUICED, environment
from unit_client import OPENING, UnitClient, UnitsTest
from wire import DEADLINE, Client, main, run_sluiced

WRONG_USAGE, ABOVE = 2, 20
TOPIC = b"/topic/a"
FILES = certificates.server_options()
TOKEN = b"sl_canary"
DIGEST = "sha256:" + hashlib.sha256(TOKEN).hexdigest()
OPEN = " auth=none tls=none"
USERS = """[user "local"]
network = 10.0.0.0/8
subscribe = /topic/**
[user "thermo"]
token = sha256:{}
subscribe = /topic/**
""".format("ab" * 32)


class DoorsTest(UnitsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-doors-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.users = str(self.write("users.conf", USERS))

    def write(self, name, text):
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        path.chmod(0o600)
        return path

    def refused(self, *args):
        done = run_sluiced(*args)
        self.assertEqual(done.returncode, WRONG_USAGE, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(run_sluiced("--check", *args).returncode, WRONG_USAGE)
        return done.stderr

    def client(self, broker, number=0, tls=False):
        """At the broker's n-th address, however many interfaces it means."""
        port = broker.addresses[number].rpartition(":")[2]
        client = Client(f"127.0.0.1:{port}")
        self.addCleanup(client.close)
        if tls:
            client.sock = tls_socket.wrap(client.sock)
        return client

    def inherit(self, sock):
        """What is before a command that gets the socket as a service manager
        passes it, and the descriptor to keep open for it."""
        self.addCleanup(sock.close)
        fd = fcntl.fcntl(sock, fcntl.F_DUPFD_CLOEXEC, ABOVE)
        self.addCleanup(os.close, fd)
        return ("bash", "-c", f"exec 3<&{fd} {fd}<&-; LISTEN_PID=$$ "
                'LISTEN_FDS=1 exec "$0" "$@"'), fd

    def assertHeard(self, broker, number=0, tls=False):
        client = self.client(broker, number, tls)
        client.subscribe(TOPIC).publish(TOPIC, b"heard")
        self.assertEqual(client.recv(), b"heard")
        return client

    def assertOut(self, broker, reason, number=0, tls=False):
        since = broker.mark()
        self.client(broker, number, tls).subscribe(TOPIC)
        broker.wait_for_log(f"event=closed .*reason={reason} ", since)


class AnyDoor:
    """What holds for the addresses of each kind of door: its OPTION."""

    def test_each_half_has_to_be_decided(self):
        for args, way, other in (
                (("0.0.0.0:0 tls=none",), "--users", "--tls-cert"),
                (("0.0.0.0:0", *FILES), "--users", "--tls-cert"),
                (("0.0.0.0:0 auth=none",), "--tls-cert", "--users"),
                (("0.0.0.0:0", "--users", self.users), "--tls-cert",
                 "--users FILE")):
            said = self.refused(self.OPTION, *args)
            self.assertIn(way, said)
            self.assertNotIn(other, said)

    def test_what_is_demanded_has_to_be_possible(self):
        for word, option in (("tls=required", "--tls-cert"),
                             ("tls=allowed", "--tls-cert"),
                             ("auth=required", "--users")):
            said = self.refused(self.OPTION, f"127.0.0.1:0 {word}")
            self.assertIn(f"{word} needs {option}", said)


class Starting(AnyDoor, DoorsTest):
    OPTION = "--listen"

    def test_nothing_is_open_to_other_machines_by_default(self):
        """The sentence names both ways."""
        for address in ("0.0.0.0:0", "[::]:0", "*:0", ":0", "192.0.2.1:0",
                        "broker.example:0"):
            said = self.refused("--listen", address)
            for way in ("--users", "--tls-cert",
                        f"'{address} auth=none tls=none'"):
                self.assertIn(way, said)

    def test_a_wrong_word_is_named_with_what_it_can_be(self):
        tls = "tls=none, tls=allowed or tls=required"
        auth = "auth=none or auth=required"
        words = "there are only tls=, auth= and v1="
        for word, says in (
                ("tls=yes", f"'tls=yes', which is not {tls}"),
                ("tls=require", f"not {tls}; did you mean tls=required?"),
                ("tls=", f"'tls=', which is not {tls}"),
                ("tls=undecided", f"not {tls}"),
                ("auth=maybe", f"'auth=maybe', which is not {auth}"),
                ("auth=undecided tls=none", f"'auth=undecided', which is not "
                 f"{auth}"),
                ("v1=maybe", "'v1=maybe', which is not v1=no or v1=yes"),
                ("v2=no", f"'v2=no', and {words}; did you mean v1=?"),
                ("auht=none", "did you mean auth=?"),
                ("tls=none tls=none", "has tls= twice"),
                ("open", f"'open', and {words}"),
                ("auth=none open", f"'open', and {words}"),
                ("TLS=none", f"'TLS=none', and {words}")):
            said = self.refused("--listen", f"127.0.0.1:0 {word}")
            self.assertIn(f"--listen: '127.0.0.1:0 {word}' has ", said)
            self.assertIn(says, said)

    def test_what_is_no_address_is_told_apart_from_its_words(self):
        for address in ("127.0.0.1:x", "127.0.0.1:x tls=none", "tls=none"):
            said = self.refused("--listen", address)
            self.assertIn(f"'{address}' is not host:port", said)

    def test_a_word_in_the_file_is_named_with_its_line(self):
        path = self.write("sluice.conf",
                          "[broker]\nlisten = 127.0.0.1:0 auth=no\n")
        self.assertIn(f"{path}:2: listen: '127.0.0.1:0 auth=no' has the word "
                      "'auth=no', which is not auth=none or auth=required; "
                      "did you mean auth=none?",
                      self.refused("-c", str(path)))

    def test_all_doors_are_judged_at_once(self):
        done = run_sluiced("--listen", "0.0.0.0:0", "--listen", "[::]:0")
        self.assertEqual(len(done.stderr.splitlines()), 2, done.stderr)

    def test_the_words_have_their_place_in_all_sources(self):
        path = self.write("sluice.conf",
                          f"[broker]\nlisten = 0.0.0.0:0{OPEN} ; so be it\n")
        for args, env in ((("--listen", f"0.0.0.0:0{OPEN}"), {}),
                          ((f"--listen=0.0.0.0:0{OPEN}",), {}),
                          (("-c", str(path)), {}),
                          ((), {"SLUICE_LISTEN": f"0.0.0.0:0{OPEN}"})):
            done = run_sluiced("--check", *args, env=env)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn("; 0.0.0.0:0 demands tls=none auth=none v1=yes",
                          done.stdout)

    def test_check_prints_what_each_address_demands(self):
        done = run_sluiced("--check", "--listen", "0.0.0.0:1", "--listen",
                           "127.0.0.1:2 v1=no auth=none", "--listen",
                           "unix:/a b tls=none", "--users", self.users, *FILES)
        self.assertEqual(done.stdout.splitlines()[-3:], [
            "; 0.0.0.0:1 demands tls=required auth=required v1=yes",
            "; 127.0.0.1:2 demands tls=allowed auth=none v1=no",
            "; unix:/a b demands tls=none auth=required v1=yes"])

    def test_a_path_may_have_spaces_in_it(self):
        path = self.folder / "a b"
        self.broker(listen=(f"unix:{path} auth=none",))
        self.assertTrue(path.is_socket())

    def test_an_inherited_socket_is_judged_by_where_it_is(self):
        sock = socket.create_server(("0.0.0.0", 0))
        command, fd = self.inherit(sock)
        done = subprocess.run([*command, SLUICED], capture_output=True,
                              text=True, timeout=DEADLINE, pass_fds=[fd],
                              env=environment(), check=False)
        address = f"0.0.0.0:{sock.getsockname()[1]}"
        self.assertNotEqual(done.returncode, 0)
        self.assertIn(f"'{address} auth=none tls=none'", done.stderr)
        broker = self.broker(listen=(address + OPEN,), prefix=command,
                             pass_fds=(fd,))
        self.assertHeard(broker)

    def test_ipv4_is_ipv4_at_an_inherited_socket_of_both_families(self):
        """By its network, and by where its user may come from, however either
        is spelled."""
        if not socket.has_dualstack_ipv6():
            self.skipTest("no address of both families here")
        plain, mapped = "127.0.0.0/8", "::ffff:127.0.0.0/104"
        for network, origin in ((plain, mapped), (mapped, plain)):
            sock = socket.create_server(("::", 0), family=socket.AF_INET6,
                                        dualstack_ipv6=True)
            command, fd = self.inherit(sock)
            port = sock.getsockname()[1]
            users = self.write("users.conf", (
                f'[user "local"]\nnetwork = {network}\n'
                f'[user "thermo"]\ntoken = {DIGEST}\nfrom = {origin}\n'))
            self.broker("--users", users, prefix=command, pass_fds=(fd,),
                        listen=(f"[::]:{port} tls=none",))
            for way, secret in ((b"", b""), (b" mech=token", TOKEN)):
                for host, answer in (("127.0.0.1", b"INFO"), ("[::1]", b"ERR")):
                    client = UnitClient(f"{host}:{port}")
                    self.addCleanup(client.close)
                    client.say(OPENING[0] + way, secret)
                    self.assertEqual(client.hear()[0].split(b" ")[0], answer)


class Documents(AnyDoor, DoorsTest):
    """The same for HTTP, in its own words."""
    OPTION = "--http"

    def test_nothing_is_open_to_other_machines_by_default(self):
        for address in ("0.0.0.0:0", "[::]:0", "*:0", "broker.example"):
            said = self.refused("--http", address)
            for way in ("--users", "--tls-cert",
                        f"'{address} auth=none tls=none'"):
                self.assertIn(way, said)
            self.assertTrue(said.startswith(f"sluiced: http {address}: "))

    def test_a_wrong_word_is_named_with_what_it_can_be(self):
        words = "there are only tls= and auth="
        for word, says in (("tls=yes", "'tls=yes', which is not tls=none, "),
                           ("v1=yes", f"'v1=yes', and {words}\n"),
                           ("v1=no", f"'v1=no', and {words}\n"),
                           ("tls=none tls=none", "has tls= twice")):
            said = self.refused("--http", f"127.0.0.1:0 {word}")
            self.assertIn(says, said)

    def test_check_prints_what_each_address_demands(self):
        done = run_sluiced("--check", "--http", "0.0.0.0:1", "--http",
                           "127.0.0.1:2 tls=none auth=none", "--http",
                           "unix:/a b", "--users", self.users, *FILES)
        self.assertEqual(done.stdout.splitlines()[-3:], [
            "; http 0.0.0.0:1 demands tls=required auth=required",
            "; http 127.0.0.1:2 demands tls=none auth=none",
            "; http unix:/a b demands tls=allowed auth=required"])

    def test_an_open_address_is_said_at_each_start(self):
        broker = self.broker("--http", f"0.0.0.0:0{OPEN}")
        line = broker.wait_for_log("event=unprotected")
        self.assertEqual((line.level, line.fields["http"]),
                         ("warning", "0.0.0.0:0"))


class Warnings(DoorsTest):
    def test_what_is_open_to_others_is_said_at_each_start(self):
        broker = self.broker(listen=(f"0.0.0.0:0{OPEN}",))
        line = broker.wait_for_log("event=unprotected")
        self.assertEqual((line.level, line.fields["tls"], line.fields["auth"]),
                         ("warning", "none", "none"))

    def test_nothing_is_said_where_all_is_demanded_or_local(self):
        broker = self.broker("--users", self.users, *FILES,
                             listen=("0.0.0.0:0", "127.0.0.1:0 auth=none"))
        self.assertEqual(broker.log("event=unprotected"), [])


class Demands(DoorsTest):
    def test_tls_required(self):
        broker = self.broker(*FILES, listen=("127.0.0.1:0 tls=required",))
        self.assertOut(broker, "tls_required")
        self.assertHeard(broker, tls=True)
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        client.say(*OPENING)
        self.assertEqual(client.hear()[0], b"ERR auth")
        self.assertEqual(client.hear()[0], b"BYE")
        client.wait_closed()

    def test_tls_none(self):
        broker = self.broker(*FILES, listen=("127.0.0.1:0 tls=none",))
        self.assertHeard(broker)
        since = broker.mark()
        client = self.client(broker)
        client.sock.sendall(b"\x16\x03\x01\x00\x05hello")
        line = broker.wait_for_log("event=closed ", since)
        self.assertEqual(line.fields["reason"], "foreign_protocol")

    def test_tls_allowed(self):
        broker = self.broker(*FILES, listen=("127.0.0.1:0 tls=allowed",))
        self.assertHeard(broker)
        self.assertHeard(broker, tls=True)

    def test_other_machines_need_tls_if_there_is_a_certificate(self):
        broker = self.broker(*FILES, listen=("0.0.0.0:0 auth=none",))
        self.assertOut(broker, "tls_required")
        self.assertHeard(broker, tls=True)

    def test_auth_none_asks_nobody_though_there_are_users(self):
        broker = self.broker("--users", self.users, listen=(
            "127.0.0.1:0 auth=none", "127.0.0.1:0"))
        self.assertHeard(broker, 0)
        self.assertOut(broker, "auth_required", 1)
        units = UnitClient(broker.addresses[0])
        self.addCleanup(units.close)
        units.say(OPENING[0] + b" user=x mech=plain", b"secret")
        units.hear_until(b"INFO")
        for ask in (b"PUB /topic/b rid=1", b"SUB /sys/** rid=2",
                    b"SUB /queue/a rid=3"):
            self.assertTrue(units.ask(ask).startswith(b"OK rid="))

    def test_who_was_not_asked_stays_when_the_users_change(self):
        broker = self.broker("--users", self.users,
                             listen=("127.0.0.1:0 auth=none",))
        client = self.assertHeard(broker)
        self.write("users.conf", USERS.replace("/topic/**", "/topic/b"))
        since = broker.mark()
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=rights_loaded", since)
        client.publish(TOPIC, b"still")
        self.assertEqual(client.recv(), b"still")

    def test_version_one_may_be_refused(self):
        broker = self.broker(listen=("127.0.0.1:0 v1=no",))
        self.assertOut(broker, "version")
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        client.say(*OPENING)
        client.hear_until(b"INFO")


class Reloading(DoorsTest):
    def start(self, *lines, **kwargs):
        self.config = self.folder / "sluice.conf"
        self.configure(*lines, **kwargs)
        return self.broker("-c", str(self.config), *FILES, listen=len(lines))

    def configure(self, *lines, has_users=False):
        users = f"[auth]\nusers = {self.users}\n" if has_users else ""
        self.write("sluice.conf", "[broker]\n" + "".join(
            f"listen = {line}\n" for line in lines) + users)

    def reload(self, broker, event, *lines, **kwargs):
        self.configure(*lines, **kwargs)
        since = broker.mark()
        broker.signal(signal.SIGHUP)
        return broker.wait_for_log(f"event={event}", since), since

    def test_other_words_do_not_close_the_address(self):
        """They are for those that connect from then on."""
        path = f"unix:{self.folder}/socket"
        broker = self.start("127.0.0.1:0", path)
        inside = self.assertHeard(broker)
        line, since = self.reload(broker, "demands_changed",
                                  "127.0.0.1:0 tls=required", path)
        self.assertEqual(line.fields["tls"], "required")
        broker.wait_for_log("event=reloaded ?", since)
        self.assertEqual(broker.log("event=listening|event=demands", since),
                         [line])
        self.assertOut(broker, "tls_required")
        inside.publish(TOPIC, b"still")
        self.assertEqual(inside.recv(), b"still")

    def test_users_that_come_at_the_next_start_open_nothing_and_close_nothing(
            self):
        """A door is judged by the users that there are."""
        broker = self.start("127.0.0.1:0")
        line, since = self.reload(broker, "reload_kept", "127.0.0.1:0",
                                  has_users=True)
        self.assertEqual(line.fields["option"], "users")
        broker.wait_for_log("event=reloaded ?", since)
        self.assertEqual(broker.log("event=demands_changed", since), [])
        self.assertHeard(broker)
        for words in ("127.0.0.1:0 auth=required", "0.0.0.0:0 tls=none"):
            self.reload(broker, "reload_failed", words, has_users=True)
            self.assertHeard(broker)

    def test_users_that_are_gone_at_the_next_start_are_asked_for_until_then(
            self):
        broker = self.start("127.0.0.1:0", has_users=True)
        self.assertOut(broker, "auth_required")
        _, since = self.reload(broker, "reload_kept", "127.0.0.1:0")
        broker.wait_for_log("event=reloaded ?", since)
        self.assertEqual(broker.log("event=demands_changed", since), [])
        self.assertOut(broker, "auth_required")

    def test_words_that_cannot_be_change_nothing(self):
        broker = self.start("127.0.0.1:0")
        for line in ("127.0.0.1:0 auth=required", "0.0.0.0:0"):
            self.reload(broker, "reload_failed", line)
            self.assertHeard(broker)


if __name__ == "__main__":
    main()
