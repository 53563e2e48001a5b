/* The panel of six short explanations, each with a button that demonstrates it on the current networks. */

import { announce, app, MAX_SOURCE_LEN } from "./app.js";
import { button, h } from "./elements.js";
import { largest, percent, pluralize, trainedLengths, visible } from "./format.js";
import { describeDisagreement, disagreement, influenceOf, MAX_SUBSTITUTES, substitutes } from "./influence.js";
import { argmax, last } from "./network.js";
import { panel } from "./panels.js";
import { fedName, probabilities, writtenName } from "./runs.js";
import { judgement } from "./source.js";
import { same } from "./trained.js";

const SEARCH_MS = 300; // time limit for the search of a demonstration

export function explanationsPanel(app) {
  const explanations = [
    encoderExplanation,
    decoderExplanation,
    exposureExplanation,
    attentionExplanation,
    dependenceExplanation,
    lengthsExplanation,
  ];
  const articles = explanations.map((explanation, i) => explanationElement(app, i + 1, explanation(app)));
  app.add({ update: () => updateGuide(app) });
  const help = "What each part of the network does. Each button demonstrates its paragraph in one of the panels.";
  return panel("explanations", "Explanations", help, h("div", { className: "explanations" }, ...articles));
}

/** Return the element of one explanation, { title, paragraphs, button, demonstrate }. `demonstrate` returns the `patch`
    of the state, the `panelId` to scroll to, a `message` and, if the patch may replace the source, the `reason`. */
function explanationElement(app, number, { title, paragraphs, button: label, demonstrate }) {
  const heading = h("h3", {}, `${number}. ${title}`);
  const element = h("article", { className: "explanation" }, heading, ...paragraphs.map((text) => h("p", {}, text)));
  if (!demonstrate) return element;
  const outcome = h("p", { className: "outcome" });
  const show = button(label, () => {
    const before = { ...app.state };
    const isValid = app.source !== null;
    const { patch, panelId, message, reason } = demonstrate();
    app.change(patch);
    const isOther = app.state.text !== before.text;
    const why = isValid ? reason : "your source is invalid";
    const text = message + (isOther ? ` Shown with ${app.state.text}: ${why}.` : "");
    announce(text);
    outcome.textContent = text;
    showGuide(panelId, text, show, isOther ? before : null);
    app.demonstrated = { ...app.state };
  });
  app.add({
    update() {
      if (hasChanged(app.demonstrated, app.state)) outcome.textContent = "";
    },
  });
  element.append(show, outcome);
  return element;
}

/** Return whether the state differs from the one that was demonstrated. */
function hasChanged(demonstrated, state) {
  return Boolean(demonstrated) && Object.keys(demonstrated).some((name) => demonstrated[name] !== state[name]);
}

/** Scroll to a panel and show a message in it, with a button back to the explanation and, if the demonstration changed
    the source, a button that restores the state `before`. */
function showGuide(panelId, message, from, before) {
  const section = document.getElementById(panelId);
  if (!section) return;
  document.querySelector(".guide")?.remove();
  const focusSection = () => section.focus({ preventScroll: true });
  const back = button("Back to the explanations", () => {
    guide.remove();
    from.focus({ preventScroll: true });
    from.scrollIntoView({ block: "center" });
  });
  const buttons = h("div", { className: "controls" }, back);
  if (before) {
    const restore = () => {
      app.change(before, "Your source is back");
      focusSection();
    };
    buttons.append(button("Back to my source", restore));
  }
  const guide = h("div", { className: "guide" }, h("p", {}, message), buttons);
  guide.demonstrated = { ...app.state };
  section.firstElementChild.after(guide);
  section.tabIndex = -1;
  focusSection();
  section.scrollIntoView();
}

/** Hide the message of the guide when the state changes, and remove the guide when the source changes. */
function updateGuide({ state }) {
  const guide = document.querySelector(".guide");
  if (!guide) return;
  if (guide.demonstrated.text !== state.text) guide.remove();
  else if (hasChanged(guide.demonstrated, state)) guide.firstChild.hidden = true;
}

/** Return the current source, if it is valid, and the sources of the examples. */
function availableSources(app, network) {
  const examples = network.examples.map(({ source }) => source);
  return [...(app.source ? [app.source] : []), ...examples].filter((source) => source.length <= MAX_SOURCE_LEN);
}

/** Return the current source. If it is invalid, prefer an example of medium length with varied symbols that the network
    answers correctly. */
function demonstrationSource(app, network) {
  if (app.source) return app.source;
  const sources = availableSources(app, network);
  const medium = sources.filter((source) => source.length > 3 && source.length <= 12);
  const right = medium.filter((source) => runOf(network, source).exact);
  const isVaried = (source) => new Set(source).size > 3;
  return right.find(isVaried) ?? right[0] ?? medium.find(isVaried) ?? medium[0] ?? sources[0] ?? [0];
}

