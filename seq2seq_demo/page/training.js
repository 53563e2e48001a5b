/* The film of the recorded training, and the panel with its curves. */

import { app } from "./app.js";
import { keepInPlace, keyedBox, onNewWidth } from "./boxes.js";
import { h, svg, table, zoom } from "./elements.js";
import { formatNumber, percent } from "./format.js";
import { last } from "./network.js";
import { addPanel, networkLabel, panel, tableDetails } from "./panels.js";
import { Track } from "./player.js";
import { announceAnswers } from "./source.js";

/** @import { Recording, TrainedNetwork } from "./trained.js" */

/** @typedef {TrainedNetwork & { recording: Recording }} RecordedNetwork
    @typedef {ReturnType<typeof curveRows>[number]} Curve */

const CURVE = { left: 52, right: 28, height: 64, gap: 38 }; // px at a font size of 16 px

/** Return the panel; null if no network has a recording. */
export function trainingPanel() {
  const recorded = recordedNetworks();
  if (!recorded.length) return null;
  const charts = recorded.map((network) => curveChart(networkLabel(network), network.recording));
  const curveTables = () => h("div", {}, ...recorded.map((network) => curveTable(network)));
  const section = panel(
    "training",
    "During training",
    "Exact match is measured free-running, loss with teacher forcing. The axis lists the recorded steps and is not to scale.",
    h("p", {}, unrecordedNote()),
    h("div", { className: "columns" }, ...charts.map(({ element }) => element)),
    tableDetails("The curves as a table", curveTables).details,
  );
  return addPanel(section, () => charts.forEach(({ draw }) => draw()));
}

const recordedNetworks = () => /** @type {RecordedNetwork[]} */ (app.networks.filter((network) => network.recording));

/** Return a sentence on the networks that have no recording; "" if there are none. */
function unrecordedNote() {
  const names = app.networks.filter(({ recording }) => !recording).map(({ name }) => name);
  return names.length ? `There is no recording of ${names.join(" or ")}: the page shows the saved network.` : "";
}

/** Return the step and the epoch of a moment. */
function momentText(/** @type {Recording} */ { steps, epochs }, /** @type {number} */ moment) {
  if (moment >= steps.length) return "saved network";
  return `step ${steps[moment]} (epoch ${Number(epochs[moment].toFixed(2))})`;
}

/** Return a film of the recorded training, for the player; null if no network has a recording. */
export function film() {
  const recorded = recordedNetworks();
  if (!recorded.length) return null;
  const { nMoments } = app;
  const track = new Track({
    id: "moment",
    label: "Training",
    name: "Play training",
    position: () => app.state.moment ?? nMoments,
    end: () => nMoments,
    text() {
      const texts = recorded.map(({ recording }) => momentText(recording, app.state.moment ?? nMoments));
      return new Set(texts).size === 1 ? texts[0] : recorded.map(({ name }, i) => `${name}: ${texts[i]}`).join("; ");
    },
    show: (moment) =>
      keepInPlace(track.slider, () => app.change({ moment: moment >= nMoments ? null : moment, film: true })),
    finish: () => announceAnswers(),
  });
  app.add(() => {
    if (app.state.hidden && Track.playing === track) Track.stop();
    document.body.toggleAttribute("data-moment", app.state.moment !== null);
  });
  return h("div", { className: "track" }, track.play, ...track.elements);
}

/** Return a chart of exact match and loss over the recorded steps; `draw` draws it at the current moment.
    @type {(name: string, recording: Recording) => { element: HTMLElement, draw: () => void }} */
function curveChart(name, recording) {
  const rows = curveRows(recording);
  const box = h("div", { className: "curves" });
  const drawBox = keyedBox(box);
  const draw = () => {
    const make = () => drawCurves(recording, rows, width());
    if (rows.length && width()) drawBox([[`${width()} ${app.state.moment}`, make]]);
  };
  const width = onNewWidth(box, draw);
  return { element: h("div", {}, name && rows.length ? h("h3", {}, name) : null, box), draw };
}

/** Draw the curves below each other, with a marker at the current moment.
    @type {(recording: Recording, rows: Curve[], width: number) => SVGElement} */
