/* The encoder-decoder network, with the same names as in network/numpy_network.py.

   B is the batch size, which is 1 for everything that the page shows. S and T are the lengths of sources and answers, E
   is the embedding size, H the cell size, M the width of the memory (H, or 2H with a bidirectional encoder), G the
   number of gates, and V the number of output symbols. */

import { affine, attend, complement, concatenate, plus, product, rows, sigmoid, tanh, zeros } from "./tape.js";

/** @import { Activation, Matrix } from "./tape.js" */

/** @typedef {Matrix[]} State The state of a cell: a matrix [B, H] for each name in the cell's row in config.py.
    @typedef {(projected: Matrix, state: State, U: Matrix) => { state: State, gates: Matrix[] }} Equation
    @typedef {{ state: State, gates: Record<string, Matrix>, x: Matrix, previous: State }} Cell
    @typedef {{ states: State[], context: Matrix }} DecoderState The states of the layers, and a_t [B, M].
    @typedef {DecoderState & { memory: Matrix[], keys: Matrix[] | null, cells: Cell[][], backwardCells: Cell[][] }} Encoded
    @typedef {DecoderState & { cells: Cell[], logits: Matrix, alpha: Matrix | null, query?: Matrix, u?: Matrix }} DecoderStep
    @typedef {{ fed: number, symbol: number, written: number, probabilities?: Float32Array }} Output
    @typedef {DecoderStep & Output} Step
    @typedef {{ decoderInput?: number[], forced?: Record<number, number>, toEnd?: boolean,
      encoded?: Encoded }} RunOptions
    @typedef {{ scales: number[], numbers: string, bits?: number }} StoredWeights
    @typedef {{ has_attention: boolean, ends: boolean, bidirectional: boolean, go: number, in_max_int: number,
      out_max_int: number, num_layers: number, cell_size: number, embedding_size: number, cell_type: string,
      gates: string[], states: string[] }} Config */

/** Return the index of the largest number or, if several numbers are equal, of the first of them. */
export const argmax = (/** @type {Float32Array | number[]} */ x) => x.indexOf(Math.max(...x));

/** Return the indices of the n largest numbers, largest first.
    @type {(x: Float32Array, n: number) => number[]} */
export const largest = (x, n) => [...x.keys()].sort((a, b) => x[b] - x[a]).slice(0, n);

/** Split a matrix into parts of equal width, and apply one function to each part.
    @type {(x: Matrix, ...functions: Activation[]) => Matrix[]} */
function activate(x, ...functions) {
  const width = x.columns / functions.length;
  return functions.map((activation, i) => activation(x, i * width, (i + 1) * width));
}

/* The equations of the cells. Each equation takes x W + b [B, G·H], the state and U [H, G·H]. It returns the next
   state, with h last, and the gates [B, H], which the page displays. States and gates are in the order of the cell's
   row in config.py. */

/** Long short-term memory (Hochreiter and Schmidhuber 1997; forget gate: Gers et al. 2000).
    @type {Equation} */
function lstm(projected, [c, h], U) {
  const gates = activate(affine(h, U, projected), sigmoid, sigmoid, tanh, sigmoid);
  const next = plus(product(gates[1], c), product(gates[0], gates[2]));
  return { state: [next, product(gates[3], tanh(next))], gates };
}

/** Gated recurrent unit (Cho et al. 2014) with the reset gate before the matrix product.
    @type {Equation} */
function gru(projected, [h], U) {
  const H = h.columns;
  const [z, r] = activate(affine(h, U, projected, 0, 2 * H), sigmoid, sigmoid);
  const candidate = tanh(affine(product(r, h), U, projected, 2 * H, 3 * H));
  return { state: [plus(product(z, h), product(complement(z), candidate))], gates: [z, r, candidate] };
}

/** Simple recurrent network (Elman 1990).
    @type {Equation} */
