/* The encoder-decoder network for one source, with the names of network/numpy_network.py.

   S and T are the lengths of source and answer, E the embedding size, H the cell size, M the width of the memory (H, or
   2H with a bidirectional encoder), G the number of gates, V the number of output symbols. A vector is a Float32Array;
   a matrix [n, m] is a Float32Array of n·m numbers in row-major order. */

/** @typedef {Float32Array<ArrayBuffer>} Vector
    @typedef {Vector[]} State The state of a cell: a vector for each name in the cell's row in config.py.
    @typedef {(projected: Vector, state: State, U: Vector) => { state: State, gates: Vector[] }} Equation
    @typedef {{ state: State, gates: Record<string, Vector>, x: Vector, previous: State }} Cell
    @typedef {{ memory: Vector[], states: State[], cells: Cell[][], backwardCells?: Cell[][] }} Encoded
    @typedef {{ states: State[], cells: Cell[], context: Vector }} Advanced
    @typedef {Advanced & { alpha: Vector | null, query?: Vector, u?: number[] }} DecoderStep
    @typedef {{ fed: number, logits: Vector, symbol: number, written: number, probabilities?: Vector }} Output
    @typedef {DecoderStep & Output} Step
    @typedef {{ decoderInput?: number[], forced?: Record<number, number>, toEnd?: boolean,
      encoded?: Encoded }} RunOptions
    @typedef {{ bits: 8 | 16, scales: number[], numbers: string }} StoredWeights
    @typedef {{ has_attention: boolean, ends: boolean, bidirectional: boolean, go: number, in_max_int: number,
      out_max_int: number, num_layers: number, cell_size: number, embedding_size: number, cell_type: string,
      gates: string[], states: string[] }} Config */

const sigmoid = (/** @type {number} */ x) => 0.5 * Math.tanh(0.5 * x) + 0.5;

/** Return exp(x) / Σ exp(x). */
export function softmax(/** @type {Vector | number[]} */ x) {
  const largest = Math.max(...x);
  const exp = Float64Array.from(x, (value) => Math.exp(value - largest));
  const sum = exp.reduce((a, b) => a + b);
  return Float32Array.from(exp, (value) => value / sum);
}

/** Return the index of the largest number, the first among equal ones. */
export const argmax = (/** @type {Vector | number[]} */ x) => x.indexOf(Math.max(...x));

/** @type {(...vectors: Vector[]) => Vector} */
const concatenate = (...vectors) => Float32Array.from(vectors.flatMap((vector) => [...vector]));

/** Return x times the columns start…end − 1 of W [x.length, width]; the sums are in float64.
    @type {(x: Vector, W: Vector, width: number, start?: number, end?: number) => Vector} */
function times(x, W, width, start = 0, end = width) {
  const y = new Float64Array(end - start);
  for (let i = 0; i < x.length; i++) {
    const [factor, row] = [x[i], i * width + start];
    for (let j = 0; j < y.length; j++) y[j] += factor * W[row + j];
  }
  return Float32Array.from(y);
}

/** @type {(x: Vector, y: Vector) => Vector} */
const plus = (x, y) => x.map((value, i) => value + y[i]);

/** Split a vector into n parts of equal length.
    @type {(x: Vector, n: number) => Vector[]} */
const split = (x, n) => Array.from({ length: n }, (_, i) => x.slice((i * x.length) / n, ((i + 1) * x.length) / n));

/* The equations of the cells. Each takes x W + b [G·H], the state and U [H, G·H], and returns the next state, with h
   last, and the gates [G], which the page displays. States and gates have the order of the cell's row in config.py. */

/** Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).
    @type {Equation} */
function lstm(projected, [c, h], U) {
  const [i, f, candidate, o] = split(plus(projected, times(h, U, projected.length)), 4);
  const gates = [i.map(sigmoid), f.map(sigmoid), candidate.map(Math.tanh), o.map(sigmoid)];
  const next = c.map((value, k) => gates[1][k] * value + gates[0][k] * gates[2][k]);
  return { state: [next, gates[3].map((value, k) => value * Math.tanh(next[k]))], gates };
}

/** Gated recurrent unit (Cho et al. 2014) with the reset gate before the matrix product.
    @type {Equation} */
function gru(projected, [h], U) {
  const H = h.length;
  const [z, r] = split(plus(projected.slice(0, 2 * H), times(h, U, 3 * H, 0, 2 * H)).map(sigmoid), 2);
  const reset = r.map((value, k) => value * h[k]);
  const candidate = plus(projected.slice(2 * H), times(reset, U, 3 * H, 2 * H, 3 * H)).map(Math.tanh);
  return { state: [z.map((value, k) => value * h[k] + (1 - value) * candidate[k])], gates: [z, r, candidate] };
}

