"""The examples on the page."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace

import numpy as np

from seq2seq_demo.data.patterns import PatternTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.errors import UsageError
from seq2seq_demo.page.builder import Example
from seq2seq_demo.trained.trained_network import TrainedNetwork

MAX_SOURCE_LEN, MAX_ANSWER_LEN = 60, 120  # symbols, as in app.js and trained.js
SHOWN_PAIRS = 6
RIGHT, WRONG, SOME_WRONG = "a right answer", "a wrong answer", "some right, some wrong"
N_CANDIDATES = 30  # sources among which to search for a wrong answer
N_LONGER = 10  # candidates that are longer than in training

PatternNetwork = tuple[TrainedNetwork, PatternTask | None]  # a network and the pattern of its targets, if known
Row = list[Example]  # an example per network, all with the same source


def pattern_examples(pattern_networks: Sequence[PatternNetwork]) -> list[list[Example]]:
    """Return a list of examples per network: the same sources, each with the target of the network's pattern.

    The last source is the first of N_CANDIDATES random ones that a network answers wrong, if there is one.
    """
    networks = [network for network, _ in pattern_networks]
    targets = [target_function(*each) for each in pattern_networks]
    largest, (shortest, longest) = networks[0].model_config.in_max_int, _common_lengths(networks)
    typical = [
        [Example(source, target(source), note) for target in targets]
        for note, source in _typical_sources(largest, shortest, longest)
    ]
    if all(pattern for _, pattern in pattern_networks):
        typical = [*filter(_has_target, typical)]
    rng = np.random.default_rng(1)
    longer = range(longest + 1, min(longest + N_LONGER, MAX_SOURCE_LEN) + 1)
    lengths = [*[longest] * (N_CANDIDATES - N_LONGER), *longer]
    candidates = [rng.integers(0, largest + 1, length).tolist() for length in lengths]
    judged = _judged(networks, [[Example(source, target(source), "") for target in targets] for source in candidates])
    wrong = [row for row in judged if row[0].note != RIGHT]
    return _per_network(networks, [*typical, *wrong[:1]])


def pair_examples(networks: Sequence[TrainedNetwork], pairs: Pairs) -> list[list[Example]]:
    """Return a list of examples per network: a right answer and a wrong one, if any, then the first pairs."""
    first = pairs[:N_CANDIDATES]
    listed = zip(first.sources.rows(), first.targets.rows(), strict=True)
    short = [(source, target) for source, target in listed if len(source) <= MAX_SOURCE_LEN]
    targets = [_target_per_source(network, short) for network in networks]
    rows = _judged(networks, [[Example([*source], each[source], "") for each in targets] for source in targets[0]])
    right = [row for row in rows if row[0].note == RIGHT]
    wrong = [row for row in rows if row[0].note != RIGHT]
    return _per_network(networks, [*right[:1], *wrong[:1], *rows[:SHOWN_PAIRS]])


def _per_network(networks: Sequence[TrainedNetwork], rows: Sequence[Row]) -> list[list[Example]]:
    """Return the examples of each network; the last of several rows with the same source replaces the others."""
    unique = {tuple(row[0].source): row for row in rows}.values()
    return [[row[column] for row in unique] for column in range(len(networks))]


def _target_per_source(
    network: TrainedNetwork, pairs: Sequence[tuple[list[int], list[int]]]
) -> dict[tuple[int, ...], list[int]]:
    """Return one target per source: the network's answer if it is one of the source's targets, else the first."""
    targets: dict[tuple[int, ...], list[int]] = {}
    for (source, target), is_right in zip(pairs, _are_right(network, pairs), strict=True):
        if is_right or tuple(source) not in targets:
            targets[tuple(source)] = target
    return targets


def _has_target(row: Row) -> bool:
    return any(example.target is not None for example in row)


def target_function(network: TrainedNetwork, pattern: PatternTask | None) -> Callable[[list[int]], list[int] | None]:
    """Return a function from a source to its target: None if the pattern is unknown or does not accept its length."""
    targets = network.target_function(pattern) if pattern else None

    def target(source: list[int]) -> list[int] | None:
        with contextlib.suppress(UsageError):
            return targets(np.array([source])).rows()[0] if targets else None
        return None

    return target


def _common_lengths(networks: Sequence[TrainedNetwork]) -> tuple[int, int]:
    """Return the range (shortest, longest) of the lengths on which all networks were trained.

    If there is none, return the length at which the last of them begins.
    """
    shortest, longest = ([min(network.trained_lengths[at], MAX_SOURCE_LEN) for network in networks] for at in (0, -1))
    return max(shortest), max(*shortest, min(longest))


def _typical_sources(largest: int, shortest: int, longest: int) -> Iterator[tuple[str, list[int]]]:
    """Yield sources of several kinds, as (note, source)."""
    rng = np.random.default_rng(0)
    usual = min(longest, max(shortest, 10))
    if usual <= largest + 1:
        yield "different symbols", rng.permutation(largest + 1)[:usual].tolist()
    for note, length in {"short": max(shortest, 3), "longest": longest}.items():
        if shortest <= length != usual:
            yield note, rng.integers(0, largest + 1, length).tolist()
    yield "all equal", [largest] * usual
    yield "descending", sorted(rng.integers(0, largest + 1, usual).tolist(), reverse=True)


def _judged(networks: Sequence[TrainedNetwork], rows: Sequence[Row]) -> list[Row]:
    """Return the rows that have targets, with a note on whether the networks answer them right."""
    rows = [*filter(_has_target, rows)]
    verdicts = [
        _are_right(network, [(row[n].source, row[n].target) for row in rows]) for n, network in enumerate(networks)
    ]
    judged = []
    for row, *are_right in zip(rows, *verdicts, strict=True):
        known = {*are_right} - {None}
        note = SOME_WRONG if len(known) > 1 else RIGHT if known == {True} else WRONG
        judged.append([replace(example, note=note) for example in row])
    return judged


def _are_right(network: TrainedNetwork, pairs: Sequence[tuple[list[int], list[int] | None]]) -> list[bool | None]:
    """Return whether each source's greedy answer, up to MAX_ANSWER_LEN symbols, is its target; None: unknown."""
    longest = max((network.answer_len(length) for length in {len(source) for source, _ in pairs}), default=0)
    answers = network.predict_numbers(pairs, MAX_ANSWER_LEN if longest > MAX_ANSWER_LEN else None)
    return [answer.exact for answer in answers]
