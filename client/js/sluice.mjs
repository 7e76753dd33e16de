// SPDX-License-Identifier: MIT
// A client for the sluice message broker, wire protocol version 2, for Node.
//
//     import { connect } from "sluice";
//
//     const broker = await connect();
//     const readings = await broker.subscribe("/sensors/*/temp");
//     await broker.publish("/sensors/k1/temp", "21.5");
//     for await (const message of readings)
//       console.log(message.channel, message.text);
//
// One file, standard library only. sluice.d.mts has the types and the contract
// of everything public. Names are any octets: inside, a name is a "binary"
// string, one character for each octet; outside, it is text in UTF-8, in which
// an octet that is not UTF-8 is a lone surrogate, U+DC80 to U+DCFF, so that
// every name comes back as it went.
import {
  createHash, createPrivateKey, sign, timingSafeEqual,
} from "node:crypto";
import { EventEmitter } from "node:events";
import { readFileSync } from "node:fs";
import { connect as connectSocket, isIP } from "node:net";
import { checkServerIdentity, connect as connectTls } from "node:tls";

export const version = "0.1.0";

const DEFAULT_SERVER = "127.0.0.1:25000";
const NAME_MAX = 255; // octets of a channel
const HEAD_MAX = 4096; // octets of a head
const ROUTED_MAX = 3800; // octets of channel and headers together
const PAIRS_MAX = 32; // options and headers of a head
const CHANNELS_MAX = 16384; // whose numbers are followed
const PAUSE_FIRST_MS = 50;
const PAUSE_LAST_MS = 5000;
const OPEN_MS = 10000; // for the broker to answer the opening
const ONLY_QUEUES = "ack, credit and wait are for queues, and go together";
const ITEM_COST = 256; // octets that a waiting item counts beside its body

// Errors.

export class SluiceError extends Error {
  get name() {
    return this.constructor.name;
  }
}

export class Refused extends SluiceError {
  constructor(code, text = "") {
    super(text ? `${code}: ${text}` : code);
    this.code = code;
    this.text = text;
  }
}

export class NoResponder extends Refused {}
export class RequestTimeout extends Refused {}
export class Gone extends Refused {}
export class TooBig extends Refused {}

export class Closed extends SluiceError {}
export class NotExecuted extends Closed {}
export class OutcomeUnknown extends Closed {}
export class Untrusted extends Closed {}

const REFUSALS = {
  __proto__: null,
  "no-responder": NoResponder,
  timeout: RequestTimeout,
  gone: Gone,
  "too-big": TooBig,
};
// After these the client does not try again.
const HOPELESS = new Set([
  "auth", "bad-head", "bad-option", "denied", "version",
]);

const refusal = (code, text) => new (REFUSALS[code] ?? Refused)(code, text);

// Names and values as they are written in heads.

/** A body, without a copy. */
function bodyOf(body) {
  if (typeof body === "string") return Buffer.from(body);
  if (body instanceof Uint8Array)
    return Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  throw new TypeError("a body is a string or a Uint8Array");
}

/** The octets of a name or value, as a binary string. */
function octetsOf(text) {
  if (text instanceof Uint8Array) return Buffer.from(text).toString("latin1");
  if (typeof text !== "string")
    throw new TypeError("names and values are strings or Uint8Arrays");
  // With "u" the class matches lone surrogates only.
  return text
    .split(/([\udc80-\udcff])/u)
    .map((part, at) =>
      at % 2
        ? String.fromCharCode(part.charCodeAt(0) - 0xdc00)
        : Buffer.from(part).toString("latin1"),
    )
    .join("");
}

function textOf(octets) {
  const bytes = Buffer.from(octets, "latin1");
  const text = bytes.toString();
  return text.includes("\ufffd") ? escapedText(bytes) : text;
}

/** Text of octets that are perhaps not UTF-8. */
function escapedText(bytes) {
  let text = "";
  for (let at = 0; at < bytes.length; ) {
    let length = 1;
    let character = "";
    for (; length <= 4; length++) {
      const part = bytes.subarray(at, at + length);
      character = part.toString();
      if (Buffer.from(character).equals(part)) break;
    }
    const isGood = length <= 4;
    text += isGood ? character : String.fromCharCode(0xdc00 + bytes[at]);
    at += isGood ? length : 1;
  }
  return text;
}

const makeTable = (special) =>
  Array.from({ length: 256 }, (_, octet) => {
    const character = String.fromCharCode(octet);
    return octet > 0x20 && octet < 0x7f && !special.includes(character)
      ? character
      : "%" + octet.toString(16).toUpperCase().padStart(2, "0");
  });

const VALUE = makeTable("%");
const CHANNEL = makeTable("%=*");

function spell(octets, table = VALUE) {
  let spelled = "";
  for (let at = 0; at < octets.length; at++)
    spelled += table[octets.charCodeAt(at)];
  return spelled;
}

const unspell = (text) =>
  text.includes("%")
    ? text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
        String.fromCharCode(parseInt(hex, 16)),
      )
    : text;

function spellChannel(octets) {
  if (octets.length < 1 || octets.length > NAME_MAX)
    throw new RangeError(`a channel has 1 to ${NAME_MAX} octets`);
  const text = spell(octets, CHANNEL);
  return text[0] === "@" ? "%40" + text.slice(1) : text;
}

export const exact = (channel) => spellChannel(octetsOf(channel));

function spellMs(ms) {
  if (typeof ms !== "number" || !(ms >= 0))
    throw new RangeError("a duration is a number of milliseconds");
  return `${Math.min(Math.round(ms), 999999999)}ms`;
}

const MS = { __proto__: null, ms: 1, s: 1e3, m: 6e4, h: 36e5, d: 864e5 };

