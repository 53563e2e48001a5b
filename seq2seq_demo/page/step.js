"use strict";
/* Reading and writing, one step after the other. */

/** Steps through reading and writing, with a picture and a sentence for each place. */
function stepPanel(app) {
  const player = new Player(app);
  const boxes = app.networks.map((shown) => scrollBox(`Picture: ${shown.name}`));
  const sentences = app.networks.map((shown, i) => h("p", { className: "sentence", ...(i ? {} : { id: "sentence" }) }));
  const section = panel(
    "step",
    "Step through",
    "The encoder reads the source symbol by symbol; then the decoder writes the answer symbol by symbol. Step at " +
      "your own pace, or let it play.",
    player.controls,
    columns(app.networks, (shown, i) => [boxes[i], sentences[i]]),
  );
  let place = 0;
  const update = () => {
    const isNext = app.state.place === place + 1;
    ({ place } = app.state);
    app.runs.forEach((run, i) => {
      drawPicture(boxes[i], run, place, isNext);
      sentences[i].textContent = happening(run, place);
    });
    player.update();
  };
  boxes.forEach((box, i) => onNewWidth(box, () => app.runs[i] && drawPicture(boxes[i], app.runs[i], app.state.place)));
  return addPanel(app, section, update);
}

/** Return words of which the arrow is for the eye alone. */
const withArrow = (...words) =>
  h(
    "span",
    {},
    ...words.map((word) =>
      /\w/.test(word) ? word : h("span", { className: "chevron", attributes: { "aria-hidden": true } }, word),
    ),
  );

const FIELDS = "input, textarea, select, .scroll, [contenteditable]"; // in them the arrow keys have a meaning already

const PACES = { slow: 2000, normal: 1000, fast: 400 }; // ms a step

/** Buttons, a slider and keys that go through the places. */
class Player {
  constructor(app) {
    this.app = app;
    this.timer = null;
    this.slider = h("input", {
      id: "place",
      type: "range",
      min: 0,
      step: 1,
      oninput: () => this.go(Number(this.slider.value)),
    });
    const label = h("label", { htmlFor: "place" }, "Place");
    this.where = h("output", { htmlFor: "place", attributes: { "aria-live": "off" } });
    this.play = button("Play", () => this.toggle(), { className: "primary", id: "play" });
    this.first = button(withArrow("«", "First"), () => this.go(0), { id: "first" });
    this.back = button(withArrow("‹", "Back"), () => this.go(app.state.place - 1), { id: "back" });
    this.next = button(withArrow("Next", "›"), () => this.go(app.state.place + 1), { id: "next" });
    this.last = button(withArrow("Last", "»"), () => this.go(this.end), { id: "last" });
    const buttons = h("div", { className: "controls" }, this.first, this.back, this.play, this.next, this.last);
    this.pace = PACES.normal;
    const paces = Object.keys(PACES).map((name) => [name, name]);
    const pace = selection("Pace", paces, "normal", (name) => this.setPace(PACES[name]));
    const slide = h("div", { className: "slide" }, label, this.slider, this.where, pace);
    this.controls = h("div", { className: "player" }, buttons, slide);
    document.addEventListener("keydown", (event) => this.key(event));
  }

  get end() {
    return this.app.S + this.app.T;
  }

  /** Go to a place as the user asked, and say what happens there. */
  go(place) {
    this.stop();
    this.app.change({ place: Math.max(0, Math.min(place, this.end)) });
    sayPlace(this.app);
  }

  /** Play on, from the beginning if it is at the end; or pause. */
  toggle() {
    if (this.timer !== null) return this.go(this.app.state.place);
    if (this.app.state.place >= this.end) this.app.change({ place: 0 });
    this.timer = setInterval(() => this.tick(), this.pace);
    this.update();
  }

  /** Play from now on with so many ms a step. */
  setPace(pace) {
    this.pace = pace;
    if (this.timer === null) return;
    clearInterval(this.timer);
    this.timer = setInterval(() => this.tick(), pace);
  }

  tick() {
    this.app.change({ place: this.app.state.place + 1 });
    if (this.app.state.place >= this.end) this.go(this.end);
  }

  stop() {
    clearInterval(this.timer);
    this.timer = null;
    this.update();
  }

