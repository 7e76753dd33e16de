// SPDX-License-Identifier: MIT
// diagnosis - what is wrong, and why, in words. Knows no element.

import * as figures from "./figures.js";

const FRESH_MS = 1000; // what waits less is on its way, not backed up
const MEMORY_SHORT = 0.85; // from there on the broker holds publishers up

const isBackedUp = channel => channel.depth > 0 && channel.age_ms >= FRESH_MS;

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
    if (isQueue && channel.subscribers === 0)
        return {level: "bad", text: "no consumers"};
    if (!isQueue)
        return {level: channel.paused ? "bad" : "warn",
            text: "slow subscriber"};
    if (channel.out_rate === 0)
        return {level: "bad", text: "consumers stuck"};
    if (channel.out_rate > channel.in_rate)
        return {level: "warn", text: "draining"};
    return {level: "bad", text: "consumers too slow"};
}

function detailsOf(channel) {
    const parts = [`the oldest has waited ${figures.span(channel.age_ms)}`];
    if (Number.isFinite(channel.in_rate))
        parts.push(`in ${figures.rate(channel.in_rate)}/s, ` +
            `out ${figures.rate(channel.out_rate)}/s`);
    if (channel.paused)
        parts.push(`${plural(channel.paused, "publisher")} paused`);
    parts.push(figures.bytes(channel.bytes));
    parts.push(`on ${channel.reporter.name}`);
    return parts.join(" · ");
}

function sentenceOf(channel, why) {
    const who = channel.kind === "queue" ? "consumer" : "subscriber";
    const holds = `${channel.name} holds ${plural(channel.depth, "message")}`;
    const those = plural(channel.subscribers, who);
    return why.text === "no consumers" ? `${holds}: 0 consumers`
        : `${holds}: ${why.text} (${those})`;
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

// Of a broker that tells nothing of its channels.
function problemsOfTotals(who) {
    const {queued, memory, memory_limit: limit, paused} = who.sample ?? {};
    const found = [];
    if (limit > 0 && memory / limit >= MEMORY_SHORT)
        found.push({level: "bad", weight: 1e12,
            text: `${who.name} is short of memory: ` +
                `${figures.bytes(memory)} of ${figures.bytes(limit)}`,
            more: "publishers of the fullest channels are held up"});
    if (queued > 0 && !who.seen.channels)
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
