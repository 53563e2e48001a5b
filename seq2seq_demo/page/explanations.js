/* The panel of six short explanations. Each asks for a prediction and compares it with a run of the network. */

import { announce, MAX_SOURCE_LEN } from "./app.js";
import { button, h, radioTiles } from "./elements.js";
import { largest, percent, pluralize, trainedLengths, visible } from "./format.js";
import { describeDisagreement, disagreement, Influence, substitutes } from "./influence.js";
import { argmax } from "./network.js";
import { panel } from "./panels.js";
import { fedName, probabilities, sourceSymbol, stateSize, targetSymbol, writtenName } from "./runs.js";
import { judgement } from "./source.js";
import { reveal } from "./tabs.js";
import { same } from "./trained.js";

/** An explanation with an exercise. The prediction is one of the `choices` or, without choices, an answer of the
    network. `show` runs the network and returns the right prediction, a sentence, and the state that the panel `panelId`
    displays; `reason` tells why this state has another source. Without a `question`, there is nothing to predict.
    @import { App, PageState } from "./app.js"
    @import { Run, TrainedNetwork } from "./trained.js"
    @typedef {{ answer: string, message: string, patch?: Partial<PageState>, reason?: string }} Shown
    @typedef {{ title: string, text: string, question?: string, choices?: string[], button?: string, panelId?: string,
      show?: () => Shown }} Exercise
    @typedef {{ app: App, network: TrainedNetwork, source: number[], free: Run }} Context */

const YES_NO = ["yes", "no"];

/** @type {(app: App) => HTMLElement} */
export function explanationsPanel(app) {
  const guide = makeGuide(app);
  const elements = EXERCISES.map((_, i) => exerciseElement(app, i, guide.show));
  const help = "What each part of the network does. Predict what the network will do, then look.";
  return panel("explanations", "Explanations", help, h("div", { className: "explanations" }, ...elements));
}

/** Return exercise i for the current source or, if it is invalid, for an example. It is about the first network, or the
    first with attention.
    @type {(app: App, i: number) => Exercise & { prefix: string }} */
function exerciseOf(app, i) {
  const { networks } = app;
  const [needsAttention, make, makeWithout = make] = EXERCISES[i];
  const attentive = networks.find(({ config }) => config.has_attention);
  const network = (needsAttention && attentive) || networks[0];
  const source = app.source ?? network.examples[0]?.source ?? [0];
  const context = { app, network, source, free: runOf(app, network, source) };
  const exercise = (needsAttention && !attentive ? makeWithout : make)(context);
  return { ...exercise, prefix: networks.length > 1 ? `${network.name}: ` : "" };
}

/** @type {(app: App, i: number, showGuide: ReturnType<typeof makeGuide>["show"]) => HTMLElement} */
function exerciseElement(app, i, showGuide) {
  const { title, text, button: label, panelId, show } = exerciseOf(app, i);
  const element = h("article", { className: "explanation" }, h("h3", {}, `${i + 1}. ${title}`), h("p", {}, text));
  if (!show || !label || !panelId) return element;
  const questionBox = h("div");
  let [asked, prediction] = ["", ""];
  const showButton = button(label, () => {
    const before = { ...app.state };
    const exercise = exerciseOf(app, i);
    const shown = /** @type {() => Shown} */ (exercise.show)();
    const why = app.source ? shown.reason : "your source is invalid";
    const verdict = judge(app, exercise, prediction, shown.answer);
    app.change({ forced: {}, replacement: null, ...shown.patch });
    const isOther = app.state.text !== before.text;
    const message =
      verdict + exercise.prefix + shown.message + (isOther ? ` Shown with ${app.state.text}: ${why}.` : "");
    announce(message);
    showGuide(panelId, message, showButton, isOther ? before : null);
  });
  app.add({
    update() {
      const current = JSON.stringify([app.state.text, app.state.targetText, app.state.moment]);
      if (current === asked) return;
      [asked, prediction] = [current, ""];
      const exercise = exerciseOf(app, i);
      questionBox.replaceChildren(...questionParts(exercise, `predict-${i}`, (text) => (prediction = text)));
    },
  });
  element.append(questionBox, showButton);
  return element;
}

/** Return a question with its choices or with a text field.
    @type {(exercise: ReturnType<typeof exerciseOf>, name: string, predict: (text: string) => void) => Node[]} */
