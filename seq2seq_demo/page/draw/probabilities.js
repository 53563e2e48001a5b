/* The probabilities of an output as bars, in a panel or in a layer at the output. A click on a bar forces its symbol.
 */

import { largest, sum } from "../network/network.js";
import { app, byId } from "./app.js";
import { button, h, revise, symbolSpan } from "./elements.js";
import { ordinal, percent } from "./format.js";
import { addPanel, keepFocus, panel, placeAt, popover, redraw } from "./panels.js";
import { currentOutput, exampleWord, fedName, isForced, probabilities, targetName } from "./runs.js";
import { announceAnswers } from "./source.js";

/** @import { Run } from "../network/trained.js" */

const MAX_BARS = 12;

/** Return the probability panel, which is shown only if the page shows a single network. */
export function probabilityPanel() {
  const { box, show } = symbolBars(0, force);
  return addPanel(panel("probabilities", "Probabilities", box), show);
}

let openOutput = 0; // the output at which the layer is open

/** Return the layer in which the user forces a symbol for network i; see `openSymbols`. */
export function symbolLayer(/** @type {number} */ i) {
  const { box, show } = symbolBars(i, (symbol) => {
    layer.hidePopover();
    force(symbol);
    byId(`written-${i}`)?.focus({ preventScroll: true });
  });
  const layer = popover(`symbols-${i}`, "Force another symbol", box);
  addEventListener("resize", () => layer.hidePopover(), app.built);
  app.add(() => {
    if (isOpen(i) && app.t === openOutput && app.runs.length) show();
    else layer.hidePopover();
  });
  return layer;
}

export const isOpen = (/** @type {number} */ i) => byId(`symbols-${i}`).matches(":popover-open");

/** Go to output t, and open the layer of network i there. */
export function openSymbols(/** @type {number} */ i, /** @type {number} */ t) {
  const layer = byId(`symbols-${i}`);
  openOutput = t;
  layer.showPopover();
  app.change({ place: app.S + t + 1 });
  queueMicrotask(() => {
    placeAt(layer, byId(`written-${i}`)); // after `updateScrollBox` has scrolled to it
    focusWritten(layer);
  });
}

/** Return a box with bars for the current output of network i, and `show`, which updates it. A click on a bar calls
    `choose`.
    @type {(i: number, choose: (symbol: number) => void) => { box: HTMLElement, show: () => void }} */
function symbolBars(i, choose) {
  const { config, targetVocabulary } = app.networks[i];
  const [box, heading, note] = [h("div"), h("p"), h("div", { class: "controls forced-note" })];
  const names = Array.from({ length: config.go + 1 }, (_, symbol) => targetVocabulary.name(symbol));
  const isLarge = names.length > MAX_BARS + 2;
  const bars = names.slice(0, isLarge ? MAX_BARS : names.length).map(() => symbolBar(choose));
  const rest = h("li", { class: "rest" });
  const list = h("ul", { class: "bars" }, ...bars.map(({ element }) => element), isLarge ? rest : null);
  const longest = Math.max(...names.map((name) => [...name].length));
  list.style.setProperty("--name", `${Math.min(14, longest) + 1}ch`); // so that all bars have the same scale
  app.addForRuns(() => redraw(note, ...forcedNote(list)));
  const show = () => {
    const run = app.runs[i];
    const t = currentOutput(run);
    const ended = app.t === null ? "Nothing has been written yet." : "The answer has already ended.";
    revise(heading, {}, t === null ? ended : `The ${ordinal(t + 1)} output, fed ${fedName(run, run.steps, t)}.`);
    if (t === null) return redraw(box, heading, Object.keys(app.forced).length ? note : null);
    redraw(box, heading, note, list);
    const p = probabilities(run.steps[t]);
    const symbols = isLarge ? largest(p, MAX_BARS) : [...p.keys()];
    keepFocus(list, () => symbols.forEach((symbol, k) => bars[k].show(run, t, symbol)));
    const others = Math.max(0, 1 - sum(symbols.map((symbol) => p[symbol])));
    revise(rest, {}, `${p.length - MAX_BARS} other symbols: ${percent(others)} in total`);
  };
  return { box, show };
}

/** Return a button for a symbol at the current step, and `show`, which sets the symbol and its probability. */
function symbolBar(/** @type {(symbol: number) => void} */ choose) {
  const [name, filled, tagText] = [symbolSpan(""), h("span", { class: "filled" }), h("small")];
  const number = h("span", { class: "number" });
  const track = h("span", { class: "bar-track" }, filled);
  const bar = h("button", { class: "bar", type: "button" }, name, track, number, tagText);
  /** @type {(run: Run, t: number, symbol: number) => void} */
  const show = (run, t, symbol) => {
    const step = run.steps[t];
    const p = probabilities(step)[symbol];
    const isWritten = step.written === symbol;
    const isExpected = !app.state.hidden && (run.alignment?.missing[t]?.[0] ?? run.expectedAt(t)) === symbol;
    const [choice, own] = isForced(t) ? ["forced", "likeliest"] : ["", "written"];
    const tags = [isWritten && choice, step.symbol === symbol && own, isExpected && "expected"].filter(Boolean);
    const [title, word] = [targetName(run, symbol), exampleWord(run, symbol)];
    const label = `Force ${title}${word}: ${[percent(p), ...tags].join(", ")}`;
    bar.onclick = () => choose(symbol);
    revise(bar, { "aria-pressed": isWritten, "aria-label": label, "data-key": `symbol-${symbol}` });
    revise(name, { title }, title);
    filled.style.width = `${(100 * p).toFixed(1)}%`;
    revise(number, {}, percent(p));
    revise(tagText, {}, [word, ...tags].filter(Boolean).join(", "));
  };
  return { element: h("li", {}, bar), show };
}

/** Force a symbol at the current step or, if it is already forced, stop forcing it. Symbols at later steps are no
    longer forced, because the outputs before them change. */
function force(/** @type {number} */ symbol) {
  const t = app.t ?? 0;
  const earlier = Object.entries(app.state.forced).filter(([step]) => Number(step) < t);
  const isFree = app.state.forced[t] === symbol || app.runs.every((run) => run.steps[t]?.symbol === symbol);
  app.change({ forced: Object.fromEntries(isFree ? earlier : [...earlier, [t, symbol]]) });
  announceAnswers(isFree ? `The ${ordinal(t + 1)} output is not forced.` : `Forced ${forcedName(t, symbol)}.`);
}

/** @type {(t: number, symbol: number) => string} */
const forcedName = (t, symbol) => `${targetName(app.runs[0], symbol)} at the ${ordinal(t + 1)} output`;

/** Return a list of the forced symbols and a button that stops forcing them. If no symbol is forced, return a hint. */
function forcedNote(/** @type {HTMLElement} */ bars) {
  const forced = Object.entries(app.forced).map(([t, symbol]) => forcedName(Number(t), symbol));
  if (!forced.length) return ["Click a symbol to force it."];
  const undo = () => {
    app.change({ forced: {} });
    announceAnswers("No output is forced.");
    focusWritten(bars); // the clicked button is gone
  };
  return [h("span", {}, `Forced: ${forced.join(", ")}`), button("Undo", undo, { "data-key": "undo" })];
}

/** In a box with bars, focus the bar of the symbol that was written as the current output. */
function focusWritten(/** @type {HTMLElement} */ box) {
  /** @type {HTMLElement | null} */ (box.querySelector("[aria-pressed=true]"))?.focus();
}
