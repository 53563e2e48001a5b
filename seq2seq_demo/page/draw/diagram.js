/* The diagram of a step: a network's cells with the symbols that they have read and written. */

import { largest, last } from "../network/network.js";
import { app, byId, soon } from "./app.js";
import { h, svg, table } from "./elements.js";
import { ordinal, truncate, wholePercent } from "./format.js";
import { colourStrip, stripes } from "./heatmap.js";
import { closeContext, openContext } from "./inside.js";
import { keyedBox, meaningOf, redraw, showTab, withLabel } from "./panels.js";
import { isOpen, openSymbols } from "./probabilities.js";
import { exampleWord, isEnd, isForced, probabilities, sourceName, stateSize, writtenName } from "./runs.js";

/** @import { Attributes } from "./elements.js"
    @import { Run } from "../network/trained.js" */

/** @typedef {"ahead" | "done" | "current"} Status */

/** The diagram of a run. From top to bottom, it shows the source, the encoder, the final state or attention, the
    decoder, and the answer. `show` draws only the parts that differ from the previous step. */
export class Diagram {
  place = 0;
  /** The current output; null while the source is being read, and after the answer's end.
      @type {number | null} */
  t = null;
  middle = 0; // the x coordinate of the centre of the visible part

  /** `index` is the index of the run's network, and `T` is the number of decoder steps to draw. `room` and `height` are
      the available width and height, and `scale` is the font size relative to 16 px.
      @param {Run} run @param {number} index @param {number} T @param {number} room @param {number} height
      @param {number} scale */
  constructor(run, index, T, room, height, scale) {
    this.run = run;
    this.room = room;
    this.index = index;
    this.S = run.source.length;
    this.T = T;
    this.bidirectional = run.network.config.bidirectional;
    this.hasBars = hasPositions(index);
    const [barHeight, barLetters] = this.hasBars ? [31, 14] : [0, 0];
    const most = app.networks.length > 1 ? 1 : this.bidirectional ? 1.15 : 1.3; // so that it fits on the first screen
    this.letter = scale * Math.max(1, Math.min(most, room / 700 / scale)); // the unit of the text
    const { letter, bidirectional, S } = this;
    const lines = (108 + barLetters) * letter; // the height of all text
    // the number of rows that are 40 units high, and the height of the rest in units
    const [cells, others] = [bidirectional ? 5 : 4, (bidirectional ? 103 : 95) + barHeight];
    const isGiven = height < Infinity; // if so, the picture fills the height
    const fitting = isGiven ? (height - lines) / (40 * cells + others) : letter;
    const n = Math.max(S + Number(app.state.hidden), T);
    // the unit of everything that shrinks in a low window or with many symbols
    const low = isGiven ? (height - lines - cells * 18 * scale) / others : letter; // with cells of minimum height
    this.u = Math.max(0.34 * scale, Math.min(1.3 * letter, fitting, low, room / n / 30));
    const { u } = this;
    const inputs = [...run.source.keys()].map((s) => sourceName(run, s));
    const outputs = [...run.steps.slice(0, T).keys()].filter((t) => !isEnd(run, t)).map((t) => writtenName(run, t));
    const longest = Math.min(9, Math.max(...[...inputs, ...outputs].map((name) => [...name].length)));
    const margin = 28 * letter; // on the left, with room for GO
    const margins = margin + 19 * u + (bidirectional ? 50 : 36) * letter; // on the right, for the final state
    const wide = 9.7 * longest * letter; // words get narrower letters if the picture would otherwise be too wide
    const minColumn = Math.max(0.6 * wide, Math.min(wide, (room - margins) / n - 9 * u)) + 9 * u;
    this.column = Math.max(minColumn, Math.min(76 * letter, (room - margins) / n));
    this.width = Math.max(room, n * this.column + margins);
    this.left = (this.width - n * this.column - margins) / 2 + margin;
    const widest = this.column - 6 * u;
    const square = Math.max(22 * letter, 1.1 * widest);
    this.height = Math.max(18 * scale, Math.min(40 * fitting, square)); // of a cell
    const spare = isGiven ? Math.max(0, height - lines - others * u - cells * this.height) : 0;
    this.tile = Math.min(widest, Math.max(1.25 * this.height, minColumn - 6 * u));
    this.maxName = Math.max(2, Math.floor((this.tile - 2 * u) / (5.8 * letter))); // characters
    const gap = 20 * u + 0.15 * spare;
    this.source = 36 * letter; // the y coordinates of the rows
    this.encoder = this.source + this.height + gap;
    this.backward = this.encoder + this.height + 8 * u;
    this.below = (bidirectional ? this.backward : this.encoder) + this.height;
    this.decoder = this.below + 31 * letter + 55 * u + 0.7 * spare; // with room for attention or the funnel
    this.answer = this.decoder + this.height + gap;
    this.lane = this.decoder - 16 * u; // the y coordinate of the final state's path
    this.context = this.lane - 18 * letter; // the y coordinate of the contexts, above their names
    this.go = this.x(0) - this.tile / 2 - 15 * letter; // the x coordinate of GO
    this.right = this.x(n - 1) + this.column / 2 + 14 * u; // the x coordinate of the final state's path
    this.finalLeft = this.x(0) - this.tile / 2 - 9 * u; // the x coordinate at which this path turns down
    this.half = Math.min(60 * u, this.width / 6); // half the width of the bottleneck
    this.nextToNeck = room / 2 - this.half - 10 * u; // the space for words next to the bottleneck
    this.neckHeight = Math.max(34 * u, 29 * letter); // of the bottleneck, with space for two lines of text next to it
    this.neck = (this.below + this.decoder - this.neckHeight) / 2; // the y coordinate of the bottleneck
    this.bottom = this.answer + this.height + barHeight * u + (41 + barLetters) * letter;
    const size = { width: this.width, viewBox: `0 0 ${this.width} ${this.bottom}` };
    this.element = svg("svg", { class: "diagram", ...size });
    this.draw = keyedBox(this.element);
    const bars = svg("g", { class: `positions line-${index}`, "aria-hidden": true });
    this.bars = () => bars;
    this.drawBars = keyedBox(bars);
  }

