"""How good a network is that ends its answers: END counts as a symbol, and an answer that does not end is wrong."""

from __future__ import annotations

import functools
import operator
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, fields

import numpy as np

from seq2seq_demo.data.batches import chunks, fresh_sources, shift_right
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.data.varied import KINDS
from seq2seq_demo.errors import UsageError
from seq2seq_demo.evaluation import Figures, cross_entropy
from seq2seq_demo.network.ending import Answers, decode_to_end
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parallel import in_threads, rows_at_once
from seq2seq_demo.network.ram import check_decoding_fits

MaxOutLen = Callable[[int], int]  # from the length of a source to how long an answer may be


@dataclass(frozen=True, repr=False)
class RaggedEvaluation:
    """What was counted on n pairs of source and target. Evaluations add up."""

    n: int = 0
    n_symbols: int = 0  # of the targets, with the END of each
    n_target: int = 0  # without
    loss_sum: float = 0.0  # nats, with teacher forcing
    forced_correct: int = 0  # symbols, END among them, with teacher forcing
    forced_exact: int = 0  # sequences that are wholly correct
    correct: int = 0  # free-running, as are the next: symbols that stand in their place, END among them
    exact: int = 0
    wrong_symbols: int = 0  # sequences of the right length
    too_short: int = 0
    too_long: int = 0
    unended: int = 0  # sequences without an end
    edits: int = 0  # the sum of edit distances (Levenshtein 1966) between answer and target

    def __repr__(self) -> str:
        """Return the figures that count."""
        accuracy = f"token accuracy {self.token_accuracy:.4f} ({self.forced_token_accuracy:.4f} forced)"
        figures = f"exact match {self.exact_match:.4f}, {accuracy}, symbol errors {self.symbol_error_rate:.4f}"
        return f"<RaggedEvaluation of {self.n} sequences: {figures}, loss {self.loss:.4f}>"

    def __add__(self, other: RaggedEvaluation) -> RaggedEvaluation:
        """Return the counts of both."""
        return RaggedEvaluation(*(getattr(self, f.name) + getattr(other, f.name) for f in fields(self)))

    @property
    def loss(self) -> float:
        """The loss with teacher forcing, in nats a symbol."""
        return self.loss_sum / self.n_symbols

    @property
    def exact_match(self) -> float:
        """The share of sequences that are wholly correct, their end included: the figure that counts."""
        return self.exact / self.n

    @property
    def token_accuracy(self) -> float:
        """The share of symbols, END among them, that stand in their place, free-running."""
        return self.correct / self.n_symbols

    @property
    def forced_token_accuracy(self) -> float:
        """The share of symbols, END among them, that are correct with teacher forcing."""
        return self.forced_correct / self.n_symbols

    @property
    def forced_exact_match(self) -> float:
        """The share of sequences that are wholly correct with teacher forcing."""
        return self.forced_exact / self.n

    @property
    def symbol_error_rate(self) -> float:
        """The edits that would make the answers right, over the symbols of the targets."""
        return self.edits / max(1, self.n_target)

    @property
    def figures(self) -> Figures:
        """Loss, token accuracy and exact match."""
        return Figures.of(self)


def measure_ragged(network: NumpyNetwork, pairs: RaggedPairs, max_out_len: MaxOutLen) -> RaggedEvaluation:
    """Decode every pair, with teacher forcing and free-running, and count.

    Raises:
        UsageError: a sequence is too long to decode.
    """

    def count(part: RaggedPairs) -> RaggedEvaluation:
        sources = part.sources.padded()
        return _count(network, sources, part.targets, max_out_len(sources.shape[1]))

    return total(in_threads(count, _of_one_length(network, pairs)))


def _of_one_length(network: NumpyNetwork, pairs: RaggedPairs) -> Iterator[RaggedPairs]:
    """Yield the pairs in parts whose sources have one length."""
    for in_len in np.unique(pairs.sources.lengths).tolist():
        chosen = np.flatnonzero(pairs.sources.lengths == in_len)
        out_len = int(pairs.targets.lengths[chosen].max()) + 1
        check_decoding_fits(network.model_config, 1, in_len, out_len)
        yield from chunks(pairs, chosen, rows_at_once(in_len, out_len))


def _count(network: NumpyNetwork, sources: np.ndarray, targets: Ragged, max_out_len: int) -> RaggedEvaluation:
    """Decode sources `[B, S]` both ways, and count."""
    go, B = network.model_config.go, len(sources)
    expected = targets.padded(int(targets.lengths.max()) + 1, go)  # [B, T], END after each target
    T = expected.shape[1]
    counts = np.arange(T) <= targets.lengths[:, None]  # [B, T]: symbols and END
    forced = network.decode(sources, T, shift_right(expected, go))
    forced_correct = (forced.symbols == expected) & counts
    answers = decode_to_end(network, sources, max_out_len)
    said = _with_end(answers, T, go)
    correct = (said == expected) & counts  # [B, T]
    exact = answers.ended & (answers.lengths == targets.lengths) & (correct == counts).all(axis=1)
    too_long = answers.ended & (answers.lengths > targets.lengths)
    too_short = answers.ended & (answers.lengths < targets.lengths)
    wrong = np.flatnonzero(~exact)
    return RaggedEvaluation(
        n=B,
        n_symbols=int(counts.sum()),
        n_target=int(targets.lengths.sum()),
        loss_sum=float((cross_entropy(forced.logits, expected) * counts).sum(dtype=np.float64)),
        forced_correct=int(forced_correct.sum()),
        forced_exact=int((forced_correct == counts).all(axis=1).sum()),
        correct=int(correct.sum()),
        exact=int(exact.sum()),
        wrong_symbols=int((answers.ended & ~exact & ~too_long & ~too_short).sum()),
        too_short=int(too_short.sum()),
        too_long=int(too_long.sum()),
        unended=int((~answers.ended).sum()),
        edits=int(edit_distances(answers.decoded.symbols[wrong], answers.lengths[wrong], targets[wrong]).sum()),
    )


