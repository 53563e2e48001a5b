"use strict";
/* Six paragraphs that explain seq2seq; a button of each puts the page into the state that the paragraph speaks of. */

const SEARCH_MS = 300; // for a case that shows it on this network

/** Return the panel of the paragraphs, in words that fit the networks of the page. */
function wordsPanel(app) {
  const lessons = [encoderLesson, decoderLesson, exposureLesson, attentionLesson, dependenceLesson, lengthsLesson];
  const shown = lessons.map((lesson, i) => lessonElement(app, i + 1, lesson(app)));
  const explanation =
    "What a sequence-to-sequence network is. Each button sets the page to what its paragraph speaks of.";
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
    const { patch, panelId, says } = act();
    app.change(patch, says);
    outcome.textContent = says;
    goTo(panelId, says, press);
  });
  element.append(press, outcome);
  return element;
}

/** Scroll to a panel and put the focus there, with what there is to see and a button that leads back. */
function goTo(panelId, says, from) {
  const target = document.getElementById(panelId);
  if (!target) return;
  document.querySelector(".guide")?.remove();
  const back = h("button", { type: "button", textContent: "Back to the words" });
  const guide = h("div", { className: "guide" }, h("p", { textContent: says }), back);
  back.addEventListener("click", () => {
    guide.remove();
    from.focus({ preventScroll: true });
    from.scrollIntoView({ block: "center" });
  });
  target.firstElementChild.after(guide);
  target.tabIndex = -1;
  target.focus({ preventScroll: true });
  target.scrollIntoView();
}

/* Sources that a paragraph may speak of */

/** Return the present source, if there is one, and those of the examples. */
function sourcesAtHand(app, shown) {
  const examples = shown.examples.map((example) => example.source);
  return [...(app.source ? [app.source] : []), ...examples].filter((source) => source.length <= LONGEST_SOURCE);
}

/** Return a source at hand that a network answers right, neither long nor dull; else any. */
function goodSource(app, shown) {
  const sources = sourcesAtHand(app, shown);
  const short = sources.filter((source) => source.length > 3 && source.length <= 12);
  const right = short.filter((source) => answerTo(shown, source).exact);
  const varied = (source) => new Set(source).size > 3;
  return right.find(varied) ?? right[0] ?? short.find(varied) ?? short[0] ?? sources[0] ?? [0];
}

/** Return the answer of a network as saved to a source, with some outputs forced. */
const answerTo = (shown, source, forced = {}) =>
  shown.answer(
    source,
    shown.target(source),
    null,
    new Map(Object.entries(forced).map(([t, symbol]) => [Number(t), symbol])),
  );

/** Return a patch that sets the source, and the network as saved. */
function stateFor(shown, source, patch) {
  return { text: shown.sourceVocabulary.text(source), moment: null, forced: {}, replaced: null, ...patch };
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
  const { cell_type: cell, cell_size: H, num_layers: layers, has_attention: attends, bidirectional } = shown.config;
  const names = STATES[cell];
  const which = names.join(" and ") + (layers > 1 ? ` of ${layers} layers` : "");
  const state = `${names.length * layers * H} numbers (${which})`;
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
      "The decoder starts from the encoder's last state and is fed START (the symbol GO). At each step it renews its " +
        "state, gives every symbol a probability, and writes the likeliest one. What it wrote is what it is fed " +
        `next.${ends}`,
    ],
    button: "Show its second step",
    act() {
      const source = goodSource(app, shown);
      const run = answerTo(shown, source);
      const t = Math.min(1, run.steps.length - 1);
      const { fed, logits, written } = run.steps[t];
      const fedSymbol = fed === shown.go ? "START" : symbolName(shown, fed);
      const says =
        `Output ${t + 1}: fed ${fedSymbol}, it writes ${symbolName(shown, written)}, with a probability of ` +
        `${percent(softmax(logits)[written])}.`;
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
      const { source, t, symbol, wrong, after, known } = found;
      const forced = `Forced to write ${symbolName(shown, symbol)} as output ${t + 1}, ${nameOf(app, shown) || "it"}`;
      const says = wrong
        ? `${forced} ${known ? "is wrong in" : "changes"} ${wrong} of the ${counted(after, "output")} that follow.`
        : `${forced} still writes all that follows as it should, wherever this page tried it: it finds its way back. ` +
          "Not every network does.";
      return {
        patch: stateFor(shown, source, { forced: { [t]: symbol }, place: source.length + t + 2 }),
        panelId: "forced",
        says,
      };
    },
  };
}

