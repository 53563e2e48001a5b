"""The course of the page that trains, in Node: its initial weights, its sources and pairs, and equal bits."""

import itertools
import math

import numpy as np
import pytest
from helpers_page import ask, needs_node, run_course, spaced, training_settings

from seq2seq_demo.config import CELL_ALIASES, ModelConfig
from seq2seq_demo.network.parameters import initial_weights, uniform_limit, weight_shapes
from seq2seq_demo.page.builder import names_in
from seq2seq_demo.page.training import MODELS

pytestmark = [pytest.mark.slow, needs_node]
SOURCES = ["".join(source) for n in range(2, 6) for source in itertools.product("abc", repeat=n)][:160]
PAIRS = "\n".join(f"{source}\t{source[::-1]}{source[0]}d" for source in SOURCES)


@pytest.mark.parametrize(("cell", "text"), [*((cell, "") for cell in CELL_ALIASES), ("LSTM", PAIRS)])
def test_the_initial_weights_are_distributed_as_in_python(cell, text):
    before = run_course(units="32", cell=cell, text=text, bidirectional=bool(text))["before"]
    for i, (model, weights) in enumerate(zip(MODELS.values(), before, strict=True)):
        symbols = {"in_max_int": 2, "out_max_int": 3, "bidirectional": i == 0} if text else {}
        config = ModelConfig(model, CELL_ALIASES[cell], **symbols)
        assert [name for name, _ in weights] == [*weight_shapes(config)]
        shapes, initial = weight_shapes(config), initial_weights(config, seed=0)
        for name, values in weights:
            array = np.reshape(values, shapes[name])
            if name.endswith("bias"):
                np.testing.assert_array_equal(array, initial[name])
                continue
            shares = np.abs(array) / uniform_limit(name, shapes, config)  # uniform in 0…1
            assert shares.max() <= 1
            np.testing.assert_allclose([shares.mean(), array.mean() / array.std()], [0.5, 0], atol=0.2)


@pytest.mark.parametrize("text", ["", PAIRS])
def test_equal_settings_give_equal_bits_and_other_seeds_others(text):
    settings = {"length": "1-3", "units": "8", "bidirectional": bool(text)}
    first, second, other = (run_course(25, text, seed=seed, **settings) for seed in ("1", "1", "2"))
    assert first == second
    assert first["after"] != other["after"]
    assert not text or first["task"]["heldOut"] == other["task"]["heldOut"]
    assert first["kept"] == [0, 5, 7, 10, 14, 20]


def test_the_networks_are_kept_after_each_rise_of_exact_match_and_all_positions_are_measured():
    course = run_course(240, length="3", units="8", rate="0.03")
    points, kept, regular = course["points"], course["kept"], [0, 5, 7, 10, 14, 20, 28, 40, 56, 80, 113, 160, 226]
    assert kept == sorted({*kept}) and course["nKept"] == [len(kept)] * 2
    expected = []
    for step in range(241):
        if step in regular:
            expected.append(step)
        exact = [[each["exact"] for each in points if each["steps"] <= one][-1] for one in (*expected, step)]
        if step not in expected and any(each[-1] - max(each[:-1]) > 0.0499 for each in zip(*exact, strict=True)):
            expected.append(step)
    assert kept == expected and len(kept) >= len(regular) + 3
    exact = [[each["exact"] for each in points if each["steps"] <= step][-1] for step in kept]
    rises = [max(np.subtract(after, before)) for before, after in itertools.pairwise(exact)]
    assert rises[course["steepest"]] == max(rises) >= 0.05
    assert run_course(20, length="20")["steepest"] is None
    for point in points:
        for exact_match, positions in zip(point["exact"], point["positions"], strict=True):
            assert len(positions) == 3 and exact_match <= min(positions) <= max(positions) <= 1
            assert 100 * (1 - exact_match) <= sum(100 * (1 - one) for one in positions) + 0.2  # an error has a position
    assert points[-1]["exact"][0] > 0.8


def test_each_task_has_an_example_and_its_settings_are_choices():
    words = {
        "sorted": "sort: 3 1 4 → ",
        "reversed": "reverse: 3 1 4 → ",
        "maxmin_dup": "largest, smallest, and the rest: 3 1 4 → ",
        "copy": "copy: 3 1 4 → ",
        "rotated": "first to the end: 3 1 4 → ",
        "running_sum": "running sum: 3 1 4 → ",
        "added": "add two numbers: 1 2 3 4 → ",
    }
    settings = training_settings()
    tasks = settings["task"][1]
    assert [*words, "pairs"] == [*tasks] == [*names_in("network/symbols.js", "PATTERNS"), "pairs"]
    for task, text in words.items():
        question = {"pattern": task, "sources": [[int(digit) for digit in text if digit.isdigit()]], "largest": 9}
        ((target,),) = ask(("targets", question), module="run/pairs.js")
        assert tasks[task][0] == text + spaced(target)
    own = {task: dict(changes) for task, (_, changes) in tasks.items() if changes}
    assert own == {
        "running_sum": {"units": "32", "rate": "0.03"},
        "added": {"length": "1-5", "units": "64"},
        "pairs": {"units": "32"},
    }
    assert all(value in settings[name][1] for changes in own.values() for name, value in changes.items())
    assert [*settings["cell"][1]] == [*CELL_ALIASES]


