/* The diagram of a step: a network's cells with the symbols that they have read and written. */

import { app, byId } from "./app.js";
import { keyedBox } from "./boxes.js";
import { svg, zoom } from "./elements.js";
import { largest, truncate } from "./format.js";
import { signColour } from "./heatmap.js";
import { last } from "./network.js";
import { exampleWord, isEnd, isForced, probabilities, sourceName, stateSize, writtenName } from "./runs.js";
import { showTab } from "./tabs.js";
import { WORDS } from "./words.js";

/** @import { Run } from "./trained.js" */

/** @typedef {"ahead" | "done" | "current"} Status */

const STRIP = 12; // numbers of a state that a cell shows

/** The diagram of a run. From top to bottom: source, encoder, final state or attention, decoder, answer. `show` draws the
    parts that differ from those of the previous step. */
export class Diagram {
  place = 0;
  /** The current output; null while the source is read, and after the answer's end.
      @type {number | null} */
  t = null;
  written = 0; // the number of outputs so far
  middle = 0; // the x of the middle of the part in view

  /** `index` is the index of the run's network, `T` the number of decoder steps to draw; `room` and `height` are the size
      that the picture should have at most.
      @param {Run} run @param {number} index @param {number} T @param {number} room @param {number} height */
  constructor(run, index, T, room, height) {
    this.run = run;
    this.room = room;
    this.index = index;
    this.S = run.source.length;
    this.T = T;
    this.bidirectional = run.network.config.bidirectional;
    const most = app.networks.length > 1 ? 1 : this.bidirectional ? 1.15 : 1.3; // fits into the first screen
    this.letter = zoom() * Math.max(1, Math.min(most, room / 700 / zoom())); // the unit of the text
    const fitting = (height - 77 * this.letter) / (this.bidirectional ? 354 : 306); // two lines above and two below
    this.u = Math.max(0.45 * zoom(), Math.min(this.letter, fitting)); // of the rest, which a low window makes smaller
    const { u, letter, S } = this;
    const inputs = [...run.source.keys()].map((s) => sourceName(run, s));
    const outputs = [...run.steps.slice(0, T).keys()].filter((t) => !isEnd(run, t)).map((t) => writtenName(run, t));
    const n = Math.max(S + Number(app.state.hidden), T);
    const longest = Math.min(9, Math.max(...[...inputs, ...outputs].map((name) => [...name].length)));
    const margin = 28 * letter; // has room for GO
    const wide = 9.7 * longest * letter; // a word has narrower letters if otherwise the picture were too wide
    const minColumn = Math.max(0.6 * wide, Math.min(wide, (room - 2 * margin) / n - 9 * u)) + 9 * u;
    this.column = Math.max(minColumn, Math.min(76 * letter, (room - 2 * margin) / n));
    this.width = Math.max(room, n * this.column + 2 * margin);
    this.left = (this.width - n * this.column) / 2;
    this.tile = Math.min(this.column - 6 * u, Math.max(44 * letter, minColumn - 6 * u));
    this.height = 40 * u;
    this.maxName = Math.max(2, Math.floor((this.tile - 2 * u) / (5.8 * letter))); // characters
    const gap = 20 * u;
    this.source = 36 * letter; // the y of the rows
    this.encoder = this.source + this.height + gap;
    this.backward = this.encoder + this.height + 8 * u;
    this.below = (this.bidirectional ? this.backward : this.encoder) + this.height;
    this.decoder = this.below + 104 * u;
    this.answer = this.decoder + this.height + gap;
    this.context = this.decoder - 36 * u; // the y of the contexts, which attention computes
    this.go = this.x(0) - this.tile / 2 - 15 * letter; // the x of GO
    this.right = this.x(n - 1) + this.column / 2 + 14 * u; // the x of the way of the final state
    this.half = Math.min(60 * u, this.width / 6); // of the width of the bottleneck
    this.neck = (this.below + this.decoder) / 2 - 17 * u; // its y
    this.bottom = this.answer + this.height + 41 * letter;
    const { width, bottom } = this;
    const label = `Diagram of the current step: ${run.network.name}. The sentence above describes it.`;
    const viewBox = `0 0 ${width} ${bottom}`;
    const attributes = { class: "diagram", width, viewBox, role: "group", "aria-label": label };
    const [picture, buttons] = [svg("g"), svg("g")];
    this.element = svg("svg", attributes, picture, buttons);
    this.element.style.setProperty("--height", `${bottom}px`); // tabs.js makes it smaller
    this.drawPicture = keyedBox(picture);
    this.drawButtons = keyedBox(buttons);
  }

