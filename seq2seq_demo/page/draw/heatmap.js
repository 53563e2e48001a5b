/* Heat maps: matrices in colour, with names, marks, and rows that can be selected with the mouse or the keyboard. */

import { revise, svg, zoom } from "./elements.js";
import { ordinal, percent, truncate } from "./format.js";
import { onNewRoom, redraw, scrollBox, updateScrollBox } from "./panels.js";
import { sourceName } from "./runs.js";

/** @import { Run } from "../network/trained.js" */

/** `values` [row][column] are fractions from 0 to 1, which the cells show in %, or, if `isSigned`, numbers from −1 to
    1. `groups` maps the title of each group of columns to the group's first column; gaps separate the groups.
    `rowHeight` is in px at a font size of 16 px. If `isFilling`, the map is as high as its box in the lecture view.
    @typedef {{ rows: string[], columns: string[], values: ArrayLike<number>[], corner: string,
      groups: Record<string, number>, describe: (row: number, column: number) => string,
      describeRow?: (row: number) => string, isSigned?: boolean, isFilling?: boolean, rowHeight?: number }} Content
    @typedef {{ row: number | null, column: number | null }} Cell
    @typedef {{ u: number, font: number, left: number, top: number, size: number, height: number, right: number,
      bottom: number, width: number, x: (column: number) => number, y: (row: number) => number }} Layout */

const DARK = 0.66; // above this fraction, the number in a cell is written in the light colour
const LEVELS = 50; // the number of shades on either side of 0
const MAX_ROW_NAME = 10; // characters
export const STRIP = 12; // how many numbers of a vector a strip shows

/** A box with a heat map. The map is redrawn only if its content or the available space changes. */
export class HeatMap {
  /** @type {unknown[]} */
  key = [];
  /** @type {Cell} */
  marked = { row: null, column: null };
  /** @type {SVGGElement[]} */
  rows = [];

  /** `select` is called with the row and the column of a cell that was clicked or reached with the arrow keys.
      @param {string} label @param {(row: number, column: number | null) => void} select */
  constructor(label, select) {
    this.label = label;
    this.select = select;
    this.box = scrollBox(label);
    this.room = onNewRoom(this.box, () => this.draw());
  }

  /** Display the result of `makeContent`, which is called only if a part of `key` has changed, and mark a row and a
      column.
      @type {(key: unknown[], makeContent: () => Content, marked: Cell) => void} */
  show(key, makeContent, marked) {
    this.marked = marked;
    if (key.every((part, i) => part === this.key[i])) return this.mark();
    this.key = key;
    this.content = makeContent();
    this.draw();
  }

  draw() {
    const { content } = this;
    const [room, roomHeight] = this.room();
    if (!content || !room) return;
    const layout = computeLayout(content, room, content.isFilling ? roomHeight : Infinity);
    const { u, font, left, top, width, height, bottom, x } = layout;
    const titles = Object.entries(content.groups).map(([title, first], i) =>
      label(Math.max(x(first), left + 4.5 * font * i), font, title, "soft begin", font),
    );
    const corner = label(left - 6 * u, top - 0.5 * font, content.corner, "soft end", font);
    const frame = svg("rect", { class: "matrix-frame", y: top, height: height * content.rows.length });
    const parts = [...titles, corner, ...columnNames(content, layout), ...matrixCells(content, layout), frame];
    this.layout = layout;
    this.frame = frame;
    this.rows = content.rows.map((_, row) => this.drawRow(content, row, layout));
    const size = { width, height: bottom, viewBox: `0 0 ${width} ${bottom}` }; // so that it scales on narrower paper
    const className = height < 0.6 * font ? "heat-map dense" : "heat-map";
    const attributes = { class: className, role: "listbox", "aria-label": this.label };
    redraw(this.box, svg("svg", { ...size, ...attributes }, svg("g", { "aria-hidden": true }, ...parts), ...this.rows));
    updateScrollBox(this.box);
    this.mark();
  }

