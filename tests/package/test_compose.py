# SPDX-License-Identifier: MIT
"""compose.yaml: every service is hardened, and every client's command does
its work, run here with the same words."""
import os
import pathlib
import subprocess
import sys
import unittest

from installed import ROOT, main, skip

sys.path.append(str(ROOT / "tests/wire"))
from daemon import Broker  # noqa: E402

try:
    import yaml
except ImportError:
    skip("python3-yaml is not installed")

COMPOSE = yaml.safe_load((ROOT / "compose.yaml").read_text())
SERVICES = COMPOSE["services"]
# What a service that runs forever is expected to print.
SIGNS = {"monitor": b"collecting at ", "listener": b"Msg "}
# Addresses that only exist there, and what stands for them here.
HERE = {"ipc:///run/sluice/feed": "ipc:///nowhere", "0.0.0.0:8088": "127.0.0.1:0"}


class Compose(unittest.TestCase):
    def test_all_are_hardened(self):
        for name, service in SERVICES.items():
            self.assertTrue(service["read_only"], name)
            self.assertEqual(service["cap_drop"], ["ALL"], name)
            self.assertIn("no-new-privileges:true", service["security_opt"])

    def test_all_come_back_and_are_bounded(self):
        """The broker refuses before it is killed: see docs/operations.md."""
        for name, service in SERVICES.items():
            self.assertEqual(service["restart"], "unless-stopped", name)
            self.assertRegex(service["mem_limit"], r"^\d+m$", name)
        memory = SERVICES["broker"]["environment"]["SLUICE_MEMORY"]
        self.assertEqual(int(SERVICES["broker"]["mem_limit"][:-1]),
                         int(memory[:-1]) * 3 // 2)

    def test_ports_are_open_to_this_machine_only(self):
        ports = {name: service["ports"] for name, service in SERVICES.items()
                 if "ports" in service}
        self.assertEqual(ports, {"broker": ["127.0.0.1:25000:25000"],
                                 "monitor": ["127.0.0.1:8088:8088"]})

    def test_the_broker_takes_its_options(self):
        """And its feed is where the monitor looks for it."""
        command = SERVICES["broker"]["command"]
        checked = subprocess.run([os.environ["SLUICED"], "--check", *command],
                                 capture_output=True, check=False)
        self.assertEqual(checked.returncode, 0, checked.stderr)
        monitor = SERVICES["monitor"]
        feed = monitor["command"][monitor["command"].index("--connect") + 1]
        self.assertEqual(command, ["--monitor-bind", feed])
        self.assertEqual(monitor["volumes"], SERVICES["broker"]["volumes"])

    def test_clients_find_the_broker(self):
        for name in set(SERVICES) - {"broker"}:
            self.assertEqual(SERVICES[name]["environment"],
                             {"SLUICE_SERVER": "broker:25000"}, name)
            self.assertIn("broker", SERVICES[name]["depends_on"])

    def start(self, name, broker):
        self.assertEqual(SERVICES[name]["entrypoint"], ["sluice"])
        command = [HERE.get(word, word) for word in SERVICES[name]["command"]]
        if name == "monitor":
            command += ["--collect", "tcp://127.0.0.1:*"]
        process = subprocess.Popen(
            [os.environ["SLUICE"], *command],
            env={**os.environ, "SLUICE_SERVER": broker.address},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE)

        def end():
            process.kill()
            process.communicate()
        self.addCleanup(end)
        return process

    def test_commands(self):
        broker = Broker()
        self.addCleanup(broker.kill)
        clients = {name: self.start(name, broker)
                   for name in sorted(set(SERVICES) - {"broker"})}
        for name, sign in SIGNS.items():
            self.assertIn(sign, clients[name].stdout.readline(), name)


if __name__ == "__main__":
    main()