function questionParts({ prefix, question, choices }, name, predict) {
  if (!question) return [];
  const text = prefix + question;
  const items = choices?.map((text) => ({ text }));
  if (items) return [radioTiles(text, name, items, undefined, (i) => predict(items[i].text))];
  const oninput = () => predict(input.value);
  const input = h("input", { type: "text", id: name, autocomplete: "off", spellcheck: false, dir: "auto", oninput });
  return [h("label", { htmlFor: name }, text), input];
}

/** Judge a prediction; "" if there is none.
    @type {(app: App, exercise: Exercise, prediction: string, answer: string) => string} */
function judge({ networks: [{ targetVocabulary }] }, { choices }, prediction, answer) {
  if (!prediction.trim()) return "";
  let read = prediction;
  try {
    if (!choices) read = targetVocabulary.text(targetVocabulary.numbers(prediction));
  } catch {
    // a text that is not in the vocabulary is a wrong prediction
  }
  return read === answer ? `✓ As you predicted: ${answer}. ` : `✗ You predicted ${read}, the result is ${answer}. `;
}

/** Return `show`, which shows a panel and a message below it until the state changes, with a button back to the exercise
    and, if the exercise changed the source, a button that restores the state `before`.
    @param {App} app */
function makeGuide(app) {
  const [text, guide] = [h("p"), h("div", { className: "guide" })];
  let shown = { ...app.state };
  app.add({
    update() {
      if (shown.text !== app.state.text) guide.remove();
      text.hidden = JSON.stringify(shown) !== JSON.stringify(app.state);
    },
  });
  /** @type {(panelId: string, message: string, from: HTMLElement, before: PageState | null) => void} */
  const show = (panelId, message, from, before) => {
    const section = document.getElementById(panelId);
    if (!section) return;
    const back = button("Back to the explanations", () => {
      guide.remove();
      reveal(from);
      from.focus();
    });
    const restore = () => {
      if (before) app.change(before, "Your source is back");
      section.focus({ preventScroll: true });
    };
    reveal(section);
    shown = { ...app.state };
    Object.assign(text, { textContent: message, hidden: false });
    const buttons = h("div", { className: "controls" }, back, before && button("Back to my source", restore));
    guide.replaceChildren(text, buttons);
    document.querySelector("main")?.append(guide);
    section.tabIndex = -1;
    section.focus({ preventScroll: true });
  };
  return { show };
}

/** Run a network on a source at the current moment, with some outputs forced.
    @type {(app: App, network: TrainedNetwork, source: number[], forced?: Record<number, number>) => Run} */
function runOf(app, network, source, forced = {}) {
  const current = app.runs.find((run) => run.network === network && same(run.source, source));
  if (current && !Object.keys({ ...app.state.forced, ...forced }).length) return current;
  return network.run(source, current ? current.target : network.knownTarget(source), app.state.moment, forced);
}

/** Return the text and the place of a state; a source that is already typed keeps its spelling.
    @type {(app: App, source: number[], place: number) => Partial<PageState>} */
const stateOf = (app, source, place) => ({
  text: source === app.source ? app.state.text : app.networks[0].sourceVocabulary.text(source),
  place,
});

/** @type {(network: TrainedNetwork, source: number[], s: number) => string} */
const inputName = (network, source, s) => `input ${s + 1} (${sourceSymbol(network, source[s])})`;

/** @type {(network: TrainedNetwork, source: number[]) => string} */
const sourceText = ({ sourceVocabulary: vocabulary }, source) =>
  vocabulary.tokens === "characters" ? visible(vocabulary.text(source)) : vocabulary.text(source);

/* The exercises, in the order of the panel. */

/** @type {(context: Context) => Exercise} */
function encoder({ app, network, source }) {
  const { num_layers: layers, has_attention: hasAttention, bidirectional, states, cell_size: H } = network.config;
  const size = states.length * layers * H;
  const parts = states.join(" and ") + (layers > 1 ? ` of ${layers} layers` : "");
  const order = bidirectional ? "in both directions" : "symbol by symbol";
  const memory = " and attends to the memory, the encoder's output at each input";
  const text = `The encoder reads the source ${order} and updates its state. The decoder starts from the final state`;
  return {
    title: "The encoder",
    text: `${text}${hasAttention ? memory : ", all that it knows of the source"}.`,
    question: `The final state has ${size} numbers (${parts}). How many does it have for a source twice as long?`,
    choices: [size, 2 * size].map(String),
    button: "Show the final state",
    panelId: "inside",
    show: () => ({
      answer: String(stateSize(runOf(app, network, [...source, ...source]))),
      message: `All ${source.length} inputs are read. The framed column is the final state.`,
      patch: stateOf(app, source, source.length),
    }),
  };
}

