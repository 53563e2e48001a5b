import os
import time

import numpy as np
import pytest
from helpers import peak_memory

from seq2seq_demo import system_memory
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.errors import UsageError
from seq2seq_demo.network.decoding import GREEDY
from seq2seq_demo.network.parameters import initial_weights
from seq2seq_demo.trained.trained_network import make_numpy_network
from seq2seq_demo.training.settings import check_training_fits

PHYSICAL = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")


@pytest.mark.parametrize(
    ("limits", "expected"),
    [
        ([], PHYSICAL),
        (["1000000\n"], 1_000_000),
        (["max\n", "2000000\n"], 2_000_000),
        ([f"{2**63 - 4096}\n"], PHYSICAL),  # no limit, in version 1 of control groups
        (["0\n"], PHYSICAL),
        ([""], PHYSICAL),
    ],
)
def test_total_is_the_smaller_of_physical_memory_and_container_limits(tmp_path, monkeypatch, limits, expected):
    paths = [str(tmp_path / name) for name in ("none", "a", "b")]
    for path, limit in zip(paths[1:], limits, strict=False):
        with open(path, "w") as file:
            file.write(limit)
    monkeypatch.setattr(system_memory, "CGROUP_LIMITS", paths)
    assert system_memory.total() == expected


@pytest.mark.parametrize(
    ("model", "train", "message"),
    [
        ({"num_layers": 100, "cell_size": 10**5}, {}, "weights would need .* GiB"),
        ({}, {"points": 10**12}, "1000000000000 points would need"),
        ({}, {"points": 10**8, "batch_size": 10**9}, "a batch of 90000000 sequences would need"),
    ],
)
def test_a_training_that_cannot_fit_is_refused_at_once(model, train, message):
    start = time.perf_counter()
    with pytest.raises(UsageError, match=message):
        check_training_fits(ModelConfig(**model), TrainConfig(**{"points": 1000} | train))
    assert time.perf_counter() - start < 1


@pytest.mark.slow
@pytest.mark.parametrize(("model", "bidirectional"), [("embedding_rnn", False), ("embedding_attention", True)])
def test_the_estimate_is_at_most_the_peak_memory_of_decoding(model, bidirectional, monkeypatch):
    rows, in_len, out_len = 100, 200, 100
    config = ModelConfig(model, "GRUCell", 2, bidirectional=bidirectional)
    network, sources = make_numpy_network(config, initial_weights(config, 0)), np.zeros((rows, in_len), np.uint8)
    peak, _ = peak_memory(lambda: network.decode(sources, out_len))
    monkeypatch.setattr(system_memory, "total", lambda: peak)
    GREEDY.check_fits(config, rows, in_len, out_len)
    with pytest.raises(UsageError, match="would need"):
        GREEDY.check_fits(config, 3 * rows, in_len, out_len)
