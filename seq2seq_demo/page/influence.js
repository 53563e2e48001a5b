/* The panel that replaces one input and shows which outputs change, beside attention. */

import { align } from "./align.js";
import { announce } from "./app.js";
import { onNewWidth, scrollBox, updateScrollBoxes } from "./boxes.js";
import { heatCells, svg, zoom } from "./drawing.js";
import { button, h, labelledSelect, radioTiles, table } from "./elements.js";
import { percent, pluralize, truncate, visible } from "./format.js";
import { argmax, last } from "./network.js";
import { addPanel, columns, networkLabel, panel, tableDetails } from "./panels.js";

export const MAX_SUBSTITUTES = 10; // symbols tried in place of an input
const MAX_TILES = 24; // a larger vocabulary is offered as a list

export function influencePanel(app) {
  const view = new InfluencePanel(app);
  const section = panel(
    "influence",
    "Influence",
    "Replace one input by another symbol and see which outputs change, that is, which depend on this input.",
    h("p", {}, "Choose an input and the symbol that replaces it. Changed outputs are marked."),
    view.inputs,
    view.symbols,
    columns(app.networks, (_, i) => [view.results[i], view.matrices[i]]),
  );
  view.matrices.forEach((box) => onNewWidth(box, () => view.drawMatrices()));
  new IntersectionObserver((entries) => view.setVisible(last(entries).isIntersecting)).observe(section);
  return addPanel(app, section, () => view.update());
}

/** The content of the panel. It redraws only the parts that changed, so that the focus stays. */
class InfluencePanel {
  constructor(app) {
    Object.assign(this, { app, visible: false, drawnSource: null, drawnChoice: "", influences: [], drawn: [] });
    [this.inputs, this.symbols] = [h("div"), h("div")]; // the controls
    this.results = app.networks.map(() => h("div", { className: "result" }));
    this.matrices = app.networks.map(() => h("div"));
  }

  /** Compute and draw the matrices only while the panel is on the screen. */
  setVisible(visible) {
    this.visible = visible;
    if (visible && this.app.runs.length) this.showInfluences();
  }

  update() {
    this.drawInputs();
    this.drawSymbols();
    this.app.networks.forEach((network, i) =>
      this.results[i].replaceChildren(...(this.replacement ? this.result(network) : [])),
    );
    if (this.visible) this.showInfluences();
  }

  showInfluences() {
    this.influences = this.app.networks.map((network) => influenceOf(this.app, network));
    this.drawMatrices();
    this.work();
  }

  get vocabulary() {
    return this.app.networks[0].sourceVocabulary;
  }

  /** The chosen input and its new symbol; null if none is chosen or the source is too short. */
  get replacement() {
    const { replacement } = this.app.state;
    return replacement && replacement.s < this.app.S ? replacement : null;
  }

  drawInputs() {
    const { source } = this.app;
    if (source === this.drawnSource) {
      for (const input of this.inputs.querySelectorAll("input")) {
        input.checked = Number(input.value) === this.replacement?.s;
      }
      return;
    }
    this.drawnSource = source;
    const items = source.map((symbol, s) => {
      const text = visible(this.vocabulary.name(symbol));
      return { value: s, text, label: `input ${s + 1}: ${text}` };
    });
    const tiles = radioTiles("Input to replace", "influence-input", items, this.replacement?.s, (s) => this.choose(s));
    this.inputs.replaceChildren(tiles);
  }

  /** Replace input s by a symbol, by default the first substitute. */
  choose(s, symbol = substitutes(this.app.networks[0], this.app.source[s])[0]) {
    this.app.change({ replacement: { s, symbol } });
    const { app } = this;
    announce(app.networks.map((network) => `${networkLabel(app, network)} ${this.describe(network)}`.trim()).join(" "));
  }

