/* The panel that compares teacher forcing with free-running decoding. */

import { align, alignByPosition } from "./align.js";
import { app } from "./app.js";
import { redraw, scrollBox, updateScrollBox } from "./boxes.js";
import { h, headerCell, symbolSpan } from "./elements.js";
import { pluralize } from "./format.js";
import { beforeAndAfterList } from "./influence.js";
import { addPanel, networkColumns, panel } from "./panels.js";
import { countForced, errorLabel, fedName, isForced, targetName } from "./runs.js";

/** @import { Alignment } from "./align.js"
    @import { Step } from "./network.js"
    @import { Run } from "./trained.js" */

/** @typedef {Run & { teacherSteps: Step[], expected: number[], alignment: Alignment }} ComparedRun a run with a target */

export function forcedPanel() {
  const boxes = app.networks.map(() => h("div", {}));
  const section = panel(
    "forced",
    "Teacher forcing and free-running",
    "In training the decoder is fed the target, shifted by one (teacher forcing). When it answers, it is fed its own " +
      "output (free-running). Errors are counted place by place, and as the fewest edits: an edit inserts, deletes or " +
      "replaces a symbol, so a symbol too many can make all later places wrong, but is one edit, and a swap is two.",
    networkColumns((i) => [boxes[i]]),
  );
  /** @type {Run[]} */
  let shown;
  const update = () => {
    if (shown === app.runs) return;
    shown = app.runs;
    shown.forEach((run, i) => {
      redraw(
        boxes[i],
        ...(run.teacherSteps ? forcedAndFree(/** @type {ComparedRun} */ (run)) : [noTarget(), ...beforeAndAfter(run)]),
      );
      boxes[i].querySelectorAll("div.scroll").forEach((box) => updateScrollBox(/** @type {HTMLElement} */ (box)));
    });
  };
  return addPanel(section, update);
}

function noTarget() {
  const problem = app.targetError ? "the target that you typed is not valid" : "none is known for this source";
  return h("p", {}, `Teacher forcing needs a target, and ${problem}: type one, above the picture.`);
}

/** Compare the answers before and after forcing, for a source without a target. Empty if no symbol is forced. */
function beforeAndAfter(/** @type {Run} */ run) {
  if (!countForced(run)) return [];
  const before = run.network.run(run.source, null, app.state.moment, {}).written;
  return [beforeAndAfterList(run.network, before, run.written)];
}

/** Compare teacher forcing with free-running, step by step. */
function forcedAndFree(/** @type {ComparedRun} */ run) {
  const { teacherSteps, steps } = run;
  const n = Math.max(teacherSteps.length, steps.length);
  // the first output that is fed different symbols; -1 if there is none
  const divergence = steps.findIndex((step, t) => t < teacherSteps.length && step.fed !== teacherSteps[t].fed);
  const rows = [
    comparedRow(run, "Teacher forcing: fed", teacherSteps, n, divergence, true),
    comparedRow(run, "written", teacherSteps, n, divergence, false),
    comparedRow(run, "Free-running: fed", steps, n, divergence, true),
    comparedRow(run, "written", steps, n, divergence, false),
  ];
  const head = ["Output", ...Array.from({ length: n }, (_, t) => String(t + 1))];
  const cells = head.map((text, i) => headerCell("col", text, i && i - 1 === divergence ? "divergence" : ""));
  const caption = h("caption", { className: "visually-hidden" }, "Symbols fed and written, output by output");
  const parts = [caption, h("thead", {}, h("tr", {}, ...cells)), h("tbody", {}, ...rows)];
  const table = h("table", { className: "compared" }, ...parts);
  const isShown = !run.exact || app.runs.every(({ exact }) => exact); // otherwise, the errors of another network matter
  return [
    h("p", {}, `${describeDivergence(run, divergence)} ${describeRecovery(run) || compareErrors(run)}`.trim()),
    isShown ? scrollBox(`Teacher forcing and free-running: ${run.network.name}`, table) : null,
  ];
}

