/* The panel of hidden states, and of the current cell's equations with their numbers. */

import { announce } from "./app.js";
import { onNewWidth, redraw } from "./boxes.js";
import { svg, zoom } from "./drawing.js";
import { h, labelledSelect, table } from "./elements.js";
import { formatNumber, formatTerm, largest, truncate } from "./format.js";
import { last } from "./network.js";
import { addPanel, labelWithHelp, panel, tableDetails } from "./panels.js";
import { fedName, probabilities, sourceName, writtenName } from "./runs.js";

export function insidePanel(app) {
  const boxes = {
    controls: h("div", { className: "controls" }),
    map: h("div"),
    cell: h("div", { className: "cell-box" }),
  };
  const numbers = tableDetails("The selected unit as a table", () => view.table());
  const view = new InsidePanel(app, boxes, numbers.refresh);
  const isBounded = app.networks.every(({ config }) => CELL_EQUATIONS[config.cell_type]);
  const section = panel(
    "inside",
    "Hidden states and equations",
    "The hidden state at each step, and the equations that compute it.",
    h(
      "p",
      {},
      `Rows are units of the hidden state h${isBounded ? " (−1 to 1)" : ""}, columns are symbols read or written. ` +
        "Click a square to select its unit and step.",
    ),
    boxes.controls,
    boxes.map,
    numbers.details,
    boxes.cell,
  );
  onNewWidth(boxes.map, () => view.update());
  return addPanel(app, section, () => view.update());
}

/** The content of the panel. `unit` and `layer` count from 0; the labels count from 1. */
class InsidePanel {
  constructor(app, boxes, refreshTable) {
    Object.assign(this, { app, boxes, refreshTable, networkIndex: 0, backward: false, unit: 0, gateLabels: new Map() });
    this.layer = app.networks[0].config.num_layers - 1;
    this.drawControls();
  }

  get network() {
    return this.app.networks[this.networkIndex];
  }

  get run() {
    return this.app.runs[this.networkIndex];
  }

  get H() {
    return this.network.config.cell_size;
  }

  drawControls() {
    const { num_layers: layers, bidirectional } = this.network.config;
    const select = (label, items, chosen, name) =>
      labelledSelect(label, items, chosen, (value) => this.choose({ [name]: Number(value) }));
    const controls = [];
    if (this.app.networks.length > 1) {
      const items = this.app.networks.map(({ name }, i) => [i, name]);
      controls.push(select("Network", items, this.networkIndex, "networkIndex"));
    }
    if (layers > 1) {
      const items = Array.from({ length: layers }, (_, i) => [i, `${i + 1}`]);
      controls.push(select("Layer", items, this.layer, "layer"));
    }
    if (bidirectional) {
      const items = [
        [0, "forward"],
        [1, "backward"],
      ];
      controls.push(select("Encoder direction", items, Number(this.backward), "backward"));
    }
    this.unitInput = h("input", { type: "number", id: "unit", min: 1, max: this.H, step: 1, value: this.unit + 1 });
    this.unitInput.addEventListener("input", () => {
      const unit = Number(this.unitInput.value) - 1;
      if (Number.isInteger(unit)) this.choose({ unit: Math.max(0, Math.min(unit, this.H - 1)) });
    });
    this.unitInput.addEventListener("blur", () => (this.unitInput.value = this.unit + 1));
    controls.push(h("label", { className: "labelled" }, "Unit ", this.unitInput, ` of ${this.H}`));
    controls.push(h("span", { className: "key" }, ...colourKey()));
    this.boxes.controls.replaceChildren(...controls);
  }

  /** Change the selection (network, layer, direction or unit), which is not part of the page's state. */
  choose(patch) {
    const { networkIndex } = this;
    Object.assign(this, patch);
    if (this.networkIndex !== networkIndex) {
      this.layer = this.network.config.num_layers - 1;
      this.unit = Math.min(this.unit, this.H - 1);
      this.drawControls();
      this.boxes.controls.querySelector("select").focus();
    }
    this.update();
    this.announceUnit();
  }

