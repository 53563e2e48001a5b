"""Text in the Python API: training, prediction, evaluation and saving."""

import gc
import random

import pytest

from seq2seq_demo import UsageError, load, train

pytestmark = pytest.mark.slow

# Each letter stands for a word, which a network can learn from a few pairs.
WORDS = {"a": "alpha", "b": "bravo", "é": "echo", "🦊": "fox"}
TINY = {"cell_size": 16, "embedding_size": 8, "batch_size": 16, "bidirectional": False, "dropout": 0.0}
LEARNED = {"learning_rate": 0.03, "lr_schedule": "cosine", "epochs": 8}


def spelled(n, seed):
    rng = random.Random(seed)
    texts = ["".join(rng.choices([*WORDS], k=rng.randint(1, 3))) for _ in range(n)]
    return [(text, " ".join(WORDS[letter] for letter in text)) for text in texts]


def n_graphs():
    """The number of TensorFlow's graphs in memory."""
    gc.collect()
    return sum(type(each).__name__ == "FuncGraph" for each in gc.get_objects())


@pytest.fixture(scope="module")
def trained():
    """A network that spells. Its training leaves no graph in memory."""
    before = n_graphs()
    pairs = (pair for pair in spelled(400, 0))  # any iterable
    tokens = {"in_tokens": "characters", "out_tokens": "words"}
    network = train(pairs, **tokens, validation=spelled(30, 1), **TINY, **LEARNED)
    assert n_graphs() == before
    return network


def test_texts_are_answered_with_texts(trained, tmp_path):
    network = trained
    assert network.vocabularies.source.symbols == tuple(sorted(WORDS))
    assert network.vocabularies.target.symbols == tuple(sorted(WORDS.values()))
    unseen = ["🦊", "ab🦊", "éé", "ba"]
    expected = ["fox", "alpha bravo fox", "echo echo", "bravo alpha"]
    network.save(tmp_path / "w")
    for same in (network, load(tmp_path / "w")):
        assert same.predict(unseen) == expected
    assert network.predict([["b", "a"], "e\u0301"]) == ["bravo alpha", "echo"]  # symbols; a string in NFD
    assert network.evaluate(spelled(50, 2)).exact_match == 1
    assert network.evaluate([("a", "alpha"), ("a", "echo"), ("b", "alpha")]).exact_match == 0.5  # alternatives


def test_a_network_of_texts_is_trained_further_on_texts(trained, fast_steps):
    network = trained
    further = train([("ab", "bravo"), ("b", "alpha")], start=network, epochs=1, dropout=0.0, keep_best=False)
    assert (further.step, further.vocabularies) == (network.step + 1, network.vocabularies)
    with pytest.raises(UsageError, match="expected pairs of characters and words, as in the network, got pattern 'sor"):
        train("sorted", start=network)
    with pytest.raises(UsageError, match=r"`columns` can only be used with pairs, got pattern 'sorted'"):
        load("sorted-attention").evaluate(columns="a,b")
    with pytest.raises(UsageError, match=r"`lowercase` can only be used with pairs, got pattern 'sorted'"):
        train("sorted", lowercase=True)
