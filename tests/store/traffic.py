# SPDX-License-Identifier: MIT
"""Producers and consumers of durable queues, each a thread with a connection of
its own, whose messages a ledger follows."""
import contextlib
import itertools
import pathlib
import sys
import threading

sys.path.append(str(pathlib.Path(__file__).resolve().parents[1] / "wire"))
from wire import DEADLINE, Client, frame  # noqa: E402
from unit_client import OPENING, unit  # noqa: E402
from ledger import body_of  # noqa: E402

PRODUCERS = itertools.count(1)
QUEUE = b"/queue/durable"


def opened(address):
    client = Client(address)
    client.send(unit(OPENING[0]))
    client.recv_many(2)
    return client


class Traffic(threading.Thread):
    """Ends when the connection does, or by stop()."""

    def __init__(self, ledger, address):
        super().__init__(daemon=True)
        self.ledger, self.client = ledger, opened(address)
        self.is_stopped, self.failure = False, None

    def run(self):
        try:
            self.talk()
        except (EOFError, OSError):
            pass  # the broker is gone, or was told to stop
        except BaseException as error:  # raised by stop()
            self.failure = error
        finally:
            self.finish()
            self.client.close()

    def finish(self):
        """What is to be noted at the end."""

    def stop(self):
        """Ends it, and raises what went wrong in it."""
        self.is_stopped = True
        with contextlib.suppress(OSError):  # it has ended by itself
            self.client.half_close()
        self.join(DEADLINE)
        if self.is_alive():
            raise TimeoutError(f"{self} is still running")
        if self.failure:
            raise self.failure


class Producer(threading.Thread):
    """Clients of version 1, one after another, each of which publishes up to
    `batch` messages and says goodbye; until the broker is gone or it is told to
    stop."""

    def __init__(self, ledger, address, queue=QUEUE, batch=100, size=100):
        super().__init__(daemon=True)
        self.ledger, self.address, self.queue = ledger, address, queue
        self.batch, self.size = batch, size
        self.is_stopped = False
        self.start()

    def run(self):
        for number in itertools.count():
            if self.is_stopped or not publish_and_say_goodbye(
                    self.ledger, self.address, self.queue,
                    1 + 7 * number % self.batch, self.size):
                return

    def stop(self):
        self.is_stopped = True
        self.join(DEADLINE)
        if self.is_alive():
            raise TimeoutError(f"{self} is still running")


class Consumer(Traffic):
    """Acknowledges each message when `lag` newer ones have come."""

    def __init__(self, ledger, address, queue=QUEUE, credit=100, lag=0):
        super().__init__(ledger, address)
        self.queue, self.lag, self.held = queue, min(lag, credit - 1), []
        self.client.send(unit(b"SUB %s ack=yes credit=%d" % (queue, credit)))
        self.start()

    def talk(self):
        while True:
            text, body = self.client.recv_many(2)
            if not text.startswith(b"MSG "):
                continue
            self.held.append((text.split(b" ")[2], self.ledger.deliver(body)))
            if len(self.held) > self.lag:
                self.ack(*self.held.pop(0))

    def ack(self, number, key):
        self.client.send(unit(b"ACK %s %s" % (self.queue, number)))
        self.ledger.acknowledge(key)


def publish_and_say_goodbye(ledger, address, queue=QUEUE, count=100, size=100):
    """A client of version 1: its messages are on disk when the broker ends the
    connection in order."""
    number = next(PRODUCERS)
    keys = [(number, i) for i in range(count)]
    ledger.attempt(keys)
    client = None
    try:
        client = Client(address)
        client.send(frame(b""))
        client.publish(queue, *[body_of(*key, size) for key in keys])
        how = client.goodbye().wait_closed()
    except OSError:
        how = "reset"
    finally:
        if client:
            client.close()
    is_confirmed = how == "eof"
    ledger.answer(keys, "confirmed" if is_confirmed else "unknown")
    return is_confirmed


def drain(ledger, address, queue=QUEUE):
    """Takes and acknowledges everything that waits: until a message of our own
    at the end of the queue has come."""
    publish_and_say_goodbye(ledger, address, queue, 1)
    with ledger.changed:
        end = list(ledger.state)[-1]
    consumer = Consumer(ledger, address, queue, credit=1000)
    with ledger.changed:
        is_drained = ledger.changed.wait_for(
            lambda: end in ledger.acknowledged, DEADLINE)
    consumer.stop()
    if not is_drained:
        raise AssertionError(f"not drained: {ledger.counts()}")
