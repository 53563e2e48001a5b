"""A trained network: what it is, how it came to be, and what one can do with it."""

from __future__ import annotations

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, field, fields, replace
from pathlib import Path
from types import NoneType
from typing import TYPE_CHECKING, Any, BinaryIO, Literal, NamedTuple, overload

import numpy as np

from seq2seq_demo import recording
from seq2seq_demo.config import EVALUATED, Beam, ModelConfig, TrainConfig, beam_of
from seq2seq_demo.data import varied
from seq2seq_demo.data.batches import Pairs, Sample, training_sources
from seq2seq_demo.data.own_pairs import OwnPairs
from seq2seq_demo.data.own_ragged_pairs import OwnRaggedPairs, as_ragged
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.data.ragged import Ragged
from seq2seq_demo.data.sequence_pattern import SequencePattern, find_pattern
from seq2seq_demo.data.tasks import Task, as_task
from seq2seq_demo.data.vocabulary import OF_INTEGERS, Vocabularies, Vocabulary, source_rows
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import DemoError, UsageError, WeightsError
from seq2seq_demo.evaluation import EpochFigures, Evaluation, Figures, Told, measure, untold
from seq2seq_demo.files import access, canonical, container
from seq2seq_demo.files.checkpoint_2016 import is_checkpoint_file, read_checkpoint
from seq2seq_demo.files.container import HEADER_SIZE, Container, is_container
from seq2seq_demo.files.typed_json import parse_object, require_type, typed
from seq2seq_demo.network.bidirectional import numpy_network
from seq2seq_demo.network.names_2016 import from_2016
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parallel import in_threads
from seq2seq_demo.network.parameters import Weights, check_weights, initial_weights, weight_shapes
from seq2seq_demo.network.ram import check_decoding_fits, check_points_fit
from seq2seq_demo.predictions import GREEDY, Prediction, Wanted, answers_to
from seq2seq_demo.recording import Recording
from seq2seq_demo.varied_evaluation import RaggedEvaluation, Row, Way, measure_given, measure_pattern, total

MOST_DRAWN_AGAIN = 100_000_000, 10_000_000  # symbols and points; more would take long, whoever wrote the file
MOST_STEPS = 2**53
# What the weights of a training's best epoch, and those that it recorded, are named after in a snapshot.
BEST, RECORDED = "best/", "recorded/"

if TYPE_CHECKING:
    from seq2seq_demo.network.keras_network.model import Seq2Seq


@dataclass(frozen=True)
class TrainingRun:
    """How a network was trained last."""

    config: TrainConfig
    start_step: int  # Adam's where it began


@dataclass(frozen=True)
class Progress:
    """How far a training has come: all that a snapshot needs beside weights, moments and options."""

    epoch: int = 0  # counted from 0
    points: int = 0  # done in this epoch
    loss_sum: float = 0.0  # over the symbols of these points
    correct_sum: float = 0.0
    history: tuple[EpochFigures, ...] = ()  # of each epoch that is over


class Kept(NamedTuple):
    """A network's weights as they were after an epoch."""

    weights: Weights
    step: int
    moments: Weights


@dataclass(frozen=True)
class Lesson:
    """What the training in a snapshot teaches, to know it again on --resume."""

    data: str | None = None  # the task's digest, if pairs were given
    fingerprint: str | None = None  # the task's; None in files that do not tell it yet


