// SPDX-License-Identifier: MIT
// load - the charts of what flows through all reporters that are shown, a line
// for each.

import {Card} from "./charts.js";
import {visible} from "./colours.js";
import * as figures from "./figures.js";

const sum = values => values.reduce((a, b) => a + b, 0);
const most = values => Math.max(...values);
const percent = value => `${figures.brief(value)} %`;
const perSecond = {text: figures.brief, join: sum, top: 10};

// `join`: how the numbers of several reporters become one. `top` is what a
// scale shows at least, so that what is small looks small.
const CHARTS = [
    {...perSecond, id: "in", title: "Messages in / s",
        hint: "read from publishers"},
    {...perSecond, id: "out", title: "Messages out / s",
        hint: "handed over to subscribers' sockets, once for each"},
    {...perSecond, id: "dropped", title: "Dropped / s",
        hint: "once for each subscriber that missed one; and what nobody " +
            "was subscribed to"},
    {...perSecond, id: "queued", title: "Waiting in queues",
        hint: "messages that no consumer has been given"},
    {id: "memory", of: "memory_limit", title: "Memory, % of limit",
        hint: "from 85 % on, the fullest channels must hold back",
        text: percent, join: most, top: 100, limit: 85},
    {id: "lag_ms", title: "Loop lag, p99",
        hint: "how late 99 of 100 timers are at most; above 100 ms the " +
            "broker's processor is too busy",
        text: value => `${figures.brief(value)} ms`, join: most, top: 120,
        limit: 100},
    {id: "cpu", title: "CPU, % of a core", text: percent, join: most,
        top: 100},
    {id: "mem", title: "Resident memory", join: sum, top: 32,
        text: value => `${figures.brief(value)} MiB`},
];

export class Load {
    constructor(home) {
        this.cards = CHARTS.map(chart => new Card(home, chart));
    }

    draw(reporters, now, range) {
        for (const card of this.cards) {
            const datasets = reporters
                .map(who => ({label: who.name,
                    borderColor: visible(who.colour), isSilent: who.isSilent,
                    data: pointsOf(card, who, now - range)}))
                .filter(dataset => dataset.data.length);
            const values = datasets.filter(d => !d.isSilent)
                .map(d => d.data.at(-1).y).filter(Number.isFinite);
            card.draw(datasets, values.length ? card.join(values) : NaN,
                now - range, now);
        }
    }
}

function pointsOf(card, who, from) {
    const found = (who.series[card.id] ?? []).filter(p => p.x >= from);
    if (!card.of)
        return found;
    const limit = who.sample[card.of];
    return limit > 0
        ? found.map(p => ({x: p.x, y: 100 * p.y / limit})) : [];
}
