"""Declares the options of each command, in a frozen dataclass, and rejects values that contradict each other.

An option is a field that is declared with its default, flags, help and valid values. The order of the fields in a class
is the order of its options in --help, so a new option belongs next to the options that a reader compares it with. The
settings of a network and its training are declared in `config.py`; the field `settings` contains the ones that the user
gives.
"""

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from seq2seq_demo.config import INTEGERS, RATE, UTF_8, Beam, Format, ModelConfig, TokenKind, TrainConfig, check_given
from seq2seq_demo.declarations import Setting, check_fields, declared_options, setting
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files import file_names

if TYPE_CHECKING:
    from seq2seq_demo.data.pattern_task import PatternTask

YesNo = Literal["yes", "no"]
TOKENS_HELP = "one of {choices} (default: detected)"
MAX_NETWORKS = 4  # on a page


@dataclass(frozen=True, kw_only=True)
class Options:
    """The options that all commands share.

    Raises:
        UsageError: a value is out of range or contradicts another option; subclasses also check their own options.
    """

    settings: Mapping[str, Any] = field(default_factory=dict)
    typed: Sequence[str] = field(default=(), compare=False)  # all words except the command, as typed
    verbose: int = setting(0, "-v --verbose", "print more; -vv also prints parameters and tracebacks", at_least=0)
    quiet: bool = setting(False, "-q --quiet", "print only errors and results; `train` prints only its last line")

    def __post_init__(self) -> None:
        check_fields(self)


# ---- Declarations that several commands share ----

TRAINING = declared_options(TrainConfig)  # without the lengths, which are in MODEL
MODEL = {name: TRAINING.pop(name) for name in ("in_len", "out_len")} | declared_options(ModelConfig)
ANSWER_LEN = MODEL["out_len"]._replace(help="length of an answer, or the maximum if the network ends its answers")
BEAM_SIZE, N_BEST, LENGTH_PENALTY = (declared._replace(default=None) for declared in declared_options(Beam).values())
JSON = Setting(False, "--json", "print JSON instead of text")
FORCE = Setting(False, "--force", "overwrite any existing file")


@dataclass(frozen=True, kw_only=True)
class TaskOptions(Options):
    """The options that all commands with a task share."""

    pattern: str | None = setting(None, "-p --pattern-name NAME", "a name that `patterns` lists, or FILE.py:FUNCTION")

    @cached_property
    def pattern_task(self) -> "PatternTask | None":
        """The -p pattern; None without -p."""
        from seq2seq_demo.data.patterns import find_pattern  # loads NumPy

        return None if self.pattern is None else find_pattern(self.pattern)


