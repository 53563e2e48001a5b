"""The whole network: an encoder and a decoder, and its weights by name."""

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.decoder import AttentionDecoder, Decoder, Greedy
from seq2seq_demo.network.keras_network.encoder import Encoder
from seq2seq_demo.network.keras_network.encoders import encoder_of
from seq2seq_demo.network.parameters import Weights, weight_shapes


class Seq2Seq(keras.Model):
    """An encoder-decoder whose weights have the names of `parameters.weight_shapes`."""

    def __init__(self, model_config: ModelConfig, weights: Weights) -> None:
        """Build the network and give it these weights."""
        super().__init__(name="seq2seq")
        self.model_config = model_config
        self.encoder, self.decoder = self.make_encoder(), self.make_decoder()
        self.build()
        self.assign_named(weights)

    def make_encoder(self) -> Encoder:
        """Return an encoder without weights."""
        return encoder_of(self.model_config)

    def make_decoder(self) -> Decoder:
        """Return a decoder without weights."""
        return (AttentionDecoder if self.model_config.has_attention else Decoder)(self.model_config)

    def build(self) -> None:
        """Make the weights."""
        self.encoder.build()
        self.decoder.build()

    def call(self, sources: tf.Tensor, decoder_input: tf.Tensor) -> tf.Tensor:
        """Teacher forcing: `[B, S]`, `[B, T]` → logits `[B, T, V]`; the shapes must be known."""
        memory, states = self.encoder(sources)
        return self.decoder.forced(memory, states, decoder_input)

    def forced_losses(self, sources: tf.Tensor, targets: tf.Tensor) -> tuple[tf.Tensor, tf.Tensor]:
        """Teacher forcing: `[B, S]`, `[B, T]` → cross-entropy in nats `[B, T]`, and the logits `[B, T, V]`."""
        targets = tf.cast(targets, tf.int32)
        go = tf.fill((targets.shape[0], 1), self.model_config.go)
        logits = self(sources, tf.concat([go, targets[:, :-1]], axis=1))  # [B, T, V]
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
        """Give every variable its value, by name."""
        for name, variable in self.named_variables().items():
            variable.assign(weights[name])

    def named_weights(self) -> Weights:
        """Return every weight by its name, float32."""
        return {name: variable.numpy() for name, variable in self.named_variables().items()}
