/* Measures how often a network is right on random sources, and how often it recovers from a wrong symbol. */

import { generator } from "../network/symbols.js";
import { rightSymbols } from "../network/trainer.js";
import { app, soon } from "./app.js";
import { h, revise } from "./elements.js";
import { ordinal, percent, pluralize, thousands } from "./format.js";

/** @import { Network } from "../network/network.js"
    @import { Run } from "../network/trained.js" */

const N_SOURCES = 1000;
const N_SYMBOLS = 40; // source symbols in a batch, which takes a few ms
const MAX_LENGTH = 30; // longer sources would take too long
const PAUSE = 12; // ms between batches, in which the page can respond

/** In `right` of the `n` trials so far, all symbols that were not forced are right.
    @typedef {{ outputs: number[], n: number, right: number, isDone: boolean, runBatch: () => void }} Trials */

/** Return trials of a run's network: random sources that are as long as the run's source. Wrong symbols are forced at
    all `outputs`; sources whose targets are too short for this are left out.
    @type {(run: Run, outputs: number[]) => Trials} */
function newTrials({ network, model, source: { length: S } }, outputs) {
  const [inputs, others] = [network.sourceVocabulary.largest + 1, network.targetVocabulary.largest];
  const next = generator(0); // the same for each network
  const random = (/** @type {number} */ n) => Math.floor(n * next());
  const wrong = (/** @type {number} */ symbol) => (symbol + 1 + random(others)) % (others + 1);
  const isSmall = inputs ** S <= N_SOURCES; // if so, each source is drawn once
  let left = S > MAX_LENGTH || network.facts.pairs?.length ? 0 : Math.min(N_SOURCES, inputs ** S);
  const draw = () => {
    left--;
    const digit = (/** @type {number} */ s) => (isSmall ? Math.floor(left / inputs ** s) % inputs : random(inputs));
    const source = Array.from({ length: S }, (_, s) => digit(s));
    const known = network.knownTarget(source);
    if (!known || outputs.some((t) => t >= known.length)) return [];
    const target = network.ends ? [...known, network.go] : known;
    return [{ source, fed: target.map((symbol, t) => (outputs.includes(t) ? wrong(symbol) : symbol)) }];
  };
  const trials = { outputs, n: 0, right: 0, isDone: !left, runBatch };
  function runBatch() {
    const batch = Array.from({ length: Math.min(left, Math.ceil(N_SYMBOLS / S)) }, draw).flat();
    const T = Math.max(...batch.map(({ fed }) => fed.length));
    const padded = batch.map(({ fed }) => Array.from({ length: T }, (_, t) => fed[t] ?? -1));
    const sources = batch.map(({ source }) => source);
    // With teacher forcing, the result is the same as free-running: as long as all symbols are right, they are fed.
    const rights = batch.length ? rightSymbols(model, sources, padded, false) : [];
    trials.right += rights.filter((row) => row.every((isRight, t) => isRight || outputs.includes(t))).length;
    trials.n += batch.length;
    trials.isDone = !left || !trials.n; // without trials, random sources have no targets
  }
  return trials;
}

/** Return the fraction of trials that are right, and a sentence in three parts; the second part is only for screen
    readers. Return null if there is nothing to say.
    @type {(run: Run, trials: Trials) => [number, string, string, string] | null} */
function describe({ network: { facts, sourceVocabulary }, source }, { outputs, n, right }) {
  const { exact_match: exact } = facts;
  const isHeldOut = typeof exact === "number" && !outputs.length; // false on the training page
  if (!n) return isHeldOut ? [exact, `right on ${percent(exact)} of the pairs held out from training`, "", ""] : null;
  const symbols = pluralize(source.length, sourceVocabulary.isSingleDigits ? "digit" : "symbol");
  const sources = `${thousands(right)} of ${thousands(n)} sources of ${symbols}`;
  if (!outputs.length) return [right / n, "right: ", "", sources];
  const wrong = outputs.map((t) => ordinal(t + 1)).join(" and ");
  return [right / n, "recovers: ", `after a wrong ${wrong} output, all other symbols are right on `, sources];
}

/** @type {WeakMap<Network, Record<string, Trials>>} */
const knownTrials = new WeakMap(); // for each network, at each moment of its training

/** Return the trials for a run and the wrong symbols that are forced in it; trials that have begun continue. Return
    null if there is no run, while the answer is hidden, and during training. Also return null if the training curves
    already show the fraction, which is the case if nothing is forced and all sources in training have this length. */
function trialsOf(/** @type {Run | undefined} */ run) {
  if (!run || app.state.hidden || app.isTraining) return null;
  const { min_in_len: min, in_len: max } = run.network.facts;
  const outputs = Object.keys(app.forced).map(Number);
  if (app.moments.length && min === app.S && max === app.S && !outputs.length) return null;
  const wrong = outputs.filter((t) => run.expected?.[t] !== app.forced[t]);
  const [known, key] = [knownTrials.get(run.model) ?? {}, `${app.S} ${wrong}`];
  known[key] ??= newTrials(run, wrong);
  knownTrials.set(run.model, known);
  return known[key];
}

/** Return the line below the picture of network i. It says on how many sources the network is right or, after wrong
    symbols, recovers; it is empty until this is known. */
export function trialsLine(/** @type {number} */ i) {
  const [filled, ...parts] = ["filled", "", "visually-hidden", ""].map((className) => h("span", { className }));
  const track = h("span", { class: "bar-track", "aria-hidden": true }, filled);
  const line = h("p", { class: "line" }, track, h("span", {}, ...parts));
  const workSoon = soon(() => {
    trialsOf(app.runs[i])?.runBatch();
    update();
  }, PAUSE);
  const update = () => {
    const trials = trialsOf(app.runs[i]);
    if (trials?.isDone === false) workSoon();
    const described = trials?.isDone ? describe(app.runs[i], trials) : null;
    line.classList.toggle("empty", !described);
    if (!described) return;
    const [fraction, ...words] = described;
    filled.style.width = `${100 * fraction}%`;
    parts.forEach((part, k) => revise(part, {}, words[k]));
    revise(line, { title: words.join("") });
  };
  app.add(update);
  return line;
}
