// SPDX-License-Identifier: MIT
// charts - cards with a live chart each.

import {style} from "./colours.js";
import * as figures from "./figures.js";

const cards = [];

function makeOptions({text, top, hasLegend}) {
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
            y: {beginAtZero: true, suggestedMax: top, grid,
                ticks: {...ticks, callback: value => value ? text(value) : 0}},
        },
        plugins: {
            legend: {display: Boolean(hasLegend), align: "end",
                labels: {color: style("--faint"), boxWidth: 12, boxHeight: 2,
                    font: {size: 11}}},
            tooltip: {callbacks: {
                title: items => figures.clock(items[0].parsed.x),
                label: item => `${item.dataset.label}: ${text(item.parsed.y)}`,
            }},
        },
    };
}

// A dashed line where it begins to matter.
const threshold = card => ({
    id: "threshold",
    beforeDatasetsDraw({ctx, chartArea: {left, right, top}, scales: {y}}) {
        const at = y.getPixelForValue(card.limit);
        if (!(at >= top))
            return;
        ctx.save();
        ctx.strokeStyle = style("--bad");
        ctx.setLineDash([4, 4]);
        ctx.beginPath();
        ctx.moveTo(left, at);
        ctx.lineTo(right, at);
        ctx.stroke();
        ctx.restore();
    },
});

const TICKS = 4;

// What the scale shows: the limit, when it is near, and round steps of bytes.
function arrange({drawing, limit, top, isBytes}, datasets) {
    const {y} = drawing.options.scales;
    const values = datasets.flatMap(({data}) => data.map(point => point.y))
        .filter(Number.isFinite);
    const most = values.reduce((a, b) => Math.max(a, b), top);
    y.suggestedMax = most > limit / 2 ? Math.max(most, 1.1 * limit) : top;
    if (isBytes)
        y.ticks.stepSize = 2 **
            Math.ceil(Math.log2(Math.max(most, y.suggestedMax) / TICKS));
}

// A card: {id, title, hint, text(value), top: what the scale shows at least,
// limit: where it begins to matter (NaN: nowhere), isBytes, hasLegend}.
export class Card {
    constructor(home, card) {
        Object.assign(this, {limit: NaN, top: 1}, card);
        const frame = document.createElement("div");
        const label = document.createElement("span");
        const title = document.createElement("h3");
        this.element = document.createElement("div");
        this.element.className = "chart";
        this.element.title = this.hint ?? "";
        this.output = document.createElement("output");
        this.canvas = document.createElement("canvas");
        this.canvas.id = `chart-${this.id}`;
        this.canvas.setAttribute("role", "img");
        label.textContent = this.title;
        title.append(label, this.output);
        frame.append(this.canvas);
        this.element.append(title, frame);
        home.append(this.element);
        this.drawing = new Chart(this.canvas, {type: "line",
            data: {datasets: []}, options: makeOptions(this),
            plugins: [threshold(this)]});
        cards.push(this);
    }

    // `value` is the newest, as one number; NaN: there is none.
    draw(datasets, value, from, to) {
        const text = Number.isFinite(value) ? this.text(value) : "–";
        const {x} = this.drawing.options.scales;
        x.min = from;
        x.max = to;
        arrange(this, datasets);
        this.drawing.data.datasets = datasets;
        this.drawing.update("none");
        this.element.classList.toggle("bad", value >= this.limit);
        this.output.textContent = text;
        this.canvas.setAttribute("aria-label", `${this.title}: ${text}`);
    }
}

matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () =>
    cards.forEach(card => card.drawing.options = makeOptions(card)));
