# SPDX-License-Identifier: MIT
"""A broker that plays the other side of one vector: it reads what the vector
sends, and sends what the vector expects."""
import socket
import threading

from units import Connection, Failed, fill_in, unit


class Puppet(threading.Thread):
    def __init__(self, steps):
        super().__init__(daemon=True)
        self.steps, self.connections, self.known = steps, {}, {}
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = self.listener.getsockname()
        self.error = None
        self.start()

    def run(self):
        try:
            for step in self.steps:
                self.step(step)
        except (Failed, OSError) as error:
            self.error = error
        for connection in self.connections.values():
            connection.close()
        self.listener.close()

    def connection(self, name):
        if name not in self.connections:
            self.connections[name] = Connection(self.listener.accept()[0])
        return self.connections[name]

    def step(self, step):
        if "to" in step:
            self.take(self.connection(step["to"]), step)
        elif "from" in step:
            self.give(self.connection(step["from"]), step)

    def take(self, connection, step):
        if step.get("shutdown") or step.get("reset"):
            connection.expect_end(is_orderly=not step.get("reset"))
            return
        head = step.get("head", "")
        expected = (unit(fill_in(head, self.known),
                         bytes.fromhex(step["body_hex"]))
                    if "$" in head else bytes.fromhex(step["hex"]))
        got = connection.octets(len(expected))
        if got != expected:
            raise Failed(f"{got!r} instead of {expected!r}")

    def invent(self, head):
        """A head for one with "*" and "$x" in it."""
        words = []
        for word in head.split(" "):
            name, equals, value = word.rpartition("=")
            if value.startswith("$"):
                value = self.known.setdefault(value, f"@{value[1:]}.1")
            words.append(name + equals + value.replace("*", "9"))
        return " ".join(words)

    def give(self, connection, step):
        if step.get("eof"):
            connection.shut_down()
        elif step.get("ends"):
            connection.reset()
        elif "frame_hex" in step:
            connection.send(bytes.fromhex(step["hex"]))
        else:
            # In another order than the vector has them.
            for wanted in reversed(step.get("any_order", [step])):
                body = bytes.fromhex(wanted.get("body_hex") or "")
                connection.send(unit(self.invent(wanted["head"]), body))
