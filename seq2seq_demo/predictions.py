"""Streaming prediction: reads batches of sources, and yields their predictions in the same order."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from seq2seq_demo.config import INTEGERS
from seq2seq_demo.console import html_table, visible_symbol
from seq2seq_demo.data.numbering import by_length
from seq2seq_demo.data.records import Record
from seq2seq_demo.data.sequences import Sequences, align
from seq2seq_demo.data.vocabulary import Vocabularies, join_symbols
from seq2seq_demo.errors import UsageError
from seq2seq_demo.metrics import answer_confidence
from seq2seq_demo.network.decoding import GREEDY, DecodingOptions, answer
from seq2seq_demo.network.numpy_network import Answers, NumpyNetwork
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.plots import Attention, attention_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNENDED = " ... (did not end)"  # marks the text of an answer that did not end
Batch = list[Record]  # records to decode together


class Prediction(NamedTuple):
    """A network's answer to a source, with the expected target if it is known.

    Symbols are integers, or strings for texts.
    """

    source: list[Any]
    predicted: list[Any]
    expected: list[Any] | None = None
    probabilities: Sequence[float] = ()  # one per symbol of the answer; empty unless `details`
    attention: np.ndarray | None = None  # [T, S]; None without attention
    # Whether the answer has END, whose probability and attention come last; None if the network does not write END.
    ended: bool | None = None
    tokens: tuple[str, str] = (INTEGERS, INTEGERS)  # the kinds of symbols in source and answer
    score: float | None = None  # log p / length^length_penalty; None without a beam search, or if it did not end
    temperature: float | None = None  # for the confidence

    @property
    def probability(self) -> float:
        """The probability of the whole answer, END included, so 0 if it did not end; nan without `probabilities`."""
        return math.prod(self.probabilities) * (self.ended is not False) if self.probabilities else math.nan

    @property
    def confidence(self) -> float | None:
        """The calibrated probability of the answer; None without `temperature` or `probabilities`."""
        if not self.probabilities or self.temperature is None:
            return None
        return answer_confidence(self.probabilities, self.temperature) * (self.ended is not False)

    @property
    def exact(self) -> bool | None:
        """Whether the answer equals the expected target; None if that is unknown."""
        return None if self.expected is None else self.predicted == self.expected and self.ended is not False

    @property
    def source_text(self) -> str:
        """The source as a text."""
        return join_symbols(self.tokens[0], self.source)

    @property
    def text(self) -> str:
        """The answer as a text; an answer that did not end is marked."""
        return join_symbols(self.tokens[1], self.predicted) + UNENDED * (self.ended is False)

    @property
    def expected_text(self) -> str | None:
        """The expected target as a text."""
        return None if self.expected is None else join_symbols(self.tokens[1], self.expected)

    @property
    def predicted_symbols(self) -> list[str]:
        """The predicted symbols as strings, with END if the answer has one."""
        return [*map(str, self.predicted), *(["END"] if self.ended else [])]

    @property
    def expected_symbols(self) -> list[str] | None:
        """The expected symbols as strings, with END if the network writes END."""
        end = [] if self.ended is None else ["END"]
        return None if self.expected is None else [*map(str, self.expected), *end]

    def plot_attention(self) -> Figure:
        """Draw the attention: inputs across, outputs down, wrong outputs in red.

        Raises:
            UsageError: the network has no attention, or Matplotlib is not installed.
        """
        return attention_figure([self.shown_attention()])

    def shown_attention(self) -> Attention:
        """Return the attention with the labels of its rows and columns.

        Raises:
            UsageError: the network has no attention.
        """
        if self.attention is None:
            raise UsageError("expected a prediction with attention, got one without")
        inputs, outputs = [*map(visible_symbol, self.source)], [*map(visible_symbol, self.predicted_symbols)]
        expected = {t: " ".join(map(visible_symbol, symbols)) for t, symbols in self.mistakes.items()}
        notes = {t: f"expected {symbols or 'no symbol'}" for t, symbols in expected.items()}
        return Attention(inputs, outputs, self.attention, notes)

    def _repr_html_(self) -> str:
        texts = ["source", self.source_text], ["answer", self.text], ["expected", self.expected_text]
        return html_table(*texts, ["probability", self.probability], ["confidence", self.confidence])

    def with_symbols(self, vocabularies: Vocabularies) -> Prediction:
        """Return the prediction with the symbols of the vocabularies in place of numbers."""
        source, target = vocabularies
        return self._replace(
            source=source.to_symbols(self.source),
            predicted=target.to_symbols(self.predicted),
            expected=None if self.expected is None else target.to_symbols(self.expected),
            tokens=vocabularies.tokens,
        )

    @property
    def mistakes(self) -> dict[int, list[str]]:
        """The expected symbols at each wrong position of the answer, from an alignment with the fewest edits.

        Answers of a fixed length are compared position by position.
        """
        predicted, expected = self.predicted_symbols, self.expected_symbols
        if expected is None:
            return {}
        has_fixed_length = self.ended is None and len(predicted) == len(expected)
        aligned = [[symbol] for symbol in expected] if has_fixed_length else align(predicted, expected)
        return {t: aligned[t] for t, symbol in enumerate(predicted) if aligned[t] != [symbol]}


class PredictionRequest(NamedTuple):
    """The answer lengths, decoding options and expected targets of a prediction."""

    out_len: Callable[[int], int]  # source length → answer length (the maximum if the network ends its answers)
    options: DecodingOptions = GREEDY
    targets: Callable[[np.ndarray], Sequences] | None = None  # sources [B, S] → targets, for rows without a target
    temperature: float | None = None  # None: no confidences


def stream(
    network: NumpyNetwork, batches: Iterable[Batch], request: PredictionRequest
) -> Iterator[tuple[Batch, list[list[Prediction]]]]:
    """Yield each batch with its predictions: a list per source, best first; for an unreadable row, an empty list.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    predictions: dict[int, list[Prediction]] = {}
    parts = _parts(batches, request, network.model_config.ends)
    for (batch, indices, _), answers in in_threads(lambda part: (part, _answers(network, request, *part)), parts):
        predictions |= zip(indices, answers, strict=True)
        if len(predictions) == len(batch):
            yield batch, [predictions[index] for index in range(len(predictions))]
            predictions = {}


