"""The order of the pairs in an epoch, their batches, and the widths to which batches are padded."""

import itertools

import numpy as np
import pytest
from helpers import pairs_of_arrays

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.sequences import Pairs, Sequences
from seq2seq_demo.training import batches

MODEL = ModelConfig("embedding_rnn", "BasicRNNCell", 1, 7, 5, in_max_int=8, out_max_int=9, ends=True)


def pairs_of(source_lengths, target_lengths, seed=0):
    """Random pairs of these lengths."""
    rng = np.random.default_rng(seed)
    sides = (source_lengths, target_lengths)
    return Pairs(*(Sequences.of_rows([rng.integers(0, 9, n).tolist() for n in lengths]) for lengths in sides))


# ---- The order of an epoch ----


def test_chunks_of_64_batches_are_sorted_by_source_then_target_length():
    B, rng = 3, np.random.default_rng(1)
    pairs = pairs_of(rng.integers(1, 9, 500), rng.integers(0, 9, 500))
    order = batches.epoch_order(pairs, TrainConfig(batch_size=B), 0, 0, by_length=True)
    assert sorted(order) == list(range(500))
    sizes = [(int(pairs.sources.lengths[n]), int(pairs.targets.lengths[n])) for n in order]
    for first in range(0, 498, batches.STEPS_PER_CALL * B):
        chunk = sizes[first : min(498, first + batches.STEPS_PER_CALL * B)]
        in_batches = [chunk[n : n + B] for n in range(0, len(chunk), B)]
        assert in_batches != sorted(in_batches)  # the batches are shuffled
        assert [size for batch in sorted(in_batches) for size in batch] == sorted(chunk)


@pytest.mark.parametrize("by_length", [False, True])
def test_the_order_depends_on_seed_step_and_epoch(by_length):
    pairs = pairs_of([1, 2, 3, 4] * 10, [1] * 40)
    orders = [
        batches.epoch_order(pairs, TrainConfig(batch_size=2, seed=seed), step, epoch, by_length).tolist()
        for seed, step, epoch in [*itertools.product((0, 1), repeat=3)] * 2
    ]
    assert orders[:8] == orders[8:]
    assert len({*map(tuple, orders)}) == 8
    assert all(sorted(order) == [*range(40)] for order in orders)


# ---- Batches ----


def test_batches_contain_symbols_end_and_lengths_and_zeros_for_missing_rows():
    pairs = Pairs(Sequences.of_rows([[1, 2], [3], [4, 5, 6]]), Sequences.of_rows([[], [7, 8], [9]]))
    sources, targets, lengths = batches.stack_batches(pairs, (3, 3), MODEL, 2)
    go = MODEL.go
    assert sources[:2].tolist() == [[[1, 2, 0], [3, 0, 0]], [[4, 5, 6], [0, 0, 0]]]
    assert targets[:2].tolist() == [[[go, go, go], [7, 8, go]], [[9, go, go], [0, 0, 0]]]
    assert lengths[:2].tolist() == [[[2, 1], [1, 3]], [[3, 2], [0, 0]]]  # with END
    for array in (sources, targets, lengths):
        assert array.shape[:2] == (batches.STEPS_PER_CALL, 2)
        assert not array[2:].any()


def test_batches_contain_no_end_if_answers_do_not_end():
    pairs = pairs_of_arrays(np.array([[1, 2], [3, 4], [5, 6]]), np.array([[7], [8], [9]]))
    model = ModelConfig(in_max_int=8, out_max_int=255)
    sources, targets, lengths = batches.stack_batches(pairs, (2, 1), model, 2)
    assert sources[:2].tolist() == [[[1, 2], [3, 4]], [[5, 6], [0, 0]]]
    assert targets[:2].tolist() == [[[7], [8]], [[9], [0]]]
    assert lengths[:2].tolist() == [[[2, 1], [2, 1]], [[2, 1], [0, 0]]]
    assert (sources.dtype, targets.dtype) == (np.uint8, np.uint16)  # large enough for all symbols of the model


def test_dropout_keys_depend_on_seed_step_and_row():
    keys = batches.row_keys(2, 7, (3, 5))
    assert (keys.shape, keys.dtype, len(np.unique(keys))) == ((3, 5), np.uint32, 15)
    assert (batches.row_keys(2, 8, (64, 5))[:2] == keys[1:]).all()
    other_seed = batches.row_keys(10**30, 7, (3, 5))
    assert not (other_seed == keys).any()


# ---- Widths ----


@pytest.mark.parametrize(
    ("n", "usual"), [(1, [(5, 6)]), (2, [(2, 3), (5, 6)]), (3, [(1, 2), (2, 3), (5, 6)]), (9, [(1, 2), (2, 3), (5, 6)])]
)
def test_no_other_widths_add_less_padding(n, usual):
    """With two widths, (1, 2) and (5, 6) add 6 · 6 symbols, (2, 3) and (5, 6) add 4 · 2; one adds 4 · 8 + 6 · 6."""
    pairs = pairs_of([1] * 4 + [2] * 6 + [5], [1] * 4 + [2] * 6 + [5])
    assert batches.padding_widths(pairs, n) == batches.Widths(usual, [])


def test_many_lengths_are_sampled_and_include_the_longest(monkeypatch):
    monkeypatch.setattr(batches, "MAX_CANDIDATES", 3)
    lengths = np.arange(1, 10)
    assert batches.padding_widths(pairs_of(lengths, lengths), 9).usual == [(1, 2), (5, 6), (9, 10)]


def test_long_runs_have_more_widths_if_the_network_ends_its_answers():
    pairs = pairs_of(range(1, 10), range(1, 10))
    for epochs, expected in ((14, 1), (15, 2), (79, 2), (80, 5)):
        config = TrainConfig(5_000 * 10 // 9, epochs=epochs)
        assert len(batches.batch_widths(pairs, config, ends=True).usual) == expected
        assert batches.batch_widths(pairs, config, ends=False).usual == [(config.in_len, config.out_len)]


def test_more_units_need_fewer_samples_for_xla():
    for cell_size, epochs in ((32, 200), (64, 100), (128, 50)):
        used = [batches.use_xla(TrainConfig(250 * 10 // 9, epochs=n), cell_size) for n in (epochs - 1, epochs)]
        assert used == [False, True]


@pytest.mark.parametrize(
    ("long_ones", "wide"),
    [([], []), ([(300, 2), (700, 0)], [(700, 3)]), ([(300, 2), (2, 400)], [(300, 3), (2, 401)])],
)
def test_very_long_pairs_have_separate_widths(long_ones, wide):
    usual = [(1 + n % 5, n % 4) for n in range(4000)]
    pairs = pairs_of(*zip(*usual, *long_ones, strict=True))
    widths = batches.padding_widths(pairs, 1)
    assert widths.usual == [(5, 4)]
    assert widths.wide == wide
    assert widths.largest == tuple(map(max, zip((5, 4), *wide, strict=True)))
    assert widths.choices == [[(5, 4)], [(5, 4), *wide]][: 2 if wide else 1]


# ---- Microbatches ----


def test_the_rows_of_a_microbatch_are_a_divisor_and_need_at_most_512_mib():
    for rows, mib, n in ((128, 4, 128), (128, 5, 64), (7, 100, 1), (6, 100, 3), (128, 4000, 1)):
        assert batches.microbatch_rows(rows, mib * 2**20, one_by_one=False) == n
    assert batches.microbatch_rows(128, 1, one_by_one=True) == 1