/** Return the typed or known target of a source, or null. */
function targetOf(network, source) {
  const run = app.runs.find((one) => one.network === network);
  return run && same(source, run.source) ? run.target : network.knownTarget(source);
}

/** Run a network on a source at the current moment, with some outputs forced. */
const runOf = (network, source, forced = {}) =>
  network.run(source, targetOf(network, source), app.state.moment, forced);

/** Return a patch that sets the source and resets forcing; a source that is already typed keeps its spelling. */
function statePatch(network, source, patch) {
  const text = app.source && same(app.source, source) ? app.state.text : network.sourceVocabulary.text(source);
  return { text, forced: {}, replacement: null, ...patch };
}

const sourceSymbol = (network, symbol) => visible(network.sourceVocabulary.name(symbol));
const inputName = (network, source, s) => `input ${s + 1} (${sourceSymbol(network, source[s])})`;

/** Return a sentence on whether an answer is right. */
function describeResult(run) {
  const { kind, text } = judgement(run);
  if (kind === "unknown") return "No target is known for this source.";
  const answer = app.networks.length > 1 ? `The answer of ${run.network.name}` : "The answer";
  return `${answer} is ${text.replace(/\. Expected: .*/s, "")}.`;
}

function encoderExplanation(app) {
  const [network] = app.networks;
  const { cell_size: H, num_layers: layers, has_attention: hasAttention, bidirectional, states } = network.config;
  const parts = states.join(" and ") + (layers > 1 ? ` of ${layers} layers` : "");
  const size = `${states.length * layers * H} numbers (${parts})`;
  const direction = bidirectional ? " forward and backward" : "";
  const rest = hasAttention
    ? `The decoder starts from the final state. It also attends to the memory: the encoder's output at each input, ` +
      `${bidirectional ? 2 * H : H} numbers per input.`
    : "The decoder knows the source only through the final state.";
  return {
    title: "The encoder",
    paragraphs: [`The encoder reads the source${direction} and updates its state at each symbol: ${size}. ${rest}`],
    button: "Show the final state",
    demonstrate() {
      const source = demonstrationSource(app, network);
      const memory = hasAttention ? " The columns up to it are the memory." : "";
      const message = `All ${source.length} inputs are read. The framed column is the final state.${memory}`;
      return { patch: statePatch(network, source, { place: source.length }), panelId: "inside", message };
    },
  };
}

function decoderExplanation(app) {
  const [network] = app.networks;
  const end = network.ends ? ", until it writes END" : "";
  const text =
    "The decoder is first fed GO. At each step it updates its state, computes a probability for every symbol, writes " +
    `the likeliest, and is fed this symbol at the next step${end}.`;
  return {
    title: "The decoder",
    paragraphs: [text],
    button: "Show its second step",
    demonstrate() {
      const source = demonstrationSource(app, network);
      const run = runOf(network, source);
      const t = Math.min(1, run.steps.length - 1);
      const step = run.steps[t];
      const p = percent(probabilities(step)[step.written]);
      const fed = fedName(run, run.steps, t);
      const message = `Output ${t + 1}: fed ${fed}, it writes ${writtenName(run, t)} with a probability of ${p}.`;
      const patch = statePatch(network, source, { place: source.length + t + 1 });
      return { patch, panelId: "probabilities", message };
    },
  };
}

function exposureExplanation(app) {
  const [network] = app.networks;
  return {
    title: "Teacher forcing and exposure bias",
    paragraphs: [
      "In training the decoder is fed the target (teacher forcing). When it answers, it is fed its own output. It " +
        "was never trained to continue after an error, so one error can lead to more: exposure bias.",
    ],
    button: "Force a wrong symbol",
    demonstrate() {
      const worst = worstForcing(app, network);
      if (!worst) {
        const patch = statePatch(network, demonstrationSource(app, network), {});
        return { patch, panelId: "forced", message: "No available answer has a symbol that can be forced." };
      }
      const { source, t, symbol, nChanged, wasRight } = worst;
      const name = visible(network.targetVocabulary.name(symbol));
      const forced = `Forcing ${name} as output ${t + 1}${app.networks.length > 1 ? ` of ${network.name}` : ""}`;
      const symbols = pluralize(nChanged, "other symbol");
      const effect = wasRight ? `makes ${symbols} wrong` : `changes ${symbols}`;
      return {
        patch: statePatch(network, source, { forced: { [t]: symbol }, place: source.length + t + 2 }),
        panelId: "forced",
        reason: "with your source, forcing changes no other symbol",
        message: `${forced} ${nChanged ? effect : "changes no other symbol: the network recovers"}.`,
      };
    },
  };
}

