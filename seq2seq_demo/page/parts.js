"use strict";
/* What several panels are made of: headings that explain themselves, boxes, tables, tiles, and words for symbols. */

let explanations = 0; // so far, for ids

/** Return a label with a small "?" that explains it: on hover, on focus and on touch; Escape closes it. */
function explained(label, explanation, tag = "h2") {
  const id = `explanation-${++explanations}`;
  const tip = h("span", { id, className: "tip", hidden: true, attributes: { role: "tooltip" } }, explanation);
  const attributes = { type: "button", "aria-label": `What is this: ${label}`, "aria-describedby": id };
  const ask = h("button", { className: "ask", attributes }, "?");
  const isBlock = /^(h\d|p|div)$/.test(tag);
  const whole = h(isBlock ? "div" : "span", { className: "explained" }, h(tag, {}, label), ask, tip);
  letAsk(whole, ask, tip);
  return whole;
}

/** Open and close a tip as its "?" is pointed at, focused, touched or left. */
function letAsk(whole, ask, tip) {
  const open = () => {
    tip.hidden = false;
    tip.style.setProperty("--shift", "0px");
    const beyond = tip.getBoundingClientRect().right - document.documentElement.clientWidth + 8;
    if (beyond > 0) tip.style.setProperty("--shift", `${-beyond}px`);
  };
  const close = () => (tip.hidden = true);
  for (const event of ["pointerenter", "focus", "click"]) ask.addEventListener(event, open);
  whole.addEventListener("pointerleave", () => document.activeElement !== ask && close());
  ask.addEventListener("blur", close);
  whole.addEventListener("keydown", (event) => event.key === "Escape" && close());
  document.addEventListener("pointerdown", (event) => !whole.contains(event.target) && close());
}

/** Return a section with an explained heading, which is also its name for those who hear the page. */
function panel(className, title, explanation, ...children) {
  const heading = explained(title, explanation);
  heading.firstChild.id = `${className}-title`;
  const attributes = { "aria-labelledby": `${className}-title` };
  return h("section", { className: `panel ${className}`, attributes }, heading, ...children);
}

/* Small parts that several panels are made of. */

/** Register a panel; while the source cannot be read it keeps what it showed, dimmed and out of reach. */
function addPanel(app, section, update) {
  app.add({
    update() {
      section.inert = !app.runs.length;
      if (app.runs.length) update();
    },
  });
  return section;
}

/** Return an element with a part for each network, named where there are several; make(shown, i) returns the part. */
function columns(networks, make) {
  const parts = networks.map((shown, i) => {
    const name = networks.length > 1 ? h("h3", { className: "name" }, shown.name) : null;
    return h("div", { className: "column" }, name, ...make(shown, i));
  });
  return h("div", { className: "columns" }, ...parts);
}

/** Put new children into a box; what had the focus has it again, by its data-key. */
function redraw(box, ...children) {
  const { activeElement } = document;
  const key = box.contains(activeElement) ? activeElement.dataset.key : undefined;
  box.replaceChildren(...children.filter((child) => child !== null));
  if (key) box.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Return a box that scrolls by itself when its content is wider, so that the page never does. */
function scrollBox(label, ...children) {
  return h("div", { className: "scroll", attributes: { role: "group", "aria-label": label } }, ...children);
}

/** Let the keyboard reach a box that scrolls, and bring `x` to its middle. */
function settle(box, x = null) {
  if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
  if (x !== null) box.scrollLeft = x - box.clientWidth / 2;
}

/** Act, and keep an element where it is on the screen, even if what is above it becomes higher or lower. */
function keepInPlace(element, act) {
  const before = element.getBoundingClientRect().top;
  act();
  scrollBy({ top: element.getBoundingClientRect().top - before, behavior: "instant" });
}

/** Call `draw` when the width of a box changes. */
function onNewWidth(box, draw) {
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    if (app.runs.length) draw();
  }).observe(box);
}

/** Return details with a table in them, and `fill`, which makes the table again if it is open. */
function asTable(label, make) {
  const box = scrollBox(label);
  const details = h("details", { className: "as-table" }, h("summary", {}, "As a table"), box);
  const fill = () => {
    if (!details.open) return;
    box.replaceChildren(make());
    settle(box);
  };
  details.addEventListener("toggle", fill);
  return { details, fill };
}

