import itertools
import json
import os
import shutil
from pathlib import Path

import numpy as np
import pytest
from helpers import SMALL, finished_snapshot, line_of, save_random, write_pairs

from seq2seq_demo.data.pair_task import pair_task
from seq2seq_demo.trained.loading import load
from seq2seq_demo.training.report import settings_line
from seq2seq_demo.training.settings import resolve


@pytest.mark.slow
def test_train_save_load_predict_at_other_lengths(run, fast_steps):
    out, err = run.ok("-m embedding_rnn -p reversed train 300 -e 2 -o w.tfl -v -v", *SMALL)
    lines = out.splitlines()
    assert lines[0] == "Training on 300 point dataset (pattern 'reversed'), with 2 epochs"
    parameters = json.loads(out[out.index("{") : out.index("}") + 1])
    assert (parameters["cell_size"], parameters["learning_rate"]) == (7, 1e-4)
    assert "270 training points, 30 validation points" in lines
    assert [line.split(":")[0] for line in lines if line.startswith("Epoch")] == ["Epoch 1/2", "Epoch 2/2"]
    for name in ("loss", "accuracy", "validation loss", "forced", "free-running", "exact match"):
        assert name in lines[-3]
    assert lines[-4].partition(", prediction")[0] == lines[-2].partition(", prediction")[0]  # the same probe
    assert lines[-1] == "Saved w.tfl: epoch 2 of 2, exact match 0.0000 (0 of 30 validation sources, 0.000 to 0.114)"
    *_, advice, use = err.splitlines()
    assert advice.startswith("Exact match 0.0000 is below 0.99: “Settings” in /")
    assert use == "To use the network: seq2seq-demo predict -i w.tfl"

    network = load("w.tfl")
    status, out, err = run("-i w.tfl predict 0 1 2 3 4 5 6 7 8 9")
    assert (status, err) == (0, "Using weights w.tfl\n")
    assert out == line_of(network, list(range(10)), "9 8 7 6 5 4 3 2 1 0")
    source = [k % 10 for k in range(20)]
    out, err = run.ok("predict", *source, "-i", "w.tfl", "-m", "embedding_rnn", "--in-len", 20, "--out-len", 8)
    assert out == line_of(network, source, "9 8 7 6 5 4 3 2", out_len=8)


@pytest.mark.slow
def test_iterations_continue_from_the_previous_weights(run, fast_steps):
    train = ["train 60 -e 1 -p reversed --data-dir d", *SMALL, "--iter-num"]
    predict = "predict 0 1 2 3 4 5 6 7 8 9 -p reversed --data-dir d --iter-num"
    path = "d/ts2s__basic__reversed_{}.weights.h5".format
    os.mkdir("d")
    out, err = run.ok(*train, 3)
    assert f"{path(3)} does not exist: starting from new weights" in err
    assert f"Saved {path(4)}" in out
    assert f"Continuing from {path(4)}" in run.ok(*train, 4)[1]
    assert f"Using weights {path(4)}" in run.ok(predict, 4)[1]
    assert load(path(5)).step == 2 * load(path(4)).step > 0
    assert load(path(5)).moments_since == 0
    err = run.ok("train 60 -e 1 --no-optimizer -o small.h5 -i", path(4))[1]
    assert "Adam's moments start at zero" not in err
    assert load("small.h5").moments == {}
    err = run.ok("train 60 -e 1 -o further.h5 -i small.h5")[1]
    assert "; the file lacks the optimiser's state, so Adam's moments start at zero" in err
    further = load("further.h5")  # Adam counts from its moments, or its first updates would be 6 times as large
    assert further.step - further.moments_since == load(path(4)).step
    run.refuses([*train, 4], "ts2s__basic__reversed_5.weights.h5 already exists", 1)
    run.refuses(f"{predict} 6", "no such file", 1)


def test_damaged_files_are_skipped_in_a_search(run):
    name = "ts2s__basic__reversed_{}.weights.h5".format
    Path(name(7)).touch()
    os.symlink("nothing", name(8))
    os.mkdir(name(9))
    save_random(name(10))
    os.utime("ts2s__basic__reversed_7.weights.h5", (2**32, 2**32))  # the newest
    _, err = run.ok("predict 0 1 2 3 4 5 6 7 8 9 -p reversed")
    assert "Skipping ts2s__basic__reversed_7.weights.h5: " in err
    assert "Using weights ts2s__basic__reversed_10.weights.h5\n" in err


@pytest.mark.slow
def test_a_result_and_its_snapshot_are_named_after_the_file_behind_a_link(run, fast_steps):
    Path("d").mkdir()
    os.symlink("d/w", "link")
    run.ok("train 50 -o link -e 1", *SMALL)
    assert sorted(os.listdir("d")) == ["w"]
    finished_snapshot("d/s2s_checkpoint__w")
    run.refuses("train 50 -o link -e 1", "s2s_checkpoint__w already exists", 1)