  announceUnit() {
    const cell = this.cellAt(this.app.state.place);
    if (!cell) return;
    announce(`Unit ${this.unit + 1}: h is ${formatNumber(last(cell.state)[this.unit])} at ${this.placeName()}`);
  }

  /** Return the selected layer's cell after `place` steps; null before the first step and after the answer's end. */
  cellAt(place) {
    const { run, app } = this;
    if (!run || place === 0) return null;
    if (place > app.S) return run.steps[place - app.S - 1]?.cells[this.layer] ?? null;
    return this.encoderCells()[place - 1][this.layer];
  }

  /** Return the encoder's cells in the selected direction, [S][layer]. */
  encoderCells() {
    const { encoded } = this.run;
    return this.backward && encoded.backwardCells ? encoded.backwardCells : encoded.cells;
  }

  placeName() {
    const { app, run } = this;
    const { place } = app.state;
    if (place === 0) return "the beginning";
    if (app.t === null) return `input ${place} (${sourceName(run, place - 1)})`;
    if (app.t >= run.steps.length) return "a step after this network's answer";
    return `output ${app.t + 1} (${writtenName(run, app.t)})`;
  }

  update() {
    const { map, cell } = this.boxes;
    if (!map.clientWidth) return;
    if (document.activeElement !== this.unitInput) this.unitInput.value = this.unit + 1;
    map.replaceChildren(this.heatMap(map.clientWidth));
    this.refreshTable();
    redraw(cell, ...this.cellParts());
  }

  /** Return h of every unit at every step, [S + T][H]. */
  hidden() {
    const encoder = this.encoderCells().map((cells) => last(cells[this.layer].state));
    return [...encoder, ...this.run.steps.map((step) => last(step.cells[this.layer].state))];
  }

  /** Return the symbol of every step. */
  symbolNames() {
    const { run } = this;
    return [...run.source.map((_, s) => sourceName(run, s)), ...run.steps.map((_, t) => writtenName(run, t))];
  }

  /** Draw the heat map of all units, and below it the selected unit as bars, which need no colour vision. */
  heatMap(width) {
    const { app, H, unit } = this;
    const hidden = this.hidden();
    const layout = heatMapLayout(width, hidden.length, app.S, H);
    const { u, left, top, size, tall, bars, x, right } = layout;
    const label =
      `Hidden state of ${H} units over ${app.S} inputs and ${hidden.length - app.S} outputs; the table has the ` +
      "numbers of the selected unit";
    const attributes = { role: "img", "aria-label": label, class: "hidden-states" };
    const text = (at, y, words, className) => svg("text", { x: at, y, class: className }, words);
    const drawing = svg(
      "svg",
      { width, height: layout.height, ...attributes },
      text(left, 12 * u, "reading", "title"),
      ...(hidden.length > app.S ? [text(Math.max(x(app.S), left + 56 * u), 12 * u, "writing", "title")] : []),
      ...columnNames(this.symbolNames(), x, size, 28 * u, u),
      ...cellsByLevel(hidden, x, top, size, tall),
      text(left - 5 * u, top + tall * (unit + 0.5) + 4 * u, String(unit + 1), "end"),
      text(left - 5 * u, bars + 4 * u, String(unit + 1), "end"),
      ...unitBars(hidden, unit, x, bars, size, 22 * u),
      svg("rect", { class: "unit-frame", x: left, y: top + tall * unit, width: right - left, height: tall }),
    );
    const { place } = app.state;
    if (place > 0 && place <= hidden.length) {
      const frame = { x: x(place - 1), y: top, width: size, height: bars + 24 * u - top };
      drawing.append(svg("rect", { class: "place-frame", ...frame }));
    }
    drawing.addEventListener("click", (event) => this.selectSquare(event, drawing, layout, hidden.length));
    return drawing;
  }

