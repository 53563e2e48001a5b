"""Counts right and wrong answers in NumPy, with teacher forcing and free-running.

With teacher forcing, the decoder reads the symbols of the target, so the metrics are too optimistic. A free-running
decoder reads its own answer, as in a prediction. If the network ends its answers, END counts as a symbol, and an answer
without END is wrong.

A source that the network cannot read gets no answer, and a target that it cannot write never equals an answer. Both
count as wrong in every metric except the loss. The loss omits these symbols, because it would otherwise be infinite.

Shapes use the letters of `numpy_network`; N is the number of pairs and B the number of sources. If a source has several
targets, N > B.
"""

from __future__ import annotations

import functools
import math
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from typing import Any, SupportsFloat, SupportsInt

import numpy as np

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.data.sequences import Confusions, Pairs, Sequences, confusions, nearest_targets, shift_right
from seq2seq_demo.network.decoding import DecodingOptions, answer
from seq2seq_demo.network.numpy_network import Answers, NumpyNetwork, cross_entropy
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.trained.metrics import AnswerProbabilities, Metrics
from seq2seq_demo.trained.predictions import Prediction, predictions_of
from seq2seq_demo.trained.saved_network import AnswerLen, SavedNetwork

ProgressCallback = Callable[[int], object]  # takes the number of sequences decoded since the last call
FEW_PAIRS = 25  # with fewer pairs per batch, several threads are slower than one: they usually wait for Python's lock
WRONG_EXAMPLES = 5  # the number of wrong answers that an evaluation shows


@dataclass(frozen=True, eq=False)
class Tally:
    """Counts of expected and of correctly predicted symbols, per position or per symbol."""

    expected: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))
    correct: np.ndarray = field(default_factory=lambda: np.zeros(0, np.int64))

    def __add__(self, other: Tally) -> Tally:
        """Return the sums of the counts; the shorter arrays are padded with zeros."""
        width = max(len(self.expected), len(other.expected))
        a, b = ([np.pad(x, (0, width - len(x))) for x in (tally.expected, tally.correct)] for tally in (self, other))
        return Tally(a[0] + b[0], a[1] + b[1])

    @property
    def accuracy(self) -> np.ndarray:
        """The fraction of correct predictions; nan where nothing was expected."""
        with np.errstate(invalid="ignore"):
            return np.asarray(self.correct / self.expected)


def _ratio(part: SupportsFloat, whole: SupportsInt) -> float:
    return float(part) / int(whole) if whole else math.nan


@dataclass(frozen=True, eq=False)
class Counts:
    """The counts of an evaluation over n sources; counts can be added.

    If a source has several targets, an answer is right if it equals any of them. Edits are counted against the
    nearest target, which teacher forcing also uses.
    """

    n: int = 0
    n_pairs: int = 0
    n_target: int = 0  # symbols of the nearest targets, without END
    unseen: int = 0  # pairs with a symbol that the network cannot read or write; they count as wrong
    # With teacher forcing
    loss_sum: float = 0.0  # nats
    n_loss: int = 0  # symbols in `loss_sum`: target symbols that the network can write, for readable sources
    forced: Tally = Tally()  # per position
    forced_exact: int = 0  # sources with every symbol correct
    # Free-running
    by_position: Tally = Tally()
    by_symbol: Tally = Tally()
    exact: int = 0  # right answers
    wrong_symbols: int = 0  # wrong answers of the right length
    too_short: int = 0
    too_long: int = 0
    unended: int = 0  # answers without END from a network that ends its answers, and unreadable sources
    edits: int = 0  # the sum of the edit distances from answers to targets
    confusions: Confusions = field(default_factory=Counter)
    wrong: tuple[Prediction, ...] = ()  # the worst of each batch, with their nearest targets
    answers: AnswerProbabilities = field(default_factory=AnswerProbabilities)  # to readable sources, if `detailed`

    def __add__(self, other: Counts) -> Counts:
        return Counts(**{name: count + getattr(other, name) for name, count in vars(self).items()})

    @property
    def rates(self) -> dict[str, Any]:
        """The rates of an `Evaluation` by name; nan if nothing was measured."""
        return {
            "exact_match": _ratio(self.exact, self.n),
            "forced_exact_match": _ratio(self.forced_exact, self.n),
            "token_accuracy": _ratio(self.by_position.correct.sum(), self.by_position.expected.sum()),
            "forced_token_accuracy": _ratio(self.forced.correct.sum(), self.forced.expected.sum()),
            "symbol_error_rate": _ratio(self.edits, self.n and max(1, self.n_target)),
            "loss": _ratio(self.loss_sum, self.n_loss),
        }

    @property
    def metrics(self) -> Metrics:
        """Loss, token accuracy and exact match."""
        return Metrics(**{metric.name: self.rates[metric.name] for metric in fields(Metrics)})


