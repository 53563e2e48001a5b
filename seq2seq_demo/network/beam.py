"""Beam search keeps the K best hypotheses per source; greedy decoding keeps one (Sutskever et al. 2014).

A hypothesis is a prefix of an answer or a whole answer. A hypothesis is live until it ends.
Shapes use the letters of `numpy_network` and three more: k is the number of hypotheses per source (1 at first, later
up to K), n the number of extensions per hypothesis, and N the number of answers per source. The decoder uses one row
per hypothesis, so its batch has B·k rows.
"""

from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.network.numpy_network import Answers, NumpyNetwork, log_softmax


def beam_search(
    network: NumpyNetwork, sources: np.ndarray, max_out_len: int, beam: Beam, with_attention: bool = False
) -> Answers:
    """Return the `n_best` answers to each of the sources `[B, S]`, best first; answers without END come last.

    The score of a hypothesis is log p / (its number of symbols)^length_penalty; a larger penalty favours longer
    answers. Ties go to the earlier hypothesis, then to the lower symbol. The search stops once no live hypothesis can
    beat the `n_best` answers to its source, so a small `n_best` makes it faster. A beam of size 1 gives the same
    answers as greedy decoding. There are fewer than `n_best` answers if the vocabulary and `max_out_len` do not allow
    that many. After its END, an answer is padded with END, with probability 1 and α 0.

    All answers to a source are different: a hypothesis of `max_out_len` symbols becomes one answer, not one with END
    and one without END. The answer ends with END if END is among the K best extensions. Otherwise, it has no END, and
    its score includes the most probable next symbol.
    """
    config = network.model_config
    n_steps = max_out_len + config.ends  # one more step for END
    state, hypotheses, alphas = network.start(sources), _Hypotheses.initial(len(sources)), []
    fed = np.full(len(sources), config.go)
    for _ in range(n_steps):
        state, logits, alpha = network.step(fed, state)  # [B·k, V], [B·k, S]
        hypotheses = hypotheses.extend(logits, config, beam, max_out_len)
        if with_attention and alpha is not None:
            alphas.append(alpha)
        if hypotheses.are_final(beam, n_steps):
            break
        fed = hypotheses.symbols[:, :, -1].ravel()
        state = network.select(state, hypotheses.rows[:, :, -1].ravel())
    return hypotheses.answers(config, beam, max_out_len, alphas)


