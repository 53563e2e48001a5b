/* The panel of short explanations. Each asks for a prediction and compares it with a run of the network. */

import { announce, app, MAX_SOURCE_LEN } from "./app.js";
import { button, h, radioTiles } from "./elements.js";
import { percent, pluralize, trainedLengths, visible } from "./format.js";
import { describeDisagreement, disagreement, Influence } from "./influence.js";
import { argmax } from "./network.js";
import { panel, withLabel } from "./panels.js";
import { countErrors, fedName, probabilities, sourceSymbol, stateSize, targetName, writtenName } from "./runs.js";
import { judgement } from "./source.js";
import { reveal } from "./tabs.js";
import { same } from "./trained.js";

/** @import { PageState } from "./app.js"
    @import { Run, TrainedNetwork } from "./trained.js" */

/** An explanation with an exercise. The prediction is one of the `choices` or, without choices, an answer of the
    network. `show` runs the network and returns the right prediction, a sentence, and the source and the state that the
    panel `panelId` displays. Without a `question`, there is nothing to predict or to show. `network` is by default the
    first one with attention.
    @typedef {{ answer: string, message: string, source?: number[], patch?: Partial<PageState> }} Shown
    @typedef {{ title: string, text: string, network?: TrainedNetwork, question?: string, choices?: string[],
      button?: string, panelId?: string, show?: () => Shown }} Exercise
    @typedef {ReturnType<typeof contextOf>} Context */

const [YES, NO] = ["yes", "no"];

export function explanationsPanel() {
  const showGuide = makeGuide();
  const exercises = EXERCISES.filter((make) => make(contextOf()));
  const elements = exercises.map((make, i) => {
    const makeExercise = () => /** @type {Exercise} */ (make(contextOf()));
    return exerciseElement(i + 1, makeExercise, showGuide);
  });
  const help = "What each part of the network does. Predict what the network will do, then look.";
  return panel("explanations", "Explanations", help, h("div", { className: "explanations" }, ...elements));
}

/** Return the context of the exercises: the first network with attention, if there is one, the current source or, if it is
    invalid, an example, and another example, whose answer the page does not show. */
function contextOf() {
  const network = app.networks.find(({ config }) => config.has_attention) ?? app.networks[0];
  const source = app.source ?? network.examples[0]?.source ?? [0];
  const unseen = network.examples.find((example) => !same(example.source, source))?.source ?? source;
  return { network, source, unseen };
}

/** @type {(number: number, makeExercise: () => Exercise, showGuide: ReturnType<typeof makeGuide>) =>
      HTMLElement} */
function exerciseElement(number, makeExercise, showGuide) {
  const { title, text } = makeExercise();
  const label = (/** @type {string} */ words) => withLabel(makeExercise().network ?? contextOf().network, words);
  const questionBox = h("div");
  let [asked, prediction] = ["", ""];
  const showButton = button("", () => {
    const before = { ...app.state };
    const exercise = makeExercise();
    const shown = exercise.show?.();
    if (!shown) return;
    const source = shown.source ?? contextOf().source;
    const typed = source === app.source ? app.state.text : app.networks[0].sourceVocabulary.text(source);
    const verdict = judge(exercise, prediction, shown.answer);
    app.change({ forced: {}, replacement: null, text: typed, place: source.length, ...shown.patch });
    const isOther = app.state.text !== before.text;
    const message = label(verdict + shown.message) + (isOther ? ` The source is now ${app.state.text}.` : "");
    announce(message);
    showGuide(exercise.panelId ?? "", message, showButton, isOther ? before : null);
  });
  app.add(() => {
    const current = JSON.stringify([app.state.text, app.state.targetText, app.state.moment]);
    if (current === asked) return;
    [asked, prediction] = [current, ""];
    const { question, choices, button: words = "" } = makeExercise();
    const isAsked = question && (app.source || contextOf().network.examples.length);
    Object.assign(showButton, { textContent: words, hidden: !isAsked });
    const parts = isAsked ? questionParts(label(question), choices, number, (text) => (prediction = text)) : [];
    questionBox.replaceChildren(...parts);
  });
  const heading = h("h3", {}, `${number}. ${title}`);
  return h("article", { className: "explanation" }, heading, h("p", {}, text), questionBox, showButton);
}

/** Return a question with its choices or with a text field.
    @type {(question: string, choices: string[] | undefined, number: number, predict: (text: string) => void) => Node[]} */
function questionParts(question, choices, number, predict) {
  const id = `predict-${number}`;
  if (choices) {
    const items = choices.map((text) => ({ text }));
    return [radioTiles(question, id, items, undefined, (i) => predict(choices[i]))];
  }
  const oninput = () => predict(input.value);
  const input = h("input", { type: "text", id, autocomplete: "off", spellcheck: false, dir: "auto", oninput });
  return [h("label", { htmlFor: id }, question), input];
}

/** Judge a prediction; "" if there is none.
    @type {(exercise: Exercise, prediction: string, answer: string) => string} */
