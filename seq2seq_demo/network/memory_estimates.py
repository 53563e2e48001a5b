"""What a training or a decoding needs of RAM, so that one that cannot fit is refused before it allocates anything.

The figures are estimates from below: they refuse what is absurd, not what is tight.
"""

from dataclasses import replace
from math import prod

from seq2seq_demo import system_memory
from seq2seq_demo.config import MAX_LEN, ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.parameters import weight_shapes

FLOAT = 4  # bytes
SYMBOL = 8
ARRAY = 112  # of an array, beside what is in it


def check_training_fits(model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise UsageError if weights, points or a batch cannot fit."""
    S, T = config.in_len, config.out_len
    n = n_weights(model_config)
    _check_lengths(S, T)
    _check(f"a network of {n} weights", 4 * n * FLOAT)  # with gradients and two moments
    check_points_fit(config.points, *((config.min_in_len or S, 0) if model_config.ends else (S, T)))
    if model_config.ends:  # of long ones, a batch is taken in parts
        check_row_fits(model_config, S, 1)
        check_row_fits(model_config, 1, T)
    else:
        _check(f"a batch of {config.batch_size} sequences", config.batch_size * bytes_of_a_row(model_config, S, T))


def check_row_fits(model_config: ModelConfig, in_len: int, out_len: int) -> None:
    """Raise UsageError if not even a pair of these lengths can be trained on."""
    _check(f"training: pairs of {in_len} + {out_len} symbols", bytes_of_a_row(model_config, in_len, out_len))


def bytes_of_a_row(model_config: ModelConfig, in_len: int, out_len: int) -> int:
    """Return what training keeps of a row of a batch, for the gradients: about a third of what there is at its peak."""
    width = len(model_config.cell.gates) * model_config.cell_size
    directions = model_config.memory_size // model_config.cell_size  # in which the source is read
    floats = model_config.num_layers * (directions * in_len + out_len) * width + out_len * model_config.n_output_symbols
    if model_config.has_attention:
        floats += in_len * out_len * model_config.cell_size  # tanh(W_k m_s + q_t)
    return floats * FLOAT


def check_points_fit(n: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if so many pairs cannot fit, or are longer than any that should be asked for."""
    n, in_len, out_len = int(n), int(in_len), int(out_len)  # NumPy's would overflow
    _check_lengths(in_len, out_len)
    _check(f"{n} points of {in_len} + {out_len} symbols", n * (in_len + out_len + 2 * SYMBOL))  # and their order


def check_decoding_fits(model_config: ModelConfig, rows: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if what is kept of `rows` sequences, while they are decoded at once, cannot fit, or likewise."""
    _check_lengths(in_len, out_len)
    what = f"{rows} sequences of {in_len} + {out_len} symbols, decoded at once,"
    _check(what, decoding_bytes(model_config, rows, in_len, out_len))


def decoding_bytes(model_config: ModelConfig, rows: int, in_len: int, out_len: int) -> int:
    """Return what `NumpyNetwork.decode` needs at its peak: all positions' arrays, and then one with all of them."""
    S, T = int(in_len), int(out_len)
    key, memory = rows * model_config.cell_size * FLOAT, rows * model_config.memory_size * FLOAT  # of a position
    step = rows * (model_config.n_output_symbols * FLOAT + SYMBOL)
    encoding = S * (2 * memory + 2 * ARRAY)
    if not model_config.has_attention:
        return max(encoding, T * (2 * step + 4 * ARRAY))
    step += rows * S * FLOAT  # the attention
    # While it decodes, the memory and its keys; then what all steps said, twice.
    return max(encoding, S * (memory + key) + T * (step + 3 * ARRAY), T * (2 * step + 6 * ARRAY))


def n_weights(model_config: ModelConfig) -> int:
    """Return how many numbers the network has, without listing a billion layers: it grows by the same with each."""
    one, two = (sum(map(prod, weight_shapes(replace(model_config, num_layers=n)).values())) for n in (1, 2))
    return one + (model_config.num_layers - 1) * (two - one)


def _check_lengths(in_len: int, out_len: int) -> None:
    if max(in_len, out_len) > MAX_LEN:
        raise UsageError(f"expected sequences of at most {MAX_LEN} symbols, got {max(in_len, out_len)}")


def _check(what: str, needed: int) -> None:
    if lack := system_memory.shortage(needed):
        raise UsageError(f"{what} {lack}")
