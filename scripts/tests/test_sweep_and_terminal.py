"""`scripts/sweep.py` trains with each combination; the recorded terminal is a file that stands alone."""

import re
import sys
from xml.etree import ElementTree

import pytest
import record_terminal
import sweep
from helpers import ROOT

from seq2seq_demo import load

RECORDED = ROOT / ".github" / "terminal.svg"


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


def test_the_recording_is_self_contained_and_shows_the_commands():
    text, svg = RECORDED.read_text(), "{http://www.w3.org/2000/svg}"
    assert len(text) < 150_000
    assert "<script" not in text
    assert re.findall(r"https?://[^\"]*", text) == ["http://www.w3.org/2000/svg"]
    assert not re.search(r"href|url\(|@import", text)
    visible = [group for group in ElementTree.fromstring(text).iter(f"{svg}g") if group.get("visibility") is None]
    last = "\n".join("".join(each.itertext()) for group in visible for each in group.iter(f"{svg}text"))
    assert all(command in last for command in record_terminal.COMMANDS)
    assert "prediction=[1 2 3] (expected=[1 2 3])" in last
