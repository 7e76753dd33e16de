# SPDX-License-Identifier: MIT
"""Every command that talks to a broker, and every way to reach one: it works,
or is refused in words that say what to do."""
import hashlib
import json
import pathlib
import re
import subprocess
import tempfile
import time
import unittest
import urllib.request

import people
from people import DEADLINE, Broker, Process, run

import certificates  # people has found it

PASSWORD, TOKEN = b"correct horse", b"sl_battery-staple"
TOPIC, QUEUE = "/topic/a", "/queue/a"
USERS = """[role "all"]
publish = /**
publish = /queue/**
subscribe = /**
subscribe = /queue/**
monitor = yes
[user "robot"]
role = all
token = sha256:{token}
[user "device"]
role = all
certificate = device.example
[user "mute"]
token = sha256:{mute}
"""


def pin():
    """The pin of the server's certificate."""
    public = subprocess.run(
        ["openssl", "pkey", "-in", certificates.folder()["localhost.key"],
         "-pubout", "-outform", "DER"], check=True, capture_output=True)
    return f"sha256:{hashlib.sha256(public.stdout).hexdigest()}"


class Reach(unittest.TestCase):
    """A broker in clear, one with TLS, and one with TLS and users."""

    @classmethod
    def setUpClass(cls):
        temporary = tempfile.TemporaryDirectory(prefix="sluice-reach-")
        cls.addClassCleanup(temporary.cleanup)
        cls.folder = pathlib.Path(temporary.name)
        cls.password = cls.secret("password", PASSWORD)
        cls.token = cls.secret("token", TOKEN)
        cls.wrong = cls.secret("wrong", b"nonsense")
        cls.mute = cls.secret("mute", b"sl_mute")
        users = cls.secret("users.conf", USERS.format(
            token=hashlib.sha256(TOKEN).hexdigest(),
            mute=hashlib.sha256(b"sl_mute").hexdigest()).encode())
        made = run("passwd", "--users", users, "--cost", "1", "ann",
                   stdin=PASSWORD + b"\n")
        assert made.returncode == 0, made.stderr
        with open(users, "a", encoding="ascii") as file:
            file.write("role = all\n")  # ann's section is the last
        tls = (*certificates.server_options(), "--tls-ca",
               certificates.folder()["ca.pem"], "--tls-clients", "optional")
        cls.clear = cls.broker("none", "none")
        cls.tls = cls.broker("required", "none", *tls)
        cls.users = cls.broker("required", "required", *tls, "--users", users)

    @classmethod
    def secret(cls, name, content):
        path = cls.folder / name
        path.write_bytes(content)
        path.chmod(0o600)
        return str(path)

    @classmethod
    def broker(cls, tls, auth, *args):
        words = f"tls={tls} auth={auth}"
        made = Broker("--http", f"127.0.0.1:0 {words}", *args,
                      listen=(f"127.0.0.1:0 {words}",))
        cls.addClassCleanup(made.kill)
        made.messages = made.addresses[0].split()[0]
        made.documents = made.wait_for_log("event=serving_http").fields["addr"]
        return made

    # the ways

    def ways(self):
        """Name, broker, options, and what it says if it refuses."""
        folder = certificates.folder()
        ca = ("--tls-ca", folder["ca.pem"])
        shown = ("--tls-cert", folder["device.pem"],
                 "--tls-key", folder["device.key"])
        nobody = "--user|auth"
        return (
            ("clear", self.clear, (), None),
            ("pin", self.tls, ("--tls-pin", pin()), None),
            ("authority", self.tls, ca, None),
            ("token", self.users, (*ca, "--token-file", self.token), None),
            ("password", self.users, (*ca, "--user", "ann", "--password-file",
                                      self.password), None),
            ("certificate", self.users, (*ca, *shown), None),
            ("clear to TLS", self.tls, (), "TLS|tls|closed|broke"),
            ("clear to users", self.users, (), "TLS|tls|closed|broke"),
            ("TLS to clear", self.clear, ca, "TLS|broker"),
            ("system's authorities", self.tls, ("--tls",), "--tls-ca"),
            ("wrong pin", self.tls, ("--tls-pin", "sha256:" + "0" * 64),
             "pinned key.*--tls-pin"),
            ("wrong authority", self.tls, (
                "--tls-ca", folder["other-ca.pem"]), "authority.*--tls-ca"),
            ("wrong name", self.tls, (*ca, "--tls-name", "else.example"),
             "not for that name.*--tls-name"),
            ("nobody", self.users, ca, nobody),
            ("wrong password", self.users, (
                *ca, "--user", "ann", "--password-file", self.wrong),
             "secret|auth"),
            ("wrong token", self.users, (*ca, "--token-file", self.wrong),
             "secret|auth"),
        )

    def each(self, *args, at="messages", stdin=b""):
        """Runs the command in each way, and sees to it that it works or is
        refused; the outputs of those that work."""
        outputs = []
        for name, broker, options, refusal in self.ways():
            with self.subTest(way=name, command=args[0]):
                server = getattr(broker, at)
                if at == "messages":
                    done = run(*args, *options, server=server, stdin=stdin)
                else:
                    done = run(args[0], "--http", server, *args[1:], *options)
                said = done.stderr.decode()
                if refusal is None:
                    self.assertEqual(done.returncode, 0, said)
                    outputs.append(done.stdout)
                else:
                    self.assertEqual((done.returncode, done.stdout), (1, b""),
                                     said)
                    self.assertRegex(said, f"^sluice: .*({refusal})")
        return outputs


