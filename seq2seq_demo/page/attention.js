"use strict";
/* Attention, of the whole answer. */

const LIT = 0.1; // the α from which an input is lit
const LIT_HINT =
  "Press a row, or choose it with the arrow keys, to go to its output. Underlined are the inputs that the chosen " +
  "output looks at with 10 % or more.";

/** The attention of every output as a heat map; null where no network attends. */
function attentionPanel(app) {
  if (!app.networks.some((shown) => shown.config.has_attention)) return null;
  const maps = app.networks.map((shown, i) => new HeatMap(app, i));
  const section = panel(
    "attention",
    "Attention",
    "Each row is an output, each column an input. The stronger the colour of a cell, the more the decoder looked at " +
      "this input when it wrote this output; a row adds up to 100 %.",
    h("p", { className: "hint" }, LIT_HINT),
    columns(app.networks, (shown, i) => maps[i].parts),
  );
  return addPanel(app, section, () => maps.forEach((map) => map.update()));
}

/** The heat map of a network: drawn once for an answer, then only marked. */
class HeatMap {
  constructor(app, i) {
    Object.assign(this, { app, i, run: null });
    const { name, config } = app.networks[i];
    this.hasAttention = config.has_attention;
    this.box = scrollBox(`Attention of ${name}`);
    this.table = asTable(`Attention of ${name}, as a table`, () => attentionTable(app.runs[i]));
    const save = button("Save as SVG", () => saveSvg(this.box.firstChild, `attention-${i + 1}.svg`));
    this.parts = this.hasAttention
      ? [this.box, h("div", { className: "controls" }, save), this.table.details]
      : [h("p", {}, "This network does not attend: all that its decoder knows of the source is the one state.")];
    if (this.hasAttention) onNewWidth(this.box, () => this.draw());
  }

  update() {
    if (!this.hasAttention) return;
    if (this.run !== this.app.runs[this.i]) this.draw();
    this.mark();
  }

  draw() {
    const run = (this.run = this.app.runs[this.i]);
    const { app, box } = this;
    redraw(
      box,
      drawHeatMap(run, box.clientWidth, (t, row) => this.letChoose(t, row)),
    );
    settle(box);
    this.table.fill();
    this.mark();
  }

  /** Let a click, the focus and the arrow keys choose a row. */
  letChoose(t, row) {
    const { app } = this;
    const choose = () => app.t !== t && goToOutput(app, t);
    row.addEventListener("click", choose);
    row.addEventListener("focus", choose);
    row.addEventListener("keydown", (event) => {
      const to = { ArrowUp: t - 1, ArrowDown: t + 1, Home: 0, End: this.rows.length - 1 }[event.key];
      if (to === undefined) return;
      event.preventDefault();
      this.rows[Math.max(0, Math.min(to, this.rows.length - 1))].focus();
    });
  }

  get rows() {
    return [...this.box.querySelectorAll("[role=option]")];
  }

  /** Mark the row of the output at hand, and light the inputs that it looks at. */
  mark() {
    const t = outputOf(this.app, this.run);
    this.rows.forEach((row, i) => {
      row.setAttribute("aria-selected", i === t);
      row.setAttribute("tabindex", i === (t ?? 0) ? 0 : -1);
    });
    const alpha = t === null ? null : this.run.steps[t].alpha;
    this.box
      .querySelectorAll(".input-name")
      .forEach((name, s) => name.classList.toggle("lit", alpha !== null && alpha[s] >= LIT));
  }
}