  drawSymbols() {
    const { replacement, vocabulary } = this;
    const choice = replacement ? `${this.app.source} ${replacement.s}` : "";
    if (choice === this.drawnChoice) {
      this.markSymbol();
      return;
    }
    this.drawnChoice = choice;
    if (!replacement) {
      this.symbols.replaceChildren();
      return;
    }
    const current = this.app.source[replacement.s];
    const items = Array.from({ length: vocabulary.largest + 1 }, (_, symbol) => {
      const text = visible(vocabulary.name(symbol));
      return { value: symbol, text, label: symbol === current ? `${text}, unchanged` : text };
    });
    const choose = (symbol) => this.choose(replacement.s, Number(symbol));
    const legend = `Replace input ${replacement.s + 1} by`;
    const control =
      items.length <= MAX_TILES
        ? radioTiles(legend, "influence-symbol", items, replacement.symbol, choose)
        : labelledSelect(
            legend,
            items.map(({ value, text }) => [value, text]),
            replacement.symbol,
            choose,
          );
    const undo = button("Undo", () => {
      this.app.change({ replacement: null }, "The source is unchanged again");
      this.inputs.querySelector("input").focus();
    });
    this.symbols.replaceChildren(h("div", { className: "replacement" }, control, undo));
  }

  /** Select the chosen symbol in the existing tiles or list. */
  markSymbol() {
    if (!this.replacement) return;
    for (const input of this.symbols.querySelectorAll("input, option")) {
      const chosen = Number(input.value) === this.replacement.symbol;
      if (input.matches("option")) input.selected = chosen;
      else input.checked = chosen;
    }
  }

  /** Return a network's answers before and after the replacement. */
  answers(network) {
    const { app, replacement } = this;
    const changed = replaceInput(app.source, replacement.s, replacement.symbol);
    return [freeAnswer(app, network, app.source), freeAnswer(app, network, changed)];
  }

  /** Return the elements that show a network's answers before and after the replacement. */
  result(network) {
    const name = (symbol) => (symbol === null ? "–" : visible(network.targetVocabulary.name(symbol)));
    const cells = alignedPairs(...this.answers(network)).map(([before, after]) => {
      const isChanged = before !== after;
      const symbol = h("span", { className: isChanged ? "symbol moved" : "symbol" }, name(after));
      if (isChanged) symbol.append(h("span", { className: "visually-hidden" }, " changed"));
      return h("li", {}, h("span", { className: "symbol before" }, name(before)), symbol);
    });
    const rowLabels = h(
      "li",
      { attributes: { "aria-hidden": "true" }, className: "row-labels" },
      h("span", {}, "before"),
      h("span", {}, "after"),
    );
    const attributes = { "aria-label": "Each output before and after" };
    const list = h("ol", { className: "beforeafter", attributes }, rowLabels, ...cells);
    return [h("p", {}, this.describe(network)), list];
  }

  /** Describe which outputs of a network change. */
  describe(network) {
    const [before, after] = this.answers(network);
    const changed = changedOutputs(before, after);
    const nInserted = alignedPairs(before, after).filter(([symbol]) => symbol === null).length;
    const inserted = nInserted ? ` ${pluralize(nInserted, "symbol")} inserted.` : "";
    const { s, symbol } = this.replacement;
    const [from, to] = [this.app.source[s], symbol].map((one) => visible(this.vocabulary.name(one)));
    const sentence = `Input ${s + 1}: ${from} → ${to}.`;
    if (!changed.length) return `${sentence} No output changes.${inserted}`;
    const verb = changed.length === 1 ? "changes: output" : "change: outputs";
    return `${sentence} ${changed.length} of ${before.length} outputs ${verb} ${listed(changed)}.${inserted}`;
  }

  /** Compute the influences in short time slices until all are done. */
  work() {
    clearTimeout(this.timer);
    const next = this.influences.find((influence) => !influence.done);
    if (!next) return;
    this.timer = setTimeout(() => {
      next.work(performance.now() + 12);
      this.drawMatrices();
      if (this.visible) this.work();
    }, 4);
  }

  /** Draw matrices that are new or have a new width, and mark the chosen input and the current output in all. */
  drawMatrices() {
    const marked = { s: this.replacement?.s ?? null, t: this.app.t };
    this.influences.forEach((influence, i) => {
      const width = this.matrices[i].clientWidth;
      const before = this.drawn[i];
      if (before?.influence !== influence || before.width !== width || !before.done) this.drawPair(influence, i, width);
      this.drawn[i].marks.forEach((mark) => mark(marked));
    });
  }

