// SPDX-License-Identifier: MIT
// model - what is known of all reporters: the last half hour of their series,
// their channels and clients with rates, what the channels were since the page
// was opened, and the events. Knows no element.

import {Events} from "./events.js";
import {Past} from "./past.js";

const KEPT_MS = 30 * 60 * 1000;
const PASTS_MAX = 100; // channels whose past is kept
const FORGET_MS = 60 * 1000; // what was not listed so long makes room
const TOTALS = ["in", "out", "dropped", "redelivered"];
const KEYS = {channels: "name", clients: "conn", users: "name"};
// What else is dropped had nobody to go to.
const LOSSES = ["dropped_slow", "dropped_newest", "dropped_oldest",
    "dropped_memory", "dropped_no_memory"];

export const reporters = new Map();
export let events = new Events();
const pasts = new Map(); // of channels, by reporter and name
let offset = 0; // of the server's clock to ours

export const now = () => Date.now() + offset;

function reporter(word) {
    const key = `${word.broker ? "broker" : "application"} ${word.name}`;
    if (!reporters.has(key))
        reporters.set(key, {key, name: word.name, isBroker: word.broker,
            isShown: true, series: {}, channels: [], clients: [], users: [],
            seen: {}});
    const found = reporters.get(key);
    found.isSilent = word.silent;
    found.heard = word.heard;
    return found;
}

// A colour is taken from outside only if it is one.
function colour(document) {
    const text = String(document.color ?? "");
    return CSS.supports("color", text) ? text : "#888";
}

// A point that comes late has nothing to do with the one before it.
function push(who, name, time, value) {
    if (value === null)
        return;
    const points = who.series[name] ??= [];
    const gap = Math.max(3000, 3000 * (who.stats?.interval ?? 1));
    const last = points.at(-1);
    if (last && time - last.x > gap)
        points.push({x: last.x + 1, y: NaN});
    if (last && time <= last.x)
        points.pop();
    points.push({x: time, y: value});
    while (points[0].x < time - KEPT_MS)
        points.shift();
}

// Anybody may report anything.
const listed = (document, kind) => Array.isArray(document?.[kind])
    ? document[kind].filter(row => row instanceof Object) : [];

// Rates come from two documents; between them, some may have been missed.
function rates(who, kind, document) {
    const rows = listed(document, kind);
    const before = who.seen[kind];
    const key = KEYS[kind];
    const old = new Map(listed(before, kind).map(row => [row[key], row]));
    const steps = Math.max(1, document.seq - (before?.seq ?? document.seq));
    const seconds = steps * document.interval;
    for (const row of rows) {
        const past = old.get(row[key]);
        for (const name of TOTALS)
            row[`${name}_rate`] = past && seconds > 0
                ? Math.max(0, row[name] - past[name]) / seconds : NaN;
        row.reporter = who;
    }
    if (before?.seq !== document.seq)
        who.seen[kind] = document;
    who[kind] = rows;
    who[`${kind}_total`] = document.total ?? rows.length;
}

// --- the past of channels --------------------------------------------------

const pastKey = (who, name) => `${who.key}\n${name}`;

export const pastOf = (who, name) => pasts.get(pastKey(who, name)) ?? null;

// Those listed again move to the end: the first was missing longest.
function makeRoom(time) {
    const [key, past] = pasts.entries().next().value ?? [];
    if (pasts.size >= PASTS_MAX && past.newest < time - FORGET_MS)
        pasts.delete(key);
    return pasts.size < PASTS_MAX;
}

function remember(who, time) {
    for (const channel of who.channels) {
        const key = pastKey(who, channel.name);
        const past = pasts.get(key) ?? (makeRoom(time) ? new Past() : null);
        if (!past)
            continue;
        pasts.delete(key);
        pasts.set(key, past);
        past.put(time, channel);
    }
}

// --- what comes ------------------------------------------------------------

// How many messages a second were lost between two reports; NaN: unknown.
function lossRate(before, after) {
    const sum = stats => LOSSES.reduce((total, name) =>
        total + (stats.counters?.[name] ?? 0), 0);
    const seconds = after.uptime - (before?.uptime ?? NaN);
    return seconds > 0 ? Math.max(0, sum(after) - sum(before)) / seconds : NaN;
}

function takeStats(who, document) {
    who.lossRate = lossRate(who.stats, document);
    who.stats = document;
    who.colour = colour(document);
}

export function takeReport(word) {
    const who = reporter(word);
    if (word.kind === "event")
        events.take(word.document);
    else if (word.kind === "stats") {
        takeStats(who, word.document);
        who.sample = word.sample;
        for (const [name, value] of Object.entries(word.sample))
            push(who, name, word.heard, value);
    } else {
        rates(who, word.kind, word.document);
        if (word.kind === "channels")
            remember(who, word.heard);
    }
}

export const takeSilence = word => reporter(word);

function restore(word, step) {
    const who = reporter(word);
    if (word.stats)
        takeStats(who, word.stats);
    for (const kind of Object.keys(KEYS))
        if (word[kind])
            rates(who, kind, word[kind]);
    who.series = {};
    who.sample = {};
    for (const [name, values] of Object.entries(word.series)) {
        values.forEach((value, i) =>
            push(who, name, word.start + i * step, value));
        who.sample[name] = values.at(-1) ?? null;
    }
}

// Everything again, except what the person chose to see, and the past of
// channels, which the server does not keep.
export function takeHistory(history) {
    const hidden = [...reporters.values()].filter(who => !who.isShown)
        .map(who => who.key);
    offset = history.now - Date.now();
    reporters.clear();
    events = new Events();
    for (const event of history.events)
        events.take(event);
    for (const word of history.reporters)
        restore(word, history.step);
    for (const key of hidden)
        if (reporters.has(key))
            reporters.get(key).isShown = false;
}
