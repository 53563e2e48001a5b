/* The panel that replaces one input and shows which outputs change, beside attention. */

import { align } from "./align.js";
import { announce, app, soon } from "./app.js";
import { redraw } from "./boxes.js";
import { button, h, labelledSelect, revise } from "./elements.js";
import { percent, pluralize } from "./format.js";
import { HeatMap, outputsByInputs } from "./heatmap.js";
import { addPanel, networkColumns, panel, withLabel } from "./panels.js";
import { sourceSymbol, targetSymbol } from "./runs.js";
import { goToOutput } from "./step.js";

/** @import { Replacement } from "./app.js"
    @import { Network, Step } from "./network.js"
    @import { Vocabulary } from "./symbols.js"
    @import { TrainedNetwork } from "./trained.js" */

const MAX_SUBSTITUTES = 10; // symbols tried in place of an input
const MAX_TRIALS = 300; // runs of the network per source; a longer source has fewer substitutes
const CAPTION = `The share of other symbols, at most ${MAX_SUBSTITUTES}, that change the output when they replace the input.`;
const TRIALS_PER_SLICE = 4; // the page reacts between two slices

export function influencePanel() {
  const controls = h("div");
  const results = app.networks.map(() => h("div"));
  const maps = app.networks.map((network) => influenceMap(network));
  const section = panel(
    "influence",
    "Influence",
    "Replace one input with another symbol to see which outputs depend on it.",
    controls,
    networkColumns((i) => [results[i], ...maps[i].elements]),
  );
  /** @type {unknown[]} */
  let drawn = [];
  return addPanel(section, () => {
    const current = [app.runs, app.state.replacement];
    if (current.some((part, i) => part !== drawn[i])) {
      redraw(controls, ...influenceControls());
      const { replacement } = app.state;
      app.networks.forEach((network, i) =>
        results[i].replaceChildren(replacement ? beforeAndAfterList(network, ...answers(network, replacement)) : ""),
      );
    }
    drawn = current;
    for (const map of maps) map.update();
  });
}

/** Replace input s by a symbol, by default its first substitute, and announce the changes.
    @type {(s: number, symbol?: number) => void} */
function replace(s, symbol = substitutes(app.networks[0], (app.source ?? [])[s])[0]) {
  const replacement = { s, symbol };
  app.change({ replacement });
  const changed = (/** @type {TrainedNetwork} */ network) => changedOutputs(...answers(network, replacement));
  const text = (/** @type {number} */ n) => `${pluralize(n, "output")} changed`;
  announce(app.networks.map((network) => withLabel(network, text(changed(network).length))).join(" "));
}

/** Return the controls that choose the symbol that replaces an input. */
function influenceControls() {
  const [network] = app.networks;
  const { replacement: chosen } = app.state;
  if (!chosen) return ["Click a square, or select it with the arrow keys, to replace its input."];
  const { s, symbol } = chosen;
  const names = Array.from({ length: network.sourceVocabulary.largest + 1 }, (_, i) => sourceSymbol(network, i));
  const list = labelledSelect(`Replace input ${s + 1} with`, names, (one) => replace(s, one), symbol);
  const undo = button("Undo", () => app.change({ replacement: null }, "The original source is back"));
  return [h("div", { className: "replacement" }, list, undo)];
}

/** Return a network's answers before and after a replacement.
    @type {(network: TrainedNetwork, replacement: Replacement) => [number[], number[]]} */
function answers(network, { s, symbol }) {
  const source = app.source ?? [];
  const model = network.at(app.state.moment);
  return [freeAnswer(network, model, source), freeAnswer(network, model, source.with(s, symbol))];
}

/** Return a list of the symbols of two answers, aligned, in which those that differ are marked.
    @type {(network: TrainedNetwork, before: number[], after: number[]) => HTMLElement} */
export function beforeAndAfterList(network, before, after) {
  const name = (/** @type {number | null} */ symbol) => (symbol === null ? "–" : targetSymbol(network, symbol));
  const cells = alignedPairs(before, after).map(([old, one]) => {
    const note = old === one ? null : h("span", { className: "visually-hidden" }, " changed");
    const symbol = h("span", { className: note ? "symbol moved" : "symbol" }, name(one), note);
    return h("li", {}, h("span", { className: "symbol before" }, name(old)), symbol);
  });
  const labels = ["before", "after"].map((text) => h("span", {}, text));
  const rowLabels = h("li", { attributes: { "aria-hidden": "true" }, className: "row-labels" }, ...labels);
  const attributes = { "aria-label": "Each output before and after" };
  return h("ol", { className: "beforeafter", attributes }, rowLabels, ...cells);
}