  /** Select the unit and the step of the square that was clicked. */
  selectSquare(event, drawing, { x, top, size, tall }, n) {
    const box = drawing.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top - top) / tall);
    const column = Array.from({ length: n }, (_, i) => i).find((i) => event.clientX - box.left < x(i) + size);
    if (row >= 0 && row < this.H) this.unit = row;
    if (column === undefined) return;
    this.app.change({ place: column + 1 });
    this.announceUnit();
  }

  table() {
    const names = this.symbolNames();
    const { S } = this.app;
    const stepName = (i) => (i < S ? `input ${i + 1}` : `output ${i - S + 1}`);
    const rows = this.hidden().map((state, i) => [stepName(i), names[i], formatNumber(state[this.unit])]);
    return table(`Unit ${this.unit + 1}`, ["Step", "Symbol", "h"], rows);
  }

  /** Return the elements that show the current cell: its equations with the selected unit's numbers, its gates,
      attention and the output. */
  cellParts() {
    const { t, state } = this.app;
    const cell = this.cellAt(state.place);
    const heading = h("h3", {}, `The cell at ${this.placeName()}, unit ${this.unit + 1}`);
    if (!cell) {
      const hint = "Before the first symbol, h is 0 in every unit. Press Next, or click a column above.";
      return [heading, h("p", {}, state.place ? "" : hint)];
    }
    const { cell_type: cellType, num_layers: layers } = this.network.config;
    const cellEquations = CELL_EQUATIONS[cellType];
    const equations = [...this.inputEquations(cell), ...(cellEquations ? cellEquations(cell, this.unit) : [])];
    const parts = [heading, equationList(equations)];
    if (!cellEquations) parts.push(h("p", {}, `This page has no equation for ${cellType}. Its gates and states:`));
    parts.push(this.gateBars(cell));
    if (t !== null && this.run.steps[t].alpha) parts.push(...attentionParts(this, t));
    if (t !== null && this.layer === layers - 1) parts.push(...outputParts(this.run, t));
    return parts;
  }

  /** Return the equation of the cell's input x, as in seq2seq_demo/README.md. */
  inputEquations({ x }) {
    const { app, layer, run, network } = this;
    const { t } = app;
    const numbers = formatVector(x);
    if (layer > 0) return [["x = h of the layer below", numbers, "input"]];
    if (t === null) {
      return [[`x = e = E_in[${sourceName(run, app.state.place - 1)}]`, numbers, "embedding of the symbol read"]];
    }
    const name = fedName(run, run.steps, t);
    if (!network.config.has_attention) return [[`x = d = E_out[${name}]`, numbers, "embedding of the previous output"]];
    const context = t === 0 ? "0" : "a′";
    return [[`x = W_i [E_out[${name}] ; ${context}] + b_i`, numbers, "previous output and context"]];
  }

  /** Return the gates and states of all units as bars. */
  gateBars(cell) {
    const states = this.network.config.states.map((name, i) => [name, cell.state[i]]);
    const fullWidth = this.boxes.map.clientWidth;
    const isNarrow = matchMedia("(max-width: 48rem)").matches; // then inside.css puts the labels above the bars
    const width = isNarrow ? fullWidth : fullWidth - 15 * 16 * zoom();
    const rows = [...Object.entries(cell.gates), ...states].flatMap(([name, vector]) => {
      const value = h("b", {}, formatNumber(vector[this.unit]));
      const [label] = this.gateHelp(name);
      return [h("div", { className: "gate" }, this.gateLabel(name), value), this.bars(label, vector, width)];
    });
    return h("div", { className: "gates" }, ...rows);
  }

  /** Return the label of a gate or state; the element is reused, so that an open help text stays. */
  gateLabel(name) {
    const key = `${this.networkIndex} ${name}`;
    if (!this.gateLabels.has(key)) this.gateLabels.set(key, labelWithHelp(...this.gateHelp(name), "span"));
    return this.gateLabels.get(key);
  }

  /** Return the label and the help text of a gate or state. */
  gateHelp(name) {
    const { cell_type: cellType, states } = this.network.config;
    if (name === "h" || (CELL_EQUATIONS[cellType] && GATES[name])) return GATES[name];
    const kind = states.includes(name) ? "state" : "gate";
    return [`${name}, ${kind}`, `This page has no description of this ${kind} of ${cellType}.`];
  }

  /** Return a vector as bars with a frame around the selected unit. */
  bars(name, vector, width) {
    const u = zoom();
    const isSigned = vector.some((value) => value < 0);
    const highest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const height = 28 * u;
    const zero = 2 + (isSigned ? height / 2 : height);
    const size = Math.min(24 * u, width / vector.length);
    const scale = (isSigned ? height / 2 : height) / highest;
    const range = `from ${formatNumber(Math.min(...vector))} to ${formatNumber(Math.max(...vector))}`;
    const attributes = { role: "img", "aria-label": `${name} of every unit, ${range}`, class: "unit-bars" };
    const drawing = svg(
      "svg",
      { width, height: height + 4, ...attributes },
      ...signedBars([...vector], (k) => size * k, zero, size, scale),
      svg("line", { class: "grid", x1: 0, x2: size * vector.length, y1: zero, y2: zero }),
      svg("rect", { class: "unit-frame", x: size * this.unit, y: 1, width: size, height: height + 2 }),
    );
    drawing.addEventListener("click", (event) => {
      const unit = Math.floor((event.clientX - drawing.getBoundingClientRect().left) / size);
      if (unit >= 0 && unit < vector.length) this.choose({ unit });
    });
    return drawing;
  }
}

