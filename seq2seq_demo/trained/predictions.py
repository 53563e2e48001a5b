"""Streaming prediction: reads batches of sources, and yields their predictions in the same order."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, ClassVar, NamedTuple, TypedDict

import numpy as np

from seq2seq_demo.config import INTEGERS, ModelConfig, OnError
from seq2seq_demo.console import html_table, visible_symbol
from seq2seq_demo.data.records import Record, by_length
from seq2seq_demo.data.sequences import Sequences, align
from seq2seq_demo.data.vocabulary import Vocabularies, Vocabulary, join_symbols
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.decoding import GREEDY, Answer, DecodingOptions, answer
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.thread_pool import in_threads
from seq2seq_demo.trained.metrics import Calibration
from seq2seq_demo.trained.plots import Attention, attention_figure

if TYPE_CHECKING:
    from matplotlib.figure import Figure

UNENDED = " ... (did not end)"  # marks the text of an answer that did not end
Batch = list[Record]  # records to decode together


@dataclass(frozen=True)
class Prediction:
    """A network's answer to a source, with the expected target if it is known, or the error from reading the source.

    Texts are strings, and sequences of integers are lists. An unknown value is None.
    """

    source: Any
    prediction: Any = None  # also without END
    expected: Any = None
    exact: bool | None = None  # whether the answer equals the expected target
    ended: bool | None = None  # whether the answer has END; None if the network does not write END
    probability: float | None = None  # that of the whole answer, END included, so 0 if it did not end
    confidence: float | None = None  # the calibrated probability, for a network that was trained on pairs
    score: float | None = None  # log p / length^length_penalty, for an answer of a beam search that ended
    error: str | None = None  # why the source cannot be read
    source_tokens: list[Any] | None = None
    prediction_tokens: list[Any] | None = None
    probabilities: list[float] | None = None  # one per symbol of the answer, END included
    attention: np.ndarray | None = field(default=None, repr=False, compare=False)  # [T, S], END included in T
    _expected_tokens: ClassVar[list[Any] | None] = None  # no field, so that a table of predictions lacks the name

    @property
    def edits(self) -> int | None:
        """The edit distance to the expected target, where a missing END counts as an edit; None if it is unknown."""
        if self._expected_tokens is None or self.prediction_tokens is None:
            return None
        from rapidfuzz.distance import Levenshtein  # takes milliseconds

        return Levenshtein.distance(self.prediction_tokens, self._expected_tokens) + (self.ended is False)

    @property
    def written(self) -> list[str]:
        """The predicted symbols as strings, with END if the answer has one."""
        return [*map(str, self.prediction_tokens or ()), *(["END"] if self.ended else [])]

    @property
    def mistakes(self) -> dict[int, list[str]]:
        """The expected symbols at each wrong position of the answer, from an alignment with the fewest edits.

        Answers of a fixed length are compared position by position.
        """
        if self._expected_tokens is None:
            return {}
        predicted, end = self.written, [] if self.ended is None else ["END"]
        expected = [*map(str, self._expected_tokens), *end]
        has_fixed_length = self.ended is None and len(predicted) == len(expected)
        aligned = [[symbol] for symbol in expected] if has_fixed_length else align(predicted, expected)
        return {t: aligned[t] for t, symbol in enumerate(predicted) if aligned[t] != [symbol]}

    def to_dict(self, attention: bool = False) -> dict[str, Any]:
        """Return the fields as JSON values, numbers with six significant digits; `attention` adds the attention."""
        facts = vars(self).copy()
        facts.pop("_expected_tokens", None)
        del facts["attention"]
        facts |= {name: _rounded(facts[name]) for name in ("probability", "confidence", "score", "probabilities")}
        if attention:
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
            raise UsageError("expected a prediction with attention, got one without")
        inputs, outputs = [*map(visible_symbol, self.source_tokens or ())], [*map(visible_symbol, self.written)]
        expected = {t: " ".join(map(visible_symbol, symbols)) for t, symbols in self.mistakes.items()}
        notes = {t: f"expected {symbols or 'no symbol'}" for t, symbols in expected.items()}
        return Attention(inputs, outputs, self.attention, notes)

    def _repr_html_(self) -> str:
        return html_table(*([name, _shown(self, name)] for name in SHOWN_FIELDS))


SHOWN_FIELDS = ("source", "prediction", "expected", "probability", "confidence", "score", "error")  # in notebooks
MAX_SHOWN = 100  # rows of a table in a notebook


class Predictions(list[Any]):
    """A list of predictions, or of lists of them; a notebook shows it as a table."""

    def _repr_html_(self) -> str:
        listed = [(n, each if isinstance(each, list) else [each]) for n, each in enumerate(self[:MAX_SHOWN])]
        cells = [(n, {name: _shown(p, name) for name in SHOWN_FIELDS}) for n, answers in listed for p in answers]
        columns = [name for name in SHOWN_FIELDS if any(row[name] is not None for _, row in cells)]
        rows = [[n, *("" if row[name] is None else row[name] for name in columns)] for n, row in cells]
        more = [[f"and {len(self) - MAX_SHOWN} more"]] if len(self) > MAX_SHOWN else []
        return html_table(["", *columns], *rows, *more)


def as_text(value: Any) -> str:
    """Return a text unchanged, and the integers of a list separated by spaces."""
    return value if isinstance(value, str) else join_symbols(INTEGERS, value)


def _shown(p: Prediction, name: str) -> Any:
    """Return a field as a notebook shows it."""
    value = getattr(p, name)
    text = as_text(value) if isinstance(value, list) else value
    return text + UNENDED if name == "prediction" and p.ended is False else text


def _rounded(value: Any) -> Any:
    """Return a number, a list of numbers or None with six significant digits."""
    if isinstance(value, list):
        return [float(f"{each:.6g}") for each in value]
    return None if value is None else float(f"{value:.6g}")


def to_prediction(answer: Answer, vocabularies: Vocabularies, calibration: Calibration | None = None) -> Prediction:
    """Return an answer in the symbols of the vocabularies; without a `calibration`, it has no confidence."""
    source, source_tokens = _in_symbols(vocabularies.source, answer.source)
    predicted, tokens = _in_symbols(vocabularies.target, answer.symbols)
    expected = exact = expected_tokens = probability = confidence = None
    is_complete = answer.ended is not False
    if answer.expected is not None:
        exact = answer.symbols == answer.expected and is_complete
        expected, expected_tokens = _in_symbols(vocabularies.target, answer.expected)
    if probabilities := answer.probabilities:
        probability = math.prod(probabilities) if is_complete else 0.0
        if calibration:
            confidence = calibration.confidence(probabilities) if is_complete else 0.0
    prediction = object.__new__(Prediction)  # `__init__` of a frozen dataclass takes as long as all other lines
    vars(prediction).update(
        source=source,
        prediction=predicted,
        expected=expected,
        exact=exact,
        ended=answer.ended,
        probability=probability,
        confidence=confidence,
        score=answer.score,
        error=None,
        source_tokens=source_tokens,
        prediction_tokens=tokens,
        probabilities=probabilities,
        attention=answer.attention,
        _expected_tokens=expected_tokens,
    )
    return prediction


def _in_symbols(vocabulary: Vocabulary, numbers: list[int]) -> tuple[Any, list[Any]]:
    """Return a sequence as a text or a list of integers, and its symbols."""
    symbols = vocabulary.to_symbols(numbers)
    return vocabulary.join(symbols), symbols


def unread(record: Record) -> Prediction:
    """Return the error from reading a record, with its source if that is a text or a list of symbols."""
    source = record.values
    is_list = isinstance(source, list) and all(isinstance(symbol, str | int) for symbol in source)
    return Prediction(source if is_list or isinstance(source, str) else None, error=str(record.error))


class Decoding(TypedDict, total=False):
    """The arguments of `predict` that do not change the type of its answers."""

    out_len: int | None
    beam_size: int | None
    length_penalty: float
    on_error: OnError


class PredictionRequest(NamedTuple):
    """The answer lengths, decoding options and expected targets of a prediction."""

    out_len: Callable[[int], int]  # source length → answer length (the maximum if the network ends its answers)
    options: DecodingOptions = GREEDY
    targets: Callable[[np.ndarray], Sequences] | None = None  # sources [B, S] → targets, for rows without a target


def stream(
    network: NumpyNetwork, batches: Iterable[Batch], request: PredictionRequest
) -> Iterator[tuple[Batch, list[list[Answer]]]]:
    """Yield each batch with its predictions: a list per source, best first; for an unreadable row, an empty list.

    Raises:
        UsageError: a sequence is too long to decode.
    """
    predictions: dict[int, list[Answer]] = {}
    parts = _parts(batches, request, network.model_config)
    for (batch, indices, _), answers in in_threads(lambda part: (part, _answers(network, request, *part)), parts):
        predictions |= zip(indices, answers, strict=True)
        if len(predictions) == len(batch):
            yield batch, [predictions[index] for index in range(len(predictions))]
            predictions = {}


def _parts(
    batches: Iterable[Batch], request: PredictionRequest, model_config: ModelConfig
) -> Iterator[tuple[Batch, list[int], list[Any]]]:
    """Yield each batch with the indices of rows to decode together, and with the expected target of each row.

    The rows have one source length, or are unreadable.
    """
    for batch in batches:
        for in_len, indices in by_length(batch).items():
            size = request.options.rows_at_once(model_config, in_len, request.out_len(in_len))
            for part in (indices[first : first + size] for first in range(0, len(indices), size)):
                yield batch, part, _expected([batch[index] for index in part], request, model_config.ends)
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
) -> list[list[Answer]]:
    """Return the answers, best first, to each row of a batch at `indices`, whose sources have one length."""
    rows, ends = [batch[index] for index in indices], network.model_config.ends
    if rows[0].error:
        return [[] for _ in rows]
    in_len = len(rows[0].values)
    out_len = request.out_len(in_len)
    request.options.check_fits(network.model_config, len(rows), in_len, out_len)
    answers = answer(network, np.array([row.values for row in rows]), out_len, request.options)
    probabilities = answers.probabilities if request.options.probabilities else None
    # Reading single items of an array is slow, so all arrays become lists.
    symbols, lengths, ended, written = (x.tolist() for x in (*answers[:3], answers.n_written))
    p, scores = (None if x is None else x.tolist() for x in (probabilities, answers.scores))

    def one(b: int, n: int) -> Answer:
        T = written[b][n]
        return Answer(
            rows[b].values,
            symbols[b][n][: lengths[b][n]],
            expected[b],
            p[b][n][:T] if p else None,
            None if answers.attention is None else answers.attention[b, n, :T],
            ended[b][n] if ends else None,
            scores[b][n] if scores and (ended[b][n] or not ends) else None,
        )

    N = answers.lengths.shape[1]
    kept = [[n for n in range(N) if scores is None or scores[b][n] > -np.inf] for b in range(len(rows))]
    return [[one(b, n) for n in numbers] for b, numbers in enumerate(kept)]