/** Return a table; the first cell of each row is its heading. */
function table(caption, head, rows) {
  const heading = (scope) => (text) => h("th", { attributes: { scope } }, text);
  const row = ([first, ...cells]) => h("tr", {}, heading("row")(first), ...cells.map((cell) => h("td", {}, cell)));
  const top = h("thead", {}, h("tr", {}, ...head.map(heading("col"))));
  return h("table", {}, h("caption", {}, caption), top, h("tbody", {}, ...rows.map(row)));
}

/** Return a button. */
function button(text, onclick, { className = "", ...attributes } = {}) {
  return h("button", { className, onclick, attributes: { type: "button", ...attributes } }, text);
}

/** Return a symbol's name so that it can be seen: a space is one. */
const visible = (name) => name.replaceAll(" ", "␣").replaceAll("\t", "⇥").replaceAll("\n", "⏎");

/** Return a name that is cut off where there is no room for it. */
function cut(name, room) {
  const characters = [...name];
  return characters.length > room ? `${characters.slice(0, Math.max(1, room - 1)).join("")}…` : name;
}

/** Return a symbol as a tile; `foot` says in words what is the matter with it. */
function tile(name, { kind = "", foot = null } = {}) {
  const symbol = h("span", { className: "symbol", title: name, dir: "auto" }, visible(name));
  return h("li", { className: `piece ${kind}` }, symbol, foot ? h("small", {}, foot) : null);
}

/** Return how many px 1 px of the design is, where people have made the type larger. */
const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

/* What a run says at an output. */

const sourceName = (run, s) => visible(run.shown.sourceVocabulary.name(run.source[s]));
const targetName = (run, symbol) => visible(run.shown.targetVocabulary.name(symbol));
const fedName = (run, steps, t) => (t === 0 ? "GO" : targetName(run, steps[t].fed));
const isForced = (t) => app.state.forced[t] !== undefined;
const isEnd = (run, t) => run.shown.ends && run.steps[t].written === run.shown.go;

/** Return the probability of every symbol at a step [V], worked out once. */
function probabilities(step) {
  step.probabilities ??= softmax(step.logits);
  return step.probabilities;
}

/** Return the places of the n largest numbers, the largest first. */
const largest = (x, n) => [...x.keys()].sort((a, b) => x[b] - x[a]).slice(0, n);

/** Return which output of a run the place is at; null while reading, or when its answer was over before. */
const outputOf = (app, run) => (app.t !== null && app.t < run.steps.length ? app.t : null);

/** Return how many numbers a state holds, of all layers. */
const stateSize = (run) => run.encoded.states.flat().reduce((n, vector) => n + vector.length, 0);

function numeral(x, digits = 3) {
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Return a number as a factor or a term, in parentheses if it is negative. */
const term = (x) => (numeral(x).startsWith("−") ? `(${numeral(x)})` : numeral(x));

/** Return radio buttons that look like tiles; choosing one calls `choose(value)`. `items`: { value, text, label }. */
function radioTiles(legend, name, items, chosen, choose) {
  const labels = items.map(({ value, text, label }) => {
    const attributes = { "aria-label": label };
    const input = h("input", { type: "radio", name, value, checked: value === chosen, attributes });
    input.addEventListener("change", () => choose(value));
    return h("label", { className: "choice" }, input, h("span", { textContent: text }));
  });
  return h("fieldset", { className: "choices" }, h("legend", { textContent: legend }), ...labels);
}

/** Return a labelled `<select>`; `items`: [value, text]. */
function selection(label, items, chosen, choose) {
  const options = items.map(([value, text]) =>
    h("option", { value, textContent: text, selected: String(value) === String(chosen) }),
  );
  const select = h("select", {}, ...options);
  select.addEventListener("change", () => choose(select.value));
  return h("label", { className: "pick" }, `${label} `, select);
}

/** Say how long the sources were that each network was trained on; nothing where no file says it. */
function trainedOn(networks) {
  const known = networks.filter((shown) => shown.in_len);
  const [first, ...others] = known.map(trainedLengths);
  if (!known.length) return "";
  if (known.length === networks.length && others.every((lengths) => lengths === first)) return `Trained on ${first}.`;
  return `${known.map((shown) => `${shown.name} was trained on ${trainedLengths(shown)}`).join(", ")}.`;
}

function trainedLengths({ in_len: longest, min_in_len: shortest }) {
  const range = shortest && shortest !== longest ? `${shortest} to ` : "";
  return `sources of ${range}${counted(longest, "symbol")}`;
}

/** Return the name of a network where the page shows several, else nothing. */
const nameOf = (app, shown) => (app.networks.length > 1 ? shown.name : "");
