#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The programs of docs/clients.md and of the READMEs on top of the libraries,
each as it stands there, with a real sluiced. The worker does a job and
acknowledges it; the requester prints the reply; what the publisher has a receipt for is on disk."""
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import languages
import certificates  # languages has found it, and the next two
from daemon import Broker
from runner import main
from units import Head, connect, unit

CLIENT = languages.ROOT / "client"
DEADLINE_S = languages.DEADLINE_S


def python(source, folder):
    shutil.copy(CLIENT / "python/sluice.py", folder)
    (folder / "program.py").write_text(source)
    return [sys.executable, "-B", folder / "program.py"]


def js(source, folder):
    shutil.copytree(CLIENT / "js", folder / "node_modules/sluice")
    (folder / "program.mjs").write_text(source)
    return ["node", folder / "program.mjs"]


def go(source, folder):
    """The library is a folder of the module, as the document says."""
    (folder / "sluice").mkdir()
    shutil.copy(CLIENT / "go/sluice.go", folder / "sluice")
    (folder / "go.mod").write_text("module sluice.example\n\ngo 1.19\n")
    (folder / "program.go").write_text(
        source.replace('"sluice"', '"sluice.example/sluice"'))
    languages.run("go", "build", "-o", folder / "program", ".", cwd=folder,
                  env=languages.go_environment(languages.workshop()))
    return [folder / "program"]


def rust(source, folder):
    """As with the crate: the library is called sluice."""
    (folder / "program.rs").write_text(source)
    return languages.build_with_rust(folder, folder / "program.rs")


def c(source, folder):
    (folder / "program.c").write_text(source)
    for header in CLIENT.glob("sluice*.h"):
        shutil.copy(header, folder)
    languages.run(os.environ["CC"], "-Wall", "-Wextra", "-Werror", "-I", folder,
                  folder / "program.c", os.environ["LIBSLUICE"], "-lssl",
                  "-lcrypto", "-o", folder / "program")
    return [folder / "program"]


def bash(source, folder):
    (folder / "program.sh").write_text(source)
    return ["bash", "-eu", folder / "program.sh"]


def program(language, kind, address):
    text = (languages.ROOT / "docs/clients.md").read_text(encoding="utf-8")
    found = re.findall(rf"^```{language} {kind}\n(.*?)^```$", text,
                       re.M | re.S)
    assert len(found) == 1, f"{len(found)} programs: {language} {kind}"
    source, places = re.subn(r"127\.0\.0\.1:25000", address, found[0])
    assert places == 1, f"the address stands in {places} places"
    return source


class Responder:
    """Answers one request, without any of the libraries."""

    def __init__(self, address):
        host, port = address.rsplit(":", 1)
        self.connection = connect((host, int(port)))
        self.connection.sock.settimeout(DEADLINE_S)
        self.connection.send(unit("\0SLUICE/2"))
        self.connection.unit()
        self.connection.send(unit("SUB /svc/time rid=1"))
        self.connection.unit()

    def answer(self):
        """The body of the request."""
        head, body = self.connection.unit()
        address = Head(head).options["reply"]
        self.connection.send(unit(f"PUB {address}", b"it is noon"))
        return body


class Documents:
    """To be inherited together with TestCase, with a language and what makes a
    command of a program in it."""
    build = None

    @classmethod
    def setUpClass(cls):
        tool = languages.LANGUAGES[cls.language][0]
        if not shutil.which(tool):
            raise unittest.SkipTest(f"{tool} is not installed")

    def setUp(self):
        self.broker = Broker("--log-level", "debug")
        self.addCleanup(self.broker.kill)

    def make(self, source):
        folder = tempfile.TemporaryDirectory(prefix="sluice-document-")
        self.addCleanup(folder.cleanup)
        return type(self).build(source, Path(folder.name))

    def start(self, kind):
        return self.make(program(self.language, kind, self.broker.address))

    def run_program(self, command):
        process = subprocess.Popen(
            command, stdout=subprocess.PIPE, text=True,
            env=dict(os.environ, SLUICE_SERVER=self.broker.address))
        self.addCleanup(process.stdout.close)
        self.addCleanup(process.wait)
        self.addCleanup(process.kill)
        return process

    def test_the_worker_does_jobs_and_acknowledges_them(self):
        worker = self.run_program(self.start("worker"))
        self.broker.wait_stats(subscribers=1)
        publisher = self.broker.connect().subscribe(b"/null")
        for number, job in enumerate((b"cat.png", b"dog.png"), 1):
            publisher.publish(b"/queue/jobs", job)
            self.assertEqual(worker.stdout.readline(), job.decode() + "\n")
            self.broker.wait_stats(acked=number)
        publisher.close()

    def test_the_requester_prints_the_reply(self):
        command = self.start("requester")
        responder = Responder(self.broker.address)
        self.addCleanup(responder.connection.close)
        requester = self.run_program(command)
        self.assertEqual(responder.answer(), b"noon")
        self.assertEqual(requester.stdout.read(), "it is noon\n")
        self.assertEqual(requester.wait(DEADLINE_S), 0)
        self.broker.wait_for_log("event=closed .*reason=goodbye")


class Durable:
    """To be inherited, with how a program is made: it publishes over TLS with a
    token, and what it has a receipt for outlives the broker."""
    TOKEN = "sl_of-the-document"

    def start_broker(self, folder):
        users = folder / "users.conf"
        digest = hashlib.sha256(self.TOKEN.encode()).hexdigest()
        users.write_text(f'[user "ann"]\ntoken = sha256:{digest}\n'
                         "publish = /queue/**\nsubscribe = /queue/**\n")
        users.chmod(0o600)
        broker = Broker(
            "--users", str(users), "--journal", str(folder / "journal"),
            "--journal-free", "0", "--channel", "/queue/* durable=yes",
            *certificates.server_options())
        self.addCleanup(broker.kill)
        return broker

    def test_the_publisher_prints_that_its_job_is_on_disk(self):
        name = tempfile.TemporaryDirectory(prefix="sluice-durable-")
        self.addCleanup(name.cleanup)
        folder = Path(name.name)
        (folder / "journal").mkdir()
        broker = self.start_broker(folder)
        source = program(self.language, "durable", broker.address)
        output = languages.run(
            *type(self).build(source, folder),
            env={"SLUICE_TOKEN": self.TOKEN,
                 "SLUICE_TLS_CA": certificates.folder()["ca.pem"]})
        self.assertEqual(output, "on disk\n")
        broker.kill()
        broker = self.start_broker(folder)
        self.assertEqual(broker.stats()["queued_messages"], 1)


class Library(Durable, Documents):
    """The same for a library, which has a README."""

    def test_the_first_program_of_the_readme_receives_what_it_publishes(self):
        text = (CLIENT / self.language / "README.md").read_text("utf-8")
        source = re.search(rf"^```{self.language}\n(.*?)^```$", text,
                           re.M | re.S)[1]
        reader = self.run_program(self.make(source))
        self.assertEqual(reader.stdout.read(), "/sensors/k1/temp 21.5\n")
        self.assertEqual(reader.wait(DEADLINE_S), 0)


class Python(Library, unittest.TestCase):
    language, build = "python", python


class JavaScript(Library, unittest.TestCase):
    language, build = "js", js


class Go(Library, unittest.TestCase):
    language, build = "go", go


class Rust(Library, unittest.TestCase):
    language, build = "rust", rust


class C(Durable, unittest.TestCase):
    """Its first program publishes a job, and does it."""
    language, build = "c", c

    def test_the_program_does_its_job(self):
        broker = Broker()
        self.addCleanup(broker.kill)
        source = program("c", "version-2", broker.address)
        with tempfile.TemporaryDirectory() as name:
            done = subprocess.run(c(source, Path(name)), capture_output=True,
                                  check=False, timeout=DEADLINE_S)
        self.assertEqual((done.returncode, done.stdout, done.stderr),
                         (0, b"hello\n", b""))
        broker.wait_stats(acked=1, queued_messages=0)


class Bash(Documents, unittest.TestCase):
    language, build = "bash", bash

    @classmethod
    def setUpClass(cls):
        """Tests need it in any case."""


if __name__ == "__main__":
    main()
