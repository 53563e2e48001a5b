"""A trained network: prediction, evaluation, saving and loading."""

from __future__ import annotations

import functools
import os
import warnings
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from seq2seq_demo.config import ON_ERROR, Beam, ModelConfig, OnError, lengths_text
from seq2seq_demo.console import html_table
from seq2seq_demo.data.numbering import by_length, source_records, valid_records
from seq2seq_demo.data.pair_task import Data, PairReading, Task, as_task
from seq2seq_demo.data.records import Place, Record
from seq2seq_demo.declarations import check_size, require_choice, require_integer, suggests_keywords
from seq2seq_demo.errors import UsageError, WeightsError
from seq2seq_demo.files import file_names
from seq2seq_demo.network.bidirectional import BidirectionalNumpyNetwork
from seq2seq_demo.network.decoding import GREEDY, Answer, DecodingOptions
from seq2seq_demo.network.ensemble import EnsembleNetwork
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parameters import Weights, initial_weights
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.evaluation import EvaluationRequest, measure_task
from seq2seq_demo.trained.evaluation_report import Evaluation, summary_of
from seq2seq_demo.trained.predictions import (
    Decoding,
    Prediction,
    PredictionRequest,
    Predictions,
    stream,
    to_prediction,
    unread,
)
from seq2seq_demo.trained.saved_network import SavedNetwork
from seq2seq_demo.trained.weights_file import check_members

if TYPE_CHECKING:
    from seq2seq_demo.network.keras_network.model import Seq2Seq


S = TypeVar("S", str, list[int])  # a source and its answer


