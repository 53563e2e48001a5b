"""More symbols than a byte can number, on one side or on both: training, evaluation and both ways of answering."""

import numpy as np
import pytest

from seq2seq_demo import train
from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.ragged import Ragged, RaggedPairs
from seq2seq_demo.trained_network import TrainedNetwork, untrained
from seq2seq_demo.training.varied_loop import VariedTrainer


def pairs_of(n_sources, n_targets, as_texts):
    """Pairs in which every symbol occurs, of sources of two lengths."""
    rows = [
        ([n % n_sources] * (1 + n % 2), [n % n_targets, 7 * n % n_targets]) for n in range(max(n_sources, n_targets))
    ]
    if not as_texts:
        return rows
    return [tuple(" ".join(f"w{symbol}" for symbol in side) for side in row) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize("as_texts", [True, False])
@pytest.mark.parametrize(("n_sources", "n_targets"), [(40, 397), (40, 255), (300, 256), (256, 40)])
def test_train_evaluate_and_predict(n_sources, n_targets, as_texts):
    pairs = pairs_of(n_sources, n_targets, as_texts)
    tokens = {"in_tokens": "words", "out_tokens": "words"} if as_texts else {}
    network = train(pairs, model="embedding_attention", epochs=1, batch_size=64, cell_size=4, **tokens)
    config = network.model_config
    assert (config.in_max_int, config.out_max_int) == (n_sources - 1, n_targets - 1)
    sources = [source for source, _ in pairs[:9]]
    assert len(network.predict(sources)) == 9
    assert all(len(best) == 2 for best in network.predict(sources, beam_size=3, n_best=2))
    assert network.evaluate(pairs).n == network.evaluate(pairs, beam_size=2).n == len({*map(str, sources_of(pairs))})


def sources_of(pairs):
    return [source for source, _ in pairs]


@pytest.mark.parametrize("largest_source", [0, 255, 65_536])
@pytest.mark.parametrize("largest_target", [253, 254, 255, 397, 65_534, 65_535])
def test_a_batch_holds_every_symbol_and_go(largest_source, largest_target):
    model = ModelConfig(cell_size=1, embedding_size=1, in_max_int=max(1, largest_source), out_max_int=largest_target)
    pairs = RaggedPairs(Ragged.of_rows([[largest_source], [0, 0]]), Ragged.of_rows([[largest_target], []]))
    config = TrainConfig(2, in_len=2, out_len=1, min_in_len=1, batch_size=2)
    start = TrainedNetwork(model, untrained(model, 0).weights)
    sources, targets, *_ = VariedTrainer("mine", config, start, pairs).batches(pairs)
    assert np.array(sources)[0].tolist() == [[largest_source, 0], [0, 0]]
    assert np.array(targets)[0].tolist() == [[largest_target, model.go], [model.go, model.go]]