  /** Show the step `place`; fade in its new parts if `isNext`. */
  show(/** @type {number} */ place, /** @type {boolean} */ isNext) {
    const { S, T, room, width } = this;
    this.place = place;
    this.t = place > S && place - S <= T ? place - S - 1 : null;
    this.written = Math.max(0, Math.min(place - S, T));
    this.middle = Math.max(room / 2, Math.min(this.x(this.currentColumn), width - room / 2)); // see `updateScrollBox`
    this.drawPicture(this.parts(isNext));
    const button = (/** @type {boolean} */ backward) => () => this.openButton(backward);
    this.drawButtons(this.currentCells().map(([i, y, back]) => [`${back}`, button(back), this.cellBox(i, y)]));
  }

  /** Return the x of a column's centre. */
  x(/** @type {number} */ i) {
    return this.left + (i + 0.5) * this.column;
  }

  get currentColumn() {
    return this.t ?? Math.max(0, Math.min(this.place, this.S) - 1);
  }

  /** Return the parts of the picture for `keyedBox`. Most steps only change the classes of some parts.
    @type {(isNext: boolean) => [string, () => SVGElement, { class: string }][]} */
  parts(isNext) {
    const { S, T, t, u, letter, place, middle, bidirectional } = this;
    const { has_attention: hasAttention } = this.run.network.config;
    // all symbols are shown before the first action, and after one that changes the answer
    const isWhole =
      !app.state.hidden && (app.isOpening || app.state.moment !== null || Object.keys(app.forced).length > 0);
    const [encoder, finalState] = bidirectional
      ? ["encoders: one reads from the left, one from the right", "final states, joined"]
      : ["encoder: reads the source", "final state"];
    /** @type {(order: number) => Status} */
    const status = (order) => (order + 1 === place ? "current" : order < place ? "done" : "ahead");
    /** @type {ReturnType<typeof this.parts>} */
    const parts = [];
    /** @type {(name: string, className: string, makeParts: () => SVGElement[]) => void} */
    const add = (name, className, makeParts) => {
      const isNew = isNext && /current|step/.test(className);
      const hidden = /^words/.test(name) ? {} : { "aria-hidden": true };
      parts.push([name, () => svg("g", hidden, ...makeParts()), { class: isNew ? `${className} new` : className }]);
    };
    if (hasAttention) add("final state", this.finalStateStatus, () => this.finalStateArrows());
    else add(`bottleneck ${Math.min(place, S + 2)} ${middle}`, "", () => this.bottleneck());
    for (let s = 0; s < S; s++) {
      const read = status(s);
      const readBackward = bidirectional ? status(S - 1 - s) : "ahead";
      add(`input ${s}`, readBackward === "current" ? "current" : read, () => this.input(s));
      add(`reading ${s}`, read, () => [this.readingArrow(s), ...this.cell(s, this.encoder, s + 1)]);
      if (bidirectional) add(`backward ${s}`, readBackward, () => this.cell(s, this.backward, S - s, true));
    }
    add("words", "", () => [this.word(this.go, this.answer + 14 * letter, "GO", "")]); // the first input of the decoder
    for (let i = 0; i < T; i++) {
      const state = i === t ? "current" : i < this.written ? "done" : "ahead";
      add(`writing ${i}`, state, () => this.cell(i, this.decoder, S + i + 1));
      if (isWhole || state !== "ahead") add(`output ${i}`, state, () => this.output(i));
    }
    if (t !== null) add(`step ${t}`, "step", () => [this.feedbackArrow(t), ...this.attentionParts(t)]);
    add(`words ${middle}`, "", () => [
      hasAttention
        ? this.word(this.right - 6 * u, this.below + Math.max(44 * u, 29 * letter), finalState, "soft halo finish")
        : this.word(middle + this.half + 8 * u, this.neck + 8 * u, "the bottleneck", "begin"),
      this.word(middle, 14 * letter, encoder, "soft"),
      this.word(middle, this.bottom - 11 * letter, "decoder: writes the answer", "soft"),
    ]);
    if (t !== null && hasAttention) add(`words of step ${t}`, "", () => this.contextWords(t));
    return parts;
  }

