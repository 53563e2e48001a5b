/* The attention panel: a heat map of α for every output. */

import { onNewWidth, redraw, scrollBox, updateScrollBox } from "./boxes.js";
import { heatCells, svg, zoom } from "./drawing.js";
import { button, h, table } from "./elements.js";
import { percent, truncate } from "./format.js";
import { addPanel, columns, panel, tableDetails } from "./panels.js";
import { currentOutput, sourceName, writtenName } from "./runs.js";
import { describeAttention, goToOutput } from "./step.js";

const HIGHLIGHT = 0.1; // inputs with at least this α are underlined
const HIGHLIGHT_HINT =
  "Click a row, or select it with the arrow keys, to go to its output. Inputs that receive at least 10 % of the " +
  "selected output's attention are underlined.";

/** Return the panel; null if no network has attention. */
export function attentionPanel(app) {
  if (!app.networks.some((network) => network.config.has_attention)) return null;
  const maps = app.networks.map((_, i) => new HeatMap(app, i));
  const section = panel(
    "attention",
    "Attention",
    "Rows are outputs, columns are inputs. The stronger the colour of a cell, the more attention the output gives to " +
      "the input. Each row sums to 100 %.",
    h("p", { className: "hint" }, HIGHLIGHT_HINT),
    columns(app.networks, (_, i) => maps[i].parts),
  );
  return addPanel(app, section, () => maps.forEach((map) => map.update()));
}

/** The heat map of one network. It is drawn once per answer; a change of the current output only moves the marks. */
class HeatMap {
  constructor(app, i) {
    Object.assign(this, { app, i, run: null });
    const { name, config } = app.networks[i];
    this.hasAttention = config.has_attention;
    this.box = scrollBox(`Attention of ${name}`);
    this.table = tableDetails(`Attention of ${name}, as a table`, () => attentionTable(app.runs[i]));
    const save = button("Save as SVG", () => saveSvg(this.box.firstChild, `attention-${i + 1}.svg`));
    this.parts = this.hasAttention
      ? [this.box, h("div", { className: "controls" }, save), this.table.details]
      : [h("p", {}, "This network has no attention: its decoder receives only the encoder's final state.")];
    if (this.hasAttention) onNewWidth(this.box, () => this.draw());
  }

  update() {
    if (!this.hasAttention) return;
    if (this.run !== this.app.runs[this.i]) this.draw();
    this.mark();
  }

  draw() {
    this.run = this.app.runs[this.i];
    redraw(this.box, drawHeatMap(this.run, this.box.clientWidth));
    this.rows.forEach((row, t) => this.makeSelectable(row, t));
    updateScrollBox(this.box);
    this.table.refresh();
    this.mark();
  }