  /** Draw a network's influence beside its attention; until the influence is computed, show the progress. */
  drawPair(influence, i, width) {
    const { network, alpha, source, answer, matrix, done } = influence;
    this.drawn[i] = { influence, width, done, marks: [] };
    if (!done) {
      const progress = `Computing the influence of each input: ${percent(influence.next / influence.trials.length)}`;
      this.matrices[i].replaceChildren(h("p", { className: "hint" }, progress));
      return;
    }
    const u = zoom();
    const room = alpha && width > 640 * u ? (width - 32 * u) / 2 : width;
    const names = {
      inputs: source.map((symbol) => visible(network.sourceVocabulary.name(symbol))),
      outputs: answer.map((symbol) => visible(network.targetVocabulary.name(symbol))),
    };
    const figures = [matrixFigure("Influence", influenceCaption(influence), matrix, names, room)];
    if (alpha) figures.push(matrixFigure("Attention", "Each row (output) sums to 100 %.", alpha, names, room));
    const numbers = tableDetails(`Influence in ${network.name}, as a table`, () => influenceTable(influence, names));
    const pair = h("div", { className: "pair" }, ...figures.map(({ figure }) => figure));
    this.matrices[i].replaceChildren(pair, h("p", {}, compareWithAttention(influence)), numbers.details);
    updateScrollBoxes(this.matrices[i]);
    this.drawn[i].marks = figures.map(({ mark }) => mark);
  }
}

const replaceInput = (source, s, symbol) => source.map((original, i) => (i === s ? symbol : original));

/** List indices as positions that count from 1, at most 12 of them. */
function listed(indices) {
  const text = indices
    .slice(0, 12)
    .map((i) => i + 1)
    .join(", ");
  return indices.length > 12 ? `${text} …` : text;
}

/** Align two answers. Returns pairs [before, after]; null marks an inserted or deleted symbol. */
function alignedPairs(before, after) {
  const { kinds, targetIndex, missing } = align(after, before);
  const deleted = (t) => missing[t].map((symbol) => [symbol, null]);
  const aligned = (t) => [kinds[t] === "extra" ? null : before[targetIndex[t]], after[t]];
  return [...after.flatMap((_, t) => [...deleted(t), aligned(t)]), ...deleted(after.length)];
}

/** Return the indices of the outputs in `before` that change or are deleted. An output that only moves is unchanged. */
function changedOutputs(before, after) {
  const pairs = alignedPairs(before, after).filter(([symbol]) => symbol !== null);
  return [...before.keys()].filter((t) => pairs[t][1] !== pairs[t][0]);
}

/** Return the steps of a network's answer at the current moment, without forcing. */
function freeSteps(app, network, source) {
  const run = app.runs.find((one) => one.network === network);
  let maxSteps = network.maxOutLen(source.length, null) + 1;
  if (!network.ends) maxSteps = source.length === run.source.length ? run.steps.length : maxSteps - 1;
  return network.at(app.state.moment).run(source, maxSteps, { toEnd: network.ends }).steps;
}

const freeAnswer = (app, network, source) => freeSteps(app, network, source).map((step) => step.written);

/** Return the symbols to try in place of a symbol: all others of its category or, if there are none, all others. If
    there are more than MAX_SUBSTITUTES, return the symbols that are most frequent in the examples, and then a sample
    spread over the vocabulary. */
export function substitutes(network, symbol) {
  const { sourceVocabulary: vocabulary, examples } = network;
  const others = Array.from({ length: vocabulary.largest }, (_, i) => (symbol + 1 + i) % (vocabulary.largest + 1));
  const alike = others.filter((other) => category(vocabulary, other) === category(vocabulary, symbol));
  const candidates = alike.length ? alike : others;
  if (candidates.length <= MAX_SUBSTITUTES) return candidates;
  const count = new Map();
  const examined = vocabulary.isText ? examples.flatMap(({ source }) => source) : [];
  for (const one of examined) count.set(one, (count.get(one) ?? 0) + 1);
  const frequent = candidates.filter((one) => count.has(one)).sort((a, b) => count.get(b) - count.get(a));
  const rest = candidates.filter((one) => !count.has(one));
  const n = Math.max(0, MAX_SUBSTITUTES - frequent.length);
  const sample = Array.from({ length: n }, (_, i) => rest[Math.floor(((i + 0.5) * rest.length) / n)]);
  return [...frequent, ...sample].slice(0, MAX_SUBSTITUTES);
}