function msOf(duration) {
  const found = /^(\d+)(ms|s|m|h|d)$/.exec(duration ?? "");
  return found ? found[1] * MS[found[2]] : 0;
}

/** Topics, queues, or the broker's own channels: a pattern matches within one
 * of these. */
function worldOf(octets) {
  if (octets.startsWith("/queue")) return "queue";
  return (octets + "/").startsWith("/sys/") ? "sys" : "topic";
}

/** A set of channels. Wildcards are "*", one segment, and "**" as the last
 * segment, any number of segments. */
class Pattern {
  constructor(pattern) {
    // Spells octets that a head cannot have; "%XX" is left as it is.
    this.written = octetsOf(pattern).replace(/[^!-<>-~]/g,
      (character) => VALUE[character.charCodeAt(0)].replace(/^=$/, "%3D"));
    this.octets = unspell(this.written);
    const segments = this.written.split("/");
    this.check(segments);
    this.isExact = !this.written.includes("*");
    this.world = worldOf(this.octets);
    this.takesRest = segments.at(-1) === "**";
    if (this.takesRest) segments.pop();
    this.parts = segments.map((s) => (s === "*" ? null : unspell(s)));
  }

  /** By the rules of the broker. */
  check(segments) {
    const isWild = (s) => s === "*" || s === "**";
    if (
      this.written[0] === "@" ||
      /%2F/i.test(this.written) ||
      /%(?![0-9A-Fa-f]{2})/.test(this.written) ||
      this.octets.length < 1 || this.octets.length > NAME_MAX ||
      segments.some((s) => s.includes("*") && !isWild(s)) ||
      segments.slice(0, -1).includes("**")
    )
      throw new Refused("bad-channel", `${this.written} is not a pattern`);
  }

  matches(octets) {
    if (this.isExact) return octets === this.octets;
    if (worldOf(octets) !== this.world) return false;
    const { parts } = this;
    const theirs = octets.split("/");
    return (
      (this.takesRest
        ? theirs.length >= parts.length
        : theirs.length === parts.length) &&
      parts.every((part, at) => part === null || part === theirs[at])
    );
  }
}

/** The words of what goes to a channel. */
function routed(verb, channel, headers) {
  const words = Object.entries(headers ?? {}).map(([name, value]) => {
    if (!/^[A-Z][A-Za-z0-9._-]{0,63}$/.test(name))
      throw new RangeError(
        `"${name}" is no name of a header: a capital, then up to 63 letters, ` +
          'digits, "-", "." or "_"');
    return `${name}=${spell(octetsOf(value))}`;
  });
  const length = words.reduce((sum, word) => sum + word.length + 1, 0);
  if (words.length >= PAIRS_MAX || channel.length + length > ROUTED_MAX)
    throw new RangeError("too many headers, or too long");
  return [verb, channel, ...words];
}

// Units.

class Garbage extends Error {}

const number = (text) => {
  if (!/^\d{1,19}$/.test(text ?? "")) throw new Garbage("no number");
  return BigInt(text);
};

/** A head taken apart. Values of options are still spelled. */
class Head {
  constructor(text) {
    if (!/^[ -~]+$/.test(text)) throw new Garbage("no head");
    const [verb, ...words] = text.split(" ");
    this.verb = verb;
    this.arguments = [];
    this.options = { __proto__: null };
    this.headers = { __proto__: null };
    for (const word of words) this.add(word);
  }

  /** Of equal names the first counts. */
  add(word) {
    const at = word.indexOf("=");
    if (at < 0) {
      this.arguments.push(word);
      return;
    }
    const name = word.slice(0, at);
    const value = word.slice(at + 1);
    if (/^[A-Z]/.test(name)) this.headers[name] ??= textOf(unspell(value));
    else this.options[name] ??= value;
  }

  get channel() {
    if (!this.arguments.length) throw new Garbage("no channel");
    return unspell(this.arguments[0]);
  }

  count(option) {
    return Number(this.options[option] ?? 0);
  }
}

/** Cuts the octets that arrive into units. A body may be as long as the
 * broker's limit; until that is known, as long as a head. Chunks are joined
 * when what they contain is complete, so a long body is copied once. */
class Framer {
  limit = HEAD_MAX;
  #chunks = [];
  #length = 0;
  #needed = 4;
  #head = null;

