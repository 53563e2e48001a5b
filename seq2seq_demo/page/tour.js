/* The guided tour: five steps, each a sentence and the state of the page that it needs. */

import { announce, app } from "./app.js";
import { button, h } from "./elements.js";
import { largest, percent } from "./format.js";
import { argmax } from "./network.js";
import { withLabel } from "./panels.js";
import { probabilities, stateSize, targetName, writtenName } from "./runs.js";

/** @import { Forced, Patch } from "./app.js"
    @import { Run } from "./trained.js" */

/** @typedef {{ title: string, text: string, patch: Patch, forced?: Forced, label?: string }} TourStep `label` is that of a
    button that forces symbols */

/** The steps, for the runs of the current source without forced symbols; null if the page cannot show a step.
    @type {((runs: Run[]) => TourStep | null)[]} */
const STEPS = [
  function read(runs) {
    const isTwice = runs.some(({ network }) => network.config.bidirectional);
    const both = isTwice ? ", in one row from the left and in one from the right" : "";
    const text = `The encoder reads one symbol at a time${both}; each changes its ${sizes(runs)}. Press “Next” below the picture to read on.`;
    return { title: "Reading", text, patch: { place: Math.min(2, app.S) } };
  },
  function remember(runs) {
    const attending = runs.find((run) => run.steps[0].alpha);
    const narrow = runs.find((run) => !run.steps[0].alpha);
    const bottleneck = narrow && `these ${stateSize(narrow)} numbers are all that the decoder knows about the source`;
    if (!attending) return { title: "The bottleneck", text: `Now ${bottleneck}.`, patch: { place: app.S } };
    const alpha = attending.steps[0].alpha ?? [];
    const s = argmax(alpha);
    const lines = `the decoder looks back at the inputs: the orange lines, here ${percent(alpha[s])} to input ${s + 1}`;
    const text = bottleneck
      ? `Without attention, ${bottleneck}; with attention, ${lines}.`
      : `To write a symbol, ${lines}.`;
    return { title: bottleneck ? "Bottleneck or attention" : "Attention", text, patch: { place: app.S + 1 } };
  },
  function write([run]) {
    const end = run.network.ends ? ", until it writes END" : "";
    const text = `The decoder is fed the symbol that it wrote last (at first GO) and writes the likeliest next one${end}.`;
    return { title: "Writing", text, patch: { place: app.S + Math.min(2, run.steps.length) } };
  },
  function force(runs) {
    const example = app.networks.flatMap(({ examples }) => examples).find(({ shows_bias: showsBias }) => showsBias);
    if (example) return exposureBias(example.source);
    const [run] = runs;
    const [{ written }, go] = [run.steps[0], run.network.go];
    const symbol = largest(probabilities(run.steps[0]), 3).find((one) => one !== written && one !== go);
    if (symbol === undefined || written === go) return null;
    const error = `Output 1 is forced to be ${targetName(run, symbol)}, not ${writtenName(run, 0)}`;
    const text = `${error}, and the decoder goes on from it. Click another symbol in “Probabilities” to force that one.`;
    return { title: "Forcing an error", text, patch: { place: app.S + 1, forced: { 0: symbol } } };
  },
  function train(runs) {
    if (!app.nMoments) return null;
    const diagonal = runs.some((run) => run.steps[0].alpha) ? ", and where it looks," : "";
    const text = `At first, a network is untrained. Press “Play training” to see how its answer${diagonal} changes.`;
    return { title: "Training", text, patch: { place: null, moment: 0, film: true } };
  },
];

/** Return the sizes of the networks' states in words. */
function sizes(/** @type {Run[]} */ runs) {
  const [first, ...others] = new Set(runs.map(stateSize));
  return others.length ? "state, a list of numbers" : `state of ${first} numbers`;
}

/** Explain a source on which a network makes one error with teacher forcing, and more free-running.
    @type {(source: number[]) => TourStep} */
