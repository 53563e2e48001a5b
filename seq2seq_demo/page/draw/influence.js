/* The influence panel, which replaces one input at a time and shows which outputs change. */

import { align } from "../network/align.js";
import { announce, app, soon } from "./app.js";
import { button, h, labelledSelect, revise } from "./elements.js";
import { ordinal, percent, pluralize } from "./format.js";
import { HeatMap, outputsByInputs } from "./heatmap.js";
import { addPanel, networkColumns, panel, redrawnPart, textOfAll } from "./panels.js";
import { sourceSymbol, targetName, writtenSymbols } from "./runs.js";
import { goToOutput } from "./step.js";

/** @import { Replacement } from "./app.js"
    @import { Vocabulary } from "../network/symbols.js"
    @import { Run, TrainedNetwork } from "../network/trained.js" */

/** The influence of every input on every output of an answer. `matrix` [T][S] contains, for each output and each input,
    the fraction of the input's substitutes that change the output.
    @typedef {{ answer: number[], matrix: number[][] }} Influence */

const MAX_SUBSTITUTES = 10; // symbols that are tried in place of an input
const MAX_TRIALS = 300; // runs of the network per source; inputs of a long source get fewer substitutes
const CAPTION = "The fraction of other symbols that change the output when they replace the input.";
const TRIALS_PER_SLICE = 4; // the page can respond between two slices

export const influencePanel = () =>
  panel("influence", "Influence", redrawnPart(influenceControls), networkColumns(influenceParts));

/** Replace input s with a symbol, by default its first substitute, and announce how many outputs change.
    @type {(s: number, symbol?: number) => void} */
function replace(s, symbol = substitutes(app.networks[0], app.runs[0].source[s])[0]) {
  const replacement = { s, symbol };
  app.change({ replacement });
  const n = (/** @type {Run} */ run) => changedOutputs(freeAnswer(run), freeAnswer(run, replacement)).length;
  announce(textOfAll((run) => `${pluralize(n(run), "output")} changed`));
}

/** Return the controls that choose a replacement for an input. */
function influenceControls() {
  const [network] = app.networks;
  const { replacement } = app.state;
  if (!replacement) return ["Click a square, or select it with the arrow keys, to replace its input."];
  const { s, symbol } = replacement;
  const names = Array.from({ length: network.sourceVocabulary.largest + 1 }, (_, i) => sourceSymbol(network, i));
  const list = labelledSelect(`Replace the ${ordinal(s + 1)} input with`, names, (one) => replace(s, one), symbol);
  const undo = button("Undo", () => app.change({ replacement: null }, "The original source is back"));
  return [h("div", { class: "controls" }, list, undo)];
}

/** Return a list that aligns two answers of a run's network: the answer without forcing, and the answer after a
    replacement or, without a replacement, after forcing. Symbols that differ are marked.
    @type {(run: Run, replacement?: Replacement) => HTMLElement} */
export function beforeAndAfterList(run, replacement) {
  const after = replacement ? freeAnswer(run, replacement) : writtenSymbols(run.steps);
  const name = (/** @type {number | null} */ symbol) => (symbol === null ? "–" : targetName(run, symbol));
  const items = alignedPairs(freeAnswer(run), after).map(([old, one]) => {
    const note = old === one ? null : h("span", { class: "visually-hidden" }, " changed");
    const symbol = h("span", { class: note ? "symbol moved" : "symbol" }, name(one), note);
    return h("li", {}, h("span", { class: "symbol before" }, name(old)), symbol);
  });
  const labels = ["before", "after"].map((text) => h("span", {}, text));
  const rowLabels = h("li", { "aria-hidden": true, class: "row-labels" }, ...labels);
  return h("ol", { class: "beforeafter", "aria-label": "Each output before and after" }, rowLabels, ...items);
}

/** Return the elements of network i: the answers before and after a replacement, and the heat map of the influence. The
    influence is computed in slices while the page shows the progress. */
