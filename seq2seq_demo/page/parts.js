"use strict";
/* Helpers shared by the panels: labels with help, boxes, tables, controls, and names of symbols. */

let helpCount = 0; // makes the ids of help texts unique

/** Return a label with a "?" button that opens and closes a help text below the label; Escape also closes it. */
function labelWithHelp(label, help, tag = "h2") {
  const id = `help-${++helpCount}`;
  const tip = h("span", { id, className: "tip", hidden: true }, help);
  const attributes = { type: "button", "aria-label": `Help: ${label}`, "aria-describedby": id };
  const helpButton = h("button", { className: "help", attributes }, "?");
  const show = (isOpen) => {
    tip.hidden = !isOpen;
    helpButton.setAttribute("aria-expanded", isOpen);
  };
  show(false);
  helpButton.addEventListener("click", () => show(tip.hidden));
  helpButton.addEventListener("keydown", (event) => event.key === "Escape" && show(false));
  const isBlock = /^(h\d|p|div)$/.test(tag);
  return h(isBlock ? "div" : "span", { className: "explained" }, h(tag, {}, label), helpButton, tip);
}

/** Return a section with a heading, which has a help text and is the section's accessible name. */
function panel(id, title, help, ...children) {
  const heading = labelWithHelp(title, help);
  heading.firstChild.id = `${id}-title`;
  const attributes = { "aria-labelledby": `${id}-title` };
  return h("section", { id, className: "panel", attributes }, heading, ...children);
}

/** Register a panel and return its section. Without a valid source, the panel is inert and keeps its content. */
function addPanel(app, section, update) {
  app.add({
    update() {
      section.inert = !app.runs.length;
      if (app.runs.length) update();
    },
  });
  return section;
}

/** Return one column per network, headed by its name if there are several; makeParts(network, i) returns its parts. */
function columns(networks, makeParts) {
  const parts = networks.map((network, i) => {
    const unrecorded = network.recording ? null : h("small", { className: "unrecorded" }, "not recorded: as saved");
    const name = networks.length > 1 ? h("h3", { className: "name" }, network.name, unrecorded) : null;
    return h("div", { className: "column" }, name, ...makeParts(network, i));
  });
  return h("div", { className: "columns" }, ...parts);
}

