// @ts-nocheck
/* The panel that steps through encoding and decoding. The current step is `app.state.place`. */

import { announce } from "./app.js";
import { onNewWidth, scrollBox, updateScrollBox } from "./boxes.js";
import { svg, zoom } from "./drawing.js";
import { button, h, labelledSelect } from "./elements.js";
import { largest, percent, truncate } from "./format.js";
import { signColour } from "./heatmap.js";
import { argmax, last } from "./network.js";
import { addPanel, columns, panel } from "./panels.js";
import { fedName, isEnd, isForced, probabilities, sourceName, stateSize, targetName, writtenName } from "./runs.js";

export function stepPanel(app) {
  const player = new Player(app);
  const boxes = app.networks.map((network) => scrollBox(`Diagram of ${network.name}`));
  const sentences = app.networks.map((_, i) => h("p", { className: "sentence", ...(i ? {} : { id: "sentence" }) }));
  const section = panel(
    "step",
    "Step by step",
    "The encoder reads the source symbol by symbol; then the decoder writes the answer symbol by symbol.",
    player.controls,
    columns(app.networks, (_, i) => [boxes[i], sentences[i]]),
  );
  const blanks = app.networks.map(blankRun);
  let place = 0;
  const update = () => {
    const isNext = app.state.place === place + 1;
    ({ place } = app.state);
    app.runs.forEach((run, i) => {
      drawDiagram(boxes[i], run, place, isNext);
      sentences[i].textContent = describePlace(run, place);
    });
    player.update();
  };
  const draw = (i) => drawDiagram(boxes[i], app.runs[i] ?? blanks[i], app.state.place);
  boxes.forEach((box, i) => onNewWidth(box, () => draw(i), true));
  for (const sentence of sentences) sentence.textContent = BLANK;
  return addPanel(app, section, update);
}

/** Return a run without symbols, whose diagram shows the network while no source is typed. */
function blankRun(network) {
  const source = new Array(Math.min(network.in_len ?? MAX_BLANK, MAX_BLANK)).fill(0);
  const steps = source.map(() => ({ written: 0 }));
  return { network, source, steps, encoded: network.final.encode(source), isBlank: true };
}

/** Return a button label whose arrow is hidden from screen readers. */
const withArrow = (...words) => {
  const arrow = (text) => h("span", { className: "chevron", attributes: { "aria-hidden": true } }, text);
  return h("span", {}, ...words.map((word) => (/\w/.test(word) ? word : arrow(word))));
};

const MAX_BLANK = 8; // symbols in the diagram before a source is typed
const BLANK = "The encoder will read the source, and then the decoder will write the answer, symbol by symbol.";

const FIELDS = "input, textarea, select, .scroll, [contenteditable]"; // elements that use the arrow keys

const PACES = { slow: 2000, normal: 1000, fast: 400 }; // ms per step

/** The buttons, the slider and the keyboard shortcuts that change the current step. */
class Player {
  constructor(app) {
    this.app = app;
    this.timer = null;
    const oninput = () => this.go(Number(this.slider.value));
    this.slider = h("input", { id: "place", type: "range", min: 0, step: 1, oninput });
    const label = h("label", { htmlFor: "place" }, "Step");
    this.progress = h("output", { htmlFor: "place", attributes: { "aria-live": "off" } });
    this.play = button("Play", () => this.toggle(), { className: "primary", id: "play" });
    this.first = button(withArrow("«", "First"), () => this.go(0), { id: "first" });
    this.back = button(withArrow("‹", "Back"), () => this.go(app.state.place - 1), { id: "back" });
    this.next = button(withArrow("Next", "›"), () => this.go(app.state.place + 1), { id: "next" });
    this.last = button(withArrow("Last", "»"), () => this.go(this.end), { id: "last" });
    const buttons = h("div", { className: "controls" }, this.first, this.back, this.play, this.next, this.last);
    this.pace = PACES.normal;
    const paces = Object.keys(PACES).map((name) => [name, name]);
    const pace = labelledSelect("Pace", paces, "normal", (name) => this.setPace(PACES[name]));
    const slide = h("div", { className: "slide" }, label, this.slider, this.progress, pace);
    this.controls = h("div", { className: "player" }, buttons, slide);
    document.addEventListener("keydown", (event) => this.onKey(event));
  }

