/* A trained network, and its answer to one source. */

import { align, alignByPosition } from "./align.js";
import { argmax, decodeWeights, last, Network } from "./network.js";
import { numberInWords, targetOf, Vocabulary } from "./symbols.js";

/** @import { Alignment } from "./align.js"
    @import { Cell, Config, Step, StoredWeights } from "./network.js"
    @import { VocabularyData } from "./symbols.js" */

/** @typedef {{ source: number[], target: number[] }} Pair
    @typedef {{ source: number[], target: number[] | null, note: string }} Example
    @typedef {{ name: string, summary: string, task_description?: string, config: Config, pattern: string | null,
      ends: boolean, exact_match?: number | null, min_in_len: number | null, in_len: number | null, out_len: number |
      null, examples: Example[], source: VocabularyData, target: VocabularyData, pairs?: Pair[] }} NetworkFacts
    @typedef {NetworkFacts & { shapes: [string, number[]][], weights: StoredWeights }} NetworkData */

export const MAX_ANSWER_LEN = 120;

/** @type {(a: number[], b: number[]) => boolean} */
export const same = (a, b) => a.length === b.length && a.every((value, i) => value === b[i]);

/** A trained network with its vocabularies and its examples. The constructor takes the JSON of `network_data` in
    builder.py or, for a network that is trained on the page, its facts and the network. */
export class TrainedNetwork {
  /** Copies of the network from the kept training steps, if it was trained on the page.
      @type {Network[]} */
  kept = [];

  /** @param {NetworkFacts} facts @param {Network} network */
  constructor({ source, target, ...data }, network = storedNetwork(/** @type {NetworkData} */ (data))) {
    this.name = data.name;
    this.config = data.config;
    this.ends = data.ends;
    this.examples = data.examples;
    this.facts = data;
    this.go = data.config.go;
    this.sourceVocabulary = new Vocabulary(source, "GO");
    this.targetVocabulary = new Vocabulary(target, data.ends ? "END" : "GO");
    this.final = network;
  }

  /** Return the network at a kept training step. `moment` is the step's index; null means the trained network. */
  at(/** @type {number | null} */ moment) {
    return this.kept[moment ?? -1] ?? this.final;
  }

  /** Return the length of the answer to a source of length S or, if the network ends its answers, the maximum length.
   */
  maxOutLen(/** @type {number} */ S, /** @type {number[] | null} */ target) {
    const [trained, longest] = [this.facts.in_len ?? S, this.facts.out_len ?? S];
    let T = this.ends && S > trained ? Math.ceil((longest * S) / trained) : longest;
    if (!this.ends && S !== trained) T = target ? target.length : S;
    return Math.min(T, MAX_ANSWER_LEN);
  }

  /** Return a source's target, found in an example, in the pairs or by the pattern; null if it is unknown. If the pairs
      contain several targets, return the network's answer if it is one of them, otherwise the first target. */
  knownTarget(/** @type {number[]} */ source) {
    const { pairs = [], pattern, in_len: trained, out_len: longest } = this.facts;
    const example = this.examples.find((one) => one.target && same(one.source, source));
    if (example) return example.target;
    const targets = pairs.filter((pair) => same(pair.source, source)).map(({ target }) => target);
    const { answer } = targets.length > 1 ? this.run(source, null, null, {}) : { answer: [] };
    if (targets.length) return targets.find((target) => same(target, answer)) ?? targets[0];
    const target =
      numberInWords(this.sourceVocabulary.text(source), this.targetVocabulary) ??
      targetOf(pattern, source, this.config.out_max_int);
    return this.ends || trained !== source.length ? target : (target?.slice(0, longest ?? undefined) ?? null);
  }

  /** Run the network of a moment (see `at`) on a source, free-running with the `forced` symbols. If there is a target,
      the steps with teacher forcing are computed when they are needed.
      @type {(source: number[], target: number[] | null, moment: number | null, forced: Record<number, number>) => Run} */
  run(source, target, moment, forced) {
    return new Run(this, this.at(moment), source, target, forced);
  }

