/* Operations on matrices. While `differentiate` runs, they record how to go back through them to the gradients. */

export const NONE = new Float32Array(0);

/** The backward passes of the operations so far; null unless `differentiate` is running.
    @type {(() => void)[] | null} */
let tape = null;

/** A matrix [rows, columns], in row-major order. `gradient` is the gradient of the loss, in the same order; it is empty
    unless the matrix was created in `differentiate` or its owner set it. If the matrix consists of rows of another
    matrix, `origin` contains that matrix and the indices of the rows.
    @typedef {Float32Array & { rows: number, columns: number, gradient: Float32Array,
      origin: { matrix: Matrix, indices: number[] } | null }} Matrix */

/** Return a matrix of zeros. A class would be slower, because V8 does not optimise functions that use it. Here and in
    `view`, `| 0` makes sizes integers, because V8 makes all matrices slow if a single size is stored as a double.
    @type {(rows: number, columns: number) => Matrix} */
export function zeros(rows, columns) {
  const x = /** @type {Matrix} */ (new Float32Array(rows * columns));
  x.rows = rows | 0;
  x.columns = columns | 0;
  x.gradient = tape ? new Float32Array(rows * columns) : NONE;
  x.origin = null;
  return x;
}

/** Run `forward`, add the gradients of its loss to all matrices that it used, and return its result. The loss is the
    sum of all results of `crossEntropy`. A matrix that was created earlier needs a `gradient` of the same length.
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

/** Part of a matrix, or the transpose of part of a matrix: the number (i, j) is data[start + i * row + j * column].
    @typedef {{ data: Float32Array, start: number, rows: number, columns: number, row: number, column: number }} View */

/** Return the columns start…end − 1 of a matrix or, if `data` is its gradient, of the gradient.
    @type {(x: Matrix, data?: Float32Array, start?: number, end?: number) => View} */
function view(x, data = x, start = 0, end = x.columns) {
  return { data, start: start | 0, rows: x.rows, columns: (end - start) | 0, row: x.columns, column: 1 };
}

/** @type {(view: View) => View} */
function transposed({ data, start, rows, columns, row, column }) {
  return { data, start, rows: columns, columns: rows, row: column, column: row };
}

let packed = new Float64Array(0); // four rows of a, stored column by column to make reading faster

/** Add the product of a [n, k] and b [k, m] to c [n, m], in blocks of 4 × 2 sums. */
function addProduct(/** @type {View} */ c, /** @type {View} */ a, /** @type {View} */ b) {
  const { data: A, row: aRow, column: aColumn, columns: k } = a;
  const { data: B, row: bRow, column: bColumn } = b;
  const { data: C, row: cRow, column: cColumn, rows: n, columns: m } = c;
  if (packed.length < 4 * k) packed = new Float64Array(4 * k);
  const P = packed;
  const blocked = n - (n % 4);
  for (let i = 0; i < blocked; i += 4) {
    for (let l = 0, from = a.start + i * aRow; l < 4 * k; l += 4, from += aColumn) {
      P[l] = A[from];
      P[l + 1] = A[from + aRow];
      P[l + 2] = A[from + 2 * aRow];
      P[l + 3] = A[from + 3 * aRow];
    }
    for (let j = 0; j < m; j += 2) {
      const next = j + 1 < m ? bColumn : 0; // if the number of columns is odd, the last block is 4 × 1
      let q = b.start + j * bColumn;
      let s00 = 0;
      let s01 = 0;
      let s10 = 0;
      let s11 = 0;
      let s20 = 0;
      let s21 = 0;
      let s30 = 0;
      let s31 = 0;
      for (let l = 0; l < 4 * k; l += 4) {
        const x = B[q];
        const y = B[q + next];
        const a0 = P[l];
        const a1 = P[l + 1];
        const a2 = P[l + 2];
        const a3 = P[l + 3];
        s00 += a0 * x;
        s01 += a0 * y;
        s10 += a1 * x;
        s11 += a1 * y;
        s20 += a2 * x;
        s21 += a2 * y;
        s30 += a3 * x;
        s31 += a3 * y;
        q += bRow;
      }
      const to = c.start + i * cRow + j * cColumn;
      C[to] += s00;
      C[to + cRow] += s10;
      C[to + 2 * cRow] += s20;
      C[to + 3 * cRow] += s30;
      if (j + 1 === m) break;
      C[to + cColumn] += s01;
      C[to + cRow + cColumn] += s11;
      C[to + 2 * cRow + cColumn] += s21;
      C[to + 3 * cRow + cColumn] += s31;
    }
  }
  if (blocked === n) return;
  const [restOfC, restOfA] = [c, a].map((x) => ({ ...x, start: x.start + blocked * x.row, rows: n - blocked }));
  if (m >= 4) addProduct(transposed(restOfC), transposed(b), transposed(restOfA));
  else
    for (let i = blocked; i < n; i++)
      for (let j = 0; j < m; j++)
        for (let l = 0; l < k; l++)
          C[c.start + i * cRow + j * cColumn] +=
            A[a.start + i * aRow + l * aColumn] * B[b.start + l * bRow + j * bColumn];
}

