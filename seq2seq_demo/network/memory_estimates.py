"""Estimates of the memory that training and decoding need, to reject a request that is far too large before it starts.

The estimates are low, so a request that is slightly too large is not rejected.
"""

from math import prod

from seq2seq_demo import system_memory
from seq2seq_demo.config import MAX_LEN, ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.parameters import weight_shapes

FLOAT_BYTES = 4


def check_training_fits(model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise UsageError if the weights, the points or a batch cannot fit into memory."""
    S, T = config.in_len, config.out_len
    n = n_weights(model_config)
    _check_lengths(S, T)
    _check_ram(f"{n} weights", 4 * n * FLOAT_BYTES)  # with gradients and two moments
    check_points_fit(config.points, *((config.min_in_len or S, 0) if model_config.ends else (S, T)))
    if not model_config.ends:  # otherwise, a batch of long sequences is trained in parts
        rows = min(config.batch_size, config.n_training)
        _check_ram(f"a batch of {rows} sequences", rows * bytes_per_row(model_config, S, T))


def check_pair_fits(model_config: ModelConfig, in_len: int, out_len: int) -> None:
    """Raise UsageError if training cannot fit even one pair of these lengths into memory."""
    _check_ram(f"training: pairs of {in_len} + {out_len} symbols", bytes_per_row(model_config, in_len, out_len))


def bytes_per_row(model_config: ModelConfig, in_len: int, out_len: int) -> int:
    """Return the bytes per row of a batch that training must keep to compute the gradients.

    They are about a third of training's peak memory.
    """
    width = len(model_config.cell.gates) * model_config.cell_size
    directions = model_config.memory_size // model_config.cell_size
    floats = model_config.num_layers * (directions * in_len + out_len) * width + out_len * model_config.n_output_symbols
    if model_config.has_attention:
        floats += in_len * out_len * model_config.cell_size  # tanh(W_k m_s + q_t)
    return floats * FLOAT_BYTES


def check_points_fit(n: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if n pairs of these lengths cannot fit into memory, or a length is above MAX_LEN."""
    n, in_len, out_len = int(n), int(in_len), int(out_len)  # NumPy integers would overflow
    _check_lengths(in_len, out_len)
    # At least a byte per symbol, and 16 bytes per pair for the order of an epoch.
    _check_ram(f"{n} points of {in_len} + {out_len} symbols", n * (in_len + out_len + 16))


def check_decoding_fits(model_config: ModelConfig, rows: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if decoding `rows` sequences at once cannot fit into memory, or a length is above MAX_LEN."""
    _check_lengths(in_len, out_len)
    S, T, c = int(in_len), int(out_len), model_config
    floats = S * c.memory_size + T * c.n_output_symbols + c.has_attention * S * (c.cell_size + T)  # keys and α
    _check_ram(f"{rows} sequences of {S} + {T} symbols, decoded at once,", rows * floats * FLOAT_BYTES)


def n_weights(model_config: ModelConfig) -> int:
    """Return the number of weights."""
    return sum(map(prod, weight_shapes(model_config).values()))


def _check_lengths(in_len: int, out_len: int) -> None:
    if max(in_len, out_len) > MAX_LEN:
        raise UsageError(f"expected sequences of at most {MAX_LEN} symbols, got {max(in_len, out_len)}")


def _check_ram(purpose: str, needed: int) -> None:
    if lack := system_memory.shortage(needed):
        raise UsageError(f"{purpose} {lack}")
