"""Dropout as Zaremba et al. 2014 have it, for training only: units are left out at random.

Dropped are the embeddings of both sides, the input that a layer reads of the layer below, and h before the projection;
never the state that a cell passes on in time. Dropout is inverted: a unit that is kept is divided by the share that is
kept, so that the network without dropout needs no change. Every position has a mask of its own.

Whether a unit is dropped is a hash of four things: the key of a row, the site (which of these inputs), the position and
the unit. So it depends neither on the padding nor on which rows a worker has, and the same keys drop the same units.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Masks:
    """The masks of a batch; they follow from the keys of its rows."""

    dropout: float  # the share of units that is dropped
    rows: tf.Tensor  # [B] uint32, the keys

    def of(self, site: str, n_positions: int, n_units: int) -> tf.Tensor:
        """Return the mask of a site, `[n_positions, B, n_units]`: 0 or 1 / (1 − dropout)."""
        keys = place_keys(site, n_positions, n_units)[:, None]  # [positions, 1, units]
        hashed = mixed(tf.bitwise.bitwise_xor(self.rows[:, None], keys), tf.bitwise)
        first_kept = np.uint32(min(round(self.dropout * 2**32), 2**32 - 1))
        return tf.where(hashed >= first_kept, np.float32(1 / (1 - self.dropout)), np.float32(0))

    def drop(self, site: str, x: tf.Tensor) -> tf.Tensor:
        """Return x `[positions, B, units]` with its units dropped."""
        return x * self.of(site, x.shape[0], x.shape[2])


def place_keys(site: str, n_positions: int, n_units: int) -> np.ndarray:
    """Return a key for every position and unit of a site, uint32 `[n_positions, n_units]`."""
    start = np.array([zlib.crc32(site.encode())], np.uint32)
    position = mixed(start + np.arange(n_positions, dtype=np.uint32))[:, None]
    keys: np.ndarray = mixed(position + np.arange(n_units, dtype=np.uint32))
    return keys


def mixed(x: Any, operations: Any = np) -> Any:
    """Return uint32 numbers that look random: each bit depends on all bits of x (as in MurmurHash3, Appleby 2011).

    operations: `np` for arrays, `tf.bitwise` for tensors.
    """
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = operations.bitwise_xor(x, operations.right_shift(x, np.uint32(shift))) * np.uint32(factor)
    return operations.bitwise_xor(x, operations.right_shift(x, np.uint32(16)))