  get end() {
    return this.app.S + this.app.T;
  }

  /** Stop playing, go to a step and announce it. */
  go(place) {
    this.stop();
    this.app.change({ place: Math.max(0, Math.min(place, this.end)) });
    announcePlace(this.app);
  }

  /** Play or pause; at the end, play from the beginning. */
  toggle() {
    if (this.timer !== null) return this.go(this.app.state.place);
    if (this.app.state.place >= this.end) this.app.change({ place: 0 });
    this.timer = setInterval(() => this.tick(), this.pace);
    this.update();
  }

  /** Set the pace in ms per step. */
  setPace(pace) {
    this.pace = pace;
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), pace);
  }

  tick() {
    this.app.change({ place: this.app.state.place + 1 });
    if (this.app.state.place >= this.end) this.go(this.end);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.update();
  }

  /** Handle ←, →, Home, End and Space, unless the focused element uses them. */
  onKey(event) {
    const users = event.key === " " ? `${FIELDS}, button, summary, a` : FIELDS;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.(users) || !this.app.runs.length) return;
    const { place } = this.app.state;
    const places = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: this.end };
    if (event.key === " ") this.toggle();
    else if (event.key in places) this.go(places[event.key]);
    else return;
    event.preventDefault();
  }

  update() {
    const { S, T, state } = this.app;
    if (this.timer !== null && !this.app.runs.length) this.stop();
    Object.assign(this.slider, { max: S + T, value: state.place });
    const progress = state.place <= S ? `${state.place} of ${S} read` : `${state.place - S} of ${T} written`;
    this.slider.setAttribute("aria-valuetext", progress);
    this.progress.textContent = progress;
    this.play.textContent = this.timer === null ? "Play" : "Pause";
    // aria-disabled, because a disabled button loses the focus
    for (const one of [this.first, this.back]) one.setAttribute("aria-disabled", state.place === 0);
    for (const one of [this.next, this.last]) one.setAttribute("aria-disabled", state.place === this.end);
  }
}

function announcePlace(app) {
  const prefix = (run) => (app.runs.length > 1 ? `${run.network.name}: ` : "");
  announce(app.runs.map((run) => prefix(run) + describePlace(run, app.state.place)).join(" "));
}

export function goToOutput(app, t) {
  app.change({ place: app.S + t + 1 });
  announcePlace(app);
}

/** Describe in a sentence what the network does at a step. */
function describePlace(run, place) {
  const S = run.source.length;
  if (place === 0) return "Nothing has been read yet. Press Next to read the first symbol.";
  if (place <= S) return describeReading(run, place);
  const t = place - S - 1;
  return t < run.steps.length ? describeWriting(run, t) : `The answer ended after ${run.steps.length} steps.`;
}

function describeReading(run, place) {
  const S = run.source.length;
  const { bidirectional, has_attention: hasAttention } = run.network.config;
  const symbols = bidirectional
    ? `${sourceName(run, place - 1)} from the left and ${sourceName(run, S - place)} from the right,`
    : sourceName(run, place - 1);
  const state = `its state of ${stateSize(run)} numbers`;
  const sentence = `Reading ${place} of ${S}: the encoder reads ${symbols} and updates ${state}.`;
  if (place < S) return sentence;
  if (hasAttention) return `${sentence} The decoder starts from this state and attends to the encoder's outputs.`;
  return `${sentence} The decoder receives only this state.`;
}

function describeWriting(run, t) {
  const step = run.steps[t];
  const withShare = (symbol) => `${targetName(run, symbol)} (${percent(probabilities(step)[symbol])})`;
  const attention = step.alpha ? `${describeAttention(step.alpha)} and ` : "";
  let sentence = `Writing ${t + 1} of ${run.steps.length}: fed ${fedName(run, run.steps, t)}, the decoder ${attention}`;
  sentence += `${isForced(t) ? "is forced to write" : "writes"} ${withShare(step.written)}`;
  if (run.isOverridden(t)) sentence += ` instead of ${withShare(step.symbol)}`;
  if (run.isWrong(t)) {
    const isExtra = run.kind(t) === "extra";
    sentence += isExtra ? ", an extra symbol" : `; expected ${targetName(run, run.expectedAt(t))}`;
  }
  sentence += isEnd(run, t) ? ", which ends the answer." : ".";
  const missing = run.missing(t).map((symbol) => targetName(run, symbol));
  if (missing.length) sentence += ` Missing before it: ${missing.join(", ")}.`;
  const isCut = run.network.ends && !run.ended && t === run.steps.length - 1;
  return isCut ? `${sentence} The answer is cut off here because it did not end.` : sentence;
}

