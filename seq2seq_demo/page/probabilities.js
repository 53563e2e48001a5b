"use strict";
/* Probabilities, and what if another symbol were written. */

const MOST_BARS = 12;

/** The probability of every symbol at the output at hand; a click forces one. */
function probabilityPanel(app) {
  const parts = app.networks.map((shown, i) => probabilityParts(app, i));
  const section = panel(
    "probability",
    "Probabilities, and what if",
    "At each step the decoder gives every symbol a probability (the softmax of its logits) and writes the likeliest. " +
      "Press another symbol to force it: everything after follows from it.",
    columns(app.networks, (shown, i) => parts[i].parts),
  );
  return addPanel(app, section, () => parts.forEach((part) => part.update()));
}

function probabilityParts(app, i) {
  const { name } = app.networks[i];
  const bars = h("div", {});
  const title = explained(
    "How sure it was at each step",
    "For each output the probability of what was written; press one to go there.",
    "h3",
  );
  const sure = scrollBox(`How sure ${name} was at each step`);
  const details = asTable(`Probabilities of ${name}, as a table`, () => probabilityTable(app.runs[i]));
  const update = () => {
    const run = app.runs[i];
    redraw(bars, ...probabilityBars(app, run));
    const { scrollLeft } = sure;
    redraw(sure, sureList(app, run));
    settle(sure);
    sure.scrollLeft = scrollLeft;
    showCurrent(sure);
    details.fill();
  };
  return { parts: [bars, title, sure, details.details], update };
}

/** Scroll a box, not the page, to the current item in it. */
function showCurrent(box) {
  const current = box.querySelector("[aria-current]");
  if (!current) return;
  const x = current.offsetLeft - box.offsetLeft;
  if (x < box.scrollLeft || x + current.offsetWidth > box.scrollLeft + box.clientWidth)
    box.scrollLeft = x - box.clientWidth / 2;
}

/** The symbols of the output at hand as buttons with bars, the likeliest only where there are many. */
function probabilityBars(app, run) {
  const t = outputOf(app, run);
  if (t === null) {
    const toFirst = () => {
      goToOutput(app, 0);
      focusWritten();
    };
    const go = button("Go to the first output", toFirst);
    const why = app.t === null ? "Nothing is written yet at this place." : "Its answer is over at this place.";
    return [h("p", {}, why), go];
  }
  const step = run.steps[t];
  const p = probabilities(step);
  const isLarge = p.length > MOST_BARS + 2;
  const symbols = isLarge ? largest(p, MOST_BARS) : [...p.keys()];
  const others = 1 - symbols.reduce((sum, symbol) => sum + p[symbol], 0);
  const items = symbols.map((symbol) => h("li", {}, symbolBar(app, run, t, symbol)));
  if (isLarge)
    items.push(
      h("li", { className: "others" }, `${p.length - MOST_BARS} others together: ${percent(Math.max(0, others))}`),
    );
  const list = h("ul", { className: "chances" }, ...items);
  const longest = Math.max(...symbols.map((symbol) => [...targetName(run, symbol)].length));
  list.style.setProperty("--name", `${Math.min(14, longest) + 1}ch`); // so that all bars begin at one place
  const fed = fedName(run, run.steps, t);
  return [h("p", {}, `Output ${t + 1} of ${run.steps.length}, fed ${fed}:`), list, takeBack(app)];
}

/** A symbol and its probability, as a button that forces it. */
function symbolBar(app, run, t, symbol) {
  const step = run.steps[t];
  const p = probabilities(step)[symbol];
  const tags = [];
  if (isForced(t) && step.written === symbol) tags.push("forced");
  if (step.symbol === symbol) tags.push(isForced(t) ? "its choice" : "written");
  if (run.wanted && run.due(t) === symbol) tags.push("expected");
  const name = targetName(run, symbol);
  const label = `${name}: ${percent(p)}${tags.length ? `, ${tags.join(", ")}` : ""}. Force it`;
  const attributes = {
    type: "button",
    "aria-pressed": step.written === symbol,
    "aria-label": label,
    "data-key": `symbol-${symbol}`,
    "data-symbol": symbol,
  };
  const track = h("span", { className: "track" }, h("span", { className: "share" }));
  track.firstChild.style.setProperty("--share", p);
  const shown = [
    h("span", { className: "symbol", title: name, dir: "auto" }, name),
    track,
    h("span", { className: "number" }, percent(p)),
  ];
  return h(
    "button",
    { className: "bar", onclick: () => force(app, t, symbol), attributes },
    ...shown,
    h("small", {}, tags.join(", ")),
  );
}

