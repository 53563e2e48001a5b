"""The scripts that measure speed: equality with plain Keras, the share of padding, ways to train, and growth."""

from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
from helpers import ragged, random_weights

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.trained_network import TrainedNetwork

SIZES = {"cell_size": 6, "embedding_size": 5, "in_max_int": 8, "out_max_int": 7}
BOTH_WAYS = ModelConfig("embedding_attention", bidirectional=True, **SIZES)
TWO_LAYERS = ModelConfig("embedding_attention", num_layers=2, **SIZES)
PLAIN = ModelConfig("embedding_rnn", num_layers=2, **SIZES)


# ---- Plain Keras ----


def dense(name):
    return [f"{name}/kernel", f"{name}/bias"]


def cell(name):
    return [f"{name}/kernel", f"{name}/recurrent_kernel", f"{name}/bias"]


def attention(*cells):
    """The names of our decoder weights, in the order of the weights of the Keras decoder layer."""
    query = [*dense("decoder/attention/query"), "decoder/attention/score"]
    inner = [*dense("decoder/input"), *(name for each in cells for name in cell(each)), *query]
    return ["decoder/attention/key/kernel", *inner, *dense("decoder/projection"), *dense("decoder/output")]


NAMES = {  # our weights in the order of Keras's `get_weights`
    BOTH_WAYS: [
        "encoder/embedding",
        *cell("encoder/layer_0"),
        *cell("encoder/backward/layer_0"),
        "decoder/embedding",
        *dense("encoder/bridge_0_c"),
        *dense("encoder/bridge_0_h"),
        *attention("decoder/layer_0"),
    ],
    TWO_LAYERS: [
        "encoder/embedding",
        *cell("encoder/layer_0"),
        "decoder/embedding",
        *cell("encoder/layer_1"),
        *attention("decoder/layer_0", "decoder/layer_1"),
    ],
    PLAIN: [
        "encoder/embedding",
        "decoder/embedding",
        *(name for n in (0, 1) for side in ("encoder", "decoder") for name in cell(f"{side}/layer_{n}")),
        *dense("decoder/projection"),
    ],
}


@pytest.mark.parametrize("model_config", NAMES, ids=["both ways", "two layers", "plain"])
@pytest.mark.slow
def test_plain_keras_gives_the_logits_of_the_numpy_network_despite_padding(script, model_config):
    network = script("speed.plain_keras").plain_keras(model_config)
    weights = random_weights(model_config)
    assert sorted(NAMES[model_config]) == sorted(weights)
    given = [weights[name] for name in NAMES[model_config]]
    network.set_weights([w.reshape(ours.shape) for w, ours in zip(given, network.get_weights(), strict=True)])
    sources, decoder_input = np.array([[3, 1, 4, 0, 0], [2, 7, 1, 8, 2]]), np.array([[8, 5, 1], [8, 2, 6]])
    logits = network.predict_on_batch([sources, decoder_input])
    numpy_network = TrainedNetwork(model_config, weights).to_numpy()
    for row, n in enumerate((3, 5)):
        expected = numpy_network.decode(sources[row : row + 1, :n], 3, decoder_input[row : row + 1]).logits[0]
        assert np.abs(logits[row] - expected).max() < 1e-5


@pytest.mark.filterwarnings("ignore:Your input ran out of data")  # Keras does not know the number of batches
@pytest.mark.slow
def test_both_learn_the_pairs_of_a_dictionary(script, monkeypatch):
    real_work, keras, ways = (script(f"speed.{name}") for name in ("real_work", "plain_keras", "ways"))
    monkeypatch.setattr("seq2seq_demo.training.trainer.use_xla", lambda *_: False)
    for name, value in {"BATCH": 16, "LEARNING_RATE": 0.02}.items():
        monkeypatch.setattr(real_work, name, value)
    model_config = script("speed.dictionary").dictionary_network(8)
    pairs = script("speed.dictionary").dictionary_pairs(256)
    trainer = real_work.dictionary_trainer(model_config, 0.0, pairs)
    ours = [ways.run_epoch(trainer, pairs) for _ in range(3)]
    keras.keras.utils.set_random_seed(0)
    network = keras.plain_keras(model_config, None, 0.0, 0.02)
    assert network.count_params() == sum(weight.size for weight in trainer.adam.weights_by_name().values())
    batches = real_work.dataset(pairs, model_config.go, bucketed=True)
    theirs = network.fit(batches, epochs=3, verbose=0, shuffle=False).history["loss"]
    for losses in (ours, theirs):
        assert np.log(42) > losses[0] > losses[1] > losses[2]
    assert abs(ours[-1] - theirs[-1]) < 0.2


