# SPDX-License-Identifier: MIT
"""Clients of version 2 show who they are by a password or a signature; what is
wrong is refused in the same words, and slows down where it comes from."""
import base64
import ctypes
import hmac
import os
import pathlib
import signal
import ssl
import tempfile
import time

import certificates
import tls_socket
from unit_client import OPENING, UnitClient, UnitsTest, unit
from wire import DEADLINE, main, once_is_enough

once_is_enough()

CRYPT = ctypes.CDLL("libcrypt.so.1")
CRYPT.crypt.restype = ctypes.c_char_p
PASSWORD, OTHER = b"correct horse", b"battery staple"
PLAIN = b" user=thermo mech=plain"
SIGNED = b" user=robot mech=ed25519"
AT_ONCE = 10  # failures of one source that are nothing special
# So many at once all fail before their source waits, and have it wait for
# seconds.
OVERDRAWN = AT_ONCE + 4
NO_EXTENDED_MASTER_SECRET = 1  # of OpenSSL's options, which ssl has no name for
QUICK, SLOW = "$6$rounds=1000$", "$6$rounds=400000$"


def hash_of(password, method=QUICK):
    return CRYPT.crypt(password, method.encode() + b"saltsalt").decode()


class Key:
    """An Ed25519 key, by the program openssl."""

    def __init__(self, folder, name):
        self.file = folder / f"{name}.key"
        self.text = folder / f"{name}.text"
        certificates.openssl("genpkey", "-algorithm", "ed25519", "-out",
                             self.file)
        public = certificates.openssl("pkey", "-in", self.file, "-pubout",
                                      "-outform", "DER").stdout
        self.public = "ed25519:" + base64.b64encode(public).decode()

    def sign(self, user, nonce, binding=b""):
        self.text.write_bytes(b"sluice/2 auth\0" + user + b"\0" + nonce
                              + binding)
        return certificates.openssl("pkeyutl", "-sign", "-rawin", "-inkey",
                                    self.file, "-in", self.text).stdout


class Recorded:
    """A socket that keeps what it has received."""

    def __init__(self, sock):
        self.sock, self.received = sock, b""

    def recv(self, most):
        data = self.sock.recv(most)
        self.received += data
        return data

    def __getattr__(self, name):
        return getattr(self.sock, name)


def exported_12(keys, hello):
    """tls-exporter of TLS 1.2, by RFC 5705: of the file of its keys, as
    SSLKEYLOGFILE has them, and of what begins with the server's hello."""
    line = next(line for line in keys.read_text().splitlines()
                if line.startswith("CLIENT_RANDOM"))
    random, secret = map(bytes.fromhex, line.split()[1:])
    seed = b"EXPORTER-Channel-Binding" + random + hello[11:11 + 32]
    first = hmac.digest(secret, seed, "sha256")
    return hmac.digest(secret, first + seed, "sha256")


