/* The panel of output probabilities, in which a click forces a symbol. */

import { app } from "./app.js";
import { keepFocus, redraw } from "./boxes.js";
import { button, h, revise, symbolSpan } from "./elements.js";
import { largest, percent } from "./format.js";
import { addPanel, panel } from "./panels.js";
import { countText, currentOutput, exampleWord, fedName, isForced, probabilities, targetName } from "./runs.js";
import { announceAnswers } from "./source.js";

/** @import { Run } from "./trained.js" */

const MAX_BARS = 12;

/** Return the panel of network i. */
export function probabilityPanel(/** @type {number} */ i) {
  const { config, targetVocabulary } = app.networks[i];
  const [box, heading, note] = [h("div"), h("p"), h("div", { className: "controls forced-note" })];
  const isLarge = config.go > MAX_BARS + 1;
  const bars = Array.from({ length: isLarge ? MAX_BARS : config.go + 1 }, symbolBar);
  const rest = h("li", { className: "rest" });
  const list = h("ul", { className: "bars" }, ...bars.map(({ element }) => element), isLarge ? rest : null);
  const longest = Math.max(...Array.from({ length: config.go + 1 }, (_, n) => [...targetVocabulary.name(n)].length));
  list.style.setProperty("--name", `${Math.min(14, longest) + 1}ch`); // so that the bars of all networks have one scale
  const section = panel(
    i ? `probabilities-${i + 1}` : "probabilities",
    "Probabilities",
    "At each step the decoder computes a probability for every symbol (the softmax of its logits) and writes the " +
      "likeliest. Click another symbol to force it; the decoder continues from there.",
    box,
  );
  app.addForRuns(() => redraw(note, ...forcedNote()));
  return addPanel(section, () => {
    const run = app.runs[i];
    const t = currentOutput(run);
    if (t === null) {
      revise(heading, {}, app.t === null ? "Nothing has been written yet." : "The answer has already ended.");
      return redraw(box, heading, Object.keys(app.forced).length ? note : null);
    }
    const p = probabilities(run.steps[t]);
    const symbols = isLarge ? largest(p, MAX_BARS) : [...p.keys()];
    keepFocus(list, () => symbols.forEach((symbol, k) => bars[k].show(run, t, symbol)));
    const others = Math.max(0, 1 - symbols.reduce((sum, symbol) => sum + p[symbol], 0));
    revise(rest, {}, `${p.length - MAX_BARS} other symbols: ${percent(others)} in total`);
    revise(heading, {}, `Output ${countText(t + 1, run.steps.length)}, fed ${fedName(run, run.steps, t)}.`);
    redraw(box, heading, note, list);
  });
}

/** Return the likeliest symbols of the current output of network i in one line, which stands below its picture. */
export function likeliestLine(/** @type {number} */ i) {
  const bars = Array.from({ length: Math.min(3, app.networks[i].config.go + 1) }, symbolBar);
  const name = h("li");
  const line = h("ul", { className: "bars line" }, name, ...bars.map(({ element }) => element));
  app.add(() => {
    const run = app.runs[i];
    const t = run ? currentOutput(run) : null;
    line.classList.toggle("empty", t === null);
    if (t === null) return;
    revise(name, {}, `Output ${t + 1}:`);
    largest(probabilities(run.steps[t]), bars.length).forEach((symbol, k) => bars[k].show(run, t, symbol));
  });
  return line;
}

/** Return a button that forces a symbol at the current step; `show` shows a symbol and its probability. */
function symbolBar() {
  const [name, filled, number, tagText] = [symbolSpan(""), h("span", { className: "share" }), h("span"), h("small")];
  number.className = "number";
  const track = h("span", { className: "bar-track" }, filled);
  const bar = h("button", { className: "bar", type: "button" }, name, track, number, tagText);
  /** @type {(run: Run, t: number, symbol: number) => void} */
  const show = (run, t, symbol) => {
    const step = run.steps[t];
    const p = probabilities(step)[symbol];
    const isWritten = step.written === symbol;
    /** @type {string[]} */
    const tags = [];
    if (isForced(t) && isWritten) tags.push("forced");
    if (step.symbol === symbol) tags.push(isForced(t) ? "likeliest" : "written");
    if (run.expected && (run.missing(t)[0] ?? run.expectedAt(t)) === symbol && !app.state.hidden) tags.push("expected");
    const title = targetName(run, symbol);
    const word = exampleWord(run, symbol);
    const label = `Force ${title}${word}: ${[percent(p), ...tags].join(", ")}`;
    bar.onclick = () => force(symbol);
    revise(bar, { "aria-pressed": isWritten, "aria-label": label, "data-key": `symbol-${symbol}` });
    revise(name, { title }, title);
    filled.style.width = `${(100 * p).toFixed(1)}%`;
    revise(number, {}, percent(p));
    revise(tagText, {}, [...(word ? [word] : []), ...tags].join(", "));
  };
  return { element: h("li", {}, bar), show };
}

/** Force a symbol at the current step, or free it if it is forced. Symbols forced later become free, because the outputs
    before them change. */
function force(/** @type {number} */ symbol) {
  const t = app.t ?? 0;
  const earlier = Object.entries(app.state.forced).filter(([step]) => Number(step) < t);
  const isFree = app.state.forced[t] === symbol || app.runs.every((run) => run.steps[t]?.symbol === symbol);
  app.change({ forced: Object.fromEntries(isFree ? earlier : [...earlier, [t, symbol]]) });
  const name = targetName(app.runs[0], symbol);
  announceAnswers(isFree ? `Output ${t + 1} is not forced.` : `Forced ${name} at output ${t + 1}.`);
}

/** Return a list of the forced symbols with a button that undoes them or, if there are none, a hint. */
function forcedNote() {
  const forced = Object.entries(app.forced);
  if (!forced.length) return ["Click a symbol to force it."];
  const list = forced.map(([t, symbol]) => `${targetName(app.runs[0], symbol)} at output ${Number(t) + 1}`).join(", ");
  const undo = () => {
    app.change({ forced: {} });
    announceAnswers("No output is forced.");
    focusWritten(); // the clicked button is gone
  };
  return [h("span", {}, `Forced: ${list}`), button("Undo", undo, { "data-key": "undo" })];
}

/** Focus the symbol that was written at the current output. */
function focusWritten() {
  /** @type {HTMLElement | null} */ (document.querySelector(".bars [aria-pressed=true]"))?.focus();
}
