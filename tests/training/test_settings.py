"""Settings that the program chooses for a user's pairs."""

import itertools
from dataclasses import replace

import pytest
from helpers import AS_PATTERNS

from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.pair_task import PairTask, pair_task_from_rows
from seq2seq_demo.data.tasks import as_task
from seq2seq_demo.errors import UsageError
from seq2seq_demo.trained_network import untrained
from seq2seq_demo.training.recipe import PairStatistics, recommended_settings
from seq2seq_demo.training.settings import begin_run, hold_out, resolve

PAIRS, FEW = (pair_task_from_rows([([n % 5], [n % 7]) for n in range(size)]) for size in (2400, 40))
CHOSEN = recommended_settings(PairStatistics(2160, 5, 7, 1.0, 1.0))  # a tenth of the pairs validate


def settings_of(*configs):
    return {name: value for config in configs for name, value in vars(config).items()}


@pytest.mark.parametrize(
    "given", [{"keep_best": True}, {"cell_size": 9}, AS_PATTERNS, {"epochs": 0, "bidirectional": None}, {"budget": 1.0}]
)
def test_pairs_have_settings_of_their_own_below_the_given_ones(given):
    resolved = settings_of(*resolve(PAIRS, given, None, None))
    # The recipe's patience is for its own epochs and the best of them.
    is_own = not given.keys() & {"epochs", "budget"} and given.get("keep_best") is not False
    patience = {} if is_own else {"patience": None}
    given = {name: value for name, value in given.items() if value is not None}
    assert resolved.items() >= (CHOSEN | patience | given).items()
    assert (resolved["in_max_int"], resolved["out_max_int"], resolved["points"]) == (4, 6, 2400)


@pytest.mark.parametrize(("given", "consistency"), [({}, True), ({"dropout": 0.0}, False), ({"dropout": 0.1}, True)])
def test_few_pairs_have_consistency_if_they_have_dropout(given, consistency):
    _, config = resolve(FEW, given, None, None)
    assert (config.consistency > 0, config.saves_best) == (consistency, False)


def test_copies_are_for_pairs():
    rows = [("vnd", "und"), ("vns", "uns"), ("du", "du")] * 9
    task = pair_task_from_rows(rows, tokens=("characters", "characters"))
    assert resolve(task, {}, None, None)[1].copies
    without = resolve(task, {"copies": False}, None, None)[1]
    assert (without.copies, without.n_copies) == (False, 0)
    words = ["".join(letters) for letters in itertools.product("nuds", repeat=5)]
    many = pair_task_from_rows([(f"v{word}", f"u{word}") for word in words], tokens=("characters", "characters"))
    more, fewer = (resolve(many, {"copies": given}, None, None)[1].epochs for given in (False, None))
    assert more > fewer  # copies count as pairs, and more pairs train for fewer epochs
    with pytest.raises(UsageError, match="expected `copies` for pairs, got a pattern"):
        resolve(as_task("copy"), {"copies": True}, None, None)


def test_a_continued_network_keeps_its_model():
    start = untrained(ModelConfig(in_max_int=4, out_max_int=6, ends=True), 0)
    model, config = resolve(PAIRS, {"batch_size": 8}, start, None)
    assert model == start.model_config
    assert (config.batch_size, config.epochs, config.dropout) == (8, CHOSEN["epochs"], CHOSEN["dropout"])


def test_all_sources_that_ever_validated_are_recorded_unless_a_run_trains_on_them():
    def rows(first, last):
        return pair_task_from_rows([([n // 9, n % 9], [n % 5]) for n in range(first, last)]).pairs

    def run(network, pairs, validation=None):
        """Return the network at the start of a run on these pairs, and the digests of its validation sources."""
        task = hold_out(PairTask("t", pairs, validation), network)
        network = begin_run(network, task, resolve(task, {}, None, None)[1])
        return replace(network, step=network.step + 1), {*task.split[1].sources.digests().tolist()}

    first, new = rows(0, 40), rows(40, 70)
    start = untrained(ModelConfig(in_max_int=8, out_max_int=8, ends=True), 0)
    network, validated = run(start, first)
    assert {*network.held_out.tolist()} == validated
    network, others = run(network, new)  # holds out further sources
    assert {*network.held_out.tolist()} == validated | others
    network, of_file = run(network, first, new)  # a validation file: the network is trained on all pairs of `first`
    assert {*network.held_out.tolist()} == of_file == {*new.sources.digests().tolist()}
    _, validated = run(network, rows(0, 70))
    assert validated == of_file
