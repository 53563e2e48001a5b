/* The panel that shows one step of encoding or decoding, in words and as a diagram. The step is `app.state.place`. */

import { argmax } from "../network/network.js";
import { announce, app } from "./app.js";
import { Diagram, positionsTable } from "./diagram.js";
import { button, h, revise, zoom } from "./elements.js";
import { ordinal, percent } from "./format.js";
import { addPanel, networkColumns, onNewSize, redraw, scrollBox, updateScrollBox, withLabel } from "./panels.js";
import { countForced, fedName, isEnd, isForced, probabilities, sourceName, stateSize, targetName } from "./runs.js";
import { COVERED, judgement, momentNote, typeTarget } from "./source.js";

/** @import { Verdict } from "./source.js"
    @import { Run } from "../network/trained.js" */

const BLANK = "Type a source: the encoder reads it, and the decoder writes the answer.";
const READ = "The network has read the top row and written the bottom row. Press Play to watch.";
const HIDDEN = "Predict the answer, then press Next.";
const ALL_WRITTEN = "Press “Show the answer” to compare it with the target.";
/** @type {Record<Verdict, string>} */
export const MARKS = { right: "✓ ", wrong: "✗ ", unknown: "" };
/** @type {ReturnType<typeof judgement>} */
const NOT_JUDGED = { kind: "unknown", text: "" };

/** Return the panel. `below` contains the parts to show below each picture. */
export function stepPanel(/** @type {HTMLElement[][]} */ below) {
  const pictures = app.networks.map((_, i) => diagramBox(i));
  const sentences = app.networks.map((_, i) => sentenceParts(i));
  const parts = networkColumns((i) => [...sentences[i].elements, pictures[i].element, ...below[i]]);
  const section = h("section", { id: "step", "aria-label": "Step by step" }, parts);
  return addPanel(section, () => [...pictures, ...sentences].forEach(({ show }) => show()));
}

/** Return the picture of network i, and `show`, which draws the current step. */
function diagramBox(/** @type {number} */ i) {
  const box = scrollBox(`Diagram: ${app.networks[i].name}`);
  /** @type {Diagram | null} */
  let diagram = null;
  let [room, scale] = [[0, 0], 1]; // until the page has been laid out
  const show = () => {
    const run = app.runs[i];
    const { place, hidden } = app.state;
    if (!room[0] || !run) return;
    const n = run.steps.length; // while the answer is hidden, only the steps taken so far are drawn, but at least one
    const T = hidden ? Math.max(1, Math.min(place - app.S, n)) : n;
    const isNew = !diagram?.isFor(run, T);
    if (!diagram || isNew) diagram = new Diagram(run, i, T, room[0], room[1], scale);
    diagram.show(place);
    if (isNew) redraw(box, diagram.element);
    if (isNew || diagram.width > diagram.room) updateScrollBox(box, diagram.x(diagram.currentColumn));
  };
  /** @type {(newRoom: [number, number], newScale: number) => void} */
  const fit = (newRoom, newScale) => {
    if (`${[room, scale]}` === `${[newRoom, newScale]}`) return;
    [room, scale, diagram] = [newRoom, newScale, null];
    show();
  };
  const resize = () => fit(size(box), zoom());
  onNewSize([box], resize);
  // observers do not run in a frame that is out of view
  for (const type of ["resize", "pageshow", "afterprint"]) addEventListener(type, resize, app.built);
  addEventListener("beforeprint", () => fit(sheetRoom(), 1), app.built);
  return { element: h("div", { class: "picture-box" }, box, positionsTable(i)), show };
}

/** Return the space for a picture on a sheet (A4 or Letter), in px; see lecture.css. In a frame, pictures stand side by
    side.
    @type {() => [number, number]} */
const sheetRoom = () => (app.state.embed ? [960 / app.networks.length, 320] : [960, 460]);

/** Return the width and the height of a picture's box. In a narrow window (see page.css and lecture.css), the height is
    infinite, because the picture can have any height.
    @type {(box: HTMLElement) => [number, number]} */
const size = ({ clientWidth, clientHeight }) => [
  clientWidth,
  (matchMedia(`(min-width: ${app.state.lecture ? 50 : 64}em)`).matches && clientHeight) || Infinity,
];

/** Return the elements above the picture of network i, and `show`, which updates them for the current step. The
    elements are a verdict, a sentence, and the answer for screen readers. */