  /** Calls take(head, body) for one unit after the other, because each may
   * change the limit. */
  feed(chunk, take) {
    this.#chunks.push(chunk);
    this.#length += chunk.length;
    if (this.#length < this.#needed) return;
    const data = this.#chunks.length > 1 ? Buffer.concat(this.#chunks) : chunk;
    let at = 0;
    for (;;) {
      this.#needed = 4;
      if (data.length - at < 4) break;
      const length = data.readUInt32BE(at);
      if (length > (this.#head ? this.limit : HEAD_MAX))
        throw new Garbage(`a frame of ${length} octets`);
      this.#needed = 4 + length;
      if (data.length - at < this.#needed) break;
      this.#take(data.subarray(at + 4, at + this.#needed), data, take);
      at += this.#needed;
    }
    this.#chunks = at < data.length ? [data.subarray(at)] : [];
    this.#length = data.length - at;
  }

  #take(frame, data, take) {
    if (!this.#head) {
      this.#head = new Head(frame.toString("latin1"));
      return;
    }
    const head = this.#head;
    this.#head = null;
    // A message that is kept must not keep everything that came with it.
    take(head, 2 * frame.length < data.length ? Buffer.from(frame) : frame);
  }
}

// What a subscription yields.

export class Gap {
  constructor(channel, first, last, why, isNew) {
    Object.assign(this, { channel, first, last, why, isNew });
  }

  get count() {
    return this.last - this.first + 1n;
  }
}

export class Missed {
  constructor(channel, count) {
    Object.assign(this, { channel, count });
  }
}

export class Message {
  #link;
  #address;
  #written;
  isSettled = false;

  constructor(link, head, body) {
    this.#link = link;
    this.#address = head.options.reply;
    this.#written = [spellChannel(head.channel), head.arguments[1]];
    this.channel = textOf(head.channel);
    this.seq = number(head.arguments[1]);
    this.body = body;
    this.headers = head.headers;
    this.tries = head.count("try") || 1;
    this.isNew = "new" in head.options;
  }

  get text() {
    return this.body.toString();
  }

  get wantsReply() {
    return this.#address !== undefined;
  }

  /** A delivery belongs to the connection it came on. */
  async #settle(words, body, confirm) {
    if (this.#link.isLost) {
      if (confirm) throw new Gone("gone", "its connection has ended");
      return;
    }
    if (confirm) await this.#link.ask(words, body);
    else this.#link.write(words, body);
  }

  ack({ confirm = false } = {}) {
    this.isSettled = true;
    return this.#settle(["ACK", ...this.#written], "", confirm);
  }

  nak({ delay = 1000, reason = "", confirm = false } = {}) {
    this.isSettled = true;
    return this.#settle(["NAK", ...this.#written, `delay=${spellMs(delay)}`],
      bodyOf(reason).subarray(0, 512), confirm);
  }

  touch({ confirm = false } = {}) {
    return this.#settle(["TOUCH", ...this.#written], "", confirm);
  }

  async reply(body = "", { headers, confirm = false } = {}) {
    if (!this.wantsReply) throw new TypeError("it is no request");
    await this.#settle(routed("PUB", this.#address, headers), body, confirm);
  }
}

/** First in, first out. Array.prototype.shift() moves everything when an array is
 * large. */
class Fifo {
  #items = [];
  #first = 0; // what is before it has been taken

  get length() {
    return this.#items.length - this.#first;
  }

  push(item) {
    this.#items.push(item);
  }

  shift() {
    const item = this.#items[this.#first];
    this.#items[this.#first++] = undefined;
    if (this.#first > 1000 && 2 * this.#first > this.#items.length) this.#trim();
    return item;
  }

  #trim() {
    this.#items.splice(0, this.#first);
    this.#first = 0;
  }

  /** Empties it. */
  takeAll() {
    this.#trim();
    return this.#items.splice(0);
  }

  /** Puts items in front. */
  putBack(items) {
    this.#trim();
    this.#items = [...items, ...this.#items];
  }
}

/** A promise with its two ends outside. */
function makeDeferred() {
  const deferred = {};
  deferred.promise = new Promise((resolve, reject) => {
    Object.assign(deferred, { resolve, reject });
  });
  return deferred;
}

export class Subscription {
  #client;
  #items = new Fifo();
  #octets = 0; // of bodies that wait
  #dropping = new Map(); // gaps of our own, still open
  #waiters = [];
  #latest = null; // handed out last
  #over = null; // {error} when it has ended
  lost = 0n;
  seq = null;

  // What follows is for the client.
  _base = 0n; // earlier numbers are not for it

  constructor(client, pattern, options, { gaps, acksItself, buffer }) {
    this.#client = client;
    this._pattern = pattern;
    this._options = options;
    this._gaps = gaps;
    this._acksItself = acksItself;
    this._buffer = buffer;
  }

  get pattern() {
    return this._pattern.written;
  }

  get acks() {
    return this._options.ack === "yes";
  }

  get waiting() {
    return this.#items.length;
  }

  get _isQueue() {
    return this._pattern.world === "queue";
  }

  /** Whether its numbers begin with that of the answer to SUB. */
  get _isNumbered() {
    return this._pattern.isExact && !this._isQueue;
  }

  get _isFull() {
    return this.#octets + ITEM_COST * this.#items.length > this._buffer;
  }

  [Symbol.asyncIterator]() {
    return this;
  }

  async next() {
    const latest = this.#latest;
    this.#latest = null;
    if (latest && !latest.isSettled) await latest.ack();
    while (!this.#items.length) {
      if (this.#over?.error) throw this.#over.error;
      if (this.#over) return { value: undefined, done: true };
      const waiter = makeDeferred();
      this.#waiters.push(waiter);
      await waiter.promise;
    }
    return { value: this.#takeFirst(), done: false };
  }

  /** The end of a loop ends the subscription. */
  async return(value) {
    await this.close();
    return { value, done: true };
  }

  #takeFirst() {
    const item = this.#items.shift();
    if (item instanceof Message) {
      this.#octets -= item.body.length;
      if (this._acksItself) this.#latest = item;
    } else {
      this.#dropping.delete(item.channel);
    }
    this.#client._onRead();
    return item;
  }

  #put(item) {
    this.#items.push(item);
    this.#waiters.shift()?.resolve();
  }

  _putMissed(count) {
    if (this._gaps) this.#put(new Missed(textOf(this._pattern.octets), count));
  }

  _putGap(gap) {
    this.lost += gap.count;
    if (this._gaps) this.#put(gap);
  }

  /** A message of a topic that finds no room is dropped and reported as a gap,
   * as the broker does. A message of a queue is always kept. */
  _putMessage(message) {
    if (this._isFull && !this._isQueue) {
      this.#drop(message);
      return;
    }
    this.#dropping.delete(message.channel);
    this.#octets += message.body.length;
    this.#put(message);
  }

  #drop({ channel, seq, isNew }) {
    const open = this.#dropping.get(channel);
    if (open && open.last + 1n === seq) {
      open.last++;
      this.lost++;
      return;
    }
    const gap = new Gap(channel, seq, seq, "client", isNew);
    if (!this._gaps || this.#dropping.size >= CHANNELS_MAX) {
      this.lost++;
      return;
    }
    this.#dropping.set(channel, gap);
    this._putGap(gap);
  }

