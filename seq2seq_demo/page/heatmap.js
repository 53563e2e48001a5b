/* Heat maps: a matrix as colours, with names, marks, and rows that mouse and keyboard can select. */

import { onNewWidth, redraw, scrollBox, updateScrollBox } from "./boxes.js";
import { revise, svg, zoom } from "./elements.js";
import { percent, truncate } from "./format.js";

/** `values` [row][column] are shares from 0 to 1, or numbers from −1 to 1 if `isSigned`. `groups` are [first column,
    title]; the groups are separated by gaps. Sizes are in px at a font size of 16 px.
    @typedef {{ rows: string[], columns: string[], values: ArrayLike<number>[], corner: string,
      groups: [number, string][], describe: (row: number, column: number) => string,
      describeRow?: (row: number) => string, isSigned?: boolean, minSize?: number, maxSize?: number,
      rowHeight?: number }} Content
    @typedef {{ row: number | null, column: number | null }} Cell
    @typedef {ReturnType<typeof computeLayout>} Layout */

const DARK = 0.66; // from this share on, the number in a cell is written in the light colour
const LEVELS = 50; // shades on either side of 0
const MAX_ROW_NAME = 9; // characters

/** A box with a heat map, which is drawn again only if its content or its width changes. */
export class HeatMap {
  /** @type {unknown[]} */
  key = [];
  /** @type {Cell} */
  marked = { row: null, column: null };
  /** @type {SVGGElement[]} */
  rows = [];

  /** `select` is called with the row and the column of a cell that was clicked or reached by arrow keys.
      @param {string} label @param {(row: number, column: number | null) => void} select */
  constructor(label, select) {
    this.label = label;
    this.select = select;
    this.box = scrollBox(label);
    this.room = onNewWidth(this.box, () => this.draw());
  }

  /** Display the content that depends on `key`, and mark a row and a column.
      @type {(key: unknown[], makeContent: () => Content, marked: Cell) => void} */
  show(key, makeContent, marked) {
    if (key.some((part, i) => part !== this.key[i])) {
      this.key = key;
      this.content = makeContent();
      this.draw();
    }
    this.mark(marked);
  }

  draw() {
    const { content, box } = this;
    if (!content || !this.room()) return;
    const layout = computeLayout(content, this.room());
    const { u, font, left, top, width, height, x } = layout;
    const titles = content.groups.map(([first, title], i) =>
      label(Math.max(x(first), left + 4.5 * font * i), font, title, "soft begin", font),
    );
    const corner = label(left - 6 * u, top - 0.5 * font, content.corner, "soft end", font);
    const [cells, tip] = [matrixCells(content, layout), svg("title")];
    this.layout = layout;
    this.rows = content.rows.map((name, row) => this.drawRow(name, row, layout));
    this.column = svg("rect", { class: "matrix-frame", y: top, height: layout.height * content.rows.length });
    const parts = [...titles, corner, ...columnNames(content, layout), ...cells, this.column];
    const picture = svg("g", { "aria-hidden": true }, ...parts);
    const size = { width, height: layout.bottom, viewBox: `0 0 ${width} ${layout.bottom}` }; // paper may be narrower
    const attributes = { ...size, role: "listbox", "aria-label": this.label };
    const className = height < font ? "heat-map dense" : "heat-map";
    const drawing = svg("svg", { class: className, ...attributes }, tip, picture, ...this.rows);
    drawing.addEventListener("pointermove", (event) => {
      const { row, column } = this.cellAt(event, drawing);
      tip.textContent = row === null || column === null ? "" : content.describe(row, column);
    });
    drawing.addEventListener("click", (event) => {
      const { row, column } = this.cellAt(event, drawing);
      if (row !== null) this.select(row, column);
    });
    redraw(box, drawing);
    updateScrollBox(box);
    this.mark(this.marked);
  }

  /** Return the name and the frame of a row, which is an option of a list box.
      @type {(name: string, row: number, layout: Layout) => SVGGElement} */
  drawRow(name, row, { u, font, left, right, height, y }) {
    const middle = y(row) + height / 2 + 0.35 * font;
    const frame = { class: "chosen", x: left, y: y(row), width: right - left, height };
    const text = label(left - 6 * u, middle, shorten(name), "end row-name", font);
    const description = this.content?.describeRow?.(row) ?? name;
    const attributes = { role: "option", "aria-label": description, "data-key": `row-${row}`, tabindex: -1 };
    const element = svg("g", { class: "heat-row", ...attributes }, text, svg("rect", frame));
    element.addEventListener("focus", () => this.marked.row !== row && this.select(row, null));
    element.addEventListener("keydown", (event) => this.onKey(event, row));
    return element;
  }

  /** Select another row or column with the arrow keys, Home and End. */
  onKey(/** @type {KeyboardEvent} */ event, /** @type {number} */ row) {
    const [nRows, nColumns] = [this.rows.length, this.content?.columns.length ?? 0];
    const column = (this.marked.column ?? -1) + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? NaN);
    const to = { ArrowUp: row - 1, ArrowDown: row + 1, Home: 0, End: nRows - 1 }[event.key];
    if (to !== undefined) this.rows[Math.max(0, Math.min(to, nRows - 1))].focus();
    else if (column >= 0 && column < nColumns) this.select(row, column);
    else return;
    event.preventDefault();
  }

  /** Return the row and the column at the pointer; null outside the cells. */
  cellAt(/** @type {MouseEvent} */ event, /** @type {SVGElement} */ drawing) {
    const { content, layout } = this;
    if (!content || !layout) return { row: null, column: null };
    const box = drawing.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top - layout.top) / layout.height);
    const at = event.clientX - box.left;
    const column = content.columns.findIndex((_, i) => at >= layout.x(i) && at < layout.x(i) + layout.size);
    return { row: row >= 0 && row < content.rows.length ? row : null, column: column < 0 ? null : column };
  }

  /** Mark a row and a column. */
  mark(/** @type {Cell} */ { row, column }) {
    const { content, layout } = this;
    this.marked = { row: row !== null && row < (content?.rows.length ?? 0) ? row : null, column };
    if (!content || !layout) return;
    this.rows.forEach((element, i) => {
      element.classList.toggle("marked", i === this.marked.row);
      revise(element, { "aria-selected": i === this.marked.row, tabindex: i === (this.marked.row ?? 0) ? 0 : -1 });
    });
    if (this.column) revise(this.column, { x: layout.x(column ?? 0), width: column === null ? 0 : layout.size }); // 0 hides
  }
}

