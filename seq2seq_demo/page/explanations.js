"use strict";
/* Six paragraphs that explain seq2seq; a button of each puts the page into the state that the paragraph speaks of. */

const SEARCH_MS = 300; // for a case that shows it on this network

/** Return the panel of the paragraphs, in words that fit the networks of the page. */
function wordsPanel(app) {
  const lessons = [encoderLesson, decoderLesson, exposureLesson, attentionLesson, dependenceLesson, lengthsLesson];
  const shown = lessons.map((lesson, i) => lessonElement(app, i + 1, lesson(app)));
  const explanation =
    "What a sequence-to-sequence network is. Each button sets the page to what its paragraph speaks of.";
  app.add({ update: () => tidyGuide(app) });
  return panel("words", "In words", explanation, h("div", { className: "lessons" }, ...shown));
}

/** Return a paragraph, its button, and a line that says what the button showed. */
function lessonElement(app, number, { title, text, button, act }) {
  const element = h("article", { className: "lesson" }, h("h3", { textContent: `${number}. ${title}` }));
  element.append(...text.map((part) => h("p", { textContent: part })));
  if (!act) return element;
  const press = h("button", { type: "button", textContent: button });
  const outcome = h("p", { className: "outcome" });
  press.addEventListener("click", () => {
    const before = { ...app.state };
    const isReadable = app.source !== null;
    const { patch, panelId, says, because } = act();
    app.change(patch);
    const isOther = app.state.text !== before.text;
    const shownWith = isOther
      ? ` Shown with ${app.state.text}, because ${isReadable ? because : "yours cannot be read"}.`
      : "";
    announce(says + shownWith);
    outcome.textContent = says + shownWith;
    goTo(panelId, says + shownWith, press, isOther ? before : null);
    app.shows = { ...app.state };
  });
  app.add({ update: () => isLeft(app) && (outcome.textContent = "") });
  element.append(press, outcome);
  return element;
}

/** Say whether the page no longer shows what a paragraph's button showed. */
function isLeft({ shows, state }) {
  return Boolean(shows) && Object.keys(shows).some((name) => shows[name] !== state[name]);
}

/** Scroll to a panel and put the focus there, with what there is to see and buttons that lead back: to the words, and
    to the state before, if another source is shown. */
function goTo(panelId, says, from, before) {
  const target = document.getElementById(panelId);
  if (!target) return;
  document.querySelector(".guide")?.remove();
  const back = h("button", { type: "button", textContent: "Back to the words" });
  const text = h("p", { textContent: says });
  const guide = h("div", { className: "guide" }, text, h("div", { className: "controls" }, back));
  back.addEventListener("click", () => {
    guide.remove();
    from.focus({ preventScroll: true });
    from.scrollIntoView({ block: "center" });
  });
  if (before) {
    const undo = h("button", { type: "button", textContent: "Back to my source" });
    undo.addEventListener("click", () => {
      app.change(before, "Your source is back");
      target.focus({ preventScroll: true });
    });
    back.after(undo);
  }
  guide.shows = { ...app.state };
  target.firstElementChild.after(guide);
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
  target.scrollIntoView();
}

/** Take away what a note says once the page shows something else, and all of it with another source. */
function tidyGuide(app) {
  const guide = document.querySelector(".guide");
  if (!guide) return;
  if (guide.shows.text !== app.state.text) guide.remove();
  else if (isLeft({ shows: guide.shows, state: app.state })) guide.firstChild.hidden = true;
}

/* Sources that a paragraph may speak of */

/** Return the present source, if there is one, and those of the examples. */
function sourcesAtHand(app, shown) {
  const examples = shown.examples.map((example) => example.source);
  return [...(app.source ? [app.source] : []), ...examples].filter((source) => source.length <= LONGEST_SOURCE);
}

/** Return the present source; if none can be read, one at hand that a network answers right, neither long nor dull. */
function goodSource(app, shown) {
  if (app.source) return app.source;
  const sources = sourcesAtHand(app, shown);
  const short = sources.filter((source) => source.length > 3 && source.length <= 12);
  const right = short.filter((source) => answerTo(shown, source).exact);
  const varied = (source) => new Set(source).size > 3;
  return right.find(varied) ?? right[0] ?? short.find(varied) ?? short[0] ?? sources[0] ?? [0];
}

