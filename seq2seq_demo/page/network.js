"use strict";
/* The whole network in JavaScript: network/numpy_network.py again, name for name, for one source instead of a batch.

   S and T are the source's and the answer's length, E the embedding size, H the cell size, M the width of the memory
   (H, or 2H if the encoder is bidirectional), G the gates of a cell, V the output symbols. A vector is a Float32Array;
   a matrix [n, m] is one of n·m numbers, row after row. */

const sigmoid = (x) => 0.5 * Math.tanh(0.5 * x) + 0.5;

/** Return exp(x) / Σ exp(x). */
function softmax(x) {
  const largest = x.reduce((a, b) => Math.max(a, b));
  const exp = Float64Array.from(x, (value) => Math.exp(value - largest));
  const sum = exp.reduce((a, b) => a + b);
  return Float32Array.from(exp, (value) => value / sum);
}

/** Return the place of the largest number; of equal ones, the first. */
const argmax = (x) => x.reduce((best, value, i) => (value > x[best] ? i : best), 0);

/** Return vectors side by side, as one. */
function concatenate(...vectors) {
  const all = new Float32Array(vectors.reduce((n, vector) => n + vector.length, 0));
  let first = 0;
  for (const vector of vectors) {
    all.set(vector, first);
    first += vector.length;
  }
  return all;
}

/** Return x W, of the columns first…last of W [x.length, width]. */
function times(x, W, width, first = 0, last = width) {
  const y = new Float64Array(last - first);
  for (let i = 0; i < x.length; i++) {
    for (let j = first; j < last; j++) y[j - first] += x[i] * W[i * width + j];
  }
  return Float32Array.from(y);
}

const plus = (x, y) => x.map((value, i) => value + y[i]);

/** Cut a vector into n parts of one length. */
const split = (x, n) => Array.from({ length: n }, (_, i) => x.slice((i * x.length) / n, ((i + 1) * x.length) / n));

/* The equations of the cells: from x W + b [G·H], the state and U [H, G·H] to the next state, h last, and what the gates
   say [G], for those who want to see it. States and gates are in the order of the cell's row in cells.py. */

/** Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000). */
function lstm(projected, [c, h], U) {
  const [i, f, candidate, o] = split(plus(projected, times(h, U, projected.length)), 4);
  const gates = [i.map(sigmoid), f.map(sigmoid), candidate.map(Math.tanh), o.map(sigmoid)];
  const next = c.map((value, k) => gates[1][k] * value + gates[0][k] * gates[2][k]);
  return { state: [next, gates[3].map((value, k) => value * Math.tanh(next[k]))], gates };
}

/** Gated recurrent unit (Cho et al. 2014), the reset gate applied before the matrix product. */
function gru(projected, [h], U) {
  const H = h.length;
  const [z, r] = split(plus(projected.slice(0, 2 * H), times(h, U, 3 * H, 0, 2 * H)).map(sigmoid), 2);
  const reset = r.map((value, k) => value * h[k]);
  const candidate = plus(projected.slice(2 * H), times(reset, U, 3 * H, 2 * H, 3 * H)).map(Math.tanh);
  return { state: [z.map((value, k) => value * h[k] + (1 - value) * candidate[k])], gates: [z, r, candidate] };
}

/** Simple recurrent network (Elman 1990). */
function simpleRnn(projected, [h], U) {
  const candidate = plus(projected, times(h, U, projected.length)).map(Math.tanh);
  return { state: [candidate], gates: [candidate] };
}

/* By the names in cells.py. builder.py reads here which cells the page can run. */
const EQUATIONS = {
  BasicLSTMCell: lstm,
  LSTMCell: lstm,
  GRUCell: gru,
  BasicRNNCell: simpleRnn,
};
const last = (list) => list[list.length - 1];

/** The encoder-decoder (Sutskever et al. 2014), with attention if its config says so (Bahdanau et al. 2015). */
class Network {
  /** config: as ModelConfig says, with has_attention and go, and the names of the cell's gates and states; weights:
      Float32Arrays by the names of weight_shapes. */
  constructor(config, weights) {
    this.config = config;
    this.weights = weights;
  }

  /** Return the T steps of an answer: greedily, or fed `decoderInput` [T] (teacher forcing). */
  decode(source, outLen, decoderInput) {
    return this.run(source, outLen, { decoderInput }).steps;
  }

  /** Return the steps of an answer until the network writes END, at most maxOutLen symbols and END. */
  decodeToEnd(source, maxOutLen, forced) {
    return this.run(source, maxOutLen + 1, { forced, toEnd: true }).steps;
  }

