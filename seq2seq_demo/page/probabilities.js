/* The panel of output probabilities, in which a click forces a symbol. */

import { redraw, scrollBox, updateScrollBox } from "./boxes.js";
import { button, h, symbolSpan, table } from "./elements.js";
import { largest, percent, truncate } from "./format.js";
import { addPanel, columns, labelWithHelp, panel, tableDetails } from "./panels.js";
import { currentOutput, fedName, isForced, probabilities, targetName, writtenName } from "./runs.js";
import { announceAnswers, undoForcing } from "./source.js";
import { goToOutput } from "./step.js";

const MAX_BARS = 12;

export function probabilityPanel(app) {
  const parts = app.networks.map((_, i) => probabilityParts(app, i));
  const section = panel(
    "probabilities",
    "Probabilities and forcing",
    "At each step the decoder computes a probability for every symbol (the softmax of its logits) and writes the " +
      "likeliest. Click another symbol to force it; the decoder continues from there.",
    columns(app.networks, (_, i) => parts[i].elements),
  );
  return addPanel(app, section, () => parts.forEach((part) => part.update()));
}

function probabilityParts(app, i) {
  const { name } = app.networks[i];
  const bars = h("div", {});
  const help = "The probability of the symbol that was written at each output. Click one to go to its output.";
  const title = labelWithHelp("Probability of each written symbol", help, "h3");
  const overview = scrollBox(`Probability of each symbol written by ${name}`);
  const makeTable = () => probabilityTable(app.runs[i]);
  const { details, refresh } = tableDetails(`Probabilities of ${name}, as a table`, makeTable);
  const update = () => {
    const run = app.runs[i];
    redraw(bars, ...probabilityBars(app, run));
    const { scrollLeft } = overview;
    redraw(overview, stepOverview(app, run));
    updateScrollBox(overview);
    overview.scrollLeft = scrollLeft;
    scrollToCurrent(overview);
    refresh();
  };
  return { elements: [bars, title, overview, details], update };
}

/** Scroll a box, not the page, to its current item. */
function scrollToCurrent(box) {
  const current = box.querySelector("[aria-current]");
  if (!current) return;
  const x = current.offsetLeft - box.offsetLeft;
  if (x < box.scrollLeft || x + current.offsetWidth > box.scrollLeft + box.clientWidth)
    box.scrollLeft = x - box.clientWidth / 2;
}

/** Return the symbols of the current output as buttons with bars; of a large vocabulary, the likeliest ones. */
function probabilityBars(app, run) {
  const t = currentOutput(app, run);
  if (t === null) {
    const text = app.t === null ? "Nothing has been written yet." : "The answer has already ended.";
    const toFirst = button("Go to the first output", () => {
      goToOutput(app, 0);
      focusWritten();
    });
    return [h("p", {}, text), toFirst];
  }
  const p = probabilities(run.steps[t]);
  const isLarge = p.length > MAX_BARS + 2;
  const symbols = isLarge ? largest(p, MAX_BARS) : [...p.keys()];
  const items = symbols.map((symbol) => h("li", {}, symbolBar(app, run, t, symbol)));
  if (isLarge) {
    const rest = Math.max(0, 1 - symbols.reduce((sum, symbol) => sum + p[symbol], 0));
    items.push(h("li", { className: "rest" }, `${p.length - MAX_BARS} other symbols: ${percent(rest)} in total`));
  }
  const list = h("ul", { className: "bars" }, ...items);
  const longest = Math.max(...symbols.map((symbol) => [...targetName(run, symbol)].length));
  list.style.setProperty("--name", `${Math.min(14, longest) + 1}ch`); // so that all bars start at the same x
  const heading = `Output ${t + 1} of ${run.steps.length}, fed ${fedName(run, run.steps, t)}:`;
  return [h("p", {}, heading), list, forcedNote(app)];
}

/** Return a bar of a given CSS class, filled to a share of its length. */
function shareBar(className, share) {
  const filled = h("span", { className: "share" });
  filled.style.setProperty("--share", share);
  return h("span", { className }, filled);
}

