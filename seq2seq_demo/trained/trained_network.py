"""A trained network, with prediction, evaluation, saving and loading, and the bundled networks."""

from __future__ import annotations

import functools
import os
from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypeVar, Unpack, overload

from seq2seq_demo.config import ON_ERROR, Beam, ModelConfig, OnError, TrainConfig, given_values, lengths_text
from seq2seq_demo.data.layout import InputFormat
from seq2seq_demo.data.pair_task import Data, PairTask, Task, pair_task
from seq2seq_demo.data.patterns import as_pattern
from seq2seq_demo.data.reading import parse_columns
from seq2seq_demo.data.records import Place, Record, by_length, to_python, to_record, valid
from seq2seq_demo.data.tokens import source_records
from seq2seq_demo.declarations import require_choice, require_flag, require_integer
from seq2seq_demo.errors import UsageError, WeightsError
from seq2seq_demo.network.bidirectional import BidirectionalNumpyNetwork
from seq2seq_demo.network.decoding import GREEDY, DecodingOptions
from seq2seq_demo.network.ensemble import EnsembleNetwork
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parameters import Weights, initial_weights
from seq2seq_demo.trained import weights_file
from seq2seq_demo.trained.counts import ProgressCallback, count_answers
from seq2seq_demo.trained.evaluation import pair_sets, pattern_sets
from seq2seq_demo.trained.evaluation_report import Evaluation, EvaluationRow, summary_of
from seq2seq_demo.trained.predictions import Decoding, Prediction, stream
from seq2seq_demo.trained.saved_network import SavedNetwork

if TYPE_CHECKING:
    from seq2seq_demo.network.keras_network.model import Seq2Seq

S = TypeVar("S", str, list[int])  # a source and its answer


