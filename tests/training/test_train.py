"""The function `train`, for callers in Python."""

import gc
from dataclasses import replace

import numpy as np
import pytest
from helpers import Watcher, largest_difference

from seq2seq_demo import TrainedNetwork, train
from seq2seq_demo.config import DEFAULT_FEW_SYMBOLS, ModelConfig, Settings, TrainConfig
from seq2seq_demo.data.pair_task import as_task
from seq2seq_demo.data.patterns import PatternTask, find_pattern
from seq2seq_demo.errors import UsageError
from seq2seq_demo.evaluation import EvaluationOptions, measure, training_sources
from seq2seq_demo.trained_network import load, untrained
from seq2seq_demo.training.settings import resolve

pytestmark = pytest.mark.slow

TINY = {"cell_size": 3, "embedding_size": 2}
PAIRS = [([k % 5, 4], [4, k % 5, 7]) for k in range(30)]
RAGGED = [([1, 2], [3]), ([1], [])] * 6


def unchanged(task, **settings) -> TrainedNetwork:
    """Train for 0 epochs; the result shows all decisions that `train` makes before training."""
    points = {"points": 20} if isinstance(task, str | PatternTask) else {}
    return train(task, **TINY | {"epochs": 0} | points | settings)


def test_a_pattern_is_given_by_name_and_callbacks_see_every_call():
    watcher, other = Watcher(), Watcher()
    trained = train("reversed", points=100, in_len=4, epochs=2, batch_size=32, callbacks=[watcher, other], **TINY)
    assert (trained.task, trained.in_len, trained.out_len, trained.step) == ("reversed", 4, 4, 6)
    assert trained.run.config == TrainConfig(100, 4, 4, epochs=2, batch_size=32)
    assert trained.run.start_step == 0
    assert trained.run.fingerprint.fingerprint == find_pattern("reversed").fingerprint(
        trained.run.config, trained.model_config
    )
    assert trained.model_config == ModelConfig(**TINY)
    epochs = [[("begin", k + 1), ("steps", 3 * k + 3, 90), ("end", k + 1, 9)] for k in range(2)]  # 1 of 10 is trained
    assert watcher.calls == other.calls
    assert [call[:3] for call in watcher.calls] == [*epochs[0], *epochs[1]]
    assert all(call[3] > 0 and 0 <= call[4] <= 1 for call in watcher.calls if call[0] == "steps")
    last = watcher.networks[-1]
    assert largest_difference(last, trained) == 0
    figures = measure(trained.to_numpy(), watcher.state._pairs, EvaluationOptions(trained.answer_len)).figures
    assert trained.validation == last.validation == watcher.history[-1].validation == figures
    assert largest_difference(trained, untrained(trained.model_config, 0)) > 0


def test_defaults_are_those_of_the_command_line():
    network = train("reversed", epochs=0)
    assert network.model_config == ModelConfig()
    assert network.run.config == TrainConfig(epochs=0)
    assert largest_difference(network, untrained(ModelConfig(), 0)) == 0
    assert largest_difference(train("reversed", epochs=0, seed=3), untrained(ModelConfig(), 3)) == 0


def test_every_setting_is_used():
    model = {"model": "embedding_attention", "cell_type": "GRUCell", "num_layers": 2, "cell_size": 3}
    model |= {"embedding_size": 2, "in_max_int": 4, "out_max_int": 6, "bidirectional": True}
    training = {"points": 50, "in_len": 5, "out_len": 4, "learning_rate": 0.5, "lr_schedule": "cosine", "epochs": 0}
    training |= {"batch_size": 8, "seed": 5, "stop_at_exact": 0.5, "few_symbols": 0.1, "keep_best": True}
    training |= {"patience": 3, "dropout": 0.25, "label_smoothing": 0.2, "consistency": 0.5}
    network = train("copy", **model, **training)
    assert network.model_config == ModelConfig(**model)
    assert network.run.config == TrainConfig(**training)
    settings = Settings(**model, **training, minutes=None, members=1)
    assert settings.keys() == Settings.__annotations__.keys()
    for changes in ({"minutes": 2.0, "epochs": None}, {"members": 3, "epochs": 1}):  # `epochs` contradicts them
        config = resolve(as_task("copy"), settings | changes, None, None)[1]
        assert config == TrainConfig(**{k: v for k, v in (training | changes).items() if v is not None})


