"""The examples on the page, and a network's figures at the recorded steps of its training."""

import contextlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.recording import Recording
from seq2seq_demo.network.memory_estimates import n_weights
from seq2seq_demo.page.builder import Example, Moments
from seq2seq_demo.trained_network import TrainedNetwork

MAX_SOURCE_LEN, MAX_ANSWER_LEN = 60, 120  # symbols, as in app.js and trained.js
SHOWN_PAIRS = 6
RIGHT, WRONG, SOME_WRONG = "a right answer", "a wrong answer", "some answers are right, some are wrong"
N_CANDIDATES = 300  # sources in which to search for a wrong answer
N_MEASURED = 100  # held-out sources for the figures of each recorded step
N_MEASURED_LENGTHS = 4
MAX_MEASURED_LEN = 1000  # longest held-out source
MAX_MOMENTS = 16  # recorded steps on the page, per network
MAX_WORK = 10**11  # multiplications for the figures of all recorded steps, about 10 seconds
WORK_PER_STEP = 10**6  # multiplications that take as long as Python's overhead of one encoder or decoder step

Pair = tuple[list[int], list[int]]
PatternNetwork = tuple[TrainedNetwork, SequencePattern | None]  # a network and the pattern of its targets, if known
Row = list[Example]  # an example per network, all with the same source


def pattern_examples(pattern_networks: Sequence[PatternNetwork]) -> list[list[Example]]:
    """Return a list of examples per network: the same sources, each with the target of the network's pattern."""
    networks = [network for network, _ in pattern_networks]
    lengths, largest = _common_lengths(networks), networks[0].model_config.in_max_int
    rows = [
        [Example(source, pattern_target(*each, source), note) for each in pattern_networks]
        for shortest, longest in lengths
        for note, source in _typical_sources(largest, shortest, longest)
    ]
    if all(pattern for _, pattern in pattern_networks):
        rows = _with_target(rows)
    rows += _failed_row(_judged(networks, _random_rows(pattern_networks, lengths)))
    return [[row[i] for row in rows] for i in range(len(networks))]


def pair_examples(networks: Sequence[TrainedNetwork], pairs: Pairs) -> list[list[Example]]:
    """Return a list of examples per network: a right answer and a wrong one, if any, then the first pairs."""
    first = pairs[:N_CANDIDATES]
    listed = zip(first.sources.rows(), first.targets.rows(), strict=True)
    short = [(source, target) for source, target in listed if len(source) <= MAX_SOURCE_LEN]
    targets = [_target_per_source(network, short) for network in networks]
    rows = _judged(networks, [[Example([*source], each[source], "") for each in targets] for source in targets[0]])
    right = [row for row in rows if row[0].note == RIGHT]
    chosen = [*right[:1], *_failed_row(rows), *rows[:SHOWN_PAIRS]]
    shown = list({tuple(row[0].source): row for row in chosen}.values())
    return [[row[i] for row in shown] for i in range(len(networks))]


def _target_per_source(network: TrainedNetwork, pairs: Sequence[Pair]) -> dict[tuple[int, ...], list[int]]:
    """Return one target per source: the network's answer if it is one of the source's targets, else the first."""
    targets: dict[tuple[int, ...], list[int]] = {}
    answers = _greedy_answers(network, [source for source, _ in pairs])
    for (source, target), answer in zip(pairs, answers, strict=True):
        if tuple(source) not in targets or target == answer:
            targets[tuple(source)] = target
    return targets


def _with_target(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if any(example.target is not None for example in row)]


def pattern_target(network: TrainedNetwork, pattern: SequencePattern | None, source: list[int]) -> list[int] | None:
    """Return the target of one source; see `pattern_targets`."""
    return pattern_targets(network, pattern, np.array([source]))[0]


def pattern_targets(
    network: TrainedNetwork, pattern: SequencePattern | None, sources: np.ndarray
) -> Sequence[list[int] | None]:
    """Return the targets of sources `[N, S]`; None if the pattern is unknown or does not accept this length."""
    if pattern is not None:
        with contextlib.suppress(UsageError):
            return network.target_function(pattern)(sources).rows()
    return [None] * len(sources)


