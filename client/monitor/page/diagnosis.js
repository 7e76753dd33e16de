// SPDX-License-Identifier: MIT
// diagnosis - what is wrong, and why, in words. Knows no element.

import * as figures from "./figures.js";

// What waits less is on its way, and not backed up unless a publisher waits.
const FRESH_MS = 1000;
const MEMORY_SHORT = 0.85; // from there on the broker holds publishers up

const isBackedUp = channel => channel.depth > 0 &&
    (channel.age_ms >= FRESH_MS || channel.paused > 0);

function plural(n, word) {
    return `${figures.count(n)} ${word}${n === 1 ? "" : "s"}`;
}

// Why a channel is as it is: {level, text}.
export function ofChannel(channel) {
    const isQueue = channel.kind === "queue";
    if (!isBackedUp(channel))
        return channel.dropped_rate > 0
            ? {level: "warn", text: "drops for slow subscribers"}
            : {level: "", text: "flows"};
    const isOld = channel.age_ms >= FRESH_MS;
    if (isQueue && channel.subscribers === 0)
        return {level: "bad", text: "no consumers"};
    if (!isQueue)
        return {level: isOld && channel.paused ? "bad" : "warn",
            text: "slow subscriber"};
    if (channel.out_rate === 0)
        return {level: "bad", text: "consumers stuck"};
    if (channel.out_rate > channel.in_rate && !channel.paused)
        return {level: "warn", text: "draining"};
    return {level: isOld ? "bad" : "warn", text: "consumers too slow"};
}

function detailsOf(channel) {
    const parts = [`the oldest has waited ${figures.span(channel.age_ms)}`];
    if (Number.isFinite(channel.in_rate))
        parts.push(`in ${figures.rate(channel.in_rate)}/s, ` +
            `out ${figures.rate(channel.out_rate)}/s`);
    if (channel.dropped_rate > 0)
        parts.push(`${figures.rate(channel.dropped_rate)}/s dropped`);
    if (channel.paused)
        parts.push(`${plural(channel.paused, "publisher")} paused`);
    if (channel.pressed)
        parts.push("has to hold back for memory");
    parts.push(figures.bytes(channel.bytes));
    parts.push(`on ${channel.reporter.name}`);
    return parts.join(" · ");
}

// Which subscriber of a topic keeps the oldest message waiting.
function slowestOf(channel) {
    const [slowest] = channel.reporter.clients
        .filter(client => client.channel === channel.name && client.depth > 0)
        .sort((a, b) => b.age_ms - a.age_ms || b.bytes - a.bytes);
    if (!slowest)
        return "";
    return slowest.peer === "unix" ? ` unix, conn ${slowest.conn}`
        : ` ${slowest.peer}`;
}

function sentenceOf(channel, why) {
    const isQueue = channel.kind === "queue";
    const holds = `${channel.name} holds ${plural(channel.depth, "message")}`;
    const those = plural(channel.subscribers,
        isQueue ? "consumer" : "subscriber");
    if (why.text === "no consumers")
        return `${holds}: 0 consumers`;
    const who = isQueue ? "" : slowestOf(channel);
    return `${holds}: ${why.text}${who} (${those})`;
}

function problemsOfChannels(who) {
    return who.channels.map(channel => ({channel, why: ofChannel(channel)}))
        .filter(({channel, why}) => why.level && isBackedUp(channel))
        .map(({channel, why}) => ({level: why.level,
            weight: channel.depth + channel.age_ms / 1000,
            text: sentenceOf(channel, why), more: detailsOf(channel)}));
}

function problemsOfDrops(who) {
    return who.channels
        .filter(channel => channel.dropped_rate > 0 && !isBackedUp(channel))
        .map(channel => ({level: "warn", weight: channel.dropped_rate,
            text: `${channel.name} drops ` +
                `${figures.rate(channel.dropped_rate)} messages a second ` +
                "for slow subscribers",
            more: `${plural(channel.subscribers, "subscriber")} ` +
                `· on ${who.name}`}));
}

const NAMED_MAX = 3;

function heldUp(who) {
    const names = who.channels.filter(channel => channel.pressed)
        .map(channel => channel.name);
    const rest = names.length - NAMED_MAX;
    const and = rest > 0 ? ` and ${rest} more` : "";
    return names.length
        ? `${names.slice(0, NAMED_MAX).join(", ")}${and} must hold back`
        : "publishers of the fullest channels are held up";
}

// Relief comes later than shortage: who is held up still is short.
function problemsOfTotals(who) {
    const {queued, memory, memory_limit: limit, paused} = who.sample ?? {};
    const found = [];
    if (limit > 0 && (memory / limit >= MEMORY_SHORT ||
        who.channels.some(channel => channel.pressed)))
        found.push({level: "bad", weight: 1e12,
            text: `${who.name} is short of memory: ` +
                `${figures.bytes(memory)} of ${figures.bytes(limit)}`,
            more: heldUp(who)});
    if (queued > 0 && !who.seen.channels) // it tells nothing of them
        found.push({level: paused ? "bad" : "warn", weight: queued,
            text: `${who.name} holds ${plural(queued, "message")} in queues`,
            more: "which ones, it tells those who connect to its feed: " +
                "sluice monitor --connect ENDPOINT"});
    return found;
}

function problemsOf(who) {
    if (who.isSilent)
        return [{level: who.isBroker ? "bad" : "warn", weight: 1e15,
            text: `${who.name} is silent since ${figures.clock(who.heard)}`,
            more: "it stopped, or cannot be reached; it comes back by itself"}];
    if (!who.isBroker)
        return [];
    const found = [...problemsOfChannels(who), ...problemsOfDrops(who),
        ...problemsOfTotals(who)];
    if (who.stats?.stopping)
        found.push({level: "warn", weight: 1e13,
            text: `${who.name} is stopping`, more: "it has been told to"});
    return found;
}

// The worst first.
export function of(reporters) {
    const found = reporters.flatMap(problemsOf);
    return found.sort((a, b) => (b.level === "bad") - (a.level === "bad") ||
        b.weight - a.weight);
}
