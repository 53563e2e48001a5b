"""How good a network is, by NumPy alone: with teacher forcing, which flatters, and free-running, which counts.

A network that ends its answers is asked for END too: it counts as a symbol, and an answer that does not end is wrong.
"""

from __future__ import annotations

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.data.edit_distance import Confusions, confusions, edit_distances
from seq2seq_demo.data.sampling import SOURCE_KINDS, evaluation_sources
from seq2seq_demo.data.sequences import Pairs, Sequences, shift_right
from seq2seq_demo.errors import InputError, Seq2SeqError, UsageError
from seq2seq_demo.figures import WRONG_EXAMPLES, Evaluation, Tally, WrongAnswer, WrongAnswers
from seq2seq_demo.network.decoding import GREEDY, DecodingOptions, answer
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.thread_pool import in_threads

ProgressCallback = Callable[[int], object]  # is called with how many more sequences were decoded
RANDOM, GIVEN = "random", "given"  # kinds of sources, beside those of `sampling.SOURCE_KINDS`
OF_A_KIND = 1000  # sources, at most


class EvaluationOptions(NamedTuple):
    """How to measure."""

    max_out_len: Callable[[int], int]  # from the length of a source to the longest answer, if the network ends it
    beam: Beam | None = None  # None: greedily
    detailed: bool = False  # whether to count confusions, and keep a few wrong answers
    alternatives: bool = False  # whether pairs with one source are alternatives, and not each a question of its own
    on_progress: ProgressCallback = lambda _: None  # with the number of sequences decoded since
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
    evaluation = Evaluation()
    for part in in_threads(lambda count: count(), _Measurement(network, pairs, options).counts()):
        options.on_progress(part.n + part.n_pairs)
        evaluation += part
    return evaluation


def cross_entropy(logits: np.ndarray, targets: np.ndarray) -> np.ndarray:
    """Return −log softmax(logits) at the targets: `[B, T, V]`, `[B, T]` → `[B, T]`."""
    shifted = logits - logits.max(axis=-1, keepdims=True)
    chosen = np.take_along_axis(shifted, targets[..., None].astype(np.intp), axis=-1)[..., 0]
    losses: np.ndarray = np.log(np.exp(shifted).sum(axis=-1)) - chosen
    return losses


def _by_length(sources: Sequences) -> Iterator[tuple[int, np.ndarray]]:
    """Yield each length, and the indices of the sources that have it."""
    for in_len in np.unique(sources.lengths).tolist():
        yield in_len, np.flatnonzero(sources.lengths == in_len)


class _Said(NamedTuple):
    """The best answer to each of B sources, T steps long."""

    symbols: np.ndarray  # [B, T]
    lengths: np.ndarray  # [B] symbols before END
    ended: np.ndarray  # [B]
    probabilities: np.ndarray | None  # [B, T]

    @property
    def is_written(self) -> np.ndarray:
        """A mask of the symbols that count, END included, `[B, T]`."""
        mask: np.ndarray = np.arange(self.symbols.shape[1]) < (self.lengths + self.ended)[:, None]
        return mask

    def padded(self, width: int) -> np.ndarray:
        """Return the symbols `[B, width]`, END where an answer ended, and −1 after that."""
        symbols = np.where(self.is_written, self.symbols, -1)[:, :width]
        return np.pad(symbols, ((0, 0), (0, width - symbols.shape[1])), constant_values=-1)