  /** Return whether this diagram shows T steps of a run, and has space for bars only if they are needed.
      @type {(run: Run, T: number) => boolean} */
  isFor(run, T) {
    return this.run === run && this.T === T && this.hasBars === hasPositions(this.index);
  }

  /** Show the step `place`. */
  show(/** @type {number} */ place) {
    const { S, T, room, width } = this;
    if (place !== this.place) closeContext();
    this.place = place;
    this.t = place > S && place - S <= T ? place - S - 1 : null;
    this.middle = Math.max(room / 2, Math.min(this.x(this.currentColumn), width - room / 2)); // see `updateScrollBox`
    this.draw([...this.parts(), ["bars", this.bars], ...this.buttons()]);
    this.drawBars(this.barParts());
  }

  /** Return the x coordinate of a column's centre. */
  x(/** @type {number} */ i) {
    return this.left + (i + 0.5) * this.column;
  }

  get currentColumn() {
    return this.t ?? Math.max(0, Math.min(this.place, this.S) - 1);
  }

  /** Return the parts of the picture for `keyedBox`. Most steps only change the classes of some parts.
    @type {() => [string, () => SVGElement, { class: string }][]} */
  parts() {
    const { S, T, t, u, letter, place, middle, bidirectional } = this;
    const { has_attention: hasAttention } = this.run.network.config;
    // all symbols are shown before the first action, and after an action that changes the answer
    const isWhole =
      !app.state.hidden && (app.isOpening || app.state.moment !== null || Object.keys(app.forced).length > 0);
    const [encoder, finalState] = bidirectional
      ? ["encoders: one reads from the left, one from the right", "final\nstates,\njoined"]
      : ["encoder: reads the source", "final\nstate"];
    /** Return the status of the cells of a step.
        @type {(step: number) => Status} */
    const status = (step) => (step === place ? "current" : step < place ? "done" : "ahead");
    /** @type {ReturnType<typeof this.parts>} */
    const parts = [];
    /** @type {(name: string, className: string, makeParts: () => SVGElement[]) => void} */
    const add = (name, className, makeParts) => {
      const hidden = /^words/.test(name) ? {} : { "aria-hidden": true };
      parts.push([name, () => svg("g", hidden, ...makeParts()), { class: className }]);
    };
    if (hasAttention) add("final state", this.finalStateStatus, () => this.finalStateArrows());
    else add(`bottleneck ${Math.min(place, S + 2)} ${middle}`, "", () => this.bottleneck());
    for (let s = 0; s < S; s++) {
      const [read, readBackward] = [status(s + 1), bidirectional ? status(S - s) : "ahead"];
      const arrow = [this.x(s), this.source + this.height, this.x(s), this.encoder];
      add(`input ${s}`, readBackward === "current" ? "current" : read, () => this.input(s));
      add(`reading ${s}`, read, () => [this.arrow(arrow), ...this.cell(s, this.encoder, s + 1)]);
      if (bidirectional) add(`backward ${s}`, readBackward, () => this.cell(s, this.backward, S - s, true));
    }
    add("words", "", () => [this.word(this.go, this.answer + 14 * letter, "GO", "")]); // the decoder's first input
    for (let i = 0; i < T; i++) {
      const written = status(S + i + 1);
      add(`writing ${i}`, written, () => this.cell(i, this.decoder, S + i + 1));
      if (isWhole || written !== "ahead") add(`output ${i}`, written, () => this.output(i));
    }
    if (t !== null) add(`step ${t}`, "step", () => [this.feedbackArrow(t), ...this.attentionParts(t)]);
    add(`words ${middle}`, "", () => [
      hasAttention
        ? this.word(this.right + 5 * u, this.below + 14 * letter, finalState, "soft begin")
        : this.word(middle + this.half + 8 * u, this.neck + 11 * letter, "the bottleneck", "begin", this.nextToNeck),
      this.word(middle, 14 * letter, encoder, "soft"),
      ...this.lastLine(),
    ]);
    if (t !== null && hasAttention) add(`words of step ${t}`, "", () => this.contextWords(t));
    return parts;
  }

