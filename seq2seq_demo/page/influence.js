"use strict";
/* Which input moves which output, beside attention. */

const MOST_TRIED = 10; // other symbols that are tried for an input, if there are more
const MOST_TILES = 24; // other symbols that have a tile each; more are in a list

/** Return the panel that changes one input and shows which outputs move. */
function influencePanel(app) {
  const view = new InfluencePanel(app);
  const section = panel(
    "influence",
    "Influence",
    "Which outputs change when one input becomes another symbol: what an output depends on.",
    h("p", {}, "Choose an input, and what to put in its place. Outputs that change are marked."),
    view.inputs,
    view.symbols,
    columns(app.networks, (shown, i) => [view.results[i], view.matrices[i]]),
  );
  view.matrices.forEach((box) => onNewWidth(box, () => view.drawMatrices()));
  new IntersectionObserver((entries) => view.setVisible(last(entries).isIntersecting)).observe(section);
  return addPanel(app, section, () => view.update());
}

/** What the panel of influence shows; it draws again only what has changed, so that the focus stays where it is. */
class InfluencePanel {
  constructor(app) {
    Object.assign(this, { app, visible: false, sourceDrawn: null, choiceDrawn: "", influences: [], drawn: [] });
    [this.inputs, this.symbols] = [h("div"), h("div")]; // the choices
    this.results = app.networks.map(() => h("div", { className: "result" }));
    this.matrices = app.networks.map(() => h("div"));
  }

  /** Draw and work only while somebody sees it. */
  setVisible(visible) {
    this.visible = visible;
    if (visible && this.app.runs.length) this.showInfluences();
  }

  update() {
    this.drawInputs();
    this.drawSymbols();
    this.drawResults();
    if (this.visible) this.showInfluences();
  }

  /** Show what is known of the influences, and work on. */
  showInfluences() {
    this.influences = this.app.networks.map((shown) => influenceOf(this.app, shown));
    this.drawMatrices();
    this.work();
  }

  get vocabulary() {
    return this.app.networks[0].sourceVocabulary;
  }

  /** Return the chosen input and symbol, if the source has that input. */
  get replaced() {
    const { replaced } = this.app.state;
    return replaced && replaced.s < this.app.S ? replaced : null;
  }

  drawInputs() {
    const { source } = this.app;
    if (source === this.sourceDrawn) {
      for (const input of this.inputs.querySelectorAll("input")) {
        input.checked = Number(input.value) === this.replaced?.s;
      }
      return;
    }
    this.sourceDrawn = source;
    const items = source.map((symbol, s) => {
      const text = visible(this.vocabulary.name(symbol));
      return { value: s, text, label: `input ${s + 1}: ${text}` };
    });
    this.inputs.replaceChildren(
      radioTiles("Input to change", "influence-input", items, this.replaced?.s, (s) => this.choose(s)),
    );
  }

  /** Choose an input; its symbol becomes the first of those that are tried. */
  choose(s, symbol = tried(this.app.networks[0], this.app.source[s])[0]) {
    this.app.change({ replaced: { s, symbol } });
    announce(this.app.networks.map((shown) => `${nameOf(this.app, shown)} ${this.inWords(shown)}`.trim()).join(" "));
  }

  drawSymbols() {
    const { replaced, vocabulary } = this;
    const key = replaced ? `${this.app.source} ${replaced.s}` : "";
    if (key === this.choiceDrawn) {
      this.markSymbol();
      return;
    }
    this.choiceDrawn = key;
    if (!replaced) {
      this.symbols.replaceChildren();
      return;
    }
    const all = Array.from({ length: vocabulary.largest + 1 }, (_, symbol) => symbol);
    const choose = (symbol) => this.choose(replaced.s, Number(symbol));
    const legend = `Input ${replaced.s + 1} becomes`;
    const named = all.map((symbol) => {
      const text = visible(vocabulary.name(symbol));
      return { value: symbol, text, label: symbol === this.app.source[replaced.s] ? `${text}, as it was` : text };
    });
    const control =
      all.length <= MOST_TILES
        ? radioTiles(legend, "influence-symbol", named, replaced.symbol, choose)
        : selection(
            legend,
            named.map(({ value, text }) => [value, text]),
            replaced.symbol,
            choose,
          );
    const remove = button("As it was", () => {
      this.app.change({ replaced: null }, "The source is as it was");
      this.inputs.querySelector("input").focus();
    });
    this.symbols.replaceChildren(h("div", { className: "change-to" }, control, remove));
  }

