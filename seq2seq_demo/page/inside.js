"use strict";
/* What the cells hold, and how it is computed. */

/** Return the panel of the hidden states, and of the cell at the place at hand. */
function insidePanel(app) {
  const boxes = {
    controls: h("div", { className: "controls" }),
    map: h("div"),
    cell: h("div", { className: "cell-box" }),
  };
  const numbers = asTable("The chosen unit as a table", () => view.table());
  const view = new InsidePanel(app, boxes, numbers.fill);
  const isKnown = app.networks.every(({ config }) => CELL_EQUATIONS[config.cell_type]);
  const section = panel(
    "inside",
    "Inside",
    "The numbers that a network carries along while it reads and writes, and how its cell renews them.",
    h("p", {
      textContent:
        `Each row is a unit: one number h${isKnown ? " that lies between −1 and 1" : ""}. Each column is a symbol read ` +
        "or written. Click a square to go there.",
    }),
    boxes.controls,
    boxes.map,
    numbers.details,
    boxes.cell,
  );
  onNewWidth(boxes.map, () => view.update());
  return addPanel(app, section, () => view.update());
}

/** What the panel of hidden states shows. `unit` counts from 0; the reader's numbers count from 1. */
class InsidePanel {
  constructor(app, boxes, fillTable) {
    Object.assign(this, { app, boxes, fillTable, which: 0, layer: 0, backward: false, unit: 0, gateLabels: new Map() });
    this.layer = app.networks[0].config.num_layers - 1;
    this.drawControls();
  }

  get shown() {
    return this.app.networks[this.which];
  }

  get run() {
    return this.app.runs[this.which];
  }

  get H() {
    return this.shown.config.cell_size;
  }

  drawControls() {
    const { num_layers: layers, bidirectional } = this.shown.config;
    const set = (name) => (value) => this.choose({ [name]: Number(value) });
    const controls = [];
    if (this.app.networks.length > 1) {
      controls.push(
        selection(
          "Network",
          this.app.networks.map((shown, i) => [i, shown.name]),
          this.which,
          set("which"),
        ),
      );
    }
    if (layers > 1) {
      const items = Array.from({ length: layers }, (_, i) => [i, `${i + 1}`]);
      controls.push(selection("Layer", items, this.layer, set("layer")));
    }
    if (bidirectional) {
      const items = [
        [0, "from the beginning"],
        [1, "from the end"],
      ];
      controls.push(selection("The encoder reads", items, Number(this.backward), set("backward")));
    }
    this.unitInput = h("input", { type: "number", id: "unit", min: 1, max: this.H, step: 1, value: this.unit + 1 });
    this.unitInput.addEventListener("input", () => {
      const unit = Number(this.unitInput.value) - 1;
      if (Number.isInteger(unit)) this.choose({ unit: Math.max(0, Math.min(unit, this.H - 1)) });
    });
    this.unitInput.addEventListener("blur", () => (this.unitInput.value = this.unit + 1));
    controls.push(h("label", { className: "pick" }, "Unit ", this.unitInput, ` of ${this.H}`));
    controls.push(h("span", { className: "key" }, ...signKey()));
    this.boxes.controls.replaceChildren(...controls);
  }

  /** Choose what is shown; this is no part of the page's state. */
  choose(patch) {
    const { which } = this;
    Object.assign(this, patch);
    if (this.which !== which) {
      this.layer = this.shown.config.num_layers - 1;
      this.unit = Math.min(this.unit, this.H - 1);
      this.drawControls();
      this.boxes.controls.querySelector("select").focus();
    }
    this.update();
    if (this.cellAt(this.app.state.place)) announce(`Unit ${this.unit + 1}: ${this.valueInWords()}`);
  }

  valueInWords() {
    const cell = this.cellAt(this.app.state.place);
    return `h is ${numeral(last(cell.state)[this.unit])} at ${this.placeInWords()}`;
  }