  /** Return a word that is explained where the pointer or the focus is; it ends at a colon.
      @type {(x: number, y: number, words: string, className: string) => SVGElement} */
  word(x, y, words, className) {
    const [word] = words.split(":");
    const element = this.text(x, y, words, `${className} word`);
    const label = { "aria-label": `${words}: ${WORDS[word]}`, role: "button", tabindex: 0 };
    for (const [name, value] of Object.entries({ ...label, "data-word": word, "data-key": word }))
      element.setAttribute(name, String(value));
    return element;
  }

  /** Return a text; one that is likely to be wider than `most` gets narrower letters.
      @type {(x: number, y: number, words: string, className?: string, most?: number) => SVGElement} */
  text(x, y, words, className = "", most = Infinity) {
    const size = (className === "symbol" ? 16 : 13) * this.letter;
    const narrow =
      (className === "symbol" ? 0.6 : 0.65) * size * words.length > most
        ? { textLength: most, lengthAdjust: "spacingAndGlyphs" }
        : {};
    return svg("text", { x, y, class: className, "font-size": size, ...narrow }, words);
  }

  /** Return a symbol in a tile.
    @type {(i: number, y: number, name: string, className: string, note?: string) => SVGElement} */
  symbol(i, y, name, className, note = "") {
    const { tile: size, height, u, letter } = this;
    const box = svg("rect", { x: this.x(i) - size / 2, y, width: size, height, rx: 4 * u });
    const [x, middle] = [this.x(i), y + height / 2];
    const isUpright = size < 28 * letter && height > size; // END in a narrow tile
    const words = className.includes("end") // END is written small, so that it fits into a tile
      ? this.text(x, middle + 4.5 * letter, name, "end", (isUpright ? height : size) - 4 * u)
      : this.text(x, middle + 6 * letter, truncate(name, this.maxName), "symbol", size - 3 * u);
    if (className.includes("end") && isUpright) words.setAttribute("transform", `rotate(-90 ${x} ${middle})`);
    const explained = className.includes("end") ? { "data-word": "END" } : {};
    return svg("g", { class: `piece ${className}`, ...explained }, svg("title", {}, name + note), box, words);
  }

  /** Return a cell in column i and the arrow to it from the previous one. A click goes to its step, `place`, in which
      `openButton` covers it.
      @type {(i: number, y: number, place: number, backward?: boolean) => SVGElement[]} */
  cell(i, y, place, backward = false) {
    const word = backward ? "backward state" : "state";
    const cell = svg("rect", { ...this.cellBox(i, y), class: "cell", "data-word": word });
    cell.addEventListener("click", () => app.change({ place }));
    const previous = backward ? i + 1 : i - 1;
    const parts = [cell, this.strip(i, y, place, backward)];
    return previous < 0 || (backward && previous === this.S) ? parts : [...parts, this.stateArrow(previous, i, y)];
  }

  /** Return some numbers of the state in a cell, of the top layer.
      @type {(i: number, y: number, place: number, backward: boolean) => SVGElement} */
  strip(i, y, place, backward) {
    const { run, tile: size, height } = this;
    const strip = svg("g", { class: "strip" });
    const h = last(run.cellsOf(run.network.config.num_layers - 1, Number(backward))[backward ? i : place - 1].state);
    const values = Array.from({ length: Math.min(STRIP, h.length) }, (_, k) => h[Math.floor((k * h.length) / STRIP)]);
    const box = { x: this.x(i) - 0.36 * size, y: y + 0.28 * height, width: 0.72 * size, height: 0.44 * height };
    strip.append(svg("rect", { ...box, class: "state" }), ...stripes([values], box));
    return strip;
  }

  cellBox(/** @type {number} */ i, /** @type {number} */ y) {
    const { tile: size, height } = this;
    return { x: this.x(i) - size / 2, y, width: size, height, rx: Math.min(size, height) / 3 };
  }

  /** Show the inside of a current cell. */
  open(/** @type {boolean} */ backward) {
    showTab("inside", { inside: { ...app.state.inside, networkIndex: this.index, backward: Number(backward) } });
    byId("inside").focus({ preventScroll: true });
  }

  /** Return the current cells as [column, y, whether it is one of the backward encoder].
    @type {() => [number, number, boolean][]} */
  currentCells() {
    const { t, place, S } = this;
    if (t !== null) return [[t, this.decoder, false]];
    if (place === 0 || place > S) return [];
    /** @type {[number, number, boolean][]} */
    const cells = [
      [place - 1, this.encoder, false],
      [S - place, this.backward, true],
    ];
    return cells.slice(0, this.bidirectional ? 2 : 1);
  }