def count_answers(
    network: NumpyNetwork,
    facts: SavedNetwork,
    pairs: Pairs,
    *,
    out_len: int | None = None,
    beam: Beam | None = None,
    alternatives: bool = False,
    detailed: bool = False,
    on_progress: ProgressCallback = lambda _: None,
) -> Counts:
    """Decode every source free-running, and with teacher forcing on its nearest target; return the counts.

    Args:
        network: decodes the sources.
        facts: the network's lengths, vocabularies and calibration.
        pairs: sources and targets.
        out_len: for a network that ends its answers, the maximum length of an answer; by default, as in a prediction.
        beam: the beam search; None decodes greedily.
        alternatives: whether an answer may equal any target of its source. Otherwise, each pair counts as a source.
        detailed: also count confusions, and keep the probabilities of all answers and a few wrong answers.
        on_progress: a function that receives the number of pairs in each batch.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    group_ids = pairs.sources.groups() if alternatives else np.arange(len(pairs))  # [N]
    decoding = DecodingOptions(beam, probabilities=detailed)
    answer_len = functools.partial(facts.answer_len, out_len=out_len)
    batches = [*_batches(network.model_config, pairs, group_ids, answer_len, decoding)]

    def counts_of(batch: tuple[np.ndarray, int]) -> Counts:
        rows, out_len = batch
        return _count_batch(network, facts, pairs[rows], group_ids=group_ids[rows], out_len=out_len, decoding=decoding)

    total = Counts()
    for counts in in_threads(counts_of, batches, 1 if len(pairs) < FEW_PAIRS * len(batches) else None):
        on_progress(counts.n_pairs)
        total += counts
    return total


def _batches(
    config: ModelConfig, pairs: Pairs, group_ids: np.ndarray, answer_len: AnswerLen, decoding: DecodingOptions
) -> Iterator[tuple[np.ndarray, int]]:
    """Yield the indices of pairs to decode together, and the length of their answers.

    All sources of a batch have the same length. Pairs with the same group id are in the same batch.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    for in_len in np.unique(pairs.sources.lengths).tolist():
        rows = np.flatnonzero(pairs.sources.lengths == in_len)
        longest = int(pairs.targets.lengths[rows].max())
        out_len = answer_len(in_len) if config.ends else longest
        n_steps = max(longest, out_len) + config.ends  # forced or free-running
        size = decoding.rows_at_once(config, in_len, n_steps)
        ordered = rows[np.argsort(group_ids[rows], kind="stable")]
        sources = np.unique(group_ids[ordered], return_inverse=True)[1]  # the number of each pair's source
        for part in np.split(ordered, np.searchsorted(sources, range(size, sources[-1] + 1, size))):
            yield part, out_len


def _count_batch(
    network: NumpyNetwork,
    facts: SavedNetwork,
    pairs: Pairs,
    *,
    group_ids: np.ndarray,
    out_len: int,
    decoding: DecodingOptions,
) -> Counts:
    """Count the answers to sources of one length.

    If a source has several targets, its answer is compared with the nearest one, which teacher forcing also uses.
    """
    config = network.model_config
    _, first, groups = np.unique(group_ids, return_index=True, return_inverse=True)  # [B], [N]
    sources = pairs.sources[first]  # B sources
    is_readable = ~sources.exceed(config.in_max_int)  # [B]
    inputs = np.minimum(sources.array().astype(np.int64), config.in_max_int)  # [B, S]
    answers, mask = answer(network, inputs, out_len, decoding), is_readable[:, None]
    # A source that the network cannot read gets an empty answer without END.
    answers = answers._replace(lengths=answers.lengths * mask, ended=answers.ended & mask)
    symbols = Sequences.of_padded(answers.symbols[:, 0], answers.n_written[:, 0])  # with END
    best = Sequences.of_padded(answers.symbols[:, 0], answers.lengths[:, 0])  # without END
    is_complete = answers.ended[:, 0] if config.ends else is_readable  # [B]
    nearest, edits = nearest_targets(best, pairs.targets, groups)
    targets = pairs.targets[nearest]  # B targets
    is_exact = is_complete & (edits == 0) & ~targets.exceed(config.out_max_int)
    unseen = ~is_readable[groups] | pairs.targets.exceed(config.out_max_int)  # [N]
    counts = Counts(n_pairs=len(pairs), unseen=int(unseen.sum()), edits=int(edits.sum()))
    counts += count_forced(network, inputs, is_readable, targets)
    counts += count_symbols(config, symbols, targets)
    counts += count_lengths(best, targets, is_complete, is_exact)
    if answers.probabilities is not None:
        probabilities = answers.probabilities[:, 0] * is_complete[:, None]  # [B, T]; 0 if an answer is not complete
        probabilities = probabilities[answers.is_written[:, 0]]
        counts += Counts(
            confusions=count_confusions(config, best[~is_exact], targets[~is_exact]),
            wrong=_worst(facts, Pairs(sources, targets), answers, edits + ~is_complete, is_exact),
            answers=AnswerProbabilities(probabilities, symbols.lengths[is_readable], is_exact[is_readable]),
        )
    return counts


