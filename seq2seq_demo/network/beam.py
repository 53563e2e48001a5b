"""Beam search: keep the K best hypotheses per source, where greedy decoding keeps one (Sutskever et al. 2014).

A hypothesis is the beginning of an answer, or a whole answer. It is live until it ends.
Shapes, in addition to those of `numpy_network`: K hypotheses per source, N answers per source, R sources that are still
searched, L hypotheses that the network extends in a step.
"""

from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import Beam
from seq2seq_demo.network.numpy_network import Answers, NumpyNetwork


def beam_search(
    network: NumpyNetwork, sources: np.ndarray, max_out_len: int, beam: Beam, with_attention: bool = False
) -> Answers:
    """Return the `n_best` answers to sources `[B, S]`, best first; those without END come last.

    The score of a hypothesis is log p / (its number of symbols)^length_penalty; a larger penalty favours longer
    answers. Ties go to the earlier hypothesis, then to the lower symbol. The search for a source stops once no live
    hypothesis can beat its `n_best` answers, so a small `n_best` is faster. A beam of size 1 gives the same answers as
    greedy decoding. There are fewer than `n_best` answers if the vocabulary and `max_out_len` allow no more. After its
    END, an answer is filled with END, probability 1 and α 0.

    All answers to a source differ: a hypothesis of `max_out_len` symbols becomes one answer, not one with END and one
    without. The answer ends with END if END is among the K best extensions. Otherwise it has no END, and its score
    includes the most probable next symbol.
    """
    n_steps = max_out_len + network.model_config.ends  # one more for END
    search = _Search(network, sources, beam, n_steps)
    for t in range(n_steps):
        search.step(t + 1, with_attention)
        if not len(search.rows):
            break
    return search.answers(max_out_len)


