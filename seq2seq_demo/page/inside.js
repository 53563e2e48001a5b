/* The panel of hidden states, and of the current cell's equations with their numbers. */

import { announce, app, soon } from "./app.js";
import { redraw } from "./boxes.js";
import { h, labelledSelect, svg } from "./elements.js";
import { formatNumber, formatTerm, largest } from "./format.js";
import { HeatMap } from "./heatmap.js";
import { last } from "./network.js";
import { addPanel, labelWithHelp, panel } from "./panels.js";
import { fedName, probabilities, sourceName, writtenName } from "./runs.js";

/** @import { Content } from "./heatmap.js"
    @import { Cell } from "./network.js"
    @import { Run } from "./trained.js" */

/** @typedef {[equation: string, numbers: string, meaning: string]} Equation */

export function insidePanel() {
  const view = new InsidePanel();
  const section = panel(
    "inside",
    "Inside a cell",
    "The hidden state h at each step, and the equations that compute it. Rows are units, columns are symbols read or " +
      "written. Click a square to select its unit and step.",
    view.controls,
    view.map.box,
    view.cell,
  );
  return addPanel(section, () => view.update());
}

/** The content of the panel. `unit` and `layer` count from 0; the labels count from 1. */
class InsidePanel {
  /** The hidden states that the map shows, [S + T][H].
      @type {Float32Array[]} */
  hidden = [];

  constructor() {
    const key = h("span", { className: "key" }, "−1 ", h("i"), " +1");
    this.controls = h("div", { className: "controls" }, this.makeChoice(), key);
    this.map = new HeatMap("Hidden state: units by steps", (unit, column) => {
      this.choose({ unit }, column === null ? app.state.place : this.mirrored(column) + 1);
    });
    this.cell = h("div", { className: "cell-box" });
    this.drawCell = () => app.runs.length && redraw(this.cell, ...this.cellParts());
    this.drawCellSoon = soon(this.drawCell);
  }

  get network() {
    return app.networks[app.cell.networkIndex];
  }

  get run() {
    return app.runs[app.cell.networkIndex];
  }

  /** Return a choice of the network, layer and direction whose cells the panel shows; null if there is only one. */
  makeChoice() {
    const groups = app.networks.flatMap(({ name, config: { num_layers: layers, bidirectional } }, networkIndex) =>
      Array.from({ length: layers * (bidirectional ? 2 : 1) }, (_, i) => {
        const [layer, backward] = [i % layers, Math.floor(i / layers)];
        const direction = bidirectional ? `encoder ${backward ? "backward" : "forward"}` : "";
        const names = [app.networks.length > 1 ? name : "", layers > 1 ? `layer ${layer + 1}` : "", direction];
        return { text: names.filter(Boolean).join(", "), cells: { networkIndex, layer, backward } };
      }),
    );
    if (groups.length < 2) return null;
    const texts = groups.map(({ text }) => text);
    const choice = labelledSelect("Cells", texts, (i) => this.choose(groups[i].cells));
    const select = /** @type {HTMLSelectElement} */ (choice.querySelector("select"));
    const key = (/** @type {Partial<typeof app.cell>} */ one) => [one.networkIndex, one.layer, one.backward].join();
    app.add(() => (select.selectedIndex = groups.findIndex(({ cells }) => key(cells) === key(app.cell))));
    return choice;
  }

  /** Change the selection and the current step.
      @type {(patch: Partial<typeof app.cell>, place?: number) => void} */
  choose(patch, place = app.state.place) {
    const chosen = { inside: { ...app.state.inside, ...patch } };
    app.change(place === app.state.place ? chosen : { ...chosen, place });
    const cell = this.cellAt(place);
    const { unit } = app.cell;
    if (cell) announce(`Unit ${unit + 1}: h is ${formatNumber(last(cell.state)[unit])} at ${this.placeName()}`);
  }

  /** Return the selected layer's cell after `place` steps; null before the first step and after the answer's end. */
  cellAt(/** @type {number} */ place) {
    const { layer, backward } = app.cell;
    return this.run?.cellsOf(layer, backward)[this.mirrored(place - 1)] ?? null;
  }

