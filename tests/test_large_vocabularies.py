"""Training, evaluation, greedy decoding and beam search with more than 255 source symbols, target symbols or both."""

import pytest

from seq2seq_demo import train


def pairs_of(n_sources, n_targets, as_texts):
    """Pairs in which every symbol occurs; sources have one or two symbols."""
    rows = [
        ([n % n_sources] * (1 + n % 2), [n % n_targets, 7 * n % n_targets]) for n in range(max(n_sources, n_targets))
    ]
    if not as_texts:
        return rows
    return [tuple(" ".join(f"w{symbol}" for symbol in side) for side in row) for row in rows]


@pytest.mark.slow
@pytest.mark.parametrize(("n_sources", "n_targets", "as_texts"), [(40, 397, True), (300, 256, False)])
def test_large_vocabularies_can_be_trained_evaluated_and_predicted(n_sources, n_targets, as_texts):
    pairs = pairs_of(n_sources, n_targets, as_texts)
    tokens = {"in_tokens": "words", "out_tokens": "words"} if as_texts else {}
    sizes = {"model": "embedding_attention", "cell_type": "BasicRNNCell", "cell_size": 4, "bidirectional": False}
    network = train(pairs, epochs=1, batch_size=64, dropout=0.0, **sizes, **tokens)
    config = network.model_config
    assert (config.in_max_int, config.out_max_int) == (n_sources - 1, n_targets - 1)
    sources = [source for source, _ in pairs[:9]]
    assert len(network.predict(sources)) == 9
    assert all(len(best) == 2 for best in network.predict(sources, beam_size=3, n_best=2))
    n_sources = len({str(source) for source, _ in pairs})
    assert network.evaluate(pairs).n == network.evaluate(pairs, beam_size=2).n == n_sources
