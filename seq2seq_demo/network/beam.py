"""Beam search: the K best beginnings of an answer are kept, where greedy decoding keeps one (Sutskever et al. 2014).

Beside the letters of `numpy_network`: K hypotheses are kept of a source, N of them are wanted, R sources are not over
yet, and L of their hypotheses are live, which means that the network has to extend them.
"""

from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import Beam
from seq2seq_demo.network.answers import Answers
from seq2seq_demo.network.numpy_network import NumpyNetwork


def beam_search(
    network: NumpyNetwork, sources: np.ndarray, max_out_len: int, beam: Beam, with_attention: bool = False
) -> Answers:
    """Return the n_best answers to sources `[B, S]`: those that ended first, by score, then the others.

    The score of a hypothesis is log p / (symbols written)^length_penalty, which is at least 0: the larger it is, the
    longer the answers. Asking for few of many is faster: a search is over once nothing can surpass them. A beam of 1
    gives what greedy decoding gives. Of equal scores the earlier hypothesis wins, and in it the lower symbol. Of short
    answers from few symbols there may be fewer than n_best. After its END, an answer is filled with END, of
    probability 1 and α 0.
    """
    n_steps = max_out_len + network.model_config.ends  # one more where END is written
    search = _Search(network, sources, beam, n_steps)
    for t in range(n_steps):
        search.step(t + 1, with_attention)
        if not len(search.rows):
            break
    return search.answers(max_out_len)


def likeliest(logits: np.ndarray, n: int) -> tuple[np.ndarray, np.ndarray]:
    """Return the n likeliest symbols `[L, n]` of `[L, V]`, of equal ones the lower first, and their log p in float64.

    They are found one by one, because argpartition picks any of equal ones.
    """
    each, left = np.arange(len(logits)), logits.copy()
    symbols = np.empty((len(logits), n), np.int64)
    for rank in range(n):
        symbols[:, rank] = left.argmax(axis=1)
        left[each, symbols[:, rank]] = -np.inf
    shifted = logits - logits.max(axis=1, keepdims=True).astype(np.float64)
    total = np.exp(shifted).sum(axis=1, keepdims=True)
    return symbols, np.take_along_axis(shifted, symbols, axis=1) - np.log(total)


class _Beam(NamedTuple):
    """The K hypotheses of each of R sources, the best first."""

    log_p: np.ndarray  # [R, K]
    scores: np.ndarray  # [R, K]; −inf: there is no such hypothesis
    written: np.ndarray  # [R, K] symbols, END among them
    ended: np.ndarray  # [R, K]

    @classmethod
    def empty(cls, n: int, beam_size: int) -> "_Beam":
        """Return the beam before the first step: one hypothesis per source, without a symbol."""
        log_p = np.full((n, beam_size), -np.inf)
        log_p[:, 0] = 0
        return cls(log_p, log_p.copy(), np.zeros((n, beam_size), np.int64), np.zeros((n, beam_size), bool))

    @property
    def live(self) -> np.ndarray:
        """Which of them go on, `[R, K]`."""
        return ~self.ended & (self.scores > -np.inf)

    def of(self, chosen: np.ndarray) -> "_Beam":
        """Return those of some sources."""
        return _Beam(*(array[chosen] for array in self))


class _Chosen(NamedTuple):
    """What a step wrote: from it the answers are traced back."""

    rows: np.ndarray  # [R] the sources
    parents: np.ndarray  # [R, K] which hypothesis of its source each extends
    symbols: np.ndarray  # [R, K] by which symbol; where the parent had ended, this and the next mean nothing
    log_p: np.ndarray  # [R, K] of that symbol
    fed: np.ndarray  # [R, K] which of the L hypotheses the parent was
    attention: np.ndarray | None  # [L, S]


