/* Networks that learn a task from the same batches. The task is a pattern or a user's pairs. */

import { percent, thousands } from "../draw/format.js";
import { decodeWeights, last, mean, Network, sum } from "../network/network.js";
import { generator, targetOf } from "../network/symbols.js";
import { NONE, zeros } from "../network/tape.js";
import { BATCH, rightSymbols, Trainer } from "../network/trainer.js";

/** @import { Settings } from "../draw/app.js"
    @import { Config, StoredWeights } from "../network/network.js"
    @import { Reading } from "./pairs.js"
    @import { VocabularyData } from "../network/symbols.js"
    @import { Matrix } from "../network/tape.js"
    @import { Example, NetworkFacts } from "../network/trained.js" */

/** The numbers [a, b, c, d] mean a + bH + cI + dO for cells of size H, I input symbols and O output symbols. Zeros at
    the end are left out; see training.py.
    @typedef {number[]} Size
    @typedef {[name: string, rows: Size, columns: Size, fans: Size[], biases?: number[]]} Parameter
    @typedef {{ config: Config, parameters: Parameter[] }} Recipe
    @typedef {{ facts: { name: string }, cells: Record<string, Recipe> }} Learner
    @typedef {{ networks: Learner[], bidirectional: Learner }} TrainingData
    @typedef {{ id: number, source: number[], target: number[], strings?: string[] }} NumberedPair The id identifies the
      source; −1 is a symbol that the networks do not know. `strings` contains a user's source and target.
    @typedef {{ sources: number[][], targets: number[][], ids: number[] }} Batch All sources have the same length. Targets
      include END if the task uses it, and they are padded with −1.
    @typedef {{ source: VocabularyData, target: VocabularyData, pattern: string | null, ends: boolean, lengths: number[],
      outLen: number, holdOut: () => NumberedPair[], draw: () => Batch, pairs: NumberedPair[], examples: Example[],
      reading: Reading | null }} Task `draw` returns a training batch. `holdOut` is called once, after the initial
      weights have been drawn, and returns pairs whose sources `draw` never returns. `pairs` contains the user's pairs
      as numbers, and `reading` contains them as strings.
    @typedef {{ steps: number, samples: number, exact: number[], loss: number[], positions: number[][] }} Point Metrics of each
      network. The loss is NaN (null in JSON) before the first step. `positions` contains, for each position, the
      fraction of held-out sources that are right there; only sources whose targets reach the position count.
    @typedef {{ steps: number, samples: number, points: Point[], weights: StoredWeights[] }} SavedCourse */

const LARGEST = 9; // the largest symbol of a pattern
const N_MEASURED = 200; // the number of new sources for measuring exact match, over all lengths
const MEASURED_EACH = 20; // steps between two measurements
const RISE = 0.0499; // the rise in exact match after which the networks are kept: 0.05, with a margin for rounding
const SMOOTHING = 0.1; // label smoothing for the user's pairs, because they are few
const LEARNED = 0.9; // the exact match at which a network counts as having learned its task
const CLEAR = 0.1; // the difference in exact match above which one network is said to learn faster
/** The course that the page shows.
    @type {Course} */
export let course;

export function setCourse(/** @type {Course} */ next) {
  course = next;
}

const DECAY = 24_000; // samples; the learning rate falls as 1 / (1 + (samples / DECAY)²)

/** Draw the initial weights of a network; `sizes` is [1, H, I, O].
    @type {(parameters: Parameter[], sizes: number[], random: () => number) => Record<string, Matrix>} */
function initialWeights(parameters, sizes, random) {
  const value = (/** @type {Size} */ size) => size.reduce((sum, factor, i) => sum + factor * sizes[i], 0);
  const draw = (/** @type {Parameter} */ [name, rows, columns, fans, biases = [0]]) => {
    const weights = zeros(value(rows), value(columns));
    const limits = fans.map((fan) => Math.sqrt(6 / value(fan)));
    const width = weights.columns / Math.max(limits.length, biases.length); // the columns of a gate
    for (let i = 0; i < weights.length; i++) {
      const gate = Math.floor((i % weights.columns) / width);
      weights[i] = limits.length ? limits[gate] * (2 * random() - 1) : biases[gate];
    }
    return [name, weights];
  };
  return Object.fromEntries(parameters.map(draw));
}

