/* The header, the source with its examples, and the target. */

import { announce, app, byId, hashOf, soon } from "./app.js";
import { button, h, revise } from "./elements.js";
import { pluralize } from "./format.js";
import { showTab, textOfAll } from "./panels.js";
import { describeErrors, wrongFirstSymbol } from "./runs.js";

/** @import { Patch } from "./app.js"
    @import { Vocabulary } from "../network/symbols.js"
    @import { Run, TrainedNetwork } from "../network/trained.js" */

/** @typedef {"right" | "wrong" | "unknown"} Verdict */

export const COVERED = "The answer is hidden.";
const ON_LENGTHS = 14; // the exercise on sources shorter or longer than those in training

/** Return the input section at the top of the page, and fill in the header. */
export function inputPanel() {
  const switchAnswer = () => {
    app.change({ hidden: !app.state.hidden, place: null, moment: null });
    if (!app.state.hidden && app.state.tab) showTab(app.state.tab);
  };
  const answer = button(() => `${app.state.hidden ? "Show" : "Hide"} the answer`, switchAnswer, { id: "hidden" });
  const title = "Back and forward: the keys of a clicker, or the arrow keys. Full screen: F";
  const switchView = () => app.change({ lecture: !app.state.lecture, embed: false });
  const isLecture = () => app.state.lecture;
  const view = button("Lecture view", switchView, { id: "lecture", title, "aria-pressed": isLecture });
  byId("actions").replaceChildren(answer, view);
  // so that the space bar changes the step in the lecture view
  byId("actions").onclick = ({ target }) => app.state.lecture && /** @type {HTMLElement} */ (target).blur();
  app.add(() => {
    for (const name of /** @type {const} */ (["hidden", "lecture", "embed"]))
      document.documentElement.toggleAttribute(`data-${name}`, app.state[name]);
  });
  const fields = h("div", { id: "fields" }, sourceField(), targetField());
  return h("section", { id: "input", "aria-label": "Source" }, fields, examplesList(), fullPageLink());
}

/** Return the link from the embedded view to the full page in the same state. */
function fullPageLink() {
  const link = h("a", { id: "full-page", target: "_blank", rel: "opener" }, "seq2seq-demo · open the full page");
  app.add(() => {
    if (app.state.embed) revise(link, { href: hashOf({ ...app.state, embed: false, lecture: false }) });
  });
  return link;
}

/** Fill in the page's title and, in the footer, the task and the architecture of each network. */
export function showSummary() {
  const { networks, title } = app;
  const tasks = networks.map(({ facts: { task_description: task } }) => task && `on ${task.replace(/\.$/, "")}`);
  const isOneTask = new Set(tasks).size === 1;
  const trained = networks.length > 1 ? `${networks.length} small networks trained` : "A small network trained";
  document.title = title || (isOneTask && tasks[0] ? `${trained} ${tasks[0]}` : document.title);
  document.querySelector("h1")?.replaceChildren(document.title);
  const notes = tasks.map((task) => (isOneTask ? "" : `, trained ${task || "on an unknown task"}`));
  const lines = networks.map(({ name, facts }, i) => `${name}${notes[i]}: ${facts.summary}`);
  byId("summary").replaceChildren(...lines.map((line) => h("span", {}, line)));
  document.body.dataset.networks = String(networks.length);
}

/** Return a text field with a label, a value that follows the state, and a line for an error or a hint.
    @type {(id: string, label: string, makePatch: (text: string) => Patch,
      makeParts: () => { text: string, error: string, hint: (Node | string)[] }) => HTMLElement} */
function textField(id, label, makePatch, makeParts) {
  const plain = { autocomplete: "off", autocapitalize: "off", autocorrect: false, spellcheck: false, dir: "auto" };
  const input = h("input", { id, type: "text", ...plain, "aria-describedby": `${id}-error ${id}-hint` });
  input.oninput = () => {
    app.change(makePatch(input.value));
    announceSoon();
  };
  input.onkeydown = (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.stopPropagation(); // otherwise, Escape would also leave the lecture view
    input.blur(); // from now on, the arrow keys change the step
  };
  const [error, hint] = ["error", "hint"].map((kind) => h("p", { id: `${id}-${kind}`, class: kind }));
  app.addForRuns(() => {
    const parts = makeParts();
    if (input.value !== parts.text) input.value = parts.text;
    revise(input, { "aria-invalid": parts.error !== "" });
    revise(error, {}, parts.error);
    hint.replaceChildren(...parts.hint);
  });
  return h("div", { class: "text-field" }, h("label", { htmlFor: id }, label), input, error, hint);
}

function sourceField() {
  const [{ sourceVocabulary: vocabulary }] = app.networks;
  const spaces = vocabulary.isSingleDigits ? "with or without spaces" : "separated by spaces";
  const separator = vocabulary.tokens === "characters" ? "" : `, ${spaces}`;
  const symbols = `Symbols: ${vocabulary.description()}${separator}.`;
  const parts = () => ({ text: app.state.text, error: app.error, hint: sourceHint(symbols) });
  return textField("source", "Source", (text) => ({ text }), parts);
}

/** Return the smallest and the largest source length on which all networks were trained. */
function trainedRange() {
  const ranges = app.networks.map(({ facts: { min_in_len: min, in_len: max } }) => [min ?? max ?? 1, max ?? Infinity]);
  return [Math.max(...ranges.map(([min]) => min)), Math.min(...ranges.map(([, max]) => max))];
}

/** Return the parts of the hint for the source: the known symbols and the source lengths in training or, if no source
    in training had this length, a note. */