function judge({ choices }, prediction, answer) {
  const [{ targetVocabulary }] = app.networks;
  if (!prediction.trim()) return "";
  let read = prediction;
  try {
    if (!choices) read = targetVocabulary.text(targetVocabulary.numbers(prediction));
  } catch {
    // a text that is not in the vocabulary is a wrong prediction
  }
  return read === answer ? "✓ As you predicted. " : `✗ You predicted ${read}. `;
}

const DEMONSTRATED = /** @type {const} */ (["text", "place", "forced", "moment", "replacement"]);

/** Return a function that shows a panel and a message until the state changes, with a button back to the exercise and, if
    the exercise changed the source, a button that restores the state `before`.
    @type {() => (panelId: string, message: string, from: HTMLElement, before: PageState | null) => void} */
function makeGuide() {
  const [text, guide] = [h("p"), h("div", { className: "guide" })];
  let shown = { ...app.state };
  app.add(() => {
    if (shown.text !== app.state.text) guide.remove();
    text.hidden = DEMONSTRATED.some((name) => shown[name] !== app.state[name]);
  });
  return (panelId, message, from, before) => {
    const section = document.getElementById(panelId);
    if (!section) return;
    const focus = (/** @type {HTMLElement} */ element) => {
      reveal(element);
      element.focus({ preventScroll: true });
    };
    const back = button("Back to the explanations", () => {
      guide.remove();
      app.change({ forced: {}, replacement: null });
      focus(from);
    });
    const restore = () => {
      if (before) app.change(before, "Your source is back");
      section.focus({ preventScroll: true });
    };
    Object.assign(text, { textContent: message, hidden: false });
    const buttons = h("div", { className: "controls" }, back, before && button("Back to my source", restore));
    guide.replaceChildren(text, buttons);
    document.querySelector("main")?.append(guide);
    shown = { ...app.state };
    section.tabIndex = -1;
    focus(section);
  };
}

/** Run a network on a source at the current moment, with some outputs forced.
    @type {(network: TrainedNetwork, source: number[], forced?: Record<number, number>) => Run} */
function runOf(network, source, forced = {}) {
  const current = app.runs.find((run) => run.network === network && same(run.source, source));
  return network.run(source, current ? current.target : network.knownTarget(source), app.state.moment, forced);
}

/** @type {(network: TrainedNetwork, source: number[], s: number) => string} */
const inputName = (network, source, s) => `input ${s + 1} (${sourceSymbol(network, source[s])})`;

/** @type {(network: TrainedNetwork, source: number[]) => string} */
const sourceText = ({ sourceVocabulary: vocabulary }, source) =>
  vocabulary.tokens === "characters" ? visible(vocabulary.text(source)) : vocabulary.text(source);

/** The exercises, in the order of the panel. An exercise is null if the network has no attention to show.
    @type {((context: Context) => Exercise | null)[]} */