@dataclass(frozen=True, kw_only=True)
class NetworkOptions(TaskOptions):
    """The options shared by all commands that use a network."""

    input_weights: Sequence[Path] = setting((), "-i --input-weights FILE", "weights file, or a name from `networks`")
    name: str | None = setting(None, "-n --name NAME", 'NAME in the canonical file names (default "basic")')
    iter_num: int | None = setting(None, "--iter-num N", "start from iteration N and save iteration N + 1", at_least=0)
    data_dir: Path = setting(Path(), "--data-dir DIR", "directory of the canonical files")
    from_file: str | None = setting(None, "--from-file FILE", "file of sequences or pairs; - is standard input")
    format: Format | None = setting(None, "--format F", "format of a file: one of {choices} (default: by suffix)")
    encoding: str = setting(UTF_8, "--encoding NAME", "encoding of files and standard input, such as cp1252")
    columns: str | None = setting(None, "--columns SOURCE,TARGET", "names or numbers of columns, or JSON keys")
    header: YesNo | None = setting(None, "--header {yes,no}", "whether there is a header row (default: detected)")
    in_tokens: TokenKind | None = setting(None, "--in-tokens TOKENS", f"kind of sources: {TOKENS_HELP}")
    out_tokens: TokenKind | None = setting(None, "--out-tokens TOKENS", f"kind of targets: {TOKENS_HELP}")

    @property
    def in_len(self) -> int | None:
        """The source length given by --in-len, or the longest of a range; None without --in-len."""
        in_len = self.settings.get("in_len")
        return in_len[-1] if isinstance(in_len, tuple) else in_len

    def __post_init__(self) -> None:
        super().__post_init__()
        model = self.settings.get("model")
        if isinstance(model, str) and model not in MODEL["model"].choices and ("." in model or os.path.isfile(model)):
            raise UsageError(f"-m/--model chooses a decoder, got {model!r}: -i reads weights")
        check_given(self.settings)
        if self.iter_num is not None and self.input_weights:
            raise UsageError("-i/--input-weights and --iter-num cannot be combined: each selects the weights")
        if (name := self.name) is not None:
            is_valid = name.isprintable() and os.path.basename(name) == name
            if not is_valid or not 0 < len(name.encode()) <= file_names.MAX_PART_BYTES:
                expected = f"1 to {file_names.MAX_PART_BYTES} printable bytes without {os.sep}"
                raise UsageError(f"expected -n/--name to have {expected}, got {name[:100]!r}")
        if self.from_file == "":
            raise UsageError("expected --from-file to name a file, or - for standard input, got ''")
        if not os.path.isdir(self.data_dir):  # False even for a name that is too long
            raise UsageError(f"expected --data-dir to be a directory, got {str(self.data_dir)!r}")

    def _check_outputs(
        self, outputs: Mapping[str, Path | None], validation_file: str | None = None, may_replace_weights: str = ""
    ) -> None:
        """Raise UsageError if two outputs, or an input and an output, are the same file, or if an output is a snapshot.

        The output option `may_replace_weights` may name the -i file.
        """
        pattern_file = self.pattern and self.pattern.rpartition(":")[0]
        from_file = "/dev/stdin" if self.from_file == "-" else self.from_file
        inputs = {"--from-file": from_file, "-p": pattern_file, "--validation-file": validation_file}
        options = {os.path.realpath(path): "-i" for path in self.input_weights}
        options |= {os.path.realpath(path): option for option, path in inputs.items() if path}
        for option, path in outputs.items():
            if path is None:
                continue
            real = os.path.realpath(path)
            if file_names.is_snapshot(Path(real)):
                raise UsageError(f"{option} cannot name a snapshot: {str(path)!r}")
            other = options.get(real)
            if other and (other, option) != ("-i", may_replace_weights):
                raise UsageError(f"{other} and {option} cannot name the same file: {path}")
            options[real] = option

    def _require_file(self, *others: str) -> None:
        """Raise UsageError if an option that describes files, or one of `others`, is given without --from-file."""
        for name in ("columns", "header", "encoding", "format", *others):
            if self.from_file is None and getattr(self, name) not in (None, False, INTEGERS, UTF_8):
                raise UsageError(f"`{name}` needs a file")


@dataclass(frozen=True, kw_only=True)
class TrainOptions(NetworkOptions):
    """The options of `train`; they select the training data, the initial weights, the settings and the outputs."""

    output: Path | None = setting(None, "-o --output-weights FILE", "where to write weights (default: a new name)")
    lowercase: bool | None = setting(None, "--lowercase", "convert sources to lower case, in training and use")
    validation_file: str | None = setting(None, "--validation-file FILE", "validation pairs (default: a tenth of all)")
    resume: bool = setting(False, "--resume", "resume an interrupted training run from its snapshot")
    history: Path | None = setting(None, "--history FILE", "write the metrics of each epoch as JSON")
    history_plot: Path | None = setting(None, "--history-plot FILE", "plot the training curves (.png, .svg or .pdf)")
    log_dir: Path | None = setting(None, "--log-dir DIR", "write TensorBoard logs to this directory")
    tensorboard_verbose: int | None = setting(
        None,
        "--tensorboard-verbose {0,1,2,3}",
        "write TensorBoard logs; as in 2016, but every level logs the metrics",
        at_least=0,
        at_most=3,
    )
    keep_going: bool = setting(False, "--keep-going", "report and skip invalid pairs, up to a tenth of all")
    no_optimizer: bool = setting(False, "--no-optimizer", "save without Adam's moments, at a third of the size")
    force: bool = setting(False, "--force", "overwrite any existing file, and discard an interrupted training run")

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.input_weights) > 1:
            raise UsageError(f"expected one -i/--input-weights, got {len(self.input_weights)}")
        if "few_symbols" in self.settings and self.from_file is not None:
            raise UsageError("--few-symbols and a file cannot be combined: sources in a file are not random")
        self._require_file("in_tokens", "out_tokens", "validation_file", "keep_going", "lowercase")
        histories = {"--history": self.history, "--history-plot": self.history_plot}
        self._check_outputs({"-o": self.output} | histories, self.validation_file, may_replace_weights="-o")
        is_untrained = self.settings.get("epochs") == 0
        for option, path in (histories | {"--log-dir": self.log_dir}).items():
            if is_untrained and path:
                raise UsageError(f"{option} needs --epochs of at least 1, got 0")
        if not (self.settings.get("points") or self.resume or is_untrained or self.from_file):
            needed = "the number of points, as in `train 100000`, or a file of pairs, as in `train pairs.tsv`"
            raise UsageError(f"train needs {needed}")