@dataclass(frozen=True)
class _Measurement:
    """A network, the pairs that it is measured on, and how to measure."""

    network: NumpyNetwork
    pairs: Pairs
    options: EvaluationOptions

    @functools.cached_property
    def questions(self) -> np.ndarray:
        """A number for each pair, `[N]`: those with the same number are alternatives."""
        return self.pairs.sources.groups() if self.options.alternatives else np.arange(len(self.pairs))

    def counts(self) -> list[Callable[[], Evaluation]]:
        """Return functions that count, each on sources of one length: all with teacher forcing, then all without.

        Raises:
            UsageError: a sequence is too long to decode.
        """
        forced: list[Callable[[], Evaluation]] = []
        free: list[Callable[[], Evaluation]] = []
        c, decoding = self.network.model_config, self.options.decoding
        for in_len, chosen in _by_length(self.pairs.sources):
            longest = int(self.pairs.targets.lengths[chosen].max())
            out_len = self.options.max_out_len(in_len) if c.ends else longest
            GREEDY.check_fits(c, 1, in_len, longest + c.ends)
            decoding.check_fits(c, 1, in_len, out_len + c.ends)
            rows = GREEDY.rows_at_once(in_len, longest + c.ends)
            parts = np.split(chosen, range(rows, len(chosen), rows))
            forced += [functools.partial(self._count_forced, part) for part in parts]
            ordered = chosen[np.argsort(self.questions[chosen], kind="stable")]
            owner = np.unique(self.questions[ordered], return_inverse=True)[1]  # of each target, its source's number
            rows = decoding.rows_at_once(in_len, out_len + c.ends)
            parts = np.split(ordered, np.searchsorted(owner, range(rows, owner[-1] + 1, rows)))
            free += [functools.partial(self._count_free, part, out_len) for part in parts]
        return forced + free

    def _expected(self, targets: Sequences) -> tuple[np.ndarray, np.ndarray]:
        """Return the symbols to write, `[B, T]`, END after each target if the network ends, and their mask."""
        ends, go = self.network.model_config.ends, self.network.model_config.go
        expected = targets.padded(int(targets.lengths.max()) + ends, go)
        return expected, np.arange(expected.shape[1]) < (targets.lengths + ends)[:, None]

    def _count_forced(self, chosen: np.ndarray) -> Evaluation:
        """Decode pairs, whose sources have one length, with teacher forcing, and count."""
        sources = self.pairs.sources[chosen].array()  # [B, S]
        expected, is_symbol = self._expected(self.pairs.targets[chosen])  # [B, T]
        decoder_input = shift_right(expected, self.network.model_config.go)
        forced = self.network.decode(sources, expected.shape[1], decoder_input)
        is_correct = (forced.symbols == expected) & is_symbol
        return Evaluation(
            n_pairs=len(sources),
            loss_sum=float((cross_entropy(forced.logits, expected) * is_symbol).sum(dtype=np.float64)),
            forced=Tally.by_position(is_symbol, is_correct),
            forced_exact=int((is_correct == is_symbol).all(axis=1).sum()),
        )

    def _count_free(self, chosen: np.ndarray, out_len: int) -> Evaluation:
        """Answer each different source once, all of one length, compare the answers with all targets, and count."""
        _, first, owner = np.unique(self.questions[chosen], return_index=True, return_inverse=True)  # [B], [N]
        sources, targets = self.pairs.sources[chosen[first]].array(), self.pairs.targets[chosen]  # [B, S], N
        answers = answer(self.network, sources, out_len, self.options.decoding)
        probabilities = None if answers.probabilities is None else answers.probabilities[:, 0]
        said = _Said(answers.symbols[:, 0], answers.lengths[:, 0], answers.ended[:, 0], probabilities)
        edits = self._edits(said, targets, owner)  # [N]
        nearest = np.lexsort((edits, owner))[first]  # [B]
        edits, targets = edits[nearest], targets[nearest]
        expected, is_symbol = self._expected(targets)  # [B, T]
        symbols = said.padded(expected.shape[1])
        is_correct = (symbols == expected) & is_symbol
        ends, V = self.network.model_config.ends, self.network.model_config.n_output_symbols
        is_exact, is_over = edits == 0, said.ended | (not ends)
        too_long, too_short = is_over & (said.lengths > targets.lengths), is_over & (said.lengths < targets.lengths)
        wrong = np.flatnonzero(~is_exact)
        if not self.options.detailed:
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
            wrong=_examples(said, sources, targets, edits, wrong) if self.options.detailed else WrongAnswers(),
        )

    def _edits(self, said: _Said, targets: Sequences, owner: np.ndarray) -> np.ndarray:
        """Return the edits from the owner's answer to each target, `[N]`; a lacking END is one more."""
        expected, is_symbol = self._expected(targets)  # [N, T]
        lengths, is_unended = said.lengths[owner], ~said.ended[owner] & self.network.model_config.ends
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
    probability = np.where(said.is_written, said.probabilities, 1).prod(axis=1)  # [B]

    def answered(b: int) -> WrongAnswer:
        (target,), symbols = targets[b : b + 1].rows(), said.symbols[b, : said.lengths[b]].tolist()
        facts = bool(said.ended[b]), int(edits[b]), float(probability[b])
        return WrongAnswer(sources[b].tolist(), target, symbols, *facts)

    first = (wrong[np.argsort(-key[wrong], kind="stable")[:WRONG_EXAMPLES]] for key in (edits, probability))
    return WrongAnswers(*(tuple(map(answered, numbers.tolist())) for numbers in first))


@dataclass(frozen=True)
class EvaluationRow:
    """The figures on sources of one kind and length."""

    kind: str  # RANDOM, one of `sampling.SOURCE_KINDS`, or GIVEN
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
) -> Iterator[EvaluationRow]:
    """Measure on random sources of each length that a pattern takes; `targets` makes the targets of sources `[N, S]`.

    The sources are none of those `seen` in training, as far as there are others.

    Raises:
        UsageError: the pattern takes none of these lengths; a network that does not end its answers needs all.
        InputError: the network does not end its answers, and every source of these lengths was seen.
    """
    c = network.model_config
    is_taken, reason = False, Seq2SeqError()

    def row(kind: str, sources: np.ndarray, fresh: bool | None = None) -> EvaluationRow:
        pairs = Pairs(Sequences.of_array(sources), targets(sources))
        return EvaluationRow(kind, sources.shape[1], measure(network, pairs, options), fresh)

    for in_len in sample.lengths:
        try:
            targets(np.zeros((1, in_len), np.int64))
            sources, fresh = evaluation_sources(c, in_len, sample.n, sample.seed, seen)
        except (UsageError, InputError) as error:
            if not c.ends and isinstance(error, UsageError):
                raise
            reason = error
            if isinstance(error, InputError):
                options.left_out(error)
            continue
        is_taken = True
        yield row(RANDOM, sources, fresh)
        for number, (kind, draw) in enumerate(SOURCE_KINDS.items() if sample.kinds else ()):
            rng = np.random.default_rng([sample.seed, 4, number, in_len])
            yield row(kind, draw(rng, min(sample.n, OF_A_KIND), in_len, c.in_max_int))
    if not is_taken:
        raise reason


def n_to_measure(model_config: ModelConfig, in_len: int, n: int) -> int:
    """Return how many sources of a length `measure_pattern` measures, with all kinds."""
    if not model_config.ends:
        return n
    n_random: int = min(n, (model_config.in_max_int + 1) ** in_len)
    return n_random + len(SOURCE_KINDS) * min(n, OF_A_KIND)


def measure_given(network: NumpyNetwork, pairs: Pairs, options: EvaluationOptions) -> Iterator[EvaluationRow]:
    """Measure on given pairs, a row per length of a source; pairs with one source are alternatives."""
    options = options._replace(alternatives=True)
    for in_len, chosen in _by_length(pairs.sources):
        yield EvaluationRow(GIVEN, in_len, measure(network, pairs[chosen], options))
