/* The numbers inside the network: the panel with the hidden states and the equations of the current cell, and the layer
   at the orange dot, which shows how attention computes a context. */

import { argmax, last, sum } from "../network/network.js";
import { announce, app, byId, soon } from "./app.js";
import { h, headerCell, labelledSelect, svg, symbolSpan, table } from "./elements.js";
import { formatNumber, ordinal, percent } from "./format.js";
import { colourStrip, HeatMap, STRIP } from "./heatmap.js";
import { addPanel, labelWithHelp, panel, popover, redraw } from "./panels.js";
import { fedName, probabilities, sourceName, writtenName } from "./runs.js";

/** @import { Content } from "./heatmap.js"
    @import { Cell } from "../network/network.js"
    @import { Run } from "../network/trained.js" */

const BEFORE = "Before the first symbol, h is 0 in every unit. Press Next, or click a column above.";

/** @typedef {Record<"alpha" | "u" | "query" | "context", Float32Array>} Attended */

export function insidePanel() {
  /** @type {(unit: number, column: number | null) => void} */
  const select = (unit, column) => choose({ unit }, column === null ? {} : { place: mirrored(column) + 1 });
  const map = new HeatMap("Hidden state: units by steps", select);
  const box = h("div", { class: "cell-box" });
  const draw = () => app.runs.length && redraw(box, ...cellParts());
  const drawSoon = soon(draw);
  const scale = h("span", { class: "key" }, "−1 ", h("i"), " +1");
  const controls = h("div", { class: "controls" }, cellChoice(), scale);
  const section = panel("inside", "Inside a cell", controls, map.box, box);
  return addPanel(section, () => {
    const { layer, backward, unit } = app.cell;
    map.show([shownRun(), layer, backward], hiddenStates, { row: unit, column: currentColumn() });
    (app.isStep ? drawSoon : draw)();
  });
}

/** Return a control that chooses the network, layer and direction to show; null if there is no choice. */
function cellChoice() {
  const groups = app.networks.flatMap(({ name, config: { num_layers: layers, bidirectional } }, networkIndex) =>
    Array.from({ length: layers * (bidirectional ? 2 : 1) }, (_, i) => {
      const [layer, backward] = [i % layers, Math.floor(i / layers)];
      const direction = bidirectional ? `encoder ${backward ? "backward" : "forward"}` : "";
      const names = [app.networks.length > 1 ? name : "", layers > 1 ? `layer ${layer + 1}` : "", direction];
      return { text: names.filter(Boolean).join(", "), cells: { networkIndex, layer, backward } };
    }),
  );
  const names = groups.map(({ text }) => text);
  const key = (/** @type {Partial<typeof app.cell>} */ one) => [one.networkIndex, one.layer, one.backward].join();
  const shown = () => groups.findIndex(({ cells }) => key(cells) === key(app.cell));
  return groups.length < 2 ? null : labelledSelect("Cells", names, (i) => choose(groups[i].cells), shown);
}

/** Change the selection and, if `patch` contains a place, the current step.
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

/** Convert a step to its column, or a column to its step; both count from 0. They differ in the backward encoder, which
    reads the last symbol first. */
const mirrored = (/** @type {number} */ i) => (app.cell.backward && i < app.S ? app.S - 1 - i : i);

/** Return the column of the current cell; null before the first step and after the answer's end. */
function currentColumn() {
  const { place } = app.state;
  return place > 0 && place <= shownCells().length ? mirrored(place - 1) : null;
}

/** Return the current cell; undefined before the first step and after the answer's end. */
const currentCell = () => shownCells()[currentColumn() ?? -1];

