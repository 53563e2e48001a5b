/* The symbols, errors and probabilities of a run. */

import { alignByPosition } from "./align.js";
import { app } from "./app.js";
import { pluralize, visible } from "./format.js";
import { softmax } from "./tape.js";

/** @import { Step } from "./network.js"
    @import { Run, TrainedNetwork } from "./trained.js" */

/** Return a short label for the error at output t; "" if the output is right or no target is known. */
export function errorLabel(/** @type {Run} */ run, /** @type {number} */ t) {
  if (!run.isWrong(t)) return "";
  const kind = run.kind(t);
  return kind === "wrong" ? `not ${targetName(run, run.expectedAt(t))}` : kind;
}

/** Return a word for what the picture marks at output t: that it was forced or is wrong; "" for other outputs.
    @type {(run: Run, t: number) => string} */
export const outputMark = (run, t) => (isForced(t) ? "forced" : run.isWrong(t) && !app.state.hidden ? run.kind(t) : "");

/** Describe the errors of an answer: the edits, which are listed if there are at most three, if the network ends its
    answers, and the number of places that differ. */
export function describeErrors(/** @type {Run} */ run) {
  const { alignment, expected, written, network } = run;
  if (!alignment || !expected) return "";
  const { kinds, missing } = alignment;
  const name = (/** @type {number} */ symbol) => targetName(run, symbol);
  const output = (/** @type {number} */ t) => name(written[t]) + (run.isOverridden(t) ? " (forced)" : "");
  const list = [
    ...kinds.flatMap((kind, t) => {
      if (kind === "right") return [];
      return kind === "extra"
        ? `${output(t)} is extra`
        : `${output(t)} instead of ${name(run.expectedAt(t) ?? network.go)}`;
    }),
    ...missing.flat().map((symbol) => `${name(symbol)} is missing`),
  ];
  const { text, edits, byPlace } = countErrors(network, written, expected);
  const named = edits > 3 ? "" : `: ${list.join(", ")}`;
  return network.ends ? `${pluralize(edits, "edit")}${named} (${byPlace})` : text + named;
}

/** Count the errors of an answer, END included, in both ways; without END, both counts are the same.
    @type {(network: TrainedNetwork, written: number[], expected: number[]) =>
      { edits: number, byPlace: string, text: string }} */
export function countErrors(network, written, expected) {
  const { edits: places } = alignByPosition(written, expected);
  const { edits } = network.compare(written, expected);
  const all = pluralize(Math.max(written.length, expected.length), "place");
  const byPlace = `${places} of ${all} ${places === 1 ? "differs" : "differ"}`;
  return { edits, byPlace, text: network.ends ? `${byPlace}; ${pluralize(edits, "edit")}` : byPlace };
}

/** @type {(network: TrainedNetwork, symbol: number) => string} */
export const sourceSymbol = (network, symbol) => visible(network.sourceVocabulary.name(symbol));

/** @type {(network: TrainedNetwork, symbol: number) => string} */
export const targetSymbol = (network, symbol) => visible(network.targetVocabulary.name(symbol));

/** Return a phone's example word, to follow its name; "" for other symbols.
    @type {(run: Run, symbol: number) => string} */
export function exampleWord(run, symbol) {
  const word = run.network.targetVocabulary.words[symbol];
  return word ? ` as in ${word}` : "";
}

/** @type {(run: Run & { isBlank?: boolean }, s: number) => string} */
export const sourceName = (run, s) => (run.isBlank ? "" : sourceSymbol(run.network, run.source[s]));

/** @type {(run: Run, symbol: number | undefined) => string} */
export const targetName = (run, symbol = run.network.go) => targetSymbol(run.network, symbol);

/** @type {(run: Run, t: number) => string} */
export const writtenName = (run, t) => targetName(run, run.steps[t].written);

/** @type {(run: Run, steps: Step[], t: number) => string} */
export const fedName = (run, steps, t) => (t === 0 ? "GO" : targetName(run, steps[t].fed));

/** Return a number of outputs and their total, which is left out while the answer is hidden.
    @type {(n: number, total: number) => string} */
export const countText = (n, total) => (app.state.hidden ? `${n}` : `${n} of ${total}`);

export const isForced = (/** @type {number} */ t) => app.state.forced[t] !== undefined;

export const countForced = (/** @type {Run} */ run) => run.steps.filter((_, t) => isForced(t)).length;

/** @type {(run: Run, t: number) => boolean} */
export const isEnd = (run, t) => run.network.ends && run.steps[t].written === run.network.go;

/** Return the softmax [V] of a step's logits, computed once. */
export function probabilities(/** @type {Step} */ step) {
  step.probabilities ??= softmax(step.logits);
  return step.probabilities;
}

/** Return the index of the current output; null while the source is read, and after the end of this run's answer. */
export const currentOutput = (/** @type {Run} */ run) => (app.t !== null && app.t < run.steps.length ? app.t : null);

/** Return the number of values in a run's state, over all layers.
    @type {(run: Run) => number} */
export const stateSize = (run) => run.encoded.states.flat().reduce((n, vector) => n + vector.length, 0);