/** Return the columns start…end − 1 of x W + b, where x is [B, k] and W is [k, m]. `b` is optional; it has one row or B
    rows.
    @type {(x: Matrix, W: Matrix, b?: Matrix | null, start?: number, end?: number) => Matrix} */
export function affine(x, W, b = null, start = 0, end = W.columns) {
  if (x.origin) {
    const { matrix, indices } = x.origin;
    const different = [...new Set(indices)];
    if (different.length < indices.length) {
      const products = affine(rows(matrix, different), W, b, start, end); // equal rows are multiplied only once
      const positions = indices.map((index) => different.indexOf(index));
      return rows(products, positions);
    }
  }
  const y = zeros(x.rows, end - start);
  if (b) add(view(y), spread(view(b, b, start, end), x.rows));
  addProduct(view(y), view(x), view(W, W, start, end));
  tape?.push(() => {
    const dy = view(y, y.gradient);
    addProduct(view(x, x.gradient), dy, transposed(view(W, W, start, end)));
    addProduct(view(W, W.gradient, start, end), transposed(view(x)), dy);
    if (b) add(spread(view(b, b.gradient, start, end), x.rows), dy);
  });
  return y;
}

/** Return a view with `rows` rows; if the given view has only one row, that row is repeated.
    @type {(view: View, rows: number) => View} */
const spread = (view, rows) => (view.rows === rows ? view : { ...view, rows, row: 0 });

/** Return x + y, element by element.
    @type {(x: Matrix, y: Matrix) => Matrix} */
export function plus(x, y) {
  const z = zeros(x.rows, x.columns);
  addTo(z, x);
  addTo(z, y);
  return z;
}

/** Add x to the columns of y from `start` on; y is zero there. */
function addTo(/** @type {Matrix} */ y, /** @type {Matrix} */ x, start = 0) {
  const end = start + x.columns;
  add(view(y, y, start, end), view(x));
  tape?.push(() => add(view(x, x.gradient), view(y, y.gradient, start, end)));
}

/** Return x · y, element by element.
    @type {(x: Matrix, y: Matrix) => Matrix} */
export function product(x, y) {
  const z = zeros(x.rows, x.columns);
  for (let i = 0; i < z.length; i++) z[i] = x[i] * y[i];
  tape?.push(() => {
    const [dx, dy, dz] = [x.gradient, y.gradient, z.gradient];
    for (let i = 0; i < dz.length; i++) {
      dx[i] += dz[i] * y[i];
      dy[i] += dz[i] * x[i];
    }
  });
  return z;
}

/** @typedef {(x: Matrix, start?: number, end?: number) => Matrix} Activation A function of the columns start…end − 1 of x. */

