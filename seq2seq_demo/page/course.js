/* Two networks that learn a pattern from the same batches, one with attention and one without. */

import { thousands } from "./format.js";
import { last, Network } from "./network.js";
import { generator, PATTERNS, targetOf } from "./symbols.js";
import { NONE, zeros } from "./tape.js";
import { exactAnswers, Trainer } from "./trainer.js";

/** @import { Config } from "./network.js"
    @import { Matrix } from "./tape.js"
    @import { NetworkFacts } from "./trained.js" */

/** A pair [a, b] means a + bH, where H is the cell size; see training.py.
    @typedef {[number, number]} Size
    @typedef {[name: string, rows: Size, columns: Size, fans: Size[], biases: number[]]} Parameter
    @typedef {{ config: Config, parameters: Parameter[] }} Recipe
    @typedef {{ facts: NetworkFacts, cells: Record<string, Recipe> }} Learner
    @typedef {{ networks: Learner[], settings: Record<keyof Settings, { label: string, value: string, choices: string[] }>,
      questions: [question: string, Partial<Settings>, answer: string][] }} TrainingData
    @typedef {Record<"task" | "length" | "units" | "cell" | "rate" | "feed" | "seed", string>} Settings As in the address.
    @typedef {{ sources: number[][], targets: number[][] }} Batch All sources have the same length.
    @typedef {{ samples: number, exact: number[], loss: number[] }} Point The figures of each network. */

export const BATCH = 32;
const LARGEST = 9; // symbol
const N_MEASURED = 100; // new sources for exact match, over all lengths
const MEASURED_EACH = 20; // steps
const DECAY = 24_000; // samples; the learning rate falls as 1 / (1 + (samples / DECAY)²)

/** Draw the weights of a network with cells of size H.
    @type {(parameters: Parameter[], H: number, random: () => number) => Record<string, Matrix>} */
function initialWeights(parameters, H, random) {
  const value = (/** @type {Size} */ [a, b]) => a + b * H;
  const draw = (/** @type {Parameter} */ [name, rows, columns, fans, biases]) => {
    const weights = zeros(value(rows), value(columns));
    const limits = fans.map((fan) => Math.sqrt(6 / value(fan)));
    const width = weights.columns / Math.max(limits.length, biases.length); // of a gate
    for (let i = 0; i < weights.length; i++) {
      const gate = Math.floor((i % weights.columns) / width);
      weights[i] = limits.length ? limits[gate] * (2 * random() - 1) : biases[gate];
    }
    return [name, weights];
  };
  return Object.fromEntries(parameters.map(draw));
}

/** Return a copy of a network, which does not train on. */
export function copy(/** @type {Network} */ { config, weights }) {
  const copied = (/** @type {Matrix} */ x) =>
    Object.assign(x.slice(), { rows: x.rows, columns: x.columns, gradient: NONE, origin: null });
  return new Network(config, Object.fromEntries(Object.entries(weights).map(([name, x]) => [name, copied(x)])));
}

/** Return whether the networks are kept after a step: 0, 5, 7, 10, 14, 20, 28, 40, … */
function isKept(/** @type {number} */ step) {
  const power = Math.round(2 * Math.log2(step / 5));
  return step === 0 || (power >= 0 && step === Math.floor(5 * 2 ** (power / 2)));
}

/** Return the lengths of sources that a task supports, of a text such as 10 or 1-10.
    @type {(task: string, length: string) => number[]} */
export function lengthsOf(task, length) {
  const [first, end = first] = length.split("-").map(Number);
  const all = Array.from({ length: end - first + 1 }, (_, i) => first + i);
  return all.filter((n) => targetOf(task, new Array(n).fill(0), LARGEST));
}

/** The training of the networks. Equal settings give equal numbers at each step, in the same browser. */
export class Course {
  steps = 0;
  isHeldOut = new Set(); // the sources of exact match, as texts
  isFinite = true; // whether the last losses were finite numbers
  /** @type {Point[]} */
  points = [];
  /** @type {number[]} */
  keptSteps = [];

