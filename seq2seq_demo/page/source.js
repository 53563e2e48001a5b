/* The first panel: the source, the target, the answers and the examples. */

import { announce, app, byId } from "./app.js";
import { button, h, symbolSpan } from "./elements.js";
import { largest, pluralize, trainedLengths } from "./format.js";
import { columns, labelWithHelp, withLabel } from "./panels.js";
import {
  countForced,
  describeErrors,
  errorLabel,
  isEnd,
  isForced,
  probabilities,
  targetName,
  writtenName,
} from "./runs.js";
import { PATTERNS } from "./symbols.js";

/** @import { Patch } from "./app.js"
    @import { Vocabulary } from "./symbols.js"
    @import { Run, TrainedNetwork } from "./trained.js" */

/** @typedef {"right" | "wrong" | "unknown"} Verdict */

/** Return the strip at the top of the page, and fill in the header. */
export function inputPanel() {
  showSummary();
  const answers = columns((i) => answerParts(i));
  const parts = [sourceField(), answers, examplesList(), targetField()];
  const section = h("section", { id: "input", attributes: { "aria-label": "Source and answer" } }, ...parts);
  const hide = toggleButton("hidden", "Hide the answer", "Show the answer", { place: null });
  const toggles = [hide, toggleButton("lecture", "Lecture view")];
  byId("actions").append(...toggles, ...copyButtons());
  return section;
}

function typePrompt(/** @type {Vocabulary} */ { isText, isSingleDigits, tokens, symbols }) {
  if (!isText) return isSingleDigits ? "Type some digits." : "Type some integers.";
  if (tokens === "words") return "Type some words.";
  if (symbols.every((symbol) => /\d/.test(symbol))) return "Type some digits.";
  return symbols.includes(" ") ? "Type some text." : "Type a word.";
}

/** Fill in the page's header: its title, and the task and the architecture of each network. */
function showSummary() {
  const { networks, title } = app;
  const tasks = networks.map(({ task_description: task }) => task && `on ${task.replace(/\.$/, "")}`);
  const isOneTask = new Set(tasks).size === 1;
  const trained = networks.length > 1 ? `${networks.length} small networks trained` : "A small network trained";
  const heading = /** @type {HTMLElement} */ (document.querySelector("h1"));
  heading.textContent = title || (isOneTask && tasks[0] ? `${trained} ${tasks[0]}` : heading.textContent);
  document.title = heading.textContent ?? "";
  const different = networks.map(({ name }, i) => `${name}: trained ${tasks[i] || "on an unknown task"}.`);
  const task = [...(isOneTask ? [] : different), typePrompt(networks[0].sourceVocabulary)];
  const summary = networks.map(({ name, summary }) => `${name}: ${summary}`);
  for (const [id, lines] of Object.entries({ task, summary })) {
    byId(id).replaceChildren(...lines.map((line) => h("span", {}, line)));
  }
  document.body.dataset.networks = String(networks.length);
}

/** Return a text field with a label, a help text, a hint and a line for errors.
    @type {(id: string, label: string, help: string, hint: string) => { field: HTMLElement, input: HTMLInputElement, showError: (text: string) => void }} */
function textField(id, label, help, hint) {
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
  const hintLine = h("p", { id: `${id}-hint`, className: "hint" }, hint);
  const showError = (/** @type {string} */ text) => {
    error.textContent = text;
    input.setAttribute("aria-invalid", String(text !== ""));
  };
  return { field: h("div", { className: "text-field" }, labelElement, input, error, hintLine), input, showError };
}

function sourceField() {
  const [{ sourceVocabulary: vocabulary }] = app.networks;
  const spaces = vocabulary.isSingleDigits ? "with or without spaces" : "separated by spaces";
  const separator = vocabulary.tokens === "characters" ? "" : `, ${spaces}`;
  const { field, input, showError } = textField(
    "source",
    "Source",
    "The input sequence, which the network reads symbol by symbol.",
    `Symbols: ${vocabulary.description()}${separator}. ${trainedLengths(app.networks)}`,
  );
  input.addEventListener("input", () => {
    app.change({ text: input.value });
    announceLater(() => app.error || answerTexts());
  });
  app.addForRuns(() => {
    if (input.value !== app.state.text) input.value = app.state.text;
    showError(app.error);
  });
  return field;
}