  /** Return a label that is explained on hover or focus. The term that is explained is the text before the first colon.
      @type {(x: number, y: number, lines: string, className: string, most?: number) => SVGElement} */
  word(x, y, lines, className, most = this.room) {
    const words = lines.replaceAll("\n", " ");
    const [word] = words.split(":");
    const label = { "aria-label": `${words}: ${meaningOf(word)}`, role: "button", tabindex: 0 };
    const keys = { "data-word": word, "data-key": `word ${word}` };
    return this.text(x, y, lines, `${className} word`, { ...label, ...keys, most });
  }

  /** Return an SVG text of one or more lines. If it would probably be wider than `most`, its letters are narrower.
      @type {(x: number, y: number, lines: string, className?: string, attributes?: Attributes & { most?: number }) =>
        SVGElement} */
  text(x, y, lines, className = "", { most = Infinity, ...attributes } = {}) {
    const [size, letter] = className === "symbol" ? [16 * this.letter, 0.6] : [13 * this.letter, 0.65];
    const isLong = letter * size * lines.length > most;
    const narrow = isLong ? { textLength: most, lengthAdjust: "spacingAndGlyphs" } : {};
    const [first, ...others] = lines.split("\n");
    const tspans = others.map((line) => svg("tspan", { x, dy: 15 * this.letter }, line));
    return svg("text", { x, y, class: className, "font-size": size, ...narrow, ...attributes }, first, ...tspans);
  }

  /** Return a symbol in a tile.
    @type {(i: number, y: number, name: string, className: string, note?: string) => SVGElement} */
  symbol(i, y, name, className, note = "") {
    const { tile: size, height, u, letter } = this;
    const box = svg("rect", { x: this.x(i) - size / 2, y, width: size, height, rx: 4 * u });
    const [x, middle] = [this.x(i), y + height / 2];
    const title = svg("title", {}, name + note);
    if (!className.includes("end")) {
      const words = this.text(x, middle + 6 * letter, truncate(name, this.maxName), "symbol", { most: size - 3 * u });
      return svg("g", { class: `piece ${className}` }, title, box, words);
    }
    const isUpright = size < 28 * letter && height > size; // END is rotated in a narrow tile
    const turned = isUpright ? { transform: `rotate(-90 ${x} ${middle})` } : {};
    const most = (isUpright ? height : size) - 4 * u;
    const font = isUpright ? Math.min(13 * letter, 1.1 * size) : 13 * letter; // small enough to fit
    const end = this.text(x, middle + 0.35 * font, name, "end", { most, "font-size": font, ...turned });
    return svg("g", { class: `piece ${className}`, "data-word": "END" }, title, box, end);
  }

