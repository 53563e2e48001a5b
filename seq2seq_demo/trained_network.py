"""A trained network: what it is, and what it answers."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, TypedDict, Unpack, overload

import numpy as np

from seq2seq_demo import evaluation
from seq2seq_demo.config import DEFAULT_EVALUATION_SIZE, Beam, ModelConfig, make_beam
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import SequencePattern, find_pattern
from seq2seq_demo.data.records import Place, Record, RecordBatch
from seq2seq_demo.data.row_reader import source_rows
from seq2seq_demo.data.sampling import training_sources
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.data.tasks import TaskLike, as_task
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import InputError, UsageError
from seq2seq_demo.figures import Evaluation, total
from seq2seq_demo.files import weights_file
from seq2seq_demo.files.weights_file import Snapshot, StoredNetwork
from seq2seq_demo.network.bidirectional import numpy_network
from seq2seq_demo.network.decoding import GREEDY, DecodingOptions
from seq2seq_demo.network.memory_estimates import check_decoding_fits, check_points_fit
from seq2seq_demo.network.numpy_network import NumpyNetwork
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.predictions import Prediction, PredictionRequest, stream

MOST_DRAWN_AGAIN = 100_000_000, 10_000_000  # symbols and points; more would take long, whoever wrote the file

if TYPE_CHECKING:
    from seq2seq_demo.network.keras_network.model import Seq2Seq


class DecodingKeywords(TypedDict, total=False):
    """Keywords of `predict`: how to search for answers."""

    max_out_len: int | None
    beam_size: int | None
    length_penalty: float


class TrainedNetwork(StoredNetwork):
    """A network with its weights and its origin, which answers, and can be measured, saved and converted."""

    def __repr__(self) -> str:
        """Return a description of a line or two."""
        origin = self.task or self.program or "unknown data"
        learned = f"trained on {origin!r}" if self.step else "untrained"
        lengths = f", {self.in_len} symbols in and {self.out_len} out" if self.in_len else ""
        if self.ends:
            least = f"{self.min_in_len} to " if self.min_in_len != self.in_len else ""
            lengths = f", {least}{self.in_len} symbols in and up to {self.out_len} out"
        reached = f", exact match {self.reached.exact_match:.4f} in validation" if self.reached else ""
        return f"<TrainedNetwork {self.summary()};\n {learned}{lengths}{reached}>"

    def summary(self) -> str:
        """Return the architecture and the symbols in a line."""
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

    # ---- Its answers ----

    @overload
    def predict(
        self,
        sources: Any,
        out_len: int | None = ...,
        *,
        n_best: None = ...,
        details: Literal[True],
        **how: Unpack[DecodingKeywords],
    ) -> list[Prediction]: ...

    @overload
    def predict(
        self,
        sources: Any,
        out_len: int | None = ...,
        *,
        n_best: int,
        details: Literal[True],
        **how: Unpack[DecodingKeywords],
    ) -> list[list[Prediction]]: ...

    @overload
    def predict(
        self,
        sources: Any,
        out_len: int | None = ...,
        *,
        n_best: int | None = ...,
        details: bool = ...,
        **how: Unpack[DecodingKeywords],
    ) -> list[Any]: ...

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
        by default as `max_out_len()` says. Decoding is greedy, or with a `beam_size` a beam search; `n_best` returns
        a list of up to n answers to each source, best first.

        Raises:
            InputError: a row is nothing that the network can read; the message names it.
            UsageError: a sequence is too long to decode, or the pattern does not take its length.
        """
        rows = source_rows(sources, self.model_config.in_max_int, self.vocabularies.source)
        for name, value in {"`out_len`": out_len, "`max_out_len`": max_out_len}.items():
            if value is not None:
                require_integer(name, value, at_least=1)
        self.require_end(out_len, max_out_len)
        beam = make_beam(beam_size, n_best, length_penalty)
        answers = self.answers(rows, out_len or max_out_len, DecodingOptions(beam, details, details))
        found: list[list[Any]] = [[self.named(answer) for answer in each] for each in answers]
        if not details:
            is_text = self.vocabularies.target.is_text
            found = [[answer.text if is_text else answer.predicted for answer in each] for each in found]
        return found if n_best is not None else [best for best, *_ in found]

    def named(self, prediction: Prediction) -> Prediction:
        """Return a prediction with the symbols of its numbers."""
        if not self.vocabularies.are_text:
            return prediction
        source, target = self.vocabularies
        return prediction._replace(
            source=source.to_symbols(prediction.source),
            predicted=target.to_symbols(prediction.predicted),
            expected=None if prediction.expected is None else target.to_symbols(prediction.expected),
            tokens=self.vocabularies.tokens,
        )

    def answers(
        self, sources: Sequence[list[int]], out_len: int | None = None, options: DecodingOptions = GREEDY
    ) -> list[list[Prediction]]:
        """Return up to `n_best` answers per source, best first, in numbers; `out_len` bounds those that end."""
        question = PredictionRequest(functools.cache(lambda in_len: out_len or self.answer_len(in_len)), options)
        batch = RecordBatch([Record(Place("sources", "row", row), source) for row, source in enumerate(sources)])
        return [found for _, answers in self.stream([batch], question) for found in answers]

    def stream(
        self, batches: Iterable[RecordBatch | None], question: PredictionRequest
    ) -> Iterator[tuple[RecordBatch, list[list[Prediction]]]]:
        """Yield each batch with the answers to its sources, in numbers; see `predictions.stream`."""
        return stream(self.to_numpy(), batches, question)

    def require_end(self, out_len: int | None, max_out_len: int | None) -> None:
        """Raise UsageError for a length of answers that this network ends itself, or cannot end."""
        if self.ends and out_len is not None:
            raise UsageError(f"the network ends its answers: expected `max_out_len`, not `out_len`, got {out_len}")
        if not self.ends and max_out_len is not None:
            raise UsageError(
                f"the network does not end its answers: expected `out_len`, not `max_out_len`, got {max_out_len}"
            )

    def answer_len(self, in_len: int, pattern: SequencePattern | None = None, asked: int | None = None) -> int:
        """Return how many symbols to decode for sources of this length, at most if the network ends its answers.

        The first of these that is known: what is asked; `max_out_len()` of a network that ends its answers; what was
        trained at this length; all that the pattern makes, `pattern` or a built-in one that was trained on; what was
        trained at any length; `in_len`.

        Raises:
            UsageError: the pattern does not take such sources, or makes less than is asked for.
        """
        if self.ends:
            return asked or self.max_out_len(in_len)
        if pattern is None and self.pattern:
            pattern = find_pattern(self.pattern)
        wanted = asked or (self.out_len if self.in_len in (None, in_len) else None)
        if pattern is None:
            return wanted or self.out_len or in_len
        c = self.model_config
        whole = pattern.check(in_len, wanted, c.in_max_int, c.out_max_int)
        return wanted or whole

    def targets_by(self, pattern: SequencePattern, out_len: int | None = None) -> Callable[[np.ndarray], Sequences]:
        """Return a function from sources `[N, S]` to the targets that a pattern makes for this network.

        These are whole if the network ends its answers, and as long as its answers if not. The function raises
        UsageError where the pattern does not take sources of a length, or is no pattern.
        """
        c = self.model_config

        @functools.cache
        def checked_len(in_len: int) -> int:
            if self.ends:
                return pattern.check(in_len, None, c.in_max_int, c.out_max_int, ends=True)
            return self.answer_len(in_len, pattern, out_len)

        def targets(sources: np.ndarray) -> Sequences:
            T = checked_len(sources.shape[1])
            if self.ends:
                return pattern.targets_of(Sequences.of_array(sources), c.out_max_int)
            return Sequences.of_array(pattern.targets(sources, T, c.out_max_int))

        return targets

    # ---- DecodingKeywords good it is ----

    def evaluate(
        self,
        task: TaskLike | None = None,
        n: int | None = None,
        *,
        in_len: int | tuple[int, int] | None = None,
        out_len: int | None = None,
        seed: int = 0,
        max_out_len: int | None = None,
        beam_size: int | None = None,
        length_penalty: float = 0.0,
    ) -> Evaluation:
        """Measure it on n fresh sources of a pattern (default 10,000), none of which it was trained on, or on n pairs.

        A network that ends its answers is measured on n sources of each length that it was trained at, or of `in_len`,
        which may be a range (shortest, longest); then END counts, and short sources are any.

        `task` is a pattern's name, a `SequencePattern`, or pairs of a source and a target, all unless n is given;
        None is the pattern that it was trained on. The lengths are those of training unless they are given. Beyond 100
        million training symbols or 10 million points, which take too long to draw again, overlap is not excluded.

        Raises:
            UsageError: there is no such pattern, or it does not fit the network.
            InputError: no pairs, or no fresh sources.
        """
        if task is None:
            if self.pattern is None:
                raise UsageError(f"the network was trained on {self.task!r}: expected a task to evaluate it on")
            task = self.pattern
        self.require_end(out_len, max_out_len)
        if isinstance(in_len, tuple) and not self.ends:
            raise UsageError(f"expected `in_len` to be one length, as this network was trained at one, got {in_len}")
        lengths: Sequence[int] = ()
        if in_len is not None:
            shortest, longest = in_len if isinstance(in_len, tuple) else (in_len, in_len)
            shortest = require_integer("`in_len`", shortest, at_least=1)
            lengths = range(shortest, require_integer("`in_len`", longest, at_least=shortest) + 1)
        beam = make_beam(beam_size, None, length_penalty)
        out_len = max_out_len if out_len is None else out_len
        rows = self.evaluate_by_length(task, n, lengths, out_len, seed, kinds=False, beam=beam, detailed=True)
        return total(row.evaluation for row in rows)

    def evaluate_by_length(
        self,
        task: TaskLike,
        n: int | None = None,
        lengths: Sequence[int] = (),
        out_len: int | None = None,
        seed: int = 0,
        kinds: bool = True,
        beam: Beam | None = None,
        detailed: bool = False,
        on_progress: evaluation.ProgressCallback = lambda _: None,
        left_out: Callable[[InputError], object] = lambda _: None,
    ) -> Iterator[evaluation.EvaluationRow]:
        """Yield the figures at each length: of a pattern, or of the first n pairs.

        `out_len` is the length of answers, the most if the network ends them. `kinds` adds sources of few symbols and
        sorted ones for a network that ends its answers. `detailed` adds confusions, and the worst and surest wrong
        answers. `on_progress` is called with the number of sequences decoded since its last call; each is
        decoded twice, once with teacher forcing. `left_out` is called with the reason why a length is not measured.

        Raises:
            UsageError: the task is another, or does not fit the network.
            InputError: a network that does not end its answers was trained on every source of a length.
        """
        for name, value in {"the number of sources": n, "`out_len`": out_len}.items():
            if value is not None:
                require_integer(name, value, at_least=1)
        require_integer("`seed`", seed, at_least=0)
        longest = functools.partial(self.answer_len, asked=out_len)
        options = evaluation.EvaluationOptions(longest, beam, detailed, on_progress=on_progress, left_out=left_out)
        task = as_task(task, self.vocabularies)
        if isinstance(task, PairTask):
            self.check_pairs(task)
            if not self.ends:
                _require_lengths(task.pairs, lengths[0] if lengths else None, out_len)
            yield from evaluation.measure_given(self.to_numpy(), task.pairs[slice(n)], options)
        elif isinstance(task, SequencePattern):
            if self.vocabularies.are_text:
                raise UsageError(f"expected pairs to evaluate a network of texts on, got pattern {task.name!r}")
            lengths = lengths or self.trained_lengths
            n = n or DEFAULT_EVALUATION_SIZE
            for in_len in lengths:
                check_decoding_fits(self.model_config, 1, in_len, out_len or in_len)
                check_points_fit(evaluation.n_to_measure(self.model_config, in_len, n), in_len, out_len or in_len)
            sample = evaluation.Sample(lengths, n, seed, kinds and self.ends)
            targets = self.targets_by(task, out_len)
            yield from evaluation.measure_pattern(self.to_numpy(), targets, sample, self._seen(task), options)
        else:
            raise UsageError(f"expected a pattern or pairs to evaluate this network on, got {task!r}")

    def check_pairs(self, task: PairTask) -> None:
        """Raise UsageError unless the network can read and write these pairs."""
        if task.vocabularies != self.vocabularies:
            what = " to ".join(self.vocabularies.tokens)
            raise UsageError(f"expected pairs of this network's own symbols, {what}, got others")
        task.require_symbols(self.model_config)
        if not self.ends and None in (task.pairs.sources.common_length, task.pairs.targets.common_length):
            raise UsageError("expected pairs of one length, as this network was trained at one, got several lengths")

    @property
    def redraws_training_sources(self) -> bool:
        """Whether the sources it was trained on are few enough to draw again, so that an evaluation avoids them."""
        if self.trained is None:
            return True
        n = self.trained.config.points
        return n * self.trained.config.in_len <= MOST_DRAWN_AGAIN[0] and n <= MOST_DRAWN_AGAIN[1]

    def _seen(self, pattern: SequencePattern) -> Sequences | None:
        """Return the random sources that the last training drew, if they can be drawn again."""
        run = self.trained
        if run is None or not self.redraws_training_sources or (self.ends and self.task != pattern.name):
            return None
        lengths = pattern.lengths_of(run.config, self.model_config)
        return training_sources(run.config, self.model_config, lengths, run.start_step)

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
        weights_file.write(self, Path(path), overwrite)


def _require_lengths(pairs: Pairs, in_len: int | None, out_len: int | None) -> None:
    """Raise UsageError for lengths that pairs of one length do not have."""
    for name, asked, sequences in (("`in_len`", in_len, pairs.sources), ("`out_len`", out_len, pairs.targets)):
        if asked not in (None, sequences.common_length):
            raise UsageError(f"expected {name} {sequences.common_length}, as of the pairs, got {asked}")


def untrained(model_config: ModelConfig, seed: int) -> TrainedNetwork:
    """Return a network that training can start from."""
    return TrainedNetwork(model_config, initial_weights(model_config, seed))


def load(path: str | os.PathLike[str]) -> TrainedNetwork:
    """Read a network from a weights file, ours or a checkpoint of the 2016 program: its content tells which.

    Raises:
        WeightsError: it is missing, damaged or something else; the message says what was expected and found.
    """
    stored = weights_file.read(Path(path))
    return TrainedNetwork(**vars(stored.network if isinstance(stored, Snapshot) else stored))


evaluate = TrainedNetwork.evaluate
