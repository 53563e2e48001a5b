"""The decoders. Teacher forcing and greedy decoding share one `step`, so they always compute the same network.

Each step passes the states of all layers, as tensors `[B, H]`, and the context a_t `[B, M]` to the next step. M is
`ModelConfig.memory_size`. Without attention, the context is ().
"""

from typing import Any

import tensorflow as tf

from seq2seq_demo.network.keras_network.attention import Attention
from seq2seq_demo.network.keras_network.cells import Part, State, States, dense, stacked_cells
from seq2seq_demo.network.keras_network.dropout import Masks
from seq2seq_demo.network.keras_network.scan import Scan, scan, sizes

Tensors = Any  # a tensor, a tuple of tensors, or () if attention or dropout is not used
Carry = tuple[States, Tensors]  # states, context
Greedy = tuple[tf.Tensor, tf.Tensor, Tensors]  # symbols [B, T], logits [B, T, V], α [B, T, S] or () without attention


class Decoder(Part):
    """The decoder without attention (`embedding_rnn`) starts from the encoder's final state (Sutskever et al. 2014)."""

    def build(self) -> None:
        """Create the weights; their values are assigned later."""
        c = self.model_config
        self.embedding = self.add_weight((c.n_output_symbols, c.embedding_size), "zeros", name="embedding")  # E_out
        self.cells = stacked_cells(c, c.cell_size)
        self.projection = dense("projection", c.cell_size, c.n_output_symbols)  # W_p, b_p

    def forced(
        self,
        memory: tf.Tensor,
        states: States,
        decoder_input: tf.Tensor,
        padding: tf.Tensor | None = None,
        scan: Scan = scan,
        masks: Masks | None = None,
    ) -> tf.Tensor:
        """Feed `decoder_input` `[B, T]` (teacher forcing); return the logits `[B, T, V]`.

        `padding` is passed to `Attention`, `scan` runs the steps, and `masks` provides the dropout masks.
        """
        symbols, T = tf.transpose(tf.cast(decoder_input, tf.int32)), sizes(decoder_input)[1]  # [T, B]
        if masks is None:
            fed: tuple[tf.Tensor, Tensors] = tf.gather(self.input_part(self.embedding), symbols), ()
        else:
            x, H = masks.drop("decoder/embedding", tf.gather(self.embedding, symbols)), self.model_config.cell_size
            fed = self.input_part(x), tuple(masks.mask(f"decoder/{cell.name}", T, H) for cell in self.cells[1:])
        prepared = self.prepare(memory, padding)

        def step(fed: tuple[tf.Tensor, Tensors], carry: Carry) -> tuple[tuple[tf.Tensor, Tensors], Carry]:
            x, layer_masks = fed
            carry, _ = self.step(x, carry, prepared, layer_masks)
            states, context = carry
            return (states[-1][-1], context), carry

        (h, context), _ = scan(step, fed, (states, self.zero_context(memory)), T)
        h = h if masks is None else masks.drop("decoder/projection", h)  # [T, B, H]
        return tf.transpose(self.logits(h, context), (1, 0, 2))

    def greedy(self, memory: tf.Tensor, states: States, out_len: int) -> Greedy:
        """Decode greedily in T = out_len steps; return the symbols, the logits and α (see `Greedy`)."""
        symbol_inputs = self.input_part(self.embedding)  # [V, …], computed once for all steps
        prepared = self.prepare(memory)

        def step(_: tuple[()], fed: tuple[tf.Tensor, Carry]) -> tuple[Greedy, tuple[tf.Tensor, Carry]]:
            symbols, carry = fed
            carry, alpha = self.step(tf.gather(symbol_inputs, symbols), carry, prepared)
            states, context = carry
            logits = self.logits(states[-1][-1], context)
            symbols = tf.argmax(logits, axis=-1, output_type=tf.int32)
            return (symbols, logits, alpha), (symbols, carry)

        go = tf.fill(sizes(memory)[:1], self.model_config.go)
        outputs, _ = scan(step, (), (go, (states, self.zero_context(memory))), out_len)
        return tf.nest.map_structure(lambda x: tf.transpose(x, (1, 0, *range(2, len(x.shape)))), outputs)

    def input_part(self, d: tf.Tensor) -> tf.Tensor:
        """Return d W + b for embeddings d, with the first cell's weights: `[…, E]` → `[…, G·H]`."""
        return self.cells[0].project(d)

    def prepare(self, memory: tf.Tensor, padding: tf.Tensor | None = None) -> Tensors:
        """Return the tensors that attention reads at every step, or () without attention."""
        return ()

    def zero_context(self, memory: tf.Tensor) -> Tensors:
        """Return the initial context a_0, or () without attention."""
        return ()

    def step(self, x: tf.Tensor, carry: Carry, prepared: Tensors, masks: Tensors = ()) -> tuple[Carry, Tensors]:
        """Run one step; return the next carry and α, which is () without attention.

        `x` `[B, G·H]` is the `input_part` of the symbols to feed, one per sequence. `masks` contains the dropout masks
        `[B, H]` of all layers except the first.
        """
        states, context = carry
        return (self.run_cells(x, states, masks), context), ()

    def run_cells(self, projected: tf.Tensor, states: States, masks: Tensors = ()) -> States:
        """Run the stacked cells for one step; `projected` `[B, G·H]` is x W + b for the first cell."""
        next_states: list[State] = []
        for layer, (cell, state) in enumerate(zip(self.cells, states, strict=True)):
            if layer:
                h = next_states[-1][-1]
                projected = cell.project(h * masks[layer - 1] if masks else h)
            next_states.append(cell.step(projected, state))
        return tuple(next_states)

    def logits(self, h: tf.Tensor, context: Tensors) -> tf.Tensor:
        """Return W_p h + b_p: `[…, H]` → `[…, V]`."""
        return self.projection(h)