  /** Deliveries of a lost connection are not ours any more. */
  _forgetDeliveries() {
    if (!this.acks) return;
    this.#items.putBack(
      this.#items.takeAll().filter((item) => !(item instanceof Message)));
    this.#octets = 0;
  }

  _end(error = null) {
    this.#over ??= { error };
    for (const waiter of this.#waiters.splice(0)) waiter.resolve();
  }

  async credit(messages) {
    if (!this.acks) throw new TypeError(ONLY_QUEUES);
    this._options.credit = `${messages}`;
    await this.#client._ask(["CREDIT", this.pattern, `${messages}`]);
  }

  async close() {
    if (!this.#over) await this.#client._unsubscribe(this);
  }
}

// One connection.

/** It passes what it receives to the client synchronously, in the order of the
 * units. */
class Link {
  #client;
  #login;
  #hasTls;
  #socket;
  #framer = new Framer();
  #calls = new Map(); // by rid
  #lastId = 0;
  #isCorked = false;
  #heard = performance.now();
  #timer;
  #error = null;
  #isConnected = false;
  #opened = makeDeferred();
  #ended = makeDeferred();
  info = null;
  isLost = false;
  saidBye = false;
  held = new Map(); // what waits for GO, by channel
  numbers = new Map(); // the last one of each topic

  /** address: as node:net takes it; tls: a Tls, or null. */
  constructor(client, address, tls, opening, login) {
    this.#client = client;
    this.#login = login;
    this.#hasTls = tls !== null;
    this.#socket = (tls ? connectTls({ ...address, ...tls.options })
      : connectSocket(address))
      .setNoDelay(true)
      .on(tls ? "secureConnect" : "connect", () => {
        const wrong = tls?.whatIsWrong(this.#socket);
        if (wrong) {
          this.#error = new Untrusted(wrong);
          this.#socket.destroy();
          return;
        }
        this.#isConnected = true;
        this.write([opening], login.body);
      })
      .on("data", (chunk) => this.#onData(chunk))
      .on("drain", () => client._flush())
      .on("error", (error) => {
        const isTls = UNTRUSTED.test(error.code);
        this.#error = !isTls ? error : new Untrusted(
          `the broker is not accepted: ${error.reason ?? error.message}`,
          { cause: error });
      })
      .on("close", () => this.#onClose());
    this.#timer = setTimeout(() => this.destroy(), OPEN_MS);
    this.#opened.promise.catch(() => {});
  }

  /** Resolved by INFO. */
  get opened() {
    return this.#opened.promise;
  }

  get ended() {
    return this.#ended.promise;
  }

  get isFull() {
    return this.#socket.writableNeedDrain;
  }

  destroy() {
    this.#socket.destroy();
  }

  // what goes out

  /** All units of one turn of the loop are one write to the system. */
  write(words, body) {
    const octets = bodyOf(body);
    if (this.info && octets.length > Number(this.info.max))
      throw new TooBig("too-big",
        `${octets.length} octets exceed the broker's limit, ${this.info.max}`);
    const text = words.join(" ");
    if (text.length > HEAD_MAX) throw new RangeError("too much for a head");
    const head = Buffer.allocUnsafe(8 + text.length);
    head.writeUInt32BE(text.length, 0);
    head.write(text, 4, "latin1");
    head.writeUInt32BE(octets.length, 4 + text.length);
    this.#cork();
    this.#socket.write(head);
    if (octets.length) this.#socket.write(octets);
  }

  #cork() {
    if (this.#isCorked) return;
    this.#isCorked = true;
    this.#socket.cork();
    process.nextTick(() => {
      this.#isCorked = false;
      this.#socket.uncork();
    });
  }

  /** done(error, head, body) is called with the answer before the next unit is
   * read. */
  call(words, body, done) {
    const rid = `${++this.#lastId}`;
    this.write([...words, `rid=${rid}`], body);
    this.#calls.set(rid, done);
    this.lookAtRoom();
  }

  ask(words, body = "") {
    return new Promise((resolve, reject) => {
      this.call(words, body, (error, head, answer) =>
        error ? reject(error) : resolve({ head, body: answer }));
    });
  }

  // what comes in

  #onData(chunk) {
    this.#heard = performance.now();
    try {
      this.#framer.feed(chunk, (head, body) => this.#take(head, body));
    } catch (error) {
      if (!(error instanceof Garbage)) throw error;
      this.destroy(); // the peer is not a broker
      return;
    }
    this.lookAtRoom();
  }

  #take(head, body) {
    if (!this.saidBye) this.#verbs[head.verb]?.call(this, head, body);
  }

  #verbs = {
    __proto__: null, // unknown verbs are ignored
    CHAL: this.#onChallenge,
    INFO: this.#onInfo,
    OK: this.#onAnswer,
    REP: this.#onAnswer,
    PONG: this.#onAnswer,
    ERR: this.#onErr,
    MSG: (head, body) => this.#client._onMessage(this, head, body),
    GAP: (head) => this.#client._onGap(this, head),
    HOLD: this.#onHold,
    GO: this.#onGo,
    PING: (head) => this.write(["PONG", ...head.arguments.slice(0, 1)], ""),
    BYE: this.#onBye,
  };