def _parts(
    batches: Iterable[Batch], request: PredictionRequest, ends: bool
) -> Iterator[tuple[Batch, list[int], list[Any]]]:
    """Yield each batch with the indices of rows to decode together, and with the expected target of each row.

    The rows have one source length, or are unreadable.
    """
    for batch in batches:
        for in_len, indices in by_length(batch).items():
            size = request.options.rows_at_once(in_len, request.out_len(in_len))
            for part in (indices[first : first + size] for first in range(0, len(indices), size)):
                yield batch, part, _expected([batch[index] for index in part], request, ends)
        if unreadable := [index for index, row in enumerate(batch) if row.error]:
            yield batch, unreadable, []


def _expected(rows: Batch, request: PredictionRequest, ends: bool) -> list[Any]:
    """Return the target of each row, by default the pattern's, or None."""
    expected = [row.output for row in rows]
    if request.targets and None in expected:
        with contextlib.suppress(UsageError) if ends else contextlib.nullcontext():
            targets = request.targets(np.array([row.values for row in rows])).rows()
            return [target if given is None else given for given, target in zip(expected, targets, strict=True)]
    return expected


def _answers(
    network: NumpyNetwork, request: PredictionRequest, batch: Batch, indices: Sequence[int], expected: list[Any]
) -> list[list[Prediction]]:
    """Return the predictions for the rows of a batch at `indices`, whose sources have one length."""
    rows, ends = [batch[index] for index in indices], network.model_config.ends
    if rows[0].error:
        return [[] for _ in rows]
    in_len = len(rows[0].values)
    out_len = request.out_len(in_len)
    request.options.check_fits(network.model_config, len(rows), in_len, out_len)
    sources = np.array([row.values for row in rows])
    answers = answer(network, sources, out_len, request.options)
    return _predictions(rows, expected, answers, request, ends)


def _predictions(
    rows: Batch, expected: list[Any], answers: Answers, request: PredictionRequest, ends: bool
) -> list[list[Prediction]]:
    """Convert answers to predictions, best first."""
    probabilities = answers.probabilities if request.options.probabilities else None
    # Reading single items of an array is slow, so all arrays become lists.
    symbols, lengths, ended, written = (x.tolist() for x in (*answers[:3], answers.n_written))
    p, scores = (None if x is None else x.tolist() for x in (probabilities, answers.scores))

    def prediction(b: int, n: int) -> Prediction:
        T = written[b][n]
        return Prediction(
            rows[b].values,
            symbols[b][n][: lengths[b][n]],
            expected[b],
            p[b][n][:T] if p else (),
            None if answers.attention is None else answers.attention[b, n, :T],
            ended[b][n] if ends else None,
            score=scores[b][n] if scores and (ended[b][n] or not ends) else None,
            temperature=request.temperature,
        )

    N = answers.lengths.shape[1]
    kept = [[n for n in range(N) if scores is None or scores[b][n] > -np.inf] for b in range(len(rows))]
    return [[prediction(b, n) for n in numbers] for b, numbers in enumerate(kept)]
