// SPDX-License-Identifier: MIT
// diagnosis - what is wrong, and why, in words. Knows no element.

import * as figures from "./figures.js";
import {pastOf} from "./model.js";

const {plural} = figures;

// What waits less is on its way, and not backed up unless a publisher waits.
const FRESH_MS = 1000;
const MEMORY_SHORT = 0.85; // from there on the broker makes publishers wait
// So long a loss is shown, and growth is measured; of slow reporters, over
// some of their intervals.
const LOSS_MS = 10e3;
const GROWTH_MS = 20e3;
const INTERVALS = 4;

const isQueue = channel => channel.kind === "queue";
const isBackedUp = channel => channel.depth > 0 &&
    (channel.age_ms >= FRESH_MS || channel.paused > 0);

const atLeast = (channel, ms) => Math.max(ms,
    INTERVALS * 1000 * (channel.reporter.stats?.interval ?? 1));

// --- one channel -----------------------------------------------------------

// Of a topic the limit is that of each subscriber.
export const limitOf = channel => isQueue(channel) ||
    channel.subscribers === 1 ? channel.limit_bytes : 0;

// What it lost lately: {messages, isGoingOn}. Once is not again and again:
// that may be a subscriber that left.
function lossOf(channel) {
    const past = pastOf(channel.reporter, channel.name);
    const rows = past
        ?.since(past.newest - atLeast(channel, LOSS_MS), "dropped") ?? [];
    const steps = rows.map(([, value], i) => i ? value - rows[i - 1][1] : 0)
        .filter(step => step > 0);
    return {messages: steps.reduce((a, b) => a + b, 0),
        isGoingOn: steps.length > 1};
}

// Milliseconds until a queue is full if it grows as it has; NaN: it does not,
// or nobody knows.
export function fullIn(channel) {
    const past = pastOf(channel.reporter, channel.name);
    if (!past || !isQueue(channel) || channel.paused > 0)
        return NaN;
    const until = (field, limit) => {
        const growth = past.growth(field, atLeast(channel, GROWTH_MS));
        const room = limit - channel[field];
        return limit > 0 && room > 0 && growth > 0
            ? 1000 * room / growth : Infinity;
    };
    const ms = Math.min(until("bytes", channel.limit_bytes),
        until("depth", channel.limit_messages));
    return Number.isFinite(ms) ? ms : NaN;
}

// All consumers acknowledge, and hold as many messages as they may.
const isBusy = channel => channel.workers >= channel.subscribers &&
    channel.ready === 0 && channel.held > 0;

// A queue's messages are handed over, and no more is known of them unless
// workers acknowledge: only a consumer knows whether it has finished.
function calm(channel) {
    if (isQueue(channel) && channel.subscribers === 0)
        return channel.depth > 0 ? "no consumers" : "empty";
    if (isQueue(channel) && channel.held > 0)
        return "worked on";
    if (channel.in_rate === 0 && channel.out_rate === 0)
        return "idle";
    return isQueue(channel) ? "handed over" : "flows";
}

function backedUp(channel) {
    const isOld = channel.age_ms >= FRESH_MS;
    if (isQueue(channel) && channel.subscribers === 0)
        return {level: "bad", text: "no consumers"};
    if (!isQueue(channel))
        return {level: isOld && channel.paused ? "bad" : "warn",
            text: "slow subscriber"};
    if (channel.out_rate === 0)
        return isBusy(channel)
            ? {level: isOld ? "bad" : "warn", text: "workers busy"}
            : {level: "bad", text: "consumers stuck"};
    if (channel.out_rate > channel.in_rate && !channel.paused)
        return {level: "warn", text: "draining"};
    return {level: isOld ? "bad" : "warn", text: "consumers too slow"};
}

// Why a channel is as it is: {level, text, loss}.
export function ofChannel(channel) {
    const loss = lossOf(channel);
    if (loss.messages > 0)
        return {level: loss.isGoingOn ? "bad" : "warn", loss,
            text: loss.isGoingOn ? "loses messages" : "lost messages"};
    return isBackedUp(channel) ? backedUp(channel)
        : {level: "", text: calm(channel)};
}

// --- sentences -------------------------------------------------------------

// As people call a client: by its name if it has one.
export const clientName = client => {
    const place = client.peer === "unix" ? `unix, conn ${client.conn}`
        : client.peer;
    return client.name ? `${client.name} (${place})` : place;
};

// The subscriber of a topic that keeps the oldest message waiting.
function slowestOf(channel) {
    const [slowest] = channel.reporter.clients
        .filter(client => client.channel === channel.name && client.depth > 0)
        .sort((a, b) => b.age_ms - a.age_ms || b.bytes - a.bytes);
    return slowest ? ` ${clientName(slowest)}` : "";
}

function growthOf(channel) {
    const past = pastOf(channel.reporter, channel.name);
    const growth = past?.growth("depth", atLeast(channel, GROWTH_MS));
    const ms = fullIn(channel);
    const parts = growth > 0 ? [`grows by ${figures.rate(growth)}/s`] : [];
    return ms > 0 ? [...parts, `full in ${figures.span(ms)}`] : parts;
}

function detailsOf(channel) {
    const parts = [];
    if (channel.depth > 0)
        parts.push(`the oldest has waited ${figures.span(channel.age_ms)}`,
            figures.bytesOf(channel.bytes, limitOf(channel)));
    if (Number.isFinite(channel.in_rate))
        parts.push(`in ${figures.rate(channel.in_rate)}/s, ` +
            `out ${figures.rate(channel.out_rate)}/s`);
    parts.push(...growthOf(channel));
    if (channel.held)
        parts.push(`workers have ${plural(channel.held, "message")}`);
    if (channel.paused)
        parts.push(`${plural(channel.paused, "publisher")} paused`);
    if (channel.parked_bytes)
        parts.push(`${figures.bytes(channel.parked_bytes)} parked`);
    if (channel.pressed)
        parts.push("has to hold back for memory");
    parts.push(`on ${channel.reporter.name}`);
    return parts.join(" · ");
}

