// SPDX-License-Identifier: MIT
// app - the page: listens to /feed, begins with /history, and draws.

import {visible} from "./colours.js";
import {Detail} from "./detail.js";
import * as diagnosis from "./diagnosis.js";
import * as figures from "./figures.js";
import {Lists} from "./lists.js";
import {Load} from "./load.js";
import * as model from "./model.js";

const DRAW_MS = 500; // between two drawings, at least
const RETRY_MS = 2000;
const PROBLEMS_MAX = 4;
const RANGES = [["2 min", 2], ["10 min", 10], ["30 min", 30]];
const find = id => document.getElementById(id);

let range = RANGES[0][1] * 60e3;
let heardAt = 0; // by our clock
let link = "connecting";

// --- what needs attention --------------------------------------------------

// Nothing is set again that is there: a screen reader would read it again.
function setText(home, text) {
    if (home.textContent !== text)
        home.textContent = text;
}

function element(name, className, ...children) {
    const made = document.createElement(name);
    made.className = className;
    made.append(...children); // texts become text nodes
    return made;
}

// One about a channel is a button that shows it.
function fillProblem(line, {level, text, more, channel = null}) {
    const [strong, rest] = line.children;
    line.className = `problem ${level}`;
    line.shown = channel;
    if (Boolean(channel) !== Boolean(strong.firstElementChild))
        strong.replaceChildren(...channel ? [element("button", "")] : []);
    setText(strong.firstElementChild ?? strong, text);
    setText(rest, more);
}

function newProblem() {
    const line = element("div", "problem", element("strong", ""),
        element("span", ""));
    line.addEventListener("click", event => {
        if (event.target.tagName === "BUTTON")
            choose(line.shown);
    });
    return line;
}

function calm(reporters) {
    const consumers = reporters.some(who => who.channels.some(channel =>
        channel.kind === "queue" && channel.subscribers > 0));
    return {level: "good", text: "Nothing is backed up, nothing is lost",
        more: `${figures.plural(reporters.length, "reporter")} heard` +
            (consumers ? " · queues are handed over to their consumers, " +
                "and only these know what they have finished" : "")};
}

function drawHeadline(reporters) {
    const home = find("headline");
    const problems = diagnosis.of(reporters);
    const rest = problems.length - PROBLEMS_MAX;
    const lines = problems.length ? problems.slice(0, PROBLEMS_MAX)
        : [calm(reporters)];
    if (rest > 0)
        lines.push({level: "warn", text: `and ${rest} more`, more: ""});
    // Lines stay where they are, so that one can be clicked.
    lines.forEach((line, i) => fillProblem(
        home.children[i] ?? home.appendChild(newProblem()), line));
    while (home.children.length > lines.length)
        home.lastChild.remove();
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
    const {classList} = document.body;
    classList.toggle("waiting", reporters.length === 0);
    classList.toggle("alone", reporters.length === 1);
    if (!reporters.length)
        return;
    load.draw(shown, model.now(), range);
    detail.draw(shown.flatMap(who => who.channels), model.now(), range);
    lists.draw(shown);
}

function choose(channel) {
    detail.toggle(channel);
    draw();
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
    "/": () => lists.channels.input.focus(),
    c: () => go("channels"), l: () => go("clients"), u: () => go("users"), e: () => go("events"),
    1: () => chooseRange(RANGES[0][1]), 2: () => chooseRange(RANGES[1][1]),
    3: () => chooseRange(RANGES[2][1]),
};

addEventListener("keydown", event => {
    const isTyping = event.target.tagName === "INPUT";
    if (isTyping && event.key === "Escape") {
        event.target.value = "";
        event.target.blur();
    } else if (event.key === "Escape") {
        detail.close();
    } else if (!isTyping && !event.ctrlKey && !event.metaKey &&
        !event.altKey && Object.hasOwn(KEYS, event.key)) {
        event.preventDefault();
        KEYS[event.key]();
    }
});

const load = new Load(find("charts"));
const detail = new Detail(find("channel"));
const lists = new Lists(find, choose);
drawRanges();
listen();
setInterval(draw, DRAW_MS);