/** @type {(x: number, y: number, words: string, className: string, size: number) => SVGTextElement} */
const label = (x, y, words, className, size) => svg("text", { x, y, class: className, "font-size": size }, words);

/** Shorten the name of a row, but keep a cross at its end. */
const shorten = (/** @type {string} */ name) =>
  name.endsWith(" ✗") ? `${truncate(name.slice(0, -2), MAX_ROW_NAME - 2)} ✗` : truncate(name, MAX_ROW_NAME);

function computeLayout(/** @type {Content} */ { rows, columns, groups, corner, ...sizes }, /** @type {number} */ room) {
  const { minSize = 9, maxSize = 44, rowHeight } = sizes;
  const u = zoom();
  const font = (room < 480 * u || columns.length > 30 ? 12 : 14) * u;
  const longest = Math.max(...[corner, ...rows].map((name) => [...shorten(name)].length));
  const [left, top, gap] = [0.58 * font * longest + 8 * u, 3 * font, 10 * u];
  const fitting = (room - left - gap * (groups.length - 1) - 2 * u) / columns.length;
  const size = Math.max(minSize * u, Math.min(maxSize * u, fitting));
  const touchable = (rows.length > 12 ? 15 : 24) * u;
  const height = rowHeight ? rowHeight * u : Math.max(touchable, Math.min(size, 32 * u));
  /** @type {(column: number) => number} */
  const x = (column) => left + size * column + gap * groups.filter(([first]) => first > 0 && column >= first).length;
  const y = (/** @type {number} */ row) => top + height * row;
  const right = x(columns.length - 1) + size;
  const bottom = y(rows.length) + 2 * u;
  return { u, font, left, top, size, height, x, y, right, bottom, width: Math.max(right + 2 * u, room) };
}

/** Return centred column names, without those that would overlap the previous name. */
function columnNames(/** @type {Content} */ { columns }, /** @type {Layout} */ { font, size, x, top }) {
  let free = -Infinity;
  return columns.flatMap((name, column) => {
    const text = truncate(name, Math.max(2, Math.floor(size / (0.62 * font))));
    const [middle, half] = [x(column) + size / 2, 0.31 * font * text.length];
    if (middle - half < free) return [];
    free = middle + half + 0.1 * font;
    return [label(middle, top - 0.7 * font, text, "input-name", font)];
  });
}

/** Return the cells as one SVG path per shade, and their shares in % where they fit.
    @type {(content: Content, layout: Layout) => SVGElement[]} */
function matrixCells({ values, isSigned }, { u, font, size, height, x, y }) {
  const paths = new Map();
  /** @type {SVGElement[]} */
  const numbers = [];
  const hasNumbers = !isSigned && size >= 24 * u && height >= 14 * u;
  const numberSize = Math.min(font, Math.max(11 * u, 0.45 * size));
  let grid = "";
  values.forEach((shares, row) =>
    Array.from(shares).forEach((value, column) => {
      const level = Math.round(LEVELS * Math.max(-1, Math.min(1, value)));
      const cell = `M${x(column).toFixed(1)} ${y(row).toFixed(1)}h${size.toFixed(1)}v${height}h${-size.toFixed(1)}z`;
      if (!isSigned) grid += cell;
      if (level) paths.set(level, (paths.get(level) ?? "") + cell);
      if (!hasNumbers || value < 0.005) return;
      const className = value > DARK ? "on-heat" : "on-back";
      const middle = y(row) + height / 2 + 0.36 * numberSize;
      numbers.push(label(x(column) + size / 2, middle, String(Math.round(100 * value)), className, numberSize));
    }),
  );
  const fill = isSigned ? signColour : (/** @type {number} */ value) => ({ class: "heat", "fill-opacity": value });
  const shades = [...paths].map(([level, d]) => svg("path", { d, ...fill(level / LEVELS) }));
  return [svg("path", { d: grid, class: "cell-back" }), ...shades, ...numbers];
}

/** Return the fill of a number from −1 to 1: its sign is the colour, its size the opacity. */
export const signColour = (/** @type {number} */ value) => ({
  class: value < 0 ? "below-zero" : "above-zero",
  "fill-opacity": Math.abs(value),
});

/** Return the content of a heat map of outputs [T] by inputs [S]. `verb` connects both in the tooltips.
    @type {(inputs: string[], outputs: string[], values: ArrayLike<number>[], verb: string) => Content} */
export function outputsByInputs(inputs, outputs, values, verb) {
  const rows = outputs.map((name, t) => `${t + 1}: ${name}`);
  return {
    rows,
    columns: inputs,
    values,
    corner: "outputs ↓",
    groups: [[0, "inputs →"]],
    describe: (t, s) => `Output ${rows[t]} ${verb} input ${s + 1}, ${inputs[s]}: ${percent(values[t][s])}`,
  };
}
