import numpy as np
import pytest

from seq2seq_demo.data.batches import Pairs
from seq2seq_demo.data.own_pairs import OwnPairs
from seq2seq_demo.data.sequence_pattern import find_pattern
from seq2seq_demo.data.tasks import as_task
from seq2seq_demo.errors import InputError, UsageError


def test_what_stands_for_a_task():
    assert as_task("sorted") == find_pattern("sorted")
    own = OwnPairs("mine", Pairs(np.array([[1, 2]]), np.array([[3]])))
    assert as_task(own) is own
    for given in (own.pairs, [([1, 2], [3])], iter([((1, 2), (3,))])):
        assert as_task(given).digest == own.digest
    with pytest.raises(UsageError, match="unknown pattern"):
        as_task("sort")
    with pytest.raises(InputError, match="pairs, row 0: expected a source and a target, as zip gives them, got 1"):
        as_task([1])


@pytest.mark.parametrize("what", [None, 5, 2.5])
def test_what_is_no_task(what):
    with pytest.raises(UsageError, match=f"expected a pattern's name, a SequencePattern, or pairs .*, got {what}"):
        as_task(what)