/** @type {Activation} */
export const tanh = (x, start = 0, end = x.columns) => scaledTanh(x, 1, start, end);

/** σ(x) = ½ tanh(½x) + ½
    @type {Activation} */
export const sigmoid = (x, start = 0, end = x.columns) => scaledTanh(x, 0.5, start, end);

/** Return a tanh(ax) + 1 − a for the columns start…end − 1 of x, element by element.
    @type {(x: Matrix, a: number, start: number, end: number) => Matrix} */
function scaledTanh(x, a, start, end) {
  const y = zeros(x.rows, end - start);
  for (let b = 0, i = 0; b < y.rows; b++)
    for (let j = b * x.columns + start; j < b * x.columns + end; j++, i++) y[i] = a * tanhOf(a * x[j]) + 1 - a;
  tape?.push(() => {
    const [dx, dy] = [x.gradient, y.gradient];
    for (let b = 0, i = 0; b < y.rows; b++)
      for (let j = b * x.columns + start; j < b * x.columns + end; j++, i++) {
        const t = y[i] + a - 1; // a tanh(ax)
        dx[j] += dy[i] * (a * a - t * t);
      }
  });
  return y;
}

/** Return tanh(x) as a quotient of polynomials (from Eigen's float version). The error is at most 3e-7, and the
    function takes half the time of Math.tanh. */
function tanhOf(/** @type {number} */ number) {
  const x = Math.max(-7.9, Math.min(number, 7.9));
  const s = x * x;
  let p = 2.00018790482477e-13 + s * -2.76076847742355e-16;
  p = 5.12229709037114e-8 + s * (-8.60467152213735e-11 + s * p);
  p = 4.89352455891786e-3 + s * (6.37261928875436e-4 + s * (1.48572235717979e-5 + s * p));
  const q = 2.268434632439e-3 + s * (1.18534705686654e-4 + s * 1.19825839466702e-6);
  return (x * p) / (4.89352518554385e-3 + s * q);
}

/** Return 1 − x, element by element. */
export function complement(/** @type {Matrix} */ x) {
  const y = zeros(x.rows, x.columns);
  for (let i = 0; i < y.length; i++) y[i] = 1 - x[i];
  tape?.push(() => {
    const [dx, dy] = [x.gradient, y.gradient];
    for (let i = 0; i < dy.length; i++) dx[i] -= dy[i];
  });
  return y;
}

/** Return a matrix that consists of the given matrices side by side.
    @type {(...parts: Matrix[]) => Matrix} */
export function concatenate(...parts) {
  const columns = parts.reduce((sum, part) => sum + part.columns, 0);
  const y = zeros(parts[0].rows, columns);
  let start = 0;
  for (const part of parts) {
    addTo(y, part, start);
    start += part.columns;
  }
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
  y.origin = { matrix: x, indices };
  tape?.push(() => {
    for (let b = 0, i = 0; b < y.rows; b++)
      for (let j = indices[b] * x.columns; i < (b + 1) * x.columns; i++, j++) x.gradient[j] += y.gradient[i];
  });
  return y;
}

/** Return exp(x) / Σ exp(x).
    @type {(x: Float32Array) => Float32Array} */
export const softmax = (x) => softmaxRow(x, 0, x.length, new Float32Array(x.length));

/** For the n numbers of x from `start` on, write exp(x) / Σ exp(x) to the same positions of y. Returns y.
    @type {(x: Float32Array, start: number, n: number, y: Float32Array) => Float32Array} */
function softmaxRow(x, start, n, y) {
  const total = logTotal(x, start, n);
  for (let i = start; i < start + n; i++) y[i] = Math.exp(x[i] - total);
  return y;
}

