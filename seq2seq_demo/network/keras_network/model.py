"""The whole network: an encoder, a decoder, and their weights by name."""

import functools
from dataclasses import asdict
from typing import Any

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.network.keras_network.bidirectional import BidirectionalEncoder
from seq2seq_demo.network.keras_network.decoder import AttentionDecoder, Decoder, Greedy
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.encoder import Encoder
from seq2seq_demo.network.keras_network.scan import scan
from seq2seq_demo.network.parameters import Weights, weight_shapes

PADDING_SCORE = -1e9  # added to the scores of padding, so that its α is exactly 0


# The inputs of an exported network; they can have any size.
SOURCES, DECODER_INPUT = (tf.TensorSpec((None, None), tf.int32, name) for name in ("sources", "decoder_input"))
OUT_LEN = tf.TensorSpec((), tf.int32, "out_len")


@keras.saving.register_keras_serializable("seq2seq_demo")
class Seq2Seq(keras.Model):
    """An encoder-decoder whose weights are named as in `parameters.weight_shapes`. Without `weights`, they are 0."""

    input_dtype = "int32"

    def __init__(self, model_config: ModelConfig, weights: Weights | None = None) -> None:
        super().__init__(name="seq2seq", dtype="float32")
        self.model_config = model_config
        self.encoder = (BidirectionalEncoder if model_config.bidirectional else Encoder)(model_config, "encoder")
        self.decoder = (AttentionDecoder if model_config.has_attention else Decoder)(model_config, "decoder")
        self.build({spec.name: tuple(spec.shape) for spec in (SOURCES, DECODER_INPUT)})
        if weights is not None:
            for name, variable in self.named_variables().items():
                variable.assign(weights[name])

    def build(self, input_shape: dict[str, tuple[int | None, ...]]) -> None:
        """Create the weights; their values are assigned later."""
        self.encoder.build()
        self.decoder.build()

    def call(
        self,
        sources: tf.Tensor,
        decoder_input: tf.Tensor | None = None,
        lengths: tf.Tensor | None = None,
        masks: Masks | None = None,
    ) -> tf.Tensor:
        """Return the logits `[B, T, V]` for sources `[B, S]` and decoder inputs `[B, T]` (teacher forcing).

        `sources` can also be a dictionary of both inputs, because TFLite's converter passes one. With `lengths` or
        `masks`, the shapes must be static. `lengths` `[B, 2]` is the length of each source and target before padding.

        Padding has no effect: a row's encoder state does not change after its last symbol, and α is 0 for padding.
        Logits after the end of a target are undefined. Without `lengths`, no row may contain padding.
        """
        if decoder_input is None:
            sources, decoder_input = sources["sources"], sources["decoder_input"]
        if lengths is None:
            memory, states = self.encoder(sources, masks=masks)
            return self.decoder.forced(memory, states, decoder_input, masks=masks)
        source_lengths, target_lengths = tf.unstack(lengths, axis=1)
        is_symbol = tf.sequence_mask(source_lengths, sources.shape[1])  # [B, S]
        mask = tf.transpose(is_symbol)[..., None]  # [S, B, 1]
        source_scan = functools.partial(scan, n_steps=tf.reduce_max(source_lengths), mask=mask)
        memory, states = self.encoder(sources, scan=source_scan, masks=masks)
        target_scan = functools.partial(scan, n_steps=tf.reduce_max(target_lengths))
        padding = tf.where(is_symbol, 0.0, PADDING_SCORE)
        return self.decoder.forced(memory, states, decoder_input, padding, target_scan, masks)

    def losses(
        self, sources: tf.Tensor, targets: tf.Tensor, lengths: tf.Tensor | None = None, masks: Masks | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the cross-entropy `[B, T]` in nats and the logits `[B, T, V]` of teacher forcing on `targets`."""
        targets = tf.cast(targets, tf.int32)
        go = tf.fill((targets.shape[0], 1), self.model_config.go)
        logits = self(sources, tf.concat([go, targets[:, :-1]], axis=1), lengths=lengths, masks=masks)  # [B, T, V]
        return tf.nn.sparse_softmax_cross_entropy_with_logits(targets, logits), logits

    def greedy(self, sources: tf.Tensor, out_len: int) -> Greedy:
        """Decode sources `[B, S]` greedily in `out_len` steps; return the symbols, the logits and α (see `Greedy`)."""
        memory, states = self.encoder(sources)
        return self.decoder.greedy(memory, states, out_len)

    def export(self, filepath: Any, format: str = "tf_saved_model", **options: Any) -> None:
        """Export the network for inputs of any size, with the options of `keras.Model.export`.

        A SavedModel also contains the signature `greedy`. It takes `sources` and `out_len`, and returns the `symbols`
        and `logits` of the method `greedy`.
        """
        if format != "tf_saved_model" or options.keys() - {"verbose"}:
            super().export(filepath, format, **{"input_signature": [SOURCES, DECODER_INPUT]} | options)
            return
        archive = keras.export.ExportArchive()
        archive.track_and_add_endpoint("serve", self, [SOURCES, DECODER_INPUT])
        archive.add_endpoint("greedy", self._greedy_outputs, [SOURCES, OUT_LEN])
        archive.write_out(filepath, verbose=options.get("verbose"))

    def _greedy_outputs(self, sources: tf.Tensor, out_len: tf.Tensor) -> dict[str, tf.Tensor]:
        symbols, logits, _ = self.greedy(sources, out_len)
        return {"symbols": symbols, "logits": logits}

    def get_config(self) -> dict[str, Any]:
        """Return the fields of `model_config`, which `keras.Model.save` stores."""
        return asdict(self.model_config)

    @classmethod
    def from_config(cls, config: dict[str, Any]) -> "Seq2Seq":
        """Return a network whose weights are 0; `keras.saving.load_model` then loads their values."""
        return cls(ModelConfig(**config))

    def named_variables(self) -> dict[str, keras.Variable]:
        """Return every variable by name, in the order of `weight_shapes`."""
        by_path = {variable.path: variable for variable in self.trainable_variables}
        return {name: by_path[f"seq2seq/{name}"] for name in weight_shapes(self.model_config)}


def divergences(logits: tf.Tensor) -> tf.Tensor:
    """Return the mean of the two KL divergences between the halves of logits `[2B, T, V]`, repeated to `[2B, T]`."""
    log_p, log_q = tf.split(tf.nn.log_softmax(logits), 2)
    each = tf.reduce_sum((tf.exp(log_p) - tf.exp(log_q)) * (log_p - log_q), axis=-1) / 2
    return tf.concat([each, each], axis=0)


def mean_losses(logits: tf.Tensor) -> tf.Tensor:
    """Return the cross-entropy `[B, T]` of logits `[B, T, V]` with a target that is uniform over the V symbols."""
    return tf.reduce_logsumexp(logits, axis=-1) - tf.reduce_mean(logits, axis=-1)
