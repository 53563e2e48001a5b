import pytest

from seq2seq_demo.config import MODELS
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.files.canonical import shipped_path
from seq2seq_demo.trained_network import load

SHIPPED = [(pattern, model, 10) for pattern in PATTERNS if pattern != "added" for model in MODELS]


@pytest.mark.parametrize(("pattern", "model", "length"), [*SHIPPED, ("sorted", "embedding_attention", 20)])
def test_shipped_weights_are_exact(pattern, model, length):
    network = load(shipped_path(pattern, model, length))
    assert (network.task, network.model_config.model, network.model_config.num_layers) == (pattern, model, 1)
    assert (network.in_len, network.out_len) == (length, length)
    assert network.model_config.cell_size <= 64
    evaluation = network.evaluate(n=2000, seed=2016)
    assert (evaluation.n, evaluation.n_symbols) == (2000, 2000 * length)
    # 1 and 3 wrong of 2000
    assert evaluation.exact_match >= (0.9995 if network.model_config.has_attention else 0.9985)


def test_the_length_chooses(run):
    of_2016 = [9, 8, 7, 6, 5, 4, 3, 2, 1, 2, 5, 1, 8, 7, 7, 3, 9, 1, 4, 6]  # its README showed it sorted wrongly
    status, out, err = run("predict", *of_2016, "-p", "sorted", "-m", "embedding_attention")
    assert status == 0, err
    assert "ts2s__embedding_attention_20__sorted_1.weights.h5" in err
    answer = "1 1 1 2 2 3 3 4 4 5 5 6 6 7 7 7 8 8 9 9"
    assert out.endswith(f"prediction=[{answer}] (expected=[{answer}])\n")