  /** Return the cell in column i, which shows some numbers of the top layer's state, and the arrow from the previous
      cell. A click on the cell goes to its step, `place`. At this step, a button covers the cell.
      @type {(i: number, y: number, place: number, backward?: boolean) => SVGElement[]} */
  cell(i, y, place, backward = false) {
    const { run, tile, height } = this;
    const go = { onclick: () => app.change({ place }) };
    const cell = svg("rect", { ...this.cellBox(i, y), class: "cell", "data-word": stateWord(backward), ...go });
    const { state } = run.cellsOf(run.network.config.num_layers - 1, Number(backward))[backward ? i : place - 1];
    const box = { x: this.x(i) - 0.36 * tile, y: y + 0.28 * height, width: 0.72 * tile, height: 0.44 * height };
    const parts = [cell, colourStrip(last(state), box)];
    const sign = backward ? 1 : -1; // the direction of the previous cell
    if (backward ? i === this.S - 1 : i === 0) return parts;
    const [from, to, middle] = [this.x(i + sign) - (sign * tile) / 2, this.x(i) + (sign * tile) / 2, y + height / 2];
    return [...parts, this.arrow([from, middle, to, middle])];
  }

  cellBox(/** @type {number} */ i, /** @type {number} */ y) {
    const { tile: size, height } = this;
    return { x: this.x(i) - size / 2, y, width: size, height, rx: Math.min(size, height) / 3 };
  }

  /** Return the buttons that cover the current cells, the current context and, for keyboards and screen readers, the
      current output. `keyedBox` moves these buttons instead of replacing them, so they keep the focus.
      @type {() => [string, () => SVGElement, Attributes][]} */
  buttons() {
    const { t, place, S, index, run } = this;
    /** @type {(i: number, y: number, backward?: boolean) => ReturnType<typeof pressable>} */
    const cell = (i, y, backward = false) => {
      const label = `Look inside the current cell${backward ? " of the backward encoder" : ""}`;
      const keys = { "data-key": backward ? "backward-cell" : "current-cell", "data-word": stateWord(backward) };
      const box = { class: "open-cell", ...this.cellBox(i, y), "aria-label": label };
      return pressable("rect", { ...keys, ...box }, () => openInside(index, backward));
    };
    if (t === null) {
      const cells = [cell(place - 1, this.encoder), cell(S - place, this.backward, true)];
      return place === 0 || place > S ? [] : cells.slice(0, this.bidirectional ? 2 : 1);
    }
    const dot = { class: "open-context", "data-key": "context", "data-word": "context", "aria-haspopup": "dialog" };
    const finger = { cx: this.x(t) + this.column / 2, cy: this.context, r: Math.max(7 * this.u, 12 * this.letter) };
    const act = (/** @type {Event} */ { currentTarget }) =>
      openContext(/** @type {Element} */ (currentTarget), run, this.t ?? 0);
    const context = pressable("circle", { ...dot, ...finger, "aria-label": "How the context is computed" }, act);
    const label = `Force another symbol as the ${ordinal(t + 1)} output`;
    const tile = { class: "force", "data-key": "written", id: `written-${index}`, "aria-label": label };
    const box = { ...this.cellBox(t, this.answer), "aria-haspopup": "dialog" };
    const force = pressable("rect", { ...tile, ...box }, () => openSymbols(index, this.t ?? 0));
    return [cell(t, this.decoder), ...(run.steps[t].alpha ? [context] : []), force];
  }

  /** Return an arrow along straight lines through points [x, y, x, y, …]. Without a status, the arrow takes on the
      status of its part. */
  arrow(/** @type {number[]} */ points, /** @type {Status | ""} */ status = "") {
    const [x0, y0, x, y] = points.slice(-4);
    const scale = (5 * this.u) / (Math.hypot(x - x0, y - y0) || 1);
    const [dx, dy] = [scale * (x - x0), scale * (y - y0)]; // along the arrowhead
    const [endX, endY] = [x - dx, y - dy];
    const head = [x, y, endX - 0.8 * dy, endY + 0.8 * dx, endX + 0.8 * dy, endY - 0.8 * dx];
    const line = svg("polyline", { points: [...points.slice(0, -2), endX, endY].join(" ") });
    return svg("g", { class: `arrow ${status}` }, line, svg("polygon", { points: head.join(" ") }));
  }

