/* The panel of hidden states, and of the current cell's equations with their numbers. */

import { announce, app, soon } from "./app.js";
import { contextTable } from "./context.js";
import { formatNumber, formatTerm, h, labelledSelect, ordinal, svg } from "./elements.js";
import { HeatMap } from "./heatmap.js";
import { argmax, last } from "./network.js";
import { addPanel, labelWithHelp, panel, redraw } from "./panels.js";
import { fedName, probabilities, sourceName, writtenName } from "./runs.js";

/** @import { Content } from "./heatmap.js"
    @import { Cell } from "./network.js"
    @import { Run } from "./trained.js" */

const HELP =
  "The hidden state h at each step, and the equations that compute it. Click a square to select its unit and step.";
const BEFORE = "Before the first symbol, h is 0 in every unit. Press Next, or click a column above.";

/** @typedef {[equation: string, numbers: string | number, meaning: string]} Equation
    @typedef {Record<"alpha" | "u" | "query" | "context", Float32Array>} Attended */

export function insidePanel() {
  /** @type {(unit: number, column: number | null) => void} */
  const select = (unit, column) => choose({ unit }, column === null ? {} : { place: mirrored(column) + 1 });
  const map = new HeatMap("Hidden state: units by steps", select);
  const box = h("div", { class: "cell-box" });
  const draw = () => app.runs.length && redraw(box, ...cellParts());
  const drawSoon = soon(draw);
  const scale = h("span", { class: "key" }, "−1 ", h("i"), " +1");
  const controls = h("div", { class: "controls" }, cellChoice(), scale);
  const section = panel("inside", "Inside a cell", HELP, controls, map.box, box);
  return addPanel(section, () => {
    const { layer, backward, unit } = app.cell;
    map.show([shownRun(), layer, backward], hiddenStates, { row: unit, column: currentColumn() });
    (app.isStep ? drawSoon : draw)();
  });
}

/** Return a choice of the network, layer and direction whose cells the panel shows; null if there is only one. */
function cellChoice() {
  const groups = app.networks.flatMap(({ name, config: { num_layers: layers, bidirectional } }, networkIndex) =>
    Array.from({ length: layers * (bidirectional ? 2 : 1) }, (_, i) => {
      const [layer, backward] = [i % layers, Math.floor(i / layers)];
      const direction = bidirectional ? `encoder ${backward ? "backward" : "forward"}` : "";
      const names = [app.networks.length > 1 ? name : "", layers > 1 ? `layer ${layer + 1}` : "", direction];
      return { text: names.filter(Boolean).join(", "), cells: { networkIndex, layer, backward } };
    }),
  );
  const texts = groups.map(({ text }) => text);
  const key = (/** @type {Partial<typeof app.cell>} */ one) => [one.networkIndex, one.layer, one.backward].join();
  const shown = () => groups.findIndex(({ cells }) => key(cells) === key(app.cell));
  return groups.length < 2 ? null : labelledSelect("Cells", texts, (i) => choose(groups[i].cells), shown);
}

/** Change the selection and, if a place is given, the current step.
    @type {(selection: Partial<typeof app.cell>, patch?: { place?: number }) => void} */
function choose(selection, patch = {}) {
  app.change({ inside: { ...app.state.inside, ...selection }, ...patch });
  const { unit } = app.cell;
  const cell = currentCell();
  if (cell) announce(`Unit ${unit + 1}: h is ${formatNumber(last(cell.state)[unit])} at ${nameOfColumn()}`);
}

const shownRun = () => app.runs[app.cell.networkIndex];

/** Return the cells of the selected layer, one for each input and output. */
const shownCells = () => shownRun().cellsOf(app.cell.layer, app.cell.backward);

/** Return the column of the cell at step i, or the step of the cell in column i, both from 0: the backward encoder reads
    the last symbol first. */
const mirrored = (/** @type {number} */ i) => (app.cell.backward && i < app.S ? app.S - 1 - i : i);