class AttentionDecoder(Decoder):
    """The decoder of `embedding_attention`. Each step attends to the memory and passes the context to the next step."""

    def build(self) -> None:
        """Create the weights; their values are assigned later."""
        c = self.model_config
        super().build()
        self.input_projection = dense("input", c.embedding_size + c.memory_size, c.embedding_size)  # W_i, b_i
        self.attention = Attention(c, "attention")
        self.attention.build()
        self.output_projection = dense("output", c.n_output_symbols + c.memory_size, c.n_output_symbols)  # W_o, b_o

    def input_part(self, d: tf.Tensor) -> tf.Tensor:
        """Return W_i [d ; 0] + b_i for embeddings d: `[…, E]` → `[…, E]`. `step` adds the context's term."""
        E = self.model_config.embedding_size
        return tf.tensordot(d, self.input_projection.kernel[:E], 1) + self.input_projection.bias

    def prepare(self, memory: tf.Tensor, padding: tf.Tensor | None = None) -> tuple[tf.Tensor, ...]:
        """Return the keys W_k m `[B, S, H]`, the memory m `[B, S, M]` and, if it is given, `padding` `[B, S]`."""
        prepared = self.attention.key(memory), memory
        return prepared if padding is None else (*prepared, padding)

    def zero_context(self, memory: tf.Tensor) -> tf.Tensor:
        """Return the initial context a_0 = 0, `[B, M]`."""
        return tf.zeros_like(memory[:, 0])

    def step(self, x: tf.Tensor, carry: Carry, prepared: Tensors, masks: Tensors = ()) -> tuple[Carry, Tensors]:
        """Run one step; return the next carry and α_t `[B, S]`. `x` `[B, E]` is the symbols' `input_part`."""
        states, context = carry
        E = self.model_config.embedding_size
        x += tf.matmul(context, self.input_projection.kernel[E:])  # x_t = W_i [d_t ; a_{t−1}] + b_i
        states = self.run_cells(self.cells[0].project(x), states, masks)
        context, alpha = self.attention(states, *prepared)
        return (states, context), alpha

    def logits(self, h: tf.Tensor, context: tf.Tensor) -> tf.Tensor:
        """Return W_o [W_p h + b_p ; a] + b_o: `[…, H]`, `[…, M]` → `[…, V]`."""
        return self.output_projection(tf.concat([self.projection(h), context], axis=-1))