@dataclass(frozen=True, repr=False, eq=False)
class TrainedNetwork:
    """A network with its weights, and what is known of how they came to be (None where a file does not say)."""

    model_config: ModelConfig
    weights: Weights  # by the names of weight_shapes
    task: str | None = None  # the name of what it was trained on
    in_len: int | None = None
    out_len: int | None = None
    min_in_len: int | None = None  # the shortest source that was trained; not None: the network ends its answers
    trained: TrainingRun | None = None
    reached: Figures | None = None  # on the validation points, after its last epoch
    step: int = 0  # how many times Adam changed the weights
    moments: Weights = field(default_factory=dict)  # Adam's, as "m/NAME" and "v/NAME"; may be empty
    progress: Progress | None = None  # of a snapshot
    lesson: Lesson | None = None  # of a snapshot
    program: str | None = None  # that trained it, if not this one
    vocabularies: Vocabularies = OF_INTEGERS
    best: Kept | None = None  # of a snapshot: the best epoch's so far, if that is what will be saved
    recording: Recording | None = None  # of a training that was asked for one, and of its snapshots

    @property
    def training_id(self) -> str:
        """A checksum of what was trained and how, alike in all snapshots of one training."""
        facts = self.model_config, self.task, self.trained, self.lesson
        return hashlib.sha256(repr(facts).encode()).hexdigest()

    def __repr__(self) -> str:
        """Return a line or two that say what it is."""
        origin = self.task or self.program or "unknown data"
        learned = f"trained on {origin!r}" if self.step else "untrained"
        lengths = f", {self.in_len} symbols in and {self.out_len} out" if self.in_len else ""
        if self.ends:
            lengths = f", {self.min_in_len} to {self.in_len} symbols in and up to {self.out_len} out"
        reached = f", exact match {self.reached.exact_match:.4f} in validation" if self.reached else ""
        return f"<TrainedNetwork {self.summary()};\n {learned}{lengths}{reached}>"

    def summary(self) -> str:
        """Return in a line what the network consists of."""
        c = self.model_config
        n_weights = sum(weight.size for weight in self.weights.values())
        symbols = f"symbols 0 to {c.in_max_int} in and 0 to {c.out_max_int} out"
        if self.vocabularies.are_text:
            sides = zip(self.vocabularies, (c.in_max_int, c.out_max_int), strict=True)
            symbols = " in and ".join(f"{len(x.symbols) or f'0 to {n}'} {x.tokens}" for x, n in sides) + " out"
        return (
            f"{c.model}{', bidirectional' * c.bidirectional}, "
            f"{c.num_layers} x {c.cell_type} of size {c.cell_size}, embedding size {c.embedding_size}, "
            f"{symbols}, {n_weights} weights"
        )

    @property
    def pattern(self) -> str | None:
        """The built-in pattern that it was trained on, if it was one: texts may come from a file of such a name."""
        return self.task if self.task in PATTERNS and not self.vocabularies.are_text else None

    # ---- What it says ----

    @overload
    def predict(
        self,
        sources: Any,
        out_len: int | None = None,
        *,
        max_out_len: int | None = None,
        beam_size: int | None = None,
        n_best: int | None = None,
        length_penalty: float = 0.0,
        details: Literal[False] = ...,
    ) -> list[Any]: ...

    @overload
    def predict(
        self,
        sources: Any,
        out_len: int | None = None,
        *,
        max_out_len: int | None = None,
        beam_size: int | None = None,
        n_best: None = None,
        length_penalty: float = 0.0,
        details: Literal[True],
    ) -> list[Prediction]: ...

    @overload
    def predict(
        self,
        sources: Any,
        out_len: int | None = None,
        *,
        max_out_len: int | None = None,
        beam_size: int | None = None,
        n_best: int,
        length_penalty: float = 0.0,
        details: Literal[True],
    ) -> list[list[Prediction]]: ...

    def predict(
        self,
        sources: Any,
        out_len: int | None = None,
        *,
        max_out_len: int | None = None,
        beam_size: int | None = None,
        n_best: int | None = None,
        length_penalty: float = 0.0,
        details: bool = False,
    ) -> list[Any]:
        """Decode sources: an array `[B, S]`, lists of integers of any lengths, or texts, of which a list holds symbols.

        Returns the predicted symbols of each, or its text, or with `details` a `Prediction`, which has the
        probabilities and the attention too. `out_len` None is the length of training, or for sources of another length,
        that of the pattern's targets, or else their own. A network that ends its answers has a `max_out_len` instead,
        by default as `max_out_len()` says. Decoding is greedy, or with a `beam_size` a beam search, of which `n_best`
        returns a list of so many answers to each source, the best first, where there are as many.

        Raises:
            InputError: a row is nothing that the network can read; the message names it.
            UsageError: a sequence is too long to decode, or the pattern does not take its length.
        """
        rows = source_rows(sources, self.model_config.in_max_int, self.vocabularies.source)
        for name, value in {"out_len": out_len, "max_out_len": max_out_len}.items():
            if value is not None:
                require_integer(name, value, at_least=1)
        self.require_end(out_len, max_out_len)
        beam = beam_of(beam_size, n_best, length_penalty)
        answers = self.answers(rows, out_len or max_out_len, Wanted(beam, details, details))
        shown = [[self.named(p) if details else self._answer(p) for p in each] for each in answers]
        return shown if n_best is not None else [best for best, *_ in shown]

    def _answer(self, prediction: Prediction) -> list[int] | str:
        """Return the symbols of an answer in numbers, or its text."""
        named = self.named(prediction)
        return named.text if self.vocabularies.target.is_text else named.predicted

    def named(self, prediction: Prediction) -> Prediction:
        """Return a prediction with the symbols of its numbers."""
        if not self.vocabularies.are_text:
            return prediction
        source, target = self.vocabularies
        return prediction._replace(
            source=source.names(prediction.source),
            predicted=target.names(prediction.predicted),
            expected=None if prediction.expected is None else target.names(prediction.expected),
            tokens=self.vocabularies.tokens,
        )

    def answers(
        self, sources: Sequence[list[int]], out_len: int | None = None, wanted: Wanted = GREEDY
    ) -> list[list[Prediction]]:
        """Return the answers to each source, the best first, in numbers; `out_len` bounds those that end."""
        answers: dict[int, list[Prediction]] = {}
        for in_len in sorted({len(source) for source in sources}):
            indices = [index for index, source in enumerate(sources) if len(source) == in_len]
            found = self._answers(np.array([sources[index] for index in indices]), out_len, wanted)
            answers |= zip(indices, found, strict=True)
        return [answers[index] for index in range(len(sources))]

    def _answers(self, sources: np.ndarray, out_len: int | None, wanted: Wanted) -> Iterator[list[Prediction]]:
        """Yield the answers to sources of one length `[N, S]`."""
        N, S = sources.shape
        T = out_len or (self.max_out_len(S) if self.ends else self._trained_len(S) or self.target_len(S))
        rows, network = wanted.rows_at_once(S, T), self.to_numpy()
        wanted.check_fits(self.model_config, min(N, rows), S, T)
        parts = (sources[first : first + rows] for first in range(0, N, rows))
        for answers in in_threads(lambda part: answers_to(network, part, T, self.ends, wanted), parts):
            yield from answers

    def require_end(self, out_len: int | None, max_out_len: int | None) -> None:
        """Raise UsageError for a length of answers that this network ends itself, or cannot end."""
        if self.ends and out_len is not None:
            raise UsageError(f"this network ends its answers: expected no --out-len, or --max-out-len, got {out_len}")
        if not self.ends and max_out_len is not None:
            raise UsageError(
                f"this network does not end its answers: expected --out-len, got --max-out-len {max_out_len}"
            )

    @property
    def ends(self) -> bool:
        """Whether it learned to end its answers: then it takes sources of any length."""
        return self.min_in_len is not None

    def was_trained_at(self, in_len: int) -> bool:
        """Say whether it was trained on sources of this length, or nobody knows."""
        return self.in_len is None or (self.min_in_len or self.in_len) <= in_len <= self.in_len

    def max_out_len(self, in_len: int) -> int:
        """Return how long an answer to a source of this length may be.

        It is as long as the longest target that was trained, and for longer sources than were trained in proportion.
        """
        longest, trained = self.out_len or in_len, self.in_len or in_len
        return longest if in_len <= trained else -(-longest * in_len // trained)

    def target_len(self, in_len: int, pattern: SequencePattern | None = None, asked: int | None = None) -> int:
        """Return how many symbols to decode for sources of this length.

        The first of these that is known: what is asked; what was trained at this length; all that the pattern makes,
        `pattern` or a built-in one that was trained on. Without a pattern: what is asked; what was trained at any
        length; `in_len`.

        Raises:
            UsageError: the pattern does not take such sources, or makes less than is asked for.
        """
        if pattern is None and self.pattern:
            pattern = find_pattern(self.pattern)
        if pattern is None:
            return asked or self.out_len or in_len
        c, wanted = self.model_config, asked or self._trained_len(in_len)
        whole = pattern.check(in_len, wanted, c.in_max_int, c.out_max_int)
        return wanted or whole

    def _trained_len(self, in_len: int) -> int | None:
        """Return the length of the targets that were trained for sources of this length, if any were."""
        return self.out_len if self.in_len in (None, in_len) else None

    # ---- How good it is ----

    def evaluate(
        self,
        task: str | Task | Iterable[Any] | None = None,
        n: int | None = None,
        *,
        in_len: int | tuple[int, int] | None = None,
        out_len: int | None = None,
        seed: int = 0,
        max_out_len: int | None = None,
        beam_size: int | None = None,
        length_penalty: float = 0.0,
    ) -> Evaluation | RaggedEvaluation:
        """Measure it on n fresh sources of a pattern (default 10,000), none of which it was trained on, or on n pairs.

        A network that ends its answers is measured on n sources of each length that it was trained at, or of `in_len`,
        which may be a range (shortest, longest); then END counts, and short sources are any.

        `task` is a pattern's name, a `Task`, or pairs of a source and a target, of which the default is all; None is
        the pattern that it was trained on. The lengths are those of training unless they are given. Of a training on
        more than 100 million symbols or 10 million points, which takes too long to draw again, some may come again.

        Raises:
            UsageError: there is no such pattern, or it does not fit the network.
            InputError: no pairs, or no fresh sources.
        """
        if task is None:
            if self.pattern is None:
                raise UsageError(f"the network was trained on {self.task!r}: expected a task to evaluate it on")
            task = self.pattern
        self.require_end(out_len, max_out_len)
        beam = beam_of(beam_size, None, length_penalty)
        if self.ends:
            lengths: Sequence[int] = ()
            if in_len is not None:
                shortest, longest = in_len if isinstance(in_len, tuple) else (in_len, in_len)
                first = require_integer("in_len", shortest, at_least=1)
                lengths = range(first, require_integer("in_len", longest, at_least=first) + 1)
            rows = self.rows(task, n, lengths, max_out_len, seed, kinds=False, beam=beam, detailed=True)
            return total(row.evaluation for row in rows)
        if isinstance(in_len, tuple):
            raise UsageError(f"expected in_len to be one length, as this network was trained at one, got {in_len}")
        pairs = self.held_out(as_task(task), n, in_len=in_len, out_len=out_len, seed=seed)
        return measure(self.to_numpy(), pairs, beam)

    def rows(
        self,
        task: str | Task | Iterable[Any],
        n: int | None = None,
        lengths: Sequence[int] = (),
        max_out_len: int | None = None,
        seed: int = 0,
        kinds: bool = True,
        beam: Beam | None = None,
        detailed: bool = False,
        told: Told = untold,
    ) -> Iterator[Row]:
        """Yield what a network that ends its answers reaches at each length: of a pattern, or of the first n pairs.

        `detailed` adds what is confused, and the worst and surest wrong answers. `told` is called with the number of
        sequences of each part that is decoded; each is twice, once with teacher forcing.

        Raises:
            UsageError: the task is another, or does not fit the network.
        """
        way = Way(self.max_out_len if max_out_len is None else lambda in_len: max_out_len, beam, detailed, told=told)
        task = as_task(task, self.vocabularies)
        task = as_ragged(task) if isinstance(task, OwnPairs) else task
        if isinstance(task, OwnRaggedPairs):
            self._require_alike(task)
            yield from measure_given(self.to_numpy(), task.pairs[slice(None, n)], way)
        elif isinstance(task, SequencePattern):
            if self.vocabularies.are_text:
                raise UsageError(f"expected pairs to evaluate a network of texts on, got pattern {task.name!r}")
            every = lengths or self.trained_lengths
            numpy_network, seen = self.to_numpy(), self._all_seen(task)
            yield from measure_pattern(numpy_network, task, every, n or EVALUATED, seed, way, seen, kinds)
        else:
            raise UsageError(f"expected a pattern or pairs to evaluate this network on, got {task!r}")

    def _require_alike(self, task: OwnRaggedPairs) -> None:
        """Raise UsageError unless the numbers of a task stand for what they stand for here."""
        if task.vocabularies != self.vocabularies:
            what = " to ".join(self.vocabularies.tokens)
            raise UsageError(f"expected pairs of this network's own symbols, {what}, got others")

    def _all_seen(self, pattern: SequencePattern) -> Ragged | None:
        """Return the sources of all lengths that the last training drew, if that can be told."""
        run = self.trained
        if run is None or not run.config.varies or not self.draws_again or self.task != pattern.name:
            return None
        lengths = [*varied.lengths_taken(pattern, run.config, self.model_config)]
        return varied.training_sources(run.config, lengths, self.model_config.in_max_int, run.start_step)

    @property
    def trained_lengths(self) -> range:
        """The lengths of sources that a network which ends its answers was trained at."""
        shortest, longest = self.min_in_len or 1, self.in_len or 1
        return range(shortest, longest + 1)

    def held_out(
        self, task: Task, n: int | None = None, *, in_len: int | None = None, out_len: int | None = None, seed: int = 0
    ) -> Pairs:
        """Return the pairs that `evaluate` measures on."""
        for name, value in {"the number of sources": n, "in_len": in_len, "out_len": out_len}.items():
            if value is not None:
                require_integer(name, value, at_least=1)
        require_integer("seed", seed, at_least=0)
        S = in_len or self.in_len or TrainConfig.in_len
        T = out_len or self._trained_len(S)
        check_points_fit(n or EVALUATED, S, T or S)
        check_decoding_fits(self.model_config, 1, S, T or S)
        pairs: Pairs = task.held_out(Sample(n, S, T, seed), self.model_config, self._seen(S))
        for name, asked, symbols in (("in-len", in_len, pairs.sources), ("out-len", out_len, pairs.targets)):
            if asked not in (None, symbols.shape[1]):
                raise UsageError(f"expected {name} {symbols.shape[1]}, as of the pairs, got {asked}")
        return pairs

    @property
    def draws_again(self) -> bool:
        """Whether the sources it was trained on are few enough to draw again, so that an evaluation avoids them."""
        if self.trained is None:
            return True
        n = self.trained.config.points
        return n * self.trained.config.in_len <= MOST_DRAWN_AGAIN[0] and n <= MOST_DRAWN_AGAIN[1]

    def _seen(self, in_len: int) -> np.ndarray | None:
        """Return the random sources of this length that the last training drew, `[points, S]`, if there are any."""
        run = self.trained
        if run is None or run.config.in_len != in_len or not self.draws_again:
            return None
        return training_sources(run.config, self.model_config.in_max_int, run.start_step)

    # ---- What it can become ----

    def to_numpy(self) -> NumpyNetwork:
        """Return the network in NumPy, which answers at once."""
        return numpy_network(self.model_config, self.weights)

    def to_keras(self) -> Seq2Seq:
        """Return the network as a `keras.Model`, of sources `[B, S]` and a decoder input `[B, T]`; loads TensorFlow."""
        from seq2seq_demo.network.keras_network.model import Seq2Seq

        return Seq2Seq(self.model_config, self.weights)

    def save(self, path: str | os.PathLike[str], overwrite: bool = True) -> None:
        """Write a weights file, whole or not at all, and if the training was recorded, its recording beside it.

        Raises:
            WeightsError: `load` would refuse it, or it could not be written; or the recording could not.
            FileExistsError: it is there already and `overwrite` is False.
        """
        access.check_writable(Path(path), "a weights file", WeightsError)
        if self.recording:
            recording.check_place(canonical.recording_path(Path(path)), overwrite)
        content = self.to_bytes()
        try:
            access.write(Path(path), content, overwrite)
        except FileExistsError:
            raise
        except OSError as error:
            raise WeightsError(f"{path}: could not be written: {error.strerror}") from error
        if self.recording:
            beside = recording.to_bytes(self.recording, self.model_config, self.weights)
            recording.write(canonical.recording_path(Path(path)), beside, overwrite)

    def to_bytes(self) -> bytes:
        """Return the content of its weights file; the same network gives the same bytes.

        Raises:
            WeightsError: `load` would refuse it, since a weight is missing or not finite, say.
        """
        arrays = _arrays(self.model_config, Kept(self.weights, self.step, self.moments))
        if self.best:
            arrays |= {f"{BEST}{name}": array for name, array in _arrays(self.model_config, self.best).items()}
        if self.recording and self.progress:
            arrays |= recording.to_arrays(self.recording, RECORDED)
        vocabularies = {name: asdict(side) for name, side in self.vocabularies._asdict().items()}
        facts = {"model": asdict(self.model_config), "training": self._training_json(), "vocabularies": vocabularies}
        texts = {name: json.dumps(value) for name, value in facts.items()}
        content = container.to_bytes(arrays, texts)
        _from_bytes(content)
        return content

    def _training_json(self) -> dict[str, Any]:
        """Return how it came to be, as the weights file says it."""
        trained: dict[str, Any] = {"program": self.program} if self.program else {}
        progress: dict[str, Any] = {}
        if self.trained:
            trained = asdict(self.trained.config) | {"start_step": self.trained.start_step}
        if self.lesson:
            trained |= asdict(self.lesson)
        if self.trained and self.progress:
            progress = {
                "start_step": self.trained.start_step,
                "epoch": self.progress.epoch,
                "points": self.progress.points,
                "loss_sum": self.progress.loss_sum,
                "right_sum": self.progress.correct_sum,
                "history": [figures.to_json() for figures in self.progress.history],
            }
        reached = asdict(self.reached) if self.reached else {}
        lengths = {"in_len": self.in_len, "out_len": self.out_len}
        if self.min_in_len is not None:
            lengths["min_in_len"] = self.min_in_len
        return {"pattern": self.task} | lengths | {"trained": trained, "reached": reached, "progress": progress}


def _arrays(model_config: ModelConfig, kept: Kept) -> dict[str, Any]:
    """Return weights, step and moments as the weights file names them."""
    _check_step(kept.step)
    check_weights(model_config, kept.weights, kept.moments)
    moments = {f"optimizer/{name}": moment for name, moment in kept.moments.items()}
    return {**kept.weights, "optimizer/step": np.int64(kept.step), **moments}


def untrained(model_config: ModelConfig, seed: int) -> TrainedNetwork:
    """Return a network that training can start from."""
    return TrainedNetwork(model_config, initial_weights(model_config, seed))


def load(path: str | os.PathLike[str]) -> TrainedNetwork:
    """Read a weights file, ours or a checkpoint of the 2016 program: its content tells which.

    Raises:
        WeightsError: it is missing, damaged or something else; the message says what was expected and found.
    """
    with access.open_regular(Path(path), "a weights file", WeightsError) as file:
        try:
            return _from_file(file)
        except DemoError as error:
            raise WeightsError(f"{path}: {error}") from error
        except OSError as error:
            raise WeightsError(f"{path}: expected a weights file, got: {error.strerror}") from error


def _from_file(file: BinaryIO) -> TrainedNetwork:
    """Return the network of a file; the first and last bytes say which kind it is, before all of it is read."""
    if is_container(file.read(HEADER_SIZE)):
        return _from_bytes(access.content_of(file))
    if is_checkpoint_file(file):
        return _network_of_2016(access.content_of(file))
    raise WeightsError("expected a weights file, of this program or of 2016, found something else")


def _network_of_2016(content: bytes) -> TrainedNetwork:
    """Return the network of a checkpoint; what it was trained on and at which lengths, the checkpoint does not say."""
    network = from_2016(read_checkpoint(content))
    program = "TFLearnSeq2Seq"
    return TrainedNetwork(
        network.model_config, network.weights, step=network.step, moments=network.moments, program=program
    )


def _from_bytes(content: bytes) -> TrainedNetwork:
    file = container.read(content)
    if file.texts.get("kind") == recording.KIND:
        raise WeightsError("expected a weights file, found the recording of a training")
    try:
        model_config, facts = _metadata(file.version, file.texts)
    except WeightsError as error:
        raise WeightsError(f"damaged weights file: {error}") from error
    named: list[str] = []
    kept = _kept(file, model_config, "", named)
    if facts["progress"] and any(name.startswith(BEST) for name in file.datasets):
        facts["best"] = _kept(file, model_config, BEST, named)
    if facts["progress"] and any(name.startswith(RECORDED) for name in file.datasets):
        n = facts["trained"].config.steps_per_epoch
        facts["recording"] = recording.from_container(file, model_config, n, named, RECORDED)
    file.require_only(named)
    return TrainedNetwork(model_config, kept.weights, step=kept.step, moments=kept.moments, **facts)


def _kept(file: Container, model_config: ModelConfig, prefix: str, named: list[str]) -> Kept:
    """Return the arrays that `_arrays` named, with a prefix; add their names to those that are `named`."""
    shapes = weight_shapes(model_config)
    moment_shapes = {f"{moment}/{name}": shape for moment in "mv" for name, shape in shapes.items()}
    if not any(name.startswith(f"{prefix}optimizer/m/") for name in file.datasets):
        moment_shapes = {}

    def array(name: str, shape: tuple[int, ...], dtype: str = "float32") -> np.ndarray:
        named.append(f"{prefix}{name}")
        return file.array(named[-1], shape, dtype)

    weights = {name: array(name, shape) for name, shape in shapes.items()}
    moments = {name: array(f"optimizer/{name}", shape) for name, shape in moment_shapes.items()}
    step = int(array("optimizer/step", (), "int64"))
    _check_step(step)
    check_weights(model_config, weights, moments)
    return Kept(weights, step, moments)


def _metadata(version: int, texts: dict[str, str]) -> tuple[ModelConfig, dict[str, Any]]:
    """Return the model, and the fields of a `TrainedNetwork` beside it and the weights."""
    names = ["format", "model", "training", *(["vocabularies"] if version > 1 else [])]
    if texts.keys() != {*names}:
        raise WeightsError(f"expected the attributes {', '.join(names)}, got {sorted(texts)}"[:200])
    model_config, facts = typed(ModelConfig, parse_object(texts["model"])), _from_json(parse_object(texts["training"]))
    if version > 1:
        facts["vocabularies"] = _vocabularies(parse_object(texts["vocabularies"]), model_config)
        if facts["vocabularies"].are_text and facts["min_in_len"] is None:
            raise WeightsError("expected a network of texts to end its answers, got one that does not")
    return model_config, facts


def _vocabularies(sides: dict[str, Any], model_config: ModelConfig) -> Vocabularies:
    """Return the vocabularies of a network with these symbols."""
    found = []
    for name in Vocabularies._fields:
        facts = dict(require_type(name, sides.pop(name, None), dict))
        symbols = require_type("symbols", facts.pop("symbols", None), list)
        tokens = require_type("tokens", facts.pop("tokens", None), str)
        found.append(Vocabulary(tokens, tuple(require_type("symbol", symbol, str) for symbol in symbols)))
        for extra in facts:
            raise WeightsError(f"expected no key {extra[:40]!r}")
    for extra in sides:
        raise WeightsError(f"expected no key {extra[:40]!r}")
    vocabularies = Vocabularies(*found)
    for name, largest in vocabularies.largest_symbols().items():
        if getattr(model_config, name) != largest:
            raise WeightsError(f"expected a vocabulary for {name} {getattr(model_config, name)}, got one for {largest}")
    return vocabularies


def _check_step(step: int) -> None:
    """Raise an error for what Adam cannot have counted."""
    require_integer("step", step, at_least=0)
    if step > MOST_STEPS:
        raise WeightsError(f"expected a step of at most {MOST_STEPS}, got {step}")


def _from_json(training: dict[str, Any]) -> dict[str, Any]:
    """Return the fields of a `TrainedNetwork` that `_training_json` made the dictionary of.

    Raises:
        WeightsError: a value is missing, or of the wrong type or range.
        UsageError: a setting of the training is out of its range.
    """
    unknown = training.keys() - {"pattern", "in_len", "out_len", "min_in_len", "trained", "reached", "progress"}
    if unknown:
        raise WeightsError(f"expected no key {min(unknown)[:40]!r}")
    trained, reached, progress = (
        dict(require_type(name, training.get(name), dict)) for name in ("trained", "reached", "progress")
    )
    start_step, program = trained.pop("start_step", None), trained.pop("program", None)
    lesson = {field.name: trained.pop(field.name) for field in fields(Lesson) if field.name in trained}
    for name in ("name", "output"):  # of earlier snapshots: a file does not say where to write
        trained.pop(name, None)
    run = None
    if start_step is not None:
        run = TrainingRun(typed(TrainConfig, trained), require_type("start_step", start_step, int))
        require_integer("start_step", run.start_step, at_least=0)
    return {
        "task": require_type("pattern", training.get("pattern"), str, NoneType),
        "in_len": _length(training, "in_len"),
        "out_len": _length(training, "out_len"),
        "min_in_len": _shortest(training),
        "trained": run,
        "reached": typed(Figures, reached) if reached else None,
        "progress": _progress(progress, run) if progress and run else None,
        "lesson": typed(Lesson, lesson) if lesson else None,
        "program": require_type("program", program, str, NoneType),
    }


def _length(training: dict[str, Any], name: str) -> int | None:
    value = require_type(name, training.get(name), int, NoneType)
    if value is not None:
        require_integer(name, value, at_least=1)
    return value


def _shortest(training: dict[str, Any]) -> int | None:
    shortest, longest = _length(training, "min_in_len"), _length(training, "in_len")
    if shortest is not None and (longest is None or longest < shortest):
        raise WeightsError(f"expected lengths from shortest to longest, got {shortest} to {longest}")
    return shortest


def _progress(facts: dict[str, Any], run: TrainingRun) -> Progress:
    """Return how far a snapshot says that the training has come, if it can have come there."""
    history = []
    for epoch in require_type("history", facts.pop("history", None), list):
        history.append(EpochFigures.from_json(require_type("history", epoch, dict)))
    facts["correct_sum"] = facts.pop("right_sum", None)
    facts.pop("start_step", None)
    progress = replace(typed(Progress, facts), history=tuple(history))
    is_possible = 0 <= progress.epoch <= run.config.epochs and 0 <= progress.points <= run.config.n_training
    if not is_possible or len(history) != progress.epoch:
        found = f"{progress.points} points of epoch {progress.epoch}, {len(history)} before it"
        raise WeightsError(f"expected progress within {run.config.epochs} epochs, got {found}")
    return progress


evaluate = TrainedNetwork.evaluate