/** Search, for at most SEARCH_MS, for the symbol that changes the most other outputs if it is forced. Returns
    { source, t, symbol, nChanged, wasRight }, or null if no answer has a symbol. Examples are searched only if forcing
    has no effect on the answer to the current source. */
function worstForcing(app, network) {
  const deadline = performance.now() + SEARCH_MS;
  let worst = null;
  for (const source of [demonstrationSource(app, network), ...availableSources(app, network)]) {
    if (worst && worst.nChanged > 0) return worst;
    const free = runOf(network, source);
    for (let t = 0; t < free.answer.length; t++) {
      for (const symbol of alternatives(free, t)) {
        if (performance.now() > deadline && worst) return worst;
        const effect = forcingEffect(free, t, symbol);
        if (!worst || effect.nChanged > worst.nChanged) worst = effect;
      }
    }
  }
  return worst;
}

/** Return the likeliest symbols, without END, that were not written at step t. */
function alternatives({ steps, network }, t) {
  const { logits, written } = steps[t];
  const order = largest(logits, logits.length);
  return order.filter((symbol) => symbol !== written && symbol !== network.go).slice(0, MAX_SUBSTITUTES);
}

/** Force a symbol at step t and count the other symbols of the answer that change. */
function forcingEffect(free, t, symbol) {
  const { network, source } = free;
  const run = runOf(network, source, { [t]: symbol });
  const { edits } = network.compare(run.written, free.written, (i) => i === t);
  return { source, t, symbol, nChanged: Math.max(0, edits - 1), wasRight: Boolean(free.exact) };
}

/* Where attention looks, by pattern. */
const WHERE_IT_LOOKS = {
  reversed: "To reverse a source, the decoder attends to its last symbol first and then moves left.",
  copy: "To copy a source, the decoder attends to its symbols from left to right.",
  rotated: "To rotate a source, the decoder attends one input ahead and, for the last output, to the first input.",
  sorted: "To sort a source, the decoder attends to the smallest symbol that is left.",
  maxmin_dup: "The decoder attends to the largest and the smallest symbol, then to the symbols from left to right.",
  running_sum:
    "Each sum adds one input, so the decoder attends from left to right. It may attend one input ahead, because a row " +
    "of the memory also depends on the inputs before it.",
  added: "Each digit of the sum depends on one digit of each number and on the carry from the digits to their right.",
};
const REORDERINGS = ["reversed", "copy", "rotated", "sorted", "maxmin_dup"]; // each output equals one of the inputs

function attentionExplanation(app) {
  const network = app.networks.find((one) => one.config.has_attention);
  if (!network) return bottleneckExplanation(app);
  const name = app.networks.length > 1 ? ` of ${network.name}` : "";
  return {
    title: "Attention",
    paragraphs: [
      "At each step attention compares the decoder's state with every row of the memory. The decoder receives the " +
        `mean of the rows, weighted by α. Training specifies no target for α. ${WHERE_IT_LOOKS[network.pattern] ?? ""}`,
    ],
    button: "Show where the first output looks",
    demonstrate() {
      const source = demonstrationSource(app, network);
      const run = runOf(network, source);
      const { alpha } = run.steps[0];
      const s = argmax(alpha);
      const message =
        `Output 1 (${writtenName(run, 0)})${name} gives ${percent(alpha[s])} of its attention to ` +
        `${inputName(network, source, s)}. ${countCopied(run)}`;
      return { patch: statePatch(network, source, { place: source.length + 1 }), panelId: "attention", message };
    },
  };
}

/** Return a sentence on how many outputs attend most to the symbol that they write, for patterns that reorder. */
function countCopied({ network, source, steps, answer }) {
  if (!REORDERINGS.includes(network.pattern)) return "";
  const copied = answer.filter((symbol, t) => {
    const attended = network.sourceVocabulary.name(source[argmax(steps[t].alpha)]);
    return attended === network.targetVocabulary.name(symbol);
  });
  const outputs = pluralize(answer.length, "output") + (network.ends ? " before END" : "");
  return `${copied.length} of ${outputs} attend most to the symbol that they write.`;
}

function bottleneckExplanation(app) {
  const [network] = app.networks;
  return {
    title: "Without attention: a bottleneck",
    paragraphs: [
      "This network has no attention: the whole source passes through one state of fixed size. A long source " +
        "therefore needs more units and more training.",
    ],
    button: "Show the longest available source",
    demonstrate() {
      const maxLength = network.in_len ?? MAX_SOURCE_LEN;
      const available = availableSources(app, network).filter(({ length }) => length <= maxLength);
      const [source = [0]] = available.sort((a, b) => b.length - a.length);
      const result = describeResult(runOf(network, source));
      const message = `${pluralize(source.length, "input")} pass through one state. ${result}`;
      const reason = "it is the longest available source";
      return { patch: statePatch(network, source, { place: source.length }), panelId: "step", reason, message };
    },
  };
}

