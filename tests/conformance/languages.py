# SPDX-License-Identifier: MIT
"""What the tests of the libraries share: each library passes the suite, and
works with a real sluiced, also when that is restarted; their documents are
true."""
import atexit
import functools
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path
from unittest import mock

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "tests/wire")]

import certificates  # noqa: E402
from daemon import Broker  # noqa: E402
from program import Program  # noqa: E402
from runner import skip  # noqa: E402
from units import matches  # noqa: E402

DEADLINE_S = 300    # of a compiler, and of the whole suite, under load


def go_environment(folder):
    """Nothing is fetched, and nothing is left behind."""
    return {"GOFLAGS": "-mod=mod", "GOPROXY": "off",
            "GOCACHE": Path(folder) / "cache"}


def build_go(folder):
    program = folder / "program"
    run("go", "build", "-o", program, ".", cwd=FOLDER / "go_client",
        env=go_environment(folder))
    return [program]


def build_with_rust(folder, source, *flags):
    """A program on top of the library."""
    rustc = ["rustc", "--edition=2021", "-D", "warnings"]
    library = folder / "libsluice.rlib"
    if not library.exists():
        run(*rustc, "-O", "--crate-type=rlib", "--crate-name=sluice",
            "-o", library, ROOT / "client/rust/sluice.rs")
    program = folder / source.stem
    run(*rustc, *flags, "--extern", f"sluice={library}", "-o", program, source)
    return [program]


def build_rust(folder):
    return build_with_rust(folder, FOLDER / "rust_client.rs")


# language: the tool that it needs, and how its program becomes a command
LANGUAGES = {
    "python": (sys.executable, lambda _: [sys.executable, "-B",
                                          FOLDER / "python_client.py"]),
    "js": ("node", lambda _: ["node", FOLDER / "js_client.mjs"]),
    "go": ("go", build_go),
    "rust": ("rustc", build_rust),
}


@functools.cache
def workshop():
    """A folder to build in, removed with the process."""
    folder = tempfile.TemporaryDirectory(prefix="sluice-language-")
    atexit.register(folder.cleanup)
    return Path(folder.name)


@functools.cache
def command(language):
    """The program of the suite in this language, built once."""
    return LANGUAGES[language][1](workshop())


def need(language):
    """Skips the file without the tools for this language."""
    tool = LANGUAGES[language][0]
    if not shutil.which(tool):
        skip(f"{tool} is not installed")


def run(*command, env=None, cwd=None):
    """Its output; what it printed, when it fails."""
    done = subprocess.run([str(word) for word in command], text=True, cwd=cwd,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, timeout=DEADLINE_S,
                          env={**os.environ, **{name: str(value) for
                                                name, value in
                                                (env or {}).items()}},
                          check=False)
    if done.returncode:
        raise AssertionError(f"{command}: status {done.returncode}\n"
                             + done.stdout)
    return done.stdout


class Conversation:
    """A client program and a real broker."""

    def __init__(self, command, address):
        host, port = address.rsplit(":", 1)
        self.program = Program([str(word) for word in command],
                               (host, int(port)))

    def order(self, line):
        self.program.order(line)

    def expect(self, *wanted):
        """The next events, in any order. That the broker announces its end is
        none of them."""
        left = list(wanted)
        while left:
            line = self.program.event(DEADLINE_S)
            found = next((w for w in left if matches(w, line, {})), None)
            if found:
                left.remove(found)
            elif not line.startswith("drain"):
                raise AssertionError(f"event {line!r} instead of {left}")

    def do(self, line, *wanted):
        self.order(line)
        self.expect(*wanted)

    def leave(self):
        self.program.end_input()
        self.program.expect_exit()


