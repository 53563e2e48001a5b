"""A network's answers to sources, as a stream: batches of sources come in, predictions come out in their order."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import INTEGERS
from seq2seq_demo.data.records import RecordBatch
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.data.vocabulary import join_symbols
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.answers import Answers
from seq2seq_demo.network.decoding import GREEDY, Decode, DecodingOptions, answer
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.thread_pool import in_threads


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
        return join_symbols(self.tokens[0], self.source)

    @property
    def text(self) -> str:
        """The answer as a text."""
        return join_symbols(self.tokens[1], self.predicted)

    @property
    def expected_text(self) -> str | None:
        """What was expected as a text."""
        return None if self.expected is None else join_symbols(self.tokens[1], self.expected)

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


class PredictionRequest(NamedTuple):
    """How to answer: with how many symbols, how to search for them, and what is expected."""

    out_len: Callable[[int], int]  # from the length of a source to that of its answer, at most if the network ends it
    options: DecodingOptions = GREEDY
    targets: Callable[[np.ndarray], Sequences] | None = None  # of sources [B, S], where a batch has none
    decode: Decode | None = None  # a greedy decoder to use instead of NumPy's


def stream(
    network: NumpyNetwork, batches: Iterable[RecordBatch | None], question: PredictionRequest
) -> Iterator[tuple[RecordBatch, list[list[Prediction]]]]:
    """Yield each batch with its predictions: a list per source, the best first. None among the batches flushes.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    found: dict[int, list[Prediction]] = {}
    parts = _parts(batches, question)
    for (batch, numbers), answers in in_threads(lambda part: (part, _answers(network, question, *part)), parts):
        found |= zip(numbers, answers, strict=True)
        if len(found) == len(batch.rows):
            yield batch, [found[number] for number in range(len(found))]
            found = {}


def _parts(
    batches: Iterable[RecordBatch | None], question: PredictionRequest
) -> Iterator[tuple[RecordBatch, list[int]] | None]:
    """Yield the numbers of a batch's rows in parts that are decoded together: sources of one length."""
    for batch in batches:
        if batch is None:
            yield None
            continue
        for in_len, numbers in batch.by_length().items():
            rows = question.options.rows_at_once(in_len, question.out_len(in_len))
            yield from ((batch, numbers[first : first + rows]) for first in range(0, len(numbers), rows))


def _answers(
    network: NumpyNetwork, question: PredictionRequest, batch: RecordBatch, numbers: Sequence[int]
) -> list[list[Prediction]]:
    """Return the predictions for these rows of a batch."""
    rows, ends = [batch.rows[number] for number in numbers], network.model_config.ends
    in_len = len(rows[0].values)
    out_len = question.out_len(in_len)
    question.options.check_fits(network.model_config, len(rows), in_len, out_len)
    sources, expected = np.array([row.values for row in rows]), [row.output for row in rows]
    if question.targets and None in expected:
        try:
            targets = question.targets(sources).rows()
        except UsageError:
            if not ends:
                raise
        else:
            expected = [target if given is None else given for given, target in zip(expected, targets, strict=True)]
    answers = answer(network, sources, out_len, question.options, question.decode)
    return _predictions(sources.tolist(), expected, answers, question.options, ends)


def _predictions(
    sources: list[list[int]], expected: list[Any], answers: Answers, options: DecodingOptions, ends: bool
) -> list[list[Prediction]]:
    """Return the answers as predictions, the best first."""
    probabilities = answers.probabilities if options.probabilities else None
    # Lists, as an array's items are slow to take one by one.
    symbols, lengths, ended, written = (x.tolist() for x in (*answers[:3], answers.written))
    p, scores = (None if x is None else x.tolist() for x in (probabilities, answers.scores))

    def prediction(b: int, n: int) -> Prediction:
        T = written[b][n]
        return Prediction(
            sources[b],
            symbols[b][n][: lengths[b][n]],
            expected[b],
            p and p[b][n][:T],
            None if answers.attention is None else answers.attention[b, n, :T],
            ended[b][n] if ends else None,
            score=scores and scores[b][n],
        )

    N = answers.lengths.shape[1]
    found = [[n for n in range(N) if scores is None or scores[b][n] > -np.inf] for b in range(len(sources))]
    return [[prediction(b, n) for n in each] for b, each in enumerate(found)]
