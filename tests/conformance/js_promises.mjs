// SPDX-License-Identifier: MIT
// What the library for Node promises beyond the suite. The test is its broker.
import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer } from "node:net";
import test from "node:test";
import { inspect } from "node:util";

import * as sluice from "../../client/js/sluice.mjs";

const INFO = "INFO suite/1 v=2 conn=1 run=a max=1000000 hold=262144 subs=1024" +
  " reqs=1024 ping=30s feat=core";

const frame = (octets) => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(octets.length);
  return Buffer.concat([length, octets]);
};

/** One connection, as the broker sees it. */
class Peer {
  #rest = Buffer.alloc(0);
  #socket;

  constructor(socket) {
    this.#socket = socket.on("error", () => {});
    this.#chunks = socket[Symbol.asyncIterator]();
  }

  #chunks;

  async #octets(count) {
    while (this.#rest.length < count) {
      const { value, done } = await this.#chunks.next();
      assert(!done, "the connection ended");
      this.#rest = Buffer.concat([this.#rest, value]);
    }
    const taken = this.#rest.subarray(0, count);
    this.#rest = this.#rest.subarray(count);
    return taken;
  }

  async #frame() {
    return this.#octets((await this.#octets(4)).readUInt32BE());
  }

  async unit() {
    return [(await this.#frame()).toString(), (await this.#frame()).toString()];
  }

  send(head, body = "") {
    this.#socket.write(Buffer.concat(
      [frame(Buffer.from(head)), frame(Buffer.from(body))]));
  }

  write(octets) {
    this.#socket.write(octets);
  }

  close() {
    this.#socket.destroy();
  }

  /** Checks the next unit, without its rid; [its rid, its body]. */
  async expect(wanted) {
    const [head, body] = await this.unit();
    const rid = / rid=(\S+)/.exec(head)?.[1];
    assert.equal(head.replace(/ rid=\S+/, ""), wanted);
    return [rid, body];
  }

  async answer(wanted, more = "") {
    const [rid, body] = await this.expect(wanted);
    this.send(`OK rid=${rid}${more}`);
    return body;
  }

  /** Everything that was sent has been looked at. */
  async barrier() {
    this.send("PING barrier");
    await this.expect("PONG barrier");
  }

  async open(info = INFO) {
    await this.unit();
    this.send(info);
    return this;
  }
}

/** promise(NAME, async (broker) => ...) with a fresh server. */
const promise = (name, body) =>
  test(name, { timeout: 60000 }, async () => {
    const sockets = [];
    const server = createServer((socket) => sockets.push(socket));
    server.listen(0, "127.0.0.1");
    await once(server, "listening");
    const clients = [];
    const accepted = { count: 0 };
    const broker = {
      address: `127.0.0.1:${server.address().port}`,
      events: [],
      async peer() {
        while (sockets.length <= accepted.count)
          await once(server, "connection");
        return new Peer(sockets[accepted.count++]);
      },
      async connect(options = {}, info = INFO) {
        const client = new sluice.Client({ server: broker.address, ...options });
        clients.push(client);
        for (const event of ["numbersBroken", "failure", "held"])
          client.on(event, (detail) => broker.events.push([event, detail]));
        const [peer] = await Promise.all(
          [broker.peer().then((p) => p.open(info)), client.open()]);
        return [client, peer];
      },
      async subscribe(client, peer, pattern, wanted, more, options) {
        const [subscription] = await Promise.all(
          [client.subscribe(pattern, options), peer.answer(wanted, more)]);
        return subscription;
      },
    };
    try {
      await body(broker);
    } finally {
      for (const socket of sockets) socket.destroy();
      server.close();
      await Promise.all(clients.map((c) => c.close({ timeout: 1 })));
    }
  });

const SUB = "SUB /queue/jobs ack=yes credit=1";

promise("a message is acknowledged when the next is asked for", async (b) => {
  const [client, peer] = await b.connect();
  const jobs = await b.subscribe(client, peer, "/queue/jobs", SUB);
  peer.send("MSG /queue/jobs 1", "a");
  assert.equal((await jobs.next()).value.text, "a");
  jobs.next().catch(() => {});
  await peer.expect("ACK /queue/jobs 1");
});

promise("a loop that fails does not acknowledge, and unsubscribes",
  async (b) => {
    const [client, peer] = await b.connect();
    const jobs = await b.subscribe(client, peer, "/queue/jobs", SUB);
    peer.send("MSG /queue/jobs 1", "a");
    const loop = (async () => {
      for await (const _ of jobs) throw new RangeError("no");
    })();
    await peer.answer("UNSUB /queue/jobs");
    await assert.rejects(loop, RangeError);
  });