  /** Left, right, Home, End and Space step, unless what has the focus wants them. */
  key(event) {
    const wants = event.key === " " ? `${FIELDS}, button, summary, a` : FIELDS;
    if (event.defaultPrevented || event.altKey || event.ctrlKey || event.metaKey || event.shiftKey) return;
    if (event.target.closest?.(wants) || !this.app.runs.length) return;
    const { place } = this.app.state;
    const places = { ArrowLeft: place - 1, ArrowRight: place + 1, Home: 0, End: this.end };
    if (event.key === " ") this.toggle();
    else if (event.key in places) this.go(places[event.key]);
    else return;
    event.preventDefault();
  }

  update() {
    const { S, T, state } = this.app;
    if (this.timer !== null && !this.app.runs.length) this.stop();
    Object.assign(this.slider, { max: S + T, value: state.place });
    const done = state.place <= S ? `${state.place} of ${S} read` : `${state.place - S} of ${T} written`;
    this.slider.setAttribute("aria-valuetext", done);
    this.where.textContent = done;
    this.play.textContent = this.timer === null ? "Play" : "Pause";
    // aria-disabled, as a button that is disabled while it has the focus loses it
    for (const one of [this.first, this.back]) one.setAttribute("aria-disabled", state.place === 0);
    for (const one of [this.next, this.last]) one.setAttribute("aria-disabled", state.place === this.end);
  }
}

/** Say what happens at the place, of each network. */
function sayPlace(app) {
  const name = (run) => (app.runs.length > 1 ? `${run.shown.name}: ` : "");
  announce(app.runs.map((run) => name(run) + happening(run, app.state.place)).join(" "));
}

/** Go to an output and say what happens there. */
function goToOutput(app, t) {
  app.change({ place: app.S + t + 1 });
  sayPlace(app);
}

/** Return in a sentence what happens at a place. */
function happening(run, place) {
  const S = run.source.length;
  if (place === 0) return "Nothing is read yet. Next lets the encoder read the first symbol.";
  if (place <= S) return reading(run, place);
  const t = place - S - 1;
  return t < run.steps.length ? writing(run, t) : `Its answer was over after ${run.steps.length} steps.`;
}

function reading(run, place) {
  const S = run.source.length;
  const isLast = place === S;
  const state = `its state, ${stateSize(run)} numbers`;
  const { bidirectional, has_attention: hasAttention } = run.shown.config;
  const other = bidirectional ? ` from the left, and ${sourceName(run, S - place)} from the right,` : "";
  const read = `Reading ${place} of ${S}: the encoder reads ${sourceName(run, place - 1)}${other} and updates ${state}`;
  if (!isLast) return `${read}.`;
  if (hasAttention) return `${read}. The decoder starts from it, and can look at what was kept of every input.`;
  return `${read}. This state is all that the decoder gets.`;
}

function writing(run, t) {
  const step = run.steps[t];
  const fed = fedName(run, run.steps, t);
  const share = (symbol) => `${targetName(run, symbol)} (${percent(probabilities(step)[symbol])})`;
  const looks = step.alpha ? `${looking(step.alpha)} and ` : "";
  let sentence = `Writing ${t + 1} of ${run.steps.length}: fed ${fed}, the decoder ${looks}`;
  if (isForced(t)) sentence += `would write ${share(step.symbol)}; you make it write ${share(step.written)}`;
  else sentence += `writes ${share(step.written)}`;
  if (run.isWrong(t))
    sentence += run.kind(t) === "extra" ? ", which is too many" : `, where ${due(run, t)} was expected`;
  const gaps = run.missing(t).map((symbol) => targetName(run, symbol));
  const leftOut = gaps.length ? ` Left out before it: ${gaps.join(", ")}.` : "";
  if (isEnd(run, t)) return `${sentence}: the answer is over.${leftOut}`;
  const isCut = run.shown.ends && !run.ended && t === run.steps.length - 1;
  return `${sentence}.${leftOut}${isCut ? " It is cut off here: it did not end." : ""}`;
}

const due = (run, t) => targetName(run, run.due(t));

function looking(alpha) {
  const s = argmax(alpha);
  const share = `input ${s + 1} (${percent(alpha[s])})`;
  return alpha[s] >= 0.5 ? `looks mostly at ${share}` : `looks at several inputs, most at ${share},`;
}

/** Draw the picture of a place into its box. */
function drawPicture(box, run, place, isNext = false) {
  const picture = new Picture(run, place, box.clientWidth);
  box.replaceChildren(picture.draw(isNext));
  settle(box, picture.x(picture.column));
}

