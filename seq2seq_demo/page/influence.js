/* The panel that replaces one input and shows which outputs change, beside attention. */

import { align } from "./align.js";
import { announce } from "./app.js";
import { redraw } from "./boxes.js";
import { button, h, labelledSelect, radioTiles } from "./elements.js";
import { percent, pluralize } from "./format.js";
import { HeatMap, heatTable, outputsByInputs } from "./heatmap.js";
import { argmax, last } from "./network.js";
import { addPanel, columns, networkLabel, panel, tableDetails } from "./panels.js";
import { sourceSymbol, targetSymbol } from "./runs.js";
import { goToOutput } from "./step.js";

/** @import { App } from "./app.js"
    @import { Content } from "./heatmap.js"
    @import { Step } from "./network.js"
    @import { Vocabulary } from "./symbols.js"
    @import { TrainedNetwork } from "./trained.js"
    @typedef {{ t: number, s: number, symbol: number, depends: boolean, gap: number }} Disagreement */

export const MAX_SUBSTITUTES = 10; // symbols tried in place of an input
const MAX_TRIALS = 300; // runs of the network per source; a longer source has fewer substitutes
const TRIALS_PER_SLICE = 4; // the page reacts between two slices

/** @type {(app: App) => HTMLElement} */
export function influencePanel(app) {
  const controls = h("div");
  const results = app.networks.map(() => h("div", { className: "result" }));
  const views = app.networks.map((network) => new InfluenceView(app, network));
  const section = panel(
    "influence",
    "Influence",
    "Replace one input by another symbol and see which outputs change, that is, which depend on this input.",
    controls,
    columns(app.networks, (_, i) => [results[i], views[i].element]),
  );
  let drawn = "";
  new IntersectionObserver((entries) => {
    for (const view of views) view.setVisible(last(entries).isIntersecting);
  }).observe(section);
  return addPanel(app, section, () => {
    const { source, state } = app;
    const current = JSON.stringify([source, state.replacement, state.moment]);
    if (current !== drawn) {
      redraw(controls, ...influenceControls(app));
      app.networks.forEach((network, i) => results[i].replaceChildren(...resultParts(app, network)));
    }
    drawn = current;
    for (const view of views) view.update();
  });
}

/** Return the chosen input and its new symbol; null if none is chosen or the source is too short.
    @type {(app: App) => { s: number, symbol: number } | null} */
const replacementOf = ({ state: { replacement }, S }) => (replacement && replacement.s < S ? replacement : null);

/** @type {(source: number[], replacement: { s: number, symbol: number }) => number[]} */
const replaced = (source, { s, symbol }) => source.map((original, i) => (i === s ? symbol : original));

/** Replace input s by a symbol, by default its first substitute, and announce the changes.
    @type {(app: App, s: number, symbol?: number) => void} */
function replace(app, s, symbol = substitutes(app.networks[0], (app.source ?? [])[s])[0]) {
  app.change({ replacement: { s, symbol } });
  const changes = app.networks.map((network) => `${networkLabel(app, network)} ${describeChange(app, network)}`.trim());
  announce(changes.join(" "));
}

/** Return the controls that choose an input and the symbol that replaces it.
    @type {(app: App) => HTMLElement[]} */
function influenceControls(app) {
  const [network] = app.networks;
  const source = app.source ?? [];
  const chosen = replacementOf(app);
  const inputs = source.map((symbol, s) => {
    const text = sourceSymbol(network, symbol);
    return { text, label: `input ${s + 1}: ${text}` };
  });
  const tiles = radioTiles("Input to replace", "influence-input", inputs, chosen?.s, (s) => replace(app, s));
  if (!chosen) return [tiles];
  const { s, symbol } = chosen;
  const names = Array.from({ length: network.sourceVocabulary.largest + 1 }, (_, i) => sourceSymbol(network, i));
  const choose = (/** @type {string} */ value) => replace(app, s, Number(value));
  const list = labelledSelect(`Replace input ${s + 1} by`, [...names.entries()], symbol, choose);
  const undo = button("Undo", () => app.change({ replacement: null }, "The source is unchanged again"));
  return [tiles, h("div", { className: "replacement" }, list, undo)];
}

