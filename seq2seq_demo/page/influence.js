/* The panel that replaces one input and shows which outputs change, beside attention. */

import { align } from "./align.js";
import { announce, app } from "./app.js";
import { redraw } from "./boxes.js";
import { button, h, labelledSelect, radioTiles, revise } from "./elements.js";
import { percent, pluralize } from "./format.js";
import { HeatMap, heatTable, outputsByInputs } from "./heatmap.js";
import { argmax } from "./network.js";
import { addPanel, columns, panel, tableDetails, withLabel } from "./panels.js";
import { sourceSymbol, targetSymbol } from "./runs.js";
import { goToOutput } from "./step.js";

/** @import { Step } from "./network.js"
    @import { Vocabulary } from "./symbols.js"
    @import { TrainedNetwork } from "./trained.js" */

/** @typedef {{ t: number, s: number, symbol: number, depends: boolean, gap: number }} Disagreement */

const MAX_SUBSTITUTES = 10; // symbols tried in place of an input
const MAX_TRIALS = 300; // runs of the network per source; a longer source has fewer substitutes
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
    columns((i) => [results[i], ...maps[i].elements]),
  );
  let drawn = "";
  return addPanel(section, () => {
    const current = JSON.stringify([app.source, app.state.replacement, app.state.moment]);
    if (current !== drawn) {
      redraw(controls, ...influenceControls());
      app.networks.forEach((network, i) => results[i].replaceChildren(...resultParts(network)));
    }
    drawn = current;
    for (const map of maps) map.update();
  });
}

/** Replace input s by a symbol, by default its first substitute, and announce the changes.
    @type {(s: number, symbol?: number) => void} */
function replace(s, symbol = substitutes(app.networks[0], (app.source ?? [])[s])[0]) {
  app.change({ replacement: { s, symbol } });
  const describe = (/** @type {TrainedNetwork} */ network) => resultParts(network)[0]?.textContent ?? "";
  announce(app.networks.map((network) => withLabel(network, describe(network))).join(" "));
}

/** Return the controls that choose an input and the symbol that replaces it. */
function influenceControls() {
  const [network] = app.networks;
  const { replacement: chosen } = app.state;
  const inputs = (app.source ?? []).map((symbol) => sourceSymbol(network, symbol));
  const items = inputs.map((text, s) => ({ text, label: `input ${s + 1}: ${text}` }));
  const tiles = radioTiles("Input to replace", "influence-input", items, chosen?.s, (s) => replace(s));
  if (!chosen) return [tiles];
  const { s, symbol } = chosen;
  const names = Array.from({ length: network.sourceVocabulary.largest + 1 }, (_, i) => sourceSymbol(network, i));
  const list = labelledSelect(`Replace input ${s + 1} with`, names, symbol, (one) => replace(s, one));
  const undo = button("Undo", () => app.change({ replacement: null }, "The original source is back"));
  return [tiles, h("div", { className: "replacement" }, list, undo)];
}