@dataclass(frozen=True, kw_only=True)
class AnswerOptions(NetworkOptions):
    """The options that `predict` and `evaluate` share."""

    json: bool = JSON.as_field()
    beam_size: int | None = BEAM_SIZE.as_field()
    length_penalty: float | None = LENGTH_PENALTY.as_field()
    keep_going: bool = setting(False, "--keep-going", "report and skip invalid records")
    n_best: int | None = None  # an option of `predict`

    @property
    def beam(self) -> Beam | None:
        """The beam search; None for greedy decoding."""
        return Beam.of(self.beam_size, self.n_best, self.length_penalty)

    def __post_init__(self) -> None:
        super().__post_init__()
        _ = self.beam  # raises UsageError if its options contradict each other


@dataclass(frozen=True, kw_only=True)
class PredictOptions(AnswerOptions):
    """The options of `predict`, which reads sources from the command line, a file or the terminal."""

    words: Sequence[str] = ()  # the sources, as typed
    tsv: bool = setting(False, "--tsv", "print lines of source, answer and confidence, separated by tabs")
    n_best: int | None = N_BEST.as_field()
    show_attention: bool = setting(False, "--show-attention", "print the attention weights below each answer")
    line_buffered: bool = setting(
        False, "--line-buffered", "answer each line as it arrives, for a client that waits for each answer"
    )
    min_confidence: float | None = setting(
        None, "--min-confidence X", "leave a source unanswered if the confidence in its answer is below X", within=RATE
    )
    attention_plot: Path | None = setting(None, "--attention-plot FILE", "plot the attention (.png, .svg or .pdf)")
    force: bool = FORCE.as_field()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.tsv and (self.show_attention or self.json):
            raise UsageError(f"{'--json' if self.json else '--show-attention'} and --tsv cannot be combined")
        if self.words and self.from_file:
            raise UsageError("a sequence, as in `predict 3 1 2`, and --from-file cannot be combined")
        if self.words:
            self._require_file()
        self._check_outputs({"--attention-plot": self.attention_plot})


@dataclass(frozen=True, kw_only=True)
class EvaluateOptions(AnswerOptions):
    """The options of `evaluate`, which measures a network on random sources or on a file of pairs."""

    points: int | None = setting(None, error_name="the number of sources")
    lengths: Sequence[int] = setting((), "--in-len S,S-S,...", "source lengths to evaluate (default: as in training)")
    seed: int = TRAINING["seed"].as_field()

    def __post_init__(self) -> None:
        super().__post_init__()
        if self.lengths and self.from_file:
            raise UsageError("--in-len and a file cannot be combined: each determines the lengths of the sources")
        self._require_file()


@dataclass(frozen=True, kw_only=True)
class PageOptions(NetworkOptions):
    """The options of `page`, which requires -o, --gallery or --train, and accepts up to MAX_NETWORKS weights files."""

    words: Sequence[str] = ()  # sources to offer as examples, as typed
    output: Path | None = setting(None, "-o --output FILE", "where to write the page or a module (FILE.js)")
    gallery: Path | None = setting(None, "--gallery DIR", "write pages of several bundled networks")
    train: Path | None = setting(None, "--train FILE", "write the training page")
    force: bool = FORCE.as_field()

    def __post_init__(self) -> None:
        super().__post_init__()
        self._check_outputs({"-o": self.output, "--train": self.train})
        self._require_file()
        if self.gallery or self.train:
            if self.output or self.input_weights or self.words or self.from_file or (self.gallery and self.train):
                name, other = ("--gallery", "--train") if self.gallery else ("--train", "--gallery")
                raise UsageError(f"{name} cannot be combined with -i, -o, a source, a file or {other}")
            return
        if self.output is None:
            raise UsageError("page needs -o, as in `page -i weights.h5 -o page.html`")
        if (n := len(self.input_weights)) > MAX_NETWORKS:
            raise UsageError(f"expected at most {MAX_NETWORKS} networks (-i/--input-weights), got {n}")
        if self.writes_module and (n > 1 or self.words or self.from_file):
            raise UsageError("a module (-o FILE.js) contains one network and no examples")

    @property
    def writes_module(self) -> bool:
        """Whether to write a JavaScript module instead of a page."""
        return self.output is not None and self.output.suffix.lower() in {".js", ".mjs"}


@dataclass(frozen=True, kw_only=True)
class PatternsOptions(TaskOptions):
    """The options of `patterns`, which include the pattern to check."""

    json: bool = JSON.as_field()


@dataclass(frozen=True, kw_only=True)
class NetworksOptions(Options):
    """The options of `networks`: --json and the options that all commands share."""

    json: bool = JSON.as_field()
