"""Training, evaluation, greedy decoding and beam search with more than 255 source and target symbols."""

import pytest

from seq2seq_demo import train


@pytest.mark.slow
def test_large_vocabularies_can_be_trained_evaluated_and_predicted():
    """A byte holds all target symbols, but not GO."""
    pairs = [([n] * (1 + n % 2), [n % 256, 7 * n % 256]) for n in range(300)]
    sizes = {"model": "embedding_attention", "cell_type": "BasicRNNCell", "cell_size": 4, "bidirectional": False}
    network = train(pairs, epochs=1, batch_size=64, dropout=0.0, **sizes)
    config = network.model_config
    assert (config.in_max_int, config.out_max_int) == (299, 255)
    sources = [source for source, _ in pairs[:9]]
    assert len(network.predict(sources)) == 9
    assert all(len(best) == 2 for best in network.predict(sources, beam_size=3, n_best=2))
    assert network.evaluate(pairs).n == network.evaluate(pairs, beam_size=2).n == 300
