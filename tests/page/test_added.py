"""The page for a cell and a pattern added as in seq2seq_demo/README.md."""

from pathlib import Path

import numpy as np
import pytest
from helpers import COUPLED, numpy_coupled, random_weights, save_random
from helpers_page import needs_chromium, prediction, spaced

from seq2seq_demo.config import CELL_TYPES, ModelConfig
from seq2seq_demo.data.pattern_task import PatternTask
from seq2seq_demo.data.patterns import PATTERNS
from seq2seq_demo.network import numpy_network
from seq2seq_demo.page import builder
from seq2seq_demo.page.builder import ShownNetwork
from seq2seq_demo.page.examples import pattern_examples
from seq2seq_demo.trained.trained_network import TrainedNetwork

pytestmark = pytest.mark.slow

CELL, PATTERN = "CoupledCell", "doubled"
SEED = 2  # with these weights, no answer below contains GO
COUPLED_JS = """
function coupled(projected, [c, h], U) {
  const gates = activate(affine(h, U, projected), sigmoid, tanh, sigmoid);
  const next = plus(product(gates[0], c), product(complement(gates[0]), gates[1]));
  return { state: [next, product(gates[2], tanh(next))], gates };
}

const EQUATIONS = {
  CoupledCell: coupled,
"""


def doubled(source):
    """Each symbol twice."""
    return [symbol for symbol in source for _ in range(2)]


@pytest.fixture
def cell(monkeypatch):
    monkeypatch.setitem(CELL_TYPES, CELL, COUPLED)
    monkeypatch.setitem(numpy_network.EQUATIONS, CELL, numpy_coupled)


@needs_chromium
def test_the_page_of_an_added_cell_shows_its_numbers_and_a_note_instead_of_the_equation(cell, monkeypatch, opened):
    read, old = builder.read_asset, "\nconst EQUATIONS = {"
    assert read("network/network.js").count(old) == 1
    monkeypatch.setattr(builder, "read_asset", lambda name: read(name).replace(old, COUPLED_JS.rstrip()))
    config = ModelConfig("embedding_attention", CELL, 2, cell_size=7, embedding_size=5)
    network = TrainedNetwork(config, random_weights(config, SEED), task="reversed", in_len=6, out_len=6)
    page = opened(ShownNetwork("coupled", network), fragment="#source=3%201%204%201%205%209")
    assert prediction(page) == spaced(network.predict([[3, 1, 4, 1, 5, 9]])[0])
    page.click("#tab-inside")
    for place in range(13):
        page.evaluate(f"app.change({{ place: {place}, tab: 'inside' }})")
        assert ("This page has no equation for CoupledCell." in page.text_content("#inside")) == (place > 0)
    labels = page.locator("#inside .gate span.explained > span:first-child").all_text_contents()
    assert labels == ["f, gate", "candidate, gate", "o, gate", "c, state", "h, output"]
    assert "The fraction of" not in page.inner_text("#inside")
    assert page.locator("#inside .gates .unit-bars").count() == 5


def test_a_cell_without_an_equation_in_javascript_is_refused(cell, run):
    save_random("w.h5", ModelConfig(cell_type=CELL, cell_size=4))
    supported = ", ".join(builder.names_in("network/network.js", "EQUATIONS"))
    expected = f"w: expected a cell of EQUATIONS in seq2seq_demo/page/network/network.js ({supported}), got CoupledCell"
    run.refuses("page -i w.h5 -o w.html", expected)
    assert not Path("w.html").exists()


@needs_chromium
def test_the_page_of_an_added_pattern_describes_it_and_has_targets_only_for_examples(monkeypatch, opened):
    monkeypatch.setitem(PATTERNS, PATTERN, PatternTask(PATTERN, doubled))
    config = ModelConfig("embedding_attention", "GRUCell", cell_size=7, embedding_size=5)
    network = TrainedNetwork(config, random_weights(config), task=PATTERN, in_len=3, out_len=6)
    (examples,) = pattern_examples([(network, PATTERNS[PATTERN])])
    page = opened(ShownNetwork("doubled", network, examples))
    assert page.text_content("h1") == "A small network trained on the pattern doubled: Each symbol twice"
    (first, *_) = examples
    assert page.input_value("#target") == spaced(np.repeat(first.source, 2))
    assert page.text_content("#step .judgement").startswith("✗ ")
    page.fill("#source", "8 8 1")
    assert prediction(page) == spaced(network.predict([[8, 8, 1]])[0])
    assert page.input_value("#target") == ""
    assert page.text_content("#step .judgement") == "no target is known"
