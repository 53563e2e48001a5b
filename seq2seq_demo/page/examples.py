"""Chooses the examples on the page."""

import contextlib
from collections.abc import Callable, Iterator, Sequence

import numpy as np

from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.errors import UsageError
from seq2seq_demo.page.builder import Example
from seq2seq_demo.trained.trained_network import TrainedNetwork

MAX_SOURCE_LEN, MAX_ANSWER_LEN = 60, 120  # symbols, as in app.js and trained.js
SHOWN_PAIRS = 6
RIGHT, WRONG, SOME_WRONG = "a right answer", "a wrong answer", "some right, some wrong"
N_CANDIDATES = 30  # the number of sources among which to search for a wrong answer
N_LONGER = 10  # the number of candidates that are longer than any source in training

TargetFunction = Callable[[list[int]], list[int] | None]  # maps a source to a network's target, if known
# Maps sources to their targets, and whether a network's answers are right; both are None if they are unknown
Judged = dict[tuple[int, ...], tuple[list[int] | None, bool | None]]


def pattern_examples(pattern_networks: Sequence[tuple[TrainedNetwork, PatternTask | None]]) -> list[list[Example]]:
    """Return a list of examples per network: the same sources, with the targets of its pattern (None if unknown).

    The last source is the first of N_CANDIDATES random sources that a network gets wrong.
    """
    networks = [network for network, _ in pattern_networks]
    targets = [target_function(*each) for each in pattern_networks]
    largest, (shortest, longest) = networks[0].model_config.in_max_int, _common_lengths(networks)
    notes = {tuple(source): note for note, source in _typical_sources(largest, shortest, longest)}
    if all(pattern for _, pattern in pattern_networks):
        notes = {source: note for source, note in notes.items() if _has_target([*source], targets)}
    rng = np.random.default_rng(1)
    longer = range(longest + 1, min(longest + N_LONGER, MAX_SOURCE_LEN) + 1)
    lengths = [*[longest] * (N_CANDIDATES - N_LONGER), *longer]
    candidates = [rng.integers(0, largest + 1, length).tolist() for length in lengths]
    known = [source for source in candidates if _has_target(source, targets)]
    judged = [
        _judged(network, [(source, target(source)) for source in known])
        for network, target in zip(networks, targets, strict=True)
    ]
    wrong = [(source, note) for source, note in _notes(judged).items() if note != RIGHT]
    notes |= wrong[:1]
    return [[Example([*source], target([*source]), note) for source, note in notes.items()] for target in targets]


def pair_examples(networks: Sequence[TrainedNetwork], pairs: Pairs) -> list[list[Example]]:
    """Return a list of examples per network: a right answer, a wrong answer, and then the first pairs."""
    first = pairs[:N_CANDIDATES]
    listed = zip(first.sources.rows(), first.targets.rows(), strict=True)
    short = [(source, target) for source, target in listed if len(source) <= MAX_SOURCE_LEN]
    judged = [_judged(network, short) for network in networks]
    notes = _notes(judged)
    right = [source for source, note in notes.items() if note == RIGHT]
    wrong = [source for source, note in notes.items() if note != RIGHT]
    chosen = dict.fromkeys([*right[:1], *wrong[:1], *[*notes][:SHOWN_PAIRS]])
    return [[Example([*source], each[source][0], notes[source]) for source in chosen] for each in judged]


def _judged(network: TrainedNetwork, pairs: Sequence[tuple[list[int], list[int] | None]]) -> Judged:
    """Compare greedy answers (at most MAX_ANSWER_LEN symbols) with targets.

    If a source has several targets, its target is the one that the network answers, or else the first one.
    """
    longest = max((network.answer_len(length) for length in {len(source) for source, _ in pairs}), default=0)
    answers = network.predict_numbers(pairs, MAX_ANSWER_LEN if longest > MAX_ANSWER_LEN else None)
    judged: Judged = {}
    for (source, target), answer in zip(pairs, answers, strict=True):
        if answer.exact or tuple(source) not in judged:
            judged[tuple(source)] = target, answer.exact
    return judged


def _notes(judged: Sequence[Judged]) -> dict[tuple[int, ...], str]:
    """Return, for each source, a note on whether the networks answer it correctly."""
    notes = {}
    for source in judged[0]:
        verdicts = {each[source][1] for each in judged} - {None}
        notes[source] = SOME_WRONG if len(verdicts) > 1 else RIGHT if verdicts == {True} else WRONG
    return notes


def _has_target(source: list[int], targets: Sequence[TargetFunction]) -> bool:
    return any(target(source) is not None for target in targets)


def target_function(network: TrainedNetwork, pattern: PatternTask | None) -> TargetFunction:
    """Return a function that maps a source to its target, or None if the pattern is unknown or rejects its length."""
    targets = network.target_function(pattern) if pattern else None

    def target(source: list[int]) -> list[int] | None:
        with contextlib.suppress(UsageError):
            return targets(np.array([source])).rows()[0] if targets else None
        return None

    return target


def _common_lengths(networks: Sequence[TrainedNetwork]) -> tuple[int, int]:
    """Return the range (shortest, longest) of the lengths on which all networks were trained."""
    shortest, longest = ([min(network.trained_lengths[at], MAX_SOURCE_LEN) for network in networks] for at in (0, -1))
    return max(shortest), min(longest)


def _typical_sources(largest: int, shortest: int, longest: int) -> Iterator[tuple[str, list[int]]]:
    """Yield sources of several kinds, each after a note on its kind."""
    rng = np.random.default_rng(0)
    usual = min(longest, max(shortest, 10))
    if usual <= largest + 1:
        yield "different symbols", rng.permutation(largest + 1)[:usual].tolist()
    for note, length in {"short": max(shortest, 3), "longest": longest}.items():
        if shortest <= length != usual:
            yield note, rng.integers(0, largest + 1, length).tolist()
    yield "all equal", [largest] * usual
    yield "descending", sorted(rng.integers(0, largest + 1, usual).tolist(), reverse=True)