  #onChallenge(_, nonce) {
    if (this.info || !this.#login.signs) return;
    const binding = this.#hasTls
      ? this.#socket.exportKeyingMaterial(32, "EXPORTER-Channel-Binding")
      : Buffer.alloc(0);
    this.write(["SIG"], this.#login.signature(nonce, binding));
  }

  #onInfo(head) {
    const isFirst = !this.info;
    this.info = head.options;
    // Longer bodies may still be on their way when the limit shrinks.
    this.#framer.limit = Math.max(this.#framer.limit, head.count("max"));
    if (isFirst) {
      clearTimeout(this.#timer);
      this.#opened.resolve();
      this.#client._onOpen(this);
      this.#watch();
    } else if ("drain" in head.options) {
      this.#client._tell("draining");
    }
  }

  #takeCall(head) {
    const done = this.#calls.get(head.options.rid);
    this.#calls.delete(head.options.rid);
    return done;
  }

  #onAnswer(head, body) {
    this.#takeCall(head)?.(null, head, body);
  }

  #onErr(head, body) {
    const error = refusal(head.arguments[0] ?? "", body.toString());
    const done = this.#takeCall(head);
    if (done) done(error);
    else if (!this.info) this.#opened.reject(error);
    else this.#client._tell("failure", error);
  }

  #onHold(head) {
    if (!this.held.has(head.channel)) this.held.set(head.channel, []);
    this.#client._tell("held", textOf(head.channel));
  }

  /** What waited comes before what is published later, in its order. */
  #onGo(head) {
    const waiting = this.held.get(head.channel) ?? [];
    this.held.delete(head.channel);
    for (const job of waiting) this.#client._run(job, this);
    this.#client._tell("released", textOf(head.channel));
  }

  #onBye() {
    this.saidBye = true;
    this.destroy();
  }

  #onClose() {
    this.isLost = true;
    clearTimeout(this.#timer);
    this.#opened.reject(
      this.#error && (!this.#isConnected || this.#error instanceof Untrusted)
        ? this.#error
        : new Closed("the connection has ended before the broker answered: " +
          "does it speak version 2?"));
    const Kind = this.saidBye ? NotExecuted : OutcomeUnknown;
    for (const done of this.#calls.values())
      done(new Kind("the connection has ended"));
    this.#calls.clear();
    this.#client._onLost(this);
    this.#ended.resolve();
  }

  // bounds

  /** Leaves a broker that has been silent for two periods. */
  #watch() {
    const period = msOf(this.info.ping);
    if (!period || this.isLost) return;
    const silence = performance.now() - this.#heard;
    if (silence >= 2 * period) {
      this.destroy();
      return;
    }
    if (silence >= period) this.call(["PING"], "", () => {});
    this.#timer = setTimeout(() => this.#watch(), period / 2);
  }

  /** Messages of a queue without acknowledgements must not be lost, and must
   * not fill the memory: when the buffer is full they wait in the socket. But a
   * caller that waits for an answer may be the reader of these messages, so
   * reading goes on until it has been answered. */
  lookAtRoom() {
    const mustWait = !this.#calls.size && this.#client._hasNoRoom();
    if (mustWait !== this.#socket.isPaused())
      this.#socket[mustWait ? "pause" : "resume"]();
  }
}

// The client.

/** Codes of errors that would be the same the next time. */
const UNTRUSTED = /^ERR_(SSL|TLS)_|CERT|ISSUER|SIGN|PURPOSE|MISMATCH/;
/** Names that are not covered by a wildcard in the middle of a label. */
const hasName = (certificate, name) =>
  (isIP(name) ? certificate.checkIP(name)
    : certificate.checkHost(name, { partialWildcards: false })) !== undefined;

const PIN = /^sha256:[0-9a-f]{64}$/i;

/** What the client was given for TLS, or what the environment says. */
class Tls {
  #pin;
  #name; // "": that of the address, which need not be right with a pin