/** Draw the attention of an answer; letChoose(t, row) makes a row answer to the user. */
function drawHeatMap(run, width, letChoose) {
  const u = zoom();
  const S = run.source.length;
  const longest = Math.max(...run.steps.map((step, t) => Math.min(9, rowName(run, t).length + 2)));
  const [left, top] = [Math.max(80, 8 * longest + 12) * u, 48 * u];
  const size = Math.max(16 * u, Math.min(44 * u, (width - left - 4 * u) / S));
  const height = Math.max(size, (run.steps.length > 24 ? 18 : 24) * u); // rows one can hit, unless there are too many
  const text = (x, y, words, kind) =>
    svg("text", { x, y, class: kind, "font-size": Math.min(14 * u, Math.max(11 * u, size * 0.5)) }, words);
  const head = svg(
    "g",
    { "aria-hidden": true },
    text(left, 14 * u, "inputs →", "soft begin"),
    text(left - 6 * u, top - 6 * u, "outputs ↓", "soft end"),
  );
  for (let s = 0; s < S; s++) {
    const x = left + (s + 0.5) * size;
    const name = text(x, top - 10 * u, cut(sourceName(run, s), Math.max(2, Math.floor(size / (8 * u)))), "input-name");
    head.append(svg("g", {}, svg("title", {}, `Input ${s + 1}: ${sourceName(run, s)}`), name));
  }
  const rows = run.steps.map((step, t) => heatRow(run, t, { left, top: top + t * height, size, height, u, text }));
  rows.forEach((row, t) => letChoose(t, row));
  const bounds = { width: left + S * size + 4 * u, height: top + rows.length * height + 4 * u };
  const attributes = {
    class: "heat-map",
    role: "listbox",
    "aria-label": `Attention of ${run.shown.name}, a row for each output`,
  };
  return svg("svg", { ...attributes, ...bounds, viewBox: `0 0 ${bounds.width} ${bounds.height}` }, head, ...rows);
}

const rowName = (run, t) => `${t + 1}: ${targetName(run, run.steps[t].written)}`;

/** A row of the heat map, with numbers where they fit. */
function heatRow(run, t, { left, top, size, height, u, text }) {
  const { alpha } = run.steps[t];
  const name = rowName(run, t);
  const label = `Output ${name}${run.isWrong(t) ? ", wrong" : ""}; ${looking(alpha)}`.replace(/,$/, "");
  const row = svg("g", {
    role: "option",
    "aria-label": label,
    "data-key": `row-${t}`,
    tabindex: -1,
    class: "heat-row",
  });
  const middle = top + height / 2 + 5 * u;
  row.append(text(left - 8 * u, middle, `${cut(name, 9)}${run.isWrong(t) ? " ✗" : ""}`, "end row-name"));
  alpha.forEach((share, s) => {
    const place = { x: left + s * size, y: top, width: size, height };
    const title = svg("title", {}, `Output ${name} looks at input ${s + 1}, ${sourceName(run, s)}: ${percent(share)}`);
    row.append(
      svg(
        "g",
        {},
        title,
        svg("rect", { ...place, class: "cell-back" }),
        svg("rect", { ...place, class: "heat", "fill-opacity": share }),
      ),
    );
    if (size < 24 * u || share < 0.005) return;
    row.append(
      text(left + (s + 0.5) * size, middle, String(Math.round(100 * share)), share > DARK ? "on-heat" : "on-back"),
    );
  });
  row.append(
    svg("rect", { x: 2, y: top + 1.5, width: left + alpha.length * size - 2, height: height - 3, class: "chosen" }),
  );
  return row;
}

const DARK = 0.66; // the α from which numbers are written in the other colour: there black and white read equally well

function attentionTable(run) {
  const head = ["Output", ...run.source.map((_, s) => `${s + 1}: ${sourceName(run, s)}`)];
  const rows = run.steps.map((step, t) => [rowName(run, t), ...[...step.alpha].map(percent)]);
  return table(`Attention of ${run.shown.name}: for each output, how much it looked at each input`, head, rows);
}

/** Save a picture as a file that carries its own looks. */
function saveSvg(picture, name) {
  const copy = picture.cloneNode(true);
  const originals = [picture, ...picture.querySelectorAll("*")];
  const looks = [
    "fill",
    "fill-opacity",
    "stroke",
    "stroke-width",
    "font-family",
    "font-size",
    "font-weight",
    "text-anchor",
  ];
  [copy, ...copy.querySelectorAll("*")].forEach((element, i) => {
    const style = getComputedStyle(originals[i]);
    for (const look of looks) element.setAttribute(look, style.getPropertyValue(look));
    for (const attribute of ["role", "tabindex", "aria-selected", "data-key", "class"])
      element.removeAttribute(attribute);
  });
  const paper = getComputedStyle(document.body).backgroundColor;
  copy.prepend(svg("rect", { width: "100%", height: "100%", fill: paper }));
  const text = new XMLSerializer().serializeToString(copy);
  const href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  h("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10000);
}
