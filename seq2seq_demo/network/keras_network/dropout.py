"""Dropout as Zaremba et al. 2014 have it, for training only: the network with units left out at random.

Dropped are the embeddings of both sides, what a layer reads of the layer below, and h before the projection; never
what a cell passes on in time. Dropout is inverted: what is kept is divided by the share that is kept, so that the
network without it needs no change. Every position has a mask of its own.

Whether a unit is dropped is a hash of four things: the key of a row, the site (which of these inputs), the position and
the unit. So it depends neither on the padding nor on which rows a worker has, and the same keys drop the same units.
"""

import zlib
from typing import Any

import numpy as np
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.bidirectional import BidirectionalEncoder
from seq2seq_demo.network.keras_network.cells import Cell, State
from seq2seq_demo.network.keras_network.decoder import AttentionDecoder, Carry, Decoder, Maybe
from seq2seq_demo.network.keras_network.encoder import Encoder
from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.network.keras_network.padded import PaddedSeq2Seq
from seq2seq_demo.network.keras_network.scan import Scan, scan
from seq2seq_demo.network.parameters import Weights


def mixed(x: Any, operations: Any = np) -> Any:
    """Return uint32 numbers that look random: each bit depends on all bits of x (as in MurmurHash3, Appleby 2011).

    operations: `np` for arrays, `tf.bitwise` for tensors.
    """
    for shift, factor in ((16, 0x85EBCA6B), (13, 0xC2B2AE35)):
        x = operations.bitwise_xor(x, operations.right_shift(x, np.uint32(shift))) * np.uint32(factor)
    return operations.bitwise_xor(x, operations.right_shift(x, np.uint32(16)))


def place_keys(site: str, n_positions: int, n_units: int) -> np.ndarray:
    """Return a key for every position and unit of a site, uint32 `[n_positions, n_units]`."""
    start = np.array([zlib.crc32(site.encode())], np.uint32)
    position = mixed(start + np.arange(n_positions, dtype=np.uint32))[:, None]
    keys: np.ndarray = mixed(position + np.arange(n_units, dtype=np.uint32))
    return keys


class Masks:
    """The masks of a batch; they follow from `rows`, the keys of its rows, uint32 `[B]`, which have to be set first."""

    def __init__(self, dropout: float) -> None:
        """Keep the share of units that is dropped."""
        self.dropout = dropout
        self.rows: tf.Tensor = None

    def of(self, site: str, n_positions: int, n_units: int) -> tf.Tensor:
        """Return the mask of a site, `[n_positions, B, n_units]`: 0 or 1 / (1 − dropout)."""
        keys = place_keys(site, n_positions, n_units)[:, None]  # [positions, 1, units]
        hashed = mixed(tf.bitwise.bitwise_xor(self.rows[:, None], keys), tf.bitwise)
        first_kept = np.uint32(min(round(self.dropout * 2**32), 2**32 - 1))
        return tf.where(hashed >= first_kept, np.float32(1 / (1 - self.dropout)), np.float32(0))

    def drop(self, site: str, x: tf.Tensor) -> tf.Tensor:
        """Return x `[positions, B, units]` with its units dropped."""
        return x * self.of(site, x.shape[0], x.shape[2])


class DropoutCell(Cell):
    """A cell that reads its input through a mask of the input's shape, once it has one."""

    input_mask: Any = None

    def project(self, x: tf.Tensor) -> tf.Tensor:
        """Return W (x · mask) + b: `[…, E]` → `[…, G·H]`."""
        return super().project(x if self.input_mask is None else x * self.input_mask)


class DropoutEncoder(Encoder):
    """An encoder that drops units."""

    kind_of_cell = DropoutCell

    def __init__(self, model_config: ModelConfig, masks: Masks) -> None:
        """Note the config, and where the masks are."""
        super().__init__(model_config)
        self.masks = masks

    @property
    def upper_cells(self) -> list[Cell]:
        """The cells that read the layer below."""
        return list(self.cells[1:])

    def call(self, sources: tf.Tensor, scan: Scan = scan) -> tuple[tf.Tensor, tuple[State, ...]]:
        """Read `[B, S]`, as `Encoder`."""
        for cell in self.upper_cells:
            cell.input_mask = self.masks.of(f"encoder/{cell.name}", sources.shape[1], self.model_config.memory_size)
        return super().call(sources, scan)

    def read(self, cell: Cell, sources: tf.Tensor) -> tf.Tensor:
        """Return the input's part of a cell for every symbol's embedding: `[S, B]` → `[S, B, G·H]`."""
        return cell.project(self.masks.drop("encoder/embedding", tf.gather(self.embedding, sources)))


class DropoutBidirectionalEncoder(DropoutEncoder, BidirectionalEncoder):
    """An encoder that reads in both directions and drops units, the same ones for both."""

    @property
    def upper_cells(self) -> list[Cell]:
        """The cells that read the layer below."""
        return [*self.cells[1:], *self.backward.cells[1:]]


class DropoutDecoder(Decoder):
    """A decoder that drops units. It has masks for teacher forcing alone."""

    kind_of_cell = DropoutCell

    def __init__(self, model_config: ModelConfig, masks: Masks) -> None:
        """Note the config, and where the masks are."""
        super().__init__(model_config)
        self.masks = masks

    def feed(self, symbols: tf.Tensor) -> tuple[tf.Tensor, tuple[tf.Tensor, ...]]:
        """Return what symbols `[T, B]` bring to their steps, `[T, B, …]`, and the masks of the upper cells."""
        embedded = tf.gather(self.embedding, symbols)  # [T, B, E]
        T, H = symbols.shape[0], self.model_config.cell_size
        masks = tuple(self.masks.of(f"decoder/{cell.name}", T, H) for cell in self.cells[1:])
        return self.input_part(self.masks.drop("decoder/embedding", embedded)), masks

    def step(self, x: tuple[tf.Tensor, tuple[tf.Tensor, ...]], carry: Carry, prepared: Maybe) -> tuple[Carry, Maybe]:
        """Feed a row of `feed` to each sequence; return the next carry and α."""
        brought, masks = x
        for cell, mask in zip(self.cells[1:], masks, strict=True):
            cell.input_mask = mask
        return super().step(brought, carry, prepared)

    def logits(self, h: tf.Tensor, context: Maybe) -> tf.Tensor:
        """Return the logits, of h whose units are dropped: `[T, B, H]` → `[T, B, V]`."""
        return super().logits(self.masks.drop("decoder/projection", h), context)


class DropoutAttentionDecoder(DropoutDecoder, AttentionDecoder):
    """A decoder that reads the memory and drops units."""


class DropoutSeq2Seq(Seq2Seq):
    """An encoder-decoder in training: of the batch's rows, `masks.rows` has to hold the keys."""

    def __init__(self, model_config: ModelConfig, weights: Weights, dropout: float) -> None:
        """Build the network and give it these weights."""
        self.masks = Masks(dropout)
        super().__init__(model_config, weights)

    def make_encoder(self) -> Encoder:
        """Return an encoder without weights."""
        kind = DropoutBidirectionalEncoder if self.model_config.bidirectional else DropoutEncoder
        return kind(self.model_config, self.masks)

    def make_decoder(self) -> Decoder:
        """Return a decoder without weights."""
        kind = DropoutAttentionDecoder if self.model_config.has_attention else DropoutDecoder
        return kind(self.model_config, self.masks)


class DropoutPaddedSeq2Seq(DropoutSeq2Seq, PaddedSeq2Seq):
    """The same that is told how long each source and target is."""