  constructor(options, env, host) {
    const name = options.tlsName ?? env.SLUICE_TLS_NAME ?? "";
    const given = typeof options.tls === "object" ? options.tls : {};
    if (given.rejectUnauthorized === false || given.checkServerIdentity)
      throw new RangeError("what the broker shows is always verified");
    this.#pin = options.tlsPin || env.SLUICE_TLS_PIN || null;
    if (this.#pin && !PIN.test(this.#pin))
      throw new RangeError(`"${this.#pin}" is no pin: sha256: and 64 digits`);
    this.#name = name;
    const expected = name || host;
    const read = (variable) => variable && readFileSync(variable);
    const ca = given.ca ?? (read(env.SLUICE_TLS_CA) || undefined);
    if (given.ca === undefined && ca && !ca.includes("-----BEGIN CERTIFICATE"))
      throw new RangeError(`no certificate of a CA in ${env.SLUICE_TLS_CA}`);
    this.options = {
      minVersion: "TLSv1.2",
      ALPNProtocols: ["sluice"],
      cert: read(env.SLUICE_TLS_CERT) || undefined,
      key: read(env.SLUICE_TLS_KEY) || undefined,
      ...given,
      ca,
      rejectUnauthorized: !this.#pin || ca !== undefined,
      checkServerIdentity: (_, certificate) =>
        this.#pin && !name ? undefined
          : checkServerIdentity(expected, certificate),
    };
    if (!isIP(expected)) this.options.servername = expected;
  }

  /** With a pin: "" when the broker has it. */
  whatIsWrong(socket) {
    if (!this.#pin) return "";
    const shown = socket.getPeerX509Certificate();
    const key = shown.publicKey.export({ type: "spki", format: "der" });
    const pin = Buffer.from(this.#pin.slice(7), "hex");
    const isPinned = (bytes) =>
      timingSafeEqual(createHash("sha256").update(bytes).digest(), pin);
    if (!isPinned(key) && !isPinned(shown.raw))
      return "the broker's certificate does not have the pinned key";
    const now = Date.now();
    if (now < Date.parse(shown.validFrom) || now > Date.parse(shown.validTo))
      return "the broker's certificate has expired, or is not valid yet";
    return !this.#name || hasName(shown, this.#name) ? ""
      : `the broker's certificate is not for ${this.#name}`;
  }
}

function tlsOf(options, isAsked, address, env) {
  const word = env.SLUICE_TLS || "no";
  if (word !== "yes" && word !== "no")
    throw new RangeError(`$SLUICE_TLS: "${word}" is not yes or no`);
  const isMeant = options.tls ?? (isAsked || word === "yes" ||
    [options.tlsName, options.tlsPin,
      ...["CA", "CERT", "KEY", "NAME", "PIN"].map((k) => env[`SLUICE_TLS_${k}`]),
    ].some(Boolean));
  if (!isMeant) return null;
  if (address.path)
    throw new RangeError("TLS is not spoken on a unix socket");
  return new Tls(options, env, address.host);
}

function addressOf(server) {
  if (server.startsWith("unix:")) return { path: server.slice(5) };
  const found = /^(?:\[([^\]]+)\]|([^:]+)):(\d+)$/.exec(server);
  if (!found) throw new RangeError(`"${server}" is no address: host:port, ` +
    "[v6]:port or unix:PATH");
  return { host: found[1] ?? found[2], port: Number(found[3]) };
}

/** Who the client is, and how it shows that. A key is not sent: it signs what
 * the broker draws. */
class Login {
  #user;
  #secret;
  #key = null;

  constructor({ user = "", secret = "", mech = "" }) {
    this.#user = octetsOf(user);
    this.#secret = bodyOf(secret);
    const isGiven = this.#secret.length > 0;
    this.mech = mech || (isGiven ? (user ? "plain" : "token") : "");
    if (!["", "plain", "token", "ed25519"].includes(this.mech))
      throw new RangeError('mech is "plain", "token" or "ed25519"');
    if (this.mech && !isGiven)
      throw new TypeError(`mech "${this.mech}" needs a secret`);
    if (this.mech && this.mech !== "token" && !user)
      throw new TypeError(`mech "${this.mech}" needs a user`);
    if (this.mech === "ed25519") this.#key = Login.#keyOf(this.#secret);
  }

  static #keyOf(pem) {
    let key;
    try {
      key = createPrivateKey(pem);
    } catch {
      key = null; // what is wrong with it is not for everybody's eyes
    }
    if (key?.asymmetricKeyType !== "ed25519")
      throw new TypeError("the secret is no private Ed25519 key in PEM");
    return key;
  }

  /** Of the opening. */
  get words() {
    return [
      ...(this.#user ? [`user=${spell(this.#user)}`] : []),
      ...(this.mech ? [`mech=${this.mech}`] : []),
    ];
  }

  get body() {
    return this.#key ? "" : this.#secret;
  }

  get signs() {
    return this.#key !== null;
  }

  /** binding: what both ends make of the connection under TLS; else empty. */
  signature(nonce, binding) {
    const text = Buffer.from(`sluice/2 auth\0${this.#user}\0`, "latin1");
    return sign(null, Buffer.concat([text, nonce, binding]), this.#key);
  }
}

function openingOf({ name, ping }, login) {
  const words = ["\0SLUICE/2"];
  if (name) words.push(`name=${spell(octetsOf(name))}`);
  words.push(...login.words);
  if (ping !== undefined) words.push(`ping=${spellMs(ping)}`);
  return words.join(" ");
}

export class Client extends EventEmitter {
  #address;
  #tls;
  #readTls;
  #login;
  #opening;
  #options;
  #link = null;
  #run = null;
  #subscriptions = new Map();
  #live = new Map(); // those that were answered
  #unbounded = []; // of them, what no bound of the broker's holds
  #readers = new Map(); // subscriptions by channel
  #jobs = new Fifo(); // what waits for a connection, or for room in it
  #isClosing = false;
  #error = null; // why nothing is accepted any more
  #staying = null;
  #stopPause = null;
  #pauseMs = PAUSE_FIRST_MS; // before the next connection

  constructor(options = {}) {
    super();
    const server = (options.server ?? process.env.SLUICE_SERVER) ||
      DEFAULT_SERVER;
    this.#address = addressOf(server.replace(/^tls:/, ""));
    const env = { ...process.env };
    this.#readTls = () =>
      tlsOf(options, server.startsWith("tls:"), this.#address, env);
    this.#tls = this.#readTls();
    this.#login = new Login(options);
    this.#opening = openingOf(options, this.#login);
    this.#options = {
      reconnect: true, patient: false, buffer: 64 << 20, ...options,
    };
  }

  get info() {
    return { ...this.#link?.info };
  }

  // its life

  async open() {
    const link = await (this.#options.patient ? this.#come(true) : this.#try());
    this.#staying = this.#stay(link);
    return this;
  }

  /** Files that were renewed are read for the next connection; bad ones do not
   * take the place of good ones. */
  #refreshTls() {
    try {
      this.#tls = this.#readTls();
    } catch {
      // the old ones
    }
  }

  /** Once. */
  async #try() {
    this.#refreshTls();
    const link = new Link(this, this.#address, this.#tls, this.#opening,
      this.#login);
    try {
      await link.opened;
      return link;
    } catch (error) {
      link.destroy();
      throw error;
    }
  }

  /** Until it succeeds, with growing pauses; they are random, so that clients
   * do not come back all at once. */
  async #come(isFirst) {
    for (;;) {
      if (!isFirst) await this.#pause();
      isFirst = false;
      if (this.#isClosing) throw new Closed("the client is closed");
      try {
        return await this.#try();
      } catch (error) {
        if (error instanceof Untrusted ||
          (error instanceof Refused && HOPELESS.has(error.code))) throw error;
      }
    }
  }

  #pause() {
    const ms = this.#pauseMs * (0.5 + Math.random() / 2);
    this.#pauseMs = Math.min(2 * this.#pauseMs, PAUSE_LAST_MS);
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#stopPause = () => {
        clearTimeout(timer);
        resolve();
      };
    });
  }

