"use strict";
/* The errors in an answer: the alignment with its target, and their description in words. */

/** Align an answer with its target at the least edit distance (Levenshtein 1966). Among alignments with this
    distance, prefer one in which the extra symbols were forced.

    Returns, per answer symbol, `kinds` ("right", "wrong" or "extra") and `targetIndex`; `missing` [answer.length + 1],
    the target symbols missing before each answer symbol and at the end; `edits`, the edit distance; and `right`, the
    number of right symbols. */
function align(answer, target, isForced = () => false) {
  const cost = editCosts(answer, target, isForced);
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
    end of the shorter sequence are extra or missing. */
function alignByPosition(answer, target) {
  const kinds = answer.map((symbol, t) => (t >= target.length ? "extra" : symbol === target[t] ? "right" : "wrong"));
  const targetIndex = answer.map((_, t) => Math.min(t, target.length));
  const missing = [...answer.map(() => []), target.slice(answer.length)];
  return withCounts(kinds, targetIndex, missing);
}

function withCounts(kinds, targetIndex, missing) {
  const right = kinds.filter((kind) => kind === "right").length;
  const edits = kinds.length - right + missing.flat().length;
  return { kinds, targetIndex, missing, right, edits };
}

const extraCost = (isForced, t) => (isForced(t) ? 0.999 : 1);

function substitutionCost(answer, target, t, j) {
  if (t >= answer.length || j >= target.length) return Infinity;
  return answer[t] === target[j] ? 0 : 1;
}

/** Return the edit costs [T + 1][J + 1] between answer[t…] and target[j…]. */
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

/** Return a short label for the error at output t; "" if the output is right or no target is known. */
function errorLabel(run, t) {
  if (!run.isWrong(t)) return "";
  return run.kind(t) === "extra" ? "extra" : `not ${targetName(run, run.expectedAt(t))}`;
}

/** Describe the errors of a run: wrong, extra and missing symbols, each listed if there are at most three. */
function describeErrors(run) {
  const { alignment, expected, written, network } = run;
  const name = (symbol) => targetName(run, symbol);
  const outputs = (kind) => [...written.keys()].filter((t) => alignment.kinds[t] === kind);
  const output = (t) => name(written[t]) + (run.isOverridden(t) ? " (forced)" : "");
  const errors = {
    wrong: outputs("wrong").map((t) => `${output(t)} instead of ${name(run.expectedAt(t))}`),
    extra: outputs("extra").map(output),
    missing: alignment.missing.flat().map(name),
  };
  const parts = Object.entries(errors)
    .filter(([, list]) => list.length)
    .map(([kind, list]) => pluralize(list.length, `${kind} symbol`) + (list.length <= 3 ? `: ${list.join(", ")}` : ""));
  const { edits, right } = alignment;
  if (edits <= 3 && right > 0) parts.push("all others are right");
  else parts.push(`${right} of ${expected.length} are right${network.ends ? ", END included" : ""}`);
  return parts.join("; ");
}
