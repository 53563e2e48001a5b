"""The state of a network in a weights file: its weights, Adam's state, and the facts of its training."""

from __future__ import annotations

import functools
import itertools
from collections.abc import Callable, Iterable
from dataclasses import KW_ONLY, dataclass, field
from typing import Any, ClassVar

import numpy as np

from seq2seq_demo.config import SETTINGS, ModelConfig, TrainConfig, lengths_text
from seq2seq_demo.console import notice
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.patterns import PATTERNS, is_user_function
from seq2seq_demo.data.records import valid
from seq2seq_demo.data.sequences import Sequences
from seq2seq_demo.data.tokens import source_records
from seq2seq_demo.data.vocabulary import Vocabularies
from seq2seq_demo.network.parameters import Weights
from seq2seq_demo.trained.metrics import Calibration, Metrics
from seq2seq_demo.trained.plots import History

AnswerLen = Callable[[int], int]  # maps a source length to the answer length, which is a maximum if answers end
Targets = Callable[[np.ndarray], Sequences]  # maps sources [B, S] to their targets


@dataclass(frozen=True)
class TrainingRun:
    """The settings, the first step and the data of a training run."""

    config: TrainConfig
    start_step: int  # Adam's step at the start of the run
    data: str | None = None  # a checksum of the user's pairs; None for a pattern
    fingerprint: str | None = None  # a checksum of the task, so that --resume detects changed data
    # Whether validation pairs were held out by their content; otherwise, the user gave them.
    # None for a pattern, and in files of earlier versions, which drew these pairs at random.
    validated_by_content: bool | None = None

    @property
    def draws_sources(self) -> bool:
        """Whether the sources were random, as for a pattern; otherwise, the user gave them in pairs."""
        return self.config.validation_points is None


@dataclass(frozen=True)
class Progress:
    """The progress of a training run in its current epoch."""

    points: int = 0  # training points used so far in this epoch
    loss_sum: float = 0.0  # the sum of the loss over the target symbols of these points
    correct_sum: float = 0.0  # the number of correct target symbols of these points

    REMOVED: ClassVar = ("seconds",)  # a field in snapshots of earlier versions, which is ignored