/** Return the column of the current cell; null before the first step and after the answer's end. */
function currentColumn() {
  const { place } = app.state;
  return place > 0 && place <= shownCells().length ? mirrored(place - 1) : null;
}

/** Return the current cell; undefined before the first step and after the answer's end. */
const currentCell = () => shownCells()[currentColumn() ?? -1];

/** Return the position and the symbol of a column, from 0. */
function nameOfColumn(column = currentColumn()) {
  const run = shownRun();
  if (column === null) return app.state.place ? "a step after this network's answer" : "the beginning";
  if (column < app.S) return `the ${ordinal(column + 1)} input (${sourceName(run, column)})`;
  return outputName(run, column - app.S);
}

/** @type {(run: Run, t: number) => string} */
const outputName = (run, t) => `the ${ordinal(t + 1)} output (${writtenName(run, t)})`;

/** Return the content of the heat map: units by inputs and outputs.
    @type {() => Content} */
function hiddenStates() {
  const run = shownRun();
  const hidden = shownCells().map(({ state }) => last(state));
  const units = Array.from(hidden[0], (_, unit) => hidden.map((state) => state[unit]));
  return {
    rows: units.map((_, unit) => String(unit + 1)),
    columns: [...run.source.map((_, s) => sourceName(run, s)), ...run.steps.map((_, t) => writtenName(run, t))],
    values: units,
    corner: "unit",
    groups: { reading: 0, writing: app.S },
    describe: (unit, i) => `Unit ${unit + 1} at ${nameOfColumn(i)}: ${formatNumber(units[unit][i])}`,
    isSigned: true,
    rowHeight: Math.max(1, Math.min(9, Math.floor(320 / units.length))),
  };
}

/** Return the elements that show the current cell: its equations with the selected unit's numbers, its gates, attention
    and the output. */
function cellParts() {
  const [run, cell] = [shownRun(), currentCell()];
  const { unit, layer } = app.cell;
  const heading = h("h3", {}, `The cell at ${nameOfColumn()}, unit ${unit + 1}`);
  if (!cell) return [heading, h("p", {}, app.state.place ? "" : BEFORE)];
  const { cell_type: type, num_layers: layers, states } = run.network.config;
  const vectors = { ...cell.gates, ...Object.fromEntries(states.map((name, i) => [name, cell.state[i]])) };
  const numbers = Object.fromEntries(Object.entries(vectors).map(([name, vector]) => [name, vector[unit]]));
  const equations = CELL_EQUATIONS[type]?.(numbers, cell.previous[0][unit]) ?? [];
  const note = h("p", {}, `This page has no equation for ${type}. Its gates and states:`);
  const gates = Object.entries(vectors).map(([name, vector]) => gateBars(name, vector));
  return [
    heading,
    equationList([inputEquation(run, cell), ...equations]),
    equations.length ? null : note,
    h("div", { class: "gates" }, ...gates),
    ...(app.t === null ? [] : attentionParts(run, app.t)),
    ...(app.t === null || layer < layers - 1 ? [] : outputParts(run, app.t)),
  ];
}

/** Return the equation of the cell's input x, as in seq2seq_demo/README.md.
    @type {(run: Run, cell: Cell) => Equation} */
function inputEquation(run, { x }) {
  const { t, state } = app;
  const start = [...x.slice(0, 3)].map((value) => formatNumber(value, 2)).join(", ");
  const numbers = `(${start}${x.length > 3 ? `, … ${x.length} numbers` : ""})`;
  if (app.cell.layer > 0) return ["x = h of the layer below", numbers, "input"];
  if (t === null)
    return [`x = e = E_in[${sourceName(run, mirrored(state.place - 1))}]`, numbers, "embedding of the input"];
  const name = fedName(run, run.steps, t);
  if (!run.steps[t].alpha) return [`x = d = E_out[${name}]`, numbers, "embedding of the previous output"];
  return [`x = W_i [E_out[${name}] ; ${t === 0 ? "0" : "a′"}] + b_i`, numbers, "previous output and context"];
}