  /** Return a button on a current cell, which shows its inside. `show` places it. */
  openButton(/** @type {boolean} */ backward) {
    const label = `Look inside the current cell${backward ? " of the backward encoder" : ""}`;
    const key = `${backward ? "backward" : "current"}-cell`;
    const attributes = { class: "open-cell", role: "button", tabindex: 0, "aria-label": label, "data-key": key };
    const button = svg("rect", { ...attributes, "data-word": backward ? "backward state" : "state" });
    button.addEventListener("click", () => this.open(backward));
    button.addEventListener("keydown", (event) => {
      if (event.key !== "Enter" && event.key !== " ") return;
      event.preventDefault();
      this.open(backward);
    });
    return button;
  }

  /** Return an arrow along straight lines through points [x, y, x, y, …]; without a status, it has that of its part. */
  arrow(/** @type {number[]} */ points, /** @type {Status | ""} */ status = "") {
    const { u } = this;
    const [x0, y0, x, y] = points.slice(-4);
    const length = Math.hypot(x - x0, y - y0) || 1;
    const [dx, dy] = [(5 * u * (x - x0)) / length, (5 * u * (y - y0)) / length];
    const end = [x - dx, y - dy];
    const head = [x, y, end[0] - dy * 0.8, end[1] + dx * 0.8, end[0] + dy * 0.8, end[1] - dx * 0.8];
    const line = svg("polyline", { points: [...points.slice(0, -2), ...end].join(" ") });
    return svg("g", { class: `arrow ${status}` }, line, svg("polygon", { points: head.join(" ") }));
  }

  /** Return an arrow from the cell in column i to the cell in column j, in the row at y.
    @type {(i: number, j: number, y: number) => SVGElement} */
  stateArrow(i, j, y) {
    const half = (Math.sign(j - i) * this.tile) / 2;
    const middle = y + this.height / 2;
    return this.arrow([this.x(i) + half, middle, this.x(j) - half, middle]);
  }

  /** Return a source symbol and its number; where the numbers would overlap, every fifth has one. */
  input(/** @type {number} */ s) {
    const isShown = this.column >= 20 * this.letter || s % 5 === 4;
    const number = this.text(this.x(s), this.source - 5 * this.u, isShown ? String(s + 1) : "", "soft");
    return [number, this.symbol(s, this.source, sourceName(this.run, s), "")];
  }

  /** Return the arrow from a source symbol to the encoder. */
  readingArrow(/** @type {number} */ s) {
    return this.arrow([this.x(s), this.source + this.height, this.x(s), this.encoder]);
  }