function drawCurves(recording, rows, width) {
  const moment = app.state.moment ?? app.nMoments;
  const u = zoom();
  const [left, right, tall] = [CURVE.left * u, CURVE.right * u, (CURVE.height + CURVE.gap) * u];
  const x = (/** @type {number} */ i) => left + (i * (width - left - right)) / app.nMoments;
  const bottom = rows.length * tall;
  const { steps } = recording;
  const figures = rows.map(
    ({ name, values, format }) => `${name} from ${format(values[0])} to ${format(last(values))}`,
  );
  const label = `Training from step ${steps[0]} to step ${last(steps)}: ${figures.join(", ")}`;
  const line = svg("line", { x1: x(moment), x2: x(moment), y1: 34 * u, y2: bottom + 4 * u });
  const top = svg("path", { d: `M ${x(moment) - 5 * u} ${28 * u} h ${10 * u} l ${-5 * u} ${8 * u} z` });
  return svg(
    "svg",
    { width, height: bottom + 22 * u, role: "img", "aria-label": label },
    ...rows.map((row, i) => curve(row, x, i * tall + CURVE.gap * u, u)),
    stepAxis(recording, x, bottom + 17 * u, u),
    svg("g", { class: "marker" }, line, top),
    ...rows.map(({ title }, i) => svg("text", { x: 0, y: i * tall + 24 * u, class: "title" }, title)),
  );
}

/** Return the curves for which the recording has values. */
function curveRows(/** @type {Recording} */ { exact_match: exact, loss, n }) {
  const title = `● exact match on ${n} held-out sources`;
  const lossTitle = "■ loss on these sources, in nats per symbol";
  const highest = Math.max(...loss) || 1;
  const curves = [
    { kind: "exact", name: "exact match", values: exact, format: percent, top: 1, title },
    { kind: "loss", name: "loss", values: loss, format: formatNumber, top: highest, title: lossTitle },
  ];
  return curves.filter(({ values }) => values.length);
}

/** Draw one curve; its plot starts at `y`.
    @type {(curve: Curve, x: (i: number) => number, y: number, u: number) => SVGElement} */
function curve({ kind, values, format, top }, x, y, u) {
  const height = CURVE.height * u;
  const points = values.map((value, i) => [x(i), y + height * (1 - value / top)]);
  const [left, right] = [x(0), x(values.length - 1)];
  const lines = [y, y + height].map((at) => svg("line", { class: "grid", x1: left, x2: right, y1: at, y2: at }));
  const dots = points.map(([px, py]) =>
    kind === "exact"
      ? svg("circle", { class: "dot", cx: px, cy: py, r: 3.5 * u })
      : svg("rect", { class: "dot", x: px - 3 * u, y: py - 3 * u, width: 6 * u, height: 6 * u }),
  );
  /** @type {(text: string, at: number) => SVGElement} */
  const number = (text, at) => svg("text", { x: left - 8 * u, y: at + 4 * u, "text-anchor": "end" }, text);
  const line = svg("polyline", { class: "curve", points: points.join(" ") });
  return svg("g", { class: kind }, ...lines, line, ...dots, number(format(top), y), number("0", y + height));
}

/** Draw the axis with the training steps, without those that would overlap the next number.
    @type {(recording: Recording, x: (i: number) => number, y: number, u: number) => SVGElement} */
function stepAxis({ steps }, x, y, u) {
  /** @type {(at: number, words: string) => SVGElement} */
  const text = (at, words) => svg("text", { x: at, y, "text-anchor": "middle" }, words);
  const axis = svg("g", {}, svg("text", { x: 0, y }, "step"), text(x(app.nMoments), "saved"));
  let free = x(app.nMoments) - 26 * u; // the left edge of "saved"
  for (let i = steps.length - 1; i >= 0; i--) {
    const half = (4 * String(steps[i]).length + 4) * u;
    if (x(i) + half > free) continue;
    axis.append(text(x(i), String(steps[i])));
    free = x(i) - half;
  }
  return axis;
}

function curveTable(/** @type {RecordedNetwork} */ network) {
  const { steps, epochs } = network.recording;
  const curves = curveRows(network.recording);
  const head = ["step", "epoch", ...curves.map(({ name }) => name)];
  const figures = (/** @type {number} */ i) => curves.map(({ values, format }) => format(values[i]));
  const rows = steps.map((step, i) => [String(step), formatNumber(epochs[i], 2), ...figures(i)]);
  return table(networkLabel(network) || "During training", head, rows);
}
