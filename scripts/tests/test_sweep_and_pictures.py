"""`scripts/sweep.py` trains with each combination; the picture of a terminal needs no other file."""

import re
import sys
from xml.etree import ElementTree

import pytest
import sweep
from pictures import COMMANDS, PICTURES

from seq2seq_demo import load


def test_settings_are_combined_and_other_options_keep_their_commas():
    words = "9 --columns 1,2 --cell-size 4,8 -r 0.1,0.2 -o a,b --keep-best --in-len 1-3"
    every = [*sweep.combinations(words.split())]
    assert [name for name, _ in every] == [
        f"cell-size={size} r={rate}" for size in ("4", "8") for rate in ("0.1", "0.2")
    ]
    assert every[2][1] == words.replace("4,8", "8").replace("0.1,0.2", "0.1").split()


@pytest.mark.slow
def test_each_combination_is_a_training_run_in_a_folder(tmp_path, monkeypatch, capsys):
    words = "9 -e 1 --cell-size 4,0 --cell-type GRUCell"
    monkeypatch.setattr(sys, "argv", ["sweep", str(tmp_path), *words.split()])
    assert sweep.main() == 1
    rows = capsys.readouterr().out.splitlines()[2:]
    assert rows[0] == f"| 0.0000 | 1 | cell-size=4 | {tmp_path / 'cell-size=4' / 'weights.h5'} |"
    assert load(tmp_path / "cell-size=4" / "weights.h5").model_config.cell_size == 4
    assert f"| exit status 2: see {tmp_path / 'cell-size=0' / 'log.txt'} |" in rows[1]


def test_the_picture_of_a_terminal_refers_to_no_other_file_and_shows_the_commands():
    picture = PICTURES / "terminal.svg"
    text = "".join(ElementTree.parse(picture).getroot().itertext()).replace("\xa0", " ")
    assert re.findall(r"url\((?!#)|href|@import|<script", picture.read_text()) == []
    assert all(command in text for command in COMMANDS)
    assert "prediction=[1 2 3] (expected=[1 2 3])" in text
