// SPDX-License-Identifier: MIT
// colours - reporters choose their colours without knowing what they will be
// drawn on: one that could hardly be seen is mixed with the colour of text.

const CONTRAST_MIN = 3; // what WCAG asks of lines
const MIX_STEP = 0.1;

const pen = document.createElement("canvas").getContext("2d");
const found = new Map(); // for each paper and colour

export const style = name =>
    getComputedStyle(document.documentElement).getPropertyValue(name).trim();

// Red, green and blue; undefined if it is not as simple as that.
function parts(colour) {
    pen.fillStyle = colour; // comes back as #rrggbb
    return /^#......$/.exec(pen.fillStyle)?.[0].match(/[^#]./g)
        .map(hex => parseInt(hex, 16));
}

function luminance(rgb) {
    const [r, g, b] = rgb.map(value => (value / 255) ** 2.2);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
}

function contrast(a, b) {
    const [dark, light] = [luminance(a), luminance(b)].sort((x, y) => x - y);
    return (light + 0.05) / (dark + 0.05);
}

function mix(colour, paper, ink) {
    let mixed = colour;
    for (let share = 0; share <= 1; share += MIX_STEP) {
        mixed = colour.map((value, i) =>
            Math.round(value + (ink[i] - value) * share));
        if (contrast(mixed, paper) >= CONTRAST_MIN)
            break;
    }
    return `rgb(${mixed.join(", ")})`;
}

// The colour as it can be seen on a card, in dark or light.
export function visible(colour) {
    const paper = style("--card");
    const key = `${paper} ${colour}`;
    if (!found.has(key)) {
        const rgb = parts(colour);
        found.set(key, rgb ? mix(rgb, parts(paper), parts(style("--ink")))
            : colour);
    }
    return found.get(key);
}