@dataclass(frozen=True, repr=False, eq=False)
class SavedNetwork:
    """The state of a network. A weights file stores the facts as JSON; an unknown fact is None."""

    model_config: ModelConfig
    weights: Weights  # by the names of `weight_shapes`
    _: KW_ONLY
    step: int = 0  # the number of updates that Adam has made
    moments: Weights = field(default_factory=dict)  # Adam's, as "m/NAME" and "v/NAME"; may be empty
    others: tuple[SavedNetwork, ...] = ()  # the members of an ensemble after the first one, which is this network
    vocabularies: Vocabularies = Vocabularies()
    task: str | None = None  # the name of the task
    in_len: int | None = None  # the length of the longest source in training
    out_len: int | None = None  # the length of the longest target
    min_in_len: int | None = None  # the length of the shortest source; None means `in_len`
    run: TrainingRun | None = None  # the last training run
    validation: Metrics | None = None  # on the validation pairs, after the saved epoch
    n_validated: int | None = None  # the number of sources in `validation`; None in files of earlier versions
    history: History = field(default_factory=History)  # the completed epochs of this run
    program: str | None = None  # the program that trained the network; None means this program
    calibration: Calibration | None = None  # fitted to the validation pairs; None for a pattern
    moments_since: int = 0  # the step where Adam's moments were zero and its bias correction starts

    @property
    def pattern(self) -> str | None:
        """The built-in pattern that the network learned; None if it learned strings, whatever their file is called."""
        return self.task if self.task in PATTERNS and not self.vocabularies.are_text else None

    @property
    def pattern_task(self) -> PatternTask | None:
        """The task of learning `pattern`."""
        return PATTERNS[self.pattern] if self.pattern else None

    @property
    def ends(self) -> bool:
        """Whether the network ends its answers; it then accepts sources of any length."""
        return self.model_config.ends

    @property
    def end(self) -> int:
        """The number of both GO and END. Like `encode` and `decode`, it is for use with models in other formats."""
        return self.model_config.go

    def encode(self, source: Any) -> list[int]:
        """Return the numbers of a source's symbols; raise InputError if the network cannot read the source."""
        return [*valid(source_records([source], self.vocabularies.source, self.model_config.in_max_int))[0].values]

    def decode(self, numbers: Iterable[int]) -> Any:
        """Return the answer for these symbol numbers; numbers after END are ignored."""
        written = itertools.takewhile(lambda number: not self.ends or number != self.end, map(int, numbers))
        return self.vocabularies.target.to_value(written)

    @property
    def settings(self) -> dict[str, Any]:
        """The settings of the last training run, without the lengths, symbols and number of pairs.

        With the same data, `train(data, **network.settings)` gives the same network unless the run had a `start`. If
        the network was trained at the command line, the new one always ends its answers.
        """
        given = vars(self.model_config) | (vars(self.run.config) if self.run else {})
        left_out = {"out_len"}
        has_pairs = self.run and self.run.data
        if not has_pairs and (self.pattern or is_user_function(self.task or "")):
            given["in_len"] = (self.trained_lengths[0], self.trained_lengths[-1])
        else:
            left_out |= {"points", "in_len", "in_max_int", "out_max_int", "few_symbols"}
        if self.vocabularies.are_text:
            given |= dict(zip(("in_tokens", "out_tokens"), self.vocabularies.tokens, strict=True))
        if self.vocabularies.source.is_text:
            given["lowercase"] = self.vocabularies.source.lowercase
        names = {*SETTINGS, "in_tokens", "out_tokens", "lowercase"} - left_out
        return {name: value for name, value in given.items() if name in names and value is not None}

    # ---- Lengths ----

    @property
    def trained_lengths(self) -> range:
        """The source lengths in training, or the 2016 default if the file does not record them."""
        longest = self.in_len or TrainConfig.in_len
        return range(self.min_in_len or longest, longest + 1)

    def warn_of_lengths(self, *in_lens: int) -> bool:
        """Log a notice and return True if one of the source lengths `in_lens` did not occur in training."""
        untrained = sorted({*in_lens}.difference(self.trained_lengths if self.in_len else in_lens))
        if untrained:
            trained = lengths_text(self.trained_lengths[0], self.trained_lengths[-1])
            listed = lengths_text(untrained[0], untrained[-1]) if self.ends else ", ".join(map(str, untrained))
            notice(f"The network was trained on length {trained}, so its answers at length {listed} may be wrong")
        return bool(untrained)

    def answer_len(self, in_len: int, pattern: PatternTask | None = None, out_len: int | None = None) -> int:
        """Return the number of symbols to decode for sources of this length.

        If `out_len` is given, it is the result. Otherwise, if the network ends its answers, the result is a maximum:
        the length of the longest target in training, scaled up for sources longer than any in training. For other
        networks, it is the first of these lengths that is known: the training target length, if training used this
        source length; the target length of `pattern`, by default the built-in pattern that the network learned; the
        training target length; `in_len`.

        Raises:
            UsageError: the pattern rejects sources of this length, or its targets are shorter than `out_len`.
        """
        if self.ends:
            longest, trained = self.out_len or in_len, self.in_len or in_len
            return out_len or (longest if in_len <= trained else -(-longest * in_len // trained))
        pattern = pattern or self.pattern_task
        out_len = out_len or (self.out_len if self.in_len in (None, in_len) else None)
        if pattern is None:
            return out_len or self.out_len or in_len
        target_len = pattern.check(in_len, self.model_config.largest, out_len=out_len)
        return out_len or target_len

    def target_function(self, pattern: PatternTask, out_len: int | None = None) -> Targets:
        """Return a function that maps sources `[N, S]` to a pattern's targets.

        If the answer length is fixed, targets are cut to it, or to `out_len` if that is given.

        The returned function raises UsageError if the pattern rejects a source's length or a user's function fails.
        """
        answer_len = functools.cache(lambda in_len: self.answer_len(in_len, pattern, out_len))

        def targets(sources: np.ndarray) -> Sequences:
            return pattern.targets_for(self.model_config, Sequences.of_array(sources), answer_len(sources.shape[1]))

        return targets