def top_symbols(logits: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the n most probable symbols for logits `[B·k, V]`, and their log p in float64, as arrays `[B·k, n]`.

    Ties go to the lower symbol. `np.argpartition` does not guarantee this, so the symbols are selected one by one.
    """
    row_numbers, remaining = np.arange(len(logits)), logits.copy()
    symbols = np.empty((len(logits), n), np.int64)
    for rank in range(n):
        symbols[:, rank] = remaining.argmax(axis=1)
        remaining[row_numbers, symbols[:, rank]] = -np.inf
    return symbols, np.take_along_axis(log_softmax(logits.astype(np.float64)), symbols, axis=1)


class _Hypotheses(NamedTuple):
    """The k hypotheses of each source after t steps, best first."""

    symbols: np.ndarray  # [B, k, t]; padded with END after an answer's END
    log_p: np.ndarray  # [B, k, t] log probability of each symbol, given the previous symbols
    rows: np.ndarray  # [B, k, t] the decoder's row that wrote each symbol
    total: np.ndarray  # [B, k] log p of the hypothesis
    scores: np.ndarray  # [B, k]; −inf marks an unused slot
    ended: np.ndarray  # [B, k]

    @classmethod
    def initial(cls, n_sources: int) -> "_Hypotheses":
        """Return one empty hypothesis per source."""
        numbers, zeros = np.zeros((n_sources, 1, 0), np.int64), np.zeros((n_sources, 1))
        return cls(
            symbols=numbers,
            log_p=numbers.astype(float),
            rows=numbers,
            total=zeros,
            scores=zeros,
            ended=zeros.astype(bool),
        )

    def extend(self, logits: np.ndarray, config: ModelConfig, beam: Beam, max_out_len: int) -> "_Hypotheses":
        """Extend each hypothesis by one symbol, given logits `[B·k, V]`; return the K best extensions per source.

        A hypothesis that has ended has only one extension: itself, with one more END of probability 1.
        """
        B, k, t = self.symbols.shape
        n = min(beam.size, config.n_output_symbols)
        symbols, log_p = (array.reshape(B, k, n) for array in top_symbols(logits, n))
        symbols[self.ended], log_p[self.ended] = config.go, [0] + [-np.inf] * (n - 1)
        is_end = (symbols == config.go) & config.ends
        total = self.total[:, :, None] + log_p
        scores = total / (t + 1) ** beam.length_penalty
        scores[self.ended, 0] = self.scores[self.ended]
        best = _best(scores, beam.size)
        if t == max_out_len:  # the additional step for END
            best = _best(_one_per_hypothesis(scores, is_end, best), beam.size)
        source, parents = np.arange(B)[:, None], best // n

        def chosen(extensions: np.ndarray) -> np.ndarray:
            return np.take_along_axis(extensions.reshape(B, -1), best, axis=1)

        def appended(prefixes: np.ndarray, last: np.ndarray) -> np.ndarray:
            return np.concatenate([prefixes[source, parents], last[:, :, None]], axis=2)

        return _Hypotheses(
            symbols=appended(self.symbols, chosen(symbols)),
            log_p=appended(self.log_p, chosen(log_p)),
            rows=appended(self.rows, source * k + parents),
            total=chosen(total),
            scores=chosen(scores),
            ended=chosen(is_end),
        )

    def are_final(self, beam: Beam, n_steps: int) -> bool:
        """Return whether no live hypothesis can beat the `n_best` answers to its source.

        An extension never increases log p, so no extension of a live hypothesis can score more than the hypothesis's
        log p / n_steps^length_penalty.
        """
        bound = np.where(self.ended, -np.inf, self.total).max(axis=1) / n_steps**beam.length_penalty  # [B]
        n_better = (self.ended & (self.scores > bound[:, None])).sum(axis=1)
        return bool((n_better >= beam.n_best).all())

    def answers(self, config: ModelConfig, beam: Beam, max_out_len: int, alphas: list[np.ndarray]) -> Answers:
        """Return the `n_best` answers; `alphas` contains the α `[B·k, S]` of each step, or is empty."""
        order = np.lexsort((-self.scores, ~self.ended))[:, : beam.n_best]  # [B, N]; lexsort is stable
        best = _Hypotheses(*(array[np.arange(len(order))[:, None], order] for array in self))
        is_end = (best.symbols == config.go) & config.ends  # [B, N, T]
        lengths = np.minimum((~is_end).sum(axis=2), max_out_len)
        by_step = [alpha[best.rows[:, :, t]] for t, alpha in enumerate(alphas)]
        attention = np.stack(by_step, axis=2) if alphas else None  # [B, N, T, S]
        answers = Answers(
            symbols=best.symbols,
            lengths=lengths,
            ended=best.ended,
            probabilities=np.exp(best.log_p),
            attention=attention,
            scores=best.scores,
        )
        if attention is not None:
            attention[~answers.is_written] = 0
        return answers


def _best(scores: np.ndarray, n: int) -> np.ndarray:
    """Return the indices of the n best extensions for each source, `[B, n]`, given the scores `[B, k, n]`.

    The extensions are already ordered by hypothesis, probability and symbol. A stable sort keeps this order for ties.
    """
    return np.argsort(-scores.reshape(len(scores), -1), axis=1, kind="stable")[:, :n]


def _one_per_hypothesis(scores: np.ndarray, is_end: np.ndarray, best: np.ndarray) -> np.ndarray:
    """Return the scores `[B, k, n]`, with −inf for all but one extension of each hypothesis.

    The remaining extension is the one by END if that is among the `best`; otherwise, it is the most probable one.
    """
    is_best = np.zeros(scores.shape, bool)
    np.put_along_axis(is_best.reshape(len(scores), -1), best, True, axis=1)
    kept = (is_best & is_end).argmax(axis=2)  # [B, k]
    return np.where(np.arange(scores.shape[2]) == kept[:, :, None], scores, -np.inf)