def top_symbols(logits: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the n most probable symbols of logits `[L, V]`, and their log p in float64, both `[L, n]`.

    Ties go to the lower symbol. `np.argpartition` does not guarantee that, so the symbols are taken one by one.
    """
    row_numbers, remaining = np.arange(len(logits)), logits.copy()
    symbols = np.empty((len(logits), n), np.int64)
    for rank in range(n):
        symbols[:, rank] = remaining.argmax(axis=1)
        remaining[row_numbers, symbols[:, rank]] = -np.inf
    shifted = logits - logits.max(axis=1, keepdims=True).astype(np.float64)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    return symbols, np.take_along_axis(shifted, symbols, axis=1) - np.log(total)


class _Beam(NamedTuple):
    """The K hypotheses of each of R sources, best first."""

    log_p: np.ndarray  # [R, K]
    scores: np.ndarray  # [R, K]; −inf marks an unused slot
    n_written: np.ndarray  # [R, K] symbols, END included
    ended: np.ndarray  # [R, K]

    @classmethod
    def initial(cls, n_sources: int, beam_size: int) -> "_Beam":
        """Return the beam before the first step: one empty hypothesis per source."""
        log_p = np.full((n_sources, beam_size), -np.inf)
        log_p[:, 0] = 0
        return cls(log_p, log_p.copy(), np.zeros(log_p.shape, np.int64), np.zeros(log_p.shape, bool))

    @property
    def live(self) -> np.ndarray:
        """A mask of the hypotheses that exist and have not ended, `[R, K]`."""
        return ~self.ended & (self.scores > -np.inf)

    def select(self, rows: np.ndarray) -> "_Beam":
        """Return the beam of the sources that a mask `[R]` selects."""
        return _Beam(*(array[rows] for array in self))


class _Backpointers(NamedTuple):
    """The K hypotheses that a step kept for each source, each stored as its parent and its last symbol.

    If the parent had ended, the hypothesis is a copy of the parent, and `symbols` and `log_p` are undefined.
    """

    rows: np.ndarray  # [R] the sources
    parents: np.ndarray  # [R, K] the slot of the hypothesis that was extended, 0…K−1
    symbols: np.ndarray  # [R, K]
    log_p: np.ndarray  # [R, K] log probability of each symbol
    decoder_rows: np.ndarray  # [R, K] the parent's row among the decoder's L hypotheses; −1 if it was not extended
    attention: np.ndarray | None  # [L, S]


class _Search:
    """The beams of all sources, the decoder's state for L hypotheses, and the backpointers of every step."""

    def __init__(self, network: NumpyNetwork, sources: np.ndarray, beam: Beam, n_steps: int) -> None:
        self.network, self.config, self.beam_config = network, network.model_config, beam
        self.state = network.start(sources)
        self.fed = np.full(len(sources), network.model_config.go)  # [L] the last symbol of each hypothesis
        self.source_of = np.arange(len(sources))  # [L] the source of each hypothesis
        self.n_steps, self.n_extensions = n_steps, min(beam.size, network.model_config.n_output_symbols)
        # With a beam of 1, every source runs until all are finished, as in greedy decoding: matrix products of fewer
        # rows would round differently.
        self.is_greedy = beam.size == 1
        self.rows = np.arange(len(sources))  # [R] the unfinished sources
        self.beam = _Beam.initial(len(sources), beam.size)  # the beams of the unfinished sources
        self.final = _Beam.initial(len(sources), beam.size)  # the beams of all sources, stored when they finish
        self.is_fed = self.beam.live  # [R, K] True in the L slots that the decoder extends
        self.steps: list[_Backpointers] = []

    def step(self, t: int, with_attention: bool) -> None:
        """Extend every live hypothesis by its symbol number t, counted from 1, and keep the best K per source."""
        self.state, logits, alpha = self.network.step(self.fed, self.state)  # [L, V], [L, S]
        symbols, log_p = top_symbols(logits, self.n_extensions)
        kept, beam = self.keep_best(t, symbols, log_p)
        if self.config.ends and t == self.n_steps:
            # Last step: extend a hypothesis by END if END is among the K best, otherwise by its most probable symbol.
            ranks = np.zeros(len(symbols), np.int64)
            ending = kept.decoder_rows[beam.ended & (kept.decoder_rows >= 0)]
            ranks[ending] = (symbols[ending] == self.config.go).argmax(axis=1)
            log_p[np.arange(self.n_extensions) != ranks[:, None]] = -np.inf
            kept, beam = self.keep_best(t, symbols, log_p)
        self.steps.append(kept._replace(attention=alpha if with_attention else None))
        finished = self.finished(beam) | (t == self.n_steps)
        if self.is_greedy:
            finished[:] = finished.all()
        for all_sources, of_finished in zip(self.final, beam.select(finished), strict=True):
            all_sources[self.rows[finished]] = of_finished
        self.rows, self.beam = self.rows[~finished], beam.select(~finished)
        self.is_fed = self.beam.live | self.is_greedy
        parents, self.fed = (array[~finished][self.is_fed] for array in (kept.decoder_rows, kept.symbols))
        before, self.source_of = self.source_of, self.source_of[parents]
        self.state = self.state.select(parents, same_sources=np.array_equal(self.source_of, before))

    def keep_best(self, t: int, symbols: np.ndarray, log_p: np.ndarray) -> tuple[_Backpointers, _Beam]:
        """Return the best K candidates per source; `symbols` and `log_p` `[L, n]` come from `top_symbols`."""
        totals, scores = self.candidates(t, log_p)
        # Candidates are ordered by hypothesis, then by probability, then by symbol: a stable sort breaks ties that way.
        order = np.argsort(-scores.reshape(len(scores), -1), axis=1, kind="stable")[:, : self.is_fed.shape[1]]
        parents, ranks = np.divmod(order, self.n_extensions)
        decoder_rows = np.full(self.is_fed.shape, -1)
        decoder_rows[self.is_fed] = np.arange(len(symbols))
        decoder_rows = _take_per_row(decoder_rows, parents)
        at = decoder_rows, ranks
        kept = _Backpointers(self.rows, parents, symbols[at], log_p[at], decoder_rows, None)
        scores, had_ended = _take_per_row(scores, order), _take_per_row(self.beam.ended, parents)
        ended = (had_ended | self.config.ends & (kept.symbols == self.config.go)) & (scores > -np.inf)
        n_written = np.where(had_ended, _take_per_row(self.beam.n_written, parents), t)
        return kept, _Beam(_take_per_row(totals, order), scores, n_written, ended)

    def candidates(self, t: int, log_p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log p and score of n candidates per hypothesis, `[R, K, n]`.

        A hypothesis that has ended has one candidate, which is the hypothesis itself; the rest are −inf.
        """
        totals = np.full((*self.is_fed.shape, self.n_extensions), -np.inf)
        totals[self.is_fed] = self.beam.log_p[self.is_fed][:, None] + log_p
        scores = totals / t**self.beam_config.length_penalty
        ended = self.beam.ended
        totals[ended] = scores[ended] = -np.inf
        totals[ended, 0], scores[ended, 0] = self.beam.log_p[ended], self.beam.scores[ended]
        return totals, scores

    def finished(self, beam: _Beam) -> np.ndarray:
        """Return a mask `[R]` of the sources whose `n_best` answers no live hypothesis can beat.

        A longer hypothesis never has a higher log p, so no extension of a live hypothesis can score more than
        log p / n_steps^length_penalty.
        """
        bound = np.where(beam.live, beam.log_p, -np.inf).max(axis=1) / self.n_steps**self.beam_config.length_penalty
        nth_best = np.sort(np.where(beam.ended, beam.scores, -np.inf), axis=1)[:, -self.beam_config.n_best]
        return np.asarray(~beam.live.any(axis=1) | (nth_best > bound))

    def answers(self, max_out_len: int) -> Answers:
        """Return the `n_best` answers of the finished search."""
        _, scores, n_written, ended = self.final
        best = np.lexsort((-scores, ~ended))[:, : self.beam_config.n_best]  # [B, N]; lexsort is stable
        scores, n_written, ended = (_take_per_row(array, best) for array in (scores, n_written, ended))
        n_written[scores == -np.inf] = 0
        lengths = np.where(ended, n_written - 1, np.minimum(n_written, max_out_len))
        symbols, log_p, attention = self.trace_back(best)
        is_after_end = np.arange(len(self.steps)) >= n_written[..., None]  # [B, N, T]
        symbols[is_after_end], log_p[is_after_end] = self.config.go, 0
        if attention is not None:
            attention[is_after_end] = 0
        return Answers(symbols, lengths, ended, np.exp(log_p), attention, scores)

    def trace_back(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return the symbols, log p `[B, N, T]` and α `[B, N, T, S]` of the hypotheses in final slots `[B, N]`."""
        slots, shape = slots.copy(), (*slots.shape, len(self.steps))
        symbols, log_p = np.full(shape, self.config.go), np.zeros(shape)
        alpha = self.steps[0].attention if self.steps else None
        attention = None if alpha is None else np.zeros((*shape, alpha.shape[1]), alpha.dtype)
        for t, step in reversed([*enumerate(self.steps)]):
            at = slots[step.rows]  # [R, N]
            symbols[step.rows, :, t] = _take_per_row(step.symbols, at)
            log_p[step.rows, :, t] = _take_per_row(step.log_p, at)
            if attention is not None and step.attention is not None:
                attention[step.rows, :, t] = step.attention[_take_per_row(step.decoder_rows, at)]
            slots[step.rows] = _take_per_row(step.parents, at)
        return symbols, log_p, attention


def _take_per_row(array: np.ndarray, indices: np.ndarray) -> np.ndarray:
    """Return the elements at indices `[R, N]` of an array `[R, …]`, whose rows are flattened first."""
    return np.take_along_axis(array.reshape(len(array), -1), indices, axis=1)