/** Force a symbol at a step; what was forced after it falls away, as what comes there is another thing now. */
function force(app, t, symbol) {
  const before = Object.entries(app.state.forced).filter(([step]) => Number(step) < t);
  const isOwn = app.runs.every((run) => run.steps[t]?.symbol === symbol);
  app.change({ forced: Object.fromEntries(isOwn ? before : [...before, [t, symbol]]) });
  const what = isOwn ? "It decides by itself again." : `Forced ${targetName(app.runs[0], symbol)} at output ${t + 1}.`;
  announce(`${what} ${app.runs.map(answerSaid).join(" ")}`);
}

/** What is forced, and buttons to take it back. */
function takeBack(app) {
  const forced = Object.entries(app.state.forced);
  if (!forced.length) return h("p", { className: "hint" }, "Press a symbol to force it here, and see what follows.");
  const [run] = app.runs;
  const list = forced.map(([t, symbol]) => `output ${Number(t) + 1} is ${targetName(run, symbol)}`).join(", ");
  const free = () => {
    undoForcing(app);
    focusWritten(); // the button that was pressed is gone
  };
  return h(
    "div",
    { className: "controls forced-note" },
    h("span", {}, `Forced by you: ${list}.`),
    button("Undo all forcing", free, { "data-key": "free" }),
  );
}

/** Let the network write what it likes again. */
function undoForcing(app) {
  app.change({ forced: {} });
  announce(`It decides by itself again. ${app.runs.map(answerSaid).join(" ")}`);
}

/** Give the focus to the symbol that was written at the output at hand. */
function focusWritten() {
  document.querySelector(".chances [aria-pressed=true]")?.focus();
}

/** Every step in short: what was written, and how sure the network was. */
function sureList(app, run) {
  const items = run.steps.map((step, t) => {
    const p = probabilities(step)[step.written];
    const marks = `${run.isWrong(t) ? ", wrong" : ""}${isForced(t) ? ", forced" : ""}`;
    const label = `Output ${t + 1}: ${targetName(run, step.written)}, ${percent(p)}${marks}`;
    const attributes = { type: "button", "aria-label": label, "data-key": `step-${t}` };
    if (t === outputOf(app, run)) attributes["aria-current"] = "step";
    const column = h("span", { className: "column-track" }, h("span", { className: "share" }));
    column.firstChild.style.setProperty("--share", p);
    const name = h(
      "span",
      { className: run.isWrong(t) ? "symbol wrong" : "symbol", dir: "auto" },
      cut(targetName(run, step.written), 8),
    );
    const feet = h("small", {}, `${Math.round(100 * p)}${isForced(t) ? " forced" : ""}`);
    return h(
      "li",
      {},
      h(
        "button",
        { className: "sure-step", title: label, onclick: () => goToOutput(app, t), attributes },
        column,
        name,
        feet,
      ),
    );
  });
  return h("ol", { className: "sure" }, ...items);
}

function probabilityTable(run) {
  const { length: V } = run.steps[0].logits;
  const caption = `Probabilities of ${run.shown.name} at each output`;
  const first = (step, t) => [`${t + 1}`, fedName(run, run.steps, t), targetName(run, step.written)];
  if (V <= MOST_BARS + 2) {
    const names = Array.from({ length: V }, (_, symbol) => targetName(run, symbol));
    const rows = run.steps.map((step, t) => [...first(step, t), ...[...probabilities(step)].map(percent)]);
    return table(caption, ["Output", "Fed", "Written", ...names], rows);
  }
  const rows = run.steps.map((step, t) => {
    const likeliest = largest(probabilities(step), 3);
    return [
      ...first(step, t),
      ...likeliest.map((symbol) => `${targetName(run, symbol)}: ${percent(probabilities(step)[symbol])}`),
    ];
  });
  return table(caption, ["Output", "Fed", "Written", "Likeliest", "Second", "Third"], rows);
}
