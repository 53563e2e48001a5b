"""Settings that the program chooses for a user's pairs."""

import pytest
from helpers import AS_PATTERNS

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.data.patterns import find_pattern
from seq2seq_demo.trained.trained_network import untrained
from seq2seq_demo.training.recipe import PairStatistics, recommended_settings
from seq2seq_demo.training.settings import new_run, resolve, run_notices

PAIRS, FEW = (
    pair_task([([n // 50, n % 50] * 2, [n % 7]) for n in range(size)], holds_out=True) for size in (2400, 1200)
)
CHOSEN = recommended_settings(PairStatistics(len(PAIRS.split[0]), 50, 7, 4.0, 1.0)) | {"model": "embedding_attention"}


def settings_of(*configs):
    return {name: value for config in configs for name, value in vars(config).items()}


@pytest.mark.parametrize(
    "given",
    [{"keep_best": True}, {"cell_size": 9}, AS_PATTERNS, {"epochs": 0, "bidirectional": None}, {"minutes": 1.0}],
)
def test_pairs_have_settings_of_their_own_below_the_given_ones(given):
    resolved = settings_of(*resolve(PAIRS, given))
    # The recipe's patience is for its own epochs and the best of them.
    is_own = not given.keys() & {"epochs", "minutes"} and given.get("keep_best") is not False
    patience = {} if is_own else {"patience": None}
    given = {name: value for name, value in given.items() if value is not None}
    assert resolved.items() >= (CHOSEN | patience | given).items()
    assert (resolved["in_max_int"], resolved["out_max_int"], resolved["points"]) == (49, 6, 2400)


@pytest.mark.parametrize(("given", "consistency"), [({}, True), ({"dropout": 0.0}, False), ({"dropout": 0.1}, True)])
def test_few_pairs_have_consistency_if_they_have_dropout(given, consistency):
    _, config = resolve(FEW, given)
    assert (config.consistency > 0, config.saves_best) == (consistency, False)


def test_a_continued_network_keeps_its_model():
    start = untrained(ModelConfig(in_max_int=4, out_max_int=6, ends=True), 0)
    model, config = resolve(PAIRS, {"batch_size": 8}, start)
    assert model == start.model_config
    assert (config.batch_size, config.epochs, config.dropout) == (8, CHOSEN["epochs"], CHOSEN["dropout"])


def test_targets_that_are_cut_by_default_are_reported():
    task = find_pattern("reversed")
    for settings, is_cut in (({"in_len": 12}, True), ({"in_len": 12, "out_len": 5}, False), ({"in_len": 10}, False)):
        notices = [*run_notices(task, new_run(task, {"points": 20, **settings}), None)]
        cut = "Targets of 12 symbols are cut to 10: give `out_len` 12 to learn them whole"
        assert notices == [cut] * is_cut