export function describeAttention(alpha) {
  const s = argmax(alpha);
  return `attends most to input ${s + 1} (${percent(alpha[s])})`;
}

function drawDiagram(box, run, place, isNext = false) {
  const diagram = new Diagram(run, place, box.clientWidth);
  box.replaceChildren(diagram.draw(isNext));
  updateScrollBox(box, diagram.x(diagram.currentColumn));
}

/** The diagram of one step. From top to bottom: source, encoder, final state or attention, decoder, answer. */
class Diagram {
  constructor(run, place, width) {
    Object.assign(this, { run, place, S: run.source.length, T: run.steps.length, u: zoom() });
    this.t = place > this.S && place - this.S <= this.T ? place - this.S - 1 : null;
    this.written = Math.max(0, Math.min(place - this.S, this.T)); // number of outputs so far
    this.bidirectional = run.network.config.bidirectional;
    this.computeLayout(width);
  }

  computeLayout(width) {
    const { u, run, S, T } = this;
    const inputs = [...run.source.keys()].map((s) => sourceName(run, s));
    const outputs = [...run.steps.keys()].filter((t) => !isEnd(run, t)).map((t) => writtenName(run, t));
    const longest = Math.min(8, Math.max(...[...inputs, ...outputs].map((name) => [...name].length)));
    const minColumn = Math.max(28, 9 * longest + 14) * u;
    const margin = 18 * u;
    const n = Math.max(S, T);
    this.column = Math.max(minColumn, Math.min(76 * u, (width - 2 * margin) / n));
    this.width = Math.max(width, n * this.column + 2 * margin);
    this.left = (this.width - n * this.column) / 2;
    this.tile = Math.min(this.column - 6 * u, Math.max(44 * u, minColumn - 6 * u));
    this.height = Math.min(this.tile, 40 * u);
    this.maxName = Math.max(2, Math.floor((this.tile - 4 * u) / (9 * u))); // characters
    const gap = 20 * u;
    this.source = 36 * u; // the y of the rows
    this.encoder = this.source + this.height + gap;
    this.backward = this.encoder + this.height + 8 * u;
    this.below = (this.bidirectional ? this.backward : this.encoder) + this.height;
    this.decoder = this.below + (run.network.config.has_attention ? 150 : 170) * u;
    this.answer = this.decoder + this.height + gap;
    this.bottom = this.answer + this.height + 44 * u;
  }

  /** Return the x of a column's centre. */
  x(i) {
    return this.left + (i + 0.5) * this.column;
  }

  get currentColumn() {
    return this.t ?? Math.max(0, Math.min(this.place, this.S) - 1);
  }

  draw(isNext) {
    const { width, bottom, run } = this;
    const label = `Diagram of the current step of ${run.network.name}; the sentence below describes it`;
    const size = { width, height: bottom, viewBox: `0 0 ${width} ${bottom}` };
    const { has_attention: hasAttention } = run.network.config;
    return svg(
      "svg",
      { ...size, class: isNext ? "diagram next" : "diagram", role: "img", "aria-label": label },
      ...(hasAttention ? [this.finalStateArrow()] : this.bottleneck()),
      ...this.encoderRow(),
      ...this.decoderRow(),
      ...(hasAttention && this.t !== null ? this.attentionLines() : []),
      ...(hasAttention ? [this.text(width / 2, this.decoder - 21 * this.u, "final state", "soft halo")] : []),
      this.text(width / 2, 14 * this.u, "source, read by the encoder ↓", "soft"),
      this.text(width / 2, bottom - 6 * this.u, "answer, written by the decoder", "soft"),
    );
  }

  text(x, y, words, className = "") {
    return svg("text", { x, y, class: className, "font-size": (className === "symbol" ? 16 : 12) * this.u }, words);
  }