class TrainedNetwork(SavedNetwork):
    """A network with its weights and the record of its training: it predicts, and can be evaluated and saved.

    With `others`, it is an ensemble, which answers with the mean probabilities of all `members`.
    """

    others: tuple[TrainedNetwork, ...]

    def __repr__(self) -> str:
        reached = f", exact match {self.validation.exact_match:.4f} in validation" if self.validation else ""
        return f"<{type(self).__name__} {self.summary()};\n {self._origin()}{reached}>"

    def _repr_html_(self) -> str:
        figures = asdict(self.validation).items() if self.validation else ()
        return html_table(["network", self.summary()], ["training", self._origin()], *figures)

    def _origin(self) -> str:
        """Return the task and the lengths of the training as text."""
        origin = self.task or self.program or "unknown data"
        learned = f"trained on {origin!r}" if self.step else "untrained"
        if not self.in_len:
            return learned
        lengths = lengths_text(self.min_in_len, self.in_len).replace("-", " to ")
        return f"{learned}, {lengths} symbols in and {'up to ' * self.ends}{self.out_len} out"

    def summary(self) -> str:
        """Return the architecture, the symbols and the number of weights in one line."""
        c = self.model_config
        symbols = f"symbols 0 to {c.in_max_int} in and 0 to {c.out_max_int} out"
        if self.vocabularies.are_text:
            sides = zip(self.vocabularies, (c.in_max_int, c.out_max_int), strict=True)
            symbols = " in and ".join(f"{len(x.symbols) or f'0 to {n}'} {x.tokens}" for x, n in sides) + " out"
        members = f" in {len(self.members)} networks" if self.others else ""
        return f"{c.architecture}, {symbols}, {self.n_weights} weights{members}"

    @property
    def n_weights(self) -> int:
        """The number of weights in all members together."""
        return sum(weight.size for network in self.members for weight in network.weights.values())

    @property
    def members(self) -> tuple[TrainedNetwork, ...]:
        """The networks that answer together; a network that is no ensemble is its own only member."""
        return (replace(self, others=()), *self.others)

    def without_optimizer(self) -> TrainedNetwork:
        """Return the network without Adam's moments; training that continues from it starts with moments of zero."""
        others = tuple(member.without_optimizer() for member in self.others)
        return replace(self, moments={}, moments_since=0, others=others)

    # ---- Prediction ----

    @overload
    def __call__(self, source: S) -> S: ...

    @overload
    def __call__(self, source: Any, **options: Any) -> Any: ...

    def __call__(self, source: Any, **options: Any) -> Any:
        """Return the answer to one source, as `predict` answers several; it takes the same options."""
        return self.predict([source], **options)[0]

    @overload
    def predict(
        self, sources: Iterable[S], *, n_best: None = None, details: Literal[False] = False, **options: Unpack[Decoding]
    ) -> list[S]: ...

    @overload
    def predict(
        self, sources: Iterable[S], *, n_best: int, details: Literal[False] = False, **options: Unpack[Decoding]
    ) -> list[list[S]]: ...

    @overload
    def predict(
        self, sources: Iterable[Any], *, n_best: None = None, details: Literal[True], **options: Unpack[Decoding]
    ) -> list[Prediction]: ...

    @overload
    def predict(
        self, sources: Iterable[Any], *, n_best: int, details: Literal[True], **options: Unpack[Decoding]
    ) -> list[list[Prediction]]: ...

    @overload  # written out, because editors do not complete the keys of a TypedDict
    def predict(
        self,
        sources: Iterable[Any],
        *,
        out_len: int | None = None,
        beam_size: int | None = None,
        n_best: int | None = None,
        length_penalty: float = 0.0,
        details: bool = False,
        on_error: OnError = "raise",
    ) -> list[Any]: ...

    @suggests_keywords
    def predict(
        self,
        sources: Iterable[Any],
        *,
        out_len: int | None = None,
        beam_size: int | None = None,
        n_best: int | None = None,
        length_penalty: float = 0.0,
        details: bool = False,
        on_error: OnError = "raise",
    ) -> list[Any]:
        """Return the answer to each source: a list of integers, or a text if the network writes texts.

        Args:
            sources: texts, lists of integers or of a text's symbols, a column of pandas, or an array `[B, S]`; lengths
                may differ.
            out_len: the maximum length of an answer or, for a network that does not end its answers, their exact
                length. By default, it follows from the lengths of training and the pattern, if there is one.
            beam_size: the number of hypotheses of a beam search; by default `n_best`, or greedy decoding.
            n_best: return a list of up to `n_best` answers per source, best first.
            length_penalty: the exponent A in the score log p / length^A of a hypothesis.
            details: return each answer as a `Prediction`, with probabilities, confidence and attention.
            on_error: "return" returns a `Prediction` with an `error` for each source that the network cannot read;
                needs `details`.

        Raises:
            InputError: the network cannot read a source; the message names its row.
            UsageError: an argument is out of its range, or a sequence is too long to decode.
        """
        if require_choice("`on_error`", on_error, ON_ERROR) == "return" and not details:
            raise UsageError("expected `details` with `on_error` 'return', got none")
        beam = Beam.of(beam_size, n_best, length_penalty)
        records = source_records(sources, self.vocabularies.source, self.model_config.in_max_int)
        if on_error == "raise":
            records = [*valid_records(records)]
        _warn(self.length_notices(*by_length(records)))
        answers = self._answers(records, out_len, DecodingOptions(beam, details, details))
        predictions = [[to_prediction(each, self.vocabularies, self.calibration) for each in best] for best in answers]
        rows = [best or [unread(record)] for record, best in zip(records, predictions, strict=True)]
        found: list[Any] = rows if details else [[each.prediction for each in best] for best in rows]
        found = found if n_best is not None else [best[0] for best in found]
        return Predictions(found) if details else found

    def predict_numbers(
        self, sources: Sequence[list[int]], out_len: int | None = None, options: DecodingOptions = GREEDY
    ) -> list[Answer]:
        """Return the best answer to each of `sources`, with symbols as numbers; `options` are those of the decoding.

        `out_len` is as in `predict`.
        """
        records = [Record(Place("sources", "row", row), source) for row, source in enumerate(sources)]
        return [best for best, *_ in self._answers(records, out_len, options)]

    def _answers(self, records: list[Record], out_len: int | None, options: DecodingOptions) -> list[list[Answer]]:
        """Return up to `n_best` answers per record, best first; none for an unreadable record."""
        if out_len is not None:
            require_integer("`out_len`", out_len, at_least=1)
        request = PredictionRequest(functools.cache(lambda in_len: out_len or self.answer_len(in_len)), options)
        return [each for _, answers in stream(self.to_numpy(), [records], request) for each in answers]

    # ---- Evaluation ----

    @suggests_keywords
    def evaluate(
        self,
        data: Data | None = None,
        n: int | None = None,
        *,
        in_len: int | tuple[int, int] | None = None,
        out_len: int | None = None,
        seed: int = 0,
        beam_size: int | None = None,
        length_penalty: float = 0.0,
    ) -> Evaluation:
        """Return the figures on pairs, or on random sources of a pattern that training did not draw.

        Only the sources of the last training run are excluded, up to 10 million points and 100 million symbols. At a
        length with few possible sources, a network that ends its answers is evaluated on training sources too.

        Args:
            data: a pattern's name or pairs, as in `train`; by default the pattern of the training.
            n: the number of sources of each length (default 10,000); for pairs, only use the first n (default all).
            in_len: the source length, or a range (shortest, longest); by default the lengths of training.
            out_len: as in `predict`; if the network does not end its answers, the target length.
            seed: the random seed of the sources.
            beam_size: as in `predict`.
            length_penalty: as in `predict`.

        Raises:
            UsageError: the pattern is unknown, or the data does not fit the network.
            InputError: there are no pairs, or no fresh sources.
        """
        if data is None:
            if self.pattern is None:
                raise UsageError(f"the network was trained on {self.task!r}: expected data to evaluate it on")
            data = self.pattern
        lengths: Sequence[int] = ()
        if in_len is not None:
            shortest, longest = in_len if isinstance(in_len, tuple | list) and len(in_len) == 2 else (in_len, in_len)
            shortest = require_integer("`in_len`", shortest, at_least=1)
            lengths = range(shortest, require_integer("`in_len`", longest, at_least=shortest) + 1)
        check_size("`n`", n)
        beam, notices = Beam.of(beam_size, None, length_penalty), list[str]()
        task = as_task(data, PairReading(self.vocabularies, allows_unseen=True))
        origin = f" of {Path(data).name}" if isinstance(data, str | os.PathLike) else ""
        origin = origin if task.is_pairs else f", pattern {task.name!r}"
        request = EvaluationRequest(n, lengths, out_len, seed, beam, origin, on_notice=notices.append)
        result = self.measure(task, request)
        _warn(notices)
        return result

    def measure(self, task: Task, request: EvaluationRequest) -> Evaluation:
        """Return the figures on a `task`, as the `request` describes.

        Raises:
            UsageError: a value is out of range, or the task does not fit the network.
            InputError: the network does not end its answers, and was trained on every source of these lengths.
        """
        shown = replace(self, vocabularies=task.vocabularies)  # which also contain the unseen symbols of the pairs
        trained = [each for each in self.members if each.step or each.run]
        rows = [*measure_task(self.to_numpy(), self, trained, task, request)]
        return summary_of(rows, shown, request.origin)

    def to_numpy(self) -> NumpyNetwork:
        """Return the network in NumPy, which predicts without TensorFlow; an ensemble if there are `others`."""
        members = [make_numpy_network(network.model_config, network.weights) for network in self.members]
        return EnsembleNetwork(members) if self.others else members[0]

    def to_keras(self) -> Seq2Seq:
        """Return a `keras.Model` with the inputs sources `[B, S]` and decoder input `[B, T]`; load TensorFlow.

        Raises:
            UsageError: the network is an ensemble, which is not a single `keras.Model`.
            TrainingError: TensorFlow is not installed.
        """
        if self.others:
            raise UsageError(f"expected one network for Keras, got an ensemble of {len(self.members)}")
        from seq2seq_demo.network.keras_network.model import Seq2Seq

        return Seq2Seq(self.model_config, self.weights)

    def save(self, path: str | os.PathLike[str], overwrite: bool = True, optimizer: bool = True) -> None:
        """Write a weights file atomically.

        Args:
            path: the weights file.
            overwrite: replace an existing weights file. A file of another program is never replaced.
            optimizer: keep Adam's moments, which take two thirds of the file. Only training that continues from the
                file needs them; without them, it starts with moments of zero.

        Raises:
            WeightsError: `load` would reject the network, or a file cannot be written or is another program's.
            FileExistsError: the file exists and `overwrite` is False.
        """
        if Path(path).suffix == ".keras":
            raise WeightsError(f"expected a weights file, got {path}: `to_keras().save` writes a Keras model")
        network = self if optimizer else self.without_optimizer()
        weights_file.write(network, Path(path), overwrite)


