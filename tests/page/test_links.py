"""Links to a page, read in Node: a link sets the whole state, and the page marks each forced symbol."""

import pytest
from helpers_page import ask, fixed_length, needs_node, shipped

from seq2seq_demo.page.builder import ShownNetwork, network_data

pytestmark = [pytest.mark.slow, needs_node]
ENDS = ShownNetwork("ends", shipped("embedding_attention"))


def follow(hash_, *networks, text="3 1 2", before=None):
    """Follow a link; return the state of the page and its answers."""
    return ask(
        ("open", [network_data(shown) for shown in networks or (ENDS,)]),
        ("link", {"hash": hash_, "text": text, "before": before}),
    )[1]


INVALID = "00:9|0:00|-0:9|0.5:9|0:1e0|0x0:9|٠:9|__proto__:1|length:1|0:9,| 0:9|0|0:|0:9:1|0:9;1:8|0:9,0:8|1:9,0:9|0:11"


@pytest.mark.parametrize("forced", INVALID.split("|"))
def test_forcing_that_the_page_would_not_write_is_ignored(forced):
    page = follow(f"#source=3%201%202&forced={forced}")
    assert (page["state"]["forced"], page["forced"], page["notes"]) == ({}, [[]], [""])
    assert page["written"] == "#source=3%201%202&place=5"


def test_forced_steps_beyond_the_answer_are_dropped():
    page = follow("#source=3%201%202&forced=0:9,300:9")
    assert (page["state"]["forced"], page["notes"]) == ({"0": 9}, ["You forced 1 symbol."])
    page = follow("#source=3%201%202&forced=1:10,2:4")  # END is forced at step 1, so step 2 does not exist
    assert (page["state"]["forced"], page["forced"]) == ({"1": 10}, [[1]])


def test_every_forced_symbol_is_marked_and_counted_per_network():
    page = follow("#source=3%201%202&forced=0:9,5:9", ENDS, ShownNetwork("fixed", fixed_length(3)))
    for forced, marked, note in zip(page["forced"], page["marked"], page["notes"], strict=True):
        assert [t for t, is_marked in enumerate(marked) if is_marked] == forced
        assert f"You forced {len(forced)} symbol" in note


def test_a_link_sets_the_whole_state():
    before = "#source=3%201%202&target=9%209&place=2&forced=0%3A9"
    before += "&replace=2%3A7&unit=0%3A0%3A0%3A31&view=embed&beam=5"
    page = follow("#source=3%201%202", before=before)
    expected = {"text": "3 1 2", "targetText": None, "moment": None, "forced": {}, "place": 5, "replacement": None}
    assert page["state"] == expected | {
        "beam": 3,
        "tab": None,
        "lecture": False,
        "embed": False,
        "hidden": False,
        "exercise": 0,
        "samples": 0,
        "goal": 0,
        "inside": {"networkIndex": 0, "layer": None, "backward": 0, "unit": None},  # JSON has no Infinity
    }
    assert page["written"] == "#source=3%201%202&place=5"
    page = follow(before)
    assert page["written"] == before


PLACES = ["place=02", "place=2&place=3", "place=-1", "moment=0", "samples=32", "tab=tour"]
REPLACED = ["replace=3:1", "replace=0:10", "replace=0:01", "replace=.5:1", "replace=0:1:2"]
OTHERS = ["unit=1:0:0:0", "unit=0:0:1:0", "unit=0:0:0:32", "unit=0:0:0", "beam=0", "beam=6", "beam=2&beam=4"]


@pytest.mark.parametrize("part", PLACES + REPLACED + OTHERS)
def test_an_invalid_number_is_ignored(part):
    assert follow(f"#source=3%201%202&{part}")["written"] == "#source=3%201%202&place=5"


def test_a_text_in_a_link_is_never_shortened():
    words = " ".join(["3"] * 60).replace(" ", " " * 30)
    page = follow(f"#source={words.replace(' ', '%20')}")
    assert (page["state"]["text"], page["error"]) == (words, "")
    assert follow("#source=1&source=2")["state"]["text"] == "3 1 2"
    assert follow(f"#source={'1' * 10_001}")["state"]["text"] == "3 1 2"


def test_a_target_has_a_largest_length():
    page = follow(f"#source=3%201%202&target={'%20'.join('1' * 121)}")
    assert page["error"] == "Expected at most 120 symbols, got 121"
