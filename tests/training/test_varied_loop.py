"""How the points of different lengths become batches, and their gradients; `test_padded` shows that padding is none."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from helpers import random_weights

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.network.ram import bytes_of_a_row
from seq2seq_demo.trained_network import Progress, TrainedNetwork
from seq2seq_demo.training import varied_loop
from seq2seq_demo.training.loop import STEPS_PER_CALL
from seq2seq_demo.training.varied_loop import VariedTrainer, Widths, first_that_holds, padding_widths, rows_in_part

MODEL = ModelConfig("embedding_rnn", "BasicRNNCell", cell_size=7, embedding_size=5, in_max_int=8, out_max_int=9)


def pairs_of(source_lengths, target_lengths, seed=0):
    """Random pairs of these lengths."""
    rng = np.random.default_rng(seed)
    sides = (source_lengths, target_lengths)
    return RaggedPairs(*(Ragged.of_rows([rng.integers(0, 9, n).tolist() for n in lengths]) for lengths in sides))


def trainer(pairs, batch_size, **settings):
    sizes = {"in_len": int(pairs.sources.lengths.max()), "min_in_len": 1, "out_len": 30} | settings
    config = TrainConfig(2 * len(pairs), batch_size=batch_size, **sizes)
    return VariedTrainer("mine", config, TrainedNetwork(MODEL, random_weights(MODEL)), pairs)


# ---- The order of an epoch ----


def test_points_are_sorted_in_stretches_of_64_batches_by_source_then_target():
    B, rng = 3, np.random.default_rng(1)
    pairs = pairs_of(rng.integers(1, 9, 500), rng.integers(0, 9, 500))
    order = trainer(pairs, B).order(pairs)
    assert sorted(order) == list(range(500))
    sizes = [(int(pairs.sources.lengths[n]), int(pairs.targets.lengths[n])) for n in order]
    for first in range(0, 498, STEPS_PER_CALL * B):
        stretch = sizes[first : min(498, first + STEPS_PER_CALL * B)]
        batches = [stretch[n : n + B] for n in range(0, len(stretch), B)]
        assert batches != sorted(batches)  # they come in random order
        assert [size for batch in sorted(batches) for size in batch] == sorted(stretch)


def test_the_order_follows_from_seed_step_and_epoch():
    pairs = pairs_of([1, 2, 3, 4] * 10, [1] * 40)
    orders = {}
    for seed, start_step, epoch in itertools.product((0, 1), repeat=3):
        ours = trainer(pairs, 2, seed=seed)
        ours.start_step, ours.progress = start_step, Progress(epoch)
        orders[seed, start_step, epoch] = tuple(ours.order(pairs).tolist())
        assert tuple(ours.order(pairs).tolist()) == orders[seed, start_step, epoch]
    assert len({*orders.values()}) == 8


# ---- Batches ----


def test_batches_hold_symbols_end_and_lengths_and_zeros_for_rows_that_are_lacking():
    pairs = RaggedPairs(Ragged.of_rows([[1, 2], [3], [4, 5, 6]]), Ragged.of_rows([[], [7, 8], [9]]))
    sources, targets, source_lengths, target_lengths = (x.numpy() for x in trainer(pairs, 2).batches(pairs))
    go = MODEL.go
    assert sources[:2].tolist() == [[[1, 2, 0], [3, 0, 0]], [[4, 5, 6], [0, 0, 0]]]
    assert targets[:2].tolist() == [[[go, go, go], [7, 8, go]], [[9, go, go], [0, 0, 0]]]
    assert source_lengths[:2].tolist() == [[2, 1], [3, 0]]
    assert target_lengths[:2].tolist() == [[1, 3], [2, 0]]  # with END
    for array in (sources, targets, source_lengths, target_lengths):
        assert array.shape[:2] == (STEPS_PER_CALL, 2)
        assert not array[2:].any()
    assert trainer(pairs, 2).n_symbols(pairs) == 1 + 3 + 2


# ---- Widths ----


def padded_symbols(pairs, widths):
    """The symbols of all pairs, each padded to the first width that holds it."""
    return sum(next(S + T for S, T in widths if s <= S and t <= T) for s, t in pairs)


def cheapest(pairs, n):
    """The padded symbols of the n rising widths that take the fewest, by trying all."""
    S, T = (sorted({*side}) for side in zip(*pairs, strict=True))
    longest = S[-1], T[-1]
    chains = (
        [*chain, longest]
        for chain in itertools.combinations(itertools.product(S, T), n - 1)
        if all(a[0] <= b[0] and a[1] <= b[1] for a, b in itertools.pairwise(chain))
    )
    return min(padded_symbols(pairs, chain) for chain in chains)


@pytest.mark.parametrize("n", [1, 2, 3, 4])
def test_no_other_widths_add_less_padding(n):
    for seed in range(5):
        rng = np.random.default_rng(seed)
        source_lengths = rng.integers(1, 6, 30)
        target_lengths = np.maximum(0, source_lengths + rng.integers(-2, 3, 30))
        widths = padding_widths(pairs_of(source_lengths, target_lengths), n)
        assert len(widths.usual) <= n
        assert widths.wide == []
        assert widths.usual == sorted({*widths.usual})
        assert [T for _, T in widths.usual] == sorted(T for _, T in widths.usual)
        pairs = [*zip(source_lengths.tolist(), (target_lengths + 1).tolist(), strict=True)]  # with END
        assert padded_symbols(pairs, widths.usual) == cheapest(pairs, n)


def test_one_long_target_among_many_sources_does_not_widen_their_width():
    pairs = pairs_of([2] * 20 + [2] + [6] * 20, [2] * 20 + [5] + [6] * 20)
    assert padding_widths(pairs, 2).usual == [(2, 3), (6, 7)]


def test_of_many_lengths_some_are_tried_and_the_longest_is_among_them(monkeypatch):
    monkeypatch.setattr(varied_loop, "TRIED", 3)
    lengths = np.arange(1, 10)
    assert padding_widths(pairs_of(lengths, lengths), 9).usual == [(1, 2), (5, 6), (9, 10)]


def test_batches_of_a_dictionary_are_padded_by_little():
    """Within the loops, and in all positions of the widths: of sources of 3 to 20 symbols, targets 0.85 as long."""
    rng = np.random.default_rng(0)
    source_lengths = np.clip(np.rint(rng.gamma(10.6, 0.71, 16_384)), 3, 20).astype(int)
    pairs = pairs_of(source_lengths, rng.binomial(source_lengths, 0.85))
    varied = trainer(pairs, 128)
    widths = np.array(padding_widths(pairs, varied_loop.N_WIDTHS).usual)
    rows = varied.order(pairs).reshape(-1, 128)
    lengths = np.stack([pairs.sources.lengths[rows], pairs.targets.lengths[rows] + 1], axis=-1)  # [N, B, 2]
    steps = lengths.max(axis=1)  # [N, 2]
    width = widths[(steps[:, None] <= widths).all(axis=2).argmax(axis=1)]  # [N, 2]
    assert 1 - lengths.sum() / (128 * steps.sum()) < 0.08
    assert 1 - 2 * lengths.sum() / (128 * (steps.sum() + width.sum())) < 0.15


@pytest.mark.parametrize(
    ("long_ones", "wide"),
    [
        ([], []),
        ([(300, 2)], [(300, 4)]),
        ([(300, 2), (700, 0)], [(700, 4)]),
        ([(2, 400)], [(5, 401)]),
        ([(300, 400)], [(300, 401)]),
        ([(300, 2), (2, 400), (250, 500)], [(300, 4), (5, 401), (250, 501)]),
    ],
)
def test_what_is_very_much_longer_has_widths_of_its_own(long_ones, wide):
    usual = [(1 + n % 5, n % 4) for n in range(4000)]
    pairs = pairs_of(*zip(*usual, *long_ones, strict=True))
    widths = padding_widths(pairs, 1)
    assert widths.usual == [(5, 4)]
    assert widths.wide == wide
    assert trainer(pairs, 8, epochs=1).uses_xla() == bool(wide)


@pytest.mark.parametrize(
    ("source_lengths", "target_lengths", "number"),
    [
        ([1, 2], [1, 3], 0),
        ([2, 0], [3, 0], 0),  # a row is lacking
        ([1, 3], [1, 1], 1),
        ([1, 1], [4, 1], 1),
        ([1, 5], [4, 1], 1),
        ([1, 5], [5, 1], 2),
        ([9, 1], [1, 1], 3),
    ],
)
def test_the_first_width_that_holds_a_batch(source_lengths, target_lengths, number):
    batch = [tf.zeros((2, 9)), tf.zeros((2, 9)), tf.constant(source_lengths), tf.constant(target_lengths)]
    assert int(first_that_holds(batch, [(2, 3), (5, 4), (6, 7)])) == number


# ---- Parts ----


@pytest.mark.parametrize(
    ("rows", "mib", "apart", "n"),
    [
        (128, 4, False, 128),
        (128, 5, False, 64),  # more than 512 MiB
        (128, 8, False, 64),
        (96, 8, False, 48),
        (7, 100, False, 1),  # a divisor
        (6, 100, False, 3),
        (128, 4000, False, 1),
        (128, 1, True, 1),
    ],
)
def test_how_many_rows_are_taken_at_once(rows, mib, apart, n):
    assert rows_in_part(rows, mib * 2**20, apart) == n


@pytest.mark.parametrize(("rows_of_a_part", "wide"), [(2, [(12, 8)]), (6, [(12, 8), (13, 8)])])
def test_the_sums_of_parts_are_those_of_the_whole(monkeypatch, rows_of_a_part, wide):
    """Whether memory, or a very long row among them, has them taken apart."""
    usual = pairs_of([3, 1, 2, 3], [2, 0, 1, 4])
    with_long = pairs_of([3, 1, 12, 3], [2, 0, 7, 4])
    whole, apart = trainer(with_long, 4), trainer(with_long, 4)
    whole.widths, apart.widths = Widths([(12, 8)], []), Widths([(3, 5)], wide)
    apart_sums = tf.function(apart._sums)
    for pairs in (usual, with_long):
        n_symbols = tf.constant(float(whole.n_symbols(pairs)))
        monkeypatch.setattr(varied_loop, "PART", 2**40)
        expected = whole._sums(*(x[0] for x in whole.batches(pairs)), n_symbols, tf.constant(0))
        monkeypatch.setattr(varied_loop, "PART", rows_of_a_part * bytes_of_a_row(MODEL, *wide[-1]))
        batch = [x[0] for x in apart.batches(pairs)]
        found = apart_sums(*batch, n_symbols, first_that_holds(batch, apart.widths.usual))
        for ours, reference in zip(found, expected, strict=True):
            assert np.abs(ours - reference).max() < 1e-5
        assert float(expected[0]) > 1
