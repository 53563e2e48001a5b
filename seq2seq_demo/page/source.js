"use strict";
/* What goes in, and what comes out. */

/** The source, the answers to it, what was expected, and examples. */
function inputPanel(app) {
  showSummary(app);
  const source = sourceField(app);
  const target = targetField(app);
  const answers = app.networks.map((shown, i) => answerParts(app, i));
  const section = panel(
    "input",
    "Try it",
    "Type a sequence: the trained network reads it and writes its answer at once, here in this page.",
    h(
      "div",
      { className: "halves" },
      h("div", {}, source.field, examplesList(app)),
      h(
        "div",
        {},
        columns(app.networks, (shown, i) => answers[i].parts),
        target.field,
        copyButtons(app),
      ),
    ),
  );
  app.add({
    update() {
      source.update();
      target.update();
      answers.forEach((answer) => answer.update());
    },
  });
  return section;
}

/* What networks were trained to do, by pattern; of others the page shows the description in Python. */
const TRAINED_TO = {
  reversed: () => "to write a sequence backwards",
  copy: () => "to write a sequence again, as it is",
  sorted: () => "to write a sequence in ascending order",
  rotated: () => "to move a sequence one place to the left, with its first symbol at the end",
  maxmin_dup: () => "to write the largest symbol, the smallest, and then the sequence from its third symbol on",
  running_sum: ({ targetVocabulary: { largest } }) =>
    `to write the sum of the symbols so far, at each symbol (from ${largest + 1} on it begins at 0 again)`,
  added: () => "to add two numbers of as many digits, which stand one after the other",
};

function whatToType({ isText, tokens, largest, symbols }) {
  if (!isText) return largest <= 9 ? "some digits" : "some integers";
  if (tokens === "words") return "some words";
  return symbols.includes(" ") ? "some text" : "a word";
}

/** Say in a sentence what a network does, and what to type. */
function whatItDoes(shown, many) {
  const which = many > 1 ? `These ${many} small networks were` : "This small network was";
  const type = whatToType(shown.sourceVocabulary);
  const trainedTo = TRAINED_TO[shown.pattern];
  if (trainedTo) return `${which} trained ${trainedTo(shown)}. Type ${type}.`;
  const what = shown.what.replace(/\.$/, "");
  return what ? `${which} trained on ${what}. Type ${type}.` : `Type ${type}, and see what the network makes of it.`;
}

/** Say beneath the page's title what the networks do, and what they are. */
function showSummary(app) {
  const { networks } = app;
  const alike = networks.every(({ pattern, what }) => pattern === networks[0].pattern && what === networks[0].what);
  const sentences = alike
    ? [whatItDoes(networks[0], networks.length)]
    : networks.map((shown) => `${shown.name}: ${whatItDoes(shown, 1)}`);
  document.getElementById("what").replaceChildren(...sentences.map((sentence) => h("span", {}, sentence)));
  const lines = app.networks.map((shown) =>
    app.networks.length > 1 ? `${shown.name}: ${shown.summary}` : shown.summary,
  );
  document.getElementById("summary").replaceChildren(...lines.map((line) => h("span", {}, line)));
  document.body.dataset.networks = app.networks.length;
}

/** Return a text field with its explained label, a hint and room for an error. */
function textField(id, label, explanation, hint) {
  const named = explained(label, explanation, "label");
  named.firstChild.htmlFor = id;
  const attributes = { "aria-describedby": `${id}-error ${id}-hint`, autocapitalize: "off", autocorrect: "off" };
  const input = h("input", { id, type: "text", autocomplete: "off", spellcheck: false, dir: "auto", attributes });
  const error = h("p", { id: `${id}-error`, className: "error" });
  const hintLine = h("p", { id: `${id}-hint`, className: "hint" }, hint);
  const showError = (text) => {
    error.textContent = text;
    input.setAttribute("aria-invalid", text !== "");
  };
  return { field: h("div", { className: "text-field" }, named, input, error, hintLine), input, showError };
}

/** The field that the source is typed into. */
function sourceField(app) {
  const [{ sourceVocabulary: vocabulary }] = app.networks;
  const form = vocabulary.tokens === "characters" ? "as they are" : "with spaces between them";
  const { field, input, showError } = textField(
    "source",
    "Source",
    "The sequence that the network reads, one symbol after the other.",
    `${capital(vocabulary.described())}; type them ${form}. ${trainedOn(app.networks)}`,
  );
  input.addEventListener("input", () => {
    app.change({ text: input.value });
    saySoon(() => app.error || app.runs.map(answerSaid).join(" "));
  });
  const update = () => {
    if (input.value !== app.state.text) input.value = app.state.text;
    showError(app.error);
  };
  return { field, update };
}

