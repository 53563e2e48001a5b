/* The alignment of an answer with its target. */

/** @typedef {"right" | "wrong" | "extra"} Kind
    @typedef {{ kinds: Kind[], targetIndex: number[], missing: number[][], right: number, edits: number }} Alignment */

/** Align an answer with its target at the least edit distance (Levenshtein 1966). Among alignments with this
    distance, prefer one in which the extra symbols were forced.

    Returns, per answer symbol, `kinds` ("right", "wrong" or "extra") and `targetIndex`; `missing` [answer.length + 1],
    the target symbols missing before each answer symbol and at the end; `edits`, the edit distance; and `right`, the
    number of right symbols.
    @type {(answer: number[], target: number[], isForced?: (t: number) => boolean) => Alignment} */
export function align(answer, target, isForced = () => false) {
  const cost = editCosts(answer, target, isForced);
  /** @type {[Kind[], number[], number[][]]} */
  const [kinds, targetIndex, missing] = [[], [], Array.from({ length: answer.length + 1 }, () => [])];
  let [t, j] = [0, 0];
  while (t < answer.length || j < target.length) {
    const pairCost = substitutionCost(answer, target, t, j) + (cost[t + 1]?.[j + 1] ?? Infinity);
    if (pairCost <= cost[t][j]) {
      targetIndex.push(j);
      kinds.push(answer[t++] === target[j++] ? "right" : "wrong");
    } else if (t < answer.length && extraCost(isForced, t) + cost[t + 1][j] <= cost[t][j]) {
      targetIndex.push(j);
      kinds.push("extra");
      t++;
    } else {
      missing[t].push(target[j++]);
    }
  }
  return withCounts(kinds, targetIndex, missing);
}

/** Compare an answer with its target position by position. Returns the same object as `align`; only symbols beyond the
    end of the shorter sequence are extra or missing.
    @type {(answer: number[], target: number[]) => Alignment} */
export function alignByPosition(answer, target) {
  const kinds = answer.map((symbol, t) => (t >= target.length ? "extra" : symbol === target[t] ? "right" : "wrong"));
  const targetIndex = answer.map((_, t) => Math.min(t, target.length));
  const missing = [...answer.map(() => []), target.slice(answer.length)];
  return withCounts(kinds, targetIndex, missing);
}

/** @type {(kinds: Kind[], targetIndex: number[], missing: number[][]) => Alignment} */
function withCounts(kinds, targetIndex, missing) {
  const right = kinds.filter((kind) => kind === "right").length;
  const edits = kinds.length - right + missing.flat().length;
  return { kinds, targetIndex, missing, right, edits };
}

/** @type {(isForced: (t: number) => boolean, t: number) => number} */
const extraCost = (isForced, t) => (isForced(t) ? 0.999 : 1);

/** @type {(answer: number[], target: number[], t: number, j: number) => number} */
function substitutionCost(answer, target, t, j) {
  if (t >= answer.length || j >= target.length) return Infinity;
  return answer[t] === target[j] ? 0 : 1;
}

/** Return the edit costs [T + 1][J + 1] between answer[t…] and target[j…].
    @type {(answer: number[], target: number[], isForced: (t: number) => boolean) => number[][]} */
function editCosts(answer, target, isForced) {
  const [T, J] = [answer.length, target.length];
  const cost = Array.from({ length: T + 1 }, () => new Array(J + 1).fill(0));
  for (let t = T; t >= 0; t--) {
    for (let j = J; j >= 0; j--) {
      if (t === T || j === J) cost[t][j] = t < T ? cost[t + 1][j] + extraCost(isForced, t) : J - j;
      else
        cost[t][j] = Math.min(
          cost[t + 1][j + 1] + substitutionCost(answer, target, t, j),
          cost[t + 1][j] + extraCost(isForced, t),
          cost[t][j + 1] + 1,
        );
    }
  }
  return cost;
}