  /** Return a source symbol and its number. If the numbers would overlap, only every fifth number is shown. */
  input(/** @type {number} */ s) {
    const isShown = this.column >= 18.5 * this.letter || s % 5 === 4;
    const number = this.text(this.x(s), this.source - 5 * this.u, isShown ? String(s + 1) : "", "soft");
    return [number, this.symbol(s, this.source, sourceName(this.run, s), "")];
  }

  /** Return the symbol that a decoder cell writes, and the label below the symbol. A click on the symbol shows the
      symbols that can be forced. The label shows the symbol's probability and marks a forced or wrong symbol. If labels
      would overlap, marks replace probabilities, and only the current output shows its probability. */
  output(/** @type {number} */ i) {
    const { run, height, u, letter, column } = this;
    const x = this.x(i);
    const isWrong = (/** @type {number} */ t) => t in run.steps && run.isWrong(t) && !app.state.hidden;
    const [forced, wrong] = [isForced(i), isWrong(i)];
    const classes = ["written", wrong ? "wrong" : "", isEnd(run, i) ? "end" : "", forced ? "forced" : ""];
    const { written } = run.steps[i];
    const [isNarrow, isCrowded] = [column < 64 * letter, column < 42 * letter]; // neighbouring labels would overlap
    const mark = forced ? (isNarrow ? "!" : "forced ") : wrong ? "✗ " : "";
    const probability = `${Math.round(100 * probabilities(run.steps[i])[written])}%`;
    const className = forced ? "forced" : wrong ? "wrong" : isCrowded ? "soft crowded" : "soft";
    const label = mark && isNarrow ? mark.trim() : mark + probability;
    const isNextToMark = [i - 1, i + 1].some((t) => isForced(t) || isWrong(t));
    const most = mark ? column - 4 * u : isCrowded && isNextToMark ? 2 * column - 14 * letter : Infinity;
    const y = this.answer + height + 2 * u + 13 * letter;
    const tile = this.symbol(i, this.answer, writtenName(run, i), classes.join(" "), exampleWord(run, written));
    let isClosing = false; // whether the press before the click has already closed the layer
    tile.addEventListener("pointerdown", () => (isClosing = this.t === i && isOpen(this.index)));
    tile.addEventListener("click", () => isClosing || openSymbols(this.index, i));
    return [this.arrow([x, this.decoder + height, x, this.answer]), tile, this.text(x, y, label, className, { most })];
  }

  /** Return the words below the picture: "decoder" and, if there are bars, their legend. If there is no space for both,
      only the legend is shown. */
  lastLine() {
    const { letter, middle, room, hasBars } = this;
    const y = this.bottom - 11 * letter;
    if (!hasBars) return [this.word(middle, y, "decoder: writes the answer", "soft")];
    const legend = "right at this position, in % of new sources";
    if (room < 350 * letter) return [this.text(middle, y, room < 270 * letter ? "right, in %" : legend, "soft")];
    const x = middle - 118 * letter;
    return [this.word(x, y, "decoder", "soft finish"), this.text(x + 16 * letter, y, legend, "soft begin")];
  }

  /** Return the parts of the bars below the outputs, for `keyedBox`. A new fraction changes only attributes and a
      number.
      @type {() => [string, () => SVGElement, Attributes?][]} */
  barParts() {
    const { u, letter, tile } = this;
    const [y, height] = [this.answer + this.height + 5 * u + 16 * letter, 26 * u];
    const hasNumbers = this.column >= 26 * letter;
    return (app.positions[this.index] ?? []).slice(0, this.T).flatMap((fraction, i) => {
      const number = hasNumbers ? wholePercent(fraction) : "";
      const box = { x: this.x(i) - 0.3 * tile, y, width: 0.6 * tile, height };
      return [
        [`bar ${i}`, () => svg("rect", box), { y: y + (1 - fraction) * height, height: fraction * height }],
        [`frame ${i}`, () => svg("rect", { ...box, class: "frame" })],
        [`number ${i} ${number}`, () => this.text(this.x(i), y + height + 12 * letter, number)],
      ];
    });
  }