/** The picture of reading and writing: source, encoder, what it hands on, decoder, answer, from top to bottom. */
class Picture {
  constructor(run, place, width) {
    Object.assign(this, { run, place, S: run.source.length, T: run.steps.length, u: zoom() });
    this.t = place > this.S && place - this.S <= this.T ? place - this.S - 1 : null;
    this.written = Math.max(0, Math.min(place - this.S, this.T)); // outputs that are there
    this.both = run.shown.config.bidirectional;
    this.measure(width);
  }

  /** Work out where everything stands, for the width that there is. */
  measure(width) {
    const { u, run, S, T } = this;
    const inputs = [...run.source.keys()].map((s) => sourceName(run, s));
    const outputs = run.steps.filter((_, t) => !isEnd(run, t)).map((step) => targetName(run, step.written));
    const longest = Math.min(8, Math.max(...[...inputs, ...outputs].map((name) => [...name].length)));
    const least = Math.max(28, 9 * longest + 14) * u;
    const margin = 18 * u;
    const n = Math.max(S, T);
    this.col = Math.max(least, Math.min(76 * u, (width - 2 * margin) / n));
    this.width = Math.max(width, n * this.col + 2 * margin);
    this.left = (this.width - n * this.col) / 2;
    this.tile = Math.min(this.col - 6 * u, Math.max(44 * u, least - 6 * u));
    this.height = Math.min(this.tile, 40 * u);
    this.room = Math.max(2, Math.floor((this.tile - 4 * u) / (9 * u)));
    const gap = 20 * u;
    this.source = 36 * u; // the upper edges of the rows
    this.encoder = this.source + this.height + gap;
    this.backward = this.encoder + this.height + 8 * u;
    this.below = (this.both ? this.backward : this.encoder) + this.height;
    this.decoder = this.below + (run.shown.config.has_attention ? 150 : 170) * u;
    this.answer = this.decoder + this.height + gap;
    this.bottom = this.answer + this.height + 44 * u;
  }

  /** Return the middle of a column. */
  x(i) {
    return this.left + (i + 0.5) * this.col;
  }

  /** The column that something happens in. */
  get column() {
    return this.t ?? Math.max(0, Math.min(this.place, this.S) - 1);
  }

  draw(isNext) {
    const { width, bottom, run } = this;
    const label = `Picture of reading and writing by ${run.shown.name}; the sentence below says what it shows`;
    const attributes = {
      class: isNext ? "picture next" : "picture",
      width,
      height: bottom,
      role: "img",
      "aria-label": label,
    };
    const { has_attention: hasAttention } = run.shown.config;
    return svg(
      "svg",
      { ...attributes, viewBox: `0 0 ${width} ${bottom}` },
      ...(hasAttention ? [this.handedOn()] : this.neck()),
      ...this.reading(),
      ...this.writing(),
      ...(hasAttention && this.t !== null ? this.looks() : []),
      ...(hasAttention ? [this.text(width / 2, this.decoder - 21 * this.u, "final state", "soft halo")] : []),
      this.text(width / 2, 14 * this.u, "source, read by the encoder ↓", "soft"),
      this.text(width / 2, bottom - 6 * this.u, "answer, written by the decoder", "soft"),
    );
  }

  text(x, y, words, kind = "") {
    return svg("text", { x, y, class: kind, "font-size": (kind === "symbol" ? 16 : 12) * this.u }, words);
  }

  /** A symbol in its tile. */
  symbol(i, y, name, kind) {
    const { tile: size, height, u } = this;
    const box = svg("rect", { x: this.x(i) - size / 2, y, width: size, height, rx: 4 * u });
    const isSmall = kind.includes("end"); // END fits where one symbol does
    const words = this.text(
      this.x(i),
      y + height / 2 + (isSmall ? 4 : 6) * u,
      isSmall ? name : cut(name, this.room),
      isSmall ? "end" : "symbol",
    );
    return svg("g", { class: `piece ${kind}` }, svg("title", {}, name), box, words);
  }

  /** A cell at work in column i: "ahead", "done" or "at-hand". */
  cell(i, y, kind) {
    const { tile: size, height } = this;
    const box = { x: this.x(i) - size / 2, y, width: size, height, rx: height / 3 };
    return svg("rect", { ...box, class: `cell ${kind}` });
  }

