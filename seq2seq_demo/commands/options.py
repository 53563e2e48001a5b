"""The options of each command, frozen; those of several commands stand in a common base. None: it was not given.

`cli/parser.py` makes them, and every value is checked here.
"""

import itertools
import os
from collections.abc import Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

from seq2seq_demo.config import (
    FORMATS,
    INTEGERS,
    TOKENS,
    Beam,
    ModelConfig,
    TrainConfig,
    beam_of,
    require_choice,
    require_integer,
)
from seq2seq_demo.data.patterns import check_name
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import canonical
from seq2seq_demo.files.access import are_one_file, is_standard_input

ENGINES = ("numpy", "keras")
MOST_NETWORKS = 4  # of a page


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of every command."""

    verbose: int = 0


@dataclass(frozen=True, kw_only=True)
class TaskOptions(Options):
    """The options of every command that has to do with a task.

    Raises:
        UsageError: a value is out of its range, or contradicts another; so do the classes below.
    """

    pattern: str | None = None
    in_len: int | None = None
    out_len: int | None = None
    in_max_int: int | None = None
    out_max_int: int | None = None

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        ModelConfig(**fields_for(self, ModelConfig))
        if self.pattern is not None:
            check_name(self.pattern)
        for name in ("in_len", "out_len"):
            _require_positive(name, getattr(self, name))


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(TaskOptions):
    """The options of every command that uses a network."""

    input_weights: Path | None = None
    name: str | None = None
    iter_num: int | None = None
    data_dir: Path = Path()
    from_file: str | None = None
    format: str | None = None
    in_tokens: str | None = None
    out_tokens: str | None = None
    model: str | None = None
    cell_type: str | None = None
    num_layers: int | None = None
    cell_size: int | None = None
    embedding_size: int | None = None
    bidirectional: bool | None = None

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        for name, choices in {"format": FORMATS, "in_tokens": TOKENS, "out_tokens": TOKENS}.items():
            if (value := getattr(self, name)) is not None:
                require_choice(f"--{name.replace('_', '-')}", value, choices)
        self._require_text_alone()
        if self.iter_num is not None:
            require_integer("iter_num", self.iter_num, at_least=0)
        if self.iter_num is not None and self.input_weights is not None:
            raise UsageError(
                "expected -i/--input-weights or --iter-num, got both: each names the weights to start from"
            )
        if self.name is not None and not _is_part_of_name(self.name):
            expected = f"printable and part of a file name, up to {canonical.LONGEST_PART} bytes"
            raise UsageError(f"expected -n/--name to be {expected}, got {self.name[:100]!r}")
        if self.from_file == "":
            raise UsageError("expected --from-file to name a file, or - for standard input, got ''")
        if not self.data_dir.is_dir():
            raise UsageError(f"expected --data-dir to be a directory, got {str(self.data_dir)!r}")

    def _require_text_alone(self) -> None:
        """Raise UsageError where texts meet what only integers have."""
        for name, tokens in {"in": self.in_tokens, "out": self.out_tokens}.items():
            if tokens not in (None, INTEGERS):
                if self.pattern is not None:
                    raise UsageError(f"expected -p or --{name}-tokens {tokens}, got both: patterns are of integers")
                if getattr(self, f"{name}_max_int") is not None:
                    raise UsageError(f"expected --{name}-max-int or --{name}-tokens {tokens}, got both")


def _require_positive(name: str, value: int | None) -> None:
    if value is not None:
        require_integer(name, value, at_least=1)


def _is_part_of_name(name: str) -> bool:
    return name.isprintable() and os.sep not in name and 0 < len(name.encode()) <= canonical.LONGEST_PART


@dataclass(frozen=True, kw_only=True)
class TrainOptions(NetworkOptions):
    """The options of `train`."""

    points: int | None = None
    seed: int | None = None
    epochs: int | None = None
    learning_rate: float | None = None
    lr_schedule: str | None = None
    batch_size: int | None = None
    stop_at_exact: float | None = None
    min_in_len: int | None = None  # of --in-len A-B, A
    few_symbols: float | None = None
    validation_file: str | None = None
    keep_best: bool | None = None
    patience: int | None = None
    dropout: float | None = None
    keep_going: bool = False
    record: bool = False
    resume: bool = False
    output: Path | None = None
    history: Path | None = None
    history_plot: Path | None = None
    log_dir: Path | None = None
    tensorboard_verbose: int = 0

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        TrainConfig(**fields_for(self, TrainConfig))
        if self.resume and self.input_weights is not None:
            raise UsageError("expected -i/--input-weights or --resume, got both: each names the weights to start from")
        if self.min_in_len is not None and self.out_len is not None:
            raise UsageError("expected --out-len or a range of --in-len, whose targets are taken whole, got both")
        if self.few_symbols is not None and self.from_file is not None:
            raise UsageError("expected --few-symbols or --from-file, whose sources are not drawn, got both")
        if self.record and self.epochs == 0:
            raise UsageError("expected --record with a training, got --epochs 0")
        self._require_data_for_options()
        self._require_different_files()
        if not (self.points or self.resume or self.epochs == 0 or self.from_file):
            raise UsageError("train expects the number of points, as in `train 100000`, or --from-file, got none")

    def _require_data_for_options(self) -> None:
        """Raise UsageError for options that mean nothing without a file of pairs."""
        if self.from_file is None and self.validation_file is not None:
            raise UsageError("expected --validation-file beside --from-file, got it alone")
        if self.from_file is None and self.keep_going:
            raise UsageError("expected --keep-going beside --from-file, got it alone: nothing else can be left out")
        for name in ("in_tokens", "out_tokens", "format"):
            value = getattr(self, name)
            if self.from_file is None and value not in (None, INTEGERS):
                raise UsageError(f"expected --{name.replace('_', '-')} {value} beside --from-file, got it alone")

    def _require_different_files(self) -> None:
        """Raise UsageError where a file is to be written over another that the options name, or over a snapshot."""
        written = {"-o": self.output, "--history": self.history, "--history-plot": self.history_plot}
        for name, path in written.items():
            if path and canonical.is_snapshot(Path(os.path.realpath(path))):
                raise UsageError(f"expected {name} to name no snapshot, got {str(path)!r}")
        if self.output and (self.record or self.resume):
            written["--record"] = canonical.recording_path(self.output)
        pattern = self.pattern and self.pattern.rpartition(":")[0]
        read = {"-i": self.input_weights, "--from-file": self.from_file, "-p": pattern}
        read["--validation-file"] = self.validation_file
        _require_different(read, written, may_be_one=("-i", "-o"))  # -o may replace what training starts from


def _require_different(
    read: dict[str, Any], written: dict[str, Any], may_be_one: tuple[str, str] | None = None
) -> None:
    """Raise UsageError where a file that is written is also read, or written twice; None names no file."""
    named = {name: Path(path) for name, path in (read | written).items() if path}
    for first, second in itertools.combinations(named, 2):
        is_stdin = first == "--from-file" and str(named[first]) == "-"
        is_one = is_standard_input(named[second]) if is_stdin else are_one_file(named[first], named[second])
        if second in written and (first, second) != may_be_one and is_one:
            raise UsageError(f"expected {first} and {second} to be different files, got {named[first]} twice")


@dataclass(frozen=True, kw_only=True)
class PredictOptions(NetworkOptions):
    """The options of `predict`."""

    words: Sequence[str] = ()  # the sequence, as it was typed
    json: bool = False
    show_attention: bool = False
    attention_plot: Path | None = None
    keep_going: bool = False
    engine: str = ENGINES[0]
    max_out_len: int | None = None
    beam_size: int | None = None
    n_best: int | None = None
    length_penalty: float | None = None

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        _require_positive("max_out_len", self.max_out_len)
        if self.beam and self.engine != ENGINES[0]:
            raise UsageError(f"expected --beam-size with --engine {ENGINES[0]}, got {self.engine}")
        if self.words and self.from_file:
            raise UsageError(f"{PREDICT_EXPECTS}, got both")
        read = {"-i": self.input_weights, "--from-file": self.from_file}
        _require_different(read, {"--attention-plot": self.attention_plot})

    @property
    def beam(self) -> Beam | None:
        """The beam search that is asked for."""
        return beam_of(self.beam_size, self.n_best, self.length_penalty)


# People will paste the example: it has to work.
PREDICT_EXPECTS = "predict expects a sequence, as in `predict 3 1 4 1 5 9 2 6 5 3`, or --from-file"


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(NetworkOptions):
    """The options of `evaluate`."""

    points: int | None = None
    seed: int | None = None
    json: bool = False
    lengths: Sequence[int] = ()
    max_out_len: int | None = None
    beam_size: int | None = None
    length_penalty: float | None = None
    keep_going: bool = False

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        if self.points is not None:
            require_integer("the number of sources", self.points, at_least=1)
        if self.seed is not None:
            require_integer("seed", self.seed, at_least=0)
        _require_positive("max_out_len", self.max_out_len)
        _ = self.beam
        for length in self.lengths:
            require_integer("lengths", length, at_least=1)
        if self.lengths and (self.from_file or self.in_len):
            raise UsageError("expected --lengths alone, or --from-file, or --in-len: each says how long sources are")

    @property
    def beam(self) -> Beam | None:
        """The beam search that is asked for."""
        return beam_of(self.beam_size, None, self.length_penalty)


@dataclass(frozen=True, kw_only=True)
class PageOptions(NetworkOptions):
    """The options of `page`."""

    words: Sequence[str] = ()  # sources to offer, as they were typed
    more_input_weights: Sequence[Path] = ()  # of each -i after the first
    output: Path | None = None

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        if self.output is None:
            raise UsageError("page expects where to write it, as in `page -i weights.h5 -o page.html`, got no -o")
        if len(self.all_input_weights) > MOST_NETWORKS:
            found = len(self.all_input_weights)
            raise UsageError(
                f"expected at most {MOST_NETWORKS} networks side by side, got {found} of -i/--input-weights"
            )
        if self.from_file == "-" and self.more_input_weights:
            raise UsageError("expected --from-file to name a file for several networks, got -, which is read only once")
        read: dict[str, Any] = {f"-i {path}": path for path in self.all_input_weights}
        _require_different({}, read | {"--from-file": self.from_file, "-o": self.output})

    @property
    def all_input_weights(self) -> tuple[Path, ...]:
        """Every -i."""
        return tuple(filter(None, (self.input_weights, *self.more_input_weights)))


@dataclass(frozen=True, kw_only=True)
class PatternsOptions(TaskOptions):
    """The options of `patterns`."""


@dataclass(frozen=True, kw_only=True)
class NetworksOptions(Options):
    """The options of `networks`."""


def fields_for(options: Options, config_class: type[ModelConfig] | type[TrainConfig]) -> dict[str, Any]:
    """Return the values for the fields of a config class that are among the options."""
    values = {field.name: getattr(options, field.name, None) for field in fields(config_class)}
    return {name: value for name, value in values.items() if value is not None}
