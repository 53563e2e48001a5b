import os

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


def test_total_is_the_smaller_of_physical_memory_and_container_limits(tmp_path, monkeypatch):
    paths = [tmp_path / name for name in ("none", "a", "b")]
    monkeypatch.setattr(system_memory, "CGROUP_LIMITS", [*map(str, paths)])
    unlimited = 2**63 - 4096  # in version 1 of control groups
    for a, b, expected in (("max", unlimited, PHYSICAL), ("max", 2_000_000, 2_000_000), (1_000_000, 9, 9)):
        paths[1].write_text(f"{a}\n")
        paths[2].write_text(f"{b}\n")
        assert system_memory.total() == expected


def test_a_training_that_cannot_fit_is_refused():
    large = ModelConfig(num_layers=100, cell_size=10**5)
    for model, train, message in (
        (large, TrainConfig(points=1000), "weights would need .* GiB"),
        (ModelConfig(), TrainConfig(points=10**12), "1000000000000 points would need"),
        (ModelConfig(), TrainConfig(points=10**8, batch_size=10**9), "a batch of 90000000 sequences would need"),
    ):
        with pytest.raises(UsageError, match=message):
            check_training_fits(model, train)


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