/** @type {(context: Context) => Exercise} */
function decoder({ app, network, source, free: run }) {
  const t = Math.min(1, run.steps.length - 1);
  const p = percent(probabilities(run.steps[t])[run.steps[t].written]);
  const end = network.ends ? ", until it writes END" : "";
  return {
    title: "The decoder",
    text: `The decoder is first fed GO. It writes the likeliest symbol, which it is fed at the next step${end}.`,
    question: `What will it write for ${sourceText(network, source)}?`,
    button: "Show its second step",
    panelId: "probabilities",
    show: () => ({
      answer: network.targetVocabulary.text(run.answer),
      message: `Output ${t + 1}: fed ${fedName(run, run.steps, t)}, it writes ${writtenName(run, t)} with a probability of ${p}.`,
      patch: stateOf(app, source, source.length + t + 1),
    }),
  };
}

/** @type {(context: Context) => Exercise} */
function teacherForcing({ app, network, source, free }) {
  const shares = free.steps.slice(0, free.answer.length || 1).map((step) => probabilities(step)[step.written]);
  const t = argmax(shares.map((share) => -share));
  const { logits, written } = free.steps[t];
  const others = largest(logits, 3).filter((symbol) => symbol !== written);
  const symbol = others.find((one) => one !== network.go) ?? others[0];
  const [name, other] = [written, symbol].map((one) => targetSymbol(network, one));
  const choices = ["none", "one", "several"];
  return {
    title: "Teacher forcing and exposure bias",
    text:
      "In training the decoder is fed the target (teacher forcing); when it answers, it is fed its own output. It was " +
      "never trained to continue after an error, so one error can lead to more: exposure bias.",
    question: `If ${other} replaces ${name} as output ${t + 1}, the least certain one, how many other symbols change?`,
    choices,
    button: "Force a wrong symbol",
    panelId: "forced",
    show() {
      const run = runOf(app, network, source, { [t]: symbol });
      const n = Math.max(0, network.compare(run.written, free.written, (i) => i === t).edits - 1);
      const effect = n ? `changes ${pluralize(n, "other symbol")}` : "changes no other symbol: the network recovers";
      return {
        answer: choices[Math.min(n, 2)],
        message: `Forcing ${other} as output ${t + 1} ${effect}.`,
        patch: { ...stateOf(app, source, source.length + t + 2), forced: { [t]: symbol } },
      };
    },
  };
}

/** @type {(context: Context) => Exercise} */
function attention({ app, network, source, free: run }) {
  const alpha = run.steps[0].alpha ?? new Float32Array(1);
  const s = argmax(alpha);
  const listed = source.length <= 3 ? [...source.keys()] : [0, source.length - 1];
  const choices = listed.map((one) => inputName(network, source, one));
  if (source.length > 3) choices.push("another input");
  return {
    title: "Attention",
    text:
      "At each step attention compares the decoder's state with every row of the memory, and the decoder receives the " +
      "mean of the rows, weighted by α. Training specifies no target for α.",
    question: `Which input of ${sourceText(network, source)} does the first output attend to most?`,
    choices,
    button: "Show where the first output looks",
    panelId: "attention",
    show: () => ({
      answer: choices[listed.includes(s) ? listed.indexOf(s) : 2],
      message: `Output 1 (${writtenName(run, 0)}) gives ${percent(alpha[s])} of its attention to ${inputName(network, source, s)}.`,
      patch: stateOf(app, source, source.length + 1),
    }),
  };
}

/** @type {(context: Context) => Exercise} */
function bottleneck(context) {
  const { network, source } = context;
  const sources = [source, ...network.examples.map((example) => example.source)];
  const fitting = sources.filter(({ length }) => length <= (network.in_len ?? MAX_SOURCE_LEN));
  const longest = fitting.sort((a, b) => b.length - a.length)[0] ?? source;
  return {
    title: "Without attention: a bottleneck",
    text:
      "This network has no attention: the whole source passes through one state of fixed size. A long source therefore " +
      "needs more units and more training.",
    ...rightOrNot(context, longest, "it is the longest available source"),
    button: "Show the longest available source",
  };
}