/** Return a network's answers before and after the replacement; null if no input is replaced.
    @type {(app: App, network: TrainedNetwork) => [number[], number[]] | null} */
function answers(app, network) {
  const [replacement, source] = [replacementOf(app), app.source ?? []];
  if (!replacement) return null;
  return [freeAnswer(app, network, source), freeAnswer(app, network, replaced(source, replacement))];
}

/** Return the elements that show a network's answers before and after the replacement.
    @type {(app: App, network: TrainedNetwork) => HTMLElement[]} */
function resultParts(app, network) {
  const pair = answers(app, network);
  if (!pair) return [];
  /** @type {(symbol: number | null) => string} */
  const name = (symbol) => (symbol === null ? "–" : targetSymbol(network, symbol));
  const cells = alignedPairs(...pair).map(([before, after]) => {
    const isChanged = before !== after;
    const mark = isChanged ? h("span", { className: "visually-hidden" }, " changed") : null;
    const symbol = h("span", { className: isChanged ? "symbol moved" : "symbol" }, name(after), mark);
    return h("li", {}, h("span", { className: "symbol before" }, name(before)), symbol);
  });
  const labels = ["before", "after"].map((text) => h("span", {}, text));
  const rowLabels = h("li", { attributes: { "aria-hidden": "true" }, className: "row-labels" }, ...labels);
  const attributes = { "aria-label": "Each output before and after" };
  const list = h("ol", { className: "beforeafter", attributes }, rowLabels, ...cells);
  return [h("p", {}, describeChange(app, network)), list];
}

/** Describe which outputs of a network change.
    @type {(app: App, network: TrainedNetwork) => string} */
function describeChange(app, network) {
  const [replacement, pair] = [replacementOf(app), answers(app, network)];
  if (!replacement || !pair) return "";
  const changed = changedOutputs(...pair).map((t) => t + 1);
  const nInserted = alignedPairs(...pair).filter(([symbol]) => symbol === null).length;
  const { s, symbol } = replacement;
  const [from, to] = [(app.source ?? [])[s], symbol].map((one) => sourceSymbol(network, one));
  const list = changed.slice(0, 12).join(", ") + (changed.length > 12 ? " …" : "");
  const effect = changed.length
    ? `${changed.length} of ${pair[0].length} outputs change: ${list}.`
    : "No output changes.";
  return `Input ${s + 1}: ${from} → ${to}. ${effect}${nInserted ? ` ${pluralize(nInserted, "symbol")} inserted.` : ""}`;
}

/** The influence of a network as a heat map, which is computed only while the panel is on the screen. */
class InfluenceView {
  isVisible = false;
  key = "";
  /** @type {number | undefined} */
  timer;

  /** @param {App} app @param {TrainedNetwork} network */
  constructor(app, network) {
    this.app = app;
    this.network = network;
    const name = `Influence of each input on each output of ${network.name}`;
    this.progress = h("p", { className: "hint" });
    this.comparison = h("p");
    this.map = new HeatMap(name, (t, s) => {
      if (app.t !== t) goToOutput(app, t);
      if (s !== null && s !== replacementOf(app)?.s) replace(app, s);
    });
    this.table = tableDetails(`${name}, as a table`, () => heatTable(name, this.content()));
    this.caption = h("figcaption");
    const figure = h("figure", {}, this.caption, this.map.box);
    this.results = h("div", {}, figure, this.comparison, this.table.details);
    this.element = h("div", {}, this.progress, this.results);
  }

  /** @type {(isVisible: boolean) => void} */
  setVisible(isVisible) {
    this.isVisible = isVisible;
    if (isVisible && this.app.runs.length) this.update();
  }

  update() {
    const { app, network } = this;
    if (!this.isVisible) return;
    const key = `${app.state.moment} ${app.source}`;
    if (key !== this.key) this.influence = new Influence(app, network, app.source ?? []);
    this.key = key;
    this.draw();
    this.work();
  }

  /** Compute the influence in slices. */
  work() {
    clearTimeout(this.timer);
    if (!this.influence || this.influence.isDone || !this.isVisible) return;
    this.timer = setTimeout(() => {
      this.influence?.work(TRIALS_PER_SLICE);
      this.draw();
      this.work();
    });
  }

