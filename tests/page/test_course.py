"""The course of the page that trains, in Node: its initial weights, its sources, and equal bits."""

import numpy as np
import pytest
from helpers_page import ask, needs_node

from seq2seq_demo.config import CELL_ALIASES, ModelConfig
from seq2seq_demo.network.parameters import initial_weights, uniform_limit, weight_shapes
from seq2seq_demo.page.training import MODELS, SETTINGS, training_data

pytestmark = [pytest.mark.slow, needs_node]
DEFAULTS = {name: value for name, (_, value, _) in SETTINGS.items()}


def run_course(steps=0, **settings):
    """Run a course for some steps in Node."""
    question = {"training": training_data(), "settings": DEFAULTS | settings, "steps": steps}
    return ask(("course", question), module="course.js")[0]


@pytest.mark.parametrize("cell", CELL_ALIASES)
def test_the_initial_weights_are_distributed_as_in_python(cell):
    before = run_course(units="32", cell=cell)["before"]
    for model, weights in zip(MODELS.values(), before, strict=True):
        config = ModelConfig(model, CELL_ALIASES[cell])
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


def test_equal_settings_give_equal_bits_and_other_seeds_others():
    first, second, other = (run_course(25, length="1-3", seed=seed) for seed in ("1", "1", "2"))
    assert first == second
    assert first["after"] != other["after"]
    assert first["kept"] == [0, 5, 7, 10, 14, 20]
    assert [point["samples"] for point in first["points"]] == [0, 640]
    assert first["points"][1]["loss"][0] < np.log(11)


def test_no_source_of_exact_match_is_trained_on_and_sources_have_the_lengths_of_the_task():
    course = run_course(20, task="added", length="1-5", units="8")
    sources = {tuple(source) for batch in course["batches"] for source in batch}
    held_out = {*map(tuple, course["heldOut"])}
    assert {len(source) for source in sources} == {len(source) for source in held_out} == {2, 4}
    assert len(held_out) == len(course["heldOut"]) == 10 + 50  # at most a tenth of the sources of a length
    assert not sources & held_out
    assert all(len({*map(len, batch)}) == 1 for batch in course["batches"])  # so that no batch needs padding