  /** Return the column of the cell at step i, or the step of the cell in column i, both from 0: the backward encoder reads
      the last symbol first. */
  mirrored(/** @type {number} */ i) {
    return app.cell.backward && i >= 0 && i < app.S ? app.S - 1 - i : i;
  }

  placeName() {
    const { run } = this;
    const s = this.mirrored(app.state.place - 1);
    if (s < 0) return "the beginning";
    if (app.t === null) return `input ${s + 1} (${sourceName(run, s)})`;
    if (app.t >= run.steps.length) return "a step after this network's answer";
    return `output ${app.t + 1} (${writtenName(run, app.t)})`;
  }

  update() {
    const { place } = app.state;
    const { run, map } = this;
    const { layer, backward, unit } = app.cell;
    this.hidden = run.cellsOf(layer, backward).map(({ state }) => last(state));
    const column = place > 0 && place <= this.hidden.length ? this.mirrored(place - 1) : null;
    map.show([run, layer, backward], () => this.content(), { row: unit, column });
    if (app.isStep) this.drawCellSoon();
    else this.drawCell();
  }

  /** Return the content of the heat map; its columns are the inputs and outputs.
      @type {() => Content} */
  content() {
    const { hidden } = this;
    const H = this.network.config.cell_size;
    const units = Array.from({ length: H }, (_, unit) => hidden.map((state) => state[unit]));
    const columns = this.symbolNames();
    return {
      rows: units.map((_, unit) => String(unit + 1)),
      columns,
      values: units,
      corner: "unit",
      groups: [
        [0, "reading"],
        [app.S, "writing"],
      ],
      describe: (unit, i) => `Unit ${unit + 1} at ${columns[i]}: ${formatNumber(units[unit][i])}`,
      isSigned: true,
      minSize: 1,
      maxSize: 56,
      rowHeight: Math.max(1, Math.min(9, Math.floor(320 / H))),
    };
  }

  symbolNames() {
    const { run } = this;
    return [...run.source.map((_, s) => sourceName(run, s)), ...run.steps.map((_, t) => writtenName(run, t))];
  }

  /** Return the elements that show the current cell: its equations with the selected unit's numbers, its gates,
      attention and the output. */
  cellParts() {
    const [{ run, network }, selected] = [this, app.cell];
    const { cell_type: cellType, num_layers: layers } = network.config;
    const cell = this.cellAt(app.state.place);
    const heading = h("h3", {}, `The cell at ${this.placeName()}, unit ${selected.unit + 1}`);
    if (!cell) {
      const hint = "Before the first symbol, h is 0 in every unit. Press Next, or click a column above.";
      return [heading, h("p", {}, app.state.place ? "" : hint)];
    }
    const cellEquations = CELL_EQUATIONS[cellType];
    const equations = [this.inputEquation(cell), ...(cellEquations ? cellEquations(cell, selected.unit) : [])];
    const parts = [heading, equationList(equations)];
    if (!cellEquations) parts.push(h("p", {}, `This page has no equation for ${cellType}. Its gates and states:`));
    parts.push(this.gateBars(cell));
    if (app.t === null) return parts;
    const attention = attentionEquations(run, app.t, selected.unit, selected.backward);
    if (attention.length) parts.push(h("h3", {}, `Attention at output ${app.t + 1}`), equationList(attention));
    if (selected.layer < layers - 1) return parts;
    const output = h("h3", {}, `Output ${app.t + 1} (${writtenName(run, app.t)})`);
    return [...parts, output, equationList(outputEquations(run, app.t))];
  }

  /** Return the equation of the cell's input x, as in seq2seq_demo/README.md.
      @type {(cell: Cell) => Equation} */
  inputEquation({ x }) {
    const { run, network } = this;
    const { t, state } = app;
    const start = [...x.slice(0, 3)].map((value) => formatNumber(value, 2)).join(", ");
    const numbers = `(${start}${x.length > 3 ? `, … ${x.length} numbers` : ""})`;
    if (app.cell.layer > 0) return ["x = h of the layer below", numbers, "input"];
    if (t === null)
      return [`x = e = E_in[${sourceName(run, this.mirrored(state.place - 1))}]`, numbers, "embedding of the input"];
    const name = fedName(run, run.steps, t);
    if (!network.config.has_attention) return [`x = d = E_out[${name}]`, numbers, "embedding of the previous output"];
    return [`x = W_i [E_out[${name}] ; ${t === 0 ? "0" : "a′"}] + b_i`, numbers, "previous output and context"];
  }