  /** An arrow through points, in straight lines. */
  arrow(points, kind = "") {
    const { u } = this;
    const [[x0, y0], [x, y]] = points.slice(-2);
    const length = Math.hypot(x - x0, y - y0) || 1;
    const [dx, dy] = [(5 * u * (x - x0)) / length, (5 * u * (y - y0)) / length];
    const end = [x - dx, y - dy];
    const head = [
      [x, y],
      [end[0] - dy * 0.8, end[1] + dx * 0.8],
      [end[0] + dy * 0.8, end[1] - dx * 0.8],
    ];
    const line = svg("polyline", { points: [...points.slice(0, -1), end].join(" ") });
    return svg("g", { class: `arrow ${kind}` }, line, svg("polygon", { points: head.join(" ") }));
  }

  /** The source and the encoder's cells; the state goes from cell to cell. */
  reading() {
    const { S, place, run, both, height, tile: size } = this;
    const parts = [];
    const half = size / 2;
    for (let s = 0; s < S; s++) {
      const kind = (order) => (order + 1 === place ? "at-hand" : order < place ? "done" : "ahead");
      parts.push(this.text(this.x(s), this.source - 5 * this.u, String(s + 1), "soft"));
      const isRead = kind(s) === "at-hand" || (both && kind(S - 1 - s) === "at-hand");
      parts.push(this.symbol(s, this.source, sourceName(run, s), isRead ? "at-hand" : kind(s)));
      parts.push(
        this.arrow(
          [
            [this.x(s), this.source + height],
            [this.x(s), this.encoder],
          ],
          kind(s),
        ),
      );
      parts.push(this.cell(s, this.encoder, kind(s)));
      const y = this.encoder + height / 2;
      if (s)
        parts.push(
          this.arrow(
            [
              [this.x(s - 1) + half, y],
              [this.x(s) - half, y],
            ],
            kind(s),
          ),
        );
      if (!both) continue;
      const order = S - 1 - s; // the second reader begins at the end
      const below = this.backward + height / 2;
      parts.push(this.cell(s, this.backward, kind(order)));
      if (s)
        parts.push(
          this.arrow(
            [
              [this.x(s) - half, below],
              [this.x(s - 1) + half, below],
            ],
            kind(order + 1),
          ),
        );
    }
    return parts;
  }

  /** The decoder's cells and what they wrote, so far. */
  writing() {
    const { run, written, T, t, height, tile: size } = this;
    const parts = [];
    const half = size / 2;
    for (let i = 0; i < T; i++) {
      const kind = i === t ? "at-hand" : i < written ? "done" : "ahead";
      parts.push(this.cell(i, this.decoder, kind));
      const y = this.decoder + height / 2;
      if (i)
        parts.push(
          this.arrow(
            [
              [this.x(i - 1) + half, y],
              [this.x(i) - half, y],
            ],
            kind,
          ),
        );
      if (i < written) parts.push(...this.output(i, kind));
    }
    if (t !== null) parts.push(this.fedBack(t));
    return parts;
  }

  /** A symbol that was written, and in words what is the matter with it. */
  output(i, kind) {
    const { run, height, u } = this;
    const x = this.x(i);
    const kinds = [kind, run.isWrong(i) ? "wrong" : "", isEnd(run, i) ? "end" : "", isForced(i) ? "forced" : ""];
    const parts = [
      this.arrow(
        [
          [x, this.decoder + height],
          [x, this.answer],
        ],
        kind,
      ),
      this.symbol(i, this.answer, targetName(run, run.steps[i].written), kinds.join(" ")),
    ];
    const kindOfWords = isForced(i) ? "forced" : run.isWrong(i) ? "wrong" : "";
    if (!kindOfWords) return parts;
    const isNarrow = this.col < 64 * u; // words would run together
    const words = isForced(i) ? "forced" : run.kind(i) === "extra" ? "too many" : "wrong";
    const sign = isForced(i) ? "!" : "✗";
    parts.push(this.text(x, this.answer + height + 15 * u, isNarrow ? sign : words, kindOfWords));
    return parts;
  }