  draw() {
    const { app, influence } = this;
    if (!influence) return;
    const { isDone, next, trials } = influence;
    this.progress.hidden = isDone;
    this.results.hidden = !isDone;
    this.progress.textContent = `Computing the influence of each input: ${percent(next / trials.length)}`;
    if (!isDone) return;
    const marked = { row: app.t, column: replacementOf(app)?.s ?? null };
    if (!this.map.show([influence], () => this.content(), marked)) return;
    this.caption.textContent = influence.caption();
    this.comparison.textContent = compareWithAttention(influence);
    this.table.refresh();
  }

  /** @type {() => Content} */
  content() {
    const { source, answer, matrix } = /** @type {Influence} */ (this.influence);
    const inputs = source.map((symbol) => sourceSymbol(this.network, symbol));
    return outputsByInputs(
      inputs,
      answer.map((symbol) => targetSymbol(this.network, symbol)),
      matrix,
      "changes with",
    );
  }
}

/** Align two answers. Returns pairs [before, after]; null marks an inserted or deleted symbol.
    @type {(before: number[], after: number[]) => [number | null, number | null][]} */
function alignedPairs(before, after) {
  const { kinds, targetIndex, missing } = align(after, before);
  /** @type {[number | null, number | null][]} */
  const pairs = [];
  for (let t = 0; t <= after.length; t++) {
    for (const symbol of missing[t]) pairs.push([symbol, null]);
    if (t < after.length) pairs.push([kinds[t] === "extra" ? null : before[targetIndex[t]], after[t]]);
  }
  return pairs;
}

/** Return the indices of the outputs in `before` that change or are deleted. An output that only moves is unchanged.
    @type {(before: number[], after: number[]) => number[]} */
function changedOutputs(before, after) {
  const pairs = alignedPairs(before, after).filter(([symbol]) => symbol !== null);
  return [...before.keys()].filter((t) => pairs[t][1] !== pairs[t][0]);
}

/** Return the steps of a network's answer at the current moment, without forcing.
    @type {(app: App, network: TrainedNetwork, source: number[]) => Step[]} */
function freeSteps(app, network, source) {
  const run = app.runs.find((one) => one.network === network);
  let maxSteps = network.maxOutLen(source.length, null) + 1;
  if (!network.ends) maxSteps = run && source.length === run.source.length ? run.steps.length : maxSteps - 1;
  return network.at(app.state.moment).run(source, maxSteps, { toEnd: network.ends }).steps;
}

/** @type {(app: App, network: TrainedNetwork, source: number[]) => number[]} */
const freeAnswer = (app, network, source) => freeSteps(app, network, source).map((step) => step.written);

/** Return at most n symbols to try in place of a symbol: a sample of all others of its category or, if there are none, of
    all others.
    @type {(network: TrainedNetwork, symbol: number, n?: number) => number[]} */
export function substitutes({ sourceVocabulary: vocabulary }, symbol, n = MAX_SUBSTITUTES) {
  const others = Array.from({ length: vocabulary.largest }, (_, i) => (symbol + 1 + i) % (vocabulary.largest + 1));
  const alike = others.filter((other) => category(vocabulary, other) === category(vocabulary, symbol));
  const candidates = alike.length ? alike : others;
  const step = Math.max(1, candidates.length / n);
  return Array.from({ length: Math.min(n, candidates.length) }, (_, i) => candidates[Math.floor((i + 0.5) * step)]);
}

/** Return whether a character is a letter, a digit or another character; words and integers have no categories.
    @type {(vocabulary: Vocabulary, symbol: number) => string} */
function category(vocabulary, symbol) {
  if (vocabulary.tokens !== "characters") return "";
  const name = vocabulary.name(symbol);
  if (/^\p{L}/u.test(name)) return "letter";
  return /^\p{N}/u.test(name) ? "digit" : "other";
}

/** The influence of every input on every output. `matrix` [T][S] is the share of substitutes for an input that change
    an output; `work` computes it. */
export class Influence {
  next = 0;