/** @type {Record<string, [string, string]>} */
const GATES = {
  i: ["i, input gate", "The fraction of the candidate that is added to the cell state c."],
  f: ["f, forget gate", "The fraction of the previous cell state c′ that is kept."],
  o: ["o, output gate", "The fraction of tanh(c) that becomes h."],
  z: ["z, update gate", "The fraction of the previous h′ that is kept."],
  r: ["r, reset gate", "The fraction of the previous h′ that enters the candidate."],
  candidate: ["candidate", "The proposed new value, computed from x and h′."],
  c: ["c, cell state", "The long-term memory of the cell."],
  h: ["h, output", "The output of the cell, passed to its next step, to the layer above, and to attention."],
};

/** The equations of each cell with the numbers of a unit: those of its gates and states by name, and that of its first state
    in the previous step, which a prime marks. For a cell that is not in this table, the page shows only the numbers.
    @type {Record<string, (numbers: Record<string, number>, before: number) => Equation[]>} */
const CELL_EQUATIONS = {
  LSTMCell: ({ i, f, candidate, o, c, h }, before) => [
    ["i = σ(W_input x + U_input h′ + b_input)", i, "input gate"],
    ["f = σ(W_forget x + U_forget h′ + b_forget)", f, "forget gate"],
    ["candidate = tanh(W_new x + U_new h′ + b_new)", candidate, "proposed new value"],
    ["o = σ(W_output x + U_output h′ + b_output)", o, "output gate"],
    ["c = f · c′ + i · candidate", weightedSum(f, before, i, candidate, c), "cell state"],
    ["h = o · tanh(c)", `${formatNumber(o)} · tanh(${formatNumber(c)}) = ${formatNumber(h)}`, "output"],
  ],
  GRUCell: ({ z, r, candidate, h }, before) => [
    ["z = σ(W_update x + U_update h′ + b_update)", z, "update gate"],
    ["r = σ(W_reset x + U_reset h′ + b_reset)", r, "reset gate"],
    ["candidate = tanh(W_new x + U_new (r · h′) + b_new)", candidate, "proposed new value"],
    ["h = z · h′ + (1 − z) · candidate", weightedSum(z, before, 1 - z, candidate, h), "output"],
  ],
  BasicRNNCell: ({ h }) => [["h = tanh(W x + U h′ + b)", h, "output"]],
};
CELL_EQUATIONS.BasicLSTMCell = CELL_EQUATIONS.LSTMCell;

/** Write a · x + b · y = sum in numbers.
    @type {(a: number, x: number, b: number, y: number, sum: number) => string} */
const weightedSum = (a, x, b, y, sum) =>
  `${formatNumber(a)} · ${formatTerm(x)} + ${formatNumber(b)} · ${formatTerm(y)} = ${formatNumber(sum)}`;

function equationList(/** @type {Equation[]} */ equations) {
  const rows = equations.map(([equation, numbers, meaning]) => {
    const figures = `= ${typeof numbers === "number" ? formatNumber(numbers) : numbers}`;
    const term = h("dt", {}, h("code", {}, equation));
    return h("div", {}, term, h("dd", { class: "figures" }, figures), h("dd", { class: "meaning" }, meaning));
  });
  return h("dl", { class: "equations" }, ...rows);
}

