/* The guided tour: five steps, each a sentence and the state of the page that it needs. */

import { announce, app, byId } from "./app.js";
import { button, h } from "./elements.js";
import { largest, percent } from "./format.js";
import { argmax } from "./network.js";
import { Track } from "./player.js";
import { probabilities, stateSize, targetName, writtenName } from "./runs.js";

/** @import { Forced, Patch } from "./app.js"
    @import { Run } from "./trained.js" */

/** @typedef {{ title: string, text: string, patch: Patch, forced?: Forced, label?: string, index?: number }} TourStep `label`
    is that of a button that forces symbols, `index` that of the network in question */

/** The steps, for the runs of the current source without forced symbols; null if the page cannot show a step.
    @type {((runs: Run[]) => TourStep | null)[]} */
const STEPS = [
  function read(runs) {
    const isTwice = runs.some(({ network }) => network.config.bidirectional);
    const both = isTwice ? ", in one row from the left and in one from the right" : "";
    const text = `The encoder reads one symbol at a time${both}; each changes its ${sizes(runs)}.`;
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
    const index = narrow && app.networks.indexOf(narrow.network);
    return { title: bottleneck ? "Bottleneck or attention" : "Attention", text, patch: { place: app.S + 1 }, index };
  },
  function write([run]) {
    const end = run.network.ends ? ", until it writes END" : "";
    const text = `The decoder is fed the symbol that it wrote last (at first GO) and writes the likeliest next one${end}.`;
    return { title: "Writing", text, patch: { place: app.S + Math.min(2, run.steps.length) } };
  },
  function force(runs) {
    for (const [index, { examples }] of app.networks.entries()) {
      const example = examples.find(({ shows_bias: showsBias }) => showsBias);
      if (example) return exposureBias(index, example.source);
    }
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
    @type {(index: number, source: number[]) => TourStep} */
function exposureBias(index, source) {
  const network = app.networks[index];
  const run = network.run(source, network.knownTarget(source), null, {});
  const t = run.steps.findIndex(({ written }, i) => written !== run.expected?.[i]);
  const [wrote, right] = [writtenName(run, t), targetName(run, run.expected?.[t])];
  const which = app.networks.length > 1 ? ` of the network ${network.name}` : "";
  const error = `With teacher forcing, only output ${t + 1}${which} is wrong (${wrote} instead of ${right})`;
  const text =
    `${error}. Fed its own output, it needs ${run.alignment?.edits} edits: in training it was fed only right symbols, so ` +
    `nothing taught it to go on after a wrong one (exposure bias). If it is forced to write ${right}, all is right:`;
  const patch = { text: network.sourceVocabulary.text(source), place: null };
  const forced = { [t]: /** @type {number} */ (run.expected?.[t]) };
  return { title: "One error leads to more", text, patch, forced, label: `Force ${right}`, index };
}

/** Return the button that starts the tour, its element, and `go`, which goes to a step, from 1 on. */
export function makeTour() {
  const makeSteps = () => {
    const runs = app.networks.map((network) => network.run(app.source ?? [0], app.runs[0].target, null, {}));
    return STEPS.map((make) => make(runs)).filter((step) => step !== null);
  };
  let [shown, source] = ["", ""];
  let own = /** @type {string | null} */ (null); // the user's source, while a step replaces it
  let index = /** @type {number | undefined} */ (undefined); // of the network that a step explains
  let isLast = false;
  const [title, text] = [h("strong"), h("span")];
  const go = (/** @type {number} */ n) => {
    if (!app.runs.length) return;
    const steps = makeSteps();
    const tour = Math.max(1, Math.min(n, steps.length));
    const step = steps[tour - 1];
    const before = own ?? app.state.text;
    source = step.patch.text ?? before;
    index = step.index;
    app.change({ forced: {}, moment: null, hidden: false, text: before, ...step.patch, tour });
    own = step.patch.text ? before : null;
    shown = stateText();
    title.textContent = `${tour} of ${steps.length}. ${step.title}. `;
    text.textContent = `${step.text} `;
    force.textContent = step.label ?? "";
    force.toggleAttribute("hidden", !step.label);
    force.onclick = () => {
      app.change({ forced: step.forced });
      shown = stateText(); // the explanation stays in place of the sentences
      document.documentElement.toggleAttribute("data-tour", true);
    };
    back.setAttribute("aria-disabled", String(tour === 1));
    back.onclick = () => go(tour - 1);
    isLast = tour === steps.length;
    next.textContent = !isLast ? "Continue ›" : exercises() ? "Exercises ›" : "Done";
    next.onclick = () => (isLast ? finish() : go(tour + 1));
    document.documentElement.toggleAttribute("data-tour", true);
    announce(title.textContent + step.text);
  };
  const leave = () => {
    Track.stop();
    const text = own ?? app.state.text;
    own = null;
    app.change({ tour: null, forced: {}, moment: null, place: null, text }, "The tour has ended");
    start.focus();
    if (app.state.lecture) start.blur(); // now the space bar steps
  };
  const exercises = () => /** @type {HTMLDetailsElement | null} */ (byId("exercises").firstElementChild);
  const finish = () => {
    const details = exercises();
    leave();
    if (!details) return;
    details.open = true;
    requestAnimationFrame(() => details.scrollIntoView()); // once the player has its height again
    details.querySelector("summary")?.focus({ preventScroll: true });
  };
  const [back, next, force] = ["‹ Previous", "", ""].map((text) => button(text, () => {}));
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
  const stateText = () => JSON.stringify([app.state.place, app.state.forced]);
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    const by = { PageUp: -1, PageDown: 1 }[event.key];
    if (!by || !app.state.tour || !app.state.lecture) return;
    event.preventDefault(); // before the player steps
    if (by < 0 || !isLast) go(app.state.tour + by);
    else if (app.state.moment === 0) byId("play-moment").click();
    else if (app.state.moment === null) leave();
  };
  addEventListener("keydown", onKey, true);
  app.add(() => {
    const { tour } = app.state;
    for (const [i, column] of document.querySelectorAll("#step .column").entries())
      column.classList.toggle("explained-now", tour !== null && i === index); // is the first on narrow screens
    element.toggleAttribute("hidden", tour === null);
    // the sentences of the pictures come back with the first step that the user makes
    document.documentElement.toggleAttribute("data-tour", tour !== null && shown === stateText());
    // another source gets a tour of its own, but leaves a step that has a source
    const follow = () => (force.hidden ? go(tour ?? 1) : app.change({ tour: null }));
    if (tour === null || !source || source === app.state.text) return;
    own = null;
    setTimeout(follow, 600);
  });
  return { element, button: start, go };
}
