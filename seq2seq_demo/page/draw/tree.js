/* The beam search panel: the hypotheses at each step as a tree, and the answers. */

import { beamSearch, pathOf } from "../network/beam.js";
import { last } from "../network/network.js";
import { same } from "../network/trained.js";
import { announce, app, BEAM_SIZES, soon } from "./app.js";
import { button, h, labelledSelect, revise, svg, zoom } from "./elements.js";
import { ordinal, percent, truncate } from "./format.js";
import { addPanel, networkColumns, onNewRoom, panel, redraw, scrollBox, textOfAll, updateScrollBox } from "./panels.js";
import { currentOutput, targetName } from "./runs.js";
import { goToOutput } from "./step.js";

/** @import { BeamAnswer, BeamStep, Hypothesis } from "../network/beam.js"
    @import { Run } from "../network/trained.js" */

/** @typedef {{ steps: BeamStep[], answers: BeamAnswer[] }} Search */

/** Return the result of beam search with K hypotheses for the source of a run. */
const searchTree = (/** @type {Run} */ run, /** @type {number} */ K) =>
  beamSearch(run.model, run.encoded, run.network.maxOutLen(run.source.length, run.target), K);

export function treePanel() {
  const choose = (/** @type {number} */ i) => {
    app.change({ beam: BEAM_SIZES[i] });
    announce(textOfAll((run) => answerText(run, searchTree(run, BEAM_SIZES[i]).answers[0])));
  };
  const chosen = () => BEAM_SIZES.indexOf(app.state.beam);
  const choice = labelledSelect("Hypotheses kept (K)", BEAM_SIZES.map(String), choose, chosen);
  const columns = networkColumns((i) => [treeBox(i)]);
  return panel("beam", "Beam search", choice, columns);
}

/** Return the box of network i with its tree and its answers. Only a visible box runs the search: at once if K has
    changed, otherwise soon after the page has shown the new answer. */
function treeBox(/** @type {number} */ i) {
  const [box, list] = [scrollBox(`Beam search of ${app.networks[i].name}`), h("ol")];
  const frame = h("div", { class: "beam" }, box, h("div", { class: "beam-answers" }, list));
  /** @type {unknown[]} */
  let drawn = []; // what the drawing depends on
  const draw = () => {
    const run = app.runs[i];
    const [[width], [, height]] = [frameRoom(), room()];
    if (!run || !width) return; // the box is hidden
    const { beam, exercise, text } = app.state;
    const key = [run, beam, zoom(), width, height];
    if (key.some((part, k) => part !== drawn[k])) {
      drawn = key;
      const search = searchTree(run, beam);
      redraw(box, ...drawTree(run, search, width, height));
      redraw(list, ...search.answers.map((answer) => answerItem(run, answer)));
      app.fillIn(`board-${exercise}`, text, `K = ${beam}`, answerText(run, search.answers[0]));
    }
    markCurrent(run, box);
  };
  const drawSoon = soon(draw);
  let isVisible = false;
  const update = () => isVisible && (app.state.beam === drawn[1] ? drawSoon : draw)();
  const room = onNewRoom(box, update);
  const frameRoom = onNewRoom(frame, update); // the tree may be narrower
  new IntersectionObserver((entries) => {
    isVisible = last(entries).isIntersecting;
    update();
  }).observe(frame);
  return addPanel(frame, update);
}

/** Return a button for each step and, below the buttons, the tree, which is smaller in a narrow space. In later
    columns, a hypothesis that has ended is drawn as a dot.
    @type {(run: Run, search: Search, room: number, roomHeight: number) => Element[]} */