/** Simple recurrent network (Elman 1990).
    @type {Equation} */
function simpleRnn(projected, [h], U) {
  const candidate = plus(projected, times(h, U, projected.length)).map(Math.tanh);
  return { state: [candidate], gates: [candidate] };
}

/** The keys are the names in config.py. builder.py parses this table for the supported cells.
    @type {Record<string, Equation>} */
const EQUATIONS = {
  BasicLSTMCell: lstm,
  LSTMCell: lstm,
  GRUCell: gru,
  BasicRNNCell: simpleRnn,
};

/** @type {<T>(list: T[]) => T} */
export const last = (list) => list[list.length - 1];

/** The encoder-decoder (Sutskever et al. 2014), optionally with attention (Bahdanau et al. 2015). */
export class Network {
  /** `config` has the fields of ModelConfig, `has_attention`, `go`, and the names of the cell's gates and states;
      `weights` has a Float32Array for each name of `weight_shapes`. */
  constructor(/** @type {Config} */ config, /** @type {Record<string, Vector>} */ weights) {
    this.config = config;
    this.weights = weights;
  }

  /** Decode a source in `outLen` steps, greedily or with teacher forcing.

      With `decoderInput` [T], the decoder is fed these T symbols (teacher forcing). Otherwise it is fed its own output,
      in which the symbols in `forced`, { step: symbol }, replace the likeliest ones. With `toEnd`, decoding stops after
      END. `encoded` is the result of `encode`, if it is known. Returns it and the steps.
      @type {(source: number[], outLen: number, options?: RunOptions) => { encoded: Encoded, steps: Step[] }} */
  run(source, outLen, { decoderInput, forced = {}, toEnd = false, encoded = this.encode(source) } = {}) {
    const { go } = this.config;
    const { memory } = encoded;
    const keys = this.keys(memory);
    let states = encoded.states;
    let context = new Float32Array(memory[0].length); // a_0 [M]
    let fed = go; // y_0
    const steps = [];
    for (let t = 0; t < (decoderInput ? decoderInput.length : outLen); t++) {
      if (decoderInput) fed = decoderInput[t];
      const step = this.step(fed, states, context, memory, keys);
      ({ states, context } = step);
      const logits = this.logits(states, context);
      const symbol = argmax(logits);
      steps.push({ ...step, fed, logits, symbol, written: forced[t] ?? symbol });
      fed = last(steps).written;
      if (toEnd && fed === go) break;
    }
    return { encoded, steps };
  }

  /** Encode a source [S]; return the memory [S, M], the final state of every layer, and the cells [S][layer].
      @type {(source: number[]) => Encoded} */
  encode(source) {
    if (this.config.bidirectional) return this.encodeBothWays(source);
    let states = Array.from({ length: this.config.num_layers }, () => this.zeroState());
    const memory = [];
    const cells = [];
    for (const symbol of source) {
      const step = this.runCells("encoder", this.row("encoder/embedding", symbol), states);
      ({ states } = step);
      cells.push(step.cells);
      memory.push(last(last(states)));
    }
    return { memory, states, cells };
  }

  /** Return W_k m [S, H] of the memory; null without attention. */
  keys(/** @type {Vector[]} */ memory) {
    return this.config.has_attention ? memory.map((row) => this.times("decoder/attention/key", row)) : null;
  }

  /** Run one decoder step that is fed a symbol; return the next states, the next context [M] and α [S].
      @type {(fed: number, states: State[], context: Vector, memory: Vector[], keys: Vector[] | null) => DecoderStep} */
  step(fed, states, context, memory, keys) {
    let x = this.row("decoder/embedding", fed); // d_t [E]
    if (keys === null) return { ...this.runCells("decoder", x, states), context, alpha: null };
    x = this.dense("decoder/input", concatenate(x, context)); // x_t [E]
    const next = this.runCells("decoder", x, states);
    const query = this.dense("decoder/attention/query", concatenate(...next.states.flat())); // [H]
    const v = this.weights["decoder/attention/score"];
    const u = keys.map((key) => key.reduce((sum, k, i) => sum + v[i] * Math.tanh(k + query[i]), 0)); // [S]
    const alpha = softmax(u); // [S]
    const nextContext = memory[0].map((_, i) => memory.reduce((sum, row, s) => sum + alpha[s] * row[i], 0)); // [M]
    return { ...next, context: nextContext, alpha, query, u };
  }

  /** Return the logits [V] of a step.
      @type {(states: State[], context: Vector) => Vector} */
  logits(states, context) {
    const logits = this.dense("decoder/projection", last(last(states)));
    if (!this.config.has_attention) return logits;
    return this.dense("decoder/output", concatenate(logits, context));
  }

