"""The options of each command, frozen; those of several commands stand in a common base.

`settings` holds the settings of network and training that were given, the fields of a class its other options: each
is declared with its name on the command line and its help. `cli/parser.py` makes a parser of them; all that is wrong
with their values is found here.
"""

import itertools
import os
from collections.abc import Sequence
from dataclasses import Field, dataclass, field
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

from seq2seq_demo.config import (
    FORMATS,
    INTEGERS,
    TOKENS,
    Beam,
    ModelConfig,
    Settings,
    TrainConfig,
    given_values,
    make_beam,
)
from seq2seq_demo.data.patterns import USER_FUNCTION, check_name
from seq2seq_demo.declarations import (
    check_fields,
    checked_value,
    copied_setting,
    declared_fields,
    declared_option,
    require_integer,
    setting,
)
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import file_names
from seq2seq_demo.files.atomic_files import are_one_file, is_standard_input

if TYPE_CHECKING:
    from seq2seq_demo.data.pattern_task import SequencePattern

# Of options whose declarations would not fit on a line or three.
WEIGHTS_HELP = "weights to use: a file, ours or a .tfl of 2016, or else a name that `networks` lists"
CONSIST_OF = "consist of: one of {choices} (default integers)"
ENGINE_HELP = "what decodes: numpy (default), at once, or keras, the trained network"
KEEP_GOING_HELP = "leave out sequences and pairs that are wrong, and say so; predict and evaluate exit 1 at the end"
LOGGED_HELP = "what is logged: 0 loss and metrics (default), 1 gradients too, 2 weights too, 3 activations too"
EACH_STARTS = "each names the weights to start from"
MOST_NETWORKS = 4  # of a page
SETTINGS = declared_fields(ModelConfig) | declared_fields(TrainConfig)