function drawTree(run, { steps, answers }, room, roomHeight) {
  const { beam: size } = app.state;
  const name = (/** @type {Hypothesis} */ { symbol }) => truncate(targetName(run, symbol), 8);
  const shown = steps.flatMap(({ kept, dropped }) => [...kept, ...dropped]);
  const wide = 9 * Math.max(...shown.map((one) => name(one).length)) + 72;
  const given = (roomHeight - 60 * zoom()) / (2 * size); // the height of a row if the rows fill the space
  const most = given < Infinity ? Math.min(2 * zoom(), given / 30) : zoom();
  const u = Math.min(most, Math.max(0.6 * zoom(), room / wide / (steps.length + 1)));
  const row = given < Infinity ? Math.max(25 * u, Math.min(given, 60 * u)) : 25 * u;
  const [column, gap] = [wide * u, 6 * u]; // the gap is above the dropped hypotheses
  const best = new Set(pathOf(answers[0].hypothesis));
  const start = { x: column / 2 + 16 * u, y: (row * size) / 2 };
  const ends = new Map(); // for each hypothesis, the right end of its last box
  const groups = steps.map(({ kept, dropped }, t) => {
    const x = column * (t + 1.5);
    const nodes = [...kept, ...dropped].map((one, i) => {
      const y = row * (i + 0.5) + (i < kept.length ? 0 : row * (size - kept.length) + gap);
      const half = one.length > t ? column / 2 - 10 * u : 0; // half the width of its box
      const from = ends.get(one) ?? ends.get(one.parent) ?? start;
      ends.set(one, { x: x + half, y });
      const [left, middle] = [x - half, (from.x + x - half) / 2];
      const line = svg("path", { d: `M${from.x},${from.y} C${middle},${from.y} ${middle},${y} ${left},${y}` });
      const box = { x: left, y: y - 12 * u, width: 2 * half, height: 24 * u, rx: 5 * u };
      const [symbol, probability] = [svg("tspan", { class: "symbol" }, name(one)), probabilityText(one)];
      const title = `${namesOf(run, one).join(" ")}: ${probability} (${targetName(run, one.symbol)}: ${percent(one.p)})`;
      const parts = half
        ? [svg("rect", box), svg("text", { x, y: y + 5 * u }, symbol, ` ${probability}`)]
        : [svg("circle", { cx: x, cy: y, r: 4 * u })];
      const kind = `${i < kept.length ? "kept" : "dropped"}${best.has(one) ? " best" : ""}`;
      return svg("g", { class: kind }, svg("title", {}, title), line, ...parts);
    });
    return svg("g", { onclick: () => t < app.T && goToOutput(t) }, ...nodes);
  });
  const buttons = steps.map((_, t) => {
    const position = ordinal(t + 1);
    return button(position, () => goToOutput(t), { "aria-label": `${position} output`, "data-key": `beam-${t}` });
  });
  const head = h("ol", { class: "beam-steps" }, ...buttons.map((one) => h("li", {}, one)));
  head.style.setProperty("--column", `${column}px`);
  const [width, height] = [column * (steps.length + 1), row * 2 * size + gap];
  const band = svg("rect", { class: "band", width: column, height });
  const go = svg("text", { class: "symbol", x: column / 2, y: start.y + 5 * u }, "GO");
  const attributes = { class: "beam-tree", "font-size": 16 * u };
  return [head, svg("svg", { ...attributes, width, height, viewBox: `0 0 ${width} ${height}` }, band, go, ...groups)];
}

/** Mark the column of the current output, and disable the buttons of steps after the greedy answer's end. */
function markCurrent(/** @type {Run} */ run, /** @type {HTMLElement} */ box) {
  const current = currentOutput(run);
  const buttons = [...box.querySelectorAll("button")];
  buttons.forEach((one, t) => {
    one.disabled = t >= app.T;
    revise(one, { "aria-current": t === current ? "step" : "false" });
  });
  const band = /** @type {SVGRectElement} */ (box.querySelector(".band"));
  const isShown = current !== null && current < buttons.length;
  const x = isShown ? band.width.baseVal.value * (current + 1) : 0;
  revise(band, { x });
  band.classList.toggle("shown", isShown);
  updateScrollBox(box, isShown ? x : null);
}

/** @type {(run: Run, hypothesis: Hypothesis) => string[]} */
const namesOf = (run, hypothesis) => pathOf(hypothesis).map(({ symbol }) => targetName(run, symbol));

function answerText(/** @type {Run} */ run, /** @type {BeamAnswer} */ { ended, hypothesis }) {
  const names = namesOf(run, hypothesis);
  if (ended) return names.slice(0, -1).join(" ") || "only END";
  return names.join(" ") + (run.network.ends ? " …" : "");
}

function probabilityText(/** @type {Hypothesis} */ { logP }) {
  const p = Math.exp(logP);
  return p < 0.0005 ? "<0.1%" : percent(p);
}

function answerItem(/** @type {Run} */ run, /** @type {BeamAnswer} */ answer) {
  const isWhole = answer.ended === run.network.ends;
  const verdict = !isWhole ? ", no END" : run.target && same(answer.symbols, run.target) ? ", right" : "";
  const note = ` ${probabilityText(answer.hypothesis)}${verdict}`;
  return h("li", {}, h("span", { class: "symbol", dir: "auto" }, answerText(run, answer)), note);
}
