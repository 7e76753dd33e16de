// SPDX-License-Identifier: MIT
// table - rows under sortable heads, with a filter. All text that comes from
// outside is set as text.

const TEXT = String;

const classOf = ({isText, isSpare, is}) => [isText && "text",
    isSpare && "spare", is].filter(Boolean).join(" ");

// A column: {title, hint, value(row), text(value, row), is: class, isText,
// isSpare: left out on a telephone, isRare: left out while it is 0, or no text, in
// all rows, note(row): said there below the text, share(row): how much of the cell
// is filled, 0 to 1}.
// `choose(row)`, if any, is called when a row is clicked, or the button in its
// first cell.
export class Table {
    constructor(section, columns, order, choose = null) {
        this.columns = columns;
        this.order = order;
        this.isAscending = false;
        this.empty = "";
        this.choose = choose;
        this.count = section.querySelector("small");
        this.input = section.querySelector("input");
        this.rows = [];
        this.input.addEventListener("input", () => this.draw());
        this.build(section.querySelector("table"));
    }

    build(table) {
        const head = table.createTHead().insertRow();
        this.heads = this.columns.map((column, number) => {
            const cell = document.createElement("th");
            const button = document.createElement("button");
            button.type = "button";
            button.textContent = column.title;
            button.title = column.hint ?? "";
            button.addEventListener("click", () => this.sort(number));
            cell.className = classOf(column);
            cell.scope = "col";
            cell.append(button);
            head.append(cell);
            return cell;
        });
        this.body = table.createTBody();
    }

    sort(number) {
        this.isAscending = this.order === number
            ? !this.isAscending : Boolean(this.columns[number].isText);
        this.order = number;
        this.draw();
    }

    texts(row) {
        return this.columns.map(column =>
            (column.text ?? TEXT)(column.value(row), row));
    }

    // Rows that contain the filter, in order; equals stay as they came.
    arranged() {
        const wanted = this.input.value.toLowerCase();
        const {value, isText} = this.columns[this.order];
        const sign = this.isAscending ? 1 : -1;
        const compare = isText
            ? (a, b) => String(value(a)).localeCompare(String(value(b)))
            : (a, b) => (value(a) || 0) - (value(b) || 0);
        return this.rows
            .map(row => ({row, texts: this.texts(row)}))
            .filter(({texts}) => texts.some((text, i) =>
                this.columns[i].isText && text.toLowerCase().includes(wanted)))
            .sort((a, b) => sign * compare(a.row, b.row));
    }

    // What the text of a cell is put into.
    home(cell, line, isFirst) {
        if (!this.choose || !isFirst)
            return cell;
        if (!cell.firstElementChild) {
            const button = document.createElement("button");
            button.type = "button";
            cell.replaceChildren(button);
            line.addEventListener("click", () =>
                line.shown && this.choose(line.shown));
        }
        return cell.firstElementChild;
    }

    // Rows keep their place in the document, so that focus and selection stay.
    fill(line, {row, texts}) {
        line.shown = row;
        line.className = row.level ?? "";
        while (line.cells.length > texts.length)
            line.deleteCell(-1);
        texts.forEach((text, i) => {
            const cell = line.cells[i] ?? line.insertCell();
            const column = this.columns[i];
            const home = this.home(cell, line, i === 0);
            cell.className = classOf(column);
            cell.removeAttribute("colspan");
            cell.hidden = this.heads[i].hidden;
            cell.dataset.note = column.note?.(row) ?? "";
            cell.style.setProperty("--share", column.share?.(row) ?? 0);
            if (home.textContent !== text)
                home.textContent = text;
        });
    }

    drawEmpty() {
        const line = this.body.rows[0] ?? this.body.insertRow();
        while (line.cells.length > 1)
            line.deleteCell(-1);
        const cell = line.cells[0] ?? line.insertCell();
        line.className = "";
        line.shown = null;
        cell.className = "empty";
        cell.colSpan = this.columns.length;
        cell.hidden = false;
        this.home(cell, line, true).textContent = this.rows.length
            ? "Nothing contains what the filter says." : this.empty;
    }

    draw() {
        const arranged = this.arranged();
        const lines = Math.max(1, arranged.length);
        this.heads.forEach((head, number) => {
            const {isRare, isText, value} = this.columns[number];
            head.hidden = Boolean(isRare) &&
                !this.rows.some(row => isText ? value(row) : value(row) > 0);
            head.setAttribute("aria-sort", number !== this.order ? "none"
                : this.isAscending ? "ascending" : "descending");
        });
        while (this.body.rows.length > lines)
            this.body.deleteRow(-1);
        if (!arranged.length)
            this.drawEmpty();
        arranged.forEach((entry, i) =>
            this.fill(this.body.rows[i] ?? this.body.insertRow(), entry));
    }

    // `empty`: what is said where there is no row.
    show(rows, total, empty) {
        this.rows = rows;
        this.empty = empty;
        this.count.textContent = total > rows.length
            ? `${rows.length} of ${total}, the fullest and busiest`
            : String(rows.length);
        this.draw();
    }
}
