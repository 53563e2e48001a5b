"""Every default in one place: `ModelConfig` says what the network is, `TrainConfig` how it is trained."""

import math
import numbers
import operator
from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

from seq2seq_demo.cells import CELL_TYPES, CellType
from seq2seq_demo.errors import UsageError

MODELS = ("embedding_rnn", "embedding_attention")
MAX_LAYERS = 100  # more would take TensorFlow hours to build
LR_SCHEDULES = ("constant", "cosine")
LONGEST = 100_000  # symbols of a sequence; decoding a longer one would take minutes
INTEGERS, CHARACTERS, WORDS = TOKENS = ("integers", "characters", "words")  # what sequences consist of
FORMATS = ("json", "text")  # of files of sequences
LARGEST_BEAM, LARGEST_PENALTY = 1000, 10
EVALUATED = 10_000  # how many fresh sources an evaluation draws


@dataclass(frozen=True)
class ModelConfig:
    """The network: with these numbers and the weights, anyone can decode.

    Raises:
        UsageError: a value is out of its range.
    """

    model: str = "embedding_rnn"
    cell_type: str = "BasicLSTMCell"
    num_layers: int = 1
    cell_size: int = 32  # H
    embedding_size: int = 20  # E
    in_max_int: int = 9
    out_max_int: int = 9
    bidirectional: bool = False  # whether a second stack of cells reads the source from its end
    ends: bool = False  # whether the network ends its answers: a target is followed by END, which is the symbol GO

    def __post_init__(self) -> None:
        """Refuse values that describe no network; keep plain ones, so that they can be written as JSON."""
        _keep(self, "model", require_choice("model", self.model, MODELS))
        _keep(self, "cell_type", require_choice("cell type", self.cell_type, CELL_TYPES))
        for name in ("num_layers", "cell_size", "embedding_size", "in_max_int", "out_max_int"):
            _keep(self, name, require_integer(name, getattr(self, name), at_least=1))
        if self.num_layers > MAX_LAYERS:
            raise UsageError(f"expected num-layers of at most {MAX_LAYERS}, got {self.num_layers}")
        for name in ("bidirectional", "ends"):
            _keep(self, name, require_flag(name, getattr(self, name)))

    @property
    def has_attention(self) -> bool:
        """Whether the decoder reads the memory."""
        return self.model == "embedding_attention"

    @property
    def cell(self) -> CellType:
        """The row of the cell type in the table of cells."""
        return CELL_TYPES[self.cell_type]

    @property
    def memory_size(self) -> int:
        """The width of a row of the memory: H, or 2H if the encoder reads in both directions."""
        return 2 * self.cell_size if self.bidirectional else self.cell_size

    @property
    def n_input_symbols(self) -> int:
        """Symbols 0…in_max_int."""
        return self.in_max_int + 1

    @property
    def n_output_symbols(self) -> int:
        """V: symbols 0…out_max_int, and GO."""
        return self.out_max_int + 2

    @property
    def go(self) -> int:
        """The symbol that starts decoding, and that ends it in a network that learned to end its answers (END)."""
        return self.out_max_int + 1


