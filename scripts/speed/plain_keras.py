"""The 2016 network, built from Keras's own layers as a baseline, with one layer, one direction and one length."""

from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # noqa: F401  # before Keras

# isort: split
import keras
from keras import ops

from seq2seq_demo.config import ModelConfig


class AttentionCell(keras.layers.Layer):
    """The attention decoder's cell for `keras.layers.RNN`; its output is `[h ; a]`."""

    def __init__(self, model_config: ModelConfig) -> None:
        super().__init__()
        H = model_config.cell_size
        self.state_size, self.output_size = [H, H, H], 2 * H
        self.input_layer, self.cell = keras.layers.Dense(model_config.embedding_size), keras.layers.LSTMCell(H)
        self.query, self.score = keras.layers.Dense(H), keras.layers.Dense(1, use_bias=False)
        self.built = True  # the inner layers are built by their first call

    def read(self, memory, keys) -> None:
        """Set the memory and its keys, both `[B, S, H]`."""
        self.source = memory, keys

    def call(self, x, states):
        """Take one decoder step."""
        h, c, context = states
        memory, keys = self.source
        _, (h, c) = self.cell(self.input_layer(ops.concatenate([x, context], axis=1)), [h, c])
        query = self.query(ops.concatenate([c, h], axis=1))
        alpha = ops.softmax(self.score(ops.tanh(keys + query[:, None]))[..., 0])
        context = ops.einsum("bs,bsh->bh", alpha, memory)
        return ops.concatenate([h, context], axis=1), [h, c, context]


class AttentionDecoder(keras.layers.Layer):
    """A decoder with Bahdanau's attention over the memory `[B, S, H]`; each context is an input to the next step."""

    def __init__(self, model_config: ModelConfig) -> None:
        super().__init__()
        self.cell_size, V = model_config.cell_size, model_config.n_output_symbols
        self.key = keras.layers.Dense(model_config.cell_size, use_bias=False)
        self.rnn = keras.layers.RNN(AttentionCell(model_config), return_sequences=True)
        self.projection, self.output_layer = keras.layers.Dense(V), keras.layers.Dense(V)

    def call(self, fed, memory, h, c):
        """Return the logits `[B, T, V]` for embeddings `fed` `[B, T, E]` and the encoder's last state."""
        self.rnn.cell.read(memory, self.key(memory))
        outputs = self.rnn(fed, initial_state=[h, c, ops.zeros_like(h)])
        h, contexts = outputs[..., : self.cell_size], outputs[..., self.cell_size :]
        return self.output_layer(ops.concatenate([self.projection(h), contexts], axis=2))


def plain_keras(model_config: ModelConfig, length: int) -> keras.Model:
    """Return a compiled network that maps (sources, decoder inputs) to logits."""
    H, E, V = model_config.cell_size, model_config.embedding_size, model_config.n_output_symbols
    sources, decoder_input = (keras.Input((length,), dtype="int32") for _ in range(2))
    embedded = keras.layers.Embedding(model_config.n_input_symbols, E)(sources)
    memory, h, c = keras.layers.LSTM(H, return_sequences=True, return_state=True)(embedded)
    fed = keras.layers.Embedding(V, E)(decoder_input)
    if model_config.has_attention:
        logits = AttentionDecoder(model_config)(fed, memory, h, c)
    else:
        logits = keras.layers.Dense(V)(keras.layers.LSTM(H, return_sequences=True)(fed, initial_state=[h, c]))
    network = keras.Model([sources, decoder_input], logits)
    adam = keras.optimizers.Adam(1e-4, epsilon=1e-8, global_clipnorm=5.0)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    network.compile(adam, loss, metrics=["accuracy"], jit_compile=False)
    return network