class TrainedNetwork(SavedNetwork):
    """A network with its weights and the record of its training. It predicts, and it can be evaluated and saved.

    With `others`, it is an ensemble, which answers with the mean probabilities of all `members`.
    """

    others: tuple[TrainedNetwork, ...]

    def __repr__(self) -> str:
        reached = f", exact match {self.validation.exact_match:.4f} in validation" if self.validation else ""
        return f"<{type(self).__name__} {self.summary()};\n {self._origin()}{reached}>"

    def _origin(self) -> str:
        """Return the task and the training lengths as text."""
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
        """The networks that answer together; a network that is not an ensemble is its own only member."""
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
        """Return the answer to one source; the options are as in `predict`, which answers several sources."""
        return self.predict([to_record(Place("source"), to_python(source))], **options)[0]

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
        """Return the answer to each source: a list of integers, or a string if the network writes text.

        Args:
            sources: strings, lists of integers, characters or words, a pandas column, or an array `[B, S]`; lengths
                may differ.
            out_len: the maximum length of an answer or, for a network that does not end its answers, the exact
                length. By default, it follows from the training lengths and the pattern.
            beam_size: the number of hypotheses of a beam search; by default `n_best` or, without it, greedy decoding.
            n_best: return a list of up to `n_best` answers per source, best first.
            length_penalty: the exponent A in the score log p / length^A of a hypothesis.
            details: return each answer as a `Prediction`, with probabilities, confidence and attention.
            on_error: "return" returns a `Prediction` with an `error` for each source that the network cannot read;
                it requires `details`.

        Raises:
            InputError: the network cannot read a source; the message names its row.
            UsageError: an argument is out of its range, or a sequence is too long to decode.
        """
        require_flag("`details`", details)
        if require_choice("`on_error`", on_error, ON_ERROR) == "return" and not details:
            raise UsageError("`on_error` 'return' needs `details`")
        beam = Beam.of(beam_size, n_best, length_penalty)
        records = source_records(sources, self.vocabularies.source, self.model_config.in_max_int)
        if on_error == "raise":
            records = valid(records)
        self.warn_of_lengths(*by_length(records))
        predictions = self._answers(records, out_len, DecodingOptions(beam, details, details))
        answers: list[Any] = predictions if details else [[p.prediction for p in best] for best in predictions]
        return answers if n_best is not None else [best for best, *_ in answers]

    def predict_numbers(
        self,
        pairs: Iterable[tuple[list[int], list[int] | None]],
        out_len: int | None = None,
        options: DecodingOptions = GREEDY,
    ) -> list[Prediction]:
        """Return the best answer to each source in `pairs`, which contain symbol numbers; a target may be None.

        `out_len` is as in `predict`; `options` configure the decoding.
        """
        records = [Record(Place("pairs", "row", row), *pair) for row, pair in enumerate(pairs)]
        return [best for best, *_ in self._answers(records, out_len, options)]

    def _answers(self, records: list[Record], out_len: int | None, options: DecodingOptions) -> list[list[Prediction]]:
        """Return the predictions for each record, best first."""
        if out_len is not None:
            require_integer("`out_len`", out_len, at_least=1)
        answer_len = functools.cache(lambda in_len: out_len or self.answer_len(in_len))
        batches = stream(self.to_numpy(), self, [records], answer_len=answer_len, options=options)
        return [best for _, answers in batches for best in answers]

    # ---- Evaluation ----

    def evaluate(
        self,
        data: Data | None = None,
        n: int | None = None,
        *,
        columns: str | Sequence[str] = (),
        in_len: int | tuple[int, int] | None = None,
        out_len: int | None = None,
        seed: int = 0,
        beam_size: int | None = None,
        length_penalty: float = 0.0,
    ) -> Evaluation:
        """Return the metrics on pairs, or on random sources of a pattern, drawn independently of the training sources.

        A warning names the lengths with few possible sources, some of which may be training sources.

        Args:
            data: a pattern's name or pairs, as in `train`; by default the pattern that the network learned.
            n: the number of sources of each length (default 10,000); for pairs, only use the first n (default all).
            columns: as in `train`.
            in_len: the source length, or a range (shortest, longest); by default the training lengths.
            out_len: as in `predict`; if the network does not end its answers, the target length.
            seed: the random seed of the sources.
            beam_size: as in `predict`.
            length_penalty: as in `predict`.

        Raises:
            UsageError: the pattern is unknown, or the data does not fit the network.
            InputError: there are no pairs.
        """
        if data is None:
            if self.pattern is None:
                raise UsageError(f"the network was trained on {self.task!r}: give data to evaluate it on")
            data = self.pattern
        lengths: Sequence[int] = ()
        if in_len is not None:
            config = TrainConfig(**given_values(TrainConfig, {"in_len": in_len}))
            lengths = range(config.min_in_len or config.in_len, config.in_len + 1)
        if n is not None:
            require_integer("`n`", n, at_least=1)
        beam = Beam.of(beam_size, None, length_penalty)
        pattern, largest = as_pattern(data, self.vocabularies.tokens), self.model_config.largest
        if pattern and columns:
            raise UsageError(f"`columns` can only be used with pairs, got pattern {pattern.name!r}")
        file_format, sides = InputFormat(columns=parse_columns(columns)), self.vocabularies
        task = pattern or pair_task(
            data, file_format=file_format, vocabularies=sides, largest=largest, allows_unknown=True
        )
        origin = f" of {Path(data).name}" if isinstance(data, str | os.PathLike) else ""
        origin = origin if task.is_pairs else f", pattern {task.name!r}"
        return self.evaluate_task(task, n=n, lengths=lengths, out_len=out_len, seed=seed, beam=beam, origin=origin)

    def evaluate_task(
        self,
        task: Task,
        *,
        n: int | None = None,
        lengths: Sequence[int] = (),
        out_len: int | None = None,
        seed: int = 0,
        beam: Beam | None = None,
        origin: str = "",
        on_progress: ProgressCallback = lambda _: None,
    ) -> Evaluation:
        """Return the metrics on a `task`; `n`, `out_len` and `seed` are as in `evaluate`.

        `lengths` are the source lengths, by default the training lengths. Without a `beam`, decoding is greedy.
        `origin` describes the sources, as in " of dev.tsv". `on_progress` receives the number of sequences decoded
        since its last call.

        Raises:
            UsageError: a value is out of range, or the task does not fit the network.
        """
        if out_len is not None:
            require_integer("`out_len`", out_len, at_least=1)
        require_integer("`seed`", seed, at_least=0)
        if isinstance(task, PairTask):
            sets = pair_sets(self, task, n=n, lengths=lengths, out_len=out_len)
        else:
            sets = pattern_sets(self, task, n=n, lengths=lengths, out_len=out_len, seed=seed)
        count = functools.partial(count_answers, self.to_numpy(), self, alternatives=task.is_pairs, detailed=True)
        rows = []
        for fresh, pairs in sets:
            counts = count(pairs, out_len=out_len, beam=beam, on_progress=on_progress)
            rows.append(EvaluationRow(int(pairs.sources.lengths[0]), counts, fresh))
        return summary_of(rows, self, origin)

    def to_numpy(self) -> NumpyNetwork:
        """Return the network in NumPy, which predicts without TensorFlow; an ensemble if there are `others`."""
        members = [make_numpy_network(network.model_config, network.weights) for network in self.members]
        return EnsembleNetwork(members) if self.others else members[0]

    def to_keras(self) -> Seq2Seq:
        """Return a `keras.Model` that takes sources `[B, S]` and decoder inputs `[B, T]`; this loads TensorFlow.

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
            WeightsError: `load` would reject the network, or the file cannot be written or belongs to another program.
            FileExistsError: the file exists and `overwrite` is False.
        """
        if Path(path).suffix == ".keras":
            raise WeightsError(f"{path}: expected another suffix, such as .h5; `to_keras().save` writes a Keras model")
        network = self if require_flag("`optimizer`", optimizer) else self.without_optimizer()
        weights_file.write(network, Path(path), require_flag("`overwrite`", overwrite))


def make_numpy_network(model_config: ModelConfig, weights: Weights) -> NumpyNetwork:
    """Return the NumPy network, with a bidirectional encoder if the config requires one."""
    return (BidirectionalNumpyNetwork if model_config.bidirectional else NumpyNetwork)(model_config, weights)


def untrained(model_config: ModelConfig, seed: int) -> TrainedNetwork:
    """Return a network with initial weights."""
    return TrainedNetwork(model_config, initial_weights(model_config, seed))