function dependenceExplanation(app) {
  const network = app.networks.find((one) => one.config.has_attention);
  if (!network) return influenceExplanation(app);
  const end =
    network.pattern === "reversed" && network.ends
      ? " For example, END depends on the length of the source, not on the symbol of the input that it attends to."
      : "";
  return {
    title: "Attention and influence",
    paragraphs: [
      "Each row of the memory also depends on other inputs, and the decoder starts from the final state. An output " +
        "can therefore depend on an input that gets no attention, or not depend on one that does (Jain and Wallace " +
        `2019).${end}`,
    ],
    button: "Show where they differ",
    demonstrate() {
      const current = demonstrationSource(app, network);
      for (const source of [current, ...availableSources(app, network)]) {
        const influence = influenceOf(app, network, source);
        influence.work(performance.now() + 3 * SEARCH_MS);
        const difference = influence.done ? disagreement(influence) : null;
        if (!difference) continue;
        const { t, s, symbol } = difference;
        return {
          patch: statePatch(network, source, { replacement: { s, symbol }, place: source.length + t + 1 }),
          panelId: "influence",
          reason: "with your source, no difference was found",
          message: describeDisagreement(influence, difference),
        };
      }
      const message = "No difference was found: each output depends on the inputs that it attends to.";
      return { patch: statePatch(network, current, {}), panelId: "influence", message };
    },
  };
}

function influenceExplanation(app) {
  const [network] = app.networks;
  return {
    title: "Influence",
    paragraphs: ["An output depends on an input if it changes when another symbol replaces this input."],
    button: "Replace the first input",
    demonstrate() {
      const source = demonstrationSource(app, network);
      const [symbol] = substitutes(network, source[0]);
      const replaced = `${sourceSymbol(network, symbol)} replaces ${inputName(network, source, 0)}.`;
      const patch = statePatch(network, source, { replacement: { s: 0, symbol } });
      return { patch, panelId: "influence", message: `${replaced} Changed outputs are marked.` };
    },
  };
}

function lengthsExplanation(app) {
  const [network] = app.networks;
  const { in_len: longest, ends } = network;
  const end = ends
    ? "This network learned to write END, a symbol like any other, after the last symbol of its answer."
    : "This network has no END: the length of its answers is fixed.";
  const explanation = {
    title: "Lengths",
    paragraphs: [
      `${end} ${trainedLengths(app.networks)} The weights are the same at every step, so the network can run on ` +
        "longer sources, but its answers may be wrong.",
    ],
  };
  const hasNoSource = network.sourceVocabulary.isText && !network.examples.length;
  if (!longest || longest >= MAX_SOURCE_LEN || hasNoSource) return explanation;
  const demonstrate = () => {
    const source = app.S > longest ? app.source : longerSource(app, network);
    const joined = network.sourceVocabulary.isText && source !== app.source ? ", several sources joined" : "";
    const length = `${pluralize(source.length, "input")}${joined}; the longest source in training had ${longest}.`;
    const reason = "your source is no longer than those in training";
    const message = `${length} ${describeResult(runOf(network, source))}`;
    return { patch: statePatch(network, source, {}), panelId: "step", reason, message };
  };
  return { ...explanation, button: "Try a longer source", demonstrate };
}

/** Return a source longer than any in training: the shortest that the network gets wrong, else the longest. */
function longerSource(app, network) {
  if (network.sourceVocabulary.isText) return joinedSource(app, network);
  const lengths = [1.2, 1.5, 2, 3].map((factor) => 2 * Math.ceil((network.in_len * factor + 1) / 2));
  const fitting = lengths.filter((length) => length <= MAX_SOURCE_LEN);
  const sources = (fitting.length ? fitting : [MAX_SOURCE_LEN]).map((length) => randomSource(network, length));
  return sources.find((source) => network.knownTarget(source) && !runOf(network, source).exact) ?? last(sources);
}

/** Join available sources until they are longer than any in training. */
function joinedSource(app, network) {
  const { in_len: longest, sourceVocabulary } = network;
  const byText = new Map(availableSources(app, network).map((source) => [source.join(" "), source])); // distinct
  const sources = [...byText.values()].filter((source) => source.length);
  const space = sourceVocabulary.tokens === "characters" ? sourceVocabulary.numberOf.get(" ") : undefined;
  let joined = [];
  for (let i = 0; joined.length <= longest && sources.length; i++) {
    const gap = joined.length && space !== undefined ? [space] : [];
    joined = [...joined, ...gap, ...sources[i % sources.length]];
  }
  return joined.slice(0, MAX_SOURCE_LEN);
}

/** Return a pseudo-random source, the same for the same length. */
function randomSource(network, length) {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48271) % 2147483647; // Park and Miller 1988
    return state % (network.sourceVocabulary.largest + 1);
  });
}