/** Return the heat map of a network's influence, which is computed in slices while the page shows the progress. */
function influenceMap(/** @type {TrainedNetwork} */ network) {
  const name = `Influence of each input on each output of ${network.name}`;
  const progress = h("p", { className: "hint" });
  /** The last one that was begun, and the last one that is complete.
      @type {Influence} */
  let influence;
  /** @type {Influence | null} */
  let shown = null;
  const map = new HeatMap(name, (t, s) => {
    if (app.t !== t) goToOutput(t);
    if (s !== null && s !== app.state.replacement?.s) replace(s);
  });
  const content = () => {
    const { source, answer, matrix } = shown ?? influence;
    const inputs = source.map((symbol) => sourceSymbol(network, symbol));
    const outputs = answer.map((symbol) => targetSymbol(network, symbol));
    return outputsByInputs(inputs, outputs, matrix, "changes with");
  };
  const results = h("figure", {}, h("figcaption", {}, CAPTION), map.box);
  const draw = () => {
    const { next, trials } = influence;
    const old = shown && shown.model !== network.at(app.state.moment) ? "Of an earlier step of training:" : "";
    revise(progress, {}, shown ? old : `Computing the influence of each input: ${percent(next / trials.length)}`);
    results.toggleAttribute("hidden", !shown);
    if (shown) map.show([shown], content, { row: app.t, column: app.state.replacement?.s ?? null });
  };
  const work = (/** @type {Influence} */ current) => {
    if (current !== influence) return;
    if (current.work(TRIALS_PER_SLICE)) shown = current;
    else setTimeout(work, 0, current);
    draw();
  };
  const begin = () => {
    influence = new Influence(network, network.at(app.state.moment), app.source ?? []);
    setTimeout(work, 0, influence);
  };
  const beginSoon = soon(() => app.source && begin(), 400); // a network that trains changes more often, so it is computed in the pauses
  const update = () => {
    if (`${influence?.source}` !== `${app.source}`) {
      shown = null;
      begin();
    } else if (influence.model !== network.at(app.state.moment)) beginSoon();
    draw();
  };
  return { elements: [progress, results], update };
}

/** Align two answers. Returns pairs [before, after]; null marks an inserted or deleted symbol. */
function alignedPairs(/** @type {number[]} */ before, /** @type {number[]} */ after) {
  const { kinds, targetIndex, missing } = align(after, before);
  /** @type {[number | null, number | null][]} */
  const pairs = [];
  for (let t = 0; t <= after.length; t++) {
    for (const symbol of missing[t]) pairs.push([symbol, null]);
    if (t < after.length) pairs.push([kinds[t] === "extra" ? null : before[targetIndex[t]], after[t]]);
  }
  return pairs;
}

/** Return the indices of the outputs in `before` that change or are deleted. */
function changedOutputs(/** @type {number[]} */ before, /** @type {number[]} */ after) {
  const pairs = alignedPairs(before, after).filter(([symbol]) => symbol !== null);
  return [...before.keys()].filter((t) => pairs[t][1] !== pairs[t][0]);
}

/** Return the answer of a network's `model`, without forcing.
    @type {(network: TrainedNetwork, model: Network, source: number[]) => number[]} */
function freeAnswer(network, model, source) {
  const run = app.runs.find((one) => one.network === network);
  let maxSteps = network.maxOutLen(source.length, null) + 1;
  if (!network.ends) maxSteps = run && source.length === run.source.length ? run.steps.length : maxSteps - 1;
  /** @type {Step[]} */
  const steps = model.run(source, maxSteps, { toEnd: network.ends }).steps;
  return steps.map((step) => step.written);
}

/** Return at most n symbols to try in place of a symbol: a sample of all others of its category or, if there are none, of
    all others.
    @type {(network: TrainedNetwork, symbol: number, n?: number) => number[]} */
function substitutes({ sourceVocabulary: vocabulary }, symbol, n = MAX_SUBSTITUTES) {
  const others = Array.from({ length: vocabulary.largest }, (_, i) => (symbol + 1 + i) % (vocabulary.largest + 1));
  const alike = others.filter((other) => category(vocabulary, other) === category(vocabulary, symbol));
  const candidates = alike.length ? alike : others;
  const step = Math.max(1, candidates.length / n);
  return Array.from({ length: Math.min(n, candidates.length) }, (_, i) => candidates[Math.floor((i + 0.5) * step)]);
}

/** Return whether a character is a letter, a digit or another character; words and integers have no categories. */
function category(/** @type {Vocabulary} */ vocabulary, /** @type {number} */ symbol) {
  if (vocabulary.tokens !== "characters") return "";
  const name = vocabulary.name(symbol);
  if (/^\p{L}/u.test(name)) return "letter";
  return /^\p{N}/u.test(name) ? "digit" : "other";
}

/** The influence of every input on every output. `matrix` [T][S] is the share of substitutes for an input that change
    an output; `work` computes it. */
class Influence {
  next = 0;

  /** @param {TrainedNetwork} network @param {Network} model @param {number[]} source */
  constructor(network, model, source) {
    this.network = network;
    this.model = model;
    this.source = source;
    this.answer = freeAnswer(network, model, source);
    this.matrix = this.answer.map(() => source.map(() => 0));
    const n = Math.min(MAX_SUBSTITUTES, Math.floor(MAX_TRIALS / source.length));
    this.trials = source.flatMap((original, s) =>
      substitutes(network, original, n).map((symbol, _, { length }) => ({ s, symbol, share: 1 / length })),
    );
  }

  /** Run the next n trials, each of which replaces an input and counts the outputs that change. Return whether all have
      run. */
  work(n = Infinity) {
    for (const { s, symbol, share } of this.trials.slice(this.next, this.next + n)) {
      const after = freeAnswer(this.network, this.model, this.source.with(s, symbol));
      for (const t of changedOutputs(this.answer, after)) this.matrix[t][s] += share;
    }
    this.next += n;
    return this.next >= this.trials.length;
  }
}
