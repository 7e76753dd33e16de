# SPDX-License-Identifier: MIT
"""libsluice passes the suite, and the program of docs/clients.md works. The
test is its broker."""
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from units import Connection, Head, unit

FOLDER = Path(__file__).resolve().parent
ROOT = FOLDER.parents[1]
sys.path.append(str(FOLDER.parent))
from runner import main  # noqa: E402

INFO = ("INFO suite/1 v=2 conn=1 run=a max=1000000 hold=262144 subs=1024"
        " reqs=1024 ping=30s feat=core")
DEADLINE_S = 60


class Suite(unittest.TestCase):
    def test_holds_in_every_scenario(self):
        done = subprocess.run(
            [sys.executable, "-B", FOLDER / "client.py", "-j", "3", "--",
             os.environ["LIBRARY_CLIENT"]],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)


class Document(unittest.TestCase):
    """The program as it stands in the document, for another port."""

    def compile(self, folder, address):
        text = (ROOT / "docs/clients.md").read_text()
        found = re.findall(r"^```c version-2\n(.*?)^```$", text, re.M | re.S)
        self.assertEqual(len(found), 1)
        source, places = re.subn(r"127\.0\.0\.1:25000", address, found[0])
        self.assertEqual(places, 1)
        for header in (ROOT / "client").glob("sluice*.h"):
            shutil.copy(header, folder)
        (folder / "client.c").write_text(source)
        flags = os.environ["SANITIZE"].split()
        subprocess.run([os.environ["CC"], "-Wall", "-Wextra", "-Werror", *flags,
                        "-I", folder, folder / "client.c",
                        os.environ["LIBSLUICE"], "-lssl", "-lcrypto",
                        "-o", folder / "client"],
                       check=True, timeout=DEADLINE_S)
        return folder / "client"

    def expect(self, connection, wanted):
        """The next unit's body and rid."""
        head, body = connection.unit()
        rid = Head(head).options.get("rid")
        self.assertEqual(head.replace(f" rid={rid}", ""), wanted)
        return rid, body

    def answer(self, connection, wanted):
        rid, body = self.expect(connection, wanted)
        connection.send(unit(f"OK rid={rid}", b""), False)
        return body

    def serve(self, connection):
        self.assertEqual(connection.frame(), b"\0SLUICE/2")
        connection.frame()
        connection.send(unit(INFO, b""), False)
        self.answer(connection, "SUB /queue/jobs ack=yes credit=1")
        body = self.answer(connection, "PUB /queue/jobs")
        connection.send(unit("MSG /queue/jobs 1", body), False)
        self.answer(connection, "ACK /queue/jobs 1")
        self.expect(connection, "BYE")
        connection.send(unit("BYE", b""), False)

    def test_its_program_does_a_job(self):
        with tempfile.TemporaryDirectory() as name, \
                socket.create_server(("127.0.0.1", 0)) as listener:
            listener.settimeout(DEADLINE_S)
            program = self.compile(Path(name), "%s:%d" % listener.getsockname())
            with subprocess.Popen([program], stdout=subprocess.PIPE) as process:
                connection = Connection(listener.accept()[0])
                self.serve(connection)
                output, _ = process.communicate(timeout=DEADLINE_S)
                connection.close()
            self.assertEqual(process.returncode, 0)
            self.assertEqual(output, b"hello\n")


if __name__ == "__main__":
    main()
