/* The panel that shows one step of encoding or decoding, in words and as a diagram. The step is `app.state.place`. */

import { announce, app } from "./app.js";
import { onNewSize, redraw, scrollBox, updateScrollBox } from "./boxes.js";
import { Diagram } from "./diagram.js";
import { button, h, revise } from "./elements.js";
import { percent } from "./format.js";
import { argmax } from "./network.js";
import { addPanel, networkColumns, withLabel } from "./panels.js";
import { countText, fedName, isEnd, isForced, probabilities, sourceName, stateSize, targetName } from "./runs.js";
import { answerNotes, judgement, momentNote, typeTarget } from "./source.js";
import { trialsNote } from "./trials.js";

/** @import { Verdict } from "./source.js"
    @import { Run } from "./trained.js" */

const BLANK = "Type a source. The encoder will read it, and then the decoder will write the answer, symbol by symbol.";
const FIRST_ACTION = "Press Play to watch.";
const HIDDEN = "Hidden. Predict the answer, then press Next to see it symbol by symbol.";
const ALL_WRITTEN = "“Show the answer” compares it with the target.";
/** @type {Record<Verdict, string>} */
export const MARKS = { right: "✓ ", wrong: "✗ ", unknown: "" };

/** Return the panel; `lines` stand below the pictures. */
export function stepPanel(/** @type {HTMLElement[]} */ lines) {
  const boxes = app.networks.map((network) => scrollBox(`Diagram: ${network.name}`));
  const sentences = app.networks.map((_, i) => sentenceParts(i));
  const parts = networkColumns((i) => [
    ...sentences[i].elements,
    h("div", { className: "picture-box" }, boxes[i]),
    lines[i] ?? null,
  ]);
  const section = h("section", { id: "step", attributes: { "aria-label": "Step by step" } }, parts);
  /** @type {Diagram[]} */
  const diagrams = [];
  /** @type {[number, number][]} */
  const sizes = [];
  let place = 0;
  /** @type {(i: number, isNext?: boolean) => void} */
  const draw = (i, isNext = false) => {
    const run = app.runs[i];
    if (!sizes[i] || !run) return; // the page has not been laid out, or has no source
    const T = shownSteps(run);
    const isNew = diagrams[i]?.run !== run || diagrams[i].T !== T;
    if (isNew) diagrams[i] = new Diagram(run, i, T, ...sizes[i]);
    const diagram = diagrams[i];
    diagram.show(app.state.place, isNext);
    if (isNew) redraw(boxes[i], diagram.element);
    if (isNew || diagram.width > diagram.room) updateScrollBox(boxes[i], diagram.x(diagram.currentColumn));
  };
  const update = () => {
    const isNext = app.state.place === place + 1;
    ({ place } = app.state);
    app.runs.forEach((run, i) => {
      draw(i, isNext);
      sentences[i].show(run);
    });
  };
  const resize = (/** @type {number} */ i) => {
    if (`${sizes[i]}` === `${size(boxes[i])}`) return;
    sizes[i] = size(boxes[i]);
    delete diagrams[i]; // draw it again
    draw(i);
  };
  boxes.forEach((box, i) => onNewSize([box], () => resize(i)));
  addEventListener("pageshow", () => boxes.forEach((_, i) => resize(i)), app.built); // no observer works in a frame out of view
  return addPanel(section, update);
}

/** Return the width of a picture's box and, in the lecture view of a window that is not narrow (see lecture.css), its
    height; otherwise, the picture can have any height.
    @type {(box: HTMLElement) => [number, number]} */
const size = ({ clientWidth, clientHeight }) => [
  clientWidth,
  (app.state.lecture && innerWidth >= 800 && clientHeight) || Infinity,
];

/** Return the elements of the sentence above the picture of network i, with the answer for screen readers, and `show`,
    which describes the current step. */