def count_forced(network: NumpyNetwork, sources: np.ndarray, is_readable: np.ndarray, targets: Sequences) -> Counts:
    """Count the symbols that are right with teacher forcing and add up the loss of all symbols.

    Args:
        network: decodes the sources.
        sources: `[B, S]`.
        is_readable: a mask of the sources that the network can read, `[B]`; in others, symbols were replaced.
        targets: B targets.
    """
    go = network.model_config.go
    expected, mask = expected_symbols(network.model_config, targets)  # [B, T]
    writable = np.minimum(expected, go)
    forced = network.decode(sources, expected.shape[1], shift_right(writable, go))
    is_known = mask & is_readable[:, None] & (expected <= go)
    is_correct = (forced.symbols == expected) & is_known
    return Counts(
        loss_sum=float((cross_entropy(forced.logits, writable) * is_known).sum(dtype=np.float64)),
        n_loss=int(is_known.sum()),
        forced=Tally(mask.sum(axis=0), is_correct.sum(axis=0)),
        forced_exact=int((is_correct == mask).all(axis=1).sum()),
    )


def count_symbols(config: ModelConfig, answers: Sequences, targets: Sequences) -> Counts:
    """Count the symbols of B targets, END included, and how many of them the answers have at the same position."""
    expected, mask = expected_symbols(config, targets)  # [B, T]
    is_correct = (_padded(answers, expected.shape[1]) == expected) & mask
    n_symbols = max(config.n_output_symbols, int(expected.max()) + 1)  # one more if the network cannot write a symbol
    return Counts(
        n_target=int(targets.lengths.sum()),
        by_position=Tally(mask.sum(axis=0), is_correct.sum(axis=0)),
        by_symbol=Tally(*(np.bincount(expected[rows], minlength=n_symbols) for rows in (mask, is_correct))),
    )


def count_lengths(answers: Sequences, targets: Sequences, is_complete: np.ndarray, is_exact: np.ndarray) -> Counts:
    """Count the right answers and, by their lengths, the wrong ones; the masks are `[B]`."""
    surplus = answers.lengths - targets.lengths  # [B]
    return Counts(
        n=len(answers),
        exact=int(is_exact.sum()),
        wrong_symbols=int((is_complete & ~is_exact & (surplus == 0)).sum()),
        too_short=int((is_complete & (surplus < 0)).sum()),
        too_long=int((is_complete & (surplus > 0)).sum()),
        unended=int((~is_complete).sum()),
    )


def count_confusions(config: ModelConfig, answers: Sequences, targets: Sequences) -> Confusions:
    """Count the symbols that answers confuse, in an alignment or, if answers do not end, position by position."""
    if config.ends:
        return confusions(answers, targets)
    expected, _ = expected_symbols(config, targets)  # [B, T]
    symbols = _padded(answers, expected.shape[1])
    is_wrong = symbols != expected
    return Counter(zip(targets.array()[is_wrong].tolist(), symbols[is_wrong].tolist(), strict=True))


def expected_symbols(config: ModelConfig, targets: Sequences) -> tuple[np.ndarray, np.ndarray]:
    """Return the padded targets `[B, T]`, with END if the network writes END, and their mask.

    A symbol that the network cannot write is replaced with V.
    """
    padded = targets.padded(int(targets.lengths.max(initial=0)) + config.ends, config.go).astype(np.int64)
    positions, lengths = np.arange(padded.shape[1]), targets.lengths[:, None]
    is_unseen = (padded >= config.go) & (positions < lengths)
    return np.where(is_unseen, config.n_output_symbols, padded), positions < lengths + config.ends


def _padded(answers: Sequences, width: int) -> np.ndarray:
    """Return the first symbols of the answers, `[B, width]`; −1 where an answer has none."""
    return answers.padded(max(width, int(answers.lengths.max(initial=0))), -1)[:, :width]


def _worst(
    facts: SavedNetwork, pairs: Pairs, answers: Answers, edits: np.ndarray, is_exact: np.ndarray
) -> tuple[Prediction, ...]:
    """Return the wrong answers with the most edits, up to WRONG_EXAMPLES.

    Args:
        facts: the network's vocabularies and calibration.
        pairs: B sources, each with its nearest target.
        answers: the answers with their probabilities.
        edits: the edits of each answer, where a missing END counts as one, `[B]`.
        is_exact: a mask of the right answers, `[B]`.
    """
    wrong = np.flatnonzero(~is_exact)
    wrong = wrong[np.argsort(-edits[wrong], kind="stable")[:WRONG_EXAMPLES]]
    best = Answers._make(each if each is None else each[wrong, :1] for each in answers)._replace(scores=None)
    listed = predictions_of(facts, pairs.sources[wrong].rows(), pairs.targets[wrong].rows(), best)
    return tuple(prediction for (prediction,) in listed)
