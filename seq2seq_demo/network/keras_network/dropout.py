"""Dropout sets random units to 0 during training (Zaremba et al. 2014).

Units are dropped at several sites: in the embeddings of source and target, in the outputs that a layer reads from the
layer below, and in h before the projection. No unit is dropped from the state that a cell passes to its next step.
Dropout is inverted: the remaining units are divided by 1 − dropout, so decoding needs no scaling. Each position has its
own mask.

Whether a unit is dropped depends only on a hash of the row's key, the site, the position and the unit. A row's masks
are therefore independent of the padding and of the worker that trains the row. Equal keys give equal masks.
"""

import zlib
from dataclasses import dataclass
from typing import Any

import numpy as np
import tensorflow as tf


@dataclass(frozen=True)
class Masks:
    """The dropout masks of a batch, computed from the keys of its rows."""

    dropout: float  # the probability that a unit is dropped
    row_keys: tf.Tensor  # [B] uint32

    def mask(self, site: str, n_positions: int, n_units: int) -> tf.Tensor:
        """Return a site's mask `[n_positions, B, n_units]`, whose values are 0 and 1 / (1 − dropout)."""
        keys = unit_keys(site, n_positions, n_units)[:, None]  # [positions, 1, units]
        hashed = scramble(tf.bitwise.bitwise_xor(self.row_keys[:, None], keys), tf.bitwise)
        smallest_kept = np.uint32(min(round(self.dropout * 2**32), 2**32 - 1))
        return tf.where(hashed >= smallest_kept, np.float32(1 / (1 - self.dropout)), np.float32(0))

    def drop(self, site: str, x: tf.Tensor) -> tf.Tensor:
        """Return x `[positions, B, units]`, multiplied by a site's mask."""
        return x * self.mask(site, x.shape[0], x.shape[2])


def unit_keys(site: str, n_positions: int, n_units: int) -> np.ndarray:
    """Return a hash for every position and unit of a site, as uint32 `[n_positions, n_units]`."""
    start = np.array([zlib.crc32(site.encode())], np.uint32)
    position = scramble(start + np.arange(n_positions, dtype=np.uint32))[:, None]
    return np.asarray(scramble(position + np.arange(n_units, dtype=np.uint32)))


def scramble(x: Any, operations: Any = np) -> Any:
    """Hash uint32 numbers so that each bit of the result depends on every bit of x (MurmurHash3, Appleby 2011).

    `operations` is `np` for arrays and `tf.bitwise` for tensors.
    """
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = operations.bitwise_xor(x, operations.right_shift(x, np.uint32(shift))) * np.uint32(factor)
    return operations.bitwise_xor(x, operations.right_shift(x, np.uint32(16)))
