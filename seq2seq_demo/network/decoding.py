"""Decodes sources into answers, greedily or by beam search, until END or for a fixed number of steps."""

import itertools
from dataclasses import dataclass

import numpy as np

from seq2seq_demo.config import Beam, ModelConfig
from seq2seq_demo.network.beam import beam_search
from seq2seq_demo.network.numpy_network import Answers, NumpyNetwork, Step, softmax, stack_steps

MAX_ROWS_AT_ONCE = 1000  # so that the arrays of a step fit into the processor's cache
MAX_NUMBERS = 10_000_000  # attention weights or logits per batch; batches of long sequences therefore have few rows


@dataclass(frozen=True)
class DecodingOptions:
    """The decoding method, and the optional arrays of `Answers` to fill in."""

    beam: Beam | None = None  # None means greedy decoding
    probabilities: bool = False
    attention: bool = False

    @property
    def beam_size(self) -> int:
        """K, the number of hypotheses per source."""
        return self.beam.size if self.beam else 1

    def rows_at_once(self, model_config: ModelConfig, in_len: int, out_len: int) -> int:
        """Return how many sources of length `in_len` to decode together."""
        rows = min(MAX_ROWS_AT_ONCE, MAX_NUMBERS // (max(in_len, model_config.n_output_symbols) * out_len))
        return max(1, rows // self.beam_size)


GREEDY = DecodingOptions()


def answer(network: NumpyNetwork, sources: np.ndarray, out_len: int, options: DecodingOptions = GREEDY) -> Answers:
    """Answer sources `[B, S]` with `out_len` symbols each, or at most that many if the network ends its answers."""
    if options.beam:
        return beam_search(network, sources, out_len, options.beam, options.attention)
    ends, go = network.model_config.ends, network.model_config.go
    steps: list[Step] = []
    ended = np.zeros(len(sources), bool)  # [B]
    for step in itertools.islice(network.steps(sources), out_len + ends):  # one more step for END
        steps.append(step)
        ended |= (step[0] == go) & ends
        if ended.all():
            break
    decoded = stack_steps(steps)
    is_end = (decoded.symbols == go) & ends  # [B, T]
    lengths = np.where(ended, is_end.argmax(axis=1), out_len)
    return Answers(
        symbols=decoded.symbols[:, None],
        lengths=lengths[:, None],
        ended=ended[:, None],
        # A greedy symbol is the most probable one.
        probabilities=softmax(decoded.logits).max(axis=-1)[:, None] if options.probabilities else None,
        attention=decoded.attention[:, None] if options.attention and decoded.attention is not None else None,
    )