/** Find the forced symbol after which most outputs are wrong: { source, t, symbol, wrong, after, known }. */
function derailment(app, shown) {
  const until = performance.now() + SEARCH_MS;
  let found = null;
  for (const source of [goodSource(app, shown), ...sourcesAtHand(app, shown)]) {
    const free = answerTo(shown, source);
    if (found && ((free.expected && !free.exact) || found.wrong > 2)) continue; // wrong anyhow; good enough
    for (let t = 0; t < free.answer.length - 1; t++) {
      for (const symbol of wrongSymbols(free, t)) {
        if (performance.now() > until && found) return found;
        const one = consequence(free, t, symbol);
        if (!found || one.wrong > found.wrong) found = one;
      }
    }
  }
  return found;
}

/** Return symbols to force at step t: the likeliest wrong ones. */
function wrongSymbols({ steps, shown }, t) {
  const { logits, written } = steps[t];
  const order = [...logits.keys()].sort((a, b) => logits[b] - logits[a]);
  return order.filter((symbol) => symbol !== written && symbol !== shown.go).slice(0, 3);
}

/** Force a symbol; count what is wrong after it, or, where nobody knows what is right, what changes. */
function consequence(free, t, symbol) {
  const { shown, source } = free;
  const run = answerTo(shown, source, { [t]: symbol });
  const right = free.wanted ?? free.steps.map((step) => step.written);
  const after = Math.max(right.length, run.steps.length) - t - 1;
  const wrong = Array.from({ length: after }, (_, i) => t + 1 + i).filter((i) => run.steps[i]?.written !== right[i]);
  return { source, t, symbol, wrong: wrong.length, after, known: free.wanted !== null };
}

/* Why the decoder looks where it looks, by pattern. */
const WHERE_IT_LOOKS = {
  reversed:
    "The first symbol of a reversal is the last of the source, the second the last but one: so it looks at the end " +
    "first and goes left.",
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

const capital = (text) => text[0].toUpperCase() + text.slice(1);

/** Say how many outputs look most at an input that is the symbol they write, where that is what one expects. */
function sameSymbol({ shown, source, steps, answer }) {
  if (!REORDERINGS.includes(shown.pattern)) return "";
  const alike = answer.filter((symbol, t) => {
    const looked = shown.sourceVocabulary.name(source[argmax(steps[t].alpha)]);
    return looked === shown.targetVocabulary.name(symbol);
  });
  const all = counted(answer.length, "output");
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
      return { patch: stateFor(shown, source, { place: source.length }), panelId: "step", says };
    },
  };
}

function dependenceLesson(app) {
  const shown = app.networks.find((one) => one.config.has_attention);
  if (!shown) return influenceLesson(app);
  return {
    title: "What attention does not explain",
    text: [
      "Where the decoder looks is not all that it knows. Each row of the memory also sums up what was read before " +
        "it, and the decoder starts from the last state. So an output can depend on an input that it never looks at " +
        "(Jain and Wallace 2019).",
      "To know what an output depends on, change an input and see whether the output changes.",
    ],
    button: "Where the two part",
    act() {
      const found = unattended(app, shown);
      if (!found) return idleLook(app, shown);
      const { run, s, symbol, t, share } = found;
      const says =
        `${capital(outputName(run, t))} gives ${percent(share)} of its attention to ` +
        `${inputName(shown, run.source, s)}. Yet it changes when this input becomes ` +
        `${shown.sourceVocabulary.name(symbol)}.`;
      return { patch: stateFor(shown, run.source, { replaced: { s, symbol } }), panelId: "influence", says };
    },
  };
}

/** Show an output that looks at an input on which it does not depend; END often does. */
function idleLook(app, shown) {
  const source = goodSource(app, shown);
  const run = answerTo(shown, source);
  const { steps } = run;
  const most = steps.map(({ alpha }) => argmax(alpha));
  const idle = [...steps.keys()].filter((t) => !dependsOn(shown, run, t, most[t]));
  const t = idle.sort((a, b) => steps[b].alpha[most[b]] - steps[a].alpha[most[a]])[0];
  const panelId = "influence";
  if (t === undefined) {
    return {
      patch: stateFor(shown, source, {}),
      panelId,
      says: "For this source each output depends on the input that it looks at, and on no other.",
    };
  }
  const s = most[t];
  const symbol = tried(shown.sourceVocabulary, source[s])[0];
  const says =
    `${capital(outputName(run, t))} gives ${percent(steps[t].alpha[s])} of its attention to ` +
    `${inputName(shown, source, s)}. Yet it stays as it is, whatever symbol stands there.`;
  return { patch: stateFor(shown, source, { replaced: { s, symbol }, place: source.length + t + 1 }), panelId, says };
}

