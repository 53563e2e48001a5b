/* The curves of training: exact match and loss of each network, by the number of samples. */

import { app } from "./app.js";
import { formatNumber, h, revise, svg, thousands, wholePercent, zoom } from "./elements.js";
import { keptCourses } from "./kept.js";
import { last, sum } from "./network.js";
import { onNewWidth, redraw } from "./panels.js";

/** @import { Course, Point } from "./course.js" */

const SIZE = { left: 44, right: 8, height: 56, lecture: 150, axis: 16 }; // px at a font size of 16 px
const SHORTEST_AXIS = 1600; // samples
const inPercent = (/** @type {number} */ x) => `${wholePercent(x)}\u00a0%`;

/** Return the curves of a course.
    @type {(course: () => Course) => HTMLElement[]} */
export const curves = (course) => [
  chart(
    course,
    "exact",
    () => `${course().task.nHeldOut} new sources`,
    ["whole answers", app.networks[0].sourceVocabulary.isText ? "single symbols" : "single digits"],
    (point) => [point.exact.map(inPercent), symbolsRight(course(), point).map(inPercent)],
  ),
  chart(
    course,
    "loss",
    () => "Training",
    ["loss"],
    ({ loss }) => [loss.map((x) => (Number.isFinite(x) ? formatNumber(x, 2) : "–"))],
  ),
];

/** Return the last point up to the moment that the page shows. */
export function shownPoint(/** @type {Course} */ { points, keptSteps }) {
  const end = app.state.moment === null ? Infinity : keptSteps[app.state.moment];
  return points.findLast(({ steps }) => steps <= end) ?? points[0];
}

/** Return the fraction of the symbols of all held-out targets that each network has right.
    @type {(course: Course, point: Point) => number[]} */
function symbolsRight({ due }, { positions }) {
  return positions.map((fractions) => sum(fractions.map((fraction, t) => fraction * due[t])) / (sum(due) || 1));
}

/** Return a curve, and its numbers at a point: under each head, those of each network.
    @type {(course: () => Course, kind: "exact" | "loss", title: () => string, heads: string[],
      numbersOf: (point: Point) => string[][]) => HTMLElement} */
function chart(course, kind, title, heads, numbersOf) {
  const box = h("div", { className: "curves" });
  const values = app.networks.map(() => heads.map(() => h("b")));
  const keys = app.networks.flatMap(({ name }, i) => [
    h("span", { className: `line-${i}` }, `${"●■"[i]} ${name} `),
    ...values[i],
  ]);
  const spans = ["", ...heads].map((head) => h("span", {}, head));
  const caption = h("figcaption", { className: kind }, ...spans, ...keys);
  const draw = () => {
    const point = shownPoint(course());
    revise(spans[0], {}, title());
    numbersOf(point).forEach((texts, k) => texts.forEach((text, i) => revise(values[i][k], {}, text)));
    if (!width()) return;
    const [ends] = numbersOf(last(course().points));
    const named = app.networks.map(({ name }, i) => `${name} ${ends[i]}`).join(", ");
    const label = `${title()}, ${heads[0]} after ${last(course().points).samples} samples: ${named}`;
    redraw(box, picture(course(), kind, label, point, width()));
  };
  const width = onNewWidth(box, draw);
  app.add(() => app.isStep || draw());
  return h("figure", {}, caption, box);
}

/** Draw a curve of each network, with a line at a point, a mark where exact match rose most, and faint, the curves of the
    course before.
    @type {(course: Course, kind: "exact" | "loss", label: string, shown: Point, width: number) => SVGElement} */
function picture(course, kind, label, shown, width) {
  const u = zoom();
  const { points } = course;
  const before = keptCourses.findLast((kept) => kept.course !== course)?.saved.course.points ?? [];
  const [left, right] = [SIZE.left * u, width - SIZE.right * u];
  const height = (app.state.lecture ? SIZE.lecture : SIZE.height) * u;
  const most = Math.max(last(points).samples, last(before)?.samples ?? 0);
  const end = SHORTEST_AXIS * 2 ** Math.max(0, Math.ceil(Math.log2(most / SHORTEST_AXIS)));
  const losses = [...points, ...before].flatMap(({ loss }) => loss).filter(Number.isFinite);
  const top = kind === "exact" ? 1 : Math.max(1, ...losses);
  const x = (/** @type {number} */ samples) => left + ((right - left) * samples) / end;
  const y = (/** @type {number} */ value) => 6 * u + height * (1 - value / top);
  const bottom = y(0) + SIZE.axis * u;
  /** @type {(points: Point[], className: string) => SVGElement[]} */
  const lines = (points, className) =>
    points[0]?.[kind].map((_, i) => {
      const drawn = points.filter((point) => Number.isFinite(point[kind][i]));
      const path = drawn.map((point) => `${x(point.samples).toFixed(1)},${y(point[kind][i]).toFixed(1)}`);
      return svg("polyline", { class: `line-${i} ${className}`, points: path.join(" ") });
    }) ?? [];
  /** @type {(words: string, end: number, line: number) => SVGElement} */
  const text = (words, end, line) => svg("text", { x: end, y: line }, words);
  const grid = svg("path", { class: "grid", d: `M${left} ${y(top)}H${right}M${left} ${y(0)}H${right}` });
  const steepest = course.steepest();
  const at = course.pointAt(course.keptSteps[steepest ?? 0]).samples;
  return svg(
    "svg",
    { width, height: bottom, role: "img", "aria-label": label },
    grid,
    app.state.moment === null ? "" : svg("path", { class: "marker", d: `M${x(shown.samples)} ${y(top)}V${y(0)}` }),
    steepest === null ? "" : svg("path", { class: "steepest", d: `M${x(at)} ${y(0)}l${-4 * u} ${8 * u}h${8 * u}z` }),
    ...lines(before, "ghost"),
    ...lines(points, ""),
    text(kind === "exact" ? "100 %" : formatNumber(top, 1), left - 4 * u, y(top) + 6 * u),
    text("0", left - 4 * u, y(0) + 2 * u),
    text(`${thousands(end)} samples`, right, bottom - 2 * u),
  );
}
