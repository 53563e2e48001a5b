/* The panel of beam search: the beginnings at each step as a tree, and the answers. */

import { announce, app, BEAM_SIZES, soon } from "./app.js";
import { beamSearch, pathOf } from "./beam.js";
import { redraw, scrollBox, updateScrollBox } from "./boxes.js";
import { button, h, labelledSelect, revise, svg, zoom } from "./elements.js";
import { percent, truncate } from "./format.js";
import { last } from "./network.js";
import { addPanel, networkColumns, panel, withLabel } from "./panels.js";
import { currentOutput, targetName } from "./runs.js";
import { goToOutput } from "./step.js";
import { same } from "./trained.js";

/** @import { BeamAnswer, BeamStep, Hypothesis } from "./beam.js"
    @import { Run } from "./trained.js" */

/** @typedef {{ steps: BeamStep[], answers: BeamAnswer[], size: number }} Search */

export function treePanel() {
  const parts = app.networks.map((_, i) => treeParts(i));
  const choice = labelledSelect("Beginnings kept (K)", BEAM_SIZES.map(String), (i) => {
    app.change({ beam: BEAM_SIZES[i] });
    announce(parts.map((part) => part.describe()).join(" "));
  });
  const select = /** @type {HTMLSelectElement} */ (choice.querySelector("select"));
  app.add(() => (select.value = String(app.state.beam)));
  const section = panel(
    "beam",
    "Beam search",
    "Greedy decoding keeps one beginning of the answer, beam search the K likeliest. A column is a step, likeliest first: " +
      "solid beginnings are kept, dashed ones dropped, and the thick path is the best answer. Forced symbols do not count.",
    choice,
    networkColumns((i) => parts[i].elements),
  );
  let isVisible = false; // only a visible panel searches, soon after the page has shown the new answer
  const draw = soon(() => app.runs.length && parts.forEach((part) => part.update()));
  const update = () => isVisible && draw();
  new IntersectionObserver((entries) => {
    isVisible = last(entries).isIntersecting;
    update();
  }).observe(section);
  addEventListener("resize", update, app.built);
  return addPanel(section, update);
}

/** Return the elements for one network, and functions that update them and describe the best answer. */
function treeParts(/** @type {number} */ i) {
  const network = app.networks[i];
  const box = scrollBox(`Beam search of ${network.name}`);
  const answers = h("div", { className: "beam-answers" });
  /** What `search` depends on.
      @type {unknown[]} */
  let searched = [];
  /** @type {Search} */
  let search;
  const update = () => {
    const run = app.runs[i];
    const { beam: size } = app.state;
    const outLen = network.maxOutLen(run.source.length, run.target);
    const key = [run.model, `${run.source}`, `${run.target}`, outLen, size, zoom(), innerWidth, app.state.lecture];
    if (key.some((part, k) => part !== searched[k])) {
      search = { ...beamSearch(run.model, run.encoded, outLen, size), size };
      searched = key;
      redraw(box, ...drawTree(run, search, box.parentElement?.clientWidth ?? 0));
      redraw(answers, answerList(run, search.answers));
    }
    markCurrent(run, box);
  };
  const describe = () => {
    update();
    return withLabel(network, answerText(app.runs[i], search.answers[0]));
  };
  return { elements: [h("div", { className: "beam" }, box, answers)], update, describe };
}

/** Return a button for each step and, below them, the tree, smaller if the room is narrow. A hypothesis that has ended is
    a dot in later columns.
    @type {(run: Run, search: Search, room: number) => Element[]} */