  /** Return the chosen layer's cell after `place` symbols were read and written; null before the first. */
  cellAt(place) {
    const { run, app } = this;
    if (!run || place === 0) return null;
    if (place > app.S) return run.steps[place - app.S - 1]?.cells[this.layer] ?? null;
    return this.readingCells()[place - 1][this.layer];
  }

  /** Return the cells of the encoder in the chosen direction, [S][layer]. */
  readingCells() {
    const { encoded } = this.run;
    return this.backward && encoded.backwardCells ? encoded.backwardCells : encoded.cells;
  }

  placeInWords() {
    const { app, run, shown } = this;
    const { place } = app.state;
    if (place === 0) return "the beginning, before anything is read";
    if (app.t === null) return `input ${place} (${visible(shown.sourceVocabulary.name(app.source[place - 1]))})`;
    if (app.t >= run.steps.length) return "a place that this network's answer does not reach";
    return `output ${app.t + 1} (${visible(shown.targetVocabulary.name(run.steps[app.t].written))})`;
  }

  update() {
    const { map, cell } = this.boxes;
    if (!map.clientWidth) return;
    if (document.activeElement !== this.unitInput) this.unitInput.value = this.unit + 1;
    map.replaceChildren(this.heatMap(map.clientWidth));
    this.fillTable();
    redraw(cell, ...this.cellParts());
  }

  /** Return h of every unit over reading and writing, [S + T][H]. */
  hidden() {
    const reading = this.readingCells().map((cells) => last(cells[this.layer].state));
    return [...reading, ...this.run.steps.map((step) => last(step.cells[this.layer].state))];
  }

  /** Return the names of the columns. */
  columns() {
    const { app, run, shown } = this;
    const read = app.source.map((symbol) => visible(shown.sourceVocabulary.name(symbol)));
    return [...read, ...run.steps.map((step) => visible(shown.targetVocabulary.name(step.written)))];
  }

  /** Draw the heat map; under it the chosen unit alone, as bars, for those who see no colours. */
  heatMap(width) {
    const { app, H, unit } = this;
    const hidden = this.hidden();
    const layout = mapLayout(width, hidden.length, app.S, H);
    const { u, left, top, size, tall, bars, x, right } = layout;
    const label =
      `Hidden state of ${H} units over ${app.S} inputs and ${hidden.length - app.S} outputs; the chosen unit is in ` +
      "the table";
    const picture = svg("svg", {
      width,
      height: layout.height,
      role: "img",
      "aria-label": label,
      class: "hidden-states",
    });
    const text = (at, y, words, kind) => svg("text", { x: at, y, class: kind }, words);
    picture.append(text(left, 12 * u, "reading", "title"));
    if (hidden.length > app.S) picture.append(text(Math.max(x(app.S), left + 56 * u), 12 * u, "writing", "title"));
    picture.append(...columnNames(this.columns(), x, size, 28 * u, u), ...cellsByLevel(hidden, x, top, size, tall));
    picture.append(text(left - 5 * u, top + tall * (unit + 0.5) + 4 * u, String(unit + 1), "end"));
    picture.append(text(left - 5 * u, bars + 4 * u, String(unit + 1), "end"));
    picture.append(...unitBars(hidden, unit, x, bars, size, 22 * u));
    picture.append(
      svg("rect", { class: "unit-frame", x: left, y: top + tall * unit, width: right - left, height: tall }),
    );
    const { place } = app.state;
    if (place > 0 && place <= hidden.length) {
      picture.append(
        svg("rect", { class: "place-frame", x: x(place - 1), y: top, width: size, height: bars + 24 * u - top }),
      );
    }
    picture.addEventListener("click", (event) => this.goToSquare(event, picture, layout, hidden.length));
    return picture;
  }

  /** Go to the place of a column that was clicked, and to the unit of its row. */
  goToSquare(event, picture, { x, top, size, tall }, n) {
    const box = picture.getBoundingClientRect();
    const row = Math.floor((event.clientY - box.top - top) / tall);
    const column = Array.from({ length: n }, (_, i) => i).find((i) => event.clientX - box.left < x(i) + size);
    if (row >= 0 && row < this.H) this.unit = row;
    if (column === undefined) return;
    this.app.change({ place: column + 1 });
    announce(`Unit ${this.unit + 1}: ${this.valueInWords()}`);
  }