  constructor(/** @type {TrainingData} */ { networks: learners }, /** @type {Settings} */ settings) {
    this.learners = learners;
    this.settings = settings;
    this.random = generator(Number(settings.seed));
    this.lengths = lengthsOf(settings.task, settings.length);
    this.ends = settings.length.includes("-");
    this.networks = learners.map(({ cells }) => {
      const { config, parameters } = cells[settings.cell];
      const H = Number(settings.units);
      return new Network({ ...config, cell_size: H, ends: this.ends }, initialWeights(parameters, H, this.random));
    });
    this.kept = this.networks.map(() => /** @type {Network[]} */ ([])); // per network, one for each kept step
    this.trainers = this.networks.map((network) => new Trainer(network));
    this.heldOut = this.drawHeldOut();
    this.losses = this.networks.map(() => /** @type {number[]} */ ([])); // since the last point
    this.measure();
    this.keep();
  }

  get samples() {
    return this.steps * BATCH;
  }

  /** Draw the sources of exact match: of each length the same number, but at most a tenth of all sources of a length. */
  drawHeldOut() {
    return this.lengths.map((length) => {
      const n = Math.min(Math.ceil(N_MEASURED / this.lengths.length), 10 ** (length - 1));
      return this.withTargets(Array.from({ length: n }, () => this.source(length, true)));
    });
  }

  /** Draw a source that is not held out. */
  source(/** @type {number} */ length, holdsOut = false) {
    for (;;) {
      const source = Array.from({ length }, () => Math.floor((LARGEST + 1) * this.random()));
      const key = source.join();
      if (this.isHeldOut.has(key)) continue;
      if (holdsOut) this.isHeldOut.add(key);
      return source;
    }
  }

  target(/** @type {number[]} */ source) {
    return PATTERNS[this.settings.task](source, LARGEST);
  }

  /** @type {(sources: number[][]) => Batch} */
  withTargets(sources) {
    const end = this.ends ? [this.networks[0].config.go] : [];
    return { sources, targets: sources.map((source) => [...this.target(source), ...end]) };
  }

  /** Train all networks on one batch. */
  step() {
    const length = this.lengths[Math.floor(this.random() * this.lengths.length)];
    const { sources, targets } = this.withTargets(Array.from({ length: BATCH }, () => this.source(length)));
    const { rate, feed } = this.settings;
    const learningRate = Number(rate) / (1 + (this.samples / DECAY) ** 2);
    this.trainers.forEach((trainer, i) => {
      const loss = trainer.train(sources, targets, learningRate, feed === "own");
      this.losses[i].push(loss);
      this.isFinite &&= Number.isFinite(loss);
    });
    this.steps++;
    if (this.steps % MEASURED_EACH === 0) this.measure();
    if (isKept(this.steps)) this.keep();
  }

  keep() {
    this.keptSteps.push(this.steps);
    this.networks.forEach((network, i) => this.kept[i].push(copy(network)));
  }

  /** Describe network i, for the page. */
  facts(/** @type {number} */ i) {
    const { config, weights } = this.networks[i];
    const { task, units, cell } = this.settings;
    const [shortest, longest] = [this.lengths[0], last(this.lengths)];
    const n = Object.values(weights).reduce((sum, { length }) => sum + length, 0);
    const summary = `${cell} with ${units} units, ${thousands(n)} weights`;
    const lengths = { min_in_len: shortest, in_len: longest, out_len: this.target(new Array(longest).fill(0)).length };
    return { ...this.learners[i].facts, summary, config, pattern: task, ends: this.ends, ...lengths };
  }

  /** Add a point to the curves. */
  measure() {
    const n = this.heldOut.reduce((sum, { sources }) => sum + sources.length, 0);
    const right = (/** @type {Network} */ network) =>
      this.heldOut.reduce((sum, { sources, targets }) => sum + exactAnswers(network, sources, targets), 0);
    const exact = this.networks.map((network) => right(network) / n);
    const loss = this.losses.map((losses) => losses.reduce((sum, one) => sum + one, 0) / losses.length);
    this.points.push({ samples: this.samples, exact, loss });
    for (const losses of this.losses) losses.length = 0;
  }
}