@dataclass(frozen=True)
class TrainConfig:
    """The training: the same config, task and `ModelConfig` give the same weights on one machine.

    Raises:
        UsageError: a value is out of its range.
    """

    points: int = 100_000
    in_len: int = 10  # S; of sources of different lengths, the longest
    out_len: int = 10  # T, likewise
    learning_rate: float = 1e-4
    lr_schedule: str = "constant"
    epochs: int = 10
    batch_size: int = 128  # B
    seed: int = 0
    stop_at_exact: float | None = None
    min_in_len: int | None = None  # the shortest source, where lengths differ and the network learns to end its answers
    few_symbols: float = 0.0  # the share of sources that are drawn from few of the symbols
    keep_best: bool = False  # save the epoch that was best in validation, not the last
    patience: int | None = None  # epochs without a better one, after which training ends
    validation_points: int | None = None  # of the points; None is a tenth
    dropout: float = 0.0  # the share of units that a training step leaves out
    processes: int = 1  # that share each batch on this machine

    def __post_init__(self) -> None:
        """Refuse values that describe no training; keep plain ones, so that they can be written as JSON."""
        smallest = {"points": 2, "in_len": 1, "out_len": 1, "batch_size": 1, "epochs": 0, "seed": 0, "processes": 1}
        for name, at_least in smallest.items():
            _keep(self, name, require_integer(name, getattr(self, name), at_least))
        _keep(self, "lr_schedule", require_choice("learning rate schedule", self.lr_schedule, LR_SCHEDULES))
        rate = _real(self.learning_rate)
        if not 0 < rate < math.inf:
            expected = "expected a learning rate that is a finite number above 0"
            raise UsageError(f"{expected}, got {_shown(self.learning_rate)}")
        _keep(self, "learning_rate", rate)
        if self.stop_at_exact is not None:
            exact_match = _real(self.stop_at_exact)
            if not 0 < exact_match <= 1:
                raise UsageError(f"expected stop-at-exact above 0 and at most 1, got {_shown(self.stop_at_exact)}")
            _keep(self, "stop_at_exact", exact_match)
        if self.min_in_len is not None:
            _keep(self, "min_in_len", require_integer("the shortest in-len", self.min_in_len, 1))
            if self.min_in_len > self.in_len:
                raise UsageError(f"expected in-len from shortest to longest, got {self.min_in_len}-{self.in_len}")
        for name, at_least in {"patience": 1, "validation_points": 1}.items():
            if (value := getattr(self, name)) is not None:
                _keep(self, name, require_integer(name, value, at_least))
        _keep(self, "keep_best", require_flag("keep-best", self.keep_best))
        if self.n_training < 1:
            raise UsageError(f"expected fewer than {self.points} of {self.points} points for validation, got all")
        share = _real(self.few_symbols)
        if not 0 <= share <= 1:
            raise UsageError(f"expected few-symbols from 0 to 1, got {_shown(self.few_symbols)}")
        _keep(self, "few_symbols", share)
        dropped = _real(self.dropout)
        if not 0 <= dropped < 1:
            raise UsageError(f"expected dropout of at least 0 and below 1, got {_shown(self.dropout)}")
        _keep(self, "dropout", dropped)

    @property
    def varies(self) -> bool:
        """Whether lengths may differ, and the network learns to end its answers."""
        return self.min_in_len is not None

    @property
    def lengths(self) -> str:
        """The lengths of sources, `10` or `1-20`."""
        return f"{self.min_in_len}-{self.in_len}" if self.varies else str(self.in_len)

    @property
    def n_validation(self) -> int:
        """The points that are never trained on: a tenth, and at least one, unless there are other data for it."""
        return max(1, self.points // 10) if self.validation_points is None else self.validation_points

    @property
    def n_training(self) -> int:
        """The points that are trained on."""
        return self.points - self.n_validation

    @property
    def steps_per_epoch(self) -> int:
        """Batches in an epoch; the last may be short."""
        return -(-self.n_training // self.batch_size)


@dataclass(frozen=True)
class Beam:
    """A beam search: so many beginnings are kept, so many answers returned; scores are log p / length^penalty.

    Raises:
        UsageError: a value is out of its range.
    """

    size: int = 1  # K
    n_best: int = 1
    length_penalty: float = 0.0  # A

    def __post_init__(self) -> None:
        """Refuse values that describe no search."""
        _keep(self, "size", require_integer("beam-size", self.size, at_least=1))
        _keep(self, "n_best", require_integer("n-best", self.n_best, at_least=1))
        if self.size > LARGEST_BEAM:
            raise UsageError(f"expected beam-size of at most {LARGEST_BEAM}, got {self.size}")
        if self.n_best > self.size:
            raise UsageError(f"--n-best {self.n_best} needs --beam-size of at least {self.n_best}, got {self.size}")
        penalty = _real(self.length_penalty)
        if not 0 <= penalty <= LARGEST_PENALTY:
            raise UsageError(f"expected length-penalty from 0 to {LARGEST_PENALTY}, got {_shown(self.length_penalty)}")
        _keep(self, "length_penalty", penalty)


def beam_of(size: int | None, n_best: int | None, length_penalty: float | None) -> Beam | None:
    """Return the beam search that is asked for; None: the others are not, and decoding is greedy.

    Raises:
        UsageError: a value is out of its range, or means nothing without a beam.
    """
    if size is None and not length_penalty and n_best in (None, 1):
        return None
    if size is None:
        if n_best in (None, 1):
            raise UsageError("--length-penalty needs --beam-size, got none")
        least = require_integer("n-best", n_best, at_least=1)
        raise UsageError(f"--n-best {least} needs --beam-size of at least {least}, got none")
    return Beam(size, 1 if n_best is None else n_best, length_penalty or 0.0)


def parse_integer(text: str) -> int:
    """Return the integer that `text` spells in decimal digits, else raise ValueError: `1_0` and `１` are none."""
    if not text.isascii() or "_" in text:
        raise ValueError(text)
    return int(text)


def require_integer(name: str, value: object, at_least: int) -> int:
    """Return `value`, an integer of any type, as an int; raise UsageError unless it is one, not below `at_least`."""
    number = _integer(value)
    if number is None or number < at_least:
        expected = f"expected {name.replace('_', '-')} to be an integer of at least {at_least}"
        raise UsageError(f"{expected}, got {_shown(value if number is None else number)}")
    return number


def require_flag(name: str, value: object) -> bool:
    """Return a bool; raise UsageError for anything else."""
    if not isinstance(value, bool):
        raise UsageError(f"expected {name} to be True or False, got {_shown(value)}")
    return value


def _integer(value: Any) -> int | None:
    """Return an integer of any type as an int; None for what is none, as a bool."""
    try:
        return None if isinstance(value, bool) else operator.index(value)
    except TypeError:
        return None


def _real(value: object) -> float:
    """Return a real number of any type as a float; nan, which no range holds, for what is none, as a bool."""
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        return math.nan
    try:
        return float(value)
    except OverflowError:
        return math.inf


def _shown(value: object) -> str:
    """Return a value in a line, cut short; of a number, its digits alone, as in 0.5, not np.float64(0.5)."""
    try:
        return " ".join((str(value) if isinstance(value, numbers.Number) else repr(value)).split())[:40]
    except ValueError:
        return "one of thousands of digits"


def _keep(config: object, name: str, value: object) -> None:
    """Set a field of a frozen config, while it is made."""
    object.__setattr__(config, name, value)


def require_choice(kind: str, value: object, choices: Collection[str]) -> str:
    """Return the choice that `value` is; raise UsageError, naming the nearest choice and all of them, if it is none."""
    for choice in choices:
        if isinstance(value, str) and value == choice:
            return choice
    import difflib  # only an error needs it

    parts = [choice for choice in choices if value and str(value).casefold() in choice.casefold()]
    near = difflib.get_close_matches(str(value), choices, n=1) or parts
    hint = f"did you mean {near[0]}? " if near else ""
    raise UsageError(f"unknown {kind} {_shown(value)}: {hint}expected one of {', '.join(choices)}")
