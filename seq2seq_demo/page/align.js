/* The alignment of an answer with its target. */

/** @typedef {"right" | "wrong" | "extra" | "swapped"} Kind
    @typedef {{ kinds: Kind[], targetIndex: number[], missing: number[][], swaps: number[], right: number,
      errors: number, edits: number }} Alignment */

/** Align an answer with its target by the fewest edits: extra, missing or wrong symbols, and swaps of two neighbours,
    each swap one edit (optimal string alignment). Among alignments with this number of edits, prefer right and wrong symbols
    to swaps, and these to extra and missing ones. If `wrong` is 2 and `swap` Infinity, as many symbols as possible are right,
    and those between them are wrong, extra or missing.

    Returns, per answer symbol, its kind and `targetIndex`; `missing` [answer.length + 1], the target symbols missing
    before each answer symbol and at the end; `swaps`, the first index of each swap; the numbers of `right` symbols, of
    `errors` (symbols that are not right, or missing), and of `edits`, which counts both symbols of a swap as one.
    @type {(answer: number[], target: number[], costs?: { wrong: number, swap: number }) => Alignment} */
export function align(answer, target, { wrong, swap } = { wrong: 1, swap: 1 }) {
  const [T, J] = [answer.length, target.length];
  const cost = Array.from({ length: T + 2 }, () => new Array(J + 2).fill(Infinity)); // of answer[t…] and target[j…]
  const areSwapped = (/** @type {number} */ t, /** @type {number} */ j) =>
    t + 1 < T && j + 1 < J && answer[t] !== answer[t + 1] && answer[t] === target[j + 1] && answer[t + 1] === target[j];
  /** The costs at (t, j) of a right or wrong symbol, a swap, an extra symbol, and a missing symbol. */
  const costs = (/** @type {number} */ t, /** @type {number} */ j) => [
    cost[t + 1][j + 1] + (answer[t] === target[j] ? 0 : wrong),
    areSwapped(t, j) ? cost[t + 2][j + 2] + swap : Infinity,
    cost[t + 1][j] + 1,
    cost[t][j + 1] + 1,
  ];
  for (let t = T; t >= 0; t--) {
    for (let j = J; j >= 0; j--) cost[t][j] = t === T && j === J ? 0 : Math.min(...costs(t, j));
  }
  /** @type {[Kind[], number[], number[][], number[]]} */
  const [kinds, targetIndex, missing, swaps] = [[], [], Array.from({ length: T + 1 }, () => []), []];
  let [t, j] = [0, 0];
  while (t < T || j < J) {
    const choice = costs(t, j).indexOf(cost[t][j]);
    if (choice === 1) {
      swaps.push(t);
      kinds.push("swapped", "swapped");
      targetIndex.push(j, j + 1);
      [t, j] = [t + 2, j + 2];
    } else if (choice === 3) missing[t].push(target[j++]);
    else {
      targetIndex.push(j);
      kinds.push(choice === 2 ? "extra" : answer[t] === target[j] ? "right" : "wrong");
      [t, j] = [t + 1, choice === 2 ? j : j + 1];
    }
  }
  return withCounts({ kinds, targetIndex, missing, swaps });
}

/** Compare an answer with its target position by position. Returns the same object as `align`; only symbols beyond the
    end of the shorter sequence are extra or missing. */
export function alignByPosition(/** @type {number[]} */ answer, /** @type {number[]} */ target) {
  const kinds = answer.map((symbol, t) => (t >= target.length ? "extra" : symbol === target[t] ? "right" : "wrong"));
  const targetIndex = answer.map((_, t) => Math.min(t, target.length));
  const missing = [...answer.map(() => []), target.slice(answer.length)];
  return withCounts({ kinds, targetIndex, missing, swaps: [] });
}

function withCounts(/** @type {Omit<Alignment, "right" | "errors" | "edits">} */ aligned) {
  const { kinds, missing, swaps } = aligned;
  const right = kinds.filter((kind) => kind === "right").length;
  const errors = kinds.length - right + missing.flat().length;
  return { ...aligned, right, errors, edits: errors - swaps.length };
}
