"""Each setting once: its default, its range, its name on the command line and its help.

`ModelConfig` says what the network is, `TrainConfig` how it is trained; `Settings` lists what a user can set of both.
"""

import math
from dataclasses import dataclass, fields
from typing import Any, TypedDict

from seq2seq_demo.cells import CELL_TYPES, CellType
from seq2seq_demo.declarations import Range, check_fields, require_integer, setting
from seq2seq_demo.errors import UsageError

MODELS = ("embedding_rnn", "embedding_attention")
MAX_LAYERS = 100  # more would take TensorFlow hours to build
LR_SCHEDULES = ("constant", "cosine")
MAX_LEN = 100_000  # symbols of a sequence; decoding a longer one would take minutes
INTEGERS, CHARACTERS, WORDS = TOKENS = ("integers", "characters", "words")  # what sequences consist of
FORMATS = ("json", "text")  # of files of sequences
DEFAULT_EVALUATED = 10_000  # how many fresh sources an evaluation draws
POSITIVE = Range("to be a finite number above 0", lambda number: 0 < number < math.inf)
SHARE = Range("from 0 to 1", lambda share: 0 <= share <= 1)
SHARE_ABOVE_0 = Range("above 0 and at most 1", lambda share: 0 < share <= 1)
BELOW_1 = Range("of at least 0 and below 1", lambda share: 0 <= share < 1)
PENALTY = Range("from 0 to 10", lambda penalty: 0 <= penalty <= 10)
FEW_SYMBOLS = 0.25  # the default share of sources of few symbols where a network learns to end its answers to a pattern
FEW_HELP = f"share of sources drawn from few symbols (default {FEW_SYMBOLS} with a range of lengths, else 0)"
PENALTY_HELP = "rank hypotheses by log p / length^A, which favours long ones (default {default:g})"
CHOICE = "one of {choices} (default {default})"


@dataclass(frozen=True)
class ModelConfig:
    """The network: with these numbers and the weights, anyone can decode.

    Raises:
        UsageError: a value is out of its range.
    """

    model: str = setting("embedding_rnn", "-m --model MODEL", f"decoder: {CHOICE}", choices=MODELS)
    cell_type: str = setting("BasicLSTMCell", "--cell-type CELL", f"cell: {CHOICE}", choices=CELL_TYPES)
    num_layers: int = setting(1, "-L --num-layers N", "number of layers (default {default})", at_most=MAX_LAYERS)
    cell_size: int = setting(32, "--cell-size H", "units per cell (default {default})")
    embedding_size: int = setting(20, "--embedding-size E", "size of the embeddings (default {default})")
    in_max_int: int = setting(9, "--in-max-int N", "largest source symbol (default {default})")
    out_max_int: int = setting(9, "--out-max-int N", "largest target symbol (default {default})")
    bidirectional: bool = setting(False, "--bidirectional", "let the encoder read the source in both directions")
    ends: bool = setting(False)  # whether the network ends its answers: a target is followed by END, the symbol GO

    def __post_init__(self) -> None:
        """Refuse values that describe no network; keep plain ones, so that they can be written as JSON."""
        check_fields(self)

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

    points: int = setting(100_000, called="the number of points", at_least=2)
    in_len: int = setting(10, "--in-len S", "length of a source (default {default}, or as trained)")
    out_len: int = setting(10, "--out-len T", "length of a target (default {default}, or as trained)")
    learning_rate: float = setting(1e-4, "-r --learning-rate R", "learning rate (default {default})", within=POSITIVE)
    lr_schedule: str = setting(
        "constant",
        "--lr-schedule NAME",
        f"learning-rate schedule: {CHOICE}; cosine decays to 0",
        choices=LR_SCHEDULES,
    )
    epochs: int = setting(10, "-e --epochs N", "epochs (default {default}); 0 saves without training", at_least=0)
    batch_size: int = setting(128, "--batch-size B", "points per batch (default {default})")
    seed: int = setting(0, "--seed N", "random seed (default {default})", at_least=0)
    stop_at_exact: float | None = setting(
        None, "--stop-at-exact X", "stop once the validation exact match reaches X", within=SHARE_ABOVE_0
    )
    min_in_len: int | None = setting(None, called="the shortest `in_len`")  # None: all sources have in_len
    few_symbols: float = setting(0.0, "--few-symbols X", FEW_HELP, within=SHARE)
    keep_best: bool = setting(
        False, "--keep-best", "save the epoch with the best validation exact match, not the last epoch"
    )
    patience: int | None = setting(
        None, "--patience N", "stop after N epochs in a row without improvement, and save the best epoch"
    )
    validation_points: int | None = setting(None)  # of the points; None is a tenth
    dropout: float = setting(0.0, "--dropout P", "dropout rate in training (default {default:g})", within=BELOW_1)
    processes: int = setting(
        1, "--processes N", "share each batch among N processes on this machine (default {default})"
    )

    def __post_init__(self) -> None:
        """Refuse values that describe no training; keep plain ones, so that they can be written as JSON."""
        check_fields(self)
        if self.min_in_len is not None and self.min_in_len > self.in_len:
            raise UsageError(f"expected `in_len` from shortest to longest, got {self.min_in_len}-{self.in_len}")
        if self.n_training < 1:
            raise UsageError(f"expected fewer than {self.points} of {self.points} points for validation, got all")

    @property
    def lengths(self) -> str:
        """The lengths of sources, `10` or `1-20`."""
        return lengths_text(self.min_in_len, self.in_len)

    @property
    def saves_best(self) -> bool:
        """Whether the best epoch is saved, not the last one: `keep_best` asks for it, and `patience` implies it."""
        return self.keep_best or self.patience is not None

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