function exposureBias(source) {
  const runs = app.networks.map((network) => network.run(source, network.knownTarget(source), null, {}));
  const edits = (/** @type {Run} */ run) => run.alignment?.edits ?? 0;
  const run = runs.reduce((worst, one) => (edits(one) > edits(worst) ? one : worst));
  const t = run.steps.findIndex(({ written }, i) => written !== run.expected?.[i]);
  const [wrote, right] = [writtenName(run, t), targetName(run, run.expected?.[t])];
  const others = `${edits(run) - 1} more edits follow`;
  const error = withLabel(run.network, `output ${t + 1} is ${wrote}, not ${right}; ${others}`);
  const why = "in training the decoder was always fed the right symbol, so it does not find its way back";
  const text = `${error}: ${why} (exposure bias). If it is forced to write ${right}, all other outputs become right:`;
  const patch = { text: run.network.sourceVocabulary.text(source), place: null };
  const forced = { [t]: /** @type {number} */ (run.expected?.[t]) };
  return { title: "One error leads to more", text, patch, forced, label: `Force ${right}` };
}

/** Return the button that starts the tour, its element, and `go`, which goes to a step, from 1 on. */
export function makeTour() {
  const makeSteps = () => {
    const runs = app.networks.map((network) => network.run(app.source ?? [0], app.runs[0].target, null, {}));
    return STEPS.map((make) => make(runs)).filter((step) => step !== null);
  };
  let [shown, source] = ["", ""];
  const [title, text] = [h("strong"), h("span")];
  const go = (/** @type {number} */ n) => {
    if (!app.runs.length) return;
    const steps = makeSteps();
    const tour = Math.max(1, Math.min(n, steps.length));
    const step = steps[tour - 1];
    source = step.patch.text ?? app.state.text;
    app.change({ forced: {}, moment: null, hidden: false, ...step.patch, tour });
    shown = stateText();
    title.textContent = `${tour} of ${steps.length}. ${step.title}. `;
    text.textContent = `${step.text} `;
    force.textContent = step.label ?? "";
    force.toggleAttribute("hidden", !step.label);
    force.onclick = () => app.change({ forced: step.forced });
    for (const [one, isEnd] of /** @type {const} */ ([
      [back, tour === 1],
      [next, tour === steps.length],
    ])) {
      one.setAttribute("aria-disabled", String(isEnd));
    }
    document.documentElement.toggleAttribute("data-tour", true);
    announce(title.textContent + step.text);
  };
  const leave = () => {
    app.change({ tour: null, forced: {}, moment: null, place: null }, "The tour has ended");
    start.focus();
  };
  const [back, next] = [-1, 1].map((by) =>
    button(by < 0 ? "‹ Previous" : "Continue ›", () => go((app.state.tour ?? 1) + by)),
  );
  const force = button("", () => {});
  const close = button("×", leave, { id: "leave", "aria-label": "Leave the tour", className: "help" });
  const start = button(
    "Tour",
    () => {
      go(1);
      next.focus({ preventScroll: true });
    },
    { id: "tour" },
  );
  const buttons = h("div", { className: "controls" }, back, next, close);
  const element = h("section", { className: "guide", ariaLabel: "Tour" }, h("p", {}, title, text, force), buttons);
  const stateText = () => JSON.stringify([app.state.place, app.state.forced, app.state.moment]);
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const by = { PageUp: -1, PageDown: 1 }[event.key];
    if (!by || !app.state.tour || !app.state.lecture) return;
    event.preventDefault(); // before the player steps
    go(app.state.tour + by);
  };
  addEventListener("keydown", onKey, true);
  app.add(() => {
    const { tour } = app.state;
    element.toggleAttribute("hidden", tour === null);
    // the sentences of the pictures come back with the first step that the user makes
    document.documentElement.toggleAttribute("data-tour", tour !== null && shown === stateText());
    // another source gets a tour of its own, but leaves a step that has a source
    const follow = () => (force.hidden ? go(tour ?? 1) : app.change({ tour: null }));
    if (tour !== null && source && source !== app.state.text) setTimeout(follow, 600);
  });
  return { element, button: start, go };
}
