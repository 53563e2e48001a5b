/* Operations on matrices that also compute gradients while a tape records (reverse-mode differentiation).

   B is the size of the batch, S the length of the sources, H and M the widths of a query and of the memory, V the number of
   output symbols. */

const NONE = new Float32Array(0);

/** The backward passes of the operations so far; null unless a tape records.
    @type {(() => void)[] | null} */
let tape = null;

/** A matrix [rows, columns]: its numbers in row-major order. `gradient`, that of the loss, has the same order; it is empty
    unless a tape recorded the matrix or it got one.
    @typedef {Float32Array & { rows: number, columns: number, gradient: Float32Array }} Matrix */

/** Return a matrix of zeros. (A class of its own would be slower: V8 does not optimize functions that use it.)
    @type {(rows: number, columns: number) => Matrix} */
export function zeros(rows, columns) {
  const x = /** @type {Matrix} */ (new Float32Array(rows * columns));
  x.rows = rows;
  x.columns = columns;
  x.gradient = tape ? new Float32Array(rows * columns) : NONE;
  return x;
}

/** Return the result of `forward`, and add the gradients of its loss, the sum of its `crossEntropy`, to all matrices that it
    used. A matrix that was made before needs a `gradient` of its length.
    @type {<T>(forward: () => T) => T} */
export function differentiate(forward) {
  tape = [];
  try {
    const result = forward();
    for (const backward of tape.reverse()) backward();
    return result;
  } finally {
    tape = null;
  }
}

/** Part of a matrix, or its transpose: the number (i, j) is data[start + i * row + j * column].
    @typedef {{ data: Float32Array, start: number, rows: number, columns: number, row: number, column: number }} View */

/** Return the columns start…end − 1 of a matrix or, if that is `data`, of its gradient.
    @type {(x: Matrix, data?: Float32Array, start?: number, end?: number) => View} */
const view = (x, data = x, start = 0, end = x.columns) => ({
  data,
  start,
  rows: x.rows,
  columns: end - start,
  row: x.columns,
  column: 1,
});

/** @type {(view: View) => View} */
const transposed = ({ data, start, rows, columns, row, column }) => ({
  data,
  start,
  rows: columns,
  columns: rows,
  row: column,
  column: row,
});

/** Add the product of a [n, k] and b [k, m] to c [n, m], in blocks of 4 × 2 sums. */
function addProduct(/** @type {View} */ c, /** @type {View} */ a, /** @type {View} */ b) {
  const { data: A, row: aRow, column: aColumn, columns: k } = a;
  const { data: B, row: bRow, column: bColumn } = b;
  const { data: C, row: cRow, column: cColumn, rows: n, columns: m } = c;
  const [nBlocked, mBlocked] = [n - (n % 4), m - (m % 2)];
  for (let i = 0; i < nBlocked; i += 4) {
    for (let j = 0; j < mBlocked; j += 2) {
      let p = a.start + i * aRow;
      let q = b.start + j * bColumn;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      let s20 = 0;
      let s21 = 0;
      let s30 = 0;
      let s31 = 0;
      for (let l = 0; l < k; l++) {
        const x = B[q];
        const y = B[q + bColumn];
        const a0 = A[p];
        const a1 = A[p + aRow];
        const a2 = A[p + 2 * aRow];
        const a3 = A[p + 3 * aRow];
        s00 += a0 * x;
        s01 += a0 * y;
        s10 += a1 * x;
        s11 += a1 * y;
        s20 += a2 * x;
        s21 += a2 * y;
        s30 += a3 * x;
        s31 += a3 * y;
        p += aColumn;
        q += bRow;
      }
      const to = c.start + i * cRow + j * cColumn;
      C[to] += s00;
      C[to + cColumn] += s01;
      C[to + cRow] += s10;
      C[to + cRow + cColumn] += s11;
      C[to + 2 * cRow] += s20;
      C[to + 2 * cRow + cColumn] += s21;
      C[to + 3 * cRow] += s30;
      C[to + 3 * cRow + cColumn] += s31;
    }
  }
  addRows(c, a, b, 0, nBlocked, mBlocked);
  addRows(c, a, b, nBlocked, n, 0);
}

/** Add the rows first…end − 1 of the product of a and b to c, from a column on, in blocks of 4 sums.
    @type {(c: View, a: View, b: View, first: number, end: number, fromColumn: number) => void} */