  /** Mark the chosen symbol in the tiles or the list that are there. */
  markSymbol() {
    if (!this.replaced) return;
    for (const input of this.symbols.querySelectorAll("input, option")) {
      const chosen = Number(input.value) === this.replaced.symbol;
      if (input.matches("option")) input.selected = chosen;
      else input.checked = chosen;
    }
  }

  /** Return what a network writes before and after the change. */
  answers(shown) {
    const { source } = this.app;
    const { s, symbol } = this.replaced;
    const changed = source.map((before, place) => (place === s ? symbol : before));
    return [freely(this.app, shown, source), freely(this.app, shown, changed)];
  }

  drawResults() {
    this.app.networks.forEach((shown, i) =>
      this.results[i].replaceChildren(...(this.replaced ? this.result(shown) : [])),
    );
  }

  /** Return the answer before and after the change. */
  result(shown) {
    const [before, after] = this.answers(shown);
    const name = (symbol) => (symbol === null ? "–" : visible(shown.targetVocabulary.name(symbol)));
    const cells = pairsOf(before, after).map(([was, is]) => {
      const moved = was !== is;
      const now = h("span", { className: moved ? "symbol moved" : "symbol" }, name(is));
      if (moved) now.append(h("span", { className: "unseen" }, " changed"));
      return h("li", {}, h("span", { className: "symbol was" }, name(was)), now);
    });
    const keys = h(
      "li",
      { attributes: { "aria-hidden": "true" }, className: "what" },
      h("span", {}, "before"),
      h("span", {}, "after"),
    );
    const list = h(
      "ol",
      { className: "beforeafter", attributes: { "aria-label": "Each output before and after" } },
      keys,
      ...cells,
    );
    return [h("p", { className: "result-text" }, this.inWords(shown)), list];
  }

  /** Say which outputs change. */
  inWords(shown) {
    const [before, after] = this.answers(shown);
    const moved = changedOutputs(before, after);
    const added = pairsOf(before, after).filter(([was]) => was === null).length;
    const more = added ? ` ${added} ${added === 1 ? "symbol comes" : "symbols come"} in between.` : "";
    const { s, symbol } = this.replaced;
    const [from, to] = [this.app.source[s], symbol].map((one) => visible(this.vocabulary.name(one)));
    const change = `Input ${s + 1}: ${from} → ${to}.`;
    if (!moved.length) return `${change} No output changes.${more}`;
    return (
      `${change} Of ${before.length} outputs ${moved.length} ` +
      `${moved.length === 1 ? "changes: output" : "change: outputs"} ${listed(moved)}.${more}`
    );
  }

  /** Work on, a little at a time, until all influences are known. */
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

  /** Draw the matrices that are new, and mark in all of them what is chosen. */
  drawMatrices() {
    const marked = { s: this.replaced?.s ?? null, t: this.app.t };
    this.influences.forEach((influence, i) => {
      const width = this.matrices[i].clientWidth;
      const before = this.drawn[i];
      if (before?.influence !== influence || before.width !== width || !before.done) this.drawPair(influence, i, width);
      this.drawn[i].marks.forEach((mark) => mark(marked));
    });
  }