/** @type {(context: Context) => Exercise} */
function dependence({ app, network, source }) {
  return {
    title: "Attention and influence",
    text:
      "Each row of the memory also depends on other inputs, and the decoder starts from the final state. An output can " +
      "therefore change with an input that gets no attention, or not change with one that does (Jain and Wallace 2019).",
    question: `Do attention and influence differ for ${sourceText(network, source)}?`,
    choices: YES_NO,
    button: "Show where they differ",
    panelId: "influence",
    show() {
      const influence = new Influence(app, network, source);
      influence.work();
      const found = disagreement(influence);
      const message = "No difference was found: each output depends on the inputs that it attends to.";
      if (!found) return { answer: "no", message, patch: stateOf(app, source, source.length) };
      const { t, s, symbol } = found;
      const patch = { ...stateOf(app, source, source.length + t + 1), replacement: { s, symbol } };
      return { answer: "yes", message: describeDisagreement(influence, found), patch };
    },
  };
}

/** @type {(context: Context) => Exercise} */
function influence({ app, network, source, free }) {
  const [symbol = source[0]] = substitutes(network, source[0]);
  const replaced = `${sourceSymbol(network, symbol)} replaces ${inputName(network, source, 0)}`;
  return {
    title: "Influence",
    text: "An output depends on an input if it changes when another symbol replaces this input.",
    question: `Will the first output change if ${replaced}?`,
    choices: YES_NO,
    button: "Replace the first input",
    panelId: "influence",
    show() {
      const after = runOf(app, network, [symbol, ...source.slice(1)]);
      const patch = { ...stateOf(app, source, source.length), replacement: { s: 0, symbol } };
      const answer = YES_NO[after.written[0] === free.written[0] ? 1 : 0];
      return { answer, message: `${replaced}. Changed outputs are marked.`, patch };
    },
  };
}

/** @type {(context: Context) => Exercise} */
function lengths(context) {
  const { app, network, source } = context;
  const longest = network.in_len;
  const explanation = {
    title: "Lengths",
    text: `${trainedLengths(app.networks)} A network can run on longer sources, but its answers may be wrong.`,
  };
  const hasNoSource = network.sourceVocabulary.isText && !network.examples.length;
  if (!longest || longest >= MAX_SOURCE_LEN || hasNoSource) return explanation;
  const longer = source.length > longest ? source : longerSource(network, longest);
  const reason = "your source is no longer than those in training";
  return { ...explanation, ...rightOrNot(context, longer, reason), button: "Try a longer source" };
}

/** Return an exercise on whether a network's answer to a source is right or, without a target, whether it ends.
    @type {(context: Context, source: number[], reason: string) => Partial<Exercise>} */
function rightOrNot({ app, network, free }, source, reason) {
  const text = sourceText(network, source);
  const target = source === free.source ? free.target : network.knownTarget(source);
  const question = target ? `Will the answer to ${text} be right?` : `Will the answer to ${text} end?`;
  return {
    question: target || network.ends ? question : "",
    choices: YES_NO,
    panelId: "step",
    show() {
      const run = runOf(app, network, source);
      const { kind, text: errors } = judgement(run);
      const result =
        kind === "unknown" ? "No target is known" : `The answer is ${errors.replace(/\. Expected: .*/s, "")}`;
      const answer = YES_NO[(run.target ? run.exact : run.ended) ? 0 : 1];
      const message = `${pluralize(source.length, "input")}. ${result}.`;
      return { answer, message, patch: stateOf(app, source, source.length), reason };
    },
  };
}

/** Return a source longer than any in training: pseudo-random integers, or examples one after the other.
    @type {(network: TrainedNetwork, longest: number) => number[]} */
function longerSource({ sourceVocabulary: vocabulary, examples }, longest) {
  if (!vocabulary.isText) {
    let state = 1;
    return Array.from({ length: Math.min(MAX_SOURCE_LEN, 2 * Math.ceil(0.75 * longest + 1)) }, () => {
      state = (state * 48271) % 2147483647; // Park and Miller 1988
      return state % (vocabulary.largest + 1);
    });
  }
  const space = vocabulary.tokens === "characters" ? vocabulary.numberOf.get(" ") : undefined;
  const gap = space === undefined ? [] : [space];
  const sources = examples.map(({ source }) => source).filter((source) => source.length);
  /** @type {number[]} */
  let joined = [];
  for (let i = 0; joined.length <= longest && sources.length; i++) {
    joined = [...joined, ...(joined.length ? gap : []), ...sources[i % sources.length]];
  }
  return joined.slice(0, MAX_SOURCE_LEN);
}

/** Exercises: whether one needs a network with attention, the exercise, and the one for networks without attention.
    @type {[needsAttention: boolean, make: (context: Context) => Exercise, makeWithout?: (context: Context) => Exercise][]} */
const EXERCISES = [
  [false, encoder],
  [false, decoder],
  [false, teacherForcing],
  [true, attention, bottleneck],
  [true, dependence, influence],
  [false, lengths],
];