/** Return log Σ exp(x) over the n numbers of x from `start` on. */
export function logTotal(/** @type {Float32Array} */ x, start = 0, n = x.length) {
  let [largest, sum] = [-Infinity, 0];
  for (let i = start; i < start + n; i++) largest = Math.max(largest, x[i]);
  for (let i = start; i < start + n; i++) sum += Math.exp(x[i] - largest);
  return largest + Math.log(sum);
}

/** Attend with a query [B, H] to memory rows m_s [B, M] with keys [B, H] (Bahdanau et al. 2015): u = v · tanh(key +
    query), α = softmax(u), and the context is Σ α m. Returns the context [B, M], α [B, S] and u [B, S].
    @type {(keys: Matrix[], memory: Matrix[], query: Matrix, v: Matrix) => { context: Matrix, alpha: Matrix, u: Matrix }} */
export function attend(keys, memory, query, v) {
  const [B, S, H, M] = [query.rows, keys.length, query.columns, memory[0].columns];
  const [context, alpha, u] = [zeros(B, M), zeros(B, S), zeros(B, S)];
  const hidden = keys.map((key, s) => {
    const y = new Float32Array(B * H); // tanh(key + query)
    for (let b = 0, i = 0; b < B; b++) {
      let sum = 0;
      for (let k = 0; k < H; k++, i++) {
        y[i] = tanhOf(key[i] + query[i]);
        sum += v[k] * y[i];
      }
      u[b * S + s] = sum;
    }
    return y;
  });
  for (let b = 0; b < B; b++) softmaxRow(u, b * S, S, alpha);
  memory.forEach((row, s) => {
    for (let b = 0, i = 0; b < B; b++) {
      const weight = alpha[b * S + s];
      for (let k = 0; k < M; k++, i++) context[i] += weight * row[i];
    }
  });
  tape?.push(() => {
    const slopes = new Float32Array(B * S); // the gradient of α
    const means = new Float32Array(B); // the means of these slopes, weighted by α
    memory.forEach((row, s) => {
      const [dm, da] = [row.gradient, context.gradient];
      for (let b = 0, i = 0; b < B; b++) {
        const weight = alpha[b * S + s];
        let slope = 0;
        for (let k = 0; k < M; k++, i++) {
          slope += da[i] * row[i];
          dm[i] += weight * da[i];
        }
        slopes[b * S + s] = slope;
        means[b] += slope * weight;
      }
    });
    const [dv, dq] = [v.gradient, query.gradient];
    keys.forEach(({ gradient: dk }, s) => {
      const y = hidden[s];
      for (let b = 0, i = 0; b < B; b++) {
        const slope = alpha[b * S + s] * (slopes[b * S + s] - means[b]); // the gradient of u
        for (let k = 0; k < H; k++, i++) {
          const inner = slope * v[k] * (1 - y[i] * y[i]);
          dv[k] += slope * y[i];
          dk[i] += inner;
          dq[i] += inner;
        }
      }
    });
  });
  return { context, alpha, u };
}

/** Return the summed cross-entropy of logits [B, V] and targets [B], multiplied by `scale`. A target of −1 is padding.
    Label smoothing (Szegedy et al. 2016) changes only the gradient, as in training/steps.py.
    @type {(logits: Matrix, targets: number[], scale: number, smoothing?: number) => number} */
export function crossEntropy(logits, targets, scale, smoothing = 0) {
  const V = logits.columns;
  tape?.push(() => {
    const p = new Float32Array(logits.length);
    targets.forEach((target, b) => {
      if (target < 0) return;
      softmaxRow(logits, b * V, V, p)[b * V + target] -= 1 - smoothing;
      for (let i = b * V; i < b * V + V; i++) logits.gradient[i] += scale * (p[i] - smoothing / V);
    });
  });
  const loss = (/** @type {number} */ target, /** @type {number} */ b) =>
    target < 0 ? 0 : logTotal(logits, b * V, V) - logits[b * V + target];
  return scale * targets.reduce((sum, target, b) => sum + loss(target, b), 0);
}
