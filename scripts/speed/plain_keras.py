"""The network of seq2seq_demo/README.md, written with Keras's own layers as a baseline.

Sequences of different lengths are padded with 0, so 0 is not a symbol in them.
"""

from seq2seq_demo.network.keras_network.tensorflow_setup import set_threads  # noqa: F401  # before Keras

# isort: split
import keras
from keras import ops

from seq2seq_demo.config import ModelConfig


class AttentionCell(keras.layers.Layer):
    """The attention decoder's cell for `keras.layers.RNN`; its output is `[h ; a]`."""

    def __init__(self, model_config: ModelConfig) -> None:
        super().__init__()
        H, n_layers = model_config.cell_size, model_config.num_layers
        self.state_size = [*[H, H] * n_layers, model_config.memory_size]
        self.output_size = H + model_config.memory_size
        self.input_layer = keras.layers.Dense(model_config.embedding_size)
        self.cells = [keras.layers.LSTMCell(H) for _ in range(n_layers)]
        self.query, self.score = keras.layers.Dense(H), keras.layers.Dense(1, use_bias=False)
        self.built = True  # the inner layers are built by their first call

    def read(self, memory, keys, mask) -> None:
        """Set the memory `[B, S, M]`, its keys `[B, S, H]` and the mask `[B, S]`, which is true at symbols."""
        self.source = memory, keys, mask

    def call(self, x, states):
        """Take one decoder step."""
        *states, context = states
        memory, keys, mask = self.source
        x = self.input_layer(ops.concatenate([x, context], axis=1))
        new_states = []
        for cell, c, h in zip(self.cells, states[::2], states[1::2], strict=True):
            x, (h_next, c_next) = cell(x, [h, c])
            new_states += [c_next, h_next]
        query = self.query(ops.concatenate(new_states, axis=1))
        scores = self.score(ops.tanh(keys + query[:, None]))[..., 0]
        alpha = ops.softmax(scores if mask is None else ops.where(mask, scores, -1e9))
        context = ops.einsum("bs,bsm->bm", alpha, memory)
        return ops.concatenate([x, context], axis=1), [*new_states, context]


class AttentionDecoder(keras.layers.Layer):
    """A decoder with Bahdanau's attention over the memory `[B, S, M]`; each context is an input of the next step."""

    def __init__(self, model_config: ModelConfig, dropout: float) -> None:
        super().__init__()
        self.cell_size, V = model_config.cell_size, model_config.n_output_symbols
        self.key = keras.layers.Dense(model_config.cell_size, use_bias=False)
        self.rnn = keras.layers.RNN(AttentionCell(model_config), return_sequences=True)
        self.dropout = keras.layers.Dropout(dropout)
        self.projection, self.output_layer = keras.layers.Dense(V), keras.layers.Dense(V)

    def call(self, fed, memory, mask, states, training=False):
        """Return the logits `[B, T, V]` for embeddings `fed` `[B, T, E]`; `states`: c and h `[B, H]` of each layer."""
        self.rnn.cell.read(memory, self.key(memory), mask)
        outputs = self.rnn(fed, initial_state=[*states, ops.zeros_like(memory[:, 0])])
        h, contexts = outputs[..., : self.cell_size], outputs[..., self.cell_size :]
        logits = self.projection(self.dropout(h, training=training))
        return self.output_layer(ops.concatenate([logits, contexts], axis=2))


def encode(model_config: ModelConfig, x, dropout: float):
    """Encode embedded sources x `[B, S, E]`; return the memory `[B, S, M]`, and c and h `[B, H]` of each layer."""
    H, states = model_config.cell_size, []
    for _ in range(model_config.num_layers):
        lstm = keras.layers.LSTM(H, return_sequences=True, return_state=True)
        lstm = keras.layers.Bidirectional(lstm) if model_config.bidirectional else lstm
        x, *final = lstm(keras.layers.Dropout(dropout)(x))
        if model_config.bidirectional:  # forward h and c, then backward h and c
            final = [keras.layers.Dense(H)(ops.concatenate([final[k], final[2 + k]], axis=1)) for k in range(2)]
        states += reversed(final)
    return x, states


def plain_keras(
    model_config: ModelConfig, length: int | None = None, dropout: float = 0.0, learning_rate: float = 1e-4
) -> keras.Model:
    """Return a compiled network from (sources, decoder inputs) to logits; `length=None` allows masked padding."""
    if dropout and model_config.num_layers > 1:
        raise ValueError(f"expected `dropout` only with one layer, got {model_config.num_layers} layers")
    c, varies = model_config, length is None
    sources, decoder_input = (keras.Input((length,), dtype="int32") for _ in range(2))
    embedded = keras.layers.Embedding(c.n_input_symbols, c.embedding_size, mask_zero=varies)(sources)
    memory, states = encode(c, embedded, dropout)
    fed = keras.layers.Embedding(c.n_output_symbols, c.embedding_size)(decoder_input)
    fed = keras.layers.Dropout(dropout)(fed)
    if c.has_attention:
        mask = ops.not_equal(sources, 0) if varies else None
        logits = AttentionDecoder(c, dropout)(fed, memory, mask, states)
    else:
        for layer in range(c.num_layers):
            lstm = keras.layers.LSTM(c.cell_size, return_sequences=True)
            fed = lstm(fed, initial_state=[states[2 * layer + 1], states[2 * layer]])
        logits = keras.layers.Dense(c.n_output_symbols)(keras.layers.Dropout(dropout)(fed))
    network = keras.Model([sources, decoder_input], logits)
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True, ignore_class=0 if varies else None)
    adam = keras.optimizers.Adam(learning_rate, epsilon=1e-8, global_clipnorm=5.0)
    network.compile(adam, loss, metrics=["accuracy"], jit_compile=False)
    return network
