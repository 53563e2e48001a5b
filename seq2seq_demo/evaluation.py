"""How good a network is, by NumPy alone: with teacher forcing, which flatters, and free-running, which counts.

A network that ends its answers is asked for END too: it counts as a symbol, and an answer that does not end is wrong.
"""

from __future__ import annotations

import functools
import itertools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.data.edit_distance import Confusions, confusions, edit_distances
from seq2seq_demo.data.sampling import KINDS, sources_to_measure
from seq2seq_demo.data.sequences import Pairs, Sequences, shift_right
from seq2seq_demo.errors import DemoError, InputError, UsageError
from seq2seq_demo.figures import EXAMPLES, Evaluation, Tally, WrongAnswer, WrongAnswers
from seq2seq_demo.network.answers import Answers
from seq2seq_demo.network.decoding import DecodingOptions, answer
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parallel import in_threads, rows_at_once
from seq2seq_demo.network.ram import check_decoding_fits

ProgressCallback = Callable[[int], object]  # is called with how many more sequences were decoded
RANDOM, GIVEN = "random", "given"  # kinds of sources, beside those of `sampling.KINDS`
OF_A_KIND = 1000  # sources, at most


class EvaluationOptions(NamedTuple):
    """How to measure."""

    max_out_len: Callable[[int], int]  # from the length of a source to the longest answer, if the network ends it
    beam: Beam | None = None  # None: greedily
    detailed: bool = False  # whether to count confusions, and keep a few wrong answers
    alternatives: bool = False  # whether pairs with one source are alternatives, and not each a question of its own
    told: ProgressCallback = lambda _: None  # of each source that was answered, each pair that was decoded forced
    left_out: Callable[[InputError], object] = lambda _: None  # is told why a length is not measured

    @property
    def decoding(self) -> DecodingOptions:
        """How to decode."""
        return DecodingOptions(self.beam, probabilities=self.detailed)


def measure(network: NumpyNetwork, pairs: Pairs, options: EvaluationOptions) -> Evaluation:
    """Answer every source, decode every pair with teacher forcing, and count.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    evaluation, groups = Evaluation(), list(_decodable(network, pairs, options))
    counts = itertools.chain(_forced_counts(network, pairs, groups), _free_counts(network, pairs, groups, options))
    for part in in_threads(lambda count: count(), counts):
        options.told(part.n + part.n_pairs)
        evaluation += part
    return evaluation


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −log softmax(logits) at the targets: `[B, T, V]`, `[B, T]` → `[B, T]`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, targets[..., None].astype(np.intp), axis=-1)[..., 0]
    losses: np.ndarray = np.log(np.exp(shifted).sum(axis=-1)) - chosen
    return losses


Count = Callable[[], Evaluation]


class _Group(NamedTuple):
    """Pairs whose sources have one length."""

    in_len: int
    chosen: np.ndarray  # their indices
    forced_steps: int
    free_steps: int  # without that for END


def _by_length(sources: Sequences) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each length, and the indices of the sources that have it."""
    for in_len in np.unique(sources.lengths).tolist():
        yield in_len, np.flatnonzero(sources.lengths == in_len)


def _decodable(network: NumpyNetwork, pairs: Pairs, options: EvaluationOptions) -> Iterator[_Group]:
    """Yield the pairs of each length of a source, if they can be decoded both ways."""
    c = network.model_config
    for in_len, chosen in _by_length(pairs.sources):
        longest = int(pairs.targets.lengths[chosen].max())
        out_len = options.max_out_len(in_len) if c.ends else longest
        check_decoding_fits(c, 1, in_len, longest + c.ends)
        options.decoding.check_fits(c, 1, in_len, out_len + c.ends)
        yield _Group(in_len, chosen, longest + c.ends, out_len)