function lossSentence(channel, {messages, isGoingOn}) {
    const lost = isGoingOn && channel.dropped_rate > 0
        ? `loses ${figures.rate(channel.dropped_rate)} messages a second`
        : `lost ${plural(messages, "message")} just now`;
    const why = isQueue(channel) ? ": memory is exhausted"
        : channel.subscribers === 0 ? ": nobody is subscribed"
        : `: slow subscriber${slowestOf(channel)}`;
    return `${channel.name} ${lost}${why} (${membersOf(channel)})`;
}

const membersOf = channel => plural(channel.subscribers,
    isQueue(channel) ? "consumer" : "subscriber");

function sentenceOf(channel, why) {
    if (why.loss)
        return lossSentence(channel, why.loss);
    const holds = `${channel.name} holds ${plural(channel.depth, "message")}`;
    if (why.text === "no consumers")
        return `${holds}: 0 consumers`;
    const who = isQueue(channel) ? "" : slowestOf(channel);
    return `${holds}: ${why.text}${who} (${membersOf(channel)})`;
}

// --- what needs attention --------------------------------------------------

// The worst first: a broker that is silent may lose anything; what is lost is
// gone; what is only full can still be helped.
const RANKS = ["silent", "journal", "loss", "memory", "full", "stopping", "slow",
    "lost"];

function problemsOfChannels(who) {
    return who.channels.map(channel => ({channel, why: ofChannel(channel)}))
        .filter(({why}) => why.level)
        .map(({channel, why}) => ({
            rank: why.loss ? (why.level === "bad" ? "loss" : "lost")
                : why.level === "bad" ? "full" : "slow",
            level: why.level,
            weight: why.loss?.messages ??
                channel.depth + channel.age_ms / 1000,
            text: sentenceOf(channel, why), more: detailsOf(channel),
            channel}));
}

const NAMED_MAX = 3;

function heldBack(who) {
    const names = who.channels.filter(channel => channel.pressed)
        .map(channel => channel.name);
    const rest = names.length - NAMED_MAX;
    const and = rest > 0 ? ` and ${rest} more` : "";
    return names.length
        ? `${names.slice(0, NAMED_MAX).join(", ")}${and} must hold back`
        : "publishers of the fullest channels wait";
}

// What stops all durable queues, by the state of the journal.
const JOURNAL = [null, {level: "warn", is: "is full",
    more: "publishers to durable queues wait until consumers have made room"},
{level: "bad", is: "has failed", more: "durable queues stand still until " +
    "the broker is started again on a disk that works"}];

function problemsOfJournal(who) {
    const counters = who.stats?.counters ?? {};
    const state = JOURNAL[counters.journal_state];
    const size = figures.bytesOf(counters.journal_bytes,
        counters.journal_limit_bytes);
    const lost = counters.journal_damaged_messages;
    const found = [];
    if (state)
        found.push({rank: "journal", level: state.level, weight: 0,
            text: `the journal of ${who.name} ${state.is}: ${size}`,
            more: state.more});
    if (lost > 0)
        found.push({rank: "loss", level: "bad", weight: lost,
            text: `the journal of ${who.name} has lost ` +
                plural(lost, "message"),
            more: "they changed on disk: sluice journal check says which"});
    return found;
}

// Relief comes later than shortage: while somebody holds back, it is short.
function problemsOfMemory(who) {
    const {memory, memory_limit: limit} = who.sample ?? {};
    const isShort = limit > 0 && (memory / limit >= MEMORY_SHORT ||
        who.channels.some(channel => channel.pressed));
    return isShort ? [{rank: "memory", level: "bad", weight: 0,
        text: `${who.name} is short of memory: ` +
            figures.bytesOf(memory, limit), more: heldBack(who)}] : [];
}

const WHICH = "its feed says which channels: sluice monitor --connect ENDPOINT";

// A broker that reports without being watched says nothing of its channels.
function problemsOfTotals(who) {
    const {queued, paused} = who.sample ?? {};
    const found = [];
    if (who.seen.channels)
        return found;
    if (who.lossRate > 0)
        found.push({rank: "loss", level: "bad", weight: who.lossRate,
            text: `${who.name} loses ${figures.rate(who.lossRate)} ` +
                "messages a second", more: WHICH});
    if (queued > 0)
        found.push({rank: paused ? "full" : "slow",
            level: paused ? "bad" : "warn", weight: queued,
            text: `${who.name} holds ${plural(queued, "message")} in queues`,
            more: WHICH});
    return found;
}

function problemsOf(who) {
    if (who.isSilent)
        return [{rank: who.isBroker ? "silent" : "slow",
            level: who.isBroker ? "bad" : "warn", weight: 0,
            text: `${who.name} is silent since ${figures.clock(who.heard)}`,
            more: "it stopped, or cannot be reached; it comes back by itself"}];
    if (!who.isBroker)
        return [];
    const found = [...problemsOfChannels(who), ...problemsOfMemory(who),
        ...problemsOfJournal(who), ...problemsOfTotals(who)];
    if (who.stats?.stopping)
        found.push({rank: "stopping", level: "warn", weight: 0,
            text: `${who.name} is stopping`, more: "it was asked to"});
    return found;
}

// The worst first: {level, text, more, channel if it is one's}.
export function of(reporters) {
    return reporters.flatMap(problemsOf).sort((a, b) =>
        RANKS.indexOf(a.rank) - RANKS.indexOf(b.rank) || b.weight - a.weight);
}
