/* The symbols, errors and probabilities of a run. */

import { app } from "./app.js";
import { pluralize, visible } from "./format.js";
import { softmax } from "./network.js";

/** @import { Kind } from "./align.js"
    @import { App } from "./app.js"
    @import { Step, Vector } from "./network.js"
    @import { Run, TrainedNetwork } from "./trained.js" */

/** Return a short label for the error at output t; "" if the output is right or no target is known.
    @type {(run: Run, t: number) => string} */
export function errorLabel(run, t) {
  if (!run.isWrong(t)) return "";
  return run.kind(t) === "extra" ? "extra" : `not ${targetName(run, run.expectedAt(t))}`;
}

/** Describe the errors of a run: wrong, extra and missing symbols, each listed if there are at most three.
    @type {(run: Run) => string} */
export function describeErrors(run) {
  const { alignment, expected, written, network } = run;
  if (!alignment || !expected) return "";
  /** @type {(symbol: number | undefined) => string} */
  const name = (symbol) => targetName(run, symbol);
  /** @type {(kind: Kind) => number[]} */
  const outputs = (kind) => [...written.keys()].filter((t) => alignment.kinds[t] === kind);
  /** @type {(t: number) => string} */
  const output = (t) => name(written[t]) + (run.isOverridden(t) ? " (forced)" : "");
  const errors = {
    wrong: outputs("wrong").map((t) => `${output(t)} instead of ${name(run.expectedAt(t))}`),
    extra: outputs("extra").map(output),
    missing: alignment.missing.flat().map(name),
  };
  const parts = Object.entries(errors)
    .filter(([, list]) => list.length)
    .map(([kind, list]) => pluralize(list.length, `${kind} symbol`) + (list.length <= 3 ? `: ${list.join(", ")}` : ""));
  const { edits, right } = alignment;
  if (edits <= 3 && right > 0) parts.push("all others are right");
  else parts.push(`${right} of ${expected.length} are right${network.ends ? ", END included" : ""}`);
  return parts.join("; ");
}

/** @type {(network: TrainedNetwork, symbol: number) => string} */
export const sourceSymbol = (network, symbol) => visible(network.sourceVocabulary.name(symbol));

/** @type {(network: TrainedNetwork, symbol: number) => string} */
export const targetSymbol = (network, symbol) => visible(network.targetVocabulary.name(symbol));

/** @type {(run: Run & { isBlank?: boolean }, s: number) => string} */
export const sourceName = (run, s) => (run.isBlank ? "" : sourceSymbol(run.network, run.source[s]));

/** @type {(run: Run, symbol: number | undefined) => string} */
export const targetName = (run, symbol = run.network.go) => targetSymbol(run.network, symbol);

/** @type {(run: Run, t: number) => string} */
export const writtenName = (run, t) => targetName(run, run.steps[t].written);

/** @type {(run: Run, steps: Step[], t: number) => string} */
export const fedName = (run, steps, t) => (t === 0 ? "GO" : targetName(run, steps[t].fed));

/** @type {(t: number) => boolean} */
export const isForced = (t) => app.state.forced[t] !== undefined;

/** @type {(run: Run) => number} */
export const countForced = (run) => run.steps.filter((_, t) => isForced(t)).length;

/** @type {(run: Run, t: number) => boolean} */
export const isEnd = (run, t) => run.network.ends && run.steps[t].written === run.network.go;

/** Return the softmax [V] of a step's logits, computed once.
    @type {(step: Step) => Vector} */
export function probabilities(step) {
  step.probabilities ??= softmax(step.logits);
  return step.probabilities;
}

/** Return the index of the current output; null while the source is read, and after the end of this run's answer.
    @type {(app: App, run: Run) => number | null} */
export const currentOutput = (app, run) => (app.t !== null && app.t < run.steps.length ? app.t : null);

/** Return the number of values in a run's state, over all layers.
    @type {(run: Run) => number} */
export const stateSize = (run) => run.encoded.states.flat().reduce((n, vector) => n + vector.length, 0);
