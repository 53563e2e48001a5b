"""Bahdanau's attention (Bahdanau et al. 2015, appendix A.1.2), as 2016's `attention_decoder` has it."""

import keras
import tensorflow as tf

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.parameters import STATES


class Attention(keras.layers.Layer):
    """Scores every row of the memory against the decoder's state: u_s = v · tanh(W_k m_s + W_q state + b_q)."""

    def __init__(self, config: ModelConfig):
        """Note the config; `build` makes the weights."""
        super().__init__(name="attention")
        self.config = config

    def build(self):
        """Make the weights."""
        H = self.config.cell_size
        n_states = self.config.num_layers * STATES[self.config.cell_type]
        self.key = keras.layers.Dense(H, use_bias=False, name="key")  # W_k
        self.query = keras.layers.Dense(H, name="query")  # W_q, b_q
        self.key.build((None, H))
        self.query.build((None, n_states * H))
        self.score = self.add_weight((H,), "zeros", name="score")  # v

    def call(self, states, keys: tf.Tensor, memory: tf.Tensor):
        """Return the context a_t `[B, H]` and the weights α_t `[B, S]`, which sum to 1 over the source.

        states: arrays `[B, H]`, every layer's; keys = W_k m: `[B, S, H]`; memory m: `[B, S, H]`.
        """
        query = self.query(tf.concat(tf.nest.flatten(states), axis=1))  # [B, H]
        u = tf.linalg.matvec(tf.tanh(keys + query[:, None]), self.score)  # [B, S]
        alpha = tf.nn.softmax(u)  # [B, S]
        return tf.einsum("bs,bsh->bh", alpha, memory), alpha