class Documents(Reach):
    def test_top_reads_them_in_each_way(self):
        for out in self.each("top", "--once", "--json", at="documents"):
            self.assertEqual(json.loads(out)["stats"]["source"], "sluice")

    def test_ls_reads_them_in_each_way(self):
        for out in self.each("ls", "--clients", "--json", at="documents"):
            for line in out.splitlines():
                self.assertIn("address", json.loads(line))

    def test_a_user_that_may_not_watch_is_told_what_it_takes(self):
        for command in (("top", "--once"), ("ls",)):
            done = run(*command, "--http", f"https://{self.users.documents}",
                       "--tls-ca", certificates.folder()["ca.pem"],
                       "--token-file", self.mute)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertIn(b"monitor = yes", done.stderr)

    def test_a_host_that_the_broker_does_not_know_is_explained(self):
        port = self.tls.documents.rsplit(":", 1)[1]
        for name, words in (("localhost", None), ("LOCALHOST", None),
                            ("ip6-localhost", b"--http-host")):
            done = run("ls", "--http", f"https://{name}:{port}", "--tls-ca",
                       certificates.folder()["ca.pem"], "--tls-name",
                       "localhost")
            if b"cannot" in done.stderr:
                continue  # no such name here, or only over IPv6
            self.assertEqual(done.returncode, 1 if words else 0, done.stderr)
            self.assertIn(words or b"", done.stderr)

    def test_what_is_no_http_of_a_broker_is_named(self):
        for broker, options in ((self.clear, ()), (self.tls, (
                "--tls-ca", certificates.folder()["ca.pem"]))):
            for command in (("top", "--once"), ("ls",)):
                done = run(*command, "--http", broker.messages, *options)
                self.assertEqual((done.returncode, done.stdout), (1, b""))
                self.assertRegex(done.stderr.decode(),
                                 "--http|another protocol inside")

    def test_a_secret_is_no_part_of_the_url(self):
        for command in (("top", "--once"), ("ls",)):
            done = run(*command, "--http",
                       f"https://ann:secret@{self.users.documents}")
            self.assertEqual(done.returncode, 2)
            self.assertIn(b"--user", done.stderr)
            self.assertNotIn(b"secret@", done.stderr)

    def test_both_lists_have_the_same_fields(self):
        Process(self, "listen", TOPIC, server=self.clear.messages)
        self.clear.wait_stats(subscribers=1)
        run("send", QUEUE, "a", "bc", server=self.clear.messages)
        self.clear.wait_stats(queued_messages=2)
        for what in ((), ("--clients",), ("--json",), ("/queue/*",)):
            near = run("ls", *what, server=self.clear.messages)
            far = run("ls", *what, "--http", self.clear.documents)
            self.assertEqual(near.returncode, 0, near.stderr)
            self.assertEqual(far.returncode, 0, far.stderr)
            self.assertEqual(self.still(near), self.still(far))

    def still(self, done):
        """Without what grows by itself."""
        text = re.sub(rb'"age_ms":\d+', b"", done.stdout)
        return [[cell for i, cell in enumerate(line.split(b"\t")) if i != 10]
                for line in text.splitlines()]


