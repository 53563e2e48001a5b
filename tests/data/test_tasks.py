from dataclasses import replace

import numpy as np
import pytest
from helpers import pairs_of_arrays

from seq2seq_demo.config import ModelConfig, TrainConfig
from seq2seq_demo.data.pair_task import PairTask
from seq2seq_demo.data.pattern_task import find_pattern
from seq2seq_demo.data.tasks import as_task
from seq2seq_demo.errors import UsageError


def test_values_that_become_tasks():
    assert as_task("sorted") == find_pattern("sorted")
    own = PairTask("mine", pairs_of_arrays(np.array([[1, 2]]), np.array([[3]])))
    assert as_task(own) is own
    for value in (own.pairs, [([1, 2], [3])], iter([((1, 2), (3,))])):
        assert as_task(value).digest == own.digest


def test_the_fingerprint_depends_on_symbols_and_lengths():
    model, config = ModelConfig(), TrainConfig(in_len=5, out_len=5)
    running_sum = as_task("running_sum")
    changed = [
        running_sum.fingerprint(config, replace(model, out_max_int=8)),
        running_sum.fingerprint(config, replace(model, in_max_int=8)),
        running_sum.fingerprint(replace(config, in_len=6), model),
        running_sum.fingerprint(replace(config, out_len=4), model),
    ]
    assert len({running_sum.fingerprint(config, model), *changed}) == 5
    assert running_sum.fingerprint(replace(config, points=7, seed=3), model) not in changed


@pytest.mark.parametrize("value", [None, 5, 2.5])
def test_invalid_tasks_are_refused(value):
    with pytest.raises(UsageError, match=f"expected a pattern's name, a SequencePattern, or pairs .*, got {value}"):
        as_task(value)