function sourceHint(/** @type {string} */ symbols) {
  if (app.S && app.state.text === app.note.text) return [app.note.note];
  const [least, most] = trainedRange();
  const lengths = `${least === most ? "" : `${least} to `}${pluralize(most, "symbol")}`;
  if (!app.S || (app.S >= least && app.S <= most))
    return [app.S ? "" : "Type a source. ", symbols, most === Infinity ? "" : ` Sources in training: ${lengths}.`];
  const [order, length, how] = app.S < least ? ["shorter", least, "especially"] : ["longer", most, "even"];
  const note = `The source is ${order} than any in training (${length}): expect wrong answers, ${how} with attention. `;
  const href = document.querySelector(`#exercise-${ON_LENGTHS} a:not([rel])`)?.getAttribute("href");
  return [note, href ? h("a", { href }, `Exercise ${ON_LENGTHS} shows why.`) : ""];
}

/** Announce the error or the answers once typing pauses. */
const announceSoon = soon(() => announce(app.error || app.targetError || answerTexts()), 600);

/** Return all answers with their judgements, for screen readers. */
function answerTexts() {
  if (app.state.hidden) return COVERED;
  return textOfAll((run) => {
    const answer = run.network.targetVocabulary.text(run.answer) || "only END";
    return `${momentNote()}Answer ${answer}, ${judgement(run).text}.`;
  });
}

/** Return a note on the moment of training to which the answers belong; "" after all training. */
export const momentNote = () => (app.state.moment === null ? "" : `Step ${app.moments[app.state.moment]}: `);

export const announceAnswers = (prefix = "") => announce(`${prefix} ${answerTexts()}`.trim());

/** Return the field for the target, which is hidden until `typeTarget` shows it. If the target is known, the field
    contains it. */
function targetField() {
  const [{ targetVocabulary: vocabulary }] = app.networks;
  const hint = [`The target. Symbols: ${vocabulary.description()}.`];
  const text = () => app.state.targetText ?? vocabulary.text(app.runs[0]?.target ?? []);
  const parts = () => ({ text: text(), error: app.targetError, hint });
  const field = textField("target", "Right answer", (targetText) => ({ targetText }), parts);
  const hide = () => (field.hidden = app.state.targetText === null && !field.contains(document.activeElement));
  hide();
  app.add(hide);
  field.addEventListener("focusout", () => {
    if (app.state.targetText?.trim() === "") app.change({ targetText: null }); // restores the known target
    hide();
  });
  return field;
}

/** Show the field for the target, so that the user can type a different target. */
export function typeTarget() {
  const input = /** @type {HTMLInputElement} */ (byId("target"));
  /** @type {HTMLElement} */ (input.parentElement).hidden = false;
  input.select();
  input.focus();
}

/** Return a button that forces a wrong symbol as the first output or, if symbols are already forced, stops forcing
    them. */
function wrongSymbolButton() {
  const isForced = () => Object.keys(app.forced).length > 0;
  const act = () => {
    const wrong = { forced: { 0: wrongFirstSymbol(app.runs[0]) }, place: app.S + 2 };
    app.change(isForced() ? { forced: {}, place: null } : wrong);
    announceAnswers();
  };
  const words = () => (isForced() ? "Undo the wrong symbol" : "One wrong symbol: who recovers?");
  return button(words, act, { class: "primary", id: "question" });
}

function examplesList() {
  const choose = (/** @type {string} */ text) => {
    app.change({ text, forced: {}, replacement: null, targetText: null });
    announceAnswers();
  };
  const [{ examples, sourceVocabulary }] = app.networks;
  if (!examples.length && sourceVocabulary.isText && !app.moments.length) {
    const command = h("code", {}, "seq2seq-demo page --from-file");
    return h("p", { class: "hint" }, "This page has no examples. ", command, " adds some of your pairs.");
  }
  const items = examples.map(({ source, note }) => {
    const text = sourceVocabulary.text(source);
    const isUnique = examples.filter((other) => other.note === note).length === 1;
    const [shown, title] = sourceVocabulary.isText || !isUnique || !note ? [text.trim(), note || text] : [note, text];
    const isPressed = () => app.state.text === text;
    const properties = { title, dir: "auto", "aria-pressed": isPressed };
    const example = button(shown, () => choose(text), properties);
    return h("li", {}, example);
  });
  const among = (/** @type {number} */ n) => Math.floor(Math.random() * n);
  const symbols = () => Array.from({ length: randomLength(among) }, () => among(sourceVocabulary.largest + 1));
  const title = "A random source of a length used in training";
  const random = button("Random", () => choose(sourceVocabulary.text(symbols())), { title });
  if (!sourceVocabulary.isText) items.push(h("li", {}, random));
  if (app.networks.length > 1 && !app.moments.length) items.unshift(h("li", {}, wrongSymbolButton()));
  return h("ul", { class: "examples", "aria-label": "Examples" }, ...items);
}

/** Return the length of the source or, if no source in training had this length, a random length from training. */
function randomLength(/** @type {(n: number) => number} */ among) {
  const [least, most] = trainedRange();
  if (app.S >= least && app.S <= most) return app.S;
  return least + among((most === Infinity ? 6 : most) - least + 1);
}

/** Judge an answer: `kind` is "right", "wrong" or "unknown", and `text` gives the judgement in words.
    @type {(run: Run) => { kind: Verdict, text: string }} */
export function judgement(run) {
  const notEnded = run.network.ends && !run.ended ? "the answer did not end" : "";
  const unknown = notEnded || (app.targetError ? "the right answer is not valid" : "no target is known");
  if (run.target === null) return { kind: "unknown", text: unknown };
  if (run.exact) return { kind: "right", text: "right" };
  return { kind: "wrong", text: [describeErrors(run), notEnded].filter(Boolean).join("; ") };
}