def test_none_means_the_default():
    settings = Settings(**dict.fromkeys(Settings.__annotations__))
    assert resolve(as_task("copy"), settings, None, None) == (ModelConfig(), TrainConfig())


def test_unknown_settings_are_refused():
    with pytest.raises(TypeError, match=r"^train\(\) got an unexpected keyword argument 'epoch'$"):
        train("copy", epochs=0, epoch=3)
    with pytest.raises(TypeError, match="'ends'"):
        train("copy", ends=True)


@pytest.mark.parametrize(
    ("task", "settings", "message"),
    [
        ("reversed", {"in_len": 4, "out_len": 5}, "so `out_len` can be at most 4, got 5"),
        (PAIRS, {"out_len": 2}, "expected `out_len` 3, as in the pairs, got 2"),
        (PAIRS, {"in_len": 3}, "expected `in_len` 2, as in the pairs, got 3"),
        (RAGGED, {"in_len": 2}, "expected `in_len` 1-2, as in the pairs, got 2"),
        (RAGGED, {"in_len": (2, 3)}, "expected `in_len` 1-2, as in the pairs, got 2-3"),
        (RAGGED, {"out_len": 1}, "expected `out_len` 0-1, as in the pairs, got 1"),
    ],
)
def test_lengths_that_contradict_the_task_are_refused(task, settings, message):
    with pytest.raises(UsageError, match=message):
        unchanged(task, **settings)


START = replace(untrained(ModelConfig("embedding_attention", **TINY), 5), in_len=6, out_len=4, step=9)


def test_start_provides_model_lengths_and_weights():
    network = train("reversed", points=20, epochs=0, start=START)
    assert network.model_config == START.model_config
    assert (network.in_len, network.out_len, network.step) == (6, 4, 9)
    assert network.run.start_step == 9
    assert largest_difference(network, START) == 0
    same = unchanged("reversed", start=START, model="embedding_attention", cell_type="BasicLSTMCell", in_max_int=9)
    assert same.model_config == START.model_config
    assert unchanged("reversed", start=START, cell_type="LSTMCell").model_config == START.model_config  # an alias
    other = train("reversed", points=20, epochs=0, in_len=5, out_len=3, start=START)
    assert (other.in_len, other.out_len) == (5, 3)
    for in_len in (3, 7):  # targets are cut only at the length of `start`
        whole = train("reversed", points=20, epochs=0, in_len=in_len, start=START)
        assert (whole.in_len, whole.out_len) == (in_len, in_len)
    of_2016 = train("reversed", points=20, epochs=0, start=replace(START, in_len=None, out_len=None))
    assert (of_2016.in_len, of_2016.out_len) == (10, 10)


CONTRADICTING = {"model": "embedding_rnn", "cell_type": "GRUCell", "num_layers": 2, "cell_size": 4}
CONTRADICTING |= {"embedding_size": 3, "in_max_int": 8, "out_max_int": 8}


def test_settings_that_contradict_start_are_refused():
    for name, value in CONTRADICTING.items():
        message = f"expected settings that do not contradict the network, embedding_attention, .*{name}"
        with pytest.raises(UsageError, match=message):
            train("reversed", points=20, epochs=0, start=START, **{name: value})


def test_a_network_from_a_callback_can_be_trained_further(tmp_path, fast_steps):
    """The network records the progress of its training run, but a further training run starts from the first epoch."""
    watcher = Watcher()
    train("reversed", points=40, in_len=3, epochs=1, callbacks=[watcher], **TINY)
    (kept,) = watcher.networks
    kept.save(tmp_path / "w")
    for start in (kept, load(tmp_path / "w")):
        assert train("reversed", points=40, epochs=1, start=start).step == 2


@pytest.mark.parametrize(("points", "rate"), [(20, 0.01), (None, np.float32(-1)), (None, "x")])
def test_points_other_than_the_pairs_and_invalid_rates_are_refused(points, rate):
    with pytest.raises(UsageError, match=r"expected `points` 30, as in the pairs, got 20|expected `learning_rate`"):
        train(PAIRS, points=points, learning_rate=rate, epochs=0)


