/* The header, the source with its examples, and the target. */

import { announce, app, byId, soon } from "./app.js";
import { button, h, revise } from "./elements.js";
import { pluralize, trainedLengths } from "./format.js";
import { labelWithHelp, withLabel } from "./panels.js";
import { countForced, describeErrors, wrongFirstSymbol } from "./runs.js";
import { showTab } from "./tabs.js";

/** @import { Patch } from "./app.js"
    @import { Vocabulary } from "./symbols.js"
    @import { Run, TrainedNetwork } from "./trained.js" */

/** @typedef {"right" | "wrong" | "unknown"} Verdict */

/** Return the strip at the top of the page, and fill in the header. */
export function inputPanel() {
  const hide = toggleButton("hidden", "Hide the answer", "Show the answer", () => ({
    place: null,
    moment: null,
  }));
  const lecture = toggleButton("lecture", "Lecture view", "", () => ({ embed: false }));
  byId("actions").append(hide, lecture);
  lecture.title = "Back and forward: the keys of a clicker, or the arrow keys. Full screen: F";
  app.add(() => document.documentElement.toggleAttribute("data-embed", app.state.embed));
  return h(
    "section",
    { id: "input", attributes: { "aria-label": "Source" } },
    sourceField(),
    targetField(),
    examplesList(),
  );
}

/** Fill in the page's title, and the task and the architecture of each network in the footer. */
export function showSummary() {
  const { networks, title } = app;
  const tasks = networks.map(({ task_description: task }) => task && `on ${task.replace(/\.$/, "")}`);
  const isOneTask = new Set(tasks).size === 1;
  const trained = networks.length > 1 ? `${networks.length} small networks trained` : "A small network trained";
  const heading = /** @type {HTMLElement} */ (document.querySelector("h1"));
  heading.textContent = title || (isOneTask && tasks[0] ? `${trained} ${tasks[0]}` : heading.textContent);
  document.title = heading.textContent ?? "";
  const lines = networks.map(
    ({ name, summary }, i) => `${name}${isOneTask ? "" : `, trained ${tasks[i] || "on an unknown task"}`}: ${summary}`,
  );
  byId("summary").replaceChildren(...lines.map((line) => h("span", {}, line)));
  document.body.dataset.networks = String(networks.length);
}

/** Return a text field with a label, a help text, a line for a hint, and one for errors.
    @type {(id: string, label: string, help: string) => { field: HTMLElement, input: HTMLInputElement, hint: HTMLElement,
      showError: (text: string) => void }} */
function textField(id, label, help) {
  const labelElement = labelWithHelp(label, help, "label");
  labelElement.children[0].setAttribute("for", id);
  const attributes = { "aria-describedby": `${id}-error ${id}-hint`, autocapitalize: "off", autocorrect: "off" };
  const input = h("input", { id, type: "text", autocomplete: "off", spellcheck: false, dir: "auto", attributes });
  input.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Enter" && event.key !== "Escape")) return;
    event.stopPropagation(); // Escape would leave the lecture view as well
    input.blur(); // now the arrow keys step
  });
  const error = h("p", { id: `${id}-error`, className: "error" });
  const hint = h("p", { id: `${id}-hint`, className: "hint" });
  const showError = (/** @type {string} */ text) => {
    error.textContent = text;
    input.setAttribute("aria-invalid", String(text !== ""));
  };
  return { field: h("div", { className: "text-field" }, labelElement, input, error, hint), input, hint, showError };
}

function sourceField() {
  const [{ sourceVocabulary: vocabulary }] = app.networks;
  const spaces = vocabulary.isSingleDigits ? "with or without spaces" : "separated by spaces";
  const separator = vocabulary.tokens === "characters" ? "" : `, ${spaces}`;
  const { field, input, hint, showError } = textField(
    "source",
    "Source",
    "The input sequence, which the network reads symbol by symbol.",
  );
  input.addEventListener("input", () => {
    app.change({ text: input.value });
    announceSoon();
  });
  app.addForRuns(() => {
    if (input.value !== app.state.text) input.value = app.state.text;
    showError(/vocabulary$/.test(app.error) ? `${app.error}: leave it out, or type another` : app.error);
    revise(hint, {}, `Symbols: ${vocabulary.description()}${separator}. ${trainedLengths(app.networks)}`);
  });
  return field;
}

/** Announce what was typed, once typing pauses. */
const announceSoon = soon(() => announce(app.error || app.targetError || answerTexts()), 600);

/** Return all answers with their judgements, for screen readers. */
function answerTexts() {
  if (app.state.hidden) return "The answer is hidden.";
  const text = (/** @type {Run} */ run) => {
    const answer = run.network.targetVocabulary.text(run.answer) || "only END";
    return withLabel(run.network, `Answer ${answer}, ${judgement(run).text}. ${momentNote()}`.trim());
  };
  return app.runs.map(text).join(" ");
}

/** Return a note on the moment of training that the answers are from; "" for the network after all its training. */
export const momentNote = ({ moment } = app.state) =>
  moment === null ? "" : `This is the answer after ${pluralize(app.moments[moment], "training step")}.`;

export const announceAnswers = (prefix = "") => announce(`${prefix} ${answerTexts()}`.trim());

