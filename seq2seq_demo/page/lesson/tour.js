/* The tour: a layer over the header that leads from one state of the page to the next and explains what is shown. */

import { announce, app, byId } from "../draw/app.js";
import { revise } from "../draw/elements.js";
import { ordinal } from "../draw/format.js";
import { describeErrors, recovers, targetName, wrongFirstSymbol } from "../draw/runs.js";
import { describeAttention } from "../draw/step.js";

/** @import { Forced } from "../draw/app.js"
    @import { Run } from "../network/trained.js" */

/** Set up the buttons of the tour. They go through its stops, which use the page's first example. */
export function fillTour() {
  const layer = /** @type {HTMLDialogElement} */ (byId("tour").lastElementChild);
  const [open, back, next, close] = byId("tour").querySelectorAll("button");
  let [at, forced] = [0, app.state.forced];
  const show = () => {
    const all = stops();
    const lines = [`${at + 1} of ${all.length}`, all[at].title, all[at].sentence];
    layer.querySelectorAll("p > *").forEach((line, i) => revise(line, {}, lines[i]));
    revise(back, { "aria-disabled": at === 0 });
    revise(next, { "aria-disabled": at === all.length - 1 });
  };
  const go = (/** @type {number} */ to) => {
    const [{ examples, sourceVocabulary }] = app.networks;
    const text = examples.length ? sourceVocabulary.text(examples[0].source) : app.state.text;
    app.change({ text, forced: {}, targetText: null, replacement: null, exercise: 0 });
    if (!app.runs.length) return;
    at = to;
    const { place, forced: symbols } = stops()[at];
    app.change({ place, forced: symbols });
    ({ forced } = app.state);
    show();
    scrollTo(0, 0);
    if (byId("step").getBoundingClientRect().top > innerHeight / 2) byId("step").scrollIntoView();
    if (!layer.open) {
      layer.show();
      next.focus();
    }
    announce(layer.children[0].textContent ?? "");
  };
  layer.open = false; // the networks may be different now
  open.onclick = () => go(0);
  back.onclick = () => at > 0 && go(at - 1);
  next.onclick = () => at < stops().length - 1 && go(at + 1);
  close.onclick = () => layer.close();
  const onKey = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape" || !layer.open) return;
    event.stopPropagation(); // otherwise, Escape would also leave the lecture view
    layer.close();
  };
  addEventListener("keydown", onKey, { capture: true, signal: app.built.signal });
  app.addForRuns(() => layer.open && app.state.forced === forced && show()); // the networks may be training
}

const nameOf = (/** @type {Run} */ { network }) => `the network${app.runs.length > 1 ? ` ${network.name}` : ""}`;

/** Return the stops for the current runs, each with the state to which it leads.
    @type {() => { title: string, sentence: string, place: number, forced: Forced }[]} */
function stops() {
  const { S, runs, moments, state } = app;
  const [blind, seeing] = [false, true].map((has) => runs.find(({ network }) => network.config.has_attention === has));
  const rest = blind ? `; then ${nameOf(blind)} is fed only the previous symbol` : "";
  const taught = state.feed === "own" ? "too" : "it is fed the right one: teacher forcing";
  const t = Math.min(2, (seeing?.steps.length ?? 0) - 1);
  const alike = "looks at all inputs about equally: it is untrained";
  const looks = moments.length && !state.samples ? alike : seeing && describeAttention(seeing, t);
  const symbol = app.forced[0] ?? wrongFirstSymbol(runs[0]);
  const fate = (/** @type {Run} */ run) => (recovers(run) ? "gets all symbols right" : `has ${describeErrors(run, 1)}`);
  const after = runs.map((run) => `${nameOf(run)} ${fate(run)}`);
  const rated = runs[0].expected ? ` After it, ${after.join(", and ")}.` : "";
  const forcing = `The 1st symbol is forced to be ${targetName(runs[0], symbol)}.${rated}`;
  /** @type {[string, string, number, Forced?][]} */
  const all = [
    ["Reading", "The encoder reads the source, symbol by symbol; each symbol changes its state.", Math.min(2, S)],
    [blind ? "The bottleneck" : "The final state", `The decoder starts from the final state of the encoder${rest}.`, S],
    ["Writing", "The decoder is fed GO and writes the likeliest symbol.", S + 1],
    ["Its own symbol", `Then it is fed the symbol that it wrote last. In training, ${taught}.`, S + 2],
    ["Attention", seeing ? `At the ${ordinal(t + 1)} output, ${nameOf(seeing)} ${looks}.` : "", S + t + 1],
    [`A ${rated ? "wrong" : "forced"} symbol`, forcing, S + 2, { 0: symbol }],
  ];
  return all.flatMap(([title, sentence, place, forced = {}]) => (sentence ? [{ title, sentence, place, forced }] : []));
}