class Messages(Reach):
    def test_they_are_sent_and_listened_to_in_each_way(self):
        self.each("send", QUEUE, "one", "--confirm")
        for out in self.each("listen", QUEUE, "--count", "1",
                             "--no-reconnect"):
            self.assertEqual(out, b"one\n")

    def test_jobs_are_done_in_each_way(self):
        self.each("send", QUEUE, "job", "--confirm")
        for out in self.each("work", QUEUE, "--count", "1", "--no-reconnect",
                             "--exec", "cat"):
            self.assertEqual(out, b"job")

    def test_requests_are_answered_in_each_way(self):
        for broker, options in (
                (self.clear, ()), (self.tls, ("--tls-pin", pin())),
                (self.users, ("--tls-pin", pin(), "--token-file",
                              self.token))):
            Process(self, "reply", TOPIC, "--exec", "cat", *options,
                    server=broker.messages)
            broker.wait_stats(subscribers=1)
        for out in self.each("request", TOPIC, "what"):
            self.assertEqual(out, b"what\n")

    def test_people_talk_in_each_way(self):
        for out in self.each("chat", TOPIC, "--as", "ann", stdin=b"hello\n"):
            self.assertEqual(out, b"ann: hello\n")

    def test_brokers_are_measured_in_each_way(self):
        """Without a login also in version 1, which knows certificates."""
        for version in ((), ("--v2", "--confirm")):
            for out in self.each("bench", "--count", "10", "--json",
                                 "--channel", TOPIC, *version):
                self.assertEqual(json.loads(out)["lost"], 0)


class Local(Reach):
    """On the broker's machine, sockets beside the port need no TLS and no user,
    also where the address asks for it."""

    def local(self, *args, **kwargs):
        done = run(*args, server=f"tls:{self.users.messages}", **kwargs)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def test_what_lies_there_is_listed_looked_at_and_purged(self):
        done = run("send", QUEUE, "left", "--confirm", "--tls-pin", pin(),
                   "--token-file", self.token, server=self.users.messages)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn(QUEUE.encode(), self.local("ls"))
        self.assertEqual(self.local("peek", QUEUE), b"left\n")
        self.local("purge", QUEUE, "--yes")
        self.assertEqual(self.local("peek", QUEUE), b"")

    def test_the_broker_is_watched(self):
        found = json.loads(self.local("top", "--once", "--json"))
        self.assertEqual(found["stats"]["pid"], self.users.process.pid)

    def test_elsewhere_they_name_the_way_there_is(self):
        for args, words in ((("ls",), "--http"), (("top", "--once"), "--http"),
                            (("peek", QUEUE), "--http"),
                            (("purge", QUEUE, "--yes"), "--http"),
                            (("tap", QUEUE), "--monitor-bind")):
            done = run(*args, server="tls:192.0.2.1:25000")
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(words, done.stderr.decode())


class Ping(Reach):
    """A health check has no secret: it takes a refusal for life."""

    def ping(self, server, *options):
        done = run("ping", "--count", "1", "--quiet", *options, server=server)
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        return done.stdout.decode()

    def test_what_comes_back_in_each_way(self):
        for name, broker, options, refusal in self.ways():
            with self.subTest(way=name):
                done = run("ping", "--count", "1", *options,
                           server=broker.messages)
                if refusal is None:
                    self.assertEqual(done.returncode, 0, done.stderr)
                    self.assertIn(b" 0% message loss", done.stdout)

    def test_who_shows_nothing_is_refused_and_satisfied(self):
        ca = ("--tls-ca", certificates.folder()["ca.pem"])
        for version in ((), ("--v2",)):
            for server, options in ((self.users.messages, ca),
                                    (self.users.messages, ()),
                                    (self.tls.messages, ())):
                self.assertRegex(self.ping(server, *version, *options),
                                 f"^{server} answers, and refuses: .*auth")

    def test_a_user_without_rights_is_refused_and_satisfied(self):
        self.assertIn(" answers, and refuses: denied", self.ping(
            self.users.messages, "--tls-pin", pin(), "--token-file",
            self.mute))

    def test_a_secret_that_is_shown_must_be_right(self):
        done = run("ping", "--count", "1", "--tls-pin", pin(), "--token-file",
                   self.wrong, server=self.users.messages)
        self.assertEqual((done.returncode, done.stdout), (1, b""))
        self.assertIn(b"auth", done.stderr)

    def test_a_broker_without_version_1_is_spoken_to_in_version_2(self):
        broker = Broker(listen=("127.0.0.1:0 v1=no",))
        self.addCleanup(broker.kill)
        self.assertIn(" 0% message loss", self.ping(
            broker.addresses[0].split()[0]))

    def test_who_only_closes_is_not_well(self):
        """Whatever it is, it says nothing."""
        fake = people.FakeBroker(self)
        ping = Process(self, "ping", "--count", "1", server=fake.address)
        for _ in range(2):
            fake.accept().close()
        status, _, said = ping.finish()
        self.assertEqual(status, 1)
        self.assertIn("--tls", said)


