"""What a page offers of a network: some sources, one of which it fails at if there is one, and how it learned."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace

import numpy as np

from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate
from seq2seq_demo.errors import UsageError
from seq2seq_demo.figures import Evaluation
from seq2seq_demo.files.recording import Recording
from seq2seq_demo.page.builder import Example, Moments
from seq2seq_demo.trained_network import TrainedNetwork

LONGEST_SOURCE = 60  # symbols, as in app.js
SHOWN_PAIRS = 6
CANDIDATES = 300  # sources, to find one that the network fails at
MEASURED = 100  # sources, at each moment of training
MEASURED_LENGTHS = 4

Pair = tuple[list[int], list[int]]
Learned = tuple[TrainedNetwork, SequencePattern | None]  # and the pattern that tells what to expect of it
Shared = tuple[list[int], Sequence[list[int] | None]]  # a source, and its target for each network


def pattern_examples(learned: Sequence[Learned]) -> list[list[Example]]:
    """Return for each network the same sources, with its pattern's targets; without a pattern, nobody knows them."""
    networks = [network for network, _ in learned]
    lengths, largest = _common_lengths(networks), networks[0].model_config.in_max_int
    kinds = [kind for shortest, longest in lengths for kind in _kinds(largest, shortest, longest)]
    noted = [((source, [target_of(*one, source) for one in learned]), note) for note, source in kinds]
    if all(pattern for _, pattern in learned):
        noted = [(shared, note) for shared, note in noted if _has_target(shared)]
    return _of_each(networks, [*noted, *_failure(networks, _tried(learned, lengths))])


def _has_target(shared: Shared) -> bool:
    return any(target is not None for target in shared[1])


def pair_examples(networks: Sequence[TrainedNetwork], pairs: Sequence[Pair]) -> list[list[Example]]:
    """Return for each network some of the pairs; of several with one source, that which the network says."""
    short = [pair for pair in pairs[:CANDIDATES] if len(pair[0]) <= LONGEST_SOURCE]
    targets = [_said_or_last(network, short) for network in networks]
    shared = {source: (list(source), [one[source] for one in targets]) for source in targets[0]}
    notes = dict.fromkeys([*shared][:SHOWN_PAIRS], "of the file")
    notes |= {tuple(source): note for (source, _), note in _failure(networks, [*shared.values()])}
    return _of_each(networks, [(shared[source], note) for source, note in notes.items()])


def _said_or_last(network: TrainedNetwork, pairs: Sequence[Pair]) -> dict[tuple[int, ...], list[int]]:
    """Return a target of each source: of several that which the network says, else one of them."""
    targets: dict[tuple[int, ...], list[int]] = {}
    for (source, target), answer in zip(pairs, _said(network, [source for source, _ in pairs]), strict=True):
        if tuple(source) not in targets or target == answer:
            targets[tuple(source)] = target
    return targets


def _of_each(networks: Sequence[TrainedNetwork], noted: Sequence[tuple[Shared, str]]) -> list[list[Example]]:
    return [[Example(source, targets[i], note) for (source, targets), note in noted] for i in range(len(networks))]


def target_of(network: TrainedNetwork, pattern: SequencePattern | None, source: list[int]) -> list[int] | None:
    """Return what the pattern makes of a source, if it takes it."""
    return targets_of(network, pattern, np.array([source]))[0]


def targets_of(
    network: TrainedNetwork, pattern: SequencePattern | None, sources: np.ndarray
) -> Sequence[list[int] | None]:
    """Return what the pattern makes of sources `[N, S]`; None where it takes none of this length, or there is none."""
    if pattern is not None:
        with contextlib.suppress(UsageError):
            return network.target_function(pattern)(sources).rows()
    return [None] * len(sources)


def _common_lengths(networks: Sequence[TrainedNetwork]) -> list[tuple[int, int]]:
    """Return the shortest and the longest source that all were trained at; if there is none, those of each."""
    first, last = ([min(n.trained_lengths[at], LONGEST_SOURCE) for n in networks] for at in (0, -1))
    return [(max(first), min(last))] if max(first) <= min(last) else sorted({*zip(first, last, strict=True)})