  /** Return the answer to a source. Both are strings. As in `predict`, an answer that did not end is marked. Throws an
      Error for a source that the network cannot read. */
  answer(/** @type {string} */ text) {
    const source = this.sourceVocabulary.numbers(`${text ?? ""}`, false);
    if (!source.length) throw new Error("The source is empty");
    const run = this.run(source, this.knownTarget(source), null, {});
    const mark = this.ends && !run.ended ? " ... (did not end)" : "";
    return this.targetVocabulary.text(run.answer) + mark;
  }
}

/** Return the network that the JSON of `network_data` contains. */
const storedNetwork = (/** @type {NetworkData} */ { config, weights, shapes }) =>
  new Network(config, decodeWeights(weights, shapes));

/** A network's answer to one source, compared with the target. */
export class Run {
  /** The results of `liveliestUnit` so far.
      @type {Record<string, number>} */
  liveliest = {};

  /** @type {Step[] | null} */
  taught = null;

  /** `model` is the network that answers, at some moment of its training.
      @param {TrainedNetwork} network @param {Network} model @param {number[]} source @param {number[] | null} target
      @param {Record<number, number>} forced */
  constructor(network, model, source, target, forced) {
    const { ends, go } = network;
    const T = network.maxOutLen(source.length, target);
    const { encoded, steps } = model.run(source, ends ? T + 1 : T, { forced, toEnd: ends });
    const written = steps.map((step) => step.written);
    this.network = network;
    this.model = model;
    this.source = source;
    this.target = target;
    this.encoded = encoded;
    this.steps = steps;
    this.ended = ends && last(written) === go;
    this.answer = written.slice(0, this.ended ? -1 : T); // without END
    this.written = this.ended ? written : this.answer; // with END
    this.expected = target && (ends ? [...target, go] : target); // with END
    this.exact = this.expected && same(this.written, this.expected);
    // by position if the answer and the target have the same length, else by edit distance
    const compare = this.answer.length === target?.length ? alignByPosition : align;
    this.alignment = this.expected && compare(this.written, this.expected);
  }

  /** The steps with teacher forcing, computed on first use; null without a target.
      @returns {Step[] | null} */
  get teacherSteps() {
    if (!this.expected) return null;
    const decoderInput = [this.network.go, ...this.expected.slice(0, -1)]; // shifted right by one
    this.taught ??= this.model.run(this.source, 0, { decoderInput, encoded: this.encoded }).steps;
    return this.taught;
  }

  /** Return whether a symbol other than the likeliest was forced at step t. */
  isOverridden(/** @type {number} */ t) {
    return this.steps[t].written !== this.steps[t].symbol;
  }

  /** Return the symbol expected at step t; undefined after the target's end. */
  expectedAt(/** @type {number} */ t) {
    return this.expected?.[this.alignment?.targetIndex[t] ?? this.expected.length];
  }

  /** Return the cells of a layer at every step; `backward` selects the backward encoder of a bidirectional network.
      @type {(layer: number, backward: number) => Cell[]} */
  cellsOf(layer, backward) {
    const { cells, backwardCells } = this.encoded;
    const encoder = backward && backwardCells[0].length ? backwardCells : cells;
    return [...encoder, ...this.steps.map((step) => step.cells)].map((all) => all[layer]);
  }

  /** Return the unit whose h has the largest range in the cells of a layer; see `cellsOf`.
      @type {(layer: number, backward: number) => number} */
  liveliestUnit(layer, backward) {
    const key = `${layer} ${backward}`;
    if (!(key in this.liveliest)) {
      const hidden = this.cellsOf(layer, backward).map(({ state }) => last(state));
      const units = Array.from(hidden[0], (_, unit) => hidden.map((h) => h[unit]));
      this.liveliest[key] = argmax(units.map((values) => Math.max(...values) - Math.min(...values)));
    }
    return this.liveliest[key];
  }

  /** Return whether there is a target and the symbol at step t is not right. */
  isWrong(/** @type {number} */ t) {
    return this.expected !== null && this.alignment?.kinds[t] !== "right";
  }
}
