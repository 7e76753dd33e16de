// SPDX-License-Identifier: MIT
// model - what is known of all reporters: the last half hour of their series,
// their channels and clients with rates, and the events. Knows no element.

const KEPT_MS = 30 * 60 * 1000;
const EVENTS_MAX = 200;
const TOTALS = ["in", "out", "dropped"];
const KEYS = {channels: "name", clients: "conn"};

export const reporters = new Map();
export let events = [];
let offset = 0; // of the server's clock to ours

export const now = () => Date.now() + offset;

function reporter(word) {
    const key = `${word.broker ? "broker" : "application"} ${word.name}`;
    if (!reporters.has(key))
        reporters.set(key, {key, name: word.name, isBroker: word.broker,
            isShown: true, series: {}, channels: [], clients: [], seen: {}});
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

// Rates come from two documents; between them, some may have been missed.
function rates(who, kind, document) {
    const rows = document[kind] ?? [];
    const before = who.seen[kind];
    const key = KEYS[kind];
    const old = new Map(before?.[kind]?.map(row => [row[key], row]));
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

function takeStats(who, document) {
    who.stats = document;
    who.colour = colour(document);
}

function takeEvent(document) {
    events.push(document);
    events = events.slice(-EVENTS_MAX);
}

export function takeReport(word) {
    const who = reporter(word);
    if (word.kind === "event")
        takeEvent(word.document);
    else if (word.kind === "stats") {
        takeStats(who, word.document);
        who.sample = word.sample;
        for (const [name, value] of Object.entries(word.sample))
            push(who, name, word.heard, value);
    } else
        rates(who, word.kind, word.document);
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

// Everything anew, except what the person chose to see.
export function takeHistory(history) {
    const hidden = [...reporters.values()].filter(who => !who.isShown)
        .map(who => who.key);
    offset = history.now - Date.now();
    reporters.clear();
    events = history.events;
    for (const word of history.reporters)
        restore(word, history.step);
    for (const key of hidden)
        if (reporters.has(key))
            reporters.get(key).isShown = false;
}

export const shown = () =>
    [...reporters.values()].filter(who => who.isShown);