def _expected(network: NumpyNetwork, targets: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """Return the symbols that the network should write, `[B, T]`, END after each target if it ends, and their mask."""
    ends, go = network.model_config.ends, network.model_config.go
    expected = targets.padded(int(targets.lengths.max()) + ends, go)
    return expected, np.arange(expected.shape[1]) < (targets.lengths + ends)[:, None]


def _forced_counts(network: NumpyNetwork, pairs: Pairs, groups: list[_Group]) -> Iterator[Count]:
    """Yield functions that count, with teacher forcing, pairs whose sources have one length."""
    for in_len, chosen, steps, _ in groups:
        rows = rows_at_once(in_len, steps)
        for part in (pairs[chosen[first : first + rows]] for first in range(0, len(chosen), rows)):
            yield functools.partial(_count_forced, network, part.sources.array(), part.targets)


def _count_forced(network: NumpyNetwork, sources: np.ndarray, targets: Sequences) -> Evaluation:
    """Decode sources `[B, S]` fed their targets, and count."""
    expected, is_symbol = _expected(network, targets)  # [B, T]
    forced = network.decode(sources, expected.shape[1], shift_right(expected, network.model_config.go))
    is_correct = (forced.symbols == expected) & is_symbol
    return Evaluation(
        n_pairs=len(sources),
        loss_sum=float((cross_entropy(forced.logits, expected) * is_symbol).sum(dtype=np.float64)),
        forced=Tally.by_position(is_symbol, is_correct),
        forced_exact=int((is_correct == is_symbol).all(axis=1).sum()),
    )


def _free_counts(
    network: NumpyNetwork, pairs: Pairs, groups: list[_Group], options: EvaluationOptions
) -> Iterator[Count]:
    """Yield functions that answer different sources of one length, and compare the answers with all their targets."""
    questions = pairs.sources.groups() if options.alternatives else np.arange(len(pairs))  # [N]
    for in_len, chosen, _, out_len in groups:
        ordered = chosen[np.argsort(questions[chosen], kind="stable")]
        _, first, owner = np.unique(questions[ordered], return_index=True, return_inverse=True)
        rows = options.decoding.rows_at_once(in_len, out_len + network.model_config.ends)
        for start in range(0, len(first), rows):
            sources = pairs.sources[ordered[first[start : start + rows]]].array()  # [B, S]
            begin, end = np.searchsorted(owner, [start, start + rows])
            targets = pairs.targets[ordered[begin:end]]
            yield functools.partial(_count_free, network, sources, targets, owner[begin:end] - start, out_len, options)


class _Said(NamedTuple):
    """The best answer to each of B sources, T steps long."""

    symbols: np.ndarray  # [B, T]
    lengths: np.ndarray  # [B] symbols before END
    ended: np.ndarray  # [B]
    probabilities: np.ndarray | None  # [B, T]

    @classmethod
    def best_of(cls, answers: Answers) -> _Said:
        probabilities = None if answers.probabilities is None else answers.probabilities[:, 0]
        return cls(answers.symbols[:, 0], answers.lengths[:, 0], answers.ended[:, 0], probabilities)

    def padded(self, width: int) -> np.ndarray:
        """Return the symbols `[B, width]`, END where an answer ended, and −1 after that."""
        symbols = self.symbols[:, :width]
        symbols = np.pad(symbols, ((0, 0), (0, width - symbols.shape[1])), constant_values=-1)
        return np.where(np.arange(width) < (self.lengths + self.ended)[:, None], symbols, -1)


def _count_free(
    network: NumpyNetwork,
    sources: np.ndarray,
    targets: Sequences,
    owner: np.ndarray,
    out_len: int,
    options: EvaluationOptions,
) -> Evaluation:
    """Answer sources `[B, S]`, and count; target t belongs to source `owner[t]`, in rising order."""
    said = _Said.best_of(answer(network, sources, out_len, options.decoding))
    ends, V = network.model_config.ends, network.model_config.n_output_symbols
    edits = _edits(network, said, targets, owner)  # [N]
    nearest = np.lexsort((edits, owner))[np.searchsorted(owner, np.arange(len(sources)))]  # [B]
    edits, targets = edits[nearest], targets[nearest]
    expected, is_symbol = _expected(network, targets)  # [B, T]
    symbols = said.padded(expected.shape[1])
    is_correct = (symbols == expected) & is_symbol
    is_exact, is_over = edits == 0, said.ended | (not ends)
    too_long, too_short = is_over & (said.lengths > targets.lengths), is_over & (said.lengths < targets.lengths)
    wrong = np.flatnonzero(~is_exact)
    if not options.detailed:
        confused = Confusions()
    elif ends:
        confused = confusions(said.symbols[wrong], said.lengths[wrong], targets[wrong])
    else:  # a symbol answers the one in its place
        is_wrong = is_symbol & ~is_correct
        confused = Counter(zip(expected[is_wrong].tolist(), symbols[is_wrong].tolist(), strict=True))
    return Evaluation(
        n=len(sources),
        n_target=int(targets.lengths.sum()),
        by_position=Tally.by_position(is_symbol, is_correct),
        by_symbol=Tally(*(np.bincount(expected[mask], minlength=V) for mask in (is_symbol, is_correct))),
        exact=int(is_exact.sum()),
        wrong_symbols=int((is_over & ~is_exact & ~too_long & ~too_short).sum()),
        too_short=int(too_short.sum()),
        too_long=int(too_long.sum()),
        unended=int((~is_over).sum()),
        edits=int((edits - ~is_over).sum()),
        confusions=confused,
        wrong=_examples(said, sources, targets, edits, wrong) if options.detailed else WrongAnswers(),
    )


def _edits(network: NumpyNetwork, said: _Said, targets: Sequences, owner: np.ndarray) -> np.ndarray:
    """Return the edits from the owner's answer to each target, `[N]`; a lacking END is one more."""
    expected, is_symbol = _expected(network, targets)  # [N, T]
    lengths, is_unended = said.lengths[owner], ~said.ended[owner] & network.model_config.ends
    differs = ((said.padded(expected.shape[1])[owner] != expected) & is_symbol).any(axis=1)
    others = np.flatnonzero((lengths != targets.lengths) | differs)  # the distance takes longer than equality
    edits: np.ndarray = is_unended.astype(np.int64)
    edits[others] += edit_distances(said.symbols[owner[others]], lengths[others], targets[others])
    return edits


def _examples(
    said: _Said, sources: np.ndarray, targets: Sequences, edits: np.ndarray, wrong: np.ndarray
) -> WrongAnswers:
    """Return the wrong answers with the most edits, and those with the highest probability."""
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

    worst, surest = (wrong[np.argsort(-key[wrong], kind="stable")[:EXAMPLES]] for key in (edits, probability))
    return WrongAnswers(answers(worst), answers(surest))


@dataclass(frozen=True)
class Row:
    """The figures on sources of one kind and length."""

    kind: str  # RANDOM, one of `sampling.KINDS`, or GIVEN
    in_len: int
    evaluation: Evaluation
    fresh: bool | None = None  # whether none of the sources was trained on; None: unknown


class Sample(NamedTuple):
    """Sources to measure a pattern on."""

    lengths: Iterable[int]
    n: int  # of each length
    seed: int
    kinds: bool = False  # whether to measure the other kinds of sources too, up to 1,000 of each


def measure_pattern(
    network: NumpyNetwork,
    targets: Callable[[np.ndarray], Sequences],
    sample: Sample,
    seen: Sequences | None,
    options: EvaluationOptions,
) -> Iterator[Row]:
    """Measure on random sources of each length that a pattern takes; `targets` makes the targets of sources `[N, S]`.

    The sources are none of those `seen` in training, as far as there are others.

    Raises:
        UsageError: the pattern takes none of these lengths; a network that does not end its answers needs all.
        InputError: the network does not end its answers, and every source of these lengths was seen.
    """
    c, is_taken = network.model_config, False
    reasons: list[DemoError] = []
    for in_len in sample.lengths:
        try:
            targets(np.zeros((1, in_len), np.int64))
            sources, fresh = sources_to_measure(c, in_len, sample.n, sample.seed, seen)
        except (UsageError, InputError) as error:
            if not c.ends and isinstance(error, UsageError):
                raise
            reasons.append(error)
            if isinstance(error, InputError):
                options.left_out(error)
            continue
        is_taken = True
        pairs = Pairs(Sequences.of_array(sources), targets(sources))
        yield Row(RANDOM, in_len, measure(network, pairs, options), fresh)
        for number, (kind, draw) in enumerate(KINDS.items() if sample.kinds else ()):
            rng = np.random.default_rng([sample.seed, 4, number, in_len])
            sources = draw(rng, min(sample.n, OF_A_KIND), in_len, c.in_max_int)
            pairs = Pairs(Sequences.of_array(sources), targets(sources))
            yield Row(kind, in_len, measure(network, pairs, options))
    if not is_taken:
        raise reasons[-1]


def n_to_measure(model_config: ModelConfig, in_len: int, n: int) -> int:
    """Return how many sources of a length `measure_pattern` measures, with all kinds."""
    if not model_config.ends:
        return n
    n_random: int = min(n, (model_config.in_max_int + 1) ** in_len)
    return n_random + len(KINDS) * min(n, OF_A_KIND)


def measure_given(network: NumpyNetwork, pairs: Pairs, options: EvaluationOptions) -> Iterator[Row]:
    """Measure on given pairs, a row per length of a source; pairs with one source are alternatives."""
    options = options._replace(alternatives=True)
    for in_len, chosen in _by_length(pairs.sources):
        yield Row(GIVEN, in_len, measure(network, pairs[chosen], options))