/** Replace the children of a box; the focus returns to the element with the same data-key. */
function redraw(box, ...children) {
  const { activeElement } = document;
  const key = box.contains(activeElement) ? activeElement.dataset.key : undefined;
  box.replaceChildren(...children.filter((child) => child !== null));
  if (key) box.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

/** Return a box that scrolls sideways if its content is too wide, so that the page does not. */
function scrollBox(label, ...children) {
  return h("div", { className: "scroll", attributes: { role: "group", "aria-label": label } }, ...children);
}

/** Make a box focusable if its content overflows; scroll `x` to its centre. */
function updateScrollBox(box, x = null) {
  if (box.scrollWidth > box.clientWidth + 1) box.tabIndex = 0;
  else box.removeAttribute("tabindex");
  if (x !== null) box.scrollLeft = x - box.clientWidth / 2;
}

const updateScrollBoxes = (element) => element.querySelectorAll(".scroll").forEach((box) => updateScrollBox(box));

/** Call `act` and keep an element at its position on the screen, even if content above it becomes taller or shorter. */
function keepInPlace(element, act) {
  const before = element.getBoundingClientRect().top;
  act();
  scrollBy({ top: element.getBoundingClientRect().top - before, behavior: "instant" });
}

/** Call `draw` whenever the width of a box changes; without a run only if it can draw a blank picture. */
function onNewWidth(box, draw, drawsBlank = false) {
  let width = 0;
  new ResizeObserver(() => {
    if (box.clientWidth === width) return;
    width = box.clientWidth;
    if (app.runs.length || drawsBlank) draw();
  }).observe(box);
}

/** Return a `<details>` element that makes its table when opened, and `refresh`, which remakes an open table. */
function tableDetails(label, makeTable) {
  const box = scrollBox(label);
  const details = h("details", { className: "as-table" }, h("summary", {}, "As a table"), box);
  const refresh = () => {
    if (!details.open) return;
    box.replaceChildren(makeTable());
    updateScrollBox(box);
  };
  details.addEventListener("toggle", refresh);
  return { details, refresh };
}

const headerCell = (scope, text, className = "") => h("th", { className, attributes: { scope } }, text);

/** Return a table; the first cell of each row is its header. */
function table(caption, head, rows) {
  const row = ([first, ...cells]) => h("tr", {}, headerCell("row", first), ...cells.map((cell) => h("td", {}, cell)));
  const top = h("thead", {}, h("tr", {}, ...head.map((text) => headerCell("col", text))));
  return h("table", {}, h("caption", {}, caption), top, h("tbody", {}, ...rows.map(row)));
}

function button(text, onclick, { className = "", ...attributes } = {}) {
  return h("button", { className, onclick, attributes: { type: "button", ...attributes } }, text);
}

/** Return a symbol's name with white space made visible. */
const visible = (name) => name.replaceAll(" ", "␣").replaceAll("\t", "⇥").replaceAll("\n", "⏎");

/** Shorten a name to `maxLength` characters. */
function truncate(name, maxLength) {
  const characters = [...name];
  return characters.length > maxLength ? `${characters.slice(0, Math.max(1, maxLength - 1)).join("")}…` : name;
}

const symbolSpan = (name, className = "symbol") => h("span", { className, title: name, dir: "auto" }, name);

/** Return a symbol as a tile with an optional note below it. */
function tile(name, { className = "", note = "" } = {}) {
  return h("li", { className: `piece ${className}` }, symbolSpan(visible(name)), note ? h("small", {}, note) : null);
}

/** Return the user's font size relative to 16 px; drawings scale with it. */
const zoom = () => parseFloat(getComputedStyle(document.documentElement).fontSize) / 16;

const DARK = 0.66; // from this value on, the number in a heat map's cell is written in the light colour

/** Return the cells of one heat map row as SVG; values (0 … 1) are printed as percentages where they fit. */
function heatCells(values, makeTitle, { left, top, size, height, u, fontSize }) {
  return values.map((value, s) => {
    const box = { x: left + size * s, y: top, width: size, height };
    const parts = [
      svg("title", {}, makeTitle(s, value)),
      svg("rect", { ...box, class: "cell-back" }),
      svg("rect", { ...box, class: "heat", "fill-opacity": value }),
    ];
    if (size >= 24 * u && value >= 0.005) {
      const centre = { x: left + size * (s + 0.5), y: top + height / 2 + 5 * u, "font-size": fontSize };
      const className = value > DARK ? "on-heat" : "on-back";
      parts.push(svg("text", { ...centre, class: className }, String(Math.round(100 * value))));
    }
    return svg("g", {}, ...parts);
  });
}

const sourceName = (run, s) => (run.isBlank ? "" : visible(run.network.sourceVocabulary.name(run.source[s])));
const targetName = (run, symbol) => visible(run.network.targetVocabulary.name(symbol));
const writtenName = (run, t) => targetName(run, run.steps[t].written);
const fedName = (run, steps, t) => (t === 0 ? "GO" : targetName(run, steps[t].fed));
const isForced = (t) => app.state.forced[t] !== undefined;
const countForced = (run) => run.steps.filter((_, t) => isForced(t)).length;
const isEnd = (run, t) => run.network.ends && run.steps[t].written === run.network.go;

/** Return the softmax [V] of a step's logits, computed once. */
function probabilities(step) {
  step.probabilities ??= softmax(step.logits);
  return step.probabilities;
}

/** Return the indices of the n largest numbers, largest first. */
const largest = (x, n) => [...x.keys()].sort((a, b) => x[b] - x[a]).slice(0, n);

/** Return the index of the current output; null while the source is read, and after the end of this run's answer. */
const currentOutput = (app, run) => (app.t !== null && app.t < run.steps.length ? app.t : null);

/** Return the number of values in a run's state, over all layers. */
const stateSize = (run) => run.encoded.states.flat().reduce((n, vector) => n + vector.length, 0);

/** Format a number with a fixed number of digits and a true minus sign. */
function formatNumber(x, digits = 3) {
  const text = Math.abs(x).toFixed(digits);
  return x < 0 && Number(text) !== 0 ? `−${text}` : text;
}

/** Format a number as a factor or summand: negative numbers in parentheses. */
const formatTerm = (x) => (formatNumber(x).startsWith("−") ? `(${formatNumber(x)})` : formatNumber(x));

const pluralize = (n, noun) => `${n} ${noun}${n === 1 ? "" : "s"}`;

/** Return radio buttons that look like tiles. `items` are { value, text, label }; `choose(value)` handles a choice. */
function radioTiles(legend, name, items, chosen, choose) {
  const labels = items.map(({ value, text, label }) => {
    const attributes = { "aria-label": label };
    const input = h("input", { type: "radio", name, value, checked: value === chosen, attributes });
    input.addEventListener("change", () => choose(value));
    return h("label", { className: "choice" }, input, h("span", {}, text));
  });
  return h("fieldset", { className: "choices" }, h("legend", {}, legend), ...labels);
}

/** Return a labelled `<select>`. `items` are [value, text]; `choose(value)` gets the value as a string. */
function labelledSelect(label, items, chosen, choose) {
  const option = ([value, text]) => h("option", { value, selected: String(value) === String(chosen) }, text);
  const select = h("select", {}, ...items.map(option));
  select.addEventListener("change", () => choose(select.value));
  return h("label", { className: "labelled" }, `${label} `, select);
}

/** Return a sentence on the source lengths in training; "" if no file records them. */
function trainedLengths(networks) {
  const trained = networks.filter((network) => network.in_len);
  const ranges = trained.map(lengthRange);
  if (!trained.length) return "";
  if (trained.length === networks.length && new Set(ranges).size === 1) return `Trained on ${ranges[0]}.`;
  return `${trained.map(({ name }, i) => `${name} was trained on ${ranges[i]}`).join("; ")}.`;
}

function lengthRange({ in_len: longest, min_in_len: shortest }) {
  const range = shortest && shortest !== longest ? `${shortest} to ` : "";
  return `sources of ${range}${pluralize(longest, "symbol")}`;
}

/** Return the name of a network if the page shows several, else "". */
const networkLabel = (app, network) => (app.networks.length > 1 ? network.name : "");