const GATES = {
  i: ["i, input gate", "The share of the candidate that is added to the cell state c."],
  f: ["f, forget gate", "The share of the previous cell state c′ that is kept."],
  o: ["o, output gate", "The share of tanh(c) that becomes h."],
  z: ["z, update gate", "The share of the previous h′ that is kept."],
  r: ["r, reset gate", "The share of the previous h′ that enters the candidate."],
  candidate: ["candidate", "The proposed new value, computed from x and h′."],
  c: ["c, cell state", "The long-term memory of the cell."],
  h: ["h, output", "The output of the cell, passed to its next step, to the layer above, and to attention."],
};

/* The equations of each cell with the numbers of unit k: [equation, numbers, meaning]. A prime marks the previous step.
   For a cell that is not in CELL_EQUATIONS, the page shows only the numbers. */

function lstmEquations({ gates, state: [c, hidden], previous: [before] }, k) {
  const { i, f, candidate, o } = gates;
  const sum = `${formatNumber(f[k])} · ${formatTerm(before[k])} + ${formatNumber(i[k])} · ${formatTerm(candidate[k])}`;
  return [
    ["i = σ(W_input x + U_input h′ + b_input)", formatNumber(i[k]), "input gate"],
    ["f = σ(W_forget x + U_forget h′ + b_forget)", formatNumber(f[k]), "forget gate"],
    ["candidate = tanh(W_new x + U_new h′ + b_new)", formatNumber(candidate[k]), "proposed new value"],
    ["o = σ(W_output x + U_output h′ + b_output)", formatNumber(o[k]), "output gate"],
    ["c = f · c′ + i · candidate", `${sum} = ${formatNumber(c[k])}`, "cell state"],
    ["h = o · tanh(c)", `${formatNumber(o[k])} · tanh(${formatNumber(c[k])}) = ${formatNumber(hidden[k])}`, "output"],
  ];
}

function gruEquations({ gates, state: [hidden], previous: [before] }, k) {
  const { z, r, candidate } = gates;
  const kept = `${formatNumber(z[k])} · ${formatTerm(before[k])}`;
  const added = `${formatNumber(1 - z[k])} · ${formatTerm(candidate[k])}`;
  return [
    ["z = σ(W_update x + U_update h′ + b_update)", formatNumber(z[k]), "update gate"],
    ["r = σ(W_reset x + U_reset h′ + b_reset)", formatNumber(r[k]), "reset gate"],
    ["candidate = tanh(W_new x + U_new (r · h′) + b_new)", formatNumber(candidate[k]), "proposed new value"],
    ["h = z · h′ + (1 − z) · candidate", `${kept} + ${added} = ${formatNumber(hidden[k])}`, "output"],
  ];
}