  /** Draw influence and attention of a network, side by side where there is room; or how far the work has come. */
  drawPair(influence, i, width) {
    const { shown, alpha, source, answer, matrix, done } = influence;
    this.drawn[i] = { influence, width, done, marks: [] };
    if (!done) {
      const far = `Working out what depends on what: ${percent(influence.next / influence.trials.length)}`;
      this.matrices[i].replaceChildren(h("p", { className: "hint" }, far));
      return;
    }
    const u = zoom();
    const room = alpha && width > 640 * u ? (width - 32 * u) / 2 : width;
    const names = {
      inputs: source.map((symbol) => visible(shown.sourceVocabulary.name(symbol))),
      outputs: answer.map((symbol) => visible(shown.targetVocabulary.name(symbol))),
    };
    const figures = [matrixFigure("Influence", influenceMeans(influence), matrix, names, room)];
    if (alpha)
      figures.push(
        matrixFigure("Attention", "Where each output (row) looks; a row adds up to 100 %.", alpha, names, room),
      );
    const numbers = asTable(`Influence in ${shown.name}, as a table`, () => influenceTable(influence, names));
    const pair = h("div", { className: "pair" }, ...figures.map(({ figure }) => figure));
    this.matrices[i].replaceChildren(pair, h("p", {}, comparison(influence)), numbers.details);
    this.matrices[i].querySelectorAll(".scroll").forEach((scroll) => settle(scroll));
    this.drawn[i].marks = figures.map(({ mark }) => mark);
  }
}

/** Say numbers that count from 0 as positions that count from 1. */
function listed(places) {
  const most = 12;
  const text = places
    .slice(0, most)
    .map((place) => place + 1)
    .join(", ");
  return places.length > most ? `${text} …` : text;
}

/** Return two answers beside each other, aligned: [before, after], null where one has nothing. */
function pairsOf(before, after) {
  const { kinds, due, missing } = align(after, before);
  const gone = (t) => missing[t].map((symbol) => [symbol, null]);
  const pairs = after.flatMap((symbol, t) => [...gone(t), [kinds[t] === "extra" ? null : before[due[t]], symbol]]);
  return [...pairs, ...gone(after.length)];
}

/** Return which outputs of an answer change or fall away; those that only move to another place do not count. */
function changedOutputs(before, after) {
  const pairs = pairsOf(before, after).filter(([was]) => was !== null);
  return [...before.keys()].filter((t) => pairs[t][1] !== pairs[t][0]);
}

/** Return the steps of an answer that nobody forces, at the moment that is chosen. */
function freeSteps(app, shown, source) {
  const run = app.runs.find((one) => one.shown === shown);
  let longest = shown.outLen(source.length, null) + 1;
  if (!shown.ends) longest = source.length === run.source.length ? run.steps.length : longest - 1;
  return shown.network(app.state.moment).run(source, longest, { toEnd: shown.ends }).steps;
}

/** Return what a network writes when nobody forces it. */
const freely = (app, shown, source) => freeSteps(app, shown, source).map((step) => step.written);

/** Return the symbols that are tried in place of one: all others of its kind, letters for letters; of many, those
    of the examples first, the most frequent first, then a fixed sample, spread over the vocabulary. */
function tried(shown, symbol) {
  const { sourceVocabulary: vocabulary, examples } = shown;
  const next = Array.from({ length: vocabulary.largest }, (_, i) => (symbol + 1 + i) % (vocabulary.largest + 1));
  const alike = next.filter((other) => kindOf(vocabulary, other) === kindOf(vocabulary, symbol));
  const others = alike.length ? alike : next;
  if (others.length <= MOST_TRIED) return others;
  const often = new Map();
  const known = vocabulary.isText ? examples.flatMap(({ source }) => source) : [];
  for (const one of known) often.set(one, (often.get(one) ?? 0) + 1);
  const frequent = others.filter((one) => often.has(one)).sort((a, b) => often.get(b) - often.get(a));
  const rest = others.filter((one) => !often.has(one));
  const n = Math.max(0, MOST_TRIED - frequent.length);
  const sample = Array.from({ length: n }, (_, i) => rest[Math.floor(((i + 0.5) * rest.length) / n)]);
  return [...frequent, ...sample].slice(0, MOST_TRIED);
}

/** Return which kind of symbol a character is; all words and integers are of one kind. */
function kindOf(vocabulary, symbol) {
  if (vocabulary.tokens !== "characters") return "";
  const name = vocabulary.name(symbol);
  if (/^\p{L}/u.test(name)) return "letter";
  return /^\p{N}/u.test(name) ? "digit" : "other";
}