function influenceParts(/** @type {number} */ i) {
  const { state } = app;
  const answers = redrawnPart(() => [state.replacement && beforeAndAfterList(app.runs[i], state.replacement)]);
  const progress = h("p");
  const map = new HeatMap(`Influence of each input on each output of ${app.networks[i].name}`, (t, s) => {
    if (app.t !== t) goToOutput(t);
    if (s !== null && s !== state.replacement?.s) replace(s);
  });
  const figure = h("figure", {}, h("figcaption", {}, CAPTION), map.box);
  /** @type {Run | null} */
  let begun = null; // the last run for which the computation was started
  /** @type {(Influence & { run: Run }) | null} */
  let shown = null; // the last complete influence
  const show = () => {
    figure.toggleAttribute("hidden", !shown);
    if (!shown) return;
    const { run, answer, matrix } = shown;
    const outputs = answer.map((symbol) => targetName(run, symbol));
    const content = () => outputsByInputs(run, outputs, matrix, "changes with");
    map.show([matrix], content, { row: app.t, column: state.replacement?.s ?? null });
    revise(progress, {}, run.model === app.runs[i]?.model ? "" : "From an earlier training step:");
  };
  const begin = async (/** @type {Run} */ run) => {
    begun = run;
    for await (const influence of influenceOf(run)) {
      if (run !== begun) return;
      if (influence.done === 1) shown = { run, ...influence };
      if (!shown) revise(progress, {}, `Computing the influence of each input: ${percent(influence.done)}`);
      show();
    }
  };
  const beginSoon = soon(() => app.runs.length && begin(app.runs[i]), 400); // training changes networks often
  const update = () => {
    const run = app.runs[i];
    if (`${begun?.source}` !== `${run.source}`) {
      shown = null;
      begin(run);
    } else if (begun?.model !== run.model) beginSoon();
    show();
  };
  return [answers, addPanel(progress, update), figure];
}

/** Align two answers. Returns pairs [before, after]; null marks an inserted or deleted symbol. */
function alignedPairs(/** @type {number[]} */ before, /** @type {number[]} */ after) {
  const { kinds, targetIndex, missing } = align(after, before);
  return missing.flatMap((symbols, t) => {
    /** @type {[number | null, number | null][]} */
    const pairs = symbols.map((symbol) => [symbol, null]);
    if (t < after.length) pairs.push([kinds[t] === "extra" ? null : before[targetIndex[t]], after[t]]);
    return pairs;
  });
}

/** Return the indices of the outputs in `before` that change or are deleted. */
function changedOutputs(/** @type {number[]} */ before, /** @type {number[]} */ after) {
  const pairs = alignedPairs(before, after).filter(([symbol]) => symbol !== null);
  return [...before.keys()].filter((t) => pairs[t][1] !== pairs[t][0]);
}

/** Return the answer of a run's network without forcing. `replacement` replaces an input of the run's source.
    @type {(run: Run, replacement?: Replacement) => number[]} */
function freeAnswer({ network, model, source, steps }, replacement) {
  const input = replacement ? source.with(replacement.s, replacement.symbol) : source;
  const most = network.ends ? network.maxOutLen(source.length, null) + 1 : steps.length;
  const answer = model.run(input, most, { toEnd: network.ends });
  return writtenSymbols(answer.steps);
}

/** Return at most n symbols to try in place of a symbol: a sample of the other symbols in its category or, if its
    category contains no others, of all other symbols.
    @type {(network: TrainedNetwork, symbol: number, n?: number) => number[]} */
function substitutes({ sourceVocabulary: vocabulary }, symbol, n = MAX_SUBSTITUTES) {
  const others = Array.from({ length: vocabulary.largest }, (_, i) => (symbol + 1 + i) % (vocabulary.largest + 1));
  const alike = others.filter((other) => category(vocabulary, other) === category(vocabulary, symbol));
  const candidates = alike.length ? alike : others;
  const length = Math.min(n, candidates.length);
  return Array.from({ length }, (_, i) => candidates[Math.floor(((i + 0.5) * candidates.length) / length)]);
}

/** Return the category of a character: letter, digit or other. Words and integers have no category. */
function category(/** @type {Vocabulary} */ vocabulary, /** @type {number} */ symbol) {
  if (vocabulary.tokens !== "characters") return null;
  return [/^\p{L}/u, /^\p{N}/u].findIndex((kind) => kind.test(vocabulary.name(symbol)));
}

/** Compute the influence of every input on every output of a run's answer. Each trial replaces one input and records
    the outputs that change. The generator yields the influence after every few trials, so that the page can respond;
    `done` is the fraction of the work that has been done.
    @type {(run: Run) => AsyncGenerator<Influence & { done: number }>} */
async function* influenceOf(run) {
  const { network, source } = run;
  const answer = freeAnswer(run);
  const matrix = answer.map(() => source.map(() => 0));
  const n = Math.min(MAX_SUBSTITUTES, Math.floor(MAX_TRIALS / source.length));
  const trials = source.flatMap((original, s) => {
    const symbols = substitutes(network, original, n);
    return symbols.map((symbol) => ({ s, symbol, weight: 1 / symbols.length }));
  });
  for (const [i, { s, symbol, weight }] of trials.entries()) {
    if (i % TRIALS_PER_SLICE === 0) {
      await new Promise((resolve) => setTimeout(resolve));
      yield { answer, matrix, done: i / trials.length };
    }
    for (const t of changedOutputs(answer, freeAnswer(run, { s, symbol }))) matrix[t][s] += weight;
  }
  yield { answer, matrix, done: 1 };
}
