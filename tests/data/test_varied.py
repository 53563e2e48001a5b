import numpy as np
import pytest

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.ragged import Ragged, concatenated
from seq2seq_demo.data.sequence_pattern import SequencePattern, find_pattern
from seq2seq_demo.data.user_functions import per_sequence
from seq2seq_demo.data.varied import KINDS, draw_sources, lengths_taken
from seq2seq_demo.errors import UsageError

MODEL = ModelConfig()
EVEN = SequencePattern("even", per_sequence(lambda source: [symbol for symbol in source if symbol % 2 == 0]))


def test_ragged():
    rows = [[1, 2, 3], [], [300], [4, 5]]
    ragged = Ragged.of_rows(rows)
    assert ragged.rows() == rows
    assert ragged[np.array([3, 1, 3])].rows() == [[4, 5], [], [4, 5]]
    assert ragged[slice(1, 3)].rows() == [[], [300]]
    assert ragged.padded(4, 9).tolist() == [[1, 2, 3, 9], [9, 9, 9, 9], [300, 9, 9, 9], [4, 5, 9, 9]]
    assert Ragged.of_padded(ragged.padded(), ragged.lengths).rows() == rows
    assert concatenated([ragged, ragged[slice(2, 3)]]).rows() == [*rows, [300]]
    assert ragged.padded(3, 400).max() == 400
    assert Ragged.of_rows([]).rows() == []


@pytest.mark.parametrize("pattern", [find_pattern("sorted"), find_pattern("added"), EVEN], ids=lambda p: p.name)
def test_points_are_drawn_evenly_from_the_lengths_that_a_pattern_takes(pattern):
    config = pattern.sized(TrainConfig(6000, 8, min_in_len=3, few_symbols=0.25), MODEL, None, None)
    training, validation = pattern.draw(config, MODEL)
    assert (len(training), len(validation)) == (5400, 600)
    lengths, counts = np.unique(training.sources.lengths, return_counts=True)
    assert lengths.tolist() == ([4, 6, 8] if pattern.name == "added" else [3, 4, 5, 6, 7, 8])
    assert counts.min() > 0.8 * 5400 / len(lengths)
    for source, target in zip(training.sources.rows()[:50], training.targets.rows()[:50], strict=True):
        assert pattern.ragged_targets(np.array([source]), 9).rows() == [target]
    assert pattern.draw(config, MODEL)[0].sources.rows() == training.sources.rows()
    assert pattern.draw(config, MODEL, start_step=5)[0].sources.rows() != training.sources.rows()


def test_a_share_is_of_few_symbols_and_some_of_these_are_sorted():
    rng = np.random.default_rng(1)
    rows = draw_sources(rng, np.full(20_000, 30), 99, 0.5).rows()
    of_few = [row for row in rows if len({*row}) <= 5]
    assert len(of_few) == pytest.approx(10_000, rel=0.05)
    several = [row for row in of_few if len({*row}) > 1]
    for way in (1, -1):
        in_order = [row for row in several if row == sorted(row, reverse=way < 0)]
        assert len(in_order) == pytest.approx(0.1 * len(several), rel=0.15)
    assert len([row for row in of_few if len({*row}) == 1]) == pytest.approx(0.2 * len(of_few), rel=0.15)
    assert not any(len({*row}) <= 5 for row in draw_sources(rng, np.full(2000, 30), 99, 0.0).rows())


def test_targets_of_length_zero_are_targets():
    targets = EVEN.ragged_targets(np.array([[1, 2, 4], [1, 3, 5], [8, 7, 6]]), 9)
    assert targets.rows() == [[2, 4], [], [8, 6]]
    assert EVEN.ragged_targets(np.array([[1, 3, 5], [7, 7, 9]]), 9).rows() == [[], []]


def test_what_takes_no_length_says_why():
    config = TrainConfig(60, 9, min_in_len=9)
    with pytest.raises(UsageError, match="does not take sources of 9 symbols: expected an even number"):
        lengths_taken(find_pattern("added"), config, MODEL)
    mixes_rows = SequencePattern("f", lambda sources: [row[: row.max() + 1 - sources.min()] for row in sources])
    with pytest.raises(UsageError, match="expected it to make each target of its own source alone"):
        lengths_taken(mixes_rows, config, MODEL)
    too_large = SequencePattern("f", per_sequence(lambda source: source[:3] + 1))
    with pytest.raises(UsageError, match="expected symbols from 0 to --out-max-int 9, got 10"):
        lengths_taken(too_large, config, MODEL)


def test_kinds():
    rng = np.random.default_rng(2)
    drawn = {kind: draw(rng, 200, 12, 9) for kind, draw in KINDS.items()}
    assert all(sources.shape == (200, 12) for sources in drawn.values())
    assert all(len({*row}) == 1 for row in drawn["all equal"].tolist())
    assert max(len({*row}) for row in drawn["two symbols"].tolist()) == 2
    assert all(row == sorted(row) for row in drawn["ascending"].tolist())
    assert all(row == sorted(row, reverse=True) for row in drawn["descending"].tolist())


def test_the_fingerprint_is_of_all_lengths():
    config = TrainConfig(60, 6, min_in_len=2)
    other = SequencePattern("even", lambda sources: EVEN.function(sources) if sources.shape[1] < 6 else sources)
    assert EVEN.fingerprint(config, MODEL) == EVEN.fingerprint(config, MODEL)
    assert EVEN.fingerprint(config, MODEL) != other.fingerprint(config, MODEL)
