// SPDX-License-Identifier: MIT
// past - what one channel reported since the page was opened, as rows of
// numbers in a ring.

const ROWS = 1800; // half an hour at a document a second
const FIELDS = ["time", "in_rate", "out_rate", "dropped_rate", "dropped",
    "depth", "bytes", "age_ms"];
const WIDTH = FIELDS.length;

export class Past {
    constructor() {
        this.numbers = new Float64Array(ROWS * WIDTH);
        this.count = 0; // ever put in
    }

    put(time, row) {
        const at = this.count++ % ROWS * WIDTH;
        FIELDS.forEach((field, i) => this.numbers[at + i] = row[field] ?? NaN);
        this.numbers[at] = time;
    }

    // [time, value] of the rows not older than `from`, the oldest first.
    since(from, field) {
        const column = FIELDS.indexOf(field);
        const oldest = Math.max(0, this.count - ROWS);
        const found = [];
        for (let n = this.count - 1; n >= oldest; n--) {
            const at = n % ROWS * WIDTH;
            if (this.numbers[at] < from)
                break;
            found.push([this.numbers[at], this.numbers[at + column]]);
        }
        return found.reverse();
    }

    get newest() {
        return this.numbers[(this.count - 1) % ROWS * WIDTH];
    }

    // How fast a field has grown over the last `ms`, per second; NaN as long
    // as too few rows are known to say so.
    growth(field, ms) {
        const rows = this.since(this.newest - ms, field);
        const [first, last] = [rows[0], rows.at(-1)];
        return rows.length < 3 ? NaN
            : 1000 * (last[1] - first[1]) / (last[0] - first[0]);
    }
}