function addRows(c, a, b, first, end, fromColumn) {
  const { data: A, row: aRow, column: aColumn, columns: k } = a;
  const { data: B, row: bRow, column: bColumn } = b;
  const { data: C, row: cRow, column: cColumn, columns: m } = c;
  for (let i = first; i < end; i++) {
    let j = fromColumn;
    for (; j + 4 <= m; j += 4) {
      let s0 = 0;
      let s1 = 0;
      let s2 = 0;
      let s3 = 0;
      for (let l = 0, p = a.start + i * aRow, q = b.start + j * bColumn; l < k; l++, p += aColumn, q += bRow) {
        const factor = A[p];
        s0 += factor * B[q];
        s1 += factor * B[q + bColumn];
        s2 += factor * B[q + 2 * bColumn];
        s3 += factor * B[q + 3 * bColumn];
      }
      const to = c.start + i * cRow + j * cColumn;
      C[to] += s0;
      C[to + cColumn] += s1;
      C[to + 2 * cColumn] += s2;
      C[to + 3 * cColumn] += s3;
    }
    for (; j < m; j++) {
      let sum = 0;
      for (let l = 0; l < k; l++) sum += A[a.start + i * aRow + l * aColumn] * B[b.start + l * bRow + j * bColumn];
      C[c.start + i * cRow + j * cColumn] += sum;
    }
  }
}

/** Return x [B, k] times the columns start…end − 1 of W [k, m].
    @type {(x: Matrix, W: Matrix, start?: number, end?: number) => Matrix} */
export function times(x, W, start = 0, end = W.columns) {
  const y = zeros(x.rows, end - start);
  addProduct(view(y), view(x), view(W, W, start, end));
  tape?.push(() => {
    addProduct(view(x, x.gradient), view(y, y.gradient), transposed(view(W, W, start, end)));
    addProduct(view(W, W.gradient, start, end), transposed(view(x)), view(y, y.gradient));
  });
  return y;
}

/** Return x + y. If y has one row, it is added to each row of x.
    @type {(x: Matrix, y: Matrix) => Matrix} */
export function plus(x, y) {
  const z = zeros(x.rows, x.columns);
  const n = y.length; // z[i] = x[i] + y[i % n]
  for (let from = 0; from < z.length; from += n) for (let i = 0; i < n; i++) z[from + i] = x[from + i] + y[i];
  tape?.push(() => {
    for (let from = 0; from < z.length; from += n) {
      for (let i = 0; i < n; i++) {
        x.gradient[from + i] += z.gradient[from + i];
        y.gradient[i] += z.gradient[from + i];
      }
    }
  });
  return z;
}

/** Return x · y, number by number.
    @type {(x: Matrix, y: Matrix) => Matrix} */
export function product(x, y) {
  const z = zeros(x.rows, x.columns);
  for (let i = 0; i < z.length; i++) z[i] = x[i] * y[i];
  tape?.push(() => {
    for (let i = 0; i < z.length; i++) {
      x.gradient[i] += z.gradient[i] * y[i];
      y.gradient[i] += z.gradient[i] * x[i];
    }
  });
  return z;
}

/** Return an operation that applies a function to each number; `slope` is its derivative, given its result.
    @type {(f: (x: number) => number, slope: (y: number) => number) => (x: Matrix) => Matrix} */
const elementwise = (f, slope) => (x) => {
  const y = zeros(x.rows, x.columns);
  for (let i = 0; i < y.length; i++) y[i] = f(x[i]);
  tape?.push(() => {
    for (let i = 0; i < y.length; i++) x.gradient[i] += y.gradient[i] * slope(y[i]);
  });
  return y;
};

export const tanh = elementwise(Math.tanh, (y) => 1 - y * y);
export const sigmoid = elementwise(
  (x) => 0.5 * Math.tanh(0.5 * x) + 0.5,
  (y) => y * (1 - y),
);
/** 1 − x */
export const complement = elementwise(
  (x) => 1 - x,
  () => -1,
);

/** Return the columns start…end − 1 of x.
    @type {(x: Matrix, start: number, end: number) => Matrix} */
export function columns(x, start, end) {
  const y = zeros(x.rows, end - start);
  add(view(y), view(x, x, start, end));
  tape?.push(() => add(view(x, x.gradient, start, end), view(y, y.gradient)));
  return y;
}

/** Return matrices side by side.
    @type {(...parts: Matrix[]) => Matrix} */
export function concatenate(...parts) {
  const ends = parts.map((_, i) => parts.slice(0, i + 1).reduce((sum, part) => sum + part.columns, 0));
  const y = zeros(parts[0].rows, ends[ends.length - 1]);
  parts.forEach((part, i) => {
    const start = ends[i] - part.columns;
    add(view(y, y, start, ends[i]), view(part));
    tape?.push(() => add(view(part, part.gradient), view(y, y.gradient, start, ends[i])));
  });
  return y;
}

