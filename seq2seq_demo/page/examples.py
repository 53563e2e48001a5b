"""The examples on the page, and a network's figures at the recorded steps of its training."""

import contextlib
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from itertools import compress, groupby

import numpy as np

from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import SequencePattern
from seq2seq_demo.data.sequences import Pairs, Sequences, concatenate, shift_right
from seq2seq_demo.errors import UsageError
from seq2seq_demo.files.recording import Recording
from seq2seq_demo.page.builder import FLOAT32, MOMENT_BITS, Example, Moments, rounded
from seq2seq_demo.predictions import Prediction
from seq2seq_demo.trained_network import TrainedNetwork

MAX_SOURCE_LEN, MAX_ANSWER_LEN = 60, 120  # symbols, as in app.js and trained.js
SHOWN_PAIRS = 6
RIGHT, WRONG, SOME_WRONG = "a right answer", "a wrong answer", "some right, some wrong"
EXPOSURE_BIAS = "one error leads to more"
N_CANDIDATES = 300  # sources in which to search for a wrong answer, and for exposure bias
MIN_EDITS = 3  # fewer edits do not show exposure bias
N_LONGER = 10  # candidates of each length beyond training
N_MEASURED = 100  # held-out sources for the figures of each recorded step
N_MEASURED_LENGTHS = 4
MAX_MEASURED_LEN = 200  # longest held-out source
MAX_MOMENTS = 16  # recorded steps on the page, per network
MAX_WORK = 10**11  # multiplications for the figures of all recorded steps, about 10 seconds
WORK_PER_STEP = 10**6  # multiplications that take as long as Python's overhead of one encoder or decoder step
N_COMPARED = 2_000  # random sources on which rounded weights must give the same answers
MAX_CHANGED = 0.005  # share of other answers, where two symbols were almost equally likely
MAX_COMPARED_WEIGHTS = 2 * 10**9  # weights times sources, about 2 seconds

Pair = tuple[list[int], list[int]]
PatternNetwork = tuple[TrainedNetwork, SequencePattern | None]  # a network and the pattern of its targets, if known
Row = list[Example]  # an example per network, all with the same source


def pattern_examples(pattern_networks: Sequence[PatternNetwork]) -> list[list[Example]]:
    """Return a list of examples per network: the same sources, each with the target of the network's pattern.

    The last sources are the first of many random ones that a network answers wrong, and the one that shows exposure
    bias most.
    """
    networks = [network for network, _ in pattern_networks]
    lengths, largest = _common_lengths(networks), networks[0].model_config.in_max_int
    targets = [target_function(*each) for each in pattern_networks]

    def row(source: list[int], note: str = "") -> Row:
        return [Example(source, target(source), note) for target in targets]

    typical = (each for shortest, longest in lengths for each in _typical_sources(largest, shortest, longest))
    rows = [row(source, note) for note, source in typical]
    if all(pattern for _, pattern in pattern_networks):
        rows = [*filter(_has_target, rows)]
    random = _random_sources(networks[0], _lengths_of_candidates(lengths), seed=1)
    candidates = [row(source) for sources in random for source in sources.tolist()]
    wrong = _wrong(_judged(networks, candidates))
    return _per_network([*rows, *wrong[:1], *_most_exposed(networks, wrong)])


def pair_examples(networks: Sequence[TrainedNetwork], pairs: Pairs) -> list[list[Example]]:
    """Return a list of examples per network: a right answer and a wrong one, if any, then the first pairs.

    The list also contains the pair that shows exposure bias most.
    """
    first = pairs[:N_CANDIDATES]
    listed = zip(first.sources.rows(), first.targets.rows(), strict=True)
    short = [(source, target) for source, target in listed if len(source) <= MAX_SOURCE_LEN]
    targets = [_target_per_source(network, short) for network in networks]
    rows = _judged(networks, [[Example([*source], each[source], "") for each in targets] for source in targets[0]])
    right, wrong = [row for row in rows if row[0].note == RIGHT], _wrong(rows)
    return _per_network([*right[:1], *wrong[:1], *rows[:SHOWN_PAIRS], *_most_exposed(networks, wrong)])


def _per_network(rows: Sequence[Row]) -> list[list[Example]]:
    """Return the columns of the rows; the last of several rows with the same source replaces the others."""
    unique = {tuple(row[0].source): row for row in rows}.values()
    return [list(column) for column in zip(*unique, strict=True)]


def _target_per_source(network: TrainedNetwork, pairs: Sequence[Pair]) -> dict[tuple[int, ...], list[int]]:
    """Return one target per source: the network's answer if it is one of the source's targets, else the first."""
    targets: dict[tuple[int, ...], list[int]] = {}
    answers = _greedy_answers(network, [source for source, _ in pairs])
    for (source, target), answer in zip(pairs, answers, strict=True):
        if tuple(source) not in targets or target == answer:
            targets[tuple(source)] = target
    return targets