/** Describe a column, counted from 0, by its position and its symbol. */
function nameOfColumn(column = currentColumn()) {
  const run = shownRun();
  if (column === null) return app.state.place ? "a step after this network's answer" : "the start";
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

/** Return the elements that show the current cell: its equations with the numbers of the selected unit, its gates,
    attention, and the output. */
function cellParts() {
  const [run, cell] = [shownRun(), currentCell()];
  const { unit, layer } = app.cell;
  const heading = h("h3", {}, `The cell at ${nameOfColumn()}, unit ${unit + 1}`);
  if (!cell) return [heading, h("p", {}, app.state.place ? "" : BEFORE)];
  const { cell_type: type, num_layers: layers, states } = run.network.config;
  const vectors = { ...cell.gates, ...Object.fromEntries(states.map((name, i) => [name, cell.state[i]])) };
  const numbers = Object.entries(vectors).map(([name, vector]) => [name, formatNumber(vector[unit])]);
  const before = formatNumber(cell.previous[0][unit]); // the previous step's first state, marked with a prime
  // the weight that a GRU's update gate leaves to the candidate
  const rest = formatNumber(1 - (cell.gates.z?.[unit] ?? 0));
  const values = { ...Object.fromEntries(numbers), before, rest };
  const rows = equations(cellId(type), values);
  const note = h("p", {}, `This page has no equation for ${type}. Its gates and states:`);
  const gates = Object.entries(vectors).map(([name, vector]) => gateBars(name, vector));
  return [
    heading,
    equationList(...inputEquation(run, cell), ...rows),
    rows.length ? null : note,
    h("div", { class: "gates" }, ...gates),
    ...(app.t === null ? [] : attentionParts(run, app.t)),
    ...(app.t === null || layer < layers - 1 ? [] : outputParts(run, app.t)),
  ];
}

/** Return the id of the equations for a cell type. */
const cellId = (/** @type {string} */ type) => `cell-${type.replace("Basic", "")}`;

/** The numbers and names that replace the placeholders in the equations.
    @typedef {Record<string, string>} Values */

/** Return the equations in words.html for an id, with their numbers filled in; negative factors get parentheses. For a
    cell type without equations, the list is empty, and the page shows only the numbers.
    @type {(id: string, values: Values) => HTMLElement[]} */
function equations(id, values) {
  const fill = (/** @type {HTMLElement} */ { textContent }) =>
    textContent.replace(/\{(.+?)\}/g, (_, name) => values[name]);
  const section = /** @type {HTMLTableSectionElement | null} */ (document.getElementById(id));
  return Array.from(section?.rows ?? [], ({ cells }) => {
    const [equation, numbers, meaning] = Array.from(cells, fill);
    const result = `= ${numbers.replace(/· (−[\d.]+)/g, "· ($1)")}`;
    const term = h("dt", {}, h("code", {}, equation));
    return h("div", {}, term, h("dd", { class: "values" }, result), h("dd", { class: "meaning" }, meaning));
  });
}

const equationList = (/** @type {HTMLElement[]} */ ...rows) => h("dl", { class: "equations" }, ...rows);

/** Return the equation of the cell's input x, as in seq2seq_demo/README.md.
    @type {(run: Run, cell: Cell) => HTMLElement[]} */
function inputEquation(run, { x: input }) {
  const { t, state } = app;
  const start = [...input.slice(0, 3)].map((value) => formatNumber(value, 2)).join(", ");
  const x = `(${start}${input.length > 3 ? `, … ${input.length} numbers` : ""})`;
  if (app.cell.layer > 0) return equations("x-above", { x });
  if (t === null) return equations("x-encoder", { x, symbol: sourceName(run, mirrored(state.place - 1)) });
  const fed = { x, symbol: fedName(run, run.steps, t), context: t === 0 ? "0" : "a′" };
  return equations(run.steps[t].alpha ? "x-attention" : "x-decoder", fed);
}

/** Return the attention equations with the numbers of the selected unit at step t. Without attention, return an empty
    list. */
function attentionParts(/** @type {Run} */ run, /** @type {number} */ t) {
  if (!run.steps[t].alpha) return [];
  const { alpha, u, query, context } = /** @type {Attended} */ (run.steps[t]);
  const { unit, backward } = app.cell;
  const k = backward ? unit + query.length : unit; // a bidirectional memory is 2H wide
  const s = argmax(alpha);
  const states = run.network.config.states.join(" and ");
  const [q, α, a] = [query[unit], alpha[s], context[k]].map((value) => formatNumber(value));
  const input = { u: formatNumber(u[s], 2), position: ordinal(s + 1), symbol: sourceName(run, s) };
  const values = { states, q, unit: `${unit + 1}`, ...input, α, a, row: `${k + 1}` };
  const list = equationList(...equations("step-attention", values));
  return [h("h3", {}, `Attention at the ${ordinal(t + 1)} output`), list, contextTable(run, t)];
}

/** Return the equations for the logit and the probability of the symbol written at step t. */
function outputParts(/** @type {Run} */ run, /** @type {number} */ t) {
  const [step, symbol] = [run.steps[t], writtenName(run, t)];
  const projection = step.alpha ? "W_o [W_p h + b_p ; a] + b_o" : "W_p h + b_p";
  const logit = formatNumber(step.logits[step.written], 2);
  const p = formatNumber(probabilities(step)[step.written]);
  const list = equationList(...equations("step-output", { projection, logit, symbol, p }));
  return [h("h3", {}, `The ${ordinal(t + 1)} output (${symbol})`), list];
}

/** Return the values of a gate or state in all units as bars that point up or down, with a frame around the selected
    unit. */
function gateBars(/** @type {string} */ name, /** @type {Float32Array} */ vector) {
  const { cell_type: type, states } = shownRun().network.config;
  const { unit } = app.cell;
  const kind = states.includes(name) ? "state" : "gate";
  const entry = name === "h" || byId(cellId(type)) ? document.getElementById(`gate-${name}`) : null;
  const title = entry?.textContent ?? `${name}, ${kind}`;
  const help = entry?.nextElementSibling?.textContent ?? `This page has no description of this ${kind} of ${type}.`;
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
  const label = labelWithHelp(title, help, "span");
  return h("div", {}, h("div", { class: "gate" }, label, h("b", {}, formatNumber(vector[unit]))), drawing);
}

const LAYER = "context-layer"; // the id of the context's layer while it is open
const GAP = 12; // px between the dot and the layer

/** Open a layer next to a dot, and show in it how the context of output t is computed. The layer is created when it
    opens, and changing the step closes it.
    @type {(dot: Element, run: Run, t: number) => void} */
export function openContext(dot, run, t) {
  if (document.getElementById(LAYER)) return; // this click on the dot has just closed the layer
  if (app.isTraining) {
    byId("train").click(); // pause, which draws a new dot
    document.querySelector(".open-context")?.dispatchEvent(new Event("click"));
    return;
  }
  const title = `The context of the ${ordinal(t + 1)} output`;
  const text = h("p", {}, byId("help-context").textContent);
  const layer = popover(LAYER, title, h("h3", {}, title), text, contextTable(run, t));
  Object.assign(layer, { tabIndex: 0, autofocus: true }); // so that the keyboard scrolls the layer
  layer.addEventListener("toggle", ({ newState }) => newState === "closed" && layer.remove());
  document.body.append(layer);
  layer.showPopover();
  const [{ left, right }, { width }] = [dot, layer].map((one) => one.getBoundingClientRect());
  const x = [right + GAP, left - GAP - width].find((x) => x >= 0 && x + width <= innerWidth);
  if (x !== undefined) Object.assign(layer.style, { left: `${x}px`, right: "auto" }); // otherwise, it is in the middle
}

export const closeContext = () => document.getElementById(LAYER)?.hidePopover();

/** Return a table of the attention at step t, with one row per input and a row for the sums.
    @type {(run: Run, t: number) => HTMLTableElement} */
export function contextTable(run, t) {
  const { alpha, u, context } = /** @type {Record<"alpha" | "u" | "context", Float32Array>} */ (run.steps[t]);
  const most = Math.max(...u);
  const exps = [...u].map((score) => Math.exp(score - most));
  const rows = exps.map((exp, s) => {
    const part = run.encoded.memory[s].map((value) => alpha[s] * value);
    const numbers = [formatNumber(u[s], 2), formatNumber(exp), percent(alpha[s]), vectorStrip(part)];
    return [headerCell("row", ordinal(s + 1)), symbolSpan(sourceName(run, s)), ...numbers];
  });
  const shown = h("small", {}, `${Math.min(STRIP, context.length)} of ${context.length} numbers`);
  const titles = ["input", "symbol", "score u", "exp(u − max)", "α", h("span", {}, "α · m", shown)];
  const total = [headerCell("row", "sum"), "", "", formatNumber(sum(exps)), percent(1), vectorStrip(context)];
  return table({ class: "context-table" }, titles, [...rows, total]);
}

/** Return a vector as a strip of colours, with its length for screen readers. */
function vectorStrip(/** @type {Float32Array} */ vector) {
  const label = { role: "img", "aria-label": `vector of length ${formatNumber(Math.hypot(...vector))}` };
  return svg("svg", { viewBox: "0 0 96 16", ...label }, colourStrip(vector, { x: 0, y: 0, width: 96, height: 16 }));
}