/** Compare the errors with teacher forcing and in free-running; "" if there are none, or if the user made one of them. */
function compareErrors(/** @type {ComparedRun} */ run) {
  const { teacherSteps, written, expected } = run;
  if (run.exact || written.some((_, t) => run.isOverridden(t))) return "";
  const taught = teacherSteps.map((step) => step.written);
  const [teacher, free] = [taught, written].map((one) => countErrors(one, expected));
  const counts = `Teacher forcing: ${teacher.text}. Free-running: ${free.text}.`;
  if (teacher.edits >= free.edits) return counts;
  return `${counts} Teacher forcing looks better because the decoder is fed the target instead of its own errors.`;
}

/** Count the errors of an answer, END included, by place and by edits.
    @type {(written: number[], expected: number[]) => { edits: number, text: string }} */
function countErrors(written, expected) {
  const [{ edits: places }, { edits }] = [alignByPosition(written, expected), align(written, expected)];
  const n = Math.max(written.length, expected.length);
  return { edits, text: `${places} of ${n} wrong (${pluralize(edits, "edit")})` };
}

/** Describe the first difference between teacher forcing and free-running.
    @type {(run: ComparedRun, divergence: number) => string} */
function describeDivergence(run, divergence) {
  const { teacherSteps, steps } = run;
  if (divergence > 0) {
    const symbol = targetName(run, steps[divergence].fed) + (isForced(divergence - 1) ? " (forced)" : "");
    const taught = targetName(run, teacherSteps[divergence].fed);
    return `At output ${divergence + 1}, the decoder is fed ${symbol}; with teacher forcing, it is fed ${taught}.`;
  }
  const [n, most] = [steps.length, teacherSteps.length].sort((a, b) => a - b);
  if (n < most) return `Both were fed the same symbols up to output ${n}, where one of them ends.`;
  const fed = "Both were fed the same symbols";
  return run.exact ? `${fed}, because no output is wrong.` : `${fed}, because only the last output is wrong.`;
}

/** Return a sentence if all symbols are right except those that were forced, else "". */
function describeRecovery(/** @type {ComparedRun} */ run) {
  const nForced = run.steps.filter((_, t) => run.isOverridden(t)).length;
  const isRight = run.written.every((_, t) => run.isOverridden(t) || !run.isWrong(t));
  if (!nForced || !isRight || run.alignment.missing.flat().length || run.alignment.right === 0) return "";
  const shift = run.written.length - run.expected.length;
  const later = shift > 0 ? `, ${pluralize(shift, "position")} later` : "";
  return `The network recovers: all other symbols are right${later}.`;
}

/** @type {(run: ComparedRun, label: string, steps: Step[], n: number, divergence: number, isFed: boolean) => HTMLElement} */
function comparedRow(run, label, steps, n, divergence, isFed) {
  const isTeacher = steps === run.teacherSteps;
  const cells = Array.from({ length: n }, (_, t) => {
    const className = t === divergence ? "divergence" : "";
    if (t >= steps.length) return h("td", { className }, h("span", { className: "visually-hidden" }, "nothing"));
    if (isFed) return h("td", { className }, fedName(run, steps, t));
    const { written } = steps[t];
    const isRight = run.expected[t] === written; // with teacher forcing, symbols cannot shift
    const error = !isTeacher ? errorLabel(run, t) : isRight ? "" : `not ${targetName(run, run.expected[t])}`;
    const note = [!isTeacher && isForced(t) ? "forced" : "", error].filter(Boolean).join(", ");
    const missing = isTeacher ? [] : run.missing(t).map((symbol) => targetName(run, symbol));
    return h(
      "td",
      { className },
      symbolSpan(targetName(run, written), error ? "symbol wrong" : "symbol"),
      note ? h("small", {}, note) : null,
      missing.length ? h("small", {}, `${missing.join(", ")} missing before`) : null,
    );
  });
  return h("tr", { className: isFed ? "fed" : "" }, headerCell("row", label), ...cells);
}