/** Say something when typing has come to rest. */
function saySoon(text) {
  clearTimeout(saySoon.timer);
  saySoon.timer = setTimeout(() => announce(text()), 600);
}

/** Return an answer as it is said. */
function answerSaid(run) {
  const name = app.networks.length > 1 ? `${run.shown.name}: ` : "";
  return `${name}Answer ${run.shown.targetVocabulary.text(run.answer)}, ${judgement(run).text}.`;
}

/** Say where targets come from, and in which form they are typed. */
function targetHint({ pattern, targetVocabulary: vocabulary }) {
  if (PATTERNS[pattern]) return `Filled in by itself for ${pattern}; type another if you like.`;
  const form = `In the form of the answer: ${vocabulary.described()}.`;
  return pattern
    ? `This page knows the targets of its examples only, and not the pattern ${pattern}. ${form}`
    : form;
}

/** The field that an expected target can be typed into; where the target is known, it stands there. */
function targetField(app) {
  const [{ targetVocabulary: vocabulary }] = app.networks;
  const { field, input, showError } = textField(
    "target",
    "What should come out? (optional)",
    "The target. Where it is known, wrong symbols are marked, and teacher forcing can be shown.",
    targetHint(app.networks[0]),
  );
  const fill = () => {
    const known = app.runs.length && app.runs[0].expected ? vocabulary.text(app.runs[0].expected) : "";
    input.value = app.state.targetText ?? known;
  };
  input.addEventListener("input", () => {
    app.change({ targetText: input.value });
    saySoon(() => app.targetError || app.runs.map((run) => judgement(run).text).join(", "));
  });
  input.addEventListener("blur", () => {
    if (input.value.trim() === "" && app.state.targetText !== null) app.change({ targetText: null }); // the known one
    fill();
  });
  const update = () => {
    if (document.activeElement !== input) fill();
    showError(app.targetError);
  };
  return { field, update };
}

/** The chosen examples, a click away. */
function examplesList(app) {
  const [{ examples, sourceVocabulary }] = app.networks;
  if (!examples.length) return null;
  const items = examples.map(({ source, note }) => {
    const text = sourceVocabulary.text(source);
    const choose = () => {
      app.change({ text, forced: {}, replaced: null, targetText: null });
      announce(app.runs.map(answerSaid).join(" "));
    };
    const sample = h("span", { className: "sample", dir: "auto" }, visible(text) === text ? text : text.trim());
    const chosen = h("button", { type: "button", onclick: choose }, sample, note ? h("small", {}, note) : null);
    app.add({ update: () => chosen.setAttribute("aria-pressed", app.state.text === text) });
    return h("li", {}, chosen);
  });
  const title = explained("Examples", "Sources chosen to show something; press one to see its answer.", "h3");
  return h("div", {}, title, h("ul", { className: "examples" }, ...items));
}

const MARKS = { right: "✓ ", wrong: "✗ ", unknown: "" };

/** The answer of a network: as text, as tiles, and what was expected. */
function answerParts(app, i) {
  const id = i ? {} : { id: "prediction" };
  const attributes = { "aria-live": "off", ...(i ? { "data-network": i } : {}) }; // `announce` says it, once
  const output = h("output", { ...id, className: "prediction", dir: "auto", attributes });
  const label = explained(
    "Answer",
    "What the network writes by itself (free-running): each symbol it writes is fed to it to write the next.",
    "h3",
  );
  const tiles = h("ol", { className: "pieces", attributes: { "aria-label": "The answer, symbol by symbol" } });
  const said = h("p", { className: "judgement" });
  const note = h("p", { className: "hint" });
  const undo = button("Undo all forcing", () => {
    undoForcing(app);
    document.getElementById("source").focus(); // the button is gone
  });
  const update = () => {
    const run = app.runs[i];
    output.textContent = run ? run.shown.targetVocabulary.text(run.answer) : "";
    tiles.replaceChildren(...(run ? answerPieces(run) : []));
    tiles.hidden = !run;
    said.className = `judgement ${run ? judgement(run).kind : ""}`;
    said.textContent = run ? MARKS[judgement(run).kind] + judgement(run).text : "";
    note.textContent = run ? answerNotes(app, run) : "";
    undo.hidden = i > 0 || !Object.keys(app.state.forced).length;
  };
  return { parts: [label, output, tiles, said, note, undo], update };
}