function simpleEquations({ state: [hidden] }, k) {
  return [["h = tanh(W x + U h′ + b)", formatNumber(hidden[k]), "output"]];
}

const CELL_EQUATIONS = {
  BasicLSTMCell: lstmEquations,
  LSTMCell: lstmEquations,
  GRUCell: gruEquations,
  BasicRNNCell: simpleEquations,
};

function equationList(equations) {
  const rows = equations.map(([equation, numbers, meaning]) =>
    h(
      "div",
      {},
      h("dt", {}, h("code", {}, equation)),
      h("dd", { className: "figures" }, `= ${numbers}`),
      h("dd", { className: "meaning" }, meaning),
    ),
  );
  return h("dl", { className: "equations" }, ...rows);
}

/** Format the first three numbers of a vector. */
function formatVector(x) {
  const start = [...x.slice(0, 3)].map((value) => formatNumber(value, 2)).join(", ");
  return `(${start}${x.length > 3 ? `, … ${x.length} numbers` : ""})`;
}

/** Return the equations of attention with the numbers of step t, and a table of all inputs. */
function attentionParts(view, t) {
  const { run, network, unit } = view;
  const { alpha, u, query, context } = run.steps[t];
  const { memory } = run.encoded;
  const k = view.backward && memory[0].length > view.H ? unit + view.H : unit; // in a bidirectional memory, 2H wide
  const order = largest(alpha, alpha.length);
  const [s] = order;
  const name = sourceName(run, s);
  const rest = order.length > 2 ? " + …" : "";
  const sumOf = (makeTerm) => order.slice(0, 2).map(makeTerm).join(" + ") + rest;
  const products = sumOf((i) => `${formatNumber(alpha[i])} · ${formatTerm(memory[i][k])}`);
  const score = formatNumber(u[s], 2);
  const softmaxText = `exp(${score}) / (${sumOf((i) => `exp(${formatNumber(u[i], 2)})`)}) = ${formatNumber(alpha[s])}`;
  const states = network.config.states.join(" and ");
  const equations = [
    [`q = W_q [every layer's ${states}] + b_q`, `${formatNumber(query[unit])} in unit ${unit + 1}`, "query"],
    ["u_s = v · tanh(W_k m_s + q)", `${score} for input ${s + 1} (${name})`, "score of memory row s"],
    ["α_s = exp(u_s) / Σ exp(u)", softmaxText, "attention weights, which sum to 1"],
    ["a = Σ α_s m_s", `${products} = ${formatNumber(context[k])}`, "context"],
  ];
  const rows = [...alpha.keys()].map((i) => [
    `${i + 1}: ${sourceName(run, i)}`,
    formatNumber(u[i], 2),
    formatNumber(alpha[i]),
    formatNumber(memory[i][k]),
    formatNumber(alpha[i] * memory[i][k]),
  ]);
  const head = ["input s", "u_s", "α_s", `m_s, unit ${k + 1}`, "α_s · m_s"];
  const caption = `Output ${t + 1}: attention to each input; the last column sums to a = ${formatNumber(context[k])}`;
  const { details } = tableDetails("Attention to each input", () => table(caption, head, rows));
  const heading = h("h3", {}, `Attention at output ${t + 1}, most to input ${s + 1} (${name})`);
  return [heading, equationList(equations), details];
}