/** How often each output changes when an input does: `matrix` [T][S], worked out bit by bit. */
class Influence {
  constructor(app, shown, source) {
    const steps = freeSteps(app, shown, source);
    Object.assign(this, { app, shown, source, answer: steps.map((step) => step.written), next: 0 });
    this.alpha = shown.config.has_attention ? steps.map((step) => [...step.alpha]) : null;
    this.matrix = this.answer.map(() => source.map(() => 0));
    this.movedBy = this.answer.map(() => source.map(() => null)); // the first symbol there that changes the output
    this.trials = source.flatMap((before, s) =>
      tried(shown, before).map((symbol, i, all) => ({ s, symbol, share: 1 / all.length })),
    );
  }

  get done() {
    return this.next === this.trials.length;
  }

  /** Try symbols until the clock says `until`, at least one. */
  work(until) {
    while (!this.done) {
      this.try(this.trials[this.next++]);
      if (performance.now() > until) return;
    }
  }

  /** Put a symbol in the place of input s, and count which outputs change. */
  try({ s, symbol, share }) {
    const source = this.source.map((before, place) => (place === s ? symbol : before));
    const after = freely(this.app, this.shown, source);
    for (const t of changedOutputs(this.answer, after)) {
      this.matrix[t][s] += share;
      this.movedBy[t][s] ??= symbol;
    }
  }
}

const influences = new Map(); // by network, moment and source; the newest last
const MOST_INFLUENCES = 100;

/** Return the influences of a source at the present moment, begun if need be. */
function influenceOf(app, shown, source = app.source) {
  const key = [app.networks.indexOf(shown), app.state.moment, ...source].join(" ");
  if (!influences.has(key)) influences.set(key, new Influence(app, shown, source));
  if (influences.size > MOST_INFLUENCES) influences.delete(influences.keys().next().value);
  return influences.get(key);
}

function influenceMeans({ shown, source }) {
  const counts = source.map((symbol) => tried(shown, symbol).length);
  const [least, most] = [Math.min(...counts), Math.max(...counts)];
  const all = most === shown.sourceVocabulary.largest;
  const which = all ? `the ${most} other symbols` : `${least === most ? most : `${least} to ${most}`} other symbols`;
  return `How many of ${which} change the output (row) when they take the input's place (column).`;
}

/** Return a heat map with its heading, laid out as attention's: outputs are rows, inputs columns. mark({ s, t }) frames
    an input and an output. */
function matrixFigure(title, explanation, values, names, room) {
  const layout = matrixLayout(names, room);
  const { u, left, top, size, height, bounds } = layout;
  const [T, S] = [names.outputs.length, names.inputs.length];
  const label = `${title}: ${T} outputs by ${S} inputs; the numbers are in the table below`;
  const picture = svg("svg", { ...bounds, role: "img", "aria-label": label, class: "heat-map" });
  const [column, row] = [svg("rect", { class: "matrix-frame" }), svg("rect", { class: "matrix-frame" })];
  picture.append(
    ...matrixNames(names, layout),
    ...values.flatMap((_, t) => matrixRow(values[t], t, names, layout)),
    column,
    row,
  );
  const place = (rect, x, y, width, tall) =>
    Object.entries({ x, y, width, height: tall }).forEach(([name, value]) => rect.setAttribute(name, value));
  const mark = ({ s, t }) => {
    place(column, left + size * s, top, s === null ? 0 : size, height * T); // a rect that is 0 wide is not drawn
    place(row, left, top + height * t, t === null || t >= T ? 0 : size * S, height);
  };
  const caption = h("figcaption", {}, h("strong", {}, `${title}, in %. `), explanation);
  return { figure: h("figure", {}, caption, scrollBox(`Picture: ${title}`, picture)), mark };
}

/** Say where everything is in a matrix that has so much room. */
function matrixLayout({ inputs, outputs }, room) {
  const u = zoom();
  const [left, top] = [64 * u, 28 * u];
  const size = Math.max(14 * u, Math.min(40 * u, (room - left - 4 * u) / inputs.length));
  const height = Math.min(size, 32 * u);
  const bounds = { width: left + size * inputs.length + 4 * u, height: top + height * outputs.length + 4 * u };
  return { u, left, top, size, height, bounds, type: Math.min(14 * u, Math.max(11 * u, size * 0.45)) };
}

