"""Estimates of the memory that training and decoding need, to reject a request that is far too large before it starts.

The estimates are low, so a request that is slightly too large is not rejected.
"""

from dataclasses import replace
from math import prod

from seq2seq_demo import system_memory
from seq2seq_demo.config import MAX_LEN, ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.parameters import weight_shapes

FLOAT_BYTES = 4
SYMBOL_BYTES = 8
ARRAY_OVERHEAD = 112  # bytes of a NumPy array in addition to its elements


def check_training_fits(model_config: ModelConfig, config: TrainConfig) -> None:
    """Raise UsageError if the weights, the points or a batch cannot fit into memory."""
    S, T = config.in_len, config.out_len
    n = n_weights(model_config)
    _check_lengths(S, T)
    _check_ram(f"{n} weights", 4 * n * FLOAT_BYTES)  # with gradients and two moments
    check_points_fit(config.points, *((config.min_in_len or S, 0) if model_config.ends else (S, T)))
    if model_config.ends:  # a batch of long sequences is trained in parts
        check_pair_fits(model_config, S, 1)
        check_pair_fits(model_config, 1, T)
    else:
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
    _check_ram(f"{n} points of {in_len} + {out_len} symbols", n * (in_len + out_len + 2 * SYMBOL_BYTES))


def check_decoding_fits(model_config: ModelConfig, rows: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if decoding `rows` sequences at once cannot fit into memory, or a length is above MAX_LEN."""
    _check_lengths(in_len, out_len)
    needed = decoding_bytes(model_config, rows, in_len, out_len)
    _check_ram(f"{rows} sequences of {in_len} + {out_len} symbols, decoded at once,", needed)


def decoding_bytes(model_config: ModelConfig, rows: int, in_len: int, out_len: int) -> int:
    """Return the peak memory of `NumpyNetwork.decode` in bytes: one array per position, and then their stacked copy."""
    S, T = int(in_len), int(out_len)
    key, memory = rows * model_config.cell_size * FLOAT_BYTES, rows * model_config.memory_size * FLOAT_BYTES
    step = rows * (model_config.n_output_symbols * FLOAT_BYTES + SYMBOL_BYTES)
    encoding = S * (2 * memory + 2 * ARRAY_OVERHEAD)
    if not model_config.has_attention:
        return max(encoding, T * (2 * step + 4 * ARRAY_OVERHEAD))
    step += rows * S * FLOAT_BYTES  # α
    # The encoder's peak, the peak of the decoder's steps, and the peak at the end, where all steps are copied.
    return max(encoding, S * (memory + key) + T * (step + 3 * ARRAY_OVERHEAD), T * (2 * step + 6 * ARRAY_OVERHEAD))


def n_weights(model_config: ModelConfig) -> int:
    """Return the number of weights. Each layer after the first adds the same number, which is computed only once."""
    one, two = (sum(map(prod, weight_shapes(replace(model_config, num_layers=n)).values())) for n in (1, 2))
    return one + (model_config.num_layers - 1) * (two - one)


def _check_lengths(in_len: int, out_len: int) -> None:
    if max(in_len, out_len) > MAX_LEN:
        raise UsageError(f"expected sequences of at most {MAX_LEN} symbols, got {max(in_len, out_len)}")


def _check_ram(purpose: str, needed: int) -> None:
    if lack := system_memory.shortage(needed):
        raise UsageError(f"{purpose} {lack}")
