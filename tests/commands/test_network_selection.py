import os
import shutil
from pathlib import Path

import pytest
from helpers import ATTENTION, save_random

from seq2seq_demo import ensemble
from seq2seq_demo.config import ModelConfig


def test_predict_uses_the_newest_matching_weights(run):
    for n, (name, model) in enumerate([("basic", "attention"), ("basic", "rnn"), ("mine", "rnn")]):
        pattern = "maxmin_dup" if name == "mine" else "reversed"
        path = f"ts2s__{name}__{pattern}_{n + 1}.weights.h5"
        save_random(path, ModelConfig(f"embedding_{model}"), task=pattern)
        os.utime(path, (n, n))

    def used(*options):
        _, err = run.ok("predict 0 1 2 3 4 5 6 7 8 9", *options)
        return err.removeprefix("Using ").removeprefix("weights ").strip()

    assert used() == "ts2s__mine__maxmin_dup_3.weights.h5"
    assert used("-p", "reversed") == "ts2s__basic__reversed_2.weights.h5"
    assert used("-m", "embedding_attention") == "ts2s__basic__reversed_1.weights.h5"
    shipped = "the bundled network sorted-attention: found no matching weights in this folder"
    assert used("-p", "sorted", "-m", "embedding_attention") == shipped


def test_two_names_of_one_cell_match(run):
    save_random("w", ModelConfig(cell_type="LSTMCell"))
    predict = "predict -i w 0 1 2 3 4 5 6 7 8 9 --cell-type"
    run.ok(f"{predict} BasicLSTMCell")
    run.refuses(f"{predict} GRUCell", "w has cell-type LSTMCell, but the options ask for GRUCell")


@pytest.mark.slow
def test_files_of_2016_are_found_by_their_names(run, reference_2016):
    name = "ts2s__attention__sorted_1.tfl"
    shutil.copy(reference_2016 / name, ".")
    numbers = "9 8 7 6 5 4 3 2 1 2 5 1 8 7 7 3 9 1 4 6"
    answer = "prediction=[1 1 1 2 2 3 3 4 4 5 5 6 6 7 7 7 7 8 8 8] (expected=[1 1 1 2 2 3 3 4 4 5 5 6 6 7 7 7 8 8 9 9])"
    settings = "-p sorted --in-len=20 --out-len=20 -m embedding_attention"
    for options in (f"-i {name} {settings}", f"-i {name}", f"-n attention --iter-num 1 {settings}", ""):
        out, err = run.ok(f"{options} predict {numbers}")
        assert out == f"==> For input [{numbers.replace(' ', ', ')}], {answer}\n"  # as in the README of 2016
        assert f"Using weights {name}\nInferred from the file: embedding_attention, 1 x " in err
        assert "was trained on length" not in err  # the file does not record its lengths


def test_verbose_prediction_prints_the_network_summary(run):
    network = save_random("w")
    _, _, err = run("predict -i w 0 1 2 3 4 5 6 7 8 9 -v")
    assert err == f"Using weights w\n{network.summary()}\n"


@pytest.fixture
def both(run):
    """Two networks, saved as a and b, and their ensemble, saved as c."""
    ensemble([save_random("a", ATTENTION), save_random("b", ModelConfig(cell_size=5))]).save("c")


def test_several_networks_answer_as_their_ensemble(run, both):
    out, err = run.ok("predict -i a -i b --json", *range(10))
    assert err == "Using weights a, b\n"
    assert run.ok("predict -i c --json", *range(10)) == (out, "Using weights c\n")
    assert run.ok("predict -i a --json", *range(10))[0] != out


def test_a_page_shows_the_first_member(run, both):
    _, err = run.ok("page -i c -o c.html")
    assert "c is an ensemble of 2 networks: the page shows the first\n" in err
    run.ok("page -i a -o a.html")
    data = [Path(page).read_text().partition('"weights":')[2][:1000] for page in ("a.html", "c.html")]
    assert data[0] == data[1] != ""
