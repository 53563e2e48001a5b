"""What a network says to sources: the best answers to each, and what was expected of it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from seq2seq_demo.config import INTEGERS, Beam, ModelConfig
from seq2seq_demo.data.vocabulary import joined
from seq2seq_demo.network.beam import Hypotheses, beam_search, check_beam_fits, rows_at_once_in_beam
from seq2seq_demo.network.ending import Answers, answers_in, decode_to_end
from seq2seq_demo.network.numpy_network import Decoded, NumpyNetwork, softmax
from seq2seq_demo.network.parallel import rows_at_once
from seq2seq_demo.network.ram import check_decoding_fits

Decode = Callable[[np.ndarray, int], Decoded]  # of sources [B, S] in T steps


class Prediction(NamedTuple):
    """What a network says to a source, and what was expected of it, if anybody knows.

    A symbol is an integer, or of a text the string that it is there.
    """

    source: list[Any]
    predicted: list[Any]
    expected: list[Any] | None = None
    probabilities: list[float] | None = None  # of each predicted symbol
    attention: np.ndarray | None = None  # [T, S]; None where the model has none
    ended: bool | None = None  # whether END came, of a network that ends its answers; it has a probability and α too
    tokens: tuple[str, str] = (INTEGERS, INTEGERS)  # what source and answer consist of
    score: float | None = None  # log p / T^A, of a beam search

    @property
    def exact(self) -> bool | None:
        """Whether it is right."""
        return None if self.expected is None else self.predicted == self.expected and self.ended is not False

    @property
    def source_text(self) -> str:
        """The source as a text."""
        return joined(self.tokens[0], self.source)

    @property
    def text(self) -> str:
        """The answer as a text."""
        return joined(self.tokens[1], self.predicted)

    @property
    def expected_text(self) -> str | None:
        """What was expected as a text."""
        return None if self.expected is None else joined(self.tokens[1], self.expected)

    @property
    def written(self) -> list[str]:
        """The symbols as text, with END if it came."""
        return [*map(str, self.predicted), *(["END"] if self.ended else [])]

    @property
    def wanted(self) -> list[str] | None:
        """The symbols that were expected, as text, with END if it should have come."""
        end = [] if self.ended is None else ["END"]
        return None if self.expected is None else [*map(str, self.expected), *end]


@dataclass(frozen=True)
class Wanted:
    """How to search for answers (None: greedily), and what to tell of them beside their symbols."""

    beam: Beam | None = None
    probabilities: bool = False
    attention: bool = False

    def rows_at_once(self, in_len: int, out_len: int) -> int:
        """Return how many sources of a length are best answered at once."""
        if self.beam is None:
            return rows_at_once(in_len, out_len)
        return rows_at_once_in_beam(in_len, out_len, self.beam.size)

    def check_fits(self, model_config: ModelConfig, rows: int, in_len: int, out_len: int) -> None:
        """Raise UsageError if what is kept of so many sources, while they are answered at once, cannot fit."""
        if self.beam is None:
            check_decoding_fits(model_config, rows, in_len, out_len)
        else:
            check_beam_fits(model_config, rows, in_len, out_len, self.beam.size)


GREEDY = Wanted()


def answers_to(
    network: NumpyNetwork,
    sources: np.ndarray,
    out_len: int,
    ends: bool,
    wanted: Wanted,
    expected: Sequence[list[int] | None] | None = None,
    decode: Decode | None = None,
) -> list[list[Prediction]]:
    """Return the answers to sources `[B, S]`, the best first: of `out_len` symbols, or up to that where they end.

    `decode` is another greedy decoder than the network's own.
    """
    if wanted.beam is not None:
        beam = wanted.beam
        settings = beam.size, beam.length_penalty, ends, beam.n_best, wanted.attention
        return _of_hypotheses(sources, beam_search(network, sources, out_len, *settings), ends, wanted, expected)
    if not ends:
        decoded = (decode or network.decode)(sources, out_len)
        return [[p] for p in predictions_of(sources, decoded, expected, wanted)]
    if decode is None:
        answers = decode_to_end(network, sources, out_len)
    else:
        answers = answers_in(decode(sources, out_len + 1), network.model_config.go, out_len)
    return [[p] for p in predictions_of_answers(sources, answers, expected, wanted)]


def _of_hypotheses(
    sources: np.ndarray,
    found: Hypotheses,
    ends: bool,
    wanted: Wanted,
    expected: Sequence[list[int] | None] | None,
) -> list[list[Prediction]]:
    """Return the answers that a beam search found to each source."""
    answers: list[list[Prediction]] = []
    for row, (source, exist) in enumerate(zip(sources.tolist(), found.exist, strict=True)):
        answers.append([])
        for rank in np.flatnonzero(exist).tolist():
            n = int(found.lengths[row, rank])
            ended = bool(found.ended[row, rank]) if ends else None
            written = n + bool(ended)
            prediction = Prediction(
                source,
                found.symbols[row, rank, :n].tolist(),
                expected[row] if expected else None,
                found.probabilities[row, rank, :written].tolist() if wanted.probabilities else None,
                found.attention[row, rank, :written] if found.attention is not None else None,
                ended,
                score=float(found.scores[row, rank]),
            )
            answers[-1].append(prediction)
    return answers


def predictions_of(
    sources: np.ndarray,
    decoded: Decoded,
    expected: Sequence[list[int] | None] | None = None,
    wanted: Wanted = GREEDY,
) -> list[Prediction]:
    """Return what was decoded of a batch row by row, with the probability of each symbol and α if asked for."""
    none = [None] * len(sources)
    columns = (
        sources.tolist(),
        decoded.symbols.tolist(),
        expected or none,
        softmax(decoded.logits).max(axis=-1).tolist() if wanted.probabilities else none,  # greedy: the largest
        decoded.attention if wanted.attention and decoded.attention is not None else none,
    )
    return [Prediction(*row) for row in zip(*columns, strict=True)]


def predictions_of_answers(
    sources: np.ndarray,
    answers: Answers,
    expected: Sequence[list[int] | None] | None = None,
    wanted: Wanted = GREEDY,
) -> list[Prediction]:
    """Return the same of a network that ends its answers: symbols before END, and figures of these and of END."""
    whole = predictions_of(sources, answers.decoded, expected, wanted)
    return [
        Prediction(
            p.source,
            p.predicted[:n],
            p.expected,
            p.probabilities and p.probabilities[: n + ended],
            None if p.attention is None else p.attention[: n + ended],
            ended,
        )
        for p, n, ended in zip(whole, answers.lengths.tolist(), answers.ended.tolist(), strict=True)
    ]