/** Return the equations of attention with the numbers of step t and the selected unit, if the network has attention. */
function attentionParts(/** @type {Run} */ run, /** @type {number} */ t) {
  if (!run.steps[t].alpha) return [];
  const { alpha, u, query, context } = /** @type {Attended} */ (run.steps[t]);
  const { unit, backward } = app.cell;
  const k = backward ? unit + query.length : unit; // a bidirectional memory is 2H wide
  const s = argmax(alpha);
  const score = `${formatNumber(u[s], 2)} for the ${ordinal(s + 1)} input (${sourceName(run, s)})`;
  const states = run.network.config.states.join(" and ");
  const equations = equationList([
    [`q = W_q [every layer's ${states}] + b_q`, `${formatNumber(query[unit])} in unit ${unit + 1}`, "query"],
    ["u_s = v · tanh(W_k m_s + q)", score, "score of memory row s"],
    ["α_s = exp(u_s) / Σ exp(u)", alpha[s], "attention weights, which sum to 1"],
    ["a = Σ α_s m_s", `${formatNumber(context[k])} in unit ${k + 1}`, "context"],
  ]);
  return [h("h3", {}, `Attention at the ${ordinal(t + 1)} output`), equations, contextTable(run, t)];
}

/** Return the equations of the logits and of the probability of the symbol written at step t. */
function outputParts(/** @type {Run} */ run, /** @type {number} */ t) {
  const [step, name] = [run.steps[t], writtenName(run, t)];
  const projection = step.alpha ? "W_o [W_p h + b_p ; a] + b_o" : "W_p h + b_p";
  const logit = formatNumber(step.logits[step.written], 2);
  const p = formatNumber(probabilities(step)[step.written]);
  const equations = equationList([
    [`logits = ${projection}`, `${logit} for ${name}`, "one number per symbol"],
    ["p = exp(logit) / Σ exp(logits)", `exp(${logit}) / Σ exp(logits) = ${p} for ${name}`, "probability"],
  ]);
  return [h("h3", {}, `The ${ordinal(t + 1)} output (${name})`), equations];
}

/** Return a gate or state of all units as bars that point up or down, with a frame around the selected unit; a click on a
    bar selects its unit. */
function gateBars(/** @type {string} */ name, /** @type {Float32Array} */ vector) {
  const { cell_type: type, states } = shownRun().network.config;
  const { unit } = app.cell;
  const kind = states.includes(name) ? "state" : "gate";
  const isKnown = name === "h" || type in CELL_EQUATIONS;
  const unknown = [`${name}, ${kind}`, `This page has no description of this ${kind} of ${type}.`];
  const [title, help] = (isKnown && GATES[name]) || unknown;
  const n = vector.length;
  const [smallest, largest] = [Math.min(...vector), Math.max(...vector)];
  const most = Math.max(1, -smallest, largest); // the length of the longest bar
  const [above, below] = [largest < 0 ? 0 : most, smallest < 0 ? most : 0];
  const height = above + below;
  /** @type {(sign: number) => string} */
  const path = (sign) =>
    Array.from(vector, (value, i) => (value * sign > 0 ? `M${i + 0.1} 0h.8v${-value}h-.8z` : "")).join("");
  const ariaLabel = `${title} of every unit, from ${formatNumber(smallest)} to ${formatNumber(largest)}`;
  const box = { viewBox: `0 ${-above} ${n} ${height}`, width: "100%", height: `${(1.5 * height) / most}rem` };
  const drawing = svg(
    "svg",
    { ...box, preserveAspectRatio: "none", class: "unit-bars", role: "img", "aria-label": ariaLabel },
    svg("path", { d: path(1), class: "above-zero" }),
    svg("path", { d: path(-1), class: "below-zero" }),
    svg("path", { d: `M0 0H${n}`, class: "grid" }),
    svg("rect", { x: unit, y: -above, width: 1, height, class: "unit-frame" }),
  );
  drawing.addEventListener("click", ({ clientX }) => {
    const { left, width } = drawing.getBoundingClientRect();
    choose({ unit: Math.min(n - 1, Math.floor(((clientX - left) / width) * n)) });
  });
  const label = labelWithHelp(title, help, "span");
  return h("div", {}, h("div", { class: "gate" }, label, h("b", {}, formatNumber(vector[unit]))), drawing);
}
