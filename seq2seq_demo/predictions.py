"""A network's answers to sources, as a stream: batches of sources come in, predictions come out in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data.records import Batch
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.data.vocabulary import joined
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.answers import Answers
from seq2seq_demo.network.decoding import GREEDY, Decode, DecodingOptions, answer
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parallel import in_threads


class Prediction(NamedTuple):
    """What a network says to a source, and what was expected of it, if anybody knows.

    A symbol is an integer, or of a text the string that it is there.
    """

    source: list[Any]
    predicted: list[Any]
    expected: list[Any] | None = None
    probabilities: list[float] | None = None  # of each predicted symbol
    attention: np.ndarray | None = None  # [T, S]; None where the model has none
    ended: bool | None = None  # whether END came, of a network that ends its answers; it has a probability and α too
    tokens: tuple[str, str] = (INTEGERS, INTEGERS)  # what source and answer consist of
    score: float | None = None  # log p / T^A, of a beam search

    @property
    def exact(self) -> bool | None:
        """Whether it is right."""
        return None if self.expected is None else self.predicted == self.expected and self.ended is not False

    @property
    def source_text(self) -> str:
        """The source as a text."""
        return joined(self.tokens[0], self.source)

    @property
    def text(self) -> str:
        """The answer as a text."""
        return joined(self.tokens[1], self.predicted)

    @property
    def expected_text(self) -> str | None:
        """What was expected as a text."""
        return None if self.expected is None else joined(self.tokens[1], self.expected)

    @property
    def written(self) -> list[str]:
        """The symbols as text, with END if it came."""
        return [*map(str, self.predicted), *(["END"] if self.ended else [])]

    @property
    def wanted(self) -> list[str] | None:
        """The symbols that were expected, as text, with END if it should have come."""
        end = [] if self.ended is None else ["END"]
        return None if self.expected is None else [*map(str, self.expected), *end]

    @property
    def mistakes(self) -> dict[int, str]:
        """The places of the wrong symbols, each with what was expected there."""
        if self.wanted is None:
            return {}
        wanted = [*self.wanted, *["nothing"] * (len(self.written) - len(self.wanted))]
        return {t: wanted[t] for t, name in enumerate(self.written) if name != wanted[t]}


class Question(NamedTuple):
    """How to answer: with how many symbols, how to search for them, and what is expected."""

    out_len: Callable[[int], int]  # from the length of a source to that of its answer, at most if the network ends it
    options: DecodingOptions = GREEDY
    targets: Callable[[np.ndarray], Sequences] | None = None  # of sources [B, S], where a batch has none
    decode: Decode | None = None  # a greedy decoder to use instead of NumPy's


class _Part(NamedTuple):
    """Sources of one length in a batch, which are decoded together."""

    batch: Batch
    numbers: list[int]  # of the batch's rows
    in_len: int


def stream(
    network: NumpyNetwork, batches: Iterable[Batch | None], question: Question
) -> Iterator[tuple[Batch, list[list[Prediction]]]]:
    """Yield each batch with its predictions: a list per source, the best first. None among the batches flushes.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    found: dict[int, list[Prediction]] = {}
    parts = _parts(batches, question)
    for part, answers in in_threads(lambda part: (part, _answer_part(network, part, question)), parts):
        found |= zip(part.numbers, answers, strict=True)
        if len(found) == len(part.batch.rows):
            yield part.batch, [found[number] for number in range(len(found))]
            found = {}


def _parts(batches: Iterable[Batch | None], question: Question) -> Iterator[_Part | None]:
    for batch in batches:
        if batch is None:
            yield None
            continue
        for in_len, numbers in batch.by_length().items():
            rows = question.options.rows_at_once(in_len, question.out_len(in_len))
            for first in range(0, len(numbers), rows):
                yield _Part(batch, numbers[first : first + rows], in_len)


def _answer_part(network: NumpyNetwork, part: _Part, question: Question) -> list[list[Prediction]]:
    rows, out_len = [part.batch.rows[number] for number in part.numbers], question.out_len(part.in_len)
    question.options.check_fits(network.model_config, len(rows), part.in_len, out_len)
    sources = np.array([row.values for row in rows])
    expected = [row.output for row in rows]
    if question.targets and None in expected:
        try:
            targets = question.targets(sources).rows()
        except UsageError:
            if not network.model_config.ends:
                raise
        else:
            expected = [target if given is None else given for given, target in zip(expected, targets, strict=True)]
    answers = answer(network, sources, out_len, question.options, question.decode)
    return predictions_of(sources, answers, network.model_config.ends, question.options, expected)


def predictions_of(
    sources: np.ndarray,
    answers: Answers,
    ends: bool,
    options: DecodingOptions = GREEDY,
    expected: Sequence[list[int] | None] | None = None,
) -> list[list[Prediction]]:
    """Return the answers to sources `[B, S]` as predictions, the best first."""
    B, N = answers.lengths.shape
    symbols, lengths, ended, written = (
        array.tolist() for array in (answers.symbols, answers.lengths, answers.ended, answers.written)
    )
    scores = None if answers.scores is None else answers.scores.tolist()
    probabilities = (
        answers.probabilities.tolist() if options.probabilities and answers.probabilities is not None else None
    )
    attention = answers.attention
    return [
        [
            Prediction(
                source,
                symbols[b][n][: lengths[b][n]],
                target,
                probabilities and probabilities[b][n][: written[b][n]],
                None if attention is None else attention[b, n, : written[b][n]],
                ended[b][n] if ends else None,
                score=scores and scores[b][n],
            )
            for n in range(N)
            if scores is None or scores[b][n] > -np.inf
        ]
        for b, (source, target) in enumerate(zip(sources.tolist(), expected or [None] * B, strict=True))
    ]