/** Return the field for the target, which is filled in if the target is known, and hidden until `typeTarget`. */
function targetField() {
  const [{ targetVocabulary: vocabulary }] = app.networks;
  const { field, input, hint, showError } = textField(
    "target",
    "Right answer",
    "The target. With it, the page marks errors and compares teacher forcing with free-running.",
  );
  field.hidden = true;
  const fill = () => {
    const target = app.runs.length && app.runs[0].target ? vocabulary.text(app.runs[0].target) : "";
    input.value = app.state.targetText ?? target;
  };
  input.addEventListener("input", () => {
    app.change({ targetText: input.value });
    announceSoon();
  });
  input.addEventListener("blur", () => {
    // an empty field returns to the known target
    if (input.value.trim() === "" && app.state.targetText !== null) app.change({ targetText: null });
    fill();
  });
  app.addForRuns(() => {
    if (document.activeElement !== input) fill();
    showError(app.targetError);
    revise(hint, {}, `Symbols: ${vocabulary.description()}.`);
    if (app.state.targetText !== null) field.hidden = false;
  });
  return field;
}

/** Show the field for the target, to type another. */
export function typeTarget() {
  const input = /** @type {HTMLInputElement} */ (byId("target"));
  /** @type {HTMLElement} */ (input.parentElement).hidden = false;
  input.select();
  input.focus();
}

/** Return a button that forces a wrong symbol as the first output, or undoes what is forced. */
function wrongSymbolButton() {
  const act = () => {
    const forced = { 0: wrongFirstSymbol(app.runs[0]) };
    const isForced = Object.keys(app.forced).length > 0;
    app.change(isForced ? { forced: {}, place: null } : { forced, place: app.S + 2 });
    announceAnswers();
  };
  const question = button("", act, { className: "primary", id: "question" });
  app.addForRuns(() => {
    revise(question, {}, Object.keys(app.forced).length ? "Undo the wrong symbol" : "One wrong symbol: who recovers?");
  });
  return question;
}

function examplesList() {
  const choose = (/** @type {string} */ text) => {
    app.change({ text, forced: {}, replacement: null, targetText: null });
    announceAnswers();
  };
  const [{ examples, sourceVocabulary }] = app.networks;
  if (!examples.length && sourceVocabulary.isText && !app.moments.length) {
    const command = h("code", {}, "seq2seq-demo page --from-file");
    return h("p", { className: "hint" }, "This page has no examples. ", command, " adds some of your pairs.");
  }
  const items = examples.map(({ source, note }) => {
    const text = sourceVocabulary.text(source);
    const isUnique = examples.filter((other) => other.note === note).length === 1;
    const [shown, title] = sourceVocabulary.isText || !isUnique || !note ? [text.trim(), note] : [note, text];
    const choice = button(shown, () => choose(text), { title, dir: "auto" });
    app.add(() => revise(choice, { "aria-pressed": app.state.text === text }));
    return h("li", {}, choice);
  });
  const symbols = () =>
    Array.from({ length: app.S || 6 }, () => Math.floor(Math.random() * (sourceVocabulary.largest + 1)));
  const title = "Random symbols, as many as the source has";
  const random = button("Random", () => choose(sourceVocabulary.text(symbols())), { title });
  if (!sourceVocabulary.isText) items.push(h("li", {}, random));
  if (app.networks.length > 1 && !app.moments.length) items.unshift(h("li", {}, wrongSymbolButton()));
  return h("ul", { className: "examples", attributes: { "aria-label": "Examples" } }, ...items);
}

/** Judge an answer: `kind` is "right", "wrong" or "unknown", `text` describes the errors.
    @type {(run: Run) => { kind: Verdict, text: string }} */
export function judgement(run) {
  const notEnded = run.network.ends && !run.ended ? "the answer did not end" : "";
  if (run.target === null)
    return {
      kind: "unknown",
      text: notEnded || (app.targetError ? "the right answer is not valid" : "no target is known"),
    };
  if (run.exact) return { kind: "right", text: "right" };
  return { kind: "wrong", text: [describeErrors(run), notEnded].filter(Boolean).join("; ") };
}

/** Return notes on an answer: forced symbols, a source length beyond training. */
export function answerNotes(/** @type {Run} */ run) {
  const { network, source } = run;
  const notes = [];
  const nForced = countForced(run);
  if (nForced) notes.push(`You forced ${pluralize(nForced, "symbol")}.`);
  if (network.in_len && source.length > network.in_len)
    notes.push(`The source is longer than any in training (${network.in_len}).`);
  if (source.length < (network.min_in_len ?? network.in_len ?? 0))
    notes.push("The source is shorter than any in training.");
  return notes.join(" ");
}

/** Return a button that switches a part of the state on or off; style sheets find it as `data-lecture`, `data-hidden`. A
    button with a label for each state is never pressed.
    @type {(name: "lecture" | "hidden", label: string, onLabel: string, makePatch: () => Patch) => HTMLElement} */
function toggleButton(name, label, onLabel, makePatch) {
  const act = () => {
    app.change({ [name]: !app.state[name], ...makePatch() });
    if (app.state.lecture) toggle.blur(); // now the space bar steps
    if (name === "hidden" && !app.state.hidden && app.state.tab) showTab(app.state.tab);
  };
  const toggle = button(label, act, { id: name });
  app.add(() => {
    if (onLabel) revise(toggle, {}, app.state[name] ? onLabel : label);
    else revise(toggle, { "aria-pressed": app.state[name] });
    document.documentElement.toggleAttribute(`data-${name}`, app.state[name]);
  });
  return toggle;
}