class SettingNames(tuple[str, ...]):
    """Names of settings, or of options of a base, that a command takes; its help lists them where its class does."""


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of every command.

    Raises:
        UsageError: a value is out of its range, or contradicts another; so do the classes below.
    """

    settings: Settings = field(default_factory=Settings, hash=False)
    verbose: int = setting(0, "-v --verbose", "say more; twice: parameters, tracebacks", at_least=0)

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        object.__setattr__(self, "settings", MappingProxyType(self.settings))  # which nothing can change
        check_fields(self)
        for name, value in self.settings.items():
            if not isinstance(value, tuple):  # a range is checked with other settings
                checked_value(SETTINGS[name], value)


@dataclass(frozen=True, kw_only=True)
class TaskOptions(Options):
    """The options of every command that has to do with a task."""

    pattern: str | None = setting(None, "-p --pattern-name NAME", f"one that `patterns` lists, or {USER_FUNCTION}")
    sizes = SettingNames(("in_len", "out_len", "in_max_int", "out_max_int"))

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        if self.pattern is not None:
            check_name(self.pattern)

    @cached_property
    def sequence_pattern(self) -> "SequencePattern | None":
        """The pattern of -p, or None without one."""
        from seq2seq_demo.data.pattern_task import find_pattern  # loads NumPy

        return find_pattern(self.pattern) if self.pattern else None

    @property
    def in_len(self) -> int | None:
        """The length of sources, the longest of a range, if it was given."""
        in_len = self.settings.get("in_len")
        return in_len[-1] if isinstance(in_len, tuple) else in_len

    @property
    def out_len(self) -> int | None:
        """The length of targets, if it was given."""
        return self.settings.get("out_len")


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(TaskOptions):
    """The options of every command that uses a network."""

    input_weights: Path | None = setting(None, "-i --input-weights FILE", WEIGHTS_HELP)
    name: str | None = setting(None, "-n --name NAME", 'the part NAME of the canonical file names (default "basic")')
    iter_num: int | None = setting(
        None, "--iter-num N", "load iteration N of these names; train saves N + 1", at_least=0
    )
    data_dir: Path = setting(Path(), "--data-dir DIR", "where canonical files are kept (default {default})")
    from_file: str | None = setting(
        None, "--from-file FILE", "sequences or pairs, as JSON or a line each; - is standard input"
    )
    format: str | None = setting(
        None, "--format F", "of such files: one of {choices} (default: they tell)", choices=FORMATS
    )
    in_tokens: str | None = setting(None, "--in-tokens TOKENS", f"what sources {CONSIST_OF}", choices=TOKENS)
    out_tokens: str | None = setting(None, "--out-tokens TOKENS", f"what targets {CONSIST_OF}", choices=TOKENS)
    network = SettingNames(("model", "cell_type", "num_layers", "cell_size", "embedding_size", "bidirectional"))

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        for side, tokens in {"in": self.in_tokens, "out": self.out_tokens}.items():
            if tokens not in (None, INTEGERS):
                if self.pattern is not None:
                    raise UsageError(f"expected -p or --{side}-tokens {tokens}, got both: patterns are of integers")
                if f"{side}_max_int" in self.settings:
                    raise UsageError(f"expected --{side}-max-int or --{side}-tokens {tokens}, got both")
        if self.iter_num is not None and self.input_weights is not None:
            raise UsageError(f"expected -i/--input-weights or --iter-num, got both: {EACH_STARTS}")
        if self.name is not None and not _is_part_of_name(self.name):
            expected = f"printable and part of a file name, up to {file_names.LONGEST_PART} bytes"
            raise UsageError(f"expected -n/--name to be {expected}, got {self.name[:100]!r}")
        if self.from_file == "":
            raise UsageError("expected --from-file to name a file, or - for standard input, got ''")
        if not self.data_dir.is_dir():
            raise UsageError(f"expected --data-dir to be a directory, got {str(self.data_dir)!r}")


def _is_part_of_name(name: str) -> bool:
    return name.isprintable() and os.sep not in name and 0 < len(name.encode()) <= file_names.LONGEST_PART


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(NetworkOptions):
    """The options of every command that prints what a network answers, or how well it does."""

    json: bool = setting(False, "--json", "print a JSON object a line instead of text")
    max_out_len: int | None = setting(
        None, "--max-out-len T", "the longest answer of a network that ends its answers (default: as in training)"
    )
    beam_size: int | None = copied_setting(Beam, "size", None)
    length_penalty: float | None = copied_setting(Beam, "length_penalty", None)
    keep_going: bool = setting(False, "--keep-going", KEEP_GOING_HELP)

    @property
    def beam(self) -> Beam | None:
        """The beam search that is asked for."""
        return make_beam(self.beam_size, getattr(self, "n_best", None), self.length_penalty)


@dataclass(frozen=True, kw_only=True)
class PredictOptions(AnswerOptions):
    """The options of `predict`."""

    words: Sequence[str] = ()  # the sequence, as it was typed
    engine: str = setting("numpy", "--engine {numpy,keras}", ENGINE_HELP, choices=("numpy", "keras"))
    n_best: int | None = copied_setting(Beam, "n_best", None)
    show_attention: bool = setting(False, "--show-attention", "draw which inputs each output looked at")
    attention_plot: Path | None = setting(None, "--attention-plot FILE", "draw that as a picture: .png, .svg or .pdf")

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        if self.beam and self.engine != "numpy":
            raise UsageError(f"expected --beam-size with --engine numpy, got {self.engine}")
        if self.words and self.from_file:
            raise UsageError(f"{PREDICT_EXPECTS}, got both")
        read = {"-i": self.input_weights, "--from-file": self.from_file}
        _require_different(read, {"--attention-plot": self.attention_plot})


# People will paste the example: it has to work.
PREDICT_EXPECTS = "predict expects a sequence, as in `predict 3 1 4 1 5 9 2 6 5 3`, or --from-file"


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(AnswerOptions):
    """The options of `evaluate`."""

    points: int | None = setting(None, error_name="the number of sources")
    lengths: Sequence[int] = setting((), "--lengths S,S-S,...", "a line for each of these lengths of a source")
    answers = SettingNames(("json", "max_out_len", "beam_size", "length_penalty", "keep_going"))
    seed: int | None = copied_setting(TrainConfig, "seed", None)

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        _ = self.beam
        for length in self.lengths:
            require_integer("`lengths`", length, at_least=1)
        if self.lengths and (self.from_file or self.in_len):
            raise UsageError("expected --lengths alone, or --from-file, or --in-len: each says how long sources are")


@dataclass(frozen=True, kw_only=True)
class TrainOptions(NetworkOptions):
    """The options of `train`."""

    steps = SettingNames(("epochs", "learning_rate", "lr_schedule", "batch_size", "stop_at_exact", "few_symbols"))
    validation_file: str | None = setting(
        None, "--validation-file FILE", "pairs to validate with (default: a tenth of those of --from-file)"
    )
    more_steps = SettingNames(("keep_best", "patience", "dropout", "processes"))
    record: bool = setting(
        False, "--record", "keep the weights at steps 0, 50, 100, 200, … and after epochs, in a file beside -o"
    )
    resume: bool = setting(False, "--resume", "resume a training that stopped, from its snapshot")
    history: Path | None = setting(None, "--history FILE", "write the figures of every epoch there, as JSON")
    history_plot: Path | None = setting(None, "--history-plot FILE", "draw their curves there: .png, .svg or .pdf")
    log_dir: Path | None = setting(None, "--log-dir DIR", "logs for TensorBoard (default: a new temporary directory)")
    tensorboard_verbose: int = setting(0, "--tensorboard-verbose {0,1,2,3}", LOGGED_HELP, at_least=0, at_most=3)
    keep_going: bool = copied_setting(AnswerOptions, "keep_going", False)
    random = SettingNames(("seed",))
    output: Path | None = setting(
        None, "-o --output-weights FILE", "where to write weights (default: the next unused canonical name)"
    )

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        settings, is_untrained = self.settings, self.settings.get("epochs") == 0
        TrainConfig(**given_values(TrainConfig, settings))
        if self.resume and self.input_weights is not None:
            raise UsageError(f"expected -i/--input-weights or --resume, got both: {EACH_STARTS}")
        if isinstance(settings.get("in_len"), tuple) and "out_len" in settings:
            raise UsageError("expected --out-len or a range of --in-len, whose targets are taken whole, got both")
        if "few_symbols" in settings and self.from_file is not None:
            raise UsageError("expected --few-symbols or --from-file, whose sources are not drawn, got both")
        if self.record and is_untrained:
            raise UsageError("expected --record with a training, got --epochs 0")
        if self.from_file is None:
            self._require_nothing_of_a_file()
        self._require_different_files()
        if not (settings.get("points") or self.resume or is_untrained or self.from_file):
            raise UsageError("train expects the number of points, as in `train 100000`, or --from-file, got none")

    def _require_nothing_of_a_file(self) -> None:
        """Raise UsageError for options that mean nothing without a file of pairs."""
        if self.validation_file is not None:
            raise UsageError("expected --validation-file beside --from-file, got it alone")
        if self.keep_going:
            raise UsageError("expected --keep-going beside --from-file, got it alone: nothing else can be left out")
        about = {"--in-tokens": self.in_tokens, "--out-tokens": self.out_tokens, "--format": self.format}
        for name, value in about.items():
            if value not in (None, INTEGERS):
                raise UsageError(f"expected {name} {value} beside --from-file, got it alone")

    def _require_different_files(self) -> None:
        """Raise UsageError where a file is to be written over another that the options name, or over a snapshot."""
        written = {"-o": self.output, "--history": self.history, "--history-plot": self.history_plot}
        for name, path in written.items():
            if path and file_names.is_snapshot(Path(os.path.realpath(path))):
                raise UsageError(f"expected {name} to name no snapshot, got {str(path)!r}")
        if self.output and (self.record or self.resume):
            written["--record"] = file_names.recording_path(self.output)
        pattern = self.pattern and self.pattern.rpartition(":")[0]
        read = {"-i": self.input_weights, "--from-file": self.from_file, "-p": pattern}
        read |= {"--validation-file": self.validation_file}
        _require_different(read, written, may_be_one=("-i", "-o"))  # -o may replace what training starts from


def _require_different(read: dict[str, Any], written: dict[str, Any], may_be_one: tuple[str, ...] = ()) -> None:
    """Raise UsageError where a file that is written is also read, or written twice; None names no file."""
    named = {name: Path(path) for name, path in (read | written).items() if path}
    for first, second in itertools.combinations(named, 2):
        is_stdin = first == "--from-file" and str(named[first]) == "-"
        is_one = is_standard_input(named[second]) if is_stdin else are_one_file(named[first], named[second])
        if second in written and (first, second) != may_be_one and is_one:
            raise UsageError(f"expected {first} and {second} to be different files, got {named[first]} twice")


@dataclass(frozen=True, kw_only=True)
class PageOptions(NetworkOptions):
    """The options of `page`."""

    words: Sequence[str] = ()  # sources to offer, as they were typed
    more_input_weights: Sequence[Path] = ()  # of each -i after the first
    output: Path | None = setting(None, "-o --output-weights FILE", "where to write the page")

    def __post_init__(self) -> None:
        """Check before anything slow is imported."""
        super().__post_init__()
        if self.output is None:
            raise UsageError("page expects where to write it, as in `page -i weights.h5 -o page.html`, got no -o")
        if (n := len(self.all_input_weights)) > MOST_NETWORKS:
            raise UsageError(f"expected at most {MOST_NETWORKS} networks side by side, got {n} of -i/--input-weights")
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


def declared_options(options: type[Options]) -> dict[str, Field[Any]]:
    """Return the fields that declare a command's options, by name, in the order of its help."""
    own = {name: declared for name, declared in declared_fields(options).items() if declared_option(declared).usage}
    found: dict[str, Field[Any]] = {}
    for base in options.__mro__:
        for name, value in vars(base).items():
            for taken in value if isinstance(value, SettingNames) else (name,) if name in own else ():
                found[taken] = own.get(taken) or SETTINGS[taken]
    return found