  /** Return the gates and states of all units as bars. */
  gateBars(/** @type {Cell} */ cell) {
    const { cell_type: cellType, states } = this.network.config;
    const { unit } = app.cell;
    const vectors = { ...cell.gates, ...Object.fromEntries(states.map((name, i) => [name, cell.state[i]])) };
    const gates = Object.entries(vectors).map(([name, vector]) => {
      const kind = states.includes(name) ? "state" : "gate";
      const unknown = [`${name}, ${kind}`, `This page has no description of this ${kind} of ${cellType}.`];
      const [title, help] = name === "h" || (CELL_EQUATIONS[cellType] && GATES[name]) ? GATES[name] : unknown;
      const text = labelWithHelp(title, help, "span");
      const range = `from ${formatNumber(Math.min(...vector))} to ${formatNumber(Math.max(...vector))}`;
      const drawing = bars(`${title} of every unit, ${range}`, [...vector], unit, (k) => this.choose({ unit: k }));
      return h("div", {}, h("div", { className: "gate" }, text, h("b", {}, formatNumber(vector[unit]))), drawing);
    });
    return h("div", { className: "gates" }, ...gates);
  }
}

/** @type {Record<string, [string, string]>} */
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

/** The equations of each cell with the numbers of unit k. A prime marks the previous step. For a cell that is not in this
    table, the page shows only the numbers.
    @type {Record<string, (cell: Cell, k: number) => Equation[]>} */
const CELL_EQUATIONS = {
  LSTMCell({ gates: { i, f, candidate, o }, state: [c, hidden], previous: [before] }, k) {
    const [kept, added] = [`${formatNumber(f[k])} · ${formatTerm(before[k])}`, formatTerm(candidate[k])];
    const sum = `${kept} + ${formatNumber(i[k])} · ${added} = ${formatNumber(c[k])}`;
    return [
      ["i = σ(W_input x + U_input h′ + b_input)", formatNumber(i[k]), "input gate"],
      ["f = σ(W_forget x + U_forget h′ + b_forget)", formatNumber(f[k]), "forget gate"],
      ["candidate = tanh(W_new x + U_new h′ + b_new)", formatNumber(candidate[k]), "proposed new value"],
      ["o = σ(W_output x + U_output h′ + b_output)", formatNumber(o[k]), "output gate"],
      ["c = f · c′ + i · candidate", sum, "cell state"],
      ["h = o · tanh(c)", `${formatNumber(o[k])} · tanh(${formatNumber(c[k])}) = ${formatNumber(hidden[k])}`, "output"],
    ];
  },
  GRUCell({ gates: { z, r, candidate }, state: [hidden], previous: [before] }, k) {
    const kept = `${formatNumber(z[k])} · ${formatTerm(before[k])}`;
    const added = `${formatNumber(1 - z[k])} · ${formatTerm(candidate[k])}`;
    return [
      ["z = σ(W_update x + U_update h′ + b_update)", formatNumber(z[k]), "update gate"],
      ["r = σ(W_reset x + U_reset h′ + b_reset)", formatNumber(r[k]), "reset gate"],
      ["candidate = tanh(W_new x + U_new (r · h′) + b_new)", formatNumber(candidate[k]), "proposed new value"],
      ["h = z · h′ + (1 − z) · candidate", `${kept} + ${added} = ${formatNumber(hidden[k])}`, "output"],
    ];
  },
  BasicRNNCell: ({ state: [hidden] }, k) => [["h = tanh(W x + U h′ + b)", formatNumber(hidden[k]), "output"]],
};
CELL_EQUATIONS.BasicLSTMCell = CELL_EQUATIONS.LSTMCell;

function equationList(/** @type {Equation[]} */ equations) {
  const rows = equations.map(([equation, numbers, meaning]) => {
    const [term, figures] = [h("dt", {}, h("code", {}, equation)), h("dd", { className: "figures" }, `= ${numbers}`)];
    return h("div", {}, term, figures, h("dd", { className: "meaning" }, meaning));
  });
  return h("dl", { className: "equations" }, ...rows);
}