def _kinds(largest: int, shortest: int, longest: int) -> Iterator[tuple[str, list[int]]]:
    """Yield sources, and what they are examples of."""
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


def _tried(learned: Sequence[Learned], lengths: Sequence[tuple[int, int]]) -> list[Shared]:
    """Return random sources with their targets: first of lengths that were trained, then of longer ones."""
    trained = [longest for _, longest in lengths]
    longer = range(max(trained) + 1, min(max(trained) + 10, LONGEST_SOURCE) + 1)
    n_of_length = dict.fromkeys(trained, CANDIDATES // len(set(trained))) | dict.fromkeys(longer, CANDIDATES // 10)
    tried: list[Shared] = []
    for sources in _random_sources(learned[0][0], n_of_length, seed=1):
        targets = [targets_of(*one, sources) for one in learned]
        tried += zip(sources.tolist(), zip(*targets, strict=True), strict=True)
    return [*filter(_has_target, tried)]


def _random_sources(network: TrainedNetwork, n_of_length: dict[int, int], seed: int) -> list[np.ndarray]:
    """Draw n random sources of each length, `[n, length]`."""
    rng, largest = np.random.default_rng(seed), network.model_config.in_max_int
    return [rng.integers(0, largest + 1, (n, length)) for length, n in n_of_length.items()]


def _failure(networks: Sequence[TrainedNetwork], tried: Sequence[Shared]) -> list[tuple[Shared, str]]:
    """Return the first source that one network gets wrong and another right; else the first that one gets wrong."""
    said = [_said(network, [source for source, _ in tried]) for network in networks]
    right = [
        {answer == target for answer, target in zip(answers, targets, strict=True) if target is not None}
        for (_, targets), *answers in zip(tried, *said, strict=True)
    ]
    for note, are_right in (("one network fails, another does not", {True, False}), ("one that fails", {False})):
        if are_right in right:
            shared = tried[right.index(are_right)]
            trained = {network.was_trained_at(len(shared[0])) for network in networks}
            some = ": not all were trained at this length" if True in trained else ": longer than in training"
            return [(shared, note + some * (False in trained))]
    return []


def _said(network: TrainedNetwork, sources: Sequence[list[int]]) -> list[list[int] | None]:
    """Return the greedy answers; None where one does not end."""
    best = (answers[0] for answers in network.predict_numbers(sources))
    return [None if answer.ended is False else answer.predicted for answer in best]


def pairs_of(pairs: Pairs) -> list[Pair]:
    """Return pairs as lists."""
    return [*zip(pairs.sources.rows(), pairs.targets.rows(), strict=True)]


def recorded_moments(network: TrainedNetwork, recording: Recording, pairs: Pairs | None) -> Moments:
    """Return a network's training, and how it did at each of its moments on the first of these pairs."""
    measured: list[Evaluation] = []
    task = None if pairs is None else PairTask("measured", pairs[:MEASURED], vocabularies=network.vocabularies)
    for weights in recording.weights if task else ():
        single = {name: array.astype(np.float32) for name, array in weights.items()}
        measured.append(replace(network, weights=single).evaluate(task))
    n = measured[0].n if measured else 0
    exact_match, loss = ([getattr(one, name) for one in measured] for name in ("exact_match", "loss"))
    return Moments(recording.steps, recording.epochs, recording.weights, n, exact_match, loss)


def held_out(network: TrainedNetwork, pattern: SequencePattern) -> Pairs | None:
    """Return random sources of some of the lengths that were trained, with their targets; None where it takes none."""
    lengths = [n for n in network.trained_lengths if target_of(network, pattern, [0] * n) is not None]
    if not lengths:
        return None
    some = {lengths[int(i)] for i in np.linspace(0, len(lengths) - 1, MEASURED_LENGTHS)}
    each = dict.fromkeys(sorted(some), MEASURED // len(some))
    targets = network.target_function(pattern)
    drawn = _random_sources(network, each, seed=2)
    return Pairs(concatenate(map(Sequences.of_array, drawn)), concatenate(map(targets, drawn)))