/** Return whether a character is a letter, a digit or another character; words and integers have no categories. */
function category(vocabulary, symbol) {
  if (vocabulary.tokens !== "characters") return "";
  const name = vocabulary.name(symbol);
  if (/^\p{L}/u.test(name)) return "letter";
  return /^\p{N}/u.test(name) ? "digit" : "other";
}

/** The influence of every input on every output. `matrix` [T][S] is the share of substitutes for an input that change
    an output; `work` computes it in slices. */
class Influence {
  constructor(app, network, source) {
    const steps = freeSteps(app, network, source);
    Object.assign(this, { app, network, source, answer: steps.map((step) => step.written), next: 0 });
    this.alpha = network.config.has_attention ? steps.map((step) => [...step.alpha]) : null;
    this.matrix = this.answer.map(() => source.map(() => 0));
    this.firstChange = this.answer.map(() => source.map(() => null)); // the first substitute that changes the output
    this.trials = source.flatMap((original, s) =>
      substitutes(network, original).map((symbol, _, { length }) => ({ s, symbol, share: 1 / length })),
    );
  }

  get done() {
    return this.next === this.trials.length;
  }

  /** Run trials until the time `deadline` in ms, but at least one. */
  work(deadline) {
    while (!this.done) {
      this.try(this.trials[this.next++]);
      if (performance.now() > deadline) return;
    }
  }

  /** Replace input s by a symbol and count the outputs that change. */
  try({ s, symbol, share }) {
    const after = freeAnswer(this.app, this.network, replaceInput(this.source, s, symbol));
    for (const t of changedOutputs(this.answer, after)) {
      this.matrix[t][s] += share;
      this.firstChange[t][s] ??= symbol;
    }
  }
}

const influences = new Map(); // a cache by network, moment and source; the newest is last
const MAX_INFLUENCES = 100;

/** Return the influence for a source at the current moment from the cache, or a new one. */
export function influenceOf(app, network, source = app.source) {
  const key = [app.networks.indexOf(network), app.state.moment, ...source].join(" ");
  if (!influences.has(key)) influences.set(key, new Influence(app, network, source));
  if (influences.size > MAX_INFLUENCES) influences.delete(influences.keys().next().value);
  return influences.get(key);
}

