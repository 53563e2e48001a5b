"""Tests of `scripts/sweep.py`."""

import sys

import pytest

from seq2seq_demo import load


def test_settings_are_combined_and_other_options_keep_their_commas(script):
    words = "9 --columns 1,2 --cell-size 4,8 -r 0.1,0.2 -o a,b --keep-best --in-len 1-3"
    every = [*script("sweep").combinations(words.split())]
    assert [name for name, _ in every] == [
        f"cell-size={size} r={rate}" for size in ("4", "8") for rate in ("0.1", "0.2")
    ]
    assert every[2][1] == words.replace("4,8", "8").replace("0.1,0.2", "0.1").split()
    assert [*script("sweep").combinations(["9", "--seed", "3"])] == [("one", ["9", "--seed", "3"])]


@pytest.mark.slow
def test_each_combination_is_a_training_run_in_a_folder(script, tmp_path, monkeypatch, capsys):
    words = "9 -e 0 --cell-size 4,0,8 --cell-type GRUCell"
    monkeypatch.setattr(sys, "argv", ["sweep", str(tmp_path), *words.split()])
    assert script("sweep").main() == 1
    first, second, failed = capsys.readouterr().out.splitlines()[2:]
    assert first == f"| 0.0000 | 0 | cell-size=4 | {tmp_path / 'cell-size=4' / 'weights.h5'} |"
    assert load(tmp_path / "cell-size=8" / "weights.h5").model_config.cell_size == 8
    log = tmp_path / "cell-size=0" / "log.txt"
    assert f"| exit status 2: see {log} |" in second + failed
    assert "expected --cell-size to be an integer of at least 1, got 0" in log.read_text()


def test_no_training_run_starts_after_the_stop(script, tmp_path):
    sweep = script("sweep").Sweep(tmp_path)
    sweep.stop()
    assert sweep.run("a", ["9"]) == ["0.0000", 0, "a", "not started"]
