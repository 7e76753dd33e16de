# SPDX-License-Identifier: MIT
"""The programs of docs/clients.md, each as it stands there, receive what they
send and leave in order: test_clients.py LANGUAGE. That of "reconnecting"
outlives the broker."""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

from installed import ROOT, skip

sys.path.append(str(ROOT / "tests/wire"))
from daemon import Broker, is_sanitised  # noqa: E402

ADDRESS = re.compile(r"(127\.0\.0\.1\D{1,3})25000|25000(, \"127\.0\.0\.1\")")
DEADLINE = 60


def compile_c(source, folder):
    """The headers and the library as this build has them."""
    program = folder / "client"
    for header in (ROOT / "client").glob("sluice*.h"):
        shutil.copy(header, folder)
    flags = ["-fsanitize=address,undefined"] if is_sanitised() else []
    subprocess.run([os.environ["CC"], "-Wall", "-Werror", "-I", folder, *flags,
                    source, os.environ["LIBSLUICE"], "-lssl", "-lcrypto",
                    "-o", program],
                   check=True, timeout=DEADLINE)
    return [program]


def run_go(source, folder):
    os.environ |= {"GOCACHE": str(folder), "GO111MODULE": "off",
                   "GOPATH": str(folder)}
    return ["go", "run", source]


# language: what must be installed, and how its source becomes a command
LANGUAGES = {
    "c": (os.environ.get("CC", "cc"), compile_c),
    "python": (sys.executable, lambda source, _: [sys.executable, source]),
    "js": ("node", lambda source, _: ["node", source]),
    "go": ("go", run_go),
    "bash": ("bash", lambda source, _: ["bash", "-eu", source]),
}


def program(language, port):
    """The source in the document, for another port than the default."""
    text = (ROOT / "docs/clients.md").read_text()
    found = re.findall(rf"^```{language}\n(.*?)^```$", text, re.M | re.S)
    assert len(found) == 1, f"{len(found)} programs in {language}"
    source, places = ADDRESS.subn(rf"\g<1>{port}\g<2>", found[0])
    assert places == 1, f"the address stands in {places} places"
    return source


def main(language):
    needed, command_for = LANGUAGES[language]
    if not shutil.which(needed):
        skip(f"{needed} is not installed")
    broker = Broker("--log-level", "debug")
    with tempfile.TemporaryDirectory() as name:
        folder = pathlib.Path(name)
        source = folder / f"client.{language}"
        try:
            source.write_text(program(language, broker.address.split(":")[1]))
            done = subprocess.run(command_for(source, folder), text=True,
                                  stdin=subprocess.DEVNULL,
                                  capture_output=True, timeout=DEADLINE,
                                  check=False)
            assert done.returncode == 0, done.stderr
            assert done.stdout == "hello\n", done.stdout + done.stderr
            broker.wait_for_log("event=closed .*reason=goodbye")
            assert broker.stop().counters["messages_out"] == 1
        finally:
            broker.kill()
    return 0


def receives(process, broker):
    broker.wait_stats(subscribers=1)
    publisher = broker.connect().subscribe(b"/null")
    publisher.publish(b"/topic/foo", b"hello")
    publisher.close()
    assert process.stdout.readline() == "hello\n"


def reconnecting():
    broker = Broker("--log-level", "debug")
    address = broker.address
    source = program("python reconnecting", address.split(":")[1])
    process = subprocess.Popen([sys.executable, "-c", source], text=True,
                               stdout=subprocess.PIPE)
    try:
        receives(process, broker)
        broker.stop()
        broker = Broker("--log-level", "debug", listen=(address,))
        receives(process, broker)
        process.terminate()
        assert process.wait(DEADLINE) == 0
        broker.wait_for_log("event=closed .*reason=goodbye")
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        broker.kill()
    return 0


if __name__ == "__main__":
    sys.exit(reconnecting() if sys.argv[1] == "reconnecting"
             else main(sys.argv[1]))