function sentenceParts(/** @type {number} */ i) {
  const attributes = { "aria-live": "off", ...(i ? { "data-network": i } : {}) }; // `announce` reads it out once
  const answer = h("output", { ...(i ? {} : { id: "prediction" }), className: "visually-hidden", attributes });
  app.addForRuns(() => {
    const run = app.state.hidden ? null : app.runs[i];
    answer.textContent = run ? run.network.targetVocabulary.text(run.answer) : "";
  });
  const [text, verdict, rest] = [h("span", {}, BLANK), h("strong"), h("span")];
  const type = button("", typeTarget, { className: "link" });
  const id = i ? {} : { id: "sentence" };
  const sentence = h("p", { className: "sentence", ...id }, text, " ", verdict, type, rest);
  const trials = trialsNote(app.networks[i], () => app.runs[i] && show(app.runs[i]));
  const show = (/** @type {Run} */ run) => {
    const { place, hidden, lecture, embed } = app.state;
    const isWritten = place - app.S >= run.steps.length;
    const judged = judgement(run);
    const isHidden = hidden && !(embed && isWritten); // the embedded view has no button that shows the answer
    const isOpening = app.isOpening && !isHidden;
    const isJudged = isHidden || isOpening || isWritten || Object.keys(app.forced).length > 0;
    const hiding = isWritten ? ALL_WRITTEN : place === app.S ? HIDDEN : "Hidden.";
    const [kind, words] = isHidden ? ["unknown", hiding] : [judged.kind, judged.text];
    const described = isHidden && place === app.S ? "" : describePlace(run, place);
    const note = momentNote();
    const read = `It has read the top row and written the bottom row (the picture is at output ${(app.t ?? 0) + 1}):`;
    const opening = note ? note.replace(/\.$/, ":") : read;
    const judging = lecture ? "The whole answer:" : `${described} The whole answer:`; // a projector has less room
    revise(text, {}, isOpening ? opening : isJudged && !isHidden ? judging : described);
    revise(verdict, { class: `judgement ${kind}` }, isJudged ? MARKS[/** @type {Verdict} */ (kind)] + words : "");
    revise(type, {}, judged.kind === "unknown" ? "(type one)" : "(target)");
    type.toggleAttribute("hidden", isHidden || !isJudged);
    const hint = isOpening ? (note || lecture || app.moments.length ? "" : FIRST_ACTION) : note;
    const notes = isJudged ? [answerNotes(run), trials(run)] : [];
    revise(rest, {}, isHidden ? "" : [isJudged ? "." : "", hint, ...notes].filter(Boolean).join(" "));
  };
  return { elements: [sentence, answer], show };
}

/** Return the number of decoder steps to draw: while the answer is hidden, those that were made, and at least the first. */
function shownSteps(/** @type {Run} */ { steps: { length: T } }) {
  return app.state.hidden ? Math.max(1, Math.min(app.state.place - app.S, T)) : T;
}

export function announcePlace() {
  announce(app.runs.map((run) => withLabel(run.network, describePlace(run, app.state.place))).join(" "));
}

export function goToOutput(/** @type {number} */ t) {
  app.change({ place: app.S + t + 1 });
  announcePlace();
}

/** Describe in a sentence what the network does at a step. */
function describePlace(/** @type {Run} */ run, /** @type {number} */ place) {
  const S = run.source.length;
  if (place === 0) return "Nothing has been read yet. Press Next to read the first symbol.";
  if (place <= S) return describeReading(run, place);
  const t = place - S - 1;
  return t < run.steps.length ? describeWriting(run, t) : `The answer ended after ${run.steps.length} steps.`;
}

function describeReading(/** @type {Run} */ run, /** @type {number} */ place) {
  const S = run.source.length;
  const { bidirectional, has_attention: hasAttention } = run.network.config;
  const n = `${stateSize(run)} numbers`;
  const reads = bidirectional
    ? `${sourceName(run, place - 1)} from the left and ${sourceName(run, S - place)} from the right, with states of ${n}`
    : `${sourceName(run, place - 1)} and updates its state of ${n}`;
  const sentence = `Reading ${place} of ${S}: the encoder reads ${reads}.`;
  if (place < S) return sentence;
  const state = bidirectional ? "both" : "this state";
  if (hasAttention) return `${sentence} The decoder starts from ${state} and attends to all inputs.`;
  return `${sentence} The decoder receives only ${state}.`;
}

function describeWriting(/** @type {Run} */ run, /** @type {number} */ t) {
  const step = run.steps[t];
  const withShare = (/** @type {number} */ symbol) =>
    `${targetName(run, symbol)} (${percent(probabilities(step)[symbol])})`;
  const attention = step.alpha ? `${describeAttention(step.alpha)} and ` : "";
  let sentence = `Writing ${countText(t + 1, run.steps.length)}: fed ${fedName(run, run.steps, t)}, the decoder ${attention}`;
  sentence += `${isForced(t) ? "is forced to write" : "writes"} ${withShare(step.written)}`;
  if (run.isOverridden(t)) sentence += ` instead of ${withShare(step.symbol)}`;
  if (run.isWrong(t) && !app.state.hidden) {
    const isExtra = run.kind(t) === "extra";
    sentence += isExtra ? ", an extra symbol" : `; expected ${targetName(run, run.expectedAt(t))}`;
  }
  sentence += isEnd(run, t) ? ". END ends the answer." : ".";
  const isCut = run.network.ends && !run.ended && t === run.steps.length - 1;
  return isCut ? `${sentence} The answer is cut off here because it did not end.` : sentence;
}

export function describeAttention(/** @type {number[] | Float32Array} */ alpha) {
  const s = argmax(alpha);
  return `attends most to input ${s + 1} (${percent(alpha[s])})`;
}