/** Return the equations of attention with the numbers of step t and a unit; empty if the network has no attention.
    @type {(run: Run, t: number, unit: number, backward: number) => Equation[]} */
function attentionEquations(run, t, unit, backward) {
  const { alpha, u, query, context } = run.steps[t];
  if (!alpha || !u || !query) return [];
  const { memory } = run.encoded;
  const k = backward ? unit + query.length : unit; // a bidirectional memory is 2H wide
  const order = largest(alpha, 2);
  const [s] = order;
  const rest = alpha.length > 2 ? " + …" : "";
  /** @type {(makeTerm: (i: number) => string) => string} */
  const sumOf = (makeTerm) => order.map(makeTerm).join(" + ") + rest;
  const products = sumOf((i) => `${formatNumber(alpha[i])} · ${formatTerm(memory[i][k])}`);
  const score = formatNumber(u[s], 2);
  const softmaxText = `exp(${score}) / (${sumOf((i) => `exp(${formatNumber(u[i], 2)})`)}) = ${formatNumber(alpha[s])}`;
  const states = run.network.config.states.join(" and ");
  return [
    [`q = W_q [every layer's ${states}] + b_q`, `${formatNumber(query[unit])} in unit ${unit + 1}`, "query"],
    ["u_s = v · tanh(W_k m_s + q)", `${score} for input ${s + 1} (${sourceName(run, s)})`, "score of memory row s"],
    ["α_s = exp(u_s) / Σ exp(u)", softmaxText, "attention weights, which sum to 1"],
    ["a = Σ α_s m_s", `${products} = ${formatNumber(context[k])}`, "context"],
  ];
}

/** Return the equations of the logits and of the probability of the symbol written at step t.
    @type {(run: Run, t: number) => Equation[]} */
function outputEquations(run, t) {
  const [step, name] = [run.steps[t], writtenName(run, t)];
  const projection = step.alpha ? "W_o [W_p h + b_p ; a] + b_o" : "W_p h + b_p";
  const logit = formatNumber(step.logits[step.written], 2);
  const p = formatNumber(probabilities(step)[step.written]);
  return [
    [`logits = ${projection}`, `${logit} for ${name}`, "one number per symbol"],
    ["p = exp(logit) / Σ exp(logits)", `exp(${logit}) / Σ exp(logits) = ${p} for ${name}`, "probability"],
  ];
}

const BAR = 24; // width and height of the largest bar in px at a font size of 16 px

/** Return numbers as bars that point up or down, with a frame around one of them; `choose(i)` handles a click on bar i.
    @type {(label: string, values: number[], chosen: number, choose: (i: number) => void) => SVGElement} */
function bars(label, values, chosen, choose) {
  const width = BAR * values.length;
  const scale = BAR / Math.max(1, ...values.map(Math.abs));
  const [above, below] = [values.some((value) => value > 0) ? BAR : 0, values.some((value) => value < 0) ? BAR : 0];
  /** @type {(value: number, i: number) => string} */
  const bar = (value, i) => `M${BAR * (i + 0.1)} ${above + 1}h${BAR * 0.8}v${-value * scale}h${-BAR * 0.8}z`;
  /** @type {(sign: number) => string} */
  const path = (sign) => values.map((value, i) => (value * sign > 0 ? bar(value, i) : "")).join("");
  const height = above + below + 2;
  const frame = { x: BAR * chosen, y: 1, width: BAR, height: height - 2 };
  const bounds = { viewBox: `0 0 ${width} ${height}`, width: "100%", height: `${height / 16}rem` };
  const drawing = svg(
    "svg",
    { ...bounds, preserveAspectRatio: "none", class: "unit-bars", role: "img", "aria-label": label },
    svg("path", { d: path(1), class: "above-zero" }),
    svg("path", { d: path(-1), class: "below-zero" }),
    svg("line", { class: "grid", x1: 0, x2: width, y1: above + 1, y2: above + 1 }),
    svg("rect", { class: "unit-frame", ...frame }),
  );
  drawing.addEventListener("click", (event) => {
    const box = drawing.getBoundingClientRect();
    choose(Math.min(values.length - 1, Math.floor(((event.clientX - box.left) / box.width) * values.length)));
  });
  return drawing;
}