@pytest.mark.parametrize("bucketed", [False, True])
def test_an_epoch_of_plain_keras_has_each_pair_once(script, bucketed):
    pairs = ragged([[1, 2, 3], [4] * 7, [5, 6]], [[3, 1], [], [2]])
    rows, widths = [], []
    for (sources, decoder_inputs), targets in script("speed.real_work").dataset(pairs, 9, bucketed):
        widths.append(sources.shape[1])
        for row in zip(sources.numpy(), decoder_inputs.numpy(), targets.numpy(), strict=True):
            rows.append(tuple(tuple(side[side > 0].tolist()) for side in row))
    expected = [((1, 2, 3), (9, 3, 1), (3, 1, 9)), ((4,) * 7, (9,), (9,)), ((5, 6), (9, 2), (2, 9))]
    assert sorted(rows) == expected
    assert sorted(widths) == ([3, 7] if bucketed else [7])


# ---- Pairs and padding ----


def test_the_random_pairs_resemble_a_dictionary(script):
    pairs = script("speed.dictionary").dictionary_pairs(5000)
    S, T = pairs.sources.lengths, pairs.targets.lengths
    assert (S.min(), S.max() <= 20, pairs.sources.symbols.min(), pairs.sources.symbols.max()) == (3, True, 1, 40)
    # CMUdict's training pairs of 3 to 20 letters: 7.54 ± 2.28 letters, 0.85 phones per letter, correlation 0.89.
    assert abs(S.mean() - 7.54) < 0.1
    assert abs(S.std() - 2.28) < 0.1
    assert abs(T.mean() / S.mean() - 0.85) < 0.01
    assert abs(np.corrcoef(S, T)[0, 1] - 0.89) < 0.02
    written = {}
    for source, target in zip(pairs.sources.rows(), pairs.targets.rows(), strict=True):
        heard = [symbol for symbol in source if symbol > 6]
        assert [written.setdefault(*pair) for pair in zip(heard, target, strict=True)] == target
    assert len({*written.values()}) == len(written) == 34


def test_the_share_of_padding_by_hand(script, monkeypatch):
    real_work = script("speed.real_work")
    monkeypatch.setattr(real_work, "BATCH", 2)
    pairs = ragged([[1], [1, 2], [1, 2, 3], [1, 2, 3]], [[], [1], [1], [1, 2, 3]])
    widths = SimpleNamespace(usual=[(2, 3), (4, 4)])
    trainer = SimpleNamespace(order=lambda pairs: np.arange(4), widths=widths)
    # 9 source symbols, 5 target symbols and 4 END make 18. The loops compute 2 x (2 + 2) + 2 x (3 + 4) = 22 positions,
    # the other layers 2 x (2 + 3) + 2 x (4 + 4) = 26.
    expected = {"loops": 1 - 18 / 22, "outside": 1 - 18 / 26, "all": 1 - 36 / 48}
    assert real_work.padding(trainer, pairs) == pytest.approx(expected, abs=1e-4)


# ---- Ways to train ----


def test_ways_with_the_same_threads_share_a_process(script):
    groups = script("speed.ways").process_groups
    assert groups(127, ["Keras"]) == [["one process", "two processes", "Keras"]]
    assert groups(128, ["Keras"]) == groups(255, ["Keras"]) == [["one process", "Keras"], ["two processes"]]
    assert groups(256, ["Keras"]) == [["one process", "Keras"]]


def test_a_measurement_combines_the_figures_of_its_processes(script, monkeypatch):
    fixed, ways = script("speed.fixed"), script("speed.ways")

    def in_new_process(function, group, name, units, length, rounds):
        assert (function, name, units, length, rounds) == (fixed.training_speed, "embedding_rnn", 128, 10, 3)
        seconds = {"one process": 4.0, "two processes": 2.0, "plain Keras": 5.0}
        return {"samples": 1000, "speeds": {way: (seconds[way], 10 * seconds[way]) for way in group}}

    monkeypatch.setattr(ways, "in_new_process", in_new_process)
    result = fixed.training_beside_keras("embedding_rnn", 128, 10, 3)
    assert result["samples_per_second"] == {"one process": 250, "plain Keras": 200, "two processes": 500}
    assert result["first_call_seconds"] == {"one process": 40, "plain Keras": 50, "two processes": 20}
    assert result["ratio"] == 2.5


