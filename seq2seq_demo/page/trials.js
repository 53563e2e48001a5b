/* How often a network is right on random sources, and how often it recovers from a wrong symbol. */

import { app, soon } from "./app.js";
import { percent } from "./format.js";
import { isForced } from "./runs.js";
import { generator } from "./symbols.js";

/** @import { Run, TrainedNetwork } from "./trained.js" */

const N_SOURCES = 200;
const MAX_LENGTH = 30; // longer sources would take too long
const [SLICE, PAUSE] = [10, 20]; // ms; in the pauses, the page reacts

/** Trials of a network on random sources of length S. At each of the `outputs`, a wrong symbol is forced; an answer is
    `right` if all its other symbols are. */
class Trials {
  right = 0;

  /** @param {TrainedNetwork} network @param {number} S @param {number[]} outputs */
  constructor(network, S, outputs) {
    const { sourceVocabulary, targetVocabulary } = network;
    const next = generator(1); // the same for each network
    const random = (/** @type {number} */ n) => Math.floor(n * next());
    const others = targetVocabulary.largest;
    this.network = network;
    this.pairs = Array.from({ length: S > MAX_LENGTH ? 0 : N_SOURCES }, () => {
      const source = Array.from({ length: S }, () => random(sourceVocabulary.largest + 1));
      const target = network.knownTarget(source);
      const wrong = outputs.map((t) => [t, ((target?.[t] ?? others) + 1 + random(others)) % (others + 1)]);
      return { source, target, forced: Object.fromEntries(wrong) };
    }).filter(({ target }) => target);
    this.n = this.pairs.length;
  }

  /** Run trials for a while. */
  work() {
    const end = performance.now() + SLICE;
    while (this.pairs.length && performance.now() < end) {
      const [{ source, target, forced }] = this.pairs.splice(0, 1);
      const { written, expected } = this.network.run(source, target, null, forced);
      const isRight = written.every((symbol, t) => t in forced || symbol === expected?.[t]);
      this.right += Number(isRight && written.length === expected?.length);
    }
  }
}

/** Return a function that describes how often the network of a run is right or, if wrong symbols are forced, recovers;
    `show` is called when the trials are done.
    @type {(show: () => void) => (run: Run) => string} */
export function trialsNote(show) {
  /** @type {Map<string, Trials>} */
  const all = new Map();
  /** @type {Trials} */
  let current;
  const work = () => {
    current.work();
    if (current.pairs.length) workSoon();
    else if (app.runs.length) show();
  };
  const workSoon = soon(work, PAUSE);
  return (run) => {
    const { network, source, steps, exact } = run;
    if (app.moments.length || app.state.hidden) return ""; // the curves of training have these figures
    const but = run.target && !exact ? ", but not on this one" : "";
    const outputs = [...steps.keys()].filter((t) => isForced(t) && run.isWrong(t));
    const key = `${source.length} ${outputs}`;
    current = all.get(key) ?? new Trials(network, source.length, outputs);
    all.set(key, current);
    if (!current.n && run.target && network.exact_match !== null && !Object.keys(app.forced).length)
      return `Right on ${percent(network.exact_match)} of the pairs held out from training${but}.`;
    if (current.pairs.length) workSoon();
    if (current.pairs.length || !current.n) return "";
    const figures = `${current.right} of ${current.n} random sources`;
    if (!outputs.length) return `Right on ${figures} of this length${but}.`;
    return `After a wrong output ${outputs.map((t) => t + 1).join(" and ")}, the rest is right on ${figures}.`;
  };
}
