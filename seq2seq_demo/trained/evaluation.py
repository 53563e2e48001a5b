"""The sets of pairs that an evaluation measures: the user's, or random sources of a pattern and their targets."""

from collections.abc import Callable, Iterable, Sequence

import numpy as np

from seq2seq_demo.config import EVALUATION_SIZE, MAX_LEN
from seq2seq_demo.console import notice
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.patterns import PatternTask
from seq2seq_demo.data.sampling import RANDOM, evaluation_sources, n_evaluation_sources
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import UsageError
from seq2seq_demo.system_memory import require_memory
from seq2seq_demo.trained.saved_network import SavedNetwork

# The kind of sources (GIVEN, RANDOM or one of `sampling.SOURCE_KINDS`), whether they are fresh, and pairs of one length
EvaluationSet = tuple[str, bool | None, Pairs]
GIVEN = "given"  # the kind of sources that a user gives
MANY_SOURCES = 100  # random sources are fresh if at least this many are possible for each point of training


def pair_sets(
    facts: SavedNetwork, task: PairTask, *, n: int | None, lengths: Sequence[int], out_len: int | None
) -> Iterable[EvaluationSet]:
    """Return the pairs, or the first n, by source length.

    Raises:
        UsageError: the pairs do not fit the network.
    """
    facts.check_pairs(task, lengths[0] if lengths else None, out_len)
    pairs = task.pairs[slice(n)]
    in_lens = np.unique(pairs.sources.lengths).tolist()
    facts.warn_of_lengths(*in_lens)
    return [(GIVEN, None, pairs[pairs.sources.lengths == in_len]) for in_len in in_lens]


def pattern_sets(
    facts: SavedNetwork,
    members: Sequence[SavedNetwork],
    pattern: PatternTask,
    *,
    n: int | None,
    lengths: Sequence[int],
    out_len: int | None,
    seed: int,
) -> Iterable[EvaluationSet]:
    """Return the sources of each length and kind with a pattern's targets.

    Args:
        facts: the network's symbols and lengths.
        members: the facts of its trained members.
        pattern: computes the targets.
        n: the number of sources of each length; by default EVALUATION_SIZE.
        lengths: the source lengths; by default those of training.
        out_len: as in `TrainedNetwork.evaluate`.
        seed: the seed of the sources.

    Raises:
        UsageError: a length is out of range, or the pattern does not accept it.
    """
    config, n, lengths = facts.model_config, n or EVALUATION_SIZE, lengths or facts.trained_lengths
    for in_len in lengths:
        require_integer("`in_len`", in_len, at_least=1, at_most=MAX_LEN)
        n_sources = int(n_evaluation_sources(config, in_len, n))
        require_memory(f"{n_sources} sources of {in_len} symbols", n_sources * in_len)
    targets = facts.target_function(pattern, out_len)
    fresh = {in_len: is_fresh(facts, members, in_len) for in_len in accepted_lengths(targets, lengths, config.ends)}
    facts.warn_of_lengths(*lengths)
    if short := [in_len for in_len in fresh if fresh[in_len] is False]:
        notice(_training_notice(facts, members, short))
    return (
        (kind, fresh[in_len] if kind == RANDOM else None, Pairs(Sequences.of_array(sources), targets(sources)))
        for in_len in fresh
        for kind, sources in evaluation_sources(config, in_len, n, seed).items()
    )


def accepted_lengths(targets: Callable[[np.ndarray], Sequences], lengths: Sequence[int], leaves_out: bool) -> list[int]:
    """Return the source lengths that a pattern accepts; it must accept one or, unless `leaves_out`, all.

    Raises:
        UsageError: the pattern accepts too few.
    """
    accepted, refusal = [], None
    for in_len in lengths:
        try:
            targets(np.zeros((1, in_len), np.int64))
            accepted.append(in_len)
        except UsageError as error:
            refusal = error
            if not leaves_out:
                break
    if refusal and not (accepted and leaves_out):
        raise refusal
    return accepted


# ---- Which sources are fresh ----


def is_fresh(facts: SavedNetwork, members: Sequence[SavedNetwork], in_len: int) -> bool | None:
    """Return whether there are at least MANY_SOURCES possible sources of a length for each point of training.

    Then at most about 1 % of random sources are training sources. None: the files do not record all training. A file
    records only the last run of a network, and not the sources of a run on pairs.
    """
    if n_sources(facts, in_len) < MANY_SOURCES * points_drawn(members, in_len):
        return False
    runs = [each.run for each in members]
    return True if all(run and run.draws_sources and not run.start_step for run in runs) else None


def n_sources(facts: SavedNetwork, in_len: int) -> int:
    """Return how many different sources of a length there are."""
    return int((facts.model_config.in_max_int + 1) ** in_len)


def points_drawn(members: Sequence[SavedNetwork], in_len: int) -> int:
    """Return how many points training drew, in the recorded runs with random sources of this length."""
    runs = [each.run.config for each in members if each.run and each.run.draws_sources]
    return sum(run.points for run in runs if (run.min_in_len or run.in_len) <= in_len <= run.in_len)


def _training_notice(facts: SavedNetwork, members: Sequence[SavedNetwork], short: list[int]) -> str:
    """Return the notice that sources of the `short` lengths may be training sources."""
    counts = dict.fromkeys(f"{n_sources(facts, in_len):,}" for in_len in (min(short), max(short)))
    points = max(points_drawn(members, in_len) for in_len in short)
    few = f"there are {' to '.join(counts)}{' of each length' if len(short) > 1 else ''}"
    lengths = ", ".join(map(str, short))
    return f"Some sources of length {lengths} may be training sources: {few}, and training drew {points:,} points"