function simpleRnn(projected, [h], U) {
  const candidate = tanh(affine(h, U, projected));
  return { state: [candidate], gates: [candidate] };
}

/** The keys are the names of the cells in config.py. builder.py reads the supported cells from this table.
    @type {Record<string, Equation>} */
const EQUATIONS = {
  BasicLSTMCell: lstm,
  LSTMCell: lstm,
  GRUCell: gru,
  BasicRNNCell: simpleRnn,
};

/** @type {<T>(list: T[]) => T} */
export const last = (list) => list[list.length - 1];

/** @type {(numbers: number[]) => number} */
export const sum = (numbers) => numbers.reduce((total, x) => total + x, 0);

/** @type {(numbers: number[]) => number} */
export const mean = (numbers) => sum(numbers) / numbers.length;

/** The encoder-decoder (Sutskever et al. 2014), optionally with attention (Bahdanau et al. 2015). */
export class Network {
  /** `config` contains the fields of ModelConfig, `has_attention`, `go`, and the names of the cell's gates and states.
      `weights` contains a matrix for each name in `weight_shapes`. */
  constructor(/** @type {Config} */ config, /** @type {Record<string, Matrix>} */ weights) {
    this.config = config;
    this.weights = weights;
  }

  /** Decode a source in `outLen` steps, greedily or with teacher forcing.

      With `decoderInput` [T], the decoder is fed these T symbols (teacher forcing). Otherwise, it is fed its own
      output, in which the symbols in `forced`, { step: symbol }, replace the likeliest ones. If `toEnd`, decoding stops
      after END. `encoded` is the result of `encode` if this has already been computed. Returns `encoded` and the steps.
      @type {(source: number[], outLen: number, options?: RunOptions) => { encoded: Encoded, steps: Step[] }} */
  run(source, outLen, { decoderInput, forced = {}, toEnd = false, encoded = this.encode([source]) } = {}) {
    const { go } = this.config;
    /** @type {Step[]} */
    const steps = [];
    for (let t = 0; t < (decoderInput?.length ?? outLen); t++) {
      const fed = decoderInput?.[t] ?? steps[t - 1]?.written ?? go; // y_0 is GO
      const step = this.step([fed], steps[t - 1] ?? encoded, encoded);
      const symbol = argmax(step.logits);
      const written = forced[t] ?? symbol;
      steps.push({ ...step, fed, symbol, written });
      if (toEnd && written === go) break;
    }
    return { encoded, steps };
  }

  /** Encode sources [B][S]. Returns the memory, which is S matrices [B, M], its keys W_k m [B, H] (null without
      attention), and the decoder's initial state. Also returns the cells [S][layer], in both directions if the encoder
      is bidirectional (Schuster and Paliwal 1997).
      @type {(sources: number[][]) => Encoded} */
  encode(sources) {
    const { num_layers: layers, bidirectional, has_attention, states: names } = this.config;
    const inputs = sources[0].map((_, s) => sources.map((source) => source[s])); // [S][B]
    let memory = inputs.map((symbols) => rows(this.weights["encoder/embedding"], symbols)); // e [B, E]; later [B, M]
    /** @type {State[]} */
    const states = [];
    /** @type {Cell[][]} */
    const cells = inputs.map(() => []);
    /** @type {Cell[][]} */
    const backwardCells = inputs.map(() => []);
    for (let layer = 0; layer < layers; layer++) {
      const forward = this.runOver(`encoder/layer_${layer}`, memory);
      forward.forEach((cell, s) => cells[s].push(cell));
      const outputs = forward.map((cell) => last(cell.state));
      states.push(last(forward).state);
      if (bidirectional) {
        const backward = this.runOver(`encoder/backward/layer_${layer}`, memory.toReversed()).reverse();
        backward.forEach((cell, s) => backwardCells[s].push(cell));
        memory = outputs.map((output, s) => concatenate(output, last(backward[s].state)));
        const ends = names.map((_, i) => concatenate(states[layer][i], backward[0].state[i]));
        states[layer] = ends.map((end, i) => this.dense(`encoder/bridge_${layer}_${names[i]}`, end));
      } else memory = outputs;
    }
    const keys = has_attention ? memory.map((m) => affine(m, this.weights["decoder/attention/key/kernel"])) : null;
    return { memory, keys, states, context: zeros(memory[0].rows, memory[0].columns), cells, backwardCells }; // a_0 is 0
  }

