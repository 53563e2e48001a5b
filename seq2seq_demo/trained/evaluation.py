"""The sets of pairs that an evaluation uses: the user's pairs, or random sources with a pattern's targets."""

from collections.abc import Iterable, Sequence

import numpy as np

from seq2seq_demo.config import EVALUATION_SIZE, MAX_LEN
from seq2seq_demo.console import notice
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.sampling import evaluation_sources
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.declarations import require_integer
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.saved_network import SavedNetwork

EvaluationSet = tuple[bool | None, Pairs]  # whether the sources are fresh (None if unknown), and pairs of one length
MANY_SOURCES = 100  # random sources are fresh if at least this many are possible for each training point


def pair_sets(
    facts: SavedNetwork, task: PairTask, *, n: int | None, lengths: Sequence[int], out_len: int | None
) -> Iterable[EvaluationSet]:
    """Return the distinct pairs among the first n (by default, all), grouped by source length.

    Raises:
        UsageError: the network does not end its answers, and the pairs have several lengths, or a length other than the
            given one.
    """
    if not facts.ends:
        _check_length("`in_len`", lengths[0] if lengths else None, task.pairs.sources)
        _check_length("`out_len`", out_len, task.pairs.targets)
    if any(member.run and member.run.data == task.digest for member in (facts, *facts.others)):
        notice("The network was trained on these pairs, except those held out: the metrics are too optimistic")
    pairs = task.pairs[slice(n)].distinct()
    in_lens = np.unique(pairs.sources.lengths).tolist()
    facts.warn_of_lengths(*in_lens)
    return [(None, pairs[pairs.sources.lengths == length]) for length in in_lens]


def _check_length(name: str, length: int | None, sequences: Sequences) -> None:
    """Raise UsageError unless all sequences have one length: the given one, if it is not None."""
    if sequences.common_length is None:
        raise UsageError("all pairs must have the same length because the network was trained on one length")
    if length not in (None, sequences.common_length):
        raise UsageError(f"expected {name} {sequences.common_length}, as in the pairs, got {length}")


def pattern_sets(
    facts: SavedNetwork,
    pattern: PatternTask,
    *,
    n: int | None,
    lengths: Sequence[int],
    out_len: int | None,
    seed: int,
) -> Iterable[EvaluationSet]:
    """Return random sources of each length, with a pattern's targets.

    Args:
        facts: the network's symbols, lengths and training runs.
        pattern: computes the targets.
        n: the number of sources of each length; by default EVALUATION_SIZE.
        lengths: the source lengths; by default the training lengths.
        out_len: as in `TrainedNetwork.evaluate`.
        seed: the seed of the sources.

    Raises:
        UsageError: a length is out of range, or the pattern does not accept it.
    """
    config, n, lengths = facts.model_config, n or EVALUATION_SIZE, lengths or facts.trained_lengths
    for in_len in lengths:
        require_integer("`in_len`", in_len, at_least=1, at_most=MAX_LEN)
    targets = facts.target_function(pattern, out_len)
    accepted = [*pattern.lengths_taken(config, lengths)]
    facts.warn_of_lengths(*lengths)
    short = short_lengths(facts, accepted)
    if short:
        listed = ", ".join(map(str, short))
        few = f"fewer than {MANY_SOURCES} are possible for each training point"
        notice(f"Some sources of length {listed} may be training sources: {few}")
    runs = [member.run for member in (facts, *facts.others) if member.run or member.step]
    # A file records only a network's last run, and no sources if that run used pairs. An untrained network had no run.
    is_recorded = all(run and run.draws_sources and not run.start_step for run in runs)
    drawn = ((in_len, evaluation_sources(config, in_len, n, seed)) for in_len in accepted)
    return (
        (False if in_len in short else is_recorded or None, Pairs(Sequences.of_array(sources), targets(sources)))
        for in_len, sources in drawn
    )


def short_lengths(facts: SavedNetwork, lengths: Sequence[int]) -> list[int]:
    """Return the lengths with fewer than MANY_SOURCES possible sources for each point that the recorded runs drew.

    At the other lengths, at most about 1% of random sources occurred in these runs.
    """
    runs = [member.run.config for member in (facts, *facts.others) if member.run and member.run.draws_sources]
    short = []
    for in_len in lengths:
        points = sum(run.points for run in runs if (run.min_in_len or run.in_len) <= in_len <= run.in_len)
        if (facts.model_config.in_max_int + 1) ** in_len < MANY_SOURCES * points:
            short.append(in_len)
    return short