/** Return a sentence and a list that compare a network's answers before and after the replacement, if there is one. */
function resultParts(/** @type {TrainedNetwork} */ network) {
  const [{ replacement }, source] = [app.state, app.source ?? []];
  if (!replacement) return [];
  const [before, after] = [source, source.with(replacement.s, replacement.symbol)].map((one) =>
    freeAnswer(network, one),
  );
  const changed = changedOutputs(before, after).map((t) => t + 1);
  const nInserted = alignedPairs(before, after).filter(([symbol]) => symbol === null).length;
  const [from, to] = [source[replacement.s], replacement.symbol].map((symbol) => sourceSymbol(network, symbol));
  const list = changed.slice(0, 12).join(", ") + (changed.length > 12 ? " …" : "");
  const effect = changed.length ? `Changed: output${changed.length > 1 ? "s" : ""} ${list}.` : "No output changes.";
  const inserted = nInserted ? ` Inserted: ${pluralize(nInserted, "symbol")}.` : "";
  const sentence = `Input ${replacement.s + 1}: ${from} → ${to}. ${effect}${inserted}`;
  return [h("p", {}, sentence), beforeAndAfterList(network, before, after)];
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
  const [progress, caption, comparison] = [h("p", { className: "hint" }), h("figcaption"), h("p")];
  /** @type {Influence} */
  let influence; // `update` sets it
  let computed = "";
  const map = new HeatMap(name, (t, s) => {
    if (app.t !== t) goToOutput(t);
    if (s !== null && s !== app.state.replacement?.s) replace(s);
  });
  const content = () => {
    const inputs = influence.source.map((symbol) => sourceSymbol(network, symbol));
    const outputs = influence.answer.map((symbol) => targetSymbol(network, symbol));
    return outputsByInputs(inputs, outputs, influence.matrix, "changes with");
  };
  const { details, refresh } = tableDetails(`${name}, as a table`, () => heatTable(name, content()));
  const results = h("div", {}, h("figure", {}, caption, map.box), comparison, details);
  const draw = () => {
    const { isDone, next, trials } = influence;
    revise(progress, {}, isDone ? "" : `Computing the influence of each input: ${percent(next / trials.length)}`);
    results.toggleAttribute("hidden", !isDone);
    if (!isDone || !map.show([influence], content, { row: app.t, column: app.state.replacement?.s ?? null })) return;
    caption.textContent = influence.caption();
    comparison.textContent = compareWithAttention(influence);
    refresh();
  };
  const work = (/** @type {Influence} */ current) => {
    if (current !== influence || current.isDone) return;
    current.work(TRIALS_PER_SLICE);
    draw();
    setTimeout(work, 0, current);
  };
  const update = () => {
    const current = `${app.state.moment} ${app.source}`;
    if (current !== computed) {
      influence = new Influence(network, app.source ?? []);
      setTimeout(work, 0, influence);
    }
    computed = current;
    draw();
  };
  return { elements: [progress, results], update };
}

/** Align two answers, so that a symbol that only moves is unchanged. Returns pairs [before, after]; null marks an inserted or
    deleted symbol. */
function alignedPairs(/** @type {number[]} */ before, /** @type {number[]} */ after) {
  const { kinds, targetIndex, missing } = align(after, before, { wrong: 2, swap: Infinity });
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

/** Return the steps of a network's answer at the current moment, without forcing.
    @type {(network: TrainedNetwork, source: number[]) => Step[]} */
function freeSteps(network, source) {
  const run = app.runs.find((one) => one.network === network);
  let maxSteps = network.maxOutLen(source.length, null) + 1;
  if (!network.ends) maxSteps = run && source.length === run.source.length ? run.steps.length : maxSteps - 1;
  return network.at(app.state.moment).run(source, maxSteps, { toEnd: network.ends }).steps;
}

/** @type {(network: TrainedNetwork, source: number[]) => number[]} */
const freeAnswer = (network, source) => freeSteps(network, source).map((step) => step.written);

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

  constructor(/** @type {TrainedNetwork} */ network, /** @type {number[]} */ source) {
    const steps = freeSteps(network, source);
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
      const after = freeAnswer(this.network, this.source.with(s, symbol));
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
    return `The share of ${tried} that change the output when they replace the input. No input is left out.`;
  }
}

const [LOW_ATTENTION, HIGH_ATTENTION] = [0.2, 0.3];

/** Return the largest disagreement of attention and influence; null if there is none. `depends` is true if output t
    gives input s little attention but changes when `symbol` replaces it; false if the output attends most to this input
    but no substitute changes it. */
function disagreement(/** @type {Influence} */ { matrix, alpha, firstChange, substitutes }) {
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
function describeDisagreement({ matrix, alpha, network, source, answer }, { t, s, symbol, depends }) {
  const output = `Output ${t + 1} (${targetSymbol(network, answer[t])})`;
  const share = percent(alpha?.[t][s] ?? 0);
  const attention = `${output} gives ${share} of its attention to input ${s + 1} (${sourceSymbol(network, source[s])})`;
  if (!depends) return `${attention}, yet it stays the same with each symbol that was tried in place of this input.`;
  const changing = `${percent(matrix[t][s])} of all substitutes change it`;
  return `${attention}, yet it changes when ${sourceSymbol(network, symbol)} replaces this input; ${changing}.`;
}

/** Compare influence with attention in words. */
function compareWithAttention(/** @type {Influence} */ influence) {
  if (!influence.alpha) return "This network has no attention to compare with the influence of its inputs.";
  const difference = disagreement(influence);
  if (difference) return `Attention and influence differ. ${describeDisagreement(influence, difference)}`;
  return "Attention and influence agree for this source.";
}