  /** Run one decoder step, which is fed the symbols [B]. Returns the next state, the logits [B, V] and α [B, S].
      @type {(fed: number[], before: DecoderState, encoded: Encoded) => DecoderStep} */
  step(fed, { states: before, context }, { memory, keys }) {
    const d = rows(this.weights["decoder/embedding"], fed); // d_t [B, E]
    let x = keys ? this.dense("decoder/input", concatenate(d, context)) : d;
    const cells = before.map((state, layer) => {
      const cell = this.runCell(`decoder/layer_${layer}`, x, state);
      x = last(cell.state);
      return cell;
    });
    const states = cells.map((cell) => cell.state);
    if (keys === null) return { states, cells, context, alpha: null, logits: this.dense("decoder/projection", x) };
    const query = this.dense("decoder/attention/query", concatenate(...states.flat())); // [B, H]
    const attended = attend(keys, memory, query, this.weights["decoder/attention/score"]);
    const all = concatenate(this.dense("decoder/projection", x), attended.context);
    return { states, cells, ...attended, query, logits: this.dense("decoder/output", all) };
  }

  /** Run a cell over inputs [S], starting from a zero state. Returns the cell at every input.
      @type {(name: string, inputs: Matrix[]) => Cell[]} */
  runOver(name, inputs) {
    const zero = this.config.states.map(() => zeros(inputs[0].rows, this.config.cell_size));
    /** @type {Cell[]} */
    const cells = [];
    for (const x of inputs) cells.push(this.runCell(name, x, cells.at(-1)?.state ?? zero));
    return cells;
  }

  /** Run a cell for one step on x, an embedding [B, E] or the output of the layer below.
      @type {(name: string, x: Matrix, state: State) => Cell} */
  runCell(name, x, state) {
    const U = this.weights[`${name}/recurrent_kernel`];
    const next = EQUATIONS[this.config.cell_type](this.dense(name, x), state, U);
    const gates = Object.fromEntries(this.config.gates.map((gate, i) => [gate, next.gates[i]]));
    return { state: next.state, gates, x, previous: state };
  }

  /** Return x W + b.
      @type {(name: string, x: Matrix) => Matrix} */
  dense(name, x) {
    return affine(x, this.weights[`${name}/kernel`], this.weights[`${name}/bias`]);
  }
}

/** Decode weights. `numbers` is the base64 encoding of 16-bit or 8-bit integers. It contains one array after another;
    each array is multiplied by its scale. `shapes` is [[name, shape], …]. Returns the matrices by name; a bias becomes
    a matrix with one row.
    @type {(stored: StoredWeights, shapes: [string, number[]][]) => Record<string, Matrix>} */
export function decodeWeights({ scales, numbers, bits = 16 }, shapes) {
  const text = atob(numbers);
  const bytes = new Uint8Array(text.length);
  for (let i = 0; i < text.length; i++) bytes[i] = text.charCodeAt(i); // ten times faster than Uint8Array.from
  const all = bits === 8 ? new Int8Array(bytes.buffer) : new Int16Array(bytes.buffer);
  let start = 0;
  const decoded = shapes.map(([name, shape], i) => {
    const weights = zeros(shape.length > 1 ? shape[0] : 1, last(shape));
    for (let k = 0; k < weights.length; k++) weights[k] = all[start + k] * scales[i];
    start += weights.length;
    return [name, weights];
  });
  return Object.fromEntries(decoded);
}