class LoginsTest(UnitsTest):
    def setUp(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-logins-")
        self.addCleanup(folder.cleanup)
        self.folder = pathlib.Path(folder.name)
        self.file = self.folder / "users.conf"

    def users(self, *sections):
        """Written at once; each is a name and its lines."""
        fresh = self.folder / "fresh"
        fresh.write_text("".join(
            f'[user "{name}"]\npublish = /topic/**\nsubscribe = /topic/**\n'
            + "".join(line + "\n" for line in lines)
            for name, *lines in sections))
        fresh.chmod(0o600)
        fresh.rename(self.file)

    def thermo(self, password=PASSWORD, method=QUICK):
        return ("thermo", f"password = {hash_of(password, method)}")

    def start(self, *sections, args=(), **kwargs):
        self.users(*sections)
        return self.broker("--users", str(self.file), *args, **kwargs)

    def opening(self, broker, options=b"", secret=b"", number=0):
        client = UnitClient(broker.addresses[number])
        self.addCleanup(client.close)
        return client.say(OPENING[0] + options, secret)

    def assertAdmitted(self, client):
        self.assertEqual(client.hear()[0].split(b" ")[0], b"INFO")
        self.assertEqual(client.ask(b"PUB /topic/a rid=1", b"x"),
                         b"OK rid=1 seq=0 subs=0 drop=0")

    def assertRefused(self, client):
        self.assertEqual([client.hear(), client.hear()],
                         [(b"ERR auth", b"not authenticated"), (b"BYE", b"")])
        client.wait_closed()


class Passwords(LoginsTest):
    def test_the_right_one_lets_in(self):
        broker = self.start(self.thermo())
        self.assertAdmitted(self.opening(broker, PLAIN, PASSWORD))
        broker.wait_stats(logins=1, logins_failed=0, logins_waiting=0)
        line = broker.wait_for_log("event=auth_ok")
        self.assertEqual((line.level, line.fields["user"]),
                         ("info", "thermo"))

    def test_all_that_is_wrong_is_refused_in_the_same_words(self):
        broker = self.start(self.thermo(), ("other", "uid = 4000000"))
        wrong = ((PLAIN, OTHER), (PLAIN, b""), (PLAIN, PASSWORD + b"\0"),
                 (PLAIN, b"x" * 4000), (b" user=nobody mech=plain", PASSWORD),
                 (b" user=other mech=plain", PASSWORD),
                 (b" mech=plain", PASSWORD), (b" user=thermo", PASSWORD))
        for options, secret in wrong:
            self.assertRefused(self.opening(broker, options, secret))
        broker.wait_stats(logins=0, logins_failed=len(wrong))
        self.assertEqual(len(broker.log("event=auth_failed")), len(wrong))

    def test_what_was_sent_behind_the_opening_comes_after_it(self):
        """It waits until the password has been compared."""
        broker = self.start(self.thermo(method=SLOW))
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        client.send(unit(OPENING[0] + PLAIN, PASSWORD)
                    + unit(b"SUB /topic/a rid=1")
                    + b"".join(unit(b"PUB /topic/a", b"%d" % i)
                               for i in range(50)))
        self.assertEqual(client.hear()[0].split(b" ")[0], b"INFO")
        self.assertEqual(client.hear()[0], b"OK rid=1 seq=0")
        self.assertEqual([client.hear()[1] for _ in range(50)],
                         [b"%d" % i for i in range(50)])

    def test_nothing_is_executed_before_a_wrong_one_is_refused(self):
        broker = self.start(self.thermo(method=SLOW))
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        client.send(unit(OPENING[0] + PLAIN, OTHER)
                    + unit(b"PUB /topic/a", b"x") * 50)
        self.assertRefused(client)
        self.assertEqual(broker.stats()["messages_in"], 0)

    def test_an_opening_may_come_octet_by_octet(self):
        broker = self.start(self.thermo())
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        for octet in unit(OPENING[0] + PLAIN, PASSWORD):
            client.send(bytes([octet]))
        self.assertAdmitted(client)

    def test_a_client_that_leaves_while_it_waits_harms_nobody(self):
        broker = self.start(self.thermo(method=SLOW))
        for _ in range(8):
            self.opening(broker, PLAIN, PASSWORD).close()
        self.assertAdmitted(self.opening(broker, PLAIN, PASSWORD))
        broker.wait_stats(logins_waiting=0, connections=1)

    def test_stopping_does_not_wait_for_it(self):
        broker = self.start(self.thermo(method=SLOW))
        self.opening(broker, PLAIN, PASSWORD)
        broker.wait_stats(logins_waiting=lambda n: n <= 1, accepted=1)
        self.assertEqual(broker.stop().status, 0)

    def test_a_storm_of_one_user_costs_one_comparison(self):
        """What was right a short while ago is right at once."""
        broker = self.start(self.thermo(method=SLOW))
        self.assertAdmitted(self.opening(broker, PLAIN, PASSWORD))
        for client in [self.opening(broker, PLAIN, PASSWORD)
                       for _ in range(100)]:
            self.assertAdmitted(client)
        broker.wait_stats(logins=101, passwords_compared=1)

    def test_more_than_can_be_compared_at_once_wait_in_turn(self):
        """Eight of a source are compared; the others wait, and get in."""
        broker = self.start(self.thermo(method=SLOW),
                            args=("--hello-timeout", "1m", "--ping", "1h"))
        for client in [self.opening(broker, PLAIN, PASSWORD)
                       for _ in range(40)]:
            self.assertAdmitted(client)
        broker.wait_stats(logins=40, logins_waiting=0)


class Slowing(LoginsTest):
    def test_a_source_that_fails_waits_and_others_do_not(self):
        broker = self.start(
            self.thermo(), ("local", f"uid = {os.getuid()}"),
            args=("--hello-timeout", "60s"),
            listen=("127.0.0.1:0", "unix:{dir}/socket"))
        for client in [self.opening(broker, PLAIN, OTHER)
                       for _ in range(OVERDRAWN)]:
            self.assertRefused(client)
        late = self.opening(broker, PLAIN, PASSWORD)
        broker.wait_stats(logins_waiting=1)
        self.assertAdmitted(self.opening(broker, PLAIN, PASSWORD, number=1))
        self.assertAdmitted(late)

    def test_accounts_are_not_locked(self):
        """Many wrong passwords over a unix socket lock nobody out."""
        broker = self.start(self.thermo(), listen=("unix:{dir}/socket",))
        for _ in range(100):
            self.assertRefused(self.opening(broker, PLAIN, OTHER))
        self.assertAdmitted(self.opening(broker, PLAIN, PASSWORD))
        self.assertLess(len(broker.log("event=auth_failed")), 100)

    def test_of_many_failures_ten_a_second_are_logged_and_all_counted(self):
        broker = self.start(self.thermo(), listen=("unix:{dir}/socket",))
        begun = time.monotonic()
        for _ in range(200):
            self.assertRefused(self.opening(broker, b" mech=token", OTHER))
        seconds = time.monotonic() - begun
        broker.wait_stats(logins_failed=200)
        lines = broker.log("event=auth_failed")
        self.assertLessEqual(len(lines), 10 * (seconds + 2))
        told = sum(1 + int(line.fields["missed"]) for line in lines)
        while told < 200:  # one of the next seconds says how many there were
            self.assertLess(time.monotonic() - begun, seconds + DEADLINE)
            self.assertRefused(self.opening(broker, b" mech=token", OTHER))
            told = sum(1 + int(line.fields["missed"])
                       for line in broker.log("event=auth_failed"))

    def test_too_many_of_one_source_are_refused_as_busy(self):
        broker = self.start(self.thermo(), args=("--hello-timeout", "60s"))
        for client in [self.opening(broker, PLAIN, OTHER)
                       for _ in range(OVERDRAWN)]:
            self.assertRefused(client)
        crowd = [self.opening(broker, PLAIN, OTHER) for _ in range(70)]
        self.assertEqual([crowd[-1].hear()[0], crowd[-1].hear()[0]],
                         [b"ERR busy", b"BYE"])
        broker.wait_stats(logins_busy=6)
        lines = broker.log("event=auth_busy")
        self.assertIn(lines[0].fields["missed"], "0")
        self.assertLess(len(lines), 6)

    def test_the_hello_timeout_holds_for_those_that_wait(self):
        broker = self.start(self.thermo(), args=("--hello-timeout", "500ms"))
        for _ in range(2 * AT_ONCE):
            last = self.opening(broker, PLAIN, OTHER)
        self.assertRefused(last)
        broker.wait_for_log("event=closed .*reason=hello_timeout")
        broker.wait_stats(logins_waiting=0)


class Signatures(LoginsTest):
    def robot(self, name="robot"):
        key = Key(self.folder, name)
        return key, (name, f"key = {key.public}")

    def asked(self, client):
        head, nonce = client.hear()
        self.assertEqual((head, len(nonce)), (b"CHAL", 32))
        return nonce

    def test_the_owner_of_the_key_is_let_in(self):
        key, robot = self.robot()
        broker = self.start(robot)
        client = self.opening(broker, SIGNED)
        client.say(b"SIG", key.sign(b"robot", self.asked(client)))
        self.assertAdmitted(client)

    def test_what_is_wrong_is_refused(self):
        key, robot = self.robot()
        other, second = self.robot("other")
        broker = self.start(robot, second, self.thermo())
        for options, head, sign in (
                (SIGNED, b"SIG", lambda n: other.sign(b"robot", n)),
                (SIGNED, b"SIG", lambda n: key.sign(b"other", n)),
                (SIGNED, b"SIG", lambda n: key.sign(b"robot", n[::-1])),
                (SIGNED, b"SIG", lambda n: b""),
                (SIGNED, b"SIG", lambda n: key.sign(b"robot", n) + b"x"),
                (SIGNED, b"PING", lambda n: b""),
                (b" user=nobody mech=ed25519", b"SIG",
                 lambda n: key.sign(b"nobody", n)),
                (b" user=thermo mech=ed25519", b"SIG",
                 lambda n: key.sign(b"thermo", n))):
            client = self.opening(broker, options)
            client.say(head, sign(self.asked(client)))
            self.assertRefused(client)
        broker.wait_stats(logins_failed=8)

    def test_what_comes_before_the_question_is_no_signature(self):
        _, robot = self.robot()
        broker = self.start(robot)
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        client.send(unit(OPENING[0] + SIGNED) + unit(b"PUB /topic/a", b"x"))
        self.asked(client)
        self.assertRefused(client)
        self.assertEqual(broker.stats()["messages_in"], 0)

    def test_a_client_that_does_not_sign_is_closed_in_time(self):
        _, robot = self.robot()
        broker = self.start(robot, args=("--hello-timeout", "300ms"))
        client = self.opening(broker, SIGNED)
        self.asked(client)
        self.assertRefused(client)
        broker.wait_for_log("event=closed .*reason=hello_timeout")

    def test_with_tls_it_is_bound_to_the_connection(self):
        """The signature of a relayed question is worth nothing."""
        key, robot = self.robot()
        broker = self.start(robot, args=certificates.server_options())
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        client.sock = tls_socket.wrap(client.sock)
        client.say(OPENING[0] + SIGNED)
        client.say(b"SIG", key.sign(b"robot", self.asked(client)))
        self.assertRefused(client)

    def signed_in_12(self, key, broker, options=0):
        made, keys = tls_socket.context(), self.folder / "keys"
        made.maximum_version = ssl.TLSVersion.TLSv1_2
        made.set_ciphers("ECDHE+AESGCM+AES128")
        made.options |= options
        keys.unlink(missing_ok=True)
        made.keylog_filename = keys
        client = UnitClient(broker.address)
        self.addCleanup(client.close)
        record = Recorded(client.sock)
        client.sock = tls_socket.wrap(record, made=made)
        client.say(OPENING[0] + SIGNED)
        client.say(b"SIG", key.sign(b"robot", self.asked(client),
                                    exported_12(keys, record.received)))
        return client

    def test_in_tls_12_it_is_bound_only_where_no_other_has_the_same_bytes(self):
        """RFC 9266: not without the extended master secret of RFC 7627."""
        key, robot = self.robot()
        broker = self.start(robot, args=certificates.server_options())
        self.assertAdmitted(self.signed_in_12(key, broker))
        self.assertRefused(
            self.signed_in_12(key, broker, NO_EXTENDED_MASTER_SECRET))


class Reloading(LoginsTest):
    def reload(self, broker, *sections):
        self.users(*sections)
        since = broker.mark()
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=rights_loaded", since)

    def test_another_password_ends_those_who_showed_the_old_one(self):
        key = Key(self.folder, "robot")
        robot = ("robot", f"key = {key.public}")
        broker = self.start(self.thermo(), robot)
        one = self.opening(broker, PLAIN, PASSWORD)
        self.assertAdmitted(one)
        two = self.opening(broker, SIGNED)
        two.say(b"SIG", key.sign(b"robot", two.hear()[1]))
        self.assertAdmitted(two)
        self.reload(broker, self.thermo(OTHER), robot)
        one.wait_closed()
        self.assertEqual(two.ask(b"PING x"), b"PONG x")
        self.assertRefused(self.opening(broker, PLAIN, PASSWORD))
        self.assertAdmitted(self.opening(broker, PLAIN, OTHER))

    def test_a_password_is_compared_with_the_file_of_now(self):
        """Though the comparison began with another one."""
        broker = self.start(self.thermo(method=SLOW))
        client = self.opening(broker, PLAIN, PASSWORD)
        broker.wait_stats(accepted=1)
        self.reload(broker, self.thermo(OTHER))
        answer = client.hear()[0].split(b" ")[0]
        if answer == b"INFO":  # it was in before
            client.wait_closed()
        else:
            self.assertEqual(answer, b"ERR")


    def test_a_comparison_outlives_a_change_of_others(self):
        """A file that changes all the time keeps nobody out."""
        broker = self.start(self.thermo(method=SLOW),
                            args=("--hello-timeout", "60s"))
        client = self.opening(broker, PLAIN, PASSWORD)
        broker.wait_stats(passwords_compared=1)
        for uid in range(3):
            self.reload(broker, self.thermo(method=SLOW),
                        ("other", f"uid = {uid}"))
        self.assertAdmitted(client)
        broker.wait_stats(passwords_compared=1)


class Limits(LoginsTest):
    def test_connections_beyond_the_limit_are_closed_with_the_reason(self):
        limit = ("connections = 2",)
        broker = self.start((*self.thermo(), *limit),
                            ("local", "network = 127.0.0.0/8", *limit))
        for options, secret in ((PLAIN, PASSWORD), (b"", b"")):
            inside = [self.opening(broker, options, secret) for _ in range(2)]
            for client in inside:
                self.assertAdmitted(client)
            since = broker.mark()
            late = self.opening(broker, options, secret)
            self.assertEqual([late.hear()[0], late.hear()[0]],
                             [b"ERR busy", b"BYE"])
            broker.wait_for_log("event=closed .*user_connections", since)
            inside[0].close()
            broker.wait_stats(connections=lambda n: n % 2 == 1)
            self.assertAdmitted(self.opening(broker, options, secret))
        one = self.connect(broker).subscribe(b"/topic/a")
        self.assert_closed(broker, one, "user_connections")

    def test_the_limit_holds_after_a_reload(self):
        """Who is inside is counted, and stays."""
        broker = self.start(self.thermo())
        inside = [self.opening(broker, PLAIN, PASSWORD) for _ in range(3)]
        for client in inside:
            self.assertAdmitted(client)
        self.users((*self.thermo(), "connections = 2"))
        since = broker.mark()
        broker.signal(signal.SIGHUP)
        broker.wait_for_log("event=rights_loaded", since)
        for client in inside:
            self.assertEqual(client.ask(b"PING x"), b"PONG x")
        late = self.opening(broker, PLAIN, PASSWORD)
        self.assertEqual(late.hear()[0], b"ERR busy")


class Rates(LoginsTest):
    """Over the limit a user is not read until time has made up for it; nothing
    is lost, and nobody else waits."""

    def check_rate(self, limit, messages, size):
        broker = self.start((*self.thermo(), limit), ("other", "uid = 0"),
                            ("local", "network = 127.0.0.0/8"))
        reader = self.opening(broker)
        self.assertAdmitted(reader)
        reader.ask(b"SUB /topic/x rid=1")
        client = self.opening(broker, PLAIN, PASSWORD)
        client.hear()
        client.send(b"".join(unit(b"PUB /topic/x", b"%d" % i + b"x" * size)
                             for i in range(messages)))
        broker.wait_stats(paused_publishers=1)
        client.say(b"PUB /topic/x", b"last")
        other = self.opening(broker)
        self.assertAdmitted(other)
        self.assertEqual(broker.stats()["paused_publishers"], 1)
        heard = []
        while not heard or heard[-1] != b"last":
            head, body = reader.hear()
            if head.startswith(b"MSG /topic/x"):
                heard.append(body)
        self.assertEqual(len(heard), messages + 1)
        broker.wait_stats(paused_publishers=0)

    def test_messages(self):
        self.check_rate("messages = 20/s", 100, 0)

    def test_bytes(self):
        self.check_rate("bytes = 20k/s", 10, 10000)

    def rationed(self, *limits):
        """A client whose user may send so much."""
        broker = self.start((*self.thermo(), *limits), ("other", "uid = 0"))
        client = self.opening(broker, PLAIN, PASSWORD)
        client.hear()
        return broker, client

    def test_the_client_is_asked_to_hold_until_it_may_send_again(self):
        """Once, however often it is read and not read until then."""
        broker, client = self.rationed("messages = 20/s")
        for _ in range(2):
            client.send(unit(b"PUB /topic/x", b"x") * 60)
            self.assertEqual(client.hear()[0], b"HOLD /topic/x")
            self.assertEqual(client.hear()[0], b"GO /topic/x")
        self.assertEqual(broker.stats()["holds"], 2)
        self.assertEqual(broker.stats()["messages_in"], 120)
        self.assertEqual(client.ping(b"x"), [])

    def test_a_client_that_does_not_hold_is_asked_once(self):
        """And loses nothing."""
        broker, client = self.rationed("bytes = 100k/s")
        client.send(unit(b"PUB /topic/x", b"x" * 1000) * 400)
        self.assertEqual(client.hear()[0], b"HOLD /topic/x")
        client.send(unit(b"PUB /topic/x", b"x" * 1000) * 50)
        self.assertEqual(client.ping(b"y"), [])
        self.assertEqual(client.hear()[0], b"GO /topic/x")
        stats = broker.stats()
        self.assertEqual((stats["holds"], stats["messages_in"]), (1, 450))

    def test_one_that_leaves_is_not_asked(self):
        broker, client = self.rationed("messages = 20/s")
        client.send(unit(b"PUB /topic/x", b"x") * 30 + unit(b"BYE rid=1", b""))
        self.assertEqual([client.hear()[0] for _ in range(2)],
                         [b"OK rid=1", b"BYE"])
        self.assertEqual(broker.stats()["holds"], 0)

    def test_a_slow_client_that_leaves_loses_nothing(self):
        """What it has sent is read though it has gone."""
        broker = self.start(("local", "network = 127.0.0.0/8"),
                            (*self.thermo(), "messages = 20/s"))
        reader = self.opening(broker)
        self.assertAdmitted(reader)
        reader.ask(b"SUB /topic/x rid=1")
        client = self.opening(broker, PLAIN, PASSWORD)
        client.hear()
        client.send(unit(b"PUB /topic/x", b"x") * 60)
        broker.wait_stats(paused_publishers=1)
        client.send(unit(b"PUB /topic/x", b"x") * 5 + unit(b"BYE"))
        client.half_close()
        for _ in range(65):
            self.assertTrue(reader.hear()[0].startswith(b"MSG"))


class Watching(LoginsTest):
    def test_a_changed_file_is_taken_without_a_signal(self):
        broker = self.start(self.thermo())
        client = self.opening(broker, PLAIN, PASSWORD)
        self.assertAdmitted(client)
        since = broker.mark()
        self.users(("other", "uid = 4000000"))
        broker.wait_for_log("event=rights_loaded", since)
        client.wait_closed()

    def test_a_changed_file_with_a_mistake_is_not_taken(self):
        broker = self.start(self.thermo())
        since = broker.mark()
        self.users((*self.thermo(), "nonsense = 1"))
        broker.wait_for_log("event=rights_kept", since)
        broker.wait_for_log("event=reload_mistake.*nonsense", since)
        self.assertAdmitted(self.opening(broker, PLAIN, PASSWORD))


class Secrets(LoginsTest):
    def test_no_secret_is_in_a_log(self):
        broker = self.start(self.thermo(), args=("--log-level", "debug"))
        self.assertAdmitted(self.opening(broker, PLAIN, PASSWORD))
        self.assertRefused(self.opening(broker, PLAIN, OTHER))
        lines = "\n".join(str(line) for line in broker.log())
        proc = pathlib.Path(f"/proc/{broker.process.pid}")
        seen = lines + (proc / "cmdline").read_text() + \
            (proc / "environ").read_text()
        for secret in (PASSWORD, OTHER, hash_of(PASSWORD).encode()):
            self.assertNotIn(secret.decode(), seen)

    def test_no_core_file_can_hold_one(self):
        """What the kernel does not dump belongs to root: so do its files in
        /proc, whoever runs the broker."""
        users = ()
        self.users(self.thermo())
        if os.geteuid() == 0:
            users = ("setpriv", "--reuid=65534", "--regid=65534",
                     "--clear-groups")
            self.folder.chmod(0o711)
            os.chown(self.file, 65534, 65534)
        for args, owner in ((("--users", str(self.file)), 0),
                            ((), 65534 if users else os.geteuid())):
            broker = self.broker(*args, "--feed", "off", "--control", "off",
                                 prefix=users)
            memory = pathlib.Path(f"/proc/{broker.process.pid}/mem")
            self.assertEqual(memory.stat().st_uid, owner)


if __name__ == "__main__":
    main()