function sentenceParts(/** @type {number} */ i) {
  const identity = i ? { "data-network": i } : { id: "prediction" };
  const answer = h("output", { ...identity, class: "visually-hidden", "aria-live": "off" }); // `announce` reads it out
  app.addForRuns(() => {
    const run = app.state.hidden ? null : app.runs[i];
    revise(answer, {}, run ? run.network.targetVocabulary.text(run.answer) : "");
  });
  const [moment, verdict] = [h("span"), h("strong")];
  const sentence = h("p", { class: "sentence", ...(i ? {} : { id: "sentence" }) }, BLANK);
  const type = button("", typeTarget, { class: "link" });
  const forced = button("", () => app.change({ forced: {} }), { class: "link" });
  const line = h("p", { class: "verdict" }, moment, verdict, type, forced);
  const show = () => {
    const run = app.runs[i];
    const { place, hidden, embed } = app.state;
    const isWritten = place - app.S >= run.steps.length;
    const isHidden = hidden && !(embed && isWritten); // the embedded view has no button that shows the answer
    const isJudged = !isHidden && (app.isOpening || isWritten || Object.keys(app.forced).length > 0);
    const nForced = isJudged ? countForced(run) : 0;
    const { kind, text } = isJudged ? judgement(run) : NOT_JUDGED;
    const link = kind === "unknown" ? "(type one)" : "(target)";
    revise(moment, {}, isJudged ? momentNote() : "");
    revise(verdict, { class: `judgement ${kind}` }, MARKS[kind] + (isHidden ? COVERED : text));
    revise(type, {}, isJudged ? link : "");
    revise(forced, {}, nForced ? `${nForced} forced: undo` : "");
    line.title = line.textContent ?? ""; // the end of the line may not fit
    const described = app.isOpening && !isHidden && !isWritten ? READ : describePlace(run);
    const hiding = isWritten ? ALL_WRITTEN : HIDDEN;
    revise(sentence, {}, isHidden && (isWritten || place === app.S) ? hiding : described);
  };
  return { elements: [line, sentence, answer], show };
}

export function announcePlace() {
  const described = app.runs.map((run) => withLabel(run.network, describePlace(run)));
  announce([app.t === null ? "" : `${ordinal(app.t + 1)} output.`, ...described].join(" ").trim());
}

export function goToOutput(/** @type {number} */ t) {
  app.change({ place: app.S + t + 1 });
  announcePlace();
}

/** Describe in a sentence what the network does at the current step. */
function describePlace(/** @type {Run} */ run) {
  const { t } = app;
  if (app.state.place === 0) return "Nothing has been read yet. Press Next to read the first symbol.";
  if (t === null) return describeReading(run);
  return t < run.steps.length ? describeWriting(run, t) : `The answer ended after ${run.steps.length} steps.`;
}

function describeReading(/** @type {Run} */ run) {
  const [S, place] = [app.S, app.state.place];
  const { bidirectional, has_attention: hasAttention } = run.network.config;
  const n = `${stateSize(run)} numbers`;
  const first = sourceName(run, place - 1);
  const [reads, state] = bidirectional
    ? [`${first} from the left and ${sourceName(run, S - place)} from the right, with states of ${n}`, "both"]
    : [`${first} and updates its state of ${n}`, "this state"];
  const starts = `starts from ${state} and attends to ${hasAttention ? "all inputs" : "no input"}`;
  return `Reading ${place} of ${S}: it reads ${reads}.${place < S ? "" : ` The decoder ${starts}.`}`;
}

function describeWriting(/** @type {Run} */ run, /** @type {number} */ t) {
  const step = run.steps[t];
  const withShare = (/** @type {number} */ symbol) =>
    `${targetName(run, symbol)} (${percent(probabilities(step)[symbol])})`;
  const fed = fedName(run, run.steps, t);
  const from = t === 0 ? fed : isForced(t - 1) ? `the forced ${fed}` : `the ${fed} it wrote`;
  const looks = step.alpha ? `${describeAttention(run, t)}, and ` : "";
  const writes = `${isForced(t) ? "is forced to write" : "writes"} ${withShare(step.written)}`;
  const instead = run.isOverridden(t) ? ` instead of ${withShare(step.symbol)}` : "";
  const wrong =
    (run.alignment?.kinds[t] ?? "extra") === "extra"
      ? ", an extra symbol"
      : `; expected ${targetName(run, run.expectedAt(t))}`;
  const end = isEnd(run, t) ? ". END ends the answer." : ".";
  const isCut = run.network.ends && !run.ended && t === run.steps.length - 1;
  const cut = isCut ? " The answer is cut off here because it did not end." : "";
  return `Fed ${from}, it ${looks}${writes}${instead}${run.isWrong(t) && !app.state.hidden ? wrong : ""}${end}${cut}`;
}

/** @type {(run: Run, t: number) => string} */
export function describeAttention(run, t) {
  const alpha = run.steps[t].alpha ?? [];
  const s = argmax(alpha);
  return `looks most at the ${ordinal(s + 1)} input, the ${sourceName(run, s)} (${percent(alpha[s])})`;
}
