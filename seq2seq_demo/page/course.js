/* Networks that learn a task, a pattern or a user's pairs, from the same batches. */

import { thousands } from "./format.js";
import { decodeWeights, last, Network } from "./network.js";
import { generator, PATTERNS, targetOf } from "./symbols.js";
import { NONE, zeros } from "./tape.js";
import { BATCH, exactAnswers, Trainer } from "./trainer.js";

/** @import { Config, StoredWeights } from "./network.js"
    @import { VocabularyData } from "./symbols.js"
    @import { Matrix } from "./tape.js"
    @import { NetworkFacts } from "./trained.js" */

/** The numbers [a, b, c, d] mean a + bH + cI + dO, for cells of size H, I input and O output symbols; see training.py.
    @typedef {number[]} Size
    @typedef {[name: string, rows: Size, columns: Size, fans: Size[], biases: number[]]} Parameter
    @typedef {{ config: Config, parameters: Parameter[] }} Recipe
    @typedef {{ facts: NetworkFacts, cells: Record<string, Recipe> }} Learner
    @typedef {{ networks: Learner[], bidirectional: Learner, settings: Record<keyof Settings, { label: string, value: string, choices: string[] }>,
      questions: [question: string, Partial<Settings>, answer: string][] }} TrainingData
    @typedef {Record<"task" | "length" | "units" | "cell" | "rate" | "feed" | "seed", string>} Settings As in the address.
    @typedef {{ id: number, source: number[], target: number[], texts: string[] }} NumberedPair The id is that of the source;
      a symbol that the networks lack is −1.
    @typedef {{ sources: number[][], targets: number[][], ids: number[] }} Batch All sources have the same length; targets
      have END, if the task has it, and are padded with −1.
    @typedef {{ source: VocabularyData, target: VocabularyData, pattern: string | null, ends: boolean, lengths: number[],
      outLen: number, nHeldOut: number, heldOut: Batch[], draw: () => Batch, pairs: NumberedPair[] }} Task `draw` returns a
      batch of training. `heldOut` has other sources, with ids below nHeldOut; a source that is missing is never right.
      `pairs` are those of a user.
    @typedef {{ steps: number, samples: number, exact: number[], loss: number[] }} Point Metrics of each network.
    @typedef {{ steps: number, samples: number, points: Point[], weights: StoredWeights[] }} SavedCourse */

const LARGEST = 9; // symbol
const N_MEASURED = 100; // new sources for exact match, over all lengths
const MEASURED_EACH = 20; // steps
const SMOOTHING = 0.1; // of the labels of pairs, which are few
const N_EXAMPLES = 5; // held-out pairs that the page offers
const DECAY = 24_000; // samples; the learning rate falls as 1 / (1 + (samples / DECAY)²)

/** Draw the weights of a network; `sizes` are [1, H, I, O].
    @type {(parameters: Parameter[], sizes: number[], random: () => number) => Record<string, Matrix>} */