/** Say whether another symbol as input s changes output t. */
function dependsOn(shown, run, t, s) {
  return tried(shown.sourceVocabulary, run.source[s]).some((symbol) => {
    const { steps } = answerTo(
      shown,
      run.source.map((before, place) => (place === s ? symbol : before)),
    );
    return steps[t]?.written !== run.steps[t].written;
  });
}

/** Find an output that changes with an input to which it gives little attention: the least that is found. */
function unattended(app, shown) {
  const until = performance.now() + SEARCH_MS;
  let found = null;
  for (const source of [goodSource(app, shown), ...sourcesAtHand(app, shown)]) {
    const run = answerTo(shown, source);
    for (let s = 0; s < source.length; s++) {
      for (const symbol of tried(shown.sourceVocabulary, source[s])) {
        if (performance.now() > until) return found;
        const { steps } = answerTo(
          shown,
          source.map((before, place) => (place === s ? symbol : before)),
        );
        for (let t = 0; t < run.answer.length; t++) {
          const share = run.steps[t].alpha[s];
          const changed = run.steps[t].written !== steps[t]?.written;
          if (changed && share < (found?.share ?? 0.2)) found = { run, s, symbol, t, share };
        }
      }
    }
    if (found) return found;
  }
  return found;
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
      const [symbol] = tried(shown.sourceVocabulary, source[0]);
      const says = `${capital(inputName(shown, source, 0))} becomes ${symbolRead(shown, symbol)}. Marked outputs change.`;
      return { patch: stateFor(shown, source, { replaced: { s: 0, symbol } }), panelId: "influence", says };
    },
  };
}

function lengthsLesson(app) {
  const [shown] = app.networks;
  const { in_len: longest, min_in_len: shortest, ends } = shown;
  const range = shortest && shortest !== longest ? `${shortest} to ${longest}` : `${longest}`;
  const known = longest ? ` It was trained on sources of ${range} symbols.` : "";
  const text = ends
    ? "This network ends its answer itself: END is a symbol like any other, which it learned to write when all is " +
      `said.${known}`
    : `This network knows no END: it writes as many symbols as it is asked for.${known}`;
  const beyond =
    "Beyond these lengths nobody has shown it what to do. Its weights are the same at every step, so it can go on; " +
    "whether what it learned still holds there is another matter.";
  if (!longest || longest >= LONGEST_SOURCE) return { title: "Lengths", text: [text, beyond] };
  return {
    title: "Lengths",
    text: [text, beyond],
    button: "Try a longer source",
    act() {
      const source = longerSource(app, shown);
      const run = answerTo(shown, source);
      const says = `${counted(source.length, "input")}, where training had at most ${longest}. ${rightOrWrong(run)}`;
      return { patch: stateFor(shown, source, {}), panelId: "step", says };
    },
  };
}

/** Return a source longer than any in training: the shortest of a few that the network gets wrong, else the longest. */
function longerSource(app, shown) {
  const lengths = [1.2, 1.5, 2, 3].map((factor) => 2 * Math.ceil((shown.in_len * factor + 1) / 2));
  const fitting = lengths.filter((length) => length <= LONGEST_SOURCE);
  const sources = (fitting.length ? fitting : [LONGEST_SOURCE]).map((length) => inventedSource(app, shown, length));
  return sources.find((source) => shown.target(source) && !answerTo(shown, source).exact) ?? last(sources);
}

/** Return a source of symbols that only look random: the same whenever it is asked for. */
function inventedSource(app, shown, length) {
  const { isText } = shown.sourceVocabulary;
  const symbols = isText ? sourcesAtHand(app, shown).flat() : null; // those of a text, as often as there
  const n = symbols?.length || shown.sourceVocabulary.largest + 1;
  let state = 1;
  return Array.from({ length }, () => {
    state = (state * 48271) % 2147483647; // Park and Miller 1988
    const i = state % n;
    return symbols?.length ? symbols[i] : i;
  });
}
