/* The training curves: the exact match and the loss of each network by the number of samples. */

import { app, byId } from "../draw/app.js";
import { h, revise } from "../draw/elements.js";
import { formatNumber, percent, thousands, wholePercent } from "../draw/format.js";
import { last, sum } from "../network/network.js";
import { course } from "./course.js";

/** @import { Point } from "./course.js" */

const SHORTEST_AXIS = 1600; // samples
const inPercent = (/** @type {number} */ x) => `${wholePercent(x)}%`;

/** @typedef {"exact" | "loss"} Kind The kind of a curve. */

/** Return the last point at or before the moment of training that the page shows. */
export const shownPoint = () =>
  course.pointAt(app.state.moment === null ? Infinity : course.keptSteps[app.state.moment]);

/** Return the numbers at a point of a curve. Each column heading gets a list with one number per network.
    @type {(kind: Kind, point: Point) => Record<string, string[]>} */
function numbersOf(kind, { loss, exact, positions }) {
  const { due } = course;
  if (kind === "loss") return { loss: loss.map((x) => (Number.isFinite(x) ? formatNumber(x, 2) : "–")) };
  const single = app.networks[0].sourceVocabulary.isText ? "single symbols" : "single digits";
  // for each network, how many symbols of all held-out targets it gets right
  const right = positions.map((fractions) => sum(fractions.map((fraction, t) => fraction * due[t])));
  const inAll = (/** @type {number} */ n) => (sum(due) ? inPercent(n / sum(due)) : "–"); // a link has no held-out targets
  return { "whole answers": exact.map(percent), [single]: right.map(inAll) };
}

/** Update a chart in training.html: its title, the numbers at the shown moment, and its curves. */
export function drawFigure(/** @type {Kind} */ kind) {
  const [caption, box] = byId(kind).children;
  const shown = shownPoint();
  const title = kind === "exact" ? `${course.nHeldOut || ""} new sources` : "Training";
  const numbers = numbersOf(kind, shown);
  const rows = app.networks.map(({ name }, i) => [
    h("span", { class: `line-${i}` }, `${"●■"[i]} ${name} `),
    ...Object.values(numbers).map((values) => h("b", {}, values[i])),
  ]);
  const heads = [title, ...Object.keys(numbers)].map((head) => h("span", {}, head));
  caption.replaceChildren(...heads, ...rows.flat());
  const end = last(course.points);
  const [[head, ends]] = Object.entries(numbersOf(kind, end));
  const named = app.networks.map(({ name }, i) => `${name} ${ends[i]}`).join(", ");
  revise(box.children[0], { "aria-label": `${title}, ${head} after ${end.samples} samples: ${named}` });
  drawCurves(kind, box, shown);
}

/** Draw the curves of all networks in a box of training.html, with a line at the point `shown` and a mark where exact
    match rose most.
    @type {(kind: Kind, box: Element, shown: Point) => void} */
function drawCurves(kind, box, shown) {
  const { points } = course;
  const most = last(points).samples;
  const end = SHORTEST_AXIS * 2 ** Math.max(0, Math.ceil(Math.log2(most / SHORTEST_AXIS)));
  const losses = points.flatMap(({ loss }) => loss).filter(Number.isFinite);
  const top = kind === "exact" ? 1 : Math.max(1, ...losses);
  const x = (/** @type {number} */ samples) => ((1000 * samples) / end).toFixed();
  box.querySelectorAll("polyline").forEach((line, i) => {
    const drawn = points.filter((point) => Number.isFinite(point[kind][i]));
    const path = drawn.map((point) => `${x(point.samples)},${(1000 * (1 - point[kind][i] / top)).toFixed()}`);
    revise(line, { points: path.join(" ") });
  });
  const [marker] = box.getElementsByClassName("marker");
  revise(marker, { d: app.state.moment === null ? "" : `M${x(shown.samples)} 0V1000` });
  const moment = course.steepest();
  const steepest = moment === null ? 0 : course.pointAt(course.keptSteps[moment]).samples;
  const [highest, , longest, mark] = box.querySelectorAll("text");
  revise(highest, {}, kind === "exact" ? "100%" : formatNumber(top, 1));
  revise(longest, {}, `${thousands(end)} samples`);
  revise(mark, { x: `${(100 * steepest) / end}%` }, steepest ? "▲" : "");
}