  table() {
    const columns = this.columns();
    const { S } = this.app;
    const rows = this.hidden().map((state, i) => [
      i < S ? `input ${i + 1}` : `output ${i - S + 1}`,
      columns[i],
      numeral(state[this.unit]),
    ]);
    return table(`Unit ${this.unit + 1}`, ["Place", "Symbol", "h"], rows);
  }

  /** Return the cell at the place at hand: its equations with the chosen unit's numbers, gates, attention. */
  cellParts() {
    const cell = this.cellAt(this.app.state.place);
    const heading = h("h3", { textContent: `The cell at ${this.placeInWords()}, unit ${this.unit + 1}` });
    if (!cell) {
      const text = this.app.state.place
        ? ""
        : "Nothing is read yet: h′ is 0 in every unit. Step on, or click a column above.";
      return [heading, h("p", { textContent: text })];
    }
    const { cell_type: cellType } = this.shown.config;
    const ofCell = CELL_EQUATIONS[cellType];
    const equations = [...this.inputEquations(cell), ...(ofCell ? ofCell(cell, this.unit) : [])];
    const parts = [heading, equationList(equations)];
    if (!ofCell) parts.push(h("p", { textContent: `This page has no equation for ${cellType}. What it computed:` }));
    parts.push(this.gateBars(cell));
    const { t } = this.app;
    if (t !== null && this.run.steps[t].alpha) parts.push(...attentionParts(this, t));
    const isLast = this.layer === this.shown.config.num_layers - 1;
    if (t !== null && isLast) parts.push(...outputParts(this.run, t));
    return parts;
  }

  /** Say what the cell is fed, as the equations in seq2seq_demo/README.md do. */
  inputEquations({ x, gates }) {
    const { app, layer, run, shown } = this;
    const { t } = app;
    const numbers = vectorText(x);
    if (layer > 0) return [["x = h of the layer below", numbers, "what goes in"]];
    if (t === null) {
      const symbol = visible(shown.sourceVocabulary.name(app.source[app.state.place - 1]));
      return [[`x = e = E_in[${symbol}]`, numbers, "the embedding of the symbol read"]];
    }
    const name = fedName(run, run.steps, t);
    if (!shown.config.has_attention)
      return [[`x = d = E_out[${name}]`, numbers, "the embedding of the symbol written before"]];
    const previous = t === 0 ? "0" : "a′";
    const twice = "i" in gates ? "; these W_i and b_i are not those of the input gate i" : ""; // both named in 2016
    return [
      [
        `x = W_i [E_out[${name}] ; ${previous}] + b_i`,
        numbers,
        `the symbol written before, and the context of the step before${twice}`,
      ],
    ];
  }

  /** Return what each gate does in every unit, as small bars. */
  gateBars(cell) {
    const states = this.shown.config.states.map((name, i) => [name, cell.state[i]]);
    const u = zoom();
    const all = this.boxes.map.clientWidth;
    const isNarrow = matchMedia("(max-width: 48rem)").matches; // labels stand above the bars, as inside.css says
    const width = isNarrow ? all : all - 15 * 16 * u;
    const rows = [...Object.entries(cell.gates), ...states].flatMap(([name, vector]) => {
      const value = h("b", { textContent: numeral(vector[this.unit]) });
      const [label] = this.gateExplained(name);
      return [h("div", { className: "gate" }, this.gateLabel(name), value), this.bars(label, vector, width)];
    });
    return h("div", { className: "gates" }, ...rows);
  }

  /** Return the label of a gate, the same element each time. */
  gateLabel(name) {
    const key = `${this.which} ${name}`;
    if (!this.gateLabels.has(key)) this.gateLabels.set(key, explained(...this.gateExplained(name), "span"));
    return this.gateLabels.get(key);
  }