def _warn(notices: Iterable[str]) -> None:
    """Warn the caller of a method that `suggests_keywords` decorates."""
    for notice in notices:
        warnings.warn(notice, stacklevel=4)


def make_numpy_network(model_config: ModelConfig, weights: Weights) -> NumpyNetwork:
    """Return the NumPy network, with a bidirectional encoder if the config has one."""
    return (BidirectionalNumpyNetwork if model_config.bidirectional else NumpyNetwork)(model_config, weights)


def untrained(model_config: ModelConfig, seed: int) -> TrainedNetwork:
    """Return a network with initial weights."""
    return TrainedNetwork(model_config, initial_weights(model_config, seed))


def load(path: str | os.PathLike[str]) -> TrainedNetwork:
    """Read a network from a weights file of this program or a checkpoint of the 2016 program.

    Args:
        path: the file, whose format is detected from its content, or the name of a network that comes with the program,
            such as "g2p".

    Raises:
        WeightsError: the file is missing, damaged or of another kind.
    """
    network, _, _ = weights_file.read(file_names.find_weights(Path(path)), TrainedNetwork)
    return network


def ensemble(networks: Iterable[TrainedNetwork]) -> TrainedNetwork:
    """Combine networks into one that answers with the mean of their probabilities at each step.

    If one of the networks is an ensemble, its members become members of the new one. `save` writes all members to one
    file.

    Args:
        networks: networks that read and write the same symbols; models, cells and sizes may differ. The
            ensemble takes its lengths and its record of training runs from the first one.

    Raises:
        UsageError: there is no network, or there are more than 100, or their symbols or fixed lengths differ.
    """
    combined = [*networks] if isinstance(networks, Iterable) else []
    if not combined or not all(isinstance(network, TrainedNetwork) for network in combined):
        raise UsageError(f"expected networks to combine, as load() returns them, got {networks!r}"[:200])
    if len(combined) == 1:
        return combined[0]
    first, *others = (each for x in combined for each in (replace(x, others=()), *x.others))
    check_members([first, *others])
    return replace(first, others=tuple(others), validation=None, calibration=None)
