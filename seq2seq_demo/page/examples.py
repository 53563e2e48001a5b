"""What a page offers of a network: some sources, one of which it fails at if there is one, and how it learned."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from seq2seq_demo.data.own_pairs import OwnPairs
from seq2seq_demo.data.own_ragged_pairs import OwnRaggedPairs, in_one_length
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.data.sequence_pattern import SequencePattern
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.parameters import Weights
from seq2seq_demo.page.builder import Example, Moments
from seq2seq_demo.recording import Recording
from seq2seq_demo.trained_network import TrainedNetwork

LONGEST_SOURCE = 60  # symbols, as in app.js
SHOWN_PAIRS = 6
TRIED = 300  # sources, to find one that the network fails at
MEASURED = 100  # sources, at each moment of training
MEASURED_LENGTHS = 4

Pair = tuple[list[int], list[int]]


def pattern_examples(network: TrainedNetwork, pattern: SequencePattern | None) -> list[Example]:
    """Return sources of some kinds with the pattern's targets; without a pattern, nobody knows them."""
    kinds = [(source, target_of(network, pattern, source), note) for note, source in _kinds(network)]
    examples = [Example(*kind) for kind in kinds if kind[1] is not None or pattern is None]
    return [*examples, *_failure(network, _tried(network, pattern))]


def pair_examples(network: TrainedNetwork, pairs: Sequence[Pair]) -> list[Example]:
    """Return some of the pairs; of several with one source, that which the network says."""
    short = [pair for pair in pairs[:TRIED] if len(pair[0]) <= LONGEST_SOURCE]
    said = _said(network, [source for source, _ in short])
    targets: dict[tuple[int, ...], list[int]] = {}
    for (source, target), answer in zip(short, said, strict=True):
        if tuple(source) not in targets or target == answer:
            targets[tuple(source)] = target
    once = [(list(source), target) for source, target in targets.items()]
    failure = {tuple(example.source): example for example in _failure(network, once)}
    examples = [failure.pop(tuple(pair[0]), Example(*pair, "of the file")) for pair in once[:SHOWN_PAIRS]]
    return [*examples, *failure.values()]


def target_of(network: TrainedNetwork, pattern: SequencePattern | None, source: list[int]) -> list[int] | None:
    """Return what the pattern makes of a source, if it takes it."""
    return targets_of(network, pattern, np.array([source]))[0]


def targets_of(network: TrainedNetwork, pattern: SequencePattern | None, sources: np.ndarray) -> list[list[int] | None]:
    """Return what the pattern makes of sources `[N, S]`; None where it takes none of this length, or there is none."""
    unknown: list[list[int] | None] = [None] * len(sources)
    if pattern is None:
        return unknown
    largest = network.model_config.out_max_int
    try:
        if network.ends:
            return [*pattern.ragged_targets(sources, largest).rows()]
        T = network.target_len(sources.shape[1], pattern)
        return [*pattern.targets(sources, T, largest).tolist()]
    except UsageError:
        return unknown