/** Return the equations of the logits and of the probability of the symbol written at step t. */
function outputParts(run, t) {
  const { has_attention: hasAttention } = run.network.config;
  const step = run.steps[t];
  const name = writtenName(run, t);
  const projection = hasAttention ? "W_o [W_p h + b_p ; a] + b_o" : "W_p h + b_p";
  const logit = formatNumber(step.logits[step.written], 2);
  const p = formatNumber(probabilities(step)[step.written]);
  const equations = [
    [`logits = ${projection}`, `${logit} for ${name}`, "one number per symbol"],
    ["p = exp(logit) / Σ exp(logits)", `exp(${logit}) / Σ exp(logits) = ${p} for ${name}`, "probability"],
  ];
  return [h("h3", {}, `Output ${t + 1} (${name})`), equationList(equations)];
}

/** Return the layout of a heat map of n columns, S of them inputs. */
function heatMapLayout(width, n, S, H) {
  const u = zoom();
  const [left, top, gap] = [32 * u, 36 * u, 10 * u]; // the gap separates inputs and outputs
  const size = Math.min(56 * u, (width - left - gap - 2) / n);
  const tall = Math.max(1, Math.min(9 * u, Math.floor((320 * u) / H)));
  const x = (i) => left + size * i + (i >= S ? gap : 0);
  const bars = top + tall * H + 36 * u; // the y of the bars' zero line
  return { u, left, top, size, tall, bars, x, right: x(n - 1) + size, height: bars + 28 * u };
}

/** Return centred column names, without those that would overlap the previous name. */
function columnNames(names, x, size, y, u) {
  let free = -Infinity;
  return names.flatMap((name, i) => {
    const text = truncate(name, 6);
    const half = (4.2 * text.length + 2) * u;
    const middle = x(i) + size / 2;
    if (middle - half < free) return [];
    free = middle + half;
    return [svg("text", { x: middle, y, "text-anchor": "middle" }, text)];
  });
}

const LEVELS = 12; // shades on either side of 0

/** Return the squares of a heat map [columns][rows] of numbers from −1 to 1, one SVG path per shade. */
function cellsByLevel(columns, x, top, size, tall) {
  const paths = new Map();
  columns.forEach((column, i) =>
    column.forEach((value, row) => {
      const level = Math.round(LEVELS * Math.max(-1, Math.min(1, value)));
      const square = `M${x(i).toFixed(1)} ${top + tall * row}h${size.toFixed(1)}v${tall}h${-size.toFixed(1)}z`;
      paths.set(level, (paths.get(level) ?? "") + square);
    }),
  );
  return [...paths].map(([level, d]) => svg("path", { d, ...signColour(level / LEVELS) }));
}

/** Return the fill of a number from −1 to 1: its sign is the colour, its size the opacity. */
export const signColour = (value) => ({
  class: value < 0 ? "below-zero" : "above-zero",
  "fill-opacity": Math.abs(value),
});

/** Return bars that point up for positive numbers and down for negative ones. */
function signedBars(values, x, zero, size, scale) {
  const bar = (value, i) => `M${x(i) + size * 0.1} ${zero}h${size * 0.8}v${-value * scale}h${-size * 0.8}z`;
  const path = (sign) => values.map((value, i) => (value * sign > 0 ? bar(value, i) : "")).join("");
  return [svg("path", { d: path(1), class: "above-zero" }), svg("path", { d: path(-1), class: "below-zero" })];
}

/** Return the bars of one unit over all steps. */
function unitBars(hidden, unit, x, zero, size, half) {
  const line = svg("line", { class: "grid", x1: x(0), x2: x(hidden.length - 1) + size, y1: zero, y2: zero });
  const values = hidden.map((state) => state[unit]);
  const highest = Math.max(1, ...values.map(Math.abs));
  return [...signedBars(values, x, zero, size, half / highest), line];
}

/** Return the key of the heat map's colours. */
function colourKey() {
  const squares = [-1, -0.5, 0, 0.5, 1].map((value) => {
    const square = svg("rect", { width: 14, height: 14, ...signColour(value) });
    return svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, square);
  });
  return ["−1 ", ...squares, " +1"];
}