class Monitor(Reach):
    """The page is made of the documents of brokers elsewhere."""

    def start(self, broker, *options):
        process = Process(self, "monitor", "--http", "127.0.0.1:0",
                          "--collect", "tcp://127.0.0.1:*", "--connect",
                          broker, *options)
        while not (found := re.match(rb"look at (http://\S+)",
                                     line := process.line())):
            self.assertTrue(line, process.finish)
        return process, found[1].decode()

    def reporters(self, url):
        with urllib.request.urlopen(f"{url}history",
                                    timeout=DEADLINE) as answer:
            return {it["name"]: it for it in json.load(answer)["reporters"]}

    def wait_reporter(self, url, is_wanted):
        until = time.monotonic() + DEADLINE
        while not (found := [it for it in self.reporters(url).values()
                             if is_wanted(it)]):
            self.assertLess(time.monotonic(), until, "nobody reports")
        return found[0]

    def test_the_page_shows_a_broker_in_each_way(self):
        for name, broker, options, refusal in self.ways():
            with self.subTest(way=name):
                scheme = "https" if broker is not self.clear else "http"
                if name.startswith("clear to"):
                    scheme = "http"
                process, url = self.start(
                    f"{scheme}://{broker.documents}", *options)
                if refusal:
                    self.assertRegex(process.complaint(),
                                     f"^sluice: .*({refusal})")
                    self.assertEqual(self.reporters(url), {})
                else:
                    found = self.wait_reporter(
                        url, lambda it: {"stats", "channels"} <= set(it))
                    self.assertEqual(found["stats"]["pid"],
                                     broker.process.pid)
                process.signal()
                self.assertEqual(process.finish()[0], 0)

    def test_it_goes_on_when_the_broker_is_back(self):
        broker = self.broker("none", "none")
        process, url = self.start(f"http://{broker.documents}")
        first = self.wait_reporter(url, lambda it: "stats" in it)
        broker.stop()
        self.assertRegex(process.complaint(), "broke|cannot connect")
        again = Broker("--http", f"{broker.documents} tls=none auth=none",
                       "--name", first["name"])
        self.addCleanup(again.kill)
        self.wait_reporter(
            url, lambda it: it["stats"]["pid"] == again.process.pid)

    def test_what_cannot_be_asked_is_wrong_usage(self):
        for url, words in (("https://ann:x@host:1", "--user"),
                           ("http://", "no URL"), ("https://h/?q", "query")):
            done = run("monitor", "--http", "127.0.0.1:0", "--collect",
                       "tcp://127.0.0.1:*", "--connect", url)
            self.assertEqual((done.returncode, done.stdout), (2, b""))
            self.assertIn(words, done.stderr.decode())


class Waits(Reach):
    def test_top_waits_for_a_broker_that_comes_back(self):
        broker = self.broker("none", "none")
        top = Process(self, "top", "--json", "--http", broker.documents)
        first = json.loads(top.line())["stats"]
        broker.stop()
        again = Broker("--http", f"{broker.documents} tls=none auth=none")
        self.addCleanup(again.kill)
        while json.loads(top.line())["stats"]["pid"] == first["pid"]:
            pass
        top.signal()
        self.assertEqual(top.finish()[0], 0)


if __name__ == "__main__":
    people.main()