class _Decoder:
    """The network's view: L hypotheses, each with its state and the memory of its source."""

    def __init__(self, network: NumpyNetwork, sources: np.ndarray) -> None:
        """Read the sources `[B, S]`; there is one hypothesis of each, L = B."""
        self.network = network
        self.memory, self.states = network.encode(sources)  # [B, S, H]
        has_attention, weights = network.model_config.has_attention, network.weights
        self.keys = self.memory @ weights["decoder/attention/key/kernel"] if has_attention else None  # [B, S, H]
        self.context = np.zeros_like(self.memory[:, 0])  # [L, H]
        self.rows = np.arange(len(sources))  # [L] the source of each hypothesis
        self.own_memory, self.own_keys = self.memory, self.keys  # [L, S, H]
        self.fed = np.full(len(sources), network.model_config.go)  # [L]

    def step(self) -> tuple[np.ndarray, np.ndarray | None]:
        """Run all L a step on; return the logits `[L, V]` and α `[L, S]`."""
        said = self.network.step(self.fed, self.states, self.context, self.own_memory, self.own_keys)
        self.states, self.context, alpha = said
        return self.network.logits(self.states, self.context), alpha

    def go_on(self, parents: np.ndarray, symbols: np.ndarray) -> None:
        """Replace the hypotheses: each new one extends one of the L, its parent, by a symbol."""
        self.fed, rows = symbols, self.rows[parents]
        self.states = [tuple(array[parents] for array in state) for state in self.states]
        self.context = self.context[parents]
        if self.keys is not None and not np.array_equal(rows, self.rows):
            self.own_memory, self.own_keys = self.memory[rows], self.keys[rows]
        self.rows = rows


