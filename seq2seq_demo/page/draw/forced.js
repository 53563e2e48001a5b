/* The panel that compares teacher forcing with free-running decoding. */

import { align, alignByPosition } from "../network/align.js";
import { app } from "./app.js";
import { h, headerCell, symbolSpan, table } from "./elements.js";
import { ordinal, pluralize } from "./format.js";
import { beforeAndAfterList } from "./influence.js";
import { networkColumns, panel, redrawnPart, scrollBox, updateScrollBox } from "./panels.js";
import { countForced, fedName, isForced, recovers, targetName, writtenSymbols } from "./runs.js";

/** @import { Alignment } from "../network/align.js"
    @import { Child } from "./elements.js"
    @import { Step } from "../network/network.js"
    @import { Run } from "../network/trained.js" */

/** @typedef {Run & { teacherSteps: Step[], expected: number[], alignment: Alignment }} ComparedRun A run with a target. */

export function forcedPanel() {
  const columns = networkColumns((i) => [redrawnPart(() => comparison(app.runs[i]))]);
  return panel("forced", "Teacher forcing and free-running", columns);
}

/** Compare teacher forcing with free-running decoding. Without a target, compare the answers before and after forcing.
 */
function comparison(/** @type {Run} */ answered) {
  if (!answered.teacherSteps) {
    const problem = app.targetError ? "the target that you typed is not valid" : "none is known for this source";
    const hint = h("p", {}, `Teacher forcing needs a target, but ${problem}. Type one above the picture.`);
    return [hint, countForced(answered) ? beforeAndAfterList(answered) : null];
  }
  const run = /** @type {ComparedRun} */ (answered);
  // the first output at which the decoder is fed another symbol with teacher forcing; −1 if there is none
  const divergence = run.teacherSteps.findIndex(({ fed }, t) => t < run.steps.length && run.steps[t].fed !== fed);
  const sentences = [describeDivergence(run, divergence), describeRecovery(run) || compareErrors(run)];
  const text = h("p", {}, sentences.join(" ").trim());
  // if there are errors, only the networks that make them get a table
  const isShown = !run.exact || app.runs.every(({ exact }) => exact);
  if (!isShown) return [text];
  const box = scrollBox(`Teacher forcing and free-running: ${run.network.name}`, comparedTable(run, divergence));
  updateScrollBox(box);
  return [text, box];
}

/** Return a sentence that compares the errors with teacher forcing and in free-running decoding. Return "" if there are
    no errors, or if the user forced a symbol that the network would not write. */
function compareErrors(/** @type {ComparedRun} */ run) {
  const { teacherSteps, written, expected } = run;
  if (run.exact || written.some((_, t) => run.isOverridden(t))) return "";
  const [teacher, free] = [writtenSymbols(teacherSteps), written].map((one) => countErrors(one, expected));
  const counts = `Teacher forcing: ${teacher.text}. Free-running: ${free.text}.`;
  if (teacher.edits >= free.edits) return counts;
  return `${counts} Teacher forcing looks better because the decoder is fed the target instead of its own errors.`;
}

/** Count the errors of an answer, including END, by position and by edit distance.
    @type {(written: number[], expected: number[]) => { edits: number, text: string }} */
function countErrors(written, expected) {
  const [{ edits: positions }, { edits }] = [alignByPosition(written, expected), align(written, expected)];
  const n = Math.max(written.length, expected.length);
  return { edits, text: `${positions} of ${n} wrong (${pluralize(edits, "edit")})` };
}

/** Describe the first difference between teacher forcing and free-running decoding.
    @type {(run: ComparedRun, divergence: number) => string} */
function describeDivergence(run, divergence) {
  const { teacherSteps, steps } = run;
  if (divergence > 0) {
    const symbol = targetName(run, steps[divergence].fed) + (isForced(divergence - 1) ? " (forced)" : "");
    const taught = targetName(run, teacherSteps[divergence].fed);
    return `At the ${ordinal(divergence + 1)} output, the decoder is fed ${symbol}; with teacher forcing, it is fed ${taught}.`;
  }
  const [n, most] = [steps.length, teacherSteps.length].sort((a, b) => a - b);
  const end = run.exact ? ", because no output is wrong" : ", because only the last output is wrong";
  return `Both were fed the same symbols${n < most ? ` up to the ${ordinal(n)} output, where one of them ends` : end}.`;
}

/** If all symbols except the forced ones are right, return a sentence that says so; otherwise, return "". */
function describeRecovery(/** @type {ComparedRun} */ run) {
  if (!run.steps.some((_, t) => run.isOverridden(t)) || !recovers(run)) return "";
  const shift = run.written.length - run.expected.length;
  const later = shift > 0 ? `, ${pluralize(shift, "position")} later` : "";
  return `The network recovers: all other symbols are right${later}.`;
}

/** Return a table of the symbols fed and written at each output, with teacher forcing and in free-running decoding. */
function comparedTable(/** @type {ComparedRun} */ run, /** @type {number} */ divergence) {
  const taught = alignByPosition(writtenSymbols(run.teacherSteps), run.expected); // symbols cannot shift here
  const length = Math.max(run.teacherSteps.length, run.steps.length);
  const heads = Array.from({ length }, (_, t) => ordinal(t + 1));
  /** @type {(label: string, className: string, steps: Step[], parts: (t: number) => Child[]) => Child[]} */
  const row = (label, className, steps, parts) => [
    headerCell("row", label),
    ...heads.map((_, t) => h("td", { className }, ...(t < steps.length ? parts(t) : []))),
  ];
  /** @type {(way: string, steps: Step[], alignment: Alignment) => Child[][]} */
  const rows = (way, steps, alignment) => [
    row(`${way}: fed`, "fed", steps, (t) => [fedName(run, steps, t)]),
    row("written", "", steps, (t) => writtenParts(run, alignment, steps[t].written, t)),
  ];
  const all = [...rows("Teacher forcing", run.teacherSteps, taught), ...rows("Free-running", run.steps, run.alignment)];
  const label = "Symbols fed and written, output by output";
  const compared = table({ class: "compared", "aria-label": label }, ["Output", ...heads], all);
  if (divergence > 0) for (const { cells } of compared.rows) cells[divergence + 1].classList.add("divergence");
  return compared;
}

/** Return the symbol written at output t, with notes on its errors.
    @type {(run: ComparedRun, alignment: Alignment, written: number, t: number) => Child[]} */
function writtenParts(run, alignment, written, t) {
  const { kinds, targetIndex, missing } = alignment;
  const name = (/** @type {number | undefined} */ symbol) => targetName(run, symbol);
  const error = kinds[t] === "wrong" ? `not ${name(run.expected[targetIndex[t]])}` : (kinds[t] ?? "extra");
  const isWrong = error !== "right";
  const forced = alignment === run.alignment && isForced(t) ? "forced" : "";
  const before = (missing[t] ?? []).map(name).join(", ");
  const notes = [[forced, isWrong ? error : ""].filter(Boolean).join(", "), before && `${before} missing before`];
  const symbol = symbolSpan(name(written), isWrong ? "symbol wrong" : "symbol");
  return [symbol, ...notes.filter(Boolean).map((note) => h("small", {}, note))];
}