function initialWeights(parameters, sizes, random) {
  const value = (/** @type {Size} */ size) => size.reduce((sum, factor, i) => sum + factor * sizes[i], 0);
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

/** Return the weights of a network as integers, for `decodeWeights`.
    @type {(network: Network, bits: number) => StoredWeights} */
function encodeWeights({ weights }, bits) {
  const matrices = Object.values(weights);
  const largest = matrices.map((matrix) => matrix.reduce((most, x) => Math.max(most, Math.abs(x)), 0));
  const scales = largest.map((most) => Number((most / (2 ** (bits - 1) - 1)).toPrecision(6)) || 1);
  const integers = matrices.flatMap((matrix, i) => Array.from(matrix, (x) => Math.round(x / scales[i])));
  const all = bits === 8 ? Int8Array.from(integers) : Int16Array.from(integers);
  let text = "";
  for (const byte of new Uint8Array(all.buffer)) text += String.fromCharCode(byte);
  return { scales, numbers: btoa(text), bits };
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

/** Return the task of a pattern, which draws its sources with `random`. Of each length, it holds out the same number of
    sources, but at most a tenth of all.
    @type {(settings: Settings, random: () => number) => Task} */
export function patternTask({ task, length }, random) {
  const lengths = lengthsOf(task, length);
  const ends = length.includes("-");
  const symbols = { tokens: /** @type {const} */ ("integers"), symbols: [], largest: LARGEST };
  const isHeldOut = new Set(); // the held-out sources, as texts
  const source = (/** @type {number} */ S, holdsOut = false) => {
    for (;;) {
      const drawn = Array.from({ length: S }, () => Math.floor((LARGEST + 1) * random()));
      const key = drawn.join();
      if (isHeldOut.has(key)) continue;
      if (holdsOut) isHeldOut.add(key);
      return drawn;
    }
  };
  /** @type {(n: number, S: number, holdsOut?: boolean) => Batch} */
  const batch = (n, S, holdsOut) => {
    const sources = Array.from({ length: n }, () => source(S, holdsOut));
    const end = ends ? [LARGEST + 1] : [];
    const targets = sources.map((one) => [...PATTERNS[task](one, LARGEST), ...end]);
    return { sources, targets, ids: sources.map(() => id++) };
  };
  let id = 0; // of the next source
  const numbers = lengths.map((S) => Math.min(Math.ceil(N_MEASURED / lengths.length), 10 ** (S - 1)));
  /** @type {Batch[]} */
  let heldOut = [];
  return {
    ...{ source: symbols, target: symbols, pattern: task, ends, lengths, pairs: [] },
    outLen: PATTERNS[task](new Array(last(lengths)).fill(0), LARGEST).length,
    nHeldOut: numbers.reduce((sum, n) => sum + n, 0),
    get heldOut() {
      if (!heldOut.length) heldOut = lengths.map((S, i) => batch(numbers[i], S, true));
      return heldOut;
    },
    draw: () => batch(BATCH, lengths[Math.floor(random() * lengths.length)]),
  };
}

/** The training of the networks. Equal settings and tasks give equal numbers at each step, in the same browser. */
export class Course {
  steps = 0;
  samples = 0;
  isFinite = true; // whether the last losses were finite numbers
  /** @type {Point[]} */
  points = [];
  /** @type {number[]} */
  keptSteps = [];
  /** The ids of the held-out sources that each network answered at the last point with one of their targets.
      @type {Set<number>[]} */
  right = [];

  /** @param {Learner[]} learners @param {Settings} settings @param {(random: () => number) => Task} makeTask */
  constructor(learners, settings, makeTask) {
    const random = generator(Number(settings.seed));
    this.learners = learners;
    this.settings = settings;
    this.task = makeTask(random);
    const { source, target, ends } = this.task;
    const symbols = { in_max_int: source.largest, out_max_int: target.largest, go: target.largest + 1, ends };
    this.networks = learners.map(({ cells }) => {
      const { config, parameters } = cells[settings.cell] ?? cells.LSTM;
      const H = Number(settings.units);
      const weights = initialWeights(parameters, [1, H, source.largest + 1, target.largest + 2], random);
      return new Network({ ...config, cell_size: H, ...symbols }, weights);
    });
    this.kept = this.networks.map(() => /** @type {Network[]} */ ([])); // per network, one for each kept step
    this.trainers = this.networks.map((network) => new Trainer(network));
    this.losses = this.networks.map(() => /** @type {number[]} */ ([])); // since the last point
    this.measure();
    this.keep();
  }

  /** Train all networks on one batch. */
  step() {
    const { sources, targets } = this.task.draw();
    const { rate, feed } = this.settings;
    const learningRate = Number(rate) / (1 + (this.samples / DECAY) ** 2);
    const options = { feedsOwn: feed === "own", smoothing: this.task.pairs.length ? SMOOTHING : 0 };
    this.trainers.forEach((trainer, i) => {
      const loss = trainer.train(sources, targets, learningRate, options);
      this.losses[i].push(loss);
      this.isFinite &&= Number.isFinite(loss);
    });
    this.steps++;
    this.samples += sources.length;
    if (isKept(this.steps)) this.keep();
  }

  keep() {
    this.keptSteps.push(this.steps);
    this.networks.forEach((network, i) => this.kept[i].push(copy(network)));
  }

  /** Return the state of the training as JSON values, with weights of 16 or 8 bits.
      @type {(bits: number) => SavedCourse} */
  saved(bits) {
    const { steps, samples, points } = this;
    return { steps, samples, points, weights: this.networks.map((network) => encodeWeights(network, bits)) };
  }

  /** Go on from a state of training, whose weights begin with those of the first network. Throws an Error if it is not one
      of this course.
      @type {(state: SavedCourse) => void} */
  restore({ steps, samples, points, weights: stored }) {
    this.networks.forEach(({ weights }, i) => {
      const shapes = Object.entries(weights).map(
        ([name, x]) => /** @type {[string, number[]]} */ ([name, [x.rows, x.columns]]),
      );
      for (const [name, matrix] of Object.entries(decodeWeights(stored[i], shapes))) {
        if (!matrix.every(Number.isFinite)) throw new Error("Expected finite weights");
        weights[name].set(matrix);
      }
    });
    this.measure(); // which held-out sources are right
    const n = this.networks.length;
    this.points = points.map(({ exact, loss, ...counts }) => ({
      ...counts,
      exact: exact.slice(0, n),
      loss: loss.slice(0, n),
    }));
    const counts = [steps, samples, ...this.points.flatMap((point) => [point.steps, point.samples])];
    const areMetrics = this.points.every(
      ({ exact, loss }) =>
        exact.length === n &&
        exact.every((x) => Number.isFinite(x) && x >= 0 && x <= 1) &&
        loss.length === n &&
        loss.every((x) => x >= 0),
    );
    if (!areMetrics || !points.length || !counts.every((x) => Number.isSafeInteger(x) && x >= 0))
      throw new Error("Expected a state of training");
    for (const point of this.points) point.loss = point.loss.map((x) => x ?? NaN); // JSON has null for NaN
    Object.assign(this, { steps, samples });
    this.keep();
  }

  /** Describe network i, for the page. */
  facts(/** @type {number} */ i) {
    const { config, weights } = this.networks[i];
    const { units, cell } = this.settings;
    const { source, target, pattern, ends, lengths, outLen, nHeldOut, pairs } = this.task;
    const known = pairs.filter((pair) => ![...pair.source, ...pair.target].includes(-1));
    const heldOut = known.filter(({ id }) => id < nHeldOut);
    const examples = [...heldOut, ...known].slice(0, N_EXAMPLES).map((pair) => ({ ...pair, note: "" }));
    const n = Object.values(weights).reduce((sum, { length }) => sum + length, 0);
    const summary = `${cell} with ${units} units, ${thousands(n)} weights`;
    const range = { min_in_len: lengths[0], in_len: last(lengths), out_len: outLen };
    return { ...this.learners[i].facts, source, target, pattern, ends, pairs, examples, summary, config, ...range };
  }

  /** Train and measure, in parts that are short enough for a frame. */
  *work() {
    for (; ; yield) {
      this.step();
      if (this.steps % MEASURED_EACH) continue;
      yield;
      yield* this.measuring();
    }
  }

  /** Add a point to the curves, batch by batch. */
  *measuring() {
    const right = this.networks.map(() => /** @type {Set<number>} */ (new Set()));
    for (const { sources, targets, ids } of this.task.heldOut) {
      for (const [i, network] of this.networks.entries()) {
        const isExact = exactAnswers(network, sources, targets);
        for (const id of ids.filter((_, b) => isExact[b])) right[i].add(id);
        yield;
      }
    }
    const exact = right.map(({ size }) => size / this.task.nHeldOut);
    const loss = this.losses.map((losses) => losses.reduce((sum, one) => sum + one, 0) / losses.length);
    this.points.push({ steps: this.steps, samples: this.samples, exact, loss });
    for (const losses of this.losses) losses.length = 0;
    this.right = right;
  }

  /** Add a point to the curves at once. */
  measure() {
    for (const _ of this.measuring());
  }
}
