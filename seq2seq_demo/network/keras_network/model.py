"""The whole network: an encoder, a decoder, and their weights by name."""

import functools
from typing import NamedTuple

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.bidirectional import BidirectionalEncoder
from seq2seq_demo.network.keras_network.decoder import AttentionDecoder, Decoder, Greedy
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.encoder import Encoder
from seq2seq_demo.network.keras_network.scan import scan
from seq2seq_demo.network.parameters import Weights, weight_shapes

PADDING_SCORE = -1e9  # added to the score of padding: its α is then exactly 0


class Lengths(NamedTuple):
    """The number of symbols in each row of a padded batch; the rest of a row is padding."""

    sources: tf.Tensor  # [B]
    targets: tf.Tensor  # [B]


class Seq2Seq(keras.Model):
    """An encoder-decoder whose weights have the names of `parameters.weight_shapes`."""

    def __init__(self, model_config: ModelConfig, weights: Weights) -> None:
        super().__init__(name="seq2seq", dtype="float32")
        self.model_config = model_config
        self.encoder = (BidirectionalEncoder if model_config.bidirectional else Encoder)(model_config)
        self.decoder = (AttentionDecoder if model_config.has_attention else Decoder)(model_config)
        self.build()
        self.assign_named(weights)

    def build(self) -> None:
        """Create the weights; their values are assigned later."""
        self.encoder.build()
        self.decoder.build()

    def call(
        self, sources: tf.Tensor, decoder_input: tf.Tensor, lengths: Lengths | None = None, masks: Masks | None = None
    ) -> tf.Tensor:
        """Teacher forcing: `[B, S]`, `[B, T]` → logits `[B, T, V]`; the shapes must be static.

        Padding has no effect: a row's encoder state does not change after its last symbol, and α is 0 on padding.
        Logits after the end of a target are undefined. Without `lengths`, there is no padding.
        """
        if lengths is None:
            memory, states = self.encoder(sources, masks=masks)
            return self.decoder.forced(memory, states, decoder_input, masks=masks)
        is_symbol = tf.sequence_mask(lengths.sources, sources.shape[1])  # [B, S]
        mask = tf.transpose(is_symbol)[..., None]  # [S, B, 1]
        source_scan = functools.partial(scan, n_steps=tf.reduce_max(lengths.sources), mask=mask)
        memory, states = self.encoder(sources, scan=source_scan, masks=masks)
        target_scan = functools.partial(scan, n_steps=tf.reduce_max(lengths.targets))
        padding = tf.where(is_symbol, 0.0, PADDING_SCORE)
        return self.decoder.forced(memory, states, decoder_input, padding, target_scan, masks)

    def losses(
        self, sources: tf.Tensor, targets: tf.Tensor, lengths: Lengths | None = None, masks: Masks | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Teacher forcing: `[B, S]`, `[B, T]` → cross-entropy in nats `[B, T]`, and the logits `[B, T, V]`."""
        targets = tf.cast(targets, tf.int32)
        go = tf.fill((targets.shape[0], 1), self.model_config.go)
        logits = self(sources, tf.concat([go, targets[:, :-1]], axis=1), lengths=lengths, masks=masks)  # [B, T, V]
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits), logits

    def greedy(self, sources: tf.Tensor, out_len: int) -> Greedy:
        """Greedy decoding of `[B, S]`; return symbols `[B, T]`, logits `[B, T, V]` and α `[B, T, S]` or ()."""
        memory, states = self.encoder(sources)
        return self.decoder.greedy(memory, states, out_len)

    def named_variables(self) -> dict[str, keras.Variable]:
        """Return every variable by its name, in the order of `weight_shapes`."""
        by_path = {variable.path: variable for variable in self.trainable_variables}
        return {name: by_path[f"seq2seq/{name}"] for name in weight_shapes(self.model_config)}

    def assign_named(self, weights: Weights) -> None:
        """Set every variable to the weight of the same name."""
        for name, variable in self.named_variables().items():
            variable.assign(weights[name])


def mean_losses(logits: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy of logits `[B, T, V]` with a target that is uniform over the V symbols, `[B, T]`."""
    return tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_mean(logits, axis=-1)
