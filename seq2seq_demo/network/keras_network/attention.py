"""Bahdanau attention (Bahdanau et al. 2015, appendix A.1.2), as in TensorFlow 0.10's `attention_decoder`."""

import tensorflow as tf

from seq2seq_demo.network.keras_network.cells import Part, States, dense


class Attention(Part):
    """Scores every row m_s of the memory against the decoder's state: u_s = v · tanh(W_k m_s + W_q state + b_q)."""

    def build(self) -> None:
        """Create the weights; their values are assigned later."""
        H, M = self.model_config.cell_size, self.model_config.memory_size
        n_states = self.model_config.num_layers * len(self.model_config.cell.states)
        self.key = dense("key", M, H, use_bias=False)  # W_k
        self.query = dense("query", n_states * H, H)  # W_q, b_q
        self.score = self.add_weight((H,), "zeros", name="score")  # v

    def call(
        self, states: States, keys: tf.Tensor, memory: tf.Tensor, padding: tf.Tensor | None = None
    ) -> tuple[tf.Tensor, tf.Tensor]:
        """Return the context a_t `[B, M]` and the attention weights α_t `[B, S]`, which sum to 1 over the source.

        Args:
            states: the state of every layer, as tensors `[B, H]`.
            keys: the keys W_k m, `[B, S, H]`.
            memory: the memory m, `[B, S, M]`, where M is `memory_size`.
            padding: `[B, S]`, added to the scores: 0 for symbols, and −10^9 for padding, so that its α is 0. None means
                that there is no padding.
        """
        query = self.query(tf.concat(tf.nest.flatten(states), axis=1))  # [B, H]
        u = tf.linalg.matvec(tf.tanh(keys + query[:, None]), self.score)  # [B, S]
        alpha = tf.nn.softmax(u if padding is None else u + padding)  # [B, S]
        return tf.einsum("bs,bsh->bh", alpha, memory), alpha