  /** Return a symbol in a tile. */
  symbol(i, y, name, className) {
    const { tile: size, height, u } = this;
    const box = svg("rect", { x: this.x(i) - size / 2, y, width: size, height, rx: 4 * u });
    const words = className.includes("end") // END is written small, so that it fits into a tile
      ? this.text(this.x(i), y + height / 2 + 4 * u, name, "end")
      : this.text(this.x(i), y + height / 2 + 6 * u, truncate(name, this.maxName), "symbol");
    return svg("g", { class: `piece ${className}` }, svg("title", {}, name), box, words);
  }

  /** Return a cell in column i; `status` is "ahead", "done" or "current". */
  cell(i, y, status) {
    const { tile: size, height } = this;
    const box = { x: this.x(i) - size / 2, y, width: size, height, rx: height / 3 };
    return svg("rect", { ...box, class: `cell ${status}` });
  }

  /** Return an arrow along straight lines through points [x, y, x, y, …]. */
  arrow(points, status) {
    const { u } = this;
    const [x0, y0, x, y] = points.slice(-4);
    const length = Math.hypot(x - x0, y - y0) || 1;
    const [dx, dy] = [(5 * u * (x - x0)) / length, (5 * u * (y - y0)) / length];
    const end = [x - dx, y - dy];
    const head = [x, y, end[0] - dy * 0.8, end[1] + dx * 0.8, end[0] + dy * 0.8, end[1] - dx * 0.8];
    const line = svg("polyline", { points: [...points.slice(0, -2), ...end].join(" ") });
    return svg("g", { class: `arrow ${status}` }, line, svg("polygon", { points: head.join(" ") }));
  }

  /** Return an arrow from the cell in column i to the cell in column j, in the row at y. */
  stateArrow(i, j, y, status) {
    const half = (Math.sign(j - i) * this.tile) / 2;
    const middle = y + this.height / 2;
    return this.arrow([this.x(i) + half, middle, this.x(j) - half, middle], status);
  }

  /** Return the source symbols and the encoder's cells with the arrows between them. */
  encoderRow() {
    const { S, place, run, bidirectional, height, u } = this;
    const status = (order) => (order + 1 === place ? "current" : order < place ? "done" : "ahead");
    const parts = [];
    for (let s = 0; s < S; s++) {
      const [x, forward, backward] = [this.x(s), status(s), status(S - 1 - s)];
      const isRead = forward === "current" || (bidirectional && backward === "current");
      parts.push(
        this.text(x, this.source - 5 * u, String(s + 1), "soft"),
        this.symbol(s, this.source, sourceName(run, s), isRead ? "current" : forward),
        this.arrow([x, this.source + height, x, this.encoder], forward),
        this.cell(s, this.encoder, forward),
      );
      if (s) parts.push(this.stateArrow(s - 1, s, this.encoder, forward));
      if (!bidirectional) continue;
      parts.push(this.cell(s, this.backward, backward));
      if (s) parts.push(this.stateArrow(s, s - 1, this.backward, status(S - s)));
    }
    return parts;
  }

  /** Return the decoder's cells and the symbols written so far. */
  decoderRow() {
    const parts = [];
    for (let i = 0; i < this.T; i++) {
      const status = i === this.t ? "current" : i < this.written ? "done" : "ahead";
      parts.push(this.cell(i, this.decoder, status));
      if (i) parts.push(this.stateArrow(i - 1, i, this.decoder, status));
      if (i < this.written) parts.push(...this.output(i, status));
    }
    if (this.t !== null) parts.push(this.feedbackArrow(this.t));
    return parts;
  }

  /** Return a written symbol with a label if it was forced or is wrong. */
  output(i, status) {
    const { run, height, u } = this;
    const x = this.x(i);
    const [forced, wrong] = [isForced(i), run.isWrong(i)];
    const classes = [status, wrong ? "wrong" : "", isEnd(run, i) ? "end" : "", forced ? "forced" : ""];
    const parts = [
      this.arrow([x, this.decoder + height, x, this.answer], status),
      this.symbol(i, this.answer, writtenName(run, i), classes.join(" ")),
    ];
    if (!forced && !wrong) return parts;
    const isNarrow = this.column < 64 * u; // words of neighbouring columns would overlap
    const words = forced ? "forced" : run.kind(i) === "extra" ? "extra" : "wrong";
    const label = isNarrow ? (forced ? "!" : "✗") : words;
    return [...parts, this.text(x, this.answer + height + 15 * u, label, forced ? "forced" : "wrong")];
  }