/** Add a to c, which has the same shape. */
function add(/** @type {View} */ c, /** @type {View} */ a) {
  for (let i = 0; i < c.rows; i++) {
    const [to, from] = [c.start + i * c.row, a.start + i * a.row];
    for (let j = 0; j < c.columns; j++) c.data[to + j] += a.data[from + j];
  }
}

/** Return the rows of x with these indices.
    @type {(x: Matrix, indices: number[]) => Matrix} */
export function rows(x, indices) {
  const y = zeros(indices.length, x.columns);
  indices.forEach((index, b) => y.set(x.subarray(index * x.columns, (index + 1) * x.columns), b * x.columns));
  tape?.push(() => {
    indices.forEach((index, b) => {
      for (let i = 0; i < x.columns; i++) x.gradient[index * x.columns + i] += y.gradient[b * x.columns + i];
    });
  });
  return y;
}

/** Return exp(x) / Σ exp(x).
    @type {(x: Float32Array | number[]) => Float32Array<ArrayBuffer>} */
export function softmax(x) {
  const largest = Math.max(...x);
  const exp = Float64Array.from(x, (value) => Math.exp(value - largest));
  const sum = exp.reduce((a, b) => a + b);
  return Float32Array.from(exp, (value) => value / sum);
}

/** Attend with a query [B, H] to memory rows m_s [B, M], whose keys are [B, H] (Bahdanau et al. 2015): u = v · tanh(key +
    query), α = softmax(u), the context is Σ α m. Returns the context [B, M], α [B, S] and u [B, S].
    @type {(keys: Matrix[], memory: Matrix[], query: Matrix, v: Matrix) => { context: Matrix, alpha: Matrix, u: Matrix }} */
export function attend(keys, memory, query, v) {
  const [B, S, H, M] = [query.rows, keys.length, query.columns, memory[0].columns];
  const [context, alpha, u] = [zeros(B, M), zeros(B, S), zeros(B, S)];
  const hidden = keys.map(() => new Float32Array(B * H)); // tanh(key + query)
  for (let b = 0; b < B; b++) {
    for (let s = 0; s < S; s++) {
      let sum = 0;
      for (let i = b * H, k = 0; k < H; i++, k++) {
        hidden[s][i] = Math.tanh(keys[s][i] + query[i]);
        sum += v[k] * hidden[s][i];
      }
      u[b * S + s] = sum;
    }
    alpha.set(softmax(u.subarray(b * S, b * S + S)), b * S);
    for (let i = b * M; i < b * M + M; i++) {
      let sum = 0;
      for (let s = 0; s < S; s++) sum += alpha[b * S + s] * memory[s][i];
      context[i] = sum;
    }
  }
  tape?.push(() => {
    for (let b = 0; b < B; b++) {
      const slopes = memory.map((row, s) => {
        let slope = 0; // of α
        for (let i = b * M; i < b * M + M; i++) {
          slope += context.gradient[i] * row[i];
          row.gradient[i] += alpha[b * S + s] * context.gradient[i];
        }
        return slope;
      });
      const mean = slopes.reduce((sum, slope, s) => sum + slope * alpha[b * S + s], 0);
      keys.forEach((key, s) => {
        const slope = alpha[b * S + s] * (slopes[s] - mean); // of u
        for (let i = b * H, k = 0; k < H; i++, k++) {
          const y = hidden[s][i];
          const inner = slope * v[k] * (1 - y * y);
          v.gradient[k] += slope * y;
          key.gradient[i] += inner;
          query.gradient[i] += inner;
        }
      });
    }
  });
  return { context, alpha, u };
}

/** Return the mean cross-entropy of logits [B, V] and targets [B], times `share`.
    @type {(logits: Matrix, targets: number[], share?: number) => number} */
export function crossEntropy(logits, targets, share = 1) {
  const { rows: B, columns: V } = logits;
  const row = (/** @type {number} */ b) => logits.subarray(b * V, b * V + V);
  tape?.push(() => {
    targets.forEach((target, b) => {
      const p = softmax(row(b));
      p[target] -= 1;
      for (let k = 0; k < V; k++) logits.gradient[b * V + k] += (p[k] * share) / B;
    });
  });
  return (share / B) * targets.reduce((sum, target, b) => sum + logTotal(row(b)) - row(b)[target], 0);
}

/** Return log Σ exp(x). */
export function logTotal(/** @type {Float32Array} */ x) {
  const largest = Math.max(...x);
  return largest + Math.log(x.reduce((sum, value) => sum + Math.exp(value - largest), 0));
}
