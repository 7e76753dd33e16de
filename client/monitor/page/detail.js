// SPDX-License-Identifier: MIT
// detail - one channel, looked at closely: what it was since the page was
// opened, who takes from it and who waits for it.

import {Card} from "./charts.js";
import {style} from "./colours.js";
import * as diagnosis from "./diagnosis.js";
import * as figures from "./figures.js";
import {pastOf} from "./model.js";

const NAMED_MAX = 8;

// `lines`: fields of the past, with what they are called and a colour.
const CHARTS = [
    {id: "channel-flow", title: "Messages / s", text: figures.brief, top: 10,
        hasLegend: true, lines: [["in_rate", "in", "--accent"],
            ["out_rate", "out", "--good"]]},
    {id: "channel-dropped", title: "Dropped / s", text: figures.brief, top: 10,
        lines: [["dropped_rate", "dropped", "--bad"]]},
    {id: "channel-bytes", title: "Waiting", text: figures.bytes, top: 1024,
        isBytes: true,
        lines: [["bytes", "waiting", "--accent"]]},
    {id: "channel-age", title: "Oldest", text: figures.span, top: 1000,
        lines: [["age_ms", "oldest", "--accent"]]},
];

function points(past, field, from) {
    return past.since(from, field).map(([x, y]) => ({x, y}));
}

// "a, b and 3 more"
function names(clients, text) {
    const rest = clients.length - NAMED_MAX;
    return clients.slice(0, NAMED_MAX).map(text).join(", ") +
        (rest > 0 ? ` and ${rest} more` : "");
}

const unsent = client => `${diagnosis.clientName(client)}: ` +
    `${figures.bytesOf(client.bytes, client.limit_bytes)} unsent` +
    (client.age_ms > 0 ? `, the oldest for ${figures.span(client.age_ms)}`
        : "");

// What workers have; nothing where there are none.
function work(channel, takers) {
    if (!channel.workers && !channel.held && !channel.redelivered)
        return [];
    const holders = takers.filter(client => client.held > 0)
        .sort((a, b) => b.held - a.held);
    const has = client => `${diagnosis.clientName(client)}: ${client.held}`;
    return [["Workers", `${channel.workers}, ${channel.ready} of them ready`],
        ["Held", `${figures.plural(channel.held, "message")}` +
            (holders.length ? `: ${names(holders, has)}` : "")],
        ["Came back", figures.plural(channel.redelivered, "message")]];
}

// Of a durable queue.
const disk = channel => channel.durable ? [["Durable",
    `yes; ${figures.bytes(channel.disk_bytes)} of what waits on disk alone, ` +
    `${figures.plural(channel.unacked, "message")} given out and not done`]]
    : [];

function members(channel, takers) {
    const parts = [];
    if (channel.wildcards > 0)
        parts.push(`${figures.count(channel.wildcards)} by a wildcard`);
    if (channel.unseen > 0)
        parts.push(`${figures.count(channel.unseen)} not looked at`);
    return figures.count(channel.subscribers) +
        (parts.length ? ` (${parts.join(", ")})` : "") +
        (takers.length ? `: ${names(takers, unsent)}` : "");
}

const heldBack = client => diagnosis.clientName(client) +
    (client.parked_bytes > 0
        ? ` (${figures.bytes(client.parked_bytes)} parked)` : "");

// What is known, in lines of a title and a text.
function facts(channel) {
    const {clients} = channel.reporter;
    const takers = clients.filter(client => client.channel === channel.name)
        .sort((a, b) => b.bytes - a.bytes || b.age_ms - a.age_ms);
    const waiters = clients
        .filter(client => client.waits_for === channel.name);
    const limits = [channel.limit_bytes > 0 &&
        figures.bytes(channel.limit_bytes), channel.limit_messages > 0 &&
        figures.plural(channel.limit_messages, "message")]
        .filter(Boolean).join(" or ");
    const isQueue = channel.kind === "queue";
    const rows = [["State", diagnosis.ofChannel(channel).text],
        ["Limit", limits ? `${limits}${isQueue ? "" : " for each subscriber"}`
            : "not reported"],
        ["Full in", channel.paused > 0 ? "publishers wait already"
            : figures.span(diagnosis.fullIn(channel))],
        [isQueue ? "Consumers" : "Subscribers", members(channel, takers)],
        ...work(channel, takers),
        ...disk(channel),
        ["Publishers that wait", `${channel.paused}` + (waiters.length
            ? `: ${names(waiters, heldBack)}` : "")]];
    return rows;
}

export class Detail {
    constructor(section) {
        this.section = section;
        this.heading = section.querySelector("h3");
        this.facts = section.querySelector("dl");
        this.note = section.querySelector("p");
        this.cards = CHARTS.map(chart =>
            new Card(section.querySelector(".charts"), chart));
        section.querySelector("button")
            .addEventListener("click", () => this.close());
        this.chosen = null; // {key of its reporter, name}
    }

    // The same again closes it.
    toggle(channel) {
        if (this.isOf(channel))
            return this.close();
        this.chosen = {key: channel.reporter.key, name: channel.name};
        this.section.hidden = false;
        this.heading.textContent = channel.name;
        this.section.scrollIntoView({block: "nearest"});
    }

    close() {
        this.chosen = null;
        this.section.hidden = true;
    }

    isOf(channel) {
        return this.chosen?.name === channel.name &&
            this.chosen.key === channel.reporter.key;
    }

    draw(channels, now, range) {
        const channel = channels.find(it => this.isOf(it));
        if (!this.chosen)
            return;
        this.note.hidden = Boolean(channel);
        if (channel)
            this.show(channel, now - range, now);
    }

    show(channel, from, to) {
        const past = pastOf(channel.reporter, channel.name);
        for (const card of this.cards) {
            card.limit = card.id === "channel-bytes"
                ? diagnosis.limitOf(channel) || NaN : NaN;
            const datasets = (past ? card.lines : [])
                .map(([field, label, colour]) => ({label,
                    borderColor: style(colour),
                    data: points(past, field, from)}));
            card.draw(datasets, channel[card.lines[0][0]], from, to);
        }
        const made = facts(channel).flatMap(([title, text]) => {
            const [dt, dd] = ["dt", "dd"].map(it => document.createElement(it));
            dt.textContent = title;
            dd.textContent = text;
            return [dt, dd];
        });
        if (this.facts.textContent !== made.map(it => it.textContent).join(""))
            this.facts.replaceChildren(...made);
    }
}