/** Return the weights of a network in the form that `decodeWeights` reads.
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

/** Return a copy of a network. Training the network does not change the copy. */
export function copy(/** @type {Network} */ { config, weights }) {
  const copied = (/** @type {Matrix} */ x) =>
    Object.assign(x.slice(), { rows: x.rows, columns: x.columns, gradient: NONE, origin: null });
  return new Network(config, Object.fromEntries(Object.entries(weights).map(([name, x]) => [name, copied(x)])));
}

/** Return, for each position, how many held-out sources have a target that reaches it. `end` is 1 if targets end with
    END, otherwise 0.
    @type {(heldOut: NumberedPair[], end: number) => number[]} */
function dueOf(heldOut, end) {
  const longest = new Map(); // by source
  for (const { id, target } of heldOut) longest.set(id, Math.max(target.length + end, longest.get(id) ?? 0));
  const all = [...longest.values()];
  return Array.from({ length: Math.max(0, ...all) }, (_, t) => all.filter((T) => T > t).length);
}

/** Return the source lengths that a task supports among those in a string, such as 10 or 1-10.
    @type {(task: string, length: string) => number[]} */
export function lengthsOf(task, length) {
  const [first, end = first] = length.split("-").map(Number);
  const all = Array.from({ length: end - first + 1 }, (_, i) => first + i);
  return all.filter((n) => targetOf(task, new Array(n).fill(0), LARGEST));
}

/** Return batches of pairs whose sources have equal lengths. After each target come `end`, which is [END] or [], and
    padding.
    @type {(pairs: NumberedPair[], end: number[]) => Batch[]} */
export function batchesOf(pairs, end) {
  return [...new Set(pairs.map(({ source }) => source.length))].flatMap((length) => {
    const alike = pairs.filter(({ source }) => source.length === length);
    return Array.from({ length: Math.ceil(alike.length / BATCH) }, (_, i) => {
      const batch = alike.slice(i * BATCH, (i + 1) * BATCH);
      const T = Math.max(...batch.map(({ target }) => target.length));
      const targets = batch.map(({ target }) => [...target, ...end, ...Array(T - target.length).fill(-1)]);
      return { sources: batch.map(({ source }) => source), targets, ids: batch.map(({ id }) => id) };
    });
  });
}

/** Return whether the networks know all symbols of a pair. */
export const isKnown = (/** @type {NumberedPair} */ { source, target }) => ![...source, ...target].includes(-1);

/** Return the task of learning a pattern. Its sources are drawn with `random`. It holds out equally many sources of
    each length, but at most a tenth of all sources of that length.
    @type {(settings: Settings, random: () => number) => Task} */
export function patternTask({ task, length }, random) {
  const lengths = lengthsOf(task, length);
  const ends = length.includes("-");
  const symbols = { tokens: /** @type {const} */ ("integers"), symbols: [], largest: LARGEST };
  const isHeldOut = new Set(); // the held-out sources, as strings
  let id = 0; // of the next source
  /** @type {(n: number, S: number, holdsOut?: boolean) => NumberedPair[]} */
  const draw = (n, S, holdsOut = false) => {
    const pairs = [];
    while (pairs.length < n) {
      const source = Array.from({ length: S }, () => Math.floor((LARGEST + 1) * random()));
      if (isHeldOut.has(source.join())) continue;
      if (holdsOut) isHeldOut.add(source.join());
      pairs.push({ id: id++, source, target: targetOf(task, source, LARGEST) ?? [] });
    }
    return pairs;
  };
  const n = (/** @type {number} */ S) => Math.min(Math.ceil(N_MEASURED / lengths.length), 10 ** (S - 1));
  return {
    ...{ source: symbols, target: symbols, pattern: task, ends, lengths, pairs: [], examples: [], reading: null },
    outLen: targetOf(task, new Array(last(lengths)).fill(0), LARGEST)?.length ?? 0,
    holdOut: () => lengths.flatMap((S) => draw(n(S), S, true)),
    draw: () => batchesOf(draw(BATCH, lengths[Math.floor(random() * lengths.length)]), ends ? [LARGEST + 1] : [])[0],
  };
}