/** Return the tiles of an answer; wrong ones say what was expected, and the end is a tile of its own. */
function answerPieces(run) {
  const gaps = (t) => run.missing(t).map((symbol) => gapTile(run, symbol));
  const tiles = run.written.flatMap((symbol, t) => {
    const kinds = [isEnd(run, t) ? "end" : "", run.isWrong(t) ? "wrong" : "", isForced(t) ? "forced" : ""];
    const feet = [isForced(t) ? "forced" : "", matter(run, t)].filter(Boolean).join(", ");
    return [...gaps(t), tile(targetName(run, symbol), { kind: kinds.join(" "), foot: feet })];
  });
  const cutOff = run.shown.ends && !run.ended;
  const rest = gaps(run.written.length);
  return cutOff
    ? [...tiles, ...rest.slice(0, -1), tile("…", { kind: "end", foot: "did not end" })]
    : [...tiles, ...rest];
}

/** Return the tile of a symbol that is left out. */
const gapTile = (run, symbol) => tile(targetName(run, symbol), { kind: "gap", foot: "left out" });

/** Say whether an answer is right, as far as anybody knows. */
function judgement(run) {
  const end = run.shown.ends && !run.ended ? "it did not end" : "";
  if (run.expected === null) return { kind: "unknown", text: end || "nobody told this page what should come out" };
  if (run.exact) return { kind: "right", text: "right" };
  const expected = run.shown.targetVocabulary.text(run.expected);
  const what = `${wrongInWords(run)}${end && `; ${end}`}`;
  return { kind: "wrong", text: `wrong: ${what}. Expected: ${expected || "nothing"}` };
}

/** Say what else one should know of an answer. */
function answerNotes(app, run) {
  const { shown, source } = run;
  const notes = [];
  const n = Object.keys(app.state.forced).length;
  if (n) notes.push(`You forced ${n === 1 ? "one" : n} of its symbols.`);
  if (shown.in_len && source.length > shown.in_len)
    notes.push(`Longer than any source it was trained on (${shown.in_len}).`);
  if (source.length < (shown.min_in_len ?? shown.in_len ?? 0)) notes.push("Shorter than any source it was trained on.");
  const step = app.state.moment === null ? undefined : shown.recording?.steps[app.state.moment];
  if (step !== undefined) notes.push(`As it was after ${step} training steps.`);
  return notes.join(" ");
}

/** Buttons that take the state and the answer elsewhere. */
function copyButtons(app) {
  const byHand = h("textarea", { className: "by-hand", hidden: true, readOnly: true, rows: 4 });
  byHand.setAttribute("aria-label", "To copy by hand");
  const copy = async (text, what) => {
    byHand.hidden = true;
    try {
      await navigator.clipboard.writeText(text);
      said.textContent = `${what} copied`;
    } catch {
      Object.assign(byHand, { hidden: false, value: text });
      byHand.select();
      said.textContent = "Copy it by hand:";
    }
    announce(said.textContent);
  };
  const said = h("span", { className: "hint" });
  const json = button("Copy as JSON", () => copy(JSON.stringify(app.runs.map(asJson), null, 2), "JSON"), {
    id: "copy-json",
  });
  const link = button("Copy link", () => copy(location.href, "Link"), { id: "copy-link" });
  app.add({
    update() {
      json.disabled = !app.runs.length;
      link.disabled = !app.source; // the address still holds what was shown before
      queueMicrotask(() => (link.hidden = location.hash === "")); // where the page may not write its state there
      said.textContent = "";
    },
  });
  return h("div", { className: "controls" }, json, link, said, byHand);
}

/** Return a run for programs; of large vocabularies, the 100 likeliest symbols of each step. */
function asJson(run) {
  const { shown } = run;
  const names = (numbers) => numbers.map((number) => shown.targetVocabulary.name(number));
  const steps = run.steps.map((step, t) => ({
    fed: t ? shown.targetVocabulary.name(step.fed) : "GO",
    written: shown.targetVocabulary.name(step.written),
    forced: isForced(t),
    attention: step.alpha && [...step.alpha],
    probabilities: largest(probabilities(step), 100).map((symbol) => ({
      symbol: shown.targetVocabulary.name(symbol),
      probability: probabilities(step)[symbol],
    })),
  }));
  const expected = run.expected && names(run.expected);
  const source = run.source.map((number) => shown.sourceVocabulary.name(number));
  const { exact, ended } = run;
  const state = { text: app.state.text, place: app.state.place, forced: app.state.forced, moment: app.state.moment };
  return {
    network: shown.name,
    state,
    source,
    prediction: names(run.answer),
    expected,
    exact,
    ended: shown.ends ? ended : null,
    steps,
  };
}