  /** Return the arrow that feeds the previous output, or GO, to the current decoder cell. */
  feedbackArrow(/** @type {number} */ t) {
    const { height, answer, u } = this;
    const [offset, lane] = [0.22 * this.tile, answer - 10 * u];
    const [from, to] = [t ? this.x(t - 1) + offset : this.go, this.x(t) - offset];
    return this.arrow([from, answer, from, lane, to, lane, to, this.decoder + height], "current");
  }

  get finalStateStatus() {
    return this.place === this.S || this.t === 0 ? "current" : this.place > this.S ? "done" : "ahead";
  }

  /** For a network with attention, return the arrows to the decoder from the final state or, if the encoder is
      bidirectional, from both final states. */
  finalStateArrows() {
    const { height, tile, encoder, backward, decoder, right, lane } = this;
    const edge = this.x(0) - tile / 2;
    const left = this.finalLeft;
    const [y, back, below] = [encoder, backward, decoder].map((top) => top + height / 2);
    const start = [this.x(this.S - 1) + tile / 2, y, right, y, right, lane];
    const forward = this.arrow([...start, left, lane, left, below, edge, below]);
    return this.bidirectional ? [forward, this.arrow([edge, back, left, back, left, lane])] : [forward];
  }

  /** Return the parts that show how attention computes the context of step t, and how the current output and the next
      cell use this context. Without attention, return an empty list. */
  attentionParts(/** @type {number} */ t) {
    const { u, run, tile: size, column, decoder, answer, context: y, T } = this;
    const { alpha } = run.steps[t];
    if (!alpha) return [];
    const [x, output, lane] = [this.x(t) + column / 2, this.x(t) + 0.3 * size, answer - 10 * u];
    /** @type {(cx: number, word: string, status: Status) => SVGElement} */
    const dot = (cx, word, status) =>
      svg("circle", { cx, cy: y, r: 7 * u, class: `context ${status}`, "data-word": word });
    /** @type {(cx: number, i: number, status: Status) => SVGElement} */
    const feed = (cx, i, status) => this.arrow([cx, y, this.x(i) - 0.3 * size, decoder], status);
    return [
      ...this.attentionLines(alpha, x),
      ...(t ? [feed(x - column, t, "current"), dot(x - column, "previous", "done")] : []),
      this.arrow([output, decoder, x - 6 * u, y + 6 * u], "current"),
      this.arrow([x, y, x, lane, output, lane, output, answer], "current"),
      ...(t + 1 < T ? [feed(x, t + 1, "ahead")] : []),
      dot(x, "context", "current"),
    ];
  }

  /** Return labels for the contexts of output t and of the previous output, but only those that fit between the arrows.
   */
  contextWords(/** @type {number} */ t) {
    const { u, letter, column, context } = this;
    const [x, y] = [this.x(t) + column / 2, context + 13 * letter];
    const begin = x + 4 * letter + Math.max(7 * u, 0.3 * column - 0.18 * this.tile); // after the arrow to the next cell
    const end = x - column - 7 * u - 3 * letter;
    const isFree = begin + 52 * letter < this.right;
    const isPreviousFree = t && end - 60 * letter > (this.bidirectional ? this.finalLeft : 0);
    return [
      ...(isFree ? [this.word(begin, y, "context", "soft halo begin")] : []),
      ...(isPreviousFree ? [this.word(end, y, "previous", "soft halo finish")] : []),
    ];
  }

  /** Return lines from the inputs to the context, and labels for each α of at least 5%. A larger α gives a wider line.
      Labels that would overlap are left out. */
  attentionLines(/** @type {Float32Array} */ alpha, /** @type {number} */ x1) {
    const { u, letter, below, context: y1 } = this;
    const y2 = below + 7 * u + 13 * letter;
    const inputs = largest(alpha, alpha.length);
    const lines = inputs.filter((s) => alpha[s] >= 0.005);
    /** @type {(s: number) => number} */
    const labelX = (s) => Math.max(this.finalLeft + 24 * letter, Math.min(this.x(s), this.right - 24 * letter));
    /** @type {number[]} */
    const labelled = []; // inputs, largest α first, without those whose labels would overlap
    for (const s of inputs.filter((s) => alpha[s] >= 0.05))
      if (labelled.every((other) => Math.abs(labelX(other) - labelX(s)) > 36 * letter)) labelled.push(s);
    return [
      ...lines.map((s) => {
        const stroke = { "stroke-width": (1 + 9 * alpha[s]) * u, "stroke-opacity": 0.15 + 0.85 * alpha[s] };
        return svg("line", { x1, y1, x2: this.x(s), y2, ...stroke, class: "attention-line", "data-word": "attention" });
      }),
      ...labelled.map((s) => this.text(labelX(s), y2 - 5 * u - 2 * letter, `${Math.round(100 * alpha[s])}%`, "weight")),
    ];
  }

