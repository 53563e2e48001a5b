"""What a training or a decoding needs of memory, so that one that cannot fit is refused before it allocates anything.

The figures are estimates from below: they refuse what is absurd, not what is tight.
"""

import os
from dataclasses import replace
from math import prod

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.parameters import GATES, weight_shapes

FLOAT = 4  # bytes


def check_training_fits(model: ModelConfig, train: TrainConfig) -> None:
    """Raise UsageError if weights, points or a batch cannot fit."""
    S, T = train.in_len, train.out_len
    _check(f"a network of {n_weights(model)} weights", 4 * n_weights(model) * FLOAT)  # with gradients and two moments
    check_points_fit(train.points, S, T)
    step = model.num_layers * (S + T) * GATES[model.cell_type] * model.cell_size + T * model.n_output_symbols
    _check(f"a batch of {train.batch_size} sequences", train.batch_size * step * FLOAT)


def check_points_fit(n: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if so many pairs cannot fit."""
    _check(f"{n} points of {in_len} + {out_len} symbols", n * (in_len + out_len))


def check_decoding_fits(model: ModelConfig, rows: int, in_len: int, out_len: int) -> None:
    """Raise UsageError if the memory, logits and attention of `rows` sequences cannot fit."""
    step = model.n_output_symbols + (in_len if model.has_attention else 0)
    what = f"{rows} sequences of {in_len} + {out_len} symbols, decoded at once,"
    _check(what, rows * (in_len * model.cell_size + out_len * step) * FLOAT)


def n_weights(model: ModelConfig) -> int:
    """Return how many numbers the network has, without listing a billion layers: it grows by the same with each."""
    one, two = (sum(map(prod, weight_shapes(replace(model, num_layers=n)).values())) for n in (1, 2))
    return one + (model.num_layers - 1) * (two - one)


def _check(what: str, needed: int) -> None:
    there = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
    if needed > there:
        raise UsageError(
            f"{what} need {needed / 2**30:,.1f} GiB of memory or more, this machine has {there / 2**30:,.1f}"
        )