@pytest.mark.slow
def test_one_process_and_two_train_the_same_epochs(script):
    ways, model_config = script("speed.ways"), ModelConfig("embedding_rnn", "BasicRNNCell", 1, 6, 5)
    config = TrainConfig(201, in_len=4, out_len=4, batch_size=60)
    pairs, _ = find_pattern("reversed").draw(config, model_config)
    context = ways.our_trainers(
        [ways.ONE, ways.TWO, ways.KERAS],
        lambda n: ways.new_trainer(pairs, replace(config, processes=n), model_config),
    )
    with context as trainers:
        losses = {way: [epoch(), epoch()] for way, epoch in ways.epoch_calls(trainers, pairs).items()}
    assert [*losses] == [ways.ONE, ways.TWO]
    assert losses[ways.TWO] == pytest.approx(losses[ways.ONE], rel=1e-5)
    assert losses[ways.ONE][1] < losses[ways.ONE][0]


# ---- The share of the peak ----


def test_the_operations_of_a_training_step_by_hand(script):
    flops = script("speed.peak").training_flops
    sizes = SIZES | {"cell_size": 3, "embedding_size": 2, "out_max_int": 5}
    both_ways = replace(BOTH_WAYS, **sizes)
    # Per source symbol, 2 x (2 + 3) x 12 in the cells and 6 x 3 for the keys; for the bridges, 2 x 6 x 3. Per target
    # symbol, (2 + 6) x 2 for W_i, (2 + 3) x 12 in the cell, 6 x 3 for W_q, 3 x 7 for W_p, (7 + 6) x 7 for W_o. Per
    # pair of symbols, 3 for the score and 6 for the context.
    assert flops(both_ways, 5, 4, dropout=0.2) == 6 * (138 * 5 + 36 + 206 * 4 + 9 * 5 * 4)
    # Embeddings are looked up in 2 x 2 x 12 columns of the cells' products, and in 2 x 2 of W_i's.
    assert flops(both_ways, 5, 4) == 6 * (90 * 5 + 36 + 202 * 4 + 9 * 5 * 4)
    # The first cells have 3 x 12, the second ones (3 + 3) x 12, W_p has 3 x 7.
    expected = 6 * (108 * np.array([5, 1]) + 129 * np.array([4, 2]))
    assert flops(replace(PLAIN, **sizes), np.array([5, 1]), np.array([4, 2])).tolist() == expected.tolist()


def test_an_event_does_not_count_the_events_inside_it(script):
    events = [(3, 1, "product"), (0, 10, "loop"), (2, 3, "call"), (5, 2, "copy"), (20, 5, "loop")]
    expected = [("loop", 5), ("call", 2), ("product", 1), ("copy", 2), ("loop", 5)]
    assert script("speed.peak").own_times(events) == expected


@pytest.mark.slow
def test_a_profile_tells_products_from_exponentials(script):
    tf = pytest.importorskip("tensorflow")
    peak = script("speed.peak")

    def main_kind(function):
        x = tf.random.stateless_uniform((400, 400), (1, 2))
        compiled = tf.function(function, jit_compile=True)
        shares = peak.time_shares(lambda: compiled(x))
        assert [*shares] == list(peak.KINDS)
        assert sum(shares.values()) == pytest.approx(1, abs=0.01)
        return max(shares, key=shares.get)

    assert main_kind(lambda x: tf.matmul(x, x)) == "matrix products"
    assert main_kind(lambda x: tf.tanh(x) * 2) == "exponentials"
    assert main_kind(tf.transpose) == "copies"


# ---- Growth ----


def test_growth_is_the_ratio_of_figures_divided_by_the_ratio_of_sizes(script):
    growth = script("growth").growth
    assert growth([1.0, 2.0, 6.0, 6.0], [10, 20, 30, 60]) == [None, 1, 2, 0.5]
    assert growth([5.0, 500.0], [10, 100]) == [None, 10]


def test_figures_that_grow_worse_than_linearly_are_listed(script):
    growth = script("growth")
    axis = growth.Axis("units", [32, 64, 128])
    figures = {("training", "step"): [0.001, 0.002, 0.016], ("training", "memory"): [500, 600, 700.4]}
    assert growth.rows(axis, figures) == [
        ["32", "1 ms", "500 MB"],
        ["64", "2 ms (1.00)", "600 MB (0.60)"],
        ["128", "16 ms (4.00)", "700 MB (0.58)"],
    ]
    assert growth.worse_than_linear("units", axis, figures) == ["- units: training, step: 64 to 128 (4.00)"]
    assert [size.units for size in axis.sizes()] == [32, 64, 128]
