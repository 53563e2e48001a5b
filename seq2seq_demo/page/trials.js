/* How often a network is right on random sources, and how often it recovers from a wrong symbol. */

import { app, soon } from "./app.js";
import { percent } from "./format.js";
import { isForced } from "./runs.js";
import { generator } from "./symbols.js";
import { exactAnswers } from "./trainer.js";

/** @import { Run, TrainedNetwork } from "./trained.js" */

const N_SOURCES = 1000;
const N_BATCH = 10; // sources, which take about 10 ms
const MAX_LENGTH = 30; // longer sources would take too long
const PAUSE = 20; // ms between batches, in which the page reacts

/** Random sources with their targets, END included; in `fed`, wrong symbols replace some of a target's. The shortest
    targets are first. `left` have not run yet, of n; `right` counts those in which all other symbols are.
    @typedef {{ left: { source: number[], target: number[], fed: number[] }[], n: number, right: number }} Trials */

/** Draw sources of length S whose targets have symbols at all of the `outputs`, which are wrong in `fed`.
    @type {(network: TrainedNetwork, S: number, outputs: number[]) => Trials} */
function drawTrials(network, S, outputs) {
  const [inputs, others] = [network.sourceVocabulary.largest + 1, network.targetVocabulary.largest];
  const next = generator(0); // the same for each network
  const random = (/** @type {number} */ n) => Math.floor(n * next());
  const wrong = (/** @type {number} */ symbol) => (symbol + 1 + random(others)) % (others + 1);
  const isSmall = inputs ** S <= N_SOURCES; // then each source is drawn once
  const draw = (/** @type {unknown} */ _, /** @type {number} */ k) => {
    const digit = (/** @type {number} */ s) => (isSmall ? Math.floor(k / inputs ** s) % inputs : random(inputs));
    const source = Array.from({ length: S }, (_, s) => digit(s));
    const known = network.knownTarget(source);
    if (!known || outputs.some((t) => t >= known.length)) return [];
    const target = network.ends ? [...known, network.go] : known;
    return [{ source, target, fed: target.map((symbol, t) => (outputs.includes(t) ? wrong(symbol) : symbol)) }];
  };
  const left = Array.from({ length: S > MAX_LENGTH ? 0 : Math.min(N_SOURCES, inputs ** S) }, draw).flat();
  return { left: left.sort((a, b) => a.target.length - b.target.length), n: left.length, right: 0 };
}

/** Return a function that describes how often a network is right or, if wrong symbols are forced in its run, recovers;
    `show` is called when the trials are done.
    @type {(network: TrainedNetwork, show: () => void) => (run: Run) => string} */
export function trialsNote(network, show) {
  /** @type {Map<string, Trials>} */
  const trials = new Map();
  /** @type {Trials} */
  let current;
  const work = () => {
    const { left } = current;
    const batch = left.filter(({ target }) => target.length === left[0].target.length).slice(0, N_BATCH);
    left.splice(0, batch.length);
    const all = (/** @type {"source" | "target" | "fed"} */ name) => batch.map((trial) => trial[name]);
    if (batch.length)
      current.right += exactAnswers(network.final, all("source"), all("target"), all("fed")).filter(Boolean).length;
    if (left.length) workSoon();
    else if (app.runs.length) show();
  };
  const workSoon = soon(work, PAUSE);
  return (run) => {
    const { source, target, steps, exact } = run;
    if (app.moments.length || app.state.hidden) return ""; // the curves of training have these figures
    const isFree = !steps.some((_, t) => isForced(t));
    const but = isFree && target && !exact ? ", but not on this one" : "";
    const outputs = [...steps.keys()].filter((t) => isForced(t) && run.isWrong(t));
    const key = `${source.length} ${outputs}`;
    current = trials.get(key) ?? drawTrials(network, source.length, outputs);
    trials.set(key, current);
    const { left, right, n } = current;
    if (!n && target && network.exact_match !== null && isFree)
      return `Right on ${percent(network.exact_match)} of the pairs held out from training${but}.`;
    if (left.length) workSoon();
    if (left.length || !n) return "";
    const figures = `${right} of ${n} random sources`;
    if (!outputs.length) return `Right on ${figures} of this length${but}.`;
    return `After a wrong output ${outputs.map((t) => t + 1).join(" and ")}, the rest is right on ${figures}.`;
  };
}
