#!/usr/bin/env node
// SPDX-License-Identifier: MIT
// The program of the suite on top of the library for Node; see README.md.
import { createInterface } from "node:readline";
import { setImmediate as turn } from "node:timers/promises";

import * as sluice from "../../client/js/sluice.mjs";

const say = (...words) => process.stdout.write(words.join(" ") + "\n");

/** Octets as they are written in a head, and back; texts as the library has
 * them, with a lone surrogate for an octet that is not UTF-8. */
const unspell = (text) =>
  Buffer.from(
    text.replace(/%([0-9A-Fa-f]{2})/g, (_, hex) =>
      String.fromCharCode(parseInt(hex, 16))),
    "latin1");

const spell = (octets, special = "%") =>
  [...octets].map((octet) => {
    const character = String.fromCharCode(octet);
    return octet > 0x20 && octet < 0x7f && !special.includes(character)
      ? character
      : "%" + octet.toString(16).toUpperCase().padStart(2, "0");
  }).join("");

const octets = (text) =>
  Buffer.concat([...text].map((character) => {
    const code = character.codePointAt(0);
    return code >= 0xdc80 && code <= 0xdcff
      ? Buffer.of(code - 0xdc00)
      : Buffer.from(character);
  }));

const channelOf = (text) => sluice.exact(text);

const tail = ({ headers, body }) => [
  ...Object.entries(headers).map(([k, v]) => `${k}=${spell(octets(v))}`),
  `body=${spell(body)}`,
];

function parse(line) {
  const [verb, ...words] = line.split(" ");
  const order = { verb, arguments: [], options: {}, headers: {} };
  for (const word of words) {
    const at = word.indexOf("=");
    const name = word.slice(0, at);
    if (at < 0) order.arguments.push(word);
    else if (/^[A-Z]/.test(name))
      order.headers[name] = unspell(word.slice(at + 1));
    else order.options[name] = word.slice(at + 1);
  }
  return order;
}

const bodyOf = ({ options }) =>
  "size" in options
    ? Buffer.alloc(Number(options.size), "x")
    : unspell(options.body ?? "");

const ms = (duration) => duration && 1000 * parseInt(duration, 10);

function codeOf(error) {
  if (error instanceof sluice.Refused) return error.code;
  if (error instanceof sluice.NotExecuted) return "not-done";
  if (error instanceof sluice.OutcomeUnknown) return "unknown";
  if (error instanceof sluice.Untrusted) return "untrusted";
  throw error;
}

const { SUITE_USER: user, SUITE_MECH: mech, SUITE_SECRET: secret } = process.env;
const broker = new sluice.Client({
  name: "suite", patient: true, user, mech, secret,
});
const subscriptions = new Map();
const messages = new Map(); // the last ones, for ack and reply

broker
  .on("connected", ({ info }) => say("open", `run=${info.run}`))
  .on("disconnected", ({ isOrderly }) =>
    say("lost", isOrderly ? "why=bye" : "why=broken"))
  .on("draining", () => say("drain"))
  .on("held", (channel) => say("hold", channelOf(channel)))
  .on("released", (channel) => say("go", channelOf(channel)))
  .on("numbersBroken", ({ channel }) => say("wrong", channelOf(channel)))
  .on("failure", (error) => say("err", error.code));

function wordsOf(result) {
  if (result instanceof sluice.Subscription)
    return result.seq === null ? [] : [`seq=${result.seq}`];
  if (result?.seq === undefined) return [];
  return [
    `seq=${result.seq}`,
    `subs=${result.subscribers}`,
    result.waiting ? `held=${result.waiting}` : `drop=${result.dropped}`,
    ...(result.onDisk ? ["sync=1"] : []),
  ];
}

/** Prints how a call ends. */
async function settle(tag, call) {
  try {
    const result = await call;
    if (result?.body) say("rep", `tag=${tag}`, ...tail(result));
    else if (tag) say("ok", `tag=${tag}`, ...wordsOf(result));
    return result;
  } catch (error) {
    const code = codeOf(error);
    if (tag) say("err", code, `tag=${tag}`);
    return null;
  }
}

function show(pattern, item) {
  const channel = channelOf(item.channel);
  if (item instanceof sluice.Missed) {
    say("missed", pattern, ...(item.count === null ? [] : [item.count]));
  } else if (item instanceof sluice.Gap) {
    say("gap", pattern, channel, item.first, item.last,
      ...(item.isNew ? ["new=1"] : []), `why=${item.why}`);
  } else {
    messages.set(`${channel} ${item.seq}`, item);
    say("msg", pattern, channel, item.seq, ...(item.isNew ? ["new=1"] : []),
      ...(item.tries > 1 ? [`try=${item.tries}`] : []),
      ...(item.wantsReply ? ["reply=yes"] : []), ...tail(item));
  }
}

async function read(pattern, subscription) {
  try {
    for await (const item of subscription) show(pattern, item);
  } catch (error) {
    if (!(error instanceof sluice.SluiceError)) throw error; // an event said so
  }
}

const message = (order) => messages.get(order.arguments.join(" "));

const ORDERS = {
  async sub({ arguments: [pattern], options }, tag) {
    const isQueue = pattern.startsWith("/queue");
    const subscription = await settle(tag, broker.subscribe(pattern, {
      gaps: true,
      ack: isQueue ? options.ack === "yes" : undefined,
      credit: isQueue && options.ack ? Number(options.credit ?? 1) : undefined,
      wait: ms(options.wait),
    }));
    if (!subscription) return;
    subscriptions.set(pattern, subscription);
    read(pattern, subscription);
  },

  async unsub({ arguments: [pattern] }, tag) {
    const subscription = subscriptions.get(pattern);
    subscriptions.delete(pattern);
    await settle(tag, subscription.close().then(() => subscription));
  },

  credit: ({ arguments: [pattern, count] }, tag) =>
    settle(tag, subscriptions.get(pattern).credit(Number(count))),

  pub: (order, tag) =>
    settle(tag, broker.publish(unspell(order.arguments[0]), bodyOf(order), {
      headers: order.headers,
      confirm: order.options.sync ? "sync" : tag !== undefined,
    })),

  req: (order, tag) =>
    settle(tag, broker.request(unspell(order.arguments[0]), bodyOf(order), {
      headers: order.headers,
      timeout: ms(order.options.timeout),
    })),

  reply: (order, tag) =>
    settle(tag, message(order).reply(bodyOf(order), {
      headers: order.headers,
      confirm: tag !== undefined,
    })),

  ack: (order, tag) =>
    settle(tag, message(order).ack({ confirm: tag !== undefined })),

  touch: (order, tag) =>
    settle(tag, message(order).touch({ confirm: tag !== undefined })),

  nak: (order, tag) =>
    settle(tag, message(order).nak({
      delay: ms(order.options.delay),
      reason: bodyOf(order),
      confirm: tag !== undefined,
    })),

  /** Behind what has happened: what has come is printed by others. */
  async echo({ arguments: words }) {
    while ([...subscriptions.values()].some((s) => s.waiting)) await turn();
    await turn();
    say("echo", ...words);
  },
};

try {
  await broker.open();
} catch (error) {
  if (error instanceof sluice.Untrusted) throw error;
  say("err", codeOf(error));
  process.exit(0);
}
for await (const line of createInterface({ input: process.stdin })) {
  const order = parse(line);
  ORDERS[order.verb](order, order.options.tag);
}
await broker.close();