def test_no_source_of_exact_match_is_trained_on_and_sources_have_the_lengths_of_the_task():
    course = run_course(20, task="added", length="1-5", units="8")
    sources = {tuple(source) for batch in course["batches"] for source in batch["sources"]}
    drawn = [tuple(source) for batch in course["task"]["heldOut"] for source in batch["sources"]]
    held_out = {*drawn}
    assert {len(source) for source in sources} == {len(source) for source in held_out} == {2, 4}
    assert len(held_out) == len(drawn) == 10 + 100  # at most a tenth of the sources of a length
    assert not sources & held_out
    assert all(len({*map(len, batch["sources"])}) == 1 for batch in course["batches"])  # so that no batch needs padding


def mixed_hash(text):
    """FNV-1a of 32 bits, and the last step of MurmurHash 3."""
    h = 2166136261
    for character in text:
        h = (h ^ ord(character)) * 16777619 % 2**32
    h = (h ^ h >> 16) * 2246822507 % 2**32
    h = (h ^ h >> 13) * 3266489909 % 2**32
    return h ^ h >> 16


def held_out_sources(sources):
    """Every tenth source, from the sixth, in the order of length and hash."""
    return sorted(set(sources), key=lambda source: (len(source), mixed_hash("\n".join(source))))[5::10]


def test_of_pairs_every_tenth_source_is_held_out_and_each_other_pair_is_drawn_once_in_an_epoch():
    held_out = held_out_sources(SOURCES)
    others = [f"{source}\t{source}d" for source in (*held_out[:3], *SOURCES[7:40])]  # second targets
    lines = PAIRS.splitlines() + others + PAIRS.splitlines()[:5]
    pairs = {*map(tuple, (line.split("\t") for line in lines))}
    training = sorted(pair for pair in pairs if pair[0] not in held_out)
    lengths = [len(source) for source, _ in training]
    n_batches = sum(math.ceil(lengths.count(length) / 32) for length in {*lengths})
    course = run_course(3 * n_batches, "\n".join(lines), units="8")
    task = course["task"]
    names = ["a", "b", "c", "d"]
    assert [task[side]["symbols"] for side in ("source", "target")] == [names[:3], names]

    def texts(batch):
        """The pairs of a batch, whose targets are padded after END."""
        ends = [target.index(len(names)) for target in batch["targets"]]
        sides = [
            zip(batch["sources"], map(len, batch["sources"]), strict=True),
            zip(batch["targets"], ends, strict=True),
        ]
        assert all({*target[end + 1 :]} <= {-1} for target, end in zip(batch["targets"], ends, strict=True))
        return [*zip(*(["".join(names[n] for n in side[:end]) for side, end in both] for both in sides), strict=True)]

    assert sorted(pair for batch in task["heldOut"] for pair in texts(batch)) == sorted(pairs - {*training})
    assert task["nHeldOut"] == len(held_out)
    assert {i for batch in task["heldOut"] for i in batch["ids"]} == {*range(len(held_out))}
    epochs = [course["batches"][n : n + n_batches] for n in range(0, 3 * n_batches, n_batches)]
    assert all(sorted(pair for batch in epoch for pair in texts(batch)) == training for epoch in epochs)
    assert epochs[0] != epochs[1]
    for batch in [*course["batches"], *task["heldOut"]]:
        assert len({*map(len, batch["sources"])}) == len({*map(len, batch["targets"])}) == 1
        assert len(batch["sources"]) <= 32


def test_a_held_out_pair_with_an_unknown_symbol_is_wrong_and_one_of_several_targets_is_enough():
    held_out = held_out_sources(SOURCES)
    lines = [f"{source}\t{'z' if source == held_out[1] else source[0]}" for source in SOURCES]
    lines += [f"{held_out[0]}\tbcbc"]
    points = run_course(150, "\n".join(lines), units="16", rate="0.03")["points"]
    exact = [point["exact"][0] for point in points]
    assert exact[0] < max(exact) == exact[-1] == (len(held_out) - 1) / len(held_out)
    assert points[-1]["positions"][0] == [round(exact[-1], 3)] * 2 + [0] * 3  # the second target has five positions