  /** Return the name of a row, and a frame that covers the row's cells. For screen readers, the row is an option of a
      list box.
      @type {(content: Content, row: number, layout: Layout) => SVGGElement} */
  drawRow({ rows, columns, describe, describeRow }, row, { u, font, left, right, height, size, x, y }) {
    const name = rows[row];
    const letter = Math.min(font, 1.1 * height);
    const text = label(left - 6 * u, y(row) + height / 2 + 0.35 * letter, shorten(name), "end row-name", letter);
    const frame = svg("rect", { class: "chosen", x: left, y: y(row), width: right - left, height });
    const tip = svg("title");
    const columnAt = (/** @type {MouseEvent} */ { clientX }) => {
      const at = clientX - this.box.getBoundingClientRect().left + this.box.scrollLeft;
      const column = columns.findIndex((_, i) => at >= x(i) && at < x(i) + size);
      return column < 0 ? null : column;
    };
    const handlers = {
      onpointermove: (/** @type {MouseEvent} */ event) => {
        const column = columnAt(event);
        tip.textContent = column === null ? "" : describe(row, column);
      },
      onclick: (/** @type {MouseEvent} */ event) => this.select(row, columnAt(event)),
      onfocus: () => this.marked.row !== row && this.select(row, null),
      onkeydown: (/** @type {KeyboardEvent} */ event) => this.onKey(event, row, columns.length),
    };
    const attributes = { role: "option", "aria-label": describeRow?.(row) ?? name, tabindex: -1, ...handlers };
    return svg("g", { class: "heat-row", "data-key": `row-${row}`, ...attributes }, tip, text, frame);
  }

  /** Select a different row or column with the arrow keys, Home and End.
      @type {(event: KeyboardEvent, row: number, nColumns: number) => void} */
  onKey(event, row, nColumns) {
    const nRows = this.rows.length;
    const column = (this.marked.column ?? -1) + ({ ArrowLeft: -1, ArrowRight: 1 }[event.key] ?? NaN);
    const to = { ArrowUp: row - 1, ArrowDown: row + 1, Home: 0, End: nRows - 1 }[event.key];
    if (to !== undefined) this.rows[Math.max(0, Math.min(to, nRows - 1))].focus();
    else if (column >= 0 && column < nColumns) this.select(row, column);
    else return;
    event.preventDefault();
  }

  /** Mark a row and a column. */
  mark() {
    const { row, column } = this.marked;
    const reached = row !== null && row < this.rows.length ? row : 0; // the row that Tab reaches
    this.rows.forEach((element, i) => {
      element.classList.toggle("marked", i === row);
      revise(element, { "aria-selected": i === row, tabindex: i === reached ? 0 : -1 });
    });
    if (this.layout && this.frame)
      // a width of 0 hides the frame
      revise(this.frame, { x: this.layout.x(column ?? 0), width: column === null ? 0 : this.layout.size });
  }
}

/** @type {(x: number, y: number, words: string, className: string, size: number) => SVGTextElement} */
const label = (x, y, words, className, size) => svg("text", { x, y, class: className, "font-size": size }, words);

/** Shorten the name of a row, but keep the cross at its end. */
const shorten = (/** @type {string} */ name) =>
  name.endsWith(" ✗") ? `${truncate(name.slice(0, -2), MAX_ROW_NAME - 2)} ✗` : truncate(name, MAX_ROW_NAME);

/** Return the layout, in px, of a heat map in a space of width `room` and height `roomHeight`.
    @type {(content: Content, room: number, roomHeight: number) => Layout} */
function computeLayout(content, room, roomHeight) {
  const { rows, columns, groups, corner, isSigned, rowHeight } = content;
  const u = zoom();
  const font = (room < 480 * u || columns.length > 30 ? 12 : 14) * u;
  const longest = Math.max(...[corner, ...rows].map((name) => [...shorten(name)].length));
  const [left, top, gap] = [0.62 * font * longest + 8 * u, 3 * font, 10 * u];
  const starts = Object.values(groups).filter((first) => first > 0); // columns after a gap
  const fitting = (room - left - gap * starts.length - 2 * u) / columns.length;
  const given = (roomHeight - top - 4 * u) / rows.length; // the height of a row if the rows fill the space
  const [minSize, maxSize] = isSigned ? [u, 56 * u] : [9 * u, given < Infinity ? 1.6 * given : 44 * u];
  const size = Math.max(minSize, Math.min(maxSize, fitting));
  const touchable = (rows.length > 12 ? 15 : 24) * u;
  const usual = rowHeight ? rowHeight * u : Math.max(touchable, Math.min(size, 32 * u));
  const height = given < Infinity ? Math.max(11 * u, Math.min(given, 1.25 * size)) : usual;
  /** @type {(column: number) => number} */
  const x = (column) => left + size * column + gap * starts.filter((first) => column >= first).length;
  const y = (/** @type {number} */ row) => top + height * row;
  const right = x(columns.length - 1) + size;
  const bottom = y(rows.length) + 2 * u;
  return { u, font, left, top, size, height, x, y, right, bottom, width: Math.max(right + 2 * u, room) };
}

