"""The advice after a training run that ends below 99 % exact match."""

from dataclasses import replace

import pytest
from helpers import pairs_of, trained_network

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.display.predictions import probe_line
from seq2seq_demo.display.training_report import advice, probe
from seq2seq_demo.figures import EpochFigures, Figures

ATTENTION, RNN = ModelConfig("embedding_attention", cell_size=48), ModelConfig("embedding_rnn")
UNDERFITTED = [(2.0, 2.1), (1.5, 1.6), (1.2, 1.25)]  # training and validation loss of each epoch
GAP = [(2.0, 2.1), (0.9, 1.2), (0.5, 0.9)]  # the validation loss is 1.8 times the training loss, and still falls
OVERFITTED = [(2.0, 2.1), (0.9, 1.0), (0.5, 1.2)]  # the validation loss rises
COSINE, EPOCHS = "-r 0.005 --lr-schedule cosine", "more epochs (-e 14)"
KEEP_BEST, POINTS = "--keep-best, which saves the best epoch", "more points (train 100000)"
STOPS = "--patience 3, which stops early"
CELL, MODEL = "a larger cell (--cell-size 96)", "-m embedding_attention"


def history(losses):
    return [
        EpochFigures(n, n, loss, 0.5, Figures(validation, 0.5, 0.5, 0.5, 0.5))
        for n, (loss, validation) in enumerate(losses, start=1)
    ]


@pytest.mark.parametrize(
    ("model", "losses", "settings", "more_points", "suggestions"),
    [
        (ATTENTION, UNDERFITTED, {}, False, [COSINE, EPOCHS, CELL]),
        (ATTENTION, UNDERFITTED, {}, True, [COSINE, EPOCHS, POINTS]),
        (RNN, UNDERFITTED, {}, False, ["-r 0.01 --lr-schedule cosine", EPOCHS, MODEL]),
        (ATTENTION, UNDERFITTED, {"lr_schedule": "cosine"}, False, [EPOCHS, CELL]),
        (RNN, UNDERFITTED, {"lr_schedule": "cosine"}, True, [EPOCHS, POINTS, MODEL]),
        (ATTENTION, UNDERFITTED, {"lr_schedule": "cosine", "epochs": 2}, False, ["more epochs (-e 10)", CELL]),
        (ATTENTION, [], {}, False, [COSINE, EPOCHS, CELL]),  # no history
        (ATTENTION, [(1.0, 1.29)], {}, False, [COSINE, EPOCHS, CELL]),  # a common gap
        (ATTENTION, [(1.0, 1.31)], {}, False, ["--dropout 0.2", KEEP_BEST, "more pairs"]),
        (ATTENTION, GAP, {}, False, ["--dropout 0.2", KEEP_BEST, "more pairs"]),
        (RNN, GAP, {"lr_schedule": "cosine"}, True, ["--dropout 0.2", KEEP_BEST, POINTS]),
        (ATTENTION, OVERFITTED, {}, False, ["--dropout 0.2", KEEP_BEST, "more pairs"]),
        (ATTENTION, OVERFITTED, {"dropout": 0.2}, True, ["--dropout 0.4", KEEP_BEST, POINTS]),
        (ATTENTION, OVERFITTED, {"dropout": 0.4}, False, ["--dropout 0.5", KEEP_BEST, "more pairs"]),
        (ATTENTION, OVERFITTED, {"dropout": 0.5}, False, [KEEP_BEST, "more pairs"]),
        (ATTENTION, OVERFITTED, {"keep_best": True}, False, ["--dropout 0.2", STOPS, "more pairs"]),
        (ATTENTION, OVERFITTED, {"keep_best": True, "patience": 2}, False, ["--dropout 0.2", "more pairs"]),
        # The validation loss rose together with the training loss, so this is not overfitting.
        (ATTENTION, [(1.0, 1.0), (1.4, 1.5)], {}, False, [COSINE, EPOCHS, CELL]),
    ],
)
def test_advice_lists_what_to_try_next(model, losses, settings, more_points, suggestions):
    text = advice(model, TrainConfig(**{"epochs": 7} | settings), 0.43219, more_points, history(losses))
    assert text.count("\n") == 0
    assert text.startswith("Exact match 0.4322 is below 0.99")
    assert text.partition("ry ")[2].removesuffix(".").split(", or ") == suggestions
    assert ("the network overfits: since epoch 2 the validation loss has risen" in text) == (losses is OVERFITTED)


@pytest.mark.parametrize("other_pairs", [[], [([4, 5], [1, 1, 1])], [([4, 6], []), ([4, 5], [7, 7, 7, 7, 7])]])
def test_a_probe_is_compared_with_the_nearest_target_of_its_source(other_pairs):
    """The last alternative equals the answer, so the answer is right."""
    network = trained_network()
    network = replace(network, model_config=replace(network.model_config, ends=True), min_in_len=1)
    predicted = network.predict([[4, 5]])[0]
    validation = pairs_of(([4, 5], [1, 2, 3]), ([4], []), *other_pairs, ([4, 5], predicted))
    found = probe(network, validation)
    assert (found.source, found.expected) == ([4, 5], predicted)
    assert "expected" not in probe_line(found, colour=False)