/** Return a symbol and its probability as a button that forces the symbol. */
function symbolBar(app, run, t, symbol) {
  const step = run.steps[t];
  const share = percent(probabilities(step)[symbol]);
  const isWritten = step.written === symbol;
  const tags = [];
  if (isForced(t) && isWritten) tags.push("forced");
  if (step.symbol === symbol) tags.push(isForced(t) ? "likeliest" : "written");
  if (run.expected && run.expectedAt(t) === symbol) tags.push("expected");
  const name = targetName(run, symbol);
  const attributes = {
    type: "button",
    "aria-pressed": isWritten,
    "aria-label": `Force ${name}: ${[share, ...tags].join(", ")}`,
    "data-key": `symbol-${symbol}`,
  };
  return h(
    "button",
    { className: "bar", onclick: () => force(app, t, symbol), attributes },
    symbolSpan(name),
    shareBar("track", probabilities(step)[symbol]),
    h("span", { className: "number" }, share),
    h("small", {}, tags.join(", ")),
  );
}

/** Force a symbol at step t. Symbols forced at later steps become free, because the outputs before them change. */
function force(app, t, symbol) {
  const earlier = Object.entries(app.state.forced).filter(([step]) => Number(step) < t);
  const isLikeliest = app.runs.every((run) => run.steps[t]?.symbol === symbol);
  app.change({ forced: Object.fromEntries(isLikeliest ? earlier : [...earlier, [t, symbol]]) });
  const name = targetName(app.runs[0], symbol);
  announceAnswers(isLikeliest ? `Output ${t + 1} is not forced.` : `Forced ${name} at output ${t + 1}.`);
}

/** Return a list of the forced symbols with a button that undoes them. */
function forcedNote(app) {
  const forced = Object.entries(app.forced);
  if (!forced.length) return h("p", { className: "hint" }, "Click a symbol to force it here.");
  const list = forced.map(([t, symbol]) => `${targetName(app.runs[0], symbol)} at output ${Number(t) + 1}`).join(", ");
  const undo = () => {
    undoForcing(app);
    focusWritten(); // the clicked button is gone
  };
  return h(
    "div",
    { className: "controls forced-note" },
    h("span", {}, `Forced: ${list}.`),
    button("Undo all forcing", undo, { "data-key": "undo" }),
  );
}

/** Focus the symbol that was written at the current output. */
function focusWritten() {
  document.querySelector(".bars [aria-pressed=true]")?.focus();
}

/** Return one button per output: the symbol that was written, and its probability. */
function stepOverview(app, run) {
  const items = run.steps.map((step, t) => {
    const p = probabilities(step)[step.written];
    const [name, wrong] = [writtenName(run, t), run.isWrong(t)];
    const label = `Output ${t + 1}: ${name}, ${percent(p)}${wrong ? ", wrong" : ""}${isForced(t) ? ", forced" : ""}`;
    const attributes = { type: "button", "aria-label": label, "data-key": `step-${t}` };
    if (t === currentOutput(app, run)) attributes["aria-current"] = "step";
    const goTo = h(
      "button",
      { className: "step-button", title: label, onclick: () => goToOutput(app, t), attributes },
      shareBar("column-track", p),
      symbolSpan(truncate(name, 8), wrong ? "symbol wrong" : "symbol"),
      h("small", {}, `${Math.round(100 * p)}${isForced(t) ? " forced" : ""}`),
    );
    return h("li", {}, goTo);
  });
  return h("ol", { className: "overview" }, ...items);
}

function probabilityTable(run) {
  const { length: V } = run.steps[0].logits;
  const caption = `Probabilities of ${run.network.name} at each output`;
  const isSmall = V <= MAX_BARS + 2;
  const rows = run.steps.map((step, t) => {
    const p = probabilities(step);
    const likeliest = () => largest(p, 3).map((symbol) => `${targetName(run, symbol)}: ${percent(p[symbol])}`);
    const shares = isSmall ? [...p].map(percent) : likeliest();
    const written = writtenName(run, t) + (isForced(t) ? " (forced)" : "");
    return [`${t + 1}`, fedName(run, run.steps, t), written, ...shares];
  });
  const names = Array.from({ length: V }, (_, symbol) => targetName(run, symbol));
  return table(caption, ["Output", "Fed", "Written", ...(isSmall ? names : ["Likeliest", "Second", "Third"])], rows);
}