  /** Return the arrow that feeds the previous output, or GO, to the current decoder cell. */
  feedbackArrow(t) {
    const { height, tile: size, answer, u } = this;
    const offset = 0.22 * size;
    const lane = answer - 10 * u;
    const [from, to] = [t ? this.x(t - 1) + offset : this.x(0) - size / 2 - 10 * u, this.x(t) - offset];
    const start = t ? [from, answer] : [];
    return this.arrow([...start, from, lane, to, lane, to, this.decoder + height], "current");
  }

  get finalStateStatus() {
    return this.place === this.S || this.t === 0 ? "current" : this.place > this.S ? "done" : "ahead";
  }

  /** Return the arrow that takes the final state to the decoder, in a network with attention. */
  finalStateArrow() {
    const { S, T, u, height, tile: size } = this;
    const right = this.x(Math.max(S, T) - 1) + size / 2 + 9 * u;
    const left = this.x(0) - size / 2 - 9 * u;
    const lane = this.decoder - 16 * u;
    const [y, below] = [this.encoder + height / 2, this.decoder + height / 2];
    const start = [this.x(S - 1) + size / 2, y, right, y, right, lane];
    const end = [left, lane, left, below, this.x(0) - size / 2, below];
    return this.arrow([...start, ...end], this.finalStateStatus);
  }

  /** Return a line from the current output to each input, wider for a larger α, and the largest α as numbers. */
  attentionLines() {
    const { t, u, run } = this;
    const { alpha } = run.steps[t];
    const lines = [...alpha.keys()]
      .filter((s) => alpha[s] >= 0.005)
      .map((s) => {
        const ends = { x1: this.x(t), y1: this.decoder, x2: this.x(s), y2: this.below };
        const stroke = { "stroke-width": (1 + 9 * alpha[s]) * u, "stroke-opacity": 0.15 + 0.85 * alpha[s] };
        return svg("line", { ...ends, ...stroke, class: "attention-line" });
      });
    const numbers = largest(alpha, 3)
      .filter((s) => alpha[s] >= 0.05)
      .map((s) => {
        const unit = this.column < 44 * u ? "" : " %";
        return this.text(this.x(s), this.below + 15 * u, Math.round(100 * alpha[s]) + unit, "share");
      });
    return [...lines, ...numbers];
  }

  /** Return the final state as a bottleneck between encoder and decoder, in a network without attention. */
  bottleneck() {
    const { S, T, u, run, place } = this;
    const half = Math.min(60 * u, this.width / 6);
    const middle = this.width / 2;
    const [top, bottom] = [this.below + 68 * u, this.decoder - 68 * u];
    const funnel = (y0, n, y1) => {
      const wide = [this.x(0) - this.tile / 2, y0, this.x(n - 1) + this.tile / 2, y0];
      const points = [...wide, middle + half, y1, middle - half, y1];
      return svg("polygon", { class: "funnel", points: points.join(" ") });
    };
    const status = this.finalStateStatus;
    return [
      funnel(this.below + 6 * u, S, top),
      funnel(this.decoder - 6 * u, T, bottom),
      this.arrow([this.x(S - 1), this.below, middle, top], status),
      this.arrow([middle, bottom, this.x(0), this.decoder], place > S ? status : "ahead"),
      ...this.stateStripes(middle - half, top, 2 * half, bottom - top),
      this.text(middle + half + 8 * u, top + 13 * u, "one state:", "begin"),
      this.text(middle + half + 8 * u, top + 28 * u, `${stateSize(run)} numbers`, "begin"),
    ];
  }

  /** Return h of the top layer as coloured stripes, at most 64 units. */
  stateStripes(x, y, width, height) {
    const { run, place, S } = this;
    let state = new Float32Array(0);
    if (place >= S) state = last(last(run.encoded.states));
    else if (place > 0 && !this.bidirectional) state = last(last(run.encoded.cells[place - 1]).state);
    const values = [...state.slice(0, 64)];
    const stripe = width / (values.length || 1);
    const box = { x, y, width, height };
    const stripes = values.map((value, i) => {
      const colour = signColour(Math.max(-1, Math.min(1, value)));
      return svg("rect", { ...box, x: x + i * stripe, width: stripe, ...colour });
    });
    return [svg("rect", { ...box, class: "state" }), ...stripes, svg("rect", { ...box, class: "state-frame" })];
  }
}