promise("deliveries end with their connection", async (b) => {
  const [client, first] = await b.connect();
  const sub = "SUB /queue/jobs ack=yes credit=9";
  const jobs = await b.subscribe(client, first, "/queue/jobs", sub, "",
    { ack: true, credit: 9 });
  first.send("MSG /queue/jobs 1", "x");
  first.send("MSG /queue/jobs 2", "x");
  const old = (await jobs.next()).value;
  first.close();
  const peer = await (await b.peer()).open();
  await peer.answer(sub);
  peer.send("MSG /queue/jobs 1 try=2", "again");
  assert.equal((await jobs.next()).value.text, "again");
  await old.ack(); // nothing is sent
  await assert.rejects(old.ack({ confirm: true }), sluice.Gone);
  await peer.barrier();
});

promise("messages of a topic without room are counted", async (b) => {
  const [client, peer] = await b.connect({ buffer: 3000 });
  const readings = await b.subscribe(client, peer, "/t", "SUB /t", " seq=0",
    { gaps: true });
  for (let seq = 1; seq <= 20; seq++)
    peer.send(`MSG /t ${seq}`, "x".repeat(744));
  await peer.barrier();
  const items = [];
  while (readings.waiting) items.push((await readings.next()).value);
  const gap = items.at(-1);
  assert(gap instanceof sluice.Gap);
  assert.deepEqual([gap.first, gap.last, gap.why],
    [BigInt(items.length), 20n, "client"]);
  assert.equal(readings.lost + BigInt(items.length) - 1n, 20n);
});

promise("messages of a queue without room wait in the socket", async (b) => {
  const [client, peer] = await b.connect({ buffer: 3000 });
  const jobs = await b.subscribe(client, peer, "/queue/jobs",
    "SUB /queue/jobs", "", { ack: false });
  for (let seq = 1; seq <= 2000; seq++)
    peer.send(`MSG /queue/jobs ${seq}`, "x".repeat(2000));
  for (let seq = 1n; seq <= 2000n; seq++) {
    assert.equal((await jobs.next()).value.seq, seq);
    assert(jobs.waiting < 300); // what one read may bring
  }
  assert.equal(jobs.lost, 0n);
});

promise("an answer arrives although the buffer is full", async (b) => {
  const [client, peer] = await b.connect({ buffer: 3000 });
  await b.subscribe(client, peer, "/queue/jobs", "SUB /queue/jobs", "",
    { ack: false });
  for (let seq = 1; seq <= 2000; seq++)
    peer.send(`MSG /queue/jobs ${seq}`, "x".repeat(2000));
  const [receipt] = await Promise.all([
    client.publish("/t", "x", { confirm: true }),
    peer.answer("PUB /t", " seq=7 subs=1 drop=0"),
  ]);
  assert.deepEqual(receipt,
    { seq: 7n, subscribers: 1, dropped: 0, waiting: 0, onDisk: false });
});

promise("a receipt may wait for the disk", async (b) => {
  const [client, peer] = await b.connect();
  const [receipt] = await Promise.all([
    client.publish("/queue/q", "x", { confirm: "sync" }),
    peer.answer("PUB /queue/q confirm=sync", " seq=7 subs=0 held=1 sync=1"),
  ]);
  assert.deepEqual(receipt,
    { seq: 7n, subscribers: 0, dropped: 0, waiting: 1, onDisk: true });
  await assert.rejects(client.publish("/queue/q", "x", { confirm: "done" }),
    TypeError);
});

promise("what waits for GO can be given up", async (b) => {
  const [client, peer] = await b.connect();
  peer.send("HOLD /t");
  await peer.barrier();
  const stop = new AbortController();
  const given = client.publish("/t", "given up", { signal: stop.signal });
  const kept = client.publish("/t", "kept");
  stop.abort();
  await assert.rejects(given, { name: "AbortError" });
  peer.send("GO /t");
  assert.deepEqual(await peer.expect("PUB /t"), [undefined, "kept"]);
  await kept;
});

promise("what is published without a connection goes to the next one",
  async (b) => {
    const [client, first] = await b.connect();
    first.send("HOLD /t");
    await first.barrier();
    const sent = [client.publish("/t", "1")];
    first.close();
    await once(client, "disconnected");
    sent.push(client.publish("/t", "2"));
    const peer = await (await b.peer()).open();
    for (const body of ["1", "2"])
      assert.deepEqual(await peer.expect("PUB /t"), [undefined, body]);
    await Promise.all(sent);
  });

