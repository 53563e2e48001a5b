"""Ensembles on the command line: several -i, and files with members."""

from pathlib import Path

import pytest
from helpers import save_random

from seq2seq_demo import ensemble
from seq2seq_demo.config import ModelConfig

ATTENTION, RNN = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=4), ModelConfig(cell_size=5)
SOURCE = [3, 1, 4, 1, 5, 9, 2, 6, 5, 3]


@pytest.fixture
def both(run):
    """Two networks, saved as a and b, and their ensemble, saved as c."""
    ensemble([save_random("a", ATTENTION), save_random("b", RNN)]).save("c")


def test_several_networks_answer_as_their_ensemble(run, both):
    out, err = run.ok("predict -i a -i b --json", *SOURCE)
    assert err == "Using weights a, b\n"
    assert run.ok("predict -i c --json", *SOURCE) == (out, "Using weights c\n")
    assert run.ok("predict -i a --json", *SOURCE)[0] != out


def test_a_page_shows_the_first_member(run, both):
    _, err = run.ok("page -i c -o c.html")
    assert "c is an ensemble of 2 networks: the page shows the first\n" in err
    run.ok("page -i a -o a.html")
    data = [Path(page).read_text().partition('"weights":')[2][:1000] for page in ("a.html", "c.html")]
    assert data[0] == data[1] != ""
