// SPDX-License-Identifier: MIT
// app - the page: listens to /feed, begins with /history, and draws.

import * as charts from "./charts.js";
import {visible} from "./colours.js";
import * as diagnosis from "./diagnosis.js";
import * as figures from "./figures.js";
import * as model from "./model.js";
import {Table} from "./table.js";

const DRAW_MS = 500; // between two drawings, at least
const RETRY_MS = 2000;
const PROBLEMS_MAX = 4;
const RANGES = [["2 min", 2], ["10 min", 10], ["30 min", 30]];
const find = id => document.getElementById(id);

let range = RANGES[0][1] * 60e3;
let heardAt = 0; // by our clock
let link = "connecting";

// --- tables ----------------------------------------------------------------

const number = (title, key, text = figures.count) =>
    ({title, value: row => row[key], text});
const text = (title, value, is = "") => ({title, value, is, isText: true});

const channels = new Table(find("channels"), [
    text("Channel", row => row.name, "name"),
    text("State", row => row.why, "why"),
    number("Waiting", "depth"),
    number("Bytes", "bytes", figures.bytes),
    number("Oldest", "age_ms", figures.span),
    number("In/s", "in_rate", figures.rate),
    number("Out/s", "out_rate", figures.rate),
    number("Dropped/s", "dropped_rate", figures.rate),
    number("Subscribers", "subscribers"),
    number("Paused publishers", "paused"),
    text("Kind", row => row.kind),
    text("Broker", row => row.reporter.name),
], 3, "No channels. A broker tells of them when its feed is watched: " +
    "sluice monitor --connect ENDPOINT");

const clients = new Table(find("clients"), [
    text("Client", row => row.peer, "name whole"),
    text("State", row => row.state),
    text("Channel", row => row.channel ?? "–", "wide"),
    number("Unsent", "depth"),
    number("Bytes", "bytes", figures.bytes),
    number("Oldest", "age_ms", figures.span),
    number("In/s", "in_rate", figures.rate),
    number("Out/s", "out_rate", figures.rate),
    number("Dropped/s", "dropped_rate", figures.rate),
    number("Conn", "conn", String),
    text("Broker", row => row.reporter.name),
], 4, "No clients.");

const HEAD_OF_EVENT = new Set(["broker", "timestamp", "time", "seq", "event",
    "missed", "interval", "level"]);

function story(event) {
    const parts = Object.entries(event)
        .filter(([key, value]) => !HEAD_OF_EVENT.has(key) && value !== null)
        .map(([key, value]) => `${key} ${value}`);
    if (event.missed)
        parts.push(`(${event.missed} more were left out)`);
    return parts.join(", ");
}

const events = new Table(find("events"), [
    {title: "Time", value: row => row.time, text: figures.clock,
        is: "time"},
    text("Event", row => row.event.replaceAll("_", " ")),
    text("What", story, "wide"),
    text("Broker", row => row.broker),
], 0, "No events yet.");

const LEVELS = {slow_consumer: "bad", shed: "bad", paused: "warn",
    accept_paused: "warn", stopping: "warn"};

function drawTables(shown) {
    const total = kind => shown.reduce((sum, who) =>
        sum + (who[`${kind}_total`] ?? 0), 0);
    channels.show(shown.flatMap(who => who.channels.map(row => {
        const why = who.isSilent ? {level: "", text: "silent"}
            : diagnosis.ofChannel(row);
        return {...row, level: why.level, why: why.text};
    })), total("channels"));
    clients.show(shown.flatMap(who => who.clients.map(row =>
        ({...row, level: row.state === "paused" ? "warn" : ""}))),
    total("clients"));
    const names = new Set(shown.map(who => who.name));
    events.show(model.events.filter(event => names.has(event.broker))
        .map(event => ({...event, level: LEVELS[event.event] ?? ""})));
}

// --- what needs attention --------------------------------------------------

function element(name, className, ...children) {
    const made = document.createElement(name);
    made.className = className;
    made.append(...children); // texts become text nodes
    return made;
}

function problem({level, text: sentence, more}) {
    return element("div", `problem ${level}`,
        element("strong", "", sentence), element("span", "", more));
}

function calm(reporters) {
    if (!reporters.length)
        return {level: "warn", text: "Nobody reports yet",
            more: "sluiced --monitor-connect ENDPOINT reports here; " +
                "sluice monitor --connect ENDPOINT watches a broker's feed"};
    return {level: "good", text: "Nothing is backed up",
        more: `${reporters.length} reporting, all of them heard`};
}