function influenceCaption({ network, source }) {
  const counts = source.map((symbol) => substitutes(network, symbol).length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const n = least === most ? most : `${least} to ${most}`;
  const tried = most === network.sourceVocabulary.largest ? `the ${most} other symbols` : `${n} other symbols`;
  return `The share of ${tried} that change the output (row) if they replace the input (column).`;
}

/** Return a heat map of values [T][S] in a figure, and `mark({ s, t })`, which frames an input and an output. */
export function matrixFigure(title, explanation, values, names, room) {
  const layout = matrixLayout(names, room);
  const { left, top, size, height, bounds } = layout;
  const { inputs, outputs } = names;
  const [T, S] = [outputs.length, inputs.length];
  const label = `${title}: ${T} outputs by ${S} inputs; the table below has the numbers`;
  const [column, row] = [svg("rect", { class: "matrix-frame" }), svg("rect", { class: "matrix-frame" })];
  const cells = values.flatMap((shares, t) => {
    const cellTitle = (s, share) => `Output ${t + 1} (${outputs[t]}), input ${s + 1} (${inputs[s]}): ${percent(share)}`;
    return heatCells(shares, cellTitle, { ...layout, top: top + height * t });
  });
  const attributes = { ...bounds, role: "img", "aria-label": label, class: "heat-map" };
  const drawing = svg("svg", attributes, ...matrixNames(names, layout), ...cells, column, row);
  const place = (rect, box) => Object.entries(box).forEach(([name, value]) => rect.setAttribute(name, value));
  const mark = ({ s, t }) => {
    // a rect of width 0 is not drawn
    place(column, { x: left + size * s, y: top, width: s === null ? 0 : size, height: height * T });
    place(row, { x: left, y: top + height * t, width: t === null || t >= T ? 0 : size * S, height });
  };
  const caption = h("figcaption", {}, h("strong", {}, `${title}, in %. `), explanation);
  return { figure: h("figure", {}, caption, scrollBox(`Heat map: ${title}`, drawing)), mark };
}

function matrixLayout({ inputs, outputs }, room) {
  const u = zoom();
  const [left, top] = [64 * u, 28 * u];
  const size = Math.max(14 * u, Math.min(40 * u, (room - left - 4 * u) / inputs.length));
  const height = Math.min(size, 32 * u);
  const bounds = { width: left + size * inputs.length + 4 * u, height: top + height * outputs.length + 4 * u };
  return { u, left, top, size, height, bounds, fontSize: Math.min(14 * u, Math.max(11 * u, size * 0.45)) };
}

/** Return the names of the columns and rows. */
function matrixNames({ inputs, outputs }, { u, left, top, size, height, fontSize }) {
  const text = (x, y, words, className) => svg("text", { x, y, class: className, "font-size": fontSize }, words);
  const maxName = Math.max(1, Math.floor(size / (8 * u)));
  const columnName = (name, s) => text(left + size * (s + 0.5), top - 8 * u, truncate(name, maxName), "input-name");
  const rowLabel = (name, t) =>
    text(left - 8 * u, top + height * (t + 0.5) + 5 * u, truncate(`${t + 1}: ${name}`, 8), "end");
  return [...inputs.map(columnName), ...outputs.map(rowLabel)];
}

function influenceTable({ matrix, alpha }, { inputs, outputs }) {
  const head = ["Output", ...inputs.map((name, s) => `${s + 1}: ${name}`)];
  const rows = (values) => values.map((row, t) => [`${t + 1}: ${outputs[t]}`, ...row.map(percent)]);
  const tables = [table("Influence of each input on each output", head, rows(matrix))];
  if (alpha) tables.push(table("Attention of each output to each input", head, rows(alpha)));
  return h("div", {}, ...tables);
}

const [LOW_ATTENTION, HIGH_ATTENTION] = [0.2, 0.3];

/** Return the largest disagreement of attention and influence, { t, s, symbol, depends }; null if there is none.
    `depends` is true if output t gives input s little attention but changes when `symbol` replaces it; false if the
    output attends most to this input but no substitute changes it. */
export function disagreement({ matrix, alpha, firstChange, network, source }) {
  const candidates = [];
  matrix.forEach((row, t) => {
    const top = argmax(alpha[t]);
    if (row[top] === 0 && alpha[t][top] >= HIGH_ATTENTION) {
      const [symbol] = substitutes(network, source[top]);
      candidates.push({ t, s: top, symbol, depends: false, gap: alpha[t][top] });
    }
    row.forEach((share, s) => {
      if (share > 0 && alpha[t][s] < LOW_ATTENTION)
        candidates.push({ t, s, symbol: firstChange[t][s], depends: true, gap: share * (1 - alpha[t][s]) });
    });
  });
  return candidates.sort((a, b) => b.gap - a.gap)[0] ?? null;
}

export function describeDisagreement({ matrix, alpha, network, source, answer }, { t, s, symbol, depends }) {
  const name = (one) => visible(network.sourceVocabulary.name(one));
  const output = `Output ${t + 1} (${visible(network.targetVocabulary.name(answer[t]))})`;
  const attention = `${output} gives ${percent(alpha[t][s])} of its attention to input ${s + 1} (${name(source[s])})`;
  if (!depends) return `${attention}, yet no substitute for this input changes it.`;
  const share = percent(matrix[t][s]);
  return `${attention}, yet it changes when ${name(symbol)} replaces this input; ${share} of all substitutes change it.`;
}

/** Compare influence with attention in words. */
function compareWithAttention(influence) {
  if (!influence.alpha) return "This network has no attention to compare with its influence.";
  const difference = disagreement(influence);
  if (difference) return `Attention and influence differ. ${describeDisagreement(influence, difference)}`;
  return "Attention and influence agree for this source.";
}
