"""How good a network is that ends its answers: END counts as a symbol, and an answer that does not end is wrong."""

from __future__ import annotations

import functools
import itertools
import operator
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, fields
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import Beam
from seq2seq_demo.data.batches import chunks, fresh_sources, shift_right
from seq2seq_demo.data.edit_distance import Confusions, confusions, edit_distances
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.data.varied import KINDS
from seq2seq_demo.errors import UsageError
from seq2seq_demo.evaluation import Figures, Told, cross_entropy, telling, untold
from seq2seq_demo.network.beam import beam_search, check_beam_fits, rows_at_once_in_beam
from seq2seq_demo.network.ending import decode_to_end
from seq2seq_demo.network.numpy_network import NumpyNetwork, softmax
from seq2seq_demo.network.parallel import in_threads, rows_at_once
from seq2seq_demo.network.ram import check_decoding_fits

MaxOutLen = Callable[[int], int]  # from the length of a source to how long an answer may be


class WrongAnswer(NamedTuple):
    """An answer that is none of the targets of its source, in numbers."""

    source: list[int]
    expected: list[int]  # the nearest target
    predicted: list[int]
    ended: bool
    edits: int
    probability: float  # that the network gives the answer


EXAMPLES = 5


@dataclass(frozen=True)
class WrongAnswers:
    """Some wrong answers: those with the most edits, and those that the network is surest of."""

    worst: tuple[WrongAnswer, ...] = ()
    surest: tuple[WrongAnswer, ...] = ()

    def __add__(self, other: WrongAnswers) -> WrongAnswers:
        """Return the first few of both."""
        worst = sorted(self.worst + other.worst, key=lambda answer: (-answer.edits, answer))
        surest = sorted(self.surest + other.surest, key=lambda answer: (-answer.probability, answer))
        return WrongAnswers(tuple(worst[:EXAMPLES]), tuple(surest[:EXAMPLES]))


@dataclass(frozen=True, repr=False)
class RaggedEvaluation:
    """What was counted on n sources and their targets. Evaluations add up.

    Of a source with alternatives, an answer is right if it is any of these targets, and it is compared with the nearest
    one. With teacher forcing, each pair counts.
    """

    n: int = 0
    n_pairs: int = 0
    n_symbols: int = 0  # of the targets of all pairs, with the END of each
    n_target: int = 0  # of those that the answers are compared with, without
    loss_sum: float = 0.0  # nats, with teacher forcing
    forced_correct: int = 0  # symbols, END among them, with teacher forcing
    forced_exact: int = 0  # pairs that are wholly correct
    correct: int = 0  # free-running, as are the next: symbols that stand in their place, END among them
    exact: int = 0
    wrong_symbols: int = 0  # sequences of the right length
    too_short: int = 0
    too_long: int = 0
    unended: int = 0  # sequences without an end
    edits: int = 0  # the sum of edit distances (Levenshtein 1966) between answer and target
    confusions: Confusions = field(default_factory=Counter)
    wrong: WrongAnswers = WrongAnswers()

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
        return self.correct / (self.n_target + self.n)

    @property
    def forced_token_accuracy(self) -> float:
        """The share of symbols, END among them, that are correct with teacher forcing."""
        return self.forced_correct / self.n_symbols

    @property
    def forced_exact_match(self) -> float:
        """The share of pairs that are wholly correct with teacher forcing."""
        return self.forced_exact / self.n_pairs

    @property
    def symbol_error_rate(self) -> float:
        """The edits that would make the answers right, over the symbols of the targets."""
        return self.edits / max(1, self.n_target)

    @property
    def figures(self) -> Figures:
        """Loss, token accuracy and exact match."""
        return Figures.of(self)


class Way(NamedTuple):
    """How to measure."""

    max_out_len: MaxOutLen
    beam: Beam | None = None  # None: greedily
    detailed: bool = False  # whether to tell what is confused, and some wrong answers
    alternatives: bool = False  # whether pairs with one source are alternatives, and not each a question of its own
    told: Told = untold  # of each source that was answered, and each pair that was decoded with teacher forcing


