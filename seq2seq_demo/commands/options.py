"""The options of each command, as frozen dataclasses; options that commands share are in a base class.

`settings` holds the settings of network and training that the user gave. Every other option is a field, declared with
its name on the command line and its help. `cli/parser.py` builds the parser from these declarations; this module checks
the values.
"""

import itertools
import os
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field, fields
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, ClassVar

from seq2seq_demo.config import (
    FORMATS,
    INTEGERS,
    JSON,
    MAX_MEMBERS,
    SHARE,
    TOKENS,
    TSV,
    Beam,
    ModelConfig,
    Settings,
    TrainConfig,
    given_values,
    make_beam,
)
from seq2seq_demo.data.lines import UTF_8
from seq2seq_demo.declarations import check_fields, copied_setting, declared_fields, require_integer, setting
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import file_names

if TYPE_CHECKING:
    from seq2seq_demo.data.patterns import PatternTask

WEIGHTS_HELP = "weights file, 2016 checkpoint, or a name that `networks` lists"
PATTERN_HELP = "a name that `patterns` lists, or FILE.py:FUNCTION"
FILE_HELP = "file of sequences or pairs: JSON, CSV, TSV or one per line, also gzipped; - is standard input"
FORMAT_HELP = (
    "file format: one of {choices} (default: by suffix); only csv and tsv have quotes; with tsv, predict prints TSV"
)
ENCODING_HELP = "encoding of files and standard input, one of Python's codecs, as in cp1252 (default {default})"
COLUMNS_HELP = "names or numbers of the columns of sources and targets in a file"
HEADER_HELP = "whether the first row of a file names its columns (default: yes for known names)"
TOKENS_HELP = "one of {choices} (default: recognised)"
MIN_CONFIDENCE_HELP = "leave a source unanswered if the confidence in its answer is below X"
LOWERCASE_HELP = "convert sources, but not targets, to lower case, in training and whenever the network reads"
MAX_LEN_HELP = "longest answer, if the network ends its answers (default: from training)"
ENGINE_HELP = "decode with numpy (default), or with the Keras network, which loads slowly"
KEEP_GOING_HELP = "skip invalid sequences with a notice; train skips at most a tenth of the pairs"
VALIDATION_HELP = "pairs to validate with (default: a tenth of the pairs of --from-file)"
JOBS_HELP = "members that are trained at the same time, in as many processes (default: one per core)"
OPTIMIZER_HELP = "save without Adam's moments: a third of the size; further training starts with moments of zero"
OUTPUT_HELP = "where to write weights (default: the next unused canonical name)"
RECORD_HELP = "record the weights at steps 0, 5, 7, 10, 14, 20, … and at up to 100 epoch ends, in a file beside -o"
FORCE_HELP = (
    "let outputs replace any file, even one of another kind or program; train also starts an interrupted run again"
)
HISTORY_HELP = "write the figures of each epoch to FILE, as JSON"
HISTORY_PLOT_HELP = "plot the training curves (.png, .svg or .pdf)"
LOG_DIR_HELP = "directory for TensorBoard logs (default: a temporary one)"
LOGGED_HELP = "what to log: 0 loss and metrics (default), 1 also gradients, 2 also weights, 3 also activations"
EACH_SELECTS = "each selects the weights to start from"
DESCRIBE_FILES = {"in_tokens", "out_tokens", "format", "encoding", "columns", "header"}  # these need --from-file
DESCRIBE_FILES |= {"validation_file", "keep_going", "lowercase"}
MAX_NETWORKS = 4  # on a page


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options of every command.

    Raises:
        UsageError: a value is out of range or contradicts another option. The subclasses raise it, too.
    """

    accepted_settings: ClassVar[Collection[str]] = ()  # names; --help lists options in the order of the class body
    settings: Settings = field(default_factory=Settings, hash=False)
    verbose: int = setting(0, "-v --verbose", "print more; -vv also prints parameters and tracebacks", at_least=0)

    def __post_init__(self) -> None:
        object.__setattr__(self, "settings", MappingProxyType(self.settings))
        check_fields(self)
        for config in (ModelConfig, TrainConfig):
            config(**given_values(config, self.settings))


@dataclass(frozen=True, kw_only=True)
class TaskOptions(Options):
    """The options of every command that has a task."""

    pattern: str | None = setting(None, "-p --pattern-name NAME", PATTERN_HELP, again=True)
    accepted_settings: ClassVar[Collection[str]] = ("in_len", "out_len", "in_max_int", "out_max_int")

    @cached_property
    def pattern_task(self) -> "PatternTask | None":
        """The pattern of -p; None without -p."""
        from seq2seq_demo.data.patterns import find_pattern  # loads NumPy

        return None if self.pattern is None else find_pattern(self.pattern)

    @property
    def in_len(self) -> int | None:
        """The source length of --in-len, the longest of a range; None if it was not given."""
        in_len = self.settings.get("in_len")
        return in_len[-1] if isinstance(in_len, tuple) else in_len

    @property
    def out_len(self) -> int | None:
        """The target length of --out-len; None if it was not given."""
        return self.settings.get("out_len")


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(TaskOptions):
    """The options of every command that uses a network."""

    input_weights: Sequence[Path] = setting((), "-i --input-weights FILE", WEIGHTS_HELP)  # some commands take several
    name: str | None = setting(None, "-n --name NAME", 'NAME in the canonical file names (default "basic")')
    iter_num: int | None = setting(None, "--iter-num N", "load iteration N; train saves iteration N + 1", at_least=0)
    data_dir: Path = setting(Path(), "--data-dir DIR", "directory of the canonical files (default {default})")
    from_file: str | None = setting(None, "--from-file FILE", FILE_HELP, again=True)
    format: str | None = setting(None, "--format F", FORMAT_HELP, choices=FORMATS, again=True)
    encoding: str = setting(UTF_8, "--encoding NAME", ENCODING_HELP, again=True)
    columns: str | None = setting(None, "--columns SOURCE,TARGET", COLUMNS_HELP, again=True)
    header: str | None = setting(None, "--header {yes,no}", HEADER_HELP, choices=("yes", "no"), again=True)
    in_tokens: str | None = setting(None, "--in-tokens TOKENS", f"kind of sources: {TOKENS_HELP}", choices=TOKENS)
    out_tokens: str | None = setting(None, "--out-tokens TOKENS", f"kind of targets: {TOKENS_HELP}", choices=TOKENS)
    accepted_settings: ClassVar[Collection[str]] = declared_fields(ModelConfig)

    def __post_init__(self) -> None:
        super().__post_init__()
        for side, tokens in {"in": self.in_tokens, "out": self.out_tokens}.items():
            if tokens not in (None, INTEGERS):
                if self.pattern is not None:
                    raise UsageError(f"expected -p or --{side}-tokens {tokens}, got both: patterns take only integers")
                if f"{side}_max_int" in self.settings:
                    raise UsageError(f"expected --{side}-max-int or --{side}-tokens {tokens}, got both")
        if self.iter_num is not None and self.input_weights:
            raise UsageError(f"expected -i/--input-weights or --iter-num, got both: {EACH_SELECTS}")
        if (name := self.name) is not None:
            is_valid = name.isprintable() and os.path.basename(name) == name
            if not is_valid or not 0 < len(name.encode()) <= file_names.MAX_PART_BYTES:
                expected = f"1 to {file_names.MAX_PART_BYTES} bytes, printable and without {os.sep}"
                raise UsageError(f"expected -n/--name of {expected}, got {name[:100]!r}")
        if self.from_file == "":
            raise UsageError("expected --from-file to name a file, or - for standard input, got ''")
        columns = self.columns.split(",") if self.columns is not None else ["1"]
        if not (len(columns) <= 2 and all(columns) and len({*columns}) == len(columns)):
            raise UsageError(f"expected --columns SOURCE,TARGET, as in --columns 1,3, got {self.columns!r}")
        if self.format == JSON and (self.columns or self.header):
            raise UsageError(f"expected --{'columns' if self.columns else 'header'} with a table, got --format json")
        if not os.path.isdir(self.data_dir):  # also for a name that is too long
            raise UsageError(f"expected --data-dir to be a directory, got {str(self.data_dir)!r}")

    def _check_outputs(self, outputs: Mapping[str, Path | None], may_replace_weights: str = "") -> None:
        """Raise UsageError if an output, by its real path, is a snapshot, an input or another output.

        The output `may_replace_weights` may be the file of -i.
        """
        pattern_file = self.pattern and self.pattern.rpartition(":")[0]
        from_file = "/dev/stdin" if self.from_file == "-" else self.from_file
        read = {
            "--from-file": from_file,
            "-p": pattern_file,
            "--validation-file": getattr(self, "validation_file", None),
        }
        options = {os.path.realpath(path): "-i" for path in self.input_weights}
        options |= {os.path.realpath(path): option for option, path in read.items() if path}
        for option, path in outputs.items():
            if path is None:
                continue
            real = os.path.realpath(path)
            if file_names.is_snapshot(Path(real)):
                raise UsageError(f"expected {option} to name a file that is not a snapshot, got {str(path)!r}")
            other = options.get(real)
            if other and (other, option) != ("-i", may_replace_weights):
                raise UsageError(f"expected {other} and {option} to be different files, got {path} twice")
            options[real] = option


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(NetworkOptions):
    """The options of every command that decodes: predict and evaluate."""

    json: bool = setting(False, "--json", "print one JSON object per line instead of text")
    max_out_len: int | None = setting(None, "--max-out-len T", MAX_LEN_HELP)
    beam_size: int | None = copied_setting(Beam, "size", None)
    length_penalty: float | None = copied_setting(Beam, "length_penalty", None)
    keep_going: bool = setting(False, "--keep-going", KEEP_GOING_HELP, again=True)

    @property
    def beam(self) -> Beam | None:
        """The beam search; None for greedy decoding."""
        return make_beam(self.beam_size, getattr(self, "n_best", None), self.length_penalty)


@dataclass(frozen=True, kw_only=True)
class PredictOptions(AnswerOptions):
    """The options of `predict`, which reads sources from the command line, a file or the terminal."""

    words: Sequence[str] = ()  # the sources, as typed
    engine: str = setting("numpy", "--engine {numpy,keras}", ENGINE_HELP, choices=("numpy", "keras"))
    n_best: int | None = copied_setting(Beam, "n_best", None)
    show_attention: bool = setting(False, "--show-attention", "print the attention weights below each answer")
    min_confidence: float | None = setting(None, "--min-confidence X", MIN_CONFIDENCE_HELP, within=SHARE)
    attention_plot: Path | None = setting(None, "--attention-plot FILE", "plot the attention (.png, .svg or .pdf)")
    force: bool = setting(False, "--force", FORCE_HELP, again=True)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.beam and self.engine != "numpy":
            raise UsageError(f"expected --beam-size with --engine numpy, got {self.engine}")
        if self.show_attention and self.prints_tsv:
            raise UsageError("expected --show-attention or --format tsv, got both")
        if self.words and self.from_file:
            raise UsageError(f"{PREDICT_EXPECTS}, got both")
        of_files = {"--format": self.format != TSV and self.format, "--columns": self.columns, "--header": self.header}
        of_files["--encoding"] = self.encoding != UTF_8 and self.encoding
        for option, value in of_files.items():
            if self.words and value:
                raise UsageError(f"expected {option} with --from-file, got a sequence")
        self._check_outputs({"--attention-plot": self.attention_plot})

    @property
    def prints_tsv(self) -> bool:
        """Whether answers are printed as lines of source, answer and probability."""
        return self.format == TSV and not self.json


# The example has the default length, so that it works when pasted.
PREDICT_EXPECTS = "predict expects a sequence, as in `predict 3 1 4 1 5 9 2 6 5 3`, or --from-file"


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(AnswerOptions):
    """The options of `evaluate`, which measures a network on random sources or on a file of pairs."""

    points: int | None = setting(None, error_name="the number of sources")
    lengths: Sequence[int] = setting((), "--lengths S,S-S,...", "source lengths to measure, one line each")
    seed: int | None = copied_setting(TrainConfig, "seed", None)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.beam  # raises UsageError if its options contradict each other
        for length in self.lengths:
            require_integer("`lengths`", length, at_least=1)
        if self.lengths and (self.from_file or self.in_len):
            other = "--from-file" if self.from_file else "--in-len"
            raise UsageError(f"expected --lengths or {other}, got both: each determines the lengths of the sources")


@dataclass(frozen=True, kw_only=True)
class TrainOptions(NetworkOptions):
    """The options of `train`; they select the training data, the initial weights, the settings and the outputs."""

    accepted_settings: ClassVar[Collection[str]] = declared_fields(TrainConfig)
    lowercase: bool | None = setting(None, "--lowercase", LOWERCASE_HELP)
    validation_file: str | None = setting(None, "--validation-file FILE", VALIDATION_HELP, again=True)
    record: bool = setting(False, "--record", RECORD_HELP)
    resume: bool = setting(False, "--resume", "resume an interrupted training run from its snapshot")
    history: Path | None = setting(None, "--history FILE", HISTORY_HELP, again=True)
    history_plot: Path | None = setting(None, "--history-plot FILE", HISTORY_PLOT_HELP, again=True)
    log_dir: Path | None = setting(None, "--log-dir DIR", LOG_DIR_HELP, again=True)
    tensorboard_verbose: int = setting(
        0, "--tensorboard-verbose {0,1,2,3}", LOGGED_HELP, at_least=0, at_most=3, again=True
    )
    keep_going: bool = copied_setting(AnswerOptions, "keep_going", False)
    output: Path | None = setting(None, "-o --output-weights FILE", OUTPUT_HELP)
    jobs: int | None = setting(None, "--jobs J", JOBS_HELP, again=True)
    no_optimizer: bool = setting(False, "--no-optimizer", OPTIMIZER_HELP, again=True)
    force: bool = copied_setting(PredictOptions, "force", False)

    def __post_init__(self) -> None:
        super().__post_init__()
        settings, is_untrained = self.settings, self.settings.get("epochs") == 0
        if self.resume and self.input_weights:
            raise UsageError(f"expected -i/--input-weights or --resume, got both: {EACH_SELECTS}")
        if "few_symbols" in settings and self.from_file is not None:
            raise UsageError("expected --few-symbols or --from-file, got both: sources in a file are not random")
        for of_epochs in ("record", "history", "history_plot"):
            if getattr(self, of_epochs) and is_untrained:
                raise UsageError(f"expected --epochs of at least 1 with `{of_epochs}`, got 0")
        for name, declared in declared_fields(self).items() if self.from_file is None else ():
            value = getattr(self, name)
            if name in DESCRIBE_FILES and value not in (None, False, INTEGERS, UTF_8):
                given = declared.metadata["option"].words(value)
                raise UsageError(f"expected --from-file with {' '.join(given)}, got none")
        self._check_outputs(self._outputs(), may_replace_weights="-o")
        if not (settings.get("points") or self.resume or is_untrained or self.from_file):
            raise UsageError("train expects the number of points, as in `train 100000`, or --from-file, got neither")

    @property
    def result(self) -> Path | None:
        """The file that -o names, after which the snapshot is named; None without -o."""
        is_link = self.output and os.path.islink(self.output)
        return Path(os.path.realpath(self.output)) if self.output and is_link else self.output

    def _outputs(self) -> dict[str, Path | None]:
        """The files that the training run may write, by option."""
        outputs = {"-o": self.output, "--history": self.history, "--history-plot": self.history_plot}
        if self.result and (self.record or self.resume):
            outputs["--record"] = file_names.recording_path(self.result)
        n_members = MAX_MEMBERS if self.resume else self.settings.get("members") or 1
        for path, number in itertools.product((self.history, self.history_plot), range(2, n_members + 1)):
            if path:
                outputs[f"the history of member {number}"] = file_names.member_path(path, number)
        return outputs


@dataclass(frozen=True, kw_only=True)
class PageOptions(NetworkOptions):
    """The options of `page`, which requires -o and accepts up to MAX_NETWORKS weights files."""

    words: Sequence[str] = ()  # sources to offer as examples, as typed
    output: Path | None = setting(None, "-o --output-weights FILE", "where to write the page, or a module (FILE.js)")
    gallery: Path | None = setting(None, "--gallery DIR", "write pages of several networks that come with the program")
    force: bool = copied_setting(PredictOptions, "force", False)

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.gallery:
            others = (each for each in fields(self) if each.name not in ("gallery", "force", "verbose"))
            if any(getattr(self, each.name) not in (each.default, (), [], {}) for each in others):
                raise UsageError("expected no arguments or options except --force with --gallery, got others")
            return
        if self.output is None:
            raise UsageError("page expects -o, as in `page -i weights.h5 -o page.html`, got none")
        if (n := len(self.input_weights)) > MAX_NETWORKS:
            raise UsageError(f"expected at most {MAX_NETWORKS} networks (-i/--input-weights), got {n}")
        if self.writes_module and (n > 1 or self.words or self.from_file):
            raise UsageError("expected one network and no examples with -o FILE.js, got more")
        self._check_outputs({"-o": self.output})

    @property
    def writes_module(self) -> bool:
        """Whether to write a JavaScript module instead of a page."""
        return self.output is not None and self.output.suffix.lower() in {".js", ".mjs"}


@dataclass(frozen=True, kw_only=True)
class PatternsOptions(TaskOptions):
    """The options of `patterns`: the pattern to check, and the length and symbols of the example."""


@dataclass(frozen=True, kw_only=True)
class NetworksOptions(Options):
    """`networks` has only the options that every command has."""