  /** Select a row on click, on focus and by arrow keys. */
  makeSelectable(row, t) {
    const { app } = this;
    const select = () => app.t !== t && goToOutput(app, t);
    row.addEventListener("click", select);
    row.addEventListener("focus", select);
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

  /** Mark the row of the current output, and the inputs that it attends to. */
  mark() {
    const t = currentOutput(this.app, this.run);
    this.rows.forEach((row, i) => {
      row.setAttribute("aria-selected", i === t);
      row.setAttribute("tabindex", i === (t ?? 0) ? 0 : -1);
    });
    const alpha = t === null ? null : this.run.steps[t].alpha;
    this.box
      .querySelectorAll(".input-name")
      .forEach((name, s) => name.classList.toggle("highlighted", alpha !== null && alpha[s] >= HIGHLIGHT));
  }
}

function drawHeatMap(run, width) {
  const u = zoom();
  const S = run.source.length;
  const longest = Math.max(...run.steps.map((_, t) => Math.min(9, rowName(run, t).length + 2)));
  const [left, top] = [Math.max(80, 8 * longest + 12) * u, 48 * u];
  const size = Math.max(16 * u, Math.min(44 * u, (width - left - 4 * u) / S));
  const height = Math.max(size, (run.steps.length > 24 ? 18 : 24) * u); // tall enough to touch, unless there are many rows
  const fontSize = Math.min(14 * u, Math.max(11 * u, size * 0.5));
  const text = (x, y, words, className) => svg("text", { x, y, class: className, "font-size": fontSize }, words);
  const head = svg(
    "g",
    { "aria-hidden": true },
    text(left, 14 * u, "inputs →", "soft begin"),
    text(left - 6 * u, top - 6 * u, "outputs ↓", "soft end"),
  );
  for (let s = 0; s < S; s++) {
    const name = truncate(sourceName(run, s), Math.max(2, Math.floor(size / (8 * u))));
    const label = text(left + (s + 0.5) * size, top - 10 * u, name, "input-name");
    head.append(svg("g", {}, svg("title", {}, `Input ${s + 1}: ${sourceName(run, s)}`), label));
  }
  const layout = { left, size, height, u, fontSize, text };
  const rows = run.steps.map((_, t) => heatRow(run, t, { ...layout, top: top + t * height }));
  const bounds = { width: left + S * size + 4 * u, height: top + rows.length * height + 4 * u };
  const label = `Attention of ${run.network.name}, one row per output`;
  const attributes = { class: "heat-map", role: "listbox", "aria-label": label, ...bounds };
  return svg("svg", { ...attributes, viewBox: `0 0 ${bounds.width} ${bounds.height}` }, head, ...rows);
}

const rowName = (run, t) => `${t + 1}: ${writtenName(run, t)}`;

function heatRow(run, t, layout) {
  const { left, top, size, height, u, text } = layout;
  const { alpha } = run.steps[t];
  const [name, wrong] = [rowName(run, t), run.isWrong(t)];
  const title = (s, share) => `Output ${name} attends to input ${s + 1}, ${sourceName(run, s)}: ${percent(share)}`;
  const frame = { x: 2, y: top + 1.5, width: left + alpha.length * size - 2, height: height - 3, class: "chosen" };
  const label = `Output ${name}${wrong ? ", wrong" : ""}; ${describeAttention(alpha)}`;
  return svg(
    "g",
    { role: "option", "aria-label": label, "data-key": `row-${t}`, tabindex: -1, class: "heat-row" },
    text(left - 8 * u, top + height / 2 + 5 * u, truncate(name, 9) + (wrong ? " ✗" : ""), "end row-name"),
    ...heatCells([...alpha], title, layout),
    svg("rect", frame),
  );
}

function attentionTable(run) {
  const head = ["Output", ...run.source.map((_, s) => `${s + 1}: ${sourceName(run, s)}`)];
  const rows = run.steps.map((step, t) => [rowName(run, t), ...[...step.alpha].map(percent)]);
  return table(`Attention of ${run.network.name}: each output's (row) to each input (column)`, head, rows);
}

const FONT_STYLES = ["font-family", "font-size", "font-weight", "text-anchor"];
const SAVED_STYLES = ["fill", "fill-opacity", "stroke", "stroke-width", ...FONT_STYLES];
const REMOVED_ATTRIBUTES = ["role", "tabindex", "aria-selected", "data-key", "class"];

/** Download a drawing as an SVG file with its styles inline. */
function saveSvg(picture, name) {
  const copy = picture.cloneNode(true);
  const originals = [picture, ...picture.querySelectorAll("*")];
  [copy, ...copy.querySelectorAll("*")].forEach((element, i) => {
    const style = getComputedStyle(originals[i]);
    for (const property of SAVED_STYLES) element.setAttribute(property, style.getPropertyValue(property));
    for (const attribute of REMOVED_ATTRIBUTES) element.removeAttribute(attribute);
  });
  const background = getComputedStyle(document.body).backgroundColor;
  copy.prepend(svg("rect", { width: "100%", height: "100%", fill: background }));
  const text = new XMLSerializer().serializeToString(copy);
  const href = URL.createObjectURL(new Blob([text], { type: "image/svg+xml" }));
  h("a", { href, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(href), 10000);
}