  /** Run the stacked cells of the encoder or decoder for one step on x [E].
      @type {(part: string, x: Vector, states: State[]) => { states: State[], cells: Cell[] }} */
  runCells(part, x, states) {
    const cells = states.map((state, layer) => {
      const cell = this.runCell(`${part}/layer_${layer}`, x, state);
      x = last(cell.state);
      return cell;
    });
    return { states: cells.map((cell) => cell.state), cells };
  }

  /** Run a cell for one step on x, an embedding [E] or the output of the layer below.
      @type {(name: string, x: Vector, state: State) => Cell} */
  runCell(name, x, state) {
    const projected = this.dense(name, x); // x W + b [G·H]
    const U = this.weights[`${name}/recurrent_kernel`];
    const next = EQUATIONS[this.config.cell_type](projected, state, U);
    const gates = Object.fromEntries(this.config.gates.map((gate, i) => [gate, next.gates[i]]));
    return { state: next.state, gates, x, previous: state };
  }

  /** Return x W + b.
      @type {(name: string, x: Vector) => Vector} */
  dense(name, x) {
    return plus(this.times(name, x), this.weights[`${name}/bias`]);
  }

  /** Return x W.
      @type {(name: string, x: Vector) => Vector} */
  times(name, x) {
    const W = this.weights[`${name}/kernel`];
    return times(x, W, W.length / x.length);
  }

  /** Return the embedding [E] of a symbol.
      @type {(name: string, symbol: number) => Vector} */
  row(name, symbol) {
    const E = this.config.embedding_size;
    return this.weights[name].slice(symbol * E, (symbol + 1) * E);
  }

  zeroState() {
    return this.config.states.map(() => new Float32Array(this.config.cell_size));
  }

  /** Encode a source [S] in both directions (Schuster and Paliwal 1997), as network/bidirectional.py does; return the
      memory [S, 2H], the decoder's initial state of every layer, and the cells [S][layer] of both directions.
      @type {(source: number[]) => Encoded} */
  encodeBothWays(source) {
    let outputs = Array.from(source, (symbol) => this.row("encoder/embedding", symbol)); // [S, E]; later [S, 2H]
    const states = [];
    /** @type {Cell[][]} */
    const cells = outputs.map(() => []);
    /** @type {Cell[][]} */
    const backwardCells = outputs.map(() => []);
    for (let layer = 0; layer < this.config.num_layers; layer++) {
      const forward = this.runOver(`encoder/layer_${layer}`, outputs);
      const backward = this.runOver(`encoder/backward/layer_${layer}`, [...outputs].reverse()).reverse();
      outputs = forward.map((cell, s) => concatenate(last(cell.state), last(backward[s].state)));
      states.push(this.bridge(layer, last(forward).state, backward[0].state));
      forward.forEach((cell, s) => cells[s].push(cell));
      backward.forEach((cell, s) => backwardCells[s].push(cell));
    }
    return { memory: outputs, states, cells, backwardCells };
  }

  /** Run a cell over inputs [S, …] from a zero state; return the cell at every input.
      @type {(name: string, inputs: Vector[]) => Cell[]} */
  runOver(name, inputs) {
    let state = this.zeroState();
    return inputs.map((x) => {
      const cell = this.runCell(name, x, state);
      ({ state } = cell);
      return cell;
    });
  }

  /** Return W_b [forward ; backward] + b_b [H] for each state of a layer.
      @type {(layer: number, forward: State, backward: State) => State} */
  bridge(layer, forward, backward) {
    return this.config.states.map((name, i) =>
      this.dense(`encoder/bridge_${layer}_${name}`, concatenate(forward[i], backward[i])),
    );
  }
}

const NUMBER_TYPES = { 8: Int8Array, 16: Int16Array };

/** Decode weights: `numbers` is base64 of numbers of `bits` bits, array after array, to be multiplied by the scale of
    their array. `shapes` is [[name, shape], …]. Returns the arrays by name.
    @type {(stored: StoredWeights, shapes: [string, number[]][]) => Record<string, Vector>} */
export function decodeWeights({ bits, scales, numbers }, shapes) {
  const text = atob(numbers);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // ten times faster than Uint8Array.from
  const all = new Float32Array(new NUMBER_TYPES[bits](bytes.buffer));
  let start = 0;
  /** @type {Record<string, Vector>} */
  const weights = {};
  shapes.forEach(([name, shape], i) => {
    const size = shape.reduce((a, b) => a * b, 1);
    weights[name] = all.subarray(start, start + size).map((number) => number * scales[i]);
    start += size;
  });
  return weights;
}
