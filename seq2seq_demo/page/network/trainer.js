/* Trains a network with Adam, and measures it, as training/trainer.py does. */

import { argmax } from "./network.js";
import { crossEntropy, differentiate } from "./tape.js";

/** @import { DecoderState, Network } from "./network.js"
    @import { Matrix } from "./tape.js" */

/** @typedef {{ feedsOwn?: boolean, smoothing?: number }} LossOptions */

export const BATCH = 32;
const CLIP_NORM = 5; // larger gradients are clipped to this global norm
const [BETA_1, BETA_2, EPSILON] = [0.9, 0.999, 1e-8];

/** Decode sources [B][S]. At each step, yield the logits [B, V] and the target symbols [B] of this step. The decoder is
    fed the targets [B][T] (teacher forcing) or, if `feedsOwn`, its own symbols. Targets are padded with −1.
    @type {(network: Network, sources: number[][], targets: number[][], feedsOwn: boolean) =>
      Generator<{ logits: Matrix, due: number[] }>} */
function* decode(network, sources, targets, feedsOwn) {
  const encoded = network.encode(sources);
  let state = /** @type {DecoderState} */ (encoded);
  let fed = targets.map(() => network.config.go);
  for (let t = 0; t < targets[0].length; t++) {
    const { logits, ...next } = network.step(fed, state, encoded);
    const due = targets.map((target) => target[t]);
    yield { logits, due };
    fed = feedsOwn ? likeliest(logits) : due.map((symbol) => (symbol < 0 ? network.config.go : symbol));
    state = next;
  }
}

/** Return the mean cross-entropy over the symbols of the targets [B][T] of sources [B][S]. END counts; padding does
    not. `feedsOwn` is as in `decode`, and `smoothing` is as in `crossEntropy`.
    @type {(network: Network, sources: number[][], targets: number[][], options?: LossOptions) => number} */
export function meanLoss(network, sources, targets, { feedsOwn = false, smoothing = 0 } = {}) {
  const n = targets.flat().filter((symbol) => symbol >= 0).length;
  let loss = 0;
  for (const { logits, due } of decode(network, sources, targets, feedsOwn))
    loss += crossEntropy(logits, due, 1 / n, smoothing);
  return loss;
}

/** Return, for each symbol of the targets [B][T], whether a network writes it. END counts; padding does not. The
    network is fed its own symbols or, if `feedsOwn` is false, the target's. If it is fed its own symbols, everything
    after its END is wrong.
    @type {(network: Network, sources: number[][], targets: number[][], feedsOwn?: boolean) => boolean[][]} */
export function rightSymbols(network, sources, targets, feedsOwn = true) {
  const { ends, go } = network.config;
  const right = targets.map(() => /** @type {boolean[]} */ ([]));
  const isOver = targets.map(() => false);
  for (const { logits, due } of decode(network, sources, targets, feedsOwn))
    likeliest(logits).forEach((symbol, b) => {
      if (due[b] >= 0) right[b].push(!isOver[b] && symbol === due[b]);
      isOver[b] ||= feedsOwn && ends && symbol === go;
    });
  return right;
}

/** Return the likeliest symbols [B] for logits [B, V]. */
function likeliest(/** @type {Matrix} */ logits) {
  const { rows: B, columns: V } = logits;
  return Array.from({ length: B }, (_, b) => argmax(logits.subarray(b * V, b * V + V)));
}

/** Adam (Kingma and Ba 2015) for the weights of a network, with gradients clipped by their global norm. */
export class Trainer {
  steps = 0; // the number of steps so far

  constructor(/** @type {Network} */ network) {
    this.network = network;
    this.parameters = Object.values(network.weights).map((weights) => {
      weights.gradient = new Float32Array(weights.length);
      return { weights, m: new Float32Array(weights.length), v: new Float32Array(weights.length) };
    });
  }

  /** Train on a batch (see `meanLoss`) and return its loss. A batch that is smaller than BATCH gets less weight.
      @type {(sources: number[][], targets: number[][], learningRate: number, options?: LossOptions) => number} */
  train(sources, targets, learningRate, options) {
    for (const { weights } of this.parameters) weights.gradient.fill(0);
    const loss = differentiate(() => meanLoss(this.network, sources, targets, options));
    let squares = 0;
    for (const { weights } of this.parameters) for (const slope of weights.gradient) squares += slope * slope;
    const fraction = sources.length / BATCH;
    const scale = (fraction * CLIP_NORM) / Math.max(fraction * Math.sqrt(squares), CLIP_NORM);
    this.steps++;
    const rate = (learningRate * Math.sqrt(1 - BETA_2 ** this.steps)) / (1 - BETA_1 ** this.steps);
    for (const { weights, m, v } of this.parameters)
      for (let i = 0; i < weights.length; i++) {
        const slope = scale * weights.gradient[i];
        m[i] += (1 - BETA_1) * (slope - m[i]);
        v[i] += (1 - BETA_2) * (slope * slope - v[i]);
        weights[i] -= (rate * m[i]) / (Math.sqrt(v[i]) + EPSILON);
      }
    return loss;
  }
}