/** The training of the networks. In the same browser, the same settings and task give the same numbers at each step. */
export class Course {
  steps = 0;
  samples = 0;
  isFinite = true; // whether all losses so far were finite numbers
  /** @type {Point[]} */
  points = [];
  /** @type {number[]} */
  keptSteps = [];
  /** For each network, the ids of the held-out sources that it got right at the last point.
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
    this.kept = this.networks.map(() => /** @type {Network[]} */ ([])); // for each network, a copy at each kept step
    this.trainers = this.networks.map((network) => new Trainer(network));
    this.losses = this.networks.map(() => /** @type {number[]} */ ([])); // since the last point
    this.heldOut = this.task.holdOut();
    this.nHeldOut = new Set(this.heldOut.map(({ id }) => id)).size; // sources
    this.due = dueOf(this.heldOut, Number(ends)); // for each position, how many held-out sources reach it
    // a pair with an unknown symbol is never right
    this.measured = batchesOf(this.heldOut.filter(isKnown), ends ? [symbols.go] : []);
    this.keep();
    this.measure();
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
    // the networks are kept after 5, 7, 10, 14, 20, 28, 40, … steps
    const power = Math.round(2 * Math.log2(this.steps / 5));
    if (power >= 0 && this.steps === Math.floor(5 * 2 ** (power / 2))) this.keep();
  }

  keep() {
    this.keptSteps.push(this.steps);
    this.networks.forEach((network, i) => this.kept[i].push(copy(network)));
  }

  /** Return the last point at or before a step. */
  pointAt(/** @type {number} */ step) {
    return this.points.findLast(({ steps }) => steps <= step) ?? this.points[0];
  }

  /** Return the index of the kept step after which the exact match of a network rises most until the next kept step.
      Return null if no rise reaches RISE. */
  steepest() {
    const exact = this.keptSteps.map((step) => this.pointAt(step).exact);
    const rises = exact.slice(1).map((next, k) => Math.max(...next.map((one, i) => one - exact[k][i])));
    const most = Math.max(...rises);
    return most >= RISE && this.keptSteps.length > 2 ? rises.indexOf(most) : null; // a restored course has two kept steps
  }

  /** Return the training state as JSON values, with 16-bit or 8-bit weights.
      @type {(bits: number) => SavedCourse} */
  saved(bits) {
    const { steps, samples, points } = this;
    const weights = this.networks.map((network) => encodeWeights(network, bits));
    return { steps, samples, points: [...points], weights };
  }

  /** Continue from a training state of these networks; the state may contain further networks. Returns the course.
      Throws an Error if the state is not valid.
      @type {(state: SavedCourse) => Course} */
  restore({ steps, samples, points, weights: stored }) {
    this.networks.forEach(({ weights }, i) => {
      const shapes = Object.entries(weights).map(([name, x]) => [name, [x.rows, x.columns]]);
      const decoded = decodeWeights(stored[i], /** @type {[string, number[]][]} */ (shapes));
      for (const [name, matrix] of Object.entries(decoded)) weights[name].set(matrix);
    });
    this.measure(); // finds the held-out sources that are right
    const first = (/** @type {any[]} */ values) => this.networks.map((_, i) => values[i]);
    this.points = points.map(({ exact, loss, positions, ...counts }) => {
      return { ...counts, exact: first(exact), loss: first(loss), positions: first(positions) };
    });
    const counts = [{ steps, samples }, ...this.points].flatMap((point) => [point.steps, point.samples]);
    const fractions = this.points.flatMap(({ exact, positions }) => [...exact, ...positions.flat()]);
    const isValid =
      this.points.length > 0 &&
      this.networks.every(({ weights }) => Object.values(weights).every((matrix) => matrix.every(Number.isFinite))) &&
      counts.every((x) => Number.isSafeInteger(x) && x >= 0) &&
      fractions.every((x) => Number.isFinite(x) && x >= 0 && x <= 1) &&
      this.points.every(({ loss }) => loss.every((x) => x >= 0)) &&
      this.points.every(({ positions }) => positions.every((row) => row.length === this.due.length));
    if (!isValid) throw new Error("Expected a training state");
    Object.assign(this, { steps, samples });
    this.keep();
    return this;
  }

  /** Return the facts about network i that the page shows.
      @type {(i: number) => NetworkFacts} */
  facts(i) {
    const { config, weights } = this.networks[i];
    const { units, cell } = this.settings;
    const { lengths, outLen } = this.task;
    const n = sum(Object.values(weights).map(({ length }) => length));
    const summary = `${cell} with ${units} units, ${thousands(n)} weights`;
    const range = { min_in_len: lengths[0], in_len: last(lengths), out_len: outLen };
    return { ...this.learners[i].facts, ...this.task, ...range, summary, config };
  }

  /** Train and measure, in parts that each take less time than a frame. */
  *work() {
    for (; ; yield) {
      this.step();
      if (this.steps % MEASURED_EACH) continue;
      yield;
      yield* this.measuring();
    }
  }

  /** Measure the networks, batch by batch, and add a point to the curves. */
  *measuring() {
    const empty = () => /** @type {Set<number>} */ (new Set());
    const right = this.networks.map(empty);
    const rightAt = this.networks.map(() => this.due.map(empty));
    for (const { sources, targets, ids } of this.measured)
      for (const [i, network] of this.networks.entries()) {
        rightSymbols(network, sources, targets).forEach((row, b) => {
          if (row.every(Boolean)) right[i].add(ids[b]);
          row.forEach((isRight, t) => isRight && rightAt[i][t].add(ids[b]));
        });
        yield;
      }
    const exact = right.map(({ size }) => size / this.nHeldOut);
    const positions = rightAt.map((row) => row.map(({ size }, t) => Number((size / this.due[t]).toFixed(3))));
    const loss = this.losses.map((losses) => mean(losses.splice(0)));
    this.points.push({ steps: this.steps, samples: this.samples, exact, loss, positions });
    this.right = right;
    const kept = this.keptSteps.map((step) => this.pointAt(step).exact);
    if (exact.some((one, i) => kept.every((before) => one - before[i] >= RISE))) this.keep();
  }

  /** Measure the networks at once, and add a point to the curves. */
  measure() {
    Array.from(this.measuring());
  }
}

/** Say what the last metrics show.
    @type {(course: Course) => string} */
export function findingOf({ points, task, settings, samples }) {
  const [attention, without] = last(points).exact;
  if (!samples) return "";
  if (without === undefined) return attention === 1 ? "All held-out pairs are right." : "";
  const n = last(task.lengths);
  const through = `all ${n} symbols must pass through the final state`;
  const taught = settings.feed === "own" ? " without teacher forcing" : "";
  if (Math.min(attention, without) >= LEARNED)
    return `Both learned the task${taught}: even without attention, all ${n} symbols fit into the final state.`;
  if (attention >= LEARNED)
    return `With attention, the network learned the task${taught}. Without it, ${percent(without)} of answers are right: ${through}.`;
  if (without >= LEARNED) return "Without attention, the network learned the task. With it, not yet.";
  if (attention > without + CLEAR) return `With attention, the network learns faster${taught}. Without it, ${through}.`;
  if (without > attention + CLEAR) return "Without attention, the network learns faster.";
  return `Neither has learned the task yet${taught}. Train on, or try an easier task or other settings.`;
}