  /** What was written before, or the start sign, is fed to the cell at hand. */
  fedBack(t) {
    const { height, tile: size, answer, u } = this;
    const aside = 0.22 * size;
    const lane = answer - 10 * u;
    const [from, to] = [t ? this.x(t - 1) + aside : this.x(0) - size / 2 - 10 * u, this.x(t) - aside];
    const begin = t ? [[from, answer]] : [];
    return this.arrow([...begin, [from, lane], [to, lane], [to, this.decoder + height]], "at-hand");
  }

  /** With attention: the final state goes to the decoder, beside what it can look at. */
  handedOn() {
    const { S, T, u, height, tile: size, place } = this;
    const right = this.x(Math.max(S, T) - 1) + size / 2 + 9 * u;
    const left = this.x(0) - size / 2 - 9 * u;
    const lane = this.decoder - 16 * u;
    const [y, below] = [this.encoder + height / 2, this.decoder + height / 2];
    const points = [
      [this.x(S - 1) + size / 2, y],
      [right, y],
      [right, lane],
      [left, lane],
      [left, below],
      [this.x(0) - size / 2, below],
    ];
    const kind = place === S || this.t === 0 ? "at-hand" : place > S ? "done" : "ahead";
    return this.arrow(points, kind);
  }

  /** With attention: a line from the output at hand to each input, as wide as α. */
  looks() {
    const { t, u, run } = this;
    const { alpha } = run.steps[t];
    const lines = [...alpha.keys()]
      .filter((s) => alpha[s] >= 0.005)
      .map((s) => {
        const width = (1 + 9 * alpha[s]) * u;
        const ends = { x1: this.x(t), y1: this.decoder, x2: this.x(s), y2: this.below + 22 * u };
        return svg("line", { ...ends, class: "look", "stroke-width": width, "stroke-opacity": 0.15 + 0.85 * alpha[s] });
      });
    const numbers = largest(alpha, 3)
      .filter((s) => alpha[s] >= 0.05)
      .map((s) => {
        const share = this.col < 44 * u ? String(Math.round(100 * alpha[s])) : `${Math.round(100 * alpha[s])} %`;
        return this.text(this.x(s), this.below + 15 * u, share, "share");
      });
    return [...lines, ...numbers];
  }

  /** Without attention: all that was read has to go through one state. */
  neck() {
    const { S, T, u, run, place } = this;
    const half = Math.min(60 * u, this.width / 6);
    const middle = this.width / 2;
    const [top, bottom] = [this.below + 68 * u, this.decoder - 68 * u];
    const outline = (y0, n, y1) => [
      [this.x(0) - this.tile / 2, y0],
      [this.x(n - 1) + this.tile / 2, y0],
      [middle + half, y1],
      [middle - half, y1],
    ];
    const kind = place === S || this.t === 0 ? "at-hand" : place > S ? "done" : "ahead";
    const lastCell = [this.x(S - 1), this.below];
    return [
      svg("polygon", { class: "funnel", points: outline(this.below + 6 * u, S, top).join(" ") }),
      svg("polygon", { class: "funnel", points: outline(this.decoder - 6 * u, T, bottom).join(" ") }),
      this.arrow([lastCell, [middle, top]], kind),
      this.arrow(
        [
          [middle, bottom],
          [this.x(0), this.decoder],
        ],
        place > S ? kind : "ahead",
      ),
      ...this.stripes(middle - half, top, 2 * half, bottom - top),
      this.text(middle + half + 8 * u, top + 13 * u, "one state:", "begin"),
      this.text(middle + half + 8 * u, top + 28 * u, `${stateSize(run)} numbers`, "begin"),
    ];
  }

  /** The numbers of the state that is handed on, as colours: of its top layer, h. */
  stripes(x, y, width, height) {
    const { run, place, S } = this;
    const cells = run.encoded.cells[Math.min(place, S) - 1];
    const state =
      place >= S ? last(last(run.encoded.states)) : cells && !this.both ? last(last(cells).state) : new Float32Array(0);
    const values = [...state.slice(0, 64)];
    const one = width / (values.length || 1);
    const stripes = values.map((value, i) =>
      svg("rect", {
        x: x + i * one,
        y,
        width: one,
        height,
        class: value < 0 ? "below-zero" : "above-zero",
        "fill-opacity": Math.min(1, Math.abs(value)),
      }),
    );
    return [
      svg("rect", { x, y, width, height, class: "state" }),
      ...stripes,
      svg("rect", { x, y, width, height, class: "state-frame" }),
    ];
  }
}