function drawTree(run, { steps, size, answers }, room) {
  const name = (/** @type {Hypothesis} */ { symbol }) => truncate(targetName(run, symbol), 8);
  const shown = steps.flatMap(({ kept, dropped }) => [...kept, ...dropped]);
  const longest = Math.max(...shown.map((one) => name(one).length));
  const wide = 9 * longest + 72;
  const most = zoom() * (app.state.lecture ? Math.max(1, 2 - size / 4) : 1); // a narrow beam leaves room
  const u = Math.min(most, Math.max(0.7 * zoom(), room / wide / (steps.length + 1)));
  const [column, row, gap] = [wide * u, 25 * u, 6 * u]; // the gap is above dropped ones
  const best = new Set(pathOf(answers[0].hypothesis));
  const startY = (row * size) / 2;
  let places = new Map([[steps[0].kept[0].parent, { x: column / 2 + 16 * u, y: startY }]]); // the right ends of boxes
  const groups = steps.map(({ kept, dropped }, t) => {
    const before = places;
    places = new Map();
    const nodes = [...kept, ...dropped].map((one, i) => {
      const to = { x: column * (t + 1.5), y: row * (i + 0.5) };
      if (i >= kept.length) to.y += row * (size - kept.length) + gap;
      const halfWidth = one.length > t ? column / 2 - 10 * u : 0;
      places.set(one, { x: to.x + halfWidth, y: to.y });
      const from = before.get(one) ?? before.get(one.parent) ?? { x: 0, y: 0 };
      const middle = (from.x + to.x - halfWidth) / 2;
      const path = `M${from.x},${from.y} C${middle},${from.y} ${middle},${to.y} ${to.x - halfWidth},${to.y}`;
      const [x, y] = [to.x - halfWidth, to.y - row / 2 + 2 * u];
      const box = { x, y, width: 2 * halfWidth, height: row - 4 * u, rx: 5 * u };
      return svg(
        "g",
        { class: `${i < kept.length ? "kept" : "dropped"}${best.has(one) ? " best" : ""}` },
        svg("title", {}, describeHypothesis(run, one)),
        svg("path", { d: path }),
        ...(halfWidth
          ? [
              svg("rect", box),
              svg(
                "text",
                { x: to.x, y: to.y + 5 * u },
                svg("tspan", { class: "symbol" }, name(one)),
                ` ${probabilityText(one)}`,
              ),
            ]
          : [svg("circle", { cx: to.x, cy: to.y, r: 4 * u })]),
      );
    });
    const group = svg("g", {}, ...nodes);
    group.addEventListener("click", () => t < app.T && goToOutput(t));
    return group;
  });
  const stepButton = (/** @type {number} */ t) =>
    button(`${t + 1}`, () => goToOutput(t), { "aria-label": `Step ${t + 1}`, "data-key": `beam-${t}` });
  const head = h("ol", { className: "beam-steps" }, ...steps.map((_, t) => h("li", {}, stepButton(t))));
  head.style.setProperty("--column", `${column}px`);
  const [width, height] = [column * (steps.length + 1), row * 2 * size + gap];
  const band = svg("rect", { class: "band", width: column, height });
  const go = svg("text", { class: "symbol", x: column / 2, y: startY + 5 * u }, "GO");
  const label = `The beginnings of ${run.network.name} at each step. `;
  const attributes = { class: "beam-tree", role: "group", "aria-label": label, "font-size": 16 * u };
  const box = { width, height, viewBox: `0 0 ${width} ${height}` };
  return [head, svg("svg", { ...attributes, ...box }, band, go, ...groups)];
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

/** @type {(run: Run, symbols: number[]) => string} */
const names = (run, symbols) => symbols.map((symbol) => targetName(run, symbol)).join(" ");
/** @type {(run: Run, hypothesis: Hypothesis) => string} */
const beginning = (run, hypothesis) =>
  names(
    run,
    [...pathOf(hypothesis)].map(({ symbol }) => symbol),
  );
/** @type {(run: Run, answer: BeamAnswer) => string} */
const answerText = (run, { symbols, ended, hypothesis }) =>
  run.network.ends && !ended ? `${beginning(run, hypothesis)} …` : names(run, symbols) || "only END";

function probabilityText(/** @type {Hypothesis} */ { logP }) {
  const p = Math.exp(logP);
  return p < 0.0005 ? "<0.1 %" : percent(p);
}

function describeHypothesis(/** @type {Run} */ run, /** @type {Hypothesis} */ one) {
  const lastSymbol = `${targetName(run, one.symbol)}: ${percent(one.p)}`;
  return `${beginning(run, one)}: ${probabilityText(one)} (${lastSymbol})`;
}

function answerList(/** @type {Run} */ run, /** @type {BeamAnswer[]} */ answers) {
  const items = answers.map((answer) => {
    const isWhole = answer.ended === run.network.ends;
    const verdict = !isWhole ? ", no END" : run.target && same(answer.symbols, run.target) ? ", right" : "";
    const note = ` ${probabilityText(answer.hypothesis)}${verdict}`;
    return h("li", {}, h("span", { className: "symbol", dir: "auto" }, answerText(run, answer)), note);
  });
  return h("ol", {}, ...items);
}