  /** For a network without attention, return the final state as a bottleneck between the encoder and the decoder. */
  bottleneck() {
    const { S, T, u, letter, run, place, middle, half, neck: y, tile, below, decoder, finalStateStatus: status } = this;
    const box = { x: middle - half, y, width: 2 * half, height: this.neckHeight };
    const bottom = y + box.height;
    // for each layer, at most 64 numbers of each state; empty until the last symbol has been read
    const rows = place < S ? [] : run.encoded.states.flat().map((row) => [...row.slice(0, 64)]);
    const funnel = (/** @type {number} */ y0, /** @type {number} */ n, /** @type {number} */ y1) => {
      const wide = [this.x(0) - tile / 2, y0, this.x(n - 1) + tile / 2, y0];
      return svg("polygon", { class: "funnel", points: [...wide, middle + half, y1, middle - half, y1].join(" ") });
    };
    const arrows = [this.arrow([this.x(S - 1), this.encoder + this.height, middle, y], status)];
    if (this.bidirectional) arrows.push(this.arrow([this.x(0), below, middle, y], status));
    const frames = ["state", "state-frame"].map((name) => svg("rect", { ...box, class: name }));
    const { cell_size: H } = run.network.config;
    const [n, isNarrow] = [stateSize(run) / H, this.room / 2 - half < 190 * letter + 8 * u];
    const size = `${isNarrow ? "" : "one state of "}${n > 1 ? `${n} × ` : ""}${H} numbers`;
    return [
      funnel(below + 6 * u, S, y),
      funnel(decoder - 6 * u, T, bottom),
      ...arrows,
      this.arrow([middle, bottom, this.x(0), decoder], place > S ? status : "ahead"),
      svg("g", { class: status, "data-word": "the bottleneck" }, frames[0], ...stripes(rows, box), frames[1]),
      this.text(middle + half + 8 * u, y + 26 * letter, size, "begin", { most: this.nextToNeck }),
    ];
  }
}

/** Return whether the page knows how often network i is right at each output position. */
const hasPositions = (/** @type {number} */ i) => Boolean(app.positions[i]?.length);

/** Return the bars of network i as a table for screen readers. The table is updated when training pauses. */
export function positionsTable(/** @type {number} */ i) {
  const [box, network] = [h("div", { class: "visually-hidden" }), app.networks[i]]; // networks may be removed later
  const update = soon(() => {
    const fractions = app.positions[i] ?? [];
    const label = withLabel(network, "New sources that are right at each output position");
    const heads = fractions.map((_, t) => ordinal(t + 1));
    const cells = fractions.map((fraction) => `${wholePercent(fraction)}%`);
    redraw(box, fractions.length ? table({ "aria-label": label }, heads, [cells]) : null);
  }, 500);
  app.add(() => app.isStep || update());
  return box;
}

/** Show the panel “Inside a cell” for the current cell of a network. */
function openInside(/** @type {number} */ networkIndex, /** @type {boolean} */ backward) {
  showTab("inside", { inside: { ...app.state.inside, networkIndex, backward: Number(backward) } });
  byId("inside").focus({ preventScroll: true });
}

/** Return the term that is explained when the pointer is on a cell. */
const stateWord = (/** @type {boolean} */ backward) => (backward ? "backward state" : "state");

/** Return a part for `keyedBox`: an SVG element that acts as a button. A click, Enter or Space calls `act`.
    @type {(tag: "rect" | "circle", attributes: Attributes, act: (event: Event) => void) =>
      [string, () => SVGElement, Attributes]} */
function pressable(tag, attributes, act) {
  const onkeydown = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    act(event);
  };
  const make = () => svg(tag, { role: "button", tabindex: 0, onclick: act, onkeydown });
  return [`${attributes["data-key"]}`, make, attributes];
}
