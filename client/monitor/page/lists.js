// SPDX-License-Identifier: MIT
// lists - the tables of channels, clients and events: what each column shows.

import * as diagnosis from "./diagnosis.js";
import * as figures from "./figures.js";
import {events} from "./model.js";
import {Table} from "./table.js";

const number = (title, key, text = figures.count) =>
    ({title, value: row => row[key], text});
const text = (title, value, is = "") => ({title, value, is, isText: true});
const spare = column => ({...column, isSpare: true});
const rare = column => ({...column, isSpare: true, isRare: true});
const hint = (column, words) => ({...column, hint: words});
const noted = (column, note) => ({...column, note});
const ofBroker = value => spare(text("Broker", value, "broker"));

// What waits, with a line as long as its share of the limit.
const filled = (limit, words) => ({
    title: "Bytes", value: row => row.bytes, is: "share", hint: words,
    text: (bytes, row) => figures.bytesOf(bytes, limit(row)),
    share: row => limit(row) > 0 ? Math.min(1, row.bytes / limit(row)) : 0,
});

const CHANNELS = [
    noted(text("Channel", row => row.name, "name"), row => row.why),
    spare(hint(text("State", row => row.why, "why"),
        "“handed over”: the sockets of a queue's consumers took everything; " +
        "what of it they have finished, the broker cannot know")),
    hint(number("Waiting", "depth"), "messages not handed over yet"),
    filled(diagnosis.limitOf,
        "of what waits, and the limit at which publishers are paused"),
    number("Oldest", "age_ms", figures.span),
    spare(hint(number("Full in", "full_ms", figures.span),
        "if it goes on growing as in the last 20 seconds")),
    spare(number("In/s", "in_rate", figures.rate)),
    spare(hint(number("Out/s", "out_rate", figures.rate),
        "handed over to subscribers' sockets")),
    spare(number("Dropped/s", "dropped_rate", figures.rate)),
    rare(hint(number("Held", "held"),
        "workers have them and did not acknowledge them yet")),
    rare(hint(number("Back/s", "redelivered_rate", figures.rate),
        "come back from workers, and are given out again")),
    spare(number("Subscribers", "subscribers")),
    spare(hint(number("Paused", "paused"),
        "publishers that wait for room in it")),
    rare(hint(number("Parked", "parked_bytes", figures.bytes),
        "of publishers that wait, while the rest of what they send is read")),
    rare(hint(number("On disk", "disk_bytes", figures.bytes),
        "of a durable queue, what is not in memory as well")),
    ofBroker(row => row.reporter.name),
];
const DEPTH = 2;

const isPaused = row => row.state === "paused" || row.state === "ended";
const isHeldBack = row => isPaused(row) || row.parked_bytes > 0;
const waitsFor = row => row.waits_for ??
    (isPaused(row) && row.waits_for === null ? "memory" : "–");

// The first one stands for all.
const reads = row => (row.channel ?? "–") +
    (row.lanes > 1 ? ` and ${figures.count(row.lanes - 1)} more` : "");

const CLIENTS = [
    noted(text("Client", diagnosis.clientName, "name whole"), row =>
        isHeldBack(row) ? `${row.state}, waits for ${waitsFor(row)}`
            : row.channel ? reads(row) : row.state),
    spare(text("State", row => row.state)),
    spare(text("Subscribed to", reads, "wide")),
    spare(hint(text("Waits for", waitsFor, "wide"),
        "the full channel that keeps it from publishing")),
    number("Unsent", "depth"),
    filled(row => row.limit_bytes, "of what is unsent to it, and the limit"),
    number("Oldest", "age_ms", figures.span),
    spare(number("In/s", "in_rate", figures.rate)),
    spare(number("Out/s", "out_rate", figures.rate)),
    spare(number("Dropped/s", "dropped_rate", figures.rate)),
    rare(hint(number("Held", "held"),
        "messages that it did not acknowledge yet")),
    rare(hint(number("Parked", "parked_bytes", figures.bytes),
        "what it publishes to a full channel; the rest is read")),
    rare(hint(number("Requests", "requests"), "that wait for a reply")),
    rare(hint(text("User", row => row.user ?? ""), "in the users file")),
    rare(hint(text("Way in", row => row.way ?? ""),
        "how it showed that it is this user")),
    rare(text("TLS", row => row.tls ?? "")),
    rare(text("Cipher", row => row.cipher ?? "")),
    spare(number("Conn", "conn", String)),
    ofBroker(row => row.reporter.name),
];
const UNSENT_BYTES = 5;

// 0: no limit.
const most = (title, key, text = figures.count) => spare(
    number(title, key, value => value > 0 ? text(value) : "–"));

const USERS = [
    text("User", row => row.name, "name whole"),
    number("Connections", "connections"),
    most("at most", "connections_limit"),
    hint(number("Memory", "memory_bytes", figures.bytes),
        "held by the connections of a user that has a limit of it"),
    most("of", "memory_limit_bytes", figures.bytes),
    most("Messages/s", "messages_limit"),
    most("Bytes/s", "bytes_limit", figures.bytes),
    hint(number("Denied", "denied"), "times that it did what it may not"),
    ofBroker(row => row.reporter.name),
];
const CONNECTIONS = 1;

const EVENTS = [
    {title: "Time", value: row => row.time, text: figures.clock, is: "time"},
    text("Event", row => row.title, "event"),
    text("What", row => row.story, "wide"),
    ofBroker(row => row.broker),
];
const TIME = 0;

// Why there is no channel: none exists, or none is reported.
function emptyChannels(shown) {
    const brokers = shown.filter(who => who.isBroker);
    if (!brokers.length || brokers.some(who => who.seen.channels))
        return "No channels: nobody is subscribed, and nothing waits.";
    return "Unknown: a broker reports its channels only on its feed. To watch " +
        "that: sluice monitor --connect ENDPOINT";
}

function rowOfChannel(row) {
    const why = row.reporter.isSilent ? {level: "", text: "silent"}
        : diagnosis.ofChannel(row);
    return {...row, level: why.level, why: why.text,
        full_ms: diagnosis.fullIn(row)};
}

// Those that are held back come first among equals.
const rowsOfClients = rows => rows
    .map(row => ({...row, level: isHeldBack(row) ? "warn" : ""}))
    .sort((a, b) => isHeldBack(b) - isHeldBack(a));

export class Lists {
    // `choose(channel)` is called when one is clicked.
    constructor(find, choose) {
        this.channels = new Table(find("channels"), CHANNELS, DEPTH, choose);
        this.clients = new Table(find("clients"), CLIENTS, UNSENT_BYTES);
        this.users = new Table(find("users"), USERS, CONNECTIONS);
        this.section = find("users"); // hidden while nobody is asked
        this.events = new Table(find("events"), EVENTS, TIME);
    }

    draw(shown) {
        const total = kind => shown.reduce((sum, who) =>
            sum + (who[`${kind}_total`] ?? 0), 0);
        const names = new Set(shown.map(who => who.name));
        const happened = events.list().filter(row => names.has(row.broker));
        this.channels.show(shown.flatMap(who => who.channels.map(rowOfChannel)),
            total("channels"), emptyChannels(shown));
        this.clients.show(rowsOfClients(shown.flatMap(who => who.clients)),
            total("clients"), "No clients.");
        const users = shown.flatMap(who => who.users);
        this.users.show(users, total("users"), "No users.");
        this.section.hidden = !users.length;
        this.events.show(happened, happened.length, "No events yet.");
    }
}