class _Search:
    """A search under way: what has been kept so far, and how it came to be."""

    def __init__(self, network: NumpyNetwork, sources: np.ndarray, beam: Beam, n_steps: int) -> None:
        """Begin: every source `[B, S]` has one hypothesis, without a symbol."""
        self.decoder, self.config, self.beam_config = _Decoder(network, sources), network.model_config, beam
        self.n_steps, self.n_extensions = n_steps, min(beam.size, network.model_config.n_output_symbols)
        # A beam of 1 runs all on until all are over, as greedy decoding does: smaller matrix products round otherwise.
        self.is_greedy = beam.size == 1
        self.rows = np.arange(len(sources))  # [R] the sources that are not over
        self.beam = _Beam.empty(len(sources), beam.size)  # of these
        self.final = _Beam.empty(len(sources), beam.size)  # of all sources, right for those that are over
        self.fed = self.beam.live  # [R, K] which hypotheses are the decoder's L
        self.steps: list[_Chosen] = []

    def step(self, t: int, with_attention: bool) -> None:
        """Write the symbol number t, 1 for the first: extend every live hypothesis, and keep K of each source."""
        logits, alpha = self.decoder.step()
        symbols, log_p = likeliest(logits, self.n_extensions)
        chosen, beam = self.choose(t, symbols, log_p)
        self.steps.append(chosen._replace(attention=alpha if with_attention else None))
        over = self.over(beam) | (t == self.n_steps)
        if self.is_greedy:
            over[:] = over.all()
        for whole, part in zip(self.final, beam.of(over), strict=True):
            whole[self.rows[over]] = part
        self.rows, self.beam = self.rows[~over], beam.of(~over)
        self.fed = self.beam.live | self.is_greedy
        self.decoder.go_on(chosen.fed[~over][self.fed], chosen.symbols[~over][self.fed])

    def choose(self, t: int, symbols: np.ndarray, log_p: np.ndarray) -> tuple[_Chosen, _Beam]:
        """Return the K best of all candidates, given the n likeliest symbols of each of the L and their log p."""
        totals, scores = self.candidates(t, log_p)
        n = self.n_extensions
        # Stable, and candidates stand in order of hypothesis, then likelihood, then symbol: so ties are decided.
        order = np.argsort(-scores.reshape(len(scores), -1), axis=1, kind="stable")[:, : self.fed.shape[1]]
        parents = order // n
        fed = np.full(self.fed.shape, -1)
        fed[self.fed] = np.arange(len(symbols))
        fed = _along(fed, parents)
        chosen = _Chosen(self.rows, parents, symbols[fed, order % n], log_p[fed, order % n], fed, None)
        scores, had_ended = _along(scores, order), _along(self.beam.ended, parents)
        ended = (had_ended | self.config.ends & (chosen.symbols == self.config.go)) & (scores > -np.inf)
        written = np.where(had_ended, _along(self.beam.written, parents), t)
        return chosen, _Beam(_along(totals, order), scores, written, ended)

    def candidates(self, t: int, log_p: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Return log p and score of every candidate, `[R, K, n]`: of an ended hypothesis it is the first of the n."""
        totals = np.full((*self.fed.shape, self.n_extensions), -np.inf)
        totals[self.fed] = self.beam.log_p[self.fed][:, None] + log_p
        scores = totals / t**self.beam_config.length_penalty
        ended = self.beam.ended
        totals[ended] = scores[ended] = -np.inf
        totals[ended, 0], scores[ended, 0] = self.beam.log_p[ended], self.beam.scores[ended]
        return totals, scores

    def over(self, beam: _Beam) -> np.ndarray:
        """Return a mask of the sources that are finished, `[R]`: nothing live can surpass the answers wanted.

        log p only falls, so the best that may become of a hypothesis is that it ends at the last step as likely as now.
        """
        bound = np.where(beam.live, beam.log_p, -np.inf).max(axis=1) / self.n_steps**self.beam_config.length_penalty
        worst_wanted = np.sort(np.where(beam.ended, beam.scores, -np.inf), axis=1)[:, -self.beam_config.n_best]
        is_over: np.ndarray = ~beam.live.any(axis=1) | (worst_wanted > bound)
        return is_over

    def answers(self, max_out_len: int) -> Answers:
        """Return the best of those kept, traced back from their last symbols."""
        _, scores, written, ended = self.final
        best = np.lexsort((-scores, ~ended))[:, : self.beam_config.n_best]  # [B, N]; lexsort is stable
        scores, written, ended = (_along(array, best) for array in (scores, written, ended))
        written[scores == -np.inf] = 0
        lengths = np.where(ended, written - 1, np.minimum(written, max_out_len))
        symbols, log_p, attention = self.traced(best)
        after = np.arange(len(self.steps)) >= written[..., None]  # [B, N, T]: what a hypothesis did not write
        symbols[after], log_p[after] = self.config.go, 0
        if attention is not None:
            attention[after] = 0
        return Answers(symbols, lengths, ended, np.exp(log_p), attention, scores)

    def traced(self, slots: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray | None]:
        """Return symbols, their log p and α of the hypotheses with these numbers, `[B, N]`."""
        slots, shape, memory = slots.copy(), (*slots.shape, len(self.steps)), self.decoder.memory
        symbols, log_p = np.full(shape, self.config.go), np.zeros(shape)
        has_attention = bool(self.steps) and self.steps[0].attention is not None
        attention = np.zeros((*shape, memory.shape[1]), memory.dtype) if has_attention else None
        for t, step in reversed([*enumerate(self.steps)]):
            at = slots[step.rows]  # [R, N]
            symbols[step.rows, :, t], log_p[step.rows, :, t] = _along(step.symbols, at), _along(step.log_p, at)
            if attention is not None and step.attention is not None:
                attention[step.rows, :, t] = step.attention[_along(step.fed, at)]
            slots[step.rows] = _along(step.parents, at)
        return symbols, log_p, attention


def _along(array: np.ndarray, numbers: np.ndarray) -> np.ndarray:
    """Return the elements at these indices, `[R, N]`, of each row of an array `[R, …]`."""
    return np.take_along_axis(array.reshape(len(array), -1), numbers, axis=1)
