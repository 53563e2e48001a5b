"""The settings of a network, its training and a beam search: defaults, valid ranges, options and help.

`CELL_TYPES` is the table of cells; their equations are in `network/numpy_network.py` and
`network/keras_network/cells.py`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, ClassVar, Literal, get_args

from seq2seq_demo.declarations import Range, check_fields, declared_options, require_integer, setting
from seq2seq_demo.errors import UsageError

Model = Literal["embedding_rnn", "embedding_attention"]
AnyModel = Model | Literal["rnn", "attention"]  # a model or its alias
Schedule = Literal["constant", "cosine", "adaptive"]
TokenKind = Literal["integers", "characters", "words"]  # the kinds of symbols in a sequence
OnError = Literal["raise", "return"]  # raise the error for a source, or return it instead of an answer
MODEL_ALIASES: dict[str, Model] = {"rnn": "embedding_rnn", "attention": "embedding_attention"}
MODELS, ON_ERROR = get_args(Model), get_args(OnError)
TOKENS: tuple[TokenKind, ...] = get_args(TokenKind)
INTEGERS, CHARACTERS, WORDS = TOKENS
MAX_LEN = 100_000  # symbols in a sequence; longer sequences take minutes to decode
Format = Literal["json", "text", "csv", "tsv"]  # the formats of files of sequences
JSON, TEXT, CSV, TSV = FORMATS = get_args(Format)
UTF_8 = "utf-8"  # the default encoding of files
EVALUATION_SIZE = 10_000  # the default number of random sources per length in an evaluation
MIN_FLOAT32, MAX_FLOAT32 = 2.0**-149, (2 - 2.0**-23) * 2.0**127  # the smallest and largest positive float32
POSITIVE = Range("to be a number above 0 that float32 can hold", lambda number: MIN_FLOAT32 <= number <= MAX_FLOAT32)
RATE = Range("from 0 to 1", lambda x: 0 <= x <= 1)
CONSISTENCY = Range("from 0 to 100", lambda weight: 0 <= weight <= 100)
RATE_ABOVE_0 = Range("to be above 0 and at most 1", lambda x: 0 < x <= 1)
RATE_BELOW_1 = Range("to be at least 0 and below 1", lambda x: 0 <= x < 1)
PENALTY = Range("from 0 to 10", lambda penalty: 0 <= penalty <= 10)
FEW_VALIDATION = 200  # with fewer validation points, the exact match of one epoch is too uncertain to choose it
DEFAULT_FEW_SYMBOLS = 0.25  # for a pattern with a range of source lengths


@dataclass(frozen=True)
class CellType:
    """A recurrent cell with G gates of H columns each.

    Its weights are W `[input size, G·H]`, U `[H, G·H]` and the bias b `[G·H]`.
    """

    gates: tuple[str, ...]  # in the order of their columns, as in Keras
    states: tuple[str, ...]  # arrays `[B, H]`; the last one is the output
    # Gates whose bias starts at 1, so that an untrained cell keeps more of its state; the other biases start at 0.
    gates_with_bias_1: tuple[str, ...] = ()
    # Maps the suffix of each 2016 weight matrix's name to its gates, in column order. None means a newer cell.
    matrices_of_2016: dict[str, tuple[str, ...]] | None = None
    gates_2016_added_1_to: tuple[str, ...] = ()  # the 2016 equations added 1 to these biases; ours include the 1

    @property
    def matrices(self) -> dict[str, tuple[str, ...]]:
        """The gates in each matrix [W ; U]; the size of a matrix determines the range of its initial weights."""
        return self.matrices_of_2016 or {"": self.gates}


LSTM = CellType(
    gates=("i", "f", "candidate", "o"),
    states=("c", "h"),
    gates_with_bias_1=("f",),
    matrices_of_2016={"": ("i", "candidate", "f", "o")},
    gates_2016_added_1_to=("f",),
)
CellName = Literal["BasicLSTMCell", "LSTMCell", "GRUCell", "BasicRNNCell"]  # the keys of CELL_TYPES
CELL_TYPES: dict[str, CellType] = {  # by their 2016 names; the LSTM had two
    "BasicLSTMCell": LSTM,
    "LSTMCell": LSTM,
    "GRUCell": CellType(
        gates=("z", "r", "candidate"),
        states=("h",),
        gates_with_bias_1=("z", "r"),
        matrices_of_2016={"/Gates": ("r", "z"), "/Candidate": ("candidate",)},
    ),
    "BasicRNNCell": CellType(gates=("candidate",), states=("h",), matrices_of_2016={"": ("candidate",)}),
}
AnyCell = CellName | Literal["LSTM", "GRU", "RNN"]  # a cell type or its alias
CELL_ALIASES: dict[str, CellName] = {"LSTM": "BasicLSTMCell", "GRU": "GRUCell", "RNN": "BasicRNNCell"}


@dataclass(frozen=True)
class ModelConfig:
    """The architecture of a network; together with the weights, it is all that decoding needs.

    Raises:
        UsageError: a value is out of range.
    """

    model: Model = setting("embedding_rnn", "-m --model MODEL", "decoder: one of {choices}", aliases=MODEL_ALIASES)
    cell_type: CellName = setting(
        "BasicLSTMCell", "--cell-type CELL", "one of {choices}", choices=CELL_TYPES, aliases=CELL_ALIASES
    )
    num_layers: int = setting(1, "-L --num-layers N", "number of layers", at_most=100)  # each layer is slow to build
    cell_size: int = setting(32, "--cell-size H", "units per cell")
    embedding_size: int = setting(20, "--embedding-size E", "size of the embeddings")
    in_max_int: int = setting(9, "--in-max-int N", "largest source symbol")
    out_max_int: int = setting(9, "--out-max-int N", "largest target symbol")
    bidirectional: bool = setting(False, "--bidirectional", "let the encoder read the source in both directions")
    ends: bool = setting(False)  # whether answers and targets end with END, which is the same symbol as GO

    def __post_init__(self) -> None:
        check_fields(self)

    @property
    def has_attention(self) -> bool:
        """Whether the decoder attends to the memory, which contains the encoder's outputs."""
        return self.model == "embedding_attention"

    @property
    def architecture(self) -> str:
        """The model, the cells and the sizes, as text."""
        cells = f"{self.num_layers} x {self.cell_type} of size {self.cell_size}"
        return f"{self.model}{', bidirectional' * self.bidirectional}, {cells}, embedding size {self.embedding_size}"

    @property
    def cell(self) -> CellType:
        """The row of `CELL_TYPES` for this cell type."""
        return CELL_TYPES[self.cell_type]

    @property
    def memory_size(self) -> int:
        """The width of the memory's rows: H, or 2H for a bidirectional encoder."""
        return 2 * self.cell_size if self.bidirectional else self.cell_size

    @property
    def largest(self) -> tuple[int, int]:
        """The largest symbols in sources and in targets."""
        return self.in_max_int, self.out_max_int

    @property
    def n_input_symbols(self) -> int:
        """The number of source symbols, 0…in_max_int."""
        return self.in_max_int + 1

    @property
    def n_output_symbols(self) -> int:
        """V, the number of target symbols: 0…out_max_int and GO."""
        return self.out_max_int + 2

    @property
    def go(self) -> int:
        """GO, the symbol that starts decoding; in a network that ends its answers, it is also END."""
        return self.out_max_int + 1