  /** Return the name and the purpose of a gate or state; in a cell that this page does not know, the purpose of h only. */
  gateExplained(name) {
    const { cell_type: cellType, states } = this.shown.config;
    if (name === "h" || (CELL_EQUATIONS[cellType] && GATES[name])) return GATES[name];
    const kind = states.includes(name) ? "state" : "gate";
    return [`${name}, ${kind}`, `This page does not know what this ${kind} of ${cellType} is for.`];
  }

  /** Return a vector's numbers as bars, the chosen unit's framed. */
  bars(name, vector, width) {
    const u = zoom();
    const isSigned = vector.some((value) => value < 0);
    const highest = vector.reduce((most, value) => Math.max(most, Math.abs(value)), 1);
    const height = 28 * u;
    const zero = 2 + (isSigned ? height / 2 : height);
    const size = Math.min(24 * u, width / vector.length);
    const scale = (isSigned ? height / 2 : height) / highest;
    const label = `${name} of every unit, from ${numeral(Math.min(...vector))} to ${numeral(Math.max(...vector))}`;
    const picture = svg("svg", { width, height: height + 4, role: "img", "aria-label": label, class: "unit-bars" });
    picture.append(...signedBars([...vector], (k) => size * k, zero, size, scale));
    picture.append(svg("line", { class: "grid", x1: 0, x2: size * vector.length, y1: zero, y2: zero }));
    picture.append(svg("rect", { class: "unit-frame", x: size * this.unit, y: 1, width: size, height: height + 2 }));
    picture.addEventListener("click", (event) => {
      const unit = Math.floor((event.clientX - picture.getBoundingClientRect().left) / size);
      if (unit >= 0 && unit < vector.length) this.choose({ unit });
    });
    return picture;
  }
}

const GATES = {
  i: ["i, input gate", "How much of the candidate is added to the cell's state c."],
  f: ["f, forget gate", "How much of the old state c′ is kept."],
  o: ["o, output gate", "How much of tanh(c) is shown as h."],
  z: ["z, update gate", "How much of the old h′ is kept."],
  r: ["r, reset gate", "How much of the old h′ the candidate sees."],
  candidate: ["candidate", "What the cell would write, from what it reads and from h′."],
  c: ["c, state", "What the cell keeps for itself."],
  h: ["h, output", "What the cell hands on: to the next step, to the layer above, to the memory."],
};

/* Each cell's equations, with the numbers of unit k: [equation, numbers, meaning]. A prime says: of the step before.
   A cell without them is shown by its numbers alone. */

function lstmEquations({ gates, state: [c, hidden], previous: [before] }, k) {
  const { i, f, candidate, o } = gates;
  return [
    ["i = σ(W_i x + U_i h′ + b_i)", numeral(i[k]), "input gate"],
    ["f = σ(W_f x + U_f h′ + b_f)", numeral(f[k]), "forget gate"],
    ["candidate = tanh(W_c x + U_c h′ + b_c)", numeral(candidate[k]), "what could be written"],
    ["o = σ(W_o x + U_o h′ + b_o)", numeral(o[k]), "output gate"],
    [
      "c = f · c′ + i · candidate",
      `${numeral(f[k])} · ${term(before[k])} + ${numeral(i[k])} · ${term(candidate[k])} = ${numeral(c[k])}`,
      "keep some, add some",
    ],
    ["h = o · tanh(c)", `${numeral(o[k])} · tanh(${numeral(c[k])}) = ${numeral(hidden[k])}`, "show some"],
  ];
}

function gruEquations({ gates, state: [hidden], previous: [before] }, k) {
  const { z, r, candidate } = gates;
  const sum =
    `${numeral(z[k])} · ${term(before[k])} + ${numeral(1 - z[k])} · ${term(candidate[k])} = ` + numeral(hidden[k]);
  return [
    ["z = σ(W_z x + U_z h′ + b_z)", numeral(z[k]), "update gate"],
    ["r = σ(W_r x + U_r h′ + b_r)", numeral(r[k]), "reset gate"],
    ["candidate = tanh(W x + U (r · h′) + b)", numeral(candidate[k]), "what could be written"],
    ["h = z · h′ + (1 − z) · candidate", sum, "keep some, add some"],
  ];
}

