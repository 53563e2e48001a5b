"""The network on sources and targets of different lengths, padded to a common one: weights and equations are the same.

A row's encoder state stays as it is after its last symbol, and α is 0 on padding; so padding changes nothing.
"""

import functools
from collections.abc import Callable

import tensorflow as tf

from seq2seq_demo.network.keras_network.model import Seq2Seq
from seq2seq_demo.network.keras_network.scan import Scan, Structure, scan

NEVER = -1e9  # added to a score, makes its α exactly 0


class PaddedSeq2Seq(Seq2Seq):
    """An encoder-decoder that is told how long each source and target is."""

    def call(  # type: ignore[override]
        self, sources: tf.Tensor, decoder_input: tf.Tensor, source_lengths: tf.Tensor, target_lengths: tf.Tensor
    ) -> tf.Tensor:
        """Teacher forcing: `[B, S]`, `[B, T]`, `[B]`, `[B]` → logits `[B, T, V]`, zeros after the longest target."""
        mask = tf.sequence_mask(source_lengths, sources.shape[1])  # [B, S]
        memory, states = self.encoder(sources, scan=holding(mask, tf.reduce_max(source_lengths)))
        as_long_as_needed = functools.partial(scan, n_steps=tf.reduce_max(target_lengths))
        return self.decoder.forced(memory, states, decoder_input, tf.where(mask, 0.0, NEVER), as_long_as_needed)

    def padded_losses(
        self, sources: tf.Tensor, targets: tf.Tensor, source_lengths: tf.Tensor, target_lengths: tf.Tensor
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Teacher forcing: as `call` → cross-entropy in nats `[B, T]`, and the logits `[B, T, V]`."""
        targets = tf.cast(targets, tf.int32)
        go = tf.fill((targets.shape[0], 1), self.model_config.go)
        logits = self(sources, tf.concat([go, targets[:, :-1]], axis=1), source_lengths, target_lengths)
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits), logits


def holding(mask: tf.Tensor, n_steps: tf.Tensor) -> Scan:
    """Return a scan of that many steps which keeps a row's state where the mask `[B, S]` is False."""
    mask = tf.transpose(mask)[..., None]  # [S, B, 1]

    def held_scan(
        step: Callable[[Structure, Structure], tuple[Structure, Structure]],
        inputs: Structure,
        carry: Structure,
        length: int,
        reverse: bool = False,
    ) -> tuple[Structure, Structure]:
        def held(x: Structure, state: Structure) -> tuple[Structure, Structure]:
            inputs, is_symbol = x
            output, new = step(inputs, state)
            return output, tf.nest.map_structure(lambda a, b: tf.where(is_symbol, a, b), new, state)

        return scan(held, (inputs, mask), carry, length, n_steps, reverse)

    return held_scan
