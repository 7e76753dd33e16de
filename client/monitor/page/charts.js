// SPDX-License-Identifier: MIT
// charts - one live chart per series, a line per reporter.

import {style, visible} from "./colours.js";
import * as figures from "./figures.js";

const sum = values => values.reduce((a, b) => a + b, 0);
const most = values => Math.max(...values);
const percent = value => `${figures.brief(value)} %`;

// What is drawn, how a number of it reads, and how those of several reporters
// become one.
const CHARTS = [
    {title: "Messages in / s", series: "in", text: figures.brief, join: sum},
    {title: "Delivered / s", series: "out", text: figures.brief, join: sum},
    {title: "Dropped / s", series: "dropped", text: figures.brief, join: sum},
    {title: "Waiting in queues", series: "queued", text: figures.brief,
        join: sum},
    {title: "Memory of its limit", series: "memory", of: "memory_limit",
        text: percent, join: most, top: 100},
    {title: "Loop lag, 99 %", series: "lag_ms",
        text: value => `${figures.brief(value)} ms`, join: most},
    {title: "CPU", series: "cpu", text: percent, join: most},
    {title: "Resident memory", series: "mem",
        text: value => `${figures.brief(value)} MiB`, join: sum},
];

function options(chart) {
    const grid = {color: style("--line"), drawBorder: false};
    const ticks = {color: style("--faint"), maxTicksLimit: 4,
        maxRotation: 0, font: {size: 11}};
    return {
        animation: false, parsing: false, normalized: true,
        responsive: true, maintainAspectRatio: false,
        interaction: {mode: "nearest", axis: "x", intersect: false},
        elements: {point: {radius: 0, hitRadius: 8},
            line: {borderWidth: 2, tension: 0}},
        scales: {
            x: {type: "linear", grid: {display: false},
                ticks: {...ticks, maxTicksLimit: 3, align: "inner",
                    callback: figures.clock}},
            y: {beginAtZero: true, suggestedMax: chart.top ?? 1, grid,
                ticks: {...ticks, callback: figures.brief}},
        },
        plugins: {
            legend: {display: false},
            tooltip: {callbacks: {
                title: items => figures.clock(items[0].parsed.x),
                label: item =>
                    `${item.dataset.label}: ${chart.text(item.parsed.y)}`,
            }},
        },
    };
}

function make(chart, home) {
    const card = document.createElement("div");
    const title = document.createElement("h3");
    const label = document.createElement("span");
    const frame = document.createElement("div");
    card.className = "chart";
    label.textContent = chart.title;
    chart.output = document.createElement("output");
    chart.canvas = document.createElement("canvas");
    chart.canvas.id = `chart-${chart.series}`;
    chart.canvas.setAttribute("role", "img");
    title.append(label, chart.output);
    frame.append(chart.canvas);
    card.append(title, frame);
    home.append(card);
    chart.drawing = new Chart(chart.canvas,
        {type: "line", data: {datasets: []}, options: options(chart)});
}

export function open(home) {
    for (const chart of CHARTS)
        make(chart, home);
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change",
        () => CHARTS.forEach(chart =>
            chart.drawing.options = options(chart)));
}

function points(chart, who, from) {
    const found = (who.series[chart.series] ?? []).filter(p => p.x >= from);
    if (!chart.of)
        return found;
    const limit = who.sample[chart.of];
    return limit > 0
        ? found.map(p => ({x: p.x, y: 100 * p.y / limit})) : [];
}

function show(chart, datasets) {
    const values = datasets.filter(d => !d.isSilent && d.data.length)
        .map(d => d.data.at(-1).y).filter(Number.isFinite);
    const text = values.length ? chart.text(chart.join(values)) : "–";
    chart.output.textContent = text;
    chart.canvas.setAttribute("aria-label", `${chart.title}: ${text}`);
}

export function draw(reporters, now, range) {
    for (const chart of CHARTS) {
        const datasets = reporters
            .map(who => ({label: who.name, borderColor: visible(who.colour),
                isSilent: who.isSilent,
                data: points(chart, who, now - range)}))
            .filter(dataset => dataset.data.length);
        const {x} = chart.drawing.options.scales;
        x.min = now - range;
        x.max = now;
        chart.drawing.data.datasets = datasets;
        chart.drawing.update("none");
        show(chart, datasets);
    }
}