/** Return the target of a source: what was typed, or what is known. */
function targetTo(shown, source) {
  const run = app.runs.find((one) => one.shown === shown);
  return run && same(source, run.source) ? run.expected : shown.target(source);
}

/** Return the answer of a network to a source at the moment that is chosen, with some outputs forced. */
const answerTo = (shown, source, forced = {}) =>
  shown.answer(
    source,
    targetTo(shown, source),
    app.state.moment,
    new Map(Object.entries(forced).map(([t, symbol]) => [Number(t), symbol])),
  );

/** Return a patch that sets the source, unless it is there already, as it was typed. */
function stateFor(shown, source, patch) {
  const text = app.source && same(app.source, source) ? app.state.text : shown.sourceVocabulary.text(source);
  return { text, forced: {}, replaced: null, ...patch };
}

/** Return what a source symbol is called. */
const symbolRead = (shown, symbol) => visible(shown.sourceVocabulary.name(symbol));

const inputName = (shown, source, s) => `input ${s + 1} (${symbolRead(shown, source[s])})`;
const outputName = (run, t) => `output ${t + 1} (${targetName(run, run.steps[t].written)})`;

/** Return what an output symbol is called; GO is END where a network ends its answers. */
const symbolName = (shown, symbol) => visible(shown.targetVocabulary.name(symbol));

/** Say how many symbols, as a learner would count them. */
const counted = (n, word) => `${n} ${word}${n === 1 ? "" : "s"}`;

/** Say whether an answer is right, in a sentence. */
function rightOrWrong(run) {
  const { kind, text } = judgement(run);
  if (kind === "unknown") return "Nobody has told this page the right answer.";
  const whose = app.networks.length > 1 ? `The answer of ${run.shown.name}` : "The answer";
  return kind === "right" ? `${whose} is right.` : `${whose} is ${text.replace(/\. Expected: .*/s, "")}.`;
}

/* The paragraphs: { title, text, button, act } */

function encoderLesson(app) {
  const [shown] = app.networks;
  const { cell_size: H, num_layers: layers, has_attention: attends, bidirectional, states } = shown.config;
  const which = states.join(" and ") + (layers > 1 ? ` of ${layers} layers` : "");
  const state = `${states.length * layers * H} numbers (${which})`;
  const reads = bidirectional ? "once from the beginning and once from the end" : "one symbol after another";
  const handsOn = attends
    ? `It hands on two things: its last state, ${state}, which the decoder starts from; and the memory, one row of ` +
      `${bidirectional ? 2 * H : H} numbers for each symbol, which attention reads.`
    : `It hands on its last state alone: ${state}, whether the source is short or long. All that the decoder ever ` +
      "knows of the source is in them.";
  return {
    title: "What the encoder leaves",
    text: [
      `The encoder reads the source ${reads}. Each symbol renews its state: numbers that sum up what was read so far.`,
      handsOn,
    ],
    button: "Show the state when all is read",
    act() {
      const source = goodSource(app, shown);
      const says =
        `All ${source.length} inputs are read, nothing is written. The framed column is the last state, which the ` +
        `decoder starts from${attends ? "; the columns up to it are the memory" : ""}.`;
      return { patch: stateFor(shown, source, { place: source.length }), panelId: "inside", says };
    },
  };
}

function decoderLesson(app) {
  const [shown] = app.networks;
  const ends = shown.ends ? " It goes on until it writes END." : "";
  return {
    title: "What the decoder does",
    text: [
      "The decoder starts from the encoder's last state and is fed GO, the symbol that starts an answer. At each " +
        "step it renews its state, gives every symbol a probability, and writes the likeliest one. What it wrote is " +
        `what it is fed next.${ends}`,
    ],
    button: "Show its second step",
    act() {
      const source = goodSource(app, shown);
      const run = answerTo(shown, source);
      const t = Math.min(1, run.steps.length - 1);
      const { logits, written } = run.steps[t];
      const says =
        `Output ${t + 1}: fed ${fedName(run, run.steps, t)}, it writes ${symbolName(shown, written)}, with a ` +
        `probability of ${percent(softmax(logits)[written])}.`;
      return { patch: stateFor(shown, source, { place: source.length + t + 1 }), panelId: "probabilities", says };
    },
  };
}