  async #stay(first) {
    let error = new Closed("the connection has ended");
    try {
      for (let link = first; ; link = await this.#come(false)) {
        const began = performance.now();
        await link.ended;
        if (this.#isClosing || !this.#options.reconnect) break;
        // A broker that accepts and ends connections is not flooded.
        if (performance.now() - began > PAUSE_LAST_MS)
          this.#pauseMs = PAUSE_FIRST_MS;
      }
    } catch (refused) {
      error = refused;
    }
    this.#end(this.#isClosing ? null : error);
  }

  /** error: null when that was wanted. */
  #end(error) {
    this.#isClosing = true;
    this.#error = error ?? new Closed("the client is closed");
    for (const subscription of this.#subscriptions.values())
      subscription._end(error);
    this.#subscriptions.clear();
    for (const job of this.#jobs.takeAll()) job.fail(this.#error);
  }

  async close({ timeout = 5000 } = {}) {
    if (!this.#isClosing) {
      this.#isClosing = true;
      this.#stopPause?.();
      const link = this.#link;
      if (link && !link.isLost) {
        const timer = setTimeout(() => link.destroy(), timeout);
        // Behind everything that waits for room.
        this.#jobs.push({
          run: (open) => open.call(["BYE"], "", () => {}), fail() {},
        });
        this._flush();
        await link.ended;
        clearTimeout(timer);
      }
    }
    await this.#staying;
  }

  /** An exception in a listener is the program's, not the connection's. */
  _tell(event, ...details) {
    try {
      this.emit(event, ...details);
    } catch (error) {
      queueMicrotask(() => {
        throw error;
      });
    }
  }

  // what is to be written

  /** Runs start(link, done) as soon as there is a connection with room for it
   * and, if it goes to a channel, that channel is not held back. Until then it
   * can be aborted. */
  #submit(start, { channel = null, signal } = {}) {
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const over = (settle) => (value) => {
        signal?.removeEventListener("abort", abort);
        settle(value);
      };
      const job = {
        channel,
        isOver: false,
        run: (link) =>
          start(link, (error, answer) =>
            error ? job.fail(error) : over(resolve)(answer)),
        fail: over(reject),
      };
      const abort = () => {
        job.isOver = true;
        job.fail(signal.reason);
      };
      signal?.addEventListener("abort", abort);
      if (this.#isClosing) {
        job.fail(this.#error ?? new Closed("the client is closed"));
        return;
      }
      this.#jobs.push(job);
      this._flush();
    });
  }

  /** Jobs keep their order: later ones do not overtake those that wait. */
  _flush() {
    const link = this.#link;
    while (this.#jobs.length && link && !link.isLost && !link.isFull)
      this._run(this.#jobs.shift(), link);
  }

  _run(job, link) {
    if (job.isOver) return;
    const held = job.channel !== null && link.held.get(job.channel);
    if (held) {
      held.push(job);
      return;
    }
    try {
      job.run(link);
    } catch (error) {
      job.fail(error);
    }
  }

  _ask(words, body = "", options = {}) {
    return this.#submit(
      (link, done) =>
        link.call(words, body, (error, head, answer) =>
          done(error, { head, body: answer })),
      options);
  }

  // called by its links

  _onOpen(link) {
    const { run } = link.info;
    const isFirst = this.#run === null;
    const isSameRun = run === this.#run;
    this.#link = link;
    this.#run = run;
    if (this.#isClosing) link.destroy(); // it is too late
    this._tell("connected", { info: this.info, isSameRun });
    for (const subscription of [...this.#subscriptions.values()])
      this.#subscribe(link, subscription, isSameRun && !isFirst, (error) => {
        if (error instanceof Refused) this.#dropSubscription(subscription, error);
      });
    this._flush();
  }

  #dropSubscription(subscription, error) {
    this.#subscriptions.delete(subscription.pattern);
    subscription._end(error);
    this._tell("failure", error);
  }

  _onLost(link) {
    if (link !== this.#link) return; // it was never open
    for (const subscription of this.#live.values()) {
      subscription._forgetDeliveries();
      if (subscription._isNumbered)
        subscription._base = link.numbers.get(subscription._pattern.octets) ??
          subscription._base;
    }
    this.#live.clear();
    this.#onLiveChanged();
    this.#jobs.putBack([...link.held.values()].flat());
    link.held.clear();
    if (!this.#isClosing)
      this._tell("disconnected", { isOrderly: link.saidBye });
  }

  #onLiveChanged() {
    this.#readers.clear();
    this.#unbounded = [...this.#live.values()].filter(
      (subscription) => subscription._isQueue && !subscription.acks);
  }

  #readersOf(channel) {
    let readers = this.#readers.get(channel);
    if (!readers) {
      if (this.#readers.size >= CHANNELS_MAX) this.#readers.clear();
      readers = [...this.#live.values()].filter((subscription) =>
        subscription._pattern.matches(channel));
      this.#readers.set(channel, readers);
    }
    return readers;
  }

  /** Checks that the numbers of a topic continue, or start again. */
  #follow(link, head, first, last) {
    const { channel } = head;
    if (worldOf(channel) === "queue") return;
    const before = link.numbers.get(channel);
    link.numbers.delete(channel); // the latest are the last
    link.numbers.set(channel, last);
    if (link.numbers.size > CHANNELS_MAX)
      link.numbers.delete(link.numbers.keys().next().value);
    const isNext = before === undefined || first === before + 1n ||
      ("new" in head.options && first > before);
    if (!isNext)
      this._tell("numbersBroken",
        { channel: textOf(channel), expected: before + 1n, got: first });
  }

  _onMessage(link, head, body) {
    const seq = number(head.arguments[1]);
    const readers = this.#readersOf(head.channel);
    if (readers.length) this.#follow(link, head, seq, seq);
    for (const subscription of readers)
      if (seq > subscription._base)
        subscription._putMessage(new Message(link, head, body));
  }

  _onGap(link, head) {
    const [first, last] = head.arguments.slice(1, 3).map(number);
    if (last === undefined) throw new Garbage("no gap");
    const readers = this.#readersOf(head.channel);
    if (readers.length) this.#follow(link, head, first, last);
    for (const subscription of readers) {
      const base = subscription._base;
      if (last > base)
        subscription._putGap(new Gap(textOf(head.channel),
          first > base ? first : base + 1n, last, head.options.why ?? "slow",
          "new" in head.options));
    }
  }

  _onRead() {
    if (this.#link && !this.#link.isLost) this.#link.lookAtRoom();
  }

  _hasNoRoom() {
    return this.#unbounded.some((subscription) => subscription._isFull);
  }

  // publishing

  async publish(channel, body = "", { headers, confirm = false, signal } = {}) {
    const octets = octetsOf(channel);
    const words = routed("PUB", spellChannel(octets), headers);
    const options = { channel: octets, signal };
    if (![false, true, "route", "sync"].includes(confirm))
      throw new TypeError('confirm is true, "route" or "sync"');
    if (confirm === "sync") words.push("confirm=sync");
    if (!confirm)
      return this.#submit((link, done) => {
        link.write(words, body);
        done(null);
      }, options);
    const { head } = await this._ask(words, body, options);
    return {
      seq: number(head.options.seq ?? "0"),
      subscribers: head.count("subs"),
      dropped: head.count("drop"),
      waiting: head.count("held"),
      onDisk: head.count("sync") === 1,
    };
  }

  async request(channel, body = "", { headers, timeout = 5000, signal } = {}) {
    const words = routed("REQ", spellChannel(octetsOf(channel)), headers);
    words.push(`timeout=${spellMs(timeout)}`);
    const answer = await this._ask(words, body, { signal });
    return {
      body: answer.body,
      headers: answer.head.headers,
      get text() {
        return answer.body.toString();
      },
    };
  }

  // subscribing

  async subscribe(pattern, { ack, credit, wait, gaps = false } = {}) {
    const meant = new Pattern(pattern);
    const options = {};
    if (meant.world === "queue" && ack !== false) {
      Object.assign(options, { ack: "yes", credit: `${credit ?? 1}` });
      if (wait !== undefined) options.wait = spellMs(wait);
    } else if (ack || credit !== undefined || wait !== undefined) {
      throw new TypeError(ONLY_QUEUES);
    }
    const subscription = new Subscription(this, meant, options, {
      gaps,
      acksItself: meant.world === "queue" && ack === undefined,
      buffer: this.#options.buffer,
    });
    await this.#submit((link, done) =>
      this.#subscribe(link, subscription, null, done));
    return subscription;
  }

  /** isSameRun: whether the broker runs since the last connection; null for a
   * new subscription. */
  #subscribe(link, subscription, isSameRun, done) {
    const options = Object.entries(subscription._options);
    const words = options.map(([name, value]) => `${name}=${value}`);
    link.call(["SUB", subscription.pattern, ...words], "", (error, head) => {
      if (!error) this.#onSubscribed(link, subscription, head, isSameRun);
      done(error);
    });
  }

  #onSubscribed(link, subscription, head, isSameRun) {
    if (subscription._isNumbered) {
      const seq = number(head.options.seq ?? "0");
      const { octets } = subscription._pattern;
      const missed = seq > subscription._base ? seq - subscription._base : 0n;
      if (isSameRun === false) subscription._putMissed(null);
      else if (isSameRun && missed) subscription._putMissed(missed);
      // Earlier messages may still be on their way for another pattern.
      if (!this.#readersOf(octets).length) link.numbers.set(octets, seq);
      subscription._base = subscription.seq = seq;
    }
    this.#subscriptions.set(subscription.pattern, subscription);
    this.#live.set(subscription.pattern, subscription);
    this.#onLiveChanged();
  }

  /** Messages that arrive from now on are not for it. The numbers of channels
   * that no other subscription matches are forgotten. */
  async _unsubscribe(subscription) {
    const { pattern } = subscription;
    subscription._end();
    subscription._forgetDeliveries();
    if (this.#subscriptions.get(pattern) !== subscription) return;
    this.#subscriptions.delete(pattern);
    const wasLive = this.#live.delete(pattern);
    this.#onLiveChanged();
    const link = this.#link;
    if (!wasLive || link.isLost) return;
    for (const channel of link.numbers.keys())
      if (subscription._pattern.matches(channel) &&
          !this.#readersOf(channel).length)
        link.numbers.delete(channel);
    try {
      const { head } = await link.ask(["UNSUB", pattern]);
      if (subscription._isNumbered)
        subscription.seq = number(head.options.seq ?? "0");
    } catch (error) {
      if (!(error instanceof Gone || error instanceof Closed)) throw error;
    }
  }
}

export const connect = (options) =>
  new Client(typeof options === "string" ? { server: options } : options)
    .open();
