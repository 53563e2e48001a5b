/* The symbols, errors and probabilities of a run. */

import { largest } from "../network/network.js";
import { softmax } from "../network/tape.js";
import { app } from "./app.js";
import { visible } from "./format.js";

/** @import { Step } from "../network/network.js"
    @import { Run, TrainedNetwork } from "../network/trained.js" */

/** Return a string with the number of errors of each kind in an answer, from output `first` on; "" if only END is
    missing. */
export function describeErrors(/** @type {Run} */ { alignment, written, network }, first = 0) {
  if (!alignment) return "";
  const [kinds, missing] = [alignment.kinds.slice(first), alignment.missing.slice(first)];
  const [wrong, extra] = ["wrong", "extra"].map((kind) => kinds.filter((one) => one === kind).length);
  const nMissing = missing.flat().filter((symbol) => symbol !== network.go || !network.ends).length;
  if (wrong && !extra && !nMissing) return `${wrong} of ${written.length - first} wrong`;
  const counts = Object.entries({ wrong, extra, missing: nMissing });
  return counts.flatMap(([kind, n]) => (n ? `${n} ${kind}` : [])).join(", ");
}

/** @type {(network: TrainedNetwork, symbol: number) => string} */
export const sourceSymbol = (network, symbol) => visible(network.sourceVocabulary.name(symbol));

/** Return a phone's example word, as a string that follows the phone's name; "" for other symbols.
    @type {(run: Run, symbol: number) => string} */
export function exampleWord(run, symbol) {
  const word = run.network.targetVocabulary.words[symbol];
  return word ? ` as in ${word}` : "";
}

/** @type {(run: Run, s: number) => string} */
export const sourceName = (run, s) => sourceSymbol(run.network, run.source[s]);

/** @type {(run: Run, symbol: number | undefined) => string} */
export const targetName = ({ network }, symbol = network.go) => visible(network.targetVocabulary.name(symbol));

/** @type {(run: Run, t: number) => string} */
export const writtenName = (run, t) => targetName(run, run.steps[t].written);

export const writtenSymbols = (/** @type {Step[]} */ steps) => steps.map(({ written }) => written);

/** @type {(run: Run, steps: Step[], t: number) => string} */
export const fedName = (run, steps, t) => (t === 0 ? "GO" : targetName(run, steps[t].fed));

export const isForced = (/** @type {number} */ t) => app.state.forced[t] !== undefined;

export const countForced = (/** @type {Run} */ run) => run.steps.filter((_, t) => isForced(t)).length;

/** Return whether there is a target and all symbols except the forced ones are right. */
export function recovers(/** @type {Run} */ { alignment, written }) {
  const isRight = written.every((_, t) => isForced(t) || alignment?.kinds[t] === "right");
  return isRight && alignment !== null && alignment.right > 0 && !alignment.missing.flat().length;
}

/** @type {(run: Run, t: number) => boolean} */
export const isEnd = (run, t) => run.network.ends && run.steps[t].written === run.network.go;

/** Return the softmax [V] of a step's logits, which is computed only once. */
export function probabilities(/** @type {Step} */ step) {
  step.probabilities ??= softmax(step.logits);
  return step.probabilities;
}

/** Return the likeliest wrong first symbol, except for END and the symbol that the network writes. */
export function wrongFirstSymbol(/** @type {Run} */ { steps: [step], expected, network }) {
  const others = [step.symbol, expected?.[0], network.go];
  return largest(probabilities(step), 4).find((symbol) => !others.includes(symbol)) ?? 0;
}

/** Return the index of the current output; null while the source is being read, and after the end of this run's answer.
 */
export const currentOutput = (/** @type {Run} */ run) => (app.t !== null && app.t < run.steps.length ? app.t : null);

/** Return the number of values in a run's state, over all layers.
    @type {(run: Run) => number} */
export const stateSize = (run) => run.encoded.states.flat().reduce((n, vector) => n + vector.length, 0);