def measure_ragged(network: NumpyNetwork, pairs: RaggedPairs, way: Way) -> RaggedEvaluation:
    """Answer every source, and decode every pair with teacher forcing, and count.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    counts = itertools.chain(_forced_counts(network, pairs), _free_counts(network, pairs, way))
    return total(telling(in_threads(lambda count: count(), counts), way.told, lambda count: count.n + count.n_pairs))


Count = Callable[[], RaggedEvaluation]


def _forced_counts(network: NumpyNetwork, pairs: RaggedPairs) -> Iterator[Count]:
    """Yield what counts with teacher forcing some pairs whose sources have one length."""
    for in_len in np.unique(pairs.sources.lengths).tolist():
        chosen = np.flatnonzero(pairs.sources.lengths == in_len)
        out_len = int(pairs.targets.lengths[chosen].max()) + 1
        check_decoding_fits(network.model_config, 1, in_len, out_len)
        for part in chunks(pairs, chosen, rows_at_once(in_len, out_len)):
            yield functools.partial(_count_forced, network, part.sources.padded(), part.targets)


def _count_forced(network: NumpyNetwork, sources: np.ndarray, targets: Ragged) -> RaggedEvaluation:
    """Decode sources `[B, S]` fed their targets, and count."""
    go = network.model_config.go
    expected = targets.padded(int(targets.lengths.max()) + 1, go)  # [B, T], END after each target
    counts = np.arange(expected.shape[1]) <= targets.lengths[:, None]  # [B, T]: symbols and END
    forced = network.decode(sources, expected.shape[1], shift_right(expected, go))
    correct = (forced.symbols == expected) & counts
    return RaggedEvaluation(
        n_pairs=len(sources),
        n_symbols=int(counts.sum()),
        loss_sum=float((cross_entropy(forced.logits, expected) * counts).sum(dtype=np.float64)),
        forced_correct=int(correct.sum()),
        forced_exact=int((correct == counts).all(axis=1).sum()),
    )


def _free_counts(network: NumpyNetwork, pairs: RaggedPairs, way: Way) -> Iterator[Count]:
    """Yield what answers some different sources of one length, and compares the answers with all their targets."""
    groups = pairs.sources.groups() if way.alternatives else np.arange(len(pairs))  # [N]
    for in_len in np.unique(pairs.sources.lengths).tolist():
        chosen = np.flatnonzero(pairs.sources.lengths == in_len)
        chosen = chosen[np.argsort(groups[chosen], kind="stable")]
        _, first, owner = np.unique(groups[chosen], return_index=True, return_inverse=True)
        rows = _rows_at_once(network, in_len, way)
        for start in range(0, len(first), rows):
            sources = pairs.sources[chosen[first[start : start + rows]]].padded()  # [B, S]
            begin, end = np.searchsorted(owner, [start, start + rows])
            targets = pairs.targets[chosen[begin:end]]
            yield functools.partial(_count_free, network, sources, targets, owner[begin:end] - start, way)


def _rows_at_once(network: NumpyNetwork, in_len: int, way: Way) -> int:
    """Return how many sources of a length are answered at once.

    Raises:
        UsageError: not even one can be.
    """
    T = way.max_out_len(in_len) + 1
    if way.beam is None:
        check_decoding_fits(network.model_config, 1, in_len, T)
        return rows_at_once(in_len, T)
    check_beam_fits(network.model_config, 1, in_len, T, way.beam.size)
    return rows_at_once_in_beam(in_len, T, way.beam.size)


class _Said(NamedTuple):
    """The answers to B sources, T steps long."""

    symbols: np.ndarray  # [B, T]
    probabilities: np.ndarray | None  # [B, T]
    lengths: np.ndarray  # [B] symbols before END
    ended: np.ndarray  # [B]


def _say(network: NumpyNetwork, sources: np.ndarray, way: Way) -> _Said:
    """Answer sources `[B, S]`."""
    T, beam = way.max_out_len(sources.shape[1]), way.beam
    if beam is None:
        answers = decode_to_end(network, sources, T)
        probabilities = softmax(answers.decoded.logits).max(axis=-1) if way.detailed else None
        return _Said(answers.decoded.symbols, probabilities, answers.lengths, answers.ended)
    found = beam_search(network, sources, T, beam.size, beam.length_penalty, n_best=1)
    return _Said(*(array[:, 0] for array in (found.symbols, found.probabilities, found.lengths, found.ended)))


def _count_free(
    network: NumpyNetwork, sources: np.ndarray, targets: Ragged, owner: np.ndarray, way: Way
) -> RaggedEvaluation:
    """Answer sources `[B, S]`, and count; each target is one of the `owner`, `[N]`, which is in order."""
    said, go = _say(network, sources, way), network.model_config.go
    edits = _edits(said, targets, owner, go)  # [N]
    nearest = np.lexsort((edits, owner))[np.searchsorted(owner, np.arange(len(sources)))]  # [B]
    edits, targets = edits[nearest], targets[nearest]
    expected = targets.padded(int(targets.lengths.max()) + 1, go)  # [B, T], END after each target
    counts = np.arange(expected.shape[1]) <= targets.lengths[:, None]
    correct = (_with_end(said, expected.shape[1], go) == expected) & counts
    exact, ended = edits == 0, said.ended
    too_long, too_short = ended & (said.lengths > targets.lengths), ended & (said.lengths < targets.lengths)
    wrong = np.flatnonzero(~exact)
    return RaggedEvaluation(
        n=len(sources),
        n_target=int(targets.lengths.sum()),
        correct=int(correct.sum()),
        exact=int(exact.sum()),
        wrong_symbols=int((ended & ~exact & ~too_long & ~too_short).sum()),
        too_short=int(too_short.sum()),
        too_long=int(too_long.sum()),
        unended=int((~ended).sum()),
        edits=int((edits - ~ended).sum()),
        confusions=confusions(said.symbols[wrong], said.lengths[wrong], targets[wrong]) if way.detailed else Counter(),
        wrong=_examples(said, sources, targets, edits, wrong) if way.detailed else WrongAnswers(),
    )


def _edits(said: _Said, targets: Ragged, owner: np.ndarray, go: int) -> np.ndarray:
    """Return the edits from the owner's answer to each target, `[N]`, one more where the END is lacking."""
    expected = targets.padded(int(targets.lengths.max()) + 1, go)  # [N, T]
    lengths, is_unended = said.lengths[owner], ~said.ended[owner]
    counts = np.arange(expected.shape[1]) <= targets.lengths[:, None]
    differs = ((_with_end(said, expected.shape[1], go)[owner] != expected) & counts).any(axis=1)
    others = np.flatnonzero((lengths != targets.lengths) | differs)  # it is slower to see how far these differ
    edits: np.ndarray = is_unended.astype(np.int64)
    edits[others] += edit_distances(said.symbols[owner[others]], lengths[others], targets[others])
    return edits