function exposureLesson(app) {
  const [shown] = app.networks;
  return {
    title: "Teacher forcing and exposure bias",
    text: [
      "In training the decoder is fed the right symbol of the step before, whatever it wrote itself: this is teacher " +
        "forcing. In use there is no teacher: it is fed its own output, right or wrong.",
      "So it has never practised to go on after an error of its own. That is exposure bias: one wrong symbol can " +
        "lead to more. Let us force one.",
    ],
    button: "Force a wrong symbol",
    act() {
      const found = derailment(app, shown);
      if (!found) {
        const source = goodSource(app, shown);
        return {
          patch: stateFor(shown, source, {}),
          panelId: "forced",
          says: "No answer here is long enough to force a symbol of it.",
        };
      }
      const { source, t, symbol, more, isFree } = found;
      const forced = `Forced to write ${symbolName(shown, symbol)} as output ${t + 1}, ${nameOf(app, shown) || "it"}`;
      const known = targetTo(shown, source) !== null;
      const goesWrong = known && isFree ? "gets" : "changes";
      const says = more
        ? `${forced} ${goesWrong} ${counted(more, "more symbol")}${goesWrong === "gets" ? " wrong" : ""}.`
        : `${forced} writes all else as before. This network recovers, wherever this page tried it. ` +
          "Not every one does.";
      return {
        patch: stateFor(shown, source, { forced: { [t]: symbol }, place: source.length + t + 2 }),
        panelId: "forced",
        because: "with yours the network finds its way back",
        says,
      };
    },
  };
}

/** Find the forced symbol that derails most of the rest: { source, t, symbol, more, isFree }; of the present source if
    any does. */
function derailment(app, shown) {
  const until = performance.now() + SEARCH_MS;
  let found = null;
  for (const source of [goodSource(app, shown), ...sourcesAtHand(app, shown)]) {
    if (found && found.more > 0) return found;
    const free = answerTo(shown, source);
    for (let t = 0; t < free.answer.length; t++) {
      for (const symbol of wrongSymbols(free, t)) {
        if (performance.now() > until && found) return found;
        const one = consequence(free, t, symbol);
        if (!found || one.more > found.more) found = one;
      }
    }
  }
  return found;
}

/** Return symbols to force at step t: all wrong ones, or of many the likeliest. */
function wrongSymbols({ steps, shown }, t) {
  const { logits, written } = steps[t];
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
  return order.filter((symbol) => symbol !== written && symbol !== shown.go).slice(0, MOST_TRIED);
}

/** Force a symbol; count what else changes in the answer, aligned with what the network wrote before. */
function consequence(free, t, symbol) {
  const { shown, source } = free;
  const run = answerTo(shown, source, { [t]: symbol });
  const { edits } = shown.compare(run.written, free.written, (place) => place === t);
  const isFree = Boolean(free.exact); // or more than what was forced is wrong
  return { source, t, symbol, more: Math.max(0, edits - 1), isFree };
}

/* Why the decoder looks where it looks, by pattern. */
const WHERE_IT_LOOKS = {
  reversed:
    "The first symbol of a reversal is the last of the source, the second is the last but one: so it looks at the " +
    "end first and goes left.",
  copy: "The next symbol of a copy is the next of the source: so it looks from left to right.",
  rotated:
    "The first output is the second input, and the last output the first input: so it looks one place ahead, and at " +
    "the beginning in the end.",
  sorted: "The next symbol is the smallest that is left: so it looks for that, wherever it stands.",
  maxmin_dup:
    "The first two outputs are the largest and the smallest input: it looks for these, then goes from left to right.",
  running_sum:
    "Each sum needs one more input: so it looks from left to right. A row of the memory also tells of the inputs " +
    "before it, so it may look a place ahead.",
  added: "Each digit of the sum needs a digit of both numbers, and the carry from those to the right.",
};
const REORDERINGS = ["reversed", "copy", "rotated", "sorted", "maxmin_dup"]; // their outputs stand in the source

