"""Predictions: a network's answers in the user's symbols, computed as a stream from batches of sources."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypedDict

import numpy as np

from seq2seq_demo.config import INTEGERS, ModelConfig, OnError
from seq2seq_demo.console import one_line, visible_symbol
from seq2seq_demo.data.records import Record, by_length
from seq2seq_demo.data.sequences import align
from seq2seq_demo.data.vocabulary import join_symbols
from seq2seq_demo.declarations import require_flag
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.decoding import GREEDY, DecodingOptions, answer
from seq2seq_demo.network.numpy_network import Answers, NumpyNetwork
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.trained.plots import Attention, attention_figure
from seq2seq_demo.trained.saved_network import AnswerLen, SavedNetwork, Targets

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNENDED = " ... (did not end)"  # follows the text of an answer without END
# A batch, the indices of records to decode together, and the target of each of these records
Part = tuple[list[Record], list[int], list[Any]]


@dataclass(frozen=True)
class Prediction:
    """A network's answer to a source, with the expected target if it is known, or the error from reading the source.

    Text is a string, and a sequence of integers is a list. An unknown value is None.
    """

    source: Any
    prediction: Any = None  # given even if the answer has no END
    expected: Any = None
    exact: bool | None = None  # whether the answer equals the expected target
    ended: bool | None = None  # whether the answer has END; None if the network does not write END
    probability: float | None = None  # of the whole answer, END included; 0 if the answer has no END
    confidence: float | None = None  # the calibrated probability, for a network that was trained on pairs
    score: float | None = None  # log p / length^length_penalty of a finished answer from a beam search
    error: str | None = None  # why the source cannot be read
    source_tokens: list[Any] | None = None
    prediction_tokens: list[Any] | None = None
    probabilities: list[float] | None = None  # one per symbol of the answer, END included
    attention: np.ndarray | None = field(default=None, repr=False, compare=False)  # [T, S], END included in T
    expected_tokens: list[Any] | None = field(default=None, repr=False, compare=False)

    @classmethod
    def of_numbers(
        cls,
        facts: SavedNetwork,
        *,
        source: list[int],
        answer: list[int],
        expected: list[int] | None = None,
        ended: bool | None = None,
        probabilities: list[float] | None = None,
        attention: np.ndarray | None = None,
        score: float | None = None,
    ) -> Prediction:
        """Make a prediction from symbol numbers without END; it includes a confidence if the network is calibrated."""
        is_complete, probability, confidence = ended is not False, None, None
        if probabilities:
            probability = math.prod(probabilities) if is_complete else 0.0
            if facts.calibration:
                confidence = facts.calibration.confidence(probabilities) if is_complete else 0.0
        sources, targets = facts.vocabularies
        return cls(
            source=sources.to_value(source),
            prediction=targets.to_value(answer),
            expected=None if expected is None else targets.to_value(expected),
            exact=None if expected is None else answer == expected and is_complete,
            ended=ended,
            probability=probability,
            confidence=confidence,
            score=score,
            source_tokens=sources.to_symbols(source),
            prediction_tokens=targets.to_symbols(answer),
            probabilities=probabilities,
            attention=attention,
            expected_tokens=None if expected is None else targets.to_symbols(expected),
        )

    @classmethod
    def unread(cls, record: Record) -> Prediction:
        """Make a prediction with the error from reading a record, and with the source if it is a string or a list."""
        source = record.values
        is_list = isinstance(source, list) and all(isinstance(symbol, str | int) for symbol in source)
        return cls(source if is_list or isinstance(source, str) else None, error=str(record.error))

    @property
    def edits(self) -> int | None:
        """The edit distance to the expected target, with a missing END as one edit; None if the target is unknown."""
        if self.expected_tokens is None or self.prediction_tokens is None:
            return None
        from rapidfuzz.distance import Levenshtein  # the import takes milliseconds

        return Levenshtein.distance(self.prediction_tokens, self.expected_tokens) + (self.ended is False)

    @property
    def written(self) -> list[str]:
        """The predicted symbols as strings, with END if the answer has one."""
        return [*map(str, self.prediction_tokens or ()), *(["END"] if self.ended else [])]

    @property
    def mistakes(self) -> dict[int, list[str]]:
        """The expected symbols at each wrong position of the answer, from an alignment with the fewest edits.

        Answers of a fixed length are compared position by position.
        """
        if self.expected_tokens is None:
            return {}
        predicted, end = self.written, [] if self.ended is None else ["END"]
        expected = [*map(str, self.expected_tokens), *end]
        has_fixed_length = self.ended is None and len(predicted) == len(expected)
        aligned = [[symbol] for symbol in expected] if has_fixed_length else align(predicted, expected)
        return {t: aligned[t] for t, symbol in enumerate(predicted) if aligned[t] != [symbol]}

    def to_dict(self, attention: bool = False) -> dict[str, Any]:
        """Return the fields as JSON values, rounded to six significant digits; `attention` adds the attention."""
        facts = vars(self).copy()
        del facts["attention"], facts["expected_tokens"]
        facts |= {name: _rounded(facts[name]) for name in ("probability", "confidence", "score", "probabilities")}
        if require_flag("`attention`", attention):
            facts["attention"] = None if self.attention is None else [*map(_rounded, self.attention.tolist())]
        return facts

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
            raise UsageError("the prediction has no attention")
        inputs, outputs = [*map(visible_symbol, self.source_tokens or ())], [*map(visible_symbol, self.written)]
        expected = {t: " ".join(map(visible_symbol, symbols)) for t, symbols in self.mistakes.items()}
        notes = {t: f"expected {symbols or 'no symbol'}" for t, symbols in expected.items()}
        return Attention(inputs=inputs, outputs=outputs, weights=self.attention, mistakes=notes)


def as_text(value: Any) -> str:
    """Return a string unchanged, or the integers of a list, separated by spaces, as a string."""
    return value if isinstance(value, str) else join_symbols(INTEGERS, value)


def bracketed(value: str | list[int]) -> str:
    """Return integers in brackets, or a string that is escaped to fit on one line."""
    return one_line(value) if isinstance(value, str) else f"[{as_text(value)}]"


def _rounded(value: Any) -> Any:
    """Round a number or a list of numbers to six significant digits; return None unchanged."""
    if isinstance(value, list):
        return [float(f"{each:.6g}") for each in value]
    return None if value is None else float(f"{value:.6g}")


class Decoding(TypedDict, total=False):
    """The arguments of `predict` that do not change the type of its answers."""

    out_len: int | None
    beam_size: int | None
    length_penalty: float
    on_error: OnError


# ---- From records to predictions ----


def stream(
    network: NumpyNetwork,
    facts: SavedNetwork,
    batches: Iterable[list[Record]],
    *,
    answer_len: AnswerLen,
    options: DecodingOptions = GREEDY,
    targets: Targets | None = None,
) -> Iterator[tuple[list[Record], list[list[Prediction]]]]:
    """Yield each batch with a list of predictions per record, best first; an unreadable record yields its error.

    Args:
        network: decodes the sources.
        facts: the network's vocabularies and calibration.
        batches: lists of records, which contain symbol numbers or an error.
        answer_len: maps a source length to the answer length, which is a maximum if the network ends its answers.
        options: how to decode, and which details of the answers to keep.
        targets: maps sources `[B, S]` to targets, for records without an output.

    Raises:
        UsageError: a sequence is too long to decode.
    """

    def answered(part: Part) -> tuple[Part, list[list[Prediction]]]:
        batch, indices, expected = part
        records = [batch[index] for index in indices]
        if records[0].error:
            return part, [[Prediction.unread(record)] for record in records]
        sources = np.array([record.values for record in records])  # [B, S]
        answers = answer(network, sources, answer_len(sources.shape[1]), options)
        return part, predictions_of(facts, [record.values for record in records], expected, answers)

    predictions: dict[int, list[Prediction]] = {}
    parts = _parts(batches, network.model_config, answer_len, options, targets)
    for (batch, indices, _), answers in in_threads(answered, parts):
        predictions |= zip(indices, answers, strict=True)
        if len(predictions) == len(batch):
            yield batch, [predictions[index] for index in range(len(batch))]
            predictions = {}


def _parts(
    batches: Iterable[list[Record]],
    config: ModelConfig,
    answer_len: AnswerLen,
    options: DecodingOptions,
    targets: Targets | None,
) -> Iterator[Part]:
    """Yield the parts of each batch; the records of a part have the same source length, or are all unreadable."""
    for batch in batches:
        for in_len, indices in by_length(batch).items():
            size = options.rows_at_once(config, in_len, answer_len(in_len))
            for part in (indices[first : first + size] for first in range(0, len(indices), size)):
                yield batch, part, _expected([batch[index] for index in part], targets, config.ends)
        if unreadable := [index for index, record in enumerate(batch) if record.error]:
            yield batch, unreadable, []


def _expected(records: list[Record], targets: Targets | None, ends: bool) -> list[Any]:
    """Return the output of each record or, by default, its pattern's target; None if both are unknown."""
    expected = [record.output for record in records]
    if targets and None in expected:
        with contextlib.suppress(UsageError) if ends else contextlib.nullcontext():
            computed = targets(np.array([record.values for record in records])).rows()
            return [target if output is None else output for output, target in zip(expected, computed, strict=True)]
    return expected


def predictions_of(
    facts: SavedNetwork, sources: list[list[int]], expected: list[Any], answers: Answers
) -> list[list[Prediction]]:
    """Return the predictions for each source, best first, with its expected target (None if it is unknown)."""
    ends, (B, N) = facts.ends, answers.lengths.shape
    # Reading single items of an array is slow, so all arrays become lists.
    symbols, lengths, ended, n_written = (
        array.tolist() for array in (answers.symbols, answers.lengths, answers.ended, answers.n_written)
    )
    probabilities, scores = (x if x is None else x.tolist() for x in (answers.probabilities, answers.scores))

    def prediction(b: int, n: int) -> Prediction:
        T = n_written[b][n]
        return Prediction.of_numbers(
            facts,
            source=sources[b],
            answer=symbols[b][n][: lengths[b][n]],
            expected=expected[b],
            ended=ended[b][n] if ends else None,
            probabilities=probabilities[b][n][:T] if probabilities and T else None,
            attention=None if answers.attention is None else answers.attention[b, n, :T],
            score=scores[b][n] if scores and (ended[b][n] or not ends) else None,
        )

    return [[prediction(b, n) for n in range(N) if scores is None or scores[b][n] > -math.inf] for b in range(B)]