def _common_lengths(networks: Sequence[TrainedNetwork]) -> list[tuple[int, int]]:
    """Return the range (shortest, longest) of the lengths on which all networks were trained.

    If no length is in the range of every network, return the range of each network.
    """
    first, last = ([min(n.trained_lengths[at], MAX_SOURCE_LEN) for n in networks] for at in (0, -1))
    return [(max(first), min(last))] if max(first) <= min(last) else sorted({*zip(first, last, strict=True)})


def _typical_sources(largest: int, shortest: int, longest: int) -> Iterator[tuple[str, list[int]]]:
    """Yield sources of several kinds, as (note, source)."""
    rng = np.random.default_rng(0)
    usual = min(longest, max(shortest, 6))
    if usual <= largest + 1:
        yield "different symbols", rng.permutation(largest + 1)[:usual].tolist()
    else:
        yield "random symbols", rng.integers(0, largest + 1, usual).tolist()
    for note, length in {"short": max(shortest, 3), "longest in training": longest}.items():
        if shortest <= length != usual:
            yield note, rng.integers(0, largest + 1, length).tolist()
    yield "all equal", [largest] * usual
    yield "two symbols", [0, largest] * (usual // 2) + [0] * (usual % 2)
    yield "descending", sorted(rng.integers(0, largest + 1, usual).tolist(), reverse=True)


def _random_rows(pattern_networks: Sequence[PatternNetwork], lengths: Sequence[tuple[int, int]]) -> list[Row]:
    """Return random sources with their targets: first of the networks' longest training lengths, then longer ones."""
    trained = [longest for _, longest in lengths]
    longer = range(max(trained) + 1, min(max(trained) + 10, MAX_SOURCE_LEN) + 1)
    n_of_length = dict.fromkeys(trained, N_CANDIDATES // len(set(trained))) | dict.fromkeys(longer, N_CANDIDATES // 10)
    rows: list[Row] = []
    for sources in _random_sources(pattern_networks[0][0], n_of_length, seed=1):
        targets = zip(*(pattern_targets(*each, sources) for each in pattern_networks), strict=True)
        rows += [[Example(x, target, "") for target in row] for x, row in zip(sources.tolist(), targets, strict=True)]
    return _with_target(rows)


def _random_sources(network: TrainedNetwork, n_of_length: dict[int, int], seed: int) -> list[np.ndarray]:
    """Draw n random sources of each length, `[n, length]`."""
    rng, largest = np.random.default_rng(seed), network.model_config.in_max_int
    return [rng.integers(0, largest + 1, (n, length)) for length, n in n_of_length.items()]


def _judged(networks: Sequence[TrainedNetwork], rows: Sequence[Row]) -> list[Row]:
    """Return the rows that have targets, with notes on whether the networks answer them right."""
    answers = [_greedy_answers(network, [row[0].source for row in rows]) for network in networks]
    judged = []
    for row, *row_answers in zip(rows, *answers, strict=True):
        known = [
            (answer, each.target) for answer, each in zip(row_answers, row, strict=True) if each.target is not None
        ]
        n_right = sum(answer == target for answer, target in known)
        note = RIGHT if n_right == len(known) else SOME_WRONG if n_right else WRONG
        trained = {network.was_trained_at(len(row[0].source)) for network in networks}
        if note != RIGHT and False in trained:
            note += ": not all were trained at this length" if True in trained else ": longer than in training"
        if known:
            judged.append([replace(each, note=note) for each in row])
    return judged


def _failed_row(rows: Sequence[Row]) -> list[Row]:
    """Return at most one judged row: the first that only some networks get wrong, else the first that all get wrong."""
    return [row for note in (SOME_WRONG, WRONG) for row in rows if row[0].note.startswith(note)][:1]


def _greedy_answers(network: TrainedNetwork, sources: Sequence[list[int]]) -> list[list[int] | None]:
    """Return the greedy answer to each source, or None for an answer that does not end."""
    longest = max((network.answer_len(length) for length in {*map(len, sources)}), default=0)
    out_len = MAX_ANSWER_LEN if longest > MAX_ANSWER_LEN else None
    return [None if best.ended is False else best.predicted for best in network.predict_numbers(sources, out_len)]


def recorded_moments(
    recorded: Sequence[tuple[TrainedNetwork, Recording, Pairs | None]], n_moments: int = MAX_MOMENTS
) -> list[Moments]:
    """Return at most `n_moments` moments of each recording, with figures on up to N_MEASURED of the pairs.

    The first and the last recorded step are always among them. The others are densest where the figures change most.
    Recordings of the same steps share the choice, so that the page can compare the networks step by step.
    """
    measured = [_measured_moments(*each) for each in recorded]
    if len({tuple(moments.steps) for moments in measured}) > 1:
        return [_selected(moments, _most_changed([moments], n_moments)) for moments in measured]
    return [_selected(moments, _most_changed(measured, n_moments)) for moments in measured]


def _measured_moments(network: TrainedNetwork, recording: Recording, pairs: Pairs | None) -> Moments:
    """Return all recorded steps with their figures; the work is limited by MAX_WORK."""
    moments = Moments(recording.steps, recording.epochs, recording.weights)
    if not pairs or not (pairs := _measurable(network, pairs, len(recording.steps))):
        return moments
    task = PairTask("measured", pairs, vocabularies=network.vocabularies)
    float32 = ({name: array.astype(np.float32) for name, array in weights.items()} for weights in recording.weights)
    measured = [replace(network, weights=weights).evaluate(task) for weights in float32]
    figures = {name: [getattr(each, name) for each in measured] for name in ("exact_match", "loss")}
    return replace(moments, n=measured[0].n, **figures)


def _most_changed(recorded: Sequence[Moments], n_moments: int) -> list[int]:
    """Return the indices of at most `n_moments` moments with the same steps.

    A moment's position is the progress of each network's best exact match and lowest loss so far. Again and again, the
    moment whose neighbours are closest to each other is left out.
    """
    position = np.linspace(0, 1, len(recorded[0].steps))  # spreads moments between which no figure changes
    for moments in recorded:
        if moments.n:
            exact = np.maximum.accumulate(moments.exact_match)
            loss = np.minimum.accumulate(moments.loss)
            position += exact + (loss[0] - loss) / max(loss[0] - loss[-1], 1e-9)
    kept = list(range(len(position)))
    while len(kept) > n_moments:
        del kept[1 + int(np.argmin(position[kept[2:]] - position[kept[:-2]]))]
    return kept


def _selected(moments: Moments, chosen: Sequence[int]) -> Moments:
    """Return only the chosen moments."""
    lists: dict[str, Any] = {
        name: [values[i] for i in chosen] for name, values in vars(moments).items() if name != "n" and values
    }
    return replace(moments, **lists)


def _measurable(network: TrainedNetwork, pairs: Pairs, n_moments: int) -> Pairs:
    """Return up to N_MEASURED pairs, or fewer if measuring them at every recorded step would exceed MAX_WORK."""
    c, order = network.model_config, np.random.default_rng(0).permutation(min(N_MEASURED, len(pairs)))
    S = pairs.sources.lengths[order]  # [N]
    T = np.array([network.max_out_len(int(n)) if c.ends else network.out_len or n for n in S])
    # Sources of one length are decoded together, so only the first of them adds WORK_PER_STEP.
    is_new_length = np.isin(np.arange(len(S)), np.unique(S, return_index=True)[1])
    work = n_weights(c) * (S + 2 * T) + c.has_attention * 2 * S * T * c.cell_size
    total = np.cumsum(work + is_new_length * WORK_PER_STEP * (S + 2 * T)) * n_moments
    return pairs[np.sort(order[total <= MAX_WORK])]


def held_out(network: TrainedNetwork, pattern: SequencePattern) -> Pairs | None:
    """Draw random sources of several trained lengths, with targets; None if the pattern accepts no trained length."""
    first = (n for n in network.trained_lengths[:MAX_MEASURED_LEN] if n <= MAX_MEASURED_LEN)
    lengths = [n for n in first if pattern_target(network, pattern, [0] * n) is not None]
    if not lengths:
        return None
    measured = {lengths[int(i)] for i in np.linspace(0, len(lengths) - 1, N_MEASURED_LENGTHS)}
    n_of_length = dict.fromkeys(sorted(measured), N_MEASURED // len(measured))
    sources = _random_sources(network, n_of_length, seed=2)
    targets = map(network.target_function(pattern), sources)
    return Pairs(concatenate(map(Sequences.of_array, sources)), concatenate(targets))
