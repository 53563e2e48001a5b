/* The panel that compares teacher forcing with free-running decoding. */

import { align, alignByPosition } from "./align.js";
import { app } from "./app.js";
import { h, headerCell, ordinal, pluralize, symbolSpan } from "./elements.js";
import { beforeAndAfterList } from "./influence.js";
import { addPanel, networkColumns, panel, redraw, scrollBox, updateScrollBox } from "./panels.js";
import { countForced, errorLabel, fedName, isForced, recovers, targetName, writtenSymbols } from "./runs.js";

/** @import { Alignment } from "./align.js"
    @import { Child } from "./elements.js"
    @import { Step } from "./network.js"
    @import { Run } from "./trained.js" */

/** @typedef {Run & { teacherSteps: Step[], expected: number[], alignment: Alignment }} ComparedRun a run with a target */

export function forcedPanel() {
  const boxes = app.networks.map(() => h("div", {}));
  const section = panel(
    "forced",
    "Teacher forcing and free-running",
    "In training, the decoder is fed the target (teacher forcing); when it answers, its own output (free-running). " +
      "Errors are counted by position, and as edits: a symbol too many makes later positions wrong, but is one edit.",
    networkColumns((i) => [boxes[i]]),
  );
  return addPanel(section, () => {
    if (app.isStep) return;
    app.runs.forEach((run, i) => {
      const parts = run.teacherSteps ? forcedAndFree(/** @type {ComparedRun} */ (run)) : beforeAndAfter(run);
      redraw(boxes[i], ...parts);
    });
  });
}

/** Compare the answers before and after forcing, if a symbol is forced, for a source without a target. */
function beforeAndAfter(/** @type {Run} */ run) {
  const problem = app.targetError ? "the target that you typed is not valid" : "none is known for this source";
  const hint = h("p", {}, `Teacher forcing needs a target, and ${problem}: type one, above the picture.`);
  return [hint, countForced(run) ? beforeAndAfterList(run) : null];
}

/** Compare teacher forcing with free-running, step by step. */
function forcedAndFree(/** @type {ComparedRun} */ run) {
  const { teacherSteps, steps } = run;
  // the first output that is fed different symbols; -1 if there is none
  const divergence = steps.findIndex((step, t) => t < teacherSteps.length && step.fed !== teacherSteps[t].fed);
  const text = `${describeDivergence(run, divergence)} ${describeRecovery(run) || compareErrors(run)}`.trim();
  const isShown = !run.exact || app.runs.every(({ exact }) => exact); // otherwise, the errors of another network matter
  if (!isShown) return [h("p", {}, text)];
  const box = scrollBox(`Teacher forcing and free-running: ${run.network.name}`, comparedTable(run, divergence));
  updateScrollBox(box);
  return [h("p", {}, text), box];
}

/** Compare the errors with teacher forcing and in free-running; "" if there are none, or if the user made one of them. */
function compareErrors(/** @type {ComparedRun} */ run) {
  const { teacherSteps, written, expected } = run;
  if (run.exact || written.some((_, t) => run.isOverridden(t))) return "";
  const [teacher, free] = [writtenSymbols(teacherSteps), written].map((one) => countErrors(one, expected));
  const counts = `Teacher forcing: ${teacher.text}. Free-running: ${free.text}.`;
  if (teacher.edits >= free.edits) return counts;
  return `${counts} Teacher forcing looks better because the decoder is fed the target instead of its own errors.`;
}

/** Count the errors of an answer, END included, by position and by edits.
    @type {(written: number[], expected: number[]) => { edits: number, text: string }} */
function countErrors(written, expected) {
  const [{ edits: positions }, { edits }] = [alignByPosition(written, expected), align(written, expected)];
  const n = Math.max(written.length, expected.length);
  return { edits, text: `${positions} of ${n} wrong (${pluralize(edits, "edit")})` };
}

/** Describe the first difference between teacher forcing and free-running.
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

/** Return a sentence if all symbols are right except those that were forced, else "". */
function describeRecovery(/** @type {ComparedRun} */ run) {
  if (!run.steps.some((_, t) => run.isOverridden(t)) || !recovers(run)) return "";
  const shift = run.written.length - run.expected.length;
  const later = shift > 0 ? `, ${pluralize(shift, "position")} later` : "";
  return `The network recovers: all other symbols are right${later}.`;
}

/** Return a table of the symbols that are fed and written in both ways, output by output. */
function comparedTable(/** @type {ComparedRun} */ run, /** @type {number} */ divergence) {
  const { teacherSteps, steps } = run;
  const outputs = Array.from({ length: Math.max(teacherSteps.length, steps.length) }, (_, t) => t);
  const className = (/** @type {number} */ t) => (t === divergence ? "divergence" : "");
  /** @type {(label: string, shown: Step[], parts: (t: number) => Child[]) => Node[]} */
  const cells = (label, shown, parts) => {
    const nothing = () => [h("span", { className: "visually-hidden" }, "nothing")];
    const partsAt = (/** @type {number} */ t) => (t < shown.length ? parts(t) : nothing());
    return [headerCell("row", label), ...outputs.map((t) => h("td", { className: className(t) }, ...partsAt(t)))];
  };
  const rows = [teacherSteps, steps].flatMap((shown) => {
    const label = `${shown === steps ? "Free-running" : "Teacher forcing"}: fed`;
    return [
      h("tr", { className: "fed" }, ...cells(label, shown, (t) => [fedName(run, shown, t)])),
      h("tr", {}, ...cells("written", shown, (t) => writtenParts(run, shown, t))),
    ];
  });
  const heads = outputs.map((t) => headerCell("col", ordinal(t + 1), className(t)));
  const head = h("thead", {}, h("tr", {}, headerCell("col", "Output"), ...heads));
  const caption = h("caption", { className: "visually-hidden" }, "Symbols fed and written, output by output");
  return h("table", { className: "compared" }, caption, head, h("tbody", {}, ...rows));
}

/** Return the symbol written at output t, with notes on its errors.
    @type {(run: ComparedRun, steps: Step[], t: number) => Child[]} */
function writtenParts(run, steps, t) {
  const isFree = steps === run.steps;
  const { written } = steps[t];
  const name = (/** @type {number | undefined} */ symbol) => targetName(run, symbol);
  const isTaughtRight = run.expected[t] === written; // with teacher forcing, symbols cannot shift
  const error = isFree ? errorLabel(run, t) : isTaughtRight ? "" : `not ${name(run.expected[t])}`;
  const missing = isFree ? run.missing(t).map(name).join(", ") : "";
  const notes = [
    [isFree && isForced(t) ? "forced" : "", error].filter(Boolean).join(", "),
    missing && `${missing} missing before`,
  ];
  const symbol = symbolSpan(name(written), error ? "symbol wrong" : "symbol");
  return [symbol, ...notes.filter(Boolean).map((note) => h("small", {}, note))];
}