function simpleEquations({ state: [hidden] }, k) {
  return [["h = tanh(W x + U h′ + b)", numeral(hidden[k]), "all anew at each step: no gates"]];
}

const CELL_EQUATIONS = {
  BasicLSTMCell: lstmEquations,
  LSTMCell: lstmEquations,
  GRUCell: gruEquations,
  BasicRNNCell: simpleEquations,
};

/** Return equations beside their numbers and meaning. */
function equationList(equations) {
  const rows = equations.map(([equation, numbers, meaning]) =>
    h(
      "div",
      {},
      h("dt", {}, h("code", { textContent: equation })),
      h("dd", { className: "figures", textContent: `= ${numbers}` }),
      h("dd", { className: "meaning", textContent: meaning }),
    ),
  );
  return h("dl", { className: "equations" }, ...rows);
}

/** Return the beginning of a vector. */
function vectorText(x) {
  const some = [...x.slice(0, 3)].map((value) => numeral(value, 2)).join(", ");
  return `(${some}${x.length > 3 ? `, … ${x.length} numbers` : ""})`;
}

/** Return attention's equations with the numbers of step t, and all inputs as a table. */
function attentionParts(view, t) {
  const { app, run, shown, unit } = view;
  const { alpha, u, query, context } = run.steps[t];
  const { memory } = run.encoded;
  const k = view.backward && memory[0].length > view.H ? unit + view.H : unit; // of the memory, which may be wider
  const order = [...alpha.keys()].sort((a, b) => alpha[b] - alpha[a]);
  const [s] = order;
  const name = visible(shown.sourceVocabulary.name(app.source[s]));
  const terms = order.slice(0, 2).map((i) => `${numeral(alpha[i])} · ${term(memory[i][k])}`);
  const rest = order.length > 2 ? " + …" : "";
  const exponents = order
    .slice(0, 2)
    .map((i) => `exp(${numeral(u[i], 2)})`)
    .join(" + ");
  const equations = [
    [
      "q = W_q [every layer's c and h] + b_q".replace("c and h", shown.config.states.join(" and ")),
      `${numeral(query[unit])} in unit ${unit + 1}`,
      "the query: what it looks for",
    ],
    [
      "u_s = v · tanh(W_k m_s + q)",
      `${numeral(u[s], 2)} for input ${s + 1} (${name})`,
      "how well memory row s fits the query",
    ],
    [
      "α_s = exp(u_s) / Σ exp(u)",
      `exp(${numeral(u[s], 2)}) / (${exponents}${rest}) = ${numeral(alpha[s])}`,
      "the weights, which add up to 1",
    ],
    [
      "a = Σ α_s m_s",
      `${terms.join(" + ")}${rest} = ${numeral(context[k])}`,
      "the context: what it takes from the memory",
    ],
  ];
  const rows = [...alpha.keys()].map((i) => [
    `${i + 1}: ${visible(shown.sourceVocabulary.name(app.source[i]))}`,
    numeral(u[i], 2),
    numeral(alpha[i]),
    numeral(memory[i][k]),
    numeral(alpha[i] * memory[i][k]),
  ]);
  const head = ["input s", "u_s", "α_s", `m_s, unit ${k + 1}`, "α_s · m_s"];
  const caption = `Output ${t + 1}: attention to each input; the last column adds up to a = ${numeral(context[k])}`;
  const { details } = asTable("Attention to each input", () => table(caption, head, rows));
  const heading = h("h3", { textContent: `Attention at output ${t + 1}, most of it to input ${s + 1} (${name})` });
  return [heading, equationList(equations), details];
}