def _kinds(network: TrainedNetwork) -> Iterator[tuple[str, list[int]]]:
    """Yield sources, and what they are examples of."""
    largest, longest = network.model_config.in_max_int, min(network.in_len or 10, LONGEST_SOURCE)
    shortest = network.min_in_len or longest
    rng = np.random.default_rng(0)
    usual = min(longest, max(shortest, 6))
    if usual <= largest + 1:
        yield "different symbols", rng.permutation(largest + 1)[:usual].tolist()
    else:
        yield "some symbols", rng.integers(0, largest + 1, usual).tolist()
    for note, length in {"a few": max(shortest, 3), "as long as in training": longest}.items():
        if shortest <= length != usual:
            yield note, rng.integers(0, largest + 1, length).tolist()
    yield "all equal", [largest] * usual
    yield "two symbols", [0, largest] * (usual // 2) + [0] * (usual % 2)
    yield "descending", sorted(rng.integers(0, largest + 1, usual).tolist(), reverse=True)


def _tried(network: TrainedNetwork, pattern: SequencePattern | None) -> list[Pair]:
    """Return random sources with their targets: first of the length that was trained, then of longer ones."""
    longest = min(network.in_len or 10, LONGEST_SOURCE)
    longer = range(longest + 1, min(longest + 10, LONGEST_SOURCE) + 1)
    return _random_pairs(network, pattern, {longest: TRIED} | dict.fromkeys(longer, TRIED // 10), seed=1)


def _random_pairs(
    network: TrainedNetwork, pattern: SequencePattern | None, n_of_length: dict[int, int], seed: int
) -> list[Pair]:
    """Return so many random sources of each length, with those targets that are known."""
    rng, largest = np.random.default_rng(seed), network.model_config.in_max_int
    pairs: list[Pair] = []
    for length, n in n_of_length.items():
        sources = rng.integers(0, largest + 1, (n, length))
        targets = targets_of(network, pattern, sources)
        pairs += [(s, t) for s, t in zip(sources.tolist(), targets, strict=True) if t is not None]
    return pairs


def _failure(network: TrainedNetwork, pairs: Sequence[Pair]) -> list[Example]:
    """Return the first pair that the network gets wrong, if there is one."""
    for (source, target), answer in zip(pairs, _said(network, [source for source, _ in pairs]), strict=True):
        if answer != target:
            longer = not network.was_trained_at(len(source))
            return [Example(source, target, "one that fails" + (": longer than in training" if longer else ""))]
    return []


def _said(network: TrainedNetwork, sources: Sequence[list[int]]) -> list[list[int] | None]:
    """Return the greedy answers; None where one does not end."""
    best = (answers[0] for answers in network.answers(sources))
    return [None if answer.ended is False else answer.predicted for answer in best]


def pairs_of(task: OwnRaggedPairs) -> list[Pair]:
    """Return the pairs of a task."""
    return [*zip(task.pairs.sources.rows(), task.pairs.targets.rows(), strict=True)]


def moments_of(network: TrainedNetwork, recording: Recording, task: OwnRaggedPairs | None) -> Moments:
    """Return a network's training, and how it did at each of its moments on the first of these pairs."""
    given = _measured(network, task) if task else None
    measured = [replace(network, weights=_single(w)).evaluate(given) for w in recording.weights] if given else []
    return Moments(
        recording.steps,
        recording.epochs,
        recording.weights,
        measured[0].n if measured else 0,
        [evaluation.exact_match for evaluation in measured],
        [evaluation.loss for evaluation in measured],
    )


def _measured(network: TrainedNetwork, task: OwnRaggedPairs) -> OwnRaggedPairs | OwnPairs | None:
    """Return the first pairs in the form that the network is evaluated on; None where their lengths do not fit it."""
    some = task.pairs[slice(MEASURED)]
    if network.ends:
        return replace(task, pairs=some)
    in_arrays = in_one_length(some)
    return OwnPairs(task.name, in_arrays) if in_arrays else None


def _single(weights: Weights) -> Weights:
    return {name: array.astype(np.float32) for name, array in weights.items()}


def held_out(network: TrainedNetwork, pattern: SequencePattern) -> OwnRaggedPairs:
    """Return random sources of some of the lengths that were trained, with their targets."""
    shortest, longest = network.min_in_len or network.in_len or 10, network.in_len or 10
    lengths = {int(length) for length in np.linspace(shortest, longest, MEASURED_LENGTHS)}
    pairs = _random_pairs(network, pattern, dict.fromkeys(sorted(lengths), MEASURED // len(lengths)), seed=2)
    sources, targets = (Ragged.of_rows(rows) for rows in zip(*pairs, strict=True))
    return OwnRaggedPairs(pattern.name, RaggedPairs(sources, targets))
