"use strict";
/* What is wrong in an answer: the fewest symbols to exchange, strike out or put in until it is the target. */

/** Align what was written with what was wanted (Levenshtein 1966). Of equally short ways, one that strikes out a symbol
    that was forced. Returned is, for each symbol written: what is the matter with it (`kinds`: "right", "instead",
    "extra"), the place in `wanted` that is due there (`due`), and the symbols that are left out before it (`missing`,
    which has one place more: at the end). `edits` counts what is wrong, `right` what is right. */
function align(written, wanted, isForced = () => false) {
  const cost = costs(written, wanted, isForced);
  const [kinds, due, missing] = [[], [], Array.from({ length: written.length + 1 }, () => [])];
  let [t, j] = [0, 0];
  while (t < written.length || j < wanted.length) {
    const exchange = exchangeCost(written, wanted, t, j) + (cost[t + 1]?.[j + 1] ?? Infinity);
    if (exchange <= cost[t][j]) {
      due.push(j);
      kinds.push(written[t++] === wanted[j++] ? "right" : "instead");
    } else if (t < written.length && strikeCost(isForced, t) + cost[t + 1][j] <= cost[t][j]) {
      due.push(j);
      kinds.push("extra");
      t++;
    } else {
      missing[t].push(wanted[j++]);
    }
  }
  return tallied(kinds, due, missing);
}

/** Compare what was written with what was wanted place by place; return what `align` returns. Only what lies beyond the
    end of the other is "extra" or missing. */
function byPlace(written, wanted) {
  const kinds = written.map((symbol, t) => (t >= wanted.length ? "extra" : symbol === wanted[t] ? "right" : "instead"));
  const due = written.map((_, t) => Math.min(t, wanted.length));
  const missing = [...written.map(() => []), wanted.slice(written.length)];
  return tallied(kinds, due, missing);
}

function tallied(kinds, due, missing) {
  const right = kinds.filter((kind) => kind === "right").length;
  const edits = kinds.length - right + missing.flat().length;
  return { kinds, due, missing, right, edits };
}

const strikeCost = (isForced, t) => (isForced(t) ? 0.999 : 1);

function exchangeCost(written, wanted, t, j) {
  if (t >= written.length || j >= wanted.length) return Infinity;
  return written[t] === wanted[j] ? 0 : 1;
}

/** Return what it costs to make all from t on into all from j on, [T + 1][J + 1]. */
function costs(written, wanted, isForced) {
  const [T, J] = [written.length, wanted.length];
  const cost = Array.from({ length: T + 1 }, () => new Array(J + 1).fill(0));
  for (let t = T; t >= 0; t--) {
    for (let j = J; j >= 0; j--) {
      if (t === T || j === J) cost[t][j] = t < T ? cost[t + 1][j] + strikeCost(isForced, t) : J - j;
      else
        cost[t][j] = Math.min(
          cost[t + 1][j + 1] + exchangeCost(written, wanted, t, j),
          cost[t + 1][j] + strikeCost(isForced, t),
          cost[t][j + 1] + 1,
        );
    }
  }
  return cost;
}

/** Say what is the matter with output t, in a word or two; nothing if it is right or nobody knows. */
function matter(run, t) {
  if (!run.isWrong(t)) return "";
  return run.kind(t) === "extra" ? "too many" : `not ${targetName(run, run.due(t))}`;
}

/** Say of how many symbols how many are right; END counts as one. */
function countRight(right, run) {
  const { wanted, shown } = run;
  return `${right} of ${wanted.length} symbols${shown.ends ? " (END is one)" : ""}`;
}

/** Say what is wrong in an answer: what stands there instead, what is too many, what is left out. */
function wrongInWords(run) {
  const { alignment, written, wanted } = run;
  const name = (symbol) => targetName(run, symbol);
  const of = (kind) => alignment.kinds.flatMap((one, t) => (one === kind ? [t] : []));
  const forced = (t) => (run.forcedAt(t) ? ", which you forced" : "");
  const parts = [
    [
      "wrong",
      of("instead").map((t) => `${name(written[t])}${forced(t) && `${forced(t)},`} instead of ${name(run.due(t))}`),
    ],
    ["too many", of("extra").map((t) => `${name(written[t])}${forced(t)}`)],
    ["left out", alignment.missing.flat().map(name)],
  ];
  const said = parts
    .filter(([, list]) => list.length)
    .map(([what, list]) => {
      const few = list.length <= 3 ? `: ${list.join(", ")}` : "";
      return `${list.length} symbol${list.length === 1 ? "" : "s"} ${what}${few}`;
    });
  const others = alignment.right;
  const isFew = alignment.edits <= 3 && others > 0;
  const rest = isFew ? "all others are right" : `right: ${countRight(others, run)}`;
  return wanted.length ? `${said.join("; ")}; ${rest}` : said.join("; ");
}

/** Return how many symbols are wrong beyond those that were forced; 0 if the network found its way back. */
const beyondForced = (run) => Math.max(0, run.alignment.edits - run.steps.filter((_, t) => run.forcedAt(t)).length);