def _has_target(row: Row) -> bool:
    return any(example.target is not None for example in row)


def target_function(
    network: TrainedNetwork, pattern: SequencePattern | None
) -> Callable[[list[int]], list[int] | None]:
    """Return a function from a source to its target: None if the pattern is unknown or does not accept its length."""
    targets = network.target_function(pattern) if pattern else None

    def target(source: list[int]) -> list[int] | None:
        with contextlib.suppress(UsageError):
            return targets(np.array([source])).rows()[0] if targets else None
        return None

    return target


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
    for note, length in {"short": max(shortest, 3), "longest": longest}.items():
        if shortest <= length != usual:
            yield note, rng.integers(0, largest + 1, length).tolist()
    yield "all equal", [largest] * usual
    yield "two symbols", [0, largest] * (usual // 2) + [0] * (usual % 2)
    yield "descending", sorted(rng.integers(0, largest + 1, usual).tolist(), reverse=True)


def _lengths_of_candidates(lengths: Sequence[tuple[int, int]]) -> dict[int, int]:
    """Return numbers of sources by length: first the networks' longest training lengths, then longer ones."""
    trained = [longest for _, longest in lengths]
    longer = range(max(trained) + 1, min(max(trained) + 10, MAX_SOURCE_LEN) + 1)
    return dict.fromkeys(trained, N_CANDIDATES // len(trained)) | dict.fromkeys(longer, N_LONGER)


def _random_sources(network: TrainedNetwork, n_of_length: dict[int, int], seed: int) -> list[np.ndarray]:
    """Draw n random sources of each length, `[n, length]`."""
    rng, largest = np.random.default_rng(seed), network.model_config.in_max_int
    return [rng.integers(0, largest + 1, (n, length)) for length, n in n_of_length.items()]


def _judged(networks: Sequence[TrainedNetwork], rows: Sequence[Row]) -> list[Row]:
    """Return the rows that have targets, with notes on whether the networks answer them right."""
    rows = [*filter(_has_target, rows)]
    answers = [_greedy_answers(network, [row[0].source for row in rows]) for network in networks]
    judged = []
    for row, *row_answers in zip(rows, *answers, strict=True):
        pairs = zip(row_answers, row, strict=True)
        right = {answer == each.target for answer, each in pairs if each.target is not None}
        note = SOME_WRONG if len(right) > 1 else RIGHT if right == {True} else WRONG
        trained = {network.was_trained_at(len(row[0].source)) for network in networks}
        if note != RIGHT and False in trained:
            note += ": not all were trained at this length" if True in trained else ": longer than in training"
        judged.append([replace(each, note=note) for each in row])
    return judged


def _wrong(rows: Sequence[Row]) -> list[Row]:
    """Return the judged rows that a network gets wrong."""
    return [row for row in rows if row[0].note != RIGHT]


def _most_exposed(networks: Sequence[TrainedNetwork], rows: Sequence[Row]) -> list[Row]:
    """Return the row on which one error under teacher forcing leads to the most edits free-running, as a list.

    The list is empty if no error leads to MIN_EDITS or more. Sources of lengths outside training do not count.
    """
    from rapidfuzz.distance import OSA  # takes milliseconds

    chosen: list[Row] = []
    most = MIN_EDITS - 1
    for i, network in enumerate(networks):
        examples = [*_with_one_error(network, [row[i] for row in rows])]
        answers = _predictions(network, [example.source for example in examples])
        for example, answer in zip(examples, answers, strict=True):
            written = [*answer.predicted, *["END"] * (answer.ended is True)]
            edits = OSA.distance(written, [*(example.target or []), *["END"] * network.ends])  # as on the page
            if edits > most:
                (row,) = (row for row in rows if row[i] is example)
                chosen = [[replace(each, note=EXPOSURE_BIAS, shows_bias=each is example) for each in row]]
                most = edits
    return chosen


def _with_one_error(network: TrainedNetwork, examples: Sequence[Example]) -> Iterator[Example]:
    """Yield the examples on which the network makes one error under teacher forcing, before the last output."""

    def lengths(example: Example) -> tuple[int, int]:
        return len(example.source), len(example.target or [])

    go, end = network.model_config.go, [network.model_config.go] * network.ends
    known = (each for each in examples if each.target and max(each.target) < go)
    trained = (each for each in known if network.was_trained_at(len(each.source)))
    for _, group in groupby(sorted(trained, key=lengths), lengths):
        batch = [*group]
        sources = np.array([each.source for each in batch])  # [B, S]
        targets = np.array([[*(each.target or []), *end] for each in batch])  # [B, T]
        forced = network.to_numpy().decode(sources, targets.shape[1], shift_right(targets, go))
        is_wrong = forced.symbols != targets
        yield from compress(batch, (is_wrong.sum(axis=1) == 1) & ~is_wrong[:, -1])


def _greedy_answers(network: TrainedNetwork, sources: Sequence[list[int]]) -> list[list[int] | None]:
    """Return the greedy answer to each source, or None for an answer that does not end."""
    return [None if best.ended is False else best.predicted for best in _predictions(network, sources)]


def _predictions(network: TrainedNetwork, sources: Sequence[list[int]]) -> list[Prediction]:
    """Decode each source greedily, up to MAX_ANSWER_LEN symbols."""
    longest = max((network.answer_len(length) for length in {*map(len, sources)}), default=0)
    return network.predict_numbers(sources, MAX_ANSWER_LEN if longest > MAX_ANSWER_LEN else None)


def bits_per_weight(network: TrainedNetwork, offered: Sequence[Example] = ()) -> int:
    """Return 16 if weights of 16 bits give the same answers to the examples and to random sources; otherwise 32.

    The random sources have the lengths of training. Up to MAX_CHANGED of their answers may differ.
    """
    if not all(np.isfinite(array).all() for array in network.weights.values()):
        return FLOAT32
    ((shortest, longest),), weights = _common_lengths([network]), rounded(network.weights, 16)
    lengths = range(shortest, longest + 1)
    n = min(N_COMPARED, MAX_COMPARED_WEIGHTS // network.n_weights)
    random = _random_sources(network, dict.fromkeys(lengths, n // len(lengths)), seed=3)
    sources = [example.source for example in offered] + [source for batch in random for source in batch.tolist()]
    answers = (_predictions(each, sources) for each in (network, replace(network, weights=weights)))
    differ = [one != other for one, other in zip(*answers, strict=True)]
    return FLOAT32 if any(differ[: len(offered)]) or sum(differ) > MAX_CHANGED * n else 16


def spaced(recording: Recording, n_steps: int) -> Recording:
    """Return at most `n_steps` steps of a recording, the first and the last included.

    The steps are evenly spaced on a logarithmic scale.
    """
    if len(recording.steps) <= n_steps:
        return recording
    wanted = np.geomspace(1, recording.steps[-1] + 1, n_steps) - 1
    chosen = np.unique(np.searchsorted(recording.steps, wanted))
    steps, weights = (tuple(values[i] for i in chosen) for values in (recording.steps, recording.weights))
    return Recording(recording.steps_per_epoch, steps, weights)


def recorded_moments(network: TrainedNetwork, recording: Recording, pairs: Pairs | None) -> Moments:
    """Return the moments of a recording that the page shows, with figures on up to N_MEASURED of the pairs."""
    shown = spaced(recording, MAX_MOMENTS)
    moments = Moments(shown.steps, shown.epochs, shown.weights)
    if not pairs or not (pairs := _measurable(network, pairs, len(shown.steps))):
        return moments
    task = PairTask("measured", pairs, vocabularies=network.vocabularies)
    stored = (rounded(weights, MOMENT_BITS) for weights in shown.weights)  # the page's figures are those of its weights
    measured = [replace(network, weights=weights).evaluate(task) for weights in stored]
    exact_match, loss = [each.exact_match for each in measured], [each.loss for each in measured]
    return replace(moments, n=measured[0].n, exact_match=exact_match, loss=loss)


def _measurable(network: TrainedNetwork, pairs: Pairs, n_moments: int) -> Pairs:
    """Return up to N_MEASURED pairs, or fewer if measuring them at every recorded step would exceed MAX_WORK."""
    c, order = network.model_config, np.random.default_rng(0).permutation(min(N_MEASURED, len(pairs)))
    S = pairs.sources.lengths[order]  # [N]
    T = np.array([network.max_out_len(int(n)) if c.ends else network.out_len or n for n in S])
    # Sources of one length are decoded together, so only the first of them adds WORK_PER_STEP.
    is_new_length = np.isin(np.arange(len(S)), np.unique(S, return_index=True)[1])
    work = network.n_weights * (S + 2 * T) + c.has_attention * 2 * S * T * c.cell_size
    total = np.cumsum(work + is_new_length * WORK_PER_STEP * (S + 2 * T)) * n_moments
    return pairs[np.sort(order[total <= MAX_WORK])]


def held_out(network: TrainedNetwork, pattern: SequencePattern) -> Pairs | None:
    """Draw random sources of several trained lengths, with targets; None if the pattern accepts no trained length."""
    first = (n for n in network.trained_lengths[:MAX_MEASURED_LEN] if n <= MAX_MEASURED_LEN)
    target = target_function(network, pattern)
    lengths = [n for n in first if target([0] * n) is not None]
    if not lengths:
        return None
    measured = {lengths[int(i)] for i in np.linspace(0, len(lengths) - 1, N_MEASURED_LENGTHS)}
    n_of_length = dict.fromkeys(sorted(measured), N_MEASURED // len(measured))
    sources = _random_sources(network, n_of_length, seed=2)
    targets = map(network.target_function(pattern), sources)
    return Pairs(concatenate(map(Sequences.of_array, sources)), concatenate(targets))