/** Return the centred names of the columns, leaving out any name that would overlap the previous one. */
function columnNames(/** @type {Content} */ { columns }, /** @type {Layout} */ { font, size, x, top }) {
  let free = -Infinity; // the x coordinate at which the free space begins
  return columns.flatMap((name, column) => {
    const text = truncate(name, Math.max(2, Math.floor(size / (0.62 * font))));
    const [middle, half] = [x(column) + size / 2, 0.31 * font * text.length];
    if (middle - half < free) return [];
    free = middle + half + 0.1 * font;
    return [label(middle, top - 0.7 * font, text, "input-name", font)];
  });
}

/** Return the cells as one SVG path per shade, and the fractions in % if they fit into the cells.
    @type {(content: Content, layout: Layout) => SVGElement[]} */
function matrixCells({ values, isSigned }, { u, font, size, height, x, y }) {
  const paths = new Map();
  /** @type {SVGElement[]} */
  const numbers = [];
  const hasNumbers = !isSigned && size >= 24 * u && height >= 14 * u;
  const numberSize = Math.min(font, Math.max(11 * u, 0.45 * size));
  let grid = "";
  values.forEach((fractions, row) =>
    Array.from(fractions).forEach((value, column) => {
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
  const shades = [...paths].map(([level, d]) =>
    svg("path", { d, ...(isSigned ? signColour : heatColour)(level / LEVELS) }),
  );
  return [svg("path", { d: grid, class: "cell-back" }), ...shades, ...numbers];
}

const heatColour = (/** @type {number} */ value) => ({ class: "heat", "fill-opacity": value });

/** Return the fill for a number from −1 to 1: its sign gives the colour, and its absolute value the opacity. */
const signColour = (/** @type {number} */ value) => ({
  class: value < 0 ? "below-zero" : "above-zero",
  "fill-opacity": Math.abs(value),
});

/** Return vectors as coloured stripes in a box, one row per vector.
    @type {(rows: number[][], box: { x: number, y: number, width: number, height: number }) => SVGElement[]} */
export const stripes = (rows, box) =>
  rows.flatMap((row, k) => {
    const [width, height] = [box.width / row.length, box.height / rows.length];
    return row.map((value, i) => {
      const colour = signColour(Math.max(-1, Math.min(1, value)));
      return svg("rect", { x: box.x + i * width, y: box.y + k * height, width, height, ...colour });
    });
  });

/** Return some numbers of a vector as a strip of colours in a box.
    @type {(vector: Float32Array, box: { x: number, y: number, width: number, height: number }) => SVGElement} */
export function colourStrip(vector, box) {
  const n = Math.min(STRIP, vector.length);
  const values = Array.from({ length: n }, (_, k) => vector[Math.floor((k * vector.length) / n)]);
  return svg("g", { class: "strip" }, svg("rect", { ...box, class: "state" }), ...stripes([values], box));
}

/** Return the content of a heat map of a run's outputs [T] by its inputs [S]. `verb` connects the two in tooltips.
    @type {(run: Run, outputs: string[], values: ArrayLike<number>[], verb: string) => Content} */
export function outputsByInputs(run, outputs, values, verb) {
  const inputs = run.source.map((_, s) => sourceName(run, s));
  const describeRow = (/** @type {number} */ t) => `The ${ordinal(t + 1)} output, ${outputs[t]},`;
  return {
    rows: outputs.map((name, t) => `${ordinal(t + 1)}: ${name}`),
    columns: inputs,
    values,
    corner: "outputs ↓",
    isFilling: true,
    groups: { "inputs →": 0 },
    describeRow,
    describe: (t, s) => `${describeRow(t)} ${verb} the ${ordinal(s + 1)} input, ${inputs[s]}: ${percent(values[t][s])}`,
  };
}
