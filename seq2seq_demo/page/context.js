/* How attention computes the context of an output: a layer that opens at the dot in the picture. */

import { app, byId } from "./app.js";
import { formatNumber, h, headerCell, ordinal, percent, svg, symbolSpan, table } from "./elements.js";
import { colourStrip, STRIP } from "./heatmap.js";
import { sum } from "./network.js";
import { popover } from "./panels.js";
import { sourceName } from "./runs.js";

/** @import { Run } from "./trained.js" */

const LAYER = "context-layer"; // its id while it is open
const GAP = 12; // px between the dot and the layer

/** Show beside a dot how the context of output t is computed. The layer is made when it opens; a step closes it.
    @type {(dot: Element, run: Run, t: number) => void} */
export function openContext(dot, run, t) {
  if (document.getElementById(LAYER)) return; // this click on the dot has just closed it
  if (app.isTraining) {
    byId("train").click(); // pause, which draws another dot
    document.querySelector(".open-context")?.dispatchEvent(new Event("click"));
    return;
  }
  const title = `The context of the ${ordinal(t + 1)} output`;
  const meaning =
    "Each output m of the encoder gets a score u = v · tanh(W_k m + q). The weights α are exp(u), divided by their sum. The context is Σ α · m.";
  const layer = popover(LAYER, title, h("h3", {}, title), h("p", {}, meaning), contextTable(run, t));
  Object.assign(layer, { tabIndex: 0, autofocus: true }); // the keyboard scrolls it
  layer.addEventListener("toggle", ({ newState }) => newState === "closed" && layer.remove());
  document.body.append(layer);
  layer.showPopover();
  const [{ left, right }, { width }] = [dot, layer].map((one) => one.getBoundingClientRect());
  const x = [right + GAP, left - GAP - width].find((x) => x >= 0 && x + width <= innerWidth);
  if (x !== undefined) Object.assign(layer.style, { left: `${x}px`, right: "auto" }); // otherwise in the middle
}

export const closeContext = () => document.getElementById(LAYER)?.hidePopover();

/** Return the numbers of attention at step t, one row per input, and their sums.
    @type {(run: Run, t: number) => HTMLTableElement} */
export function contextTable(run, t) {
  const { alpha, u, context } = /** @type {Record<"alpha" | "u" | "context", Float32Array>} */ (run.steps[t]);
  const most = Math.max(...u);
  const exps = [...u].map((score) => Math.exp(score - most));
  const rows = exps.map((exp, s) => {
    const part = run.encoded.memory[s].map((value) => alpha[s] * value);
    const numbers = [formatNumber(u[s], 2), formatNumber(exp), percent(alpha[s]), vectorStrip(part)];
    return [headerCell("row", ordinal(s + 1)), symbolSpan(sourceName(run, s)), ...numbers];
  });
  const shown = h("small", {}, `${Math.min(STRIP, context.length)} of ${context.length} numbers`);
  const titles = ["input", "symbol", "score u", "exp(u − max)", "α", h("span", {}, "α · m", shown)];
  const total = [headerCell("row", "sum"), "", "", formatNumber(sum(exps)), percent(1), vectorStrip(context)];
  return table({ class: "context-table" }, titles, [...rows, total]);
}

/** Return a vector as a strip of colours, with its length for screen readers. */
function vectorStrip(/** @type {Float32Array} */ vector) {
  const label = { role: "img", "aria-label": `vector of length ${formatNumber(Math.hypot(...vector))}` };
  return svg("svg", { viewBox: "0 0 96 16", ...label }, colourStrip(vector, { x: 0, y: 0, width: 96, height: 16 }));
}
