/* The curves of training: exact match and loss of each network, by the number of samples. */

import { app } from "./app.js";
import { onNewWidth, redraw } from "./boxes.js";
import { h, revise, svg, zoom } from "./elements.js";
import { formatNumber, thousands } from "./format.js";
import { last } from "./network.js";

/** @import { Course, Point } from "./course.js" */

/** @typedef {{ kind: "exact" | "loss", title: string, format: (x: number) => string }} Curve */

const SIZE = { left: 44, right: 8, height: 56, lecture: 150, axis: 16 }; // px at a font size of 16 px
const SHORTEST_AXIS = 1600; // samples
/** @type {Curve[]} */
const CURVES = [
  {
    kind: "exact",
    title: "Right answers to new sources",
    format: (x) => `${Math.round(100 * x)}\u00a0%`,
  },
  { kind: "loss", title: "Loss in training", format: (x) => (Number.isFinite(x) ? formatNumber(x, 2) : "–") },
];

/** Return the figures of a course.
    @type {(course: () => Course) => HTMLElement[]} */
export const curves = (course) => CURVES.map((curve) => chart(curve, course));

/** Return the last point up to the moment that the page shows. */
function shownPoint(/** @type {Course} */ { points, keptSteps }) {
  const end = app.state.moment === null ? Infinity : keptSteps[app.state.moment];
  return points.findLast(({ steps }) => steps <= end) ?? points[0];
}

/** @type {(curve: Curve, course: () => Course) => HTMLElement} */
function chart(curve, course) {
  const box = h("div", { className: "curves" });
  const values = app.networks.map(() => h("b"));
  const keys = app.networks.map(({ name }, i) =>
    h("span", { className: `line-${i}` }, `${"●■"[i]} ${name} `, values[i]),
  );
  const caption = h("figcaption", {}, h("span", {}, curve.title), ...keys);
  const draw = () => {
    const point = shownPoint(course());
    point[curve.kind].forEach((value, i) => revise(values[i], {}, curve.format(value)));
    if (width()) redraw(box, picture(curve, course().points, point, width()));
  };
  const width = onNewWidth(box, draw);
  app.add(() => app.isStep || draw());
  return h("figure", {}, caption, box);
}

/** Draw a curve of each network, with a line at a point.
    @type {(curve: Curve, points: Point[], shown: Point, width: number) => SVGElement} */
function picture({ kind, title, format }, points, shown, width) {
  const u = zoom();
  const [left, right] = [SIZE.left * u, width - SIZE.right * u];
  const height = (app.state.lecture ? SIZE.lecture : SIZE.height) * u;
  const end = SHORTEST_AXIS * 2 ** Math.max(0, Math.ceil(Math.log2(last(points).samples / SHORTEST_AXIS)));
  const top = kind === "exact" ? 1 : Math.max(1, ...points.flatMap(({ loss }) => loss).filter(Number.isFinite));
  const x = (/** @type {number} */ samples) => left + ((right - left) * samples) / end;
  const y = (/** @type {number} */ value) => 6 * u + height * (1 - value / top);
  const bottom = y(0) + SIZE.axis * u;
  const lines = app.networks.map((_, i) => {
    const drawn = points.filter((point) => Number.isFinite(point[kind][i]));
    const path = drawn.map((point) => `${x(point.samples).toFixed(1)},${y(point[kind][i]).toFixed(1)}`);
    return svg("polyline", { class: `line-${i}`, points: path.join(" ") });
  });
  /** @type {(words: string, at: number, line: number, anchor: string) => SVGElement} */
  const text = (words, at, line, anchor) => svg("text", { x: at, y: line, "text-anchor": anchor }, words);
  const grid = svg("path", { class: "grid", d: `M${left} ${y(top)}H${right}M${left} ${y(0)}H${right}` });
  const ends = app.networks.map(({ name }, i) => `${name} ${format(last(points)[kind][i])}`);
  const label = `${title} after ${last(points).samples} samples: ${ends.join(", ")}`;
  return svg(
    "svg",
    { width, height: bottom, role: "img", "aria-label": label },
    grid,
    app.state.moment === null ? "" : svg("path", { class: "marker", d: `M${x(shown.samples)} ${y(top)}V${y(0)}` }),
    ...lines,
    text(kind === "exact" ? "100 %" : formatNumber(top, 1), left - 4 * u, y(top) + 6 * u, "end"),
    text("0", left - 4 * u, y(0) + 2 * u, "end"),
    text(`${thousands(end)} samples`, right, bottom - 2 * u, "end"),
  );
}
