// SPDX-License-Identifier: MIT
// events - what happened, in words; what happened again and again is one row.
// Knows no element.

import * as figures from "./figures.js";

const ROWS_MAX = 200;

const messages = value => figures.plural(value, "message");
const above0 = text => value => value > 0 ? text(value) : "";

// How a field reads; "" when it need not be said. What is not listed is said
// by its name.
const FIELDS = new Map(Object.entries({
    conn: value => `conn ${value}`,
    peer: value => `from ${value}`,
    name: String,
    channel: String,
    waits_for: value => `waits for room in ${value}`,
    gates: value => value > 1 ? `at ${value} channels` : "",
    queued: value => `${figures.bytes(value)} unsent`,
    dropped: above0(value => `${messages(value)} missed`),
    messages_in: above0(value => `${messages(value)} in`),
    messages_out: above0(value => `${messages(value)} out`),
    held: value => `holds ${figures.bytes(value)}`,
    memory: value => `memory ${figures.bytes(value)}`,
    limit: value => `limit ${figures.bytes(value)}`,
    connections: value => figures.plural(value, "connection"),
    action: value => value === "drop" ? "messages are dropped for it"
        : String(value),
    signal: value => `SIG${value}`,
    reason: value => String(value).replaceAll("_", " "),
    state: value => value === "open" ? "" : `while ${value}`,
    missed: above0(value => `${figures.count(value)} more were left out`),
}));
const HEAD = new Set(["broker", "timestamp", "time", "seq", "event",
    "interval", "level"]);

const LEVELS = new Map(Object.entries({slow_consumer: "bad", shed: "bad",
    paused: "warn", accept_paused: "warn", stopping: "warn"}));

// What follows the other again and again is one matter.
const MATTERS = new Map(Object.entries({
    slow_consumer: "slow", recovered: "slow",
    paused: "pause", resumed: "pause",
    accept_paused: "accept", accept_resumed: "accept",
}));

const title = event => String(event).replaceAll("_", " ");
const host = peer => String(peer ?? "").replace(/:\d+$/, "");

// Events of one key are one row. Clients that come or go are the same again
// when they come from the same host for the same channel.
function keyOf({broker, event, conn, channel, peer, reason}) {
    const isComing = event === "connected" || event === "closed";
    return JSON.stringify(isComing
        ? [broker, event, channel, host(peer), reason]
        : [broker, MATTERS.get(event) ?? event, conn ?? channel]);
}

function words(event) {
    return Object.entries(event)
        .filter(([field, value]) => !HEAD.has(field) && value != null)
        .map(([field, value]) => FIELDS.get(field)?.(value) ??
            `${field} ${value}`);
}

function titleOf({kinds, count}) {
    const titles = [...kinds].map(title).join("/");
    return count > 1 ? `${titles} ×${figures.count(count)}` : titles;
}

// Of several, what the last one said.
function storyOf({last, first, kinds, count, isOfMany}) {
    const said = isOfMany ? {...last, conn: null, peer: host(last.peer)} : last;
    const parts = words(said);
    if (kinds.size > 1)
        parts.unshift(`now ${title(last.event)}`);
    if (count > 1)
        parts.push(`first at ${figures.clock(first.time)}`);
    return parts.filter(Boolean).join(" · ");
}

export class Events {
    constructor() {
        this.rows = new Map(); // by key, the latest last
    }

    take(event) {
        const key = keyOf(event);
        const row = this.rows.get(key) ??
            {first: event, kinds: new Set(), count: 0, isOfMany: false};
        this.rows.delete(key);
        this.rows.set(key, row);
        row.last = event;
        row.count++;
        row.kinds.add(event.event);
        row.isOfMany ||= event.conn !== row.first.conn;
        if (this.rows.size > ROWS_MAX)
            this.rows.delete(this.rows.keys().next().value);
    }

    list() {
        return [...this.rows.values()].map(row => ({
            time: row.last.time, broker: row.last.broker,
            level: LEVELS.get(row.last.event) ?? "",
            title: titleOf(row), story: storyOf(row),
        }));
    }
}