class Library(unittest.TestCase):
    """To be inherited, with the name of a language."""
    language = None

    @classmethod
    def setUpClass(cls):
        if cls.language is None:
            raise unittest.SkipTest("it is a base class")
        cls.command = command(cls.language)

    def test_holds_in_every_scenario(self):
        run(sys.executable, "-B", FOLDER / "client.py", "-j", "3", "--",
            *self.command)

    def setting(self, *options):
        broker = Broker(*options)
        self.addCleanup(broker.kill)
        talk = Conversation(self.command, broker.address)
        self.addCleanup(talk.program.stop)
        talk.expect("open run=*")
        return broker, talk

    def test_topics_work_with_a_real_broker(self):
        broker, talk = self.setting()
        talk.do("sub /t/* tag=1", "ok tag=1")
        talk.do("sub /t/a%20b tag=2", "ok tag=2 seq=0")
        talk.do("pub /t/a%20b tag=3 Unit=two%20words body=%00x",
                "ok tag=3 seq=1 subs=1 drop=0",
                "msg /t/* /t/a%20b 1 new=1 Unit=two%20words body=%00x",
                "msg /t/a%20b /t/a%20b 1 new=1 Unit=two%20words body=%00x")
        talk.do("pub /nobody tag=4 body=x", "ok tag=4 seq=0 subs=0 drop=0")
        talk.do("unsub /t/a%20b tag=5", "ok tag=5 seq=1")
        talk.do("sub /t/* tag=6", "err exists tag=6")
        talk.leave()
        self.assertEqual(broker.stop().status, 0)

    def test_work_works_with_a_real_broker(self):
        broker, talk = self.setting()
        talk.do("sub /queue/jobs tag=1 ack=yes credit=1", "ok tag=1")
        talk.do("pub /queue/jobs body=a",
                "msg /queue/jobs /queue/jobs 1 body=a")
        talk.do("pub /queue/jobs tag=2 body=b", "ok tag=2 seq=2 subs=1 held=1")
        talk.do("nak /queue/jobs 1 delay=0s tag=3 body=later", "ok tag=3",
                "msg /queue/jobs /queue/jobs 1 try=2 body=a")
        talk.do("touch /queue/jobs 1 tag=4", "ok tag=4")
        talk.do("ack /queue/jobs 1 tag=5", "ok tag=5",
                "msg /queue/jobs /queue/jobs 2 body=b")
        talk.do("ack /queue/jobs 1 tag=6", "err gone tag=6")
        talk.do("ack /queue/jobs 2 tag=7", "ok tag=7")
        talk.leave()
        broker.stop()

    def test_requests_work_with_a_real_broker(self):
        broker, talk = self.setting()
        talk.do("sub /svc/echo tag=1", "ok tag=1 seq=0")
        talk.do("req /svc/echo tag=2 timeout=60s Lang=en body=noon",
                "msg /svc/echo /svc/echo 1 new=1 reply=yes Lang=en body=noon")
        talk.do("reply /svc/echo 1 tag=3 Took=1 body=it%20is", "ok tag=3",
                "rep tag=2 Took=1 body=it%20is")
        talk.do("reply /svc/echo 1 tag=4 body=again", "err gone tag=4")
        talk.do("req /svc/nobody tag=5", "err no-responder tag=5")
        talk.leave()
        broker.stop()

    def test_a_full_queue_holds_back_no_other_channel(self):
        broker, talk = self.setting("--queue-limit", "64k")
        talk.do("sub /queue/in tag=1 ack=yes credit=1", "ok tag=1")
        for _ in range(30):
            talk.order("pub /queue/full size=8000")
        talk.expect("hold /queue/full")
        talk.order("pub /queue/full tag=2 body=last")    # waits in the client
        talk.do("pub /queue/in body=x", "msg /queue/in /queue/in 1 body=x")
        talk.do("ack /queue/in 1 tag=3", "ok tag=3")
        worker = broker.connect().subscribe(b"/queue/full")
        for _ in range(30):
            self.assertEqual(worker.recv(), b"x" * 8000)
        self.assertEqual(worker.recv(), b"last")
        worker.close()
        talk.expect("go /queue/full", "ok tag=2 seq=31")
        talk.leave()
        broker.stop()

    def test_a_restart_of_the_broker_is_survived(self):
        broker, talk = self.setting()
        talk.do("sub /t tag=1", "ok tag=1 seq=0")
        talk.do("sub /queue/jobs tag=2 ack=yes credit=4", "ok tag=2")
        address = broker.address
        broker.stop()
        broker = Broker(listen=(address,))
        self.addCleanup(broker.kill)
        talk.expect("lost why=*", "open run=*", "missed /t")
        broker.wait_stats(subscribers=2)
        talk.do("pub /t tag=3 body=x", "ok tag=3 seq=1 subs=1 drop=0",
                "msg /t /t 1 new=1 body=x")
        talk.do("pub /queue/jobs body=a",
                "msg /queue/jobs /queue/jobs 1 body=a")
        talk.do("ack /queue/jobs 1 tag=4", "ok tag=4")
        talk.leave()
        self.assertEqual(broker.stop().status, 0)


