"""The whole network: an encoder and a decoder, and its weights by name."""

import keras
import numpy as np
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.decoder import AttentionDecoder, Decoder
from seq2seq_demo.network.encoder import Encoder
from seq2seq_demo.parameters import weight_shapes


class Seq2Seq(keras.Model):
    """An encoder-decoder whose weights bear the names of `parameters.weight_shapes`."""

    def __init__(self, config: ModelConfig, weights: dict[str, np.ndarray]):
        """Build the network and give it these weights."""
        super().__init__(name="seq2seq")
        self.config = config
        self.encoder = Encoder(config)
        self.decoder = (AttentionDecoder if config.has_attention else Decoder)(config)
        self.build()
        self.assign_named(weights)

    def build(self):
        """Make the weights."""
        self.encoder.build()
        self.decoder.build()

    def call(self, sources: tf.Tensor, decoder_input: tf.Tensor) -> tf.Tensor:
        """Teacher forcing: `[B, S]`, `[B, T]` → logits `[B, T, V]`; the shapes must be known."""
        return self.decoder.forced(*self.encoder(sources), decoder_input)

    def forced_losses(self, sources: tf.Tensor, targets: tf.Tensor):
        """Teacher forcing: `[B, S]`, `[B, T]` → cross-entropy in nats `[B, T]`, of logits `[B, T, V]`, which follow."""
        targets = tf.cast(targets, tf.int32)
        go = tf.fill((targets.shape[0], 1), self.config.go)
        logits = self(sources, tf.concat([go, targets[:, :-1]], axis=1))  # [B, T, V]
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits), logits

    def greedy(self, sources: tf.Tensor, out_len: int):
        """Greedy decoding of `[B, S]`; return symbols `[B, T]`, logits `[B, T, V]` and α `[B, T, S]` or ()."""
        return self.decoder.greedy(*self.encoder(sources), out_len)

    def named_variables(self) -> dict[str, keras.Variable]:
        """Return every variable by its name, in the order of `weight_shapes`."""
        by_path = {variable.path: variable for variable in self.trainable_variables}
        return {name: by_path[f"seq2seq/{name}"] for name in weight_shapes(self.config)}

    def assign_named(self, weights: dict[str, np.ndarray]) -> None:
        """Give every variable its value, by name."""
        for name, variable in self.named_variables().items():
            variable.assign(weights[name])

    def named_weights(self) -> dict[str, np.ndarray]:
        """Return every weight by its name, float32."""
        return {name: variable.numpy() for name, variable in self.named_variables().items()}