function attentionLesson(app) {
  const shown = app.networks.find((one) => one.config.has_attention);
  if (!shown) return bottleneckLesson(app);
  const name = app.networks.length > 1 ? ` (Here: ${shown.name}.)` : "";
  return {
    title: "Attention",
    text: [
      "At each step attention compares the decoder's state with every row of the memory, and takes a mean of these " +
        `rows in which the fitting ones weigh most. The weights α say where it looks.${name}`,
      "Nobody told it where to look: training rewards right symbols, nothing else. It looks where it finds what it " +
        `has to write next, because that makes the symbol right. ${WHERE_IT_LOOKS[shown.pattern] ?? ""}`,
    ],
    button: "Show where the first output looks",
    act() {
      const source = goodSource(app, shown);
      const run = answerTo(shown, source);
      const { alpha } = run.steps[0];
      const s = argmax(alpha);
      const says =
        `${capital(outputName(run, 0))} looks at ${inputName(shown, source, s)} with ${percent(alpha[s])} of its ` +
        `attention. ${sameSymbol(run)}Step on to see where the others look.`;
      return { patch: stateFor(shown, source, { place: source.length + 1 }), panelId: "attention", says };
    },
  };
}

const capital = (text) => text.slice(0, 1).toUpperCase() + text.slice(1);

/** Say how many outputs look most at an input that is the symbol they write, where that is what one expects. */
function sameSymbol({ shown, source, steps, answer }) {
  if (!REORDERINGS.includes(shown.pattern)) return "";
  const alike = answer.filter((symbol, t) => {
    const looked = shown.sourceVocabulary.name(source[argmax(steps[t].alpha)]);
    return looked === shown.targetVocabulary.name(symbol);
  });
  const all = counted(answer.length, "output") + (shown.ends ? " before END" : "");
  return `${alike.length} of ${all} look most at an input that is the very symbol they write. `;
}

function bottleneckLesson(app) {
  const [shown] = app.networks;
  return {
    title: "Without attention: a bottleneck",
    text: [
      "This network has no attention: the decoder cannot look back at the source. All of it has to pass through one " +
        "state, the neck between encoder and decoder, which does not grow with the source.",
      "So long sources are harder, and they take more cells and more training. Attention was invented to widen this " +
        "neck (Bahdanau et al. 2015).",
    ],
    button: "Show the longest source that fits",
    act() {
      const known = sourcesAtHand(app, shown).filter((source) => source.length <= (shown.in_len ?? LONGEST_SOURCE));
      const source = known.reduce((longest, one) => (one.length > longest.length ? one : longest), known[0] ?? [0]);
      const run = answerTo(shown, source);
      const says = `${counted(source.length, "input")} through one state. ${rightOrWrong(run)}`;
      const because = "it is the longest at hand";
      return { patch: stateFor(shown, source, { place: source.length }), panelId: "step", because, says };
    },
  };
}

function dependenceLesson(app) {
  const shown = app.networks.find((one) => one.config.has_attention);
  if (!shown) return influenceLesson(app);
  const end =
    shown.pattern === "reversed" && shown.ends
      ? " So END of a reversal depends on the length of the source, not on the symbol that it looks at."
      : "";
  return {
    title: "What attention does not explain",
    text: [
      "Where the decoder looks is not all that it knows. Each row of the memory also sums up what was read before " +
        "it, and the decoder starts from the last state. So an output can depend on an input that it never looks at, " +
        `or look at one on which it does not depend (Jain and Wallace 2019).${end}`,
      "To know what an output depends on, change an input and see whether the output changes.",
    ],
    button: "Where the two part",
    act() {
      const source = goodSource(app, shown);
      for (const one of [source, ...sourcesAtHand(app, shown)]) {
        const influence = influenceOf(app, shown, one);
        influence.work(performance.now() + 3 * SEARCH_MS);
        const found = influence.done ? disagreement(influence) : null;
        if (!found) continue;
        const { t, s, symbol } = found;
        return {
          patch: stateFor(shown, one, { replaced: { s, symbol }, place: one.length + t + 1 }),
          panelId: "influence",
          because: "with yours no output was found for which the two part",
          says: partingInWords(influence, found),
        };
      }
      const says = "For this source each output depends on inputs that it looks at, as far as this page tried.";
      return { patch: stateFor(shown, source, {}), panelId: "influence", says };
    },
  };
}