def _examples(said: _Said, sources: np.ndarray, targets: Ragged, edits: np.ndarray, wrong: np.ndarray) -> WrongAnswers:
    """Return those of the wrong answers that have the most edits, or that the network is surest of."""
    assert said.probabilities is not None
    written = np.arange(said.symbols.shape[1]) < (said.lengths + said.ended)[:, None]  # [B, T]
    probability = np.where(written, said.probabilities, 1).prod(axis=1)  # [B]

    def answers(numbers: np.ndarray) -> tuple[WrongAnswer, ...]:
        return tuple(
            WrongAnswer(
                sources[b].tolist(),
                target,
                said.symbols[b, : said.lengths[b]].tolist(),
                bool(said.ended[b]),
                int(edits[b]),
                float(probability[b]),
            )
            for b, target in zip(numbers.tolist(), targets[numbers].rows(), strict=True)
        )

    worst, surest = (wrong[np.argsort(-of[wrong], kind="stable")[:EXAMPLES]] for of in (edits, probability))
    return WrongAnswers(answers(worst), answers(surest))


def _with_end(said: _Said, width: int, go: int) -> np.ndarray:
    """Return the answers `[B, width]` with END where they ended, and −1 after that."""
    symbols = said.symbols[:, :width]
    symbols = np.pad(symbols, ((0, 0), (0, width - symbols.shape[1])), constant_values=-1)
    return np.where(np.arange(width) < (said.lengths + said.ended)[:, None], symbols, -1)


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
    way: Way,
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
        yield Row(RANDOM, in_len, _measure(network, pattern, sources, way), fresh)
        for number, (kind, draw) in enumerate(KINDS.items() if kinds else ()):
            rng = np.random.default_rng([seed, 4, number, in_len])
            sources = draw(rng, min(n, OF_A_KIND), in_len, c.in_max_int)
            yield Row(kind, in_len, _measure(network, pattern, sources, way))
    if not taken:
        raise reasons[-1]


def n_to_measure(in_len: int, n: int, in_max_int: int) -> int:
    """Return on how many sources of a length `measure_pattern` measures, with all kinds."""
    n_random: int = min(n, (in_max_int + 1) ** in_len)
    return n_random + len(KINDS) * min(n, OF_A_KIND)


def _measure(network: NumpyNetwork, pattern: SequencePattern, sources: np.ndarray, way: Way) -> RaggedEvaluation:
    targets = pattern.ragged_targets(sources, network.model_config.out_max_int)
    ragged = Ragged(sources.ravel(), np.full(len(sources), sources.shape[1]))
    return measure_ragged(network, RaggedPairs(ragged, targets), way)


def _random_sources(in_len: int, n: int, seed: int, in_max_int: int, seen: Ragged | None) -> tuple[np.ndarray, bool]:
    """Return random sources of a length, `[N, S]`, and whether none was seen in training."""
    if (in_max_int + 1) ** in_len <= n:
        every = np.indices((in_max_int + 1,) * in_len).reshape(in_len, -1).T
        return every.astype(np.min_scalar_type(in_max_int)), False
    trained_on = None if seen is None else seen[np.flatnonzero(seen.lengths == in_len)].padded(in_len)
    fresh = fresh_sources(seed, n, in_len, in_max_int, trained_on)
    return (fresh, True) if len(fresh) == n else (fresh_sources(seed, n, in_len, in_max_int, None), False)


def measure_given(network: NumpyNetwork, pairs: RaggedPairs, way: Way) -> Iterator[Row]:
    """Measure on given pairs, those of each length of a source by themselves; those of one source are alternatives."""
    way = way._replace(alternatives=True)
    for in_len in np.unique(pairs.sources.lengths).tolist():
        chosen = np.flatnonzero(pairs.sources.lengths == in_len)
        yield Row(GIVEN, in_len, measure_ragged(network, pairs[chosen], way))