/** Return the equations of the logits and the probability of the symbol written at step t. */
function outputParts(run, t) {
  const { has_attention: attends } = run.shown.config;
  const { logits, written, cells } = run.steps[t];
  const name = targetName(run, written);
  const read = "W_p h + b_p";
  const whole = attends ? `W_o [${read} ; a] + b_o` : read;
  const twice = attends && "o" in last(cells).gates ? "; these W_o and b_o are not those of the output gate o" : "";
  const logit = numeral(logits[written], 2);
  const equations = [
    [`logits = ${whole}`, `${logit} for ${name}`, `a number for every symbol${twice}`],
    [
      "p = exp(logit) / Σ exp(logits)",
      `exp(${logit}) / Σ exp(logits) = ${numeral(probabilities(run.steps[t])[written])} for ${name}`,
      "the probabilities, which add up to 1",
    ],
  ];
  return [h("h3", { textContent: `Output ${t + 1} (${name})` }), equationList(equations)];
}

/* Pictures of vectors */

/** Say where everything is in the heat map of n columns, S of them reading. */
function mapLayout(width, n, S, H) {
  const u = zoom();
  const [left, top, gap] = [32 * u, 36 * u, 10 * u]; // the gap is between reading and writing
  const size = Math.min(56 * u, (width - left - gap - 2) / n);
  const tall = Math.max(1, Math.min(9 * u, Math.floor((320 * u) / H)));
  const x = (i) => left + size * i + (i >= S ? gap : 0);
  const bars = top + tall * H + 36 * u; // the middle of the bars
  return { u, left, top, size, tall, bars, x, right: x(n - 1) + size, height: bars + 28 * u };
}

/** Return the names of columns that fit, in the middle of theirs. */
function columnNames(names, x, size, y, u) {
  let free = -Infinity;
  return names.flatMap((name, i) => {
    const text = name.length > 6 ? `${name.slice(0, 5)}…` : name;
    const half = (4.2 * text.length + 2) * u;
    const middle = x(i) + size / 2;
    if (middle - half < free) return [];
    free = middle + half;
    return [svg("text", { x: middle, y, "text-anchor": "middle" }, text)];
  });
}

const LEVELS = 12; // shades on either side of 0

/** Return the squares of a heat map [columns][rows] of numbers in −1 … 1, one path for each shade. */
function cellsByLevel(columns, x, top, size, tall) {
  const paths = new Map();
  columns.forEach((column, i) =>
    column.forEach((value, row) => {
      const level = Math.round(LEVELS * Math.max(-1, Math.min(1, value)));
      const square = `M${x(i).toFixed(1)} ${top + tall * row}h${size.toFixed(1)}v${tall}h${-size.toFixed(1)}z`;
      paths.set(level, (paths.get(level) ?? "") + square);
    }),
  );
  return [...paths].map(([level, d]) =>
    svg("path", { d, class: level < 0 ? "below-zero" : "above-zero", "fill-opacity": Math.abs(level) / LEVELS }),
  );
}

/** Return bars up for positive numbers and down for negative ones. */
function signedBars(values, x, zero, size, scale) {
  const path = (sign) =>
    values
      .map((value, i) =>
        value * sign > 0 ? `M${x(i) + size * 0.1} ${zero}h${size * 0.8}v${-value * scale}h${-size * 0.8}z` : "",
      )
      .join("");
  return [svg("path", { d: path(1), class: "above-zero" }), svg("path", { d: path(-1), class: "below-zero" })];
}

/** Return one unit over time. */
function unitBars(hidden, unit, x, zero, size, half) {
  const line = svg("line", { class: "grid", x1: x(0), x2: x(hidden.length - 1) + size, y1: zero, y2: zero });
  const values = hidden.map((state) => state[unit]);
  const highest = Math.max(1, ...values.map(Math.abs));
  return [...signedBars(values, x, zero, size, half / highest), line];
}

/** Return what the colours mean. */
function signKey() {
  const parts = ["−1 "];
  for (const value of [-1, -0.5, 0, 0.5, 1]) {
    const square = svg("rect", {
      width: 14,
      height: 14,
      class: value < 0 ? "below-zero" : "above-zero",
      "fill-opacity": Math.abs(value),
    });
    parts.push(svg("svg", { width: 14, height: 14, "aria-hidden": "true" }, square));
  }
  return [...parts, " +1"];
}