function influenceLesson(app) {
  const [shown] = app.networks;
  return {
    title: "What an output depends on",
    text: [
      "This network keeps no record of where it looks. But it can be asked: change one input, and see which outputs " +
        "change. What changes depends on it, what stays does not.",
    ],
    button: "Change the first input",
    act() {
      const source = goodSource(app, shown);
      const [symbol] = tried(shown, source[0]);
      const says =
        `${capital(inputName(shown, source, 0))} becomes ${symbolRead(shown, symbol)}. Marked outputs ` + "change.";
      return { patch: stateFor(shown, source, { replaced: { s: 0, symbol } }), panelId: "influence", says };
    },
  };
}

function lengthsLesson(app) {
  const [shown] = app.networks;
  const { in_len: longest, ends } = shown;
  const text = ends
    ? "This network ends its answer itself: END is a symbol like any other, which it learned to write when all is " +
      `said. ${trainedOn(app.networks)}`
    : `This network knows no END: it writes as many symbols as it is asked for. ${trainedOn(app.networks)}`;
  const beyond =
    "Beyond these lengths nobody has shown it what to do. Its weights are the same at every step, so it can go on; " +
    "whether what it learned still holds there is another matter.";
  const isBare = shown.sourceVocabulary.isText && !shown.examples.length;
  if (!longest || longest >= LONGEST_SOURCE || isBare) return { title: "Lengths", text: [text, beyond] };
  return {
    title: "Lengths",
    text: [text, beyond],
    button: "Try a longer source",
    act() {
      const source = app.S > longest ? app.source : longerSource(app, shown);
      const run = answerTo(shown, source);
      const joined =
        shown.sourceVocabulary.isText && source !== app.source ? "known sources one after the other: " : "";
      const says =
        `${capital(joined)}${counted(source.length, "input")}, where training had at most ${longest}. ` +
        rightOrWrong(run);
      const because = "yours is no longer than those of training";
      return { patch: stateFor(shown, source, {}), panelId: "step", because, says };
    },
  };
}

/** Return a source longer than any in training: the shortest of a few that the network gets wrong, else the longest. */
function longerSource(app, shown) {
  if (shown.sourceVocabulary.isText) return joinedSource(app, shown);
  const lengths = [1.2, 1.5, 2, 3].map((factor) => 2 * Math.ceil((shown.in_len * factor + 1) / 2));
  const fitting = lengths.filter((length) => length <= LONGEST_SOURCE);
  const sources = (fitting.length ? fitting : [LONGEST_SOURCE]).map((length) => inventedSource(shown, length));
  return sources.find((source) => shown.target(source) && !answerTo(shown, source).exact) ?? last(sources);
}

/** Return known sources one after the other, until they are longer than any in training. */
function joinedSource(app, shown) {
  const { in_len: longest, sourceVocabulary } = shown;
  const byText = new Map(sourcesAtHand(app, shown).map((source) => [source.join(" "), source])); // each once
  const known = [...byText.values()].filter((source) => source.length);
  const space = sourceVocabulary.tokens === "characters" ? sourceVocabulary.numberOf.get(" ") : undefined;
  let joined = [];
  for (let i = 0; joined.length <= longest && known.length; i++) {
    const gap = joined.length && space !== undefined ? [space] : [];
    joined = [...joined, ...gap, ...known[i % known.length]];
  }
  return joined.slice(0, LONGEST_SOURCE);
}

/** Return a source of symbols that only look random: the same whenever it is asked for. */
function inventedSource(shown, length) {
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48271) % 2147483647; // Park and Miller 1988
    return state % (shown.sourceVocabulary.largest + 1);
  });
}