def _with_end(answers: Answers, width: int, go: int) -> np.ndarray:
    """Return the answers `[B, width]` with END where they ended, and −1 after that."""
    symbols = answers.decoded.symbols[:, :width]
    symbols = np.pad(symbols, ((0, 0), (0, width - symbols.shape[1])), constant_values=-1)
    return np.where(np.arange(width) < (answers.lengths + answers.ended)[:, None], symbols, -1)


def edit_distances(symbols: np.ndarray, lengths: np.ndarray, targets: Ragged) -> np.ndarray:
    """Return, of each answer `[B, P]` of these lengths, how many symbols to change, add or remove for its target."""
    if not len(symbols):
        return np.zeros(0, np.int64)
    expected = targets.padded()
    T = expected.shape[1]
    row = np.tile(np.arange(T + 1), (len(symbols), 1))  # [B, T + 1]: to the first p symbols of the answer, p = 0
    distances = [row]
    for p in range(int(lengths.max())):
        new = np.empty_like(row)
        new[:, 0] = p + 1
        substituted = row[:, :-1] + (symbols[:, p, None] != expected)
        for t in range(T):
            new[:, t + 1] = np.minimum(np.minimum(row[:, t + 1], new[:, t]) + 1, substituted[:, t])
        row = new
        distances.append(row)
    numbers = np.arange(len(symbols))
    found: np.ndarray = np.stack(distances)[lengths, numbers, targets.lengths]
    return found


def total(evaluations: Iterable[RaggedEvaluation]) -> RaggedEvaluation:
    """Return the counts of all."""
    return functools.reduce(operator.add, evaluations, RaggedEvaluation())


@dataclass(frozen=True)
class Row:
    """What was measured on sources of one kind and length."""

    kind: str  # RANDOM, one of `varied.KINDS`, or GIVEN
    in_len: int
    evaluation: RaggedEvaluation
    fresh: bool | None = None  # whether none of the sources was trained on; None: that is not known


RANDOM, GIVEN = "random", "given"
OF_A_KIND = 1000  # sources, at most


def measure_pattern(
    network: NumpyNetwork,
    pattern: SequencePattern,
    lengths: Iterable[int],
    n: int,
    seed: int,
    max_out_len: MaxOutLen,
    seen: Ragged | None = None,
    kinds: bool = True,
) -> Iterator[Row]:
    """Measure on n random sources of each length that the pattern takes, and on up to 1,000 of each other `kind`.

    Random sources are none of those `seen` in training, where there are so many others; of short lengths, there may
    be no more than n, which are then all measured.

    Raises:
        UsageError: the pattern takes none of these lengths.
    """
    c, reasons, taken = network.model_config, [], False
    for in_len in lengths:
        try:
            out_len = pattern.check(in_len, None, c.in_max_int, c.out_max_int, ragged=True)
        except UsageError as error:
            reasons.append(error)
            continue
        taken = True
        check_decoding_fits(c, 1, in_len, out_len + 1)
        sources, fresh = _random_sources(in_len, n, seed, c.in_max_int, seen)
        yield Row(RANDOM, in_len, _measure(network, pattern, sources, max_out_len), fresh)
        for number, (kind, draw) in enumerate(KINDS.items() if kinds else ()):
            rng = np.random.default_rng([seed, 4, number, in_len])
            sources = draw(rng, min(n, OF_A_KIND), in_len, c.in_max_int)
            yield Row(kind, in_len, _measure(network, pattern, sources, max_out_len))
    if not taken:
        raise reasons[-1]


def _measure(
    network: NumpyNetwork, pattern: SequencePattern, sources: np.ndarray, max_out_len: MaxOutLen
) -> RaggedEvaluation:
    targets = pattern.ragged_targets(sources, network.model_config.out_max_int)
    ragged = Ragged(sources.ravel(), np.full(len(sources), sources.shape[1]))
    return measure_ragged(network, RaggedPairs(ragged, targets), max_out_len)


def _random_sources(in_len: int, n: int, seed: int, in_max_int: int, seen: Ragged | None) -> tuple[np.ndarray, bool]:
    """Return random sources of a length, `[N, S]`, and whether none was seen in training."""
    if (in_max_int + 1) ** in_len <= n:
        every = np.indices((in_max_int + 1,) * in_len).reshape(in_len, -1).T
        return every.astype(np.min_scalar_type(in_max_int)), False
    trained_on = None if seen is None else seen[np.flatnonzero(seen.lengths == in_len)].padded(in_len)
    fresh = fresh_sources(seed, n, in_len, in_max_int, trained_on)
    return (fresh, True) if len(fresh) == n else (fresh_sources(seed, n, in_len, in_max_int, None), False)


def measure_given(network: NumpyNetwork, pairs: RaggedPairs, max_out_len: MaxOutLen) -> Iterator[Row]:
    """Measure on given pairs, those of each length of a source by themselves."""
    for in_len in np.unique(pairs.sources.lengths).tolist():
        chosen = np.flatnonzero(pairs.sources.lengths == in_len)
        yield Row(GIVEN, in_len, measure_ragged(network, pairs[chosen], max_out_len))