let announcing = 0; // a timer

/** Announce a text once typing pauses.
    @type {(makeText: () => string) => void} */
function announceLater(makeText) {
  clearTimeout(announcing);
  announcing = setTimeout(() => announce(makeText()), 600);
}

/** Return all answers with their judgements, for screen readers. */
function answerTexts() {
  if (app.state.hidden) return "The answer is hidden.";
  const text = (/** @type {Run} */ run) => {
    const answer = run.network.targetVocabulary.text(run.answer) || "only END";
    return withLabel(run.network, `Answer ${answer}, ${judgement(run).text}. ${momentNote(run.network)}`.trim());
  };
  return app.runs.map(text).join(" ");
}

/** Return a note on the moment of training that the answer of a network is from; "" for the saved network. */
function momentNote(/** @type {TrainedNetwork} */ network) {
  if (app.state.moment === null) return "";
  const step = network.stepAt(app.state.moment);
  if (step === null) return "This step was not recorded: this is the answer of the saved network.";
  return `This is the answer after ${pluralize(step, "training step")}.`;
}

export const announceAnswers = (prefix = "") => announce(`${prefix} ${answerTexts()}`.trim());

/** Return the hint below the target field: whether the page computes the target, and the valid symbols. */
function targetHint(/** @type {TrainedNetwork} */ { pattern, targetVocabulary: vocabulary }) {
  if (pattern && PATTERNS[pattern])
    return `The page computes the target with the pattern “${pattern}”. You can type another one.`;
  const form = `Symbols: ${vocabulary.description()}.`;
  return pattern ? `The page cannot compute the pattern ${pattern}: only its examples have targets. ${form}` : form;
}

/** Return the field for the target, which is filled in if the target is known. */
function targetField() {
  const [{ targetVocabulary: vocabulary }] = app.networks;
  const { field, input, showError } = textField(
    "target",
    "Target (optional)",
    "The expected answer. With a target, the page marks errors and compares teacher forcing with free-running.",
    targetHint(app.networks[0]),
  );
  const fill = () => {
    const target = app.runs.length && app.runs[0].target ? vocabulary.text(app.runs[0].target) : "";
    input.value = app.state.targetText ?? target;
  };
  input.addEventListener("input", () => {
    app.change({ targetText: input.value });
    announceLater(() => app.targetError || app.runs.map((run) => judgement(run).text).join(", "));
  });
  input.addEventListener("blur", () => {
    // an empty field returns to the known target
    if (input.value.trim() === "" && app.state.targetText !== null) app.change({ targetText: null });
    fill();
  });
  app.addForRuns(() => {
    if (document.activeElement !== input) fill();
    showError(app.targetError);
  });
  return field;
}

function examplesList() {
  const [{ examples, sourceVocabulary }] = app.networks;
  if (!examples.length) {
    const command = h("code", {}, "seq2seq-demo page --from-file");
    return h("p", { className: "hint" }, "This page has no examples. ", command, " adds some of your pairs.");
  }
  const items = examples.map(({ source, note }) => {
    const text = sourceVocabulary.text(source);
    const choose = () => {
      app.change({ text, forced: {}, replacement: null, targetText: null });
      announceAnswers();
    };
    const sample = h("span", { className: "sample", dir: "auto" }, text.trim());
    const choice = h("button", { type: "button", onclick: choose }, sample, note ? h("small", {}, note) : null);
    app.add(() => choice.setAttribute("aria-pressed", String(app.state.text === text)));
    return h("li", {}, choice);
  });
  return h("ul", { className: "examples", attributes: { "aria-label": "Examples" } }, ...items);
}

const WAITING = "The answer appears here when you type a source.";
const HIDDEN = "Hidden. Predict the answer, then press Next to see it symbol by symbol.";
const ALL_WRITTEN = "That was the last symbol. “Show the answer” compares the answer with the target.";
/** @type {Record<Verdict, string>} */
const MARKS = { right: "✓ ", wrong: "✗ ", unknown: "" };