class Durable(unittest.TestCase):
    """To be inherited, with the name of a language: queues on disk."""
    language = None

    @classmethod
    def setUpClass(cls):
        if cls.language is None:
            raise unittest.SkipTest("it is a base class")
        cls.command = command(cls.language)

    def start(self, *options, **kwargs):
        broker = Broker(*options, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def talk(self, broker):
        talk = Conversation(self.command, broker.address)
        self.addCleanup(talk.program.stop)
        talk.expect("open run=*")
        return talk

    def test_what_is_on_disk_outlives_a_broker_that_is_killed(self):
        folder = tempfile.TemporaryDirectory(prefix="sluice-journal-")
        self.addCleanup(folder.cleanup)
        options = ("--journal", folder.name, "--journal-free", "0",
                   "--channel", "/queue/* durable=yes")
        broker, numbers = self.start(*options), range(1, 31)
        talk = self.talk(broker)
        for n in numbers:
            talk.order(f"pub /queue/q tag={n} sync=yes body={n}")
        talk.expect(*(f"ok tag={n} seq={n} subs=0 held={n} sync=1"
                      for n in numbers))
        broker.kill()
        broker = self.start(*options, listen=(broker.address,))
        talk.expect("lost why=broken", "open run=*")
        talk.do("sub /queue/q tag=s ack=yes credit=30", "ok tag=s",
                *(f"msg /queue/q /queue/q {n} body={n}" for n in numbers))
        for n in numbers:
            talk.do(f"ack /queue/q {n} tag={n}", f"ok tag={n}")
        talk.leave()
        self.assertEqual(broker.stop().status, 0)

    def test_a_broker_without_a_disk_refuses_receipts_from_it(self):
        talk = self.talk(self.start())
        talk.do("pub /queue/q tag=1 sync=yes body=x", "err bad-option tag=1")
        talk.do("pub /queue/q tag=2 body=x", "ok tag=2 seq=1 subs=0 held=1")
        talk.leave()


class Tls(unittest.TestCase):
    """To be inherited, with the name of a language whose library speaks TLS.
    The program is told in its environment."""
    language = None

    @classmethod
    def setUpClass(cls):
        if cls.language is None:
            raise unittest.SkipTest("it is a base class")
        cls.command = command(cls.language)
        made = certificates.folder()
        made.certificate("elsewhere", "DNS:broker.example")
        made.certificate("stranger", "DNS:localhost", ca="other-ca")
        made.certificate("old", "DNS:localhost",
                         dates=("20200101000000Z", "20210101000000Z"))
        made.certificate("early", "DNS:localhost",
                         dates=("20450101000000Z", "20460101000000Z"))
        made.certificate("many", "DNS:other.example,DNS:*.wild.example,"
                         "IP:127.0.0.1")

    def broker(self, name, *args, **kwargs):
        broker = Broker(*certificates.server_options(name), *args, **kwargs)
        self.addCleanup(broker.kill)
        return broker

    def talk(self, broker, **variables):
        """A program that was told these variables SLUICE_TLS_..."""
        variables = {f"SLUICE_TLS_{k.upper()}": str(v)
                     for k, v in variables.items()}
        port = broker.address.rsplit(":", 1)[1]
        with mock.patch.dict(os.environ, variables):
            talk = Conversation(self.command, f"tls:localhost:{port}")
        self.addCleanup(talk.program.stop)
        return talk

    def assertWorks(self, broker, **variables):
        talk = self.talk(broker, **variables)
        talk.expect("open run=*")
        talk.do("sub /t tag=1", "ok tag=1 seq=0")
        talk.do("pub /t tag=2 body=x", "ok tag=2 seq=1 subs=1 drop=0",
                "msg /t /t 1 new=1 body=x")
        talk.leave()

    def pin(self, name):
        key = certificates.openssl(
            "pkey", "-in", certificates.folder()[f"{name}.key"], "-pubout",
            "-outform", "der").stdout
        return "sha256:" + hashlib.sha256(key).hexdigest()

    def fingerprint(self, name):
        der = certificates.openssl("x509", "-in", self.file(f"{name}.pem"),
                                   "-outform", "der").stdout
        return "sha256:" + hashlib.sha256(der).hexdigest()

    def file(self, name):
        return certificates.folder()[name]

    def test_a_broker_that_proves_who_it_is_is_spoken_to(self):
        self.assertWorks(self.broker("localhost"), ca=self.file("ca.pem"))
        self.assertWorks(self.broker("elsewhere"), ca=self.file("ca.pem"),
                         name="broker.example")
        self.assertWorks(self.broker("elsewhere"), pin=self.pin("elsewhere"))
        self.assertWorks(self.broker("elsewhere"),
                         pin=self.fingerprint("elsewhere"))
        self.assertWorks(
            self.broker("localhost", "--tls-ca", self.file("ca.pem")),
            ca=self.file("ca.pem"), cert=self.file("device.pem"),
            key=self.file("device.key"))

    def test_a_broker_that_does_not_is_sent_nothing(self):
        """Each library says it in the words of its language."""
        ca, other = self.file("ca.pem"), self.file("other-ca.pem")
        nobody = "unknown authority|local issuer|first certificate"
        name = "not for|valid for|[Hh]ostname"
        for shown, variables, options, words in (
                ("elsewhere", {"ca": ca}, (), name),
                ("stranger", {"ca": ca}, (), nobody),
                ("old", {"ca": ca}, (), "has expired"),
                ("early", {"ca": ca}, (), "not yet valid"),
                ("localhost", {}, (), nobody),
                ("localhost", {"pin": self.pin("stranger")}, (), "pinned key"),
                ("old", {"pin": self.pin("old")}, (), "has expired"),
                ("elsewhere", {"pin": self.pin("elsewhere"),
                               "name": "localhost"}, (), name),
                ("stranger", {"pin": self.pin("stranger"), "ca": ca}, (),
                 nobody),
                ("localhost", {"ca": ca}, ("--tls-ca", ca),
                 "(?i)certificate[ _]required"),
                ("localhost", {"ca": ca, "cert": self.file("elsewhere.pem"),
                               "key": self.file("elsewhere.key")},
                 ("--tls-ca", other), "(?i)unknown[_ ]ca|certificate required")):
            with self.subTest(shown, **variables, options=options):
                broker = self.broker(shown, *options)
                talk = self.talk(broker, **variables)
                self.assertNotEqual(talk.program.process.wait(DEADLINE_S), 0)
                # Not even that it is open.
                self.assertIsNone(talk.program.events.get(timeout=DEADLINE_S))
                talk.program.stop()
                self.assertRegex("".join(talk.program.complaints), words)
                self.assertEqual(broker.stop().counters["accepted"], 1)

    def test_what_is_neither_yes_nor_no_does_not_mean_in_clear(self):
        broker = self.broker("localhost")
        with mock.patch.dict(os.environ, {"SLUICE_TLS": "1"}):
            program = Conversation(self.command, broker.address).program
        self.addCleanup(program.stop)
        self.assertNotEqual(program.process.wait(DEADLINE_S), 0)
        self.assertIsNone(program.events.get(timeout=DEADLINE_S))
        program.stop()
        self.assertIn("is not yes or no", "".join(program.complaints))
        self.assertEqual(broker.stop().counters["accepted"], 0)

    def test_a_file_without_authorities_is_no_authority(self):
        broker = self.broker("localhost")
        Path(self.file("empty.pem")).write_text("")
        talk = self.talk(broker, ca=self.file("empty.pem"))
        self.assertNotEqual(talk.program.process.wait(DEADLINE_S), 0)
        talk.program.stop()
        self.assertRegex("".join(talk.program.complaints),
                         "(?i)no certificate")
        self.assertEqual(broker.stop().counters["accepted"], 0)

    def test_a_pin_and_a_name_are_both_looked_at(self):
        self.assertWorks(self.broker("elsewhere"), pin=self.pin("elsewhere"),
                         name="broker.example")
        self.assertWorks(self.broker("many"), pin=self.pin("many"),
                         name="a.wild.example")
        self.assertWorks(self.broker("many"), pin=self.pin("many"),
                         name="127.0.0.1")

    def test_in_clear_to_a_broker_that_demands_tls_ends_at_once(self):
        broker = self.broker("localhost",
                             listen=("127.0.0.1:0 tls=required",))
        talk = Conversation(self.command, broker.address.split()[0])
        self.addCleanup(talk.program.stop)
        talk.expect("err auth")
        talk.program.expect_exit()
        self.assertEqual(broker.stop().counters["accepted"], 1)

    def assertNotSpokenToAfterALoss(self, code, name):
        """The broker comes back with another certificate; the next call says
        why there is no connection, and there is none."""
        broker = self.broker("localhost")
        talk = self.talk(broker, ca=self.file("ca.pem"))
        talk.expect("open run=*")
        address = broker.address
        broker.stop()
        broker = self.broker(name, listen=(address,))
        talk.expect("lost why=*")
        talk.do("pub /t tag=1 body=x", f"err {code} tag=1")
        broker.wait_stats(accepted=1, connections=0)
        broker.stop()
        talk.leave()

    def test_renewed_files_are_read_for_the_next_connection(self):
        """Here the authority is exchanged."""
        authority = Path(self.file("current-ca.pem"))
        authority.write_text(Path(self.file("ca.pem")).read_text())
        broker = self.broker("localhost")
        talk = self.talk(broker, ca=authority)
        talk.expect("open run=*")
        fresh = authority.with_suffix(".new")
        fresh.write_text(Path(self.file("other-ca.pem")).read_text())
        fresh.replace(authority)
        broker.stop()
        self.broker("stranger", listen=(broker.address,))
        talk.expect("lost why=*", "open run=*")
        talk.leave()

    def test_another_broker_is_not_spoken_to_after_a_loss(self):
        for name in ("stranger", "elsewhere", "old", "early"):
            with self.subTest(name):
                self.assertNotSpokenToAfterALoss("untrusted", name)

    def test_a_broker_that_demands_tls_from_now_on_ends_the_client(self):
        plain = Broker()
        self.addCleanup(plain.kill)
        talk = Conversation(self.command, plain.address)
        self.addCleanup(talk.program.stop)
        talk.expect("open run=*")
        address = plain.address
        plain.stop()
        broker = self.broker("localhost",
                             listen=(f"{address} tls=required",))
        talk.expect("lost why=*")
        talk.do("pub /t tag=1 body=x", "err auth tag=1")
        self.assertEqual(broker.stop().counters["accepted"], 1)
        talk.leave()

    def test_cuts_and_servers_in_clear_are_got_over(self):
        """Nobody knows whether they are meant."""
        broker = self.broker("localhost")
        talk = self.talk(broker, ca=self.file("ca.pem"))
        talk.expect("open run=*")
        address = broker.address
        broker.kill()    # without the end that TLS demands
        talk.expect("lost why=broken")
        plain = Broker(listen=(address,))
        self.addCleanup(plain.kill)
        plain.wait_for_log("event=closed .*reason=", count=2)
        plain.stop()
        self.broker("localhost", listen=(address,))
        talk.expect("open run=*")
        talk.leave()


def project_version():
    text = (ROOT / "CMakeLists.txt").read_text(encoding="utf-8")
    return re.search(r"project\(sluice VERSION ([\d.]+)", text)[1]


