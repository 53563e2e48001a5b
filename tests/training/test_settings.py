"""Settings are merged once: the given ones, the lengths of the network to continue from, the recipe's and 2016's."""

from dataclasses import replace

import pytest
from helpers import largest_difference, source_hash

from seq2seq_demo.config import DEFAULT_FEW_SYMBOLS, ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training.recipe import recommended_settings
from seq2seq_demo.training.settings import new_run, resolve, run_notices

PAIRS, FEW = (
    pair_task([([n // 50, n % 50] * 2, [n % 7]) for n in range(size)], holds_out=True) for size in (2400, 1200)
)
STATISTICS = {"in_max_int": 49, "out_max_int": 6, "mean_in_len": 4.0, "mean_out_len": 1.0}
CHOSEN = recommended_settings(n_pairs=len(PAIRS.split[0]), **STATISTICS) | {"model": "embedding_attention"}
FIXED = replace(untrained(ModelConfig("embedding_attention", cell_size=3), 5), in_len=6, out_len=4)
RANGE = replace(untrained(ModelConfig(cell_size=3, ends=True), 0), in_len=4, min_in_len=2, out_len=4)


# ---- Patterns ----


def test_a_pattern_has_the_defaults_of_2016_or_recommended_ones():
    task, of_2016 = find_pattern("reversed"), (ModelConfig(), TrainConfig(20_000))
    assert resolve(task, {"points": 20_000}) == of_2016
    assert resolve(find_pattern("added"), {"in_len": 8})[1].out_len == 5
    recommended = {"learning_rate": 0.005, "lr_schedule": "cosine", "epochs": 25, "min_in_len": 1, "few_symbols": 0.25}
    expected = ModelConfig("attention", ends=True), TrainConfig(20_000, **recommended)  # 500,000 samples
    assert resolve(task, {"points": 20_000}, recommends=True) == expected
    for given, out_max_int in (({"in_max_int": 20}, 20), ({"in_max_int": 20, "out_max_int": 22}, 22)):
        assert resolve(find_pattern("copy"), given, recommends=True)[0].out_max_int == out_max_int


def test_a_run_begins_with_initial_weights_of_its_seed():
    begun = new_run(find_pattern("reversed"), {"points": 20, "seed": 3}).network
    assert largest_difference(begun, untrained(ModelConfig(), 3)) == 0


FEW_SOURCES = "There are only 110 sources of length 1-2, and 110 were drawn: hardly any validation source is new"
CUT = "Targets of 12 symbols are cut to 10: use `out_len` 12 for whole targets"


def test_few_sources_and_targets_that_are_cut_by_default_are_reported():
    task = find_pattern("reversed")
    for points, in_len, out_len, notices in (
        *((109, (1, 2), None, []), (110, (1, 2), None, [f"{FEW_SOURCES} to the network"])),
        *((20, 12, None, [CUT]), (20, 12, 5, []), (20, 10, None, [])),
    ):
        run = new_run(task, {"points": points, "in_len": in_len, "out_len": out_len})
        assert [*run_notices(task, run, None)] == notices


# ---- Pairs ----


@pytest.mark.parametrize(
    "given",
    [
        {"keep_best": True},
        {"cell_size": 9},
        {
            "model": "embedding_rnn",
            "bidirectional": False,
            "lr_schedule": "constant",
            "keep_best": False,
            "dropout": 0.0,
        },
        {"epochs": 0, "bidirectional": None},
    ],
)
def test_pairs_have_settings_of_their_own_below_the_given_ones(given):
    model, config = resolve(PAIRS, given)
    resolved = vars(model) | vars(config)
    # The recipe's patience is for its own epochs and the best of them.
    is_own = "epochs" not in given and given.get("keep_best") is not False
    patience = {} if is_own else {"patience": None}
    given = {name: value for name, value in given.items() if value is not None}
    assert resolved.items() >= (CHOSEN | patience | given).items()
    assert (resolved["in_max_int"], resolved["out_max_int"], resolved["points"]) == (49, 6, 2400)


def test_few_pairs_have_consistency_if_they_have_dropout():
    for given, consistency in (({}, True), ({"dropout": 0.0}, False), ({"dropout": 0.1}, True)):
        assert (resolve(FEW, given)[1].consistency > 0) == consistency


def test_few_pairs_end_early_with_the_epochs_of_the_recipe():
    adaptive = {"lr_schedule": "adaptive", "keep_best": True}
    for given, expected in ({}, adaptive), ({"epochs": 7}, {"lr_schedule": "cosine", "keep_best": False}):
        assert vars(resolve(FEW, given)[1]).items() >= expected.items()
        assert vars(resolve(FEW, given | adaptive)[1]).items() >= adaptive.items()


def test_a_continued_network_keeps_its_model():
    start = untrained(ModelConfig(in_max_int=4, out_max_int=6, ends=True), 0)
    for task, saves_best in ((PAIRS, True), (FEW, True), (find_pattern("reversed"), False)):  # which may be `start`
        model, config = resolve(task, {"batch_size": 8}, start)
        assert (model, config.batch_size, config.saves_best) == (start.model_config, 8, saves_best)
    model, config = resolve(PAIRS, {}, start)
    assert (config.epochs, config.dropout) == (CHOSEN["epochs"], CHOSEN["dropout"])


def test_a_continued_run_begins_with_the_weights_and_the_step_of_its_start():
    """Settings that agree with the network may be given: LSTMCell is another name of its cell."""
    agreeing = {"model": "embedding_attention", "cell_type": "LSTMCell", "cell_size": 3, "in_max_int": 9}
    begun = new_run(find_pattern("reversed"), {"points": 20} | agreeing, replace(FIXED, step=9), recommends=True)
    assert begun.network.model_config == replace(FIXED.model_config, ends=True)
    assert (begun.network.step, begun.run.start_step) == (9, 9)
    assert largest_difference(begun.network, FIXED) == 0


def test_settings_that_contradict_the_start_are_refused():
    for setting in {"model": "embedding_rnn"}, {"cell_type": "GRUCell"}, {"out_max_int": 8}:
        message = f"the settings .*{setting}.* contradict the network, embedding_attention, "
        with pytest.raises(UsageError, match=message):
            resolve(find_pattern("reversed"), setting, FIXED)


OTHER_PAIRS = "The network was trained on different pairs before; if some of them are validation pairs now, the "
OTHER_PAIRS += "validation metrics are too optimistic"
FILE, OTHER_FILE = [([1, 2], [0])], [([3, 2], [0])]


@pytest.mark.parametrize(
    ("before", "validation", "is_reported"),
    [(None, None, False), (None, FILE, True), (FILE, FILE, False), (FILE, OTHER_FILE, True)],
)
def test_pairs_that_may_have_trained_the_start_are_reported(before, validation, is_reported):
    rows = [([n, 1], [n % 3]) for n in range(20)]
    earlier, task = (pair_task(rows, holds_out=True, validation=each) for each in (before, validation))
    start = new_run(earlier, {"cell_size": 3}).network
    assert start.run.validated_by_content is (before is None)
    assert [*run_notices(task, new_run(task, {}, start), start)] == [OTHER_PAIRS] * is_reported
    old = replace(start, run=replace(start.run, validated_by_content=None))  # a file from before 0.4.0
    assert [*run_notices(earlier, new_run(earlier, {}, old), old)] == [OTHER_PAIRS]


def test_a_continued_run_reports_validation_sources_that_earlier_training_may_have_drawn():
    """With 10 symbols, 1,000 sources of 3 symbols are possible, and 10,000 of 4."""
    task, few = find_pattern("copy"), "Earlier training drew some of the same sources of length {}, because few are"
    few += " possible: the validation metrics may be too optimistic"
    for points, lengths in ((101, "3-4"), (100, "3"), (11, "3"), (10, None)):
        start = replace(RANGE, run=new_run(task, {"points": points, "in_len": (3, 4)}).run)
        notices = [*run_notices(task, new_run(task, {"points": 20, "in_len": (3, 4)}, start), start)]
        assert notices == [few.format(lengths)] * bool(lengths), points


def test_a_split_of_few_pairs_that_has_moved_is_reported():
    """A source is held out if its hash is below a tenth of the range; of few pairs, the lowest hash is."""
    numbers = sorted(range(2000), key=lambda n: source_hash(str(n)))
    low, high = numbers[:3], numbers[1000:1030]
    for rows, others, is_reported in ((high, high, False), (high, high[1:], True), ([*low, *high], high, True)):
        before, after = (pair_task([([n], [n % 3]) for n in sources], holds_out=True) for sources in (rows, others))
        start = new_run(before, {"cell_size": 3, "in_max_int": 2000, "out_max_int": 2}).network
        assert [*run_notices(after, new_run(after, {}, start), start)] == [OTHER_PAIRS] * is_reported


# ---- Lengths ----


FIXED_ROWS, RAGGED_ROWS = [([1, 2], [3, 4, 5])] * 2, [([1, 2], [3, 4]), ([1], [2])]


@pytest.mark.parametrize(("rows", "in_len", "lengths"), [(FIXED_ROWS, 2, (2, 2, 3)), (RAGGED_ROWS, (1, 2), (1, 2, 2))])
def test_the_lengths_of_pairs_are_their_own(rows, in_len, lengths):
    task = pair_task(rows * 3, validation=rows)
    given = {}, {"in_len": in_len, "out_len": lengths[2]}, {"in_len": (1, 9), "few_symbols": 0.5}
    for settings, start in (*((each, None) for each in given), ({}, FIXED)):
        model, config = resolve(task, settings, start)
        assert (model.ends, config.points, config.n_validation, config.few_symbols) == (True, 8, 2, 0)
        assert (config.min_in_len, config.in_len, config.out_len) == lengths


@pytest.mark.parametrize(
    ("start", "given", "recommends", "ends", "lengths"),
    [
        (None, {"in_len": 12}, False, False, (None, 12, 10)),
        (None, {"in_len": 7}, False, False, (None, 7, 7)),
        (None, {"in_len": (7, 7)}, False, True, (7, 7, 7)),
        (None, {}, True, True, (1, 10, 10)),
        (FIXED, {}, False, False, (None, 6, 4)),
        (FIXED, {"out_len": 6}, False, False, (None, 6, 6)),
        (FIXED, {"in_len": [2, 3]}, False, True, (2, 3, 3)),
        (FIXED, {}, True, True, (None, 6, 6)),
        (FIXED, {"in_len": 5}, True, True, (5, 5, 5)),
        (replace(FIXED, out_len=None), {"in_len": 12}, False, False, (None, 12, 10)),
        (replace(FIXED, in_len=None, out_len=None), {}, True, True, (1, 10, 10)),  # a file of 2016
        (RANGE, {}, False, True, (2, 4, 4)),
        (RANGE, {"in_len": (1, 9)}, False, True, (1, 9, 9)),
    ],
)
def test_lengths_are_the_given_ones_or_those_of_the_start(start, given, recommends, ends, lengths):
    model, config = resolve(find_pattern("reversed"), {"points": 20, **given}, start, recommends=recommends)
    assert (model.ends, (config.min_in_len, config.in_len, config.out_len)) == (ends, lengths)
    assert config.few_symbols == (DEFAULT_FEW_SYMBOLS if ends else 0)
    assert resolve(find_pattern("reversed"), {**given, "few_symbols": 0.5}, start)[1].few_symbols == 0.5