  /** @param {App} app @param {TrainedNetwork} network @param {number[]} source */
  constructor(app, network, source) {
    const steps = freeSteps(app, network, source);
    this.app = app;
    this.network = network;
    this.source = source;
    this.answer = steps.map((step) => step.written);
    this.alpha = network.config.has_attention ? steps.map((step) => step.alpha ?? new Float32Array()) : null;
    this.matrix = this.answer.map(() => source.map(() => 0));
    /** The first substitute [T][S] that changes the output.
        @type {(number | null)[][]} */
    this.firstChange = this.answer.map(() => source.map(() => null));
    const n = Math.min(MAX_SUBSTITUTES, Math.floor(MAX_TRIALS / source.length));
    this.substitutes = source.map((original) => substitutes(network, original, n));
    this.trials = this.substitutes.flatMap((symbols, s) =>
      symbols.map((symbol) => ({ s, symbol, share: 1 / symbols.length })),
    );
  }

  get isDone() {
    return this.next >= this.trials.length;
  }

  /** Run the next n trials. Each replaces an input by a symbol and counts the outputs that change. */
  work(n = Infinity) {
    for (const { s, symbol, share } of this.trials.slice(this.next, this.next + n)) {
      const after = freeAnswer(this.app, this.network, replaced(this.source, { s, symbol }));
      for (const t of changedOutputs(this.answer, after)) {
        this.matrix[t][s] += share;
        this.firstChange[t][s] ??= symbol;
      }
    }
    this.next += n;
  }

  caption() {
    const counts = this.substitutes.map((symbols) => symbols.length);
    const [least, most] = [Math.min(...counts), Math.max(...counts)];
    const n = least === most ? most : `${least} to ${most}`;
    const tried = most === this.network.sourceVocabulary.largest ? `the ${most} other symbols` : `${n} other symbols`;
    return `The share of ${tried} that change the output if they replace the input.`;
  }
}

const [LOW_ATTENTION, HIGH_ATTENTION] = [0.2, 0.3];

/** Return the largest disagreement of attention and influence; null if there is none. `depends` is true if output t
    gives input s little attention but changes when `symbol` replaces it; false if the output attends most to this input
    but no substitute changes it.
    @type {(influence: Influence) => Disagreement | null} */
export function disagreement({ matrix, alpha, firstChange, substitutes }) {
  /** @type {Disagreement[]} */
  const candidates = [];
  matrix.forEach((row, t) => {
    if (!alpha) return;
    const top = argmax(alpha[t]);
    if (row[top] === 0 && alpha[t][top] >= HIGH_ATTENTION)
      candidates.push({ t, s: top, symbol: substitutes[top][0], depends: false, gap: alpha[t][top] });
    row.forEach((share, s) => {
      const symbol = firstChange[t][s];
      if (symbol !== null && alpha[t][s] < LOW_ATTENTION)
        candidates.push({ t, s, symbol, depends: true, gap: share * (1 - alpha[t][s]) });
    });
  });
  return candidates.sort((a, b) => b.gap - a.gap)[0] ?? null;
}

/** @type {(influence: Influence, disagreement: Disagreement) => string} */
export function describeDisagreement({ matrix, alpha, network, source, answer }, { t, s, symbol, depends }) {
  const output = `Output ${t + 1} (${targetSymbol(network, answer[t])})`;
  const share = percent(alpha?.[t][s] ?? 0);
  const attention = `${output} gives ${share} of its attention to input ${s + 1} (${sourceSymbol(network, source[s])})`;
  if (!depends) return `${attention}, yet no substitute for this input changes it.`;
  const changing = `${percent(matrix[t][s])} of all substitutes change it`;
  return `${attention}, yet it changes when ${sourceSymbol(network, symbol)} replaces this input; ${changing}.`;
}

/** Compare influence with attention in words.
    @type {(influence: Influence) => string} */
function compareWithAttention(influence) {
  if (!influence.alpha) return "This network has no attention to compare with its influence.";
  const difference = disagreement(influence);
  if (difference) return `Attention and influence differ. ${describeDisagreement(influence, difference)}`;
  return "Attention and influence agree for this source.";
}