const EXERCISES = [
  function encoder({ network, source }) {
    const { num_layers: layers, has_attention: hasAttention, bidirectional, states, cell_size: H } = network.config;
    const size = states.length * layers * H;
    const parts = states.join(" and ") + (layers > 1 ? ` of ${layers} layers` : "");
    const order = bidirectional ? "in both directions" : "symbol by symbol";
    const memory = " and attends to the memory, the encoder's output at each input";
    const start = bidirectional ? "a state computed from the final states of both" : "the final state";
    const text = `The encoder reads the source ${order} and updates its state. The decoder starts from ${start}`;
    return {
      title: "The encoder",
      text: `${text}${hasAttention ? memory : ", a bottleneck: it is all that the decoder knows about the source"}.`,
      question: `This state has ${size} numbers (${parts}). How many does it have for a source twice as long?`,
      choices: [size, 2 * size].map(String),
      button: "Show the final state",
      panelId: "inside",
      show: () => ({
        answer: String(stateSize(runOf(network, [...source, ...source]))),
        message: `The decoder starts from ${size} numbers. The framed column shows the ${H} numbers h of one cell.`,
      }),
    };
  },
  function decoder({ network, unseen: source }) {
    const end = network.ends ? ", until it writes END" : "";
    return {
      title: "The decoder",
      text: `The decoder is first fed GO. At each step it writes the likeliest symbol, which becomes its next input${end}.`,
      question: `What will it write for ${sourceText(network, source)}?`,
      button: "Show what it writes",
      panelId: "step",
      show() {
        const run = runOf(network, source);
        const answer = network.targetVocabulary.text(run.answer);
        const t = Math.min(1, run.steps.length - 1);
        const p = percent(probabilities(run.steps[t])[run.steps[t].written]);
        const written = `fed ${fedName(run, run.steps, t)}, it writes ${writtenName(run, t)} with a probability of ${p}`;
        const message = `It writes ${answer || "nothing, only END"}. Output ${t + 1}: ${written}.`;
        return { answer, message, source, patch: { place: source.length + t + 1 } };
      },
    };
  },
  function teacherForcing() {
    const explanation = {
      title: "Teacher forcing and exposure bias",
      text:
        "In training the decoder is fed the target (teacher forcing); when it answers, it is fed its own output. It was " +
        "never trained to continue after an error, so one error can lead to more: exposure bias.",
    };
    const network = app.networks.find(({ examples }) => examples.some((one) => one.shows_bias));
    const example = network?.examples.find((one) => one.shows_bias);
    if (!network || !example?.target) return explanation;
    const { source, target } = example;
    const run = network.run(source, target, null, {});
    const t = run.written.findIndex((symbol, i) => symbol !== target[i]);
    const error = `${targetName(run, run.written[t])} instead of ${targetName(run, target[t])} as output ${t + 1}`;
    const { edits, text } = countErrors(network, run.written, run.expected ?? []);
    return {
      ...explanation,
      network,
      question:
        `For ${sourceText(network, source)}, the network writes ${error}. With teacher forcing, no other output is ` +
        "wrong. How many errors (edits) has the free-running answer?",
      choices: ["1", "2", "more"],
      button: "Show what the error leads to",
      panelId: "forced",
      show: () => ({
        answer: edits > 2 ? "more" : String(edits),
        message: `Free-running, the next step is fed this error: ${text}.`,
        source,
        patch: { moment: null, place: source.length + t + 2 },
      }),
    };
  },
  function attention({ network, unseen: source }) {
    if (!network.config.has_attention) return null;
    const listed = source.length <= 3 ? [...source.keys()] : [0, source.length - 1];
    const choices = listed.map((one) => inputName(network, source, one));
    if (source.length > 3) choices.push("another input");
    return {
      title: "Attention",
      text:
        "At each step attention compares the decoder's state with every row of the memory, and the decoder receives the " +
        "mean of the rows, weighted by α. Training has no target for α.",
      question: `Which input of ${sourceText(network, source)} does the first output attend to most?`,
      choices,
      button: "Show where the first output looks",
      panelId: "attention",
      show() {
        const run = runOf(network, source);
        const alpha = run.steps[0].alpha ?? [];
        const s = argmax(alpha);
        const share = `${percent(alpha[s])} of its attention to ${inputName(network, source, s)}`;
        const message = `Output 1 (${writtenName(run, 0)}) gives ${share}.`;
        const answer = choices.at(listed.indexOf(s)) ?? ""; // the last choice for an input that is not listed
        return { answer, message, source, patch: { place: source.length + 1 } };
      },
    };
  },
  function dependence({ network, source }) {
    if (!network.config.has_attention) return null;
    return {
      title: "Attention and influence",
      text:
        "Each row of the memory also depends on other inputs, and the decoder starts from the final state. An output can " +
        "therefore depend on an input that gets no attention, or not depend on one that does (Jain and Wallace 2019).",
      question: `Do attention and influence differ for ${sourceText(network, source)}?`,
      choices: [YES, NO],
      button: "Show where they differ",
      panelId: "influence",
      show() {
        const influence = new Influence(network, source);
        influence.work();
        const found = disagreement(influence);
        const none = "No difference was found: each output depends on the inputs that it attends to.";
        if (!found) return { answer: NO, message: none };
        const { t, s, symbol } = found;
        const patch = { replacement: { s, symbol }, place: source.length + t + 1 };
        return { answer: YES, message: describeDisagreement(influence, found), patch };
      },
    };
  },
  function lengths({ network, source }) {
    const { in_len: longest, sourceVocabulary, examples, ends } = network;
    const explanation = {
      title: "Lengths",
      text: `${trainedLengths(app.networks)} A network can run on longer sources, but its answers may be wrong.`,
    };
    if (!longest || longest >= MAX_SOURCE_LEN || (sourceVocabulary.isText && !examples.length)) return explanation;
    const longer = source.length > longest ? source : longerSource(network, longest);
    const target = longer === source ? runOf(network, source).target : network.knownTarget(longer);
    if (!target && !ends) return explanation;
    const text = sourceText(network, longer);
    return {
      ...explanation,
      question: target ? `Will the answer to ${text} be right?` : `Will the answer to ${text} end?`,
      choices: [YES, NO],
      button: "Try a longer source",
      panelId: "step",
      show() {
        const run = runOf(network, longer);
        const { kind, text } = judgement(run);
        const result =
          kind === "unknown" ? `The answer ${run.ended ? "ends" : "does not end"}.` : `The answer is ${text}.`;
        const t = run.steps.findIndex((_, i) => run.isWrong(i));
        const length = `${pluralize(longer.length, "input")}; the longest source in training had ${longest}.`;
        const answer = (run.target ? run.exact : run.ended) ? YES : NO;
        const place = longer.length + (t < 0 ? run.steps.length : t + 1); // the first wrong output, or the last one
        return { answer, message: `${length} ${result}`, source: longer, patch: { place } };
      },
    };
  },
];

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