  /** Read a source and write its answer; return what the encoder and each step said.

      decoderInput [T] is what the decoder is fed; without it, what it wrote, or what `forced` says: a Map from a step
      to the symbol that it is to have written. */
  run(source, outLen, { decoderInput, forced = new Map(), toEnd = false } = {}) {
    const { has_attention: hasAttention, go } = this.config;
    const encoded = this.encode(source);
    const { memory } = encoded;
    const keys = hasAttention ? memory.map((row) => this.times("decoder/attention/key", row)) : null; // W_k m [S, H]
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
      steps.push({ ...step, fed, logits, symbol, written: forced.has(t) ? forced.get(t) : symbol });
      fed = last(steps).written;
      if (toEnd && fed === go) break;
    }
    return { encoded, keys, steps };
  }

  /** Read [S]; return the memory [S, M], the final state of every layer, and what every cell did. */
  encode(source) {
    if (this.config.bidirectional) return this.encodeBothWays(source);
    let states = Array.from({ length: this.config.num_layers }, () => this.zeroState());
    const memory = [];
    const cells = []; // [S][layer]
    for (const symbol of source) {
      const ran = this.runCells("encoder", this.row("encoder/embedding", symbol), states);
      ({ states } = ran);
      cells.push(ran.cells);
      memory.push(last(last(states)));
    }
    return { memory, states, cells };
  }

  /** Feed a symbol; return the next states, the next context [M] and its α [S]. */
  step(fed, states, context, memory, keys) {
    let x = this.row("decoder/embedding", fed); // d_t [E]
    if (keys === null) return { ...this.runCells("decoder", x, states), context, alpha: null };
    x = this.dense("decoder/input", concatenate(x, context)); // x_t [E]
    const ran = this.runCells("decoder", x, states);
    const query = this.dense("decoder/attention/query", concatenate(...ran.states.flat())); // [H]
    const v = this.weights["decoder/attention/score"];
    const u = keys.map((key) => key.reduce((sum, k, i) => sum + v[i] * Math.tanh(k + query[i]), 0)); // [S]
    const alpha = softmax(u); // [S]
    return { ...ran, context: memory[0].map((_, i) => memory.reduce((sum, row, s) => sum + alpha[s] * row[i], 0)), alpha, query, u };
  }

  /** Return the logits [V] of a step. */
  logits(states, context) {
    const logits = this.dense("decoder/projection", last(last(states)));
    if (!this.config.has_attention) return logits;
    return this.dense("decoder/output", concatenate(logits, context));
  }

  /** Run the stacked cells of one side a step on; x: [E]. */
  runCells(side, x, states) {
    const cells = states.map((state, layer) => {
      const cell = this.runCell(`${side}/layer_${layer}`, x, state);
      x = last(cell.state);
      return cell;
    });
    return { states: cells.map((cell) => cell.state), cells };
  }

  /** Run a cell a step on; x: [E], or as wide as the output of the layer below. */
  runCell(name, x, state) {
    const projected = this.dense(name, x); // x W + b [G·H]
    const U = this.weights[`${name}/recurrent_kernel`];
    const next = EQUATIONS[this.config.cell_type](projected, state, U);
    const gates = Object.fromEntries(this.config.gates.map((gate, i) => [gate, next.gates[i]]));
    return { state: next.state, gates, x, previous: state };
  }

  /** Return x W + b. */
  dense(name, x) {
    return plus(this.times(name, x), this.weights[`${name}/bias`]);
  }

  /** Return x W. */
  times(name, x) {
    const W = this.weights[`${name}/kernel`];
    return times(x, W, W.length / x.length);
  }

  /** Return a row of a table of embeddings, [E]. */
  row(name, symbol) {
    const E = this.config.embedding_size;
    return this.weights[name].slice(symbol * E, (symbol + 1) * E);
  }

  zeroState() {
    return this.config.states.map(() => new Float32Array(this.config.cell_size));
  }

  /* The bidirectional encoder (Schuster and Paliwal 1997), as network/bidirectional.py has it. */

  /** Read [S] from both ends; return the memory [S, 2H] and the state of every layer that decoding starts from. */
  encodeBothWays(source) {
    let outputs = Array.from(source, (symbol) => this.row("encoder/embedding", symbol)); // [S, E]; later [S, 2H]
    const states = [];
    const cells = outputs.map(() => []);
    const backwardCells = outputs.map(() => []);
    for (let layer = 0; layer < this.config.num_layers; layer++) {
      const forward = this.read(`encoder/layer_${layer}`, outputs);
      const backward = this.read(`encoder/backward/layer_${layer}`, [...outputs].reverse()).reverse();
      outputs = forward.map((cell, s) => concatenate(last(cell.state), last(backward[s].state)));
      states.push(this.bridge(layer, last(forward).state, backward[0].state));
      forward.forEach((cell, s) => cells[s].push(cell));
      backward.forEach((cell, s) => backwardCells[s].push(cell));
    }
    return { memory: outputs, states, cells, backwardCells };
  }

  /** Run a cell along [S, …] from a state of zeros; return what it did at each place. */
  read(name, inputs) {
    let state = this.zeroState();
    return inputs.map((x) => {
      const cell = this.runCell(name, x, state);
      ({ state } = cell);
      return cell;
    });
  }

  /** Return W_b [forward ; backward] + b_b of each state of a layer, [H]. */
  bridge(layer, forward, backward) {
    return this.config.states.map((name, i) =>
      this.dense(`encoder/bridge_${layer}_${name}`, concatenate(forward[i], backward[i])),
    );
  }
}

/* Weights as the page holds them: all arrays in the order of weight_shapes, little-endian, in base64. */

/** Return weights by name: `shapes` is [[name, shape], …], `bits` 32 or 16 a number. */
function decodeWeights(base64, shapes, bits = 32) {
  const text = atob(base64);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // ten times as fast as Uint8Array.from
  const view = new DataView(bytes.buffer);
  const numbers = new Float32Array((bytes.length * 8) / bits);
  for (let i = 0; i < numbers.length; i++) {
    numbers[i] = bits === 32 ? view.getFloat32(4 * i, true) : fromHalf(view.getUint16(2 * i, true));
  }
  let first = 0;
  const weights = {};
  for (const [name, shape] of shapes) {
    const size = shape.reduce((a, b) => a * b, 1);
    weights[name] = numbers.subarray(first, first + size);
    first += size;
  }
  return weights;
}

/** Return the number that 16 bits stand for (IEEE 754: sign, 5 bits of exponent, 10 of fraction). */
function fromHalf(bits) {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 31;
  const fraction = (bits & 1023) / 1024;
  return sign * (exponent ? 2 ** (exponent - 15) * (1 + fraction) : 2 ** -14 * fraction);
}