promise("a refusal for good ends everything", async (b) => {
  const [client, first] = await b.connect();
  const readings = await b.subscribe(client, first, "/t", "SUB /t", " seq=0");
  first.close();
  const peer = await b.peer();
  await peer.unit();
  peer.send("ERR auth", "no longer");
  peer.send("BYE");
  await assert.rejects(readings.next(), { code: "auth" });
  await assert.rejects(client.publish("/t"), { code: "auth" });
});

promise("a broker that is silent is left", async (b) => {
  const [, peer] = await b.connect({}, INFO.replace("30s", "100ms"));
  await peer.expect("PING");
  await b.peer(); // it comes again
});

promise("a broker that ends every connection is not flooded", async (b) => {
  let [, peer] = await b.connect();
  for (let attempt = 0; attempt < 4; attempt++) {
    const ended = performance.now();
    peer.close();
    peer = await (await b.peer()).open();
    // A timer may be a millisecond early.
    assert(performance.now() - ended >= 25 * 2 ** attempt - 2);
  }
});

promise("garbage ends the connection and not the program", async (b) => {
  let [, peer] = await b.connect();
  for (const garbage of [
    Buffer.concat([frame(Buffer.from([255, 254])), frame(Buffer.alloc(0))]),
    Buffer.from("HTTP/1.1 200 OK"),
    Buffer.concat([frame(Buffer.from("MSG /t")), frame(Buffer.alloc(0))]),
    Buffer.concat([frame(Buffer.from("MSG /t 1")), Buffer.alloc(4, 255)]),
  ]) {
    peer.write(garbage);
    peer = await (await b.peer()).open();
  }
});

promise("a limit that grows holds at once", async (b) => {
  const [client, peer] = await b.connect({}, INFO.replace("1000000", "100"));
  const reader = await b.subscribe(client, peer, "/t", "SUB /t", " seq=0");
  peer.send(INFO);
  peer.send("MSG /t 1", "x".repeat(10000));
  assert.equal((await reader.next()).value.body.length, 10000);
});

promise("any octets come back as they went", async (b) => {
  const [client, peer] = await b.connect();
  for (const name of [Buffer.from("/a b"), "/grün", "/\u{1f600}",
    Buffer.from([0x2f, 0xff, 0, 0xc3]), "@home", "a=b*c%"]) {
    const pattern = sluice.exact(name);
    const reader = await b.subscribe(client, peer, pattern, `SUB ${pattern}`,
      " seq=0");
    peer.send(`MSG ${pattern} 1 new=1`, "x");
    const { channel } = (await reader.next()).value;
    const [[, body]] = await Promise.all(
      [peer.expect(`PUB ${pattern}`), client.publish(channel, "y")]);
    assert.equal(body, "y");
    if (typeof name === "string") assert.equal(channel, name);
  }
});

promise("malformed names, patterns and headers are refused locally",
  async (b) => {
    const [client, peer] = await b.connect();
    for (const pattern of ["/a*", "/**/a", "@x", "", "/%2F", "/%4",
      "x".repeat(256)])
      await assert.rejects(client.subscribe(pattern), { code: "bad-channel" });
    const many = Object.fromEntries(
      Array.from({ length: 33 }, (_, n) => [`A${n}`, "x"]));
    for (const [channel, headers] of [["", {}], ["x".repeat(256), {}],
      ["/t", { a: "x" }], ["/t", { "A B": "x" }],
      ["/t", { A: "x".repeat(3800) }], ["/t", many]])
      await assert.rejects(client.publish(channel, "", { headers }),
        RangeError);
    for (const options of [{ ack: true }, { wait: 5 }, { credit: 1 }])
      await assert.rejects(client.subscribe("/t", options), TypeError);
    const topic = await b.subscribe(client, peer, "/t", "SUB /t", " seq=0");
    await assert.rejects(topic.credit(5), TypeError);
    await peer.barrier();
  });

promise("a secret is not shown by inspection, nor as JSON", async (b) => {
  const secret = "sl_canary";
  const [client] = await b.connect({ secret });
  const shown = inspect(client, { depth: 20, showHidden: true }) +
    JSON.stringify(client);
  assert(!shown.includes(secret));
});

test("a broker of version 1 is named as such", { timeout: 60000 }, async () => {
  const server = createServer((socket) => socket.destroy());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  await assert.rejects(
    sluice.connect(`127.0.0.1:${server.address().port}`), /version 2/);
  server.close();
});
