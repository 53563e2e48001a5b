/* The symbols, errors and probabilities of a run. */

import { app } from "./app.js";
import { pluralize, visible } from "./format.js";
import { softmax } from "./network.js";

/** Return a short label for the error at output t; "" if the output is right or no target is known. */
export function errorLabel(run, t) {
  if (!run.isWrong(t)) return "";
  return run.kind(t) === "extra" ? "extra" : `not ${targetName(run, run.expectedAt(t))}`;
}

/** Describe the errors of a run: wrong, extra and missing symbols, each listed if there are at most three. */
export function describeErrors(run) {
  const { alignment, expected, written, network } = run;
  const name = (symbol) => targetName(run, symbol);
  const outputs = (kind) => [...written.keys()].filter((t) => alignment.kinds[t] === kind);
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

export const sourceName = (run, s) => (run.isBlank ? "" : visible(run.network.sourceVocabulary.name(run.source[s])));
export const targetName = (run, symbol) => visible(run.network.targetVocabulary.name(symbol));
export const writtenName = (run, t) => targetName(run, run.steps[t].written);
export const fedName = (run, steps, t) => (t === 0 ? "GO" : targetName(run, steps[t].fed));
export const isForced = (t) => app.state.forced[t] !== undefined;
export const countForced = (run) => run.steps.filter((_, t) => isForced(t)).length;
export const isEnd = (run, t) => run.network.ends && run.steps[t].written === run.network.go;

/** Return the softmax [V] of a step's logits, computed once. */
export function probabilities(step) {
  step.probabilities ??= softmax(step.logits);
  return step.probabilities;
}

/** Return the index of the current output; null while the source is read, and after the end of this run's answer. */
export const currentOutput = (app, run) => (app.t !== null && app.t < run.steps.length ? app.t : null);

/** Return the number of values in a run's state, over all layers. */
export const stateSize = (run) => run.encoded.states.flat().reduce((n, vector) => n + vector.length, 0);
