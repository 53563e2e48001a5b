"""The search for a source on which one error leads to more: exposure bias (Ranzato et al. 2016)."""

import itertools
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.sequences import Pairs
from seq2seq_demo.page.builder import Example, Exposure, ShownNetwork
from seq2seq_demo.page.examples import (
    MAX_ANSWER_LEN,
    MAX_SOURCE_LEN,
    MAX_WORK,
    RIGHT,
    WORK_PER_STEP,
    Pair,
    target_function,
)
from seq2seq_demo.trained_network import TrainedNetwork

N_SOURCES, N_FORCED = 500, 30  # sources to search, and those of them in which to force symbols
MIN_EDITS = 3  # edits from which on one error led to many
NOTE = "one error leads to more"


class Found(NamedTuple):
    """An answer with one error under teacher forcing; `edits` lead from the free-running answer to the target."""

    edits: int
    exposure: Exposure


def with_exposure(
    shown: Sequence[ShownNetwork], patterns: Sequence[SequencePattern | None], pairs: Pairs | None = None
) -> list[ShownNetwork]:
    """Add an `Exposure` to the network in which one error leads to most edits, and its source to all examples.

    An error of a network's own is preferred to a forced symbol. The sources are those of the pairs or, for a pattern,
    random ones of the longest length in training. Without targets, nothing is added.
    """
    searched = [
        _search(one.network, _candidates(one.network, pattern, pairs))
        for one, pattern in zip(shown, patterns, strict=True)
    ]
    found = [each for each in searched if each]
    if not found:
        return [*shown]
    best = max(found, key=_rank)
    source, note = best.exposure.source, RIGHT if best.exposure.forced else NOTE
    added = []
    for one, pattern, each in zip(shown, patterns, searched, strict=True):
        target = target_function(one.network, pattern)(source) if pattern else best.exposure.target
        is_known = any(example.source == source for example in one.examples)
        examples = [*one.examples, *([] if is_known else [Example(source, target, note)])]
        added.append(replace(one, examples=examples, exposure=each.exposure if each is best else None))
    return added


def _rank(found: Found) -> tuple[bool, int]:
    return found.edits >= MIN_EDITS and not found.exposure.forced, found.edits


def _candidates(network: TrainedNetwork, pattern: SequencePattern | None, pairs: Pairs | None) -> list[Pair]:
    """Return sources with their targets, fewer for a large network."""
    c, length = network.model_config, min(network.trained_lengths[-1], MAX_SOURCE_LEN)
    if pairs:
        listed = zip(pairs.sources.rows(), pairs.targets.rows(), strict=True)
        known = ((s, t) for s, t in listed if max(s, default=0) <= c.in_max_int and max(t, default=0) <= c.out_max_int)
        candidates = [(s, t) for s, t in known if 0 < len(s) <= MAX_SOURCE_LEN and len(t) < MAX_ANSWER_LEN]
    elif pattern:
        target = target_function(network, pattern)
        sources = np.random.default_rng(3).integers(0, c.in_max_int + 1, (N_SOURCES, length)).tolist()
        candidates = [(source, expected) for source in sources if (expected := target(source))]
    else:
        candidates = []
    work = (length + 2 * _n_steps(network, length)) * (network.n_weights + WORK_PER_STEP // N_SOURCES)
    return candidates[: min(N_SOURCES, MAX_WORK // 20 // work)]


def _n_steps(network: TrainedNetwork, length: int) -> int:
    return min(network.answer_len(length), MAX_ANSWER_LEN) + network.ends


def _search(network: TrainedNetwork, pairs: Sequence[Pair]) -> Found | None:
    """Return the answer with the most edits after one error, the network's own if it leads to MIN_EDITS or more."""
    end = [network.model_config.go] * network.ends
    rows = sorted(((source, [*target, *end]) for source, target in pairs), key=_lengths)
    groups = [[*group] for _, group in itertools.groupby(rows, key=_lengths)]
    own = [found for group in groups for found in _own_errors(network, group)]
    if not any(found.edits >= MIN_EDITS for found in own):
        own += [found for group in groups for found in _forced_errors(network, group[:N_FORCED])]
    return max(own, default=None, key=_rank)


def _lengths(row: Pair) -> tuple[int, int]:
    return len(row[0]), len(row[1])


def _own_errors(network: TrainedNetwork, rows: Sequence[Pair]) -> Iterator[Found]:
    """Yield the rows, all of the same lengths, on which the network makes one error under teacher forcing.

    A missing END does not count, because any symbols after it are extra.
    """
    sources, targets = (np.array(side) for side in zip(*rows, strict=True))
    decoder_input = np.concatenate([np.full((len(rows), 1), network.model_config.go), targets[:, :-1]], axis=1)
    taught = network.to_numpy().decode(sources, targets.shape[1], decoder_input).symbols
    is_wrong = taught != targets
    last = is_wrong[:, -1] if network.ends else np.zeros(len(rows), bool)
    chosen = np.flatnonzero((is_wrong.sum(axis=1) == 1) & ~last).tolist()
    if chosen:
        written, _ = _run(network, sources[chosen])
        yield from (_found(network, *rows[i], row, {}) for i, row in zip(chosen, written, strict=True))


def _forced_errors(network: TrainedNetwork, rows: Sequence[Pair]) -> Iterator[Found]:
    """Yield the rows with a right answer, for each output at which the second likeliest symbol is forced."""
    sources, targets = (np.array(side) for side in zip(*rows, strict=True))
    written, second = _run(network, sources)
    kept = [i for i, (_, target) in enumerate(rows) if _edits(network, written[i], target) == 0]
    for t in range(targets.shape[1] - network.ends) if kept else ():
        after, _ = _run(network, sources[kept], (t, second[kept, t]))
        for i, row in zip(kept, after, strict=True):
            yield _found(network, *rows[i], row, {t: int(second[i, t])})


def _found(
    network: TrainedNetwork, source: list[int], target: list[int], row: np.ndarray, forced: dict[int, int]
) -> Found:
    shown_target = target[: len(target) - network.ends]
    return Found(_edits(network, row, target), Exposure(source, shown_target, forced))


def _edits(network: TrainedNetwork, written: np.ndarray, target: list[int]) -> int:
    """Count edits, of which one may swap two neighbours; without END, count the positions that differ."""
    from rapidfuzz.distance import OSA  # takes milliseconds

    if not network.ends:
        return sum(a != b for a, b in zip(written.tolist(), target, strict=False))
    go, answer = network.model_config.go, written.tolist()
    return OSA.distance(answer[: answer.index(go) + 1] if go in answer else answer, target)


def _run(
    network: TrainedNetwork, sources: np.ndarray, forced: tuple[int, np.ndarray] | None = None
) -> tuple[np.ndarray, np.ndarray]:
    """Answer sources `[B, S]`, with the symbols `[B]` forced at a step; return the symbols and the second likeliest.

    Both are `[B, T]`. The second likeliest symbol is never END.
    """
    numpy_network, go = network.to_numpy(), network.model_config.go
    state, fed = numpy_network.start(sources), np.full(len(sources), go)
    written, seconds = [], []
    for t in range(_n_steps(network, sources.shape[1])):
        state, logits, _ = numpy_network.step(fed, state)
        fed = logits.argmax(axis=1)
        others = np.where(np.arange(logits.shape[1]) == fed[:, None], -np.inf, logits)[:, :go]
        seconds.append(others.argmax(axis=1))
        if forced and forced[0] == t:
            fed = forced[1]
        written.append(fed)
    return np.stack(written, axis=1), np.stack(seconds, axis=1)