function drawHeadline(reporters) {
    const problems = diagnosis.of(reporters);
    const rest = problems.length - PROBLEMS_MAX;
    const lines = problems.length ? problems.slice(0, PROBLEMS_MAX)
        : [calm(reporters)];
    if (rest > 0)
        lines.push({level: "warn", text: `and ${rest} more`, more: ""});
    // A screen reader need not hear the same again.
    const made = lines.map(problem);
    const home = find("headline");
    if (home.textContent !== made.map(line => line.textContent).join(""))
        home.replaceChildren(...made);
}

// --- who reports -----------------------------------------------------------

function state(who) {
    if (who.isSilent)
        return `silent since ${figures.clock(who.heard)}`;
    const sample = who.sample ?? {};
    return who.isBroker
        ? `reporting · in ${figures.rate(sample.in ?? NaN)}/s · ` +
            `out ${figures.rate(sample.out ?? NaN)}/s`
        : `application · cpu ${figures.rate(sample.cpu ?? NaN)} %`;
}

function chip(who) {
    const made = element("button", "chip", element("i", ""),
        element("b", ""), element("span", ""));
    made.type = "button";
    made.addEventListener("click", () => {
        const now = model.reporters.get(made.dataset.key);
        now.isShown = !now.isShown;
        draw();
    });
    made.dataset.key = who.key;
    return made;
}

function drawReporters(reporters) {
    const home = find("reporters");
    const made = new Map([...home.children].map(c => [c.dataset.key, c]));
    reporters.forEach((who, i) => {
        const it = made.get(who.key) ?? chip(who);
        it.classList.toggle("silent", who.isSilent);
        it.setAttribute("aria-pressed", who.isShown);
        it.children[0].style.backgroundColor = visible(who.colour);
        it.children[1].textContent = who.name;
        it.children[2].textContent = state(who);
        if (home.children[i] !== it)
            home.insertBefore(it, home.children[i] ?? null);
    });
    while (home.children.length > reporters.length)
        home.lastChild.remove();
}

// --- the whole page --------------------------------------------------------

function drawLink() {
    const pill = find("link");
    const words = {live: "live", connecting: "connecting",
        reconnecting: "reconnecting, last heard " +
            (heardAt ? figures.clock(heardAt) : "never")};
    pill.className = `pill ${{live: "good", reconnecting: "bad"}[link] ?? ""}`;
    pill.textContent = words[link];
}

function draw() {
    const reporters = [...model.reporters.values()]
        .sort((a, b) => b.isBroker - a.isBroker ||
            a.name.localeCompare(b.name));
    const shown = reporters.filter(who => who.isShown);
    drawLink();
    drawHeadline(reporters);
    drawReporters(reporters);
    charts.draw(shown, model.now(), range);
    drawTables(shown);
}

function drawRanges() {
    find("ranges").replaceChildren(...RANGES.map(([title, minutes]) => {
        const button = element("button", "", title);
        button.type = "button";
        button.setAttribute("aria-pressed", range === minutes * 60e3);
        button.addEventListener("click", () => chooseRange(minutes));
        return button;
    }));
}

function chooseRange(minutes) {
    range = minutes * 60e3;
    drawRanges();
    draw();
}

// --- the feed --------------------------------------------------------------

async function loadHistory() {
    try {
        const answer = await fetch("history");
        if (answer.ok)
            model.takeHistory(await answer.json());
    } catch {
        link = "reconnecting"; // the feed will tell when it is back
    }
}

function setLink(state) {
    link = state;
    drawLink();
}

function listen() {
    const feed = new EventSource("feed");
    const on = (name, take) => feed.addEventListener(name, message => {
        heardAt = Date.now();
        take(message.data);
    });
    on("report", data => model.takeReport(JSON.parse(data)));
    on("silent", data => model.takeSilence(JSON.parse(data)));
    on("missed", loadHistory);
    feed.addEventListener("open", async () => {
        await loadHistory();
        setLink("live");
        draw();
    });
    feed.addEventListener("error", () => {
        setLink("reconnecting");
        if (feed.readyState === EventSource.CLOSED)
            setTimeout(listen, RETRY_MS);
    });
}

const go = id => {
    find(id).scrollIntoView();
    find(id).focus({preventScroll: true});
};
const KEYS = {
    "/": () => channels.input.focus(),
    c: () => go("channels"), l: () => go("clients"), e: () => go("events"),
    1: () => chooseRange(RANGES[0][1]), 2: () => chooseRange(RANGES[1][1]),
    3: () => chooseRange(RANGES[2][1]),
};

addEventListener("keydown", event => {
    const isTyping = event.target.tagName === "INPUT";
    if (isTyping && event.key === "Escape") {
        event.target.value = "";
        event.target.blur();
    } else if (!isTyping && !event.ctrlKey && !event.metaKey &&
        !event.altKey && Object.hasOwn(KEYS, event.key)) {
        event.preventDefault();
        KEYS[event.key]();
    }
});

charts.open(find("charts"));
drawRanges();
listen();
setInterval(draw, DRAW_MS);
