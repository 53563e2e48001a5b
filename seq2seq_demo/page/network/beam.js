/* Beam search for one source, as in network/beam.py, but without a length penalty. It returns all steps, which the page
   draws as a tree. */

import { largest } from "./network.js";
import { logTotal } from "./tape.js";

/** @import { Encoded, Network, State } from "./network.js"
    @import { Matrix } from "./tape.js" */

/** A hypothesis: a prefix of an answer, or a whole answer. `p` is the probability of its last symbol, and `logP` is the
    log probability of all its symbols.
    @typedef {{ parent: Hypothesis | null, symbol: number, p: number, logP: number, length: number, ended: boolean,
      states: State[], context: Matrix }} Hypothesis
    @typedef {{ kept: Hypothesis[], dropped: Hypothesis[] }} BeamStep Both lists are sorted, best first. A
      hypothesis that has ended is carried over unchanged to the following steps.
    @typedef {{ symbols: number[], ended: boolean, hypothesis: Hypothesis }} BeamAnswer */

/** Return the `nBest` likeliest answers and the steps of the search. The answers are sorted, best first, but answers
    without END come last. For each step, `steps` contains only the best `size` of the dropped hypotheses.
    @type {(network: Network, encoded: Encoded, maxOutLen: number, size: number, nBest?: number) =>
      { answers: BeamAnswer[], steps: BeamStep[] }} */
export function beamSearch(network, encoded, maxOutLen, size, nBest = size) {
  const { ends, go } = network.config;
  const nSteps = ends ? maxOutLen + 1 : maxOutLen; // one more step for END
  const { states, context } = encoded;
  /** @type {BeamStep[]} */
  const steps = [];
  /** @type {Hypothesis[]} */
  let kept = [{ parent: null, symbol: go, p: 1, logP: 0, length: 0, ended: false, states, context }];
  for (let t = 1; t <= nSteps && !isFinished(kept, nBest); t++) {
    // K symbols per hypothesis would suffice for the K best candidates; 2K symbols also give the K best dropped ones.
    let groups = kept.map((parent) => {
      if (parent.ended) return [parent];
      const { states, context, logits } = network.step([parent.symbol], parent, encoded);
      const total = logTotal(logits);
      return largest(logits, 2 * size).map((symbol) => {
        const logP = logits[symbol] - total;
        const ended = ends && symbol === go;
        return { parent, symbol, p: Math.exp(logP), logP: parent.logP + logP, length: t, ended, states, context };
      });
    });
    if (ends && t === nSteps) {
      // In the last step, END extends a hypothesis if the result is one of the K best candidates; otherwise, the
      // likeliest symbol extends it.
      const best = ranked(groups).slice(0, size);
      groups = groups.map((group) => [group.find((one) => one.ended && best.includes(one)) ?? group[0]]);
    }
    const candidates = ranked(groups);
    kept = candidates.slice(0, size);
    steps.push({ kept, dropped: candidates.slice(size, 2 * size) });
  }
  const endedFirst = [...kept].sort((a, b) => Number(b.ended) - Number(a.ended)); // stable: each part stays sorted
  const answers = endedFirst.slice(0, nBest).map((hypothesis) => {
    const { ended } = hypothesis;
    const path = pathOf(hypothesis).slice(0, ended ? -1 : maxOutLen);
    return { symbols: path.map(({ symbol }) => symbol), ended, hypothesis };
  });
  return { answers, steps };
}

/** Return a hypothesis and its prefixes, shortest first. */
export function pathOf(/** @type {Hypothesis} */ hypothesis) {
  const path = [hypothesis];
  while (path[0].length > 1 && path[0].parent) path.unshift(path[0].parent);
  return path;
}

/** Sort the candidates of all hypotheses by log p, highest first. The sort is stable, so ties go to the earlier
    hypothesis, then to the lower symbol. */
const ranked = (/** @type {Hypothesis[][]} */ groups) => groups.flat().sort((a, b) => b.logP - a.logP);

/** Return whether the `nBest` answers are final. They are if no live hypothesis can beat them, because its log p never
    rises.
    @type {(kept: Hypothesis[], nBest: number) => boolean} */
function isFinished(kept, nBest) {
  const live = kept.filter(({ ended }) => !ended);
  const bound = Math.max(...live.map(({ logP }) => logP));
  return !live.length || kept.filter(({ ended, logP }) => ended && logP > bound).length >= nBest;
}