def test_no_epochs_of_pairs_report_what_training_would_report(run):
    words = ["".join(letters) for letters in itertools.product("abc", repeat=3)]
    write_pairs("in.tsv", [*((word, word[::-1]) for word in words), ("ab", ""), ("ba", "a" * 300)])
    out, err = run.ok("train in.tsv -e 0 -o w --cell-size 7")
    assert "Pairs with an empty target: 1, such as in.tsv, line 28" in err
    assert "in.tsv, line 29: the target has 300 symbols" in err
    assert err.endswith("Without --epochs 0, this training run would begin:\n")
    settings = settings_line(*resolve(pair_task("in.tsv", holds_out=True), {"cell_size": 7}))
    assert out.splitlines()[-2:] == [settings, "Saved w"]
    assert load("w").run is None


@pytest.mark.slow
def test_a_checkpoint_of_2016_is_converted_or_trained_further(run, fast_steps, reference_2016):
    shutil.copy(reference_2016 / "ts2s__attention__sorted_1.tfl", "old.tfl")
    lengths = "--in-len 20 --out-len 20"
    for options, expected in {"": (None,) * 3, lengths: (None, 20, 20), "-p sorted": ("sorted", None, None)}.items():
        run.ok(f"train -i old.tfl -o new.h5 -e 0 {options}")
        new = load("new.h5")  # values that the checkpoint lacks stay unknown
        assert (new.task, new.in_len, new.out_len) == expected
    _, err = run.ok(f"train 300 -i old.tfl -o on.h5 -e 1 {lengths}")
    assert "training on sources of 20 and targets of 20 symbols" in err
    old, on = load("old.tfl"), load("on.h5")
    assert on.step == old.step + 3 == 14080 + 3
    for name, weights in old.weights.items():
        assert np.allclose(on.weights[name], weights + 3 * 0.01, atol=1e-5), name  # 0.01 for each fast step


def test_the_function_in_a_weights_file_never_runs(run):
    Path("mine.py").write_text("open('ran', 'w').close()\ndef f(source):\n    return source\n")
    save_random("w", task="mine.py:f")
    save_random("v", task="mine:f")
    for name in ("w", "v"):
        run(f"predict -i {name} 0 1 2 3 4 5 6 7 8 9")
        run(f"evaluate 10 -i {name}")
        run(f"page -i {name} -o p.html")
        run(f"train 20 -i {name}")
    assert not os.path.exists("ran")


@pytest.mark.slow
def test_quiet_prints_only_results_and_errors(run, fast_steps):
    Path("p.tsv").write_text("".join(f"{a}{b}\t{b}{a}\n" for a in "abcdefgh" for b in "abcdefgh"))
    out, err = run.ok("train p.tsv -e 1 -o w.h5 -q --cell-size 8")
    assert (out[:31], out.count("\n"), err) == ("Saved w.h5: epoch 1 of 1, exact", 1, "")
    status, out, err = run("predict -q -i w.h5 ab z")
    assert (status, out[:26]) == (1, "==> For input ab, predicti")
    skipped, error = err.splitlines()
    assert skipped.startswith('input "z": expected characters seen in training')
    assert error.startswith("seq2seq-demo: error: skipped 1 sequence")


@pytest.mark.slow
def test_a_user_pattern(run, fast_steps):
    Path("mine.py").write_text("def f(source):\n    return [(a + b) % 10 for a, b in zip(source, source[1:])]\n")
    out, err = run.ok("train 100 -e 1 -p mine.py:f --in-len 5", *SMALL)
    assert "(pattern 'mine:f')" in out
    path = "ts2s__basic__mine.f_1.weights.h5"
    assert f"\nSaved {path}: epoch 1 of 1, " in out
    assert (load(path).task, load(path).out_len, load(path).calibration) == ("mine:f", 4, None)

    # The weights name the pattern, but prediction does not import it.
    out, err = run.ok("predict 1 2 3 4 9")
    assert ("expected" in out, err) == (False, f"Using weights {path}\n")
    assert run.ok("predict 1 2 3 4 9 -p mine.py:f")[0].endswith("(expected=[3 5 7 3])\n")


@pytest.mark.slow
def test_a_pattern_makes_the_targets_of_given_inputs(run, fast_steps):
    Path("inputs.json").write_text(json.dumps([*itertools.product([1, 6], range(7), range(7), [3])]))
    run.ok("train --from-file inputs.json -p running_sum -e 1 -o w", *SMALL)
    network = load("w")
    assert (network.task, network.in_len, network.out_len, network.ends) == ("running_sum", 4, 4, True)
    assert (network.model_config.in_max_int, network.model_config.out_max_int) == (6, 6)
    assert run.ok("predict -i w 6 6 6 6")[0].endswith("(expected=[6 5 4 3])\n")
    run.refuses("train --from-file inputs.json", "inputs.json, sequence 0: expected a target, after", 1)
