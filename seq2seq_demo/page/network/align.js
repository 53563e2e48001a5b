/* The alignment of an answer with its target. */

/** @typedef {"right" | "wrong" | "extra"} Kind
    @typedef {{ kinds: Kind[], targetIndex: number[], missing: number[][], right: number, edits: number }} Alignment */

/** Align an answer with its target using as few edits as possible (Levenshtein 1966), as in data/sequences.py. Among
    alignments with equally few edits, prefer right and wrong symbols to extra ones, and extra ones to missing ones.

    Returns the kind and the `targetIndex` of each answer symbol, and the numbers of `right` symbols and of `edits`.
    `missing` [answer.length + 1] lists the target symbols that are missing before each answer symbol and at the end.
    @type {(answer: number[], target: number[]) => Alignment} */
export function align(answer, target) {
  const [T, J] = [answer.length, target.length];
  // cost[t][j] is the number of edits that align answer[t…] with target[j…]
  const cost = Array.from({ length: T + 2 }, () => new Array(J + 2).fill(Infinity));
  /** Return the costs at (t, j) of a right or wrong symbol, an extra symbol, and a missing symbol. */
  const costs = (/** @type {number} */ t, /** @type {number} */ j) => [
    cost[t + 1][j + 1] + (answer[t] === target[j] ? 0 : 1),
    cost[t + 1][j] + 1,
    cost[t][j + 1] + 1,
  ];
  for (let t = T; t >= 0; t--)
    for (let j = J; j >= 0; j--) cost[t][j] = t === T && j === J ? 0 : Math.min(...costs(t, j));
  /** @type {Kind[]} */
  const kinds = [];
  /** @type {number[]} */
  const targetIndex = [];
  /** @type {number[][]} */
  const missing = Array.from({ length: T + 1 }, () => []);
  let [t, j] = [0, 0];
  while (t < T || j < J) {
    const choice = costs(t, j).indexOf(cost[t][j]);
    if (choice === 2) {
      missing[t].push(target[j++]);
      continue;
    }
    targetIndex.push(j);
    kinds.push(choice === 1 ? "extra" : answer[t] === target[j] ? "right" : "wrong");
    [t, j] = [t + 1, choice === 1 ? j : j + 1];
  }
  return withCounts(kinds, targetIndex, missing);
}

/** Compare an answer with its target position by position. Returns an alignment, as `align` does, but only symbols
    beyond the end of the shorter sequence are extra or missing. */
export function alignByPosition(/** @type {number[]} */ answer, /** @type {number[]} */ target) {
  const kinds = answer.map((symbol, t) => (t >= target.length ? "extra" : symbol === target[t] ? "right" : "wrong"));
  const targetIndex = answer.map((_, t) => Math.min(t, target.length));
  return withCounts(kinds, targetIndex, [...answer.map(() => []), target.slice(answer.length)]);
}

/** @type {(kinds: Kind[], targetIndex: number[], missing: number[][]) => Alignment} */
function withCounts(kinds, targetIndex, missing) {
  const right = kinds.filter((kind) => kind === "right").length;
  return { kinds, targetIndex, missing, right, edits: kinds.length - right + missing.flat().length };
}