/** Return the elements that show the answer of network i: its text, its tiles and its judgement. */
function answerParts(/** @type {number} */ i) {
  const id = i ? {} : { id: "prediction" };
  const attributes = { "aria-live": "off", ...(i ? { "data-network": i } : {}) }; // `announce` reads it out once
  const output = h("output", { ...id, className: "prediction", dir: "auto", attributes });
  const help =
    "The free-running answer: the decoder is fed each symbol that it writes. Errors are the places at which the answer " +
    "differs from the target and, if the network ends its answers, the fewest edits that turn one into the other. An " +
    "edit inserts, deletes or replaces a symbol, or swaps two neighbours.";
  const label = labelWithHelp("Answer", help);
  const tiles = h("ol", { className: "pieces", attributes: { "aria-label": "The answer, symbol by symbol" } });
  const line = h("p", { className: "judgement" });
  const notes = h("p", { className: "hint" });
  app.addForRuns(() => {
    const run = app.state.hidden ? null : app.runs[i];
    const text = app.error || app.runs.length ? "" : WAITING;
    /** @type {ReturnType<typeof judgement>} */
    const verdict = run ? judgement(run) : { kind: "unknown", text };
    output.textContent = run ? run.network.targetVocabulary.text(run.answer) : "";
    tiles.replaceChildren(...(run ? answerTiles(run) : []));
    tiles.hidden = !run;
    Object.assign(line, { className: `judgement ${verdict.kind}`, textContent: MARKS[verdict.kind] + verdict.text });
    notes.textContent = run ? answerNotes(run) : "";
  });
  app.add(() => {
    if (!app.state.hidden || !app.runs.length) return;
    line.textContent = app.state.place - app.S < app.runs[i].steps.length ? HIDDEN : ALL_WRITTEN;
  });
  return [label, output, tiles, line, notes];
}

/** Return the tiles of an answer, with the missing symbols and END; the notes below them describe the errors. Two symbols
    that are swapped share a tile. */
function answerTiles(/** @type {Run} */ run) {
  const { written, network, alignment } = run;
  const swaps = alignment?.swaps ?? [];
  /** @type {(symbols: Node[], className: string, ...notes: string[]) => HTMLElement} */
  const tile = (symbols, className, ...notes) =>
    h("li", { className: `piece ${className}` }, ...symbols, h("small", {}, notes.filter(Boolean).join(", ")));
  const forced = (/** @type {number} */ t) => (isForced(t) ? "forced" : "");
  const symbolAt = (/** @type {number} */ t) => symbolSpan(writtenName(run, t), `symbol ${forced(t)}`);
  const missing = (/** @type {number} */ t) =>
    run.missing(t).map((symbol) => tile([symbolSpan(targetName(run, symbol))], "gap", "missing"));
  const tiles = written.flatMap((_, t) => {
    if (swaps.includes(t - 1)) return [];
    const outputs = swaps.includes(t) ? [t, t + 1] : [t];
    const className = `${isEnd(run, t) ? "end" : ""} ${run.isWrong(t) ? `wrong ${run.kind(t)}` : ""}`;
    const note = outputs.map(forced).find(Boolean) ?? "";
    return [...missing(t), tile(outputs.map(symbolAt), className, note, errorLabel(run, t))];
  });
  const T = written.length;
  if (!network.ends || run.ended) return [...tiles, ...missing(T)];
  return [
    ...tiles,
    ...missing(T).slice(0, -1),
    tile([symbolSpan("…", `symbol ${forced(T)}`)], "end", forced(T), "did not end"),
  ];
}

/** Judge an answer: `kind` is "right", "wrong" or "unknown", `text` describes the errors.
    @type {(run: Run) => { kind: Verdict, text: string }} */