/** Return the names of columns and rows. */
function matrixNames({ inputs, outputs }, { u, left, top, size, height, type }) {
  const text = (x, y, words, kind) => svg("text", { x, y, class: kind, "font-size": type }, words);
  const room = Math.max(1, Math.floor(size / (8 * u)));
  const columns = inputs.map((name, s) => text(left + size * (s + 0.5), top - 8 * u, cut(name, room), "input-name"));
  const rows = outputs.map((name, t) =>
    text(left - 8 * u, top + height * (t + 0.5) + 5 * u, cut(`${t + 1}: ${name}`, 8), "end"),
  );
  return [...columns, ...rows];
}

/** Return the cells of output t, with numbers where they fit. */
function matrixRow(values, t, { inputs, outputs }, { u, left, top, size, height, type }) {
  const y = top + height * t;
  return values.map((value, s) => {
    const words = `Output ${t + 1} (${outputs[t]}), input ${s + 1} (${inputs[s]}): ${percent(value)}`;
    const place = { x: left + size * s, y, width: size, height };
    const back = svg("rect", { ...place, class: "cell-back" });
    const cell = svg(
      "g",
      {},
      svg("title", {}, words),
      back,
      svg("rect", { ...place, class: "heat", "fill-opacity": value }),
    );
    if (size < 24 * u || value < 0.005) return cell;
    const middle = { x: left + size * (s + 0.5), y: y + height / 2 + 5 * u };
    const kind = value > DARK ? "on-heat" : "on-back";
    cell.append(svg("text", { ...middle, class: kind, "font-size": type }, String(Math.round(100 * value))));
    return cell;
  });
}

function influenceTable({ matrix, alpha }, { inputs, outputs }) {
  const head = ["Output", ...inputs.map((name, s) => `${s + 1}: ${name}`)];
  const rows = (values) => values.map((row, t) => [`${t + 1}: ${outputs[t]}`, ...row.map(percent)]);
  const tables = [table("Influence of each input on each output", head, rows(matrix))];
  if (alpha) tables.push(table("Attention of each output to each input", head, rows(alpha)));
  return h("div", {}, ...tables);
}

const [LITTLE, MUCH] = [0.2, 0.3]; // of an output's attention

/** Return the output for which attention and influence part most, { t, s, symbol, depends }: it depends on an input to
    which it gives little attention, by this symbol there; or it looks most at an input on which it does not depend.
    null if they agree. */
function disagreement({ matrix, alpha, movedBy, shown, source }) {
  const found = [];
  matrix.forEach((row, t) => {
    const looks = argmax(alpha[t]);
    if (row[looks] === 0 && alpha[t][looks] >= MUCH)
      found.push({ t, s: looks, symbol: tried(shown, source[looks])[0], depends: false, gap: alpha[t][looks] });
    row.forEach((share, s) => {
      if (share > 0 && alpha[t][s] < LITTLE)
        found.push({ t, s, symbol: movedBy[t][s], depends: true, gap: share * (1 - alpha[t][s]) });
    });
  });
  return found.sort((a, b) => b.gap - a.gap)[0] ?? null;
}

/** Say where attention and influence part. */
function partingInWords({ matrix, alpha, shown, source, answer }, { t, s, symbol, depends }) {
  const name = (one) => visible(shown.sourceVocabulary.name(one));
  const output = `Output ${t + 1} (${visible(shown.targetVocabulary.name(answer[t]))})`;
  const look = `${output} gives ${percent(alpha[t][s])} of its attention to input ${s + 1} (${name(source[s])})`;
  if (!depends) return `${look}. Yet it stays as it is, whatever symbol was tried there.`;
  return (
    `${look}. Yet it changes when this input becomes ${name(symbol)}, as with ${percent(matrix[t][s])} of the ` +
    "symbols tried there."
  );
}

/** Say what the matrices show beside each other. */
function comparison(influence) {
  if (!influence.alpha)
    return "This network has no attention to compare it with: all that an output depends on passed through one state.";
  const general =
    "Attention is not explanation (Jain and Wallace 2019): it says where the decoder looks, influence says what the " +
    "output depends on.";
  const differs = disagreement(influence);
  if (!differs)
    return `${general} For this source the two agree: no output depends on an input that it hardly looks at.`;
  return `${general} ${partingInWords(influence, differs)}`;
}