@dataclass(frozen=True)
class TrainConfig:
    """The settings of a training run. On one machine, equal settings give equal weights for the same task and model.

    This is guaranteed only for the first training run in a process. The first run sets TensorFlow's number of threads
    for the rest of the process: one thread per core of the machine if a cell has at least 128 units, otherwise one. A
    later run gives equal weights only if it needs the same number of threads. Restricting the process to some of the
    cores does not change the weights.

    Raises:
        UsageError: a value is out of range.
    """

    # Settings that files of earlier versions contain; they are ignored.
    REMOVED: ClassVar = ("copies", "n_copies", "name", "output", "processes", "budget", "members", "minutes")

    points: int = setting(100_000, error_name="the number of points", at_least=2)
    in_len: int = setting(10, "--in-len S", "length of a source, or a range such as 1-20", at_most=MAX_LEN)
    out_len: int = setting(10, "--out-len T", "length of a target", at_most=MAX_LEN)
    learning_rate: float = setting(1e-4, "-r --learning-rate R", "learning rate of Adam", within=POSITIVE)
    lr_schedule: Schedule = setting("constant", "--lr-schedule NAME", "one of {choices}; the last two end at 0")
    epochs: int = setting(10, "-e --epochs N", "epochs; 0 saves without training", at_least=0)
    batch_size: int = setting(128, "--batch-size B", "points per batch")
    seed: int = setting(0, "--seed N", "random seed", at_least=0)
    stop_at_exact: float | None = setting(
        None, "--stop-at-exact X", "stop once the validation exact match reaches X", within=RATE_ABOVE_0
    )
    min_in_len: int | None = setting(None, error_name="the shortest `in_len`")  # None means that it equals `in_len`
    few_symbols: float = setting(
        0.0,
        "--few-symbols X",
        "fraction of sources with few distinct symbols (default 0.25 with a range of lengths, else 0)",
        within=RATE,
    )
    keep_best: bool = setting(False, "--keep-best", "save the epoch with the best exact match, not the last epoch")
    patience: int | None = setting(None, "--patience N", "stop after N epochs without improvement; save the best epoch")
    validation_points: int | None = setting(None)  # how many of `points` are for validation; None means a tenth
    dropout: float = setting(0.0, "--dropout P", "dropout rate in training", within=RATE_BELOW_1)
    label_smoothing: float = setting(
        0.0, "--label-smoothing X", "fraction of the target probability spread over all symbols", within=RATE_BELOW_1
    )
    consistency: float = setting(
        0.0, "--consistency X", "weight of the divergence between answers under two dropout masks", within=CONSISTENCY
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.min_in_len is not None and self.min_in_len > self.in_len:
            raise UsageError(f"expected `in_len` from shortest to longest, got {self.min_in_len}-{self.in_len}")
        if self.consistency and not self.dropout:
            raise UsageError(f"`consistency` {self.consistency:g} needs `dropout` above 0, got 0")
        if self.points <= self.n_validation:
            raise UsageError(f"expected fewer than {self.points} points for validation, got {self.n_validation}")

    @property
    def lengths(self) -> str:
        """The source lengths as text, such as `10` or `1-20`."""
        return lengths_text(self.min_in_len, self.in_len)

    @property
    def saves_best(self) -> bool:
        """Whether the best epoch is saved instead of the last one, because `keep_best` or `patience` is set."""
        return self.keep_best or self.patience is not None

    @property
    def best_epoch_window(self) -> int:
        """The number of epochs whose mean exact match decides which epoch is best: above 1 with few validation pairs.

        With `patience`, it is also 1, because the number of epochs is open.
        """
        is_open, has_many = self.patience is not None, self.n_validation >= FEW_VALIDATION
        return 1 if is_open or has_many else max(1, math.ceil(self.epochs / 20))

    @property
    def n_validation(self) -> int:
        """The size of the validation split: `validation_points`, by default a tenth of the points, but at least one."""
        return max(1, self.points // 10) if self.validation_points is None else self.validation_points

    @property
    def n_training(self) -> int:
        """The number of points to train on."""
        return self.points - self.n_validation

    @property
    def steps_per_epoch(self) -> int:
        """The number of batches per epoch; the last batch may be smaller."""
        return -(-self.n_training // self.batch_size)


# The settings that a user can give as command-line options or as keyword arguments of `train`.
SETTINGS = {"points", *declared_options(ModelConfig), *declared_options(TrainConfig)}


def given_values(config: type[ModelConfig] | type[TrainConfig], settings: Mapping[str, Any]) -> dict[str, Any]:
    """Return the settings that are not None and are fields of `config`; a range as `in_len` sets two fields.

    Raises:
        UsageError: `in_len` is a list or tuple that does not have exactly two items.
    """
    given = {name: value for name, value in settings.items() if value is not None}
    if isinstance(in_len := given.get("in_len"), tuple | list):
        if len(in_len) != 2:
            raise UsageError(f"expected `in_len` to be a length or a range (shortest, longest), got {in_len!r}")
        given["min_in_len"], given["in_len"] = in_len
    return {field.name: given[field.name] for field in fields(config) if field.name in given}


def check_given(settings: Mapping[str, Any]) -> None:
    """Raise UsageError if a given setting is out of range or contradicts another one; None counts as not given."""
    ModelConfig(**given_values(ModelConfig, settings))
    TrainConfig(**{"dropout": 0.5} | given_values(TrainConfig, settings))  # the recipe may choose dropout


def lengths_text(shortest: int | None, longest: int) -> str:
    """Format a length, such as `10`, or a range, such as `1-20`. If `shortest` is None, there is a single length."""
    return str(longest) if shortest in (None, longest) else f"{shortest}-{longest}"


@dataclass(frozen=True)
class Beam:
    """A beam search that keeps `size` hypotheses and returns the `n_best` answers with the highest scores.

    The score of an answer with probability p is log p / length^`length_penalty`.

    Raises:
        UsageError: a value is out of range.
    """

    size: int = setting(
        1, "--beam-size K", "keep K hypotheses (default: greedy decoding)", error_name="`beam_size`", at_most=1000
    )
    n_best: int = setting(1, "--n-best N", "print the N best answers of the beam search")
    length_penalty: float = setting(
        0.0, "--length-penalty A", "rank hypotheses by log p / length^A; a larger A favours longer ones", within=PENALTY
    )

    def __post_init__(self) -> None:
        check_fields(self)
        if self.n_best > self.size:
            raise UsageError(f"`n_best` {self.n_best} needs a `beam_size` of at least {self.n_best}, got {self.size}")

    @classmethod
    def of(cls, size: int | None, n_best: int | None, length_penalty: float | None) -> "Beam | None":
        """Return a beam search with these settings, or None for greedy decoding. The default size is `n_best`.

        Raises:
            UsageError: a value is out of range, or `length_penalty` is given for greedy decoding.
        """
        if size is not None or n_best not in (None, 1):
            n_best = 1 if n_best is None else require_integer("`n_best`", n_best, at_least=1)
            return cls(n_best if size is None else size, n_best, length_penalty or 0.0)
        if length_penalty:
            raise UsageError("`length_penalty` needs `beam_size` or `n_best`")
        return None