def test_a_range_may_have_one_length():
    trained = unchanged("reversed", in_len=(3, 3))
    assert (trained.ends, trained.min_in_len, trained.in_len) == (True, 3, 3)
    assert not unchanged("reversed", in_len=3).ends


@pytest.mark.parametrize(("pairs", "lengths"), [(PAIRS, (2, 2, 3)), (RAGGED, (1, 2, 1))])
def test_a_fresh_network_ends_its_answers_to_pairs(pairs, lengths):
    for given in ({}, {"in_len": lengths[:2]}, {"in_len": (1, 9)}):
        trained = unchanged(pairs, **given)
        assert trained.ends
        assert (trained.min_in_len, trained.in_len, trained.out_len) == lengths
        assert trained.run.config.few_symbols == 0
    assert unchanged(PAIRS, in_len=2, out_len=3, points=30).ends


def test_points_do_not_include_the_given_validation_pairs():
    assert unchanged(PAIRS, points=30, validation=PAIRS[:5]).run.config.points == 35


def test_a_start_learns_to_end_its_answers_only_from_a_range_of_lengths():
    start = replace(START, in_len=None, out_len=None)
    of_pairs = unchanged(PAIRS, start=start)
    assert (of_pairs.ends, of_pairs.min_in_len, of_pairs.in_len, of_pairs.out_len) == (False, None, 2, 3)
    with pytest.raises(UsageError, match="because this network does not end its answers, got other lengths"):
        unchanged(RAGGED, start=start)
    assert unchanged("reversed", start=start, in_len=(1, 5)).ends  # a range of lengths teaches it to end them


def test_lengths_of_a_start_that_ends_its_answers():
    start = unchanged("reversed", in_len=(2, 4))
    for given, lengths in (({}, (2, 4)), ({"in_len": 7}, (7, 7)), ({"in_len": (1, 9)}, (1, 9))):
        model_config, config = resolve(as_task("reversed"), Settings(points=20, **given), start, None)
        assert model_config.ends
        assert (config.min_in_len, config.in_len, config.out_len) == (*lengths, lengths[1])
        assert config.few_symbols == DEFAULT_FEW_SYMBOLS
    assert resolve(as_task("reversed"), Settings(points=20, few_symbols=0), start, None)[1].few_symbols == 0
    with pytest.raises(UsageError, match="expected `out_len` or a range of `in_len`"):
        unchanged("reversed", start=start, out_len=2)


def test_the_default_length_of_targets():
    for task, default, given, out_len in (
        ("reversed", None, {}, 10),
        ("reversed", None, {"in_len": 12}, 12),
        ("reversed", 4, {}, 4),
        ("reversed", 40, {}, 10),
        ("reversed", 4, {"out_len": 6}, 6),
        ("added", 10, {"in_len": 8}, 5),
    ):
        _, config = resolve(as_task(task), Settings(**given), None, default)
        assert config.out_len == out_len, (task, default, given)


@pytest.mark.parametrize("in_len", [4, (3, 4)])
def test_evaluate_avoids_the_sources_of_the_last_run(tmp_path, in_len, fast_steps):
    sizes = {"points": 2000, "in_len": in_len, "epochs": 1}
    first = train("reversed", **sizes, **TINY)
    second = train("sorted", start=first, **sizes)
    second.save(tmp_path / "w.h5")
    for network, fresh in ((first, True), (load(tmp_path / "w.h5"), None)):
        seen, are_all = training_sources([network], find_pattern("reversed"))
        run = network.run
        drawn = find_pattern(network.task).draw(run.config, network.model_config, run.start_step)
        assert {*map(tuple, seen.rows())} == {tuple(source) for part in drawn for source in part.sources.rows()}
        assert are_all is bool(fresh)
        (row,) = network.evaluate_by_length("reversed", 4000, [4], kinds=False)
        assert (row.evaluation.n, row.fresh) == (4000, fresh)


def test_a_training_run_leaves_no_graph_in_memory():
    def n_graphs():
        gc.collect()
        return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())

    before = n_graphs()
    train("copy", points=200, in_len=2, epochs=1, cell_size=2, cell_type="BasicRNNCell")
    assert n_graphs() == before