export function judgement(run) {
  const notEnded = run.network.ends && !run.ended ? "the answer did not end" : "";
  if (run.target === null)
    return { kind: "unknown", text: notEnded || (app.targetError ? "the target is not valid" : "no target is known") };
  if (run.exact) return { kind: "right", text: "right" };
  return { kind: "wrong", text: `wrong: ${describeErrors(run)}${notEnded && `; ${notEnded}`}` };
}

/** Return notes on an answer: forced symbols, a source length beyond training, the moment of training. */
function answerNotes(/** @type {Run} */ run) {
  const { network, source } = run;
  const notes = [];
  const nForced = countForced(run);
  if (nForced) notes.push(`You forced ${pluralize(nForced, "symbol")}.`);
  if (network.in_len && source.length > network.in_len)
    notes.push(`The source is longer than any in training (${network.in_len}).`);
  if (source.length < (network.min_in_len ?? network.in_len ?? 0))
    notes.push("The source is shorter than any in training.");
  return [...notes, momentNote(network)].join(" ").trim();
}

/** Return a button that switches a part of the state on or off; style sheets find it as `data-lecture`, `data-hidden`. A
    button with a label for each state is never pressed.
    @type {(name: "lecture" | "hidden", label: string, onLabel?: string, patch?: Patch) => HTMLElement} */
function toggleButton(name, label, onLabel = "", patch = {}) {
  const toggle = button(label, () => app.change({ [name]: !app.state[name], ...patch }), { id: name });
  app.add(() => {
    if (onLabel) toggle.textContent = app.state[name] ? onLabel : label;
    else toggle.setAttribute("aria-pressed", String(app.state[name]));
    document.documentElement.toggleAttribute(`data-${name}`, app.state[name]);
  });
  return toggle;
}

/** Return the buttons that copy the runs as JSON and the page's state as a link. */
function copyButtons() {
  const manual = h("textarea", { hidden: true, readOnly: true, rows: 4 });
  manual.setAttribute("aria-label", "Text to copy");
  const status = h("span", { className: "hint" });
  const copy = async (/** @type {string} */ text, /** @type {string} */ name) => {
    manual.hidden = true;
    try {
      await navigator.clipboard.writeText(text);
      status.textContent = `${name} copied`;
    } catch {
      Object.assign(manual, { hidden: false, value: text });
      manual.select();
      status.textContent = "The browser does not allow copying. Copy this text:";
    }
    announce(status.textContent);
  };
  const copyJson = () => copy(JSON.stringify(app.runs.map(asJson), null, 2), "JSON");
  const json = button("Copy as JSON", copyJson, { id: "copy-json" });
  const link = button("Copy link", () => copy(location.href, "Link"), { id: "copy-link" });
  app.add(() => {
    json.disabled = !app.runs.length;
    link.disabled = !app.source; // for an invalid source, the address still has the previous state
    // a link to a file is of no use to others, and the browser may forbid a page to set its address
    queueMicrotask(() => (link.hidden = location.protocol === "file:" || location.hash === ""));
    status.textContent = "";
    manual.hidden = true;
  });
  return [json, link, status, manual];
}

/** Return a run as JSON, with at most the 100 likeliest symbols of each step. */
function asJson(/** @type {Run} */ run) {
  const { network, exact, ended } = run;
  const names = (/** @type {number[]} */ numbers) => numbers.map((number) => network.targetVocabulary.name(number));
  const steps = run.steps.map((step, t) => ({
    fed: t ? network.targetVocabulary.name(step.fed) : "GO",
    written: network.targetVocabulary.name(step.written),
    forced: isForced(t),
    attention: step.alpha && [...step.alpha],
    probabilities: largest(probabilities(step), 100).map((symbol) => ({
      symbol: network.targetVocabulary.name(symbol),
      probability: probabilities(step)[symbol],
    })),
  }));
  const { text, place, moment } = app.state;
  return {
    network: network.name,
    state: { text, place, forced: app.forced, moment },
    source: run.source.map((number) => network.sourceVocabulary.name(number)),
    prediction: names(run.answer),
    expected: run.target && names(run.target),
    exact,
    ended: network.ends ? ended : null,
    training_step: network.stepAt(moment), // null is the saved network
    steps,
  };
}