  /** Return the symbol that a decoder cell writes; a label below the symbol shows that it was forced or is wrong, or its
      probability. Where probabilities would overlap, only the current output has one. */
  output(/** @type {number} */ i) {
    const { run, height, u, letter } = this;
    const x = this.x(i);
    const [forced, wrong] = [isForced(i), run.isWrong(i) && !app.state.hidden];
    const classes = [wrong ? "wrong" : "", isEnd(run, i) ? "end" : "", forced ? "forced" : ""];
    const { written } = run.steps[i];
    const isNarrow = this.column < 64 * letter; // labels of neighbouring columns would overlap
    const mark = forced ? (isNarrow ? "!" : "forced ") : wrong ? "✗ " : "";
    const share = `${Math.round(100 * probabilities(run.steps[i])[written])} %`;
    const className = forced ? "forced" : wrong ? "wrong" : this.column < 42 * letter ? "soft crowded" : "soft";
    const label = mark && isNarrow ? mark : mark + share;
    const y = this.answer + height + 2 * u + 13 * letter;
    return [
      this.arrow([x, this.decoder + height, x, this.answer]),
      this.symbol(i, this.answer, writtenName(run, i), classes.join(" "), exampleWord(run, written)),
      this.text(x, y, label, className, mark ? this.column - 4 * u : Infinity),
    ];
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

  /** Return the arrows that take the final state, or that of both directions, to the decoder, in a network with
      attention. */
  finalStateArrows() {
    const { S, u, height, tile: size, decoder, right } = this;
    const edge = this.x(0) - size / 2;
    const [left, lane] = [edge - 9 * u, decoder - 16 * u];
    const [y, back, below] = [this.encoder, this.backward, decoder].map((top) => top + height / 2);
    const start = [this.x(S - 1) + size / 2, y, right, y, right, lane];
    const forward = this.arrow([...start, left, lane, left, below, edge, below]);
    return this.bidirectional ? [forward, this.arrow([edge, back, left, back, left, lane])] : [forward];
  }

  /** Return how the current cell's state becomes a context by attention, and the uses of the context: the current
      output and the next cell. Empty without attention. */
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

  /** Return the words for the contexts of output t and of the previous one, where they fit. */
  contextWords(/** @type {number} */ t) {
    const { u, column, context: y } = this;
    const x = this.x(t) + column / 2;
    return [
      ...(x + 62 * u < this.width ? [this.word(x + 11 * u, y + 13 * u, "context", "soft halo begin")] : []),
      ...(t && x - column > 70 * u ? [this.word(x - column - 10 * u, y + 4 * u, "previous", "soft halo finish")] : []),
    ];
  }

  /** Return a line from each input to the context, wider for a larger α, and above them the α of at least 5 %. */
  attentionLines(/** @type {Float32Array} */ alpha, /** @type {number} */ x1) {
    const { u, letter, below, context: y1 } = this;
    const lines = largest(alpha, alpha.length)
      .filter((s) => alpha[s] >= 0.005)
      .map((s) => {
        const [ends, width] = [{ x1, y1, x2: this.x(s), y2: below + 7 * u + 13 * letter }, (1 + 9 * alpha[s]) * u];
        const stroke = { "stroke-width": width, "stroke-opacity": 0.15 + 0.85 * alpha[s] };
        return svg("line", { ...ends, ...stroke, class: "attention-line", "data-word": "attention" });
      });
    const unit = this.column < 39 * letter ? "%" : " %";
    /** @type {number[]} */
    const shown = []; // the largest, without those that would overlap
    for (const s of largest(alpha, alpha.length)) {
      const isFree = shown.every((other) => Math.abs(other - s) * this.column > 29 * letter);
      if (alpha[s] >= 0.05 && isFree) shown.push(s);
    }
    const y = below + 2 * u + 11 * letter;
    const numbers = shown.map((s) => this.text(this.x(s), y, Math.round(100 * alpha[s]) + unit, "share"));
    return [...lines, ...numbers];
  }

  /** Return the final state as a bottleneck between encoder and decoder, in a network without attention. */
  bottleneck() {
    const { S, T, u, letter, run, place, middle, half, neck: top } = this;
    const state = this.room / 2 - half < 170 * letter + 8 * u ? "" : "one state of "; // left out where it does not fit
    const bottom = top + 34 * u;
    const box = { x: middle - half, y: top, width: 2 * half, height: 34 * u };
    // the state of each layer, of at most 64 units; empty before the last symbol is read
    const rows = place < S ? [] : run.encoded.states.flat().map((row) => [...row.slice(0, 64)]);
    /** @type {(y0: number, n: number, y1: number) => SVGElement} */
    const funnel = (y0, n, y1) => {
      const wide = [this.x(0) - this.tile / 2, y0, this.x(n - 1) + this.tile / 2, y0];
      const points = [...wide, middle + half, y1, middle - half, y1];
      return svg("polygon", { class: "funnel", points: points.join(" ") });
    };
    const status = this.finalStateStatus;
    const ends = [[S - 1, this.encoder + this.height], ...(this.bidirectional ? [[0, this.below]] : [])];
    return [
      funnel(this.below + 6 * u, S, top),
      funnel(this.decoder - 6 * u, T, bottom),
      ...ends.map(([s, y]) => this.arrow([this.x(s), y, middle, top], status)),
      this.arrow([middle, bottom, this.x(0), this.decoder], place > S ? status : "ahead"),
      svg(
        "g",
        { class: status, "data-word": "the bottleneck" },
        svg("rect", { ...box, class: "state" }),
        ...stripes(rows, box),
        svg("rect", { ...box, class: "state-frame" }),
      ),
      this.text(middle + half + 8 * u, top + 8 * u + 20 * letter, `${state}${stateSize(run)} numbers`, "begin"),
    ];
  }
}

/** Return numbers as coloured stripes in a box, one row per vector.
    @type {(rows: number[][], box: { x: number, y: number, width: number, height: number }) => SVGElement[]} */
const stripes = (rows, { x, y, width, height }) =>
  rows.flatMap((row, k) =>
    row.map((value, i) => {
      const size = { width: width / row.length, height: height / rows.length };
      const colour = signColour(Math.max(-1, Math.min(1, value)));
      return svg("rect", { x: x + i * size.width, y: y + k * size.height, ...size, ...colour });
    }),
  );
