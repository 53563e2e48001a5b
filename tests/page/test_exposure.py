"""The search for a source on which one error leads to more, and the exercise that shows it."""

import re
import time

import numpy as np
import pytest
from helpers import ROOT, pairs_of, random_weights
from helpers_page import needs_chromium, prediction, shipped, spaced

from seq2seq_demo import load
from seq2seq_demo.config import ModelConfig
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.page import exposure
from seq2seq_demo.page.builder import Example, Exposure, ShownNetwork
from seq2seq_demo.page.exposure import NOTE, with_exposure
from seq2seq_demo.trained_network import TrainedNetwork

REVERSED, SORTED = map(find_pattern, ("reversed", "sorted"))


def decode(network, source, forced=None):
    """The symbols that a network writes when it is fed its own output, with a symbol forced, as (output, symbol)."""
    decoded, go = [], network.model_config.go
    for t in range(network.answer_len(len(source)) + network.ends):
        fed = np.array([[go, *decoded]])
        symbol = int(network.to_numpy().decode(np.array([source]), t + 1, fed).symbols[0, t])
        decoded.append(forced[1] if forced and forced[0] == t else symbol)
        if network.ends and decoded[-1] == go:
            break
    return decoded


@pytest.fixture(scope="module")
def lengths():
    names = "reversed-attention", "long-rnn"
    return with_exposure([ShownNetwork(name, load(name)) for name in names], [REVERSED] * 2)


@pytest.mark.slow
def test_a_single_error_of_the_network_without_attention_leads_to_most_edits(lengths):
    attention, rnn = lengths
    assert attention.exposure is None
    source, target = rnn.exposure.source, rnn.exposure.target
    assert (target, rnn.exposure.forced) == (source[::-1], {})
    network, expected = rnn.network, [*target, 10]
    taught = network.to_numpy().decode(np.array([source]), 21, np.array([[10, *target]])).symbols[0].tolist()
    wrong = [t for t in range(21) if taught[t] != expected[t]]
    free = decode(network, source)
    assert len(wrong) == 1 and wrong[0] < 20
    assert sum(a != b for a, b in zip(free, expected, strict=False)) > 8
    for shown in lengths:
        assert shown.examples == [Example(source, target, NOTE)]
    teaching = (ROOT / "seq2seq_demo" / "docs" / "TEACHING.md").read_text()
    assert f"Source: `{spaced(source)}`, the network without attention" in teaching


@pytest.mark.slow
def test_without_an_error_of_its_own_a_symbol_is_forced():
    network = shipped("embedding_attention", "sorted")
    known = Example([1, 2], [1, 2], "")
    (shown,) = with_exposure([ShownNetwork("sorted", network, [known])], [SORTED])
    source, target, ((t, symbol),) = shown.exposure.source, shown.exposure.target, shown.exposure.forced.items()
    assert network.predict([source])[0] == target == sorted(source)
    assert symbol != target[t]
    assert decode(network, source, (t, symbol)) not in ([*target, 10], [*target[:t], symbol, *target[t + 1 :], 10])
    assert shown.examples == [known, Example(source, target, "a right answer")]


def test_the_pairs_are_searched_and_a_missing_end_is_no_error():
    network = shipped("embedding_attention")
    pairs = pairs_of(([1, 2, 3], [3, 2, 1]), ([4, 5], [5]), ([6, 7, 8], [8, 1, 6]))
    (shown,) = with_exposure([ShownNetwork("n", network)], [None], pairs)
    assert shown.exposure.source != [4, 5]  # the network writes 5 4, after which nothing is wrong
    assert [example.source for example in shown.examples] == [shown.exposure.source]


def test_without_targets_nothing_is_added():
    shown = [ShownNetwork("n", shipped("embedding_attention"))]
    assert with_exposure(shown, [None]) == shown


def test_a_network_without_end_is_compared_position_by_position():
    config = ModelConfig(cell_size=5)
    network = TrainedNetwork(config, random_weights(config), task="reversed", in_len=4, out_len=4)
    assert exposure._edits(network, np.array([1, 2, 3, 4]), [2, 1, 3, 4]) == 2
    for shown in with_exposure([ShownNetwork("n", network)], [REVERSED]):
        assert not shown.exposure or len(shown.exposure.target) == 4


@pytest.mark.slow
def test_the_search_takes_seconds_for_a_large_network_whatever_lengths_its_file_claims():
    config = ModelConfig(cell_size=500, ends=True)
    weights = random_weights(config)
    network = TrainedNetwork(config, weights, task="reversed", in_len=100_000, out_len=100_000, min_in_len=1)
    start = time.process_time()
    with_exposure([ShownNetwork("n", network)], [REVERSED])
    assert time.process_time() - start < 5


@needs_chromium
@pytest.mark.slow
def test_the_page_shows_what_one_error_leads_to(opened, lengths):
    page = opened(*lengths, fragment="#source=1%202")
    exposed = lengths[1].exposure
    free, expected = decode(lengths[1].network, exposed.source), [*exposed.target, 10]
    t = next(t for t, symbol in enumerate(free) if symbol != expected[t])
    page.click("#tab-explanations")
    exercise = page.locator(".explanation").filter(has_text="exposure bias")
    question = exercise.locator("legend").text_content()
    wrong = f"the network writes {free[t]} instead of {expected[t]} as output {t + 1}."
    assert question.startswith(f"long-rnn: For {spaced(exposed.source)}, {wrong} With teacher forcing, no other")
    exercise.get_by_label("more").check()
    exercise.get_by_role("button", name="Show what the error leads to").click()
    assert page.text_content(".guide p").startswith("long-rnn: ✓ As you predicted. ")
    assert page.evaluate("[app.state.text, app.t]") == [spaced(exposed.source), t + 1]
    n_edits = int(
        re.search(r"Free-running: .*?; (\d+) edits", page.locator("#forced .column p").nth(1).text_content())[1]
    )
    assert "Teacher forcing: 1 of 21 places differs; 1 edit." in page.locator("#forced .column p").nth(1).text_content()
    assert n_edits > 8
    assert f"; {n_edits} edits." in page.text_content(".guide p")
    assert prediction(page) == spaced(exposed.target)


@needs_chromium
@pytest.mark.slow
def test_the_page_forces_the_symbol_and_without_a_source_it_only_explains(opened):
    network = shipped("embedding_attention")
    forced = Exposure([3, 1, 4], [4, 1, 3], {0: 7})
    page = opened(ShownNetwork("reversed", network, [Example([3, 1, 4], [4, 1, 3], "")], exposure=forced))
    exercise = page.locator(".explanation").filter(has_text="exposure bias")
    assert "you force 7 instead of 4 as output 1." in exercise.locator("legend").text_content()
    exercise.get_by_role("button", name="Force a wrong symbol").click()
    assert page.evaluate("app.state.forced") == {"0": 7}
    assert prediction(page) == spaced(decode(network, [3, 1, 4], (0, 7))[:-1])
    page = opened(ShownNetwork("reversed", network, [Example([3, 1, 4], [4, 1, 3], "")]))
    exercise = page.locator(".explanation").filter(has_text="exposure bias")
    assert exercise.locator("legend").count() == exercise.locator("button:visible").count() == 0