class Settings(TypedDict, total=False):
    """The settings of network and training, in Python and on the command line; None is the default.

    `in_len` may be a range, the shortest length and the longest. All else is declared in the two configs.
    """

    model: str | None
    cell_type: str | None
    num_layers: int | None
    cell_size: int | None
    embedding_size: int | None
    in_max_int: int | None
    out_max_int: int | None
    bidirectional: bool | None
    points: int | None
    in_len: int | tuple[int, int] | None
    out_len: int | None
    learning_rate: float | None
    lr_schedule: str | None
    epochs: int | None
    batch_size: int | None
    seed: int | None
    stop_at_exact: float | None
    few_symbols: float | None
    keep_best: bool | None
    patience: int | None
    dropout: float | None
    processes: int | None


def given_values(config: type[ModelConfig] | type[TrainConfig], settings: Settings) -> dict[str, Any]:
    """Return the settings that were given for the fields of a config.

    Raises:
        UsageError: `in_len` is neither a length nor a range.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if isinstance(in_len := given.get("in_len"), tuple | list):
        if len(in_len) != 2:
            raise UsageError(f"expected `in_len` as a length or a range (shortest, longest), got {in_len!r}")
        given["min_in_len"], given["in_len"] = in_len
    return {field.name: given[field.name] for field in fields(config) if field.name in given}


def lengths_text(shortest: int | None, longest: int) -> str:
    """Return lengths in a word, `10` or `1-20`; `shortest` None is the longest."""
    return str(longest) if shortest in (None, longest) else f"{shortest}-{longest}"


@dataclass(frozen=True)
class Beam:
    """A beam search: so many beginnings are kept, so many answers returned; scores are log p / length^penalty.

    Raises:
        UsageError: a value is out of its range.
    """

    size: int = setting(
        1,
        "--beam-size K",
        "beam search with K hypotheses (default: greedy decoding)",
        called="`beam_size`",
        at_most=1000,
    )
    n_best: int = setting(1, "--n-best N", "print the N best answers of the beam search (default {default})")
    length_penalty: float = setting(0.0, "--length-penalty A", PENALTY_HELP, within=PENALTY)

    def __post_init__(self) -> None:
        """Refuse values that describe no search."""
        check_fields(self)
        if self.n_best > self.size:
            raise UsageError(f"`n_best` {self.n_best} needs `beam_size` of at least {self.n_best}, got {self.size}")


def make_beam(size: int | None, n_best: int | None, length_penalty: float | None) -> Beam | None:
    """Return the beam search that is asked for; None: the others are not, and decoding is greedy.

    Raises:
        UsageError: a value is out of its range, or means nothing without a beam.
    """
    if size is not None:
        return Beam(size, 1 if n_best is None else n_best, length_penalty or 0.0)
    if n_best not in (None, 1):
        least = require_integer("`n_best`", n_best, at_least=1)
        raise UsageError(f"`n_best` {least} needs `beam_size` of at least {least}, got none")
    if length_penalty:
        raise UsageError("`length_penalty` needs `beam_size`, got none")
    return None
