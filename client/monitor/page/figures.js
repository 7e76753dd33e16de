// SPDX-License-Identifier: MIT
// figures - numbers, sizes and times as people read them.

const whole = new Intl.NumberFormat("en", {maximumFractionDigits: 0});
const short = new Intl.NumberFormat("en", {notation: "compact",
    maximumFractionDigits: 1});

export const count = value => whole.format(value);

export const brief = value =>
    Math.abs(value) < 10 && value % 1 ? value.toFixed(1) : short.format(value);

export const rate = value => Number.isFinite(value) ? brief(value) : "–";

export const plural = (n, word) =>
    `${count(n)} ${word}${n === 1 ? "" : "s"}`;

const UNITS = ["B", "KiB", "MiB", "GiB", "TiB"];

function scaled(value) {
    let power = 0;
    while (value >= 1024 && power < UNITS.length - 1) {
        value /= 1024;
        power++;
    }
    return {text: power && value < 10 ? value.toFixed(1) : whole.format(value),
        unit: UNITS[power]};
}

export function bytes(value) {
    const {text, unit} = scaled(value);
    return `${text} ${unit}`;
}

// "4.0 of 64 MiB"; without a limit, what there is.
export function bytesOf(value, limit) {
    if (!(limit > 0) || !(value > 0))
        return bytes(value);
    const [part, all] = [scaled(value), scaled(limit)];
    return `${part.text}${part.unit === all.unit ? "" : ` ${part.unit}`} of ` +
        `${all.text} ${all.unit}`;
}

export function span(ms) {
    if (!(ms > 0))
        return "–";
    if (ms < 1000)
        return `${Math.round(ms)} ms`;
    if (ms < 100e3)
        return `${(ms / 1000).toFixed(ms < 10e3 ? 1 : 0)} s`;
    if (ms < 100 * 60e3)
        return `${Math.round(ms / 60e3)} min`;
    return `${Math.round(ms / 3600e3)} h`;
}

export const clock = ms => new Date(ms).toLocaleTimeString("en-GB");
